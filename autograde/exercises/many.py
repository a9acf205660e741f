"""Exact gradients of hundreds of weights at a time: every nudge is a row of its own, in one call.

The nudged array gets one axis more, in front; what is computed from it has that axis too. Forward
passes that let it through are written here, and where an exercise needs one: shorter than those of
helpers, slower, and by other hands.
"""

import numpy as np

from helpers.lstm import sigmoid


def gradients_of_many(loss, arguments, names):
    """Gradients by complex step, all elements of an array nudged in one call.

    Args:
        loss: takes a dict of arguments, one of them with a leading axis of nudges; returns one
            number a nudge.
        arguments: dict.
        names: which of them to differentiate.

    Returns:
        dict of arrays.
    """
    found = {}
    for name in names:
        value = arguments[name]
        nudges = 1e-30j * np.eye(value.size).reshape(-1, *value.shape)
        found[name] = loss({**arguments, name: value + nudges}).imag.reshape(value.shape) / 1e-30
    return found


def lstm_step_of_many(x, h, c, Wx, Wh, b):
    """h and c of one step of the LSTM; any of the arguments may have further axes in front."""
    a = x @ Wx + h @ Wh + b[..., None, :]  # (..., N, 4H)
    i, f, o, g = np.split(a, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def lstm_of_many(x, Wx, Wh, b):
    """All h (..., N, T, H) of the LSTM over x (..., N, T, D), from zero states."""
    h = c = np.zeros((x.shape[-3], Wh.shape[-2]))
    states = []
    for t in range(x.shape[-2]):
        h, c = lstm_step_of_many(x[..., t, :], h, c, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=-2)
