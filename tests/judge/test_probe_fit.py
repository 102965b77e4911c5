"""Probes find what is in the features, nothing that is not, and never see a test label."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from marey.core.errors import UserError
from marey.judge.probing import attentive
from marey.judge.probing.attentive import TOKEN
from marey.judge.probing.fit import NEIGHBOURS, RIDGES, Lesson, linear, neighbours, ridge
from marey.judge.probing.gains import PROBES, Seen, Table, gains, parse_probes, splits, table
from marey.judge.probing.set import ProbeClips, ProbeSet
from marey.judge.probing.space import fit_space
from marey.judge.probing.tasks import TASKS, Task, parse_tasks, standard, task_on
from marey.judge.probing.truth import Truth

N, FRAMES = 160, 6
GENERATOR = np.random.default_rng(0)
LAW = np.arange(N) % 3
TRACK = GENERATOR.uniform(size=(N, 1, 2)) + 0.05 * LAW[:, None, None] * np.arange(FRAMES)[:, None]


@pytest.fixture(scope="module")
def clips() -> ProbeSet:
    """A set whose clips nobody looks at: what is true of them is enough."""
    parameters = np.where(np.arange(N)[:, None] % 3 == np.arange(2), TRACK[:, 0], np.nan)
    truth = Truth(("a", "b", "c"), LAW, TRACK, TRACK[..., 0], None, parameters, ("a.x", "b.x"))
    rows = np.arange(N)
    return ProbeSet("toy", ProbeClips("toy", N, lambda a, b: iter(())), truth, rows[:100], rows[100:], FRAMES, (8, 8))


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    """The track hidden in a random basis, with noise: N, FRAMES, 12."""
    basis = GENERATOR.standard_normal((2, 12))
    return (TRACK @ basis + 0.01 * GENERATOR.standard_normal((N, FRAMES, 12))).astype(np.float32)


@pytest.mark.parametrize(
    ("task", "probe"), [("law", "linear"), ("position", "linear"), ("position", "knn"), ("law", "attentive")]
)
def test_what_is_in_the_features_is_found(task: str, probe: str, clips: ProbeSet, features: np.ndarray) -> None:
    asked = table(Seen(features, clips.pool, 32), task_on(task, clips), clips, probe)
    found = gains(asked, probe, 1)
    least = {"linear": 0.97, "knn": 0.5, "attentive": 0.6}[probe] if task == "position" else 0.6
    assert found.score > least
    noise = GENERATOR.standard_normal(features.shape).astype(np.float32)
    assert gains(table(Seen(noise, clips.pool, 32), task_on(task, clips), clips, probe), probe, 1).score < least - 0.05


@pytest.mark.parametrize("probe", PROBES)
def test_no_probe_sees_a_test_label(
    probe: str, clips: ProbeSet, features: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other labels of the test clips change the hits and not what is said: hits of both add up by clip."""
    monkeypatch.setattr(attentive, "_STEPS", 20)
    task = task_on("law", clips)
    asked = table(Seen(features, clips.pool, 16), task, clips, probe)
    said = []
    for label in (0.0, 1.0, 2.0):
        values = asked.values.copy()
        values[clips.test] = label
        said.append(gains(replace(asked, values=values), probe, 1).gained[0])
    assert np.sum(said, axis=0).tolist() == [1.0] * len(clips.test)


def test_only_the_labels_that_are_allowed_are_used(clips: ProbeSet, features: np.ndarray) -> None:
    asked = table(Seen(features, clips.pool, 16), task_on("position", clips), clips, "linear")
    train, validation = splits(clips.pool, 1, 20)
    assert len(train) == 16 and len(validation) == 4 and not set(train) & set(validation)
    assert set(train) | set(validation) <= set(clips.pool) and set(splits(clips.pool, 2, 20)[0]) != set(train)
    values = asked.values.copy()
    unused = sorted(set(clips.pool) - set(train) - set(validation) - set(np.concatenate(splits(clips.pool, 0, 20))))
    values[unused] = 99
    before, after = (gains(replace(asked, values=each), "linear", 2, 20).gained for each in (asked.values, values))
    assert (before == after).all()
    assert gains(asked, "linear", 2).score > gains(asked, "linear", 2, 10).score


def test_a_score_of_numbers_is_the_share_of_variance_explained(clips: ProbeSet, features: np.ndarray) -> None:
    """The plain twin: R2 about the pool's mean, from scikit-learn's own predictions."""
    task = task_on("position", clips)
    asked = table(Seen(features, clips.pool, 32), task, clips, "linear")
    train, validation = splits(clips.pool, 0, 100)
    centre, scale = standard(task.values[clips.pool])
    wanted = (task.values - centre) / scale
    rows = asked.rows[:, 0]
    said = linear(Lesson("number", rows[train], wanted[train], rows[validation], wanted[validation]), rows[clips.test])
    plain = 1 - np.square(said - wanted[clips.test]).sum() / np.square(wanted[clips.test]).sum()
    assert gains(asked, "linear", 1).score == pytest.approx(plain)


@pytest.mark.parametrize("count", [6, 60], ids=["fewer rows than numbers", "more"])
def test_one_decomposition_gives_what_a_fit_of_each_penalty_gives(count: int) -> None:
    """The plain twin: scikit-learn's ridge regression, fitted anew for every penalty."""
    x = GENERATOR.standard_normal((200, 20)).astype(np.float32)
    y = x[:, :2] @ GENERATOR.standard_normal((2, 3)) + 0.5 * GENERATOR.standard_normal((200, 3)) + 4
    lesson = Lesson("number", x[:count], y[:count], x[100:140], y[100:140])
    plain = [Ridge(alpha=penalty).fit(x[:count].astype(np.float64), y[:count]) for penalty in RIDGES]
    losses = [np.square(each.predict(x[100:140]) - y[100:140]).mean() for each in plain]
    assert 0 < np.argmin(losses) < len(RIDGES) - 1
    np.testing.assert_allclose(ridge(lesson, x[140:]), plain[int(np.argmin(losses))].predict(x[140:]), rtol=1e-6)


