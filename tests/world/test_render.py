"""The renderer: implementations that agree to the bit, and geometry that the pixels keep."""

import hashlib
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marey.core.errors import UserError
from marey.data.clips import as_video
from marey.data.spec import DatasetSpec
from marey.world.images import packed
from marey.world.kernels import FAR, GRID
from marey.world.look import BACKDROPS, HARD, Look, Picture
from marey.world.matched import MatchedWorld
from marey.world.plain import draw_plainly
from marey.world.render import draw, draw_video, quantized, render
from marey.world.render_torch import draw_on
from marey.world.scenes import Scenes

BLACK_ON_WHITE = Picture.plain(np.zeros((1, 1, 1), np.uint8), np.full((1, 1), 255, np.uint8))


def twins(discs: np.ndarray, picture: Picture, height: int, width: int, camera: int = 0) -> np.ndarray:
    """The kernels' clips, checked against the plain twin, the twin on tensors, two threads and the video."""
    frames, channels = discs.shape[3] // picture.moments.shape[1], picture.paper.shape[1]
    rubbish = np.full((len(discs), frames, height, width, channels), 17, np.uint8)
    fast = draw(discs, picture, height, width, rubbish, camera)
    np.testing.assert_array_equal(fast, draw_plainly(discs[:, camera], picture, height, width, camera))
    np.testing.assert_array_equal(fast, draw_on(torch.device("cpu"), discs, picture, height, width, camera).numpy())
    np.testing.assert_array_equal(fast, draw(discs, picture, height, width, camera=camera, threads=2))
    video = draw_video(discs, picture, height, width, camera=camera)
    np.testing.assert_array_equal(video, as_video(fast).numpy())
    return fast


def any_picture(rng: np.random.Generator, n: int, bodies: int, channels: int, height: int, width: int) -> Picture:
    """Anything that a picture can hold; every factor is absent now and then."""

    def bytes_of(*shape: int) -> np.ndarray:
        return rng.integers(0, 256, shape, dtype=np.uint8)

    def sometimes(values: np.ndarray) -> np.ndarray:
        return values if rng.random() < 0.6 else np.zeros_like(values)

    occluders, exposures = int(rng.integers(0, 3)), int(rng.choice([1, 1, 3]))
    corners = np.sort(rng.integers(0, 65536, (n, occluders, 2, 2)), axis=2).reshape(n, occluders, 4)
    return Picture(
        ink=bytes_of(n, bodies, channels),
        paper=bytes_of(n, channels),
        shading=sometimes(bytes_of(n, bodies)),
        light=rng.integers(-127, 128, (n, 3)).astype(np.int8),
        backdrop=sometimes(rng.integers(0, len(BACKDROPS), n).astype(np.uint8)),
        shade=bytes_of(n, channels),
        slope=rng.integers(-127, 128, (n, 2)).astype(np.int8),
        cells=rng.integers(1, 65, n).astype(np.uint8),
        images=packed(bytes_of(n, height, width, channels)),
        occluders=corners.astype(np.uint16),
        cover=bytes_of(n, occluders, channels),
        moments=rng.integers(-512, 513, (n, exposures)).astype(np.int16),
        noise=sometimes(bytes_of(n)),
        drift=sometimes(rng.integers(-4096, 4097, n).astype(np.int16)),
        seed=rng.integers(0, 1 << 32, n).astype(np.uint32),
    )


