"""Files from outside: taken as they are, cut as is said, or refused with a sentence."""

import io
import re
import zipfile

import av
import numpy as np
import pytest
from PIL import Image

from marey.core.errors import UserError
from marey.studio.exports import Wish, exported
from marey.studio.film import Film
from marey.studio.making import make
from marey.studio.uploads import MOST_BYTES, Cut, uploaded


@pytest.fixture(scope="module")
def film(stage, laws) -> Film:
    return make(stage, laws["helical"].start).film


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["gif", "webp", "npz"])
def test_a_clip_that_was_taken_away_comes_back_unchanged(stage, film: Film, kind: str) -> None:
    answer = uploaded(stage, exported(Wish(film, kind, 1.0)))
    assert answer.film == film and answer.made == "" and "8 frames of 32x32 pixels in grey" in answer.was


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_slow_clip_can_be_taken_away(stage, film: Film, kind: str) -> None:
    assert uploaded(stage, exported(Wish(film, kind, 600.0))).film == film


def test_an_export_can_be_imported(stage, film: Film, tmp_path) -> None:
    from marey.data.imports.npz import read_npz

    (tmp_path / "marey.npz").write_bytes(exported(Wish(film, "npz", 1.0)))
    assert "pixels" in read_npz(tmp_path / "marey.npz").has


def test_an_mp4_comes_back_nearly(stage, film: Film) -> None:
    answer = uploaded(stage, exported(Wish(film, "mp4", 1.0)))
    assert np.abs(answer.film.clip.astype(int) - film.clip).mean() < 3
    tracks = [stage.track(each.clip).track[0] for each in (film, answer.film)]
    assert np.abs(tracks[0] - tracks[1]).max() < 0.2


def test_enlarged_pixels_are_squares(film: Film) -> None:
    with Image.open(io.BytesIO(exported(Wish(film, "webp", 1.0, zoom=4)))) as image:
        frame = np.asarray(image.convert("L"))
    assert (frame == film.clip[0, ..., 0].repeat(4, axis=0).repeat(4, axis=1)).all()


def test_another_shape_needs_a_word_and_is_then_cut_by_area(stage) -> None:
    large = np.random.default_rng(0).integers(0, 256, (20, 64, 96, 3), np.uint8)
    content = npz(videos=large.transpose(0, 3, 1, 2)[None])
    with pytest.raises(UserError, match="20 frames of 96x64 pixels in colour; say below how it becomes 8 frames of 32"):
        uploaded(stage, content)
    answer = uploaded(stage, content, Cut(start=3, every=2))
    square = large[3:18:2, :, 16:80]
    grey = np.stack([np.asarray(Image.fromarray(frame).convert("L")) for frame in square]).astype(float)
    mean = grey.reshape(8, 32, 2, 32, 2).mean(axis=(2, 4))
    assert np.abs(answer.film.clip[..., 0] - mean).max() <= 1
    assert answer.made == "frames 4 to 18, one of 2: the middle square, by area"
    inverted = uploaded(stage, content, Cut(start=3, every=2, invert=True))
    assert (inverted.film.clip == 255 - answer.film.clip).all()


def test_numbers_and_single_clips_are_read_too(stage, film: Film) -> None:
    clip = film.clip
    as_numbers = npz(clip=(clip / 255).astype(np.float32))
    assert uploaded(stage, as_numbers).film == film
    several = npz(videos=np.stack([0 * clip, clip]))
    assert uploaded(stage, several, Cut(row=1)).film == film


def bomb() -> bytes:
    """An archive that says its array is a terabyte."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (1 << 40,)})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("videos.npy", header.getvalue())
    return file.getvalue()


def film_of(count: int, size: int) -> bytes:
    """An MJPEG film in an AVI."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width = stream.height = size
        stream.pix_fmt = "yuvj420p"
        for t in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((size, size, 3), t % 256, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


SENTENCES = {
    "text": (b"hello", "no MP4, MOV, WebM"),
    "nothing": (b"", "no MP4, MOV, WebM"),
    "a playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "no MP4, MOV, WebM"),
    "a torn film": (b"\0\0\0\x20ftypisom" + b"\0" * 99, "the video cannot be read"),
    "a torn picture": (b"GIF89a" + b"\xff" * 40, "cannot be read|smaller|no frame"),
    "a torn archive": (npz(videos=np.zeros((1, 8, 1, 32, 32)))[:200], "the archive cannot be read"),
    "a hostile archive": (npz(videos=np.zeros(3)).replace(b"(3,), }", b"(3,(((("), "the archive cannot be read"),
    "no clips": (npz(weights=np.zeros(3)), "the archive holds weights; name its clips videos"),
    "objects": (npz(videos=np.array([{}, 1], object)), "the archive cannot be read"),
    "another shape": (npz(videos=np.zeros((3, 4, 5))), "8 frames of 32x32"),
    "two axes": (npz(videos=np.zeros((3, 4))), "store clips as T C H W"),
    "large numbers": (npz(videos=np.full((1, 8, 1, 32, 32), 7.0)), r"values outside \[0, 1\]"),
    "no numbers": (npz(videos=np.full((1, 8, 1, 32, 32), np.nan)), r"values outside \[0, 1\]"),
    "too many frames": (npz(videos=np.zeros((1, 601, 1, 8, 8), np.uint8)), "601 frames"),
    "too wide": (npz(videos=np.zeros((1, 1, 1, 8, 2050), np.uint8)), "2050x8 pixels"),
    "a bomb": (bomb(), "1048576 MB unpacked"),
    "too many bytes": (bytes(MOST_BYTES + (1 << 20)), "21 MB; upload at most 20 MB"),
    "a long film": (film_of(601, 16), "over 600 frames"),
}


@pytest.mark.parametrize("what", SENTENCES)
def test_a_bad_upload_gets_a_sentence(stage, what: str) -> None:
    content, said = SENTENCES[what]
    with pytest.raises(UserError) as refused:
        uploaded(stage, content)
    assert re.search(said, str(refused.value)), str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("cut", "said"),
    [(Cut(start=5), "frames 6 to 13 are asked for, and the file holds 10"), (Cut(row=1), "holds 1 clips; choose one")],
)
def test_a_cut_beyond_the_file_gets_a_sentence(stage, cut: Cut, said: str) -> None:
    with pytest.raises(UserError, match=said):
        uploaded(stage, npz(videos=np.zeros((1, 10, 1, 32, 32), np.uint8)), cut)


def test_a_cut_of_nothing_is_refused() -> None:
    for wrong in ({"start": -1}, {"every": 0}, {"row": -1}):
        with pytest.raises(UserError, match="none of them may be"):
            Cut(**wrong)


@pytest.mark.parametrize("change", [{"seconds": 0.0}, {"zoom": 0}, {"zoom": 99}])
def test_an_impossible_file_is_a_sentence(film: Film, change: dict) -> None:
    with pytest.raises(UserError, match=r"out of range|makes frames of"):
        Wish(**({"film": film, "kind": "gif", "seconds": 1.0} | change))
