"""Sequence to sequence: unequal lengths, exact gradients, and the two languages of notebook 10."""

import numpy as np
import pytest

from autograde.gradcheck import exact_gradients, relative_error
from helpers import attention, seq2seq
from helpers.data import numerals
from helpers.lstm import lstm_forward
from helpers.seq2seq import init_seq2seq, look_back, pad_batch

LIMIT = 1e-12
SENTENCES = [[3, 1, 4], [1], [5, 2, 6, 5, 3], [2, 2]]


def encoder(rng, V=7, D=3, H=4):
    shapes = {"E": (V, D), "Wx": (D, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,)}
    return {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}


def translator(rng, attention=False):
    params = init_seq2seq(7, 9, rng, D=3, H=4, attention=attention, dtype=np.float64)
    return {name: array + 0.1 * rng.standard_normal(array.shape) for name, array in params.items()}


def pairs():
    targets = [[1, 4, 2], [1, 6, 3, 8, 2], [1, 3, 2], [1, 5, 5, 4, 2]]
    return pad_batch(SENTENCES, 0), pad_batch(targets, 0)


# --- unequal lengths ------------------------------------------------------------------------------


@pytest.mark.parametrize("pad", [0, 6])
def test_a_padded_batch_gives_what_each_sentence_gives_alone(pad):
    weights = encoder(np.random.default_rng(0))
    h, h_last, c_last, _ = seq2seq.encode(*pad_batch(SENTENCES, pad), **weights)
    for n, sentence in enumerate(SENTENCES):
        alone = seq2seq.encode(*pad_batch([sentence], pad), **weights)
        np.testing.assert_allclose(h[n, : len(sentence)], alone[0][0], rtol=0, atol=1e-15)
        assert not h[n, len(sentence) :].any()
        np.testing.assert_allclose(h_last[n], alone[1][0], rtol=0, atol=1e-15)
        np.testing.assert_allclose(c_last[n], alone[2][0], rtol=0, atol=1e-15)


@pytest.mark.parametrize("pad", [0, 6])
def test_gradients_of_a_padded_batch_are_the_sum_of_those_of_its_sentences(pad):
    rng = np.random.default_rng(0)
    weights = encoder(rng)
    h, h_last, _, cache = seq2seq.encode(*pad_batch(SENTENCES, pad), **weights)
    dh, dh_last, dc_last = (rng.standard_normal(a.shape) for a in (h, h_last, h_last))
    together = seq2seq.encode_backward(dh, dh_last, dc_last, cache)
    total = 0
    for n, sentence in enumerate(SENTENCES):
        *_, cache = seq2seq.encode(*pad_batch([sentence], pad), **weights)
        one = slice(n, n + 1)
        alone = seq2seq.encode_backward(dh[one, : len(sentence)], dh_last[one], dc_last[one], cache)
        total = [a + b for a, b in zip(total, alone, strict=True)] if total else alone
    for a, b in zip(together, total, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


def test_without_padding_it_is_the_lstm_of_notebook_06():
    weights = encoder(np.random.default_rng(0))
    tokens, mask = pad_batch([[3, 1, 4], [1, 5, 2]], 0)
    h, h_last, c_last, _ = seq2seq.encode(tokens, mask, **weights)
    E, *cell = weights.values()
    zero = np.zeros((2, 4))
    right, c, _ = lstm_forward(E[tokens], zero, zero, *cell)
    for a, b in ((h, right), (h_last, right[:, -1]), (c_last, c)):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-15)


@pytest.mark.parametrize("attention", [False, True])
def test_a_batch_is_translated_as_its_sentences_are(attention):
    params = translator(np.random.default_rng(4), attention)
    params = {name: 4 * array for name, array in params.items()}  # far apart, so that they differ
    together = seq2seq.translate(pad_batch(SENTENCES, 0), params, 1, 2, 6)
    alone = [seq2seq.translate(pad_batch([s], 0), params, 1, 2, 6)[0] for s in SENTENCES]
    assert together == alone
    assert len(set(map(tuple, together))) > 1
    assert seq2seq.translate(pad_batch(SENTENCES, 0), params, 1, 2, 0) == [[]] * 4


# --- gradients ------------------------------------------------------------------------------------


def test_the_encoders_gradients_are_exact():
    rng = np.random.default_rng(1)
    weights, batch = encoder(rng), pad_batch(SENTENCES, 0)
    *outputs, cache = seq2seq.encode(*batch, **weights)
    upstream = [rng.standard_normal(a.shape) for a in outputs]

    def loss(weights):
        *outputs, _ = seq2seq.encode(*batch, **weights)
        return sum((d * a).sum() for d, a in zip(upstream, outputs, strict=True))

    measured = exact_gradients(loss, weights, list(weights))
    for name, grad in zip(weights, seq2seq.encode_backward(*upstream, cache), strict=True):
        assert relative_error(grad, measured[name]) < LIMIT, name


