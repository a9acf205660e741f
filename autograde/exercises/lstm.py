"""06 · lstm_gates: a cell with a path of its own."""

from functools import partial
from types import SimpleNamespace

import numpy as np

from autograde.diagnosis import describe, shape_with_letters
from autograde.exercises import problems
from autograde.exercises.declaration import (
    CACHE,
    Backward,
    Exercise,
    Mistake,
    gradients,
    values,
)
from autograde.gradcheck import exact_gradients
from autograde.report import Finding
from helpers import lstm
from helpers.lstm import sigmoid

exercise = partial(Exercise, notebook="06")
backward_exercise = partial(Backward, notebook="06")


# sigmoid ----------------------------------------------------------------------------------------


def sigmoid_problem(rng, s, *shape):
    """Numbers of both signs, which σ treats alike and other functions do not."""
    x = 2 * problems.normal(rng, *(shape or (s["N"], s["H"])))
    x.flat[0], x.flat[-1] = abs(x.flat[0]), -abs(x.flat[-1])
    return {"x": x}


def far(rng, s):
    """Numbers around ±1000, some of either sign in every row."""
    x = problems.normal(rng, s["N"], 2 * s["H"])
    return {"x": x + 1000 * np.where(np.arange(x.shape[1]) % 2, 1, -1)}


def between(rng, s):
    """Numbers from 5 to 15 and from -15 to -5, where σ is near its ends and not there yet."""
    x = rng.uniform(5, 15, (s["N"], 2 * s["H"]))
    return {"x": x * np.where(np.arange(x.shape[1]) % 2, 1, -1)}


def _softmax(x):
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


def _infinity_by_infinity(x):
    with np.errstate(all="ignore"):
        return np.exp(x) / (1 + np.exp(x))


SIGMOID = exercise(
    name="sigmoid",
    points=2,
    reference=sigmoid,
    problem=sigmoid_problem,
    returns=values(sigmoid="NH"),
    sizes="NH",
    quiet=True,
    edges=lambda rng, s: {
        "at ±1000": far(rng, s),
        "between ±5 and ±15": between(rng, s),
        "for a sequence of gates, (N, T, H)": sigmoid_problem(rng, s, s["N"], s["T"], s["H"]),
        "for one row, (H,)": sigmoid_problem(rng, s, s["H"]),
        "at exactly 0": {"x": np.zeros((s["N"], s["H"]))},
    },
    mistakes=(
        Mistake(
            "σ(2x)",
            lambda x: sigmoid(2 * x),
            "Going from tanh to σ, the argument of tanh is half of x: σ rises at 0 with the slope "
            "1/4.",
        ),
        Mistake(
            "tanh in place of σ",
            np.tanh,
            "A gate lies between 0 and 1; tanh goes down to -1.",
        ),
        Mistake(
            "tanh not moved to the range 0 to 1",
            lambda x: np.tanh(x / 2),
            "The shape is right, the range is -1 to 1: halve it and lift it by a half.",
        ),
        Mistake(
            "tanh moved up and not halved",
            lambda x: np.tanh(x / 2) + 1,
            "This runs from 0 to 2. A gate is a share, between 0 and 1.",
        ),
        Mistake(
            "σ's slope in place of its value",
            lambda x: sigmoid(x) * (1 - sigmoid(x)),
            "This is the derivative, a hill with its top at 0. A gate rises from 0 to 1.",
        ),
        Mistake(
            "sign of x",
            lambda x: sigmoid(-x),
            "σ rises: it is near 1 for a large x and near 0 for one far below zero.",
        ),
        Mistake(
            "sign in the denominator",
            lambda x: 1 / (1 - np.exp(-x)),
            "The denominator is a sum, which is never 0: σ(0) is one half.",
        ),
        Mistake(
            "parentheses around the denominator left out",
            lambda x: 1 / 1 + np.exp(-x),
            "Division goes before addition: the whole sum belongs under the fraction bar.",
        ),
        Mistake(
            "one form for both signs",
            lambda x: sigmoid(np.abs(x)),
            "x and -x give the same here, and should add up to 1: the absolute value keeps the "
            "exponent small, and below 0 another form belongs to it.",
        ),
        Mistake(
            "nothing for x = 0",
            lambda x: np.where(x == 0, 0, sigmoid(x)),
            "0 is neither above nor below 0: one of the two cases must take it in. σ(0) is one "
            "half.",
        ),
        Mistake(
            "infinity divided by infinity",
            _infinity_by_infinity,
            "e to the power of 1000 does not fit into a float, above the fraction bar nor below "
            "it. With the warning switched off the trouble is still there.",
        ),
        *(
            Mistake(
                f"clipped at ±{limit}",
                lambda x, limit=limit: sigmoid(np.clip(x, -limit, limit)),
                f"σ({limit}) is not 1 to sixteen digits yet: clip where it makes no difference, or "
                "choose a form that needs no clipping.",
            )
            for limit in (5, 6, 10)
        ),
        Mistake(
            "a straight line, cut off",
            lambda x: np.clip(0.2 * x + 0.5, 0, 1),
            "That is the 'hard sigmoid', which is like σ and not equal to it.",
        ),
        Mistake(
            "softmax over the row",
            _softmax,
            "A gate is one number for itself: every entry is squashed alone, and a row of gates "
            "need not sum to 1.",
        ),
    ),
)


# one step ---------------------------------------------------------------------------------------


def step_forward(
    order="ifog",
    cut=lambda a: np.split(a, 4, axis=-1),
    total=lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh + b,
    gate=sigmoid,
    content=np.tanh,
    cell=lambda c_prev, i, f, g: f * c_prev + i * g,
    shown=lambda o, c, c_prev: o * np.tanh(c),
    finish=lambda h, c: (h, c),
):
    """A wrong `lstm_step_forward`, by what is wrong with it."""

    def wrong(x, h_prev, c_prev, Wx, Wh, b):
        a = dict(zip(order, cut(total(x, h_prev, Wx, Wh, b)), strict=True))
        i, f, o, g = (*(gate(a[k]) for k in "ifo"), content(a["g"]))
        c = cell(c_prev, i, f, g)
        return *finish(shown(o, c, c_prev), c), None

    return wrong


def _from_reshaped_weights(x, h, Wx, Wh, b):
    """Sums in front of the gates, with weights whose rows were taken for the gates' own."""
    D, H = len(Wx), len(Wh)
    sums = x @ Wx.reshape(4, D, H) + h @ Wh.reshape(4, H, H) + b.reshape(4, 1, H)
    return np.concatenate(sums, axis=-1)


