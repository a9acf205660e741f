"""Notebook 09: it runs, its pictures are there, and its prose says what its cells show."""

import re

import numpy as np
import pytest
from notebook_runner import numbers

import helpers
from helpers.diagrams.deep import draw_stack
from helpers.explorers import dropped as explorer
from helpers.plots import png

NAME = "09_deep_language_model"
TARGETS = ["test-curves"]
PICTURES = [*TARGETS, "stack-drawn", "explore-dropout"]
VARIANTS = ("none", "in depth", "variational", "tied", "tied, in depth")
DROPPED = ("in depth", "variational", "tied, in depth")
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


@pytest.fixture
def names(sources):
    """What the cells before the first training bind, with the course's functions."""
    found = {name: getattr(helpers, name) for name in helpers.__all__}
    how = ("how-to-train", "how-to-update", "how-to-judge", "how-to-go-on")
    for cell in ("imports", "words-shown", *how):
        exec(sources[cell], found)
    return found


def table(ran):
    """By variant: parameters, perplexity on what was learned, and (mean, low, high) twice."""
    rows = ran.text("the-table").splitlines()[1:]
    found = {row[:16].strip(): numbers(row[16:].replace(",", "")) for row in rows}
    assert tuple(found) == VARIANTS
    return {name: (row[0], row[1], row[2:5], row[5:8]) for name, row in found.items()}


def verdicts(ran):
    """What was said of each pair, by (when, lower, higher)."""
    found, when = {}, None
    for line in ran.text("claims-shown").splitlines():
        if line.endswith(":"):
            when = "end" if "end" in line else "stopped"
        else:
            low, high, verdict = re.match(
                r"  (.+?) +below (.+?) +(not told apart|far apart|apart)$", line
            ).groups()
            found[when, low, high] = verdict
    assert len(found) == 20
    return found


# --- the notebook as a whole --------------------------------------------------------------------


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("about-perplexity", "guesses-shown", ["1.386", "4"]),
    ("about-tied-softmax-loss", "two-sources-shown", ["1.386", "0.75", "0.824", "-0.824"]),
]


@pytest.mark.parametrize("prose, cell, quoted", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted):
    printed = numbers(ran.text(cell).replace("[", " ").replace("]", " "))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert float(number) in printed, f"{cell} does not print {number}"


def test_sizes_in_the_prose_are_those_of_the_cells(ran, sources, names):
    said = sources["by-heart"]
    N, T, H, updates = (names[name] for name in ("N", "T", "H", "UPDATES"))
    assert f"layers of {H} units" in said and f"windows of {T} words, {N} windows" in said
    assert f"After {updates} updates it has read {N * T * updates:,} words" in said
    read = N * T * updates / len(names["train_ix"])
    assert "some twenty-seven times" in said and read == pytest.approx(27, abs=0.5)
    assert len(names["train_ix"]) == 6000 and "six thousand words" in sources["head"]


def test_the_texts_share_no_paragraph(names):
    whole = [tuple(names["paragraphs"][k]) for k in names["order"]]
    assert len(set(whole)) == len(whole)
    assert len(names["valid_ix"]) == 3000 and len(names["test_ix"]) == 6000
    assert names["vocabulary"][0] == "<rare>" and (names["train_ix"] == 0).any()


def test_the_manual_repeats_itself():
    from pydoc_data import topics

    paragraphs = [p for text in topics.topics.values() for p in text.split("\n\n") if len(p) > 200]
    assert len(set(paragraphs)) < len(paragraphs)


def test_what_models_without_memory_reach(ran):
    quarter, alike, by_share = (
        numbers(line)[-1] for line in ran.text("guesses-shown").splitlines()[:3]
    )
    V = numbers(ran.text("words-shown"))[1]
    assert (quarter, alike) == (4, V)
    assert 0.12 * V < by_share < 0.3 * V  # "about a fifth"


