"""Where in space the ball is: by the size of its disc, by the law of its clip, by two cameras; beside the bound.

    OMP_NUM_THREADS=1 python benchmarks/lift.py [CLIPS]

Clips of each preset with one body and two cameras, through the tracker. Its noise is measured on the first half of the
clips, and positions on the second. Error: the median over clips of the mean distance to the truth, with the 95 %
interval of its order statistics, in metres and in per cent of the depth. Bound: the median of the root mean square
error that the noise stands for, which is the Cramer-Rao bound where errors are independent and normal.
"""

# ruff: noqa: T201 - what it prints is what it is for

import sys
from dataclasses import replace

import numpy as np

from marey.data.spec import PRESETS
from marey.data.table import visible
from marey.judge.exam import contrasts
from marey.judge.law.fit import turning_prior
from marey.judge.law.fits import FITTED
from marey.judge.reading.dataset import ball_radii
from marey.judge.reading.figures import median_figure
from marey.judge.reading.lift import Lift, by_size, by_views
from marey.judge.reading.noise import Noise
from marey.judge.reading.read import read
from marey.judge.tracker import Tracks, track_clips
from marey.world.matched import MatchedWorld
from marey.world.render import draw, quantized
from marey.world.rig import Rig
from marey.world.scenes import Scenes
from marey.world.varied import VariedWorld


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print("| preset | way | error, % of depth | m | bound, % of depth | n |\n|---|---|---|---|---|---|")
    for name, spec in PRESETS.items():
        world = spec.world
        if isinstance(world, VariedWorld):
            lawful = tuple(law for law in world.laws if law in FITTED and law != "collision")
            world = replace(world, bodies=(1, 1), laws=lawful)
        scenes = replace(world, rig=Rig(cameras=2)).sample(0, np.arange(count))
        if scenes.laws.shape[1] > 1:
            print(f"| {name} | | not measured: its clips show two bodies | | | |")
        else:
            measure(name, scenes, isinstance(world, MatchedWorld | VariedWorld))


def measure(name: str, scenes: Scenes, deep: bool) -> None:
    """deep: whether discs are smaller the farther they are; where they are not, one camera tells no depth."""
    discs, size = quantized(scenes), scenes.camera.size
    there = visible(scenes, discs)[:, :, 0] & scenes.whole[:, :, 0]
    views = [
        track_clips(draw(discs, scenes.picture, size, size, camera=camera), contrasts(scenes)) for camera in (0, 1)
    ]
    first = Tracks(views[0].track, views[0].radius, views[0].found)
    known, asked = np.arange(len(scenes) // 2), np.arange(len(scenes) // 2, len(scenes))
    truth = Tracks(scenes.track, scenes.apparent_radius, there[:, 0])
    noise = Noise.measured(first.take(known), truth.take(known))
    some, tracks = scenes.take(asked), first.take(asked)
    sigma = (float(np.hypot(noise.position, noise.shift)), noise.radius)
    ways = one_camera(some, tracks, noise, sigma) if deep else {}
    both = np.stack([view.track[asked] for view in views], axis=1)
    ways["two cameras"] = by_views(both, some.camera, sigma[0])
    for way, lift in ways.items():
        print(row(name, way, lift, some, there[asked].all(axis=1)), flush=True)


def one_camera(scenes: Scenes, tracks: Tracks, noise: Noise, sigma: tuple[float, float]) -> dict[str, Lift]:
    ball = ball_radii(scenes)
    turns = np.isin(scenes.law, [i for i, law in enumerate(scenes.names) if law in ("circular", "helical")])
    rate = np.abs(scenes.parameters[turns, 0, 1]) * np.diff(scenes.times[turns, :2])[:, 0]
    turning = turning_prior(np.degrees(rate))
    found = read(tracks, scenes.times, scenes.camera.size, scenes.camera, ball, noise, scenes.names, turning)
    sized = by_size(tracks.track, tracks.radius - noise.bias, scenes.camera, ball, sigma)
    return {"size of the disc": sized, "law of the clip": found.motion.lift}


def row(name: str, way: str, lift: Lift, scenes: Scenes, there: np.ndarray) -> str:
    """there: the frames in which all cameras see the ball whole."""
    depth = scenes.camera.to_camera(np.repeat(scenes.trajectory[:, None], 2, axis=1))[:, 0, :, 2]
    counted = there & np.isfinite(lift.points).all(axis=-1)
    error, bound = (np.where(counted, each, np.nan) for each in (lift.error(scenes.trajectory), lift.bound))
    some = counted.any(axis=1)
    metres = median_figure("m", np.nanmean(error[some], axis=1), "m")
    share = median_figure("%", 100 * np.nanmean((error / depth)[some], axis=1), "% of depth")
    limit = 100 * np.median(np.sqrt(np.nanmean((bound / depth)[some] ** 2, axis=1)))
    assert metres.value is not None
    percent = f"{share.value:.3g} ({share.low:.3g} to {share.high:.3g})"
    return f"| {name} | {way} | {percent} | {metres.value:.3g} | {limit:.3g} | {share.n} |"


if __name__ == "__main__":
    main()
