"""The sample class: what students hand in, and what should come of it.

Made out of the solutions: complete, blank, forward passes only, typical mistakes, and accidents.
"""

import re
import textwrap
from dataclasses import dataclass, field

import nbformat

from autograde.exercises import EXERCISES

UNWRITTEN = "not written yet"
MARKERS = re.compile(r"^ *### (BEGIN|END) SOLUTION.*\n?", re.MULTILINE)
STUB = re.compile(r"^( *)raise NotImplementedError\(.*\)$", re.MULTILINE)


@dataclass(frozen=True)
class TypicalMistake:
    """A student who has everything right but one exercise.

    Attributes:
        student: the name in the gradebook.
        exercise: the one that is wrong.
        edits: pairs (text of the solution, text in its place); each occurs in it exactly once.
        quantity, mistake: what the check's message has to name.
    """

    student: str
    exercise: str
    edits: tuple[tuple[str, str], ...]
    quantity: str
    mistake: str


@dataclass(frozen=True)
class Accident:
    """A student one of whose functions does not return.

    Attributes:
        student: the name in the gradebook.
        exercise: the function concerned.
        body: what stands in the place of its stub.
        reason: what the table has to say of it.
        ends: whether the student's process ends with it, and with it all later exercises.
    """

    student: str
    exercise: str
    body: str
    reason: str
    ends: bool


MISTAKES = (
    TypicalMistake(
        "state_lost",
        "rnn_unroll",
        (("rnn_step(x[:, t], h, Wx, Wh, b)", "rnn_step(x[:, t], h0, Wx, Wh, b)"),),
        quantity="h",
        mistake="state not carried on",
    ),
    TypicalMistake(
        "time_averaged",
        "softmax_loss",
        (
            (".sum() / N", ".sum() / (N * T)"),
            ("return loss, dscores / N", "return loss, dscores / (N * T)"),
        ),
        quantity="loss",
        mistake="mean over time as well as over the batch",
    ),
    TypicalMistake(
        "slope_lost",
        "rnn_step_backward",
        (("da = dh * (1 - h**2)", "da = dh"),),
        quantity="dx",
        mistake="tanh derivative left out",
    ),
    TypicalMistake(
        "sum_lost",
        "rnn_backward",
        (
            ("dWx = dWx + dWx_t", "dWx = dWx_t"),
            ("dWh = dWh + dWh_t", "dWh = dWh_t"),
            ("db = db + db_t", "db = db_t"),
        ),
        quantity="dWx",
        mistake="= for += over time",
    ),
    TypicalMistake(
        "repeats_lost",
        "embedding_backward",
        (("np.add.at(dE, tokens, dout)", "dE[tokens] += dout"),),
        quantity="dE",
        mistake="repeated tokens overwrite each other",
    ),
    TypicalMistake(
        "transpose_lost",
        "gradient_norms",
        (("dh @ Wh.T", "dh @ Wh"),),
        quantity="norms",
        mistake="Wh not transposed",
    ),
    TypicalMistake(
        "name_rebound",
        "clip_by_norm",
        (("grad *= factor", "grad = grad * factor"),),
        quantity="grads['Wx']",
        mistake="not in place",
    ),
    TypicalMistake(
        "forgetting_lost",
        "lstm_step_backward",
        (("dc_prev = at_c * f", "dc_prev = at_c"),),
        quantity="dc_prev",
        mistake="dc not carried through the forget gate",
    ),
    TypicalMistake(
        "reset_lost",
        "gru_step_backward",
        (
            (
                "dh_prev = dh * z + dseen * r + da_gates",
                "dh_prev = dh * z + dseen + da_gates",
            ),
        ),
        quantity="dh_prev",
        mistake="r forgotten on the way to h_prev",
    ),
    TypicalMistake(
        "look_lost",
        "attention_lstm_step_backward",
        (("dh_prev = dh_gates + dh_look", "dh_prev = dh_gates"),),
        quantity="dh_prev",
        mistake="look left out of dh_prev",
    ),
    TypicalMistake(
        "mask_lost",
        "stacked_lstm_backward",
        (("        if masks is not None:\n            dh = dh * masks[k]\n", ""),),
        quantity="dx",
        mistake="masks left out on the way back",
    ),
    TypicalMistake(
        "waiting_lost",
        "encode_backward",
        (
            (
                "np.where(here, dh_prev, dh_last), np.where(here, dc_prev, dc_last)",
                "dh_prev, dc_prev",
            ),
        ),
        quantity="dE",
        mistake="gradient lost in the padding",
    ),
    TypicalMistake(
        "downwards_lost",
        "best_unit",
        (("np.maximum(areas, 1 - areas)", "areas"),),
        quantity="unit",
        mistake="one way only",
    ),
    TypicalMistake(
        "error_image_lost",
        "draw_step_backward",
        (("dcanvas - dseen[:, P : 2 * P] * guess * (1 - guess)", "dcanvas"),),
        quantity="dstate['canvas']",
        mistake="the canvas' way through the error image left out",
    ),
)

