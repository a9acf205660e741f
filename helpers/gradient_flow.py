"""How large a gradient is when it arrives, after so many steps back through time.

What rules it (Bengio et al. 1994; Pascanu et al. 2013): every step multiplies the gradient by the
slope of tanh, at most 1, and by Wh transposed. One product changes its norm by a factor between the
smallest and the largest singular value of Wh; in the long run the factor a step is the spectral
radius.

Norms here are those of a batch of N rows, sqrt(sum(dh²)) / N, as in 'Deep Learning from Scratch 2'.
"""

import operator

import numpy as np

from helpers.lstm import lstm_forward, lstm_step_backward
from helpers.rnn import rnn_forward
from helpers.validate import expect_array, expect_finite


def gradient_norms(Wh, dh, T):
    """Norms of a gradient that is sent back T steps through the product with Wh alone, no tanh.

    Args:
        Wh: (H, H).
        dh: (N, H) the gradient that arrives at the last state.
        T: how many steps back, at least 0.

    Returns:
        (T,) sqrt(sum(dh²)) / N after each `dh = dh @ Wh.T`.
    """
    H = _expect_square("Wh", Wh)
    expect_array("dh", dh, ("N", H), f"Wh joins {H} units")
    norms = np.zeros(_expect_steps(T), np.result_type(Wh, dh))
    for t in range(T):
        dh = dh @ Wh.T  # (N, H)
        norms[t] = _norm(dh)
    return norms


def _norm(dh):
    """sqrt(sum(dh²)) / N of a gradient (N, H)."""
    return np.sqrt((dh * dh).sum()) / len(dh)


def scalar_gradient(w_hh, h):
    """d h_T / d h_0 of the RNN with one unit, h_t = tanh(... + w_hh h_{t-1}).

    Args:
        w_hh: the one recurrent weight.
        h: (T,) its states h_1 ... h_T.

    Returns:
        float, the product over t of w_hh (1 - h_t²); 1.0 for no steps.
    """
    expect_array("h", h, ("T",))
    return float(np.prod(w_hh * (1 - h * h)))


def spectral_radius(W):
    """The largest absolute value among the eigenvalues of W (n, n), as a float."""
    _expect_square("W", W)
    return float(np.abs(np.linalg.eigvals(W)).max())


def largest_singular_value(W):
    """The most by which a product with W (n, m) can lengthen a vector, as a float."""
    expect_array("W", W, ("n", "m"))
    expect_finite("W", W)
    return float(np.linalg.svd(W, compute_uv=False).max())


def growth_bounds(Wh, T):
    """Between which factors the norm of a gradient changes over T products with Wh.

    Args:
        Wh: (H, H).
        T: how many steps, at least 0.

    Returns:
        (lower, upper): smallest and largest singular value of Wh, to the power T.
    """
    _expect_square("Wh", Wh)
    sigma = np.linalg.svd(Wh, compute_uv=False)
    return float(sigma.min()) ** _expect_steps(T), float(sigma.max()) ** T


def rescale(Wh, radius):
    """Wh times the one number that gives it this spectral radius.

    Args:
        Wh: (H, H) with a spectral radius above 0.
        radius: the one wanted, at least 0.

    Returns:
        (H, H), a new array.

    Raises:
        ValueError: every eigenvalue of Wh is 0, and no factor changes that.
    """
    if radius < 0:
        raise ValueError(f"radius: expected 0 or more, got {radius}; it is an absolute value")
    now = spectral_radius(Wh)
    if now == 0:
        raise ValueError(
            "Wh: expected a spectral radius above 0, got 0, which no factor can change; "
            "start from another matrix"
        )
    return Wh * (radius / now)


def orthogonal(n, rng):
    """A random orthogonal matrix: its product with a vector keeps the vector's length.

    Drawn evenly among all of them: the Q of a random normal matrix, with the signs that make R's
    diagonal positive (Mezzadri 2007). As a recurrent start: Saxe et al. 2014.

    Args:
        n: rows and columns, at least 1.
        rng: np.random.Generator.

    Returns:
        Q (n, n) float64 with Q.T @ Q = I.
    """
    if operator.index(n) < 1:
        raise ValueError(f"n: expected at least 1, got {n}; it is the number of units")
    Q, R = np.linalg.qr(rng.standard_normal((n, n)))
    return Q * np.sign(np.diag(R))


def tanh_gradient_norms(x, h0, Wx, Wh, b, dh_last):
    """Norms of the gradient at every state of a tanh RNN, from the last back to the first.

    Args:
        x: (N, T, D).
        h0: (N, H).
        Wx, Wh, b: (D, H), (H, H), (H,).
        dh_last: (N, H) gradient of the loss with respect to h_T, and to no other state directly.

    Returns:
        (T,) norms of dL/dh_T, ..., dL/dh_1; the first is dh_last's own.
    """
    h, _ = rnn_forward(x, h0, Wx, Wh, b)  # (N, T, H)
    expect_array("dh_last", dh_last, h0.shape, "that is the shape of a state")
    dh, norms = dh_last, [_norm(dh_last)]
    for t in reversed(range(1, h.shape[1])):
        dh = (dh * (1 - h[:, t] ** 2)) @ Wh.T  # (N, H) dL/dh_{t-1}
        norms.append(_norm(dh))
    return np.array(norms)


def lstm_gradient_norms(x, h0, c0, Wx, Wh, b, dh_last):
    """Norms of the gradients at every state of an LSTM, from the last back to the first.

    Args:
        x, h0, c0, Wx, Wh, b: as in `lstm_forward`.
        dh_last: (N, H) gradient of the loss with respect to h_T, and to no other state directly.

    Returns:
        norms of dL/dh_T, ..., dL/dh_1 and of dL/dc_T, ..., dL/dc_1, two arrays (T,).
    """
    _, _, (x, h, c, tanh_c, gates, Wx, Wh) = lstm_forward(x, h0, c0, Wx, Wh, b)  # time first
    expect_array("dh_last", dh_last, h0.shape, "that is the shape of a state")
    dh, dc, norms = dh_last, np.zeros_like(dh_last), []
    for t in reversed(range(len(x))):
        _, _, o, _ = gates[t]
        through_h = dh * o * (1 - tanh_c[t] ** 2)  # (N, H): c_t reaches the loss both ways
        norms.append((_norm(dh), _norm(dc + through_h)))
        step = x[t], h[t], c[t], c[t + 1], gates[t], Wx, Wh
        _, dh, dc, *_ = lstm_step_backward(dh, dc, step)
    at_h, at_c = np.array(norms).T
    return at_h, at_c


def _expect_square(name, W):
    """Refuse anything but a square matrix of finite numbers; return its size."""
    expect_array(name, W, ("H", "H"))
    if W.shape[0] != W.shape[1] or len(W) == 0:
        raise ValueError(
            f"{name}: expected a square matrix, got shape {W.shape}; "
            "the recurrent weights join the units with themselves"
        )
    expect_finite(name, W)
    return len(W)


def _expect_steps(T):
    if operator.index(T) < 0:
        raise ValueError(f"T: expected 0 steps or more, got {T}; count them backward in time")
    return T