STEP_MISTAKES = (
    (
        "gates in the order i, f, g, o",
        step_forward(order="ifgo"),
        "That is the order of PyTorch and Keras. Here the three sigmoids come first and the "
        "candidate last: i, f, o, g.",
    ),
    (
        "gates in the order f, g, i, o",
        step_forward(order="fgio"),
        "Some books cut the columns that way. Here the order is i, f, o, g.",
    ),
    (
        "input and forget gate swapped",
        step_forward(order="fiog"),
        "The first H columns are the input gate, which goes with the candidate; the second H are "
        "the forget gate, which goes with the old cell.",
    ),
    (
        "output gate's columns for the candidate",
        step_forward(cut=lambda a: (b := np.split(a, 4, axis=-1))[:3] + b[2:3]),
        "The candidate has the last H columns for itself: look at where its slice begins and ends.",
    ),
    (
        "every fourth column for a gate",
        step_forward(cut=lambda a: [a[..., k::4] for k in range(4)]),
        "The first H columns belong to the first gate, the next H to the second, and so on.",
    ),
    (
        "weights cut by reshape",
        step_forward(total=_from_reshaped_weights),
        "reshape takes the numbers row by row, and a gate's weights stand side by side in every "
        "row: cut along the columns.",
    ),
    (
        "the old cell left out",
        step_forward(cell=lambda c_prev, i, f, g: i * g),
        "Without the forget gate's share of the past the cell remembers nothing.",
    ),
    (
        "forget gate left out",
        step_forward(cell=lambda c_prev, i, f, g: c_prev + i * g),
        "The old cell enters the new one through the forget gate, not whole.",
    ),
    (
        "forget gate turned round",
        step_forward(cell=lambda c_prev, i, f, g: (1 - f) * c_prev + i * g),
        "The forget gate says what is kept: at f = 1 the whole old cell stays.",
    ),
    (
        "input gate left out",
        step_forward(cell=lambda c_prev, i, f, g: f * c_prev + g),
        "The candidate enters the cell through the input gate, not whole.",
    ),
    (
        "1 - f in place of the input gate",
        step_forward(cell=lambda c_prev, i, f, g: f * c_prev + (1 - f) * g),
        "That couples the two gates, as the GRU will. An LSTM's input gate has columns of its own.",
    ),
    (
        "cell squashed before it is kept",
        step_forward(
            cell=lambda c_prev, i, f, g: np.tanh(f * c_prev + i * g),
            shown=lambda o, c, c_prev: o * c,
        ),
        "The cell is handed on as the sum is, with no tanh on its path: that is taken for h only.",
    ),
    (
        "tanh of the cell left out",
        step_forward(shown=lambda o, c, c_prev: o * c),
        "What is shown of the cell is squashed first: h lies between -1 and 1, the cell need not.",
    ),
    (
        "output gate left out",
        step_forward(shown=lambda o, c, c_prev: np.tanh(c)),
        "The output gate decides how much of the cell is shown.",
    ),
    (
        "h from the old cell",
        step_forward(shown=lambda o, c, c_prev: o * np.tanh(c_prev)),
        "h shows the new cell: first the cell, then h.",
    ),
    (
        "sigmoid for the candidate",
        step_forward(content=sigmoid),
        "g is content, not a gate, and must be able to be negative: it is squashed by tanh.",
    ),
    (
        "sigmoid of the cell in h",
        step_forward(shown=lambda o, c, c_prev: o * sigmoid(c)),
        "The cell is content, which may be negative: what is shown of it goes through tanh.",
    ),
    (
        "tanh for the gates",
        step_forward(gate=np.tanh),
        "i, f and o are shares, between 0 and 1: they are squashed by the sigmoid.",
    ),
    (
        "sigmoid left out of the gates",
        step_forward(gate=lambda a: a),
        "i, f and o are shares, between 0 and 1: the sums must be squashed first.",
    ),
    (
        "bias left out",
        step_forward(total=lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh),
        "b is part of the sum in front of the gates.",
    ),
    (
        "bias counted twice",
        step_forward(total=lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh + 2 * b),
        "One b serves the whole sum, not each of the two products.",
    ),
    (
        "previous h ignored",
        step_forward(total=lambda x, h, Wx, Wh, b: x @ Wx + b),
        "The gates look at the input and at the last h.",
    ),
    (
        "input ignored",
        step_forward(total=lambda x, h, Wx, Wh, b: h @ Wh + b),
        "The gates look at the input and at the last h.",
    ),
    (
        "h and c exchanged",
        step_forward(finish=lambda h, c: (c, h)),
        "The step returns h first, then c.",
    ),
)

LSTM_STEP_FORWARD = exercise(
    name="lstm_step_forward",
    points=3,
    reference=lstm.lstm_step_forward,
    problem=partial(problems.gated_step, gates=4),
    returns=(*values(h="NH", c="NH"), CACHE),
    sizes="NDH",
    edges=lambda rng, s: {
        "for a cell that has counted far": {
            **(problem := problems.gated_step(rng, s, 4)),
            "c_prev": 100 * problem["c_prev"],
        },
        "for gates that are nearly open or shut": {**problem, "b": 11 * np.sign(problem["b"])},
    },
    builds_on=("sigmoid",),
    mistakes=tuple(Mistake(*m) for m in STEP_MISTAKES),
)


def step_backward_problem(rng, s):
    shape = s["N"], s["H"]
    return {
        **problems.gated_step(rng, s, 4),
        "dh": problems.normal(rng, *shape),
        "dc": problems.normal(rng, *shape),
    }


def _side_by_side(*blocks):
    return np.concatenate(blocks, axis=1)


# A right backward pass in its pieces, in the order in which they are found. Each takes what has
# been found so far; `di` belongs to the gate's value and `ai` to the sum in front of it.
PIECES = {
    "dc_all": lambda s: s.dc + s.dh * s.o * (1 - s.tanh_c**2),
    "di": lambda s: s.dc_all * s.g,
    "df": lambda s: s.dc_all * s.c_prev,
    "do": lambda s: s.dh * s.tanh_c,
    "dg": lambda s: s.dc_all * s.i,
    "ai": lambda s: s.di * s.i * (1 - s.i),
    "af": lambda s: s.df * s.f * (1 - s.f),
    "ao": lambda s: s.do * s.o * (1 - s.o),
    "ag": lambda s: s.dg * (1 - s.g**2),
    "da": lambda s: _side_by_side(s.ai, s.af, s.ao, s.ag),
    "dx": lambda s: s.da @ s.Wx.T,
    "dh_prev": lambda s: s.da @ s.Wh.T,
    "dc_prev": lambda s: s.dc_all * s.f,
    "dWx": lambda s: s.x.T @ s.da,
    "dWh": lambda s: s.h_prev.T @ s.da,
    "db": lambda s: s.da.sum(axis=0),
}


