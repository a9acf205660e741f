"""05 · clipping: steps that do not leap off the cliff."""

import copy
from functools import partial

import numpy as np

from autograde.exercises import problems
from autograde.exercises.declaration import Exercise, Mistake, Quantity, values
from autograde.report import Finding
from helpers import clipping

exercise = partial(Exercise, notebook="05")

KEYS = ("Wx", "Wh", "b")
GRADS = Quantity("grads", "DH HH H", keys=KEYS)


def gradients(rng, s):
    """Gradients of a recurrent cell, of which neither the first nor the last has the largest norm.

    So the largest of the norms is told from that of the first array, and from that of the last;
    and so is the root of their sum, which may come near them by chance.
    """
    D, H = s["D"], s["H"]
    while True:
        Wx, Wh, b = (problems.normal(rng, *shape) for shape in ((D, H), (H, H), (H,)))
        ends = np.array([np.linalg.norm(Wx), np.linalg.norm(b)])
        middle = rng.uniform(1.5, 2.5) * ends.max()
        if (np.abs(np.sqrt(ends.sum() + middle) / ends - 1) > 0.01).all():
            return {"Wx": Wx, "Wh": middle / np.linalg.norm(Wh) * Wh, "b": b}


# what no comparison of numbers can tell ---------------------------------------------------------

BAD = {"NaN": np.nan, "infinity": np.inf, "-infinity": -np.inf}


def refuses_non_finite(call, rng, s, may_return=False, **more):
    """Whether a norm that is not finite is an error that names the array, and nothing is scaled.

    With `may_return`, a returned number that is not finite will do in place of the error.
    """
    drawn = gradients(rng, s)
    drawn = {
        "bias": drawn["b"],
        "Wx": drawn["Wx"],
        "Wh": drawn["Wh"],
    }  # no word but a key is 'bias'
    for bad, number in BAD.items():
        texts = {}
        for key in drawn:
            grads = copy.deepcopy(drawn)
            grads[key].flat[grads[key].size // 2] = number
            held, before = dict(grads), copy.deepcopy(grads)
            returned, texts[key] = outcome(lambda grads=grads: call({"grads": grads, **more}))
            if texts[key] is None and may_return and _is_non_finite(returned):
                texts[key] = key
            where = f"With {bad} in grads[{key!r}]"
            if texts[key] is None:
                said = f"{where}, an exception was expected, and none came. "
                return Finding("edge", said + NO_ERROR, "norm", f"no error for {bad}")
            touched = [k for k in held if not np.array_equal(held[k], before[k], equal_nan=True)]
            if touched:
                said = f"{where}, the exception came, but grads[{touched[0]!r}] had been changed "
                return Finding("edge", said + TOO_LATE, "grads", "scaled before the error")
        vague = next((key for key in texts if key not in texts[key]), None)
        if vague or len(set(texts.values())) < len(texts):
            key = vague or "Wx"
            return Finding(
                "edge",
                f"With {bad} in grads[{key!r}] the exception said {texts[key]!r}. It must tell "
                f"which array the trouble came from: by its key, here {key!r}, and by that alone.",
                "grads",
                "error does not tell the key",
            )
    return None


NO_ERROR = (
    "A norm that is not finite must stop the run. Otherwise nothing does: NaN is never larger than "
    "a threshold, so it passes as if it were small, and infinity makes a factor of zero, which "
    "turns infinity into NaN. Test the norm with np.isfinite, array by array, before it is used."
)
TOO_LATE = (
    "by then. Nothing may be scaled when the norm is not finite: find the trouble first, and scale "
    "after that."
)


def outcome(call):
    """What a call returns and None, or None and the text of the exception that it raises."""
    try:
        return call(), None
    except (Exception, SystemExit) as error:
        return None, str(error)


def _is_non_finite(value):
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind == "f" and not np.isfinite(value)


def changes_the_very_arrays(call, rng, change, **more):
    """Whether the arrays that were handed over, and not others, hold the result."""
    grads = {"Wy": problems.normal(rng, 3, 4), "E": problems.normal(rng, 2, 3, 2)}
    held, right = dict(grads), copy.deepcopy(grads)
    change(right, **more)
    try:
        call({"grads": grads, **more})
    except KeyError as error:
        return Finding(
            "edge",
            f"With the keys {_listed(held)} in grads, the function raised KeyError: {error}. "
            + ALL_KEYS,
            "grads",
            "only certain keys",
        )
    wrong = [key for key in held if not _near(held[key], right[key])]
    if not wrong:
        return None
    key = wrong[0]
    if isinstance(grads.get(key), np.ndarray) and _near(grads[key], right[key]):
        return Finding(
            "edge",
            f"grads[{key!r}] is another array now: a new one with the right numbers was put into "
            "the dict, and the array that was handed over still holds the old ones. Whoever else "
            "holds that array sees no clipping. Change its elements and not the dict's entry: "
            "which operators of NumPy write into the array on their left?",
            "grads",
            "array replaced in place of changed",
        )
    return Finding(
        "edge",
        f"With the keys {_listed(held)}, grads[{key!r}] is not right. {ALL_KEYS}",
        "grads",
        "only certain keys",
    )


ALL_KEYS = (
    "Go through all the arrays in the dict, whatever they are called and however many axes they "
    "have."
)


def _listed(keys):
    return ", ".join(map(repr, keys))


def _near(a, b):
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=0)


