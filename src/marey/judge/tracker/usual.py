"""What is usual in a clip: the radius of each body when nothing hides it, and the errors that noise explains."""

import numpy as np
from jaxtyping import Bool, Float64
from numpy.lib.stride_tricks import sliding_window_view

from marey.judge.tracker.clip import MISSING, VEILED, WHOLE, Layers, evidence, settle_frames

Discs = Float64[np.ndarray, "T M 3"]
Each = Float64[np.ndarray, "T M"]

_LOOSE = 0.2  # of a radius: how far it may easily be from the usual one
_UNEXPLAINED = 1.1, 0.4  # times the noise's variance, and grey levels squared: errors beyond this ask for more
_LARGE = 0.75  # quantile: something in front makes discs smaller, never larger
LACKING = 0.08  # of a disc's area: if more of it is missing, it is hidden in part
SHRUNK = 0.85  # of its large radius: a disc that fits with less may be hidden in part


def settle_loosely(layers: Layers, chosen: Bool[np.ndarray, "T"], noise: float) -> Float64[np.ndarray, "T"]:
    usual = np.nan_to_num(usual_radii(layers.discs, whole_discs(layers)), nan=1.0)
    return np.asarray(settle_frames(layers, chosen, usual, looseness(usual, noise), False))


def usual_radii(discs: Discs, trusted: Bool[np.ndarray, "T M"]) -> Each:
    """Of each body in each frame the radius that trusted frames nearby lead to expect; NaN for bodies without any."""
    count, bodies = discs.shape[:2]
    out = np.full((count, bodies), np.nan)
    for body in range(bodies):
        times = np.flatnonzero(trusted[:, body])
        if len(times):
            radii = discs[times, body, 2]
            near = np.concatenate([radii[[0, 0]], radii, radii[[-1, -1]]])
            calm = np.sort(sliding_window_view(near, 5), axis=1)[:, 2]  # medians
            out[:, body] = np.interp(np.arange(count), times, calm)
    return out


def large_radii(discs: Discs) -> Float64[np.ndarray, "M"]:
    """Of each body the radius that it has when nothing hides it; NaN for bodies without a disc."""
    radii = np.sort(discs[..., 2], axis=0)  # NaN comes last
    place = np.rint(_LARGE * (np.isfinite(radii).sum(axis=0) - 1).clip(0)).astype(int)
    return np.asarray(radii[place, np.arange(radii.shape[1])])


def whole_discs(layers: Layers) -> Bool[np.ndarray, "T M"]:
    """The discs that lie in the frame; if a body has none, all it has."""
    height, width = layers.paper.shape[:2]
    u, v, radius = np.moveaxis(layers.discs, -1, 0)
    inside = (np.minimum(u, width - u) >= radius) & (np.minimum(v, height - v) >= radius)
    return np.where(inside.any(axis=0), inside, np.isfinite(radius))


def shares(layers: Layers) -> tuple[Each, Each, Each]:
    """Of each disc the area inside the frame, pixels, and of this the shares that are missing and that are veiled."""
    found = evidence(layers)
    area = np.where(found[..., WHOLE] > 0, found[..., WHOLE], np.nan)
    return found[..., WHOLE], found[..., MISSING] / area, found[..., VEILED] / area


def trusted_discs(layers: Layers) -> Bool[np.ndarray, "T M"]:
    """The discs that nothing hides, as far as one can tell."""
    _, missing, veiled = shares(layers)
    good = (
        (missing + veiled < LACKING)
        & (layers.discs[..., 2] >= SHRUNK * large_radii(layers.discs))
        & whole_discs(layers)
    )
    return np.where(good.any(axis=0), good, np.isfinite(layers.discs[..., 2]))  # NaN compares as False


def pixels_of(layers: Layers) -> Float64[np.ndarray, "T"]:
    """About how many numbers the fit of each frame is held against."""
    return np.asarray(
        ((2 * np.nan_to_num(layers.discs[..., 2], nan=-2.5) + 5) ** 2).sum(axis=1) * layers.paper.shape[2]
    )


def allowed(noise: float) -> float:
    """Squared error of a number that noise and rounding explain."""
    return _UNEXPLAINED[0] * noise**2 + _UNEXPLAINED[1]


def looseness(usual: Each, noise: float) -> Each:
    """How much the fit holds to the usual radii: so little that any disc which is whole decides for itself."""
    return np.asarray((noise / (_LOOSE * usual)) ** 2)
