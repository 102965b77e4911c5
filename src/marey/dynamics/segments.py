"""How a segment enters the transformer and leaves it: names by tables, digits as the ordinal numbers they are."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from marey.dynamics.sequence import Segment
from marey.train.precision import in_full

_PENALTIES = (1e-8, 1e-6, 1e-5, 1e-4)  # of the coefficients' squares: a digit's noise over their usual size, squared
_USUAL = 0.3  # distance of a number from its mean over a clip, rms
_HELD = 0.3  # numbers' worth of holding the scale of a motion to the usual
_LEAST = 0.03  # scale of a motion: what stands still must not be looked at through a microscope

Values = Int64[Tensor, "B n F"]
Mask = Bool[Tensor, "B n F"]
Tokens = Float[Tensor, "B n D"]
Polynomials = Float[Tensor, "B n F 4"]


@dataclass(frozen=True)
class Trends:
    """What is shown of each digit, summed up: polynomials through it, of degree 0 to 3, at all frames; and how far the
    digits of a place move, as a multiple of the usual.
    """

    polynomials: Polynomials
    scale: Float[Tensor, "B n 1"]


class Names(nn.Module):
    """Elements without order, such as a class, a code or its bits: tables of vectors in, a softmax for each out."""

    counts: Tensor
    rows: Tensor

    def __init__(self, segment: Segment, width: int):
        super().__init__()
        self.levels = segment.levels
        counts = torch.tensor(segment.levels)
        self.register_buffer("counts", counts, persistent=False)
        self.register_buffer("rows", (counts + 1).cumsum(dim=0) - counts - 1, persistent=False)  # of the table
        self.table = nn.Embedding(sum(segment.levels) + len(segment.levels), width)  # one row more each, for hidden
        self.read = nn.Linear(width, sum(segment.levels))
        # A hint (see Sequence) says so; task and class are never hinted at.
        self.hint = nn.Parameter(torch.randn(width)) if segment.grid else None

    def trends(self, _values: Values, _shown: Mask) -> None:
        """Names follow none."""

    @in_full
    def embed(self, values: Values, known: Mask, condition: Mask, _trends: None) -> Tokens:
        tokens = self.table(torch.where(known | condition, values, self.counts) + self.rows).sum(dim=-2)
        if self.hint is None:
            return tokens
        return tokens + self.hint * (condition & ~known).float().mean(dim=-1, keepdim=True)

    @in_full
    def logits(self, tokens: Tokens, _trends: None) -> Float[Tensor, "B n F V"]:
        most = max(self.levels)
        parts = [F.pad(each, (0, most - each.shape[-1]), value=-torch.inf) for each in self._each(tokens)]
        return torch.stack(parts, dim=2)

    @in_full
    def draw(self, tokens: Tokens, _trends: None, temperature: float, generator: torch.Generator | None) -> Values:
        logits = self.logits(tokens, None)
        return (logits + temperature * gumbel(logits, generator)).argmax(dim=-1)

    @in_full
    def nats(self, tokens: Tokens, _trends: None, targets: Values) -> Float[Tensor, "B n F"]:
        parts = zip(self._each(tokens), targets.unbind(dim=-1), strict=True)
        return torch.stack([F.cross_entropy(read.mT, target, reduction="none") for read, target in parts], dim=-1)

    def _each(self, tokens: Tokens) -> tuple[Float[Tensor, "B n _"], ...]:
        return self.read(tokens).split(self.levels, dim=-1)


@dataclass(frozen=True)
class Bells:
    """A mixture of M logistic distributions over [-1, 1] for each digit."""

    log_weight: Float[Tensor, "B n F M"]
    mean: Float[Tensor, "B n F M"]
    log_scale: Float[Tensor, "B n F M"]


class Digits(nn.Module):
    """Digits of FSQ indices: numbers that are near when their codes are near, and change little by little over time.

    Polynomials of degree 0 to 3 are fitted over time to what is shown of each digit: the mean makes a motion look alike
    wherever in the frame it happens (reversible instance norm, Kim et al. 2022), the others say where it would be if it
    went on evenly. In: the number, its waves, its distance from the polynomials. Out: a mixture of logistic
    distributions around a mixture of the polynomials, integrated over each level (PixelCNN++, arXiv 1701.05517): the
    network has only to say how the motion differs, a near miss costs little, and 1024 levels need no 1024 weights.
    scaled: distances are in units of how far the digits of the place move in what is shown of them, so that a motion
    also looks alike however large it is.
    """

    levels: Tensor
    rates: Tensor
    near_rates: Tensor
    powers: Tensor
    penalty: Tensor

    def __init__(self, segment: Segment, width: int, waves: int = 6, bells: int = 8, scaled: bool = False):
        super().__init__()
        self.frames, self.bells, self.scaled = segment.grid[0], bells, scaled
        digits, degrees = len(segment.levels), len(_PENALTIES)
        self.register_buffer("levels", torch.tensor(segment.levels, dtype=torch.float32), persistent=False)
        self.register_buffer("rates", math.pi * 2.0 ** torch.arange(-1, waves - 1), persistent=False)
        self.register_buffer("near_rates", math.pi * torch.tensor([2.0, 6.0]), persistent=False)
        self.register_buffer("powers", _legendre(torch.linspace(-1, 1, self.frames)), persistent=False)
        self.register_buffer("penalty", torch.tensor(_PENALTIES).diag(), persistent=False)
        self.enter = nn.Linear(digits * (9 + scaled + degrees + 2 * waves), width)
        self.read = nn.Linear(width, digits * bells * (3 + degrees))
        nn.init.normal_(self.read.weight, std=0.02)
        start = [torch.zeros(bells), torch.linspace(-0.5, 0.5, bells), torch.full((bells,), -2.0)]
        start += [torch.zeros(bells)] * degrees
        self.read.bias.data = torch.stack(start, dim=-1).repeat(digits, 1, 1).flatten()

    @torch.no_grad()
    @in_full
    def trends(self, values: Values, shown: Mask) -> Trends:
        """Polynomials of degree 0 to 3 through what is shown of each digit over time (ridge regression), and the scale.

        With P the basis at the shown frames, x their numbers and P' P + penalty = L L', the fit of degree d is the sum
        of the first d + 1 terms of (Q L^-T) (L^-1 P' x), Q the basis at all frames. Where little is shown, the higher
        degrees add little. In float64: three frames of thirty-two differ little in their powers.
        """
        shape, powers = (self.frames, -1), self.powers.double()
        weight = shown.double().unflatten(1, shape).flatten(2).transpose(1, 2)  # B, G, T
        number = self._numbers(values).unflatten(1, shape).flatten(2).transpose(1, 2)
        lower = torch.linalg.cholesky(torch.einsum("ti,bgt,tj->bgij", powers, weight, powers) + self.penalty)
        part = torch.linalg.solve_triangular(lower, ((number * weight) @ powers)[..., None], upper=False)
        basis = torch.linalg.solve_triangular(lower, powers.T.expand(*lower.shape[:2], -1, -1), upper=False)
        fits = (basis * part).cumsum(dim=2).clamp(-1.5, 1.5).float()  # B, G, 4, T
        fits = fits.permute(0, 3, 1, 2).unflatten(2, (-1, values.shape[-1])).flatten(1, 2)
        return Trends(fits, self._scale(number, weight) if self.scaled else torch.ones_like(fits[:, :, 0, :1]))

    def _scale(self, number: Float[Tensor, "B G T"], weight: Float[Tensor, "B G T"]) -> Float[Tensor, "B n 1"]:
        """Rms distance of what is shown of a place from its mean, over the usual one; 1 where one frame is shown."""
        places = (-1, len(self.levels))
        count = weight.sum(dim=2, keepdim=True)
        mean = (number * weight).sum(dim=2, keepdim=True) / count.clamp(min=1)
        squares = ((number - mean) * weight).square().sum(dim=2).unflatten(1, places).sum(dim=2)
        free = (count[..., 0] - 1).clamp(min=0).unflatten(1, places).sum(dim=2)
        scale = ((squares / _USUAL**2 + _HELD) / (free + _HELD)).sqrt().clamp(min=_LEAST).float()
        return scale.repeat(1, self.frames)[..., None]

    @in_full
    def embed(self, values: Values, known: Mask, condition: Mask, trends: Trends) -> Tokens:
        shown = (known | condition).float()
        number = self._numbers(values) * shown
        fits, near = trends.polynomials, 1 / trends.scale
        anchor = fits[..., 0]
        offset = (number - anchor) * shown * near
        features = [shown, known.float(), number, 4 * offset, anchor, 32 * (number - fits[..., 3]) * shown * near]
        features += list((4 * (fits[..., 1:] - fits[..., :1]) * near[..., None]).unbind(dim=-1))
        features += [trends.scale.log().expand_as(shown)] if self.scaled else []
        for base, rates in ((number, self.rates), (offset, self.near_rates)):
            angles = base[..., None, :] * rates[:, None]
            features += [(wave(angles) * shown[..., None, :]).flatten(-2) for wave in (torch.sin, torch.cos)]
        return self.enter(torch.cat(features, dim=-1))

    @in_full
    def logits(self, tokens: Tokens, trends: Trends) -> Float[Tensor, "B n F V"]:
        levels = torch.arange(int(self.levels.max()), device=tokens.device)
        every = levels.expand(*trends.polynomials.shape[:-1], -1)
        mass = self._log_mass(self._outcome(tokens, trends), every)
        return mass.masked_fill(levels >= self.levels[:, None], -torch.inf)

    @in_full
    def draw(self, tokens: Tokens, trends: Trends, temperature: float, generator: torch.Generator | None) -> Values:
        return self._drawn(self._outcome(tokens, trends), temperature, generator)

    def _drawn(self, bells: Bells, temperature: float, generator: torch.Generator | None) -> Values:
        """A bell by its weight, then a place in it; at temperature 0 the middle of the highest bell."""
        height = bells.log_weight - bells.log_scale if temperature == 0 else bells.log_weight
        bell = (height + temperature * gumbel(height, generator)).argmax(dim=-1, keepdim=True)
        mean, log_scale = bells.mean.gather(-1, bell)[..., 0], bells.log_scale.gather(-1, bell)[..., 0]
        u = torch.rand(mean.shape, generator=generator).clamp(1e-6, 1 - 1e-6).to(mean.device)
        number = mean + temperature * log_scale.exp() * torch.logit(u)
        return ((number + 1) / 2 * self.levels).floor().clamp(min=0).minimum(self.levels - 1).long()

    @in_full
    def nats(self, tokens: Tokens, trends: Trends, targets: Values) -> Float[Tensor, "B n F"]:
        return -self._log_mass(self._outcome(tokens, trends), targets[..., None])[..., 0]

    def _numbers(self, values: Values) -> Float[Tensor, "B n F"]:
        """Middles of the levels, in (-1, 1)."""
        return (values + 0.5) / self.levels * 2 - 1

    def _outcome(self, tokens: Tokens, trends: Trends) -> Bells:
        read = self.read(tokens).unflatten(-1, (len(self.levels), self.bells, -1))
        return self._bells(read, trends.polynomials, trends.scale[..., None])

    def _bells(
        self, read: Float[Tensor, "B n F M _"], fits: Polynomials, scale: Float[Tensor, "B n 1 1"] | None = None
    ) -> Bells:
        weight, mean, log_scale = read[..., :3].unbind(dim=-1)
        if scale is not None:
            mean, log_scale = mean * scale, log_scale + scale.log()
        trend = (read[..., 3:].softmax(dim=-1) * fits[..., None, :]).sum(dim=-1)
        return Bells(weight.log_softmax(dim=-1), mean + trend, log_scale.clamp(-7, 2))

    def _log_mass(self, bells: Bells, level: Int64[Tensor, "B n F K"]) -> Float[Tensor, "B n F K"]:
        """Log probability of each level: the bells' mass between its edges, the outermost levels reaching to infinity.

        With S the sigmoid, S(b) - S(a) = S(b) S(-a) (1 - exp(a - b)), which does not cancel.
        """
        count = self.levels[:, None, None]
        rank = level[..., None]
        mean, rate = bells.mean[..., None, :], torch.exp(-bells.log_scale)[..., None, :]
        low, high = (rank / count * 2 - 1 - mean) * rate, ((rank + 1) / count * 2 - 1 - mean) * rate
        first, last = rank <= 0, rank >= count - 1
        both = torch.log(-torch.expm1(low - high)).masked_fill(first | last, 0)
        inner = F.logsigmoid(high).masked_fill(last, 0) + F.logsigmoid(-low).masked_fill(first, 0) + both
        return (bells.log_weight[..., None, :] + inner).logsumexp(dim=-1)


def gumbel(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Noise that makes an argmax a draw from the softmax (at temperature 1)."""
    u = torch.rand(like.shape, generator=generator).clamp(1e-9, 1 - 1e-7).to(like.device)
    return -(-u.log()).log()


def _legendre(t: Float[Tensor, "T"]) -> Float[Tensor, "T 4"]:
    """The first four Legendre polynomials."""
    return torch.stack([torch.ones_like(t), t, (3 * t**2 - 1) / 2, (5 * t**3 - 3 * t) / 2], dim=-1)
