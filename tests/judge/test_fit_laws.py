"""The laws beyond the base ones: their motions, derivatives, starts, and what separates them."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from marey.judge.law.fit import sightings
from marey.judge.law.fits import FITTED, Fitted, fit_each
from marey.judge.law.forms import STARTS
from marey.judge.law.frames import frame, slopes, unit_powers
from marey.judge.law.least_squares import Sightings, jacobian, residuals
from marey.judge.law.motion import Polynomial, rotations
from marey.judge.law.motions import Form
from marey.judge.law.search import all_starts
from marey.judge.reading.dataset import ball_radii
from marey.judge.reading.figures import compare
from marey.judge.reading.noise import Noise
from marey.judge.reading.read import read
from marey.judge.tracker import Tracks
from marey.world.laws import LAW_NAMES, LAWS, law_named
from marey.world.scenes import Scenes
from marey.world.varied import VariedWorld

T = np.arange(16) - 7.5
FORMS = {name: start.form for name, start in STARTS.items()}
SIGMA, EACH = 0.003, 4
TURNING = (10.0, 27.5)


def scenes_of(name: str, count: int = EACH) -> Scenes:
    bodies = (2, 2) if name == "collision" else (1, 1)
    return VariedWorld(laws=(name,), bodies=bodies).sample(1, np.arange(count))


def seen(scenes: Scenes, sigma: float = SIGMA) -> Tracks:
    generator = np.random.default_rng(0)
    return Tracks(
        scenes.track + generator.normal(0, sigma, scenes.track.shape),
        scenes.apparent_radius + generator.normal(0, sigma, scenes.apparent_radius.shape),
        np.ones(scenes.track.shape[:2], bool),
    )


def sights(scenes: Scenes, sigma: float = SIGMA) -> Sightings:
    return sightings(seen(scenes, sigma), scenes.camera.focal[:, 0], 64, (sigma or 1.0, sigma or 1.0))


@pytest.fixture(scope="module")
def fitted() -> dict[str, tuple[Scenes, Fitted]]:
    cast = {name: scenes_of(name) for name in FORMS}
    return {name: (scenes, fit_each((name,), T, sights(scenes))[0]) for name, scenes in cast.items()}


def test_all_laws_of_the_world_but_the_walk_can_be_fitted() -> None:
    assert set(FITTED) == set(LAW_NAMES) - {"walk"}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_jacobian_is_that_of_numerical_differences(form: Form) -> None:
    scenes = scenes_of(form.name, 3)
    start = STARTS[form.name]
    some = sights(scenes)
    state = all_starts(form, T, some)[len(start.grid(15.0))]
    slope = jacobian(form, state, T, some)
    for i in range(form.free):
        step = np.zeros((3, form.free))
        step[:, i] = 1e-5
        ahead, behind = (residuals(form, form.moved(state, sign * step), T, some) for sign in (1, -1))
        wanted = (behind - ahead) / 2e-5
        np.testing.assert_allclose(slope[..., i], wanted, atol=2e-3 * (1 + np.abs(wanted).max()))


@pytest.mark.parametrize("name", FORMS)
def test_the_truth_is_fitted_no_worse_than_it_fits(name: str, fitted: dict[str, tuple[Scenes, Fitted]]) -> None:
    scenes, fit = fitted[name]
    tracks = seen(scenes)
    off = np.concatenate([tracks.track - scenes.track, (tracks.radius - scenes.apparent_radius)[..., None]], axis=-1)
    assert (fit.cost <= (off**2).sum(axis=(1, 2)) / SIGMA**2 + 1e-6).mean() >= 0.75


@pytest.mark.parametrize("name", ["sinusoidal", "orbit"])
def test_scipy_finds_no_better_fit(name: str, fitted: dict[str, tuple[Scenes, Fitted]]) -> None:
    scenes, fit = fitted[name]
    one, form = sights(scenes).take(np.array([0])), FORMS[name]

    def error(step: np.ndarray) -> np.ndarray:
        return residuals(form, form.moved(fit.state[:1], step[None]), T, one).ravel()

    theirs = least_squares(error, np.random.default_rng(0).normal(0, 1e-3, form.free), xtol=1e-12, ftol=1e-12)
    assert fit.cost[0] <= 2 * theirs.cost * 1.001


@pytest.mark.parametrize("degree", [1, 2])
def test_frames_are_the_motion_in_the_laws_own_terms(degree: int) -> None:
    generator = np.random.default_rng(0)
    motion = Polynomial(degree)
    state = generator.normal(0, 0.3, (5, motion.free)) + np.r_[0, 0, 20, np.zeros(motion.free - 3)]
    for name in ("linear",) if degree == 1 else ("parabolic", "accelerated"):
        own = frame(name, motion, state)
        local = law_named(name).position(own.parameters, T)
        points = own.origins[:, None] + local @ own.axes.transpose(0, 2, 1)
        np.testing.assert_allclose(points, motion.points(state, T), atol=1e-6)
        np.testing.assert_allclose(np.linalg.det(own.axes), 1)


def test_slopes_of_parameters_are_their_derivatives() -> None:
    """Of a circle they are known: the radius and the rate are steps themselves, the phase is fixed."""
    from marey.judge.law.motion import Turn

    motion = Turn(False, 0.1, 1.0, (0.5,))
    rotation = rotations(np.array([[0.1, 0.2, 0.3]])).reshape(1, 9)
    state = np.column_stack([[[0, 0, 20]], rotation, [[3.0, 0.5, 0.0]]])
    wanted = np.zeros((1, 3, 8))
    wanted[0, 0, 6] = wanted[0, 1, 7] = 1
    np.testing.assert_allclose(slopes("circular", motion, state), wanted, atol=1e-9)


def test_every_parameter_has_the_powers_of_its_unit() -> None:
    metric = {parameter for law in LAWS for parameter in law.parameters if "_m" in parameter}
    assert {p for law in LAWS for p in law.parameters if unit_powers(p)[0]} == metric
    assert unit_powers("acceleration_m_s2") == (1, -2) and unit_powers("vertex_s") == (0, 1)
    assert unit_powers("growth_m_rad") == (1, 0) and unit_powers("decay_1_s") == (0, -1)


def test_laws_are_told_apart_and_their_parameters_found() -> None:
    """One clip of each law but the collision among all laws that can be fitted; a walk follows none."""
    names = tuple(name for name in LAW_NAMES if name != "collision")
    scenes = VariedWorld(laws=names, bodies=(1, 1)).sample(1, np.arange(len(names)))
    noise = Noise(SIGMA, SIGMA, 0.0, 0.0, 0.0, np.inf, 2.5)
    found = read(seen(scenes), scenes.times, 64, scenes.camera, ball_radii(scenes), noise, FITTED, TURNING)
    said = [found.law_name(i) for i in range(len(scenes))]
    true = ["none" if name == "walk" else name for name in np.array(names)[scenes.law]]
    assert np.mean([a == b for a, b in zip(said, true, strict=True)]) >= 0.9
    compared = compare(found, scenes)
    assert np.nanmedian(compared.error) < 0.01
    assert all(a == "none" for a, b in zip(said, true, strict=True) if b == "none")
