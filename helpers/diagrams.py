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


# --- boxes and arrows ----------------------------------------------------------------


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


# --- the five shapes ----------------------------------------------------------------------------

# title, what enters and what leaves at each step ("" is nothing), where its first column stands
_PICTURED = (
    ("one-to-one", ["image"], ["seven"], (0, 5.1)),
    ("one-to-many", ["image", "", ""], ["a", "brown", "dog"], (2.9, 5.1)),
    ("many-to-one", ["not", "bad", "at all"], ["", "", "positive"], (8.3, 5.1)),
    (
        "many-to-many after the input",
        ["I", "go", "home", "", ""],
        ["", "", "naneun", "jibe", "ganda"],
        (0, 0),
    ),
    ("many-to-many in step", ["time", "flies", "fast"], ["noun", "verb", "adverb"], (8.3, 0)),
)


def draw_shapes():
    """The five shapes of a network on sequences, each with one task.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9, 6.6, -0.9, 12.1, -1.0, 8.6)
    for title, inputs, outputs, (left, floor) in _PICTURED:
        ax.text(left - 0.55, floor + 3.05, title, fontsize=11, weight="bold")
        columns = left + 1.45 * np.arange(len(inputs))
        for k, (x, given, answer) in enumerate(zip(columns, inputs, outputs, strict=True)):
            box(ax, x, floor + 1.1, "", BLUE)
            if k:
                arrow(ax, (columns[k - 1] + 0.5, floor + 1.1), (x - 0.5, floor + 1.1), BLUE)
            if given:
                box(ax, x, floor - 0.2, given, ORANGE, width=1.2)
                arrow(ax, (x, floor + 0.15), (x, floor + 0.75))
            if answer:
                box(ax, x, floor + 2.4, answer, GREEN, width=1.2)
                arrow(ax, (x, floor + 1.45), (x, floor + 2.05))
    alt = (
        "Five networks as boxes, inputs below, states in the middle, outputs on top. "
        "One-to-one: an image gives 'seven'. One-to-many: an image gives 'a brown dog'. "
        "Many-to-one: 'not bad at all' gives 'positive' at its end. Many-to-many after the input: "
        "'I go home' is read, then 'naneun jibe ganda' is written, beginning at the last input. "
        "Many-to-many in step: 'time flies fast' gives 'noun', 'verb', 'adverb', each at its word."
    )
    return fig, alt


# --- rolled and unrolled ------------------------------------------------------------------------


def _column(ax, x, names):
    """Input, state and output at one step, with the weights on the arrows between them."""
    below, inside, above = names
    box(ax, x, 0, below, ORANGE)
    box(ax, x, 1.6, inside, BLUE)
    box(ax, x, 3.2, above, GREEN)
    arrow(ax, (x, 0.35), (x, 1.25))
    arrow(ax, (x, 1.95), (x, 2.85))
    for y, weight, colour in ((0.78, "$W_x$", ORANGE), (2.38, "$W_y$", GREEN)):
        ax.text(x + 0.12, y, weight, color=_dark(colour), fontsize=10, va="center")


def _dark(colour):
    """The colour as text on white needs it."""
    return {ORANGE: "#8F6200", GREEN: "#00694C", BLUE: "#005A8E"}[colour]


def draw_recurrence(steps=4):
    """The recurrent network twice: with a loop, and unrolled over time.

    Returns:
        figure, alt text.
    """
    first = 3.6  # where h_0 stands
    columns = first + 1.75 * np.arange(1, steps + 1)
    fig, ax = canvas(9, 4.4, -0.9, columns[-1] + 1.0, -0.8, 4.55)
    ax.text(-0.6, 4.05, "rolled", fontsize=11, weight="bold")
    ax.text(first - 0.5, 4.05, "unrolled over time", fontsize=11, weight="bold")
    _column(ax, 0, ("$x_t$", "$h_t$", "$y_t$"))
    arrow(ax, (0.5, 1.8), (0.5, 1.4), BLUE, bend=-2.4)
    ax.text(1.1, 1.6, "$W_h$", color=_dark(BLUE), fontsize=10, va="center")
    ax.text(2.3, 1.6, "=", fontsize=20, ha="center", va="center")
    box(ax, first, 1.6, "$h_0$", BLUE)
    for t, x in enumerate(columns, start=1):
        _column(ax, x, (f"$x_{t}$", f"$h_{t}$", f"$y_{t}$"))
        arrow(ax, (x - 1.25, 1.6), (x - 0.5, 1.6), BLUE)
        ax.text(x - 0.9, 1.8, "$W_h$", color=_dark(BLUE), fontsize=10, ha="center")
    alt = (
        "Left, rolled: the input x_t goes up into the state h_t by W_x, h_t goes up into the "
        "output y_t by W_y, and an arrow W_h leads from h_t back into itself. Right, the same "
        f"network unrolled: {steps} such columns side by side, h_0 first, W_h on every arrow from "
        "one state to the next, and the same W_x, W_h and W_y in every column."
    )
    return fig, alt


# --- how gradients flow back ---------------------------------------------------------------------


def _node(ax, at, text, edge=BLACK, fill="white", **style):
    box = {"boxstyle": "round,pad=0.4", "fc": fill, "ec": edge, "lw": 1.6}
    ax.text(*at, text, ha="center", va="center", fontsize=12, bbox=box, zorder=3, **style)


def _there_and_back(ax, start, end, gap=0.45, apart=0.09, **back):
    """A black arrow from start to end, and beside it the gradient's from end to start."""
    start, end = np.array(start, float), np.array(end, float)
    along = (end - start) / np.hypot(*(end - start))
    aside = np.array([along[1], -along[0]]) * apart  # to the right of the way there
    a, b = start + gap * along, end - gap * along
    arrow(ax, a - aside, b - aside, zorder=1)
    arrow(ax, b + aside, a + aside, BACK, zorder=1, linestyle=(0, (4, 2)), **back)


