"""The sequences, which are written for speed, against the steps, which are written to be read.

Over shapes and dtypes that nobody chose: a step after the other gives the same states, and the
steps' gradients, carried back in time and added up, are the sequence's.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograde.gradcheck import relative_error
from helpers import gru, lstm, rnn

LIMIT = {"float64": 1e-12, "float32": 1e-5}
# The cell's name, how many blocks of columns its weights have, and how many biases a unit.
CELLS = {"rnn": (1, 1), "lstm": (4, 4), "gru": (3, 3), "gru after": (3, 3), "gru biased": (3, 4)}
STEPS = {
    "rnn": (rnn.rnn_step_forward, rnn.rnn_step_backward),
    "lstm": (lstm.lstm_step_forward, lstm.lstm_step_backward),
    "gru": (gru.gru_step_forward, gru.gru_step_backward),
}
SEQUENCES = {
    "rnn": (rnn.rnn_forward, rnn.rnn_backward),
    "lstm": (lstm.lstm_forward, lstm.lstm_backward),
    "gru": (gru.gru_forward, gru.gru_backward),
}
SIZES = st.tuples(*[st.integers(1, 9)] * 4)
PROBLEMS = given(SIZES, st.sampled_from(list(LIMIT)), st.integers(0, 2**32 - 1), st.booleans())


def problem(cell, sizes, dtype, seed, strided):
    """Arguments of a forward pass, what arrives at its outputs, and its options."""
    (N, T, D, H), (k, biases) = sizes, CELLS[cell]
    rng = np.random.default_rng(seed)

    def draw(*shape, scale=1.0):
        wide = (scale * rng.standard_normal((*shape[:-1], 2 * shape[-1]))).astype(dtype)
        return wide[..., ::2] if strided else wide[..., : shape[-1]].copy()

    states = [draw(N, H) for _ in range(2 if cell == "lstm" else 1)]
    weights = draw(D, k * H, scale=0.5), draw(H, k * H, scale=0.5), draw(biases * H, scale=0.5)
    upstream = [draw(N, T, H)] + [draw(N, H)] * (cell == "lstm")
    options = {"reset_after": True} if " " in cell else {}
    return [draw(N, T, D), *states, *weights], upstream, options


def by_steps(cell, arguments, upstream, options):
    """The sequence's outputs and gradients, from the steps alone."""
    forward, backward = STEPS[cell.split()[0]]
    x, *states, Wx, Wh, b = arguments
    h, caches = [], []
    for t in range(x.shape[1]):
        *states, cache = forward(x[:, t], *states, Wx, Wh, b, **options)
        h.append(states[0])
        caches.append(cache)
    dh, *back = upstream
    dx, back, weights = [], [np.zeros_like(dh[:, 0]), *back], [0, 0, 0]
    for t in reversed(range(len(h))):
        back[0] = back[0] + dh[:, t]
        dx_t, *rest = backward(*back, caches[t])
        back, new = rest[: len(back)], rest[len(back) :]
        weights = [total + d for total, d in zip(weights, new, strict=True)]
        dx.insert(0, dx_t)
    return [np.stack(h, axis=1), *states[1:]], [np.stack(dx, axis=1), *back, *weights]


@pytest.mark.parametrize("cell", CELLS)
@settings(deadline=None, max_examples=60, derandomize=True, database=None)
@PROBLEMS
def test_a_sequence_is_its_steps(cell, sizes, dtype, seed, strided):
    arguments, upstream, options = problem(cell, sizes, dtype, seed, strided)
    forward, backward = SEQUENCES[cell.split()[0]]
    *outputs, cache = forward(*arguments, **options)
    expected, gradients = by_steps(cell, arguments, upstream, options)
    found = [*outputs, *backward(*upstream, cache)]
    for ours, theirs in zip(found, expected + gradients, strict=True):
        assert ours.shape == theirs.shape and ours.dtype == dtype
        assert relative_error(ours, theirs, 1e-3) < LIMIT[dtype]


@pytest.mark.parametrize("cell", CELLS)
@settings(deadline=None, max_examples=20, derandomize=True, database=None)
@PROBLEMS
def test_a_sequence_works_in_arrays_of_its_own(cell, sizes, dtype, seed, strided):
    """It changes no argument, its backward pass no cache, and nobody can change it from outside."""
    arguments, upstream, options = problem(cell, sizes, dtype, seed, strided)
    kept = [a.copy() for a in (*arguments, *upstream)]
    forward, backward = SEQUENCES[cell.split()[0]]
    *outputs, cache = forward(*arguments, **options)
    first = backward(*upstream, cache)
    assert all(map(np.array_equal, kept, (*arguments, *upstream)))
    for array in outputs:
        array[:] = np.nan
    for one, again in zip(first, backward(*upstream, cache), strict=True):
        np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("cell", CELLS)
@settings(deadline=None, max_examples=20, derandomize=True, database=None)
@PROBLEMS
def test_a_sequence_carries_complex_numbers_in_any_argument(cell, sizes, dtype, seed, strided):
    """The derivative in a random direction, by complex step, is what the gradient says."""
    arguments, upstream, options = problem(cell, sizes, "float64", seed, strided)
    forward, backward = SEQUENCES[cell.split()[0]]
    *_, cache = forward(*arguments, **options)
    gradients = backward(*upstream, cache)
    rng = np.random.default_rng(seed + 1)
    for place, gradient in enumerate(gradients):
        direction = rng.standard_normal(gradient.shape)
        moved = [*arguments]
        moved[place] = moved[place] + 1e-30j * direction
        outputs = forward(*moved, **options)
        slope = sum(np.sum(d * out.imag) / 1e-30 for d, out in zip(upstream, outputs, strict=False))
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction) + 1e-6
        assert abs(slope - np.sum(gradient * direction)) < 1e-12 * scale


@pytest.mark.parametrize("cell", CELLS)
def test_whole_numbers_and_mixed_widths_become_floats(cell):
    arguments, upstream, options = problem(cell, (2, 3, 4, 5), "float64", 0, False)
    forward, _ = SEQUENCES[cell.split()[0]]
    whole = [np.rint(3 * a) for a in arguments]
    expected = forward(*whole, **options)[0]
    ints = [a.astype(np.int64) for a in whole]
    found = forward(*ints, **options)[0]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    mixed = forward(ints[0].astype(np.int8), *[a.astype(np.float32) for a in whole[1:]], **options)
    assert mixed[0].dtype == np.float32
    np.testing.assert_allclose(mixed[0], expected, atol=1e-5)
