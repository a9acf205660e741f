"""Networks drawn in boxes and arrows.

Inputs are orange, states blue, outputs green; values run forward along black arrows, gradients
back along orange dashed ones.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.plots import BLACK, BLUE, GREEN, ORANGE

FILL = {ORANGE: "#FBE5B8", BLUE: "#BFDDF0", GREEN: "#BFE8DB"}
BACK = "#B36B00"  # the palette's orange, dark enough to be read as text
PALE = "#E8E8E8"


def canvas(width, height, left, right, bottom, top):
    """A figure with one blank axes of equal scales that fills it."""
    fig = plt.figure(figsize=(width, height), layout="none")
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.axis("off")
    return fig, ax


def box(ax, x, y, text, colour, width=1.0, height=0.7):
    """A rounded box around (x, y)."""
    corner = x - width / 2, y - height / 2
    style = "round,pad=0,rounding_size=0.16"
    look = {"boxstyle": style, "fc": FILL[colour], "ec": colour, "lw": 1.6, "zorder": 3}
    ax.add_patch(FancyBboxPatch(corner, width, height, **look))
    ax.text(x, y, text, ha="center", va="center", fontsize=9.5, zorder=4)


def arrow(ax, start, end, colour=BLACK, bend=0.0, **style):
    """An arrow from one point to another."""
    ax.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=11,
            connectionstyle=f"arc3,rad={bend}",
            shrinkA=0,
            shrinkB=0,
            **{"lw": 1.4, "color": colour, "zorder": 2, **style},
        )
    )


def node(ax, at, text, edge=BLACK, fill="white", **style):
    """A node of a graph: text in a box of its own size."""
    box = {"boxstyle": "round,pad=0.4", "fc": fill, "ec": edge, "lw": 1.6}
    ax.text(*at, text, ha="center", va="center", fontsize=12, bbox=box, zorder=3, **style)


def there_and_back(ax, start, end, gap=0.45, apart=0.09, **back):
    """A black arrow from start to end, and beside it the gradient's from end to start."""
    start, end = np.array(start, float), np.array(end, float)
    along = (end - start) / np.hypot(*(end - start))
    aside = np.array([along[1], -along[0]]) * apart  # to the right of the way there
    a, b = start + gap * along, end - gap * along
    arrow(ax, a - aside, b - aside, zorder=1)
    arrow(ax, b + aside, a + aside, BACK, zorder=1, linestyle=(0, (4, 2)), **back)


def say(ax, x, y, text, **style):
    """A word beside an arrow, in the gradients' colour unless told otherwise."""
    look = {"color": BACK, "fontsize": 12, "ha": "center", "va": "center"}
    ax.text(x, y, text, **{**look, **style})


def dark(colour):
    """The colour as text on white needs it."""
    return {ORANGE: "#8F6200", GREEN: "#00694C", BLUE: "#005A8E"}[colour]
