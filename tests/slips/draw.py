"""Wrong answers to notebook 12."""

import numpy as np
from answers import Slips

from helpers.draw import STATE
from helpers.losses import softmax
from helpers.lstm import (
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    sigmoid,
)
from helpers.rnn import rnn_forward

slip = Slips()


# read_rows ----------------------------------------------------------------------------------------


@slip("read_rows", "rows", "columns in place of rows")
def transposed(images):
    return images.reshape(-1, 8, 8).transpose(0, 2, 1)


@slip("read_rows", "rows", "columns in place of rows")
def every_eighth_pixel(images):
    return np.stack([images[:, k::8] for k in range(8)], axis=1)


@slip("read_rows", "rows", "columns in place of rows")
def fortran_order(images):
    return np.array([image.reshape(8, 8, order="F") for image in images])


@slip("read_rows", "rows", "bottom row first")
def from_below(images):
    return images.reshape(-1, 8, 8)[:, ::-1, :]


@slip("read_rows", "rows", "rows from right to left")
def mirrored(images):
    return np.flip(images.reshape(-1, 8, 8), axis=2)


@slip("read_rows", "rows", "images upside down")
def pixels_reversed(images):
    return images[:, ::-1].reshape(-1, 8, 8)


@slip("read_rows", "rows", "time as the first axis")
def step_by_step(images):
    return np.stack([images[:, 8 * t : 8 * t + 8] for t in range(8)])


@slip("read_rows", "rows", "images mixed up")
def reshaped_to_time_first_and_swapped(images):
    return images.reshape(8, -1, 8).swapaxes(0, 1)


@slip("read_rows", "rows", "images mixed up")
def reshaped_and_transposed(images):
    return np.transpose(np.reshape(images, (8, len(images), 8)), (1, 0, 2))


@slip("read_rows", "rows", "pixel by pixel")
def one_pixel_a_step(images):
    return images.reshape(len(images), 64, 1)


@slip("read_rows", "rows", "a single step")
def with_a_time_axis(images):
    return images.reshape(-1, 1, 64)


@slip("read_rows", "rows")
def only_the_first_image(images):
    return images[0].reshape(8, 8)


@slip("read_rows", "rows")
def list_of_images(images):
    return [image.reshape(8, 8) for image in images]


# classify -----------------------------------------------------------------------------------------


def read(images, params, x=None):
    """All states and the last cell of the right reading."""
    x = images.reshape(-1, 8, 8) if x is None else x
    start = np.zeros((len(x), len(params["Wh"])), x.dtype)
    h, c, _ = lstm_forward(x, start, start, params["Wx"], params["Wh"], params["b"])
    return h, c


def scores_of(h, params):
    return h @ params["Wy"] + params["by"]


@slip("classify", "scores", "the first state read out")
def first_state(images, params):
    return scores_of(read(images, params)[0][:, 0], params)


@slip("classify", "scores", "the state before the last read out")
def seventh_state(images, params):
    return scores_of(read(images, params)[0][:, 6], params)


@slip("classify", "scores", "mean of the states read out")
def pooled(images, params):
    return scores_of(read(images, params)[0].mean(axis=1), params)


@slip("classify", "scores", "sum of the states read out")
def all_states_added(images, params):
    h, _ = read(images, params)
    return sum(h[:, t] for t in range(8)) @ params["Wy"] + params["by"]


@slip("classify", "scores", "scores at every step")
def every_step(images, params):
    return scores_of(read(images, params)[0], params)


@slip("classify", "scores", "cell read out")
def second_of_three(images, params):
    return scores_of(read(images, params)[1], params)


@slip("classify", "scores", "only the last row read")
def states_made_anew(images, params):
    for row in images.reshape(-1, 8, 8).swapaxes(0, 1):
        h = c = np.zeros((len(row), len(params["Wh"])), row.dtype)
        h, c, _ = lstm_step_forward(row, h, c, params["Wx"], params["Wh"], params["b"])
    return scores_of(h, params)


@slip("classify", "scores", "columns in place of rows")
def columns_read(images, params):
    x = np.ascontiguousarray(images.reshape(-1, 8, 8).swapaxes(1, 2))
    return scores_of(read(images, params, x)[0][:, -1], params)


@slip("classify", "scores", "bottom row first")
def read_upwards(images, params):
    h = c = np.zeros((len(images), len(params["Wh"])), images.dtype)
    for t in reversed(range(8)):
        row = images[:, 8 * t : 8 * t + 8]
        h, c, _ = lstm_step_forward(row, h, c, params["Wx"], params["Wh"], params["b"])
    return scores_of(h, params)


@slip("classify", "scores", "images mixed up")
def time_in_front(images, params):
    x = images.reshape(8, len(images), 8).swapaxes(0, 1)
    return scores_of(read(images, params, x)[0][:, -1], params)


@slip("classify", "scores", "bias of the readout left out")
def no_bias(images, params):
    return read(images, params)[0][:, -1] @ params["Wy"]


