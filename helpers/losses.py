"""Softmax and its loss. A loss here is the mean over the batch of the sum over time steps."""

import numpy as np

from helpers.validate import expect_array, expect_tokens


def softmax(scores):
    """Scores to probabilities along the last axis.

    The largest score is taken off first: it changes no probability (numerator and
    denominator lose the same factor) and keeps exp from overflowing.

    Args:
        scores: (..., V).

    Returns:
        Same shape; the last axis sums to 1.
    """
    return np.exp(log_softmax(scores))


def log_softmax(scores):
    """The logarithm of `softmax`, exact also where the probability underflows to 0.

    Args:
        scores: (..., V).

    Returns:
        Same shape.
    """
    if not isinstance(scores, np.ndarray):
        expect_array("scores", scores, ("...", "V"))
    if scores.ndim == 0 or scores.shape[-1] == 0:
        raise ValueError(
            f"scores: expected shape (..., V) with V of at least 1, got {scores.shape}; "
            "the last axis holds one score a class"
        )
    shifted = scores - scores.real.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax_loss(scores, targets):
    """Cross-entropy of a sequence model, and its gradient.

        loss = -1/N * sum over n, t of log softmax(scores[n, t])[targets[n, t]]

    Args:
        scores: (N, T, V).
        targets: (N, T) integers in [0, V).

    Returns:
        loss in nats, and dscores (N, T, V) = (softmax(scores) - one_hot(targets)) / N.
    """
    expect_array("scores", scores, ("N", "T", "V"))
    N, T, V = scores.shape
    expect_tokens("targets", targets, V, shape=(N, T))
    log_p = log_softmax(scores)  # (N, T, V)
    at_target = np.arange(N)[:, None], np.arange(T), targets
    loss = -log_p[at_target].sum() / N
    dscores = np.exp(log_p)
    dscores[at_target] -= 1
    dscores /= N
    return loss, dscores


def temporal_softmax_loss(scores, targets, mask):
    """Cross-entropy of captions of different lengths: steps outside the mask count nothing.

        loss = -1/N * sum over n and the t in n's mask of log softmax(scores[n, t])[targets[n, t]]

    Args:
        scores: (N, T, V).
        targets: (N, T) integers in [0, V); outside the mask any of them, such as PAD.
        mask: (N, T) bool, False at the steps that are padding.

    Returns:
        loss in nats, and dscores (N, T, V), zero outside the mask.
    """
    expect_array("scores", scores, ("N", "T", "V"))
    N, T, V = scores.shape
    expect_tokens("targets", targets, V, shape=(N, T))
    expect_array("mask", mask, (N, T), "it has an entry a target")
    if mask.dtype != bool:
        raise TypeError(f"mask: expected dtype bool, got {mask.dtype}; compare: targets != PAD")
    log_p = log_softmax(scores)  # (N, T, V)
    at_target = np.arange(N)[:, None], np.arange(T), targets
    loss = -log_p[at_target][mask].sum() / N
    dscores = np.exp(log_p)
    dscores[at_target] -= 1
    dscores *= mask[:, :, None] / np.asarray(N, dscores.real.dtype)
    return loss, dscores
