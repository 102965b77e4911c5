"""Datasets in the formats that others read. Each format is one file; `frame.py` is what they share."""

from pathlib import Path

from marey.core.config import to_json
from marey.core.errors import UserError
from marey.core.files import write_text
from marey.data.exports.frame import Export, Format, Shard, Write, checked_camera, default_per_shard
from marey.data.exports.huggingface import HUGGINGFACE
from marey.data.exports.lerobot import LEROBOT
from marey.data.exports.moving import GIF, WEBP
from marey.data.exports.mp4 import MP4
from marey.data.exports.npz import NPZ
from marey.data.exports.png import PNG
from marey.data.exports.webdataset import WEBDATASET
from marey.data.exports.zarr import ZARR
from marey.data.extras import library
from marey.data.folder import StoredDataset
from marey.data.staged import Plan, Progress, Step, build, silent

FORMATS: dict[str, Format] = {
    "npz": NPZ,
    "webdataset": WEBDATASET,
    "huggingface": HUGGINGFACE,
    "lerobot": LEROBOT,
    "zarr": ZARR,
    "mp4": MP4,
    "png": PNG,
    "gif": GIF,
    "webp": WEBP,
}
PLAN = "export.json"

_CARD = """\
{head}# Motion clips

{counts}. Made by `marey export --format {name}`: {what}.

`export.json` holds the whole spec of the clips, `SHA256SUMS` the checksum of each file (`sha256sum -c` reads it).

```python
from pathlib import Path

folder = Path(".")
{reading}```
"""


def export_dataset(
    dataset: StoredDataset,
    out: Path,
    name: str,
    camera: int = 0,
    per_shard: int | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> None:
    """Write a dataset to the folder `out` in one of the `FORMATS`: the same bytes each time, uint8 pixels.

    The dataset is read and written a shard at a time. per_shard: clips in each; by default about 64 MiB of pixels.
    camera: whose pixels; the truth of all cameras comes with them. A stopped export goes on when it is called again
    (see `staged`). An unknown format, one that cannot hold the dataset, and an existing folder are UserErrors.
    """
    if name not in FORMATS:
        raise UserError(f"format={name!r} is unknown; the formats are {', '.join(FORMATS)}")
    if per_shard is not None and per_shard < 1:
        raise UserError(f"per_shard={per_shard} is out of range; choose at least 1")
    form = FORMATS[name]
    for package in form.needs:
        library(package)
    export = Export(dataset, checked_camera(dataset, camera), per_shard or default_per_shard(dataset))
    if form.check:
        form.check(export)
    content = {"format": name, "camera": camera, "per_shard": export.per_shard, "spec": to_json(dataset.spec)}
    plan = Plan(PLAN, content, len(dataset))
    build(out, plan, _steps(form, export, _card(form, export, name)), overwrite, progress)


def _steps(form: Format, export: Export, card: str) -> list[Step]:
    def write_card(folder: Path) -> list[str]:
        write_text(folder / "README.md", card)
        return ["README.md"]

    def shard_step(shard: Shard) -> Step:
        return Step(shard.name, len(shard), lambda folder: form.write(folder, export, shard))

    def other_step(name: str, write: Write | None) -> list[Step]:
        return [Step(name, 0, lambda folder: write(folder, export))] if write else []

    shards = map(shard_step, export.shards)
    return [*other_step("begin", form.begin), *shards, *other_step("end", form.end), Step("card", 0, write_card)]


def _card(form: Format, export: Export, name: str) -> str:
    counts = ", ".join(f"{split}: {count} clips" for split, count in export.splits.items())
    head = form.head(export) if form.head else ""
    return _CARD.format(head=head, counts=counts, name=name, what=form.what, reading=form.reading)