@slip("classify", "scores", "probabilities in place of scores")
def with_a_softmax(images, params):
    return softmax(scores_of(read(images, params)[0][:, -1], params))


@slip("classify", "scores", "labels in place of scores")
def the_likeliest(images, params):
    return np.argmax(scores_of(read(images, params)[0][:, -1], params), axis=1)


@slip("classify", "scores", "float64 in place of float32")
def start_of_float64(images, params):
    start = np.zeros((len(images), len(params["Wh"])))
    weights = params["Wx"], params["Wh"], params["b"]
    h, _, _ = lstm_forward(images.reshape(-1, 8, 8), start, start, *weights)
    return scores_of(h[:, -1], params)


@slip("classify", None)
def plain_rnn(images, params):
    start = np.zeros((len(images), len(params["Wh"])))
    h, _ = rnn_forward(images.reshape(-1, 8, 8), start, params["Wx"], params["Wh"], params["b"])
    return scores_of(h[:, -1], params)


# bernoulli_loss -----------------------------------------------------------------------------------


def cost(a, x):
    return np.maximum(a, 0) - x * a + np.log1p(np.exp(-np.abs(a)))


@slip("bernoulli_loss", "loss", "sum over the batch")
def summed(canvas, images):
    return cost(canvas, images).sum(), sigmoid(canvas) - images


@slip("bernoulli_loss", "loss", "mean over the pixels as well")
def plain_mean(canvas, images):
    return cost(canvas, images).mean(), (sigmoid(canvas) - images) / canvas.size


@slip("bernoulli_loss", "loss", "divided by the number of pixels")
def second_axis(canvas, images):
    P = canvas.shape[1]
    return cost(canvas, images).sum() / P, (sigmoid(canvas) - images) / P


@slip("bernoulli_loss", "dcanvas", "gradient not divided by N")
def mean_forgotten_on_the_way_back(canvas, images):
    return cost(canvas, images).sum(axis=1).mean(), sigmoid(canvas) - images


@slip("bernoulli_loss", "dcanvas", "σ' once too often")
def chain_rule_twice(canvas, images):
    p = sigmoid(canvas)
    return cost(canvas, images).sum() / len(p), (p - images) * p * (1 - p) / len(p)


@slip("bernoulli_loss", "dcanvas", "gradient at the probability")
def stopped_at_the_probability(canvas, images):
    p = sigmoid(canvas)
    dp = -images / p + (1 - images) / (1 - p)
    return cost(canvas, images).sum() / len(p), dp / len(p)


@slip("bernoulli_loss", "dcanvas", "sign of the gradient")
def target_minus_prediction(canvas, images):
    N = len(canvas)
    return cost(canvas, images).sum() / N, (images - sigmoid(canvas)) / N


@slip("bernoulli_loss", "loss", "sign of the loss")
def log_likelihood(canvas, images):
    N = len(canvas)
    return -cost(canvas, images).sum() / N, (sigmoid(canvas) - images) / N


@slip("bernoulli_loss", "loss", "only the pixels that are on")
def as_in_a_softmax(canvas, images):
    N, p = len(canvas), sigmoid(canvas)
    return -(images * np.log(p)).sum() / N, (p - images) / N


@slip("bernoulli_loss", "loss", "on and off exchanged")
def ink_is_zero(canvas, images):
    N, p = len(canvas), sigmoid(canvas)
    loss = -((1 - images) * np.log(p) + images * np.log(1 - p)).sum() / N
    return loss, (p - (1 - images)) / N


@slip("bernoulli_loss", "loss", "squared error")
def least_squares(canvas, images):
    N, p = len(canvas), sigmoid(canvas)
    return ((p - images) ** 2).sum() / N, 2 * (p - images) * p * (1 - p) / N


@slip("bernoulli_loss", "loss", "exponential that overflows")
def log_of_one_plus_exp(canvas, images):
    N = len(canvas)
    loss = (np.log(1 + np.exp(canvas)) - images * canvas).sum() / N
    return loss, (sigmoid(canvas) - images) / N


@slip("bernoulli_loss", ("loss", "dcanvas"), "logarithm of 0")
def as_in_the_textbook(canvas, images):
    N, p = len(canvas), 1 / (1 + np.exp(-canvas))
    loss = -(images * np.log(p) + (1 - images) * np.log(1 - p)).sum() / N
    return loss, (p - images) / N


@slip("bernoulli_loss", "loss", "logarithm of 0")
def sigmoid_without_overflow_then_log(canvas, images):
    N, p = len(canvas), sigmoid(canvas)
    loss = -(images * np.log(p) + (1 - images) * np.log(1 - p)).sum() / N
    return loss, (p - images) / N


@slip("bernoulli_loss", "loss", "probabilities clipped at 1e-07")
def clipped_probabilities(canvas, images):
    N, p = len(canvas), sigmoid(canvas)
    q = np.clip(p, 1e-7, 1 - 1e-7)
    loss = -(images * np.log(q) + (1 - images) * np.log(1 - q)).sum() / N
    return loss, (p - images) / N


