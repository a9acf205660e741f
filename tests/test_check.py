"""The check itself: what it tries, in which order, and what it says."""

import time
from functools import partial

import numpy as np
import pytest
from own_work import own

from autograde import CheckFailed, check
from autograde.exercises import EXERCISES
from autograde.report import KINDS
from helpers import rnn, softmax, softmax_loss


def refused(f, name, **kwargs):
    """The failure of a wrong answer."""
    with pytest.raises(CheckFailed) as failure:
        check(f, name=name, **kwargs)
    assert failure.value.kind in KINDS and failure.value.exercise == name
    return failure.value


def step_backward(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h * h)
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


# the call ---------------------------------------------------------------------------------------


def test_an_unknown_name_lists_the_exercises():
    with pytest.raises(
        ValueError, match="expected one of the exercises .*rnn_step.*got 'rnn_stepp'"
    ):
        check(lambda x: x, name="rnn_stepp")


def test_a_backward_pass_asks_for_the_forward_pass():
    with pytest.raises(TypeError, match="check.rnn_step_backward, forward=rnn_step_forward."):
        check(step_backward, name="rnn_step_backward")


def test_the_name_of_the_function_names_the_exercise():
    assert check(own(rnn.rnn_step)).exercise == "rnn_step"


def test_check_failed_is_an_assertion_with_its_fields():
    failure = refused(lambda *a: None, "rnn_step")
    assert isinstance(failure, AssertionError)
    assert (failure.exercise, failure.kind, failure.quantity) == ("rnn_step", "type", "h")
    assert failure.mistake == "returns nothing"


# kind by kind -----------------------------------------------------------------------------------


def test_signature():
    assert refused(None, "softmax").kind == "signature"
    found = refused(lambda x, h_prev, Wx, Wh: x, "rnn_step")
    assert found.kind == "signature" and "(x, h_prev, Wx, Wh, b)" in str(found)
    found = refused(lambda h_prev, x, Wx, Wh, b: rnn.rnn_step(x, h_prev, Wx, Wh, b), "rnn_step")
    assert found.mistake == "arguments in another order"

    def adagrad_without_eps(param, grad, memory, learning_rate):
        pass

    assert refused(adagrad_without_eps, "adagrad_update").kind == "signature"


def test_an_exception_names_the_line_of_the_students_code():
    def rnn_step(x, h_prev, Wx, Wh, b):
        a = x @ Wx
        return np.tanh(a + Wh @ h_prev + b)

    found = refused(rnn_step, "rnn_step")
    assert found.kind == "runs"
    assert "return np.tanh(a + Wh @ h_prev + b)" in str(found) and "ValueError" in str(found)


def test_an_exception_inside_numpy_points_to_the_students_line():
    def sample(h0, first, n, params, temperature, rng):
        return [rng.choice(3, p=[0.5, 0.4, 0.3]) for _ in range(n)]

    assert "return [rng.choice(3, p=[0.5, 0.4, 0.3])" in str(refused(sample, "sample"))


def test_type():
    assert refused(lambda *a: rnn.rnn_step(*a).tolist(), "rnn_step").kind == "type"
    found = refused(lambda *a: (rnn.rnn_step(*a),), "rnn_step")
    assert "a comma too many" in str(found)
    found = refused(lambda s, t: 1.0, "softmax_loss")
    assert found.kind == "type" and "loss, dscores" in str(found)
    assert refused(lambda s, t: (np.ones(3), s), "softmax_loss").quantity == "loss"
    assert refused(lambda *a: rnn.rnn_step(*a) + 0j, "rnn_step").kind == "type"


def test_shape_names_the_letters():
    found = refused(lambda *a: rnn.rnn_step(*a).T, "rnn_step")
    assert found.kind == "shape" and "(N, H) = " in str(found)


def test_dtype_both_ways():
    found = refused(lambda *a: rnn.rnn_step(*a).astype(np.float32), "rnn_step")
    assert (found.kind, found.mistake) == ("dtype", "float32 in place of float64")
    found = refused(lambda *a: rnn.rnn_step(*a).astype(np.float64), "rnn_step")
    assert (found.kind, found.mistake) == ("dtype", "float64 in place of float32")
    found = refused(
        lambda *a: rnn.rnn_step(*(v.astype("f4") for v in a)).astype(a[0].dtype), "rnn_step"
    )
    assert found.kind == "values"


