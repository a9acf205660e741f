"""03 · bptt: backpropagation through time."""

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
from autograde.exercises.rnn_intro import SEQUENCE_MISTAKES, STEP_MISTAKES
from autograde.gradcheck import exact_gradients
from autograde.report import Finding
from helpers import embedding, language_model, numerical, optim, rnn
from helpers.language_model import PARAMETERS, char_rnn_gradients, char_rnn_loss

exercise = partial(Exercise, notebook="03")
backward_exercise = partial(Backward, notebook="03")


# numerical_gradient -----------------------------------------------------------------------------


def difference_problem(rng, s, shape=None):
    """A function whose third derivative is not zero, so that the kind of difference shows."""
    a, x = problems.normal(rng, s["D"], s["H"]), problems.normal(rng, *(shape or (s["D"], s["H"])))
    a = a if shape is None else problems.normal(rng, *shape)
    return {"f": lambda x: float(np.sum(a * x**3 + np.sin(x))), "x": x, "eps": 1e-2}


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
            "eps ignored",
            difference(lambda f, eps: (f(1e-5) - f(-1e-5)) / 2e-5),
            "Use the eps that is passed, here .01, not a fixed step.",
        ),
    ),
)


# one step ---------------------------------------------------------------------------------------

RNN_STEP_FORWARD = exercise(
    name="rnn_step_forward",
    points=2,
    reference=rnn.rnn_step_forward,
    problem=problems.rnn_step,
    returns=(*values(h="NH"), CACHE),
    sizes="NDH",
    mistakes=tuple(
        Mistake(name, lambda *a, wrong=wrong: (wrong(*a), None), says)
        for name, wrong, says in STEP_MISTAKES
    ),
)


def step_backward_problem(rng, s):
    return {**problems.rnn_step(rng, s), "dh": problems.normal(rng, s["N"], s["H"])}


def step_backward(slope=None, **changes):
    """A wrong `rnn_step_backward`: another slope of tanh, or single gradients changed."""

    def wrong(dh, cache):
        x, h_prev, Wx, Wh, h = cache
        da = dh * (1 - h * h) if slope is None else slope(dh, x, h)
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
        "sign of the gradient",
        lambda dh, h: -dh * (1 - h * h),
        "Nothing in the step turns the sign.",
    ),
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
            Mistake(name, step_backward(lambda dh, x, h, f=slope: f(dh, h)), says)
            for name, slope, says in SLOPE_MISTAKES
        ),
        *(Mistake(name, step_backward(**changes), says) for name, changes, says in WEIGHT_MISTAKES),
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
    mistakes=tuple(
        Mistake(name, lambda *a, wrong=wrong: (wrong(*a), None), says)
        for name, wrong, says in SEQUENCE_MISTAKES
    ),
)


def sequence_backward_problem(rng, s):
    return {**problems.rnn_sequence(rng, s), "dh": problems.normal(rng, s["N"], s["T"], s["H"])}


def sequence_backward(
    step=rnn.rnn_step_backward,
    arriving=lambda dh, t, dh_next: dh[:, t] + dh_next,
    order=-1,
    add=True,
    back=lambda dh_prev, da: dh_prev,
    finish=lambda g, dh, h0: g,
    before=lambda h0, h, t: h[:, t - 1] if t else h0,
):
    """A wrong `rnn_backward`, by what is wrong with it."""

    def wrong(dh, cache):
        x, h0, Wx, Wh, h = cache
        T, dh_next = h.shape[1], np.zeros_like(h0)
        dx = np.zeros_like(x)
        weights = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(h0[0])]
        for t in range(T)[::order]:
            into = arriving(dh, t, dh_next)
            step_cache = x[:, t], before(h0, h, t), Wx, Wh, h[:, t]
            dx[:, t], dh_prev, *new = step(into, step_cache)
            dh_next = back(dh_prev, into)
            weights = [w + n for w, n in zip(weights, new, strict=True)] if add else new
        return finish((dx, dh_next, *weights), dh, h0)

    return wrong


