"""01 · rnn_intro: sequences and the recurrent step."""

from functools import partial

import numpy as np

from autograde.diagnosis import describe
from autograde.exercises import problems
from autograde.exercises.declaration import Exercise, Mistake, values
from autograde.report import Finding
from helpers import rnn
from helpers.data.menu import MENU, delivery_weights, next_dish
from helpers.data.tasks import SHAPES, STEPS, TASKS, task_shapes
from helpers.embedding import one_hot

exercise = partial(Exercise, notebook="01")


def one_hot_problem(rng, s):
    return {"indices": problems.tokens(rng, s, s["N"], s["T"]), "depth": s["V"]}


ONE_HOT = exercise(
    name="one_hot",
    points=2,
    reference=one_hot,
    problem=one_hot_problem,
    returns=values(one_hot="NTV"),
    sizes="NT",
    floats=False,
    edges=lambda rng, s: {
        "with a single index": {"indices": np.array(2), "depth": 4},
        "with a one-dimensional array of indices": {"indices": np.array([3, 0, 3]), "depth": 5},
        "with a three-dimensional array of indices": {
            "indices": rng.integers(0, 3, (2, 4, 5)),
            "depth": 3,
        },
        "with no indices at all": {"indices": np.zeros((0,), int), "depth": 3},
    },
    mistakes=(
        Mistake(
            "rows as wide as the largest index needs",
            lambda indices, depth: one_hot(indices, int(indices.max()) + 1),
            "A row has depth entries, whatever indices happen to occur.",
        ),
        Mistake(
            "the 1 is one place too far",
            lambda indices, depth: one_hot((indices + 1) % depth, depth),
            "Counting starts at 0: index 0 has its 1 in the first place.",
        ),
        Mistake(
            "zeros and ones exchanged",
            lambda indices, depth: 1 - one_hot(indices, depth),
            "A row is zero everywhere but at its index.",
        ),
        Mistake(
            "the new axis comes first",
            lambda indices, depth: np.moveaxis(one_hot(indices, depth), -1, 0),
            "The axis of length depth is added at the end: indices.shape + (depth,).",
        ),
    ),
)


STEP_MISTAKES = (
    (
        "tanh left out",
        lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh + b,
        "The state is the tanh of the sum; without it many steps collapse into one linear map.",
    ),
    (
        "bias left out",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh),
        "b is added to every row before the tanh.",
    ),
    (
        "bias added after the tanh",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh) + b,
        "b is part of the sum that is squashed.",
    ),
    (
        "previous state ignored",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + b),
        "Without the state's share of the sum the step remembers nothing.",
    ),
    (
        "input ignored",
        lambda x, h, Wx, Wh, b: np.tanh(h @ Wh + b),
        "The input's share of the sum is missing.",
    ),
    (
        "Wh transposed",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh.T + b),
        "States are row vectors here and stand left of Wh, which stays as it is.",
    ),
    (
        "sigmoid in place of tanh",
        lambda x, h, Wx, Wh, b: 1 / (1 + np.exp(-(x @ Wx + h @ Wh + b))),
        "The vanilla cell squashes with tanh, to values between -1 and 1.",
    ),
)

RNN_STEP = exercise(
    name="rnn_step",
    points=3,
    reference=rnn.rnn_step,
    problem=problems.rnn_step,
    returns=values(h="NH"),
    sizes="NDH",
    mistakes=tuple(Mistake(*m) for m in STEP_MISTAKES),
)


def unrolled(step=rnn.rnn_step, start=lambda h0: h0, carry=True, order=1):
    """A wrong `rnn_unroll`, by what is wrong with it."""

    def wrong(x, h0, Wx, Wh, b):
        h, states = start(h0), []
        for t in range(x.shape[1])[::order]:
            new = step(x[:, t], h, Wx, Wh, b)
            states.append(new)
            h = new if carry else h
        return np.stack(states[::order], axis=1)

    return wrong


SEQUENCE_MISTAKES = (
    (
        "h0 ignored",
        unrolled(start=np.zeros_like),
        "The first step starts from h0, not from zeros.",
    ),
    (
        "state not carried on",
        unrolled(carry=False),
        "Every step after the first must start from the state that the step before it made.",
    ),
    (
        "time reversed",
        unrolled(order=-1),
        "The first step reads x[:, 0], the last one x[:, T-1].",
    ),
    *((name, unrolled(step), says) for name, step, says in STEP_MISTAKES),
)

