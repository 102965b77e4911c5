"""Which law moved the dot: all four laws are fitted to its track and apparent radius through the known camera.

The camera's focal length and frame size are known; where it stands is irrelevant to the law. Lengths are in ball radii
and times in frames, because one camera cannot see absolute size. The law is chosen by Akaike's criterion with the
correction for small samples (Hurvich & Tsai, 1989): a clip of 8 frames is 24 numbers, and the Bayesian criterion calls
one noisy circle in six a helix. Lines and circles are special parabolas and helices, so three priors say where
the difference begins, and there are no others: circles and helices turn by 20 to 55 degrees a frame, unless told
otherwise; a helix climbs, over the clip, by at least 1.4 of its radii; the velocity of a parabola changes, over the
clip, by at least twice its least.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from marey.judge.least_squares import Sightings, minimise, residuals
from marey.judge.motion import Motion, Polynomial, State, Turn, turn_state
from marey.judge.tracker import Tracks

Range = tuple[float, float]

TURNING: Range = (20.0, 55.0)  # degrees a frame
_TURNED = (26.0, 36.0)  # by what the prior above was made for: its margin
_STARTS = (22.0, 27.0, 32.0, 37.0, 43.0, 50.0)  # where the prior is the one above
_KEPT = 4  # starts that are worth finishing
_FLOOR = 0.04  # pixels: differences below this say nothing, however well a law fits
_LEAST_CLIMB = 1.4  # of a helix over the clip, in its radii
_LEAST_BEND = 2.0  # change of a parabola's velocity over the clip, in its least speeds
_SHARE_FOUND = 5 / 8
_LEAST_MOTION = 0.05  # of the frame; a dot at rest follows none of the laws
_NONE = -1


def motions(turning: Range = TURNING) -> tuple[Motion, ...]:
    """The four laws in the order of their labels; circles and helices turn by `turning` degrees a frame."""
    slowest, fastest = np.radians(turning).tolist()
    starts = tuple(np.radians(np.interp(_STARTS, TURNING, turning)).tolist())
    return (Polynomial(1), Turn(False, slowest, fastest, starts), Turn(True, slowest, fastest, starts), Polynomial(2))


PARAMETERS = (  # ball radii, frames, degrees
    ("speed",),
    ("radius", "turning"),
    ("radius", "turning", "climb"),
    ("speed", "acceleration"),
)


@dataclass(frozen=True)
class LawFit:
    """law: index of the chosen law, -1 when none of them fits.

    residual_px: rms distance between seen and fitted positions. score: the criterion, the lower the better (infinite
    for clips with too few found frames and for laws outside their prior). parameters: [clip, law, parameter] as named
    in PARAMETERS, padded with NaN; speeds, climb and acceleration are per frame, turning is in degrees per frame, and
    the speed of a parabola is its least, at the vertex.
    """

    law: Int64[np.ndarray, "N"]
    residual_px: Float64[np.ndarray, "N 4"]
    score: Float64[np.ndarray, "N 4"]
    parameters: Float64[np.ndarray, "N 4 3"]


def turning_prior(turned: Float64[np.ndarray, "n"]) -> Range:
    """The prior for clips that truly turn by `turned` degrees a frame: `TURNING` where it holds them all, else their
    range with the same margin, in proportion.
    """
    if not len(turned) or (TURNING[0] <= turned.min() and turned.max() <= TURNING[1]):
        return TURNING
    return float(turned.min() * TURNING[0] / _TURNED[0]), float(turned.max() * TURNING[1] / _TURNED[1])


def fit_laws(tracks: Tracks, focal: float, size: int, bound: float | None = None, turning: Range = TURNING) -> LawFit:
    """Fit every law to every clip.

    focal, size: of the camera, pixels. bound: rms residual in pixels above which a clip follows none of the laws
    (default: a sixty-fourth of the frame). turning: by how much circles and helices turn, degrees a frame; see
    `turning_prior`. Clips with fewer than five eighths of their frames found, or whose dot stays within a twentieth of
    the frame, follow none either.
    """
    n, frames = tracks.found.shape
    residual, score = np.full((n, 4), np.nan), np.full((n, 4), np.inf)
    parameters = np.full((n, 4, 3), np.nan)
    usable = np.flatnonzero(tracks.found.mean(axis=1) >= _SHARE_FOUND)
    if len(usable):
        t = np.arange(frames) - (frames - 1) / 2
        sightings = _sightings(tracks.take(usable), focal, size)
        laws = motions(turning)
        states = [_best(motion, t, sightings) for motion in laws]
        squares = np.stack([cost for _, cost in states], axis=1)
        for law, (motion, (state, _)) in enumerate(zip(laws, states, strict=True)):
            residual[usable, law] = _rms(motion, state, t, sightings)
            parameters[usable, law] = _parameters(motion, state)
        count = 3 * tracks.found[usable].sum(axis=1)
        score[usable] = np.where(_within_priors(parameters[usable], frames), _criterion(squares, count), np.inf)
    best = score.argmin(axis=1)
    fits = residual[np.arange(n), best] <= (size / 64 if bound is None else bound)
    moves = _excursion(tracks) >= _LEAST_MOTION * size
    return LawFit(np.where(fits & moves, best, _NONE), residual, score, parameters)


def _sightings(tracks: Tracks, focal: float, size: int) -> Sightings:
    """Position and radius weigh the same: independent noise in the pixels disturbs both by the same amount."""
    seen = np.concatenate([tracks.track - size / 2, tracks.radius[..., None]], axis=-1)
    weight = np.broadcast_to(tracks.found[..., None], seen.shape).astype(np.float64)
    return Sightings(np.where(weight > 0, seen, 1.0), weight, focal)


def _criterion(squares: Float64[np.ndarray, "n 4"], count: Int64[np.ndarray, "n"]) -> Float64[np.ndarray, "n 4"]:
    """AICc with unknown noise, whose variance is no less than the tracker's own."""
    k, count = np.array([motion.free for motion in motions()]), count[:, None].astype(np.float64)
    return count * np.log(squares / count + _FLOOR**2) + 2 * k * count / (count - k - 1)


