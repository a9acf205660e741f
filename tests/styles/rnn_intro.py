"""Right answers to notebook 01."""

from functools import partial, reduce
from itertools import accumulate

import numpy as np
from answers import Styles

from helpers import rnn_step
from helpers.data.tasks import SHAPES, STEPS, TASKS

style = Styles()


# one_hot ------------------------------------------------------------------------------------------


@style("one_hot")
def rows_of_the_identity(indices, depth):
    return np.eye(depth)[indices]


@style("one_hot")
def by_comparison(indices, depth):
    return np.equal.outer(indices, range(depth)) * 1.0


@style("one_hot")
def one_element_after_the_other(indices, depth):
    out = np.zeros(indices.shape + (depth,))
    for place, index in np.ndenumerate(indices):
        out[place + (index,)] = 1
    return out


@style("one_hot")
def put_along_the_last_axis(indices, depth):
    out = np.zeros((*indices.shape, depth))
    np.put_along_axis(out, indices[..., np.newaxis], 1, axis=-1)
    return out


@style("one_hot")
def flat_and_back(indices, depth):
    flat = np.ravel(indices)
    out = np.zeros((flat.size, depth), order="F")
    out[np.arange(flat.size), flat] = 1
    return out.reshape(np.shape(indices) + (depth,))


# task_shapes --------------------------------------------------------------------------------------

SHAPE_OF = dict(zip(TASKS, (SHAPES[k] for k in (0, 2, 1, 2, 2, 3, 4, 4)), strict=True))
STEP_OF = dict(zip(TASKS, (STEPS[k] for k in (0, 3, 1, 1, 2, 1, 1, 2)), strict=True))


@style("task_shapes")
def of_lists_in_another_order():
    return {task: [SHAPE_OF[task], STEP_OF[task]] for task in reversed(TASKS)}


@style("task_shapes")
def with_a_task_of_their_own():
    own = {"write a poem": ("one-to-many", "word")}
    return own | {task: (SHAPE_OF[task], STEP_OF[task]) for task in TASKS}


# rnn_step -----------------------------------------------------------------------------------------


@style("rnn_step")
def with_stacked_weights(x, h_prev, Wx, Wh, b):
    return np.tanh(np.hstack([x, h_prev]) @ np.vstack([Wx, Wh]) + b)


@style("rnn_step")
def with_columns(x, h_prev, Wx, Wh, b):
    return np.tanh(Wx.T @ x.T + Wh.T @ h_prev.T + b[:, None]).T


@style("rnn_step")
def with_einsum(x, h_prev, Wx, Wh, b):
    return np.tanh(np.einsum("nd,dh->nh", x, Wx) + np.einsum("nk,kh->nh", h_prev, Wh) + b)


@style("rnn_step")
def unit_by_unit(x, h_prev, Wx, Wh, b):
    h = np.empty_like(h_prev)
    for n in range(len(x)):
        for k in range(len(b)):
            h[n, k] = np.tanh(sum(x[n] * Wx[:, k]) + sum(h_prev[n] * Wh[:, k]) + b[k])
    return h


@style("rnn_step")
def in_its_own_buffer(x, h_prev, Wx, Wh, b):
    h = np.dot(x, Wx)
    h += np.dot(h_prev, Wh)
    h += b
    return np.tanh(h, out=h)


@style("rnn_step")
def tanh_by_a_sigmoid(x, h_prev, Wx, Wh, b, *, slope=2):
    z = np.tensordot(x, Wx, axes=1) + np.tensordot(h_prev, Wh, axes=1) + b
    return slope / (1 + np.exp(-slope * z)) - 1


class Cell:
    """A callable, with its squashing function as an attribute."""

    def __init__(self, squash):
        self.squash = squash

    def __call__(self, x, h_prev, Wx, Wh, b):
        return self.squash(x.dot(Wx) + h_prev.dot(Wh) + b)


