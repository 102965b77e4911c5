"""Samples survive Parquet to the last bit, whatever the world."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marey.data.folder import open_dataset, write_dataset
from marey.data.spec import DatasetSpec, dataset_from_preset
from marey.data.table import Samples, from_parquet, make_samples, read_columns, to_columns, to_parquet
from marey.world.camera import Camera
from marey.world.images import packed
from marey.world.kernels import FULL
from marey.world.look import Look, Picture
from marey.world.matched import MatchedWorld
from marey.world.plain import draw_plainly
from marey.world.rig import Rig

SPECS = {
    "classic": dataset_from_preset("classic", 20, frames=5, size=24),
    "three cameras": DatasetSpec(MatchedWorld(rig=Rig(cameras=3), channels=3), train=20),
    "bent lenses": DatasetSpec(
        MatchedWorld(
            rig=Rig(cameras=2, k1=(-0.2, 0.1), k2=(0.0, 0.05), k3=(0.0, 0.01), p1=(-0.01, 0.01), p2=(0.0, 0.02))
        ),
        train=20,
    ),
    "hard": dataset_from_preset("hard", 20),
    "varied": dataset_from_preset("varied", 20),
    "two bodies": dataset_from_preset("phyworld-collision", 20, frames=4),
}


@pytest.fixture(params=SPECS)
def samples(request: pytest.FixtureRequest) -> Samples:
    return make_samples(SPECS[request.param], "train", np.arange(20))


def assert_same(ours: Samples, theirs: Samples) -> None:
    a, b = to_columns(ours), to_columns(theirs)
    assert a[0].keys() == b[0].keys() and a[1] == b[1]
    for name, column in a[0].items():
        other = b[0][name]
        assert column.dtype == other.dtype and column.shape == other.shape, name
        if column.dtype == object:
            assert column.tolist() == other.tolist(), name
        else:
            assert np.ascontiguousarray(column).tobytes() == other.tobytes(), name  # NaN too, to the last bit


def test_parquet_and_back(samples: Samples) -> None:
    content = to_parquet(samples)
    back = from_parquet(content)
    assert_same(samples, back)
    assert to_parquet(back) == content
    for camera in range(samples.discs.shape[1]):
        np.testing.assert_array_equal(back.clips(camera), samples.clips(camera))


def test_a_folder_keeps_bent_lenses(tmp_path: Path) -> None:
    """Each lens is one of its own, and every pixel position of the reloaded scenes is what it was."""
    spec = replace(SPECS["bent lenses"], validation=0, test=0)
    write_dataset(spec, tmp_path / "data")
    samples, scenes = open_dataset(tmp_path / "data").rows(0, 20), spec.scenes("train")
    lenses = samples.scenes.camera.distortion
    assert (lenses != 0).all() and len(np.unique(lenses)) == 20 * 2 * 5
    for field in fields(Camera):
        np.testing.assert_array_equal(getattr(samples.scenes.camera, field.name), getattr(scenes.camera, field.name))
    np.testing.assert_array_equal(samples.scenes.tracks, scenes.tracks)
    ideal = replace(scenes, camera=replace(scenes.camera, distortion=np.zeros_like(lenses)))
    assert np.nanmax(np.abs(ideal.tracks - samples.scenes.tracks)) > 0.1
    np.testing.assert_array_equal(read_columns(to_parquet(samples))[0]["camera_distortion"], lenses)


def test_every_field_of_a_picture_is_kept() -> None:
    """Each holds something of its own here, a user's image too."""
    hard = SPECS["hard"]
    images = packed(np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8))
    look = replace(hard.world.look, background=("texture", "image"), images=images)
    samples = make_samples(replace(hard, world=replace(hard.world, look=look)), "train", np.arange(20))
    back = from_parquet(to_parquet(samples)).scenes.picture
    for field in fields(Picture):
        ours, theirs = getattr(samples.scenes.picture, field.name), getattr(back, field.name)
        if field.name == "images":
            assert ours == theirs == images
            continue
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
        assert field.name == "ink" or len(np.unique(theirs, axis=0)) > 1, field.name


def test_what_can_be_seen() -> None:
    """whole, seen, hidden and visible, against the pixels of black discs with and without white occluders."""
    look = Look(coloured=False, occluders=(1, 2), occluder=(0.2, 0.5))
    spec = DatasetSpec(MatchedWorld(size=48, look=look, rig=Rig(cameras=2, spread=(80, 90))), train=60)
    samples = make_samples(spec, "train", np.arange(60))
    columns, _ = to_columns(samples)
    whole, seen, share, visible = (columns[name] for name in ("whole", "seen", "hidden", "visible"))
    assert share.dtype == np.uint16 and share.max() <= FULL
    white = replace(samples.scenes.picture, cover=np.full_like(samples.scenes.picture.cover, 255))
    free = replace(white, occluders=np.zeros_like(white.occluders))
    for camera in range(2):
        left, all_ = (
            (255.0 - draw_plainly(samples.discs[:, camera], picture, 48, 48, camera)).sum(axis=(2, 3, 4))
            for picture in (white, free)
        )
        one = camera, 0
        np.testing.assert_array_equal(seen[:, *one][all_ > 255], True)
        np.testing.assert_array_equal(all_[~seen[:, *one]] < 255, True)
        missing = 1 - left / np.maximum(all_, 1)
        clear = seen[:, *one] & (all_ > 2550) & (np.abs(missing - 0.5) > 0.02)
        np.testing.assert_array_equal(visible[:, *one][clear], missing[clear] < 0.5)
        assert np.abs(share[:, *one] / FULL - missing)[clear].max() < 0.01
    assert (visible <= seen).all() and (whole <= seen).all()
    assert (whole & ~visible).any() and (visible & ~whole).any() and not seen.all()


def test_bodies_that_are_not_there() -> None:
    """Label -1 has no name, and its NaN come back as they were."""
    samples = make_samples(SPECS["two bodies"], "train", np.arange(20))
    laws, parameters = samples.scenes.laws.copy(), samples.scenes.parameters.copy()
    laws[::2, 1], parameters[::2, 1] = -1, np.nan
    samples = replace(samples, scenes=replace(samples.scenes, laws=laws, parameters=parameters))
    back = from_parquet(to_parquet(samples))
    assert_same(samples, back)
    names = read_columns(to_parquet(samples))[0]["law_names"]
    assert [name is None for name in names[:, 1]] == [True, False] * 10 and all(names[:, 0])
    assert np.isnan(back.scenes.trajectories[::2, 1]).all() and not np.isnan(back.scenes.trajectories[:, 0]).any()


def test_shapes_are_in_the_types_of_the_columns() -> None:
    content = to_parquet(make_samples(SPECS["three cameras"], "train", np.arange(3)))
    schema = pq.read_schema(pa.BufferReader(content))
    assert str(schema.field("tracks").type).count("fixed_size_list") == 4
    assert pq.read_table(pa.BufferReader(content))["discs"][0].as_py() == (
        make_samples(SPECS["three cameras"], "train", np.arange(1)).discs[0].tolist()
    )


def test_taking_and_joining() -> None:
    spec = SPECS["hard"]
    samples = make_samples(spec, "train", np.arange(20))
    parts = [samples.take(np.arange(12)), samples.take(np.arange(12, 20))]
    assert_same(Samples.join(parts), samples)
    assert_same(samples.take(np.array([5, 2])), make_samples(spec, "train", np.array([5, 2])))
