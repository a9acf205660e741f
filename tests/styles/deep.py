"""Right answers to notebook 09 in other styles."""

import functools
import math

import numpy as np
from answers import Styles

import helpers
from helpers import (
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    softmax,
    softmax_loss,
)

style = Styles()


# stacked_lstm_forward -----------------------------------------------------------------------------


@style("stacked_lstm_forward")
def step_by_step_through_all_layers(x, layers, masks=None):
    N, T, _ = x.shape
    states = [np.zeros((2, N, len(Wh)), dtype=x.dtype) for _, Wh, _ in layers]
    top = []
    for t in range(T):
        h = x[:, t]
        for k, (Wx, Wh, b) in enumerate(layers):
            if masks is not None:
                h = h * masks[k][:, t if masks[k].shape[1] > 1 else 0]
            h, c, _ = lstm_step_forward(h, *states[k], Wx, Wh, b)
            states[k] = h, c
        top.append(h)
    return np.stack(top, axis=1), None


@style("stacked_lstm_forward")
def recursively_from_the_top(x, layers, masks=None):
    if not layers:
        return x, []
    below, caches = recursively_from_the_top(x, layers[:-1], masks and masks[:-1])
    if masks:
        below = masks[-1] * below
    zeros = np.zeros_like(below[:, 0, :1] @ layers[-1][1][:1])[:, : len(layers[-1][1])]
    zeros = np.zeros((len(x), layers[-1][1].shape[0]), zeros.dtype)
    h, _, cache = lstm_forward(below, zeros, zeros, *layers[-1])
    return h, [*caches, cache]


@style("stacked_lstm_forward")
def a_fold_with_masks_of_ones(x, layers, masks=None, train=True):
    ones = [np.ones((1, 1, 1), x.dtype)] * len(layers)

    def layer(h, both):
        (Wx, Wh, b), mask = both
        h0, c0 = np.zeros((2, h.shape[0], Wh.shape[0]), h.dtype)
        return lstm_forward(np.multiply(h, mask), h0, c0, Wx, Wh, b)[0]

    masks = ones if masks is None else masks
    return functools.reduce(layer, zip(layers, masks, strict=True), x), {"train": train}


# stacked_lstm_backward ----------------------------------------------------------------------------


def forward_to_a_list_of_pairs(x, layers, masks=None):
    pairs = []
    for k, (Wx, Wh, b) in enumerate(layers):
        mask = None if masks is None else masks[k]
        x = x if mask is None else x * mask
        zeros = np.zeros((len(x), len(Wh)), x.dtype)
        x, _, cache = lstm_forward(x, zeros, zeros, Wx, Wh, b)
        pairs.append((cache, mask))
    return x, pairs


@style("stacked_lstm_backward", forward=forward_to_a_list_of_pairs)
def over_the_pairs_from_behind(dh, pairs):
    grads = []
    for cache, mask in pairs[::-1]:
        dh, _, _, dWx, dWh, db = lstm_backward(dh, np.zeros_like(dh[:, -1]), cache)
        grads = [(dWx, dWh, db), *grads]
        if mask is not None:
            dh = mask * dh
    return [dh, tuple(grads)]


def forward_to_closures(x, layers, masks=None):
    backs = []
    for k, (Wx, Wh, b) in enumerate(layers):
        mask = masks[k] if masks is not None else np.ones((1, 1, 1), x.dtype)
        zeros = np.zeros((len(x), len(Wh)), x.dtype)
        x, _, cache = lstm_forward(x * mask, zeros, zeros, Wx, Wh, b)

        def back(dh, cache=cache, mask=mask):
            dx, _, _, *weights = lstm_backward(dh, 0 * dh[:, 0], cache)
            return dx * mask, weights

        backs.append(back)
    return x, tuple(backs)


@style("stacked_lstm_backward", forward=forward_to_closures)
def a_closure_for_each_layer(dh, backs):
    grads = {}
    for k in range(len(backs) - 1, -1, -1):
        dh, grads[k] = backs[k](dh)
    return dh, [grads[k] for k in sorted(grads)]


def forward_by_steps(x, layers, masks=None):
    N, T, _ = x.shape
    steps, seen = [], x
    for k, (Wx, Wh, b) in enumerate(layers):
        seen = seen if masks is None else seen * masks[k]
        h = c = np.zeros((N, len(Wh)), x.dtype)
        states, caches = [], []
        for t in range(T):
            h, c, cache = lstm_step_forward(seen[:, t], h, c, Wx, Wh, b)
            states.append(h)
            caches.append(cache)
        steps.append(caches)
        seen = np.stack(states, axis=1)
    return seen, {"steps": steps, "masks": masks}


