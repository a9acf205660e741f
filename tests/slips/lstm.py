"""Wrong answers to notebook 06."""

import math
from functools import partial

import numpy as np
from answers import Slips

from autograde.examination import draw_sizes
from autograde.exercises import EXERCISES
from helpers.lstm import lstm_step_backward, lstm_step_forward, sigmoid

slip = Slips()


# sigmoid ------------------------------------------------------------------------------------------


@slip("sigmoid", None, "warning")
def as_on_paper(x):
    return 1 / (1 + np.exp(-x))


@slip("sigmoid", None, "warning")
def both_branches_of_where_computed(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


@slip("sigmoid", "sigmoid", "infinity divided by infinity")
def a_warning_switched_off_and_the_trouble_left(x):
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(x)
        return e / (1 + e)


@slip("sigmoid", "sigmoid", "sign of x")
def without_the_minus(x):
    return 1 / (1 + np.exp(x))


@slip("sigmoid", "sigmoid", "σ(2x)")
def tanh_of_the_whole_of_x(x):
    return (np.tanh(x) + 1) / 2


@slip("sigmoid", "sigmoid", "tanh moved up and not halved")
def tanh_lifted(x):
    return np.tanh(x / 2) + 1


@slip("sigmoid", "sigmoid", "a straight line, cut off")
def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


@slip("sigmoid", "sigmoid", "clipped at ±10")
def clipped_too_soon(x):
    return 1 / (1 + np.exp(-np.clip(x, -10, 10)))


@slip("sigmoid", "sigmoid")
def finished_too_soon(x):
    middle = 1 / (1 + np.exp(-np.clip(x, -9, 9)))
    return np.where(x > 9, 1.0, np.where(x < -9, 0.0, middle))


@slip("sigmoid", "sigmoid", "nothing for x = 0")
def neither_above_nor_below(x):
    out = np.zeros_like(x)
    out[x > 0] = 1 / (1 + np.exp(-x[x > 0]))
    out[x < 0] = np.exp(x[x < 0]) / (1 + np.exp(x[x < 0]))
    return out


@slip("sigmoid", "sigmoid", "one form for both signs")
def one_form_of_the_absolute_value(x):
    return 1 / (1 + np.exp(-np.abs(x)))


@slip("sigmoid", None)
def an_if_about_an_array(x):
    if x >= 0:
        return 1 / (1 + np.exp(-x))
    return np.exp(x) / (1 + np.exp(x))


@slip("sigmoid", None)
def for_single_numbers(x):
    return 1 / (1 + math.exp(-x))


@slip("sigmoid", None)
def for_two_axes_only(x):
    N, H = x.shape
    out = np.zeros_like(x)
    for n in range(N):
        for j in range(H):
            out[n, j] = (math.tanh(x[n, j] / 2) + 1) / 2
    return out


@slip("sigmoid", "sigmoid")
def rows_as_lists(x):
    return [[(math.tanh(v / 2) + 1) / 2 for v in row] for row in x]


@slip("sigmoid", "sigmoid", "float32 in place of float64")
def to_save_memory(x):
    return ((np.tanh(x / 2) + 1) / 2).astype(np.float32)


@slip("sigmoid", "sigmoid", "float64 in place of float32")
def into_a_buffer_of_its_shape(x):
    out = np.zeros(x.shape)
    out[:] = 0.5 * (1 + np.tanh(0.5 * x))
    return out


@slip("sigmoid", "x", "argument changed in place")
def into_the_argument_itself(x):
    x /= 2
    return (np.tanh(x) + 1) / 2


# lstm_step_forward --------------------------------------------------------------------------------


@slip("lstm_step_forward", "h", "gates in the order i, f, g, o")
def in_pytorchs_order(x, h_prev, c_prev, Wx, Wh, b):
    i, f, g, o = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c_prev + i * g
    return o * np.tanh(c), c, (x, h_prev, c_prev, i, f, g, o, c)


@slip("lstm_step_forward", "h", "sigmoid for the candidate")
def one_sigmoid_for_all_four(x, h_prev, c_prev, Wx, Wh, b):
    gates = sigmoid(x @ Wx + h_prev @ Wh + b)
    i, f, o, g = np.split(gates, 4, axis=1)
    c = f * c_prev + i * g
    return o * np.tanh(c), c, gates


@slip("lstm_step_forward", "h", "output gate's columns for the candidate")
def a_copied_slice(x, h_prev, c_prev, Wx, Wh, b):
    H = h_prev.shape[1]
    a = x @ Wx + h_prev @ Wh + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H : 2 * H])
    o = sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 2 * H : 3 * H])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, (i, f, o, g)


@slip("lstm_step_forward", "h", "every fourth column for a gate")
def every_fourth_column(x, h_prev, c_prev, Wx, Wh, b):
    a = (x @ Wx + h_prev @ Wh + b).reshape(len(x), -1, 4)
    i, f, o = (sigmoid(a[..., k]) for k in range(3))
    g = np.tanh(a[..., 3])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, a


@slip("lstm_step_forward", "h", "weights cut by reshape")
def weights_reshaped_to_four(x, h_prev, c_prev, Wx, Wh, b):
    D, H = x.shape[1], h_prev.shape[1]
    Wx, Wh, b = Wx.reshape(4, D, H), Wh.reshape(4, H, H), b.reshape(4, H)
    a = [x @ Wx[k] + h_prev @ Wh[k] + b[k] for k in range(4)]
    i, f, o, g = sigmoid(a[0]), sigmoid(a[1]), sigmoid(a[2]), np.tanh(a[3])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, a


