"""What a dataset will take: bytes, time and money, from a few samples that are made and measured."""

import time
from dataclasses import dataclass

import numpy as np

from marey.data.shards import ROWS
from marey.data.spec import SPLITS, DatasetSpec
from marey.data.table import make_samples, to_parquet


@dataclass(frozen=True)
class Estimate:
    """Of one clip. stored, pixels: bytes in the table and as uint8 frames of all cameras. seconds: of one CPU."""

    clips: int  # that were measured
    stored: float
    pixels: int
    seconds: float


def estimate(spec: DatasetSpec, clips: int = ROWS) -> Estimate:
    """Make and measure up to so many clips of the first split that has any."""
    split = next(split for split in SPLITS if spec.count(split))
    clips = min(clips, spec.count(split))
    make_samples(spec, split, np.arange(1))  # compile first
    start = time.perf_counter()
    samples = make_samples(spec, split, np.arange(clips))
    stored = len(to_parquet(samples))
    seconds = time.perf_counter() - start
    cameras, frames = samples.discs.shape[1], samples.scenes.times.shape[1]
    pixels = cameras * frames * spec.world.size**2 * spec.world.channels
    return Estimate(clips, stored / clips, pixels, seconds / clips)


def in_words(found: Estimate, counts: list[int], workers: int, price: float) -> str:
    """A table with a line for each number of clips. price: dollars per CPU hour, an assumption."""
    lines = [
        f"measured on {found.clips:,} clips: {found.stored:,.0f} bytes, {1e6 * found.seconds:,.0f} us of one CPU each",
        f"{'clips':>15} {'on disk':>10} {'as pixels':>10} {'CPU time':>10} {f'{workers} CPUs':>10} {'cost':>10}",
    ]
    for count in counts:
        seconds = count * found.seconds
        sizes = f"{bytes_in_words(count * found.stored):>10} {bytes_in_words(count * found.pixels):>10}"
        times = f"{_time(seconds):>10} {_time(seconds / workers):>10}"
        lines.append(f"{count:>15,} {sizes} {times} {f'${seconds / 3600 * price:,.2f}':>10}")
    return "\n".join([*lines, f"cost: at ${price:g} per CPU hour, an assumption; set it with --price"])


def bytes_in_words(count: float) -> str:
    """A number of bytes in powers of 1000, to three digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB" if count < 1000 else f"{count:,.0f} TB"


def _time(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"