def test_one_hot_vectors_may_make_float64_of_float32():
    def char_rnn_loss(inputs, targets, h0, params):
        x = np.eye(len(params["Wx"]))[inputs]
        h = rnn.rnn_unroll(x, h0, params["Wx"], params["Wh"], params["b"])
        scores = h @ params["Wy"] + params["by"]
        return softmax_loss(scores, targets)[0], h[:, -1]

    assert check(char_rnn_loss).passed


def test_finite_names_the_place():
    def holes(*arguments):
        h = rnn.rnn_step(*arguments)
        h[1, 0] = np.nan
        return h

    found = refused(holes, "rnn_step")
    assert found.kind == "finite" and "h[1, 0]" in str(found)


@pytest.mark.parametrize("position", range(5))
def test_arguments_changed_in_place(position):
    def rnn_step(*arguments):
        h = rnn.rnn_step(*arguments)
        arguments[position][...] *= 1.001
        return h

    found = refused(rnn_step, "rnn_step")
    assert (found.kind, found.mistake) == ("unchanged", "argument changed in place")
    assert found.quantity == ("x", "h_prev", "Wx", "Wh", "b")[position]


def test_the_upstream_gradient_and_the_cache_must_stay():
    def scaled_upstream(dh, cache):
        found = step_backward(dh, cache)
        dh *= 0.5
        return found

    def emptied_cache(dh, cache):
        return step_backward(dh, [cache.pop(0) for _ in range(5)])

    kw = {"forward": rnn.rnn_step_forward}
    found = refused(scaled_upstream, "rnn_step_backward", **kw)
    assert (found.kind, found.quantity) == ("unchanged", "dh")

    def list_cache(*arguments):
        h, cache = rnn.rnn_step_forward(*arguments)
        return h, list(cache)

    found = refused(emptied_cache, "rnn_step_backward", forward=list_cache)
    assert (found.kind, found.quantity) == ("unchanged", "cache")


def test_state_between_calls():
    calls = []

    def rnn_step(x, h_prev, Wx, Wh, b):
        calls.append(1)
        return np.tanh(x @ Wx + h_prev @ Wh + b) * (1 if len(calls) == 1 else 0.999)

    found = refused(rnn_step, "rnn_step")
    assert (found.kind, found.mistake) == ("repeatable", "state kept between calls")


def test_a_cache_in_a_global_is_found():
    kept = {}

    def forward(*arguments):
        h, kept["cache"] = rnn.rnn_step_forward(*arguments)
        return h, None

    found = refused(
        lambda dh, cache: step_backward(dh, kept["cache"]), "rnn_step_backward", forward=forward
    )
    assert found.kind in ("repeatable", "runs")


def test_one_buffer_for_all_calls():
    buffers = {}

    def rnn_step(x, h_prev, Wx, Wh, b):
        h = buffers.setdefault(1, np.empty(100))[: h_prev.size].reshape(h_prev.shape)
        h[...] = np.tanh(x @ Wx + h_prev @ Wh + b)
        return h

    found = refused(rnn_step, "rnn_step")
    assert (found.kind, found.mistake) == ("repeatable", "one buffer for all calls")


def test_values_name_the_first_wrong_step_going_forward():
    def rnn_unroll(x, h0, Wx, Wh, b):
        h = rnn.rnn_unroll(x, h0, Wx, Wh, b)
        h[:, 2:] += 0.1
        return h

    found = refused(rnn_unroll, "rnn_unroll")
    assert (found.kind, found.quantity) == ("values", "h")
    assert "t = 2" in str(found) and "forward" in str(found) or "only t = 2" in str(found)


def test_gradients_name_the_first_wrong_step_going_back():
    def rnn_backward(dh, cache):
        dx, *others = rnn.rnn_backward(dh, cache)
        dx[:, :2] *= 1.5
        return dx, *others

    found = refused(rnn_backward, "rnn_backward", forward=rnn.rnn_forward)
    assert (found.kind, found.quantity) == ("gradients", "dx")
    assert "t = 1" in str(found) and "back from the last" in str(found)
    assert "Right: dh0, dWx, dWh, db." in str(found)


