"""A character-level language model: vocabulary, loss, sampling, truncated backpropagation.

After min-char-rnn (Karpathy 2015). The parameters are a dict
`Wx (V, H), Wh (H, H), b (H,), Wy (H, V), by (V,)`; the input of a step is the one-hot character.
"""

import numpy as np

from helpers.embedding import embedding_backward, one_hot
from helpers.losses import softmax, softmax_loss
from helpers.rnn import (
    batch_first,
    init_rnn,
    readout,
    readout_backward,
    recur,
    recur_backward,
    rnn_step,
    room_for_gradients,
    room_for_states,
)
from helpers.validate import expect_array, expect_cell, expect_tokens

PARAMETERS = ("Wx", "Wh", "b", "Wy", "by")


def build_vocab(text):
    """Number the characters of a text.

    Args:
        text: a non-empty string.

    Returns:
        char_to_ix, ix_to_char: dicts that undo each other, characters in sorted order.

    Raises:
        TypeError, ValueError: not a string, or an empty one.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: expected a string, got {type(text).__name__}; join its parts first")
    if not text:
        raise ValueError(
            "text: expected at least one character, got an empty string; load it first"
        )
    characters = sorted(set(text))
    return {c: i for i, c in enumerate(characters)}, dict(enumerate(characters))


def encode_text(text, char_to_ix):
    """Text to tokens.

    Args:
        text: string whose characters are all in the vocabulary.
        char_to_ix: from `build_vocab`.

    Returns:
        (len(text),) integers.

    Raises:
        ValueError: a character outside the vocabulary.
    """
    unknown = next((c for c in text if c not in char_to_ix), None)
    if unknown is not None:
        raise ValueError(
            f"text: expected only the vocabulary's {len(char_to_ix)} characters, got {unknown!r} "
            f"at position {text.index(unknown)}; build the vocabulary from all the text"
        )
    return np.array([char_to_ix[c] for c in text], dtype=np.int64)


def init_char_rnn(V, H, rng, dtype=np.float64):
    """Random parameters of the character model.

    Args:
        V, H: vocabulary size and hidden units.
        rng: np.random.Generator.

    Returns:
        dict of `Wx (V, H), Wh (H, H), b (H,), Wy (H, V), by (V,)`.
    """
    Wx, Wh, b = init_rnn(V, H, rng, dtype)
    Wy = (rng.standard_normal((H, V)) / np.sqrt(H)).astype(dtype)
    return {"Wx": Wx, "Wh": Wh, "b": b, "Wy": Wy, "by": np.zeros(V, dtype)}


def char_rnn_loss(inputs, targets, h0, params):
    """Loss of the model on a batch of token sequences: mean over the batch, sum over time.

    Args:
        inputs, targets: (N, T) integers; targets are the characters that follow.
        h0: (N, H) the state before the first character.
        params: dict, see above.

    Returns:
        loss in nats, and h_last (N, H).
    """
    loss, _, h = _forward(inputs, targets, h0, params)
    return loss, h[-1]


def _forward(inputs, targets, h0, params):
    """Loss, dscores, and all states (T+1, N, H)."""
    _expect_params(params)
    Wx, Wh, b, Wy, by = (params[name] for name in PARAMETERS)
    V = len(Wx)
    expect_tokens("inputs", inputs, V, shape=("N", "T"))
    expect_tokens("targets", targets, V, shape=inputs.shape)
    N, T = inputs.shape
    expect_cell(np.zeros((N, min(T, 1), V)), h0, Wx, Wh, b, state="h0")  # as for one-hot inputs
    a = Wx[inputs.T] + b  # (T, N, H): a one-hot row times Wx is a row of Wx
    h = room_for_states(h0, a, Wh)
    h[1:] = a
    recur(h, Wh)
    loss, dscores = softmax_loss(readout(batch_first(h[1:]), Wy, by), targets)
    return loss, dscores, h


def char_rnn_gradients(inputs, targets, h0, params):
    """Loss and its gradients by backpropagation through all T steps.

    Args: as in `char_rnn_loss`.

    Returns:
        loss, grads (a dict like params), h_last (N, H).
    """
    loss, dscores, h = _forward(inputs, targets, h0, params)
    N, T, V = dscores.shape
    dh, dWy, dby = readout_backward(dscores, batch_first(h[1:]), params["Wy"])
    da, _, dWh, db = recur_backward(room_for_gradients(dh, h), h, params["Wh"])
    dWx = embedding_backward(da.reshape(T, N, -1), (inputs.T, V))
    return loss, {"Wx": dWx, "Wh": dWh, "b": db, "Wy": dWy, "by": dby}, h[-1]


def sample(h0, first, n, params, temperature, rng):
    """Let the model write: each character it draws is its next input.

    Args:
        h0: (1, H) the state to start from.
        first: token fed first; it is not part of the result.
        n: how many tokens to write.
        params: dict, see above.
        temperature: scores are divided by it; 0 always takes the largest score.
        rng: np.random.Generator.

    Returns:
        list of n ints.
    """
    _expect_params(params)
    if temperature < 0:
        raise ValueError(f"temperature: expected 0 or more, got {temperature}; 0 takes the argmax")
    V = params["Wx"].shape[0]
    expect_tokens("first", np.asarray(first), V, shape=())
    h, token, written = h0, int(first), []
    for _ in range(n):
        x = one_hot(np.array([token]), V).astype(params["Wx"].dtype)  # (1, V)
        h = rnn_step(x, h, params["Wx"], params["Wh"], params["b"])  # (1, H)
        scores = readout(h, params["Wy"], params["by"])[0]  # (V,)
        if temperature == 0:
            token = int(scores.argmax())
        else:
            p = softmax(scores.astype(np.float64) / temperature)
            token = int(rng.choice(V, p=p))
        written.append(token)
    return written


def truncated_chunks(tokens, length):
    """Cut sequences into consecutive chunks for truncated backpropagation.

    Args:
        tokens: (N, T+1) integers.
        length: steps a chunk, at least 1.

    Yields:
        (inputs, targets), each (N, length), the targets one character ahead. The last chunk may
        be shorter; together the chunks predict each of the T characters exactly once.
    """
    expect_array("tokens", tokens, ("N", "T+1"))
    if length < 1:
        raise ValueError(f"length: expected at least 1 step a chunk, got {length}; 25 is usual")
    T = tokens.shape[1] - 1
    for start in range(0, T, length):
        stop = min(start + length, T)
        yield tokens[:, start:stop], tokens[:, start + 1 : stop + 1]


def tbptt_gradients(tokens, h0, params, length):
    """Truncated backpropagation through time: the state is carried on, the gradient is cut.

    Memory is that of one chunk, however long the sequence (Williams and Peng 1990).

    Args:
        tokens: (N, T+1) integers, T at least 1.
        h0: (N, H).
        params: dict, see above.
        length: steps a chunk.

    Returns:
        loss and grads summed over the chunks (grads a dict like params), and h_last (N, H).
    """
    _expect_params(params)
    grads = {name: np.zeros_like(params[name]) for name in PARAMETERS}
    loss, h = 0.0, h0
    for inputs, targets in truncated_chunks(tokens, length):
        chunk_loss, chunk_grads, h = char_rnn_gradients(inputs, targets, h, params)
        loss = loss + chunk_loss
        for name in PARAMETERS:
            grads[name] += chunk_grads[name]
    return loss, grads, h


def _expect_params(params):
    missing = [name for name in PARAMETERS if name not in params]
    if missing:
        raise ValueError(
            f"params: expected a dict with {', '.join(PARAMETERS)}, got no {', '.join(missing)}; "
            "init_char_rnn makes a whole set"
        )
