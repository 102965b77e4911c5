"""Descriptions are true of their own sample; the truth is taken from trajectories and tracks."""

import re
from dataclasses import replace

import numpy as np
import pytest

from marey.world.descriptions import FORMS, descriptions
from marey.world.laws import LAW_NAMES
from marey.world.phyworld import PhyWorld
from marey.world.scenes import Scenes
from marey.world.varied import VariedWorld
from tests.world.truths import TRUTHS, motion, shared

COMPASS = ("right", "lower right", "bottom", "lower left", "left", "upper left", "top", "upper right")
NUMBER = r"(\d+\.\d+|\d+)"

# What a number in a sentence says, by what stands around it. The first that fits takes the number.
PATTERNS = {
    "name": "disc number N",
    "across": "N pixels across",
    "acceleration": "N m/s\\^two",
    "kick": "changes the velocity of .* by N m/s",
    "before": "from N m/s|moves at N m/s until",
    "later": "to N m/s|then it moves at N m/s",
    "climb": "axis and moves along it at N m/s",
    "speed": "N m/s(?!.two)",
    "turns": "N turns",
    "rate": "N degrees per second",
    "amplitude": "swings N m to either side of|amplitude of N m",
    "high": "and N m along two",
    "wide": "amplitudes of N m|swings N m to either side",
    "first": "turns, from N m|shrinks from N m|, N m from the centre at first",
    "last": "to N m in|to N m from the centre|N m at last",
    "radius": "radius (?:of )?N m|at N m from the axis|, N m from the centre",
    "distance": "covers N m|walks N m|through N m",
    "rise": "advances N m",
    "step": "steps of N m",
    "others": "and N along the next",
    "length": "periods of N m|N m long",
    "swings": "N periods",
    "half": "halves every N s",
    "knot": "every N s",
    "kept": "keeps N %|has N % of its swing",
    "part": "for N % of a revolution",
    "share": "N % of the way",
    "period": "period of N s",
    "near": "N m away where it is nearest",
    "far": "N m where it is farthest",
    "eccentricity": "eccentricity N",
    "after": "after N s",
    "seconds": "(?:^I|, i| i)n N s",
    "bounces": "(?:bounces|floor) N times",
}


def sentences(scenes: Scenes) -> list[tuple[str, str, int, int]]:
    """(law, sentence, scene, body) of all bodies."""
    found = []
    for i, text in enumerate(descriptions(scenes)):
        bodies = np.flatnonzero(scenes.laws[i] >= 0)
        parts = re.split(r"(?<=[.]) (?=[A-Z])", text)
        assert len(parts) == len(bodies), text
        found += [(scenes.names[scenes.laws[i, m]], part, i, int(m)) for m, part in zip(bodies, parts, strict=True)]
    return found


def check_numbers(scenes: Scenes) -> None:
    for name, text, i, m in sentences(scenes):
        own = motion(scenes, i, m)
        truth, rest = shared(own) | TRUTHS[name](own), text.replace("^2", "^two")
        for fact, pattern in PATTERNS.items():
            while found := re.search(pattern.replace("N", NUMBER), rest):
                group = next(k for k in range(1, len(found.groups()) + 1) if found[k])
                digits = len(found[group].partition(".")[2])
                assert fact in truth, (text, fact)
                assert float(found[group]) == pytest.approx(truth[fact], abs=0.51 * 10**-digits + 2e-3), (text, fact)
                rest = rest[: found.start(group)] + "_" + rest[found.end(group) :]
        assert not re.search(r"\d", rest), f"a number that no test knows: {text}"
        assert text.endswith(".")


def test_every_number_of_a_description_is_true(scenes: Scenes) -> None:
    check_numbers(scenes.take(np.arange(80)))


