"""Attention: a state asks, places answer, and their answers are mixed by how well they fit.

    scores_l = h · keys_l / sqrt(H)
    weights = softmax(scores)
    context = sum over l of weights_l values_l

Scaled dot product (Vaswani et al. 2017), soft attention over a grid (Xu et al. 2015). Shapes:
N batch size, L places, H hidden units (and the width of a key), D the width of a value.
"""

import numpy as np

from helpers.losses import softmax
from helpers.lstm import lstm_step_backward, lstm_step_forward
from helpers.validate import expect_array


def attention_forward(h, keys, values):
    """One look.

    Args:
        h: (N, H) the state that asks.
        keys: (N, L, H) what each place is asked about.
        values: (N, L, D) what each place answers.

    Returns:
        context (N, D), weights (N, L) that sum to 1, and a cache for `attention_backward`.

    Raises:
        TypeError, ValueError: an argument that does not fit the others; the message says which.
    """
    expect_array("h", h, ("N", "H"))
    N, H = h.shape
    expect_array("keys", keys, (N, "L", H), f"h has {N} rows of {H} units")
    L = keys.shape[1]
    expect_array("values", values, (N, L, "D"), f"keys has {L} places")
    if L == 0:
        raise ValueError("keys: expected at least one place, got none; check the grid")
    scores = (keys @ h[:, :, None])[:, :, 0] / np.sqrt(H, dtype=h.real.dtype)  # (N, L)
    weights = softmax(scores)
    context = (weights[:, None] @ values)[:, 0]  # (N, D)
    return context, weights, (h, keys, values, weights)


def attention_backward(dcontext, cache):
    """Gradients of one look.

    The softmax's Jacobian is diag(w) - w wᵀ, so that dscores = w (dw - Σ w dw).

    Args:
        dcontext: (N, D).
        cache: what `attention_forward` returned.

    Returns:
        dh (N, H), dkeys (N, L, H), dvalues (N, L, D).
    """
    h, keys, values, weights = cache
    expect_array("dcontext", dcontext, (len(h), values.shape[2]), "that is the shape of context")
    dvalues = weights[:, :, None] * dcontext[:, None]  # (N, L, D)
    dweights = (values @ dcontext[:, :, None])[:, :, 0]  # (N, L)
    dscores = weights * (dweights - (weights * dweights).sum(axis=1, keepdims=True))
    dscores = dscores / np.sqrt(h.shape[1], dtype=h.real.dtype)
    dh = (dscores[:, None] @ keys)[:, 0]  # (N, H)
    return dh, dscores[:, :, None] * h[:, None], dvalues


def attention_lstm_step_forward(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    """One step of an LSTM that looks at the places first, asking with its state.

    The context is one more input: x Wx + context Wz is [x, context] [Wx; Wz].

    Args:
        x: (N, E) this step's input.
        h_prev, c_prev: (N, H).
        keys, values: (N, L, H), (N, L, D).
        Wx, Wh, Wz, b: (E, 4H), (H, 4H), (D, 4H), (4H,); gates in the order i, f, o, g.

    Returns:
        h (N, H), c (N, H), weights (N, L), and a cache for `attention_lstm_step_backward`.
    """
    expect_array("x", x, ("N", "E"))
    context, weights, look = attention_forward(h_prev, keys, values)
    N, D = context.shape
    expect_array("Wz", Wz, (D, 4 * h_prev.shape[1]), f"values are {D} wide, and it feeds 4 gates")
    expect_array("Wx", Wx, (x.shape[1], 4 * h_prev.shape[1]), f"x has {x.shape[1]} features")
    both, weights_of_both = np.concatenate([x, context], axis=1), np.concatenate([Wx, Wz])
    h, c, step = lstm_step_forward(both, h_prev, c_prev, weights_of_both, Wh, b)
    return h, c, weights, (look, step, x.shape[1])


def attention_lstm_step_backward(dh, dc, cache):
    """Gradients of one step; the state before it is reached through the gates and through the look.

    Args:
        dh, dc: (N, H).
        cache: what `attention_lstm_step_forward` returned.

    Returns:
        dx (N, E), dh_prev, dc_prev (N, H), dkeys (N, L, H), dvalues (N, L, D), dWx (E, 4H),
        dWh (H, 4H), dWz (D, 4H), db (4H,).
    """
    look, step, E = cache
    dboth, dh_prev, dc_prev, dW, dWh, db = lstm_step_backward(dh, dc, step)
    dh_look, dkeys, dvalues = attention_backward(dboth[:, E:], look)
    return dboth[:, :E], dh_prev + dh_look, dc_prev, dkeys, dvalues, dW[:E], dWh, dW[E:], db
