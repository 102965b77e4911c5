"""How fast laws are fitted: the compiled kernel beside its plain twin and scipy, one clip after the other.

    OMP_NUM_THREADS=1 python benchmarks/fit.py

Clips of 16 frames of the world `matched` at 64 x 64, their true tracks with noise; all four base laws for each clip.
CPU seconds of one thread; the ways take turns, and what is printed is the median of several.
"""

# ruff: noqa: T201 - what it prints is what it is for

import os
import platform
import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import least_squares

from marey.judge.law.fit import fit_laws, sightings, turning_prior
from marey.judge.law.fits import fit_each, motions
from marey.judge.law.least_squares import Sightings, residuals
from marey.judge.law.search import all_starts, search
from marey.judge.tracker import Tracks
from marey.world.laws import BASE_LAWS
from marey.world.matched import MatchedWorld

WORLD = MatchedWorld(frames=16, size=64)
SIGMA, TURNS = 0.02, 5
COUNTS = {"kernel, four laws": 1000, "fit_laws, with the choice": 1000, "plain twin, numpy": 60, "scipy, each clip": 4}
T = np.arange(16) - 7.5


def main() -> None:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {load}")
    scenes = WORLD.sample(0, np.arange(1000))
    generator = np.random.default_rng(0)
    tracks = Tracks(
        scenes.track + generator.normal(0, SIGMA, scenes.track.shape),
        scenes.apparent_radius + generator.normal(0, SIGMA, scenes.apparent_radius.shape),
        np.ones(scenes.track.shape[:2], bool),
    )
    turning = turning_prior(np.array([13.96, 19.33]))
    seen = sightings(tracks, scenes.camera.focal[:, 0], 64)
    ways: dict[str, Callable[[int], object]] = {
        "kernel, four laws": lambda n: fit_each(BASE_LAWS, T, seen.take(np.arange(n)), turning),
        "fit_laws, with the choice": lambda n: fit_laws(tracks.take(np.arange(n)), 80.0, 64, turning=turning),
        "plain twin, numpy": lambda n: [search(each, T, seen.take(np.arange(n))) for each in motions(turning)],
        "scipy, each clip": lambda n: [_by_scipy(seen.take(np.array([i])), turning) for i in range(n)],
    }
    fit_each(BASE_LAWS, T, seen.take(np.arange(1)), turning)  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            start = time.process_time()
            way(COUNTS[name])
            seconds[name].append((time.process_time() - start) / COUNTS[name])
    fastest = np.median(seconds["kernel, four laws"])
    print(f"{'':28}{'clips per CPU second':>22}{'times slower':>14}")
    for name, each in seconds.items():
        print(f"{name:28}{1 / np.median(each):22,.0f}{np.median(each) / fastest:14,.1f}")


def _by_scipy(one: Sightings, turning: tuple[float, float]) -> None:
    """The same starts; scipy's own Levenberg-Marquardt, with differences for derivatives."""
    for motion in motions(turning):
        for start in all_starts(motion, T, one):

            def error(step: np.ndarray, start: np.ndarray = start, motion: object = motion) -> np.ndarray:
                return np.nan_to_num(residuals(motion, motion.moved(start, step[None]), T, one).ravel(), nan=1e3)  # type: ignore[attr-defined,arg-type]

            least_squares(error, np.zeros(motion.free), method="lm", max_nfev=400)


if __name__ == "__main__":
    main()
