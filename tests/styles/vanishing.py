"""Right answers to notebook 04."""

import functools
from collections import namedtuple

import numpy as np
from answers import Styles

from helpers import rnn_backward, rnn_forward, rnn_step_backward, rnn_step_forward, rnn_unroll

style = Styles()


# gradient_norms ---------------------------------------------------------------------------------


@style("gradient_norms")
def column_vectors(Wh, dh, T):
    columns, norms = dh.T, []
    for _ in range(T):
        columns = Wh @ columns
        norms.append(np.linalg.norm(columns) / columns.shape[1])
    return norms


@style("gradient_norms")
def powers_of_the_matrix(Wh, dh, T):
    powers = (np.linalg.matrix_power(Wh, t) for t in range(1, T + 1))
    return np.array([np.linalg.norm(dh @ P.T, "fro") / dh.shape[0] for P in powers])


@style("gradient_norms")
def recursion(Wh, dh, T):
    if T == 0:
        return ()
    dh = np.einsum("nj,ij->ni", dh, Wh)
    return (np.sqrt(np.einsum("ni,ni->", dh, dh)) / len(dh), *recursion(Wh, dh, T - 1))


@style("gradient_norms")
def element_loops(Wh, dh, T):
    N, H = dh.shape
    norms = np.zeros(T)
    for t in range(T):
        before = np.zeros((N, H))
        for n in range(N):
            for i in range(H):
                for j in range(H):
                    before[n, i] += dh[n, j] * Wh[i, j]
        dh = before
        norms[t] = sum(v**2 for v in dh.ravel()) ** 0.5 / N
    return norms


@style("gradient_norms")
def in_place_on_a_copy(Wh, dh, T):
    dh = dh.copy()
    norms = np.empty((2, T), dh.dtype, order="F")[0]
    for t in range(T):
        np.matmul(dh, Wh.T, out=dh)
        norms[t] = np.sqrt(np.mean(dh**2) * dh.size) / len(dh)
    return norms


# scalar_gradient --------------------------------------------------------------------------------


@style("scalar_gradient")
def loop_backward_in_time(w_hh, h):
    gradient = 1.0
    for h_t in h[::-1]:
        gradient *= w_hh * (1 + h_t) * (1 - h_t)
    return gradient


@style("scalar_gradient")
def power_and_product(w_hh, h):
    return w_hh ** len(h) * (1 - np.square(h)).prod()


@style("scalar_gradient")
def reduced(w_hh, h):
    return functools.reduce(lambda so_far, h_t: so_far * w_hh * (1 - h_t**2), h, 1)


@style("scalar_gradient")
def by_the_area_of_cosh(w_hh, h):
    return np.multiply.reduce(w_hh / np.cosh(np.arctanh(h)) ** 2)


# spectral_radius --------------------------------------------------------------------------------


@style("spectral_radius")
def python_maximum(W):
    return max(abs(value) for value in np.linalg.eigvals(W))


@style("spectral_radius")
def by_both_parts(W):
    values, _ = np.linalg.eig(W)
    return np.sqrt(np.max(values.real**2 + values.imag**2))


@style("spectral_radius")
def of_the_transpose(W):
    return np.linalg.norm(np.linalg.eigvals(W.T), np.inf)


# largest_singular_value -------------------------------------------------------------------------


@style("largest_singular_value")
def norm_of_order_two(W):
    return np.linalg.norm(W, ord=2)


@style("largest_singular_value")
def root_of_an_eigenvalue(W):
    return float(np.sqrt(np.linalg.eigvalsh(W.T @ W)[-1]))


@style("largest_singular_value")
def eigenvalues_of_the_gram_matrix(W):
    return np.sqrt(np.linalg.eigvals(W @ W.T).real.max())


@style("largest_singular_value")
def first_of_the_sorted(W):
    _, (largest, *_), _ = np.linalg.svd(W)
    return largest


# growth_bounds ----------------------------------------------------------------------------------

Bounds = namedtuple("Bounds", "lower upper")


@style("growth_bounds")
def last_and_first(Wh, T):
    s = np.linalg.svd(Wh)[1]
    return [s[-1] ** T, s[0] ** T]


@style("growth_bounds")
def named_pair(Wh, T):
    return Bounds(np.linalg.norm(Wh, -2) ** T, np.linalg.norm(Wh, 2) ** T)


@style("growth_bounds")
def by_the_inverse(Wh, T):
    return 1 / np.linalg.norm(np.linalg.inv(Wh), 2) ** T, np.linalg.norm(Wh, 2) ** T


@style("growth_bounds")
def both_powers_at_once(Wh, T):
    return np.sort(np.linalg.svd(Wh.T, compute_uv=False))[[0, -1]] ** T


# rescale ----------------------------------------------------------------------------------------


@style("rescale")
def through_radius_one(Wh, radius):
    return Wh / max(abs(np.linalg.eigvals(Wh))) * radius


@style("rescale")
def on_its_own_copy(Wh, radius):
    scaled = np.array(Wh, order="F")
    scaled *= radius
    scaled /= np.abs(np.linalg.eigvals(Wh)).max()
    return scaled


