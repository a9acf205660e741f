"""Wrong answers to notebook 08."""

import numpy as np
from answers import Slips

from helpers.attention import attention_backward, attention_forward
from helpers.embedding import one_hot
from helpers.losses import log_softmax, softmax
from helpers.lstm import lstm_step_backward, lstm_step_forward, sigmoid

slip = Slips()


# temporal_softmax_loss ----------------------------------------------------------------------------


@slip("temporal_softmax_loss", "loss", "mask ignored")
def mask_forgotten(scores, targets, mask):
    N, T, V = scores.shape
    log_p = log_softmax(scores)
    loss = -np.take_along_axis(log_p, targets[:, :, None], axis=2).sum() / N
    return loss, (np.exp(log_p) - one_hot(targets, V)) / N


@slip("temporal_softmax_loss", "dscores", "mask not applied to the gradient")
def padding_gets_a_gradient(scores, targets, mask):
    N, T, V = scores.shape
    p = softmax(scores)
    loss = 0.0
    for n in range(N):
        for t in range(T):
            if mask[n, t]:
                loss -= log_softmax(scores[n, t])[targets[n, t]]
            p[n, t, targets[n, t]] -= 1
    return loss / N, p / N


@slip("temporal_softmax_loss", "loss", "divided by the number of words")
def mean_of_the_words_that_count(scores, targets, mask):
    log_p = log_softmax(scores)
    each = -np.take_along_axis(log_p, targets[:, :, None], axis=2)[:, :, 0]
    d = (np.exp(log_p) - one_hot(targets, scores.shape[2]))[mask] / mask.sum()
    dscores = np.zeros_like(scores)
    dscores[mask] = d
    return each[mask].mean(), dscores


@slip("temporal_softmax_loss", "loss", "every caption's mean over its words")
def mean_of_each_caption(scores, targets, mask):
    words = np.maximum(mask.sum(axis=1), 1)
    log_p = log_softmax(scores)
    each = -np.take_along_axis(log_p, targets[:, :, None], axis=2)[:, :, 0]
    loss = np.mean((each * mask).sum(axis=1) / words)
    d = (np.exp(log_p) - one_hot(targets, scores.shape[2])) * mask[:, :, None]
    return loss, d / words[:, None, None] / len(scores)


@slip("temporal_softmax_loss", "loss", "mean over time as well as over the batch")
def mean_of_the_masked_array(scores, targets, mask):
    log_p = log_softmax(scores)
    picked = log_p[np.arange(len(scores))[:, None], np.arange(scores.shape[1]), targets]
    d = (np.exp(log_p) - one_hot(targets, scores.shape[2])) * mask[..., None]
    return -(picked * mask).mean(), d / mask.size


@slip("temporal_softmax_loss", "dscores", "gradient not divided by N")
def gradient_of_the_sum(scores, targets, mask):
    log_p = log_softmax(scores)
    hot = one_hot(targets, scores.shape[2]) * mask[:, :, None]
    loss = -(hot * log_p).sum() / len(scores)
    return loss, np.exp(log_p) * mask[:, :, None] - hot


@slip("temporal_softmax_loss", "dscores", "mask applied before the 1 is subtracted")
def masked_before_the_target(scores, targets, mask):
    N, T, V = scores.shape
    rows = np.arange(N)[:, None], np.arange(T), targets
    loss = -(log_softmax(scores)[rows] * mask).sum() / N
    dscores = softmax(scores) * mask[:, :, None]
    dscores[rows] -= 1
    return loss, dscores / N


@slip("temporal_softmax_loss", "dscores", "1 subtracted from every class")
def one_from_all_of_them(scores, targets, mask):
    picked = np.take_along_axis(log_softmax(scores), targets[:, :, None], axis=2)[:, :, 0]
    loss = -(picked * mask).sum() / len(scores)
    return loss, (softmax(scores) - 1) * mask[:, :, None] / len(scores)


@slip("temporal_softmax_loss", "loss", "minus infinity in the padding")
def padding_at_minus_infinity(scores, targets, mask):
    scores = np.where(mask[:, :, None], scores, -np.inf)
    log_p = log_softmax(scores)
    picked = np.take_along_axis(log_p, targets[:, :, None], axis=2)[:, :, 0]
    d = (np.exp(log_p) - one_hot(targets, scores.shape[2])) * mask[:, :, None]
    return -(picked * mask).sum() / len(scores), d / len(scores)


@slip("temporal_softmax_loss", "loss", "0 times the logarithm of 0")
def nothing_times_minus_infinity(scores, targets, mask):
    p = softmax(scores)
    picked = np.take_along_axis(p, targets[:, :, None], axis=2)[:, :, 0]
    loss = -(np.log(picked) * mask).sum() / len(scores)
    return loss, (p - one_hot(targets, p.shape[2])) * mask[:, :, None] / len(scores)


@slip("temporal_softmax_loss", "loss", "logarithm of masked probabilities")
def masked_before_the_logarithm(scores, targets, mask):
    p = softmax(scores)
    picked = np.take_along_axis(p, targets[:, :, None], axis=2)[:, :, 0]
    loss = -np.sum(np.log(picked * mask) * mask) / len(scores)
    return loss, (p - one_hot(targets, p.shape[2])) * mask[:, :, None] / len(scores)


@slip("temporal_softmax_loss", "loss", "one shift for the whole array")
def one_maximum_for_all_steps(scores, targets, mask):
    e = np.exp(scores - np.max(scores))
    p = e / np.sum(e, axis=-1, keepdims=True)
    picked = np.take_along_axis(p, targets[:, :, None], axis=2)[:, :, 0]
    loss = -np.log(picked[mask]).sum() / len(scores)
    return loss, (p - one_hot(targets, p.shape[2])) * mask[:, :, None] / len(scores)


@slip("temporal_softmax_loss", "loss", "exp overflows")
def naive_softmax(scores, targets, mask):
    p = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    picked = np.take_along_axis(p, targets[:, :, None], axis=2)[:, :, 0]
    loss = -(np.log(picked) * mask).sum() / len(scores)
    return loss, (p - one_hot(targets, p.shape[2])) * mask[:, :, None] / len(scores)


@slip("temporal_softmax_loss", "loss")
def small_number_in_the_logarithm(scores, targets, mask):
    p = softmax(scores)
    picked = np.take_along_axis(p, targets[:, :, None], axis=2)[:, :, 0]
    loss = -(np.log(picked + 1e-12) * mask).sum() / len(scores)
    return loss, (p - one_hot(targets, p.shape[2])) * mask[:, :, None] / len(scores)


