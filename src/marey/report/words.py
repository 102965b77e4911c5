"""Numbers and names as a reader wants them, and the story of a run in one sentence."""

from dataclasses import dataclass

from marey.report.files import Figure

_SHARES = ("share", "fraction", "accuracy")


@dataclass(frozen=True)
class Title:
    """What a figure is called on the page, what it means, and which way is better."""

    title: str
    meaning: str
    better: str = ""


_HIGH, _LOW = "higher is better", "lower is better"
_SURVIVAL = "share of frames whose dot keeps half its contrast within 1 px of the truth"
_ALIVE = "share of frames drawn in which a dot of the right size keeps half its contrast, wherever it is"
_VELOCITY = "error of the dot's velocity, as a multiple of what the tracker errs on the true clips"
TITLES = {
    "reconstruction.survival": Title("Survival", _SURVIVAL, _HIGH),
    "reconstruction.track_error": Title("Track error", "distance between the tracked dot and the true one", _LOW),
    "reconstruction.velocity_times_floor": Title("Velocity", _VELOCITY, _LOW),
    "reconstruction.psnr": Title("PSNR", "stands beside the blank page's, which is high when the dot is small", _HIGH),
    "reconstruction.law_right": Title(
        "Law right", "share of reconstructed clips on which their own law fits best", _HIGH
    ),
    "reconstruction.codebook_use": Title(
        "Codebook use",
        "share of the codes, or of each digit's levels if there are many, that the test clips use",
        _HIGH,
    ),
    "classify.accuracy": Title("Accuracy", "share of test clips whose law the model names", _HIGH),
    "classify.calibration_error": Title(
        "Calibration error", "mean distance between how sure the model says it is and how often it is right", _LOW
    ),
    "predict.ade": Title("ADE", "mean distance to the true track over the hidden frames", _LOW),
    "predict.fde": Title("FDE", "distance to the true track in the last hidden frame", _LOW),
    "predict.velocity_times_floor": Title("Velocity", _VELOCITY, _LOW),
    "predict.survival": Title("Survival", _ALIVE, _HIGH),
    "interpolate.ade": Title("ADE", "mean distance to the true track over the hidden frames", _LOW),
    "interpolate.fde": Title("FDE", "distance to the true track in the last hidden frame", _LOW),
    "interpolate.velocity_times_floor": Title("Velocity", _VELOCITY, _LOW),
    "interpolate.survival": Title("Survival", _ALIVE, _HIGH),
    "generate.law_right": Title("Law right", "share of generated clips on which the asked law fits best", _HIGH),
    "generate.survival": Title("Survival", _ALIVE, _HIGH),
    "generate.copies": Title("Copies", "clips that repeat a clip of the training set, or lose their dot", _LOW),
    "generate.duplicates": Title("Duplicates", "clips that repeat another generated clip, or lose their dot", _LOW),
    "generate.spread": Title("Spread", "how far the parameters' distributions are from the data's, mean of all", _LOW),
    "generate.precision": Title("Precision", "clips that follow their law with parameters like the data's", _HIGH),
    "generate.recall": Title("Recall", "test clips whose parameters are like those of generated clips", _HIGH),
    "generate.frechet_parameters": Title("Fréchet distance, parameters", "between fitted and data's, each law", _LOW),
    "generate.residual": Title("Residual", "rms distance of the dot from the asked law as it fits best", _LOW),
    "generate.frechet_features": Title("Fréchet distance, features", "of an encoder; with I3D this is the FVD", _LOW),
    "ruler.interval_coverage": Title(
        "Interval coverage", "share of the true clips' parameters that lie within the law fit's 95 % intervals"
    ),
    "gate.one_frame": Title("One frame", "the law, told from a single frame"),
    "gate.net_displacement": Title("Net displacement", "the law, told from how far the dot ends from its start"),
    "gate.path_length": Title("Path length", "the law, told from how far the dot travels"),
    "gate.first_last": Title("First and last", "the law, told from the first and the last position"),
    "gate.both_lengths": Title("Both lengths", "the law, told from net displacement and path length together"),
}
_PAINTED = {"outpaint_central": "Outpainting, central", "outpaint_vertical": "Outpainting, vertical",
            "outpaint_horizontal": "Outpainting, horizontal", "outpaint_dynamic": "Outpainting, moving",
            "inpaint_central": "Inpainting, central", "inpaint_dynamic": "Inpainting, moving"}  # fmt: skip
for _task in _PAINTED:
    TITLES[f"{_task}.ade"] = Title("ADE", "mean distance to the true track over frames whose dot is hidden", _LOW)
    TITLES[f"{_task}.survival"] = Title("Survival", f"{_ALIVE}; of frames whose dot is hidden", _HIGH)
