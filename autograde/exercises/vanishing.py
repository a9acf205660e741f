"""04 · vanishing_gradients: how a gradient shrinks and grows on its way back."""

from functools import partial
from itertools import combinations

import numpy as np

from autograde.diagnosis import describe
from autograde.exercises import problems
from autograde.exercises.declaration import Exercise, Mistake, values
from autograde.report import Finding
from helpers import gradient_flow
from helpers.rnn import rnn_forward

exercise = partial(Exercise, notebook="04")


# problems ---------------------------------------------------------------------------------------


def spiral(rng, n):
    """A recurrent matrix (n, n) whose dominant eigenvalues are a complex pair.

    Their real part is negative. All that a mistake could take for the spectral radius differs from
    it: the largest real part, the largest singular value, norms. One unit has a negative weight.
    The largest entry does not lie on the diagonal.
    """
    radius = rng.uniform(0.8, 1.3)
    if n == 1:
        return np.array([[-radius]])
    angle, shear = rng.uniform(2.2, 2.5), rng.uniform(1.5, 1.8)
    c, s = radius * np.cos(angle), radius * np.sin(angle)
    blocks = _above_the_diagonal(rng, n)
    blocks[:2, :2] = [[c, -s * shear], [s / shear, c]]
    blocks[np.arange(2, n), np.arange(2, n)] = radius * _smaller(rng, n - 2)
    while True:
        W = _turned(rng, blocks)
        if np.abs(np.diag(W)).max() < 0.99 * np.abs(W).max():
            return W


def flipping(rng, n):
    """A recurrent matrix (n, n) whose dominant eigenvalue is real and negative."""
    radius = rng.uniform(0.8, 1.3)
    blocks = _above_the_diagonal(rng, n)
    np.fill_diagonal(blocks, radius * np.array([-1.0, *_smaller(rng, n - 1)]))
    return _turned(rng, blocks)


def _above_the_diagonal(rng, n):
    """What makes a matrix non-normal: its singular values part from its eigenvalues."""
    return np.triu(0.4 * problems.normal(rng, n, n), 1)


def _smaller(rng, n):
    """n eigenvalues of falling size, the first positive, for a radius of 1."""
    falling = -np.sort(-rng.uniform(0.34, 0.5, n))
    return falling * np.where(np.arange(n) % 2, -1, 1)


def _turned(rng, blocks):
    """The same matrix seen from other axes, so that no entry tells its eigenvalues."""
    Q = gradient_flow.orthogonal(len(blocks), rng)
    return Q @ blocks @ Q.T


def matrix_problem(rng, s):
    """At least five units: the smallest, largest and rightmost eigenvalues are then different."""
    return {"W": spiral(rng, s["H"] + 3 if s["H"] > 1 else 1)}


def batch(s):
    """Sizes at which neither H nor the root of N is 2, the batch of the book's experiment."""
    return {**s, "N": 7 if s["N"] == 4 else s["N"], "H": 8 if s["H"] == 2 else s["H"]}


def matrix_edges(rng, s):
    symmetric = problems.normal(rng, 3, 3)
    return {
        "where the eigenvalue that is largest in size is negative": {"W": flipping(rng, 4)},
        "for a symmetric matrix": {"W": symmetric + symmetric.T},
        "for a triangular matrix": {
            "W": np.array([[0.25, 4.0, 1.0], [0.0, -0.5, 3.0], [0.0, 0.0, 0.4]])
        },
        "for a rotation": {"W": np.array([[0.6, -0.8], [0.8, 0.6]])},
    }


def take_array(returned):
    """A list or a tuple of numbers as an array; anything else as it is."""
    if not isinstance(returned, list | tuple) or not returned:
        return returned
    try:
        array = np.array(returned)
    except ValueError:  # of different lengths
        return returned
    return array if array.dtype.kind in "fiub" else returned


def take_pair(returned):
    """An array of two as a tuple; anything else as it is."""
    two = isinstance(returned, np.ndarray) and returned.shape == (2,)
    return tuple(returned) if two else returned


# gradient_norms ---------------------------------------------------------------------------------


def norm(dh):
    return np.sqrt((dh * dh).sum()) / len(dh)


# The size of a gradient (N, H), wrongly: name, rule, what to say.
NORM_MISTAKES = (
    (
        "not divided by N",
        lambda dh: np.sqrt((dh * dh).sum()),
        "The root of the sum is divided by the number of rows, so that a batch of another size "
        "can be compared.",
    ),
    (
        "divided by the root of N",
        lambda dh: np.sqrt((dh * dh).sum() / len(dh)),
        "N stands outside the root: the average is not taken of the squares.",
    ),
    (
        "root left out",
        lambda dh: (dh * dh).sum() / len(dh),
        "A norm is the root of the sum of squares.",
    ),
    (
        "root mean square over all elements",
        lambda dh: np.sqrt((dh * dh).mean()),
        "Sum the squares, take the root, and divide by N only, not by the number of elements.",
    ),
    (
        "divided by the number of elements",
        lambda dh: np.sqrt((dh * dh).sum()) / dh.size,
        "Divide by the number of rows N, not by N times H.",
    ),
    (
        "divided by H in place of N",
        lambda dh: np.sqrt((dh * dh).sum()) / dh.shape[1],
        "The rows are the sequences of the batch: len(dh) counts them.",
    ),
    (
        "divided by 2",
        lambda dh: np.sqrt((dh * dh).sum()) / 2,
        "A fixed 2 serves a batch of two sequences only: dh tells how many there are.",
    ),
    (
        "mean of the rows' norms",
        lambda dh: np.sqrt((dh * dh).sum(axis=1)).mean(),
        "One root over all elements of the batch, not one for each row.",
    ),
    (
        "sum of absolute values",
        lambda dh: np.abs(dh).sum() / len(dh),
        "A norm squares the elements before they are summed, and takes the root after.",
    ),
    (
        "summed before squaring",
        lambda dh: np.abs(dh.sum()) / len(dh),
        "In a plain sum, elements of opposite sign cancel: the squares come first.",
    ),
    (
        "largest singular value of dh",
        lambda dh: np.linalg.norm(dh, 2) / len(dh),
        "For a matrix, NumPy's norm of order 2 is the largest singular value, not the root of the "
        "sum of squares.",
    ),
)


