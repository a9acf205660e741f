"""One submission: the student's cells in their process, the instructor's tests in this one."""

import ast
import base64
import contextlib
import io
import math
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType

import nbformat
import numpy as np

from autograde.exercises import EXERCISES
from autograde.sandbox.remote import OutOfTime, RemoteFunction, StudentGone
from autograde.sandbox.submission import EXPERIMENT, PROCESS_ENDED, TIMED_OUT
from autograde.sandbox.wire import MAX_OUTPUTS, MAX_PICTURE, MAX_TEXT

PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Tests:
    """The instructor's part of a notebook: its tests, and what they need of the other cells.

    Args:
        nb: the notebook from solutions/.
    """

    nb: nbformat.NotebookNode
    codes: dict[str, tuple[CodeType, CodeType | None]] = field(init=False)
    points: dict[str, float] = field(init=False)

    def __post_init__(self):
        self.codes, self.points, self._theirs, self._preamble = {}, {}, set(), {}
        for cell in self.nb.cells:
            if cell.cell_type != "code" or EXPERIMENT in cell.metadata.get("tags", []):
                continue
            marks = cell.metadata.get("nbgrader", {})
            if marks.get("solution"):
                self._theirs |= _bound(cell.source)
            elif marks.get("grade"):
                self.codes[marks["grade_id"]] = _compiled(cell.source, marks["grade_id"])
                self.points[marks["grade_id"]] = float(marks["points"])
            else:
                self._preamble |= dict.fromkeys(_bound(cell.source), cell.source)

    @cached_property
    def _scope(self):
        """The names that tests take from the instructor's other cells, which run here for that."""
        preamble = self._preamble
        names = {name for codes in self.codes.values() for name in _names(codes)}
        scope = {}
        for source in dict.fromkeys(preamble[n] for n in sorted(names) if n in preamble):
            exec(compile(source, "<solutions>", "exec"), scope)
        return scope

    def run(self, test, remote):
        """Run a test on a student's process; the outputs of its cell."""
        code, last = self.codes[test]
        try:
            remote.forget()
            scope = dict(self._scope)
            for name in sorted(_names((code, last)) & self._theirs):
                with contextlib.suppress(NameError):  # the test will raise it, if it gets there
                    scope[name] = as_exercise(name, remote.find(name))
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                exec(code, scope)
                value = eval(last, scope) if last else None
            return of_value(value, self.points[test])
        except Exception as error:
            return [error_output(type(error).__name__, str(error))]
        except SystemExit as error:
            return [error_output("SystemExit", str(error))]


def as_exercise(name, value):
    """A student's function under the name it is asked for; a cache that it returns stays there."""
    exercise = EXERCISES.get(name)
    if isinstance(value, RemoteFunction) and exercise:
        value.__name__ = name  # `def` may have called it otherwise
    if isinstance(value, RemoteFunction) and exercise and exercise.returns:
        value.keep_last = exercise.returns[-1].role == "cache"
    return value


def _bound(source):
    """The names that a cell binds at its top level."""
    try:
        code = compile(source, "<cell>", "exec")
    except SyntaxError:  # a magic
        return set()
    tree = ast.parse(source)
    stored = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    }
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    imported = {
        (a.asname or a.name).split(".")[0]
        for n in tree.body
        if isinstance(n, ast.Import | ast.ImportFrom)
        for a in n.names
    }
    return (stored | defined | imported) & set(code.co_names)


def _compiled(source, name):
    """A test's code, and apart from it the expression in its last line."""
    tree = ast.parse(source)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), f"<{name}>", "eval")
    return compile(tree, f"<{name}>", "exec"), last


def _names(codes):
    """All names that pieces of code look up, in their functions too."""
    found = set()
    for code in codes:
        if code is not None:
            found |= set(code.co_names) | _names(
                c for c in code.co_consts if isinstance(c, CodeType)
            )
    return found


def of_value(value, points):
    """The outputs that make nbgrader give what a test's last value is worth.

    A plain number is the points; False is none; anything else is all of them.
    """
    if value is False or isinstance(value, np.bool_) and not value:
        return [error_output("AssertionError", "the test ended with False")]
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return []
    if not math.isfinite(value):
        return [error_output("AssertionError", f"the test ended with {value}")]
    return [
        {
            "output_type": "execute_result",
            "data": {"text/plain": repr(float(min(max(value, 0), points)))},
            "metadata": {},
            "execution_count": None,
        }
    ]


def error_output(name, text):
    """An error as a notebook keeps it."""
    first, *rest = text.splitlines() or [""]
    lines = [f"{name}: {first}", *rest]
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": lines}


def grade(cells, tests, remote, figures=True, process=None):
    """Run a submission from its first cell to its last.

    Args:
        cells: list of Cell, in the submission's order.
        tests: the notebook's Tests.
        remote: the student's process.
        figures: whether figures are drawn into the outputs.
        process: its Process, which is ended at the first sign that it is out of order.

    Returns:
        a list of outputs for every cell.
    """
    outputs, gone = [], None
    for cell in cells:
        if gone and cell.test is None:
            outputs.append([])
            continue
        try:
            if gone:
                raise gone
            if cell.test is None:
                outputs.append(cleaned(remote.run(cell.source, figures)))
            else:
                outputs.append(tests.run(cell.test, remote))
        except OutOfTime:
            text = f"No reply within {remote.seconds:g} seconds; the cell was stopped."
            outputs.append([error_output(TIMED_OUT, text)])
        except StudentGone as error:
            if gone is None and process is not None:
                error = StudentGone(process.wait(0.5) or error)
                process.kill()
            gone = error
            outputs.append([error_output(PROCESS_ENDED, f"The student's process ended: {gone}.")])
    return outputs


# --- what students' cells put out -----------------------------------------------------------------


def cleaned(outputs):
    """A student's outputs, with nothing in them but text and PNG pictures."""
    kept = []
    for output in outputs[:MAX_OUTPUTS] if isinstance(outputs, list) else []:
        with contextlib.suppress(KeyError, TypeError, AttributeError, ValueError):
            kept.append(_CLEAN[output["output_type"]](output))
    return kept


def _stream(output):
    name = "stderr" if output["name"] == "stderr" else "stdout"
    return {"output_type": "stream", "name": name, "text": _text(output["text"])}


def _display(output):
    data = {}
    if "text/plain" in output["data"]:
        data["text/plain"] = _text(output["data"]["text/plain"])
    if "image/png" in output["data"]:
        picture = base64.b64decode(output["data"]["image/png"], validate=True)
        if picture.startswith(PNG) and len(picture) < MAX_PICTURE:
            data["image/png"] = base64.b64encode(picture).decode()
    clean = {"output_type": output["output_type"], "data": data, "metadata": {}}
    if output["output_type"] == "execute_result":
        clean["execution_count"] = None
    return clean


def _error(output):
    return {
        "output_type": "error",
        "ename": _text(output["ename"])[:80],
        "evalue": _text(output["evalue"]),
        "traceback": [_text(line) for line in output["traceback"][:100]],
    }


_CLEAN = {
    "stream": _stream,
    "display_data": _display,
    "execute_result": _display,
    "error": _error,
}


def _text(value):
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value[:MAX_TEXT]