@style("stacked_lstm_backward", forward=forward_by_steps)
def a_loop_over_steps_within_one_over_layers(dh, cache):
    grads = []
    for k in reversed(range(len(cache["steps"]))):
        dh_next = dc_next = np.zeros_like(dh[:, 0])
        back, total = [], []
        for t in reversed(range(dh.shape[1])):
            one = lstm_step_backward(dh[:, t] + dh_next, dc_next, cache["steps"][k][t])
            dx, dh_next, dc_next, *weights = one
            total = [*map(np.add, total, weights)] if total else weights
            back.insert(0, dx)
        dh = np.stack(back, axis=1)
        if cache["masks"] is not None:
            dh = dh * cache["masks"][k]
        grads.insert(0, total)
    return dh, grads


# dropout_mask -------------------------------------------------------------------------------------


@style("dropout_mask")
def a_choice_of_two(shape, rate, rng):
    return rng.choice([0.0, 1 / (1 - rate)], size=shape, p=[rate, 1 - rate])


@style("dropout_mask")
def binomial(shape, rate, rng):
    return rng.binomial(1, 1 - rate, size=shape) / (1 - rate)


@style("dropout_mask")
def where_a_number_is_small(shape, rate, rng):
    keep = 1.0 - rate
    return np.where(rng.uniform(size=shape) < keep, 1.0 / keep, 0.0)


@style("dropout_mask")
def place_by_place(shape, rate, rng):
    mask = np.empty(shape)
    for place in np.ndindex(*shape):
        mask[place] = 0 if rng.random() < rate else 1 / (1 - rate)
    return mask


@style("dropout_mask")
def in_single_precision(shape, rate, rng):
    return ((rng.random(shape, dtype=np.float32) > rate) / np.float32(1 - rate)).astype(np.float32)


# variational_mask ---------------------------------------------------------------------------------


@style("variational_mask")
def by_the_other_exercise(N, T, size, rate, rng):
    return helpers.dropout_mask((N, 1, size), rate, rng)


@style("variational_mask")
def an_axis_put_in(N, T, size, rate, rng):
    return (rng.binomial(1, 1 - rate, (N, size)) / (1 - rate))[:, np.newaxis]


@style("variational_mask")
def the_first_step_of_a_whole_mask(N, T, size, rate, rng):
    return helpers.dropout_mask((N, T, size), rate, rng)[:, :1]


# tied_softmax_loss --------------------------------------------------------------------------------


@style("tied_softmax_loss")
def einsum_throughout(h, E, by, targets):
    loss, d = softmax_loss(np.einsum("nth,vh->ntv", h, E) + by, targets)
    dh, dE = np.einsum("ntv,vh->nth", d, E), np.einsum("ntv,nth->vh", d, h)
    return [loss, dh, dE, np.einsum("ntv->v", d)]


@style("tied_softmax_loss")
def step_by_step(h, E, by, targets):
    N, T, _ = h.shape
    loss, dh, dE, dby = 0.0, np.empty_like(h), np.zeros_like(E), np.zeros_like(by)
    for t in range(T):
        scores = h[:, t] @ E.T + by
        scores -= scores.max(axis=1, keepdims=True)
        log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        loss -= log_p[np.arange(N), targets[:, t]].sum() / N
        d = np.exp(log_p)
        d[np.arange(N), targets[:, t]] -= 1
        d /= N
        dh[:, t] = d @ E
        dE += d.T @ h[:, t]
        dby += d.sum(axis=0)
    return loss, dh, dE, dby


@style("tied_softmax_loss")
def one_matrix_with_the_bias_in_it(h, E, by, targets):
    N, T, H = h.shape
    W = np.column_stack([E, by])
    rows = np.concatenate([h, np.ones_like(h[:, :, :1])], axis=2).reshape(N * T, H + 1)
    scores = (rows @ W.T).reshape(N, T, -1)
    d = softmax(scores)
    d[np.arange(N)[:, None], np.arange(T), targets] -= 1
    d = (d / N).reshape(N * T, -1)
    both = d.T @ rows
    loss = softmax_loss(scores, targets)[0]
    return loss, (d @ E).reshape(h.shape), both[:, :-1], both[:, -1]


# perplexity ---------------------------------------------------------------------------------------


@style("perplexity")
def maths_exp(loss_per_token):
    return math.exp(loss_per_token)


@style("perplexity")
def a_power_of_e(loss_per_token):
    return np.e**loss_per_token


@style("perplexity")
def by_way_of_bits(loss_per_token):
    return 2 ** (loss_per_token / np.log(2))
