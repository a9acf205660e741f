"""Notebook 08: it runs, its pictures are there, and its prose says what its cells show."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from notebook_runner import numbers

import helpers
from helpers.captioning import init_attention_captioner
from helpers.data import Scenes, load_digits
from helpers.data.scenes import PLACE_NAMES, WORDS
from helpers.diagrams.captioning import draw_attention, draw_scenes, draw_show_and_tell
from helpers.explorers import looking as explorer
from helpers.plots import png

NAME = "08_captioning_attention"
TARGETS = ["learning-curves", "attention-map", "positions"]
PICTURES = [
    *TARGETS,
    *("scenes-shown", "show-and-tell-drawn", "attention-drawn", "wrong-captions"),
    *("explore-looking", "my-scene", "explore-drawing"),
]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


def by_number(text):
    """Share of right captions by how many digits there are."""
    return {int(n): float(x) for n, x in re.findall(r"(\d) digits?: ([\d.]+) right", text)}


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("about-temporal-softmax-loss", "loss-shown", ["1.386", "2.773", "0.125"]),
    ("about-image-rnn-step-backward", "image-step-measured", ["0.6", "0.64", "0.48"]),
    ("attention-by-hand", "look-shown", ["0.25", "0.5", "4"]),
    ("jacobian", "jacobian-shown", ["0.1875", "0.25", "1", "0"]),
    ("toy-tree", "tree-shown", ["0.20", "0.36"]),
]


@pytest.mark.parametrize("prose, cell, quoted", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted):
    printed = numbers(ran.text(cell).replace("]", " ").replace("[", " "))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert any(abs(float(number) - x) < 1e-9 for x in printed), f"{cell}: no {number}"


def test_the_scenes_are_of_digits_that_never_mix(sources):
    train, test = load_digits("train"), load_digits("test")
    assert "1,400 digits are there to learn from, 397 others" in sources["scenes"]
    assert (len(train[1]), len(test[1])) == (1400, 397)


def test_padding_is_masked_and_end_is_not(ran):
    reads, says, mask = (line.split()[1:] for line in ran.text("tokens-shown").splitlines()[:3])
    assert reads[0] == "<start>" and reads[1:] == says[:-1]
    assert mask == [str(word != "<pad>") for word in says]
    assert mask[says.index("<end>")] == "True" and "False" in mask


def test_the_image_gradient_adds_up_over_the_steps(ran):
    one, measured, two, measured_two = ran.text("image-step-measured").strip().splitlines()
    assert numbers(one)[1] == numbers(measured)[0]
    first, second, both = numbers(two)
    assert both == numbers(measured_two)[0] == pytest.approx(first + second, abs=2e-4)


def test_products_spread_like_the_root_of_their_width(ran):
    rows = [numbers(line) for line in ran.text("scale-shown").strip().splitlines()[1:]]
    for H, spread, unscaled, scaled in rows:
        assert spread == pytest.approx(H**0.5, rel=0.05)
        assert scaled < 0.4 and unscaled > scaled
    assert rows[-1][2] > 0.95  # "nearly everything on one place"


def test_the_jacobian_is_that_of_the_prose(ran, sources):
    shown = ran.text("jacobian-shown")
    assert numbers(shown.replace("[", " ").replace("]", " "))[:3] == [0.1875, -0.125, -0.0625]
    rows = shown.strip().splitlines()[-3:]
    assert [re.findall(r"-?\d+(?=\.)", row) for row in rows] == [["1", "0", "-1"]] * 3
    assert "ds = J\\,da = (1, 0, -1)" in sources["jacobian"]


def exact(ran, cell):
    done, seconds, share = re.search(
        r"(\d+) updates, ([\d.]+) s: ([\d.]+) of", ran.text(cell)
    ).groups()
    return int(done), float(seconds), float(share)


def test_attention_keeps_its_promise(ran):
    updates, seconds, share = exact(ran, "train-attention")
    assert share >= 0.95 and seconds <= 30 and updates == 3000
    captions, looks = numbers(ran.text("where-it-looked").splitlines()[0])
    assert captions == share and looks >= 0.98


def test_one_vector_loses_where_there_is_much_to_see(ran):
    _, seconds, share = exact(ran, "train-plain")
    assert 0.5 < share < 0.8 and seconds <= 30
    plain, attentive = (
        by_number(ran.text("plain-by-number")),
        by_number(ran.text("where-it-looked")),
    )
    assert plain[1] > plain[2] + 0.1 and plain[2] > plain[3] + 0.1 and plain[1] > 0.8
    assert min(attentive.values()) > 0.89 and attentive[3] > plain[3] + 0.35
    assert numbers(ran.text("plain-by-number"))[-1] > 0.9  # "only digits wrong"


def test_the_curves_cross_and_end_far_apart(ran):
    plain, attentive = (
        float(x) for x in re.findall(r"(?:tell\)|attention) (\d\.\d+)", ran.text("learning-curves"))
    )
    assert attentive > plain + 0.2


def test_where_it_looks_while_it_says_what(ran):
    rows = {
        word: tuple(map(float, row))
        for word, *row in re.findall(
            r"^(a digit|above|left|a|of) +([\d.]+) +([\d.]+) +([\d.]+)$",
            ran.text("weight-by-word"),
            re.MULTILINE,
        )
    }
    assert rows["a digit"][1] > 0.85 and rows["a digit"][2] < 0.1
    assert rows["above"][2] > 0.6 > 0.2 > rows["above"][1]  # the next one already
    assert max(rows["of"][1:]) < 0.35


def test_nearly_all_errors_are_digits(ran, sources):
    wrong, of, digits_only = (int(x) for x in numbers(ran.text("wrong-captions").splitlines()[0]))
    assert of == 1000 and wrong <= 50 and digits_only >= 0.9 * wrong
    assert (
        ran.text("wrong-captions").count("says: ")
        == ran.text("wrong-captions").count("true: ")
        == 4
    )


def test_without_positions_it_neither_tells_nor_finds(ran):
    _, _, blind = exact(ran, "train-without-positions")
    first, second, *_ = ran.text("ablation").splitlines()
    (with_positions, updates), (without, looks) = numbers(first), numbers(second)
    assert updates == 1000 and without == pytest.approx(blind, abs=0.006)
    assert with_positions > 0.5 > 0.3 > without and looks < 0.7
    apart = by_number(ran.text("ablation"))
    assert apart[1] < 0.2 and apart[3] < 0.2 < apart[2] < 0.6


def test_greedy_loses_on_the_toy_tree_and_a_beam_of_two_wins(ran):
    said = dict(
        re.findall(r"(beam of width \d|greedy): +(.+?) +[\d.]+$", ran.text("tree-shown"), re.M)
    )
    assert said["greedy"] == said["beam of width 1"] == "a cat"
    assert said["beam of width 2"] == said["beam of width 3"] == "the cat"


def test_a_beam_gains_nothing_on_the_scenes(ran):
    greedy, _, width, beam, _ = numbers(
        ran.text("beams-compared").split("the beam")[0].split("\n")[-2]
    )
    changed, _ = numbers(ran.text("beams-compared").split("the beam")[1])
    assert width == 5 and abs(greedy - beam) <= 2 and changed <= 4 and greedy >= 185


def test_the_drawn_scene_is_read_right(ran):
    assert "'a two above a zero above a seven'" in ran.text("my-scene")


# --- training -----------------------------------------------------------------------------------

SET_UP = ["imports", "scenes-shown", "image_rnn_step_forward", "image_rnn_step_backward",
          "attention_forward", "attention_backward", "attention_lstm_step_forward",
          "attention_lstm_step_backward", "set-up-training", "how-judged",
          "how-to-train"]  # fmt: skip


@pytest.fixture
def names(sources, monkeypatch):
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: plt.close(fig))
    names = {}
    for cell in SET_UP:
        exec(sources[cell], names)
    return names


@pytest.mark.parametrize("which", ["plain", "attention"])
def test_training_goes_on_where_it_was_interrupted(sources, names, which, capsys):
    exec(re.sub(r"updates=\d+", "updates=12", sources[f"set-up-{which}"]), names)
    run = names["plain" if which == "plain" else "attentive"]
    update, calls = names["update"], []

    def interrupting(run):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        update(run)

    names["update"] = interrupting
    exec(sources[f"train-{which}"], names)
    assert run["done"] == 4 and "run this cell again" in capsys.readouterr().out
    learned = run["params"]["Wh"].copy()
    names["update"] = update
    exec(sources[f"train-{which}"], names)
    assert run["done"] == 12 and not np.array_equal(run["params"]["Wh"], learned)


def test_positions_stay_at_zero_without_them(sources, names):
    exec(sources["set-up-attention"], names)
    exec(sources["train-without-positions"].replace("until=1000", "until=3"), names)
    run = names["placeless"]
    assert run["done"] == 3 and not run["params"]["P"].any()
    assert names["attentive"]["params"]["P"].any() and names["attentive"]["done"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_keep_the_promise_too(sources, names, seed):
    exec(sources["set-up-attention"].replace("new_captioner(0)", f"new_captioner({seed})"), names)
    run = names["attentive"]
    run["rng"] = np.random.default_rng(seed)
    names["train"](run)
    assert run["curve"][-1][0] == 3000 and run["curve"][-1][2] >= 0.95 and run["seconds"] <= 45


# --- pictures and the explorers -----------------------------------------------------------------


@pytest.fixture(scope="module")
def untrained():
    params = init_attention_captioner(64, 9, len(WORDS), np.random.default_rng(0))
    return params, Scenes("test").draw(3, np.random.default_rng(0))[0]


@pytest.mark.parametrize("draw", [draw_show_and_tell, draw_attention])
def test_diagrams_are_there_in_words(draw):
    fig, alt = draw()
    png(fig)
    assert len(alt) > 200


def test_scenes_carry_their_captions():
    images, tokens, _ = Scenes("test").draw(2, np.random.default_rng(0))
    fig, alt = draw_scenes(images, ["a one", "says: a two\ntrue: a six"], "Two scenes")
    assert [ax.get_xlabel() for ax in fig.axes] == ["a one", "says: a two\ntrue: a six"]
    png(fig)
    assert "a one; says: a two true: a six" in alt


def test_the_word_slider_moves_picture_and_words(untrained):
    panel = explorer.looking_explorer(*untrained)
    seen, said = {panel.picture}, {panel.alt}
    for control, value in (("word", 2), ("word", 3), ("scene", 1)):
        panel.controls[control].value = value
        assert panel.picture not in seen and panel.alt not in said, (control, value)
        seen.add(panel.picture)
        said.add(panel.alt)


def test_every_control_of_the_drawing_panel_moves_the_picture(untrained):
    panel = explorer.drawing_explorer(untrained[0])
    seen = {panel.picture}
    zero = explorer.DRAWINGS["zero"]
    company = panel.controls["company"].options[1][1]
    for control, value in (("place", 2), ("company", company), ("drawing", zero)):
        panel.controls[control].value = value
        assert panel.picture not in seen, control
        seen.add(panel.picture)
    panel.controls["drawing"].value = "x"
    assert "expected '#', '+' and '.'" in panel.alt


def test_a_drawing_lands_in_its_cell():
    scene = explorer.drawn_scene({6: "#.\n.+"})
    assert scene.shape == (24, 24) and scene.dtype == np.float32
    assert scene[8, 16] == 1 and scene[9, 17] == 0.5 and scene.sum() == 1.5


@pytest.mark.parametrize("text", ["#" * 9, "\n".join("#" * 9), "#a"])
def test_a_drawing_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match="drawing: expected"):
        explorer.drawn_digit(text)
    with pytest.raises(ValueError, match="place"):
        explorer.drawn_scene({0: "#"})


def test_the_brightest_cell_is_the_one_that_is_looked_at():
    weights = np.full(9, 0.02)
    weights[5] = 0.84
    lit = explorer.lit(np.zeros((24, 24)), weights)
    cells = lit[..., 2].reshape(3, 8, 3, 8).mean(axis=(1, 3)).ravel()
    assert cells.argmin() == 5
    assert (
        f"{PLACE_NAMES[5]} (0.84)"
        in explorer.draw_word(np.zeros((24, 24)), ["a"], weights[None], 1)[1]
    )
    plt.close("all")
