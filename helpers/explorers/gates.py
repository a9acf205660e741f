"""A memory of one number, written, kept, read and erased by gates that sliders set."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np

from helpers import plots
from helpers.explorers import Explorer, slider

STEPS = 12
WRITTEN, READ, ERASED = 3, (8, 9), 11  # after, at and at which steps, counted from 1
# What would enter at each step: .8 while writing, then whatever the input happens to bring.
CONTENT = np.array([-0.4, 0.8, 0.8, -0.9, 0.6, -0.7, -0.5, 0.3, -0.8, 0.5, -0.6, 0.7])
PHASES = (("write", 2, 3), ("keep", 4, 7), ("read", 8, 9), ("keep", 10, 10), ("erase", 11, 11))


@dataclass(frozen=True)
class Memory:
    """What the gates were, and what became of the cell: arrays (STEPS,), step t at [t - 1]."""

    i: np.ndarray
    f: np.ndarray
    o: np.ndarray
    c: np.ndarray
    h: np.ndarray

    @property
    def kept(self):
        """How much of a change in the cell after writing is left at the last reading."""
        return float(np.prod(self.f[WRITTEN : READ[1]]))


def remember(keep, write, leak, show, erase):
    """One cell with the gates set by hand.

    Args:
        keep: forget gate while the memory is kept, and while it is read.
        write: input gate at steps 2 and 3.
        leak: input gate at all other steps.
        show: output gate at steps 8 and 9; it is 0 elsewhere.
        erase: forget gate at step 11.

    Returns:
        Memory.
    """
    t = np.arange(1, STEPS + 1)
    i = np.where((t == 2) | (t == 3), write, leak)
    f = np.where(t == ERASED, erase, np.where(t <= WRITTEN, 1.0, keep))
    o = np.where((t >= READ[0]) & (t <= READ[1]), show, 0.0)
    c, cells = 0.0, []
    for k in range(STEPS):
        c = f[k] * c + i[k] * CONTENT[k]
        cells.append(c)
    c = np.array(cells)
    return Memory(i, f, o, c, o * np.tanh(c))


def draw_memory(keep, write, leak, show, erase):
    """The gates over time, and below them the cell and what is shown of it.

    Returns:
        figure, alt text.
    """
    memory = remember(keep, write, leak, show, erase)
    fig, (gates, cell) = plt.subplots(
        2, 1, figsize=(8, 5.2), sharex=True, height_ratios=(2, 3), layout="constrained"
    )
    _draw_gates(gates, memory)
    _draw_cell(cell, memory)
    written, read, left = (memory.c[t - 1] for t in (WRITTEN, READ[1], ERASED))
    fig.suptitle(
        f"Written {written:.2f}, in the cell at the last reading {read:.2f}, after erasing "
        f"{left:.2f}",
        fontsize="medium",
    )
    return fig, (
        f"Above, the input, forget and output gate and the content at each of {STEPS} steps. "
        f"Below, the cell: {written:.2f} after writing, {read:.2f} at the last reading, where h "
        f"shows {memory.h[READ[1] - 1]:.2f} of it, and {left:.2f} after erasing. Of a change after "
        f"writing {memory.kept:.2f} is left at the last reading."
    )


def _draw_gates(ax, memory):
    """Rows of squares, the darker the more open, with the numbers in them."""
    rows = {"input i": memory.i, "forget f": memory.f, "output o": memory.o}
    ax.imshow(
        np.array(list(rows.values())),
        extent=(0.5, STEPS + 0.5, 3.5, 0.5),
        aspect="auto",
        cmap="Blues",
        vmin=0,
        vmax=2.2,  # so that black numbers can be read on the darkest square
    )
    for row, values in enumerate((*rows.values(), CONTENT), start=1):
        for t, value in enumerate(values, start=1):
            ax.text(t, row, f"{value:.2g}", ha="center", va="center", fontsize=8.5)
    ax.set_yticks(range(1, 5), [*rows, "content g"])
    ax.set(ylim=(4.5, 0.5))
    ax.grid(False)
    for name, first, last in PHASES:
        ax.text((first + last) / 2, 0.4, name, ha="center", va="bottom", fontsize=10)


def _draw_cell(ax, memory):
    t = np.arange(1, STEPS + 1)
    ax.axhline(0, color="grey", lw=0.8)
    for _, first, last in PHASES[::2]:  # write, read, erase
        ax.axvspan(first - 0.5, last + 0.5, color=plots.SKY, alpha=0.15, lw=0)
    ax.plot(t, memory.c, "o-", color=plots.BLUE, label="c, what is kept")
    ax.plot(t, memory.h, "s--", color=plots.RED, label="h, what is shown")
    ax.set(xlabel="time step", ylabel="value", xlim=(0.5, STEPS + 0.5), ylim=(-2.6, 2.6))
    ax.set_xticks(t)
    ax.legend(loc="lower left", ncols=2)


def gate_explorer():
    """Set the gates of each phase, and see what becomes of the memory."""
    return Explorer(
        draw_memory,
        keep=slider("forget gate while keeping and reading", 0.9, 0.0, 1.0, step=0.05),
        write=slider("input gate while writing", 1.0, 0.0, 1.0, step=0.05),
        leak=slider("input gate at all other steps", 0.0, 0.0, 1.0, step=0.05),
        show=slider("output gate while reading", 1.0, 0.0, 1.0, step=0.05),
        erase=slider("forget gate while erasing", 0.0, 0.0, 1.0, step=0.05),
    )
