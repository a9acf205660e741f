"""The reference implementations against measured gradients, against each other, and in float32."""

import numpy as np
import pytest

import helpers
from autograde.gradcheck import exact_gradients, relative_error
from helpers import embedding, language_model, losses, numerical, optim, rnn
from helpers.data import MENU, load_digits, next_dish, standard_library_text

SIZES = [(2, 3, 4, 5), (3, 5, 2, 4), (1, 1, 1, 1), (4, 6, 5, 1)]


@pytest.fixture(params=SIZES, ids=str)
def sequence(request):
    """Arguments of rnn_forward, and an upstream gradient."""
    N, T, D, H = request.param
    rng = np.random.default_rng(sum(request.param))
    return {
        "x": rng.standard_normal((N, T, D)),
        "h0": rng.standard_normal((N, H)),
        "Wx": 0.5 * rng.standard_normal((D, H)),
        "Wh": 0.5 * rng.standard_normal((H, H)),
        "b": 0.5 * rng.standard_normal(H),
        "dh": rng.standard_normal((N, T, H)),
    }


def forward(s, of=rnn.rnn_forward):
    return of(s["x"], s["h0"], s["Wx"], s["Wh"], s["b"])


def test_sequence_backward_by_complex_step(sequence):
    names = ("x", "h0", "Wx", "Wh", "b")
    measured = exact_gradients(lambda s: np.sum(s["dh"] * forward(s)[0]), sequence, names)
    found = rnn.rnn_backward(sequence["dh"], forward(sequence)[1])
    for name, gradient in zip(names, found, strict=True):
        assert gradient.shape == sequence[name].shape
        assert relative_error(gradient, measured[name], 1e-14) < 1e-12, name


def test_step_backward_by_complex_step(sequence):
    s = {**sequence, "x": sequence["x"][:, 0], "dh": sequence["dh"][:, 0]}
    names = ("x", "h0", "Wx", "Wh", "b")

    def loss(s):
        return np.sum(s["dh"] * forward(s, rnn.rnn_step))

    measured = exact_gradients(loss, s, names)
    found = rnn.rnn_step_backward(s["dh"], forward(s, rnn.rnn_step_forward)[1])
    for name, gradient in zip(names, found, strict=True):
        assert relative_error(gradient, measured[name], 1e-14) < 1e-12, name


def test_unroll_is_one_step_after_the_other(sequence):
    h, h_t = forward(sequence, rnn.rnn_unroll), sequence["h0"]
    for t in range(h.shape[1]):
        h_t = rnn.rnn_step(sequence["x"][:, t], h_t, *(sequence[k] for k in ("Wx", "Wh", "b")))
        np.testing.assert_allclose(h[:, t], h_t, rtol=1e-13)


def test_readout_backward_by_complex_step():
    rng = np.random.default_rng(0)
    a = {"h": rng.standard_normal((2, 3, 4)), "Wy": rng.standard_normal((4, 5))}
    a["by"], d = rng.standard_normal(5), rng.standard_normal((2, 3, 5))
    measured = exact_gradients(lambda a: np.sum(d * rnn.readout(**a)), a, list(a))
    for name, gradient in zip(a, rnn.readout_backward(d, a["h"], a["Wy"]), strict=True):
        assert relative_error(gradient, measured[name]) < 1e-14


def test_softmax_loss_is_the_mean_over_the_batch_of_the_sum_over_time():
    rng = np.random.default_rng(1)
    scores, targets = rng.standard_normal((3, 4, 5)), rng.integers(0, 5, (3, 4))
    loss, dscores = losses.softmax_loss(scores, targets)
    p = losses.softmax(scores)
    by_hand = -sum(np.log(p[n, t, targets[n, t]]) for n in range(3) for t in range(4)) / 3
    assert loss == pytest.approx(by_hand, rel=1e-14)
    measured = exact_gradients(
        lambda a: losses.softmax_loss(a["scores"], targets)[0], {"scores": scores}, ["scores"]
    )
    assert relative_error(dscores, measured["scores"]) < 1e-14


