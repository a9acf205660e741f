"""Notebook 02: it runs, its pictures are there, and its prose says what its cells show."""

import re
import time
from collections import Counter

import numpy as np
import pytest

from helpers import build_vocab, char_rnn_loss, plots, sample, softmax
from helpers.data.text import docstring_text
from helpers.explorers.hello import (
    LECTURE_SCORES,
    draw_hello_graph,
    draw_learning,
    draw_scores,
    draw_states,
    draw_verdict,
    draw_writing,
    temperature_explorer,
    training_explorer,
)
from helpers.language_model import init_char_rnn
from helpers.plots import png

NAME = "02_hello"
TARGETS = ["hello_graph", "verdict", "learning", "two_states"]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


@pytest.fixture(scope="module")
def names(sources):
    """What the notebook's own cells define, up to the trained hello nets."""
    defined = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "show", lambda fig, alt: png(fig))
        _run_cells(sources, defined)
        yield defined


def _run_cells(sources, defined):
    exercises = ("build_vocab", "softmax", "softmax_loss", "embedding_forward", "char_rnn_loss")
    for cell in ("imports", *exercises, "hello_graph", "first_loss", "train_hello", "sample"):
        exec(sources[cell], defined)


# --- the notebook as a whole --------------------------------------------------------------------


def test_code_cells_are_short(ran):
    code = [len(c.source.splitlines()) for c in ran.notebook.cells if c.cell_type == "code"]
    assert max(code) <= 25
    assert np.median(code) <= 11


@pytest.mark.parametrize("cell", [*TARGETS, "explorer_training", "explorer_temperature"])
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("probabilities", "overflow", ["0.125", "0.25", "0.625"]),
    ("loss", "verdict", ["0.511", "1.609", "1.060"]),
    ("row-pick", "verdict", ["0.1251", "2.0785", "1.3863", "0.8749", "0.8365"]),
    ("end", "verdict", ["0.8749", "0.0377", "0.0007", "0.8365"]),
    ("watch-it-learn", "learning", ["52", "0.176", "1.453", "500", "1.393", "5000", "10", "15"]),
    ("watch-it-learn", "two_states", ["1.60", "0.49"]),
    ("temperature", "learning", ["0.176"]),
    ("longer-text", "temperatures", ["0.839", "824", "1000", "81", "339"]),
    ("longer-text", "temperatures", ["0.976", "0.837", "0.614"]),
    ("feed-back", "temperatures", ["1 : 4", "1 : 16", "1 : 2"]),
]


@pytest.mark.parametrize("prose, cell, numbers", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, numbers):
    for number in numbers:
        whole = rf"(?<![\d.]){re.escape(number)}(?!\d|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert re.search(whole, ran.text(cell)), f"{cell} does not print {number}"


def test_the_lectures_scores_and_what_the_loss_says_of_them(ran):
    assert LECTURE_SCORES == {"h": 1.0, "e": 2.2, "l": -3.0, "o": 4.1}
    e = np.exp(2.2)
    others = np.exp(1.0) + np.exp(-3.0) + np.exp(4.1)
    assert f"loss {-np.log(e / (e + others)):.4f} nats" in ran.text("verdict")
    assert 2.0785 > np.log(4)  # worse than a blind guess
    # Each nudge agrees with its entry of the gradient.
    gradient = re.findall(r"gradient: +\[(.*)\]", ran.text("verdict"))[0].split()
    nudges = re.findall(r"a nudge of \w changes the loss by (\S+)", ran.text("verdict"))
    assert [float(g) for g in gradient] == [float(n) for n in nudges]


def test_softmax_as_typed_fails_at_a_thousand_and_the_students_does_not(ran):
    said = ran.text("overflow")
    assert said.count("as typed [nan nan], yours [0.731 0.269]") == 2
    assert 1000 / np.log(10) == pytest.approx(434, abs=0.5)
    assert np.log10(np.finfo(float).max) == pytest.approx(308, abs=0.5)


