"""Right answers to notebook 10."""

from itertools import zip_longest
from types import SimpleNamespace

import numpy as np
from answers import Styles

from helpers.embedding import one_hot
from helpers.losses import softmax, temporal_softmax_loss
from helpers.lstm import (
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
)

style = Styles()


# pad_batch ----------------------------------------------------------------------------------------


@style("pad_batch")
def row_by_row(sequences, pad):
    T = max(len(row) for row in sequences)
    tokens = np.full((len(sequences), T), pad, dtype=np.int32)
    mask = np.zeros((len(sequences), T), dtype=bool)
    for n, row in enumerate(sequences):
        tokens[n, : len(row)] = row
        mask[n, : len(row)] = True
    return tokens, mask


@style("pad_batch")
def lists_first(sequences, pad):
    T = max(map(len, sequences))
    rows = [list(row) + [pad] * (T - len(row)) for row in sequences]
    there = [[True] * len(row) + [False] * (T - len(row)) for row in sequences]
    return [np.array(rows), np.array(there)]


@style("pad_batch")
def zipped_and_turned(sequences, pad):
    tokens = np.array(list(zip_longest(*sequences, fillvalue=pad))).T
    return tokens, tokens != pad


# encode -------------------------------------------------------------------------------------------


def start(tokens, Wh):
    zero = np.zeros((len(tokens), len(Wh)), Wh.dtype)
    return zero, zero


@style("encode")
def sentence_by_sentence(tokens, mask, E, Wx, Wh, b):
    N, T = tokens.shape
    h = np.zeros((N, T, len(Wh)), Wh.dtype)
    h_last, c_last = np.zeros((2, N, len(Wh)), Wh.dtype)
    caches = []
    for n in range(N):
        length = int(mask[n].sum())
        zero = np.zeros((1, len(Wh)), Wh.dtype)
        one, c, cache = lstm_forward(E[tokens[n : n + 1, :length]], zero, zero, Wx, Wh, b)
        h[n, :length], h_last[n], c_last[n] = one[0], one[0, -1], c[0]
        caches.append(cache)
    return h, h_last, c_last, caches


@style("encode")
def states_picked_at_their_ends(tokens, mask, E, Wx, Wh, b):
    h, c = start(tokens, Wh)
    states, cells = [], []
    for t in range(tokens.shape[1]):
        h, c, _ = lstm_step_forward(E[tokens[:, t]], h, c, Wx, Wh, b)
        states.append(h)
        cells.append(c)
    rows, last = np.arange(len(tokens)), mask.sum(axis=1) - 1
    h, c = np.stack(states, axis=1), np.stack(cells, axis=1)
    return np.where(mask[..., None], h, 0), h[rows, last], c[rows, last], {"anything": None}


@style("encode")
def only_the_living_rows(tokens, mask, E, Wx, Wh, b):
    N, T = tokens.shape
    h = np.zeros((N, T, len(Wh)), Wh.dtype)
    h_now, c_now = np.zeros((2, N, len(Wh)), Wh.dtype)
    for t in range(T):
        alive = np.flatnonzero(mask[:, t])
        if not len(alive):
            break
        x = E[tokens[alive, t]]
        h_now[alive], c_now[alive], _ = lstm_step_forward(x, h_now[alive], c_now[alive], Wx, Wh, b)
        h[alive, t] = h_now[alive]
    return h, h_now, c_now, None


@style("encode")
def mixed_by_the_mask(tokens, mask, E, Wx, Wh, b):
    h, c = start(tokens, Wh)
    m, states = mask.astype(Wh.dtype), []
    for t in range(tokens.shape[1]):
        h_new, c_new, _ = lstm_step_forward(E[tokens[:, t]], h, c, Wx, Wh, b)
        here = m[:, t : t + 1]
        h, c = here * h_new + (1 - here) * h, here * c_new + (1 - here) * c
        states.append(h)
    return np.transpose(states, (1, 0, 2)) * m[:, :, None], h, c, SimpleNamespace(mask=mask)


# encode_backward ----------------------------------------------------------------------------------


def alone(tokens, mask, E, Wx, Wh, b):
    *outputs, caches = sentence_by_sentence(tokens, mask, E, Wx, Wh, b)
    return *outputs, {"tokens": tokens, "lengths": mask.sum(axis=1), "V": len(E), "each": caches}


