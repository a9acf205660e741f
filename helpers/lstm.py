"""The LSTM: one step, its gradient, the sequence, its gradient.

    i, f, o, g = σ, σ, σ, tanh of x_t Wx + h_{t-1} Wh + b, in this order along the columns
    c_t = f c_{t-1} + i g        the cell: a path of its own, with no matrix on it
    h_t = o tanh(c_t)            what others see of it

(Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; CS231n, lecture 10.)
Shapes: N batch size, T time steps, D input features, H hidden units. Gradients of the weights are
sums over batch and time. The steps are written to be read, the sequences also to be fast: they fill
arrays that are made once, time first (see the end of rnn.py).
"""

import numpy as np

from helpers.rnn import batch_first, flat, room_for_gradients, room_for_states, time_first
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
    a, H = x @ Wx + h_prev @ Wh + b, h_prev.shape[1]  # (N, 4H)
    i, f, o = (sigmoid(a[:, k * H : (k + 1) * H]) for k in range(3))  # (N, H) each
    g = np.tanh(a[:, 3 * H :])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, (x, h_prev, c_prev, c, (i, f, o, g), Wx, Wh)


def lstm_step_backward(dh, dc, cache):
    """Gradients of one step.

    Args:
        dh, dc: (N, H) gradients of the loss with respect to the step's h and c; dc is what arrives
            at c from outside, and what comes to it through h is added in here.
        cache: what `lstm_step_forward` returned.

    Returns:
        dx (N, D), dh_prev, dc_prev (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    x, h_prev, c_prev, c, (i, f, o, g), Wx, Wh = cache
    expect_array("dh", dh, h_prev.shape, "that is the shape of h")
    expect_array("dc", dc, h_prev.shape, "that is the shape of c")
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
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, h_prev.T @ da, da.sum(axis=0)


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
    x = time_first(x)  # (T, N, D)
    h, c = (room_for_states(start, x, h0, c0, Wx, Wh, b) for start in (h0, c0))  # (T+1, N, H)
    T, H, tanh_c = len(x), h0.shape[1], np.empty_like(c[1:])
    half = halves(4 * H, H, h.real.dtype)
    rest, Wh_half = 1 - half, Wh * half
    a = sums_of_input(x, Wx * half, b * half, h.dtype)  # (T, N, 4H)
    gates = by_gate(a, H)
    for t in range(T):
        a_t, c_t = a[t], c[t + 1]
        a_t += h[t].dot(Wh_half)  # (N, 4H); at N = 1 dot is the faster of dot and @
        np.tanh(a_t, out=a_t)
        a_t *= half
        a_t += rest  # now they are the gates
        i, f, o, g = gates[t]  # (N, H) each, the same memory
        np.multiply(f, c[t], out=c_t)
        c_t += i * g  # (N, H)
        np.tanh(c_t, out=tanh_c[t])
        np.multiply(o, tanh_c[t], out=h[t + 1])
    return batch_first(h[1:]), c[T], (x, h, c, tanh_c, gates, Wx, Wh)


def halves(columns, H, dtype):
    """Factors that let one tanh serve all gates, since σ(a) = tanh(a/2) / 2 + 1/2.

    Returns:
        (columns,) k, in which k tanh(k a) + (1 - k) is a σ where k is ½, and a tanh where k is 1:
        in the last H columns, those of the candidate.
    """
    k = np.full(columns, 0.5, dtype)
    k[-H:] = 1
    return k


def sums_of_input(x, Wx, b, dtype):
    """x Wx + b of all steps (T, N, D): no step waits for another, so one product serves all."""
    a = np.empty((*x.shape[:2], len(b)), dtype)
    np.matmul(flat(x), Wx, out=flat(a))
    a += b
    return a


def by_gate(a, H):
    """(T, N, kH) -> (T, k, N, H), the same memory."""
    T, N, columns = a.shape
    return a.reshape(T, N, columns // H, H).swapaxes(1, 2)


def lstm_backward(dh, dc_last, cache):
    """Backpropagation through time, along the hidden states and along the cells.

    Args:
        dh: (N, T, H) gradient arriving at every h_t from outside the recurrence.
        dc_last: (N, H) gradient arriving at the last cell.
        cache: what `lstm_forward` returned.

    Returns:
        dx (N, T, D), dh0, dc0 (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    x, h, c, tanh_c, gates, Wx, Wh = cache
    T, N, H = tanh_c.shape
    expect_array("dh", dh, (N, T, H), "that is the shape of h")
    expect_array("dc_last", dc_last, (N, H), "that is the shape of a cell")
    i, f, o, g = gates.swapaxes(0, 1)  # (T, N, H) each
    dh = room_for_gradients(dh, h)  # (T+1, N, H)
    dc = dc_last.astype(dh.dtype)
    da = np.empty((T, N, 4 * H), dh.dtype)  # slopes at first; the loop makes them gradients
    slopes = by_gate(da, H)
    np.multiply(g * i, 1 - i, out=slopes[:, 0])  # σ' = σ (1 - σ)
    np.multiply(c[:-1] * f, 1 - f, out=slopes[:, 1])
    np.multiply(tanh_c * o, 1 - o, out=slopes[:, 2])
    np.multiply(i, 1 - g * g, out=slopes[:, 3])  # tanh' = 1 - tanh²
    to_c = o * (1 - tanh_c * tanh_c)
    for t in reversed(range(T)):
        dh_t, dh_prev, (di, df, do, dg) = dh[t + 1], dh[t], slopes[t]
        dc += dh_t * to_c[t]  # (N, H): c reaches the loss both ways
        di *= dc
        df *= dc
        do *= dh_t
        dg *= dc
        dc *= f[t]
        dh_prev += da[t].dot(Wh.T)  # what the step sends back meets what comes from outside
    da = flat(da)  # (T*N, 4H)
    weights = flat(x).T @ da, flat(h[:-1]).T @ da, da.sum(axis=0)
    return batch_first((da @ Wx.T).reshape(x.shape)), dh[0], dc, *weights


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
