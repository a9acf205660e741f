"""The LSTM: one step, its gradient, the sequence, its gradient.

    i, f, o, g = σ, σ, σ, tanh of x_t Wx + h_{t-1} Wh + b, in this order along the columns
    c_t = f c_{t-1} + i g        the cell: a path of its own, with no matrix on it
    h_t = o tanh(c_t)            what others see of it

(Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; CS231n, lecture 10.)
Shapes: N batch size, T time steps, D input features, H hidden units. Gradients of the weights are
sums over batch and time.
"""

import numpy as np

from helpers.validate import expect_array, expect_cell


def sigmoid(x):
    """1 / (1 + exp(-x)), written with tanh, which overflows nowhere: σ(x) = (tanh(x/2) + 1) / 2."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
    """One step of the LSTM.

    Args:
        x: (N, D) this step's input.
        h_prev, c_prev: (N, H) the hidden state and the cell before it.
        Wx, Wh, b: (D, 4H), (H, 4H), (4H,), the gates' columns in the order i, f, o, g.

    Returns:
        h (N, H), c (N, H) and a cache for `lstm_step_backward`.

    Raises:
        TypeError, ValueError: an argument that does not fit the others; the message says which.
    """
    expect_cell(x, h_prev, Wx, Wh, b, gates=4)
    expect_array("c_prev", c_prev, h_prev.shape, "that is the shape of h_prev")
    gates = _gates(x @ Wx + h_prev @ Wh + b)
    h, c = _next_state(c_prev, gates)
    return h, c, (x, h_prev, c_prev, c, gates, Wx, Wh)


def _gates(a):
    """The four gates from the sums before them: a (N, 4H) -> i, f, o, g, each (N, H)."""
    H = a.shape[1] // 4
    i, f, o = (sigmoid(a[:, k * H : (k + 1) * H]) for k in range(3))
    return i, f, o, np.tanh(a[:, 3 * H :])


def _next_state(c_prev, gates):
    i, f, o, g = gates
    c = f * c_prev + i * g  # (N, H)
    return o * np.tanh(c), c


def lstm_step_backward(dh, dc, cache):
    """Gradients of one step.

    Args:
        dh, dc: (N, H) gradients of the loss with respect to the step's h and c; dc is what arrives
            at c from outside, and what comes to it through h is added in here.
        cache: what `lstm_step_forward` returned.

    Returns:
        dx (N, D), dh_prev, dc_prev (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    x, h_prev, c_prev, c, gates, Wx, Wh = cache
    expect_array("dh", dh, h_prev.shape, "that is the shape of h")
    expect_array("dc", dc, h_prev.shape, "that is the shape of c")
    da, dc_prev = _gates_backward(dh, dc, c_prev, c, gates)  # (N, 4H), (N, H)
    return da @ Wx.T, da @ Wh.T, dc_prev, x.T @ da, h_prev.T @ da, da.sum(axis=0)


def _gates_backward(dh, dc, c_prev, c, gates):
    """From dh and dc back to the sums before the gates, and along the cell to c_prev."""
    i, f, o, g = gates
    tanh_c = np.tanh(c)
    dc = dc + dh * o * (1 - tanh_c * tanh_c)  # (N, H): c reaches the loss both ways
    da = np.concatenate(  # (N, 4H): σ' = σ (1 - σ), tanh' = 1 - tanh²
        [
            dc * g * i * (1 - i),
            dc * c_prev * f * (1 - f),
            dh * tanh_c * o * (1 - o),
            dc * i * (1 - g * g),
        ],
        axis=1,
    )
    return da, dc * f


def lstm_forward(x, h0, c0, Wx, Wh, b):
    """The LSTM over a whole sequence.

    Args:
        x: (N, T, D).
        h0, c0: (N, H) the states before the first step.
        Wx, Wh, b: as in `lstm_step_forward`.

    Returns:
        h (N, T, H), c_last (N, H) and a cache for `lstm_backward`.
    """
    expect_array("x", x, ("N", "T", "D"))
    expect_cell(x, h0, Wx, Wh, b, gates=4, state="h0")
    expect_array("c0", c0, h0.shape, "that is the shape of h0")
    from_input = x @ Wx + b  # (N, T, 4H): no step waits for another, so one product serves all
    hs, cs, gates = [h0], [c0], []
    for t in range(x.shape[1]):
        gates.append(_gates(from_input[:, t] + hs[-1] @ Wh))
        h, c = _next_state(cs[-1], gates[-1])
        hs.append(h)
        cs.append(c)
    h = np.stack(hs[1:], axis=1)  # (N, T, H)
    return h, cs[-1], (x, hs[:-1], cs[:-1], cs[1:], gates, Wx, Wh)


def lstm_backward(dh, dc_last, cache):
    """Backpropagation through time, along the hidden states and along the cells.

    Args:
        dh: (N, T, H) gradient arriving at every h_t from outside the recurrence.
        dc_last: (N, H) gradient arriving at the last cell.
        cache: what `lstm_forward` returned.

    Returns:
        dx (N, T, D), dh0, dc0 (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    x, h_before, c_before, c, gates, Wx, Wh = cache
    N, T, D = x.shape
    H = Wh.shape[0]
    expect_array("dh", dh, (N, T, H), "that is the shape of h")
    expect_array("dc_last", dc_last, (N, H), "that is the shape of a cell")
    da = np.empty((N, T, 4 * H), np.result_type(dh, Wh))  # gradient before the gates
    dh_next, dc_next = np.zeros_like(dh[:, 0]), dc_last
    for t in reversed(range(T)):
        da[:, t], dc_next = _gates_backward(
            dh[:, t] + dh_next, dc_next, c_before[t], c[t], gates[t]
        )
        dh_next = da[:, t] @ Wh.T
    flat = da.reshape(N * T, 4 * H)
    dWx = x.reshape(N * T, D).T @ flat  # (D, 4H)
    dWh = np.stack(h_before, axis=1).reshape(N * T, H).T @ flat  # (H, 4H)
    return da @ Wx.T, dh_next, dc_next, dWx, dWh, flat.sum(axis=0)


def init_lstm(D, H, rng, forget_bias=1.0, dtype=np.float64):
    """Weights of an LSTM: normal with variance 1/fan-in, zero bias but for the forget gate.

    A forget bias of 1 starts the cell with its gate at σ(1) = .73 in place of .5, so that what is
    written is kept for longer before anything has been learned (Gers et al. 2000; Jozefowicz et
    al. 2015).

    Args:
        D, H: input features and hidden units.
        rng: np.random.Generator.
        forget_bias: where the forget gate's bias starts.

    Returns:
        Wx (D, 4H), Wh (H, 4H), b (4H,).
    """
    Wx = rng.standard_normal((D, 4 * H)) / np.sqrt(D)
    Wh = rng.standard_normal((H, 4 * H)) / np.sqrt(H)
    b = np.zeros(4 * H, dtype)
    b[H : 2 * H] = forget_bias
    return Wx.astype(dtype), Wh.astype(dtype), b


def cell_gradient(f):
    """d c_T / d c_t along the cell path alone: the product of the forget gates after t.

    Args:
        f: (N, T, H) the forget gates f_1 ... f_T.

    Returns:
        (N, T, H): [:, t] belongs to the t-th cell; the last is ones.
    """
    expect_array("f", f, ("N", "T", "H"))
    later = np.ones_like(f)
    for t in reversed(range(f.shape[1] - 1)):
        later[:, t] = later[:, t + 1] * f[:, t + 1]
    return later
