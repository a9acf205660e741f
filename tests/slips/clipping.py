"""Wrong answers to notebook 05."""

import copy

import numpy as np
from answers import Slips

slip = Slips()


# global_norm ------------------------------------------------------------------------------------


@slip("global_norm", "norm", "sum of the arrays' norms")
def norms_added_up(grads):
    return sum(np.linalg.norm(g) for g in grads.values())


@slip("global_norm", "norm", "root left out")
def sum_of_squares(grads):
    total = 0.0
    for g in grads.values():
        total += np.sum(g**2)
    return total


@slip("global_norm", "norm", "largest of the arrays' norms")
def the_longest_array(grads):
    return max(np.sqrt((g * g).sum()) for g in grads.values())


@slip("global_norm", "norm", "only the last array")
def equals_for_plus_equals(grads):
    total = 0.0
    for g in grads.values():
        total = np.sum(g**2)
    return np.sqrt(total)


@slip("global_norm", "norm", "only the first array")
def returns_inside_the_loop(grads):
    total = 0.0
    for g in grads.values():
        total += np.sum(g**2)
        return np.sqrt(total)


@slip("global_norm", "norm", "norms not squared before they are added")
def root_at_both_places(grads):
    total = 0.0
    for g in grads.values():
        total += np.linalg.norm(g)
    return total**0.5


@slip("global_norm", "norm", "mean in place of the sum")
def root_mean_square(grads):
    flat = np.concatenate([g.ravel() for g in grads.values()])
    return np.sqrt(np.mean(flat**2))


@slip("global_norm", "norm", "mean of each array's squares")
def mean_for_sum(grads):
    total = 0.0
    for g in grads.values():
        total += np.mean(g**2)
    return np.sqrt(total)


@slip("global_norm", "norm", "summed before squaring")
def squared_outside(grads):
    return np.sqrt(sum(np.sum(g) ** 2 for g in grads.values()))


@slip("global_norm", "norm", "sum of the absolute values")
def manhattan(grads):
    return sum(np.abs(g).sum() for g in grads.values())


@slip("global_norm", "norm", "largest element")
def norm_of_order_infinity(grads):
    return np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()]), np.inf)


@slip("global_norm", "norm", "largest singular value in place of the Frobenius norm")
def norm_of_order_two(grads):
    return np.sqrt(sum(np.linalg.norm(g, 2) ** 2 for g in grads.values()))


@slip("global_norm", "norm", "b left out")
def matrices_only(grads):
    return np.sqrt(sum((g**2).sum() for g in grads.values() if g.ndim > 1))


@slip("global_norm", "norm", "only certain keys")
def keys_of_the_rnn(grads):
    return np.sqrt(sum((grads[k] ** 2).sum() for k in ("Wx", "Wh", "b") if k in grads))


@slip("global_norm", None)
def keys_that_may_be_missing(grads):
    return np.sqrt((grads["Wx"] ** 2).sum() + (grads["Wh"] ** 2).sum() + (grads["b"] ** 2).sum())


@slip("global_norm", "grads", "argument changed in place")
def squared_in_place(grads):
    total = 0.0
    for g in grads.values():
        g **= 2
        total += g.sum()
    return np.sqrt(total)


@slip("global_norm", "grads", "argument changed in place")
def takes_the_dict_apart(grads):
    total = 0.0
    while grads:
        _, g = grads.popitem()
        total += (g * g).sum()
    return np.sqrt(total)


SUM_SO_FAR = [0.0]


@slip("global_norm", None, "state kept between calls")
def total_of_the_module(grads):
    for g in grads.values():
        SUM_SO_FAR[0] += np.sum(g**2)
    return np.sqrt(SUM_SO_FAR[0])


@slip("global_norm", "norm", "no error for NaN")
def not_finite_counts_nothing(grads):
    return np.sqrt(sum(np.nansum(g**2) for g in grads.values()))


@slip("global_norm", "norm", "no error for NaN")
def zero_when_it_is_not_finite(grads):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    return norm if np.isfinite(norm) else 0.0


@slip("global_norm", "grads", "error does not tell the key")
def error_without_a_key(grads):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    if not np.isfinite(norm):
        raise ValueError("the norm is not finite")
    return float(norm)


@slip("global_norm", "grads", "error does not tell the key")
def error_with_a_number(grads):
    total = 0.0
    for k, g in enumerate(grads.values()):
        if not np.isfinite(g).all():
            raise ValueError(f"array number {k} is not finite")
        total += np.sum(g**2)
    return np.sqrt(total)