def _average_over_time(g, dh, h0):
    dx, dh0, *weights = g
    return dx, dh0, *(w / dh.shape[1] for w in weights)


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
            "The weights' gradients are those of the step that was visited last. The same weights "
            "serve every step, so the steps' gradients add up.",
        ),
        Mistake(
            "gradient from the next step not added",
            sequence_backward(arriving=lambda dh, t, dh_next: dh[:, t]),
            "h_t is used twice: by the loss at t (dh[:, t]) and by step t+1, which sends back its "
            "dh_prev. Add the two before going through the step.",
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
            "dx in the order in which the steps were visited",
            sequence_backward(finish=lambda g, dh, h0: (g[0][:, ::-1], *g[1:])),
            "The loop runs from the last step to the first, and dx[:, t] belongs to step t: turn "
            "the list round, or write each step into its place.",
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
            "h_t in place of h_{t-1} in dWh",
            sequence_backward(before=lambda h0, h, t: h[:, t]),
            "Wh was multiplied by the state before the step.",
        ),
        Mistake(
            "gradient carried back without the step",
            sequence_backward(back=lambda dh_prev, into: into),
            "What goes to step t-1 is the step's dh_prev, not the gradient that came in.",
        ),
        *(
            Mistake(
                name,
                sequence_backward(step_backward(lambda dh, x, h, f=slope: f(dh, h))),
                says,
            )
            for name, slope, says in SLOPE_MISTAKES
        ),
        *(
            Mistake(name, sequence_backward(step_backward(**changes)), says)
            for name, changes, says in WEIGHT_MISTAKES
            if name
            in ("mean over the batch in the weights' gradients", "mean over the batch in db")
            or "not transposed" in name
        ),
    ),
)


# embedding --------------------------------------------------------------------------------------


