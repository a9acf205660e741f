"""Notebook 07: it runs, its pictures are there, and its prose says what its cells show."""

import re

import nbformat
import numpy as np
import pytest
from notebook_runner import ROOT, numbers
from own_work import own

import helpers
from autograde import CheckFailed, check
from helpers.diagrams.gru import draw_gru_graph
from helpers.explorers import gru_gates as explorer
from helpers.plots import png

NAME = "07_gru"
TARGETS = ["how-far-back", "race-curves"]
PICTURES = [*TARGETS, "gru-graph", "explore-gates"]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


@pytest.fixture(scope="module")
def ran(executed):
    return executed(NAME)


@pytest.fixture(scope="module")
def sources():
    path = ROOT / "solutions" / NAME / f"{NAME}.ipynb"
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


@pytest.fixture
def names(sources):
    """What the cells before the race bind."""
    found = {name: getattr(helpers, name) for name in helpers.__all__}
    for cell in ("imports", "how-to-run", "adding-task", "how-to-train", "how-to-go-on"):
        exec(sources[cell], found)
    return found


def table(ran):
    """The rows of the race by task and name: units, parameters, updates, seconds, the scores."""
    adding, characters = ran.text("the-table").split("\n\n")
    rows = [
        {
            name.strip(): numbers(rest.replace(",", "").replace("%", ""))
            for name, rest in re.findall(r"^([RLG][A-Za-z0-9, ×]{25})(.*)$", part, re.MULTILINE)
        }
        for part in (adding, characters)
    ]
    assert [len(part) for part in rows] == [4, 5]
    return rows


# --- the notebook as a whole --------------------------------------------------------------------


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("step-by-hand", "shares-shown", ["20", "0.88"]),
    ("step-by-hand", "toy-table", ["0.76", "0.00", "0.25", "0.50", "0.63"]),
    ("places-answer", "step-measured", ["1.5", "0.125", "0.25", "0.5", "0.0625", "-0.5"]),
    ("about-count-parameters", "equal-parameters-shown", ["18", "54", "72"]),
]


@pytest.mark.parametrize("prose, cell, quoted", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted):
    printed = numbers(ran.text(cell))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert float(number) in printed, f"{cell} does not print {number}"


def test_the_lstm_counts_and_the_gru_stays_within_one(ran):
    rows = [numbers(line) for line in ran.text("shares-shown").splitlines()]
    for step, cell, state in rows:
        assert cell == step and state == pytest.approx(1 - 0.9**step, abs=0.005)
    assert rows[-1][0] == 20


def test_the_table_of_toy_states_is_that_of_the_prose(ran, sources):
    printed = [numbers(line.split("  ", 1)[1]) for line in ran.text("toy-table").splitlines()[1:]]
    rows = [line for line in sources["step-by-hand"].splitlines() if line.startswith("| $r =")]
    assert [numbers(row.replace("−", "-"))[-3:] for row in rows] == printed


def test_the_gradients_by_hand_are_measured(ran):
    found = {line.split()[0]: numbers(line) for line in ran.text("step-measured").splitlines()[1:]}
    assert found == {
        "dx": [-0.5],
        "dh_prev": [0.5 + 1 + 0.25 - 0.25],
        "dWx": [0.125, 0.25, 0.5],
        "dWh": [0.0625, 0.125, 0.125],
        "db": [0.125, 0.25, 0.5],
    }


def test_the_forms_of_z_are_one_network(ran):
    same_weights, negated = (
        numbers(line.split("up to")[1])[0] for line in ran.text("forms-of-z").splitlines()
    )
    assert same_weights > 0.5 and negated < 1e-14


def test_the_places_of_r_are_two_networks(ran):
    said = ran.text("places-of-r")
    off = [float(x) for x in re.findall(r"apart by up to (\S+)", said)]
    assert off[0] > 0.3 and len(off) == 4 and max(off[1:]) < 1e-14
    assert "A known mistake gives exactly this: reset after the product" in said
    assert "the check calls what PyTorch computes: reset after the product" in said


def test_the_two_places_as_scaled_rows_and_columns():
    """before: diag(r) Whn; after: Whn diag(r)."""
    rng = np.random.default_rng(0)
    h, r, W = rng.standard_normal(4), rng.random(4), rng.standard_normal((4, 4))
    assert np.allclose((r * h) @ W, h @ (np.diag(r) @ W))
    assert np.allclose(r * (h @ W), h @ (W @ np.diag(r)))


