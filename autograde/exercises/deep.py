"""09 · deep_language_model: layers, dropout between them, and one matrix for both ends."""

from functools import partial
from itertools import pairwise

import numpy as np

from autograde.diagnosis import describe, shape_with_letters
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
from autograde.exercises.many import gradients_of_many, lstm_of_many
from autograde.gradcheck import exact_gradients
from autograde.report import Finding
from helpers import deep_language_model as deep
from helpers.losses import log_softmax
from helpers.lstm import lstm_backward, lstm_forward, lstm_step_forward

exercise = partial(Exercise, notebook="09")

RATES = (0.15, 0.4)  # what is dropped or, as often, what is kept
WEIGHTS = ("Wx", "Wh", "b")


# stacked_lstm_forward -----------------------------------------------------------------------------


def stack(rng, widths):
    """Layers from each of the widths to the next one."""
    cells = [problems.cell(rng, {"D": D, "H": H}, gates=4) for D, H in pairwise(widths)]
    return [tuple(cell[name] for name in WEIGHTS) for cell in cells]


def some_mask(rng, *shape):
    """A dropout mask that has both zeros and others in it wherever that can be."""
    while True:
        mask = deep.dropout_mask(shape, 0.4, rng)
        if mask.size < 2 or 0 < np.count_nonzero(mask) < mask.size:
            return mask


def top_width(s):
    """Units of the second layer: few, and other than those of the first unless all sizes agree."""
    return 2 if s["H"] == 3 != s["V"] else 3


def stacked_problem(rng, s, widths=None, steps=None):
    """Two layers of different widths, unless told; masks over `steps`, as many as there are."""
    N, T = s["N"], s["T"]
    widths = widths or (s["D"], s["H"], top_width(s))
    return {
        "x": problems.normal(rng, N, T, widths[0]),
        "layers": stack(rng, widths),
        "masks": [some_mask(rng, N, steps or T, width) for width in widths[:-1]],
    }


def stacked_edges(rng, s, problem=stacked_problem):
    D, H = s["D"], s["H"]
    without = problem(rng, s)
    del without["masks"]
    return {
        "with masks left out": without,
        "with masks = None": {k: None if k == "masks" else v for k, v in problem(rng, s).items()},
        "with one mask for all steps, (N, 1, size)": problem(rng, s, steps=1),
        "for a single layer": problem(rng, s, widths=(D, H)),
        "for three layers": problem(rng, {**s, "T": 3}, widths=(D, H, top_width(s), 2)),
    }


def masked(x, mask, k):
    return x * mask


def lstm_from_zeros(x, Wx, Wh, b):
    h0 = np.zeros_like(x, shape=(len(x), len(Wh)))
    return lstm_forward(x, h0, h0, Wx, Wh, b)[0]


def stacked(mask=masked, layer=lstm_from_zeros, answer=lambda states: states[-1]):
    """A wrong `stacked_lstm_forward`, by what is wrong with it.

    Args:
        mask: what becomes of the input of layer k.
        layer: what a layer makes of it.
        answer: what is returned of the states of all layers.
    """

    def wrong(x, layers, masks=None):
        states = [x]
        for k, weights in enumerate(layers):
            seen = states[-1] if masks is None else mask(states[-1], masks[k], k)
            states.append(layer(seen, *weights))
        return answer(states[1:]), None

    return wrong


def _in_time(x, layers, masks=None):
    """What a mask leaves of a state goes up, and on to the next step as well."""
    seen = x if masks is None else x * masks[0]
    for k, (Wx, Wh, b) in enumerate(layers):
        h = c = np.zeros_like(x, shape=(len(x), len(Wh)))
        above = masks[k + 1] if masks is not None and k + 1 < len(layers) else np.ones((1, 1, 1))
        states = []
        for t in range(x.shape[1]):
            h, c, _ = lstm_step_forward(seen[:, t], h, c, Wx, Wh, b)
            h = h * above[:, min(t, above.shape[1] - 1)].astype(h.dtype)
            states.append(h)
        seen = np.stack(states, axis=1)
    return seen, None


def _from_the_last_state(x, Wx, Wh, b):
    """The LSTM run twice: the second time from where the first one ended."""
    h0 = np.zeros_like(x, shape=(len(x), len(Wh)))
    h, c, _ = lstm_forward(x, h0, h0, Wx, Wh, b)
    return lstm_forward(x, h[:, -1], c, Wx, Wh, b)[0]


