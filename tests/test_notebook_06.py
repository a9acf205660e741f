"""Notebook 06: it runs, its pictures are there, and its prose says what its cells show."""

import re

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from notebook_runner import ROOT, numbers

import helpers
from autograde import CheckFailed, check
from helpers.diagrams.gates import draw_cell_path, draw_gate_graph
from helpers.explorers import gates as explorer
from helpers.plots import png

NAME = "06_lstm_gates"
TARGETS = ["recall-curves", "norms-at-start", "adding-curves", "norms-after"]
PICTURES = [*TARGETS, "cell-path", "gate-graph", "explore-gates"]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


@pytest.fixture(scope="module")
def sources():
    path = ROOT / "solutions" / NAME / f"{NAME}.ipynb"
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


@pytest.fixture
def lesson(sources):
    """A name space in which the notebook's imports and exercises have run, its tools too."""
    names = {}
    exercises = "sigmoid lstm_step_forward lstm_step_backward lstm_forward lstm_backward".split()
    for cell in ("imports", *exercises, "cell_gradient", "init_lstm", "training-tools", "update"):
        exec(sources[cell], names)
    return names


# --- the notebook as a whole --------------------------------------------------------------------


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("four-questions", "gates-by-hand", ["2", "1", "0.96"]),
    ("step-by-hand", "step-by-hand-shown", ["0.4863", "0.6931", "0.48"]),
    ("back-by-hand", "back-measured", ["0.1125", "0.1216", "0.096", "0.48", "0.8101", "0.5"]),
    ("about-cell-gradient", "vanishing", ["0.4", "0.8"]),
    ("it-can-still-vanish", "vanishing", ["0.5", "0.73", "0.95"]),
]


@pytest.mark.parametrize("prose, cell, quoted", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted):
    printed = numbers(ran.text(cell))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert float(number) in printed, f"{cell} does not print {number}"


def test_the_four_things_that_can_happen_to_a_memory(ran, sources):
    lines = re.findall(r"^(.+?) +f=(\d) i=(\d)  c = +(-?\d)", ran.text("gates-by-hand"), re.M)
    assert len(lines) == 4
    for name, f, i, c in lines:
        row = f"| {name} | {f} | {i} | {c.replace('-', '−')} |"
        assert row in sources["four-questions"]


def test_what_squashing_is_for(ran, sources):
    said = ran.text("squash-shown")
    (up_and_down, down), (climbing, never) = (
        (float(end), int(share))
        for end, share in re.findall(r"ends at +([-\d.]+), it went down in (\d+)%", said)
    )
    assert never == 0 and 40 < down < 60
    assert climbing == pytest.approx(100, abs=10)  # "half a unit a step", 200 steps
    assert "at half a unit a step" in sources["about-lstm-step-forward"]
    assert abs(up_and_down) < 20
    assert "[1.0, -0.9, 0.81, -0.73, 0.66]" in said


def test_one_product_is_faster_than_four(ran):
    said = ran.text("four-as-one")
    assert "the same: True" in said
    assert float(re.search(r"takes ([\d.]+) times", said)[1]) > 1.1


def test_the_bug_is_named_and_spoils_one_gradient(ran):
    said = ran.text("bug-forget-shown")
    assert "the mistake by name: dc not carried through the forget gate" in said
    assert "✗ dc_prev " in said
    assert all(f"✓ {name} " in said for name in ("dx", "dh_prev", "dWx", "dWh", "db"))


def test_what_is_left_after_thirty_steps(ran, sources):
    left = {
        int(bias): float(value)
        for bias, value in re.findall(r"forget bias (\d): .* steps (\S+)", ran.text("vanishing"))
    }
    assert left[0] == pytest.approx(1e-9, rel=0.2)
    assert left[1] == pytest.approx(1e-4, rel=0.3)
    assert 0.15 < left[3] < 0.3
    assert "about a quarter" in sources["about-init-lstm"]
    assert 4.5 < np.log10(left[1] / left[0]) < 5.5  # "five powers of ten"


