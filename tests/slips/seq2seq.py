"""Wrong answers to notebook 10."""

from itertools import zip_longest

import numpy as np
from answers import Slips

from helpers.embedding import embedding_backward, embedding_forward
from helpers.losses import softmax, softmax_loss, temporal_softmax_loss
from helpers.lstm import (
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
)
from helpers.rnn import readout, readout_backward
from helpers.seq2seq import encode, encode_backward

slip = Slips()


# pad_batch ----------------------------------------------------------------------------------------


@slip("pad_batch", "tokens", "padded at the beginning")
def right_aligned(sequences, pad):
    T = max(len(row) for row in sequences)
    tokens = np.array([[pad] * (T - len(row)) + list(row) for row in sequences])
    return tokens, np.array([[False] * (T - len(r)) + [True] * len(r) for r in sequences])


@slip("pad_batch", "tokens", "filled with 0")
def array_of_zeros(sequences, pad):
    T = max(map(len, sequences))
    tokens = np.zeros((len(sequences), T), dtype=int)
    mask = np.zeros((len(sequences), T), dtype=bool)
    for n, row in enumerate(sequences):
        tokens[n, : len(row)] = row
        mask[n, : len(row)] = True
    return tokens, mask


@slip("pad_batch", "mask", "mask compared with 0")
def zero_is_padding(sequences, pad):
    T = max(map(len, sequences))
    tokens = np.full((len(sequences), T), pad)
    for n, row in enumerate(sequences):
        tokens[n, : len(row)] = row
    return tokens, tokens != 0


@slip("pad_batch", "mask", "mask upside down")
def mask_of_the_padding(sequences, pad):
    tokens = np.array(list(zip_longest(*sequences, fillvalue=pad))).T
    return tokens, tokens == pad


@slip("pad_batch", "tokens", "cut to the shortest")
def zipped(sequences, pad):
    tokens = np.array(list(zip(*sequences, strict=False)), dtype=int).reshape(-1, len(sequences)).T
    return tokens, np.ones(tokens.shape, bool)


@slip("pad_batch", "tokens", "cut to the first one's length")
def as_long_as_the_first(sequences, pad):
    T = len(sequences[0])
    tokens = np.full((len(sequences), T), pad)
    for n, row in enumerate(sequences):
        row = row[:T]
        tokens[n, : len(row)] = row
    return tokens, tokens != pad


@slip("pad_batch", "tokens", "one column too many")
def room_for_one_more(sequences, pad):
    T = max(map(len, sequences)) + 1
    tokens = np.full((len(sequences), T), pad)
    for n, row in enumerate(sequences):
        tokens[n, : len(row)] = row
    return tokens, tokens != pad


@slip("pad_batch", "tokens", "sequences sorted by length, longest first")
def longest_first(sequences, pad):
    rows = sorted(sequences, key=lambda row: -len(row))
    tokens = np.array([row + [pad] * (len(rows[0]) - len(row)) for row in rows])
    return tokens, tokens != pad


@slip("pad_batch", "mask", "mask one too short")
def last_one_not_counted(sequences, pad):
    lengths = np.array([len(row) for row in sequences])
    T = lengths.max()
    tokens = np.array([row + [pad] * (T - len(row)) for row in sequences])
    return tokens, np.arange(1, T + 1) < lengths[:, None]


@slip("pad_batch", "mask", "mask one too long")
def less_or_equal(sequences, pad):
    lengths = np.array([len(row) for row in sequences])
    T = lengths.max()
    tokens = np.array([row + [pad] * (T - len(row)) for row in sequences])
    return tokens, np.arange(T) <= lengths[:, None]


@slip("pad_batch", "mask", "mask True everywhere")
def mask_of_ones(sequences, pad):
    T = max(map(len, sequences))
    tokens = np.array([row + [pad] * (T - len(row)) for row in sequences])
    return tokens, np.ones_like(tokens, dtype=bool)


@slip("pad_batch", "mask", "int64 in place of bool")
def mask_of_numbers(sequences, pad):
    T = max(map(len, sequences))
    tokens = np.array([row + [pad] * (T - len(row)) for row in sequences])
    return tokens, (tokens != pad).astype(int)


