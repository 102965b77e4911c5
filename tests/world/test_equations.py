"""Equations, read by sympy and evaluated, give the trajectory they were written for."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from marey.world.classic import ClassicWorld
from marey.world.equations import equations
from marey.world.laws import LAW_NAMES, law_named
from marey.world.phyworld import PhyWorld
from marey.world.scenes import Scenes
from marey.world.shapes import NUMBERS, Clock, draw_shapes
from marey.world.varied import VariedWorld

unit = st.floats(0, 1, exclude_max=True)


def evaluated(equation: str, times: np.ndarray) -> dict[str, np.ndarray]:
    """Values of each left-hand side."""
    values = {}
    for part in equation.split("; "):
        left, right = part.split(" = ")
        assert left.endswith("(t)")
        expression = sympy.sympify(right)
        assert {str(symbol) for symbol in expression.free_symbols} <= {"t"}
        values[left[:-3]] = np.broadcast_to(sympy.lambdify("t", expression, "numpy")(times), times.shape)
    return values


def off(scenes: Scenes, equation: str, i: int) -> float:
    """The largest distance between an equation and the trajectories of scene i, metres; between frames too."""
    times = np.linspace(scenes.times[i, 0], scenes.times[i, -1], 64)
    one = scenes.take(np.array([i]))
    bodies = [m for m, label in enumerate(one.laws[0]) if label >= 0]
    shape = (1, *scenes.radii.shape[1:3], 64)
    truth = replace(one, times=times[None], radii=np.ones(shape)).trajectories[0, bodies]
    values = evaluated(equation, times)
    numbers = [str(m + 1) for m in bodies] if len(bodies) > 1 else [""]
    assert list(values) == [axis + number for number in numbers for axis in "xyz"]
    found = np.array([[values[axis + number] for axis in "xyz"] for number in numbers])
    return float(np.abs(found.transpose(0, 2, 1) - truth).max())


def test_an_equation_gives_the_trajectory(scenes: Scenes) -> None:
    some = scenes.take(np.arange(0, 200, 7))
    assert set(some.law) == {0, 1, 2, 3}
    for i, equation in enumerate(equations(some)):
        assert off(some, equation, i) < 1e-6


@pytest.mark.parametrize("name", LAW_NAMES)
def test_every_law_has_its_equation(name: str) -> None:
    world = VariedWorld(laws=(name,), bodies=(2, 2) if name == "collision" else (1, 1))
    scenes = world.sample(1, np.arange(4))
    for i, equation in enumerate(equations(scenes)):
        assert off(scenes, equation, i) < 1e-6


@pytest.mark.parametrize("name", LAW_NAMES)
@settings(max_examples=3)
@given(st.lists(unit, min_size=NUMBERS, max_size=NUMBERS), st.floats(-3, 3), st.floats(0.5, 4))
def test_equations_hold_at_any_time_and_size(name: str, u: list[float], start: float, seconds: float) -> None:
    one = VariedWorld(laws=("linear",), bodies=(1, 1), frames=8).sample(0, np.arange(1))
    parameters = draw_shapes((name,), np.array([0]), np.array([u]), Clock(8, seconds))
    times = np.linspace(start, start + seconds, 8)[None]
    scenes = replace(one, names=(name,), parameters=parameters[:, None], times=times)
    assert off(scenes, equations(scenes)[0], 0) < 1e-6


def test_an_orbit_as_long_as_it_may_be_is_exact_enough() -> None:
    one = VariedWorld(laws=("orbit",), bodies=(1, 1)).sample(0, np.arange(1))
    scenes = replace(one, parameters=np.array([[[10.0, 0.5, 6.0, 0.1]]]))
    assert off(scenes, equations(scenes)[0], 0) < 1e-6


def test_bodies_are_numbered_where_there_are_several(varied: Scenes) -> None:
    some = varied.take(np.flatnonzero((varied.laws >= 0).sum(axis=1) == 3)[:4])
    for i, equation in enumerate(equations(some)):
        assert equation.count(" = ") == 9 and off(some, equation, i) < 1e-6
    alone = varied.take(np.flatnonzero((varied.laws >= 0).sum(axis=1) == 1)[:4])
    assert all(text.startswith("x(t) = ") and text.count(" = ") == 3 for text in equations(alone))
    balls = PhyWorld(motion="collision").sample(0, np.arange(3))
    for i, equation in enumerate(equations(balls)):
        assert equation.count(" = ") == 6 and off(balls, equation, i) < 1e-6


def test_no_body_has_no_equation(varied: Scenes) -> None:
    none = replace(varied.take(np.array([0])), laws=np.full((1, 4), -1))
    assert equations(none) == [""]


def test_classic_equations_read_like_the_textbook() -> None:
    texts = equations(ClassicWorld(scale=(1.02, 1.02)).sample(0, np.arange(4)))
    assert texts == [
        "x(t) = 1.02*t; y(t) = 0; z(t) = 0",
        "x(t) = 1.02*cos(t); y(t) = 1.02*sin(t); z(t) = 0",
        "x(t) = 1.02*cos(t); y(t) = 1.02*sin(t); z(t) = t",
        "x(t) = t; y(t) = 0.255*t**2; z(t) = 0",
    ]


def test_equations_read_well() -> None:
    one = VariedWorld(laws=("linear",), bodies=(1, 1), frames=8).sample(0, np.arange(1))
    plain = replace(one, origins=np.array([[[1.0, 0, 0]]]), axes=np.eye(3)[None, None])
    texts = {
        "bouncing": ([0.5, 1, 10, 0.1, 0.5], "x(t) = 1 + 0.5*t; y(t) = 5*Piecewise((0, t < -0.1), ((t + 0.1)*("),
        "walk": ([3, 0.5, 1], "x(t) = "),
        "collision": ([2, -1, 0.25, 0], "x(t) = 1 + 2*Min(0, (t - 0.25)) - Max(0, (t - 0.25)); y(t) = 0; z(t) = 0"),
        "damped": ([0, 0.5, 0.2, 3, 1], "x(t) = 1; y(t) = 0.5*exp(-0.2*t)*cos(3*t + 1); z(t) = 0"),
        "spiral": ([2, 0.1, 3, 0], "x(t) = 1 + (2 + 0.3*t)*cos(3*t); y(t) = (2 + 0.3*t)*sin(3*t); z(t) = 0"),
    }
    for name, (numbers, text) in texts.items():
        assert len(numbers) == len(law_named(name).parameters)
        scenes = replace(plain, names=(name,), parameters=np.array([[numbers]], float))
        assert equations(scenes)[0].startswith(text)


def test_an_equation_depends_on_the_sample_alone(varied: Scenes) -> None:
    rows = np.array([9, 3, 250])
    assert equations(varied.take(rows)) == [equations(varied.take(rows[i : i + 1]))[0] for i in range(3)]