def test_recall_is_learned_with_a_forget_bias_of_1_and_not_with_0(ran):
    said = ran.text("recall-curves")
    assert "forget bias 1: solved 6 of 6" in said
    assert "forget bias 0: solved 0 of 6" in said
    final = [numbers(line.split("accuracy")[1]) for line in said.splitlines()[:2]]
    assert min(final[0]) > 0.99
    assert all(abs(a - 0.25) < 0.1 for a in final[1])


def left_after(ran, cell):
    return {
        name.strip(): (float(ten), float(all_))
        for name, ten, all_ in re.findall(
            r"^(.+?) left after 10 steps (\S+), after 99 (\S+)$", ran.text(cell), re.MULTILINE
        )
    }


def test_untrained_every_gradient_falls(ran):
    left = left_after(ran, "norms-at-start")
    assert len(left) == 4 and all(end < 1e-3 for _, end in left.values())
    rnn, at_c, at_h, bias_0 = (
        left[name]
        for name in ("RNN, at h", "LSTM, bias 1, at c", "LSTM, bias 1, at h", "LSTM, bias 0, at c")
    )
    assert bias_0[1] < 1e-10 and bias_0[1] < rnn[1] / 100
    assert rnn[1] < at_h[1] / 1e3 and at_h[1] < at_c[1]  # "by several powers of ten"
    assert at_h[0] < rnn[0]  # "worse for the first steps"
    # "What the product of forget gates alone would leave is less": of no unit is more left.
    best = float(re.search(r"untrained: .* best keeps (\S+),", ran.text("keepers"))[1])
    assert best < at_c[1]


def test_trained_the_gradient_at_c_stays_level(ran):
    left = left_after(ran, "norms-after")
    assert len(left) == 4
    assert 0.2 < left["LSTM, at c"][1] < 10 and 0.2 < left["LSTM, at c"][0] < 10
    ten, end = left["LSTM, at h"]
    assert 0.01 < ten < 0.3 and 0.01 < end < 1  # "by about a power of ten", then level
    for rnn in ("RNN, at h", "RNN, a tenth of the rate, at h"):
        assert left[rnn][1] < 1e-6


def test_the_lstm_solves_the_adding_problem_and_the_rnn_does_not(ran, sources):
    said = ran.text("adding-curves")
    error = dict(re.findall(r"^(.+?): held-out error ([\d.]+) after 700", said, re.MULTILINE))
    plateau = float(re.search(r"always answering 1: ([\d.]+)", said)[1])
    assert plateau == pytest.approx(1 / 6, abs=0.005)
    assert "0.17" in sources["adding"] and "below 0.01" in sources["adding"]
    assert float(error["LSTM"]) < 0.01
    for name in ("RNN", "RNN, a tenth of the rate"):
        assert 0.85 * plateau < float(error[name]) < 1.25 * plateau


def test_a_memory_is_a_job_for_specialists(ran, sources):
    found = re.findall(
        r"mean gate ([\d.]+); (\d+) of 64 units keep over a tenth; the best keeps (\S+), the "
        r"median (\S+)",
        ran.text("keepers"),
    )
    (gate, few, _, median), (gate_then, some, best, median_then) = (
        tuple(map(float, row)) for row in found
    )
    assert few == 0 and 1 <= some <= 4 and best > 0.2
    assert "One or a few" in sources["kinship"]
    assert gate_then < gate and median_then < median


def test_relatives(ran):
    said = ran.text("kinship-shown")
    assert "highway gate: 0.12" in said
    plain, highway, residual = (float(x) for x in re.findall(r": (\S+) of the gradient", said))
    assert plain < 1e-3 < highway < 0.5 < 1 < residual < 100


# --- training -----------------------------------------------------------------------------------


def test_both_biases_start_from_the_same_weights(lesson):
    one, zero = (lesson["network"](8, 64, 4, 3, rate=0, forget_bias=b) for b in (1.0, 0.0))
    for name, weights in one["params"].items():
        assert weights.dtype == np.float32
        assert np.array_equal(weights, zero["params"][name]) == (name != "b")


