"""Captions of pictures: two networks that write them, and two ways to read a caption off.

Show-and-tell (Karpathy, Fei-Fei 2015; Vinyals et al. 2015) hands the whole picture to a vanilla RNN
as one vector v, at every step. The attention captioner (Xu et al. 2015) keeps a vector a place and
looks at the places anew before every word. Both end in a readout of word scores.

Shapes: N pictures, T words, V vocabulary size, E width of a word's embedding, H hidden units,
L places, F width of a feature vector, D width of a value. Parameters are dicts of arrays.
"""

import numpy as np

from helpers.attention import attention_lstm_step_backward, attention_lstm_step_forward
from helpers.data.scenes import PAD
from helpers.embedding import embedding_backward, embedding_forward
from helpers.losses import log_softmax, temporal_softmax_loss
from helpers.lstm import init_lstm
from helpers.rnn import init_rnn, readout, readout_backward
from helpers.validate import expect_array, expect_cell

# --- a vanilla step that sees a picture ----------------------------------------------------------


def image_rnn_step_forward(x, h_prev, v, Wx, Wh, Wih, b):
    """One step of a vanilla RNN that sees an image vector besides its input.

        h = tanh(x Wx + h_prev Wh + v Wih + b)

    Args:
        x: (N, D) this step's input.
        h_prev: (N, H).
        v: (N, F) the image.
        Wx, Wh, Wih, b: (D, H), (H, H), (F, H), (H,).

    Returns:
        h (N, H) and a cache for `image_rnn_step_backward`.
    """
    expect_cell(x, h_prev, Wx, Wh, b)
    N, H = h_prev.shape
    expect_array("v", v, (N, "F"), f"x has {N} rows")
    expect_array("Wih", Wih, (v.shape[1], H), f"v has {v.shape[1]} features and h_prev {H} units")
    h = np.tanh(x @ Wx + h_prev @ Wh + v @ Wih + b)  # (N, H)
    return h, (x, h_prev, v, Wx, Wh, Wih, h)


def image_rnn_step_backward(dh, cache):
    """Gradients of one step.

    Args:
        dh: (N, H).
        cache: what `image_rnn_step_forward` returned.

    Returns:
        dx (N, D), dh_prev (N, H), dv (N, F), dWx (D, H), dWh (H, H), dWih (F, H), db (H,).
    """
    x, h_prev, v, Wx, Wh, Wih, h = cache
    expect_array("dh", dh, h.shape, "that is the shape of h")
    da = dh * (1 - h * h)  # (N, H)
    weights = x.T @ da, h_prev.T @ da, v.T @ da, da.sum(axis=0)
    return da @ Wx.T, da @ Wh.T, da @ Wih.T, *weights


# --- show and tell -------------------------------------------------------------------------------


def init_show_and_tell(pixels, V, rng, *, E=32, F=128, H=256, dtype=np.float32):
    """Random parameters: picture → ReLU(F) → image RNN(H) → scores.

    Args:
        pixels: how many numbers a picture has.
        V: vocabulary size.
        rng: np.random.Generator.

    Returns:
        dict of We (pixels, F), be (F,), E (V, E), Wx, Wh, Wih, b, Wy (H, V), by (V,).
    """
    Wx, Wh, b = init_rnn(E, H, rng)
    params = {
        "We": _normal(rng, pixels, F, gain=2.0),
        "be": np.zeros(F),
        "E": rng.standard_normal((V, E)),
        **{"Wx": Wx, "Wh": Wh, "Wih": _normal(rng, F, H), "b": b},
        **{"Wy": _normal(rng, H, V), "by": np.zeros(V)},
    }
    return {name: array.astype(dtype) for name, array in params.items()}


