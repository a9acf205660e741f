"""Measures everything and writes docs/benchmarks.md and its figure.

make bench

The page's prose stands in the page; what is measured stands between its marks and is written anew.
"""

import argparse
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cells
import checks
import growth
import matplotlib.pyplot as plt
import numpy as np
import training
from measure import Spread, exponent, ratio
from threadpoolctl import threadpool_info

from autograde.exercises import EXERCISES
from helpers import plots

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
PEERS = (cells.PYTORCH, cells.LOOP, cells.JAX)
SHORT = {"float32": "f32", "float64": "f64"}

# What to reach, time ÷ peer, float32 and float64 at S0, S1, S2.
_SMALL = ((0.20, 0.20), (0.85, 0.85), (0.85, 0.85))
_LOOP = ((0.30, 0.30), (0.50, 0.50), (0.60, 0.60))
TARGETS = {
    ("rnn", cells.PYTORCH): _SMALL,
    ("gru", cells.PYTORCH): _SMALL,
    ("lstm", cells.PYTORCH): ((1.00, 0.30), (1.80, 0.75), (1.40, 0.80)),
    ("lstm", cells.LOOP): _LOOP,
}
# The same for a training step: (model, ours, theirs).
F32, F64 = cells.DTYPES
TRAINING_TARGETS = {("RNN", (cells.OURS, F64), (training.MIN_CHAR_RNN, F64)): 1 / 3}
WAIT = 0.3  # seconds until a check shows its result, the first time and again
# Vectors of 256 bits and no wider ones, in NumPy's OpenBLAS, as in the course's tests, and in
# PyTorch's oneDNN and MKL.
NARROW = {
    "OPENBLAS_CORETYPE": "Haswell",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: how often each way has its turn.
        least: CPU seconds of one measurement.
        shapes: those of cells.SHAPES.
        ranges, steps: the sizes for which growth is measured.
        exercises: those whose checks are timed.
    """

    rounds: int = 11
    least: float = 0.05
    shapes: tuple = tuple(cells.SHAPES)
    ranges: tuple = tuple(growth.RANGES.items())
    steps: tuple = growth.STEPS
    exercises: tuple = tuple(EXERCISES)


QUICK = Plan(
    rounds=2,
    least=0.002,
    shapes=("S0",),
    ranges=(("N", (1, 2)), ("T", (2, 4)), ("H", (8, 16))),
    steps=(25, 50),
    exercises=("one_hot", "rnn_step_backward"),
)


# What is measured -----------------------------------------------------------------------------


def measure_cells(plan):
    return [
        cells.measure(cell, shape, dtype, plan.rounds, plan.least)
        for cell in cells.CELLS
        for shape in plan.shapes
        for dtype in cells.DTYPES
    ]


def measure_kernels(plan):
    """Peaks, and the cells against PyTorch and the loop, with the kernels that this process has."""
    rounds = max(2, plan.rounds // 2)
    ways = (cells.OURS, cells.PYTORCH, cells.LOOP)
    return {
        "kernels": blas()["architecture"],
        "peaks": {dtype: cells.peaks(dtype, rounds, plan.least) for dtype in cells.DTYPES},
        "measured": [
            vars(cells.measure(cell, shape, dtype, rounds, plan.least, only=ways))
            for cell in cells.GATES
            for shape in plan.shapes
            for dtype in cells.DTYPES
        ],
    }


def in_kernels(variables, quick):
    """That, in a new process: the libraries look at such variables when they are loaded."""
    told = subprocess.run(
        [sys.executable, __file__, "--kernels", *(["--quick"] if quick else [])],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(told.stdout)


# What is said ---------------------------------------------------------------------------------


def table(head, rows, right=1):
    """Markdown; columns from number `right` on are numbers, and left out where all are empty."""
    kept = [k for k in range(len(head)) if k < right or any(str(row[k]) for row in rows)]
    head, rows = [head[k] for k in kept], [[row[k] for k in kept] for row in rows]
    rule = ["---" if k < right else "--:" for k in range(len(head))]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows)) + "\n"


def verdict(measured, target):
    """The target and whether it was reached, in words for a table's cell."""
    if target is None:
        return ""
    return f"{target:.2f} {'reached' if measured <= target else '**missed**'}"


def target_of(measured, peer):
    by_shape = TARGETS.get((measured.cell, peer))
    if by_shape is None or measured.shape not in cells.SHAPES:
        return None
    place = list(cells.SHAPES).index(measured.shape)
    return by_shape[place][cells.DTYPES.index(measured.dtype)]


def blas():
    """NumPy's BLAS as threadpoolctl knows it."""
    found = [i for i in threadpool_info() if i["user_api"] == "blas" and "numpy" in i["filepath"]]
    other = [i for i in threadpool_info() if i["user_api"] == "blas"]
    unknown = {"internal_api": "BLAS", "version": "unknown", "architecture": "unknown"}
    return unknown | (found or other or [{}])[0]


def machine_block(peaks, quick):
    used = blas()
    numpy_blas = f"{used['internal_api']} {used['version']} ({used['architecture']} kernels)"
    rows = [
        ("processor", processor()),
        ("Python, system", f"{platform.python_version()}, {platform.system()}"),
        ("NumPy", f"{np.__version__}, {numpy_blas}, one thread"),
        ("PyTorch", version(cells.torch, "CPU, eager, one thread")),
        ("JAX", version(cells.jax, "CPU, jit, one thread")),
    ]
    rows += [(f"1024 × 1024 product, {dtype}", _rates(rates)) for dtype, rates in peaks.items()]
    warning = "**A quick run: it shows that all works; its figures mean little.**\n\n"
    return (warning if quick else "") + table(("", "measured with"), rows, right=2)


def _rates(rates):
    return ", ".join(f"{name} {2e-9 * rate:.0f} GFLOP/s" for name, rate in rates.items())


def processor():
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    named = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return named[1] if named else platform.processor() or platform.machine()


def version(module, how):
    return f"{module.__version__}, {how}" if module else "not installed here, so not measured"


def cells_block(measured):
    """A table for every peer, targets beside the figures."""
    text = ""
    for peer in PEERS:
        rows = [_ratio_row(m, peer) for m in measured if peer in m.seconds]
        if rows:
            head = ("", "shape", "", "ours, ms", "ours ÷ theirs", "target")
            text += f"**`helpers` against {peer}**\n\n{table(head, rows, right=3)}\n"
    return text


def _ratio_row(m, peer):
    spread = m.ratio(peer)
    milliseconds = f"{1e3 * np.median(m.seconds[cells.OURS]):.2f}"
    told = verdict(spread.median, target_of(m, peer))
    return m.cell, m.shape, SHORT[m.dtype], milliseconds, spread, told


def ahead_block(measured):
    """Who is faster than we are, and what PyTorch's LSTM owes to oneDNN."""
    text = ""
    for peer in PEERS:
        ratios = [(m, m.ratio(peer)) for m in measured if peer in m.seconds]
        ahead = [f"{m.cell} {m.shape} {SHORT[m.dtype]}" for m, r in ratios if r.low > 1]
        if ratios:
            said = ", ".join(ahead) or "nowhere"
            text += f"- {peer} is ahead of `helpers` in {len(ahead)} of {len(ratios)}: {said}.\n"
    bare = {(m.cell, m.dtype, m.shape): m for m in measured if cells.BARE in m.seconds}
    if bare:
        shapes = list(dict.fromkeys(shape for *_, shape in bare))
        rows = [
            (cell, SHORT[dtype], *(_without_onednn(bare[cell, dtype, s]) for s in shapes))
            for cell, dtype in dict.fromkeys((cell, dtype) for cell, dtype, _ in bare)
        ]
        head = ("PyTorch without oneDNN ÷ PyTorch", "", *shapes)
        text += "\n" + table(head, rows, right=2)
    return text or "Nobody to compare with is installed here.\n"


def _without_onednn(m):
    return ratio(m.seconds[cells.BARE], m.seconds[cells.PYTORCH])


def products_block(measured, peaks):
    """The share of the time that goes into matrix products, and that of the best rate."""
    rows = []
    for m in measured:
        if cells.PRODUCTS not in m.seconds:
            continue
        ours = m.seconds[cells.OURS]
        share = ratio(m.seconds[cells.PRODUCTS], ours)
        count = cells.multiplications(m.cell, cells.SHAPES[m.shape])
        of_best = Spread.of(count / peaks[m.dtype]["NumPy"] / np.asarray(ours))
        rows.append((m.cell, m.shape, SHORT[m.dtype], share, of_best))
    head = ("", "shape", "", "products alone ÷ all", "share of the best rate")
    return table(head, rows, right=3)


def kernels_block(narrow):
    """The first tables over again, and the verdicts, with the kernels of `in_kernels`."""
    told = "; ".join(f"{dtype} {_rates(rates)}" for dtype, rates in narrow["peaks"].items())
    said = (
        f"With OpenBLAS's {narrow['kernels']} kernels a product of 1024 × 1024 matrices runs at: "
    )
    return f"{said}{told}.\n\n" + cells_block([cells.Measured(**m) for m in narrow["measured"]])


def training_block(measured):
    """Ours against others of the same precision; min-char-rnn also as it comes, in float64."""
    rows = []
    for model, seconds in measured.items():
        mine = [way for way in seconds if way[0] == cells.OURS]
        for ours, theirs in itertools.product(mine, [way for way in seconds if way not in mine]):
            as_it_comes = theirs == (training.MIN_CHAR_RNN, F64)
            if ours[1] != theirs[1] and not as_it_comes:
                continue
            spread = ratio(seconds[ours], seconds[theirs])
            told = verdict(spread.median, TRAINING_TARGETS.get((model, ours, theirs)))
            named = [f"{name}, {SHORT[dtype]}" for name, dtype in (ours, theirs)]
            rates = [_thousands(model, seconds[way]) for way in (ours, theirs)]
            rows.append((model, *named, *rates, spread, told))
    head = ("", "ours", "theirs", "ours, 1000 char/s", "theirs", "ours ÷ theirs", "target")
    return table(head, rows, right=3) if rows else "Nobody to compare with is installed here.\n"


def _thousands(model, seconds):
    """Thousands of characters a second."""
    return f"{training.characters(model) / np.median(seconds) / 1000:.0f}"


def growth_block(plan, times, memory):
    rows = []
    for axis, sizes in plan.ranges:
        counted = growth.multiplication_exponents(axis, sizes)
        for cell, seconds in times[axis].items():
            shown = f"{sizes[0]} to {sizes[-1]}"
            fitted, last = exponent(sizes, seconds), exponent(sizes[-2:], seconds[-2:])
            told = (f"{p:.2f}" for p in (fitted, last, counted[cell]))
            rows.append((cell, axis, shown, *told))
    head = ("", "axis", "sizes", "fitted exponent", "between the largest two", "multiplications")
    text = table(head, rows, right=3) + "\n![" + ALT + "](figures/benchmarks.png)\n\n"
    steps = [
        (T, *(f"{memory[way][k] / 1e6:.1f}" for way in memory)) for k, T in enumerate(plan.steps)
    ]
    fitted = [f"{exponent(plan.steps, memory[way]):.2f}" for way in memory]
    head = ("T", "full BPTT, peak MB", f"truncated to {growth.CHUNK} steps, peak MB")
    return text + table(head, [*steps, ("fitted exponent", *fitted)])


ALT = (
    "Four panels on logarithmic axes: the time of a sequence forward and backward against N, T and "
    "H for RNN, LSTM and GRU, each close to a straight line, and peak memory against T, which "
    "rises in proportion for full backpropagation through time and stays level for the truncated "
    "one."
)


def draw_growth(plan, times, memory):
    """The four panels of the growth section."""
    plots.use_style()
    fig, panels = plt.subplots(2, 2, figsize=(8.0, 6.0))
    for ax, (axis, sizes) in zip(panels.flat, plan.ranges, strict=False):
        milliseconds = {cell: [1e3 * s for s in times[axis][cell]] for cell in times[axis]}
        _draw_powers(ax, axis, sizes, milliseconds, "CPU time (ms)")
    megabytes = {way: [b / 1e6 for b in memory[way]] for way in memory}
    _draw_powers(panels.flat[3], "T", plan.steps, megabytes, "peak memory (MB)")
    return fig


def _draw_powers(ax, axis, sizes, lines, what):
    """Lines on logarithmic axes, and their exponents in the title."""
    powers = {name: exponent(sizes, numbers) for name, numbers in lines.items()}
    for marker, (name, numbers) in zip("osD", lines.items(), strict=False):
        ax.loglog(sizes, numbers, marker=marker, label=name)
    told = ", ".join(f"{name} {axis}^{power:.2f}" for name, power in powers.items())
    ax.set(xlabel=AXES[axis], ylabel=what, title=told)
    ax.set_xticks(sizes, map(str, sizes))
    ax.minorticks_off()
    ax.legend()


AXES = {"N": "N, batch size", "T": "T, time steps", "H": "H, hidden units"}


def checks_block(waits):
    def milliseconds(seconds):
        return "" if seconds is None else f"{1e3 * seconds:.0f}"

    rows = []
    for name, s in waits.items():
        slow = s.get("by element")
        times = f"{slow / s['cold']:.1f}" if slow else ""
        told = [milliseconds(x) for x in (s["import"] + s["cold"], s["cold"], s["warm"], slow)]
        rows.append((f"`{name}`", *told, times))
    cold, warm = (max(waits, key=lambda name: waits[name][k]) for k in ("cold", "warm"))
    said = ""
    for what, name, key in (("first", cold, "cold"), ("next", warm, "warm")):
        slowest = waits[name][key]
        told = "reached" if slowest <= WAIT else "**missed**"
        said += f"The slowest {what} check is `{name}`'s, {milliseconds(slowest)} ms; "
        said += f"target {1e3 * WAIT:.0f} ms, {told}.\n"
    head = ("CPU ms", "new process", "first check", "again", "by element", "÷ first check")
    return said + "\n" + table(head, rows)


# The page -------------------------------------------------------------------------------------


def fill(text, blocks):
    """The page with what stands between the marks of each block replaced.

    Raises:
        ValueError: a block whose marks the page lacks.
    """
    for name, content in blocks.items():
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->\n"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(
                f"{name}: expected its two marks once each in the page, got "
                f"{text.count(begin)} and {text.count(end)}; write {begin}{end}"
            )
        head, rest = text.split(begin)
        _, tail = rest.split(end)
        text = f"{head}{begin}{content}{end}{tail}"
    return text