@pytest.mark.parametrize("task", ["recall", "adding"])
def test_training_goes_on_where_it_was_interrupted(sources, lesson, task, capsys):
    setup = sources[f"{task}-setup"]
    short = {"recall": ("range(6), 400", "range(1), 6"), "adding": ("700, 100", "6, 12")}[task]
    assert short[0] in setup
    exec(setup.replace(*short), lesson)
    train, update, calls = sources[f"{task}-train"], lesson["update"], []
    train = train.replace("% 50", "% 3")

    def interrupting(*arguments):
        calls.append(1)
        if len(calls) == 9:  # in the middle of the second network
            raise KeyboardInterrupt
        update(*arguments)

    lesson["update"] = interrupting
    exec(train, lesson)
    assert "run this cell again" in capsys.readouterr().out
    nets = list(lesson[f"{task}_nets"].values())
    assert [net["step"] for net in nets][:2] == [6, 2]
    before = nets[1]["params"]["Wh"].copy()
    lesson["update"] = update
    exec(train, lesson)
    assert all(net["step"] == 6 for net in nets)
    assert [step for step, _ in nets[1]["curve"]] == [3, 6]
    assert not np.array_equal(before, nets[1]["params"]["Wh"])


@pytest.mark.parametrize("task", ["recall", "adding"])
def test_curves_are_drawn_when_the_training_was_interrupted(sources, lesson, task, monkeypatch):
    shown = []
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: shown.append(fig))
    exec(sources[f"{task}-setup"], lesson)
    first = next(iter(lesson[f"{task}_nets"].values()))
    first["curve"].append((50, 0.15))
    exec(sources[f"{task}-curves"], lesson)
    assert len(shown) == 1
    png(shown[0])
    plt.close("all")


def solves_recall(lesson, bias, seed):
    net = lesson["network"](8, 64, 4, seed, rate=0.001, forget_bias=bias)
    for _ in range(lesson["RECALL_UPDATES"]):
        x, y = lesson["recall_batch"](32, net["rng"])
        lesson["update"](net, x, y, lesson["symbol_loss"], net["rate"])
    x, y = lesson["recall_test"]
    return np.mean(lesson["run"](net, x)[0].argmax(axis=1) == y)


@pytest.mark.slow
@pytest.mark.parametrize("bias, least, most", [(3.0, 20, 20), (1.0, 19, 20), (0.0, 0, 0)])
def test_recall_over_twenty_seeds(sources, lesson, bias, least, most):
    exec(sources["recall-setup"], lesson)
    accuracy = [solves_recall(lesson, bias, seed) for seed in range(20)]
    assert least <= np.sum(np.array(accuracy) > 0.95) <= most, accuracy


@pytest.mark.slow
def test_recall_is_faster_with_a_bias_of_3(sources, lesson):
    exec(sources["recall-setup"].replace("400", "50"), lesson)
    early = {b: [solves_recall(lesson, b, seed) for seed in range(6)] for b in (3.0, 1.0)}
    assert min(early[3.0]) > max(early[1.0])


@pytest.mark.slow
def test_the_adding_problem_over_five_seeds(sources, lesson):
    setup = sources["adding-setup"]
    for seed in range(1, 6):
        exec(setup.replace("seed=0", f"seed={seed}"), lesson)
        exec(sources["adding-train"].replace("% 50", "% 700"), lesson)
        errors = {name: net["curve"][-1][1] for name, net in lesson["adding_nets"].items()}
        assert errors["LSTM"] < 0.01, (seed, errors)
        assert min(errors["RNN"], errors["RNN, a tenth of the rate"]) > 0.14, (seed, errors)


# --- pictures and the explorer ------------------------------------------------------------------


@pytest.mark.parametrize(
    "draw, words", [(draw_gate_graph, ("dc", "dh", "tanh")), (draw_cell_path, ("RNN", "f₂", "Whᵀ"))]
)
def test_diagrams_say_what_the_gradient_meets(draw, words):
    fig, alt = draw()
    said = " ".join(text.get_text() for text in fig.axes[0].texts)
    png(fig)
    assert all(word in said for word in words) and len(alt) > 200