@pytest.mark.parametrize("name", LAW_NAMES)
def test_every_number_about_every_law_is_true(name: str) -> None:
    bodies = (2, 2) if name == "collision" else (1, 1)
    scenes = VariedWorld(laws=(name,), bodies=bodies).sample(1, np.arange(60))
    check_numbers(scenes)
    assert len({_skeleton(text) for _, text, _, _ in sentences(scenes)}) >= len(FORMS[name])


def test_every_number_about_several_bodies_is_true(varied: Scenes) -> None:
    check_numbers(varied.take(np.arange(52)))
    check_numbers(PhyWorld(motion="collision").sample(0, np.arange(20)))
    check_numbers(PhyWorld(motion="parabola").sample(0, np.arange(20)))


def test_there_are_many_forms_and_each_names_its_motion(varied: Scenes) -> None:
    assert set(FORMS) == set(LAW_NAMES)
    assert len({form for forms in FORMS.values() for form in forms}) >= 30
    words = {
        "linear": "straight|Straight",
        "circular": "circl",
        "helical": "helix",
        "parabolic": "parabola",
        "accelerated": "ccelerat",
        "sinusoidal": "wave|swings .* straight line",
        "spiral": "spiral",
        "lissajous": "Lissajous",
        "damped": "damped",
        "bouncing": "bounces",
        "orbit": "orbit|ellipse",
        "walk": "random",
        "collision": "colli|hit",
    }
    for name, forms in FORMS.items():
        assert len(set(forms)) >= 3 and all(re.search(words[name], form) for form in forms)
    seen = {(name, _skeleton(text)) for name, text, _, _ in sentences(varied)}
    assert len(seen) >= 30
    for name in LAW_NAMES:
        assert len({skeleton for law, skeleton in seen if law == name}) >= 3


def test_directions_in_the_picture_are_true(scenes: Scenes, varied: Scenes) -> None:
    for some, least in ((scenes, 10), (varied.take(np.arange(200)), 30)):
        told, tracks = 0, some.tracks[:, 0]
        for _, text, i, m in sentences(some):
            said = re.search(r"(?:to|towards|for) the (upper \w+|lower \w+|right|left|top|bottom)\b", text)
            if said:
                right, down = tracks[i, m, -1] - tracks[i, m, 0]
                off = np.degrees(np.arctan2(down, right)) - 45 * COMPASS.index(said[1])
                assert abs((off + 180) % 360 - 180) <= 22.5 + 1e-6, text
                told += 1
        assert told > least


def test_senses_hands_and_ways_are_true(matched: Scenes, varied: Scenes) -> None:
    told: set[str] = set()
    for some in (matched.take(np.arange(200)), varied):
        tracks, places = some.tracks[:, 0], some.trajectories
        centres = some.camera.project(some.origins[:, :, None])[:, 0, :, 0]
        for name, text, i, m in sentences(some):
            across = tracks[i, m] - centres[i, m]
            swept = (across[:-1, 0] * across[1:, 1] - across[:-1, 1] * across[1:, 0]).sum()  # v points down
            velocity, radius = np.diff(places[i, m], axis=0), np.linalg.norm(places[i, m] - some.origins[i, m], axis=-1)
            speed = np.linalg.norm(velocity, axis=-1)
            for words, truth in (
                (("clockwise", "anticlockwise"), swept > 0),
                (("right-handed", "left-handed"), np.linalg.det(velocity[:3]) > 0),
                (("outwards", "inwards"), radius[-1] > radius[0]),
                (("speeds up", "slows down"), speed[-1] > speed[0]),
            ):
                said = re.search(rf"\b({'|'.join(words)})\b", text)
                if said:
                    assert said[0] == words[not truth], text
                    told |= {said[0], name}
    assert told >= {"clockwise", "anticlockwise", "right-handed", "left-handed", "outwards", "inwards", "speeds up"}
    assert told >= {"slows down", "circular", "helical", "spiral", "orbit", "accelerated"}


