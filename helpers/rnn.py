"""The vanilla recurrent cell: one step, its gradient, the sequence, its gradient.

    h_t = tanh(x_t Wx + h_{t-1} Wh + b)        (Elman 1990; CS231n, lecture 10)

Shapes: N batch size, T time steps, D input features, H hidden units, V scores.
Gradients of the weights are sums over batch and time: no average is taken in here,
that belongs to the loss.
"""

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
    from_input = x @ Wx + b  # (N, T, H): no step waits for another, so one product serves all
    states = [h0]
    for t in range(x.shape[1]):
        states.append(np.tanh(from_input[:, t] + states[-1] @ Wh))  # (N, H)
    h = np.stack(states[1:], axis=1)  # (N, T, H)
    return h, (x, h0, Wx, Wh, h)


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
    x, h0, Wx, Wh, h = cache
    expect_array("dh", dh, h.shape, "that is the shape of h")
    slope = 1 - h * h  # (N, T, H)
    da = np.empty_like(slope, dtype=np.result_type(dh, slope))  # gradient before tanh
    dh_next = np.zeros_like(h0)  # (N, H) what step t+1 sends back to h_t
    for t in reversed(range(h.shape[1])):
        da[:, t] = (dh[:, t] + dh_next) * slope[:, t]
        dh_next = da[:, t] @ Wh.T
    h_prev = np.concatenate([h0[:, None], h[:, :-1]], axis=1)  # (N, T, H): h_0 ... h_{T-1}
    dWx = _over_batch_and_time(x, da)  # (D, H)
    dWh = _over_batch_and_time(h_prev, da)  # (H, H)
    return da @ Wx.T, dh_next, dWx, dWh, da.sum(axis=(0, 1))


def _over_batch_and_time(left, right):
    """Sum over n, t of the outer products left[n, t] x right[n, t], as one matrix product."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


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
    dWy = _over_batch_and_time(h, dscores)  # (H, V)
    return dscores @ Wy.T, dWy, dscores.reshape(-1, Wy.shape[1]).sum(axis=0)


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
