"""Wrong answers to notebook 09."""

import numpy as np
from answers import Slips

from helpers import (
    lstm_backward,
    lstm_forward,
    lstm_step_forward,
    one_hot,
    softmax,
    softmax_loss,
)
from helpers.lstm import sigmoid

slip = Slips()


def lstm(x, Wx, Wh, b):
    """States of an LSTM from zeros, and its cache: this is right."""
    zeros = np.zeros((len(x), len(Wh)), x.dtype)
    h, _, cache = lstm_forward(x, zeros, zeros, Wx, Wh, b)
    return h, cache


# stacked_lstm_forward -----------------------------------------------------------------------------


@slip("stacked_lstm_forward", "h", "masks ignored")
def layers_alone(x, layers, masks=None):
    caches = []
    for weights in layers:
        x, cache = lstm(x, *weights)
        caches.append(cache)
    return x, caches


@slip("stacked_lstm_forward", "h", "only the first mask used")
def x_masked_before_the_loop(x, layers, masks=None):
    h = x if masks is None else x * masks[0]
    for weights in layers:
        h, _ = lstm(h, *weights)
    return h, None


@slip("stacked_lstm_forward", "h", "the first mask left out")
def only_between_the_layers(x, layers, masks=None):
    h, _ = lstm(x, *layers[0])
    for k in range(1, len(layers)):
        h, _ = lstm(h if masks is None else h * masks[k], *layers[k])
    return h, None


@slip("stacked_lstm_forward", "h", "a mask's scale left out")
def set_to_zero_where_the_mask_is(x, layers, masks=None):
    h = x
    for k, weights in enumerate(layers):
        if masks is not None:
            h = np.where(masks[k] == 0, np.zeros_like(h), h)
        h, _ = lstm(h, *weights)
    return h, None


@slip("stacked_lstm_forward", "h", "kept and dropped exchanged")
def true_for_what_is_dropped(x, layers, masks=None):
    h = x
    for k, weights in enumerate(layers):
        if masks is not None:
            h = h * np.logical_not(masks[k])
        h, _ = lstm(h, *weights)
    return h, None


@slip("stacked_lstm_forward", "h", "a mask applied twice")
def scaled_once_more(x, layers, masks=None):
    h = x
    for k, weights in enumerate(layers):
        if masks is not None:
            h = h * masks[k]
            h = masks[k] * h
        h, _ = lstm(h, *weights)
    return h, None


@slip("stacked_lstm_forward", "h", "the first step's mask at every step")
def as_if_every_mask_were_variational(x, layers, masks=None):
    h = x
    for k, weights in enumerate(layers):
        if masks is not None:
            h = h * masks[k][:, 0][:, None]
        h, _ = lstm(h, *weights)
    return h, None


@slip("stacked_lstm_forward", "h", "the last step's mask at every step")
def one_mask_left_over_from_a_loop(x, layers, masks=None):
    h = x
    for k, weights in enumerate(layers):
        if masks is not None:
            h = h * masks[k][:, -1:, :]
        h, _ = lstm(h, *weights)
    return h, None


@slip("stacked_lstm_forward", "h", "the first row's mask for the whole batch")
def one_mask_for_the_batch(x, layers, masks=None):
    h = x
    for k, weights in enumerate(layers):
        if masks is not None:
            h = h * masks[k][0]
        h, _ = lstm(h, *weights)
    return h, None


@slip("stacked_lstm_forward", "h", "dropout in time as well")
def a_masked_state_handed_on(x, layers, masks=None):
    if masks is None:
        return layers_alone(x, layers)
    T = x.shape[1]
    masks = [np.broadcast_to(m, (len(x), T, m.shape[2])) for m in masks]
    inputs = x * masks[0]
    for k, (Wx, Wh, b) in enumerate(layers):
        h = c = np.zeros((len(x), len(Wh)), x.dtype)
        states = []
        for t in range(T):
            h, c, _ = lstm_step_forward(inputs[:, t], h, c, Wx, Wh, b)
            if k + 1 < len(layers):
                h = h * masks[k + 1][:, t]
            states.append(h)
        inputs = np.stack(states, axis=1)
    return inputs, None