def test_how_far_the_gradient_reaches(ran):
    left = {
        name.strip(): (float(twenty), float(sixty))
        for name, twenty, sixty in re.findall(
            r"^(.{16}): (\S+) of it left after 20 steps, (\S+) after 60",
            ran.text("how-far-back-shown"),
            re.MULTILINE,
        )
    }
    none, two, four = (left[f"GRU, bias {bias} on z"][1] for bias in (0, 2, 4))
    assert left["RNN"][1] < 1e-8 and 1e-14 < none < 1e-8  # gone; and yet far above z to the 60th
    assert 3e-4 < two < 3e-3  # "a thousandth"
    assert 0.1 < four < 0.34  # "a good part", "less than 0.34"


def test_shares_of_the_first_path_are_those_of_the_prose(sources):
    from helpers import sigmoid

    assert "10⁻¹⁸, 0.0005 and 0.34" in sources["how-far"]
    assert ".5$" in sources["how-far"] and ".88$" in sources["how-far"]
    kept = sigmoid(np.array([0.0, 2.0, 4.0])) ** 60
    assert kept == pytest.approx([1e-18, 5e-4, 0.34], rel=0.2)


def test_ratios_of_parameters(ran):
    lines = ran.text("equal-parameters-shown").splitlines()
    assert len(lines) == 3 and all(line.endswith("0.75 and 3.00") for line in lines)


def test_your_gru_learns_the_adding_problem(ran):
    rows = [numbers(line) for line in re.findall(r"^ *\d+ updates.*", ran.text("train-yours-shown"),
                                                 re.MULTILINE)]  # fmt: skip
    assert [row[0] for row in rows] == [50, 100, 150, 200, 250]
    assert rows[-1][2] < 0.01


def test_what_a_constant_answer_costs(ran):
    assert numbers(ran.text("adding-task"))[-1] == pytest.approx(1 / 6, abs=0.02)


def test_the_race_on_the_adding_problem(ran):
    adding, _ = table(ran)
    error = {name: row[4] for name, row in adding.items()}
    assert error["GRU"] < 0.01 and error["LSTM"] < 0.01
    assert error["RNN"] > 0.15 and error["RNN, 4 × updates"] > 0.1
    assert ran.text("the-table").count("never, never, never") == 2
    gru, lstm = adding["GRU"][6:], adding["LSTM"][6:]
    assert len(gru) == len(lstm) == 3  # with every seed
    assert 0.3 < np.median(gru) / np.median(lstm) < 0.7  # "about half as many updates"
    seconds = adding["RNN, 4 × updates"][3] / adding["LSTM"][3]
    assert 0.4 < seconds < 2.2  # "about as many seconds"; a busy machine is noisy


def test_the_race_on_characters(ran):
    _, characters = table(ran)
    bits = {name: row[4] for name, row in characters.items()}
    large = "as large as the LSTM"
    assert bits["GRU"] + 0.03 < bits["LSTM"] and bits["LSTM"] + 0.1 < bits["RNN"]
    assert bits["LSTM"] + 0.03 < bits[f"RNN, {large}"] < bits["RNN"] - 0.05
    assert abs(bits[f"GRU, {large}"] - bits["GRU"]) < 0.08  # "only a little"
    sizes = {name: row[1] for name, row in characters.items()}
    assert sizes["GRU"] == 0.75 * sizes["LSTM"] == 3 * sizes["RNN"]
    for name in (f"RNN, {large}", f"GRU, {large}"):
        assert sizes[name] == pytest.approx(sizes["LSTM"], rel=0.01)


def test_what_the_race_cost(ran):
    adding, characters = table(ran)
    total = {name: 3 * adding[name][3] + characters[name][3] for name in ("RNN", "LSTM", "GRU")}
    assert total["RNN"] < 0.7 * total["GRU"]  # "by far the cheapest per update"
    # "more than 3/4 of its seconds": measured .85 to 1.05; the band has room for a busy machine.
    assert 0.65 < total["GRU"] / total["LSTM"] < 1.5