RNN_UNROLL = exercise(
    name="rnn_unroll",
    points=3,
    reference=rnn.rnn_unroll,
    problem=problems.rnn_sequence,
    returns=values(h="NTH"),
    sizes="NTDH",
    builds_on=("rnn_step",),
    mistakes=(
        Mistake(
            "only the last state",
            lambda *arguments: rnn.rnn_unroll(*arguments)[:, -1],
            "Return the state after every step, stacked along axis 1.",
        ),
        Mistake(
            "time as the first axis",
            lambda *arguments: np.swapaxes(rnn.rnn_unroll(*arguments), 0, 1),
            "The batch is axis 0 and time is axis 1.",
        ),
        Mistake(
            "h0 among the states, the last one missing",
            lambda x, h0, *w: np.concatenate(
                [h0[:, None], rnn.rnn_unroll(x, h0, *w)[:, :-1]], axis=1
            ),
            "The result holds h_1 to h_T, so the first entry is the state after the first step.",
        ),
        *(Mistake(*m) for m in SEQUENCE_MISTAKES),
    ),
)


def readout_problem(rng, s):
    return {
        "h": problems.normal(rng, s["N"], s["T"], s["H"]),
        "Wy": problems.normal(rng, s["H"], s["V"]),
        "by": problems.normal(rng, s["V"]),
    }


READOUT = exercise(
    name="readout",
    points=2,
    reference=rnn.readout,
    problem=readout_problem,
    returns=values(scores="NTV"),
    sizes="NTHV",
    edges=lambda rng, s: {
        "for the states of one step, (N, H)": {
            **readout_problem(rng, s),
            "h": problems.normal(rng, s["N"], s["H"]),
        },
        "for a single state, (H,)": {**readout_problem(rng, s), "h": problems.normal(rng, s["H"])},
    },
    mistakes=(
        Mistake(
            "bias left out",
            lambda h, Wy, by: h @ Wy,
            "by is added to the scores of every state.",
        ),
        Mistake(
            "probabilities in place of scores",
            lambda h, Wy, by: _softmax(h @ Wy + by),
            "The readout gives scores (logits); softmax comes later, in the loss.",
        ),
        Mistake(
            "tanh on the scores",
            lambda h, Wy, by: np.tanh(h @ Wy + by),
            "Scores are not squashed: the tanh belongs to the state.",
        ),
        Mistake(
            "only the last step",
            lambda h, Wy, by: h[:, -1] @ Wy + by,
            "Every state gets its scores: the result has shape (..., V).",
        ),
    ),
)


def _softmax(scores):
    e = np.exp(scores)
    return e / e.sum(axis=-1, keepdims=True)