@slip("lstm_step_forward", "h", "bias counted twice")
def a_bias_for_each_product(x, h_prev, c_prev, Wx, Wh, b):
    a = (x @ Wx + b) + (h_prev @ Wh + b)
    i, f, o, g = np.split(a, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * c_prev + i * g
    return o * np.tanh(c), c, a


@slip("lstm_step_forward", "h", "forget gate turned round")
def what_is_forgotten_for_what_is_kept(x, h_prev, c_prev, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    c = (1 - sigmoid(f)) * c_prev + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c, (i, f, o, g)


@slip("lstm_step_forward", "h", "h from the old cell")
def h_before_c(x, h_prev, c_prev, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    h = sigmoid(o) * np.tanh(c_prev)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    return h, c, (i, f, o, g)


@slip("lstm_step_forward", "h", "tanh of the cell left out")
def the_cell_shown_as_it_is(x, h_prev, c_prev, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * c, c, (i, f, o, g)


@slip("lstm_step_forward", "c_prev", "argument changed in place")
def into_the_old_cell(x, h_prev, c_prev, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    c = c_prev
    c *= sigmoid(f)
    c += sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c, (i, f, o, g)


@slip("lstm_step_forward", None)
def blocks_as_wide_as_the_input(x, h_prev, c_prev, Wx, Wh, b):
    D = x.shape[1]
    a = x @ Wx + h_prev @ Wh + b
    i, f, o = (sigmoid(a[:, k * D : (k + 1) * D]) for k in range(3))
    g = np.tanh(a[:, 3 * D :])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, a


@slip("lstm_step_forward", None)
def cache_forgotten(x, h_prev, c_prev, Wx, Wh, b):
    h, c, _ = one_step(x, h_prev, c_prev, Wx, Wh, b)
    return h, c


@slip("lstm_step_forward", "h", "float64 in place of float32")
def gates_written_into_zeros(x, h_prev, c_prev, Wx, Wh, b):
    N, H = h_prev.shape
    a = np.zeros((N, 4 * H))
    a += x @ Wx + h_prev @ Wh + b
    i, f, o, g = np.split(a, 4, axis=1)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c, a


@slip("lstm_step_forward", "h")
def sums_clipped(x, h_prev, c_prev, Wx, Wh, b):
    a = np.clip(x @ Wx + h_prev @ Wh + b, -10, 10)
    i, f, o, g = np.split(a, 4, axis=1)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c, a


class Remembering:
    """A layer that goes on from its own cell, whatever cell it is handed."""

    def __init__(self):
        self.c = None

    def __call__(self, x, h_prev, c_prev, Wx, Wh, b):
        if self.c is None or self.c.shape != c_prev.shape:
            self.c = c_prev
        i, f, o, g = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
        self.c = sigmoid(f) * self.c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(self.c), self.c, (i, f, o, g)


@slip("lstm_step_forward", None, "state kept between calls")
def a_cell_in_an_attribute(x, h_prev, c_prev, Wx, Wh, b):
    return layer(x, h_prev, c_prev, Wx, Wh, b)


layer = Remembering()


# lstm_step_backward -------------------------------------------------------------------------------


def one_step(x, h_prev, c_prev, Wx, Wh, b):
    """A right forward pass with a cache in which everything is found by name."""
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    names = "x h_prev c_prev Wx Wh i f o g c h"
    return (
        h,
        c,
        dict(zip(names.split(), (x, h_prev, c_prev, Wx, Wh, i, f, o, g, c, h), strict=True)),
    )


def parts(cache, names):
    return (cache[name] for name in names.split())


def to_the_sums(di, df, do, dg, cache):
    i, f, o, g = parts(cache, "i f o g")
    slopes = (di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2))
    return np.concatenate(slopes, axis=1)


def to_the_rest(da, dc_prev, cache):
    x, h_prev, Wx, Wh = parts(cache, "x h_prev Wx Wh")
    return da @ Wx.T, da @ Wh.T, dc_prev, x.T @ da, h_prev.T @ da, da.sum(axis=0)


step_back = partial(slip, "lstm_step_backward", forward=one_step)


@step_back("dx", "dc from outside ignored")
def dc_overwritten(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    do = dh * np.tanh(c)
    dc = dh * o * (1 - np.tanh(c) ** 2)
    return to_the_rest(to_the_sums(dc * g, dc * c_prev, do, dc * i, cache), dc * f, cache)


@step_back("dc", "argument changed in place")
def dc_added_to_in_place(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    dc += dh * o * (1 - np.tanh(c) ** 2)
    da = to_the_sums(dc * g, dc * c_prev, dh * np.tanh(c), dc * i, cache)
    return to_the_rest(da, dc * f, cache)


@step_back("dc_prev", "dc not carried through the forget gate")
def dc_handed_back_as_it_is(dh, dc, cache):
    c_prev, i, o, g, c = parts(cache, "c_prev i o g c")
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    da = to_the_sums(dc * g, dc * c_prev, dh * np.tanh(c), dc * i, cache)
    return to_the_rest(da, dc, cache)


@step_back("dc_prev", "dc_prev without what came through h")
def dc_prev_too_early(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    dc_prev = dc * f
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    da = to_the_sums(dc * g, dc * c_prev, dh * np.tanh(c), dc * i, cache)
    return to_the_rest(da, dc_prev, cache)


@step_back("dx", "dc in place of dh at the output gate")
def everything_from_the_cell(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    da = to_the_sums(dc * g, dc * c_prev, dc * np.tanh(c), dc * i, cache)
    return to_the_rest(da, dc * f, cache)


@step_back("dx", "gates o and g swapped")
def columns_in_pytorchs_order(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    di, df, do, dg = dc * g, dc * c_prev, dh * np.tanh(c), dc * i
    da = np.hstack([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)])
    return to_the_rest(da, dc * f, cache)


@step_back("dx", "slopes taken of what is squashed already")
def squashed_twice(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")

    def d_sigmoid(a):
        return sigmoid(a) * (1 - sigmoid(a))

    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    di, df, do, dg = dc * g, dc * c_prev, dh * np.tanh(c), dc * i
    da = [di * d_sigmoid(i), df * d_sigmoid(f), do * d_sigmoid(o), dg * (1 - np.tanh(g) ** 2)]
    return to_the_rest(np.hstack(da), dc * f, cache)


@step_back("dx", "the old cell in place of the new one in tanh")
def tanh_of_the_old_cell(dh, dc, cache):
    c_prev, i, f, o, g = parts(cache, "c_prev i f o g")
    tanh_c = np.tanh(c_prev)
    dc = dc + dh * o * (1 - tanh_c**2)
    da = to_the_sums(dc * g, dc * c_prev, dh * tanh_c, dc * i, cache)
    return to_the_rest(da, dc * f, cache)


@step_back("dx", "h in place of tanh of c")
def h_for_what_was_squashed(dh, dc, cache):
    c_prev, i, f, o, g, h = parts(cache, "c_prev i f o g h")
    dc = dc + dh * o * (1 - h**2)
    return to_the_rest(to_the_sums(dc * g, dc * c_prev, dh * h, dc * i, cache), dc * f, cache)


@step_back("dx", "slope of the output gate left out")
def one_slope_forgotten(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    df = dc * c_prev
    da = [dc * g * i * (1 - i), df * f * (1 - f), dh * np.tanh(c), dc * i * (1 - g**2)]
    return to_the_rest(np.hstack(da), dc * f, cache)


@step_back("dx", "input gate's slope for the forget gate")
def a_copied_line(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    di = dc * g * i * (1 - i)
    df = dc * c_prev * i * (1 - i)
    do = dh * np.tanh(c) * o * (1 - o)
    dg = dc * i * (1 - g**2)
    return to_the_rest(np.hstack([di, df, do, dg]), dc * f, cache)


def right_up_to_the_sums(dh, dc, cache):
    """The gradient before the gates, and that of the old cell, for slips that come after."""
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    return to_the_sums(dc * g, dc * c_prev, dh * np.tanh(c), dc * i, cache), dc * f


@step_back("dh_prev", "dh added to dh_prev")
def h_taken_for_a_path_of_its_own(dh, dc, cache):
    dx, dh_prev, *others = to_the_rest(*right_up_to_the_sums(dh, dc, cache), cache)
    return dx, dh_prev + dh, *others


@step_back("dWh", "h in place of h_prev in dWh")
def the_new_h_kept_for_the_old(dh, dc, cache):
    da, dc_prev = right_up_to_the_sums(dh, dc, cache)
    x, h, Wx, Wh = parts(cache, "x h Wx Wh")
    return da @ Wx.T, da @ Wh.T, dc_prev, x.T @ da, h.T @ da, da.sum(axis=0)


@step_back("dWx", "mean over the batch in the weights' gradients")
def averaged(dh, dc, cache):
    dx, dh_prev, dc_prev, *weights = to_the_rest(*right_up_to_the_sums(dh, dc, cache), cache)
    return dx, dh_prev, dc_prev, *(w / len(dh) for w in weights)


@step_back("dWx", "sums over the batch before the product")
def outer_product_of_sums(dh, dc, cache):
    da, dc_prev = right_up_to_the_sums(dh, dc, cache)
    dx, dh_prev, *_, db = to_the_rest(da, dc_prev, cache)
    dWx = np.outer(cache["x"].sum(axis=0), db)
    dWh = np.outer(cache["h_prev"].sum(axis=0), db)
    return dx, dh_prev, dc_prev, dWx, dWh, db


@step_back("dWx", "only the first row of the batch in the weights' gradients")
def as_if_there_were_one_row(dh, dc, cache):
    da, dc_prev = right_up_to_the_sums(dh, dc, cache)
    dx, dh_prev, *_ = to_the_rest(da, dc_prev, cache)
    weights = np.outer(cache["x"][0], da[0]), np.outer(cache["h_prev"][0], da[0])
    return dx, dh_prev, dc_prev, *weights, da[0]


@step_back("db", "db with the batch's axis kept")
def db_as_a_row(dh, dc, cache):
    da, dc_prev = right_up_to_the_sums(dh, dc, cache)
    *others, _ = to_the_rest(da, dc_prev, cache)
    return *others, da.sum(axis=0, keepdims=True)


@step_back("db", what="db summed over everything")
def db_as_a_number(dh, dc, cache):
    da, dc_prev = right_up_to_the_sums(dh, dc, cache)
    *others, _ = to_the_rest(da, dc_prev, cache)
    return *others, np.sum(da)


@step_back(None)
def dc_prev_not_returned(dh, dc, cache):
    dx, dh_prev, _, *weights = to_the_rest(*right_up_to_the_sums(dh, dc, cache), cache)
    return dx, dh_prev, *weights


@step_back(None)
def weights_not_transposed(dh, dc, cache):
    da, dc_prev = right_up_to_the_sums(dh, dc, cache)
    return da @ cache["Wx"], da @ cache["Wh"], dc_prev, *to_the_rest(da, dc_prev, cache)[3:]


@step_back("cache", "cache changed in place")
def slopes_written_over_the_gates(dh, dc, cache):
    c_prev, i, f, o, g, c = parts(cache, "c_prev i f o g c")
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    dc_prev = dc * f
    di, df, do, dg = dc * g, dc * c_prev, dh * np.tanh(c), dc * i
    for gate in (i, f, o):
        gate *= 1 - gate
    da = np.hstack([di * i, df * f, do * o, dg * (1 - g**2)])
    return to_the_rest(da, dc_prev, cache)


@step_back("dx", "float64 in place of float32")
def sums_written_into_zeros(dh, dc, cache):
    da, dc_prev = right_up_to_the_sums(dh, dc, cache)
    buffer = np.zeros(da.shape)
    buffer[:] = da
    return to_the_rest(buffer, dc_prev, cache)


last_cache = None


def step_that_leaves_its_cache_lying_about(x, h_prev, c_prev, Wx, Wh, b):
    global last_cache
    h, c, last_cache = one_step(x, h_prev, c_prev, Wx, Wh, b)
    return h, c, last_cache


@slip(
    "lstm_step_backward",
    None,
    "state kept between calls",
    forward=step_that_leaves_its_cache_lying_about,
)
def cache_of_the_last_call(dh, dc, cache):
    return to_the_rest(*right_up_to_the_sums(dh, dc, last_cache), last_cache)


def in_another_order(W):
    """Columns in the order i, f, o, g put into the order i, f, g, o, or back."""
    i, f, o, g = np.split(W, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def step_with_another_order(x, h_prev, c_prev, *weights):
    return one_step(x, h_prev, c_prev, *map(in_another_order, weights))


@slip(
    "lstm_step_backward",
    ("dx", "dWx"),
    "wrong lstm_step_forward",
    forward=step_with_another_order,
)
def right_for_a_wrong_forward_pass(dh, dc, cache):
    *states, dWx, dWh, db = to_the_rest(*right_up_to_the_sums(dh, dc, cache), cache)
    return *states, *map(in_another_order, (dWx, dWh, db))


# lstm_forward -------------------------------------------------------------------------------------


@slip("lstm_forward", "h", "h0 and c0 ignored")
def a_fresh_start(x, h0, c0, Wx, Wh, b):
    h, c = np.zeros_like(h0), np.zeros_like(c0)
    out, caches = [], []
    for t in range(x.shape[1]):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
        caches.append(cache)
    return np.stack(out, axis=1), c, caches


@slip("lstm_forward", "h", "c0 ignored")
def a_fresh_cell(x, h0, c0, Wx, Wh, b):
    h, c, out = h0, 0 * h0, []
    for t in range(x.shape[1]):
        h, c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
    return np.stack(out, axis=1), c, None


@slip("lstm_forward", "h", "c not carried on")
def the_first_cell_for_every_step(x, h0, c0, Wx, Wh, b):
    h, out = h0, np.zeros((*x.shape[:2], h0.shape[1]), x.dtype)
    for t in range(x.shape[1]):
        h, c, _ = lstm_step_forward(x[:, t], h, c0, Wx, Wh, b)
        out[:, t] = h
    return out, c, None


@slip("lstm_forward", "h", "h not carried on")
def the_first_h_for_every_step(x, h0, c0, Wx, Wh, b):
    c, out = c0, []
    for t in range(x.shape[1]):
        h, c, _ = lstm_step_forward(x[:, t], h0, c, Wx, Wh, b)
        out.append(h)
    return np.stack(out, axis=1), c, None


@slip("lstm_forward", "h", "last step left out")
def one_step_short(x, h0, c0, Wx, Wh, b):
    h, c = h0, c0
    out = np.zeros((*x.shape[:2], h0.shape[1]), x.dtype)
    for t in range(x.shape[1] - 1):
        h, c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out[:, t] = h
    return out, c, None


@slip("lstm_forward", "h", "h0 in the first place")
def h0_among_the_results(x, h0, c0, Wx, Wh, b):
    T = x.shape[1]
    h = np.zeros((len(x), T + 1, h0.shape[1]), x.dtype)
    h[:, 0], c = h0, c0
    for t in range(T):
        h[:, t + 1], c, _ = lstm_step_forward(x[:, t], h[:, t], c, Wx, Wh, b)
    return h[:, :-1], c, None


@slip("lstm_forward", "h", "the last h at every step")
def one_array_for_all_steps(x, h0, c0, Wx, Wh, b):
    h, c, out = h0.copy(), c0, []
    for t in range(x.shape[1]):
        h[:], c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
    return np.stack(out, axis=1), c, None


@slip("lstm_forward", "h0", "argument changed in place")
def h0_for_a_buffer(x, h0, c0, Wx, Wh, b):
    c, out = c0, []
    for t in range(x.shape[1]):
        h0[:], c, _ = lstm_step_forward(x[:, t], h0, c, Wx, Wh, b)
        out.append(h0.copy())
    return np.stack(out, axis=1), c, None


@slip("lstm_forward", "h", "time as the first axis")
def stacked_along_axis_0(x, h0, c0, Wx, Wh, b):
    h, c, out = h0, c0, []
    for x_t in x.swapaxes(0, 1):
        h, c, _ = lstm_step_forward(x_t, h, c, Wx, Wh, b)
        out.append(h)
    return np.array(out), c, None


@slip("lstm_forward", "h")
def not_stacked(x, h0, c0, Wx, Wh, b):
    h, c, out = h0, c0, []
    for t in range(x.shape[1]):
        h, c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
    return out, c, None


@slip("lstm_forward", "c_last", "cells of all steps in place of the last")
def all_cells(x, h0, c0, Wx, Wh, b):
    h, c, out, cells = h0, c0, [], []
    for t in range(x.shape[1]):
        h, c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
        cells.append(c)
    return np.stack(out, axis=1), np.stack(cells, axis=1), None


@slip("lstm_forward", "h", "bias counted twice")
def bias_in_the_product_and_in_the_step(x, h0, c0, Wx, Wh, b):
    ready, one = x @ Wx + b, np.eye(Wx.shape[1], dtype=Wx.dtype)
    h, c, out = h0, c0, []
    for t in range(x.shape[1]):
        h, c, _ = lstm_step_forward(ready[:, t], h, c, one, Wh, b)
        out.append(h)
    return np.stack(out, axis=1), c, None


@slip("lstm_forward", "h", "the same x at every step")
def the_first_input_for_every_step(x, h0, c0, Wx, Wh, b):
    h, c, out = h0, c0, []
    for _ in range(x.shape[1]):
        h, c, _cache = lstm_step_forward(x[:, 0], h, c, Wx, Wh, b)
        out.append(h)
    return np.stack(out, axis=1), c, None


@slip("lstm_forward", "h", "float64 in place of float32")
def into_zeros(x, h0, c0, Wx, Wh, b):
    N, T, _ = x.shape
    h, c, out = h0, c0, np.zeros((N, T, h0.shape[1]))
    for t in range(T):
        h, c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out[:, t] = h
    return out, c, None


@slip("lstm_forward", "h", "axes of size 1 squeezed away")
def squeezed(x, h0, c0, Wx, Wh, b):
    h, c, out = h0, c0, []
    for x_t in np.split(x, x.shape[1], axis=1):
        h, c, _ = lstm_step_forward(x_t[:, 0], h, c, Wx, Wh, b)
        out.append(h[:, None])
    return np.concatenate(out, axis=1).squeeze(), c, None


@slip("lstm_forward", "h")
def cells_clipped_on_the_way(x, h0, c0, Wx, Wh, b):
    h, c, out = h0, c0, []
    for t in range(x.shape[1]):
        h, c, _ = lstm_step_forward(x[:, t], h, np.clip(c, -15, 15), Wx, Wh, b)
        out.append(h)
    return np.stack(out, axis=1), c, None


left_from_before = {}


@slip("lstm_forward", None, "state kept between calls")
def goes_on_where_it_stopped(x, h0, c0, Wx, Wh, b):
    h, c = left_from_before.get(h0.shape, (h0, c0))
    out = []
    for t in range(x.shape[1]):
        h, c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
    left_from_before[h0.shape] = h, c
    return np.stack(out, axis=1), c, None


# lstm_backward ------------------------------------------------------------------------------------


def steps(x, h0, c0, Wx, Wh, b):
    """A right forward pass whose cache is a list of the steps' caches."""
    h, c, out, caches = h0, c0, [], []
    for t in range(x.shape[1]):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
        caches.append(cache)
    return np.stack(out, axis=1), c, caches


sequence_back = partial(slip, "lstm_backward", forward=steps)


@sequence_back("dWx", "= for += over time")
def weights_of_the_last_visit(dh, dc_last, cache):
    dx, dh_next, dc = [], 0, dc_last
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, dWx, dWh, db = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.insert(0, dx_t)
    return np.stack(dx, axis=1), dh_next, dc, dWx, dWh, db


@sequence_back("db", "= for += over time")
def db_of_the_last_visit(dh, dc_last, cache):
    dx, dh_next, dc, dWx, dWh = [], 0, dc_last, 0, 0
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, dWx_t, dWh_t, db = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.insert(0, dx_t)
        dWx, dWh = dWx + dWx_t, dWh + dWh_t
    return np.stack(dx, axis=1), dh_next, dc, dWx, dWh, db


@sequence_back("dx", "gradient from the next step's cell not carried")
def cells_forgotten(dh, dc_last, cache):
    dx, dh_next, weights = [], 0, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dc = dc_last if t == len(cache) - 1 else np.zeros_like(dc_last)
        dx_t, dh_next, dc0, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc0, *weights


@sequence_back("dx", "no gradient on the cells' path at all")
def cells_forgotten_altogether(dh, dc_last, cache):
    dx, dh_next, weights, zero = [], 0, [0, 0, 0], np.zeros_like(dc_last)
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc0, *new = lstm_step_backward(dh[:, t] + dh_next, zero, cache[t])
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc0, *weights


@sequence_back("dx", "dc_last ignored")
def cells_from_nothing(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, np.zeros_like(dc_last), [0, 0, 0]
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc, *weights


@sequence_back("dx", "gradient from the next step's h not added")
def only_the_dh_from_outside(dh, dc_last, cache):
    dx, dc, weights = np.zeros((*dh.shape[:2], cache[0][0].shape[1]), dh.dtype), dc_last, [0, 0, 0]
    for t in range(len(cache) - 1, -1, -1):
        dx[:, t], dh0, dc, *new = lstm_step_backward(dh[:, t], dc, cache[t])
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return dx, dh0, dc, *weights


@sequence_back("dx", "only the last step's dh")
def as_if_many_to_one(dh, dc_last, cache):
    dx, dh_t, dc, weights = [], dh[:, -1], dc_last, [0, 0, 0]
    for step_cache in cache[::-1]:
        dx_t, dh_t, dc, *new = lstm_step_backward(dh_t, dc, step_cache)
        dx.append(dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx[::-1], axis=1), dh_t, dc, *weights


@sequence_back("dx", "dx in the order in which the steps were visited")
def dx_not_turned_round(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.append(dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc, *weights


@sequence_back("dx", "time as the first axis")
def dx_stacked_along_axis_0(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.append(dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.array(dx[::-1]), dh_next, dc, *weights


@sequence_back("dx", "first step not visited")
def stopped_before_the_first_step(dh, dc_last, cache):
    dx, dc, weights = np.zeros((*dh.shape[:2], cache[0][0].shape[1]), dh.dtype), dc_last, [0, 0, 0]
    dh_next = np.zeros_like(dc_last)
    for t in range(len(cache) - 1, 0, -1):
        dx[:, t], dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return dx, dh_next, dc, *weights


@sequence_back("dx", "steps visited forward in time")
def forward_in_time(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [0, 0, 0]
    for t, step_cache in enumerate(cache):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, step_cache)
        dx.append(dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc, *weights


@sequence_back("dx", "dc_last added at every step")
def dc_last_again_and_again(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, 0, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc + dc_last, cache[t])
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc, *weights


@sequence_back("dh0", "dh0 and dc0 exchanged")
def cell_before_h(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dc, dh_next, *weights


@sequence_back("dh0", "what arrives at the first step in place of dh0 and dc0")
def what_goes_into_the_first_step(dh, dc_last, cache):
    dx, dh_next, dc_next, weights = [], 0, dc_last, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dh_t, dc_t = dh[:, t] + dh_next, dc_next
        dx_t, dh_next, dc_next, *new = lstm_step_backward(dh_t, dc_t, cache[t])
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_t, dc_t, *weights


@sequence_back("dWx", "mean over time")
def averaged_over_time(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [[], [], []]
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dx.insert(0, dx_t)
        for each, w in zip(weights, new, strict=True):
            each.append(w)
    return np.stack(dx, axis=1), dh_next, dc, *(np.mean(each, axis=0) for each in weights)


@sequence_back("dh", "argument changed in place")
def added_to_dh_itself(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dh_t = dh[:, t]
        dh_t += dh_next
        dx_t, dh_next, dc, *new = lstm_step_backward(dh_t, dc, cache[t])
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc, *weights


@sequence_back("cache", "cache changed in place")
def caches_popped(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache.pop())
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc, *weights


@sequence_back("dx")
def clipped_on_its_way(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [0, 0, 0]
    for t in reversed(range(len(cache))):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        dh_next = np.clip(dh_next, -100, 100)
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc, *weights


@sequence_back("dx", "float64 in place of float32")
def dx_into_zeros(dh, dc_last, cache):
    (N, T, _), D = dh.shape, cache[0][0].shape[1]
    dx, dh_next, dc, weights = np.zeros((N, T, D)), 0, dc_last, [0, 0, 0]
    for t in reversed(range(T)):
        dx[:, t], dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, cache[t])
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return dx, dh_next, dc, *weights


def steps_by_name(x, h0, c0, Wx, Wh, b):
    """As `steps`, with all that was shown in one array too."""
    h, c_last, caches = steps(x, h0, c0, Wx, Wh, b)
    return h, c_last, {"h": h, "h0": h0, "steps": caches}


def before_the_gates(dh, dc_last, caches):
    """The gradients of the sums at all steps, (N, T, 4H), and those of x, h0 and c0; all right."""
    dx, da, dh_next, dc = [], [], 0, dc_last
    for t in reversed(range(len(caches))):
        x, h_prev, c_prev, c, (i, f, o, g), Wx, Wh = caches[t]
        dh_t = dh[:, t] + dh_next
        da_t, dc = right_up_to_the_sums(
            dh_t, dc, {"c_prev": c_prev, "i": i, "f": f, "o": o, "g": g, "c": c}
        )
        dx.insert(0, da_t @ Wx.T)
        da.insert(0, da_t)
        dh_next = da_t @ Wh.T
    return np.stack(da, axis=1), (np.stack(dx, axis=1), dh_next, dc)


def dWh_with(states_before):
    """A backward pass with one product for dWh at the end, of the states that are put in here."""

    def lstm_backward(dh, dc_last, cache):
        da, right = before_the_gates(dh, dc_last, cache["steps"])
        x = np.stack([step[0] for step in cache["steps"]], axis=1)
        dWx = np.einsum("ntd,ntk->dk", x, da)
        dWh = np.einsum("nth,ntk->hk", states_before(cache["h"], cache["h0"]), da)
        return *right, dWx, dWh, da.sum(axis=(0, 1))

    return lstm_backward


for what, mistake, states_before in (
    (
        "zeros before the first step in dWh",
        "zeros in place of h0 in dWh",
        lambda h, h0: np.concatenate([np.zeros_like(h[:, :1]), h[:, :-1]], axis=1),
    ),
    (
        "the states not shifted in dWh",
        "h_t in place of h_{t-1} in dWh",
        lambda h, h0: h,
    ),
    (
        "the last state rolled to the front in dWh",
        None,
        lambda h, h0: np.roll(h, 1, axis=1),
    ),
    (
        "the first state at every step in dWh",
        "h0 at every step in dWh",
        lambda h, h0: np.broadcast_to(h0[:, None], h.shape),
    ),
):
    slip("lstm_backward", "dWh", mistake, what=what, forward=steps_by_name)(dWh_with(states_before))


@slip("lstm_backward", "dx", "zeros in place of c0 at the forget gate", forward=steps_by_name)
def zeros_before_the_first_cell(dh, dc_last, cache):
    (x, h0, c0, *rest), *later = cache["steps"]
    caches = [(x, h0, np.zeros_like(c0), *rest), *later]
    da, right = before_the_gates(dh, dc_last, caches)
    x, h_prev = (np.stack([step[k] for step in caches], axis=1) for k in (0, 1))
    dWx, dWh = (np.einsum("ntd,ntk->dk", before, da) for before in (x, h_prev))
    return *right, dWx, dWh, da.sum(axis=(0, 1))


def steps_into_a_default(x, h0, c0, Wx, Wh, b, caches=[]):  # noqa: B006
    """A forward pass whose list of caches is made once, when it is defined."""
    h, c, out = h0, c0, []
    for t in range(x.shape[1]):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out.append(h)
        caches.append(cache)
    return np.stack(out, axis=1), c, caches


@slip("lstm_backward", None, "state kept between calls", forward=steps_into_a_default)
def caches_of_all_calls(dh, dc_last, cache):
    dx, dh_next, dc, weights = [], 0, dc_last, [0, 0, 0]
    for t, step_cache in zip(reversed(range(dh.shape[1])), reversed(cache), strict=False):
        dx_t, dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, step_cache)
        dx.insert(0, dx_t)
        weights = [w + n for w, n in zip(weights, new, strict=True)]
    return np.stack(dx, axis=1), dh_next, dc, *weights


# init_lstm ----------------------------------------------------------------------------------------


def drawn(D, H, rng):
    return rng.normal(0, D**-0.5, (D, 4 * H)), rng.normal(0, H**-0.5, (H, 4 * H))


def bias_at(*columns):
    """A right start but for the bias, which stands where the slice of H's multiples says."""

    def init_lstm(D, H, rng, forget_bias=1.0):
        b = np.zeros(4 * H)
        b[slice(*(k and k * H for k in columns))] = forget_bias
        return *drawn(D, H, rng), b

    return init_lstm


for what, mistake, columns in (
    ("bias everywhere", "forget bias on all gates", (None,)),
    ("bias in the first block", "forget bias on the input gate", (1,)),
    ("bias in the third block", "forget bias on the output gate", (2, 3)),
    ("bias in the last block", "forget bias on the candidate", (3, None)),
    ("bias from the second block on", "forget bias on other gates too", (1, None)),
):
    slip("init_lstm", "b", mistake, what=what)(bias_at(*columns))


@slip("init_lstm", "b", "every fourth column for a gate")
def bias_in_every_fourth_column(D, H, rng, forget_bias=1.0):
    b = np.zeros(4 * H)
    b[1::4] = forget_bias
    return *drawn(D, H, rng), b


@slip("init_lstm", "b", "forget bias on one unit only")
def bias_of_one_unit(D, H, rng, forget_bias=1.0):
    b = np.zeros(4 * H)
    b[H] = forget_bias
    return *drawn(D, H, rng), b


@slip("init_lstm", "b", "forget_bias ignored")
def always_one(D, H, rng, forget_bias=1.0):
    return *drawn(D, H, rng), np.repeat([0.0, 1.0, 0.0, 0.0], H)


@slip("init_lstm", "b")
def bias_never_below_zero(D, H, rng, forget_bias=1.0):
    b = np.zeros(4 * H)
    b[H : 2 * H] = max(forget_bias, 0)
    return *drawn(D, H, rng), b


@slip("init_lstm", "b", "forget_bias = 0 taken for none")
def zero_taken_for_nothing(D, H, rng, forget_bias=1.0):
    b = np.zeros(4 * H)
    b[H : 2 * H] = forget_bias or 1.0
    return *drawn(D, H, rng), b


@slip("init_lstm", "b", "forget bias left out")
def all_biases_zero(D, H, rng, forget_bias=1.0):
    return *drawn(D, H, rng), np.zeros(4 * H)


@slip("init_lstm", "b", "integers")
def bias_of_integers(D, H, rng, forget_bias=1.0):
    b = np.zeros(4 * H, int)
    b[H : 2 * H] = forget_bias
    return *drawn(D, H, rng), b


@slip("init_lstm", "b", "b as a matrix")
def bias_as_a_row(D, H, rng, forget_bias=1.0):
    b = np.zeros((1, 4 * H))
    b[:, H : 2 * H] = forget_bias
    return *drawn(D, H, rng), b


@slip("init_lstm", "Wx", "weights zero")
def zeros(D, H, rng, forget_bias=1.0):
    b = np.zeros(4 * H)
    b[H : 2 * H] = forget_bias
    return np.zeros((D, 4 * H)), np.zeros((H, 4 * H)), b


@slip("init_lstm", "Wx", "weights all equal")
def one_small_number(D, H, rng, forget_bias=1.0):
    b = np.zeros(4 * H)
    b[H : 2 * H] = forget_bias
    return np.full((D, 4 * H), 0.01), np.full((H, 4 * H), 0.01), b


@slip("init_lstm", "Wh", "Wx and Wh alike")
def one_draw_for_both(D, H, rng, forget_bias=1.0):
    W = rng.standard_normal((max(D, H), 4 * H))
    b = np.zeros(4 * H)
    b[H : 2 * H] = forget_bias
    return W[:D] / np.sqrt(D), W[:H] / np.sqrt(H), b


@slip("init_lstm", "Wx", "rng ignored")
def a_generator_of_its_own(D, H, rng, forget_bias=1.0):
    rng = np.random.default_rng(0)
    return *drawn(D, H, rng), forget_bias * np.repeat([0.0, 1.0, 0.0, 0.0], H)


@slip("init_lstm", None, "state kept between calls")
def numpys_own_random_numbers(D, H, rng, forget_bias=1.0):
    Wx = np.random.randn(D, 4 * H) / np.sqrt(D)  # noqa: NPY002
    Wh = np.random.randn(H, 4 * H) / np.sqrt(H)  # noqa: NPY002
    return Wx, Wh, forget_bias * np.repeat([0.0, 1.0, 0.0, 0.0], H)


@slip("init_lstm", "Wx", "weights too large")
def not_scaled(D, H, rng, forget_bias=1.0):
    b = np.zeros(4 * H)
    b[H : 2 * H] = forget_bias
    return rng.standard_normal((D, 4 * H)), rng.standard_normal((H, 4 * H)), b


@slip("init_lstm", "Wx", "weights too large")
def times_the_root(D, H, rng, forget_bias=1.0):
    Wx, Wh = drawn(D, H, rng)
    return D * Wx, H * Wh, forget_bias * np.repeat([0.0, 1.0, 0.0, 0.0], H)


@slip("init_lstm", "Wx", "weights not around zero")
def of_one_sign(D, H, rng, forget_bias=1.0):
    Wx = rng.random((D, 4 * H)) / np.sqrt(D)
    Wh = rng.random((H, 4 * H)) / np.sqrt(H)
    return Wx, Wh, forget_bias * np.repeat([0.0, 1.0, 0.0, 0.0], H)


@slip("init_lstm", "Wx", "transposed")
def columns_and_rows(D, H, rng, forget_bias=1.0):
    Wx, Wh = drawn(D, H, rng)
    return Wx.T, Wh.T, forget_bias * np.repeat([0.0, 1.0, 0.0, 0.0], H)


@slip("init_lstm", "Wx", "columns of one gate only")
def one_gate(D, H, rng, forget_bias=1.0):
    Wx, Wh = rng.normal(0, 0.1, (D, H)), rng.normal(0, 0.1, (H, H))
    return Wx, Wh, np.full(H, forget_bias)


@slip("init_lstm", "Wh", "gates alike")
def one_start_for_four_gates(D, H, rng, forget_bias=1.0):
    Wx, _ = drawn(D, H, rng)
    Wh = np.tile(np.linalg.qr(rng.standard_normal((H, H)))[0], 4)
    return Wx, Wh, forget_bias * np.repeat([0.0, 1.0, 0.0, 0.0], H)


@slip("init_lstm", "Wx")
def only_for_more_than_one_feature(D, H, rng, forget_bias=1.0):
    Wx = rng.standard_normal((D, 4 * H)) / np.sqrt(D - 1)
    Wh = rng.standard_normal((H, 4 * H)) / np.sqrt(H)
    return Wx, Wh, forget_bias * np.repeat([0.0, 1.0, 0.0, 0.0], H)


@slip("init_lstm", None)
def without_the_keyword(D, H, rng):
    return *drawn(D, H, rng), np.repeat([0.0, 1.0, 0.0, 0.0], H)


# cell_gradient ------------------------------------------------------------------------------------


@slip("cell_gradient", "gradient", "f_t itself among the factors")
def every_gate_from_t_on(f):
    return np.stack([f[:, t:].prod(axis=1) for t in range(f.shape[1])], axis=1)


@slip("cell_gradient", "gradient", "one gate too few")
def gates_from_t_plus_2_on(f):
    return np.stack([f[:, t + 2 :].prod(axis=1) for t in range(f.shape[1])], axis=1)


@slip("cell_gradient", "gradient", "product of the gates up to t")
def from_the_beginning(f):
    return np.cumprod(f, axis=1)


@slip("cell_gradient", "gradient", "product of the gates before t")
def from_the_beginning_with_ones(f):
    out = np.ones_like(f)
    for t in range(1, f.shape[1]):
        out[:, t] = out[:, t - 1] * f[:, t - 1]
    return out


@slip("cell_gradient", "gradient", "time left turned round")
def not_turned_back(f):
    out, p = [], np.ones_like(f[:, 0])
    for t in reversed(range(f.shape[1])):
        out.append(p)
        p = p * f[:, t]
    return np.stack(out, axis=1)


@slip("cell_gradient", "gradient", "product over the units")
def along_the_last_axis(f):
    later = np.ones_like(f)
    later[..., :-1] = np.cumprod(f[..., :0:-1], axis=-1)[..., ::-1]
    return later


@slip("cell_gradient", "gradient", "only the next gate")
def the_next_gate(f):
    out = np.ones_like(f)
    out[:, :-1] = f[:, 1:]
    return out


@slip("cell_gradient", "gradient", "zeros for the last step")
def nothing_for_the_last(f):
    T = f.shape[1]
    out = np.zeros_like(f)
    for t in range(T - 1):
        out[:, t] = f[:, t + 1 :].prod(axis=1)
    return out


@slip("cell_gradient", "gradient", "a product divided by its beginning")
def in_logarithms(f):
    logs = np.log(f)
    return np.exp(logs.sum(axis=1, keepdims=True) - logs.cumsum(axis=1))


@slip("cell_gradient", "gradient")
def with_a_guard_against_zero(f):
    return f.prod(axis=1, keepdims=True) / (np.cumprod(f, axis=1) + 1e-8)


@slip("cell_gradient", "gradient", "sum for product")
def added_up(f):
    out = np.ones_like(f)
    for t in reversed(range(f.shape[1] - 1)):
        out[:, t] = out[:, t + 1] + f[:, t + 1]
    return out


@slip("cell_gradient", "f", "argument changed in place")
def into_the_gates(f):
    T = f.shape[1]
    f[:, :-1] = f[:, 1:]
    f[:, -1] = 1
    for t in reversed(range(T - 1)):
        f[:, t] *= f[:, t + 1]
    return f


@slip("cell_gradient", "gradient", "float64 in place of float32")
def into_ones(f):
    out = np.ones(f.shape)
    for t in reversed(range(f.shape[1] - 1)):
        out[:, t] = out[:, t + 1] * f[:, t + 1]
    return out


@slip("cell_gradient", "gradient", "gradient for t = 1 only")
def one_number_for_the_whole_path(f):
    return f[:, 1:].prod(axis=1)


@slip("cell_gradient", "gradient", "the first row's gates for all")
def first_row_for_all(f):
    out = np.ones_like(f)
    for t in reversed(range(f.shape[1] - 1)):
        out[:, t] = out[:, t + 1] * f[0, t + 1]
    return out


def of_the_visible_seed():
    rng = np.random.default_rng([0, *b"cell_gradient"])
    problem = EXERCISES["cell_gradient"].problem(rng, draw_sizes(rng))
    return EXERCISES["cell_gradient"].expected(problem)["gradient"]


@slip("cell_gradient", "gradient")
def numbers_of_the_visible_seed(f):
    answer = of_the_visible_seed()
    return answer if f.shape == answer.shape else np.ones_like(f)


@slip("cell_gradient", "gradient", "sum of the gates after t")
def cumsum_for_cumprod(f):
    later = np.ones_like(f)
    later[:, :-1] = np.cumsum(f[:, :0:-1], axis=1)[:, ::-1]
    return later
