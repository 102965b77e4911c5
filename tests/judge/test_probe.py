"""The bench from end to end, small: honest rows for everyone, checks, tables, page; classifier and replays."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch import nn

from marey.cli import main
from marey.core.errors import UserError
from marey.data.clips import as_video, clips
from marey.data.folder import write_dataset
from marey.data.spec import DatasetSpec
from marey.encoders.controls import batch_norms
from marey.encoders.frames import images
from marey.encoders.guest import Facts, Features, Guest, Weights
from marey.encoders.look import Look
from marey.judge.probing import guests
from marey.judge.probing.bench import ProbeConfig, run_probe
from marey.judge.probing.entrant import built
from marey.judge.probing.files import Place, read_result, write_result
from marey.judge.probing.gains import Seen, gains, table
from marey.judge.probing.history import TESTED, replay
from marey.judge.probing.oracles import of_truth
from marey.judge.probing.result import ProbeResult
from marey.judge.probing.set import set_of_spec
from marey.judge.probing.tasks import task_on
from marey.judge.probing.verdict import ceiling_check
from marey.recipes.probe import STANDARD
from marey.report.probe import glance, labels_table, markdown, story, write_probe_report
from marey.world.matched import MatchedWorld

ROOT = Path(__file__).parents[2]
SPEC = DatasetSpec(MatchedWorld(frames=6, size=16), train=64, validation=16, test=40)
ASKED = ("law", "position", "future-position", "time-index")
SHARED = ["noise", "pixels", "mean-frame", "shuffled", "track-statistics", "first-conv", "true-track"]


class Tiny(Guest):
    """A convolution with a batch norm; "pretrained" reads its weights from a file."""

    def __init__(self, weights: Weights, state: dict[str, torch.Tensor] | None):
        look = Look(size=(8, 8))
        facts = Facts("tiny", "MIT", "these tests", str(look))
        super().__init__(facts, weights, look, {"out": 4, "<inner>": 4})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(weights.seed or 0)
            self.convolution, self.norm = nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4)
        if state is not None:
            self.load_state_dict(state)
        self.requires_grad_(False).eval()

    def read(self, video: torch.Tensor, taps: tuple[str, ...]) -> Features:
        inner = self.convolution(video)
        maps = {"out": self.norm(inner).relu(), "<inner>": inner}
        return {tap: maps[tap].flatten(3)[..., ::9].transpose(1, 2).flatten(2) for tap in taps}


@dataclass(frozen=True)
class TinyConfig:
    path: Path | None = None
    seed: int | None = None

    def control(self, seed: int) -> "TinyConfig":
        return TinyConfig(seed=seed)

    def build(self) -> Guest:
        if self.seed is not None:
            return Tiny(Weights("random", seed=self.seed), None)
        if self.path is None or not self.path.exists():
            raise UserError(f"tiny: {self.path} does not exist; give a path, or a seed for the random control")
        state = torch.load(self.path, weights_only=True)
        return Tiny(Weights("pretrained", str(self.path), "ab" * 32, len(state), len(state)), state)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a guest that has weights."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pt"
    torch.save(Tiny(Weights("random", seed=7), None).state_dict(), path)
    before = dict(guests.KINDS), dict(guests.GUESTS)
    for names in (guests.KINDS, guests.GUESTS):
        names["tiny"] = TinyConfig
    yield f"tiny:{path}"
    guests.KINDS.clear()
    guests.KINDS.update(before[0])
    guests.GUESTS.clear()
    guests.GUESTS.update(before[1])


@pytest.fixture(scope="module")
def held(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[ProbeResult, list[str]]:
    """A bench with a guest that has weights and one that has none, and what was said meanwhile."""
    config = ProbeConfig(tmp_path_factory.mktemp("cache"), batch=32, tasks=ASKED, seeds=2)
    told: list[str] = []
    names = [tiny, "tiny:/nowhere.pt"]
    result = run_probe(set_of_spec(SPEC, "small"), names, config, told.append, lambda done, total: None)
    return result, told


@pytest.fixture(scope="module")
def written(held: tuple[ProbeResult, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_result(held[0], Place.now(tmp_path_factory.mktemp("results")))


def test_everyone_has_a_row_in_one_of_the_honest_states(held: tuple[ProbeResult, list[str]], tiny: str) -> None:
    cards = {card.name: card for card in held[0].cards}
    assert list(cards)[:3] == [tiny, f"random-{tiny}", f"calibrated-{tiny}"] and list(cards)[-7:] == SHARED
    assert cards[tiny].state == "weights found" and cards[tiny].sha256 == "ab" * 32
    for change in ("random", "calibrated"):
        card = cards[f"{change}-{tiny}"]
        assert (card.state, card.networks, card.seeds, len(set(card.fingerprint))) == (
            "random control",
            3,
            (0, 1, 2),
            3,
        )
    lost = cards["tiny:/nowhere.pt"]
    assert lost.state == "not run" and lost.why is not None and "/nowhere.pt does not exist" in lost.why
    assert cards["random-tiny:/nowhere.pt"].why == "tiny:/nowhere.pt was not run"
    assert all(cards[name].state == "no weights" for name in SHARED if name != "first-conv")
    for card in (card for card in cards.values() if card.seconds is not None):
        assert 0 < card.forward <= card.seconds and card.steps and card.width
    assert not {row.guest for row in held[0].rows} & {card.name for card in cards.values() if card.state == "not run"}


def test_every_score_has_its_interval_n_and_chance_or_says_why(held: tuple[ProbeResult, list[str]], tiny: str) -> None:
    result = held[0]
    for row in result.rows:
        assert row.n == 40 and row.chance is not None
        if row.value is None:
            assert row.why and row.task == "time-index"
        else:
            assert row.low <= row.value <= row.high and row.fits in (2, 6)
    main = [row for row in result.rows if (row.guest, row.tap, row.probe) == (tiny, "out", "linear")]
    assert {row.task for row in main} == set(ASKED)
    assert [row.labels for row in main if row.task == "law"] == [10, 30, 80]
    assert {row.probe for row in result.rows if row.tap == "<inner>"} == {"linear"}


def test_noise_sits_at_chance_and_the_truth_above_all(held: tuple[ProbeResult, list[str]]) -> None:
    noise, ceiling = held[0].checks
    assert noise.passed and noise.name == "noise at chance" and "chance is 0.250" in noise.words
    assert "test clips" in ceiling.words
    rows = [row for row in held[0].rows if (row.task, row.labels, row.probe) == ("position", 80, "linear")]
    scores = {row.guest: row.value for row in rows}
    assert scores["true-track"] > 0.98 > scores["noise"]


def test_a_guest_is_compared_with_its_own_random_controls_and_with_pixels(
    held: tuple[ProbeResult, list[str]], tiny: str
) -> None:
    found = held[0].comparisons
    assert {each.against for each in found} == {f"random-{tiny}", f"calibrated-{tiny}", "pixels"}
    assert {each.guest for each in found} == {tiny} and len(found) == 3 * len(ASKED)
    assert any(each.verdict == "does worse" for each in found)  # random weights say less of a place than pixels do
    assert all(each.clips_needed is None or each.clips_needed > 40 for each in found)


def test_the_true_track_tells_the_law_of_the_standard_set() -> None:
    found = set_of_spec(STANDARD["matched"], "matched")
    assert (len(found.clips), len(found.pool), len(found.test), found.frames, found.size) == (
        2000,
        1500,
        500,
        17,
        (128,) * 2,
    )
    task = task_on("law", found)
    score = gains(table(Seen(of_truth(found.truth, 17), found.pool, 256), task, found, "linear"), "linear", 2).score
    assert ceiling_check(score, 500).passed, score
    assert STANDARD["hard"].world.look != STANDARD["matched"].world.look


def test_results_come_back_as_they_were(held: tuple[ProbeResult, list[str]], written: Path) -> None:
    assert re.fullmatch(r"\d{8}_\d{6}_probe\.json", written.name)
    assert read_result(written) == held[0]
    content = json.loads(written.read_text())
    broken = written.with_name("broken.json")
    broken.write_text(json.dumps(content | {"cards": [{"name": "x"}]}))
    with pytest.raises(UserError, match=r"broken\.json: field cards\.0\.role"):
        read_result(broken)


def test_two_results_of_one_second_do_not_meet(tmp_path: Path) -> None:
    places = {Place.now(tmp_path).stem for _ in range(5)}
    assert len(places) == 5


def test_tables_and_page_hold_all_that_was_found(held: tuple[ProbeResult, list[str]], written: Path, tiny: str) -> None:
    result, made = held[0], write_probe_report(written)
    endings = {path.name.removeprefix(written.stem) for path in made}
    assert endings == {".md", ".csv", ".html", *(f"_{task}.svg" for task in ASKED)}
    assert "Each random control is 3 networks." in markdown(result)
    one = replace(result, cards=[replace(card, networks=1) for card in result.cards])
    assert "luck of its draw" in markdown(one)
    text, page = markdown(result), written.with_suffix(".html").read_text()
    for comparison in result.comparisons:
        assert comparison.words in text
    for said in (*(check.words for check in result.checks), result.rule, "not run: tiny: /nowhere.pt does not exist"):
        assert said in text
    law = [row for row in result.rows if (row.task, row.probe, row.guest) == ("law", "linear", "pixels")]
    assert "| labels | 10 | 30 | 80 |" in text
    assert f"| pixels | {' | '.join(f'{row.value:.3f}' for row in law)} |" in text
    assert "| labels |" not in markdown(replace(result, rows=[row for row in result.rows if row.labels == 80]))
    assert len(written.with_suffix(".csv").read_text().splitlines()) == len(result.rows) + 1
    assert "default-src 'none'" in page and "http" not in re.sub(r"http-equiv|http://www\.w3\.org/2000/svg", "", page)
    assert "<inner>" not in page and "&lt;inner&gt;" in page
    assert all(page.count(f"<h2>{task.capitalize()}</h2>") == 1 for task in ASKED) and tiny in page


# -- the commands --------------------------------------------------------------------------------------------------


def invoke(*arguments: str | int | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="marey")


@pytest.mark.parametrize("path", sorted((ROOT / "docs/results").glob("probe-*.json")), ids=lambda path: path.stem)
def test_the_documents_say_what_the_results_say(path: Path) -> None:
    result = read_result(path)
    assert all(check.passed for check in result.checks) and path.stat().st_size < 400_000
    assert path.with_suffix(".md").read_text() == markdown(result)
    text = (ROOT / "docs/probe.md").read_text()
    assert story(result) in " ".join(text.split())
    if result.set.pool < 10_000:
        assert "\n".join(glance(result)) in text
    else:  # what counts there are the curves
        for task in (task for task in result.tasks if task.name in ("law", "position", "velocity")):
            assert "\n".join(labels_table(result, task)) in text


def test_every_network_of_a_bench_at_own_size_sees_the_clips_as_they_are() -> None:
    clips = set_of_spec(SPEC, "small")
    random, own = (
        built(guests.entry_of(f"{change}-mobilenet-v2", 1), 0, clips, own_size=True)
        for change in ("random", "calibrated")
    )
    assert random.look.size is None and own.look.size is None
    assert built(guests.entry_of("random-mobilenet-v2", 1), 0, clips).look.size == (224, 224)
    seen = images(own.look(as_video(next(clips.clips.runs(0, 16)))))  # and is calibrated on what it will see
    with torch.no_grad():
        mean = own.net.features[0][0](seen).mean(dim=(0, 2, 3))
    torch.testing.assert_close(batch_norms(own)[0].running_mean, mean, rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "D"
    write_dataset(SPEC, out)
    return out


def test_the_command_writes_all_its_files_and_says_what_it_found(dataset: Path, tmp_path: Path) -> None:
    command = ("probe", "--dataset", dataset, "--tasks", "law", "--probes", "linear", "--seeds", 2, "--clips", 45,
               "--encoders", "i3d:/nowhere.pt", "--out", tmp_path)  # fmt: skip
    done = invoke(*command)
    assert done.exit_code == 0, done.output
    assert "Noise that ignores the input scores" in done.stdout and "i3d:/nowhere.pt: " in done.stderr
    endings = sorted(path.name.split("_probe")[1] for path in tmp_path.iterdir() if path.is_file())
    assert endings == [".csv", ".html", ".json", ".log", ".md", "_law.svg"]
    log = next(tmp_path.glob("*.log")).read_text()
    assert "noise: features" in log and "Noise that ignores" in log
    first = sorted((tmp_path / "features").rglob("*.safetensors"))
    times = [path.stat().st_mtime_ns for path in first]
    assert invoke(*command).exit_code == 0
    assert [path.stat().st_mtime_ns for path in first] == times  # extracted once


def test_a_dry_run_tells_who_takes_part_and_makes_nothing(dataset: Path, tmp_path: Path) -> None:
    said = invoke(
        "probe", "--dataset", dataset, "--encoders", "open-magvit2", "--out", tmp_path / "o", "--dry-run"
    ).stdout
    lines = said.splitlines()
    assert lines[0].startswith("D: 80 clips to learn from, 40 test clips, 6 frames of 16 x 16")
    assert "open-magvit2: not run: " in lines[1] and "give the path of its weights" in lines[1]
    assert "pixels: control, 120 clips through it" in said and "first-conv: control, 720 clips" in said
    assert "mean-frame: control, 240 clips" in said  # what sees frame by frame is shown the first half only once
    assert not (tmp_path / "o").exists()


def test_a_folder_that_is_called_as_a_standard_set_is_taken_and_that_is_said(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(dataset, tmp_path / "hard")
    monkeypatch.chdir(tmp_path)
    said = invoke("probe", "--dataset", "hard", "--dry-run")
    assert said.stdout.startswith("hard: 80 clips") and "hard: the file or folder of that name here" in said.stderr
    assert "of that name" not in invoke("probe", "--dataset", dataset, "--dry-run").stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ((), "--dataset is missing"),
        (("--dataset", "nowhere"), "nowhere does not exist"),
        (("--dataset", "D", "--tasks", "dance"), "--tasks 'dance' is unknown; the tasks are law, position"),
        (("--dataset", "D", "--tasks", "", "--dry-run"), "--tasks '' names none; leave it out for all"),
        (("--dataset", "D", "--probes", "knn"), "lacks linear"),
        (("--dataset", "D", "--seeds", "1"), "--seeds 1 is too few"),
        (("--dataset", "D", "--encoders", "i4d"), "'i4d' is unknown; there are i3d, transnet-v2"),
    ],
    ids=" ".join,
)
def test_refusals(options: tuple[str, ...], complaint: str, dataset: Path, tmp_path: Path) -> None:
    result = invoke("probe", *(dataset if each == "D" else each for each in options), "--out", tmp_path / "out")
    assert result.exit_code == 2 and complaint in result.stderr and "Traceback" not in result.stderr
    assert not list((tmp_path / "out").glob("*.json"))


def test_the_old_set_ups_give_chance_and_their_figures_are_inside_it(tmp_path: Path) -> None:
    history = replay(repetitions=12)
    for each in history.replays:
        assert abs(np.mean(each.right) / TESTED - 0.25) < 4 * np.sqrt(0.25 * 0.75 / TESTED / 12)
        assert each.low <= each.reported / TESTED <= each.high or 0.1 < each.reported / TESTED < 0.4
    assert "7 of 40 right were reported (17.5%; 95 % 8.7% to 31.9%)" in history.words[0]
    assert "9 of 40" in history.words[1] and "p = 0.82" in history.words[2] and "1,174 test clips" in history.words[2]


def _by_side(out: Path, split: str, labelled: bool) -> np.ndarray:
    """Clips in an npz, labelled by the side on which the dot is; returns the sides."""
    side = (SPEC.scenes(split).track[..., 0].mean(axis=1) > SPEC.world.size / 2).astype(np.int64)
    videos = clips(SPEC, split, 0, len(side)).transpose(0, 1, 4, 2, 3)
    np.savez(out, videos=videos, **({"labels": side, "label_names": np.array(["left", "right"])} if labelled else {}))
    return side


def test_a_classifier_is_learned_kept_and_labels_clips(tmp_path: Path) -> None:
    _by_side(tmp_path / "train.npz", "train", labelled=True)
    command = ("classify", "--encoder", "pixels", "--train", tmp_path / "train.npz", "--out", tmp_path / "C")
    learned = invoke(*command)
    assert learned.exit_code == 0, learned.output
    assert re.search(r"\d+ of 16 test clips right \(.*; chance \d+\.\d%\), learned from 48 clips", learned.stdout)
    side = _by_side(tmp_path / "mine.npz", "test", labelled=False)
    said = invoke("classify", tmp_path / "C", "--clips", tmp_path / "mine.npz").stdout.splitlines()
    assert said[0] == "clip,label,probability" and len(said) == 1 + len(side)
    rows = [line.split(",") for line in said[1:]]
    assert np.mean([row[1] == ("left", "right")[each] for row, each in zip(rows, side, strict=True)]) > 0.85
    assert all(0.5 <= float(row[2]) <= 1 for row in rows)
    assert "already holds a classifier" in invoke(*command).stderr


def test_a_classifier_refuses_other_weights_and_damage(dataset: Path, tmp_path: Path, tiny: str) -> None:
    assert invoke("classify", "--encoder", tiny, "--train", dataset, "--out", tmp_path / "C").exit_code == 0
    path = Path(tiny.partition(":")[2])
    kept = path.read_bytes()
    torch.save(Tiny(Weights("random", seed=8), None).state_dict(), path)
    refused = invoke("classify", tmp_path / "C", "--clips", dataset).stderr
    path.write_bytes(kept)
    assert "learned on other weights of tiny" in refused
    (tmp_path / "C" / "classifier.safetensors").write_bytes(b"")
    assert "is missing or damaged" in invoke("classify", tmp_path / "C", "--clips", dataset).stderr
    assert "holds no classifier" in invoke("classify", tmp_path, "--clips", dataset).stderr
    assert "--clips is missing" in invoke("classify", tmp_path / "C").stderr
    assert "give --encoder, --train and --out" in invoke("classify").stderr
    random = invoke("classify", "--encoder", "random-tiny", "--train", dataset, "--out", tmp_path / "E").stderr
    assert "--encoder random-tiny is a control of the bench" in random