def step_backward(order="dx dh_prev dc_prev dWx dWh db", **changes):
    """A wrong `lstm_step_backward`: single pieces changed, or what is returned in another order."""

    def wrong(dh, dc, cache):
        x, h_prev, c_prev, c, (i, f, o, g), Wx, Wh = cache
        s = SimpleNamespace(dh=dh, dc=dc, x=x, h_prev=h_prev, c_prev=c_prev, c=c, Wx=Wx, Wh=Wh)
        vars(s).update(i=i, f=f, o=o, g=g, tanh_c=np.tanh(c))
        for name, find in {**PIECES, **changes}.items():
            setattr(s, name, find(s))
        return tuple(getattr(s, name) for name in order.split())

    return wrong


STEP_BACKWARD_MISTAKES = (
    (
        "dc not carried through the forget gate",
        step_backward(dc_prev=lambda s: s.dc_all),
        "On the way there the old cell was multiplied by the forget gate, so its gradient is too.",
    ),
    (
        "dc from outside ignored",
        step_backward(dc_all=lambda s: s.dh * s.o * (1 - s.tanh_c**2)),
        "The cell has two readers, its own h and the next step. What comes back from the next "
        "step is the argument dc, and it is added.",
    ),
    (
        "dh's way into c missing",
        step_backward(dc_all=lambda s: s.dc),
        "h was made from c, so what arrives at h goes on into c: through the output gate and the "
        "slope of tanh, and is added to the dc from outside.",
    ),
    (
        "tanh' of c left out",
        step_backward(dc_all=lambda s: s.dc + s.dh * s.o),
        "Between c and h stands a tanh, and its slope scales what comes back from h.",
    ),
    (
        "output gate left out on the way into c",
        step_backward(dc_all=lambda s: s.dc + s.dh * (1 - s.tanh_c**2)),
        "h is a product of the output gate and tanh of c: each factor's gradient takes the other "
        "factor along.",
    ),
    (
        "1 - c² in place of 1 - tanh² c",
        step_backward(dc_all=lambda s: s.dc + s.dh * s.o * (1 - s.c**2)),
        "The slope of tanh is 1 less the square of tanh's own value, and c is not that value but "
        "what tanh was taken of.",
    ),
    (
        "h in place of tanh of c",
        step_backward(
            dc_all=lambda s: s.dc + s.dh * s.o * (1 - (s.o * s.tanh_c) ** 2),
            do=lambda s: s.dh * s.o * s.tanh_c,
        ),
        "h is the squashed cell times the output gate. What is needed here is the squashed cell "
        "alone.",
    ),
    (
        "the old cell in place of the new one in tanh",
        step_backward(
            dc_all=lambda s: s.dc + s.dh * s.o * (1 - np.tanh(s.c_prev) ** 2),
            do=lambda s: s.dh * np.tanh(s.c_prev),
        ),
        "h was made from the cell after the step. The one before it is needed at the forget gate.",
    ),
    (
        "dc_prev without what came through h",
        step_backward(dc_prev=lambda s: s.dc * s.f),
        "Add what comes through h to dc first, and then send the sum on to the old cell.",
    ),
    (
        "gates o and g swapped",
        step_backward(da=lambda s: _side_by_side(s.ai, s.af, s.ag, s.ao)),
        "The columns are in the order i, f, o, g, as in the forward pass.",
    ),
    (
        "gates i and f swapped",
        step_backward(da=lambda s: _side_by_side(s.af, s.ai, s.ao, s.ag)),
        "The columns are in the order i, f, o, g, as in the forward pass.",
    ),
    (
        "slopes of all gates left out",
        step_backward(ai=lambda s: s.di, af=lambda s: s.df, ao=lambda s: s.do, ag=lambda s: s.dg),
        "Between the sums and the gates stand sigmoid and tanh: their slopes are missing.",
    ),
    *(
        (
            f"slope of {name} left out",
            step_backward(**{f"a{k}": lambda s, k=k: getattr(s, f"d{k}")}),
            f"Between the sum and {name} stands a {squash}, and its slope scales the gradient.",
        )
        for k, name, squash in (
            ("i", "the input gate", "sigmoid"),
            ("f", "the forget gate", "sigmoid"),
            ("o", "the output gate", "sigmoid"),
            ("g", "the candidate", "tanh"),
        )
    ),
    *(
        (
            f"input gate's slope for {name}",
            step_backward(**{f"a{k}": lambda s, k=k: getattr(s, f"d{k}") * s.i * (1 - s.i)}),
            "Every gate has a slope of its own, told from its own value: look for a line that was "
            "copied.",
        )
        for k, name in (("f", "the forget gate"), ("o", "the output gate"))
    ),
    (
        "slopes taken of what is squashed already",
        step_backward(
            ai=lambda s: s.di * sigmoid(s.i) * (1 - sigmoid(s.i)),
            af=lambda s: s.df * sigmoid(s.f) * (1 - sigmoid(s.f)),
            ao=lambda s: s.do * sigmoid(s.o) * (1 - sigmoid(s.o)),
            ag=lambda s: s.dg * (1 - np.tanh(s.g) ** 2),
        ),
        "A slope can be told from the sum in front of the gate or from the gate's own value. Here "
        "the values were squashed a second time.",
    ),
    (
        "sigmoid's slope for the candidate",
        step_backward(ag=lambda s: s.dg * s.g * (1 - s.g)),
        "The candidate was squashed by tanh, whose slope is another one.",
    ),
    (
        "tanh's slope for the gates",
        step_backward(
            ai=lambda s: s.di * (1 - s.i**2),
            af=lambda s: s.df * (1 - s.f**2),
            ao=lambda s: s.do * (1 - s.o**2),
        ),
        "The gates were squashed by the sigmoid, whose slope, told from its own value, is that "
        "value times what it lacks to 1.",
    ),
    (
        "c in place of c_prev at the forget gate",
        step_backward(df=lambda s: s.dc_all * s.c),
        "The forget gate was multiplied by the cell before the step.",
    ),
    (
        "c in place of tanh of c at the output gate",
        step_backward(do=lambda s: s.dh * s.c),
        "The output gate was multiplied by the squashed cell.",
    ),
    (
        "dc in place of dh at the output gate",
        step_backward(do=lambda s: s.dc_all * s.tanh_c),
        "The output gate acts on h alone: c is made without it.",
    ),
    (
        "i and g not crossed over",
        step_backward(di=lambda s: s.dc_all * s.i, dg=lambda s: s.dc_all * s.g),
        "A product hands each factor the gradient times the other factor.",
    ),
    (
        "h in place of h_prev in dWh",
        step_backward(dWh=lambda s: (s.o * s.tanh_c).T @ s.da),
        "Wh was multiplied by the h before the step.",
    ),
    (
        "dh added to dh_prev",
        step_backward(dh_prev=lambda s: s.da @ s.Wh.T + s.dh),
        "h_prev reaches the new h through the gates only: nothing leads past them.",
    ),
    (
        "sums over the batch before the product",
        step_backward(
            dWx=lambda s: np.outer(s.x.sum(axis=0), s.da.sum(axis=0)),
            dWh=lambda s: np.outer(s.h_prev.sum(axis=0), s.da.sum(axis=0)),
        ),
        "Each row of the batch gives a product of its own, and those are added up. The product of "
        "two sums mixes the rows.",
    ),
    (
        "only the first row of the batch in the weights' gradients",
        step_backward(
            dWx=lambda s: np.outer(s.x[0], s.da[0]),
            dWh=lambda s: np.outer(s.h_prev[0], s.da[0]),
            db=lambda s: s.da[0],
        ),
        "Weights are shared by the batch, so their gradients are sums over its rows.",
    ),
    (
        "mean over the batch in the weights' gradients",
        step_backward(
            dWx=lambda s: s.x.T @ s.da / len(s.x),
            dWh=lambda s: s.h_prev.T @ s.da / len(s.x),
            db=lambda s: s.da.mean(axis=0),
        ),
        "Weights are shared by the batch, so their gradients are sums over it; the average belongs "
        "to the loss, and has been taken there.",
    ),
    (
        "mean over the batch in db",
        step_backward(db=lambda s: s.da.mean(axis=0)),
        "b serves every row of the batch: its gradient is the sum over the rows.",
    ),
    (
        "db not summed over the batch",
        step_backward(db=lambda s: s.da),
        "b serves every row of the batch: its gradient is their sum, in the shape of b.",
    ),
    (
        "db with the batch's axis kept",
        step_backward(db=lambda s: s.da.sum(axis=0, keepdims=True)),
        "The numbers are right, and stand in one row of a matrix; db has the shape of b.",
    ),
    (
        "dWx transposed",
        step_backward(dWx=lambda s: s.da.T @ s.x),
        "dWx has the shape of Wx, (D, 4H).",
    ),
    (
        "dWh transposed",
        step_backward(dWh=lambda s: s.da.T @ s.h_prev),
        "dWh has the shape of Wh, (H, 4H).",
    ),
    (
        "dh_prev and dc_prev exchanged",
        step_backward(order="dx dc_prev dh_prev dWx dWh db"),
        "The order is dx, dh_prev, dc_prev, and then the weights'.",
    ),
    (
        "sign of the gradient",
        step_backward(da=lambda s: -_side_by_side(s.ai, s.af, s.ao, s.ag)),
        "Nothing in front of the gates turns the sign.",
    ),
)


