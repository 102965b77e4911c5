"""What was read as an equation: with error bars, for sympy, LaTeX and Python.

The text is that of the data sets (`marey.world.equations`), so what was read and what is true stand side by side.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float64

from marey.core.errors import UserError
from marey.judge.law.frames import unit_powers
from marey.world.equations import Clip, right_hand_sides
from marey.world.laws import law_named

_NAMES = {  # symbols of the parameters' names without their units
    "speed": "v",
    "radius": "r",
    "turning": "w",
    "phase": "p",
    "climb": "c",
    "acceleration": "a",
    "vertex": "t0",
    "angle": "q",
    "amplitude": "A",
    "swing": "w",
    "growth": "b",
    "decay": "d",
    "impact": "u",
    "gravity": "g",
    "contact": "t1",
    "restitution": "k",
    "semi_major_axis": "a",
    "eccentricity": "e",
    "before": "v",
    "after": "v2",
    "across": "c",
}
_FORMS = {  # of x, y, z in the law's own frame, see `marey.world.laws`
    "linear": ("v*t", "0", "0"),
    "circular": ("r*cos(w*t)", "r*sin(w*t)", "0"),
    "helical": ("r*cos(w*t)", "r*sin(w*t)", "c*t"),
    "parabolic": ("v*(t - t0)", "a*(t - t0)**2/2", "0"),
    "accelerated": ("v*t + a*cos(q)*t**2/2", "a*sin(q)*t**2/2", "0"),
    "sinusoidal": ("v*t", "A*sin(w*t + p)", "0"),
    "spiral": ("(r + b*w*t)*cos(w*t)", "(r + b*w*t)*sin(w*t)", "0"),
    "lissajous": ("A_x*sin(w_x*t + p_x)", "A_y*sin(w_y*t + p_y)", "A_z*sin(w_z*t + p_z)"),
    "damped": ("v*t", "A*exp(-d*t)*cos(w*t + p)", "0"),
    "bouncing": ("v*t", "Max(0, g*(t - t1 + 2*u/g)*(t1 - t)/2, g*(t - t1)*(t1 + 2*k*u/g - t)/2)", "0"),
    "orbit": ("a*(cos(E(t)) - e)", "a*sqrt(1 - e**2)*sin(E(t))", "0"),
    "collision": ("v*Min(0, t - t1) + v2*Max(0, t - t1)", "c*(t - t1)", "0"),
}


@dataclass(frozen=True)
class Quantity:
    """One parameter as it was read. sigma: its standard error, 0 for what the choice of the axes fixes."""

    name: str
    symbol: str
    value: float
    sigma: float
    unit: str

    def __str__(self) -> str:
        """`r = 1.234 ± 0.005 m`: two digits of the error."""
        if not self.sigma > 0:
            return f"{self.symbol} = {self.value:.6g} {self.unit}".rstrip()
        digits = int(min(max(1 - np.floor(np.log10(self.sigma)), 0), 12))
        return f"{self.symbol} = {self.value:.{digits}f} ± {self.sigma:.{digits}f} {self.unit}".rstrip()


@dataclass(frozen=True)
class Equation:
    """x(t), y(t), z(t) of one clip. law: its name. quantities: the law's parameters in its own frame. sides: the
    right-hand sides in the frame and unit of what was read, in enough digits for the trajectory.
    """

    law: str
    quantities: tuple[Quantity, ...]
    sides: tuple[str, str, str]

    def __str__(self) -> str:
        return "; ".join(f"{axis}(t) = {side}" for axis, side in zip("xyz", self.sides, strict=True))

    @property
    def free(self) -> tuple[Quantity, ...]:
        """The parameters that were measured, not chosen."""
        return tuple(quantity for quantity in self.quantities if quantity.sigma > 0)

    def expressions(self) -> tuple[Any, Any, Any]:
        """The sides as sympy expressions of the symbol t. Needs `pip install 'marey[equations]'`."""
        sympy = _sympy()
        x, y, z = (sympy.sympify(side, locals={"t": sympy.Symbol("t")}) for side in self.sides)
        return x, y, z

    def form(self) -> tuple[Any, Any, Any]:
        """The law in its own frame, as sympy expressions of t and the symbols of `quantities`."""
        sympy = _sympy()
        names = {quantity.symbol: sympy.Symbol(quantity.symbol) for quantity in self.quantities}
        names |= {"t": sympy.Symbol("t"), "E": sympy.Function("E")}
        x, y, z = (sympy.sympify(side, locals=names) for side in _FORMS[self.law])
        return x, y, z

    def latex(self) -> str:
        """Lines of LaTeX for an `align*`: the law in its own frame, then each parameter with its standard error."""
        latex = _sympy().latex
        lines = [rf"{axis}(t) &= {latex(side)}" for axis, side in zip("xyz", self.form(), strict=True)]
        for each in self.free:
            number = str(each).partition(" = ")[2].removesuffix(each.unit).strip().replace("±", r"\pm")
            unit = rf"\ \mathrm{{{each.unit.replace(' ', '~')}}}" if each.unit else ""
            lines.append(rf"{latex(_sympy().Symbol(each.symbol))} &= {number}{unit}")
        return " \\\\\n".join(lines)

    def python(self) -> str:
        """Source of a function `position(t)` that gives (x, y, z); it needs nothing but Python."""
        code = _sympy().pycode
        sides = [code(side, fully_qualified_modules=True) for side in self.expressions()]
        measured = "\n    ".join(map(str, self.free))
        body = ", ".join(sides)
        return f'import math\n\n\ndef position(t):\n    """{self.law}\n\n    {measured}\n    """\n    return {body}\n'


def equation(
    law: str,
    parameters: Float64[np.ndarray, "P"],
    sigma: Float64[np.ndarray, "P"],
    origin: Float64[np.ndarray, "3"],
    axes: Float64[np.ndarray, "3 3"],
    times: Float64[np.ndarray, "T"],
    length: str = "m",
) -> Equation:
    """The equation of one motion under the law of that name. length: the unit of length, for the quantities."""
    names = law_named(law).parameters
    sides = right_hand_sides(law, parameters, origin, axes, Clip(float(times[0]), float(times[-1])))
    quantities = [
        Quantity(name, _symbol(name), float(value), float(error), _unit(name, length))
        for name, value, error in zip(names, parameters, sigma, strict=False)
    ]
    return Equation(law, tuple(quantities), (sides[0], sides[1], sides[2]))


def _symbol(parameter: str) -> str:
    axis, _, rest = parameter.partition("_")
    if axis in ("x", "y", "z"):
        return f"{_symbol(rest)}_{axis}"
    return next(symbol for name, symbol in _NAMES.items() if parameter.startswith(name))


def _unit(parameter: str, length: str) -> str:
    """As one writes it: m, m/s, m/s^2, rad/s, 1/s."""
    if parameter.endswith("_rad"):
        return f"{length}/rad" if parameter.endswith("_m_rad") else "rad"
    metric, time = unit_powers(parameter)
    top = length if metric else ("rad" if parameter.endswith("_rad_s") else "1" if time < 0 else "")
    if time > 0:
        return "s"
    return top + {0: "", -1: "/s", -2: "/s^2"}[time]


def _sympy() -> Any:
    try:
        return import_module("sympy")
    except ImportError:
        raise UserError("sympy is needed and not installed; run: pip install 'marey[equations]'") from None
