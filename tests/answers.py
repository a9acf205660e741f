"""Answers by hand that calibrate the checks: wrong ones (slips) and right ones (styles)."""

from collections.abc import Callable
from dataclasses import dataclass

from autograde import check
from autograde.exercises import EXERCISES
from autograde.report import CheckFailed


@dataclass(frozen=True)
class Answer:
    """One answer to an exercise.

    Attributes:
        exercise: its name.
        what: what was done wrong, or in which style it is right.
        function: the answer itself.
        forward: the forward pass whose cache it takes; the course's, unless told.
    """

    exercise: str
    what: str
    function: Callable
    forward: Callable | None = None

    def __str__(self):
        return f"{self.exercise}: {self.what}"

    def report(self, seed):
        """The report of its check, passed or not."""
        exercise = EXERCISES[self.exercise]
        forward = {}
        if exercise.takes_forward:
            forward = {"forward": self.forward or exercise.forward}
        try:
            return check(self.function, name=self.exercise, seed=seed, **forward)
        except CheckFailed as failure:
            return failure.report


@dataclass(frozen=True)
class Slip(Answer):
    """A wrong answer, and what its check should say.

    Attributes:
        quantities: the message names one of these (more than one where chance decides which goes
            wrong first); None where it is not about a quantity, such as an exception.
        mistake: what the message should call it, or None where it need not know it.
    """

    quantities: tuple[str, ...] | None = None
    mistake: str | None = None


class Slips(list):
    """The slips of one notebook; calling it registers the function below."""

    def __call__(self, exercise, quantity, mistake=None, *, what=None, forward=None):
        quantities = (quantity,) if isinstance(quantity, str) else quantity

        def register(function):
            said = what or _words(function)
            self.append(Slip(exercise, said, function, forward, quantities, mistake))
            return function

        return register


class Styles(list):
    """The styles of one notebook; calling it registers the function below."""

    def __call__(self, exercise, *, what=None, forward=None):
        def register(function):
            self.append(Answer(exercise, what or _words(function), function, forward))
            return function

        return register


def _words(function):
    return function.__name__.replace("_", " ")