@slip("bernoulli_loss", "loss", "1e-08 inside the logarithms")
def padded_logarithms(canvas, images):
    N, p = len(canvas), sigmoid(canvas)
    loss = -(images * np.log(p + 1e-8) + (1 - images) * np.log(1 - p + 1e-8)).sum() / N
    return loss, (p - images) / N


@slip("bernoulli_loss", "loss")
def a_loss_an_image(canvas, images):
    return cost(canvas, images).sum(axis=1), (sigmoid(canvas) - images) / len(canvas)


@slip("bernoulli_loss", "images", "argument changed in place")
def images_made_the_gradient(canvas, images):
    loss = cost(canvas, images).sum() / len(canvas)
    images -= sigmoid(canvas)
    return loss, -images / len(canvas)


# latent_forward -----------------------------------------------------------------------------------


def kl_of(mu, log_sigma):
    return 0.5 * (mu**2 + np.exp(2 * log_sigma) - 1) - log_sigma


@slip("latent_forward", "z", "log σ taken for σ")
def width_as_it_came(mu, log_sigma, noise):
    return mu + log_sigma * noise, kl_of(mu, log_sigma).sum(axis=1), None


@slip("latent_forward", "z", "log σ taken for log σ²")
def log_variance(mu, log_sigma, noise):
    z = mu + np.exp(log_sigma / 2) * noise
    return z, 0.5 * (mu**2 + np.exp(log_sigma) - 1 - log_sigma).sum(axis=1), None


@slip("latent_forward", "kl", "log σ taken for log σ² in kl")
def divergence_of_a_log_variance(mu, log_sigma, noise):
    z = mu + np.exp(log_sigma) * noise
    return z, -0.5 * np.sum(1 + log_sigma - mu**2 - np.exp(log_sigma), axis=1), None


@slip("latent_forward", "z", "noise left out")
def the_mean_alone(mu, log_sigma, noise):
    return mu.copy(), kl_of(mu, log_sigma).sum(axis=1), None


@slip("latent_forward", "z", "noise not scaled by σ")
def unit_noise(mu, log_sigma, noise):
    return mu + noise, kl_of(mu, log_sigma).sum(axis=1), None


@slip("latent_forward", "z", "noise scaled by σ²")
def scaled_by_the_variance(mu, log_sigma, noise):
    return mu + np.exp(2 * log_sigma) * noise, kl_of(mu, log_sigma).sum(axis=1), None


@slip("latent_forward", None, "state kept between calls")
def own_noise(mu, log_sigma, noise):
    noise = np.random.default_rng().standard_normal(mu.shape)
    return mu + np.exp(log_sigma) * noise, kl_of(mu, log_sigma).sum(axis=1), None


@slip("latent_forward", "kl", "½ of the divergence left out")
def twice_the_divergence(mu, log_sigma, noise):
    sigma = np.exp(log_sigma)
    return mu + sigma * noise, (mu**2 + sigma**2 - 1 - 2 * log_sigma).sum(axis=1), None


@slip("latent_forward", "kl", "½ before the logarithm as well")
def bracket_too_far(mu, log_sigma, noise):
    sigma = np.exp(log_sigma)
    return mu + sigma * noise, 0.5 * (mu**2 + sigma**2 - 1 - log_sigma).sum(axis=1), None


@slip("latent_forward", "kl", "- 1 left out of the divergence")
def no_minus_one(mu, log_sigma, noise):
    sigma = np.exp(log_sigma)
    return mu + sigma * noise, (0.5 * (mu**2 + sigma**2) - log_sigma).sum(axis=1), None


@slip("latent_forward", "kl", "σ in place of σ² in the divergence")
def sigma_not_squared(mu, log_sigma, noise):
    sigma = np.exp(log_sigma)
    return mu + sigma * noise, (0.5 * (mu**2 + sigma - 1) - log_sigma).sum(axis=1), None


@slip("latent_forward", "kl", "sign of log σ")
def plus_log_sigma(mu, log_sigma, noise):
    sigma = np.exp(log_sigma)
    return mu + sigma * noise, (0.5 * (mu**2 + sigma**2 - 1) + log_sigma).sum(axis=1), None


@slip("latent_forward", "kl", "sign of the divergence")
def as_a_reward(mu, log_sigma, noise):
    return mu + np.exp(log_sigma) * noise, -kl_of(mu, log_sigma).sum(axis=1), None


@slip("latent_forward", "kl", "divergence the other way round")
def reverse_divergence(mu, log_sigma, noise):
    variance = np.exp(2 * log_sigma)
    kl = (log_sigma + (1 + mu**2) / (2 * variance) - 0.5).sum(axis=1)
    return mu + np.exp(log_sigma) * noise, kl, None


@slip("latent_forward", "kl", "divergence estimated from the draw")
def difference_of_log_densities(mu, log_sigma, noise):
    z = mu + np.exp(log_sigma) * noise
    log_q, log_p = -(noise**2) / 2 - log_sigma, -(z**2) / 2
    return z, (log_q - log_p).sum(axis=1), None