def flow(size=norm, matrix=lambda Wh: Wh.T, before=False, finish=lambda norms, dh: norms):
    """A wrong `gradient_norms`, by what is wrong with it."""

    def wrong(Wh, dh, T):
        first, norms = dh, []
        for _ in range(T):
            if before:
                norms.append(size(dh))
            dh = dh @ matrix(Wh)
            if not before:
                norms.append(size(dh))
        return finish(np.array(norms), first)

    return wrong


def norms_problem(rng, s, matrix=spiral):
    s = batch(s)
    dh = problems.normal(rng, s["N"], s["H"])
    return {"Wh": matrix(rng, s["H"]), "dh": dh, "T": s["T"]}


def _normalised(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(norm(dh))
        dh = dh / norms[-1]
    return np.array(norms)


def _powers_of_entries(Wh, dh, T):
    return np.array([norm(dh @ Wh.T**t) for t in range(1, T + 1)])


GRADIENT_NORMS = exercise(
    name="gradient_norms",
    points=3,
    reference=gradient_flow.gradient_norms,
    problem=norms_problem,
    returns=values(norms="T"),
    sizes="NTH",
    unpack=take_array,
    may_widen=True,
    edges=lambda rng, s: {
        "for a large dh": {**(p := norms_problem(rng, s)), "dh": 1e6 * p["dh"]},
        "for a tiny dh": {**(p := norms_problem(rng, s)), "dh": 1e-9 * p["dh"]},
        "for a matrix that shrinks": {**(p := norms_problem(rng, s)), "Wh": 0.3 * p["Wh"]},
        "over 40 steps": {**norms_problem(rng, s, flipping), "T": 40},
    },
    mistakes=(
        Mistake(
            "Wh not transposed",
            flow(matrix=lambda Wh: Wh),
            "On the way back through a product the matrix is transposed. Wh is square, so no shape "
            "complains.",
        ),
        Mistake(
            "norm taken before the product",
            flow(before=True),
            "The first norm is that after one step back; what you give first is dh's own.",
        ),
        *(Mistake(name, flow(size=size), says) for name, size, says in NORM_MISTAKES),
        Mistake(
            "dh's own norm as well",
            flow(finish=lambda norms, dh: np.array([norm(dh), *norms])),
            "T norms, each after a product; that of dh itself is not among them.",
        ),
        Mistake(
            "only the last norm",
            flow(finish=lambda norms, dh: norms[-1:]),
            "Keep the norm after every step, not only the one at the end.",
        ),
        Mistake(
            "one norm missing",
            flow(finish=lambda norms, dh: norms[:-1]),
            "T steps, T products, T norms: count the rounds of the loop.",
        ),
        Mistake(
            "the gradients in place of their norms",
            flow(size=lambda dh: dh),
            "One number is asked for after each step, the norm of the gradient, and not the "
            "gradient itself.",
        ),
        Mistake(
            "normalised at every step",
            _normalised,
            "The gradient goes on as it is. Divided by its norm after each step, it shows the "
            "growth of single steps, and no longer what arrives.",
        ),
        Mistake(
            "last step first",
            flow(finish=lambda norms, dh: norms[::-1]),
            "The norm after one step back comes first.",
        ),
        Mistake(
            "every step starts from dh again",
            flow(finish=lambda norms, dh: np.full_like(norms, norms[0])),
            "Each product goes on from where the one before it ended.",
        ),
        Mistake(
            "relative to dh's own norm",
            flow(finish=lambda norms, dh: norms / norm(dh)),
            "The norms themselves are asked for, not their growth.",
        ),
        Mistake(
            "entries of Wh to a power",
            _powers_of_entries,
            "** raises every entry on its own. Going back t steps is a product of t matrices.",
        ),
    ),
)


# scalar_gradient --------------------------------------------------------------------------------


def unit_problem(rng, s):
    """States that are far from 0 and from ±1, so that no factor can be missed.

    There are never four, of which the notebook's three would be all but the last.
    """
    T = 7 if s["T"] == 4 else s["T"]
    w_hh = float(rng.choice([-1, 1]) * rng.uniform(1.3, 2.2))
    return {"w_hh": w_hh, "h": rng.choice([-1, 1], T) * rng.uniform(0.3, 0.8, T)}


def unit_edges(rng, s):
    return {
        "for a negative w_hh over three steps": {**unit_problem(rng, {"T": 3}), "w_hh": -1.7},
        "for a unit that is at rest": {"w_hh": 3.0, "h": np.zeros(4)},
        "for a saturated unit": {"w_hh": 3.0, "h": np.array([0.9, -0.99, 0.999])},
        "for w_hh = 0": {**unit_problem(rng, s), "w_hh": 0.0},
    }


def unit(slope=lambda h: 1 - h * h, combine=np.prod):
    """A wrong `scalar_gradient`, from the slope of a step and how the steps combine."""
    return lambda w_hh, h: float(combine(w_hh * slope(h)))


SCALAR_GRADIENT = exercise(
    name="scalar_gradient",
    points=2,
    reference=gradient_flow.scalar_gradient,
    problem=unit_problem,
    returns=values(gradient=""),
    sizes="T",
    edges=unit_edges,
    mistakes=(
        Mistake(
            "slope of tanh left out",
            unit(slope=np.ones_like),
            "Every step goes back through tanh too, whose slope scales the gradient.",
        ),
        Mistake(
            "w_hh left out",
            lambda w_hh, h: float(np.prod(1 - h * h)),
            "Every step multiplies h by w_hh on the way there, and the gradient on the way back.",
        ),
        Mistake(
            "w_hh only once",
            lambda w_hh, h: float(w_hh * np.prod(1 - h * h)),
            "The same weight serves every step, so it stands in the product T times.",
        ),
        Mistake(
            "the steps' factors summed",
            unit(combine=np.sum),
            "One step acts on what the one before it made: the chain rule multiplies.",
        ),
        Mistake(
            "1 - h in place of 1 - h²",
            unit(slope=lambda h: 1 - h),
            "The slope of tanh is 1 - tanh², and h is the tanh.",
        ),
        Mistake(
            "h² in place of 1 - h²",
            unit(slope=lambda h: h * h),
            "The slope of tanh is 1 - tanh²: it is 1 where h is 0.",
        ),
        Mistake(
            "(1 - h)² in place of 1 - h²",
            unit(slope=lambda h: (1 - h) ** 2),
            "It is h alone that is squared: look at the brackets.",
        ),
        Mistake(
            "slope of the sigmoid in place of tanh's",
            unit(slope=lambda h: h * (1 - h)),
            "h (1 - h) is the slope of a sigmoid whose value is h.",
        ),
        Mistake(
            "tanh taken a second time",
            unit(slope=lambda h: 1 - np.tanh(h) ** 2),
            "h holds the states: they have been through tanh already.",
        ),
        Mistake(
            "tanh of w_hh h taken anew",
            lambda w_hh, h: float(np.prod(w_hh * (1 - np.tanh(w_hh * h) ** 2))),
            "h holds the states themselves, and the slope needs nothing else: no tanh has to be "
            "computed here.",
        ),
        Mistake(
            "only the last step",
            lambda w_hh, h: float(w_hh * (1 - h[-1] ** 2)),
            "That is d h_T / d h_{T-1}. From h_T back to h_0 there are T steps.",
        ),
        Mistake(
            "only the first step",
            lambda w_hh, h: float(w_hh * (1 - h[0] ** 2)),
            "That is d h_1 / d h_0. From h_T back to h_0 there are T steps, and each multiplies "
            "what the others have made.",
        ),
        Mistake(
            "product starts from 0",
            lambda w_hh, h: 0.0,
            "The result is 0, and no factor gets a product away from there. What does a product "
            "of no factors at all amount to?",
        ),
        Mistake(
            "logarithm of a negative factor",
            lambda w_hh, h: float(np.exp(np.log(w_hh * (1 - h * h)).sum())),
            "A sum of logarithms knows no negative factors, and w_hh may be negative: multiply.",
        ),
        Mistake(
            "first state left out",
            lambda w_hh, h: float(np.prod(w_hh * (1 - h[1:] ** 2))),
            "h holds h_1 to h_T, and h_0 is not among them: every one of its entries has a step "
            "that leads to it.",
        ),
        Mistake(
            "last state left out",
            lambda w_hh, h: float(np.prod(w_hh * (1 - h[:-1] ** 2))),
            "The last step leads to h_T, and its slope is taken there.",
        ),
        Mistake(
            "slope of the state before the step",
            lambda w_hh, h: float(w_hh ** len(h) * np.prod(1 - h[:-1] ** 2)),
            "The step that leads to h_t has the slope of tanh at h_t, the last step too.",
        ),
        Mistake(
            "sign lost",
            lambda w_hh, h: float(np.prod(np.abs(w_hh) * (1 - h * h))),
            "A gradient has a sign: a negative weight turns it at every step.",
        ),
        Mistake(
            "slopes averaged",
            lambda w_hh, h: float((w_hh * np.mean(1 - h * h)) ** len(h)),
            "The product of the slopes is not a power of their mean: one saturated step is enough "
            "to stop everything.",
        ),
    ),
)


# the two sizes of a matrix ----------------------------------------------------------------------


def singular_values(W):
    return np.linalg.svd(W, compute_uv=False)


def largest_row_sum(W):
    return float(np.abs(W).sum(axis=1).max())


def largest_column_sum(W):
    return float(np.abs(W).sum(axis=0).max())


def frobenius(W):
    return float(np.sqrt((W * W).sum()))


def radius_of(W):
    return np.abs(np.linalg.eigvals(W)).max()


def signed_eigenvalue(W):
    """What a cast to float makes of an eigenvalue: its real part."""
    return np.linalg.eigvals(W).real.max()


SPECTRAL_RADIUS = exercise(
    name="spectral_radius",
    points=1,
    reference=gradient_flow.spectral_radius,
    problem=matrix_problem,
    returns=values(radius=""),
    sizes="H",
    edges=matrix_edges,
    mistakes=(
        Mistake(
            "largest singular value in place of the spectral radius",
            lambda W: singular_values(W).max(),
            "Singular values say how far one product can stretch a vector; the spectral radius "
            "comes from the eigenvalues.",
        ),
        Mistake(
            "largest real part of the eigenvalues",
            signed_eigenvalue,
            "An eigenvalue may be negative or complex, and what counts is its distance from 0: "
            "first the absolute value of each, then the largest.",
        ),
        Mistake(
            "imaginary parts left out",
            lambda W: np.abs(np.linalg.eigvals(W).real).max(),
            "The absolute value of a complex number is the root of both parts' squares; np.abs "
            "knows that, if you leave it the imaginary part.",
        ),
        Mistake(
            "eigenvalues as if W were symmetric",
            lambda W: np.abs(np.linalg.eigvalsh(W)).max(),
            "np.linalg.eigvalsh and eigh read one half of the matrix and take the other half to "
            "be its mirror image. W is not symmetric.",
        ),
        Mistake(
            "smallest eigenvalue in place of the largest",
            lambda W: np.abs(np.linalg.eigvals(W)).min(),
            "In the long run the eigenvalue that is largest in size wins.",
        ),
        Mistake(
            "mean over the eigenvalues",
            lambda W: np.abs(np.linalg.eigvals(W)).mean(),
            "In the long run the eigenvalue that is largest in size wins, and the others are "
            "forgotten.",
        ),
        Mistake(
            "sum over the eigenvalues",
            lambda W: np.abs(np.linalg.eigvals(W)).sum(),
            "Only the largest absolute value is asked for.",
        ),
        Mistake(
            "square of the spectral radius",
            lambda W: radius_of(W) ** 2,
            "The absolute value of a complex number is the root of the sum of the squares.",
        ),
        Mistake(
            "Frobenius norm",
            frobenius,
            "The root of the sum of all squared entries is a norm of the matrix, and at least as "
            "large as the spectral radius. Ask for eigenvalues.",
        ),
        Mistake(
            "absolute determinant",
            lambda W: abs(np.linalg.det(W)),
            "The determinant is the product of all eigenvalues.",
        ),
        Mistake(
            "largest row sum",
            largest_row_sum,
            "The largest row sum of absolute entries is a bound of the spectral radius only.",
        ),
        Mistake(
            "largest column sum",
            largest_column_sum,
            "The largest column sum of absolute entries is a bound of the spectral radius only.",
        ),
        Mistake(
            "largest entry",
            lambda W: np.abs(W).max(),
            "The entries of a matrix are not its eigenvalues.",
        ),
        Mistake(
            "largest entry on the diagonal",
            lambda W: np.abs(np.diag(W)).max(),
            "The diagonal holds the eigenvalues of a triangular matrix only.",
        ),
        Mistake(
            "eigenvectors in place of eigenvalues",
            lambda W: np.abs(np.linalg.eig(W)[1]).max(),
            "np.linalg.eig returns two things, and the eigenvectors are the second of them.",
        ),
    ),
)

LARGEST_SINGULAR_VALUE = exercise(
    name="largest_singular_value",
    points=1,
    reference=gradient_flow.largest_singular_value,
    problem=matrix_problem,
    returns=values(sigma=""),
    sizes="H",
    edges=matrix_edges,
    mistakes=(
        Mistake(
            "spectral radius in place of the largest singular value",
            radius_of,
            "Eigenvalues rule the long run; how far a single product can stretch a vector, the "
            "singular values say.",
        ),
        Mistake(
            "largest real part of the eigenvalues",
            signed_eigenvalue,
            "These are eigenvalues. Singular values are never negative, and come from another "
            "function of np.linalg.",
        ),
        Mistake(
            "root left out",
            lambda W: singular_values(W).max() ** 2,
            "The eigenvalues of the product of W with its own transpose are the squares of the "
            "singular values.",
        ),
        Mistake(
            "smallest singular value in place of the largest",
            lambda W: singular_values(W).min(),
            "That is the least by which W stretches a vector; the most is asked for.",
        ),
        Mistake(
            "sum of the singular values",
            lambda W: singular_values(W).sum(),
            "Only the largest is asked for. (In np.linalg.norm the order 'nuc' is their sum.)",
        ),
        Mistake(
            "Frobenius norm",
            frobenius,
            "np.linalg.norm of a matrix is, if you do not say otherwise, the root of the sum of "
            "all squared entries: it counts every singular value, not the largest alone.",
        ),
        Mistake(
            "largest row sum",
            largest_row_sum,
            "That is how far W stretches a vector when lengths are measured by the largest entry.",
        ),
        Mistake(
            "largest column sum",
            largest_column_sum,
            "That is how far W stretches a vector when lengths are sums of absolute entries.",
        ),
        Mistake(
            "largest entry",
            lambda W: np.abs(W).max(),
            "Several entries together can stretch a vector further than the largest alone.",
        ),
        Mistake(
            "longest row",
            lambda W: np.sqrt((W * W).sum(axis=1)).max(),
            "The longest row or column is a lower bound: a vector that no axis points along may "
            "be stretched further.",
        ),
        Mistake(
            "longest column",
            lambda W: np.sqrt((W * W).sum(axis=0)).max(),
            "The longest row or column is a lower bound: a vector that no axis points along may "
            "be stretched further.",
        ),
        Mistake(
            "elementwise product in place of the matrix product",
            lambda W: np.sqrt(np.linalg.eigvalsh(W.T * W).max()),
            "* multiplies entry by entry. It is the matrix product of W with its own transpose "
            "whose eigenvalues are the squares of the singular values.",
        ),
        Mistake(
            "U in place of the singular values",
            lambda W: np.linalg.svd(W)[0].max(),
            "np.linalg.svd returns three things, and the singular values are not the first.",
        ),
        Mistake(
            "condition number",
            lambda W: np.linalg.cond(W),
            "The largest singular value divided by the smallest says how unevenly W stretches; "
            "the largest alone is asked for.",
        ),
    ),
)


# growth_bounds ----------------------------------------------------------------------------------


def bounds(values=singular_values, power=lambda v, T: v**T, swapped=False):
    """A wrong `growth_bounds`, from what it takes of Wh and how it counts the steps."""

    def wrong(Wh, T):
        found = power(values(Wh), T)
        lower, upper = float(found.min()), float(found.max())
        return (upper, lower) if swapped else (lower, upper)

    return wrong


def _bounds_of_the_power(Wh, T):
    found = singular_values(np.linalg.matrix_power(Wh, T))
    return float(found.min()), float(found.max())


def growth_problem(rng, s):
    """A matrix whose smallest singular value is far enough from 0 to be told by its powers."""
    H = s["H"]
    if H == 1:
        return {"Wh": spiral(rng, H), "T": s["T"]}
    sizes = np.array([*rng.uniform(0.4, 0.7, H - 1), rng.uniform(1.2, 1.6)])
    U, V = gradient_flow.orthogonal(H, rng), gradient_flow.orthogonal(H, rng)
    return {"Wh": U * sizes @ V.T, "T": s["T"]}


GROWTH_BOUNDS = exercise(
    name="growth_bounds",
    points=2,
    reference=gradient_flow.growth_bounds,
    problem=growth_problem,
    returns=values(lower="", upper=""),
    sizes="TH",
    unpack=take_pair,
    edges=lambda rng, s: {
        "where an eigenvalue is negative": {"Wh": flipping(rng, 4), "T": 5},
        "for a triangular matrix": {"Wh": np.array([[0.5, 4.0], [0.0, 0.5]]), "T": 3},
        "for a rotation": {"Wh": np.array([[0.6, -0.8], [0.8, 0.6]]), "T": 7},
    },
    builds_on=("largest_singular_value",),
    mistakes=(
        Mistake(
            "not raised to the power T",
            bounds(power=lambda v, T: v),
            "That bounds one step. Each of the T steps may stretch the gradient once more.",
        ),
        Mistake(
            "times T in place of the power T",
            bounds(power=lambda v, T: v * T),
            "The steps' factors multiply.",
        ),
        Mistake(
            "bounds swapped",
            bounds(swapped=True),
            "The lower bound comes first.",
        ),
        Mistake(
            "eigenvalues in place of the stretch of one step",
            bounds(values=lambda W: np.abs(np.linalg.eigvals(W))),
            "Eigenvalues rule the long run, and bound nothing over a few steps: a product can "
            "stretch a vector further than by any eigenvalue.",
        ),
        Mistake(
            "root left out",
            bounds(values=lambda W: singular_values(W) ** 2),
            "The eigenvalues of the product of Wh with its own transpose are squares: take the "
            "root before the power.",
        ),
        Mistake(
            "one step more",
            bounds(power=lambda v, T: v ** (T + 1)),
            "T steps, T factors.",
        ),
        Mistake(
            "one step less",
            bounds(power=lambda v, T: v ** (T - 1)),
            "T steps, T factors.",
        ),
        Mistake(
            "bounds of the T-th power of Wh",
            _bounds_of_the_power,
            "These are true bounds, and narrower ones. Here those are asked for that can be told "
            "from a single step: take what one step can do, to the power T.",
        ),
        Mistake(
            "the upper bound twice",
            lambda Wh, T: (float(singular_values(Wh).max()) ** T,) * 2,
            "The least that a step can do to a vector bounds the growth from below.",
        ),
        Mistake(
            "lower bound is the upper one's inverse",
            lambda Wh, T: (
                float(singular_values(Wh).max()) ** -T,
                float(singular_values(Wh).max()) ** T,
            ),
            "How far Wh can shrink a vector is not told by how far it can stretch one.",
        ),
        Mistake(
            "lower bound always 0",
            lambda Wh, T: (0.0, float(singular_values(Wh).max()) ** T),
            "If Wh can be inverted, no vector is lost: its least stretch is above 0.",
        ),
        Mistake(
            "Frobenius norm as the upper bound",
            lambda Wh, T: (float(singular_values(Wh).min()) ** T, frobenius(Wh) ** T),
            "np.linalg.norm of a matrix sums all squared entries. That is a bound too, but a "
            "wider one than the most that a step can do.",
        ),
        Mistake(
            "entries of Wh to the power T",
            lambda Wh, T: bounds(power=lambda v, T: v)(Wh**T, T),
            "** raises every entry on its own, and T steps are T products. The power is asked of "
            "the two numbers that bound a single step.",
        ),
        Mistake(
            "spectral radius as the lower bound",
            lambda Wh, T: (float(radius_of(Wh)) ** T, float(singular_values(Wh).max()) ** T),
            "A vector that is no eigenvector may come out shorter than by any eigenvalue: what is "
            "the least that one step can do?",
        ),
        Mistake(
            "stretch of the inverse as the lower bound",
            lambda Wh, T: (
                float(singular_values(Wh).min()) ** -T,
                float(singular_values(Wh).max()) ** T,
            ),
            "The most by which the inverse stretches is 1 divided by the least by which Wh does.",
        ),
    ),
)


# rescale ----------------------------------------------------------------------------------------


def rescale_problem(rng, s, matrix=spiral):
    return {"Wh": matrix(rng, s["H"]), "radius": float(rng.uniform(0.3, 0.6))}


def returns_a_new_array(call, rng, s):
    """Whether a matrix that has the radius already is copied all the same."""
    Wh = spiral(rng, 4)
    if not np.shares_memory(call({"Wh": Wh, "radius": float(radius_of(Wh))}), Wh):
        return None
    return Finding(
        "edge",
        "Where Wh has the radius already, scaled is Wh itself, not a new array. Whoever changes "
        "the one then changes the other too: return a copy, or let a factor of 1 make one.",
        "scaled",
        "argument returned in place of a new array",
    )


def _all_eigenvalues_alike(Wh, radius):
    eigenvalues, V = np.linalg.eig(Wh)
    return np.real(V * (radius * eigenvalues / np.abs(eigenvalues)) @ np.linalg.inv(V))


RESCALE = exercise(
    name="rescale",
    points=2,
    reference=gradient_flow.rescale,
    problem=rescale_problem,
    returns=values(scaled="HH"),
    sizes="H",
    may_widen=True,
    edges=lambda rng, s: {
        "to a radius of 1": {**rescale_problem(rng, s), "radius": 1.0},
        "to a larger radius": {**rescale_problem(rng, s), "radius": 2.5},
        "where the eigenvalue that is largest in size is negative": rescale_problem(
            rng, s, flipping
        ),
        "for a tiny matrix": {"Wh": 1e-3 * spiral(rng, 3), "radius": 0.9},
        "for a triangular matrix": {"Wh": np.array([[0.5, 4.0], [0.0, 0.25]]), "radius": 1.5},
    },
    further=returns_a_new_array,
    builds_on=("spectral_radius",),
    mistakes=(
        Mistake(
            "scaled to that largest singular value",
            lambda Wh, radius: Wh * (radius / singular_values(Wh).max()),
            "It is the spectral radius that should come out as asked for.",
        ),
        Mistake(
            "own radius not divided out",
            lambda Wh, radius: Wh * radius,
            "Times radius, the spectral radius is multiplied by it. First bring it to 1.",
        ),
        Mistake(
            "brought to 1 only",
            lambda Wh, radius: Wh / radius_of(Wh),
            "Now the spectral radius is 1, and still has to become what was asked for.",
        ),
        Mistake(
            "factor upside down",
            lambda Wh, radius: Wh * (radius_of(Wh) / radius),
            "A larger radius should give a larger matrix: which of the two radii belongs on top?",
        ),
        Mistake(
            "divided by both radii",
            lambda Wh, radius: Wh / (radius_of(Wh) * radius),
            "A larger radius should give a larger matrix.",
        ),
        Mistake(
            "largest real part in place of the spectral radius",
            lambda Wh, radius: Wh * (radius / signed_eigenvalue(Wh)),
            "Eigenvalues may be negative or complex: the spectral radius is the largest of their "
            "absolute values.",
        ),
        Mistake(
            "imaginary parts left out",
            lambda Wh, radius: Wh * (radius / np.abs(np.linalg.eigvals(Wh).real).max()),
            "The absolute value of a complex eigenvalue counts both its parts.",
        ),
        Mistake(
            "scaled to that Frobenius norm",
            lambda Wh, radius: Wh * (radius / frobenius(Wh)),
            "np.linalg.norm is another measure of a matrix than its spectral radius.",
        ),
        Mistake(
            "scaled to that largest entry",
            lambda Wh, radius: Wh * (radius / np.abs(Wh).max()),
            "The entries of a matrix are not its eigenvalues.",
        ),
        Mistake(
            "every eigenvalue brought to that size",
            _all_eigenvalues_alike,
            "It is the largest of them that gets this size, by one factor for all, so that their "
            "proportions stay.",
        ),
        Mistake(
            "Wh returned as it was",
            lambda Wh, radius: Wh.copy(),
            "Is the scaled matrix what you return? A product that no name is given to is lost.",
        ),
        Mistake(
            "only ever shrunk",
            lambda Wh, radius: Wh * min(1.0, radius / radius_of(Wh)),
            "A radius larger than that of Wh may be asked for too; then Wh has to grow.",
        ),
        Mistake(
            "sign turned",
            lambda Wh, radius: -Wh * (radius / radius_of(Wh)),
            "Scale by a positive number, or every eigenvalue changes its sign.",
        ),
        Mistake(
            "square of the factor",
            lambda Wh, radius: Wh * (radius / radius_of(Wh)) ** 2,
            "Scaling a matrix by a number scales each of its eigenvalues by that same number.",
        ),
        Mistake(
            "root of the factor",
            lambda Wh, radius: Wh * np.sqrt(radius / radius_of(Wh)),
            "Scaling a matrix by a number scales each of its eigenvalues by that same number.",
        ),
        Mistake(
            "the factor alone",
            lambda Wh, radius: np.full_like(Wh, radius / radius_of(Wh)),
            "This is the number that Wh is to be multiplied by. Return their product.",
        ),
        Mistake(
            "added in place of multiplied",
            lambda Wh, radius: Wh + (radius - radius_of(Wh)) * np.eye(len(Wh)),
            "Adding to the diagonal shifts the eigenvalues; multiplying scales them.",
        ),
        Mistake(
            "the difference added to every entry",
            lambda Wh, radius: Wh + (radius - radius_of(Wh)),
            "A sum turns Wh into another matrix. Multiplying scales every eigenvalue.",
        ),
    ),
)


# orthogonal: any random drawing is right, so it is judged by what it does -----------------------

ORTHOGONAL_TO = 1e-8
OTHER_SEEDS = 6
HARDLY = 0.05  # of seven random matrices, some entry varies by more, for 40 units as well
SLIPS = {
    "float32": "The error is what float32 leaves. Draw and compute in float64, NumPy's own choice.",
    "nearly orthogonal": "It nearly is: look for a rounding, or for a small number that was added.",
    "not orthogonalised": (
        "These columns are neither of length 1 nor at right angles: random numbers alone are not "
        "enough. A factorisation of np.linalg makes an orthogonal matrix of them."
    ),
    "columns normalised only": (
        "Every column has length 1, but they are not at right angles to each other."
    ),
    "rows normalised only": "Every row has length 1, but they are not at right angles.",
    "orthogonal up to a factor": (
        "The columns are at right angles, and all of one length, but not of length 1."
    ),
    "columns not of length 1": "The columns are at right angles, but not of length 1.",
    "triangular factor returned": (
        "This is the triangular factor; the orthogonal one is the other of the two."
    ),
}


def _slip(Q):
    """(name, what to say) of a square array that is not orthogonal."""
    gram, n = Q.T @ Q, len(Q)
    lengths = np.diag(gram)
    at_right_angles = np.allclose(gram - np.diag(lengths), 0, atol=1e-9)
    name = None
    if np.allclose(gram, np.eye(n), atol=1e-3):
        name = "float32" if np.allclose(gram, np.eye(n), atol=1e-5) else "nearly orthogonal"
    elif at_right_angles and np.allclose(lengths, lengths[0], rtol=1e-9) and lengths[0] > 0:
        name = "orthogonal up to a factor"
    elif at_right_angles:
        name = "columns not of length 1"
    elif np.allclose(lengths, 1, atol=1e-6):
        name = "columns normalised only"
    elif np.allclose(np.diag(Q @ Q.T), 1, atol=1e-6):
        name = "rows normalised only"
    elif n > 1 and not (np.tril(Q, -1).any() and np.triu(Q, 1).any()):
        name = "triangular factor returned"
    elif np.linalg.matrix_rank(Q) == n:
        name = "not orthogonalised"
    return name, SLIPS.get(name, "")


def orthogonal_problem(rng, n):
    return {"n": n, "rng": np.random.default_rng(rng.integers(2**32))}


def judge_orthogonal(answer, arguments, call):
    """Whether the matrix is orthogonal, and another one for every generator."""
    n = arguments["n"]
    finding = _orthogonal_or_not(answer, n)
    if finding or n == 1:  # with one unit there are only 1 and -1
        return finding
    drawn = [np.array(answer, np.float64)]
    for seed in range(OTHER_SEEDS):
        another = call({"n": n, "rng": np.random.default_rng([n, seed])})
        finding = _orthogonal_or_not(another, n)
        if finding:
            return finding
        drawn.append(np.array(another, np.float64))
    return _random_or_not(np.stack(drawn))


def _orthogonal_or_not(Q, n):
    if Q is None:
        text = "Expected Q, got nothing (None). Does the function end with a return?"
        return Finding("type", text, "Q", "returns nothing")
    if not isinstance(Q, np.ndarray) or isinstance(Q, np.matrix | np.ma.MaskedArray):
        text = f"Q: expected a NumPy array, got {describe(Q)}."
        if isinstance(Q, tuple):
            text += " np.linalg's factorisations return more than one matrix: pick one of them."
        return Finding("type", text, "Q", "all factors returned" if isinstance(Q, tuple) else None)
    if Q.dtype.kind != "f":
        text = f"Q: expected an array of real floating-point numbers, got dtype {Q.dtype}."
        return Finding("type", text, "Q", f"{Q.dtype} in place of float64")
    if Q.shape != (n, n):
        return Finding("shape", f"Q: expected the shape {(n, n)}, got {Q.shape}.", "Q")
    Q = Q.astype(np.float64)
    if not np.isfinite(Q).all():
        return Finding("finite", "Q: expected finite numbers, got some that are not.", "Q")
    gram = Q.T @ Q
    error = np.abs(gram - np.eye(n))
    if error.max() <= ORTHOGONAL_TO:
        return None
    i, j = (int(k) for k in np.unravel_index(error.argmax(), error.shape))
    what = f"column {i} with itself" if i == j else f"columns {i} and {j}"
    text = (
        f"Q is not orthogonal: the scalar product of {what} should be {float(i == j):.0f}, and is "
        f"{gram[i, j]:.6g} (allowed is an error of {ORTHOGONAL_TO:.0e})."
    )
    name, says = _slip(Q)
    return Finding("values", f"{text} {says}".strip(), "Q", name)


def _random_or_not(drawn):
    """Whether several orthogonal matrices (k, n, n), one from each generator, are random ones."""
    most = np.ptp(drawn, axis=0).max()
    if most < 1e-9:
        same = np.allclose(drawn[0], np.eye(drawn.shape[1]))
        text = "Q is orthogonal, but the same for every rng. " + (
            "The identity leaves every unit to itself: draw a matrix that mixes them."
            if same
            else "Draw from the rng that is passed, and not from a generator made in here."
        )
        return Finding("values", text, "Q", "identity" if same else "rng not used")
    if most < HARDLY:
        text = (
            "Q is orthogonal, but hardly depends on rng: from one generator to the next no entry "
            f"changes by more than {most:.2g}. Draw a matrix that mixes all units at random."
        )
        return Finding("values", text, "Q", "rng hardly used")
    if np.isclose(np.abs(drawn), np.round(np.abs(drawn)), atol=1e-9).all():
        text = (
            "Q is orthogonal, but has nothing in it but 0, 1 and -1: a permutation of the units. "
            "Draw a matrix that mixes them."
        )
        return Finding("values", text, "Q", "permutation")
    part = _fixed_entries(drawn)
    if not part:
        numbers = np.sort(np.abs(drawn).reshape(len(drawn), -1), axis=1)
        if np.ptp(numbers, axis=0).max() < 1e-9:
            text = (
                "Q is orthogonal, but made of the same numbers for every rng, in other places or "
                "with other signs. Draw the numbers themselves."
            )
            return Finding("values", text, "Q", "same numbers in other places")
        if any(np.allclose(a, b, atol=1e-9) for a, b in combinations(drawn, 2)):
            text = (
                "Q is orthogonal, but two different generators gave the same one. Draw it entry "
                "by entry from rng."
            )
            return Finding("values", text, "Q", "few different ones")
        part = _fixed_columns(drawn)
    if part:
        text = f"Q is orthogonal, but {part}. Draw a matrix that mixes all units at random."
        return Finding("values", text, "Q", "partly fixed")
    if drawn.shape[1] > 2 and _dimensions(drawn) <= 2:
        text = (
            "Q is orthogonal, but one random number decides all of it: two or three matrices that "
            "never change are mixed in different shares. Draw a whole matrix of random numbers "
            "to start from."
        )
        return Finding("values", text, "Q", "one random number only")
    return None


def _fixed_entries(drawn):
    """Which entries of matrices (k, n, n) have one size in all of them, in words; or None."""
    still = np.argwhere(np.ptp(np.abs(drawn), axis=0) < 1e-9)
    if len(still) < drawn.shape[1]:
        return None
    i, j = (int(k) for k in still[0])
    return (
        f"its entry [{i}, {j}] has the same size for every rng ({abs(drawn[0, i, j]):.3g}), "
        f"and so have {len(still) - 1} others"
    )


def _fixed_columns(drawn):
    """Which column or row two of the matrices (k, n, n) share, in words; or None."""
    for word, turned in (("column", drawn.swapaxes(1, 2)), ("row", drawn)):
        for a, b in combinations(turned, 2):
            for i, j in np.argwhere(np.abs(a @ b.T) > 1 - 1e-9):  # of unit vectors
                if np.allclose(a[i] * np.sign(a[i] @ b[j]), b[j], rtol=0, atol=1e-9):
                    return f"{word} {i} for one rng is {word} {j} for another, up to the sign"
    return None


def _dimensions(drawn):
    """The dimension of the smallest flat space in which matrices (k, n, n) lie."""
    return np.linalg.matrix_rank(np.diff(drawn.reshape(len(drawn), -1), axis=0), tol=1e-9)


ORTHOGONAL = exercise(
    name="orthogonal",
    points=2,
    reference=gradient_flow.orthogonal,
    problem=lambda rng, s: orthogonal_problem(rng, s["H"] + 3),
    judge=judge_orthogonal,
    floats=False,
    strided=False,
    edges=lambda rng, s: {
        "for one unit": orthogonal_problem(rng, 1),
        "for two units": orthogonal_problem(rng, 2),
        "for 40 units": orthogonal_problem(rng, 40),
    },
)


# tanh_gradient_norms ----------------------------------------------------------------------------


def tanh_problem(rng, s):
    s = batch(s)
    h0 = problems.normal(rng, s["N"], s["H"])
    x = problems.normal(rng, s["N"], s["T"], s["D"])
    weights = problems.cell(rng, s)
    return {"x": x, "h0": h0, **weights, "dh_last": problems.normal(rng, s["N"], s["H"])}


def tanh_flow(
    size=norm,
    slope=lambda h: 1 - h * h,
    states=lambda x, h0, Wx, Wh, b: rnn_forward(x, h0, Wx, Wh, b)[0],
    at=lambda h, h0, t: h[:, t],
    back=lambda dh, scale, Wh: (dh * scale) @ Wh.T,
    arriving=lambda dh, dh_last: dh,
    seen=lambda dh, slope: dh,
    finish=lambda norms: norms[:-1],
):
    """A wrong `tanh_gradient_norms`, by what is wrong with it."""

    def wrong(x, h0, Wx, Wh, b, dh_last):
        h, dh, norms = states(x, h0, Wx, Wh, b), dh_last, []
        for t in reversed(range(h.shape[1])):
            scale = slope(at(h, h0, t))
            norms.append(size(seen(dh, scale)))
            dh = arriving(back(dh, scale, Wh), dh_last)
        norms.append(size(seen(dh, slope(h0))))
        return finish(np.array(norms))

    return wrong


def _before(h, h0, t):
    return h[:, t - 1] if t else h0


def _before_tanh(x, h0, Wx, Wh, b):
    h = rnn_forward(x, h0, Wx, Wh, b)[0]
    return x @ Wx + np.concatenate([h0[:, None], h[:, :-1]], axis=1) @ Wh + b


def _linear(x, h0, Wx, Wh, b):
    h = [h0]
    for t in range(x.shape[1]):
        h.append(x[:, t] @ Wx + h[-1] @ Wh + b)
    return np.stack(h[1:], axis=1)


TANH_SLOPES = (
    (
        "slope of tanh left out",
        np.ones_like,
        "Between a state and the product stands tanh: on the way back its slope comes first, then "
        "the product.",
    ),
    ("1 - h in place of 1 - h²", lambda h: 1 - h, "The slope of tanh is 1 - tanh²."),
    (
        "h² in place of 1 - h²",
        lambda h: h * h,
        "The slope of tanh is 1 - tanh²: it is 1 where h is 0.",
    ),
    (
        "(1 - h)² in place of 1 - h²",
        lambda h: (1 - h) ** 2,
        "It is h alone that is squared: look at the brackets.",
    ),
    (
        "slope of the sigmoid in place of tanh's",
        lambda h: h * (1 - h),
        "h (1 - h) is the slope of a sigmoid whose value is h.",
    ),
    (
        "tanh taken a second time",
        lambda h: 1 - np.tanh(h) ** 2,
        "The states have been through tanh already.",
    ),
)

TANH_GRADIENT_NORMS = exercise(
    name="tanh_gradient_norms",
    points=4,
    reference=gradient_flow.tanh_gradient_norms,
    problem=tanh_problem,
    returns=values(norms="T"),
    sizes="NTDH",
    unpack=take_array,
    may_widen=True,
    edges=lambda rng, s: {
        "for a large dh_last": {**(p := tanh_problem(rng, s)), "dh_last": 1e6 * p["dh_last"]},
        "for a tiny dh_last": {**(p := tanh_problem(rng, s)), "dh_last": 1e-9 * p["dh_last"]},
        "for a saturated net": {**(p := tanh_problem(rng, s)), "b": 4 * p["b"]},
        "where the gradient explodes": {**(p := tanh_problem(rng, s)), "Wh": 6 * p["Wh"]},
    },
    mistakes=(
        *(Mistake(name, tanh_flow(slope=slope), says) for name, slope, says in TANH_SLOPES),
        Mistake(
            "Wh not transposed",
            tanh_flow(back=lambda dh, scale, Wh: (dh * scale) @ Wh),
            "On the way back through a product the matrix is transposed. Wh is square, so no shape "
            "complains.",
        ),
        Mistake(
            "slope of the state before the step",
            tanh_flow(at=_before),
            "The step from h_{t-1} to h_t ends in a tanh whose value is h_t: its slope is taken "
            "there.",
        ),
        Mistake(
            "dh_last's own norm left out",
            tanh_flow(finish=lambda norms: norms[1:]),
            "The first norm is that of dh_last, the gradient at h_T, and the last that at h_1.",
        ),
        Mistake(
            "the gradient at h_0 as well",
            tanh_flow(finish=lambda norms: norms),
            "T norms, for h_T back to h_1: h_0 is not asked for.",
        ),
        Mistake(
            "only the gradient at h_0",
            tanh_flow(finish=lambda norms: norms[-1:]),
            "T norms are asked for, at h_T back to h_1: measure at every state on the way.",
        ),
        Mistake(
            "dh_last's own norm missing",
            tanh_flow(finish=lambda norms: norms[1:-1]),
            "T norms are asked for, from h_T back to h_1. Measure before the first step back.",
        ),
        Mistake(
            "last norm missing",
            tanh_flow(finish=lambda norms: norms[:-2]),
            "T norms are asked for, from h_T back to h_1. The loop ends one state too early.",
        ),
        Mistake(
            "first step first",
            tanh_flow(finish=lambda norms: norms[:-1][::-1]),
            "The gradient travels from the end to the beginning, and the norms come in that order.",
        ),
        Mistake(
            "norm taken behind tanh",
            tanh_flow(seen=lambda dh, slope: dh * slope),
            "The norm at a state is that of dL/dh_t, before it has met tanh's slope.",
        ),
        Mistake(
            "product before the slope",
            tanh_flow(back=lambda dh, scale, Wh: (dh @ Wh.T) * scale),
            "On the way there tanh came last, so on the way back its slope comes first, and the "
            "product after it.",
        ),
        Mistake(
            "slopes from the first step on",
            tanh_flow(at=lambda h, h0, t: h[:, -1 - t]),
            "The gradient meets the last step first: visit the states from the end.",
        ),
        Mistake(
            "dh_last added at every step",
            tanh_flow(arriving=lambda dh, dh_last: dh + dh_last),
            "The loss sees the last state only: nothing arrives from outside at the others.",
        ),
        Mistake(
            "slope of the last state at every step",
            tanh_flow(at=lambda h, h0, t: h[:, -1]),
            "Every step has a slope of its own, that of the state it led to.",
        ),
        Mistake(
            "pre-activation in place of the state",
            tanh_flow(states=_before_tanh),
            "The slope of tanh is 1 - tanh²: what is squared is what came out of tanh, not what "
            "went in.",
        ),
        Mistake(
            "tanh left out on the way there",
            tanh_flow(states=_linear),
            "The states have to go through tanh before their slopes are taken.",
        ),
        Mistake(
            "every step starts from h0",
            tanh_flow(
                states=lambda x, h0, Wx, Wh, b: np.tanh(x @ Wx + (h0 @ Wh)[:, None] + b),
            ),
            "Each step starts from the state that the one before it left.",
        ),
        Mistake(
            "zeros in place of h0",
            tanh_flow(
                states=lambda x, h0, Wx, Wh, b: rnn_forward(x, np.zeros_like(h0), Wx, Wh, b)[0]
            ),
            "The first step starts from h0.",
        ),
        Mistake(
            "bias left out",
            tanh_flow(
                states=lambda x, h0, Wx, Wh, b: rnn_forward(x, h0, Wx, Wh, np.zeros_like(b))[0]
            ),
            "b is added before tanh at every step.",
        ),
        Mistake(
            "input left out",
            tanh_flow(
                states=lambda x, h0, Wx, Wh, b: rnn_forward(np.zeros_like(x), h0, Wx, Wh, b)[0]
            ),
            "The states depend on x, and the slopes on the states.",
        ),
        *(Mistake(name, tanh_flow(size=size), says) for name, size, says in NORM_MISTAKES),
    ),
)


EXERCISES = (
    GRADIENT_NORMS,
    SCALAR_GRADIENT,
    SPECTRAL_RADIUS,
    LARGEST_SINGULAR_VALUE,
    GROWTH_BOUNDS,
    RESCALE,
    ORTHOGONAL,
    TANH_GRADIENT_NORMS,
)
