"""08 · captioning_attention: pictures in words."""

from functools import cache, partial

import numpy as np

from autograde.diagnosis import answer_of, describe, fitting_slip
from autograde.exercises import problems
from autograde.exercises.bptt import SLOPE_MISTAKES
from autograde.exercises.declaration import (
    CACHE,
    Backward,
    Exercise,
    Mistake,
    gradients,
    values,
)
from autograde.exercises.hello import far
from autograde.exercises.lstm import STEP_BACKWARD_MISTAKES, STEP_MISTAKES
from autograde.gradcheck import exact_gradients, same
from autograde.report import Finding
from helpers import attention, captioning, losses, lstm
from helpers.losses import log_softmax, softmax

exercise = partial(Exercise, notebook="08")
backward_exercise = partial(Backward, notebook="08")


# temporal_softmax_loss --------------------------------------------------------------------------


def masked_problem(rng, s):
    """Captions of different lengths, at most T, not all of them whole."""
    N, T = s["N"], s["T"]
    while True:
        lengths = rng.integers(1, T + 1, N)
        total = lengths.sum()
        if N == 1 or T == 1 or (lengths.max() == T > lengths.min() and total not in (N, T)):
            break
    if N == 1 and T > 1:
        lengths[0] = T - 1
    return {
        "scores": 2 * problems.normal(rng, N, T, s["V"]),
        "targets": problems.tokens(rng, s, N, T),
        "mask": np.arange(T) < lengths[:, None],
    }


def masked_edges(rng, s):
    problem = masked_problem(rng, s)
    empty_row = problem["mask"].copy()
    empty_row[0] = False
    return {
        "for steps around 1000 and around -1000": {
            **problem,
            "scores": problems.far_apart(problem["scores"]),
        },
        "for scores of ±1000": {**problem, "scores": _unlikely(**problem)},
        "when nothing is padding": {**problem, "mask": np.ones_like(problem["mask"])},
        "when one row is padding throughout": {**problem, "mask": empty_row},
        "for a mask with gaps": {**problem, "mask": problem["mask"][:, ::-1].copy()},
    }


def _unlikely(scores, targets, mask):
    """Scores of ±1000 with targets of probability 0, one that counts and one that is padding."""
    scores = far(scores)
    for steps in (mask, ~mask):
        for n, t in np.argwhere(steps)[:1]:
            scores[n, t] = np.abs(scores[n, t])
            scores[n, t, targets[n, t]] *= -1
    return scores


def _pieces(scores, targets):
    """Loss of every step (N, T), and its gradient with respect to the scores (N, T, V)."""
    log_p = log_softmax(scores)
    loss = -np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    d = np.exp(log_p) - (np.arange(scores.shape[-1]) == targets[..., None])
    return loss, d


def masked_loss(loss=lambda mask: mask, dscores=None, over=lambda mask: len(mask), turn=(1, 1)):
    """A wrong `temporal_softmax_loss`.

    Args:
        loss, dscores: mask -> what the steps of the loss, and of its gradient, are weighted with.
        over: mask -> what the sums are divided by; or a pair, for the loss and for the gradient.
        turn: signs.
    """
    by_loss, by_gradient = over if isinstance(over, tuple) else (over, over)
    dscores = dscores or loss

    def wrong(scores, targets, mask):
        each, d = _pieces(scores, targets)
        total = (each * loss(mask)).sum() / by_loss(mask)
        return turn[0] * total, turn[1] * d * dscores(mask)[..., None] / by_gradient(mask)

    return wrong


def _every(mask):
    return np.ones_like(mask)


def _masked_scores(scores, targets, mask):
    each, d = _pieces(scores * mask[..., None], targets)
    return each.sum() / len(mask), d * mask[..., None] / len(mask)


def _masked_probabilities(scores, targets, mask):
    each, d = _pieces(scores, targets)
    d = (d + (np.arange(d.shape[-1]) == targets[..., None])) * mask[..., None]
    return (each * mask).sum() / len(mask), d / len(mask)


def _before_the_one(scores, targets, mask):
    """The mask comes before the 1 at the target is subtracted."""
    each, d = _pieces(scores, targets)
    hot = np.arange(d.shape[-1]) == targets[..., None]
    return (each * mask).sum() / len(mask), ((d + hot) * mask[..., None] - hot) / len(mask)


def _one_from_all(scores, targets, mask):
    each, _ = _pieces(scores, targets)
    return (each * mask).sum() / len(mask), (softmax(scores) - 1) * mask[..., None] / len(mask)


def _padding_at_minus_infinity(scores, targets, mask):
    return masked_loss()(np.where(mask[..., None], scores, -np.inf), targets, mask)


def _lengths(scores, targets, mask):
    """Only how many steps of the mask are True counts, and not which."""
    prefix = np.arange(mask.shape[1]) < mask.sum(axis=1, keepdims=True)
    return masked_loss()(scores, targets, prefix)


def _a_mean_a_caption(mask):
    return mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)


