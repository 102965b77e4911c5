"""The data card: what a stranger must know about a dataset, in one short page of Markdown, and a strip of pictures.

The card begins with the YAML that the Hugging Face Hub reads, so that a folder can be uploaded as it is.
"""

import io
import json
from importlib.metadata import version

import numpy as np
from PIL import Image

from marey.core.config import to_json
from marey.data.estimate import bytes_in_words
from marey.data.shards import shard_rows
from marey.data.spec import SPLITS, DatasetSpec, preset_of
from marey.data.table import Samples, to_columns
from marey.world.laws import LAW_NAMES, LAWS

LICENCE = """\
This data set was made by a program, marey, and is licensed under the Apache License, Version 2.0; you may not use it
except in compliance with the License. You may obtain a copy of the License at

    https://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, it is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR
CONDITIONS OF ANY KIND, either express or implied. See the License for the specific language governing permissions and
limitations under the License.
"""

_CARD = """\
---
license: apache-2.0
pretty_name: "Motion clips: {kind}"
size_categories:
- {category}
tags:
- synthetic
- video
- motion
- 3d-trajectories
- marey
configs:
- config_name: default
  data_files:
{files}
---

# Motion clips: world `{kind}`

![One clip in each row, from the first frame to the last.](strip.png)

{total:,} clips, {frames} frames of {size} x {size} pixels, {colour}. Bodies: {bodies} at most; cameras: {cameras}.
Every body follows a law of motion that is known: {laws}.
Made by `marey` {version}; the samples are a pure function of `spec.json`.

| split | clips |
|---|---|
{splits}
{held_out}
## Files

`samples/` holds one row per sample, {shard:,} rows at most in a Parquet file. Pixels are not stored: they follow from
`discs` and the columns `picture_...`, the same bytes on any machine. On disk: {stored}; as pixels, one byte per number:
{pixels}.
`SHA256SUMS` has the checksum of each file and seals itself; `marey check` verifies all of them.

```python
from pathlib import Path
from marey.data.folder import open_dataset
dataset = open_dataset(Path("."))
samples = dataset.rows(0, 4)
clips = samples.clips()  # uint8 (4, {frames}, {size}, {size}, {channels})
```

World: metres, z up. Camera: x right, y down, z forward. Pixels: (u, v) = focal (x', y') + {size} / 2, where
the lens moves (x, y) = (X, Y) / Z to (x', y'); pixel centres lie at + 0.5. M bodies, K cameras, T frames, C channels.

| column | type | shape | meaning |
|---|---|---|---|
{columns}

| label | law | parameters |
|---|---|---|
{rows}

## The spec

```json
{spec}
```

## Licence

Apache-2.0, see `LICENSE`.
"""

_MEANING = {
    "split": "name of the split",
    "index": "in the spec; the sample is a pure function of it",
    "law_names": "M: name of each body's law; null where a clip has fewer bodies",
    "laws": "M: label of each body's law; -1 where a clip has fewer bodies",
    "times": "T: seconds",
    "parameters": "M P: of the law (below), padded with NaN",
    "origins": "M 3: of the law's own frame in the world: trajectory = origin + axes @ law(t), metres",
    "axes": "M 3 3: directions of that frame, in its columns",
    "camera_focal": "K: pixels",
    "camera_rotation": "K 3 3: world to camera",
    "camera_position": "K 3: metres",
    "camera_distortion": "K 5: (k1, k2, p1, p2, k3) of Brown's model, OpenCV's order; zeros move nothing",
    "radii": "K M T: apparent radius, pixels",
    "trajectories": "M T 3: metres, world, without noise",
    "tracks": "K M T 2: (u, v), pixels",
    "whole": "K M T: whether the whole disc is in the frame",
    "seen": "K M T: whether any of the disc is in the frame",
    "hidden": "K M T: share, in 1/4096, of its part in the frame that occluders or nearer bodies cover",
    "visible": "K M T: seen, and at most half of that part is hidden",
    "discs": "K M T 4 (T S with motion blur of S exposures): u, v, radius in 1/256 pixel, depth in mm, as drawn",
    "equation": "x(t), y(t), z(t) in this sample's own numbers",
    "description": "a sentence in English, true of this sample's own numbers",
    "picture_ink": "M C: colour of each body",
    "picture_paper": "C: colour of the background",
}


