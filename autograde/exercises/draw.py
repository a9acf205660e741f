"""12 · draw: images as sequences, read row by row and drawn in steps."""

from functools import partial

import numpy as np

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
from autograde.exercises.many import gradients_of_many, lstm_step_of_many
from autograde.gradcheck import exact_gradients
from helpers import draw
from helpers.draw import CLASSIFIER, DECODER, ENCODER, PARAMETERS, SIDE, STATE
from helpers.losses import softmax
from helpers.lstm import (
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    sigmoid,
)
from helpers.rnn import readout_backward

exercise = partial(Exercise, notebook="12")

PIXELS = SIDE * SIDE


# read_rows ----------------------------------------------------------------------------------------


def rows_problem(rng, s):
    return {"images": problems.normal(rng, s["N"], PIXELS)}


def _square(images):
    return images.reshape(-1, SIDE, SIDE)


ROWS_MISTAKES = (
    (
        "columns in place of rows",
        lambda images: _square(images).swapaxes(1, 2),
        "A step is a row, from left to right: the pixels of a row lie side by side in images.",
    ),
    (
        "bottom row first",
        lambda images: _square(images)[:, ::-1],
        "The first step reads the top row.",
    ),
    (
        "rows from right to left",
        lambda images: _square(images)[:, :, ::-1],
        "A row's pixels stay in the order in which they lie.",
    ),
    (
        "images upside down",
        lambda images: _square(images)[:, ::-1, ::-1],
        "The first step reads the top row, from left to right.",
    ),
    (
        "time as the first axis",
        lambda images: _square(images).swapaxes(0, 1),
        "The batch is axis 0, and time is axis 1: (N, T, D).",
    ),
    (
        "images mixed up",
        lambda images: images.reshape(SIDE, -1, SIDE).swapaxes(0, 1),
        "Each image keeps its own pixels. A reshape only cuts what lies in a row of memory, so the "
        "axis that is already right, N, has to stay in front.",
    ),
    (
        "pixel by pixel",
        lambda images: images[:, :, None],
        "A step reads a whole row of 8 pixels, so there are 8 steps.",
    ),
    (
        "a single step",
        lambda images: images[:, None],
        "That is a sequence of one step that reads the whole image.",
    ),
    (
        "brightness scaled",
        lambda images: _square(images) / images.max(),
        "The pixels keep their values.",
    ),
)

READ_ROWS = exercise(
    name="read_rows",
    points=1,
    reference=draw.read_rows,
    problem=rows_problem,
    returns=values(rows="NTD"),
    sizes="N",
    mistakes=tuple(Mistake(*one) for one in ROWS_MISTAKES),
)


# classify -----------------------------------------------------------------------------------------


def classify_problem(rng, s):
    H = s["H"]
    return {
        "images": problems.normal(rng, s["N"], PIXELS),
        "params": {
            **problems.cell(rng, {"D": SIDE, "H": H}, gates=4),
            "Wy": problems.normal(rng, H, 10),
            "by": problems.normal(rng, 10),
        },
    }


def classifying(
    rows=_square,
    steps=lambda x: x,
    seen=lambda h, c: h[:, -1],
    bias=1,
    finish=lambda scores: scores,
):
    """A wrong `classify`, by what is wrong with it.

    Args:
        rows: images -> sequences.
        steps: sequences -> those that are read.
        seen: all states, the last cell -> what is read out.
        bias: factor of by.
        finish: what is changed at the end.
    """

    def wrong(images, params):
        x = steps(rows(images))
        start = np.zeros((len(x), len(params["Wh"])), params["Wh"].dtype)
        h, c, _ = lstm_forward(x, start, start, *(params[name] for name in CLASSIFIER[:3]))
        return finish(seen(h, c) @ params["Wy"] + bias * params["by"])

    return wrong


CLASSIFY_MISTAKES = (
    (
        "the first state read out",
        classifying(seen=lambda h, c: h[:, 0]),
        "After the first step only the top row has been read.",
    ),
    (
        "the state before the last read out",
        classifying(seen=lambda h, c: h[:, -2]),
        "The last state is the one that has read all the rows.",
    ),
    (
        "mean of the states read out",
        classifying(seen=lambda h, c: h.mean(axis=1)),
        "Many-to-one reads the last state only: it has seen all the rows.",
    ),
    (
        "sum of the states read out",
        classifying(seen=lambda h, c: h.sum(axis=1)),
        "Many-to-one reads the last state only: it has seen all the rows.",
    ),
    (
        "cell read out",
        classifying(seen=lambda h, c: c),
        "A cell stays inside its LSTM: what others see of it is h.",
    ),
    (
        "only the last row read",
        classifying(steps=lambda x: x[:, -1:]),
        "Every step starts from the state before it. Here the last one started from zeros.",
    ),
    (
        "columns in place of rows",
        classifying(rows=lambda images: _square(images).swapaxes(1, 2)),
        "A step reads a row. read_rows makes them.",
    ),
    (
        "bottom row first",
        classifying(rows=lambda images: _square(images)[:, ::-1]),
        "The first step reads the top row, the last one the bottom row.",
    ),
    (
        "images mixed up",
        classifying(rows=lambda images: images.reshape(SIDE, -1, SIDE).swapaxes(0, 1)),
        "Each image keeps its own pixels: the axis N stays in front when images are reshaped.",
    ),
    (
        "bias of the readout left out",
        classifying(bias=0),
        "scores = h Wy + by.",
    ),
    (
        "probabilities in place of scores",
        classifying(finish=softmax),
        "The loss takes the softmax. What is asked are the scores.",
    ),
    (
        "labels in place of scores",
        classifying(finish=lambda scores: scores.argmax(axis=1)),
        "Ten scores an image are asked; whoever wants the label takes the argmax.",
    ),
    (
        "scores at every step",
        classifying(seen=lambda h, c: h),
        "Many-to-one: one row of scores for each image, (N, 10).",
    ),
)

CLASSIFY = exercise(
    name="classify",
    points=3,
    reference=draw.classify,
    keys=(draw._classify,),
    problem=classify_problem,
    returns=values(scores="NV"),
    sizes="NH",
    builds_on=("read_rows", "lstm_forward", "lstm_step_forward", "readout"),
    mistakes=tuple(Mistake(*one) for one in CLASSIFY_MISTAKES),
)


# bernoulli_loss -----------------------------------------------------------------------------------


def pixels_problem(rng, s, shade=lambda x: x):
    N, P = s["N"], s["D"]
    return {
        "canvas": 2 * problems.normal(rng, N, P),
        "images": shade(rng.uniform(0.05, 0.95, (N, P))),
    }