@slip("pad_batch", "tokens", "float64 in place of int64")
def tokens_as_floats(sequences, pad):
    T = max(map(len, sequences))
    tokens = np.full((len(sequences), T), float(pad))
    for n, row in enumerate(sequences):
        tokens[n, : len(row)] = row
    return tokens, tokens != pad


@slip("pad_batch", "tokens", "time as the first axis")
def a_row_a_step(sequences, pad):
    tokens = np.array(list(zip_longest(*sequences, fillvalue=pad)))
    return tokens, tokens != pad


@slip("pad_batch", "sequences", "argument changed in place")
def lists_made_longer(sequences, pad):
    lengths = np.array([len(row) for row in sequences])
    for row in sequences:
        while len(row) < lengths.max():
            row.append(pad)
    return np.array(sequences), np.arange(lengths.max()) < lengths[:, None]


@slip("pad_batch", "tokens")
def list_of_lists(sequences, pad):
    T = max(map(len, sequences))
    rows = [row + [pad] * (T - len(row)) for row in sequences]
    return rows, np.array(rows) != pad


# encode -------------------------------------------------------------------------------------------


def zeros(tokens, Wh):
    return np.zeros((len(tokens), len(Wh)), Wh.dtype)


@slip("encode", "h", "mask ignored")
def a_plain_lstm(tokens, mask, E, Wx, Wh, b):
    zero = zeros(tokens, Wh)
    h, c, cache = lstm_forward(embedding_forward(tokens, E), zero, zero, Wx, Wh, b)
    return h, h[:, -1], c, cache


@slip("encode", "h_last", "states at the end of the batch")
def states_masked_afterwards(tokens, mask, E, Wx, Wh, b):
    zero = zeros(tokens, Wh)
    h, c, cache = lstm_forward(E[tokens], zero, zero, Wx, Wh, b)
    return h * mask[:, :, None], h[:, -1], c, cache


@slip("encode", "h_last", "states set to zero at padding")
def states_times_mask(tokens, mask, E, Wx, Wh, b):
    h = c = zeros(tokens, Wh)
    hs, caches = [], []
    for t in range(tokens.shape[1]):
        h, c, cache = lstm_step_forward(E[tokens[:, t]], h, c, Wx, Wh, b)
        h, c = h * mask[:, t : t + 1], c * mask[:, t : t + 1]
        hs.append(h)
        caches.append(cache)
    return np.stack(hs, axis=1), h, c, caches


@slip("encode", "h_last", "h_last set to zero at padding")
def last_column_of_h(tokens, mask, E, Wx, Wh, b):
    h = c = zeros(tokens, Wh)
    hs, caches = [], []
    for t in range(tokens.shape[1]):
        here = mask[:, t, None]
        h_new, c_new, cache = lstm_step_forward(E[tokens[:, t]], h, c, Wx, Wh, b)
        h, c = np.where(here, h_new, h), np.where(here, c_new, c)
        hs.append(np.where(here, h, 0))
        caches.append(cache)
    h = np.stack(hs, axis=1)
    return h, h[:, -1], c, caches


@slip("encode", "h", "last state repeated in h")
def kept_state_kept_in_h_too(tokens, mask, E, Wx, Wh, b):
    h = c = zeros(tokens, Wh)
    hs, caches = [], []
    for t in range(tokens.shape[1]):
        here = mask[:, t, None]
        h_new, c_new, cache = lstm_step_forward(E[tokens[:, t]], h, c, Wx, Wh, b)
        h, c = here * h_new + ~here * h, here * c_new + ~here * c
        hs.append(h)
        caches.append(cache)
    return np.stack(hs, axis=1), h, c, caches


@slip("encode", "h", "h not zero at padding")
def states_picked_and_h_left(tokens, mask, E, Wx, Wh, b):
    h = c = zeros(tokens, Wh)
    hs, cs = [], []
    for t in range(tokens.shape[1]):
        h, c, _ = lstm_step_forward(E[tokens[:, t]], h, c, Wx, Wh, b)
        hs.append(h)
        cs.append(c)
    h, c = np.stack(hs, axis=1), np.stack(cs, axis=1)
    at = np.arange(len(tokens)), mask.sum(axis=1) - 1
    return h, h[at], c[at], None


