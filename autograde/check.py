"""`check`: is this function right, and if not, where and why."""

import sys
from types import CellType, FunctionType

import numpy as np

from autograde.examination import examine
from autograde.exercises import EXERCISES
from autograde.report import CheckFailed


def check(f, *, name=None, forward=None, seed=0):
    """Check a student's function against its exercise.

    Args:
        f: the function. The name that it has where it is handed over says which exercise it is,
            whatever `def` called it.
        name: the exercise, where the function is called otherwise.
        forward: for a backward pass, the student's own forward pass, whose cache it takes.
        seed: non-negative integer from which the random problems are drawn.

    Returns:
        A `Report`, which shows as a table in a notebook.

    Raises:
        CheckFailed: the answer is not right; the text says where and why.
        TypeError, ValueError: the call itself is not right (no such exercise, forward missing).
    """
    exercise = _find(f, name or _name_there(f, sys._getframe(1)), forward)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed: expected a whole number of at least 0, got {seed!r}; take any")
    report = examine(exercise, f, forward, seed, _answer_keys(exercise))
    if not report.passed and exercise.builds_on:
        report = _follow_through(exercise, f, forward, seed, report)
    if report.passed:
        return report
    raise CheckFailed(report, shown=_show(report))


def _name_there(f, caller):
    """What the calling code calls a function: `check(softmax)` is about `softmax`.

    A lambda or a partial has no such name itself, and another exercise's function the wrong one.
    """
    bound = {**caller.f_globals, **caller.f_locals}
    said = (*caller.f_code.co_names, *caller.f_code.co_varnames)
    names = [name for name in said if name in EXERCISES and bound.get(name) is f]
    return names[0] if names else getattr(f, "__name__", None)


def _find(f, name, forward):
    """The exercise that is meant."""
    if not isinstance(name, str) or name not in EXERCISES:
        raise ValueError(
            f"name: expected one of the exercises ({', '.join(EXERCISES)}), got {name!r}; "
            "pass the function itself, and name= if it is called otherwise"
        )
    exercise = EXERCISES[name]
    if exercise.takes_forward and not callable(forward):
        own = exercise.forward.__name__
        raise TypeError(
            f"forward: expected your own forward pass, because {name} takes the cache that it "
            f"made, got {forward!r}; write check({name}, forward={own})"
        )
    return exercise


def _answer_keys(exercise):
    """What would answer an exercise: its reference, those of later ones, and what it declares."""
    course = list(EXERCISES.values())
    later = course[course.index(exercise) :] if exercise in course else [exercise]
    return [*(e.reference for e in later), *exercise.keys]


def _show(report):
    """Display a report in a notebook and say so; elsewhere do nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return False
    ipython.display.display(report)
    return True


def _follow_through(exercise, f, forward, seed, report):
    """Check once more with the references in place of the earlier functions that f calls.

    An error in `rnn_step_backward` costs that exercise, and not `rnn_backward` too, which is
    right if it is right given a right step.
    """
    replaced = with_references(f, exercise.builds_on)
    if replaced is f:
        return report
    replaced_forward = forward and with_references(forward, exercise.builds_on)
    again = examine(exercise, replaced, replaced_forward, seed, _answer_keys(exercise))
    if not again.passed and again.finding.mistake and not report.finding.mistake:
        again.notes.append(f"That was said with right versions of {', '.join(exercise.builds_on)}.")
        return again
    if not again.passed or examine(exercise, f, forward, seed).passed:
        return report  # the second is right only when it is called a second time
    again.notes.append(
        f"{exercise.name} itself is right. It was checked with right versions of what it may build "
        f"on ({', '.join(exercise.builds_on)}), because with yours it fails; "
        "their own checks say why."
    )
    return again


def with_references(f, names):
    """A copy of f, and of the functions defined beside it, that calls the references instead."""
    if hasattr(f, "with_references"):  # it lives in another process
        return f.with_references(names)
    if not isinstance(f, FunctionType):
        return f
    theirs = f.__globals__
    references = {n: EXERCISES[n].reference for n in names if n in theirs}
    if not references:
        return f
    scope = {**theirs, **references}

    def beside(g):
        return isinstance(g, FunctionType) and g.__globals__ is theirs

    def moved(g):
        closure = g.__closure__ and tuple(
            CellType(moved(c.cell_contents)) if held(c) else c for c in g.__closure__
        )
        copied = FunctionType(g.__code__, scope, g.__name__, g.__defaults__, closure)
        copied.__kwdefaults__ = g.__kwdefaults__
        copied.__dict__.update(g.__dict__)
        return copied

    def held(cell):  # what a decorator wraps
        try:
            return beside(cell.cell_contents) and cell.cell_contents.__closure__ is None
        except ValueError:  # it is empty yet
            return False

    for key, value in theirs.items():
        if beside(value) and key not in references:
            scope[key] = moved(value)
    return moved(f)
