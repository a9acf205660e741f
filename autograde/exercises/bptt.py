"""03 · bptt: backpropagation through time."""

from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from autograde.diagnosis import describe
from autograde.exercises import problems
from autograde.exercises.declaration import (
    CACHE,
    Backward,
    Exercise,
    Mistake,
    Quantity,
    gradients,
    values,
)
from autograde.exercises.rnn_intro import RNN_STEP, RNN_UNROLL
from autograde.gradcheck import exact_gradients
from autograde.report import Finding
from helpers import embedding, language_model, numerical, optim, rnn
from helpers.language_model import PARAMETERS, char_rnn_gradients, char_rnn_loss
from helpers.losses import softmax_loss

exercise = partial(Exercise, notebook="03")
backward_exercise = partial(Backward, notebook="03")


# numerical_gradient -----------------------------------------------------------------------------


def difference_problem(rng, s, shape=None):
    """A function that shows which difference was taken, and where all of x stood meanwhile.

    Its third derivatives are not zero, and neither are those with respect to two elements.
    """
    shape = shape or (min(s["D"], 3), min(s["H"], 2 + (s["D"] < 3)))
    a, x = 2 * problems.normal(rng, *shape), problems.normal(rng, *shape)

    def f(x):
        neighbours = x.ravel()[1:] * x.ravel()[:-1]
        return float(np.sum(a * x**3 + np.sin(x)) + np.sum(neighbours))

    return {"f": f, "x": x, "eps": 5e-2}


def difference(rule):
    """A wrong `numerical_gradient`, from a rule for one element."""

    def wrong(f, x, eps=1e-5):
        gradient = np.zeros_like(x)
        for i in np.ndindex(x.shape):

            def moved(step, i=i):
                y = x.copy()
                y[i] += step
                return f(y)

            gradient[i] = rule(moved, eps)
        return gradient

    return wrong


def never_moved_back(up, down):
    """A wrong `numerical_gradient` whose points drift away from x, by `up` and by `down` eps."""

    def wrong(f, x, eps=1e-5):
        gradient, above, below = np.zeros_like(x), x.copy(), x.copy()
        for i in np.ndindex(x.shape):
            above[i], below[i] = x[i] + eps, x[i] - eps
            gradient[i] = (f(above) - f(below)) / (2 * eps)
            above[i], below[i] = x[i] + up * eps, x[i] + down * eps
        return gradient

    return wrong


NUMERICAL_GRADIENT = exercise(
    name="numerical_gradient",
    points=3,
    reference=numerical.numerical_gradient,
    problem=difference_problem,
    returns=values(gradient="DH"),
    sizes="DH",
    keywords=("eps",),
    tolerance=1e-8,
    floats=False,
    edges=lambda rng, s: {
        "with eps left out": {
            name: v for name, v in difference_problem(rng, s).items() if name != "eps"
        },
        "for a one-dimensional x": difference_problem(rng, s, (5,)),
        "for a three-dimensional x": difference_problem(rng, s, (2, 3, 2)),
    },
    mistakes=(
        Mistake(
            "forward difference",
            difference(lambda f, eps: (f(eps) - f(0)) / eps),
            "Its error shrinks only like eps, that of a central one like eps². Take a step to both "
            "sides of x.",
        ),
        Mistake(
            "backward difference",
            difference(lambda f, eps: (f(0) - f(-eps)) / eps),
            "Take a step to both sides of x.",
        ),
        Mistake(
            "divided by eps in place of 2 eps",
            difference(lambda f, eps: (f(eps) - f(-eps)) / eps),
            "The two points lie 2 eps apart.",
        ),
        Mistake(
            "multiplied by eps in place of divided",
            difference(lambda f, eps: (f(eps) - f(-eps)) / 2 * eps),
            "Python works through a / 2 * eps from the left: put the divisor in parentheses.",
        ),
        Mistake(
            "not divided by the step",
            difference(lambda f, eps: f(eps) - f(-eps)),
            "A slope is the difference of f over the distance of the two points.",
        ),
        Mistake(
            "sign",
            difference(lambda f, eps: (f(-eps) - f(eps)) / (2 * eps)),
            "A function that grows has a positive slope: which of the two values comes first?",
        ),
        Mistake(
            "another step than eps",
            difference(lambda f, eps: (f(1e-5) - f(-1e-5)) / 2e-5),
            "This is nearer to the true slope than a central difference with the eps that is "
            "passed, here .05: is a step taken that stands in the code?",
        ),
        Mistake(
            "half a step to either side",
            difference(lambda f, eps: (f(eps / 2) - f(-eps / 2)) / eps),
            "eps is how far an element is moved to each side, so the two points lie 2 eps apart.",
        ),
        Mistake(
            "sum in place of difference",
            difference(lambda f, eps: (f(eps) + f(-eps)) / (2 * eps)),
            "A slope says how much f changes: one value is taken away from the other.",
        ),
        Mistake(
            "all elements moved at once",
            lambda f, x, eps=1e-5: np.full_like(x, (f(x + eps) - f(x - eps)) / (2 * eps)),
            "A partial derivative moves one element of x while all the others stay.",
        ),
        Mistake(
            "earlier elements not moved back",
            never_moved_back(1, -1),
            "While one element is measured, all the others must stand where x has them: start each "
            "element from x itself.",
        ),
        Mistake(
            "earlier elements left below x",
            never_moved_back(-1, -1),
            "After an element was measured it stays one step below: take that step back before "
            "the next element's turn.",
        ),
        Mistake(
            "zero everywhere",
            difference(lambda f, eps: 0.0),
            "Is every element written? And are there two points? `up = x` makes no second array, "
            "only a second name, so that a step up and a step down cancel.",
        ),
        Mistake(
            "not in the shape of x",
            lambda f, x, eps=1e-5: numerical.numerical_gradient(f, x, eps).ravel(),
            "There is an entry for each element of x, arranged in the same way.",
        ),
    ),
)


# one step ---------------------------------------------------------------------------------------


def with_cache(mistake):
    """The same mistake in a forward pass that returns a cache as well."""
    return replace(mistake, function=lambda *arguments: (mistake.function(*arguments), None))


RNN_STEP_FORWARD = exercise(
    name="rnn_step_forward",
    points=2,
    reference=rnn.rnn_step_forward,
    problem=problems.rnn_step,
    returns=(*values(h="NH"), CACHE),
    sizes="NDH",
    mistakes=tuple(map(with_cache, RNN_STEP.mistakes)),
)