def leaves_small_ones(call, rng, s, change, name):
    """Whether what need not be clipped is left alone to the last bit."""
    grads = gradients(rng, s)
    before = copy.deepcopy(grads)
    call({"grads": grads, name: change(before)})
    for key in KEYS:
        if not np.array_equal(grads[key], before[key]):
            return Finding(
                "edge",
                f"grads[{key!r}] was changed although nothing exceeds {name}. Below it gradients "
                "stay as they are, to the last bit: leave them out of the computation, or "
                "multiply by exactly 1.",
                "grads",
                f"touched below {name}",
            )
    return None


# global_norm ------------------------------------------------------------------------------------


def arrays(grads):
    return list(grads.values())


def norms(grads):
    return np.array([np.linalg.norm(g) for g in grads.values()])


def norm_edges(rng, s):
    drawn = gradients(rng, s)
    return {
        "for a single array": {"grads": {"Wy": drawn["Wh"]}},
        "when one array is all zeros": {"grads": {**drawn, "Wx": np.zeros_like(drawn["Wx"])}},
        "when all gradients are zero": {"grads": {k: np.zeros_like(g) for k, g in drawn.items()}},
        "for arrays of one and of three axes": {
            "grads": {"by": problems.normal(rng, 4), "E": problems.normal(rng, 2, 3, 2)}
        },
        "when one array is a thousand times larger": {"grads": {**drawn, "Wh": 1e3 * drawn["Wh"]}},
    }


