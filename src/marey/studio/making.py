"""A motion with parameters from sliders: its clip, its path in space, its equation and its description."""

import re
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from marey.core.config import strict
from marey.core.errors import UserError
from marey.core.seeds import uniforms
from marey.report.plates import chronophotograph
from marey.studio.film import Film, Places, places
from marey.studio.sliders import DRAWN, checked, shapes, sliders
from marey.studio.stage import Stage
from marey.world.camera import Camera, about, look_at
from marey.world.descriptions import descriptions
from marey.world.equations import equations
from marey.world.laws import law_named, positions
from marey.world.render import render
from marey.world.scenes import Scenes, check_clip
from marey.world.shapes import Clock

Point = tuple[float, float, float]

DISTANCE = 10.0  # metres from the camera to the middle of the motion
_SMOOTH = 160  # points of a path
_STREAM = 10 << 32  # of random numbers
_TRIES = 60  # motions drawn, until one lies inside the frame
_STEP = 0.2  # of the frame, between two frames of the model's clips: beyond it a motion is hard to follow
_TILT, _HELIX_TILT = (0.0, 35.0), (55.0, 80.0)  # degrees, of motions drawn at random
_RANGES = {"tilt": (0, 90), "spin": (0, 360), "across": (-0.5, 0.5), "down": (-0.5, 0.5), "radius": (0.02, 0.2)}


@strict
@dataclass(frozen=True)
class View:
    """How a motion stands before the camera. tilt: of its axis z from the line of sight; spin: in the picture, degrees.
    across, down: of the middle of its box from the middle of the frame; radius: of the disc there; widths of the frame.
    """

    tilt: float
    spin: float
    across: float
    down: float
    radius: float

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise UserError(f"view.{name}={getattr(self, name)} is out of range; choose {low} to {high}")


@strict
@dataclass(frozen=True)
class Motion:
    """What is asked: a law, the values of its sliders, and the picture: how many frames of how many pixels."""

    law: str
    values: tuple[float, ...]
    view: View
    frames: int
    size: int

    def __post_init__(self) -> None:
        law_named(self.law)  # a UserError if there is none
        check_clip(self.frames, self.size)
        if self.frames > 64 or self.size > 256:
            raise UserError(f"frames={self.frames}, size={self.size}: choose at most 64 frames of 256 pixels")


@dataclass(frozen=True)
class Lens:
    """A camera for the picture of space: where it stands, and the rays to the corners of its frame at unit depth."""

    at: Point
    rays: tuple[Point, ...]


@dataclass(frozen=True)
class Made:
    """A clip and all that is true of it. path, beads: in space, metres; smooth, and at the frames. whole: whether all
    of the disc is in the frame. equation: a line for each axis, in four digits. exact: the same in all its digits.
    """

    film: Film
    track: Places
    whole: tuple[bool, ...]
    path: tuple[Point, ...]
    beads: tuple[Point, ...]
    lens: Lens
    equation: tuple[str, ...]
    exact: str
    description: str
    plate: str


def clock(stage: Stage) -> Clock:
    """The time that all motions take."""
    return Clock(stage.shape.frames, stage.seconds)


def width(stage: Stage) -> float:
    """Of the frame where the motion is, metres."""
    return DISTANCE / stage.focal


def make(stage: Stage, motion: Motion) -> Made:
    """Draw the motion, in the colours of the stage's first clip."""
    scenes = scene(stage, motion)
    clip = render(scenes)[0]
    fine = np.linspace(scenes.times[0, 0], scenes.times[0, -1], _SMOOTH)[None]
    smooth = replace(scenes, times=fine, radii=np.zeros((1, 1, 1, _SMOOTH)))
    exact = equations(scenes)[0]
    return Made(
        film=Film.of(clip),
        track=places(scenes.track[0]),
        whole=tuple(scenes.whole[0, 0, 0].tolist()),
        path=_points(smooth.trajectory[0]),
        beads=_points(scenes.trajectory[0]),
        lens=_lens(scenes.camera),
        equation=tuple(re.sub(r"\d+\.\d+", _short, line) for line in exact.split("; ")),
        exact=exact,
        description=descriptions(scenes)[0],
        plate=chronophotograph(clip),
    )


