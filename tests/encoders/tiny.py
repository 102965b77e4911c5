"""Tiny networks of every family that comes through transformers, with random weights, saved as the hub keeps them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

from marey.encoders.hub import HubConfig
from marey.encoders.hub_images import CLIPConfig, DINOConfig, SigLIP2Config
from marey.encoders.hub_video import TimeSformerConfig, VideoMAEConfig, VJEPA2Config

_SHAPE = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 16, "patch_size": 8}
_BODY = _SHAPE | {"intermediate_size": 48}
_TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 11}


def _saved(kind: type[Any], config: Any) -> Callable[[Path], Any]:
    def save(folder: Path) -> Any:
        torch.manual_seed(0)
        model = kind(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():  # some begin with zeros, through which nothing passes
                parameter.add_(0.05 * torch.randn(parameter.shape))
        model.save_pretrained(folder)
        return model

    return save


t = transformers
FAMILIES: dict[str, tuple[type[HubConfig], Callable[[Path], Any]]] = {
    "videomae": (
        VideoMAEConfig,
        _saved(t.VideoMAEForPreTraining, t.VideoMAEConfig(**_BODY, num_frames=4, decoder_hidden_size=16,
               decoder_num_hidden_layers=1, decoder_num_attention_heads=2, decoder_intermediate_size=16)),
    ),
    "vjepa2": (
        VJEPA2Config,
        _saved(t.VJEPA2Model, t.VJEPA2Config(**_SHAPE, crop_size=16, frames_per_clip=4, pred_hidden_size=24,
               pred_num_attention_heads=2, pred_num_hidden_layers=1, pred_num_mask_tokens=1)),
    ),
    "timesformer": (
        TimeSformerConfig,
        _saved(t.TimesformerForVideoClassification, t.TimesformerConfig(**_BODY, num_frames=3)),
    ),
    "clip": (
        CLIPConfig,
        _saved(t.CLIPModel, t.CLIPConfig(vision_config=_BODY, text_config=_TEXT, projection_dim=8)),
    ),
    "siglip": (
        SigLIP2Config,
        _saved(t.SiglipModel, t.SiglipConfig(vision_config=_BODY, text_config=_TEXT | {"projection_size": 32})),
    ),
    "siglip2": (
        SigLIP2Config,
        _saved(t.Siglip2VisionModel, t.Siglip2VisionConfig(**{name: number for name, number in _BODY.items()
               if name != "image_size"}, num_patches=4)),
    ),
    "dinov2": (DINOConfig, _saved(t.Dinov2Model, t.Dinov2Config(**_SHAPE, mlp_ratio=2))),
    "dinov3": (DINOConfig, _saved(t.DINOv3ViTModel, t.DINOv3ViTConfig(**_BODY, num_register_tokens=2))),
}  # fmt: skip