@slip("stacked_lstm_forward", "h", "the lowest layer's states")
def returned_inside_the_loop(x, layers, masks=None):
    for k, weights in enumerate(layers):
        h, cache = lstm(x if masks is None else x * masks[k], *weights)
        return h, cache


@slip("stacked_lstm_forward", "h", "only the last state")
def what_a_classifier_would_take(x, layers, masks=None):
    h, cache = in_the_notebooks_way(x, layers, masks)
    return h[:, -1], cache


@slip("stacked_lstm_forward", "h", "bias left out")
def b_forgotten(x, layers, masks=None):
    return in_the_notebooks_way(x, [(Wx, Wh, np.zeros_like(b)) for Wx, Wh, b in layers], masks)


@slip("stacked_lstm_forward", "h", "tanh between the layers")
def a_nonlinearity_as_between_dense_layers(x, layers, masks=None):
    h = x
    for k, weights in enumerate(layers):
        if masks is not None:
            h = h * masks[k]
        h, _ = lstm(h, *weights)
        if k < len(layers) - 1:
            h = np.tanh(h)
    return h, None


@slip("stacked_lstm_forward", "h", "a layer's cells handed up")
def c_in_place_of_h(x, layers, masks=None):
    seen = x
    for k, (Wx, Wh, b) in enumerate(layers):
        if masks is not None:
            seen = seen * masks[k]
        h = c = np.zeros((len(x), len(Wh)), x.dtype)
        cells = []
        for t in range(x.shape[1]):
            h, c, _ = lstm_step_forward(seen[:, t], h, c, Wx, Wh, b)
            cells.append(c)
        seen = np.stack(cells, axis=1)
    return seen, None


@slip("stacked_lstm_forward", "h", "recurrence left out")
def a_state_of_zeros_at_every_step(x, layers, masks=None):
    h = x
    for k, (Wx, _, b) in enumerate(layers):
        if masks is not None:
            h = h * masks[k]
        i, f, o, g = np.split(h @ Wx + b, 4, axis=2)
        i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
        c, cells = np.zeros_like(g[:, 0]), []
        for t in range(x.shape[1]):
            c = f[:, t] * c + i[:, t] * g[:, t]
            cells.append(c)
        h = o * np.tanh(np.stack(cells, axis=1))
    return h, None


@slip("stacked_lstm_forward", "x", "argument changed in place")
def x_masked_in_place(x, layers, masks=None):
    if masks is not None:
        x *= masks[0]
    return in_the_notebooks_way(x, layers, masks and [1, *masks[1:]])


@slip("stacked_lstm_forward", "h", "float64 in place of float32")
def zeros_of_double_precision(x, layers, masks=None):
    h = x
    for k, (Wx, Wh, b) in enumerate(layers):
        if masks is not None:
            h = h * masks[k]
        zeros = np.zeros((len(x), len(Wh)))
        h, _, _ = lstm_forward(h, zeros, zeros, Wx, Wh, b)
    return h, None


@slip("stacked_lstm_forward", None, "state kept between calls")
def layers_taken_off_the_list(x, layers, masks=None, seen=[]):  # noqa: B006
    seen.append(1)
    h, cache = in_the_notebooks_way(x, layers, masks)
    return h * len(seen), cache


@slip("stacked_lstm_forward", "layers", "argument changed in place")
def layers_popped(x, layers, masks=None):
    h = x
    for k in range(len(layers)):
        h, _ = lstm(h if masks is None else h * masks[k], *layers.pop(0))
    return h, None


@slip("stacked_lstm_forward", "h", "a mask's scale left out")
def masks_as_whole_numbers(x, layers, masks=None):
    return in_the_notebooks_way(x, layers, masks and [mask.astype(int) for mask in masks])


