"""Wrong answers to notebooks 04 to 08 that once passed, and right ones that were once refused."""

import functools

import numpy as np
import pytest
from own_work import own

import helpers
from autograde import CheckFailed, check
from autograde.exercises.captioning import search
from helpers.losses import log_softmax, temporal_softmax_loss
from helpers.lstm import lstm_step_backward, lstm_step_forward, sigmoid

SEEDS = range(5)


# --- wrong, and once accepted --------------------------------------------------------------------


def shifted_softmax(scores, axis=None):
    """Softmax with one shift for many rows: they underflow unless they are of one size."""
    e = np.exp(scores - scores.max(axis=axis, keepdims=axis is not None))
    return e / e.sum(axis=-1, keepdims=True)


def loss_with_one_shift(scores, targets, mask):
    p = shifted_softmax(scores)
    rows = np.arange(len(p))[:, None], np.arange(p.shape[1]), targets
    d = p.copy()
    d[rows] -= 1
    return -(np.log(p[rows]) * mask).sum() / len(p), d * mask[:, :, None] / len(p)


def look(h, keys, values, weigh):
    weights = weigh(np.einsum("nh,nlh->nl", h, keys) / np.sqrt(h.shape[1]))
    return np.einsum("nl,nld->nd", weights, values), weights, None


def look_with_one_shift(h, keys, values):
    return look(h, keys, values, shifted_softmax)


def step_without_a_shift(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    def naive(scores):
        return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)

    context, weights, _ = look(h_prev, keys, values, naive)
    both, W = np.hstack([x, context]), np.vstack([Wx, Wz])
    return *lstm_step_forward(both, h_prev, c_prev, W, Wh, b)[:2], weights, None


def start(D, H, rng, forget_bias, Wx=None, Wh=None):
    b = np.zeros(4 * H)
    b[H : 2 * H] = forget_bias
    normal = lambda *shape: rng.standard_normal(shape)  # noqa: E731
    Wx = Wx(normal, D, H) if Wx else normal(D, 4 * H)
    Wh = Wh(normal, H, H) if Wh else normal(H, 4 * H)
    return Wx / np.sqrt(D), Wh / np.sqrt(H), b


def starts_with(**parts):
    return lambda D, H, rng, forget_bias=1.0: start(D, H, rng, forget_bias, **parts)


def one_gate(normal, n, H):
    return np.hstack([normal(n, H), np.zeros((n, 3 * H))])


def same_gates(normal, n, H):
    return np.tile(normal(n, H), 4)


def same_rows(normal, n, H):
    return np.tile(normal(1, 4 * H), (n, 1))


def only_two_of_them(n, rng):
    return helpers.orthogonal(n, np.random.default_rng(rng.integers(2)))


def clipped_late(factor):
    def clip_by_norm(grads, max_norm):
        norm = helpers.global_norm(grads)
        if norm > factor * max_norm:
            for grad in grads.values():
                grad *= max_norm / norm
        return norm

    return clip_by_norm


def cut_late(grads, limit):
    for grad in grads.values():
        if np.abs(grad).max() > 1.5 * limit:
            np.clip(grad, -limit, limit, out=grad)


def five_words(step, start, end, max_length):
    return helpers.greedy_caption(step, start, end, min(max_length, 5))


def beam_of(width_for):
    def beam_caption(step, start, end, max_length, width):
        return search(step, start, end, max_length, width_for(width))

    return beam_caption


def step_that_clips_its_cell(x, h_prev, c_prev, Wx, Wh, b):
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    c = np.clip(sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g), -10, 10)
    return sigmoid(o) * np.tanh(c), c, None


