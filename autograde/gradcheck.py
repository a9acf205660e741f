"""Numbers against numbers: expected gradients by measuring, and how far an answer is from them.

An answer is judged by the norm of its error, array by array,

    error = |answer - expected| / (|answer| + |expected| + floor)

where the floor keeps two arrays of rounding errors from counting as different. The largest
elementwise ratio, which many courses print, exceeds 1e-7 for a right gradient whenever one element
happens to be near zero; the norm does not.
"""

import numpy as np

from helpers.numerical import complex_step_gradient, numerical_gradient

# Largest error that still counts as right. A right float64 answer measures 1e-16 to 1e-15
# against the complex step, a right float32 one about 1e-7.
TOLERANCE = {"float64": 1e-9, "float32": 1e-5}
# What is added to the norms; the arrays of the random problems have norms around 1.
FLOOR = {"float64": 1e-4, "float32": 1e-2}
# A central difference of the student's own forward pass is good to about 1e-9.
CENTRAL_TOLERANCE = 1e-6


def relative_error(answer, expected, floor=0.0):
    """Distance of two arrays by norm, from 0 (equal) to 1.

    Args:
        answer, expected: arrays of one shape.
        floor: added to the denominator, so that two arrays of rounding errors count as equal.
    """
    answer, expected = np.asarray(answer, np.float64), np.asarray(expected, np.float64)
    difference = np.linalg.norm(answer - expected)
    if difference == 0:
        return 0.0
    return float(difference / (np.linalg.norm(answer) + np.linalg.norm(expected) + floor))


def exact_gradients(loss, arguments, names, rows=()):
    """Gradients of `loss(arguments)` by complex step, one array for each of the names.

    Args:
        loss: takes a dict of arguments, returns a scalar, or one number for each row of a batch,
            which are summed; carries complex numbers through.
        arguments: dict of arrays (and whatever else the loss needs).
        names: which of them to differentiate.
        rows: those of the names whose every row touches its own number of the loss only: all rows
            are nudged in one call.

    Returns:
        dict from name to a float64 array.
    """
    found = {}
    for name in names:

        def of(value, name=name):
            numbers = loss({**arguments, name: value})
            return numbers if name in rows else np.sum(numbers)

        found[name] = complex_step_gradient(of, arguments[name], rows=name in rows)
    return found


def central_gradients(loss, arguments, names, rows=()):
    """As `exact_gradients`, by central differences, for a loss that takes real numbers only.

    A student's own forward pass may let rows touch, so that `rows` saves nothing here.
    """
    return {
        name: numerical_gradient(
            lambda value, name=name: np.sum(loss({**arguments, name: value})), arguments[name]
        )
        for name in names
    }


def same(a, b, seen=frozenset(), grown=False):
    """Whether two values of any structure are the same, floats up to a rounding in the last place.

    What cannot be looked into (a generator, an object without attributes) counts as the same.

    Args:
        a, b: the values.
        seen: pairs of ids that are being compared already, for structures that hold themselves.
        grown: whether b's dicts and objects may hold more than a's.
    """
    if hasattr(type(a), "same_as") and hasattr(type(b), "same_as"):
        return a.same_as(b, grown)  # they live in another process
    if type(a) is type(b) is np.ndarray and a.shape == b.shape and a.dtype == b.dtype != object:
        if a.tobytes() == b.tobytes():
            return True
    if (id(a), id(b)) in seen:
        return True
    seen = seen | {(id(a), id(b))}
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if np.shape(a) != np.shape(b):
            return False
        a, b = np.asarray(a), np.asarray(b)
        if a.dtype == object or b.dtype == object:
            return all(same(x, y, seen, grown) for x, y in zip(a.ravel(), b.ravel(), strict=True))
        if np.array_equal(a, b):
            return True
        if a.dtype.kind in "fc" and b.dtype.kind in "fc":
            return np.allclose(a, b, rtol=1e-12, atol=1e-12, equal_nan=True)
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        keys = a.keys() <= b.keys() if grown else a.keys() == b.keys()
        return keys and all(same(a[k], b[k], seen, grown) for k in a)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(same(x, y, seen, grown) for x, y in zip(a, b, strict=True))
    if isinstance(a, int | float | complex | str | bytes | np.generic | None):
        return bool(a == b or (a != a and b != b))
    if type(a) is type(b) and hasattr(a, "__dict__"):
        return same(vars(a), vars(b), seen, grown)
    return True


def comparable(a, b):
    """Whether both are numbers, or arrays of numbers."""
    numbers = (int, float, complex, np.number, np.ndarray)
    return all(isinstance(v, numbers) and np.asarray(v).dtype.kind in "fiucb" for v in (a, b))


def close(a, b):
    """Whether two quantities are one answer: looser than right, far tighter than chance."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if np.shape(a) != np.shape(b):
        return False
    # One number agrees by chance more easily than many.
    single = np.ndim(a) == 0 and not any(isinstance(v, np.float32) for v in (a, b))
    return np.allclose(a, b, rtol=1e-9 if single else 1e-5, atol=1e-12 if single else 1e-7,
                       equal_nan=True)  # fmt: skip