LSTM_STEP_BACKWARD = backward_exercise(
    name="lstm_step_backward",
    points=6,
    reference=lstm.lstm_step_backward,
    forward=lstm.lstm_step_forward,
    problem=step_backward_problem,
    upstream=("dh", "dc"),
    returns=gradients(dx="ND", dh_prev="NH", dc_prev="NH", dWx="D4H", dWh="H4H", db="4H"),
    sizes="NDH",
    edges=lambda rng, s: {"for large dh and dc": problems.large(step_backward_problem(rng, s))},
    builds_on=("sigmoid", "lstm_step_forward"),
    mistakes=tuple(Mistake(*m) for m in STEP_BACKWARD_MISTAKES),
)


# the sequence -----------------------------------------------------------------------------------


def sequence_forward(
    step=lstm.lstm_step_forward,
    start=lambda h0, c0: (h0, c0),
    carry=lambda new, start: new,
    order=1,
    finish=lambda h, c, c0: (h, c[:, -1]),
):
    """A wrong `lstm_forward`, by what is wrong with it."""

    def wrong(x, h0, c0, Wx, Wh, b):
        begin = state = start(h0, c0)
        states = []
        for t in range(x.shape[1])[::order]:
            new = step(x[:, t], *state, Wx, Wh, b)[:2]
            states.append(new)
            state = carry(new, begin)
        h, c = (np.stack(each, axis=1) for each in zip(*states, strict=True))
        return *finish(h[:, ::order], c, c0), None

    return wrong


def _without_the_last_step(x, *others):
    h, c_last, cache = sequence_forward()(x[:, :-1], *others)
    return np.concatenate([h, np.zeros_like(h[:, :1])], axis=1), c_last, cache


def _h0_in_the_first_place(x, h0, *others):
    h, c_last, cache = sequence_forward()(x, h0, *others)
    return np.concatenate([h0[:, None], h[:, :-1]], axis=1), c_last, cache