@slip("encode", "c_last", "c_last at the end of the batch")
def cells_go_on(tokens, mask, E, Wx, Wh, b):
    zero = zeros(tokens, Wh)
    h, c, cache = lstm_forward(E[tokens], zero, zero, Wx, Wh, b)
    h_last = h[np.arange(len(h)), mask.sum(axis=1) - 1]
    return h * mask[:, :, None], h_last, c, cache


@slip("encode", "h_last", "one word too late")
def length_as_an_index(tokens, mask, E, Wx, Wh, b):
    hs, cs = every_state(tokens, E, Wx, Wh, b)
    at = np.arange(len(tokens)), np.minimum(mask.sum(axis=1), mask.shape[1] - 1)
    return hs * mask[:, :, None], hs[at], cs[at], None


@slip("encode", "h_last", "one word too early")
def without_the_last_word(tokens, mask, E, Wx, Wh, b):
    hs, cs = every_state(tokens, E, Wx, Wh, b)
    at = np.arange(len(tokens)), np.maximum(mask.sum(axis=1) - 2, 0)
    return hs * mask[:, :, None], hs[at], cs[at], None


def every_state(tokens, E, Wx, Wh, b):
    h = c = zeros(tokens, Wh)
    states = []
    for x in np.swapaxes(E[tokens], 0, 1):
        h, c, _ = lstm_step_forward(x, h, c, Wx, Wh, b)
        states.append((h, c))
    return (np.stack(each, axis=1) for each in zip(*states, strict=True))


@slip("encode", "h_last", "the shortest sentence's end for all")
def stops_when_the_first_is_over(tokens, mask, E, Wx, Wh, b):
    hs, cs = every_state(tokens, E, Wx, Wh, b)
    t = np.flatnonzero(mask.all(axis=0))[-1]
    return hs * mask[:, :, None], hs[:, t], cs[:, t], None


@slip("encode", "h", "padding read as zeros")
def embedding_masked(tokens, mask, E, Wx, Wh, b):
    zero = zeros(tokens, Wh)
    h, c, cache = lstm_forward(E[tokens] * mask[:, :, None], zero, zero, Wx, Wh, b)
    return h, h[:, -1], c, cache


@slip("encode", "h_last", "h_last and c_last exchanged")
def cell_first(tokens, mask, E, Wx, Wh, b):
    h, h_last, c_last, cache = right_encoder(tokens, mask, E, Wx, Wh, b)
    return h, c_last, h_last, cache


def right_encoder(tokens, mask, E, Wx, Wh, b):
    hs, cs = every_state(tokens, E, Wx, Wh, b)
    at = np.arange(len(tokens)), mask.sum(axis=1) - 1
    return hs * mask[:, :, None], hs[at], cs[at], None


@slip("encode", "h", "float64 in place of float32")
def zeros_of_float64(tokens, mask, E, Wx, Wh, b):
    h = c = np.zeros((len(tokens), len(Wh)))
    hs = []
    for t in range(tokens.shape[1]):
        here = mask[:, t, None]
        h_new, c_new, _ = lstm_step_forward(E[tokens[:, t]], h, c, Wx, Wh, b)
        h, c = np.where(here, h_new, h), np.where(here, c_new, c)
        hs.append(h * here)
    return np.stack(hs, axis=1), h, c, None


@slip("encode", "h", "time as the first axis")
def stacked_by_step(tokens, mask, E, Wx, Wh, b):
    h, h_last, c_last, cache = right_encoder(tokens, mask, E, Wx, Wh, b)
    return np.array(list(np.swapaxes(h, 0, 1))), h_last, c_last, cache


@slip("encode", "h", "c not carried on")
def a_new_cell_at_every_step(tokens, mask, E, Wx, Wh, b):
    h = zeros(tokens, Wh)
    c_last, hs = h, []
    for t in range(tokens.shape[1]):
        here = mask[:, t, None]
        h_new, c, _ = lstm_step_forward(E[tokens[:, t]], h, np.zeros_like(h), Wx, Wh, b)
        h, c_last = np.where(here, h_new, h), np.where(here, c, c_last)
        hs.append(h * here)
    return np.stack(hs, axis=1), h, c_last, None