def unsaturated(problem):
    """The same with smaller weights: where h is near 1, 1 - h² has few digits left in float32."""
    return {k: 0.5 * v if k in ("Wx", "Wh", "b") else v for k, v in problem.items()}


def step_backward_problem(rng, s):
    return {**unsaturated(problems.rnn_step(rng, s)), "dh": problems.normal(rng, s["N"], s["H"])}


def step_backward(slope=None, **changes):
    """A wrong `rnn_step_backward`: another slope of tanh, or single gradients changed."""

    def wrong(dh, cache):
        x, h_prev, Wx, Wh, h = cache
        da = dh * (1 - h * h) if slope is None else slope(dh, h_prev, h)
        found = {
            "dx": da @ Wx.T,
            "dh_prev": da @ Wh.T,
            "dWx": x.T @ da,
            "dWh": h_prev.T @ da,
            "db": da.sum(axis=0),
        }
        found |= {name: f(da, x, h_prev, Wx, Wh, h) for name, f in changes.items()}
        return tuple(found.values())

    return wrong


SLOPE_MISTAKES = (
    (
        "tanh derivative left out",
        lambda dh, h: dh,
        "Between h and the products stands tanh, and its slope scales the gradient.",
    ),
    (
        "1 - h in place of 1 - h²",
        lambda dh, h: dh * (1 - h),
        "The slope of tanh is 1 - tanh², and h is the tanh.",
    ),
    (
        "h² in place of 1 - h²",
        lambda dh, h: dh * h * h,
        "The slope of tanh is 1 - tanh²: it is 1 where h is 0.",
    ),
    (
        "slope of the sigmoid in place of tanh's",
        lambda dh, h: dh * h * (1 - h),
        "h (1 - h) is the slope of a sigmoid whose value is h.",
    ),
    (
        "tanh taken a second time",
        lambda dh, h: dh * (1 - np.tanh(h) ** 2),
        "The cached h is the tanh already.",
    ),
    (
        "upstream gradient left out",
        lambda dh, h: 1 - h * h,
        "The chain rule multiplies the slope by what arrives from above, dh.",
    ),
    (
        "divided by the slope of tanh",
        lambda dh, h: dh / (1 - h * h),
        "The chain rule multiplies by each slope on the way back.",
    ),
    (
        "sign of the gradient",
        lambda dh, h: -dh * (1 - h * h),
        "Nothing in the step turns the sign.",
    ),
)

SLOPE_AT_THE_OLD_STATE = Mistake(
    "h_prev in place of h in the slope",
    step_backward(lambda dh, h_prev, h: dh * (1 - h_prev * h_prev)),
    "The tanh made the new state, so its slope is taken there.",
)

WEIGHT_MISTAKES = (
    (
        "mean over the batch in the weights' gradients",
        dict(
            dWx=lambda da, x, h_prev, Wx, Wh, h: x.T @ da / len(x),
            dWh=lambda da, x, h_prev, Wx, Wh, h: h_prev.T @ da / len(x),
            db=lambda da, x, h_prev, Wx, Wh, h: da.mean(axis=0),
        ),
        "Weights are shared by the batch, so their gradients are sums over it; the average belongs "
        "to the loss, and has been taken there.",
    ),
    (
        "mean over the batch in db",
        dict(db=lambda da, x, h_prev, Wx, Wh, h: da.mean(axis=0)),
        "b serves every row of the batch: its gradient is the sum over the rows.",
    ),
    (
        "db not summed over the batch",
        dict(db=lambda da, x, h_prev, Wx, Wh, h: da),
        "b serves every row of the batch: its gradient is their sum, in the shape of b.",
    ),
    (
        "db summed over the units",
        dict(db=lambda da, x, h_prev, Wx, Wh, h: da.sum(axis=1)),
        "b has an entry a unit, so the sum runs over the batch.",
    ),
    (
        "db with an axis too many",
        dict(db=lambda da, x, h_prev, Wx, Wh, h: da.sum(axis=0, keepdims=True)),
        "db has the shape of b, which is (H,): the batch's axis goes when it is summed over.",
    ),
    (
        "np.outer in place of a sum over the batch",
        dict(
            dWx=lambda da, x, h_prev, Wx, Wh, h: np.outer(x, da),
            dWh=lambda da, x, h_prev, Wx, Wh, h: np.outer(h_prev, da),
        ),
        "np.outer lays every number of the batch side by side. A weight's gradient is the sum, "
        "over the rows of the batch, of each row's own outer product: one matrix product.",
    ),
    (
        "dWx and dWh exchanged",
        dict(
            dWx=lambda da, x, h_prev, Wx, Wh, h: h_prev.T @ da,
            dWh=lambda da, x, h_prev, Wx, Wh, h: x.T @ da,
        ),
        "The gradients come in the order of the docstring, the input's weights first, each in the "
        "shape of what it belongs to.",
    ),
    (
        "h in place of h_prev in dWh",
        dict(dWh=lambda da, x, h_prev, Wx, Wh, h: h.T @ da),
        "Wh was multiplied by the state before the step, so that state stands in its gradient.",
    ),
    (
        "Wh not transposed in dh_prev",
        dict(dh_prev=lambda da, x, h_prev, Wx, Wh, h: da @ Wh),
        "On the way back through a product the matrix is transposed.",
    ),
    (
        "dWh transposed",
        dict(dWh=lambda da, x, h_prev, Wx, Wh, h: da.T @ h_prev),
        "dWh has the layout of Wh: its rows belong to h_prev, its columns to h.",
    ),
    (
        "dWx transposed",
        dict(dWx=lambda da, x, h_prev, Wx, Wh, h: da.T @ x),
        "dWx has the shape of Wx, (D, H).",
    ),
    (
        "Wh left out of dh_prev",
        dict(dh_prev=lambda da, x, h_prev, Wx, Wh, h: da),
        "h_prev reached the sum through Wh, so its gradient goes back through Wh too.",
    ),
)

RNN_STEP_BACKWARD = backward_exercise(
    name="rnn_step_backward",
    points=5,
    reference=rnn.rnn_step_backward,
    forward=rnn.rnn_step_forward,
    problem=step_backward_problem,
    returns=gradients(dx="ND", dh_prev="NH", dWx="DH", dWh="HH", db="H"),
    sizes="NDH",
    edges=lambda rng, s: {"for a large dh": problems.large(step_backward_problem(rng, s))},
    builds_on=("rnn_step_forward",),
    mistakes=(
        *(
            Mistake(name, step_backward(lambda dh, h_prev, h, f=slope: f(dh, h)), says)
            for name, slope, says in SLOPE_MISTAKES
        ),
        SLOPE_AT_THE_OLD_STATE,
        *(Mistake(name, step_backward(**changes), says) for name, changes, says in WEIGHT_MISTAKES),
        Mistake(
            "dx and dh_prev exchanged",
            step_backward(
                dx=lambda da, x, h_prev, Wx, Wh, h: da @ Wh.T,
                dh_prev=lambda da, x, h_prev, Wx, Wh, h: da @ Wx.T,
            ),
            "The gradients come in the order of the docstring, the input's first, each in the "
            "shape of what it belongs to.",
        ),
    ),
)


