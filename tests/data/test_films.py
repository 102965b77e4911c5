"""Windows out of films: where they come from, what is held out, and that a batch is a function of its step."""

from pathlib import Path

import av
import numpy as np
import pytest
import torch

from marey.core.errors import UserError
from marey.data.films import Films
from marey.data.imports import import_foreign
from marey.data.imports.foreign import open_foreign

FRAMES, LENGTHS, HEIGHT, WIDTH = 5, (50, 31), 40, 56


def grey_of(film: int, frame: int) -> int:
    """Each frame of each film has a grey of its own, so that a window tells where it came from."""
    return 20 + 3 * frame if film == 0 else 180 + 2 * frame


def write_films(folder: Path, suffix: str = ".avi") -> Path:
    """Lossless films, a grey each frame."""
    folder.mkdir()
    for film, length in enumerate(LENGTHS):
        with av.open(str(folder / f"{film}{suffix}"), "w") as out:
            stream = out.add_stream("ffv1", rate=10)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
            for frame in range(length):
                pixels = np.full((HEIGHT, WIDTH, 3), grey_of(film, frame), np.uint8)
                out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            out.mux(stream.encode(None))
    return folder


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    import_foreign(write_films(folder / "source"), folder / "out")
    return folder / "out"


def origin(clip: np.ndarray) -> tuple[int, list[int]]:
    """The film and the frames that a window holds."""
    greys = clip.reshape(len(clip), -1)
    assert (greys == greys[:, :1]).all()
    for film, length in enumerate(LENGTHS):
        every = [grey_of(film, frame) for frame in range(length)]
        if greys[0, 0] in every:
            return film, [every.index(grey) for grey in greys[:, 0]]
    raise AssertionError("of no film")


def test_windows_are_consecutive_frames_of_the_first_part(imported: Path) -> None:
    films = Films(imported, FRAMES, 16, held_out=0.2)
    assert len(films) == 2 and films.windows == (40 - 4) + (25 - 4)
    video = torch.cat([films.batch(step, 16, seed=0) for step in range(12)])
    assert video.shape == (192, 3, FRAMES, 16, 16)
    clips = ((video + 1) * 127.5).round().byte().permute(0, 2, 3, 4, 1).numpy()
    starts: tuple[set[int], ...] = (set(), set())
    for clip in clips:
        film, frames = origin(clip)
        assert frames == list(range(frames[0], frames[0] + FRAMES))
        starts[film].add(frames[0])
    assert starts[0] <= set(range(36)) and starts[1] <= set(range(21))
    assert len(starts[0]) > 25 and len(starts[1]) > 12


def test_held_out_windows_share_no_frame_with_training_or_each_other(imported: Path) -> None:
    films = Films(imported, FRAMES, 16, held_out=0.2)
    held = [origin(clip) for clip in films.held_out(100)]
    assert held == [(0, [40, 41, 42, 43, 44]), (1, [25, 26, 27, 28, 29]), (0, [45, 46, 47, 48, 49])]
    assert films.held_out(2).shape == (2, FRAMES, 16, 16, 3)


def test_a_batch_is_a_function_of_its_step(imported: Path) -> None:
    films = Films(imported, FRAMES, 16, held_out=0.2)
    wanted = films.batch(3, 4, seed=1)
    films.batch(9, 4, seed=1)
    assert torch.equal(films.batch(3, 4, seed=1), wanted)
    assert not torch.equal(films.batch(4, 4, seed=1), wanted) and not torch.equal(films.batch(3, 4, seed=2), wanted)


def test_squares_are_cut_anywhere_and_shrunk_by_area(tmp_path: Path) -> None:
    """Of a film whose columns have greys of their own."""
    (tmp_path / "source").mkdir()
    with av.open(str(tmp_path / "source" / "a.avi"), "w") as out:
        stream = out.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        pixels = np.broadcast_to((np.arange(WIDTH) * 4)[:, None], (HEIGHT, WIDTH, 3)).astype(np.uint8)
        for _ in range(20):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        out.mux(stream.encode(None))
    import_foreign(tmp_path / "source", tmp_path / "out")
    films = Films(tmp_path / "out", 4, 16, held_out=0.3)
    rows = films.batch(0, 64, seed=0)[:, 0, 0, 8].add(1).mul(127.5 / 4)  # columns of the film
    steps = rows.diff(dim=1).mean(dim=1)
    assert (steps > 0).any() and (steps < 0).any()  # mirrored or not
    assert steps.abs().min() < 1.7 and steps.abs().max() > 2.2 and steps.abs().max() < HEIGHT / 16 + 0.1
    assert rows.min() < 6 and rows.max() > WIDTH - 7
    middle = films.held_out(1)[0, 0, 8, :, 0] / 4
    np.testing.assert_allclose(middle, np.linspace(8.75, 46.25, 16), atol=0.5)


def test_films_are_shrunk_on_their_way_in(tmp_path: Path) -> None:
    source = write_films(tmp_path / "source")
    import_foreign(source, tmp_path / "out", shorter=20)
    foreign = open_foreign(tmp_path / "out")
    for film, row in enumerate(foreign.rows()):
        clip = foreign.clip(row)
        assert clip.shape == (LENGTHS[film], 20, 28, 3)
        assert abs(int(clip[7, 0, 0, 0]) - grey_of(film, 7)) <= 1
    import_foreign(source, tmp_path / "same", shorter=400)  # never enlarged
    assert open_foreign(tmp_path / "same").clip(next(foreign.rows())).shape[1:3] == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("frames", "size", "held_out", "complaint"),
    [
        (8, 16, 0.2, r"1\.avi has 31 frames, 25 of them to train on; a window is 8 frames"),
        (FRAMES, 41, 0.2, r"0\.avi has frames of .*41 pixels or more"),
    ],
)
def test_films_that_hold_no_window_are_named(
    imported: Path, frames: int, size: int, held_out: float, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        Films(imported, frames, size, held_out)
    assert "\n" not in str(caught.value)
