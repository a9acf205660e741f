"""Grade a sample class in a scratch course, as an instructor would, and show what comes of it.

    python -m autograde.demo                   all notebooks in solutions/
    python -m autograde.demo 01_rnn_intro      these only

The scratch course is a new folder with a copy of solutions/ and of nbgrader_config.py; an
instructor's own submissions, grades and notebooks are not touched. It is kept, so that the feedback
pages can be opened.

Exit code: 0 if every submission came out as expected, the crash and the endless loop among them;
1 if one did not, and the last lines say which and how.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from traitlets.config import PyFileConfigLoader

from autograde.exercises import EXERCISES
from autograde.release import ROOT, sources
from autograde.sample_class import (
    UNWRITTEN,
    Submission,
    exercises_of,
    sample_class,
    solution_cells,
)
from autograde.seed import VARIABLE

SECONDS_PER_CELL = 15  # a check takes less than one; what comes on top is for a busy machine
SECONDS_PER_COMMAND = 1200
TRIED = re.compile(r"  [✓✗·] ")
LOG_ENTRY = re.compile(r"^\[\w+ \| \w+\] ", re.MULTILINE)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


# ------------------------------------------------------------------------------ the scratch course


class Course:
    """A course of its own in an empty folder."""

    def __init__(self, folder, notebooks, console, seconds_per_cell=SECONDS_PER_CELL):
        self.folder, self.console, self.seconds_per_cell = folder, console, seconds_per_cell
        self.log = folder / "demo.log"
        self.surprises = []
        folder.mkdir(parents=True, exist_ok=True)
        for name in notebooks:
            shutil.copytree(
                ROOT / "solutions" / name,
                folder / "solutions" / name,
                ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
            )
        shutil.copy(ROOT / "nbgrader_config.py", folder)
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()

    def place(self, step, student, notebook):
        """The folder of a submission after a step: "submitted", "autograded" or "feedback"."""
        return self.folder / self.config.CourseDirectory[f"{step}_directory"] / student / notebook

    @property
    def grades(self):
        return Path(self.config.ExportPlugin.to)

    @property
    def gradebook(self):
        return Gradebook(self.config.CourseDirectory.db_url, self.config.CourseDirectory.course_id)

    def nbgrader(self, *arguments, exits=0):
        """Run one of nbgrader's commands, and return what it logged."""
        command = " ".join(["nbgrader", *arguments])
        self.console.print(f"$ {command}", end="", markup=False)
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_PER_COMMAND,
        )
        seconds = time.perf_counter() - start
        self.console.print(f"  (exit code {done.returncode}, {seconds:.0f} s)", style="dim")
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {command}\n{done.stdout}\n")
        if done.returncode != exits:
            said = f"{command}: expected exit code {exits}, got {done.returncode}"
            self.surprises.append(f"{said}. {self.log} has its output.")
        return done.stdout

    def _environment(self):
        """The caller's, with a Jupyter and a seed that are the scratch course's own."""
        home = self.folder / "jupyter"
        own = {
            f"JUPYTER_{name}_DIR": str(home / name.lower())
            for name in ("CONFIG", "DATA", "RUNTIME")
        }
        kept = {name: value for name, value in os.environ.items() if name != VARIABLE}
        return kept | own | {"IPYTHONDIR": str(home / "ipython")}

    def grade(self, notebook):
        """Make a notebook's sample class, and take it through grading to the feedback pages."""
        self.nbgrader("generate_assignment", notebook)
        source, released = (
            self.folder / room / notebook / f"{notebook}.ipynb"
            for room in ("solutions", "notebooks")
        )
        submissions = sample_class(notebook, solution_cells(source), solution_cells(released))
        for submission in submissions:
            self._hand_in(submission, released)
        log = self.nbgrader(
            "autograde",
            notebook,
            f"--Execute.timeout={self.seconds_per_cell}",
            exits=1 if any(s.not_graded for s in submissions) else 0,
        )
        self.nbgrader("generate_feedback", notebook)
        return [self._result(submission, log) for submission in submissions]

    def _hand_in(self, submission, released):
        nb = nbformat.read(released, as_version=4)
        for cell in nb.cells:
            cell.source = submission.cells.get(cell.id, cell.source)
        folder = self.place("submitted", submission.student, submission.notebook)
        folder.mkdir(parents=True)
        nbformat.write(nb, folder / released.name)

    def _result(self, submission, log):
        points = self._points(submission)
        graded = self.place("autograded", submission.student, submission.notebook)
        path = graded / f"{submission.notebook}.ipynb"
        if not path.exists():
            return Result(submission, points, {}, why_not_graded(log, submission.student))
        cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
        messages = {
            name: message(cells[f"check_{name}"])
            for name, earned in points.items()
            if earned != EXERCISES[name].points
        }
        return Result(submission, points, messages)

    def _points(self, submission):
        """Points by exercise from the gradebook, None for what was not graded."""
        notebook = submission.notebook
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nbgrader's own, about its database
            with self.gradebook as gradebook:
                try:
                    found = gradebook.find_submission_notebook(
                        notebook, notebook, submission.student
                    )
                except MissingEntry:
                    return dict.fromkeys(exercises_of(notebook))
                earned = {grade.name: grade.auto_score for grade in found.grades}
        return {name: earned.get(f"check_{name}") for name in exercises_of(notebook)}