@slip("stacked_lstm_forward", "h", "a mask's scale left out")
def masks_as_yes_and_no(x, layers, masks=None):
    return in_the_notebooks_way(x, layers, masks and [mask.astype(bool) for mask in masks])


@slip("stacked_lstm_forward", None)
def from_the_top_down(x, layers, masks=None):
    return in_the_notebooks_way(x, layers[::-1], masks)


@slip("stacked_lstm_forward", None)
def a_mask_that_has_to_be_there(x, layers, masks=None):
    h = x
    for weights, mask in zip(layers, masks, strict=True):
        h, _ = lstm(h * mask, *weights)
    return h, None


@slip("stacked_lstm_forward", None)
def no_mask_of_one_step(x, layers, masks=None):
    if masks is None:
        return layers_alone(x, layers)
    h = x
    for weights, mask in zip(layers, masks, strict=True):
        h = np.stack([h[:, t] * mask[:, t] for t in range(h.shape[1])], axis=1)
        h, _ = lstm(h, *weights)
    return h, None


@slip("stacked_lstm_forward", None)
def the_states_without_a_cache(x, layers, masks=None):
    return in_the_notebooks_way(x, layers, masks)[0]


def in_the_notebooks_way(x, layers, masks=None):
    """The right forward pass, whose cache the wrong backward passes take."""
    caches = []
    for k, weights in enumerate(layers):
        if masks is not None:
            x = x * masks[k]
        x, cache = lstm(x, *weights)
        caches.append(cache)
    return x, (caches, masks)


# stacked_lstm_backward ----------------------------------------------------------------------------


def backward_slip(quantity, mistake=None, forward=in_the_notebooks_way):
    return slip("stacked_lstm_backward", quantity, mistake, forward=forward)


def back_through(dh, cache):
    """One layer's dx and weights: this is right."""
    dx, _, _, *weights = lstm_backward(dh, np.zeros_like(dh[:, 0]), cache)
    return dx, tuple(weights)


LOW = ("dx", "grads[0] dWx")


@backward_slip("dx", "masks left out on the way back")
def masks_are_for_the_way_there(dh, cache):
    grads = []
    for layer in reversed(cache[0]):
        dh, weights = back_through(dh, layer)
        grads.insert(0, weights)
    return dh, grads


@backward_slip("dx", "mask of x left out on the way back")
def masked_before_each_layer_but_not_after_the_last(dh, cache):
    caches, masks = cache
    grads = [None] * len(caches)
    for k in range(len(caches) - 1, -1, -1):
        dh, grads[k] = back_through(dh, caches[k])
        if k > 0 and masks is not None:
            dh = dh * masks[k]
    return dh, grads


@backward_slip("dx", "masks between the layers left out on the way back")
def only_dx_is_masked(dh, cache):
    dx, grads = masks_are_for_the_way_there(dh, cache)
    return dx if cache[1] is None else dx * cache[1][0], grads


@backward_slip("dx", "a mask's scale left out on the way back")
def zero_where_it_was_cut_and_no_more(dh, cache):
    caches, masks = cache
    grads = []
    for k in range(len(caches) - 1, -1, -1):
        dh, weights = back_through(dh, caches[k])
        grads.insert(0, weights)
        if masks is not None:
            dh = np.where(masks[k] > 0, dh, np.zeros_like(dh))
    return dh, grads


@backward_slip("dx", "a mask applied twice on the way back")
def scale_taken_twice(dh, cache):
    caches, masks = cache
    grads = []
    for k in range(len(caches) - 1, -1, -1):
        dh, weights = back_through(dh, caches[k])
        grads.insert(0, weights)
        dh = dh if masks is None else dh * masks[k] ** 2
    return dh, grads


@backward_slip("dx", "the first step's mask at every step")
def only_the_first_step_of_a_mask_kept(dh, cache):
    caches, masks = cache
    grads = []
    for k in range(len(caches) - 1, -1, -1):
        dh, weights = back_through(dh, caches[k])
        grads.insert(0, weights)
        dh = dh if masks is None else dh * masks[k][:, [0]]
    return dh, grads


