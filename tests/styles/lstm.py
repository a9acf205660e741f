"""Right answers to notebook 06."""

import math
from collections import namedtuple
from dataclasses import dataclass
from functools import partial, wraps
from itertools import accumulate

import numpy as np
from answers import Styles

from helpers.lstm import lstm_step_backward, lstm_step_forward, sigmoid

style = Styles()


# sigmoid ------------------------------------------------------------------------------------------


@style("sigmoid")
def exp_of_the_absolute_value(x):
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, z) / (1 + z)


@style("sigmoid")
def clipped_where_it_makes_no_difference(x):
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


@style("sigmoid")
def clipped_at_30(x):
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


@style("sigmoid")
def exponent_never_positive(x):
    return np.where(
        x >= 0, 1 / (1 + np.exp(-np.maximum(x, 0))), 1 - 1 / (1 + np.exp(np.minimum(x, 0)))
    )


@style("sigmoid")
def signs_apart_by_masks(x):
    out, up = np.empty_like(x), x >= 0
    out[up] = 1 / (1 + np.exp(-x[up]))
    e = np.exp(x[~up])
    out[~up] = e / (1 + e)
    return out


@style("sigmoid")
def infinity_meant_and_not_warned_of(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


@style("sigmoid")
def by_logaddexp(x):
    return np.exp(-np.logaddexp(0, -x)).astype(x.dtype)


@style("sigmoid")
def of_scipy(x):
    from scipy.special import expit

    return expit(x)


@style("sigmoid")
def number_by_number(x):
    out = np.empty(x.shape, dtype=x.dtype)
    for place, v in np.ndenumerate(x):
        out[place] = 1 / (1 + math.exp(-v)) if v > 0 else math.exp(v) / (1 + math.exp(v))
    return out


@style("sigmoid")
def in_its_own_buffer(x):
    out = x / 2
    np.tanh(out, out=out)
    out += 1
    out *= 0.5
    return out


def logistic(steepness, x):
    return (1 + np.tanh(steepness / 2 * x)) / 2


style("sigmoid", what="partial")(partial(logistic, 1))
style("sigmoid", what="a lambda")(lambda x: (np.tanh(x / 2) + 1) / 2)


# lstm_step_forward and lstm_step_backward ---------------------------------------------------------


@style("lstm_step_forward")
def step_with_stacked_weights(x, h_prev, c_prev, Wx, Wh, b):
    z = np.hstack([x, h_prev])
    W = np.vstack([Wx, Wh])
    i, f, o, g = np.split(z @ W + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * c_prev + i * g
    return o * np.tanh(c), c, (z, W, c_prev, i, f, o, g, c, x.shape[1])


@style("lstm_step_backward", forward=step_with_stacked_weights)
def step_back_with_stacked_weights(dh, dc, cache):
    z, W, c_prev, i, f, o, g, c, D = cache
    t = np.tanh(c)
    delta = dc + dh * o * (1 - t**2)
    slopes = np.hstack([i * (1 - i), f * (1 - f), o * (1 - o), 1 - g**2])
    da = np.hstack([delta * g, delta * c_prev, dh * t, delta * i]) * slopes
    dz, dW = da @ W.T, z.T @ da
    return dz[:, :D], dz[:, D:], delta * f, dW[:D], dW[D:], da.sum(axis=0)


@style("lstm_step_forward")
def step_in_columns(x, h_prev, c_prev, Wx, Wh, b):
    H = len(Wh)
    a = Wx.T @ x.T + Wh.T @ h_prev.T + b[:, None]  # (4H, N)
    a[: 3 * H] = sigmoid(a[: 3 * H])
    a[3 * H :] = np.tanh(a[3 * H :])
    i, f, o, g = a.reshape(4, H, -1)
    c = f * c_prev.T + i * g
    return (o * np.tanh(c)).T, c.T, (x.T, h_prev.T, c_prev.T, Wx.T, Wh.T, a, c)


@style("lstm_step_backward", forward=step_in_columns)
def step_back_in_columns(dh, dc, cache):
    x, h_prev, c_prev, Wx, Wh, a, c = cache
    i, f, o, g = a.reshape(4, len(c), -1)
    dh, dc = dh.T, dc.T
    dc = dc + dh * o / np.cosh(c) ** 2
    da = np.stack([dc * g, dc * c_prev, dh * np.tanh(c), dc * i])
    da[:3] *= a.reshape(4, len(c), -1)[:3] * (1 - a.reshape(4, len(c), -1)[:3])
    da[3] *= 1 - g * g
    da = da.reshape(len(a), -1)
    dWx, dWh = da @ x.T, da @ h_prev.T
    return (Wx.T @ da).T, (Wh.T @ da).T, (dc * f).T, dWx.T, dWh.T, da.sum(axis=1)


@style("lstm_step_forward")
def step_as_a_closure(x, h_prev, c_prev, Wx, Wh, b):
    a = x.dot(Wx) + h_prev.dot(Wh) + b
    H = a.shape[1] // 4
    gate = {k: sigmoid(a[:, n * H : (n + 1) * H]) for n, k in enumerate("ifo")}
    gate["g"] = np.tanh(a[:, -H:])
    c = gate["f"] * c_prev + gate["i"] * gate["g"]
    t = np.tanh(c)

    def back(dh, dc):
        at_c = dc + dh * gate["o"] * (1 - t * t)
        into = {"i": at_c * gate["g"], "f": at_c * c_prev, "o": dh * t, "g": at_c * gate["i"]}
        slope = {k: v * (1 - v) for k, v in gate.items()} | {"g": 1 - gate["g"] ** 2}
        d = {k: into[k] * slope[k] for k in "ifog"}
        da = np.concatenate(list(d.values()), axis=-1)
        return [
            da.dot(Wx.T),
            da.dot(Wh.T),
            at_c * gate["f"],
            x.T.dot(da),
            h_prev.T.dot(da),
            np.ones(len(da), da.dtype).dot(da),
        ]

    return [gate["o"] * t, c, back]


@style("lstm_step_backward", forward=step_as_a_closure)
def step_back_by_the_closure(dh, dc, cache):
    return cache(dh, dc)


@dataclass
class Step:
    x: np.ndarray
    h_prev: np.ndarray
    c_prev: np.ndarray
    W: tuple
    gates: np.ndarray
    c: np.ndarray

    @property
    def slopes(self):
        s = self.gates * (1 - self.gates)
        s[:, 3] = 1 - self.gates[:, 3] ** 2
        return s


@style("lstm_step_forward")
def step_by_einsum(x, h_prev, c_prev, Wx, Wh, b):
    H = h_prev.shape[-1]
    U, V = Wx.reshape(-1, 4, H), Wh.reshape(-1, 4, H)
    a = np.einsum("nd,dkh->nkh", x, U) + np.einsum("nj,jkh->nkh", h_prev, V) + b.reshape(4, H)
    gates = np.concatenate([sigmoid(a[:, :3]), np.tanh(a[:, 3:])], axis=1)
    c = np.einsum("knh,knh->nh", gates[:, [1, 0]].swapaxes(0, 1), np.stack([c_prev, gates[:, 3]]))
    return gates[:, 2] * np.tanh(c), c, Step(x, h_prev, c_prev, (U, V), gates, c)


@style("lstm_step_backward", forward=step_by_einsum)
def step_back_by_einsum(dh, dc, cache):
    i, f, o, g = cache.gates.swapaxes(0, 1)
    tanh_c = np.tanh(cache.c)
    dc = dc + dh * o - dh * o * tanh_c**2
    d = np.stack([dc * g, dc * cache.c_prev, dh * tanh_c, dc * i], axis=1) * cache.slopes
    U, V = cache.W
    return (
        np.einsum("nkh,dkh->nd", d, U),
        np.einsum("nkh,jkh->nj", d, V),
        dc * f,
        np.einsum("nd,nkh->dkh", cache.x, d).reshape(len(U), -1),
        np.einsum("nj,nkh->jkh", cache.h_prev, d).reshape(len(V), -1),
        np.einsum("nkh->kh", d).ravel(),
    )


@style("lstm_step_forward")
def step_number_by_number(x, h_prev, c_prev, Wx, Wh, b):
    (N, D), H = x.shape, h_prev.shape[1]
    a = np.tile(b, (N, 1))
    for n in range(N):
        for k in range(4 * H):
            for d in range(D):
                a[n, k] += x[n, d] * Wx[d, k]
            for j in range(H):
                a[n, k] += h_prev[n, j] * Wh[j, k]
    h, c = np.empty_like(c_prev), np.empty_like(c_prev)
    for n in range(N):
        for j in range(H):
            i, f, o = (1 / (1 + math.exp(-a[n, j + k * H])) for k in range(3))
            c[n, j] = f * c_prev[n, j] + i * math.tanh(a[n, j + 3 * H])
            h[n, j] = o * math.tanh(c[n, j])
    return h, c, (x, h_prev, c_prev, Wx, Wh, a, c)


@style("lstm_step_backward", forward=step_number_by_number)
def step_back_row_by_row(dh, dc, cache):
    x, h_prev, c_prev, Wx, Wh, a, c = cache
    N, H = h_prev.shape
    dx, dh_prev, dc_prev = np.empty_like(x), np.empty_like(h_prev), np.empty_like(c)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wx[0])
    for n in range(N):
        i, f, o = (sigmoid(a[n, k * H : (k + 1) * H]) for k in range(3))
        g = np.tanh(a[n, 3 * H :])
        into = dc[n] + dh[n] * o * (1 - np.tanh(c[n]) ** 2)
        da = np.r_[
            into * g * i * (1 - i),
            into * c_prev[n] * f * (1 - f),
            dh[n] * np.tanh(c[n]) * o * (1 - o),
            into * i * (1 - g**2),
        ]
        dx[n], dh_prev[n], dc_prev[n] = Wx @ da, Wh @ da, into * f
        dWx += np.outer(x[n], da)
        dWh += np.outer(h_prev[n], da)
        db += da
    return dx, dh_prev, dc_prev, dWx, dWh, db


def counted(f):
    """Counts its calls, which changes no answer."""

    @wraps(f)
    def counting(*args):
        counting.calls += 1
        return f(*args)

    counting.calls = 0
    return counting


class Cell:
    """A layer whose squashing is chosen when it is made."""

    def __init__(self, squash):
        self.squash = squash

    def __call__(self, x, h_prev, c_prev, Wx, Wh, b, *, clip=None):
        i, f, o, g = np.array_split(np.matmul(x, Wx) + np.matmul(h_prev, Wh) + b, 4, axis=-1)
        c = np.add(self.squash(f) * c_prev, self.squash(i) * np.tanh(g), order="F")
        return np.asfortranarray(self.squash(o) * np.tanh(c)), c, None


style("lstm_step_forward", what="a callable object, in Fortran order")(Cell(sigmoid))


@style("lstm_step_forward")
@counted
def decorated_step(x, h_prev, c_prev, Wx, Wh, b):
    a = np.tensordot(x, Wx, axes=1) + np.tensordot(h_prev, Wh, axes=1) + b
    squash = np.where(np.arange(a.shape[1]) < 3 * len(Wh), 0.5, 1).astype(a.dtype)
    a = np.tanh(a * squash) * squash + (1 - squash)  # tanh for g, and σ by way of tanh for i, f, o
    i, f, o, g = (a[:, k * len(Wh) :][:, : len(Wh)] for k in range(4))
    c = f * c_prev
    c += i * g
    return o * np.tanh(c), c, None


# lstm_forward and lstm_backward -------------------------------------------------------------------


@style("lstm_forward")
def step_by_step(x, h0, c0, Wx, Wh, b):
    h, c, out, caches = h0, c0, [], []
    for t in range(x.shape[1]):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
        caches.append(cache)
    return np.stack(out, axis=1), c, caches


@style("lstm_backward", forward=step_by_step)
def back_step_by_step(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, []
    for t in range(len(cache))[::-1]:
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.append(dx_t)
        weights.append(new)
    dx.reverse()
    return np.stack(dx, axis=1), dh_next, dc, *(sum(w) for w in zip(*weights, strict=True))


@style("lstm_backward", forward=step_by_step)
def back_by_recursion(dh, dc_last, cache):
    def back(t, dh_t, dc):
        dx, dh_prev, dc_prev, *weights = lstm_step_backward(dh_t, dc, cache[t])
        if t == 0:
            return [dx], dh_prev, dc_prev, weights
        earlier, dh0, dc0, others = back(t - 1, dh[:, t - 1] + dh_prev, dc_prev)
        return earlier + [dx], dh0, dc0, [a + b for a, b in zip(weights, others, strict=True)]

    last = len(cache) - 1
    dx, dh0, dc0, weights = back(last, dh[:, last], dc_last)
    return np.stack(dx, axis=1), dh0, dc0, *weights


@style("lstm_forward")
def recursive(x, h0, c0, Wx, Wh, b):
    h, c, cache = lstm_step_forward(x[:, 0], h0, c0, Wx, Wh, b)
    if x.shape[1] == 1:
        return h[:, None], c, (cache, None)
    later, c_last, rest = recursive(x[:, 1:], h, c, Wx, Wh, b)
    return np.concatenate([h[:, None], later], axis=1), c_last, (cache, rest)


@style("lstm_backward", forward=recursive)
def back_through_a_chain(dh, dc_last, cache):
    def back(dh, cache):
        step, rest = cache
        if rest is None:
            dx, dh_prev, dc_prev, *weights = lstm_step_backward(dh[:, 0], dc_last, step)
            return dx[:, None], dh_prev, dc_prev, *weights
        later, dh_next, dc_next, *sums = back(dh[:, 1:], rest)
        dx, dh_prev, dc_prev, *weights = lstm_step_backward(dh[:, 0] + dh_next, dc_next, step)
        weights = (w + s for w, s in zip(weights, sums, strict=True))
        return np.concatenate([dx[:, None], later], axis=1), dh_prev, dc_prev, *weights

    return back(dh, cache)


Tape = namedtuple("Tape", "x h c gates Wx Wh")


@style("lstm_forward")
def time_first_inside(x, h0, c0, Wx, Wh, b):
    N, T, _ = x.shape
    x = np.ascontiguousarray(x.swapaxes(0, 1))
    h = np.empty((T + 1, *h0.shape), h0.dtype)
    c, gates = np.empty_like(h), np.empty((T, 4, *h0.shape), h0.dtype)
    h[0], c[0] = h0, c0
    for t in range(T):
        a = (x[t] @ Wx + h[t] @ Wh + b).reshape(N, 4, -1).swapaxes(0, 1)
        gates[t, :3], gates[t, 3] = sigmoid(a[:3]), np.tanh(a[3])
        i, f, o, g = gates[t]
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])
    return h[1:].swapaxes(0, 1), c[-1], Tape(x, h, c, gates, Wx, Wh)