def test_counts_places_and_axes_in_words_are_true(varied: Scenes) -> None:
    told: set[str] = set()
    for name, text, i, m in sentences(varied.take(np.arange(260))):
        if name in ("bouncing", "damped", "lissajous"):
            own = motion(varied, i, m)
            truth = TRUTHS[name](own)
            said = re.findall(
                "not once|once(?!,)|twice|many times|on the spot|across its way|two axes|three axes", text
            )
            if name == "bouncing":
                word = {0: "not once", 1: "once", 2: "twice"}.get(int(truth["bounces"]))
                assert said == ([word] if word else [])
            elif said:
                flat = np.ptp(own.place, axis=0) < 1e-9
                assert said[0] == (
                    ("on the spot" if flat[0] else "across its way")
                    if name == "damped"
                    else ("two axes" if flat[2] else "three axes")
                )
            told |= set(said)
    assert told >= {"on the spot", "across its way", "two axes", "three axes"}


def test_several_bodies_are_told_apart_by_what_is_true(varied: Scenes) -> None:
    texts: dict[int, list[str]] = {}
    for _, text, i, _ in sentences(varied):
        texts.setdefault(i, []).append(text)
    tracks = varied.tracks[:, 0]
    kinds = [_check_names(tracks[i], varied.radii[i, 0], each) for i, each in texts.items() if len(each) > 1]
    assert min(kinds.count(kind) for kind in ("start", "size", "number")) > 10


def _check_names(tracks: np.ndarray, radii: np.ndarray, texts: list[str]) -> str:
    """Each name holds for its body; gives the kind of name."""
    names, count = [re.search(NAME, text)[0].lower() for text in texts], len(texts)  # type: ignore[index]
    assert len(set(names)) == count, texts
    if "number" in names[0]:
        assert names == [f"disc number {m + 1}" for m in range(count)]
        return "number"
    start, radii = tracks[:count, 0], radii[:count]
    sized = "starts" not in names[0]
    for m, name in enumerate(names):
        if sized:
            values = radii[:, 0]
            assert all((radii[m] < radii[k]).all() or (radii[m] > radii[k]).all() for k in range(count) if k != m)
            below = int((values < values[m]).sum())
            wanted = {0: "small", count - 1: "larg"}.get(below, "middle" if count == 3 else "second")
            assert wanted in name, (name, values)
            continue
        down = re.search("high|low|top|bottom", name) is not None
        below = int((start[:, int(down)] < start[m, int(down)]).sum())
        first, last = ("high", "low") if down else ("left", "right")
        if "second" in name:
            assert below == (1 if ("left" in name or "top" in name) else count - 2)
        else:
            assert below == (0 if first in name else count - 1) and (first in name or last in name)
    return "size" if sized else "start"


NAME = (
    r"[Dd]isc number \d|[Tt]he (?:second )?(?:smaller|smallest|larger|largest) disc|[Tt]he disc of middle size|"
    r"[Tt]he disc that starts (?:further left|further right|higher|lower|leftmost|rightmost|highest|lowest|"
    r"second from the (?:left|right|top|bottom))"
)


def test_no_body_has_no_description(varied: Scenes) -> None:
    assert descriptions(replace(varied.take(np.array([0])), laws=np.full((1, 4), -1))) == [""]


def test_a_description_depends_on_the_sample_alone(varied: Scenes) -> None:
    rows = np.array([9, 3, 250])
    few = varied.take(rows)
    assert descriptions(few) == [descriptions(varied.take(rows[i : i + 1]))[0] for i in range(3)]


def _skeleton(text: str) -> str:
    """A sentence without what varies within its form."""
    text = re.sub(NAME + "|[Aa] disc(?: [0-9.]+ pixels across)?", "DISC", text)
    return re.sub(
        r"[\d.]+|\b(?:lower|upper|left|right|top|bottom|anticlockwise|clockwise|inwards|outwards|speeds up|slows down|"
        r"on the spot|across its way at  m/s|two|three|twice|once|many times| times)\b",
        "",
        text,
    )
