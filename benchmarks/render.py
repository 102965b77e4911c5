"""How fast clips are drawn, beside the speed at which this machine can fill memory, and beside OpenCV.

    python benchmarks/render.py

What is compared runs in turns, so that both meet the same load, and is timed in CPU seconds, so that waiting for a core
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

import marey.world.look as looks
from marey.world.look import Look
from marey.world.matched import MatchedWorld
from marey.world.render import draw, draw_video, quantized, render

BATCH, FRAMES, SIZE, CHANNELS = 512, 16, 64, 3
TURNS = 30
MANY = 30_000  # clips
TRIES = 3

Times = np.ndarray  # seconds, one per turn


def in_turns(tasks: list[Callable[[], object]], turns: int = TURNS) -> list[Times]:
    """CPU seconds of each task in each turn; the first turn (compilation, fresh memory) is left out."""
    seconds = np.zeros((len(tasks), turns + 1))
    for turn in range(turns + 1):
        for row, task in enumerate(tasks):
            start = time.process_time()
            task()
            seconds[row, turn] = time.process_time() - start
    return list(seconds[:, 1:])


def ratio(one: Times, other: Times) -> str:
    return (
        f"{np.median(one) / np.median(other):.2f} (of the minima {one.min() / other.min():.2f}; n = {len(one)} turns)"
    )


def bandwidth(nbytes: int, seconds: Times) -> str:
    return f"{nbytes / np.median(seconds) / 1e9:.1f} GB/s (best {nbytes / seconds.min() / 1e9:.1f})"


def draw_by_opencv(discs: np.ndarray, ink: np.ndarray, out: np.ndarray) -> None:
    """The same discs as OpenCV's anti-aliased circles, black on white; it counts from the middle of a pixel."""
    out.fill(255)
    for n in range(len(out)):
        colour = tuple(int(value) for value in ink[n])
        for frame, (u, v, radius) in zip(out[n], discs[n].tolist(), strict=True):
            cv2.circle(frame, (u - 128, v - 128), radius, colour, -1, cv2.LINE_AA, 8)


def main() -> None:
    cv2.setNumThreads(1)
    scenes = MatchedWorld(frames=FRAMES, size=SIZE, channels=CHANNELS).sample(0, np.arange(BATCH))
    discs, picture = quantized(scenes), scenes.picture
    clips = np.empty((BATCH, FRAMES, SIZE, SIZE, CHANNELS), np.uint8)
    video = np.empty((BATCH, CHANNELS, FRAMES, SIZE, SIZE), np.float32)
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    print(f"batches of {BATCH} clips, {FRAMES} x {SIZE} x {SIZE} x {CHANNELS}, into one buffer, 1 thread")

    fill, drawn = in_turns([lambda: clips.fill(255), lambda: draw(discs, picture, SIZE, SIZE, clips)])
    print(f"\nuint8: fill {bandwidth(clips.nbytes, fill)}; draw / fill = {ratio(drawn, fill)}; target 2.5")
    fill, drawn = in_turns([lambda: video.fill(1), lambda: draw_video(discs, picture, SIZE, SIZE, video)])
    print(f"float32: fill {bandwidth(video.nbytes, fill)}; draw_video / fill = {ratio(drawn, fill)}; target 1.3")

    flat, ink = discs[:, 0, 0, :, :3], picture.ink[:, 0]
    tasks = [lambda: draw_by_opencv(flat, ink, clips), lambda: draw(discs, picture, SIZE, SIZE, clips)]
    theirs, ours = in_turns(tasks)
    print(
        f"\nclips per CPU second: {BATCH / np.median(ours):.0f}; "
        f"OpenCV {cv2.__version__}: {BATCH / np.median(theirs):.0f}"
    )
    print(f"ours / OpenCV = {ratio(theirs, ours)}; target 3")

    for threads in (1, 2):
        seconds = []
        for _ in range(TRIES):
            start, cpu = time.perf_counter(), time.process_time()
            for first in range(0, MANY, BATCH):
                render(scenes.take(np.arange(min(BATCH, MANY - first))), clips[: MANY - first], threads=threads)
            seconds.append((time.perf_counter() - start, time.process_time() - cpu))
        best = min(seconds)
        print(
            f"\n{MANY} clips, scenes to pixels, {threads} threads: {best[0]:.2f} s, "
            f"{best[1]:.2f} CPU s (best of {TRIES})"
        )
    print("target: 1 s on 2 idle cores")

    hard = MatchedWorld(frames=FRAMES, size=SIZE, channels=CHANNELS, look=looks.HARD).sample(0, np.arange(64))
    names = ("shading", "background", "occluders", "shutter", "noise", "drift")
    print("\nclips per CPU second, one factor of the look `hard` at a time:")
    for name in (*names, "all"):
        look = looks.HARD if name == "all" else Look(**{name: getattr(looks.HARD, name)})
        painted = MatchedWorld(frames=FRAMES, size=SIZE, channels=CHANNELS, look=look).sample(0, np.arange(64))
        seconds = in_turns([lambda painted=painted: render(painted, clips[:64])], 5)[0]
        print(f"  {name:12}{len(hard) / np.median(seconds):10.0f}")
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