# encode_backward ----------------------------------------------------------------------------------


def total_of(steps):
    return [sum(step[k] for step in steps) for k in range(3)]


@slip("encode_backward", "dE", "mask ignored")
def through_every_step(dh, dh_last, dc_last, cache):
    tokens, mask, V, caches = cache
    dx, weights, dh_next, dc = [None] * len(caches), [], dh_last, dc_last
    for t in reversed(range(len(caches))):
        dx[t], dh_next, dc, *new = lstm_step_backward(dh[:, t] + dh_next, dc, caches[t])
        weights.append(new)
    return embedding_backward(np.stack(dx, axis=1), (tokens, V)), *total_of(weights)


@slip("encode_backward", "dE", "gradient lost in the padding")
def masked_on_the_way(dh, dh_last, dc_last, cache):
    tokens, mask, V, caches = cache
    dx, weights, dh_next, dc = [None] * len(caches), [], dh_last, dc_last
    for t in reversed(range(len(caches))):
        here = mask[:, t, None]
        dh_t, dc_t = (dh[:, t] + dh_next) * here, dc * here
        dx[t], dh_next, dc, *new = lstm_step_backward(dh_t, dc_t, caches[t])
        weights.append(new)
    return embedding_backward(np.stack(dx, axis=1), (tokens, V)), *total_of(weights)


@slip("encode_backward", "dE", "weights learn from padding")
def padding_works_too(dh, dh_last, dc_last, cache):
    tokens, mask, V, caches = cache
    dx, weights, dh_next, dc_next = [None] * len(caches), [], dh_last, dc_last
    for t in reversed(range(len(caches))):
        here = mask[:, t, None]
        dh_next = dh_next + dh[:, t] * here
        dx[t], dh_prev, dc_prev, *new = lstm_step_backward(dh_next, dc_next, caches[t])
        dh_next, dc_next = np.where(here, dh_prev, dh_next), np.where(here, dc_prev, dc_next)
        weights.append(new)
    return embedding_backward(np.stack(dx, axis=1), (tokens, V)), *total_of(weights)


def backward(
    dh, dh_last, dc_last, cache, *, let_in=False, add=True, h_on=1, c_on=1, rows=embedding_backward
):
    """The right one, but for what is said."""
    tokens, mask, V, caches = cache
    dx, total = [None] * len(caches), None
    for t in reversed(range(len(caches))):
        here = mask[:, t, None]
        arrived = dh_last + dh[:, t] * (1 if let_in else here)
        dx[t], dh_prev, dc_prev, *new = lstm_step_backward(
            arrived * here, dc_last * here, caches[t]
        )
        dh_last = np.where(here, h_on * dh_prev, arrived)
        dc_last = np.where(here, c_on * dc_prev, dc_last)
        total = [a + b for a, b in zip(total, new, strict=True)] if add and total else new
    return rows(np.stack(dx, axis=1), (tokens, V)), *total


@slip("encode_backward", "dE", "dh at padding let in")
def dh_of_padding(dh, dh_last, dc_last, cache):
    return backward(dh, dh_last, dc_last, cache, let_in=True)


@slip("encode_backward", "dE", "dh_last left out")
def dh_alone(dh, dh_last, dc_last, cache):
    return backward(dh, np.zeros_like(dh_last), dc_last, cache)


@slip("encode_backward", "dE", "dc_last left out")
def no_cell_from_outside(dh, dh_last, dc_last, cache):
    return backward(dh, dh_last, 0 * dc_last, cache)


@slip("encode_backward", "dE", "dh_last and dc_last left out")
def nothing_from_the_decoder(dh, dh_last, dc_last, cache):
    return backward(dh, 0 * dh_last, 0 * dc_last, cache)


@slip("encode_backward", "dE", "dh left out")
def only_the_last_states(dh, dh_last, dc_last, cache):
    return backward(np.zeros_like(dh), dh_last, dc_last, cache)


@slip("encode_backward", "dE", "dh_last and dc_last exchanged")
def cell_before_state(dh, dh_last, dc_last, cache):
    return backward(dh, dc_last, dh_last, cache)


