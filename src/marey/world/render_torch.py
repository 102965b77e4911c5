"""The renderer on tensors, for GPUs: the same whole-number arithmetic as `plain.py`, hence the same bytes.

One line of every pixel row at a time, so that memory stays near that of the clips in 64-bit words: give a few hundred
clips at once.
"""

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import torch
from jaxtyping import Int32, Int64, UInt8
from torch import Tensor

from marey.world.kernels import FULL, GRID, LINES, TINY
from marey.world.look import DRIFT, GRADIENT, IMAGE, TEXTURE, Picture
from marey.world.plain import occluder_pixels

_WORD = (1 << 32) - 1


def draw_on(
    device: torch.device,
    discs: Int32[np.ndarray, "n K M F 4"],
    picture: Picture,
    height: int,
    width: int,
    camera: int = 0,
) -> UInt8[Tensor, "n T H W C"]:
    """What `render.draw` draws, byte for byte, as a tensor on `device`."""
    values = {
        field.name: _on(device, getattr(picture, field.name)) for field in fields(picture) if field.name != "images"
    }
    values["image"] = _on(device, picture.image)
    values["occluders"] = _on(device, occluder_pixels(picture, height, width))
    paint = SimpleNamespace(**values)
    frames = _with_bodies(_on(device, discs[:, camera]), paint, height, width)
    n, moments = frames.shape[:2]
    exposures = paint.moments.shape[1]
    if exposures > 1:
        frames = frames.reshape(n, moments // exposures, exposures, height, width, -1).sum(dim=2)
        frames = (frames + exposures // 2) // exposures
    y, x = torch.arange(height, device=device)[:, None], torch.arange(width, device=device)
    for i in range(paint.cover.shape[1]):
        left, top, right, bottom = paint.occluders[:, i, :, None, None].unbind(1)
        hides = (y >= top) & (y < bottom) & (x >= left) & (x < right)
        frames = torch.where(hides[:, None, ..., None], paint.cover[:, i, None, None, None], frames)
    return _sensed(frames, paint, camera).to(torch.uint8)


def _on(device: torch.device, values: np.ndarray) -> Int64[Tensor, "..."]:
    return torch.from_numpy(values.astype(np.int64)).to(device)


def _with_bodies(
    discs: Int64[Tensor, "n M F 4"], paint: SimpleNamespace, height: int, width: int
) -> Int64[Tensor, "n F H W C"]:
    """The background, and the bodies drawn over it from far to near."""
    n, bodies, moments = discs.shape[:3]
    frames = _background(paint, height, width)[:, None].expand(n, moments, height, width, -1)
    order = torch.sort(discs[..., 3], dim=1, descending=True, stable=True).indices
    rows = torch.arange(n, device=discs.device)[:, None]
    for rank in range(bodies):
        body = order[:, rank]
        disc = discs[rows, body, torch.arange(moments, device=discs.device)]
        colour = paint.ink[rows, body][:, :, None, None]
        if paint.shading.any():
            white = _lit(disc, paint.shading[rows, body], paint.light, height, width)[..., None]
            colour = colour + ((255 - colour) * white + 128 >> 8)
        frames = _mixed(frames, colour, _shares(disc, height, width)[..., None])
    return frames


def _background(paint: SimpleNamespace, height: int, width: int) -> Int64[Tensor, "n H W C"]:
    """See `plain.background`."""
    device = paint.seed.device
    y, x = torch.arange(height, device=device)[:, None], torch.arange(width, device=device)
    kind, share = paint.backdrop[:, None, None], torch.zeros((), dtype=torch.int64, device=device)
    if (kind == GRADIENT).any():
        across, down = paint.slope[:, :, None, None].unbind(1)
        most = (across.abs() * width + down.abs() * height).clamp(min=1)
        slope = (across * (2 * x + 1 - width) + down * (2 * y + 1 - height) + most) * FULL // (2 * most)
        share = torch.where(kind == GRADIENT, slope, share)
    if (kind == TEXTURE).any():
        share = torch.where(kind == TEXTURE, _texture(paint, y, x, width), share)
    share = share.expand(len(kind), height, width)[..., None]
    frames = _mixed(paint.paper[:, None, None], paint.shade[:, None, None], share)
    if (kind == IMAGE).any():
        frames = torch.where(kind[..., None] == IMAGE, paint.image, frames)
    return frames


def _texture(paint: SimpleNamespace, y: Int64[Tensor, "H 1"], x: Int64[Tensor, "W"], width: int) -> Tensor:
    """See `plain._texture`."""
    key = _hash(torch.zeros_like(paint.seed), paint.seed)[:, None, None]
    x, y = ((2 * place + 1) * paint.cells[:, None, None] * 128 // width for place in (x, y))
    corner = [[_hash(((y >> 8) + i << 16) + (x >> 8) + j, key) >> 24 for j in (0, 1)] for i in (0, 1)]
    x, y = x & 255, y & 255
    upper, lower = ((256 - x) * left + x * right for left, right in corner)
    return (256 - y) * upper + y * lower >> 12


def _hash(counter: Int64[Tensor, "..."], key: Int64[Tensor, "..."]) -> Int64[Tensor, "..."]:
    """See `plain.hash32`."""
    bits = counter ^ key
    bits = (bits ^ bits >> 16) * 0x21F0AAAD & _WORD
    bits = ((bits ^ bits >> 15) + key & _WORD) * 0x735A2D97 & _WORD
    return bits ^ bits >> 15


def _mixed(below: Tensor, above: Tensor, share: Tensor) -> Tensor:
    return share * above + (FULL - share) * below + FULL // 2 >> 12


def _root(square: Int64[Tensor, "..."]) -> Int64[Tensor, "..."]:
    """floor(sqrt(square)), 0 for negative numbers; double precision is exact below 2^52."""
    return square.clamp(min=0).double().sqrt().floor().long()


def _shares(disc: Int64[Tensor, "n F 4"], height: int, width: int) -> Int64[Tensor, "n F H W"]:
    """See `plain.shares`."""
    u, v, radius = (2 * disc[..., i, None] for i in range(3))
    rows = 2 * GRID * torch.arange(height, device=disc.device)
    columns = 2 * GRID * torch.arange(width, device=disc.device)
    total = disc.new_zeros(*disc.shape[:2], height, width)
    for line in range(LINES):
        inside = radius**2 - (rows + (2 * line + 1) * GRID // LINES - v) ** 2
        half = torch.where(radius <= 2 * TINY, _root(4 * inside) + 1 >> 1, _root(inside))
        left, right = (u - half)[..., None], (u + half)[..., None]
        total += (torch.minimum(right, columns + 2 * GRID) - torch.maximum(left, columns)).clamp(min=0)
    return total + 1 >> 1


def _lit(
    disc: Int64[Tensor, "n F 4"], shading: Int64[Tensor, "n F"], light: Int64[Tensor, "n 3"], height: int, width: int
) -> Int64[Tensor, "n F H W"]:
    """See `plain._lit`."""
    u, v, radius = (2 * disc[..., i, None, None] for i in range(3))
    x = 2 * GRID * torch.arange(width, device=disc.device) + GRID - u
    y = 2 * GRID * torch.arange(height, device=disc.device)[:, None] + GRID - v
    z = _root(radius**2 - x**2 - y**2)
    across, down, near = light[:, :, None, None, None].unbind(1)
    most = 127 * radius.clamp(min=1)
    lit = (across * x + down * y + near * z).clamp(min=0)
    return shading[..., None, None] * torch.minimum(lit, most) // most


def _sensed(frames: Int64[Tensor, "n T H W C"], paint: SimpleNamespace, camera: int) -> Int64[Tensor, "n T H W C"]:
    """See `plain._sensed`."""
    count, deep = frames.shape[1], (slice(None), None, None, None, None)
    whole = DRIFT * max(count - 1, 1)
    gain = whole + paint.drift[:, None] * torch.arange(count, device=frames.device)
    frames = ((frames * gain[..., None, None, None] + whole // 2) // whole).clamp(0, 255)
    if not paint.noise.any():
        return frames
    place = torch.arange(frames[0].numel(), device=frames.device).reshape(frames.shape[1:]) & _WORD
    bits = _hash(place, _hash(torch.full_like(paint.seed, 1 + camera), paint.seed)[deep])
    total = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24) - 510
    return (frames + (total * paint.noise[deep] * 443 + (1 << 19) >> 20)).clamp(0, 255)