LSTM_FORWARD = exercise(
    name="lstm_forward",
    points=3,
    reference=lstm.lstm_forward,
    problem=partial(problems.gated_sequence, gates=4),
    returns=(*values(h="NTH", c_last="NH"), CACHE),
    sizes="NTDH",
    edges=lambda rng, s: {
        "for a cell that has counted far": {
            **(problem := problems.gated_sequence(rng, s, 4)),
            "c0": 100 * problem["c0"],
        }
    },
    builds_on=("sigmoid", "lstm_step_forward"),
    mistakes=(
        Mistake(
            "c not carried on",
            sequence_forward(carry=lambda new, begin: (new[0], begin[1])),
            "Every step after the first must start from the cell that the step before it made.",
        ),
        Mistake(
            "h not carried on",
            sequence_forward(carry=lambda new, begin: (begin[0], new[1])),
            "Every step after the first must start from the h that the step before it made.",
        ),
        Mistake(
            "h and c exchanged from step to step",
            sequence_forward(carry=lambda new, begin: new[::-1]),
            "A step takes h first, then c, and returns them in the same order.",
        ),
        Mistake(
            "c0 ignored",
            sequence_forward(start=lambda h0, c0: (h0, np.zeros_like(c0))),
            "The first step starts from c0, not from zeros.",
        ),
        Mistake(
            "h0 ignored",
            sequence_forward(start=lambda h0, c0: (np.zeros_like(h0), c0)),
            "The first step starts from h0, not from zeros.",
        ),
        Mistake(
            "h0 and c0 ignored",
            sequence_forward(start=lambda h0, c0: (np.zeros_like(h0), np.zeros_like(c0))),
            "The first step starts from h0 and c0, not from zeros.",
        ),
        Mistake(
            "h0 in place of c0",
            sequence_forward(start=lambda h0, c0: (h0, h0)),
            "The cell starts from c0.",
        ),
        Mistake(
            "time reversed",
            sequence_forward(order=-1),
            "The first step reads x[:, 0], the last one x[:, T-1].",
        ),
        Mistake(
            "the same x at every step",
            lambda x, *others: sequence_forward()(np.repeat(x[:, :1], x.shape[1], 1), *others),
            "Step t reads x[:, t]. Here every step read the first one's input.",
        ),
        Mistake(
            "last step left out",
            _without_the_last_step,
            "The loop ends one step too soon: count how many steps it takes.",
        ),
        Mistake(
            "h0 in the first place",
            _h0_in_the_first_place,
            "h[:, 0] is what is shown after the first step. h0 was there before, and is not part "
            "of the result.",
        ),
        Mistake(
            "the last h at every step",
            sequence_forward(finish=lambda h, c, c0: (0 * h + h[:, -1:], c[:, -1])),
            "Does every step write into one array, which is then kept T times? Make a new one in "
            "each step.",
        ),
        Mistake(
            "axes of size 1 squeezed away",
            sequence_forward(finish=lambda h, c, c0: (h.squeeze(), c[:, -1])),
            "squeeze drops every axis that happens to be 1, the batch of a single sequence too: "
            "say which axis is meant, or index it away.",
        ),
        Mistake(
            "cells of all steps in place of the last",
            sequence_forward(finish=lambda h, c, c0: (h, c)),
            "Of the cells only the last is returned, (N, H): nobody outside sees the others.",
        ),
        Mistake(
            "last h in place of the last c",
            sequence_forward(finish=lambda h, c, c0: (h, h[:, -1])),
            "The second thing that is returned is the cell after the last step.",
        ),
        Mistake(
            "c0 in place of the last c",
            sequence_forward(finish=lambda h, c, c0: (h, c0)),
            "The second thing that is returned is the cell after the last step.",
        ),
        Mistake(
            "cells in place of h",
            sequence_forward(finish=lambda h, c, c0: (c, c[:, -1])),
            "What others see of each step is its h; the cell stays inside.",
        ),
        Mistake(
            "only the last h",
            sequence_forward(finish=lambda h, c, c0: (h[:, -1], c[:, -1])),
            "Return h after every step, stacked along axis 1.",
        ),
        Mistake(
            "time as the first axis",
            sequence_forward(finish=lambda h, c, c0: (np.swapaxes(h, 0, 1), c[:, -1])),
            "The batch is axis 0 and time is axis 1.",
        ),
        *(
            Mistake(name, sequence_forward(step), says)
            for name, step, says in STEP_MISTAKES
            if name != "h and c exchanged"
        ),
    ),
)


def sequence_backward_problem(rng, s):
    return {
        **problems.gated_sequence(rng, s, 4),
        "dh": problems.normal(rng, s["N"], s["T"], s["H"]),
        "dc_last": problems.normal(rng, s["N"], s["H"]),
    }


def sequence_backward(
    step=lstm.lstm_step_backward,
    arriving=lambda dh, t, dh_next: dh[:, t] + dh_next,
    start=lambda dc_last: dc_last,
    at_cell=lambda dc_next, dc_last, t: dc_next,
    order=-1,
    add=True,
    before=lambda h, c, t: (h[t], c[t]),
    stop=0,
    finish=lambda dx, dh0, dc0, weights, T: (dx, dh0, dc0, *weights),
):
    """A wrong `lstm_backward`, by what is wrong with it."""

    def wrong(dh, dc_last, cache):
        x, h, c, _, gates, Wx, Wh = cache  # time first
        T, dh_next, dc_next = len(x), np.zeros_like(dc_last), start(dc_last)
        dx, weights = np.zeros_like(x.swapaxes(0, 1)), [0, 0, 0]
        for t in range(stop, T)[::order]:
            step_cache = x[t], *before(h[:-1], c[:-1], t), c[t + 1], gates[t], Wx, Wh
            into = arriving(dh, t, dh_next), at_cell(dc_next, dc_last, t)
            dx[:, t], dh_next, dc_next, *new = step(*into, step_cache)
            weights = [w + n for w, n in zip(weights, new, strict=True)] if add else new
        return finish(dx, dh_next, dc_next, weights, T)

    return wrong


def _nothing_from_the_next_cell():
    """A wrong `lstm_backward` that forgets what the next step sends back along the cell."""

    def wrong(dh, dc_last, cache):
        last = dh.shape[1] - 1
        nothing = np.zeros_like(dc_last)
        return sequence_backward(at_cell=lambda dc, end, t: dc if t == last else nothing)(
            dh, dc_last, cache
        )

    return wrong


def _before_the_first_step(dh, dc_last, cache):
    """A wrong `lstm_backward` that returns what goes into the first step, not what comes out."""
    arrived = []

    def noting(dh_t, dc_t, step_cache):
        arrived[:] = dh_t, dc_t
        return lstm.lstm_step_backward(dh_t, dc_t, step_cache)

    dx, _, _, *weights = sequence_backward(noting)(dh, dc_last, cache)
    return dx, *arrived, *weights


_IN_A_SEQUENCE_TOO = (
    "dc not carried through the forget gate",
    "dh's way into c missing",
    "tanh' of c left out",
    "output gate left out on the way into c",
    "dc_prev without what came through h",
    "gates o and g swapped",
    "gates i and f swapped",
    "slopes of all gates left out",
    "c in place of c_prev at the forget gate",
    "mean over the batch in the weights' gradients",
    "mean over the batch in db",
)