def _within_priors(parameters: Float64[np.ndarray, "n 4 3"], frames: int) -> Bool[np.ndarray, "n 4"]:
    within = np.ones(parameters.shape[:2], bool)
    within[:, 2] = parameters[:, 2, 2] * (frames - 1) >= _LEAST_CLIMB * parameters[:, 2, 0]
    within[:, 3] = parameters[:, 3, 1] * (frames - 1) >= _LEAST_BEND * parameters[:, 3, 0]
    return within


def _best(motion: Motion, t: Float64[np.ndarray, "T"], sightings: Sightings) -> tuple[State, Float64[np.ndarray, "n"]]:
    """The best of several starts."""
    starts = np.stack(_starts(motion, t, sightings))
    count, n = starts.shape[:2]
    flat, many = starts.reshape(count * n, -1), sightings.take(np.tile(np.arange(n), count))
    if count > _KEPT:
        state, cost = (each.reshape(count, n, -1) for each in minimise(motion, flat, t, many, steps=3))
        order = cost[..., 0].argsort(axis=0)[:_KEPT]
        count, flat = _KEPT, state[order, np.arange(n)].reshape(_KEPT * n, -1)
        many = sightings.take(np.tile(np.arange(n), _KEPT))
    state, cost = (each.reshape(count, n, -1) for each in minimise(motion, flat, t, many, steps=40))
    best = cost[..., 0].argmin(axis=0)
    return state[best, np.arange(n)], cost[best, np.arange(n), 0]


def _starts(motion: Motion, t: Float64[np.ndarray, "T"], sightings: Sightings) -> list[State]:
    if isinstance(motion, Polynomial):
        return [_linear_solve(t[:, None] ** np.arange(motion.degree + 1), sightings).reshape(len(sightings.seen), -1)]
    assert isinstance(motion, Turn)
    starts = []
    for turning in motion.starts:
        basis = [np.ones_like(t), np.cos(turning * t), np.sin(turning * t), t][: 4 if motion.climbs else 3]
        solved = _linear_solve(np.column_stack(basis), sightings)
        drift = solved[:, 3] if motion.climbs else np.zeros_like(solved[:, 0])
        for mirror in (1, -1):  # seen from afar, a tilted turn and its mirror image in depth look the same
            flip = np.array([1, 1, mirror])
            starts.append(turn_state(solved[:, 0], solved[:, 1] * flip, solved[:, 2] * flip, drift * flip, turning))
    return starts


def _linear_solve(basis: Float64[np.ndarray, "T K"], sightings: Sightings) -> Float64[np.ndarray, "n K 3"]:
    """Coefficients of position = basis @ coefficients from the projection made linear: f X - u Z = 0, r Z = f."""
    seen, focal = sightings.seen, sightings.focal
    usual = (seen[..., 2] * sightings.weight[..., 2]).sum(axis=1) / sightings.weight[..., 2].sum(axis=1)
    scale = (usual / focal)[:, None, None]  # one over the usual depth: the rows are then errors in pixels
    rows = np.zeros((*seen.shape, basis.shape[1], 3))
    rows[:, :, 0, :, 0] = rows[:, :, 1, :, 1] = focal * basis
    rows[:, :, :, :, 2] = -seen[..., None] * basis[:, None, :]
    target = np.zeros(seen.shape)
    target[..., 2] = -focal
    weight = sightings.weight * scale
    matrix = (rows * weight[..., None, None]).reshape(len(seen), -1, basis.shape[1] * 3)
    right = (target * weight).reshape(len(seen), -1, 1)
    normal = matrix.transpose(0, 2, 1) @ matrix + 1e-9 * np.eye(matrix.shape[2])
    return np.linalg.solve(normal, matrix.transpose(0, 2, 1) @ right).reshape(len(seen), basis.shape[1], 3)


def _rms(motion: Motion, state: State, t: Float64[np.ndarray, "T"], sightings: Sightings) -> Float64[np.ndarray, "n"]:
    square = (residuals(motion, state, t, sightings)[..., :2] ** 2).sum(axis=(1, 2))
    return np.sqrt(square / (sightings.weight[..., 0] > 0).sum(axis=1))


def _parameters(motion: Motion, state: State) -> Float64[np.ndarray, "n 3"]:
    """Those that do not depend on where the camera stands."""
    out = np.full((len(state), 3), np.nan)
    if isinstance(motion, Turn):
        out[:, 0], out[:, 1] = state[:, 12], np.degrees(state[:, 13])
        if motion.climbs:
            out[:, 2] = np.abs(state[:, 14])
        return out
    velocity = state[:, 3:6]
    if motion.free == 9:
        half = state[:, 6:9]  # position = p + v t + half t^2
        square = (half**2).sum(axis=1).clip(1e-12)
        out[:, 1] = 2 * np.sqrt(square)
        velocity = velocity - half * ((velocity * half).sum(axis=1) / square)[:, None]
    out[:, 0] = np.linalg.norm(velocity, axis=1)
    return out


def _excursion(tracks: Tracks) -> Float64[np.ndarray, "N"]:
    """Largest distance of a found position from their mean, pixels; 0 when none was found."""
    count = tracks.found.sum(axis=1).clip(1)[:, None]
    middle = np.where(tracks.found[..., None], tracks.track, 0).sum(axis=1) / count
    return np.where(tracks.found, np.linalg.norm(tracks.track - middle[:, None], axis=-1), 0).max(axis=1)