def test_both_numbers_are_shown_and_differ():
    found = refused(lambda *a: rnn.rnn_step(*a) * 1.01, "rnn_step")
    expected, got = str(found).split("expected ")[1].split(", got ")
    assert float(got.split(". ")[0]) == pytest.approx(1.01 * float(expected), rel=1e-4)


def test_a_gradient_that_is_right_for_a_wrong_forward_pass_says_so():
    def forward(x, h_prev, Wx, Wh, b):
        h = np.tanh(2 * (x @ Wx) + h_prev @ Wh + b)
        return h, (x, h_prev, Wx, Wh, h)

    def backward(dh, cache):
        dx, dh_prev, dWx, dWh, db = step_backward(dh, cache)
        return 2 * dx, dh_prev, 2 * dWx, dWh, db

    found = refused(backward, "rnn_step_backward", forward=forward)
    assert found.mistake == "wrong rnn_step_forward"
    assert "right for your forward pass" in str(found)
    found = refused(step_backward, "rnn_step_backward", forward=forward)
    assert found.mistake == "wrong rnn_step_forward"
    assert "right for your forward pass" not in str(found) and "mend that first" in str(found)


def test_edges_are_found():
    def only_batches(x, h_prev, Wx, Wh, b):
        return np.tanh(np.squeeze(x) @ Wx + h_prev @ Wh + b).reshape(h_prev.shape)

    def fitted_to_one_batch_size(x, h_prev, Wx, Wh, b):
        return rnn.rnn_step(x, h_prev, Wx, Wh, b) * (2 if len(x) == 1 else 1)

    assert refused(fitted_to_one_batch_size, "rnn_step").kind == "edge"
    assert "with N = 1" in str(refused(fitted_to_one_batch_size, "rnn_step"))
    assert refused(only_batches, "rnn_step").kind == "edge"

    found = refused(lambda s: np.exp(s) / np.exp(s).sum(-1, keepdims=True), "softmax")
    assert (found.kind, found.mistake) == ("edge", "exp overflows")


def test_an_answer_fitted_to_the_visible_problem_fails_on_another_seed():
    seen = {}

    def remembers(scores):
        return seen.setdefault(scores.shape, softmax(scores))

    def fitted(scores):
        key = scores.shape
        return seen[key] if key in seen else softmax(scores) * 0.99

    with pytest.raises(CheckFailed):
        check(remembers, name="softmax")
    with pytest.raises(CheckFailed):
        check(fitted, name="softmax", seed=1)


# the report -------------------------------------------------------------------------------------


def test_the_report_shows_what_was_tried_in_order():
    failure = refused(lambda *a: rnn.rnn_step(*a) * 1.01, "rnn_step")
    marks = [mark for mark, _ in failure.report.rows()]
    assert marks == ["✓"] * 8 + ["✗", "·", "·"]
    html = failure.report._repr_html_()
    assert "<table>" in html and "not yet right" in html
    assert check(own(rnn.rnn_step))._repr_html_().count("✗") == 0


def test_html_of_the_report_is_escaped():
    def rnn_step(x, h_prev, Wx, Wh, b):
        raise ValueError("<script>alert(1)</script>")

    html = refused(rnn_step, "rnn_step").report._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_no_message_prints_the_reference_code():
    found = refused(lambda dh, cache: (dh,) * 5, "rnn_backward", forward=rnn.rnn_forward)
    assert "reversed(range(h.shape[1]))" not in str(found)


# follow-through ---------------------------------------------------------------------------------

STUDENT = """
import numpy as np

def rnn_step_forward(x, h_prev, Wx, Wh, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    return h, (x, h_prev, Wx, Wh, h)

def rnn_step_backward(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh{slope}
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)

def rnn_forward(x, h0, Wx, Wh, b):
    h, states, caches = h0, [], []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches

def rnn_backward(dh, cache):
    dh_next, dxs, weights = 0, [], None
    for t in reversed(range(dh.shape[1])):
        dx, dh_next, *new = rnn_step_backward(dh[:, t] + dh_next, cache[t])
        dxs.append(dx)
        weights = new if weights is None else [w {add} n for w, n in zip(weights, new)]
    return np.stack(dxs[::-1], axis=1), dh_next, *weights
"""