def test_the_race_on_characters_at_equal_time(ran):
    _, characters = table(ran)
    stood = dict(re.findall(r"the (LSTM|GRU) stood at ([\d.]+)", ran.text("equal-time")))
    rnn = characters["RNN"][4]
    assert abs(float(stood["LSTM"]) - rnn) < 0.2  # "about where it did"
    assert float(stood["GRU"]) < rnn  # "ahead even then"
    assert characters["RNN"][3] < 0.7 * min(characters["LSTM"][3], characters["GRU"][3])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_on_characters_does_not_hang_on_the_seed(sources, names, seed):
    exec(sources["count_parameters"], names)
    exec(sources["equal-parameters-shown"], names)
    exec(sources["character-task"], names)
    exec(sources["set-up-runs"], names)
    runs = [names["new_run"](names["CHARACTERS"], *entrant, seed)
            for entrant in names["WRITERS"].values()]  # fmt: skip
    names["train"](runs)
    rnn, lstm, gru, large_rnn, large_gru = (run["curve"][-1][2] for run in runs)
    assert large_gru < gru + 0.03 and gru < lstm < large_rnn < rnn


def test_the_batches_are_the_same_for_every_cell(names):
    seen = []
    task = names["ADDING"]
    batch = task.batch
    task.batch = lambda rng: seen.append(batch(rng)) or seen[-1]
    for cell in ("RNN", "GRU"):
        run = names["new_run"](task, cell, 4, 0.01, 1)
        run["rng"] = np.random.default_rng(5)
        names["update"](run)
    assert np.array_equal(seen[0][0], seen[1][0])


def test_training_goes_on_where_it_was_interrupted(names, capsys):
    names["ADDING"].every = 2
    run = names["new_run"](names["ADDING"], "your GRU", 4, 0.02, 6)
    names["CELLS"]["your GRU"] = names["CELLS"]["GRU"]
    once, calls = names["adam_update"], []

    def interrupting(*arguments):
        calls.append(1)
        if len(calls) == 5 * 3 + 2:  # in the middle of the fourth update
            raise KeyboardInterrupt
        once(*arguments)

    names["adam_update"] = interrupting
    names["train"]([run])
    assert run["step"] == 3 and [step for step, *_ in run["curve"]] == [2]
    assert "stopped after 3 of 6 updates; run this cell again" in capsys.readouterr().out
    learned = run["params"]["Wh"].copy()
    names["adam_update"] = once
    names["train"]([run])
    assert run["step"] == 6 and [step for step, *_ in run["curve"]] == [2, 4, 6]
    assert not np.array_equal(run["params"]["Wh"], learned)


def test_table_and_curves_are_there_when_the_race_was_interrupted(sources, names, monkeypatch):
    shown = []
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: shown.append((fig, alt)))
    for cell in ("count_parameters", "equal-parameters-shown", "character-task", "set-up-runs"):
        exec(sources[cell], names)
    begun = names["adding_runs"]["GRU"][2]
    for updates in (0, 50):  # nothing yet; and one run just begun
        begun["updates"] = updates
        names["train"]([begun])
        for cell in ("the-table", "equal-time", "race-curves"):
            exec(sources[cell], names)
    for figure, alt in shown:
        assert len(alt) > 60
        png(figure)
    assert "GRU 0." in shown[1][1] and "GRU 0." not in shown[0][1]


def test_float32_stays_float32_in_training(names):
    for cell in ("RNN", "LSTM", "GRU"):
        run = names["new_run"](names["ADDING"], cell, 4, 0.02, 1)
        names["update"](run)
        assert {p.dtype for p in run["params"].values()} == {np.dtype(np.float32)}


# --- answers to the questions -------------------------------------------------------------------


def test_a_gru_can_be_a_vanilla_rnn_and_an_lstm_nearly():
    rng = np.random.default_rng(2)
    x, h = rng.standard_normal((3, 2)), rng.uniform(-1, 1, (3, 4))
    Wx, Wh = rng.standard_normal((2, 12)), rng.standard_normal((4, 12))
    b = np.repeat([-1000.0, 1000.0, 0.3], 4)
    vanilla = np.tanh(x @ Wx[:, 8:] + h @ Wh[:, 8:] + 0.3)
    assert np.allclose(helpers.gru_step_forward(x, h, Wx, Wh, b)[0], vanilla)
    empty = np.zeros_like
    gates = [np.concatenate([empty(W[:, 8:])] * 3 + [W[:, 8:]], axis=1) for W in (Wx, Wh)]
    b = np.repeat([1000.0, -1000.0, 1000.0, 0.3], 4)
    lstm, *_ = helpers.lstm_step_forward(x, h, rng.standard_normal((3, 4)), *gates, b)
    assert np.allclose(lstm, np.tanh(vanilla)) and not np.allclose(lstm, vanilla)


