"""Runs a solution notebook from top to bottom, as Run All does, and keeps what it printed."""

import os
import re
import resource
import time
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
from nbclient import NotebookClient

from helpers.plots import png

ROOT = Path(__file__).resolve().parent.parent
NAMES = sorted(path.stem for path in ROOT.glob("solutions/*/*.ipynb"))


class Executed:
    """A notebook after Run All.

    Attributes:
        cells: its cells by id, with outputs.
        seconds: CPU time of the whole run on one core, kernel start included. What else the machine
            does meanwhile counts next to nothing, as it would in wall time.
    """

    def __init__(self, name, *, experiments=True):
        """Run `solutions/<name>/<name>.ipynb`; a cell that raises ends the run with its error."""
        path = ROOT / "solutions" / name / f"{name}.ipynb"
        self.notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            self.notebook,
            timeout=None,  # the test has one of its own
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            skip_cells_with_tag="skip-execution" if experiments else "experiment",
        )
        start = _children_seconds()
        environment = {
            **os.environ,
            "RNN_BY_HAND_SEED": "20260101",
            # ipykernel itself raises the one that is let through, and takes two seconds over it.
            "PYTHONWARNINGS": "error,ignore::PendingDeprecationWarning",
            "OPENBLAS_NUM_THREADS": "1",
        }
        client.execute(env=environment)
        self.seconds = _children_seconds() - start
        self.cells = {cell.id: cell for cell in self.notebook.cells}

    def text(self, cell_id):
        """All that a cell printed or displayed, as plain text."""
        text = ""
        for output in self.cells[cell_id].outputs:
            if output.output_type == "stream":  # one print may come in several pieces
                text += output.text
            elif "data" in output:
                text += "" if text.endswith("\n") or not text else "\n"
                text += output.data.get("text/plain", "") + "\n"
        return text

    def pictures(self, cell_id):
        """How many pictures a cell displayed."""
        return sum("image/png" in o.get("data", {}) for o in self.cells[cell_id].outputs)

    def warnings(self):
        """What cells wrote to stderr, by cell id; a progress bar's own line does not count."""
        return {
            cell.id: output.text
            for cell in self.notebook.cells
            for output in cell.get("outputs", [])
            if output.output_type == "stream"
            and output.name == "stderr"
            and "it/s" not in output.text
        }


def times_a_plain_figure(draw):
    """How many times longer it takes to draw than an empty figure does.

    Args:
        draw: returns a Matplotlib figure.
    """

    def seconds(draw):
        start = time.process_time()
        png(draw())
        return time.process_time() - start

    pairs = [(seconds(draw), seconds(lambda: plt.subplots()[0])) for _ in range(5)]
    ours, plain = (min(times) for times in zip(*pairs, strict=True))
    return ours / plain


def expect_training_to_go_on(names, run, watched, capsys):
    """A training that is interrupted in its fifth update and begun again ends as it should.

    Args:
        names: of the notebook, with its `train(run, updates)` and `update(run, of)`.
        run: a training that has not begun.
        watched: the parameter that has to change after the interruption.
        capsys: pytest's.
    """
    update, calls = names["update"], []

    def interrupting(run, of):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        update(run, of)

    names["update"] = interrupting
    names["train"](run, 12)
    assert run["done"] == 4
    assert "stopped after 4 updates; run this cell again" in capsys.readouterr().out
    learned = run["params"][watched].copy()
    names["update"] = update
    names["train"](run, 12)
    assert run["done"] == 12 and not np.array_equal(run["params"][watched], learned)


def numbers(text):
    """All the numbers in a text."""
    return [float(x) for x in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)]


def _children_seconds():
    """CPU seconds of all processes that this one has started and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