def _softmax_over(axis):
    """The softmax runs over another axis than the last, or over all of them."""

    def wrong(scores, targets, mask):
        shifted = scores - scores.max(axis=axis, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
        each = -np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
        d = np.exp(log_p) - (np.arange(scores.shape[-1]) == targets[..., None])
        return (each * mask).sum() / len(mask), d * mask[..., None] / len(mask)

    return wrong


def _naive_exp(scores, targets, mask):
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    each = -np.log(np.take_along_axis(p, targets[..., None], axis=-1))[..., 0]
    d = p - (np.arange(p.shape[-1]) == targets[..., None])
    return (each * mask).sum() / len(mask), d * mask[..., None] / len(mask)


def _one_shift(scores, targets, mask):
    return _naive_exp(scores - scores.max(), targets, mask)


def _log_of_masked(scores, targets, mask):
    p = np.take_along_axis(softmax(scores), targets[..., None], axis=-1)[..., 0]
    loss = -(np.log(p * mask) * mask).sum() / len(mask)
    return loss, masked_loss()(scores, targets, mask)[1]


def _log_of_zero(scores, targets, mask):
    each = -np.log(np.take_along_axis(softmax(scores), targets[..., None], axis=-1))[..., 0]
    _, d = _pieces(scores, targets)
    return each[mask].sum() / len(mask), d * mask[..., None] / len(mask)


def _nothing_times_log_of_zero(scores, targets, mask):
    each = -np.log(np.take_along_axis(softmax(scores), targets[..., None], axis=-1))[..., 0]
    return (each * mask).sum() / len(mask), masked_loss()(scores, targets, mask)[1]


TEMPORAL_SOFTMAX_LOSS = exercise(
    name="temporal_softmax_loss",
    points=3,
    reference=losses.temporal_softmax_loss,
    problem=masked_problem,
    returns=values(loss="") + gradients(dscores="NTV"),
    measured=lambda a: {
        "dscores": exact_gradients(
            lambda a: losses.temporal_softmax_loss(a["scores"], a["targets"], a["mask"])[0],
            a,
            ["scores"],
        )["scores"]
    },
    sizes="NTV",
    edges=masked_edges,
    may_widen=True,
    mistakes=(
        Mistake(
            "mask ignored",
            masked_loss(_every),
            "Steps that are padding count nothing, neither in the loss nor in its gradient.",
        ),
        Mistake(
            "mask not applied to the gradient",
            masked_loss(dscores=_every),
            "The loss leaves the padding out, so its gradient there is zero.",
        ),
        Mistake(
            "mask not applied to the loss",
            masked_loss(_every, lambda mask: mask),
            "The gradient is that of a masked loss; the loss itself still counts the padding.",
        ),
        Mistake(
            "mask upside down",
            masked_loss(lambda mask: ~mask),
            "The mask is True where a word counts.",
        ),
        Mistake(
            "mask applied to the scores",
            _masked_scores,
            "Scores of zero are not nothing: a softmax makes equal chances of them, and the loss "
            "of such a step is log V. Take the padding out of the sum of the losses.",
        ),
        Mistake(
            "divided by the number of words",
            masked_loss(over=lambda mask: mask.sum()),
            "The batch is averaged and the steps are summed: divide by N. A long caption counts "
            "for more than a short one.",
        ),
        Mistake(
            "every caption's mean over its words",
            masked_loss(_a_mean_a_caption),
            "The steps of a caption are summed, however many they are; only the batch is averaged.",
        ),
        Mistake(
            "mean over time as well as over the batch",
            masked_loss(over=lambda mask: mask.size),
            "The steps of a caption are summed; only the batch is averaged.",
        ),
        Mistake(
            "divided by T in place of N",
            masked_loss(over=lambda mask: mask.shape[1]),
            "The batch is averaged and the steps are summed: divide by N.",
        ),
        Mistake(
            "sum over the batch",
            masked_loss(over=lambda mask: 1),
            "The batch is averaged: divide by N.",
        ),
        Mistake(
            "gradient not divided by N",
            masked_loss(over=(lambda mask: len(mask), lambda mask: 1)),
            "The loss is a mean over the batch, and its gradient carries the same factor.",
        ),
        Mistake(
            "gradient divided by the number of words",
            masked_loss(over=(lambda mask: len(mask), lambda mask: mask.sum())),
            "The loss is divided by N, so its gradient is too.",
        ),
        Mistake(
            "mask applied before the 1 is subtracted",
            _before_the_one,
            "A step that is padding gets no gradient at all, not even at its target: the mask "
            "comes last.",
        ),
        Mistake(
            "1 subtracted from every class",
            _one_from_all,
            "The 1 belongs to the target alone: probabilities minus the one-hot target.",
        ),
        Mistake(
            "the 1 at the target not subtracted",
            _masked_probabilities,
            "The gradient of a step's loss is probabilities minus the one-hot target.",
        ),
        Mistake(
            "sign of the gradient",
            masked_loss(turn=(1, -1)),
            "The loss is minus the log likelihood: probabilities minus one-hot, not the reverse.",
        ),
        Mistake(
            "sign of the loss",
            masked_loss(turn=(-1, 1)),
            "A loss is minus the log likelihood, so it is never negative.",
        ),
        Mistake(
            "softmax over time",
            _softmax_over(1),
            "Every step has a distribution over the V words, along the last axis.",
        ),
        Mistake(
            "softmax over the batch",
            _softmax_over(0),
            "Every step has a distribution over the V words, along the last axis.",
        ),
        Mistake(
            "softmax over the whole array",
            _softmax_over(None),
            "Every step has a distribution of its own over the V words, which sums to 1: the sum "
            "runs along the last axis and keeps the others.",
        ),
        Mistake(
            "minus infinity in the padding",
            _padding_at_minus_infinity,
            "A padded step whose scores are all minus infinity has no softmax, and neither that "
            "nor the logarithm of a probability set to 0 can be masked: 0 times either is nan. "
            "Leave scores and probabilities as they are, and mask the losses.",
        ),
        Mistake(
            "logarithm of masked probabilities",
            _log_of_masked,
            "Where the mask has made a probability 0 its logarithm is minus infinity, and 0 times "
            "that is nan, not 0. Mask the losses, after the logarithm.",
        ),
        Mistake(
            "only the mask's lengths used",
            _lengths,
            "The mask says which steps count, not only how many: they need not be the first ones.",
        ),
        Mistake(
            "0 times the logarithm of 0",
            _nothing_times_log_of_zero,
            "A very unlikely word has probability 0 in floating point, its logarithm is minus "
            "infinity, and 0 times that is nan, not 0. Work the logarithm of the quotient out on "
            "paper, as in notebook 02.",
        ),
        Mistake(
            "logarithm of a probability that is 0",
            _log_of_zero,
            "A very unlikely word has probability 0 in floating point. Work the logarithm of the "
            "quotient out on paper, as in notebook 02.",
        ),
        Mistake(
            "exp overflows",
            _naive_exp,
            "Subtract each row's largest score before exp.",
        ),
        Mistake(
            "one shift for the whole array",
            _one_shift,
            "Subtract each step's own largest score before exp: with that of another step every "
            "exp of a step may be 0, and so may their sum.",
        ),
    ),
)


# image RNN --------------------------------------------------------------------------------------


def image_step_problem(rng, s):
    step = problems.rnn_step(rng, s)
    b = step.pop("b")
    v, Wih = problems.normal(rng, s["N"], s["F"]), 0.25 * problems.normal(rng, s["F"], s["H"])
    x, h_prev, Wx, Wh = step.values()
    return {"x": x, "h_prev": h_prev, "v": v, "Wx": Wx, "Wh": Wh, "Wih": Wih, "b": b}


IMAGE_STEP_MISTAKES = (
    (
        "image ignored",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + h @ Wh + b),
        "The sum has a fourth part: what the image says, through its own weights.",
    ),
    (
        "image added after the tanh",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + h @ Wh + b) + v @ Wih,
        "The image's share belongs to the sum that is squashed.",
    ),
    (
        "tanh of the image's share on its own",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + h @ Wh + b) + np.tanh(v @ Wih),
        "There is one sum and one tanh: add all shares up first.",
    ),
    (
        "sigmoid in place of tanh",
        lambda x, h, v, Wx, Wh, Wih, b: lstm.sigmoid(x @ Wx + h @ Wh + v @ Wih + b),
        "The state of this step is squashed to the range from -1 to 1, by tanh.",
    ),
    (
        "tanh left out",
        lambda x, h, v, Wx, Wh, Wih, b: x @ Wx + h @ Wh + v @ Wih + b,
        "The state is the tanh of the sum.",
    ),
    (
        "bias left out",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + h @ Wh + v @ Wih),
        "b is added to every row before the tanh.",
    ),
    (
        "bias counted twice",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + h @ Wh + v @ Wih + 2 * b),
        "b is added once to the whole sum, not once to each part of it.",
    ),
    (
        "previous state ignored",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + v @ Wih + b),
        "The image comes in addition to the state, not in its place.",
    ),
    (
        "word ignored",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(h @ Wh + v @ Wih + b),
        "The image comes in addition to the word, not in its place.",
    ),
    (
        "Wh transposed",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + h @ Wh.T + v @ Wih + b),
        "States are row vectors here and stand left of Wh, which stays as it is.",
    ),
    (
        "mean of the image over the batch",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + h @ Wh + v.mean(axis=0) @ Wih + b),
        "Every row of the batch has an image of its own.",
    ),
    (
        "first image for every row",
        lambda x, h, v, Wx, Wh, Wih, b: np.tanh(x @ Wx + h @ Wh + v[0] @ Wih + b),
        "Every row of the batch has an image of its own.",
    ),
)

IMAGE_RNN_STEP_FORWARD = exercise(
    name="image_rnn_step_forward",
    points=2,
    reference=captioning.image_rnn_step_forward,
    problem=image_step_problem,
    returns=(*values(h="NH"), CACHE),
    sizes="NDHF",
    mistakes=tuple(
        Mistake(name, lambda *a, wrong=wrong: (wrong(*a), None), says)
        for name, wrong, says in IMAGE_STEP_MISTAKES
    ),
)


def with_upstream(problem, **upstream):
    """A forward problem and upstream gradients; a large one of each would show clipping."""

    def draw(rng, s, scale=1.0):
        s = unlike(s)
        arguments = problem(rng, s)
        return arguments | {
            name: scale * problems.normal(rng, *(s[letter] for letter in axes))
            for name, axes in upstream.items()
        }

    return draw


image_backward_problem = with_upstream(image_step_problem, dh="NH")


def image_backward(slope=lambda dh, h: dh * (1 - h * h), at=lambda h, h_prev: h, **changes):
    """A wrong `image_rnn_step_backward`, by what is wrong with it.

    Args:
        slope: dh, h -> the gradient in front of tanh.
        at: h, h_prev -> where the slope is taken.
        changes: single gradients, each (da, *cache) -> array.
    """

    def wrong(dh, cache):
        x, h_prev, v, Wx, Wh, Wih, h = cache
        da = slope(dh, at(h, h_prev))
        found = {
            "dx": da @ Wx.T,
            "dh_prev": da @ Wh.T,
            "dv": da @ Wih.T,
            "dWx": x.T @ da,
            "dWh": h_prev.T @ da,
            "dWih": v.T @ da,
            "db": da.sum(axis=0),
        }
        return tuple((found | {name: f(da, *cache) for name, f in changes.items()}).values())

    return wrong