@style("encode_backward", forward=alone)
def sentence_by_sentence_back(dh, dh_last, dc_last, cache):
    dE, total = 0, None
    for n, (length, one) in enumerate(zip(cache["lengths"], cache["each"], strict=True)):
        into = dh[n : n + 1, :length].copy()
        into[:, -1] += dh_last[n]
        dx, _, _, *new = lstm_backward(into, dc_last[n : n + 1], one)
        hot = one_hot(cache["tokens"][n, :length], cache["V"]).astype(dx.dtype)
        dE = dE + hot.T @ dx[0]
        total = [a + b for a, b in zip(total, new, strict=True)] if total else new
    return dE, *total


def stepwise(tokens, mask, E, Wx, Wh, b):
    h, c = start(tokens, Wh)
    states, steps = [], []
    for t in range(tokens.shape[1]):
        here = mask[:, t][:, None]
        h_new, c_new, step = lstm_step_forward(E[tokens[:, t]], h, c, Wx, Wh, b)
        h, c = np.where(here, h_new, h), np.where(here, c_new, c)
        states.append(np.where(here, h_new, np.zeros_like(h)))
        steps.append((tokens[:, t], here, step))
    return np.stack(states, 1), h, c, (steps, E, Wx, Wh, b)


@style("encode_backward", forward=stepwise)
def where_it_stood_still(dh, dh_last, dc_last, cache):
    steps, *weights = cache
    dE, dWx, dWh, db = (np.zeros_like(w) for w in weights)
    for t, (words, here, step) in list(enumerate(steps))[::-1]:
        dh_t = np.where(here, dh[:, t] + dh_last, 0).astype(dh.dtype)
        dx, dh_prev, dc_prev, *new = lstm_step_backward(dh_t, np.where(here, dc_last, 0), step)
        np.add.at(dE, words, dx)
        dWx, dWh, db = dWx + new[0], dWh + new[1], db + new[2]
        dh_last, dc_last = np.where(here, dh_prev, dh_last), np.where(here, dc_prev, dc_last)
    return dE, dWx, dWh, db


@style("encode_backward", forward=stepwise)
def gradients_put_in_at_the_ends(dh, dh_last, dc_last, cache):
    steps, *weights = cache
    dE, dWx, dWh, db = (np.zeros_like(w) for w in weights)
    lengths = sum(here[:, 0].astype(int) for _, here, _ in steps)
    dh_next, dc_next = np.zeros_like(dh_last), np.zeros_like(dc_last)
    for t in range(len(steps) - 1, -1, -1):
        words, here, step = steps[t]
        ends = (lengths == t + 1)[:, None]
        dh_t = dh[:, t] * here + dh_next + dh_last * ends
        dx, dh_next, dc_next, *new = lstm_step_backward(dh_t, dc_next + dc_last * ends, step)
        np.add.at(dE, words, dx)
        for total, d in zip((dWx, dWh, db), new, strict=True):
            total += d
    return dE, dWx, dWh, db


# seq2seq_loss -------------------------------------------------------------------------------------


def three(params, name):
    return [params[f"{name}_{w}"] for w in ("Wx", "Wh", "b")]


@style("seq2seq_loss")
def in_one_go(source, target, params):
    (words, there), (tokens, mask) = source, target
    N, T = tokens.shape
    states, h, c, encoder = stepwise(words, there, params["E_src"], *three(params, "enc"))
    x = params["E_tgt"][tokens[:, : T - 1]]
    h_dec, _, decoder = lstm_forward(x, h, c, *three(params, "dec"))
    scores = h_dec @ params["Wy"] + params["by"]
    loss, dscores = temporal_softmax_loss(scores, tokens[:, 1:], mask[:, 1:])
    grads = {"by": dscores.sum(axis=(0, 1))}
    grads["Wy"] = np.einsum("nth,ntv->hv", h_dec, dscores)
    dx, dh, dc, *rest = lstm_backward(dscores @ params["Wy"].T, np.zeros_like(c), decoder)
    grads["dec_Wx"], grads["dec_Wh"], grads["dec_b"] = rest
    grads["E_tgt"] = np.zeros_like(params["E_tgt"])
    np.add.at(grads["E_tgt"], tokens[:, :-1], dx)
    rest = where_it_stood_still(np.zeros_like(states), dh, dc, encoder)
    grads["E_src"], grads["enc_Wx"], grads["enc_Wh"], grads["enc_b"] = rest
    return float(loss), grads


