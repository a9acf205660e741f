"""Wrong answers to notebook 04."""

import numpy as np
from answers import Slips

from helpers import rnn_backward, rnn_forward, rnn_step_backward, rnn_step_forward

slip = Slips()


def size(dh):
    return np.sqrt(np.sum(dh**2)) / len(dh)


# gradient_norms ---------------------------------------------------------------------------------


@slip("gradient_norms", "norms", "Wh not transposed")
def forgot_the_transpose(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh
        norms.append(np.sqrt(np.sum(dh**2)) / len(dh))
    return norms


@slip("gradient_norms", "norms", "Wh not transposed")
def a_power_of_wh_itself(Wh, dh, T):
    return [size(dh @ np.linalg.matrix_power(Wh, t)) for t in range(1, T + 1)]


@slip("gradient_norms", "norms", "norm taken before the product")
def appended_too_early(Wh, dh, T):
    norms = []
    for _ in range(T):
        norms.append(np.linalg.norm(dh) / dh.shape[0])
        dh = dh @ Wh.T
    return np.array(norms)


@slip("gradient_norms", "norms", "not divided by N")
def plain_norm(Wh, dh, T):
    norms = np.zeros(T)
    for t in range(T):
        dh = dh @ Wh.T
        norms[t] = np.linalg.norm(dh)
    return norms


@slip("gradient_norms", "norms", "divided by the root of N")
def n_inside_the_root(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(np.sqrt(np.sum(dh**2) / len(dh)))
    return norms


@slip("gradient_norms", "norms", "root mean square over all elements")
def mean_for_sum(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = np.dot(dh, Wh.T)
        norms.append(np.sqrt(np.mean(dh**2)))
    return norms


@slip("gradient_norms", "norms", "mean of the rows' norms")
def a_norm_for_each_row(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(np.linalg.norm(dh, axis=1).mean())
    return norms


@slip("gradient_norms", "norms", "divided by H in place of N")
def the_other_axis_counted(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(np.linalg.norm(dh) / dh.shape[-1])
    return norms


@slip("gradient_norms", "norms", "largest singular value of dh")
def numpys_norm_of_order_two(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(np.linalg.norm(dh, 2) / len(dh))
    return norms


@slip("gradient_norms", "norms", "summed before squaring")
def squared_after_the_sum(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(np.sqrt(np.sum(dh) ** 2) / len(dh))
    return norms


@slip("gradient_norms", "norms", "one norm missing")
def one_round_too_few(Wh, dh, T):
    norms = []
    for _ in range(1, T):
        dh = dh @ Wh.T
        norms.append(size(dh))
    return norms


@slip("gradient_norms", "norms", "dh's own norm as well")
def starts_the_list_with_dh(Wh, dh, T):
    norms = [size(dh)]
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(size(dh))
    return np.array(norms)


@slip("gradient_norms", "norms", "normalised at every step")
def normalised_against_overflow(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(size(dh))
        dh = dh / norms[-1]
    return norms


@slip("gradient_norms", "norms", "every step starts from dh again")
def new_name_for_the_product(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh_prev = dh @ Wh.T
        norms.append(size(dh_prev))
    return norms


@slip("gradient_norms", "dh", "argument changed in place")
def matmul_in_place(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh @= Wh.T
        norms.append(size(dh))
    return norms


@slip("gradient_norms", None, "one buffer for all calls")
def buffer_as_a_default(Wh, dh, T, norms=np.zeros(100)):  # noqa: B008
    for t in range(T):
        dh = dh @ Wh.T
        norms[t] = size(dh)
    return norms[:T]


@slip("gradient_norms", "norms", "float32 in place of float64")
def a_float32_array_to_fill(Wh, dh, T):
    norms = np.empty(T, dtype=np.float32)
    for t in range(T):
        dh = dh @ Wh.T
        norms[t] = size(dh)
    return norms


@slip("gradient_norms", "norms", "divided by 2")
def divided_by_the_two_of_the_book(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = dh @ Wh.T
        norms.append(np.sqrt(np.sum(dh**2)) / 2)
    return norms


@slip("gradient_norms", "norms", "the gradients in place of their norms")
def the_gradients_themselves(Wh, dh, T):
    steps = []
    for _ in range(T):
        dh = dh @ Wh.T
        steps.append(dh)
    return steps


@slip("gradient_norms", None)
def matrix_from_the_left(Wh, dh, T):
    norms = []
    for _ in range(T):
        dh = Wh.T @ dh
        norms.append(size(dh))
    return norms


@slip("gradient_norms", "norms")
def stops_when_it_has_vanished(Wh, dh, T):
    norms = np.zeros(T)
    for t in range(T):
        dh = dh @ Wh.T
        if size(dh) < 1e-2:
            break
        norms[t] = size(dh)
    return norms


# scalar_gradient --------------------------------------------------------------------------------


@slip("scalar_gradient", "gradient", "slope of tanh left out")
def power_of_the_weight(w_hh, h):
    return w_hh ** len(h)


@slip("scalar_gradient", "gradient", "w_hh left out")
def product_of_slopes(w_hh, h):
    return float(np.prod(1 - h**2))


@slip("scalar_gradient", "gradient", "w_hh only once")
def precedence_of_the_product(w_hh, h):
    return w_hh * np.prod(1 - h**2)


@slip("scalar_gradient", "gradient", "only the last step")
def assigned_in_place_of_multiplied(w_hh, h):
    gradient = 1.0
    for h_t in h:
        gradient = w_hh * (1 - h_t**2)
    return gradient


@slip("scalar_gradient", "gradient", "only the first step")
def assigned_on_the_way_back(w_hh, h):
    gradient = 1.0
    for t in reversed(range(len(h))):
        gradient = w_hh * (1 - h[t] ** 2)
    return gradient


@slip("scalar_gradient", "gradient", "the steps' factors summed")
def added_up(w_hh, h):
    total = 0.0
    for h_t in h:
        total += w_hh * (1 - h_t**2)
    return total


@slip("scalar_gradient", "gradient", "product starts from 0")
def zero_to_begin_with(w_hh, h):
    gradient = 0.0
    for h_t in h:
        gradient *= w_hh * (1 - h_t**2)
    return gradient


@slip("scalar_gradient", "gradient", "(1 - h)² in place of 1 - h²")
def square_outside(w_hh, h):
    return float(np.prod(w_hh * (1 - h) ** 2))


@slip("scalar_gradient", "gradient", "tanh taken a second time")
def slope_by_cosh(w_hh, h):
    return float(np.prod(w_hh / np.cosh(h) ** 2))


@slip("scalar_gradient", "gradient", "slope of the sigmoid in place of tanh's")
def as_for_a_sigmoid(w_hh, h):
    return float(np.prod(w_hh * h * (1 - h)))


@slip("scalar_gradient", "gradient", "tanh of w_hh h taken anew")
def state_computed_anew(w_hh, h):
    gradient = 1.0
    for h_t in h:
        gradient *= w_hh * (1 - np.tanh(w_hh * h_t) ** 2)
    return gradient


@slip("scalar_gradient", "gradient", "first state left out")
def counted_from_one(w_hh, h):
    gradient = 1.0
    for t in range(1, len(h)):
        gradient *= w_hh * (1 - h[t] ** 2)
    return gradient


@slip("scalar_gradient", "gradient", "last state left out")
def one_step_short(w_hh, h):
    gradient = 1.0
    for t in range(len(h) - 1):
        gradient = gradient * w_hh * (1 - h[t] ** 2)
    return gradient


@slip("scalar_gradient", "gradient", "sign lost")
def sum_of_logarithms(w_hh, h):
    return np.exp(np.sum(np.log(np.abs(w_hh)) + np.log(1 - h**2)))


@slip("scalar_gradient", "gradient", "logarithm of a negative factor")
def logarithms_of_a_signed_factor(w_hh, h):
    return np.exp(np.log(w_hh * (1 - h * h)).sum())


@slip("scalar_gradient", "h", "argument changed in place")
def squared_in_place(w_hh, h):
    h *= h
    return float(np.prod(w_hh * (1 - h)))


@slip("scalar_gradient", "gradient")
def product_so_far(w_hh, h):
    return np.cumprod(w_hh * (1 - h**2))


@slip("scalar_gradient", "gradient")
def the_three_steps_of_the_table(w_hh, h):
    return w_hh**3 * (1 - h[0] ** 2) * (1 - h[1 % len(h)] ** 2) * (1 - h[2 % len(h)] ** 2)


@slip("scalar_gradient", "gradient")
def in_half_precision(w_hh, h):
    return float(np.prod(np.float32(w_hh) * (1 - h.astype(np.float32) ** 2)))


# spectral_radius --------------------------------------------------------------------------------


@slip("spectral_radius", "radius", "largest singular value in place of the spectral radius")
def norm_of_order_two(W):
    return np.linalg.norm(W, 2)


@slip("spectral_radius", "radius", "largest real part of the eigenvalues")
def real_parts(W):
    return float(np.max(np.linalg.eigvals(W).real))


@slip("spectral_radius", "radius", "largest real part of the eigenvalues")
def absolute_value_last(W):
    return abs(np.linalg.eigvals(W).max())


@slip("spectral_radius", "radius", "largest real part of the eigenvalues")
def the_complex_maximum(W):
    return np.linalg.eigvals(W).max()


@slip("spectral_radius", "radius", "imaginary parts left out")
def real_before_abs(W):
    return np.abs(np.real(np.linalg.eigvals(W))).max()


@slip("spectral_radius", "radius", "eigenvalues as if W were symmetric")
def eigvalsh(W):
    return np.abs(np.linalg.eigvalsh(W)).max()


@slip("spectral_radius", "radius", "Frobenius norm")
def norm_without_an_order(W):
    return float(np.linalg.norm(W))


@slip("spectral_radius", "radius", "largest column sum")
def norm_of_order_one(W):
    return np.linalg.norm(W, 1)


@slip("spectral_radius", "radius", "eigenvectors in place of eigenvalues")
def second_thing_of_eig(W):
    _, values = np.linalg.eig(W)
    return np.abs(values).max()


@slip("spectral_radius", "radius", "mean over the eigenvalues")
def average_size(W):
    return np.mean(np.abs(np.linalg.eigvals(W)))


@slip("spectral_radius", "radius", "absolute determinant")
def product_of_the_eigenvalues(W):
    return np.prod(np.abs(np.linalg.eigvals(W)))


@slip("spectral_radius", "radius", "square of the spectral radius")
def root_forgotten(W):
    values = np.linalg.eigvals(W)
    return np.max(values.real**2 + values.imag**2)


@slip("spectral_radius", "radius", "largest entry on the diagonal")
def diagonal(W):
    return float(np.abs(np.diag(W)).max())


@slip("spectral_radius", "radius")
def all_of_them(W):
    return np.abs(np.linalg.eigvals(W))


@slip("spectral_radius", "radius")
def power_iteration(W):
    v = np.ones(len(W))
    for _ in range(50):
        v = W @ v
        radius = np.linalg.norm(v)
        v = v / radius
    return radius


@slip("spectral_radius", None)
def both_results_of_eig(W):
    return np.abs(np.linalg.eig(W)).max()


# largest_singular_value -------------------------------------------------------------------------


@slip("largest_singular_value", "sigma", "spectral radius in place of the largest singular value")
def by_eigenvalues(W):
    return np.max(np.abs(np.linalg.eigvals(W)))


@slip("largest_singular_value", "sigma", "root left out")
def eigenvalue_of_the_gram_matrix(W):
    return np.linalg.eigvalsh(W.T @ W).max()


@slip("largest_singular_value", "sigma", "elementwise product in place of the matrix product")
def star_for_at(W):
    return np.sqrt(np.linalg.eigvalsh(W.T * W).max())


@slip("largest_singular_value", "sigma", "smallest singular value in place of the largest")
def last_of_the_sorted(W):
    return np.linalg.svd(W)[1][-1]


@slip("largest_singular_value", "sigma", "U in place of the singular values")
def first_thing_of_svd(W):
    return float(np.linalg.svd(W)[0].max())


@slip("largest_singular_value", "sigma", "Frobenius norm")
def norm_by_default(W):
    return np.linalg.norm(W)


@slip("largest_singular_value", "sigma", "largest row sum")
def norm_of_order_infinity(W):
    return np.linalg.norm(W, np.inf)


@slip("largest_singular_value", "sigma", "sum of the singular values")
def trace_norm(W):
    return np.linalg.svd(W, compute_uv=False).sum()


@slip("largest_singular_value", "sigma", "condition number")
def largest_over_smallest(W):
    s = np.linalg.svd(W, compute_uv=False)
    return s[0] / s[-1]


@slip("largest_singular_value", "sigma", "longest column")
def stretch_of_each_axis(W):
    return max(np.linalg.norm(W @ e) for e in np.eye(len(W)))


@slip("largest_singular_value", "sigma")
def stretch_of_random_vectors(W):
    v = np.random.default_rng(0).standard_normal((200, len(W)))
    return np.max(np.linalg.norm(v @ W.T, axis=1) / np.linalg.norm(v, axis=1))


@slip("largest_singular_value", "sigma")
def every_singular_value(W):
    return np.linalg.svd(W, compute_uv=False)


# growth_bounds ----------------------------------------------------------------------------------


@slip("growth_bounds", "lower", "not raised to the power T")
def bounds_of_one_step(Wh, T):
    s = np.linalg.svd(Wh, compute_uv=False)
    return s.min(), s.max()


@slip("growth_bounds", "lower", "times T in place of the power T")
def star_for_two_stars(Wh, T):
    s = np.linalg.svd(Wh, compute_uv=False)
    return s.min() * T, s.max() * T


@slip("growth_bounds", "lower", "bounds swapped")
def in_the_order_of_svd(Wh, T):
    s = np.linalg.svd(Wh, compute_uv=False)
    return s[0] ** T, s[-1] ** T


@slip("growth_bounds", "lower", "eigenvalues in place of the stretch of one step")
def slogan_of_the_lectures(Wh, T):
    sizes = np.abs(np.linalg.eigvals(Wh))
    return sizes.min() ** T, sizes.max() ** T


@slip("growth_bounds", "lower", "root left out")
def squares_of_singular_values(Wh, T):
    squares = np.linalg.eigvalsh(Wh @ Wh.T)
    return squares[0] ** T, squares[-1] ** T


@slip("growth_bounds", "lower", "one step less")
def one_factor_missing(Wh, T):
    s = np.linalg.svd(Wh, compute_uv=False)
    lower, upper = s.min(), s.max()
    for _ in range(T - 1):
        lower, upper = lower * s.min(), upper * s.max()
    return lower / s.min(), upper / s.max()


@slip("growth_bounds", "lower", "one step more")
def one_factor_too_many(Wh, T):
    s = np.linalg.svd(Wh, compute_uv=False)
    lower, upper = s.min(), s.max()
    for _ in range(T):
        lower, upper = lower * s.min(), upper * s.max()
    return lower, upper


@slip("growth_bounds", "lower", "bounds of the T-th power of Wh")
def svd_after_the_power(Wh, T):
    s = np.linalg.svd(np.linalg.matrix_power(Wh, T), compute_uv=False)
    return s.min(), s.max()


@slip("growth_bounds", "lower", "entries of Wh to the power T")
def power_of_the_entries(Wh, T):
    s = np.linalg.svd(Wh**T, compute_uv=False)
    return s.min(), s.max()


@slip("growth_bounds", "lower", "spectral radius as the lower bound")
def radius_below_and_sigma_above(Wh, T):
    radius = np.abs(np.linalg.eigvals(Wh)).max()
    return radius**T, np.linalg.norm(Wh, 2) ** T


@slip("growth_bounds", "lower", "stretch of the inverse as the lower bound")
def norm_of_the_inverse(Wh, T):
    return np.linalg.norm(np.linalg.inv(Wh), 2) ** T, np.linalg.norm(Wh, 2) ** T


@slip("growth_bounds", "lower", "lower bound always 0")
def nothing_below(Wh, T):
    return 0.0, np.linalg.norm(Wh, 2) ** T


@slip("growth_bounds", "lower", "not raised to the power T")
def power_of_the_lower_bound_forgotten(Wh, T):
    s = np.linalg.svd(Wh, compute_uv=False)
    return s.min(), s.max() ** T


@slip("growth_bounds", None)
def the_upper_bound_alone(Wh, T):
    return np.linalg.svd(Wh, compute_uv=False).max() ** T


# rescale ----------------------------------------------------------------------------------------


def radius_of(Wh):
    return np.abs(np.linalg.eigvals(Wh)).max()


@slip("rescale", "scaled", "own radius not divided out")
def times_the_radius(Wh, radius):
    return Wh * radius


@slip("rescale", "scaled", "brought to 1 only")
def normalised(Wh, radius):
    return Wh / radius_of(Wh)


@slip("rescale", "scaled", "factor upside down")
def old_over_new(Wh, radius):
    return Wh * radius_of(Wh) / radius


@slip("rescale", "scaled", "scaled to that largest singular value")
def by_the_largest_singular_value(Wh, radius):
    return radius * Wh / np.linalg.norm(Wh, 2)


@slip("rescale", "scaled", "scaled to that Frobenius norm")
def by_numpys_norm(Wh, radius):
    return radius * Wh / np.linalg.norm(Wh)


@slip("rescale", "scaled", "scaled to that largest entry")
def by_the_largest_entry(Wh, radius):
    return radius * Wh / np.abs(Wh).max()


@slip("rescale", "scaled", "largest real part in place of the spectral radius")
def by_the_rightmost_eigenvalue(Wh, radius):
    return Wh * radius / np.linalg.eigvals(Wh).real.max()


@slip("rescale", "scaled", "largest real part in place of the spectral radius")
def by_a_complex_eigenvalue(Wh, radius):
    return Wh * radius / np.linalg.eigvals(Wh).max()


@slip("rescale", "Wh", "argument changed in place")
def star_equals(Wh, radius):
    Wh *= radius / radius_of(Wh)
    return Wh


@slip("rescale", "scaled", "Wh returned as it was")
def product_thrown_away(Wh, radius):
    Wh * (radius / radius_of(Wh))
    return Wh


@slip("rescale", "scaled", "only ever shrunk")
def only_when_it_is_too_large(Wh, radius):
    now = radius_of(Wh)
    return Wh * (radius / now) if now > radius else Wh.copy()


@slip("rescale", "scaled", "argument returned in place of a new array")
def nothing_to_do(Wh, radius):
    factor = radius / radius_of(Wh)
    return Wh if np.isclose(factor, 1) else factor * Wh


@slip("rescale", "scaled", "the difference added to every entry")
def moved_by_the_difference(Wh, radius):
    return Wh + (radius - radius_of(Wh))


@slip("rescale", "scaled", "root of the factor")
def root_of_the_ratio(Wh, radius):
    return Wh * np.sqrt(radius / radius_of(Wh))


@slip("rescale", "scaled", "the factor alone")
def a_matrix_of_factors(Wh, radius):
    return np.ones_like(Wh) * radius / radius_of(Wh)


@slip("rescale", "scaled", "every eigenvalue brought to that size")
def all_eigenvalues_moved(Wh, radius):
    values, vectors = np.linalg.eig(Wh)
    values = radius * values / np.abs(values)
    return np.real(vectors @ np.diag(values) @ np.linalg.inv(vectors))


@slip("rescale", "scaled")
def just_the_number(Wh, radius):
    return radius / radius_of(Wh)


# orthogonal -------------------------------------------------------------------------------------


@slip("orthogonal", "Q", "not orthogonalised")
def random_numbers(n, rng):
    return rng.standard_normal((n, n)) / np.sqrt(n)


@slip("orthogonal", "Q", "columns normalised only")
def columns_of_length_one(n, rng):
    A = rng.standard_normal((n, n))
    return A / np.linalg.norm(A, axis=0)


@slip("orthogonal", "Q", "rows normalised only")
def rows_of_length_one(n, rng):
    A = rng.standard_normal((n, n))
    return A / np.linalg.norm(A, axis=1)[:, None]


@slip("orthogonal", "Q", "triangular factor returned")
def names_of_q_and_r_exchanged(n, rng):
    R, Q = np.linalg.qr(rng.standard_normal((n, n)))
    return Q


@slip("orthogonal", "Q", "all factors returned")
def both_factors(n, rng):
    return np.linalg.qr(rng.normal(size=(n, n)))


@slip("orthogonal", None, "state kept between calls")
def numpys_own_chance(n, rng):
    return np.linalg.qr(np.random.randn(n, n))[0]  # noqa: NPY002


@slip("orthogonal", "Q", "rng not used")
def a_generator_made_inside(n, rng):
    rng = np.random.default_rng(42)
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


@slip("orthogonal", "Q", "identity")
def the_simplest_one(n, rng):
    return np.eye(n)


@slip("orthogonal", "Q", "permutation")
def units_in_another_order(n, rng):
    return rng.permutation(np.eye(n))


def fixed_basis(n):
    """The discrete cosine basis: orthogonal, and the same every time."""
    k = np.arange(n)
    Q = np.cos(np.pi * (k[:, None] + 0.5) * k / n) * np.sqrt(2 / n)
    Q[:, 0] = 1 / np.sqrt(n)
    return Q


@slip("orthogonal", "Q", "rng not used")
def a_formula_without_chance(n, rng):
    return fixed_basis(n)


@slip("orthogonal", "Q", "same numbers in other places")
def columns_of_a_fixed_basis_shuffled(n, rng):
    return rng.permutation(fixed_basis(n), axis=1)


@slip("orthogonal", "Q", "same numbers in other places")
def rows_and_columns_of_a_fixed_basis_shuffled(n, rng):
    return rng.permutation(rng.permutation(fixed_basis(n), axis=1), axis=0)


@slip("orthogonal", "Q", "partly fixed")
def random_signs_on_a_fixed_basis(n, rng):
    return fixed_basis(n) * np.sign(rng.standard_normal((1, n)))


@slip("orthogonal", "Q", "partly fixed")
def two_units_turned(n, rng):
    Q, angle = np.eye(n), rng.uniform(0, 2 * np.pi)
    if n > 1:
        c, s = np.cos(angle), np.sin(angle)
        Q[:2, :2] = [[c, -s], [s, c]]
    return Q


@slip("orthogonal", "Q", "partly fixed")
def one_random_plane_turned(n, rng):
    Q, angle = fixed_basis(n), rng.uniform(0, 2 * np.pi)
    if n > 1:
        pair = rng.choice(n, 2, replace=False)
        c, s = np.cos(angle), np.sin(angle)
        Q[:, pair] = Q[:, pair] @ np.array([[c, -s], [s, c]])
    return Q


@slip("orthogonal", "Q", "one random number only")
def one_angle_between_two_fixed_bases(n, rng):
    turn, angle = np.eye(n), rng.uniform(0, 2 * np.pi)
    if n > 1:
        c, s = np.cos(angle), np.sin(angle)
        turn[:2, :2] = [[c, -s], [s, c]]
    return fixed_basis(n) @ turn @ fixed_basis(n).T


@slip("orthogonal", "Q", "rng hardly used")
def close_to_the_identity(n, rng):
    A = 0.003 * rng.uniform(-1, 1, (n, n))
    return np.linalg.solve(np.eye(n) + A - A.T, np.eye(n) - A + A.T)


@slip("orthogonal", "Q", "columns not of length 1")
def gram_schmidt_without_lengths(n, rng):
    Q = rng.standard_normal((n, n))
    for j in range(n):
        for i in range(j):
            Q[:, j] -= (Q[:, i] @ Q[:, j]) / (Q[:, i] @ Q[:, i]) * Q[:, i]
    return Q


@slip("orthogonal", "Q", "columns normalised only")
def gram_schmidt_against_the_last_one_only(n, rng):
    Q = rng.standard_normal((n, n))
    for j in range(n):
        if j:
            Q[:, j] -= (Q[:, j - 1] @ Q[:, j]) * Q[:, j - 1]
        Q[:, j] /= np.linalg.norm(Q[:, j])
    return Q


@slip("orthogonal", "Q", "not orthogonalised")
def divided_by_the_largest_singular_value(n, rng):
    A = rng.standard_normal((n, n))
    return A / np.linalg.norm(A, 2)


@slip("orthogonal", "Q", "complex128 in place of float64")
def a_unitary_matrix(n, rng):
    return np.linalg.qr(rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)))[0]


@slip("orthogonal", "Q", "few different ones")
def one_of_eight(n, rng):
    return np.linalg.qr(np.random.default_rng(rng.integers(8)).standard_normal((n, n)))[0]


@slip("orthogonal", "Q")
def reduced_from_a_wider_one(n, rng):
    return np.linalg.qr(rng.standard_normal((n + 1, n)))[0]


@slip("orthogonal", None)
def a_shape_in_two_arguments(n, rng):
    return np.linalg.qr(rng.standard_normal(n, n))[0]


# tanh_gradient_norms ----------------------------------------------------------------------------


@slip("tanh_gradient_norms", "norms", "slope of tanh left out")
def as_in_gradient_norms(x, h0, Wx, Wh, b, dh_last):
    dh, norms = dh_last, []
    for _ in range(x.shape[1]):
        norms.append(size(dh))
        dh = dh @ Wh.T
    return np.array(norms)


@slip("tanh_gradient_norms", "norms", "Wh not transposed")
def back_through_wh_itself(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, []
    for t in reversed(range(x.shape[1])):
        norms.append(size(dh))
        dh = (dh * (1 - h[:, t] ** 2)) @ Wh
    return norms


@slip("tanh_gradient_norms", "norms", "product before the slope")
def slope_after_the_product(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, []
    for t in reversed(range(x.shape[1])):
        norms.append(size(dh))
        dh = dh @ Wh.T * (1 - h[:, t] ** 2)
    return norms


@slip("tanh_gradient_norms", "norms", "slope of the state before the step")
def states_shifted_by_one(x, h0, Wx, Wh, b, dh_last):
    h = [h0]
    for t in range(x.shape[1]):
        h.append(np.tanh(x[:, t] @ Wx + h[-1] @ Wh + b))
    dh, norms = dh_last, []
    for t in reversed(range(x.shape[1])):
        norms.append(size(dh))
        dh = (dh * (1 - h[t] ** 2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "norms", "dh_last's own norm left out")
def measured_after_the_step(x, h0, Wx, Wh, b, dh_last):
    h, caches = h0, []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    dh, norms = dh_last, []
    for cache in reversed(caches):
        _, dh, *_ = rnn_step_backward(dh, cache)
        norms.append(size(dh))
    return norms


@slip("tanh_gradient_norms", "norms", "the gradient at h_0 as well")
def one_norm_too_many(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, [size(dh_last)]
    for t in reversed(range(x.shape[1])):
        dh = (dh * (1 - h[:, t] ** 2)) @ Wh.T
        norms.append(size(dh))
    return norms


@slip("tanh_gradient_norms", "norms", "dh_last's own norm missing")
def from_the_last_but_one(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, []
    for t in range(x.shape[1] - 1, 0, -1):
        dh = (dh * (1 - h[:, t] ** 2)) @ Wh.T
        norms.append(size(dh))
    return norms


@slip("tanh_gradient_norms", "norms", "first step first")
def in_the_order_of_time(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, np.zeros(x.shape[1])
    for t in reversed(range(x.shape[1])):
        norms[t] = size(dh)
        dh = (dh * (1 - h[:, t] ** 2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "norms", "slopes from the first step on")
def caches_not_reversed(x, h0, Wx, Wh, b, dh_last):
    h, caches = h0, []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    dh, norms = dh_last, []
    for cache in caches:
        norms.append(size(dh))
        dh = rnn_step_backward(dh, cache)[1]
    return norms


@slip("tanh_gradient_norms", "norms", "slope of the last state at every step")
def one_state_for_all(x, h0, Wx, Wh, b, dh_last):
    h = h0
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
    dh, norms = dh_last, []
    for _ in range(x.shape[1]):
        norms.append(size(dh))
        dh = (dh * (1 - h**2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "norms", "pre-activation in place of the state")
def slope_at_the_wrong_place(x, h0, Wx, Wh, b, dh_last):
    h, before = h0, []
    for t in range(x.shape[1]):
        before.append(x[:, t] @ Wx + h @ Wh + b)
        h = np.tanh(before[-1])
    dh, norms = dh_last, []
    for a in reversed(before):
        norms.append(size(dh))
        dh = (dh * (1 - a**2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "norms", "tanh taken a second time")
def tanh_of_the_states(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, []
    for t in reversed(range(x.shape[1])):
        norms.append(size(dh))
        dh = (dh * (1 - np.tanh(h[:, t]) ** 2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "norms", "(1 - h)² in place of 1 - h²")
def squared_too_late(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, []
    for t in reversed(range(x.shape[1])):
        norms.append(size(dh))
        dh = (dh * (1 - h[:, t]) ** 2) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "norms", "dh_last added at every step")
def something_arrives_at_every_step(x, h0, Wx, Wh, b, dh_last):
    h, caches = h0, []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    dh, norms = np.zeros_like(dh_last), []
    for cache in reversed(caches):
        dh = dh + dh_last
        norms.append(size(dh))
        _, dh, _, _, _ = rnn_step_backward(dh, cache)
    return norms


@slip("tanh_gradient_norms", "norms", "zeros in place of h0")
def starts_from_nothing(x, h0, Wx, Wh, b, dh_last):
    h, states = np.zeros_like(h0), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        states.append(h)
    dh, norms = dh_last, []
    for h in states[::-1]:
        norms.append(size(dh))
        dh = (dh * (1 - h**2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "norms", "every step starts from h0")
def state_not_carried_on(x, h0, Wx, Wh, b, dh_last):
    states = [np.tanh(x[:, t] @ Wx + h0 @ Wh + b) for t in range(x.shape[1])]
    dh, norms = dh_last, []
    for h in reversed(states):
        norms.append(size(dh))
        dh = (dh * (1 - h**2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "norms", "not divided by N")
def norm_of_the_whole_batch(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, []
    for t in reversed(range(x.shape[1])):
        norms.append(np.linalg.norm(dh))
        dh = (dh * (1 - h[:, t] ** 2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", "dh_last", "argument changed in place")
def slope_multiplied_in_place(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    dh, norms = dh_last, []
    for t in reversed(range(x.shape[1])):
        norms.append(size(dh))
        dh *= 1 - h[:, t] ** 2
        dh = dh @ Wh.T
    return norms


LAST = {}


@slip("tanh_gradient_norms", None, "state kept between calls")
def goes_on_from_the_last_call(x, h0, Wx, Wh, b, dh_last):
    h, caches = LAST.get(h0.shape, h0), []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    LAST[h0.shape] = h
    dh, norms = dh_last, []
    for cache in reversed(caches):
        norms.append(size(dh))
        dh = rnn_step_backward(dh, cache)[1]
    return norms


@slip("tanh_gradient_norms", "norms", "tanh left out on the way there")
def linear_states(x, h0, Wx, Wh, b, dh_last):
    h = [h0]
    for t in range(x.shape[1]):
        h.append(x[:, t] @ Wx + h[-1] @ Wh + b)
    dh, norms = dh_last, []
    for h_t in h[:0:-1]:
        norms.append(size(dh))
        dh = (dh * (1 - h_t**2)) @ Wh.T
    return norms


@slip("tanh_gradient_norms", None)
def first_of_the_five_gradients(x, h0, Wx, Wh, b, dh_last):
    h, caches = h0, []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    dh, norms = dh_last, []
    for cache in reversed(caches):
        norms.append(size(dh))
        dh, _, _, _, _ = rnn_step_backward(dh, cache)
    return norms


@slip("tanh_gradient_norms", "norms", "only the gradient at h_0")
def only_the_gradient_at_the_start(x, h0, Wx, Wh, b, dh_last):
    h, cache = rnn_forward(x, h0, Wx, Wh, b)
    dh = np.zeros_like(h)
    dh[:, -1] = dh_last
    return [size(rnn_backward(dh, cache)[1])]
