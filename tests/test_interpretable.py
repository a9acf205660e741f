"""Interpretable units: states of every cell, features held against Python's own tokenizer, AUC."""

import ast
import io
import re
import tokenize

import numpy as np
import pytest

from autograde import CheckFailed, check
from autograde.gradcheck import exact_gradients, relative_error
from helpers import interpretable
from helpers.data.text import TEST_MODULES, standard_library_text
from helpers.embedding import one_hot
from helpers.gru import gru_step_forward
from helpers.interpretable import (
    auc,
    best_unit,
    char_gru_gradients,
    comments,
    connectivity,
    features,
    init_char_gru,
    record_states,
)
from helpers.language_model import build_vocab, encode_text
from helpers.lstm import lstm_step_forward
from helpers.rnn import readout, rnn_step

TEXT = "if (a):\n    b = [c]\n"
LIMIT = 1e-12


def model(gates, rng, V=None, H=3):
    V = V or len(set(TEXT))
    shapes = {"Wx": (V, gates * H), "Wh": (H, gates * H), "b": (gates * H,), "Wy": (H, V)}
    params = {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}
    return {**params, "by": 0.5 * rng.standard_normal(V)}


def step_by_step(x, params):
    """States of any cell from its step, one character after the other."""
    weights = [params[name] for name in ("Wx", "Wh", "b")]
    H = len(params["Wh"])
    h, c = np.zeros((1, H)), np.zeros((1, H))
    states = []
    for row in x:
        gates = params["Wh"].shape[1] // H
        if gates == 1:
            h = rnn_step(row[None], h, *weights)
        elif gates == 3:
            h, _ = gru_step_forward(row[None], h, *weights)
        else:
            h, c, _ = lstm_step_forward(row[None], h, c, *weights)
        states.append(h[0])
    return np.stack(states)


# --- states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("gates", [1, 3, 4])
def test_states_are_those_of_the_cell_s_own_steps(gates, monkeypatch):
    monkeypatch.setattr(interpretable, "_CHUNK", 7)  # the state is carried from chunk to chunk
    params = model(gates, np.random.default_rng(0))
    x = one_hot(encode_text(TEXT, build_vocab(TEXT)[0]), len(params["Wx"]))
    expected = step_by_step(x, params)
    np.testing.assert_allclose(record_states(TEXT, params), expected, rtol=0, atol=1e-14)


def test_states_go_by_the_vocabulary_in_params():
    rng = np.random.default_rng(0)
    char_to_ix = {c: i for i, c in enumerate(rng.permutation(sorted(set(TEXT + "xyz"))))}
    params = model(3, rng, V=len(char_to_ix)) | {"char_to_ix": char_to_ix}
    x = one_hot(encode_text(TEXT, char_to_ix), len(char_to_ix))
    expected = step_by_step(x, params)
    np.testing.assert_allclose(record_states(TEXT, params), expected, rtol=0, atol=1e-14)


def test_a_state_knows_nothing_of_what_comes_later():
    params = model(3, np.random.default_rng(0)) | {"char_to_ix": build_vocab(TEXT)[0]}
    np.testing.assert_array_equal(
        record_states(TEXT[:9], params), record_states(TEXT, params)[:9]
    )  # the same numbers, to the last bit: the same sums in the same order


def test_float32_stays_float32():
    params = init_char_gru(len(set(TEXT)), 4, np.random.default_rng(0))
    assert record_states(TEXT, params).dtype == connectivity(TEXT, params).dtype == np.float32
    tokens = encode_text(TEXT, build_vocab(TEXT)[0])[None]
    _, grads, h = char_gru_gradients(tokens, np.zeros((1, 4), np.float32), params)
    assert {g.dtype for g in grads.values()} == {h.dtype} == {np.dtype(np.float32)}


# --- features -------------------------------------------------------------------------------------


def marks(feature):
    return "".join("x" if one else "." for one in feature)


@pytest.mark.parametrize(
    ("text", "quotes", "brackets"),
    [
        ("a='b'+c", "..xx...", "......."),
        ("'\"'\"'\"", "xx.xx.", "......"),
        ("it's\n(a)", "..xx....", ".....xx."),
        ("(a[b])c", ".......", "xxxxx.."),
        ("')'(')')", "xx..xx..", "...xxxx."),
        (")(a\nb)\n(\n\nc", "...........", ".xxxx..xx.."),
        ("[a)(", "....", "xx.x"),
    ],
)
def test_quotes_and_brackets_by_hand(text, quotes, brackets):
    found = features(text)
    assert (marks(found["quotes"]), marks(found["brackets"])) == (quotes, brackets)


def test_the_other_features_by_hand():
    found = features("  if a:\n iffy\nx if y\n")
    assert marks(found["after_if"]) == "....xxx" + "." * 14
    assert found["indentation"].tolist() == [1, *[2] * 6, 0, *[1] * 5, *[0] * 8]
    assert found["position"].tolist() == [*range(1, 8), 0, *range(1, 6), 0, *range(1, 7), 0]


def test_comments_by_hand():
    assert marks(comments("a #b\n'#' #'\nc")) == "..xx.....xx.."


def test_no_feature_looks_ahead():
    text = standard_library_text(("heapq",))[:3000]
    whole = features(text) | {"comments": comments(text)}
    for end in (1, 700, 1501, 2222):
        cut = features(text[:end]) | {"comments": comments(text[:end])}
        for name, feature in cut.items():
            np.testing.assert_array_equal(feature, whole[name][:end])


