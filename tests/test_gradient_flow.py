"""Gradients on their way back, clipping, scenes, and reading captions off."""

import itertools

import numpy as np
import pytest

from helpers import captioning, clipping, gradient_flow, losses
from helpers.data import adding_problem, recall_problem
from helpers.data.scenes import (
    END,
    MAX_WORDS,
    PAD,
    START,
    WORDS,
    Scenes,
    decode_caption,
    describe_scene,
    encode_captions,
    patches_of,
)
from helpers.lstm import init_lstm, lstm_forward
from helpers.numerical import numerical_gradient
from helpers.rnn import init_rnn, rnn_forward


def test_the_reference_experiment():
    """'Deep Learning from Scratch 2', figures 6-8 and 6-9."""
    rng = np.random.RandomState(3)  # the book's own generator
    dh = np.ones((2, 3))
    Wh = rng.randn(3, 3)
    first = gradient_flow.gradient_norms(Wh, dh, 20)
    half = gradient_flow.gradient_norms(0.5 * Wh, dh, 20)
    assert [f"{v:.6f}" for v in first[:3]] == ["2.468407", "3.335705", "4.783279"]
    assert [f"{v:.6f}" for v in half[:3]] == ["1.234203", "0.833926", "0.597910"]
    assert f"{first[-1]:.4f}" == "249.4956" and f"{half[-1]:.3e}" == "2.379e-04"
    assert gradient_flow.spectral_radius(0.5 * Wh) == pytest.approx(0.63, abs=0.005)
    assert gradient_flow.largest_singular_value(0.5 * Wh) == pytest.approx(1.33, abs=0.005)


def test_growth_stays_between_its_bounds():
    rng = np.random.default_rng(0)
    Wh, dh = rng.standard_normal((4, 4)), rng.standard_normal((1, 4))
    lower, upper = gradient_flow.growth_bounds(Wh, 7)
    grown = gradient_flow.gradient_norms(Wh, dh, 7)[-1] / np.linalg.norm(dh)
    assert lower < grown < upper
    assert gradient_flow.growth_bounds(Wh, 0) == (1.0, 1.0)


def test_scalar_gradient_is_the_derivative():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((1, 6, 1)), 1.7

    def states(h0):
        return rnn_forward(x, h0, np.array([[0.5]]), np.array([[w]]), np.zeros(1))[0]

    h0 = np.array([[0.3]])
    measured = numerical_gradient(lambda h: states(h)[0, -1, 0], h0)[0, 0]
    assert gradient_flow.scalar_gradient(w, states(h0)[0, :, 0]) == pytest.approx(measured)


def test_rescale_and_orthogonal():
    rng = np.random.default_rng(0)
    Wh = rng.standard_normal((5, 5))
    scaled = gradient_flow.rescale(Wh, 0.9)
    assert gradient_flow.spectral_radius(scaled) == pytest.approx(0.9)
    assert np.linalg.matrix_rank(np.stack([Wh.ravel(), scaled.ravel()])) == 1
    Q = gradient_flow.orthogonal(5, rng)
    np.testing.assert_allclose(Q.T @ Q, np.eye(5), atol=1e-14)
    corner = [gradient_flow.orthogonal(3, rng)[0, 0] for _ in range(2000)]
    assert abs(np.mean(corner)) < 0.06  # drawn evenly: no sign is preferred


def test_tanh_gradient_norms_are_those_of_measured_gradients():
    rng = np.random.default_rng(0)
    N, T, D, H = 2, 5, 3, 4
    Wx, Wh, b = init_rnn(D, H, rng)
    x, h0, d = (rng.standard_normal(s) for s in ((N, T, D), (N, H), (N, H)))
    found = gradient_flow.tanh_gradient_norms(x, h0, Wx, Wh, b, d)
    states = rnn_forward(x, h0, Wx, Wh, b)[0]
    for k in range(T):  # the state after T - k steps, as the start of the rest
        start, rest = states[:, T - 1 - k], x[:, T - k :]

        def loss(h, rest=rest):
            return np.sum(d * (rnn_forward(rest, h, Wx, Wh, b)[0][:, -1] if len(rest[0]) else h))

        measured = numerical_gradient(loss, start)
        assert found[k] == pytest.approx(np.sqrt((measured**2).sum()) / N, rel=1e-8)