FORWARD_MISTAKES = (
    (
        "masks ignored",
        stacked(mask=lambda x, mask, k: x),
        "Every layer's input is multiplied by its mask before the layer reads it.",
    ),
    (
        "only the first mask used",
        stacked(mask=lambda x, mask, k: x if k else x * mask),
        "There is a mask for the input of each layer, and the input of a layer that is not the "
        "first is the states of the one below.",
    ),
    (
        "the first mask left out",
        stacked(mask=lambda x, mask, k: x * mask if k else x),
        "masks[0] belongs to x itself, the input of the lowest layer.",
    ),
    (
        "a mask's scale left out",
        stacked(mask=lambda x, mask, k: x * (mask > 0)),
        "A mask holds more than yes and no: what is kept is enlarged by it. Multiply by the mask "
        "as it is.",
    ),
    (
        "kept and dropped exchanged",
        stacked(mask=lambda x, mask, k: x * (mask == 0)),
        "A mask is 0 where something is dropped.",
    ),
    (
        "a mask applied twice",
        stacked(mask=lambda x, mask, k: x * mask * mask),
        "The scale of what is kept comes in once.",
    ),
    (
        "the first step's mask at every step",
        stacked(mask=lambda x, mask, k: x * mask[:, :1]),
        "A mask of shape (N, T, size) drops something else at each step. Only one of shape "
        "(N, 1, size) is the same for all.",
    ),
    (
        "the last step's mask at every step",
        stacked(mask=lambda x, mask, k: x * mask[:, -1:]),
        "A mask of shape (N, T, size) drops something else at each step.",
    ),
    (
        "the first row's mask for the whole batch",
        stacked(mask=lambda x, mask, k: x * mask[:1]),
        "Every row of the batch has a mask of its own.",
    ),
    (
        "dropout in time as well",
        _in_time,
        "A mask cuts what goes up to the next layer. What a layer hands on from step to step stays "
        "whole: otherwise a memory would be lost at one step or another.",
    ),
    (
        "the lowest layer's states",
        stacked(answer=lambda states: states[0]),
        "The states of one layer are the inputs of the next; what is asked are those of the last.",
    ),
    (
        "only the last state",
        stacked(answer=lambda states: states[-1][:, -1]),
        "The states of all steps are asked for, (N, T, H).",
    ),
    (
        "a layer's cells handed up",
        stacked(layer=lambda x, *weights: _cells(x, *weights)),
        "A cell stays inside its layer: what others see of it is h.",
    ),
    (
        "bias left out",
        stacked(layer=lambda x, Wx, Wh, b: lstm_from_zeros(x, Wx, Wh, 0 * b)),
        "Every layer has a bias, the third of its weights.",
    ),
    (
        "recurrence left out",
        stacked(layer=lambda x, Wx, Wh, b: lstm_from_zeros(x, Wx, 0 * Wh, b)),
        "Each layer is a whole LSTM: its states go up, and on to its own next step.",
    ),
    (
        "tanh between the layers",
        stacked(mask=lambda x, mask, k: (np.tanh(x) if k else x) * mask),
        "The states of one layer are the inputs of the next as they are.",
    ),
    (
        "states that do not start at zero",
        stacked(layer=_from_the_last_state),
        "Every layer starts from zeros, h0 and c0 alike.",
    ),
)


def _cells(x, Wx, Wh, b):
    h0 = np.zeros_like(x, shape=(len(x), len(Wh)))
    _, _, (_, _, c, *_) = lstm_forward(x, h0, h0, Wx, Wh, b)  # (T+1, N, H), c0 among them
    return c[1:].swapaxes(0, 1)


STACKED_LSTM_FORWARD = exercise(
    name="stacked_lstm_forward",
    points=3,
    reference=deep.stacked_lstm_forward,
    problem=stacked_problem,
    returns=(*values(h="NTH"), CACHE),
    sizes="NTDH",
    edges=stacked_edges,
    mistakes=tuple(Mistake(*slip) for slip in FORWARD_MISTAKES),
)


# stacked_lstm_backward ----------------------------------------------------------------------------


