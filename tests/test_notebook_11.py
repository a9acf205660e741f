"""Notebook 11: it runs, its pictures are there, and its prose says what its cells show."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from notebook_runner import expect_training_to_go_on, numbers

import helpers
from helpers.data.text import TEST_MODULES, standard_library_text
from helpers.diagrams.interpretable import MOST, draw_coloured, draw_states, rows_of
from helpers.explorers import units as explorer
from helpers.interpretable import auc, features
from helpers.plots import png

NAME = "11_interpretable_units"
TARGETS = ["search-picture", "bracket-unit", "text-coloured", "reach", "prediction-coloured"]
PICTURES = [*TARGETS, "states-drawn", "explore-units"]
KINDS = ("brackets", "comments", "quotes", "after if", "indented by 8", "beyond 40")
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------


def test_the_latch_remembers_and_cannot_count(ran):
    characters, values = ran.text("latch").splitlines()[:2]
    said = "".join(c for c in characters if c != " ")
    values = [int(x) for x in values.split()]
    assert said == "f(a,b)=g(c(d))" and values[0] == 0 and set(values[1:]) == {1, -1}
    # "it gives up one character too early": at the last but one the outer bracket is open
    assert values[-2:] == [-1, -1] and values[-3] == 1


def test_the_auc_by_hand(ran, sources):
    assert "AUC = 3.5 / 4 = 0.875" in sources["about-auc"]
    printed = ran.text("auc-shown")
    assert "by hand 0.875, turned around 0.125" in printed
    alone, nested = (numbers(line)[-1] for line in printed.splitlines()[1:3])
    assert alone == 1.0 and nested < 0.95


def test_the_table_of_features_by_hand(sources):
    found = features("a['(']")
    for name in ("quotes", "brackets"):
        row = re.search(rf"^\| {name} \|(.*)\|$", sources["about-features"], re.MULTILINE)[1]
        assert ["✓" in cell for cell in row.split("|")] == found[name].tolist()
    assert found["position"].tolist() == [1, 2, 3, 4, 5, 6]
    assert "| position | 1 | 2 | 3 | 4 | 5 | 6 |" in sources["about-features"]


def test_an_empty_line_hardly_ever_stands_inside_brackets():
    """Why the rule of the empty line costs nothing, as about-features says."""
    text = standard_library_text(TEST_MODULES)
    inside = features(text)["brackets"]
    empty = [t for t in range(1, len(text)) if text[t - 1 : t + 1] == "\n\n"]
    assert len(empty) > 200 and np.mean(inside[np.array(empty) - 1]) < 0.05


def test_the_share_of_brackets_is_the_one_in_the_prose(ran, sources):
    assert "three quarters of all places lie outside" in sources["about-auc"]
    assert "a quarter of them inside" in sources["about-auc"]
    share = numbers(searched(ran)["brackets"])[0]
    assert 0.2 < share < 0.3


def test_luck_does_not_last(ran):
    _, chosen, again = numbers(ran.text("luck"))
    assert chosen > 0.58 and abs(again - 0.5) < 0.06


def test_sizes_that_the_prose_names(sources):
    set_up = sources["set-up-model"]
    assert "N, LENGTH, H = 32, 64, 128" in set_up
    assert "32 places of the text are read side by side, 64 characters" in sources["a-model"]
    assert "A GRU with 128 units" in sources["a-model"]
    assert "train_text[:60_000]" in sources["states-recorded"]
    assert TEST_MODULES == ("optparse",)


# --- the search -----------------------------------------------------------------------------------


def searched(ran):
    """Rows of the table by feature: share, then unit, chosen, held out of each net."""
    rows = ran.text("search").splitlines()[1:]
    return {kind: next(r for r in rows if r.startswith(kind))[14:] for kind in KINDS}


def held_out(ran):
    """AUC on held-out text by feature: (untrained, trained)."""
    rows = {kind: numbers(row) for kind, row in searched(ran).items()}
    return {kind: (row[3], row[6]) for kind, row in rows.items()}


def test_the_bracket_unit_is_there_after_training_and_not_before(ran):
    before, after = held_out(ran)["brackets"]
    assert after >= 0.85 and before <= 0.65


def test_what_is_said_of_the_other_features(ran):
    areas = held_out(ran)
    before, after = areas["comments"]
    assert after > 0.8 and before < 0.7
    for kind in ("quotes", "after if", "beyond 40"):
        before, after = areas[kind]
        assert 0 < after - before < 0.25, kind
    before, after = areas["indented by 8"]
    assert abs(after - before) < 0.12 and before > 0.6
    assert min(before for before, _ in areas.values()) > 0.53  # "does not stand at 1/2"


def test_the_passage_shows_what_the_prose_says(ran, sources):
    """The second line stands in the middle of a call, and begins as if nothing were open."""
    text = standard_library_text(TEST_MODULES)
    passage = text[explorer.passage(text, 395)]
    first, second = passage.splitlines()[:2]
    assert first.rstrip().endswith("(") and "def format_usage(self" in passage
    assert features(passage)["brackets"][len(first) + 1 + len(second) // 2]
    assert "line=395" in sources["explore-units"] and "395)" in sources["text-coloured"]
    assert "after" in ran.text("text-coloured")


# --- what a prediction hangs on -------------------------------------------------------------------


def test_training_makes_the_past_reach_the_present(ran):
    lines = ran.text("reach").splitlines()
    (_, trained), (_, untrained) = (
        [float(x) for x in re.findall(r"\d+e[-+]\d+", line)] for line in lines[:2]
    )
    assert untrained < 1e-5 and trained > 1e-3


def test_the_definition_counts_for_more_than_usual(ran):
    found = re.search(r"the word def: (-?[\d.]+) doublings", ran.text("prediction-coloured"))
    assert float(found[1]) > 0.5


def test_quotation_marks_stand_out(ran):
    rows = ran.text("kinds-compared").splitlines()
    of = {row[:16].strip(): numbers(row[16:])[1] for row in rows}
    assert of["quotation marks"] > 1
    assert of["quotation marks"] > of["ends of lines"] > of["spaces"]
    assert of["small letters"] < 0 and abs(of["brackets"]) < 0.6


def test_a_gradient_knows_where_rather_than_which_way(ran):
    count, sign, rank = numbers(ran.text("exchanged"))
    assert count > 200 and 0.5 < sign < 0.75 and rank > 0.6


def test_the_model_uses_the_bracket_unit(ran):
    rows = ran.text("unit-removed").splitlines()[1:4]
    whole, cut, other = (numbers(row)[-2:] for row in rows)
    assert cut[1] > whole[1] + 0.6  # "costs far more"
    assert abs(other[1] - whole[1]) < 0.3  # "next to nothing"
    assert cut[0] - whole[0] < 0.15  # "all other characters together hardly more"


# --- training -------------------------------------------------------------------------------------

SET_UP = ["imports", "record_states", "features", "auc", "best_unit", "connectivity",
          "set-up-model", "how-to-train"]  # fmt: skip


@pytest.fixture
def names(sources, monkeypatch):
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: plt.close(fig))
    names = {}
    for cell in SET_UP:
        exec(sources[cell], names)
    return names


def test_training_goes_on_where_it_was_interrupted(names, capsys):
    expect_training_to_go_on(names, names["run"], "Wh", capsys)
    run = names["run"]
    assert {a.dtype for a in run["params"].values()} == {np.dtype(np.float32)}


def test_the_streams_are_read_to_their_end_and_then_begun_anew(names, monkeypatch):
    seen, streams = [], names["streams"]

    def noted(tokens, h, params):
        seen.append((tokens[0].tolist(), h.any()))
        return 0.0, {name: np.zeros_like(a) for name, a in params.items()}, np.ones_like(h)

    names["char_gru_gradients"] = noted
    chunks = (streams.shape[1] - 1) // 64
    run = names["begin"](1)
    for _ in range(chunks + 1):
        names["update"](run, chunks + 1)
    assert [carried for _, carried in seen] == [False] + [True] * (chunks - 1) + [False]
    joined = [token for tokens, _ in seen[:chunks] for token in tokens[:-1]]
    assert joined == streams[0, : 64 * chunks].tolist()
    assert seen[chunks][0] == seen[0][0]


@pytest.mark.slow
def test_another_seed_tells_the_same(sources, names, capsys):
    names["run"] = names["begin"](1)
    for cell in ("train-model", "states-recorded", "search", "text-coloured", "unit-removed"):
        exec(sources[cell], names)
    said = capsys.readouterr().out
    row = numbers(re.search(r"^brackets(.*)$", said, re.MULTILINE)[1])
    assert row[6] >= 0.85 and row[3] <= 0.65
    whole, cut, other = (numbers(line)[-1] for line in said.strip().splitlines()[-3:])
    assert cut > whole + 0.5 and abs(other - whole) < 0.4


# --- pictures and the explorer --------------------------------------------------------------------


def test_rows_of_a_text_end_with_its_lines_and_at_the_margin():
    assert rows_of("ab\n\nc") == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)]
    assert rows_of("x" * (MOST + 2))[-2:] == [(1, 0), (1, 1)]


def test_a_coloured_text_says_where_it_is_largest_and_smallest():
    fig, alt = draw_coloured("ab\n(c", np.array([0.1, -0.5, 0, 0.9, 0.2]), "A title", "activation")
    png(fig)
    assert "largest, 0.90, after '('" in alt and "smallest, -0.50, after 'ab'" in alt


def test_states_are_there_in_words():
    fig, alt = draw_states("a(b)", np.zeros((4, 3)), np.array([0, 1, 1, 0]) > 0, "A title")
    png(fig)
    assert "each of 3 units" in alt and "'(b'" in alt


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(0)
    text = "".join(f"f({k}, [{k}])  # {k}\n" for k in range(40))
    states = np.tanh(rng.standard_normal((len(text), 5)))
    kinds = {"brackets": features(text)["brackets"], "beyond 5": features(text)["position"] > 5}
    states[:, 3] = np.where(kinds["brackets"], -0.5, 0.5)
    return explorer.unit_explorer(text, states, kinds, unit=1)


def test_every_control_of_the_explorer_moves_the_picture(panel):
    seen, said = {panel.picture}, {panel.alt}
    for control, value in (("unit", 2), ("unit", 3), ("line", 7)):
        panel.controls[control].value = value
        assert panel.picture not in seen and panel.alt not in said, (control, value)
        seen.add(panel.picture)
        said.add(panel.alt)
    assert "Unit 3, from line 7: of the features it follows brackets best, AUC 1.00" in panel.alt


def test_the_last_passage_is_whole(panel):
    slider = panel.controls["line"]
    assert slider.max == 40 - explorer.LINES
    text = "".join(f"{k}\n" for k in range(40))
    assert text[explorer.passage(text, slider.max)].count("\n") == explorer.LINES


def test_what_a_unit_follows_counts_both_ways():
    feature = np.array([True, False, True, False])
    name, area = explorer.followed(-1.0 * feature, {"it": feature, "else": np.arange(4) > 0})
    assert (name, area) == ("it", 1 - auc(-1.0 * feature, feature))