def tokenized(text):
    """Inside brackets, in a string and in a comment, by Python's tokenizer."""
    starts = np.cumsum([0, *map(len, text.splitlines(keepends=True))])
    brackets, strings, notes = (np.zeros(len(text), bool) for _ in range(3))
    opened = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        if token.type == tokenize.STRING:
            strings[begin:end] = True
        elif token.type == tokenize.COMMENT:
            notes[begin:end] = True
        elif token.string and token.string in "([{":
            opened.append(begin)
        elif token.string and token.string in ")]}":
            brackets[opened.pop() : begin] = True
    return brackets, strings, notes


def test_the_simple_rules_agree_with_python_s_tokenizer():
    """The numbers that the notebook quotes."""
    text = standard_library_text(TEST_MODULES)
    brackets, strings, notes = tokenized(text)
    found, code = features(text), ~strings & ~notes
    assert (brackets == found["brackets"])[code].mean() > 0.995
    assert (brackets == found["brackets"]).mean() > 0.94
    assert (notes == comments(text)).mean() > 0.99
    one_line = strings & ~np.isin(np.arange(len(text)), _inside_triple(text))
    assert found["quotes"][one_line & np.r_[one_line[1:], False]].mean() > 0.99


def _inside_triple(text):
    """Places in strings of three marks."""
    starts, found = np.cumsum([0, *map(len, text.splitlines(keepends=True))]), []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and token.string.endswith(('"""', "'''")):
            begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
            found += range(begin, end)
    return found


def test_a_wrong_feature_is_told_with_the_text_that_was_read():
    def counted_from_two(text):
        found = features(text)
        return {**found, "position": found["position"] + (found["position"] == 3)}

    with pytest.raises(CheckFailed) as failure:
        check(counted_from_two, name="features")
    read = re.search(r"What has been read there ends in (.*?)\. The error", str(failure.value))[1]
    assert len(ast.literal_eval(read).rpartition("\n")[2]) == 3


# --- AUC ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_auc_counts_pairs(seed):
    rng = np.random.default_rng(seed)
    values, feature = np.round(rng.standard_normal(90), 1), rng.random(90) < 0.3
    pairs = [
        (a > b) + 0.5 * (a == b) for a in values[feature] for b in values[~feature]
    ]  # every one of them
    assert auc(values, feature) == pytest.approx(np.mean(pairs), abs=1e-14)
    assert auc(-values, feature) == pytest.approx(1 - np.mean(pairs), abs=1e-14)
    assert auc(values, 3 * feature) == auc(values, feature)


def test_auc_at_its_ends():
    feature = np.array([True, False, True, False])
    assert auc(feature.astype(float), feature) == 1.0
    assert auc(-feature.astype(float), feature) == 0.0
    assert auc(np.ones(4), feature) == 0.5


def test_the_best_unit_may_point_down_and_is_the_first_of_equals():
    rng = np.random.default_rng(0)
    feature = rng.random(50) < 0.4
    states = rng.standard_normal((50, 5))
    states[:, 2] = states[:, 4] = ~feature
    unit, area = best_unit(states, feature)
    assert (type(unit), unit, area) == (int, 2, 1.0)


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("gates", [1, 3, 4])
def test_connectivity_is_the_gradient_of_the_largest_score(gates):
    params = model(gates, np.random.default_rng(1))
    x = one_hot(encode_text(TEXT, build_vocab(TEXT)[0]), len(params["Wx"]))

    def scores(x):
        return readout(step_by_step_complex(x, params, gates), params["Wy"], params["by"])

    best = scores(x).real.argmax()
    exact = exact_gradients(lambda a: scores(a["x"])[best], {"x": x}, ["x"])["x"]
    assert relative_error(connectivity(TEXT, params), exact) < LIMIT


def step_by_step_complex(x, params, gates):
    """The last state; the same equations, written out once more, for complex numbers."""
    Wx, Wh, b = (params[name] for name in ("Wx", "Wh", "b"))
    H = len(Wh)
    h = c = np.zeros(H)

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    for row in x:
        a = row @ Wx + b
        if gates == 1:
            h = np.tanh(a + h @ Wh)
        elif gates == 3:
            z, r = np.split(sigmoid(a[: 2 * H] + h @ Wh[:, : 2 * H]), 2)
            h = (1 - z) * np.tanh(a[2 * H :] + (r * h) @ Wh[:, 2 * H :]) + z * h
        else:
            i, f, o = np.split(sigmoid((a + h @ Wh)[: 3 * H]), 3)
            c = f * c + i * np.tanh((a + h @ Wh)[3 * H :])
            h = o * np.tanh(c)
    return h


def test_gradients_of_the_character_model_are_exact():
    rng = np.random.default_rng(0)
    params, tokens = model(3, rng, V=5), rng.integers(0, 5, (2, 5))
    _, grads, h_last = char_gru_gradients(tokens, rng.standard_normal((2, 3)), params)
    assert h_last.shape == (2, 3)
    h0 = 0.5 * rng.standard_normal((2, 3))
    _, grads, _ = char_gru_gradients(tokens, h0, params)
    exact = exact_gradients(lambda p: char_gru_gradients(tokens, h0, p)[0], params, list(params))
    for name in params:
        assert relative_error(grads[name], exact[name]) < LIMIT, name