def stacked_of_many(x, layers, masks):
    """h of the last layer; any array of x and the layers may have one further axis in front."""
    for mask, weights in zip(masks, layers, strict=True):
        x = lstm_of_many(x * mask, *weights)
    return x


class StackedBackward(Backward):
    """A backward pass through layers, whose gradients come as a list of tuples."""

    def gradients_of(self, forward, arguments, by=exact_gradients):
        layers = arguments["layers"]
        flat = {"x": arguments["x"]} | {
            f"grads[{k}] d{name}": array
            for k, weights in enumerate(layers)
            for name, array in zip(WEIGHTS, weights, strict=True)
        }

        exact = forward is self.forward and by is exact_gradients

        def states(flat):
            x, *arrays = flat.values()
            stacked = [tuple(arrays[k : k + 3]) for k in range(0, len(arrays), 3)]
            masks = arguments.get("masks")
            if exact:
                return stacked_of_many(x, stacked, masks or [1] * len(stacked))
            return (forward(x, stacked) if masks is None else forward(x, stacked, masks))[0]

        def loss(flat):
            return (arguments["dh"] * states(flat)).sum(axis=(-3, -2, -1))

        found = (gradients_of_many if exact else by)(loss, flat, list(flat))
        return {"dx": found.pop("x"), **found}


def stacked_backward_problem(rng, s, widths=None, steps=None):
    """The forward problem, and a gradient at every state of the last layer."""
    problem = stacked_problem(rng, s, widths, steps)
    units = len(problem["layers"][-1][1])
    return {**problem, "dh": problems.normal(rng, s["N"], s["T"], units)}


def stacked_backward(
    mask=masked,
    arriving=lambda dh: dh,
    weights=lambda grads, cache: grads,
    finish=lambda dx, grads: (dx, grads),
):
    """A wrong `stacked_lstm_backward`, by what is wrong with it.

    Args:
        mask: what becomes of the gradient at the input of layer k.
        arriving: what becomes of dh first.
        weights: what becomes of a layer's dWx, dWh, db.
        finish: what is returned.
    """

    def wrong(dh, cache):
        caches, masks = cache
        dh, grads = arriving(dh), []
        for k in reversed(range(len(caches))):
            dh, _, _, *own = lstm_backward(dh, np.zeros_like(dh[:, 0]), caches[k])
            grads.insert(0, tuple(weights(own, caches[k])))
            if masks is not None:
                dh = mask(dh, masks[k], k)
        return finish(dh, grads)

    return wrong


def _only(step):
    """A dh of which nothing but one step is left."""

    def arriving(dh):
        left = np.zeros_like(dh)
        left[:, step] = dh[:, step]
        return left

    return arriving


def _averaged(grads, cache):
    return [g / np.asarray(cache[0].shape[1], g.dtype) for g in grads]  # x (T, N, D)


def _shared_out(grads, cache):
    return [g / np.asarray(len(cache[0]), g.dtype) for g in grads]  # x (T, N, D)


