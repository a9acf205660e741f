"""A class through `nbgrader autograde`: as stock nbgrader grades it or better, and after a kill."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
import styles
from grading import SKIPPING, STOCK
from nbgrader.api import Gradebook
from rich.console import Console
from tiny_course import NAME, nbgrader, write_course

from autograde import demo
from autograde.demo import Course
from autograde.exercises import EXERCISES
from autograde.release import ROOT, sources
from autograde.sample_class import Submission, exercises_of

# They look at all the processes that there are: one after the other.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("grading")]


@pytest.mark.parametrize("notebook", ["01_rnn_intro", "05_clipping"])
def test_honest_work_scores_what_stock_nbgrader_gives_it(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("RNN_BY_HAND_SEED", "7")
    points = {}
    for way, config in (("ours", ""), ("stock", STOCK + SKIPPING)):
        course = Course(tmp_path / way, [notebook], Console(quiet=True), seconds_per_cell=20)
        with open(course.folder / "nbgrader_config.py", "a") as file:
            file.write(config)
        results = course.grade(notebook)
        points[way] = {result.student: result.points for result in results}
    assert set(points["ours"]) == set(points["stock"]) and len(points["ours"]) >= 4
    dead = points["stock"].pop("crash", None)  # stock nbgrader drops the whole submission
    mine = points["ours"].pop("crash", None)
    assert points["ours"] == points["stock"]
    if dead is not None:
        assert set(dead.values()) == {None} and any(mine.values())


REGISTER = """
class Styles(list):
    def __call__(self, *arguments, forward=None, **keywords):
        return lambda function: self.append((function, forward)) or function
"""


def style_class(notebook, *_):
    """A class in whose submissions each exercise is answered in one of its styles."""
    module = next(m for m in styles.NOTEBOOKS if _notebook_of(m) == notebook.split("_")[0])
    text = Path(module.__file__).read_text().replace("from answers import Styles", REGISTER)
    answers = {name: [] for name in exercises_of(notebook)}
    for k, style in enumerate(module.style):
        answers[style.exercise].append((k, style))
    for student in range(max(map(len, answers.values()))):
        cells = {}
        for name, found in answers.items():
            k, style = found[student % len(found)] if found else (None, None)
            if style is None:
                continue
            bound = [f"{name}, forward = style[{k}]"]
            if EXERCISES[name].takes_forward:
                theirs = EXERCISES[name].forward
                course = f"from {theirs.__module__} import {theirs.__name__}"
                bound.append(f"{theirs.__name__} = forward" if style.forward else course)
            cells[name] = "\n".join([text, *bound])
        yield Submission(f"student{student}", notebook, cells)


def _notebook_of(module):
    return EXERCISES[module.style[0].exercise].notebook


@pytest.mark.parametrize("module", styles.NOTEBOOKS, ids=_notebook_of)
def test_right_answers_in_any_style_score_what_stock_nbgrader_gives_them(
    module, tmp_path, monkeypatch
):
    monkeypatch.setenv("RNN_BY_HAND_SEED", "7")
    monkeypatch.setattr(demo, "sample_class", lambda *known: list(style_class(*known)))
    (notebook,) = (n.stem for n in sources(ROOT) if n.stem.startswith(_notebook_of(module)))
    points = {}
    for way, config in (("ours", ""), ("stock", STOCK + SKIPPING)):
        course = Course(tmp_path / way, [notebook], Console(quiet=True), seconds_per_cell=30)
        with open(course.folder / "nbgrader_config.py", "a") as file:
            file.write(config)
        points[way] = {result.student: result.points for result in course.grade(notebook)}
    assert points["ours"] == points["stock"] and len(points["ours"]) >= 2
    answered = {style.exercise for style in module.style}
    for earned in points["ours"].values():
        for name in answered:
            assert earned[name] == EXERCISES[name].points, (name, points["ours"])


def submit(root, students):
    nb = nbformat.read(root / "notebooks" / NAME / f"{NAME}.ipynb", as_version=4)
    for cell in nb.cells:
        if cell.id == "double":
            cell.source = "import time\ntime.sleep(1)\ndef double(x):\n    return 2 * x"
    for student in students:
        folder = root / "autograde" / "submitted" / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(nb, folder / f"{NAME}.ipynb")


def graded(root):
    """The students whose `double` has its points."""
    with Gradebook(f"sqlite:///{root}/autograde/gradebook.db", "rnn-by-hand") as gradebook:
        submissions = gradebook.assignment_submissions(NAME)
        return {s.student_id for s in submissions if s.score == 2}


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_ended_goes_on_where_it_was(end, tmp_path):
    root, students = write_course(tmp_path), {f"student{k:02}" for k in range(12)}
    nbgrader(root, "generate_assignment", NAME)
    submit(root, students)
    command = [sys.executable, "-m", "nbgrader", "autograde", NAME]
    running = subprocess.Popen(
        command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    folder, deadline = root / "autograde" / "autograded", time.monotonic() + 120
    while len(list(folder.glob("*/*/*.ipynb"))) < 4:
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    helpers = psutil.Process(running.pid).children(recursive=True)
    for _ in range(2):  # people press Ctrl-C twice, and Python may lose one
        if running.poll() is None:
            os.kill(running.pid, end)
            time.sleep(0.7)
    running.wait(60)
    gone, alive = psutil.wait_procs(helpers, timeout=20)
    assert helpers and not alive
    with sqlite3.connect(root / "autograde" / "gradebook.db") as gradebook:
        assert gradebook.execute("pragma integrity_check").fetchall() == [("ok",)]
    before = graded(root)
    assert 1 <= len(before) < len(students)
    nbgrader(root, "autograde", NAME)
    assert graded(root) == students
    assert list((root / "autograde" / "half_done").iterdir()) == []