# Wrong norms, which make wrong clippings too.
NORM_SLIPS = (
    (
        "sum of the arrays' norms",
        lambda grads: norms(grads).sum(),
        "Lengths at right angles do not add; their squares do (Pythagoras). Sum up the squares of "
        "all the numbers, and take one root at the very end.",
    ),
    (
        "root left out",
        lambda grads: (norms(grads) ** 2).sum(),
        "The sum of the squares is the norm squared.",
    ),
    (
        "largest of the arrays' norms",
        lambda grads: norms(grads).max(),
        "All arrays together are one long vector, and it is that vector's length that is asked.",
    ),
    (
        "only the last array",
        lambda grads: norms(grads)[-1],
        "Does the sum of squares start anew with each array? It has to grow over all of them.",
    ),
    (
        "only the first array",
        lambda grads: norms(grads)[0],
        "Does the loop end in its first round? The return belongs behind it.",
    ),
    (
        "b left out",
        lambda grads: np.sqrt(sum((g * g).sum() for g in arrays(grads) if g.ndim > 1)),
        "Every array counts, whatever its key is and however many axes it has.",
    ),
    (
        "mean in place of the sum",
        lambda grads: np.sqrt(np.mean(np.concatenate([g.ravel() for g in arrays(grads)]) ** 2)),
        "The norm is the root of the sum of the squares, not of their mean.",
    ),
    (
        "mean of each array's squares",
        lambda grads: np.sqrt(sum((g * g).mean() for g in arrays(grads))),
        "The norm is the root of the sum of the squares: a mean hides how large an array is.",
    ),
    (
        "largest element",
        lambda grads: max(np.abs(g).max() for g in arrays(grads)),
        "That is the maximum norm. The Euclidean norm sums the squares of all elements.",
    ),
    (
        "sum of the absolute values",
        lambda grads: sum(np.abs(g).sum() for g in arrays(grads)),
        "That is the norm with exponent 1. The Euclidean norm squares each element.",
    ),
    (
        "norms not squared before they are added",
        lambda grads: np.sqrt(norms(grads).sum()),
        "Each array contributes the sum of its squares, which is its norm squared.",
    ),
    (
        "mean over the arrays",
        lambda grads: np.sqrt((norms(grads) ** 2).mean()),
        "The arrays' squares are summed. An average would depend on how the parameters happen to "
        "be divided into arrays.",
    ),
    (
        "summed before squaring",
        lambda grads: np.sqrt(sum(g.sum() ** 2 for g in arrays(grads))),
        "Square each element first: in a plain sum, elements of opposite sign cancel.",
    ),
    (
        "largest singular value in place of the Frobenius norm",
        lambda grads: np.sqrt(sum(np.linalg.norm(g, 2) ** 2 for g in arrays(grads))),
        "For a matrix, NumPy's norm with the argument 2 is the largest singular value. What is "
        "asked is the root of the sum of all its squared elements.",
    ),
)

GLOBAL_NORM = exercise(
    name="global_norm",
    points=2,
    reference=clipping.global_norm,
    problem=lambda rng, s: {"grads": gradients(rng, s)},
    returns=values(norm=""),
    sizes="DH",
    edges=norm_edges,
    further=partial(refuses_non_finite, may_return=True),
    mistakes=(
        *(Mistake(*slip) for slip in NORM_SLIPS),
        Mistake(
            "only certain keys",
            lambda grads: np.sqrt(sum((grads[k] ** 2).sum() for k in KEYS if k in grads)),
            ALL_KEYS,
        ),
    ),
)


# clip_by_norm -----------------------------------------------------------------------------------


def norm_problem(rng, s, max_norm=0.5):
    """A gradient that is longer than the 5 which many a recipe has for its threshold."""
    drawn = gradients(rng, s)
    stretch = max(1.0, 8 / clipping.global_norm(drawn))
    return {"grads": {name: stretch * grad for name, grad in drawn.items()}, "max_norm": max_norm}


def clip_edges(rng, s):
    drawn = gradients(rng, s)
    return {
        "when the norm is below the threshold": {"grads": drawn, "max_norm": 1e3},
        "when the threshold is a whole number": {"grads": {**drawn, "Wh": 50 * drawn["Wh"]},
                                                 "max_norm": 5},
        "when the norm is only just above the threshold": {
            "grads": drawn,
            "max_norm": clipping.global_norm(drawn) / 1.0005,
        },
        "when all gradients are zero": {
            "grads": {k: np.zeros_like(g) for k, g in drawn.items()},
            "max_norm": 0.5,
        },
        "when only the arrays together exceed the threshold": {
            "grads": drawn,
            "max_norm": 0.5 * (norms(drawn).max() + clipping.global_norm(drawn)),
        },
        "when one array is a thousand times larger": {
            "grads": {**drawn, "Wh": 1e3 * drawn["Wh"]},
            "max_norm": 5.0,
        },
    }  # fmt: skip