def pixels_edges(rng, s):
    far = pixels_problem(rng, {**s, "N": 3}, np.round)
    signs = np.where(rng.random(far["canvas"].shape) < 0.5, -1000.0, 1000.0)
    signs.flat[:2], far["images"].flat[:2] = (1000, -1000), (0, 1)
    high = {**far, "canvas": np.abs(far["canvas"]) + 40}
    return {
        "for black and white pixels": pixels_problem(rng, s, np.round),
        "for scores around 40": high,
        "for scores of ±1000": {**far, "canvas": signs},
        "for a single pixel": pixels_problem(rng, {**s, "D": 1}),
    }


def pixels_loss(
    cost=lambda a, x: np.logaddexp(0, a) - x * a,
    over=lambda a: len(a),
    slope=lambda a, x: sigmoid(a) - x,
    slope_over=None,
    turn=(1, 1),
):
    """A wrong `bernoulli_loss`: what a pixel costs, its slope, what both are divided by, signs."""

    def wrong(canvas, images):
        total = cost(canvas, images).sum() / over(canvas)
        by = (slope_over or over)(canvas)
        return turn[0] * total, turn[1] * slope(canvas, images) / by

    return wrong


def _naive(a, x):
    p = 1 / (1 + np.exp(-a))
    return -x * np.log(p) - (1 - x) * np.log(1 - p)


def _guarded(small, clipped):
    def cost(a, x):
        p = sigmoid(a)
        if clipped:
            p = np.clip(p, small, 1 - small)
            return -x * np.log(p) - (1 - x) * np.log(1 - p)
        return -x * np.log(p + small) - (1 - x) * np.log(1 - p + small)

    return cost


BERNOULLI_MISTAKES = (
    (
        "sum over the batch",
        pixels_loss(over=lambda a: 1),
        "The batch is averaged: divide by N.",
    ),
    (
        "mean over the pixels as well",
        pixels_loss(over=np.size),
        "The pixels of an image are summed; only the batch is averaged.",
    ),
    (
        "divided by the number of pixels",
        pixels_loss(over=lambda a: a.shape[1]),
        "The pixels are summed and the batch is averaged: divide by N.",
    ),
    (
        "gradient not divided by N",
        pixels_loss(slope_over=lambda a: 1),
        "The loss is a mean over the batch, and its gradient carries the same factor.",
    ),
    (
        "σ' once too often",
        pixels_loss(slope=lambda a, x: (sigmoid(a) - x) * sigmoid(a) * (1 - sigmoid(a))),
        "σ(a) - x is the gradient at the score already: the slope of σ has cancelled out.",
    ),
    (
        "gradient at the probability",
        pixels_loss(slope=lambda a, x: (sigmoid(a) - x) / (sigmoid(a) * (1 - sigmoid(a)))),
        "That is the gradient at p = σ(a). It has to go on through σ, to the score.",
    ),
    (
        "sign of the gradient",
        pixels_loss(turn=(1, -1)),
        "A score that is too high has to be lowered, so its gradient is positive: σ(a) - x.",
    ),
    (
        "sign of the loss",
        pixels_loss(turn=(-1, 1)),
        "A loss is minus the log likelihood, so it is never negative.",
    ),
    (
        "only the pixels that are on",
        pixels_loss(lambda a, x: -x * np.log(sigmoid(a))),
        "A pixel that is off costs as well: -(1 - x) log(1 - p).",
    ),
    (
        "only the pixels that are off",
        pixels_loss(lambda a, x: -(1 - x) * np.log(1 - sigmoid(a))),
        "A pixel that is on costs as well: -x log p.",
    ),
    (
        "on and off exchanged",
        pixels_loss(
            lambda a, x: np.logaddexp(0, a) - (1 - x) * a,
            slope=lambda a, x: sigmoid(a) - 1 + x,
        ),
        "σ(a) is the probability that a pixel is on.",
    ),
    (
        "squared error",
        pixels_loss(
            lambda a, x: (sigmoid(a) - x) ** 2,
            slope=lambda a, x: 2 * (sigmoid(a) - x) * sigmoid(a) * (1 - sigmoid(a)),
        ),
        "What is asked is minus the logarithm of the probability of what is there.",
    ),
    (
        "canvas taken for probabilities",
        pixels_loss(
            lambda a, x: -x * np.log(a) - (1 - x) * np.log(1 - a),
            slope=lambda a, x: a - x,
        ),
        "The canvas holds scores from minus to plus infinity; σ makes probabilities of them.",
    ),
    (
        "bits in place of nats",
        pixels_loss(
            lambda a, x: (np.logaddexp(0, a) - x * a) / np.log(2),
            slope=lambda a, x: (sigmoid(a) - x) / np.log(2),
        ),
        "The course counts in nats: the natural logarithm.",
    ),
    (
        "exponential that overflows",
        pixels_loss(lambda a, x: np.log(1 + np.exp(a)) - x * a),
        "exp of 1000 is infinite. For a > 0 take e^a out of the logarithm: "
        "log(1 + e^a) = a + log(1 + e^-a).",
    ),
    (
        "logarithm of 0",
        pixels_loss(_naive),
        "For a large score σ is 1 in floating point, and 1 - σ is 0. Work the logarithm out on "
        "paper: -log(1 - σ(a)) = log(1 + e^a), and put that in a form that does not overflow.",
    ),
    *(
        (
            f"probabilities clipped at {small}" if clipped else f"{small} inside the logarithms",
            pixels_loss(_guarded(small, clipped)),
            "A small number that guards the logarithm changes what unlikely pixels cost. Work the "
            "logarithm out on paper: no guard is needed then.",
        )
        for small in (1e-6, 1e-7, 1e-8, 1e-10, 1e-12, 1e-15)
        for clipped in (False, True)
    ),
)

BERNOULLI_LOSS = exercise(
    name="bernoulli_loss",
    points=3,
    reference=draw.bernoulli_loss,
    problem=pixels_problem,
    returns=values(loss="") + gradients(dcanvas="NP"),
    measured=lambda a: {
        "dcanvas": exact_gradients(
            lambda a: draw.bernoulli_loss(a["canvas"], a["images"])[0], a, ["canvas"]
        )["canvas"]
    },
    sizes="N",
    edges=pixels_edges,
    builds_on=("sigmoid",),
    mistakes=tuple(Mistake(*one) for one in BERNOULLI_MISTAKES),
)


# latent_forward -----------------------------------------------------------------------------------


def latent_problem(rng, s, spread=0.7):
    shape = s["N"], s["D"]
    return {
        "mu": problems.normal(rng, *shape),
        "log_sigma": spread * problems.normal(rng, *shape),
        "noise": problems.normal(rng, *shape),
    }


