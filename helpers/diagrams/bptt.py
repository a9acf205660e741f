"""How gradients flow back: through one step, and through time."""

from matplotlib.patches import FancyBboxPatch

from helpers.diagrams import PALE, canvas, node, say, there_and_back
from helpers.plots import BLACK, BLUE, ORANGE


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
        node(ax, at, name, {"x": ORANGE, "h_prev": BLUE}.get(name, BLACK))
    for at, text in ((products[0], "@"), (products[1], "@"), (total, "+"), (squashed, "tanh")):
        node(ax, at, text, fill=PALE)
    node(ax, out, "h", BLUE)
    for k, name in enumerate(ends):
        there_and_back(ax, ends[name], products[k // 2], gap=0.6)
        say(ax, 2.55, products[k // 2][1] + (0.68 if k % 2 == 0 else -0.7), f"d{name}")
    for at, label in zip(products, (3.75, 1.55), strict=True):
        there_and_back(ax, at, total, gap=0.42)
        say(ax, 5.1 if label > 2 else 5.65, label - (0.9 if label > 2 else 0), "da")
        say(ax, at[0], at[1] - 0.62, "other factor,\ntransposed", color=BLACK, fontsize=9.5)
    there_and_back(ax, (6.6, 4.6), total)
    say(ax, 6.35, 3.75, "db", ha="right")
    there_and_back(ax, total, squashed)
    there_and_back(ax, squashed, out, gap=0.6)
    say(ax, 7.5, 2.3, "da")
    say(ax, 9.8, 2.3, "dh")
    say(ax, 6.75, 2.02, "copies", color=BLACK, fontsize=9.5)
    say(ax, 8.6, 2.02, "times 1 − h²", color=BLACK, fontsize=9.5)
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
    node(ax, (0.7, state), "h₀", BLUE)
    bar = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": BLACK, "lw": 1.6}
    ax.add_patch(FancyBboxPatch((2.7, 0.35), 6.4, 0.5, **bar))
    say(ax, 4.4, 0.6, "the same Wx, Wh, b", color=BLACK)
    say(ax, 7.4, 0.6, "dWh = dWh₁ + dWh₂ + dWh₃", fontsize=10.5)
    before = (0.7, state)
    for t, x in zip("₁₂₃", columns, strict=True):
        node(ax, (x, state), f"h{t}", BLUE, fill=PALE)
        node(ax, (x, 5.0), f"L{t}")
        there_and_back(ax, before, (x, state), gap=0.5)
        there_and_back(ax, (x, state), (x, 5.0), gap=0.45)
        there_and_back(ax, (x, 0.6), (x, state), gap=0.55)
        say(ax, x + 0.2, 3.95, f"dh{t} from its loss", ha="left", fontsize=10.5)
        say(ax, x + 0.2, 1.6, f"dWh{t}", ha="left")
        before = (x, state)
    for x, t in zip((1.75, 4.45, 7.35), ("₁", "₂", "₃"), strict=True):
        say(ax, x, state - 0.5, f"da{t} Whᵀ", fontsize=10.5)
    say(ax, 10.4, state, "nothing comes\nback from here", ha="center", fontsize=10)
    return fig, (
        "Three steps side by side, h0 to h3, each with a loss above and the shared weights below. "
        "Into each state flow two gradients: dh from its own loss above, and da Wh transposed from "
        "the step after it; into the last only the first of these. Each step sends its own dWh "
        "down to the weights, where the three are added."
    )
