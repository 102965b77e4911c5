"""Equations and descriptions are true of their own sample; the truth is taken from the trajectory."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import sympy

from marey.world.classic import ClassicWorld
from marey.world.laws import LAW_NAMES
from marey.world.scenes import Scenes
from marey.world.words import descriptions, equations

COMPASS = ("right", "lower right", "bottom", "lower left", "left", "upper left", "top", "upper right")

# What a number in a sentence says, by what stands around it.
PATTERNS = {
    "acceleration": r"([\d.]+) m/s\^2",
    "speed": r"([\d.]+) m/s(?!\^)",
    "turns": r"([\d.]+) turns",
    "rate": r"([\d.]+) degrees per second",
    "radius": r"(?:radius (?:of )?)([\d.]+) m\b|([\d.]+) m from",
    "distance": r"(?:covers|advances) ([\d.]+) m\b",
    "seconds": r"[Ii]n ([\d.]+) s\b",
    "share": r"([\d.]+) % of the way",
    "after": r"after ([\d.]+) s\b",
}


def test_an_equation_parsed_and_evaluated_gives_the_trajectory(scenes: Scenes) -> None:
    some = scenes.take(np.arange(0, 200, 7))
    assert set(some.law) == {0, 1, 2, 3}
    for equation, times, trajectory in zip(equations(some), some.times, some.trajectory, strict=True):
        sides = [part.split(" = ") for part in equation.split("; ")]
        assert [left for left, _ in sides] == ["x(t)", "y(t)", "z(t)"]
        for axis, (_, right) in enumerate(sides):
            expression = sympy.parse_expr(right)
            assert {str(symbol) for symbol in expression.free_symbols} <= {"t"}
            values = sympy.lambdify("t", expression, "numpy")(times)
            assert np.abs(values - trajectory[:, axis]).max() < 1e-6


def test_classic_equations_read_like_the_textbook() -> None:
    texts = equations(ClassicWorld(scale=(1.02, 1.02)).sample(0, np.arange(4)))
    assert texts == [
        "x(t) = 1.02*t; y(t) = 0; z(t) = 0",
        "x(t) = 1.02*cos(t); y(t) = 1.02*sin(t); z(t) = 0",
        "x(t) = 1.02*cos(t); y(t) = 1.02*sin(t); z(t) = t",
        "x(t) = t; y(t) = 0.255*t**2; z(t) = 0",
    ]


def test_every_number_of_a_description_is_true(scenes: Scenes) -> None:
    for i, text in enumerate(descriptions(scenes)):
        truth, rest = TRUTHS[LAW_NAMES[scenes.law[i]]](scenes, i), text
        for name, pattern in PATTERNS.items():
            for found in re.finditer(pattern, text):
                number = next(group for group in found.groups() if group)
                digits = len(number.partition(".")[2])
                assert float(number) == pytest.approx(truth[name], abs=0.5001 * 10**-digits), (text, name)
            rest = re.sub(pattern, "", rest)
        assert not re.search(r"\d", rest), f"a number that no test knows: {text}"
        assert re.search(r"\d", text) and text.endswith(".")


def test_directions_senses_and_hands_are_true(scenes: Scenes) -> None:
    for i, text in enumerate(descriptions(scenes)):
        name, track = LAW_NAMES[scenes.law[i]], scenes.track[i]
        if name == "linear":
            said = next(each for each in sorted(COMPASS, key=len, reverse=True) if f"the {each}" in text)
            right, down = track[-1] - track[0]
            off = np.degrees(np.arctan2(down, right)) - 45 * COMPASS.index(said)
            assert abs((off + 180) % 360 - 180) <= 22.5 + 1e-9
        elif name == "circular" and "clockwise" in text:
            centre = scenes.camera.project(scenes.origins[:, :, None])[i, 0, 0]
            a, b = (track - centre)[:-1], (track - centre)[1:]
            assert ("anticlockwise" in text) == ((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() < 0)  # v points down
        elif name == "helical":
            velocity = np.diff(scenes.trajectory[i], axis=0)
            torsion = np.linalg.det(np.stack([velocity[0], velocity[1], velocity[2]]))
            assert ("right-handed" in text) == (torsion > 0)
            assert ("left-handed" in text) == (torsion < 0)


def test_descriptions_name_the_motion_in_several_ways(matched: Scenes) -> None:
    few = matched.take(np.arange(400))
    texts = np.array(descriptions(few))
    words = {
        "linear": "straight|Straight",
        "circular": "circl",
        "helical": "helix",
        "parabolic": "parabola|accelerated",
    }
    for label, name in enumerate(LAW_NAMES):
        own = texts[few.law == label]
        assert all(re.search(words[name], text) for text in own)
        assert (
            len(
                {
                    re.sub(r"[\d.]+|\b(lower|upper|left|right|top|bottom|anticlockwise|clockwise)\b", "", text)
                    for text in own
                }
            )
            >= 3
        )


def test_words_depend_on_the_sample_alone(matched: Scenes) -> None:
    rows = np.array([9, 3, 250])
    few = matched.take(rows)
    assert descriptions(few) == [descriptions(matched.take(rows[i : i + 1]))[0] for i in range(3)]
    assert equations(few) == [equations(matched.take(rows[i : i + 1]))[0] for i in range(3)]


def _linear(scenes: Scenes, i: int) -> dict[str, float]:
    path, seconds = scenes.trajectory[i], np.ptp(scenes.times[i])
    distance = np.linalg.norm(path[-1] - path[0])
    return {"speed": distance / seconds, "distance": distance, "seconds": seconds}


def _circular(scenes: Scenes, i: int) -> dict[str, float]:
    local = (scenes.trajectory[i] - scenes.origins[i, 0]) @ scenes.axes[i, 0]
    angle, seconds = np.abs(np.diff(np.unwrap(np.arctan2(local[:, 1], local[:, 0])))).sum(), np.ptp(scenes.times[i])
    climb = abs(local[-1, 2] - local[0, 2])
    return {
        "radius": np.hypot(local[0, 0], local[0, 1]),
        "turns": angle / (2 * np.pi),
        "rate": np.degrees(angle) / seconds,
        "seconds": seconds,
        "speed": climb / seconds,
        "distance": climb,
    }


def _parabolic(scenes: Scenes, i: int) -> dict[str, float]:
    path, times = scenes.trajectory[i], scenes.times[i]
    step = times[1] - times[0]
    acceleration = np.diff(path, 2, axis=0)[0] / step**2
    size = np.linalg.norm(acceleration)
    velocity = (path[1] - path[0]) / step  # of the moment half a step after the start
    along = velocity @ acceleration / size
    after = step / 2 - along / size
    return {
        "acceleration": size,
        "speed": np.linalg.norm(velocity - along * acceleration / size),
        "after": after,
        "share": 100 * after / np.ptp(times),
    }


TRUTHS: dict[str, Callable[[Scenes, int], dict[str, float]]] = {
    "linear": _linear,
    "circular": _circular,
    "helical": _circular,
    "parabolic": _parabolic,
}
