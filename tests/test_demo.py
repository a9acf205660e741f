"""`make demo`: its sample class, and what grading it in a scratch course gives."""

import ast
import csv
import io
import shutil

import nbformat
import numpy as np
import pytest
from rich.console import Console

import helpers
from autograde import CheckFailed, check, demo
from autograde.demo import Result, message, why_not_graded
from autograde.exercises import EXERCISES
from autograde.release import ROOT, generate, sources
from autograde.sample_class import (
    ACCIDENTS,
    MISTAKES,
    UNWRITTEN,
    Submission,
    TypicalMistake,
    edited,
    exercises_of,
    is_forward,
    sample_class,
    solution_cells,
)
from autograde.seed import VARIABLE

NOTEBOOKS = [path.stem for path in sources(ROOT)]
GRADED = NOTEBOOKS[::2]  # all of them take six minutes, and `make demo` grades them
INSTRUCTORS = (
    "autograde/submitted/complete/01_rnn_intro/01_rnn_intro.ipynb",
    "autograde/autograded/complete/01_rnn_intro/01_rnn_intro.ipynb",
    "autograde/feedback/complete/01_rnn_intro/01_rnn_intro.html",
    "autograde/gradebook.db",
    "autograde/course_seed",
    "autograde/grades.csv",
    "notebooks/01_rnn_intro/01_rnn_intro.ipynb",
)

# By notebook, what a student who writes forward passes only has not written.
BACKWARD = {
    "01": set(),
    "02": {"softmax_loss"},
    "03": {
        "numerical_gradient",
        "rnn_step_backward",
        "rnn_backward",
        "embedding_backward",
        "adagrad_update",
        "tbptt_gradients",
    },
    "04": {"gradient_norms", "scalar_gradient", "tanh_gradient_norms"},
    "05": {"clip_by_norm", "clip_by_value"},
    "06": {"lstm_step_backward", "lstm_backward", "cell_gradient"},
    "07": {"gru_step_backward", "gru_backward"},
    "08": {
        "temporal_softmax_loss",
        "image_rnn_step_backward",
        "attention_backward",
        "attention_lstm_step_backward",
    },
    "09": {"stacked_lstm_backward", "tied_softmax_loss"},
    "10": {"encode_backward", "seq2seq_loss"},
    "11": {"connectivity"},
    "12": {"bernoulli_loss", "latent_backward", "draw_step_backward", "draw_loss"},
}


def most(notebook):
    return sum(exercise.points for exercise in exercises_of(notebook).values())


def by_student(students):
    return pytest.mark.parametrize("one", students, ids=lambda one: one.student)


# ------------------------------------------------------------------------------------- the class


@pytest.fixture(scope="module")
def solved():
    return {name: cell for path in sources(ROOT) for name, cell in solution_cells(path).items()}


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    made = tmp_path_factory.mktemp("release") / "notebooks"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "1")
        generate(ROOT, made)
    return {n: cell for path in made.glob("*/*.ipynb") for n, cell in solution_cells(path).items()}


def test_a_notebook_gives_a_cell_for_each_exercise_without_markers(solved):
    assert set(solved) == {name for notebook in NOTEBOOKS for name in exercises_of(notebook)}
    assert not any("### " in cell for cell in solved.values())


@by_student(MISTAKES)
def test_a_typical_mistake_is_known_to_the_check(one, solved):
    scope = {"np": np, **vars(helpers)}
    notebook = exercises_of(EXERCISES[one.exercise].notebook)
    cells = {name: solved[name] for name in notebook} | {
        one.exercise: edited(solved[one.exercise], one)
    }
    for cell in cells.values():
        exec(cell, scope)
    forward = EXERCISES[one.exercise].takes_forward and EXERCISES[one.exercise].forward.__name__
    with pytest.raises(CheckFailed) as failed:
        check(scope[one.exercise], forward=scope[forward] if forward else None)
    assert (failed.value.quantity, failed.value.mistake) == (one.quantity, one.mistake)


@pytest.mark.parametrize("solution, times", [("h = g", 0), ("h = f + f", 2)])
def test_an_edit_that_does_not_fit_the_solution_says_so(solution, times):
    mistake = TypicalMistake("wrong", "rnn_unroll", (("f", "g"),), "h", "")
    wanted = (
        f"wrong: expected 'f' once in the solution of rnn_unroll, got it {times} times.*MISTAKES"
    )
    with pytest.raises(ValueError, match=wanted):
        edited(solution, mistake)


@pytest.mark.parametrize("number", sorted(BACKWARD))
def test_forward_passes_are_what_has_nothing_to_do_with_gradients(number):
    left_out = {name for name, one in exercises_of(number).items() if not is_forward(one)}
    assert left_out == BACKWARD[number]


