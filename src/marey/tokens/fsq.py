"""Finite scalar quantization (arXiv 2309.15505), and the same again on what it left over."""

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn
from vector_quantize_pytorch import FSQ, ResidualFSQ

from marey.core.config import LATER, strict
from marey.core.errors import UserError
from marey.tokens.quantizer import Quantized, Quantizer, exactly
from marey.tokens.slow import slow_features

_MARGIN = 1.03  # between the outermost latents seen and the ends of the range
_KNOTS = 129  # of the broken lines by which levels are laid evenly
_RISE = 1e-3  # from one end to the other at least, also where many latents are alike
_MOST_SORTED = 1 << 20  # latents for their quantiles
_MOST_IN_A_STAGE = 1 << 16  # codes: the library keeps a table of them


@strict
@dataclass(frozen=True)
class FSQConfig:
    """Finite scalar quantization (arXiv 2309.15505): each of a few numbers is rounded to one of its levels.

    even_weight: of how unevenly the latents fill the range; a small codebook needs it, or `even`, to be used. None for
    nothing.
    slow: whether the digits are told apart when training ends, by how fast they change (see `FSQuantizer.settle`).
    even: whether levels are then laid where the latents are, as many latents to each: a small codebook is used that
    way. A code is no straight line in a latent any more.
    """

    ordinal: ClassVar[bool] = True

    kind: Literal["fsq"] = "fsq"
    levels: tuple[int, ...] = (1024, 1024, 1024)
    even_weight: float | None = None  # None, so that runs from before this field can be taken up again
    slow: bool = field(default=False, metadata=LATER)
    even: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        _refuse_weight(self.even_weight)
        if self.even and not self.slow:
            raise UserError("quantizer.even=True lays levels when digits settle; give quantizer.slow=True as well")
        if math.prod(self.levels) >= 1 << 63:
            raise UserError(f"quantizer.levels={self.levels}: keep the codebook under 2**63 codes")
        if not self.levels or min(self.levels) < 3:  # the library has no two levels
            raise UserError(f"quantizer.levels={self.levels}: give at least one level count, each 3 or more")

    @property
    def channels(self) -> int:
        return len(self.levels)

    def build(self) -> "FSQuantizer":
        return FSQuantizer(self)


