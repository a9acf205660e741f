"""Two networks that put a picture into words, drawn in boxes and arrows, and a few scenes."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from helpers.diagrams import arrow, box, canvas
from helpers.plots import BLUE, GREEN, ORANGE

_SPOKEN = ("START", "a", "seven", "alone")
_SAID = ("a", "seven", "alone", "at …")


def draw_show_and_tell():
    """Show and tell, unrolled: the image vector enters every step.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 4.9, -1.2, 12.0, -1.9, 4.9)
    ax.text(-1.0, 4.4, "One vector v says what there is to see, at every step", fontsize=12)
    box(ax, 0, 1.6, "picture", ORANGE, width=1.5)
    box(ax, 0, -0.9, "v", ORANGE, width=0.9)
    arrow(ax, (0, 1.25), (0, -0.55))
    ax.text(0.15, 0.4, "layers without\nthe last one", fontsize=9, va="center")
    columns = 3.3 + 2.4 * np.arange(4)
    _spoken_columns(ax, columns)
    # One line from v runs below all steps, and a branch of it enters each.
    ax.plot([0.45, columns[-1] - 0.75], [-0.9, -0.9], color=BLUE, lw=1.4)
    for x in columns:
        ax.plot([x - 0.75, x - 0.75], [-0.9, 0.6], color=BLUE, lw=1.4)
        arrow(ax, (x - 0.75, 0.6), (x - 0.35, 1.22), BLUE)
        ax.text(x - 0.8, -0.35, "$W_{ih}$", fontsize=10, ha="right", color=BLUE)
    return fig, (
        "A picture goes through layers without the last one and becomes a vector v. Four steps of "
        "a recurrent network stand side by side; v enters every one of them through W_ih. They "
        "read START, a, seven, alone and say a, seven, alone, at: each word said is the next "
        "word read."
    )


def _spoken_columns(ax, columns):
    """Steps side by side, each with the word it reads and the word it says."""
    for k, (x, read, said) in enumerate(zip(columns, _SPOKEN, _SAID, strict=True)):
        box(ax, x, 0, read, ORANGE, width=1.3)
        box(ax, x, 1.6, f"$h_{k + 1}$", BLUE, width=1.2)
        box(ax, x, 3.2, said, GREEN, width=1.3)
        arrow(ax, (x, 0.35), (x, 1.25))
        arrow(ax, (x, 1.95), (x, 2.85))
        if k:
            arrow(ax, (columns[k - 1] + 0.6, 1.6), (x - 0.6, 1.6))


def draw_attention():
    """Two steps of the attention captioner: ask, weigh, mix, step; a word and a place come out.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(9.5, 4.9, -1.4, 13.6, -2.0, 5.6)
    ax.text(-1.2, 5.1, "The state asks the places before every word", fontsize=12)
    for row in range(3):
        for column in range(3):
            box(ax, -0.7 + 0.7 * column, 4.0 - 0.7 * row, "", ORANGE, width=0.62, height=0.62)
    ax.text(0, 1.7, "L places: keys and\nvalues of width D", fontsize=9, ha="center")
    ax.plot([1.15, 10.2], [3.95, 3.95], color=ORANGE, lw=1.4)
    box(ax, 1.9, 0, "$h_0$", BLUE, width=0.9)
    for k, x in enumerate((4.4, 9.2)):
        left = 1.9 if k == 0 else 5.9
        box(ax, x - 0.2, 2.3, f"look {k + 1}", GREEN, width=1.4)
        arrow(ax, (x - 0.2, 3.95), (x - 0.2, 2.65), ORANGE)
        arrow(ax, (left + 0.4, 0.35), (x - 0.95, 2.1), BLUE, bend=-0.1)
        ax.text(left + 0.3, 1.35, "asks", fontsize=9.5, color=BLUE, ha="left")
        box(ax, x + 1.5, 0, f"$h_{k + 1}$", BLUE, width=0.9)
        arrow(ax, (x + 0.1, 1.95), (x + 1.3, 0.38), ORANGE)
        ax.text(x + 0.75, 1.3, f"$z_{k + 1}$", fontsize=11)
        arrow(ax, (left + 0.45, 0), (x + 1.05, 0), BLUE)
        box(ax, x + 1.5, -1.5, ("START", "a")[k], ORANGE, width=1.1)
        arrow(ax, (x + 1.5, -1.15), (x + 1.5, -0.35))
        arrow(ax, (x + 0.5, 2.45), (x + 1.1, 3.05), GREEN)
        ax.text(x + 1.15, 3.1, f"place: weights $a_{k + 1}$", fontsize=9.5, va="center")
        arrow(ax, (x + 1.95, -0.2), (x + 2.4, -0.6), GREEN)
        ax.text(x + 2.45, -0.75, f"word: {('“a”', '“seven”')[k]}", fontsize=9.5, va="center")
    return fig, (
        "A grid of nine places, each with a key and a value, stands beside two steps. In each step "
        "the state before it asks the places; the look gives weights over the places, and their "
        "weighted sum z enters the new state together with the word read. Two things come out of "
        "a step: a place, the weights, and a word."
    )


def draw_scenes(images, captions, title):
    """Scenes in a row, each with its caption below.

    Args:
        images: (n, 24, 24).
        captions: n strings.
        title: of the figure.

    Returns:
        figure, alt text.
    """
    captions = [_folded(caption) for caption in captions]
    height = 2.95 + 0.2 * max(caption.count("\n") + 1 for caption in captions)
    fig, axes = plt.subplots(1, len(images), figsize=(2.4 * len(images), height), squeeze=False)
    for ax, image, caption in zip(axes[0], images, captions, strict=True):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        for edge in (7.5, 15.5):
            ax.axhline(edge, color="grey", lw=0.5)
            ax.axvline(edge, color="grey", lw=0.5)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        ax.set_xlabel(caption, fontsize=9)
    fig.suptitle(title, fontsize="medium", x=0.01, ha="left")
    said = "; ".join(caption.replace("\n", " ") for caption in captions)
    return fig, (
        f"{title}. {len(images)} pictures of handwritten digits in a grid of three by three cells, "
        f"with their captions: {said}."
    )


def _folded(caption, width=24):
    """A caption on several lines."""
    lines = [textwrap.wrap(line, width) for line in caption.split("\n")]
    return "\n".join(line for some in lines for line in some)
