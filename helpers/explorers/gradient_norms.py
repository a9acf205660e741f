"""A gradient on its way back: through Wh alone, through a tanh RNN, and through an LSTM."""

from functools import cache

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from helpers import plots
from helpers.explorers import Explorer, slider
from helpers.gradient_flow import (
    gradient_norms,
    lstm_gradient_norms,
    orthogonal,
    rescale,
    tanh_gradient_norms,
)
from helpers.lstm import init_lstm
from helpers.rnn import rnn_forward

N, D, H, LONGEST = 8, 8, 24, 100
START = ("random", "orthogonal")
FLOOR, CEILING = 1e-14, 1e10  # of the picture
# name -> (colour, line, marker)
LOOKS = {
    "Wh alone, no tanh": (plots.BLACK, ":", ""),
    "tanh RNN": (plots.RED, "-", "o"),
    "LSTM, at h": (plots.BLUE, "--", "s"),
    "LSTM, at c": (plots.SKY, "-", "^"),
}


@cache
def _drawn(start):
    """What never changes while the sliders move: weights of gain 1, inputs, a gradient."""
    rng = np.random.default_rng(0)
    x, dh_last = rng.standard_normal((N, LONGEST, D)), rng.standard_normal((N, H))
    Wx, lstm_Wh, _ = init_lstm(D, H, rng)
    if start == "orthogonal":
        lstm_Wh = np.hstack([orthogonal(H, rng) for _ in range(4)])
    return x, dh_last, Wx, lstm_Wh


def norm_curves(radius, T, gain, forget_bias, start):
    """How large a gradient is at every state, relative to what it was at the last one.

    Args:
        radius: the spectral radius of Wh; in the LSTM, of each of its four.
        T: steps.
        gain: what Wx is multiplied by; the larger, the more saturated are the units.
        forget_bias: of the LSTM.
        start: one of `START`.

    Returns:
        dict from the keys of `LOOKS` to (T,) norms, from h_T back to h_1, and the mean slope of
        tanh in the RNN.
    """
    x, dh_last, Wx, lstm_Wh = _drawn(start)
    x, h0 = gain * x[:, :T], np.zeros((N, H))
    four = [rescale(W, radius) for W in np.split(lstm_Wh, 4, axis=1)]  # as i, f, o, g
    Wh, rnn_Wx = four[3], Wx[:, 3 * H :]  # the RNN is built as the LSTM's g is
    own = np.sqrt((dh_last**2).sum()) / N
    b = np.zeros(4 * H)
    b[H : 2 * H] = forget_bias
    at_h, at_c = lstm_gradient_norms(x, h0, h0, Wx, np.hstack(four), b, dh_last)
    rnn = x, h0, rnn_Wx, Wh, np.zeros(H)
    curves = (
        np.append(own, gradient_norms(Wh, dh_last, T - 1)),
        tanh_gradient_norms(*rnn, dh_last),
        at_h,
        at_c,
    )
    slope = 1 - rnn_forward(*rnn)[0] ** 2
    return {name: c / own for name, c in zip(LOOKS, curves, strict=True)}, float(slope.mean())


def draw_norms(radius, T, gain, forget_bias, start):
    """The four curves on a log axis.

    Args:
        radius, T, gain, forget_bias, start: as in `norm_curves`.

    Returns:
        figure, alt text.
    """
    curves, slope = norm_curves(radius, T, gain, forget_bias, start)
    fig, ax = plt.subplots(figsize=(9, 4.0))
    for name, norms in curves.items():
        colour, line, marker = LOOKS[name]
        shown = np.clip(norms, 1e-300, 1e300)  # the axes crop what leaves the picture
        every = max(1, T // 10)
        label = f"{name}: {norms[-1]:.0e}"
        ax.semilogy(shown, line, marker=marker, markevery=every, ms=5, color=colour, label=label)
    ax.axhline(1, color="grey", lw=0.8)
    ax.set(xlim=(0, T - 1), ylim=(FLOOR, CEILING))
    ax.set(xlabel="steps back from the end", ylabel="norm of the gradient, at the end 1")
    ax.set_title(f"After {T - 1} steps back: radius {radius:.2f}, mean slope of tanh {slope:.2f}")
    fig.legend(loc="outside right center", title="what is left at the first state")
    ends = ", ".join(f"{name} {norms[-1]:.1e}" for name, norms in curves.items())
    return fig, (
        f"Norm of the gradient against steps back, on a log axis; start {start}, spectral "
        f"radius {radius:.2f}, input gain {gain:.2f} and forget bias {forget_bias:.1f}; the mean "
        f"slope of tanh in the RNN is {slope:.2f}. After {T - 1} steps: {ends}."
    )


def norm_explorer():
    """Slide the radius, the length and the saturation, and see what is left of a gradient."""
    return Explorer(
        draw_norms,
        radius=slider("spectral radius of Wh", 1.0, 0.5, 1.6, step=0.05),
        T=slider("time steps T", 40, 5, LONGEST),
        gain=slider("saturation: gain of the input", 0.5, 0.0, 4.0, step=0.25),
        forget_bias=slider("LSTM: forget bias", 3.0, 0.0, 6.0, step=0.5),
        start=widgets.ToggleButtons(options=list(START), description="start"),
    )