def message(cell):
    """What a failed test cell says: the check's text, or another exception's last line."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if not errors:
        said = [output.text for output in cell.outputs if output.output_type == "stream"]
        return "\n".join(said).strip() or "no message"
    error = errors[-1]  # on a time-out nbgrader puts its own after the interrupted code's
    if error.ename == "CheckFailed":
        return error.evalue
    if error.evalue or not error.traceback:
        return f"{error.ename}: {error.evalue}"
    return COLOURS.sub("", error.traceback[-1]).strip().splitlines()[-1]


def why_not_graded(log, student):
    """The reason that nbgrader logged for dropping a student's submission."""
    for entry, following in pairwise(LOG_ENTRY.split(log)):
        failed = re.match(r"There was an error processing assignment: (.*)", entry)
        if failed and Path(failed[1]).parent.name == student:
            return following.strip().splitlines()[-1].strip()
    return "nbgrader does not say why"


# ------------------------------------------------------------------------------------- the result


@dataclass(frozen=True)
class Result:
    """What came of a submission.

    Attributes:
        submission: the `Submission`.
        points: by exercise, what the gradebook has; None where it has nothing.
        messages: by exercise with points lost, what its test cell says.
        not_graded: why nbgrader did not grade it, or None.
    """

    submission: Submission
    points: dict[str, float | None]
    messages: dict[str, str]
    not_graded: str | None = None

    @property
    def student(self):
        return self.submission.student

    @property
    def total(self):
        return None if self.not_graded else sum(earned or 0 for earned in self.points.values())

    def surprises(self):
        """A sentence for each thing that is not as expected."""
        name, wanted = f"{self.student}, {self.submission.notebook}", self.submission
        if self.not_graded or wanted.not_graded:
            if not contains(self.not_graded or "", [wanted.not_graded or "nothing"]):
                expected = f"not graded ({wanted.not_graded})" if wanted.not_graded else "grades"
                yield f"{name}: expected {expected}, got {self.not_graded or 'grades'}."
            return
        for exercise, got in self.points.items():
            lost = exercise in wanted.lost
            expected = 0 if lost else EXERCISES[exercise].points
            said = self.messages.get(exercise, "")
            if got != expected:
                yield f"{name}, {exercise}: expected {expected} points, got {got}. {said}"
            elif lost and not contains(said, wanted.lost[exercise]):
                words = " and ".join(wanted.lost[exercise])
                yield f"{name}, {exercise}: expected a message with {words}, got: {said}"


def contains(text, words):
    """Whether a text has all these words in it, each on its own and not as a part of another."""
    return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words)