style("rnn_step", what="a callable object")(Cell(np.tanh))


# rnn_unroll ---------------------------------------------------------------------------------------


@style("rnn_unroll")
def into_an_array_of_zeros(x, h0, Wx, Wh, b):
    out = np.zeros((*x.shape[:2], h0.shape[1]), dtype=x.dtype)
    for t in range(x.shape[1]):
        out[:, t] = rnn_step(x[:, t], out[:, t - 1] if t else h0, Wx, Wh, b)
    return out


@style("rnn_unroll")
def time_first_inside(x, h0, Wx, Wh, b):
    steps = accumulate(np.swapaxes(x, 0, 1), lambda h, x_t: rnn_step(x_t, h, Wx, Wh, b), initial=h0)
    return np.array(list(steps)[1:]).transpose(1, 0, 2)


@style("rnn_unroll")
def inputs_multiplied_beforehand(x, h0, Wx, Wh, b):
    states = [h0]
    for z in np.moveaxis(x @ Wx + b, 1, 0):
        states += [np.tanh(z + states[-1] @ Wh)]
    return np.stack(states, axis=1)[:, 1:]


@style("rnn_unroll")
def recursive(x, h0, Wx, Wh, b):
    h = rnn_step(x[:, 0], h0, Wx, Wh, b)
    if x.shape[1] == 1:
        return h[:, None]
    return np.concatenate([h[:, None], recursive(x[:, 1:], h, Wx, Wh, b)], axis=1)


@style("rnn_unroll")
def sequence_by_sequence(x, h0, Wx, Wh, b):
    out = []
    for sequence, h in zip(x, h0, strict=True):
        states = []
        for x_t in sequence:
            h = np.tanh(x_t @ Wx + h @ Wh + b)
            states.append(h)
        out.append(states)
    return np.array(out)


@style("rnn_unroll")
def by_a_generator(x, h0, Wx, Wh, b):
    def states(h):
        for t in range(x.shape[1]):
            h = rnn_step(x[:, t], h, Wx, Wh, b)
            yield h

    return np.stack(tuple(states(h0)), axis=1)


# readout ------------------------------------------------------------------------------------------


@style("readout")
def by_einsum(h, Wy, by):
    return np.einsum("...h,hv->...v", h, Wy) + by


@style("readout")
def by_tensordot(h, Wy, by):
    return np.add(np.tensordot(h, Wy, axes=(-1, 0)), by)


@style("readout")
def flattened_and_put_back(h, Wy, by):
    return (h.reshape(-1, Wy.shape[0]) @ Wy + by).reshape(*h.shape[:-1], -1)


@style("readout")
def bias_as_a_further_weight(h, Wy, by):
    ones = np.ones((*h.shape[:-1], 1), h.dtype)
    return np.concatenate([h, ones], axis=-1) @ np.vstack([Wy, by])


def unit_after_unit(add, h, Wy, by):
    return add(reduce(np.add, (h[..., k, None] * Wy[k] for k in range(len(Wy)))), by)


style("readout", what="a partial function")(partial(unit_after_unit, np.add))


# delivery_weights ---------------------------------------------------------------------------------

ON = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # from each dish to the next


@style("delivery_weights")
def of_integers():
    return [3 * ON, 2 * ON, np.zeros(3, int), np.eye(3, dtype=int), np.zeros(3, int)]


@style("delivery_weights")
def moved_on_in_the_readout():
    return 4 * np.eye(3), 2.0 * ON, np.zeros(3), 1.0 * ON, np.zeros(3)


@style("delivery_weights")
def constant_biases():
    return 6.0 * ON, 2.0 * ON, np.full(3, -0.5), 5 * np.eye(3), np.full(3, 7.0)


style("delivery_weights", what="a lambda, float32")(
    lambda: tuple(np.float32(w) for w in (4 * ON, 2 * ON, ON[0] * 0.0, np.eye(3), ON[0] * 0.0))
)
