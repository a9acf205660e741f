"""Recurrent layers as they are often written in courses, to compare with. The text is our own.

Step by step in a loop, as in the homework of Stanford's CS231n: the whole step inside the loop, a
sigmoid that asks for the sign of every element, and weight gradients that are added up at every
step. Nothing is slow on purpose: this is the natural first version, and right.
"""

import numpy as np


def masked_sigmoid(x):
    """A sigmoid that never overflows, by treating positive and negative numbers apart."""
    positive = x >= 0
    small = np.empty_like(x)
    small[positive] = np.exp(-x[positive])
    small[~positive] = np.exp(x[~positive])
    top = np.ones_like(x)
    top[~positive] = small[~positive]
    return top / (1 + small)


def rnn_step(x, states, Wx, Wh, b):
    (h_prev,) = states
    h = np.tanh(x.dot(Wx) + h_prev.dot(Wh) + b)
    return (h,), (x, h_prev, Wx, Wh, h)


def rnn_step_back(d_states, cache):
    (dh,) = d_states
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da.dot(Wx.T), (da.dot(Wh.T),), x.T.dot(da), h_prev.T.dot(da), da.sum(axis=0)


def lstm_step(x, states, Wx, Wh, b):
    h_prev, c_prev = states
    H = h_prev.shape[1]
    a = x.dot(Wx) + h_prev.dot(Wh) + b  # (N, 4H)
    i = masked_sigmoid(a[:, :H])
    f = masked_sigmoid(a[:, H : 2 * H])
    o = masked_sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    c = f * c_prev + i * g
    tanh_c = np.tanh(c)
    return (o * tanh_c, c), (x, h_prev, c_prev, i, f, o, g, tanh_c, Wx, Wh)


def lstm_step_back(d_states, cache):
    dh, dc = d_states
    x, h_prev, c_prev, i, f, o, g, tanh_c, Wx, Wh = cache
    dc = dc + dh * o * (1 - tanh_c**2)
    da_i = dc * g * i * (1 - i)
    da_f = dc * c_prev * f * (1 - f)
    da_o = dh * tanh_c * o * (1 - o)
    da_g = dc * i * (1 - g**2)
    da = np.hstack((da_i, da_f, da_o, da_g))  # (N, 4H)
    return da.dot(Wx.T), (da.dot(Wh.T), dc * f), x.T.dot(da), h_prev.T.dot(da), da.sum(axis=0)


def gru_step(x, states, Wx, Wh, b):
    """The form with the reset gate behind the product; b holds a fourth part, inside the reset."""
    (h_prev,) = states
    H = h_prev.shape[1]
    a = x.dot(Wx) + b[: 3 * H]  # (N, 3H)
    u = h_prev.dot(Wh)  # (N, 3H)
    z = masked_sigmoid(a[:, :H] + u[:, :H])
    r = masked_sigmoid(a[:, H : 2 * H] + u[:, H : 2 * H])
    m = u[:, 2 * H :] + b[3 * H :]
    n = np.tanh(a[:, 2 * H :] + r * m)
    h = (1 - z) * n + z * h_prev
    return (h,), (x, h_prev, z, r, n, m, Wx, Wh)


def gru_step_back(d_states, cache):
    (dh,) = d_states
    x, h_prev, z, r, n, m, Wx, Wh = cache
    da_n = dh * (1 - z) * (1 - n**2)
    da_z = dh * (h_prev - n) * z * (1 - z)
    da_r = da_n * m * r * (1 - r)
    dm = da_n * r
    da = np.hstack((da_z, da_r, da_n))  # (N, 3H)
    du = np.hstack((da_z, da_r, dm))  # (N, 3H)
    db = np.hstack((da.sum(axis=0), dm.sum(axis=0)))  # (4H,)
    return da.dot(Wx.T), (dh * z + du.dot(Wh.T),), x.T.dot(da), h_prev.T.dot(du), db


STEPS = {
    "rnn": (rnn_step, rnn_step_back),
    "lstm": (lstm_step, lstm_step_back),
    "gru": (gru_step, gru_step_back),
}


def step_by_step(cell, x, states, Wx, Wh, b, dh, d_last=()):
    """A whole sequence forward and backward, one step after the other.

    Args:
        cell: "rnn", "lstm" or "gru".
        x: (N, T, D).
        states: h0, and c0 of an LSTM, (N, H) each.
        Wx, Wh, b: the weights, in the course's layout.
        dh: (N, T, H) what arrives at the states.
        d_last: what arrives at the last cell of an LSTM.

    Returns:
        h (N, T, H), the last states, dx, the gradients of the first states, dWx, dWh, db.
    """
    step, step_back = STEPS[cell]
    h, caches = np.empty_like(dh), []
    for t in range(x.shape[1]):
        states, cache = step(x[:, t, :], states, Wx, Wh, b)
        h[:, t, :] = states[0]
        caches.append(cache)
    dx, dWx, dWh, db = (np.zeros_like(like) for like in (x, Wx, Wh, b))
    d_states = (np.zeros_like(dh[:, 0]), *d_last)
    for t in reversed(range(x.shape[1])):
        d_states = (d_states[0] + dh[:, t, :], *d_states[1:])
        dx[:, t, :], d_states, dWx_t, dWh_t, db_t = step_back(d_states, caches[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return h, states, dx, d_states, dWx, dWh, db


def char_rnn_step(inputs, targets, h_prev, params, memory, learning_rate):
    """One training step of a character model on one sequence, in the manner of min-char-rnn.

    Columns for vectors, a dict entry for every step, a product with a one-hot column for every
    character, gradients clipped to ±5, Adagrad.

    Args:
        inputs, targets: lists of T tokens.
        h_prev: (H, 1).
        params, memory: dicts of Wxh (H, V), Whh (H, H), Why (V, H), bh (H, 1), by (V, 1); changed
            in place.
        learning_rate: of Adagrad.

    Returns:
        the loss in nats and the last state (H, 1).
    """
    Wxh, Whh, Why, bh, by = (params[name] for name in ("Wxh", "Whh", "Why", "bh", "by"))
    xs, hs, ps, loss = {}, {-1: h_prev}, {}, 0.0
    for t, token in enumerate(inputs):
        xs[t] = np.zeros((Wxh.shape[1], 1), Wxh.dtype)
        xs[t][token] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        scores = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(scores) / np.sum(np.exp(scores))
        loss += -np.log(ps[t][targets[t], 0])
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dh_next = np.zeros_like(h_prev)
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        grads["Why"] += np.dot(dy, hs[t].T)
        grads["by"] += dy
        dh = np.dot(Why.T, dy) + dh_next
        da = (1 - hs[t] * hs[t]) * dh
        grads["bh"] += da
        grads["Wxh"] += np.dot(da, xs[t].T)
        grads["Whh"] += np.dot(da, hs[t - 1].T)
        dh_next = np.dot(Whh.T, da)
    for name, grad in grads.items():
        np.clip(grad, -5, 5, out=grad)
        memory[name] += grad * grad
        params[name] += -learning_rate * grad / np.sqrt(memory[name] + 1e-8)
    return loss, hs[len(inputs) - 1]
