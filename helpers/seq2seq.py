"""Sequence to sequence: one LSTM reads a sentence, another one writes its translation.

The encoder's last states are the decoder's first (Sutskever, Vinyals and Le 2014; Cho et al. 2014).
With attention the decoder also looks back at all of the encoder's states before it names a word:

    scores_l = h_t · s_l,   weights = softmax over the words that are there
    z_t = Σ_l weights_l s_l,   word scores = [h_t, z_t] Wy + by

(Luong, Pham and Manning 2015, with the dot product and without their extra layer.)

Shapes: N sentences, S and T words of source and target, V vocabulary size, D width of a word's
embedding, H hidden units of both networks. Sentences of different lengths are padded at their end;
a mask is True where a word is. Parameters are dicts of arrays.
"""

import numpy as np

from helpers.embedding import embedding_backward, embedding_forward
from helpers.losses import softmax, temporal_softmax_loss
from helpers.lstm import (
    init_lstm,
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
)
from helpers.rnn import readout, readout_backward
from helpers.validate import expect_array, expect_tokens

ENCODER, DECODER = (tuple(f"{name}_{w}" for w in ("Wx", "Wh", "b")) for name in ("enc", "dec"))
PARAMETERS = ("E_src", "E_tgt", *ENCODER, *DECODER, "Wy", "by")

# --- sentences of different lengths ---------------------------------------------------------------


def pad_batch(sequences, pad):
    """Sequences of different lengths as one array.

    Args:
        sequences: list of lists of token ids.
        pad: the token that fills the short ones up.

    Returns:
        tokens (N, T) integers, T the length of the longest, and mask (N, T) bool, True where a
        sequence's own token stands.

    Raises:
        ValueError: no sequences at all, or a token that is no integer.
    """
    if not len(sequences):
        raise ValueError("sequences: expected at least one, got none; check how the batch was cut")
    lengths = np.array([len(row) for row in sequences])
    mask = np.arange(lengths.max()) < lengths[:, None]  # (N, T)
    flat = np.array([token for row in sequences for token in row])
    if len(flat) and flat.dtype.kind not in "iu":
        raise ValueError(
            f"sequences: expected integer tokens, got {flat.dtype}; encode the words first"
        )
    tokens = np.full(mask.shape, pad)
    tokens[mask] = flat
    return tokens, mask


def _expect_batch(name, tokens, mask, V):
    expect_tokens(name, tokens, V, shape=("N", "T"))
    expect_array(f"{name} mask", mask, tokens.shape, f"{name} has shape {tokens.shape}")
    if mask.dtype != bool:
        raise TypeError(
            f"{name} mask: expected dtype bool, got {mask.dtype}; pad_batch makes one, "
            "or compare: tokens != PAD"
        )
    if (mask[:, 1:] & ~mask[:, :-1]).any():
        raise ValueError(
            f"{name} mask: expected padding at the end of the rows only, got some before a token; "
            "pad on the right"
        )


# --- the encoder ----------------------------------------------------------------------------------


def encode(tokens, mask, E, Wx, Wh, b):
    """An LSTM over sentences of different lengths, from zero states.

    A row whose sentence is over keeps its state, so that at the end every row holds the state at
    its own last word; padding changes nothing.

    Args:
        tokens: (N, T) integers, padded at the end.
        mask: (N, T) bool, True where a word is.
        E: (V, D) the embedding.
        Wx, Wh, b: (D, 4H), (H, 4H), (4H,), gates in the order i, f, o, g.

    Returns:
        h (N, T, H), zero where there is padding; h_last, c_last (N, H); and a cache for
        `encode_backward`.

    Raises:
        TypeError, ValueError: an argument that does not fit the others; the message says which.
    """
    expect_array("E", E, ("V", "D"))
    _expect_batch("tokens", tokens, mask, len(E))
    x = embedding_forward(tokens, E)  # (N, T, D)
    h = c = np.zeros_like(Wh, shape=(len(tokens), len(Wh)), dtype=np.result_type(E, Wx, Wh, b))
    states, caches = [], []
    for t in range(x.shape[1]):
        h_new, c_new, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        here = mask[:, t, None]
        h, c = np.where(here, h_new, h), np.where(here, c_new, c)  # (N, H)
        states.append(np.where(here, h_new, 0))
        caches.append(cache)
    return np.stack(states, axis=1), h, c, (tokens, mask, len(E), caches)