# the sequence -----------------------------------------------------------------------------------


RNN_FORWARD = exercise(
    name="rnn_forward",
    points=2,
    reference=rnn.rnn_forward,
    problem=problems.rnn_sequence,
    returns=(*values(h="NTH"), CACHE),
    sizes="NTDH",
    builds_on=("rnn_step_forward",),
    mistakes=tuple(map(with_cache, RNN_UNROLL.mistakes)),
)


def sequence_backward_problem(rng, s):
    dh = problems.normal(rng, s["N"], s["T"], s["H"])
    return {**unsaturated(problems.rnn_sequence(rng, s)), "dh": dh}


def sequence_backward(
    step=rnn.rnn_step_backward,
    arriving=lambda dh, t, dh_next, h: dh[:, t] + dh_next,
    steps=lambda T: range(T)[::-1],
    add=True,
    back=lambda dh_prev, into, dh_next: dh_prev,
    finish=lambda g, dh, h0: g,
    before=lambda h0, h, t: h[:, t - 1] if t else h0,
):
    """A wrong `rnn_backward`, by what is wrong with it."""

    def wrong(dh, cache):
        x, Wx, Wh, states = cache  # time first
        x, h, h0 = x.swapaxes(0, 1), states[1:].swapaxes(0, 1), states[0]
        T, dh_next = h.shape[1], np.zeros_like(h0)
        dx = np.zeros_like(x)
        weights = [0, 0, 0]
        for t in steps(T):
            into = arriving(dh, t, dh_next, h)
            step_cache = x[:, t], before(h0, h, t), Wx, Wh, h[:, t]
            dx[:, t], dh_prev, *new = step(into, step_cache)
            dh_next = back(dh_prev, into, dh_next)
            weights = [w + n for w, n in zip(weights, new, strict=True)] if add else new
        return finish((dx, dh_next, *weights), dh, h0)

    return wrong


def _average_over_time(g, dh, h0):
    dx, dh0, *weights = g
    return dx, dh0, *(w / dh.shape[1] for w in weights)


def _bias_of_each_step(dh, cache):
    """`rnn_backward` with a db (T, H)."""
    db = []

    def step(into, step_cache):
        found = rnn.rnn_step_backward(into, step_cache)
        db.insert(0, found[-1])
        return found

    *others, _ = sequence_backward(step)(dh, cache)
    return *others, np.stack(db)


RNN_BACKWARD = backward_exercise(
    name="rnn_backward",
    points=6,
    reference=rnn.rnn_backward,
    forward=rnn.rnn_forward,
    problem=sequence_backward_problem,
    returns=gradients(dx="NTD", dh0="NH", dWx="DH", dWh="HH", db="H"),
    sizes="NTDH",
    edges=lambda rng, s: {"for a large dh": problems.large(sequence_backward_problem(rng, s))},
    builds_on=("rnn_step_forward", "rnn_step_backward", "rnn_forward"),
    mistakes=(
        Mistake(
            "= for += over time",
            sequence_backward(add=False),
            "This is the gradient of one step, the one that was visited last. The same weights "
            "serve every step, so the steps' gradients add up.",
        ),
        Mistake(
            "gradient from the next step not added",
            sequence_backward(arriving=lambda dh, t, dh_next, h: dh[:, t]),
            "h_t is used twice: by the loss at t (dh[:, t]) and by step t+1, which sends back its "
            "dh_prev. Add the two before going through the step.",
        ),
        Mistake(
            "only the last step's dh",
            sequence_backward(
                arriving=lambda dh, t, dh_next, h: (
                    dh_next + (dh[:, t] if t == dh.shape[1] - 1 else 0)
                )
            ),
            "A gradient arrives from outside at every step.",
        ),
        Mistake(
            "the last step's dh at every step",
            sequence_backward(arriving=lambda dh, t, dh_next, h: dh[:, -1] + dh_next),
            "What arrives from outside differs from step to step: dh has a time axis.",
        ),
        Mistake(
            "slope of tanh not applied to what the next step sends back",
            sequence_backward(
                step_backward(lambda dh, h_prev, h: dh),
                arriving=lambda dh, t, dh_next, h: dh[:, t] * (1 - h[:, t] ** 2) + dh_next,
            ),
            "Both gradients arrive at h_t, after its tanh: add them first, then go back through "
            "the tanh.",
        ),
        Mistake(
            "gradients of all later steps piled up",
            sequence_backward(back=lambda dh_prev, into, dh_next: dh_next + dh_prev),
            "dh_prev already holds what came from all later steps. It takes the place of the one "
            "before; it is not added to it.",
        ),
        Mistake(
            "steps visited forward in time",
            sequence_backward(steps=range),
            "What step t+1 sends back must be known before step t is visited: start at the end.",
        ),
        Mistake(
            "first step left out",
            sequence_backward(steps=lambda T: range(T - 1, 0, -1)),
            "The loop ends before t = 0: range leaves out the number at which it stops.",
        ),
        Mistake(
            "last step left out",
            sequence_backward(steps=lambda T: range(T - 1)[::-1]),
            "The loop must begin with the last step, t = T - 1.",
        ),
        Mistake(
            "dx in the order in which the steps were visited",
            sequence_backward(finish=lambda g, dh, h0: (g[0][:, ::-1], *g[1:])),
            "The loop runs from the last step to the first, and dx[:, t] belongs to step t: turn "
            "the list round, or write each step into its place.",
        ),
        Mistake(
            "time as the first axis of dx",
            sequence_backward(finish=lambda g, dh, h0: (np.swapaxes(g[0], 0, 1), *g[1:])),
            "dx has the shape of x: the batch is axis 0 and time is axis 1.",
        ),
        Mistake(
            "mean over time",
            sequence_backward(finish=_average_over_time),
            "The weights' gradients are sums over the steps, not means.",
        ),
        Mistake(
            "dh0 left at zero",
            sequence_backward(finish=lambda g, dh, h0: (g[0], np.zeros_like(h0), *g[2:])),
            "dh0 is what the first step sends back: its dh_prev.",
        ),
        Mistake(
            "zeros in place of h0 before the first step",
            sequence_backward(before=lambda h0, h, t: h[:, t - 1] if t else np.zeros_like(h0)),
            "The state before step 0 is h0; dWh needs it.",
        ),
        Mistake(
            "last state in place of h0 before the first step",
            sequence_backward(before=lambda h0, h, t: h[:, t - 1]),
            "At t = 0 the index t - 1 is -1, which is the last state. The one before step 0 is h0.",
        ),
        Mistake(
            "h_t in place of h_{t-1} in dWh",
            sequence_backward(before=lambda h0, h, t: h[:, t]),
            "Wh was multiplied by the state before the step.",
        ),
        Mistake(
            "gradient carried back without the step",
            sequence_backward(back=lambda dh_prev, into, dh_next: into),
            "What goes to step t-1 is the step's dh_prev, not the gradient that came in.",
        ),
        *(
            Mistake(
                name,
                sequence_backward(step_backward(lambda dh, h_prev, h, f=slope: f(dh, h))),
                says,
            )
            for name, slope, says in SLOPE_MISTAKES
        ),
        *(
            Mistake(name, sequence_backward(step_backward(**changes)), says)
            for name, changes, says in WEIGHT_MISTAKES
            if name != "h in place of h_prev in dWh"  # which has its own name in a sequence
        ),
        replace(
            SLOPE_AT_THE_OLD_STATE, function=sequence_backward(SLOPE_AT_THE_OLD_STATE.function)
        ),
        Mistake(
            "db not summed over time",
            _bias_of_each_step,
            "b serves every step, as it serves every row: its gradient is (H,), the sum over both.",
        ),
        Mistake(
            "gradients clipped",
            sequence_backward(finish=lambda g, dh, h0: tuple(np.clip(a, -5, 5) for a in g)),
            "Clipping is a step of training, not of the gradient: leave it to whoever updates.",
        ),
    ),
)