ACCIDENTS = (
    Accident("crash", "rnn_unroll", "import os\nos._exit(1)", "ProcessEnded", ends=True),
    Accident("endless", "rnn_unroll", "while True:\n    pass", "CellTimeoutError", ends=False),
)


@dataclass(frozen=True)
class Submission:
    """What a student hands in of one notebook, and what should come of it.

    Attributes:
        student: the name in the gradebook.
        notebook: the notebook's name.
        cells: by exercise the text of its solution cell; the other cells stay as released.
        lost: by exercise that should earn no points, the words that its message has to contain.
        not_graded: the words that say why nbgrader could not grade it; None where it can.
    """

    student: str
    notebook: str
    cells: dict[str, str]
    lost: dict[str, tuple[str, ...]] = field(default_factory=dict)
    not_graded: str | None = None


def exercises_of(notebook):
    """The exercises that a notebook asks for, by name."""
    number = notebook.split("_")[0]
    return {name: one for name, one in EXERCISES.items() if one.notebook == number}


def is_forward(exercise):
    """Whether a student who writes forward passes only has written this.

    Left out is what returns gradients or is named after them, and what changes parameters in place
    (optimisers, clipping).
    """
    return not (exercise.has_gradients or "gradient" in exercise.name or exercise.in_place)


def sample_class(notebook, solved, stubs):
    """The submissions of one notebook.

    Args:
        notebook: its name.
        solved: by exercise, the text of the solution cell with the solution in it.
        stubs: by exercise, the same cell as students get it.

    Returns:
        list of Submission.
    """
    asked = exercises_of(notebook)
    backward = [name for name, one in asked.items() if not is_forward(one)]
    return [
        Submission("complete", notebook, solved),
        Submission("blank", notebook, {}, unwritten(asked)),
        Submission("forward_only", notebook, without(solved, backward), unwritten(backward)),
        *(with_mistake(notebook, solved, one) for one in MISTAKES if one.exercise in asked),
        *(
            with_accident(notebook, solved, stubs, one)
            for one in ACCIDENTS
            if one.exercise in asked
        ),
    ]


def unwritten(names):
    return {name: (UNWRITTEN,) for name in names}


def without(cells, names):
    return {name: text for name, text in cells.items() if name not in names}


def with_mistake(notebook, solved, mistake):
    cell = edited(solved[mistake.exercise], mistake)
    expected = {mistake.exercise: (mistake.quantity, mistake.mistake)}
    return Submission(mistake.student, notebook, solved | {mistake.exercise: cell}, expected)


def edited(solution, mistake):
    """The solution with a typical mistake in it."""
    for right, wrong in mistake.edits:
        found = solution.count(right)
        if found != 1:
            raise ValueError(
                f"{mistake.student}: expected {right!r} once in the solution of "
                f"{mistake.exercise}, got it {found} times. The solution has changed: write the "
                "edit in autograde/sample_class.py (MISTAKES) anew."
            )
        solution = solution.replace(right, wrong)
    return solution


def with_accident(notebook, solved, stubs, accident):
    name, said = accident.exercise, accident.reason
    cell = STUB.sub(lambda stub: textwrap.indent(accident.body, stub[1]), stubs[name])
    cells = solved | {name: cell}
    asked = list(exercises_of(notebook))
    last = None if accident.ends else asked.index(name) + 1
    lost = asked[asked.index(name) : last]
    return Submission(accident.student, notebook, cells, dict.fromkeys(lost, (said,)))


def solution_cells(path):
    """The text of each solution cell of a notebook, by exercise, without the markers."""
    return {
        cell.id: MARKERS.sub("", cell.source)
        for cell in nbformat.read(path, as_version=4).cells
        if cell.id in EXERCISES
    }