def encode_backward(dh, dh_last, dc_last, cache):
    """Gradients of the encoder.

    Args:
        dh: (N, T, H) gradient arriving at every h; where there is padding it goes nowhere.
        dh_last, dc_last: (N, H) gradients arriving at the states at each sentence's end.
        cache: what `encode` returned.

    Returns:
        dE (V, D), dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    tokens, mask, V, caches = cache
    N, T = tokens.shape
    expect_array("dh_last", dh_last, (N, "H"), f"there are {N} sentences")
    expect_array("dh", dh, (N, T, dh_last.shape[1]), "that is the shape of h")
    expect_array("dc_last", dc_last, dh_last.shape, "that is the shape of c_last")
    dx, dweights = [None] * T, 0
    for t in reversed(range(T)):
        here = mask[:, t, None]
        dx[t], dh_prev, dc_prev, *new = lstm_step_backward(
            (dh[:, t] + dh_last) * here, dc_last * here, caches[t]
        )
        dh_last = np.where(here, dh_prev, dh_last)  # a row that was over hands on what arrived
        dc_last = np.where(here, dc_prev, dc_last)
        dweights = [w + n for w, n in zip(dweights, new, strict=True)] if dweights else new
    return embedding_backward(np.stack(dx, axis=1), (tokens, V)), *dweights


# --- looking back ---------------------------------------------------------------------------------


def masked_softmax(scores, mask):
    """A softmax over the places that are there: the others get a weight of 0.

    Args:
        scores: (N, L).
        mask: (N, L) bool, at least one True in every row.

    Returns:
        weights (N, L); every row sums to 1.

    Raises:
        TypeError, ValueError: another shape, a mask of numbers, or a row without any place.
    """
    expect_array("scores", scores, ("N", "L"))
    expect_array("mask", mask, scores.shape, "it has an entry a score")
    if mask.dtype != bool:
        raise TypeError(f"mask: expected dtype bool, got {mask.dtype}; compare: tokens != PAD")
    if not mask.any(axis=1).all():
        raise ValueError(
            "mask: expected at least one place in every row, got a row without any; "
            "leave the empty sentence out"
        )
    return softmax(np.where(mask, scores, -np.inf))


def look_back(h, states, mask, masked_softmax=masked_softmax):
    """All looks of a decoder at once; a state is its own key and value.

    Args:
        h: (N, T, H) the decoder's states, which ask.
        states: (N, S, H) the encoder's.
        mask: (N, S) bool, True where a source word is.
        masked_softmax: such as a student's own.

    Returns:
        context (N, T, H), weights (N, T, S).
    """
    scores = h @ states.swapaxes(1, 2)  # (N, T, S)
    flat = scores.reshape(-1, scores.shape[2])
    weights = masked_softmax(flat, np.repeat(mask, h.shape[1], axis=0)).reshape(scores.shape)
    return weights @ states, weights


def look_back_backward(dcontext, h, states, weights):
    """Gradients of `look_back`: dh (N, T, H), dstates (N, S, H)."""
    dweights = dcontext @ states.swapaxes(1, 2)  # (N, T, S)
    dscores = weights * (dweights - (weights * dweights).sum(axis=2, keepdims=True))
    dstates = weights.swapaxes(1, 2) @ dcontext + dscores.swapaxes(1, 2) @ h  # value and key
    return dscores @ states, dstates


# --- encoder and decoder --------------------------------------------------------------------------


def init_seq2seq(V_src, V_tgt, rng, *, D=32, H=128, attention=False, dtype=np.float32):
    """Random parameters of an encoder and a decoder.

    Args:
        V_src, V_tgt: sizes of the two vocabularies.
        rng: np.random.Generator.
        attention: whether the readout also reads the context, and Wy has 2H rows for H.

    Returns:
        dict of E_src (V_src, D), E_tgt (V_tgt, D), enc_Wx (D, 4H), enc_Wh (H, 4H), enc_b (4H,),
        dec_Wx, dec_Wh, dec_b, Wy (H, V_tgt), by (V_tgt,).
    """
    rows = 2 * H if attention else H
    params = {"E_src": rng.standard_normal((V_src, D)), "E_tgt": rng.standard_normal((V_tgt, D))}
    for names in (ENCODER, DECODER):
        params |= dict(zip(names, init_lstm(D, H, rng), strict=True))
    params["Wy"] = rng.standard_normal((rows, V_tgt)) / np.sqrt(rows)
    params["by"] = np.zeros(V_tgt)
    return {name: array.astype(dtype) for name, array in params.items()}


def _expect_params(params):
    missing = [name for name in PARAMETERS if name not in params]
    if missing:
        raise ValueError(
            f"params: expected the keys {', '.join(PARAMETERS)}, got none called {missing[0]!r}; "
            "init_seq2seq makes all of them"
        )


def seq2seq_loss(source, target, params):
    """Loss and gradients of a batch of translations, with teacher forcing.

    The decoder starts in the states in which the encoder ends, reads all tokens of the target but
    the last and is asked for all but the first.

    Args:
        source: (tokens (N, S), mask (N, S)).
        target: (tokens (N, T), mask (N, T)), START first and END last.
        params: dict of `PARAMETERS`.

    Returns:
        loss, the mean over the batch of the sum over the words, and grads, a dict like params.
    """
    return attention_seq2seq_loss(source, target, params, attention=False)


def attention_seq2seq_loss(
    source,
    target,
    params,
    encode=encode,
    encode_backward=encode_backward,
    masked_softmax=masked_softmax,
    *,
    attention=True,
):
    """`seq2seq_loss` of a decoder that looks back at the source before it names a word.

    Args:
        source, target: as in `seq2seq_loss`.
        params: as in `seq2seq_loss`, but Wy is (2H, V_tgt): half of it for the context.
        encode, encode_backward, masked_softmax: such as a student's own.
        attention: whether it does look back.

    Returns:
        loss, grads.
    """
    _expect_params(params)
    (words, there), (tokens, mask) = source, target
    _expect_batch("target", tokens, mask, len(params["E_tgt"]))
    encoding, decoding = ([params[name] for name in names] for names in (ENCODER, DECODER))
    states, h_last, c_last, encoder = encode(words, there, params["E_src"], *encoding)
    x = embedding_forward(tokens[:, :-1], params["E_tgt"])  # (N, T-1, D)
    h, _, decoder = lstm_forward(x, h_last, c_last, *decoding)
    if attention:
        context, weights = look_back(h, states, there, masked_softmax)
        seen = np.concatenate([h, context], axis=2)  # (N, T-1, 2H)
        loss, dseen, *readers = _word_loss(seen, target, params)
        dh, dcontext = np.split(dseen, 2, axis=2)
        dh_look, dstates = look_back_backward(dcontext, h, states, weights)
        dh = dh + dh_look
    else:
        loss, dh, *readers = _word_loss(h, target, params)
        dstates = np.zeros_like(states)
    dx, dh_last, dc_last, *decoder = lstm_backward(dh, np.zeros_like(c_last), decoder)
    dE_src, *encoder = encode_backward(dstates, dh_last, dc_last, encoder)
    dE_tgt = embedding_backward(dx, (tokens[:, :-1], len(params["E_tgt"])))
    grads = dE_src, dE_tgt, *encoder, *decoder, *readers
    return loss, dict(zip(PARAMETERS, grads, strict=True))


def _word_loss(seen, target, params):
    """Loss of the words that are asked for, and gradients of what the readout sees, Wy and by."""
    tokens, mask = (array[:, 1:] for array in target)
    scores = readout(seen, params["Wy"], params["by"])
    loss, dscores = temporal_softmax_loss(scores, tokens, mask)
    return loss, *readout_backward(dscores, seen, params["Wy"])


# --- translating ----------------------------------------------------------------------------------


def translate(source, params, start, end, max_length):
    """The likeliest word at every step, read back in, until END.

    Args:
        source: (tokens (N, S), mask (N, S)).
        params: dict of `PARAMETERS`.
        start, end: tokens.
        max_length: at most so many words a sentence.

    Returns:
        list of N lists of token ids, without start and end.
    """
    return translate_with_looks(source, params, start, end, max_length)[0]


def translate_with_looks(source, params, start, end, max_length):
    """`translate`, and where the decoder looked, if its Wy has rows for a context.

    Returns:
        list of N lists of token ids, and weights (N, steps, S) of every step, or None.
    """
    _expect_params(params)
    words, there = source
    *encoded, _ = encode(words, there, params["E_src"], *(params[name] for name in ENCODER))
    return decode(*encoded, there, params, start, end, max_length)


def decode(states, h, c, there, params, start, end, max_length):
    """The decoder's half of `translate_with_looks`.

    Args:
        states, h, c: (N, S, H), (N, H), (N, H) what `encode` made of the source.
        there: (N, S) bool, True where a source word is.
        params, start, end, max_length: as in `translate`.

    Returns:
        as `translate_with_looks`.
    """
    if max_length < 0:
        raise ValueError(f"max_length: expected 0 words or more, got {max_length}; 30 is plenty")
    decoding = [params[name] for name in DECODER]
    attentive = len(params["Wy"]) == 2 * h.shape[1]
    token, over = np.full(len(h), start), np.zeros(len(h), bool)
    written, looks = [], []
    for _ in range(max_length):
        h, c, _ = lstm_step_forward(params["E_tgt"][token], h, c, *decoding)
        seen = h
        if attentive:
            context, weights = look_back(h[:, None], states, there)
            seen = np.concatenate([h, context[:, 0]], axis=1)
            looks.append(weights[:, 0])
        token = readout(seen, params["Wy"], params["by"]).argmax(axis=1)  # (N,)
        written.append(token)
        over |= token == end
        if over.all():
            break
    rows = np.reshape(written, (-1, len(over))).T.tolist()
    cut = [row[: row.index(end)] if end in row else row for row in rows]
    return cut, (np.stack(looks, axis=1) if looks else None)
