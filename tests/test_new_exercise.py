"""docs/new_exercise.diff, the example of docs/grading.md, is an exercise like the others."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DIFF = ROOT / "docs" / "new_exercise.diff"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the project with the diff applied and notebooks/ made again."""
    copy = tmp_path_factory.mktemp("course")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    run(copy, "git", "apply", str(DIFF))
    run(copy, sys.executable, "-m", "autograde.release")
    return copy


def run(folder, *command):
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_slips_are_named_and_its_styles_accepted(course):
    tests = ["exercises", "slips", "styles", "answer_key", "rooms"]
    said = run(course, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k",
               "leaky", *(f"tests/test_{name}.py" for name in tests))  # fmt: skip
    assert int(re.search(r"(\d+) passed", said)[1]) >= 12


def test_its_notebook_passes_the_lint_and_leaks_nothing(course):
    run(course, sys.executable, "-m", "autograde.lint")
    run(course, sys.executable, "-m", "autograde.release", "--check")
    released = (course / "notebooks" / "01_rnn_intro" / "01_rnn_intro.ipynb").read_text()
    assert "01 · leaky_step: (1 - leak) of the old state" in released
    assert "leak * new" not in released


def test_the_page_speaks_of_every_file_that_it_changes():
    page = (ROOT / "docs" / "grading.md").read_text()
    changed = re.findall(r"^\+\+\+ b/(.*)$", DIFF.read_text(), re.MULTILINE)
    assert changed and [name for name in changed if f"`{name}`" not in page] == []
