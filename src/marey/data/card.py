"""The data card: what a stranger must know about a dataset, in one short page of Markdown."""

import json

from marey.core.config import to_json
from marey.data.spec import SPLITS, DatasetSpec
from marey.world.laws import BASE_LAWS, LAWS

_CARD = """\
# Motion clips: world `{kind}`

{total} clips of one moving disc, {frames} frames of {size} x {size} pixels, {colour}. Each clip follows one of
{laws} laws of motion, in turn. Made by `marey`; the samples are a pure function of
`spec.json`.

{splits}

## Files

`samples.npz` has one row per sample; `words.jsonl` has its equation and its description on the same line number.
Pixels are not stored: they follow from `discs`, `ink` and `paper`, the same bytes on any machine.

```python
from pathlib import Path
import numpy as np
from marey.data.folder import read_dataset
samples = read_dataset(Path("."))    # checks every file against checksums.json
clips = samples.clips(np.arange(8))  # uint8 (8, {frames}, {size}, {size}, {channels})
```

| array | shape | meaning |
|---|---|---|
| split, index, laws | n, n, n 1 | number in (train, validation, test); index in the spec; label |
| times | n {frames} | seconds |
| parameters | n 1 4 | of the law, padded with NaN (below) |
| origins, axes | n 1 3, n 1 3 3 | the law's own frame in the world: trajectory = origin + axes @ law(t) |
| trajectories | n 1 {frames} 3 | metres, world, z up, without noise |
| camera_focal, camera_position | n 1, n 1 3 | pixels; metres |
| camera_rotation | n 1 3 3 | world to camera (x right, y down, z forward) |
| tracks | n 1 1 {frames} 2 | pixels, (u, v) = focal (X, Y) / Z + {size} / 2; pixel centres lie at + 0.5 |
| radii, whole | n 1 1 {frames} | pixels; whether the whole disc is in the frame |
| discs | n {frames} 3 | u, v, radius in 1/256 pixel, as drawn |
| ink, paper | n 1 {channels}, n {channels} | colours of disc and background |

| label | law | parameters |
|---|---|---|
{rows}

## The spec

```json
{spec}
```
"""


def card(spec: DatasetSpec, notes: str) -> str:
    """README.md of a dataset, with `notes` (Markdown) at its end."""
    world = spec.world
    text = _CARD.format(
        kind=world.kind,
        total=sum(map(spec.count, SPLITS)),
        frames=world.frames,
        size=world.size,
        channels=world.channels,
        colour="grey" if world.channels == 1 else "RGB",
        laws=len(BASE_LAWS),
        splits=", ".join(f"{split}: {spec.count(split)}" for split in SPLITS) + ".",
        rows="\n".join(f"| {i} | {law.name} | {', '.join(law.parameters)} |" for i, law in enumerate(LAWS[:4])),
        spec=json.dumps(to_json(spec), indent=2),
    )
    return f"{text}\n{notes.strip()}\n" if notes.strip() else text
