"""The GRU: one step, its gradient, the sequence, its gradient.

    z, r = σ of their columns of x_t Wx + h_{t-1} Wh + b         (columns in the order z, r, n)
    n = tanh(x_t Wxn + (r h_{t-1}) Whn + bn)                     the candidate
    h_t = (1 - z) n + z h_{t-1}

That is the published form (Cho et al. 2014), with the reset gate before the product. cuDNN and
PyTorch compute another, in which one product serves all three gates; `reset_after=True` takes it:

    n = tanh(x_t Wxn + bn + r (h_{t-1} Whn + bhn))

There b may have H more entries, bhn, the last of its columns. Shapes: N batch size, T time steps,
D input features, H hidden units. Gradients of the weights are sums over batch and time.
"""

import numpy as np

from helpers.lstm import sigmoid
from helpers.rnn import init_rnn
from helpers.validate import expect_array, expect_cell


def gru_step_forward(x, h_prev, Wx, Wh, b, reset_after=False):
    """One step of the GRU.

    Args:
        x: (N, D) this step's input.
        h_prev: (N, H) the state before it.
        Wx, Wh, b: (D, 3H), (H, 3H), (3H,), the columns in the order z, r, n.
        reset_after: the form of cuDNN and PyTorch; b may then be (4H,).

    Returns:
        h (N, H) and a cache for `gru_step_backward`.

    Raises:
        TypeError, ValueError: an argument that does not fit the others; the message says which.
    """
    b, bhn = _split_bias(b, h_prev, reset_after)
    expect_cell(x, h_prev, Wx, Wh, b, gates=3)
    h, inside = _step(x @ Wx + b, h_prev, Wh, bhn, reset_after)
    return h, (x, h_prev, Wx, Wh, bhn, inside)


def _split_bias(b, h_prev, reset_after):
    """b (3H,), and bhn (H,) or None."""
    H = h_prev.shape[-1] if isinstance(h_prev, np.ndarray) and h_prev.ndim == 2 else 0
    extra = reset_after and isinstance(b, np.ndarray) and b.shape == (4 * H,)
    return (b[: 3 * H], b[3 * H :]) if extra else (b, None)


def _step(a, h_prev, Wh, bhn, reset_after):
    """The state from a = x Wx + b (N, 3H), and what the way back needs."""
    H = h_prev.shape[1]
    if reset_after:
        from_state = h_prev @ Wh  # (N, 3H): one product for all three
        zr = sigmoid(a[:, : 2 * H] + from_state[:, : 2 * H])
        z, r = zr[:, :H], zr[:, H:]
        m = from_state[:, 2 * H :] + (0 if bhn is None else bhn)  # (N, H) what r scales
        n = np.tanh(a[:, 2 * H :] + r * m)
    else:
        zr = sigmoid(a[:, : 2 * H] + h_prev @ Wh[:, : 2 * H])
        z, r = zr[:, :H], zr[:, H:]
        m = r * h_prev  # (N, H) what the candidate sees of the past
        n = np.tanh(a[:, 2 * H :] + m @ Wh[:, 2 * H :])
    return (1 - z) * n + z * h_prev, (z, r, n, m, reset_after)


def gru_step_backward(dh, cache):
    """Gradients of one step.

    Args:
        dh: (N, H) gradient of the loss with respect to the step's h.
        cache: what `gru_step_forward` returned.

    Returns:
        dx (N, D), dh_prev (N, H), dWx (D, 3H), dWh (H, 3H), db, of the shape of b.
    """
    x, h_prev, Wx, Wh, bhn, inside = cache
    expect_array("dh", dh, h_prev.shape, "that is the shape of h")
    da, dm, dh_prev = _step_back(dh, h_prev, Wh, inside)
    return da @ Wx.T, dh_prev, x.T @ da, *_recurrent_gradients(h_prev, da, dm, bhn, inside)


def _step_back(dh, h_prev, Wh, inside):
    """From dh to the sums before the gates, to m, and to h_prev."""
    z, r, n, m, reset_after = inside
    H = h_prev.shape[1]
    dz = dh * (h_prev - n)
    dan = dh * (1 - z) * (1 - n * n)  # (N, H) before the candidate's tanh
    if reset_after:
        dm = dan * r
        dr = dan * m
        dh_prev = dh * z + dm @ Wh[:, 2 * H :].T
    else:
        dm = dan @ Wh[:, 2 * H :].T
        dr = dm * h_prev
        dh_prev = dh * z + dm * r
    da = np.concatenate([dz * z * (1 - z), dr * r * (1 - r), dan], axis=1)  # (N, 3H)
    return da, dm, dh_prev + da[:, : 2 * H] @ Wh[:, : 2 * H].T