WRONG = {
    "one shift for all steps": ("temporal_softmax_loss", loss_with_one_shift),
    "one shift for all pictures": ("attention_forward", look_with_one_shift),
    "a look without a shift": ("attention_lstm_step_forward", step_without_a_shift),
    "one gate only": ("init_lstm", starts_with(Wx=one_gate)),
    "four gates alike": ("init_lstm", starts_with(Wh=same_gates)),
    "rows alike": ("init_lstm", starts_with(Wh=same_rows)),
    "only two matrices": ("orthogonal", only_two_of_them),
    "clipped from 1.0003 times the norm on": ("clip_by_norm", clipped_late(1.001)),
    "cut from one and a half times the limit on": ("clip_by_value", cut_late),
    "never more than five words": ("greedy_caption", five_words),
    "a wider beam": ("beam_caption", beam_of(lambda width: width + (width > 1))),
    "a very wide beam": ("beam_caption", beam_of(lambda width: 20 if width > 1 else 1)),
    "a beam of two": ("beam_caption", beam_of(lambda width: min(width, 2))),
    "a cell that is clipped": ("lstm_step_forward", step_that_clips_its_cell),
}


@pytest.mark.parametrize(("name", "wrong"), WRONG.values(), ids=WRONG)
def test_it_is_refused_now(name, wrong):
    for seed in SEEDS:
        with pytest.raises(CheckFailed):
            check(wrong, name=name, seed=seed)


def test_a_gradient_that_is_clipped_on_its_way_is_refused():
    def clipped(dh, dc, cache):
        dx, dh_prev, *rest = lstm_step_backward(dh, dc, cache)
        return dx, np.clip(dh_prev, -50, 50), *rest

    for seed in SEEDS:
        with pytest.raises(CheckFailed):
            check(clipped, name="lstm_step_backward", forward=lstm_step_forward, seed=seed)


@pytest.mark.parametrize("factor", [1.2, 2.0])
def test_what_the_first_problem_rules_out_is_not_named(factor):
    """The arrays of the first problem were changed in place, so that is not the mistake."""
    for seed in SEEDS:
        with pytest.raises(CheckFailed) as failure:
            check(clipped_late(factor), name="clip_by_norm", seed=seed)
        assert failure.value.mistake is None


# --- right, and once refused ---------------------------------------------------------------------


def test_an_orthogonal_start_is_right():
    def blocks(normal, n, H):
        return np.sqrt(H) * np.hstack([np.linalg.qr(normal(H, H))[0] for _ in range(4)])

    for seed in range(20):
        assert check(starts_with(Wh=blocks), name="init_lstm", seed=seed).passed


@pytest.mark.parametrize(
    "make",
    [
        lambda A: A @ np.linalg.inv(np.linalg.cholesky(A.T @ A)).T,
        lambda A: np.linalg.solve(np.linalg.cholesky(A @ A.T), A),
    ],
    ids=["columns", "rows"],
)
def test_a_matrix_made_orthogonal_by_cholesky_is_right(make):
    def orthogonal(n, rng):
        return make(rng.standard_normal((n, n)))

    for seed in range(20):
        assert check(orthogonal, seed=seed).passed


class Lazy:
    """A cache that computes some of its entries when they are asked for, and keeps them."""

    def __init__(self, *parts):
        self.parts = parts

    @functools.cached_property
    def tanh_c(self):
        return np.tanh(self.parts[3])


def test_a_cache_may_grow():
    def forward(x, h_prev, c_prev, Wx, Wh, b):
        h, c, parts = lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b)
        return h, c, Lazy(*parts)

    def backward(dh, dc, cache):
        assert cache.tanh_c.shape == dh.shape
        return own(lstm_step_backward)(dh, dc, cache.parts)

    for seed in SEEDS:
        assert check(backward, name="lstm_step_backward", forward=forward, seed=seed).passed


def test_a_cache_must_not_shrink():
    def forward(x, h_prev, c_prev, Wx, Wh, b):
        h, c, parts = lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b)
        return h, c, {"parts": parts, "spare": x}

    def backward(dh, dc, cache):
        cache.pop("spare", None)
        return lstm_step_backward(dh, dc, cache["parts"])

    with pytest.raises(CheckFailed) as failure:
        check(backward, name="lstm_step_backward", forward=forward)
    assert failure.value.mistake == "cache changed in place"


def test_the_masked_loss_is_right_for_steps_that_lie_far_apart():
    scores = np.array([[[1000.0, 999.0], [-1000.0, -1001.0]]])
    loss, _ = temporal_softmax_loss(scores, np.zeros((1, 2), int), np.ones((1, 2), bool))
    assert loss == pytest.approx(-2 * log_softmax(np.array([1.0, 0.0]))[0])
