"""From one clip to its discs, step by step."""

import numpy as np
from jaxtyping import Float64, Int8, UInt8

from marey.judge.tracker_blobs import AREA, find_blobs
from marey.judge.tracker_clip import Layers, covered
from marey.judge.tracker_links import count_bodies, largest, link
from marey.judge.tracker_looks import fit
from marey.judge.tracker_first import first_paper
from marey.judge.tracker_paper import brightness, commonest, fill, grain, is_plain, strange, uncovered


def read_clip(clip, most, contrast):
    gain = brightness(clip)
    frames = clip / gain[:, None, None, None]
    noise = grain(frames)
    faint = max(12.0, 5.5 * noise) if contrast is None else contrast / 4
    least = max(30.0, 8 * noise) if contrast is None else contrast / 2
    colour = commonest(clip if (gain == 1).all() else np.rint(frames).clip(0, 255).astype(np.uint8))
    share = strange(frames, colour, noise)
    plain = is_plain(share)
    if plain:
        paper = np.broadcast_to(colour, frames.shape[1:]).copy()
    else:
        paper = first_paper(frames, noise)
    layers = lay(frames, paper, most, faint, least, noise)
    if not plain:
        for _ in range(2):
            paper = again(layers, noise)
            layers = lay(frames, paper, most, faint, least, noise)
    out = np.full((most, len(clip), 3), np.nan)
    discs = layers.discs.transpose(1, 0, 2)
    out[: len(discs)] = discs
    return out, np.isfinite(out[..., 2]).astype(np.int8), noise


def again(layers, noise):
    paper = layers.paper.copy()
    never = uncovered(layers.frames, covered(layers, 1.2), noise, paper)
    fill(paper, never)
    return paper


def lay(frames, paper, most, faint, least, noise):
    blobs = find_blobs(frames, paper, faint, least)
    bodies = count_bodies(blobs, most)
    if bodies <= 1:
        discs, colours = largest(blobs)
    else:
        discs, colours = link(blobs, bodies, frames.shape[2], None)
    return fit(frames, paper, discs, colours, noise)
