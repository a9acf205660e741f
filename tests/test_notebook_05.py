"""Notebook 05: it runs, its pictures are there, and its prose says what its cells show."""

import re

import nbformat
import numpy as np
import pytest
from notebook_runner import ROOT, numbers

import helpers
from autograde import CheckFailed, check
from helpers.explorers import cliff
from helpers.plots import png

NAME = "05_clipping"
TARGETS = ["cliff-surface", "paths", "turns", "two-runs", "histogram", "thresholds"]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


@pytest.fixture(scope="module")
def sources():
    path = ROOT / "solutions" / NAME / f"{NAME}.ipynb"
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


@pytest.fixture
def run_cells(sources):
    """Run some cells in one name space, to which the course's own functions belong."""

    def run(*cells, **names):
        names = {name: getattr(helpers, name) for name in helpers.__all__} | names
        for cell in cells:
            exec(sources[cell], names)
        return names

    return run


# --- the notebook as a whole --------------------------------------------------------------------


@pytest.mark.parametrize("cell", [*TARGETS, "explore-the-cliff"])
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


QUOTED = [
    ("the-leap-answer", "leap", ["10", "0.09"], 0.5),
    ("the-leap-answer", "norm-by-hand", ["13", "12", "5"], 0),
    ("about-clip-by-norm", "clipped-leap", ["0.6", "0.8", "2.4", "13"], 0),
    ("about-clip-by-value", "turns-by-hand", ["0.6", "0.8", "2.4", "1.56", "2.08"], 0),
    ("turns-answer", "account-measured", ["17.4"], 0),
    ("about-clip-by-value", "turns-by-hand", ["3.68", "4.50", "0.92"], 0),
]


@pytest.mark.parametrize("prose, cell, quoted, band", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted, band):
    printed = np.array(numbers(ran.text(cell)))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert np.abs(printed - float(number)).min() <= band, f"{cell} does not print {number}"


# --- the cliff ----------------------------------------------------------------------------------


def test_a_hundredth_of_b_decides_between_two_fates(ran):
    rows = [numbers(line) for line in ran.text("two-fates").strip().splitlines()]
    ends = [row[6] for row in rows]  # b, the three step numbers, then h at each
    assert ends[0] < 0.3 and ends[-1] > 0.9
    for *_, db, measured in rows:
        assert db == pytest.approx(measured, abs=2e-3)


def test_the_wall_is_where_the_norm_is_large(ran):
    _, wall, largest, distance, near = numbers(ran.text("cliff-surface").split("Left:")[0])
    assert wall == pytest.approx(-2.41, abs=0.011) and distance == 0.1
    assert largest > 30 and near < 1  # "a needle above 30", "below 1 nearly everywhere"
    assert 80 < largest / near < 110  # "nearly a hundred times"


def test_one_step_from_the_foot_of_the_wall_ends_the_run(ran):
    said = ran.text("leap").splitlines()
    assert numbers(said[0])[-1] < 0.1
    norm = numbers(said[1])[-1]
    length, *landed = numbers(said[2])
    assert norm > 30 and length == pytest.approx(0.3 * norm, abs=0.1)
    assert not cliff.on_map(*landed)
    before, after = numbers(said[3])
    assert before < 0.02 and after == pytest.approx((1 - 0.7) ** 2, abs=1e-4)
    assert np.sqrt(before) < 0.12  # "within 0.12 of its target"
    assert numbers(said[4])[0] < 1e-5  # "nearly zero"


def test_a_clipped_step_is_short_and_its_loss_is_higher(ran):
    said = ran.text("clipped-leap").splitlines()
    lengths = [float(re.search(r"step ([\d.]+) long", line)[1]) for line in said[1:]]
    losses = [float(line.rsplit(" ", 1)[1]) for line in said[1:]]
    assert lengths[0] > 10 and lengths[1] == 0.3
    assert 0.0125 < losses[1] < losses[0] == 0.09


def test_only_the_clipped_path_gets_down(ran):
    ends = dict(re.findall(r"^(no clipping|threshold [\d.]+) .* loss ([\d.]+)$",
                           ran.text("paths"), re.MULTILINE))  # fmt: skip
    none, one, tenth = (float(ends[k]) for k in ("no clipping", "threshold 1", "threshold 0.1"))
    assert none == 0.09 and one < 0.005 and one < tenth


def test_the_notebooks_path_is_the_explorers(run_cells, sources):
    names = run_cells("imports", "global_norm", "clip_by_norm")
    exec(sources["paths"].split("fig, (plane")[0], names)
    for threshold in (np.inf, 1.0):
        points, _ = cliff.descend(cliff.STARTS["below the wall"], 0.3, threshold, 60)
        # The wall magnifies rounding errors: the first two dozen steps are the same.
        np.testing.assert_allclose(
            names["walk"](threshold, updates=60)[:24], points[:24], atol=1e-6
        )