def _say(ax, x, y, text, **style):
    look = {"color": BACK, "fontsize": 12, "ha": "center", "va": "center"}
    ax.text(x, y, text, **{**look, **style})


def draw_cell_graph():
    """The cell as a graph of products, a sum and a tanh: each node's rule, each arrow's gradient.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 4.8, 0, 11.6, 0, 5.9)
    fig.suptitle("Back through one step: every node has one rule", x=0.5)
    ends = {"x": (1.0, 4.7), "Wx": (1.0, 3.3), "h_prev": (1.0, 2.0), "Wh": (1.0, 0.6)}
    products, total, squashed, out = (
        ((4.1, 4.0), (4.1, 1.3)),
        (6.6, 2.65),
        (8.6, 2.65),
        (10.8, 2.65),
    )
    for name, at in {**ends, "b": (6.6, 4.6)}.items():
        _node(ax, at, name, {"x": ORANGE, "h_prev": BLUE}.get(name, BLACK))
    for at, text in ((products[0], "@"), (products[1], "@"), (total, "+"), (squashed, "tanh")):
        _node(ax, at, text, fill=PALE)
    _node(ax, out, "h", BLUE)
    for k, name in enumerate(ends):
        _there_and_back(ax, ends[name], products[k // 2], gap=0.6)
        _say(ax, 2.55, products[k // 2][1] + (0.68 if k % 2 == 0 else -0.7), f"d{name}")
    for at, label in zip(products, (3.75, 1.55), strict=True):
        _there_and_back(ax, at, total, gap=0.42)
        _say(ax, 5.1 if label > 2 else 5.65, label - (0.9 if label > 2 else 0), "da")
        _say(ax, at[0], at[1] - 0.62, "other factor,\ntransposed", color=BLACK, fontsize=9.5)
    _there_and_back(ax, (6.6, 4.6), total)
    _say(ax, 6.35, 3.75, "db", ha="right")
    _there_and_back(ax, total, squashed)
    _there_and_back(ax, squashed, out, gap=0.6)
    _say(ax, 7.5, 2.3, "da")
    _say(ax, 9.8, 2.3, "dh")
    _say(ax, 6.75, 2.02, "copies", color=BLACK, fontsize=9.5)
    _say(ax, 8.6, 2.02, "times 1 − h²", color=BLACK, fontsize=9.5)
    return fig, (
        "Graph of one step. x and Wx meet in a product, h_prev and Wh in another; both products "
        "and b meet in a sum, tanh of it is h. Gradients run the other way: dh enters tanh, which "
        "multiplies by 1 - h squared and passes on da; the sum copies da to both products and to "
        "b; each product hands on da times its other factor, transposed: dx, dWx, dh_prev, dWh."
    )


def draw_time_graph():
    """Three steps of the recurrence, with what flows back into states and weights.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 5.2, 0, 11.4, 0, 6.2)
    fig.suptitle("A state hears from two sides, the weights from every step", x=0.5)
    columns, state = (3.0, 5.9, 8.8), 2.75
    _node(ax, (0.7, state), "h₀", BLUE)
    bar = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": BLACK, "lw": 1.6}
    ax.add_patch(FancyBboxPatch((2.7, 0.35), 6.4, 0.5, **bar))
    _say(ax, 4.4, 0.6, "the same Wx, Wh, b", color=BLACK)
    _say(ax, 7.4, 0.6, "dWh = dWh₁ + dWh₂ + dWh₃", fontsize=10.5)
    before = (0.7, state)
    for t, x in zip("₁₂₃", columns, strict=True):
        _node(ax, (x, state), f"h{t}", BLUE, fill=PALE)
        _node(ax, (x, 5.0), f"L{t}")
        _there_and_back(ax, before, (x, state), gap=0.5)
        _there_and_back(ax, (x, state), (x, 5.0), gap=0.45)
        _there_and_back(ax, (x, 0.6), (x, state), gap=0.55)
        _say(ax, x + 0.2, 3.95, f"dh{t} from its loss", ha="left", fontsize=10.5)
        _say(ax, x + 0.2, 1.6, f"dWh{t}", ha="left")
        before = (x, state)
    for x, t in zip((1.75, 4.45, 7.35), ("₁", "₂", "₃"), strict=True):
        _say(ax, x, state - 0.5, f"da{t} Whᵀ", fontsize=10.5)
    _say(ax, 10.4, state, "nothing comes\nback from here", ha="center", fontsize=10)
    return fig, (
        "Three steps side by side, h0 to h3, each with a loss above and the shared weights below. "
        "Into each state flow two gradients: dh from its own loss above, and da Wh transposed from "
        "the step after it; into the last only the first of these. Each step sends its own dWh "
        "down to the weights, where the three are added."
    )
