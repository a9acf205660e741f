"""A language model in depth: stacked LSTMs, dropout between them, and tied embeddings.

The states of one layer are the inputs of the next. Dropout (Srivastava et al. 2014) cuts the
connections that lead from layer to layer, and none of those that lead from step to step (Zaremba
et al. 2014); with one mask for all steps it is Gal and Ghahramani's (2016). An embedding that is
also the readout is Press and Wolf's (2017).

Shapes: N batch size, T time steps, D input features, H units of a layer, V vocabulary size. A loss
is the mean over the batch of the sum over time.
"""

import numpy as np

from helpers.embedding import embedding_backward, embedding_forward
from helpers.losses import softmax_loss
from helpers.lstm import init_lstm, lstm_backward, lstm_forward
from helpers.rnn import readout, readout_backward
from helpers.validate import expect_array, expect_tokens

# --- layer upon layer ----------------------------------------------------------------------------


def stacked_lstm_forward(x, layers, masks=None):
    """LSTMs on top of each other: each layer's states are the next one's inputs.

    Args:
        x: (N, T, D).
        layers: list of (Wx, Wh, b), the lowest first, each as in `lstm_forward`; states start at
            zero.
        masks: dropout masks, one for the input of each layer, (N, T, size) or (N, 1, size); None
            drops nothing.

    Returns:
        h (N, T, H) of the last layer, and a cache for `stacked_lstm_backward`.

    Raises:
        TypeError, ValueError: an argument that does not fit the others; the message says which.
    """
    expect_array("x", x, ("N", "T", "D"))
    _expect_layers(layers, masks)
    h, caches = x, []
    for k, (Wx, Wh, b) in enumerate(layers):
        if masks is not None:
            _expect_mask(f"masks[{k}]", masks[k], h)
            h = h * masks[k]  # (N, T, size)
        start = np.zeros_like(h, shape=(len(h), len(Wh)))
        h, _, cache = lstm_forward(h, start, start, Wx, Wh, b)
        caches.append(cache)
    return h, (caches, masks)


def _expect_layers(layers, masks):
    if not isinstance(layers, list | tuple) or not layers:
        raise ValueError(
            f"layers: expected a list of at least one (Wx, Wh, b), got {layers!r}; "
            "init_lstm makes the weights of one"
        )
    if masks is not None and len(masks) != len(layers):
        raise ValueError(
            f"masks: expected {len(layers)}, one for the input of each layer, got {len(masks)}; "
            "leave the argument out to drop nothing"
        )


def _expect_mask(name, mask, x):
    N, T, size = x.shape
    expect_array(name, mask, (N, 1 if np.shape(mask)[1:2] == (1,) else T, size), "it masks x")


def stacked_lstm_backward(dh, cache):
    """Backpropagation through time and depth.

    Args:
        dh: (N, T, H) gradient arriving at every state of the last layer.
        cache: what `stacked_lstm_forward` returned.

    Returns:
        dx (N, T, D), and grads, a list of (dWx, dWh, db) in the order of the layers.
    """
    caches, masks = cache
    grads = []
    for k in reversed(range(len(caches))):
        dc_last = np.zeros_like(dh[:, 0])
        dh, _, _, *weights = lstm_backward(dh, dc_last, caches[k])
        grads.append(tuple(weights))
        if masks is not None:
            dh = dh * masks[k]  # what was cut sends nothing back
    return dh, grads[::-1]


# --- dropout -------------------------------------------------------------------------------------


