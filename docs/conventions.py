"""Draws conventions.svg: python docs/conventions.py. Every point of it was projected by marey's own camera."""

from pathlib import Path

import numpy as np

from marey.world.camera import Camera, look_at
from marey.world.laws import positions
from marey.world.lens import shift
from marey.world.rig import Rig

FRAMES, SIZE, BALL, LAST = 8, 16, 0.25, 5  # LAST: the frame whose ball is drawn in full
INK, FAINT, RED, BLUE, GREEN, GOLD = "#222", "#bbb", "#c33", "#26c", "#283", "#b70"
TIMES = (np.arange(FRAMES) - (FRAMES - 1) / 2) / FRAMES
TARGET = np.array([[0.0, 0.0, 1.0]])


def scene() -> tuple[Camera, np.ndarray]:
    """Two cameras, and a helix (1 1 T 3, metres) that both see."""
    position = np.array([[[0.5, -5.0, 2.2]]])
    own = Camera(SIZE, np.array([[1.25 * SIZE]]), look_at(position, TARGET[:, None]), position)
    cameras = Rig(cameras=2, spread=(60, 60), elevation=(0, 0)).place(0, np.array([3]), own, TARGET)
    helix = np.array([[1.2, -np.radians(36) * FRAMES, 0.6, 3.4]])
    return cameras, (positions(("helical",), np.array([0]), helix, TIMES) + TARGET)[None]


def line(points: np.ndarray, colour: str = INK, more: str = "") -> str:
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{at}" fill="none" stroke="{colour}" {more}/>'


def arrow(start: np.ndarray, end: np.ndarray, colour: str, name: str) -> str:
    """An arrow with its name beyond its tip."""
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    tip = [end - 7 * along + 3.5 * across, end, end - 7 * along - 3.5 * across]
    x, y = end + 11 * along
    return (
        line(np.array([start, end]), colour, 'stroke-width="2"')
        + line(np.array(tip), colour, 'stroke-width="2"')
        + text(x, y + 4, name, colour, "middle")
    )


def disc(x: float, y: float, radius: float, fill: str = "none", colour: str = INK) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" stroke="{colour}"/>'


def text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{words}</text>'


def square(x: float, y: float, side: float, fill: str = "none", colour: str = INK) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" fill="{fill}" stroke="{colour}"/>'


def space() -> str:
    """World axes, trajectory and both cameras with a frame one metre and a half before them, seen from the side."""
    cameras, helix = scene()
    position = np.array([[[-6.0, -13.0, 9.0]]])
    middle = np.array([[[0.75, -1.9, 1.45]]])
    viewer = Camera(480, np.array([[950.0]]), look_at(position, middle), position)

    def flat(points: np.ndarray) -> np.ndarray:
        return viewer.project(points.reshape(1, 1, -1, 3))[0, 0, 0]

    parts = [text(16, 28, "World (metres) and cameras")]
    ground = np.array([[x, y, 0] for x in (-1.8, 1.8) for y in (-1.8, 1.8)])
    parts.append(line(flat(ground[[0, 1, 3, 2, 0]]), FAINT))
    for axis, name in enumerate("xyz"):
        start, end = flat(np.stack([np.zeros(3), 1.5 * np.eye(3)[axis]]))
        parts.append(arrow(start, end, GREEN, name))
    parts.append(line(flat(helix), BLUE, 'stroke-dasharray="4 3"'))
    sizes = viewer.radii(np.array([[BALL]]), helix)[0, 0, 0]
    for i, ((x, y), radius) in enumerate(zip(flat(helix), sizes, strict=True)):
        parts.append(disc(x, y, radius, BLUE, BLUE) if i == LAST else disc(x, y, 2, BLUE, BLUE))
    x, y = flat(helix[..., 0, :])[0]
    parts.append(text(x, y + 20, "trajectory, T 3", BLUE, "middle"))
    corners = np.array([[0, 0], [SIZE, 0], [SIZE, SIZE], [0, SIZE], [0, 0]], float)
    frames = cameras.to_world(1.5 * cameras.rays(np.broadcast_to(corners, (1, 2, 5, 2))))[0]
    image = cameras.to_world(1.5 * cameras.rays(cameras.project(helix)[:, :, 0]))[0, :, LAST]
    for k in range(2):
        centre = cameras.position[0, k]
        parts.append(line(flat(frames[k]), INK, 'stroke-width="1.5"'))
        parts += [line(flat(np.stack([centre, corner])), FAINT) for corner in frames[k, :4]]
        parts.append(line(flat(np.stack([centre, helix[0, 0, LAST]])), RED, 'stroke-dasharray="2 3"'))
        x, y = flat(image[k])[0]
        parts.append(disc(x, y, 3, RED, RED))
        for axis, name in enumerate("XYZ"):
            tip = centre + (0.8 if axis == 2 else 0.6) * cameras.rotation[0, k, axis]
            parts.append(arrow(*flat(np.stack([centre, tip])), GOLD, name))
        x, y = flat(centre)[0]
        parts.append(text(x + 10, y + (18 if k == 0 else -4), f"camera {k}"))
    return "".join(parts)


