"""Arguments that cannot be right are refused: what was expected, what came, and the remedy.

Every public function of `helpers` checks its arguments at the door, so that a wrong shape never
surfaces as a broadcast error three calls further down.
"""

import numpy as np


def expect_array(name, value, shape, because=""):
    """Refuse anything but a numeric array of the given shape.

    Args:
        name: what the caller calls the argument, for the message.
        value: the argument.
        shape: a tuple of sizes; a string such as ``"T"`` in a place accepts any size there.
        because: where the expected shape comes from, for the message.

    Raises:
        TypeError: not an array, or one that holds no numbers.
        ValueError: an array of another shape.
    """
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{name}: expected a NumPy array, got {type(value).__name__}; "
            f"wrap it as np.array({name}), after padding its rows to one length if they differ"
        )
    if value.dtype.kind not in "fciub":
        raise TypeError(
            f"{name}: expected numbers, got an array of dtype {value.dtype}; "
            "rows of different lengths must be padded to one length first"
        )
    if value.shape != shape and not _fits(shape, value.shape):
        wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
        raise ValueError(
            f"{name}: expected shape {wanted}{' because ' + because if because else ''}, "
            f"got {value.shape}; reshape or transpose it before the call"
        )


def _fits(shape, got):
    """Whether sizes are the expected ones, of which a string stands for any."""
    return len(shape) == len(got) and all(
        [isinstance(want, str) or want == size for want, size in zip(shape, got, strict=True)]
    )


def expect_finite(name, value):
    """Refuse NaN and infinity, naming the first place.

    Raises:
        ValueError: some element is not finite.
    """
    finite = np.isfinite(value)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"{name}: expected finite numbers, got {value[where]} at index {where}; "
            "clean the data, or if it is a state, stop: the run has diverged "
            "(a smaller learning rate or clipping helps)"
        )


def expect_tokens(name, tokens, depth, shape=None):
    """Refuse anything but an integer array whose entries lie in [0, depth).

    Raises:
        TypeError: not an array of integers.
        ValueError: another shape, or an entry outside the vocabulary.
    """
    if not isinstance(tokens, np.ndarray | np.integer) or tokens.dtype.kind not in "iu":
        got = getattr(tokens, "dtype", type(tokens).__name__)
        raise TypeError(
            f"{name}: expected an array of integers, got {got}; "
            "pad ragged rows to one length, then use np.array(..., dtype=int)"
        )
    if shape is not None:
        expect_array(name, tokens, shape)
    outside = (tokens < 0) | (tokens >= depth)
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"{name}: expected tokens from 0 to {depth - 1}, got {tokens[where]} at index {where}; "
            "encode the text with the vocabulary that the weights were made for"
        )


def expect_cell(x, h_prev, Wx, Wh, b, *, gates=1, state="h_prev"):
    """Refuse the arguments of a recurrent step or sequence that do not fit together.

    Args:
        x: (N, D) one step or (N, T, D) a sequence.
        h_prev: (N, H); the message calls it by the name given as `state`.
        Wx, Wh, b: (D, gates*H), (H, gates*H), (gates*H,).
    """
    expect_array("x", x, ("N", "T", "D") if np.ndim(x) == 3 else ("N", "D"))
    N, D = x.shape[0], x.shape[-1]
    expect_array(state, h_prev, (N, "H"), f"x has {N} rows")
    H = h_prev.shape[1]
    units = f"{state} has {H} unit" + ("s" if H != 1 else "")
    if gates > 1:
        units += f" and the cell {gates} gates"
    expect_array("Wx", Wx, (D, gates * H), f"x has {D} features and {units}")
    expect_array("Wh", Wh, (H, gates * H), units)
    expect_array("b", b, (gates * H,), units)
    if x.ndim == 3 and x.shape[1] == 0:
        raise ValueError("x: expected at least one time step, got none; check how it was cut")
    expect_finite("x", x)
    expect_finite(state, h_prev)
