"""Tokens as vectors: one-hot, and the embedding layer, a one-hot product without the product."""

import operator

import numpy as np

from helpers.validate import expect_array, expect_tokens


def one_hot(indices, depth):
    """A row of zeros with a single 1 for every index.

    Args:
        indices: integer array of any shape, entries in [0, depth).
        depth: how many entries a row has.

    Returns:
        float64 array, shape `indices.shape + (depth,)`.

    Raises:
        TypeError, ValueError: indices that are no integers, or outside [0, depth).
    """
    indices = np.asarray(indices)
    if operator.index(depth) < 1:
        raise ValueError(f"depth: expected at least 1, got {depth}; it is the vocabulary's size")
    expect_tokens("indices", indices, depth)
    return (indices[..., None] == np.arange(depth)).astype(np.float64)


def embedding_forward(tokens, E):
    """The rows of E that the tokens name; equal to `one_hot(tokens, V) @ E`.

    Args:
        tokens: (N, T) integers.
        E: (V, D), a row a token.

    Returns:
        (N, T, D).
    """
    expect_array("E", E, ("V", "D"))
    expect_tokens("tokens", tokens, E.shape[0])
    return E[tokens]  # (N, T, D)


def embedding_backward(dout, cache):
    """Gradient of the embedding: a row that was picked twice gets both gradients.

    Args:
        dout: (N, T, D).
        cache: (tokens, V).

    Returns:
        dE (V, D).
    """
    tokens, V = cache
    expect_tokens("tokens", tokens, V)
    expect_array("dout", dout, (*tokens.shape, "D"), f"tokens has shape {tokens.shape}")
    D = dout.shape[-1]
    dE = np.zeros(V * D, dout.dtype)
    places = tokens[..., None] * D + np.arange(D)  # (N, T, D), in dE laid flat: far the faster way
    np.add.at(dE, places.ravel(), dout.ravel())
    return dE.reshape(V, D)
