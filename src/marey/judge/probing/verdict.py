"""Whether a guest helps, in words, by a rule that was fixed before the numbers were seen."""

from dataclasses import dataclass

from marey.judge.probing.result import Check, Comparison, Verdict
from marey.judge.probing.statistics import (
    ALPHA,
    DRAWS,
    POWER,
    Difference,
    Draws,
    Gains,
    chance_interval,
    clips_needed,
    holm,
)

MARGIN = 0.02  # a gain below this does not matter: two clips of a hundred, or a fiftieth of the variance
_EASY = 0.98  # where a control scores this, the task is too easy to tell anything

RULE = (
    "Compared are scores of the linear probe at the main tap, after learning from all clips of the pool, on the same "
    f"test clips. The difference has a 95 % interval and a two-sided p value from {DRAWS:,} paired two-way bootstrap "
    "draws (clips, and fits or networks); p values of all comparisons of a bench are corrected together (Holm). "
    f"HELPS: p < {ALPHA} and the difference is above zero. DOES WORSE: p < {ALPHA} and it is below zero. DOES NOT "
    f"HELP: neither, and the interval ends below {MARGIN}, so that any gain is too small to matter. TOO FEW CLIPS TO "
    f"TELL: none of these; then it is said how many test clips would settle it with a power of {POWER:.0%} if the true "
    "difference were the measured one."
)


@dataclass(frozen=True)
class Pair:
    """What is compared: a guest and another on one task, by their gains on the same test clips."""

    guest: str
    against: str
    task: str
    unit: str
    ours: Gains
    theirs: Gains


def compare(pairs: list[Pair], draws: Draws) -> list[Comparison]:
    """The verdict on each pair; the more pairs, the more each must show."""
    found = [draws.difference(pair.ours, pair.theirs) for pair in pairs]
    corrected = holm([difference.p for difference in found])
    return [_comparison(*each, tests=len(pairs)) for each in zip(pairs, found, corrected, strict=True)]


def verdict_on(difference: Difference, p: float) -> Verdict:
    """The rule. p: corrected."""
    if p < ALPHA:
        return "helps" if difference.value > 0 else "does worse"
    return "does not help" if difference.interval.high < MARGIN else "too few clips to tell"


def _comparison(pair: Pair, difference: Difference, p: float, tests: int) -> Comparison:
    verdict = verdict_on(difference, p)
    needed = clips_needed(difference, MARGIN, tests) if verdict == "too few clips to tell" else None
    low, high = difference.interval.low, difference.interval.high
    return Comparison(
        guest=pair.guest,
        against=pair.against,
        task=pair.task,
        unit=pair.unit,
        ours=pair.ours.score,
        theirs=pair.theirs.score,
        difference=difference.value,
        low=low,
        high=high,
        p=p,
        n=difference.n,
        verdict=verdict,
        clips_needed=needed,
        words=_words(pair, difference, p, verdict, needed),
    )


def _words(pair: Pair, difference: Difference, p: float, verdict: Verdict, needed: int | None) -> str:
    low, high, ours, theirs = difference.interval.low, difference.interval.high, pair.ours.score, pair.theirs.score
    numbers = (
        f"{ours:.3f} against {theirs:.3f} ({difference.value:+.3f}, 95 % {low:+.3f} to {high:+.3f}, "
        f"corrected p = {p:.2g}, n = {difference.n})"
    )
    guest, task, against = pair.guest, pair.task, pair.against
    said = {
        "helps": f"{guest} helps on {task} over {against}: {numbers}.",
        "does worse": f"{guest} does worse on {task} than {against}: {numbers}.",
        "does not help": f"{guest} does not help on {task} over {against}: {numbers}.",
        "too few clips to tell": f"Too few clips to tell whether {guest} helps on {task} over {against}: {numbers}; "
        f"about {needed or 0:,} test clips would tell.",
    }[verdict]
    easy = min(ours, theirs) >= _EASY
    return said + (" Both are near the top: the task is too easy to tell encoders apart." if easy else "")


def noise_check(noise: Gains, chance: float, draws: Draws) -> Check:
    """Noise that ignores the input must read at chance; where it does not, nothing the bench says may be believed."""
    interval = draws.interval(noise)
    passed = interval.low <= chance <= interval.high
    guess = chance_interval(draws.n, chance)
    words = (
        f"Noise that ignores the input scores {noise.score:.3f} (95 % {interval.low:.3f} to {interval.high:.3f}, n = "
        f"{draws.n}); chance is {chance:.3f}, and a rule that guesses lies within {guess.low:.3f} to {guess.high:.3f}: "
    )
    doubt = "outside, which happens to one sound bench in twenty; if another seed does it too, believe nothing here."
    return Check("noise at chance", passed, words + ("as it must be." if passed else doubt))


def ceiling_check(score: float, n: int, least: float = 0.99) -> Check:
    """The true track must tell the law; where it does not, the probe is too weak or the clips too few."""
    passed = score >= least
    words = f"The true track tells the law of {score:.1%} of {n} test clips; {least:.0%} are asked: "
    return Check("true track is the ceiling", passed, words + ("reached." if passed else "MISSED."))
