"""The GRU drawn as a graph: one state, two gates, and the four ways back from it."""

from helpers.diagrams import FILL, PALE, arrow, canvas, node
from helpers.plots import BLACK, BLUE, GREEN, ORANGE, RED


def _line(ax, *points, colour=BLACK):
    """Straight pieces from point to point, the last of them an arrow."""
    for a, b in zip(points[:-2], points[1:-1], strict=True):
        ax.plot(*zip(a, b, strict=True), color=colour, lw=1.4, zorder=2, solid_capstyle="round")
    arrow(ax, points[-2], points[-1], colour)


def _number(ax, x, y, number):
    """A path to h_prev, numbered as in the notebook."""
    circle = {"boxstyle": "circle,pad=0.25", "fc": "white", "ec": RED, "lw": 1.4}
    ax.text(x, y, number, ha="center", va="center", fontsize=10, color=RED, bbox=circle, zorder=5)


def draw_gru_graph():
    """One step of the GRU: what enters, where each gate acts, and the paths from h to h_prev.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 4.5, 0, 11.6, 0, 5.5)
    fig.suptitle("One state: z mixes old and new, r decides what the new one sees", x=0.5)
    top, middle, low = 4.7, 3.0, 1.2
    # The state that is kept.
    _line(ax, (0.9, top), (7.15, top), colour=BLUE)
    _line(ax, (7.65, top), (9.35, top), colour=BLUE)
    _line(ax, (9.85, top), (10.6, top), colour=BLUE)
    # The candidate.
    _line(ax, (1.7, top), (1.7, middle), (2.75, middle), colour=BLUE)
    _line(ax, (3.25, middle), (4.5, middle), colour=BLUE)
    _line(ax, (5.6, middle), (9.3, middle))
    _line(ax, (9.6, middle + 0.3), (9.6, top - 0.3))
    # The gates.
    _line(ax, (1.7, middle), (1.7, low), (2.6, low), colour=BLUE)
    _line(ax, (1.7, low), (1.7, 2.05), (6.6, 2.05), (6.6, 1.35), (7.0, 1.35), colour=BLUE)
    _line(ax, (3.0, low + 0.35), (3.0, middle - 0.3), colour=GREEN)
    _line(ax, (7.4, low + 0.35), (7.4, top - 0.3), colour=GREEN)
    _line(ax, (7.75, low), (9.6, low), (9.6, middle - 0.3), colour=GREEN)
    # The input.
    for x, y in ((3.0, low - 0.35), (5.05, middle - 0.4), (7.4, low - 0.35)):
        _line(ax, (0.9, 0.35), (x, 0.35), (x, y), colour=ORANGE)
    node(ax, (0.9, top), "h_prev", BLUE)
    node(ax, (0.9, 0.35), "x", ORANGE)
    node(ax, (10.9, top), "h", BLUE)
    node(ax, (3.0, low), "σ: r", GREEN, FILL[GREEN])
    node(ax, (7.4, low), "σ: z", GREEN, FILL[GREEN])
    node(ax, (5.05, middle), "tanh: n", fill=PALE)
    for x, y, text in ((3.0, middle, "×"), (7.4, top, "×"), (9.6, middle, "×"), (9.6, top, "+")):
        node(ax, (x, y), text, fill=PALE)
    for x, y, text in (
        (7.55, 3.75, "z: how much is kept"),
        (8.62, low + 0.22, "1 − z"),
        (9.75, 3.75, "(1 − z) n"),
        (3.15, 2.4, "what of the past\nthe candidate sees"),
    ):
        centred = text == "1 − z"
        ax.text(x, y, text, ha="center" if centred else "left", va="center", fontsize=9.5)
    for x, y, number in ((4.4, top, "1"), (3.9, middle, "2"), (5.75, 2.05, "3"), (2.12, low, "4")):
        _number(ax, x, y, number)
    return fig, (
        "Graph of one GRU step. Path 1: h_prev runs straight along the top, is multiplied by z, "
        "and in a sum becomes h. Path 2: h_prev is multiplied by r and enters the candidate n, a "
        "tanh, which is multiplied by 1 minus z and joins the sum. Paths 3 and 4: h_prev enters "
        "the sigmoid gates z and r. The input x enters z, r and n."
    )
