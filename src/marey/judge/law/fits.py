"""Several laws fitted to the same clips: states, residuals, parameters and their covariance."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from marey.core.errors import UserError
from marey.judge.law.forms import STARTS
from marey.judge.law.frames import Frame, frame, slopes
from marey.judge.law.kernel import fit_clips
from marey.judge.law.least_squares import Sightings, residuals
from marey.judge.law.motion import Motion, Polynomial, State, Turn
from marey.judge.law.motions import Form
from marey.judge.law.normal import CIRCLE, HELIX, LINE, MOST, PARABOLA, STATE
from marey.judge.law.search import normal_matrix, search

Range = tuple[float, float]

TURNING: Range = (20.0, 55.0)  # degrees a frame
_STARTS = (24.0, 31.0, 40.0)  # where the bounds are the ones above

_COMPILED = {"linear": LINE, "circular": CIRCLE, "helical": HELIX, "parabolic": PARABOLA, "accelerated": PARABOLA}
FITTED = (*_COMPILED, *STARTS)  # all laws but the walk, which has none


@dataclass(frozen=True)
class Fitted:
    """One law fitted to n clips; lengths in ball radii, times in frames from the middle of the clip.

    cost: sum of squared residuals over sigma, infinite where no fit was found. normal: J^T J, the information that the
    sightings hold about a step of `motion.moved`.
    """

    name: str
    motion: Motion | Form
    state: State
    cost: Float64[np.ndarray, "n"]
    normal: Float64[np.ndarray, "n F F"]

    def take(self, rows: np.ndarray) -> "Fitted":
        """The fits of the clips at the given rows (indices or a mask)."""
        return Fitted(self.name, self.motion, self.state[rows], self.cost[rows], self.normal[rows])

    def replaced(self, rows: np.ndarray, new: "Fitted") -> "Fitted":
        """The same, with other fits of the clips at the given rows (a mask)."""
        state, cost, normal = self.state.copy(), self.cost.copy(), self.normal.copy()
        state[rows], cost[rows], normal[rows] = new.state, new.cost, new.normal
        return Fitted(self.name, self.motion, state, cost, normal)

    @cached_property
    def frame(self) -> Frame:
        """Origin, axes and parameters, in camera coordinates."""
        return frame(self.name, self.motion, self.state)

    @cached_property
    def covariance(self) -> Float64[np.ndarray, "n F F"]:
        """Of a step, the inverse of `normal`; directions that nothing was seen of keep a large but finite error."""
        scale = np.sqrt(np.einsum("npp->np", self.normal).clip(1e-12))
        unit = self.normal / scale[:, :, None] / scale[:, None, :]
        inverse = np.linalg.inv(unit + 1e-9 * np.eye(unit.shape[1]))
        return inverse / scale[:, :, None] / scale[:, None, :]

    @cached_property
    def sigma(self) -> Float64[np.ndarray, "n P"]:
        """Standard errors of the parameters; 0 for those that the choice of the axes fixes."""
        slope = slopes(self.name, self.motion, self.state)
        return np.sqrt(np.einsum("npf,nfg,npg->np", slope, self.covariance, slope).clip(0))

    def points(self, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3"]:
        """Positions in camera coordinates."""
        return self.motion.points(self.state, t)

    def spread(self, t: Float64[np.ndarray, "T"]) -> Float64[np.ndarray, "n T 3 3"]:
        """Covariance of `points`: where the law holds and sigma is right, the Cramer-Rao bound."""
        slope = self.motion.jacobian(self.state, t)
        return np.einsum("ntip,npq,ntjq->ntij", slope, self.covariance, slope, optimize=True)

    def residual_px(self, t: Float64[np.ndarray, "T"], sightings: Sightings) -> Float64[np.ndarray, "n"]:
        """Root mean square distance between seen and fitted positions, pixels."""
        here = sightings.weight[..., 0] > 0
        plain = Sightings(sightings.seen, here[..., None] * np.ones(3), sightings.focal)
        square = (residuals(self.motion, self.state, t, plain)[..., :2] ** 2).sum(axis=(1, 2))
        return np.sqrt(square / here.sum(axis=1).clip(1))


def motions(turning: Range = TURNING) -> tuple[Motion, ...]:
    """The four base laws in the order of their labels; circles and helices turn by `turning` degrees a frame."""
    slowest, *starts, fastest = _turning_grid(turning).tolist()
    turn = (slowest, fastest, tuple(starts))
    return (Polynomial(1), Turn(False, *turn), Turn(True, *turn), Polynomial(2))


def fit_each(
    names: tuple[str, ...], t: Float64[np.ndarray, "T"], sightings: Sightings, turning: Range = TURNING
) -> tuple[Fitted, ...]:
    """Each of the named laws fitted to each clip. turning: of circles and helices, degrees a frame.

    t: frames from the middle of the clip. A name without a fit is a UserError that lists those with one.
    """
    if strange := set(names) - set(FITTED):
        raise UserError(f"laws: {min(strange)!r} cannot be fitted; choose among {', '.join(FITTED)}")
    n, base = len(sightings), motions(turning)
    states, costs, normals = np.zeros((n, 4, STATE)), np.full((n, 4), np.inf), np.zeros((n, 4, MOST, MOST))
    if set(names) & set(_COMPILED):
        grid = _turning_grid(turning)
        fit_clips(t, sightings.seen, sightings.weight, sightings.focal, grid, states, costs, normals)
    out = []
    for name in names:
        if name in _COMPILED:
            label = _COMPILED[name]
            motion, free = base[label], base[label].free
            width = STATE if isinstance(motion, Turn) else free
            out.append(Fitted(name, motion, states[:, label, :width], costs[:, label], normals[:, label, :free, :free]))
        else:
            form = STARTS[name].form
            state, cost = search(form, t, sightings)
            out.append(Fitted(name, form, state, cost, normal_matrix(form, state, t, sightings)))
    return tuple(out)


def _turning_grid(turning: Range) -> Float64[np.ndarray, "G"]:
    """The bounds, radians a frame, and between them where fits start."""
    return np.radians(np.interp((TURNING[0], *_STARTS, TURNING[1]), TURNING, turning))
