"""Notebook 01: it runs, its pictures are there, and its prose says what its cells show."""

import re

import numpy as np
import pytest
from notebook_runner import times_a_plain_figure

from helpers import delivery_weights, readout, rnn_unroll
from helpers.data import MENU, SHAPES, next_dish
from helpers.diagrams.shapes import draw_shapes
from helpers.explorers.unrolled import (
    SEQUENCES,
    draw_reading,
    draw_unrolled,
    orders,
    unrolled_explorer,
)
from helpers.plots import png

NAME = "01_rnn_intro"
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


# --- the notebook as a whole --------------------------------------------------------------------


def test_it_has_the_length_of_a_lesson(ran):
    code = [len(c.source.splitlines()) for c in ran.notebook.cells if c.cell_type == "code"]
    assert 20 <= len(ran.notebook.cells) <= 35
    assert max(code) <= 25


@pytest.mark.parametrize("cell", ["five_shapes", "recurrence", "explorer", "reading"])
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("one-cell", "t_is_free", ["0.762", "0.642", "0.566"]),
    ("why-tanh", "linear_collapse", ["16", "7", "9", "18"]),
    ("unroll", "linear_collapse", ["2.744", "2.633"]),
    ("scores", "fixed_size", ["3285"]),
    ("step-through", "delivery_days", ["0.964", "0.9993", "0.9586", "0.9639", "0.9575"]),
    ("step-through", "explorer", ["0.96"]),
    ("end", "t_is_free", ["21"]),
]


@pytest.mark.parametrize("prose, cell, numbers", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, numbers):
    for number in numbers:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert re.search(whole, ran.text(cell)), f"{cell} does not print {number}"


def test_the_accuracies_in_the_prose_were_measured(ran, sources):
    measured = {
        name: (float(half), float(whole))
        for name, half, whole in re.findall(
            r"(asked at .+?) +after 4 rows ([\d.]+), after 8 rows ([\d.]+)", ran.text("reading")
        )
    }
    stated = {"asked at the end": (0.02, 0.99), "asked at every row": (0.86, 0.95)}
    for name, accuracies in stated.items():
        # Another BLAS may move a digit or two out of 397 to the other side.
        assert measured[name] == pytest.approx(accuracies, abs=0.02)
        for accuracy in accuracies:
            assert f"{accuracy:.2f}" in sources["end"]
    assert "1,400 digits" in sources["row-by-row"] and "397 others" in sources["row-by-row"]
    assert "guesses 3, 3, 9, 9, 8, 8, 8, 8" in ran.text("reading")


def test_a_net_of_fixed_size_refuses_another_length(ran):
    assert "refused, size 6 is different from 9" in ran.text("fixed_size")


def test_the_cell_is_the_same_for_every_length(ran):
    said = ran.text("t_is_free")
    assert said.count("21 numbers in the cell") == 3
    assert "first 7 days: True" in said


def test_answers_by_day(ran):
    said = [line.split()[-1] for line in ran.text("delivery_days").splitlines()]
    assert said == [
        "jjamppong",
        "bokkeumbap",
        "bokkeumbap",
        "jjamppong",
        "bokkeumbap",
        "bokkeumbap",
    ]


def last_state(weights, rows):
    Wx, Wh, b, _, _ = weights
    return rnn_unroll(np.array(rows, float)[None], np.zeros((1, len(b))), Wx, Wh, b)[0, -1]


def test_negative_entries_wipe_an_old_belief():
    Wx, *others = delivery_weights()
    forgetful = (Wx - 4 * (Wx == 0), *others)
    blank, (jajang, jjamppong, _) = np.zeros(3), np.eye(3)
    for blanks in range(5):
        days = [jajang, jjamppong, jajang] + blanks * [blank]
        assert (last_state(delivery_weights(), days) > 0).sum() == 2
        assert (last_state(forgetful, days) > 0).sum() == 1


def test_training_goes_on_where_it_was_interrupted(sources):
    names = {}
    for cell in ("imports", "one_hot", "rnn_step", "rnn_unroll", "readout", "digit_nets"):
        exec(sources[cell], names)
    training = sources["train_digits"].replace("1500", "20")
    assert training != sources["train_digits"]

    def interrupted(steps, desc):
        yield from steps[:7]
        raise KeyboardInterrupt

    names["tqdm"] = interrupted
    exec(training, names)
    nets = names["nets"]
    first = nets["asked at the end"]
    learned = first["params"]["Wh"].copy()
    assert [net["steps"] for net in nets.values()] == [7, 0]
    names["tqdm"] = lambda steps, desc: steps
    exec(training, names)
    assert [net["steps"] for net in nets.values()] == [20, 20]
    assert names["nets"]["asked at the end"] is first
    assert not np.array_equal(first["params"]["Wh"], learned)


