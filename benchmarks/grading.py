"""How fast a class is graded: this course's executor against nbgrader's own, side by side.

    python benchmarks/grading.py [--students 100] [--stock 5] [--pairs 2]

Each pair grades the class with ours and a part of it with nbgrader's own executor, in one run, so
that both meet the same machine; what is compared are submissions a second, start included.
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from rich.console import Console
from rich.table import Table

from autograde.release import ROOT
from autograde.sample_class import sample_class, solution_cells

NOTEBOOK = "03_bptt"
STOCK = """
import nbgrader.converters.autograde
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    DeduplicateIds, Execute, IgnorePattern, OverwriteCells, OverwriteKernelspec, latesubmissions,
    saveautogrades,
)

for module in (nbgrader.converters.autograde, saveautogrades, latesubmissions):
    module.Gradebook = Gradebook
c.Autograde.pre_convert_hook = c.Autograde.post_convert_hook = None
c.Autograde.sanitize_preprocessors = [
    ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata
]
c.Autograde.autograde_preprocessors = [
    Execute, IgnorePattern, ClearMetadataPreprocessor, LimitOutput, SaveAutoGrades,
    AssignLatePenalties, CheckCellMetadata,
]
c.Execute.timeout = 300
"""
SKIPPING = 'c.Execute.skip_cells_with_tag = "experiment"\n'


def write_class(folder, students, config):
    """A scratch course with a class of submissions; the sample class over and over."""
    shutil.copytree(ROOT / "solutions" / NOTEBOOK, folder / "solutions" / NOTEBOOK)
    (folder / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text() + config)
    nbgrader(folder, "generate_assignment", NOTEBOOK)
    source, released = (
        folder / room / NOTEBOOK / f"{NOTEBOOK}.ipynb" for room in ("solutions", "notebooks")
    )
    answers = sample_class(NOTEBOOK, solution_cells(source), solution_cells(released))
    answers = [one.cells for one in answers if one.student not in ("crash", "endless")]
    for number, cells in zip(range(students), itertools.cycle(answers), strict=False):
        nb = nbformat.read(released, as_version=4)
        for cell in nb.cells:
            cell.source = cells.get(cell.id, cell.source)
        place = folder / "autograde" / "submitted" / f"s{number:04}" / NOTEBOOK
        place.mkdir(parents=True)
        nbformat.write(nb, place / f"{NOTEBOOK}.ipynb")


def nbgrader(folder, *arguments):
    """Run a command of nbgrader's; (seconds, peak megabytes of all its processes together)."""
    home = {f"JUPYTER_{n}_DIR": str(folder / "jupyter" / n) for n in ("CONFIG", "DATA", "RUNTIME")}
    start = time.perf_counter()
    running = subprocess.Popen(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=os.environ | home,
        stdout=(folder / "log").open("w"),
        stderr=subprocess.STDOUT,
    )
    peak = Peak(running.pid)
    if running.wait() != 0:
        sys.exit((folder / "log").read_text()[-3000:])
    return time.perf_counter() - start, peak.stop()


class Peak(threading.Thread):
    """Watches the memory of a process and its descendants."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.process, self.bytes, self.over = psutil.Process(pid), 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.2):
            total = 0
            try:
                for one in [self.process, *self.process.children(recursive=True)]:
                    total += one.memory_full_info().pss
            except psutil.Error:
                continue
            self.bytes = max(self.bytes, total)

    def stop(self):
        self.over.set()
        return self.bytes / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=100, help="graded with ours")
    parser.add_argument("--stock", type=int, default=5, help="graded with nbgrader's own")
    parser.add_argument("--pairs", type=int, default=2, help="runs of each, in turn")
    options = parser.parse_args()
    ways = {
        "ours": ("", options.students),
        "nbgrader's own, experiments skipped": (STOCK + SKIPPING, options.stock),
        "nbgrader's own": (STOCK, options.stock),
    }
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "RNN_BY_HAND_SEED": "1"}
    rates, peaks = {way: [] for way in ways}, {way: 0 for way in ways}
    for _ in range(options.pairs):
        for way, (config, students) in ways.items():
            with tempfile.TemporaryDirectory() as scratch:
                write_class(Path(scratch), students, config)
                seconds, peak = nbgrader(Path(scratch), "autograde", NOTEBOOK)
            rates[way].append(students / seconds)
            peaks[way] = max(peaks[way], peak)
    table = Table("", "submissions/s, each run", "ours is faster by", "peak MB")
    for way in ways:
        ratio = [a / b for a, b in zip(rates["ours"], rates[way], strict=True)]
        told = [", ".join(f"{r:.2f}" for r in rates[way]), ", ".join(f"{r:.1f}" for r in ratio)]
        table.add_row(way, *told, f"{peaks[way]:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