def test_the_row_pick_is_the_product_and_many_times_as_fast(ran):
    said = ran.text("row_pick")
    assert "same result: True" in said and "is [4. 5.]" in said
    assert int(re.search(r"takes (\d+) times", said)[1]) > 10


def test_the_start_from_zeros_and_in_pieces(ran):
    said = ran.text("first_loss")
    assert "tanh of a row of Wx, plus b: True" in said
    assert "same last state True" in said
    loss, guess = map(float, re.findall(r"loss ([\d.]+) .* = ([\d.]+)", said)[0])
    assert loss == pytest.approx(guess, rel=0.01) and guess == round(4 * np.log(4), 3)


def test_three_ways_to_the_bound_agree(ran, sources):
    said = ran.text("memoryless_bound")
    assert f"{2 * np.log(2):.4f}" == "1.3863" and said.count("1.3863") == 4
    assert "at p = 0.5" in said
    assert "$2 \\ln 2 = 1.386$" in sources["two-ls"]


def bound_of(inputs, targets):
    follows, firsts = Counter(zip(inputs, targets, strict=True)), Counter(inputs)
    return -sum(n * np.log(n / firsts[a]) for (a, _), n in follows.items())


def test_the_bound_of_a_longer_word_is_what_the_answer_says(sources):
    assert f"{bound_of('hellohell', 'ellohello'):.4f}" == "2.7726" == f"{4 * np.log(2):.4f}"
    assert "2.7726" in sources["end"]


def test_no_table_of_scores_goes_below_the_bound(names):
    rng = np.random.default_rng(0)
    for scale in (0.1, 1, 3, 10):
        for _ in range(50):
            table = scale * rng.standard_normal((4, 4))
            loss, _ = names["softmax_loss"](table[names["inputs"]], names["targets"])
            assert loss >= 2 * np.log(2)


def test_only_the_net_with_memory_goes_below_the_bound(ran, names):
    with_memory, without = names["losses"], names["blank_losses"]
    assert with_memory[-1] < 0.5 < 2 * np.log(2) < without.min()
    said = ran.text("learning")
    assert int(np.argmax(with_memory < 2 * np.log(2))) == 52
    assert "below the bound: 52" in said and "ever below it: False" in said


def test_what_the_net_says_while_it_learns(names):
    said = names["history"].argmax(axis=-1)  # (K, T)
    words = ["".join(names["ix_to_char"][k] for k in row) for row in said]
    assert words[5] == "llll" and words[10] == "lllo"
    assert set(words[15:]) == {"ello"}  # right from step 15 to the end
    assert words[14] != "ello"
    gaps = np.ptp(names["history"], axis=-1).max(axis=-1)
    assert gaps[500] > gaps[300] > gaps[100] and gaps[100] - gaps[50] > gaps[500] - gaps[450]
    # The right answer wins while its probability is still below a half.
    assert softmax(names["history"][16]).max(axis=-1).min() < 0.5


def test_a_change_of_the_bias_alone_says_l_everywhere(names):
    params = names["new_hello_net"]()
    params["by"] = np.array([0.0, 0.0, 1.0, 0.0])
    written = sample(np.zeros((1, 3)), 1, 4, params, 0, None)
    assert written == [2, 2, 2, 2]


def test_two_states_for_two_ls_with_memory_only(names):
    with_memory, without = (names["states_of"](names[n])[0] for n in ("hello_net", "blank_net"))
    assert np.abs(with_memory[3] - with_memory[2]).max() == pytest.approx(1.60, abs=0.01)
    np.testing.assert_array_equal(without[3], without[2])


def test_what_the_net_writes(ran):
    said = ran.text("hello_speaks")
    assert "with memory:    h ello\n" in said
    assert "without memory: h elll\n" in said
    assert "fed l after he:  l\n" in said and "fed l after hel: o\n" in said


def test_the_word_is_written_as_often_as_the_loss_says(names):
    rng, net = np.random.default_rng(1), names["hello_net"]
    word = names["targets"][0].tolist()
    drawn = [sample(np.zeros((1, 3)), 1, 4, net, 1, rng) == word for _ in range(4000)]
    p = np.exp(-char_rnn_loss(names["inputs"], names["targets"], np.zeros((1, 3)), net)[0])
    assert np.mean(drawn) == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / 4000))


