"""Notebook 01: a panel to step through the unrolled delivery network, and a digit read row by row.

Inputs are orange, states blue, outputs green, as in `helpers.diagrams`.
"""

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from helpers.data import MENU
from helpers.diagrams import arrow, canvas
from helpers.embedding import one_hot
from helpers.explorers import Explorer, slider
from helpers.plots import BLUE, GREEN, ORANGE, PALETTE
from helpers.rnn import readout, rnn_unroll

GREY = "#777777"
# A state's sign and size: orange is -1, white 0, blue 1.
SIGNED = LinearSegmentedColormap.from_list("signed", [ORANGE, "#FFFFFF", "#5BA4D4"])

# Orders by day, as indices of MENU; None is a day on which nobody wrote the order down.
SEQUENCES = {
    "yesterday only": (0,),
    "two days ago, blank yesterday": (0, None),
    "one order, then six blank days": (0,) + (None,) * 6,
    "in turn, one day blank": (0, 1, None, 0, 1),
    "one order out of turn": (0, 1, 0, None, None),
}


# --- stepping through the delivery network ------------------------------------------------------


def orders(days):
    """Days as network input: a one-hot row a day, zeros on a blank one.

    Args:
        days: indices of MENU, or None for a blank day.

    Returns:
        (1, T, 3).
    """
    blank = np.array([day is None for day in days])
    dishes = np.array([0 if day is None else day for day in days])
    return np.where(blank[:, None], 0.0, one_hot(dishes, len(MENU)))[None]


def _vector(ax, x, y, values, colour, shown):
    """A row of squares around (x, y), with numbers once they are known."""
    for k, value in enumerate(values):
        left = x + k - len(values) / 2
        fill = SIGNED((np.clip(value, -1, 1) + 1) / 2) if shown else "#FFFFFF"
        edge = colour if shown else "#CCCCCC"
        ax.add_patch(Rectangle((left, y - 0.5), 1, 1, fc=fill, ec=edge, lw=1.3, zorder=3))
        if shown:
            number = f"{value + 0.0:.2f}".rstrip("0").rstrip(".")
            ax.text(left + 0.5, y, number, ha="center", va="center", fontsize=7.5, zorder=4)


def draw_unrolled(weights, days, step, gain=1.0):
    """The delivery network unrolled over some days, as far as it has come.

    Args:
        weights: Wx, Wh, b, Wy, by.
        days: the order of each day, an index of MENU or None.
        step: how many days the network has seen, 1 to len(days).
        gain: what Wh is multiplied by.

    Returns:
        figure, alt text.
    """
    Wx, Wh, b, Wy, by = weights
    x, T, H = orders(days), len(days), len(b)
    h0 = np.zeros((1, H))
    h = rnn_unroll(x, h0, Wx, gain * Wh, b)  # (1, T, H)
    y = readout(h, Wy, by)  # (1, T, 3)
    pitch = max(3, H) + 1.1
    inch = 9 / (max(T, 5) * pitch + 3.4)
    wide = max(T, 3) * pitch + 3.4
    fig, ax = canvas(wide * inch, 11.7 * inch, -3.4, wide - 3.4, -3.3, 8.4)
    for level, name in ((0, "$x_t$ order"), (2.6, "$h_t$ state"), (5.2, "$y_t$ scores")):
        ax.text(-3.2, level, name, va="center", fontsize=9)
    for t in range(T):
        middle, shown = t * pitch + pitch / 2, t < step
        colours = (ORANGE, BLUE, GREEN) if shown else ("#CCCCCC",) * 3
        for level, row, colour in zip((0, 2.6, 5.2), (x, h, y), colours, strict=True):
            _vector(ax, middle, level, row[0, t], colour, shown)
        arrow(ax, (middle, 0.55), (middle, 2.05), colours[0])
        arrow(ax, (middle, 3.15), (middle, 4.65), colours[2])
        if t:
            gap = middle - pitch + H / 2 + 0.05, middle - H / 2 - 0.05
            arrow(ax, (gap[0], 2.6), (gap[1], 2.6), colours[1])
        order = "blank" if days[t] is None else MENU[days[t]]
        ax.text(middle, -0.95, f"day {t + 1}\n{order}", ha="center", va="top", fontsize=8.5)
        if shown:
            ax.text(
                middle, 6.05, f"day {t + 2}:\n{_named(y[0, t])}", ha="center", fontsize=8.5,
                weight="bold" if t == step - 1 else "normal",
            )  # fmt: skip
    middle = (step - 1) * pitch + pitch / 2
    corner = middle - pitch / 2 + 0.2, -0.75
    ax.add_patch(Rectangle(corner, pitch - 0.4, 6.7, fc="#F4F4F4", ec=GREY, lw=1, zorder=0))
    before = h[:, step - 2] if step > 1 else h0
    seen, kept = (x[:, step - 1] @ Wx + b)[0], (before @ (gain * Wh))[0]
    sums = f"$h_{step} = \\tanh$( {_row(seen)} from the order + {_row(kept)} from memory )"
    ax.text(-3.2, -2.85, sums, fontsize=9.5)
    said = _named(y[0, step - 1])
    title = f"After {step} of {T} days the network says: {said} on day {step + 1}"
    ax.text(-3.2, 7.75, title, fontsize=10.5)
    alt = (
        f"The unrolled network after {step} of {T} days. Order {_row(x[0, step - 1])}, state "
        f"{_row(h[0, step - 1])}, scores {_row(y[0, step - 1])}: it says {said} for day {step + 1}."
    )
    return fig, alt