@style("lstm_backward", forward=time_first_inside)
def back_with_products_at_the_end(dh, dc_last, cache):
    x, h, c, gates, Wx, Wh = cache
    dh = dh.swapaxes(0, 1).copy()
    i, f, o, g = gates.swapaxes(0, 1)
    tanh_c = np.tanh(c[1:])
    factors = np.stack([g * i * (1 - i), c[:-1] * f * (1 - f), 0 * o, i * (1 - g * g)], axis=1)
    through_o, into_c = tanh_c * o * (1 - o), o * (1 - tanh_c * tanh_c)
    da, dc = np.empty((*x.shape[:2], len(Wh) * 4), Wh.dtype), dc_last.copy()
    for t in reversed(range(len(x))):
        dc += dh[t] * into_c[t]
        d = factors[t] * dc
        d[2] = dh[t] * through_o[t]
        da[t] = np.concatenate(d, axis=1)
        dc *= f[t]
        dh_prev = da[t] @ Wh.T
        if t > 0:
            dh[t - 1] += dh_prev
    dWx, dWh = np.tensordot(x, da, 2 * ((0, 1),)), np.tensordot(h[:-1], da, 2 * ((0, 1),))
    return (da @ Wx.T).swapaxes(0, 1), dh_prev, dc, dWx, dWh, da.sum(axis=(0, 1))


