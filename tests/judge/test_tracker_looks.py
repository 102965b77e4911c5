"""The tracker on everything the worlds can show: other papers, noise, light, shutters, occluders, several bodies."""

from dataclasses import replace

import numpy as np
import pytest

from marey.data.spec import DatasetSpec
from marey.data.table import visible
from marey.judge.tracker import Sight, track_bodies
from marey.judge.tracker.floor import floor, floor_notes, floor_of, matched
from marey.world.images import packed
from marey.world.look import HARD, Look, Picture
from marey.world.matched import MatchedWorld
from marey.world.phyworld import PhyWorld
from marey.world.render import draw, quantized, render, trajectory_discs
from marey.world.varied import VariedWorld

INK, PAPER = np.zeros((1, 1, 1), np.uint8), np.full((1, 1), 255, np.uint8)


def errors(world: MatchedWorld | VariedWorld | PhyWorld, n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the truth of every body in every frame, and whether it can be seen whole."""
    scenes = world.sample(5, np.arange(n))
    discs = quantized(scenes)
    tracks = track_bodies(draw(discs, scenes.picture, world.size, world.size), scenes.laws.shape[1])
    order = matched(tracks, scenes.tracks[:, 0])
    seen = np.take_along_axis(tracks.tracks, order[:, :, None, None], axis=1)
    off = np.linalg.norm(seen - scenes.tracks[:, 0], axis=-1)
    return off, visible(scenes, discs)[:, 0] & scenes.whole[:, 0]


def rms(off: np.ndarray, counted: np.ndarray) -> float:
    return float(np.sqrt(np.mean(off[counted & np.isfinite(off)] ** 2)))


@pytest.mark.parametrize(
    ("look", "floor_"),
    [
        (Look(background=("gradient",), paper=(0.75, 1.0), shade=(0.55, 0.9)), 0.03),
        (Look(background=("texture",), paper=(0.75, 1.0), shade=(0.55, 0.9)), 0.03),
        (Look(shutter=(0.5, 0.5)), 0.02),
        (Look(shading=(0.6, 0.6)), 0.06),
        (Look(drift=(-0.1, 0.1), paper=(0.8, 0.9)), 0.02),
        (Look(noise=(8.0, 8.0)), 0.05),
    ],
    ids=["gradient", "texture", "shutter", "shading", "drift", "noise"],
)
def test_each_factor_of_the_look_alone(look: Look, floor_: float) -> None:
    off, whole = errors(MatchedWorld(channels=3, look=look), 12)
    assert np.isfinite(off[whole]).mean() >= 0.99 and rms(off, whole) < floor_


def test_bodies_known_to_be_flat_are_taken_for_flat() -> None:
    """That changes nothing where they are; where light falls on them the discs end off their centres."""
    far = []
    for look in (Look(), Look(shading=(0.6, 0.6))):
        scenes = MatchedWorld(channels=3, look=look).sample(5, np.arange(8))
        clips = render(scenes)
        off = [
            np.linalg.norm(track_bodies(clips, flat=flat).tracks[:, 0] - scenes.track, axis=-1)
            for flat in (True, False)
        ]
        far.append([float(np.nanmean(each)) for each in off])
    (plain, same), (misled, shaded) = far
    assert abs(plain - same) < 1e-3 and misled > 2 * shaded


def test_the_hard_look_as_a_whole() -> None:
    off, whole = errors(MatchedWorld(channels=3, look=HARD), 24)
    assert np.isfinite(off[whole]).mean() > 0.97 and np.median(off[whole & np.isfinite(off)]) < 0.06


def test_a_picture_of_the_users_is_a_paper_too() -> None:
    image = np.random.default_rng(0).integers(120, 255, (1, 8, 8, 3)).repeat(4, axis=1).repeat(4, axis=2)
    look = Look(background=("image",), images=packed(image.astype(np.uint8)))
    scenes = MatchedWorld(frames=16, channels=3, look=look).sample(5, np.arange(6))
    clips = render(scenes)
    off = np.linalg.norm(track_bodies(clips).tracks[:, 0] - scenes.track, axis=-1)
    assert np.isfinite(off).mean() > 0.97 and np.nanmedian(off) < 0.02


@pytest.mark.parametrize(
    "world",
    [VariedWorld(), VariedWorld(channels=1, bodies=(2, 4)), PhyWorld(motion="collision", channels=1)],
    ids=["varied", "grey", "collision"],
)
def test_several_bodies_keep_their_identities(world: VariedWorld | PhyWorld) -> None:
    off, whole = errors(world, 10)
    assert np.isfinite(off[whole]).mean() > 0.96 and (off[whole & np.isfinite(off)] < 1).mean() > 0.98


def test_the_number_of_bodies_is_found() -> None:
    world = VariedWorld(bodies=(1, 4))
    scenes = world.sample(5, np.arange(12))
    tracks = track_bodies(render(scenes), 4)
    counted = (tracks.sights != Sight.ABSENT).any(axis=2).sum(axis=1)
    assert (counted == (scenes.laws >= 0).sum(axis=1)).mean() > 0.9
    assert (np.diff(np.nanmedian(np.where(tracks.found, tracks.radii, -1), axis=2), axis=1) <= 0).all()


# -- what it says ----------------------------------------------------------------------------------------------------


def dot(track: np.ndarray, radius: float = 3.0, picture: Picture | None = None) -> np.ndarray:
    return draw(trajectory_discs(track, radius), picture or Picture.plain(INK, PAPER), 48, 48)


STRAIGHT = np.column_stack([np.linspace(8, 40, 12), np.full(12, 20.3)])


def said(clip: np.ndarray, bodies: int = 1) -> list[int]:
    return track_bodies(clip, bodies).sights[0, 0].tolist()


def test_what_is_found_and_what_vanishes() -> None:
    clip = dot(STRAIGHT)
    assert said(clip) == [Sight.FOUND] * 12
    clip[:, 5] = 255
    assert said(clip) == [Sight.FOUND] * 5 + [Sight.VANISHED] + [Sight.FOUND] * 6
    assert set(said(np.full_like(clip, 255))) == {Sight.ABSENT}


def test_a_dot_that_leaves_is_outside() -> None:
    track = STRAIGHT + np.array([20.0, 0.0])
    tracks = track_bodies(dot(track))
    gone = track[:, 0] > 48 + 3
    assert (tracks.sights[0, 0][gone] == Sight.OUTSIDE).all() and gone.sum() == 4
    whole = track[:, 0] < 45
    assert np.abs(tracks.tracks[0, 0] - track)[whole].max() < 0.01
    part = ~whole & (track[:, 0] < 48)
    assert part.any() and np.abs(tracks.tracks[0, 0] - track)[part].max() < 0.1


def test_a_dot_behind_an_occluder_is_hidden_and_beside_it_in_its_place() -> None:
    side = np.array([[[20, 10, 30, 32]]]) * 65536 // 48
    picture = replace(
        Picture.plain(INK, PAPER), occluders=side.astype(np.uint16), cover=np.full((1, 1, 1), 120, np.uint8)
    )
    tracks = track_bodies(dot(STRAIGHT, picture=picture))
    u = STRAIGHT[:, 0]
    behind, free = (u > 20.5) & (u < 29.5), (u < 17) | (u > 33)
    assert (tracks.sights[0, 0][behind] == Sight.HIDDEN).all() and behind.any()
    assert np.abs(tracks.tracks[0, 0] - STRAIGHT)[free].max() < 0.01
    partly = ~free & tracks.found[0, 0]
    assert partly.any() and np.abs(tracks.tracks[0, 0] - STRAIGHT)[partly].max() < 0.25


def test_two_pieces_are_split_and_have_no_place() -> None:
    clip = dot(STRAIGHT)
    clip[:, 7] = np.minimum(clip[:, 7], np.roll(clip[:, 7], 14, axis=1))
    tracks = track_bodies(clip)
    assert tracks.sights[0, 0].tolist() == [Sight.FOUND] * 7 + [Sight.SPLIT] + [Sight.FOUND] * 4
    assert np.isnan(tracks.tracks[0, 0, 7]).all()


def test_another_colour_is_said_and_keeps_its_place() -> None:
    clip = dot(STRAIGHT)
    clip[:, 4] = 255 - (255 - clip[:, 4].astype(int)) * 6 // 10
    tracks = track_bodies(clip)
    assert tracks.sights[0, 0].tolist() == [Sight.FOUND] * 4 + [Sight.RECOLOURED] + [Sight.FOUND] * 7
    assert np.abs(tracks.tracks[0, 0] - STRAIGHT).max() < 0.01


@pytest.mark.parametrize("pace", [0.0, 0.02, 0.3])
def test_a_dot_that_hardly_moves_is_no_paper(pace: float) -> None:
    track = np.array([[20.3, 21.8]]) + pace * np.arange(12)[:, None]
    tracks = track_bodies(dot(track))
    assert np.abs(tracks.tracks[0, 0] - track).max() < 0.01 and np.abs(tracks.radii - 3).max() < 0.01


def test_noise_is_measured() -> None:
    look = Look(noise=(6.0, 6.0), paper=(0.7, 0.7))
    clips = render(MatchedWorld(look=look).sample(0, np.arange(4)))
    np.testing.assert_allclose(track_bodies(clips).noise, 6, rtol=0.15)


def test_no_clip_is_no_track() -> None:
    assert len(track_bodies(np.zeros((0, 8, 32, 32, 1), np.uint8), 3)) == 0


# -- the floor -------------------------------------------------------------------------------------------------------


def test_the_floor_counts_what_it_should() -> None:
    offset, found = np.zeros((2, 1, 4, 3)), np.ones((2, 1, 4), bool)
    truth = np.full((2, 1, 4), 2)
    offset[0, 0, :, 0], offset[1, 0, 1, 2] = 0.3, 0.2
    found[0, 0, 3], offset[0, 0, 3], truth[1, 0, 0], offset[1, 0, 0, 0] = False, np.nan, 0, 100
    values = {figure.name: figure.value for figure in floor(offset, found, truth).figures}
    assert values["floor.position"] == pytest.approx(np.sqrt(0.09 / 2)) and values["floor.velocity"] == 0
    assert values["floor.radius"] == pytest.approx(np.sqrt((0.04 / 3) / 2))
    assert values["floor.lost"] == 1 / 8 == values["floor.imagined"] and values["floor.visibility"] == 6 / 8


def test_the_floor_of_a_spec_is_always_the_same_and_tells_its_numbers() -> None:
    spec = DatasetSpec(MatchedWorld())
    once = floor_of(spec, 12)
    assert once == floor_of(spec, 12)
    figure = once.figures[0]
    assert figure.name == "floor.position" and figure.n == 12 and 0 < figure.low < figure.value < figure.high < 0.005
    text = floor_notes(once)
    assert text.startswith("## Floor\n") and f"{figure.value:.3g} px" in text and "100.00%" in text


def test_a_floor_without_discs_says_why() -> None:
    nothing = floor(np.full((1, 1, 3, 3), np.nan), np.zeros((1, 1, 3), bool), np.full((1, 1, 3), 2))
    assert nothing.figures[0].value is None and "not measured" in floor_notes(nothing)
