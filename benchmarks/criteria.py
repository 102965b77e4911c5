"""Which criterion should choose the law: several on the same fits, and what the wrong choices look like.

    OMP_NUM_THREADS=1 python benchmarks/criteria.py

True tracks of the world `matched` with independent noise, all four base laws fitted to each, known camera. marey takes
BIC where the noise is known, AICc where it is not. The marginal likelihood is Laplace's approximation with flat priors
over about the ranges of the world. A wrong choice of BIC is ambiguous when both laws leave no more than noise of that
size leaves of a true law in 95 % of all clips.
"""

# ruff: noqa: T201 - what it prints is what it is for

import numpy as np
from scipy.stats import chi2

from marey.judge.law.choice import criterion, known_criterion, within
from marey.judge.law.fit import sightings, turning_prior
from marey.judge.law.fits import Fitted, fit_each
from marey.judge.tracker import Tracks
from marey.metrics.figure import share_figure
from marey.world.laws import BASE_LAWS
from marey.world.matched import MatchedWorld
from marey.world.scenes import Scenes

CLIPS = 1000
CLIPS_OF = {"16 frames of 64 px": MatchedWorld(frames=16, size=64), "8 frames of 32 px": MatchedWorld()}
SIGMAS = (0.02, 0.1, 0.2, 0.4)
_CENTRE, _ANY_WAY = np.log(12 * 12 * 8.0), np.log(8 * np.pi**2)  # ball radii; all rotations
_SPEED, _BEND = 3 * np.log(1.2), 3 * np.log(2.4) + 3 * np.log(0.16)
_TURN = np.log(5.0) + np.log(np.radians(17.5))
VOLUME = {  # logarithms, of the ranges in which the numbers of a law lie
    "linear": _CENTRE + _SPEED,
    "circular": _CENTRE + _ANY_WAY + _TURN,
    "helical": _CENTRE + _ANY_WAY + _TURN + np.log(2.0),
    "parabolic": _CENTRE + _BEND,
}


def seen(scenes: Scenes, sigma: float) -> Tracks:
    generator, shape = np.random.default_rng(0), scenes.track.shape
    radius = scenes.apparent_radius + generator.normal(0, sigma, shape[:2])
    return Tracks(scenes.track + generator.normal(0, sigma, shape), radius, np.ones(shape[:2], bool))


def scores(fits: tuple[Fitted, ...], count: int, frames: int) -> dict[str, np.ndarray]:
    cost = np.stack([fitted.cost for fitted in fits], axis=1)
    free = np.array([fitted.motion.free for fitted in fits])
    inside = np.stack([within(fitted, frames - 1, BASE_LAWS) for fitted in fits], axis=1)
    curved = np.stack([np.linalg.slogdet(fitted.normal)[1] for fitted in fits], axis=1)
    volume = 2 * np.array([VOLUME[fitted.name] for fitted in fits])
    numbers = np.full(len(cost), count)
    found = {
        "BIC": known_criterion(cost, free, numbers, np.inf),
        "AICc": cost + 2 * free * count / (count - free - 1),
        "AICc, noise unknown": criterion(cost, free, numbers, 0.0),
        "marginal": cost + curved - free * np.log(2 * np.pi) + volume,
    }
    return {name: np.where(inside & np.isfinite(cost), score, np.inf) for name, score in found.items()}


def main() -> None:
    for title, world in CLIPS_OF.items():
        scenes = world.sample(0, np.arange(CLIPS))
        turns = np.isin(scenes.law, (1, 2))
        turning = turning_prior(np.degrees(np.abs(scenes.parameters[turns, 0, 1])) / world.fps)
        t = np.arange(world.frames) - (world.frames - 1) / 2
        print(f"{title}, n = {CLIPS}, share of laws right in % (95 %)")
        for sigma in SIGMAS:
            focal = scenes.camera.focal[:, 0]
            fits = fit_each(BASE_LAWS, t, sightings(seen(scenes, sigma), focal, world.size, (sigma, sigma)), turning)
            numbers = 3 * world.frames
            parts = []
            for name, score in scores(fits, numbers, world.frames).items():
                figure = share_figure("right", score.argmin(axis=1) == scenes.law)
                assert figure.value is not None and figure.low is not None and figure.high is not None
                parts.append(f"{name} {100 * figure.value:5.1f} ({100 * figure.low:.1f} to {100 * figure.high:.1f})")
            print(f"  noise {sigma:4.2f} px   " + "   ".join(parts) + "   " + confusions(fits, scenes, numbers, world))


def confusions(fits: tuple[Fitted, ...], scenes: Scenes, numbers: int, world: MatchedWorld) -> str:
    best = scores(fits, numbers, world.frames)["BIC"].argmin(axis=1)
    wrong = np.flatnonzero(best != scenes.law)
    cost = np.stack([fitted.cost for fitted in fits], axis=1)
    free = np.array([fitted.motion.free for fitted in fits])
    bound = chi2.ppf(0.95, numbers - free)
    both = (cost[wrong, scenes.law[wrong]] <= bound[scenes.law[wrong]]) & (
        cost[wrong, best[wrong]] <= bound[best[wrong]]
    )
    return f"BIC wrong {len(wrong)}, ambiguous {int(both.sum())}"


if __name__ == "__main__":
    main()