def clip(
    factor=lambda norm, max_norm: max_norm / norm,
    measure=clipping.global_norm,
    answer=lambda norm, max_norm: norm,
    when=lambda norm, max_norm: norm > max_norm,
    keys=None,
):
    """A wrong `clip_by_norm`, by what is wrong with it."""

    def wrong(grads, max_norm):
        norm = measure(grads)
        if when(norm, max_norm):
            for key in keys or grads:
                grads[key] *= factor(norm, max_norm)
        return answer(norm, max_norm)

    return wrong


def some_left_out(change, verb):
    """The mistakes in which not all arrays are changed, from `change(keys)` -> a wrong function."""
    for key in KEYS:
        yield Mistake(
            f"{key} left out",
            change([k for k in KEYS if k != key]),
            f"Every array is {verb}, whatever its key is and however many axes it has.",
        )
        yield Mistake(
            f"only {key} {verb}",
            change([key]),
            "The other arrays are what they were. Does the line that changes an array stand inside "
            "the loop, and does the loop reach all of them?",
        )


def _array_by_array(grads, max_norm):
    norm = clipping.global_norm(grads)
    for name, grad in grads.items():
        clipping.clip_by_norm({name: grad}, max_norm)
    return norm


def _value_by_value(grads, max_norm):
    norm = clipping.global_norm(grads)
    clipping.clip_by_value(grads, max_norm)
    return norm


def _norm_so_far(grads, max_norm):
    total = 0.0
    for grad in arrays(grads):
        total += (grad * grad).sum()
        norm = np.sqrt(total)
        if norm > max_norm:
            grad *= max_norm / norm
    return norm


def _measured_anew(grads, max_norm):
    first = clipping.global_norm(grads)
    for grad in arrays(grads):
        norm = clipping.global_norm(grads)
        if norm > max_norm:
            grad *= max_norm / norm
    return first


def _trials_of_norm(call, rng, s):
    """Whether the very arrays change, small ones stay, and what is not finite is an error."""
    return (
        changes_the_very_arrays(call, rng, clipping.clip_by_norm, max_norm=0.5)
        or leaves_small_ones(call, rng, s, lambda g: 1.01 * clipping.global_norm(g), "max_norm")
        or refuses_non_finite(call, rng, s, max_norm=0.5)
    )


