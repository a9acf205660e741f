"""The benchmarks measure what they say: all ways agree, slow is told from fast, a whole page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cells
import checks
import growth
import measure
import numpy as np
import page
import pytest
import training
from threadpoolctl import threadpool_info

import helpers
from autograde import check
from autograde.exercises import EXERCISES

ROOT = Path(__file__).resolve().parent.parent
SMALL = (3, 5, 4, 6)  # N, T, D, H


# Timing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [0, 1, 1.7, -2])
def test_an_exponent_is_found_again(power):
    sizes = np.array([8.0, 16, 64, 100])
    assert measure.exponent(sizes, 3e-4 * sizes**power) == pytest.approx(power, abs=1e-12)


def test_an_exponent_is_found_again_among_noise():
    sizes = 2.0 ** np.arange(3, 11)
    noise = np.exp(np.random.default_rng(0).normal(scale=0.05, size=8))
    assert measure.exponent(sizes, sizes**1.5 * noise) == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("sizes, costs", [([4], [1]), ([4, 4], [1, 2]), ([1, 2], [0, 1])])
def test_an_exponent_needs_a_line(sizes, costs):
    with pytest.raises(ValueError, match="expected two positive sizes"):
        measure.exponent(sizes, costs)


def test_every_way_has_its_turn_in_every_round():
    called = []
    ways = {name: lambda name=name: called.append(name) for name in "ABC"}
    seconds = measure.in_turn(ways, rounds=3, least=0)
    assert "".join(called) == "ABC" + "ABC" + "CBA" + "ABC"
    assert {name: len(s) for name, s in seconds.items()} == {"A": 3, "B": 3, "C": 3}


def test_seconds_are_those_of_one_call(monkeypatch):
    clock = SimpleNamespace(now=0.0, calls=0)

    def call():
        clock.now, clock.calls = clock.now + 0.003, clock.calls + 1

    monkeypatch.setattr(measure.time, "process_time", lambda: clock.now)
    assert measure.cpu_seconds(call, least=0.1) == pytest.approx(0.003)
    assert 0.1 <= clock.calls * 0.003 <= 0.4


def test_a_machine_that_slows_down_changes_no_ratio():
    spread = measure.ratio([1, 2, 8, 4], [2, 4, 16, 8])
    assert (spread.low, spread.median, spread.high) == (0.5, 0.5, 0.5)


# Peers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", cells.DTYPES)
@pytest.mark.parametrize("cell", cells.CELLS)
def test_all_ways_compute_the_same(torch, cell, dtype):
    ways = cells.ways_of(cell, cells.draw(cell, SMALL, dtype))
    wanted = {cells.OURS, cells.PYTORCH} | ({cells.LOOP} if cell in cells.GATES else set())
    assert wanted <= set(ways)
    cells.expect_agreement(ways, cells.LIMIT[dtype])


@pytest.mark.parametrize("dtype", training.DTYPES)
@pytest.mark.parametrize("model", training.MODELS)
def test_all_ways_to_train_end_at_the_same_parameters(torch, model, dtype):
    ways = training.ways_of(model, dtype)
    assert training.PYTORCH in ways
    before = {name: way.read(way.run()) for name, way in ways.items()}
    before = {q: value.copy() for q, value in before[cells.OURS].items()}
    for way in ways.values():
        way.run()
    training.expect_agreement(ways, training.LIMIT[dtype])
    after = ways[cells.OURS].read(ways[cells.OURS].run())
    assert all((after[q] != before[q]).any() for q in before)  # it does train


def test_what_computes_something_else_is_not_compared():
    a = cells.draw("rnn", SMALL, "float64")
    right = cells.numpy_way("rnn", a)
    wrong = cells.Way(right.run, lambda result: right.read(result) | {"dWh": result[4] * 1.001})
    with pytest.raises(ValueError, match="wrong, dWh: expected right's float64"):
        cells.expect_agreement({"right": right, "wrong": wrong}, 1e-9)


def test_what_is_of_another_precision_is_not_compared():
    a = cells.draw("rnn", SMALL, "float32")
    right = cells.numpy_way("rnn", a)
    wide = cells.Way(right.run, lambda r: {n: v.astype(float) for n, v in right.read(r).items()})
    with pytest.raises(ValueError, match="expected right's float32 .* got float64"):
        cells.expect_agreement({"right": right, "wide": wide}, 1e-5)


def slow_lstm(times):
    """The course's LSTM, which does its work several times over."""

    def slow(function):
        return lambda *arguments: [function(*arguments) for _ in range(times)][-1]

    return SimpleNamespace(
        lstm_forward=slow(helpers.lstm_forward), lstm_backward=slow(helpers.lstm_backward)
    )


