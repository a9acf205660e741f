"""A course of one small notebook, for the tests of what surrounds the lessons."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
NAME = "01_tiny"

DOUBLE = '''\
def double(x):
    """Twice x."""
    ### BEGIN SOLUTION return x plus x
    answer = x + x + len("a solution that must not leak")
    return answer - len("a solution that must not leak")
    ### END SOLUTION'''

TRIPLE = '''\
def triple(x):
    """Three times x."""
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION'''

TEST = """\
assert {name}(2) == {factor} * 2
### BEGIN HIDDEN TESTS
from autograde.seed import course_seed

number = course_seed()
assert {name}(number) == {factor} * number
### END HIDDEN TESTS"""


def markdown(cell_id, source):
    return new_markdown_cell(source, id=cell_id)


def code(cell_id, source, *, tags=(), **nbgrader):
    """A code cell; with keywords it is nbgrader's, and has the grade_id `cell_id` unless told."""
    cell = new_code_cell(source, id=cell_id)
    if tags:
        cell.metadata["tags"] = list(tags)
    if nbgrader:
        cell.metadata["nbgrader"] = {
            "grade_id": cell_id,
            "schema_version": 3,
            "grade": False,
            "solution": False,
            "locked": True,
            "task": False,
            **nbgrader,
        }
    return cell


def solution(name, source):
    return code(name, source, solution=True, locked=False)


def check_of(name, source, points):
    return code(f"check_{name}", source, grade=True, points=points)


def notebook():
    cells = [
        markdown("title", "# 01 · tiny\n\n![a red dot](figures/dot.png)"),
        code("imports", "import math", locked=True),
        solution("double", DOUBLE),
        check_of("double", TEST.format(name="double", factor=2), points=2),
        solution("triple", TRIPLE),
        check_of("triple", TEST.format(name="triple", factor=3), points=3),
        code("training", 'print("trained")', tags=["experiment"]),
    ]
    nb = new_notebook(cells=cells)
    nb.metadata["kernelspec"] = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    nb.metadata["language_info"] = {"name": "python"}
    return nb


def write_course(root, nb=None):
    """Lay out solutions/01_tiny and the real nbgrader_config.py in `root`."""
    folder = root / "solutions" / NAME
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "dot.png").write_bytes(b"\x89PNG")
    (folder / "answers.md").write_text("the answers, which are not to be released")
    nbformat.write(nb or notebook(), folder / f"{NAME}.ipynb")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    return root


def nbgrader(root, *arguments, check=True):
    """Run an nbgrader command in the course as an instructor does, in a Jupyter of its own."""
    home = root / "jupyter"
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(root / "ipython"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done