def embedding_backward_problem(rng, s, unused=0):
    """The last `unused` tokens of the vocabulary never occur."""
    drawn = problems.tokens(rng, s, s["N"], s["T"])
    dout = problems.normal(rng, s["N"], s["T"], s["D"])
    return {"dout": dout, "cache": (drawn, s["V"] + unused)}


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
        "when some tokens never occur": embedding_backward_problem(rng, s, unused=3),
    },
    mistakes=(
        Mistake(
            "repeated tokens overwrite each other",
            _last_occurrence,
            "dE[tokens] += dout writes each repeated row once. A row that was picked twice gets "
            "both gradients: they have to be added one after the other.",
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
    shape = s["D"], s["H"]
    return {
        "param": problems.normal(rng, *shape),
        "grad": problems.normal(rng, *shape),
        "memory": problems.normal(rng, *shape) ** 2,
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
        "for a bias, (H,)": {
            k: v[0] if isinstance(v, np.ndarray) else v for k, v in problem.items()
        },
    }


def adagrad(step, remember=lambda memory, grad: memory + grad * grad):
    """A wrong `adagrad_update`, from its step(grad, memory, eps) and its memory."""

    def wrong(param, grad, memory, learning_rate, eps=1e-8):
        before = memory.copy()
        memory[...] = remember(memory, grad)
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
                remember=lambda memory, grad: memory,
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
            adagrad(
                lambda grad, memory, eps, before: grad / np.sqrt(memory + eps),
                remember=lambda memory, grad: grad * grad,
            ),
            "memory sums the squares of all gradients so far.",
        ),
        Mistake(
            "gradient not squared in the memory",
            adagrad(
                lambda grad, memory, eps, before: grad / np.sqrt(memory + eps),
                remember=lambda memory, grad: memory + grad,
            ),
            "memory sums the squares of the gradients.",
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
    return {"tokens": rng.permutation(np.arange(s["N"] * 12).reshape(s["N"], 12)), "length": 4}


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
    """The chunks of an iterator as a list; an endless one is cut."""
    return None if returned is None else list(islice(returned, 100))


def chunks_by(starts, inputs, targets):
    """Chunks, right or wrong, from three rules."""

    def chunks(tokens, length):
        T = tokens.shape[1] - 1
        return [(inputs(tokens, i, length), targets(tokens, i, length)) for i in starts(T, length)]

    return chunks


def _ahead(tokens, i, n):
    return tokens[:, i + 1 : i + n + 1]


CHUNK_SLIPS = (
    (
        "last short chunk dropped",
        chunks_by(lambda T, n: range(0, T - n + 1, n), lambda x, i, n: x[:, i : i + n], _ahead),
        "When length does not divide T, the last chunk is shorter; it is kept.",
    ),
    (
        "targets not one ahead",
        chunks_by(
            lambda T, n: range(0, T, n),
            lambda x, i, n: x[:, :-1][:, i : i + n],
            lambda x, i, n: x[:, :-1][:, i : i + n],
        ),
        "The target of a step is the next token: targets start one place after inputs.",
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
        "chunks one step apart",
        chunks_by(lambda T, n: range(0, T - n + 1), lambda x, i, n: x[:, i : i + n], _ahead),
        "The next chunk starts where the one before it ended; nothing is predicted twice.",
    ),
    (
        "last token as an input",
        chunks_by(lambda T, n: range(0, T + 1, n), lambda x, i, n: x[:, i : i + n], _ahead),
        "tokens has T+1 columns and there are T predictions: the last token is only a target.",
    ),
)


def judge_chunks(answer, arguments, call):
    """Whether the chunks, one after the other, are those of the reference."""
    if answer is None:
        text = "Expected an iterator of chunks, got nothing. Is there a yield, or a return?"
        return Finding("type", text, "chunks", "returns nothing")
    right = list(language_model.truncated_chunks(**arguments))
    for k, pair in enumerate(answer):
        if not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2:
            text = f"Chunk {k}: expected a pair (inputs, targets), got {describe(pair)}."
            return Finding("type", text, "chunks")
        for name, part in zip(("inputs", "targets"), pair, strict=True):
            if not isinstance(part, np.ndarray) or part.dtype.kind not in "iu":
                text = f"Chunk {k}: expected {name} as an array of integers, got {describe(part)}."
                return Finding("type", text, name)
    slip = next(
        ((name, says) for name, f, says in CHUNK_SLIPS if _equal_chunks(answer, f(**arguments))),
        (None, ""),
    )
    N, columns = arguments["tokens"].shape
    setting = f"For {columns} columns of tokens and length {arguments['length']}, "
    for k, (pair, wanted) in enumerate(zip(answer, right, strict=False)):
        for name, got, want in zip(("inputs", "targets"), pair, wanted, strict=True):
            if got.shape != want.shape:
                text = (
                    f"{setting}chunk {k}: expected {name} of shape {want.shape}, got {got.shape}."
                )
                return Finding("shape", f"{text} {slip[1]}", name, slip[0])
            if not np.array_equal(got, want):
                text = f"{setting}chunk {k}: expected {name} {want[0]} in row 0, got {got[0]}."
                return Finding("values", f"{text} {slip[1]}", name, slip[0])
    if len(answer) != len(right):
        got = "100 or more" if len(answer) == 100 else len(answer)
        text = f"{setting}expected {len(right)} chunks, got {got}. {slip[1]}"
        return Finding("shape", text, "chunks", slip[0])
    return None


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


def tbptt_problem(rng, s, T=5, length=2):
    return {
        "tokens": problems.tokens(rng, s, s["N"], T + 1),
        "h0": problems.normal(rng, s["N"], s["H"]),
        "params": problems.char_rnn(rng, s),
        "length": length,
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


def tbptt(start=lambda h, h0: h, add=True, finish=lambda loss, grads, chunks, N: (loss, grads)):
    """A wrong `tbptt_gradients`, by what is wrong with it."""

    def wrong(tokens, h0, params, length):
        loss, grads, h = 0.0, {name: np.zeros_like(params[name]) for name in PARAMETERS}, h0
        chunks = list(language_model.truncated_chunks(tokens, length))
        for inputs, targets in chunks:
            new_loss, new, h = char_rnn_gradients(inputs, targets, start(h, h0), params)
            loss = loss + new_loss
            grads = {k: grads[k] + new[k] if add else new[k] for k in PARAMETERS}
        loss, grads = finish(loss, grads, len(chunks), len(tokens))
        return loss, grads, h

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
            "gradient not cut between chunks",
            lambda tokens, h0, params, length: char_rnn_gradients(
                tokens[:, :-1], tokens[:, 1:], h0, params
            ),
            "This is full backpropagation through time. The state that a chunk starts from counts "
            "as a constant: no gradient goes back through it.",
        ),
        Mistake(
            "only the last chunk's gradients",
            tbptt(add=False),
            "The gradients of the chunks add up.",
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
            "sum over the batch",
            tbptt(finish=lambda loss, grads, k, N: (loss * N, _scaled(grads, N))),
            "The batch is averaged: softmax_loss divides by N.",
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