def latent_edges(rng, s, draw_one=latent_problem):
    none = draw_one(rng, s)
    return {
        "for a standard normal distribution": {
            **none,
            "mu": 0 * none["mu"],
            "log_sigma": 0 * none["log_sigma"],
        },
        "for very narrow and very wide distributions": draw_one(rng, s, spread=3.0),
        "where the noise is zero": {**none, "noise": 0 * none["noise"]},
        "for a single latent number": draw_one(rng, {**s, "D": 1}),
    }


def latent(
    sigma=np.exp,
    z=lambda mu, sigma, noise: mu + sigma * noise,
    kl=lambda mu, sigma, log_sigma, z, noise: 0.5 * (mu**2 + sigma**2 - 1) - log_sigma,
    total=lambda kl: kl.sum(axis=1),
):
    """A wrong `latent_forward`: of σ, of z, of what a number costs, and of how that is summed."""

    def wrong(mu, log_sigma, noise):
        s = sigma(log_sigma)
        drawn = z(mu, s, noise)
        return drawn, total(kl(mu, s, log_sigma, drawn, noise)), None

    return wrong


def _kl_of(mu, sigma, log_sigma, *_):
    return 0.5 * (mu**2 + sigma**2 - 1) - log_sigma


LATENT_MISTAKES = (
    (
        "log σ taken for σ",
        latent(
            lambda log_sigma: log_sigma,
            kl=lambda mu, s, ls, *_: 0.5 * (mu**2 + np.exp(2 * ls) - 1) - ls,
        ),
        "The network makes the logarithm of σ, so that σ = exp(log σ) is positive.",
    ),
    (
        "log σ taken for log σ²",
        latent(
            lambda ls: np.exp(0.5 * ls),
            kl=lambda mu, s, ls, *_: 0.5 * (mu**2 + np.exp(ls) - 1 - ls),
        ),
        "What comes in is the logarithm of σ, and not that of the variance σ².",
    ),
    (
        "log σ taken for log σ² in z",
        latent(
            lambda ls: np.exp(0.5 * ls),
            kl=lambda mu, s, ls, *_: 0.5 * (mu**2 + np.exp(2 * ls) - 1) - ls,
        ),
        "What comes in is the logarithm of σ, and not that of the variance σ².",
    ),
    (
        "log σ taken for log σ² in kl",
        latent(kl=lambda mu, s, ls, *_: 0.5 * (mu**2 + np.exp(ls) - 1 - ls)),
        "What comes in is the logarithm of σ, and not that of the variance σ²: kl has σ², which is "
        "exp(2 log σ).",
    ),
    (
        "noise left out",
        latent(z=lambda mu, s, noise: mu),
        "z is a draw: its mean, and σ times the noise.",
    ),
    (
        "noise not scaled by σ",
        latent(z=lambda mu, s, noise: mu + noise),
        "The noise has a width of 1, and z one of σ.",
    ),
    (
        "noise scaled by σ²",
        latent(z=lambda mu, s, noise: mu + s * s * noise),
        "The variance of z is σ², and so its width is σ.",
    ),
    (
        "mean scaled by σ",
        latent(z=lambda mu, s, noise: s * (mu + noise)),
        "σ scales the noise alone.",
    ),
    (
        "½ of the divergence left out",
        latent(kl=lambda *a: 2 * _kl_of(*a)),
        "kl = ½ Σ (μ² + σ² - 1) - Σ log σ.",
    ),
    (
        "½ before the logarithm as well",
        latent(kl=lambda mu, s, ls, *_: 0.5 * (mu**2 + s**2 - 1 - ls)),
        "½ log σ² is log σ: it has no ½ of its own.",
    ),
    (
        "- 1 left out of the divergence",
        latent(kl=lambda *a: _kl_of(*a) + 0.5),
        "A standard normal distribution costs nothing: with μ = 0 and σ = 1 kl is 0.",
    ),
    (
        "μ² left out of the divergence",
        latent(kl=lambda mu, s, ls, *_: 0.5 * (s**2 - 1) - ls),
        "Moving the mean costs as well.",
    ),
    (
        "σ² left out of the divergence",
        latent(kl=lambda mu, s, ls, *_: 0.5 * (mu**2 - 1) - ls),
        "Being wide costs as well, and that keeps σ from growing.",
    ),
    (
        "log σ left out of the divergence",
        latent(kl=lambda mu, s, ls, *_: 0.5 * (mu**2 + s**2 - 1)),
        "Being narrow costs as well: to say where z lies more exactly takes more nats.",
    ),
    (
        "σ in place of σ² in the divergence",
        latent(kl=lambda mu, s, ls, *_: 0.5 * (mu**2 + s - 1) - ls),
        "The divergence has the variance in it, σ².",
    ),
    (
        "sign of log σ",
        latent(kl=lambda mu, s, ls, *_: 0.5 * (mu**2 + s**2 - 1) + ls),
        "A narrow distribution costs: its log σ is far below zero, and kl is large.",
    ),
    (
        "sign of the divergence",
        latent(kl=lambda *a: -_kl_of(*a)),
        "A divergence is never negative.",
    ),
    (
        "divergence the other way round",
        latent(kl=lambda mu, s, ls, *_: 0.5 * ((1 + mu**2) / s**2 - 1) + ls),
        "That is the divergence of the standard normal from the encoder's distribution. The draws "
        "are the encoder's, so it is the other way round.",
    ),
    (
        "divergence estimated from the draw",
        latent(kl=lambda mu, s, ls, z, noise: 0.5 * (z**2 - noise**2) - ls),
        "On average over the noise that is right; but the average is known, and needs no noise.",
    ),
    (
        "mean over the latent numbers",
        latent(total=lambda kl: kl.mean(axis=1)),
        "The divergences of independent numbers add up.",
    ),
    (
        "sum over the batch",
        latent(total=np.sum),
        "Every image has a kl of its own, (N,); the loss averages them.",
    ),
    (
        "a kl for each latent number",
        latent(total=lambda kl: kl),
        "Sum over the latent numbers: one kl an image, (N,).",
    ),
    (
        "summed over the wrong axis",
        latent(total=lambda kl: kl.sum(axis=0)),
        "Sum over the latent numbers, axis 1: every image has a kl of its own.",
    ),
)

LATENT_FORWARD = exercise(
    name="latent_forward",
    points=3,
    reference=draw.latent_forward,
    problem=latent_problem,
    returns=(*values(z="NZ", kl="N"), CACHE),
    sizes="N",
    edges=latent_edges,
    mistakes=tuple(Mistake(*one) for one in LATENT_MISTAKES),
)


# latent_backward ----------------------------------------------------------------------------------


