"""The checks as measuring instruments: every slip and every style, on many seeds.

make calibrate        measures, and writes the table of docs/grading.md
"""

import re
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from slips import SLIPS
from styles import STYLES

from autograde.examination import draw_sizes
from autograde.exercises import EXERCISES

SEEDS = range(200)
# Named by likelihood, from what was drawn: a wrong name in one case of a hundred is the limit.
BY_CHANCE = ("sample",)
SOME = range(10)  # those that the tests run
PAGE = Path(__file__).parent.parent / "docs" / "grading.md"
BEGIN, END = "<!-- begin: make calibrate -->\n", "<!-- end: make calibrate -->\n"


@dataclass(frozen=True)
class Outcome:
    """What the check of one answer said on one seed.

    Attributes:
        answer: the answer in words.
        seed: of the problems.
        passed: whether it was accepted, and without a note.
        quantity, mistake: what the finding names.
        expected: whether that is what it should name, a pair; None for what it need not.
        compared: whether the finding is an error of numbers, and not of shape, type or conduct.
        worst: largest error of a compared array, as a multiple of what is allowed.
    """

    answer: str
    seed: int
    passed: bool
    quantity: str | None
    mistake: str | None
    compared: bool
    worst: float


def outcomes(exercise, seeds):
    """The outcomes of all answers to one exercise: (slips', styles')."""
    return tuple(
        [
            _outcome(answer, seed)
            for seed in seeds
            for answer in answers
            if answer.exercise == exercise
        ]
        for answers in (SLIPS, STYLES)
    )


def _outcome(answer, seed):
    report = answer.report(seed)
    found = report.finding
    return Outcome(
        answer=str(answer),
        seed=seed,
        passed=report.passed and not report.notes,
        quantity=found and found.quantity,
        mistake=found and found.mistake,
        compared=bool(found) and report.worst > 1,
        worst=report.worst,
    )


def calibration(seeds):
    """The outcomes of every exercise, by name; one process a core."""
    jobs = [(name, seeds[k : k + 10]) for name in EXERCISES for k in range(0, len(seeds), 10)]
    measured = {name: ([], []) for name in EXERCISES}
    with ProcessPoolExecutor() as pool:
        done = pool.map(outcomes, *zip(*jobs, strict=True))
        for (name, _), parts in zip(jobs, done, strict=True):
            for found, part in zip(measured[name], parts, strict=True):
                found += part
    return measured


def margins(slips, styles):
    """(worst right, best wrong) error of an exercise, as multiples of what is allowed.

    None where nothing is measured: no right answer's error, or no wrong answer is told by one.
    """
    right = max((o.worst for o in styles), default=None)
    wrong = min((o.worst for o in slips if o.compared), default=None)
    return right or None, wrong


def tables(measured):
    """What every exercise checks, and how far right and wrong lie apart, as Markdown."""
    lines, notebook = [], None
    for name, outcomes in measured.items():
        if EXERCISES[name].notebook != notebook:
            notebook, seeds = EXERCISES[name].notebook, len({o.seed for o in outcomes[0]})
            head = ["", f"### Notebook {notebook}", "", f"Measured on {seeds} seeds.", ""]
            lines += [*head, HEAD, "|".join(["", *RULE, ""])]
        lines.append(f"| {' | '.join(_row(name, *outcomes))} |")
    return "\n".join(lines[1:]) + "\n\n"


HEAD = (
    "| exercise | what is checked | on further problems | slips | styles | allowed | worst right "
    "| best wrong |"
)
RULE = [" --- "] * 3 + [" --: "] * 5


def _row(name, slips, styles):
    exercise = EXERCISES[name]
    counts = [str(len({o.answer for o in outcomes})) for outcomes in (slips, styles)]
    allowed = "" if exercise.judge else f"{exercise.tolerance:.0e}"
    measured = [_times(ratio) for ratio in margins(slips, styles)]
    return [f"`{name}`", _checked(exercise), _further(exercise), *counts, allowed, *measured]


def _checked(exercise):
    """What its answer is held against."""
    if exercise.judge:
        return _said(exercise.judge)
    said = []
    for role, words in (("value", "values of"), ("gradient", "numerical gradient:")):
        names = [f"`{q.name}`" for q in exercise.returns if q.role == role]
        said += [f"{words} {', '.join(names)}"] if names else []
    return "; ".join(said)


def _further(exercise):
    """The problems of its own, beside those that every exercise has."""
    rng = np.random.default_rng(0)
    said = [re.sub(r", problem \d+$", "", words) for words in exercise.edges(rng, draw_sizes(rng))]
    said = list(dict.fromkeys(said))
    said += [f"{letter} = 1" for letter in exercise.sizes]
    said += [_said(exercise.further)] if exercise.further else []
    return "; ".join(said)


def _said(hook):
    """The first sentence of a judge's or a further trial's docstring."""
    function = getattr(hook, "func", hook)
    return function.__doc__.split("\n")[0].rstrip(".").replace("Whether", "whether")


def _times(ratio):
    return "" if ratio is None else f"{ratio:.0e}"


def write(measured, page=PAGE):
    """Put the tables between the marks of the page."""
    text = page.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(head + BEGIN + tables(measured) + END + tail)


def faults(measured):
    """Sentences on everything that a calibrated check would not have said."""
    slips = {str(slip): slip for slip in SLIPS}
    wrong = [(slips[o.answer], o) for outcomes, _ in measured.values() for o in outcomes]
    right = [o for _, outcomes in measured.values() for o in outcomes]
    yield from _each("a wrong answer passes", (o for _, o in wrong if o.passed))
    yield from _each("a right answer is refused", (o for o in right if not o.passed))
    misnamed = [(slip, o) for slip, o in wrong if o.mistake not in (slip.mistake, None)]
    yield from _each(
        "a wrong mistake is named", (o for slip, o in misnamed if slip.exercise not in BY_CHANCE)
    )
    drawn = sum(slip.exercise in BY_CHANCE for slip, _ in wrong)
    by_chance = sum(slip.exercise in BY_CHANCE for slip, _ in misnamed)
    if by_chance > 0.01 * drawn:
        yield f"a wrong mistake is named in {by_chance / drawn:.1%} of {', '.join(BY_CHANCE)}"
    about = [(slip.quantities, o) for slip, o in wrong if slip.quantities]
    named = sum(o.quantity in quantities for quantities, o in about) / len(about)
    if named < 0.98:
        yield f"the quantity is named in {named:.1%} of the cases, expected 98 %"
    known = sum(slip.mistake is not None and o.mistake == slip.mistake for slip, o in wrong)
    if known < 0.85 * len(wrong):
        yield f"the mistake is named in {known / len(wrong):.1%} of the cases, expected 85 %"
    for name, outcomes in measured.items():
        worst, best = margins(*outcomes)
        if (worst or 0) > 0.25 or (best or 2) < 1:
            yield f"{name}: right and wrong lie close together, {worst} and {best}"


def _each(what, outcomes):
    seeds = defaultdict(list)
    for o in outcomes:
        seeds[o.answer].append(o.seed)
    for answer, found in seeds.items():
        yield f"{what}: {answer}, on {len(found)} seeds, such as {found[0]}"


if __name__ == "__main__":
    measured = calibration(SEEDS)
    write(measured)
    found = list(faults(measured))
    print(
        "\n".join(found)
        or f"{len(SLIPS)} slips and {len(STYLES)} styles, {len(SEEDS)} seeds: no fault."
    )
    sys.exit(bool(found))
