"""Wrong answers that once passed, right ones that were once refused, and objects that broke it."""

import sys
from collections import deque

import numpy as np
import pytest

import helpers
from autograde import CheckFailed, check
from helpers.data import TASKS

STEP = {"forward": helpers.rnn_step_forward}


def refused(f, name, seed=0, **kwargs):
    with pytest.raises(CheckFailed) as failure:
        check(f, name=name, seed=seed, **kwargs)
    return failure.value


def forward_with(wrap):
    """A forward pass whose cache is wrapped up in some way."""

    def forward(*arguments):
        h, cache = helpers.rnn_step_forward(*arguments)
        return h, wrap(cache)

    return forward


def gradients(dh, x, h_prev, Wx, Wh, h):
    da = dh * (1 - h * h)
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


# memory between calls ---------------------------------------------------------------------------


def test_a_buffer_for_each_shape():
    buffers = {}

    def rnn_step(x, h_prev, Wx, Wh, b):
        h = buffers.setdefault((h_prev.shape, h_prev.dtype), np.empty_like(h_prev))
        h[...] = np.tanh(x @ Wx + h_prev @ Wh + b)
        return h

    assert refused(rnn_step, "rnn_step").mistake == "one buffer for all calls"


def test_an_answer_remembered_for_each_shape():
    known = {}

    def rnn_step(*arguments):
        key = arguments[0].shape, arguments[1].shape, arguments[0].dtype
        if key not in known:
            known[key] = helpers.rnn_step(*arguments)
        return known[key].copy()

    assert "same sizes" in str(refused(rnn_step, "rnn_step"))


def test_right_only_from_the_second_call_on():
    calls = []

    def rnn_unroll(*arguments):
        calls.append(1)
        return helpers.rnn_unroll(*arguments) * (len(calls) > 1)

    scope = {"rnn_unroll": rnn_unroll, "rnn_step": helpers.rnn_step}
    exec("def wrapped(x, h0, Wx, Wh, b): return rnn_unroll(x, h0, Wx, Wh, b)", scope)
    refused(scope["wrapped"], "rnn_unroll")


def test_states_gathered_in_a_global_list():
    states = []

    def rnn_unroll(x, h0, Wx, Wh, b):
        h = h0
        for t in range(x.shape[1]):
            h = helpers.rnn_step(x[:, t], h, Wx, Wh, b)
            states.append(h)
        return np.stack(states, axis=1)

    found = refused(rnn_unroll, "rnn_unroll")
    assert (found.kind, found.mistake) == ("repeatable", "state kept between calls")
    assert "This time: h: expected the shape" in str(found)


# caches -----------------------------------------------------------------------------------------


def test_a_cache_that_is_used_up():
    def backward(dh, cache):
        return gradients(dh, *(cache.popleft() for _ in range(5)))

    found = refused(backward, "rnn_step_backward", forward=forward_with(deque))
    assert (found.kind, found.quantity) == ("unchanged", "cache")


def test_a_cache_that_cannot_be_copied_and_is_changed():
    def backward(dh, cache):
        x, h_prev, Wx, Wh, h = cache["arrays"]
        h **= 2
        da = dh * (1 - h)
        return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)

    forward = forward_with(lambda cache: {"arrays": cache, "module": np})
    assert refused(backward, "rnn_step_backward", forward=forward).quantity == "cache"


class Node:
    def __init__(self, cache):
        self.cache, self.itself = cache, self


def in_object_array(cache):
    held = np.empty(len(cache), object)
    held[:] = cache
    return held


@pytest.mark.parametrize(
    ("wrap", "unwrap"),
    [
        (Node, lambda cache: cache.cache),
        (in_object_array, lambda cache: cache),
        (lambda cache: lambda: cache, lambda cache: cache()),
        (lambda cache: {"nested": [{"deep": cache}]}, lambda cache: cache["nested"][0]["deep"]),
    ],
    ids=["holds itself", "object array", "closure", "nested"],
)
def test_caches_of_every_kind_are_right(wrap, unwrap):
    def backward(dh, cache):
        return gradients(dh, *unwrap(cache))

    assert check(backward, name="rnn_step_backward", forward=forward_with(wrap)).passed


def test_a_forward_pass_that_changes_its_arguments_is_named():
    def rnn_step_forward(x, h_prev, Wx, Wh, b):
        result = helpers.rnn_step_forward(x.copy(), h_prev, Wx, Wh, b)
        x *= 2
        return result

    found = refused(helpers.rnn_step_backward, "rnn_step_backward", forward=rnn_step_forward)
    assert found.quantity == "x" and "your rnn_step_forward changed" in str(found)


