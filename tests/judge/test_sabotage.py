"""True clips, sabotaged in ways that are known: every figure of the judge must move as the sabotage deserves.

A figure that a sabotage does not touch must stay, and no figure of motion may prefer a vanished ball to a visible one.
"""

from collections.abc import Callable

import numpy as np
import pytest

from marey.core.runs import RunFolder
from marey.encoders.controls import PixelsConfig
from marey.judge.exam import JudgeConfig
from marey.judge.tracker import track_clips
from marey.judge.verdict import judge
from marey.metrics.figure import Figure
from marey.metrics.tracks import displacement
from marey.report.words import title_of
from marey.world.matched import MatchedWorld
from marey.world.render import render
from marey.world.scenes import Scenes
from tests.judge import models
from tests.judge.models import Oracle

Figures = dict[str, Figure]

SABOTAGES: dict[str, models.Fault] = {
    "none": models.none,
    "erased": models.blank,
    "frozen": models.frozen,
    "swapped": models.swapped,
    "shifted": models.shifted,
    "backwards": models.backwards,
    "recoloured": models.recoloured,
    "split": models.split,
    "repeated": models.none,  # generates one clip of each law again and again
    "lying": models.none,  # names the next law, and generates it
}

# worse: away from what is better, by more than STILL. same: within STILL. absent: not measured, and says why.
W, S, A = "worse", "same", "absent"
COLUMNS = list(SABOTAGES)[1:]
TABLE = {
    #                              erased frozen swapped shifted backwards recoloured split repeated lying
    "reconstruction.survival":    (W,     W,     W,      S,      W,        S,         W,    S,       S),
    "reconstruction.track_error": (W,     W,     W,      W,      W,        S,         W,    S,       S),
    "reconstruction.velocity_times_floor": (W, W, W, S,  W,        S,         W,    S,       S),
    "reconstruction.psnr":        (W,     W,     W,      W,      W,        W,         W,    S,       S),
    "reconstruction.law_right":   (W,     W,     W,      S,      S,        S,         W,    S,       S),
    "reconstruction.codebook_use":(S,     S,     S,      S,      S,        S,         S,    S,       S),  # of its input
    "classify.accuracy":          (S,     S,     S,      S,      S,        S,         S,    S,       W),  # of its words
    "classify.calibration_error": (S,     S,     S,      S,      S,        S,         S,    S,       W),
    "predict.ade":                (W,     W,     W,      W,      W,        S,         W,    S,       S),
    "predict.fde":                (W,     W,     W,      W,      W,        S,         W,    S,       S),
    "predict.velocity_times_floor": (W, W, W,      S,      W,        S,         W,    S,       S),
    "predict.survival":           (W,     S,     S,      S,      S,        S,         W,    S,       S),
    "interpolate.ade":            (W,     W,     W,      W,      W,        S,         W,    S,       S),
    "interpolate.fde":            (W,     W,     W,      W,      W,        S,         W,    S,       S),
    "interpolate.velocity_times_floor": (W, W, W,      S,      W,        S,         W,    S,       S),
    "interpolate.survival":       (W,     S,     S,      S,      S,        S,         W,    S,       S),
    "generate.law_right":         (W,     W,     W,      S,      S,        S,         W,    S,       W),
    "generate.survival":          (W,     S,     S,      S,      S,        S,         W,    S,       S),
    "generate.copies":            (W,     S,     S,      S,      S,        S,         W,    S,       S),
    "generate.duplicates":        (W,     S,     S,      S,      S,        S,         W,    W,       S),
    "generate.spread":            (W,     W,     W,      S,      S,        S,         W,    W,       W),
    "generate.precision":         (W,     W,     W,      S,      S,        S,         W,    S,       W),
    "generate.recall":            (W,     W,     W,      S,      S,        S,         W,    W,       W),
    "generate.frechet_parameters":(A,     A,     A,      S,      S,        S,         A,    W,       A),
    "generate.residual":          (W,     S,     W,      S,      S,        S,         W,    S,       W),
    "generate.frechet_features":  (W,     W,     S,      S,      S,        S,         W,    W,       S),
}  # fmt: skip
STILL = {"share": 0.1, "px": 0.1, "times the floor": 1.0, "dB": 1.0, "KS distance": 0.1, "squared deviations": 0.2,
         "squared features": 0.4}  # fmt: skip

# What likens pixels may prefer a blank page to a ball in the wrong place: it says nothing of motion.
OF_PIXELS = ("reconstruction.psnr", "generate.frechet_features")
# These do not see what the model draws.
BLIND = ("reconstruction.codebook_use", "classify.accuracy", "classify.calibration_error")


@pytest.fixture(scope="module")
def few() -> tuple[Scenes, Scenes, Scenes]:
    """Training, test and fresh scenes."""
    world = MatchedWorld()
    return world.sample(0, np.arange(160)), world.sample(1, np.arange(32)), world.sample(2, np.arange(200))