BACKWARD_MISTAKES = (
    (
        "masks left out on the way back",
        stacked_backward(mask=lambda d, mask, k: d),
        "A product scales the gradient by its other factor: what comes back to a layer's input "
        "has to pass that input's mask too, in the other direction.",
    ),
    (
        "mask of x left out on the way back",
        stacked_backward(mask=lambda d, mask, k: d * mask if k else d),
        "dx is the gradient at x, before its mask was applied.",
    ),
    (
        "masks between the layers left out on the way back",
        stacked_backward(mask=lambda d, mask, k: d if k else d * mask),
        "Every layer's input was masked, so that the gradient passes a mask below every layer.",
    ),
    (
        "a mask's scale left out on the way back",
        stacked_backward(mask=lambda d, mask, k: d * (mask > 0)),
        "What was kept was enlarged on the way there, and its gradient is enlarged likewise.",
    ),
    (
        "a mask applied twice on the way back",
        stacked_backward(mask=lambda d, mask, k: d * mask * mask),
        "On the way there each mask came in once.",
    ),
    (
        "kept and dropped exchanged on the way back",
        stacked_backward(mask=lambda d, mask, k: d * (mask == 0)),
        "What was cut sends nothing back.",
    ),
    (
        "the first step's mask at every step",
        stacked_backward(mask=lambda d, mask, k: d * mask[:, :1]),
        "A mask of shape (N, T, size) is another one at each step, there and back.",
    ),
    (
        "the first row's mask for the whole batch",
        stacked_backward(mask=lambda d, mask, k: d * mask[:1]),
        "Every row of the batch has a mask of its own, there and back.",
    ),
    (
        "gradients of the top layer first",
        stacked_backward(finish=lambda dx, grads: (dx, grads[::-1])),
        "The way back visits the top layer first, but the list is in the order of the layers.",
    ),
    (
        "only the last step's dh",
        stacked_backward(arriving=_only(-1)),
        "A gradient arrives at every state of the last layer, dh[:, t] at the t-th.",
    ),
    (
        "only the first step's dh",
        stacked_backward(arriving=_only(0)),
        "A gradient arrives at every state of the last layer, dh[:, t] at the t-th.",
    ),
    (
        "gradients averaged over the batch",
        stacked_backward(weights=_averaged),
        "The weights serve every row, so their gradients are sums over the rows. The mean is the "
        "loss's affair, and dh brings it along.",
    ),
    (
        "gradients averaged over time",
        stacked_backward(weights=_shared_out),
        "The same weights serve every step, so the shares of all steps add up.",
    ),
    (
        "sign of the gradients",
        stacked_backward(weights=lambda grads, cache: [-g for g in grads]),
        "These are the gradients; the minus belongs to the update.",
    ),
    (
        "dWx and dWh of a layer exchanged",
        stacked_backward(weights=lambda grads, cache: [grads[1], grads[0], grads[2]]),
        "A layer is (Wx, Wh, b), and its gradients come in that order.",
    ),
    (
        "clipped on the way",
        stacked_backward(mask=lambda d, mask, k: np.clip(d * mask, -1, 1)),
        "Clipping is for the finished gradients, and not for what flows from layer to layer.",
    ),
)

STACKED_LSTM_BACKWARD = StackedBackward(
    name="stacked_lstm_backward",
    notebook="09",
    points=4,
    reference=deep.stacked_lstm_backward,
    forward=deep.stacked_lstm_forward,
    problem=stacked_backward_problem,
    returns=(
        *gradients(dx="NTD"),
        Quantity("grads", "D4H H4H 4H", "gradient", each=("dWx", "dWh", "db")),
    ),
    sizes="NTDH",
    edges=lambda rng, s: {
        **stacked_edges(rng, s, stacked_backward_problem),
        "for a large dh": problems.large(stacked_backward_problem(rng, s)),
    },
    builds_on=("stacked_lstm_forward",),
    mistakes=tuple(Mistake(*slip) for slip in BACKWARD_MISTAKES),
)


# dropout_mask -------------------------------------------------------------------------------------


def some_rate(rng):
    """A rate that cannot be mistaken for the share that is kept."""
    rate = rng.uniform(*RATES)
    return float(rng.choice([rate, 1 - rate]))


def _generator(rng):
    return np.random.default_rng(rng.integers(2**32))


def dropout_problem(rng, s, shape=None, rate=None):
    shape = shape or (s["N"] + 10, s["T"] + 10, s["H"] + 10)
    rate = some_rate(rng) if rate is None else rate
    return {"shape": shape, "rate": rate, "rng": _generator(rng)}


def judge_dropout(answer, arguments, call):
    """Whether zeros and scaled ones come in the right shares, each drawn from the rng by itself."""
    return (
        _array(answer)
        or _mask_shape(answer, arguments["shape"], (), None)
        or _one_decision(answer)
        or _mask_values(answer, arguments["rate"])
        or _mask_drawn(answer, arguments, call)
    )


def _array(mask):
    if mask is None:
        text = "Expected a mask, got nothing (None). Does the function end with a return?"
        return Finding("type", text, "mask", "returns nothing")
    if not isinstance(mask, np.ndarray):
        return Finding("type", f"mask: expected a NumPy array, got {describe(mask)}.", "mask")
    if mask.dtype == bool:
        text = (
            "mask: expected floating-point numbers, got an array of True and False. What is kept "
            "has to be enlarged as well, so yes and no are not enough."
        )
        return Finding("type", text, "mask", "True and False")
    if mask.dtype.kind != "f":
        text = f"mask: expected floating-point numbers, got the dtype {mask.dtype}. "
        return Finding("type", text + "Whole numbers cannot hold the scale.", "mask", "integers")
    return None


