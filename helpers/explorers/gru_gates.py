"""One unit of a GRU with its gates in your hands: what is kept, what is written, what is seen."""

import matplotlib.pyplot as plt
import numpy as np

from helpers import plots
from helpers.explorers import Explorer, slider

STEPS = 12
WRITE, DISTURB = 3, 8  # the steps at which an input arrives
DISTURBANCE = -0.6
W_HN = 2.0  # from the state, as far as r lets it through, to the candidate


def gated_unit(z, r, written):
    """The unit over all steps: empty at first, opened for one value, then on its own.

    Until `WRITE` nothing arrives. At `WRITE` z is 0, whatever the slider says, and the value is
    written; from then on z is the slider's. At `DISTURB` another input comes by.

    Args:
        z: how much is kept at every step after the write.
        r: how much of the state the candidate sees, at every step.
        written: the value that the candidate should bring, between -1 and 1.

    Returns:
        dict of arrays (STEPS,): the input x, the candidate n, both shares of the state, kept and
        new, and the state h.
    """
    x = np.zeros(STEPS)
    x[WRITE - 1], x[DISTURB - 1] = np.arctanh(written), np.arctanh(DISTURBANCE)
    h, found = 0.0, {name: np.zeros(STEPS) for name in ("n", "kept", "new", "h")}
    for t in range(STEPS):
        keep = 0.0 if t == WRITE - 1 else z
        n = np.tanh(x[t] + W_HN * r * h)
        kept, new = keep * h, (1 - keep) * n
        h = kept + new
        for name, value in zip(found, (n, kept, new, h), strict=True):
            found[name][t] = value
    return {"x": x, **found}


def draw_unit(z, r, written):
    """The two shares of the state at each step, their sum, and what arrives.

    Returns:
        figure, alt text.
    """
    found, steps = gated_unit(z, r, written), np.arange(1, STEPS + 1)
    fig, ax = plt.subplots(figsize=(8.5, 3.8))
    ax.bar(steps - 0.2, found["kept"], 0.4, color=plots.BLUE, label="kept: z h_prev")
    look = {"color": plots.ORANGE, "hatch": "//", "edgecolor": "white"}
    ax.bar(steps + 0.2, found["new"], 0.4, label="new: (1 − z) n", **look)
    ax.plot(steps, found["h"], "o-", color=plots.BLACK, label="state h, their sum")
    for t, said in ((WRITE, f"write {written:.1f}"), (DISTURB, f"disturb {DISTURBANCE}")):
        ax.annotate(said, (t + 0.1, -1.28), fontsize=9)
        ax.axvline(t, color="grey", linestyle=":", zorder=0)
    ax.set(xlabel="step", ylabel="state of the unit", ylim=(-1.4, 1.7), xticks=steps)
    before, after = found["h"][DISTURB - 2], found["h"][-1]
    ax.set_title(f"z = {z:.1f}, r = {r:.1f}: {written:.1f} becomes {before:.2f}, then {after:.2f}")
    ax.legend(loc="upper center", ncols=3)
    return fig, (
        f"State of one unit over {STEPS} steps with z = {z:.1f} and r = {r:.1f}. At step {WRITE} "
        f"it is written with {written:.1f}; the step before the disturbance of {DISTURBANCE} it is "
        f"{before:.2f}, after it {found['h'][DISTURB - 1]:.2f}, and at the end "
        f"{after:.2f}."
    )


def gru_explorer():
    """Slide z and r, and see a value kept, overwritten, or made anew by the candidate."""
    return Explorer(
        draw_unit,
        z=slider("z after the write: how much is kept", 0.8, 0.0, 1.0, step=0.1),
        r=slider("r: how much of the past the candidate sees", 0.0, 0.0, 1.0, step=0.1),
        written=slider("value written at step 3", 0.8, -0.9, 0.9, step=0.1),
    )