def test_what_is_cut_sends_nothing_back(ran):
    said = re.sub(r"[\[\]]", " ", ran.text("cut-and-doubled-shown")).splitlines()
    cut, cut_row, doubled, doubled_row, moved = said
    for line in (cut, doubled):
        dx, measured = (numbers(part) for part in line.split("step")[1].split("measured"))
        assert len(dx) == 4 and dx == measured and all(dx) == any(dx) == (line is doubled)
    assert numbers(cut_row) == [0] and numbers(doubled_row)[0] > 0.1
    assert numbers(moved)[-1] == 0


def test_the_plain_model_overfits(ran):
    rows = np.array([numbers(line) for line in ran.text("train-plain").splitlines()
                     if re.match(r" +\d+ +[\d.]+ ", line)])  # fmt: skip
    steps, learned, valid, test = rows.T
    assert list(steps) == [50, 100, 150, 200, 250, 300, 350, 400]
    assert (np.diff(learned) < 0).all()
    assert steps[valid.argmin()] in (100, 150, 200) and steps[test.argmin()] in (100, 150, 200)
    assert valid[-1] > valid.min() + 8 and test[-1] > test.min() + 8
    assert learned[-1] < test[-1] / 3


def test_masks_keep_the_mean_and_in_time_lose_the_memory(ran):
    mean, *rows = ran.text("mean-and-memory").splitlines()
    assert numbers(mean.replace("[", " ").replace("]", " ").replace("100,000", ""))[:3] == [4, 1, 3]
    for row in rows:
        steps, in_time, in_depth = numbers(row)
        assert in_time == pytest.approx(0.5**steps, abs=0.006) and in_depth == 1
    assert numbers(rows[-1])[1] == 0 or 0.5**20 * 1e5 < 1


def test_what_tying_saves(ran):
    here, large = (
        numbers(line.replace(",", "")) for line in ran.text("parameters-shown").splitlines()
    )
    for V, E, layers, untied, tied, saved in (here, large):
        assert untied - tied == E == 64 * V and untied == 2 * E + layers + V
        assert saved == pytest.approx(100 * E / untied, abs=0.5)
    assert 15 < here[-1] < 35 and 48 < large[-1] < 50


def test_the_gradient_has_two_sources(ran):
    rows = [numbers(line) for line in ran.text("two-sources-shown").splitlines()[2:7]]
    for word, readout, embedding, both, measured in rows:
        assert readout > 0 and (embedding > 0) == (word in (1, 3))
        assert both == measured
    assert float(ran.text("two-sources-shown").strip().split()[-1]) < 1e-8


# --- the table ----------------------------------------------------------------------------------


def test_dropout_helps_at_the_end_by_many_times_the_spread(ran):
    ends = {name: row[2] for name, row in table(ran).items()}
    for name in DROPPED:
        assert verdicts(ran)["end", name, "none"] == "far apart"
        assert ends[name][0] < 0.85 * ends["none"][0], name
        assert ends[name][2] < ends["tied"][1], name
        assert ends["none"][1] - ends[name][2] > 2 * (ends[name][2] - ends[name][1]), name


def test_tying_alone_is_lower_on_average_and_no_claim_is_made(ran):
    none, tied = (table(ran)[name][2] for name in ("none", "tied"))
    assert tied[0] < none[0]
    spreads = tied[2] - tied[1] + none[2] - none[1]
    assert none[0] - tied[0] < 1.5 * spreads  # "hardly more than its own runs differ"


def test_what_is_learned_best_is_not_what_is_judged_best(ran):
    rows = table(ran)
    learned = {name: row[1] for name, row in rows.items()}
    assert min(learned, key=learned.get) == "none"
    assert all(learned[name] > 1.3 * learned["none"] for name in DROPPED)