def show(console, notebook, results):
    """Print a notebook's table, and below it what each student who lost points is told."""
    table = Table(title=notebook, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("exercise", overflow="fold")
    table.add_column("of", justify="right")
    for result in results:
        table.add_column(result.student.replace("_", "_\n"), justify="right")
    for name, exercise in exercises_of(notebook).items():
        earned = [points_cell(result.points[name], exercise.points) for result in results]
        table.add_row(name, f"{exercise.points:g}", *earned)
    most = sum(exercise.points for exercise in exercises_of(notebook).values())
    table.add_section()
    table.add_row("total", f"{most:g}", *(points_cell(result.total, most) for result in results))
    console.print("\n", table, sep="")
    for result in results:
        show_messages(console, result)


def points_cell(earned, most):
    if earned is None:
        return Text("–", style="magenta")
    return Text(f"{earned:g}", style="green" if earned == most else "red")


def show_messages(console, result):
    if result.not_graded:
        console.print(Text.assemble((result.student, "bold"), f": not graded. {result.not_graded}"))
    elif result.messages:
        console.print(Text(result.student, style="bold"))
    stubs = [name for name, said in result.messages.items() if UNWRITTEN in said]
    paragraphs = [f"{UNWRITTEN}: {', '.join(stubs)}"] if stubs else []
    for name, said in result.messages.items():
        if name not in stubs:
            paragraphs += head_of(name, said)
    for paragraph in paragraphs:
        lines = textwrap.fill(paragraph, console.width - 2, break_on_hyphens=False)  # 4.6e-01
        console.print(Text(textwrap.indent(lines, "  ")))


def head_of(name, said):
    """A check's verdict and the sentences below it, without the list of what was tried."""
    title = EXERCISES[name].title
    lines = said.splitlines()
    if not lines[0].startswith(title):
        return [f"{title}: {lines[0]}"]
    return list(takewhile(lambda line: not TRIED.match(line), lines))


# -------------------------------------------------------------------------------------- the command


def run(folder, notebooks, console, seconds_per_cell=SECONDS_PER_CELL):
    """Grade the sample class in the empty folder `folder`, and print all there is to see.

    Returns:
        The results, and a sentence for each thing that did not come out as expected.
    """
    console.print(f"A scratch course in {folder}", markup=False, soft_wrap=True)
    course = Course(folder, notebooks, console, seconds_per_cell)
    results = {name: course.grade(name) for name in notebooks}
    course.nbgrader("export")
    for name in notebooks:
        show(console, name, results[name])
    everything = [result for each in results.values() for result in each]
    surprises = course.surprises + [s for result in everything for s in result.surprises()]
    pages = course.place("feedback", "<student>", "<notebook>") / "<notebook>.html"
    closing = [
        "",
        f"feedback: {pages}",
        f"grades:   {course.grades}",
        f"log:      {course.log}",
        *(f"not as expected: {surprise}" for surprise in surprises),
        f"{len(everything)} submissions, {len(surprises) or 'none'} not as expected",
    ]
    console.print("\n".join(closing), markup=False, soft_wrap=True)
    return everything, surprises


def main(arguments=None):
    options = parse(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="rnn-by-hand-demo-"))
    console = Console(highlight=False)
    _, surprises = run(folder.resolve(), options.notebooks, console, options.timeout)
    return 1 if surprises else 0


def parse(arguments):
    known = [path.stem for path in sources(ROOT)]
    parser = argparse.ArgumentParser(prog="python -m autograde.demo", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("notebooks", nargs="*", default=known, metavar="notebook")
    parser.add_argument("--folder", type=Path, help="an empty folder for the scratch course")
    parser.add_argument(
        "--timeout",
        type=int,
        default=SECONDS_PER_CELL,
        metavar="SECONDS",
        help="what a cell may take (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    unknown = ", ".join(name for name in options.notebooks if name not in known)
    if unknown or not known:
        wanted = f"expected notebooks of {ROOT / 'solutions'} ({', '.join(known)})"
        parser.error(f"{wanted}, got {unknown or 'none there'}")
    if options.folder and options.folder.exists() and any(options.folder.iterdir()):
        parser.error(f"--folder: expected an empty folder, got {options.folder} with files in it")
    return options


if __name__ == "__main__":
    sys.exit(main())
