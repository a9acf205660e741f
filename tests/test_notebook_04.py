"""Notebook 04: it runs, its pictures are there, and its prose says what its cells show."""

import re

import numpy as np
import pytest
from notebook_runner import numbers, times_a_plain_figure
from own_work import own

import helpers
from autograde import CheckFailed, check
from helpers.diagrams.gradients import draw_way_back
from helpers.explorers import gradient_norms as explorer
from helpers.plots import png

NAME = "04_vanishing_gradients"
TARGETS = ["reference", "unit-dies", "bounds", "transient", "gelfand", "radii", "with-tanh"]
PICTURES = [*TARGETS, "way-back-graph", "explore-norms"]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


# --- the notebook as a whole --------------------------------------------------------------------


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("one-step-back", "one-step-printed", ["6.5"]),
    ("reference-answer", "reference", ["249.4956", "2.379e-04"]),
    ("one-unit", "unit-by-hand", ["1.92", "2.0736", "0.1238", "0.816"]),
    ("unit-answer", "unit-dies", ["531441", "0.9949", "0.0305", "33"]),
    ("slogan-verdict", "slogan-tested", ["1.33", "1.26", "0.63"]),
    ("true-statement", "bounds", ["0.125", "8"]),
    ("long-run", "bounds", ["299"]),
    ("long-run", "transient", ["4.031", "4.008", "3.003", "2.001"]),
    ("about-rescale", "gelfand", ["66"]),
    ("about-rescale", "radii", ["1", "0.25"]),
]


@pytest.mark.parametrize("prose, cell, quoted", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted):
    printed = numbers(ran.text(cell))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert float(number) in printed, f"{cell} does not print {number}"


def test_the_reference_experiment_to_all_digits(ran):
    lines = ran.text("reference").splitlines()
    assert lines[0] == "Wh     first three 2.468407 3.335705 4.783279, after 20 steps 249.4956"
    assert lines[1] == "0.5 Wh first three 1.234203 0.833926 0.597910, after 20 steps 2.379e-04"
    assert 249.4956 / 2**20 == pytest.approx(2.379e-4, rel=1e-3)  # "to the digit"


def test_the_matrix_in_the_prose_is_that_of_the_cell(sources):
    Wh = np.random.RandomState(3).randn(3, 3)
    rows = [" & ".join(f"{v:.2f}" for v in row) for row in Wh]
    assert all(row in sources["reference-question"] for row in rows)


def test_the_factor_of_a_step_settles_at_the_radius(ran):
    for line, radius in zip(ran.text("factors").splitlines(), (1.2552, 0.6276), strict=True):
        found = numbers(line.split(":", 1)[1])
        assert found[-1] == radius and abs(found[0] - radius) > 0.04


def test_the_one_step_by_hand():
    Wh, dh = np.array([[-1.0, 2.0], [4.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 0.0]])
    assert (dh @ Wh.T).tolist() == [[5, 12], [0, 0]]
    assert np.linalg.norm(dh) / 2 == 2.5 and helpers.gradient_norms(Wh, dh, 1) == [6.5]
    assert helpers.gradient_norms(Wh.T, dh, 1) != [6.5]  # the transpose shows


def test_the_formula_of_one_unit_is_what_measuring_finds(ran):
    found = re.search(r"measured (\S+), your formula (\S+)", ran.text("unit-by-hand"))
    measured, formula = found.groups()
    assert float(measured) == pytest.approx(float(formula), abs=2e-6) and float(formula) > 2


def test_where_the_unit_dies(ran):
    found = re.findall(
        r"h0 = (\S+) *: largest +(\S+) at T = +(\d+), at T = 12 (\S+),", ran.text("unit-dies")
    )
    table = {float(h0): (float(most), int(at), float(end)) for h0, most, at, end in found}
    assert table[0.0][:2] == (3**12, 12)
    assert table[0.001][0] == pytest.approx(426, abs=1) and table[0.001][1] == 6
    assert table[0.1][1] == 2 and table[0.5][1] == 1
    assert all(end < 1e-5 for h0, (_, _, end) in table.items() if h0)


def test_the_two_sizes_of_the_toy_matrices(ran):
    turn, shear, stretched = ran.text("two-sizes-printed").splitlines()
    assert "0+1.2j, 0-1.2j: radius 1.20, largest singular value 1.20" in turn
    assert numbers(shear) == [0.5, 0.5, 0.5, 4.06] and numbers(stretched)[-1] == 0.5