def latent_backward_problem(rng, s, **kind):
    problem = latent_problem(rng, s, **kind)
    shape = problem["mu"].shape
    return {
        **problem,
        "dz": problems.normal(rng, *shape),
        "dkl": problems.normal(rng, len(problem["mu"])),
    }


def latent_back(
    mean=lambda dz, k, mu: dz + k * mu,
    width=lambda dz, k, s, noise: dz * s * noise + k * (s * s - 1),
    each=lambda dkl: dkl[:, None],
    finish=lambda dmu, dlog_sigma: (dmu, dlog_sigma),
):
    """A wrong `latent_backward`: of dmu, of dlog_sigma, of dkl, and of what is returned."""

    def wrong(dz, dkl, cache):
        mu, sigma, noise = cache
        k = each(dkl)
        return finish(mean(dz, k, mu), width(dz, k, sigma, noise))

    return wrong


LATENT_BACK_MISTAKES = (
    (
        "dkl left out",
        latent_back(each=lambda dkl: 0 * dkl[:, None]),
        "μ and σ reach the loss in two ways, through z and through kl.",
    ),
    (
        "dz left out",
        latent_back(mean=lambda dz, k, mu: k * mu, width=lambda dz, k, s, noise: k * (s * s - 1)),
        "μ and σ reach the loss in two ways, through z and through kl.",
    ),
    (
        "dkl taken for 1",
        latent_back(each=lambda dkl: np.ones_like(dkl)[:, None]),
        "What arrives at kl need not be 1: multiply by it.",
    ),
    (
        "kl left out of dmu",
        latent_back(mean=lambda dz, k, mu: dz),
        "μ reaches the loss in two ways, through z and through kl, whose slope there is μ.",
    ),
    (
        "kl left out of dlog_sigma",
        latent_back(width=lambda dz, k, s, noise: dz * s * noise),
        "σ reaches the loss in two ways, through z and through kl.",
    ),
    (
        "dz left out of dlog_sigma",
        latent_back(width=lambda dz, k, s, noise: k * (s * s - 1)),
        "z = μ + σ · noise: σ moves z as far as the noise is large.",
    ),
    (
        "noise left out of dlog_sigma",
        latent_back(width=lambda dz, k, s, noise: dz * s + k * (s * s - 1)),
        "z = μ + σ · noise: σ moves z as far as the noise is large.",
    ),
    (
        "gradient with respect to σ",
        latent_back(width=lambda dz, k, s, noise: dz * noise + k * (s - 1 / s)),
        "It is log σ that the network makes. One more factor leads there: dσ/dlog σ = σ.",
    ),
    (
        "gradient of z with respect to σ",
        latent_back(width=lambda dz, k, s, noise: dz * noise + k * (s * s - 1)),
        "The part through kl is right. The part through z is that of σ; for log σ it takes one "
        "more factor, σ.",
    ),
    (
        "gradient of kl with respect to σ",
        latent_back(width=lambda dz, k, s, noise: dz * s * noise + k * (s - 1 / s)),
        "The part through z is right. The part through kl is that of σ; for log σ it takes one "
        "more factor, σ.",
    ),
    (
        "gradient with respect to log σ²",
        latent_back(width=lambda dz, k, s, noise: 0.5 * (dz * s * noise + k * (s * s - 1))),
        "log_sigma is the logarithm of σ, not that of the variance: there is no ½ here.",
    ),
    (
        "- 1 left out",
        latent_back(width=lambda dz, k, s, noise: dz * s * noise + k * s * s),
        "kl = ½ Σ (μ² + σ² - 1) - log σ, and the slope of - log σ with respect to log σ is - 1.",
    ),
    (
        "σ in place of σ²",
        latent_back(width=lambda dz, k, s, noise: dz * s * noise + k * (s - 1)),
        "½ σ² = ½ exp(2 log σ), whose slope with respect to log σ is exp(2 log σ).",
    ),
    (
        "½ of σ²",
        latent_back(width=lambda dz, k, s, noise: dz * s * noise + k * (0.5 * s * s - 1)),
        "½ σ² = ½ exp(2 log σ): its slope with respect to log σ has a 2 that takes the ½ away.",
    ),
    (
        "μ left out of kl's slope",
        latent_back(mean=lambda dz, k, mu: dz + k),
        "kl has ½ μ², and its slope is μ.",
    ),
    (
        "slope of μ² for ½ μ²",
        latent_back(mean=lambda dz, k, mu: dz + 2 * k * mu),
        "kl has ½ μ², and its slope is μ.",
    ),
    (
        "sign of kl",
        latent_back(each=lambda dkl: -dkl[:, None]),
        "kl is part of the loss: its slopes are added.",
    ),
    (
        "dmu and dlog_sigma exchanged",
        latent_back(finish=lambda dmu, dlog_sigma: (dlog_sigma, dmu)),
        "dmu comes first.",
    ),
    (
        "mean over the batch",
        latent_back(finish=lambda dmu, dls: (dmu / len(dmu), dls / len(dls))),
        "The mean belongs to the loss, and has been taken there.",
    ),
)

LATENT_BACKWARD = Backward(
    name="latent_backward",
    notebook="12",
    points=3,
    reference=draw.latent_backward,
    forward=draw.latent_forward,
    problem=latent_backward_problem,
    upstream=("dz", "dkl"),
    returns=gradients(dmu="NZ", dlog_sigma="NZ"),
    sizes="N",
    edges=lambda rng, s: latent_edges(rng, s, latent_backward_problem),
    mistakes=tuple(Mistake(*one) for one in LATENT_BACK_MISTAKES),
)


# draw_step_forward --------------------------------------------------------------------------------

STATE_AXES = "NP NH NH NH NH"
WEIGHT_AXES = "S4H H4H 4H HZ Z Z4H H4H 4H HP P"  # S: what the encoder sees


def draw_params(rng, s, scale=0.5):
    """Parameters for P = V pixels and Z = D latent numbers a step."""
    P, Z, H = s["V"], s["D"], s["H"]
    seen = {"D": 2 * P + H, "H": H}
    return {
        **dict(zip(ENCODER, problems.cell(rng, seen, gates=4).values(), strict=True)),
        "Wz": scale * problems.normal(rng, H, 2 * Z),
        "bz": scale * problems.normal(rng, 2 * Z),
        **dict(zip(DECODER, problems.cell(rng, {"D": Z, "H": H}, gates=4).values(), strict=True)),
        "Wc": scale * problems.normal(rng, H, P),
        "bc": scale * problems.normal(rng, P),
    }


def some_state(rng, s):
    widths = s["V"], *[s["H"]] * 4
    return {k: problems.normal(rng, s["N"], w) for k, w in zip(STATE, widths, strict=True)}


