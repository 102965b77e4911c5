"""A picture as the kernels take it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int8, Int16, Int64, UInt8, UInt32

from marey.world.look import Picture
from marey.world.plain import hash32, occluder_pixels


class Plan(NamedTuple):
    """A picture as the kernels take it, for one camera; keys: of the texture's and the noise's random numbers."""

    ink: UInt8[np.ndarray, "n M C"]
    paper: UInt8[np.ndarray, "n C"]
    shading: UInt8[np.ndarray, "n M"]
    light: Int8[np.ndarray, "n 3"]
    backdrop: UInt8[np.ndarray, "n"]
    shade: UInt8[np.ndarray, "n C"]
    slope: Int8[np.ndarray, "n 2"]
    cells: UInt8[np.ndarray, "n"]
    image: UInt8[np.ndarray, "n Y XC"]
    occluders: Int64[np.ndarray, "n O 4"]
    cover: UInt8[np.ndarray, "n O C"]
    noise: UInt8[np.ndarray, "n"]
    drift: Int16[np.ndarray, "n"]
    keys: UInt32[np.ndarray, "n 2"]


def plan(picture: Picture, height: int, width: int, camera: int) -> Plan:
    """The plan of a picture in frames of height x width pixels."""
    seed = picture.seed.astype(np.int64)
    values = {name: np.ascontiguousarray(getattr(picture, name)) for name in Plan._fields if hasattr(picture, name)}
    values["image"] = values["image"].reshape(*picture.image.shape[:2], picture.image.shape[2] * picture.image.shape[3])
    values["occluders"] = occluder_pixels(picture, height, width)
    values["keys"] = np.stack([hash32(np.array(k), seed) for k in (0, 1 + camera)], axis=-1).astype(np.uint32)
    return Plan(**values)