def test_every_backward_pass_is_left_out_of_forward_only():
    assert not any(is_forward(one) for one in EXERCISES.values() if one.takes_forward)
    assert not any(is_forward(one) for name, one in EXERCISES.items() if name.endswith("_backward"))


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_cell_of_every_submission_is_python(notebook, solved, stubs):
    for submission in sample_class(notebook, solved, stubs):
        for name, cell in submission.cells.items():
            defined = [node.name for node in ast.parse(cell).body if hasattr(node, "name")]
            assert name in defined


@by_student(ACCIDENTS)
def test_an_accident_stands_in_the_place_of_the_stub(one, solved, stubs):
    notebook = EXERCISES[one.exercise].notebook
    (submission,) = (s for s in sample_class(notebook, solved, stubs) if s.student == one.student)
    cell = submission.cells[one.exercise]
    assert "NotImplementedError" in stubs[one.exercise]
    assert "NotImplementedError" not in cell
    assert ast.unparse(ast.parse(cell).body[0].body[1:]) == one.body


def test_every_student_has_a_name_of_their_own():
    names = ["complete", "blank", "forward_only", *(one.student for one in MISTAKES + ACCIDENTS)]
    assert len(set(names)) == len(names)


# ---------------------------------------------------------------------------- reading what came out


EXPECTED = Submission("x", "01_rnn_intro", {}, {"rnn_unroll": ("h", "state not carried on")})
TOLD = {"rnn_unroll": "h is not right. state not carried on"}
POINTS = {name: exercise.points for name, exercise in exercises_of("01").items()}
CRASHED = Submission("x", "01_rnn_intro", {}, not_graded="Kernel died")


@pytest.mark.parametrize(
    "result, says",
    [
        (Result(EXPECTED, POINTS | {"rnn_unroll": 0}, TOLD), []),
        (Result(EXPECTED, POINTS, {}), ["x, 01_rnn_intro, rnn_unroll: expected 0 points, got 3"]),
        (
            Result(EXPECTED, POINTS | {"rnn_unroll": 0, "readout": 0}, TOLD | {"readout": "bias"}),
            ["readout: expected 2 points, got 0. bias"],
        ),
        (
            Result(EXPECTED, POINTS | {"rnn_unroll": 0}, {"rnn_unroll": "the state"}),
            ["expected a message with h and state not carried on, got: the state"],
        ),
        (Result(EXPECTED, {}, {}, "Kernel died"), ["expected grades, got Kernel died"]),
        (Result(CRASHED, {}, {}, "DeadKernelError: Kernel died"), []),
        (Result(CRASHED, POINTS, {}), ["expected not graded (Kernel died), got grades"]),
        (Result(CRASHED, {}, {}, "bad JSON"), ["expected not graded (Kernel died), got bad JSON"]),
    ],
)
def test_what_is_not_as_expected_is_said(result, says):
    found = list(result.surprises())
    assert len(found) == len(says)
    assert all(wanted in sentence for wanted, sentence in zip(says, found, strict=True))


LOG = """\
[AutogradeApp | ERROR] There was an error processing assignment: /c/submitted/one/01_rnn_intro
[AutogradeApp | ERROR] Traceback (most recent call last):
      File "client.py", line 1
    nbclient.exceptions.DeadKernelError: Kernel died

[AutogradeApp | WARNING] Removing failed assignment: /c/autograded/one/01_rnn_intro
"""


def test_the_reason_is_found_in_nbgraders_log():
    assert why_not_graded(LOG, "one") == "nbclient.exceptions.DeadKernelError: Kernel died"
    assert why_not_graded(LOG, "two") == "nbgrader does not say why"


def failed_cell(**error):
    made = nbformat.v4.new_output("error", **{"ename": "", "evalue": "", "traceback": []} | error)
    return nbformat.v4.new_code_cell(outputs=[made])


def test_a_failed_cell_is_quoted():
    timed_out = {
        "ename": "CellTimeoutError",
        "traceback": ["\x1b[0;31mCellTimeoutError\x1b[0m: late"],
    }
    assert message(failed_cell(**timed_out)) == "CellTimeoutError: late"
    assert message(failed_cell(ename="NameError", evalue="no h")) == "NameError: no h"
    assert message(failed_cell(ename="CheckFailed", evalue="h is wrong")) == "h is wrong"
    assert message(nbformat.v4.new_code_cell()) == "no message"


# -------------------------------------------------------------------------------------- the command


