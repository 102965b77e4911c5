"""Transformers over images, frame by frame: CLIP, SigLIP 2, DINOv2 and DINOv3."""

from dataclasses import dataclass
from math import isqrt
from typing import Any, ClassVar

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from marey.core.config import strict
from marey.encoders.frames import Frames, images
from marey.encoders.guest import Features, Weights
from marey.encoders.hub import HubConfig, HubGuest
from marey.encoders.look import IMAGENET, SIGNED, Colours, Look

Video = Float[Tensor, "B 3 T H W"]
Tokens = Float[Tensor, "N L D"]
Arranged = Float[Tensor, "B t P D"]


class ImageGuest(HubGuest):
    """Also has `pooled`: the one vector by which the network itself sums an image up."""

    framewise = True

    def __init__(self, tower: nn.Module, weights: Weights, colours: Colours, source: str):
        super().__init__(tower, weights, colours, source)
        self.taps, self.widths = (*self.taps, "pooled"), (*self.widths, self.widths[0])

    def looks(self, config: Any, colours: Colours) -> Look:
        return Look(size=(config.image_size, config.image_size), colours=colours)

    def run(self, video: Video) -> Any:
        return self.seen(images(video))

    def seen(self, frames: Frames) -> Any:
        """The network's own output for images."""
        return self.tower(frames, output_hidden_states=True)

    @property
    def leading(self) -> int:
        """Tokens before those of the patches."""
        return 1

    def arranged(self, tokens: Tokens, clips: int) -> Arranged:
        return rearrange(tokens[:, self.leading :], "(b t) p d -> b t p d", b=clips)

    def read(self, video: Video, taps: tuple[str, ...]) -> Features:
        output = self.run(video)
        found = self.over_patches(output, taps, len(video))
        if "pooled" in taps:
            found["pooled"] = output.pooler_output.unflatten(0, (len(video), -1))
        return found


class CLIP(ImageGuest):
    """Radford et al., arXiv 2103.00020; its eyes alone."""

    name = "clip"
    licence = "MIT (OpenAI's weights)"
    colours = Colours((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
    towers: ClassVar = {
        "CLIPModel": "vision_model",
        "CLIPVisionModel": "",
        "CLIPVisionModelWithProjection": "vision_model",
    }


class SigLIP2(ImageGuest):
    """Tschannen et al., arXiv 2502.14786, of fixed size or (NaFlex) given as patches; its eyes alone."""

    name = "siglip2"
    licence = "Apache-2.0 (Google's weights)"
    colours = SIGNED
    towers: ClassVar = {
        "SiglipModel": "vision_model",
        "SiglipVisionModel": "",
        "Siglip2Model": "vision_model",
        "Siglip2VisionModel": "",
    }

    def looks(self, config: Any, colours: Colours) -> Look:
        patches = getattr(config, "num_patches", None)  # of NaFlex, which has no size of its own
        side = config.image_size if patches is None else isqrt(patches) * config.patch_size
        return Look(size=(side, side), colours=colours)

    def seen(self, frames: Frames) -> Any:
        if not hasattr(self.tower.config, "num_patches"):
            return super().seen(frames)
        size = self.tower.config.patch_size
        patches = rearrange(frames, "n c (h p) (w q) -> n (h w) (p q c)", p=size, q=size)
        grid = torch.tensor([[length // size for length in frames.shape[2:]]] * len(frames), device=frames.device)
        mask = torch.ones(patches.shape[:2], dtype=torch.int64, device=frames.device)
        return self.tower(patches, pixel_attention_mask=mask, spatial_shapes=grid, output_hidden_states=True)

    @property
    def leading(self) -> int:
        return 0


class DINO(ImageGuest):
    """DINOv2 (Oquab et al., arXiv 2304.07193) and DINOv3 (Siméoni et al., arXiv 2508.10104)."""

    name = "dino"
    licence = "Apache-2.0 (DINOv2), DINOv3 License (DINOv3): Meta's weights"
    colours = IMAGENET
    towers: ClassVar = {
        "Dinov2Model": "",
        "Dinov2ForImageClassification": "dinov2",
        "Dinov2WithRegistersModel": "",
        "DINOv3ViTModel": "",
    }

    @property
    def leading(self) -> int:
        return 1 + getattr(self.tower.config, "num_register_tokens", 0)


@strict
@dataclass(frozen=True)
class CLIPConfig(HubConfig):
    """For example openai/clip-vit-base-patch32."""

    guest = CLIP


@strict
@dataclass(frozen=True)
class SigLIP2Config(HubConfig):
    """For example google/siglip2-base-patch16-224."""

    guest = SigLIP2


@strict
@dataclass(frozen=True)
class DINOConfig(HubConfig):
    """For example facebook/dinov2-base."""

    guest = DINO