def show_and_tell_loss(
    params,
    images,
    tokens,
    step_forward=image_rnn_step_forward,
    step_backward=image_rnn_step_backward,
):
    """Loss and gradients of a batch, with teacher forcing: every step reads the right word.

    Args:
        params: from `init_show_and_tell`.
        images: (N, height, width).
        tokens: (N, T+1) integers, START first, PAD after the END.
        step_forward, step_backward: the cell, such as a student's own.

    Returns:
        loss in nats a caption, and grads, a dict like params.
    """
    flat = images.reshape(len(images), -1)
    v = np.maximum(flat @ params["We"] + params["be"], 0)  # (N, F): a layer that reads the picture
    words = embedding_forward(tokens[:, :-1], params["E"])  # (N, T, E)
    h, caches, states = np.zeros_like(v, shape=(len(v), len(params["Wh"]))), [], []
    for t in range(words.shape[1]):
        weights = (params[name] for name in ("Wx", "Wh", "Wih", "b"))
        h, cache = step_forward(words[:, t], h, v, *weights)
        states.append(h)
        caches.append(cache)
    loss, dstates, grads = _readout_loss(params, states, tokens)
    dwords, dv, dh = np.empty_like(words), np.zeros_like(v), np.zeros_like(h)
    for name in ("Wx", "Wh", "Wih", "b"):
        grads[name] = np.zeros_like(params[name])
    for t in reversed(range(words.shape[1])):
        dwords[:, t], dh, dv_t, *dweights = step_backward(dstates[:, t] + dh, caches[t])
        dv += dv_t
        for name, d in zip(("Wx", "Wh", "Wih", "b"), dweights, strict=True):
            grads[name] += d
    da = dv * (v > 0)
    grads |= {"We": flat.T @ da, "be": da.sum(axis=0)}
    grads["E"] = embedding_backward(dwords, (tokens[:, :-1], len(params["E"])))
    return loss, grads


def _readout_loss(params, states, tokens):
    """Loss of the states' scores, its gradient at the states (N, T, H), and the readout's own."""
    h = np.stack(states, axis=1)  # (N, T, H)
    targets = tokens[:, 1:]
    loss, dscores = temporal_softmax_loss(
        readout(h, params["Wy"], params["by"]), targets, targets != PAD
    )
    dh, dWy, dby = readout_backward(dscores, h, params["Wy"])
    return loss, dh, {"Wy": dWy, "by": dby}


def show_and_tell_stepper(params, images):
    """The network as a `step` for `greedy_caption` and `beam_caption`, or for a whole batch.

    Args:
        params: from `init_show_and_tell`.
        images: (N, height, width).

    Returns:
        step(token, state) -> scores, state. With N = 1 a token is an int and scores are (V,);
        otherwise tokens are (N,) and scores (N, V).
    """
    flat = images.reshape(len(images), -1)
    v = np.maximum(flat @ params["We"] + params["be"], 0)

    def step(token, h):
        x = params["E"][np.broadcast_to(token, len(v))]  # (N, E)
        h = np.zeros_like(v, shape=(len(v), len(params["Wh"]))) if h is None else h
        weights = (params[name] for name in ("Wx", "Wh", "Wih", "b"))
        h, _ = image_rnn_step_forward(x, h, v, *weights)
        scores = readout(h, params["Wy"], params["by"])
        return (scores[0] if np.ndim(token) == 0 else scores), h

    return step


# --- the attention captioner ---------------------------------------------------------------------


def init_attention_captioner(pixels, places, V, rng, *, E=32, F=64, D=32, H=64, dtype=np.float32):
    """Random parameters: patch → ReLU(F) → tanh(D) + position → attention LSTM(H) → scores.

    Args:
        pixels: how many numbers a patch has.
        places: how many patches a picture has.
        V: vocabulary size.
        rng: np.random.Generator.

    Returns:
        dict of W1 (pixels, F), b1, W2 (F, D), b2, P (places, D) the position embedding,
        Wk (D, H) for the keys, h0 (H,) the state that asks first, E (V, E), Wx (E, 4H), Wh, Wz
        (D, 4H), b, Wy (H, V), by (V,).
    """
    Wx, Wh, b = init_lstm(E, H, rng)
    params = {
        "W1": _normal(rng, pixels, F, gain=2.0),
        "b1": np.zeros(F),
        "W2": _normal(rng, F, D),
        "b2": np.zeros(D),
        "P": 0.5 * rng.standard_normal((places, D)),
        "Wk": _normal(rng, D, H),
        "h0": 0.1 * rng.standard_normal(H),
        "E": rng.standard_normal((V, E)),
        **{"Wx": Wx, "Wh": Wh, "Wz": _normal(rng, D, 4 * H), "b": b},
        **{"Wy": _normal(rng, H, V), "by": np.zeros(V)},
    }
    return {name: array.astype(dtype) for name, array in params.items()}


