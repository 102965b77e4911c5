"""The contact sheet shows a stored data set as it is, holds everything it shows, and stays small."""

import base64
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from marey.cli import main
from marey.core.errors import UserError
from marey.data.folder import open_dataset, write_dataset
from marey.data.spec import PRESETS, DatasetSpec
from marey.data.table import make_samples
from marey.report.facts import facts, paths, seen
from marey.report.histograms import histograms
from marey.report.notes import read_notes
from marey.report.plates import chronophotograph, shrunk, sprite_sheet
from marey.report.sheet import write_sheet
from marey.report.words import count, parameter
from marey.world.laws import BASE_LAWS
from marey.world.look import HARD, Look
from marey.world.matched import MatchedWorld
from marey.world.render import quantized
from marey.world.rig import Rig

VOID = {"meta", "img", "input", "br", "link", "hr"}
NOTES = "## Shortcuts\n\nA *depth-3* tree & <nothing> else.\n\n| fact | accuracy |\n|---|---|\n| one frame | 0.268 |\n"
HARD_WORLD = MatchedWorld(frames=12, size=48, channels=3, look=HARD, rig=Rig(cameras=2))


class Page(HTMLParser):
    """The addresses and the alternative texts of a page; fails where a tag is not closed in its turn."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.addresses, self.labels, self.tags = [], [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        assert len(found) == len(attrs), f"<{tag}> has an attribute twice"
        self.tags.append((tag, found))
        self.addresses += [found[name] for name in ("src", "href", "srcset", "action", "poster") if name in found]
        self.labels.append(found.get("aria-label"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> out of turn"


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """A small data set of the world that models are trained on."""
    path = tmp_path_factory.mktemp("sheet") / "plain <set>"
    write_dataset(DatasetSpec(train=40, validation=0, test=8), path, notes=lambda: NOTES)
    return path


@pytest.fixture(scope="module")
def hard(tmp_path_factory) -> Path:
    """A data set with all that a picture can show: two cameras, occluders, noise, colour."""
    path = tmp_path_factory.mktemp("sheet") / "hard"
    write_dataset(DatasetSpec(HARD_WORLD, train=16, validation=0, test=0), path)
    return path


def data_of(page: str) -> dict:
    """What the scripts read; a NaN in it, which a browser would refuse, is an error here too."""
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page).group(1)
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.split(",", 1)[1]))))


def strips(page: str) -> list[str]:
    return re.findall(r'<img hidden alt="" src="([^"]+)"', page)


def test_page_is_well_formed_and_holds_everything_it_shows(stored, tmp_path):
    page = write_sheet(stored, tmp_path / "look.html").read_text(encoding="utf-8")
    read = Page(page)
    kinds = {address[:1] if address[0] == "#" else address[:15] for address in read.addresses}
    assert kinds == {"#", "data:image/png;"}
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest", page)
    assert "default-src 'none'" in page
    for address in read.addresses:
        assert address[0] != "#" or f'id="{address[1:]}"' in page
    assert all(found.get("aria-label") for tag, found in read.tags if tag in ("canvas", "svg"))
    assert all(found["alt"] or "hidden" in found for tag, found in read.tags if found.get("class") == "plate")
    assert "plain &lt;set&gt;" in page and "<set>" not in page


def test_default_place_is_in_the_folder(stored):
    assert write_sheet(stored) == stored / "look.html"
    (stored / "look.html").unlink()


def test_every_sample_shown_has_its_own_words_pixels_and_tracks(stored, tmp_path):
    page = write_sheet(stored, tmp_path / "look.html").read_text(encoding="utf-8")
    shown = [row for law in range(4) for row in range(law, 20, 4)]  # five of each law, law by law
    samples = open_dataset(stored).rows(0, 40).take(np.array(shown))
    text = html.unescape(page)
    for words in (*samples.descriptions, *"; ".join(samples.equations).split("; ")):
        assert words in text
    clips, strip = samples.clips(), strips(page)
    assert len(strip) == 20
    for clip, uri in zip(clips, strip, strict=True):
        assert (pixels(uri) == np.concatenate(clip[..., 0], axis=1)).all()
    data = data_of(page)
    assert (data["size"], data["frames"], data["fps"]) == (32, 8, 8.0)
    for i, each in enumerate(data["samples"]):
        np.testing.assert_allclose(each["tracks"], samples.scenes.tracks[i], atol=0.006)
        np.testing.assert_allclose(each["beads"], samples.scenes.trajectories[i], atol=6e-5)
        path, beads = each["paths"][0], each["beads"][0]
        assert (path[0], path[-1]) == (beads[0], beads[-1])
        assert np.all(each["seen"])


def test_header_counts_splits_and_shows_what_the_maker_noted(stored, tmp_path):
    page = write_sheet(stored, tmp_path / "look.html").read_text(encoding="utf-8")
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
    assert "48 clips of 4 laws of motion" in text and "8 frames of 32 × 32 grey pixels, 8 frames per second" in text
    assert "train shown here 40 validation 0 test 8" in text
    assert "Shortcuts A *depth-3* tree & <nothing> else. fact accuracy one frame 0.268" in text
    assert "a disc is not wholly seen" not in text
    assert "world.extent 0.12, 0.4" in text


def test_data_card_without_notes_gives_none(hard, tmp_path):
    assert read_notes(hard / "README.md") == []
    assert read_notes(tmp_path / "nowhere.md") == []


def test_split_and_count_are_obeyed(stored, tmp_path):
    page = write_sheet(stored, tmp_path / "look.html", split="test", count=1).read_text(encoding="utf-8")
    first = open_dataset(stored).rows(40, 44)
    assert len(strips(page)) == 4
    np.testing.assert_allclose(
        [each["beads"] for each in data_of(page)["samples"]], first.scenes.trajectories, atol=6e-5
    )
    assert "The first 8 samples of the test split" in page


@pytest.mark.parametrize("split", ["validation", "tset"])
def test_split_without_samples_is_named(stored, tmp_path, split):
    with pytest.raises(UserError, match=f"split='{split}' has no samples here; choose train or test"):
        write_sheet(stored, tmp_path / "look.html", split=split)


def test_cameras_and_covered_frames_are_shown(hard, tmp_path):
    page = write_sheet(hard, tmp_path / "look.html", count=2).read_text(encoding="utf-8")
    Page(page)
    samples = open_dataset(hard).rows(0, 16).take(np.array([row for law in range(4) for row in (law, law + 4)]))
    assert len(strips(page)) == 16 and page.count('class="moving"') == 16
    for camera in range(2):
        for clip, uri in zip(samples.clips(camera), strips(page)[camera::2], strict=True):
            assert (pixels(uri) == np.concatenate(clip, axis=1)).all()
    covered = ~seen(samples)
    assert covered.any() and samples.visible[covered].any()  # some are inside the frame, behind an occluder
    data = data_of(page)["samples"]
    assert [each["seen"] for each in data] == (~covered).tolist()
    assert page.count('<i class="is-hidden">') == covered.any(axis=(1, 2)).sum()
    for i, camera in enumerate(samples.scenes.camera.position[:, 1]):
        np.testing.assert_allclose(data[i]["cameras"][1]["at"], camera, atol=6e-5)


def test_camera_corners_are_seen_in_the_corners(hard, tmp_path):
    page = write_sheet(hard, tmp_path / "look.html", count=1).read_text(encoding="utf-8")
    scenes = open_dataset(hard).rows(0, 1).scenes
    drawn = data_of(page)["samples"][0]["cameras"]
    ends = np.array([[np.add(camera["at"], ray) for ray in camera["rays"]] for camera in drawn])
    seen_at = scenes.camera.pixels(scenes.camera.to_camera(ends[None]))[0]
    np.testing.assert_allclose(seen_at, np.broadcast_to([[0, 0], [48, 0], [48, 48], [0, 48]], (2, 4, 2)), atol=0.05)


def test_bodies_are_covered_by_nearer_ones_only():
    samples = make_samples(DatasetSpec(MatchedWorld(), train=4, validation=0, test=0), "train", np.arange(4))
    scenes, centre = samples.scenes, samples.scenes.camera.position[:, 0]
    there = scenes.origins[:, 0]
    double = {name: np.repeat(getattr(scenes, name), 2, axis=1) for name in ("laws", "parameters", "axes")}
    behind = replace(
        scenes,
        **double,
        origins=np.stack([there, there + 0.01 * (there - centre)], axis=1),
        radii=np.repeat(scenes.radii, 2, axis=2),
    )
    both = replace(samples, scenes=behind, visible=np.ones((4, 1, 2, 8), bool), discs=quantized(behind))
    assert seen(both)[:, :, 0].all() and not seen(both)[:, :, 1].any()
    single = replace(behind, laws=np.where([[True, False]], behind.laws, -1))
    alone = replace(both, scenes=single, discs=quantized(single))
    assert seen(alone)[:, :, 0].all()


@pytest.mark.parametrize("preset", ["phyworld-collision", "varied"])
def test_every_body_is_shown_and_none_that_is_not_there(tmp_path, preset):
    spec = replace(PRESETS[preset], train=13, validation=0, test=0, held_out=0)
    write_dataset(spec, tmp_path / "set")
    text = write_sheet(tmp_path / "set", count=2).read_text(encoding="utf-8")
    Page(text)
    samples = open_dataset(tmp_path / "set").rows(0, 13)
    rows = [int(row) for label in range(20) for row in np.flatnonzero(samples.scenes.law == label)[:2]]
    there = samples.scenes.laws >= 0
    assert (there.sum(axis=1) > 1).any()
    for row, each in zip(rows, data_of(text)["samples"], strict=True):
        np.testing.assert_allclose(each["beads"], samples.scenes.trajectories[row, there[row]], atol=6e-5)
        assert len(each["tracks"][0]) == len(each["seen"][0]) == len(each["radii"][0]) == there[row].sum()
        bodies = " + ".join(samples.scenes.names[law] for law in samples.scenes.laws[row, there[row]])
        assert there[row].sum() == 1 or f"<span>{bodies}</span>" in text


def test_noise_does_not_make_a_large_page(tmp_path):
    world = MatchedWorld(frames=16, size=128, channels=3, look=Look(noise=(15.0, 15.0)))
    write_dataset(DatasetSpec(world, train=12, validation=0, test=0), tmp_path / "noisy")
    page = write_sheet(tmp_path / "noisy")
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < 3e6
    assert "clips are shown at 1/2 of their size and in 256 colours" in text
    assert data_of(text)["size"] == 128 and pixels(strips(text)[0]).shape == (64, 16 * 64)


def test_more_than_fits_is_left_out_and_said(hard, tmp_path, monkeypatch):
    monkeypatch.setattr("marey.report.sheet._BYTES", (0, 500_000))
    text = write_sheet(hard, tmp_path / "look.html", count=4).read_text(encoding="utf-8")
    shown = len(strips(text)) // 8
    assert 1 <= shown < 4 and len(data_of(text)["samples"]) == 4 * shown
    assert text.count("more would not fit the page") == 4 and "in 256 colours" in text
    assert sum(map(len, strips(text))) < 500_000


def test_command_writes_the_page_and_says_where(stored, tmp_path):
    out = tmp_path / "deep" / "page.html"
    result = CliRunner().invoke(main, ["look", str(stored), "--out", str(out), "--count", "1"])
    assert (result.exit_code, result.output.strip()) == (0, str(out))
    Page(out.read_text(encoding="utf-8"))


def test_facts_are_those_of_the_laws():
    scenes = DatasetSpec().scenes("train", 0, 40)
    known, seconds = facts(scenes), scenes.times[0, -1] - scenes.times[0, 0]
    line, circle = (scenes.law == BASE_LAWS.index(name) for name in ("linear", "circular"))
    np.testing.assert_allclose(known["speed"][line], scenes.parameters[line, 0, 0])
    assert (known["turns"][line] == 0).all()
    turns = np.abs(scenes.parameters[circle, 0, 1]) * seconds / (2 * np.pi)
    np.testing.assert_allclose(known["turns"][circle], turns * 63 / 64, atol=1e-5)  # 63 angles between 64 chords
    net = np.linalg.norm(scenes.track[:, -1] - scenes.track[:, 0], axis=-1) / 32
    np.testing.assert_allclose(known["path"][line], net[line])
    assert (known["extent"] <= known["path"] + 1e-12).all()
    depth = scenes.camera.to_camera(scenes.trajectories)[:, 0, :, 2]
    assert (known["distance"] >= depth.mean(axis=1)).all() and (known["distance"] < 1.3 * depth.mean(axis=1)).all()


def test_smooth_paths_run_through_the_frames():
    scenes = DatasetSpec(MatchedWorld(frames=5)).scenes("train", 0, 8)
    np.testing.assert_allclose(paths(scenes)[:, :, ::16], scenes.trajectories, atol=1e-12)


def test_histograms_share_bins_and_height():
    groups = {"low": np.array([0.0, 1.0, np.nan]), "high": np.array([3.0, 3.0, 2.0, 0.0])}
    low, high = histograms("speed", "m/s", groups, bins=3).values()
    assert low.bars == [(0.0, 0.667), (33.33, 0.667)]  # shares of 1/2, where the highest bar of all is 3/4
    assert high.bars == [(0.0, 0.333), (66.67, 1.0)]
    assert low.pooled == high.pooled and (low.low, low.high) == (high.low, high.high) == ("0", "3.00")
    assert (low.count, high.count) == (2, 4) and low.middle == "0.500"


def test_histogram_of_nothing_and_of_one_value():
    assert histograms("x", "", {"a": np.full(3, np.nan)}) == {"a": None}
    one = histograms("x", "", {"a": np.full(3, 2.5), "b": np.empty(0)})
    assert len(one["a"].bars) == 1 and one["a"].middle == "2.50" and one["b"] is None


def test_shrunk_clips_are_means_of_blocks():
    clip = np.arange(2 * 5 * 4, dtype=np.uint8).reshape(2, 5, 4, 1)
    assert shrunk(clip, 2).shape == (2, 2, 2, 1)
    assert shrunk(clip, 2)[0, 0, 0, 0] == round((0 + 1 + 4 + 5) / 4 + 1e-9)
    assert shrunk(clip, 1) is clip


def test_few_colours_are_the_picture_s_own():
    clip = np.random.default_rng(0).integers(0, 2, (1, 2, 8, 8, 3), np.uint8) * 200
    image = Image.open(BytesIO(base64.b64decode(sprite_sheet(clip, 16).split(",", 1)[1])))
    assert image.mode == "P"
    assert (np.asarray(image.convert("RGB")) == np.concatenate(clip[0], axis=1)).all()


def test_chronophotograph_finds_the_disc_on_a_noisy_slope():
    rng, y = np.random.default_rng(0), np.linspace(60, 180, 24)[:, None]
    clip = np.broadcast_to(y, (9, 24, 24)) + rng.normal(0, 3, (9, 24, 24))
    for t in range(9):
        clip[t, 10:14, 2 * t : 2 * t + 4] = 250
    alpha = pixels(chronophotograph(clip.round().astype(np.uint8)[..., None]))[..., 3]
    assert (alpha[10:14, :20] > 100).mean() > 0.95
    assert np.delete(alpha, range(10, 14), axis=0).max() < 60


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("speed_m_s", ("speed", "m/s")),
        ("turning_rad_s", ("turning", "rad/s")),
        ("acceleration_m_s2", ("acceleration", "m/s²")),
        ("vertex_s", ("vertex", "s")),
        ("decay", ("decay", "")),
    ],
)
def test_parameters_are_named_with_their_units(name, parts):
    assert parameter(name) == parts


def test_counts_keep_every_digit():
    assert (count(7), count(1234567)) == ("7", "1\u202f234\u202f567")