# --- pictures and the explorer ------------------------------------------------------------------


def test_the_picture_of_shapes_names_them_all():
    fig, alt = draw_shapes()
    titles = {text.get_text() for text in fig.axes[0].texts}
    png(fig)
    assert set(SHAPES) <= titles
    assert all(shape in alt.lower() for shape in SHAPES)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_every_day_of_every_sequence_follows_the_rule(sequence):
    days = SEQUENCES[sequence]
    dish = None
    for step, day in enumerate(days, start=1):
        dish = next_dish(dish if day is None else day)
        fig, alt = draw_unrolled(delivery_weights(), days, step)
        png(fig)
        assert f"it says {MENU[dish]} for day {step + 1}" in alt


def test_the_explorer_draws_anew_when_a_control_changes():
    explorer = unrolled_explorer(delivery_weights())
    pictures = [explorer.picture]
    for control, value in (("step", 1), ("sequence", "in turn, one day blank"), ("gain", 0.4)):
        explorer.controls[control].value = value
        pictures.append(explorer.picture)
    assert explorer.controls["step"].max == 5
    explorer.controls["step"].value = 3
    pictures.append(explorer.picture)
    assert len(set(pictures)) == 4  # one order alone needs no memory: there gain changes nothing
    assert pictures[2] == pictures[3]


def test_a_shorter_sequence_takes_the_step_along():
    explorer = unrolled_explorer(delivery_weights(), "one order, then six blank days")
    assert explorer.controls["step"].value == 7
    explorer.controls["sequence"].value = "yesterday only"
    assert explorer.controls["step"].value == explorer.controls["step"].max == 1
    assert "after 1 of 1 days" in explorer.alt


def test_answers_under_the_explorer():
    explorer = unrolled_explorer(delivery_weights(), "one order, then six blank days")
    assert "it says jjamppong" in explorer.alt and "0.96" in explorer.alt
    explorer.controls["gain"].value = 0.4
    assert "it says jjamppong" in explorer.alt
    explorer.controls["gain"].value = 0
    assert "it says cannot tell" in explorer.alt
    known = []
    for sequence in SEQUENCES:
        explorer.controls["sequence"].value = sequence
        explorer.controls["step"].value = explorer.controls["step"].max
        if "cannot tell" not in explorer.alt:
            known.append(sequence)
    assert known == [name for name, days in SEQUENCES.items() if days[-1] is not None]


def test_a_quiet_memory_fades_by_its_gain_or_faster():
    Wx, Wh, b, Wy, by = delivery_weights()
    h = rnn_unroll(
        orders(SEQUENCES["one order, then six blank days"]), np.zeros((1, 3)), Wx, 0.4 * Wh, b
    )
    loudest = readout(h, Wy, by)[0].max(axis=-1)
    assert (loudest[1:] < 0.8 * loudest[:-1]).all()


def test_the_explorer_draws_as_fast_as_a_handful_of_plain_figures():
    days = SEQUENCES["one order, then six blank days"]
    assert times_a_plain_figure(lambda: draw_unrolled(delivery_weights(), days, 7)[0]) < 8


def test_wider_states_are_drawn_too():
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(s) for s in ((3, 5), (5, 5), (5,), (5, 3), (3,))]
    fig, alt = draw_unrolled(weights, (0, None), 2)
    assert png(fig) and "after 2 of 2 days" in alt


def test_an_unknown_sequence_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="expected one of 'yesterday only'.*got 'tomorrow'"):
        unrolled_explorer(delivery_weights(), "tomorrow")


def test_the_reading_picture_says_how_the_guess_turned():
    chances = np.full((8, 10), 0.01)
    chances[:3, 1], chances[3:, 7] = 0.9, 0.9
    fig, alt = draw_reading(np.zeros((8, 8)), chances, {"one": np.linspace(0, 1, 8)})
    assert fig.axes[1].get_title(loc="left") == "the best guess goes 1 → 7"
    assert png(fig) and "1.00" in alt