def student(slope=" * (1 - h * h)", add="+"):
    scope = {}
    exec(STUDENT.format(slope=slope, add=add), scope)
    return scope


def test_an_exercise_is_judged_by_itself_when_an_earlier_one_is_wrong():
    wrong_step = student(slope="")
    found = refused(
        wrong_step["rnn_step_backward"], "rnn_step_backward", forward=wrong_step["rnn_step_forward"]
    )
    assert found.mistake == "tanh derivative left out"
    report = check(wrong_step["rnn_backward"], forward=wrong_step["rnn_forward"])
    assert report.passed and "rnn_backward itself is right" in str(report)


def test_a_right_answer_carries_no_such_note():
    right = student()
    assert not check(right["rnn_backward"], forward=right["rnn_forward"]).notes


def test_a_wrong_step_does_not_excuse_a_wrong_sequence():
    both = student(slope="", add="*")
    refused(both["rnn_backward"], "rnn_backward", forward=both["rnn_forward"])


def test_a_decorator_does_not_stand_in_the_way():
    timed = """
import functools

def timed(f):
    @functools.wraps(f)
    def inner(*args):
        return f(*args)
    return inner

rnn_backward = timed(rnn_backward)
"""
    wrong_step = student(slope="")
    exec(timed, wrong_step)
    report = check(wrong_step["rnn_backward"], forward=wrong_step["rnn_forward"])
    assert report.passed and "rnn_backward itself is right" in str(report)


def test_state_that_outlives_a_backward_pass_is_not_blamed_on_the_cache():
    totals = []

    def summed(dh, cache):
        dx, dh_prev, dWx, dWh, db = step_backward(dh, cache)
        totals.append(db)
        return dx, dh_prev, dWx, dWh, sum(totals)

    found = refused(summed, "rnn_step_backward", forward=rnn.rnn_step_forward)
    assert found.mistake == "state kept between calls"


def test_the_students_own_functions_are_left_as_they_are():
    wrong = student(slope="")
    before = dict(wrong)
    check(wrong["rnn_backward"], forward=wrong["rnn_forward"])
    assert wrong == before


# speed ------------------------------------------------------------------------------------------


def test_a_check_takes_less_than_a_second():
    for exercise in EXERCISES.values():
        kw = {"forward": exercise.forward} if exercise.takes_forward else {}
        start = time.process_time()
        check(own(exercise.reference), seed=3, **kw)
        assert time.process_time() - start < 1.0, exercise.name


CELLS = {
    "a lambda": "softmax = lambda s: (lambda e: e / e.sum(-1, keepdims=True))"
    "(np.exp(s - s.max(-1, keepdims=True)))",
    "a partial": "softmax = partial(lambda e, s: e(s - s.max(-1, keepdims=True)) / "
    "e(s - s.max(-1, keepdims=True)).sum(-1, keepdims=True), np.exp)",
    "another name": "def mine(s):\n    e = np.exp(s - s.max(-1, keepdims=True))\n"
    "    return e / e.sum(-1, keepdims=True)\n\nsoftmax = mine",
}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_function_is_checked_as_what_it_is_called_where_it_is_handed_over(cell):
    notebook = {"np": np, "partial": partial, "check": check}
    exec(cell, notebook)
    exec("report = check(softmax)", notebook)
    assert notebook["report"].exercise == "softmax" and notebook["report"].passed


def test_the_right_answer_to_another_exercise_is_none_to_this_one():
    notebook = {"check": check}
    exec("def readout(h, Wy, by):\n    return h @ Wy + by\n\nrnn_unroll = readout", notebook)
    exec("check(readout)", notebook)
    with pytest.raises(CheckFailed) as failed:
        exec("check(rnn_unroll)", notebook)
    assert failed.value.exercise == "rnn_unroll"
