"""The run as one moving picture: what was true and what the model drew, side by side and in step."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from marey.core.errors import UserError
from marey.core.files import write_atomically
from marey.report.files import TASKS, Clips, read_pictures

CELL = 124  # pixels across, about: the nearest whole multiple of the clip's width
GAP, LEFT, TOP, FOOT = 14, 86, 44, 34
FRAME_MS, HOLD_MS = 170, 900
PAPER, INK, SOFT, RULE = "#ffffff", "#1d1c1a", "#67645e", "#d9d5cc"
COLOURS = {"truth": "#0072b2", "model": "#d55e00"}  # Okabe and Ito's blue and vermilion
NAMES = ("truth", "reconstruction", "prediction", "interpolation", "generation")
_STEP = 17  # 16 levels of grey: a picture to look at, which must stay small; the page shows every level
_FINE = 2  # drawn this much larger and averaged down: smooth marks, and pixels that stay square


@dataclass(frozen=True)
class Cell:
    """One clip of the picture: frames `T H W C`, tracks `T 2` (None where there is none), given `T`."""

    clip: np.ndarray
    truth_track: np.ndarray | None
    model_track: np.ndarray | None
    given: np.ndarray


def moving_picture(run: Path, out: Path) -> Path:
    """Write an animated GIF: a row for each law; truth, reconstruction, prediction, interpolation, generation across.

    The clips are the first of each law as they are stored. Blue is the true track, vermilion the tracker's reading
    of the model; a broken frame was hidden from the model. A missing file is a UserError that names it.
    """
    out = Path(out)
    if out.is_dir():
        raise UserError(f"{out} is a folder; name the moving picture in it, such as {out / 'run.gif'}")
    if out.suffix.lower() != ".gif":
        raise UserError(f"{out} does not end in .gif, and the moving picture is one; name it {out.with_suffix('.gif')}")
    laws, clips = read_pictures(run)
    there = [index for index in range(len(laws)) if all(index in clips[task].law for task in TASKS)]
    if not there:
        raise UserError(f"{Path(run) / 'clips'} has no law with a clip in every task; judge more clips of each law")
    rows = {laws[index]: _row(clips, index) for index in there}
    count = max(len(cell.clip) for cells in rows.values() for cell in cells)
    frames = [_frame(rows, t) for t in range(count)]
    palette = _palette(frames[-1])
    frames = [_indexed(frame, palette) for frame in frames]
    times = [FRAME_MS] * (count - 1) + [HOLD_MS]
    write_atomically(out, lambda file: frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True))  # fmt: skip
    return out


def _row(clips: dict[str, Clips], law: int) -> list[Cell]:
    """Truth and the four tasks for one law; the same test clip in all of them where the judge used the same."""
    predict = clips["predict"]
    assert predict.truth is not None and predict.truth_track is not None
    first = int(np.flatnonzero(predict.law == law)[0])
    truth = predict.truth[first]
    cells = [Cell(truth, predict.truth_track[first], None, np.ones(len(truth), bool))]
    for task in TASKS:
        mine = clips[task]
        same = [
            i for i in np.flatnonzero(mine.law == law) if mine.truth is None or np.array_equal(mine.truth[i], truth)
        ]
        i = int(same[0] if same else np.flatnonzero(mine.law == law)[0])
        true_track = None if mine.truth_track is None else mine.truth_track[i]
        cells.append(Cell(mine.model[i], true_track, mine.model_track[i], mine.given))
    return cells


def _palette(frame: Image.Image) -> np.ndarray:
    """The 256 commonest colours of the last frame, which holds the longest trails, as integers 0xRRGGBB."""
    colours, counts = np.unique(_packed(frame), return_counts=True)
    return colours[np.argsort(-counts)][:256]


def _indexed(frame: Image.Image, palette: np.ndarray) -> Image.Image:
    """The frame in the palette's nearest colours; Pillow's own search is coarse, and would tint the white page."""
    colours, where = np.unique(_packed(frame), return_inverse=True)
    wanted, offered = (np.stack([c >> 16, c >> 8 & 255, c & 255], -1).astype(float) for c in (colours, palette))
    nearest = np.concatenate([((one - offered) ** 2).sum(-1).argmin(keepdims=True) for one in wanted])
    image = Image.fromarray(nearest[where].reshape(frame.height, frame.width).astype(np.uint8), "P")
    image.putpalette(offered.astype(np.uint8).ravel().tolist())
    return image


def _packed(frame: Image.Image) -> np.ndarray:
    """Pixels of an RGB picture as integers 0xRRGGBB, in one row."""
    return np.asarray(frame).reshape(-1, 3).astype(np.int64) @ [1 << 16, 1 << 8, 1]


def _frame(rows: dict[str, list[Cell]], t: int) -> Image.Image:
    """The whole picture at frame t, RGB."""
    height, width = next(iter(rows.values()))[0].clip.shape[1:3]
    zoom = max(round(CELL / width), 1)
    across, down = zoom * width, zoom * height
    size = (LEFT + 5 * across + 4 * GAP + GAP, TOP + len(rows) * (down + GAP) + FOOT)
    page = Image.new("RGB", (_FINE * size[0], _FINE * size[1]), PAPER)
    draw = ImageDraw.Draw(page)
    for column, name in enumerate(NAMES):
        x = LEFT + column * (across + GAP) + across / 2
        _write(draw, (x, TOP - 12), name, INK if column else COLOURS["truth"], "ms")
    for row, (law, cells) in enumerate(rows.items()):
        y = TOP + row * (down + GAP)
        _write(draw, (LEFT - 14, y + down / 2), law, INK, "rm")
        for column, cell in enumerate(cells):
            _draw_cell(page, draw, cell, min(t, len(cell.clip) - 1), (LEFT + column * (across + GAP), y), zoom)
    _legend(draw, size, t)
    return page.reduce(_FINE)


def _draw_cell(
    page: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, t: int, corner: tuple[int, int], zoom: int
) -> None:
    frame = np.round(cell.clip[t] / _STEP).astype(np.uint8) * np.uint8(_STEP)
    picture = Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame).convert("RGB")
    scale = _FINE * zoom
    x, y = (_FINE * side for side in corner)
    width, height = picture.width * scale, picture.height * scale
    page.paste(picture.resize((width, height), Image.Resampling.NEAREST), (x, y))
    for kind, track in (("truth", cell.truth_track), ("model", cell.model_track)):
        if track is not None:
            _mark(draw, (track[: t + 1] * scale + (x, y)), kind, faint=kind == "truth" and cell.model_track is not None)
    _border(draw, (x - 2, y - 2, x + width + 1, y + height + 1), bool(cell.given[t]))


def _mark(draw: ImageDraw.ImageDraw, points: np.ndarray, kind: str, faint: bool) -> None:
    """The trail up to now, and a ring (truth) or a cross (model) on the last point; lost frames leave gaps."""
    colour = COLOURS[kind]
    for a, b in pairwise(points):
        if np.isfinite([a, b]).all():
            draw.line([*a, *b], fill="#a9cbe0" if faint else colour, width=3)
    if faint or not np.isfinite(points[-1]).all():
        return
    px, py = (float(side) for side in points[-1])
    if kind == "truth":
        draw.ellipse([px - 24, py - 24, px + 24, py + 24], outline=colour, width=4)
    else:
        draw.line([px - 14, py - 14, px + 14, py + 14], fill=colour, width=4)
        draw.line([px - 14, py + 14, px + 14, py - 14], fill=colour, width=4)


def _border(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], given: bool) -> None:
    """A solid frame for what the model was shown, a broken one for what it drew without seeing."""
    x0, y0, x1, y1 = box
    if given:
        draw.rectangle(box, outline=INK, width=2)
        return
    dash, gap = 10, 8
    for x in range(x0, x1, dash + gap):
        for y in (y0, y1 - 1):
            draw.rectangle([x, y, min(x + dash, x1), y + 1], fill=COLOURS["model"])
    for y in range(y0, y1, dash + gap):
        for x in (x0, x1 - 1):
            draw.rectangle([x, y, x + 1, min(y + dash, y1)], fill=COLOURS["model"])


def _legend(draw: ImageDraw.ImageDraw, size: tuple[int, int], t: int) -> None:
    y = size[1] - 20
    _write(
        draw,
        (LEFT, y),
        "ring: true position     cross: tracker on the model's pixels     solid frame: given     broken frame: hidden",
        SOFT,
        "lm",
        12,
    )
    _write(draw, (size[0] - GAP, y), f"frame {t + 1}", SOFT, "rm", 12)


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str, anchor: str, size: int = 14
) -> None:
    draw.text(
        (_FINE * at[0], _FINE * at[1]), text, fill=colour, font=ImageFont.load_default(_FINE * size), anchor=anchor
    )
