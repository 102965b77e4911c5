"""What a guest encoder makes of clips: one vector each."""

import numpy as np
from jaxtyping import Float64, UInt8

from marey.data.clips import as_video
from marey.encoders.guest import Guest

_TAP = "logits"  # where FVD reads I3D; a guest without it is read at its main tap
_BATCH = 8


def features(guest: Guest, clips: UInt8[np.ndarray, "N T H W C"]) -> Float64[np.ndarray, "N D"]:
    """The guest's features of each clip, mean over time."""
    tap = _TAP if _TAP in guest.taps else guest.taps[0]
    parts = [
        guest.features(as_video(clips[i : i + _BATCH]), (tap,))[tap].mean(dim=1).cpu().numpy()
        for i in range(0, len(clips), _BATCH)
    ]
    return np.concatenate(parts).astype(np.float64)
