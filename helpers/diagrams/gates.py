"""The LSTM in boxes and arrows: one step with its gradients, and the two paths through time."""

import numpy as np

from helpers.diagrams import PALE, arrow, canvas, node, say, there_and_back
from helpers.plots import BLACK, BLUE, GREEN, ORANGE


def draw_gate_graph():
    """One step as a graph: the cell's path on top, the four gates below it, and the way back.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 5.6, 0, 12.2, 0, 7.2)
    fig.suptitle("Back through one step: the cell's path meets only ⊙ and +", x=0.5)
    top, middle, low = 5.9, 4.3, 2.5
    keep, add, fork, squash, show = (3.0, top), (6.2, top), (9.0, top), (9.0, middle), (10.4, 2.9)
    enter = (6.2, middle)
    gates = {"f": (3.0, low), "i": (5.3, low), "g": (7.1, low), "o": (9.0, low)}
    node(ax, (0.8, top), "c_prev", BLUE)
    node(ax, (11.5, top), "c", BLUE)
    node(ax, (11.5, 1.5), "h", GREEN)
    for at, text in ((keep, "⊙"), (add, "+"), (enter, "⊙"), (squash, "tanh"), (show, "⊙")):
        node(ax, at, text, fill=PALE)
    ax.plot(*fork, "o", color=BLACK, ms=6, zorder=3)
    for name, at in gates.items():
        node(ax, at, name, ORANGE)
    bar = (6.0, 0.7)
    node(ax, bar, "a = x @ Wx + h_prev @ Wh + b,  cut into four: i, f, o, g", BLACK)
    for start, end, gap in (
        ((0.8, top), keep, 0.62),
        (keep, add, 0.42),
        (add, fork, 0.42),
        (fork, (11.5, top), 0.42),
        (fork, squash, 0.42),
        (enter, add, 0.42),
        (squash, show, 0.5),
        (show, (11.5, 1.5), 0.42),
        (gates["f"], keep, 0.45),
        (gates["i"], enter, 0.5),
        (gates["g"], enter, 0.5),
        (gates["o"], show, 0.42),
    ):
        there_and_back(ax, start, end, gap=gap)
    for name, (x, y) in gates.items():
        there_and_back(ax, (x, bar[1]), (x, y), gap=0.45)
        squashed = "1 − g²" if name == "g" else f"{name} (1 − {name})"
        say(ax, x + 0.18, (bar[1] + y) / 2, f"× {squashed}", color=BLACK, fontsize=9.5, ha="left")
    say(ax, 1.9, top + 0.42, "dc · f")
    say(ax, 4.6, top + 0.42, "dc")
    say(ax, 7.6, top + 0.42, "dc, the sum of both")
    say(ax, 10.35, top + 0.42, "dc from outside")
    say(ax, 9.15, 5.15, "dh · o · (1 − tanh² c)", ha="left", fontsize=11)
    say(ax, 2.85, 4.2, "dc · c_prev", ha="right")
    say(ax, 5.45, 3.55, "dc · g", ha="right")
    say(ax, 7.0, 3.55, "dc · i", ha="left")
    say(ax, 9.55, 2.2, "dh · tanh c", ha="left", fontsize=11)
    say(ax, 11.2, 2.45, "dh", ha="left")
    return fig, (
        "Graph of one LSTM step. On top the cell's path, from c_prev through a product with the "
        "gate f and a sum to c. Into the sum comes the product of i and g. From c a branch goes "
        "down through tanh into a product with o, which is h. Below, one sum a is cut into i, f, "
        "o, g. Gradients run the other way: dc from outside and dh times o times the slope of "
        "tanh add up to dc; the sum copies it; c_prev gets dc times f, f gets dc times c_prev, i "
        "gets dc times g, g gets dc times i, o gets dh times tanh c; each gate's own slope leads "
        "on to a."
    )


def draw_cell_path():
    """What a gradient meets on its way back through three steps: of an RNN, and along the cell.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 3.9, 0, 12.2, 0, 5.0)
    rows = (
        ("RNN", 3.6, "h", "· tanh'   then   @ Whᵀ", "the same matrix every time"),
        ("LSTM, along c", 1.2, "c", "⊙ f{}", "no matrix, a factor of its own at each step"),
    )
    columns = np.array([1.9, 4.9, 7.9, 10.9])
    for title, y, letter, meets, remark in rows:
        ax.text(0.15, y + 0.85, title, fontsize=11.5, weight="bold")
        ax.text(2.6, y + 0.85, remark, fontsize=10.5)
        for t, x in enumerate(columns):
            node(ax, (x, y), f"{letter}{'₀₁₂₃'[t]}", BLUE, fill=PALE)
        for t in range(3):
            there_and_back(ax, (columns[t], y), (columns[t + 1], y), gap=0.5)
            say(ax, columns[t : t + 2].mean(), y - 0.42, meets.format("₁₂₃"[t]), fontsize=10.5)
        for x in columns[1:]:
            if letter == "c":
                arrow(ax, (x - 0.76, y - 0.95), (x - 0.32, y - 0.38), lw=1.2)
                say(ax, x - 0.82, y - 1.0, "+ i ⊙ g", color=BLACK, fontsize=10, ha="right")
    return fig, (
        "Two rows of four states. Above, an RNN: going back from h3 to h0 the gradient meets at "
        "every step the slope of tanh and the product with Wh transposed. Below, the cells of an "
        "LSTM: going back from c3 to c0 it meets only the forget gates, f3, then f2, then f1; "
        "what enters, i times g, is added, and a sum lets the gradient pass unchanged."
    )
