"""The GRU: one step, its gradient, the sequence, its gradient.

    z, r = σ of their columns of x_t Wx + h_{t-1} Wh + b         (columns in the order z, r, n)
    n = tanh(x_t Wxn + (r h_{t-1}) Whn + bn)                     the candidate
    h_t = (1 - z) n + z h_{t-1}

That is the published form (Cho et al. 2014), with the reset gate before the product. cuDNN and
PyTorch compute another, in which one product serves all three gates; `reset_after=True` takes it:

    n = tanh(x_t Wxn + bn + r (h_{t-1} Whn + bhn))

There b may have H more entries, bhn, the last of its columns. Shapes: N batch size, T time steps,
D input features, H hidden units. Gradients of the weights are sums over batch and time. The steps
are written to be read, the sequences also to be fast.
"""

import numpy as np

from helpers.lstm import by_gate, halves, sigmoid, sums_of_input
from helpers.rnn import batch_first, flat, init_rnn, room_for_gradients, room_for_states, time_first
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
    H = h_prev.shape[1]
    a = x @ Wx + b  # (N, 3H)
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
    return (1 - z) * n + z * h_prev, (x, h_prev, Wx, Wh, bhn, (z, r, n, m, reset_after))


def _split_bias(b, h_prev, reset_after):
    """b (3H,), and bhn (H,) or None."""
    H = h_prev.shape[-1] if isinstance(h_prev, np.ndarray) and h_prev.ndim == 2 else 0
    extra = reset_after and isinstance(b, np.ndarray) and b.shape == (4 * H,)
    return (b[: 3 * H], b[3 * H :]) if extra else (b, None)


def gru_step_backward(dh, cache):
    """Gradients of one step.

    Args:
        dh: (N, H) gradient of the loss with respect to the step's h.
        cache: what `gru_step_forward` returned.

    Returns:
        dx (N, D), dh_prev (N, H), dWx (D, 3H), dWh (H, 3H), db, of the shape of b.
    """
    x, h_prev, Wx, Wh, bhn, (z, r, n, m, reset_after) = cache
    expect_array("dh", dh, h_prev.shape, "that is the shape of h")
    H = h_prev.shape[1]
    Whzr, Whn = Wh[:, : 2 * H], Wh[:, 2 * H :]
    dz = dh * (h_prev - n)
    dan = dh * (1 - z) * (1 - n * n)  # (N, H) before the candidate's tanh
    if reset_after:
        dm = dan * r
        dr = dan * m
        dWhn = h_prev.T @ dm
        dh_prev = dh * z + dm @ Whn.T
    else:
        dm = dan @ Whn.T
        dr = dm * h_prev
        dWhn = m.T @ dan  # m = r h_prev stood before Whn
        dh_prev = dh * z + dm * r
    dzr = np.concatenate([dz * z * (1 - z), dr * r * (1 - r)], axis=1)  # (N, 2H) before the σ
    da = np.concatenate([dzr, dan], axis=1)  # (N, 3H)
    dWh = np.concatenate([h_prev.T @ dzr, dWhn], axis=1)
    db = da.sum(axis=0)
    db = db if bhn is None else np.concatenate([db, dm.sum(axis=0)])
    return da @ Wx.T, dh_prev + dzr @ Whzr.T, x.T @ da, dWh, db


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
    x = time_first(x)  # (T, N, D)
    h = room_for_states(h0, x, Wx, Wh, b)  # (T+1, N, H)
    H, m = h0.shape[1], np.empty_like(h[1:])
    half = halves(3 * H, H, h.real.dtype)
    a = sums_of_input(x, Wx * half, b * half, h.dtype)  # (T, N, 3H)
    gates, Wh_half = by_gate(a, H), Wh * half
    at_once = Wh_half if reset_after else Wh_half[:, : 2 * H].copy()  # dot is slow on parts
    Whn, added = Wh[:, 2 * H :].copy(), 0 if bhn is None else bhn
    for t in range(len(x)):
        h_prev, h_t, zr, (z, r, n), m_t = h[t], h[t + 1], a[t, :, : 2 * H], gates[t], m[t]
        from_state = h_prev.dot(at_once)  # (N, 2H), or (N, 3H) where m is in it
        zr += from_state[:, : 2 * H]
        np.tanh(zr, out=zr)
        zr *= 0.5
        zr += 0.5
        if reset_after:
            np.add(from_state[:, 2 * H :], added, out=m_t)
            n += r * m_t
        else:
            np.multiply(r, h_prev, out=m_t)
            n += m_t.dot(Whn)
        np.tanh(n, out=n)
        np.subtract(h_prev, n, out=h_t)  # h_t = (1 - z) n + z h_prev = n + z (h_prev - n)
        h_t *= z
        h_t += n
    return batch_first(h[1:]), (x, h, gates, m, Wx, Wh, bhn, reset_after)