@backward_slip("grads[0] dWx", "gradients of the top layer first")
def appended_and_never_turned(dh, cache):
    caches, masks = cache
    grads = []
    for k in range(len(caches) - 1, -1, -1):
        dh, weights = back_through(dh, caches[k])
        grads.append(weights)
        dh = dh if masks is None else dh * masks[k]
    return dh, grads


def right(dh, cache):
    """The right gradients."""
    dx, grads = appended_and_never_turned(dh, cache)
    return dx, grads[::-1]


@backward_slip("dx", "only the last step's dh")
def as_if_only_the_last_state_were_used(dh, cache):
    last = np.zeros_like(dh)
    last[:, -1] = dh[:, -1]
    return right(last, cache)


@backward_slip("grads[0] dWx", "gradients averaged over the batch")
def divided_by_the_batch_once_more(dh, cache):
    dx, grads = right(dh, cache)
    return dx, [tuple(g / g.dtype.type(len(dh)) for g in layer) for layer in grads]


@backward_slip("grads[0] dWx", "gradients averaged over time")
def divided_by_the_steps(dh, cache):
    dx, grads = right(dh, cache)
    return dx, [tuple(g / g.dtype.type(dh.shape[1]) for g in layer) for layer in grads]


@backward_slip("grads[0] dWx", "sign of the gradients")
def the_direction_of_the_update(dh, cache):
    dx, grads = right(dh, cache)
    return dx, [tuple(-g for g in layer) for layer in grads]


@backward_slip("grads[0] dWx", "dWx and dWh of a layer exchanged")
def recurrent_weights_first(dh, cache):
    dx, grads = right(dh, cache)
    return dx, [(dWh, dWx, db) for dWx, dWh, db in grads]


@backward_slip("dx", "clipped on the way")
def kept_within_one(dh, cache):
    caches, masks = cache
    grads = []
    for k in range(len(caches) - 1, -1, -1):
        dh, weights = back_through(dh, caches[k])
        grads.insert(0, weights)
        dh = np.clip(dh if masks is None else dh * masks[k], -1, 1)
    return dh, grads


@backward_slip("cache", "cache changed in place")
def caches_popped(dh, cache):
    caches, masks = cache
    grads = []
    while caches:
        dh, weights = back_through(dh, caches.pop())
        grads.insert(0, weights)
        dh = dh if masks is None else dh * masks[len(caches)]
    return dh, grads


@backward_slip("dh", "argument changed in place")
def dh_scaled_in_place(dh, cache):
    result = right(dh, cache)
    dh *= 0
    return result


@backward_slip("grads")
def one_long_list(dh, cache):
    dx, grads = right(dh, cache)
    return dx, [g for layer in grads for g in layer]


@backward_slip("grads")
def the_top_layers_gradients_only(dh, cache):
    dx, grads = right(dh, cache)
    return dx, grads[-1:]


@backward_slip("grads")
def a_dict_for_each_layer(dh, cache):
    dx, grads = right(dh, cache)
    return dx, [dict(zip(("Wx", "Wh", "b"), layer, strict=True)) for layer in grads]


@backward_slip("dx", "returns nothing")
def no_return(dh, cache):
    right(dh, cache)


@backward_slip("dx", "kept and dropped exchanged on the way back")
def masked_where_it_was_kept(dh, cache):
    caches, masks = cache
    grads = []
    for k in range(len(caches) - 1, -1, -1):
        dh, weights = back_through(dh, caches[k])
        grads.insert(0, weights)
        dh = dh if masks is None else dh * (masks[k] == 0)
    return dh, grads


@backward_slip("dx", "the first row's mask for the whole batch")
def a_mask_without_its_rows(dh, cache):
    caches, masks = cache
    return right(dh, (caches, masks and [mask[0] for mask in masks]))


