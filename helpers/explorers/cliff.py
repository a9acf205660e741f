"""The cliff: the loss of a recurrent network with two parameters, and the way down it.

One unit, no input, started at zero (Pascanu et al. 2013, figure 6):

    h_t = sigmoid(w h_{t-1} + b),   t = 1 ... 50,   loss = (h_50 - 0.7)²
"""

import math
from functools import cache

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from helpers import plots
from helpers.explorers import Explorer, slider
from helpers.lstm import sigmoid

STEPS, TARGET = 50, 0.7
# name -> (w, b)
STARTS = {"below the wall": (5.5, -2.2), "above the wall": (5.5, -2.8)}
SHOWN = {"w": (3.5, 7.5), "b": (-4.0, 0.0)}  # the part of the plane that is drawn
LOWEST = 1e-4  # losses below it have one colour


def cliff_states(w, b):
    """h_0 ... h_50, a list; w and b are arrays of one shape (or numbers)."""
    w, b = np.asarray(w, np.float64), np.asarray(b, np.float64)
    h = [np.zeros(np.broadcast_shapes(w.shape, b.shape))]
    for _ in range(STEPS):
        h.append(sigmoid(w * h[-1] + b))
    return h


def cliff_loss(w, b):
    """The loss, elementwise over arrays of w and b."""
    return (cliff_states(w, b)[-1] - TARGET) ** 2


def cliff_gradient(w, b):
    """dw and db by backpropagation through the 50 steps, elementwise over arrays of w and b."""
    h = cliff_states(w, b)
    dh, dw, db = 2 * (h[-1] - TARGET), 0.0, 0.0
    for t in range(STEPS, 0, -1):
        da = dh * h[t] * (1 - h[t])
        dw = dw + da * h[t - 1]
        db = db + da
        dh = da * w
    return dw, db


@cache
def descend(start, learning_rate, threshold, updates=250):
    """Gradient descent on the two numbers, clipped by norm.

    Args:
        start: (w, b).
        learning_rate, threshold: numbers; the threshold may be infinite.
        updates: how many steps.

    Returns:
        points (updates+1, 2), and the norm of each step's gradient before clipping (updates,).
    """
    (w, b), points, norms = start, [start], []
    for _ in range(updates):
        dw, db = _gradient_of_one(w, b)
        norm = math.hypot(dw, db)
        step = learning_rate * min(1.0, threshold / norm if norm else 1.0)
        w, b = w - step * dw, b - step * db
        points.append((w, b))
        norms.append(norm)
    return np.array(points), np.array(norms)


def _gradient_of_one(w, b):
    """`cliff_gradient` for two Python numbers, which is ten times as fast as arrays of one."""
    h = [0.0]
    for _ in range(STEPS):
        h.append(0.5 + 0.5 * math.tanh(0.5 * (w * h[-1] + b)))
    dh, dw, db = 2 * (h[-1] - TARGET), 0.0, 0.0
    for t in range(STEPS, 0, -1):
        da = dh * h[t] * (1 - h[t])
        dw += da * h[t - 1]
        db += da
        dh = da * w
    return dw, db


@cache
def surface(points=201):
    """w (points,), b (points,) and the loss (points, points), b along the first axis."""
    w, b = np.linspace(*SHOWN["w"], points), np.linspace(*SHOWN["b"], points)
    return w, b, cliff_loss(*np.meshgrid(w, b))


def draw_map(ax):
    """The loss surface from above, on a log scale; brighter is higher."""
    edges = (*SHOWN["w"], *SHOWN["b"])
    picture = surface()[2].clip(LOWEST)
    ax.imshow(picture, extent=edges, origin="lower", norm="log", aspect="auto")
    for w, b, name in ((7.3, -3.9, "high plateau"), (7.3, -0.3, "low plateau")):
        ax.text(w, b, name, ha="right")
    ax.text(3.6, -1.2, "valley")
    ax.grid(False)
    ax.set(xlim=SHOWN["w"], ylim=SHOWN["b"], xlabel="w", ylabel="b")


def draw_way(ax, points, colour, label, marker="o"):
    """A path on the map, from its ring to its cross; what lies off the map is cut."""
    ax.plot(*points.T, marker + "-", color=colour, ms=3, lw=1.2, mec="black", mew=0.3, label=label)
    ax.plot(*points[0], "o", ms=10, mfc="none", mec="white", mew=2)
    ax.plot(*points[-1], "X", ms=10, color=colour, mec="black", zorder=5)


def on_map(w, b):
    """Whether a point lies on the part of the plane that is drawn."""
    inside = zip((w, b), SHOWN.values(), strict=True)
    return all(low <= value <= high for value, (low, high) in inside)


def draw_descent(threshold, start, learning_rate):
    """The path of a descent on the map, and its loss and gradient norm step by step.

    Args:
        threshold: the exponent of the clipping threshold, 10^threshold.
        start: a key of `STARTS`.
        learning_rate: step size.

    Returns:
        figure, alt text.
    """
    limit = float(f"{10.0**threshold:.2g}")
    points, norms = descend(STARTS[start], learning_rate, limit)
    loss = cliff_loss(*points.T)
    clipped = int(np.sum(norms > limit))
    fig, (plane, time) = plt.subplots(1, 2, figsize=(9, 3.8), width_ratios=(1, 1))
    draw_map(plane)
    draw_way(plane, points, plots.ORANGE, "path")
    end = f"({points[-1, 0]:.2f}, {points[-1, 1]:.2f})"
    off = "" if on_map(*points[-1]) else ", off the map"
    plane.set_title(f"Threshold {limit:g}: ends at {end}{off}")
    time.semilogy(norms, color=plots.BLUE, label="gradient norm before clipping")
    time.semilogy(loss, "--", color=plots.RED, label="loss")
    time.axhline(limit, color="grey", linestyle=":", label="threshold")
    time.set(ylim=(1e-8, 1e6), xlabel="updates", ylabel="loss, gradient norm")
    time.set_title(f"{clipped} of {len(norms)} steps clipped; last loss {loss[-1]:.1e}")
    time.legend(loc="upper right", fontsize="small")
    return fig, (
        f"Left: the loss surface from above, with the path of {len(norms)} steps from "
        f"{STARTS[start]}, {start}, at learning rate {learning_rate:.2g} and threshold "
        f"{limit:g}; it ends at {end}{off}. Right: gradient norm and loss at each update; the "
        f"largest norm is {norms.max():.1f}, {clipped} steps are clipped, and the last loss is "
        f"{loss[-1]:.1e}."
    )


def cliff_explorer():
    """Slide the threshold, and watch the path meet the wall."""
    return Explorer(
        draw_descent,
        threshold=slider("threshold: 10 to the power", 2.0, -2.0, 2.0, step=0.25),
        start=widgets.ToggleButtons(options=list(STARTS), description="start"),
        learning_rate=slider("learning rate", 0.3, 0.05, 0.5, step=0.05),
    )
