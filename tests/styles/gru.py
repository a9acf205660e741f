"""Right answers to notebook 07."""

import functools
import itertools
from collections import namedtuple

import numpy as np
from answers import Styles
from scipy.special import expit

import helpers
from helpers import sigmoid

style = Styles()


# gru_step_forward ---------------------------------------------------------------------------------


@style("gru_step_forward")
def unit_by_unit(x, h_prev, Wx, Wh, b):
    N, H = h_prev.shape
    z, r, n, h = (np.empty_like(h_prev) for _ in range(4))
    for i in range(N):
        for j in range(H):
            for gate, column in ((z, j), (r, H + j)):
                a = sum(x[i, d] * Wx[d, column] for d in range(x.shape[1])) + b[column]
                a += sum(h_prev[i, k] * Wh[k, column] for k in range(H))
                gate[i, j] = 0.5 * (1 + np.tanh(0.5 * a))
        for j in range(H):
            a = sum(x[i, d] * Wx[d, 2 * H + j] for d in range(x.shape[1])) + b[2 * H + j]
            a += sum(r[i, k] * h_prev[i, k] * Wh[k, 2 * H + j] for k in range(H))
            n[i, j] = np.tanh(a)
            h[i, j] = h_prev[i, j] + (1 - z[i, j]) * (n[i, j] - h_prev[i, j])
    return h, None


@style("gru_step_forward")
def stacked_weights(x, h_prev, Wx, Wh, b):
    H = h_prev.shape[1]
    W, one = np.vstack([Wx, Wh, b]), np.ones_like(x[:, :1])
    gates = expit(np.hstack([x, h_prev, one]) @ W[:, : 2 * H])
    z, r = np.hsplit(gates, 2)
    n = np.tanh(np.hstack([x, r * h_prev, one]) @ W[:, 2 * H :])
    return [(1 - z) * n + z * h_prev, {"z": z, "r": r, "n": n}]


@style("gru_step_forward")
def a_gate_axis_and_einsum(x, h_prev, Wx, Wh, b):
    N, H = h_prev.shape
    from_x = (np.einsum("nd,dk->nk", x, Wx) + b).reshape(N, 3, H)
    U = Wh.reshape(H, 3, H)
    z, r = np.moveaxis(sigmoid(from_x[:, :2] + np.einsum("nh,hgk->ngk", h_prev, U[:, :2])), 1, 0)
    n = np.tanh(from_x[:, 2] + np.einsum("nh,nh,hk->nk", r, h_prev, U[:, 2]))
    return np.where(z == 1, h_prev, n + z * (h_prev - n)), (z, r, n)


def _in_columns(x, h_prev, Wx, Wh, b, *, squash=np.tanh):
    """States as columns, as papers write them: W x + U h + b."""
    (W_z, W_r, W), (U_z, U_r, U) = np.split(Wx.T, 3), np.split(Wh.T, 3)
    b_z, b_r, b_n = np.split(b[:, None], 3)
    x, h = x.T, h_prev.T
    z = 1 / (1 + np.exp(-(W_z @ x + U_z @ h + b_z)))
    r = 1 / (1 + np.exp(-(W_r @ x + U_r @ h + b_r)))
    n = squash(W @ x + U @ (r * h) + b_n)
    return (z * h + (1 - z) * n).T, (z, r, n)


style("gru_step_forward", what="column vectors, as a partial")(
    functools.partial(_in_columns, squash=lambda a: 2 * expit(2 * a) - 1)
)


class Cell:
    """A cell that is called."""

    def __call__(self, x, h_prev, Wx, Wh, b):
        H = h_prev.shape[1]
        a = np.asfortranarray(np.matmul(x, Wx))
        a += b
        a[:, : 2 * H] += np.dot(h_prev, Wh[:, : 2 * H])
        gates = a[:, : 2 * H]  # a view: z and r take the place of their sums
        np.negative(gates, out=gates)
        np.exp(gates, out=gates)
        gates += 1
        np.reciprocal(gates, out=gates)
        z, r, n = a[:, :H], a[:, H : 2 * H], a[:, 2 * H :]
        n += np.tensordot(r * h_prev, Wh[:, 2 * H :], axes=1)
        np.tanh(n, out=n)
        return z * (h_prev - n) + n, self


