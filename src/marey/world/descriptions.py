"""The description of a sample: sentences in English, true of that sample's own numbers."""

import zlib

import numpy as np

from marey.world.facts import FACTS, Body, towards
from marey.world.laws import law_named
from marey.world.scenes import Scenes

_APART = 1 / 32  # of the frame: as far apart places must be for words to tell them apart
_LARGER = 1.1  # times: and so the sizes

_ACROSS: tuple[tuple[str, ...], ...] = (
    ("the disc that starts further left", "the disc that starts further right"),
    ("the disc that starts leftmost", "the disc that starts second from the left", "the disc that starts rightmost"),
    (
        "the disc that starts leftmost",
        "the disc that starts second from the left",
        "the disc that starts second from the right",
        "the disc that starts rightmost",
    ),
)
_DOWN: tuple[tuple[str, ...], ...] = (
    ("the disc that starts higher", "the disc that starts lower"),
    ("the disc that starts highest", "the disc that starts second from the top", "the disc that starts lowest"),
    (
        "the disc that starts highest",
        "the disc that starts second from the top",
        "the disc that starts second from the bottom",
        "the disc that starts lowest",
    ),
)
_SIZES: tuple[tuple[str, ...], ...] = (
    ("the smaller disc", "the larger disc"),
    ("the smallest disc", "the disc of middle size", "the largest disc"),
    ("the smallest disc", "the second smallest disc", "the second largest disc", "the largest disc"),
)


def descriptions(scenes: Scenes) -> list[str]:
    """What happens in each scene, a sentence for each body, as the first camera sees it.

    The form of a sentence is a function of its body's numbers. Where there are several bodies, each is told apart by
    where it starts in the picture or by its size there, or else by its number in the equation.
    """
    laws = [law_named(name) for name in scenes.names]
    headings = towards(scenes)
    tracks, radii = scenes.tracks[:, 0], scenes.radii[:, 0]
    facing = np.einsum("nmc,nmc->nm", scenes.axes[..., 2], scenes.origins - scenes.camera.position[:, :1])
    texts = []
    for i, labels in enumerate(scenes.laws.tolist()):
        bodies = [m for m, label in enumerate(labels) if label >= 0]
        rows = [scenes.parameters[i, m, : len(laws[labels[m]].parameters)] for m in bodies]
        codes = [zlib.crc32(row.tobytes()) for row in rows]
        names = _named(tracks[i, bodies, 0] / scenes.camera.size, radii[i, bodies], codes)
        start, end, sentences = float(scenes.times[i, 0]), float(scenes.times[i, -1]), []
        for m, row, code, name in zip(bodies, rows, codes, names, strict=True):
            body = Body(tuple(row.tolist()), start, end, float(facing[i, m]))
            facts = FACTS[laws[labels[m]].name](body)
            forms = FORMS[laws[labels[m]].name]
            sentences.append(
                forms[code % len(forms)].format(
                    disc=name, Disc=name.capitalize(), towards=headings[i][m], seconds=f"{body.seconds:.2f}", **facts
                )
            )
        texts.append(" ".join(sentences))
    return texts