def test_the_slogan_fails_on_the_lectures_own_matrix(ran):
    whole, half = ran.text("slogan-tested").splitlines()
    assert "slogan: explodes; seen: explodes" in whole
    assert "largest singular value 1.33, slogan: explodes; seen: vanishes" in half
    assert numbers(whole)[-1] == 1.26 and numbers(half)[-1] == 0.63


def test_one_half_of_the_slogan_never_fails_and_the_other_often(ran):
    lines = ran.text("slogan-search").splitlines()
    small, between, large = ([int(v) for v in line.split()[-2:]] for line in lines[1:4])
    assert small[0] > 300 and small[1] == 0
    assert between[0] > 300 and between[1] <= 5
    assert large[1] > 800 and large[0] <= 5
    assert between[0] / (sum(between) + sum(large)) == pytest.approx(0.3, abs=0.03)  # three in ten
    assert numbers(lines[4])[-1] < 0.01


def test_counterexamples_begin_at_three_quarters(ran, sources):
    lines = ran.text("counterexamples-shown").splitlines()
    slogans = [re.search(r"slogan: (\w+)", line)[1] for line in lines]
    assert slogans == ["vanishes", "explodes", "explodes", "explodes"]
    assert all("seen: vanishes" in line for line in lines)
    border = np.array([[0.5, 0.75], [0.0, 0.5]])
    assert helpers.largest_singular_value(border) == pytest.approx(1, abs=1e-12)
    assert "exactly 0.75" in sources["make-one-answer"]
    assert "slogan: vanishes; seen: vanishes" in ran.text("your-counterexample")


def test_the_bounds_hold_and_soon_say_nothing(ran):
    assert "by hand: (0.125, 8.0)" in ran.text("bounds")
    low, growth, high = numbers(re.search(r"T = 20: (.*): True", ran.text("bounds"))[1])
    assert low < 1e-20 and high / growth > 1e6  # "a million times too high"


def test_transient_growth_and_gelfand(ran):
    assert "step 20: 1.5e-04" in ran.text("transient")
    for line in ran.text("gelfand").splitlines()[:3]:
        first, _, middle, _, last, _, radius = numbers(re.sub(r"^.*?(?=\d+\.\d{3})", "", line))
        assert first > middle > last > radius
        assert last < 1.04 * radius
        assert (middle < 1.06 * radius) != line.startswith("shear")


def test_the_radius_is_the_factor_of_a_step_in_the_long_run(ran):
    lines = [line for line in ran.text("radii").splitlines() if line.startswith("radius ")]
    assert len(lines) == 5
    for line in lines:
        radius, growth, factor = (numbers(line)[k] for k in (0, 1, -1))
        assert factor == pytest.approx(radius, rel=0.01)
        assert growth == pytest.approx(0.6 * radius**100, rel=0.05)  # "0.6 times that power"


def test_an_orthogonal_start_keeps_the_norm(ran):
    kept, spread, _, wide = ran.text("kept").splitlines()
    assert "radius 1.0000, growth after 100 steps 1.0000" in kept
    assert float(re.search(r"off 1 by (\S+)", spread)[1]) < 1e-12
    assert "bounds 1.0e+00 and 1.0e+00" in spread
    off, low, high = numbers(wide.split("off 1", 1)[1])
    assert 0.2 < off < 1 and low < 1e-200 and high > 1e25


def tanh_rows(ran):
    """What is left without and with tanh, and the mean slope, by start."""
    found = re.findall(
        r"^(.+): Wh alone (\S+), with tanh (\S+), mean slope (\S+)$",
        ran.text("with-tanh"),
        re.MULTILINE,
    )
    return {name: [float(v) for v in row] for name, *row in found}


def test_tanh_takes_from_all_three_starts(ran):
    assert numbers(ran.text("set-up-tanh"))[-1] < 1e-10  # at rest it is Wh alone
    rows = tanh_rows(ran)
    assert list(rows) == ["radius 0.8", "orthogonal", "radius 1.5"]
    assert all(real < alone for alone, real, _ in rows.values())
    assert rows["orthogonal"][0] == 1 and 1e-6 < rows["orthogonal"][1] < 3e-6  # nearly six powers
    assert rows["radius 1.5"][0] > 1e8 and 0.02 < rows["radius 1.5"][1] < 0.1
    slopes = [slope for *_, slope in rows.values()]
    assert slopes == sorted(slopes, reverse=True)  # large weights saturate


