"""Notebook 03: it runs, its pictures are there, and its prose says what its cells show."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from notebook_runner import ROOT, numbers

import helpers
from helpers.diagrams.bptt import draw_cell_graph, draw_time_graph
from helpers.explorers import differences as explorer
from helpers.plots import png

NAME = "03_bptt"
TARGETS = ["u-curve", "memory", "learning-curve", "recall"]
PICTURES = [*TARGETS, "cell-graph", "time-graph", "explore-step-size"]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


# --- the notebook as a whole --------------------------------------------------------------------


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("measure-first", "toy-slopes", ["19", "13", "12"]),
    ("step-by-hand", "step-measured", ["0.64", "0.32", "1.28", "0.16", "0.6"]),
    ("time-by-hand", "shares-measured", ["0.8064", "0.4224", "1.4848"]),
    ("about-embedding-backward", "embedding-shown", ["2", "20", "5", "50"]),
    ("about-adagrad-update", "adagrad-by-hand", ["0.1", "0.08"]),
]


@pytest.mark.parametrize("prose, cell, quoted", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted):
    printed = numbers(ran.text(cell))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert float(number) in printed, f"{cell} does not print {number}"


def test_forward_errors_halve_and_central_ones_fall_to_a_quarter(ran):
    rows = [numbers(line) for line in ran.text("toy-slopes").splitlines()[1:]]
    for eps, forward, central in rows:
        assert forward == pytest.approx(12 + 6 * eps + eps**2)
        assert central == pytest.approx(12 + eps**2)


def test_best_steps_are_those_that_the_prose_names(ran, sources):
    found = {
        (scheme, dtype): (float(step), float(error))
        for scheme, dtype, step, error in re.findall(
            r"(\w+) +(\w+): best step (\S+), error (\S+)", ran.text("u-curve")
        )
    }
    assert "about 1e-8 and 1e-5 in float64" in sources["how-small-answer"]
    # Rounding differs a little between machines: within a power of ten.
    assert 1e-9 <= found["forward", "float64"][0] <= 1e-7
    assert 1e-6 <= found["central", "float64"][0] <= 1e-4
    assert "an error of some 1e-5" in sources["how-small-answer"]
    assert 3e-6 < found["central", "float32"][1] < 1e-4
    assert found["central", "float64"][1] < 1e-2 * found["forward", "float64"][1]


@pytest.mark.parametrize(
    "cell, exercise, quantity, mistake",
    [
        ("bug-slope-shown", "rnn_step_backward", "dx", "tanh derivative left out"),
        ("bug-overwrite-shown", "rnn_backward", "dWx", "= for += over time"),
        ("bug-future-shown", "rnn_backward", "dx", "gradient from the next step not added"),
    ],
)
def test_each_bug_is_named_by_its_check(ran, cell, exercise, quantity, mistake):
    said = ran.text(cell)
    assert f"{exercise}: not yet right\n{quantity} is not right" in said
    assert f"A known mistake gives exactly this: {mistake}" in said
    assert f"the mistake by name: {mistake}" in said


def test_which_gradients_each_bug_spoils(ran):
    slope, overwrite, future = (
        ran.text(f"bug-{bug}-shown") for bug in ("slope", "overwrite", "future")
    )
    assert all(f"✗ {name} " in slope for name in ("dx", "dh_prev", "dWx", "dWh", "db"))
    assert all(f"✓ {name} " in overwrite for name in ("dx", "dh0"))
    assert all(f"✗ {name} " in overwrite for name in ("dWx", "dWh", "db"))
    # The last of the steps 0 ... 3 is right, the one before it wrong.
    assert re.search(r"time steps 0 to 3 the first wrong one is t = 2", future)


def test_copies_of_the_weights_add_up(ran):
    assert numbers(ran.text("shares-measured"))[-1] < 1e-7
    assert ran.text("shares-measured").count(".") >= 9  # six norms were printed


def test_the_obvious_embedding_gradient_loses_a_row(ran):
    obvious, yours, measured = (
        line.split(":")[1] for line in ran.text("embedding-shown").strip().splitlines()
    )
    assert yours == measured and "[5.0, 50.0]" in yours
    assert "[4.0, 40.0]" in obvious


def test_what_truncation_changes(ran):
    rows = [numbers(line) for line in ran.text("equality").strip().splitlines()[1:]]
    assert [row[0] for row in rows] == [1, 2, 3, 4, 6, 12]
    assert len({row[1] for row in rows}) == 1  # the loss
    assert all(row[2] > 0.02 for row in rows[:-1])  # dWh
    assert all(row[3] < 1e-8 for row in rows)  # dWy
    assert all(row[4] > 0.02 and row[5] > 0.02 for row in rows[:-1])  # dWx, db
    assert max(rows[-1][2:]) < 1e-8


def test_memory_grows_with_the_steps_only_without_chunks(ran):
    lines = re.findall(r"^chunks of .+ steps: (.+)$", ran.text("memory"), re.MULTILINE)
    full, chunks = map(numbers, lines)
    assert full[-1] / full[0] == pytest.approx(13, abs=0.7)  # "some 13-fold"
    assert full[-1] / full[-2] == pytest.approx(2, abs=0.15)
    assert chunks[-1] / chunks[0] < 1.2
    assert re.search(r"\d\.\d GB, 1 update a reading", ran.text("time-per-update"))
    assert "2,500 updates a reading" in ran.text("time-per-update")


def test_the_trained_model_beats_every_model_without_a_memory(ran):
    said = ran.text("baselines")
    bits = {k: float(v) for k, v in re.findall(r"(uniform|unigram|bigram|bz2) ([\d.]+)", said)}
    learned = [float(b) for b in re.findall(r"updates: ([\d.]+) bits", ran.text("train"))]
    assert len(learned) == 4 and learned == sorted(learned, reverse=True)
    assert bits["uniform"] > bits["unigram"] > bits["bigram"] > bits["bz2"]
    assert bits["bz2"] < learned[-1] < bits["bigram"] - 0.8
    assert learned[-1] < 2.4


def test_samples_change_as_it_learns(ran):
    samples = re.split(r"--- after .* bits\n", ran.text("train"))[1:]
    assert len(samples) == 4 and all(s.startswith("    def ") for s in samples)
    letters = [sum(c.isalpha() or c.isspace() for c in s) / len(s) for s in samples]
    assert letters[0] < letters[-1] - 0.1
    assert any(word in samples[-1] for word in ("self", "return", "for ", "if "))


def test_recall_needs_the_symbol_in_the_chunk(ran):
    found = {
        (name, int(length)): (float(median), int(solved))
        for name, length, median, solved in re.findall(
            r"(\w+) +chunks of +(\d+): median ([\d.]+), solved (\d) of 6", ran.text("recall")
        )
    }
    assert len(found) == 8
    assert found["alike", 11][1] == found["different", 11][1] == 6
    for length in (2, 5, 10):
        median, solved = found["alike", length]
        assert solved == 0 and abs(median - 0.5) < 0.12
    medians = [found["different", length][0] for length in (2, 5, 10, 11)]
    assert medians == sorted(medians) and medians[0] < 0.7 < medians[1] < 0.95 < medians[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "length, alike, least, most",
    [
        (11, True, 38, 40),
        (10, True, 0, 1),
        (5, True, 0, 1),
        (10, False, 30, 40),
        (5, False, 2, 20),
        (2, False, 0, 5),
    ],
)
def test_recall_over_forty_seeds(length, alike, least, most):
    import nbformat

    path = ROOT / "solutions" / NAME / f"{NAME}.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    names = {"np": np, **{name: getattr(helpers, name) for name in helpers.__all__}}
    names["init_char_rnn"] = helpers.language_model.init_char_rnn
    exec(cells["recall-task"], names)
    accuracy = np.array([names["learn_to_recall"](length, seed, alike) for seed in range(40)])
    assert least <= np.sum(accuracy >= 0.95) <= most


def test_training_goes_on_where_it_was_interrupted(sources):
    names = {name: getattr(helpers, name) for name in helpers.__all__}
    exec(sources["imports"], names)
    exec(sources["baselines"], names)
    exec(sources["set-up-training"].replace("6000", "12"), names)
    train, update = sources["train"], names["adagrad_update"]
    run, calls = names["run"], []

    def interrupting(*arguments):
        calls.append(1)
        if len(calls) == 5 * 4 + 2:  # in the middle of the fifth update
            raise KeyboardInterrupt
        update(*arguments)

    names["adagrad_update"] = interrupting
    exec(train, names)
    assert run["step"] == 4
    learned = names["params"]["Wh"].copy()
    names["adagrad_update"] = update
    exec(train, names)
    assert run["step"] == 13 and names["run"] is run
    assert not np.array_equal(names["params"]["Wh"], learned)


def test_the_curve_keeps_its_size_when_the_training_was_interrupted(sources, monkeypatch):
    shown = []
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: shown.append(fig))
    names = {"plots": helpers.plots, "plt": plt, "STEPS": 6000, "run": {"curve": [(0, 6.7)]}}
    names["baselines"] = {"uniform": 6.6, "unigram": 4.4, "bigram": 3.3, "bz2": 1.5}
    exec(sources["learning-curve"], names)
    (figure,) = shown
    left, right = figure.axes[0].get_xlim()
    assert left < 0 and right > 6000
    png(figure)


@pytest.mark.slow
def test_the_model_learns_with_a_wrong_gradient_too_but_worse(sources):
    """The answer to the second question: chunks of one step forget the future."""
    bits = []
    for length in ("LENGTH", "1"):
        names = {name: getattr(helpers, name) for name in helpers.__all__}
        for cell in ("imports", "baselines", "set-up-training"):
            exec(sources[cell], names)
        training = sources["train"].replace("h, params, LENGTH)", f"h, params, {length})")
        exec(training, names)
        bits.append(names["run"]["curve"][-1][1])
    assert 0.05 < bits[1] - bits[0] < 0.2  # "about a tenth"; rounding moves either end by .03
    assert bits[1] < 2.6 < names["baselines"]["bigram"]


# --- pictures and the explorer ------------------------------------------------------------------


@pytest.mark.parametrize("draw", [draw_cell_graph, draw_time_graph])
def test_graphs_name_the_gradients(draw):
    fig, alt = draw()
    said = " ".join(text.get_text() for text in fig.axes[0].texts)
    png(fig)
    assert "dWh" in said and "dWh" in alt and len(alt) > 200


def test_moving_a_control_moves_the_figure():
    panel = explorer.difference_explorer()
    seen = {panel.picture}
    for control, value in (
        ("exponent", -6.5),
        ("dtype", "float32"),
        ("function", "exp(x) at x = 2"),
    ):
        panel.controls[control].value = value
        assert panel.picture not in seen, control
        seen.add(panel.picture)
    assert "exp(x)" in panel.alt and "float32" in panel.alt


def test_the_point_lies_on_its_curve():
    exponents, errors = explorer.error_curves("tanh(x) at x = 1", "float64")
    assert len(exponents) == len(errors["central"])
    for k in (3, 40, 80):
        now = explorer.relative_errors("tanh(x) at x = 1", "float64", exponents[k])
        assert now == {name: errors[name][k] for name in now}


@pytest.mark.parametrize("function", explorer.FUNCTIONS)
def test_error_curves_are_u_shaped(function):
    for dtype in explorer.DTYPES:
        exponents, errors = explorer.error_curves(function, dtype)
        best = {name: exponents[curve.argmin()] for name, curve in errors.items()}
        assert -15 < best["forward"] < -1 and -15 < best["central"] < -0.5
        for curve in errors.values():
            assert curve.min() < 0.1 * curve[0] and curve.min() < 0.1 * curve[-1]


def test_slopes_of_the_explorer_are_right():
    for f, slope, x in explorer.FUNCTIONS.values():
        measured = helpers.numerical_gradient(lambda v, f=f: f(v).item(), np.array([x]))
        assert slope(x) == pytest.approx(measured.item(), rel=1e-8)
