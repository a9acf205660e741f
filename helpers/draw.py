"""Sequential processing of data that has no time axis: images read row by row, and drawn in steps.

The drawing network is DRAW (Gregor et al. 2015) without its windows of attention. One step is

    e = x - σ(canvas_{t-1})                              what is still wrong
    h_enc = LSTM_enc([x, e, h_dec_{t-1}], h_enc, c_enc)
    μ, log σ = h_enc Wz + bz
    z = μ + σ · noise                                    (Kingma and Welling 2014)
    h_dec = LSTM_dec(z, h_dec, c_dec)
    canvas_t = canvas_{t-1} + h_dec Wc + bc

and the last canvas holds a score for each pixel, which is on with the probability σ(score). The
loss is an upper bound on the surprise: what the pixels cost under the last canvas, and the
Kullback-Leibler divergence of every step's z from a standard normal.

Shapes: N images, P pixels, T steps, Z latent numbers a step, H hidden units of both LSTMs. A state
is a dict of `STATE`, parameters are a dict of `PARAMETERS`.
"""

import numpy as np

from helpers.lstm import (
    init_lstm,
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    sigmoid,
)
from helpers.rnn import readout, readout_backward
from helpers.validate import expect_array, expect_finite

ENCODER, DECODER = (tuple(f"{name}_{w}" for w in ("Wx", "Wh", "b")) for name in ("enc", "dec"))
PARAMETERS = (*ENCODER, "Wz", "bz", *DECODER, "Wc", "bc")
STATE = ("canvas", "h_enc", "c_enc", "h_dec", "c_dec")
CLASSIFIER = ("Wx", "Wh", "b", "Wy", "by")
SIDE = 8  # pixels of an image's side

# --- an image as a sequence -----------------------------------------------------------------------


def read_rows(images):
    """Images as sequences of their rows.

    Args:
        images: (N, 64) pixels, row after row.

    Returns:
        (N, T=8, D=8), the top row first.

    Raises:
        TypeError, ValueError: not an array of that shape.
    """
    expect_array("images", images, ("N", SIDE * SIDE))
    return images.reshape(-1, SIDE, SIDE)


def classify(images, params):
    """Scores of ten classes by an LSTM that reads an image row by row, from zero states.

    Args:
        images: (N, 64).
        params: dict of Wx (8, 4H), Wh (H, 4H), b (4H,), Wy (H, 10), by (10,).

    Returns:
        scores (N, 10), read out of the last state.

    Raises:
        TypeError, ValueError: an argument that does not fit the others.
    """
    return _classify(images, params)[0]


def _classify(images, params):
    """Scores (N, 10), the last states (N, H), and the LSTM's cache."""
    _expect_keys("params", params, CLASSIFIER)
    x = read_rows(images)
    start = np.zeros_like(params["Wh"], shape=(len(x), len(params["Wh"])))
    h, _, cache = lstm_forward(x, start, start, *(params[name] for name in CLASSIFIER[:3]))
    return readout(h[:, -1], params["Wy"], params["by"]), h, cache


def classify_backward(dscores, images, params):
    """Gradients of `classify`: dict of `CLASSIFIER`; only the last state was read out."""
    _, h, cache = _classify(images, params)
    dh = np.zeros_like(h)
    dh[:, -1], *readers = readout_backward(dscores, h[:, -1], params["Wy"])
    *_, dWx, dWh, db = lstm_backward(dh, np.zeros_like(h[:, -1]), cache)
    return dict(zip(CLASSIFIER, (dWx, dWh, db, *readers), strict=True))


def init_classifier(rng, *, H=64, classes=10, dtype=np.float32):
    """Random parameters of `classify`."""
    arrays = *init_lstm(SIDE, H, rng), rng.standard_normal((H, classes)) / np.sqrt(H)
    arrays = *arrays, np.zeros(classes)
    return {name: a.astype(dtype) for name, a in zip(CLASSIFIER, arrays, strict=True)}


# --- pixels ---------------------------------------------------------------------------------------


def bernoulli_loss(canvas, images):
    """What pixels cost that are on with the probability σ(canvas), and the gradient.

        loss = 1/N · Σ over n, p of log(1 + e^a) - x a,   a = canvas[n, p], x = images[n, p]

    Args:
        canvas: (N, P) scores.
        images: (N, P) pixels from 0 to 1.

    Returns:
        loss in nats, the mean over the batch of the sum over the pixels, and dcanvas (N, P).
    """
    expect_array("canvas", canvas, ("N", "P"))
    expect_array("images", images, canvas.shape, "that is the shape of canvas")
    expect_finite("canvas", canvas)
    above = np.where(canvas.real > 0, canvas, 0)
    costs = above - images * canvas + np.log1p(np.exp(canvas - 2 * above))  # (N, P)
    N = len(canvas)
    return costs.sum() / N, (sigmoid(canvas) - images) / N


# --- chance ---------------------------------------------------------------------------------------


