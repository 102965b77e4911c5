"""What each clip costs: its error in every quantity, on the way from the true clip to the model's answer.

All are read by the same tracker, on the same clips, in the same frames. A lost dot costs the most that there is;
nothing is filled in.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64

from marey.judge.exam import Exam
from marey.judge.seen import Seen
from marey.metrics.pixels import colour_error, colour_near
from marey.metrics.tracks import motion_error, radius_error

Errors = dict[str, Float64[np.ndarray, "N"]]  # one number per clip, by quantity

MOTION = ("position", "velocity", "acceleration")
UNITS = {
    "position": "px",
    "velocity": "px/frame",
    "acceleration": "px/frame2",
    "radius": "px",
    "colour": "grey levels",
    "survival": "share",  # the only one that is better when it is larger
}


@dataclass(frozen=True)
class Costs:
    """Of one task. tracker: on true clips. tokenizer: on reconstructed ones, None where there is none to ask. dynamics:
    on the task's answer, None where it is the reconstruction. rules: what trivial rules and ceilings cost, in the
    quantities they speak of.
    """

    task: str
    tracker: Errors
    tokenizer: Errors | None
    dynamics: Errors | None
    rules: dict[str, Errors] = field(default_factory=dict)

    @property
    def model(self) -> Errors:
        """The errors of the answer."""
        answer = self.tokenizer if self.dynamics is None else self.dynamics
        assert answer is not None
        return answer


def clip_errors(exam: Exam, seen: Seen, hidden: Bool[np.ndarray, "T"]) -> Errors:
    """Of what was seen in clips that should be the test clips, over the hidden frames."""
    return {
        **motion_errors(exam, seen.tracks.track, hidden),
        "radius": size_error(exam, seen.tracks.radius, hidden),
        "colour": ink_error(exam, seen.colour, hidden),
        "survival": seen.alive[:, hidden].mean(axis=1),
    }


def motion_errors(exam: Exam, track: Float64[np.ndarray, "N T 2"], hidden: Bool[np.ndarray, "T"]) -> Errors:
    """Position in the hidden frames; velocity and acceleration wherever a hidden frame takes part, so that a jump
    between what is shown and what is not counts too.
    """
    truth, out = exam.test.track, {}
    for order, name in enumerate(MOTION[: len(hidden)]):
        takes_part = np.lib.stride_tricks.sliding_window_view(hidden, order + 1).any(axis=1)
        out[name] = motion_error(track, truth, exam.size, order)[:, takes_part].mean(axis=1)
    return out


def size_error(
    exam: Exam, radius: Float64[np.ndarray, "N T"], hidden: Bool[np.ndarray, "T"]
) -> Float64[np.ndarray, "N"]:
    """Of the apparent radius, pixels."""
    return radius_error(radius, exam.test.apparent_radius, exam.size)[:, hidden].mean(axis=1)


def ink_error(
    exam: Exam, colour: Float64[np.ndarray, "N T C"], hidden: Bool[np.ndarray, "T"]
) -> Float64[np.ndarray, "N"]:
    """Of the dot's colour, against that of the true clip where the dot truly is, grey levels."""
    return colour_error(colour, colour_near(exam.clips, exam.test.track))[:, hidden].mean(axis=1)