def test_moving_a_control_moves_the_figure():
    panel = explorer.gate_explorer()
    seen, said = {panel.picture}, {panel.alt}
    for control, value in (
        ("keep", 0.85), ("write", 0.95), ("leak", 0.05), ("show", 0.95), ("erase", 0.05)
    ):  # fmt: skip
        panel.controls[control].value = value
        assert panel.picture not in seen and panel.alt not in said, control
        seen.add(panel.picture)
        said.add(panel.alt)


def test_the_explorers_memory_is_an_lstm_cell():
    m = explorer.remember(keep=0.9, write=1.0, leak=0.0, show=1.0, erase=0.0)
    assert m.c[2] == pytest.approx(1.6) and m.c[8] == pytest.approx(1.6 * 0.9**6)
    assert m.kept == pytest.approx(0.53, abs=0.005)  # what the prose says
    assert m.c[10] == m.c[11] == 0
    assert np.count_nonzero(m.h) == 2 and m.h[8] == pytest.approx(np.tanh(m.c[8]))
    m = explorer.remember(keep=0.7, write=0.4, leak=0.3, show=0.6, erase=0.2)
    before = np.concatenate([[0], m.c[:-1]])
    assert np.allclose(m.c, m.f * before + m.i * explorer.CONTENT)
    assert np.allclose(m.h, m.o * np.tanh(m.c))
    assert m.kept == pytest.approx(helpers.cell_gradient(m.f[None, 2:9, None])[0, 0, 0])


# --- init_lstm, which is judged by what a start must have ----------------------------------------


def init(weights=lambda rng, m, n: rng.standard_normal((m, n)) / np.sqrt(m), bias=None):
    def init_lstm(D, H, rng, forget_bias=1.0):
        b = np.zeros(4 * H)
        b[H : 2 * H] = forget_bias
        Wx, Wh = weights(rng, D, 4 * H), weights(rng, H, 4 * H)
        return Wx, Wh, b if bias is None else bias(H, forget_bias, rng)

    return init_lstm


def block(k):
    return lambda H, forget_bias, rng: np.repeat(np.eye(4)[k] * forget_bias, H)


def orthogonal_blocks(rng, m, n):
    return np.linalg.qr(rng.standard_normal((max(m, n), max(m, n))))[0][:m, :n]


@pytest.mark.parametrize(
    "right",
    [
        init(lambda rng, m, n: 0.01 * rng.standard_normal((m, n))),
        init(lambda rng, m, n: 0.1 * rng.standard_normal((m, n))),
        init(lambda rng, m, n: rng.uniform(-1, 1, (m, n)) * 2 / np.sqrt(n)),
        init(lambda rng, m, n: rng.normal(0, np.sqrt(2 / (m + n)), (m, n))),
        init(lambda rng, m, n: np.sqrt(2 / m) * rng.standard_normal((m, n))),
        init(orthogonal_blocks),
        init(lambda rng, m, n: (rng.standard_normal((m, n)) / np.sqrt(m)).astype(np.float32)),
        init(bias=lambda H, fb, rng: np.hstack([rng.uniform(-0.1, 0.1, H), np.full(H, fb),
                                                np.full(2 * H, 0.1)])),
        lambda D, H, rng, forget_bias=1.0: list(init()(D, H, rng, forget_bias)),
    ],
)  # fmt: skip
def test_every_usual_start_is_right(right):
    for seed in range(20):
        assert check(right, name="init_lstm", seed=seed).passed


def other_shape(D, H, rng, forget_bias=1.0):
    Wx, Wh, b = init()(D, H, rng, forget_bias)
    return Wx, Wh[:, :H], b


