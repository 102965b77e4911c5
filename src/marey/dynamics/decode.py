"""Parallel decoding (MaskGIT, arXiv 2202.04200; MAGVIT): all hidden elements are guessed at once, the surest are kept,
the rest is guessed again, in a fixed number of steps on a cosine schedule."""

import math
from dataclasses import replace

import torch
from jaxtyping import Int64
from torch import Tensor

from marey.core.errors import UserError
from marey.dynamics.sequence import Sequence
from marey.dynamics.transformer import Dynamics

_BOUNDS = "give at least one step and temperatures of 0 or more"


@torch.inference_mode()
def fill(
    model: Dynamics,
    sequence: Sequence,
    steps: int = 12,
    temperature: float = 1.0,
    choice_temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Int64[Tensor, "B E"]:
    """Values of every element; those known in `sequence` stay as they are.

    temperature scales the logits that are sampled (0: the likeliest values). choice_temperature adds Gumbel noise to
    the confidence by which values are kept. Both fade over the steps: the first values kept decide what clip this
    becomes, the last ones only have to agree with them.
    """
    if steps < 1 or temperature < 0 or choice_temperature < 0:
        raise UserError(f"steps={steps}, temperature={temperature}, choice_temperature={choice_temperature}: {_BOUNDS}")
    given, hidden = sequence.known.sum(dim=1), (~sequence.known).sum(dim=1)
    for step in range(1, steps + 1):
        logits = model.logits(sequence)
        guess = _sample(logits, temperature * (1 - (step - 1) / steps), generator)
        sure = logits.log_softmax(dim=-1).gather(-1, guess[..., None])[..., 0]
        noise = -(-torch.rand(sure.shape, generator=generator).clamp(1e-9, 1 - 1e-7).log()).log().to(sure.device)
        sure = sure + choice_temperature * (1 - step / steps) * noise
        sure = sure.masked_fill(sequence.known, torch.inf)
        keep = given + hidden - (hidden * math.cos(math.pi / 2 * step / steps)).floor().long()
        rank = sure.argsort(dim=1, descending=True).argsort(dim=1)
        kept = rank < keep[:, None] if step < steps else torch.ones_like(sequence.known)
        values = torch.where(kept & ~sequence.known, guess, sequence.values)
        sequence = replace(sequence, values=values, known=kept, condition=sequence.condition & ~kept)
    return sequence.values


def _sample(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    if temperature == 0:
        return logits.argmax(dim=-1)
    noise = torch.rand(logits.shape, generator=generator).clamp(1e-9, 1 - 1e-7).to(logits.device)
    return (logits / temperature - (-noise.log()).log()).argmax(dim=-1)