def test_a_slow_implementation_is_reported_as_slow(monkeypatch):
    """Its target against the loop is .3."""
    ways = (cells.OURS, cells.LOOP)
    right = cells.measure("lstm", "S0", "float32", rounds=5, least=0.01, only=ways)
    monkeypatch.setattr(cells, "helpers", slow_lstm(6))
    slow = cells.measure("lstm", "S0", "float32", rounds=5, least=0.01, only=ways)
    assert 3.5 < slow.ratio(cells.LOOP).median / right.ratio(cells.LOOP).median < 9
    (row,) = re.findall(r"^\| lstm .*missed.*$", page.cells_block([slow]), re.MULTILINE)
    assert row.endswith("| 0.30 **missed** |")
    assert "step-by-step loop is ahead" in page.ahead_block([slow])


@pytest.mark.parametrize("figure, said", [(0.2, "reached"), (0.3, "reached"), (0.304, "missed")])
def test_a_target_is_a_target(figure, said):
    assert said in page.verdict(figure, 0.3)


def test_who_is_ahead_is_told():
    seconds = {cells.OURS: [3.0] * 4, cells.PYTORCH: [2.0] * 4, cells.LOOP: [9.0] * 4}
    told = page.ahead_block([cells.Measured("lstm", "S1", "float32", seconds)])
    assert "- PyTorch is ahead of `helpers` in 1 of 1: lstm S1 f32." in told
    assert "- step-by-step loop is ahead of `helpers` in 0 of 1: nowhere." in told


@pytest.mark.parametrize("cell", cells.GATES)
def test_matrix_products_are_counted(cell, monkeypatch):
    """Every product that is timed alone, multiplied out, against the formula."""
    counted = []
    matmul = np.matmul

    def counting(a, b, out):
        counted.append(a.shape[0] * a.shape[1] * b.shape[1])
        return matmul(a, b, out=out)

    run = cells.matrix_products(cell, SMALL, "float32")
    monkeypatch.setattr(np, "matmul", counting)
    run()
    assert sum(counted) == cells.multiplications(cell, SMALL)


# Growth ---------------------------------------------------------------------------------------


def test_memory_grows_with_time_unless_the_gradient_is_cut():
    steps = (100, 200, 400)
    peaks = growth.memory(steps, N=2, H=16)
    assert measure.exponent(steps, peaks["full"]) > 0.8
    assert measure.exponent(steps, peaks["truncated"]) < 0.2


def test_multiplications_tend_to_the_square_of_h():
    tending = growth.multiplication_exponents("H", (10_000, 20_000))
    assert all(p == pytest.approx(2, abs=0.02) for p in tending.values())
    assert growth.multiplication_exponents("T", (8, 16))["gru"] == pytest.approx(1)


# The student's wait ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_whose_check_is_timed_is_right(name):
    exercise = EXERCISES[name]
    scope = checks.solutions(exercise)
    own = {"forward": scope[exercise.forward.__name__]} if exercise.takes_forward else {}
    assert scope[name] is not exercise.reference
    assert check(scope[name], **own).passed


def test_the_element_by_element_gradients_are_those_of_the_check(monkeypatch):
    """They take two calls for every element of every array of every problem."""
    from autograde import gradcheck
    from autograde.examination import _Problems

    exercise, calls = EXERCISES["rnn_step_backward"], []
    numerical = gradcheck.numerical_gradient

    def counting(f, x):
        calls.append(x.size)
        return numerical(f, x)

    monkeypatch.setattr(gradcheck, "numerical_gradient", counting)
    checks.gradients_by_element(exercise)
    problems = _Problems(exercise, 0)
    cases = [c for c in (problems.main, *problems.edges.values()) if not c.same_numbers]
    differentiated = ("x", "h_prev", "Wx", "Wh", "b")
    assert sum(calls) == sum(c.arguments()[n].size for c in cases for n in differentiated)


def test_the_seconds_of_a_check(monkeypatch):
    found = checks.waits(["softmax_loss"])["softmax_loss"]
    assert list(found) == ["import", "cold", "warm", "by element"]
    assert 0 < found["warm"] < found["cold"] < 20 * found["import"]


# The page -------------------------------------------------------------------------------------


def rows(text):
    """The rows of all tables, below their heads: lists of cells, with where numbers begin."""
    found, right = [], None
    for line in text.splitlines():
        parts = [part.strip() for part in line.strip("|").split("|")]
        if not line.startswith("|"):
            right = None
        elif set(parts) <= {"---", "--:"}:
            right = parts.count("---")
        elif right is not None:
            found.append((parts, right))
    return found


