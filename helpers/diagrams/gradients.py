"""The way that a gradient takes through the steps, drawn in boxes and arrows."""

from helpers.diagrams import BACK, arrow, box, canvas
from helpers.plots import BLUE, GREEN, ORANGE


def draw_way_back():
    """A loss at the last state only, and the two factors that its gradient meets at every step.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 2.9, 0, 12.35, -0.25, 3.5)
    fig.suptitle("One way back, the same two factors at every step", x=0.5)
    columns = (1.0, 4.3, 7.6, 10.9)
    names = ("$h_{T-3}$", "$h_{T-2}$", "$h_{T-1}$", "$h_T$")
    for x, name in zip(columns, names, strict=True):
        box(ax, x, 1.3, name, BLUE, width=1.1)
    box(ax, 10.9, 2.75, "loss", GREEN, width=1.1)
    arrow(ax, (10.78, 1.65), (10.78, 2.4))
    arrow(ax, (11.02, 2.4), (11.02, 1.65), BACK, linestyle="--")
    ax.text(11.15, 2.02, "$dh_T$", color=BACK, va="center")
    for left, right in zip(columns[:-1], columns[1:], strict=True):
        arrow(ax, (left + 0.55, 1.45), (right - 0.55, 1.45))
        arrow(ax, (right - 0.55, 1.15), (left + 0.55, 1.15), BACK, linestyle="--")
        middle = (left + right) / 2
        ax.text(middle, 1.62, "$W_h$, then tanh", ha="center", va="bottom", fontsize=9)
        text = "times slope,\nthen times $W_h^\\top$"
        ax.text(middle, 0.98, text, ha="center", va="top", fontsize=9, color=BACK)
    for x in (1.0, 4.3, 7.6):
        box(ax, x, 0.1, "$x$", ORANGE, width=0.6, height=0.5)
        arrow(ax, (x, 0.35), (x, 0.95))
    box(ax, 10.9, 0.1, "$x$", ORANGE, width=0.6, height=0.5)
    arrow(ax, (10.9, 0.35), (10.9, 0.95))
    return fig, (
        "Four states in a row, joined by arrows that say: Wh, then tanh. The loss hangs on the "
        "last one only. Its gradient dh goes back along dashed arrows, and on every one of them "
        "it is multiplied by tanh's slope and then by Wh transposed."
    )