def _mask_shape(mask, shape, letters, mistake):
    if mask.shape == tuple(shape):
        return None
    said = shape_with_letters(letters, tuple(shape))
    text = f"mask: expected the shape {said}, got {mask.shape}."
    return Finding("shape", text, "mask", mistake)


def _holds(mask, *numbers):
    """Whether a mask has nothing in it but these numbers."""
    return all(np.isclose(mask, n, rtol=1e-5).any() for n in numbers) and bool(
        np.isclose(mask[..., None], numbers, rtol=1e-5).any(axis=-1).all()
    )


def _mask_values(mask, rate):
    """What is wrong with a mask's numbers, or None."""
    if not np.isfinite(mask).all():
        text = "mask: expected finite numbers, got some that are not. Is something divided by 0?"
        return Finding("finite", text, "mask")
    scale, share = 1 / (1 - rate), float(np.mean(mask == 0))
    apart = 6 * np.sqrt(rate * (1 - rate) / mask.size) + 1e-9
    dropped_as_asked, kept_as_asked = abs(share - rate) < apart, abs(share - 1 + rate) < apart
    told = (
        f"For a rate of {rate:.3g} a share of about {rate:.3g} should be 0 and the rest 1 / (1 - "
        f"rate) = {scale:.4g}; here {share:.3g} of the mask are 0"
    )
    if share == 1:
        text = f"{told}. Nothing would be left."
        return Finding("values", text, "mask", "everything dropped")
    kept = mask[mask != 0]
    told += f", and the rest from {kept.min():.4g} to {kept.max():.4g}. "
    if np.allclose(mask, scale, rtol=1e-5) or np.allclose(mask, 1):
        if share == rate == 0:
            return None
        text = "Nothing is dropped: is the comparison with the rate there?"
        return Finding("values", told + text, "mask", "nothing dropped")
    if not rate:
        text = "At a rate of 0 nothing is dropped, and the mask is all ones."
        return Finding("values", told + text, "mask")
    names = (
        ((0, 1), "not scaled", "Enlarge what is kept, so that the mean of what is masked stays."),
        (
            (0, 1 / rate),
            "scaled by 1 / rate",
            "The scale makes up for what is lost: divide by the share that is kept.",
        ),
        ((0, 1 - rate), "multiplied by 1 - rate", "What is kept has to grow, not to shrink."),
        ((0, rate), "multiplied by rate", "What is kept has to grow, to make up for the rest."),
    )
    if share and np.ptp(kept) < 1e-6 and not dropped_as_asked and kept_as_asked:
        text = "The rate is the share that is dropped; here it is the share that is kept."
        return Finding("values", told + text, "mask", "rate taken for the share that is kept")
    if not _holds(mask, 0, scale):
        for numbers, name, says in names:
            if _holds(mask, *numbers):
                return Finding("values", told + says, "mask", name)
        if not share:
            text = "A mask cuts off: what is dropped is multiplied by 0."
            return Finding("values", told + text, "mask", "nothing cut off")
        if np.ptp(kept) < 1e-6:
            return Finding("values", told + "What is kept has another scale.", "mask")
        return Finding("values", told + "What is kept has one scale.", "mask", "several scales")
    if not dropped_as_asked:
        text = "That is not the share that was asked for. Draw each place by itself."
        return Finding("values", told + text, "mask")
    return None


def _one_decision(mask):
    """Whether places were dropped or kept together; a Finding, or None."""
    if mask.ndim == 1 or np.ptp(mask) == 0:  # nothing to tell it by
        return None
    for axis, length in enumerate(mask.shape):
        if length > 1 and (np.ptp(mask, axis=axis) == 0).all():
            text = (
                f"mask: along axis {axis} every place has the same number. Each place is dropped "
                "or kept by itself."
            )
            return Finding("values", text, "mask", f"one decision for all of axis {axis}")
    return None


def _mask_drawn(mask, arguments, call):
    """Whether the places were drawn from the rng; a Finding, or None."""
    if not arguments["rate"]:
        return None
    other = call({**arguments, "rng": np.random.default_rng([7, mask.size])})
    if np.array_equal(other, mask):
        text = (
            "mask: another rng gave the very same mask. Draw from the rng that is passed, not from "
            "a generator made inside."
        )
        return Finding("values", text, "mask", "rng ignored")
    return None