NUMBER = r"\d+(\.\d+)?"
FIGURE = re.compile(
    rf"(-?{NUMBER}|{NUMBER} \({NUMBER}–{NUMBER}\)|{NUMBER} (reached|\*\*missed\*\*))?"
)


def blocks(text):
    found = re.findall(r"<!-- begin: (.*?) -->\n(.*?)<!-- end: \1 -->", text, re.DOTALL)
    return dict(found)


def expect_whole(text):
    """Every block is there, and every number in its tables is one."""
    found = blocks(text)
    measured = [name for name in found if name != "benchmarks/grading.py"]
    assert measured == [
        *("machine", "cells", "ahead", "products", "kernels", "training", "growth", "checks")
    ]
    for name in measured:
        assert rows(found[name]), name
        for parts, right in rows(found[name]):
            wrong = [part for part in parts[right:] if not FIGURE.fullmatch(part)]
            assert wrong == [], name


def test_the_page_is_whole_and_was_not_made_in_a_hurry():
    text = page.PAGE.read_text()
    expect_whole(text)
    assert "quick run" not in text
    assert (page.PAGE.parent / "figures" / "benchmarks.png").exists()
    timed = [parts[0].strip("`") for parts, _ in rows(blocks(text)["checks"])]
    assert set(timed) <= set(EXERCISES)


def test_a_column_of_numbers_that_has_none_is_left_out():
    told = page.table(("", "a", "b"), [("x", "", 1), ("y", "", 2)])
    assert told == "|  | b |\n| --- | --: |\n| x | 1 |\n| y | 2 |\n"


def test_blocks_are_filled_and_the_rest_stays():
    text = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb\n"
    assert page.fill(text, {"x": "new\n"}) == text.replace("old", "new")
    with pytest.raises(ValueError, match="y: expected its two marks once each"):
        page.fill(text, {"y": ""})


@pytest.mark.slow
def test_a_quick_run_writes_the_page(tmp_path, torch):
    place = tmp_path / "benchmarks.md"
    script = ROOT / "benchmarks" / "page.py"
    made = subprocess.run(
        [sys.executable, script, "--quick", "--page", place], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    text = place.read_text()
    expect_whole(text)
    assert "quick run" in blocks(text)["machine"]
    timed = [parts[0].strip("`") for parts, _ in rows(blocks(text)["checks"])]
    assert timed == list(page.QUICK.exercises)
    assert (tmp_path / "figures" / "benchmarks.png").read_bytes().startswith(b"\x89PNG")
    old = blocks(page.PAGE.read_text())["benchmarks/grading.py"]
    assert blocks(text)["benchmarks/grading.py"] == old


def test_a_quick_run_does_not_spoil_the_page(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["page.py", "--quick"])
    monkeypatch.setattr(page, "expect_one_thread", lambda: None)
    before = page.PAGE.read_text()
    with pytest.raises(SystemExit):
        page.main()
    assert "expected --page with another place" in capsys.readouterr().err
    assert page.PAGE.read_text() == before


# One thread, wherever processes start -----------------------------------------------------------


def test_more_than_one_thread_is_refused(monkeypatch):
    two = [{"internal_api": "openblas", "num_threads": 2}]
    monkeypatch.setattr(page, "threadpool_info", lambda: two)
    with pytest.raises(SystemExit, match="threads: expected 1 .* got {'openblas': 2}; run `make b"):
        page.expect_one_thread()


def test_tests_have_one_thread():
    found = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert found and set(found) == {1}


def without_the_variable(command, **keywords):
    environment = {n: v for n, v in os.environ.items() if n != "OPENBLAS_NUM_THREADS"}
    environment["RNN_BY_HAND_SEED"] = "1"
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, **keywords
    )
    return done.stdout.strip()


def test_make_starts_everything_with_one_thread():
    shown = "--eval=shown: ; @echo $$OPENBLAS_NUM_THREADS"
    assert without_the_variable(["make", "-s", shown, "shown"], cwd=ROOT) == "1"


def test_grading_starts_its_workers_with_one_thread(tmp_path):
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    code = (
        "import os; from traitlets.config.loader import PyFileConfigLoader as Loader; "
        "Loader('nbgrader_config.py').load_config(); print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    assert without_the_variable([sys.executable, "-c", code], cwd=tmp_path) == "1"


def test_the_library_itself_leaves_threads_alone():
    code = "import os, helpers, autograde; print(os.environ.get('OPENBLAS_NUM_THREADS'))"
    assert without_the_variable([sys.executable, "-c", code], cwd=ROOT) == "None"