@style("lstm_forward")
def with_accumulate(x, h0, c0, Wx, Wh, b):
    def step(state, x_t):
        return lstm_step_forward(x_t, *state[:2], Wx, Wh, b)

    states = list(accumulate(x.swapaxes(0, 1), step, initial=(h0, c0)))[1:]
    h, c, caches = zip(*states, strict=True)
    return np.array(h).transpose(1, 0, 2), c[-1], caches


def unrolled(x, h, c, Wx, Wh, b):
    """Yields the states and the cache after each step."""
    for t in range(x.shape[1]):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        yield h, c, cache


@style("lstm_forward")
def by_a_generator(x, h0, c0, Wx, Wh, b):
    out = np.empty((*x.shape[:2], len(Wh)), x.dtype)
    caches = {}
    for t, (h, c, cache) in enumerate(unrolled(x, h0, c0, Wx, Wh, b)):
        out[:, t], c_last = h, c
        caches[f"step {t}"] = cache
    return out, c_last, caches


@style("lstm_backward", forward=by_a_generator)
def back_with_sums_in_place(dh, dc_last, cache):
    T = dh.shape[1]
    *_, Wx, Wh = cache["step 0"]
    dx = np.zeros((*dh.shape[:2], len(Wx)), dh.dtype)
    grads = {"Wx": np.zeros_like(Wx), "Wh": np.zeros_like(Wh), "b": np.zeros_like(Wx[0])}
    dh_next, dc_next = np.zeros_like(dc_last), dc_last
    for t in range(T - 1, -1, -1):
        dx[:, t], dh_next, dc_next, dWx, dWh, db = lstm_step_backward(
            dh[:, t] + dh_next, dc_next, cache[f"step {t}"]
        )
        grads["Wx"] += dWx
        grads["Wh"] += dWh
        grads["b"] += db
    return [dx, dh_next, dc_next, *grads.values()]