LSTM_BACKWARD = backward_exercise(
    name="lstm_backward",
    points=6,
    reference=lstm.lstm_backward,
    forward=lstm.lstm_forward,
    problem=sequence_backward_problem,
    upstream=("dh", "dc_last"),
    returns=gradients(dx="NTD", dh0="NH", dc0="NH", dWx="D4H", dWh="H4H", db="4H"),
    sizes="NTDH",
    edges=lambda rng, s: {
        "for large dh and dc_last": problems.large(sequence_backward_problem(rng, s))
    },
    builds_on=("sigmoid", "lstm_step_forward", "lstm_step_backward", "lstm_forward"),
    mistakes=(
        Mistake(
            "= for += over time",
            sequence_backward(add=False),
            "This is the share of the step that was visited last. The same weights serve every "
            "step, so the shares of all steps add up.",
        ),
        Mistake(
            "gradient from the next step's cell not carried",
            _nothing_from_the_next_cell(),
            "What a step sends back along the cell is what arrives at the cell of the step before "
            "it. This path is what the LSTM was built for.",
        ),
        Mistake(
            "gradient from the next step's h not added",
            sequence_backward(arriving=lambda dh, t, dh_next: dh[:, t]),
            "h_t is used twice: by the loss at t (dh[:, t]) and by the gates of step t+1, which "
            "send back their dh_prev. Add the two before going through the step.",
        ),
        Mistake(
            "dc_last ignored",
            sequence_backward(start=np.zeros_like),
            "At the last cell dc_last arrives, and the way back along the cells begins with it.",
        ),
        Mistake(
            "no gradient on the cells' path at all",
            sequence_backward(at_cell=lambda dc_next, dc_last, t: np.zeros_like(dc_last)),
            "At the last cell dc_last arrives, and at each cell before it what the step after sent "
            "back. This path is what the LSTM was built for.",
        ),
        Mistake(
            "dc_last at every step",
            sequence_backward(at_cell=lambda dc_next, dc_last, t: dc_last),
            "dc_last arrives at the last cell only; at the others, what the step after sent back.",
        ),
        Mistake(
            "dc_last added at every step",
            sequence_backward(
                start=np.zeros_like, at_cell=lambda dc_next, dc_last, t: dc_next + dc_last
            ),
            "dc_last arrives at the last cell only; at the others, what the step after sent back.",
        ),
        Mistake(
            "only the last step's dh",
            sequence_backward(
                arriving=lambda dh, t, dh_next: dh_next + (dh[:, t] if t == dh.shape[1] - 1 else 0)
            ),
            "A gradient arrives from outside at every step.",
        ),
        Mistake(
            "steps visited forward in time",
            sequence_backward(order=1),
            "What step t+1 sends back must be known before step t is visited: start at the end.",
        ),
        Mistake(
            "first step not visited",
            sequence_backward(stop=1),
            "Counting down, the loop ends before it reaches t = 0.",
        ),
        Mistake(
            "time as the first axis",
            sequence_backward(
                finish=lambda dx, dh0, dc0, weights, T: (dx.swapaxes(0, 1), dh0, dc0, *weights)
            ),
            "In dx, as in x, the batch is axis 0 and time is axis 1.",
        ),
        Mistake(
            "dx in the order in which the steps were visited",
            sequence_backward(
                finish=lambda dx, dh0, dc0, weights, T: (dx[:, ::-1], dh0, dc0, *weights)
            ),
            "The loop runs from the last step to the first, and dx[:, t] belongs to step t: turn "
            "the list round, or write each step into its place.",
        ),
        Mistake(
            "mean over time",
            sequence_backward(
                finish=lambda dx, dh0, dc0, weights, T: (dx, dh0, dc0, *(w / T for w in weights))
            ),
            "The weights' gradients are sums over the steps, not means.",
        ),
        Mistake(
            "dh0 left at zero",
            sequence_backward(finish=lambda dx, dh0, dc0, weights, T: (dx, 0 * dh0, dc0, *weights)),
            "dh0 is what the first step sends back: its dh_prev.",
        ),
        Mistake(
            "dc0 left at zero",
            sequence_backward(finish=lambda dx, dh0, dc0, weights, T: (dx, dh0, 0 * dc0, *weights)),
            "dc0 is what the first step sends back along the cell: its dc_prev.",
        ),
        Mistake(
            "dh0 and dc0 exchanged",
            sequence_backward(finish=lambda dx, dh0, dc0, weights, T: (dx, dc0, dh0, *weights)),
            "The order is dx, dh0, dc0, and then the weights'.",
        ),
        Mistake(
            "what arrives at the first step in place of dh0 and dc0",
            _before_the_first_step,
            "h0 and c0 stand before the first step: their gradients are what it sends back.",
        ),
        Mistake(
            "zeros in place of h0 in dWh",
            sequence_backward(before=lambda h, c, t: (h[t] * (t > 0), c[t])),
            "At the first step Wh was multiplied by h0, which need not be zero.",
        ),
        Mistake(
            "h0 at every step in dWh",
            sequence_backward(before=lambda h, c, t: (h[0], c[t])),
            "At each step Wh was multiplied by the h of the step before it.",
        ),
        Mistake(
            "zeros in place of c0 at the forget gate",
            sequence_backward(before=lambda h, c, t: (h[t], c[t] * (t > 0))),
            "At the first step the forget gate was multiplied by c0, which need not be zero.",
        ),
        Mistake(
            "h_t in place of h_{t-1} in dWh",
            sequence_backward(step=step_backward(dWh=lambda s: (s.o * s.tanh_c).T @ s.da)),
            "Wh was multiplied by the h before the step.",
        ),
        *(
            Mistake(name, sequence_backward(step), says)
            for name, step, says in STEP_BACKWARD_MISTAKES
            if name in _IN_A_SEQUENCE_TOO
        ),
    ),
)


# init_lstm: many starts are right, so it is judged by what they must have -----------------------

SMALL_BIAS = 0.5  # what the other gates' biases may be
LEAST, MOST = 0.005, 2.0  # of the weights' standard deviation; the second times 1 / sqrt(fan-in)
ENOUGH = 1000  # numbers, for their mean and standard deviation to tell something
GATES = ("input gate", "forget gate", "output gate", "candidate")


def init_problem(rng, s):
    return {
        "D": 20 + s["D"],
        "H": 30 + s["H"],
        "rng": np.random.default_rng(rng.integers(2**32)),
        "forget_bias": float(rng.uniform(1.5, 3)),
    }


def init_edges(rng, s):
    problem = init_problem(rng, s)
    return {
        "with forget_bias left out": {k: v for k, v in problem.items() if k != "forget_bias"},
        "with forget_bias = 0": {**problem, "forget_bias": 0.0},
        "with a negative forget_bias": {**problem, "forget_bias": -2.0},
        "with D = 1": {**problem, "D": 1},
        "with H = 1": {**problem, "H": 1},
        "with twice as many features as units": {**problem, "D": 60, "H": 30},
    }