def _named(places: np.ndarray, radii: np.ndarray, codes: list[int]) -> list[str]:
    """What to call each of M bodies: places at the start (M 2, widths of the frame), apparent radii (M T)."""
    count = len(places)
    if count == 1:
        across = 2 * radii[0].mean()
        return [f"a disc {across:.1f} pixels across" if codes[0] // 64 % 2 and np.isfinite(across) else "a disc"]
    kinds: list[tuple[tuple[str, ...], np.ndarray]] = []
    if 2 <= count <= 4:
        for words, values in ((_ACROSS, places[:, 0]), (_DOWN, places[:, 1])):
            if np.diff(np.sort(values)).min() > _APART:  # NaN compares as False
                kinds.append((words[count - 2], values.argsort()))
        order = radii.mean(axis=1).argsort()
        if (radii[order[1:]].min(axis=1) > _LARGER * radii[order[:-1]].max(axis=1)).all():
            kinds.append((_SIZES[count - 2], order))
    if not kinds:
        return [f"disc number {m + 1}" for m in range(count)]
    phrases, ranked = kinds[codes[0] // 64 % len(kinds)]
    return [phrases[rank] for rank in ranked.argsort()]


FORMS: dict[str, tuple[str, ...]] = {
    "linear": (
        "{Disc} moves in a straight line towards the {towards} of the picture at {speed} m/s.",
        "In {seconds} s {disc} covers {distance} m on a straight line; in the picture it heads for the {towards}.",
        "Straight and steady, at {speed} m/s, {disc} is on its way to the {towards} of the picture.",
    ),
    "circular": (
        "{Disc} goes round a circle of radius {radius} m, {sense} as seen by the camera, {turns} turns in {seconds} s.",
        "Seen by the camera, {disc} circles {sense} at {rate} degrees per second, {radius} m from the centre.",
        "{Disc} makes {turns} turns {sense} in the picture, on a circle with a radius of {radius} m.",
    ),
    "helical": (
        "{Disc} winds along a {hand}-handed helix of radius {radius} m, {turns} turns while it advances {rise} m.",
        "On a {hand}-handed helix, {disc} turns by {rate} degrees per second at {radius} m from the axis "
        "and moves along it at {climb} m/s.",
        "In {seconds} s {disc} makes {turns} turns of a {hand}-handed helix with a radius of {radius} m.",
    ),
    "parabolic": (
        "{Disc} follows a parabola: {speed} m/s across, {acceleration} m/s^2 along its axis.",
        "{Disc} is accelerated by {acceleration} m/s^2 at right angles to its steady {speed} m/s; "
        "it passes the vertex of its parabola {share} % of the way through the clip.",
        "On a parabola, {disc} passes the vertex after {after} s at {speed} m/s.",
    ),
    "accelerated": (
        "{Disc} {changes} under a constant acceleration of {acceleration} m/s^2, from {before} m/s to {later} m/s.",
        "Accelerated by a steady {acceleration} m/s^2, {disc} {changes} and ends further to the {towards} "
        "of the picture.",
        "In {seconds} s a constant acceleration takes {disc} from {before} m/s to {later} m/s.",
    ),
    "sinusoidal": (
        "{Disc} swings {amplitude} m to either side of a straight line while it moves along it at {speed} m/s.",
        "{Disc} draws a wave in {seconds} s, {swings} periods of {length} m, and ends further to the {towards} "
        "of the picture.",
        "On a sine wave with an amplitude of {amplitude} m, {disc} covers {distance} m along the line "
        "in {swings} periods.",
    ),
    "spiral": (
        "{Disc} winds {way} on a spiral, {sense} as seen by the camera: {turns} turns, from {first} m to {last} m "
        "from the centre.",
        "On a spiral of {turns} turns in {seconds} s, {disc} moves {way}, {first} m from the centre at first "
        "and {last} m at last.",
        "{Disc} spirals {way} at {rate} degrees per second, {sense} in the picture.",
    ),
    "lissajous": (
        "{Disc} draws a Lissajous figure in {seconds} s, {swings} periods along one axis and {others} along the next.",
        "Swinging along {axes} axes at once, {disc} draws a Lissajous figure with amplitudes of {wide} m and "
        "{high} m along two of them.",
        "{Disc} goes to and fro along {axes} axes in a Lissajous figure; along one it swings {wide} m to either side.",
    ),
    "damped": (
        "{Disc} swings {where}; the damped swing shrinks from {first} m to {last} m in {seconds} s.",
        "{Disc} makes {swings} periods of a damped swing {where}; it halves every {half} s.",
        "Swinging {where}, {disc} has {kept} % of its swing left at the end, damped all the way.",
    ),
    "bouncing": (
        "{Disc} bounces {bounces} and keeps {kept} % of its speed of impact each time.",
        "Falling at {acceleration} m/s^2 and moving along the floor at {speed} m/s, {disc} bounces {bounces}.",
        "In {seconds} s {disc} bounces off the floor {bounces}; it ends further to the {towards} of the picture.",
    ),
    "orbit": (
        "{Disc} goes round an ellipse with a focus {near} m away where it is nearest and {far} m where it is "
        "farthest, {sense} as seen by the camera.",
        "On a Kepler orbit with a period of {period} s, {disc} moves {sense} in the picture for {share} % of a "
        "revolution.",
        "{Disc} is on an orbit of eccentricity {eccentricity}, an ellipse {length} m long, fastest near its focus.",
    ),
    "walk": (
        "{Disc} wanders at random: every {knot} s it takes a new direction, always at {speed} m/s.",
        "Without any law, {disc} walks {distance} m in straight random steps of {step} m and ends further to the "
        "{towards} of the picture.",
        "A random walk at {speed} m/s, with a turn every {knot} s, takes {disc} through {distance} m.",
    ),
    "collision": (
        "{Disc} moves at {before} m/s until it collides after {after} s; then it moves at {later} m/s.",
        "A collision after {after} s changes the velocity of {disc} by {kick} m/s, from {before} m/s to {later} m/s.",
        "{Disc} is hit after {after} s, which changes its speed from {before} m/s to {later} m/s; it ends further to "
        "the {towards} of the picture.",
    ),
}
