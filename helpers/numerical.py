"""Gradients by measuring: nudge a number, see how far the loss moves.

Slow, and free of any algebra that could be wrong: what every backward pass is held against.
"""

import numpy as np


def numerical_gradient(f, x, eps=1e-5):
    """Gradient of a scalar function by central differences.

        df/dx_i  ~  (f(x + eps e_i) - f(x - eps e_i)) / (2 eps)        error of order eps²

    Args:
        f: takes an array of x's shape, returns a number.
        x: float array; it is left as it was.
        eps: half the distance between the two points.

    Returns:
        Array of x's shape.

    Raises:
        TypeError: x holds no floating-point numbers.
        ValueError: f returned something else than one finite number.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        got = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"x: expected a float array, got {got}; use x.astype(float)")
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        gradient[i] = (_value(f, x, i, +eps) - _value(f, x, i, -eps)) / (2 * eps)
    return gradient


def _value(f, x, i, step):
    """f at x with element i moved by step."""
    moved = x.copy()
    moved[i] += step
    value = np.asarray(f(moved))
    if value.size != 1 or not np.isfinite(value).all():
        raise ValueError(
            f"f: expected one finite number, got {value!r} with x{list(i)} moved by {step:g}; "
            "sum the loss to a scalar, and look for NaN in it"
        )
    return value.item()


def complex_step_gradient(f, x, step=1e-30, rows=False):
    """Gradient of a scalar function to machine precision, where f takes complex numbers.

        df/dx_i  =  Im f(x + i step e_i) / step        (Squire and Trapp 1998)

    No difference of near-equal numbers is taken, so `step` can be as small as one likes
    and nothing cancels. f must be analytic: no abs, max, or comparison of what depends on x.

    Args:
        f: takes a complex array of x's shape, returns a complex number.
        x: float array.
        step: size of the imaginary nudge.
        rows: whether f returns one number for each row x[n] instead, which no other row touches;
            then all rows are nudged at once.

    Returns:
        float64 array of x's shape.
    """
    gradient = np.zeros(x.shape)
    moved = x.astype(np.complex128)
    for i in np.ndindex(x.shape[1:] if rows else x.shape):
        i = (slice(None), *i) if rows else i
        here = moved[i].copy()
        moved[i] += 1j * step
        gradient[i] = f(moved).imag / step
        moved[i] = here
    return gradient
