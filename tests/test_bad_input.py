"""Bad input is refused at the door: expected, got, remedy."""

import re

import numpy as np
import pytest

from helpers import (
    adagrad_update,
    attention,
    build_vocab,
    captioning,
    char_rnn_loss,
    clipping,
    deep_language_model,
    draw,
    embedding_backward,
    embedding_forward,
    gradient_flow,
    gru,
    interpretable,
    losses,
    lstm,
    numerical_gradient,
    one_hot,
    readout,
    rnn_backward,
    rnn_forward,
    rnn_step,
    rnn_step_backward,
    rnn_step_forward,
    rnn_unroll,
    sample,
    seq2seq,
    softmax,
    softmax_loss,
    tbptt_gradients,
    truncated_chunks,
)
from helpers.data import (
    adding_problem,
    load_digits,
    next_dish,
    numerals,
    recall_problem,
    standard_library_text,
)
from helpers.data.scenes import describe_scene, encode_captions
from helpers.language_model import encode_text, init_char_rnn
from helpers.optim import adam_update

f = np.zeros
x, h, Wx, Wh, b = f((2, 3)), f((2, 4)), f((3, 4)), f((4, 4)), f(4)
seq = f((2, 5, 3))
tokens = np.zeros((2, 6), int)
params = init_char_rnn(3, 4, np.random.default_rng(0))
nan = np.array([[1.0, np.nan, 0.0], [0.0, 0.0, 0.0]])
ragged = np.array([[1.0], [1.0, 2.0]], dtype=object)
rng = np.random.default_rng(0)
W4, H4, b4 = f((3, 16)), f((4, 16)), f(16)
drawer = draw.init_draw(rng, P=3, H=5, Z=4, dtype=float)
look = f((2, 4)), f((2, 5, 4)), f((2, 5, 3))