class FSQuantizer(Quantizer):
    """FSQ over `len(levels)` channels."""

    def __init__(self, config: FSQConfig):
        super().__init__(config.channels, config.levels, config.ordinal)
        self.even_weight = config.even_weight
        # Clamped, not squashed: a code is then a straight line in its latent. The library's indices are sums in float32
        # and exact for small codebooks only, so they are counted here.
        self.fsq = FSQ(list(config.levels), return_indices=False, bound_hard_clamp=True)
        self.settles = config.slow
        self.directions = Directions(config.levels, config.even) if config.slow else None

    def forward(self, latents: Float[Tensor, "B D t h w"]) -> Quantized:
        passed, _ = self.fsq(self.directions.along(latents) if self.directions else latents)
        half = self.counts // 2
        digits = (passed.detach().movedim(1, -1) * half + half).round().long()
        # The library stretches the range by a thousandth, which at its ends is a level too many where there are 1000.
        indices = self.join(digits.clamp(min=0).minimum(self.counts - 1))
        loss = _uneven_loss(latents, self.even_weight if self.training else None)
        codes = self.directions.back(passed) if self.directions else passed
        return Quantized(exactly(self.lookup(indices), codes), indices, loss)

    def lookup(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B D t h w"]:
        half = self.counts // 2
        codes = ((self.split(indices) - half) / half).movedim(-1, 1)
        return self.directions.back(codes) if self.directions else codes

    def settle(self, latents: Float[Tensor, "B D t h w"]) -> None:
        """Round along other axes from now on: slow features, slowest first, each stretched to fill its range, or bent
        to fill it evenly.

        A code means what it meant before; only which digit says what changes. Digits as they are learned all tell of
        everything at once, and digits drawn one by one then seldom agree. latents: of enough clips to know their range.
        """
        assert self.directions, "this quantizer rounds along its latents' own directions"
        self.directions.settle(latents)


class Directions(nn.Module):
    """Along which FSQ rounds: the latents' own until they settle. even: bent, so that each level gets as many."""

    forth: Tensor
    inverse: Tensor
    centre: Tensor
    knots: Tensor
    numbers: Tensor
    codes: Tensor

    def __init__(self, levels: tuple[int, ...], even: bool):
        super().__init__()
        self.even, channels = even, len(levels)
        self.register_buffer("forth", torch.eye(channels))
        self.register_buffer("inverse", torch.eye(channels))
        self.register_buffer("centre", torch.zeros(channels))
        if even:
            # A share s of the latents ends at level s L - 1/2. The library rounds the number v to the level
            # half + v 1.001 (L - 1) / 2, whose code is (level - half) / half: two heights of one place.
            count = torch.tensor(levels)[:, None]
            above = torch.linspace(0, 1, _KNOTS) * count - 0.5 - count // 2
            self.register_buffer("numbers", above / (1.001 * (count - 1) / 2), persistent=False)
            self.register_buffer("codes", above / (count // 2), persistent=False)
            self.register_buffer("knots", above / (count // 2))

    def along(self, latents: Float[Tensor, "B D t h w"]) -> Float[Tensor, "B D t h w"]:
        straight = ((latents.movedim(1, -1) - self.centre) @ self.forth.T).movedim(-1, 1)
        return _bent(straight, self.knots, self.numbers) if self.even else straight

    def back(self, codes: Float[Tensor, "B D t h w"]) -> Float[Tensor, "B D t h w"]:
        straight = _bent(codes, self.codes, self.knots) if self.even else codes
        return (straight.movedim(1, -1) @ self.inverse.T + self.centre).movedim(-1, 1)

    @torch.no_grad()
    def settle(self, latents: Float[Tensor, "B D t h w"]) -> None:
        series = rearrange(latents.double(), "b d t h w -> (b h w) t d")
        rows = slow_features(series)
        values = series.flatten(0, 1) @ rows.T
        low, high = values.amin(dim=0), values.amax(dim=0)
        reach = ((high - low) / 2).clamp(min=1)  # of numbers with variance 1 it is more; one that never varies has none
        forth = rows / (reach * _MARGIN)[:, None]
        inverse = torch.linalg.inv(forth)
        self.forth.copy_(forth)
        self.inverse.copy_(inverse)
        self.centre.copy_(torch.linalg.solve(rows, (low + high) / 2))
        if self.even:
            placed = (values - (low + high) / 2) / (reach * _MARGIN)
            shares = torch.linspace(0, 1, _KNOTS, dtype=placed.dtype, device=placed.device)
            some = torch.randperm(len(placed), generator=torch.Generator().manual_seed(0))[:_MOST_SORTED]
            knots = torch.quantile(placed[some.to(placed.device)], shares, dim=0).T
            self.knots.copy_(knots + _RISE * self.codes)


def _bent(
    values: Float[Tensor, "B D t h w"], x: Float[Tensor, "D K"], y: Float[Tensor, "D K"]
) -> Float[Tensor, "B D t h w"]:
    """Each channel through the broken line of its own that passes through (x, y)."""
    rows = values.movedim(1, 0).flatten(1).contiguous()
    last = torch.searchsorted(x, rows, right=True).clamp(1, x.shape[1] - 1)
    (x0, y0), (x1, y1) = ((x.gather(1, k), y.gather(1, k)) for k in (last - 1, last))
    bent = y0 + (rows - x0) * (y1 - y0) / (x1 - x0)
    return bent.unflatten(1, values.movedim(1, 0).shape[1:]).movedim(0, 1)


@strict
@dataclass(frozen=True)
class ResidualFSQConfig:
    """FSQ in stages: each rounds, ever finer, what the stages before it left over (arXiv 2107.03312, algorithm 1).

    stage: the levels of one stage. An index has the digits of the first, coarsest stage first. even_weight: as in
    `FSQConfig`.
    """

    ordinal: ClassVar[bool] = True

    kind: Literal["residual_fsq"] = "residual_fsq"
    stage: tuple[int, ...] = (8, 8, 8)
    stages: int = 2
    even_weight: float | None = None

    def __post_init__(self) -> None:
        _refuse_weight(self.even_weight)
        if not self.stage or min(self.stage) < 2:
            raise UserError(f"quantizer.stage={self.stage}: give at least one level count, each 2 or more")
        if math.prod(self.stage) > _MOST_IN_A_STAGE:
            raise UserError(f"quantizer.stage={self.stage}: keep a stage within {_MOST_IN_A_STAGE} codes, add stages")
        if self.stages < 1 or math.prod(self.levels) >= 1 << 63:
            raise UserError(f"quantizer.stages={self.stages}: give 1 or more, and keep the codebook under 2**63 codes")

    @property
    def channels(self) -> int:
        return len(self.stage)

    @property
    def levels(self) -> tuple[int, ...]:
        return self.stage * self.stages

    def build(self) -> "ResidualFSQuantizer":
        return ResidualFSQuantizer(self)


class ResidualFSQuantizer(Quantizer):
    """Residual FSQ over `len(stage)` channels."""

    places: Tensor

    def __init__(self, config: ResidualFSQConfig):
        super().__init__(config.channels, config.levels, config.ordinal)
        self.size, self.even_weight = math.prod(config.stage), config.even_weight
        self.fsq = ResidualFSQ(levels=list(config.stage), num_quantizers=config.stages)
        self.register_buffer("places", self.size ** torch.arange(config.stages), persistent=False)

    def forward(self, latents: Float[Tensor, "B D t h w"]) -> Quantized:
        shape, loss = latents.shape, _uneven_loss(latents, self.even_weight if self.training else None)
        passed, numbers = self.fsq(latents.flatten(2).transpose(1, 2))
        indices = (numbers * self.places).sum(dim=-1).view(shape[0], *shape[2:])
        passed = passed.transpose(1, 2).view(shape)
        return Quantized(exactly(self.lookup(indices), passed), indices, loss)

    def lookup(self, indices: Int64[Tensor, "B t h w"]) -> Float[Tensor, "B D t h w"]:
        numbers = indices.flatten(1)[..., None] // self.places % self.size
        codes = self.fsq.get_output_from_indices(numbers)
        return codes.transpose(1, 2).unflatten(2, indices.shape[1:])


def unevenness(latents: Float[Tensor, "B D t h w"]) -> Float[Tensor, ""]:
    """How far the latents of a batch are from filling [-1, 1]^D evenly: the squared distance (Wasserstein) of each
    channel's values from evenly spaced ones, and the channels' squared correlations.
    """
    values = latents.movedim(1, 0).flatten(1)
    channels, count = values.shape
    even = (torch.arange(count, device=values.device) + 0.5) / count * 2 - 1
    apart = (values.sort(dim=1).values - even).square().mean()
    centred = values - values.mean(dim=1, keepdim=True)
    unit = centred / (centred.norm(dim=1, keepdim=True) + 1e-6)
    together = (unit @ unit.T - torch.eye(channels, device=values.device)).square().sum()
    return apart + together / max(1, channels * (channels - 1))


def _uneven_loss(latents: Float[Tensor, "B D t h w"], weight: float | None) -> Float[Tensor, ""]:
    return latents.new_zeros(()) if weight is None else weight * unevenness(latents)


def _refuse_weight(weight: float | None) -> None:
    if weight is not None and not 0 <= weight < math.inf:
        raise UserError(f"quantizer.even_weight={weight}: give 0 or more, or leave it out")
