"""Random problems that the exercises share: never zero where a wrong answer could hide in it."""

import numpy as np


def normal(rng, *shape):
    """Numbers of size about 1, at least .05 away from zero."""
    x = rng.standard_normal(shape)
    return x + 0.05 * np.sign(x)


def cell(rng, s, *, gates=1):
    """Weights of a recurrent cell: Wx (D, kH), Wh (H, kH), b (kH,)."""
    D, kH = s["D"], gates * s["H"]
    return {
        "Wx": 0.5 * normal(rng, D, kH),
        "Wh": 0.5 * normal(rng, s["H"], kH),
        "b": 0.5 * normal(rng, kH),
    }


def rnn_step(rng, s):
    """Arguments of `rnn_step`."""
    return {"x": normal(rng, s["N"], s["D"]), "h_prev": normal(rng, s["N"], s["H"]), **cell(rng, s)}


def rnn_sequence(rng, s):
    """Arguments of `rnn_forward`."""
    x = normal(rng, s["N"], s["T"], s["D"])
    return {"x": x, "h0": normal(rng, s["N"], s["H"]), **cell(rng, s)}


def gated_step(rng, s, gates):
    """Arguments of `lstm_step_forward` (4 gates) or `gru_step_forward` (3)."""
    states = ("h_prev", "c_prev") if gates == 4 else ("h_prev",)
    return {
        "x": normal(rng, s["N"], s["D"]),
        **{name: normal(rng, s["N"], s["H"]) for name in states},
        **cell(rng, s, gates=gates),
    }


def gated_sequence(rng, s, gates):
    """Arguments of `lstm_forward` (4 gates) or `gru_forward` (3)."""
    states = ("h0", "c0") if gates == 4 else ("h0",)
    return {
        "x": normal(rng, s["N"], s["T"], s["D"]),
        **{name: normal(rng, s["N"], s["H"]) for name in states},
        **cell(rng, s, gates=gates),
    }


def large(problem):
    """A backward pass's problem with upstream gradients so large that clipping would show."""
    return {k: 1e4 * v if k in ("dh", "dc", "dc_last") else v for k, v in problem.items()}


def far_apart(scores):
    """Scores whose steps lie around 1000 and -1000 in turn: no shift serves all of them."""
    steps = np.indices(scores.shape[:-1]).sum(axis=0) % 2  # 0 and 1 in turn
    return scores + 1000.0 * (1 - 2 * steps)[..., None]


def tokens(rng, s, *shape):
    """Random tokens below V, the largest always among them, and twice."""
    V = s["V"]
    drawn = rng.integers(0, V, shape)
    if drawn.size > 2:
        drawn.flat[[0, drawn.size - 1]] = V - 1
    return drawn


def char_rnn(rng, s):
    """Parameters of the character model."""
    return {
        **cell(rng, {**s, "D": s["V"]}),
        "Wy": 0.5 * normal(rng, s["H"], s["V"]),
        "by": 0.5 * normal(rng, s["V"]),
    }
