"""02 · hello: a character-level language model."""

from functools import partial

import numpy as np

from autograde.diagnosis import describe
from autograde.exercises import problems
from autograde.exercises.declaration import Exercise, Mistake, gradients, values
from autograde.exercises.rnn_intro import (
    FURTHER_SEQUENCE_MISTAKES,
    FURTHER_STEP_MISTAKES,
    SEQUENCE_MISTAKES,
    STEP_MISTAKES,
    rows_for_every_class,
)
from autograde.gradcheck import exact_gradients
from autograde.report import Finding
from helpers import embedding, language_model, losses
from helpers.embedding import one_hot
from helpers.losses import log_softmax
from helpers.rnn import readout, rnn_unroll

exercise = partial(Exercise, notebook="02")

ALPHABET = "qwertyuiopasdfghjklzxcvbnm \n.,'QWERTYé한국"


def text_problem(rng, s):
    """Small and capital letters, marks and white space, with a letter repeated early on."""
    letters = rng.choice(list(ALPHABET), size=s["V"] + 3, replace=False)
    letters = np.union1d(letters, ["a", "q", "E", "W", ".", " "])
    repeated = rng.permutation(np.concatenate([letters, rng.choice(letters, 12)]))
    return {"text": "".join([repeated[0], *repeated])}


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
        mistake, says = _way_back_trouble(ix_to_char, char_to_ix, wanted)
        text = (
            "ix_to_char: it does not undo char_to_ix. Expected ix_to_char[char_to_ix[c]] == c for "
            f"every character c and nothing else in it, got {describe(ix_to_char)}. {says}"
        )
        return Finding("values", text.strip(), "ix_to_char", mistake)
    return None


def _way_back_trouble(got, char_to_ix, wanted):
    """(mistake, sentence) for an ix_to_char that does not undo char_to_ix."""
    if isinstance(got, dict) and got == char_to_ix:
        return "the same mapping twice", "It is char_to_ix again: here the numbers are the keys."
    try:
        pairs = dict(got.items() if isinstance(got, dict) else enumerate(got))
        numbers, n = list(pairs), len(wanted)
        if sorted(pairs.values()) == list(wanted):
            if sorted(numbers) == list(range(n)):
                says = "Both must number the characters in one order."
                return "another order than char_to_ix", says
            if sorted(numbers) == list(range(1, n + 1)):
                return "numbered from 1", "Counting starts at 0 in both mappings."
            if [str(i) for i in range(n)] == [str(i) for i in numbers]:
                return "keys are no integers", "The keys must be integers, as in char_to_ix."
    except (TypeError, ValueError):  # no pairs, or what cannot be sorted
        pass
    return None, ""


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
        mistake, says = None, "Every character counts as it is."
        if missing and not extra and all(c.isspace() for c in missing):
            mistake = "white space left out"
            says = "White space is text: spaces and ends of lines are characters as well."
        elif set(got) in (set(text.lower()), set(text.upper())):
            mistake = "small and capital letters not told apart"
            says = "A small and a capital letter are two characters."
        elif any(isinstance(c, str) and len(c) > 1 for c in extra):
            mistake = "words in place of characters"
            says = "A string is gone through character by character, without split()."
        elif not extra and all(c.isalnum() for c in got):
            mistake = "letters only"
            says = "Marks and white space are characters as well."
        return (
            f"char_to_ix: expected every character of the text and no other; missing {missing}, "
            f"too many {extra}. {says}",
            "char_to_ix",
            mistake,
        )
    c = next(c for c in wanted if got[c] != wanted[c])
    says = f"char_to_ix[{c!r}]: expected {wanted[c]}, got {got[c]!r}. "
    if got == {c: i for i, c in enumerate(dict.fromkeys(text))}:
        says += "The characters are numbered as they first appear; number them in sorted order."
        return says, "char_to_ix", "numbered by first appearance"
    if sorted(got.values()) == list(range(1, len(wanted) + 1)):
        says += "Counting starts at 0, so that the numbers can index an array."
        return says, "char_to_ix", "numbered from 1"
    if got == {c: ord(c) for c in wanted}:
        says += "These are code points; number the characters of this text 0, 1, 2, ..."
        return says, "char_to_ix", "code points in place of numbers"
    if got == {c: text.count(c) for c in wanted}:
        says += "These are counts; number the characters 0, 1, 2, ... in sorted order."
        return says, "char_to_ix", "counts in place of numbers"
    if got == {c: text.index(c) for c in wanted} or got == {c: i for i, c in enumerate(text)}:
        says += "These are positions in the text: take the different characters first, sorted."
        return says, "char_to_ix", "positions in the text in place of numbers"
    if got in ({c: i for i, c in enumerate(sorted(text))}, {c: sorted(text).index(c) for c in got}):
        says += "The numbers leave gaps: number each character once, however often it occurs."
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


