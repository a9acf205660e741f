"""Using the answer key is not an answer; what earlier exercises asked for is free."""

import cProfile
import functools
import importlib
import inspect
import sys
import types

import numpy as np
import pytest
from own_work import own

import helpers
from autograde import CheckFailed, check
from autograde.answer_key import Watch, _text
from autograde.exercises import EXERCISES
from autograde.release import ROOT, sources
from autograde.sample_class import exercises_of, solution_cells
from helpers import rnn
from helpers.data import load_digits
from helpers.language_model import char_rnn_gradients, truncated_chunks
from helpers.losses import log_softmax

STEP = "helpers.rnn.rnn_step"


def forward_of(exercise):
    return {"forward": exercise.forward} if exercise.takes_forward else {}


def refused(f, name, **kwargs):
    with pytest.raises(CheckFailed) as failure:
        check(f, name=name, **kwargs)
    found = failure.value
    assert (found.kind, found.mistake, found.quantity) == ("own", "answer key used", None)
    return str(found)


def executed(name="rnn_step", **scope):
    """The reference's text, executed once more."""
    scope |= vars(sys.modules[rnn.__name__])
    exec(inspect.getsource(rnn.rnn_step).replace("def rnn_step", f"def {name}"), scope)
    return scope[name]


class Cell:
    def step(self, *arguments):
        return rnn.rnn_step(*arguments)

    __call__ = step


def decorated(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs)

    return wrapper


WAYS = {
    "the reference": rnn.rnn_step,
    "from the package": helpers.rnn_step,
    "called": lambda *a: rnn.rnn_step(*a),
    "by an alias": (lambda answer: lambda *a: answer(*a))(rnn.rnn_step),
    "partial": functools.partial(rnn.rnn_step),
    "partial with an argument": lambda x, h_prev, Wx, Wh, b: functools.partial(rnn.rnn_step, x)(
        h_prev, Wx, Wh, b
    ),
    "getattr": lambda *a: getattr(helpers, "rnn_" + "step")(*a),
    "importlib": lambda *a: importlib.import_module("helpers.rnn").rnn_step(*a),
    "__import__": lambda *a: __import__("helpers").rnn_step(*a),
    "sys.modules": lambda *a: vars(sys.modules["helpers.rnn"])["rnn_step"](*a),
    "exec": executed(),
    "exec under another name": executed("mine"),
    "exec in the call": lambda *a: executed()(*a),
    "eval": lambda *a: eval("rnn_step", vars(rnn))(*a),
    "a copy of the function": types.FunctionType(rnn.rnn_step.__code__, vars(rnn)),
    "decorated": decorated(rnn.rnn_step),
    "cached": functools.lru_cache(lambda: rnn.rnn_step)(),
    "a callable object": Cell(),
    "a method": Cell().step,
    "map": lambda *a: next(map(rnn.rnn_step, *([v] for v in a))),
    "a later exercise's": lambda x, *a: rnn.rnn_forward(x[:, None], *a)[0][:, 0],
    "a little changed afterwards": lambda *a: rnn.rnn_step(*a) + 0.0,
}


@pytest.mark.parametrize("f", WAYS.values(), ids=WAYS)
def test_every_way_to_the_reference_is_refused(f):
    message = refused(f, "rnn_step")
    assert "helpers.rnn.rnn_" in message and "Write the computation yourself" in message


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_no_reference_passes_its_own_check(exercise):
    """Neither itself nor called by a function around it."""

    def around(*args, **kwargs):
        return exercise.reference(*args, **kwargs)

    for f in (exercise.reference, around):
        assert exercise.reference.__name__ in refused(f, exercise.name, **forward_of(exercise))


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_a_reference_told_in_other_words_is_right(exercise):
    assert check(own(exercise.reference), **forward_of(exercise)).passed


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("softmax", lambda scores: np.exp(log_softmax(scores))),
        ("char_rnn_loss", lambda *a: char_rnn_gradients(*a)[::2]),
        ("truncated_chunks", lambda *a: (yield from truncated_chunks(*a))),
    ],
)
def test_a_helper_that_is_all_but_the_answer_is_refused(name, f):
    refused(f, name)