def latent_forward(mu, log_sigma, noise):
    """A draw from a normal distribution as a function that has gradients, and what it costs.

        z = μ + σ · noise,   kl = ½ Σ (μ² + σ² - 1) - log σ

    (Kingma and Welling 2014: the reparameterisation, and appendix B.)

    Args:
        mu, log_sigma: (N, Z) the distribution.
        noise: (N, Z) drawn from a standard normal.

    Returns:
        z (N, Z); kl (N,), the divergence from a standard normal, in nats; a cache for
        `latent_backward`.
    """
    expect_array("mu", mu, ("N", "Z"))
    expect_array("log_sigma", log_sigma, mu.shape, "that is the shape of mu")
    expect_array("noise", noise, mu.shape, "that is the shape of mu")
    sigma = np.exp(log_sigma)
    kl = (0.5 * (mu * mu + sigma * sigma - 1) - log_sigma).sum(axis=1)  # (N,)
    return mu + sigma * noise, kl, (mu, sigma, noise)


def latent_backward(dz, dkl, cache):
    """Gradients of `latent_forward`.

    Args:
        dz: (N, Z).
        dkl: (N,).
        cache: what `latent_forward` returned.

    Returns:
        dmu, dlog_sigma (N, Z).
    """
    mu, sigma, noise = cache
    expect_array("dz", dz, mu.shape, "that is the shape of z")
    expect_array("dkl", dkl, mu.shape[:1], "there is one a row of z")
    dkl = dkl[:, None]
    return dz + dkl * mu, dz * sigma * noise + dkl * (sigma * sigma - 1)  # dσ/dlog σ = σ


# --- one step of drawing --------------------------------------------------------------------------


def draw_step_forward(x, state, noise, params):
    """One step: look at what is still wrong, say something about it, and add to the canvas.

    Args:
        x: (N, P) images.
        state: dict of canvas (N, P) and h_enc, c_enc, h_dec, c_dec (N, H).
        noise: (N, Z) drawn from a standard normal.
        params: dict of enc_Wx (2P+H, 4H), enc_Wh (H, 4H), enc_b (4H,), Wz (H, 2Z), bz (2Z,),
            dec_Wx (Z, 4H), dec_Wh (H, 4H), dec_b (4H,), Wc (H, P), bc (P,); Wz makes μ, then log σ;
            the encoder reads x, the error image, and the decoder's state, in this order.

    Returns:
        state, a new dict; kl (N,); a cache for `draw_step_backward`.

    Raises:
        TypeError, ValueError: an argument that does not fit the others; the message says which.
    """
    _expect_step(x, state, noise, params)
    guess = sigmoid(state["canvas"])  # (N, P)
    seen = np.concatenate([x, x - guess, state["h_dec"]], axis=1)  # (N, 2P+H)
    encoding, decoding = ([params[name] for name in names] for names in (ENCODER, DECODER))
    h_enc, c_enc, encoder = lstm_step_forward(seen, state["h_enc"], state["c_enc"], *encoding)
    mu, log_sigma = np.split(h_enc @ params["Wz"] + params["bz"], 2, axis=1)  # (N, Z) each
    z, kl, latent = latent_forward(mu, log_sigma, noise)
    h_dec, c_dec, decoder = lstm_step_forward(z, state["h_dec"], state["c_dec"], *decoding)
    canvas = state["canvas"] + h_dec @ params["Wc"] + params["bc"]
    new = dict(zip(STATE, (canvas, h_enc, c_enc, h_dec, c_dec), strict=True))
    return new, kl, (guess, h_enc, h_dec, encoder, latent, decoder, params)


def draw_step_backward(dstate, dkl, cache):
    """Gradients of one step; the images are data and get none.

    Args:
        dstate: dict of `STATE`, gradients arriving at the step's new state.
        dkl: (N,) arriving at kl.
        cache: what `draw_step_forward` returned.

    Returns:
        dstate of the state before the step, and grads, a dict of `PARAMETERS`.
    """
    guess, h_enc, h_dec, encoder, latent, decoder, params = cache
    _expect_keys("dstate", dstate, STATE)
    expect_array("dstate['canvas']", dstate["canvas"], guess.shape, "that is the canvas' shape")
    P, Wz, Wc = guess.shape[1], params["Wz"], params["Wc"]
    dh_dec, dWc, dbc = readout_backward(dstate["canvas"], h_dec, Wc)
    dz, dh_dec, dc_dec, *d_dec = lstm_step_backward(
        dstate["h_dec"] + dh_dec, dstate["c_dec"], decoder
    )
    da = np.concatenate(latent_backward(dz, dkl, latent), axis=1)  # (N, 2Z)
    dh_enc, dWz, dbz = readout_backward(da, h_enc, Wz)
    dseen, dh_enc, dc_enc, *d_enc = lstm_step_backward(
        dstate["h_enc"] + dh_enc, dstate["c_enc"], encoder
    )
    dh_dec = dh_dec + dseen[:, 2 * P :]  # the decoder's state went into both LSTMs
    derror = dseen[:, P : 2 * P]
    dcanvas = dstate["canvas"] - derror * guess * (1 - guess)  # and the canvas went two ways
    before = dict(zip(STATE, (dcanvas, dh_enc, dc_enc, dh_dec, dc_dec), strict=True))
    return before, dict(zip(PARAMETERS, (*d_enc, dWz, dbz, *d_dec, dWc, dbc), strict=True))


