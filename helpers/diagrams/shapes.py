"""The shapes of networks on sequences, and the recurrent network rolled and unrolled."""

import numpy as np

from helpers.diagrams import arrow, box, canvas, dark
from helpers.plots import BLUE, GREEN, ORANGE

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


def _column(ax, x, names):
    """Input, state and output at one step, with the weights on the arrows between them."""
    below, inside, above = names
    box(ax, x, 0, below, ORANGE)
    box(ax, x, 1.6, inside, BLUE)
    box(ax, x, 3.2, above, GREEN)
    arrow(ax, (x, 0.35), (x, 1.25))
    arrow(ax, (x, 1.95), (x, 2.85))
    for y, weight, colour in ((0.78, "$W_x$", ORANGE), (2.38, "$W_y$", GREEN)):
        ax.text(x + 0.12, y, weight, color=dark(colour), fontsize=10, va="center")


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
    ax.text(1.1, 1.6, "$W_h$", color=dark(BLUE), fontsize=10, va="center")
    ax.text(2.3, 1.6, "=", fontsize=20, ha="center", va="center")
    box(ax, first, 1.6, "$h_0$", BLUE)
    for t, x in enumerate(columns, start=1):
        _column(ax, x, (f"$x_{t}$", f"$h_{t}$", f"$y_{t}$"))
        arrow(ax, (x - 1.25, 1.6), (x - 0.5, 1.6), BLUE)
        ax.text(x - 0.9, 1.8, "$W_h$", color=dark(BLUE), fontsize=10, ha="center")
    alt = (
        "Left, rolled: the input x_t goes up into the state h_t by W_x, h_t goes up into the "
        "output y_t by W_y, and an arrow W_h leads from h_t back into itself. Right, the same "
        f"network unrolled: {steps} such columns side by side, h_0 first, W_h on every arrow from "
        "one state to the next, and the same W_x, W_h and W_y in every column."
    )
    return fig, alt
