"""The notebook lint: what must hold of solutions/ and notebooks/ beyond what ruff can see.

    python -m autograde.lint      exit 1 if anything is found

Each rule is a generator of findings: sentences that say where, expected, got and remedy.
"""

import re
import sys
from collections import Counter

import nbformat

from autograde.nbgrader_plugin import EXPERIMENT
from autograde.release import LEDGER, ROOT, cell_ids, read_ids, sources

SLUG = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
# What editors make up: eight hexadecimal digits, or a whole UUID.
RANDOM_ID = re.compile(r"(?=.*\d)[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?")
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<file>[^)\s]+)[^)]*\)")
IMG_TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
SOLUTION_REGION = re.compile(r"### BEGIN SOLUTION[^\n]*\n(.*?)### END SOLUTION", re.DOTALL)
HIDDEN_REGION = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
ARRAY_TO_FILL = re.compile(r"np\.(zeros|ones|empty)(_like)?\([^)]*\)")
SECRETS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN", "END HIDDEN", "course_seed")


def main():
    from autograde.exercises import EXERCISES

    findings = list(lint(ROOT, EXERCISES, read_ids(LEDGER)))
    print("\n".join(findings) or "The notebooks pass the lint.")
    return 1 if findings else 0


def lint(root, exercises, known_ids):
    """All findings in the course at `root`."""
    yield from lint_ledger(cell_ids(root), known_ids)
    for path in sources(root):
        source = nbformat.read(path, as_version=4)
        name = path.relative_to(root / "solutions")
        yield from lint_source(source, f"solutions/{name}", path, exercises)
        student = root / "notebooks" / name
        if not student.exists():
            yield f"notebooks/{name}: expected a notebook, got no such file. Run `make release`."
            continue
        released = nbformat.read(student, as_version=4)
        yield from lint_release(released, source, f"notebooks/{name}", student)


def lint_source(nb, name, path, exercises):
    """What must hold of an instructor's notebook."""
    number = path.stem.split("_")[0]
    asked = {key: one for key, one in exercises.items() if one.notebook == number}
    yield from _every_notebook(nb, name, path)
    yield from exercises_are_complete(nb, name, asked)
    yield from tests_are_declared(nb, name, asked)
    yield from solutions_are_marked(nb, name, asked)


def lint_release(nb, source, name, path):
    """What must hold of the student's notebook that was made from `source`."""
    yield from _every_notebook(nb, name, path)
    yield from nothing_leaks(nb, source, name)
    yield from stubs_name_their_exercise(nb, name, path.stem.split("_")[0])


def _every_notebook(nb, name, path):
    yield from ids_are_slugs(nb, name)
    yield from grade_ids_are_cell_ids(nb, name)
    yield from no_outputs(nb, name)
    yield from experiments_are_not_graded(nb, name)
    yield from images_are_described(nb, name, path.parent)


def lint_ledger(present, known):
    """Ids never change: every id ever recorded is still there, and every new one is recorded."""
    for cell in sorted(set(known) - set(present)):
        yield (
            f"autograde/cell_ids.txt: expected the cell {cell}, as it was released once; got "
            "none of that id. Give the cell its id back, or take out the line if it is gone."
        )
    for cell in sorted(set(present) - set(known)):
        yield f"{cell}: expected in autograde/cell_ids.txt, got no such line. Run `make release`."


# ----------------------------------------------------------------------- rules for every notebook


def ids_are_slugs(nb, name):
    for index, cell in enumerate(nb.cells):
        cell_id = cell.get("id")
        if cell_id is None:
            yield f"{name}, cell number {index}: expected an id, got none. Give it a short slug."
        elif not SLUG.fullmatch(cell_id) or RANDOM_ID.fullmatch(cell_id):
            yield (
                f"{name}, cell {cell_id}: expected an id that says what the cell is, in lower case "
                f"letters, digits, - and _; got {cell_id!r}. Name it like `why-memory`."
            )
    yield from _doubled(nb, name, "id", lambda cell: cell.get("id"))


def _doubled(nb, name, what, of):
    counts = Counter(of(cell) for cell in nb.cells)
    for value, count in counts.items():
        if value is not None and count > 1:
            yield (
                f"{name}, cell {value}: expected a {what} of its own, got {count} cells with it. "
                "Rename the newer one."
            )


def grade_ids_are_cell_ids(nb, name):
    yield from _doubled(nb, name, "grade_id", lambda cell: _nbgrader(cell).get("grade_id"))
    for cell in nb.cells:
        grade_id = _nbgrader(cell).get("grade_id")
        if "nbgrader" in cell.metadata and grade_id != cell.get("id"):
            yield (
                f"{name}, cell {cell.get('id')}: expected the grade_id to be the cell's id, "
                f"got {grade_id!r}. Make them the same."
            )


def no_outputs(nb, name):
    for cell in nb.cells:
        if cell.get("outputs") or cell.get("execution_count") is not None:
            yield (
                f"{name}, cell {cell.get('id')}: expected no output and no execution count, "
                f"got {len(cell.get('outputs', []))} outputs and {cell.get('execution_count')}. "
                "Run `make strip`, then `make release`."
            )


def experiments_are_not_graded(nb, name):
    for cell in nb.cells:
        if EXPERIMENT in cell.metadata.get("tags", []) and "nbgrader" in cell.metadata:
            yield (
                f"{name}, cell {cell.id}: expected no nbgrader metadata, as the cell is tagged "
                f"`{EXPERIMENT}` and not run in grading; got {_nbgrader(cell).get('grade_id')!r}. "
                "Take the tag or the metadata away."
            )