def _named(scores):
    """The dish of the highest score, if there is one."""
    second, first = np.sort(scores)[-2:]
    return MENU[scores.argmax()] if first - second > 1e-6 else "cannot tell"


def _row(values):
    return "[" + "  ".join(f"{v + 0.0:.2f}" for v in values) + "]"


def unrolled_explorer(weights, sequence="two days ago, blank yesterday"):
    """Step through the delivery network, day by day.

    Args:
        weights: Wx, Wh, b, Wy, by of a network from three dishes to three dishes.
        sequence: which of SEQUENCES comes first.

    Returns:
        An Explorer with the controls `sequence`, `step` and `gain`.
    """
    if sequence not in SEQUENCES:
        raise ValueError(
            f"sequence: expected one of {', '.join(map(repr, SEQUENCES))}, got {sequence!r}"
        )
    days = len(SEQUENCES[sequence])
    choice = widgets.Dropdown(
        options=list(SEQUENCES),
        value=sequence,
        description="Orders",
        style={"description_width": "initial"},
        layout={"width": "460px"},
    )
    step = slider("Days seen", days, 1, days)
    gain = slider("Memory: multiply Wh by", 1.0, 0.0, 2.0, 0.05)

    def draw(sequence, step, gain):
        days = SEQUENCES[sequence]
        return draw_unrolled(weights, days, min(step, len(days)), gain)

    def fit(_change):
        step.max = len(SEQUENCES[choice.value])

    choice.observe(fit, names="value")
    return Explorer(draw, sequence=choice, step=step, gain=gain)


# --- a digit, row by row ------------------------------------------------------------------------


def draw_reading(image, chances, accuracy):
    """A digit, what a network thinks of it after each row, and how often such networks are right.

    Args:
        image: (8, 8).
        chances: (8, 10) probability of each class after each row.
        accuracy: dict from a network's name to its (8,) accuracies after each row.

    Returns:
        figure, alt text.
    """
    fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.4), width_ratios=(1.3, 1.5, 1.6))
    rows = np.arange(1, 9)
    ticks = {"xticks": [], "yticks": range(8), "yticklabels": rows}
    axes[0].imshow(image, cmap="gray_r", aspect="auto")
    axes[0].set(title="the digit", ylabel="row", **ticks)
    shades = axes[1].imshow(chances, vmin=0, vmax=1, aspect="auto")
    guesses = chances.argmax(axis=1)
    turns = [str(g) for t, g in enumerate(guesses) if t == 0 or g != guesses[t - 1]]
    axes[1].set(title="the best guess goes " + " → ".join(turns), xlabel="digit", **ticks)
    axes[1].set(xticks=range(10))
    for ax in axes[:2]:
        ax.grid(False)
    fig.colorbar(shades, ax=axes[1], fraction=0.05, label="probability after the row")
    for k, (name, curve) in enumerate(accuracy.items()):
        axes[2].plot(rows, curve, "os"[k % 2] + "-", color=PALETTE[k], label=name)
    axes[2].axhline(0.1, color=GREY, lw=1, ls=":", label="guessing")
    axes[2].set(xlabel="rows read", ylabel="test accuracy (share)", ylim=(0, 1.03), xticks=rows)
    axes[2].set_title("asked early, right early")
    axes[2].legend(fontsize=8)
    curves = [f"{name}: {', '.join(f'{a:.2f}' for a in c)}" for name, c in accuracy.items()]
    alt = (
        "A handwritten digit; a heat map of the ten probabilities after each row, with best "
        f"guesses {', '.join(map(str, guesses))}; test accuracy after 1 to 8 rows, "
        f"{'; '.join(curves)}."
    )
    return fig, alt
