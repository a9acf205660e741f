"""Values and gradients against PyTorch, on the same weights, in float64 and float32."""

import numpy as np
import pytest

from helpers import attention, embedding, gru, losses, lstm, rnn

LIMIT = {np.float64: 1e-12, np.float32: 3e-6}


def close(ours, theirs, dtype):
    theirs = theirs.detach().numpy()
    assert ours.dtype == theirs.dtype == dtype
    scale = np.linalg.norm(ours) + np.linalg.norm(theirs)
    return np.linalg.norm(ours - theirs) <= LIMIT[dtype] * scale


@pytest.mark.parametrize("dtype", LIMIT, ids=lambda d: d.__name__)
def test_rnn(torch, dtype):
    N, T, D, H = 3, 7, 4, 5
    rng = np.random.default_rng(0)
    draw = lambda *shape: (0.5 * rng.standard_normal(shape)).astype(dtype)  # noqa: E731
    x, h0, Wx, Wh, b, dh = draw(N, T, D), draw(N, H), draw(D, H), draw(H, H), draw(H), draw(N, T, H)
    theirs = torch.nn.RNN(D, H, batch_first=True, dtype=torch.from_numpy(x).dtype)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(torch.from_numpy(Wx.T))
        theirs.weight_hh_l0.copy_(torch.from_numpy(Wh.T))
        theirs.bias_ih_l0.copy_(torch.from_numpy(b))
        theirs.bias_hh_l0.zero_()
    tx = torch.from_numpy(x).requires_grad_()
    th0 = torch.from_numpy(h0).requires_grad_()
    th, _ = theirs(tx, th0[None])
    th.backward(torch.from_numpy(dh))

    h, cache = rnn.rnn_forward(x, h0, Wx, Wh, b)
    dx, dh0, dWx, dWh, db = rnn.rnn_backward(dh, cache)
    assert close(h, th, dtype)
    assert close(dx, tx.grad, dtype) and close(dh0, th0.grad, dtype)
    assert close(dWx.T, theirs.weight_ih_l0.grad, dtype)
    assert close(dWh.T, theirs.weight_hh_l0.grad, dtype)
    assert close(db, theirs.bias_ih_l0.grad, dtype)


def gated(torch, cell, ours, order, dtype):
    """torch's LSTM or GRU on our weights, and what went into both.

    Args:
        cell: "LSTM" or "GRU".
        ours: how many biases a unit has.
        order: our gate at each of torch's places.
    """
    N, T, D, H = 3, 7, 4, 5
    k = len(order)
    rng = np.random.default_rng(0)
    draw = lambda *shape: (0.5 * rng.standard_normal(shape)).astype(dtype)  # noqa: E731
    a = {"x": draw(N, T, D), "h0": draw(N, H)}
    a |= {"c0": draw(N, H)} if cell == "LSTM" else {}
    a |= {"Wx": draw(D, k * H), "Wh": draw(H, k * H), "b": draw(ours * H)}
    theirs = getattr(torch.nn, cell)(D, H, batch_first=True, dtype=torch.from_numpy(a["x"]).dtype)
    columns = np.concatenate([np.arange(g * H, (g + 1) * H) for g in order])
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(torch.from_numpy(a["Wx"][:, columns].T))
        theirs.weight_hh_l0.copy_(torch.from_numpy(a["Wh"][:, columns].T))
        theirs.bias_ih_l0.copy_(torch.from_numpy(a["b"][columns]))
        theirs.bias_hh_l0.zero_()
        if ours > k:
            theirs.bias_hh_l0[-H:] = torch.from_numpy(a["b"][-H:])
    leaves = {
        n: torch.from_numpy(v).requires_grad_() for n, v in a.items() if n in ("x", "h0", "c0")
    }
    return a, theirs, leaves, columns, draw(N, T, H), draw(N, H)


@pytest.mark.parametrize("dtype", LIMIT, ids=lambda d: d.__name__)
def test_lstm(torch, dtype):
    order = (0, 1, 3, 2)  # PyTorch's i, f, g, o out of our i, f, o, g
    a, theirs, leaves, columns, dh, dc = gated(torch, "LSTM", 4, order, dtype)
    th, (_, tc) = theirs(leaves["x"], (leaves["h0"][None], leaves["c0"][None]))
    ((th * torch.from_numpy(dh)).sum() + (tc[0] * torch.from_numpy(dc)).sum()).backward()

    h, c_last, cache = lstm.lstm_forward(*a.values())
    dx, dh0, dc0, dWx, dWh, db = lstm.lstm_backward(dh, dc, cache)
    assert close(h, th, dtype) and close(c_last, tc[0], dtype)
    for name, d in (("x", dx), ("h0", dh0), ("c0", dc0)):
        assert close(d, leaves[name].grad, dtype), name
    assert close(dWx[:, columns].T, theirs.weight_ih_l0.grad, dtype)
    assert close(dWh[:, columns].T, theirs.weight_hh_l0.grad, dtype)
    assert close(db[columns], theirs.bias_ih_l0.grad, dtype)