def dropout_mask(shape, rate, rng, dtype=np.float64):
    """What to multiply by: 0 where something is dropped, 1 / (1 - rate) where it is kept.

    So the expected value of what is multiplied stays, and at test time nothing has to be done
    (inverted dropout).

    Args:
        shape: of the mask.
        rate: the share that is dropped, from 0 to below 1.
        rng: np.random.Generator.

    Returns:
        Array of that shape.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"rate: expected from 0 to below 1, got {rate}; it is the share dropped")
    return ((rng.random(shape) >= rate) / (1 - rate)).astype(dtype)


def variational_mask(N, T, size, rate, rng, dtype=np.float64):
    """One dropout mask for all time steps (Gal and Ghahramani 2016).

    Args:
        N, T, size: of what will be masked, (N, T, size).
        rate, rng: as in `dropout_mask`.

    Returns:
        (N, 1, size), whatever T is.
    """
    return dropout_mask((N, 1, size), rate, rng, dtype)


# --- the readout ---------------------------------------------------------------------------------


def tied_softmax_loss(h, E, by, targets):
    """Cross-entropy where the embedding is the readout: scores = h E^T + by.

    (Press and Wolf 2017.)

    Args:
        h: (N, T, H) states.
        E: (V, H) embedding, a row a word.
        by: (V,).
        targets: (N, T) integers in [0, V).

    Returns:
        loss, dh (N, T, H), dE (V, H), dby (V,). This dE is the readout's share: the embedding's
        own has to be added to it.
    """
    expect_array("h", h, ("N", "T", "H"))
    N, T, H = h.shape
    expect_array("E", E, ("V", H), f"h has {H} units")
    V = len(E)
    expect_array("by", by, (V,), f"E has {V} rows")
    loss, dscores = softmax_loss(h @ E.T + by, targets)  # (N, T, V)
    flat = dscores.reshape(N * T, V)
    return loss, dscores @ E, flat.T @ h.reshape(N * T, H), flat.sum(axis=0)


def perplexity(loss_per_token):
    """exp of the mean loss of a token in nats: among how many equally likely ones it seems to be.

    Args:
        loss_per_token: a number; a loss of this course divided by the number of time steps.

    Returns:
        float, at least 1.
    """
    return float(np.exp(loss_per_token))


# --- the whole model -----------------------------------------------------------------------------


def init_word_model(V, H, depth, rng, *, tied=False, dtype=np.float32):
    """Random parameters: embedding (H) -> `depth` LSTMs (H) -> scores.

    Args:
        V, H, depth: vocabulary size, units a layer, layers.
        rng: np.random.Generator.
        tied: whether the embedding is the readout too; then there is no Wy.

    Returns:
        dict of E (V, H), Wx0, Wh0, b0, Wx1, ..., by (V,) and, untied, Wy (H, V).
    """
    params = {"E": rng.standard_normal((V, H)) / np.sqrt(H)}
    for k in range(depth):
        params |= zip((f"Wx{k}", f"Wh{k}", f"b{k}"), init_lstm(H, H, rng), strict=True)
    if not tied:
        params["Wy"] = rng.standard_normal((H, V)) / np.sqrt(H)
    params["by"] = np.zeros(V)
    return {name: array.astype(dtype) for name, array in params.items()}


def layers_of(params):
    """The (Wx, Wh, b) of each layer of a word model, the lowest first."""
    depth = sum(name.startswith("Wx") for name in params)
    return [(params[f"Wx{k}"], params[f"Wh{k}"], params[f"b{k}"]) for k in range(depth)]


def word_model_gradients(
    params,
    inputs,
    targets,
    masks=None,
    forward=stacked_lstm_forward,
    backward=stacked_lstm_backward,
    tied_loss=tied_softmax_loss,
):
    """Loss and gradients of a batch.

    Args:
        params: from `init_word_model`; without a Wy the embedding is the readout.
        inputs, targets: (N, T) integers.
        masks: one for the input of each layer and one for the readout's, or None.
        forward, backward, tied_loss: such as a student's own.

    Returns:
        loss, the mean over the batch of the sum over time, and grads, a dict like params.
    """
    expect_tokens("targets", targets, len(params["E"]), shape=inputs.shape)
    below, above = (None, 1) if masks is None else (masks[:-1], masks[-1])
    x = embedding_forward(inputs, params["E"])  # (N, T, H)
    h, cache = forward(x, layers_of(params), below)
    h = h * above
    if "Wy" in params:
        loss, dscores = softmax_loss(readout(h, params["Wy"], params["by"]), targets)
        dh, dWy, dby = readout_backward(dscores, h, params["Wy"])
        grads = {"Wy": dWy, "by": dby, "E": 0}
    else:
        loss, dh, dE, dby = tied_loss(h, params["E"], params["by"], targets)
        grads = {"E": dE, "by": dby}
    dx, dlayers = backward(dh * above, cache)
    for k, weights in enumerate(dlayers):
        grads |= zip((f"Wx{k}", f"Wh{k}", f"b{k}"), weights, strict=True)
    grads["E"] = grads["E"] + embedding_backward(dx, (inputs, len(params["E"])))
    return loss, grads


def word_model_loss(params, inputs, targets):
    """Mean loss of a token in nats, with nothing dropped.

    Args: as in `word_model_gradients`.
    """
    h, _ = stacked_lstm_forward(embedding_forward(inputs, params["E"]), layers_of(params))
    loss, _ = softmax_loss(readout(h, params.get("Wy", params["E"].T), params["by"]), targets)
    return float(loss) / inputs.shape[1]