def test_lstm_gradient_norms_are_those_of_measured_gradients():
    rng = np.random.default_rng(0)
    N, T, D, H = 2, 5, 3, 4
    Wx, Wh, b = init_lstm(D, H, rng)
    x, h0, c0, d = (rng.standard_normal(s) for s in ((N, T, D), (N, H), (N, H), (N, H)))
    at_h, at_c = gradient_flow.lstm_gradient_norms(x, h0, c0, Wx, Wh, b, d)
    for k in range(T):  # the states after T - k steps, as the start of the rest
        h, c, cache = lstm_forward(x[:, : T - k], h0, c0, Wx, Wh, b)
        o = cache[4][-1][2]  # the last output gate: h = o tanh(c)

        def loss(h, c, rest=x[:, T - k :], k=k):
            return np.sum(d * (lstm_forward(rest, h, c, Wx, Wh, b)[0][:, -1] if k else h))

        measured_h = numerical_gradient(lambda v, c=c: loss(v, c), h[:, -1])
        measured_c = numerical_gradient(lambda v, o=o: loss(o * np.tanh(v), v), c)
        for norms, measured in ((at_h, measured_h), (at_c, measured_c)):
            assert norms[k] == pytest.approx(np.sqrt((measured**2).sum()) / N, rel=1e-7)


def grads():
    rng = np.random.default_rng(0)
    return {"Wx": 3 * rng.standard_normal((3, 4)), "b": 3 * rng.standard_normal(4)}


def test_clip_by_norm_keeps_the_direction_and_leaves_small_gradients_alone():
    before, g = grads(), grads()
    norm = clipping.clip_by_norm(g, 1.5)
    assert norm == pytest.approx(
        np.linalg.norm(np.concatenate([v.ravel() for v in before.values()]))
    )
    assert clipping.global_norm(g) == pytest.approx(1.5)
    for name in g:
        np.testing.assert_allclose(g[name] * norm / 1.5, before[name], rtol=1e-13)
    g = grads()
    assert clipping.clip_by_norm(g, 1000.0) == norm
    assert all(np.array_equal(g[name], before[name]) for name in g)


def test_the_norm_of_enormous_and_of_no_gradients():
    assert clipping.global_norm({"W": np.full(4, 1e200)}) == pytest.approx(2e200)
    assert clipping.global_norm({"W": np.full(4, 1e30, np.float32)}) == pytest.approx(2e30)
    assert clipping.global_norm({"W": np.zeros(3)}) == 0


def test_clip_by_value_turns_the_direction():
    before, g = grads(), grads()
    clipping.clip_by_value(g, 0.5)
    for name in g:
        np.testing.assert_array_equal(g[name], np.clip(before[name], -0.5, 0.5))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_gradients_that_are_not_finite_are_named_and_nothing_is_scaled(bad):
    g = grads()
    g["b"][2] = bad
    before = {name: array.copy() for name, array in g.items()}
    with pytest.raises(ValueError, match=r"grads\['b'\]: expected a finite norm, got .*\(2,\)"):
        clipping.clip_by_norm(g, 1.0)
    assert all(np.array_equal(g[name], before[name], equal_nan=True) for name in g)


# --- long lags -----------------------------------------------------------------------------------


def test_the_adding_problem_marks_one_number_in_each_half():
    x, sums = adding_problem(4000, 11, np.random.default_rng(0))
    assert x.shape == (4000, 11, 2)
    assert (x[:, :5, 1].sum(axis=1) == 1).all() and (x[:, 5:, 1].sum(axis=1) == 1).all()
    np.testing.assert_allclose((x[..., 0] * x[..., 1]).sum(axis=1), sums)
    assert ((sums - 1) ** 2).mean() == pytest.approx(1 / 6, abs=0.01)


def test_the_recall_problem_shows_its_symbol_first_and_never_again():
    tokens, symbols = recall_problem(500, 9, np.random.default_rng(0), symbols=3)
    assert tokens.shape == (500, 9) and (tokens[:, 0] == symbols).all()
    assert set(symbols) == {0, 1, 2} and set(tokens[:, 1:].ravel()) == {3, 4, 5}