# --- the whole drawing ----------------------------------------------------------------------------


def blank(N, params):
    """The state before the first step: an empty canvas, zero everywhere."""
    widths = len(params["bc"]), *[len(params["enc_Wh"])] * 2, *[len(params["dec_Wh"])] * 2
    like = params["bc"]
    return {
        name: np.zeros_like(like, shape=(N, width))
        for name, width in zip(STATE, widths, strict=True)
    }


def draw_loss(images, noise, params):
    """The bound on the surprise, and its gradients.

    Args:
        images: (N, P) pixels from 0 to 1.
        noise: (T, N, Z) drawn from a standard normal, handed in so that the loss is a function.
        params: dict of `PARAMETERS`.

    Returns:
        loss in nats, the mean over the batch of what the pixels cost under the last canvas plus kl
        summed over all steps; and grads, a dict like params.
    """
    _expect_noise(noise, params)
    expect_array("images", images, (noise.shape[1], "P"), "noise is (T, N, Z)")
    state, total, caches, N = blank(len(images), params), 0, [], len(images)
    for step in noise:  # (N, Z)
        state, kl, cache = draw_step_forward(images, state, step, params)
        total = total + kl.sum() / N
        caches.append(cache)
    loss, dcanvas = bernoulli_loss(state["canvas"], images)
    dstate = {name: np.zeros_like(array) for name, array in state.items()} | {"canvas": dcanvas}
    dkl = np.full_like(kl, 1 / N)
    grads = {name: np.zeros_like(array) for name, array in params.items()}
    for cache in reversed(caches):
        dstate, new = draw_step_backward(dstate, dkl, cache)
        for name in grads:
            grads[name] = grads[name] + new[name]
    return loss + total, grads


def canvases(images, noise, params):
    """How images are drawn.

    Args:
        images, noise, params: as in `draw_loss`.

    Returns:
        the canvas after every step (T, N, P), and kl (T, N) and z (T, N, Z) of every step.
    """
    _expect_noise(noise, params)
    state, drawn, costs, said = blank(len(images), params), [], [], []
    for step in noise:  # (N, Z)
        state, kl, (*_, (mu, sigma, _), _, _) = draw_step_forward(images, state, step, params)
        drawn.append(state["canvas"])
        costs.append(kl)
        said.append(mu + sigma * step)
    return np.stack(drawn), np.stack(costs), np.stack(said)


def imagine(z, params):
    """The decoder by itself: what it draws when it is told z.

    Args:
        z: (T, N, Z); drawn from a standard normal it makes pictures that nobody has shown it.
        params: dict of `PARAMETERS`.

    Returns:
        the canvas after every step (T, N, P).
    """
    _expect_noise(z, params, "z")
    state, decoding = blank(z.shape[1], params), [params[name] for name in DECODER]
    canvas, h, c = state["canvas"], state["h_dec"], state["c_dec"]
    drawn = []
    for said in z:  # (N, Z)
        h, c, _ = lstm_step_forward(said, h, c, *decoding)
        canvas = canvas + h @ params["Wc"] + params["bc"]
        drawn.append(canvas)
    return np.stack(drawn)


def init_draw(rng, *, P=SIDE * SIDE, H=128, Z=4, dtype=np.float32):
    """Random parameters; the readouts start small, so that the canvas starts nearly empty."""
    arrays = (
        *init_lstm(2 * P + H, H, rng),
        0.1 * rng.standard_normal((H, 2 * Z)) / np.sqrt(H),
        np.zeros(2 * Z),
        *init_lstm(Z, H, rng),
        0.1 * rng.standard_normal((H, P)) / np.sqrt(H),
        np.zeros(P),
    )
    return {name: a.astype(dtype) for name, a in zip(PARAMETERS, arrays, strict=True)}


def _expect_keys(name, given, keys):
    missing = [key for key in keys if key not in given]
    if missing:
        raise ValueError(
            f"{name}: expected the keys {', '.join(keys)}, got none called {missing[0]!r}; "
            "name the arrays as the docstring does"
        )


def _expect_noise(noise, params, name="noise"):
    _expect_keys("params", params, PARAMETERS)
    Z = len(params["dec_Wx"])
    expect_array(name, noise, ("T", "N", Z), f"dec_Wx reads {Z} numbers a step")
    if not len(noise):
        raise ValueError(f"{name}: expected at least one step, got none; its first axis is T")


def _expect_step(x, state, noise, params):
    _expect_keys("params", params, PARAMETERS)
    _expect_keys("state", state, STATE)
    expect_array("x", x, ("N", len(params["bc"])), f"the canvas has {len(params['bc'])} pixels")
    expect_array("state['canvas']", state["canvas"], x.shape, "that is the shape of x")
    expect_array("noise", noise, (len(x), len(params["dec_Wx"])), f"x has {len(x)} rows")
    two = 2 * noise.shape[1]
    expect_array("Wz", params["Wz"], (state["h_enc"].shape[1], two), "it makes μ and log σ")
    expect_array("bz", params["bz"], (two,), "it makes μ and log σ")
