"""How well a slope can be measured: forward and central difference against the step size."""

from functools import cache

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from helpers import plots
from helpers.explorers import Explorer, slider

# name -> (function, its derivative, the point at which the slope is taken)
FUNCTIONS = {
    "tanh(x) at x = 1": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, 1.0),
    "exp(x) at x = 2": (np.exp, np.exp, 2.0),
    "x³ at x = 1.3": (lambda x: x * x * x, lambda x: 3 * x * x, 1.3),
}
DTYPES = {"float64": np.float64, "float32": np.float32}
EXPONENTS = (-15.0, -0.5)  # of the step size h = 10^exponent
SCHEMES = {"forward": plots.ORANGE, "central": plots.BLUE}
NO_ERROR = 1e-17  # where a log axis shows an error of exactly zero


def differences(f, x, h):
    """Forward and central difference of f at x, computed in x's own precision.

    Args:
        f: elementwise function.
        x: float scalar or array; its dtype is the precision.
        h: step size.

    Returns:
        dict with "forward" (f(x+h) - f(x)) / h and "central" (f(x+h) - f(x-h)) / 2h.
    """
    h = x.dtype.type(h)
    forward = (f(x + h) - f(x)) / h
    central = (f(x + h) - f(x - h)) / (2 * h)
    return {"forward": forward, "central": central}


@cache
def error_curves(function, dtype, points=88):
    """Relative errors of both differences over all step sizes.

    Args:
        function: a key of `FUNCTIONS`.
        dtype: a key of `DTYPES`.
        points: how many step sizes.

    Returns:
        exponents (points,), and a dict from scheme to errors (points,).
    """
    exponents = np.linspace(*EXPONENTS, points)
    errors = [relative_errors(function, dtype, exponent) for exponent in exponents]
    return exponents, {name: np.array([e[name] for e in errors]) for name in SCHEMES}


def relative_errors(function, dtype, exponent):
    """|measured - true| / |true| of both differences at h = 10^exponent; at least `NO_ERROR`."""
    f, slope, x = FUNCTIONS[function]
    true = slope(np.float64(x))
    measured = differences(f, DTYPES[dtype](x), 10.0**exponent)
    return {name: max(abs(float(value) / true - 1), NO_ERROR) for name, value in measured.items()}


def draw_differences(function, dtype, exponent):
    """The function as this precision sees it around x, and the point on the error curves.

    Args:
        function, dtype: keys of `FUNCTIONS` and `DTYPES`.
        exponent: of the step size.

    Returns:
        figure, alt text.
    """
    fig, (near, curves) = plt.subplots(1, 2, figsize=(9, 3.6), width_ratios=(2, 3))
    _draw_near(near, function, dtype, exponent)
    exponents, errors = error_curves(function, dtype)
    now = relative_errors(function, dtype, exponent)
    for (name, colour), marker in zip(SCHEMES.items(), "so", strict=True):
        curves.semilogy(exponents, errors[name], color=colour, label=f"{name}: {now[name]:.0e}")
        curves.plot(exponent, now[name], marker, color=colour, ms=9, mec="black", alpha=0.8)
    curves.set(xlabel="step size h, power of ten", ylabel="relative error of the slope")
    curves.set(ylim=(1e-14, 1e4), title=f"Errors at h = {10**exponent:.1e} in {dtype}")
    curves.legend(loc="upper center", ncols=2)
    return fig, (
        f"Left: {function} within 4 h of the point as {dtype} computes it. Right: relative error "
        f"of the measured slope against the step size; at h = {10**exponent:.1e} the forward "
        f"difference is off by {now['forward']:.0e}, the central one by {now['central']:.0e}."
    )


def _draw_near(ax, function, dtype, exponent):
    """f within 4 h of x, in units of h and of h times the slope, so a line has slope 1."""
    f, slope, x = FUNCTIONS[function]
    kind, h = DTYPES[dtype], 10.0**exponent
    steps = np.linspace(-4, 4, 161)
    scale = h * slope(x)
    seen = (f(kind(x) + (steps * h).astype(kind)).astype(np.float64) - float(f(kind(x)))) / scale
    ax.plot(steps, steps, color="grey", linestyle="--", label="tangent")
    ax.plot(steps, seen, color=plots.GREEN, label=function.split(" at")[0])
    ax.set(xlim=(-4, 4), ylim=(-6, 6), xlabel="(x' − x) / h", ylabel="(f(x') − f(x)) / (h f ')")
    ax.set_title("What the computer sees near x")
    ax.legend(loc="upper left")


def difference_explorer():
    """Slide the step size, and watch truncation give way to rounding."""
    return Explorer(
        draw_differences,
        function=widgets.Dropdown(options=list(FUNCTIONS), description="function"),
        dtype=widgets.ToggleButtons(options=list(DTYPES), description="precision"),
        exponent=slider("step size: 10 to the power", -2.0, *EXPONENTS, step=0.5),
    )
