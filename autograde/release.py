"""Make notebooks/ from solutions/, as nbgrader does, or say where the two differ.

    python -m autograde.release             regenerate notebooks/
    python -m autograde.release --check     compare only; exit 1 where they differ
    python -m autograde.release --figures   first run solutions/ and save the target figures

The instructor's gradebook is not touched: that is for `nbgrader generate_assignment` itself.
"""

import argparse
import base64
import difflib
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[1]
LEDGER = ROOT / "autograde" / "cell_ids.txt"
TARGET = "target"
SECONDS_PER_CELL = 300


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m autograde.release", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if they differ")
    parser.add_argument("--figures", action="store_true", help="draw the target figures first")
    options = parser.parse_args(arguments)
    if options.figures:
        for path in sources(ROOT):
            for figure in save_figures(path):
                print(f"drew {figure.relative_to(ROOT)}")
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "notebooks"
        generate(ROOT, made)
        if options.check:
            differences = compare(made, ROOT / "notebooks")
            print("\n".join(differences) or "notebooks/ is what solutions/ make.")
            return 1 if differences else 0
        for line in publish(made, ROOT / "notebooks") + record_ids(ROOT, LEDGER):
            print(line)
    return 0


def sources(root):
    """The instructor's notebooks, in the order of the course."""
    return sorted(root.glob("solutions/*/*.ipynb"))


def generate(root, target):
    """Write the student's version of every notebook in root/solutions into the folder `target`."""
    target.mkdir(parents=True)
    if not sources(root):
        return
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.release_directory = str(target)
    config.SaveCells.enabled = False
    config.GenerateAssignment.no_database = True
    log = logging.getLogger(__name__)
    log.setLevel(logging.ERROR)  # nbgrader would name each file that it copies
    course = CourseDirectory(config=config, log=log)
    course.assignment_id = "*"
    GenerateAssignment(coursedir=course, config=config, log=log).start()


def compare(made, released):
    """One message for each file that is not in `released` as it is in `made`."""
    wanted, found = _files(made), _files(released)
    messages = []
    for name in sorted(wanted | found):
        if name not in found:
            messages.append(f"notebooks/{name}: expected, as solutions/ make it; got no such file")
        elif name not in wanted:
            messages.append(
                f"notebooks/{name}: expected no such file, as solutions/ do not make it"
            )
        elif (made / name).read_bytes() != (released / name).read_bytes():
            messages.append(
                f"notebooks/{name}: differs from what solutions/ make\n"
                + _difference(made / name, released / name)
            )
    if messages:
        messages.append("Edit solutions/ and run `make release`; notebooks/ is never edited.")
    return messages


def _difference(made, released, most=20):
    """The first lines of the difference between two text files."""
    if made.suffix != ".ipynb":
        return "  (not a text file)"
    expected, got = (path.read_text("utf-8").splitlines() for path in (made, released))
    lines = difflib.unified_diff(
        got, expected, "notebooks/ has", "solutions/ make", n=1, lineterm=""
    )
    lines = list(lines)
    more = [f"  ... and {len(lines) - most} more lines"] if len(lines) > most else []
    return "\n".join([f"  {line}" for line in lines[:most]] + more)


def publish(made, released):
    """Make `released` equal to `made`, and say what changed; what is right is not written."""
    wanted, found = _files(made), _files(released)
    said = []
    for name in sorted(found - wanted):
        (released / name).unlink()
        said.append(f"removed notebooks/{name}")
    for name in sorted(wanted):
        source, target = made / name, released / name
        if name in found and source.read_bytes() == target.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        said.append(f"wrote notebooks/{name}")
    return said or ["notebooks/ is what solutions/ make."]


def _files(folder):
    """The names of all files below `folder`, but for what JupyterLab keeps of its own."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }


def read_ids(ledger):
    """The cells that a release ever had, each as `01_rnn_intro/rnn_step`."""
    if not ledger.exists():
        return []
    lines = ledger.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def cell_ids(root):
    """The cells that solutions/ have now."""
    return [
        f"{path.stem}/{cell.id}"
        for path in sources(root)
        for cell in nbformat.read(path, as_version=4).cells
    ]


def record_ids(root, ledger):
    """Add the ids of new cells to the ledger. It takes none out: that is done by hand."""
    known = read_ids(ledger)
    new = [name for name in cell_ids(root) if name not in known]
    if not new:
        return []
    head = (
        "# Every cell id that was ever released. Translations and feedback are keyed to them, so\n"
        "# they never change. `make release` adds new ones; a line goes only with its cell.\n"
    )
    ledger.write_text(head + "\n".join(sorted(known + new)) + "\n", "utf-8")
    return [f"recorded {len(new)} new cell ids in {ledger.relative_to(root)}"]


def save_figures(path):
    """Run a notebook and save the picture of each cell tagged `target` as figures/<cell-id>.png."""
    nb = nbformat.read(path, as_version=4)
    targets = [cell for cell in nb.cells if TARGET in cell.metadata.get("tags", [])]
    if not targets:
        return []
    NotebookClient(
        nb, timeout=SECONDS_PER_CELL, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    return [_save_picture(cell, path.parent / "figures") for cell in targets]


def _save_picture(cell, folder):
    pictures = [
        output.data["image/png"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    if len(pictures) != 1:
        raise ValueError(
            f"{folder.parent.name}, cell {cell.id}: expected one picture, as the cell is tagged "
            f"`{TARGET}`; got {len(pictures)}. Draw one figure in it, or take the tag away."
        )
    folder.mkdir(exist_ok=True)
    figure = folder / f"{cell.id}.png"
    figure.write_bytes(base64.b64decode(pictures[0]))
    return figure


if __name__ == "__main__":
    sys.exit(main())
