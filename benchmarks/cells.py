"""A whole sequence forward and backward, by us and by others, on the same numbers.

A way is a pair: `run()` computes everything, `read(result)` brings it into the course's names and
layouts. Only `run` is timed, and only after the ways have been found to agree.
"""

import functools
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import peers
from measure import in_turn, ratio

import helpers


def optional(name):
    """A module, or None where it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


torch, jax = optional("torch"), None
if torch:
    torch.set_num_threads(1)
if importlib.util.find_spec("jax"):
    # One thread here too; XLA looks at these when it is loaded.
    os.environ |= {"NPROC": "1", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    jax = optional("jax")
    jax.config.update("jax_enable_x64", True)

# N, T, D, H: as in min-char-rnn, a small model, a larger one.
SHAPES = {"S0": (1, 25, 65, 100), "S1": (32, 25, 64, 128), "S2": (64, 50, 128, 256)}
DTYPES = ("float32", "float64")
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
CELLS = (*GATES, "attention")
# Sums over some thousand products, added in another order.
LIMIT = {"float32": 2e-5, "float64": 1e-12}

OURS, LOOP = "helpers", "step-by-step loop"
PYTORCH, BARE, JAX = "PyTorch", "PyTorch without oneDNN", "JAX jit"


@dataclass(frozen=True)
class Way:
    """One way to compute a sequence forward and backward.

    Attributes:
        run: () -> whatever it computes.
        read: that -> dict of arrays, named and laid out as in the course.
    """

    run: Callable
    read: Callable


def draw(cell, shape, dtype, seed=0):
    """Arguments and upstream gradients by name.

    Args:
        cell: one of CELLS.
        shape: (N, T, D, H); for attention T is the number of places.
        dtype: its name.
    """
    N, T, D, H = shape
    rng = np.random.default_rng(seed)

    def normal(*sizes, scale=1.0):
        return (scale * rng.standard_normal(sizes)).astype(dtype)

    if cell == "attention":
        inputs = {"h": normal(N, H), "keys": normal(N, T, H), "values": normal(N, T, D)}
        return inputs | {"dcontext": normal(N, D)}
    kH = GATES[cell] * H
    a = {"x": normal(N, T, D), "h0": normal(N, H, scale=0.5)}
    if cell == "lstm":
        a["c0"] = normal(N, H, scale=0.5)
    a |= {"Wx": normal(D, kH, scale=D**-0.5), "Wh": normal(H, kH, scale=H**-0.5)}
    a["b"] = normal(kH + H if cell == "gru" else kH, scale=0.1)  # the GRU's other form has bhn too
    a["dh"] = normal(N, T, H)
    if cell == "lstm":
        a["dc_last"] = normal(N, H)
    return a


def names(cell):
    """What a way's `read` returns, in order."""
    if cell == "attention":
        return ("context", "dh", "dkeys", "dvalues")
    if cell == "lstm":
        return ("h", "c_last", "dx", "dh0", "dc0", "dWx", "dWh", "db")
    return ("h", "dx", "dh0", "dWx", "dWh", "db")


def upstream_of(cell, a):
    """The upstream gradients, one for each output."""
    wanted = {"attention": ("dcontext",), "lstm": ("dh", "dc_last")}.get(cell, ("dh",))
    return [a[name] for name in wanted]


def numpy_way(cell, a):
    """The course's functions."""
    forward, backward = (getattr(helpers, f"{cell}_{w}") for w in ("forward", "backward"))
    keywords = {"reset_after": True} if cell == "gru" else {}
    upstream = upstream_of(cell, a)
    inputs = list(a.values())[: len(a) - len(upstream)]

    def run():
        *outputs, cache = forward(*inputs, **keywords)
        return (*outputs[: len(upstream)], *backward(*upstream, cache))

    return Way(run, lambda result: dict(zip(names(cell), result, strict=True)))


def loop_way(cell, a):
    states = (a["h0"], a["c0"]) if cell == "lstm" else (a["h0"],)
    dh, *d_last = upstream_of(cell, a)

    def run():
        return peers.step_by_step(cell, a["x"], states, a["Wx"], a["Wh"], a["b"], dh, d_last)

    def read(result):
        h, last, dx, d_states, *of_weights = result
        return dict(zip(names(cell), (h, *last[1:], dx, *d_states, *of_weights), strict=True))

    return Way(run, read)


def time_first(a):
    """x and dh as (T, N, ...), the layout that PyTorch and JAX's scan prefer."""
    return a | {name: np.ascontiguousarray(a[name].swapaxes(0, 1)) for name in ("x", "dh")}


def batch_first(found):
    """h and dx back as (N, T, ...)."""
    return found | {name: found[name].swapaxes(0, 1) for name in ("h", "dx")}


