"""Any path becomes a video whose dot is whole, in the frame, and where the projection says."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marey.core.errors import UserError
from marey.data.free_path import trajectory_to_video

PROJECTIONS = ("3d", "xy", "xz", "yz")
HELIX = np.stack([np.cos(np.arange(40) / 4), np.sin(np.arange(40) / 4), np.arange(40) / 10], axis=1)


def centres(video: torch.Tensor) -> np.ndarray:
    """(u, v) of the dot in each frame, pixels."""
    dark = 1 - video[:, 0].double().numpy()
    rows, columns = np.mgrid[: dark.shape[1], : dark.shape[2]] + 0.5
    mass = dark.sum(axis=(1, 2))
    return np.stack([(dark * columns).sum(axis=(1, 2)), (dark * rows).sum(axis=(1, 2))], axis=1) / mass[:, None]


def sizes(video: torch.Tensor) -> np.ndarray:
    return (1 - video[:, 0].double()).sum(dim=(1, 2)).numpy()


@given(
    arrays(
        np.float64, st.tuples(st.integers(1, 6), st.just(3)), elements=st.floats(allow_nan=False, allow_infinity=False)
    ),
    st.integers(1, 7),
    st.sampled_from([(64, 64), (48, 80), (80, 48)]),
    st.sampled_from(PROJECTIONS),
)
def test_the_dot_is_whole_in_every_frame(xyz: np.ndarray, frames: int, size: tuple[int, int], projection: str) -> None:
    video = trajectory_to_video(xyz, frames, size, projection)
    assert video.shape == (frames, 3, *size) and video.dtype == torch.float32
    assert torch.equal(video[:, 0], video[:, 1]) and torch.equal(video[:, 0], video[:, 2])
    assert video.max() == 1 and (video.amin(dim=(1, 2, 3)) == 0).all()
    border = torch.cat([video[..., 0], video[..., -1], video[..., 0, :], video[..., -1, :]], dim=-1)
    assert (border == 1).all()


@pytest.mark.parametrize(("projection", "right", "up"), [("xy", 0, 1), ("xz", 0, 2), ("yz", 1, 2)])
def test_orthographic_views_keep_shape(projection: str, right: int, up: int) -> None:
    video = trajectory_to_video(HELIX, 40, (90, 120), projection)
    seen, flat = centres(video), HELIX[:, [right, up]] * [1, -1]
    scale = np.linalg.norm(seen[-1] - seen[0]) / np.linalg.norm(flat[-1] - flat[0])
    np.testing.assert_allclose(seen - seen[0], scale * (flat - flat[0]), atol=0.05)
    assert np.ptp(sizes(video)) < 0.01 * sizes(video).mean()


def test_the_oblique_view_is_a_perspective_one() -> None:
    axes = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1]], np.float64)
    video = trajectory_to_video(axes, 5)
    origin, x, y, z, below = centres(video)
    assert z[1] < origin[1] < below[1] and abs(z[0] - origin[0]) < 0.2 * abs(z[1] - origin[1])  # up is up
    assert x[0] > origin[0] and y[0] > origin[0] and y[1] < x[1]  # x comes nearer, y goes away
    size = sizes(video)
    assert size[1] > size[0] > size[2]  # and the nearer dot is the larger one


def test_the_path_is_resampled_linearly_in_its_index() -> None:
    line = np.array([[0, 0, 0], [1, 0, 0], [5, 0, 0]], np.float64)
    u = centres(trajectory_to_video(line, 5, projection="xy"))[:, 0]
    np.testing.assert_allclose((u - u[0]) / (u[-1] - u[0]), [0, 0.1, 0.2, 0.6, 1], atol=0.002)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_a_path_of_one_point_stays_in_the_middle(projection: str) -> None:
    for path in (np.array([[4.0, -1, 7]]), np.full((9, 3), 1e9), np.zeros((2, 3))):
        np.testing.assert_allclose(
            centres(trajectory_to_video(path, 3, (40, 60), projection)), [[30, 20]] * 3, atol=0.05
        )


def test_scale_and_place_do_not_matter_and_lists_and_tensors_do() -> None:
    video = trajectory_to_video(HELIX)
    assert video.shape == (5, 3, 128, 128)
    for same in (HELIX.tolist(), torch.tensor(HELIX, requires_grad=True), HELIX * 2.0**20, HELIX * 2.0**-600):
        assert torch.equal(trajectory_to_video(same), video)
    for tiny in ((1, 1), (3, 2)):
        assert trajectory_to_video(HELIX, img_size=tiny).shape == (5, 3, *tiny)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"xyz": [[0, 0, 0], [0, math.nan, 0]]}, r"xyz\[1\] is not finite"),
        ({"xyz": [[math.inf, 0, 0]]}, r"xyz\[0\] is not finite"),
        ({"xyz": np.zeros((4, 2))}, r"shape \(4, 2\); give \(T, 3\)"),
        ({"xyz": np.zeros((0, 3))}, r"shape \(0, 3\)"),
        ({"xyz": np.zeros(3)}, r"shape \(3,\)"),
        ({"xyz": [[1, 2, 3], [1, 2]]}, "not an array of numbers"),
        ({"xyz": "circle"}, "not an array of numbers"),
        ({"xyz": None}, "xyz"),
        ({"projection": "top"}, "projection='top' is unknown; choose one of 3d, xy, xz, yz"),
        ({"frames": 0}, "frames=0"),
        ({"img_size": (0, 32)}, r"img_size=\(0, 32\)"),
        ({"img_size": (32, -1)}, r"img_size=\(32, -1\)"),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        trajectory_to_video(**{"xyz": HELIX, **arguments})
    assert "\n" not in str(caught.value)