def judge_delivery(answer, arguments, call):
    """Whether hand-set weights follow the menu rule, from one day and from two days back."""
    names = ("Wx", "Wh", "b", "Wy", "by")
    if not isinstance(answer, tuple | list) or len(answer) != len(names):
        text = f"Expected five arrays, {', '.join(names)}, got {describe(answer)}."
        return Finding("type", text)
    V = len(MENU)
    b = answer[2]
    H = len(b) if isinstance(b, np.ndarray) and b.ndim == 1 else "H"
    wanted = dict(zip(names, ((V, H), (H, H), (H,), (H, V), (V,)), strict=True))
    by_name = dict(zip(names, answer, strict=True))
    for name in sorted(wanted, key="b Wx Wh Wy by".split().index):
        shape, array = wanted[name], by_name[name]
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            text = f"{name}: expected an array of numbers, got {describe(array)}."
            return Finding("type", text, name)
        if array.shape != shape:
            text = f"{name}: expected the shape {shape}, got {array.shape}"
            return Finding("shape", f"{text}; there are {V} dishes and b has H entries.", name)
        if not np.isfinite(array).all():
            return Finding("finite", f"{name}: expected finite numbers, got NaN or infinity.", name)
    Wx, Wh, b, Wy, by = (np.asarray(array, np.float64) for array in answer)

    def named(days):
        """The dish that the network names after the given days; None is a blank one."""
        h = np.zeros((1, len(b)))
        for day in days:
            x = np.zeros((1, V)) if day is None else one_hot(np.array([day]), V)
            h = np.tanh(x @ Wx + h @ Wh + b)
        scores = (h @ Wy + by)[0]
        ahead = scores - np.delete(scores, scores.argmax()).max()
        return int(scores.argmax()) if ahead.max() > 1e-6 else None

    for dish in range(V):
        second, third = next_dish(dish), next_dish(next_dish(dish))
        situations = {
            f"when {MENU[dish]} was delivered yesterday": ([dish], second, "Wx"),
            f"when {MENU[dish]} came two days ago and yesterday's order is not known": (
                [dish, None],
                third,
                "Wh",
            ),
            f"after {MENU[dish]} and then {MENU[second]}": ([dish, second], third, "Wx"),
            f"after three days of the rule that began with {MENU[dish]}": (
                [dish, second, third],
                dish,
                "Wx",
            ),
        }
        for situation, (days, right, where) in situations.items():
            got = named(days)
            if got == right:
                continue
            said = "cannot decide between dishes" if got is None else f"names {MENU[got]}"
            mistake = _delivery_mistake(days, got, Wh)
            text = f"The network {said} {situation}; it should name {MENU[right]}."
            if mistake:
                text += f" {mistake[1]}"
            return Finding("values", text, where, mistake and mistake[0])
    return None


def _delivery_mistake(days, got, Wh):
    """(name, sentence) of a usual slip in the hand-set weights, or None."""
    if days[-1] is None:
        if not Wh.any():
            return "no memory", "Wh is all zeros: nothing of the state reaches the next day."
        if got == days[0]:
            return "memory turned backwards", (
                "The state must go one dish on each day, also on a day without an order: "
                "Wh turns it the wrong way."
            )
        if got == next_dish(days[0]):
            return "memory stands still", (
                "The state must go one dish on each day, also on a day without an order."
            )
    elif len(days) == 1:
        if got == days[0]:
            return "yesterday's dish repeated", "Wx must point from a dish to the one after it."
        if got == next_dish(next_dish(days[0])):
            return "menu rule turned backwards", (
                "Row k of Wx belongs to dish k; its large entry stands where dish k+1 is read out."
            )
    return None


DELIVERY_WEIGHTS = exercise(
    name="delivery_weights",
    points=4,
    reference=delivery_weights,
    problem=lambda rng, s: {},
    judge=judge_delivery,
    floats=False,
)


def judge_task_shapes(answer, arguments, call):
    """Whether every task has its shape and its step; says which is wrong, not what is right."""
    if not isinstance(answer, dict):
        text = f"Expected a dict from task to (shape, step), got {describe(answer)}."
        return Finding("type", text)
    for task in TASKS:
        pair = answer.get(task)
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            got = "nothing" if pair is None else describe(pair)
            return Finding("type", f"{task!r}: expected a pair (shape, step), got {got}.", task)
        for word, known, what in zip(pair, (SHAPES, STEPS), ("shape", "step"), strict=True):
            if not isinstance(word, str) or word not in known:
                text = f"{task!r}: expected as its {what} one of {', '.join(known)}, got {word!r}."
                return Finding("type", text, task)
    for task, (shape, step) in task_shapes().items():
        if answer[task][0] != shape:
            return Finding(
                "values",
                f"{task!r}: it is not {answer[task][0]}. Ask: how many things go in, how many come "
                "out, and must the last input have been seen before the first output?",
                task,
                "another shape",
            )
        if answer[task][1] != step:
            return Finding(
                "values",
                f"{task!r}: a step of its sequence is not {answer[task][1]!r}. "
                "Ask: what does the network read, or write, at one time step?",
                task,
                "another step",
            )
    return None


TASK_SHAPES = exercise(
    name="task_shapes",
    points=3,
    reference=task_shapes,
    problem=lambda rng, s: {},
    judge=judge_task_shapes,
    floats=False,
)

EXERCISES = (ONE_HOT, TASK_SHAPES, RNN_STEP, RNN_UNROLL, READOUT, DELIVERY_WEIGHTS)