def test_a_step_costs_the_root_mean_square_of_the_slopes(ran):
    rows = [numbers(line) for line in ran.text("saturation").splitlines()[1:]]
    assert [row[0] for row in rows] == [0, 0.2, 1, 2, 4]
    for _, mean, rms, factor, _ in rows:
        assert factor == pytest.approx(rms, abs=0.02) and mean <= rms
    assert rows[0][1:4] == [1, 1, 1] and rows[-1][-1] < 1e-14


def test_the_answers_to_the_questions(ran, sources):
    lines = ran.text("questions-shown").splitlines()
    assert numbers(lines[0].split("by")[1])[0] < 0.01  # the first 30 steps hardly count in dWh
    assert numbers(lines[0])[1] > 10
    assert "[0.5   0.25  0.125]" in lines[1] and "4e-05" in lines[2]
    beyond, least, most = re.search(r"4: (\d+)% .* from (\S+) to (\S+)", lines[3]).groups()
    assert 40 <= int(beyond) <= 60 and float(least) >= 1e4 < float(most)
    assert "by ten thousand and more" in sources["the-end"]
    assert 1 - 0.9**2 == pytest.approx(0.19)


# --- pictures and the explorer ------------------------------------------------------------------


def test_the_way_back_names_both_factors():
    fig, alt = draw_way_back()
    said = " ".join(text.get_text() for text in fig.axes[0].texts)
    png(fig)
    assert said.count("times slope") == 3 and "slope" in alt and len(alt) > 200


def test_moving_a_control_moves_the_figure_and_its_words():
    panel = explorer.norm_explorer()
    assert next(iter(panel.controls)) == "radius"
    seen, said = {panel.picture}, {panel.alt}
    for control, value in (
        ("radius", 1.05),
        ("T", 41),
        ("gain", 0.75),
        ("forget_bias", 3.5),
        ("start", "orthogonal"),
    ):
        panel.controls[control].value = value
        assert panel.picture not in seen and panel.alt not in said, control
        seen.add(panel.picture)
        said.add(panel.alt)


def test_extreme_settings_can_be_drawn():
    for radius, gain in ((0.5, 4.0), (1.6, 0.0)):
        fig, alt = explorer.draw_norms(radius, explorer.LONGEST, gain, 0.0, "random")
        assert len(png(fig)) > 5000 and "nan" not in alt


def test_the_explorer_draws_quickly():
    settings = iter(np.linspace(0.9, 1.1, 5))

    def next_radius():
        return explorer.draw_norms(next(settings), explorer.LONGEST, 0.5, 3.0, "random")[0]

    assert times_a_plain_figure(next_radius) < 12


def ends(*settings):
    return {name: norms[-1] for name, norms in explorer.norm_curves(*settings)[0].items()}


def test_what_the_prose_says_to_see_in_the_explorer():
    # 1: at rest the radius decides, and tanh changes nothing.
    for radius, start in ((0.9, "random"), (1.1, "random"), (1.0, "orthogonal")):
        end = ends(radius, 40, 0.0, 3.0, start)
        assert end["tanh RNN"] == pytest.approx(end["Wh alone, no tanh"], rel=1e-9)
        assert (end["tanh RNN"] > 1.0001) == (radius > 1)
    assert end["tanh RNN"] == pytest.approx(1, abs=1e-9)
    # 2: the RNN falls more and more steeply, the LSTM far less.
    rnn, lstm = zip(
        *((e["tanh RNN"], e["LSTM, at h"])
          for e in (ends(1.0, 40, gain, 3.0, "random") for gain in (0.0, 0.5, 1.0, 2.0, 4.0))),
        strict=True,
    )  # fmt: skip
    assert list(rnn) == sorted(rnn, reverse=True) and rnn[-1] < 1e-15
    assert list(lstm) == sorted(lstm, reverse=True) and lstm[-1] > 1e-4
    # 3: without tanh it leaves the picture, with it it stays.
    end = ends(1.6, explorer.LONGEST, 0.5, 3.0, "random")
    assert end["Wh alone, no tanh"] > explorer.CEILING and 1e-3 < end["tanh RNN"] < 1e5
    assert 1e-2 < ends(1.6, 40, 0.5, 3.0, "random")["tanh RNN"] < 1e3
    # 4: with the gate half shut it vanishes, too.
    assert ends(1.0, 40, 0.5, 0.0, "random")["LSTM, at h"] < 1e-6
    assert ends(1.0, 40, 0.5, 3.0, "random")["LSTM, at h"] > 0.1


# --- orthogonal is judged, so its slips are tried here ------------------------------------------