@pytest.mark.parametrize("dtype", LIMIT, ids=lambda d: d.__name__)
def test_gru_with_the_reset_after_the_product(torch, dtype):
    order = (1, 0, 2)  # PyTorch's r, z, n out of our z, r, n
    a, theirs, leaves, columns, dh, _ = gated(torch, "GRU", 4, order, dtype)
    th, _ = theirs(leaves["x"], leaves["h0"][None])
    th.backward(torch.from_numpy(dh))

    h, cache = gru.gru_forward(*a.values(), reset_after=True)
    dx, dh0, dWx, dWh, db = gru.gru_backward(dh, cache)
    assert close(h, th, dtype)
    assert close(dx, leaves["x"].grad, dtype) and close(dh0, leaves["h0"].grad, dtype)
    assert close(dWx[:, columns].T, theirs.weight_ih_l0.grad, dtype)
    assert close(dWh[:, columns].T, theirs.weight_hh_l0.grad, dtype)
    assert close(db[columns], theirs.bias_ih_l0.grad, dtype)
    assert close(db[-5:], theirs.bias_hh_l0.grad[-5:], dtype)


@pytest.mark.parametrize("dtype", LIMIT, ids=lambda d: d.__name__)
def test_attention(torch, dtype):
    N, L, D, H = 3, 6, 4, 5
    rng = np.random.default_rng(4)
    arrays = [rng.standard_normal(s).astype(dtype) for s in ((N, H), (N, L, H), (N, L, D))]
    dcontext = rng.standard_normal((N, D)).astype(dtype)
    th, tk, tv = (torch.from_numpy(a).requires_grad_() for a in arrays)
    theirs = torch.nn.functional.scaled_dot_product_attention(th[:, None], tk, tv)[:, 0]
    theirs.backward(torch.from_numpy(dcontext))

    context, _, cache = attention.attention_forward(*arrays)
    assert close(context, theirs, dtype)
    found = attention.attention_backward(dcontext, cache)
    for ours, leaf in zip(found, (th, tk, tv), strict=True):
        assert close(ours, leaf.grad, dtype)


@pytest.mark.parametrize("dtype", LIMIT, ids=lambda d: d.__name__)
def test_softmax_loss(torch, dtype):
    N, T, V = 3, 6, 8
    rng = np.random.default_rng(1)
    scores = (3 * rng.standard_normal((N, T, V))).astype(dtype)
    targets = rng.integers(0, V, (N, T))
    ts = torch.from_numpy(scores).requires_grad_()
    theirs = torch.nn.functional.cross_entropy(
        ts.reshape(-1, V), torch.from_numpy(targets).reshape(-1), reduction="sum"
    )
    theirs = theirs / N
    theirs.backward()
    loss, dscores = losses.softmax_loss(scores, targets)
    assert close(np.asarray(loss), theirs, dtype) and close(dscores, ts.grad, dtype)


@pytest.mark.parametrize("dtype", LIMIT, ids=lambda d: d.__name__)
def test_embedding(torch, dtype):
    rng = np.random.default_rng(2)
    E = rng.standard_normal((9, 4)).astype(dtype)
    tokens, dout = rng.integers(0, 9, (3, 7)), rng.standard_normal((3, 7, 4)).astype(dtype)
    tE = torch.from_numpy(E).requires_grad_()
    out = torch.nn.functional.embedding(torch.from_numpy(tokens), tE)
    out.backward(torch.from_numpy(dout))
    assert close(embedding.embedding_forward(tokens, E), out, dtype)
    assert close(embedding.embedding_backward(dout, (tokens, 9)), tE.grad, dtype)


@pytest.mark.parametrize("dtype", LIMIT, ids=lambda d: d.__name__)
@pytest.mark.parametrize("optimiser", ["Adagrad", "Adam"])
def test_optimisers(torch, optimiser, dtype):
    from helpers import optim

    rng = np.random.default_rng(3)
    param = rng.standard_normal((4, 3)).astype(dtype)
    tp = torch.from_numpy(param.copy()).requires_grad_()
    theirs = getattr(torch.optim, optimiser)([tp], lr=0.05, eps=1e-8)
    memory, v = np.zeros_like(param), np.zeros_like(param)
    for step in range(1, 6):
        grad = rng.standard_normal(param.shape).astype(dtype)
        tp.grad = torch.from_numpy(grad.copy())
        theirs.step()
        if optimiser == "Adagrad":
            optim.adagrad_update(param, grad, memory, 0.05)
        else:
            optim.adam_update(param, grad, memory, v, step, 0.05)
    # PyTorch's Adagrad adds eps outside the root; with |grad| near 1 that is a last-digit matter.
    limit = 1e-6 if optimiser == "Adagrad" else LIMIT[dtype]
    assert np.abs(param - tp.detach().numpy()).max() <= max(limit, LIMIT[dtype])