def test_the_gradient_of_the_cliff_is_right():
    rng = np.random.default_rng(0)
    for w, b in rng.uniform((3.5, -4.0), (7.5, 0.0), (20, 2)):
        one = cliff._gradient_of_one(w, b)
        assert one == pytest.approx([float(g) for g in cliff.cliff_gradient(w, b)], rel=1e-9)
        for k, gradient in enumerate(one):
            step = 1e-6 * np.eye(2)[k]
            rise = cliff.cliff_loss(w + step[0], b + step[1])
            fall = cliff.cliff_loss(w - step[0], b - step[1])
            assert gradient == pytest.approx((rise - fall) / 2e-6, rel=1e-3, abs=1e-7)


def test_moving_a_control_moves_the_figure():
    panel = cliff.cliff_explorer()
    assert next(iter(panel.controls)) == "threshold"
    seen = {panel.picture}
    alts = {panel.alt}
    threshold = panel.controls["threshold"]
    for control, value in (
        ("threshold", threshold.value - threshold.step),  # one press of an arrow key
        ("threshold", 0.0),
        ("start", "above the wall"),
        ("learning_rate", 0.1),
    ):
        panel.controls[control].value = value
        assert panel.picture not in seen and panel.alt not in alts, control
        seen.add(panel.picture)
        alts.add(panel.alt)
    assert "threshold 1;" in panel.alt and "above the wall" in panel.alt


def test_the_explorers_threshold_decides_where_the_path_ends():
    start = cliff.STARTS["below the wall"]
    lost, found = (cliff.descend(start, 0.3, threshold)[0][-1] for threshold in (100.0, 1.0))
    assert not cliff.on_map(*lost) and cliff.on_map(*found)
    assert cliff.cliff_loss(*found) < 0.005 < cliff.cliff_loss(*lost)


# --- directions ---------------------------------------------------------------------------------


def test_only_clipping_by_norm_keeps_the_direction(ran):
    degrees = [float(d) for d in re.findall(r"turned by ([\d.]+) degrees", ran.text("turns"))]
    norm, array, value = degrees
    assert norm < 0.05
    assert 5 < array < 20 and 40 < value < 75 and array < value < 90
    toy = [float(d) for d in re.findall(r"turned by ([\d.]+) degrees", ran.text("turns-by-hand"))]
    assert toy == [0.0, 22.4, 32.5]
    assert 15_500 < float(ran.text("turns").split()[0].replace(",", "")) < 16_500
    assert "in 5 arrays" in ran.text("turns")


# --- the run that dies --------------------------------------------------------------------------


def test_one_run_dies_and_the_other_learns(ran):
    dead, alive = [x for x in ran.text("train-runs").splitlines() if x.startswith(("with", "cli"))]
    died = int(re.search(r"died at update (\d+)", dead)[1])
    assert 12 < died < 120  # "some dozens of updates"
    assert dead.endswith(("nan", "inf"))
    before = numbers(dead.split("losses")[1])[:-1]
    assert before[0] < 10  # two or three updates before the end all is as ever
    assert numbers(alive)[-1] < 0.03 and " 600 updates" in alive
    gaps = re.findall(r"measurement (\S+)", ran.text("account-measured"))
    assert len(gaps) == 3 and all(float(gap) < 1e-6 for gap in gaps)


def test_every_seed_dies_without_clipping_and_learns_with_it(ran):
    rows = [r.split() for r in ran.text("five-seeds").splitlines() if re.match(r" +\d +\d", r)]
    assert [row[0] for row in rows] == list("01234")
    times = np.array(rows, int)  # fails on None: every run died, or came below 0.1
    assert (times[:, 1] < 300).all() and (times[:, 2:] < 600).all()
    faster = times[:, 2] < times[:, 3]
    assert faster.any() and not faster.all()  # the small rate is quicker on some, slower on others


@pytest.mark.slow
def test_ten_more_seeds_die_and_learn(run_cells, sources):
    names = run_cells("imports", "global_norm", "clip_by_norm", "account", "set-up-runs")
    exec(sources["five-seeds"].split("print(")[0], names)
    for seed in range(5, 15):
        died, _ = names["learn"](seed, 0.03, None)
        assert died and died < 400, seed
        died, below = names["learn"](seed, 0.03, 0.3)
        assert died is None and below, seed