def one_row_positive(scores):
    """The same but for one row, in which all overflow together."""
    scores[0, 0] = np.abs(scores[0, 0])
    return scores


SOFTMAX = exercise(
    name="softmax",
    points=3,
    reference=losses.softmax,
    keys=(losses.log_softmax,),
    problem=scores_problem,
    returns=values(probabilities="NTV"),
    sizes="NTV",
    edges=lambda rng, s: {
        "for scores of ±1000": {"scores": far(one_row_positive(scores_problem(rng, s)["scores"]))},
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
            "largest taken off after exp",
            lambda scores: _normalised(_over_the_largest(np.exp(scores))),
            "exp(1000) is too large for a float64 already, so that dividing by the largest comes "
            "too late. Subtract each row's largest score before exp.",
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
        Mistake(
            "largest score of another axis",
            lambda scores: _softmax_shifted(scores, scores.max(axis=0, keepdims=True)),
            "A row far below the scores of another position becomes 0/0. "
            "Subtract each row's own largest score, along the last axis.",
        ),
        Mistake(
            "largest score of the second axis",
            lambda scores: _softmax_shifted(scores, scores.max(axis=1, keepdims=True)),
            "A row far below the scores of another position becomes 0/0. "
            "Subtract each row's own largest score, along the last axis.",
        ),
        Mistake(
            "mean subtracted in place of the largest score",
            lambda scores: _softmax_shifted(scores, scores.mean(axis=-1, keepdims=True)),
            "Scores far above the mean still overflow. After the shift none may be above 0.",
        ),
        Mistake(
            "scores clipped",
            lambda scores: losses.softmax(np.clip(scores, -100, 100)),
            "Clipping makes different scores equal. A shift of the whole row keeps their "
            "differences, and so the probabilities.",
        ),
        Mistake(
            "sigmoid of each score",
            lambda scores: 1 / (1 + np.exp(-scores)),
            "A sigmoid looks at one score alone; here the scores of a row compete, and their "
            "probabilities sum to 1.",
        ),
        Mistake(
            "the largest score alone",
            lambda scores: one_hot(scores.argmax(axis=-1), scores.shape[-1]),
            "Softmax is soft: every score gets a share, the largest one the most.",
        ),
        Mistake(
            "sign of the scores",
            lambda scores: losses.softmax(-scores),
            "A larger score must get a larger probability.",
        ),
        Mistake(
            "powers of 2 in place of e",
            lambda scores: losses.softmax(scores * np.log(2)),
            "Softmax takes exp, the powers of e.",
        ),
        Mistake(
            "normalised by the largest, not by the sum",
            lambda scores: scores / scores.max(axis=-1, keepdims=True),
            "Each row is exp of the scores, divided by the sum of them.",
        ),
    ),
)


def _softmax_shifted(scores, shift):
    return _normalised(np.exp(scores - shift))


def _normalised(e):
    return e / e.sum(axis=-1, keepdims=True)


def _over_the_largest(e):
    return e / e.max(axis=-1, keepdims=True)


def loss_problem(rng, s):
    """Scores and targets, of which one is so unlikely that no small constant goes unnoticed."""
    s = rows_for_every_class(s)
    scores = scores_problem(rng, s)["scores"]
    targets = problems.tokens(rng, s, s["N"], s["T"])
    if s["V"] > 1:
        scores[0, 0, targets[0, 0]] -= 60
    return {"scores": scores, "targets": targets}


def far_loss_problem(rng, s):
    problem = loss_problem(rng, s)
    return {**problem, "scores": far(problem["scores"])}


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


def _loss_of_first_step(scores, targets):
    loss, d = losses.softmax_loss(scores[:, :1], targets[:, :1])
    dscores = np.zeros_like(scores)
    dscores[:, :1] = d
    return loss, dscores


def _loss_by_log(scores, targets, softmax=losses.softmax, constant=0.0):
    p = softmax(scores)
    N, T, V = scores.shape
    picked = np.take_along_axis(p, targets[..., None], axis=-1)
    return -np.log(picked + constant).sum() / N, (p - one_hot(targets, V)) / N