IMAGE_RNN_STEP_BACKWARD = backward_exercise(
    name="image_rnn_step_backward",
    points=3,
    reference=captioning.image_rnn_step_backward,
    forward=captioning.image_rnn_step_forward,
    problem=image_backward_problem,
    returns=gradients(dx="ND", dh_prev="NH", dv="NF", dWx="DH", dWh="HH", dWih="FH", db="H"),
    sizes="NDHF",
    edges=lambda rng, s: {"for a large dh": image_backward_problem(rng, s, 100.0)},
    builds_on=("image_rnn_step_forward",),
    mistakes=(
        *(Mistake(name, image_backward(slope), says) for name, slope, says in SLOPE_MISTAKES),
        Mistake(
            "slope at h_prev in place of h",
            image_backward(at=lambda h, h_prev: h_prev),
            "The tanh of this step gave h, so its slope is taken there.",
        ),
        Mistake(
            "no gradient for the image",
            image_backward(dv=lambda da, x, h_prev, v, *_: np.zeros_like(v)),
            "v came out of layers that want to learn too: send it what goes back through Wih.",
        ),
        Mistake(
            "image's weights counted as constants",
            image_backward(dWih=lambda da, x, h_prev, v, Wx, Wh, Wih, h: np.zeros_like(Wih)),
            "Wih is a weight like Wx: its gradient pairs what it was multiplied by with da.",
        ),
        Mistake(
            "dWih transposed",
            image_backward(dWih=lambda da, x, h_prev, v, *_: da.T @ v),
            "dWih has the shape of Wih, (F, H).",
        ),
        Mistake(
            "dv summed over the batch",
            image_backward(
                dv=lambda da, x, h_prev, v, Wx, Wh, Wih, h: (
                    np.zeros_like(v) + (da @ Wih.T).sum(axis=0)
                )
            ),
            "Every row has an image of its own, so every row of dv stands alone.",
        ),
        Mistake(
            "Wh not transposed in dh_prev",
            image_backward(dh_prev=lambda da, x, h_prev, v, Wx, Wh, Wih, h: da @ Wh),
            "On the way back through a product the matrix is transposed.",
        ),
        Mistake(
            "h in place of h_prev in dWh",
            image_backward(dWh=lambda da, x, h_prev, v, Wx, Wh, Wih, h: h.T @ da),
            "Wh was multiplied by the state before the step.",
        ),
        Mistake(
            "dWh transposed",
            image_backward(dWh=lambda da, x, h_prev, *_: da.T @ h_prev),
            "dWh has the layout of Wh: its rows belong to h_prev, its columns to h.",
        ),
        Mistake(
            "mean over the batch in the weights' gradients",
            image_backward(
                dWx=lambda da, x, h_prev, v, *_: x.T @ da / len(x),
                dWh=lambda da, x, h_prev, v, *_: h_prev.T @ da / len(x),
                dWih=lambda da, x, h_prev, v, *_: v.T @ da / len(x),
                db=lambda da, *_: da.mean(axis=0),
            ),
            "Weights are shared by the batch, so their gradients are sums over it; the average "
            "belongs to the loss, and has been taken there.",
        ),
        Mistake(
            "mean over the batch in db",
            image_backward(db=lambda da, *_: da.mean(axis=0)),
            "b serves every row of the batch: its gradient is the sum over the rows.",
        ),
        Mistake(
            "db not summed over the batch",
            image_backward(db=lambda da, *_: da),
            "b serves every row of the batch: its gradient is their sum, in the shape of b.",
        ),
        Mistake(
            "db keeps the axis of the batch",
            image_backward(db=lambda da, *_: da.sum(axis=0, keepdims=True)),
            "A gradient has the shape of what it belongs to, and b has one axis.",
        ),
        Mistake(
            "dh_prev and dv exchanged",
            image_backward(
                dh_prev=lambda da, x, h_prev, v, Wx, Wh, Wih, h: da @ Wih.T,
                dv=lambda da, x, h_prev, v, Wx, Wh, Wih, h: da @ Wh.T,
            ),
            "The order is dx, dh_prev, dv, and then the weights'.",
        ),
        Mistake(
            "only the first row in the weights' gradients",
            image_backward(
                dWx=lambda da, x, h_prev, v, *_: np.outer(x[0], da[0]),
                dWh=lambda da, x, h_prev, v, *_: np.outer(h_prev[0], da[0]),
                dWih=lambda da, x, h_prev, v, *_: np.outer(v[0], da[0]),
            ),
            "Weights are shared by the batch: every row adds its outer product to their gradients.",
        ),
    ),
)


# attention --------------------------------------------------------------------------------------


def unlike(s):
    """The sizes, with no root of one equal to another, so that wrong scales can be told apart."""
    s = {**s, "L": 10} if s["L"] == 9 else s
    s = {**s, "N": 12} if s["N"] == s["H"] ** 2 and s["N"] > 1 else s
    return {**s, "D": 11} if s["D"] == s["H"] ** 2 and s["D"] > 1 else s


def attention_problem(rng, s):
    N, L, H = s["N"], s["L"], s["H"]
    return {
        "h": problems.normal(rng, N, H),
        "keys": problems.normal(rng, N, L, H),
        "values": problems.normal(rng, N, L, s["D"]),
    }


def loud_attention_problem(rng, s):
    problem = attention_problem(rng, unlike(s))
    return {**problem, "h": far(problem["h"])}


def uneven_attention_problem(rng, s):
    """The scores of each picture lie around another number, so that no shift serves all."""
    return uneven(attention_problem(rng, unlike(s)), "h")


def uneven(problem, asks):
    h, keys = problem[asks], problem["keys"]
    sign = 1 - 2 * (np.arange(len(h)) % 2)
    along = h / (h * h).sum(axis=1, keepdims=True)  # h · along = 1
    shift = 1000 * np.sqrt(h.shape[1]) * sign[:, None] * along  # (N, H)
    return {**problem, "keys": keys + shift[:, None]}


def attend(
    scale=lambda keys, values: np.sqrt(keys.shape[2]),
    weigh=softmax,
    mix=lambda w, keys, values: (w[:, None] @ values)[:, 0],
    give=lambda context, weights: (context, weights),
    asks=lambda h: h,
):
    """A wrong `attention_forward`, by what is wrong with it."""

    def wrong(h, keys, values):
        scores = (keys @ asks(h)[:, :, None])[:, :, 0] / scale(keys, values)
        weights = weigh(scores)
        return *give(mix(weights, keys, values), weights), None

    return wrong


def _hard(scores):
    return (scores == scores.max(axis=1, keepdims=True)).astype(scores.dtype)