def test_float32_inside_is_not_blamed_on_the_forward_pass():
    def backward(dh, cache):
        return tuple(g.astype("f4").astype("f8") for g in helpers.rnn_step_backward(dh, cache))

    found = refused(backward, "rnn_step_backward", **STEP)
    assert found.mistake is None and found.kind == "gradients"


# edges ------------------------------------------------------------------------------------------


def through_ravel(f, x, eps=1e-5):
    gradient, flat = np.zeros(x.size), x.ravel()  # a copy when x is strided
    for i in range(x.size):
        kept = flat[i]
        flat[i] = kept + eps
        up = f(x)
        flat[i] = kept - eps
        gradient[i] = (up - f(x)) / (2 * eps)
        flat[i] = kept
    return gradient.reshape(x.shape)


def large_default(f, x, eps=1.0):
    return helpers.numerical_gradient(f, x, eps)


def no_default(f, x, eps):
    return helpers.numerical_gradient(f, x, eps)


@pytest.mark.parametrize("f", [through_ravel, large_default, no_default])
def test_numerical_gradients(f):
    assert refused(f, "numerical_gradient").kind == "edge"


def test_clipped_gradients():
    def clipped(dh, cache):
        return tuple(np.clip(g, -5, 5) for g in helpers.rnn_backward(dh, cache))

    def clipped_chunks(*arguments):
        loss, grads, h = helpers.tbptt_gradients(*arguments)
        return loss, {k: np.clip(g, -5, 5) for k, g in grads.items()}, h

    for seed in range(5):
        refused(clipped, "rnn_backward", seed, forward=helpers.rnn_forward)
        refused(clipped_chunks, "tbptt_gradients", seed)


def test_vocabularies():
    right = helpers.build_vocab
    floats = refused(lambda t: ({c: float(i) for c, i in right(t)[0].items()}, {}), "build_vocab")
    assert floats.kind == "type"
    assert refused(lambda t: right(t.strip() or t), "build_vocab").kind == "edge"


def test_embedding_by_the_one_hot_product_is_right():
    def embedding_forward(tokens, E):
        return helpers.one_hot(tokens, len(E)) @ E

    def embedding_backward(dout, cache):
        return np.einsum("ntv,ntd->vd", helpers.one_hot(*cache), dout)

    assert check(embedding_forward).passed and check(embedding_backward).passed


# odd objects: always a finding, never a traceback through the checker -------------------------


class Contrary(np.ndarray):
    def __array_function__(self, *args, **kwargs):
        raise RuntimeError("no")


class Nameless:
    def __repr__(self):
        raise RuntimeError("no name")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("char_rnn_loss", ((1.0, np.ones((2, 3))), np.ones((2, 3)))),
        ("delivery_weights", (np.eye(3), np.eye(3), [[0], 0], np.eye(3), np.zeros(3))),
        ("task_shapes", dict.fromkeys(TASKS, (np.ones(2), "word"))),
        ("build_vocab", (dict.fromkeys("abc"), {})),
        ("build_vocab", ({c: np.eye(30)[0] for c in "abc"}, np.eye(3))),
        ("truncated_chunks", None),
        ("truncated_chunks", 3),
        ("sample", np.array(3)),
        ("sample", [[1], [2, 3]]),
        ("rnn_step", np.ones((1, 1)).view(np.matrix)),
        ("rnn_step", np.ma.masked_array([[1.0]], mask=True)),
        ("rnn_step", np.ones((2, 3)).view(Contrary)),
        ("rnn_step", Nameless()),
        ("rnn_step", np.array(["a"])),
        ("tbptt_gradients", (1.0, {"Wx": [1, [2]]}, None)),
    ],
)
def test_odd_answers(name, answer):
    found = refused(lambda *args, **kwargs: answer, name)
    assert found.kind in ("type", "values", "shape", "runs")


def test_leaving_the_interpreter_is_a_finding():
    assert refused(lambda scores: sys.exit(), "softmax").kind == "runs"


def test_an_interrupt_goes_through():
    def interrupted(scores):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(interrupted, name="softmax")


@pytest.mark.parametrize("seed", [-1, None, 1.5, "a", True, [1, 2]])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match="seed: expected a whole number of at least 0, got"):
        check(softmax, seed=seed)


softmax = helpers.softmax


def test_names_that_are_none():
    with pytest.raises(ValueError, match="name: expected one of the exercises"):
        check(softmax, name=["softmax"])
