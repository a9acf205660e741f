"""Wrong answers to notebook 03."""

from functools import partial

import numpy as np
from answers import Slips

from helpers import (
    one_hot,
    readout,
    rnn_backward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
    softmax_loss,
    truncated_chunks,
)
from helpers.language_model import PARAMETERS

slip = Slips()


# numerical_gradient -------------------------------------------------------------------------------


def elementwise(slope):
    """A loop over all elements, with a student's `slope(f, x, i, eps)` for each."""

    def numerical_gradient(f, x, eps=1e-5):
        gradient = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            gradient[i] = slope(f, x, i, eps)
        return gradient

    return numerical_gradient


def moved(x, i, step):
    y = x.copy()
    y[i] += step
    return y


def two_sided(f, x, i, step):
    return f(moved(x, i, step)) - f(moved(x, i, -step))


SLOPES = {
    "one side only": (
        lambda f, x, i, eps: (f(moved(x, i, eps)) - f(x)) / eps,
        "forward difference",
    ),
    "the other side only": (
        lambda f, x, i, eps: (f(x) - f(moved(x, i, -eps))) / eps,
        "backward difference",
    ),
    "distance of one step": (
        lambda f, x, i, eps: two_sided(f, x, i, eps) / eps,
        "divided by eps in place of 2 eps",
    ),
    "parentheses forgotten": (
        lambda f, x, i, eps: two_sided(f, x, i, eps) / 2 * eps,
        "multiplied by eps in place of divided",
    ),
    "a step that is written down": (
        lambda f, x, i, eps: two_sided(f, x, i, 1e-5) / 2e-5,
        "another step than eps",
    ),
    "a smaller step of its own": (
        lambda f, x, i, eps: two_sided(f, x, i, 1e-4) / 2e-4,
        "another step than eps",
    ),
    "half a step to either side": (
        lambda f, x, i, eps: two_sided(f, x, i, eps / 2) / eps,
        "half a step to either side",
    ),
    "plus for minus": (
        lambda f, x, i, eps: (f(moved(x, i, eps)) + f(moved(x, i, -eps))) / (2 * eps),
        "sum in place of difference",
    ),
    "every element moved": (
        lambda f, x, i, eps: (f(x + eps) - f(x - eps)) / (2 * eps),
        "all elements moved at once",
    ),
}
for what, (slope, mistake) in SLOPES.items():
    slip("numerical_gradient", "gradient", mistake, what=what)(elementwise(slope))


@slip("numerical_gradient", "x", "argument changed in place")
def not_moved_back(f, x, eps=1e-5):
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += eps
        up = f(x)
        x[i] -= 2 * eps
        gradient[i] = (up - f(x)) / (2 * eps)
    return gradient


@slip("numerical_gradient", "gradient", "earlier elements not moved back")
def one_nudge_for_all(f, x, eps=1e-5):
    gradient, nudge = np.zeros_like(x), np.zeros_like(x)
    for i in np.ndindex(x.shape):
        nudge[i] = eps
        gradient[i] = (f(x + nudge) - f(x - nudge)) / (2 * eps)
    return gradient


@slip("numerical_gradient", "gradient", "zero everywhere")
def two_names_for_one_array(f, x, eps=1e-5):
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up = down = x.copy()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


@slip("numerical_gradient", "gradient", "not in the shape of x")
def left_flat(f, x, eps=1e-5):
    return np.array([two_sided(f, x, i, eps) / (2 * eps) for i in np.ndindex(x.shape)])


@slip("numerical_gradient", "gradient")
def one_slope_for_the_whole_array(f, x, eps=1e-5):
    return (f(x + eps) - f(x - eps)) / (2 * eps)


@slip("numerical_gradient", "gradient", "int64 in place of float64")
def zeros_of_integers(f, x, eps=1e-5):
    gradient = np.zeros(x.shape, dtype=int)
    for i in np.ndindex(x.shape):
        gradient[i] = two_sided(f, x, i, eps) / (2 * eps)
    return gradient


@slip("numerical_gradient", None)
def rows_and_columns_only(f, x, eps=1e-5):
    gradient = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            gradient[i, j] = two_sided(f, x, (i, j), eps) / (2 * eps)
    return gradient


@slip("numerical_gradient", "gradient")
def far_too_small_by_default(f, x, eps=1e-14):
    return elementwise(lambda *a: two_sided(*a) / (2 * a[-1]))(f, x, eps)


@slip("numerical_gradient", "gradient", "earlier elements left below x")
def moved_up_then_down(f, x, eps=1e-5):
    gradient, y = np.zeros_like(x), x.copy()
    for i in np.ndindex(x.shape):
        y[i] += eps
        up = f(y)
        y[i] -= 2 * eps
        gradient[i] = (up - f(y)) / (2 * eps)
    return gradient


buffers = {}


def buffer(like):
    """One array for each shape and dtype, as a global that is made once."""
    return buffers.setdefault((like.shape, like.dtype), np.empty_like(like))


@slip("numerical_gradient", None, "one buffer for all calls")
def gradient_in_a_global(f, x, eps=1e-5):
    gradient = buffer(x)
    for i in np.ndindex(x.shape):
        gradient[i] = two_sided(f, x, i, eps) / (2 * eps)
    return gradient


# rnn_step_forward ---------------------------------------------------------------------------------


@slip("rnn_step_forward", "h", "tanh left out")
def linear_step(x, h_prev, Wx, Wh, b):
    h = x @ Wx + h_prev @ Wh + b
    return h, (x, h_prev, Wx, Wh, h)


@slip("rnn_step_forward", "h", "bias added after the tanh")
def bias_outside(x, h_prev, Wx, Wh, b):
    h = np.tanh(x @ Wx + h_prev @ Wh) + b
    return h, (x, h_prev, Wx, Wh, h)


@slip("rnn_step_forward", "h", "Wh transposed")
def column_vectors_in_mind(x, h_prev, Wx, Wh, b):
    h = np.tanh(np.dot(Wx.T, x.T) + np.dot(Wh, h_prev.T) + b[:, None]).T
    return h, (x, h_prev, Wx, Wh, h)


@slip("rnn_step_forward", None)
def no_cache(x, h_prev, Wx, Wh, b):
    return np.tanh(x @ Wx + h_prev @ Wh + b)