def step_problem(rng, s):
    return {
        "x": rng.uniform(0.05, 0.95, (s["N"], s["V"])),
        "state": some_state(rng, s),
        "noise": problems.normal(rng, s["N"], s["D"]),
        "params": draw_params(rng, s),
    }


def step_edges(rng, s, draw_one=step_problem):
    blank, black = draw_one(rng, s), draw_one(rng, s)
    return {
        "for a blank canvas and zero states": {
            **blank,
            "state": {k: np.zeros_like(a) for k, a in blank["state"].items()},
        },
        "for black and white pixels": {**black, "x": black["x"].round()},
        "for a single pixel": draw_one(rng, {**s, "V": 1}),
        "for a single latent number": draw_one(rng, {**s, "D": 1}),
    }


def stepping(
    error=lambda x, canvas: x - sigmoid(canvas),
    see=lambda x, e, state: [x, e, state["h_dec"]],
    halves=lambda a, b: (a, b),
    bias=(1, 1),
    chance=draw.latent_forward,
    from_state=lambda state, h_enc, c_enc: (state["h_dec"], state["c_dec"]),
    add=lambda canvas, new: canvas + new,
    write=lambda h_dec, state, h_enc: h_dec,
    finish=lambda new, old: new,
    cost=lambda kl: kl,
):
    """A wrong `draw_step_forward`, by what is wrong with it.

    Args:
        error: x, canvas -> the error image.
        see: x, error, state -> what the encoder reads.
        halves: of what Wz makes -> μ, log σ.
        bias: factors of bz and bc.
        chance: a `latent_forward`.
        from_state: state, the encoder's new ones -> what the decoder starts from.
        add: canvas, what was written -> canvas.
        write: h_dec, state, h_enc -> what Wc writes.
        finish: new state, old state -> what is returned.
        cost: what is changed in kl.
    """

    def wrong(x, state, noise, params):
        seen = np.concatenate(see(x, error(x, state["canvas"]), state), axis=1)
        enc, dec = ([params[name] for name in names] for names in (ENCODER, DECODER))
        h_enc, c_enc, _ = lstm_step_forward(seen, state["h_enc"], state["c_enc"], *enc)
        a = h_enc @ params["Wz"] + bias[0] * params["bz"]
        z, kl, _ = chance(*halves(*np.split(a, 2, axis=1)), noise)
        h_dec, c_dec, _ = lstm_step_forward(z, *from_state(state, h_enc, c_enc), *dec)
        new = write(h_dec, state, h_enc) @ params["Wc"] + bias[1] * params["bc"]
        canvas = add(state["canvas"], new)
        after = dict(zip(STATE, (canvas, h_enc, c_enc, h_dec, c_dec), strict=True))
        return finish(after, state), cost(kl), None

    return wrong


def _exchanged(a, b):
    return lambda new, old: {**new, a: new[b], b: new[a]}


def _kept(*names):
    return lambda new, old: {**new, **{name: old[name] for name in names}}


STEP_MISTAKES = (
    (
        "canvas painted over",
        stepping(add=lambda canvas, new: new),
        "A step adds to the canvas: what was there before stays.",
    ),
    (
        "canvas kept as it was",
        stepping(add=lambda canvas, new: canvas),
        "A step adds what h_dec writes to the canvas.",
    ),
    (
        "written from the decoder's state before the step",
        stepping(write=lambda h_dec, state, h_enc: state["h_dec"]),
        "The decoder reads z first, and its new state writes.",
    ),
    (
        "written by the encoder",
        stepping(write=lambda h_dec, state, h_enc: h_enc),
        "The canvas is written by the decoder: all that it knows of the image came through z.",
    ),
    (
        "σ left out of the error image",
        stepping(error=lambda x, canvas: x - canvas),
        "The canvas holds scores. What it shows is σ(canvas), and that is compared with x.",
    ),
    (
        "sign of the error image",
        stepping(error=lambda x, canvas: sigmoid(canvas) - x),
        "The error image is what is missing: x - σ(canvas).",
    ),
    (
        "the guess in place of the error image",
        stepping(error=lambda x, canvas: sigmoid(canvas)),
        "The encoder reads what is still wrong: x - σ(canvas).",
    ),
    (
        "x in place of the error image",
        stepping(error=lambda x, canvas: x),
        "The encoder reads x, and beside it what is still wrong: x - σ(canvas).",
    ),
    (
        "canvas in place of the error image",
        stepping(error=lambda x, canvas: canvas),
        "The encoder reads what is still wrong: x - σ(canvas).",
    ),
    (
        "the error image before x",
        stepping(see=lambda x, e, state: [e, x, state["h_dec"]]),
        "The order is x, error image, h_dec: the rows of enc_Wx are laid out so.",
    ),
    (
        "h_dec before the images",
        stepping(see=lambda x, e, state: [state["h_dec"], x, e]),
        "The order is x, error image, h_dec: the rows of enc_Wx are laid out so.",
    ),
    (
        "h_dec before the error image",
        stepping(see=lambda x, e, state: [x, state["h_dec"], e]),
        "The order is x, error image, h_dec: the rows of enc_Wx are laid out so.",
    ),
    (
        "the encoder reads its own state",
        stepping(see=lambda x, e, state: [x, e, state["h_enc"]]),
        "Its own state comes in by enc_Wh. What it reads besides the images is the decoder's.",
    ),
    (
        "the encoder reads the decoder's cell",
        stepping(see=lambda x, e, state: [x, e, state["c_dec"]]),
        "A cell stays inside its LSTM: what others see of it is h_dec.",
    ),
    (
        "μ and log σ exchanged",
        stepping(halves=lambda a, b: (b, a)),
        "The first Z columns of Wz make μ, the others log σ.",
    ),
    (
        "μ and log σ in alternate columns",
        stepping(
            halves=lambda a, b: tuple(np.concatenate([a, b], axis=1)[:, k::2] for k in (0, 1))
        ),
        "The first Z columns of Wz make μ, the others log σ.",
    ),
    (
        "noise left out",
        stepping(chance=latent(z=lambda mu, s, noise: mu)),
        "What the decoder reads is a draw, z = μ + σ · noise.",
    ),
    (
        "the decoder reads the noise",
        stepping(chance=latent(z=lambda mu, s, noise: noise)),
        "What the decoder reads is z = μ + σ · noise; noise alone says nothing of the image.",
    ),
    (
        "bz left out",
        stepping(bias=(0, 1)),
        "μ and log σ are h_enc Wz + bz.",
    ),
    (
        "bc left out",
        stepping(bias=(1, 0)),
        "What is written is h_dec Wc + bc.",
    ),
    (
        "the decoder starts from the encoder's state",
        stepping(from_state=lambda state, h_enc, c_enc: (h_enc, c_enc)),
        "Each LSTM goes on from its own state. What the encoder has to say goes through z.",
    ),
    (
        "encoder's and decoder's states exchanged",
        stepping(
            finish=lambda new, old: {
                **new,
                **{f"{k}_enc": new[f"{k}_dec"] for k in "hc"},
                **{f"{k}_dec": new[f"{k}_enc"] for k in "hc"},
            }
        ),
        "h_enc and c_enc are the encoder's.",
    ),
    (
        "h_enc and c_enc exchanged",
        stepping(finish=_exchanged("h_enc", "c_enc")),
        "lstm_step_forward gives h first, then c.",
    ),
    (
        "h_dec and c_dec exchanged",
        stepping(finish=_exchanged("h_dec", "c_dec")),
        "lstm_step_forward gives h first, then c.",
    ),
    (
        "the encoder's state not renewed",
        stepping(finish=_kept("h_enc", "c_enc")),
        "The next step goes on from the encoder's new state.",
    ),
    (
        "the decoder's state not renewed",
        stepping(finish=_kept("h_dec", "c_dec")),
        "The next step goes on from the decoder's new state.",
    ),
    (
        "σ of the canvas returned",
        stepping(finish=lambda new, old: {**new, "canvas": sigmoid(new["canvas"])}),
        "The canvas is a sum of scores over the steps. σ is for who looks at it.",
    ),
    (
        "kl summed over the batch",
        stepping(cost=np.sum),
        "Every image has a kl of its own, (N,).",
    ),
    (
        "kl averaged over the batch",
        stepping(cost=np.mean),
        "Every image has a kl of its own, (N,); the loss averages them.",
    ),
)

