"""Each law against its physics, written out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from marey.core.errors import UserError
from marey.world.laws import BASE_LAWS, LAW_NAMES, LAWS, law_index, law_named, metric_parameters, positions
from marey.world.shapes import NUMBERS, Clock, draw_shapes

CLOCK = Clock(16, 15 / 8)
T = (np.arange(16) - 7.5) / 8


def some(name: str, n: int = 50) -> np.ndarray:
    """Parameters of n motions under a law."""
    u = np.random.default_rng(0).uniform(size=(n, NUMBERS))
    return draw_shapes((name,), np.zeros(n, np.int64), u, CLOCK)


def at(name: str, parameters: np.ndarray, t: np.ndarray) -> np.ndarray:
    return law_named(name).position(parameters, t)


def test_the_order_of_the_first_laws_never_changes() -> None:
    assert BASE_LAWS == LAW_NAMES[:4] == ("linear", "circular", "helical", "parabolic")
    assert len(set(LAW_NAMES)) == len(LAWS) == 13


@pytest.mark.parametrize("name", LAW_NAMES)
def test_a_motion_grows_with_its_lengths(name: str) -> None:
    parameters = some(name)
    larger = np.where(metric_parameters((name,)), 3 * parameters, parameters)
    np.testing.assert_allclose(at(name, larger, T), 3 * at(name, parameters, T), rtol=1e-12, atol=1e-12)
    assert np.abs(at(name, parameters, T)).max() > 0.1


def test_lengths_are_marked_in_a_table_of_the_laws_asked_for() -> None:
    assert metric_parameters().tolist() == [
        [True, False, False, False],
        [True, False, False, False],
        [True, False, False, True],
        [True, True, False, False],
    ]
    assert metric_parameters(("walk", "damped")).tolist() == [
        [False, True, False, False, False],
        [True, True, False, False, False],
    ]


@pytest.mark.parametrize("name", LAW_NAMES)
def test_a_motion_does_not_depend_on_those_beside_it(name: str) -> None:
    parameters = some(name)
    together, times = at(name, parameters, T), np.sort(np.random.default_rng(1).uniform(-1, 1, (50, 16)))
    own = at(name, parameters, times)
    for i in range(0, 50, 7):
        np.testing.assert_array_equal(at(name, parameters[i : i + 1], T)[0], together[i])
        np.testing.assert_array_equal(at(name, parameters[i : i + 1], times[i])[0], own[i])
        np.testing.assert_array_equal(at(name, parameters[i : i + 1], T[3:4])[0, 0], together[i, 3])
    assert at(name, parameters[:0], T).shape == (0, 16, 3)


def test_many_laws_at_once_are_each_on_its_own() -> None:
    names, law = ("orbit", "linear", "walk"), np.array([2, 0, -1, 1, 0])
    parameters = np.full((5, 4), np.nan)
    for row, label in zip(parameters, law, strict=True):
        if label >= 0:
            own = some(names[label], 1)[0]
            row[: len(own)] = own
    place = positions(names, law, parameters, T)
    assert np.isnan(place[2]).all()
    for i in (0, 1, 3, 4):
        np.testing.assert_array_equal(place[i], at(names[law[i]], parameters[i : i + 1], T)[0])


def test_an_acceleration_is_uniform_and_at_its_angle_to_the_velocity_at_zero() -> None:
    parameters = some("accelerated")
    step = 1e-3
    behind, now, ahead = np.moveaxis(at("accelerated", parameters, np.array([-step, 0, step])), 1, 0)
    velocity = (ahead - behind) / (2 * step)
    np.testing.assert_allclose(velocity, parameters[:, :1] * [1, 0, 0], atol=1e-9)
    _, size, angle = parameters.T
    wanted = size[:, None] * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    np.testing.assert_allclose((ahead - 2 * now + behind) / step**2, wanted, atol=1e-6)
    second = np.diff(at("accelerated", parameters, T), 2, axis=1)
    np.testing.assert_allclose(second, np.broadcast_to(second[:, :1], second.shape), atol=1e-12)


def test_swings_are_by_hand() -> None:
    for v, a, w, p in some("sinusoidal", 5):
        wanted = [[v * t, a * np.sin(w * t + p), 0] for t in T]
        np.testing.assert_allclose(at("sinusoidal", np.array([[v, a, w, p]]), T)[0], wanted, atol=1e-12)
    for v, a, d, w, p in some("damped", 5):
        wanted = [[v * t, a / np.exp(d * t) * np.cos(w * t + p), 0] for t in T]
        np.testing.assert_allclose(at("damped", np.array([[v, a, d, w, p]]), T)[0], wanted, atol=1e-12)
    for row in some("lissajous", 5):
        a, w, p = row.reshape(3, 3)
        wanted = [[a[k] * np.sin(w[k] * t + p[k]) for k in range(3)] for t in T]
        np.testing.assert_allclose(at("lissajous", row[None], T)[0], wanted, atol=1e-12)


def test_the_radius_of_a_spiral_grows_in_proportion_to_its_angle() -> None:
    parameters = some("spiral")
    x, y, z = np.moveaxis(at("spiral", parameters, T), -1, 0)
    radius, angle = np.hypot(x, y), np.unwrap(np.arctan2(y, x))
    start, growth, turning, _ = parameters.T
    np.testing.assert_allclose(np.diff(radius) / np.diff(angle), np.repeat(growth[:, None], 15, axis=1), atol=1e-9)
    np.testing.assert_allclose(np.diff(angle) / np.diff(T), np.repeat(turning[:, None], 15, axis=1), atol=1e-9)
    np.testing.assert_allclose(radius.mean(axis=1), start, atol=1e-9)  # times are centred
    assert not z.any()


def test_a_ball_bounces_as_in_a_simulation_from_contact_to_contact() -> None:
    parameters = some("bouncing")
    parameters[:5, 4], parameters[5:10, 4] = 1, 0  # without loss, and without a bounce
    times = np.linspace(-0.9, 3, 200)  # long enough for some to come to rest
    place = at("bouncing", parameters, times)
    for row, (speed, impact, gravity, contact, restitution) in enumerate(parameters):
        for i, t in enumerate(times):
            height, up, since = 0.0, impact, contact - 2 * impact / gravity
            while t > since and up > 1e-9:
                left = t - since
                height = up * left - gravity * left**2 / 2
                since, up, height = since + 2 * up / gravity, up * restitution, max(height, 0)
            np.testing.assert_allclose(place[row, i], [speed * t, height, 0], atol=1e-8)
    assert (place[10:, :, 1] > 0.01).any(axis=1).all() and (place[10:, -1, 1] < 0.3).all()


@given(st.floats(0, 0.5), st.floats(-8, 8), st.floats(-7, 7), st.floats(0.1, 5))
def test_an_orbit_solves_keplers_equation(e: float, turning: float, phase: float, a: float) -> None:
    x, y, z = np.moveaxis(at("orbit", np.array([[a, e, turning, phase]]), T)[0], -1, 0)
    mean = turning * T + phase
    anomaly = np.array([brentq(lambda E, m=m: E - e * np.sin(E) - m, m - 1, m + 1, xtol=1e-15) for m in mean])
    np.testing.assert_allclose(x / a, np.cos(anomaly) - e, rtol=0, atol=1e-12)
    np.testing.assert_allclose(y / a, np.sqrt(1 - e**2) * np.sin(anomaly), rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.hypot(x, y) + np.hypot(x + 2 * a * e, y), 2 * a, rtol=1e-9)  # both foci
    assert not z.any()


def test_the_most_eccentric_orbit_is_solved_all_the_way_round() -> None:
    mean = np.linspace(-7, 7, 500)
    x = at("orbit", np.array([[1.0, 0.5, 1.0, 0.0]]), mean)[0, :, 0]
    anomaly = np.array([brentq(lambda E, m=m: E - np.sin(E) / 2 - m, m - 1, m + 1, xtol=1e-15) for m in mean])
    np.testing.assert_allclose(x, np.cos(anomaly) - 0.5, rtol=0, atol=1e-12)


def test_an_orbit_sweeps_equal_areas_under_an_inverse_square() -> None:
    parameters, step = some("orbit"), 1e-4
    behind, now, ahead = (at("orbit", parameters, T + offset) for offset in (-step, 0, step))
    area = np.cross(now, (ahead - behind) / (2 * step))[..., 2]
    np.testing.assert_allclose(area, np.repeat(area[:, :1], 16, axis=1), rtol=1e-5)
    pull = (ahead - 2 * now + behind) / step**2
    distance = np.linalg.norm(now, axis=-1, keepdims=True)
    mass = (parameters[:, 2] ** 2 * parameters[:, 0] ** 3)[:, None, None]  # Kepler's third law
    np.testing.assert_allclose(pull, -mass * now / distance**3, rtol=1e-4, atol=1e-4)


def test_a_walk_takes_straight_steps_of_one_length_in_random_directions() -> None:
    seeds = np.random.default_rng(0).integers(0, 2**53, 400).astype(float)
    parameters = np.column_stack([seeds, np.full(400, 0.7), np.full(400, 0.25)])
    knots = at("walk", parameters, np.arange(-8, 9) * 0.25)
    steps = np.diff(knots, axis=1)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=-1), 0.7, rtol=1e-12)
    np.testing.assert_allclose(knots[:, 8], 0, atol=1e-15)
    for share in (0.1, 0.5, 0.8):
        between = at("walk", parameters, (np.arange(-8, 8) + share) * 0.25)
        np.testing.assert_allclose(between, knots[:, :-1] + share * steps, atol=1e-12)
    ways = steps.reshape(-1, 3) / 0.7
    assert np.abs(ways.mean(axis=0)).max() < 4 / np.sqrt(3 * len(ways))
    assert np.abs(ways.T @ ways / len(ways) - np.eye(3) / 3).max() < 4 * 0.3 / np.sqrt(len(ways))
    turns = (steps[:, 1:] * steps[:, :-1]).sum(axis=-1) / 0.49
    assert abs(turns.mean()) < 4 / np.sqrt(3 * turns.size) and len(np.unique(np.round(ways, 9), axis=0)) == len(ways)


def test_a_ball_that_is_hit_changes_its_speed_along_one_line_only() -> None:
    parameters = np.array([[1.5, -0.5, 0.2, 0.3]])
    velocity = np.diff(at("collision", parameters, np.array([-1, 0.1, 0.2, 0.3, 2.0])), axis=1)[0]
    velocity /= np.array([1.1, 0.1, 0.1, 1.7])[:, None]
    np.testing.assert_allclose(velocity, [[1.5, 0.3, 0]] * 2 + [[-0.5, 0.3, 0]] * 2, atol=1e-12)
    np.testing.assert_allclose(at("collision", parameters, np.array([0.2]))[0, 0], 0)


def test_a_law_is_known_by_name_or_label() -> None:
    assert [law_index(name) for name in LAW_NAMES] == [law_index(i) for i in range(len(LAWS))] == list(range(13))
    assert law_index("walk", ("linear", "walk")) == 1
    for unknown, names in (("zigzag", LAW_NAMES), (13, LAW_NAMES), (-1, LAW_NAMES), ("spiral", BASE_LAWS)):
        with pytest.raises(UserError, match="linear, circular, helical, parabolic"):
            law_index(unknown, names)
