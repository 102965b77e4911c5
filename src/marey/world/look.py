"""What the pixels show beside the motion."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True)
class Picture:
    """Of n clips, in whole numbers: with the canonical discs it decides every pixel.

    ink: colour of each body. paper: colour of the background.
    """

    ink: UInt8[np.ndarray, "n M C"]
    paper: UInt8[np.ndarray, "n C"]