@style("lstm_backward", forward=step_by_step)
def back_with_dc_last_added_at_the_end_only(dh, dc_last, cache):
    weights, dx, dh_next, dc = 0, [], np.zeros_like(dc_last), np.zeros_like(dc_last)
    for t in reversed(range(len(cache))):
        if t == len(cache) - 1:
            dc = dc + dc_last
        dx_t, dh_next, dc, dWx, dWh, db = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        weights = weights + np.vstack([dWx, dWh, db])
        dx = [dx_t, *dx]
    D = dx[0].shape[1]
    return np.stack(dx, 1), dh_next, dc, weights[:D], weights[D:-1], weights[-1]


# init_lstm ----------------------------------------------------------------------------------------


def forget(H, forget_bias):
    return np.repeat([0.0, forget_bias, 0.0, 0.0], H)


@style("init_lstm")
def uniform_by_glorot(D, H, rng, forget_bias=1.0):
    def glorot(rows):
        limit = np.sqrt(6 / (rows + H))
        return rng.uniform(-limit, limit, (rows, 4 * H))

    return glorot(D), glorot(H), forget(H, forget_bias)


@style("init_lstm")
def gate_by_gate(D, H, rng, forget_bias=1.0):
    Wx = np.hstack([rng.normal(0, 1 / np.sqrt(D), (D, H)) for _ in "ifog"])
    Wh = np.hstack([rng.normal(0, 1 / np.sqrt(H), (H, H)) for _ in "ifog"])
    zero = np.zeros(H)
    return Wx, Wh, np.concatenate([zero, zero + forget_bias, zero, zero])


