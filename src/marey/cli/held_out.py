"""The options --held-out and --held-out-n: from FACTOR=LOW:HIGH to a region of a data set, or one line on the fix."""

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from marey.core.errors import UserError

if TYPE_CHECKING:
    from marey.data.spec import DatasetSpec
    from marey.world.factors import Region

_SCENES = 1300  # that tell how far a factor goes


def hold_out(spec: "DatasetSpec", texts: tuple[str, ...], count: int | None) -> "DatasetSpec":
    """The spec with a held-out region of these texts instead of its own, and `count` clips in it."""
    from marey.data.spec import ScarceError

    if count and not texts and spec.unseen is None:
        raise UserError(f"--held-out-n {count}: nothing is held out; say what, as in --held-out speed=2:3")
    if count is None:
        count = spec.train // 10 if texts else spec.held_out
    if not texts:
        return replace(spec, held_out=count)
    said = " ".join(f"--held-out {text}" for text in texts)
    try:
        chosen = replace(spec, unseen=_region(texts), held_out=count)
        chosen.check()
    except ScarceError as error:
        split = f"{error.split}={chosen.count(error.split)}"
        raise UserError(f"{said}: few or no scenes are left for {split}; {_advice(chosen, error.split)}") from None
    except UserError as error:
        raise UserError(f"{said}: {error}") from None
    return chosen


def _region(texts: tuple[str, ...]) -> "Region":
    from marey.world.factors import Region

    names = [field.name for field in fields(Region)]
    values: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        factor, _, value = text.partition("=")
        if factor not in names:
            raise UserError(f"factor {factor!r} is unknown; the factors are {', '.join(names)}")
        more = tuple(value.split(",")) if factor == "law" else (_range(factor, value),)
        values[factor] = values.get(factor, ()) + more
    return Region(**values)


def _range(factor: str, text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UserError(f"{text!r} is no range; give two numbers, as in {factor}=2:3")
    return low, high


def _advice(spec: "DatasetSpec", split: str) -> str:
    """Which values to give instead, by those of the law that is left the fewest scenes."""
    import numpy as np

    from marey.world.factors import FACTORS

    region, inside = spec.unseen, split == "held_out"
    assert region is not None
    free = spec.world.sample(spec.seed, np.arange(_SCENES), None, (inside and region.law) or None)
    left = region.holds(free) if inside else ~region.touches(free)
    label = min(set(free.law.tolist()), key=lambda law: left[free.law == law].mean())
    one, spans = free.take(free.law == label), []
    for factor in region.bounded:
        if factor != "law":
            low, high = np.quantile(FACTORS[factor](one)[:, 0], [0.05, 0.95])
            spans.append(f"{factor} is {low:.3g} to {high:.3g}")
    if not spans:
        return f"leave some of its laws: {', '.join(spec.world.laws)}"
    usual = f"where the law is {free.names[label]}, in nine clips of ten {' and '.join(spans)}"
    return f"hold out {'more' if inside else 'less'}: {usual}"
