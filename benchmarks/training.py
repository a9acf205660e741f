"""A whole training step: batch in, parameters changed. Characters a second, ours and others'.

As min-char-rnn trains: one sequence of 25 characters, a vanilla RNN of 100 units on one-hot
characters, gradients clipped to ±5, Adagrad. As a small model of today: 32 sequences of 25
characters, embeddings of 64, an LSTM of 128 units, Adam. The text is random tokens, which costs no
less than any other.
"""

import numpy as np
import peers
from cells import DTYPES, LOOP, OURS, PYTORCH, Way, expect_agreement, torch
from measure import in_turn

import helpers
from helpers.language_model import PARAMETERS, char_rnn_gradients, init_char_rnn
from helpers.optim import adam_update
from helpers.rnn import readout, readout_backward

V, T = 96, 25
MODELS = {"RNN": (1, 100), "LSTM": (32, 128)}  # N, H
E = 64
RATE = 1e-3
# Parameters after a few steps, among which differences grow a little.
LIMIT = {"float32": 1e-3, "float64": 1e-7}
MIN_CHAR_RNN = f"min-char-rnn-style {LOOP}"


def text(N, seed=0):
    """Input and target tokens, (N, T) each."""
    tokens = np.random.default_rng(seed).integers(0, V, (N, T + 1))
    return tokens[:, :-1], tokens[:, 1:]


# The RNN --------------------------------------------------------------------------------------


def rnn_parameters(dtype):
    _, H = MODELS["RNN"]
    params = init_char_rnn(V, H, np.random.default_rng(1), dtype)
    return params, {name: np.ones_like(value) for name, value in params.items()}


def rnn_numpy(dtype):
    params, memory = rnn_parameters(dtype)
    inputs, targets = text(1)
    state = [np.zeros((1, MODELS["RNN"][1]), dtype)]

    def run():
        loss, grads, state[0] = char_rnn_gradients(inputs, targets, state[0], params)
        helpers.clip_by_value(grads, 5.0)
        for name in PARAMETERS:
            helpers.adagrad_update(params[name], grads[name], memory[name], RATE)
        return loss

    return Way(run, lambda loss: {"loss": np.asarray(loss, dtype), **params})


def rnn_loop(dtype):
    ours, memory = rnn_parameters(dtype)
    there = {"Wx": "Wxh", "Wh": "Whh", "Wy": "Why", "b": "bh", "by": "by"}

    def column(value):
        return np.ascontiguousarray(np.atleast_2d(value).T)

    params = {there[name]: column(value) for name, value in ours.items()}
    memory = {there[name]: column(value) for name, value in memory.items()}
    inputs, targets = (list(tokens[0]) for tokens in text(1))
    state = [np.zeros((MODELS["RNN"][1], 1), dtype)]

    def run():
        loss, state[0] = peers.char_rnn_step(inputs, targets, state[0], params, memory, RATE)
        return loss

    def read(loss):
        back = {name: params[there[name]].T.reshape(ours[name].shape) for name in PARAMETERS}
        return {"loss": np.asarray(loss, dtype), **back}

    return Way(run, read)


def rnn_torch(dtype):
    start, _ = rnn_parameters(dtype)
    layer, output = _layers(torch.nn.RNN, V, start, dtype)
    weights = [w for w in (*layer.parameters(), *output.parameters()) if w.requires_grad]
    optimiser = torch.optim.Adagrad(weights, lr=RATE, eps=1e-8, initial_accumulator_value=1.0)
    inputs, targets = map(torch.tensor, text(1))
    state = [torch.zeros(1, 1, MODELS["RNN"][1], dtype=output.weight.dtype)]

    def run():
        x = torch.nn.functional.one_hot(inputs, V).to(output.weight.dtype)
        h, last = layer(x, state[0])
        loss = _loss(output(h), targets, 1)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(weights, 5.0)
        optimiser.step()
        state[0] = last.detach()
        return loss

    return Way(run, lambda loss: {"loss": loss.detach().numpy(), **_weights(layer, output)})


# The LSTM -------------------------------------------------------------------------------------


def lstm_parameters(dtype):
    _, H = MODELS["LSTM"]
    rng = np.random.default_rng(2)
    table = rng.standard_normal((V, E)).astype(dtype)
    Wx, Wh, b = helpers.init_lstm(E, H, rng, dtype=dtype)
    Wy = (rng.standard_normal((H, V)) / np.sqrt(H)).astype(dtype)
    return {"E": table, "Wx": Wx, "Wh": Wh, "b": b, "Wy": Wy, "by": np.zeros(V, dtype)}


