"""Imports run one way, and the cells run anywhere that NumPy does."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "nbgrader_config.py"
DRAWING = {"matplotlib", "ipywidgets", "tqdm", "IPython", "sklearn", "nbgrader", "jupyterlab"}


def imported(path):
    """The packages that a file names in its imports, at its top or inside its functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "helpers").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_helpers_know_nothing_of_grading(path):
    assert "autograde" not in set(imported(path))


@pytest.mark.parametrize("package", ["helpers", "helpers.data", "autograde"])
def test_cells_and_checks_need_nothing_but_numpy(package):
    code = f"import sys, {package}; print(*({DRAWING!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_courses_configuration_leaves_drawing_and_grading_alone():
    """JupyterLab's formgrader reads it too, and matplotlib makes a folder in the user's home."""
    code = (
        "import builtins, runpy, sys; from traitlets.config import Config; "
        f"c = Config(); builtins.get_config = lambda: c; runpy.run_path({str(CONFIG)!r}); "
        "print(*{'matplotlib', 'sklearn', 'autograde.sandbox.ahead'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_exercise_has_its_reference_in_helpers():
    import helpers
    from autograde.exercises import EXERCISES

    missing = [name for name in EXERCISES if not hasattr(helpers, name)]
    assert missing == ["task_shapes"]  # not of the contract: notebook 01 adds it, in helpers.data