@backward_slip("dx", "wrong stacked_lstm_forward", forward=layers_alone)
def right_for_a_forward_pass_without_masks(dh, caches):
    return masks_are_for_the_way_there(dh, (caches, None))


# dropout_mask -------------------------------------------------------------------------------------


@slip("dropout_mask", "mask", "not scaled")
def zeros_and_ones(shape, rate, rng):
    return (rng.random(shape) >= rate).astype(float)


@slip("dropout_mask", "mask", "True and False")
def what_the_comparison_gives(shape, rate, rng):
    return rng.random(shape) > rate


@slip("dropout_mask", "mask", "rate taken for the share that is kept")
def kept_at_the_rate(shape, rate, rng):
    return (rng.random(shape) < rate) / rate if rate else np.zeros(shape)


@slip("dropout_mask", "mask", "rate taken for the share that is kept")
def the_comparison_turned(shape, rate, rng):
    return (rng.random(shape) < rate) / (1 - rate)


@slip("dropout_mask", "mask", "scaled by 1 / rate")
def divided_by_the_rate(shape, rate, rng):
    return (rng.random(shape) >= rate) / max(rate, 1e-9)


@slip("dropout_mask", "mask", "multiplied by 1 - rate")
def as_at_test_time(shape, rate, rng):
    return (rng.random(shape) >= rate) * (1 - rate)


@slip("dropout_mask", "mask", "multiplied by rate")
def multiplied_by_the_rate(shape, rate, rng):
    return (rng.random(shape) >= rate) * rate


@slip("dropout_mask", None, "state kept between calls")
def numpys_global_generator(shape, rate, rng):
    return (np.random.random(shape) >= rate) / (1 - rate)  # noqa: NPY002


@slip("dropout_mask", "mask", "rng ignored")
def a_generator_of_its_own(shape, rate, rng):
    return (np.random.default_rng(0).random(shape) >= rate) / (1 - rate)


@slip("dropout_mask", "mask", "nothing dropped")
def scale_alone(shape, rate, rng):
    return np.full(shape, 1 / (1 - rate))


@slip("dropout_mask", "mask", "nothing dropped")
def ones(shape, rate, rng):
    return np.ones(shape)


@slip("dropout_mask", "mask", "one decision for all of axis 0")
def one_row_for_all(shape, rate, rng):
    row = (rng.random(shape[1:]) >= rate) / (1 - rate)
    return np.broadcast_to(row, shape).copy() if len(shape) > 1 else scale_alone(shape, rate, rng)


@slip("dropout_mask", "mask", "one decision for all of axis 1")
def one_decision_a_row_at_all_steps(shape, rate, rng):
    return np.broadcast_to((rng.random((shape[0], 1, *shape[2:])) >= rate) / (1 - rate), shape)


@slip("dropout_mask", "mask", "several scales")
def gaussian_noise(shape, rate, rng):
    return np.maximum(1 + rng.standard_normal(shape), 0)


@slip("dropout_mask", "mask", "nothing cut off")
def the_random_numbers_themselves(shape, rate, rng):
    return rng.random(shape) / (1 - rate)


@slip("dropout_mask", "mask", "rate taken for the share that is kept")
def binomial_of_the_rate(shape, rate, rng):
    return rng.binomial(1, rate, shape) / (1 - rate)


@slip("dropout_mask", "mask", "returns nothing")
def nothing(shape, rate, rng):
    rng.random(shape)


# variational_mask ---------------------------------------------------------------------------------


def drawn(shape, rate, rng):
    return (rng.random(shape) >= rate) / (1 - rate)


@slip("variational_mask", "mask", "another mask at every step")
def an_ordinary_mask(N, T, size, rate, rng):
    return drawn((N, T, size), rate, rng)


@slip("variational_mask", "mask", "repeated for every step")
def repeated(N, T, size, rate, rng):
    return np.repeat(drawn((N, 1, size), rate, rng), T, axis=1)


@slip("variational_mask", "mask", "time axis left out")
def a_matrix(N, T, size, rate, rng):
    return drawn((N, size), rate, rng)