def test_the_gradients_of_the_notebook_before_are_not_those_of_this_one():
    def tbptt_gradients(tokens, h0, params, length):
        total, h = 0.0, h0
        grads = {name: np.zeros_like(array) for name, array in params.items()}
        for inputs, targets in truncated_chunks(tokens, length):
            loss, new, h = char_rnn_gradients(inputs, targets, h, params)
            total += loss
            grads = {name: grads[name] + new[name] for name in grads}
        return total, grads, h

    assert "char_rnn_gradients" in refused(tbptt_gradients, "tbptt_gradients")


# what stays free --------------------------------------------------------------------------------


def test_an_earlier_exercise_may_come_from_helpers():
    def rnn_unroll(x, h0, Wx, Wh, b):
        states = [h0]
        for t in range(x.shape[1]):
            states.append(helpers.rnn_step(x[:, t], states[-1], Wx, Wh, b))
        return np.stack(states[1:], axis=1)

    def rnn_step_forward(x, h_prev, Wx, Wh, b):
        h = helpers.rnn_step(x, h_prev, Wx, Wh, b)
        return h, (x, h_prev, Wx, Wh, h)

    assert check(rnn_unroll).passed and check(rnn_step_forward).passed


def test_data_plots_and_numpy_are_free():
    def softmax(scores):
        load_digits("train")
        helpers.one_hot(np.array([0]), 2)
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    assert check(softmax).passed


def test_a_forward_pass_of_helpers_may_go_with_an_own_backward_pass():
    def rnn_step_backward(dh, cache):
        x, h_prev, Wx, Wh, h = cache
        da = dh * (1 - h * h)
        return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)

    assert check(rnn_step_backward, forward=helpers.rnn_step_forward).passed


def test_a_wrong_answer_is_told_what_is_wrong_even_if_it_calls_the_reference():
    with pytest.raises(CheckFailed) as failure:
        check(lambda *a: helpers.rnn_unroll(*a)[:, -1], name="rnn_unroll")
    assert failure.value.mistake == "only the last state"


@pytest.mark.parametrize("path", sources(ROOT), ids=lambda path: path.stem)
def test_the_solutions_are_no_copies_of_the_references(path):
    cells = solution_cells(path)
    for name, exercise in exercises_of(path.stem).items():
        module = compile(cells[name], "<solution>", "exec")
        codes = [c for c in module.co_consts if isinstance(c, types.CodeType)]
        assert codes
        assert _text(exercise.reference.__code__) not in map(_text, codes), name


# the watch itself -------------------------------------------------------------------------------


def test_another_profiler_is_put_back():
    def profiler(*event):
        pass

    sys.setprofile(profiler)
    try:
        assert check(own(rnn.rnn_step)).passed
        assert sys.getprofile() is profiler
        with pytest.raises(CheckFailed):
            check(lambda *a: 1 / 0, name="rnn_step")
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)


def test_it_can_be_profiled():
    profile = cProfile.Profile()
    profile.enable()
    try:
        assert check(own(rnn.rnn_step)).passed
        assert sys.getprofile() is profile
    finally:
        profile.disable()


def test_only_what_is_called_from_outside_helpers_counts():
    watch = Watch([rnn.rnn_step])
    with watch.first_call():
        rnn.rnn_step_forward(*(np.ones(s) for s in [(2, 3), (2, 4), (3, 4), (4, 4), (4,)]))
    assert watch.used is None
    watch = Watch([rnn.rnn_step])
    with watch.first_call():
        rnn.rnn_step(*(np.ones(s) for s in [(2, 3), (2, 4), (3, 4), (4, 4), (4,)]))
    assert watch.used == STEP