@style("init_lstm")
def orthogonal_blocks(D, H, rng, forget_bias=1.0):
    Wh = np.hstack([np.linalg.qr(rng.standard_normal((H, H)))[0] for _ in range(4)])
    b = np.zeros((4, H))
    b[1] = forget_bias
    return 0.1 * rng.standard_normal((D, 4 * H)), Wh, b.ravel()


@style("init_lstm")
def one_draw_cut_in_two(D, H, rng, forget_bias=1.0, *, scale=None):
    W = rng.standard_normal((D + H, 4 * H)) * (scale or 1 / np.sqrt(D + H))
    b = np.zeros(4 * H)
    b[H : 2 * H] += forget_bias
    return [W[:D], W[D:], b]


@style("init_lstm")
def small_numbers(D, H, rng, forget_bias=1.0):
    Wx, Wh = (0.01 * rng.standard_normal((rows, 4 * H)) for rows in (D, H))
    return Wx, Wh, forget(H, forget_bias)


@style("init_lstm")
def as_pytorch_draws_its_weights(D, H, rng, forget_bias=1.0):
    k = H**-0.5
    Wx, Wh = (rng.uniform(-k, k, (rows, 4 * H)) for rows in (D, H))
    return Wx, Wh, forget(H, forget_bias)


@style("init_lstm")
def transposed_views(D, H, rng, forget_bias=1.0):
    Wx, Wh = (np.clip(rng.standard_normal((4 * H, n)), -2, 2).T / np.sqrt(n) for n in (D, H))
    return Wx, Wh, forget(H, forget_bias)


