"""Videos of others: judged exactly as our own, and refused in one line that names what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from marey.core.errors import UserError
from marey.core.runs import RunFolder
from marey.data.clips import as_clips, as_video
from marey.data.folder import write_dataset
from marey.data.spec import DatasetSpec
from marey.judge.exam import JudgeConfig
from marey.judge.verdict import judge
from marey.recipes.handed import HandedIn, judge_videos
from marey.world.matched import MatchedWorld
from marey.world.render import render
from tests.judge import models
from tests.judge.models import Oracle
from tests.test_cli import invoke, refusal

SPEC = DatasetSpec(MatchedWorld(), train=80, validation=0, test=24)
Clips = np.ndarray


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("handed") / "D"
    write_dataset(SPEC, out)
    return out


@pytest.fixture(scope="module")
def truth() -> Clips:
    return render(SPEC.scenes("test"))


def npz(path: Path, clips: Clips, **more: np.ndarray) -> Path:
    """Clips with the documents' axes."""
    np.savez(path, videos=clips.transpose(0, 1, 4, 2, 3), **more)
    return path


def mp4(path: Path, clip: Clips) -> None:
    """Without loss, in full colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264rgb", rate=8, options={"crf": "0"})
        stream.height, stream.width, stream.pix_fmt = *clip.shape[1:3], "rgb24"
        for frame in np.broadcast_to(clip, (*clip.shape[:3], 3)):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        film.mux(stream.encode())


def figures(path: Path) -> dict[str, dict]:
    return {entry["name"]: entry for entry in json.loads((path / "metrics.json").read_text())}


def handed(videos: Path, dataset: Path, task: str, out: Path, **more: int) -> dict[str, dict]:
    judge_videos(HandedIn(videos, dataset, task, **more), out, lambda _: None)
    return figures(out)


# -- the same trials -----------------------------------------------------------------------------------------------


def test_a_model_and_its_videos_get_the_same_figures_and_clips(dataset: Path, truth: Clips, tmp_path: Path) -> None:
    train, test = SPEC.scenes("train"), SPEC.scenes("test")
    config = JudgeConfig(prefix=3, horizon=5, generated=24)
    model = Oracle(test, train, models.half_erased)
    judge(model, train, test, config, RunFolder(tmp_path / "own"), lambda _: None)
    own = figures(tmp_path / "own")
    answer = as_clips(models.half_erased(as_video(truth)))
    generated = as_clips(model.generate(torch.arange(24) % 4, 0))
    videos = {"reconstruct": (answer, {}), "predict": (answer, {}), "interpolate": (answer, {}),
              "generate": (generated, {"labels": np.arange(24) % 4})}  # fmt: skip
    for task, (clips, more) in videos.items():
        shown = {"shown": 3} if task == "predict" else {}
        found = handed(npz(tmp_path / f"{task}.npz", clips, **more), dataset, task, tmp_path / task, **shown)
        prefix = "reconstruction" if task == "reconstruct" else task
        assert {name for name in own if name.startswith((prefix, "gate"))} - {"reconstruction.codebook_use"} == {*found}
        for name, figure in found.items():
            wanted = own[name]
            if name == "generate.law_right":
                wanted["baselines"].pop("reconstructed_clips")
            if name.startswith("generate") and name != "generate.law_right":
                continue  # the oracle draws other clips for another seed
            assert figure == wanted, name
        with np.load(tmp_path / task / "clips" / f"{task}.npz") as kept:
            np.testing.assert_array_equal(kept["model"], clips[:16])


def test_what_videos_cannot_show_is_said(dataset: Path, truth: Clips, tmp_path: Path) -> None:
    handed(npz(tmp_path / "v.npz", truth), dataset, "predict", tmp_path / "out")
    details = json.loads((tmp_path / "out" / "details.json").read_text())
    assert [row["what"] for row in details["not_run"]] == [
        "classification", "reconstruction", "interpolation", "generation"
    ]  # fmt: skip
    judged = json.loads((tmp_path / "out" / "judged.json").read_text())
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert set(judged) == {"videos", "judge", "rules", "dataset"}
    assert config["videos"] == "v.npz" and config["task"] == "predict"


# -- which clip a video answers ------------------------------------------------------------------------------------


def test_a_video_answers_the_clip_it_names_whatever_the_order(dataset: Path, truth: Clips, tmp_path: Path) -> None:
    for row, clip in enumerate(truth):  # sorted by name they are in another order
        mp4(tmp_path / "films" / f"{'ab'[row % 2]}-{row}.mp4", clip)
    found = handed(tmp_path / "films", dataset, "reconstruct", tmp_path / "out")
    assert found["reconstruction.psnr"]["value"] == 100 and found["reconstruction.survival"]["value"] == 1
    details = json.loads((tmp_path / "out" / "details.json").read_text())
    assert "coder" in details["not_run"][-1]["why"]
    order = np.random.default_rng(0).permutation(24)
    first = int(SPEC.index("test", np.zeros(1, int))[0])
    for name, index in (("rows", order), ("samples", first + order)):
        archive = npz(tmp_path / f"{name}.npz", truth[order], index=index)
        assert handed(archive, dataset, "reconstruct", tmp_path / name)["reconstruction.psnr"]["value"] == 100


def test_the_hidden_frames_alone_are_enough(dataset: Path, truth: Clips, tmp_path: Path) -> None:
    for task, hidden in (("predict", slice(2, 8)), ("interpolate", slice(3, 5))):
        shown = 2 if task == "predict" else 3
        archive = npz(tmp_path / f"{task}.npz", truth[:, hidden])
        found = handed(archive, dataset, task, tmp_path / task, shown=shown)
        figure = found[f"{task}.ade"]
        assert figure["value"] == pytest.approx(figure["floor"], rel=1e-12)  # sums of the same in other orders
        assert figure["value"] < 0.02


def test_the_first_clips_alone(dataset: Path, truth: Clips, tmp_path: Path) -> None:
    archive = npz(tmp_path / "v.npz", truth[:12])
    found = handed(archive, dataset, "reconstruct", tmp_path / "out", clips=12)
    assert found["reconstruction.psnr"] | {"baselines": {}} == found["reconstruction.psnr"] | {"n": 12, "baselines": {}}
    with pytest.raises(UserError, match="12 of 24 test clips have no answer, by their rows 12, 13, 14, 15, 16 and 7"):
        handed(archive, dataset, "reconstruct", tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_generated_videos_name_their_law(dataset: Path, truth: Clips, tmp_path: Path) -> None:
    names = ("linear", "circular", "helical", "parabolic")
    law = SPEC.scenes("test").law
    for row, clip in enumerate(truth):
        mp4(tmp_path / "films" / names[law[row]] / f"{row}.mp4", clip)
    found = handed(tmp_path / "films", dataset, "generate", tmp_path / "out")
    assert found["generate.law_right"]["value"] >= 0.95 and found["generate.law_right"]["n"] == 24
    with np.load(tmp_path / "out" / "clips" / "generate.npz") as kept:
        assert kept["law"].tolist() == [0, 1, 2, 3] * 4


# -- refusals ------------------------------------------------------------------------------------------------------

Spoil = Callable[[Clips, Path], Path]
SPOILED: dict[str, tuple[Spoil, str]] = {
    "length": (lambda v, f: npz(f / "v.npz", v[:, :5]), "video 0 has 5 frames; the clips have 8: give all of them, or"),
    "size": (lambda v, f: npz(f / "v.npz", v[:, :, :24]), "video 0 is 32 x 24 pixels and the clips are 32 x 32"),
    "colour": (
        lambda v, f: npz(f / "v.npz", np.concatenate([v, v, 255 - v], axis=-1)),
        "video 0 is in colour (channels 255 levels apart) and the clips are grey",
    ),
    "missing": (lambda v, f: npz(f / "v.npz", v[:23]), "1 of 24 test clips have no answer, by their rows 23; add"),
    "twice": (
        lambda v, f: npz(f / "v.npz", v, index=np.r_[0:23, 5]),
        "video 5 and {path}: video 23 both answer test clip 5",
    ),
    "beyond": (lambda v, f: npz(f / "v.npz", v, index=np.r_[0:23, 99]), "answers test clip 99; the test split has"),
    "index": (lambda v, f: npz(f / "v.npz", v, index=np.arange(3)), "index is int64 (3,); store 24 rows"),
    "trajectories": (
        lambda v, f: np.savez(f / "v.npz", trajectories=np.zeros((24, 8, 3))) or f / "v.npz",
        "v.npz has no videos; give a folder of videos",
    ),
    "nowhere": (lambda v, f: f / "none", "does not exist"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
def test_what_cannot_be_judged_is_named(what: str, dataset: Path, truth: Clips, tmp_path: Path) -> None:
    spoil, said = SPOILED[what]
    path = spoil(truth, tmp_path)
    with pytest.raises(UserError) as error:
        handed(path, dataset, "predict", tmp_path / "out")
    assert said.format(path=path) in str(error.value) and not (tmp_path / "out").exists()


def test_names_that_say_too_little_are_refused(dataset: Path, truth: Clips, tmp_path: Path) -> None:
    mp4(tmp_path / "films" / "1.mp4", truth[1])
    mp4(tmp_path / "films" / "other.mp4", truth[2])
    with pytest.raises(UserError, match=r"other\.mp4 has no number and others have"):
        handed(tmp_path / "films", dataset, "predict", tmp_path / "out")
    with pytest.raises(UserError, match=r"1\.mp4 says not which law it was asked for; name one of linear, circular"):
        handed(tmp_path / "films", dataset, "generate", tmp_path / "out")


def test_the_command_line(dataset: Path, truth: Clips, tmp_path: Path) -> None:
    archive, out = npz(tmp_path / "v.npz", truth), tmp_path / "out"
    wanted = ("judge", "--videos", archive, "--dataset", dataset, "--task", "interpolate", "--out", out)
    result = invoke(*wanted)
    assert result.exit_code == 0, result.output
    assert "| interpolation: ADE | 0.00" in result.stdout and result.stdout.endswith(f"{out / 'metrics.json'}\n")
    assert refusal(*wanted) == f"marey: {out} already holds a run; choose another --out"
    assert "needs --task, --out too" in refusal("judge", "--videos", archive, "--dataset", dataset)
    assert "--task belongs to --videos" in refusal("judge", tmp_path, "--task", "predict")
    assert "give the folder of a run, or --videos" in refusal("judge")
    assert "either the run" in refusal("judge", tmp_path, *wanted[1:])
    task = ("--task", "predict", "--out", tmp_path / "x")
    assert "give 1 to 7" in refusal(*wanted[:5], *task, "--shown", "8")
    assert "24 test clips, and --clips asks for 25" in refusal(*wanted[:5], *task, "--clips", "25")
    assert "--shown 2 means nothing" in refusal(*wanted[:5], "--task", "generate", "--out", "x", "--shown", "2")


def test_a_data_set_without_training_clips_is_refused(tmp_path: Path, truth: Clips) -> None:
    write_dataset(DatasetSpec(MatchedWorld(), train=8, validation=0, test=4), tmp_path / "few")
    with pytest.raises(UserError, match="has 8 training clips; make it with 40 or more"):
        handed(npz(tmp_path / "v.npz", truth[:4]), tmp_path / "few", "predict", tmp_path / "out")