# embedding --------------------------------------------------------------------------------------


def embedding_backward_problem(rng, s, apart=1, unused=0):
    """A token occurs twice in a sequence, and twice at a time step.

    Only every `apart`-th token occurs, and the last `unused` of the vocabulary never do.
    """
    drawn = problems.tokens(rng, s, s["N"], s["T"])
    drawn[0, [0, -1]] = drawn[-1, -1] = s["V"] - 1
    dout = problems.normal(rng, s["N"], s["T"], s["D"])
    return {"dout": dout, "cache": (apart * drawn, apart * (s["V"] - 1) + 1 + unused)}


def _embedding_gradient(arguments):
    dout, (drawn, V) = arguments["dout"], arguments["cache"]
    E = {"E": np.zeros((V, dout.shape[-1]))}
    loss = lambda a: np.sum(dout * embedding.embedding_forward(drawn, a["E"]))  # noqa: E731
    return {"dE": exact_gradients(loss, E, ["E"])["E"]}


def _last_occurrence(dout, cache):
    drawn, V = cache
    dE = np.zeros((V, dout.shape[-1]))
    dE[drawn] = dout
    return dE


def _last_of_each(axis):
    """Within an entry of that axis, the last occurrence of a token; the entries are summed."""

    def wrong(dout, cache):
        drawn, V = cache
        entries = zip(np.moveaxis(drawn, axis, 0), np.moveaxis(dout, axis, 0), strict=True)
        return sum(_last_occurrence(d, (row, V)) for row, d in entries)

    return wrong


def _rows_that_occur(dout, cache):
    return embedding.embedding_backward(dout, cache)[np.unique(cache[0])]


def _mean_of_occurrences(dout, cache):
    counts = np.bincount(cache[0].ravel(), minlength=cache[1])
    return embedding.embedding_backward(dout, cache) / np.maximum(counts, 1)[:, None]


EMBEDDING_BACKWARD = exercise(
    name="embedding_backward",
    points=3,
    reference=embedding.embedding_backward,
    problem=embedding_backward_problem,
    returns=gradients(dE="VD"),
    measured=_embedding_gradient,
    sizes="NTD",
    may_widen=True,
    edges=lambda rng, s: {
        "when every token is the same": embedding_backward_problem(rng, {**s, "V": 1}),
        "when some tokens never occur": embedding_backward_problem(rng, s, apart=2, unused=3),
    },
    mistakes=(
        Mistake(
            "repeated tokens overwrite each other",
            _last_occurrence,
            "dE[tokens] += dout writes each repeated row once. A row that was picked twice gets "
            "both gradients: they have to be added one after the other.",
        ),
        Mistake(
            "tokens repeated at one time step overwrite each other",
            _last_of_each(axis=1),
            "Two sequences may have the same token at one step, and += through an index array "
            "writes each repeated row once: they have to be added one after the other.",
        ),
        Mistake(
            "tokens repeated in one sequence overwrite each other",
            _last_of_each(axis=0),
            "A sequence may hold a token twice, and += through an index array writes each repeated "
            "row once: they have to be added one after the other.",
        ),
        Mistake(
            "mean over a token's occurrences",
            _mean_of_occurrences,
            "The gradients of a token's occurrences are summed.",
        ),
        Mistake(
            "mean over the batch",
            lambda dout, cache: embedding.embedding_backward(dout, cache) / len(dout),
            "The average over the batch belongs to the loss, and has been taken there.",
        ),
        Mistake(
            "mean over time",
            lambda dout, cache: embedding.embedding_backward(dout, cache) / dout.shape[1],
            "The gradients of a token's occurrences are summed, whenever they occur.",
        ),
        Mistake(
            "only the last time step",
            lambda dout, cache: embedding.embedding_backward(
                dout[:, -1:], (cache[0][:, -1:], cache[1])
            ),
            "Tokens are looked up at every step, so every step sends a gradient.",
        ),
        Mistake(
            "tokens counted, upstream gradient left out",
            lambda dout, cache: embedding.embedding_backward(np.ones_like(dout), cache),
            "These are the numbers of times that each token occurs. What is summed is the gradient "
            "that arrives for its rows, dout.",
        ),
        Mistake(
            "only as many rows as different tokens occur",
            _rows_that_occur,
            "dE has the shape of E, (V, D), with zeros for tokens that did not occur.",
        ),
        Mistake(
            "only as many rows as the largest token needs",
            lambda dout, cache: embedding.embedding_backward(dout, cache)[: cache[0].max() + 1],
            "dE has the shape of E, (V, D), with zeros for tokens that did not occur.",
        ),
        Mistake(
            "transposed",
            lambda dout, cache: embedding.embedding_backward(dout, cache).T,
            "dE has the shape of E, (V, D).",
        ),
    ),
)


