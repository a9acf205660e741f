"""LSTM, GRU, attention and captioners: each backward pass against the complex step, and float32."""

import numpy as np
import pytest

from autograde.gradcheck import exact_gradients, relative_error
from helpers import attention, captioning, gru, losses, lstm

SIZES = [(2, 3, 4, 5), (3, 5, 2, 4), (1, 1, 1, 1), (4, 6, 5, 1)]
LIMIT = 1e-12  # the contract asks for 1e-9


def draw(rng, **shapes):
    """A dict of normal arrays by name."""
    return {name: 0.7 * rng.standard_normal(shape) for name, shape in shapes.items()}


def hold(forward, backward, arguments, upstream, **options):
    """Compare a backward pass with the complex step of its forward pass, by norm.

    Args:
        forward, backward: the pair.
        arguments: the forward pass's, in order; every array is differentiated.
        upstream: gradients of its first outputs.
    """

    def loss(a):
        outputs = forward(*a.values(), **options)
        return sum(np.sum(d * out) for d, out in zip(upstream, outputs, strict=False))

    measured = exact_gradients(loss, arguments, list(arguments))
    *_, cache = forward(*arguments.values(), **options)
    found = backward(*upstream, cache)
    for name, gradient in zip(arguments, found, strict=True):
        assert gradient.shape == arguments[name].shape, name
        assert relative_error(gradient, measured[name], 1e-14) < LIMIT, name


@pytest.fixture(params=SIZES, ids=str)
def sizes(request):
    return request.param


def weights(D, H, k, bias=None):
    return {"Wx": (D, k * H), "Wh": (H, k * H), "b": ((bias or k) * H,)}


def test_lstm_step(sizes):
    N, _, D, H = sizes
    rng = np.random.default_rng(sum(sizes))
    a = draw(rng, x=(N, D), h_prev=(N, H), c_prev=(N, H), **weights(D, H, 4))
    upstream = rng.standard_normal((2, N, H))
    hold(lstm.lstm_step_forward, lstm.lstm_step_backward, a, upstream)


def test_lstm_sequence(sizes):
    N, T, D, H = sizes
    rng = np.random.default_rng(sum(sizes))
    a = draw(rng, x=(N, T, D), h0=(N, H), c0=(N, H), **weights(D, H, 4))
    upstream = rng.standard_normal((N, T, H)), rng.standard_normal((N, H))
    hold(lstm.lstm_forward, lstm.lstm_backward, a, upstream)


def test_lstm_sequence_is_one_step_after_the_other():
    rng = np.random.default_rng(0)
    a = draw(rng, x=(3, 5, 2), h0=(3, 4), c0=(3, 4), **weights(2, 4, 4))
    h, c_last, _ = lstm.lstm_forward(*a.values())
    h_t, c_t = a["h0"], a["c0"]
    for t in range(5):
        h_t, c_t, _ = lstm.lstm_step_forward(
            a["x"][:, t], h_t, c_t, *(a[k] for k in ("Wx", "Wh", "b"))
        )
        np.testing.assert_allclose(h[:, t], h_t, rtol=1e-12)
    np.testing.assert_allclose(c_last, c_t, rtol=1e-12)


def test_cell_gradient_is_the_derivative_along_the_cells_alone():
    f = np.random.default_rng(0).uniform(0.1, 0.9, (2, 6, 3))
    found = lstm.cell_gradient(f)
    for t in range(6):
        np.testing.assert_allclose(found[:, t], f[:, t + 1 :].prod(axis=1))
    assert (found[:, -1] == 1).all()


def test_sigmoid_is_the_logistic_function_and_never_overflows():
    x = np.array([-1000.0, -30.0, -1.0, 0.0, 2.0, 1000.0])
    with np.errstate(all="raise"):
        found = lstm.sigmoid(x)
    np.testing.assert_allclose(
        found, [0, 1 / (1 + np.exp(30)), 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2)), 1], atol=1e-15
    )


