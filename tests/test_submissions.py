"""What a test's last value is worth, what of a cell's outputs is kept, and what limits them."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from student_process import student_process

from autograde import CheckFailed, check
from autograde.progress import Progress
from autograde.sandbox import remote as wired
from autograde.sandbox import shell
from autograde.sandbox.grading import PNG, as_exercise, cleaned, of_value
from autograde.sandbox.shell import Shell


@pytest.fixture
def student():
    plt.close("all")  # those that other tests have left
    return Shell.instance()


@pytest.mark.parametrize("value", [None, True, np.True_, "text", [0], object()])
def test_a_test_that_ran_to_its_end_is_worth_all_points(value):
    assert of_value(value, 3) == []


@pytest.mark.parametrize("value", [False, np.False_, float("nan"), np.float64("inf")])
def test_false_and_what_is_no_number_are_worth_nothing(value):
    assert [output["output_type"] for output in of_value(value, 3)] == ["error"]


@pytest.mark.parametrize(
    ("value", "points"),
    [(2, 2.0), (0, 0.0), (np.float64(0.0), 0.0), (1.5, 1.5), (9, 3.0), (-1, 0.0)],
)
def test_a_number_is_the_points_within_what_there_is(value, points):
    (output,) = of_value(value, 3)
    assert output["data"]["text/plain"] == repr(points)


def picture(data=PNG + b"rest"):
    return base64.b64encode(data).decode()


def test_text_and_pictures_are_kept_and_nothing_else():
    shown = {"text/plain": "x", "text/html": "<script>", "image/svg+xml": "<svg/>"}
    (kept,) = cleaned([{"output_type": "display_data", "data": shown | {"image/png": picture()}}])
    assert kept["data"] == {"text/plain": "x", "image/png": picture()}


@pytest.mark.parametrize(
    "output",
    [
        None,
        [],
        {},
        {"output_type": "widget"},
        {"output_type": ["stream"]},
        {"output_type": "stream", "name": "stdout", "text": ["list"]},
        {"output_type": "display_data", "data": {"image/png": "no base64!"}},
        {"output_type": "error", "ename": "E", "evalue": 3, "traceback": []},
    ],
    ids=repr,
)
def test_outputs_of_another_form_are_dropped(output):
    assert cleaned([output]) == []
    assert cleaned(output) == []


def test_a_picture_that_is_none_is_dropped():
    shown = {"text/plain": "x", "image/png": picture(b"<script>")}
    (kept,) = cleaned([{"output_type": "display_data", "data": shown}])
    assert kept["data"] == {"text/plain": "x"}


def test_too_much_output_is_cut_and_says_so(student):
    (output,) = student.run("for k in range(10):\n    print('x' * 100_000)")
    assert len(output["text"]) < shell.MAX_TEXT + 100 and "too much output" in output["text"]


def test_a_cell_shows_what_a_notebook_shows(student):
    outputs = student.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n1 + 1")
    assert [o.get("name", o["output_type"]) for o in outputs] == [
        "stdout",
        "stderr",
        "execute_result",
    ]
    assert student.run("3;") == []
    assert student.run("1 / 0")[-1]["ename"] == "ZeroDivisionError"
    assert "off in grading" in student.run("!ls")[0]["text"]


def test_figures_can_be_switched_off(student):
    draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    assert "image/png" in student.run(draw)[-1]["data"]
    assert student.run(draw, figures=False) == []


# a student's process ---------------------------------------------------------------------------


def calls_back_for_ever(f):
    while True:
        try:
            f(1)
        except BaseException:
            continue


def test_one_that_calls_back_for_ever_is_given_up():
    with student_process({"g": calls_back_for_ever}, seconds=0.5) as remote:
        with pytest.raises(wired.StudentGone, match="did not stop"):
            remote.find("g")(lambda x: x)


def test_a_test_is_given_so_many_bytes_and_no_more(monkeypatch):
    monkeypatch.setattr(wired, "MAX_ARRAYS", 10_000)
    with student_process({"g": np.zeros}) as remote:
        g = remote.find("g")
        assert g(1000).shape == (1000,)
        with pytest.raises(wired.StudentGone, match="more bytes"):
            g(1000)


def test_a_generator_of_random_numbers_goes_on_where_the_student_left_it():
    with student_process({"g": lambda rng: rng.random(3)}) as remote:
        here, there = np.random.default_rng(5), np.random.default_rng(5)
        assert np.array_equal(remote.find("g")(there), here.random(3))
        assert there.random() == here.random()


def test_a_run_on_a_terminal_shows_a_bar_that_counts_what_is_not_graded(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    progress = Progress(2, terminal)
    progress.begin("anna")
    progress.note("a doubled cell was taken out")
    progress.fail(ValueError("no notebook\nand more"))
    progress.begin("ben")
    progress.note("check_double was missing and is there again")
    progress.close()
    said = terminal.getvalue()
    assert "2/2" in said and "1 not graded" in said
    rows = [" ".join(line.split()) for line in re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines()]
    anna = rows.index("anna NOT GRADED ValueError: no notebook")
    assert rows[anna + 1] == "a doubled cell was taken out" and "anna" not in rows[anna + 2]
    assert "ben graded check_double was missing and is there again" in rows


def test_a_run_in_which_all_is_well_tells_nothing():
    progress = Progress(1, log := io.StringIO())
    progress.begin("anna")
    progress.close()
    assert log.getvalue() == ""


def test_an_exercise_is_graded_by_the_name_that_its_test_uses():
    def readout(h, Wy, by):
        return h @ Wy + by

    with student_process({"rnn_unroll": readout}) as remote:
        rnn_unroll = as_exercise("rnn_unroll", remote.find("rnn_unroll"))
        with pytest.raises(CheckFailed) as failed:
            check(rnn_unroll)
    assert failed.value.exercise == "rnn_unroll"