def test_the_dead_run_ends_in_a_number_that_is_not_finite(run_cells):
    names = run_cells("imports", "global_norm", "clip_by_norm", "account", "set-up-runs")
    for seed in range(3):
        run = names["new_run"](seed, 0.03, None)
        while names["goes_on"](run):
            names["one_update"](run)
        assert run["died"] == len(run["losses"])
        assert not np.isfinite(run["losses"][-1])


def test_training_goes_on_where_it_was_interrupted(run_cells, sources):
    names = run_cells("imports", "global_norm", "clip_by_norm", "account", "set-up-runs")
    names["UPDATES"] = 12
    update, calls = names["one_update"], []

    def interrupting(run):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        update(run)

    runs, names["one_update"] = names["runs"], interrupting
    exec(sources["train-runs"], names)
    assert [len(run["losses"]) for run in runs.values()] == [3, 2]
    names["one_update"] = update
    exec(sources["train-runs"], names)
    assert names["runs"] is runs
    assert [len(run["losses"]) for run in runs.values()] == [12, 12]


def test_figures_can_be_drawn_after_an_interrupted_training(run_cells, sources, monkeypatch):
    shown = []
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: shown.append(png(fig)))
    names = run_cells("imports", "global_norm", "clip_by_norm", "account", "set-up-runs")
    names["UPDATES"] = 5
    exec(sources["train-runs"], names)
    names["UPDATES"] = 600
    exec(sources["two-runs"], names)
    exec(sources["turns"].split("_, real, _")[0], names)
    exec(sources["set-up-norms"].replace("READINGS = 1000", "READINGS = 3"), names)
    for cell in ("train-norms", "histogram", "train-bold", "thresholds"):
        exec(sources[cell], names)
    assert len(shown) == 3 and len(set(shown)) == 3


# --- the threshold ------------------------------------------------------------------------------


def test_the_histogram_has_a_hump_and_a_tail(ran):
    median, _, ninety, top = numbers(ran.text("histogram").splitlines()[0])
    assert 11 < median < 19  # "about the median" is 15, the alt text's hump "around 15"
    assert median < ninety < 27  # "about 20"
    assert top > 80 and 5 < top / median < 20
    per_character = numbers(ran.text("histogram").splitlines()[1])[-1]
    assert per_character == pytest.approx(median / 25, abs=0.01)


def test_a_bold_rate_needs_a_threshold_at_the_median_or_below(ran):
    bits = re.findall(r"^rate (.+?): +([\d.]+) bits", ran.text("train-bold"), re.MULTILINE)
    bits = {name: float(value) for name, value in bits}
    cautious = bits["0.02, no clipping"]
    assert 2.4 < cautious < 3.0
    guessing = float(re.search(r"guessing: +([\d.]+)", ran.text("train-bold"))[1])
    assert guessing == pytest.approx(6.6, abs=0.1)
    assert bits["0.1, no clipping"] > guessing
    assert bits["0.1, threshold 20"] > cautious + 1
    assert bits["0.1, threshold 15"] < cautious
    assert bits["0.1, threshold 10"] < cautious - 0.05
    assert bits["0.1, threshold 10"] < bits["0.1, threshold 5"] < bits["0.1, threshold 2"]
    assert bits["0.1, threshold 2"] > cautious + 0.1
    assert re.search(r"threshold 10: .* (9\d|100)% clipped", ran.text("train-bold"))


def test_reading_goes_on_where_it_was_interrupted(run_cells, sources):
    cells = ("imports", "global_norm", "clip_by_norm")
    names = run_cells(*cells)
    exec(sources["turns"].split("_, real, _")[0], names)
    exec(sources["set-up-norms"].replace("READINGS = 1000", "READINGS = 6"), names)
    exec(sources["train-norms"].split("\nread_all([")[0], names)
    read, calls = names["read_on"], []

    def interrupting(model):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        read(model)

    model, names["read_on"] = names["cautious"], interrupting
    names["read_all"]([model])
    assert len(model["norms"]) == 3
    names["read_on"] = read
    names["read_all"]([model])
    straight = names["new_model"](0.02, np.inf)
    names["read_all"]([straight])
    assert model["norms"] == straight["norms"] and len(model["norms"]) == 6


def test_scaling_keeps_the_shares(ran):
    one, million, same = ran.text("shares").strip().splitlines()
    first, last, ratio = numbers(one.split(":", 1)[1].replace("step 1 ", "").replace("60 ", ""))
    assert ratio < 1e-20 and first / last == pytest.approx(ratio, rel=0.1)
    assert numbers(million)[-1] == pytest.approx(ratio, rel=0.02)
    assert same.endswith("True")


# --- the check: what comparing numbers cannot tell ----------------------------------------------


def refused(f, name, seed=0):
    with pytest.raises(CheckFailed) as failure:
        check(f, name=name, seed=seed)
    return failure.value


