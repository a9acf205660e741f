"""A submission as it is handed in, and as it is graded."""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

EXPERIMENT = "experiment"  # the tag of cells that are not run in grading
# The names of errors that are no cell's own: it was stopped, or never ran.
ENDED = NOT_GRADED, PROCESS_ENDED, TIMED_OUT = "NotGraded", "ProcessEnded", "CellTimeoutError"
MAX_BYTES = 20 << 20  # of a notebook file
TAG = re.compile(r"<(?=[a-zA-Z/!?])")  # where HTML begins, in a student's own text
LINK = re.compile(r"\](?=[(:\[])")  # where a link's address follows, which may be a script


@dataclass(frozen=True)
class Cell:
    """A code cell that is run.

    Attributes:
        source: what the student wrote; None for a test.
        test: for a test, its grade_id.
    """

    source: str | None = None
    test: str | None = None


def is_plain(path):
    """Whether a path is a file of its own, no link or device, and not too large."""
    path = Path(path)
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_BYTES


def expect_plain(path):
    """Refuse anything else.

    Raises:
        ValueError: it is a link, a device, or too large.
    """
    if not is_plain(path):
        raise ValueError(f"{path}: expected a file of at most {MAX_BYTES >> 20} MB, and no link")


def read(path):
    """A submitted notebook.

    Raises:
        ValueError: it is too large, or no file of its own.
        Exception: whatever nbformat raises for what is no notebook.
    """
    expect_plain(path)
    return nbformat.read(path, as_version=4)


def restore(nb, source):
    """Bring a notebook into the form of its source, whatever was done to its cells, in place.

    A graded cell that is there twice counts once, the last one; its metadata are the source's
    again, and a test that is missing stands behind its exercise again. Everything else is an
    ordinary cell. Text that is not the source's loses its HTML, which would run in the browser of
    whoever looks at it. There are no outputs.

    Args:
        nb: the submission.
        source: the instructor's notebook.

    Returns:
        list of sentences on what was amiss.
    """
    asked = {c.metadata.nbgrader.grade_id: c for c in source.cells if "nbgrader" in c.metadata}
    found, amiss = {}, []
    for cell in nb.cells:
        grade_id = _grade_id(cell)
        if grade_id not in asked:
            continue
        if cell.cell_type != asked[grade_id].cell_type == "code":
            amiss.append(f"{grade_id} was a {cell.cell_type} cell and is a code cell again")
            cell.cell_type, cell.outputs, cell.execution_count = "code", [], None
            cell.pop("attachments", None)
        if grade_id in found:
            amiss.append(f"{grade_id} is there more than once; the last one counts")
        found[grade_id] = cell
    names = {id(cell): grade_id for grade_id, cell in found.items()}
    released = {cell.source for cell in source.cells if cell.cell_type == "markdown"}
    ids = {cell.id for cell in asked.values()}
    for number, cell in enumerate(nb.cells):
        tagged = EXPERIMENT in _list(cell.metadata.get("tags"))
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if id(cell) in names:
            cell.metadata["nbgrader"] = asked[names[id(cell)]].metadata.nbgrader.copy()
            cell["id"] = asked[names[id(cell)]].id
        elif cell.get("id") is None or cell.id in ids:
            cell["id"] = f"cell-{number}"
        ids.add(cell.id)
        if tagged and id(cell) not in names:
            cell.metadata["tags"] = [EXPERIMENT]
        if cell.cell_type != "code" and cell.source not in released:
            cell.cell_type, cell.source = "markdown", _harmless(cell.source)
            cell.pop("attachments", None)
    before = None
    for grade_id, cell in asked.items():
        if grade_id not in found and cell.metadata.nbgrader.grade:
            amiss.append(f"{grade_id} was missing and is there again")
            place = _place(nb, found.get(before))
            found[grade_id] = nbformat.from_dict(cell)
            nb.cells.insert(place, found[grade_id])
        before = grade_id
    nb.nbformat_minor = source.nbformat_minor  # from 4.5 on, cells have ids
    nb.metadata.clear()
    nb.metadata["kernelspec"] = source.metadata.kernelspec.copy()
    return amiss


def _harmless(text):
    """A student's Markdown without HTML and links."""
    return LINK.sub("] ", TAG.sub("&lt;", text))


def _place(nb, before):
    """Behind a cell, or at the end."""
    places = [k for k, cell in enumerate(nb.cells) if cell is before]
    return places[0] + 1 if places else len(nb.cells)


def _grade_id(cell):
    marks = cell.metadata.get("nbgrader")
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def _list(value):
    return value if isinstance(value, list) else []


def cells_to_run(nb, tests):
    """The code cells of a restored notebook that are run.

    Args:
        nb: the notebook.
        tests: the grade_ids of its tests.

    Returns:
        list of Cell, list of their indices in the notebook.
    """
    cells, places = [], []
    for place, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade_id") in tests:
            cells.append(Cell(test=marks["grade_id"]))
        elif marks or EXPERIMENT not in cell.metadata.get("tags", []):
            cells.append(Cell(source=cell.source))
        else:
            continue
        places.append(place)
    return cells, places