def test_stopping_early_gives_most_of_it(ran):
    rows = table(ran)
    end, stopped = rows["none"][2][0], rows["none"][3][0]
    best = rows["in depth"][2][0]
    assert end - stopped > 0.6 * (end - best)  # "most of what dropout gives"
    assert rows["none"][3][1] > rows["in depth"][3][2]  # "all its runs are still below"
    assert 1 < stopped - rows["in depth"][3][0] < 12  # "a few units, not dozens"


def test_the_verdicts_are_those_of_the_table(ran):
    rows = table(ran)
    for (when, low, high), verdict in verdicts(ran).items():
        (_, _, most), (_, least, _) = (
            rows[name][2 if when == "end" else 3] for name in (low, high)
        )
        assert (least > most) == (verdict != "not told apart") or least == most


def test_dropping_in_depth_and_variational_are_not_told_apart(ran):
    said = [
        v for (_, *pair), v in verdicts(ran).items() if set(pair) == {"in depth", "variational"}
    ]
    assert set(said) == {"not told apart"}


def test_three_against_three_by_chance():
    """The share of orders of six equal runs in which the threes are apart."""
    from itertools import combinations

    apart = [c for c in combinations(range(6), 3) if c in ((0, 1, 2), (3, 4, 5))]
    assert len(apart) / 20 == 0.1


def test_tied_with_dropout_is_apart_from_untied_but_only_just(ran):
    rows = table(ran)
    assert verdicts(ran)["end", "tied, in depth", "in depth"] in ("apart", "far apart")
    assert 0 < rows["in depth"][2][0] - rows["tied, in depth"][2][0] < 6
    assert 0.2 < 1 - rows["tied"][0] / rows["none"][0] < 0.3  # "a fourth of the parameters less"


# --- training -----------------------------------------------------------------------------------


def test_variants_of_one_seed_read_the_same_windows(names):
    tokens, seen = names["word_model_gradients"], {}

    def noting(params, inputs, *rest):
        seen.setdefault(noting.kind, []).append(inputs)
        return tokens(params, inputs, *rest)

    names["word_model_gradients"] = noting
    for noting.kind in ("none", "variational"):
        run = names["new_run"](noting.kind, False, 1)
        for _ in range(3):
            names["update"](run)
    assert all(map(np.array_equal, *seen.values()))


@pytest.mark.parametrize("kind, tied", [("none", False), ("in depth", True), ("variational", True)])
def test_float32_stays_float32_in_training(names, kind, tied):
    run = names["new_run"](kind, tied, 0)
    names["update"](run)
    assert {p.dtype for p in run["params"].values()} == {np.dtype(np.float32)}
    assert ("Wy" in run["params"]) != tied


def test_training_goes_on_where_it_was_interrupted(sources, names, capsys):
    names["UPDATES"] = 52
    run, update, calls = names["new_run"]("in depth", True, 0), names["update"], []

    def interrupting(run):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        update(run)

    names["update"] = interrupting
    names["train"]([run])
    assert (
        run["step"] == 4
        and "stopped after 4 of 52 updates; run this cell" in capsys.readouterr().out
    )
    learned = run["params"]["Wh1"].copy()
    names["update"] = update
    names["train"]([run])
    assert run["step"] == 52 and [row[0] for row in run["curve"]] == [50]
    assert not np.array_equal(run["params"]["Wh1"], learned)


def test_table_and_curves_are_there_when_training_was_interrupted(sources, names, monkeypatch):
    shown = []
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: shown.append((png(fig), alt)))
    names["UPDATES"] = 50
    names["runs"] = {kind: [names["new_run"](kind, False, s) for s in range(2)]
                     for kind in ("none", "in depth")}  # fmt: skip
    names["train"](names["runs"]["none"])
    for cell in ("the-table", "claims-shown", "test-curves"):
        exec(sources[cell], names)
    assert "none" in shown[0][1] and "in depth" not in shown[0][1]


