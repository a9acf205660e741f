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


def rows_for_every_class(s):
    """The sizes with N above V, so that classes used as rows by mistake run without an error."""
    if not 1 < s["N"] < s["V"]:
        return s
    return {**s, "N": s["V"] + 1 + (s["V"] + 1 == s["T"])}


def one_hot_problem(rng, s):
    s = rows_for_every_class(s)
    return {"indices": problems.tokens(rng, s, s["N"], s["T"]), "depth": s["V"]}


def _ones_at(place):
    """A wrong `one_hot` that assigns with one array of indices."""

    def wrong(indices, depth):
        out = np.zeros((*indices.shape, depth))
        out[place(indices)] = 1
        return out

    return wrong


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
            "the 1 is one place too early",
            lambda indices, depth: one_hot((indices - 1) % depth, depth),
            "The indices count from 0 already: index 0 has its 1 in the first place.",
        ),
        Mistake(
            "rows one entry too long",
            lambda indices, depth: one_hot(indices, depth + 1),
            "The indices run from 0 to depth - 1, so depth entries are enough.",
        ),
        Mistake(
            "the index in place of 1",
            lambda indices, depth: one_hot(indices, depth) * indices[..., None],
            "The index says where the entry stands; the entry itself is a 1.",
        ),
        Mistake(
            "every row has the ones of all rows",
            _ones_at(lambda indices: (..., indices)),
            "Such an assignment sets all the indices in every row. A row gets the 1 of its own "
            "index only.",
        ),
        Mistake(
            "indices used along the first axis",
            _ones_at(lambda indices: indices),
            "A single array in the brackets picks along axis 0, which is the batch: whole blocks "
            "become ones. The class is the last axis.",
        ),
        Mistake(
            "indices flattened",
            lambda indices, depth: one_hot(indices.ravel(), depth),
            "The axes of indices are kept, whatever their number; one axis comes after them.",
        ),
        Mistake(
            "axes of the indices exchanged",
            lambda indices, depth: one_hot(indices.T, depth),
            "The row of indices[n, t] stands at [n, t].",
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

FURTHER_STEP_MISTAKES = (
    (
        "relu in place of tanh",
        lambda x, h, Wx, Wh, b: np.maximum(x @ Wx + h @ Wh + b, 0),
        "The vanilla cell squashes with tanh, to values between -1 and 1.",
    ),
    (
        "bias added twice",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh + 2 * b),
        "The input's share and the state's share have one bias between them.",
    ),
    (
        "bias subtracted",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh - b),
        "b is added: mind its sign.",
    ),
    (
        "state not multiplied by Wh",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h + b),
        "The previous state has weights as well: its share of the sum is a product.",
    ),
    (
        "tanh of each part, not of their sum",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx) + np.tanh(h @ Wh + b),
        "Input, state and bias are added first, and then squashed together.",
    ),
    (
        "tanh of each part, not of their sum, bias with the input",
        lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + b) + np.tanh(h @ Wh),
        "Input, state and bias are added first, and then squashed together.",
    ),
    (
        "previous state added to the new one",
        lambda x, h, Wx, Wh, b: h + np.tanh(x @ Wx + h @ Wh + b),
        "The tanh is the whole new state: the old one enters through its product only.",
    ),
    (
        "tanh applied twice",
        lambda x, h, Wx, Wh, b: np.tanh(np.tanh(x @ Wx + h @ Wh + b)),
        "The sum is squashed once.",
    ),
    (
        "batch averaged",
        lambda x, h, Wx, Wh, b: (
            np.tanh(x @ Wx + h @ Wh + b).mean(axis=0, keepdims=True) + np.zeros_like(h)
        ),
        "The sequences of a batch have nothing to do with each other: one state for each.",
    ),
)


def step_problem(rng, s):
    """Sums of both signs before the squashing, so that no relu looks like no squashing at all."""
    while True:
        p = problems.rnn_step(rng, s)
        z = p["x"] @ p["Wx"] + p["h_prev"] @ p["Wh"] + p["b"]
        if z.size < 4 or z.min() < -0.1 < 0.1 < z.max():
            return p


