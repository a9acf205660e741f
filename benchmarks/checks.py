"""How long a student waits for `check`, exercise by exercise, each in a new process.

    python benchmarks/checks.py rnn_backward      one exercise, as JSON

Imports stand where they are needed: the first thing that is measured is what `import` costs.
"""

import ast
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def solutions(exercise):
    """The names that the solution notebook binds up to an exercise: what a student has by then.

    Of the cells between only imports and functions count, since pictures and training take long.
    """
    (path,) = ROOT.glob(f"solutions/{exercise.notebook}_*/*.ipynb")
    scope = {"__name__": "__main__"}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code" or "experiment" in cell["metadata"].get("tags", ()):
            continue
        tree = ast.parse("".join(cell["source"]))
        if not cell["metadata"].get("nbgrader", {}).get("solution"):
            kept = (ast.Import, ast.ImportFrom, ast.FunctionDef)
            tree.body = [statement for statement in tree.body if isinstance(statement, kept)]
        exec(compile(tree, cell["id"], "exec"), scope)
        if cell["id"] == exercise.name:
            return scope
    raise ValueError(f"{path}: expected a cell {exercise.name}, got none; its id is its name")


def wait(name, repeats=5):
    """CPU seconds of the steps of a student's session with one exercise.

    Returns:
        dict: "import" from the start of Python to the end of the first import, "cold" the first
        check, "warm" the median of some more, and "by element", where it has gradients, how long
        the same numerical gradients on the same problems take one element at a time.
    """
    from autograde import check

    seconds = {"import": time.process_time()}
    from autograde.exercises import EXERCISES

    exercise = EXERCISES[name]
    scope = solutions(exercise)
    own = {"forward": scope[exercise.forward.__name__]} if exercise.takes_forward else {}

    def timed(call, *arguments, **keywords):
        start = time.process_time()
        call(*arguments, **keywords)
        return time.process_time() - start

    seconds["cold"] = timed(check, scope[name], **own)
    again = [timed(check, scope[name], **own) for _ in range(repeats)]
    seconds["warm"] = sorted(again)[repeats // 2]
    if exercise.has_gradients:
        seconds["by element"] = timed(gradients_by_element, exercise)
    return seconds


def gradients_by_element(exercise, seed=0):
    """The numerical gradients that a check needs, on the problems that it draws.

    Central differences, two calls for every element of every array, as in most courses.
    """
    from unittest.mock import patch

    import numpy as np

    from autograde.examination import _Problems
    from autograde.gradcheck import central_gradients

    problems = _Problems(exercise, seed)
    for case in (problems.main, *problems.edges.values()):
        if case.same_numbers:
            continue  # a check does not measure them again either
        arguments = {n: _in_float64(a, np) for n, a in case.arguments().items()}
        if exercise.takes_forward:
            exercise.gradients_of(exercise.forward, arguments, by=central_gradients)
        else:
            module = sys.modules[exercise.measured.__module__]
            with patch.object(module, "exact_gradients", central_gradients):
                exercise.measured(arguments)


def _in_float64(value, np):
    if isinstance(value, dict):
        return {name: _in_float64(v, np) for name, v in value.items()}
    single = isinstance(value, np.ndarray) and value.dtype == np.float32
    return value.astype(np.float64) if single else value


def waits(names):
    """What `wait` measures of every exercise, each in a process of its own."""
    found = {}
    for name in names:
        told = subprocess.run(
            [sys.executable, __file__, name], capture_output=True, text=True, cwd=ROOT
        )
        if told.returncode != 0:
            raise RuntimeError(f"{name}: expected its check to pass, got\n{told.stderr[-2000:]}")
        found[name] = json.loads(told.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(wait(sys.argv[1])))