def test_the_writer_learned(ran):
    guess, now = re.findall(r"guess ([\d.]+), now ([\d.]+)", ran.text("train_writer"))[0]
    assert float(now) < float(guess) / 2
    assert "it" in ran.text("explorer_temperature")


def test_training_goes_on_where_it_was_interrupted(names, sources):
    exec(sources["writer_setup"], names)
    training = sources["train_writer"].replace("5000", "12")
    assert training != sources["train_writer"]

    def interrupted(steps, desc):
        yield from steps[:5]
        raise KeyboardInterrupt

    names["tqdm"] = interrupted
    exec(training, names)
    writer = names["writer"]
    learned = writer["params"]["Wh"].copy()
    assert len(writer["bits"]) == 5
    names["tqdm"] = lambda steps, desc: steps
    exec(training, names)
    assert len(writer["bits"]) == 12 and names["writer"] is writer
    assert not np.array_equal(writer["params"]["Wh"], learned)
    assert writer["params"]["Wh"].dtype == np.float32


@pytest.mark.slow
def test_without_chance_the_writer_goes_round_in_circles(names, sources):
    exec(sources["writer_setup"], names)
    names["tqdm"] = lambda steps, desc: steps
    exec(sources["train_writer"], names)
    explorer = temperature_explorer(names["writer"]["params"], names["sample"], names["to_ix"])

    def share_of_new_phrases(temperature):
        explorer.controls["temperature"].value = temperature
        tail = explorer.alt[-300:]
        phrases = [tail[k : k + 15] for k in range(len(tail) - 15)]
        return len(set(phrases)) / len(phrases)

    assert share_of_new_phrases(0.0) < 0.5
    assert share_of_new_phrases(1.0) > 0.9


def test_softmax_does_not_see_a_constant_in_the_bias(names):
    p = names["hello_net"]
    moved = {**p, "by": p["by"] + 7}
    arguments = names["inputs"], names["targets"], np.zeros((1, 3))
    assert char_rnn_loss(*arguments, moved)[0] == pytest.approx(char_rnn_loss(*arguments, p)[0])


# --- the text to learn from ---------------------------------------------------------------------


def test_docstrings_become_one_line_of_prose():
    text = docstring_text(("textwrap", "heapq"))
    assert "wrap a single paragraph of text" in text
    assert text == text.lower() and text.isascii()
    assert not re.search(r"\s\s|\n|\t", text)
    assert "import re" not in text


def test_the_whole_text_is_long_enough_and_keeps_out_the_test_module():
    text = docstring_text()
    assert len(text) > 300_000 and len(build_vocab(text)[0]) < 80
    assert docstring_text(("optparse",))[:200] not in text


def test_docstrings_of_no_module_are_refused():
    with pytest.raises(ValueError, match="expected at least one docstring, got none"):
        docstring_text(())


# --- pictures and explorers ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def writer_model():
    text = docstring_text(("heapq", "textwrap"))
    to_ix, _ = build_vocab(text)
    return init_char_rnn(len(to_ix), 16, np.random.default_rng(0)), to_ix


def test_the_graph_holds_the_lectures_scores():
    fig, alt = draw_hello_graph()
    said = {text.get_text() for text in fig.axes[0].texts}
    png(fig)
    assert {"2.2", "1.0", "-3.0", "4.1"} <= said
    assert "e 2.2, h 1.0, l -3.0, o 4.1, so it says o" in alt


def test_the_verdict_compares_with_a_blind_guess():
    for scores, verdict in (([2.2, 1, -3, 4.1], "worse"), ([4.1, 1, -3, 2.2], "no worse")):
        scores = np.array(scores)
        fig, alt = draw_verdict(scores, softmax(scores), 0, "ehlo")
        assert fig.axes[2].get_title(loc="left") == f"{verdict} than a blind guess"
        assert png(fig) and f"{verdict} than a blind guess" in alt