def test_a_reset_of_one_hides_where_r_was_forgotten():
    from autograde.exercises.gru import step_backward

    forgotten = step_backward(seen=lambda v: v.dm, dWhn=lambda v: v.h_prev.T @ v.dan)
    rng = np.random.default_rng(3)
    x, h, dh = (rng.standard_normal((3, k)) for k in (2, 4, 4))
    Wx, Wh = rng.standard_normal((2, 12)), rng.standard_normal((4, 12))
    for r_bias, hidden in ((1000.0, True), (0.0, False)):
        b = np.repeat([0.1, r_bias, 0.2], 4)
        _, cache = helpers.gru_step_forward(x, h, Wx, Wh, b)
        pairs = zip(forgotten(dh, cache), helpers.gru_step_backward(dh, cache), strict=True)
        assert all(np.allclose(a, b) for a, b in pairs) == hidden


# --- the check ----------------------------------------------------------------------------------


def test_an_optional_argument_is_neither_asked_for_nor_in_the_way():
    def exchanged(h_prev, x, Wx, Wh, b):
        return helpers.gru_step_forward(x, h_prev, Wx, Wh, b)

    with pytest.raises(CheckFailed) as failure:
        check(exchanged, name="gru_step_forward")
    found = failure.value
    assert (found.kind, found.mistake) == ("signature", "arguments in another order")
    assert "reset_after" not in str(found)
    right = own(helpers.gru_step_forward)
    assert check(lambda x, h_prev, Wx, Wh, b: right(x, h_prev, Wx, Wh, b),
                 name="gru_step_forward").passed  # fmt: skip


# --- pictures and the explorer ------------------------------------------------------------------


def test_the_graph_numbers_the_four_paths():
    fig, alt = draw_gru_graph()
    said = [text.get_text() for text in fig.axes[0].texts]
    png(fig)
    assert {"1", "2", "3", "4", "h_prev", "h", "x"} <= set(said)
    assert "Path 1" in alt and len(alt) > 200


def test_moving_a_control_moves_the_figure():
    panel = explorer.gru_explorer()
    seen, said = {panel.picture}, {panel.alt}
    for control, value in (("z", 0.9), ("r", 0.1), ("written", 0.7)):
        panel.controls[control].value = value
        assert panel.picture not in seen, control
        assert panel.alt not in said, control
        seen.add(panel.picture)
        said.add(panel.alt)
    assert "z = 0.9 and r = 0.1" in panel.alt


def unit(z, r, written=0.8):
    return explorer.gated_unit(z, r, written)["h"]


def test_what_the_prose_says_of_the_gates():
    assert np.allclose(unit(1.0, 0.5)[2:], 0.8)  # kept, whatever comes by
    overwritten = unit(0.0, 0.0)
    assert np.allclose(overwritten[[3, 6, 7, 8]], [0, 0, explorer.DISTURBANCE, 0])
    fading = unit(0.8, 0.0)
    assert np.allclose(fading[3:7] / fading[2:6], 0.8)
    assert unit(0.0, 1.0)[-1] > 0.9 and unit(0.0, 0.4)[-1] < 0.1  # made anew, until r is too small


def test_the_explorers_unit_is_a_gru():
    """The state from its shares is that of the course's step with the same gates."""
    z, r, written = 0.7, 0.4, 0.5
    found, h = explorer.gated_unit(z, r, written), np.zeros((1, 1))
    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    Wx, Wh = np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 0.0, explorer.W_HN]])
    for t, x in enumerate(found["x"]):
        keep = -1000.0 if t == explorer.WRITE - 1 else logit(z)
        b = np.array([keep, logit(r), 0.0])
        h, _ = helpers.gru_step_forward(np.full((1, 1), x), h, Wx, Wh, b)
        assert h.item() == pytest.approx(found["h"][t])
        assert found["h"][t] == pytest.approx(found["kept"][t] + found["new"][t])
