"""Transformers over video: VideoMAE, V-JEPA 2, TimeSformer."""

from dataclasses import dataclass
from typing import Any, ClassVar

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from marey.core.config import strict
from marey.encoders.hub import HubConfig, HubGuest
from marey.encoders.look import IMAGENET, Colours, Look

Video = Float[Tensor, "B 3 T H W"]
Tokens = Float[Tensor, "B L D"]
Arranged = Float[Tensor, "B t P D"]


class VideoMAE(HubGuest):
    """Tong et al., arXiv 2203.12602. A frame of features stands for `tubelet_size` frames."""

    name = "videomae"
    licence = "CC-BY-NC-4.0 (MCG-NJU's weights)"
    colours = IMAGENET
    towers: ClassVar = {
        "VideoMAEModel": "",
        "VideoMAEForPreTraining": "videomae",
        "VideoMAEForVideoClassification": "videomae",
    }

    def looks(self, config: Any, colours: Colours) -> Look:
        return Look(config.num_frames, (config.image_size, config.image_size), colours=colours)

    def run(self, video: Video) -> Any:
        return self.tower(video.transpose(1, 2), output_hidden_states=True)

    def arranged(self, tokens: Tokens, clips: int) -> Arranged:
        config = self.tower.config
        return rearrange(tokens, "b (t p) d -> b t p d", b=clips, t=config.num_frames // config.tubelet_size)


class VJEPA2(HubGuest):
    """Assran et al., arXiv 2506.09985. It was trained on 16 and 64 frames; its places rotate, so that 16 do."""

    name = "vjepa2"
    licence = "MIT (Meta's weights)"
    colours = IMAGENET
    towers: ClassVar = {"VJEPA2Model": "", "VJEPA2ForVideoClassification": "vjepa2"}

    def looks(self, config: Any, colours: Colours) -> Look:
        return Look(min(16, config.frames_per_clip), (config.crop_size, config.crop_size), colours=colours)

    def run(self, video: Video) -> Any:
        return self.tower(video.transpose(1, 2), skip_predictor=True, output_hidden_states=True)

    def arranged(self, tokens: Tokens, clips: int) -> Arranged:
        config, frames = self.tower.config, self.look.frames
        assert frames is not None
        return rearrange(tokens, "b (t p) d -> b t p d", b=clips, t=frames // config.tubelet_size)


class TimeSformer(HubGuest):
    """Bertasius et al., arXiv 2102.05095."""

    name = "timesformer"
    licence = "CC-BY-NC-4.0 (Meta's weights)"
    colours = Colours((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))
    towers: ClassVar = {"TimesformerModel": "", "TimesformerForVideoClassification": "timesformer"}

    def looks(self, config: Any, colours: Colours) -> Look:
        return Look(config.num_frames, (config.image_size, config.image_size), colours=colours)

    def run(self, video: Video) -> Any:
        return self.tower(video.transpose(1, 2), output_hidden_states=True)

    def arranged(self, tokens: Tokens, clips: int) -> Arranged:
        """The first token is the class; then come the frames of the first place, those of the second, and so on."""
        return rearrange(tokens[:, 1:], "b (p t) d -> b t p d", b=clips, t=self.tower.config.num_frames)


@strict
@dataclass(frozen=True)
class VideoMAEConfig(HubConfig):
    """For example MCG-NJU/videomae-base."""

    guest = VideoMAE


@strict
@dataclass(frozen=True)
class VJEPA2Config(HubConfig):
    """For example facebook/vjepa2-vitl-fpc64-256."""

    guest = VJEPA2


@strict
@dataclass(frozen=True)
class TimeSformerConfig(HubConfig):
    """For example facebook/timesformer-base-finetuned-k400."""

    guest = TimeSformer
