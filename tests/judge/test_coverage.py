"""Parameters held against the data's: the same law of chance passes, another is found, a missing one is said."""

import numpy as np

from marey.judge.coverage import Motions, Three, coverage_figures, two_sample
from marey.judge.law.fit import PARAMETERS, LawFit
from marey.metrics.figure import Figure

COUNT = 160


def motions(seed: int, shift: float = 0.0, scale: float = 1.0, follow: float = 1.0) -> Motions:
    """Clips of the four laws in turn; of each a share that follows it, with parameters drawn from a Gaussian."""
    generator = np.random.default_rng(seed)
    law = np.arange(COUNT) % 4
    parameters = np.full((COUNT, 4, 3), np.nan)
    for k, names in enumerate(PARAMETERS):
        parameters[:, k, : len(names)] = shift + scale * generator.normal(size=(COUNT, len(names)))
    said = np.where(generator.random(COUNT) < follow, law, -1)
    return Motions(LawFit(said, np.zeros((COUNT, 4)), np.zeros((COUNT, 4)), parameters), law)


def figures(ours: Motions) -> dict[str, Figure]:
    found = coverage_figures(Three(ours, motions(0), motions(1)), seed=0)
    return {figure.name.removeprefix("generate."): figure for figure in found}


def test_motions_like_the_data_reach_the_floor() -> None:
    found = figures(motions(2))
    for figure in found.values():
        assert figure.low <= figure.floor <= figure.high and figure.n == COUNT, figure
    assert found["frechet_parameters"].value < found["frechet_parameters"].baselines["one_motion"] / 4


def test_too_narrow_motions_are_precise_and_cover_little() -> None:
    narrow, wide = figures(motions(2, scale=0.1)), figures(motions(2, scale=4))
    assert narrow["precision"].value >= narrow["precision"].floor and narrow["recall"].value < 0.3
    assert wide["precision"].value < 0.6 and wide["recall"].value > 0.8
    for found in (narrow, wide):
        assert found["frechet_parameters"].low > found["frechet_parameters"].floor


def test_clips_that_follow_no_law_are_misses_and_a_law_without_clips_is_said() -> None:
    half = figures(motions(2, follow=0.5))
    assert half["precision"].value < 0.6 and half["frechet_parameters"].value is not None
    none = figures(motions(2, follow=0.05))
    assert none["precision"].value < 0.1 and none["frechet_parameters"].value is None
    assert "clips follow the law" in none["frechet_parameters"].why and "8 are needed" in none["frechet_parameters"].why


def test_each_parameter_is_tested_against_the_data() -> None:
    data, real = motions(0), motions(1)
    same, other = (two_sample(Three(ours, data, real), seed=0) for ours in (motions(2), motions(2, shift=2)))
    names = [(law, name) for law, some in zip(("linear", "circular", "helical", "parabolic"), PARAMETERS, strict=True)
             for name in some]  # fmt: skip
    assert [(row["law"], row["parameter"]) for row in same] == names
    assert all(row["p"] > 0.05 and row["n"] == 40 == row["data"] for row in same)
    assert all(row["p"] < 0.01 and row["value"] > row["floor"] for row in other)
    few = two_sample(Three(motions(2, follow=0.05), data, real), seed=0)
    assert all(row["value"] is row["p"] is None and row["n"] < 8 for row in few)
