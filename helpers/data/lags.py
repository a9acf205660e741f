"""Tasks in which the answer lies many steps back (Hochreiter and Schmidhuber 1997)."""

import numpy as np


def adding_problem(n, T, rng, dtype=np.float64):
    """Sequences of numbers, two of which are marked: what do those two add up to?

    One mark lies in the first half and one in the second. Whoever always answers 1, the mean, has a
    mean squared error of 1/6.

    Args:
        n: how many sequences.
        T: time steps, at least 2.
        rng: np.random.Generator.

    Returns:
        x (n, T, 2), in [..., 0] the numbers, evenly from 0 to 1, in [..., 1] the marks, 0 or 1;
        and the sums (n,).

    Raises:
        ValueError: T leaves no room for two marks.
    """
    if T < 2:
        raise ValueError(f"T: expected at least 2 steps, one a mark, got {T}; 50 is usual")
    numbers = rng.random((n, T))
    marks = np.zeros((n, T))
    rows = np.arange(n)
    marks[rows, rng.integers(0, T // 2, n)] = 1
    marks[rows, rng.integers(T // 2, T, n)] = 1
    sums = (numbers * marks).sum(axis=1)
    return np.stack([numbers, marks], axis=2).astype(dtype), sums.astype(dtype)


def recall_problem(n, T, rng, symbols=4):
    """A symbol, T - 1 steps of noise, and then the question: which symbol was it?

    Args:
        n: how many sequences.
        T: time steps between the symbol and the answer, at least 1.
        rng: np.random.Generator.
        symbols: how many there are; the noise is made of as many other tokens.

    Returns:
        tokens (n, T) integers below 2 * symbols: the first is the symbol, the others are noise;
        and the symbols (n,).

    Raises:
        ValueError: no step at all, or fewer than two symbols.
    """
    if T < 1:
        raise ValueError(f"T: expected at least 1 step, got {T}; 30 is a long lag")
    if symbols < 2:
        raise ValueError(f"symbols: expected at least 2, got {symbols}; one needs no memory")
    tokens = rng.integers(symbols, 2 * symbols, (n, T))
    tokens[:, 0] = rng.integers(0, symbols, n)
    return tokens, tokens[:, 0].copy()
