"""Where everything sits in the sequence. No other file knows.

A sequence is made of segments, [task] [class] [video], each a row of tokens; a token has one or more elements (the
digits of its index), and all elements of all segments are laid out in one flat row of integers. A mask over that row
says what is given. Further modalities (words, a trajectory) are further segments.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor, nn

Axes = tuple[int, int, int]  # time, height, width

@dataclass(frozen=True)
class Segment:
    """A run of tokens of one kind.

    grid: the tokens' arrangement, () for a single one. cells: how many cells of the modality share a token. levels: the
    vocabulary of each element of a cell.
    """

    name: str
    grid: tuple[int, ...]
    levels: tuple[int, ...]
    cells: int = 1

    @property
    def length(self) -> int:
        return math.prod(self.grid)

    @property
    def elements(self) -> int:
        return self.length * self.cells * len(self.levels)


@dataclass(frozen=True)
class Sequence:
    """A batch of rows of E elements.

    values: each element's integer, where known. known: True where the model is shown it. condition: True where the
    model is shown a value that came from a clip with filled frames, a hint that it must still replace (COMMIT).
    """

    values: Int64[Tensor, "B E"]
    known: Bool[Tensor, "B E"]
    condition: Bool[Tensor, "B E"]


@dataclass(frozen=True)
class Layout:
    """The segments of a sequence, in order."""

    tasks: int
    laws: int
    grid: Axes
    levels: tuple[int, ...]
    patch: Axes = (1, 1, 1)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        t, h, w = (cells // side for cells, side in zip(self.grid, self.patch, strict=True))
        return (
            Segment("task", (), (self.tasks,)),
            Segment("class", (), (self.laws,)),
            Segment("video", (t, h, w), self.levels, math.prod(self.patch)),
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
        start = 0
        for segment in self.segments:
            if segment.name == name:
                return slice(start, start + segment.elements)
            start += segment.elements
        raise KeyError(name)

    def row(
        self, task: Shaped[Tensor, "B"], law: Shaped[Tensor, "B"], digits: Shaped[Tensor, "B t h w F"]
    ) -> Shaped[Tensor, "B E"]:
        """Lay task, class and the digits of the video's latent cells out flat: their values, or a mask over them."""
        i, j, k = self.patch
        video = rearrange(digits, "b (t i) (h j) (w k) f -> b (t h w i j k f)", i=i, j=j, k=k)
        return torch.cat([task[:, None], law[:, None], video], dim=1)

    def digits(self, row: Int64[Tensor, "B E"]) -> Int64[Tensor, "B t h w F"]:
        """The digits of the video's latent cells, out of the flat row."""
        (i, j, k), (t, h, w) = self.patch, self.segments[-1].grid
        video = row[:, self.slice("video")]
        return rearrange(video, "b (t h w i j k f) -> b (t i) (h j) (w k) f", t=t, h=h, w=w, i=i, j=j, k=k)


FEATURES = 13


class Embedding(nn.Module):
    """Sequence to vectors. A cell is what its elements hold (a hidden one holds nothing); a token is its cells and its
    place. All cells of a segment share one table, so that what a code means is learned once."""

    def __init__(self, layout: Layout, width: int, cell: int):
        super().__init__()
        self.layout = layout
        self.tables = nn.ModuleList(
            nn.Sequential(nn.Linear(sum(s.levels) + (1 + FEATURES) * len(s.levels), cell), nn.GELU(), nn.Linear(cell, cell)) for s in layout.segments
        )
        self.merges = nn.ModuleList(nn.Linear(s.cells * cell, width) for s in layout.segments)
        self.places = nn.ParameterList(
            nn.Parameter(torch.randn(n, width) * float(__import__("os").environ.get("PS","0.5"))) for segment in layout.segments for n in segment.grid or (1,)
        )
        levels = [n for segment in layout.segments for n in segment.levels * (segment.length * segment.cells)]
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        starts = torch.tensor([0, *levels]).cumsum(dim=0)
        self.register_buffer("starts", starts[:-1], persistent=False)
        self.columns = int(starts[-1])

    def forward(self, sequence: Sequence) -> tuple[Float[Tensor, "B L D"], list[Tensor]]:
        shown = sequence.known | sequence.condition
        one_hot = torch.zeros(len(shown), self.columns, device=shown.device)
        one_hot.scatter_(1, self.starts + torch.where(shown, sequence.values, 0), shown.float())
        value = (sequence.values.float() + 0.5) / self.levels * 2 - 1
        feats = torch.stack([value] + [f(math.pi * value * k) for k in (0.5, 1, 2, 4, 8, 16) for f in (torch.sin, torch.cos)], dim=-1) * shown[..., None]
        tokens, cells, column, element, places = [], [], 0, 0, iter(self.places)
        for segment, table, merge in zip(self.layout.segments, self.tables, self.merges, strict=True):
            width, count = segment.length * segment.cells * sum(segment.levels), segment.length * segment.cells
            what = one_hot[:, column : column + width].unflatten(1, (count, -1))
            sure = sequence.known[:, element : element + segment.elements].unflatten(1, (count, -1))
            num = feats[:, element : element + segment.elements].reshape(len(shown), count, -1)
            cell = table(torch.cat([what, sure.float(), num], dim=-1))
            where = next(places)
            for _ in segment.grid[1:]:
                where = where[..., None, :] + next(places)
            tokens.append(merge(cell.view(len(shown), segment.length, -1)) + where.reshape(segment.length, -1))
            cells.append(cell)
            column, element = column + width, element + segment.elements
        return torch.cat(tokens, dim=1), cells


class Reading(nn.Module):
    """Vectors to one softmax per element: logits padded with -inf to the largest vocabulary."""

    def __init__(self, layout: Layout, width: int, cell: int):
        super().__init__()
        self.layout = layout
        self.splits = nn.ModuleList(nn.Linear(width, s.cells * cell) for s in layout.segments)
        self.heads = nn.ModuleList(
            nn.Sequential(nn.GELU(), nn.Linear(cell, 2*cell), nn.GELU(), nn.Linear(2*cell, sum(s.levels))) for s in layout.segments
        )

    def forward(self, tokens: Float[Tensor, "B L D"], cells: list[Tensor]) -> Float[Tensor, "B E V"]:
        parts, first = [], 0
        for segment, split, head, cell in zip(self.layout.segments, self.splits, self.heads, cells, strict=True):
            logits = head(split(tokens[:, first : first + segment.length]).view(cell.shape) + cell)
            columns = [
                nn.functional.pad(column, (0, self.layout.largest - column.shape[-1]), value=-torch.inf)
                for column in logits.split(segment.levels, dim=-1)
            ]
            parts.append(torch.stack(columns, dim=2).flatten(1, 2))
            first += segment.length
        return torch.cat(parts, dim=1)
