"""Gradient clipping: a step that would leap off a cliff is shortened (Pascanu et al. 2013).

`grads` is a dict from names to float arrays, as everywhere in the course; a list works too.
"""

import numpy as np


def global_norm(grads):
    """One Euclidean norm over all the numbers in all the arrays.

    Args:
        grads: dict (or list) of float arrays.

    Returns:
        float; the sum runs in float64 and cannot overflow.

    Raises:
        TypeError: an entry that is no float array.
        ValueError: a norm that is not finite; the message says which array it came from.
    """
    _expect_arrays(grads)
    norms = []
    for name, grad in _items(grads):
        norm = _norm(grad)
        if not np.isfinite(norm):
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(grad))[0])
            raise ValueError(
                f"grads[{name!r}]: expected a finite norm, got {norm} from {grad[where]} at index "
                f"{where}; nothing was scaled. The run has diverged: go back to the last good "
                "parameters and clip from there"
            )
        norms.append(norm)
    return _norm(np.array(norms))


def _norm(x):
    """The Euclidean norm, scaled by the largest entry, so that no square overflows."""
    largest = float(np.abs(x).max(initial=0.0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.square(x.astype(np.float64) / largest).sum()))


def clip_by_norm(grads, max_norm):
    """Scale all arrays by one factor, in place, so that their global norm is at most max_norm.

    The direction of the step is kept; gradients below the threshold are left untouched.

    Args:
        grads: dict (or list) of float arrays.
        max_norm: the threshold, above 0.

    Returns:
        float, the norm before clipping.

    Raises:
        TypeError, ValueError: as in `global_norm`, and then nothing is scaled.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm: expected a number above 0, got {max_norm}; 5 is usual")
    norm = global_norm(grads)
    if norm > max_norm:
        for _, grad in _items(grads):
            grad *= max_norm / norm
    return norm


def clip_by_value(grads, limit):
    """Cut every element to [-limit, limit], in place. This turns the direction of the step.

    Args:
        grads: dict (or list) of float arrays.
        limit: above 0.

    Raises:
        TypeError: an entry that is no float array.
        ValueError: limit is not above 0.
    """
    if not limit > 0:
        raise ValueError(f"limit: expected a number above 0, got {limit}; 1 or 5 is usual")
    _expect_arrays(grads)
    for _, grad in _items(grads):
        np.clip(grad, -limit, limit, out=grad)


def _items(grads):
    return grads.items() if isinstance(grads, dict) else enumerate(grads)


def _expect_arrays(grads):
    if not isinstance(grads, dict | list | tuple):
        raise TypeError(
            f"grads: expected a dict of arrays, got {type(grads).__name__}; "
            "put a single array into one, as {'Wh': dWh}"
        )
    for name, grad in _items(grads):
        if not isinstance(grad, np.ndarray) or grad.dtype.kind != "f":
            got = getattr(grad, "dtype", type(grad).__name__)
            raise TypeError(
                f"grads[{name!r}]: expected a float array, got {got}; "
                "it is changed in place, so it has to be an array of floats"
            )