def qr(n, rng):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def householder(n, rng):
    Q = np.eye(n)
    for v in rng.standard_normal((n, n)):
        Q = Q - 2 * np.outer(v, v @ Q) / (v @ v)
    return Q


def rotations(n, rng):
    Q = np.eye(n)
    for i in range(n):
        for j in range(i):
            c, s = np.cos(t := rng.uniform(0, 2 * np.pi)), np.sin(t)
            Q[:, [i, j]] = Q[:, [i, j]] @ np.array([[c, -s], [s, c]])
    return Q


@pytest.mark.parametrize(
    "draw",
    [
        qr,
        householder,
        rotations,
        lambda n, rng: np.linalg.svd(rng.standard_normal((n, n)))[0],
        lambda n, rng: np.linalg.svd(rng.random((n, n))).Vh,
        lambda n, rng: np.asfortranarray(qr(n, rng)),
    ],
)
def test_any_drawing_of_an_orthogonal_matrix_is_right(draw):
    for seed in range(5):
        assert check(draw, name="orthogonal", seed=seed).passed


def normalised(axis):
    def draw(n, rng):
        A = rng.standard_normal((n, n))
        return A / np.linalg.norm(A, axis=axis, keepdims=True)

    return draw


def turn_of_two_units(n, rng):
    Q, t = np.eye(n), rng.uniform(0, 6)
    Q[:2, :2] = [[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]
    return Q


@pytest.mark.parametrize(
    ("draw", "mistake"),
    [
        (lambda n, rng: np.eye(n), "identity"),
        (lambda n, rng: np.eye(n)[rng.permutation(n)], "permutation"),
        (lambda n, rng: np.diag(rng.choice([-1.0, 1.0], n)), "permutation"),
        (turn_of_two_units, "partly fixed"),
        (lambda n, rng: qr(n, np.random.default_rng(0)), "rng not used"),
        (lambda n, rng: qr(n, np.random.default_rng()), "state kept between calls"),
        (lambda n, rng: rng.standard_normal((n, n)), "not orthogonalised"),
        (lambda n, rng: np.linalg.qr(rng.standard_normal((n, n)))[1], "triangular factor returned"),
        (lambda n, rng: np.linalg.qr(rng.standard_normal((n, n))), "all factors returned"),
        (lambda n, rng: 2 * qr(n, rng), "orthogonal up to a factor"),
        (lambda n, rng: qr(n, rng) * np.arange(1, n + 1), "columns not of length 1"),
        (lambda n, rng: qr(n, rng).astype(np.float32), "float32"),
        (lambda n, rng: qr(n, rng).round(4), "nearly orthogonal"),
        (normalised(0), "columns normalised only"),
        (normalised(1), "rows normalised only"),
        (lambda n, rng: None, "returns nothing"),
        (lambda n, rng: qr(n + 1, rng), None),
        (lambda n, rng: np.full((n, n), np.nan), None),
        (lambda n, rng: np.eye(n, dtype=int), "int64 in place of float64"),
    ],
)
def test_slips_of_orthogonal_are_named(draw, mistake):
    for seed in range(5):
        with pytest.raises(CheckFailed) as failure:
            check(draw, name="orthogonal", seed=seed)
        assert failure.value.mistake == mistake, str(failure.value)


@pytest.mark.parametrize("kind", [list, tuple, np.asarray])
def test_norms_may_come_as_a_list_a_tuple_or_an_array(kind):
    for name in ("gradient_norms", "tanh_gradient_norms"):
        right = own(getattr(helpers, name))
        assert check(lambda *a, f=right: kind(f(*a)), name=name).passed
        assert check(lambda *a, f=right: kind([float(v) for v in f(*a)]), name=name).passed
    right = own(helpers.growth_bounds)
    assert check(lambda Wh, T: kind(right(Wh, T)), name="growth_bounds").passed


def test_a_list_of_something_else_is_described():
    with pytest.raises(CheckFailed) as failure:
        check(lambda Wh, dh, T: [dh] * T, name="gradient_norms")
    assert failure.value.kind == "shape"
    with pytest.raises(CheckFailed) as failure:
        check(lambda Wh, dh, T: [], name="gradient_norms")
    assert failure.value.kind in ("type", "shape")


def test_a_message_about_norms_counts_entries_and_not_time_steps():
    def wrong(*arguments):
        norms = helpers.tanh_gradient_norms(*arguments)
        norms[2:] *= 2
        return norms

    with pytest.raises(CheckFailed, match="Of the entries 0 to 4 the first wrong one is 2. norms"):
        check(wrong, name="tanh_gradient_norms")