DROPOUT_MASK = exercise(
    name="dropout_mask",
    points=2,
    reference=deep.dropout_mask,
    problem=dropout_problem,
    judge=judge_dropout,
    omitted=("dtype",),
    floats=False,
    strided=False,
    edges=lambda rng, s: {
        "at a rate of 0": dropout_problem(rng, s, rate=0.0),
        "at a rate of 0.9": dropout_problem(rng, s, rate=0.9),
        "for the shape (N, 1, H)": dropout_problem(rng, s, (s["N"] + 20, 1, s["H"] + 40)),
        "for a matrix": dropout_problem(rng, s, (s["N"] + 30, s["H"] + 30)),
        "for a vector": dropout_problem(rng, s, (1000 + s["H"],)),
    },
)


# variational_mask ---------------------------------------------------------------------------------


def variational_problem(rng, s, T=None, rate=None):
    rate = some_rate(rng) if rate is None else rate
    sizes = {"N": s["N"] + 10, "T": T or s["T"], "size": s["H"] + 60}
    return {**sizes, "rate": rate, "rng": _generator(rng)}


def judge_variational(answer, arguments, call):
    """Whether every row has one mask for all its steps, of zeros and scaled ones."""
    N, T, size, rate = (arguments[name] for name in ("N", "T", "size", "rate"))
    finding = _array(answer)
    if finding:
        return finding
    got = answer.shape
    if got != (N, 1, size):
        said = f"mask: expected the shape (N, 1, size) = {(N, 1, size)}, got {got}. "
        name, says = None, ""
        if got == (N, T, size) and (np.ptp(answer, axis=1) == 0).all():
            name = "repeated for every step"
            says = "One step is enough: the product with (N, T, size) repeats it by itself."
        elif got == (N, T, size):
            name, says = "another mask at every step", "One mask serves all the steps of a row."
        elif got == (N, size):
            name, says = "time axis left out", "Keep the axis of time, with one place on it."
        elif got in ((1, 1, size), (1, T, size), (size,), (T, size)):
            name, says = "one mask for the whole batch", "Every row has a mask of its own."
        elif got in ((N, T, 1), (N, 1, 1)):
            name, says = "one decision for all units", "Every unit is dropped or kept by itself."
        elif got == (N, size, 1):
            name, says = "axes in another order", "Time is axis 1."
        return Finding("shape", said + says, "mask", name)
    return (
        _one_decision(answer) or _mask_values(answer, rate) or _mask_drawn(answer, arguments, call)
    )


VARIATIONAL_MASK = exercise(
    name="variational_mask",
    points=1,
    reference=deep.variational_mask,
    problem=variational_problem,
    judge=judge_variational,
    omitted=("dtype",),
    floats=False,
    strided=False,
    edges=lambda rng, s: {
        "at a rate of 0": variational_problem(rng, s, rate=0.0),
        "for a single step": variational_problem(rng, s, T=1),
        "for a hundred steps": variational_problem(rng, s, T=100),
    },
    builds_on=("dropout_mask",),
)


# tied_softmax_loss --------------------------------------------------------------------------------


def tied_problem(rng, s, scale=1.0):
    N, T, H, V = (s[letter] for letter in "NTHV")
    return {
        "h": problems.normal(rng, N, T, H),
        "E": scale * problems.normal(rng, V, H),
        "by": problems.normal(rng, V),
        "targets": problems.tokens(rng, s, N, T),
    }


def _measured_tied(arguments):
    found = exact_gradients(lambda a: deep.tied_softmax_loss(**a)[0], arguments, ["h", "E", "by"])
    return {f"d{name}": gradient for name, gradient in found.items()}


def tied(
    scores=lambda h, E, by: h @ E.T + by,
    loss=lambda each, N, T: each.sum() / N,
    dscores=lambda p, hot, N, T: (p - hot) / N,
    dh=lambda d, E: d @ E,
    dE=lambda d, h: np.einsum("ntv,nth->vh", d, h),
    dby=lambda d: d.sum(axis=(0, 1)),
):
    """A wrong `tied_softmax_loss`, by what is wrong with it."""

    def wrong(h, E, by, targets):
        N, T, _ = h.shape
        log_p = log_softmax(scores(h, E, by))
        hot = (targets[..., None] == np.arange(len(E))).astype(h.dtype)
        d = dscores(np.exp(log_p), hot, *(np.asarray(n, h.dtype) for n in (N, T)))
        return loss(-(log_p * hot).sum(axis=-1), N, T), dh(d, E), dE(d, h), dby(d)

    return wrong