def judge_init(answer, arguments, call):
    """Whether weights are a start that an LSTM can learn from, and the bias is where it belongs."""
    D, H = arguments["D"], arguments["H"]
    names = ("Wx", "Wh", "b")
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        return Finding("type", f"Expected three arrays, Wx, Wh, b, got {describe(answer)}.")
    shapes = dict(zip(names, ((D, 4 * H), (H, 4 * H), (4 * H,)), strict=True))
    for name, array in zip(names, answer, strict=True):
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            got = getattr(array, "dtype", None)
            text = f"{name}: expected an array of floats, got {got or describe(array)}."
            if getattr(got, "kind", None) == "i":
                text += " An array of integers would cut a bias of 1.5 down to 1."
                return Finding("type", text, name, "integers")
            return Finding("type", text, name)
        if array.shape != shapes[name]:
            return Finding("shape", *_wrong_shape(name, array.shape, shapes[name], D, H))
        if not np.isfinite(array).all():
            text = f"{name}: expected finite numbers, got NaN or infinity. "
            return Finding("finite", text + "Is there a division by zero?", name)
    Wx, Wh, b = answer
    trouble = _wrong_bias(b, H, arguments.get("forget_bias", 1.0))
    if trouble:
        return Finding("values", trouble[0], "b", trouble[1])
    other = call({**arguments, "rng": np.random.default_rng(arguments["rng"].integers(2**32))})
    for name, W, another in (("Wx", Wx, other[0]), ("Wh", Wh, other[1])):
        trouble = _not_drawn(name, W, another)
        if trouble:
            return Finding("values", trouble[0], name, trouble[1])
    pair = _twins(Wx, Wh, H)
    if pair:
        text = (
            f"Wx: units {pair[0]} and {pair[1]} have the same weights in every gate. They would "
            "compute the same, get the same gradient and never part: draw every weight by itself."
        )
        return Finding("values", text, "Wx", "units alike")
    for name, W, fan_in in (("Wx", Wx, D), ("Wh", Wh, H)):
        trouble = _alike(name, W, H) or _wrong_size(name, W, fan_in)
        if trouble:
            return Finding("values", trouble[0], name, trouble[1])
    both = np.concatenate([Wx, Wh])
    if both.size >= ENOUGH and np.linalg.matrix_rank(both) < min(both.shape):
        text = "Wh: some of its rows are those of Wx. Draw every weight by itself."
        return Finding("values", text, "Wh", "Wx and Wh alike")
    return None


def _wrong_shape(name, got, want, D, H):
    """(message, quantity, mistake) for an array of another shape than it should have."""
    letters = {"Wx": ("D", "4H"), "Wh": ("H", "4H"), "b": ("4H",)}[name]
    text = f"{name}: expected the shape {shape_with_letters(letters, want)}, got {got}. "
    one = (*want[:-1], H)
    if got == one and got != want:
        text += "That is one gate's; the four stand side by side in one array."
        return text, name, "columns of one gate only"
    if len(want) == 2 and got == want[::-1]:
        text += "States and inputs are row vectors here and stand on the left of the weights."
        return text, name, "transposed"
    if name == "b":
        text += "It is a vector, and has H places for each of the four gates."
        return text, name, "b as a matrix" if len(got) == 2 else None
    return text + "It has columns for four gates, H each.", name, None


_SCATTERED = "every fourth column for a gate"


def _wrong_bias(b, H, forget_bias):
    """(message, mistake) for biases that are not as asked, or None."""
    blocks = b.reshape(4, H)
    here = np.array([np.allclose(block, forget_bias, rtol=1e-6, atol=1e-9) for block in blocks])
    others = [k for k in (0, 2, 3) if np.abs(blocks[k]).max() > SMALL_BIAS]
    if here[1] and not others:
        return None
    order = "The columns are in the order i, f, o, g, H each."
    if here.all() and forget_bias:
        return (
            f"b: every gate starts at forget_bias = {forget_bias:.3g}, and only the forget gate "
            "should; the others start at 0.",
            "forget bias on all gates",
        )
    if not here[1] and here.sum() == 1:
        gate = GATES[int(here.argmax())]
        return (
            f"b: forget_bias = {forget_bias:.3g} stands at the {gate}, not at the forget gate. "
            f"{order}",
            f"forget bias on the {gate}",
        )
    if not here[1]:
        got = blocks[1]
        text = f"b: the forget gate should start at forget_bias = {forget_bias:.3g} throughout, "
        if np.allclose(got, 1.0) and forget_bias == 0:
            return (
                f"{text}got 1. 0 is a number like others, and `or` takes it for nothing at all.",
                "forget_bias = 0 taken for none",
            )
        if np.allclose(got, 1.0):
            return f"{text}got 1. Use the argument.", "forget_bias ignored"
        if not got.any() and forget_bias > 0:
            return f"{text}got 0. Its place is the second block. {order}", "forget bias left out"
        if np.ptp(got) == 0:
            return f"{text}got {got[0]:.3g}.", None
        if H > 1 and forget_bias and (b.reshape(H, 4) == [0, forget_bias, 0, 0]).all():
            return f"{text}but every fourth place of b has it. {order}", _SCATTERED
        if forget_bias and (got[0] == forget_bias) and np.count_nonzero(b) == 1:
            return f"{text}but only its first unit does. {order}", "forget bias on one unit only"
        k = int(np.abs(got - forget_bias).argmax())
        return f"{text}but b[{H + k}], unit {k} of it, is {got[k]:.3g}. {order}", None
    k = others[0]
    mistake = "forget bias on other gates too" if forget_bias and here[k] else None
    return (
        f"b: only the forget gate has a bias to start with; the {GATES[k]} has "
        f"{blocks[k][np.abs(blocks[k]).argmax()]:.3g}. Zeros are usual, and anything up to "
        f"{SMALL_BIAS} is taken. {order}",
        mistake,
    )


def _not_drawn(name, W, another):
    """(message, mistake) for weights that do not come from the rng, or None."""
    if not W.any():
        return (
            f"{name}: all zeros. Then the units of a layer are all alike, and a gradient moves "
            "them all alike: draw the weights at random.",
            "weights zero",
        )
    if W.size > 16 and np.ptp(W) == 0:
        return (
            f"{name}: every weight is {W.flat[0]:.3g}. Then the units of a layer are all alike, "
            "and a gradient moves them all alike: draw the weights at random.",
            "weights all equal",
        )
    if W.size > 16 and np.shape(another) == W.shape and np.array_equal(W, another):
        return (
            f"{name}: another rng gave the very same weights. Draw them from the rng that is "
            "passed, not from a generator made inside.",
            "rng ignored",
        )
    return None


def _alike(name, W, H):
    """(message, mistake) for weights of which many are copies of others, or None."""
    if W.size < ENOUGH:
        return None
    gates = [W[:, k * H : (k + 1) * H] for k in range(4)]
    empty = [GATES[k] for k in range(4) if gates[k].std() < LEAST < W.std()]
    if empty:
        text = f"{name}: the {empty[0]}'s weights are (nearly) zero. Draw those of all four gates."
        return text, "weights of one gate zero"
    if any(np.array_equal(gates[k], gates[j]) for k in range(4) for j in range(k)):
        text = f"{name}: two gates have the same weights. Draw every weight by itself."
        return text, "gates alike"
    if np.linalg.matrix_rank(W) < len(W):
        text = f"{name}: some rows are mixtures of others. Draw every weight by itself."
        return text, "rows alike"
    return None