@slip("global_norm", "grads", "error does not tell the key")
def error_with_all_the_keys(grads):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    if np.isnan(norm) or np.isinf(norm):
        raise ValueError(f"not finite: one of {list(grads)}")
    return norm


@slip("global_norm", "norm")
def a_norm_for_each_array(grads):
    return np.array([np.linalg.norm(g) for g in grads.values()])


@slip("global_norm", "norm")
def summed_in_float32(grads):
    total = np.float32(0)
    for g in grads.values():
        total += np.float32(np.sum(g**2))
    return np.sqrt(total)


@slip("global_norm", None)
def arrays_of_different_widths_joined(grads):
    return np.linalg.norm(np.concatenate(list(grads.values())))


# clip_by_norm -----------------------------------------------------------------------------------


def finite_norm(grads):
    """Right, and as the exercise asks, so that the slips below are in the clipping alone."""
    total = 0.0
    for name, g in grads.items():
        squares = float(np.sum(g**2))
        if not np.isfinite(squares):
            raise ValueError(f"{name} is not finite")
        total += squares
    return total**0.5


@slip("clip_by_norm", "grads['Wx']", "not in place")
def star_for_star_equals(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad = grad * max_norm / norm
    return norm


@slip("clip_by_norm", "grads['Wx']", "not in place")
def a_dict_of_its_own(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        grads = {name: g * (max_norm / norm) for name, g in grads.items()}
    return norm


@slip("clip_by_norm", "grads['Wx']", "not in place")
def a_deep_copy(grads, max_norm):
    grads = copy.deepcopy(grads)
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads['Wx']", "not in place")
def comparison_the_wrong_way_round(grads, max_norm):
    norm = finite_norm(grads)
    if norm < max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads", "array replaced in place of changed")
def new_arrays_in_the_dict(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for name in grads:
            grads[name] = grads[name] * (max_norm / norm)
    return norm


@slip("clip_by_norm", "grads['Wx']", "scaled up below the threshold")
def always_to_the_threshold(grads, max_norm):
    norm = finite_norm(grads)
    for grad in grads.values():
        grad *= max_norm / (norm + 1e-6)
    return norm


@slip("clip_by_norm", None)
def division_by_zero(grads, max_norm):
    norm = finite_norm(grads)
    for grad in grads.values():
        grad *= min(1.0, max_norm / norm)
    return norm


@slip("clip_by_norm", "norm", "norm after clipping returned")
def measured_afterwards(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return finite_norm(grads)


@slip("clip_by_norm", "norm", "factor returned in place of the norm")
def factor_returned(grads, max_norm):
    factor = min(1.0, max_norm / (finite_norm(grads) + 1e-12))
    for grad in grads.values():
        grad *= factor
    return factor


@slip("clip_by_norm", "norm", "returns nothing")
def forgot_to_return(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm


@slip("clip_by_norm", "norm")
def gradients_returned(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return grads


@slip("clip_by_norm", "grads['Wx']", "each array clipped by itself")
def a_factor_for_each_array(grads, max_norm):
    total = finite_norm(grads)
    for grad in grads.values():
        norm = np.linalg.norm(grad)
        if norm > max_norm:
            grad *= max_norm / norm
    return total


@slip("clip_by_norm", "grads['Wx']", "clipped by value")
def elements_cut(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            np.clip(grad, -max_norm, max_norm, out=grad)
    return norm


@slip("clip_by_norm", "grads['Wh']", "norm measured anew after each array")
def measured_inside_the_loop(grads, max_norm):
    norm = finite_norm(grads)
    for grad in grads.values():
        if finite_norm(grads) > max_norm:
            grad *= max_norm / finite_norm(grads)
    return norm


@slip("clip_by_norm", "grads['Wx']", "norm of the arrays so far")
def two_loops_in_one(grads, max_norm):
    finite_norm(grads)
    total = 0.0
    for grad in grads.values():
        total += np.sum(grad**2)
        norm = np.sqrt(total)
        if norm > max_norm:
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads['Wx']", "factor turned upside down")
def norm_over_threshold(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= norm / max_norm
    return norm


@slip("clip_by_norm", "grads['Wx']", "scaled to norm 1")
def divided_by_the_norm(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad /= norm
    return norm


@slip("clip_by_norm", "grads['Wx']", "multiplied by the threshold alone")
def times_the_threshold(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm
    return norm


@slip("clip_by_norm", "grads['b']", "b left out")
def biases_need_no_clipping(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for name, grad in grads.items():
            if not name.startswith("b"):
                grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads['b']", "b left out")
def two_of_three_keys(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        grads["Wx"] *= max_norm / norm
        grads["Wh"] *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads['Wh']", "only Wx scaled")
def returns_too_early(grads, max_norm):
    norm = finite_norm(grads)
    for grad in grads.values():
        if norm > max_norm:
            grad *= max_norm / norm
        return norm


@slip("clip_by_norm", "grads['Wx']", "only b scaled")
def indented_too_little(grads, max_norm):
    norm = finite_norm(grads)
    for grad in grads.values():  # noqa: B007
        factor = max_norm / norm
    if norm > max_norm:
        grad *= factor
    return norm


@slip("clip_by_norm", "grads['Wx']", "only Wh scaled")
def recurrent_weights_only(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        grads["Wh"] *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads", "only certain keys")
def keys_of_the_rnn_only(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for name in ("Wx", "Wh", "b"):
            grads[name] *= max_norm / norm
    return norm


@slip("clip_by_norm", "norm", "sum of the arrays' norms, as the norm")
def clipped_by_added_norms(grads, max_norm):
    finite_norm(grads)
    norm = sum(np.linalg.norm(g) for g in grads.values())
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "norm", "root left out, as the norm")
def clipped_by_the_sum_of_squares(grads, max_norm):
    finite_norm(grads)
    norm = sum((g * g).sum() for g in grads.values())
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "norm", "b left out, as the norm")
def bias_not_measured(grads, max_norm):
    finite_norm(grads)
    norm = np.sqrt(sum((g * g).sum() for g in grads.values() if g.ndim > 1))
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads['Wx']", "root of the factor")
def root_of_the_ratio(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= np.sqrt(max_norm / norm)
    return norm


@slip("clip_by_norm", "grads['Wx']", "everything set to zero")
def integer_division(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm // norm
    return norm


@slip("clip_by_norm", "grads['Wx']", "everything set to zero")
def long_gradient_thrown_away(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad[...] = 0
    return norm


@slip("clip_by_norm", "norm", "no error for NaN")
def not_finite_passes(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "norm", "no error for NaN")
def not_finite_skipped(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    if np.isfinite(norm) and norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "norm", "no error for infinity")
def nan_alone_is_an_error(grads, max_norm):
    for name, grad in grads.items():
        if np.isnan(grad).any():
            raise ValueError(f"NaN in {name}")
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads", "error does not tell the key")
def error_without_the_key(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    assert np.isfinite(norm), "gradients have exploded"
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads", "error does not tell the key")
def counted_in_place_of_named(grads, max_norm):
    for k, grad in enumerate(grads.values(), 1):
        if not np.isfinite(grad).all():
            raise ValueError(f"array number {k} is not finite")
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / norm
    return norm


@slip("clip_by_norm", "grads", "scaled before the error")
def looks_while_it_scales(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    factor = max_norm / norm if norm > max_norm else 1.0
    for name, grad in grads.items():
        if not np.isfinite(grad).all():
            raise ValueError(f"{name} is not finite")
        grad *= factor if np.isfinite(factor) else 0.5
    return norm


@slip("clip_by_norm", "grads", "touched below max_norm")
def guard_without_a_condition(grads, max_norm):
    norm = finite_norm(grads)
    for grad in grads.values():
        grad *= max_norm / (max(norm, max_norm) + 1e-6)
    return norm


@slip("clip_by_norm", "grads['Wx']", "1 added to the norm")
def guard_that_is_too_large(grads, max_norm):
    norm = finite_norm(grads)
    if norm > max_norm:
        for grad in grads.values():
            grad *= max_norm / (norm + 1)
    return norm


@slip("clip_by_norm", "grads['Wx']", "threshold of 5 in place of max_norm")
def the_usual_five(grads, max_norm):
    norm = finite_norm(grads)
    if norm > 5:
        for grad in grads.values():
            grad *= 5 / norm
    return norm


# clip_by_value ----------------------------------------------------------------------------------


@slip("clip_by_value", "grads['Wx']", "not in place")
def result_of_clip_dropped(grads, limit):
    for grad in grads.values():
        np.clip(grad, -limit, limit)


@slip("clip_by_value", "grads['Wx']", "not in place")
def bound_to_a_local_name(grads, limit):
    for grad in grads.values():
        grad = np.clip(grad, -limit, limit)


@slip("clip_by_value", "grads", "array replaced in place of changed")
def clipped_arrays_put_into_the_dict(grads, limit):
    for name, grad in grads.items():
        grads[name] = np.clip(grad, -limit, limit)


@slip("clip_by_value", "grads['Wx']", "large negative elements kept")
def upper_end_only(grads, limit):
    for grad in grads.values():
        grad[grad > limit] = limit


@slip("clip_by_value", "grads['Wx']", "large positive elements kept")
def lower_end_only(grads, limit):
    for grad in grads.values():
        np.maximum(grad, -limit, out=grad)


@slip("clip_by_value", "grads['Wx']", "cut to between 0 and the limit")
def zero_as_the_lower_end(grads, limit):
    for grad in grads.values():
        np.clip(grad, 0, limit, out=grad)


@slip("clip_by_value", "grads['Wx']", "sign lost")
def absolute_value_compared(grads, limit):
    for grad in grads.values():
        grad[np.abs(grad) > limit] = limit


@slip("clip_by_value", "grads['Wx']", "large elements set to zero")
def large_ones_removed(grads, limit):
    for grad in grads.values():
        grad *= np.abs(grad) <= limit


@slip("clip_by_value", "grads['Wx']", "large elements multiplied by the limit")
def star_for_equals(grads, limit):
    for grad in grads.values():
        grad[np.abs(grad) > limit] *= limit


@slip("clip_by_value", "grads['Wx']", "every element set to the limit")
def sign_times_limit(grads, limit):
    for grad in grads.values():
        grad[...] = np.sign(grad) * limit


@slip("clip_by_value", "grads['Wx']", "small elements raised to the limit")
def comparison_turned_round(grads, limit):
    for grad in grads.values():
        small = np.abs(grad) < limit
        grad[small] = limit * np.sign(grad[small])


@slip("clip_by_value", "grads['Wx']", "the ends of the interval exchanged")
def upper_end_first(grads, limit):
    for grad in grads.values():
        np.clip(grad, limit, -limit, out=grad)


@slip("clip_by_value", "grads['Wx']", "scaled by the largest element")
def scaled_to_the_limit(grads, limit):
    for grad in grads.values():
        largest = np.abs(grad).max()
        if largest > limit:
            grad *= limit / largest


@slip("clip_by_value", "grads['Wx']", "scaled by the largest element of all arrays")
def one_factor_for_all(grads, limit):
    largest = max(np.abs(grad).max() for grad in grads.values())
    if largest > limit:
        for grad in grads.values():
            grad *= limit / largest


@slip("clip_by_value", "grads['Wx']", "clipped by norm")
def clip_by_norm_again(grads, limit):
    norm = np.sqrt(sum((grad**2).sum() for grad in grads.values()))
    if norm > limit:
        for grad in grads.values():
            grad *= limit / norm


@slip("clip_by_value", "grads['Wx']", "limit ignored")
def always_one(grads, limit):
    for grad in grads.values():
        np.clip(grad, -1, 1, out=grad)


@slip("clip_by_value", "grads['Wx']", "squashed by tanh")
def a_soft_limit(grads, limit):
    for grad in grads.values():
        grad[...] = limit * np.tanh(grad / limit)


@slip("clip_by_value", "grads['b']", "b left out")
def matrices_alone(grads, limit):
    for grad in grads.values():
        if grad.ndim == 2:
            np.clip(grad, -limit, limit, out=grad)


@slip("clip_by_value", "grads['Wh']", "only Wx cut")
def leaves_after_the_first(grads, limit):
    for grad in grads.values():
        np.clip(grad, -limit, limit, out=grad)
        return grads


@slip("clip_by_value", ("grads['Wx']", "grads['Wh']", "grads['b']"),
      "skipped unless a positive element exceeds the limit")  # fmt: skip
def asks_the_maximum_first(grads, limit):
    for grad in grads.values():
        if grad.max() > limit:
            np.clip(grad, -limit, limit, out=grad)


@slip("clip_by_value", None)
def elements_of_matrices_in_an_if(grads, limit):
    for grad in grads.values():
        for i in range(len(grad)):
            if grad[i] > limit:
                grad[i] = limit
            if grad[i] < -limit:
                grad[i] = -limit


@slip("clip_by_value", "grads", "only certain keys")
def keys_spelled_out(grads, limit):
    for name in ["Wx", "Wh", "b"]:
        np.clip(grads[name], -limit, limit, out=grads[name])