@pytest.mark.slow
def test_other_seeds_tell_the_same(sources, names):
    """Of the claims on the table those that the prose makes, with a seed of none of its runs."""
    ends, best = {}, {}
    for name, kind, tied in (
        ("none", "none", False),
        ("in depth", "in depth", False),
        ("variational", "variational", False),
        ("tied", "none", True),
        ("tied, in depth", "in depth", True),
    ):
        run = names["new_run"](kind, tied, 7)
        names["train"]([run])
        if name == "in depth":  # question 2: masks that are left in when it is judged
            tokens = names["JUDGED"][2]
            masks = [helpers.dropout_mask((*tokens[0].shape, 64), 0.5, run["chance"])] * 3
            loss, _ = names["word_model_gradients"](run["params"], *tokens, masks)
            assert loss / 20 > names["word_model_loss"](run["params"], *tokens) + 0.05
        curve = np.array(run["curve"])
        ends[name], best[name] = curve[-1, 3], curve[curve[:, 2].argmin(), 3]
    assert max(ends[name] for name in DROPPED) < 0.85 * min(ends["tied"], ends["none"])
    assert best["none"] - min(best.values()) < 0.6 * (ends["none"] - min(ends.values()))


# --- answers to the questions -------------------------------------------------------------------


def test_perplexity_is_one_over_the_geometric_mean():
    p = np.array([0.9, 0.01, 0.5])
    assert helpers.perplexity(-np.log(p).mean()) == pytest.approx(1 / np.prod(p) ** (1 / 3))


def test_the_top_layers_gradients_do_not_meet_a_mask_on_the_way_back():
    rng = np.random.default_rng(0)
    layers = [helpers.init_lstm(3, 3, rng), helpers.init_lstm(3, 3, rng)]
    x, dh = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4, 3))
    masks = [helpers.dropout_mask((2, 4, 3), 0.5, rng) for _ in range(2)]
    _, (caches, _) = helpers.stacked_lstm_forward(x, layers, masks)
    _, right = helpers.stacked_lstm_backward(dh, (caches, masks))
    _, wrong = helpers.stacked_lstm_backward(dh, (caches, None))
    assert all(map(np.array_equal, right[1], wrong[1]))
    assert not np.allclose(right[0][0], wrong[0][0])


# --- pictures and the explorer ------------------------------------------------------------------


def test_the_stack_is_there_in_words():
    fig, alt = draw_stack()
    said = {text.get_text() for text in fig.axes[0].texts}
    png(fig)
    assert {"masks[0]", "masks[1]", "layers[0]", "layers[1]"} <= said and len(alt) > 200


def test_every_control_moves_picture_and_words():
    panel = explorer.dropout_explorer()
    seen, said = {panel.picture}, {panel.alt}
    for control, value in (("rate", 0.7), ("kind", explorer.ONE), ("kind", explorer.TIME)):
        panel.controls[control].value = value
        assert panel.picture not in seen and panel.alt not in said, (control, value)
        seen.add(panel.picture)
        said.add(panel.alt)


@pytest.mark.parametrize("kind", explorer.KINDS)
def test_what_the_explorer_cuts(kind):
    up, on = explorer.open_ways(0.4, kind)
    assert 0.4 < up.mean() < 0.75
    assert (up == up[:, :, :1]).all() == (kind == explorer.ONE)
    assert on.all() == (kind != explorer.TIME)
    more, _ = explorer.open_ways(0.8, kind)
    assert not (more & ~up).any() and more.sum() < up.sum()


def test_without_dropout_everything_is_open():
    for kind in explorer.KINDS:
        up, on = explorer.open_ways(0.0, kind)
        assert up.all() and on.all()


def test_memories_are_lost_in_time_only():
    assert "in 12 of 12 units" in explorer.draw_ways(0.5, explorer.EACH)[1]
    assert "in 12 of 12 units" in explorer.draw_ways(0.5, explorer.ONE)[1]
    assert "in 0 of 12 units" in explorer.draw_ways(0.5, explorer.TIME)[1]
