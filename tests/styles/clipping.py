"""Right answers to notebook 05."""

import functools
import math

import numpy as np
from answers import Styles

style = Styles()


# global_norm ------------------------------------------------------------------------------------


@style("global_norm")
def one_long_vector(grads):
    for name, g in grads.items():
        if not np.all(np.isfinite(g)):
            raise ValueError(f"{name}: not finite")
    return np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()]))


@style("global_norm")
def not_finite_is_returned_as_it_is(grads):
    return np.sqrt(sum((g**2).sum() for g in grads.values()))


@style("global_norm")
def norm_of_the_norms(grads):
    norms = {name: np.linalg.norm(g.reshape(-1)) for name, g in grads.items()}
    for name in norms:
        assert math.isfinite(norms[name]), name
    return math.hypot(*norms.values())


@style("global_norm")
def dot_products(grads):
    total = 0.0
    for name in grads:
        g = np.asarray(grads[name], dtype=np.float64).flatten()
        square = np.dot(g, g)
        if np.isnan(square) or square == np.inf:
            raise FloatingPointError("the gradient of " + name + " has exploded")
        total += square
    return float(total) ** 0.5


@style("global_norm")
def element_by_element(grads):
    squares = []
    for name, g in grads.items():
        for value in g.flat:
            if value != value or abs(value) == float("inf"):
                raise OverflowError("look at " + repr(name))
            squares.append(float(value) * float(value))
    return math.sqrt(math.fsum(squares))


class Norm:
    """A callable that keeps nothing."""

    def __call__(self, grads):
        totals = [(name, np.vdot(g, g)) for name, g in grads.items()]
        troubles = [name for name, total in totals if not np.isfinite(total)]
        if troubles:
            raise ValueError(f"not finite: {', '.join(troubles)}")
        return np.sqrt(np.sum([total for _, total in totals]))


style("global_norm", what="callable instance")(Norm())


# clip_by_norm -----------------------------------------------------------------------------------

finite_norm = Norm()


@style("clip_by_norm")
def a_condition_and_star_equals(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@style("clip_by_norm")
def guarded_factor_of_at_most_one(grads, max_norm):
    norm = finite_norm(grads)
    factor = min(1.0, max_norm / (norm + 1e-6))
    for name in grads:
        grads[name] *= factor
    return float(norm)


@style("clip_by_norm")
def assigned_to_all_places(grads, max_norm):
    norm = finite_norm(grads)
    if norm >= max_norm:
        for grad in list(grads.values()):
            grad[...] = grad / norm * max_norm
    return norm


@style("clip_by_norm")
def multiplied_with_out(grads, max_norm, eps=1e-6):
    norm = finite_norm(grads)
    clipped = np.clip(max_norm / (norm + eps), None, 1.0)
    [np.multiply(grad, clipped, out=grad) for grad in grads.values()]
    return norm


@style("clip_by_norm")
def subtracted(grads, max_norm):
    norm = finite_norm(grads)
    too_much = max(0.0, 1 - max_norm / max(norm, max_norm))
    for grad in grads.values():
        grad -= too_much * grad
    return norm


def reporting_trouble(clip):
    @functools.wraps(clip)
    def careful(grads, max_norm):
        for name, grad in grads.items():
            if not np.isfinite(np.abs(grad).sum()):
                raise ArithmeticError(f"gradient {name}")
        return clip(grads, max_norm)

    return careful


@style("clip_by_norm")
@reporting_trouble
def with_a_decorator(grads, max_norm):
    norm = math.sqrt(sum(float(np.sum(np.square(g))) for g in grads.values()))
    if norm > max_norm:
        for grad in grads.values():
            np.copyto(grad, grad * (max_norm / norm))
    return norm


# clip_by_value ----------------------------------------------------------------------------------


@style("clip_by_value")
def clipped_with_out(grads, limit):
    for grad in grads.values():
        grad.clip(-limit, limit, out=grad)


@style("clip_by_value")
def both_ends_by_a_mask(grads, limit):
    for grad in grads.values():
        grad[grad > limit] = limit
        grad[grad < -limit] = -limit


@style("clip_by_value")
def minimum_of_maximum(grads, limit):
    for grad in grads.values():
        np.minimum(limit, np.maximum(-limit, grad), out=grad)


@style("clip_by_value")
def sign_and_size(grads, limit):
    for grad in grads.values():
        grad[...] = np.sign(grad) * np.where(np.abs(grad) < limit, np.abs(grad), limit)


@style("clip_by_value")
def every_place_of_every_array(grads, limit):
    for grad in grads.values():
        for place in np.ndindex(grad.shape):
            grad[place] = max(-limit, min(limit, grad[place]))


style("clip_by_value", what="a partial of a function of my own")(
    functools.partial(lambda grads, limit, cut: [cut(g, limit) for g in grads.values()],
                      cut=lambda g, limit: np.copyto(g, np.clip(g, -limit, limit)))
)  # fmt: skip
