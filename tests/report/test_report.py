"""The page shows every figure with what is needed to judge it, holds everything it shows, and refuses half a run."""

import base64
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from marey.cli import main
from marey.core.errors import UserError
from marey.report import moving_picture, write_report
from marey.report.curves import curves
from marey.report.files import read_run
from marey.report.histograms import spread
from marey.report.plates import choose, chronophotograph, sprite_sheet
from marey.report.plots import error_chart, ticks
from marey.report.words import number, story
from tests.report.conftest import TASKS, draw, make_run, metrics

FILES = ["config.json", "environment.json", "times.json", "metrics.json", "details.json", "tokenizer/metrics.jsonl",
         "dynamics/metrics.jsonl", *(f"clips/{task}.npz" for task in TASKS)]  # fmt: skip


class Links(HTMLParser):
    """Every address that the page would load or lead to, and its visible text."""

    def __init__(self, page: str):
        super().__init__()
        self.addresses, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.addresses += [
            value for name, value in attrs if name in ("src", "href", "srcset", "data", "action", "poster")
        ]

    def handle_data(self, data):
        self.text += data


def test_page_holds_everything_it_shows(run):
    page = write_report(run).read_text(encoding="utf-8")
    assert {address[:1] if address[0] == "#" else address[:15] for address in Links(page).addresses} == {
        "#",
        "data:image/png;",
    }
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest", page)
    assert "default-src 'none'" in page
    assert len(page) < 1_500_000


def test_every_anchor_leads_somewhere(run):
    page = write_report(run).read_text(encoding="utf-8")
    for address in Links(page).addresses:
        if address.startswith("#"):
            assert f'id="{address[1:]}"' in page


def test_every_figure_has_value_n_interval_floor_and_baselines(run):
    page = write_report(run).read_text(encoding="utf-8")
    for entry in metrics():
        row = re.search(rf'<tr data-figure="{re.escape(entry["name"])}">.*?</tr>', page, re.DOTALL).group()
        text = " ".join(Links(row).text.split())
        if entry["value"] is None:
            assert "not measured" in text and entry["why"] in text and "<data" not in row
            continue
        shown = [entry[key] for key in ("value", "low", "high", "floor")] + list(entry["baselines"].values())
        assert all(number(value, entry["unit"]) in text for value in shown if value is not None)
        assert f" {entry['n']} " in text
        assert all(name.replace("_", " ") in text for name in entry["baselines"])
        assert ("reached" in text.replace("to reach", "")) == (entry.get("reached") is True)


def test_text_of_files_is_escaped(run):
    page = write_report(run).read_text(encoding="utf-8")
    assert "<b>odd" not in page and "&lt;b&gt;odd &amp; name&lt;/b&gt;" in page
    assert "&lt;not&gt; kept &amp; nothing" in page


def test_gate_says_who_is_over_its_limit(run):
    text = write_report(run).read_text(encoding="utf-8")
    rows = re.findall(r'<tr data-figure="(gate\.\w+)">.*?class="badge (yes|no)">(\w+)<', text, re.DOTALL)
    assert rows == [("gate.one_frame", "yes", "within"), ("gate.path_length", "no", "over")]


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(run, name):
    (run / name).unlink()
    with pytest.raises(UserError, match=re.escape(str(run / name))) as caught:
        write_report(run)
    assert "\n" not in str(caught.value)
    assert not (run / "report.html").exists()


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere is not a folder"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(UserError, match="nowhere is not a folder"):
        moving_picture(tmp_path / "nowhere", tmp_path / "out.gif")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metrics.json", '[{"name": "a", "value": "high"}]', r"metrics\.json: field figures\.0\.value"),
        ("metrics.json", "{", r"metrics\.json is not valid JSON"),
        ("details.json", "{}", r"details\.json: field laws"),
        ("dynamics/metrics.jsonl", '{"step": 1}\n{"st', r"metrics\.jsonl line 2"),
        ("clips/predict.npz", "not a zip", r"predict\.npz cannot be read"),
    ],
)
def test_broken_file_is_named(run, name, text, message):
    (run / name).write_text(text)
    with pytest.raises(UserError, match=message):
        write_report(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_track": np.zeros((8, 7, 2))}, r"'model_track' has shape \(8, 7, 2\)"),
        ({"model": np.zeros((8, 8, 32, 32, 1), np.float32)}, "'model' is float32"),
        ({"said": np.full(8, 4)}, "outside the 4"),
        ({"truth": None}, "no array 'truth'"),
    ],
)
def test_clips_that_do_not_fit_are_refused(run, change, message):
    file = run / "clips" / "predict.npz"
    arrays = dict(np.load(file)) | change
    np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(UserError, match=message):
        write_report(run)


