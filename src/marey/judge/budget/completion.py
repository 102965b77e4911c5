"""What completing clips costs, and what it costs the trivial rules and the ceiling on the same frames."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int64

from marey.judge.baselines import Guesses
from marey.judge.budget.costs import Costs, clip_errors, ink_error, motion_errors, size_error
from marey.judge.ceiling import continued
from marey.judge.exam import Exam
from marey.judge.seen import Seen
from marey.judge.tracker import Tracks

_SIZED = {"copy_last", "fitted_law"}  # the rules that speak of the radius


def rule_tracks(exam: Exam, given: Bool[np.ndarray, "T"], guesses: Guesses) -> dict[str, Tracks]:
    """What the trivial rules and the ceiling say, as whole clips, with what the tracker read of the given frames.

    The radius is NaN where a rule speaks of none. Where the tracker's noise is not known there is no ceiling.
    """
    radius, out = np.full(exam.tracks.radius.shape, np.nan), {}
    for name, guess in guesses.tracks.items():
        track = exam.tracks.track.copy()
        track[:, ~given] = guess
        out[name] = Tracks(track, radius, np.isfinite(track[..., 0]))
    out["copy_last"] = replace(out["copy_last"], radius=exam.tracks.radius[:, _still(given)])
    if exam.noise is not None:
        law = continued(exam, exam.tracks, given, exam.noise)
        out["fitted_law"] = replace(law, track=np.where(given[:, None], exam.tracks.track, law.track))
    return out


def completion_costs(
    task: str, exam: Exam, seen: Seen, given: Bool[np.ndarray, "T"], rules: dict[str, Tracks]
) -> Costs:
    """Over the frames that are not given. copy_last is a clip, whose dot has a colour and can survive; all other rules
    are tracks.
    """
    hidden, still = ~given, _still(given)
    tracker, dynamics = (clip_errors(exam, each, hidden) for each in (exam.true, seen))
    tokenizer = None if exam.decoded is None else clip_errors(exam, exam.decoded, hidden)
    costs = {name: motion_errors(exam, rule.track, hidden) for name, rule in rules.items()}
    for name in rules.keys() & _SIZED:
        costs[name] |= {"radius": size_error(exam, rules[name].radius, hidden)}
    costs["copy_last"] |= {
        "colour": ink_error(exam, exam.true.colour[:, still], hidden),
        "survival": exam.seen(exam.clips[:, still]).alive[:, hidden].mean(axis=1),
    }
    return Costs(task, tracker, tokenizer, dynamics, costs)


def _still(given: Bool[np.ndarray, "T"]) -> Int64[np.ndarray, "T"]:
    """For each frame the one that copy_last shows there: itself if it is given, else the last given one before it."""
    return np.maximum.accumulate(np.where(given, np.arange(len(given)), 0))
