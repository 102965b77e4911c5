"""The autoregressive twin, for comparison: the same trunk, but what is hidden is drawn one element after another.

    [task] [class] [video as shown] | [video, element by element]

The first part is read as `Dynamics` reads it, all to all, with its holes and hints: so every task has the conditions it
has there, and the class token is the same. Each element of the second part looks at the first part and at the elements
before it (VideoGPT, arXiv 2104.10157), whose keys and values are kept while decoding.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int64
from torch import Tensor

from marey.core.config import strict
from marey.core.numbers import real_number
from marey.dynamics.sequence import Layout, Sequence
from marey.dynamics.transformer import Batch, Dynamics, DynamicsConfig
from marey.dynamics.trunk import Past
from marey.dynamics.turns import DigitsInTurn, NamesInTurn
from marey.train import Loss


@strict
@dataclass(frozen=True)
class AutoregressiveConfig:
    """Shape of the twin; its fields are those of `DynamicsConfig`."""

    kind: Literal["autoregressive"] = "autoregressive"
    width: int = 128
    depth: int = 4
    heads: int = 4
    vocabulary: Literal["factors", "joint"] = "factors"

    def __post_init__(self) -> None:
        self.parallel()

    def parallel(self) -> DynamicsConfig:
        """The parallel model with the same trunk."""
        return DynamicsConfig(self.width, self.depth, self.heads, self.vocabulary)

    def build(self, layout: Layout) -> "Autoregressive":
        return Autoregressive(self, layout)


class Autoregressive(Dynamics):
    """Sequence to elements in turn. `forward(batch)` is the training loss, over the same exercises."""

    def __init__(self, config: AutoregressiveConfig, layout: Layout):
        video = layout.segments[-1]
        length = layout.length + video.elements
        sees = torch.ones(length, length, dtype=torch.bool).tril()
        sees[: layout.length, : layout.length] = True
        super().__init__(config.parallel(), layout, sees)
        self.turns = (DigitsInTurn if video.ordinal else NamesInTurn)(video, config.width)
        for unread in (self.segments[0], self.segments[-1]):  # of the first part only the class is
            del unread.read

    def forward(self, batch: Batch) -> Loss:
        """Mean cross-entropy, nats, of the classes asked and of the digits asked, summed."""
        pasts = self.pasts()
        segment, tokens, _ = list(self._read(batch.sequence, pasts))[1]
        asked, targets = list(self.layout.parts(batch.asked)), list(self.layout.parts(batch.targets))
        law = segment.nats(tokens, None, targets[1]) * asked[1]
        known = ~asked[-1]
        trends = self.turns.prospects(targets[-1], known)
        ends = self._through(self.turns.follow(targets[-1], trends, slice(None)), pasts)
        video = self.turns.nats_in_turn(ends.unflatten(1, known.shape[1:]), trends, targets[-1]) * asked[-1]
        counts = batch.counts(self.layout)
        losses = {"class": law.sum() / counts[1], "video": video.sum() / counts[-1]}
        return Loss(losses["class"] + losses["video"], losses)

    def pasts(self) -> list[Past]:
        """An empty memory for each block."""
        return [Past() for _ in self.blocks]


@torch.inference_mode()
def fill_in_turn(
    model: Autoregressive, sequence: Sequence, temperature: float, generator: torch.Generator | None
) -> Int64[Tensor, "B E"]:
    """Values of every element, each drawn beside all before it; those known in `sequence` stay as they are."""
    temperature = real_number(temperature, "temperature", 0)
    pasts, layout = model.pasts(), model.layout
    segment, tokens, _ = list(model._read(sequence, pasts))[1]
    place = layout.slice("class")
    law = torch.where(sequence.known[:, place], sequence.values[:, place],
                      segment.draw(tokens, None, temperature, generator)[:, 0])  # fmt: skip
    values, known = (list(layout.parts(row))[-1] for row in (sequence.values, sequence.known))
    video = _in_turn(model, pasts, values * known, known, temperature, generator)
    return torch.cat([sequence.values[:, : place.start], law, video.flatten(1)], dim=1)


def _in_turn(
    model: Autoregressive,
    pasts: list[Past],
    values: Int64[Tensor, "B n F"],
    known: Tensor,
    temperature: float,
    generator: torch.Generator | None,
) -> Int64[Tensor, "B n F"]:
    turns, (_, rows, columns), digits = model.turns, model.layout.grid, values.shape[2]
    hidden = (~known).flatten(1).any(dim=0).nonzero()[:, 0].tolist()
    if not hidden:
        return values
    values, trends = values.clone(), turns.prospects(values, known)
    model._through(turns.follow(values, trends, slice(hidden[0])), pasts)  # what all rows know, at once
    done = hidden[0] // (rows * columns * digits)
    for place in range(hidden[0], hidden[-1] + 1):
        cell, digit = divmod(place, digits)
        frame = cell // (rows * columns)
        if frame > done:  # all before it are there now
            here = slice(frame * rows * columns, (frame + 1) * rows * columns)
            trends[:, here], done = turns.prospects_of_frame(frame, values, known)[:, here], frame
        end = model._through(turns.follow(values, trends, slice(place, place + 1)), pasts)[:, 0]
        drawn = turns.draw_in_turn(end, trends[:, cell], digit, temperature, generator)
        values[:, cell, digit] = torch.where(known[:, cell, digit], values[:, cell, digit], drawn)
    return values