@slip("temporal_softmax_loss", "loss", "only the mask's lengths used")
def lengths_for_a_mask(scores, targets, mask):
    N, T, V = scores.shape
    loss, dscores = 0.0, np.zeros_like(scores)
    for n, length in enumerate(mask.sum(axis=1)):
        log_p = log_softmax(scores[n, :length])
        steps = np.arange(length)
        loss -= log_p[steps, targets[n, :length]].sum() / N
        dscores[n, :length] = np.exp(log_p) / N
        dscores[n, steps, targets[n, :length]] -= 1 / N
    return loss, dscores


@slip("temporal_softmax_loss", "loss", "softmax over the whole array")
def softmax_without_an_axis(scores, targets, mask):
    e = np.exp(scores - np.max(scores))
    p = e / np.sum(e)
    picked = np.take_along_axis(p, targets[:, :, None], axis=2)[:, :, 0]
    d = (p - one_hot(targets, p.shape[2])) * mask[:, :, None] / len(p)
    return -np.sum(np.log(picked) * mask) / len(p), d


@slip("temporal_softmax_loss", "loss", "sign of the loss")
def log_likelihood(scores, targets, mask):
    log_p = log_softmax(scores)
    hot = one_hot(targets, scores.shape[2])
    loss = np.einsum("ntv,ntv,nt->", log_p, hot, mask) / len(scores)
    return loss, (np.exp(log_p) - hot) * mask[..., None] / len(scores)


@slip("temporal_softmax_loss", "scores", "argument changed in place")
def scores_shifted_where_they_are(scores, targets, mask):
    scores -= scores.max(axis=2, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))
    hot = one_hot(targets, scores.shape[2]) * mask[:, :, None]
    return -(hot * log_p).sum() / len(hot), (np.exp(log_p) * mask[:, :, None] - hot) / len(hot)


@slip("temporal_softmax_loss", "targets", "argument changed in place")
def padding_overwritten(scores, targets, mask):
    targets[~mask] = 0
    log_p = log_softmax(scores)
    hot = one_hot(targets, scores.shape[2]) * mask[:, :, None]
    return -(hot * log_p).sum() / len(hot), (np.exp(log_p) * mask[:, :, None] - hot) / len(hot)


@slip("temporal_softmax_loss", "loss")
def loss_of_every_caption(scores, targets, mask):
    log_p = log_softmax(scores)
    hot = one_hot(targets, scores.shape[2]) * mask[:, :, None]
    loss = -(hot * log_p).sum(axis=(1, 2))
    return loss, (np.exp(log_p) * mask[:, :, None] - hot) / len(hot)


# image_rnn_step_forward ---------------------------------------------------------------------------


@slip("image_rnn_step_forward", "h", "image ignored")
def image_for_a_zero_state_only(x, h_prev, v, Wx, Wh, Wih, b):
    a = x @ Wx + h_prev @ Wh + b
    if not h_prev.any():  # the first word
        a = a + v @ Wih
    h = np.tanh(a)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", "h", "image added after the tanh")