style("gru_step_forward", what="an object that is called, in place on its own array")(Cell())


# gru_step_backward --------------------------------------------------------------------------------

Inside = namedtuple("Inside", "x h Wx Wh z r n")


def forward_to_a_namedtuple(x, h_prev, Wx, Wh, b):
    z, r = (
        sigmoid(x @ Wx[:, at] + h_prev @ Wh[:, at] + b[at])
        for at in (slice(len(Wh)), slice(len(Wh), 2 * len(Wh)))
    )
    n = np.tanh(x @ Wx[:, -len(Wh) :] + (r * h_prev) @ Wh[:, -len(Wh) :] + b[-len(Wh) :])
    return n + z * (h_prev - n), Inside(x, h_prev, Wx, Wh, z, r, n)


@style("gru_step_backward", forward=forward_to_a_namedtuple)
def gate_by_gate_with_einsum(dh, cache):
    H = dh.shape[1]
    dWx, dWh, db = np.zeros_like(cache.Wx), np.zeros_like(cache.Wh), np.zeros_like(cache.Wx[0])
    dx, dh_prev = np.zeros_like(cache.x), dh * cache.z

    def back(block, d, seen):
        at = slice(block * H, (block + 1) * H)
        dWx[:, at] = np.einsum("nd,nh->dh", cache.x, d)
        dWh[:, at] = np.einsum("nk,nh->kh", seen, d)
        db[at] = np.einsum("nh->h", d)
        dx[...] += np.einsum("nh,dh->nd", d, cache.Wx[:, at])
        return np.einsum("nh,kh->nk", d, cache.Wh[:, at])

    dm = back(2, dh * (1 - cache.z) * (1 - cache.n) * (1 + cache.n), cache.r * cache.h)
    dh_prev = dh_prev + cache.r * dm
    dh_prev = dh_prev + back(1, dm * cache.h * (cache.r - cache.r**2), cache.h)
    dh_prev = dh_prev + back(0, dh * (cache.h - cache.n) * (cache.z - cache.z**2), cache.h)
    return [dx, dh_prev, dWx, dWh, db]


def forward_to_a_closure(x, h_prev, Wx, Wh, b):
    H = h_prev.shape[1]
    from_x, both = x @ Wx + b, h_prev @ Wh[:, : 2 * H]
    z, r = np.split(sigmoid(from_x[:, : 2 * H] + both), 2, axis=1)
    seen = r * h_prev
    n = np.tanh(from_x[:, 2 * H :] + seen @ Wh[:, 2 * H :])

    def backward(dh):
        da = np.empty_like(from_x)
        dz, dr, dn = np.split(da, 3, axis=1)  # views
        dn[:] = dh * (1 - z) * (1 - n * n)
        dseen = np.inner(dn, Wh[:, 2 * H :])
        dz[:] = dh * (h_prev - n) * z * (1 - z)
        dr[:] = dseen * h_prev * r * (1 - r)
        dh_prev = z * dh + r * dseen + np.inner(da[:, : 2 * H], Wh[:, : 2 * H])
        dWh = np.c_[h_prev.T @ da[:, : 2 * H], seen.T @ dn]
        return np.inner(da, Wx), dh_prev, x.T @ da, dWh, np.ones_like(da[:, 0]) @ da

    return (1 - z) * n + z * h_prev, backward


@style("gru_step_backward", forward=forward_to_a_closure)
def a_closure_as_the_cache(dh, cache):
    return cache(dh)


