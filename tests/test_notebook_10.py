"""Notebook 10: it runs, its pictures are there, and its prose says what its cells show."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from notebook_runner import expect_training_to_go_on, numbers

import helpers
from helpers.data.numerals import (
    ENGLISH,
    KOREAN,
    digits_said,
    english_tokens,
    english_words,
    korean_tokens,
    korean_words,
)
from helpers.diagrams.seq2seq import draw_alignment, draw_translator
from helpers.explorers import translating as explorer
from helpers.plots import png
from helpers.seq2seq import init_seq2seq

NAME = "10_seq2seq"
TARGETS = ["learning-curves", "by-length", "alignment"]
PICTURES = [*TARGETS, "translator-drawn", "look-back-drawn", "explore-translation"]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("about-pad-batch", "padding-shown", ["7", "4", "9", "5", "0"]),
    ("about-seq2seq-loss", "loss-shown", ["2.833", "8.500", "11.333"]),
    ("about-masked-softmax", "masked-shown", ["0.007", "0.013", "0.980"]),
]


@pytest.mark.parametrize("prose, cell, quoted", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted):
    printed = numbers(ran.text(cell).replace("]", " ").replace("[", " "))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert any(abs(float(number) - x) < 1e-9 for x in printed), f"{cell}: no {number}"


def test_what_the_prose_says_of_the_two_languages(ran, sources):
    assert "8,000 numbers are there to learn from, 1,500 others" in sources["encoder-decoder"]
    assert "split_numbers(8000, 1500" in sources["pairs-shown"]
    assert "fourteen syllables" in sources["two-languages"] and len(KOREAN) == 14 + 3
    assert "17 Korean tokens" in sources["about-seq2seq-loss"]
    shown = ran.text("pairs-shown")
    assert f"{len(ENGLISH)} tokens of English, {len(KOREAN)} of Korean" in shown
    assert "three hundred and forty thousand" in shown and "sam sip sa man" in shown
    longest = max(len(english_tokens(n)) for n in (99_999_999, 77_777_777, 12_345_678))
    assert longest == 14 and "one word or fourteen" in sources["one-door"]
    assert max(len(korean_tokens(n)) - 2 for n in (99_999_999, 12_345_678)) == 15
    assert "the longest number has 15" in sources["set-up-training"]


def test_padding_changes_nothing_unless_the_mask_is_left_out(ran):
    _, right, wrong = ran.text("alone-shown").strip().splitlines()
    assert max(numbers(right)) < 1e-12
    assert min(numbers(wrong)) > 1e-2


def test_the_loss_of_two_sentences_is_their_mean(ran):
    a_syllable, _, _, _, _, both = numbers(ran.text("loss-shown").replace(",000", ""))
    assert both == pytest.approx((3 + 5) * a_syllable / 2, abs=1e-3)


def test_what_padding_costs(ran):
    rows = [numbers(line) for line in ran.text("batches-timed").strip().splitlines()[1:]]
    (longest, slow), (random, _), (bucketed, fast) = rows
    assert abs(longest - random) < 0.02  # "saves nothing"
    assert bucketed < longest / 3
    assert 0.6 < fast / slow < 0.92  # "about a quarter"


def right_at_the_end(ran, cell):
    """(seconds, share of right numbers) of each run that a cell has trained."""
    found = re.findall(r"800 updates, ([\d.]+) s, ([\d.]+) of", ran.text(cell))
    return [(float(seconds), float(share)) for seconds, share in found]


def test_attention_keeps_its_promise(ran):
    ((seconds, share),) = right_at_the_end(ran, "train-attention")
    assert share >= 0.98 and seconds <= 25  # 7 s where this was written
    quick = re.search(r"attention .*0\.90 after ([\d.]+) s", ran.text("learning-curves"))
    assert float(quick[1]) <= 10


def test_bucketing_saves_time_and_learns_less(ran):
    (_, plain), (_, bucketed) = right_at_the_end(ran, "train-plain")
    assert plain > bucketed + 0.05


def curves(ran):
    """Shares of right numbers after 200 and 800 updates, by name."""
    found = re.findall(
        r"^(attention|source reversed|plain) +([\d.]+) after 200 updates, ([\d.]+) after 800",
        ran.text("learning-curves"),
        re.MULTILINE,
    )
    return {name: (float(early), float(late)) for name, early, late in found}


def test_the_curves_lie_in_order(ran):
    at = curves(ran)
    for k in (0, 1):
        assert at["attention"][k] > at["source reversed"][k] + 0.05
        assert at["source reversed"][k] > at["plain"][k] + 0.05
    assert at["attention"][0] > 0.9  # "right after a few hundred updates"
    assert 0.8 < at["source reversed"][1] < 0.96 and 0.6 < at["plain"][1] < 0.9


def test_long_numbers_suffer_without_a_look_back(ran):
    rows = ran.text("by-length").splitlines()[:3]
    shares = {row[:16].strip(): numbers(row[16:]) for row in rows}
    assert min(shares["attention"]) > 0.95
    assert shares["source reversed"][-1] < shares["source reversed"][0] - 0.05
    assert shares["plain"][-1] < shares["source reversed"][-1] < shares["attention"][-1]
    assert shares["plain"][-1] < shares["plain"][0] - 0.15


def looked_up(ran):
    """By what follows a digit: how often it is looked up at the word, later, and earlier."""
    kinds = "million|thousand|hundred|a digit|nothing more"
    rows = re.findall(rf"^({kinds}) +(.*)$", ran.text("lag-counted"), re.MULTILINE)
    return {kind: numbers(row)[1:] for kind, row in rows}


def test_a_look_is_late_where_a_unit_follows(ran):
    shares = looked_up(ran)
    for kind in ("a digit", "nothing more"):
        assert shares[kind][0] > 0.95, kind
    assert shares["million"][1] > 0.8 and shares["thousand"][1] > 0.5
    assert all(earlier < 0.03 for _, _, earlier in shares.values())  # "never earlier"


def test_the_picture_shows_what_the_prose_says(ran):
    rows = dict(re.findall(r"(\w+): (\w+) \([\d.]+\)", ran.text("alignment")))
    assert rows["o"] == "thousand" and rows["sa"] == "forty"


def test_surgery_changes_the_digit_at_the_word_looked_at(ran):
    own, at = (numbers(line)[0] for line in ran.text("surgery").strip().splitlines()[1:])
    assert own < 0.1 and at > 0.9


# --- training -----------------------------------------------------------------------------------

EXERCISES = ["pad_batch", "encode", "encode_backward", "seq2seq_loss", "translate",
             "masked_softmax"]  # fmt: skip
SET_UP = ["imports", "pairs-shown", *EXERCISES, "batches-cut", "set-up-training",
          "how-to-train"]  # fmt: skip


@pytest.fixture
def names(sources, monkeypatch):
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: plt.close(fig))
    names = {}
    for cell in SET_UP:
        exec(sources[cell], names)
    return names


def test_training_goes_on_where_it_was_interrupted(sources, names, capsys):
    exec(sources["set-up-plain"], names)
    expect_training_to_go_on(names, names["plain"], "enc_Wh", capsys)


def test_float32_stays_float32_in_training(sources, names):
    for cell in ("set-up-plain", "train-attention"):
        exec(sources[cell].replace("train(looking)", ""), names)
    for run in ("plain", "looking"):
        names["update"](names[run], 800)
        kinds = {array.dtype for array in names[run]["params"].values()}
        assert kinds == {np.dtype(np.float32)}


def test_every_pair_is_in_one_batch_of_either_cut(names):
    for cut in ("at_random", "by_length"):
        batches = names[cut](np.random.default_rng(0))
        assert batches.shape == (125, 64) and np.array_equal(np.sort(batches.ravel()), range(8000))
    lengths = names["lengths"][batches]
    assert np.median(np.ptp(lengths, axis=1)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_tell_the_same(sources, names, seed, capsys):
    exec(
        sources["train-attention"].replace("attention=True)", f"attention=True, seed={seed})"),
        names,
    )
    assert names["looking"]["curve"][-1][2] >= 0.98
    for cell in ("lag-counted", "surgery-prepared", "surgery"):
        exec(sources[cell], names)
    said = capsys.readouterr().out
    rows = dict(re.findall(r"^(million|a digit|nothing more) +(.*)$", said, re.MULTILINE))
    assert numbers(rows["a digit"])[1] > 0.95 and numbers(rows["nothing more"])[1] > 0.95
    assert numbers(rows["million"])[2] > 0.8
    own, at = (numbers(line)[0] for line in said.strip().splitlines()[-2:])
    assert own < 0.15 and at > 0.8


@pytest.mark.slow
def test_with_the_door_shut_it_learns_all_the_same(sources, names):
    """The answer to a question at the end."""
    encode, encode_backward = names["encode"], names["encode_backward"]

    def shut(*arguments):
        h, h_last, c_last, cache = encode(*arguments)
        return h, 0 * h_last, 0 * c_last, cache

    def shut_backward(dh, dh_last, dc_last, cache):
        return encode_backward(dh, 0 * dh_last, 0 * dc_last, cache)

    def reader(source, params, *arguments):
        weights = [params[name] for name in ("E_src", "enc_Wx", "enc_Wh", "enc_b")]
        h, h_last, c_last, _ = shut(*source, *weights)
        return names["decode"](h, h_last, c_last, source[1], params, *arguments)[0]

    names |= {"encode": shut, "encode_backward": shut_backward, "looking_reader": reader}
    cell = sources["train-attention"]
    definition = cell[cell.index("def looking_reader") : cell.index("looking = begin")]
    exec(cell.replace(definition, ""), names)
    assert names["looking"]["curve"][-1][2] > 0.9


# --- the words, pictures and the explorer ---------------------------------------------------------


def test_both_languages_say_the_digits_in_the_same_order():
    for number in range(0, 99_999_999, 99_991):
        english = digits_said(english_words(english_tokens(number)))
        korean = digits_said(korean_words(korean_tokens(number)))
        digits = [int(digit) for digit in str(number) if digit > "1"]
        assert [d for _, d in english] == [d for _, d in korean] == digits, number


@pytest.mark.parametrize("look_back", [False, True])
def test_diagrams_are_there_in_words(look_back):
    fig, alt = draw_translator(look_back)
    png(fig)
    assert len(alt) > 150 and ("context" in alt) == look_back


def test_an_alignment_names_the_largest_weight_of_each_row():
    weights = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]])
    fig, alt = draw_alignment(
        ["ten", "thousand"], ["man", "END"], weights, "Ten thousand", chosen=1
    )
    assert "man: thousand (0.90); END: ten (0.80)." in alt
    png(fig)


@pytest.fixture(scope="module")
def untrained():
    rng = np.random.default_rng(0)
    return init_seq2seq(len(ENGLISH), len(KOREAN), rng, H=8, attention=True)


def test_every_control_of_the_explorer_moves_the_picture(untrained):
    panel = explorer.translation_explorer(untrained)
    seen, said = {panel.picture}, {panel.alt}
    for control, value in (("step", 2), ("step", 3), ("number", 340_000)):
        panel.controls[control].value = value
        assert panel.picture not in seen and panel.alt not in said, (control, value)
        seen.add(panel.picture)
        said.add(panel.alt)
    assert "340,000" in panel.alt


def test_a_translation_says_whether_it_is_right_and_when_it_ended(untrained):
    words, said, weights, right = explorer.translation_of(untrained, 21)
    assert words == ["twenty", "one"] and weights.shape[1] == 2 and not right
    assert np.allclose(weights.sum(axis=1), 1)
    shut = {**untrained, "by": untrained["by"] - 100 * np.eye(len(KOREAN))[2].astype(np.float32)}
    _, said, weights, _ = explorer.translation_of(shut, 21)
    assert len(said) == explorer.LONGEST == len(weights) and "END" not in said