def image_on_top(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    h += v @ Wih
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", "h", "tanh of the image's share on its own")
def squashed_one_by_one(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b) + np.tanh(v @ Wih)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", "h", "bias counted twice")
def bias_for_each_of_two_sums(x, h_prev, v, Wx, Wh, Wih, b):
    word, image = x @ Wx + h_prev @ Wh + b, v @ Wih + b
    h = np.tanh(word + image)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", "h", "first image for every row")
def one_image_for_all(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + v[0] @ Wih + b)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", "h", "Wh transposed")
def state_as_a_column(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.tanh(x @ Wx + (Wh @ h_prev.T).T + v @ Wih + b)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", "h", "sigmoid in place of tanh")
def squashed_by_a_sigmoid(x, h_prev, v, Wx, Wh, Wih, b):
    h = sigmoid(x @ Wx + h_prev @ Wh + v @ Wih + b)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", "h_prev", "argument changed in place")
def sum_collected_in_the_state(x, h_prev, v, Wx, Wh, Wih, b):
    h_prev[:] = np.tanh(x @ Wx + h_prev @ Wh + v @ Wih + b)
    return h_prev, (x, v, Wx, Wh, Wih)


@slip("image_rnn_step_forward", "h", "float64 in place of float32")
def buffer_of_zeros(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.zeros(h_prev.shape)
    for n in range(len(x)):
        h[n] = np.tanh(x[n] @ Wx + h_prev[n] @ Wh + v[n] @ Wih + b)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", None)
def weights_exchanged(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.tanh(x @ Wih + h_prev @ Wh + v @ Wx + b)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


@slip("image_rnn_step_forward", None)
def without_a_cache(x, h_prev, v, Wx, Wh, Wih, b):
    return np.tanh(x @ Wx + h_prev @ Wh + v @ Wih + b)


# image_rnn_step_backward --------------------------------------------------------------------------


@slip("image_rnn_step_backward", "dx", "tanh derivative left out")
def straight_through(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    weights = x.T @ dh, h_prev.T @ dh, v.T @ dh, dh.sum(axis=0)
    return dh @ Wx.T, dh @ Wh.T, dh @ Wih.T, *weights


@slip("image_rnn_step_backward", "dx", "1 - h in place of 1 - h²")
def slope_not_squared(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    da = dh * (1 - h)
    weights = x.T @ da, h_prev.T @ da, v.T @ da, da.sum(axis=0)
    return da @ Wx.T, da @ Wh.T, da @ Wih.T, *weights


@slip("image_rnn_step_backward", "dx", "slope at h_prev in place of h")
def slope_of_the_old_state(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    da = dh * (1 - h_prev**2)
    weights = x.T @ da, h_prev.T @ da, v.T @ da, da.sum(axis=0)
    return da @ Wx.T, da @ Wh.T, da @ Wih.T, *weights


@slip("image_rnn_step_backward", "dv", "no gradient for the image")
def image_is_data(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    da = dh * (1 - h**2)
    weights = x.T @ da, h_prev.T @ da, v.T @ da, da.sum(axis=0)
    return da @ Wx.T, da @ Wh.T, np.zeros(v.shape), *weights


@slip("image_rnn_step_backward", "dv", "tanh derivative left out")
def image_past_the_tanh(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    da = dh * (1 - h**2)
    weights = x.T @ da, h_prev.T @ da, v.T @ dh, da.sum(axis=0)
    return da @ Wx.T, da @ Wh.T, dh @ Wih.T, *weights


@slip("image_rnn_step_backward", "dh_prev", "Wh not transposed in dh_prev")
def matrix_as_it_is(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    da = dh * (1 - h**2)
    dx, dh_prev, dv = da @ Wx.T, da @ Wh, da @ Wih.T
    return dx, dh_prev, dv, x.T @ da, h_prev.T @ da, v.T @ da, da.sum(axis=0)


@slip("image_rnn_step_backward", "dWx", "mean over the batch in the weights' gradients")
def divided_by_the_batch(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    N = len(dh)
    da = dh * (1 - h**2)
    dWx, dWh, dWih, db = x.T @ da / N, h_prev.T @ da / N, v.T @ da / N, da.mean(axis=0)
    return da @ Wx.T, da @ Wh.T, da @ Wih.T, dWx, dWh, dWih, db


@slip("image_rnn_step_backward", "db", "db keeps the axis of the batch")
def db_with_keepdims(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    da = dh * (1 - h**2)
    db = np.sum(da, axis=0, keepdims=True)
    return da @ Wx.T, da @ Wh.T, da @ Wih.T, x.T @ da, h_prev.T @ da, v.T @ da, db


@slip("image_rnn_step_backward", "dh_prev", "dh_prev and dv exchanged")
def image_before_the_state(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    da = dh * (1 - h**2)
    weights = x.T @ da, h_prev.T @ da, v.T @ da, da.sum(axis=0)
    return da @ Wx.T, da @ Wih.T, da @ Wh.T, *weights


@slip("image_rnn_step_backward", "dh", "argument changed in place")
def slope_multiplied_in(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    dh *= 1 - h**2
    weights = x.T @ dh, h_prev.T @ dh, v.T @ dh, dh.sum(axis=0)
    return dh @ Wx.T, dh @ Wh.T, dh @ Wih.T, *weights


@slip("image_rnn_step_backward", "cache", "cache changed in place")
def squared_in_the_cache(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    h *= h
    da = dh * (1 - h)
    weights = x.T @ da, h_prev.T @ da, v.T @ da, da.sum(axis=0)
    return da @ Wx.T, da @ Wh.T, da @ Wih.T, *weights


@slip("image_rnn_step_backward", "dWx", "only the first row in the weights' gradients")
def right_for_one_row(dh, cache):
    x, h_prev, v, Wx, Wh, Wih, h = cache
    da = dh * (1 - h**2)
    weights = np.outer(x[0], da[0]), np.outer(h_prev[0], da[0]), np.outer(v[0], da[0])
    return da @ Wx.T, da @ Wh.T, da @ Wih.T, *weights, da.sum(axis=0)


# attention_forward --------------------------------------------------------------------------------


@slip("attention_forward", "context", "scores not scaled")
def plain_products(h, keys, values):
    weights = softmax(np.einsum("nh,nlh->nl", h, keys))
    return np.einsum("nl,nld->nd", weights, values), weights, (h, keys, values, weights)


@slip("attention_forward", "context", "scaled after the softmax")
def weights_scaled(h, keys, values):
    weights = softmax(np.einsum("nh,nlh->nl", h, keys)) / np.sqrt(h.shape[1])
    return np.einsum("nl,nld->nd", weights, values), weights, (h, keys, values, weights)


def scaled_by(size):
    """An `attention_forward` that divides by the root of another size."""

    def attention_forward(h, keys, values):
        weights = softmax(np.einsum("nh,nlh->nl", h, keys) / np.sqrt(size(h, keys, values)))
        return np.einsum("nl,nld->nd", weights, values), weights, (h, keys, values, weights)

    return attention_forward


for letter, size in {
    "N": lambda h, keys, values: h.shape[0],
    "L": lambda h, keys, values: keys.shape[1],
    "D": lambda h, keys, values: values.shape[2],
}.items():
    slip(
        "attention_forward", "context", f"divided by the root of {letter}", what=f"root of {letter}"
    )(scaled_by(size))


@slip("attention_forward", "context", "softmax over the batch")
def first_axis_normalised(h, keys, values):
    scores = (keys * h[:, None]).sum(axis=2) / np.sqrt(h.shape[1])
    e = np.exp(scores - scores.max(axis=0))
    weights = e / e.sum(axis=0)
    return (weights[:, :, None] * values).sum(axis=1), weights, None


@slip("attention_forward", "context", "softmax over the batch and the places")
def whole_array_normalised(h, keys, values):
    scores = (keys * h[:, None]).sum(axis=2) / np.sqrt(h.shape[1])
    e = np.exp(scores - scores.max())
    weights = e / e.sum()
    return (weights[:, :, None] * values).sum(axis=1), weights, None


@slip("attention_forward", ("context", "weights"), "exp overflows")
def exp_as_it_is(h, keys, values):
    e = np.exp((keys @ h[:, :, None])[:, :, 0] / np.sqrt(h.shape[1]))
    weights = e / e.sum(axis=1, keepdims=True)
    return (weights[:, None] @ values)[:, 0], weights, None


@slip("attention_forward", ("context", "weights"), "one shift for the whole batch")
def one_maximum_for_all(h, keys, values):
    scores = np.einsum("nh,nlh->nl", h, keys) / h.shape[1] ** 0.5
    e = np.exp(scores - np.max(scores))
    weights = e / e.sum(axis=1, keepdims=True)
    return np.einsum("nl,nld->nd", weights, values), weights, None


@slip("attention_forward", "context", "mean of the weighted values")
def averaged_twice(h, keys, values):
    weights = softmax(np.einsum("nh,nlh->nl", h, keys) / np.sqrt(h.shape[1]))
    return np.mean(weights[:, :, None] * values, axis=1), weights, None


@slip("attention_forward", "context", "first state asks for every row")
def asked_by_the_first_row(h, keys, values):
    weights = softmax(keys @ h[0] / np.sqrt(h.shape[1]))
    return np.einsum("nl,nld->nd", weights, values), weights, None


@slip("attention_forward", "context", "last place left out")
def one_place_short(h, keys, values):
    N, L, H = keys.shape
    context, weights = np.zeros_like(values[:, 0]), np.zeros_like(keys[:, :, 0])
    for n in range(N):
        weights[n] = softmax(keys[n] @ h[n] / np.sqrt(np.asarray(H, h.dtype)))
        for place in range(L - 1):
            context[n] += weights[n, place] * values[n, place]
    return context, weights, None


@slip("attention_forward", "values", "argument changed in place")
def values_weighted_where_they_are(h, keys, values):
    weights = softmax(np.einsum("nh,nlh->nl", h, keys) / np.sqrt(h.shape[1]))
    values *= weights[:, :, None]
    return values.sum(axis=1), weights, None


# attention_backward -------------------------------------------------------------------------------


@slip("attention_backward", "dh", "softmax not gone through")
def weights_taken_for_scores(dcontext, cache):
    h, keys, values, weights = cache
    dscores = np.einsum("nd,nld->nl", dcontext, values) / np.sqrt(h.shape[1])
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    dkeys = dscores[:, :, None] * h[:, None]
    return dh, dkeys, weights[:, :, None] * dcontext[:, None]


@slip("attention_backward", "dh", "diagonal of the softmax's Jacobian only")
def slope_as_of_a_sigmoid(dcontext, cache):
    h, keys, values, weights = cache
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dscores = dweights * weights * (1 - weights) / np.sqrt(h.shape[1])
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    dkeys = dscores[:, :, None] * h[:, None]
    return dh, dkeys, weights[:, :, None] * dcontext[:, None]


@slip("attention_backward", "dh", "share of the others added")
def jacobian_with_a_plus(dcontext, cache):
    h, keys, values, weights = cache
    dscores = np.zeros_like(weights)
    for n in range(len(h)):
        J = np.diag(weights[n]) + np.outer(weights[n], weights[n])
        dscores[n] = J @ (values[n] @ dcontext[n]) / np.sqrt(h.shape[1])
    dh = (dscores[:, None] @ keys)[:, 0]
    return dh, dscores[:, :, None] * h[:, None], weights[:, :, None] * dcontext[:, None]


@slip("attention_backward", "dh", "weighted sum over the whole batch")
def mean_without_an_axis(dcontext, cache):
    h, keys, values, weights = cache
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dscores = weights * (dweights - np.sum(weights * dweights)) / np.sqrt(h.shape[1])
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    return dh, dscores[:, :, None] * h[:, None], weights[:, :, None] * dcontext[:, None]


@slip("attention_backward", "dh", "scale left out")
def root_forgotten(dcontext, cache):
    h, keys, values, weights = cache
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dscores = weights * (dweights - (weights * dweights).sum(axis=1, keepdims=True))
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    return dh, dscores[:, :, None] * h[:, None], weights[:, :, None] * dcontext[:, None]


@slip("attention_backward", "dkeys", "scale left out")
def root_in_one_place_only(dcontext, cache):
    h, keys, values, weights = cache
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dscores = weights * (dweights - (weights * dweights).sum(axis=1, keepdims=True))
    dh = np.einsum("nl,nlh->nh", dscores, keys) / np.sqrt(h.shape[1])
    return dh, dscores[:, :, None] * h[:, None], weights[:, :, None] * dcontext[:, None]


@slip("attention_backward", "dvalues", "values not weighted in dvalues")
def context_copied_to_every_place(dcontext, cache):
    h, keys, values, weights = cache
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dscores = weights * (dweights - (weights * dweights).sum(axis=1, keepdims=True))
    dscores /= np.sqrt(h.shape[1])
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    dvalues = np.repeat(dcontext[:, None], values.shape[1], axis=1)
    return dh, dscores[:, :, None] * h[:, None], dvalues


@slip("attention_backward", "dvalues", "dscores in place of the weights in dvalues")
def values_by_the_scores_gradient(dcontext, cache):
    h, keys, values, weights = cache
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dscores = weights * (dweights - (weights * dweights).sum(axis=1, keepdims=True))
    dscores /= np.sqrt(h.shape[1])
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    dvalues = dscores[:, :, None] * dcontext[:, None]
    return dh, dscores[:, :, None] * h[:, None], dvalues


@slip("attention_backward", "dh", "only the first picture's softmax")
def one_jacobian_for_all(dcontext, cache):
    h, keys, values, weights = cache
    w = weights[0]
    J = np.diag(w) - np.outer(w, w)
    dscores = np.einsum("nd,nld->nl", dcontext, values) @ J / np.sqrt(h.shape[1])
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    return dh, dscores[:, :, None] * h[:, None], weights[:, :, None] * dcontext[:, None]


@slip("attention_backward", None)
def sum_without_keepdims(dcontext, cache):
    h, keys, values, weights = cache
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dscores = weights * (dweights - np.sum(weights * dweights, axis=1)) / np.sqrt(h.shape[1])
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    return dh, dscores[:, :, None] * h[:, None], weights[:, :, None] * dcontext[:, None]


@slip("attention_backward", "cache", "cache changed in place")
def weights_overwritten(dcontext, cache):
    h, keys, values, weights = cache
    dvalues = weights[:, :, None] * dcontext[:, None]
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dweights -= (weights * dweights).sum(axis=1, keepdims=True)
    weights *= dweights / np.sqrt(h.shape[1])
    return np.einsum("nl,nlh->nh", weights, keys), weights[:, :, None] * h[:, None], dvalues


def unscaled_look(h, keys, values):
    weights = softmax(np.einsum("nh,nlh->nl", h, keys))
    return np.einsum("nl,nld->nd", weights, values), weights, (h, keys, values, weights)


@slip("attention_backward", "dh", "wrong attention_forward", forward=unscaled_look)
def right_for_a_look_without_scale(dcontext, cache):
    h, keys, values, weights = cache
    dweights = np.einsum("nd,nld->nl", dcontext, values)
    dscores = weights * (dweights - (weights * dweights).sum(axis=1, keepdims=True))
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    return dh, dscores[:, :, None] * h[:, None], weights[:, :, None] * dcontext[:, None]


# attention_lstm_step_forward ----------------------------------------------------------------------


@slip("attention_lstm_step_forward", "h", "context left out of the gates")
def looked_in_vain(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, look = attention_forward(h_prev, keys, values)
    h, c, step = lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b)
    return h, c, weights, (look, step)


@slip("attention_lstm_step_forward", "h", "asks with the state after the word")
def looked_afterwards(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    asks, _, _ = lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b)
    context, weights, look = attention_forward(asks, keys, values)
    both, W = np.hstack([x, context]), np.vstack([Wx, Wz])
    h, c, step = lstm_step_forward(both, h_prev, c_prev, W, Wh, b)
    return h, c, weights, (look, step)


@slip("attention_lstm_step_forward", "h", "word and context stacked the other way round")
def stacked_the_other_way_round(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, look = attention_forward(h_prev, keys, values)
    both, W = np.hstack([context, x]), np.vstack([Wx, Wz])
    h, c, step = lstm_step_forward(both, h_prev, c_prev, W, Wh, b)
    return h, c, weights, (look, step, x.shape[1])


@slip("attention_lstm_step_forward", "h", "bias counted twice")
def bias_of_word_and_of_context(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, look = attention_forward(h_prev, keys, values)
    a = (x @ Wx + h_prev @ Wh + b) + (context @ Wz + b)
    i, f, o, g = np.split(a, 4, axis=1)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c, weights, look


@slip("attention_lstm_step_forward", "h", "gates in the order i, f, g, o")
def order_of_torch(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    H = h_prev.shape[1]
    context, weights, look = attention_forward(h_prev, keys, values)
    a = x @ Wx + h_prev @ Wh + context @ Wz + b
    i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 3 * H :])
    c = f * c_prev + i * np.tanh(a[:, 2 * H : 3 * H])
    return o * np.tanh(c), c, weights, look


@slip("attention_lstm_step_forward", "h", "mean of the values in place of a look")
def every_place_alike(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    _, weights, look = attention_forward(h_prev, keys, values)
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + values.mean(axis=1) @ Wz + b, 4, axis=1)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c, weights, look


@slip("attention_lstm_step_forward", "weights", "context in place of the weights")
def returns_the_context(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, look = attention_forward(h_prev, keys, values)
    both, W = np.concatenate([x, context], axis=1), np.concatenate([Wx, Wz])
    h, c, step = lstm_step_forward(both, h_prev, c_prev, W, Wh, b)
    return h, c, context, (look, step)


@slip("attention_lstm_step_forward", "h", "h and c exchanged")
def cell_before_the_state(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, look = attention_forward(h_prev, keys, values)
    both, W = np.concatenate([x, context], axis=1), np.concatenate([Wx, Wz])
    h, c, step = lstm_step_forward(both, h_prev, c_prev, W, Wh, b)
    return c, h, weights, (look, step)


@slip("attention_lstm_step_forward", "h", "sigmoid for the candidate")
def four_sigmoids(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, look = attention_forward(h_prev, keys, values)
    i, f, o, g = np.split(sigmoid(x @ Wx + h_prev @ Wh + context @ Wz + b), 4, axis=1)
    c = f * c_prev + i * g
    return o * np.tanh(c), c, weights, look


@slip("attention_lstm_step_forward", ("h", "c", "weights"), "exp overflows")
def look_that_overflows(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    e = np.exp(np.einsum("nh,nlh->nl", h_prev, keys) / np.sqrt(h_prev.shape[1]))
    weights = e / e.sum(axis=1, keepdims=True)
    context = np.einsum("nl,nld->nd", weights, values)
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + context @ Wz + b, 4, axis=1)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c, weights, None


@slip("attention_lstm_step_forward", "c_prev", "argument changed in place")
def cell_updated_where_it_is(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, look = attention_forward(h_prev, keys, values)
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + context @ Wz + b, 4, axis=1)
    c_prev *= sigmoid(f)
    c_prev += sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c_prev), c_prev, weights, look


# attention_lstm_step_backward ---------------------------------------------------------------------


def flat_forward(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    """A step with the gates in sight, and all that it met as its cache."""
    context, weights, look = attention_forward(h_prev, keys, values)
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + context @ Wz + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c, weights, (x, context, h_prev, c_prev, look, i, f, o, g, c, h, Wx, Wh, Wz)


back = "attention_lstm_step_backward"


@slip(back, "dh_prev", "look left out of dh_prev")
def state_reached_through_the_gates_only(dh, dc, cache):
    look, step, E = cache
    dboth, dh_prev, dc_prev, dW, dWh, db = lstm_step_backward(dh, dc, step)
    _, dkeys, dvalues = attention_backward(dboth[:, E:], look)
    return dboth[:, :E], dh_prev, dc_prev, dkeys, dvalues, dW[:E], dWh, dW[E:], db


@slip(back, "dh_prev", "gates left out of dh_prev")
def state_overwritten_by_the_look(dh, dc, cache):
    look, step, E = cache
    dboth, dh_prev, dc_prev, dW, dWh, db = lstm_step_backward(dh, dc, step)
    dh_prev, dkeys, dvalues = attention_backward(dboth[:, E:], look)
    return dboth[:, :E], dh_prev, dc_prev, dkeys, dvalues, dW[:E], dWh, dW[E:], db


@slip(back, "dx", "dc from outside ignored")
def cell_of_the_next_step_forgotten(dh, dc, cache):
    look, step, E = cache
    dboth, dh_prev, dc_prev, dW, dWh, db = lstm_step_backward(dh, np.zeros_like(dc), step)
    dh_look, dkeys, dvalues = attention_backward(dboth[:, E:], look)
    return dboth[:, :E], dh_prev + dh_look, dc_prev, dkeys, dvalues, dW[:E], dWh, dW[E:], db


@slip(back, "dx", "dx is that of word and context together")
def word_and_context_not_cut_apart(dh, dc, cache):
    look, step, E = cache
    dboth, dh_prev, dc_prev, dW, dWh, db = lstm_step_backward(dh, dc, step)
    dh_look, dkeys, dvalues = attention_backward(dboth[:, E:], look)
    return dboth, dh_prev + dh_look, dc_prev, dkeys, dvalues, dW[:E], dWh, dW[E:], db


@slip(back, "dh_prev", "dh_prev and dc_prev exchanged")
def cell_before_the_state_again(dh, dc, cache):
    look, step, E = cache
    dboth, dh_prev, dc_prev, dW, dWh, db = lstm_step_backward(dh, dc, step)
    dh_look, dkeys, dvalues = attention_backward(dboth[:, E:], look)
    return dboth[:, :E], dc_prev, dh_prev + dh_look, dkeys, dvalues, dW[:E], dWh, dW[E:], db


@slip(back, "dWx", "dWx and dWz exchanged")
def weights_cut_the_other_way_round(dh, dc, cache):
    look, step, E = cache
    dboth, dh_prev, dc_prev, dW, dWh, db = lstm_step_backward(dh, dc, step)
    dh_look, dkeys, dvalues = attention_backward(dboth[:, E:], look)
    return dboth[:, :E], dh_prev + dh_look, dc_prev, dkeys, dvalues, dW[E:], dWh, dW[:E], db


def by_hand(
    dh,
    dc,
    cache,
    slope=lambda dh, o, tanh_c: dh * o * (1 - tanh_c**2),
    slopes=(lambda s: s * (1 - s), lambda g: 1 - g**2),
    forgotten="c_prev",
    shown="tanh(c)",
    entered="h_prev",
    back_through_the_look=attention_backward,
    order=(0, 1, 2, 3),
):
    """The nine gradients from the cache of `flat_forward`, with room for a slip."""
    x, context, h_prev, c_prev, look, i, f, o, g, c, h, Wx, Wh, Wz = cache
    tanh_c = np.tanh(c)
    dc = dc + slope(dh, o, tanh_c)
    of_sigmoid, of_tanh = slopes
    gates = (
        dc * g * of_sigmoid(i),
        dc * (c_prev if forgotten == "c_prev" else c) * of_sigmoid(f),
        dh * (tanh_c if shown == "tanh(c)" else c) * of_sigmoid(o),
        dc * i * of_tanh(g),
    )
    da = np.hstack([gates[k] for k in order])
    dh_look, dkeys, dvalues = back_through_the_look(da @ Wz.T, look)
    inputs = da @ Wx.T, da @ Wh.T + dh_look, dc * f, dkeys, dvalues
    entered = h_prev if entered == "h_prev" else h
    return *inputs, x.T @ da, entered.T @ da, context.T @ da, da.sum(axis=0)


@slip(back, "dx", "tanh' of c left out", forward=flat_forward)
def cell_shown_without_tanh(dh, dc, cache):
    return by_hand(dh, dc, cache, slope=lambda dh, o, tanh_c: dh * o)


@slip(back, "dx", "slopes of all gates left out", forward=flat_forward)
def gates_without_slopes(dh, dc, cache):
    return by_hand(dh, dc, cache, slopes=(np.ones_like, np.ones_like))


@slip(back, "dx", "c in place of c_prev at the forget gate", forward=flat_forward)
def new_cell_forgotten(dh, dc, cache):
    return by_hand(dh, dc, cache, forgotten="c")


@slip(back, "dx", "c in place of tanh of c at the output gate", forward=flat_forward)
def raw_cell_shown(dh, dc, cache):
    return by_hand(dh, dc, cache, shown="c")


@slip(back, "dx", "gates o and g swapped", forward=flat_forward)
def gradient_in_the_order_of_torch(dh, dc, cache):
    return by_hand(dh, dc, cache, order=(0, 1, 3, 2))


@slip(back, "dh_prev", "softmax not gone through", forward=flat_forward)
def look_without_its_softmax(dh, dc, cache):
    def look_back(dcontext, look):
        h, keys, values, weights = look
        dscores = np.einsum("nd,nld->nl", dcontext, values) / h.shape[1] ** 0.5
        dh = np.einsum("nl,nlh->nh", dscores, keys)
        return dh, dscores[:, :, None] * h[:, None], weights[:, :, None] * dcontext[:, None]

    return by_hand(dh, dc, cache, back_through_the_look=look_back)


@slip(back, "dc", "argument changed in place", forward=flat_forward)
def cell_gradient_collected_in_place(dh, dc, cache):
    x, context, h_prev, c_prev, look, i, f, o, g, c, h, Wx, Wh, Wz = cache
    tanh_c = np.tanh(c)
    dc += dh * o * (1 - tanh_c**2)
    slopes = i * (1 - i), f * (1 - f), o * (1 - o), 1 - g**2
    da = np.hstack([dc * g, dc * c_prev, dh * tanh_c, dc * i]) * np.hstack(slopes)
    dh_look, dkeys, dvalues = attention_backward(da @ Wz.T, look)
    inputs = da @ Wx.T, da @ Wh.T + dh_look, dc * f, dkeys, dvalues
    return *inputs, x.T @ da, h_prev.T @ da, context.T @ da, da.sum(axis=0)


@slip(back, "dWx", "mean over the batch in the weights' gradients", forward=flat_forward)
def weights_averaged(dh, dc, cache):
    *inputs, dWx, dWh, dWz, db = by_hand(dh, dc, cache)
    N = len(dh)
    return *inputs, dWx / N, dWh / N, dWz / N, db / N


@slip(back, "dWh", "h in place of h_prev in dWh", forward=flat_forward)
def new_state_in_dWh(dh, dc, cache):
    return by_hand(dh, dc, cache, entered="h")


# greedy_caption -----------------------------------------------------------------------------------


@slip("greedy_caption", "caption", "state not carried on")
def every_step_the_first(step, start, end, max_length):
    token, caption = start, []
    while len(caption) < max_length:
        scores, _ = step(token, None)
        token = int(np.argmax(scores))
        if token == end:
            break
        caption.append(token)
    return caption


@slip("greedy_caption", "caption", "word not fed back")
def start_read_at_every_step(step, start, end, max_length):
    state, caption = None, []
    for _ in range(max_length):
        scores, state = step(start, state)
        word = int(np.argmax(scores))
        if word == end:
            return caption
        caption.append(word)
    return caption


@slip("greedy_caption", "caption", "END among the words")
def end_is_appended_first(step, start, end, max_length):
    token, state, caption = start, None, []
    while token != end and len(caption) < max_length:
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        caption.append(token)
    return caption


@slip("greedy_caption", "caption", "one word too few")
def last_token_taken_for_end(step, start, end, max_length):
    token, state, caption = start, None, []
    for _ in range(max_length):
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        caption.append(token)
        if token == end:
            break
    return caption[:-1]


@slip("greedy_caption", "caption", "START among the words")
def begins_with_start(step, start, end, max_length):
    state, caption = None, [start]
    for _ in range(max_length):
        scores, state = step(caption[-1], state)
        word = int(np.argmax(scores))
        if word == end:
            break
        caption.append(word)
    return caption


@slip("greedy_caption", "caption", "one word too few")
def start_counted_as_a_word(step, start, end, max_length):
    state, words = None, [start]
    while len(words) < max_length:
        scores, state = step(words[-1], state)
        word = int(np.argmax(scores))
        if word == end:
            break
        words.append(word)
    return words[1:]


@slip("greedy_caption", "caption", "one word too many")
def tested_too_late(step, start, end, max_length):
    token, state, caption = start, None, []
    while True:
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        if token == end or len(caption) > max_length:
            return caption
        caption.append(token)


@slip("greedy_caption", "caption", "max_length ignored")
def until_end_comes(step, start, end, max_length):
    token, state, caption = start, None, []
    while token != end and len(caption) < 100:
        scores, state = step(token, state)
        token = int(scores.argmax())
        caption += [token]
    return [word for word in caption if word != end]


@slip("greedy_caption", "caption", "END passed over")
def end_left_out_but_not_obeyed(step, start, end, max_length):
    token, state, caption = start, None, []
    for _ in range(max_length):
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        if token != end:
            caption.append(token)
    return caption


@slip("greedy_caption", "caption", "a word that was said before ends it")
def never_twice(step, start, end, max_length):
    token, state, caption = start, None, []
    while len(caption) < max_length:
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        if token == end or token in caption:
            break
        caption.append(token)
    return caption


@slip("greedy_caption", "caption", "exp overflows")
def likeliest_by_a_naive_softmax(step, start, end, max_length):
    token, state, caption = start, None, []
    while len(caption) < max_length:
        scores, state = step(token, state)
        probabilities = np.exp(scores) / np.sum(np.exp(scores))
        token = int(np.argmax(probabilities))
        if token == end:
            break
        caption.append(token)
    return caption


@slip("greedy_caption", None, "state kept between calls")
def words_as_a_default(step, start, end, max_length, caption=[]):  # noqa: B006
    token, state = start, None
    for _ in range(max_length):
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        if token == end:
            break
        caption.append(token)
    return caption


@slip("greedy_caption", None)
def zero_as_the_first_state(step, start, end, max_length):
    token, state, caption = start, 0, []
    for _ in range(max_length):
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        if token == end:
            break
        caption.append(token)
    return caption


@slip("greedy_caption", "caption")
def caption_of_the_visible_seed(step, start, end, max_length):
    return [4, 3, 5, 1][:max_length]


@slip("greedy_caption", "state", "state changed")
def state_damped(step, start, end, max_length):
    token, state, caption = start, None, []
    for _ in range(max_length):
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        if token == end:
            break
        caption.append(token)
        for array in state if isinstance(state, tuple) else [state]:
            if isinstance(array, np.ndarray):
                array *= 0.9999999
    return caption


# beam_caption -------------------------------------------------------------------------------------


def beam_search(step, start, end, max_length, width, gain=log_softmax, rank=None, best=None):
    """A beam of (total, words, last token, state), with room for a slip."""
    rank = rank or (lambda beam: beam[0])
    beams = [(0.0, [], start, None)]
    for _ in range(max_length):
        candidates = []
        for total, words, token, state in beams:
            if token == end:
                candidates.append((total, words, token, state))
                continue
            scores, after = step(token, state)
            for word, more in enumerate(gain(scores)):
                said = words if word == end else [*words, word]
                candidates.append((total + more, said, word, after))
        beams = sorted(candidates, key=rank, reverse=True)[:width]
    return max(beams, key=best or rank)[1]


@slip("beam_caption", "caption", "scores added in place of log probabilities")
def raw_scores(step, start, end, max_length, width):
    return beam_search(step, start, end, max_length, width, gain=lambda scores: scores)


@slip("beam_caption", "caption", "probabilities added")
def sum_of_probabilities(step, start, end, max_length, width):
    return beam_search(step, start, end, max_length, width, gain=softmax)


@slip("beam_caption", "caption", "mean over the words")
def mean_log_probability(step, start, end, max_length, width):
    def mean(beam):
        return beam[0] / max(len(beam[1]) + (beam[2] == end), 1)

    return beam_search(step, start, end, max_length, width, rank=mean)


@slip("beam_caption", "caption", "mean over the words when the best is chosen")
def mean_at_the_end(step, start, end, max_length, width):
    def mean(beam):
        return beam[0] / max(len(beam[1]), 1)

    return beam_search(step, start, end, max_length, width, best=mean)


def longer_is_better(power):
    def beam_caption(step, start, end, max_length, width):
        def rank(beam):
            return beam[0] / max(len(beam[1]), 1) ** power

        return beam_search(step, start, end, max_length, width, rank=rank)

    return beam_caption


for power in (0.1, 0.7):
    slip("beam_caption", "caption", "long captions favoured", what=f"length to the power {power}")(
        longer_is_better(power)
    )


def with_bonus(end_bonus=0.0, word_bonus=0.0):
    """A beam search with a bonus that a student thought would help."""

    def beam_caption(step, start, end, max_length, width):
        def gain(scores):
            more = log_softmax(scores) + word_bonus
            more[end] += end_bonus - word_bonus
            return more

        return beam_search(step, start, end, max_length, width, gain=gain)

    return beam_caption


for bonus, of_end, of_words in (
    (0.02, "short captions favoured", "long captions favoured"),
    (-0.3, "long captions favoured", "short captions favoured"),
):
    slip("beam_caption", "caption", of_end, what=f"{bonus} for END")(with_bonus(bonus))
    slip("beam_caption", "caption", of_words, what=f"{bonus} a word")(with_bonus(0.0, bonus))


def at_temperature(temperature):
    def beam_caption(step, start, end, max_length, width):
        def gain(scores):
            return log_softmax(scores / temperature)

        return beam_search(step, start, end, max_length, width, gain=gain)

    return beam_caption


for temperature, favoured in ((0.95, "long"), (1.5, "short")):
    name = f"{favoured} captions favoured"
    slip("beam_caption", "caption", name, what=f"temperature {temperature}")(
        at_temperature(temperature)
    )


@slip("beam_caption", "caption", "one caption kept for each last word")
def one_beam_a_last_word(step, start, end, max_length, width):
    beams = {start: (0.0, [], None)}
    for _ in range(max_length):
        grown = {}
        for token, (total, words, state) in beams.items():
            if token == end:
                if end not in grown or grown[end][0] < total:
                    grown[end] = total, words, state
                continue
            scores, after = step(token, state)
            for word, more in enumerate(log_softmax(scores)):
                if word not in grown or grown[word][0] < total + more:
                    grown[word] = total + more, words if word == end else [*words, word], after
        beams = dict(sorted(grown.items(), key=lambda item: -item[1][0])[:width])
    return max(beams.values(), key=lambda beam: beam[0])[1] if beams else []


@slip("beam_caption", "caption", "one state for all beams")
def last_state_for_all(step, start, end, max_length, width):
    beams, state = [(0.0, [], start)], None
    for _ in range(max_length):
        candidates, after = [], None
        for total, words, token in beams:
            if token == end:
                candidates.append((total, words, token))
                continue
            scores, new = step(token, state)
            after = new if after is None else after
            for word, more in enumerate(log_softmax(scores)):
                said = words if word == end else [*words, word]
                candidates.append((total + more, said, word))
        beams, state = sorted(candidates, key=lambda b: -b[0])[:width], after
    return beams[0][1]


@slip("beam_caption", "caption", "every caption continued by its best word only")
def width_greedy_captions(step, start, end, max_length, width):
    scores, state = step(start, None)
    log_p = log_softmax(scores)
    finished = []
    for first in np.argsort(-log_p)[:width]:
        total, words, token, after = log_p[first], [], int(first), state
        while token != end and len(words) < max_length:
            words.append(token)
            if len(words) == max_length:
                break
            scores, after = step(token, after)
            gains = log_softmax(scores)
            token = int(np.argmax(gains))
            total += gains[token]
        finished.append((total, words))
    return max(finished)[1] if max_length else []


@slip("beam_caption", "caption", "greedy whatever the width")
def width_copies_of_start(step, start, end, max_length, width):
    beams = [(0.0, [], start, None)] * width
    for _ in range(max_length):
        candidates = []
        for total, words, token, state in beams:
            if token == end:
                candidates.append((total, words, token, state))
                continue
            scores, after = step(token, state)
            for word, more in enumerate(log_softmax(scores)):
                said = words if word == end else [*words, word]
                candidates.append((total + more, said, word, after))
        beams = sorted(candidates, key=lambda beam: -beam[0])[:width]
    return beams[0][1]


@slip("beam_caption", "caption", "continued after END")
def end_like_any_other_word(step, start, end, max_length, width):
    beams = [(0.0, [], start, None)]
    for _ in range(max_length):
        candidates = []
        for total, words, token, state in beams:
            scores, after = step(token, state)
            for word, more in enumerate(log_softmax(scores)):
                candidates.append((total + more, [*words, word], word, after))
        beams = sorted(candidates, key=lambda beam: -beam[0])[:width]
    words = beams[0][1]
    return words[: words.index(end)] if end in words else words


@slip("beam_caption", "caption", "stops at the first END")
def first_end_wins(step, start, end, max_length, width):
    beams = [(0.0, [], start, None)]
    for _ in range(max_length):
        candidates = []
        for total, words, token, state in beams:
            scores, after = step(token, state)
            for word, more in enumerate(log_softmax(scores)):
                candidates.append((total + more, [*words, word], word, after))
        beams = sorted(candidates, key=lambda beam: -beam[0])[:width]
        over = [beam for beam in beams if beam[2] == end]
        if over:
            return beams[0][1] if beams[0][2] != end else over[0][1][:-1]
    return beams[0][1]


@slip("beam_caption", "caption", "unfinished captions thrown away")
def finished_only(step, start, end, max_length, width):
    beams, done = [(0.0, [], start, None)], []
    for _ in range(max_length):
        candidates = []
        for total, words, token, state in beams:
            scores, after = step(token, state)
            for word, more in enumerate(log_softmax(scores)):
                if word == end:
                    done.append((total + more, words))
                else:
                    candidates.append((total + more, [*words, word], word, after))
        beams = sorted(candidates, key=lambda beam: -beam[0])[:width]
    return max(done or beams, key=lambda beam: beam[0])[1]


@slip("beam_caption", "caption", "no END at the last step")
def no_end_at_the_last_step(step, start, end, max_length, width):
    beams, done = [(0.0, [], start, None)], []
    for t in range(max_length):
        grown = []
        for total, words, token, state in beams:
            scores, after = step(token, state)
            for word, more in enumerate(log_softmax(scores)):
                if word != end:
                    grown.append((total + more, [*words, word], word, after))
                elif t < max_length - 1:
                    done.append((total + more, words))
        beams = sorted(grown, key=lambda beam: -beam[0])[:width]
    return max(done + [beam[:2] for beam in beams], key=lambda beam: beam[0])[1]


@slip("beam_caption", "caption", "END's log probability left out")
def end_for_nothing(step, start, end, max_length, width):
    def gain(scores):
        log_p = log_softmax(scores)
        log_p[end] = 0
        return log_p

    return beam_search(step, start, end, max_length, width, gain=gain)


def width_of(change):
    def beam_caption(step, start, end, max_length, width):
        return beam_search(step, start, end, max_length, change(width))

    return beam_caption


slip("beam_caption", "caption", "greedy whatever the width", what="width 1")(width_of(lambda w: 1))
slip("beam_caption", "caption", what="width 3")(width_of(lambda w: 3))
for extra, mistake in ((1, "one place too many in the beam"), (7, "beam not cut to its width")):
    slip("beam_caption", "caption", mistake, what=f"{extra} more")(
        width_of(lambda w, n=extra: w + n)
    )
slip("beam_caption", "caption", "one place too few in the beam", what="one less")(
    width_of(lambda w: max(w - 1, 1))
)
slip("beam_caption", "caption", what="never more than 3")(width_of(lambda w: min(w, 3)))


@slip("beam_caption", "caption", "END among the words")
def end_kept(step, start, end, max_length, width):
    beams = [(0.0, [start], None)]
    for _ in range(max_length):
        candidates = [beam for beam in beams if beam[1][-1] == end]
        for total, words, state in beams:
            if words[-1] != end:
                scores, after = step(words[-1], state)
                gains = log_softmax(scores)
                candidates += [(total + g, [*words, w], after) for w, g in enumerate(gains)]
        beams = sorted(candidates, key=lambda beam: -beam[0])[:width]
    return beams[0][1][1:]


@slip("beam_caption", "caption", "exp overflows")
def naive_log_probabilities(step, start, end, max_length, width):
    def gain(scores):
        return np.log(np.exp(scores) / np.sum(np.exp(scores)))

    return beam_search(step, start, end, max_length, width, gain=gain)


@slip("beam_caption", None)
def whole_caption_as_token(step, start, end, max_length, width):
    beams = [(0.0, [start], None)]
    for _ in range(max_length):
        candidates = []
        for total, words, state in beams:
            scores, after = step(words, state)
            gains = log_softmax(scores)
            candidates += [(total + g, [*words, w], after) for w, g in enumerate(gains)]
        beams = sorted(candidates, key=lambda beam: -beam[0])[:width]
    return [word for word in beams[0][1][1:] if word != end]