def any_discs(rng: np.random.Generator, n: int, cameras: int, bodies: int, moments: int) -> np.ndarray:
    """Discs in, near and far from the frame, small and large, at depths that are often equal."""
    shape = (n, cameras, bodies, moments)
    reach = rng.choice([40, 40, 40, 400, FAR // GRID], (2, *shape))
    places = rng.uniform(-0.5, 1.5, (2, *shape)) * reach * GRID
    radius = rng.choice([0, 1, 5, 8, 30, 2000], shape) * rng.uniform(0, 1.2, shape) * GRID
    return np.stack([*places, radius, rng.integers(0, 3, shape)], axis=-1).astype(np.int32)


def darkness(u: float, v: float, radius: float, height: int = 40, width: int = 48) -> np.ndarray:
    """Share of each pixel that a black disc on white covers."""
    disc = np.rint(np.array([u * GRID, v * GRID, radius * GRID, 0])).astype(np.int32)[None, None, None, None]
    return 1 - twins(disc, BLACK_ON_WHITE, height, width)[0, 0, ..., 0] / 255


@pytest.mark.parametrize("look", [Look(), Look(paper=(0.3, 0.9)), HARD], ids=["plain", "coloured paper", "hard"])
@pytest.mark.parametrize("channels", [1, 3])
def test_twins_agree_on_scenes(look: Look, channels: int) -> None:
    scenes = MatchedWorld(frames=5, size=40, channels=channels, look=look).sample(3, np.arange(12))
    drawn = twins(quantized(scenes), scenes.picture, 40, 40)
    np.testing.assert_array_equal(render(scenes), drawn)
    assert drawn.std(axis=(1, 2, 3, 4)).min() > 1


@given(st.integers(0, 10**6), st.sampled_from([1, 3]), st.sampled_from([(40, 24), (17, 40), (1, 33), (33, 1)]))
def test_twins_agree_on_anything(seed: int, channels: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    n, cameras, bodies, frames = (int(count) for count in rng.integers(1, 4, 4))
    picture = any_picture(rng, n, bodies, channels, *size)
    discs = any_discs(rng, n, cameras, bodies, frames * picture.moments.shape[1])
    twins(discs, picture, *size, camera=cameras - 1)


@pytest.mark.gpu
@pytest.mark.parametrize("seed", range(20))
def test_a_gpu_draws_the_same_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = any_picture(rng, 3, 3, 3, 40, 24)
    discs = any_discs(rng, 3, 1, 3, 4 * picture.moments.shape[1])
    drawn = draw_on(torch.device("cuda"), discs, picture, 40, 24).cpu().numpy()
    np.testing.assert_array_equal(drawn, draw(discs, picture, 40, 24))


def test_the_bytes_of_the_first_data_set_stay_what_they_were() -> None:
    """Models were trained on them."""
    clips = render(DatasetSpec().scenes("test", 0, 64))
    assert hashlib.sha256(clips.tobytes()).hexdigest().startswith("ebbd9517960bcbb5")


@given(st.floats(12, 28), st.floats(12, 28), st.floats(0.6, 9))
def test_area_and_centre_of_a_disc(u: float, v: float, radius: float) -> None:
    share = darkness(u, v, radius)
    assert share.sum() == pytest.approx(np.pi * radius**2, abs=0.03 * radius + 0.03)
    rows, columns = np.mgrid[:40, :48] + 0.5
    centre = (share * columns).sum() / share.sum(), (share * rows).sum() / share.sum()
    assert centre == pytest.approx((u, v), abs=0.03)


def drawn_at_random(radius: float, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Where discs of one radius were drawn (u, v), and the darkness of their pixels: count H W."""
    places = np.rint(np.random.default_rng(0).uniform(12, 28, (count, 2)) * GRID)
    whole = np.column_stack([places, np.full(count, radius * GRID), np.zeros(count)]).astype(np.int32)
    clip = draw(whole[None, None, None], BLACK_ON_WHITE, 40, 40)
    return places / GRID, 1 - clip[0, ..., 0] / 255


def test_centres_are_accurate() -> None:
    places, share = drawn_at_random(5.0)
    centre = np.arange(40) + 0.5
    found = np.stack([share.sum(axis=1) @ centre, share.sum(axis=2) @ centre], axis=-1)
    errors = found / share.sum(axis=(1, 2))[:, None] - places
    assert np.sqrt((errors**2).sum(axis=-1).mean()) < 0.005
    assert np.abs(errors.mean(axis=0)).max() < 0.0005


@pytest.mark.parametrize("radius", [1.0, 1.5, 2.0, 3.0, 5.0, 9.0])
def test_areas_are_without_bias(radius: float) -> None:
    share = drawn_at_random(radius, 8000)[1]
    assert share.sum(axis=(1, 2)).mean() == pytest.approx(np.pi * radius**2, rel=0.001)


def test_columns_and_rows_are_where_they_should_be() -> None:
    share = darkness(30.5, 10.5, 0.5)
    assert np.unravel_index(share.argmax(), share.shape) == (10, 30)  # row from v, column from u
    assert share[10, 30] == pytest.approx(np.pi / 4, abs=0.01) and share.sum() == share[10, 30]


def test_a_disc_over_everything_is_all_ink_and_one_outside_leaves_the_paper() -> None:
    assert (darkness(20, 20, 60) == 1).all() and (darkness(-30, 20, 10) == 0).all() and (darkness(20, 20, 0) == 0).all()


def test_the_buffer_is_used_and_must_fit(matched: Scenes) -> None:
    few = matched.take(np.arange(3))
    out = np.full((3, 8, 32, 32, 1), 7, np.uint8)
    assert render(few, out) is out
    np.testing.assert_array_equal(out, render(few))
    for wrong in (np.empty((2, 8, 32, 32, 1), np.uint8), np.empty((3, 8, 32, 32, 3), np.uint8), out[:, ::-1]):
        with pytest.raises(UserError, match=r"out has shape .* these scenes need contiguous uint8 \(3, 8, 32, 32, 1\)"):
            render(few, wrong)


def test_a_camera_that_is_not_there_is_named(matched: Scenes) -> None:
    with pytest.raises(UserError, match="camera=1 is not there"):
        render(matched.take(np.arange(3)), camera=1)


def test_the_nearer_body_hides_the_farther_one() -> None:
    near, far = [20 * GRID, 20 * GRID, 5 * GRID, 1000], [22 * GRID, 20 * GRID, 8 * GRID, 2000]
    for bodies in ([near, far], [far, near]):
        picture = Picture.plain(np.array([[[b[3] // 10] for b in bodies]], np.uint8), np.full((1, 1), 255, np.uint8))
        clip = twins(np.array(bodies, np.int32)[None, None, :, None], picture, 40, 40)[0, 0, ..., 0]
        assert clip[20, 20] == 100 and clip[20, 28] == 200 and clip[5, 5] == 255


def test_missing_bodies_and_those_behind_the_camera_are_not_drawn(matched: Scenes) -> None:
    one = matched.take(np.arange(4))
    absent = replace(one, laws=np.full_like(one.laws, -1))
    camera = replace(one.camera, rotation=one.camera.rotation * np.array([-1, 1, -1])[:, None])  # looks the other way
    for scenes in (absent, replace(one, camera=camera)):
        assert (quantized(scenes)[..., 2] == 0).all() and (render(scenes) == 255).all()


def test_discs_hold_the_depth_in_millimetres(matched: Scenes) -> None:
    few = matched.take(np.arange(4))
    depth = few.camera.to_camera(few.trajectories[:, :1].reshape(4, 1, -1, 3))[:, 0, :, 2]
    np.testing.assert_allclose(quantized(few)[:, 0, 0, :, 3], 1000 * depth, atol=0.51)


def test_each_camera_draws_what_it_sees(matched: Scenes) -> None:
    one = matched.take(np.arange(4))

    def twice(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values[::-1], values], axis=1)

    camera = type(one.camera)(
        one.camera.size, *(twice(getattr(one.camera, field.name)) for field in fields(one.camera)[1:])
    )
    both = replace(one, camera=camera, radii=twice(one.radii))
    np.testing.assert_array_equal(render(both, camera=1), render(one))


def test_a_blurred_frame_is_the_mean_of_its_moments(matched: Scenes) -> None:
    one = matched.take(np.arange(4))
    moments = np.broadcast_to(np.array([-256, 256], np.int16), (4, 2))  # a quarter of the interval before and after
    interval = np.diff(one.times[:, :2])
    parts = [render(replace(one, times=one.times + move * interval)) for move in (-0.25, 0.25)]
    blurred = render(replace(one, picture=replace(one.picture, moments=moments)))
    np.testing.assert_array_equal(blurred, (parts[0].astype(int) + parts[1] + 1) // 2)
    assert (parts[0] != parts[1]).any()


def test_noise_is_near_to_normal_and_each_pixels_own() -> None:
    discs = np.zeros((2, 2, 1, 8, 4), np.int32)
    grey = Picture.plain(np.zeros((2, 1, 3), np.uint8), np.full((2, 3), 128, np.uint8))
    picture = replace(grey, noise=np.full(2, 5 * 16, np.uint8), seed=np.array([3, 4], np.uint32))
    noise = np.stack([draw(discs, picture, 64, 64, camera=k) for k in (0, 1)]).astype(float) - 128
    assert noise.std() == pytest.approx(5, rel=0.01) and abs(noise.mean()) < 0.02
    assert (noise**4).mean() / noise.std() ** 4 == pytest.approx(2.7, abs=0.05)  # of four uniform numbers: 3 - 1.2 / 4
    clips = noise.reshape(4, -1)
    between = np.corrcoef(clips)[~np.eye(4, dtype=bool)]  # clips and cameras
    along = [(noise * np.roll(noise, 1, axis)).mean() / noise.var() for axis in (2, 3, 4, 5)]  # frames to channels
    assert np.abs(between).max() < 0.02 and np.abs(along).max() < 0.01


@pytest.mark.parametrize("channels", [1, 3])
def test_users_images_show_where_they_are_asked_for(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, channels), dtype=np.uint8)
    world = MatchedWorld(look=Look(background=("image",), images=packed(images)), channels=channels)
    scenes = world.sample(0, np.arange(40))
    shown = render(scenes)[:, 0]
    same = (shown[:, None] == images).mean(axis=(2, 3, 4))  # all but the disc
    assert (same.max(axis=1) > 0.9).all() and set(same.argmax(axis=1)) == {0, 1, 2}
    there = draw_on(torch.device("cpu"), quantized(scenes), scenes.picture, 32, 32)
    np.testing.assert_array_equal(there, render(scenes))
    larger = replace(world, size=48).sample(0, np.arange(4))
    with pytest.raises(UserError, match=r"picture\.image is 32x32 pixels, the frame 48x48; make look\.images as large"):
        render(larger)