@slip("rnn_step_forward", "h")
def cache_first(x, h_prev, Wx, Wh, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    return (x, h_prev, Wx, Wh, h), h


@slip("rnn_step_forward", "h_prev", "argument changed in place")
def written_over_the_old_state(x, h_prev, Wx, Wh, b):
    old = h_prev
    h_prev[:] = np.tanh(x @ Wx + h_prev @ Wh + b)
    return h_prev, (x, old, Wx, Wh, h_prev)


kept = {}


@slip("rnn_step_forward", "cache", "one cache for all calls")
def cache_in_a_global_dict(x, h_prev, Wx, Wh, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    kept.update(x=x, h_prev=h_prev, Wx=Wx, Wh=Wh, h=h)
    return h, kept


@slip("rnn_step_forward", None)
def weights_on_the_left(x, h_prev, Wx, Wh, b):
    h = np.tanh(Wx @ x + Wh @ h_prev + b)
    return h, (x, h_prev, Wx, Wh, h)


@slip("rnn_step_forward", "h", "float64 in place of float32")
def buffer_of_float64(x, h_prev, Wx, Wh, b):
    a = np.zeros(h_prev.shape)
    a += x @ Wx
    a += h_prev @ Wh + b
    return np.tanh(a), (x, h_prev, Wx, Wh, a)


# rnn_step_backward --------------------------------------------------------------------------------


def with_slope(before_tanh):
    """All five gradients from a student's gradient before the tanh."""

    def rnn_step_backward(dh, cache):
        x, h_prev, Wx, Wh, h = cache
        da = before_tanh(dh, h_prev, h)
        return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)

    return rnn_step_backward


STEP_SLOPES = {
    "straight through the tanh": (lambda dh, h_prev, h: dh, "tanh derivative left out"),
    "square forgotten": (lambda dh, h_prev, h: dh * (1 - h), "1 - h in place of 1 - h²"),
    "tanh of the tanh": (
        lambda dh, h_prev, h: dh * (1 - np.tanh(h) ** 2),
        "tanh taken a second time",
    ),
    "slope alone": (lambda dh, h_prev, h: 1 - h**2, "upstream gradient left out"),
    "as for a sigmoid": (
        lambda dh, h_prev, h: dh * h * (1 - h),
        "slope of the sigmoid in place of tanh's",
    ),
    "slope at the old state": (
        lambda dh, h_prev, h: dh * (1 - h_prev**2),
        "h_prev in place of h in the slope",
    ),
    "slope in the denominator": (
        lambda dh, h_prev, h: dh / (1 - h**2),
        "divided by the slope of tanh",
    ),
}
for what, (before_tanh, mistake) in STEP_SLOPES.items():
    slip("rnn_step_backward", "dx", mistake, what=what)(with_slope(before_tanh))


@slip("rnn_step_backward", "dh_prev", "Wh not transposed in dh_prev")
def transpose_forgotten_where_it_fits(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh, x.T @ da, h_prev.T @ da, da.sum(axis=0)


@slip("rnn_step_backward", None)
def transpose_forgotten_where_it_does_not_fit(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


@slip("rnn_step_backward", "dWh", "dWh transposed")
def recurrent_product_turned_round(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, da.T @ h_prev, da.sum(axis=0)


@slip("rnn_step_backward", "dWh", "h in place of h_prev in dWh")
def new_state_for_the_old(dh, cache):
    x, _, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, h.T @ da, da.sum(axis=0)


@slip("rnn_step_backward", "dWx", "tanh derivative left out")
def slope_for_the_inputs_only(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ dh, h_prev.T @ dh, dh.sum(axis=0)


@slip("rnn_step_backward", "db", "db summed over the units")
def bias_over_the_wrong_axis(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=1)


@slip("rnn_step_backward", "db", "db with an axis too many")
def bias_as_a_row(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0, keepdims=True)


@slip("rnn_step_backward", "db")
def bias_summed_to_a_number(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, np.sum(da)


@slip("rnn_step_backward", "dWx", "mean over the batch in the weights' gradients")
def averaged_over_the_batch(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    N = x.shape[0]
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da / N, h_prev.T @ da / N, da.sum(axis=0) / N


@slip("rnn_step_backward", "dWx", "np.outer in place of a sum over the batch")
def outer_products(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, np.outer(x, da), np.outer(h_prev, da), da.sum(axis=0)


@slip("rnn_step_backward", "dx", "dx and dh_prev exchanged")
def state_before_input(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wh.T, da @ Wx.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


@slip("rnn_step_backward", "dWx", "dWx and dWh exchanged")
def recurrent_weights_before_input_weights(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, h_prev.T @ da, x.T @ da, da.sum(axis=0)


@slip("rnn_step_backward", "dh", "argument changed in place")
def upstream_scaled_in_place(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    dh *= 1 - h**2
    return dh @ Wx.T, dh @ Wh.T, x.T @ dh, h_prev.T @ dh, dh.sum(axis=0)


@slip("rnn_step_backward", "cache", "cache changed in place")
def slope_written_into_the_cache(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    h *= -h
    h += 1
    da = dh * h
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


def sigmoid_step(x, h_prev, Wx, Wh, b):
    h = 1 / (1 + np.exp(-(x @ Wx + h_prev @ Wh + b)))
    return h, (x, h_prev, Wx, Wh, h)


slip(
    "rnn_step_backward",
    "dx",
    "wrong rnn_step_forward",
    what="right for a forward pass with a sigmoid",
    forward=sigmoid_step,
)(with_slope(lambda dh, h_prev, h: dh * h * (1 - h)))


# rnn_forward --------------------------------------------------------------------------------------


@slip("rnn_forward", "h", "h0 ignored")
def started_from_zeros(x, h0, Wx, Wh, b):
    h, states, caches = np.zeros_like(h0), [], []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


@slip("rnn_forward", "h", "state not carried on")
def h0_at_every_step(x, h0, Wx, Wh, b):
    steps = [rnn_step_forward(x[:, t], h0, Wx, Wh, b) for t in range(x.shape[1])]
    return np.stack([h for h, _ in steps], axis=1), [cache for _, cache in steps]


@slip("rnn_forward", "h", "time as the first axis")
def stacked_along_the_first_axis(x, h0, Wx, Wh, b):
    h, states, caches = h0, [], []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states), caches


@slip("rnn_forward", "h", "only the last state")
def last_state_only(x, h0, Wx, Wh, b):
    h, caches = h0, []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    return h, caches


@slip("rnn_forward", "h", "the last state in all places")
def one_buffer_for_every_state(x, h0, Wx, Wh, b):
    h, states = h0.copy(), []
    for t in range(x.shape[1]):
        h[...] = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        states.append(h)
    return np.stack(states, axis=1), (x, h0, Wx, Wh, states)


@slip("rnn_forward", "h0", "argument changed in place")
def state_grown_in_h0(x, h0, Wx, Wh, b):
    h = h0
    states = np.empty((len(x), x.shape[1], h0.shape[1]), h0.dtype)
    for t in range(x.shape[1]):
        h[:] = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        states[:, t] = h
    return states, (x, h0, Wx, Wh, states)


@slip("rnn_forward", "h", "h0 among the states, the last one missing")
def state_stored_before_the_step(x, h0, Wx, Wh, b):
    h, states, caches = h0, [], []
    for t in range(x.shape[1]):
        states.append(h)
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    return np.stack(states, axis=1), caches


@slip("rnn_forward", "h", "h0 among the states")
def h0_kept_in_front(x, h0, Wx, Wh, b):
    states, caches = [h0], []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], states[-1], Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


@slip("rnn_forward", "h", "last state left at zero")
def one_step_too_few(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h = np.zeros((N, T, h0.shape[1]), h0.dtype)
    h_t = h0
    for t in range(T - 1):
        h_t, _ = rnn_step_forward(x[:, t], h_t, Wx, Wh, b)
        h[:, t] = h_t
    return h, (x, h0, Wx, Wh, h)


@slip("rnn_forward", None)
def batch_taken_for_time(x, h0, Wx, Wh, b):
    h, states = h0, []
    for x_t in x:
        h, _ = rnn_step_forward(x_t, h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1), (x, h0, Wx, Wh, states)


@slip("rnn_forward", None, "one buffer for all calls")
def states_in_a_global(x, h0, Wx, Wh, b):
    h, states = h0, buffer(x @ Wx)
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        states[:, t] = h
    return states, (x, h0, Wx, Wh, states)


step_caches = []


@slip("rnn_forward", "cache", "one cache for all calls")
def caches_in_a_global_list(x, h0, Wx, Wh, b):
    h, states = h0, []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        step_caches.append(cache)
    return np.stack(states, axis=1), step_caches


@slip("rnn_forward", "h", "float64 in place of float32")
def np_zeros_for_the_states(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    for t in range(T):
        h[:, t] = np.tanh(x[:, t] @ Wx + (h[:, t - 1] if t else h0) @ Wh + b)
    return h, (x, h0, Wx, Wh, h)


@slip("rnn_forward", "h", "h0 ignored")
def negative_index_before_the_first_step(x, h0, Wx, Wh, b):
    h = np.zeros_like(x[..., :1]) + np.zeros_like(h0[:, None])
    for t in range(x.shape[1]):
        h[:, t] = np.tanh(x[:, t] @ Wx + h[:, t - 1] @ Wh + b)
    return h, (x, h0, Wx, Wh, h)


# rnn_backward -------------------------------------------------------------------------------------


def step_by_step(x, h0, Wx, Wh, b):
    """A right forward pass whose cache is the list of the steps' caches."""
    h, states, caches = h0, [], []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


through_time = partial(slip, "rnn_backward", forward=step_by_step)


@through_time("dWx", "= for += over time")
def overwritten_at_every_step(dh, caches):
    dx, dh_next = [None] * len(caches), 0
    for t in reversed(range(len(caches))):
        dx[t], dh_next, dWx, dWh, db = rnn_step_backward(dh[:, t] + dh_next, caches[t])
    return np.stack(dx, axis=1), dh_next, dWx, dWh, db


@through_time("db", "= for += over time")
def only_the_bias_overwritten(dh, caches):
    dx, dh_next, dWx, dWh = [None] * len(caches), 0, 0, 0
    for t in reversed(range(len(caches))):
        dx[t], dh_next, dWx_t, dWh_t, db = rnn_step_backward(dh[:, t] + dh_next, caches[t])
        dWx, dWh = dWx + dWx_t, dWh + dWh_t
    return np.stack(dx, axis=1), dh_next, dWx, dWh, db


def added_up(steps, dh0=None):
    """What a student returns who has gathered the steps' gradients, from the last to the first."""
    dx, dh_prev, *weights = zip(*steps, strict=True)
    dh0 = dh_prev[-1] if dh0 is None else dh0
    return np.stack(dx[::-1], axis=1), dh0, *(sum(w) for w in weights)


@through_time("dx", "gradient from the next step not added")
def every_step_on_its_own(dh, caches):
    return added_up([rnn_step_backward(dh[:, t], caches[t]) for t in range(len(caches))[::-1]])


@through_time("dx", "only the last step's dh")
def loss_at_the_end_only(dh, caches):
    steps, arriving = [], dh[:, -1]
    for cache in reversed(caches):
        steps.append(rnn_step_backward(arriving, cache))
        arriving = steps[-1][1]
    return added_up(steps)


@through_time("dx", "the last step's dh at every step")
def same_dh_at_every_step(dh, caches):
    steps, dh_next = [], 0
    for cache in reversed(caches):
        steps.append(rnn_step_backward(dh[:, -1] + dh_next, cache))
        dh_next = steps[-1][1]
    return added_up(steps)


@through_time("dx", "gradients of all later steps piled up")
def dh_next_never_replaced(dh, caches):
    steps, dh_next = [], np.zeros_like(dh[:, 0])
    for t in reversed(range(len(caches))):
        steps.append(rnn_step_backward(dh[:, t] + dh_next, caches[t]))
        dh_next += steps[-1][1]
    return added_up(steps, dh_next)


@through_time("dx", "steps visited forward in time")
def loop_from_the_first_step(dh, caches):
    dx, dh_next = np.zeros((*dh.shape[:2], caches[0][0].shape[1]), dh.dtype), 0
    dWx = dWh = db = 0
    for t in range(len(caches)):
        dx[:, t], dh_next, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dh_next, caches[t])
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    return dx, dh_next, dWx, dWh, db


@through_time("dx", "dx in the order in which the steps were visited")
def list_not_turned_round(dh, caches):
    dxs, dh_next = [], 0
    dWx = dWh = db = 0
    for t in reversed(range(len(caches))):
        dx, dh_next, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dh_next, caches[t])
        dxs.append(dx)
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    return np.stack(dxs, axis=1), dh_next, dWx, dWh, db


@through_time("dx", "first step left out")
def range_that_stops_before_zero(dh, caches):
    T = len(caches)
    dx, dh_next = (
        np.zeros((*dh.shape[:2], caches[0][0].shape[1]), dh.dtype),
        np.zeros_like(dh[:, 0]),
    )
    dWx, dWh = np.zeros_like(caches[0][2]), np.zeros_like(caches[0][3])
    db = np.zeros_like(dh[0, 0])
    for t in range(T - 1, 0, -1):
        dx[:, t], dh_next, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dh_next, caches[t])
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    return dx, dh_next, dWx, dWh, db


@through_time("dx", "last step left out")
def range_that_starts_too_early(dh, caches):
    dx, dh_next = (
        np.zeros((*dh.shape[:2], caches[0][0].shape[1]), dh.dtype),
        np.zeros_like(dh[:, 0]),
    )
    dWx, dWh = np.zeros_like(caches[0][2]), np.zeros_like(caches[0][3])
    db = np.zeros_like(dh[0, 0])
    for t in range(len(caches) - 2, -1, -1):
        dx[:, t], dh_next, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dh_next, caches[t])
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    return dx, dh_next, dWx, dWh, db


@through_time("dx", "time as the first axis of dx")
def gradients_stacked_along_the_first_axis(dh, caches):
    steps, dh_next = [], 0
    for t in reversed(range(len(caches))):
        steps.append(rnn_step_backward(dh[:, t] + dh_next, caches[t]))
        dh_next = steps[-1][1]
    dx, *others = added_up(steps)
    return np.stack([step[0] for step in steps[::-1]]), *others


@through_time("dh", "argument changed in place")
def later_gradient_added_into_dh(dh, caches):
    steps = []
    for t in reversed(range(len(caches))):
        steps.append(rnn_step_backward(dh[:, t], caches[t]))
        if t > 0:
            dh[:, t - 1] += steps[-1][1]
    return added_up(steps)


@through_time("cache", "cache changed in place")
def steps_popped_off_the_cache(dh, caches):
    steps, dh_next, t = [], 0, len(caches)
    while caches:
        t -= 1
        steps.append(rnn_step_backward(dh[:, t] + dh_next, caches.pop()))
        dh_next = steps[-1][1]
    return added_up(steps)


def rnn_forward_to_all_states(x, h0, Wx, Wh, b):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    return h, (x, h0, Wx, Wh, h)


from_all_states = partial(slip, "rnn_backward", forward=rnn_forward_to_all_states)


@from_all_states("dh0", "dh0 left at zero")
def dh0_never_assigned(dh, cache):
    x, h0, Wx, Wh, h = cache
    dx, dh0, dh_next = np.zeros_like(x), np.zeros_like(h0), np.zeros_like(h0)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(h0[0])
    for t in reversed(range(x.shape[1])):
        da = (dh[:, t] + dh_next) * (1 - h[:, t] ** 2)
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += (h[:, t - 1] if t > 0 else h0).T @ da
        db += da.sum(axis=0)
        dh_next = da @ Wh.T
    return dx, dh0, dWx, dWh, db


@from_all_states("dWh", "zeros in place of h0 before the first step")
def no_recurrent_share_at_the_first_step(dh, cache):
    x, h0, Wx, Wh, h = cache
    dx, dh_next = np.zeros_like(x), np.zeros_like(h0)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(h0[0])
    for t in reversed(range(x.shape[1])):
        da = (dh[:, t] + dh_next) * (1 - h[:, t] ** 2)
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        if t > 0:
            dWh += h[:, t - 1].T @ da
        db += da.sum(axis=0)
        dh_next = da @ Wh.T
    return dx, dh_next, dWx, dWh, db


@from_all_states("dWh", "last state in place of h0 before the first step")
def index_minus_one(dh, cache):
    x, h0, Wx, Wh, h = cache
    dx, dh_next = np.zeros_like(x), np.zeros_like(h0)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(h0[0])
    for t in reversed(range(x.shape[1])):
        da = (dh[:, t] + dh_next) * (1 - h[:, t] ** 2)
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += h[:, t - 1].T @ da  # at t = 0 this is the last state
        db += da.sum(axis=0)
        dh_next = da @ Wh.T
    return dx, dh_next, dWx, dWh, db


@from_all_states("dx", "slope of tanh not applied to what the next step sends back")
def slope_for_the_outer_gradient_only(dh, cache):
    x, h0, Wx, Wh, h = cache
    dx, dh_next = np.zeros_like(x), np.zeros_like(h0)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(h0[0])
    for t in reversed(range(x.shape[1])):
        da = dh[:, t] * (1 - h[:, t] ** 2) + dh_next
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += (h[:, t - 1] if t > 0 else h0).T @ da
        db += da.sum(axis=0)
        dh_next = da @ Wh.T
    return dx, dh_next, dWx, dWh, db


@from_all_states("dx", "Wh not transposed in dh_prev")
def transpose_forgotten_in_the_loop(dh, cache):
    x, h0, Wx, Wh, h = cache
    da, dh_next = np.zeros_like(h), np.zeros_like(h0)
    for t in reversed(range(x.shape[1])):
        da[:, t] = (dh[:, t] + dh_next) * (1 - h[:, t] ** 2)
        dh_next = da[:, t] @ Wh
    h_prev = np.concatenate([h0[:, None], h[:, :-1]], axis=1)
    dWx, dWh = np.einsum("ntd,nth->dh", x, da), np.einsum("ntg,nth->gh", h_prev, da)
    return da @ Wx.T, dh_next, dWx, dWh, da.sum(axis=(0, 1))


@from_all_states("dWx", "mean over time")
def divided_by_the_number_of_steps(dh, cache):
    x, h0, Wx, Wh, h = cache
    da, dh_next = np.zeros_like(h), np.zeros_like(h0)
    for t in reversed(range(x.shape[1])):
        da[:, t] = (dh[:, t] + dh_next) * (1 - h[:, t] ** 2)
        dh_next = da[:, t] @ Wh.T
    h_prev = np.concatenate([h0[:, None], h[:, :-1]], axis=1)
    dWx, dWh = np.einsum("ntd,nth->dh", x, da), np.einsum("ntg,nth->gh", h_prev, da)
    T = x.shape[1]
    return da @ Wx.T, dh_next, dWx / T, dWh / T, da.sum(axis=0).mean(axis=0)


@from_all_states("db", "db not summed over time")
def bias_summed_over_the_batch_only(dh, cache):
    x, h0, Wx, Wh, h = cache
    da, dh_next = np.zeros_like(h), np.zeros_like(h0)
    for t in reversed(range(x.shape[1])):
        da[:, t] = (dh[:, t] + dh_next) * (1 - h[:, t] ** 2)
        dh_next = da[:, t] @ Wh.T
    h_prev = np.concatenate([h0[:, None], h[:, :-1]], axis=1)
    dWx, dWh = np.einsum("ntd,nth->dh", x, da), np.einsum("ntg,nth->gh", h_prev, da)
    return da @ Wx.T, dh_next, dWx, dWh, da.sum(axis=0)


@from_all_states(("dx", "dh0", "dWx", "dWh", "db"), "gradients clipped")
def clipped_on_the_way(dh, cache):
    x, h0, Wx, Wh, h = cache
    da, dh_next = np.zeros_like(h), np.zeros_like(h0)
    for t in reversed(range(x.shape[1])):
        da[:, t] = (dh[:, t] + dh_next) * (1 - h[:, t] ** 2)
        dh_next = da[:, t] @ Wh.T
    h_prev = np.concatenate([h0[:, None], h[:, :-1]], axis=1)
    dWx, dWh = np.einsum("ntd,nth->dh", x, da), np.einsum("ntg,nth->gh", h_prev, da)
    found = da @ Wx.T, dh_next, dWx, dWh, da.sum(axis=(0, 1))
    return tuple(np.clip(g, -5, 5) for g in found)


@through_time(("dx", "dh0", "dWx", "dWh", "db"))
def cut_after_three_steps(dh, caches):
    T = len(caches)
    dx = np.zeros((*dh.shape[:2], caches[0][0].shape[1]), dh.dtype)
    dh0, totals = np.zeros_like(dh[:, 0]), [0, 0, 0]
    for t in reversed(range(T)):
        back = dh[:, t]
        for s in range(t, max(t - 3, -1), -1):
            dx_s, back, *weights = rnn_step_backward(back, caches[s])
            dx[:, s] += dx_s
            totals = [total + w for total, w in zip(totals, weights, strict=True)]
            if s == 0:
                dh0 += back
    return dx, dh0, *totals


# A notebook in one name space, as it is when the check puts the course's own steps in place of the
# student's.
NOTEBOOK = """
import numpy as np

def rnn_step_forward(x, h_prev, Wx, Wh, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    return h, (x, h_prev, Wx, Wh, h)

def rnn_step_backward(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = {da}
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)

def rnn_forward(x, h0, Wx, Wh, b):
    h, states, caches = h0, [], []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches

def rnn_backward(dh, cache):
    T = dh.shape[1]
    dx, dh_next, dWx, dWh, db = [None] * T, 0, 0, 0, 0
    for t in reversed(range(T)):
        dx[t], {carried}, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dh_next, cache[t])
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    return np.stack(dx, axis=1), {carried}, dWx, dWh, db
"""
for what, da, carried, mistake in (
    (
        "right steps, nothing carried",
        "dh * (1 - h * h)",
        "dh0",
        "gradient from the next step not added",
    ),
    ("wrong steps, nothing carried", "dh", "dh0", "gradient from the next step not added"),
):
    scope = {}
    exec(NOTEBOOK.format(da=da, carried=carried), scope)
    slip("rnn_backward", "dx", mistake, what=what, forward=scope["rnn_forward"])(
        scope["rnn_backward"]
    )


# embedding_backward -------------------------------------------------------------------------------


@slip("embedding_backward", "dE", "repeated tokens overwrite each other")
def fancy_index_and_add(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), dout.dtype)
    dE[tokens] += dout
    return dE


@slip("embedding_backward", "dE", "repeated tokens overwrite each other")
def assigned_in_a_loop(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), dout.dtype)
    for n, t in np.ndindex(tokens.shape):
        dE[tokens[n, t]] = dout[n, t]
    return dE


@slip("embedding_backward", "dE", "tokens repeated at one time step overwrite each other")
def fancy_index_at_every_step(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), dout.dtype)
    for t in range(tokens.shape[1]):
        dE[tokens[:, t]] += dout[:, t]
    return dE


@slip("embedding_backward", "dE", "tokens repeated in one sequence overwrite each other")
def fancy_index_for_every_sequence(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), dout.dtype)
    for row, gradient in zip(tokens, dout, strict=True):
        dE[row] += gradient
    return dE


@slip("embedding_backward", "dE", "only as many rows as the largest token needs")
def vocabulary_from_the_data(dout, cache):
    tokens, _ = cache
    dE = np.zeros((tokens.max() + 1, dout.shape[2]), dout.dtype)
    np.add.at(dE, tokens, dout)
    return dE


@slip("embedding_backward", "dE", "only as many rows as different tokens occur")
def rows_for_the_tokens_that_occur(dout, cache):
    found, row = np.unique(cache[0], return_inverse=True)
    dE = np.zeros((len(found), dout.shape[2]), dout.dtype)
    np.add.at(dE, row.reshape(cache[0].shape), dout)
    return dE


@slip("embedding_backward", "dE", "mean over the batch")
def divided_by_the_batch(dout, cache):
    tokens, V = cache
    picked = one_hot(tokens, V)
    return np.tensordot(picked, dout, axes=([0, 1], [0, 1])) / len(tokens)


@slip("embedding_backward", "dE", "mean over a token's occurrences")
def mean_of_each_tokens_rows(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), dout.dtype)
    for v in range(V):
        if (tokens == v).any():
            dE[v] = dout[tokens == v].mean(axis=0)
    return dE


@slip("embedding_backward", "dE", "tokens counted, upstream gradient left out")
def occurrences_counted(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), dout.dtype)
    np.add.at(dE, tokens, 1)
    return dE


@slip("embedding_backward", "dE", "only the last time step")
def last_step_of_the_embedding(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), dout.dtype)
    np.add.at(dE, tokens[:, -1], dout[:, -1])
    return dE


@slip("embedding_backward", "dE", "transposed")
def features_as_rows(dout, cache):
    tokens, V = cache
    return np.einsum("ntd,ntv->dv", dout, one_hot(tokens, V))


@slip("embedding_backward", "dE", "int64 in place of float64")
def buffer_of_integers(dout, cache):
    tokens, V = cache
    dE = np.zeros((V, dout.shape[2]), int)
    np.add.at(dE, tokens, dout)
    return dE


# adagrad_update -----------------------------------------------------------------------------------


@slip("adagrad_update", "param", "not in place")
def new_arrays_for_both(param, grad, memory, learning_rate, eps=1e-8):
    memory = memory + grad**2
    param = param - learning_rate * grad / np.sqrt(memory + eps)
    return param, memory


@slip("adagrad_update", "param", "param not changed in place")
def new_array_for_param(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    param = param - learning_rate * grad / np.sqrt(memory + eps)
    return param


@slip("adagrad_update", "memory", "memory not changed in place")
def new_array_for_memory(param, grad, memory, learning_rate, eps=1e-8):
    memory = memory + grad**2
    param -= learning_rate * grad / np.sqrt(memory + eps)


@slip("adagrad_update", "param", "eps outside the root")
def eps_as_in_adam(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    param -= learning_rate * grad / (np.sqrt(memory) + eps)


@slip("adagrad_update", "param", "eps added to the memory itself")
def eps_summed_up(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2 + eps
    param -= learning_rate * grad / np.sqrt(memory + eps)


@slip("adagrad_update", "param", "eps ignored")
def eps_of_its_own(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    param -= learning_rate * grad / np.sqrt(memory + 1e-8)


@slip("adagrad_update", "param", "memory replaced and not accumulated")
def only_the_present_gradient(param, grad, memory, learning_rate, eps=1e-8):
    memory[:] = grad**2
    param -= learning_rate * grad / np.sqrt(memory + eps)


@slip("adagrad_update", "param", "moving average, as in RMSprop")
def memory_that_fades(param, grad, memory, learning_rate, eps=1e-8):
    memory[...] = 0.9 * memory + 0.1 * grad**2
    param -= learning_rate * grad / np.sqrt(memory + eps)


@slip("adagrad_update", "param", "step taken before the memory is updated")
def lines_in_the_wrong_order(param, grad, memory, learning_rate, eps=1e-8):
    param -= learning_rate * grad / np.sqrt(memory + eps)
    memory += grad**2


@slip("adagrad_update", "param", "root left out")
def memory_without_its_root(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    param -= learning_rate * grad / (memory + eps)


@slip("adagrad_update", "memory", "root taken in the memory itself")
def root_kept_in_the_memory(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    np.sqrt(memory + eps, out=memory)
    param -= learning_rate * grad / memory


@slip("adagrad_update", "param", "one root for the whole array")
def norm_in_place_of_elements(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    param -= learning_rate * grad / np.sqrt(memory.sum() + eps)


@slip("adagrad_update", "param", "step uphill")
def added_to_param(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad * grad
    param += learning_rate * grad / np.sqrt(memory + eps)


@slip("adagrad_update", "param", "learning rate left out")
def no_learning_rate(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    param -= grad / np.sqrt(memory + eps)


@slip("adagrad_update", "param", "gradients clipped")
def clipped_before_the_update(param, grad, memory, learning_rate, eps=1e-8):
    clipped = np.clip(grad, -5, 5)
    memory += clipped**2
    param -= learning_rate * clipped / np.sqrt(memory + eps)


@slip("adagrad_update", "param")
def eps_as_the_least_memory(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    param -= learning_rate * grad / np.sqrt(np.maximum(memory, eps))


@slip("adagrad_update", "grad", "argument changed in place")
def gradient_scaled_in_place(param, grad, memory, learning_rate, eps=1e-8):
    memory += grad**2
    grad /= np.sqrt(memory + eps)
    grad *= learning_rate
    param -= grad


@slip("adagrad_update", None)
def eps_not_an_argument(param, grad, memory, learning_rate):
    memory += grad**2
    param -= learning_rate * grad / np.sqrt(memory + 1e-8)


@slip("adagrad_update", None)
def for_matrices_only(param, grad, memory, learning_rate, eps=1e-8):
    rows, columns = param.shape
    for i in range(rows):
        for j in range(columns):
            memory[i, j] += grad[i, j] ** 2
            param[i, j] -= learning_rate * grad[i, j] / np.sqrt(memory[i, j] + eps)


# truncated_chunks ---------------------------------------------------------------------------------


@slip("truncated_chunks", "chunks", "one pair in place of an iterator")
def return_for_yield(tokens, length):
    T = tokens.shape[1] - 1
    for start in range(0, T, length):
        stop = min(start + length, T)
        return tokens[:, start:stop], tokens[:, start + 1 : stop + 1]


@slip("truncated_chunks", "chunks", "one pair in place of an iterator")
def two_long_arrays(tokens, length):
    return tokens[:, :-1], tokens[:, 1:]


@slip("truncated_chunks", "chunks", "inputs and targets not in one pair")
def two_yields(tokens, length):
    T = tokens.shape[1] - 1
    for start in range(0, T, length):
        stop = min(start + length, T)
        yield tokens[:, start:stop]
        yield tokens[:, start + 1 : stop + 1]


@slip("truncated_chunks", "chunks")
def inner_generator_not_called(tokens, length):
    def chunks():
        T = tokens.shape[1] - 1
        for start in range(0, T, length):
            stop = min(start + length, T)
            yield tokens[:, start:stop], tokens[:, start + 1 : stop + 1]

    return chunks


@slip("truncated_chunks", "chunks", "returns nothing")
def printed(tokens, length):
    for start in range(0, tokens.shape[1] - 1, length):
        _ = tokens[:, start : start + length], tokens[:, start + 1 : start + length + 1]


@slip("truncated_chunks", "chunks", "only the first chunk")
def returned_inside_the_loop(tokens, length):
    chunks, T = [], tokens.shape[1] - 1
    for start in range(0, T, length):
        stop = min(start + length, T)
        chunks.append((tokens[:, start:stop], tokens[:, start + 1 : stop + 1]))
        return chunks


@slip("truncated_chunks", "chunks", "last short chunk dropped")
def whole_chunks_only(tokens, length):
    T = tokens.shape[1] - 1
    for k in range(T // length):
        start = k * length
        yield tokens[:, start : start + length], tokens[:, start + 1 : start + length + 1]


@slip("truncated_chunks", "inputs", "last token as an input")
def all_columns_as_inputs(tokens, length):
    for start in range(0, tokens.shape[1], length):
        yield tokens[:, start : start + length], tokens[:, start + 1 : start + length + 1]


@slip("truncated_chunks", "targets", "targets not one ahead")
def targets_are_the_inputs(tokens, length):
    T = tokens.shape[1] - 1
    for start in range(0, T, length):
        stop = min(start + length, T)
        yield tokens[:, start:stop], tokens[:, start:stop]


@slip("truncated_chunks", "targets", "targets two ahead")
def targets_two_places_on(tokens, length):
    T = tokens.shape[1] - 2
    for start in range(0, T, length):
        stop = min(start + length, T)
        yield tokens[:, start:stop], tokens[:, start + 2 : stop + 2]


@slip("truncated_chunks", "targets", "targets one short")
def targets_end_with_the_inputs(tokens, length):
    T = tokens.shape[1] - 1
    for start in range(0, T, length):
        stop = min(start + length, T)
        yield tokens[:, start:stop], tokens[:, start + 1 : stop]


@slip("truncated_chunks", "inputs", "one prediction lost between chunks")
def chunks_cut_before_the_shift(tokens, length):
    for start in range(0, tokens.shape[1] - 1, length):
        chunk = tokens[:, start : start + length]
        yield chunk[:, :-1], chunk[:, 1:]


@slip("truncated_chunks", "inputs", "chunks one step apart")
def sliding_window(tokens, length):
    for start in range(tokens.shape[1] - length):
        yield tokens[:, start : start + length], tokens[:, start + 1 : start + length + 1]


@slip("truncated_chunks", "inputs", "one token skipped between chunks")
def steps_of_length_plus_one(tokens, length):
    T = tokens.shape[1] - 1
    for start in range(0, T, length + 1):
        stop = min(start + length, T)
        yield tokens[:, start:stop], tokens[:, start + 1 : stop + 1]


@slip("truncated_chunks", "inputs", "inputs and targets exchanged")
def targets_first(tokens, length):
    T = tokens.shape[1] - 1
    for start in range(0, T, length):
        stop = min(start + length, T)
        yield tokens[:, start + 1 : stop + 1], tokens[:, start:stop]


@slip("truncated_chunks", "inputs", "batch cut in place of time")
def rows_cut(tokens, length):
    for start in range(0, tokens.shape[0], length):
        yield tokens[start : start + length, :-1], tokens[start : start + length, 1:]


@slip("truncated_chunks", "inputs", "last prediction missing")
def two_columns_too_few(tokens, length):
    T = tokens.shape[1] - 2
    for start in range(0, T, length):
        stop = min(start + length, T)
        yield tokens[:, start:stop], tokens[:, start + 1 : stop + 1]


@slip("truncated_chunks", "inputs", "last chunk padded")
def padded_with_zeros(tokens, length):
    T = tokens.shape[1] - 1
    padded = np.pad(tokens, ((0, 0), (0, -T % length)))
    for start in range(0, T, length):
        yield padded[:, start : start + length], padded[:, start + 1 : start + length + 1]


@slip("truncated_chunks", "inputs", "chunks of equal length")
def array_split(tokens, length):
    pieces = -(-(tokens.shape[1] - 1) // length)
    inputs = np.array_split(tokens[:, :-1], pieces, axis=1)
    return zip(inputs, np.array_split(tokens[:, 1:], pieces, axis=1), strict=True)


@slip("truncated_chunks", "inputs", "last chunk moved back to be full")
def last_chunk_from_the_end(tokens, length):
    T = tokens.shape[1] - 1
    for start in range(0, T, length):
        start = max(0, min(start, T - length))
        yield tokens[:, start : start + length][:, :T], tokens[:, start + 1 : start + length + 1]


@slip("truncated_chunks", "inputs")
def lists_of_tokens(tokens, length):
    T = tokens.shape[1] - 1
    for start in range(0, T, length):
        stop = min(start + length, T)
        yield tokens[:, start:stop].tolist(), tokens[:, start + 1 : stop + 1].tolist()


@slip("truncated_chunks", "inputs", "the whole sequence as one chunk")
def length_from_the_lecture(tokens, length=25):
    T, length = tokens.shape[1] - 1, 25
    for start in range(0, T, length):
        yield tokens[:, start:-1][:, :length], tokens[:, start + 1 :][:, :length]


# tbptt_gradients ----------------------------------------------------------------------------------


def chunk_gradients(inputs, targets, h0, params):
    """A student's own right chunk: loss, gradients and all states."""
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    h, cache = rnn_forward(one_hot(inputs, len(Wx)), h0, Wx, Wh, b)
    loss, dscores = softmax_loss(readout(h, Wy, by), targets)
    _, _, dWx, dWh, db = rnn_backward(dscores @ Wy.T, cache)
    dWy, dby = np.einsum("nth,ntv->hv", h, dscores), dscores.sum(axis=(0, 1))
    return loss, {"Wx": dWx, "Wh": dWh, "b": db, "Wy": dWy, "by": dby}, h


def zeros_like_each(params):
    return {name: np.zeros_like(value) for name, value in params.items()}


def plus(grads, new):
    return {name: grads[name] + new[name] for name in grads}


@slip("tbptt_gradients", "loss", "state not carried across chunks")
def h0_for_every_chunk(tokens, h0, params, length):
    loss, grads = 0.0, zeros_like_each(params)
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, h = chunk_gradients(inputs, targets, h0, params)
        loss, grads = loss + new_loss, plus(grads, new)
    return loss, grads, h[:, -1]


@slip("tbptt_gradients", "loss", "state set to zero at every chunk")
def zeros_for_every_chunk(tokens, h0, params, length):
    loss, grads = 0.0, zeros_like_each(params)
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, h = chunk_gradients(inputs, targets, np.zeros_like(h0), params)
        loss, grads = loss + new_loss, plus(grads, new)
    return loss, grads, h[:, -1]


@slip("tbptt_gradients", "loss", "h0 ignored")
def zeros_for_the_first_chunk(tokens, h0, params, length):
    loss, grads, h = 0.0, zeros_like_each(params), np.zeros_like(h0)
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss, plus(grads, new), states[:, -1]
    return loss, grads, h


@slip("tbptt_gradients", "loss", "state carried from a chunk's first step")
def first_state_of_each_chunk(tokens, h0, params, length):
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss, plus(grads, new), states[:, 0]
    return loss, grads, h


@slip("tbptt_gradients", "grads['Wx']", "only the last chunk's gradients")
def gradients_overwritten(tokens, h0, params, length):
    loss, h = 0.0, h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, grads, states = chunk_gradients(inputs, targets, h, params)
        loss, h = loss + new_loss, states[:, -1]
    return loss, grads, h


@slip("tbptt_gradients", "loss", "only the last chunk's loss")
def loss_overwritten(tokens, h0, params, length):
    grads, h = zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        loss, new, states = chunk_gradients(inputs, targets, h, params)
        grads, h = plus(grads, new), states[:, -1]
    return loss, grads, h


@slip("tbptt_gradients", "loss", "only the last chunk")
def loss_and_gradients_overwritten(tokens, h0, params, length):
    h = h0
    for inputs, targets in truncated_chunks(tokens, length):
        loss, grads, states = chunk_gradients(inputs, targets, h, params)
        h = states[:, -1]
    return loss, grads, h


@slip("tbptt_gradients", "loss", "only the first chunk")
def return_inside_the_loop(tokens, h0, params, length):
    for inputs, targets in truncated_chunks(tokens, length):
        loss, grads, states = chunk_gradients(inputs, targets, h0, params)
        return loss, grads, states[:, -1]


@slip("tbptt_gradients", "grads['Wx']", "gradient not cut between chunks")
def whole_sequence(tokens, h0, params, length):
    loss, grads, h = chunk_gradients(tokens[:, :-1], tokens[:, 1:], h0, params)
    return loss, grads, h[:, -1]


@slip("tbptt_gradients", "loss", "mean over the chunks")
def averaged_over_chunks(tokens, h0, params, length):
    loss, grads, h, count = 0.0, zeros_like_each(params), h0, 0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h, count = loss + new_loss, plus(grads, new), states[:, -1], count + 1
    return loss / count, {name: g / count for name, g in grads.items()}, h


@slip("tbptt_gradients", "loss", "mean over all time steps")
def averaged_over_steps(tokens, h0, params, length):
    T = tokens.shape[1] - 1
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss / T, plus(grads, new), states[:, -1]
    return loss, {name: g / T for name, g in grads.items()}, h


@slip("tbptt_gradients", "loss", "mean over the time steps of each chunk")
def averaged_within_each_chunk(tokens, h0, params, length):
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        steps = inputs.shape[1]
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        new = {name: g / steps for name, g in new.items()}
        loss, grads, h = loss + new_loss / steps, plus(grads, new), states[:, -1]
    return loss, grads, h


@slip("tbptt_gradients", tuple(f"grads[{k!r}]" for k in PARAMETERS), "gradients clipped")
def clipped_as_in_min_char_rnn(tokens, h0, params, length):
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss, plus(grads, new), states[:, -1]
    for g in grads.values():
        np.clip(g, -5, 5, out=g)
    return loss, grads, h


@slip("tbptt_gradients", "params", "argument changed in place")
def summed_into_the_parameters(tokens, h0, params, length):
    loss, grads, h = 0.0, dict(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        for name in grads:
            grads[name] += new[name]
        loss, h = loss + new_loss, states[:, -1]
    return loss, grads, h


@slip("tbptt_gradients", "grads")
def keys_with_a_d(tokens, h0, params, length):
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss, plus(grads, new), states[:, -1]
    return loss, {f"d{name}": g for name, g in grads.items()}, h


@slip("tbptt_gradients", "h_last", "all states of the last chunk")
def every_state_of_the_last_chunk(tokens, h0, params, length):
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss, plus(grads, new), states[:, -1]
    return loss, grads, states


@slip("tbptt_gradients", "h_last", "h0 in place of the last state")
def h0_returned(tokens, h0, params, length):
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss, plus(grads, new), states[:, -1]
    return loss, grads, h0


@slip("tbptt_gradients", "loss", "last short chunk dropped")
def whole_chunks_counted(tokens, h0, params, length):
    T = tokens.shape[1] - 1
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for start in range(0, T - length + 1, length):
        inputs = tokens[:, start : start + length]
        targets = tokens[:, start + 1 : start + length + 1]
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss, plus(grads, new), states[:, -1]
    return loss, grads, h


@slip("tbptt_gradients", "loss", "batch averaged twice")
def divided_by_N_once_more(tokens, h0, params, length):
    N = len(tokens)
    loss, grads, h = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        new_loss, new, states = chunk_gradients(inputs, targets, h, params)
        loss, grads, h = loss + new_loss, plus(grads, new), states[:, -1]
    return loss / N, {name: g / N for name, g in grads.items()}, h


@slip("tbptt_gradients", "grads['Wx']", "repeated tokens overwrite each other")
def rows_of_wx_added_by_fancy_index(tokens, h0, params, length):
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    loss, grads, h_last = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        h, cache = rnn_forward(Wx[inputs], h_last, np.eye(len(Wh), dtype=Wh.dtype), Wh, b)
        new_loss, dscores = softmax_loss(readout(h, Wy, by), targets)
        da, _, _, dWh, db = rnn_backward(dscores @ Wy.T, cache)
        dWx = np.zeros_like(Wx)
        dWx[inputs] += da
        dWy, dby = np.einsum("nth,ntv->hv", h, dscores), dscores.sum(axis=(0, 1))
        grads = plus(grads, {"Wx": dWx, "Wh": dWh, "b": db, "Wy": dWy, "by": dby})
        loss, h_last = loss + new_loss, h[:, -1]
    return loss, grads, h_last


def one_by_one(tokens, h0, params, length, into_states, into_readout, into_bias):
    """The whole answer in one loop, with three places in which it goes wrong."""
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    loss, grads, h_last = 0.0, zeros_like_each(params), h0
    for inputs, targets in truncated_chunks(tokens, length):
        h, cache = rnn_forward(one_hot(inputs, len(Wx)), h_last, Wx, Wh, b)
        new_loss, dscores = softmax_loss(readout(h, Wy, by), targets)
        dh = into_states(dscores, Wy, h)
        _, _, dWx, dWh, db = rnn_backward(dh, cache)
        dWy, dby = into_readout(h, dscores), into_bias(dscores)
        grads = plus(grads, {"Wx": dWx, "Wh": dWh, "b": db, "Wy": dWy, "by": dby})
        loss, h_last = loss + new_loss, h[:, -1]
    return loss, grads, h_last


def last_step_only(dscores, Wy, h):
    dh = np.zeros_like(h)
    dh[:, -1] = dscores[:, -1] @ Wy.T
    return dh


RIGHT_PARTS = {
    "into_states": lambda dscores, Wy, h: dscores @ Wy.T,
    "into_readout": lambda h, dscores: np.einsum("nth,ntv->hv", h, dscores),
    "into_bias": lambda dscores: dscores.sum(axis=(0, 1)),
}
for what, quantity, mistake, part in (
    (
        "loss of the last step only sent back",
        "grads['Wx']",
        "only the last step of a chunk sends a gradient back",
        {"into_states": last_step_only},
    ),
    (
        "readout of the last step only",
        "grads['Wy']",
        "only the last step of a chunk in the readout's gradients",
        {"into_readout": lambda h, dscores: h[:, -1].T @ dscores[:, -1]},
    ),
    (
        "bias averaged over the steps",
        "grads['by']",
        "mean over the time steps of each chunk",
        {"into_bias": lambda dscores: dscores.mean(axis=1).sum(axis=0)},
    ),
    (
        "batch forgotten in the readout",
        "grads['Wy']",
        None,
        {"into_readout": lambda h, dscores: h[0].T @ dscores[0]},
    ),
):
    slip("tbptt_gradients", quantity, mistake, what=what)(
        lambda tokens, h0, params, length, part=part: one_by_one(
            tokens, h0, params, length, **{**RIGHT_PARTS, **part}
        )
    )