def _normal(rng, rows, columns, gain=1.0):
    """Normal weights with variance gain/fan-in: 2 before a ReLU, which loses half of it."""
    return rng.standard_normal((rows, columns)) * np.sqrt(gain / rows)


def encode_patches(params, patches):
    """Keys and values of every place.

    Args:
        params: from `init_attention_captioner`.
        patches: (N, L, pixels).

    Returns:
        keys (N, L, H), values (N, L, D), and a cache for `encode_patches_backward`.
    """
    seen = np.maximum(patches @ params["W1"] + params["b1"], 0)  # (N, L, F)
    content = np.tanh(seen @ params["W2"] + params["b2"])  # (N, L, D): what is there
    values = content + params["P"]  # and where
    return values @ params["Wk"], values, (patches, seen, content, values)


def encode_patches_backward(params, dkeys, dvalues, cache):
    """Gradients of the encoder's parameters, a dict."""
    patches, seen, content, values = cache
    dvalues = dvalues + dkeys @ params["Wk"].T
    da2 = dvalues * (1 - content * content)
    da1 = (da2 @ params["W2"].T) * (seen > 0)
    return {
        "W1": _sum_of_products(patches, da1),
        "b1": da1.sum(axis=(0, 1)),
        "W2": _sum_of_products(seen, da2),
        "b2": da2.sum(axis=(0, 1)),
        "P": dvalues.sum(axis=0),
        "Wk": _sum_of_products(values, dkeys),
    }