def expect_one_thread():
    """Two threads would be timed as one, and on a busy machine wait for each other."""
    threads = {info["internal_api"]: info["num_threads"] for info in threadpool_info()}
    if any(count != 1 for count in threads.values()):
        sys.exit(
            f"threads: expected 1 of every library before Python starts, got {threads}; "
            "run `make bench`, or set OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1"
        )


def run(plan, quick):
    """Everything: (blocks by name, figure)."""
    start = time.perf_counter()

    def say(what):
        print(f"{time.perf_counter() - start:6.0f} s  {what}", file=sys.stderr, flush=True)

    say("recurrent layers")
    peaks = {dtype: cells.peaks(dtype, plan.rounds, plan.least) for dtype in cells.DTYPES}
    measured = measure_cells(plan)
    say("the same with vectors as wide as PyTorch's")
    narrow = in_kernels(NARROW, quick)
    say("training steps")
    steps = {m: training.measure(m, plan.rounds, plan.least) for m in training.MODELS}
    say("growth with N, T and H, and memory")
    times = growth.growth(max(2, plan.rounds // 2), plan.least, dict(plan.ranges))
    memory = growth.memory(plan.steps)
    say("the student's wait")
    waits = checks.waits(plan.exercises)
    say("done")
    blocks = {
        "machine": machine_block(peaks, quick),
        "cells": cells_block(measured),
        "ahead": ahead_block(measured),
        "products": products_block(measured, peaks),
        "kernels": kernels_block(narrow),
        "training": training_block(steps),
        "growth": growth_block(plan, times, memory),
        "checks": checks_block(waits),
    }
    return blocks, draw_growth(plan, times, memory)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page is written")
    parser.add_argument("--quick", action="store_true", help="a little of everything")
    parser.add_argument("--kernels", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    expect_one_thread()
    plan = QUICK if options.quick else Plan()
    if options.kernels:
        print(json.dumps(measure_kernels(plan)))
        return
    if options.quick and options.page == PAGE:
        parser.error("--quick: expected --page with another place, got none; it would spoil docs/")
    blocks, figure = run(plan, options.quick)
    text = fill(PAGE.read_text(encoding="utf-8"), blocks)
    options.page.write_text(text, encoding="utf-8")
    (options.page.parent / "figures").mkdir(exist_ok=True)
    (options.page.parent / "figures" / "benchmarks.png").write_bytes(plots.png(figure))


if __name__ == "__main__":
    main()