CLIP_BY_NORM = exercise(
    name="clip_by_norm",
    points=4,
    reference=clipping.clip_by_norm,
    problem=norm_problem,
    returns=(*values(norm=""), GRADS),
    sizes="DH",
    in_place=("grads",),
    edges=clip_edges,
    further=_trials_of_norm,
    # Room for a guard of 1e-6 in the denominator.
    tolerance=5e-6,
    # It builds on no other exercise: with the reference's norm, which raises, an error that is
    # missing here would not be seen.
    mistakes=(
        Mistake(
            "not in place",
            clip(factor=lambda norm, max_norm: 1.0),
            "All arrays are what they were before the call. Either new arrays were made, and those "
            "that were handed over have to change; or the comparison with the threshold is the "
            "wrong way round, so that nothing was scaled at all.",
        ),
        Mistake(
            "scaled up below the threshold",
            clip(when=lambda norm, max_norm: norm > 0),
            "A gradient shorter than the threshold was stretched to it. Clipping only ever "
            "shortens.",
        ),
        Mistake(
            "norm after clipping returned",
            clip(answer=min),
            "What is asked is the norm before clipping: it is the one worth watching, since the "
            "other is never above the threshold.",
        ),
        Mistake(
            "factor returned in place of the norm",
            clip(answer=lambda norm, max_norm: max_norm / norm),
            "Return the norm before clipping.",
        ),
        Mistake(
            "each array clipped by itself",
            _array_by_array,
            "Each array got a factor of its own, and that turns the direction of the step. One "
            "norm over all arrays makes one factor for all.",
        ),
        Mistake(
            "clipped by value",
            _value_by_value,
            "Every element was cut by itself, and that turns the direction of the step. Multiply "
            "all of them by one factor.",
        ),
        Mistake(
            "norm measured anew after each array",
            _measured_anew,
            "The arrays scaled first change the norm that the later ones are scaled by. Measure "
            "once, before the loop.",
        ),
        Mistake(
            "factor turned upside down",
            clip(factor=lambda norm, max_norm: norm / max_norm),
            "This makes a long gradient longer. Which factor takes the norm to the threshold?",
        ),
        Mistake(
            "scaled to norm 1",
            clip(factor=lambda norm, max_norm: 1 / norm),
            "The gradient was normalised. Its norm is to be the threshold's.",
        ),
        Mistake(
            "multiplied by the threshold alone",
            clip(factor=lambda norm, max_norm: max_norm),
            "The new norm must be the threshold, whatever the old one was: divide by the old one.",
        ),
        *some_left_out(lambda keys: clip(keys=keys), "scaled"),
        Mistake(
            "norm of the arrays so far",
            _norm_so_far,
            "When the first array is scaled, the others have not been counted yet. It takes two "
            "loops: one that measures, then one that scales.",
        ),
        Mistake(
            "threshold of 5 in place of max_norm",
            lambda grads, max_norm: clip()(grads, 5),
            "Use the threshold that is passed, not a fixed one.",
        ),
        Mistake(
            "1 added to the norm",
            clip(factor=lambda norm, max_norm: max_norm / (norm + 1)),
            "What guards against a division by zero has to be tiny beside any norm. (And where "
            "the norm exceeds the threshold, it is not zero.)",
        ),
        Mistake(
            "root of the factor",
            clip(factor=lambda norm, max_norm: np.sqrt(max_norm / norm)),
            "Multiplied by a factor, a gradient's norm is multiplied by that same factor.",
        ),
        Mistake(
            "everything set to zero",
            clip(factor=lambda norm, max_norm: 0.0),
            "A long gradient is shortened, not thrown away. (Was the factor rounded down to a "
            "whole number?)",
        ),
        *(
            Mistake(f"{name}, as the norm", clip(measure=measure), says)
            for name, measure, says in NORM_SLIPS
            if name not in ("largest element", "norms not squared before they are added")
        ),
    ),
)


# clip_by_value ----------------------------------------------------------------------------------


def value_problem(rng, s, limit=0.7):
    """An array has an element far above the limit, one far below minus it, and a third inside.

    The largest elements differ from array to array.
    """
    drawn = gradients(rng, s)
    for k, grad in enumerate(arrays(drawn)):
        far = rng.permuted(np.array([2.5 + k, -2.0 - k]))
        first = np.array([*far, 0.3])[: grad.size]
        grad.flat[: len(first)] = first
    return {"grads": drawn, "limit": limit}


def value_edges(rng, s):
    problem = value_problem(rng, s)
    return {
        "when nothing exceeds the limit": {**problem, "limit": 100.0},
        "when only negative elements exceed the limit": {
            **problem,
            "grads": {k: np.minimum(g, 0.2) for k, g in problem["grads"].items()},
        },
        "when only positive elements exceed the limit": {
            **problem,
            "grads": {k: np.maximum(g, -0.2) for k, g in problem["grads"].items()},
        },
        "when the limit is a whole number": {**problem, "limit": 1},
        "when the largest is only just above the limit": {
            "grads": {k: g / np.abs(g).max() for k, g in problem["grads"].items()},
            "limit": 0.999,
        },
        "when all gradients are zero": {
            "grads": {k: np.zeros_like(g) for k, g in problem["grads"].items()},
            "limit": 0.5,
        },
    }


def cut(rule=lambda grad, limit: np.clip(grad, -limit, limit), keys=None):
    """A wrong `clip_by_value`, from a rule for one array, or the keys of those that are cut."""

    def wrong(grads, limit):
        for key in keys or grads:
            grads[key][...] = rule(grads[key], limit)

    return wrong


def _scaled_together(grads, limit):
    largest = max(np.abs(grad).max() for grad in arrays(grads))
    for grad in arrays(grads):
        grad *= min(1, limit / largest)


