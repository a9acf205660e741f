"""A check says the same of a function in another process as of one in its own."""

from dataclasses import replace

import pytest
from slips import SLIPS
from student_process import student_process
from styles import STYLES

from autograde.exercises import EXERCISES
from autograde.sandbox.grading import as_exercise

ANSWERS = [*STYLES, *SLIPS]


@pytest.fixture(scope="module")
def remote():
    names = {f"answer_{k}": answer.function for k, answer in enumerate(ANSWERS)}
    names |= {f"forward_{k}": answer.forward for k, answer in enumerate(ANSWERS)}
    names |= {name: e.forward for name, e in EXERCISES.items() if e.takes_forward}
    with student_process(names) as remote:
        yield remote


@pytest.mark.parametrize("k", range(len(ANSWERS)), ids=lambda k: str(ANSWERS[k]))
def test_the_verdict_is_the_same(remote, k):
    answer = ANSWERS[k]
    exercise = EXERCISES[answer.exercise]
    remote.forget()
    function = as_exercise(answer.exercise, remote.find(f"answer_{k}"))
    forward = None
    if exercise.takes_forward:
        name = f"forward_{k}" if answer.forward else answer.exercise
        forward = as_exercise(exercise.forward.__name__, remote.find(name))
    here = answer.report(1)
    there = replace(answer, function=function, forward=forward).report(1)
    assert said(there) == said(here)


def said(report):
    found = report.finding
    return report.passed, found and (found.kind, found.quantity, found.mistake, found.message)
