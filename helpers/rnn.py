"""The vanilla recurrent cell: one step, its gradient, the sequence, its gradient.

    h_t = tanh(x_t Wx + h_{t-1} Wh + b)        (Elman 1990; CS231n, lecture 10)

Shapes: N batch size, T time steps, D input features, H hidden units, V scores.
Gradients of the weights are sums over batch and time: no average is taken in here,
that belongs to the loss.
"""

from itertools import pairwise

import numpy as np

from helpers.validate import expect_array, expect_cell


def rnn_step(x, h_prev, Wx, Wh, b):
    """One step of the recurrence.

    Args:
        x: (N, D) this step's input.
        h_prev: (N, H) the state before it.
        Wx, Wh, b: (D, H), (H, H), (H,).

    Returns:
        h (N, H), the state after it.

    Raises:
        TypeError, ValueError: an argument that does not fit the others; the message says which.
    """
    expect_cell(x, h_prev, Wx, Wh, b)
    return np.tanh(x @ Wx + h_prev @ Wh + b)  # (N, H)


def rnn_step_forward(x, h_prev, Wx, Wh, b):
    """One step that also keeps what its backward pass will need.

    Returns:
        h (N, H) and a cache for `rnn_step_backward`.
    """
    h = rnn_step(x, h_prev, Wx, Wh, b)
    return h, (x, h_prev, Wx, Wh, h)


def rnn_step_backward(dh, cache):
    """Gradients of one step, by the chain rule from its output to its inputs.

    Args:
        dh: (N, H) gradient of the loss with respect to the step's h.
        cache: what `rnn_step_forward` returned.

    Returns:
        dx (N, D), dh_prev (N, H), dWx (D, H), dWh (H, H), db (H,).
    """
    x, h_prev, Wx, Wh, h = cache
    expect_array("dh", dh, h.shape, "that is the shape of h")
    da = dh * (1 - h * h)  # (N, H): tanh' = 1 - tanh²
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    """The recurrence over a whole sequence, the same weights at every step.

    Args:
        x: (N, T, D).
        h0: (N, H) the state before the first step.
        Wx, Wh, b: as in `rnn_step`.

    Returns:
        h (N, T, H) the states h_1 ... h_T, and a cache for `rnn_backward`.
    """
    expect_array("x", x, ("N", "T", "D"))
    expect_cell(x, h0, Wx, Wh, b, state="h0")
    x = time_first(x)  # (T, N, D)
    h = room_for_states(h0, x, Wx, Wh, b)  # (T+1, N, H)
    a = h[1:]  # a step's sum before tanh stands where its state will
    np.matmul(flat(x), Wx, out=flat(a))  # no step waits for another: one product serves all
    a += b
    recur(h, Wh)
    return batch_first(h[1:]), (x, Wx, Wh, h)


def recur(h, Wh):
    """h_t = tanh(a_t + h_{t-1} Wh) in place: h (T+1, N, H) holds h_0, a_1, ... a_T."""
    for h_prev, h_t in pairwise(h):
        h_t += h_prev.dot(Wh)  # (N, H); at N = 1 dot is the faster of dot and @
        np.tanh(h_t, out=h_t)


def rnn_backward(dh, cache):
    """Backpropagation through time.

    The state h_t is used twice, by the loss at t and by step t+1, so two gradients meet in
    it; the weights are used T times, so their gradient is a sum over the steps.

    Args:
        dh: (N, T, H) gradient arriving at every h_t from outside the recurrence.
        cache: what `rnn_forward` returned.

    Returns:
        dx (N, T, D), dh0 (N, H), dWx (D, H), dWh (H, H), db (H,).
    """
    x, Wx, Wh, h = cache
    T, N, H = h[1:].shape
    expect_array("dh", dh, (N, T, H), "that is the shape of h")
    dh = room_for_gradients(dh, h)  # (T+1, N, H)
    da, dh0, dWh, db = recur_backward(dh, h, Wh)
    return batch_first((da @ Wx.T).reshape(x.shape)), dh0, flat(x).T @ da, dWh, db


