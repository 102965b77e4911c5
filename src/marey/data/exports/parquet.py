"""Arrays and frames as columns of Parquet."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Shaped, UInt8
from PIL import Image


def nested(values: Shaped[np.ndarray, "n *shape"], kind: Any) -> Any:
    """An array as a column of nested lists of fixed sizes, of the given type."""
    kinds = [kind]
    while pa.types.is_fixed_size_list(kinds[-1]):
        kinds.append(kinds[-1].value_type)
    array = pa.array(np.ascontiguousarray(values).ravel(), kinds.pop())
    for outer in reversed(kinds):
        array = pa.FixedSizeListArray.from_arrays(array, type=outer)
    return array


def png(frame: UInt8[np.ndarray, "H W C"]) -> bytes:
    """The file of a picture, without loss."""
    stream = io.BytesIO()
    Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