@slip("latent_forward", "kl", "mean over the latent numbers")
def averaged_divergence(mu, log_sigma, noise):
    return mu + np.exp(log_sigma) * noise, kl_of(mu, log_sigma).mean(axis=1), None


@slip("latent_forward", "kl", "sum over the batch")
def one_number(mu, log_sigma, noise):
    return mu + np.exp(log_sigma) * noise, kl_of(mu, log_sigma).sum(), None


@slip("latent_forward", "kl", "a kl for each latent number")
def not_summed(mu, log_sigma, noise):
    return mu + np.exp(log_sigma) * noise, kl_of(mu, log_sigma), None


@slip("latent_forward", "mu", "argument changed in place")
def added_to_the_mean(mu, log_sigma, noise):
    kl = kl_of(mu, log_sigma).sum(axis=1)
    mu += np.exp(log_sigma) * noise
    return mu, kl, None


@slip("latent_forward", "kl", "summed over the wrong axis")
def over_axis_0(mu, log_sigma, noise):
    return mu + np.exp(log_sigma) * noise, kl_of(mu, log_sigma).sum(axis=0), None


# latent_backward ----------------------------------------------------------------------------------


@slip("latent_backward", "dmu", "dkl left out")
def only_through_the_draw(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz.copy(), dz * sigma * noise


@slip("latent_backward", "dmu", "dz left out")
def only_through_the_divergence(dz, dkl, cache):
    mu, sigma, noise = cache
    return dkl[:, None] * mu, dkl[:, None] * (sigma**2 - 1)


@slip("latent_backward", "dmu", "dkl taken for 1")
def divergence_as_in_the_paper(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + mu, dz * sigma * noise + sigma**2 - 1


@slip("latent_backward", "dmu", "kl left out of dmu")
def mean_without_divergence(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz.copy(), dz * sigma * noise + dkl[:, None] * (sigma**2 - 1)


@slip("latent_backward", "dlog_sigma", "kl left out of dlog_sigma")
def width_without_divergence(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + dkl[:, None] * mu, dz * sigma * noise


@slip("latent_backward", "dlog_sigma", "dz left out of dlog_sigma")
def draw_is_a_constant_in_sigma(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + dkl[:, None] * mu, dkl[:, None] * (sigma**2 - 1)


@slip("latent_backward", "dlog_sigma", "noise left out of dlog_sigma")
def noise_forgotten(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + dkl[:, None] * mu, dz * sigma + dkl[:, None] * (sigma**2 - 1)


@slip("latent_backward", "dlog_sigma", "gradient with respect to σ")
def stopped_at_sigma(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + dkl[:, None] * mu, dz * noise + dkl[:, None] * (sigma - 1 / sigma)


@slip("latent_backward", "dlog_sigma", "gradient of z with respect to σ")
def half_stopped_at_sigma(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + dkl[:, None] * mu, dz * noise + dkl[:, None] * (sigma**2 - 1)


@slip("latent_backward", "dlog_sigma", "gradient of kl with respect to σ")
def divergence_stopped_at_sigma(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + dkl[:, None] * mu, dz * sigma * noise + dkl[:, None] * (sigma - 1 / sigma)


@slip("latent_backward", "dlog_sigma", "gradient with respect to log σ²")
def of_a_log_variance(dz, dkl, cache):
    mu, sigma, noise = cache
    dlog_variance = 0.5 * dz * sigma * noise + 0.5 * dkl[:, None] * (sigma**2 - 1)
    return dz + dkl[:, None] * mu, dlog_variance


@slip("latent_backward", "dlog_sigma", "- 1 left out")
def logarithm_has_no_slope(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + dkl[:, None] * mu, dz * sigma * noise + dkl[:, None] * sigma**2


@slip("latent_backward", "dmu", "slope of μ² for ½ μ²")
def two_mu(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + 2 * dkl[:, None] * mu, dz * sigma * noise + dkl[:, None] * (sigma**2 - 1)


@slip("latent_backward", "dmu", "sign of kl")
def divergence_subtracted(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz - dkl[:, None] * mu, dz * sigma * noise - dkl[:, None] * (sigma**2 - 1)


@slip("latent_backward", "dmu", "dmu and dlog_sigma exchanged")
def width_first(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz * sigma * noise + dkl[:, None] * (sigma**2 - 1), dz + dkl[:, None] * mu


@slip("latent_backward", None)
def row_for_column(dz, dkl, cache):
    mu, sigma, noise = cache
    return dz + dkl * mu, dz * sigma * noise + dkl * (sigma**2 - 1)


@slip("latent_backward", "dz", "argument changed in place")
def added_to_dz(dz, dkl, cache):
    mu, sigma, noise = cache
    dlog_sigma = dz * sigma * noise + dkl[:, None] * (sigma**2 - 1)
    dz += dkl[:, None] * mu
    return dz, dlog_sigma


# draw_step_forward --------------------------------------------------------------------------------


def three(params, name):
    return params[f"{name}_Wx"], params[f"{name}_Wh"], params[f"{name}_b"]


def step(x, state, noise, params, *, seen=None, order="mu first", noisy=True, start=None):
    """The right step, but for what is said; a new state, kl and h_dec."""
    if seen is None:
        seen = np.hstack([x, x - sigmoid(state["canvas"]), state["h_dec"]])
    h_enc, c_enc, _ = lstm_step_forward(seen, state["h_enc"], state["c_enc"], *three(params, "enc"))
    a = h_enc @ params["Wz"] + params["bz"]
    Z = noise.shape[1]
    mu, log_sigma = a[:, :Z], a[:, Z:]
    if order == "log sigma first":
        mu, log_sigma = log_sigma, mu
    if order == "in turn":
        mu, log_sigma = a[:, ::2], a[:, 1::2]
    z = mu + np.exp(log_sigma) * noise if noisy else mu
    h, c = start(h_enc, c_enc) if start else (state["h_dec"], state["c_dec"])
    h_dec, c_dec, _ = lstm_step_forward(z, h, c, *three(params, "dec"))
    canvas = state["canvas"] + h_dec @ params["Wc"] + params["bc"]
    new = {"canvas": canvas, "h_enc": h_enc, "c_enc": c_enc, "h_dec": h_dec, "c_dec": c_dec}
    return new, kl_of(mu, log_sigma).sum(axis=1), h_dec


CANVAS, ENCODED, DECODED = (f"state[{k!r}]" for k in ("canvas", "h_enc", "h_dec"))


@slip("draw_step_forward", CANVAS, "canvas painted over")
def a_new_canvas_every_time(x, state, noise, params):
    new, kl, h_dec = step(x, state, noise, params)
    return {**new, "canvas": h_dec @ params["Wc"] + params["bc"]}, kl, None


@slip("draw_step_forward", CANVAS, "canvas kept as it was")
def canvas_handed_on(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    return {**new, "canvas": state["canvas"].copy()}, kl, None


@slip("draw_step_forward", CANVAS, "written from the decoder's state before the step")
def old_state_writes(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    canvas = state["canvas"] + state["h_dec"] @ params["Wc"] + params["bc"]
    return {**new, "canvas": canvas}, kl, None


@slip("draw_step_forward", CANVAS, "written by the encoder")
def encoder_writes(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    canvas = state["canvas"] + new["h_enc"] @ params["Wc"] + params["bc"]
    return {**new, "canvas": canvas}, kl, None


@slip("draw_step_forward", CANVAS, "bc left out")
def no_bias_on_the_canvas(x, state, noise, params):
    new, kl, h_dec = step(x, state, noise, params)
    return {**new, "canvas": state["canvas"] + h_dec @ params["Wc"]}, kl, None


@slip("draw_step_forward", CANVAS, "σ of the canvas returned")
def a_picture_returned(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    return {**new, "canvas": sigmoid(new["canvas"])}, kl, None


@slip("draw_step_forward", CANVAS, "σ left out of the error image")
def scores_subtracted(x, state, noise, params):
    seen = np.hstack([x, x - state["canvas"], state["h_dec"]])
    return (*step(x, state, noise, params, seen=seen)[:2], None)


@slip("draw_step_forward", CANVAS, "sign of the error image")
def guess_minus_truth(x, state, noise, params):
    seen = np.hstack([x, sigmoid(state["canvas"]) - x, state["h_dec"]])
    return (*step(x, state, noise, params, seen=seen)[:2], None)


@slip("draw_step_forward", CANVAS, "the guess in place of the error image")
def guess_read(x, state, noise, params):
    seen = np.hstack([x, sigmoid(state["canvas"]), state["h_dec"]])
    return (*step(x, state, noise, params, seen=seen)[:2], None)


@slip("draw_step_forward", CANVAS, "canvas in place of the error image")
def canvas_read(x, state, noise, params):
    seen = np.hstack([x, state["canvas"], state["h_dec"]])
    return (*step(x, state, noise, params, seen=seen)[:2], None)


@slip("draw_step_forward", CANVAS, "the error image before x")
def error_first(x, state, noise, params):
    seen = np.hstack([x - sigmoid(state["canvas"]), x, state["h_dec"]])
    return (*step(x, state, noise, params, seen=seen)[:2], None)


@slip("draw_step_forward", CANVAS, "h_dec before the images")
def state_first(x, state, noise, params):
    seen = np.hstack([state["h_dec"], x, x - sigmoid(state["canvas"])])
    return (*step(x, state, noise, params, seen=seen)[:2], None)


@slip("draw_step_forward", CANVAS, "the encoder reads its own state")
def own_state_read(x, state, noise, params):
    seen = np.hstack([x, x - sigmoid(state["canvas"]), state["h_enc"]])
    return (*step(x, state, noise, params, seen=seen)[:2], None)


@slip("draw_step_forward", CANVAS, "μ and log σ exchanged")
def width_before_mean(x, state, noise, params):
    return (*step(x, state, noise, params, order="log sigma first")[:2], None)


@slip("draw_step_forward", CANVAS, "μ and log σ in alternate columns")
def columns_in_turn(x, state, noise, params):
    return (*step(x, state, noise, params, order="in turn")[:2], None)


@slip("draw_step_forward", CANVAS, "noise left out")
def no_chance(x, state, noise, params):
    return (*step(x, state, noise, params, noisy=False)[:2], None)


@slip("draw_step_forward", CANVAS, "bz left out")
def no_bias_on_the_mean(x, state, noise, params):
    without = {**params, "bz": np.zeros_like(params["bz"])}
    return (*step(x, state, noise, without)[:2], None)


@slip("draw_step_forward", CANVAS, "the decoder starts from the encoder's state")
def handed_over(x, state, noise, params):
    return (*step(x, state, noise, params, start=lambda h, c: (h, c))[:2], None)


@slip("draw_step_forward", ENCODED, "h_enc and c_enc exchanged")
def cell_first(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    return {**new, "h_enc": new["c_enc"], "c_enc": new["h_enc"]}, kl, None


@slip("draw_step_forward", ENCODED, "the encoder's state not renewed")
def only_the_decoder_renewed(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    return {**new, "h_enc": state["h_enc"] + 0, "c_enc": state["c_enc"] + 0}, kl, None


@slip("draw_step_forward", DECODED, "the decoder's state not renewed")
def only_the_encoder_renewed(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    return {**new, "h_dec": state["h_dec"] + 0, "c_dec": state["c_dec"] + 0}, kl, None


@slip("draw_step_forward", "kl", "kl summed over the batch")
def one_kl(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    return new, kl.sum(), None


@slip("draw_step_forward", "state", "argument changed in place")
def canvas_painted_in_place(x, state, noise, params):
    new, kl, h_dec = step(x, state, noise, params)
    state["canvas"] += h_dec @ params["Wc"] + params["bc"]
    return {**new, "canvas": state["canvas"]}, kl, None


@slip("draw_step_forward", "state", "argument changed in place")
def state_updated(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    state.update(new)
    return state, kl, None


@slip("draw_step_forward", ("state", "kl", None))
def state_as_a_tuple(x, state, noise, params):
    new, kl, _ = step(x, state, noise, params)
    return tuple(new.values()), kl, None


# draw_step_backward -------------------------------------------------------------------------------


def back(
    dstate,
    dkl,
    cache,
    *,
    arrives=lambda name, d: d,
    canvas=lambda d, error, guess: d - error * guess * (1 - guess),
    h_dec=lambda own, seen: own + seen,
    writing=lambda d, written: d + written,
    latents=lambda dmu, dlog_sigma: (dmu, dlog_sigma),
    dz_of=lambda dz: dz,
    columns=lambda P: slice(P, 2 * P),
):
    """The right one, but for what is said."""
    guess, h_enc, h, encoder, (mu, sigma, noise), decoder, params = cache
    P = guess.shape[1]
    d = {name: arrives(name, dstate[name]) for name in STATE}
    grads = {"Wc": h.T @ d["canvas"], "bc": d["canvas"].sum(axis=0)}
    dh = writing(d["h_dec"], d["canvas"] @ params["Wc"].T)
    dz, dh_dec, dc_dec, *dec = lstm_step_backward(dh, d["c_dec"], decoder)
    dz, k = dz_of(dz), dkl[:, None]
    pair = latents(dz + k * mu, dz * sigma * noise + k * (sigma**2 - 1))
    da = np.hstack(pair)
    grads |= {"Wz": h_enc.T @ da, "bz": da.sum(axis=0)}
    dh = d["h_enc"] + da @ params["Wz"].T
    dseen, dh_enc, dc_enc, *enc = lstm_step_backward(dh, d["c_enc"], encoder)
    for k, name in enumerate(("Wx", "Wh", "b")):
        grads[f"enc_{name}"], grads[f"dec_{name}"] = enc[k], dec[k]
    dcanvas = canvas(d["canvas"], dseen[:, columns(P)], guess)
    dh_dec = h_dec(dh_dec, dseen[:, 2 * P :])
    before = dcanvas, dh_enc, dc_enc, dh_dec, dc_dec
    return dict(zip(STATE, before, strict=True)), grads


def d(name):
    return f"dstate[{name!r}]"


@slip("draw_step_backward", d("canvas"), "the canvas' way through the error image left out")
def canvas_is_a_sum(dstate, dkl, cache):
    return back(dstate, dkl, cache, canvas=lambda d, error, guess: d)


@slip("draw_step_backward", d("canvas"), "the canvas' straight way left out")
def error_image_alone(dstate, dkl, cache):
    return back(dstate, dkl, cache, canvas=lambda d, error, guess: -error * guess * (1 - guess))


@slip("draw_step_backward", d("canvas"), "sign of the error image")
def minus_forgotten(dstate, dkl, cache):
    return back(dstate, dkl, cache, canvas=lambda d, e, guess: d + e * guess * (1 - guess))


@slip("draw_step_backward", d("canvas"), "σ' left out")
def straight_through_the_sigmoid(dstate, dkl, cache):
    return back(dstate, dkl, cache, canvas=lambda d, error, guess: d - error)


@slip("draw_step_backward", d("canvas"), "x's columns taken for the error image's")
def first_columns(dstate, dkl, cache):
    return back(dstate, dkl, cache, columns=lambda P: slice(0, P))


@slip("draw_step_backward", d("h_dec"), "the encoder's reading of h_dec left out")
def decoder_is_read_by_itself_only(dstate, dkl, cache):
    return back(dstate, dkl, cache, h_dec=lambda own, seen: own)


@slip("draw_step_backward", d("h_dec"), "the decoder's own use of h_dec left out")
def overwritten_by_the_encoder(dstate, dkl, cache):
    return back(dstate, dkl, cache, h_dec=lambda own, seen: seen)


@slip("draw_step_backward", d("canvas"), "canvas left out of dh_dec")
def nothing_written(dstate, dkl, cache):
    return back(dstate, dkl, cache, writing=lambda d, written: d)


@slip("draw_step_backward", d("canvas"), "what arrives at h_dec left out")
def only_what_was_written(dstate, dkl, cache):
    return back(dstate, dkl, cache, writing=lambda d, written: written)


@slip("draw_step_backward", d("canvas"), "what arrives at c_dec left out")
def decoder_cell_cut(dstate, dkl, cache):
    return back(dstate, dkl, cache, arrives=lambda name, d: 0 * d if name == "c_dec" else d)


@slip("draw_step_backward", d("canvas"), "what arrives at h_enc left out")
def encoder_state_cut(dstate, dkl, cache):
    return back(dstate, dkl, cache, arrives=lambda name, d: 0 * d if name == "h_enc" else d)


@slip("draw_step_backward", d("canvas"), "what arrives at c_enc left out")
def encoder_cell_cut(dstate, dkl, cache):
    return back(dstate, dkl, cache, arrives=lambda name, d: 0 * d if name == "c_enc" else d)


@slip("draw_step_backward", d("canvas"), "what arrives at the LSTMs left out")
def canvas_alone(dstate, dkl, cache):
    return back(dstate, dkl, cache, arrives=lambda name, d: d if name == "canvas" else 0 * d)


@slip("draw_step_backward", d("canvas"), "dkl left out")
def no_divergence(dstate, dkl, cache):
    return back(dstate, 0 * dkl, cache)


@slip("draw_step_backward", d("canvas"), "dkl taken for 1")
def divergence_for_each_image(dstate, dkl, cache):
    return back(dstate, np.ones_like(dkl), cache)


@slip("draw_step_backward", d("canvas"), "the draw taken for a constant")
def no_way_through_chance(dstate, dkl, cache):
    return back(dstate, dkl, cache, dz_of=lambda dz: 0 * dz)


@slip("draw_step_backward", d("canvas"), "log σ left out")
def widths_have_no_gradient(dstate, dkl, cache):
    return back(dstate, dkl, cache, latents=lambda dmu, dls: (dmu, np.zeros_like(dls)))


@slip("draw_step_backward", d("canvas"), "dmu and dlog_sigma exchanged")
def halves_exchanged(dstate, dkl, cache):
    return back(dstate, dkl, cache, latents=lambda dmu, dls: (dls, dmu))


@slip("draw_step_backward", "grads['enc_Wx']", "mean over the batch")
def weights_averaged(dstate, dkl, cache):
    before, grads = back(dstate, dkl, cache)
    return before, {name: g / len(dkl) for name, g in grads.items()}


@slip("draw_step_backward", "dstate", "argument changed in place")
def dstate_added_to(dstate, dkl, cache):
    before, grads = back(dstate, dkl, cache)
    dstate["h_dec"] += dstate["canvas"] @ cache[-1]["Wc"].T
    return before, grads


# draw_loss ----------------------------------------------------------------------------------------


def through(
    images,
    noise,
    params,
    *,
    kl_of_steps=lambda kls, N: sum(kl.sum() for kl in kls) / N,
    dkl=lambda N, t, T: 1 / N,
    pixels=lambda canvas, x: (cost(canvas, x).sum() / len(x), (sigmoid(canvas) - x) / len(x)),
    add=True,
    carried=STATE,
):
    """The right one, but for what is said: every step's cache is kept by the course's step."""
    from helpers.draw import draw_step_backward, draw_step_forward

    N, H = len(images), len(params["enc_Wh"])
    state = {name: np.zeros((N, H), images.dtype) for name in STATE}
    state["canvas"] = np.zeros_like(images)
    kls, caches = [], []
    for t in range(len(noise)):
        state, kl, cache = draw_step_forward(images, state, noise[t], params)
        kls.append(kl)
        caches.append(cache)
    loss, dcanvas = pixels(state["canvas"], images)
    dstate = {name: np.zeros_like(array) for name, array in state.items()}
    dstate["canvas"] = dcanvas
    grads = {name: np.zeros_like(array) for name, array in params.items()}
    for t in reversed(range(len(noise))):
        weights = np.full_like(kls[t], dkl(N, t, len(noise)))
        dstate, new = draw_step_backward(dstate, weights, caches[t])
        dstate = {name: a if name in carried else 0 * a for name, a in dstate.items()}
        for name in grads:
            grads[name] = grads[name] + new[name] if add else new[name]
    return loss + kl_of_steps(kls, N), grads


@slip("draw_loss", "loss", "kl left out")
def pixels_alone(images, noise, params):
    nothing = {"kl_of_steps": lambda kls, N: 0, "dkl": lambda N, t, T: 0}
    return through(images, noise, params, **nothing)


@slip("draw_loss", "grads['enc_Wx']", "kl left out of the gradients")
def divergence_in_the_loss_only(images, noise, params):
    return through(images, noise, params, dkl=lambda N, t, T: 0)


@slip("draw_loss", "loss", "kl left out of the loss")
def divergence_in_the_gradients_only(images, noise, params):
    return through(images, noise, params, kl_of_steps=lambda kls, N: 0)


@slip("draw_loss", "loss", "kl of the last step only")
def last_kl(images, noise, params):
    last = {
        "kl_of_steps": lambda kls, N: kls[-1].mean(),
        "dkl": lambda N, t, T: (t == T - 1) / N,
    }
    return through(images, noise, params, **last)


@slip("draw_loss", "loss", "mean of kl over the steps")
def kl_averaged(images, noise, params):
    mean = {"kl_of_steps": lambda kls, N: np.mean(kls), "dkl": lambda N, t, T: 1 / N / T}
    return through(images, noise, params, **mean)


@slip("draw_loss", "loss", "kl summed over the batch")
def kl_not_averaged(images, noise, params):
    total = {"kl_of_steps": lambda kls, N: np.sum(kls), "dkl": lambda N, t, T: 1}
    return through(images, noise, params, **total)


@slip("draw_loss", "grads['enc_Wx']", "gradient of kl not divided by N")
def ones_for_dkl(images, noise, params):
    return through(images, noise, params, dkl=lambda N, t, T: 1)


@slip("draw_loss", "loss", "pixels left out")
def only_the_divergence(images, noise, params):
    return through(images, noise, params, pixels=lambda canvas, x: (0, np.zeros_like(x)))


@slip("draw_loss", "loss", "mean over the pixels")
def pixels_averaged(images, noise, params):
    mean = lambda a, x: (cost(a, x).mean(), (sigmoid(a) - x) / x.size)  # noqa: E731
    return through(images, noise, params, pixels=mean)


@slip("draw_loss", "loss", "sum over the batch")
def nothing_averaged(images, noise, params):
    total = {
        "kl_of_steps": lambda kls, N: np.sum(kls),
        "dkl": lambda N, t, T: 1,
        "pixels": lambda a, x: (cost(a, x).sum(), sigmoid(a) - x),
    }
    return through(images, noise, params, **total)


@slip("draw_loss", "grads['enc_Wx']", "= for += over time")
def overwritten(images, noise, params):
    return through(images, noise, params, add=False)


@slip("draw_loss", "grads['enc_Wx']", "gradients not carried to the step before")
def nothing_carried(images, noise, params):
    return through(images, noise, params, carried=())


@slip("draw_loss", "grads['enc_Wx']", "only the canvas' gradient carried")
def canvas_carried(images, noise, params):
    return through(images, noise, params, carried=("canvas",))


@slip("draw_loss", "grads['enc_Wx']", "the canvas' gradient not carried")
def networks_carried(images, noise, params):
    return through(images, noise, params, carried=STATE[1:])


@slip("draw_loss", "grads['enc_Wx']", "gradients divided by N once more")
def averaged_twice(images, noise, params):
    loss, grads = through(images, noise, params)
    return loss, {name: g / len(images) for name, g in grads.items()}


@slip("draw_loss", "loss", "the first step's noise at every step")
def one_noise(images, noise, params):
    return through(images, np.repeat(noise[:1], len(noise), axis=0), params)


@slip("draw_loss", "loss", "noise in the reverse order")
def last_noise_first(images, noise, params):
    return through(images, noise[::-1], params)


@slip("draw_loss", None, "state kept between calls")
def noise_of_its_own(images, noise, params):
    return through(images, np.random.default_rng().standard_normal(noise.shape), params)


@slip("draw_loss", ("loss", "grads"))
def gradients_first(images, noise, params):
    loss, grads = through(images, noise, params)
    return grads, loss


@slip("draw_loss", ("grads", None))
def gradients_of_the_encoder_only(images, noise, params):
    loss, grads = through(images, noise, params)
    return loss, {name: g for name, g in grads.items() if name.startswith("enc")}