def card(spec: DatasetSpec, first: Samples, stored: int, notes: str) -> str:
    """README.md of a dataset, with `notes` (Markdown) at its end.

    first: some of its samples, which show the columns. stored: bytes of all shards.
    """
    world, total = spec.world, sum(map(spec.count, SPLITS))
    splits = [split for split in SPLITS if spec.count(split)]
    (cameras, bodies), frames = first.discs.shape[1:3], first.scenes.times.shape[1]
    text = _CARD.format(
        kind=preset_of(world),
        category=_category(total),
        files="\n".join(f"  - split: {split}\n    path: samples/part-*-{split}.parquet" for split in splits),
        total=total,
        frames=frames,
        size=world.size,
        channels=world.channels,
        colour="grey" if world.channels == 1 else "RGB",
        bodies=bodies,
        cameras=cameras,
        laws=", ".join(first.scenes.names),
        version=version("marey"),
        splits="\n".join(f"| {split} | {spec.count(split):,} |" for split in splits),
        held_out=_held_out(spec),
        shard=shard_rows(spec),
        stored=bytes_in_words(stored),
        pixels=bytes_in_words(total * cameras * frames * world.size**2 * world.channels),
        columns="\n".join(_columns(first)),
        rows="\n".join(_laws(first.scenes.names)),
        spec=json.dumps(to_json(spec), indent=2),
    )
    return f"{text}\n{notes.strip()}\n" if notes.strip() else text


def strip(samples: Samples, clips: int = 8, frames: int = 16) -> bytes:
    """A PNG with one clip in each row, its frames from left to right, at least 48 pixels wide each."""
    pixels = samples.take(np.arange(min(clips, len(samples)))).clips()
    pixels = pixels[:, np.unique(np.linspace(0, pixels.shape[1] - 1, frames).round().astype(int))]
    times = max(1, -(-48 // pixels.shape[2]))
    pixels = np.repeat(np.repeat(pixels, times, axis=2), times, axis=3)
    tiles = np.pad(pixels, ((0, 0), (0, 0), (0, 2), (0, 2), (0, 0)), constant_values=128)
    rows, columns, height, width, channels = tiles.shape
    sheet = tiles.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)
    sink = io.BytesIO()
    Image.fromarray(sheet if channels == 3 else sheet[..., 0]).save(sink, "PNG")
    return sink.getvalue()


def _held_out(spec: DatasetSpec) -> str:
    """What sets the split `held_out` apart, as a paragraph; a blank line is left where there is none."""
    if spec.unseen is None:
        return ""
    said = []
    for factor in spec.unseen.bounded:
        values = getattr(spec.unseen, factor)
        several = " or ".join(values if factor == "law" else (f"{low:g} to {high:g}" for low, high in values))
        said.append(f"{factor} {several}")
    all_of_it = " all of this" * (len(said) > 1)
    return f"\n`held_out`: every body has {' and '.join(said)}; in the other splits none has{all_of_it}.\n"


def _columns(samples: Samples) -> list[str]:
    columns, _ = to_columns(samples)
    lines = []
    for name, values in columns.items():
        kind = "string" if values.dtype == object else str(values.dtype)
        shape = " ".join(map(str, values.shape[1:])) or "-"
        lines.append(f"| {name} | {kind} | {shape} | {_MEANING.get(name, 'of the picture: see `Picture` in marey')} |")
    return lines


def _laws(names: tuple[str, ...]) -> list[str]:
    rows = [(label, LAWS[LAW_NAMES.index(name)]) for label, name in enumerate(names)]
    return [f"| {label} | {law.name} | {', '.join(law.parameters)} |" for label, law in rows]


def _category(total: int) -> str:
    """The Hub's own word for so many rows."""
    names = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
    if total < 1000:
        return "n<1K"
    power = len(str(total)) - 4
    return f"{names[power]}<n<{names[power + 1]}" if power < len(names) - 1 else "n>1T"
