"""A small layout, rows for it, and transformers whose answers are known beforehand."""

import torch
from torch import Tensor

from marey.dynamics.sequence import Layout, Sequence
from marey.dynamics.transformer import Dynamics, DynamicsConfig, Guess

LAYOUT = Layout(tasks=4, laws=4, grid=(3, 4, 4), levels=(8, 5, 4))
LEVELS = torch.tensor([4, 4, *(8, 5, 4) * 48])  # of each element of the row


def rows(batch: int, seed: int = 0, layout: Layout = LAYOUT) -> Tensor:
    """Random values of all elements, each within its levels."""
    generator = torch.Generator().manual_seed(seed)
    cells = (batch, *layout.grid)
    digits = [torch.randint(level, cells, generator=generator) for level in layout.levels]
    task = torch.randint(layout.tasks, (batch,), generator=generator)
    law = torch.randint(layout.laws, (batch,), generator=generator)
    return layout.row(task, law, torch.stack(digits, dim=-1))


def half_known(batch: int, seed: int = 0, share: float = 0.5, layout: Layout = LAYOUT) -> Sequence:
    """Rows with a random share of their elements known, the task always, and zeros elsewhere."""
    values = rows(batch, seed, layout)
    known = torch.rand(values.shape, generator=torch.Generator().manual_seed(seed + 1)) < share
    known[:, layout.slice("task")] = True
    return Sequence(torch.where(known, values, 0), known, torch.zeros_like(known))


class Watched(Dynamics):
    """A transformer that remembers what it was shown."""

    def __init__(self, layout: Layout = LAYOUT) -> None:
        super().__init__(DynamicsConfig(), layout)
        self.seen: list[Sequence] = []

    def draw(self, sequence: Sequence, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        self.seen.append(sequence)
        return super().draw(sequence, temperature, generator)


class Sure(Watched):
    """One that is sure of its answer, whatever it is shown."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = answer

    def draw(self, sequence: Sequence, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        self.seen.append(sequence)
        return self.answer


class Even(Watched):
    """One that finds some values likelier than others, alike everywhere, and impossible what has no level."""

    def draw(self, sequence: Sequence, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        self.seen.append(sequence)
        levels = [level for part in self.layout.segments for level in part.levels * part.length]
        value = torch.arange(self.layout.largest)
        logits = torch.where(value < torch.tensor(levels)[:, None], -value / 2.0, -torch.inf)
        noise = -(-torch.rand(*sequence.values.shape, len(value), generator=generator).log()).log()
        return (logits + temperature * noise).argmax(dim=-1)


class Uneven(Watched):
    """One that is surer of some elements than of others, whatever it is shown."""

    def guess(self, sequence: Sequence, temperature: float = 1.0, generator: torch.Generator | None = None) -> Guess:
        self.seen.append(sequence)
        length = sequence.values.shape[1]
        sure = 6 * torch.rand(length, generator=torch.Generator().manual_seed(4)).expand(len(sequence.values), -1)
        return Guess(torch.zeros_like(sequence.values), sure)


class Loyal(Dynamics):
    """One that finds the class's own value a little likelier everywhere, and all values alike without a class."""

    def logits(self, sequence: Sequence) -> Tensor:
        levels = torch.tensor([level for part in self.layout.segments for level in part.levels * part.length])
        value = torch.arange(self.layout.largest)
        told = sequence.known[:, self.layout.slice("class")] & (sequence.values[:, self.layout.slice("task")] != 3)
        own = (value == sequence.values[:, self.layout.slice("class")]) & told
        return torch.where(value < levels[:, None], own[:, None].float(), -torch.inf)