@pytest.mark.parametrize("shape", [(5, 16, 64, 48, 3), (24, 8, 32, 32, 1), (4, 3, 20, 28, 3)])
def test_other_sizes_and_colours_work(tmp_path, shape):
    run = make_run(tmp_path / "run", *shape)
    page = write_report(run).read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page).group(1))
    n, frames, height, width, _ = shape
    assert (data["frames"], data["height"], data["width"]) == (frames, height, width)
    assert page.count("<canvas") == 5 * n + min(n, 4)  # five kinds of each clip, and a path in space for each law
    assert data["tracks"]["predict"][1][-1] is None  # lost, and nothing put in its place
    with Image.open(moving_picture(run, tmp_path / "out.gif")) as picture:
        assert picture.n_frames == frames


def test_large_clips_stay_under_the_limit(tmp_path):
    run = make_run(tmp_path / "run", 24, 16, 64, 64, 3)
    file = run / "clips" / "predict.npz"
    arrays = dict(np.load(file))
    arrays["model"] = np.random.default_rng(0).integers(0, 256, arrays["model"].shape, np.uint8)
    for task in TASKS:  # noise everywhere: the worst that a PNG can meet
        kept = {k: v for k, v in arrays.items() if task != "generate" or not k.startswith("truth")}
        np.savez(run / "clips" / f"{task}.npz", **kept)
    page = write_report(run)
    assert page.stat().st_size < 15e6
    assert "8 of 24 test clips" in page.read_text(encoding="utf-8")


def test_nothing_measured_still_makes_a_page(run):
    empty = [entry | {"value": None, "low": None, "high": None, "why": "no time"} for entry in metrics()]
    (run / "metrics.json").write_text(json.dumps(empty))
    for stage in ("tokenizer", "dynamics"):
        (run / stage / "metrics.jsonl").write_text("")
    details = json.loads((run / "details.json").read_text())
    details |= {"errors": {}, "parameters": {}, "not_run": [], "confusion": {}}
    for late in ("budget", "calibration", "recovered", "error_intervals"):
        del details[late]
    (run / "details.json").write_text(json.dumps(details))
    assert "None of the main figures" in write_report(run).read_text(encoding="utf-8")


def test_moving_picture_is_small_and_in_step(run, tmp_path):
    out = moving_picture(run, tmp_path / "deep" / "demo.gif")
    assert out.stat().st_size < 1_500_000
    with Image.open(out) as picture:
        assert picture.n_frames == 8 and picture.info["loop"] == 0
        first = np.asarray(picture.convert("RGB"))
        picture.seek(7)
        assert (first != np.asarray(picture.convert("RGB"))).any()
        assert {(255, 255, 255), (0, 114, 178), (213, 94, 0)} <= set(map(tuple, first.reshape(-1, 3).tolist()))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.png", r"run\.png does not end in \.gif.*name it .*run\.gif"),
        ("kept", r"kept is a folder; name .*run\.gif"),
    ],
)
def test_moving_picture_has_a_name_of_its_own(run, tmp_path, name, message):
    (tmp_path / "kept").mkdir()
    answer = CliRunner().invoke(main, ["report", str(run), "--gif", str(tmp_path / name)])
    assert answer.exit_code == 1 and re.search(message, answer.output) and "\n" not in answer.output.strip()
    assert not (run / "report.html").exists(), "nothing is written before the mistake is told"


def test_report_and_moving_picture_say_where_they_are(run, tmp_path):
    answer = CliRunner().invoke(main, ["report", str(run), "--gif", str(tmp_path / "run.gif")])
    assert answer.output.splitlines() == [str(run / "report.html"), str(tmp_path / "run.gif")]


def test_moving_picture_without_a_common_law_is_refused(run, tmp_path):
    for k, task in enumerate(TASKS):
        arrays = dict(np.load(run / "clips" / f"{task}.npz"))
        np.savez(run / "clips" / f"{task}.npz", **(arrays | {"law": np.full(8, k)}))
    with pytest.raises(UserError, match="no law with a clip in every task"):
        moving_picture(run, tmp_path / "demo.gif")


def _decode(uri: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.split(",", 1)[1]))))