def _recurrent_gradients(h_prev, da, dm, bhn, inside):
    """dWh and db, given rows of batch, or of batch and time."""
    *_, m, reset_after = inside
    H = h_prev.shape[1]
    db = da.sum(axis=0)
    if not reset_after:
        candidate = m.T @ da[:, 2 * H :]  # (H, H): m = r h_prev stood before Whn
        return np.concatenate([h_prev.T @ da[:, : 2 * H], candidate], axis=1), db
    dWh = h_prev.T @ np.concatenate([da[:, : 2 * H], dm], axis=1)  # (H, 3H)
    return dWh, db if bhn is None else np.concatenate([db, dm.sum(axis=0)])


def gru_forward(x, h0, Wx, Wh, b, reset_after=False):
    """The GRU over a whole sequence.

    Args:
        x: (N, T, D).
        h0: (N, H) the state before the first step.
        Wx, Wh, b, reset_after: as in `gru_step_forward`.

    Returns:
        h (N, T, H) and a cache for `gru_backward`.
    """
    expect_array("x", x, ("N", "T", "D"))
    b, bhn = _split_bias(b, h0, reset_after)
    expect_cell(x, h0, Wx, Wh, b, gates=3, state="h0")
    from_input = x @ Wx + b  # (N, T, 3H): no step waits for another, so one product serves all
    states, insides = [h0], []
    for t in range(x.shape[1]):
        h, inside = _step(from_input[:, t], states[-1], Wh, bhn, reset_after)
        states.append(h)
        insides.append(inside)
    return np.stack(states[1:], axis=1), (x, states[:-1], Wx, Wh, bhn, insides)


def gru_backward(dh, cache):
    """Backpropagation through time.

    Args:
        dh: (N, T, H) gradient arriving at every h_t from outside the recurrence.
        cache: what `gru_forward` returned.

    Returns:
        dx (N, T, D), dh0 (N, H), dWx (D, 3H), dWh (H, 3H), db, of the shape of b.
    """
    x, h_before, Wx, Wh, bhn, insides = cache
    N, T, D = x.shape
    H = Wh.shape[0]
    expect_array("dh", dh, (N, T, H), "that is the shape of h")
    da = np.empty((N, T, 3 * H), np.result_type(dh, Wh))  # gradient before the gates
    dm = np.empty((N, T, H), da.dtype)
    dh_next = np.zeros_like(dh[:, 0])
    for t in reversed(range(T)):
        da[:, t], dm[:, t], dh_next = _step_back(dh[:, t] + dh_next, h_before[t], Wh, insides[t])
    rows = da.reshape(N * T, 3 * H)
    h_rows = np.stack(h_before, axis=1).reshape(N * T, H)
    m_rows = np.stack([m for *_, m, _ in insides], axis=1).reshape(N * T, H)
    *_, reset_after = insides[0]
    dWh, db = _recurrent_gradients(h_rows, rows, dm.reshape(N * T, H), bhn, (m_rows, reset_after))
    return da @ Wx.T, dh_next, x.reshape(N * T, D).T @ rows, dWh, db


def init_gru(D, H, rng, dtype=np.float64):
    """Weights of a GRU: normal with variance 1/fan-in, zero bias.

    Returns:
        Wx (D, 3H), Wh (H, 3H), b (3H,).
    """
    gates = [init_rnn(D, H, rng, dtype) for _ in range(3)]
    return tuple(np.concatenate(parts, axis=-1) for parts in zip(*gates, strict=True))


def count_parameters(cell, D, H):
    """How many numbers Wx, Wh and b of a cell hold together.

    Args:
        cell: 'rnn', 'lstm' or 'gru'.
        D, H: input features and hidden units.

    Returns:
        int, k H (D + H + 1) with k = 1, 4, 3.
    """
    gates = {"rnn": 1, "lstm": 4, "gru": 3}
    if cell not in gates:
        raise ValueError(f"cell: expected 'rnn', 'lstm' or 'gru', got {cell!r}; choose one of them")
    return gates[cell] * H * (D + H + 1)