def _naive_softmax(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def _softmax_with_one_shift(scores):
    return _naive_softmax(scores - scores.max())


SCALE_MISTAKES = (
    (
        "scores not scaled",
        lambda keys, values: 1.0,
        "The scores are divided by the square root of the width of a key, so that their spread "
        "does not grow with it.",
    ),
    (
        "divided by H in place of its root",
        lambda keys, values: keys.shape[2],
        "A sum of H products spreads like the square root of H, and it is that which is divided "
        "out.",
    ),
    (
        "multiplied by the root of H in place of divided",
        lambda keys, values: 1 / np.sqrt(keys.shape[2]),
        "The scaling makes the scores smaller.",
    ),
    (
        "divided by the root of L",
        lambda keys, values: np.sqrt(keys.shape[1]),
        "It is the width of a key that counts, not how many places there are.",
    ),
    (
        "divided by the root of D",
        lambda keys, values: np.sqrt(values.shape[2]),
        "The products sum over the width of a key, H; a value's width D has no part in it.",
    ),
    (
        "divided by the root of N",
        lambda keys, values: np.sqrt(len(keys)),
        "The products sum over the width of a key, H; how large the batch is has no part in it.",
    ),
)


def _scaled_too_late(h, keys, values):
    weights = softmax((keys @ h[:, :, None])[:, :, 0]) / np.sqrt(h.shape[1])
    return (weights[:, None] @ values)[:, 0], weights, None


ATTENTION_FORWARD = exercise(
    name="attention_forward",
    points=3,
    reference=attention.attention_forward,
    problem=lambda rng, s: attention_problem(rng, unlike(s)),
    returns=(*values(context="ND", weights="NL"), CACHE),
    sizes="NLHD",
    may_widen=True,
    edges=lambda rng, s: {
        "for scores beyond ±1000": loud_attention_problem(rng, s),
        "for pictures of scores around 1000 and around -1000": uneven_attention_problem(rng, s),
    },
    mistakes=(
        *(Mistake(name, attend(scale), says) for name, scale, says in SCALE_MISTAKES),
        Mistake(
            "scaled after the softmax",
            _scaled_too_late,
            "It is the scores that are divided by the square root of H. The weights that the "
            "softmax makes of them sum to 1 and stay as they are.",
        ),
        Mistake(
            "softmax over the batch",
            attend(weigh=lambda scores: softmax(scores.T).T),
            "Each picture shares its own attention out among its own places: the weights of a row "
            "sum to 1.",
        ),
        Mistake(
            "softmax over the batch and the places",
            attend(weigh=lambda scores: softmax(scores.ravel()).reshape(scores.shape)),
            "Each picture shares its own attention out among its own places: the weights of a row "
            "sum to 1.",
        ),
        Mistake(
            "sigmoid in place of the softmax",
            attend(weigh=lstm.sigmoid),
            "The places of a picture compete for its attention: their weights sum to 1.",
        ),
        Mistake(
            "first state asks for every row",
            attend(asks=lambda h: np.broadcast_to(h[:1], h.shape)),
            "Every row of the batch asks its own places, with its own state.",
        ),
        Mistake(
            "softmax left out",
            attend(weigh=lambda scores: scores),
            "Scores become weights by a softmax over the places: positive, and 1 in sum.",
        ),
        Mistake(
            "weights not normalised",
            attend(weigh=lambda scores: np.exp(scores - scores.max(axis=1, keepdims=True))),
            "The weights of a row sum to 1.",
        ),
        Mistake(
            "only the best place",
            attend(weigh=_hard),
            "This is hard attention, through which no gradient flows. Soft attention mixes all "
            "places, by their weights.",
        ),
        Mistake(
            "exp overflows",
            attend(weigh=_naive_softmax),
            "Subtract each row's largest score before exp, or use the softmax of notebook 02.",
        ),
        Mistake(
            "one shift for the whole batch",
            attend(weigh=_softmax_with_one_shift),
            "Subtract each row's own largest score before exp: with that of another row every exp "
            "of a row may be 0, and so may their sum.",
        ),
        Mistake(
            "last place left out",
            attend(mix=lambda w, keys, values: (w[:, None, :-1] @ values[:, :-1])[:, 0]),
            "All L places count: the last one's index is L - 1.",
        ),
        Mistake(
            "mean of the weighted values",
            attend(mix=lambda w, keys, values: (w[:, :, None] * values).mean(axis=1)),
            "The weights sum to 1 already: the weighted values are summed, not averaged.",
        ),
        Mistake(
            "values not weighted",
            attend(mix=lambda w, keys, values: values.sum(axis=1)),
            "Each place's value counts by that place's weight.",
        ),
        Mistake(
            "keys mixed in place of values",
            attend(mix=lambda w, keys, values: (w[:, None] @ keys)[:, 0]),
            "Keys say where to look; what is taken from there is the values.",
        ),
        Mistake(
            "weighted values not summed over the places",
            attend(mix=lambda w, keys, values: w[:, :, None] * values),
            "The context is one vector a picture: sum over the places.",
        ),
        Mistake(
            "context and weights exchanged",
            attend(give=lambda context, weights: (weights, context)),
            "The order is context, weights, cache.",
        ),
    ),
)


def _jacobian(w, dw):
    return w * (dw - (w * dw).sum(axis=1, keepdims=True))


attention_backward_problem = with_upstream(attention_problem, dcontext="ND")


def attend_backward(
    jacobian=_jacobian,
    scale=lambda keys, values: np.sqrt(keys.shape[2]),
    give=lambda dh, dkeys, dvalues: (dh, dkeys, dvalues),
    **changes,
):
    """A wrong `attention_backward`: another Jacobian or scale, or single gradients changed."""

    def wrong(dcontext, cache):
        h, keys, values, w = cache
        dscores = jacobian(w, (values @ dcontext[:, :, None])[:, :, 0]) / scale(keys, values)
        found = {
            "dh": (dscores[:, None] @ keys)[:, 0],
            "dkeys": dscores[:, :, None] * h[:, None],
            "dvalues": w[:, :, None] * dcontext[:, None],
        }
        found |= {name: f(dscores, dcontext, *cache) for name, f in changes.items()}
        return give(**found)

    return wrong


JACOBIAN_MISTAKES = (
    (
        "softmax not gone through",
        lambda w, dw: dw,
        "Weights come out of a softmax, and its Jacobian belongs between them and the scores.",
    ),
    (
        "share of the others left out",
        lambda w, dw: w * dw,
        "Raising one score lowers all other weights, since they sum to 1. From what arrives at a "
        "weight its mean over the places, under the weights, is taken off first.",
    ),
    (
        "diagonal of the softmax's Jacobian only",
        lambda w, dw: w * (1 - w) * dw,
        "w (1 - w) is how a weight answers to its own score; every other score moves it as well.",
    ),
    (
        "plain mean in place of the weighted one",
        lambda w, dw: w * (dw - dw.mean(axis=1, keepdims=True)),
        "What is taken off is the mean under the attention weights, and these are not equal.",
    ),
    (
        "weighted sum over the whole batch",
        lambda w, dw: w * (dw - (w * dw).sum()),
        "Each picture has a softmax of its own: the sum runs over its places alone.",
    ),
    (
        "difference not multiplied by the weights",
        lambda w, dw: dw - (w * dw).sum(axis=1, keepdims=True),
        "A place that gets no weight gets no gradient either: the weights multiply the difference.",
    ),
    (
        "share of the others added",
        lambda w, dw: w * (dw + (w * dw).sum(axis=1, keepdims=True)),
        "Raising one score lowers all other weights: look at the sign of the second term.",
    ),
    (
        "only the first picture's softmax",
        lambda w, dw: _jacobian(w[:1], dw),
        "Each picture has weights of its own, and so a Jacobian of its own.",
    ),
    (
        "sign of the softmax's gradient",
        lambda w, dw: -_jacobian(w, dw),
        "A place whose value would lower the loss must get more weight, not less: look at which "
        "term of the Jacobian carries the minus.",
    ),
)

ATTENTION_BACKWARD = backward_exercise(
    name="attention_backward",
    points=5,
    reference=attention.attention_backward,
    forward=attention.attention_forward,
    problem=attention_backward_problem,
    upstream=("dcontext",),
    unused=("weights",),
    returns=gradients(dh="NH", dkeys="NLH", dvalues="NLD"),
    sizes="NLHD",
    may_widen=True,
    edges=lambda rng, s: {"for a large dcontext": attention_backward_problem(rng, s, 100.0)},
    builds_on=("attention_forward",),
    mistakes=(
        *(Mistake(name, attend_backward(wrong), says) for name, wrong, says in JACOBIAN_MISTAKES),
        Mistake(
            "scale left out",
            attend_backward(scale=SCALE_MISTAKES[0][1]),
            "The scores were divided by the square root of H, and so is their gradient.",
        ),
        Mistake(
            "scale by H in place of its root",
            attend_backward(scale=SCALE_MISTAKES[1][1]),
            "The scores were divided by the square root of H, and so is their gradient.",
        ),
        Mistake(
            "scale by the root of L",
            attend_backward(scale=SCALE_MISTAKES[3][1]),
            "The scores were divided by the square root of H, and so is their gradient.",
        ),
        Mistake(
            "dscores in place of the weights in dvalues",
            attend_backward(
                dvalues=lambda ds, dcontext, h, keys, values, w: ds[:, :, None] * dcontext[:, None]
            ),
            "A value entered the context with its weight, and that weight is what its gradient "
            "carries: the softmax does not lie on this way.",
        ),
        Mistake(
            "values not weighted in dvalues",
            attend_backward(
                dvalues=lambda ds, dcontext, h, keys, values, w: dcontext[:, None] + 0 * values
            ),
            "A value entered the context with its weight, so its gradient carries that weight.",
        ),
        Mistake(
            "values counted as constants",
            attend_backward(dvalues=lambda ds, dcontext, h, keys, values, w: np.zeros_like(values)),
            "The context is a sum of weighted values: the values get a gradient of their own.",
        ),
        Mistake(
            "keys in place of h in dkeys",
            attend_backward(dkeys=lambda ds, dcontext, h, keys, values, w: ds[:, :, None] * keys),
            "A score is a product of h and a key, and a product hands each factor the other one.",
        ),
        Mistake(
            "h in place of the keys in dh",
            attend_backward(
                dh=lambda ds, dcontext, h, keys, values, w: ds.sum(axis=1, keepdims=True) * h
            ),
            "A score is a product of h and a key, and a product hands each factor the other one.",
        ),
        Mistake(
            "mean over the places in dh",
            attend_backward(
                dh=lambda ds, dcontext, h, keys, values, w: (ds[:, :, None] * keys).mean(axis=1)
            ),
            "h was compared with every place, and what comes back from the places adds up.",
        ),
        Mistake(
            "dkeys and dvalues exchanged",
            attend_backward(give=lambda dh, dkeys, dvalues: (dh, dvalues, dkeys)),
            "The order is dh, dkeys, dvalues.",
        ),
    ),
)


# attention LSTM ---------------------------------------------------------------------------------


def attention_step_problem(rng, s):
    """A step whose words are as wide as T is long, which is less to measure than E would be."""
    E = min(s["E"], s["T"])
    step = problems.gated_step(rng, {**s, "D": E}, 4)
    x, h_prev, c_prev, Wx, Wh, b = step.values()
    look = attention_problem(rng, s)
    Wz = 0.5 * problems.normal(rng, s["D"], 4 * s["H"])
    return {
        "x": x,
        "h_prev": h_prev,
        "c_prev": c_prev,
        "keys": look["keys"],
        "values": look["values"],
        "Wx": Wx,
        "Wh": Wh,
        "Wz": Wz,
        "b": b,
    }


def attention_step(
    asks=lambda h, c: h,
    look=attention.attention_forward,
    total=lambda x, h, z, Wx, Wh, Wz, b: x @ Wx + h @ Wh + z @ Wz + b,
    weights_of=None,
    give=lambda context, weights: weights,
):
    """A wrong `attention_lstm_step_forward`, by what is wrong with it."""

    def wrong(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
        context, weights, _ = look(asks(h_prev, c_prev), keys, values)
        i, f, o, g = np.split(total(x, h_prev, context, Wx, Wh, Wz, b), 4, axis=1)
        c = lstm.sigmoid(f) * c_prev + lstm.sigmoid(i) * np.tanh(g)
        h = lstm.sigmoid(o) * np.tanh(c)
        weights = weights if weights_of is None else look(weights_of(h), keys, values)[1]
        return h, c, give(context, weights), None

    return wrong


def _with_a_look(lstm_step_forward):
    """The step after a right look, with a wrong step of the LSTM."""

    def wrong(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
        context, weights, _ = attention.attention_forward(h_prev, keys, values)
        both, W = np.concatenate([x, context], axis=1), np.concatenate([Wx, Wz])
        h, c, _ = lstm_step_forward(both, h_prev, c_prev, W, Wh, b)
        return h, c, weights, None

    return wrong


def _asks_with_new_state(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    h, c, _ = lstm.lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b)
    return attention_step(asks=lambda *_: h)(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b)


ATTENTION_LSTM_STEP_FORWARD = exercise(
    name="attention_lstm_step_forward",
    points=3,
    reference=attention.attention_lstm_step_forward,
    problem=lambda rng, s: attention_step_problem(rng, unlike(s)),
    returns=(*values(h="NH", c="NH", weights="NL"), CACHE),
    sizes="NELHD",
    may_widen=True,
    edges=lambda rng, s: {
        "for pictures of scores around 1000 and around -1000": uneven(
            attention_step_problem(rng, unlike(s)), "h_prev"
        )
    },
    builds_on=("attention_forward",),
    mistakes=(
        Mistake(
            "context left out of the gates",
            attention_step(total=lambda x, h, z, Wx, Wh, Wz, b: x @ Wx + h @ Wh + b),
            "The step looks, and makes no use of what it saw: the context enters the gates too.",
        ),
        Mistake(
            "word left out of the gates",
            attention_step(total=lambda x, h, z, Wx, Wh, Wz, b: h @ Wh + z @ Wz + b),
            "The context comes in addition to the word, not in its place.",
        ),
        Mistake(
            "previous state left out of the gates",
            attention_step(total=lambda x, h, z, Wx, Wh, Wz, b: x @ Wx + z @ Wz + b),
            "h_prev asks the places, and it also enters the gates as in any LSTM.",
        ),
        Mistake(
            "bias left out",
            attention_step(total=lambda x, h, z, Wx, Wh, Wz, b: x @ Wx + h @ Wh + z @ Wz),
            "b is part of the gates' sum.",
        ),
        Mistake(
            "asks with the cell in place of the state",
            attention_step(asks=lambda h, c: c),
            "c stays inside; what others see, and what asks, is the state h.",
        ),
        Mistake(
            "asks with the state after the word",
            _asks_with_new_state,
            "The look comes before the step: it is the state before it that asks.",
        ),
        Mistake(
            "weights of the new state returned",
            attention_step(weights_of=lambda h: h),
            "The weights to return are those of the look that this step made use of.",
        ),
        Mistake(
            "word and context stacked the other way round",
            attention_step(
                total=lambda x, h, z, Wx, Wh, Wz, b: (
                    np.hstack([z, x]) @ np.vstack([Wx, Wz]) + h @ Wh + b
                )
            ),
            "Wx belongs to the word and Wz to the context: stack inputs and weights in one order.",
        ),
        Mistake(
            "mean of the values in place of a look",
            attention_step(look=attend(mix=lambda w, keys, values: values.mean(axis=1))),
            "What enters the gates is the context, where each place counts by its weight.",
        ),
        Mistake(
            "context in place of the weights",
            attention_step(give=lambda context, weights: context),
            "The order is h, c, weights, cache: the context goes no further than the gates.",
        ),
        *(
            Mistake(name, _with_a_look(wrong), says)
            for name, wrong, says in STEP_MISTAKES
            if name not in ("bias left out", "previous h ignored", "input ignored")
        ),
        Mistake(
            "scores not scaled",
            attention_step(look=attend(scale=SCALE_MISTAKES[0][1])),
            "The scores of the look are divided by the square root of the width of a key.",
        ),
        Mistake(
            "exp overflows",
            attention_step(look=attend(weigh=_naive_softmax)),
            "Subtract each row's largest score before exp, or use your attention_forward.",
        ),
        Mistake(
            "one shift for the whole batch",
            attention_step(look=attend(weigh=_softmax_with_one_shift)),
            "Subtract each row's own largest score before exp, or use your attention_forward.",
        ),
    ),
)

attention_step_backward_problem = with_upstream(attention_step_problem, dh="NH", dc="NH")


def attention_step_back(
    step_back=lstm.lstm_step_backward,
    back=attention.attention_backward,
    dh_prev=lambda gates, look: gates + look,
    finish=lambda found, dboth: found,
):
    """A wrong `attention_lstm_step_backward`, by what is wrong with it."""

    def wrong(dh, dc, cache):
        look, step, E = cache
        dboth, dh_gates, dc_prev, dW, dWh, db = step_back(dh, dc, step)
        dh_look, dkeys, dvalues = back(dboth[:, E:], look)
        found = {
            "dx": dboth[:, :E],
            "dh_prev": dh_prev(dh_gates, dh_look),
            "dc_prev": dc_prev,
            "dkeys": dkeys,
            "dvalues": dvalues,
            "dWx": dW[:E],
            "dWh": dWh,
            "dWz": dW[E:],
            "db": db,
        }
        return tuple(finish(found, dboth).values())

    return wrong


def _zero(*names):
    return lambda found, dboth: found | {name: np.zeros_like(found[name]) for name in names}


def _exchanged(a, b):
    return lambda found, dboth: found | {a: found[b], b: found[a]}


ATTENTION_LSTM_STEP_BACKWARD = backward_exercise(
    name="attention_lstm_step_backward",
    points=5,
    reference=attention.attention_lstm_step_backward,
    forward=attention.attention_lstm_step_forward,
    problem=attention_step_backward_problem,
    upstream=("dh", "dc"),
    unused=("weights",),
    returns=gradients(
        dx="NE",
        dh_prev="NH",
        dc_prev="NH",
        dkeys="NLH",
        dvalues="NLD",
        dWx="E4H",
        dWh="H4H",
        dWz="D4H",
        db="4H",
    ),
    sizes="NELHD",
    may_widen=True,
    edges=lambda rng, s: {
        "for large dh and dc": attention_step_backward_problem(rng, s, 100.0),
        "when nothing arrives at the cell": {
            **(problem := attention_step_backward_problem(rng, s)),
            "dc": np.zeros_like(problem["dc"]),
        },
    },
    builds_on=("attention_forward", "attention_backward", "attention_lstm_step_forward"),
    mistakes=(
        Mistake(
            "look left out of dh_prev",
            attention_step_back(dh_prev=lambda gates, look: gates),
            "h_prev was used twice: it entered the gates, and it asked the places. Both send a "
            "gradient back, and the two add up.",
        ),
        Mistake(
            "gates left out of dh_prev",
            attention_step_back(dh_prev=lambda gates, look: look),
            "h_prev was used twice: it asked the places, and it entered the gates. Both send a "
            "gradient back, and the two add up.",
        ),
        Mistake(
            "keys counted as constants",
            attention_step_back(finish=_zero("dkeys")),
            "The keys come out of layers that learn where to look by this very gradient.",
        ),
        Mistake(
            "values counted as constants",
            attention_step_back(finish=_zero("dvalues")),
            "The values come out of layers that learn what to see by this very gradient.",
        ),
        Mistake(
            "dWx and dWz exchanged",
            attention_step_back(finish=_exchanged("dWx", "dWz")),
            "dWx has the shape of Wx and dWz that of Wz; look at where you cut the stacked one.",
        ),
        Mistake(
            "dx is that of word and context together",
            attention_step_back(finish=lambda found, dboth: found | {"dx": dboth}),
            "dx has the shape of x; what belongs to the context goes on into the look.",
        ),
        Mistake(
            "dh_prev and dc_prev exchanged",
            attention_step_back(finish=_exchanged("dh_prev", "dc_prev")),
            "The order is dx, dh_prev, dc_prev, and then the places' and the weights'.",
        ),
        Mistake(
            "dkeys and dvalues exchanged",
            attention_step_back(finish=_exchanged("dkeys", "dvalues")),
            "The order is dkeys, dvalues.",
        ),
        *(
            Mistake(name, attention_step_back(wrong), says)
            for name, wrong, says in STEP_BACKWARD_MISTAKES
            if name not in ("dh_prev and dc_prev exchanged", "dWx transposed")
        ),
        *(
            Mistake(name, attention_step_back(back=attend_backward(wrong)), says)
            for name, wrong, says in JACOBIAN_MISTAKES
        ),
        Mistake(
            "scale left out of the look",
            attention_step_back(back=attend_backward(scale=SCALE_MISTAKES[0][1])),
            "The scores were divided by the square root of H, and so is their gradient.",
        ),
    ),
)


# captions, word by word -------------------------------------------------------------------------


def speaker(rng, V=6, H=4, ends=0.0, offset=0.0, as_tuple=False):
    """A small random language, as `step`; what it says next depends on the word and on the state.

    Args:
        V, H: words, START and END among them, and units of the state.
        ends: added to the score of END.
        offset: added to all scores, which changes no probability.
        as_tuple: whether a state is a tuple, and not an array.

    Returns:
        dict with step, start and end.
    """
    start, end = (int(token) for token in rng.permutation(V)[:2])
    E, U = 1.5 * problems.normal(rng, V, H), problems.normal(rng, H, H)
    h0, W, b = problems.normal(rng, H), 1.2 * problems.normal(rng, H, V), np.zeros(V)
    b[end] += ends
    b[start] -= 8  # nobody says START

    def step(token, state):
        before = h0 if state is None else state[0] if as_tuple else state
        h = np.tanh(E[int(token)] + before @ U)
        return h @ W + b + offset, ((h, int(token)) if as_tuple else h)

    return {"step": step, "start": start, "end": end}


def say(
    step,
    start,
    end,
    max_length,
    *,
    first=None,
    carry=True,
    feed=True,
    pick=np.argmax,
    at_end="stop",
    give=lambda words, start, ended, end: words,
):
    """`greedy_caption`, right or with a slip."""
    token, state, words, ended = start, None, [], False
    while len(words) < max_length:
        scores, new = step(token, state)
        word = int(pick(scores))
        state, token = new if carry else state, word if feed else token
        if word == end and at_end == "stop":
            ended = True
            break
        if word != end or at_end == "write":
            words.append(word)
        elif len(words) + 1 > 2 * max_length:
            break
        if at_end == "skip" and word == end:
            max_length -= 1  # a step is used up, and no word is written
    return give(words, start, ended, end)


def _until_a_word_returns(words):
    again = (k for k, word in enumerate(words) if word in words[:k])
    return words[: next(again, None)]


def _longer(by):
    return lambda step, start, end, max_length: say(step, start, end, max(0, max_length + by))


GREEDY_SLIPS = (
    (
        "state not carried on",
        partial(say, carry=False),
        "Every step starts from the state that the step before it returned.",
    ),
    (
        "word not fed back",
        partial(say, feed=False),
        "The word that was chosen is what the next step reads.",
    ),
    (
        "smallest score",
        partial(say, pick=np.argmin),
        "The likeliest word is that with the largest score.",
    ),
    (
        "START among the words",
        partial(say, give=lambda words, start, ended, end: [start, *words]),
        "START is what the first step reads; it is not a word of the caption.",
    ),
    (
        "END among the words",
        partial(say, give=lambda words, start, ended, end: words + [end] * ended),
        "END says that the caption is over; it is not a word of it.",
    ),
    (
        "END does not stop it",
        partial(say, at_end="write"),
        "The caption is over at the first END; nothing is written after it.",
    ),
    (
        "END passed over",
        partial(say, at_end="skip"),
        "The caption is over at the first END; leaving it out is not enough.",
    ),
    (
        "last word lost",
        partial(say, give=lambda words, start, ended, end: words[:-1]),
        "Every word before END belongs to the caption.",
    ),
    (
        "one word too few",
        _longer(-1),
        "max_length counts words; START and END are none, and where max_length cuts a caption "
        "there is no END to take off.",
    ),
    (
        "one word too many",
        _longer(1),
        "max_length counts words: stop as soon as there are so many.",
    ),
    (
        "max_length ignored",
        _longer(99),
        "A caption that has max_length words is cut there, END or not.",
    ),
    (
        "exp overflows",
        partial(say, pick=lambda scores: np.argmax(_naive_softmax(scores[None]))),
        "exp of a large score is too large for a float64. The largest score belongs to the "
        "likeliest word, and no softmax is needed to find it.",
    ),
    (
        "a word that was said before ends it",
        partial(say, give=lambda words, start, ended, end: _until_a_word_returns(words)),
        "A caption may say a word twice: only END and max_length end it.",
    ),
)


def greedy_problem(rng, s=None, *, words=(3, 5), max_length=None, **kind):
    """A caption of some words, told apart from what the slips that do not need a cut would say.

    Args:
        words: fewest and most words of the caption that END concludes.
        max_length: caption's length -> max_length.
    """
    while True:
        problem = speaker(rng, **kind) | {"max_length": 7}
        caption = say(**{**problem, "max_length": 12})
        if not words[0] <= len(caption) <= words[1]:
            continue
        problem["max_length"] = max_length(len(caption)) if max_length else 9
        if max_length or not any(slip(**problem) == caption for _, slip, _ in GREEDY_SLIPS[:8]):
            return problem


def greedy_edges(rng, s):
    return {
        "when max_length cuts it": greedy_problem(rng, words=(4, 6), max_length=lambda n: n - 2),
        "when max_length is just its length": greedy_problem(rng, max_length=lambda n: n),
        "when max_length is one more than its length": greedy_problem(
            rng, max_length=lambda n: n + 1
        ),
        "when max_length is 1": greedy_problem(rng, max_length=lambda n: 1),
        "when max_length is 0": greedy_problem(rng, max_length=lambda n: 0),
        "for a long caption": greedy_problem(
            rng, words=(9, 11), max_length=lambda n: 12, ends=-2.0
        ),
        "when END comes at once": greedy_problem(
            rng, words=(0, 0), max_length=lambda n: 4, ends=3.0
        ),
        "when the state is a tuple": greedy_problem(rng, as_tuple=True),
        "for scores of about 1000": greedy_problem(rng, offset=1000.0),
    }


# beam search


def search(
    step,
    start,
    end,
    max_length,
    width,
    *,
    finished="compete",
    gain=log_softmax,
    rank=lambda total, words: total,
    cumulative=True,
    end_counts=True,
    share=False,
    carry=True,
    feed=True,
    branch=None,
    distinct=False,
    obey=True,
    late_end=True,
    steps=0,
    stop=None,
    final=lambda done, beams: done + beams,
    best=max,
    give=lambda beam, start: beam[1],
):
    """`beam_caption`, in one of its right variants, or with a slip.

    A beam is (total, words, last token, state, whether END has come).

    Args:
        finished: "compete" for places in the beam, "aside" to leave the beam and its width to the
            others, "places" to leave it and take their place along, "taken" to leave it if they
            are among the best.
        gain: scores -> what each word adds.
        rank: total, number of tokens -> what captions are compared by.
        share: whether all beams have one state.
        branch: with how many of its best words a caption goes on, after its first.
        distinct: whether of captions with the same last word only the best is kept.
        obey: whether END ends a caption.
        late_end: whether END may come at the last step.
        steps: so many more than max_length.
        stop: whether to stop early, given the beams and the width.
        final, best, give: which captions remain, which is taken, and what is said of it.
    """
    beams, done = [(0.0, [], start, None, False)], []
    for t in range(max(0, max_length + steps)):
        live = [beam for beam in beams if not beam[4]]
        grown = []
        for total, words, token, state, _ in live:
            scores, after = step(token, state)
            if share:  # one variable for the state of all beams
                after = grown[0][3] if grown else after
            gains = gain(scores)
            tried = range(len(gains))
            if branch and words:
                tried = np.argsort(-gains)[:branch].tolist()
            for word in tried:
                more, ended = gains[word], obey and word == end
                if ended and t == max_length - 1 and not late_end:
                    continue
                value = (total if cumulative else 0.0) + (more if end_counts or not ended else 0.0)
                said = words if ended else [*words, word]
                token_next, kept = word if feed else start, after if carry else None
                grown.append((value, said, token_next, kept, ended))
        order = lambda beam: -rank(beam[0], len(beam[1]) + beam[4])  # noqa: E731
        if distinct:
            grown = list({b[2]: b for b in sorted(grown, key=order, reverse=True)}.values())
        if finished == "compete":
            beams = sorted([b for b in beams if b[4]] + grown, key=order)[:width]
        elif finished == "aside":
            done += [beam for beam in grown if beam[4]]
            beams = sorted([b for b in grown if not b[4]], key=order)[:width]
        else:
            places = width - len(done) if finished == "places" else width
            kept = sorted(grown, key=order)[:places]
            done += [beam for beam in kept if beam[4]]
            beams = [beam for beam in kept if not beam[4]]
        if stop and stop(done + beams, width):
            break
        if all(beam[4] for beam in beams):
            break
    candidates = final(done, beams) or beams or done
    return give(best(candidates, key=lambda b: rank(b[0], len(b[1]) + b[4])), start)


VARIANTS = (
    search,
    partial(search, finished="aside"),
    partial(search, finished="places"),
    partial(search, finished="taken"),
    partial(search, finished="taken", stop=lambda beams, width: sum(b[4] for b in beams) >= width),
)


def likeliest(step, start, end, max_length):
    """The caption of the highest probability of all, by trying them."""
    best = [-np.inf, []]

    def grow(total, words, token, state):
        if total <= best[0]:
            return  # no word makes it likelier
        if len(words) == max_length:
            best[:] = total, words
            return
        scores, after = step(token, state)
        gains = log_softmax(scores)
        if total + gains[end] > best[0]:
            best[:] = total + gains[end], words
        for word in np.argsort(-gains).tolist():
            if word != end:
                grow(total + gains[word], [*words, word], word, after)

    grow(0.0, [], start, None)
    return best[1]


def _greedy(step, start, end, max_length, width):
    return say(step, start, end, max_length)


def _never_cut(step, start, end, max_length, width):
    return likeliest(step, start, end, max_length)


def _of_width(change):
    return lambda step, start, end, max_length, width: search(
        step, start, end, max_length, max(1, change(width))
    )


def _over_end(step, start, end, max_length, width):
    words = search(step, start, end, max_length, width, obey=False)
    return words[: words.index(end)] if end in words else words


def _mean_in_the_end(beams):
    return max(beams, key=lambda beam: beam[0] / max(len(beam[1]), 1))


def _finished_first(done, beams):
    return [b for b in done + beams if b[4]]


BEAM_SLIPS = (
    (
        "greedy whatever the width",
        _greedy,
        "The search keeps `width` captions at every length, not only the best one. If it does: are "
        "each step's scores normalised before they are added up, so that they say how sure it was? "
        "And does it begin with one empty caption? Copies of it only find the same thing again.",
    ),
    (
        "scores added in place of log probabilities",
        partial(search, gain=lambda scores: scores),
        "Scores of different steps cannot be compared until each step's are normalised: what adds "
        "up is the log of their softmax.",
    ),
    (
        "probabilities added",
        partial(search, gain=softmax),
        "The probability of a caption is the product of its words'; it is their logarithms that "
        "add up.",
    ),
    (
        "mean over the words",
        partial(search, rank=lambda total, n: total / max(n, 1)),
        "Captions are compared by their total log probability, without a bonus for length.",
    ),
    (
        "mean over the words when the best is chosen",
        partial(search, best=lambda beams, key: _mean_in_the_end(beams)),
        "In the end too captions are compared by their total, without a bonus for length.",
    ),
    (
        "only the last word counts",
        partial(search, cumulative=False),
        "A caption's log probability is the sum over all its words.",
    ),
    (
        "END's log probability left out",
        partial(search, end_counts=False),
        "To end is a choice like any other, and its log probability counts as a word's does.",
    ),
    (
        "continued after END",
        _over_end,
        "A caption that has met END is finished: it keeps its log probability and grows no more.",
    ),
    (
        "one state for all beams",
        partial(search, share=True),
        "Every caption in the beam has come its own way and has a state of its own.",
    ),
    (
        "one caption kept for each last word",
        partial(search, distinct=True),
        "Two captions that end in the same word are two captions, with two states; a dict that is "
        "keyed by the word holds only one of them.",
    ),
    (
        "every caption continued by its best word only",
        partial(search, branch=1),
        "At every step all continuations of all captions compete for the places in the beam, "
        "several of one caption perhaps; otherwise it is so many greedy searches.",
    ),
    (
        "one place too many in the beam",
        _of_width(lambda width: width + 1),
        "The beam keeps `width` captions, and no more.",
    ),
    (
        "one place too few in the beam",
        _of_width(lambda width: width - 1),
        "The beam keeps `width` captions, and no fewer.",
    ),
    (
        "beam not cut to its width",
        _never_cut,
        "After every step only the `width` likeliest captions are kept, of all together.",
    ),
    (
        "state not carried on",
        partial(search, carry=False),
        "Every step of a caption starts from the state that its step before returned.",
    ),
    (
        "word not fed back",
        partial(search, feed=False),
        "A caption's last word is what its next step reads.",
    ),
    (
        "finished captions thrown away",
        partial(search, finished="aside", final=lambda done, beams: beams),
        "A caption that has met END stays a candidate until the search is over.",
    ),
    (
        "unfinished captions thrown away",
        partial(search, finished="aside", final=_finished_first),
        "At max_length the captions that are cut there are candidates too, compared like the "
        "finished ones.",
    ),
    (
        "stops at the first END",
        partial(search, stop=lambda beams, width: any(b[4] for b in beams)),
        "An unfinished caption may still turn out likelier than one that is finished.",
    ),
    (
        "worst of the beam in place of the best",
        partial(search, best=min),
        "Of the captions in the beam the one with the highest log probability is the answer.",
    ),
    (
        "least likely words kept",
        partial(search, gain=lambda scores: -log_softmax(scores)),
        "The beam keeps the captions with the highest log probability.",
    ),
    (
        "START among the words",
        partial(search, give=lambda beam, start: [start, *beam[1]]),
        "START is what the first step reads; it is not a word of the caption.",
    ),
    (
        "END among the words",
        partial(search, give=lambda beam, start: beam[1] + [beam[2]] * beam[4]),
        "END says that a caption is over; it is not a word of it.",
    ),
    (
        "one step too few",
        partial(search, steps=-1),
        "A caption may have as many as max_length words.",
    ),
    (
        "no END at the last step",
        partial(search, finished="aside", late_end=False),
        "At the last step END may come as at any other: a caption of max_length - 1 words can be "
        "finished.",
    ),
    (
        "one step too many",
        partial(search, steps=1),
        "A caption that has max_length words is not continued, not even to see whether END would "
        "come.",
    ),
    (
        "exp overflows",
        partial(search, gain=lambda scores: np.log(_naive_softmax(scores[None])[0])),
        "exp of a large score is too large for a float64: subtract the largest score first.",
    ),
)


def late_starters(rng, V=8):
    """A language in which what follows is the likelier, the less likely a caption's first word is.

    Every further place in the beam finds another caption, so that no width passes for another.

    Returns:
        dict with step, start and end.
    """
    order = rng.permutation(V)
    start, end, *firsts = (int(token) for token in order)
    place = np.argsort(order) - 2.0  # by token: the likeliest first word has place 0
    follows = rng.permutation(firsts)
    U, W = problems.normal(rng, 3, 3), 0.03 * problems.normal(rng, 3, V)

    def step(token, state):
        if state is None:
            scores, after = -0.2 * place, np.append(U[0], np.nan)  # nan: no first word as yet
        else:
            late = place[int(token)] if np.isnan(state[-1]) else state[-1]
            h = np.tanh(state[:-1] @ U + int(token))
            scores, after = h @ W, np.append(h, late)
            p = np.exp(0.25 * late - 1.7)  # of the word that follows, about
            scores[follows[int(token) % len(follows)]] += np.log(p * (V - 3) / (1 - p))
        scores[[start, end]] = -8
        return scores, after

    return {"step": step, "start": start, "end": end}


def width_problems(rng, widths):
    """One language and several widths, each of which finds another caption."""
    while True:
        problem = late_starters(rng) | {"max_length": 4}
        found = [search(**problem, width=width) for width in range(1, max(widths) + 2)]
        if all(caption not in found[:k] for k, caption in enumerate(found)):
            return {width: {**problem, "width": width} for width in widths}


# Small changes of what captions are compared by.
_SLIGHTLY = tuple(
    partial(search, gain=lambda scores, t=t: log_softmax(scores / t)) for t in (0.95, 1.05)
) + tuple(partial(search, rank=lambda total, n, b=b: total + b * n) for b in (-0.02, 0.02))


def almost_equal_problems(rng):
    """Two problems that differ in a slightly likelier END: one caption is cut, the other short."""
    while True:
        seed, width = int(rng.integers(2**31)), int(rng.integers(2, 4))

        def problem(ends, seed=seed, width=width):
            language = speaker(np.random.default_rng(seed), ends=ends)
            return {**language, "max_length": 4, "width": width}

        low, high = -2.0, 1.0
        if len(search(**problem(low))) < 4 or len(search(**problem(high))) == 4:
            continue
        while high - low > 0.004:
            middle = (low + high) / 2
            low, high = (middle, high) if len(search(**problem(middle))) == 4 else (low, middle)
        pair = [problem(low - 0.002), problem(high + 0.002)]
        right = [search(**p) for p in pair]
        if len(right[0]) < 4 or len(right[1]) not in (1, 2):
            continue
        if any([variant(**p) for p in pair] != right for variant in VARIANTS[1:]):
            continue
        if all([slip(**p) for p in pair] != right for slip in _SLIGHTLY):
            return pair


def beam_problem(rng, s=None, *, width=None, max_length=4, cut=False, **kind):
    """A problem on which every right way to search agrees, and greedy does not.

    Args:
        width: of the beam; random, 2 or 3, if left out. At 1 it is greedy that is right.
        cut: whether the likeliest caption is one that max_length cuts.
    """
    if cut:
        kind = {"ends": -2.0} | kind
    while True:
        problem = speaker(rng, **kind) | {"max_length": max_length}
        greedy = say(**problem)
        problem["width"] = width or int(rng.integers(2, 4))
        right = search(**problem)
        if (right == greedy) != (width == 1) or not right or (len(right) == max_length) != cut:
            continue
        if all(variant(**problem) == right for variant in VARIANTS[1:]):
            best = likeliest(**{name: v for name, v in problem.items() if name != "width"})
            if width == 1 and search(**{**problem, "width": 2}) == right:
                continue  # it does not tell a wider beam
            if (best == right) != (width == 1):
                return problem


def telling_problems(rng, slips, **kind):
    """Problems of one kind, so many that each of some slips goes wrong on one of them."""
    left = {name: slip for name, slip, _ in BEAM_SLIPS if name in slips}
    while left:
        problem = beam_problem(rng, **kind)
        right = search(**problem)
        told = [name for name, slip in left.items() if answer_of(slip, problem) != right]
        if told:
            yield problem
        left = {name: slip for name, slip in left.items() if name not in told}


def far_beam_problem(rng):
    """Scores of about 1000, and END so late in the vocabulary that a beam full of nan misses it."""
    while True:
        problem = beam_problem(rng, offset=1000.0)
        if problem["end"] >= problem["width"]:
            return problem


# Slips that show most often, or only, where max_length cuts the likeliest caption.
_AT_A_CUT = (
    "unfinished captions thrown away",
    "one step too few",
    "one step too many",
    "one state for all beams",
    "one caption kept for each last word",
)
# Slips that show for sure on problems that are made for them.
_ELSEWHERE = (
    "exp overflows",
    "every caption continued by its best word only",
    "one place too many in the beam",
    "one place too few in the beam",
    "beam not cut to its width",
    "no END at the last step",
)


def beam_edges(rng, s):
    others = [name for name, *_ in BEAM_SLIPS if name not in _AT_A_CUT + _ELSEWHERE]
    edges = {f"on problem {k}": p for k, p in enumerate(telling_problems(rng, others), 2)}
    cut = enumerate(telling_problems(rng, _AT_A_CUT, cut=True, ends=-1.0), 1)
    edges |= {f"when max_length cuts the likeliest caption, problem {k}": p for k, p in cut}
    widths = width_problems(rng, (2, 3, 4, 5)).items()
    edges |= {f"for width {w}, where every width finds another": p for w, p in widths}
    almost = zip(("cut one", "finished one"), almost_equal_problems(rng), strict=True)
    edges |= {
        f"where two captions are almost equally likely, the {name} slightly more": p
        for name, p in almost
    }
    return edges | {
        "when END comes at the last step": beam_problem(rng, max_length=2),
        "for scores of about 1000": far_beam_problem(rng),
        "for width 1, where it is greedy": beam_problem(rng, width=1),
        "for width 5": beam_problem(rng, width=5),
        "when the width exceeds the vocabulary": beam_problem(rng, width=40, max_length=3),
        "when the state is a tuple": beam_problem(rng, as_tuple=True),
        "when max_length is 0": {**beam_problem(rng), "max_length": 0},
    }


# how captions are judged


def judge_caption(slips, right, telling, answer, a, call, *, otherwise=lambda *_: (None, "")):
    """Whether a caption is the right one, which slip explains it, and whether states are kept.

    Args:
        slips: (name, function, says) of the exercise.
        right: arguments -> caption.
        telling: () -> list of problems that tell the slips apart.
        answer, a, call: as for every judge.
        otherwise: (answer, wanted, arguments, call) -> name or None, and what to say, where no slip
            explains the answer.
    """
    form = _caption_form(answer)
    if form:
        return Finding("type", form, "caption")
    wanted = right(a)
    if list(answer) == wanted:
        return _state_finding(a, call)
    setting = ", ".join(f"{k} {a[k]}" for k in ("start", "end", "max_length", "width") if k in a)
    text = f"With {setting}: expected the caption {wanted}, got {[int(t) for t in answer]}."
    name, says = fitting_slip(slips, list(answer), a, telling, lambda p: list(call(p)))
    if not name:
        name, says = otherwise(answer, wanted, a, call)
    return Finding("values", f"{text} {says}".strip(), "caption", name)


def _caption_form(answer):
    row = isinstance(answer, list | tuple) or getattr(answer, "ndim", None) == 1
    if not row:
        return f"Expected a list of token ids, got {describe(answer)}."
    odd = [t for t in answer if not isinstance(t, int | np.integer) or isinstance(t, bool)]
    if odd:
        return f"Expected a list of integers, got {describe(odd[0])} in it; int(...) makes one."
    return None


def _state_finding(a, call):
    """A state that was changed after `step` had handed it out."""
    handed_out, changed = [], []

    def watched(token, state):
        if state is not None and not any(same(state, kept) for _, kept in handed_out):
            changed.append(state)
        scores, after = a["step"](token, state)
        handed_out.append((after, _copied(after)))
        return scores, after

    call({**a, "step": watched})
    if changed or any(not same(state, kept) for state, kept in handed_out):
        text = (
            "A state is not what `step` returned: it was changed, or another was made in its "
            "place. Hand every state on as it is; nobody but `step` knows what is in it."
        )
        return Finding("unchanged", text, "state", "state changed")
    return None


def _copied(state):
    return tuple(map(_copied, state)) if isinstance(state, tuple) else np.copy(state)


@cache
def _telling_greedy():
    rng = np.random.default_rng(8)
    return [greedy_problem(rng) for _ in range(3)] + [
        problem for problem in greedy_edges(rng, {}).values() if problem["max_length"] > 0
    ]


@cache
def _telling_beam():
    rng = np.random.default_rng(8)
    return list(beam_edges(rng, {}).values())


GREEDY_CAPTION = exercise(
    name="greedy_caption",
    points=2,
    reference=captioning.greedy_caption,
    problem=greedy_problem,
    judge=partial(judge_caption, GREEDY_SLIPS, lambda a: say(**a), _telling_greedy),
    floats=False,
    strided=False,
    edges=greedy_edges,
)


def right_beam(a):
    """What every right way to search finds on the problems that are drawn here."""
    return search(**a)


def unknown_beam(answer, wanted, a, call):
    """What can be said of a wrong caption that no slip explains: which one is the likelier."""
    name, says = _leaning(call)
    if name:
        return name, says
    words = [int(token) for token in answer]
    if len(words) > a["max_length"] or any(t in (a["start"], a["end"]) for t in words):
        return None, ""
    best, got = log_probability(wanted, **a), log_probability(words, **a)
    says = f"Their log probabilities are {best:.4f} and {got:.4f}."
    if got > best:
        says += " Yours is the likelier, but not to be found with so few captions in the beam."
    return None, says


def log_probability(words, step, start, end, max_length, width):
    """Of a whole caption, with that of its END unless max_length cuts it."""
    total, token, state = 0.0, start, None
    for word in [*words, end][:max_length]:
        scores, state = step(token, state)
        total, token = total + log_softmax(scores)[word], word
    return total


@cache
def _almost_equal_pairs():
    rng = np.random.default_rng(8)
    pairs = [almost_equal_problems(rng) for _ in range(4)]
    return [(pair, [search(**problem) for problem in pair]) for pair in pairs]


def _leaning(call):
    """Which of two almost equally likely captions an answer takes, if always the same one."""
    taken = set()
    for pair, (cut, finished) in _almost_equal_pairs():
        for problem in pair:
            try:
                said = list(call(problem))
            except Exception:  # it may well fail on another problem
                return None, ""
            taken.add("cut" if said == cut else "finished" if said == finished else "neither")
    if taken not in ({"cut"}, {"finished"}):
        return None, ""
    (which,) = taken
    name = "long captions favoured" if which == "cut" else "short captions favoured"
    return name, (
        f"Of a finished caption and one that max_length cuts, yours takes the {which} one even "
        f"where it is a little less likely: {name}. Look for a bonus, a division by the length, a "
        "temperature, or an END that costs too much or too little: what counts is the total log "
        "probability, END's included."
    )


BEAM_CAPTION = exercise(
    name="beam_caption",
    points=4,
    reference=captioning.beam_caption,
    problem=beam_problem,
    judge=partial(judge_caption, BEAM_SLIPS, right_beam, _telling_beam, otherwise=unknown_beam),
    floats=False,
    strided=False,
    edges=beam_edges,
    builds_on=("greedy_caption",),
)

EXERCISES = (
    TEMPORAL_SOFTMAX_LOSS,
    IMAGE_RNN_STEP_FORWARD,
    IMAGE_RNN_STEP_BACKWARD,
    ATTENTION_FORWARD,
    ATTENTION_BACKWARD,
    ATTENTION_LSTM_STEP_FORWARD,
    ATTENTION_LSTM_STEP_BACKWARD,
    GREEDY_CAPTION,
    BEAM_CAPTION,
)
