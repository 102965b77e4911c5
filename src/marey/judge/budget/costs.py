"""What each clip costs: its error in every quantity, on the way from the true clip to the model's answer.

All are read by the same tracker, on the same clips, in the same frames. A lost dot costs the most that there is;
nothing is filled in.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64

from marey.judge.exam import Exam
from marey.judge.seen import Seen
from marey.judge.tracker import Tracks
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
    """Of one task. tracker: on true clips. tokenizer: on reconstructed ones. dynamics: on the task's answer, None where
    the task asks for none. rules: what trivial rules and ceilings cost, in the quantities they speak of.
    """

    task: str
    tracker: Errors
    tokenizer: Errors
    dynamics: Errors | None
    rules: dict[str, Errors] = field(default_factory=dict)

    @property
    def model(self) -> Errors:
        """The errors of the answer."""
        return self.tokenizer if self.dynamics is None else self.dynamics


def clip_errors(exam: Exam, seen: Seen, hidden: Bool[np.ndarray, "T"]) -> Errors:
    """Of what was seen in clips that should be the test clips, over the hidden frames."""
    return {
        **rule_errors(exam, seen.tracks, hidden),
        "colour": ink_error(exam, seen.colour, hidden),
        "survival": seen.alive[:, hidden].mean(axis=1),
    }


def rule_errors(exam: Exam, rule: Tracks, hidden: Bool[np.ndarray, "T"]) -> Errors:
    """Of tracks. Rules that speak of no radius have none, and no error of it."""
    out = motion_errors(exam, rule.track, hidden)
    if np.isfinite(rule.radius).any():
        truth = exam.test.apparent_radius
        out["radius"] = radius_error(rule.radius, truth, exam.size)[:, hidden].mean(axis=1)
    return out


def motion_errors(exam: Exam, track: Float64[np.ndarray, "N T 2"], hidden: Bool[np.ndarray, "T"]) -> Errors:
    """Position in the hidden frames; velocity and acceleration wherever a hidden frame takes part, so that a jump
    between what is shown and what is not counts too.
    """
    truth, out = exam.test.track, {}
    for order, name in enumerate(MOTION[: len(hidden)]):
        takes_part = np.lib.stride_tricks.sliding_window_view(hidden, order + 1).any(axis=1)
        out[name] = motion_error(track, truth, exam.size, order)[:, takes_part].mean(axis=1)
    return out


def ink_error(
    exam: Exam, colour: Float64[np.ndarray, "N T C"], hidden: Bool[np.ndarray, "T"]
) -> Float64[np.ndarray, "N"]:
    """Of the dot's colour, against that of the true clip where the dot truly is, grey levels."""
    return colour_error(colour, colour_near(exam.clips, exam.test.track))[:, hidden].mean(axis=1)