def _wrong_size(name, W, fan_in):
    """(message, mistake) for weights that are too large, too small or lean to one side, or None."""
    if W.size < ENOUGH:
        return None
    std, mean = float(W.std()), float(W.mean())
    most = MOST / np.sqrt(fan_in)
    if abs(mean) > 0.25 * std:
        return (
            f"{name}: the mean is {mean:.2g} and the standard deviation {std:.2g}. Weights of "
            "both signs, around zero, are wanted; rng.random draws from 0 to 1.",
            "weights not around zero",
        )
    if std > most:
        return (
            f"{name}: the standard deviation is {std:.2g}, above {most:.2g}. A sum of {fan_in} "
            "such terms saturates the gates before anything is learned: divide by the root of "
            "the number of terms.",
            "weights too large",
        )
    if std < LEAST:
        return (
            f"{name}: the standard deviation is {std:.2g}, below {LEAST}. So small a start "
            "hardly lets the gates feel what comes in.",
            "weights too small",
        )
    return None


def _twins(Wx, Wh, H):
    """Two units with the same weights in all four gates, or None."""
    W = np.concatenate([Wx, Wh]).reshape(-1, 4, H)
    seen = {}
    for unit in range(H):
        first = seen.setdefault(W[:, :, unit].tobytes(), unit)
        if first != unit:
            return first, unit
    return None


INIT_LSTM = exercise(
    name="init_lstm",
    points=2,
    reference=lstm.init_lstm,
    problem=init_problem,
    judge=judge_init,
    keywords=("forget_bias",),
    omitted=("dtype",),
    floats=False,
    strided=False,
    edges=init_edges,
)


# cell_gradient ----------------------------------------------------------------------------------


def cell_problem(rng, s):
    return {"f": rng.uniform(0.1, 0.95, (s["N"], s["T"], s["H"]))}


def _shut(problem):
    """The same gates, one of them shut altogether in the middle of the sequence."""
    f = problem["f"].copy()
    f[:, f.shape[1] // 2, 0] = 0
    return {"f": f}


def _measured_cell_gradient(arguments):
    """What c_T gains, measured, when a little is added to c_t."""
    f = arguments["f"]

    def last_cell(a):
        c = 1.0
        for t in range(f.shape[1]):
            c = f[:, t] * c + a["c"][:, t]
        return np.sum(c)

    return {"gradient": exact_gradients(last_cell, {"c": np.zeros_like(f)}, ["c"])["c"]}


def _from_the_end(f):
    """The products of f_t and all after it."""
    return np.cumprod(f[:, ::-1], axis=1)[:, ::-1]


def _later(f, after):
    """`after` moved to the step before it, and ones at the end."""
    return np.concatenate([after[:, 1:], np.ones_like(f[:, :1])], axis=1)


CELL_GRADIENT = exercise(
    name="cell_gradient",
    points=3,
    reference=lstm.cell_gradient,
    problem=cell_problem,
    returns=gradients(gradient="NTH"),
    measured=_measured_cell_gradient,
    sizes="NTH",
    edges=lambda rng, s: {"where a gate is shut (f = 0)": _shut(cell_problem(rng, s))},
    mistakes=(
        Mistake(
            "f_t itself among the factors",
            _from_the_end,
            "f_t scales what comes into c_t from before; c_t itself meets only the gates after it.",
        ),
        Mistake(
            "product of the gates up to t",
            lambda f: np.cumprod(f, axis=1),
            "From c_t to c_T the path leads through the gates after t: take the product from the "
            "end of the sequence.",
        ),
        Mistake(
            "product of the gates before t",
            lambda f: np.concatenate(
                [np.ones_like(f[:, :1]), np.cumprod(f, axis=1)[:, :-1]], axis=1
            ),
            "From c_t to c_T the path leads through the gates after t: the ones belong to the last "
            "step, and the product grows from there towards the beginning.",
        ),
        Mistake(
            "one gate too few",
            lambda f: _later(f, _later(f, _from_the_end(f))),
            "The step from c_t to c_{t+1} goes through the gate of step t+1, and it is missing.",
        ),
        Mistake(
            "time left turned round",
            lambda f: _later(f, _from_the_end(f))[:, ::-1],
            "The products are right and stand in the order in which they were made, from the end. "
            "Turn them back, so that [:, t] belongs to step t.",
        ),
        Mistake(
            "product of all gates at every step",
            lambda f: np.broadcast_to(np.prod(f, axis=1, keepdims=True), f.shape).copy(),
            "The nearer a cell is to the end, the fewer gates lie between.",
        ),
        Mistake(
            "gradient for t = 1 only",
            lambda f: np.prod(f[:, 1:], axis=1),
            "This is how much c_T changes with the first cell. The same is asked of every step.",
        ),
        Mistake(
            "product over the units",
            lambda f: np.swapaxes(
                _later(turned := np.swapaxes(f, 1, 2), _from_the_end(turned)), 1, 2
            ),
            "Time is axis 1. Every unit has a path of its own, and meets no other unit's gates.",
        ),
        Mistake(
            "the first row's gates for all",
            lambda f: np.broadcast_to(_later(f, _from_the_end(f))[:1], f.shape).copy(),
            "Every row of the batch has gates of its own.",
        ),
        Mistake(
            "sum for product",
            lambda f: _later(f, 1 + np.cumsum(f[:, ::-1], axis=1)[:, ::-1]),
            "Every step multiplies what passes by its gate.",
        ),
        Mistake(
            "sum of the gates after t",
            lambda f: _later(f, np.cumsum(f[:, ::-1], axis=1)[:, ::-1]),
            "Every step multiplies what passes by its gate: a product is asked for.",
        ),
        Mistake(
            "only the next gate",
            lambda f: _later(f, f),
            "Between c_t and c_T lie all the gates after t, not the next one alone.",
        ),
        Mistake(
            "one gate to a power",
            lambda f: f ** np.arange(f.shape[1])[::-1, None],
            "The gate is another one at each step.",
        ),
        Mistake(
            "zeros for the last step",
            lambda f: np.concatenate(
                [_later(f, _from_the_end(f))[:, :-1], np.zeros_like(f[:, :1])], axis=1
            ),
            "c_T depends on itself with the slope 1: the product of no gates is 1.",
        ),
        Mistake(
            "a product divided by its beginning",
            lambda f: np.prod(f, axis=1, keepdims=True) / np.cumprod(f, axis=1),
            "Where a gate is shut that is 0 / 0 (or, in logarithms, infinity less infinity). Build "
            "the product up from the end, and nothing has to be divided.",
        ),
        Mistake(
            "1 - f in place of f",
            lambda f: _later(f, _from_the_end(1 - f)),
            "The forget gate says what is kept: f near 1 keeps.",
        ),
    ),
)

EXERCISES = (
    SIGMOID,
    LSTM_STEP_FORWARD,
    LSTM_STEP_BACKWARD,
    LSTM_FORWARD,
    LSTM_BACKWARD,
    INIT_LSTM,
    CELL_GRADIENT,
)
