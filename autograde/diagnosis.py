"""Words for what is wrong: where an answer first leaves the right one, what came instead, and
which line of the student's code raised."""

import linecache
import sysconfig
import traceback
from pathlib import Path

import numpy as np

_ROOT = Path(__file__).resolve().parent.parent
_NOT_THEIRS = (str(_ROOT / "autograde"), str(_ROOT / "helpers"), sysconfig.get_path("stdlib"))


def describe(value):
    """A value in a few words."""
    if hasattr(type(value), "described"):  # it lives in another process
        return value.described
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple | list):
        return f"a {'tuple' if isinstance(value, tuple) else 'list'} of {len(value)}"
    if isinstance(value, dict):
        keys = ", ".join(map(repr, value))
        return f"a dict with the keys {keys}" if keys else "an empty dict"
    if value is None:
        return "nothing (None)"
    return f"{type(value).__name__} {value!r}"[:80]


def shape_with_letters(letters, shape):
    """`(N, T, 4H) = (2, 5, 12)`, or the numbers alone where the letters do not fit."""
    if len(letters) != len(shape):
        return str(shape)
    return f"({', '.join(letters)}{',' if len(letters) == 1 else ''}) = {shape}"


def index(place):
    """`[0, 2]`"""
    return "[" + ", ".join(str(int(i)) for i in place) + "]"


def where(part, got, expected, tolerance):
    """Where an answer first leaves the right one, with both numbers.

    Args:
        part: the Quantity.
        got, expected: arrays of one shape, or numbers.
        tolerance: largest relative error that counts as right.
    """
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    if got.ndim == 0:
        return f"{part.name}: {two_numbers(expected, got)}."
    gap, when = np.abs(got - expected), ""
    time = part.letters.index("T") if "T" in part.letters else None
    if time is not None and len(part.letters) == gap.ndim and gap.shape[time] > 1:
        t, when = _first_wrong_step(gap, time, tolerance * np.abs(expected).max(), part.role)
        elsewhere = np.arange(gap.shape[time]) != t
        gap = gap.copy()
        np.moveaxis(gap, time, 0)[elsewhere] = 0
    place = np.unravel_index(gap.argmax(), gap.shape)
    return (
        f"{part.name} is not right.{when} "
        f"{part.name}{index(place)}: {two_numbers(expected[place], got[place])}."
    )


def two_numbers(expected, got):
    """Both with as many digits as it takes to tell them apart."""
    if f"{expected:.6g}" != f"{got:.6g}":
        return f"expected {expected:.6g}, got {got:.6g}"
    return (
        f"expected {expected:.17g}, got {got:.17g} (they part after the seventh digit: look for "
        "float32 or a small constant)"
    )


def _first_wrong_step(gap, axis, allowed, role):
    """The time step at which an error begins, in the direction of computing, and a sentence.

    An array that has no other axis need not run along time: its places are entries, from the first.
    """
    per_step = np.moveaxis(gap, axis, 0).reshape(gap.shape[axis], -1).max(axis=1)
    wrong, last = np.flatnonzero(per_step > allowed), len(per_step) - 1
    one, all_of_them = ("entry", "entries") if gap.ndim == 1 else ("time step", "time steps")
    backward = role == "gradient"
    t = int(wrong[-1] if backward else wrong[0]) if len(wrong) else int(per_step.argmax())
    if len(wrong) == last + 1:
        return t, f" Every {one} is wrong, from the {'last' if backward else 'first'} one on."
    at = t if gap.ndim == 1 else f"t = {t}"
    if len(wrong) == 1:
        return t, f" Of the {all_of_them} 0 to {last} only {at} is wrong."
    direction = ", going back from the last step" if backward else ", going forward"
    direction = "" if gap.ndim == 1 else direction
    return t, f" Of the {all_of_them} 0 to {last} the first wrong one is {at}{direction}."


def rest(names, wrong, name):
    """Which other quantities are wrong too, and which are right: half of a diagnosis."""
    also = [q for q in wrong if q != name]
    right = [q for q in names if q not in wrong]
    text = f" Also wrong: {', '.join(also)}." if also else ""
    return text + (f" Right: {', '.join(right)}." if right else "")


def explain_exception(error):
    """An exception, with the line of the student's code where it came up."""
    text = f"{type(error).__name__}: {error}"
    said = getattr(error, "place", "") or "".join(map(place, students_frames(error)[-1:]))
    return f"{text}\n{said}" if said else f"{text}."


def students_frames(error):
    """The frames of an exception's traceback that are in the student's code."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_NOT_THEIRS)
        and "site-packages" not in frame.filename
        and not frame.filename.endswith(".pyx")  # compiled parts of NumPy
    ]


def place(frame):
    """Where a frame is, and its line."""
    line = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
    return f"in {frame.name}, line {frame.lineno}: {line}"


def fitting_slip(slips, said, problem, telling, call):
    """The slip that says what an answer says, here and on other problems.

    For answers that no two numbers of which can be compared, such as sentences.

    Args:
        slips: (name, function, says), each function as wrong as its name says.
        said: what the answer says on `problem`, a dict of arguments.
        telling: () -> list of problems that tell the slips apart.
        call: problem -> what the answer says.

    Returns:
        (name, sentence), or (None, "").
    """
    fits = [one for one in slips if answer_of(one[1], problem) == said]
    for other in telling() if fits else ():
        try:
            said = call(other)
        except Exception:  # it may well fail elsewhere; then it is none of the slips
            return None, ""
        fits = [one for one in fits if answer_of(one[1], other) == said]
    if not fits:
        return None, ""
    name, _, says = fits[0]
    return name, f"A known mistake gives exactly this: {name}. {says}"


def answer_of(slip, problem):
    """What a slip answers, or None where it cannot."""
    try:
        with np.errstate(all="ignore"):
            return slip(**problem)
    except Exception:  # a wrong function may well fail on some problem
        return None