DRAW_STEP_FORWARD = exercise(
    name="draw_step_forward",
    points=4,
    reference=draw.draw_step_forward,
    problem=step_problem,
    returns=(Quantity("state", STATE_AXES, keys=STATE), *values(kl="N"), CACHE),
    sizes="NH",
    edges=step_edges,
    builds_on=("latent_forward", "lstm_step_forward", "sigmoid", "readout"),
    mistakes=tuple(Mistake(*one) for one in STEP_MISTAKES),
)


# draw_step_backward -------------------------------------------------------------------------------


def step_of_many(x, state, noise, params):
    """A step and its kl; any array of state and params may have one further axis in front."""
    guess = sigmoid(state["canvas"])
    parts = x, x - guess, state["h_dec"]
    front = np.broadcast_shapes(*(part.shape[:-2] for part in parts))
    parts = [np.broadcast_to(part, (*front, *part.shape[-2:])) for part in parts]
    seen = np.concatenate(parts, axis=-1)  # (..., N, 2P+H)
    h_enc, c_enc = _lstm_of_state(seen, state, params, "enc")
    a = h_enc @ params["Wz"] + params["bz"][..., None, :]
    mu, log_sigma = np.split(a, 2, axis=-1)
    sigma = np.exp(log_sigma)
    kl = (0.5 * (mu**2 + sigma**2 - 1) - log_sigma).sum(axis=-1)  # (..., N)
    h_dec, c_dec = _lstm_of_state(mu + sigma * noise, state, params, "dec")
    canvas = state["canvas"] + h_dec @ params["Wc"] + params["bc"][..., None, :]
    return dict(zip(STATE, (canvas, h_enc, c_enc, h_dec, c_dec), strict=True)), kl


def _lstm_of_state(x, state, params, name):
    weights = (params[f"{name}_{w}"] for w in ("Wx", "Wh", "b"))
    return lstm_step_of_many(x, state[f"h_{name}"], state[f"c_{name}"], *weights)


class StepBackward(Backward):
    """A backward pass between dicts: the state's, and the parameters'."""

    def gradients_of(self, forward, arguments, by=exact_gradients):
        flat = {f"dstate[{k!r}]": a for k, a in arguments["state"].items()} | {
            f"grads[{k!r}]": a for k, a in arguments["params"].items()
        }
        exact = forward is self.forward and by is exact_gradients

        def loss(flat):
            arrays = list(flat.values())
            state = dict(zip(arguments["state"], arrays, strict=False))
            params = dict(zip(arguments["params"], arrays[len(state) :], strict=True))
            step = step_of_many if exact else forward
            new, kl, *_ = step(arguments["x"], state, arguments["noise"], params)
            total = (arguments["dkl"] * kl).sum(axis=-1)
            return total + sum((d * new[k]).sum(axis=(-2, -1)) for k, d in upstream)

        upstream = arguments["dstate"].items()
        return gradients_of_many(loss, flat, list(flat)) if exact else by(loss, flat, list(flat))


def step_backward_problem(rng, s):
    return {
        **step_problem(rng, s),
        "dstate": some_state(rng, s),
        "dkl": problems.normal(rng, s["N"]),
    }


def step_back(
    arriving=lambda dstate: dstate,
    writes=lambda d, dcanvas: d + dcanvas,
    divergence=lambda dkl: dkl,
    chance=draw.latent_backward,
    halves=lambda dmu, dlog_sigma: [dmu, dlog_sigma],
    slope=lambda guess: -guess * (1 - guess),
    where=lambda P: slice(P, 2 * P),
    through=lambda dcanvas, derror: dcanvas + derror,
    reads=lambda dh_dec, dseen: dh_dec + dseen,
    finish=lambda before, grads, N: (before, grads),
):
    """A wrong `draw_step_backward`, by what is wrong with it.

    Args:
        arriving: dstate -> what is used of it.
        writes: what arrives at h_dec, and what comes from the canvas -> h_dec's gradient.
        divergence: dkl -> what is used of it.
        chance: a `latent_backward`.
        halves: dmu, dlog_sigma -> in the order of Wz's columns.
        slope: of the error image with respect to the canvas.
        where: P -> the columns of the error image.
        through: the canvas' two gradients -> that of the canvas before.
        reads: dh_dec of the decoder, and of what the encoder reads -> their sum.
        finish: what is changed at the end.
    """

    def wrong(dstate, dkl, cache):
        guess, h_enc, h_dec, encoder, latent_cache, decoder, params = cache
        P, d = guess.shape[1], arriving(dstate)
        dh, dWc, dbc = readout_backward(d["canvas"], h_dec, params["Wc"])
        dz, dh_dec, dc_dec, *d_dec = lstm_step_backward(writes(d["h_dec"], dh), d["c_dec"], decoder)
        da = np.concatenate(halves(*chance(dz, divergence(dkl), latent_cache)), axis=1)
        dh, dWz, dbz = readout_backward(da, h_enc, params["Wz"])
        dseen, dh_enc, dc_enc, *d_enc = lstm_step_backward(d["h_enc"] + dh, d["c_enc"], encoder)
        dh_dec = reads(dh_dec, dseen[:, 2 * P :])
        dcanvas = through(d["canvas"], dseen[:, where(P)] * slope(guess))
        before = dict(zip(STATE, (dcanvas, dh_enc, dc_enc, dh_dec, dc_dec), strict=True))
        grads = dict(zip(PARAMETERS, (*d_enc, dWz, dbz, *d_dec, dWc, dbc), strict=True))
        return finish(before, grads, len(guess))

    return wrong


