"""Right answers to notebook 03."""

from collections import namedtuple
from functools import partial, reduce, wraps

import numpy as np
from answers import Styles

from helpers import (
    embedding_backward,
    one_hot,
    readout,
    rnn_backward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
    softmax,
    softmax_loss,
    truncated_chunks,
)

style = Styles()


# numerical_gradient -------------------------------------------------------------------------------


@style("numerical_gradient")
def an_element_moved_in_place_and_put_back(f, x, eps=1e-5):
    gradient = np.empty_like(x)
    places = np.nditer(x, flags=["multi_index"])
    for _ in places:
        i = places.multi_index
        kept = x[i]
        x[i] = kept + eps
        up = f(x)
        x[i] = kept - eps
        gradient[i] = (up - f(x)) / (2 * eps)
        x[i] = kept
    return gradient


@style("numerical_gradient")
def rows_of_the_identity_as_nudges(f, x, eps=1e-5):
    nudges = eps * np.eye(x.size).reshape(-1, *x.shape)
    slopes = [(f(x + nudge) - f(x - nudge)) / (2 * eps) for nudge in nudges]
    return np.array(slopes).reshape(x.shape)


@style("numerical_gradient")
def by_recursion_over_the_axes(f, x, eps=1e-5):
    def along(place):
        if len(place) < x.ndim:
            return np.array([along((*place, i)) for i in range(x.shape[len(place)])])
        above, below = x.copy(), x.copy()
        above[place] += eps
        below[place] -= eps
        return 0.5 * (f(above) - f(below)) / eps

    return along(())


# rnn_step_forward ---------------------------------------------------------------------------------


@style("rnn_step_forward")
def stacked_weights(x, h_prev, Wx, Wh, b):
    xh, W = np.concatenate([x, h_prev], axis=1), np.concatenate([Wx, Wh])
    h = np.tanh(xh @ W + b)
    return h, {"xh": xh, "W": W, "h": h}


@style("rnn_step_forward")
def columns(x, h_prev, Wx, Wh, b):
    h = np.tanh(Wx.T.dot(x.T) + Wh.T.dot(h_prev.T) + b.reshape(-1, 1)).T
    return [h, lambda: (x, h_prev, Wx, Wh, h)]


# rnn_step_backward --------------------------------------------------------------------------------


def split_from(n, stacked, axis):
    return stacked.take(range(n), axis), stacked.take(range(n, stacked.shape[axis]), axis)


@style("rnn_step_backward", forward=stacked_weights)
def through_stacked_weights(dh, cache):
    xh, W, h = cache["xh"], cache["W"], cache["h"]
    D = len(W) - h.shape[1]
    da = (1 - h) * (1 + h) * dh
    dx, dh_prev = split_from(D, da @ W.T, axis=1)
    dWx, dWh = split_from(D, xh.T @ da, axis=0)
    return dx, dh_prev, dWx, dWh, np.ones(len(h), h.dtype) @ da


@style("rnn_step_backward", forward=columns)
def from_a_closure_in_columns(dh, cache):
    x, h_prev, Wx, Wh, h = cache()
    da = (dh - dh * h**2).T  # (H, N)
    return [(Wx @ da).T, (Wh @ da).T, (da @ x).T, (da @ h_prev).T, da.sum(1)]


Step = namedtuple("Step", "x h_prev Wx Wh b")


def step_recomputed_later(*arguments):
    step = Step(*arguments)
    return np.tanh(step.x @ step.Wx + step.h_prev @ step.Wh + step.b), step


@style("rnn_step_backward", forward=step_recomputed_later)
def slope_from_the_sum_again(dh, step):
    da = dh / np.cosh(step.x @ step.Wx + step.h_prev @ step.Wh + step.b) ** 2
    outer = partial(np.einsum, "ni,nj->ij")
    return (
        np.einsum("nh,dh->nd", da, step.Wx),
        np.einsum("nh,gh->ng", da, step.Wh),
        outer(step.x, da),
        outer(step.h_prev, da),
        np.einsum("nh->h", da),
    )