def plain_norm(grads):
    return np.sqrt(sum(np.sum(g**2) for g in grads.values()))


def finite_norm(grads):
    norm = plain_norm(grads)
    for name, grad in grads.items():
        if not np.isfinite(grad).all():
            raise FloatingPointError(f"trouble in d{name}")
    return norm


def clip_with(norm_of=finite_norm, factor=lambda norm, limit: min(1, limit / (norm + 1e-6))):
    def clip(grads, max_norm):
        norm = norm_of(grads)
        for grad in grads.values():
            grad *= factor(norm, max_norm)
        return norm

    return clip


def scaled_first(grads, max_norm):
    norm = clip_with(plain_norm)(grads, max_norm)
    finite_norm(grads)
    return norm


def replaced(grads, max_norm):
    norm = finite_norm(grads)
    for name in grads:
        grads[name] = grads[name] * min(1, max_norm / (norm + 1e-6))
    return norm


def norm_that_raises(text):
    def norm(grads):
        if not np.isfinite(plain_norm(grads)):
            raise ValueError(text.format(list(grads)))
        return plain_norm(grads)

    return norm


def only_nan_seen(grads):
    for name, grad in grads.items():
        if np.isnan(grad).any():
            raise ValueError(name)
    return plain_norm(grads)


FURTHER = [
    ("global_norm", lambda grads: np.nan_to_num(plain_norm(grads)), "no error for NaN"),
    ("clip_by_norm", clip_with(only_nan_seen), "no error for infinity"),
    ("global_norm", norm_that_raises("not finite"), "error does not tell the key"),
    ("global_norm", norm_that_raises("one of {}"), "error does not tell the key"),
    ("clip_by_norm", clip_with(plain_norm), "no error for NaN"),
    ("clip_by_norm", clip_with(norm_that_raises("stop")), "error does not tell the key"),
    ("clip_by_norm", scaled_first, "scaled before the error"),
    ("clip_by_norm", replaced, "array replaced in place of changed"),
    (
        "clip_by_norm",
        clip_with(factor=lambda norm, limit: limit / (max(norm, limit) + 1e-6)),
        "touched below max_norm",
    ),
    (
        "clip_by_value",
        lambda grads, limit: grads.update({k: np.clip(g, -limit, limit) for k, g in grads.items()}),
        "array replaced in place of changed",
    ),
]


@pytest.mark.parametrize(("name", "wrong", "mistake"), FURTHER, ids=[f[2] for f in FURTHER])
def test_what_numbers_do_not_tell_is_refused_by_name(name, wrong, mistake):
    for seed in range(5):
        found = refused(wrong, name, seed)
        assert (found.kind, found.mistake) == ("edge", mistake), str(found)


def test_only_certain_keys_are_not_enough():
    def clip_by_value(grads, limit):
        for key in ("Wx", "Wh", "b"):
            if key in grads:
                np.clip(grads[key], -limit, limit, out=grads[key])

    assert refused(clip_by_value, "clip_by_value").mistake == "only certain keys"


def test_guards_and_other_ways_to_write_in_place_are_right():
    def assigned(grads, max_norm):
        norm = finite_norm(grads)
        if norm > max_norm:
            for grad in grads.values():
                grad[...] = grad * (max_norm / norm)
        return norm

    def divided(grads, max_norm):
        norm = finite_norm(grads)
        for grad in grads.values():
            np.divide(grad, max(1, norm / max_norm), out=grad)
        return np.float64(norm)

    for seed in range(20):
        for right in (clip_with(), assigned, divided):
            assert check(right, name="clip_by_norm", seed=seed).passed
        assert check(finite_norm, name="global_norm", seed=seed).passed


def test_clipping_by_a_wrong_norm_says_which_norm_it_is():
    """No reference stands in for the student's norm: its error would hide that theirs has none."""
    scope = {"np": np}
    exec(
        "def global_norm(grads):\n"
        "    return sum(np.linalg.norm(g) for g in grads.values())\n"
        "def clip_by_norm(grads, max_norm):\n"
        "    norm = global_norm(grads)\n"
        "    if norm > max_norm:\n"
        "        for grad in grads.values():\n"
        "            grad *= max_norm / norm\n"
        "    return norm\n",
        scope,
    )
    assert refused(scope["global_norm"], "global_norm").mistake == "sum of the arrays' norms"
    found = refused(scope["clip_by_norm"], "clip_by_norm")
    assert found.mistake == "sum of the arrays' norms, as the norm"


def test_the_error_may_be_left_to_clip_by_norm():
    assert check(plain_norm, name="global_norm").passed
    assert refused(clip_with(plain_norm), "clip_by_norm").mistake == "no error for NaN"