@pytest.mark.parametrize("attention", [False, True])
def test_the_gradients_of_a_translation_are_exact(attention):
    params = translator(np.random.default_rng(2), attention)
    loss = lambda p: seq2seq.attention_seq2seq_loss(*pairs(), p, attention=attention)  # noqa: E731
    value, grads = loss(params)
    if not attention:
        plain, same = seq2seq.seq2seq_loss(*pairs(), params)
        assert plain == value and all(np.array_equal(grads[k], same[k]) for k in params)
    measured = exact_gradients(lambda p: loss(p)[0], params, list(params))
    assert grads.keys() == params.keys()
    for name in params:
        assert relative_error(grads[name], measured[name]) < LIMIT, name


def test_the_loss_of_a_batch_is_the_mean_of_its_sentences():
    params = translator(np.random.default_rng(3))
    (words, there), (tokens, mask) = pairs()
    alone = [
        seq2seq.seq2seq_loss(
            (words[n : n + 1, : there[n].sum()], there[n : n + 1, : there[n].sum()]),
            (tokens[n : n + 1, : mask[n].sum()], mask[n : n + 1, : mask[n].sum()]),
            params,
        )[0]
        for n in range(4)
    ]
    assert seq2seq.seq2seq_loss(*pairs(), params)[0] == pytest.approx(np.mean(alone), abs=1e-14)


def test_float32_stays_float32():
    params = {
        k: v.astype(np.float32) for k, v in translator(np.random.default_rng(0), True).items()
    }
    loss, grads = seq2seq.attention_seq2seq_loss(*pairs(), params)
    assert {np.asarray(loss).dtype, *(g.dtype for g in grads.values())} == {np.dtype(np.float32)}
    scores = np.ones((2, 3), np.float32)
    assert seq2seq.masked_softmax(scores, scores > 0).dtype == np.float32


# --- looking back ---------------------------------------------------------------------------------


def test_a_masked_softmax_is_that_of_the_places_that_are_there():
    scores = np.array([[1.0, 2.0, 1000.0], [0.0, -1000.0, 5.0]])
    weights = seq2seq.masked_softmax(scores, np.array([[True, True, False], [True] * 3]))
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(weights, [[p, 1 - p, 0], [1 / (1 + np.e**5), 0, 1 / (1 + np.e**-5)]])


def test_looking_back_is_the_look_of_notebook_08_without_its_scale():
    rng = np.random.default_rng(0)
    h, states = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    context, weights = look_back(h, states, np.ones((2, 5), bool))
    for t in range(3):
        one, w, _ = attention.attention_forward(2.0 * h[:, t], states, states)  # sqrt(4) = 2
        np.testing.assert_allclose(context[:, t], one, atol=1e-14)
        np.testing.assert_allclose(weights[:, t], w, atol=1e-14)


# --- numbers in words -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "english", "korean"),
    [
        (0, "zero", "yeong"),
        (21, "twenty one", "i sip il"),
        (1_005, "one thousand and five", "cheon o"),
        (10_000, "ten thousand", "man"),
        (345_678, "three hundred and forty five thousand six hundred and seventy eight",
         "sam sip sa man o cheon yuk baek chil sip pal"),
    ],
)  # fmt: skip
def test_numbers_in_words(number, english, korean):
    assert numerals.english_words(numerals.english_tokens(number)) == english.split()
    tokens = numerals.korean_tokens(number)
    assert (tokens[0], tokens[-1]) == (numerals.START, numerals.END)
    assert numerals.korean_words(tokens, roman=True) == korean.split()
    assert [numerals.ROMAN[s] for s in numerals.korean_words(tokens)] == korean.split()


def test_every_word_that_occurs_is_in_its_vocabulary_and_every_token_occurs():
    some = [*range(100), *(10**k for k in range(2, 8)), numerals.LARGEST]
    english = {t for n in some for t in numerals.english_tokens(n)} | {
        t for t in numerals.english_tokens(101)
    }
    korean = {t for n in some for t in numerals.korean_tokens(n)}
    assert english == set(range(1, len(numerals.ENGLISH)))
    assert korean == set(range(1, len(numerals.KOREAN)))


def test_numbers_to_learn_from_and_to_be_judged_by_never_mix():
    train, test = numerals.split_numbers(500, 200, np.random.default_rng(0))
    assert (len(set(train)), len(set(test))) == (500, 200) and not set(train) & set(test)
    assert set(range(100)) <= set(train) and min(test) >= 100
    lengths = np.bincount([len(str(n)) for n in test], minlength=9)
    assert lengths[8] > lengths[5] > lengths[3] > 0
    again = numerals.split_numbers(500, 200, np.random.default_rng(0))
    assert (train, test) == again
