"""The nbgrader round trip with the course's own configuration, on a course of one notebook."""

import csv
import os
import stat

import lab
import nbformat
import pytest
from tiny_course import NAME, nbgrader, write_course

import autograde.seed
from autograde.seed import VARIABLE, course_seed, set_course_seed

SOLVED = {
    "double": "def double(x):\n    return 2 * x",
    "triple": "def triple(x):\n    return 3 * x",
}
ENDLESS = "def double(x):\n    while True:\n        pass"
# Right on the visible test's number and wrong on the hidden one's.
CAUGHT = "def triple(x):\n    return 6"


def submit(root, student, sources, tag_tests=False):
    """Hand in the released notebook with these cells' sources in the place of the stubs."""
    nb = nbformat.read(root / "notebooks" / NAME / f"{NAME}.ipynb", as_version=4)
    for cell in nb.cells:
        cell.source = sources.get(cell.id, cell.source)
        if tag_tests and cell.id.startswith("check_"):
            cell.metadata["tags"] = ["experiment"]
    folder = root / "autograde" / "submitted" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(nb, folder / f"{NAME}.ipynb")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course after generate_assignment, autograde, generate_feedback and export."""
    root = write_course(tmp_path_factory.mktemp("course"))
    nbgrader(root, "generate_assignment", NAME)
    submit(root, "blank", {})
    submit(root, "complete", SOLVED)
    submit(root, "memoriser", SOLVED | {"triple": CAUGHT})
    submit(root, "runner", SOLVED | {"double": ENDLESS})
    submit(root, "tagger", {}, tag_tests=True)
    nbgrader(root, "autograde", NAME, "--Execute.timeout=3")
    nbgrader(root, "generate_feedback", NAME)
    nbgrader(root, "export")
    return root


def autograded(root, student):
    path = root / "autograde" / "autograded" / student / NAME / f"{NAME}.ipynb"
    return {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}


# One fixture for all of them, so all of them on one worker.
pytestmark = pytest.mark.xdist_group("nbgrader")


@pytest.mark.parametrize(
    "student, points",
    [("complete", 5), ("blank", 0), ("memoriser", 2), ("runner", 3), ("tagger", 0)],
)
def test_points(graded, student, points):
    with open(graded / "autograde" / "grades.csv", newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores[student] == points


def test_experiments_are_not_run(graded):
    assert autograded(graded, "complete")["training"].outputs == []


def test_an_endless_loop_ends_only_its_own_cell(graded):
    cells = autograded(graded, "runner")
    assert [output.output_type for output in cells["check_double"].outputs][-1] == "error"
    assert cells["check_double"].outputs[-1].ename in {"KeyboardInterrupt", "CellTimeoutError"}
    assert cells["check_triple"].outputs == []


def test_the_stub_says_which_exercise_is_to_be_written(graded):
    said = autograded(graded, "blank")["check_double"].outputs[-1]
    assert (said.ename, said.evalue) == ("NotImplementedError", "01 · double: return x plus x")


@pytest.mark.browser
def test_formgrader_opens_on_the_course(graded, chromium, tmp_path):
    with lab.jupyterlab(graded, tmp_path) as address, lab.browser_page(chromium) as page:
        page.goto(f"{address}/formgrader?token={lab.TOKEN}")
        row = page.get_by_role("row").filter(has_text=NAME)
        row.wait_for()
        assert row.locator("td.num-submissions").inner_text() == "5"
        assert page.get_by_text("not a subdirectory of").count() == 0


def test_feedback_and_figures_lie_where_the_config_says(graded):
    assert (graded / "autograde" / "feedback" / "complete" / NAME / f"{NAME}.html").exists()
    assert (graded / "notebooks" / NAME / "figures" / "dot.png").exists()
    assert not (graded / "notebooks" / NAME / "answers.md").exists()
    assert (graded / "autograde" / "gradebook.db").exists()


@pytest.fixture
def unset(monkeypatch):
    """Take the seed out of the environment, and what the test put there when it is done."""

    def unset_now():
        monkeypatch.setenv(VARIABLE, "")  # so that monkeypatch puts it back as it was
        monkeypatch.delenv(VARIABLE)

    unset_now()
    return unset_now


def test_the_seed_is_made_once_and_for_the_instructor_alone(tmp_path, unset):
    file = tmp_path / "course_seed"
    seeds = []
    for _ in range(2):
        unset()
        set_course_seed(file)
        seeds.append(course_seed())
    assert seeds[0] == seeds[1] == int(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_environments_seed_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "7")
    set_course_seed(tmp_path / "course_seed")
    assert course_seed() == 7
    assert not (tmp_path / "course_seed").exists()


def test_two_courses_draw_two_seeds(tmp_path, monkeypatch, unset):
    drawn = iter([1, 2])
    monkeypatch.setattr(autograde.seed.secrets, "randbits", lambda bits: next(drawn))
    for name, seed in [("one", 1), ("two", 2)]:
        unset()
        set_course_seed(tmp_path / name)
        assert course_seed() == seed


@pytest.mark.parametrize("junk", ["", "seven", "1.5", "-3", "1_000", " 7", "٣"])
def test_junk_for_a_seed_is_refused_with_a_remedy(monkeypatch, junk):
    monkeypatch.setenv(VARIABLE, junk)
    with pytest.raises(ValueError, match=f"{VARIABLE}: expected a whole number, got .*export"):
        course_seed()


def test_a_notebook_run_by_hand_finds_the_checkouts_seed(tmp_path, monkeypatch, unset):
    monkeypatch.setattr(autograde.seed, "FILE", tmp_path / "course_seed")
    assert course_seed() == int((tmp_path / "course_seed").read_text())


def test_no_seed_is_refused_with_a_remedy(tmp_path, monkeypatch, unset):
    monkeypatch.setattr(autograde.seed, "FILE", tmp_path / "no such folder" / "course_seed")
    with pytest.raises(RuntimeError, match="expected a whole number, got nothing. Run nbgrader"):
        course_seed()


def test_a_folder_that_cannot_be_written_to_leaves_the_seed_unset(tmp_path, unset):
    set_course_seed(tmp_path / "no such folder" / "course_seed")
    assert VARIABLE not in os.environ
