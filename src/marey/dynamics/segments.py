"""How a segment enters the transformer and leaves it: names by tables, digits as the ordinal numbers they are."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from marey.dynamics.sequence import Segment

Values = Int64[Tensor, "B n F"]
Mask = Bool[Tensor, "B n F"]
Tokens = Float[Tensor, "B n D"]


class Names(nn.Module):
    """Elements without order, such as a class: a table of vectors in, a softmax out. One element a token."""

    def __init__(self, segment: Segment, width: int):
        super().__init__()
        (self.hidden,) = segment.levels
        self.table = nn.Embedding(self.hidden + 1, width)
        self.read = nn.Linear(width, self.hidden)

    def embed(self, values: Values, known: Mask, condition: Mask) -> Tokens:
        return self.table(torch.where(known | condition, values, self.hidden)[..., 0])

    def logits(self, tokens: Tokens, _values: Values, _shown: Mask) -> Float[Tensor, "B n F V"]:
        return self.read(tokens)[:, :, None]

    def nats(self, tokens: Tokens, _values: Values, _shown: Mask, targets: Values) -> Float[Tensor, "B n F"]:
        return F.cross_entropy(self.read(tokens).transpose(1, 2), targets[..., 0], reduction="none")[..., None]


@dataclass(frozen=True)
class Bells:
    """A mixture of M logistic distributions over [-1, 1] for each digit."""

    log_weight: Float[Tensor, "B n F M"]
    mean: Float[Tensor, "B n F M"]
    log_scale: Float[Tensor, "B n F M"]


class Digits(nn.Module):
    """Digits of FSQ indices: numbers that are near when their codes are near.

    In: the number, its waves, and its distance from the mean of what is shown of the same digit over time (reversible
    instance norm, Kim et al. 2022), so that a motion looks alike wherever in the frame it happens. Out: a mixture of
    logistic distributions around that mean, integrated over each level (PixelCNN++, arXiv 1701.05517): a near miss
    costs little and 256 levels need no 256 separate weights.
    """

    levels: Tensor
    rates: Tensor
    near_rates: Tensor

    def __init__(self, segment: Segment, width: int, waves: int = 6, bells: int = 4):
        super().__init__()
        self.frames, self.bells = segment.grid[0], bells
        digits = len(segment.levels)
        self.register_buffer("levels", torch.tensor(segment.levels, dtype=torch.float32), persistent=False)
        self.register_buffer("rates", math.pi * 2.0 ** torch.arange(-1, waves - 1), persistent=False)
        self.register_buffer("near_rates", math.pi * torch.tensor([2.0, 6.0]), persistent=False)
        self.enter = nn.Linear(digits * (9 + 2 * waves), width)
        self.read = nn.Linear(width, digits * bells * 3)
        nn.init.normal_(self.read.weight, std=0.02)
        spread = torch.stack([torch.zeros(bells), torch.linspace(-0.5, 0.5, bells), torch.full((bells,), -2.0)], dim=-1)
        self.read.bias.data = spread.repeat(digits, 1, 1).flatten()

    def embed(self, values: Values, known: Mask, condition: Mask) -> Tokens:
        shown = (known | condition).float()
        number = self._numbers(values) * shown
        anchor = self._anchor(values, known | condition)
        offset = (number - anchor) * shown
        features = [shown, known.float(), number, 4 * offset, anchor]
        for base, rates in ((number, self.rates), (offset, self.near_rates)):
            angles = base[..., None, :] * rates[:, None]
            features += [(wave(angles) * shown[..., None, :]).flatten(-2) for wave in (torch.sin, torch.cos)]
        return self.enter(torch.cat(features, dim=-1))

    def logits(self, tokens: Tokens, values: Values, shown: Mask) -> Float[Tensor, "B n F V"]:
        levels = torch.arange(int(self.levels.max()), device=tokens.device)
        every = levels.expand(*values.shape, -1)
        mass = self._log_mass(self._outcome(tokens, values, shown), every)
        return mass.masked_fill(levels >= self.levels[:, None], -torch.inf)

    def nats(self, tokens: Tokens, values: Values, shown: Mask, targets: Values) -> Float[Tensor, "B n F"]:
        return -self._log_mass(self._outcome(tokens, values, shown), targets[..., None])[..., 0]

    def _numbers(self, values: Values) -> Float[Tensor, "B n F"]:
        """Middles of the levels, in (-1, 1)."""
        return (values + 0.5) / self.levels * 2 - 1

    def _anchor(self, values: Values, shown: Mask) -> Float[Tensor, "B n F"]:
        """Mean over time of what is shown of each digit; 0 where nothing is."""
        shape = (self.frames, -1)
        weight = shown.float().unflatten(1, shape)
        total = (self._numbers(values).unflatten(1, shape) * weight).sum(dim=1, keepdim=True)
        return (total / weight.sum(dim=1, keepdim=True).clamp(min=1)).expand_as(weight).flatten(1, 2)

    def _outcome(self, tokens: Tokens, values: Values, shown: Mask) -> Bells:
        weight, mean, scale = self.read(tokens).unflatten(-1, (len(self.levels), self.bells, 3)).unbind(dim=-1)
        return Bells(weight.log_softmax(dim=-1), mean + self._anchor(values, shown)[..., None], scale.clamp(-7, 2))

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