# PyTorch's gates in terms of ours: i, f, g, o out of i, f, o, g; r, z, n out of z, r, n.
TORCH_ORDER = {"rnn": (0,), "lstm": (0, 1, 3, 2), "gru": (1, 0, 2)}


def torch_way(cell, a, onednn=True):
    """PyTorch's own layer, eager, as it is called in a training loop; time comes first."""
    if cell == "attention":
        return _torch_attention(a)
    a = time_first(a)
    D, H = a["x"].shape[2], a["h0"].shape[1]
    columns = np.concatenate([np.arange(g * H, (g + 1) * H) for g in TORCH_ORDER[cell]])
    x, h0 = (torch.tensor(a[n], requires_grad=True) for n in ("x", "h0"))
    layer = getattr(torch.nn, cell.upper())(D, H, dtype=x.dtype)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.tensor(a["Wx"][:, columns].T))
        layer.weight_hh_l0.copy_(torch.tensor(a["Wh"][:, columns].T))
        layer.bias_ih_l0.copy_(torch.tensor(a["b"][columns]))
        layer.bias_hh_l0.zero_()
        if cell == "gru":
            layer.bias_hh_l0[-H:] = torch.tensor(a["b"][-H:])
    states = [h0] + ([torch.tensor(a["c0"], requires_grad=True)] if cell == "lstm" else [])
    state = tuple(s[None] for s in states) if cell == "lstm" else h0[None]
    wanted = [x, *states, *layer.parameters()]
    upstream = [torch.tensor(d) for d in upstream_of(cell, a)]

    def run():
        h, last = layer(x, state)
        outputs = (h, last[1][0]) if cell == "lstm" else (h,)
        return outputs, torch.autograd.grad(outputs, wanted, upstream)

    def run_bare():
        torch.backends.mkldnn.enabled = False
        try:
            return run()
        finally:
            torch.backends.mkldnn.enabled = True

    def read(result):
        outputs, (dx, *d_states, dWx, dWh, db, db_h) = result
        back = np.argsort(columns)
        of_weights = [np.asarray(d)[back].T for d in (dWx, dWh, db)]
        if cell == "gru":
            of_weights[2] = np.concatenate([of_weights[2], np.asarray(db_h)[-H:]])
        arrays = [np.asarray(v.detach()) for v in (*outputs, dx, *d_states)]
        return batch_first(dict(zip(names(cell), (*arrays, *of_weights), strict=True)))

    return Way(run if onednn else run_bare, read)


def _torch_attention(a):
    h, keys, values = (torch.tensor(a[n], requires_grad=True) for n in ("h", "keys", "values"))
    upstream = torch.tensor(a["dcontext"])

    def run():
        look = torch.nn.functional.scaled_dot_product_attention
        context = look(h[:, None], keys, values)[:, 0]
        return context, *torch.autograd.grad(context, (h, keys, values), upstream)

    def read(result):
        arrays = (np.asarray(v.detach()) for v in result)
        return dict(zip(names("attention"), arrays, strict=True))

    return Way(run, read)


def jax_way(cell, a):
    """The same equations in a scan, compiled; the product of all inputs stands before the scan."""
    np_, H, a = jax.numpy, a["h0"].shape[1], time_first(a)
    sigmoid = jax.nn.sigmoid

    def step(weights, state, p):
        h = state[0]
        u = h @ weights["Wh"]
        if cell == "rnn":
            after = (np_.tanh(p + u),)
        elif cell == "lstm":
            i, f, o, g = np_.split(p + u, 4, axis=1)
            c = sigmoid(f) * state[1] + sigmoid(i) * np_.tanh(g)
            after = (sigmoid(o) * np_.tanh(c), c)
        else:
            zr = sigmoid(p[:, : 2 * H] + u[:, : 2 * H])
            n = np_.tanh(p[:, 2 * H :] + zr[:, H:] * (u[:, 2 * H :] + weights["b"][3 * H :]))
            after = ((1 - zr[:, :H]) * n + zr[:, :H] * h,)
        return after, after[0]

    def forward(a):
        from_input = a["x"] @ a["Wx"] + a["b"][: GATES[cell] * H]
        states = (a["h0"], a["c0"]) if cell == "lstm" else (a["h0"],)
        one = functools.partial(step, a)
        last, h = jax.lax.scan(one, states, from_input)
        return (h, *last[1:])

    @jax.jit
    def both(inputs, upstream):
        outputs, back = jax.vjp(forward, inputs)
        return outputs, back(upstream)[0]

    upstream = tuple(np_.asarray(d) for d in upstream_of(cell, a))
    inputs = {n: np_.asarray(v) for n, v in list(a.items())[: len(a) - len(upstream)]}

    def read(result):
        outputs, grads = result
        arrays = (*outputs, *(grads[name] for name in inputs))
        return batch_first(dict(zip(names(cell), map(np.asarray, arrays), strict=True)))

    return Way(lambda: jax.block_until_ready(both(inputs, upstream)), read)


