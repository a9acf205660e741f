"""Reading and drawing images: exact gradients with the noise handed in, and a bound that is one."""

import numpy as np
import pytest

from autograde import check
from autograde.gradcheck import exact_gradients, relative_error
from autograde.report import CheckFailed
from helpers import draw
from helpers.lstm import lstm_step_backward, sigmoid
from helpers.numerical import numerical_gradient
from helpers.rnn import readout_backward

LIMIT = 1e-12


def drawer(rng, P=5, H=4, Z=3):
    params = draw.init_draw(rng, P=P, H=H, Z=Z, dtype=np.float64)
    return {name: a + 0.3 * rng.standard_normal(a.shape) for name, a in params.items()}


def some(rng, T=4, N=3, P=5, Z=3):
    return rng.random((N, P)), rng.standard_normal((T, N, Z))


# --- reading --------------------------------------------------------------------------------------


def test_a_row_is_a_step():
    rows = draw.read_rows(np.arange(128.0).reshape(2, 64))
    assert rows.shape == (2, 8, 8) and rows[0, 1, 5] == 13 and rows[1, 0, 0] == 64


def test_the_readers_gradients_are_exact():
    rng = np.random.default_rng(0)
    params = draw.init_classifier(rng, H=3, dtype=np.float64)
    images, dscores = rng.random((2, 64)), rng.standard_normal((2, 10))
    measured = exact_gradients(
        lambda p: (dscores * draw.classify(images, p)).sum(), params, list(params)
    )
    grads = draw.classify_backward(dscores, images, params)
    assert grads.keys() == params.keys()
    for name in params:
        assert relative_error(grads[name], measured[name]) < LIMIT, name


# --- pixels and chance ----------------------------------------------------------------------------


def test_pixels_cost_minus_the_logarithm_of_their_probability():
    a, x = np.array([[0.0, 2.0, -1.0]]), np.array([[1.0, 1.0, 0.0]])
    p = sigmoid(a[0])
    right = -np.log([p[0], p[1], 1 - p[2]]).sum()
    assert draw.bernoulli_loss(a, x)[0] == pytest.approx(right, abs=1e-14)


def test_nothing_overflows_at_a_thousand():
    a = np.array([[1000.0, -1000.0, 1000.0, -1000.0]])
    with np.errstate(all="raise", under="ignore"):
        loss, dcanvas = draw.bernoulli_loss(a, np.array([[1.0, 0.0, 0.0, 1.0]]))
    assert loss == 2000 and np.array_equal(dcanvas, [[0, 0, 1, -1]])


def test_kl_is_the_mean_difference_of_the_log_densities():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((400_000, 1))
    z, kl, _ = draw.latent_forward(0.7 + 0 * noise, -0.4 + 0 * noise, noise)
    measured = (0.5 * z**2 - 0.5 * noise**2 + 0.4).mean()
    assert kl[0] == pytest.approx(measured, abs=0.005)
    assert draw.latent_forward(*np.zeros((3, 2, 4)))[1].tolist() == [0, 0]


# --- drawing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", [1, 4])
def test_the_gradients_of_a_drawing_are_exact(T):
    rng = np.random.default_rng(1)
    params, (images, noise) = drawer(rng), some(rng, T)
    _, grads = draw.draw_loss(images, noise, params)
    measured = exact_gradients(lambda p: draw.draw_loss(images, noise, p)[0], params, list(params))
    assert grads.keys() == params.keys()
    for name in params:
        assert relative_error(grads[name], measured[name]) < LIMIT, name


def test_so_does_a_central_difference_say():
    rng = np.random.default_rng(2)
    params, (images, noise) = drawer(rng), some(rng)
    _, grads = draw.draw_loss(images, noise, params)
    for name in ("enc_Wx", "Wz", "dec_Wh", "bc"):
        measured = numerical_gradient(
            lambda a, name=name: draw.draw_loss(images, noise, {**params, name: a})[0],
            params[name],
        )
        assert relative_error(grads[name], measured) < 1e-8, name


def test_the_gradients_of_a_step_reach_the_whole_state():
    rng = np.random.default_rng(3)
    params, (images, noise) = drawer(rng), some(rng)
    state = {k: rng.standard_normal(a.shape) for k, a in draw.blank(3, params).items()}
    dstate = {k: rng.standard_normal(a.shape) for k, a in state.items()}
    dkl = rng.standard_normal(3)

    def loss(state):
        new, kl, _ = draw.draw_step_forward(images, state, noise[0], params)
        return (dkl * kl).sum() + sum((dstate[k] * new[k]).sum() for k in new)

    *_, cache = draw.draw_step_forward(images, state, noise[0], params)
    before, _ = draw.draw_step_backward(dstate, dkl, cache)
    measured = exact_gradients(loss, state, list(state))
    for name in state:
        assert relative_error(before[name], measured[name]) < LIMIT, name


