"""Which connections dropout cuts in two layers over ten steps, and what is left of a memory."""

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from helpers import plots
from helpers.explorers import Explorer, slider

UNITS, STEPS, LAYERS = 6, 10, 2
LEVELS = ("words", "layers[0]", "layers[1]", "readout")
EACH, ONE, TIME = KINDS = (
    "in depth, another mask at every step",
    "in depth, one mask for all steps",
    "in depth and in time, another mask at every step",
)
HALF = 0.27  # of a node's width; steps and levels lie 1 apart
PALE = "#C8C8C8"


def open_ways(rate, kind):
    """Which connections are open; at a higher rate those that were cut stay so.

    Args:
        rate: share that is dropped.
        kind: one of `KINDS`.

    Returns:
        up (LAYERS + 1, UNITS, STEPS), from level to level, and on (LAYERS, UNITS, STEPS - 1), from
        step to step; both bool.
    """
    rng = np.random.default_rng(21)
    luck = rng.random((LAYERS + 1, UNITS, STEPS))
    if kind == ONE:
        luck[:] = luck[:, :, :1]
    on = rng.random((LAYERS, UNITS, STEPS - 1)) >= (rate if kind == TIME else 0)
    return luck >= rate, on


def draw_ways(rate, kind):
    """The unrolled network with every connection, open or cut.

    Returns:
        figure, alt text.
    """
    up, on = open_ways(rate, kind)
    whole = np.cumprod(on, axis=2).astype(bool)  # open, and so was all before it
    arrived = int(whole[:, :, -1].sum())
    fig, ax = plt.subplots(figsize=(9.5, 4.6))
    places = np.linspace(-0.8, 0.8, UNITS) * HALF
    upward = [
        [(t + x, level + HALF), (t + x, level + 1 - HALF)]
        for level in range(LAYERS + 1)
        for x in places
        for t in range(1, STEPS + 1)
    ]
    onward = [
        [(t + HALF, layer + 1 + y), (t + 1 - HALF, layer + 1 + y)]
        for layer in range(LAYERS)
        for y in places
        for t in range(1, STEPS)
    ]
    _lines(ax, upward, up.ravel(), plots.ORANGE, 1.6)
    _lines(ax, onward, on.ravel(), plots.SKY, 1.2)
    _lines(ax, onward, whole.ravel(), plots.BLUE, 2.2, cut=False)
    for level in range(LAYERS + 2):
        for t in range(1, STEPS + 1):
            corner = t - HALF, level - HALF
            ax.add_patch(Rectangle(corner, 2 * HALF, 2 * HALF, fc="#F2F2F2", ec="grey", lw=0.8))
    ax.set(xlim=(0.5, STEPS + 0.5), ylim=(-0.5, LAYERS + 1.5), xlabel="time step")
    ax.set_xticks(range(1, STEPS + 1))
    ax.set_yticks(range(LAYERS + 2), LEVELS)
    ax.grid(False)
    memories = on[:, :, 0].size
    ax.set_title(
        f"{np.mean(~up):.0%} of the ways up are cut (orange: open), and {arrived} of {memories} "
        f"memories of step 1 reach step {STEPS} (blue)"
    )
    return fig, (
        f"Two layers of {UNITS} units over {STEPS} steps, dropout {kind}, rate {rate:.2f}. Of "
        f"{up.size} connections from level to level {int((~up).sum())} are cut, of {on.size} from "
        f"step to step {int((~on).sum())}. What a unit holds at step 1 reaches step {STEPS} whole "
        f"in {arrived} of {memories} units."
    )


def _lines(ax, ends, are_open, colour, width, cut=True):
    """Open connections in their colour; cut ones, where wanted, dotted and pale."""
    opened = [line for line, here in zip(ends, are_open, strict=True) if here]
    ax.add_collection(LineCollection(opened, colors=colour, linewidths=width))
    if cut:
        closed = [line for line, here in zip(ends, are_open, strict=True) if not here]
        ax.add_collection(LineCollection(closed, colors=PALE, linewidths=0.8, linestyles=":"))


def dropout_explorer():
    """Slide the rate, choose where and how often a mask is drawn, and see what is cut."""
    return Explorer(
        draw_ways,
        rate=slider("rate: share that is dropped", 0.4, 0.0, 0.9, step=0.1),
        kind=widgets.Dropdown(
            options=KINDS,
            description="dropout",
            layout={"width": "460px"},
        ),
    )