def recur_backward(dh, h, Wh):
    """Gradients of `recur` in place: in dh (T+1, N, H) da_t, the one before tanh, replaces dh_t.

    Returns:
        da (T*N, H), dh0 (N, H), dWh (H, H), db (H,).
    """
    slope = 1 - h[1:] * h[1:]  # (T, N, H): tanh' = 1 - tanh²
    for t in reversed(range(len(slope))):
        da, dh_prev = dh[t + 1], dh[t]
        da *= slope[t]  # (N, H)
        dh_prev += da.dot(Wh.T)  # what the step sends back meets what comes from outside
    da = flat(dh[1:])  # (T*N, H)
    return da, dh[0], flat(h[:-1]).T @ da, da.sum(axis=0)


def rnn_unroll(x, h0, Wx, Wh, b):
    """All states of the unrolled recurrence.

    Args:
        x: (N, T, D), any T.
        h0: (N, H).
        Wx, Wh, b: as in `rnn_step`.

    Returns:
        h (N, T, H).
    """
    return rnn_forward(x, h0, Wx, Wh, b)[0]


def readout(h, Wy, by):
    """Scores from states, the same weights at every step.

    Args:
        h: (..., H).
        Wy, by: (H, V), (V,).

    Returns:
        scores (..., V).
    """
    if np.ndim(h) == 0:
        raise ValueError("h: expected shape (..., H), got a single number; pass the state array")
    expect_array("h", h, h.shape if isinstance(h, np.ndarray) else ("H",))
    H = h.shape[-1]
    expect_array("Wy", Wy, (H, "V"), f"h has {H} units")
    expect_array("by", by, (Wy.shape[1],), f"Wy makes {Wy.shape[1]} scores")
    return h @ Wy + by  # (..., V)


def readout_backward(dscores, h, Wy):
    """Gradients of `readout`.

    Args:
        dscores: (..., V).
        h, Wy: what `readout` was given.

    Returns:
        dh (..., H), dWy (H, V), dby (V,).
    """
    expect_array("dscores", dscores, (*h.shape[:-1], Wy.shape[1]), "readout gives that shape")
    rows = flat(dscores)
    return dscores @ Wy.T, flat(h).T @ rows, rows.sum(axis=0)


def init_rnn(D, H, rng, dtype=np.float64):
    """Weights of a vanilla cell: normal with variance 1/fan-in, zero bias.

    Args:
        D, H: input features and hidden units.
        rng: np.random.Generator.

    Returns:
        Wx (D, H), Wh (H, H), b (H,).
    """
    Wx = rng.standard_normal((D, H)) / np.sqrt(D)
    Wh = rng.standard_normal((H, H)) / np.sqrt(H)
    return Wx.astype(dtype), Wh.astype(dtype), np.zeros(H, dtype)


# How the sequences of every cell lie in memory: with time as the first axis, so that the rows of a
# step stand side by side and those of all steps are one matrix, for one product. What the passes
# do in place they do to arrays of their own.


def time_first(sequence):
    """(N, T, D) -> (T, N, D), a copy."""
    return sequence.swapaxes(0, 1).copy()


batch_first = time_first  # (T, N, D) -> (N, T, D): the same exchange


def flat(sequence):
    """(T, N, D) -> (T*N, D), without a copy."""
    return sequence.reshape(-1, sequence.shape[-1])


def room_for_states(h0, x, *weights):
    """An array (T+1, N, H) for h_0 ... h_T with h_0 in its place: of floats, as wide as the widest.

    Args:
        h0: (N, H).
        x: (T, N, D), or anything as long.
        weights: whatever else goes into a state.
    """
    states = np.empty((len(x) + 1, *h0.shape), np.result_type(h0, x, *weights, np.float16))
    states[0] = h0
    return states


def room_for_gradients(dh, states):
    """dh (N, T, H) with time first, after a place for dh0, zero so far: (T+1, N, H)."""
    gradients = np.empty(states.shape, np.result_type(dh, states))
    gradients[0], gradients[1:] = 0, dh.swapaxes(0, 1)
    return gradients