def test_the_loss_of_a_batch_is_the_mean_of_its_images():
    rng = np.random.default_rng(4)
    params, (images, noise) = drawer(rng), some(rng)
    alone = [draw.draw_loss(images[[n]], noise[:, [n]], params)[0] for n in range(3)]
    assert draw.draw_loss(images, noise, params)[0] == pytest.approx(np.mean(alone), abs=1e-13)


def test_the_bound_is_one():
    """Averaged over noise it is no less than what all images with two pixels cost exactly."""
    rng = np.random.default_rng(5)
    params = drawer(rng, P=2, Z=1)
    images = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    N = 40_000
    canvas = draw.imagine(rng.standard_normal((3, N, 1)), params)[-1]  # z from the prior
    p = sigmoid(canvas)
    chances = [np.prod(np.where(x, p, 1 - p), axis=1).mean() for x in images]
    assert sum(chances) == pytest.approx(1, abs=1e-12)
    for x, chance in zip(images, chances, strict=True):
        noise = rng.standard_normal((3, N, 1))
        bound, _ = draw.draw_loss(np.tile(x, (N, 1)), noise, params)
        assert bound > -np.log(chance) - 0.01


def test_canvases_are_those_that_the_loss_judges_and_the_decoder_alone_draws():
    rng = np.random.default_rng(6)
    params, (images, noise) = drawer(rng), some(rng)
    drawn, kl, z = draw.canvases(images, noise, params)
    loss = draw.bernoulli_loss(drawn[-1], images)[0] + kl.sum(axis=0).mean()
    assert draw.draw_loss(images, noise, params)[0] == pytest.approx(loss, abs=1e-13)
    np.testing.assert_allclose(draw.imagine(z, params), drawn, rtol=0, atol=1e-13)


def test_float32_stays_float32():
    rng = np.random.default_rng(7)
    params = {k: a.astype(np.float32) for k, a in drawer(rng).items()}
    images, noise = (a.astype(np.float32) for a in some(rng))
    loss, grads = draw.draw_loss(images, noise, params)
    drawn, kl, z = draw.canvases(images, noise, params)
    kinds = {a.dtype for a in (np.asarray(loss), drawn, kl, z, *grads.values())}
    assert kinds == {np.dtype(np.float32)}
    reader = draw.init_classifier(rng, H=3)
    assert draw.classify(np.zeros((2, 64), np.float32), reader).dtype == np.float32


def test_a_backward_pass_that_is_right_for_a_wrong_step_says_so():
    """The state is a dict, and a wrong one is told from a right one all the same."""

    def cells_twice(x, state, noise, params):
        new, kl, cache = draw.draw_step_forward(x, state, noise, params)
        return {**new, "c_dec": 2 * new["c_dec"]}, kl, cache

    def draw_step_backward(dstate, dkl, cache):
        guess, h_enc, h_dec, encoder, latent, decoder, params = cache
        dstate = {**dstate, "c_dec": 2 * dstate["c_dec"]}
        dh, dWc, dbc = readout_backward(dstate["canvas"], h_dec, params["Wc"])
        dz, dr, dc_dec, *dec = lstm_step_backward(dstate["h_dec"] + dh, dstate["c_dec"], decoder)
        da = np.concatenate(draw.latent_backward(dz, dkl, latent), axis=1)
        dh, dWz, dbz = readout_backward(da, h_enc, params["Wz"])
        P = guess.shape[1]
        dseen, dh, dc, *enc = lstm_step_backward(dstate["h_enc"] + dh, dstate["c_enc"], encoder)
        dcanvas = dstate["canvas"] - dseen[:, P : 2 * P] * guess * (1 - guess)
        before = dcanvas, dh, dc, dr + dseen[:, 2 * P :], dc_dec
        grads = (*enc, dWz, dbz, *dec, dWc, dbc)
        return (
            dict(zip(draw.STATE, before, strict=True)),
            dict(zip(draw.PARAMETERS, grads, strict=True)),
        )

    with pytest.raises(CheckFailed) as failed:
        check(draw_step_backward, forward=cells_twice)
    assert failed.value.mistake == "wrong draw_step_forward"
    assert "Your gradient is right for your forward pass" in str(failed.value)