def lstm_numpy(dtype):
    N, H = MODELS["LSTM"]
    params = lstm_parameters(dtype)
    moments = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in params.items()}
    inputs, targets = text(N)
    kept = {"h": np.zeros((N, H), dtype), "c": np.zeros((N, H), dtype), "step": 0}

    def run():
        table, Wx, Wh, b, Wy, by = params.values()
        x = helpers.embedding_forward(inputs, table)
        h, kept["c"], cache = helpers.lstm_forward(x, kept["h"], kept["c"], Wx, Wh, b)
        loss, dscores = helpers.softmax_loss(readout(h, Wy, by), targets)
        dh, dWy, dby = readout_backward(dscores, h, Wy)
        dx, _, _, dWx, dWh, db = helpers.lstm_backward(dh, np.zeros_like(kept["c"]), cache)
        dE = helpers.embedding_backward(dx, (inputs, V))
        kept["h"], kept["step"] = h[:, -1], kept["step"] + 1
        for name, grad in zip(params, (dE, dWx, dWh, db, dWy, dby), strict=True):
            adam_update(params[name], grad, *moments[name], kept["step"], RATE)
        return loss

    return Way(run, lambda loss: {"loss": np.asarray(loss, dtype), **params})


def lstm_torch(dtype):
    N, H = MODELS["LSTM"]
    start = lstm_parameters(dtype)
    columns = np.concatenate([np.arange(g * H, (g + 1) * H) for g in (0, 1, 3, 2)])
    permuted = start | {name: start[name][..., columns] for name in ("Wx", "Wh", "b")}
    layer, output = _layers(torch.nn.LSTM, E, permuted, dtype)
    table = torch.nn.Embedding(V, E, _weight=torch.tensor(start["E"]))
    parts = (table, layer, output)
    weights = [w for part in parts for w in part.parameters() if w.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=RATE)
    inputs, targets = map(torch.tensor, text(N))
    state = [tuple(torch.zeros(1, N, H, dtype=output.weight.dtype) for _ in "hc")]

    def run():
        h, last = layer(table(inputs), state[0])
        loss = _loss(output(h), targets, N)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        state[0] = tuple(s.detach() for s in last)
        return loss

    def read(loss):
        found = _weights(layer, output)
        back = np.argsort(columns)
        found |= {name: found[name][..., back] for name in ("Wx", "Wh", "b")}
        return {"loss": loss.detach().numpy(), "E": table.weight.detach().numpy(), **found}

    return Way(run, read)


# PyTorch's parts ------------------------------------------------------------------------------


def _layers(kind, D, start, dtype):
    """A recurrent layer and an output layer with our weights."""
    H = start["Wh"].shape[0]
    layer = kind(D, H, batch_first=True, dtype=getattr(torch, dtype))
    output = torch.nn.Linear(H, V, dtype=getattr(torch, dtype))
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.tensor(start["Wx"].T))
        layer.weight_hh_l0.copy_(torch.tensor(start["Wh"].T))
        layer.bias_ih_l0.copy_(torch.tensor(start["b"]))
        layer.bias_hh_l0.zero_()
        output.weight.copy_(torch.tensor(start["Wy"].T))
        output.bias.copy_(torch.tensor(start["by"]))
    layer.bias_hh_l0.requires_grad_(False)  # the second bias is the first one over again
    return layer, output


def _weights(layer, output):
    named = {"Wx": layer.weight_ih_l0, "Wh": layer.weight_hh_l0, "b": layer.bias_ih_l0}
    named |= {"Wy": output.weight, "by": output.bias}
    return {name: value.detach().numpy().T for name, value in named.items()}


def _loss(scores, targets, N):
    flat = scores.reshape(-1, V), targets.reshape(-1)
    return torch.nn.functional.cross_entropy(*flat, reduction="sum") / N


def ways_of(model, dtype):
    """Every way to train a model that this machine has, each with parameters of its own."""
    if model == "RNN":
        ways = {OURS: rnn_numpy(dtype), MIN_CHAR_RNN: rnn_loop(dtype)}
        return ways | ({PYTORCH: rnn_torch(dtype)} if torch else {})
    ways = {OURS: lstm_numpy(dtype)}
    return ways | ({PYTORCH: lstm_torch(dtype)} if torch else {})


def characters(model):
    """How many characters one step learns from."""
    return MODELS[model][0] * T


def measure(model, rounds, least):
    """Three steps of every way, which have to agree, then the seconds a step of each.

    Returns:
        dict from (way, dtype) to seconds, round by round; all in turn, whatever their precision.
    """
    calls = {}
    for dtype in DTYPES:
        ways = ways_of(model, dtype)
        for way in ways.values():
            for _ in range(2):
                way.run()
        expect_agreement(ways, LIMIT[dtype])
        calls |= {(name, dtype): way.run for name, way in ways.items()}
    return in_turn(calls, rounds, least)