def _naive_softmax(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def _picked_by(place):
    """A wrong `softmax_loss` that picks the targets with one array of indices."""

    def wrong(scores, targets):
        log_p, N = log_softmax(scores), len(scores)
        d = np.exp(log_p)
        d[place(targets)] -= 1
        return -log_p[place(targets)].sum() / N, d / N

    return wrong


def _targets_ahead(scores, targets):
    """The scores of each step against the targets of the next one, though these are ahead."""
    loss, d = losses.softmax_loss(scores[:, :-1], targets[:, 1:])
    return loss, np.concatenate([d, np.zeros_like(scores[:, -1:])], axis=1)


def _at_targets(of_scores):
    """A wrong `softmax_loss` whose loss, not its gradient, sums something else at the targets."""

    def wrong(scores, targets):
        picked = np.take_along_axis(of_scores(scores), targets[..., None], axis=-1)
        return -picked.sum() / len(scores), losses.softmax_loss(scores, targets)[1]

    return wrong


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
    edges=lambda rng, s: {"for scores of ±1000": far_loss_problem(rng, s)},
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
            partial(_loss_by_log, softmax=_naive_softmax),
            "Subtract each row's largest score before exp.",
        ),
        Mistake(
            "logarithm of a probability that is 0",
            _loss_by_log,
            "A very unlikely target has probability 0 in floating point. Work the logarithm out on "
            "paper: log of a quotient is a difference, and one of its parts is log of exp.",
        ),
        *(
            Mistake(
                f"{constant:g} inside the logarithm",
                partial(_loss_by_log, constant=constant),
                "A target can be less likely than that constant, and then its loss is far too "
                "small. Work the logarithm out on paper instead: log of a quotient is a "
                "difference, and one of its parts is log of exp.",
            )
            for constant in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)
        ),
        Mistake(
            "targets used as indices in every row",
            _picked_by(lambda targets: (slice(None), slice(None), targets)),
            "[:, :, targets] picks all targets in every row. Each row has one target: the three "
            "axes need an index each, and these must broadcast to (N, T).",
        ),
        Mistake(
            "targets used as indices of the batch",
            _picked_by(lambda targets: targets),
            "A single array in the brackets picks along axis 0, which is the batch. Each row has "
            "one target: the three axes need an index each, and these must broadcast to (N, T).",
        ),
        Mistake(
            "targets shifted once more",
            _targets_ahead,
            "The target of step t stands at targets[:, t]: it is one character ahead already.",
        ),
        Mistake(
            "only the first time step",
            _loss_of_first_step,
            "Every time step has a target and counts.",
        ),
        Mistake(
            "losses of all classes added",
            softmax_loss(lambda loss, s: -log_softmax(s).sum() / len(s)),
            "Only the log probability of the target counts, one a row.",
        ),
        Mistake(
            "the most likely class in place of the target",
            lambda scores, targets: losses.softmax_loss(scores, scores.argmax(axis=-1)),
            "The loss asks how likely the target was, whatever the model liked best.",
        ),
        Mistake(
            "logarithm left out",
            _at_targets(losses.softmax),
            "The loss is the negative logarithm of the target's probability.",
        ),
        Mistake(
            "minus the score, not normalised",
            _at_targets(lambda scores: scores),
            "A score counts against those of the other classes: the logarithm of the sum of exp "
            "is missing.",
        ),
        Mistake(
            "in bits",
            softmax_loss(lambda loss, s: loss / np.log(2)),
            "The loss is in nats, by the natural logarithm; only its gradient is p - one_hot.",
        ),
        Mistake(
            "in bits, its gradient too",
            softmax_loss(lambda loss, s: loss / np.log(2), lambda d, p, s: d / np.log(2)),
            "The loss is in nats, by the natural logarithm.",
        ),
        Mistake(
            "gradient with respect to the probabilities",
            softmax_loss(dscores=lambda d, p, s: np.where(d < 0, -1 / p, 0) / len(s)),
            "That is the gradient at the softmax's output. Go on through the softmax to its "
            "scores: the two together are simpler than each alone.",
        ),
        Mistake(
            "gradient of the target's score only",
            softmax_loss(dscores=lambda d, p, s: np.where(d < 0, d, 0)),
            "The scores of the other classes matter too: they have a share in the sum.",
        ),
    ),
)