def forward_to_a_dict(x, h_prev, Wx, Wh, b):
    h, _ = helpers.gru.gru_step_forward(x, h_prev, Wx, Wh, b)
    return h, {"arguments": (x, h_prev, Wx, Wh, b)}


@style("gru_step_backward", forward=forward_to_a_dict)
def computed_once_more_and_row_by_row(dh, cache):
    x, h_prev, Wx, Wh, b = cache["arguments"]
    (xz, xr, xn), (Whz, Whr, Whn) = np.split(x @ Wx + b, 3, axis=1), np.split(Wh, 3, axis=1)
    z, r = expit(xz + h_prev @ Whz), expit(xr + h_prev @ Whr)
    n = np.tanh(xn + (r * h_prev) @ Whn)
    found = [np.zeros_like(a) for a in (x, h_prev, Wx, Wh, b)]
    dx, dh_prev, dWx, dWh, db = found
    for i, d in enumerate(dh):
        dan = d * (1 - z[i]) / np.cosh(np.arctanh(n[i])) ** 2
        dm = Whn @ dan
        daz, dar = d * (h_prev[i] - n[i]) * z[i] * (1 - z[i]), dm * h_prev[i] * r[i] * (1 - r[i])
        da = np.concatenate([daz, dar, dan])
        dx[i] = Wx @ da
        dh_prev[i] = d * z[i] + dm * r[i] + Whz @ daz + Whr @ dar
        dWx += np.multiply.outer(x[i], da)
        dWh += np.hstack([np.outer(h_prev[i], [daz, dar]), np.outer(r[i] * h_prev[i], dan)])
        db += da
    return tuple(found)


# gru_forward --------------------------------------------------------------------------------------


@style("gru_forward")
def recursively(x, h0, Wx, Wh, b):
    if not x.shape[1]:
        return np.empty((*x.shape[:2], h0.shape[1]), x.dtype), []
    before, caches = recursively(x[:, :-1], h0, Wx, Wh, b)
    last = before[:, -1] if x.shape[1] > 1 else h0
    h, cache = helpers.gru.gru_step_forward(x[:, -1], last, Wx, Wh, b)
    return np.append(before, h[:, None], axis=1), [*caches, cache]


@style("gru_forward")
def a_view_of_time_major_states(x, h0, Wx, Wh, b, check_shapes=False):
    H = h0.shape[1]
    h = np.empty((x.shape[1] + 1, *h0.shape), dtype=h0.dtype)
    h[0] = h0
    for t, from_x in enumerate(np.moveaxis(x @ Wx + b, 1, 0)):
        zr = sigmoid(from_x[:, : 2 * H] + h[t] @ Wh[:, : 2 * H])
        z, r = zr[:, :H], zr[:, H:]
        n = np.tanh(from_x[:, 2 * H :] + (r * h[t]) @ Wh[:, 2 * H :])
        np.add((1 - z) * n, z * h[t], out=h[t + 1])
    return h[1:].transpose(1, 0, 2), h


@style("gru_forward")
def accumulated(x, h0, Wx, Wh, b):
    def step(h, x_t):
        return forward_to_a_namedtuple(x_t, h, Wx, Wh, b)[0]

    _, *states = itertools.accumulate(np.swapaxes(x, 0, 1), step, initial=h0)
    return np.stack(states, axis=1), (h0, *states)


# gru_backward -------------------------------------------------------------------------------------


def forward_by_steps(x, h0, Wx, Wh, b):
    h, steps = h0, []
    for t in range(x.shape[1]):
        h, cache = helpers.gru.gru_step_forward(x[:, t], h, Wx, Wh, b)
        steps.append((h, cache))
    states, caches = zip(*steps, strict=True)
    return np.stack(states, axis=1), caches