TIED_MISTAKES = (
    (
        "mean over time as well as over the batch",
        tied(
            loss=lambda each, N, T: each.sum() / (N * T),
            dscores=lambda p, hot, N, T: (p - hot) / (N * T),
        ),
        "The time steps are summed; only the batch is averaged: divide by N.",
    ),
    (
        "sum over the batch",
        tied(loss=lambda each, N, T: each.sum(), dscores=lambda p, hot, N, T: p - hot),
        "The batch is averaged: divide by N.",
    ),
    (
        "gradient not divided by N",
        tied(dscores=lambda p, hot, N, T: p - hot),
        "The loss is a mean over the batch, so its gradient carries the same 1/N.",
    ),
    (
        "gradient divided by T as well",
        tied(dscores=lambda p, hot, N, T: (p - hot) / (N * T)),
        "The loss sums over time, so that the gradient is not divided by T.",
    ),
    (
        "by left out",
        tied(scores=lambda h, E, by: h @ E.T),
        "Tied or not, a readout has a bias: one number a word.",
    ),
    (
        "sign of the loss",
        tied(loss=lambda each, N, T: -each.sum() / N),
        "The logarithm of a probability is negative; the loss is minus that.",
    ),
    (
        "sign of the gradient",
        tied(dscores=lambda p, hot, N, T: (hot - p) / N),
        "More score for a wrong word means more loss: there the gradient is positive.",
    ),
    (
        "target not taken off",
        tied(dscores=lambda p, hot, N, T: p / N),
        "The gradient of the scores is what was predicted less what was right.",
    ),
    (
        "probabilities left out of the gradient",
        tied(dscores=lambda p, hot, N, T: -hot / N),
        "The sum below the fraction of softmax depends on all scores, so all of them get a "
        "gradient.",
    ),
    (
        "dE of the target rows only",
        tied(dE=lambda d, h: np.einsum("ntv,nth->vh", d * (d < 0), h)),
        "Every word's row made a score, so that every row gets a gradient at every step.",
    ),
    (
        "dE of the last step only",
        tied(dE=lambda d, h: np.einsum("nv,nh->vh", d[:, -1], h[:, -1])),
        "The same E serves every step, so the shares of all steps add up.",
    ),
    (
        "dE of the first step only",
        tied(dE=lambda d, h: np.einsum("nv,nh->vh", d[:, 0], h[:, 0])),
        "The same E serves every step, so the shares of all steps add up.",
    ),
    (
        "dE averaged over time",
        tied(dE=lambda d, h: np.einsum("ntv,nth->vh", d, h) / np.asarray(h.shape[1], h.dtype)),
        "The same E serves every step, so the shares of all steps add up.",
    ),
    (
        "dE transposed",
        tied(dE=lambda d, h: np.einsum("ntv,nth->hv", d, h)),
        "E has a row a word, and so has its gradient: (V, H).",
    ),
    (
        "dby averaged over time",
        tied(dby=lambda d: d.mean(axis=1).sum(axis=0)),
        "by is added at every step, so the shares of all steps add up.",
    ),
    (
        "dby of the last step only",
        tied(dby=lambda d: d[:, -1].sum(axis=0)),
        "by is added at every step, so the shares of all steps add up.",
    ),
    (
        "dh of the target rows only",
        tied(dh=lambda d, E: (d * (d < 0)) @ E),
        "Each score is a product of h with one row of E; all of them send something back.",
    ),
    (
        "dby not summed over time",
        tied(dby=lambda d: d.sum(axis=0)),
        "by is added at every step, so the shares of all steps add up: (V,).",
    ),
    (
        "dh and dE exchanged",
        lambda h, E, by, targets: [tied()(h, E, by, targets)[k] for k in (0, 2, 1, 3)],
        "They are asked for in the order dh, dE, dby.",
    ),
    (
        "exp overflows",
        lambda h, E, by, targets: _overflowing(h, E, by, targets),
        "Scores in the thousands are too much for exp. The loss of notebook 02 takes the largest "
        "score off first.",
    ),
    (
        "a step's loss counted by its predicted word",
        lambda h, E, by, targets: _predicted(h, E, by, targets),
        "What counts is the probability of the target, not that of the word with the best score.",
    ),
)