@style("rnn_step_backward")
def row_by_row(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    dx, dh_prev, dWx, dWh = (np.zeros_like(a) for a in (x, h_prev, Wx, Wh))
    db = np.zeros_like(h[0])
    for n in range(len(x)):
        da = dh[n] * (1 - h[n] ** 2)
        dx[n], dh_prev[n] = Wx @ da, Wh @ da
        dWx += np.outer(x[n], da)
        dWh += np.outer(h_prev[n], da)
        db += da
    return dx, dh_prev, dWx, dWh, db


# rnn_forward --------------------------------------------------------------------------------------


@style("rnn_forward")
def time_major(x, h0, Wx, Wh, b):
    states = [h0]
    for x_t in x.swapaxes(0, 1):
        states.append(np.tanh(x_t @ Wx + states[-1] @ Wh + b))
    h = np.stack(states)  # (T+1, N, H)
    return h[1:].swapaxes(0, 1), {"x": x.swapaxes(0, 1), "h": h, "weights": (Wx, Wh)}


@style("rnn_forward")
def by_recursion(x, h0, Wx, Wh, b):
    h, cache = rnn_step_forward(x[:, 0], h0, Wx, Wh, b)
    if x.shape[1] == 1:
        return h[:, None], (cache, None)
    later, caches = by_recursion(x[:, 1:], h, Wx, Wh, b)
    return np.concatenate([h[:, None], later], axis=1), (cache, caches)


@style("rnn_forward")
def into_one_array_with_h0_in_front(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h = np.empty((N, T + 1, h0.shape[1]), h0.dtype)
    h[:, 0] = h0
    for t in range(T):
        np.tanh(x[:, t] @ Wx + h[:, t] @ Wh + b, out=h[:, t + 1])
    return h[:, 1:], (x, h, Wx, Wh)


class Recurrence:
    """The states as they come out of a reduction over time."""

    def __call__(self, x, h0, Wx, Wh, b):
        def step(states, x_t):
            return [*states, np.tanh(x_t @ Wx + states[-1] @ Wh + b)]

        _, *states = reduce(step, np.rollaxis(x, 1), [h0])
        return np.dstack(states).swapaxes(1, 2), self


style("rnn_forward", what="callable instance")(Recurrence())


# rnn_backward -------------------------------------------------------------------------------------


@style("rnn_backward", forward=time_major)
def time_major_backward(dh, cache):
    x, h, (Wx, Wh) = cache["x"], cache["h"], cache["weights"]
    da = np.zeros_like(h[1:])  # (T, N, H)
    dh_next = 0
    for t in range(len(x))[::-1]:
        da[t] = (dh[:, t] + dh_next) * (1 - h[t + 1] ** 2)
        dh_next = da[t] @ Wh.T
    dWx, dWh = np.tensordot(x, da, ((0, 1), (0, 1))), np.tensordot(h[:-1], da, ((0, 1), (0, 1)))
    return (da @ Wx.T).swapaxes(0, 1), dh_next, dWx, dWh, da.sum(0).sum(0)


@style("rnn_backward", forward=by_recursion)
def backward_by_recursion(dh, cache):
    first, later = cache
    if later is None:
        dx, dh0, *weights = rnn_step_backward(dh[:, 0], first)
        return dx[:, None], dh0, *weights
    dx_later, dh_next, *later_weights = backward_by_recursion(dh[:, 1:], later)
    dx, dh0, *weights = rnn_step_backward(dh[:, 0] + dh_next, first)
    both = (a + b for a, b in zip(weights, later_weights, strict=True))
    return np.concatenate([dx[:, None], dx_later], axis=1), dh0, *both


@style("rnn_backward", forward=into_one_array_with_h0_in_front)
def one_product_after_the_loop(dh, cache):
    x, h, Wx, Wh = cache
    da = dh * (1 - h[:, 1:] ** 2)
    for t in range(x.shape[1] - 1, 0, -1):
        da[:, t - 1] += da[:, t] @ Wh.T * (1 - h[:, t] ** 2)
    flat = da.reshape(-1, da.shape[2])
    dWx, dWh = x.reshape(len(flat), -1).T @ flat, h[:, :-1].reshape(len(flat), -1).T @ flat
    return (flat @ Wx.T).reshape(x.shape), da[:, 0] @ Wh.T, dWx, dWh, flat.sum(axis=0)


class Tape:
    """Steps that remember themselves and are played back from the end."""

    def __init__(self):
        self.steps = []

    def forward(self, x_t, h, Wx, Wh, b):
        h, cache = rnn_step_forward(x_t, h, Wx, Wh, b)
        self.steps.append(cache)
        return h


def on_a_tape(x, h0, Wx, Wh, b):
    tape, states = Tape(), [h0]
    for t in range(x.shape[1]):
        states.append(tape.forward(x[:, t], states[-1], Wx, Wh, b))
    return np.stack(states[1:], axis=1), tape


@style("rnn_backward", forward=on_a_tape)
def played_back(dh, tape):
    found, dh_next = [], np.zeros_like(dh[:, 0])
    for cache, outside in zip(tape.steps[::-1], np.moveaxis(dh, 1, 0)[::-1], strict=True):
        found.append(rnn_step_backward(outside + dh_next, cache))
        dh_next = found[-1][1]
    dx, dh_prev, *weights = (np.stack(list(g)[::-1]) for g in zip(*found, strict=True))
    return dx.transpose(1, 0, 2), dh_prev[0], *(w.sum(axis=0) for w in weights)


# embedding_backward -------------------------------------------------------------------------------


@style("embedding_backward")
def token_by_token(dout, cache):
    tokens, V = cache
    return np.array([dout[tokens == v].sum(axis=0) for v in range(V)])


@style("embedding_backward")
def flat_and_sorted(dout, cache):
    tokens, V = cache
    order = tokens.ravel().argsort()
    found, starts = np.unique(tokens.ravel()[order], return_index=True)
    dE = np.zeros((V, dout.shape[-1]), dout.dtype)
    dE[found] = np.add.reduceat(dout.reshape(tokens.size, -1)[order], starts)
    return dE


@style("embedding_backward")
def counted_with_weights(dout, cache):
    tokens, V = cache
    columns = [np.bincount(tokens.ravel(), d.ravel(), minlength=V) for d in np.moveaxis(dout, 2, 0)]
    return np.asfortranarray(np.transpose(columns))


@style("embedding_backward")
def two_loops(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), dtype=dout.dtype)
    for n, row in enumerate(tokens):
        for t, token in enumerate(row):
            dE[token] += dout[n, t]
    return dE


# adagrad_update -----------------------------------------------------------------------------------


@style("adagrad_update")
def through_slices(param, grad, memory, learning_rate, eps=1e-8):
    memory[:] = memory + np.square(grad)
    param[:] = param - learning_rate / (memory + eps) ** 0.5 * grad
    return param


@style("adagrad_update")
def with_out_arguments(param, grad, memory, learning_rate, eps=1e-8):
    np.add(memory, np.multiply(grad, grad), out=memory)
    step = np.add(memory, eps)
    np.sqrt(step, out=step)
    np.divide(grad, step, out=step)
    np.subtract(param, learning_rate * step, out=param)


@style("adagrad_update")
def element_by_element(param, grad, memory, learning_rate, eps=1e-8):
    for i in np.ndindex(param.shape):
        memory[i] += grad[i] ** 2
        param[i] -= learning_rate * grad[i] / np.sqrt(memory[i] + eps)
    return param, memory


# truncated_chunks ---------------------------------------------------------------------------------


@style("truncated_chunks")
def a_list(tokens, length):
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    starts = range(0, inputs.shape[1], length)
    return [(inputs[:, i : i + length], targets[:, i : i + length]) for i in starts]


@style("truncated_chunks")
def a_generator_expression_of_lists(tokens, length):
    last = tokens.shape[1] - 1
    return (
        [tokens[:, i : min(i + length, last)].copy(), tokens[:, i + 1 : i + 1 + length].copy()]
        for i in range(0, last, length)
    )


@style("truncated_chunks")
def cut_at_places(tokens, length):
    cuts = np.arange(length, tokens.shape[1] - 1, length)
    return zip(
        np.split(tokens[:, :-1], cuts, axis=1),
        np.split(tokens[:, 1:], cuts, axis=1),
        strict=True,
    )


@style("truncated_chunks")
def the_rest_is_cut_on(tokens, length):
    while tokens.shape[1] > 1:
        chunk, tokens = tokens[:, : length + 1], tokens[:, length:]
        yield chunk[:, :-1], chunk[:, 1:]


@style("truncated_chunks")
class Chunks:
    """An iterator object in place of a generator."""

    def __init__(self, tokens, length):
        self.tokens, self.length, self.start = tokens, length, 0

    def __iter__(self):
        return self

    def __next__(self):
        chunk = self.tokens[:, self.start : self.start + self.length + 1]
        if chunk.shape[1] < 2:
            raise StopIteration
        self.start += self.length
        return np.stack([chunk[:, :-1], chunk[:, 1:]])


@style("truncated_chunks")
def from_an_inner_generator(tokens, length, start=0):
    if start + 1 < tokens.shape[1]:
        chunk = tokens[:, start : start + length + 1]
        yield chunk[:, :-1], chunk[:, 1:]
        yield from from_an_inner_generator(tokens, length, start + length)


# tbptt_gradients ----------------------------------------------------------------------------------


def carrying_the_state(chunk):
    """Sums over the chunks what `chunk(inputs, targets, h, params)` returns."""

    @wraps(chunk)
    def tbptt_gradients(tokens, h0, params, length):
        loss, h, grads = 0, h0, {name: 0 for name in params}
        for inputs, targets in truncated_chunks(tokens, length):
            new_loss, new, h = chunk(inputs, targets, h, params)
            loss += new_loss
            grads = {name: grads[name] + new[name] for name in grads}
        return loss, grads, h

    return tbptt_gradients


@style("tbptt_gradients")
@carrying_the_state
def rows_looked_up(inputs, targets, h0, params):
    """The input's product as a look-up, whose gradient is that of an embedding."""
    Wx, Wh, b, Wy, by = params.values()
    embedded, one = Wx[inputs], np.eye(len(Wh), dtype=Wx.dtype)
    h, cache = rnn_forward(embedded, h0, one, Wh, b)
    loss, dscores = softmax_loss(readout(h, Wy, by), targets)
    da, _, _, dWh, db = rnn_backward(np.einsum("ntv,hv->nth", dscores, Wy), cache)
    dWx = embedding_backward(da, (inputs, len(Wx)))
    dWy, dby = np.einsum("nth,ntv->hv", h, dscores), np.einsum("ntv->v", dscores)
    return loss, dict(by=dby, Wy=dWy, b=db, Wh=dWh, Wx=dWx), h[:, -1]


@style("tbptt_gradients")
@carrying_the_state
def everything_by_hand(inputs, targets, h0, params):
    """One loop forward and one loop backward, as in min-char-rnn."""
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    N, T = inputs.shape
    states, dscores, loss = [h0], [], 0.0
    for t in range(T):
        states.append(np.tanh(Wx[inputs[:, t]] + states[-1] @ Wh + b))
        p = softmax(states[-1] @ Wy + by)
        loss -= np.log(p[np.arange(N), targets[:, t]]).sum() / N
        p[np.arange(N), targets[:, t]] -= 1
        dscores.append(p / N)
    grads, dh_next = {name: np.zeros_like(value) for name, value in params.items()}, 0
    for t in reversed(range(T)):
        h, ds = states[t + 1], dscores[t]
        grads["Wy"] += h.T @ ds
        grads["by"] += ds.sum(axis=0)
        da = (ds @ Wy.T + dh_next) * (1 - h * h)
        np.add.at(grads["Wx"], inputs[:, t], da)
        grads["Wh"] += states[t].T @ da
        grads["b"] += da.sum(axis=0)
        dh_next = da @ Wh.T
    return loss, grads, states[-1]


@style("tbptt_gradients")
def chunks_by_recursion(tokens, h0, params, length):
    """The first chunk, and the rest with its last state."""
    here, rest = tokens[:, : length + 1], tokens[:, length:]
    V = len(params["Wx"])
    x = one_hot(here[:, :-1], V).astype(h0.dtype)
    h, cache = rnn_forward(x, h0, *(params[k] for k in ("Wx", "Wh", "b")))
    loss, dscores = softmax_loss(readout(h, params["Wy"], params["by"]), here[:, 1:])
    _, _, *recurrent = rnn_backward(dscores @ params["Wy"].T, cache)
    dWy, dby = (h.swapaxes(1, 2) @ dscores).sum(axis=0), dscores.reshape(-1, V).sum(axis=0)
    grads = dict(zip(("Wx", "Wh", "b", "Wy", "by"), [*recurrent, dWy, dby], strict=True))
    if rest.shape[1] < 2:
        return loss, grads, h[:, -1]
    more_loss, more, h_last = chunks_by_recursion(rest, h[:, -1], params, length)
    return loss + more_loss, {k: grads[k] + more[k] for k in grads}, h_last
