"""Wrong answers to notebook 07."""

import numpy as np
from answers import Slips

from helpers import sigmoid
from helpers.gru import gru_step_backward, gru_step_forward

slip = Slips()


def split(a):
    """The blocks of z, r and n along the columns."""
    return np.split(a, 3, axis=-1)


# gru_step_forward ---------------------------------------------------------------------------------


@slip("gru_step_forward", "h", "z and 1 - z exchanged")
def as_in_chung_et_al(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    n = np.tanh(xn + (r * h_prev) @ Whn)
    return h_prev + z * (n - h_prev), (z, r, n)


@slip("gru_step_forward", "h", "columns in the order r, z, n")
def with_weights_as_pytorch_orders_them(x, h_prev, Wx, Wh, b):
    H = h_prev.shape[1]
    r = sigmoid(x @ Wx[:, :H] + h_prev @ Wh[:, :H] + b[:H])
    z = sigmoid(x @ Wx[:, H : 2 * H] + h_prev @ Wh[:, H : 2 * H] + b[H : 2 * H])
    n = np.tanh(x @ Wx[:, 2 * H :] + (r * h_prev) @ Wh[:, 2 * H :] + b[2 * H :])
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "columns in the order n, z, r")
def the_candidate_first(x, h_prev, Wx, Wh, b):
    (xn, xz, xr), (Whn, Whz, Whr) = split(x @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    n = np.tanh(xn + (r * h_prev) @ Whn)
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "gates in every third column")
def columns_taken_in_turn(x, h_prev, Wx, Wh, b):
    Wxz, Wxr, Wxn = (Wx[:, k::3] for k in range(3))
    Whz, Whr, Whn = (Wh[:, k::3] for k in range(3))
    z = sigmoid(x @ Wxz + h_prev @ Whz + b[0::3])
    r = sigmoid(x @ Wxr + h_prev @ Whr + b[1::3])
    n = np.tanh(x @ Wxn + (r * h_prev) @ Whn + b[2::3])
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "reset left out")
def one_product_for_all_as_in_the_lstm(x, h_prev, Wx, Wh, b):
    az, ar, an = split(x @ Wx + h_prev @ Wh + b)
    z, r, n = sigmoid(az), sigmoid(ar), np.tanh(an)
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "reset after the product")
def r_times_the_finished_product(x, h_prev, Wx, Wh, b):
    from_x, from_h = split(x @ Wx + b), split(h_prev @ Wh)
    z, r = (sigmoid(from_x[k] + from_h[k]) for k in (0, 1))
    n = np.tanh(from_x[2] + r * from_h[2])
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "reset of the input too")
def r_times_the_whole_sum(x, h_prev, Wx, Wh, b):
    az, ar, an = split(x @ Wx + h_prev @ Wh + b)
    z, r = sigmoid(az), sigmoid(ar)
    n = np.tanh(r * an)
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "reset of the state that is kept")
def the_state_after_the_reset_used_twice(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    h_prev = r * h_prev
    n = np.tanh(xn + h_prev @ Whn)
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "z in place of r in the candidate")
def the_candidate_sees_through_z(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    n = np.tanh(xn + (z * h_prev) @ Whn)
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "r in place of 1 - z")
def r_as_an_input_gate(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    n = np.tanh(xn + (r * h_prev) @ Whn)
    return z * h_prev + r * n, (z, r, n)


@slip("gru_step_forward", "h", "tanh over the new state")
def squashed_once_more(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    n = np.tanh(xn + (r * h_prev) @ Whn)
    return np.tanh(z * h_prev + (1 - z) * n), (z, r, n)


@slip("gru_step_forward", "h", "sign in the sigmoid's exponent")
def a_sigmoid_that_falls(x, h_prev, Wx, Wh, b):
    def sigma(a):
        return 1 / (1 + np.exp(a))

    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z, r = sigma(xz + h_prev @ Whz), sigma(xr + h_prev @ Whr)
    n = np.tanh(xn + (r * h_prev) @ Whn)
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "sigmoid in place of the candidate's tanh")
def three_sigmoids(x, h_prev, Wx, Wh, b):
    H = h_prev.shape[1]
    z, r = np.split(sigmoid((x @ Wx + h_prev @ Wh + b)[:, : 2 * H]), 2, axis=1)
    n = sigmoid(x @ Wx[:, 2 * H :] + (r * h_prev) @ Wh[:, 2 * H :] + b[2 * H :])
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "the candidate's bias left out")
def a_bias_for_the_gates_only(x, h_prev, Wx, Wh, b):
    H = h_prev.shape[1]
    gates = sigmoid(x @ Wx[:, : 2 * H] + h_prev @ Wh[:, : 2 * H] + b[: 2 * H])
    z, r = gates[:, :H], gates[:, H:]
    n = np.tanh(x @ Wx[:, 2 * H :] + (r * h_prev) @ Wh[:, 2 * H :])
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "past ignored by the gates")
def gates_that_see_the_input_only(x, h_prev, Wx, Wh, b):
    az, ar, an = split(x @ Wx + b)
    z, r = sigmoid(az), sigmoid(ar)
    n = np.tanh(an + (r * h_prev) @ split(Wh)[2])
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "Wh transposed")
def blocks_of_rows_of_the_transposed_matrix(x, h_prev, Wx, Wh, b):
    H = h_prev.shape[1]
    (xz, xr, xn), W = split(x @ Wx + b), Wh.T
    z = sigmoid(xz + h_prev @ W[:H])
    r = sigmoid(xr + h_prev @ W[H : 2 * H])
    n = np.tanh(xn + (r * h_prev) @ W[2 * H :])
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h_prev", "argument changed in place")
def the_reset_written_into_h_prev(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    kept = z * h_prev
    h_prev *= r
    n = np.tanh(xn + h_prev @ Whn)
    return kept + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h", "float32 in place of float64")
def a_result_in_single_precision(x, h_prev, Wx, Wh, b):
    h, cache = as_in_the_notebook(x, h_prev, Wx, Wh, b)
    return h.astype(np.float32), cache


@slip("gru_step_forward", "h", "float64 in place of float32")
def a_buffer_of_double_precision(x, h_prev, Wx, Wh, b):
    h = np.zeros(h_prev.shape)
    h[:], cache = as_in_the_notebook(x, h_prev, Wx, Wh, b)
    return h, cache


@slip("gru_step_forward", "h")
def the_first_row_for_the_whole_batch(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), (Whz, Whr, Whn) = split(x[0] @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    n = np.tanh(xn + (r * h_prev) @ Whn)
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h")
def a_state_that_is_clipped_far_out(x, h_prev, Wx, Wh, b):
    h, cache = as_in_the_notebook(x, h_prev, Wx, Wh, b)
    return np.clip(h, -5, 5), cache


@slip("gru_step_forward", "h")
def sums_clipped_before_the_sigmoid(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z = sigmoid(np.clip(xz + h_prev @ Whz, -5, 5))
    r = sigmoid(np.clip(xr + h_prev @ Whr, -5, 5))
    n = np.tanh(xn + (r * h_prev) @ Whn)
    return z * h_prev + (1 - z) * n, (z, r, n)


@slip("gru_step_forward", "h")
def cache_and_state_in_the_other_order(x, h_prev, Wx, Wh, b):
    h, cache = as_in_the_notebook(x, h_prev, Wx, Wh, b)
    return cache, h


@slip("gru_step_forward", None)
def the_state_without_a_cache(x, h_prev, Wx, Wh, b):
    return as_in_the_notebook(x, h_prev, Wx, Wh, b)[0]


@slip("gru_step_forward", None)
def columns_counted_by_the_input(x, h_prev, Wx, Wh, b):
    D = x.shape[1]
    z = sigmoid(x @ Wx[:, :D] + h_prev @ Wh[:, :D] + b[:D])
    r = sigmoid(x @ Wx[:, D : 2 * D] + h_prev @ Wh[:, D : 2 * D] + b[D : 2 * D])
    n = np.tanh(x @ Wx[:, 2 * D :] + (r * h_prev) @ Wh[:, 2 * D :] + b[2 * D :])
    return z * h_prev + (1 - z) * n, (z, r, n)


remembered = {}


@slip("gru_step_forward", None, "state kept between calls")
def a_state_of_its_own(x, h_prev, Wx, Wh, b):
    h = remembered.get("h", h_prev)
    if h.shape != h_prev.shape:
        h = h_prev
    remembered["h"], cache = as_in_the_notebook(x, h, Wx, Wh, b)
    return remembered["h"], cache


def as_in_the_notebook(x, h_prev, Wx, Wh, b):
    """The right step, whose cache the wrong backward passes take."""
    (xz, xr, xn), (Whz, Whr, Whn) = split(x @ Wx + b), split(Wh)
    z, r = sigmoid(xz + h_prev @ Whz), sigmoid(xr + h_prev @ Whr)
    n = np.tanh(xn + (r * h_prev) @ Whn)
    return (1 - z) * n + z * h_prev, (x, h_prev, Wx, Wh, z, r, n)


# gru_step_backward --------------------------------------------------------------------------------


def step_backward_slip(quantity, mistake=None, forward=as_in_the_notebook):
    return slip("gru_step_backward", quantity, mistake, forward=forward)


def sums(dh, cache):
    """Gradients of the three sums, and of what the candidate sees: these are right."""
    _, h_prev, _, Wh, z, r, n = cache
    dan = dh * (1 - z) * (1 - n**2)
    dseen = dan @ split(Wh)[2].T
    return dh * (h_prev - n) * z * (1 - z), dseen * h_prev * r * (1 - r), dan, dseen


def four_paths(dh, daz, dar, dseen, cache):
    """dh_prev, which is right if its arguments are."""
    _, _, _, Wh, z, r, _ = cache
    Whz, Whr, _ = split(Wh)
    return dh * z + dseen * r + daz @ Whz.T + dar @ Whr.T


def results(daz, dar, dan, dh_prev, cache):
    """What is to be returned; right if its arguments are."""
    x, h, Wx, _, _, r, _ = cache
    da = np.hstack([daz, dar, dan])
    dWh = np.hstack([h.T @ daz, h.T @ dar, (r * h).T @ dan])
    return da @ Wx.T, dh_prev, x.T @ da, dWh, da.sum(axis=0)


@step_backward_slip("dh_prev", "z's direct path to h_prev left out")
def through_the_products_only(dh, cache):
    daz, dar, dan, dseen = sums(dh, cache)
    _, _, _, Wh, _, r, _ = cache
    Whz, Whr, _ = split(Wh)
    return results(daz, dar, dan, daz @ Whz.T + dar @ Whr.T + dseen * r, cache)


@step_backward_slip("dh_prev", "only z's direct path to h_prev")
def through_the_mixture_only(dh, cache):
    *sums_of_gates, _ = sums(dh, cache)
    return results(*sums_of_gates, dh * cache[4], cache)


@step_backward_slip("dh_prev", "the gates' paths to h_prev left out")
def two_of_four_paths(dh, cache):
    daz, dar, dan, dseen = sums(dh, cache)
    *_, z, r, _ = cache
    return results(daz, dar, dan, dh * z + dseen * r, cache)


@step_backward_slip("dh_prev", "r forgotten on the way to h_prev")
def one_product_back_as_in_the_lstm(dh, cache):
    x, h_prev, Wx, Wh, z, _, _ = cache
    daz, dar, dan, _ = sums(dh, cache)
    da = np.hstack([daz, dar, dan])
    return da @ Wx.T, da @ Wh.T + dh * z, x.T @ da, h_prev.T @ da, da.sum(axis=0)


@step_backward_slip("dWh", "h_prev in place of r h_prev in dWh")
def one_product_for_all_blocks_of_dWh(dh, cache):
    x, h_prev, Wx, _, _, _, _ = cache
    daz, dar, dan, dseen = sums(dh, cache)
    da = np.hstack([daz, dar, dan])
    dh_prev = four_paths(dh, daz, dar, dseen, cache)
    return da @ Wx.T, dh_prev, x.T @ da, h_prev.T @ da, da.sum(axis=0)


@step_backward_slip("dx", "sign of dz")
def dz_with_the_other_sign(dh, cache):
    _, dar, dan, dseen = sums(dh, cache)
    _, h_prev, _, _, z, _, n = cache
    daz = dh * (n - h_prev) * z * (1 - z)
    return results(daz, dar, dan, four_paths(dh, daz, dar, dseen, cache), cache)


@step_backward_slip("dx", "z's effect on the candidate's share left out")
def dz_by_the_kept_state_alone(dh, cache):
    _, dar, dan, dseen = sums(dh, cache)
    _, h_prev, _, _, z, _, _ = cache
    daz = dh * h_prev * z * (1 - z)
    return results(daz, dar, dan, four_paths(dh, daz, dar, dseen, cache), cache)


@step_backward_slip("dx", "slope of the sigmoid left out")
def gates_without_their_slope(dh, cache):
    _, h_prev, _, _, _, _, n = cache
    _, _, dan, dseen = sums(dh, cache)
    daz, dar = dh * (h_prev - n), dseen * h_prev
    return results(daz, dar, dan, four_paths(dh, daz, dar, dseen, cache), cache)


def from_dan(dan_of):
    """A backward pass in which only the gradient of the candidate's sum is wrong."""

    def backward(dh, cache):
        _, h_prev, _, Wh, z, r, n = cache
        dan = dan_of(dh, z, n, h_prev)
        dseen = dan @ split(Wh)[2].T
        daz, dar = dh * (h_prev - n) * z * (1 - z), dseen * h_prev * r * (1 - r)
        return results(daz, dar, dan, four_paths(dh, daz, dar, dseen, cache), cache)

    return backward


for what, mistake, dan_of in (
    ("tanh of the tanh", "tanh taken a second time",
     lambda dh, z, n, h: dh * (1 - z) * (1 - np.tanh(n) ** 2)),
    ("n squared as a slope", "n² in place of 1 - n²",
     lambda dh, z, n, h: dh * (1 - z) * n**2),
    ("the vanilla cell's slope of h", "h in place of n in the slope of tanh",
     lambda dh, z, n, h: dh * (1 - z) * (1 - ((1 - z) * n + z * h) ** 2)),
    ("the candidate's share forgotten", "1 - z left out on the way to the candidate",
     lambda dh, z, n, h: dh * (1 - n**2)),
):  # fmt: skip
    slip("gru_step_backward", "dx", mistake, what=what, forward=as_in_the_notebook)(
        from_dan(dan_of)
    )


@step_backward_slip("dx", "upstream gradient left out")
def slopes_alone(dh, cache):
    ones = np.ones_like(dh)
    daz, dar, dan, dseen = sums(ones, cache)
    return results(daz, dar, dan, four_paths(ones, daz, dar, dseen, cache), cache)


@step_backward_slip("dx", "sigmoid taken a second time")
def slopes_of_what_is_a_gate_already(dh, cache):
    _, h_prev, _, _, z, r, n = cache
    _, _, dan, dseen = sums(dh, cache)
    slope_z, slope_r = (sigmoid(gate) * (1 - sigmoid(gate)) for gate in (z, r))
    daz, dar = dh * (h_prev - n) * slope_z, dseen * h_prev * slope_r
    return results(daz, dar, dan, four_paths(dh, daz, dar, dseen, cache), cache)


@step_backward_slip("dx", "z and r exchanged")
def unpacked_in_another_order_than_packed(dh, cache):
    x, h_prev, Wx, Wh, r, z, n = cache
    swapped = x, h_prev, Wx, Wh, z, r, n
    daz, dar, dan, dseen = sums(dh, swapped)
    return results(daz, dar, dan, four_paths(dh, daz, dar, dseen, swapped), swapped)


@step_backward_slip("dx", "gradients of z and r exchanged")
def blocks_put_together_as_r_z_n(dh, cache):
    x, h_prev, Wx, _, _, r, _ = cache
    daz, dar, dan, dseen = sums(dh, cache)
    da = np.concatenate([dar, daz, dan], axis=1)
    dWh = np.concatenate([h_prev.T @ dar, h_prev.T @ daz, (r * h_prev).T @ dan], axis=1)
    dh_prev = four_paths(dh, daz, dar, dseen, cache)
    return da @ Wx.T, dh_prev, x.T @ da, dWh, da.sum(axis=0)


@step_backward_slip("dx", "r and h_prev exchanged on the way back through the reset")
def factors_of_the_reset_exchanged(dh, cache):
    _, h_prev, _, Wh, z, r, _ = cache
    daz, _, dan, dseen = sums(dh, cache)
    dar = dseen * r * r * (1 - r)
    Whz, Whr, _ = split(Wh)
    dh_prev = dh * z + dseen * h_prev + daz @ Whz.T + dar @ Whr.T
    return results(daz, dar, dan, dh_prev, cache)


@step_backward_slip("dx", "Wh not transposed")
def square_blocks_not_transposed(dh, cache):
    _, h_prev, _, Wh, z, r, _ = cache
    Whz, Whr, Whn = split(Wh)
    daz, _, dan, _ = sums(dh, cache)
    dseen = dan @ Whn
    dar = dseen * h_prev * r * (1 - r)
    dh_prev = dh * z + dseen * r + daz @ Whz + dar @ Whr
    return results(daz, dar, dan, dh_prev, cache)


def with_right_parts(finish):
    """A backward pass that computes all of it right, and then does something to it."""

    def backward(dh, cache):
        daz, dar, dan, dseen = sums(dh, cache)
        right = results(daz, dar, dan, four_paths(dh, daz, dar, dseen, cache), cache)
        return finish(*right, np.hstack([daz, dar, dan]), cache)

    return backward


for what, quantity, mistake, finish in (
    ("means over the batch", "dWx", "mean over the batch in the weights' gradients",
     lambda dx, dh, dWx, dWh, db, da, cache: (dx, dh, *(d / len(dx) for d in (dWx, dWh, db)))),
    ("db along the other axis", "db", "db summed over the units",
     lambda dx, dh, dWx, dWh, db, da, cache: (dx, dh, dWx, dWh, da.sum(axis=1))),
    ("db for each row", "db", "db not summed over the batch",
     lambda dx, dh, dWx, dWh, db, da, cache: (dx, dh, dWx, dWh, da)),
    ("db with an axis to spare", "db", "db with an axis of length 1",
     lambda dx, dh, dWx, dWh, db, da, cache: (dx, dh, dWx, dWh, da.sum(axis=0, keepdims=True))),
    ("dWh by columns", "dWh", "dWh transposed",
     lambda dx, dh, dWx, dWh, db, da, cache: (dx, dh, dWx, dWh.T, db)),
    ("dWh block by block by columns", "dWh", "blocks of dWh transposed",
     lambda dx, dh, dWx, dWh, db, da, cache: (
         dx, dh, dWx, np.hstack([block.T for block in split(dWh)]), db)),
    ("the state's gradient first", "dx", "dx and dh_prev in the other order",
     lambda dx, dh, dWx, dWh, db, da, cache: (dh, dx, dWx, dWh, db)),
    ("the first row for dWx", "dWx", None,
     lambda dx, dh, dWx, dWh, db, da, cache: (dx, dh, np.outer(cache[0][0], da[0]), dWh, db)),
):  # fmt: skip
    slip("gru_step_backward", quantity, mistake, what=what, forward=as_in_the_notebook)(
        with_right_parts(finish)
    )


@step_backward_slip("dh", "argument changed in place")
def dh_scaled_on_the_way(dh, cache):
    _, h_prev, _, Wh, z, r, n = cache
    Whz, Whr, Whn = split(Wh)
    daz, kept = dh * (h_prev - n) * z * (1 - z), dh * z
    dh *= 1 - z
    dan = dh * (1 - n**2)
    dseen = dan @ Whn.T
    dar = dseen * h_prev * r * (1 - r)
    return results(daz, dar, dan, kept + dseen * r + daz @ Whz.T + dar @ Whr.T, cache)


@step_backward_slip("cache", "cache changed in place")
def n_squared_in_the_cache(dh, cache):
    daz, dar, dan, dseen = sums(dh, cache)
    found = results(daz, dar, dan, four_paths(dh, daz, dar, dseen, cache), cache)
    slope = cache[-1]
    slope **= 2
    return found


@step_backward_slip("db", "float32 in place of float64")
def gathered_in_single_precision(dh, cache):
    x, h_prev, Wx, _, _, r, _ = cache
    daz, dar, dan, dseen = sums(dh, cache)
    da = np.empty((len(dh), Wx.shape[1]), dtype=np.float32)
    for block, gradient in zip(split(da), (daz, dar, dan), strict=True):
        block[:] = gradient
    dWh = np.hstack([h_prev.T @ da[:, : -dan.shape[1]], (r * h_prev).T @ dan])
    dh_prev = four_paths(dh, daz, dar, dseen, cache)
    return da @ Wx.T, dh_prev, x.T @ da, dWh, da.sum(axis=0)


latest = {}


def into_a_global(x, h_prev, Wx, Wh, b):
    h, latest["cache"] = as_in_the_notebook(x, h_prev, Wx, Wh, b)
    return h, None


@step_backward_slip(None, "state kept between calls", forward=into_a_global)
def what_ran_last(dh, cache):
    return with_right_parts(lambda *found: found[:5])(dh, latest["cache"])


def reset_after(x, h_prev, Wx, Wh, b):
    (xz, xr, xn), from_h = split(x @ Wx + b), split(h_prev @ Wh)
    z, r = sigmoid(xz + from_h[0]), sigmoid(xr + from_h[1])
    n = np.tanh(xn + r * from_h[2])
    return (1 - z) * n + z * h_prev, (x, h_prev, Wx, Wh, z, r, n, from_h[2])


@step_backward_slip("dx", "wrong gru_step_forward", forward=reset_after)
def right_for_the_other_gru(dh, cache):
    x, h_prev, Wx, Wh, z, r, n, product = cache
    dan = dh * (1 - z) * (1 - n**2)
    daz, dar = dh * (h_prev - n) * z * (1 - z), dan * product * r * (1 - r)
    da, into_products = np.hstack([daz, dar, dan]), np.hstack([daz, dar, dan * r])
    dh_prev = dh * z + into_products @ Wh.T
    return da @ Wx.T, dh_prev, x.T @ da, h_prev.T @ into_products, da.sum(axis=0)


def as_chung_et_al_mix(x, h_prev, Wx, Wh, b):
    _, cache = as_in_the_notebook(x, h_prev, Wx, Wh, b)
    *_, z, _, n = cache
    return (1 - z) * h_prev + z * n, cache


@step_backward_slip("dx", "z and 1 - z exchanged", forward=as_chung_et_al_mix)
def right_for_the_mixture_of_chung_et_al(dh, cache):
    x, h_prev, Wx, Wh, z, r, n = cache
    Whz, Whr, Whn = split(Wh)
    dan = dh * z * (1 - n**2)
    dseen = dan @ Whn.T
    daz, dar = dh * (n - h_prev) * z * (1 - z), dseen * h_prev * r * (1 - r)
    dh_prev = dh * (1 - z) + dseen * r + daz @ Whz.T + dar @ Whr.T
    return results(daz, dar, dan, dh_prev, cache)


def without_a_reset(x, h_prev, Wx, Wh, b):
    az, _, an = split(x @ Wx + h_prev @ Wh + b)
    z, n = sigmoid(az), np.tanh(an)
    return (1 - z) * n + z * h_prev, (x, h_prev, Wx, Wh, z, n)


@step_backward_slip("dx", "wrong gru_step_forward", forward=without_a_reset)
def right_without_a_reset(dh, cache):
    x, h_prev, Wx, Wh, z, n = cache
    daz, dan = dh * (h_prev - n) * z * (1 - z), dh * (1 - z) * (1 - n**2)
    da = np.hstack([daz, np.zeros_like(daz), dan])
    return da @ Wx.T, dh * z + da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


@step_backward_slip("dx", "gradient of the reset after the product")
def copied_from_the_other_gru(dh, cache):
    x, h_prev, Wx, Wh, z, r, n = cache
    return right_for_the_other_gru(dh, (*cache, h_prev @ split(Wh)[2]))


# gru_forward --------------------------------------------------------------------------------------


@slip("gru_forward", "h", "h0 ignored")
def the_place_before_the_first_is_the_last(x, h0, Wx, Wh, b):
    h = np.zeros((*x.shape[:2], h0.shape[1]), dtype=x.dtype)
    for t in range(x.shape[1]):
        h[:, t], _ = gru_step_forward(x[:, t], h[:, t - 1], Wx, Wh, b)
    return h, None


@slip("gru_forward", "h", "state not carried on")
def always_from_h0(x, h0, Wx, Wh, b):
    steps = [gru_step_forward(x[:, t], h0, Wx, Wh, b) for t in range(x.shape[1])]
    h, caches = zip(*steps, strict=True)
    return np.stack(h, axis=1), caches


@slip("gru_forward", "h", "h0 among the states")
def one_state_more_than_steps(x, h0, Wx, Wh, b):
    states = [h0]
    for x_t in x.swapaxes(0, 1):
        states.append(gru_step_forward(x_t, states[-1], Wx, Wh, b)[0])
    return np.stack(states, axis=1), states


@slip("gru_forward", "h", "h0 among the states, the last one missing")
def states_before_the_steps(x, h0, Wx, Wh, b):
    h, states = h0, []
    for t in range(x.shape[1]):
        states.append(h)
        h, _ = gru_step_forward(x[:, t], h, Wx, Wh, b)
    return np.stack(states, axis=1), None


@slip("gru_forward", "h", "the first input never read")
def h0_put_at_step_0(x, h0, Wx, Wh, b):
    h = np.empty((*x.shape[:2], h0.shape[1]), dtype=x.dtype)
    h[:, 0] = h0
    for t in range(1, x.shape[1]):
        h[:, t], _ = gru_step_forward(x[:, t], h[:, t - 1], Wx, Wh, b)
    return h, None


@slip("gru_forward", "h", "the last step left out")
def one_step_too_few(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h, state = np.zeros((N, T, h0.shape[1]), dtype=x.dtype), h0
    for t in range(T - 1):
        state, _ = gru_step_forward(x[:, t], state, Wx, Wh, b)
        h[:, t] = state
    return h, None


def gathered(stack):
    """A forward pass whose states are right, one (N, H) array a step, and then put together."""

    def forward(x, h0, Wx, Wh, b):
        h, states = h0, []
        for t in range(x.shape[1]):
            h, _ = gru_step_forward(x[:, t], h, Wx, Wh, b)
            states.append(h)
        return stack(states), None

    return forward


for what, mistake, stack in (
    ("an array of the list of states", "time as the first axis", np.array),
    ("reshaped where axes should be exchanged", "axes exchanged by reshape",
     lambda states: np.reshape(states, (len(states[0]), len(states), -1))),
    ("states stacked along the last axis", "time as the last axis",
     lambda states: np.stack(states, axis=-1)),
    ("states in one row", "states side by side in one axis", np.hstack),
    ("the last state alone", "only the last state", lambda states: states[-1]),
    ("states in a list", None, lambda states: states),
    ("axes of length 1 squeezed out", None, lambda states: np.stack(states, axis=1).squeeze()),
):  # fmt: skip
    slip("gru_forward", "h", mistake, what=what)(gathered(stack))


@slip("gru_forward", "h", "the last state at every step")
def one_array_for_all_states(x, h0, Wx, Wh, b):
    h, states = h0.copy(), []
    for t in range(x.shape[1]):
        h[:], _ = gru_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1), None


@slip("gru_forward", "h0", "argument changed in place")
def h0_itself_moved_on(x, h0, Wx, Wh, b):
    h = np.empty((*x.shape[:2], h0.shape[1]), dtype=x.dtype)
    for t in range(x.shape[1]):
        h0[...], _ = gru_step_forward(x[:, t], h0, Wx, Wh, b)
        h[:, t] = h0
    return h, None


@slip("gru_forward", "h", "float64 in place of float32")
def np_zeros_without_a_dtype(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    for t in range(T):
        h[:, t], _ = gru_step_forward(x[:, t], h[:, t - 1] if t else h0, Wx, Wh, b)
    return h.astype(np.float64), None


@slip("gru_forward", "h", "reset after the product")
def all_products_with_the_state_at_once(x, h0, Wx, Wh, b):
    h, states = h0, []
    for x_t in x.swapaxes(0, 1):
        h, _ = reset_after(x_t, h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1), None


@slip("gru_forward", "h")
def never_more_than_ten_steps(x, h0, Wx, Wh, b):
    h, state = np.zeros((*x.shape[:2], h0.shape[1]), dtype=x.dtype), h0
    for t in range(min(x.shape[1], 10)):
        h[:, t], _ = gru_step_forward(x[:, t], state, Wx, Wh, b)
        state = h[:, t]
    return h, None


buffers = {}


@slip("gru_forward", None, "one buffer for all calls")
def states_in_a_buffer_for_each_shape(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    shape = N, T, h0.shape[1]
    h = buffers.setdefault((shape, x.dtype), np.empty(shape, x.dtype))
    for t in range(T):
        h[:, t], _ = gru_step_forward(x[:, t], h[:, t - 1] if t else h0, Wx, Wh, b)
    return h, None


@slip("gru_forward", None)
def the_batch_taken_for_time(x, h0, Wx, Wh, b):
    h, states = h0, []
    for x_t in x:
        h, _ = gru_step_forward(x_t, h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1), None


# gru_backward -------------------------------------------------------------------------------------


def step_by_step(x, h0, Wx, Wh, b):
    """The right forward pass; its cache is the list of the steps' own."""
    h, states, caches = h0, [], []
    for t in range(x.shape[1]):
        h, cache = gru_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


def backward_slip(quantity, mistake=None, forward=step_by_step):
    return slip("gru_backward", quantity, mistake, forward=forward)


def total(weights):
    """The sums over time of dWx, dWh and db, from a list of all three for each step."""
    return tuple(sum(each) for each in zip(*weights, strict=True))


@backward_slip("dWx", "= for += over time")
def the_weights_of_the_step_visited_last(dh, caches):
    dx, dh_next = [], 0
    for t in reversed(range(len(caches))):
        dx_t, dh_next, dWx, dWh, db = gru_step_backward(dh[:, t] + dh_next, caches[t])
        dx.insert(0, dx_t)
    return np.stack(dx, axis=1), dh_next, dWx, dWh, db


@backward_slip("dx", "gradient from the next step not added")
def every_step_by_itself(dh, caches):
    steps = [gru_step_backward(dh[:, t], cache) for t, cache in enumerate(caches)]
    dx, dh_prev, *weights = zip(*steps, strict=True)
    return np.stack(dx, axis=1), dh_prev[0], *map(sum, weights)


@backward_slip("dx", "only the last step's dh")
def from_the_end_of_the_sequence_only(dh, caches):
    dx, weights, dh_next = [], [], dh[:, -1]
    for cache in reversed(caches):
        dx_t, dh_next, *of_step = gru_step_backward(dh_next, cache)
        dx.append(dx_t)
        weights.append(of_step)
    return np.stack(dx[::-1], axis=1), dh_next, *total(weights)


@backward_slip("dx", "gradients added up from step to step")
def plus_equals_for_the_state_too(dh, caches):
    dx, weights, dh_next = [], [], np.zeros_like(dh[:, 0])
    for t in reversed(range(len(caches))):
        dh_next += dh[:, t]
        dx_t, dh_prev, *of_step = gru_step_backward(dh_next, caches[t])
        dh_next += dh_prev
        dx.insert(0, dx_t)
        weights.append(of_step)
    return np.stack(dx, axis=1), dh_next, *total(weights)


@backward_slip("dx", "steps visited forward in time")
def from_the_first_step_on(dh, caches):
    dx, weights, dh_next = [], [], np.zeros_like(dh[:, 0])
    for t, cache in enumerate(caches):
        dx_t, dh_next, *of_step = gru_step_backward(dh[:, t] + dh_next, cache)
        dx.append(dx_t)
        weights.append(of_step)
    return np.stack(dx, axis=1), dh_next, *total(weights)


@backward_slip("dx", "the first step left out")
def a_range_that_stops_before_0(dh, caches):
    T, (x, _, Wx, Wh, *_) = len(caches), caches[0]
    dx, dh_next = np.zeros((len(x), T, x.shape[1]), x.dtype), np.zeros_like(dh[:, 0])
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wx[0])
    for t in range(T - 1, 0, -1):
        dx[:, t], dh_next, *new = gru_step_backward(dh[:, t] + dh_next, caches[t])
        for gradient, one in zip((dWx, dWh, db), new, strict=True):
            gradient += one
    return dx, dh_next, dWx, dWh, db


@backward_slip("dx", "the last step left out")
def a_range_that_starts_too_early(dh, caches):
    T, (x, _, Wx, Wh, *_) = len(caches), caches[0]
    dx, dh_next = np.zeros((len(x), T, x.shape[1]), x.dtype), np.zeros_like(dh[:, 0])
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wx[0])
    for t in reversed(range(T - 1)):
        dx[:, t], dh_next, *new = gru_step_backward(dh[:, t] + dh_next, caches[t])
        for gradient, one in zip((dWx, dWh, db), new, strict=True):
            gradient += one
    return dx, dh_next, dWx, dWh, db


def collected(finish):
    """A backward pass that visits all steps rightly, and then puts their results together.

    `finish` gets the steps' dx from the last step to the first, dh0, what arrived at the first
    state, and the weights' gradients.
    """

    def backward(dh, caches):
        dx, weights, dh_next = [], [], 0
        for t in reversed(range(len(caches))):
            dh_t = dh[:, t] + dh_next
            dx_t, dh_next, *of_step = gru_step_backward(dh_t, caches[t])
            dx.append(dx_t)
            weights.append(of_step)
        return finish(dx, dh_next, dh_t, total(weights))

    return backward


for what, quantity, mistake, finish in (
    ("dx not turned round", "dx", "dx in the order in which the steps were visited",
     lambda dx, dh0, dh1, w: (np.stack(dx, axis=1), dh0, *w)),
    ("dx as an array of the list", "dx", "dx with time as its first axis",
     lambda dx, dh0, dh1, w: (np.array(dx[::-1]), dh0, *w)),
    ("what arrived at the first state", "dh0", "dh0 taken before the first step",
     lambda dx, dh0, dh1, w: (np.stack(dx[::-1], axis=1), dh1, *w)),
    ("weights averaged over the steps", "dWx", "mean over time",
     lambda dx, dh0, dh1, w: (np.stack(dx[::-1], axis=1), dh0, *(g / len(dx) for g in w))),
    ("weights averaged over the batch", "dWx", "mean over the batch in the weights' gradients",
     lambda dx, dh0, dh1, w: (np.stack(dx[::-1], axis=1), dh0, *(g / len(dh0) for g in w))),
    ("no gradient for h0", "dh0", "dh0 left at zero",
     lambda dx, dh0, dh1, w: (np.stack(dx[::-1], axis=1), np.zeros_like(dh0), *w)),
    ("None for h0", "dh0", None,
     lambda dx, dh0, dh1, w: (np.stack(dx[::-1], axis=1), None, *w)),
    ("weights not returned", None, None,
     lambda dx, dh0, dh1, w: (np.stack(dx[::-1], axis=1), dh0)),
):  # fmt: skip
    slip("gru_backward", quantity, mistake, what=what, forward=step_by_step)(collected(finish))


@backward_slip("dh", "argument changed in place")
def added_into_dh(dh, caches):
    dx, weights = [], []
    for t in reversed(range(len(caches))):
        dx_t, dh_prev, *of_step = gru_step_backward(dh[:, t], caches[t])
        if t:
            dh[:, t - 1] += dh_prev
        dx.insert(0, dx_t)
        weights.append(of_step)
    return np.stack(dx, axis=1), dh_prev, *total(weights)


@backward_slip("cache", "cache changed in place")
def caches_popped_off_the_list(dh, caches):
    dx, weights, dh_next, t = [], [], 0, dh.shape[1]
    while caches:
        t -= 1
        dx_t, dh_next, *of_step = gru_step_backward(dh[:, t] + dh_next, caches.pop())
        dx.insert(0, dx_t)
        weights.append(of_step)
    return np.stack(dx, axis=1), dh_next, *total(weights)


@backward_slip("dx")
def clipped_on_the_way(dh, caches):
    dx, weights, dh_next = [], [], 0
    for t in reversed(range(len(caches))):
        dx_t, dh_next, *of_step = gru_step_backward(dh[:, t] + dh_next, caches[t])
        dh_next = np.clip(dh_next, -50, 50)
        dx.insert(0, dx_t)
        weights.append(of_step)
    return np.stack(dx, axis=1), dh_next, *total(weights)


@backward_slip("dx")
def cut_after_ten_steps(dh, caches):
    T, D = len(caches), caches[0][0].shape[1]
    dx, weights, dh_next = np.zeros((len(dh), T, D), dh.dtype), [], 0
    for t in reversed(range(max(0, T - 10), T)):
        dx[:, t], dh_next, *of_step = gru_step_backward(dh[:, t] + dh_next, caches[t])
        weights.append(of_step)
    return dx, dh_next, *total(weights)


def gates_kept(x, h0, Wx, Wh, b):
    """The right forward pass, all of whose steps lie in one array for each letter."""
    h, gates = h0, []
    states = []
    for t in range(x.shape[1]):
        h, (*_, z, r, n) = as_in_the_notebook(x[:, t], h, Wx, Wh, b)
        states.append(h)
        gates.append((z, r, n))
    h = np.stack(states, axis=1)
    return h, (x, h0, Wx, Wh, h, gates)


def by_states(state_before):
    """A backward pass that looks the state before step t up among those of the forward pass."""

    def backward(dh, cache):
        x, h0, Wx, Wh, h, gates = cache
        dx, weights, dh_next = [], [], 0
        for t in reversed(range(dh.shape[1])):
            step_cache = x[:, t], state_before(h0, h, t), Wx, Wh, *gates[t]
            daz, dar, dan, dseen = sums(dh[:, t] + dh_next, step_cache)
            into_h = four_paths(dh[:, t] + dh_next, daz, dar, dseen, step_cache)
            dx_t, dh_next, *of_step = results(daz, dar, dan, into_h, step_cache)
            dx.insert(0, dx_t)
            weights.append(of_step)
        return np.stack(dx, axis=1), dh_next, *total(weights)

    return backward


for what, mistake, state_before in (
    ("h at -1 before the first step", "the last state in place of h0 before the first step",
     lambda h0, h, t: h[:, t - 1]),
    ("zeros before the first step", "zeros in place of h0 before the first step",
     lambda h0, h, t: h[:, t - 1] if t else np.zeros_like(h0)),
    ("the state after each step", "h_t in place of h_{t-1}", lambda h0, h, t: h[:, t]),
    ("h0 before every step", "h0 before every step", lambda h0, h, t: h0),
):  # fmt: skip
    slip("gru_backward", "dx", mistake, what=what, forward=gates_kept)(by_states(state_before))


@slip("gru_backward", "dx", "r forgotten on the way to h_prev", forward=gates_kept)
def one_product_back_at_every_step(dh, cache):
    x, h0, Wx, Wh, h, gates = cache
    dx, weights, dh_next = [], [], 0
    for t in reversed(range(dh.shape[1])):
        before = h[:, t - 1] if t else h0
        step_cache, dh_t = (x[:, t], before, Wx, Wh, *gates[t]), dh[:, t] + dh_next
        z, r, _ = gates[t]
        daz, dar, dan, _ = sums(dh_t, step_cache)
        da = np.hstack([daz, dar, dan])
        dh_next = dh_t * z + da @ Wh.T
        dWh = np.hstack([before.T @ daz, before.T @ dar, (r * before).T @ dan])
        dx.insert(0, da @ Wx.T)
        weights.append((x[:, t].T @ da, dWh, da.sum(axis=0)))
    return np.stack(dx, axis=1), dh_next, *total(weights)


def from_zeros(x, h0, Wx, Wh, b):
    return step_by_step(x, np.zeros_like(h0), Wx, Wh, b)


@backward_slip("dx", "wrong gru_forward", forward=from_zeros)
def right_for_a_start_from_zeros(dh, caches):
    found = collected(lambda dx, dh0, dh1, w: (np.stack(dx[::-1], axis=1), 0 * dh0, *w))
    return found(dh, caches)


# count_parameters ---------------------------------------------------------------------------------

BLOCKS = {"rnn": 1, "lstm": 4, "gru": 3}


@slip("count_parameters", "parameters", "biases left out")
def two_matrices(cell, D, H):
    return BLOCKS[cell] * (D * H + H * H)


@slip("count_parameters", "parameters", "two biases a gate")
def as_pytorch_counts(cell, D, H):
    return BLOCKS[cell] * (H * D + H * H + H + H)


@slip("count_parameters", "parameters", "only Wx multiplied by the number of blocks")
def without_parentheses(cell, D, H):
    return BLOCKS[cell] * D * H + H * H + H


@slip("count_parameters", "parameters", "biases of one block only")
def one_bias_for_all_blocks(cell, D, H):
    return (D + H) * BLOCKS[cell] * H + H


@slip("count_parameters", "parameters", "one bias for a whole gate")
def a_number_for_each_bias(cell, D, H):
    return BLOCKS[cell] * (D * H + H**2 + 1)


@slip("count_parameters", "parameters", "D and H exchanged")
def squared_inputs(cell, D, H):
    return BLOCKS[cell] * (D * H + D * D + D)


@slip("count_parameters", None, "arguments in another order")
def sizes_in_the_other_order(cell, H, D):
    return BLOCKS[cell] * (D * H + H * H + H)


@slip("count_parameters", "parameters", "the GRU's candidate not counted")
def gates_alone(cell, D, H):
    gates = {"rnn": 1, "lstm": 3, "gru": 2}[cell]
    return gates * (D * H + H * H + H)


@slip("count_parameters", "parameters", "the same for every cell")
def one_block(cell, D, H):
    Wx, Wh, b = np.zeros((D, H)), np.zeros((H, H)), np.zeros(H)
    return Wx.size + Wh.size + b.size


@slip("count_parameters", "parameters", "returns nothing")
def no_branch_for_the_rnn(cell, D, H):
    if cell == "gru":
        return 3 * (D * H + H * H + H)
    if cell == "lstm":
        return 4 * (D * H + H * H + H)


@slip("count_parameters", "parameters")
def the_numbers_of_the_example(cell, D, H):
    return {"rnn": 18, "gru": 54, "lstm": 72}[cell]


@slip("count_parameters", "parameters")
def three_numbers(cell, D, H):
    blocks = BLOCKS[cell]
    return blocks * D * H, blocks * H * H, blocks * H


@slip("count_parameters", None)
def names_in_capitals(cell, D, H):
    return {"RNN": 1, "LSTM": 4, "GRU": 3}[cell] * (D * H + H * H + H)
