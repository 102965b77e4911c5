import sys

import numpy as np
import pytest
import sympy

from marey.core.errors import UserError
from marey.judge.reading.equation import Equation, Quantity, equation
from marey.judge.reading.sparse import describe_path
from marey.world.equations import equations
from marey.world.laws import LAW_NAMES, law_named
from marey.world.scenes import Scenes
from marey.world.varied import VariedWorld

TIMES = np.linspace(-1, 1, 9)
LAWFUL = tuple(name for name in LAW_NAMES if name != "walk")


@pytest.fixture(scope="module")
def cast() -> Scenes:
    return VariedWorld(laws=LAWFUL, bodies=(1, 2)).sample(3, np.arange(len(LAWFUL)))


def read_of(scenes: Scenes, i: int) -> Equation:
    count = len(law_named(scenes.names[scenes.law[i]]).parameters)
    sigma = np.full(count, 0.01)
    return equation(
        scenes.names[scenes.law[i]], scenes.parameters[i, 0, :count], sigma, scenes.origins[i, 0], scenes.axes[i, 0],
        scenes.times[i],
    )  # fmt: skip


def test_sympy_and_python_give_the_trajectory(cast: Scenes) -> None:
    for i in range(len(cast)):
        read, t = read_of(cast, i), cast.times[i]
        by_sympy = [sympy.lambdify("t", side, "numpy") for side in read.expressions()]
        values = np.stack([np.broadcast_to(side(t), t.shape) for side in by_sympy], axis=-1)
        np.testing.assert_allclose(values, cast.trajectory[i], atol=2e-6, err_msg=read.law)
        space: dict[str, object] = {}
        exec(read.python(), space)
        np.testing.assert_allclose([space["position"](x) for x in t], cast.trajectory[i], atol=2e-6)


def test_the_text_is_that_of_the_data_set(cast: Scenes) -> None:
    alone = VariedWorld(laws=("spiral",), bodies=(1, 1)).sample(0, np.arange(2))
    assert [str(read_of(alone, i)) for i in range(2)] == equations(alone)


def test_the_form_with_its_parameters_is_the_law(cast: Scenes) -> None:
    """In the law's own frame; a phase of 0 for those that are fitted without one."""
    for i in range(len(cast)):
        read, name = read_of(cast, i), cast.names[cast.law[i]]
        if name in ("orbit", "bouncing"):
            continue  # Kepler's equation has no closed form; the form shows two flights
        values = {each.symbol: each.value for each in read.quantities}
        if name in ("circular", "helical", "spiral"):
            values["p"] = 0.0
        own = np.array([[values[each.symbol] for each in read.quantities]])
        wanted = law_named(name).position(own, TIMES)[0]
        for axis, side in enumerate(read.form()):
            got = [float(side.subs(values | {"t": t})) for t in TIMES]
            np.testing.assert_allclose(got, wanted[:, axis], atol=1e-9, err_msg=name)


def test_latex_shows_law_and_measured_parameters(cast: Scenes) -> None:
    for i in range(len(cast)):
        text = read_of(cast, i).latex()
        assert text.count(r"\pm") == len(read_of(cast, i).free) and "x(t) &= " in text


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (1.23456, 0.0123, "r = 1.235 ± 0.012 m"),
        (123.456, 12.3, "r = 123 ± 12 m"),
        (0.5, 0.00011, "r = 0.50000 ± 0.00011 m"),
        (2.0, 0.0, "r = 2 m"),
    ],
)
def test_an_error_bar_has_two_digits(value: float, sigma: float, text: str) -> None:
    assert str(Quantity("radius_m", "r", value, sigma, "m")) == text


def test_units_are_written_as_one_reads_them(cast: Scenes) -> None:
    units = {each.name: each.unit for i in range(len(cast)) for each in read_of(cast, i).quantities}
    wanted = {"speed_m_s": "m/s", "acceleration_m_s2": "m/s^2", "vertex_s": "s", "turning_rad_s": "rad/s"}
    wanted |= {"decay_1_s": "1/s", "radius_m": "m", "growth_m_rad": "m/rad", "phase_rad": "rad"}
    wanted |= {"restitution": "", "eccentricity": ""}
    assert {name: units[name] for name in wanted} == wanted


def test_without_sympy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, cast: Scenes) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(UserError, match=r"pip install 'marey\[equations\]'"):
        read_of(cast, 0).latex()


def test_a_path_outside_the_list_is_a_short_sum() -> None:
    times = np.linspace(-1, 1, 33)
    path = np.stack([1 + 0.5 * times, np.cos(np.pi * times) - times, 0 * times], axis=-1)
    noisy = path + np.random.default_rng(0).normal(0, 0.01, path.shape)
    found = describe_path(times, noisy, 0.01)
    assert found.residual < 0.025 and found.terms <= 8
    assert np.abs(found.fitted - path).max() < 0.05
    values = [sympy.lambdify("t", side, "numpy")(times) for side in found.sides]
    np.testing.assert_allclose(np.stack(np.broadcast_arrays(*values), axis=-1), found.fitted, atol=1e-3)


def test_noise_alone_is_described_by_its_mean() -> None:
    noise = np.random.default_rng(0).normal(3, 0.01, (16, 3))
    found = describe_path(np.linspace(0, 2, 16), noise, 0.01)
    assert found.terms <= 5


def test_lost_frames_do_not_count() -> None:
    times = np.linspace(0, 2, 16)
    path = np.stack([times, times**2, -times], axis=-1)
    holes = path.copy()
    holes[[2, 9]] = np.nan
    np.testing.assert_allclose(describe_path(times, holes, 0.01).fitted, path, atol=0.02)
