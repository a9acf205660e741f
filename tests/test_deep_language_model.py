"""Notebook 09's references: gradients held against measured ones, masks, and the words."""

import itertools

import numpy as np
import pytest

from helpers import (
    dropout_mask,
    lstm_forward,
    perplexity,
    softmax_loss,
    stacked_lstm_backward,
    stacked_lstm_forward,
    tied_softmax_loss,
    variational_mask,
)
from helpers.data.text import documentation_words
from helpers.deep_language_model import (
    init_word_model,
    layers_of,
    word_model_gradients,
    word_model_loss,
)
from helpers.lstm import init_lstm
from helpers.numerical import complex_step_gradient, numerical_gradient

WIDTHS = {"one layer": (3, 4), "two": (3, 5, 2), "three": (2, 3, 4, 5)}
MASKS = ("none", "a step", "a sequence")


def stack(widths, masks, N=2, T=4, seed=0):
    rng = np.random.default_rng(seed)
    layers = [init_lstm(D, H, rng) for D, H in itertools.pairwise(widths)]
    x, dh = rng.standard_normal((N, T, widths[0])), rng.standard_normal((N, T, widths[-1]))
    drawn = {
        "none": None,
        "a step": [dropout_mask((N, T, D), 0.4, rng) for D in widths[:-1]],
        "a sequence": [variational_mask(N, T, D, 0.4, rng) for D in widths[:-1]],
    }[masks]
    return x, layers, drawn, dh


@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("widths", WIDTHS.values(), ids=WIDTHS)
def test_gradients_through_depth_are_the_measured_ones(widths, masks):
    x, layers, drawn, dh = stack(widths, masks)
    _, cache = stacked_lstm_forward(x, layers, drawn)
    dx, grads = stacked_lstm_backward(dh, cache)

    def of_x(x):
        return np.sum(dh * stacked_lstm_forward(x, layers, drawn)[0])

    assert np.allclose(dx, complex_step_gradient(of_x, x), rtol=0, atol=1e-13)
    for k, weights in enumerate(layers):
        for i, array in enumerate(weights):

            def of_weight(new, k=k, i=i):
                changed = [list(layer) for layer in layers]
                changed[k][i] = new
                return np.sum(dh * stacked_lstm_forward(x, changed, drawn)[0])

            measured = complex_step_gradient(of_weight, array)
            assert np.allclose(grads[k][i], measured, rtol=0, atol=1e-13), (k, i)


def test_one_layer_without_masks_is_the_lstm():
    x, layers, _, _ = stack((3, 4), "none")
    zeros = np.zeros((2, 4))
    h, _ = stacked_lstm_forward(x, layers)
    assert np.array_equal(h, lstm_forward(x, zeros, zeros, *layers[0])[0])


def test_a_mask_for_all_steps_is_that_mask_at_each():
    x, layers, masks, _ = stack((3, 5, 2), "a sequence")
    repeated = [np.repeat(mask, x.shape[1], axis=1) for mask in masks]
    once, each = (stacked_lstm_forward(x, layers, m)[0] for m in (masks, repeated))
    assert np.array_equal(once, each)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8])
def test_a_mask_keeps_the_mean_and_drops_the_rate(rate):
    mask = dropout_mask((100, 40, 50), rate, np.random.default_rng(0))
    assert set(np.unique(mask)) <= {0.0, 1 / (1 - rate)}
    assert np.mean(mask == 0) == pytest.approx(rate, abs=0.005)
    assert mask.mean() == pytest.approx(1, abs=0.02)


def test_a_variational_mask_differs_by_row_and_not_by_step():
    mask = variational_mask(5, 7, 40, 0.5, np.random.default_rng(0))
    assert mask.shape == (5, 1, 40)
    assert len({row.tobytes() for row in mask}) == 5


def test_masks_are_float32_when_asked():
    rng = np.random.default_rng(0)
    assert dropout_mask((2, 3), 0.5, rng, np.float32).dtype == np.float32
    assert variational_mask(2, 3, 4, 0.5, rng, np.float32).dtype == np.float32


def tied_problem(N=2, T=3, H=4, V=5):
    rng = np.random.default_rng(1)
    h, E, by = (rng.standard_normal(shape) for shape in ((N, T, H), (V, H), V))
    return h, E, by, rng.integers(0, V, (N, T))


@pytest.mark.parametrize("sizes", [{}, {"N": 1}, {"T": 1}, {"H": 1}, {"V": 1}], ids=str)
def test_the_tied_loss_and_its_gradients(sizes):
    h, E, by, targets = tied_problem(**sizes)
    loss, *found = tied_softmax_loss(h, E, by, targets)
    assert loss == pytest.approx(softmax_loss(h @ E.T + by, targets)[0])
    for k, gradient in enumerate(found):

        def of(new, k=k):
            arrays = [h, E, by]
            arrays[k] = new
            return tied_softmax_loss(*arrays, targets)[0]

        assert np.allclose(gradient, complex_step_gradient(of, (h, E, by)[k]), rtol=0, atol=1e-14)


def test_perplexity_of_even_odds_is_their_number():
    assert perplexity(np.log(17)) == pytest.approx(17)
    assert perplexity(0) == 1 and isinstance(perplexity(0), float)


@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("tied", [False, True])
def test_the_models_gradients_are_the_measured_ones(tied, masks):
    rng = np.random.default_rng(2)
    params = init_word_model(6, 3, 2, rng, tied=tied, dtype=np.float64)
    tokens = rng.integers(0, 6, (2, 5))
    _, _, drawn, _ = stack((3, 3, 3, 3), masks)  # of two layers and the readout
    _, grads = word_model_gradients(params, tokens[:, :-1], tokens[:, 1:], drawn)
    assert grads.keys() == params.keys()
    for name, array in params.items():

        def of(new, name=name):
            changed = {**params, name: new}
            return word_model_gradients(changed, tokens[:, :-1], tokens[:, 1:], drawn)[0]

        assert np.allclose(grads[name], numerical_gradient(of, array), rtol=0, atol=1e-8), name


def test_a_tied_model_has_one_matrix_less():
    sizes = {
        tied: {k: v.size for k, v in init_word_model(50, 8, 2, np.random.default_rng(0),
                                                     tied=tied).items()}
        for tied in (False, True)
    }  # fmt: skip
    assert sizes[False].pop("Wy") == sizes[False]["E"] and sizes[True] == sizes[False]


@pytest.mark.parametrize("tied", [False, True])
def test_the_models_loss_is_a_tokens_and_float32_stays(tied):
    params = init_word_model(50, 8, 2, np.random.default_rng(0), tied=tied)
    tokens = np.random.default_rng(1).integers(0, 50, (3, 6))
    loss, grads = word_model_gradients(params, tokens[:, :-1], tokens[:, 1:])
    assert word_model_loss(params, tokens[:, :-1], tokens[:, 1:]) == pytest.approx(
        loss / 5, rel=1e-6
    )
    assert {g.dtype for g in grads.values()} == {np.dtype(np.float32)}
    assert len(layers_of(params)) == 2


def test_no_paragraph_of_the_manual_comes_twice():
    paragraphs = documentation_words()
    assert len({tuple(words) for words in paragraphs}) == len(paragraphs) > 500
    assert sum(map(len, paragraphs)) > 30_000
