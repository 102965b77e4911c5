"""What users hand to a model: taken if the model can take it, else one line says why not."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from marey.core.errors import UserError
from marey.core.numbers import whole_number
from marey.world.laws import BASE_LAWS, law_index


@dataclass(frozen=True)
class Shape:
    """Of the clips a model works on."""

    channels: int
    frames: int
    size: int


def checked_video(video: object, name: str, shape: Shape, frames: int | None = None) -> Float[Tensor, "B C T H W"]:
    """A batch of clips, or of parts of them; frames: how many, if not any number."""
    if not isinstance(video, Tensor) or not video.is_floating_point():
        kind = video.dtype if isinstance(video, Tensor) else type(video).__name__
        raise UserError(f"{name} is {kind}; give a float tensor in [-1, 1] (uint8 / 127.5 - 1)")
    if video.ndim != 5 or (video.shape[1], *video.shape[3:]) != (shape.channels, shape.size, shape.size):
        takes = ", ".join(map(str, (shape.channels, frames or "T", shape.size, shape.size)))
        raise UserError(f"{name} has shape {tuple(video.shape)}; this model takes (B, {takes})")
    if frames is not None and video.shape[2] != frames:
        raise UserError(f"{name} has {video.shape[2]} frames; this model takes {frames}")
    if video.shape[2] == 0 or len(video) == 0:
        raise UserError(f"{name} is empty; give at least one clip of one frame")
    if not (video.abs() <= 1).all():  # NaN fails too
        raise UserError(f"{name} has values outside [-1, 1]; scale pixels as uint8 / 127.5 - 1")
    return video


def checked_labels(law: object, n: int) -> Int64[Tensor, "B"]:
    """One label per clip, each that of a law: from a name, a label, or a tensor of labels."""
    if not isinstance(law, Tensor):
        return torch.full((n,), law_index(law, BASE_LAWS))  # type: ignore[arg-type]
    if law.dtype != torch.int64 or law.shape != (n,) or n == 0:
        raise UserError(f"law is {law.dtype} of shape {tuple(law.shape)}; give int64 labels, one per clip")
    for label in law.unique().tolist():
        law_index(label, BASE_LAWS)
    return law


def checked_seed(seed: object) -> int:
    """A whole number from 0 to 2**63 - 1."""
    return whole_number(seed, "seed", 0, 2**63 - 1)


def checked_total(total: int, parts: str, frames: int) -> int:
    """Frames of a clip put together from parts."""
    if total > frames:
        raise UserError(f"{parts}: together more than the {frames} frames that this model knows; use rollout")
    return total


def checked_shown(shown: object, n: int, shape: Shape) -> Bool[Tensor, "B T h w"]:
    """What is shown of n clips, from a mask over their frames or over their pixels."""
    frames, size = shape.frames, shape.size
    takes = f"give torch.bool of shape ({frames},) or ({n}, {frames}, {size}, {size}), True where shown"
    if not isinstance(shown, Tensor) or shown.dtype != torch.bool:
        kind = shown.dtype if isinstance(shown, Tensor) else type(shown).__name__
        raise UserError(f"shown is {kind}; {takes}")
    if tuple(shown.shape) == (frames,):
        return shown[None, :, None, None].expand(n, -1, 1, 1)
    if tuple(shown.shape) != (n, frames, size, size):
        raise UserError(f"shown has shape {tuple(shown.shape)}; {takes}")
    return shown


def checked_tokens(hidden: object, grid: tuple[int, int, int]) -> Bool[Tensor, "t h w"]:
    """Tokens hidden by hand."""
    if not isinstance(hidden, Tensor) or hidden.dtype != torch.bool or tuple(hidden.shape) != grid:
        kind = f"{hidden.dtype} of shape {tuple(hidden.shape)}" if isinstance(hidden, Tensor) else type(hidden).__name__
        raise UserError(f"hidden_tokens is {kind}; give torch.bool of shape {grid}, True where hidden")
    return hidden