@pytest.fixture(scope="module")
def sabotaged(few: tuple[Scenes, Scenes, Scenes], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Figures]:
    """The figures of a model that does this to the truth; each is judged once."""
    train, test, fresh = few
    known: dict[str, Figures] = {}
    config = JudgeConfig(generated=40, shown=4, batch_size=40)

    def run(name: str) -> Figures:
        if name not in known:
            some = fresh.take(np.arange(4)) if name == "repeated" else fresh
            laws = (lambda law: (law + 1) % 4) if name == "lying" else (lambda law: law)
            folder = RunFolder(tmp_path_factory.mktemp("sabotage"))
            oracle, guest = Oracle(test, some, SABOTAGES[name], laws), PixelsConfig().build()
            found = judge(oracle, train, test, config, folder, lambda _: None, guest=guest).figures
            known[name] = {key: figure for key, figure in found.items() if not key.startswith("ruler.")}
        return known[name]

    return run


def loss(figure: Figure) -> float:
    """The value, turned so that more is worse; nothing measured is as bad as can be."""
    better = title_of(figure.name).better
    assert better, f"{figure.name} does not say which way is better"
    if figure.value is None:
        return np.inf
    return -figure.value if better.startswith("higher") else figure.value


@pytest.mark.parametrize("sabotage", COLUMNS)
def test_every_figure_moves_as_the_sabotage_deserves(sabotage: str, sabotaged: Callable[[str], Figures]) -> None:
    perfect, found = sabotaged("none"), sabotaged(sabotage)
    assert set(found) == set(TABLE) == set(perfect)
    for name, row in TABLE.items():
        expected, figure, before = row[COLUMNS.index(sabotage)], found[name], perfect[name]
        assert before.value is not None
        if expected == A:
            assert figure.value is None and figure.why, name
            continue
        moved = loss(figure) - loss(before)
        if expected == W:
            assert moved > STILL[figure.unit], (name, before.value, figure.value)
        else:
            assert abs(moved) <= STILL[figure.unit], (name, before.value, figure.value)


def test_every_sabotage_that_shows_is_seen_by_some_figure_and_every_figure_sees_some() -> None:
    assert all(W in column for column in zip(*TABLE.values(), strict=True))
    assert all(W in row for name, row in TABLE.items() if name != "reconstruction.codebook_use")


@pytest.mark.parametrize("visible", [name for name in COLUMNS if name != "erased"])
def test_no_figure_of_motion_prefers_a_vanished_ball_to_a_visible_one(
    visible: str, sabotaged: Callable[[str], Figures]
) -> None:
    vanished, seen = sabotaged("erased"), sabotaged(visible)
    for name in set(TABLE) - {*OF_PIXELS, *BLIND}:
        assert loss(vanished[name]) >= loss(seen[name]), (name, vanished[name].value, seen[name].value)


def test_psnr_does_and_therefore_stands_beside_the_blank_page(sabotaged: Callable[[str], Figures]) -> None:
    psnr = {name: sabotaged(name)["reconstruction.psnr"] for name in ("erased", "frozen", "swapped")}
    assert psnr["erased"].value > psnr["frozen"].value > psnr["swapped"].value  # which is the wrong order
    for figure in psnr.values():
        assert figure.baselines["blank_page"] == psnr["erased"].value


def test_an_evaluator_that_leaves_lost_frames_out_or_fills_them_in_prefers_the_vanished_ball(
    few: tuple[Scenes, Scenes, Scenes],
) -> None:
    """The trap, and that we are not in it: a slight error until the ball vanishes, or the same error throughout."""
    test = few[1]
    truth, size = test.track, test.camera.size
    slight = truth + np.linspace(0, 1.5, truth.shape[1])[:, None]  # it drifts away, pixel by pixel
    lost = slight.copy()
    lost[:, 3:] = np.nan
    filled = np.where(np.isnan(lost), truth, lost)  # at best
    ours, theirs = (displacement(track, truth, size).mean() for track in (slight, lost))
    left_out = np.nanmean(np.linalg.norm(lost - truth, axis=-1))
    assert left_out < ours and displacement(filled, truth, size).mean() < ours
    assert theirs > 5 * ours


def test_every_frame_that_loses_the_ball_costs_more_than_any_place_for_it(few: tuple[Scenes, Scenes, Scenes]) -> None:
    test = few[1].take(np.arange(6))
    clips, size = render(test), test.camera.size
    for frame in range(clips.shape[1]):
        erased = clips.copy()
        erased[:, frame] = 255
        lost = displacement(track_clips(erased).track, test.track, size)
        for corner in ((2, 2), (2, size - 2), (size - 2, 2), (size - 2, size - 2)):
            moved = test.track.copy()
            moved[:, frame] = corner
            assert (lost[:, frame] > displacement(moved, test.track, size)[:, frame]).all()
        np.testing.assert_allclose(np.delete(lost, frame, axis=1), 0, atol=0.05)