@slip("variational_mask", "mask", "one mask for the whole batch")
def one_for_the_batch(N, T, size, rate, rng):
    return drawn((1, 1, size), rate, rng)


@slip("variational_mask", "mask", "one mask for the whole batch")
def another_for_each_step_and_one_for_the_batch(N, T, size, rate, rng):
    return drawn((1, T, size), rate, rng)


@slip("variational_mask", "mask", "one decision for all of axis 0")
def one_row_repeated(N, T, size, rate, rng):
    return np.tile(drawn((1, 1, size), rate, rng), (N, 1, 1))


@slip("variational_mask", "mask", "one decision for all units")
def whole_steps_dropped(N, T, size, rate, rng):
    return drawn((N, T, 1), rate, rng)


@slip("variational_mask", "mask", "axes in another order")
def units_before_steps(N, T, size, rate, rng):
    return drawn((N, size, 1), rate, rng)


@slip("variational_mask", "mask", "not scaled")
def without_the_scale(N, T, size, rate, rng):
    return (rng.random((N, 1, size)) >= rate) * 1.0


@slip("variational_mask", "mask", "rate taken for the share that is kept")
def kept_in_place_of_dropped(N, T, size, rate, rng):
    return drawn((N, 1, size), 1 - rate, rng) if rate else np.zeros((N, 1, size))


@slip("variational_mask", "mask", "rng ignored")
def seeded_by_its_sizes(N, T, size, rate, rng):
    return drawn((N, 1, size), rate, np.random.default_rng(N + size))


@slip("variational_mask", "mask", "returns nothing")
def not_returned(N, T, size, rate, rng):
    drawn((N, 1, size), rate, rng)


# tied_softmax_loss --------------------------------------------------------------------------------


def pieces(h, E, by, targets):
    """Loss and dscores, which are right."""
    return softmax_loss(h @ E.T + by, targets)


def flat(d, h):
    return d.reshape(-1, d.shape[-1]), h.reshape(-1, h.shape[-1])


def share(d, h):
    """dE, which is right if d is."""
    d, h = flat(d, h)
    return d.T @ h


@slip("tied_softmax_loss", "loss", "mean over time as well as over the batch")
def the_mean_of_all_tokens(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    T = h.dtype.type(h.shape[1])
    d = d / T
    return loss / T, d @ E, share(d, h), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "loss", "sum over the batch")
def sums_throughout(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    N = h.dtype.type(len(h))
    d = d * N
    return loss * N, d @ E, share(d, h), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dh", "gradient not divided by N")
def probabilities_less_one_hot(h, E, by, targets):
    loss, _ = pieces(h, E, by, targets)
    d = (softmax(h @ E.T + by) - one_hot(targets, len(E))).astype(h.dtype)
    return loss, d @ E, share(d, h), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "loss", "by left out")
def no_bias(h, E, by, targets):
    loss, d = softmax_loss(h @ E.T, targets)
    return loss, d @ E, share(d, h), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "loss", "sign of the loss")
