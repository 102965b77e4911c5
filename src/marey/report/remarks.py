"""What a reader should not miss, in sentences: where the error comes from, what was missed, what is confused."""

from marey.judge.budget.record import Row
from marey.report.budget import shares
from marey.report.files import Details, Figure
from marey.report.words import CEILINGS, GROUPS, number, plain, title_of, unit_of

_STAGES = {"tracker": "the ruler", "tokenizer": "the tokenizer", "dynamics": "the dynamics"}
_CERTAIN = 0.05
_RAREST = 0.02  # of a row of the confusions: below it nothing is worth a sentence


def remarks(figures: list[Figure], details: Details) -> list[str]:
    """One sentence each; none where there is nothing to say."""
    rows = details.budget.rows if details.budget else []
    slips = [_confused(details, task) for task in ("classify", "generate")]
    said = [_missed(figures), _origin(rows), _beaten(rows), *slips]
    return [sentence for sentence in said if sentence]


def _missed(figures: list[Figure]) -> str:
    """How many of the levels asked for were reached, and which were not."""
    asked = [figure for figure in figures if figure.level is not None]
    missed = [figure for figure in asked if not figure.reached]
    if not asked:
        return ""
    if not missed:
        return f"It reached all {len(asked)} levels that were asked of it."
    named = ", ".join(f"{_name(figure)} ({_against(figure)})" for figure in missed)
    return f"It reached {len(asked) - len(missed)} of the {len(asked)} levels asked of it, and missed {named}."


def _name(figure: Figure) -> str:
    group = figure.name.split(".")[0]
    return f"{title_of(figure.name).title.lower()} of {GROUPS.get(group, plain(group)).lower()}"


def _against(figure: Figure) -> str:
    if figure.value is None:
        return "not measured"
    reached, asked = (number(each, figure.unit) for each in (figure.value, figure.level))
    return f"{reached} for {asked} {unit_of(figure.unit)}".rstrip()


def _origin(rows: list[Row]) -> str:
    """Whose the error of prediction is."""
    parts = shares(rows, "predict")
    if not parts:
        return ""
    told = [f"{100 * share:.{0 if share >= 0.01 else 1}f}\u00a0% to {_STAGES[stage]}" for stage, share in parts]
    return f"The distance by which its predictions miss is owed {', '.join(told[:-1])} and {told[-1]}."


def _beaten(rows: list[Row]) -> str:
    """Laws of motion that a trivial rule predicts better, beyond doubt."""
    told = []
    for row in rows:
        if (row.task, row.quantity, row.group) == ("predict", "position", "law"):
            rules = {name: each.value for name, each in row.baselines.items() if name not in CEILINGS}
            best = min(rules, key=lambda name: rules[name], default="")
            if best and row.paired[best].low > 0 and row.paired[best].p < _CERTAIN:
                ours, theirs = number(row.model.value), number(rules[best])
                told.append(f"{row.value} motion ({plain(best)} {theirs} px, the model {ours} px)")
    return f"A trivial rule predicts better: {' and '.join(told)}." if told else ""


def _confused(details: Details, task: str) -> str:
    """The commonest mistake of a confusion matrix."""
    names = [*details.laws, "none"]
    wrong = [
        (count / sum(row), count, sum(row), names[i], names[j])
        for i, row in enumerate(details.confusion.get(task, []))
        for j, count in enumerate(row)
        if i != j and count
    ]
    share, count, total, true, said = max(wrong, default=(0.0, 0, 0, "", ""))
    if share < _RAREST:
        return ""
    law = "what follows no law" if said == "none" else f"{said} motion"
    if task == "generate":
        return f"Its commonest slip: asked for {true} motion it draws {law}, {count} times in {total}."
    return f"Its commonest confusion: it takes {true} motion for {said}, {count} times in {total}."