def frame() -> str:
    """What camera 0 sees, pixel by pixel."""
    cameras, helix = scene()
    track, radii = cameras.project(helix)[0, 0, 0], cameras.radii(np.array([[BALL]]), helix)[0, 0, 0]
    side = 24
    parts = [text(0, -42, "Frame of camera 0 (pixels): H = W = size = 16"), square(0, 0, side * SIZE, "#fff")]
    for i in range(1, SIZE):
        parts.append(line(np.array([[0, i], [SIZE, i]]) * side, "#e4e4e4"))
        parts.append(line(np.array([[i, 0], [i, SIZE]]) * side, "#e4e4e4"))
    parts += [square(6 * side, 13 * side, side, "#fd9"), disc(6.5 * side, 13.5 * side, 2, INK)]
    parts.append(text(7.2 * side, 13.7 * side, "pixel [13, 6]: centre (6.5, 13.5)"))
    parts.append(line(track * side, BLUE, 'stroke-dasharray="4 3"'))
    for i, ((u, v), radius) in enumerate(zip(track * side, radii * side, strict=True)):
        parts.append(disc(u, v, radius, BLUE if i == LAST else "none", BLUE if i == LAST else "#9bd"))
        parts.append(text(u, v + 4, str(i), "#fff" if i == LAST else BLUE, "middle"))
    middle = SIZE / 2 * side
    parts += [disc(middle, middle, 3, GOLD, GOLD), text(middle - 8, middle - 6, "(size / 2, size / 2)", GOLD, "end")]
    parts.append(arrow(np.array([0, -8.0]), np.array([90, -8.0]), GOLD, "u"))
    parts.append(arrow(np.array([-8.0, 0]), np.array([-8.0, 90]), GOLD, "v"))
    parts.append(text(-6, -12, "(0, 0)", INK, "middle"))
    parts.append(text(0, side * SIZE + 20, "track, T 2: the image of the trajectory; the numbers are frames", BLUE))
    return "".join(parts)


def lens() -> str:
    """A square grid through the lens k1 = -0.25."""
    parts = [text(0, -14, "Lens: k1 = -0.25"), square(0, 0, 150, "#fff")]
    fine = np.linspace(-0.4, 0.4, 41)
    for at in np.linspace(-0.4, 0.4, 9):
        for straight in (np.column_stack([fine, 0 * fine + at]), np.column_stack([0 * fine + at, fine])):
            bent = straight + shift(straight[None, None], np.array([[[-0.25, 0, 0, 0, 0]]]))[0, 0]
            parts += [line(75 + 1.25 * 150 * straight[[0, -1]], FAINT), line(75 + 1.25 * 150 * bent, RED)]
    return "".join(parts) + text(0, 170, "ideal", "#888") + text(40, 170, "distorted", RED)


def visibility() -> str:
    parts = [text(0, -14, "Visibility"), square(0, 0, 150, "#fff")]
    for x, y, colour, words in ((30, 40, BLUE, "whole, seen"), (145, 95, GREEN, "seen"), (30, 172, FAINT, "neither")):
        parts += [disc(x, y, 16, colour, colour), text(x + 22, y + 4, words, colour)]
    return "".join(parts)


def clock() -> str:
    """The times of frames in clips that have their middle at zero."""
    parts = [text(0, -14, "Time (seconds): t[i] = (i - (T - 1) / 2) / fps"), line(np.array([[0, 60], [330, 60]]))]
    for i, t in enumerate(TIMES):
        x = 165 + 340 * t
        parts += [line(np.array([[x, 54], [x, 66]])), text(x, 44, str(i), BLUE, "middle")]
    parts += [line(np.array([[165, 50], [165, 70]]), RED), text(165, 86, "t = 0", RED, "middle")]
    return "".join(parts) + text(0, 24, "frame", BLUE)


def picture() -> str:
    places = ((space, 0, 0), (frame, 560, 70), (lens, 16, 560), (visibility, 230, 560), (clock, 580, 560))
    body = "\n".join(f'<g transform="translate({x} {y})">{draw()}</g>' for draw, x, y in places)
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 770" font-family="sans-serif" font-size="13">'
    return f'{head}\n<rect width="980" height="770" fill="#fafafa"/>\n{body}\n</svg>\n'


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(picture(), encoding="utf-8")
