"""How fast clips are tracked, beside the tracker's plain twin and beside OpenCV's contours, and how finely.

    python benchmarks/track.py

What is compared runs in turns, so that all meet the same load, and is timed in CPU seconds, so that waiting for a core
does not count; a ratio is that of two medians, with that of the two minima beside it.
Needs opencv-python-headless (in marey[dev]).
"""

# ruff: noqa: T201 - what it prints is what it is for

import os
import platform
import time
from collections.abc import Callable

import cv2
import numpy as np

from marey.data.spec import PRESETS
from marey.judge.tracker import track_bodies
from marey.judge.tracker.plain import track_plainly
from marey.world.matched import MatchedWorld
from marey.world.render import render

CLIPS, PLAIN = 64, 2  # clips in a turn; of the twin, which is slow
TURNS = 7


def in_turns(tasks: list[Callable[[], object]]) -> list[np.ndarray]:
    """CPU seconds of each task in each turn; the first turn (compilation, fresh memory) is left out."""
    seconds = np.zeros((len(tasks), TURNS + 1))
    for turn in range(TURNS + 1):
        for row, task in enumerate(tasks):
            start = time.process_time()
            task()
            seconds[row, turn] = time.process_time() - start
    return list(seconds[:, 1:])


def track_by_contours(clips: np.ndarray) -> np.ndarray:
    """Centre and radius of the largest contour of the thresholded frame: what is usually done."""
    out = np.full((*clips.shape[:2], 3), np.nan)
    for n, clip in enumerate(clips):
        for t, frame in enumerate(clip):
            _, dark = cv2.threshold(frame[..., 0], 127, 255, cv2.THRESH_BINARY_INV)
            contours, _ = cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            if contours:
                (u, v), radius = cv2.minEnclosingCircle(max(contours, key=cv2.contourArea))
                out[n, t] = u + 0.5, v + 0.5, radius
    return out


def rms(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(((found[..., :2] - truth) ** 2).sum(axis=-1))))


def main() -> None:
    cv2.setNumThreads(1)
    scenes = MatchedWorld(frames=16, size=64).sample(0, np.arange(CLIPS))
    clips = render(scenes)
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; 1 thread")
    tasks = [
        lambda: track_bodies(clips),
        lambda: [track_plainly(clip) for clip in clips[:PLAIN]],
        lambda: track_by_contours(clips),
    ]
    ours, plain, contours = (
        seconds / count for seconds, count in zip(in_turns(tasks), (CLIPS, PLAIN, CLIPS), strict=True)
    )
    plainly = np.stack([track_plainly(clip) for clip in clips[:PLAIN]])
    print(f"\nmatched, 16 frames of 64 x 64, grey; clips per CPU second (medians of {TURNS} turns), position rms")
    print(
        f"  marey           {1 / np.median(ours):8.0f}   {rms(track_bodies(clips).tracks[:, 0], scenes.track):.4f} px"
    )
    print(f"  its plain twin  {1 / np.median(plain):8.1f}   {rms(plainly, scenes.track[:PLAIN]):.4f} px (n = {PLAIN})")
    print(f"  OpenCV contours {1 / np.median(contours):8.0f}   {rms(track_by_contours(clips), scenes.track):.4f} px")
    for name, other in (("plain twin", plain), ("OpenCV contours", contours)):
        print(f"ours / {name}: {np.median(other) / np.median(ours):.3g} (minima {other.min() / ours.min():.3g})")

    print("\nclips per CPU second on other presets (as they are, up to all their bodies):")
    for name in ("matched", "classic", "hard", "varied", "phyworld-collision"):
        world = PRESETS[name].world
        scenes = world.sample(0, np.arange(16))
        seen = render(scenes)
        seconds = in_turns([lambda seen=seen, bodies=scenes.laws.shape[1]: track_bodies(seen, bodies)])[0]
        print(f"  {name:20}{len(seen) / np.median(seconds):8.1f}   ({world.frames} frames of {world.size} pixels)")
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