def test_a_new_lstm_keeps_what_is_in_its_cell():
    Wx, Wh, b = lstm.init_lstm(3, 5, np.random.default_rng(0))
    assert (Wx.shape, Wh.shape, b.shape) == ((3, 20), (5, 20), (20,))
    np.testing.assert_array_equal(b, [0] * 5 + [1] * 5 + [0] * 10)
    assert (lstm.init_lstm(3, 5, np.random.default_rng(0), forget_bias=0.0)[2] == 0).all()


GRU_FORMS = [(False, 3), (True, 3), (True, 4)]  # reset_after, and how many biases a unit


@pytest.mark.parametrize(("after", "biases"), GRU_FORMS)
def test_gru_step(sizes, after, biases):
    N, _, D, H = sizes
    rng = np.random.default_rng(sum(sizes))
    a = draw(rng, x=(N, D), h_prev=(N, H), **weights(D, H, 3, biases))
    upstream = [rng.standard_normal((N, H))]
    hold(gru.gru_step_forward, gru.gru_step_backward, a, upstream, reset_after=after)


@pytest.mark.parametrize(("after", "biases"), GRU_FORMS)
def test_gru_sequence(sizes, after, biases):
    N, T, D, H = sizes
    rng = np.random.default_rng(sum(sizes))
    a = draw(rng, x=(N, T, D), h0=(N, H), **weights(D, H, 3, biases))
    upstream = [rng.standard_normal((N, T, H))]
    hold(gru.gru_forward, gru.gru_backward, a, upstream, reset_after=after)


def test_gru_sequence_is_one_step_after_the_other():
    rng = np.random.default_rng(0)
    a = draw(rng, x=(3, 5, 2), h0=(3, 4), **weights(2, 4, 3))
    h, h_t = gru.gru_forward(*a.values())[0], a["h0"]
    for t in range(5):
        h_t, _ = gru.gru_step_forward(a["x"][:, t], h_t, a["Wx"], a["Wh"], a["b"])
        np.testing.assert_allclose(h[:, t], h_t, rtol=1e-12)


def test_the_two_forms_of_the_gru_differ():
    rng = np.random.default_rng(0)
    a = draw(rng, x=(3, 2), h_prev=(3, 4), **weights(2, 4, 3))
    before, _ = gru.gru_step_forward(*a.values())
    after, _ = gru.gru_step_forward(*a.values(), reset_after=True)
    assert relative_error(before, after) > 1e-2


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_parameters_are_counted_as_the_arrays_hold_them(cell):
    from helpers.rnn import init_rnn

    init = {"rnn": init_rnn, "lstm": lstm.init_lstm, "gru": gru.init_gru}[cell]
    made = init(7, 5, np.random.default_rng(0))
    assert gru.count_parameters(cell, 7, 5) == sum(array.size for array in made)


def test_attention(sizes):
    N, L, D, H = sizes
    rng = np.random.default_rng(sum(sizes))
    a = draw(rng, h=(N, H), keys=(N, L, H), values=(N, L, D))
    hold(
        attention.attention_forward, attention.attention_backward, a, [rng.standard_normal((N, D))]
    )


def test_attention_weights_are_a_distribution_even_at_large_scores():
    rng = np.random.default_rng(0)
    h, keys, values = (300 * rng.standard_normal(s) for s in ((2, 4), (2, 5, 4), (2, 5, 3)))
    context, weights, _ = attention.attention_forward(h, keys, values)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights >= 0).all() and np.isfinite(context).all()


def test_attention_lstm_step(sizes):
    N, L, D, H = sizes
    E = D + 1
    rng = np.random.default_rng(sum(sizes))
    shapes = dict(x=(N, E), h_prev=(N, H), c_prev=(N, H), keys=(N, L, H), values=(N, L, D))
    a = draw(rng, **shapes, Wx=(E, 4 * H), Wh=(H, 4 * H), Wz=(D, 4 * H), b=(4 * H,))
    forward, backward = (
        attention.attention_lstm_step_forward,
        attention.attention_lstm_step_backward,
    )
    hold(forward, backward, a, rng.standard_normal((2, N, H)))


def test_image_rnn_step(sizes):
    N, F, D, H = sizes
    rng = np.random.default_rng(sum(sizes))
    shapes = dict(x=(N, D), h_prev=(N, H), v=(N, F), Wx=(D, H), Wh=(H, H), Wih=(F, H), b=(H,))
    forward, backward = captioning.image_rnn_step_forward, captioning.image_rnn_step_backward
    hold(forward, backward, draw(rng, **shapes), [rng.standard_normal((N, H))])