def _trials_of_value(call, rng, s):
    """Whether the very arrays change, and small gradients stay."""
    return changes_the_very_arrays(
        call, rng, clipping.clip_by_value, limit=0.5
    ) or leaves_small_ones(
        call, rng, s, lambda grads: 1.01 * max(np.abs(g).max() for g in arrays(grads)), "limit"
    )


CLIP_BY_VALUE = exercise(
    name="clip_by_value",
    points=2,
    reference=clipping.clip_by_value,
    problem=value_problem,
    returns=(GRADS,),
    sizes="DH",
    in_place=("grads",),
    edges=value_edges,
    further=_trials_of_value,
    mistakes=(
        Mistake(
            "not in place",
            cut(lambda g, limit: g),
            "All arrays are what they were before the call. NumPy's functions make a new array "
            "unless they are told where to put the result.",
        ),
        Mistake(
            "cut to between 0 and the limit",
            cut(lambda g, limit: np.clip(g, 0, limit)),
            "Negative gradients became zero. The interval reaches as far below zero as above it.",
        ),
        Mistake(
            "large negative elements kept",
            cut(lambda g, limit: np.minimum(g, limit)),
            "Elements far below zero are too large as well: the interval has two ends.",
        ),
        Mistake(
            "large positive elements kept",
            cut(lambda g, limit: np.maximum(g, -limit)),
            "Elements far above zero are too large as well: the interval has two ends.",
        ),
        Mistake(
            "sign lost",
            cut(lambda g, limit: np.where(np.abs(g) > limit, limit, g)),
            "An element far below zero becomes minus the limit: a step must not turn round.",
        ),
        Mistake(
            "large elements set to zero",
            cut(lambda g, limit: np.where(np.abs(g) > limit, 0, g)),
            "An element beyond the limit is moved to the limit; it is not thrown away.",
        ),
        Mistake(
            "large elements multiplied by the limit",
            cut(lambda g, limit: np.where(np.abs(g) > limit, limit * g, g)),
            "An element beyond the limit becomes the limit, with the sign it had.",
        ),
        Mistake(
            "every element set to the limit",
            cut(lambda g, limit: limit * np.sign(g)),
            "Elements within the limit stay as they are.",
        ),
        Mistake(
            "small elements raised to the limit",
            cut(lambda g, limit: np.sign(g) * np.maximum(np.abs(g), limit)),
            "It is the large elements that are to be cut, not the small ones raised.",
        ),
        Mistake(
            "the ends of the interval exchanged",
            cut(lambda g, limit: np.full_like(g, -limit)),
            "The lower end comes first; the other way round, everything lands on one of them.",
        ),
        Mistake(
            "scaled by the largest element",
            cut(lambda g, limit: g * min(1, limit / np.abs(g).max())),
            "Elements within the limit stay as they are; only those beyond it are moved.",
        ),
        Mistake(
            "scaled by the largest element of all arrays",
            _scaled_together,
            "Elements within the limit stay as they are; only those beyond it are moved.",
        ),
        Mistake(
            "squashed by tanh",
            cut(lambda g, limit: limit * np.tanh(g / limit)),
            "A soft limit moves every element. Those within the limit stay as they are.",
        ),
        Mistake(
            "skipped unless a positive element exceeds the limit",
            cut(lambda g, limit: np.clip(g, -limit, limit) if g.max() > limit else g),
            "An array whose large elements are all negative has to be cut, too.",
        ),
        Mistake(
            "clipped by norm",
            lambda grads, limit: clipping.clip_by_norm(grads, limit),
            "Here each element is cut by itself; no norm is needed.",
        ),
        Mistake(
            "limit ignored",
            cut(lambda g, limit: np.clip(g, -1, 1)),
            "Use the limit that is passed, not a fixed one.",
        ),
        *some_left_out(lambda keys: cut(keys=keys), "cut"),
    ),
)

EXERCISES = (GLOBAL_NORM, CLIP_BY_NORM, CLIP_BY_VALUE)