def gru_backward(dh, cache):
    """Backpropagation through time.

    Args:
        dh: (N, T, H) gradient arriving at every h_t from outside the recurrence.
        cache: what `gru_forward` returned.

    Returns:
        dx (N, T, D), dh0 (N, H), dWx (D, 3H), dWh (H, 3H), db, of the shape of b.
    """
    x, h, gates, m, Wx, Wh, bhn, reset_after = cache
    T, N, H = m.shape
    expect_array("dh", dh, (N, T, H), "that is the shape of h")
    dh = room_for_gradients(dh, h)  # (T+1, N, H)
    da = np.empty((T, N, 3 * H), dh.dtype)  # slopes at first; the loop makes them gradients
    z, r, n = gates.swapaxes(0, 1)  # (T, N, H) each
    slopes = by_gate(da, H)
    np.multiply((h[:-1] - n) * z, 1 - z, out=slopes[:, 0])  # σ' = σ (1 - σ)
    np.multiply((m if reset_after else h[:-1]) * r, 1 - r, out=slopes[:, 1])
    np.multiply(1 - z, 1 - n * n, out=slopes[:, 2])  # tanh' = 1 - tanh²
    through_time = _reset_after if reset_after else _reset_before
    dWh, dbhn = through_time(dh, da, slopes, h, gates, m, Wh)
    da = flat(da)  # (T*N, 3H)
    db = da.sum(axis=0)
    db = db if bhn is None else np.concatenate([db, dbhn])
    return batch_first((da @ Wx.T).reshape(x.shape)), dh[0], flat(x).T @ da, dWh, db


def _reset_before(dh, da, slopes, h, gates, m, Wh):
    """The loop of `gru_backward` for m = r h_{t-1}; it completes dh and da, and returns dWh."""
    H = len(Wh)
    Whzr, Whn = Wh[:, : 2 * H], Wh[:, 2 * H :]
    for t in reversed(range(len(da))):
        dh_t, dh_prev, (z, r, _), (dz, dr, dn) = dh[t + 1], dh[t], gates[t], slopes[t]
        dz *= dh_t
        dn *= dh_t
        dm = dn @ Whn.T  # (N, H)
        dr *= dm
        dm *= r
        dh_prev += dm  # h_{t-1} is used in m,
        dh_prev += dh_t * z  # in h_t
        dh_prev += da[t, :, : 2 * H] @ Whzr.T  # and in the gates
    dzr, dn = flat(da)[:, : 2 * H], flat(da)[:, 2 * H :]
    return np.concatenate([flat(h[:-1]).T @ dzr, flat(m).T @ dn], axis=1), None


def _reset_after(dh, da, slopes, h, gates, m, Wh):
    """The same for m = h_{t-1} Whn + bhn; it returns dWh and dbhn.

    Here z, r and m hang on h_t alone and not on one another, and one product leads back from them.
    """
    z, r, _ = gates.swapaxes(0, 1)
    to_r, to_n = slopes[:, 1], slopes[:, 2].copy()
    to_r *= to_n
    np.multiply(to_n, r, out=slopes[:, 2])  # dm for now, in the place of dn
    for t in reversed(range(len(da))):
        dh_t, dh_prev, d = dh[t + 1], dh[t], slopes[t]
        d *= dh_t  # (3, N, H)
        dh_prev += dh_t * z[t]
        dh_prev += da[t].dot(Wh.T)
    dWh, dbhn = flat(h[:-1]).T @ flat(da), slopes[:, 2].sum(axis=(0, 1))
    np.multiply(to_n, dh[1:], out=slopes[:, 2])
    return dWh, dbhn


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