def embedding_problem(rng, s):
    """Vectors longer than the vocabulary, so that tokens used as columns run without an error."""
    if 1 < s["D"] < s["V"]:
        s = {**s, "D": s["V"] + 1}
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
        Mistake(
            "columns in place of rows, V first",
            lambda tokens, E: E[:, tokens],
            "Token k names row k of E: one_hot(tokens, V) @ E picks rows.",
        ),
        Mistake(
            "the row before",
            lambda tokens, E: E[tokens - 1],
            "Tokens count from 0 already: token k names row k.",
        ),
        Mistake(
            "the row after",
            lambda tokens, E: E[(tokens + 1) % len(E)],
            "Tokens count from 0: token k names row k.",
        ),
        Mistake(
            "average over time",
            lambda tokens, E: E[tokens].mean(axis=1),
            "Every token keeps its own vector: (N, T, D).",
        ),
        Mistake(
            "sum over time",
            lambda tokens, E: E[tokens].sum(axis=1),
            "Every token keeps its own vector: (N, T, D).",
        ),
        Mistake(
            "vectors side by side",
            lambda tokens, E: E[tokens].reshape(len(tokens), -1),
            "Time and features are two axes: (N, T, D).",
        ),
        Mistake(
            "tokens flattened",
            lambda tokens, E: E[tokens.ravel()],
            "Batch and time are two axes: (N, T, D).",
        ),
        Mistake(
            "only the last token",
            lambda tokens, E: E[tokens[:, -1]],
            "Every token has its vector: (N, T, D).",
        ),
        Mistake(
            "only the first sequence",
            lambda tokens, E: E[tokens[0]],
            "Every sequence of the batch has its vectors: (N, T, D).",
        ),
        Mistake(
            "scaled by the root of D",
            lambda tokens, E: E[tokens] * np.sqrt(E.shape[1]),
            "The rows of E come out as they are.",
        ),
        Mistake(
            "vectors multiplied by their tokens",
            lambda tokens, E: E[tokens] * tokens[..., None],
            "A token is a name, not a number to calculate with: row k comes out as it is.",
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


# Of softmax_loss's mistakes, those that show in the loss of the whole model.
LOSS_MISTAKES = (
    "mean over time as well as over the batch",
    "sum over the batch",
    "mean over time in place of the batch",
    "sign of the loss",
    "only the last time step",
    "only the first time step",
    "targets shifted once more",
    "losses of all classes added",
    "the most likely class in place of the target",
    "logarithm left out",
    "minus the score, not normalised",
    "in bits",
)


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
            if m.name in LOSS_MISTAKES
        ),
        *(
            Mistake(name, char_rnn_loss(wrong), says)
            for name, wrong, says in (*SEQUENCE_MISTAKES, *FURTHER_SEQUENCE_MISTAKES)
        ),
        Mistake(
            "readout's bias left out",
            char_rnn_loss(read=lambda h, Wy, by: h @ Wy),
            "by is added to the scores of every state.",
        ),
        Mistake(
            "tanh on the scores",
            char_rnn_loss(read=lambda h, Wy, by: np.tanh(h @ Wy + by)),
            "Scores are not squashed: the tanh belongs to the state.",
        ),
        Mistake(
            "softmax applied twice",
            char_rnn_loss(read=lambda h, Wy, by: losses.softmax(h @ Wy + by)),
            "The loss takes scores and applies the softmax itself.",
        ),
        Mistake(
            "only the first sequence",
            lambda inputs, targets, h0, p: _of_first_sequence(inputs, targets, h0, p),
            "All N sequences of the batch count.",
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
            "the last state but one",
            lambda *arguments: _state_before_the_last(*arguments),
            "h_last is the state after the last step: it has seen all of inputs.",
        ),
        Mistake(
            "h0 in place of the last state",
            lambda inputs, targets, h0, p: (
                language_model.char_rnn_loss(inputs, targets, h0, p)[0],
                h0,
            ),
            "h_last is the state after the last step: the next piece of text starts from it.",
        ),
        Mistake(
            "targets read as inputs",
            lambda inputs, targets, h0, p: language_model.char_rnn_loss(targets, targets, h0, p),
            "The network reads inputs; targets are for the loss only.",
        ),
        Mistake(
            "scores of the state before the character was read",
            lambda inputs, targets, h0, p: _early_loss(inputs, targets, h0, p),
            "The scores at step t come from the state that has seen inputs[:, t].",
        ),
    ),
)