def _overflowing(h, E, by, targets):
    with np.errstate(all="ignore"):
        e = np.exp(h @ E.T + by)
        p = e / e.sum(axis=-1, keepdims=True)
        hot = targets[..., None] == np.arange(len(E))
        loss = -np.log((p * hot).sum(axis=-1)).sum() / len(h)
    return (loss, *tied(dscores=lambda _, hot, N, T: (p - hot) / N)(h, E, by, targets)[1:])


def _predicted(h, E, by, targets):
    best = (h @ E.T + by).argmax(axis=-1)
    return tied()(h, E, by, best)


TIED_SOFTMAX_LOSS = exercise(
    name="tied_softmax_loss",
    points=4,
    reference=deep.tied_softmax_loss,
    problem=tied_problem,
    returns=values(loss="") + gradients(dh="NTH", dE="VH", dby="V"),
    measured=_measured_tied,
    sizes="NTHV",
    may_widen=True,
    edges=lambda rng, s: {
        "for scores in the thousands": tied_problem(rng, s, scale=1000.0),
        "when every target is the same": {
            **(p := tied_problem(rng, s)),
            "targets": np.full_like(p["targets"], s["V"] - 1),
        },
    },
    builds_on=("softmax_loss",),
    mistakes=tuple(Mistake(*slip) for slip in TIED_MISTAKES),
)


# perplexity ---------------------------------------------------------------------------------------


PERPLEXITY = exercise(
    name="perplexity",
    points=1,
    reference=deep.perplexity,
    problem=lambda rng, s: {"loss_per_token": float(rng.uniform(1.5, 6))},
    returns=values(perplexity=""),
    floats=False,
    strided=False,
    edges=lambda rng, s: {
        "for a loss of 0": {"loss_per_token": 0.0},
        "for the loss of even odds among V words": {"loss_per_token": float(np.log(s["V"]))},
        "for a NumPy number": {"loss_per_token": np.float64(rng.uniform(0.1, 1))},
    },
    mistakes=tuple(
        Mistake(name, function, says)
        for name, function, says in (
            (
                "2 to the power of the loss",
                lambda loss_per_token: 2.0**loss_per_token,
                "That would be right for a loss in bits. Ours are in nats: which power undoes the "
                "natural logarithm?",
            ),
            (
                "10 to the power of the loss",
                lambda loss_per_token: 10.0**loss_per_token,
                "The loss is a natural logarithm.",
            ),
            (
                "the probability of a word",
                lambda loss_per_token: np.exp(-loss_per_token),
                "exp of minus the loss is how probable a word was found, typically. Perplexity is "
                "among how many words: one over that.",
            ),
            (
                "the loss in bits",
                lambda loss_per_token: loss_per_token / np.log(2),
                "That turns nats into bits. Perplexity is a number of words.",
            ),
            (
                "the loss itself",
                lambda loss_per_token: loss_per_token,
                "The loss is the logarithm of what is asked.",
            ),
            (
                "exp and 1 taken off",
                np.expm1,
                "A model that is always sure and right has the perplexity 1: it chooses among one.",
            ),
            (
                "logarithm in place of exp",
                lambda loss_per_token: np.log(max(loss_per_token, 1e-300)),
                "The loss is a logarithm already; undo it.",
            ),
            (
                "loss turned into bits before exp",
                lambda loss_per_token: np.exp(loss_per_token / np.log(2)),
                "In bits the power is one of 2, in nats one of e; this mixes them.",
            ),
            (
                "rounded",
                lambda loss_per_token: float(np.round(np.exp(loss_per_token))),
                "A perplexity need not be a whole number.",
            ),
            (
                "2 to the power of the loss, upside down",
                lambda loss_per_token: 2.0**-loss_per_token,
                "The loss is a natural logarithm, and minus that of a probability.",
            ),
        )
    ),
)

EXERCISES = (
    PERPLEXITY,
    STACKED_LSTM_FORWARD,
    STACKED_LSTM_BACKWARD,
    DROPOUT_MASK,
    VARIATIONAL_MASK,
    TIED_SOFTMAX_LOSS,
)
