"""Every rule of the notebook lint holds of the course, and fails on a notebook that breaks it."""

from types import SimpleNamespace

import nbformat
import pytest
from tiny_course import (
    DOUBLE,
    NAME,
    ROOT,
    TEST,
    check_of,
    code,
    markdown,
    notebook,
    solution,
    write_course,
)

from autograde import lint, release

EXERCISES = {
    "double": SimpleNamespace(notebook="01", points=2),
    "triple": SimpleNamespace(notebook="01", points=3),
    "elsewhere": SimpleNamespace(notebook="02", points=9),
}


def findings_after(tmp_path, change=None, *, change_release=None):
    """What the lint says of a tiny course whose source or released notebook was changed so."""
    nb = notebook()
    if change:
        change(nb)
    root = write_course(tmp_path / "course", nb)
    release.generate(root, root / "notebooks")
    if change_release:
        path = root / "notebooks" / NAME / f"{NAME}.ipynb"
        student = nbformat.read(path, as_version=4)
        change_release(student)
        nbformat.write(student, path)
    return list(lint.lint(root, EXERCISES, release.cell_ids(root)))


def cell(nb, cell_id):
    return next(cell for cell in nb.cells if cell.id == cell_id)


def rename(nb, old, new):
    cell(nb, old).id = new


def set_source(nb, cell_id, source):
    cell(nb, cell_id).source = source


def mark(nb, cell_id, **nbgrader):
    cell(nb, cell_id).metadata["nbgrader"].update(nbgrader)


def test_the_course_passes():
    from autograde.exercises import EXERCISES

    findings = list(lint.lint(ROOT, EXERCISES, release.read_ids(release.LEDGER)))
    assert findings == []


def test_a_sound_course_passes(tmp_path):
    assert findings_after(tmp_path) == []


IN_THE_SOURCE = {
    "random id": (lambda nb: rename(nb, "title", "3f2a9c1e"), "an id that says what the cell is"),
    "uuid": (
        lambda nb: rename(nb, "title", "3f2a9c1e-00aa-4bcd-8ef0-0123456789ab"),
        "an id that says what the cell is",
    ),
    "capitals": (lambda nb: rename(nb, "title", "Title"), "got 'Title'"),
    "grade_id differs": (
        lambda nb: mark(nb, "imports", grade_id="others"),
        "cell imports: expected the grade_id to be the cell's id, got 'others'",
    ),
    "wrong points": (
        lambda nb: mark(nb, "check_double", points=5),
        "cell check_double: expected 2 points, as autograde/exercises declares; got 5",
    ),
    "no test cell": (
        lambda nb: nb.cells.remove(cell(nb, "check_triple")),
        "expected a cell check_triple, as autograde/exercises declares triple; got none",
    ),
    "no solution cell": (
        lambda nb: nb.cells.remove(cell(nb, "triple")),
        "expected a cell triple, as autograde/exercises declares triple; got none",
    ),
    "another notebook's exercise": (
        lambda nb: nb.cells.append(check_of("elsewhere", TEST, points=9)),
        "cell check_elsewhere: expected `check_` and an exercise of this notebook",
    ),
    "a graded cell without check_": (
        lambda nb: nb.cells.append(code("quiz", "1", grade=True, points=1)),
        "cell quiz: expected `check_` and an exercise",
    ),
    "an undeclared solution": (
        lambda nb: nb.cells.append(solution("half", DOUBLE)),
        "cell half: expected the name of an exercise of this notebook, got 'half'",
    ),
    "a test that can be edited": (
        lambda nb: mark(nb, "check_double", locked=False),
        "cell check_double: expected a locked test cell",
    ),
    "no hidden test": (
        lambda nb: set_source(nb, "check_double", "assert double(2) == 4"),
        "cell check_double: expected hidden tests that use course_seed(), got none",
    ),
    "a hidden test on fixed numbers": (
        lambda nb: set_source(
            nb, "check_double", "### BEGIN HIDDEN TESTS\nassert 1\n### END HIDDEN TESTS"
        ),
        "cell check_double: expected hidden tests that use course_seed(), got others",
    ),
    "no solution region": (
        lambda nb: set_source(nb, "double", "def double(x): ..."),
        "cell double: expected a solution between ### BEGIN SOLUTION and",
    ),
    "a graded experiment": (
        lambda nb: cell(nb, "check_double").metadata.update(tags=["experiment"]),
        "cell check_double: expected no nbgrader metadata, as the cell is tagged `experiment`",
    ),
    "no alt text": (
        lambda nb: set_source(nb, "title", "![](figures/dot.png)"),
        "cell title: expected alt text for figures/dot.png",
    ),
    "no alt text in HTML": (
        lambda nb: set_source(nb, "title", '<img width="3" src="figures/dot.png">'),
        "cell title: expected alt text for figures/dot.png",
    ),
    "no picture": (
        lambda nb: set_source(nb, "title", "![a dot](figures/dots.png)"),
        "cell title: expected the picture figures/dots.png beside the notebook",
    ),
    "an answer in the prose": (
        lambda nb: set_source(
            nb, "title", 'so `answer = x+x+len("a solution that must not leak")`'
        ),
        "01_tiny.ipynb, cell title: expected no line of a solution, got `answer = x",
    ),
    "a hidden test in the prose": (
        lambda nb: set_source(nb, "title", "assert double(number) == 2 * number"),
        "cell title: expected no line of a solution, got `assert double(number)",
    ),
}