def test_sprite_sheet_keeps_every_pixel():
    clips = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 6, 3), np.uint8)
    sheet = _decode(sprite_sheet(clips))
    assert (sheet[5:10, 12:18] == clips[1, 2]).all()


def test_chronophotograph_shows_every_position_in_its_colour():
    track = np.array([[[5.0, 5.0], [16.0, 16.0], [27.0, 27.0]]])
    plate = _decode(chronophotograph(draw(track, 32, 32, 1)[0]))
    assert plate.shape == (32, 32, 4)
    assert [tuple(plate[i, i, :3]) for i in (5, 16, 27)] == [(0, 114, 178), (204, 121, 167), (230, 159, 0)]
    assert plate[5, 27, 3] == 0 and plate[16, 16, 3] == 255


def test_clips_are_chosen_evenly_among_laws():
    law = np.array([0, 0, 0, 1, 2, 3])
    assert choose(law, 1) == [0, 1, 2, 3, 4, 5]
    assert choose(law, 2_000_000 // 5) == [0, 3, 4, 5]


def test_plots_keep_gaps_and_put_zero_at_the_bottom():
    chart = error_chart("t", {"frame": [4, 5, 6], "other": [1.0, 2.0, 3.0], "model": [1.0, None, 3.0]})
    assert [line.name for line in chart.lines] == ["model", "other"]
    assert chart.lines[0].path.count("M") == 2 and len(chart.lines[0].dots) == 2
    assert chart.y_ticks[0] == (chart.bottom, "0")
    assert abs(chart.lines[0].label_y - chart.lines[1].label_y) >= 15
    assert [label for _, label in chart.x_ticks] == ["5", "6", "7"]


def test_curves_put_losses_first_and_skip_what_is_no_number():
    rows = [{"step": 1, "rate": 0.1, "note": "a", "val_loss": 3.0}, {"step": 2, "rate": 0.2, "flag": True, "loss": 1}]
    assert [chart.title for chart in curves(rows).charts] == ["val loss", "loss", "rate"]
    long = curves([{"step": i, "loss": 1.0 + i} for i in range(5000)]).charts[0].lines[0]
    assert long.path.count("L") <= 241 and long.last == "5\u202f000"


def test_curves_put_held_out_values_beside_and_say_what_never_changed():
    rows = [{"step": i, "loss": 3.0 - i, "rate": 0.1, "validation_rate": float(i)} for i in range(3)]
    rows[2] |= {"validation_loss": 1.5}
    rows[0] |= {"validation_loss": 3.5}
    drawn = curves(rows)
    assert [(chart.title, [line.name for line in chart.lines]) for chart in drawn.charts] == [
        ("loss", ["loss", "held out"]),
        ("validation rate", ["validation rate"]),
    ]
    assert drawn.charts[0].lines[1].path.count("M") == 1, "held-out values are few, and still one line"
    assert drawn.still == [("rate", "0.100")]


def test_spread_of_one_repeated_value_is_one_bar():
    drawn = spread("radius", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    assert len(drawn.generated) == 1 and len(drawn.data) == 3 and drawn.counts == (3, 3)
    assert spread("radius", [], []) is None


def test_ticks_are_round():
    assert ticks(0.0, 1.0, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(-3.0, 12.0, 4) == [0, 5, 10]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.742, "px", "0.742"), (12.34, "px", "12.3"), (0.9384, "share", "93.8"), (0.0, "px", "0"), (None, "px", "–"),
     (4096, None, "4\u202f096"), (0.000123, None, "0.000123"), (-1.5, "dB", "\u22121.50")],
)  # fmt: skip
def test_numbers_have_three_digits(value, unit, text):
    assert number(value, unit) == text


def test_story_names_only_what_was_measured(run):
    figures = read_run(run).figures
    told = story(figures).replace("\u00a0", " ")
    assert "93.8 % of the test clips (chance: 25.0 %)" in told
    assert "0.742 px (constant velocity: 1.92 px)" in told
    assert "generates" not in story(figures[:3])


def test_report_needs_no_model(run):
    """Reading a run folder must not import torch: the page opens where no model could be loaded."""
    script = (
        "import sys; from pathlib import Path; from marey.report import write_report; write_report(Path(sys.argv[1]))"
    )
    check = "; assert not [name for name in sys.modules if name.split('.')[0] in ('torch', 'numba')]"
    subprocess.run([sys.executable, "-c", script + check, str(run)], check=True)
    assert Path(run / "report.html").exists()