@slip("encode_backward", "dWx", "= for += over time")
def weights_of_the_first_step(dh, dh_last, dc_last, cache):
    return backward(dh, dh_last, dc_last, cache, add=False)


@slip("encode_backward", "dE", "gradient from the next step's cell not carried")
def cell_cut(dh, dh_last, dc_last, cache):
    return backward(dh, dh_last, dc_last, cache, c_on=0)


@slip("encode_backward", "dE", "gradient from the next step's h not added")
def state_cut(dh, dh_last, dc_last, cache):
    return backward(dh, dh_last, dc_last, cache, h_on=0)


@slip("encode_backward", "dE", "repeated words overwrite each other")
def plus_equals_on_rows(dh, dh_last, dc_last, cache):
    def rows(dx, words):
        dE = np.zeros((words[1], dx.shape[-1]), dx.dtype)
        dE[words[0]] += dx
        return dE

    return backward(dh, dh_last, dc_last, cache, rows=rows)


@slip("encode_backward", "dE", "mean over the batch")
def averaged_over_sentences(dh, dh_last, dc_last, cache):
    return tuple(d / len(dh) for d in backward(dh, dh_last, dc_last, cache))


@slip("encode_backward", "dh_last", "argument changed in place")
def collected_in_dh_last(dh, dh_last, dc_last, cache):
    tokens, mask, V, caches = cache
    dx, weights = [None] * len(caches), []
    for t in reversed(range(len(caches))):
        here = mask[:, t, None]
        dh_last += dh[:, t] * here
        dx[t], dh_prev, dc_prev, *new = lstm_step_backward(
            dh_last * here, dc_last * here, caches[t]
        )
        dh_last[:] = np.where(here, dh_prev, dh_last)
        dc_last = np.where(here, dc_prev, dc_last)
        weights.append(new)
    return embedding_backward(np.stack(dx, axis=1), (tokens, V)), *total_of(weights)


@slip("encode_backward", "cache", "cache changed in place")
def caches_popped(dh, dh_last, dc_last, cache):
    tokens, mask, V, caches = cache
    steps = [caches.pop() for _ in range(len(caches))][::-1]
    return backward(dh, dh_last, dc_last, (tokens, mask, V, steps))


@slip("encode_backward", "dE")
def gradient_of_the_words_themselves(dh, dh_last, dc_last, cache):
    return backward(dh, dh_last, dc_last, cache, rows=lambda dx, words: dx)


@slip("encode_backward", "dE")
def gradients_summed_first(dh, dh_last, dc_last, cache):
    return backward(0 * dh, dh_last + dh.sum(axis=1), dc_last, cache)


# seq2seq_loss -------------------------------------------------------------------------------------


def weights_of(params, name):
    return (params[f"{name}_{w}"] for w in ("Wx", "Wh", "b"))


def named(*grads):
    names = "E_src E_tgt enc_Wx enc_Wh enc_b dec_Wx dec_Wh dec_b Wy by".split()
    return dict(zip(names, grads, strict=True))


def loss_of(source, target, params, *, pairs=None, states=None, back=None, loss_of_scores=None):
    """The right one, but for what is handed in."""
    states_of, h, c, encoder = encode(*source, params["E_src"], *weights_of(params, "enc"))
    h0, c0 = states(h, c) if states else (h, c)
    tokens, mask = target
    read, asked, counted = pairs or (tokens[:, :-1], tokens[:, 1:], mask[:, 1:])
    x = embedding_forward(read, params["E_tgt"])
    h, _, decoder = lstm_forward(x, h0, c0, *weights_of(params, "dec"))
    scores = readout(h, params["Wy"], params["by"])
    loss, dscores = (loss_of_scores or temporal_softmax_loss)(scores, asked, counted)
    dh, dWy, dby = readout_backward(dscores, h, params["Wy"])
    dx, dh0, dc0, *decoder = lstm_backward(dh, np.zeros_like(c), decoder)
    dE_tgt = embedding_backward(dx, (read, len(params["E_tgt"])))
    dh0, dc0 = back(dh0, dc0) if back else (dh0, dc0)
    dE_src, *encoder = encode_backward(np.zeros_like(states_of), dh0, dc0, encoder)
    return loss, named(dE_src, dE_tgt, *encoder, *decoder, dWy, dby)