def test_temporal_softmax_loss():
    rng = np.random.default_rng(0)
    scores, targets = rng.standard_normal((3, 4, 5)), rng.integers(0, 5, (3, 4))
    mask = np.arange(4) < np.array([[4], [2], [0]])
    loss, dscores = losses.temporal_softmax_loss(scores, targets, mask)
    p = losses.softmax(scores)
    said = [(n, t) for n in range(3) for t in range(4) if mask[n, t]]
    assert loss == pytest.approx(-sum(np.log(p[n, t, targets[n, t]]) for n, t in said) / 3)
    measured = exact_gradients(
        lambda a: losses.temporal_softmax_loss(a["scores"], targets, mask)[0],
        {"scores": scores},
        ["scores"],
    )
    assert relative_error(dscores, measured["scores"]) < LIMIT
    assert (dscores[~mask] == 0).all()
    whole = losses.temporal_softmax_loss(scores, targets, np.ones((3, 4), bool))
    plain = losses.softmax_loss(scores, targets)
    assert whole[0] == pytest.approx(plain[0]) and np.allclose(whole[1], plain[1])


CAPTIONS = np.array([[1, 4, 3, 2, 0], [1, 5, 2, 0, 0], [1, 3, 3, 5, 2]])
CAPTIONERS = {
    "attention": (
        captioning.attention_captioner_loss,
        lambda rng: captioning.init_attention_captioner(
            6, 4, 7, rng, E=3, F=8, D=5, H=4, dtype=np.float64
        ),
        (3, 4, 6),
    ),
    "show and tell": (
        captioning.show_and_tell_loss,
        lambda rng: captioning.init_show_and_tell(6, 7, rng, E=3, F=8, H=4, dtype=np.float64),
        (3, 2, 3),
    ),
}


@pytest.mark.parametrize("name", CAPTIONERS)
def test_a_captioners_gradients_are_those_of_its_loss(name):
    """By central differences: the ReLU in front takes no complex numbers."""
    from helpers import numerical_gradient

    loss, init, shape = CAPTIONERS[name]
    rng = np.random.default_rng(0)
    params, seen = init(rng), rng.standard_normal(shape)
    _, grads = loss(params, seen, CAPTIONS)
    assert grads.keys() == params.keys()
    for key in params:
        measured = numerical_gradient(
            lambda v, key=key: loss({**params, key: v}, seen, CAPTIONS)[0], params[key]
        )
        assert relative_error(grads[key], measured, 1e-9) < 1e-7, key


@pytest.mark.parametrize("name", CAPTIONERS)
def test_a_captioner_keeps_float32(name):
    loss, init, shape = CAPTIONERS[name]
    params = {k: v.astype(np.float32) for k, v in init(np.random.default_rng(0)).items()}
    value, grads = loss(params, np.ones(shape, np.float32), CAPTIONS)
    assert value.dtype == np.float32
    assert {k: g.dtype for k, g in grads.items()} == dict.fromkeys(params, np.float32)


def float32(arguments):
    return [a.astype(np.float32) for a in arguments.values()]


def test_cells_keep_float32():
    rng = np.random.default_rng(0)
    x, h0 = {"x": (2, 3, 4)}, {"h0": (2, 5)}
    sequence = float32(draw(rng, **x, **h0, c0=(2, 5), **weights(4, 5, 4)))
    h, c, cache = lstm.lstm_forward(*sequence)
    results = [h, c, *lstm.lstm_backward(h, c, cache)]
    for after in (False, True):
        h, cache = gru.gru_forward(*float32(draw(rng, **x, **h0, **weights(4, 5, 3))), after)
        results += [h, *gru.gru_backward(h, cache)]
    look = float32(draw(rng, h=(2, 5), keys=(2, 3, 5), values=(2, 3, 4)))
    context, w, cache = attention.attention_forward(*look)
    results += [context, w, *attention.attention_backward(context, cache)]
    assert {array.dtype for array in results} == {np.dtype(np.float32)}