def test_softmax_at_large_scores():
    p = losses.softmax(np.array([[1000.0, -1000.0, 1000.0], [-1000.0, -1000.0, -1000.0]]))
    np.testing.assert_allclose(p, [[0.5, 0, 0.5], [1 / 3] * 3])
    loss, d = losses.softmax_loss(np.array([[[1000.0, -1000.0]]]), np.array([[1]]))
    assert loss == 2000 and np.isfinite(d).all()


def test_embedding_is_the_one_hot_product_forward_and_backward():
    rng = np.random.default_rng(2)
    E, tokens = rng.standard_normal((7, 3)), rng.integers(0, 7, (4, 9))
    dout = rng.standard_normal((4, 9, 3))
    hot = embedding.one_hot(tokens, 7)
    np.testing.assert_array_equal(embedding.embedding_forward(tokens, E), hot @ E)
    dE = embedding.embedding_backward(dout, (tokens, 7))
    np.testing.assert_allclose(dE, np.einsum("ntv,ntd->vd", hot, dout), rtol=1e-12)


def char_problem(T=7, dtype=np.float64):
    rng = np.random.default_rng(3)
    params = language_model.init_char_rnn(6, 5, rng, dtype)
    params = {k: v + 0.3 * rng.standard_normal(v.shape).astype(dtype) for k, v in params.items()}
    h0 = rng.standard_normal((2, 5)).astype(dtype)
    return rng.integers(0, 6, (2, T + 1)), h0, params


def test_tbptt_equals_full_backpropagation_when_one_chunk_covers_all():
    tokens, h0, params = char_problem()
    whole = language_model.char_rnn_gradients(tokens[:, :-1], tokens[:, 1:], h0, params)
    for length in (7, 100):
        loss, grads, h_last = language_model.tbptt_gradients(tokens, h0, params, length)
        assert loss == whole[0]
        np.testing.assert_array_equal(h_last, whole[2])
        assert all(np.array_equal(grads[k], whole[1][k]) for k in params)
    cut = language_model.tbptt_gradients(tokens, h0, params, 3)
    assert cut[0] == pytest.approx(whole[0], rel=1e-14)
    assert relative_error(cut[1]["Wh"], whole[1]["Wh"]) > 1e-3


def test_full_gradients_by_complex_step():
    tokens, h0, params = char_problem()
    inputs, targets = tokens[:, :-1], tokens[:, 1:]

    def loss(p):
        return language_model.char_rnn_loss(inputs, targets, h0, p)[0]

    measured = exact_gradients(loss, params, list(params))
    found = language_model.char_rnn_gradients(inputs, targets, h0, params)[1]
    assert all(relative_error(found[k], measured[k]) < 1e-12 for k in params)


@pytest.mark.parametrize("T", range(1, 13))
@pytest.mark.parametrize("length", [1, 2, 5, 12, 20])
def test_chunks_predict_every_token_once(T, length):
    tokens = np.arange(2 * (T + 1)).reshape(2, T + 1)
    chunks = list(language_model.truncated_chunks(tokens, length))
    np.testing.assert_array_equal(np.concatenate([t for _, t in chunks], axis=1), tokens[:, 1:])
    np.testing.assert_array_equal(np.concatenate([i for i, _ in chunks], axis=1), tokens[:, :-1])
    assert all(i.shape == t.shape and 1 <= i.shape[1] <= length for i, t in chunks)


def test_float32_in_float32_out(sequence):
    s = {k: v.astype(np.float32) for k, v in sequence.items()}
    h, cache = forward(s)
    assert {h.dtype, *(g.dtype for g in rnn.rnn_backward(s["dh"], cache))} == {np.dtype("f4")}
    scores = rnn.readout(h, s["Wh"], s["b"])
    loss, dscores = losses.softmax_loss(scores, np.zeros(scores.shape[:2], int))
    assert {scores.dtype, loss.dtype, dscores.dtype} == {np.dtype("f4")}