def test_learning_and_states_say_their_numbers_in_words():
    fig, alt = draw_learning({"a": np.array([5.0, 1.25]), "b": np.array([5.0, 1.5])}, 1.39, 5.5)
    assert png(fig) and "a from 5.00 to 1.25" in alt and "1.39" in alt
    fig, alt = draw_states({"one": np.full((4, 3), 0.25)})
    assert png(fig) and "after hell 0.25, 0.25, 0.25" in alt


def test_the_training_slider_moves_the_bars(names):
    explorer = training_explorer(names["history"], names["losses"], "ehlo")
    slider = explorer.controls["step"]
    assert (slider.value, slider.max) == (10, 500)
    pictures = [explorer.picture]
    for step in (0, 52, 500):
        slider.value = step
        pictures.append(explorer.picture)
    assert len(set(pictures)) == 4
    assert "After 500 training steps, loss 0.176" in explorer.alt


def test_bars_are_the_scores_and_the_highest_is_framed():
    history = np.zeros((2, 4, 4))
    history[1] = [[3, 0, 0, 0], [0, 0, 2, 0], [0, 0, 2, 1], [0, 1, 0, -2]]
    fig, alt = draw_scores(history, np.array([5.5, 3.0]), 1, "ehlo")
    for t, ax in enumerate(fig.axes):
        bars = ax.patches
        assert [bar.get_height() for bar in bars] == history[1, t].tolist()
        framed = [bar.get_linewidth() == 2.5 for bar in bars]
        assert framed.index(True) == history[1, t].argmax() and sum(framed) == 1
    assert "says 'h'" in fig.axes[3].get_title(loc="left")
    assert png(fig) and "e 3.00" in alt


def test_scores_without_losses_are_refused():
    with pytest.raises(ValueError, match="expected one for each of the 3 recorded scores"):
        training_explorer(np.zeros((3, 4, 4)), [1.0], "ehlo")


def test_the_temperature_slider_changes_what_is_written(writer_model):
    explorer = temperature_explorer(writer_model[0], sample, writer_model[1])
    pictures = [explorer.picture]
    for control, value in (("temperature", 1.0), ("draw_number", 3), ("temperature", 2.0)):
        explorer.controls[control].value = value
        pictures.append(explorer.picture)
    assert len(set(pictures)) == 4
    explorer.controls["temperature"].value = 0.0
    greedy = explorer.picture
    explorer.controls["draw_number"].value = 4
    assert explorer.picture == greedy  # argmax draws no lots


def test_the_writing_goes_on_from_the_prompt(writer_model):
    params, to_ix = writer_model
    calls = []

    def record(h, first, n, params, temperature, rng):
        calls.append((h.shape, first, n, temperature))
        return [to_ix["a"]] * n

    explorer = temperature_explorer(params, record, to_ix, prompt="text", n=9)
    assert calls == [((1, 16), to_ix["t"], 9, 0.5)]
    assert explorer.alt.endswith("The model writes: textaaaaaaaaa")


def test_text_with_dollars_and_underscores_is_drawn_as_it_stands():
    fig, alt = draw_writing(np.full(4, 0.25), "$a_b$ $x", "p", 1.0, ["$", "_", " ", "a"])
    assert png(fig) and alt.endswith("p$a_b$ $x")


def test_draw_functions_take_less_than_a_fifth_of_a_second(names):
    def fastest(draw):
        seconds = []
        for _ in range(5):
            start = time.process_time()
            draw()
            seconds.append(time.process_time() - start)
        return min(seconds)

    text = docstring_text(("heapq", "textwrap"))
    to_ix, _ = build_vocab(text)
    wide = init_char_rnn(len(to_ix), 128, np.random.default_rng(0), np.float32)
    writing = temperature_explorer(wide, names["sample"], to_ix)
    training = training_explorer(names["history"], names["losses"], "ehlo")
    assert fastest(lambda: png(training.draw(step=100)[0])) < 0.2
    assert fastest(lambda: png(writing.draw(temperature=1.0, draw_number=1)[0])) < 0.2