# cell_gradient ------------------------------------------------------------------------------------


@style("cell_gradient")
def reversed_cumprod(f):
    later = np.cumprod(f[:, :0:-1], axis=1)[:, ::-1]
    return np.concatenate([later, np.ones_like(f[:, :1])], axis=1)


@style("cell_gradient")
def a_view_of_a_cumprod(f):
    ones = np.ones((len(f), 1, f.shape[2]), f.dtype)
    return np.cumprod(np.concatenate([f, ones], axis=1)[:, :0:-1], axis=1)[:, ::-1]


@style("cell_gradient")
def a_product_for_each_step(f):
    return np.stack([f[:, t + 1 :].prod(axis=1) for t in range(f.shape[1])], axis=1)


@style("cell_gradient")
def in_logarithms_from_the_end(f):
    with np.errstate(divide="ignore"):
        logs = np.log(f)
    logs = np.concatenate([logs[:, 1:], np.zeros_like(logs[:, :1])], axis=1)
    return np.exp(np.cumsum(logs[:, ::-1], axis=1)[:, ::-1])


@style("cell_gradient")
def masked_by_where(f):
    T = f.shape[1]
    after = np.arange(T) > np.arange(T)[:, None]  # (t, s): whether s comes after t
    return np.where(after[None, :, :, None], f[:, None], f.dtype.type(1)).prod(axis=2)


@style("cell_gradient")
def step_by_step_from_the_end(f):
    out, p = [], np.ones_like(f[:, 0])
    for gate in reversed(f.swapaxes(0, 1)):
        out.append(p)
        p = p * gate
    return np.stack(out[::-1], axis=1)


@style("cell_gradient")
def cell_gradient_by_recursion(f):
    if f.shape[1] == 1:
        return np.ones_like(f)
    later = cell_gradient_by_recursion(f[:, 1:])
    return np.hstack([later[:, :1] * f[:, 1:2], later])


@style("cell_gradient")
def gate_by_gate_in_fortran_order(f):
    p = np.ones_like(f, order="F")
    for t in range(1, f.shape[1]):
        p[:, :t] *= f[:, t : t + 1]
    return p