# Adagrad ----------------------------------------------------------------------------------------


def adagrad_problem(rng, s):
    """The first parameter has hardly moved yet: its memory will still be smaller than eps."""
    shape = s["D"], s["H"]
    grad, memory = problems.normal(rng, *shape), problems.normal(rng, *shape) ** 2
    grad.flat[0], memory.flat[0] = 0.1, 0.01
    return {
        "param": problems.normal(rng, *shape),
        "grad": grad,
        "memory": memory,
        "learning_rate": 0.3,
        "eps": 0.05,
    }


def adagrad_edges(rng, s):
    problem = adagrad_problem(rng, s)
    default = {k: v for k, v in problem.items() if k != "eps"}
    tiny = {"grad": 1e-4 * problem["grad"], "memory": np.zeros_like(problem["memory"])}
    return {
        "at the first update, with eps left out and tiny gradients": {**default, **tiny},
        "where the gradient and the memory are zero": {
            **default,
            "grad": np.zeros_like(problem["grad"]),
            "memory": np.zeros_like(problem["memory"]),
        },
        "for large gradients": {**problem, "grad": 1e4 * problem["grad"]},
        "for a bias, (H,)": {
            k: v[0] if isinstance(v, np.ndarray) else v for k, v in problem.items()
        },
    }


def right_step(grad, memory, eps, before):
    return grad / np.sqrt(memory + eps)


def adagrad(step=right_step, remember=lambda memory, grad, eps: memory + grad * grad):
    """A wrong `adagrad_update`, from its step(grad, memory, eps, before) and its memory."""

    def wrong(param, grad, memory, learning_rate, eps=1e-8):
        before = memory.copy()
        memory[...] = remember(memory, grad, eps)
        param -= learning_rate * step(grad, memory, eps, before)

    return wrong


ADAGRAD_UPDATE = exercise(
    name="adagrad_update",
    points=3,
    reference=optim.adagrad_update,
    problem=adagrad_problem,
    returns=values(param="DH", memory="DH"),
    sizes="DH",
    keywords=("eps",),
    in_place=("param", "memory"),
    edges=adagrad_edges,
    mistakes=(
        Mistake(
            "not in place",
            lambda param, grad, memory, learning_rate, eps=1e-8: None,
            "param and memory are what they were before the call. `param = param - ...` binds a "
            "new array to a local name; `param -= ...` changes the array that was handed over.",
        ),
        Mistake(
            "param not changed in place",
            adagrad(lambda grad, memory, eps, before: 0),
            "`param = param - ...` binds a new array to a local name; `param -= ...` changes the "
            "array that was handed over.",
        ),
        Mistake(
            "memory not changed in place",
            adagrad(
                lambda grad, memory, eps, before: grad / np.sqrt(before + grad * grad + eps),
                remember=lambda memory, grad, eps: memory,
            ),
            "The memory must last to the next update: change the array that was handed over, and "
            "do not bind a new one to its name.",
        ),
        Mistake(
            "eps outside the root",
            adagrad(lambda grad, memory, eps, before: grad / (np.sqrt(memory) + eps)),
            "Here eps is added to the memory before the root is taken, as in min-char-rnn.",
        ),
        Mistake(
            "memory replaced and not accumulated",
            adagrad(remember=lambda memory, grad, eps: grad * grad),
            "memory sums the squares of all gradients so far.",
        ),
        Mistake(
            "gradient not squared in the memory",
            adagrad(remember=lambda memory, grad, eps: memory + grad),
            "memory sums the squares of the gradients.",
        ),
        Mistake(
            "moving average, as in RMSprop",
            adagrad(remember=lambda memory, grad, eps: 0.9 * memory + 0.1 * grad * grad),
            "Adagrad forgets nothing: its memory is a sum, to which each square is added in full.",
        ),
        Mistake(
            "eps added to the memory itself",
            adagrad(remember=lambda memory, grad, eps: memory + grad * grad + eps),
            "The memory holds squares of gradients and nothing else; eps is added to it only "
            "for taking the root, and not kept.",
        ),
        Mistake(
            "root taken in the memory itself",
            adagrad(
                lambda grad, memory, eps, before: grad / memory,
                remember=lambda memory, grad, eps: np.sqrt(memory + grad * grad + eps),
            ),
            "The next update needs the sum of the squares: take the root into a new array.",
        ),
        Mistake(
            "eps ignored",
            adagrad(lambda grad, memory, eps, before: grad / np.sqrt(memory + 1e-8)),
            "Use the eps that is passed, here .05; 1e-8 is only what it is when nobody passes one.",
        ),
        Mistake(
            "one root for the whole array",
            adagrad(lambda grad, memory, eps, before: grad / np.sqrt(memory.sum() + eps)),
            "Every parameter has a step size of its own, from its own entry of the memory.",
        ),
        Mistake(
            "gradients clipped",
            lambda param, grad, memory, learning_rate, eps=1e-8: adagrad()(
                param, np.clip(grad, -5, 5), memory, learning_rate, eps
            ),
            "The update takes the gradient as it is: whoever wants it clipped does so before.",
        ),
        Mistake(
            "learning rate left out",
            lambda param, grad, memory, learning_rate, eps=1e-8: adagrad()(
                param, grad, memory, 1.0, eps
            ),
            "The learning rate scales every step.",
        ),
        Mistake(
            "root left out",
            adagrad(lambda grad, memory, eps, before: grad / (memory + eps)),
            "The step is divided by a square root.",
        ),
        Mistake(
            "step uphill",
            adagrad(lambda grad, memory, eps, before: -grad / np.sqrt(memory + eps)),
            "The loss falls in the direction against the gradient.",
        ),
        Mistake(
            "step taken before the memory is updated",
            adagrad(lambda grad, memory, eps, before: grad / np.sqrt(before + eps)),
            "The memory counts the present gradient too: update it first.",
        ),
        Mistake(
            "plain gradient descent",
            adagrad(lambda grad, memory, eps, before: grad),
            "Adagrad divides each step by the root of what the memory has summed up.",
        ),
    ),
)


# truncated backpropagation ----------------------------------------------------------------------


def chunks_problem(rng, s):
    N = s["N"] + 4  # more rows than a chunk has steps
    return {"tokens": rng.permutation(np.arange(N * 12).reshape(N, 12)), "length": 4}


