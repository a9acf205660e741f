"""A class in minutes: submissions are graded ahead of nbgrader, which takes one after the other."""

import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

from autograde.sandbox import worker
from autograde.sandbox.grading import error_output
from autograde.sandbox.submission import NOT_GRADED, cells_to_run
from autograde.sandbox.worker import Settings

__all__ = ["Ahead", "Settings"]
WINDOW = 4  # submissions ahead, for each worker


class Ahead:
    """The submissions of one run of `nbgrader autograde`.

    Args:
        converter: nbgrader's, which knows what is to be graded.
        settings: Settings.
        workers: processes that grade at a time; None means one a core.
    """

    _present = None

    @classmethod
    def of(cls, converter, settings, workers):
        """The one of this run, made at the first submission to each of its notebooks."""
        if cls._present is None or cls._present.settings != settings:
            cls.end()
            cls._present = cls(converter, settings, workers)
        return cls._present

    @classmethod
    def end(cls):
        """Those of this notebook are graded, or the run is over or was interrupted."""
        now, cls._present = cls._present, None
        if now is not None:
            now.close()

    def __init__(self, converter, settings, workers):
        self.converter, self.settings = converter, settings
        self.workers = workers or os.cpu_count() or 1
        self.futures, self.pool = {}, None
        off = self._start()
        folders = sorted(converter.assignments)
        self.left = iter([Path(folder) for folder in folders])
        for sentence in off:
            converter.log.warning("GRADING IS LESS SAFE HERE: %s", sentence)

    def _start(self):
        """Start the workers, each with its sandbox; sentences on what protects less here."""
        # Forks of a new interpreter, since nbgrader's own has threads and connections.
        context = get_context("forkserver")
        context.set_forkserver_preload([worker.__name__])
        self.pool = ProcessPoolExecutor(
            self.workers, mp_context=context, initializer=worker.dies_with_nbgrader
        )
        with _without_main():
            started = [self.pool.submit(worker.protections_off) for _ in range(self.workers)]
        return started[0].result()

    def outputs(self, student, nb):
        """The outputs of a submission's cells, and where these are in the notebook."""
        notebook = f"{Path(self.settings.source).stem}.ipynb"
        self._go_ahead(notebook)
        tests = worker.tests_of(self.settings)[1]
        cells, places = cells_to_run(nb, tests.codes)
        future = self.futures.pop(student, None)
        try:
            done = future and future.result()
            if not done or done[0] != cells:  # nbgrader has changed a cell
                done = cells, self.pool.submit(worker.grade_cells, cells, self.settings).result()
        except BrokenProcessPool:  # one that took all memory, say
            self.futures.clear()
            self._start()
            text = "The process that graded this submission ended."
            done = cells, [[error_output(NOT_GRADED, text)] if c.test else [] for c in cells]
        return places, done[1]

    def _go_ahead(self, notebook):
        """Hand the next submissions over, those that nbgrader will not skip."""
        while len(self.futures) < WINDOW * self.workers:
            folder = next(self.left, None)
            if folder is None:
                return
            student = folder.parent.name
            if self._is_done(folder, student) or not (folder / notebook).exists():
                continue
            path = str(folder / notebook)
            self.futures[student] = self.pool.submit(worker.grade_file, path, self.settings)

    def _is_done(self, folder, student):
        done = self.converter._format_dest(folder.name, student)
        return os.path.exists(done) and not self.converter.force

    def close(self):
        """End the workers, once they are through with what they are at."""
        with _deaf():
            self.pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf():
    """A second Ctrl-C is not heard: in the midst of tidying up it would leave workers behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _without_main():
    """Processes started meanwhile do not run nbgrader's main module, as they would else."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
