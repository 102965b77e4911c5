"""What others recorded comes in as it is, what it lacks is said, and what is wrong is named with its row."""

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas
import pytest
from PIL import Image

from marey.core.errors import UserError
from marey.data.dataset import generate_dataset
from marey.data.exports import export_dataset
from marey.data.folder import open_dataset, write_dataset
from marey.data.imports import archive, import_foreign, npz, tracks
from marey.data.imports.foreign import open_foreign
from tests.data.conftest import SPECS
from tests.data.mortal import kill_often, start, take_in, tree

VIDEOS = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 6, 8), np.uint8)  # N T C H W


def take(source: Path, out: Path) -> list[dict[str, Any]]:
    import_foreign(source, out)
    return list(open_foreign(out).rows())


def save(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **arrays)
    return path


# -- npz -----------------------------------------------------------------------------------------------------------


def test_the_documents_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "_MOST", 3)  # several pieces
    made = generate_dataset(num_samples=7, num_frames=4, image_size=16)
    arrays = {name: np.asarray(value) for name, value in made.items()}
    rows = take(save(tmp_path / "a.npz", **arrays), tmp_path / "out")
    foreign = open_foreign(tmp_path / "out")
    assert len(foreign) == len(rows) == 7
    for i, row in enumerate(rows):
        clip = foreign.clip(row)
        assert clip.dtype == np.uint8
        np.testing.assert_array_equal(clip.transpose(0, 3, 1, 2), np.rint(arrays["videos"][i] * 255))
        np.testing.assert_array_equal(row["trajectory"], made["trajectory_3d"][i])
        assert row["label"] == made["labels"][i] and row["law"] == made["label_names"][row["label"]]
        assert row["equation"] == made["equations"][i] and row["description"] == made["descriptions"][i]
        assert row["frames"] == 4
    assert [row["clip"] for row in foreign.rows(2, 5)] == [row["clip"] for row in rows[2:5]]
    assert foreign.lacks == (
        "no camera, and no unit of its trajectories: where they appear in the pixels is not known",
        "no tracks in pixels: errors of motion have no truth to be measured against",
    )


def test_our_own_export_comes_back(tmp_path: Path) -> None:
    write_dataset(replace(SPECS["classic"], train=6, validation=0, test=0), tmp_path / "data")
    stored = open_dataset(tmp_path / "data")
    export_dataset(stored, tmp_path / "npz", "npz")
    rows = take(tmp_path / "npz" / "train-00000-of-00001.npz", tmp_path / "a")
    foreign, samples = open_foreign(tmp_path / "a"), stored.rows(0, 6)
    np.testing.assert_array_equal(np.stack([foreign.clip(row) for row in rows]), samples.clips())
    np.testing.assert_array_equal([row["label"] for row in rows], samples.scenes.law)
    assert any(text.startswith("not read: ") and "camera_focal" in text for text in foreign.lacks)

    export_dataset(stored, tmp_path / "png", "png")
    rows = take(tmp_path / "png" / "tracks.csv", tmp_path / "b")
    np.testing.assert_array_equal([row["track"] for row in rows], samples.scenes.track)
    np.testing.assert_array_equal([row["radius"] for row in rows], samples.scenes.apparent_radius)
    np.testing.assert_array_equal([row["visible"] for row in rows], samples.visible[:, 0, 0])


def test_the_documents_older_files(tmp_path: Path) -> None:
    trajectories, labels = np.random.default_rng(0).normal(size=(5, 4, 3)), np.array([0, 1, 2, 3, 0])
    rows = take(save(tmp_path / "a.npz", trajectories=trajectories, labels=labels), tmp_path / "without")
    np.testing.assert_array_equal([row["trajectory"] for row in rows], trajectories)
    assert [row["label"] for row in rows] == labels.tolist()
    foreign = open_foreign(tmp_path / "without")
    assert "no pixels: no model can be trained on it" in foreign.lacks
    with pytest.raises(UserError, match="has no pixels; import videos"):
        foreign.clip(rows[0])
    both = save(tmp_path / "b.npz", trajectories=trajectories, labels=labels, videos=VIDEOS)
    rows = take(both, tmp_path / "with")
    np.testing.assert_array_equal(open_foreign(tmp_path / "with").clip(rows[4]), VIDEOS[4].transpose(0, 2, 3, 1))


def test_pixels_in_other_forms(tmp_path: Path) -> None:
    for number, videos in enumerate((VIDEOS, VIDEOS / 255, np.float32(VIDEOS / 255), VIDEOS.transpose(0, 1, 3, 4, 2))):
        out = tmp_path / str(number)
        rows = take(save(tmp_path / "a.npz", videos=videos), out)
        np.testing.assert_array_equal(open_foreign(out).clip(rows[3]), VIDEOS[3].transpose(0, 2, 3, 1))