def chunks_edges(rng, s):
    tokens = chunks_problem(rng, s)["tokens"]
    return {
        "when the length divides the steps": {"tokens": tokens[:, :9], "length": 4},
        "when one step is left over": {"tokens": tokens[:, :10], "length": 4},
        "when the length exceeds the sequence": {"tokens": tokens, "length": 50},
        "when the length is the sequence's": {"tokens": tokens, "length": 11},
        "when the length is 1": {"tokens": tokens, "length": 1},
        "when there is only one step": {"tokens": tokens[:, :2], "length": 3},
        "for a single sequence": {"tokens": tokens[:1], "length": 5},
    }


def take_chunks(returned):
    """The chunks of an iterator as a list; an endless one is cut, anything else is left."""
    try:
        chunks = iter(returned)
    except TypeError:
        return returned
    return list(islice(chunks, 100))


def chunks_by(starts, inputs, targets):
    """Chunks, right or wrong, from three rules."""

    def chunks(tokens, length):
        T = tokens.shape[1] - 1
        return [(inputs(tokens, i, length), targets(tokens, i, length)) for i in starts(T, length)]

    return chunks


def _inputs(tokens, i, n):
    return tokens[:, :-1][:, i : i + n]


def _targets(tokens, i, n):
    return tokens[:, i + 1 : i + n + 1]


def _padded_with_zeros(tokens, length):
    T = tokens.shape[1] - 1
    padded = np.pad(tokens, ((0, 0), (0, -T % length)))
    rows = chunks_by(lambda T, n: range(0, T, n), _inputs, _targets)
    return rows(padded, length)


def _of_equal_length(tokens, length):
    pieces = -(-(tokens.shape[1] - 1) // length)
    halves = (np.array_split(half, pieces, axis=1) for half in (tokens[:, :-1], tokens[:, 1:]))
    return list(zip(*halves, strict=True))


CHUNK_SLIPS = (
    (
        "the whole sequence as one chunk",
        lambda tokens, length: [(tokens[:, :-1], tokens[:, 1:])],
        "A chunk has length steps, and what is left over is for the next.",
    ),
    (
        "only the first chunk",
        chunks_by(lambda T, n: [0], _inputs, _targets),
        "Does a return stand inside the loop? It ends the function in the first round.",
    ),
    (
        "last short chunk dropped",
        chunks_by(lambda T, n: range(0, T - n + 1, n), _inputs, _targets),
        "When length does not divide T, the last chunk is shorter; it is kept.",
    ),
    (
        "last chunk padded",
        _padded_with_zeros,
        "The last chunk is as short as what is left: nothing is invented to fill it up.",
    ),
    (
        "last chunk moved back to be full",
        chunks_by(lambda T, n: [min(i, max(T - n, 0)) for i in range(0, T, n)], _inputs, _targets),
        "The last chunk starts where the one before it ended; nothing is predicted twice.",
    ),
    (
        "chunks of equal length",
        _of_equal_length,
        "Every chunk has length steps, but for the last, which takes what is left.",
    ),
    (
        "targets not one ahead",
        chunks_by(lambda T, n: range(0, T, n), _inputs, _inputs),
        "The target of a step is the next token: targets start one place after inputs.",
    ),
    (
        "targets two ahead",
        chunks_by(
            lambda T, n: range(0, T - 1, n),
            lambda x, i, n: x[:, :-2][:, i : i + n],
            lambda x, i, n: x[:, 2:][:, i : i + n],
        ),
        "The target of a step is the next token, and not the one after that.",
    ),
    (
        "targets one short",
        chunks_by(
            lambda T, n: range(0, T, n), _inputs, lambda x, i, n: x[:, :-1][:, i + 1 : i + n]
        ),
        "Every input has a target, also the last one of its chunk: targets start one place later, "
        "and end one place later too.",
    ),
    (
        "inputs and targets exchanged",
        chunks_by(lambda T, n: range(0, T, n), _targets, _inputs),
        "A pair holds the inputs first; the targets are the tokens one place later.",
    ),
    (
        "one prediction lost between chunks",
        chunks_by(
            lambda T, n: range(0, T, n),
            lambda x, i, n: x[:, i : i + n][:, :-1],
            lambda x, i, n: x[:, i : i + n][:, 1:],
        ),
        "The token at a chunk's end is its last target and the first input of the next chunk.",
    ),
    (
        "one token skipped between chunks",
        chunks_by(lambda T, n: range(0, T, n + 1), _inputs, _targets),
        "The token at a chunk's end is its last target and the first input of the next chunk: "
        "starts lie length apart.",
    ),
    (
        "chunks one step apart",
        chunks_by(lambda T, n: range(0, T - n + 1), _inputs, _targets),
        "The next chunk starts where the one before it ended; nothing is predicted twice.",
    ),
    (
        "chunks overlap by one step",
        chunks_by(lambda T, n: range(0, T, max(n - 1, 1)), _inputs, _targets),
        "The next chunk starts where the one before it ended; nothing is predicted twice.",
    ),
    (
        "last token as an input",
        chunks_by(lambda T, n: range(0, T + 1, n), lambda x, i, n: x[:, i : i + n], _targets),
        "tokens has T+1 columns and there are T predictions: the last token is only a target.",
    ),
    (
        "last prediction missing",
        chunks_by(
            lambda T, n: range(0, T - 1, n),
            lambda x, i, n: _inputs(x[:, :-1], i, n),
            lambda x, i, n: _targets(x[:, :-1], i, n),
        ),
        "tokens has T+1 columns, so there are T predictions: one was taken off twice.",
    ),
    (
        "batch cut in place of time",
        lambda tokens, length: [
            (tokens[i : i + length, :-1], tokens[i : i + length, 1:])
            for i in range(0, len(tokens), length)
        ],
        "tokens is (N, T+1): sequences are rows, so that it is the columns which are cut.",
    ),
)


def judge_chunks(answer, arguments, call):
    """Whether the chunks, one after the other, are those of the reference."""
    if answer is None:
        text = "Expected an iterator of chunks, got nothing (None). Is there a yield, or a return?"
        return Finding("type", text, "chunks", "returns nothing")
    if not isinstance(answer, list):
        got = "a function that was not called" if callable(answer) else describe(answer)
        return Finding("type", f"Expected an iterator of chunks, got {got}.", "chunks")
    if answer and all(isinstance(part, np.ndarray) and part.ndim == 2 for part in answer):
        return _not_in_pairs(answer)
    right = list(language_model.truncated_chunks(**arguments))
    for k, pair in enumerate(answer):
        if not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2:
            text = f"Of the chunks, number {k}: expected a pair (inputs, targets), got "
            return Finding("type", f"{text}{describe(pair)}.", "chunks")
        for name, part in zip(("inputs", "targets"), pair, strict=True):
            if not isinstance(part, np.ndarray) or part.dtype.kind not in "iu":
                array = isinstance(part, np.ndarray)
                got = f"an array of {part.dtype}" if array else describe(part)
                text = f"Chunk {k}: expected {name} as an array of integers, got {got}."
                return Finding("type", text, name)
    mistake, says = next(
        (
            (name, f"\n{Mistake(name, f, says).sentence}")
            for name, f, says in CHUNK_SLIPS
            if _equal_chunks(answer, f(**arguments))
        ),
        (None, ""),
    )
    N, columns = arguments["tokens"].shape
    setting = f"For {columns} columns of tokens and length {arguments['length']}, "
    for k, (pair, wanted) in enumerate(zip(answer, right, strict=False)):
        for name, got, want in zip(("inputs", "targets"), pair, wanted, strict=True):
            if got.shape != want.shape:
                text = f"{setting}chunk {k}: expected {name} of shape {want.shape}, got {got.shape}"
                return Finding("shape", f"{text}.{says}", name, mistake)
            if not np.array_equal(got, want):
                text = f"{setting}chunk {k}: expected {name} {want[0]} in row 0, got {got[0]}."
                return Finding("values", f"{text}{says}", name, mistake)
    if len(answer) != len(right):
        got = "100 or more" if len(answer) == 100 else len(answer)
        text = f"{setting}expected {len(right)} chunks, got {got}.{says}"
        return Finding("shape", text, "chunks", mistake)
    return None


def _not_in_pairs(arrays):
    """What to say of arrays that came one by one and not as pairs."""
    if len(arrays) == 2:
        text = (
            "Expected an iterator of chunks, got a single pair (inputs, targets). Is there a "
            "return where a yield should stand? A return ends the function at the first pair; a "
            "yield hands a pair over, and the loop goes on from there at the next one."
        )
        return Finding("type", text, "chunks", "one pair in place of an iterator")
    text = (
        f"Expected chunks that are pairs (inputs, targets), got {len(arrays)} arrays one after the "
        "other. Hand over both arrays of a chunk together, as one tuple."
    )
    return Finding("type", text, "chunks", "inputs and targets not in one pair")


def _equal_chunks(a, b):
    return len(a) == len(b) and all(
        np.array_equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)
    )


