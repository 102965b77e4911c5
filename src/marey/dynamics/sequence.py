"""Where everything sits in the sequence. No other file knows.

A sequence is made of segments, [task] [class] [video], each a row of tokens; a token holds one or more elements (the
digits of its index), and the elements of all segments lie in one flat row of integers. A mask over that row says what
is given. Further modalities (words, a trajectory) are further segments.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Int64, Shaped
from torch import Tensor

from marey.tokens.tokenizer import AnyTokenizerConfig

Grid = tuple[int, int, int]  # latent frames, rows, columns


@dataclass(frozen=True)
class Segment:
    """A run of tokens of one kind.

    grid: the tokens' arrangement, () for a single one. levels: the vocabulary of each of a token's elements. ordinal:
    whether the elements are numbers, near when their values are near, or names.
    """

    name: str
    grid: tuple[int, ...]
    levels: tuple[int, ...]
    ordinal: bool

    @property
    def length(self) -> int:
        return math.prod(self.grid)

    @property
    def elements(self) -> int:
        return self.length * len(self.levels)


@dataclass(frozen=True)
class Sequence:
    """A batch of rows of E elements.

    values: each element's integer; what it holds where it is not shown is never looked at. known: True where the model
    is shown it. condition: True where the model is shown a value that came from a clip with filled frames: a hint,
    to be predicted all the same (COMMIT).
    """

    values: Int64[Tensor, "B E"]
    known: Bool[Tensor, "B E"]
    condition: Bool[Tensor, "B E"]

    def rows(self, which: slice) -> "Sequence":
        """Some rows of the batch."""
        return Sequence(self.values[which], self.known[which], self.condition[which])

    def without(self, hidden: Bool[Tensor, "B E"]) -> "Sequence":
        """The same with some elements hidden."""
        values = torch.where(hidden, 0, self.values)
        return Sequence(values, self.known & ~hidden, self.condition & ~hidden)


@dataclass(frozen=True)
class Layout:
    """The segments of a sequence, in order. ordinal: whether a token of video is made of numbers, or of names."""

    tasks: int
    laws: int
    grid: Grid
    levels: tuple[int, ...]
    ordinal: bool = True

    @classmethod
    def of(
        cls, tokenizer: AnyTokenizerConfig, frames: int, size: int, tasks: int, laws: int, joint: bool = False
    ) -> "Layout":
        """Of the tokens of clips of `frames` frames of size x size pixels. joint: each code is one name."""
        t, h, w = tokenizer.stride
        grid: Grid = (1 + (frames - 1) // t, size // h, size // w)
        quantizer = tokenizer.quantizer
        levels = (math.prod(quantizer.levels),) if joint else quantizer.levels
        return cls(tasks, laws, grid, levels, ordinal=quantizer.ordinal and not joint)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        return (
            Segment("task", (), (self.tasks,), ordinal=False),
            Segment("class", (), (self.laws,), ordinal=False),
            Segment("video", self.grid, self.levels, self.ordinal),
        )

    @property
    def length(self) -> int:
        """Tokens in the sequence, L."""
        return sum(segment.length for segment in self.segments)

    @property
    def elements(self) -> int:
        """Integers in the row, E."""
        return sum(segment.elements for segment in self.segments)

    @property
    def largest(self) -> int:
        """The largest vocabulary of any element, V."""
        return max(max(segment.levels) for segment in self.segments)

    def slice(self, name: str) -> slice:
        """Where a segment's elements lie in the flat row."""
        starts = dict(zip((s.name for s in self.segments), self._starts(), strict=False))
        segment = next(s for s in self.segments if s.name == name)
        return slice(starts[name], starts[name] + segment.elements)

    def parts(self, row: Shaped[Tensor, "B E"]) -> Iterator[Shaped[Tensor, "B n F"]]:
        """The flat row cut into segments, each as tokens of elements."""
        for segment, start in zip(self.segments, self._starts(), strict=False):
            yield row[:, start : start + segment.elements].unflatten(1, (segment.length, -1))

    def row(
        self, task: Shaped[Tensor, "B"], law: Shaped[Tensor, "B"], digits: Shaped[Tensor, "B t h w F"]
    ) -> Shaped[Tensor, "B E"]:
        """Lay task, class and the digits of the video out flat: their values, or a mask over them."""
        return torch.cat([task[:, None], law[:, None], digits.flatten(1)], dim=1)

    def digits(self, row: Int64[Tensor, "B E"]) -> Int64[Tensor, "B t h w F"]:
        """The digits of the video, out of the flat row."""
        return row[:, self.slice("video")].unflatten(1, (*self.grid, len(self.levels)))

    def untold(self, sequence: Sequence, task: Int64[Tensor, "B"]) -> Sequence:
        """The sequence without its class, under tasks (by their labels) that know no class."""
        values, known = sequence.values.clone(), sequence.known.clone()
        values[:, self.slice("task")], values[:, self.slice("class")] = task[:, None], 0
        known[:, self.slice("class")] = False
        return Sequence(values, known, sequence.condition)

    def _starts(self) -> list[int]:
        return [sum(s.elements for s in self.segments[:i]) for i in range(len(self.segments))]