GROUPS = {"reconstruction": "Reconstruction", "classify": "Classification", "predict": "Prediction",
          "interpolate": "Interpolation", **_PAINTED, "generate": "Generation", "ruler": "Ruler",
          "within": "Within", "beyond": "Beyond"}  # fmt: skip


CAPTIONS = {
    "reconstruct": ("Reconstruction", "The tokenizer alone: clip to tokens and back. No dynamics involved."),
    "predict": ("Prediction", "Shown the first frames, the model draws those that follow."),
    "interpolate": ("Interpolation", "Shown the first and the last frames, the model draws the middle."),
    "generate": ("Generation", "Shown nothing but the name of a law, the model draws a whole clip."),
}


BROKEN = {  # with soft hyphens, where a word must fit under a small picture
    "truth": "truth",
    "reconstruct": "recon\u00adstruc\u00adtion",
    "predict": "predic\u00adtion",
    "interpolate": "interpo\u00adlation",
    "generate": "gener\u00adation",
}
HEADLINE = ("classify.accuracy", "predict.ade", "interpolate.ade", "generate.law_right")


def title_of(name: str) -> Title:
    """The title of a figure; one that this page does not know keeps its own name."""
    return TITLES.get(name) or Title(plain(name.split(".", 1)[-1]).capitalize(), "")


def plain(name: str) -> str:
    """`constant_velocity` as "constant velocity"."""
    return name.replace("_", " ")


_UNITS = {  # the longer ending first
    "_m_s2": "m/s²", "_m_s": "m/s", "_m_rad": "m/rad", "_rad_s": "rad/s", "_1_s": "1/s",
    "_rad": "rad", "_m": "m", "_s": "s", "_hz": "Hz",
}  # fmt: skip


def parameter(name: str) -> tuple[str, str]:
    """`speed_m_s` as ("speed", "m/s"); the unit is empty when the name ends in none that is known."""
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return plain(name.removesuffix(ending)), unit
    return plain(name), ""


def number(value: float | None, unit: str | None = None) -> str:
    """Three significant digits; shares in per cent. None is a dash."""
    if value is None:
        return "–"
    if is_share(unit):
        return f"{100 * value:.1f}"
    if abs(value) >= 1000 or (value == int(value) and abs(value) >= 100):
        return f"{value:,.0f}".replace(",", "\u202f")
    text = f"{value:.3g}" if abs(value) < 1e-3 else f"{value:.{max(0, 2 - _exponent(value))}f}"
    return "0" if value == 0 else text.replace("-", "\u2212")


def count(value: int) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,}".replace(",", "\u202f")


def unit_of(unit: str | None) -> str:
    """The unit as printed beside `number`."""
    return "%" if is_share(unit) else (unit or "")


def is_share(unit: str | None) -> bool:
    """Whether a figure is a part of a whole, in [0, 1]."""
    return unit in _SHARES


def story(figures: list[Figure]) -> str:
    """The run's main figures in one sentence; what was not measured is left out, and said elsewhere on the page."""
    known = {figure.name: figure for figure in figures if figure.value is not None}
    clauses = [
        ("classify.accuracy", "names the law of {v} of the test clips{b}"),
        ("predict.ade", "predicts hidden frames with a mean error of {v}{b}"),
        ("interpolate.ade", "fills in missing ones with {v}{b}"),
        ("generate.law_right", "draws the law it is asked for in {v} of the clips it generates{b}"),
    ]
    told = [(known[name], text) for name, text in clauses if name in known]
    parts = [text.format(v=_amount(figure, figure.value), b=beside(figure)) for figure, text in told]
    if not parts:
        return "None of the main figures of this run could be measured; the reasons stand below."
    said = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return f"From pixels alone, one model {said}."


# Beside the trivial rules a figure may carry what no model is expected to pass: not to be called a baseline.
CEILINGS = {"probe_on_true_tracks", "law_fit", "fitted_law", "true_clips", "reconstructed_clips"}


def beside(figure: Figure) -> str:
    """The best trivial baseline, in brackets."""
    rule = best_rule(figure)
    return f" ({rule})" if rule else ""


def best_rule(figure: Figure) -> str:
    """The best trivial baseline: what it is called and what it reaches; empty where there is none."""
    known = {name: value for name, value in figure.baselines.items() if value is not None and name not in CEILINGS}
    if not known:
        return ""
    best = (min if title_of(figure.name).better == _LOW else max)(known, key=lambda name: known[name])
    return f"{plain(best)}: {_amount(figure, known[best])}"


def _amount(figure: Figure, value: float | None) -> str:
    return f"{number(value, figure.unit)}\u00a0{unit_of(figure.unit)}".strip()


def _exponent(value: float) -> int:
    return int(f"{abs(value):e}".split("e")[1])