@pytest.mark.parametrize("kind", ["class", "number"])
def test_neighbours_are_looked_up_once_and_agree_as_each_count_alone_would(kind: str) -> None:
    x = GENERATOR.standard_normal((200, 3)).astype(np.float32)
    y = (2 * x[:, :1] + GENERATOR.standard_normal((200, 1))).round().astype(np.float64)
    y = y - y.min()
    lesson = Lesson(kind, x[:60], y[:60], x[60:120], y[60:120])
    wanted = y[:60, 0] if kind == "class" else y[:60]
    plain = [
        (KNeighborsClassifier if kind == "class" else KNeighborsRegressor)(k).fit(x[:60], wanted) for k in NEIGHBOURS
    ]
    said = [each.predict(x[60:120]).reshape(60, 1) for each in plain]
    wrong = [(each != y[60:120]).mean() if kind == "class" else np.square(each - y[60:120]).mean() for each in said]
    assert np.argmin(wrong) > 0
    np.testing.assert_allclose(neighbours(lesson, x[120:])[:, 0], plain[int(np.argmin(wrong))].predict(x[120:]).ravel())


def test_what_is_known_of_some_clips_alone_is_asked_of_those(clips: ProbeSet, features: np.ndarray) -> None:
    task = task_on("parameters", clips)
    asked = table(Seen(features, clips.pool, 32), task, clips, "linear")
    found = gains(asked, "linear", 2)
    assert found.score > 0.9
    unknown = ~np.isfinite(task.values[clips.test]).any(axis=1)
    assert unknown.any() and (found.gained[:, unknown] == 0).all() and (found.weight[unknown] == 0).all()


def test_the_time_index_is_asked_of_each_step(clips: ProbeSet, features: np.ndarray) -> None:
    task = task_on("time-index", clips)
    clock = features + np.arange(FRAMES, dtype=np.float32)[:, None]
    assert gains(table(Seen(clock, clips.pool, 32), task, clips, "linear"), "linear", 2).score > 0.8
    still = np.repeat(features[:, :1], FRAMES, axis=1)
    assert abs(gains(table(Seen(still, clips.pool, 32), task, clips, "linear"), "linear", 2).score) < 0.1


def test_the_future_is_asked_beside_the_trivial_rules(clips: ProbeSet) -> None:
    task = task_on("future-position", clips)
    assert task.before and clips.prefix == 3 and task.values is not None and task.values.shape == (N, 3 * 2)
    assert task.baselines["constant velocity (true track)"] == pytest.approx(1)
    assert 0 < task.baselines["copy last (true track)"] < 1


def test_what_cannot_be_asked_says_why(clips: ProbeSet) -> None:
    with pytest.raises(UserError, match="the depth is not known"):
        task_on("depth", clips)
    bare = replace(clips, truth=Truth((), None))
    for task in ("law", "position", "radius", "parameters", "future-position"):
        with pytest.raises(UserError, match=r"not known|no labels"):
            task_on(task, bare)
    assert isinstance(task_on("time-index", bare), Task)
    assert parse_tasks(None) == TASKS and parse_tasks("velocity, law") == ("law", "velocity")
    assert parse_probes("knn,linear") == ("linear", "knn")
    with pytest.raises(UserError, match="--tasks ' ,' names none; leave it out for all"):
        parse_tasks(" ,")
    for parse in (parse_tasks, parse_probes):
        with pytest.raises(UserError, match="'dance' is unknown"):
            parse("dance")


# -- one width for all ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [3, 40, 64, 500])
def test_all_features_come_to_one_width(width: int) -> None:
    rows = GENERATOR.standard_normal((200, width)).astype(np.float32)
    rows[:, 0] = 7  # says nothing
    space = fit_space(rows, 64)
    out = space(rows)
    assert out.shape == (200, 64) and np.isfinite(out).all() and out.dtype == np.float32
    assert 0.3 < out.std() < 3
    np.testing.assert_allclose(space(rows[:5]), out[:5], atol=1e-4)
    few = fit_space(rows[:20], 64)(rows)
    assert few.shape[1] == 19


def test_a_lift_keeps_what_it_lifts_and_adds_what_a_line_cannot_see() -> None:
    x = GENERATOR.standard_normal((400, 2)).astype(np.float32)
    x -= x.mean(axis=0)
    y = (x[:, :1] * x[:, 1:]).astype(np.float64)
    lifted = fit_space(x, 64)(x)
    assert np.linalg.matrix_rank(np.column_stack([lifted, x]), tol=1e-3) == np.linalg.matrix_rank(lifted, tol=1e-3)
    scores = []
    for rows in (x, lifted):
        said = linear(Lesson("number", rows[:200], y[:200], rows[200:300], y[200:300]), rows[300:])
        scores.append(1 - np.square(said - y[300:]).sum() / np.square(y[300:]).sum())
    assert scores[0] < 0.1 and scores[1] > 0.8


def test_tokens_have_a_width_of_their_own(clips: ProbeSet, features: np.ndarray) -> None:
    wide = np.repeat(features, 8, axis=2)
    asked = table(Seen(wide, clips.pool, 256), task_on("law", clips), clips, "attentive")
    assert isinstance(asked, Table) and asked.rows.shape == (N, 1, FRAMES * TOKEN) and asked.steps == FRAMES