def _without(*names):
    """An upstream gradient of which some parts are taken for zero."""
    return lambda dstate: {k: a * (k not in names) for k, a in dstate.items()}


STEP_BACK_MISTAKES = (
    (
        "the canvas' way through the error image left out",
        step_back(through=lambda dcanvas, derror: dcanvas),
        "The canvas before the step goes two ways: the new one is made by adding to it, and the "
        "encoder reads the error image that it leaves.",
    ),
    (
        "the canvas' straight way left out",
        step_back(through=lambda dcanvas, derror: derror),
        "The canvas before the step goes two ways: through the error image, and straight into the "
        "new canvas, which is a sum.",
    ),
    (
        "sign of the error image",
        step_back(slope=lambda guess: guess * (1 - guess)),
        "The error image is x - σ(canvas): minus.",
    ),
    (
        "σ' left out",
        step_back(slope=lambda guess: -1),
        "The error image is x - σ(canvas), and the slope of σ is σ (1 - σ).",
    ),
    (
        "x's columns taken for the error image's",
        step_back(where=lambda P: slice(0, P)),
        "What the encoder reads is x, error image, h_dec, in this order; x comes first.",
    ),
    (
        "the encoder's reading of h_dec left out",
        step_back(reads=lambda dh_dec, dseen: dh_dec),
        "The decoder's state before the step goes two ways: into the decoder, and into what the "
        "encoder reads.",
    ),
    (
        "the decoder's own use of h_dec left out",
        step_back(reads=lambda dh_dec, dseen: dseen),
        "The decoder's state before the step goes two ways: into the decoder, and into what the "
        "encoder reads.",
    ),
    (
        "canvas left out of dh_dec",
        step_back(writes=lambda d, dcanvas: d),
        "h_dec writes on the canvas, so a gradient comes back from there too.",
    ),
    (
        "what arrives at h_dec left out",
        step_back(arriving=_without("h_dec")),
        "h_dec is also handed to the next step, which sends a gradient back.",
    ),
    (
        "what arrives at c_dec left out",
        step_back(arriving=_without("c_dec")),
        "c_dec is handed to the next step, which sends a gradient back.",
    ),
    (
        "what arrives at h_enc left out",
        step_back(arriving=_without("h_enc")),
        "h_enc is handed to the next step as well, which sends a gradient back.",
    ),
    (
        "what arrives at c_enc left out",
        step_back(arriving=_without("c_enc")),
        "c_enc is handed to the next step, which sends a gradient back.",
    ),
    (
        "what arrives at the LSTMs left out",
        step_back(arriving=_without("h_enc", "c_enc", "h_dec", "c_dec")),
        "The states of both LSTMs are handed to the next step, which sends gradients back.",
    ),
    (
        "dkl left out",
        step_back(divergence=np.zeros_like),
        "μ and log σ reach the loss through kl as well.",
    ),
    (
        "dkl taken for 1",
        step_back(divergence=np.ones_like),
        "What arrives at kl need not be 1: multiply by it.",
    ),
    (
        "the draw taken for a constant",
        step_back(chance=lambda dz, dkl, cache: draw.latent_backward(0 * dz, dkl, cache)),
        "z = μ + σ · noise: the noise is a constant, and μ and σ are not. That is what writing z "
        "in this way is for.",
    ),
    (
        "log σ left out",
        step_back(halves=lambda dmu, dlog_sigma: [dmu, 0 * dlog_sigma]),
        "Both halves of Wz have gradients, those of μ and those of log σ.",
    ),
    (
        "dmu and dlog_sigma exchanged",
        step_back(halves=lambda dmu, dlog_sigma: [dlog_sigma, dmu]),
        "The first Z columns of Wz make μ, the others log σ.",
    ),
    (
        "mean over the batch",
        step_back(finish=lambda before, grads, N: (before, {k: g / N for k, g in grads.items()})),
        "The mean belongs to the loss, and has been taken there.",
    ),
)

DRAW_STEP_BACKWARD = StepBackward(
    name="draw_step_backward",
    notebook="12",
    points=6,
    reference=draw.draw_step_backward,
    forward=draw.draw_step_forward,
    problem=step_backward_problem,
    upstream=("dstate", "dkl"),
    returns=(
        Quantity("dstate", STATE_AXES, "gradient", STATE),
        Quantity("grads", WEIGHT_AXES, "gradient", PARAMETERS),
    ),
    sizes="NH",
    edges=lambda rng, s: {
        **step_edges(rng, s, step_backward_problem),
        "when nothing arrives but at the canvas": {
            **(problem := step_backward_problem(rng, s)),
            "dstate": _without(*STATE[1:])(problem["dstate"]),
        },
    },
    builds_on=("latent_backward", "lstm_step_backward", "draw_step_forward", "sigmoid"),
    mistakes=tuple(Mistake(*one) for one in STEP_BACK_MISTAKES),
)


# draw_loss ----------------------------------------------------------------------------------------


def drawing_problem(rng, s, shade=lambda x: x):
    return {
        "images": shade(rng.uniform(0.05, 0.95, (s["N"], s["V"]))),
        "noise": problems.normal(rng, s["T"], s["N"], s["D"]),
        "params": draw_params(rng, s),
    }


def drawing_edges(rng, s):
    return {
        "for black and white pixels": drawing_problem(rng, s, np.round),
        "for a single pixel": drawing_problem(rng, {**s, "V": 1}),
        "for a single latent number": drawing_problem(rng, {**s, "D": 1}),
    }


def _gradients_of_drawing(a):
    images, noise = a["images"], a["noise"]

    def loss(params):
        state, total = draw.blank(len(images), a["params"]), 0
        for step in noise:
            state, kl = step_of_many(images, state, step, params)
            total = total + kl
        canvas = state["canvas"]
        costs = np.log(1 + np.exp(canvas)) - images * canvas  # moderate scores: nothing overflows
        return (costs.sum(axis=-1) + total).mean(axis=-1)

    found = gradients_of_many(loss, a["params"], PARAMETERS)
    return {f"grads[{name!r}]": gradient for name, gradient in found.items()}