TRUNCATED_CHUNKS = exercise(
    name="truncated_chunks",
    points=3,
    reference=language_model.truncated_chunks,
    problem=chunks_problem,
    unpack=take_chunks,
    judge=judge_chunks,
    floats=False,
    edges=chunks_edges,
)


def tbptt_problem(rng, s, T=7, length=None):
    """Neither the steps nor the chunks are as many as the sequences, so that means differ.

    All sequences begin with the same token, whose row of Wx is then used twice at a step.
    """
    tokens = problems.tokens(rng, s, s["N"], T + 1)
    tokens[:, 0] = tokens[0, 0]
    return {
        "tokens": tokens,
        "h0": problems.normal(rng, s["N"], s["H"]),
        "params": problems.char_rnn(rng, s),
        "length": length or (3 if s["N"] == 4 else 2),
    }


def far_off_problem(rng, s):
    """Readout weights so large that clipped gradients would show."""
    problem = tbptt_problem(rng, s)
    params = problem["params"]
    return {**problem, "params": {**params, "Wy": 40 * params["Wy"], "by": 40 * params["by"]}}


def _tbptt_gradient(a):
    """Numerical gradients of each chunk's loss, the state it starts from held fast."""
    h, total = a["h0"], {name: 0.0 for name in PARAMETERS}
    for inputs, targets in language_model.truncated_chunks(a["tokens"], a["length"]):
        loss = lambda p, i=inputs, t=targets, h=h: char_rnn_loss(i, t, h, p)[0]  # noqa: E731
        for name, gradient in exact_gradients(loss, a["params"], PARAMETERS).items():
            total[name] = total[name] + gradient
        h = char_rnn_loss(inputs, targets, h, a["params"])[1]
    return {f"grads[{name!r}]": gradient for name, gradient in total.items()}


def chunk_gradients(part):
    """A wrong `char_rnn_gradients`.

    Args:
        part: what is wrong: only the last step's "readout", or gradient into the "states", or the
            "rows" of Wx that are used more than once.
    """

    def gradients(inputs, targets, h0, params):
        Wx, Wh, b, Wy, by = (params[name] for name in PARAMETERS)
        h, cache = rnn.rnn_forward(Wx[inputs], h0, np.eye(len(Wh), dtype=Wx.dtype), Wh, b)
        loss, dscores = softmax_loss(rnn.readout(h, Wy, by), targets)
        last = np.zeros_like(dscores)
        last[:, -1] = dscores[:, -1]
        dh, _, _ = rnn.readout_backward(last if part == "states" else dscores, h, Wy)
        _, dWy, dby = rnn.readout_backward(last if part == "readout" else dscores, h, Wy)
        da, _, _, dWh, db = rnn.rnn_backward(dh, cache)
        rows = _last_occurrence if part == "rows" else embedding.embedding_backward
        grads = {"Wx": rows(da, (inputs, len(Wx))), "Wh": dWh, "b": db, "Wy": dWy, "by": dby}
        return loss, grads, h[:, -1]

    return gradients


def _states(inputs, h0, params):
    Wx, Wh, b, *_ = (params[name] for name in PARAMETERS)
    return rnn.rnn_forward(Wx[inputs], h0, np.eye(len(Wh), dtype=Wx.dtype), Wh, b)[0]


def tbptt(
    start=lambda h, h0: h,
    first=lambda h0: h0,
    gradients=char_rnn_gradients,
    weight=lambda steps, total: 1,
    stop=None,
    add=("loss", "grads"),
    carry=lambda states: states[:, -1],
    finish=lambda loss, grads, chunks, N: (loss, grads),
    last=lambda h, states, h0: h,
):
    """A wrong `tbptt_gradients`, by what is wrong with it."""

    def wrong(tokens, h0, params, length):
        loss, grads, h = 0.0, {name: np.zeros_like(params[name]) for name in PARAMETERS}, first(h0)
        chunks = list(language_model.truncated_chunks(tokens, length))[:stop]
        for inputs, targets in chunks:
            before = start(h, h0)
            new_loss, new, _ = gradients(inputs, targets, before, params)
            w = weight(inputs.shape[1], tokens.shape[1] - 1)
            loss = (loss if "loss" in add else 0) + w * new_loss
            grads = {k: (grads[k] if "grads" in add else 0) + w * new[k] for k in PARAMETERS}
            states = _states(inputs, before, params)
            h = carry(states)
        loss, grads = finish(loss, grads, len(chunks), len(tokens))
        return loss, grads, last(h, states, h0)

    return wrong