def images_are_described(nb, name, folder):
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        for alt, file in _images(cell.source):
            if not alt.strip():
                yield (
                    f"{name}, cell {cell.id}: expected alt text for {file}, got none. "
                    "Say what the picture shows, for those who cannot see it."
                )
            if not (folder / file).is_file():
                yield (
                    f"{name}, cell {cell.id}: expected the picture {file} beside the notebook, "
                    "got no such file. Run `make figures`, or mend the path."
                )


def _images(source):
    """The alt text and the file of each picture in Markdown or HTML."""
    for image in IMAGE.finditer(source):
        yield image["alt"], image["file"]
    for tag in IMG_TAG.findall(source):
        found = dict(re.findall(r"""\b(alt|src)=["']([^"']*)""", tag))
        yield found.get("alt", ""), found.get("src", "")


# --------------------------------------------------------------- rules for an instructor's notebook


def exercises_are_complete(nb, name, asked):
    counts = Counter(_nbgrader(cell).get("grade_id") for cell in nb.cells)
    for exercise in asked:
        for cell in (exercise, f"check_{exercise}"):
            if counts[cell] == 0:
                yield (
                    f"{name}: expected a cell {cell}, as autograde/exercises declares {exercise}; "
                    "got none. Write the cell, or take the declaration out."
                )


def tests_are_declared(nb, name, asked):
    for cell in nb.cells:
        marks = _nbgrader(cell)
        if not marks.get("grade"):
            continue
        exercise = asked.get(marks["grade_id"].removeprefix("check_"))
        if exercise is None or not marks["grade_id"].startswith("check_"):
            yield (
                f"{name}, cell {cell.id}: expected `check_` and an exercise of this notebook, "
                f"got {marks['grade_id']!r}. Declare it in autograde/exercises, or rename the cell."
            )
            continue
        if marks.get("points") != exercise.points:
            yield (
                f"{name}, cell {cell.id}: expected {exercise.points} points, as "
                f"autograde/exercises declares; got {marks.get('points')}. Change one of the two."
            )
        if marks.get("solution") or not marks.get("locked"):
            yield (
                f"{name}, cell {cell.id}: expected a locked test cell, got solution="
                f"{marks.get('solution')} and locked={marks.get('locked')}. Mend its metadata."
            )
        hidden = HIDDEN_REGION.search(cell.source)
        if hidden is None or "course_seed()" not in hidden[1]:
            yield (
                f"{name}, cell {cell.id}: expected hidden tests that use course_seed(), got "
                f"{'none' if hidden is None else 'others'}. Check again with seed=course_seed() "
                "between ### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS."
            )


def solutions_are_marked(nb, name, asked):
    for cell in nb.cells:
        marks = _nbgrader(cell)
        if not marks.get("solution") or marks.get("grade"):
            continue
        if marks["grade_id"] not in asked:
            yield (
                f"{name}, cell {cell.id}: expected the name of an exercise of this notebook, "
                f"got {marks['grade_id']!r}. Declare it in autograde/exercises, or rename the cell."
            )
        if not SOLUTION_REGION.search(cell.source):
            yield (
                f"{name}, cell {cell.id}: expected a solution between ### BEGIN SOLUTION and "
                "### END SOLUTION, got no such lines. Without them students lose the signature too."
            )


# ------------------------------------------------------------------ rules for a student's notebook


def nothing_leaks(nb, source, name):
    telling = {line for cell in source.cells for line in _telling_lines(cell)}
    for cell in nb.cells:
        for secret in SECRETS:
            if secret in cell.source:
                yield (
                    f"{name}, cell {cell.id}: expected nothing of the hidden parts, got "
                    f"{secret!r}. Mend the markers in solutions/, then run `make release`."
                )
        shown = _without_spaces(cell.source)
        for line in sorted(telling):
            if _without_spaces(line) in shown:
                yield (
                    f"{name}, cell {cell.id}: expected no line of a solution, got `{line}`. "
                    "Say it in other words in solutions/, then run `make release`."
                )


def _telling_lines(cell):
    """The lines of a cell's solutions and hidden tests that would give something away.

    A signature, a loop's head, a tuple of names or an array of zeros gives nothing away.
    """
    for region in SOLUTION_REGION.findall(cell.source) + HIDDEN_REGION.findall(cell.source):
        for line in region.splitlines():
            said = line.split("  #")[0].strip().removeprefix("return ")
            ordinary = (
                len(_without_spaces(said)) < 20
                or said.endswith((":", ".shape"))
                or said.startswith(("#", "import ", "from "))
                or not re.search(r"[-(@*+/\[]", ARRAY_TO_FILL.sub("", said))
            )
            if not ordinary:
                yield said


def _without_spaces(text):
    return re.sub(r"\s", "", text)


def stubs_name_their_exercise(nb, name, number):
    for cell in nb.cells:
        marks = _nbgrader(cell)
        if not marks.get("solution") or cell.cell_type != "code":
            continue
        wanted = f'raise NotImplementedError("{number} · {marks["grade_id"]}: '
        if wanted not in cell.source:
            yield (
                f"{name}, cell {cell.id}: expected a stub with `{wanted}...`, got "
                f"`{cell.source.strip().splitlines()[-1].strip()}`. Run `make release`."
            )


def _nbgrader(cell):
    return cell.metadata.get("nbgrader", {})


if __name__ == "__main__":
    sys.exit(main())