@pytest.mark.parametrize("change, said", IN_THE_SOURCE.values(), ids=IN_THE_SOURCE)
def test_a_broken_source_is_found(tmp_path, change, said):
    assert any(said in finding for finding in findings_after(tmp_path, change))


IN_THE_RELEASE = {
    "a marker": (
        lambda nb: set_source(nb, "training", "### BEGIN SOLUTION\n1"),
        "cell training: expected nothing of the hidden parts, got 'BEGIN SOLUTION'",
    ),
    "the seed": (
        lambda nb: set_source(nb, "training", "from autograde import course_seed"),
        "cell training: expected nothing of the hidden parts, got 'course_seed'",
    ),
    "the solution itself": (
        lambda nb: set_source(nb, "double", DOUBLE),
        "cell double: expected no line of a solution",
    ),
    "a nameless stub": (
        lambda nb: set_source(nb, "double", "raise NotImplementedError()"),
        'cell double: expected a stub with `raise NotImplementedError("01 · double: ...`, got',
    ),
    "an execution count": (
        lambda nb: cell(nb, "training").update(execution_count=3),
        "cell training: expected no output and no execution count, got 0 outputs and 3",
    ),
    "an output": (
        lambda nb: cell(nb, "training").outputs.append(
            nbformat.v4.new_output("stream", text="trained")
        ),
        "cell training: expected no output and no execution count, got 1 outputs",
    ),
}


@pytest.mark.parametrize("change, said", IN_THE_RELEASE.values(), ids=IN_THE_RELEASE)
def test_a_broken_release_is_found(tmp_path, change, said):
    findings = findings_after(tmp_path, change_release=change)
    assert any(said in finding for finding in findings)
    assert all(finding.startswith("notebooks/") for finding in findings)


@pytest.mark.parametrize("rule", [lint.ids_are_slugs, lint.grade_ids_are_cell_ids])
def test_a_doubled_cell_is_found(rule):
    nb = notebook()
    nb.cells.append(cell(nb, "double").copy())
    assert any("of its own, got 2 cells with it" in finding for finding in rule(nb, "nb"))


def test_a_cell_without_an_id_is_found():
    nb = notebook()
    del nb.cells[0]["id"]
    assert any("cell number 0: expected an id" in each for each in lint.ids_are_slugs(nb, "nb"))


def test_words_that_look_like_hexadecimals_are_slugs():
    nb = notebook()
    nb.cells = [markdown(name, "") for name in ("deadbeef", "why-memory", "rnn_step", "0-and-1")]
    assert list(lint.ids_are_slugs(nb, "nb")) == []


def test_a_missing_release_is_found(tmp_path):
    root = write_course(tmp_path / "course")
    findings = list(lint.lint(root, EXERCISES, release.cell_ids(root)))
    assert findings == [
        f"notebooks/{NAME}/{NAME}.ipynb: expected a notebook, got no such file. Run `make release`."
    ]


def test_an_id_never_goes_and_never_comes_unrecorded():
    gone, new = lint.lint_ledger(["01_tiny/new"], ["01_tiny/old"])
    assert "expected the cell 01_tiny/old, as it was released once; got none" in gone
    assert "01_tiny/new: expected in autograde/cell_ids.txt" in new
    assert list(lint.lint_ledger(["a"], ["a"])) == []


@pytest.mark.parametrize(
    "line",
    [
        "N, T, D = x.shape",
        "for t in reversed(range(T)):",
        "dWx = np.zeros_like(Wx_of_the_cell)",
        "h = np.empty((N, T, H), dtype=x.dtype)",
        "return Wx, Wh, np.zeros(3), Wy, np.zeros(3)",
        "return dx, dh_prev, dWx, dWh, db",
        "import numpy as np, math as m",
        "# the gate's slope times what arrives",
    ],
)
def test_ordinary_lines_give_nothing_away(line):
    nb_cell = code("c", f"### BEGIN SOLUTION\n{line}\n### END SOLUTION")
    assert list(lint._telling_lines(nb_cell)) == []