def _scaled(grads, factor):
    return {name: g * factor for name, g in grads.items()}


TBPTT_GRADIENTS = exercise(
    name="tbptt_gradients",
    points=5,
    reference=language_model.tbptt_gradients,
    keys=(char_rnn_gradients,),
    problem=tbptt_problem,
    returns=(
        *values(loss=""),
        Quantity("grads", "VH HH H HV V", "gradient", PARAMETERS),
        *values(h_last="NH"),
    ),
    measured=_tbptt_gradient,
    sizes="NH",
    may_widen=True,
    edges=lambda rng, s: {
        "when one chunk covers the sequence": tbptt_problem(rng, s, T=4, length=9),
        "when every chunk is one step": tbptt_problem(rng, s, T=3, length=1),
        "when there is only one step": tbptt_problem(rng, s, T=1, length=3),
        "over 12 steps": tbptt_problem(rng, s, T=12, length=5),
        "when the model is far off, so that the gradients are large": far_off_problem(rng, s),
    },
    builds_on=(
        "truncated_chunks",
        "rnn_forward",
        "rnn_backward",
        "rnn_step_forward",
        "rnn_step_backward",
        "embedding_backward",
    ),
    mistakes=(
        Mistake(
            "state not carried across chunks",
            tbptt(start=lambda h, h0: h0),
            "Each chunk starts from the state in which the one before it ended, not from h0.",
        ),
        Mistake(
            "state set to zero at every chunk",
            tbptt(start=lambda h, h0: np.zeros_like(h0)),
            "Each chunk starts from the state in which the one before it ended.",
        ),
        Mistake(
            "h0 ignored",
            tbptt(first=np.zeros_like),
            "The first chunk starts from h0, not from zeros.",
        ),
        Mistake(
            "state carried from a chunk's first step",
            tbptt(carry=lambda states: states[:, 0]),
            "The next chunk starts from the last of the chunk's states.",
        ),
        Mistake(
            "gradient not cut between chunks",
            lambda tokens, h0, params, length: char_rnn_gradients(
                tokens[:, :-1], tokens[:, 1:], h0, params
            ),
            "This is full backpropagation through time. The state that a chunk starts from counts "
            "as a constant: no gradient goes back through it.",
        ),
        Mistake(
            "only the last chunk's gradients",
            tbptt(add=("loss",)),
            "The gradients of the chunks add up.",
        ),
        Mistake(
            "only the last chunk's loss",
            tbptt(add=("grads",)),
            "The losses of the chunks add up, as their gradients do.",
        ),
        Mistake(
            "only the last chunk",
            tbptt(add=()),
            "Loss and gradients are summed over the chunks: each chunk adds its own to them.",
        ),
        Mistake(
            "only the first chunk",
            tbptt(stop=1),
            "Does a return stand inside the loop? It ends the function after one chunk.",
        ),
        Mistake(
            "last short chunk dropped",
            tbptt(stop=-1),
            "When length does not divide the steps, the last chunk is shorter; it counts too.",
        ),
        Mistake(
            "only the last step of a chunk sends a gradient back",
            tbptt(gradients=chunk_gradients("states")),
            "Every step's scores count in the loss, so every state gets a gradient from its own.",
        ),
        Mistake(
            "only the last step of a chunk in the readout's gradients",
            tbptt(gradients=chunk_gradients("readout")),
            "The readout serves every step of a chunk: its gradients are sums over all of them.",
        ),
        Mistake(
            "repeated tokens overwrite each other",
            tbptt(gradients=chunk_gradients("rows")),
            "A row of Wx that is picked twice gets both gradients, as in embedding_backward.",
        ),
        Mistake(
            "mean over the chunks",
            tbptt(finish=lambda loss, grads, k, N: (loss / k, _scaled(grads, 1 / k))),
            "Loss and gradients are summed over the chunks.",
        ),
        Mistake(
            "gradients averaged over the chunks",
            tbptt(finish=lambda loss, grads, k, N: (loss, _scaled(grads, 1 / k))),
            "The gradients are summed over the chunks, as the loss is.",
        ),
        Mistake(
            "mean over all time steps",
            tbptt(weight=lambda steps, total: 1 / total),
            "Loss and gradients are summed over time; only the batch is averaged.",
        ),
        Mistake(
            "mean over the time steps of each chunk",
            tbptt(weight=lambda steps, total: 1 / steps),
            "Loss and gradients are summed over time; only the batch is averaged.",
        ),
        Mistake(
            "gradients clipped",
            tbptt(
                finish=lambda loss, grads, k, N: (
                    loss,
                    {name: np.clip(g, -5, 5) for name, g in grads.items()},
                )
            ),
            "Clipping is a step of training, not of the gradient: leave it to whoever updates.",
        ),
        Mistake(
            "sum over the batch",
            tbptt(finish=lambda loss, grads, k, N: (loss * N, _scaled(grads, N))),
            "The batch is averaged: softmax_loss divides by N.",
        ),
        Mistake(
            "batch averaged twice",
            tbptt(finish=lambda loss, grads, k, N: (loss / N, _scaled(grads, 1 / N))),
            "softmax_loss has divided by N already.",
        ),
        Mistake(
            "gradients averaged twice over the batch",
            tbptt(finish=lambda loss, grads, k, N: (loss, _scaled(grads, 1 / N))),
            "What softmax_loss returns has been divided by N already.",
        ),
        Mistake(
            "gradients summed over the batch",
            tbptt(finish=lambda loss, grads, k, N: (loss, _scaled(grads, N))),
            "These gradients are N times those of the loss, which is a mean over the batch.",
        ),
        Mistake(
            "all states of the last chunk",
            tbptt(last=lambda h, states, h0: states),
            "h_last is one state, (N, H): the one after the last step.",
        ),
        Mistake(
            "h0 in place of the last state",
            tbptt(last=lambda h, states, h0: h0),
            "h_last is the state after the last step, from which a next call could go on.",
        ),
    ),
)

EXERCISES = (
    NUMERICAL_GRADIENT,
    RNN_STEP_FORWARD,
    RNN_STEP_BACKWARD,
    RNN_FORWARD,
    RNN_BACKWARD,
    EMBEDDING_BACKWARD,
    ADAGRAD_UPDATE,
    TRUNCATED_CHUNKS,
    TBPTT_GRADIENTS,
)
