"""A trusted process that grades: it has the tests, and a sandbox for the students' code."""

import atexit
import functools
import os
import threading
from dataclasses import dataclass
from multiprocessing import parent_process

import nbformat

from autograde.sandbox.grading import Tests, grade
from autograde.sandbox.isolation import Sandbox
from autograde.sandbox.remote import Remote
from autograde.sandbox.submission import cells_to_run, read, restore
from autograde.sandbox.wire import Channel

# What notebooks import, so that not every submission has to.
WARM = (
    "numpy",
    "matplotlib.pyplot",
    "tqdm.auto",
    "helpers.plots",
    "helpers.explorers",
    "autograde.sandbox.student:warm_up",
)


@dataclass(frozen=True)
class Settings:
    """What a class is graded with.

    Attributes:
        source: path of the instructor's notebook.
        changed: when that was changed last, in nanoseconds.
        seconds: most that a cell may take.
        figures: whether figures are drawn into the outputs.
    """

    source: str
    changed: int
    seconds: float
    figures: bool


@functools.cache
def tests_of(settings):
    """(the instructor's notebook, its Tests)."""
    nb = nbformat.read(settings.source, as_version=4)
    return nb, Tests(nb)


@functools.cache
def _sandbox():
    """This process's sandbox, started at the first submission."""
    sandbox = Sandbox(warm=WARM)
    sandbox.start()
    atexit.register(sandbox.close)
    return sandbox


def dies_with_nbgrader():
    """End this process when nbgrader's ends, however that ends."""

    def watch():
        parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def protections_off():
    """Sentences on what protects less than it should on this machine."""
    return _sandbox().off


def grade_file(path, settings):
    """Grade a submission from its file, as nbgrader will see it.

    Returns:
        (cells, outputs), or None if it cannot be read: then nbgrader will say why.
    """
    try:
        nb = read(path)
        source, tests = tests_of(settings)
        restore(nb, source)
        cells, _ = cells_to_run(nb, tests.codes)
    except Exception:
        return None
    return cells, grade_cells(cells, settings)


def grade_cells(cells, settings):
    """Run cells in a process of their own; their outputs."""
    _, tests = tests_of(settings)
    with _sandbox().open() as process:
        remote = Remote(Channel(process.socket), settings.seconds, process.interrupt)
        return grade(cells, tests, remote, settings.figures, process)
