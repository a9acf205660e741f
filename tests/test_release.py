"""notebooks/ is what nbgrader makes of solutions/, byte for byte."""

import nbformat
import pytest
from nbformat.v4 import new_notebook
from tiny_course import NAME, ROOT, code, nbgrader, notebook, solution, write_course

from autograde import release
from autograde.seed import VARIABLE


@pytest.fixture
def course(tmp_path):
    return write_course(tmp_path / "course")


def released(course, folder="made"):
    release.generate(course, course / folder)
    return course / folder


def stub_of(course, source, name="one_hot"):
    nb = nbformat.read(course / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    nb.cells = [solution(name, source)]
    nbformat.write(nb, course / "solutions" / NAME / f"{NAME}.ipynb")
    made = nbformat.read(released(course) / NAME / f"{NAME}.ipynb", as_version=4)
    return made.cells[0].source


def test_notebooks_are_what_solutions_make(tmp_path):
    assert release.sources(ROOT)
    release.generate(ROOT, tmp_path / "made")
    assert release.compare(tmp_path / "made", ROOT / "notebooks") == []


def test_release_is_nbgraders_own_byte_for_byte(course):
    made = released(course)
    nbgrader(course, "generate_assignment", NAME)
    assert release.compare(made, course / "notebooks") == []
    assert release.compare(released(course, "again"), made) == []


def test_release_leaves_the_gradebook_alone(course):
    released(course)
    assert not (course / "autograde" / "gradebook.db").exists()


def test_a_stub_names_its_exercise_and_the_next_step(course):
    head = 'def one_hot(i):\n    """Doc."""\n'
    source = head + '    ### BEGIN SOLUTION say "hi" · h\n    x = 1\n    ### END SOLUTION'
    stub = '    raise NotImplementedError("01 · one_hot: say \\"hi\\" · h")'
    assert stub_of(course, source) == head + stub


def test_a_stub_without_a_next_step_points_at_the_check(course):
    source = "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"
    wanted = 'raise NotImplementedError("01 · one_hot: write it here, then run the check below")'
    assert stub_of(course, source) == wanted


def test_a_solution_cell_without_markers_is_replaced_whole(course):
    assert stub_of(course, "secret = 1").startswith('raise NotImplementedError("01 · one_hot: ')


def test_compare_names_every_kind_of_difference(course):
    made, target = released(course), course / "notebooks"
    assert "got no such file" in "\n".join(release.compare(made, target))
    release.publish(made, target)
    assert release.compare(made, target) == []

    notebook = target / NAME / f"{NAME}.ipynb"
    notebook.write_text(notebook.read_text().replace("return x plus x", "return x times two"))
    (target / NAME / "figures" / "dot.png").write_bytes(b"other")
    (target / NAME / "extra.txt").write_text("left over")
    text = "\n".join(release.compare(made, target))
    assert f"notebooks/{NAME}/{NAME}.ipynb: differs" in text
    assert "-" in text and "return x times two" in text and "return x plus x" in text
    assert "figures/dot.png: differs" in text
    assert "extra.txt: expected no such file" in text
    assert text.endswith("Edit solutions/ and run `make release`; notebooks/ is never edited.")

    said = release.publish(made, target)
    assert f"removed notebooks/{NAME}/extra.txt" in said
    assert release.compare(made, target) == []


def test_publish_writes_nothing_that_is_right(course):
    made, target = released(course), course / "notebooks"
    release.publish(made, target)
    before = (target / NAME / f"{NAME}.ipynb").stat().st_mtime_ns
    assert release.publish(made, target) == ["notebooks/ is what solutions/ make."]
    assert (target / NAME / f"{NAME}.ipynb").stat().st_mtime_ns == before


def test_check_exits_with_1_where_they_differ(course, monkeypatch, capsys):
    monkeypatch.setattr(release, "ROOT", course)
    monkeypatch.setattr(release, "LEDGER", course / "autograde" / "cell_ids.txt")
    assert release.main(["--check"]) == 1
    assert not (course / "notebooks").exists()
    assert release.main([]) == 0
    assert release.main(["--check"]) == 0
    assert "recorded 7 new cell ids" in capsys.readouterr().out


def test_the_ledger_of_ids_only_grows(course):
    ledger = course / "ids.txt"
    ledger.write_text("# a note\n01_tiny/gone\n")
    assert release.record_ids(course, ledger) == ["recorded 7 new cell ids in ids.txt"]
    assert {"01_tiny/gone", "01_tiny/check_double"} <= set(release.read_ids(ledger))
    assert release.record_ids(course, ledger) == []


PLOT = "import matplotlib.pyplot as plt\n\nplt.plot([1, 2]);"


def write_notebook(tmp_path, *cells):
    path = tmp_path / "nb.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def test_target_figures_are_saved_under_their_cells_ids(tmp_path):
    path = write_notebook(
        tmp_path, code("inline", "%matplotlib inline"), code("losses", PLOT, tags=["target"])
    )
    before = path.read_bytes()
    assert release.save_figures(path) == [tmp_path / "figures" / "losses.png"]
    assert (tmp_path / "figures" / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert path.read_bytes() == before


def test_figures_are_drawn_and_released(tmp_path, monkeypatch):
    nb = notebook()
    nb.cells.append(code("losses", PLOT, tags=["target", "experiment"]))
    course = write_course(tmp_path, nb)
    (course / "autograde").mkdir()
    monkeypatch.setattr(release, "ROOT", course)
    monkeypatch.setattr(release, "LEDGER", course / "autograde" / "cell_ids.txt")
    monkeypatch.setenv(VARIABLE, "")  # so that monkeypatch puts it back as it was
    monkeypatch.delenv(VARIABLE)
    assert release.main(["--figures"]) == 0
    assert (course / "notebooks" / NAME / "figures" / "losses.png").exists()
    assert release.main(["--check"]) == 0


def test_a_target_without_a_picture_is_refused(tmp_path):
    path = write_notebook(tmp_path, code("losses", "1 + 1", tags=["target"]))
    with pytest.raises(ValueError, match="cell losses: expected one picture.*got 0. Draw one"):
        release.save_figures(path)