@slip("seq2seq_loss", "loss", "target mask ignored")
def plain_softmax_loss(source, target, params):
    return loss_of(
        source, target, params, loss_of_scores=lambda scores, asked, _: softmax_loss(scores, asked)
    )


@slip("seq2seq_loss", "loss", "target mask not shifted")
def mask_of_what_is_read(source, target, params):
    tokens, mask = target
    pairs = tokens[:, :-1], tokens[:, 1:], mask[:, :-1]
    return loss_of(source, target, params, pairs=pairs)


@slip("seq2seq_loss", "loss", "asked for the word that it reads")
def asked_what_it_reads(source, target, params):
    tokens, mask = (a[:, :-1] for a in target)
    return loss_of(source, target, params, pairs=(tokens, tokens, mask))


@slip("seq2seq_loss", "loss", "reads the word that it is asked for")
def peeks(source, target, params):
    tokens, mask = (a[:, 1:] for a in target)
    return loss_of(source, target, params, pairs=(tokens, tokens, mask))


@slip("seq2seq_loss", "loss", "START asked for too")
def not_shifted_at_all(source, target, params):
    tokens, mask = target
    return loss_of(source, target, params, pairs=(tokens, tokens, mask))


@slip("seq2seq_loss", "loss", "source mask ignored")
def encoder_reads_padding(source, target, params):
    words, there = source
    return loss_of((words, there | True), target, params)


@slip("seq2seq_loss", "loss", "decoder starts from zeros")
def two_strangers(source, target, params):
    def nothing(*states):
        return [np.zeros_like(state) for state in states]

    return loss_of(source, target, params, states=nothing, back=nothing)


@slip("seq2seq_loss", "loss", "cell not handed over")
def only_h_is_handed_over(source, target, params):
    return loss_of(
        source,
        target,
        params,
        states=lambda h, c: (h, np.zeros_like(c)),
        back=lambda dh, dc: (dh, np.zeros_like(dc)),
    )


@slip("seq2seq_loss", "grads['E_src']", "encoder learns nothing")
def states_are_data(source, target, params):
    return loss_of(source, target, params, back=lambda dh, dc: (0 * dh, 0 * dc))


@slip("seq2seq_loss", "grads['E_src']", "gradient of the cell not handed back")
def only_dh_comes_back(source, target, params):
    return loss_of(source, target, params, back=lambda dh, dc: (dh, 0 * dc))


@slip("seq2seq_loss", "grads['E_src']", "gradient of h not handed back")
def only_dc_comes_back(source, target, params):
    return loss_of(source, target, params, back=lambda dh, dc: (np.zeros_like(dh), dc))


@slip("seq2seq_loss", "loss", "h and c exchanged on the way")
def c_and_h(source, target, params):
    return loss_of(source, target, params, states=lambda h, c: (c, h), back=lambda dh, dc: (dc, dh))


@slip("seq2seq_loss", "loss", "divided by the number of words")
def loss_a_word(source, target, params):
    def a_word(scores, asked, mask):
        loss, dscores = temporal_softmax_loss(scores, asked, mask)
        share = len(mask) / mask.sum()
        return loss * share, dscores * share

    return loss_of(source, target, params, loss_of_scores=a_word)


@slip("seq2seq_loss", "grads['E_src']", "gradients not divided by N")
def gradients_of_the_sum(source, target, params):
    def of_the_sum(scores, asked, mask):
        loss, dscores = temporal_softmax_loss(scores, asked, mask)
        return loss, dscores * len(mask)

    return loss_of(source, target, params, loss_of_scores=of_the_sum)