def _of_first_sequence(inputs, targets, h0, p):
    loss, _ = language_model.char_rnn_loss(inputs[:1], targets[:1], h0[:1], p)
    return loss, language_model.char_rnn_loss(inputs, targets, h0, p)[1]


def _state_before_the_last(inputs, targets, h0, p):
    loss, _ = language_model.char_rnn_loss(inputs, targets, h0, p)
    h = rnn_unroll(one_hot(inputs, len(p["Wx"])), h0, p["Wx"], p["Wh"], p["b"])
    return loss, np.concatenate([h0[:, None], h], axis=1)[:, -2]


def _early_loss(inputs, targets, h0, p):
    h = rnn_unroll(one_hot(inputs, len(p["Wx"])), h0, p["Wx"], p["Wh"], p["b"])
    before = np.concatenate([h0[:, None], h[:, :-1]], axis=1)
    return losses.softmax_loss(readout(before, p["Wy"], p["by"]), targets)[0], h[:, -1]


# sample: there are many right answers, so it is judged by probability --------------------------

DRAWS = 160  # of the problems that are asked again and again
MANY = 600  # of those that are asked once
NAMING = 1000  # of one that was answered wrongly, to find the reason
FAR_OFF = 6.0  # standard deviations; chance exceeds it twice in a billion
LIKELIER = 18.0  # nats by which a slip may explain a right answer better: once in 65 million
FITS = 4.5  # standard deviations up to which a slip explains what was drawn
GREEDY = 40
TELLING = 0.015, 0.06  # nats a token, so that NAMING tokens name a slip, and MANY refuse it
TRIES = 40  # draws until a problem is as telling


def sample_problem(rng, s, temperature=None, n=DRAWS):
    """A model whose probabilities leave much to chance, and tell of every slip in its states."""
    temperature = temperature or float(rng.choice([0.4, 2.5]))
    best, most = None, -1.0
    for _ in range(TRIES):
        problem = _loud_problem(rng, s, temperature, n)
        least = _least_divergence(problem)
        if least > most:
            best, most = problem, least
        if most > TELLING[n == MANY]:
            break
    return best


def _loud_problem(rng, s, temperature, n):
    """Scores that grow with the temperature, from states of enough units to tell."""
    s = {**s, "H": max(s["H"], 4)}
    params = problems.char_rnn(rng, s)
    loud = {"Wx": 1.5, "Wh": 1.5, "Wy": 1.6 * temperature, "by": 1.6 * temperature}
    return {
        "h0": problems.normal(rng, 1, s["H"]),
        "first": int(rng.integers(1, s["V"])),  # not 0, which whoever forgets it takes
        "n": n,
        "params": {name: loud.get(name, 1) * array for name, array in params.items()},
        "temperature": temperature,
        "rng": np.random.default_rng(rng.integers(2**32)),
    }