@pytest.mark.parametrize(
    "wrong, quantity, mistake",
    [
        (init(bias=block(0)), "b", "forget bias on the input gate"),
        (init(bias=block(2)), "b", "forget bias on the output gate"),
        (init(bias=block(3)), "b", "forget bias on the candidate"),
        (init(bias=lambda H, fb, rng: np.full(4 * H, fb)), "b", "forget bias on all gates"),
        (init(bias=lambda H, fb, rng: block(1)(H, 1.0, rng)), "b", "forget_bias ignored"),
        (init(bias=lambda H, fb, rng: np.zeros(4 * H)), "b", "forget bias left out"),
        (init(bias=lambda H, fb, rng: np.tile([0, fb, 0, 0], H)), "b",
         "every fourth column for a gate"),
        (init(bias=lambda H, fb, rng: block(1)(H, fb, rng) + block(2)(H, 1, rng)), "b", None),
        (init(bias=lambda H, fb, rng: block(1)(H, -fb, rng)), "b", None),
        (init(bias=lambda H, fb, rng: np.full(H, fb)), "b", "columns of one gate only"),
        (other_shape, "Wh", "columns of one gate only"),
        (init(lambda rng, m, n: rng.standard_normal((n, m)) / np.sqrt(m)), "Wx", "transposed"),
        (init(lambda rng, m, n: np.zeros((m, n))), "Wx", "weights zero"),
        (init(lambda rng, m, n: np.random.default_rng(0).normal(0, 0.1, (m, n))), "Wx",
         "rng ignored"),
        (init(lambda rng, m, n: np.full((m, n), 0.1)), "Wx", "weights all equal"),
        (init(lambda rng, m, n: rng.random((m, n)) / np.sqrt(m)), "Wx", "weights not around zero"),
        (init(lambda rng, m, n: rng.standard_normal((m, n))), "Wx", "weights too large"),
        (init(lambda rng, m, n: 1e-5 * rng.standard_normal((m, n))), "Wx", "weights too small"),
        (init(lambda rng, m, n: np.repeat(rng.normal(0, 0.1, (m, 4)), n // 4, axis=1)), "Wx",
         "units alike"),
    ],
)  # fmt: skip
def test_slips_of_a_start_are_named(wrong, quantity, mistake):
    for seed in range(5):
        with pytest.raises(CheckFailed) as failure:
            check(wrong, name="init_lstm", seed=seed)
        assert (failure.value.quantity, failure.value.mistake) == (quantity, mistake)


def test_a_start_from_a_generator_without_a_seed_is_refused():
    wrong = init(lambda rng, m, n: np.random.default_rng().standard_normal((m, n)) / np.sqrt(m))
    with pytest.raises(CheckFailed) as failure:
        check(wrong, name="init_lstm")
    assert failure.value.kind == "repeatable" and "rng" in str(failure.value)


# --- sigmoid, which may not warn ----------------------------------------------------------------


def masked(x):
    out, up = np.empty_like(x), x >= 0
    out[up] = 1 / (1 + np.exp(-x[up]))
    out[~up] = np.exp(x[~up]) / (1 + np.exp(x[~up]))
    return out


def branches(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


@pytest.mark.parametrize(
    "right",
    [
        masked,
        lambda x: 0.5 + 0.5 * np.tanh(0.5 * x),
        lambda x: 1 / (1 + np.exp(-np.clip(x, -500, 500))),
        lambda x: 1 / (1 + np.exp(-np.clip(x, -60, 60))),
        lambda x: np.where(x >= 0, 1.0, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x))),
        lambda x: np.exp(-np.logaddexp(0, -x)),
        lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))),
    ],
)
def test_every_sigmoid_that_does_not_warn_is_right(right):
    for seed in range(20):
        assert check(right, name="sigmoid", seed=seed).passed


@pytest.mark.parametrize("wrong", [lambda x: 1 / (1 + np.exp(-x)), branches])
def test_a_sigmoid_that_warns_is_refused(wrong):
    for seed in range(5):
        with pytest.raises(CheckFailed, match="overflow") as failure:
            check(wrong, name="sigmoid", seed=seed)
        assert (failure.value.mistake, failure.value.quantity) == ("warning", "sigmoid")
        assert "±1000" in str(failure.value)


def test_a_sigmoid_cut_too_early_is_refused():
    with pytest.raises(CheckFailed):
        check(lambda x: 1 / (1 + np.exp(-np.clip(x, -10, 10))), name="sigmoid")