@slip("seq2seq_loss", "grads['E_src']", "repeated words overwrite each other")
def rows_of_source_words_overwritten(source, target, params):
    words, there = source
    loss, grads = loss_of(source, target, params)
    # The same backward pass, with the words' gradients assigned to their rows.
    states, h, c, cache = encode(words, there, params["E_src"], *weights_of(params, "enc"))
    tokens, mask = target
    x = params["E_tgt"][tokens[:, :-1]]
    h_dec, _, decoder = lstm_forward(x, h, c, *weights_of(params, "dec"))
    scores = readout(h_dec, params["Wy"], params["by"])
    _, dscores = temporal_softmax_loss(scores, tokens[:, 1:], mask[:, 1:])
    dh, *_ = readout_backward(dscores, h_dec, params["Wy"])
    dx, dh, dc, *_ = lstm_backward(dh, np.zeros_like(c), decoder)
    grads["E_tgt"] = np.zeros_like(params["E_tgt"])
    grads["E_tgt"][tokens[:, :-1]] = dx
    grads["E_src"] = np.zeros_like(params["E_src"])
    _, _, V, caches = cache
    for t in reversed(range(words.shape[1])):
        here = there[:, t, None]
        dx, dh_prev, dc_prev, *_ = lstm_step_backward(dh * here, dc * here, caches[t])
        dh, dc = np.where(here, dh_prev, dh), np.where(here, dc_prev, dc)
        caches[t] = dx
    grads["E_src"][words] = np.stack(caches, axis=1)
    return loss, grads


@slip("seq2seq_loss", "grads")
def gradients_as_a_list(source, target, params):
    loss, grads = loss_of(source, target, params)
    return loss, list(grads.values())


@slip("seq2seq_loss", "grads")
def encoders_gradients_forgotten(source, target, params):
    loss, grads = loss_of(source, target, params)
    return loss, {k: g for k, g in grads.items() if not k.startswith("enc")}


# masked_softmax -----------------------------------------------------------------------------------


@slip("masked_softmax", "weights", "mask ignored")
def plain_softmax(scores, mask):
    return softmax(scores)


@slip("masked_softmax", "weights", "mask applied afterwards")
def zeros_put_in(scores, mask):
    weights = softmax(scores)
    weights[~mask] = 0
    return weights


@slip("masked_softmax", "weights", "padding with a score of 0")
def scores_put_to_zero(scores, mask):
    return softmax(np.where(mask, scores, 0))


@slip("masked_softmax", "weights", "mask upside down")
def mask_for_padding(scores, mask):
    scores = np.where(mask, -1e9, scores)
    return softmax(np.where(mask.all(axis=1, keepdims=True), np.nan, scores))


@slip("masked_softmax", "weights", "exp overflows")
def no_shift(scores, mask):
    e = np.exp(scores) * mask
    return e / e.sum(axis=1, keepdims=True)


@slip("masked_softmax", "weights", "shifted by a score of the padding")
def shift_before_the_mask(scores, mask):
    e = np.where(mask, np.exp(scores - scores.max(axis=-1, keepdims=True)), 0)
    return e / e.sum(axis=-1, keepdims=True)


@slip("masked_softmax", "weights", "padding at -100")
def minus_a_hundred(scores, mask):
    return softmax(np.where(mask, scores, -100))


@slip("masked_softmax", "weights", "padding at -1000")
def minus_a_thousand(scores, mask):
    return softmax(np.where(mask, scores, -1e3))


@slip("masked_softmax", "weights", "mask added to the scores")
def mask_as_a_bonus(scores, mask):
    return softmax(scores + mask.astype(scores.dtype))


@slip("masked_softmax", "weights", "shifted by a score of the padding")
def plain_softmax_divided_anew(scores, mask):
    weights = softmax(scores) * mask
    return weights / weights.sum(axis=1, keepdims=True)


@slip("masked_softmax", "weights")
def a_guard_in_the_sum(scores, mask):
    e = np.exp(scores - np.where(mask, scores, -np.inf).max(axis=1, keepdims=True))
    e = np.where(mask, e, 0)
    return e / (e.sum(axis=1, keepdims=True) + 1e-8)


@slip("masked_softmax", "scores", "argument changed in place")
def scores_overwritten(scores, mask):
    scores[~mask] = -np.inf
    return softmax(scores)


# translate ----------------------------------------------------------------------------------------