def surprise(stage: Stage, law: str, seed: int, frames: int, size: int) -> Motion:
    """A motion of that law as the worlds draw them, from anywhere: the first of some that lies inside the frame."""
    drawn = shapes(law_named(law).name, clock(stage), width(stage))
    low, high = _HELIX_TILT if law == "helical" else _TILT
    u = uniforms(seed, _STREAM, np.arange(_TRIES), 5)
    for k in range(_TRIES):
        row = int(u[k, 0] * DRAWN)
        tilt, spin = np.round([low + (high - low) * u[k, 1], 360 * u[k, 2]], 1).tolist()
        across, down = np.round(0.3 * (u[k, 3:] - 0.5), 3).tolist()
        view = View(tilt, spin, across, down, round(stage.radius, 4))
        motion = Motion(law, tuple(drawn[row].tolist()), view, frames, size)
        if _fits(scene(stage, replace(motion, frames=stage.shape.frames))):
            return motion
    raise UserError(f"law={law}, seed={seed}: none of {_TRIES} motions lies inside the frame; try another seed")


def _fits(scenes: Scenes) -> bool:
    steps = np.linalg.norm(np.diff(scenes.track[0], axis=0), axis=-1)
    return bool(scenes.whole.all() and steps.max() <= _STEP * scenes.camera.size)


def scene(stage: Stage, motion: Motion) -> Scenes:
    """One body before one camera that looks along the world's y axis: x is right in the picture, z is up."""
    parameters = checked(motion.law, motion.values, sliders(motion.law, clock(stage), width(stage)))
    view, times = motion.view, stage.times(motion.frames)
    position = np.array([[[0.0, -DISTANCE, 0.0]]])
    camera = Camera(motion.size, np.array([[stage.focal * motion.size]]), look_at(position, 0 * position), position)
    turn = about(2, np.radians([view.spin])) @ about(0, np.radians([view.tilt])) @ np.diag([1.0, -1.0, -1.0])
    fine = np.linspace(times[0], times[-1], _SMOOTH)  # so that the place does not depend on the number of frames
    local = positions((motion.law,), np.zeros(1, np.int64), parameters, fine)[0] @ turn[0].T
    low, high = local.min(axis=0), local.max(axis=0)
    origin = np.array([view.across, view.down, 0]) * width(stage) + [0, 0, DISTANCE] - (low + high) / 2
    origin = origin.round(4)  # a tenth of a millimetre: fewer digits in the equation
    scenes = Scenes(
        names=(motion.law,),
        laws=np.zeros((1, 1), np.int64),
        times=times[None],
        parameters=parameters[:, None],
        origins=camera.to_world(origin[None, None, None])[:, 0],
        axes=(camera.rotation[0].transpose(0, 2, 1) @ turn)[None],
        camera=camera,
        radii=np.zeros((1, 1, 1, motion.frames)),
        picture=stage.scenes.take(np.arange(1)).picture,
    )
    return replace(scenes, radii=camera.radii(np.array([[view.radius * width(stage)]]), scenes.trajectories))


def _points(path: Float64[np.ndarray, "n 3"]) -> tuple[Point, ...]:
    return tuple((round(float(x), 4), round(float(y), 4), round(float(z), 4)) for x, y, z in path)


def _lens(camera: Camera) -> Lens:
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * float(camera.size)
    rays = camera.rays(corners[None, None])[0, 0] @ camera.rotation[0, 0]
    return Lens(_points(camera.position[0])[0], _points(rays))


def _short(number: re.Match[str]) -> str:
    return f"{float(number[0]):.4g}"