NAN, INF = np.array([0, 0, 0, np.nan, 0]), np.array([0, 0, 0, 0, np.inf])
BAD = [
    ({"videos": np.zeros((5, 4, 2, 6, 8), np.uint8)}, r"a\.npz: videos is uint8 \(5, 4, 2, 6, 8\); store N T C H W"),
    ({"videos": np.full((5, 4, 1, 6, 8), 1.5)}, r"videos\[0\] has values from 1.5 to 1.5; store uint8, or numbers in"),
    ({"videos": NAN[:, None, None, None, None] + np.zeros((4, 1, 6, 8))}, r"videos\[3\] is not finite"),
    ({"trajectories": INF[:, None, None] + np.zeros((4, 3))}, r"trajectories\[4\] is not finite"),
    ({"trajectories": np.zeros((5, 4, 2))}, r"trajectories is float64 \(5, 4, 2\); store N T 3 numbers"),
    ({"videos": VIDEOS, "labels": np.zeros(4, int)}, r"numbers of clips are {'videos': 5, 'labels': 4}"),
    (
        {"videos": VIDEOS, "trajectories": np.zeros((5, 3, 3))},
        r"frames are {'videos': 4, 'trajectories': 3}",
    ),
    ({"videos": VIDEOS, "labels": np.zeros(5)}, r"labels is float64 \(5,\); store N whole numbers"),
    (
        {"videos": VIDEOS, "labels": np.full(5, 2), "label_names": np.array(["a", "b"])},
        r"labels\[0\] is 2 and label_names has 2",
    ),
    ({"videos": VIDEOS, "equations": np.array(["x"] * 5, object)}, r"equations is object \(5,\); store N strings"),
    ({"labels": np.zeros(5, int)}, r"has no clips \(labels\); it needs videos or trajectory_3d"),
    ({"videos": VIDEOS[:0]}, r"numbers of clips are {'videos': 0}; they must be the same, and at least 1"),
    ({"videos": np.asfortranarray(VIDEOS)}, r"videos cannot be read \(its axes lie in Fortran order"),
]


