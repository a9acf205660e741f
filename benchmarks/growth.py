"""How time grows with N, T and H, and memory with T."""

import functools
import tracemalloc

import numpy as np
from cells import GATES, draw, multiplications, numpy_way
from measure import exponent, in_turn

from helpers.language_model import char_rnn_gradients, init_char_rnn, tbptt_gradients

BASE = {"N": 32, "T": 32, "D": 64, "H": 128}
RANGES = {"N": (8, 16, 32, 64, 128), "T": (8, 16, 32, 64, 128), "H": (64, 128, 256, 512)}
STEPS = (25, 50, 100, 200, 400, 800, 1600)
CHUNK = 25
V = 32


def shape(axis, size):
    """(N, T, D, H) with one of them changed."""
    return tuple((BASE | {axis: size}).values())


def times(cell, axis, sizes, rounds, least, dtype="float32"):
    """Seconds of a sequence forward and backward at every size, the median of the rounds."""
    calls = {n: numpy_way(cell, draw(cell, shape(axis, n), dtype)).run for n in sizes}
    return [float(np.median(s)) for s in in_turn(calls, rounds, least).values()]


def growth(rounds, least, ranges=RANGES):
    """The seconds by axis and cell, {axis: {cell: [seconds at each size]}}."""
    return {
        axis: {cell: times(cell, axis, sizes, rounds, least) for cell in GATES}
        for axis, sizes in ranges.items()
    }


def multiplication_exponents(axis, sizes):
    """What the count of multiplications says that the exponent should tend to, by cell."""
    return {
        cell: exponent(sizes, [multiplications(cell, shape(axis, n)) for n in sizes])
        for cell in GATES
    }


def peak_bytes(call):
    """The most memory that a call has in use at any time beyond what there was before."""
    call()  # imports and caches are not its own
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def memory(steps=STEPS, N=8, H=64):
    """Peak bytes of a character model's gradients over T steps.

    Returns:
        dict with a list each for "full" backpropagation through time and for "truncated", in
        chunks of CHUNK steps.
    """
    rng = np.random.default_rng(0)
    params, h0 = init_char_rnn(V, H, rng), np.zeros((N, H))
    found = {"full": [], "truncated": []}
    for T in steps:
        tokens = rng.integers(0, V, (N, T + 1))
        full = functools.partial(char_rnn_gradients, tokens[:, :-1], tokens[:, 1:], h0, params)
        found["full"].append(peak_bytes(full))
        cut = functools.partial(tbptt_gradients, tokens, h0, params, CHUNK)
        found["truncated"].append(peak_bytes(cut))
    return found
