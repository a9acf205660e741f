"""02 · hello: a character-level language model."""

from functools import partial

import numpy as np

from autograde.diagnosis import describe
from autograde.exercises import problems
from autograde.exercises.declaration import Exercise, Mistake, gradients, values
from autograde.exercises.rnn_intro import SEQUENCE_MISTAKES
from autograde.gradcheck import exact_gradients
from autograde.report import Finding
from helpers import embedding, language_model, losses
from helpers.embedding import one_hot
from helpers.losses import log_softmax
from helpers.rnn import readout, rnn_unroll

exercise = partial(Exercise, notebook="02")

ALPHABET = "qwertyuiopasdfghjklzxcvbnm \n.,'QWERTYé한국"


def text_problem(rng, s):
    letters = rng.choice(list(ALPHABET), size=s["V"] + 3, replace=False)
    return {"text": "".join(rng.permutation(np.concatenate([letters, rng.choice(letters, 12)])))}


def judge_vocab(answer, arguments, call):
    """Whether both mappings number the sorted characters."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        text = f"Expected two things, char_to_ix, ix_to_char, got {describe(answer)}."
        return Finding("type", text)
    char_to_ix, ix_to_char = answer
    wanted = {c: i for i, c in enumerate(sorted(set(arguments["text"])))}
    if not isinstance(char_to_ix, dict):
        text = f"char_to_ix: expected a dict, got {describe(char_to_ix)}."
        return Finding("type", text, "char_to_ix")
    numbers = [i for i in char_to_ix.values() if isinstance(i, int | np.integer)]
    if len(numbers) < len(char_to_ix) and set(char_to_ix) <= set(wanted):
        text = "char_to_ix: expected integers as its values, since they will index arrays."
        return Finding("type", text, "char_to_ix")
    if char_to_ix != wanted:
        return Finding("values", *_vocab_trouble(char_to_ix, wanted, arguments["text"]))
    try:
        back = [ix_to_char[i] for i in range(len(ix_to_char))]
    except (KeyError, IndexError, TypeError):
        back = None
    if back is None or any(not isinstance(c, str) for c in back) or back != list(wanted):
        text = (
            "ix_to_char: it does not undo char_to_ix. Expected ix_to_char[char_to_ix[c]] == c for "
            f"every character c and nothing else in it, got {describe(ix_to_char)}."
        )
        twice = isinstance(ix_to_char, dict) and ix_to_char == char_to_ix
        mistake = "the same mapping twice" if twice else None
        return Finding("values", text, "ix_to_char", mistake)
    return None


def _vocab_trouble(got, wanted, text):
    """(message, quantity, mistake) for a char_to_ix that is not the sorted one."""
    if set(got) == set(range(len(wanted))):
        return (
            "char_to_ix: it maps numbers to characters; that is ix_to_char. "
            "Return the dict from characters to numbers first.",
            "char_to_ix",
            "the two mappings exchanged",
        )
    if set(got) != set(wanted):
        missing, extra = sorted(set(wanted) - set(got)), sorted(set(got) - set(wanted), key=repr)
        return (
            f"char_to_ix: expected every character of the text and no other; missing {missing}, "
            f"too many {extra}.",
            "char_to_ix",
            None,
        )
    c = next(c for c in wanted if got[c] != wanted[c])
    says = f"char_to_ix[{c!r}]: expected {wanted[c]}, got {got[c]!r}. "
    if got == {c: i for i, c in enumerate(dict.fromkeys(text))}:
        says += "The characters are numbered as they first appear; number them in sorted order."
        return says, "char_to_ix", "numbered by first appearance"
    if got == {c: i + 1 for c, i in wanted.items()}:
        says += "Counting starts at 0, so that the numbers can index an array."
        return says, "char_to_ix", "numbered from 1"
    if max(got.values()) >= len(wanted):
        says += "Its numbers leave gaps: number each character once, however often it occurs."
        return says, "char_to_ix", "repeated characters counted"
    return (
        says + "Number the sorted characters 0, 1, 2, ...; a set alone has an order that "
        "changes from one run of Python to the next.",
        "char_to_ix",
        "not in sorted order" if sorted(got.values()) == sorted(wanted.values()) else None,
    )


BUILD_VOCAB = exercise(
    name="build_vocab",
    points=2,
    reference=language_model.build_vocab,
    problem=text_problem,
    judge=judge_vocab,
    floats=False,
    edges=lambda rng, s: {
        "for a text of one character": {"text": "a"},
        "for 'hello'": {"text": "hello"},
        "for a text that begins and ends with white space": {"text": "\nab "},
    },
)


def scores_problem(rng, s):
    return {"scores": 2 * problems.normal(rng, s["N"], s["T"], s["V"])}


def far(scores):
    """Scores of about ±1000, as a badly scaled network makes them."""
    return 1000 * np.sign(scores) + scores


SOFTMAX = exercise(
    name="softmax",
    points=3,
    reference=losses.softmax,
    keys=(losses.log_softmax,),
    problem=scores_problem,
    returns=values(probabilities="NTV"),
    sizes="NTV",
    edges=lambda rng, s: {
        "for scores of ±1000": {"scores": far(scores_problem(rng, s)["scores"])},
        "for one row far below another": {"scores": far(np.array([[1.0, 2.0], [-1.0, -2.0]]))},
        "for scores that are all -1000": {"scores": np.full((s["N"], s["V"]), -1000.0)},
        "for one row of scores, (V,)": {"scores": 2 * problems.normal(rng, s["V"])},
        "for a matrix of scores, (N, V)": {"scores": 2 * problems.normal(rng, s["N"], s["V"])},
    },
    mistakes=(
        Mistake(
            "exp overflows",
            lambda scores: np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True),
            "exp(1000) is too large for a float64 and exp(-1000) is 0. Subtract each row's largest "
            "score first: that changes no probability.",
        ),
        Mistake(
            "normalised over the whole array",
            lambda scores: np.exp(scores) / np.exp(scores).sum(),
            "Every row along the last axis is a distribution of its own, and sums to 1.",
        ),
        Mistake(
            "normalised over the first axis",
            lambda scores: np.exp(scores) / np.exp(scores).sum(axis=0, keepdims=True),
            "The probabilities of one position lie along the last axis, and sum to 1 there.",
        ),
        Mistake(
            "normalised over the second axis",
            lambda scores: np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True),
            "The probabilities of one position lie along the last axis, and sum to 1 there.",
        ),
        Mistake(
            "one largest score for the whole array",
            lambda scores: _softmax_shifted(scores, scores.max()),
            "A row far below the array's largest score becomes 0/0. "
            "Subtract each row's own largest score.",
        ),
        Mistake(
            "not normalised",
            lambda scores: np.exp(scores - scores.max(axis=-1, keepdims=True)),
            "Divide by the sum over the last axis.",
        ),
        Mistake(
            "exp left out",
            lambda scores: scores / scores.sum(axis=-1, keepdims=True),
            "exp makes every score positive before they are divided by their sum.",
        ),
        Mistake(
            "logarithm of the probabilities",
            log_softmax,
            "Return the probabilities themselves.",
        ),
    ),
)


def _softmax_shifted(scores, shift):
    e = np.exp(scores - shift)
    return e / e.sum(axis=-1, keepdims=True)


def loss_problem(rng, s):
    return {**scores_problem(rng, s), "targets": problems.tokens(rng, s, s["N"], s["T"])}


def softmax_loss(loss=lambda loss, scores: loss, dscores=lambda d, p, scores: d):
    """A wrong `softmax_loss`, by what it does to the right loss and gradient."""

    def wrong(scores, targets):
        right, d = losses.softmax_loss(scores, targets)
        return loss(right, scores), dscores(d, losses.softmax(scores), scores)

    return wrong


def _loss_of_last_step(scores, targets):
    loss, d = losses.softmax_loss(scores[:, -1:], targets[:, -1:])
    dscores = np.zeros_like(scores)
    dscores[:, -1:] = d
    return loss, dscores


def _loss_by_log(scores, targets):
    p = losses.softmax(scores)
    N, T, V = scores.shape
    picked = np.take_along_axis(p, targets[..., None], axis=-1)
    return -np.log(picked).sum() / N, (p - one_hot(targets, V)) / N


def _loss_by_naive_exp(scores, targets):
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    N, T, V = scores.shape
    picked = np.take_along_axis(p, targets[..., None], axis=-1)
    return -np.log(picked).sum() / N, (p - one_hot(targets, V)) / N


SOFTMAX_LOSS = exercise(
    name="softmax_loss",
    points=4,
    reference=losses.softmax_loss,
    problem=loss_problem,
    returns=values(loss="") + gradients(dscores="NTV"),
    measured=lambda a: {
        "dscores": exact_gradients(
            lambda a: losses.softmax_loss(a["scores"], a["targets"])[0], a, ["scores"]
        )["scores"]
    },
    sizes="NTV",
    edges=lambda rng, s: {
        "for scores of ±1000": {
            **loss_problem(rng, s),
            "scores": far(scores_problem(rng, s)["scores"]),
        },
    },
    builds_on=("softmax",),
    mistakes=(
        Mistake(
            "mean over time as well as over the batch",
            softmax_loss(lambda loss, s: loss / s.shape[1], lambda d, p, s: d / s.shape[1]),
            "The losses of the time steps are summed; only the batch is averaged: divide by N.",
        ),
        Mistake(
            "sum over the batch",
            softmax_loss(lambda loss, s: loss * s.shape[0], lambda d, p, s: d * s.shape[0]),
            "The batch is averaged: divide by N.",
        ),
        Mistake(
            "mean over time in place of the batch",
            softmax_loss(
                lambda loss, s: loss * s.shape[0] / s.shape[1],
                lambda d, p, s: d * s.shape[0] / s.shape[1],
            ),
            "The time steps are summed and the batch is averaged: divide by N, not by T.",
        ),
        Mistake(
            "gradient not divided by N",
            softmax_loss(dscores=lambda d, p, s: d * s.shape[0]),
            "The loss is a mean over the batch, so its gradient carries the same 1/N.",
        ),
        Mistake(
            "gradient divided by T as well",
            softmax_loss(dscores=lambda d, p, s: d / s.shape[1]),
            "The loss is a sum over time, so its gradient carries no 1/T.",
        ),
        Mistake(
            "the 1 at the target not subtracted",
            softmax_loss(dscores=lambda d, p, s: p / s.shape[0]),
            "The gradient of the loss is probabilities minus one-hot targets.",
        ),
        Mistake(
            "sign of the gradient",
            softmax_loss(dscores=lambda d, p, s: -d),
            "The loss is minus the log likelihood; its gradient is p - one_hot, not one_hot - p.",
        ),
        Mistake(
            "sign of the loss",
            softmax_loss(loss=lambda loss, s: -loss),
            "A loss is minus the log likelihood, so it is never negative.",
        ),
        Mistake(
            "only the last time step",
            _loss_of_last_step,
            "Every time step has a target and counts.",
        ),
        Mistake(
            "exp overflows",
            _loss_by_naive_exp,
            "Subtract each row's largest score before exp.",
        ),
        Mistake(
            "logarithm of a probability that is 0",
            _loss_by_log,
            "A very unlikely target has probability 0 in floating point. Work the logarithm out on "
            "paper: log of a quotient is a difference, and one of its parts is log of exp.",
        ),
    ),
)


def embedding_problem(rng, s):
    E = problems.normal(rng, s["V"], s["D"])
    return {"tokens": problems.tokens(rng, s, s["N"], s["T"]), "E": E}


EMBEDDING_FORWARD = exercise(
    name="embedding_forward",
    points=2,
    reference=embedding.embedding_forward,
    problem=embedding_problem,
    returns=values(out="NTD"),
    sizes="NTD",
    may_widen=True,
    mistakes=(
        Mistake(
            "columns in place of rows",
            lambda tokens, E: np.moveaxis(E[:, np.minimum(tokens, E.shape[1] - 1)], 0, -1),
            "Token k names row k of E: one_hot(tokens, V) @ E picks rows.",
        ),
        Mistake(
            "the one-hot vectors themselves",
            lambda tokens, E: one_hot(tokens, E.shape[0]),
            "The one-hot row still has to meet E: the result is one_hot(tokens, V) @ E.",
        ),
        Mistake(
            "time as the first axis",
            lambda tokens, E: np.swapaxes(E[tokens], 0, 1),
            "The result has shape (N, T, D), like tokens with an axis added at the end.",
        ),
    ),
)


def char_rnn_problem(rng, s):
    inputs = problems.tokens(rng, s, s["N"], s["T"])
    targets = rng.integers(0, s["V"], inputs.shape)
    h0 = problems.normal(rng, s["N"], s["H"])
    return {"inputs": inputs, "targets": targets, "h0": h0, "params": problems.char_rnn(rng, s)}


def char_rnn_loss(unroll=rnn_unroll, read=readout, loss=losses.softmax_loss, last=-1):
    """A wrong `char_rnn_loss`, by the part that is wrong."""

    def wrong(inputs, targets, h0, p):
        h = unroll(one_hot(inputs, len(p["Wx"])), h0, p["Wx"], p["Wh"], p["b"])
        value, _ = loss(read(h, p["Wy"], p["by"]), targets)
        return value, h[:, last]

    return wrong


CHAR_RNN_LOSS = exercise(
    name="char_rnn_loss",
    points=4,
    reference=language_model.char_rnn_loss,
    keys=(language_model.char_rnn_gradients,),
    problem=char_rnn_problem,
    returns=values(loss="", h_last="NH"),
    sizes="NTH",
    may_widen=True,
    builds_on=("softmax", "softmax_loss", "embedding_forward"),
    mistakes=(
        *(
            Mistake(m.name, char_rnn_loss(loss=m.function), m.says)
            for m in SOFTMAX_LOSS.mistakes
            if "mean" in m.name or "sum" in m.name or m.name.endswith(("the loss", "time step"))
        ),
        *(Mistake(name, char_rnn_loss(wrong), says) for name, wrong, says in SEQUENCE_MISTAKES),
        Mistake(
            "readout's bias left out",
            char_rnn_loss(read=lambda h, Wy, by: h @ Wy),
            "by is added to the scores of every state.",
        ),
        Mistake(
            "inputs as targets",
            lambda inputs, targets, h0, p: language_model.char_rnn_loss(inputs, inputs, h0, p),
            "The loss compares the scores with targets.",
        ),
        Mistake(
            "first state in place of the last",
            char_rnn_loss(last=0),
            "h_last is the state after the last step.",
        ),
        Mistake(
            "all states in place of the last",
            char_rnn_loss(last=slice(None)),
            "h_last is one state a sequence, (N, H).",
        ),
        Mistake(
            "scores of the state before the character was read",
            lambda inputs, targets, h0, p: _early_loss(inputs, targets, h0, p),
            "The scores at step t come from the state that has seen inputs[:, t].",
        ),
    ),
)


def _early_loss(inputs, targets, h0, p):
    h = rnn_unroll(one_hot(inputs, len(p["Wx"])), h0, p["Wx"], p["Wh"], p["b"])
    before = np.concatenate([h0[:, None], h[:, :-1]], axis=1)
    return losses.softmax_loss(readout(before, p["Wy"], p["by"]), targets)[0], h[:, -1]


# sample: there are many right answers, so it is judged by probability --------------------------

DRAWS = 500
FAR_OFF = 6.0  # standard deviations; chance exceeds it twice in a billion
GREEDY = 40


def sample_problem(rng, s, temperature=None):
    """Scores that grow with the temperature, so that it always leaves much to tell by."""
    temperature = temperature or float(rng.choice([0.4, 2.5]))
    params = problems.char_rnn(rng, s)
    loud = {"Wx": 1.5, "Wy": 1.2 * temperature, "by": 1.2 * temperature}
    return {
        "h0": problems.normal(rng, 1, s["H"]),
        "first": int(rng.integers(0, s["V"])),
        "n": DRAWS,
        "params": {name: loud.get(name, 1) * array for name, array in params.items()},
        "temperature": temperature,
        "rng": np.random.default_rng(rng.integers(2**32)),
    }


def sample_edges(rng, s):
    greedy = {f"at temperature 0, problem {k}": telling_greedy_problem(rng, s) for k in range(1, 6)}
    return greedy | {
        "at temperature 1": sample_problem(rng, s, 1.0),
        "at temperature 4": sample_problem(rng, s, 4.0),
        "for n = 1": {**sample_problem(rng, s), "n": 1},
        "for n = 0": {**sample_problem(rng, s), "n": 0},
    }


def telling_greedy_problem(rng, s):
    """A problem at temperature 0 on which the right way and every slip write different tokens."""
    ways = [{}] + [slip for _, slip, _ in SAMPLE_SLIPS if "temperature" not in slip]
    while True:
        problem = {**sample_problem(rng, s, 1.0), "temperature": 0, "n": GREEDY}
        if len({_greedy(problem, **way) for way in ways}) == len(ways):
            return problem


def _greedy(a, **slip):
    """The tokens with the largest scores, written in the right way or with a slip."""
    written = []
    for scores in _scores(a, lambda scores: written[-1], **slip):
        written.append(int(scores.argmax()))
        if len(written) == a["n"]:
            return tuple(written)


def _scores(a, following, *, carry=True, feed=True, h0=1, first=lambda k, V: k):
    """Scores (V,) step by step, in the right way or with a slip.

    Args:
        a: the arguments of `sample`.
        following: what comes after these scores; asked for when the next ones are due.
        carry, feed: whether the state, and the token written, go into the next step.
        h0: factor of the state to start from.
        first: what becomes of the first token.
    """
    p, h = a["params"], h0 * a["h0"][0]
    token = first(a["first"], len(p["by"]))
    while True:
        new = np.tanh(p["Wx"][token] + h @ p["Wh"] + p["b"])
        scores = new @ p["Wy"] + p["by"]
        yield scores
        h = new if carry else h
        token = following(scores) if feed else token


def _log_probabilities(written, a, temperature=None, **slip):
    """log p (n, V) of every step, given what was written before it; with the usual slips."""
    temperature = a["temperature"] if temperature is None else temperature(a["temperature"])
    tokens = iter(written)
    steps = _scores(a, lambda scores: next(tokens), **slip)
    scores = np.array([row for row, _ in zip(steps, written, strict=False)])  # (n, V)
    if temperature:
        return log_softmax(scores / temperature)
    largest = scores == scores.max(axis=1, keepdims=True)
    return np.where(largest, 0.0, -np.inf)


SAMPLE_SLIPS = (
    (
        "state not carried on",
        dict(carry=False),
        "Every step must start from the state that the step before it made.",
    ),
    (
        "output not fed back",
        dict(feed=False),
        "The token that was drawn is the input of the next step.",
    ),
    ("h0 ignored", dict(h0=0), "The first step starts from h0."),
    (
        "first token ignored",
        dict(first=lambda k, V: 0 if k else 1),
        "The first step reads the token that is handed over as first.",
    ),
    (
        "temperature ignored",
        dict(temperature=lambda t: 1.0),
        "Divide the scores by the temperature.",
    ),
    (
        "scores multiplied by the temperature",
        dict(temperature=lambda t: 1 / t if t else np.inf),
        "Divide the scores by the temperature: a high one must flatten the distribution.",
    ),
    (
        "always the largest score",
        dict(temperature=lambda t: 0),
        "Above temperature 0 the token is drawn from the softmax of the scores, with rng.",
    ),
    (
        "all tokens equally likely",
        dict(temperature=lambda t: np.inf),
        "The token is drawn with the probabilities softmax(scores / temperature).",
    ),
)


def judge_sample(answer, a, call):
    """Whether what was written is as probable as it should be, step by step."""
    V, n = len(a["params"]["by"]), a["n"]
    row = isinstance(answer, list | tuple) or getattr(answer, "ndim", None) == 1
    if not row:
        return Finding("type", f"Expected a list of {n} tokens, got {describe(answer)}.", "tokens")
    odd = [t for t in answer if not isinstance(t, int | np.integer)]
    if odd:
        text = f"Expected a list of integers, got {describe(odd[0])} in it; int(...) makes one."
        return Finding("type", text, "tokens")
    if len(answer) == n + 1 and answer[0] == a["first"]:
        text = f"Expected {n} tokens, got {len(answer)}: first is an input, not part of the result."
        return Finding("shape", text, "tokens", "first among the result")
    if len(answer) != n:
        return Finding("shape", f"Expected {n} tokens, got {len(answer)}.", "tokens")
    if any(not 0 <= t < V for t in answer):
        return Finding("values", f"Expected tokens from 0 to {V - 1}, got others.", "tokens")
    if n == 0:
        return None
    log_p = _log_probabilities(answer, a)
    picked = log_p[np.arange(n), answer]
    surprise = _surprise(answer, log_p) if np.isfinite(picked).all() else np.inf
    if surprise > FAR_OFF:
        return _sample_finding(answer, a, picked.sum(), surprise)
    if -picked.sum() > 50:  # nats: chance does not draw the same twice
        others = call({**a, "rng": np.random.default_rng([1, int(a["rng"].integers(2**32))])})
        if list(others) == list(answer):
            text = (
                "Another rng drew the very same tokens: draw them with the rng that is passed in."
            )
            return Finding("values", text, "tokens", "rng ignored")
    return None


def _surprise(written, log_p):
    """The largest deviation, in standard deviations, of what was drawn from its distribution."""
    p, n = np.exp(log_p), len(written)
    if (p.max(axis=1) == 1).all():
        return 0.0  # temperature 0: nothing is left to chance
    drawn = np.zeros_like(p)
    drawn[np.arange(n), written] = 1
    entropy = -(p * log_p).sum(axis=1)
    spread = (p * (log_p + entropy[:, None]) ** 2).sum()
    statistics = [((drawn * log_p).sum() + entropy.sum(), spread)]
    by_rank = np.argsort(p, axis=1)
    for order in (np.broadcast_to(np.arange(p.shape[1]), p.shape), by_rank):
        gap = np.take_along_axis(drawn - p, order, axis=1).sum(axis=0)
        spread = np.take_along_axis(p * (1 - p), order, axis=1).sum(axis=0)
        statistics += list(zip(gap, spread, strict=True))
    # A handful of events is no normal variable: such a statistic says nothing.
    return max((abs(gap) / np.sqrt(var) for gap, var in statistics if var > 4), default=0.0)


def _sample_finding(answer, a, likelihood, surprise):
    """Which slip explains the tokens, and far better than the right distribution does."""
    if a["temperature"] == 0:
        text = "At temperature 0 the tokens are not those with the largest score at every step."
        fits = [
            (name, says)
            for name, slip, says in SAMPLE_SLIPS
            if "temperature" not in slip and _greedy(a, **slip) == tuple(answer)
        ]
    else:
        text = (
            f"The {len(answer)} tokens drawn at temperature {a['temperature']} do not follow the "
            f"model's probabilities: {min(surprise, 99):.0f} standard deviations off"
            f"{' or more' if surprise > 99 else ''}."
        )
        fits = _likely_slips(answer, a, likelihood)
    if not fits:
        return Finding("values", text, "tokens")
    name, says = fits[0]
    return Finding("values", f"{text} They fit a known mistake: {name}. {says}", "tokens", name)


def _likely_slips(answer, a, likelihood):
    """The slip that explains the tokens by far the best, if there is one, as (name, says)."""
    fits = []
    for name, slip, says in SAMPLE_SLIPS:
        log_q = _log_probabilities(answer, a, **slip)
        under = log_q[np.arange(len(answer)), answer].sum()
        if under > likelihood + 10 and _surprise(answer, log_q) < FAR_OFF:
            fits.append((under, name, says))
    fits.sort(reverse=True)
    exact = fits and fits[0][0] == 0  # a slip that leaves nothing to chance, and it fits
    if len(fits) > 1 and fits[0][0] < fits[1][0] + 5 and not exact:
        return []
    return [(name, says) for _, name, says in fits]


SAMPLE = exercise(
    name="sample",
    points=4,
    reference=language_model.sample,
    problem=sample_problem,
    judge=judge_sample,
    floats=False,
    strided=False,
    edges=sample_edges,
    builds_on=("softmax",),
)

EXERCISES = (BUILD_VOCAB, SOFTMAX, SOFTMAX_LOSS, EMBEDDING_FORWARD, CHAR_RNN_LOSS, SAMPLE)