CASES = {
    "Wh of another size": (lambda: rnn_step(x, h, Wx, f((3, 4)), b), "Wh"),
    "Wx of another size": (lambda: rnn_step(x, h, f((4, 4)), Wh, b), "Wx"),
    "b as a column": (lambda: rnn_step(x, h, Wx, Wh, f((4, 1))), "b"),
    "another batch size": (lambda: rnn_step_forward(x, f((3, 4)), Wx, Wh, b), "h_prev"),
    "a list for an array": (lambda: rnn_step([[1, 2, 3]], f((1, 4)), Wx, Wh, b), "x"),
    "a ragged array": (lambda: rnn_step(ragged, h, Wx, Wh, b), "x"),
    "text for numbers": (lambda: rnn_step(np.array([["a"]]), h, Wx, Wh, b), "x"),
    "NaN in x": (lambda: rnn_step(nan, h, Wx, Wh, b), "x"),
    "NaN in the state": (lambda: rnn_forward(seq, h + np.nan, Wx, Wh, b), "h0"),
    "a step for a sequence": (lambda: rnn_unroll(x, h, Wx, Wh, b), "x"),
    "no time steps": (lambda: rnn_forward(f((2, 0, 3)), h, Wx, Wh, b), "x"),
    "dh of a step": (lambda: rnn_backward(h, rnn_forward(seq, h, Wx, Wh, b)[1]), "dh"),
    "dh of another size": (
        lambda: rnn_step_backward(f((2, 5)), rnn_step_forward(x, h, Wx, Wh, b)[1]),
        "dh",
    ),
    "readout of another size": (lambda: readout(h, f((3, 2)), f(2)), "Wy"),
    "readout's bias": (lambda: readout(h, f((4, 2)), f(3)), "by"),
    "a number as states": (lambda: readout(1.0, f((4, 2)), f(3)), "h"),
    "floats as indices": (lambda: one_hot(np.array([0.0, 1.0]), 3), "indices"),
    "an index too large": (lambda: one_hot(np.array([0, 3]), 3), "indices"),
    "a negative index": (lambda: one_hot(np.array([-1]), 3), "indices"),
    "ragged indices": (lambda: one_hot(np.array([[1], [1, 2]], dtype=object), 3), "indices"),
    "no depth": (lambda: one_hot(np.array([0]), 0), "depth"),
    "an unknown token": (lambda: embedding_forward(np.array([[7]]), f((3, 2))), "tokens"),
    "an unknown token, backward": (
        lambda: embedding_backward(f((1, 1, 2)), (np.array([[7]]), 3)),
        "tokens",
    ),
    "dout of another length": (lambda: embedding_backward(f((1, 2, 2)), (tokens, 3)), "dout"),
    "scores without classes": (lambda: softmax(f((2, 0))), "scores"),
    "a list of scores": (lambda: softmax([1.0, 2.0]), "scores"),
    "targets of another length": (lambda: softmax_loss(seq, np.zeros((2, 4), int)), "targets"),
    "a target too large": (lambda: softmax_loss(seq, np.full((2, 5), 3)), "targets"),
    "targets as floats": (lambda: softmax_loss(seq, f((2, 5))), "targets"),
    "scores of one step": (lambda: softmax_loss(x, np.zeros(2, int)), "scores"),
    "an empty text": (lambda: build_vocab(""), "text"),
    "no text at all": (lambda: build_vocab(["h", "e"]), "text"),
    "an unknown character": (lambda: encode_text("hex", build_vocab("hello")[0]), "text"),
    "a weight missing": (
        lambda: char_rnn_loss(tokens, tokens, h, {k: params[k] for k in ("Wx", "Wh", "b")}),
        "params",
    ),
    "a negative temperature": (lambda: sample(f((1, 4)), 0, 3, params, -1.0, rng), "temperature"),
    "an unknown first token": (lambda: sample(f((1, 4)), 9, 3, params, 1.0, rng), "first"),
    "chunks of no length": (lambda: list(truncated_chunks(tokens, 0)), "length"),
    "tokens in one row": (lambda: list(truncated_chunks(tokens[0], 2)), "tokens"),
    "tokens too large": (lambda: tbptt_gradients(tokens + 5, h, params, 2), "inputs"),
    "integers to differentiate by": (lambda: numerical_gradient(np.sum, tokens), "x"),
    "a vector-valued f": (lambda: numerical_gradient(lambda x: x, x), "f"),
    "f that is NaN": (lambda: numerical_gradient(lambda x: np.nan, x), "f"),
    "memory of another shape": (lambda: adagrad_update(x, x, h, 0.1), "memory"),
    "steps counted from 0": (lambda: adam_update(x, x, x, x, 0, 0.1), "step"),
    "a dish not on the menu": (lambda: next_dish("pizza"), "dish"),
    "a dish beyond the menu": (lambda: next_dish(3), "dish"),
    "another split": (lambda: load_digits("validation"), "split"),
    "a module without source": (lambda: standard_library_text(("sys",)), "modules"),
    "a module that is not there": (lambda: standard_library_text(("no_such_module",)), "modules"),
    "weights of one gate": (lambda: lstm.lstm_step_forward(x, h, h, Wx, H4, b4), "Wx"),
    "a cell of another size": (
        lambda: lstm.lstm_step_forward(x, h, f((2, 5)), W4, H4, b4),
        "c_prev",
    ),
    "a first cell left out": (lambda: lstm.lstm_forward(seq, h, None, W4, H4, b4), "c0"),
    "dc of a whole sequence": (
        lambda: lstm.lstm_backward(
            f((2, 5, 4)), f((2, 5, 4)), lstm.lstm_forward(seq, h, h, W4, H4, b4)[-1]
        ),
        "dc_last",
    ),
    "forget gates of one step": (lambda: lstm.cell_gradient(h), "f"),
    "four gates for a GRU": (lambda: gru.gru_step_forward(x, h, W4, H4, b4), "Wx"),
    "no layers": (lambda: deep_language_model.stacked_lstm_forward(seq, []), "layers"),
    "a mask too few": (
        lambda: deep_language_model.stacked_lstm_forward(seq, [(W4, H4, b4)] * 2, [seq]),
        "masks",
    ),
    "a mask of another width": (
        lambda: deep_language_model.stacked_lstm_forward(seq, [(W4, H4, b4)], [f((2, 5, 4))]),
        r"masks\[0\]",
    ),
    "a second layer of another width": (
        lambda: deep_language_model.stacked_lstm_forward(seq, [(W4, H4, b4)] * 2),
        "Wx",
    ),
    "a rate of 1": (lambda: deep_language_model.dropout_mask((2, 3), 1.0, rng), "rate"),
    "an embedding of another width": (
        lambda: deep_language_model.tied_softmax_loss(seq, f((7, 4)), f(7), tokens[:, 1:]),
        "E",
    ),
    "an unknown cell": (lambda: gru.count_parameters("transformer", 3, 4), "cell"),
    "a mask of numbers": (
        lambda: losses.temporal_softmax_loss(seq, np.zeros((2, 5), int), f((2, 5))),
        "mask",
    ),
    "keys of another width": (
        lambda: attention.attention_forward(look[0], f((2, 5, 6)), look[2]),
        "keys",
    ),
    "values of other places": (
        lambda: attention.attention_forward(*look[:2], f((2, 6, 3))),
        "values",
    ),
    "no places": (lambda: attention.attention_forward(h, f((2, 0, 4)), f((2, 0, 3))), "keys"),
    "Wz of another width": (
        lambda: attention.attention_lstm_step_forward(x, h, h, *look[1:], W4, H4, f((4, 16)), b4),
        "Wz",
    ),
    "an image for another batch": (
        lambda: captioning.image_rnn_step_forward(x, h, f((3, 6)), Wx, Wh, f((6, 4)), b),
        "v",
    ),
    "a beam of no width": (lambda: captioning.beam_caption(None, 0, 1, 5, 0), "width"),
    "a caption of negative length": (
        lambda: captioning.greedy_caption(None, 0, 1, -1),
        "max_length",
    ),
    "a threshold of 0": (lambda: clipping.clip_by_norm({"W": f(3)}, 0), "max_norm"),
    "a negative limit": (lambda: clipping.clip_by_value({"W": f(3)}, -1), "limit"),
    "an array for a dict of them": (lambda: clipping.global_norm(f(3)), "grads"),
    "integer gradients": (lambda: clipping.global_norm({"W": tokens}), r"grads\['W'\]"),
    "a Wh that is not square": (lambda: gradient_flow.spectral_radius(Wx), "W"),
    "a Wh with NaN": (lambda: gradient_flow.gradient_norms(Wh + np.nan, h, 3), "Wh"),
    "a Wh that nothing can rescale": (lambda: gradient_flow.rescale(Wh, 0.9), "Wh"),
    "a negative radius": (lambda: gradient_flow.rescale(np.eye(2), -1.0), "radius"),
    "steps back in time": (lambda: gradient_flow.gradient_norms(Wh, h, -1), "T"),
    "an orthogonal matrix of no size": (lambda: gradient_flow.orthogonal(0, rng), "n"),
    "an adding problem of one step": (lambda: adding_problem(2, 1, rng), "T"),
    "a recall without a lag": (lambda: recall_problem(2, 0, rng), "T"),
    "a recall of one symbol": (lambda: recall_problem(2, 5, rng, symbols=1), "symbols"),
    "too many digits": (lambda: describe_scene([1, 2, 3, 4], [0, 1, 2, 3]), "digits"),
    "places out of order": (lambda: describe_scene([1, 2], [5, 3]), "places"),
    "a word nobody knows": (lambda: encode_captions(["a zebra"]), "captions"),
    "no sequences to pad": (lambda: seq2seq.pad_batch([], 0), "sequences"),
    "words for tokens": (lambda: seq2seq.pad_batch([["a"]], 0), "sequences"),
    "padding in front": (
        lambda: seq2seq.encode(tokens, np.arange(6) > np.zeros((2, 1)), f((3, 3)), W4, H4, b4),
        "tokens mask",
    ),
    "a mask of numbers for the encoder": (
        lambda: seq2seq.encode(tokens, f((2, 6)), f((3, 3)), W4, H4, b4),
        "tokens mask",
    ),
    "a translator without its decoder": (
        lambda: seq2seq.seq2seq_loss((tokens, tokens == 0), (tokens, tokens == 0), {"E_src": Wx}),
        "params",
    ),
    "a row with nothing to look at": (
        lambda: seq2seq.masked_softmax(x, np.zeros((2, 3), bool)),
        "mask",
    ),
    "a translation of negative length": (
        lambda: seq2seq.decode(f((2, 5, 4)), h, h, tokens, {}, 1, 2, -1),
        "max_length",
    ),
    "a number with nine digits": (lambda: numerals.korean_tokens(10**8), "number"),
    "too few numbers to learn from": (lambda: numerals.split_numbers(50, 10, rng), "train"),
    "weights of no cell": (
        lambda: interpretable.record_states("ab", {"Wx": f((2, 8)), "Wh": f((4, 8)), "b": f(8)}),
        "Wh",
    ),
    "weights for another vocabulary": (
        lambda: interpretable.record_states("abc", {"Wx": f((4, 4)), "Wh": Wh, "b": b}),
        "Wx",
    ),
    "states of a model without Wh": (
        lambda: interpretable.record_states("ab", {"Wx": f((2, 4))}),
        "params",
    ),
    "a character that the model has never met": (
        lambda: interpretable.record_states("ab", {**params, "char_to_ix": {"a": 0}}),
        "text",
    ),
    "a text of nothing": (
        lambda: interpretable.record_states("", {**params, "char_to_ix": {"a": 0}}),
        "text",
    ),
    "features of bytes": (lambda: interpretable.features(b"a"), "text"),
    "a feature that is true everywhere": (lambda: interpretable.auc(f(3), f(3) + 1), "feature"),
    "values with NaN": (lambda: interpretable.auc(nan[0], np.arange(3)), "values"),
    "states without units": (lambda: interpretable.best_unit(f(3), f(3)), "states"),
    "images of another size": (lambda: draw.read_rows(f((2, 65))), "images"),
    "a reader without its readout": (lambda: draw.classify(f((2, 64)), {"Wx": Wx}), "params"),
    "more pixels than the canvas has": (lambda: draw.bernoulli_loss(x, f((2, 4))), "images"),
    "a canvas that is not finite": (lambda: draw.bernoulli_loss(nan, f((2, 3))), "canvas"),
    "noise of another size": (lambda: draw.latent_forward(x, x, h), "noise"),
    "a kl for each latent number": (
        lambda: draw.latent_backward(x, x, draw.latent_forward(x, x, x)[2]),
        "dkl",
    ),
    "a drawing without steps": (lambda: draw.draw_loss(x, f((0, 2, 4)), drawer), "noise"),
    "noise for another network": (lambda: draw.draw_loss(x, f((5, 2, 3)), drawer), "noise"),
    "images for another canvas": (lambda: draw.draw_loss(h, f((5, 2, 4)), drawer), "x"),
    "a state without a canvas": (lambda: draw.draw_step_forward(x, {}, h, drawer), "state"),
    "a dstate without a canvas": (
        lambda: draw.draw_step_backward(
            {}, f(2), draw.draw_step_forward(x, draw.blank(2, drawer), h, drawer)[2]
        ),
        "dstate",
    ),
    "no modules": (lambda: standard_library_text(()), "modules"),
}


@pytest.mark.parametrize(("call", "name"), CASES.values(), ids=CASES)
def test_bad_input_is_told_what_was_expected_what_came_and_what_to_do(call, name):
    with pytest.raises((TypeError, ValueError)) as refusal:
        call()
    assert re.match(rf"{name}: expected .+, got .+; \w.+", str(refusal.value), re.DOTALL), (
        refusal.value
    )


def test_the_message_says_where_the_size_comes_from():
    with pytest.raises(ValueError, match=r"expected shape \(4, 4\) because h_prev has 4 units"):
        rnn_step(x, h, Wx, f((3, 4)), b)
