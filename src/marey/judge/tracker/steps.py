"""From one clip to its discs, step by step."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int8, UInt8
from scipy.ndimage import label

from marey.judge.tracker.blobs import find_blobs
from marey.judge.tracker.clip import Layers, covered, find_shut, settle_frames
from marey.judge.tracker.first import first_paper
from marey.judge.tracker.links import count_bodies, largest, link
from marey.judge.tracker.looks import Fit, first_layers, fit
from marey.judge.tracker.paper import brightness, commonest, fill, grain, is_plain, strange, uncovered
from marey.judge.tracker.sights import Sight, sights

Frames = Float64[np.ndarray, "T H W C"]
Paper = Float64[np.ndarray, "H W C"]

_FAINT, _LEAST = 5.5, 8.0  # standard deviations of the noise: what stands out; what three pixels of a body must reach
_FAINT_LEVELS, _LEAST_LEVELS = 12.0, 30.0  # the same, at least, in grey levels
_FAINT_SHARE, _LEAST_SHARE = 0.25, 0.5  # the same of a contrast that is known
_AGAIN = 2  # times that paper which is not plain is found anew, now that bodies are known
_RIM = 1.2  # pixels around a body that may show some of it
_FIXED = 3  # pixels: sides of what is built into plain paper
_PURE, _QUIET = 0.95, 0.35  # share of its pixels in one colour; how often bodies pass beside it at most


@dataclass(frozen=True)
class Reading:
    """discs: u, v, radius, NaN where there is no place to tell; noise: grey levels."""

    discs: Float64[np.ndarray, "M T 3"]
    sights: Int8[np.ndarray, "M T"]
    noise: float


def read_clip(clip: UInt8[np.ndarray, "T H W C"], most: int, contrast: float | None, flat: bool) -> Reading:
    """Find up to `most` bodies in a clip; contrast: grey levels expected between body and paper, if known. flat: see
    `track_bodies`.
    """
    gain = brightness(clip)
    frames = clip / gain[:, None, None, None]
    noise = float(grain(frames))
    faint, least = max(_FAINT_LEVELS, _FAINT * noise), max(_LEAST_LEVELS, _LEAST * noise)
    if contrast is not None:
        faint, least = _FAINT_SHARE * contrast, _LEAST_SHARE * contrast
    steady = clip if (gain == 1).all() else np.rint(frames).clip(0, 255).astype(np.uint8)
    colour = commonest(steady)
    plain = is_plain(frames, colour, noise)
    paper = _plain_paper(frames, colour, noise) if plain else first_paper(frames, noise)
    shut = np.zeros(paper.shape[:2], bool)
    for turn in range(_AGAIN + 1):
        found, blobs = _fit(frames, paper, shut, most, faint, least, noise, flat)
        more = find_shut(found.layers)
        if turn == _AGAIN or (plain and (more == shut).all()):
            break
        shut = more
        paper = paper if plain else _paper_between(found.layers, noise)
    return _reading(found, blobs, most, noise)


def _fit(
    frames: Frames,
    paper: Paper,
    shut: Bool[np.ndarray, "H W"],
    most: int,
    faint: float,
    least: float,
    noise: float,
    flat: bool,
) -> tuple[Fit, Float64[np.ndarray, "T Q X"]]:
    """Blobs, identities, discs."""
    blobs = find_blobs(frames, paper, faint, least)
    bodies = count_bodies(blobs, most)
    if bodies < 2:
        discs, colours = largest(blobs)
    else:
        discs, colours = _linked(frames, paper, shut, blobs, bodies)
    return fit(frames, paper, shut, discs, colours, noise, flat), blobs


def _linked(
    frames: Frames, paper: Paper, shut: Bool[np.ndarray, "H W"], blobs: Float64[np.ndarray, "T Q X"], bodies: int
) -> tuple[Float64[np.ndarray, "T M 3"], Float64[np.ndarray, "T M C"]]:
    """Bodies by their blobs; where blobs have merged, by the discs that fit best."""
    discs, colours = link(blobs, bodies, frames.shape[2], None)
    layers, _ = first_layers(frames, paper, shut, discs, colours)

    def settle(t: int, start: Float64[np.ndarray, "M 3"]) -> tuple[Float64[np.ndarray, "M 3"], float]:
        part = slice(t, t + 1)
        smears, paint, ranks = layers.smears[part], layers.colours[part], layers.ranks[part]
        one = Layers(frames[part], paper, shut, start[None].copy(), smears, paint, ranks)
        usual = np.nan_to_num(start[None, :, 2], nan=1.0)
        cost = settle_frames(one, np.ones(1, bool), usual, np.ones_like(usual), False)
        return one.discs[0], float(cost[0])

    return link(blobs, bodies, frames.shape[2], settle)


def _plain_paper(frames: Frames, colour: Float64[np.ndarray, "C"], noise: float) -> Paper:
    """One colour, but for what is built into it: it shows all the time, in one colour, with borders along pixels, and
    nothing comes and goes beside most of it. A body at rest has pixels that it covers in part.
    """
    paper = np.broadcast_to(colour, frames.shape[1:]).copy()
    share = strange(frames, colour, noise)
    places, count = label(share == 1, np.ones((3, 3))) if (share == 1).any() else (share, 0)
    for number in range(1, count + 1):
        here = places == number
        rows, columns = (np.flatnonzero(here.any(axis=axis)) for axis in (1, 0))
        if min(np.ptp(rows), np.ptp(columns)) + 1 < _FIXED:
            continue
        still = np.median(frames[:, here], axis=0)
        pure = np.abs(still - np.median(still, axis=0)).max(axis=-1) <= max(2.0, 3 * noise)
        around = np.pad(here, 1)
        around = (around[2:, 1:-1] | around[:-2, 1:-1] | around[1:-1, 2:] | around[1:-1, :-2]) & ~here
        if pure.mean() >= _PURE and share[around].mean() <= _QUIET:
            paper[here] = still
    return paper


def _paper_between(layers: Layers, noise: float) -> Paper:
    """The paper as it shows where the bodies are not."""
    paper = layers.paper.copy()
    never = uncovered(layers.frames, covered(layers, _RIM), noise, paper)
    fill(paper, never)
    return paper


def _reading(found: Fit, blobs: Float64[np.ndarray, "T Q X"], most: int, noise: float) -> Reading:
    """The bodies, the largest first; a body that is in pieces has no place."""
    said = sights(found, blobs)
    discs = np.where((said == Sight.SPLIT)[..., None], np.nan, found.layers.discs)
    count = discs.shape[1]
    size = np.array([np.nanmedian(r) if np.isfinite(r).any() else -1.0 for r in discs[..., 2].T])
    order = np.argsort(-size, kind="stable")
    out = Reading(np.full((most, len(discs), 3), np.nan), np.zeros((most, len(discs)), np.int8), noise)
    out.discs[:count], out.sights[:count] = discs.transpose(1, 0, 2)[order], said.T[order]
    return out