@style("rescale")
def nested_function(Wh, radius):
    def spectral_radius(W):
        return np.abs(np.linalg.eig(W)[0]).max()

    factor = np.divide(radius, spectral_radius(Wh))
    return np.einsum(",ij->ij", factor, Wh)


# orthogonal -------------------------------------------------------------------------------------


@style("orthogonal")
def factor_of_qr(n, rng):
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return Q


@style("orthogonal")
def factor_of_svd(n, rng):
    U, _, Vt = np.linalg.svd(rng.uniform(-1, 1, (n, n)))
    return U @ Vt


@style("orthogonal")
def eigenvectors_of_a_symmetric_matrix(n, rng):
    A = rng.standard_normal((n, n))
    return np.linalg.eigh(A + A.T)[1]


@style("orthogonal")
def gram_schmidt_twice(n, rng):
    Q = rng.standard_normal((n, n))
    for j in range(n):
        for _ in range(2):
            Q[:, j] -= Q[:, :j] @ (Q[:, :j].T @ Q[:, j])
        Q[:, j] /= np.linalg.norm(Q[:, j])
    return Q


@style("orthogonal")
def one_reflection(n, rng):
    v = rng.standard_normal(n)
    return np.eye(n) - 2 * np.outer(v, v) / (v @ v)


@style("orthogonal")
def cayley_transform(n, rng):
    A = rng.standard_normal((n, n))
    skew = A - A.T
    return np.linalg.solve(np.eye(n) + skew, np.eye(n) - skew)


@style("orthogonal")
def a_proper_rotation(n, rng):
    Q, R = np.linalg.qr(rng.standard_normal((n, n)))
    Q = Q * np.copysign(1, np.diag(R))
    if np.linalg.det(Q) < 0:
        Q[:, 0] *= -1
    return Q


# tanh_gradient_norms ----------------------------------------------------------------------------


@style("tanh_gradient_norms")
def by_the_steps_of_notebook_03(x, h0, Wx, Wh, b, dh_last):
    h, caches = h0, []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
    dh, norms = dh_last, []
    while caches:
        norms.append(np.linalg.norm(dh) / len(dh))
        _, dh, *_ = rnn_step_backward(dh, caches.pop())
    return np.array(norms)


@style("tanh_gradient_norms")
def a_shorter_sequence_for_each_norm(x, h0, Wx, Wh, b, dh_last):
    h, _ = rnn_forward(x, h0, Wx, Wh, b)
    norms = [np.linalg.norm(dh_last) / len(dh_last)]
    for t in range(x.shape[1] - 1, 0, -1):
        later, cache = rnn_forward(x[:, t:], h[:, t - 1], Wx, Wh, b)
        dh = np.zeros_like(later)
        dh[:, -1] = dh_last
        dh_t = rnn_backward(dh, cache)[1]
        norms.append(np.linalg.norm(dh_t) / len(dh_t))
    return norms


@style("tanh_gradient_norms")
def a_jacobian_for_each_sequence(x, h0, Wx, Wh, b, dh_last):
    h = rnn_unroll(x, h0, Wx, Wh, b)
    slopes = 1 - h * h
    dh = [dh_last]
    for t in range(h.shape[1] - 1, 0, -1):
        jacobians = Wh[None] * slopes[:, t, None, :]  # (N, H, H)
        dh.append(np.einsum("nj,nij->ni", dh[-1], jacobians))
    return np.sqrt(np.sum(np.stack(dh) ** 2, axis=(1, 2))) / len(x)


@style("tanh_gradient_norms")
def recursive_in_time(x, h0, Wx, Wh, b, dh_last):
    def back(t, h):
        """The gradient at h_t, with the norms at it and at all later states."""
        if t == x.shape[1]:
            dh = dh_last
            return dh, [np.sqrt((dh**2).sum()) / dh.shape[0]]
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        dh, norms = back(t + 1, h)
        if t:
            dh = np.matmul(dh * (1 - h**2), Wh.T)
            norms.append(np.sqrt((dh**2).sum()) / dh.shape[0])
        return dh, norms

    return tuple(back(0, h0)[1])


class Unit:
    """A layer that remembers its states from the call to the way back."""

    def __init__(self, Wx, Wh, b):
        self.Wx, self.Wh, self.b = Wx, Wh, b

    def run(self, x, h):
        self.h = []
        for x_t in np.moveaxis(x, 1, 0):
            h = np.tanh(np.concatenate([x_t, h], axis=1) @ np.vstack([self.Wx, self.Wh]) + self.b)
            self.h.append(h)

    def gradients(self, dh):
        for h in self.h[::-1]:
            yield dh
            dh = (self.Wh @ (dh - dh * h * h).T).T


@style("tanh_gradient_norms")
def a_class_and_a_generator(x, h0, Wx, Wh, b, dh_last):
    unit = Unit(Wx, Wh, b)
    unit.run(x, h0)
    return np.fromiter((np.linalg.norm(dh) for dh in unit.gradients(dh_last)), float) / len(x)