def drawing(
    steps=lambda noise: noise,
    price=lambda costs, N: sum(kl.sum() for kl in costs) / N,
    dkl=lambda t, T, N: 1 / N,
    pixels=draw.bernoulli_loss,
    judged="last",
    carry=lambda dstate: dstate,
    add=True,
    weigh=lambda images: 1,
    finish=lambda loss, grads, N: (loss, grads),
):
    """A wrong `draw_loss`, by what is wrong with it.

    Args:
        steps: noise -> that of the steps.
        price: every step's kl, N -> what is added to the loss.
        dkl: t, T, N -> what arrives at a step's kl.
        pixels: a `bernoulli_loss`.
        judged: which canvas the pixels' cost is taken of, "last", "first" or "all".
        carry: dstate -> what the step before gets of it.
        add: whether the weights' gradients add up over time.
        weigh: factor of the pixels' cost.
        finish: what is changed at the end.
    """

    def wrong(images, noise, params):
        state, costs, caches, judgements = draw.blank(len(images), params), [], [], []
        drawn, T, N = steps(noise), len(noise), len(images)
        for step in drawn:
            state, kl, cache = draw.draw_step_forward(images, state, step, params)
            costs.append(kl)
            caches.append(cache)
            judgements.append(pixels(state["canvas"], images))
        counted = {"last": [T - 1], "first": [0], "all": range(T)}[judged]
        loss = price(costs, N) + weigh(images) * sum(judgements[t][0] for t in counted)
        dstate, grads = {name: np.zeros_like(a) for name, a in state.items()}, None
        for t in reversed(range(T)):
            if t in counted:
                new = weigh(images) * judgements[t][1]
                dstate = {**dstate, "canvas": dstate["canvas"] + new}
            back = np.full_like(kl, dkl(t, T, N))
            dstate, new = draw.draw_step_backward(dstate, back, caches[t])
            grads = {k: g + new[k] for k, g in grads.items()} if grads and add else new
            dstate = carry(dstate)
        return finish(loss, grads, N)

    return wrong


def _only_the_canvas(dstate):
    return {k: a * (k == "canvas") for k, a in dstate.items()}


def _only_the_networks(dstate):
    return {k: a * (k != "canvas") for k, a in dstate.items()}


DRAW_LOSS_MISTAKES = (
    (
        "kl left out",
        drawing(price=lambda costs, N: 0, dkl=lambda t, T, N: 0),
        "The bound has two parts, what the pixels cost and what z costs. Without the second "
        "one the encoder may say as much as it likes.",
    ),
    (
        "kl left out of the gradients",
        drawing(dkl=lambda t, T, N: 0),
        "The loss has kl in it, so every step's kl gets a gradient, 1/N.",
    ),
    (
        "kl left out of the loss",
        drawing(price=lambda costs, N: 0),
        "The gradients have kl in them, and the loss itself does not.",
    ),
    (
        "kl of the last step only",
        drawing(price=lambda costs, N: costs[-1].sum() / N, dkl=lambda t, T, N: (t == T - 1) / N),
        "Every step's z costs.",
    ),
    (
        "mean of kl over the steps",
        drawing(
            price=lambda costs, N: sum(kl.sum() for kl in costs) / N / len(costs),
            dkl=lambda t, T, N: 1 / N / T,
        ),
        "What the steps say adds up: sum over the steps, and average over the batch.",
    ),
    (
        "kl summed over the batch",
        drawing(price=lambda costs, N: sum(kl.sum() for kl in costs), dkl=lambda t, T, N: 1),
        "The loss is a mean over the batch, of kl as of the pixels.",
    ),
    (
        "gradient of kl not divided by N",
        drawing(dkl=lambda t, T, N: 1),
        "The loss is a mean over the batch, and what arrives at an image's kl is 1/N.",
    ),
    (
        "sign of kl",
        drawing(
            price=lambda costs, N: -sum(kl.sum() for kl in costs) / N,
            dkl=lambda t, T, N: -1 / N,
        ),
        "Both parts cost: they are added.",
    ),
    (
        "pixels left out",
        drawing(weigh=lambda images: 0),
        "The bound has two parts, what z costs and what the pixels cost under the last canvas.",
    ),
    (
        "mean over the pixels",
        drawing(weigh=lambda images: 1 / images.shape[1]),
        "The pixels are summed, as the steps' kl are; only the batch is averaged.",
    ),
    (
        "every canvas judged",
        drawing(judged="all"),
        "Only the last canvas is the picture. The others may be as unfinished as they like.",
    ),
    (
        "the first canvas judged",
        drawing(judged="first"),
        "The picture is the canvas after the last step.",
    ),
    (
        "sum over the batch",
        drawing(finish=lambda loss, grads, N: (loss * N, {k: g * N for k, g in grads.items()})),
        "The loss is the mean over the batch.",
    ),
    (
        "gradients divided by N once more",
        drawing(finish=lambda loss, grads, N: (loss, {k: g / N for k, g in grads.items()})),
        "bernoulli_loss has divided by N already.",
    ),
    (
        "= for += over time",
        drawing(add=False),
        "This is the share of the first step, which was visited last. The same weights serve every "
        "step, so the shares add up.",
    ),
    (
        "gradients not carried to the step before",
        drawing(carry=lambda dstate: {k: 0 * a for k, a in dstate.items()}),
        "What a step sends back arrives at the step before it.",
    ),
    (
        "only the canvas' gradient carried",
        drawing(carry=_only_the_canvas),
        "The states of both LSTMs go from step to step as well, and so do their gradients.",
    ),
    (
        "the canvas' gradient not carried",
        drawing(carry=_only_the_networks),
        "The canvas goes from step to step, and so does its gradient.",
    ),
    (
        "the first step's noise at every step",
        drawing(steps=lambda noise: np.broadcast_to(noise[:1], noise.shape)),
        "Every step has a draw of its own, noise[t].",
    ),
    (
        "noise in the reverse order",
        drawing(steps=lambda noise: noise[::-1]),
        "The first step draws with noise[0].",
    ),
)

DRAW_LOSS = exercise(
    name="draw_loss",
    points=4,
    reference=draw.draw_loss,
    problem=drawing_problem,
    returns=(*values(loss=""), Quantity("grads", WEIGHT_AXES, "gradient", PARAMETERS)),
    measured=_gradients_of_drawing,
    sizes="NTH",
    may_widen=True,
    edges=drawing_edges,
    builds_on=("draw_step_forward", "draw_step_backward", "bernoulli_loss"),
    mistakes=tuple(Mistake(*one) for one in DRAW_LOSS_MISTAKES),
)

EXERCISES = (
    READ_ROWS,
    CLASSIFY,
    BERNOULLI_LOSS,
    LATENT_FORWARD,
    LATENT_BACKWARD,
    DRAW_STEP_FORWARD,
    DRAW_STEP_BACKWARD,
    DRAW_LOSS,
)
