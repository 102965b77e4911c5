"""The parts that a batch is worked through in: one after another, or on many devices at once."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

from torch import Tensor


def part(batch: Any, index: int, count: int) -> Any:
    """Part 0, ..., count - 1 of a batch: as many of its samples as any other part has, in their order.

    A batch is tensors whose first axis is the sample, and tuples and dataclasses of them. One whose parts must know
    something of the whole (over how many elements the loss is a mean, say) has `as_part_of(whole)`; each part becomes
    what that returns.
    """
    if count == 1:
        return batch
    if isinstance(batch, Tensor):
        size = len(batch) // count
        assert size * count == len(batch), f"{len(batch)} samples do not make {count} equal parts"
        return batch[index * size : (index + 1) * size]
    if isinstance(batch, tuple):
        return tuple(part(each, index, count) for each in batch)
    if is_dataclass(batch) and not isinstance(batch, type):
        smaller = {each.name: part(getattr(batch, each.name), index, count) for each in fields(batch)}
        made = replace(batch, **smaller)
        return made.as_part_of(batch) if hasattr(made, "as_part_of") else made
    assert batch is None, f"a batch of {type(batch).__name__} cannot be divided"
    return None