def ways_of(cell, a):
    """Every way that this machine has for a cell, by name; ours is the first."""
    ways = {OURS: numpy_way(cell, a)}
    if torch:
        ways[PYTORCH] = torch_way(cell, a)
        if cell in GATES:
            ways[BARE] = torch_way(cell, a, onednn=False)
    if cell in GATES:
        ways[LOOP] = loop_way(cell, a)
        if jax:
            ways[JAX] = jax_way(cell, a)
    return ways


def expect_agreement(ways, limit):
    """Every way has to compute what ours does.

    Raises:
        ValueError: one that does not; the message says which, where, and by how much.
    """
    first, *others = ways
    right = ways[first].read(ways[first].run())
    for name in others:
        found = ways[name].read(ways[name].run())
        for quantity, ours in right.items():
            theirs = found[quantity]
            scale = np.linalg.norm(ours) + np.linalg.norm(theirs)
            error = np.linalg.norm(ours - theirs) / scale if ours.shape == theirs.shape else np.inf
            if not (error <= limit and ours.dtype == theirs.dtype):
                raise ValueError(
                    f"{name}, {quantity}: expected {first}'s {ours.dtype} {ours.shape} within "
                    f"{limit:g}, got {theirs.dtype} {theirs.shape}, {error:.1g} away; "
                    "what computes something else is not compared"
                )


def matrix_products(cell, shape, dtype):
    """() -> None, the matrix products that a cell cannot do without, and nothing else.

    One for all inputs, one a step for the state, and as many on the way back; operands lie in
    memory as is best.
    """
    N, T, D, H = shape
    kH, ones = GATES[cell] * H, functools.partial(np.ones, dtype=dtype)
    x, dx, h = ones((N * T, D)), ones((N * T, D)), ones((N * T, H))
    a, da = ones((N * T, kH)), ones((N * T, kH))
    Wx, dWx, Wh, dWh = ones((D, kH)), ones((D, kH)), ones((H, kH)), ones((H, kH))
    h_t, dh, u, da_t = ones((N, H)), ones((N, H)), ones((N, kH)), ones((N, kH))

    def run():
        np.matmul(x, Wx, out=a)
        for _ in range(T):
            np.matmul(h_t, Wh, out=u)
        for _ in range(T):
            np.matmul(da_t, Wh.T, out=dh)
        np.matmul(x.T, da, out=dWx)
        np.matmul(h.T, da, out=dWh)
        np.matmul(da, Wx.T, out=dx)

    return run


def multiplications(cell, shape):
    """How many multiplications with an addition those products take."""
    N, T, D, H = shape
    return 3 * N * T * (D + H) * GATES[cell] * H


def peaks(dtype, rounds, least, size=1024):
    """Multiplications with an addition a second in a large square product: this machine's best.

    Returns:
        dict from the library to the best of its rounds.
    """
    a = np.ones((size, size), dtype)
    out = np.empty_like(a)
    calls = {"NumPy": lambda: np.matmul(a, a, out=out)}
    if torch:
        b = torch.tensor(a)
        there = torch.empty_like(b)
        calls[PYTORCH] = lambda: torch.matmul(b, b, out=there)
    return {name: size**3 / min(s) for name, s in in_turn(calls, rounds, least).items()}


PRODUCTS = "its matrix products alone"


@dataclass(frozen=True)
class Measured:
    """One cell at one shape: the seconds a call of every way, round by round."""

    cell: str
    shape: str
    dtype: str
    seconds: dict

    def ratio(self, peer, ours=OURS):
        """The spread of ours ÷ the peer's."""
        return ratio(self.seconds[ours], self.seconds[peer])


def measure(cell, shape, dtype, rounds, least, only=None):
    """Compare what the ways compute, then time them in turn.

    Args:
        only: the names of the ways to take, unless all.
    """
    sizes = SHAPES[shape]
    ways = ways_of(cell, draw(cell, sizes, dtype))
    ways = {name: way for name, way in ways.items() if only is None or name in only}
    expect_agreement(ways, LIMIT[dtype])
    calls = {name: way.run for name, way in ways.items()}
    if cell in GATES and only is None:
        calls[PRODUCTS] = matrix_products(cell, sizes, dtype)
    return Measured(cell, shape, dtype, in_turn(calls, rounds, least))