def translating(
    source, params, start, end, max_length, *, until="own", feed=True, carry=True, zero_c=False
):
    """The right one, but for what is said."""
    words, mask = source
    _, h, c, _ = encode(words, mask, params["E_src"], *weights_of(params, "enc"))
    c = 0 * c if zero_c else c
    token = np.full(len(words), start)
    rows, done = [[] for _ in words], np.zeros(len(words), bool)
    for _ in range(max_length):
        x = params["E_tgt"][token]
        h_new, c_new, _ = lstm_step_forward(x, h, c, *weights_of(params, "dec"))
        said = readout(h_new, params["Wy"], params["by"]).argmax(axis=1)
        h, c = (h_new, c_new) if carry else (h, c)
        token = said if feed else token
        done |= said == end
        if until == "any" and done.any():
            break
        for n, word in enumerate(said):
            if until == "never" or (until == "on" and word != end) or not done[n]:
                rows[n].append(int(word))
    return rows


@slip("translate", "translations", "all stop when the first one stops")
def break_at_any_end(source, params, start, end, max_length):
    return translating(source, params, start, end, max_length, until="any")


@slip("translate", "translations", "never stops")
def all_the_way(source, params, start, end, max_length):
    return translating(source, params, start, end, max_length, until="never")


@slip("translate", "translations", "goes on after END")
def end_left_out(source, params, start, end, max_length):
    return translating(source, params, start, end, max_length, until="on")


@slip("translate", "translations", "START read at every step")
def not_fed_back(source, params, start, end, max_length):
    return translating(source, params, start, end, max_length, feed=False)


@slip("translate", "translations", "decoder's state not carried on")
def always_from_the_encoder(source, params, start, end, max_length):
    return translating(source, params, start, end, max_length, carry=False)


@slip("translate", "translations", "cell not handed over")
def a_fresh_cell(source, params, start, end, max_length):
    return translating(source, params, start, end, max_length, zero_c=True)


@slip("translate", "translations", "source mask ignored")
def padding_read(source, params, start, end, max_length):
    words, mask = source
    return translating((words, np.ones_like(mask)), params, start, end, max_length)


@slip("translate", "translations", "END among the words")
def end_is_kept(source, params, start, end, max_length):
    def one(n):
        words, mask = (a[n : n + 1] for a in source)
        _, h, c, _ = encode(words, mask, params["E_src"], *weights_of(params, "enc"))
        said = [start]
        while len(said) <= max_length and said[-1] != end:
            x = params["E_tgt"][said[-1:]]
            h, c, _ = lstm_step_forward(x, h, c, *weights_of(params, "dec"))
            said.append(int(readout(h, params["Wy"], params["by"]).argmax()))
        return said[1:]

    return [one(n) for n in range(len(source[0]))]


@slip("translate", "translations", "START among the words")
def start_is_kept(source, params, start, end, max_length):
    rows = translating(source, params, start, end, max_length)
    return [[start] + row for row in rows]


@slip("translate", "translations", "one step too few")
def start_counted_as_a_word(source, params, start, end, max_length):
    return translating(source, params, start, end, max(max_length - 1, 0))


@slip("translate", "translations", "one step too many")
def one_more(source, params, start, end, max_length):
    return translating(source, params, start, end, max_length + 1)


@slip("translate", "translations", "first sentence's states for all")
def one_encoder_state(source, params, start, end, max_length):
    words, mask = source
    first = np.repeat(words[:1], len(words), 0), np.repeat(mask[:1], len(mask), 0)
    return translating(first, params, start, end, max_length)


@slip("translate", None)
def target_words_looked_up_in_the_source(source, params, start, end, max_length):
    return translating(source, params | {"E_tgt": params["E_src"]}, start, end, max_length)


@slip("translate", "translations")
def an_array(source, params, start, end, max_length):
    rows = translating(source, params, start, end, max_length, until="never")
    return np.array(rows)


@slip("translate", "translations")
def words_as_text(source, params, start, end, max_length):
    rows = translating(source, params, start, end, max_length)
    return [" ".join(map(str, row)) for row in rows]


@slip("translate", "source", "argument changed in place")
def mask_filled_in(source, params, start, end, max_length):
    rows = translating(source, params, start, end, max_length)
    source[1][:] = True
    return rows
