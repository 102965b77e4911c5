"""Configs go to JSON and back unchanged; what does not belong is refused by name."""

from dataclasses import dataclass, field, replace

import pytest

from marey.core.config import LATER, differences, fingerprint, from_json, strict, to_json
from marey.core.errors import UserError


@strict
@dataclass(frozen=True)
class Coarse:
    levels: tuple[int, ...]


@strict
@dataclass(frozen=True)
class Fine:
    size: int


@strict
@dataclass(frozen=True)
class Whole:
    quantizer: Coarse | Fine
    rate: float = 0.5
    name: str | None = None

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError("rate is negative; give 0 or more")


@pytest.mark.parametrize("config", [Whole(Coarse((8, 5))), Whole(Fine(512), 0.25, "é"), Whole(Coarse(()))])
def test_round_trip_keeps_everything_and_the_type_that_was_chosen(config: Whole) -> None:
    assert from_json(Whole, to_json(config), "config.json") == config


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"quantizer": {"size": 4}, "rat": 1.0}, r"here\.json: field rat: .*\(got 1\.0\)"),
        ({"quantizer": {"size": 4}, "rate": "fast"}, r"here\.json: field rate: .*number.*got 'fast'"),
        ({}, r"here\.json: field quantizer: Field required"),
        ({"quantizer": {"size": 4}, "rate": -1}, r"here\.json: .*rate is negative; give 0 or more"),
        (3, r"here\.json: field Whole: .*got 3"),
    ],
)
def test_the_first_wrong_field_is_named(data: object, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        from_json(Whole, data, "here.json")
    assert "\n" not in str(caught.value)


def test_differences_name_paths_in_order() -> None:
    ours, theirs = to_json(Whole(Fine(4))), to_json(Whole(Fine(8), 0.75))
    assert differences(ours, theirs) == ["quantizer.size: 4 != 8", "rate: 0.5 != 0.75"]
    assert differences(ours, ours) == []
    assert differences({"a": 1}, {}) == ["a: 1 != None"]


def test_fingerprint_follows_every_field() -> None:
    base = Whole(Fine(4))
    variants = [base, replace(base, rate=0.25), replace(base, name="x"), replace(base, quantizer=Fine(5))]
    assert len({fingerprint(config) for config in variants}) == len(variants)
    assert fingerprint(base) == fingerprint(Whole(Fine(4)))


def test_a_later_field_leaves_older_runs_what_they_were() -> None:
    @strict
    @dataclass(frozen=True)
    class Grown(Fine):
        speed: float = field(default=1.0, metadata=LATER)

    @strict
    @dataclass(frozen=True)
    class Holder:
        parts: tuple[Grown, ...]

    assert to_json(Holder((Grown(4),))) == {"parts": [{"size": 4}]}
    assert fingerprint(Grown(4)) == fingerprint(Fine(4))
    assert to_json(Holder((Grown(4, 2.0),))) == {"parts": [{"size": 4, "speed": 2.0}]}
    assert fingerprint(Grown(4, 2.0)) != fingerprint(Fine(4))
    for speed in (1.0, 2.0):
        assert from_json(Holder, to_json(Holder((Grown(4, speed),))), "config.json") == Holder((Grown(4, speed),))
