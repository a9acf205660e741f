"""What holds of every notebook: it runs, in time and without a warning, and keeps to its form."""

import re

import pytest
from notebook_runner import NAMES, ROOT, Executed

WORDS = "no one two three four five six seven eight nine ten".split()


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NAMES])
def name(request):
    return request.param


@pytest.fixture
def ran(name, executed):
    return executed(name)


@pytest.fixture
def prose(ran):
    return "\n".join(c.source for c in ran.notebook.cells if c.cell_type == "markdown")


def graded(ran):
    """Points by exercise."""
    return {
        cell.id.removeprefix("check_"): cell.metadata["nbgrader"]["points"]
        for cell in ran.notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }


def tagged(ran, tag):
    return [cell.id for cell in ran.notebook.cells if tag in cell.metadata.get("tags", [])]


def test_it_runs_without_a_warning_within_its_budget(ran):
    assert ran.warnings() == {}
    assert ran.seconds <= 90


def test_without_experiments_it_takes_seconds(name):
    assert Executed(name, experiments=False).seconds <= 5


def test_points_stand_in_the_headings_and_add_up_at_its_head(ran, prose):
    points = graded(ran)
    headings = re.findall(r"### Exercise `(\w+)` · [●○]{3} · (\d+) points? · \d+ minutes", prose)
    assert {exercise: int(number) for exercise, number in headings} == points
    total = f"**{sum(points.values())} points** in {WORDS[len(points)]} exercises"
    assert total in ran.notebook.cells[0].source


def test_every_check_finds_the_solution_right_and_leaves_no_output(ran):
    for exercise in graded(ran):
        cell = ran.cells[f"check_{exercise}"]
        assert cell.execution_count and not cell.outputs, exercise


def test_every_exercise_has_three_hints_and_they_fold(ran, prose):
    sections = prose.split("### Exercise ")[1:]
    assert len(sections) == len(graded(ran))
    for section in sections:
        for number in (1, 2, 3):
            assert section.count(f"<summary>Hint {number}: ") == 1, section[:30]
    assert prose.count("<details>") == prose.count("</details>")


def test_target_figures_lie_beside_the_notebook_and_are_shown(ran, prose, name):
    targets = tagged(ran, "target")
    assert targets
    for target in targets:
        assert ran.pictures(target) == 1
        assert f"](figures/{target}.png)" in prose
        assert (ROOT / "solutions" / name / "figures" / f"{target}.png").is_file()


def test_every_picture_is_there_in_words_too(ran):
    for cell in ran.notebook.cells:
        if cell.cell_type == "code" and ran.pictures(cell.id):
            assert len(ran.text(cell.id)) > 60, cell.id
