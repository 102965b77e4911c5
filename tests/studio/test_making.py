"""What sliders make: everything that is said of a clip is true of it."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from marey.core.errors import UserError
from marey.studio import making
from marey.studio.film import Film
from marey.studio.sliders import shapes, sliders
from marey.world.laws import LAW_NAMES


@pytest.mark.parametrize("law", LAW_NAMES)
def test_a_law_begins_whole_inside_the_frame_and_within_its_sliders(stage, laws, law: str) -> None:
    sheet = laws[law]
    made = making.make(stage, sheet.start)
    assert all(made.whole) and made.film.frames == stage.shape.frames and made.film.size == stage.shape.size
    tracks = stage.track(made.film.clip)  # the ruler, which sees pixels only
    assert tracks.found.all()
    assert np.abs(tracks.track[0] - np.array(made.track)).max() < 0.05
    drawn = shapes(law, making.clock(stage), making.width(stage))
    for each, column in zip(sheet.sliders, drawn.T, strict=True):
        assert each.low <= column.min() and column.max() <= each.high and each.low < each.high


@pytest.mark.parametrize("law", ["circular", "bouncing", "orbit", "walk"])
def test_the_equation_is_that_of_the_path_and_the_path_that_of_the_picture(stage, laws, law: str) -> None:
    start = laws[law].start
    made, t = making.make(stage, start), sympy.Symbol("t")
    sides = [sympy.sympify(side.partition(" = ")[2], locals={"t": t}) for side in made.exact.split("; ")]
    times, formula = stage.times(start.frames), sympy.lambdify(t, sides, "math")
    values = np.array([formula(time) for time in times.tolist()])
    beads = np.array(made.beads)
    assert np.abs(values - beads).max() < 1e-3
    at = np.array(made.lens.at)  # and seen from where the lens stands, the beads lie on the track
    right, down, ahead = np.array([1, 0, 0]), np.array([0, 0, -1]), np.array([0, 1, 0])
    ray = beads - at
    focal, half = stage.focal * start.size, start.size / 2
    seen = np.stack([focal * (ray @ axis) / (ray @ ahead) + half for axis in (right, down)], axis=-1)
    assert np.abs(seen - np.array(made.track)).max() < 0.01


def test_more_frames_and_pixels_show_the_same_motion(stage, laws) -> None:
    start = laws["helical"].start
    few, many = (making.make(stage, replace(start, frames=n, size=s)) for n, s in ((8, 32), (15, 64)))
    assert np.abs(np.array(few.track) * 2 - np.array(many.track)[::2]).max() < 0.01
    assert few.path == many.path


def test_a_disc_beyond_the_edge_is_said_to_be(stage, laws) -> None:
    start = laws["linear"].start
    away = making.make(stage, replace(start, view=replace(start.view, across=0.5)))
    assert not all(away.whole)


def test_surprises_differ_by_seed_and_by_seed_alone(stage) -> None:
    one, again, other = (making.surprise(stage, "spiral", seed, 8, 32) for seed in (5, 5, 6))
    assert one == again and one != other


@pytest.mark.parametrize(
    ("law", "change", "said"),
    [
        ("circular", {"values": (1.0,)}, "radius_m, turning_rad_s, phase_rad"),
        ("circular", {"values": (1e9, 3.0, 0.0)}, "radius_m=1e+09 is out of range"),
        ("circular", {"values": (float("nan"), 3.0, 0.0)}, "radius_m=nan"),
        ("orbit", {"values": (2.0, 0.3, 0.0, 0.0)}, "turning_rad_s=0 leaves nothing"),
        ("circular", {"law": "square"}, "law='square' is unknown"),
        ("circular", {"frames": 1000}, "at most 64 frames"),
        ("circular", {"size": 4000}, "size=4000"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(stage, laws, law: str, change: dict, said: str) -> None:
    with pytest.raises(UserError) as refused:
        making.make(stage, replace(laws[law].start, **change))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_slider_stands_still_only_where_its_law_does(stage) -> None:
    clock, width = making.clock(stage), making.width(stage)
    zeros = {name: {each.name for each in sliders(name, clock, width) if not each.zero} for name in LAW_NAMES}
    assert zeros["orbit"] == {"turning_rad_s"} and zeros["parabolic"] == set()


def test_a_film_travels_unchanged_and_a_torn_one_is_refused() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    film = Film.of(clip)
    assert (film.clip == clip).all()
    with pytest.raises(UserError, match="not base64"):
        _ = replace(film, pixels="<script>").clip
    with pytest.raises(UserError, match="holds 3 bytes"):
        _ = replace(film, pixels="AAAA").clip
    with pytest.raises(UserError, match="frames=1 is out of range"):
        replace(film, frames=1)