def _sum_of_products(left, right):
    """Sum over pictures and places of the outer products, as one matrix product."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


def attention_captioner_loss(
    params,
    patches,
    tokens,
    step_forward=attention_lstm_step_forward,
    step_backward=attention_lstm_step_backward,
):
    """Loss and gradients of a batch, with teacher forcing: every step reads the right word.

    Args:
        params: from `init_attention_captioner`.
        patches: (N, L, pixels).
        tokens: (N, T+1) integers, START first, PAD after the END.
        step_forward, step_backward: the cell, such as a student's own.

    Returns:
        loss in nats a caption, and grads, a dict like params.
    """
    keys, values, encoded = encode_patches(params, patches)
    words = embedding_forward(tokens[:, :-1], params["E"])  # (N, T, E)
    h = np.repeat(params["h0"][None], len(words), axis=0)  # (N, H)
    c, states, caches = np.zeros_like(h), [], []
    for t in range(words.shape[1]):
        weights = (params[name] for name in ("Wx", "Wh", "Wz", "b"))
        h, c, _, cache = step_forward(words[:, t], h, c, keys, values, *weights)
        states.append(h)
        caches.append(cache)
    loss, dstates, grads = _readout_loss(params, states, tokens)
    dwords, dkeys, dvalues = np.empty_like(words), np.zeros_like(keys), np.zeros_like(values)
    for name in ("Wx", "Wh", "Wz", "b"):
        grads[name] = np.zeros_like(params[name])
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    for t in reversed(range(words.shape[1])):
        dwords[:, t], dh, dc, dkeys_t, dvalues_t, *dweights = step_backward(
            dstates[:, t] + dh, dc, caches[t]
        )
        dkeys += dkeys_t
        dvalues += dvalues_t
        for name, d in zip(("Wx", "Wh", "Wz", "b"), dweights, strict=True):
            grads[name] += d
    grads |= encode_patches_backward(params, dkeys, dvalues, encoded)
    grads |= {"h0": dh.sum(axis=0)}
    grads["E"] = embedding_backward(dwords, (tokens[:, :-1], len(params["E"])))
    return loss, grads


def attention_stepper(params, patches):
    """The network as a `step` for `greedy_caption` and `beam_caption`, or for a whole batch.

    Args:
        params: from `init_attention_captioner`.
        patches: (N, L, pixels).

    Returns:
        step(token, state) -> scores, state. With N = 1 a token is an int and scores are (V,);
        otherwise tokens are (N,) and scores (N, V). The state's last entry holds the attention
        weights (N, L) of the step that made it.
    """
    keys, values, _ = encode_patches(params, patches)

    def step(token, state):
        if state is None:
            h = np.repeat(params["h0"][None], len(keys), axis=0)
            state = h, np.zeros_like(h), None
        h, c, _ = state
        x = params["E"][np.broadcast_to(token, len(keys))]  # (N, E)
        weights = (params[name] for name in ("Wx", "Wh", "Wz", "b"))
        h, c, look, _ = attention_lstm_step_forward(x, h, c, keys, values, *weights)
        scores = readout(h, params["Wy"], params["by"])
        return (scores[0] if np.ndim(token) == 0 else scores), (h, c, look)

    return step


# --- reading a caption off -----------------------------------------------------------------------


def greedy_caption(step, start, end, max_length):
    """The caption that takes the likeliest word at every step.

    Args:
        step: (token, state) -> scores (V,), state; the first state is None.
        start, end: tokens.
        max_length: at most so many words.

    Returns:
        list of token ids, without start and end.
    """
    _expect_length(max_length)
    token, state, caption = start, None, []
    while len(caption) < max_length:
        scores, state = step(token, state)
        token = int(np.argmax(scores))
        if token == end:
            break
        caption.append(token)
    return caption


def beam_caption(step, start, end, max_length, width):
    """The likeliest caption that a beam search finds; `width` captions are kept at every length.

    Args:
        step: (token, state) -> scores (V,), state; the first state is None. A state is handed on
            to several continuations, so it must not be changed in place.
        start, end: tokens.
        max_length: at most so many words.
        width: how many captions are kept; 1 equals `greedy_caption`.

    Returns:
        list of token ids, without start and end: the highest sum of log probabilities, with no
        bonus for length, among the finished captions and those that max_length has cut.
    """
    _expect_length(max_length)
    if width < 1:
        raise ValueError(f"width: expected at least 1, got {width}; 1 is the greedy search")
    beams = [(0.0, [], start, None, False)]  # log probability, caption, last token, state, finished
    for _ in range(max_length):
        if all(finished for *_, finished in beams):
            break
        longer = [beam for beam in beams if beam[-1]]
        for log_p, caption, token, state, _ in (beam for beam in beams if not beam[-1]):
            scores, after = step(token, state)
            added = log_softmax(np.asarray(scores, np.float64))  # (V,)
            for word in np.argsort(-added, kind="stable")[:width]:
                word = int(word)
                ended = word == end
                words = caption if ended else [*caption, word]
                longer.append((log_p + float(added[word]), words, word, after, ended))
        beams = sorted(longer, key=lambda beam: -beam[0])[:width]
    return beams[0][1]


def _expect_length(max_length):
    if max_length < 0:
        raise ValueError(f"max_length: expected 0 words or more, got {max_length}; 20 is plenty")


def greedy_captions(step, n, start, end, max_length):
    """`greedy_caption` for a batch at once, with what was looked at.

    Args:
        step: for a batch of n, from `attention_stepper` or `show_and_tell_stepper`.
        n: how many pictures.
        start, end, max_length: as in `greedy_caption`.

    Returns:
        captions, a list of n lists of token ids, and the attention weights (n, max_length, L) of
        every step, or None for a network without attention.
    """
    token, state = np.full(n, start), None
    written, looks = [], []
    for _ in range(max_length):
        scores, state = step(token, state)
        token = scores.argmax(axis=1)  # (n,)
        written.append(token)
        if isinstance(state, tuple):
            looks.append(state[-1])
    rows = np.stack(written, axis=1).tolist()
    captions = [row[: row.index(end)] if end in row else row for row in rows]
    return captions, (np.stack(looks, axis=1) if looks else None)