def _least_divergence(a, steps=24):
    """The smallest divergence, in nats a token, of what a slip writes from what is right.

    Slips that pass by after the first steps are left to temperature 0.
    """
    lasting = {n: slip for n, slip, _ in ALL_SLIPS if n not in (*PASSING, LARGEST)}
    rightly, log_p = _drawn(a, steps)
    least = -(np.exp(log_p) * log_p).sum() / steps / 10  # enough must be left to chance
    for name, slip in lasting.items():
        if least < TELLING[0]:
            break
        if "temperature" in slip and a["temperature"] == 1:
            continue
        if "fed" in slip:  # it goes a way of its own, and perhaps another such slip's
            written, log_q = _drawn(a, steps, **slip)
            rivals = [{}, *(o for n, o in lasting.items() if n != name and "fed" in o)]
            others = [_log_probabilities(written, a, **rival) for rival in rivals]
        else:
            log_q, others = _log_probabilities(rightly, a, **slip), [log_p]
        few = a["n"] == DRAWS and slip.keys() == {"temperature"}  # and yet they must tell
        for log_r in others:
            per_step = (np.exp(log_q) * (log_q - log_r)).sum(axis=1)
            least = min(least, per_step[steps // 3 :].mean() / (4 if few else 1))
    return least


def _drawn(a, steps, **slip):
    """Tokens drawn in the right way or with a slip, and the log p (n, V) they were drawn by."""
    rng, written, log_p = np.random.default_rng(0), [], []
    for scores in _scores(a, lambda scores: written[-1], **slip):
        log_p.append(log_softmax(scores / a["temperature"]))
        written.append(int(np.searchsorted(np.exp(log_p[-1]).cumsum()[:-1], rng.random())))
        if len(written) == steps:
            return written, np.array(log_p)


def sample_edges(rng, s):
    greedy = {f"at temperature 0, problem {k}": telling_greedy_problem(rng, s) for k in range(1, 6)}
    return greedy | {
        "at temperature 1": sample_problem(rng, s, 1.0, MANY),
        "at temperature 4": sample_problem(rng, s, 4.0, MANY),
        "for n = 1": sample_problem(rng, s, n=1),
        "for n = 0": sample_problem(rng, s, n=0),
    }


def telling_greedy_problem(rng, s):
    """A problem at temperature 0 on which the right way and the slips write different tokens.

    These are the slips that show in the first steps, so that drawing may not have told of them.
    """
    ways = [{}, *(slip for _, slip, _ in STATE_SLIPS[:4]), {"h0": 0, "first": lambda k, V: 0}]
    while True:
        problem = {**_loud_problem(rng, s, 1.0, GREEDY), "temperature": 0}
        written = {_greedy(problem, **way) for way in ways}
        right = _greedy(problem)
        if len(written) == len(ways) and (problem["first"], *right[:-1]) not in written:
            return problem


def _greedy(a, **slip):
    """The tokens with the largest scores, written in the right way or with a slip."""
    written = []
    for scores in _scores(a, lambda scores: written[-1], **slip):
        written.append(int(scores.argmax()))
        if len(written) == a["n"]:
            return tuple(written)


def _cell(token, h, p):
    return np.tanh(p["Wx"][token] + h @ p["Wh"] + p["b"])


def _scores(
    a,
    following,
    *,
    cell=_cell,
    read=lambda h, p, temperature: h @ p["Wy"] + p["by"],
    carry=True,
    fed=lambda token, before, scores: token,
    h0=1,
    first=lambda k, V: k,
    early=False,
):
    """Scores (V,) step by step, in the right way or with a slip.

    Args:
        a: the arguments of `sample`.
        following: what comes after these scores; asked for when the next ones are due.
        cell: (token, h, params) -> the next state.
        read: (h, params, temperature) -> scores, not yet divided by the temperature.
        carry: whether the state goes into the next step.
        fed: (token written, token read before, scores) -> the token read next.
        h0: factor of the state to start from.
        first: what becomes of the first token.
        early: whether the scores are those of the state before the token was read.
    """
    p, h, temperature = a["params"], h0 * a["h0"][0], a["temperature"]
    token = first(a["first"], len(p["by"]))
    while True:
        new = cell(token, h, p)
        scores = read(h if early else new, p, temperature)
        yield scores
        h = new if carry else h
        token = fed(following(scores), token, scores)


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


# Slips that show at every temperature, and those of drawing, which show above 0 only.
STATE_SLIPS = (
    (
        "state not carried on",
        dict(carry=False),
        "Every step must start from the state that the step before it made.",
    ),
    (
        "output not fed back",
        dict(fed=lambda token, before, scores: before),
        "The token that was drawn is the input of the next step.",
    ),
    ("h0 ignored", dict(h0=0), "The first step starts from h0."),
    (
        "first token ignored",
        dict(first=lambda k, V: 0),
        "The first step reads the token that is handed over as first.",
    ),
    (
        "scores of the state before the token was read",
        dict(early=True),
        "A step reads its token first; its scores come from the state after that.",
    ),
    (
        "readout's bias left out",
        dict(read=lambda h, p, temperature: h @ p["Wy"]),
        "by is added to the scores of every state.",
    ),
    *(
        (
            name,
            dict(
                cell=lambda token, h, p, step=step: step(
                    np.eye(len(p["by"]))[token], h, p["Wx"], p["Wh"], p["b"]
                )
            ),
            says,
        )
        for name, step, says in (*STEP_MISTAKES, *FURTHER_STEP_MISTAKES)
        if name not in ("input ignored", "batch averaged", "tanh applied twice", "bias added twice")
    ),
)
LARGEST = "always the largest score"
DRAWING_SLIPS = (
    (
        "the most likely token fed back",
        dict(fed=lambda token, before, scores: int(scores.argmax())),
        "The token that was drawn is the input of the next step, likely or not.",
    ),
    (
        "only the bias divided by the temperature",
        dict(
            read=lambda h, p, temperature: h @ p["Wy"] + p["by"] / temperature,
            temperature=lambda t: 1.0,
        ),
        "Division binds more tightly than addition: the whole score is divided.",
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
        LARGEST,
        dict(temperature=lambda t: 0),
        "Above temperature 0 the token is drawn from the softmax of the scores, with rng.",
    ),
    (
        "all tokens equally likely",
        dict(temperature=lambda t: np.inf),
        "The token is drawn with the probabilities softmax(scores / temperature).",
    ),
)
PASSING = ("h0 ignored", "first token ignored")  # their traces vanish after a few steps
ALL_SLIPS = (*STATE_SLIPS, *DRAWING_SLIPS)
FIRST_WRITTEN = (
    "first among the result",
    "first is an input, not part of the result.",
)


def judge_sample(answer, a, call):
    """Whether what was written is as probable as it should be, step by step."""
    V, n = len(a["params"]["by"]), a["n"]
    row = isinstance(answer, list | tuple) or getattr(answer, "ndim", None) == 1
    if not row:
        text = f"tokens: expected a list of {n} integers, got {describe(answer)}."
        return Finding("type", text, "tokens")
    odd = [t for t in answer if not isinstance(t, int | np.integer)]
    if odd:
        text = (
            f"tokens: expected a list of integers, got {describe(odd[0])} in it; int(...) makes "
            "one out of a number."
        )
        return Finding("type", text, "tokens", "no integers")
    if len(answer) == n + 1 and _begins_with_first(a, call):
        name, says = FIRST_WRITTEN
        text = f"Expected {n} tokens, got {len(answer)}: {says}"
        return Finding("shape", text, "tokens", name)
    if len(answer) != n:
        return Finding("shape", f"Expected {n} tokens, got {len(answer)}.", "tokens")
    if any(not 0 <= t < V for t in answer):
        return Finding("values", f"Expected tokens from 0 to {V - 1}, got others.", "tokens")
    if n == 0:
        return None
    log_p = _log_probabilities(answer, a)
    picked = log_p[np.arange(n), answer]
    surprise = _surprise(answer, log_p) if np.isfinite(picked).all() else np.inf
    if surprise > FAR_OFF or n == MANY and _likelier_with_a_slip(answer, a, picked.sum()):
        return _sample_finding(answer, a, surprise, call)
    if n == DRAWS and -picked.sum() > 50:  # nats: chance does not draw the same twice
        another = np.random.default_rng([1, int(a["rng"].integers(2**32))])
        if list(call({**a, "rng": another})) == list(answer):
            text = "Another rng drew the very same tokens"
            if not _same_for_every_rng(a, call):
                return Finding("values", f"{text}.", "tokens")
            text = f"{text}: draw them with the rng that is passed in."
            return Finding("values", text, "tokens", "rng ignored")
    return None


def _same_for_every_rng(a, call):
    """Whether nothing is left to chance even where all tokens are nearly equally likely."""
    flat = {name: 0.05 * array for name, array in a["params"].items()}
    one, other = (
        call({**a, "params": flat, "n": GREEDY, "rng": np.random.default_rng([seed, a["first"]])})
        for seed in (3, 4)
    )
    return list(one) == list(other)


def _likelier_with_a_slip(answer, a, likelihood):
    """Whether a slip that changes the frequencies least explains the tokens far better."""
    for name, slip, _ in ALL_SLIPS:
        if name in ("state not carried on", "output not fed back") or slip.keys() & {"fed", "read"}:
            log_q = _log_probabilities(answer, a, **slip)
            if log_q[np.arange(len(answer)), answer].sum() > likelihood + LIKELIER:
                return True
    return False


def _always_the_largest(a, call):
    """Whether the largest score is taken even where all are nearly equal."""
    flat = {
        name: array * (0.05 if name in ("Wy", "by") else 1) for name, array in a["params"].items()
    }
    nearly_equal = {**a, "params": flat, "n": GREEDY}
    try:
        return tuple(call(nearly_equal)) == _greedy(nearly_equal)
    except Exception:  # it may fail now: then it is not known
        return False


def _begins_with_first(a, call):
    """Whether the result begins with the first token, whichever that is."""
    try:
        tokens = 4 * list(range(len(a["params"]["by"])))
        return all(call({**a, "first": k, "n": 1})[0] == k for k in tokens)
    except Exception:  # it may fail now: then it is not known
        return False


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


def _sample_finding(answer, a, surprise, call):
    """Which slip explains the tokens, and far better than the right distribution does."""
    if a["temperature"] == 0:
        text = "The tokens are not those with the largest score at every step."
        fits = _greedy_slips(answer, a, call)
    else:
        text = (
            f"The {len(answer)} tokens drawn at temperature {a['temperature']} do not follow the "
            f"model's probabilities: {min(surprise, 99):.0f} standard deviations off"
            f"{' or more' if surprise > 99 else ''}."
        )
        if surprise < FAR_OFF:
            text = f"The {len(answer)} tokens are far more probable with a usual slip than without."
        if answer[0] == a["first"] and _begins_with_first(a, call):
            fits = [FIRST_WRITTEN]
        elif _always_the_largest(a, call):
            fits = [(name, says) for name, _, says in DRAWING_SLIPS if name == LARGEST]
        else:
            fits = _likely_slips(_more(answer, a, call), a)
    fits = [fit for fit in fits if _is_seen_elsewhere(fit[0], a, call)]
    if not fits:
        return Finding("values", f"tokens: {text}", "tokens")
    name, says = fits[0]
    text = f"tokens: {text}"
    return Finding("values", f"{text} They fit a known mistake: {name}. {says}", "tokens", name)


def _greedy_slips(answer, a, call):
    """The slip that explains the tokens of temperature 0, if there is one: [(name, says)].

    The largest scores may be the same with one slip or another: what is drawn from them decides.
    """
    if tuple(answer) == (a["first"], *_greedy(a)[:-1]):
        return [FIRST_WRITTEN]
    fits = {n: says for n, slip, says in STATE_SLIPS if _greedy(a, **slip) == tuple(answer)}
    drawn = {**a, "temperature": 1.0}
    more = _more(None, drawn, call)
    if more is None:
        return []
    if _surprise(more, _log_probabilities(more, drawn)) > FITS:
        return [fit for fit in _likely_slips(more, drawn) if fit[0] in fits]
    return [(n, fits[n]) for n in PASSING if n in fits][:1]


def _is_seen_elsewhere(name, a, call):
    """Whether a slip explains other problems too: two slips at once may look like a third."""
    slips = {n: slip for n, slip, _ in ALL_SLIPS if n != LARGEST}
    if name not in slips:
        return True
    slip, rng = slips[name], np.random.default_rng([5, int(a["rng"].integers(2**32))])
    V, H = a["params"]["Wx"].shape
    try:
        for temperature in (0,) * 3 if name in PASSING else (0.5, 1.0, 2.5):
            n = GREEDY if temperature == 0 else NAMING // 2
            other = _loud_problem(rng, {"V": V, "H": H}, temperature or 1.0, n)
            other["temperature"] = temperature
            written = call(other)
            if temperature == 0:
                fits = tuple(written) == _greedy(other, **slip)
            else:
                fits = _surprise(written, _log_probabilities(written, other, **slip)) < FITS
            if not fits:
                return False
    except Exception:  # it may fail now: then nothing is certain
        return False
    return True


def _more(answer, a, call):
    """More tokens of the same kind, if the function writes them; there is more to tell by."""
    rng = np.random.default_rng([2, int(a["rng"].integers(2**32))])
    try:
        more = call({**a, "n": NAMING, "rng": rng})
        if len(more) == NAMING and set(more) <= set(range(len(a["params"]["by"]))):
            return more
    except Exception:  # it may fail now: what it wrote before is there still
        pass
    return answer


def _likely_slips(answer, a):
    """The slip that explains the tokens by far the best, if there is one: [(name, says)]."""
    at = np.arange(len(answer)), answer
    likelihood, fits = _log_probabilities(answer, a)[at].sum(), []
    for name, slip, says in ALL_SLIPS:
        if name == LARGEST:
            continue
        log_q = _log_probabilities(answer, a, **slip)
        under = log_q[at].sum()
        if under > likelihood + 10 and _surprise(answer, log_q) < FITS:
            fits.append((under, name, says))
    fits = [fit for fit in fits if fit[1] not in PASSING] or fits
    fits.sort(reverse=True)
    if len(fits) > 1 and fits[0][0] < fits[1][0] + 5:
        return []
    return [(name, says) for _, name, says in fits[:1]]


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
