"""Samples survive Parquet to the last bit, whatever the world."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marey.data.spec import DatasetSpec, dataset_from_preset
from marey.data.table import Samples, from_parquet, make_samples, read_columns, to_columns, to_parquet
from marey.world.matched import MatchedWorld
from marey.world.rig import Rig

SPECS = {
    "classic": dataset_from_preset("classic", 20, frames=5, size=24),
    "three cameras": DatasetSpec(MatchedWorld(rig=Rig(cameras=3), channels=3), train=20),
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
