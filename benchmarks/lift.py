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
        if not isinstance(world, MatchedWorld | VariedWorld):
            print(
                f"| {name} | none | not measured: its discs have one size everywhere and its cameras one place | | | |"
            )
            continue
        if isinstance(world, VariedWorld):
            lawful = tuple(law for law in world.laws if law in FITTED and law != "collision")
            world = replace(world, bodies=(1, 1), laws=lawful)
        measure(name, replace(world, rig=Rig(cameras=2)).sample(0, np.arange(count)))


def measure(name: str, scenes: Scenes) -> None:
    discs, size = quantized(scenes), scenes.camera.size
    there = visible(scenes, discs)[:, :, 0] & scenes.whole[:, :, 0]
    views = [
        track_clips(draw(discs, scenes.picture, size, size, camera=camera), contrasts(scenes)) for camera in (0, 1)
    ]
    first = Tracks(views[0].track, views[0].radius, views[0].found)
    known, asked = np.arange(len(scenes) // 2), np.arange(len(scenes) // 2, len(scenes))
    truth = Tracks(scenes.track, scenes.apparent_radius, there[:, 0])
    noise = Noise.measured(first.take(known), truth.take(known))
    some, tracks, ball = scenes.take(asked), first.take(asked), ball_radii(scenes)[asked]
    turns = np.isin(some.law, [i for i, law in enumerate(some.names) if law in ("circular", "helical")])
    turning = turning_prior(np.degrees(np.abs(some.parameters[turns, 0, 1]) * np.diff(some.times[turns, :2])[:, 0]))
    read_ = read(tracks, some.times, size, some.camera, ball, noise, some.names, turning)
    sigma = (float(np.hypot(noise.position, noise.shift)), noise.radius)
    both = np.stack([view.track[asked] for view in views], axis=1)
    ways = {
        "size of the disc": by_size(tracks.track, tracks.radius - noise.bias, some.camera, ball, sigma),
        "law of the clip": read_.motion.lift,
        "two cameras": by_views(both, some.camera, sigma[0]),
    }
    for way, lift in ways.items():
        print(row(name, way, lift, some, there[asked].all(axis=1)))


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
    return (
        f"| {name} | {way} | {share.value:.3g} ({share.low:.3g} to {share.high:.3g}) | {metres.value:.3g} | "
        f"{limit:.3g} | {share.n} |"
    )


if __name__ == "__main__":
    main()