def test_float32_through_the_character_model():
    tokens, h0, params = char_problem(dtype=np.float32)
    loss, grads, h = language_model.tbptt_gradients(tokens, h0, params, 3)
    assert {loss.dtype, h.dtype, *(g.dtype for g in grads.values())} == {np.dtype("f4")}


def test_no_function_changes_its_arguments(sequence):
    before = {k: v.copy() for k, v in sequence.items()}
    rnn.rnn_backward(sequence["dh"], forward(sequence)[1])
    assert all(np.array_equal(before[k], sequence[k]) for k in before)
    tokens, h0, params = char_problem()
    kept = tokens.copy(), h0.copy(), {k: v.copy() for k, v in params.items()}
    language_model.tbptt_gradients(tokens, h0, params, 3)
    language_model.sample(h0[:1], 0, 5, params, 1.0, np.random.default_rng(0))
    assert np.array_equal(kept[0], tokens) and np.array_equal(kept[1], h0)
    assert all(np.array_equal(kept[2][k], params[k]) for k in params)


def test_numerical_gradient_error_falls_with_the_square_of_eps():
    x = np.random.default_rng(4).standard_normal((3, 2))
    errors = [
        np.abs(numerical.numerical_gradient(lambda x: np.sin(x).sum(), x, eps) - np.cos(x)).max()
        for eps in (1e-1, 1e-2)
    ]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.05)
    assert relative_error(numerical.numerical_gradient(lambda x: np.sum(x**2), x), 2 * x) < 1e-9


def test_adagrad_by_hand():
    param, memory = np.array([1.0, 2.0]), np.array([0.0, 9.0])
    optim.adagrad_update(param, np.array([2.0, 4.0]), memory, 0.5, eps=0.0)
    np.testing.assert_allclose(memory, [4, 25])
    np.testing.assert_allclose(param, [1 - 0.5 * 2 / 2, 2 - 0.5 * 4 / 5])


def test_adam_first_step_has_the_size_of_the_learning_rate():
    param, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
    optim.adam_update(param, np.array([1e-3, -5.0, 2.0]), m, v, 1, 0.01)
    np.testing.assert_allclose(param, [-0.01, 0.01, -0.01], rtol=1e-4)


def test_sampling_follows_its_generator_and_temperature_zero_needs_none():
    _, h0, params = char_problem()

    def draw(seed, t):
        return language_model.sample(h0[:1], 1, 20, params, t, np.random.default_rng(seed))

    assert draw(0, 1.0) == draw(0, 1.0) != draw(1, 1.0)
    assert draw(0, 0) == draw(1, 0) == draw(1, 1e-3)
    assert all(type(t) is int for t in draw(0, 1.0))


# data -------------------------------------------------------------------------------------------


def test_the_menu_goes_round():
    assert [next_dish(dish) for dish in MENU] == ["jjamppong", "bokkeumbap", "jajang"]
    assert next_dish(2) == 0


def test_the_hand_set_weights_follow_the_menu_rule():
    Wx, Wh, b, Wy, by = helpers.delivery_weights()
    for k in range(3):
        x = np.stack([np.eye(3)[k], np.zeros(3)])[None]
        scores = rnn.readout(rnn.rnn_unroll(x, np.zeros((1, 3)), Wx, Wh, b), Wy, by)[0]
        assert list(scores.argmax(axis=1)) == [(k + 1) % 3, (k + 2) % 3]


def test_the_text_is_this_pythons_own_source():
    text = standard_library_text(("heapq",))
    assert "def heappush(heap, item):" in text and text.isascii()
    assert len(standard_library_text(characters=1000)) == 1000
    assert len(standard_library_text()) > 500_000


def test_train_and_test_digits_are_disjoint():
    train, test = load_digits("train"), load_digits("test")
    assert train[0].shape == (1400, 8, 8) and test[0].shape == (397, 8, 8)
    rows = {image.tobytes() for image in train[0]}
    assert not any(image.tobytes() in rows for image in test[0])
    assert set(train[1]) == set(test[1]) == set(range(10))
    assert 0 <= train[0].min() and train[0].max() == 1
