"""One step of a network that draws, and pictures in rows."""

import matplotlib.pyplot as plt
import numpy as np

from helpers.diagrams import arrow, box, canvas
from helpers.draw import SIDE
from helpers.plots import BLACK, BLUE, GREEN, ORANGE


def draw_step():
    """One step of the drawing network in boxes and arrows.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(10, 4.3, -1.2, 15.2, -1.7, 5.35)
    ax.text(-1.0, 4.85, "One step: look, say, draw", fontsize=12)
    box(ax, 0.0, 3.6, "$x$", ORANGE, width=1.6)
    box(ax, 0.0, 1.8, "$x - σ(canvas)$", ORANGE, width=2.2)
    box(ax, 0.0, -0.2, "$canvas_{t-1}$", GREEN, width=2.0)
    box(ax, 4.0, 1.8, "encoder\nLSTM", BLUE, width=1.9, height=1.5)
    box(ax, 7.0, 1.8, "$μ$, $\\log σ$", BLUE, width=1.7)
    box(ax, 9.5, 1.8, "$z$", ORANGE, width=1.0)
    box(ax, 9.5, 3.9, "noise", ORANGE, width=1.5)
    box(ax, 12.0, 1.8, "decoder\nLSTM", BLUE, width=1.9, height=1.5)
    box(ax, 12.0, -0.2, "$canvas_t$", GREEN, width=1.7)
    arrow(ax, (0.0, 3.25), (0.0, 2.15))
    arrow(ax, (0.8, 3.6), (3.2, 2.55))
    arrow(ax, (1.1, 1.8), (3.05, 1.8))
    arrow(ax, (0.0, 0.15), (0.0, 1.45))
    arrow(ax, (4.95, 1.8), (6.15, 1.8))
    arrow(ax, (7.85, 1.8), (9.0, 1.8))
    arrow(ax, (9.5, 3.55), (9.5, 2.15))
    arrow(ax, (10.0, 1.8), (11.05, 1.8))
    arrow(ax, (12.0, 1.05), (12.0, 0.15))
    arrow(ax, (1.0, -0.2), (11.15, -0.2), GREEN)
    ax.text(6.1, -0.05, "what is there stays", fontsize=9.5, ha="center", va="bottom")
    ax.text(12.15, 0.6, "adds", fontsize=9.5, ha="left", va="center")
    arrow(ax, (12.95, 1.8), (14.6, 1.8), BLUE)
    ax.text(13.0, 2.0, "$h_{dec}$ to the\nnext step", fontsize=9.5, ha="left", va="bottom")
    arrow(ax, (4.0, -1.45), (4.0, 1.05), BLACK, linestyle=(0, (3, 2)))
    ax.text(4.2, -1.2, "$h_{dec}$ of the step before", fontsize=9.5, ha="left", va="center")
    return fig, (
        "One step. The canvas of the step before is compared with the image x; the encoder reads "
        "x, the difference, and the decoder's state of the step before. It makes a mean and a "
        "width, with noise they give z, the decoder reads z, and its state adds to the canvas. "
        "No arrow leads from the encoder to the decoder but through z."
    )


def draw_pictures(rows, names, title, columns=(), ax=None, frame=None):
    """Pictures of 64 pixels in rows and columns, ink black.

    Args:
        rows: (R, C, 64) brightness from 0 to 1.
        names: R names of the rows.
        title: of the figure.
        columns: C names of the columns, or none.
        ax: to draw on, or None for a figure of its own.
        frame: (row, column) of a picture that is framed, or None.

    Returns:
        the figure.
    """
    R, C = rows.shape[:2]
    room = SIDE + 1
    sheet = np.full((R * room - 1, C * room - 1), 0.12)
    for r, c in np.ndindex(R, C):
        place = slice(r * room, r * room + SIDE), slice(c * room, c * room + SIDE)
        sheet[place] = rows[r, c].reshape(SIDE, SIDE)
    if ax is None:
        _, ax = plt.subplots(figsize=(1.4 + 0.62 * C, 0.75 + 0.62 * R))
    ax.imshow(sheet, cmap="Greys", vmin=0, vmax=1)
    middle = (SIDE - 1) / 2
    ax.set_yticks([r * room + middle for r in range(R)], names, fontsize=9)
    shown = columns if len(columns) else [""] * C
    ax.set_xticks([c * room + middle for c in range(C)], shown, fontsize=9)
    ax.tick_params(length=0)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    if frame is not None:
        corner = frame[1] * room - 0.9, frame[0] * room - 0.9
        look = {"fill": False, "ec": ORANGE, "lw": 2.5, "clip_on": False}
        ax.add_patch(plt.Rectangle(corner, SIDE + 0.8, SIDE + 0.8, **look))
    ax.set_title(title)
    return ax.figure