@pytest.mark.parametrize(("arrays", "complaint"), BAD)
def test_bad_arrays_are_named(arrays: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=complaint):
        import_foreign(save(tmp_path / "a.npz", **arrays), tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_broken_archives_are_named_and_never_imported(write: Any, tmp_path: Path) -> None:
    """A hundred flipped bits and a hundred cuts; a flip in a byte that says nothing changes nothing."""
    write(tmp_path / "a.npz", videos=VIDEOS, labels=np.arange(5))
    content = (tmp_path / "a.npz").read_bytes()
    good, messages = tree_of_import(tmp_path / "a.npz", tmp_path / "good"), []
    for number, place in enumerate(np.random.default_rng(0).integers(0, len(content), 200)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << number % 8
        (tmp_path / "a.npz").write_bytes(flipped if number % 2 else content[:place])
        try:
            assert tree_of_import(tmp_path / "a.npz", tmp_path / f"{number}") == good
        except UserError as error:
            messages.append(str(error))
    assert len(messages) > 150
    assert all("a.npz" in message and "\n" not in message for message in messages)


HEADERS = {
    "cut": b"{'descr': '|u1', 'fortran_order': (",
    "deep": b"{'descr': " + b"(" * 5000 + b")" * 5000 + b"}",
    "no dict": b"1 +",
}


@pytest.mark.parametrize("header", HEADERS)
def test_an_archive_with_a_hostile_header_is_named(header: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        text = HEADERS[header]
        file.writestr("videos.npy", b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text)
    with pytest.raises(UserError, match=r"a\.npz: videos cannot be read"):
        import_foreign(tmp_path / "a.npz", tmp_path / "out")


def test_an_encrypted_archive_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", videos=VIDEOS)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.npz: .* cannot be read \(.*(encrypted|password)"):
        import_foreign(tmp_path / "a.npz", tmp_path / "out")


def test_an_array_longer_or_shorter_than_it_says_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, VIDEOS)
    for wrong, complaint in ((4, "it is longer than it says"), (6, "it ends in row 5")):
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
            file.writestr("videos.npy", stream.getvalue().replace(b"(5, 4, 3,", b"(%d, 4, 3," % wrong))
        with pytest.raises(UserError, match=rf"a\.npz: videos cannot be read \({complaint}\)"):
            import_foreign(tmp_path / "a.npz", tmp_path / "out")


def tree_of_import(source: Path, out: Path) -> dict[str, bytes]:
    import_foreign(source, out)
    return {name: content for name, content in tree(out).items() if name.startswith(("pixels", "samples"))}


def test_an_archive_is_read_a_part_at_a_time(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", videos=VIDEOS)
    parts = list(archive.members(path)["videos"].parts(2))
    assert [len(part) for part in parts] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(parts), VIDEOS)


# -- tracks --------------------------------------------------------------------------------------------------------

TABLE = """\
clip,frame,u,v,radius,visible,note
b,1,2.5,3.5,1.0,1,x
b,0,1.5,2.5,1.0,1,
a,0,,,,0,
a,1,7,8,0.5,true,
"""


def test_tables_of_tracks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks, "_CLIPS", 1)
    (tmp_path / "a.csv").write_text(TABLE)
    rows = take(tmp_path / "a.csv", tmp_path / "out")
    assert [(row["clip"], row["frames"], row["visible"].tolist()) for row in rows] == [
        ("b", 2, [True, True]),
        ("a", 2, [False, True]),
    ]
    np.testing.assert_array_equal(rows[0]["track"], [[1.5, 2.5], [2.5, 3.5]])
    np.testing.assert_array_equal(rows[1]["track"], [[np.nan, np.nan], [7, 8]])
    lacks = open_foreign(tmp_path / "out").lacks
    assert lacks[0] == "no camera: positions in metres cannot be had from its pixels or tracks"
    assert lacks[-1] == "not read: note" and "no labels of laws" in lacks

    pandas.read_csv(tmp_path / "a.csv").to_parquet(tmp_path / "a.parquet")
    again = take(tmp_path / "a.parquet", tmp_path / "again")
    for row, other in zip(rows, again, strict=True):
        assert row.keys() == other.keys()
        for name in row:
            np.testing.assert_array_equal(row[name], other[name])


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("frame,u", "frame,x", r"a\.csv has no column 'u' \(it has clip, frame, x, v, radius, visible, note\)"),
        ("b,0,1.5", "b,0,east", r"a\.csv: row 3: u is 'east'; give a number"),
        ("b,0,1.5", "b,0,inf", r"a\.csv: row 3: u is 'inf'; give a number"),
        ("b,0,1.5", "b,0,", r"a\.csv: row 3: u is ''; give a number \(or nothing, with visible 0\)"),
        ("b,0,1.5", "b,0.5,1.5", r"row 3: frame is '0.5'; give a whole number from 0"),
        ("b,0,1.5", "b,1,1.5", r"row 2 is frame 1 of clip 'b' where 0 is next; give each frame from 0 once"),
        ("b,0,1.5", "b,2,1.5", r"row 2 is frame 1 of clip 'b' where 0 is next"),
        (",true,", ",perhaps,", r"row 5: visible is 'perhaps'; give 1 or 0"),
        ("a,1,7,8", "b,2,7,8", r"row 5 goes back to clip 'b'; sort the rows by clip"),
        ("a,1,7,8", "a,1,7", r"row 5 has not as many cells as the header"),
        ("a,1,7,8", "a,1,\x007,8", r"row 5"),
        (TABLE.split("\n", 1)[1], "", r"a\.csv has no rows; give at least one clip"),
    ],
)
def test_bad_tracks_are_named_by_row(before: str, after: str, complaint: str, tmp_path: Path) -> None:
    assert before in TABLE
    (tmp_path / "a.csv").write_text(TABLE.replace(before, after))
    with pytest.raises(UserError, match=complaint):
        import_foreign(tmp_path / "a.csv", tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


def test_files_that_are_not_what_their_names_say(tmp_path: Path) -> None:
    for name in ("a.csv", "a.parquet", "a.npz"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00broken")
        with pytest.raises(UserError, match=rf"{name}.*cannot be read"):
            import_foreign(tmp_path / name, tmp_path / "out")
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=r"a\.txt is of no known kind; give an npz, CSV or Parquet file"):
        import_foreign(tmp_path / "a.txt", tmp_path / "out")
    with pytest.raises(UserError, match=r"nothing does not exist"):
        import_foreign(tmp_path / "nothing", tmp_path / "out")


def test_a_cut_table_of_parquet_is_named(tmp_path: Path) -> None:
    frames = pandas.DataFrame({"clip": "a", "frame": np.arange(9), "u": 1.0, "v": 2.0})
    frames.to_parquet(tmp_path / "a.parquet")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    (tmp_path / "a.parquet").write_bytes(content[:-9])
    with pytest.raises(UserError, match=r"a\.parquet cannot be read"):
        import_foreign(tmp_path / "a.parquet", tmp_path / "out")
    content[8:60] = bytes(52)  # the first column's page
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.parquet cannot be read"):
        import_foreign(tmp_path / "a.parquet", tmp_path / "out")


# -- videos --------------------------------------------------------------------------------------------------------


def film(path: Path, clip: np.ndarray, codec: str, pixels: str, rate: int = 10) -> None:
    """A video of a clip, T H W 3, written without loss by codecs that can."""
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = pixels
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    """A folder of films of several sizes and lengths, and what they show."""
    folder, moments = tmp_path_factory.mktemp("films"), np.random.default_rng(1)
    clips = {
        "a.avi": moments.integers(0, 256, (5, 16, 24, 3), np.uint8),
        "deep/b.mkv": moments.integers(0, 256, (3, 20, 16, 3), np.uint8),
        "deep/c.gif": moments.integers(0, 2, (4, 16, 16, 3), np.uint8) * np.uint8(255),
    }
    film(folder / "a.avi", clips["a.avi"], "ffv1", "bgr0")
    film(folder / "deep/b.mkv", clips["deep/b.mkv"], "ffv1", "bgr0", rate=25)
    frames = [Image.fromarray(frame) for frame in clips["deep/c.gif"]]
    frames[0].save(folder / "deep/c.gif", save_all=True, append_images=frames[1:], duration=100)
    (folder / "notes.txt").write_text("mine")
    return folder, clips


def test_a_folder_of_videos(films: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    folder, clips = films
    rows = take(folder, tmp_path / "out")
    foreign = open_foreign(tmp_path / "out")
    assert [row["clip"] for row in rows] == list(clips)
    for row in rows:
        np.testing.assert_array_equal(foreign.clip(row), clips[row["clip"]])
    assert [row["fps"] for row in rows] == [10, 25, 10]
    assert foreign.has == ("pixels", "fps") and foreign.lacks[-1] == "not read: .txt files"
    assert "no labels of laws" in (tmp_path / "out" / "README.md").read_text()


def test_broken_videos_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    film(folder / "a.mp4", VIDEOS[0].transpose(0, 2, 3, 1).repeat(4, 1).repeat(4, 2), "libx264", "yuv420p")
    content = (folder / "a.mp4").read_bytes()
    for broken in (b"", b"no video", content[:-200]):
        (folder / "a.mp4").write_bytes(broken)
        with pytest.raises(UserError, match=r"a\.mp4"):
            import_foreign(folder, tmp_path / "out")
        assert [file.name for file in tmp_path.iterdir()] == ["films"]
    (folder / "a.mp4").unlink()
    with pytest.raises(UserError, match=r"films holds no videos; their names end in \.mp4"):
        import_foreign(folder, tmp_path / "out")


# -- the folder ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["import.json", "README.md", "samples/00000.parquet", "pixels/00000.npy"])
def test_a_flipped_bit_is_named(name: str, tmp_path: Path) -> None:
    take(save(tmp_path / "a.npz", videos=VIDEOS), tmp_path / "out")
    file = tmp_path / "out" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"{name} is missing or damaged"):
        open_foreign(tmp_path / "out")
    file.unlink()
    with pytest.raises(UserError, match=name):
        open_foreign(tmp_path / "out")


def test_an_import_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    source = save(tmp_path / "a.npz", videos=VIDEOS)
    take(source, tmp_path / "out")
    with pytest.raises(UserError, match="out is there already; add --overwrite"):
        import_foreign(source, tmp_path / "out")
    import_foreign(save(tmp_path / "b.npz", videos=VIDEOS[:2]), tmp_path / "out", overwrite=True)
    assert len(open_foreign(tmp_path / "out")) == 2
    with pytest.raises(UserError, match=r"holds no import \(there is no import\.json\)"):
        open_foreign(tmp_path)


@pytest.mark.parametrize("kind", ["npz", "csv", "videos"])
def test_killed_twenty_times_it_ends_in_the_same_bytes(
    kind: str, tmp_path: Path, films: tuple[Path, dict[str, np.ndarray]]
) -> None:
    source = films[0] if kind == "videos" else tmp_path / f"a.{kind}"
    if kind == "npz":
        save(source, videos=np.random.default_rng(0).integers(0, 256, (12, 16, 3, 32, 32), np.uint8))
    if kind == "csv":
        with source.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["clip", "frame", "u", "v"])
            writer.writerows([clip, frame, clip + 0.5, frame / 3] for clip in range(30) for frame in range(8))
    process = start(take_in, source, tmp_path / "whole")
    process.join()
    assert process.exitcode == 0
    whole = tree(tmp_path / "whole")

    def check() -> None:
        assert tree(tmp_path / "out") == whole

    assert kill_often(lambda out: start(take_in, source, out), tmp_path / "out", check)