@pytest.mark.parametrize("surprises, code", [([], 0), (["something"], 1)])
def test_the_exit_code_says_whether_all_was_as_expected(surprises, code, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(demo, "run", lambda *arguments: (asked.append(arguments), surprises))
    folder = tmp_path / "new"
    assert demo.main(["--folder", str(folder), "01_rnn_intro"]) == code
    assert asked[0][:2] == (folder, ["01_rnn_intro"])


def test_a_notebook_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        demo.main(["99_nothing"])
    assert "got 99_nothing" in capsys.readouterr().err


def test_a_folder_with_files_in_it_is_refused(tmp_path, capsys):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(SystemExit):
        demo.main(["--folder", str(tmp_path)])
    assert "expected an empty folder" in capsys.readouterr().err


# ----------------------------------------------------------------------------------- the whole demo


class Demo:
    """The demo's results, all that it printed, and the instructor's files before and after."""

    def __init__(self, course, folder):
        printed = io.StringIO()
        console = Console(file=printed, width=100, highlight=False)
        self.before = contents(course)
        results, self.surprises = demo.run(folder, GRADED, console)
        self.after = contents(course)
        self.folder, self.printed = folder, printed.getvalue()
        self.results = {(r.student, r.submission.notebook): r for r in results}

    def of(self, student):
        """What came of a student's only submission."""
        (result,) = (r for (name, _), r in self.results.items() if name == student)
        return result


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lay_out_course(root):
    """The course in the midst of a term, with work that must not be lost."""
    shutil.copytree(ROOT / "solutions", root / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for name in INSTRUCTORS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a term's work")
    return root


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    course = lay_out_course(tmp_path_factory.mktemp("instructor"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "20260101")
        patch.setattr(demo, "ROOT", course)
        patch.chdir(course)
        return Demo(course, tmp_path_factory.mktemp("demo"))


def slow(test):
    """The first of these runs the whole demo."""
    return pytest.mark.slow(pytest.mark.timeout(900)(pytest.mark.xdist_group("grading")(test)))


@slow
def test_the_demo_comes_out_as_it_expects(ran):
    assert ran.surprises == []
    assert f"{len(ran.results)} submissions, none not as expected" in ran.printed


@slow
@pytest.mark.parametrize("notebook", GRADED)
def test_complete_has_full_marks_and_blank_none(ran, notebook):
    complete, blank = ran.results["complete", notebook], ran.results["blank", notebook]
    assert (complete.total, complete.messages) == (most(notebook), {})
    assert set(blank.points.values()) == {0}
    assert all(UNWRITTEN in said for said in blank.messages.values())


@slow
@pytest.mark.parametrize("notebook", GRADED)
def test_forward_only_has_the_points_of_its_exercises(ran, notebook):
    result = ran.results["forward_only", notebook]
    asked = exercises_of(notebook)
    assert result.points == {n: e.points if is_forward(e) else 0 for n, e in asked.items()}


def graded(one):
    return any(name.startswith(EXERCISES[one.exercise].notebook) for name in GRADED)


@slow
@by_student([one for one in MISTAKES if graded(one)])
def test_a_typical_mistake_costs_its_exercise_and_is_named(ran, one):
    result = ran.of(one.student)
    asked = exercises_of(result.submission.notebook)
    assert result.points == {n: 0 if n == one.exercise else e.points for n, e in asked.items()}
    assert list(result.messages) == [one.exercise]
    verdict, found, explained, *_ = result.messages[one.exercise].splitlines()
    assert verdict == f"{EXERCISES[one.exercise].title}: not yet right"
    assert found.startswith((f"{one.quantity} is not right.", f"{one.quantity}: expected"))
    (known,) = (m for m in EXERCISES[one.exercise].mistakes if m.name == one.mistake)
    assert explained == known.sentence
    assert f"{verdict} {found} {explained}" in " ".join(ran.printed.split())


@slow
@by_student(ACCIDENTS)
def test_a_crash_and_an_endless_loop_have_their_reasons(ran, one):
    result = ran.of(one.student)
    lost = result.submission.lost
    assert (len(lost) > 1) == one.ends
    assert result.total == most(result.submission.notebook) - sum(EXERCISES[n].points for n in lost)
    assert all(one.reason in result.messages[name] for name in lost)
    assert one.reason in ran.printed


@slow
def test_the_export_has_the_same_totals(ran):
    with open(ran.folder / "autograde" / "grades.csv", newline="") as file:
        rows = {(row["student_id"], row["assignment"]): row for row in csv.DictReader(file)}
    for key, result in ran.results.items():
        assert float(rows[key]["score"]) == (result.total or 0)


@slow
def test_everyone_who_was_graded_has_a_feedback_page(ran):
    feedback = ran.folder / "autograde" / "feedback"
    pages = {(path.parts[-3], path.stem) for path in feedback.glob("*/*/*.html")}
    assert pages == {key for key, result in ran.results.items() if not result.not_graded}
    assert f"feedback: {feedback}" in ran.printed


@slow
def test_an_instructors_own_files_are_not_touched(ran):
    assert ran.after == ran.before