@style("gru_backward", forward=forward_by_steps)
def the_steps_from_the_last_to_the_first(dh, caches):
    dx, dh_next, total = [], 0, None
    for dh_t, cache in zip(np.swapaxes(dh, 0, 1)[::-1], reversed(caches), strict=True):
        dx_t, dh_next, *new = helpers.gru.gru_step_backward(dh_t + dh_next, cache)
        dx.insert(0, dx_t)
        total = new if total is None else list(map(np.add, total, new))
    return np.stack(dx, axis=1), dh_next, *total


def forward_to_stacked_gates(x, h0, Wx, Wh, b):
    before, insides = [h0], []
    for x_t in x.swapaxes(0, 1):
        h, inside = forward_to_a_namedtuple(x_t, before[-1], Wx, Wh, b)
        before.append(h)
        insides.append(np.stack([inside.z, inside.r, inside.n]))
    h = np.stack(before, axis=1)
    return h[:, 1:], {"x": x, "h": h[:, :-1], "W": (Wx, Wh), "zrn": np.stack(insides, axis=2)}


@style("gru_backward", forward=forward_to_stacked_gates)
def one_product_after_the_loop(dh, cache):
    x, h, (Wx, Wh), (z, r, n) = (cache[key] for key in ("x", "h", "W", "zrn"))
    H = dh.shape[2]
    to_candidate = (1 - z) * (1 - n**2)
    to_z, to_r = (h - n) * z * (1 - z), h * r * (1 - r)
    da, d = np.empty((*dh.shape[:2], 3 * H), dh.dtype), np.zeros_like(dh[:, 0])
    for t in range(dh.shape[1] - 1, -1, -1):
        d = d + dh[:, t]
        da[:, t, 2 * H :] = d * to_candidate[:, t]
        dseen = da[:, t, 2 * H :] @ Wh[:, 2 * H :].T
        da[:, t, :H], da[:, t, H : 2 * H] = d * to_z[:, t], dseen * to_r[:, t]
        d = d * z[:, t] + dseen * r[:, t] + da[:, t, : 2 * H] @ Wh[:, : 2 * H].T
    gates = np.tensordot(h, da[..., : 2 * H], axes=((0, 1), (0, 1)))
    candidate = np.tensordot(r * h, da[..., 2 * H :], axes=((0, 1), (0, 1)))
    dWx = np.tensordot(x, da, axes=((0, 1), (0, 1)))
    return da @ Wx.T, d, dWx, np.concatenate([gates, candidate], axis=1), da.sum(axis=(0, 1))


def forward_to_a_chain(x, h0, Wx, Wh, b):
    """The cache of T steps holds that of the T - 1 before them."""
    h, chain, states = h0, None, []
    for t in range(x.shape[1]):
        h, backward = forward_to_a_closure(x[:, t], h, Wx, Wh, b)
        chain = (backward, chain)
        states.append(h)
    return np.stack(states, axis=1), chain


@style("gru_backward", forward=forward_to_a_chain)
def from_step_to_step_recursively(dh, cache):
    def back(t, arriving, chain):
        if chain is None:
            return [], arriving, ()
        backward, earlier = chain
        dx, dh_prev, *weights = backward(dh[:, t] + arriving)
        before, dh0, sums = back(t - 1, dh_prev, earlier)
        sums = [a + b for a, b in zip(sums, weights, strict=True)] if sums else weights
        return [*before, dx], dh0, sums

    dx, dh0, weights = back(dh.shape[1] - 1, 0, cache)
    return np.array(dx).transpose(1, 0, 2), dh0, *weights


# count_parameters ---------------------------------------------------------------------------------


@style("count_parameters")
def sizes_of_arrays(cell, D, H):
    k = ["rnn", None, "gru", "lstm"].index(cell) + 1
    return sum(np.empty(shape).size for shape in ((D, k * H), (H, k * H), (k * H,)))


@style("count_parameters")
def a_case_for_each_cell(cell, D, H):
    match cell:
        case "rnn":
            gates = ["h"]
        case "gru":
            gates = "zrn"
        case _:
            gates = "ifog"
    return np.sum([np.prod([D + H + 1, H]) for _ in gates])
