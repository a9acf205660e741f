"""Two LSTMs on top of each other, unrolled, with the connections that dropout may cut."""

import numpy as np

from helpers.diagrams import BACK, arrow, box, canvas
from helpers.plots import BLUE, GREEN, ORANGE

_READ = ("the", "name", "is", "bound")
_NEXT = ("name", "is", "bound", "to")


def draw_stack():
    """Words, two layers, and a readout: dashed where masks cut, solid where nothing may.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 5.2, -2.6, 10.9, -0.9, 6.5)
    ax.text(-2.4, 6.05, "Upwards from layer to layer, onwards from step to step", fontsize=12)
    columns, levels = 2.7 * np.arange(4), (0, 1.7, 3.4, 5.1)
    for k, x in enumerate(columns):
        box(ax, x, levels[0], _READ[k], ORANGE, width=1.3)
        box(ax, x, levels[1], f"$h^{{(0)}}_{k + 1}$", BLUE, width=1.2)
        box(ax, x, levels[2], f"$h^{{(1)}}_{k + 1}$", BLUE, width=1.2)
        box(ax, x, levels[3], _NEXT[k], GREEN, width=1.3)
        for low, high in zip(levels[:-1], levels[1:], strict=True):
            arrow(ax, (x, low + 0.36), (x, high - 0.36), BACK, linestyle=(0, (4, 2)))
        if k:
            for level in levels[1:3]:
                arrow(ax, (columns[k - 1] + 0.62, level), (x - 0.62, level), BLUE, lw=2.2)
    for level, text in zip(levels[:-1], ("masks[0]", "masks[1]", "the readout's"), strict=True):
        ax.text(-0.2, level + 0.85, text, ha="right", va="center", fontsize=9.5, color=BACK)
    for level, text in zip(levels, ("words", "layers[0]", "layers[1]", "next words"), strict=True):
        ax.text(-0.9, level, text, ha="right", va="center", fontsize=9.5)
    return fig, (
        "Four steps of two LSTM layers. Words enter layers[0], its states enter layers[1], and "
        "the states of that one are read out as the next words. The arrows upwards are dashed: "
        "masks[0] lies on those into layers[0], masks[1] on those into layers[1], one more on "
        "those into the readout. The arrows from step to step are solid: nothing there is ever cut."
    )
