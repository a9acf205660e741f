"""Right answers to notebook 12 in other styles."""

import numpy as np
from answers import Styles

from helpers.draw import (
    bernoulli_loss,
    draw_step_backward,
    draw_step_forward,
    latent_backward,
    latent_forward,
    read_rows,
)
from helpers.lstm import (
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    sigmoid,
)

style = Styles()


def three(params, name):
    return params[f"{name}_Wx"], params[f"{name}_Wh"], params[f"{name}_b"]


# read_rows ----------------------------------------------------------------------------------------


@style("read_rows")
def reshaped(images):
    return images.reshape(len(images), 8, 8)


@style("read_rows")
def cut_into_slices(images):
    return np.stack([images[:, 8 * t : 8 * (t + 1)] for t in range(8)], axis=1)


@style("read_rows")
def pixel_after_pixel(images):
    rows = np.empty((len(images), 8, 8), images.dtype)
    for n, image in enumerate(images):
        for k, pixel in enumerate(image):
            rows[n, k // 8, k % 8] = pixel
    return rows


# classify -----------------------------------------------------------------------------------------


@style("classify")
def whole_sequence(images, params):
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    start = np.zeros((len(images), len(Wh)), images.dtype)
    h, _, _ = lstm_forward(read_rows(images), start, start, Wx, Wh, b)
    return h[:, -1, :] @ Wy + by


@style("classify")
def step_after_step(images, params):
    h = c = np.zeros_like(images, shape=(len(images), params["Wh"].shape[0]))
    for row in np.split(images, 8, axis=1):
        h, c, _ = lstm_step_forward(row, h, c, params["Wx"], params["Wh"], params["b"])
    return np.add(h.dot(params["Wy"]), params["by"])


@style("classify")
def gates_by_hand(images, params):
    H = len(params["Wh"])
    h = c = np.zeros((len(images), H), dtype=images.dtype)
    for t in range(8):
        a = images[:, 8 * t : 8 * t + 8] @ params["Wx"] + h @ params["Wh"] + params["b"]
        i, f, o = (1 / (1 + np.exp(-a[:, k * H : k * H + H])) for k in range(3))
        c = f * c + i * np.tanh(a[:, -H:])
        h = o * np.tanh(c)
    return np.einsum("nh,hk->nk", h, params["Wy"]) + params["by"]


# bernoulli_loss -----------------------------------------------------------------------------------


@style("bernoulli_loss")
def softplus(canvas, images):
    N = len(canvas)
    return (np.logaddexp(0, canvas) - images * canvas).sum() / N, (sigmoid(canvas) - images) / N


@style("bernoulli_loss")
def absolute_value(canvas, images):
    a = canvas
    each = np.maximum(a, 0) - a * images + np.log1p(np.exp(-np.abs(a)))
    return float(each.sum(axis=1).mean()), (sigmoid(a) - images) / a.shape[0]


@style("bernoulli_loss")
def two_logarithms(canvas, images):
    log_on, log_off = -np.logaddexp(0, -canvas), -np.logaddexp(0, canvas)
    loss = -np.mean(np.sum(images * log_on + (1 - images) * log_off, axis=1))
    return loss, (np.exp(log_on) - images) / len(canvas)


@style("bernoulli_loss")
def pixel_by_pixel(canvas, images):
    loss, dcanvas = 0.0, np.zeros_like(canvas)
    for place in np.ndindex(canvas.shape):
        a, x = float(canvas[place]), float(images[place])
        e = np.exp(-abs(a))
        loss += max(a, 0) - x * a + np.log1p(e)
        dcanvas[place] = (1 / (1 + e) if a > 0 else e / (1 + e)) - x
    return loss / len(canvas), dcanvas / len(canvas)


# latent_forward -----------------------------------------------------------------------------------


@style("latent_forward")
def variance_spelt_out(mu, log_sigma, noise):
    log_variance = 2 * log_sigma
    kl = -0.5 * np.sum(1 + log_variance - mu**2 - np.exp(log_variance), axis=1)
    return mu + np.exp(0.5 * log_variance) * noise, kl, (mu, log_sigma, noise)


@style("latent_forward")
def einsum_and_a_dict(mu, log_sigma, noise):
    sigma = np.exp(log_sigma)
    squares = np.einsum("nz,nz->n", mu, mu) + np.einsum("nz,nz->n", sigma, sigma)
    kl = (squares - mu.shape[1]) / 2 - log_sigma.sum(axis=-1)
    return noise * sigma + mu, kl, {"mu": mu, "sigma": sigma, "noise": noise}


@style("latent_forward")
def row_by_row(mu, log_sigma, noise):
    z, kl = np.empty_like(mu), np.zeros(len(mu), mu.dtype)
    for n in range(len(mu)):
        for k in range(mu.shape[1]):
            sigma = np.exp(log_sigma[n, k])
            z[n, k] = mu[n, k] + sigma * noise[n, k]
            kl[n] += 0.5 * (mu[n, k] ** 2 + sigma**2 - 1) - np.log(sigma)
    return z, kl, [mu, log_sigma, noise]


# latent_backward ----------------------------------------------------------------------------------


@style("latent_backward")
def out_of_the_course_cache(dz, dkl, cache):
    mu, sigma, noise = cache
    k = dkl.reshape(-1, 1)
    return dz + mu * k, sigma * (dz * noise + sigma * k) - k


@style("latent_backward", forward=einsum_and_a_dict)
def out_of_a_dict(dz, dkl, cache):
    dsigma = dz * cache["noise"] + dkl[:, None] * (cache["sigma"] - 1 / cache["sigma"])
    return dz + np.einsum("n,nz->nz", dkl, cache["mu"]), dsigma * cache["sigma"]


@style("latent_backward", forward=row_by_row)
def element_by_element(dz, dkl, cache):
    mu, log_sigma, noise = cache
    dmu, dlog_sigma = np.zeros_like(dz), np.zeros_like(dz)
    for n, k in np.ndindex(dz.shape):
        sigma = np.exp(log_sigma[n, k])
        dmu[n, k] = dz[n, k] + dkl[n] * mu[n, k]
        dlog_sigma[n, k] = dz[n, k] * sigma * noise[n, k] + dkl[n] * (sigma**2 - 1)
    return dmu, dlog_sigma


# draw_step_forward --------------------------------------------------------------------------------


@style("draw_step_forward")
def parts_in_a_row(x, state, noise, params):
    Z, new = noise.shape[1], {}
    guess = sigmoid(state["canvas"])
    seen = np.hstack((x, x - guess, state["h_dec"]))
    new["h_enc"], new["c_enc"], enc = lstm_step_forward(
        seen, state["h_enc"], state["c_enc"], *three(params, "enc")
    )
    a = new["h_enc"] @ params["Wz"] + params["bz"]
    z, kl, lat = latent_forward(a[:, :Z], a[:, Z:], noise)
    new["h_dec"], new["c_dec"], dec = lstm_step_forward(
        z, state["h_dec"], state["c_dec"], *three(params, "dec")
    )
    new["canvas"] = state["canvas"] + (new["h_dec"] @ params["Wc"] + params["bc"])
    return new, kl, {"new": new, "guess": guess, "caches": (enc, lat, dec), "params": params}


@style("draw_step_forward")
def weights_cut_by_what_they_read(x, state, noise, params):
    """No concatenation: the rows of enc_Wx are cut instead, and the columns of Wz."""
    P, Z = x.shape[1], noise.shape[1]
    guess = 1 / (1 + np.exp(-state["canvas"]))
    Wx, Wh, b = three(params, "enc")
    a = x @ (Wx[:P] + Wx[P : 2 * P]) - guess @ Wx[P : 2 * P] + state["h_dec"] @ Wx[2 * P :]
    h_enc, c_enc = lstm_of(a + state["h_enc"] @ Wh + b, state["c_enc"])
    mu = h_enc @ params["Wz"][:, :Z] + params["bz"][:Z]
    log_sigma = h_enc @ params["Wz"][:, Z:] + params["bz"][Z:]
    z = mu + np.exp(log_sigma) * noise
    kl = 0.5 * (mu**2 + np.exp(2 * log_sigma) - 2 * log_sigma - 1).sum(axis=1)
    Wx, Wh, b = three(params, "dec")
    h_dec, c_dec = lstm_of(z @ Wx + state["h_dec"] @ Wh + b, state["c_dec"])
    canvas = state["canvas"] + h_dec @ params["Wc"] + params["bc"]
    new = dict(h_dec=h_dec, c_dec=c_dec, h_enc=h_enc, c_enc=c_enc, canvas=canvas)
    return new, kl, None


def lstm_of(a, c):
    i, f, o, g = np.split(a, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


# draw_step_backward -------------------------------------------------------------------------------


@style("draw_step_backward", forward=parts_in_a_row)
def out_of_its_own_cache(dstate, dkl, cache):
    new, guess, params = cache["new"], cache["guess"], cache["params"]
    enc, lat, dec = cache["caches"]
    P, grads, before, dcanvas = guess.shape[1], {}, {}, dstate["canvas"]
    grads["Wc"], grads["bc"] = new["h_dec"].T @ dcanvas, dcanvas.sum(axis=0)
    dh = dstate["h_dec"] + dcanvas @ params["Wc"].T
    dz, dh_dec, before["c_dec"], *grads_dec = lstm_step_backward(dh, dstate["c_dec"], dec)
    da = np.hstack(latent_backward(dz, dkl, lat))
    grads["Wz"], grads["bz"] = new["h_enc"].T @ da, da.sum(axis=0)
    dh = dstate["h_enc"] + da @ params["Wz"].T
    dseen, before["h_enc"], before["c_enc"], *grads_enc = lstm_step_backward(
        dh, dstate["c_enc"], enc
    )
    _, derror, dread = np.split(dseen, [P, 2 * P], axis=1)
    before["h_dec"] = dh_dec + dread
    before["canvas"] = dcanvas - derror * guess * (1 - guess)
    grads.update(zip(("dec_Wx", "dec_Wh", "dec_b"), grads_dec, strict=True))
    grads.update(zip(("enc_Wx", "enc_Wh", "enc_b"), grads_enc, strict=True))
    return before, grads


@style("draw_step_backward")
def einsum_for_every_product(dstate, dkl, cache):
    guess, h_enc, h_dec, enc, (mu, sigma, noise), dec, params = cache
    P, dcanvas = guess.shape[1], dstate["canvas"]
    dh = dstate["h_dec"] + np.einsum("np,hp->nh", dcanvas, params["Wc"])
    dz, dh_dec, dc_dec, dWx, dWh, db = lstm_step_backward(dh, dstate["c_dec"], dec)
    grads = {"dec_Wx": dWx, "dec_Wh": dWh, "dec_b": db}
    k = dkl[:, np.newaxis]
    da = np.concatenate((dz + k * mu, dz * sigma * noise + k * (sigma * sigma - 1)), axis=1)
    dh = dstate["h_enc"] + np.einsum("nz,hz->nh", da, params["Wz"])
    dseen, dh_enc, dc_enc, dWx, dWh, db = lstm_step_backward(dh, dstate["c_enc"], enc)
    grads |= {"enc_Wx": dWx, "enc_Wh": dWh, "enc_b": db}
    grads |= {"Wz": np.einsum("nh,nz->hz", h_enc, da), "bz": np.einsum("nz->z", da)}
    grads |= {"Wc": np.einsum("nh,np->hp", h_dec, dcanvas), "bc": np.einsum("np->p", dcanvas)}
    before = {"h_enc": dh_enc, "c_enc": dc_enc, "c_dec": dc_dec}
    before["h_dec"] = dh_dec + dseen[:, 2 * P :]
    before["canvas"] = dcanvas + dseen[:, P : 2 * P] * (guess - 1) * guess
    return before, grads


# draw_loss ----------------------------------------------------------------------------------------


@style("draw_loss")
def forth_and_back(images, noise, params):
    N, H = len(images), params["enc_Wh"].shape[0]
    state = {name: np.zeros((N, H), images.dtype) for name in ("h_enc", "c_enc", "h_dec", "c_dec")}
    state["canvas"], caches, loss = np.zeros_like(images), [], 0.0
    for eps in noise:
        state, kl, cache = draw_step_forward(images, state, eps, params)
        caches.append(cache)
        loss += kl.mean()
    pixels, dcanvas = bernoulli_loss(state["canvas"], images)
    d = {name: np.zeros_like(array) for name, array in state.items()}
    d["canvas"], total = dcanvas, {}
    while caches:
        d, grads = draw_step_backward(d, np.full_like(kl, 1 / N), caches.pop())
        total = {name: total.get(name, 0) + g for name, g in grads.items()}
    return pixels + loss, total


@style("draw_loss")
def image_by_image(images, noise, params):
    """The batch is a loop outside, so that nothing has to be divided but at the end."""
    loss, total = 0.0, {name: np.zeros_like(a) for name, a in params.items()}
    for n in range(len(images)):
        x, one = images[n : n + 1], np.ones(1, images.dtype)
        H = len(params["dec_Wh"])
        state = {k: np.zeros((1, H), x.dtype) for k in ("h_enc", "c_enc", "h_dec", "c_dec")}
        state |= {"canvas": np.zeros_like(x)}
        caches = []
        for t in range(noise.shape[0]):
            state, kl, cache = draw_step_forward(x, state, noise[t, n : n + 1], params)
            loss += kl[0]
            caches.append(cache)
        pixels, dcanvas = bernoulli_loss(state["canvas"], x)
        loss += pixels
        d = {k: 0 * a for k, a in state.items()} | {"canvas": dcanvas}
        for cache in caches[::-1]:
            d, grads = draw_step_backward(d, one, cache)
            for k, g in grads.items():
                total[k] += g
    return loss / len(images), {k: g / len(images) for k, g in total.items()}