def a_negative_loss(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    return -loss, d @ E, share(d, h), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dh", "sign of the gradient")
def uphill(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    return loss, -d @ E, -share(d, h), -d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dh", "target not taken off")
def probabilities_alone(h, E, by, targets):
    loss, _ = pieces(h, E, by, targets)
    d = softmax(h @ E.T + by) / h.dtype.type(len(h))
    return loss, d @ E, share(d, h), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dE", "dE of the last step only")
def assigned_in_a_loop_over_time(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    for t in range(h.shape[1]):
        dE = d[:, t].T @ h[:, t]
    return loss, d @ E, dE, d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dE", "dE of the target rows only")
def only_rows_of_the_targets(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    dE = np.zeros_like(E)
    at_target = np.take_along_axis(d, targets[:, :, None], axis=2)
    np.add.at(dE, targets, at_target * h)
    return loss, d @ E, dE, d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dE", "dE transposed")
def as_for_an_untied_readout(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    return loss, d @ E, share(d, h).T.copy(), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dE", "dE averaged over time")
def a_mean_over_the_steps(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    return loss, d @ E, share(d, h) / h.dtype.type(h.shape[1]), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dby", "dby averaged over time")
def a_mean_for_the_bias(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    return loss, d @ E, share(d, h), d.mean(axis=1).sum(axis=0)


@slip("tied_softmax_loss", "dby", "dby of the last step only")
def the_bias_of_the_last_step(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    return loss, d @ E, share(d, h), d[:, -1].sum(axis=0)


@slip("tied_softmax_loss", "dby", "dby not summed over time")
def the_bias_once_for_every_step(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    return loss, d @ E, share(d, h), d.sum(axis=0)


@slip("tied_softmax_loss", "loss", "a step's loss counted by its predicted word")
def the_best_score_in_place_of_the_targets(h, E, by, targets):
    best = np.argmax(h @ E.T + by, axis=2)
    return the_right_order(h, E, by, best)


def the_right_order(h, E, by, targets):
    loss, d = pieces(h, E, by, targets)
    return loss, d @ E, share(d, h), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "dh", "dh and dE exchanged")
def the_embedding_gradient_before_the_states(h, E, by, targets):
    loss, dh, dE, dby = the_right_order(h, E, by, targets)
    return loss, dE, dh, dby


@slip("tied_softmax_loss", "E", "argument changed in place")
def the_gradient_added_to_E(h, E, by, targets):
    loss, dh, dE, dby = the_right_order(h, E, by, targets)
    E += dE
    return loss, dh, dE, dby


@slip("tied_softmax_loss", "loss")
def a_loss_without_gradients(h, E, by, targets):
    return pieces(h, E, by, targets)[0]


@slip("tied_softmax_loss", None)
def E_not_transposed(h, E, by, targets):
    loss, d = softmax_loss(h @ E + by, targets)
    return loss, d @ E.T, share(d, h), d.sum(axis=(0, 1))


@slip("tied_softmax_loss", "loss", "exp overflows")
def softmax_that_overflows(h, E, by, targets):
    with np.errstate(all="ignore"):
        e = np.exp(h @ E.T + by)
        p = e / e.sum(axis=2, keepdims=True)
        hot = one_hot(targets, len(E)).astype(h.dtype)
        loss = -np.log((p * hot).sum(axis=2)).sum() / len(h)
    d = (p - hot) / h.dtype.type(len(h))
    return loss, d @ E, share(d, h), d.sum(axis=(0, 1))


# perplexity ---------------------------------------------------------------------------------------

for what, mistake, function in (
    ("a power of two", "2 to the power of the loss", lambda loss_per_token: 2**loss_per_token),
    ("exp2", "2 to the power of the loss", lambda loss_per_token: np.exp2(loss_per_token)),
    ("a power of ten", "10 to the power of the loss", lambda loss_per_token: 10**loss_per_token),
    ("exp of minus it", "the probability of a word",
     lambda loss_per_token: np.exp(-loss_per_token)),
    ("one over exp", "the probability of a word",
     lambda loss_per_token: 1 / np.exp(loss_per_token)),
    ("bits", "the loss in bits", lambda loss_per_token: loss_per_token / np.log(2)),
    ("given back", "the loss itself", lambda loss_per_token: loss_per_token),
    ("expm1", "exp and 1 taken off", lambda loss_per_token: np.expm1(loss_per_token)),
    ("a second logarithm", "logarithm in place of exp",
     lambda loss_per_token: np.log(loss_per_token) if loss_per_token else 1.0),
    ("exp of the bits", "loss turned into bits before exp",
     lambda loss_per_token: np.exp(loss_per_token / np.log(2))),
    ("a whole number of words", "rounded", lambda loss_per_token: round(np.exp(loss_per_token))),
    ("printed, not returned", "returns nothing", lambda loss_per_token: None),
):  # fmt: skip
    slip("perplexity", "perplexity", mistake, what=what)(function)