RNN_STEP = exercise(
    name="rnn_step",
    points=3,
    reference=rnn.rnn_step,
    problem=step_problem,
    returns=values(h="NH"),
    sizes="NDH",
    mistakes=tuple(Mistake(*m) for m in (*STEP_MISTAKES, *FURTHER_STEP_MISTAKES)),
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


def _with_inputs(moved):
    """A wrong `rnn_unroll` that reads other inputs than those of its step."""
    return lambda x, *arguments: rnn.rnn_unroll(moved(x), *arguments)


def _from_states(changed):
    """A wrong `rnn_unroll` that makes something else of the right states."""
    return lambda x, h0, *w: changed(rnn.rnn_unroll(x, h0, *w), h0)


def _squashed_on_the_way_out(x, h0, Wx, Wh, b):
    def linear(x, h, Wx, Wh, b):
        return x @ Wx + h @ Wh + b

    return np.tanh(unrolled(linear)(x, h0, Wx, Wh, b))


def _zero_at(t):
    def changed(h, h0):
        h[:, t] = 0
        return h

    return changed


FURTHER_SEQUENCE_MISTAKES = (
    (
        "the first input at every step",
        _with_inputs(lambda x: np.repeat(x[:, :1], x.shape[1], axis=1)),
        "Step t reads the input of time t.",
    ),
    (
        "the input of the step before",
        _with_inputs(lambda x: np.roll(x, 1, axis=1)),
        "Step t reads the input of time t; at the first step, an index of -1 means the last one.",
    ),
    (
        "inputs in reversed order",
        _with_inputs(lambda x: x[:, ::-1]),
        "The first step reads x[:, 0], the last one x[:, T-1].",
    ),
    (
        "state carried on without its tanh",
        _squashed_on_the_way_out,
        "What the next step starts from is the state itself, after the tanh.",
    ),
    *((name, unrolled(step), says) for name, step, says in FURTHER_STEP_MISTAKES),
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
        Mistake(
            "h0 among the states",
            _from_states(lambda h, h0: np.concatenate([h0[:, None], h], axis=1)),
            "The result holds the T states h_1 to h_T; h0 was there before the first step.",
        ),
        Mistake(
            "states side by side",
            _from_states(lambda h, h0: h.reshape(len(h), -1)),
            "Time has an axis of its own, between the batch and the units: stack the states, "
            "rather than concatenate them.",
        ),
        Mistake(
            "states end to end",
            _from_states(lambda h, h0: np.swapaxes(h, 0, 1).reshape(-1, h.shape[-1])),
            "Time has an axis of its own, between the batch and the units: stack the states, "
            "rather than concatenate them.",
        ),
        Mistake(
            "reshaped where axes must be exchanged",
            _from_states(lambda h, h0: np.swapaxes(h, 0, 1).reshape(h.shape)),
            "reshape keeps the order of the numbers and mixes sequences with time steps. "
            "np.stack puts the new axis where it should be.",
        ),
        Mistake(
            "the last state in all places",
            _from_states(lambda h, h0: np.repeat(h[:, -1:], h.shape[1], axis=1)),
            "All places hold one and the same array, which every step overwrites. Make a new "
            "array in each step.",
        ),
        Mistake(
            "first state left at zero",
            _from_states(_zero_at(0)),
            "The loop starts one step late: it runs over t = 0, ..., T-1.",
        ),
        Mistake(
            "last state left at zero",
            _from_states(_zero_at(-1)),
            "The loop ends one step early: it runs over t = 0, ..., T-1.",
        ),
        Mistake(
            "last step left out",
            _from_states(lambda h, h0: h[:, :-1]),
            "The loop ends one step early: it runs over t = 0, ..., T-1.",
        ),
        Mistake(
            "first step left out",
            lambda x, *arguments: rnn.rnn_unroll(x[:, 1:], *arguments),
            "The loop starts one step late: the first input counts as well.",
        ),
        Mistake(
            "states in reversed order",
            _from_states(lambda h, h0: h[:, ::-1]),
            "The steps are right, but their states stand in reversed order: [:, 0] is the state "
            "after the first step.",
        ),
        Mistake(
            "states added up",
            _from_states(lambda h, h0: np.cumsum(h, axis=1)),
            "Each place holds the state after its step, not the sum of all so far.",
        ),
        *(Mistake(*m) for m in (*SEQUENCE_MISTAKES, *FURTHER_SEQUENCE_MISTAKES)),
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
        Mistake(
            "log probabilities in place of scores",
            lambda h, Wy, by: np.log(_softmax(h @ Wy + by)),
            "The readout gives scores (logits); softmax and logarithm come later, in the loss.",
        ),
        Mistake(
            "sigmoid on the scores",
            lambda h, Wy, by: 1 / (1 + np.exp(-(h @ Wy + by))),
            "Scores are not squashed: they may be any number.",
        ),
        Mistake(
            "relu on the scores",
            lambda h, Wy, by: np.maximum(h @ Wy + by, 0),
            "Scores may be negative: nothing comes after the sum.",
        ),
        Mistake(
            "tanh on the states",
            lambda h, Wy, by: np.tanh(h) @ Wy + by,
            "The states have gone through their tanh already: take them as they are.",
        ),
        Mistake(
            "the best answer in place of the scores",
            lambda h, Wy, by: (h @ Wy + by).argmax(axis=-1),
            "Return all V scores; whoever wants the best answer takes the largest.",
        ),
        Mistake(
            "bias subtracted",
            lambda h, Wy, by: h @ Wy - by,
            "by is added: mind its sign.",
        ),
        Mistake(
            "average over time",
            lambda h, Wy, by: h.mean(axis=1) @ Wy + by,
            "Every state gets its scores: the result has shape (..., V).",
        ),
        Mistake(
            "sum over time",
            lambda h, Wy, by: h.sum(axis=1) @ Wy + by,
            "Every state gets its scores: the result has shape (..., V).",
        ),
        Mistake(
            "steps flattened",
            lambda h, Wy, by: h.reshape(-1, h.shape[-1]) @ Wy + by,
            "The axes before the last are kept: the result has shape (..., V).",
        ),
        Mistake(
            "time as the first axis",
            lambda h, Wy, by: np.swapaxes(h, 0, 1) @ Wy + by,
            "The batch stays axis 0 and time stays axis 1.",
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
            f"when {MENU[dish]} was delivered yesterday": ([dish], second),
            f"when {MENU[dish]} came two days ago and yesterday's order is not known": (
                [dish, None],
                third,
            ),
            f"after {MENU[dish]} and then {MENU[second]}": ([dish, second], third),
            f"after three days of the rule that began with {MENU[dish]}": (
                [dish, second, third],
                dish,
            ),
        }
        for situation, (days, right) in situations.items():
            got = named(days)
            if got == right:
                continue
            said = "cannot decide between dishes" if got is None else f"names {MENU[got]}"
            always = got is not None and {named([day]) for day in range(V)} == {got}
            where, mistake, says = _delivery_mistake(days, got, always, Wx, Wh, b, Wy, by)
            text = f"The network {said} {situation}; it should name {MENU[right]}. {says}"
            return Finding("values", text, where, mistake)
    return None


def _delivery_mistake(days, got, always, Wx, Wh, b, Wy, by):
    """(array, name or None, sentence) of what is wrong in hand-set weights.

    Args:
        days: the orders after which the network went wrong.
        got: the dish that it names then, or None.
        always: whether it names that dish after any order.
        Wx, Wh, b, Wy, by: the weights.
    """
    for name, array, says in (
        ("Wx", Wx, "an order never reaches the state"),
        ("Wy", Wy, "the state never reaches the scores"),
    ):
        if not array.any():
            return name, f"{name} all zeros", f"{name} is all zeros: {says}."
    if always:
        name, array = ("by", by) if np.ptp(by) > np.ptp(b) else ("b", b)
        if np.ptp(array) > 0:
            says = f"It names that dish after any order: {name} outweighs what the order says."
            return name, "the same dish after any order", says
    if days[-1] is None:
        if not Wh.any():
            return (
                "Wh",
                "no memory",
                "Wh is all zeros: nothing of the state reaches the next day.",
            )
        if got == days[0]:
            return (
                "Wh",
                "memory turned backwards",
                "The state must go one dish on each day, also on a day without an order: "
                "Wh turns it the wrong way.",
            )
        if got == next_dish(days[0]):
            return (
                "Wh",
                "memory stands still",
                "The state must go one dish on each day, also on a day without an order: "
                "that is the work of Wh.",
            )
        return "Wh", None, "On a day without an order the state goes on through Wh and b alone."
    if len(days) > 1:
        return "Wh", None, "One order alone is understood: the memory, through Wh, disturbs it."
    if got == days[0]:
        says = (
            "That is yesterday's dish once more. Somewhere between the order, Wx and the scores, "
            "Wy, it must be moved one dish on."
        )
        return "Wx", "yesterday's dish repeated", says
    if got == next_dish(next_dish(days[0])):
        if _one_dish_on(Wx) and _one_dish_on(Wy):
            says = "Wx points one dish on, and Wy once more: move on in one of them only."
            return "Wy", "the menu rule applied twice", says
        return (
            "Wx",
            "menu rule turned backwards",
            "Row k of Wx belongs to dish k; its large entry stands where dish k+1 is read out.",
        )
    return "Wx", None, "Follow one order by hand: a row of Wx, its tanh, then Wy."


def _one_dish_on(W):
    """Whether each row of a matrix is largest at the dish after its own."""
    n = len(MENU)
    return W.shape == (n, n) and list(W.argmax(axis=1)) == [next_dish(k) for k in range(n)]


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
        if task not in answer:
            text = f"{task!r}: it is not in the dict. Take the tasks as they stand in TASKS."
            return Finding("type", text, task, "task left out")
        pair = answer[task]
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            text = f"{task!r}: expected a pair (shape, step), got {describe(pair)}."
            return Finding("type", text, task)
        words = [word if isinstance(word, str) else None for word in pair]
        if words[0] in STEPS and words[1] in SHAPES:
            text = f"{task!r}: expected (shape, step), got (step, shape)."
            return Finding("type", text, task, "shape and step exchanged")
        for word, known, what in zip(words, (SHAPES, STEPS), ("shape", "step"), strict=True):
            if word not in known:
                got = pair[0 if what == "shape" else 1]
                text = f"{task!r}: expected as its {what} one of {', '.join(known)}, got {got!r}."
                return Finding("type", text, task, f"no such {what}")
    for task, (shape, step) in task_shapes().items():
        got = answer[task][0]
        if got != shape:
            text = f"{task!r}: it is not {got}. Ask: {_shape_question(got, shape)}"
            return Finding("values", text, task, "another shape")
        if answer[task][1] != step:
            return Finding(
                "values",
                f"{task!r}: a step of its sequence is not {answer[task][1]!r}. "
                "Ask: what does the network read, or write, at one time step?",
                task,
                "another step",
            )
    return None


def _shape_question(got, right):
    """The question that would have told the right shape from the one given."""
    (got_in, got_out), (right_in, right_out) = (
        shape.split()[0].split("-to-") for shape in (got, right)
    )
    questions = []
    if got_in != right_in:
        questions.append("does one thing go in, or a sequence?")
    if got_out != right_out:
        questions.append("does one thing come out, or a sequence?")
    if not questions:
        questions.append("must the last input have been seen before the first output?")
    return " And: ".join(questions)


TASK_SHAPES = exercise(
    name="task_shapes",
    points=3,
    reference=task_shapes,
    problem=lambda rng, s: {},
    judge=judge_task_shapes,
    floats=False,
)

EXERCISES = (ONE_HOT, TASK_SHAPES, RNN_STEP, RNN_UNROLL, READOUT, DELIVERY_WEIGHTS)
