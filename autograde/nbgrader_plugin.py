"""The preprocessors that nbgrader_config.py names."""

import functools
import json
import os
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import nbgrader.converters.autograde
import nbgrader.converters.base
import psutil
import sqlalchemy
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import (
    ClearSolutions,
    Execute,
    NbGraderPreprocessor,
    OverwriteCells,
    latesubmissions,
    saveautogrades,
)
from sqlalchemy import inspect
from traitlets import Bool, Integer

from autograde.progress import tell
from autograde.sandbox.submission import ENDED, EXPERIMENT, expect_plain, is_plain, restore

__all__ = ["EXPERIMENT", "NamedStubs", "SandboxedExecute", "TrustedCells"]

DEFAULT_STEP = "write it here, then run the check below"


class NamedStubs(ClearSolutions):
    """Put a stub in the place of each solution that says which exercise is still to be written.

    `### BEGIN SOLUTION return h` in the cell `rnn_step` of 01_rnn_intro becomes
    `raise NotImplementedError("01 · rnn_step: return h")`.
    """

    def preprocess(self, nb, resources):
        self.number = resources["nbgrader"]["notebook"].split("_")[0]
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code":
            self.code_stub = {"python": self._stub(cell)}
        return super().preprocess_cell(cell, resources, cell_index)

    def _stub(self, cell):
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id", cell.get("id"))
        said = re.search(rf"{self.begin_solution_delimeter}[ :·-]*(.*)", cell.source)
        step = said and said[1].strip() or DEFAULT_STEP
        message = json.dumps(f"{self.number} · {exercise}: {step}", ensure_ascii=False)
        return f"raise NotImplementedError({message})"


class _OpenGradebook(Gradebook):
    """A gradebook that stays open: nbgrader itself opens and closes nine for each submission.

    SQLite writes to a log first: a commit does not wait for the disk, and a killed run leaves the
    gradebook whole.
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        if self.engine.dialect.name == "sqlite":

            @sqlalchemy.event.listens_for(self.engine, "connect")
            def _log_first(connection, _):
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")

        super().close()

    def close(self):
        self.db.remove()


_gradebook = functools.cache(_OpenGradebook)
for module in (nbgrader.converters.autograde, saveautogrades, latesubmissions):
    module.Gradebook = _gradebook


def _end():
    if ahead := sys.modules.get("autograde.sandbox.ahead"):  # nothing may have been graded
        ahead.Ahead.end()


tell(before=_gradebook.cache_clear, after=_end)


def _plain_files(*arguments):
    """What nbgrader copies beside a notebook: no links, which may lead anywhere."""
    return [path for path in _find_all_files(*arguments) if is_plain(path)]


_find_all_files = nbgrader.converters.base.find_all_files
nbgrader.converters.base.find_all_files = _plain_files


class HalfDone:
    """Submissions that a run left half done, because it was killed, are begun anew by the next run.

    Args:
        folder: where the marks are, a file for each running nbgrader, named by its process id.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def begin(self, assignment, student, notebooks):
        """A pre_convert_hook: note what is being graded."""
        folder = Path(notebooks[0]).parent  # submitted/student/assignment
        graded = folder.parents[2] / "autograded" / folder.parent.name / folder.name
        self.folder.mkdir(exist_ok=True)
        self._mark().write_text(str(graded))

    def end(self, assignment, student, notebooks):
        """A post_convert_hook: it is done."""
        self._mark().unlink(missing_ok=True)

    def _mark(self):
        return self.folder / str(os.getpid())

    def remove(self):
        """Remove what runs that are over have left."""
        for mark in self.folder.glob("*"):
            if not psutil.pid_exists(int(mark.name)):
                shutil.rmtree(mark.read_text(), ignore_errors=True)
                mark.unlink(missing_ok=True)


def _source(preprocessor, resources):
    """The path of the instructor's notebook that a submission belongs to."""
    return _notebook(preprocessor, resources, "source", ".")


def _submitted(preprocessor, resources):
    """The path of a submission."""
    return _notebook(preprocessor, resources, "submitted", resources["nbgrader"]["student"])


def _notebook(preprocessor, resources, room, student):
    coursedir = preprocessor.parent.parent.coursedir  # the converter's, which owns the exporter
    directory, graded = getattr(coursedir, f"{room}_directory"), resources["nbgrader"]
    folder = coursedir.format_path(directory, student, graded["assignment"])
    return f"{folder}/{graded['notebook']}.ipynb"


class TrustedCells(OverwriteCells):
    """Bring a submission into the form of the release, whatever was done to its cells."""

    def preprocess(self, nb, resources):
        expect_plain(_submitted(self, resources))
        source = nbformat.read(_source(self, resources), as_version=4)
        for said in restore(nb, source):
            self.parent.parent.progress.note(said)
        graded = resources["nbgrader"]
        self.notebook_id, self.assignment_id = graded["notebook"], graded["assignment"]
        self.gradebook = _released(
            self.parent.parent, graded["db_url"], self.notebook_id, self.assignment_id
        )
        return NbGraderPreprocessor.preprocess(self, nb, resources)


@functools.lru_cache(maxsize=1)
def _released(converter, db_url, notebook, assignment):
    """A release's cells as the gradebook has them, read once in the run of a converter."""
    with _gradebook(db_url) as gradebook:
        found = gradebook.find_notebook(notebook, assignment)
        return _Released(
            {cell.name: _plain(cell) for cell in found.source_cells},
            {cell.name: _plain(cell) for cell in found.grade_cells},
        )


def _plain(cell):
    """A row of the gradebook that needs no gradebook any more."""
    return SimpleNamespace(
        **{c.key: getattr(cell, c.key) for c in inspect(cell).mapper.column_attrs}
    )


class _Released:
    """Answers OverwriteCells as a gradebook does."""

    def __init__(self, sources, grades):
        self.sources, self.grades = sources, grades

    def find_source_cell(self, name, notebook, assignment):
        return self._find(self.sources, name)

    def find_graded_cell(self, name, notebook, assignment):
        return self._find(self.grades, name)

    def _find(self, cells, name):
        try:
            return cells[name]
        except KeyError:
            raise MissingEntry(f"no cell {name} in the gradebook") from None


class SandboxedExecute(Execute):
    """Run a submission: the student's cells in a sandbox, the tests where they cannot be reached.

    Submissions are run ahead of nbgrader, which takes one after the other.
    """

    workers = Integer(0, help="Processes that grade at a time; 0 means one a core.").tag(
        config=True
    )
    figures = Bool(True, help="Whether students' figures reach the feedback.").tag(config=True)

    def preprocess(self, nb, resources, km=None):
        # Here, so that a JupyterLab which reads the course's configuration need not load it all.
        from autograde.sandbox.ahead import Ahead, Settings

        source = _source(self, resources)
        converter = self.parent.parent
        settings = Settings(source, os.stat(source).st_mtime_ns, self.timeout, self.figures)
        ahead = Ahead.of(converter, settings, self.workers or None)
        places, outputs = ahead.outputs(resources["nbgrader"]["student"], nb)
        for place, cell_outputs in zip(places, outputs, strict=True):
            for output in cell_outputs:
                if output.get("ename") in ENDED:
                    converter.progress.note(f"{nb.cells[place].id}: {output['evalue']}")
            nb.cells[place].outputs = [NotebookNode(output) for output in cell_outputs]
            nb.cells[place].execution_count = None
        return nb, resources