@style("seq2seq_loss")
def pair_by_pair(source, target, params):
    (words, there), (tokens, mask) = source, target
    N, total = len(words), 0.0
    grads = {name: np.zeros_like(array) for name, array in params.items()}
    for n in range(N):
        row, said = words[n, there[n]][None], tokens[n, mask[n]][None]
        zero = np.zeros((1, len(params["enc_Wh"])), params["enc_Wh"].dtype)
        h, c, encoder = lstm_forward(params["E_src"][row], zero, zero, *three(params, "enc"))
        x = params["E_tgt"][said[:, :-1]]
        h_dec, _, decoder = lstm_forward(x, h[:, -1], c, *three(params, "dec"))
        p = softmax(h_dec @ params["Wy"] + params["by"])
        steps = np.arange(p.shape[1])
        total -= np.log(p[0, steps, said[0, 1:]]).sum() / N
        d = p / N
        d[0, steps, said[0, 1:]] -= 1 / N
        dx, dh, dc, *dec = lstm_backward(d @ params["Wy"].T, zero, decoder)
        into = np.zeros_like(h)
        into[:, -1] = dh
        dw, _, _, *enc = lstm_backward(into, dc, encoder)
        np.add.at(grads["E_src"], row, dw)
        np.add.at(grads["E_tgt"], said[:, :-1], dx)
        for name, new in (("enc", enc), ("dec", dec)):
            for w, g in zip(("Wx", "Wh", "b"), new, strict=True):
                grads[f"{name}_{w}"] += g
        grads["Wy"] += h_dec[0].T @ d[0]
        grads["by"] += d[0].sum(axis=0)
    return total, grads


# masked_softmax -----------------------------------------------------------------------------------


@style("masked_softmax")
def minus_infinity(scores, mask):
    return softmax(np.where(mask, scores, -np.inf))


@style("masked_softmax")
def far_below(scores, mask):
    return softmax(np.where(mask, scores, -1e9))


@style("masked_softmax")
def place_by_place(scores, mask):
    weights = np.zeros_like(scores)
    for n in range(len(scores)):
        weights[n, mask[n]] = softmax(scores[n, mask[n]])
    return weights


@style("masked_softmax")
def shifted_by_the_largest_that_counts(scores, mask):
    largest = np.max(scores, axis=1, keepdims=True, where=mask, initial=-np.inf)
    e = np.exp(np.minimum(scores - largest, 0)) * mask
    return e / e.sum(axis=1)[:, None]


# translate ----------------------------------------------------------------------------------------


@style("translate")
def sentence_after_sentence(source, params, start, end, max_length):
    translations = []
    for words, there in zip(*source, strict=True):
        x = params["E_src"][words[there]][None]
        h = c = np.zeros((1, len(params["enc_Wh"])))
        for t in range(x.shape[1]):
            h, c, _ = lstm_step_forward(x[:, t], h, c, *three(params, "enc"))
        token, said = start, []
        for _ in range(max_length):
            x = params["E_tgt"][token][None]
            h, c, _ = lstm_step_forward(x, h, c, *three(params, "dec"))
            token = int(np.argmax(h @ params["Wy"] + params["by"]))
            if token == end:
                break
            said.append(token)
        translations.append(said)
    return translations


@style("translate")
def all_at_once_and_cut_afterwards(source, params, start, end, max_length):
    words, there = source
    *_, h, c, _ = stepwise(words, there, params["E_src"], *three(params, "enc"))
    table = np.full((len(words), max_length), end)
    token = np.repeat(start, len(words))
    for k in range(max_length):
        h, c, _ = lstm_step_forward(params["E_tgt"][token], h, c, *three(params, "dec"))
        token = table[:, k] = (h @ params["Wy"] + params["by"]).argmax(axis=-1)
    over = np.cumsum(table == end, axis=1) > 0
    return [row[~gone] for row, gone in zip(table, over, strict=True)]


@style("translate")
def rows_that_go_on(source, params, start, end, max_length):
    words, there = source
    *_, h, c, _ = stepwise(words, there, params["E_src"], *three(params, "enc"))
    rows, alive = tuple([] for _ in words), np.arange(len(words))
    token = np.full(len(words), start)
    while len(alive) and max_length > 0:
        max_length -= 1
        h, c, _ = lstm_step_forward(params["E_tgt"][token], h, c, *three(params, "dec"))
        token = (h @ params["Wy"] + params["by"]).argmax(axis=1)
        on = token != end
        h, c, token, alive = h[on], c[on], token[on], alive[on]
        for n, word in zip(alive, token, strict=True):
            rows[n].append(word)
    return rows