# --- scenes --------------------------------------------------------------------------------------


def test_captions_say_what_is_there_in_reading_order():
    assert describe_scene([9], [8]) == "a nine alone at the bottom right"
    assert describe_scene([8], [4]) == "an eight alone at the center"
    assert describe_scene([8, 2, 6], [0, 4, 5]) == "an eight above a two left of a six"
    tokens = encode_captions(["a nine alone at the bottom right"])
    assert tokens.shape == (1, MAX_WORDS + 2)
    assert tokens[0, 0] == START and tokens[0, 8] == END and (tokens[0, 9:] == PAD).all()
    assert decode_caption(tokens[0].tolist()) == "a nine alone at the bottom right"
    assert len(WORDS) == len(set(WORDS)) == 25


def test_every_scene_fits_and_every_word_is_used():
    images, tokens, places = Scenes("train").draw(3000, np.random.default_rng(0))
    assert images.shape == (3000, 24, 24) and images.dtype == np.float32
    assert set(tokens.ravel().tolist()) == set(range(25))
    lit = patches_of(images).std(axis=2) > 0.2
    for row, at in zip(lit[:200], places[:200], strict=True):
        assert set(np.flatnonzero(row)) == set(at[at >= 0])


def test_scenes_of_the_two_splits_share_no_digit_and_a_seed_repeats_them():
    train, test = Scenes("train", noise=0.0), Scenes("test", noise=0.0)
    assert not {d.tobytes() for d in train.images} & {d.tobytes() for d in test.images}
    first, again = (train.draw(5, np.random.default_rng(7)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


# --- greedy and beam -----------------------------------------------------------------------------


def stepper(V=4, seed=0):
    """A step whose scores depend on all the tokens so far."""
    table = np.random.default_rng(seed).standard_normal((200, V))

    def step(token, state):
        state = ((0,) if state is None else state) + (int(token),)
        return 2 * table[hash(state) % 200], state

    return step


def best_of_all(step, start, end, length, V):
    """The likeliest caption by trying every one: what an endless beam must find."""
    best = (-np.inf, None)
    for words in itertools.product(range(V), repeat=length):
        total, token, state, said = 0.0, start, None, []
        for word in words:
            scores, state = step(token, state)
            total += losses.log_softmax(scores)[word]
            token = word
            if word == end:
                break
            said.append(word)
        best = max(best, (total, said), key=lambda pair: pair[0])
    return best[1]


@pytest.mark.parametrize("seed", range(20))
def test_beam_search(seed):
    step = stepper(seed=seed)
    greedy = captioning.greedy_caption(step, 0, 1, 5)
    assert captioning.beam_caption(step, 0, 1, 5, 1) == greedy
    assert captioning.beam_caption(step, 0, 1, 5, 4**5) == best_of_all(step, 0, 1, 5, 4)
    assert len(greedy) <= 5 and 1 not in greedy


def test_a_caption_of_no_length_is_empty():
    assert captioning.greedy_caption(stepper(), 0, 1, 0) == []
    assert captioning.beam_caption(stepper(), 0, 1, 0, 3) == []


@pytest.mark.parametrize("kind", ["attention", "show and tell"])
def test_a_batch_of_greedy_captions_is_one_greedy_caption_a_picture(kind):
    rng = np.random.default_rng(0)
    images, _, _ = Scenes("test").draw(6, rng)
    if kind == "attention":
        params = captioning.init_attention_captioner(64, 9, 25, rng)
        make = lambda some: captioning.attention_stepper(params, patches_of(some))  # noqa: E731
    else:
        params = captioning.init_show_and_tell(576, 25, rng)
        make = lambda some: captioning.show_and_tell_stepper(params, some)  # noqa: E731
    captions, looks = captioning.greedy_captions(make(images), 6, START, END, 11)
    for k, caption in enumerate(captions):
        assert captioning.greedy_caption(make(images[k : k + 1]), START, END, 11) == caption
    assert looks is None or looks.shape == (6, 11, 9)
