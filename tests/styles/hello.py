"""Right answers to notebook 02."""

from itertools import count

import numpy as np
from answers import Styles

from helpers import embedding_forward, readout, rnn_step, rnn_unroll, softmax, softmax_loss

style = Styles()


# build_vocab --------------------------------------------------------------------------------------


@style("build_vocab")
def dict_and_list(text):
    characters = sorted(set(text))
    return dict(zip(characters, count(), strict=False)), characters


@style("build_vocab")
def by_np_unique(text):
    characters = np.unique(list(text)).tolist()
    to_ix = {c: np.int64(i) for i, c in enumerate(characters)}
    return [to_ix, {i: c for c, i in to_ix.items()}]


@style("build_vocab")
def grown_character_by_character(text):
    to_ix = {}
    for c in sorted(text):
        if c not in to_ix:
            to_ix[c] = len(to_ix)
    return to_ix, tuple(to_ix)


# softmax ------------------------------------------------------------------------------------------


@style("softmax")
def by_the_log_of_the_sum(scores):
    largest = np.max(scores, -1, keepdims=True)
    return np.exp(scores - largest - np.log(np.sum(np.exp(scores - largest), -1, keepdims=True)))


@style("softmax")
def row_by_row(scores):
    out = np.empty_like(scores)
    for place in np.ndindex(scores.shape[:-1]):
        e = np.exp(scores[place] - max(scores[place]))
        out[place] = e / sum(e)
    return out


@style("softmax")
def with_the_last_axis_first(scores):
    e = np.exp(scores.T - scores.T.max(axis=0))
    return (e / e.sum(axis=0)).T


@style("softmax")
def each_score_against_all(scores):
    return 1 / np.exp(np.minimum(scores[..., None, :] - scores[..., None], 700)).sum(axis=-1)


@style("softmax")
def on_its_own_copy(scores, axis=-1):
    p = np.array(scores)
    p -= p.max(axis=axis, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=axis, keepdims=True)
    return p


# softmax_loss -------------------------------------------------------------------------------------


def log_softmax(scores):
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@style("softmax_loss")
def truth_as_one_hot_vectors(scores, targets):
    truth = np.eye(scores.shape[2], dtype=scores.dtype)[targets]
    log_p = log_softmax(scores)
    return -np.einsum("ntv,ntv->", truth, log_p) / len(scores), (np.exp(log_p) - truth) / len(
        scores
    )


@style("softmax_loss")
def flattened(scores, targets):
    N, T, V = scores.shape
    log_p, rows = log_softmax(scores.reshape(N * T, V)), np.arange(N * T)
    d = np.exp(log_p)
    d[rows, targets.ravel()] -= 1
    return -log_p[rows, targets.ravel()].reshape(N, T).sum(axis=1).mean(), d.reshape(N, T, V) / N


@style("softmax_loss")
def step_by_step(scores, targets):
    N, T, V = scores.shape
    loss, dscores = 0.0, np.zeros_like(scores)
    for n in range(N):
        for t in range(T):
            s, k = scores[n, t], targets[n, t]
            loss += (np.logaddexp.reduce(s) - s[k]) / N
            dscores[n, t] = softmax(s) / N
            dscores[n, t, k] -= 1 / N
    return loss, dscores


@style("softmax_loss")
def along_the_last_axis(scores, targets):
    log_p, at = log_softmax(scores), targets[..., None]
    d = softmax(scores)
    np.put_along_axis(d, at, np.take_along_axis(d, at, axis=-1) - 1, axis=-1)
    return np.float64(-np.take_along_axis(log_p, at, -1).sum() / len(d)), d / len(d)


# embedding_forward --------------------------------------------------------------------------------


@style("embedding_forward")
def by_the_one_hot_product(tokens, E):
    return (tokens[..., None] == np.arange(len(E))) @ E


@style("embedding_forward")
def np_take(tokens, E):
    return np.take(E, tokens, axis=0)


@style("embedding_forward")
def vector_by_vector(tokens, E):
    return np.array([[E[token] for token in sequence] for sequence in tokens])


@style("embedding_forward")
def columns_of_the_transpose(tokens, E):
    return np.moveaxis(E.T[:, tokens], 0, 2)


# char_rnn_loss ------------------------------------------------------------------------------------


@style("char_rnn_loss")
def rows_of_Wx(inputs, targets, h0, params):
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    loss, h = 0, h0
    for x, y in zip(inputs.T, targets.T, strict=True):
        h = np.tanh(Wx[x] + h @ Wh + b)
        loss -= log_softmax(h @ Wy + by)[np.arange(len(y)), y].mean()
    return loss, h


@style("char_rnn_loss")
def one_product_after_the_loop(inputs, targets, h0, params):
    x = np.eye(len(params["Wx"]), dtype=h0.dtype)[inputs]
    h = rnn_unroll(x, h0, params["Wx"], params["Wh"], params["b"])
    loss, _ = softmax_loss(readout(h, params["Wy"], params["by"]), targets)
    return loss, h[:, -1, :]


@style("char_rnn_loss")
def embedded_first(inputs, targets, h0, params):
    from_inputs = embedding_forward(inputs, params["Wx"]) + params["b"]
    states = [h0]
    for t in range(inputs.shape[1]):
        states.append(np.tanh(from_inputs[:, t] + states[t] @ params["Wh"]))
    scores = np.stack(states[1:], axis=1) @ params["Wy"] + params["by"]
    return [softmax_loss(scores, targets)[0], states[-1]]


@style("char_rnn_loss")
def sequence_by_sequence(inputs, targets, h0, params):
    each = [
        rows_of_Wx(inputs[n : n + 1], targets[n : n + 1], h0[n : n + 1], params)
        for n in range(len(inputs))
    ]
    losses, states = zip(*each, strict=True)
    return sum(losses) / len(losses), np.concatenate(states)


# sample -------------------------------------------------------------------------------------------


def sampler(draw):
    """An answer by how it draws from probabilities."""

    def sample(h0, first, n, params, temperature, rng):
        def step(token, h):
            h = np.tanh(params["Wx"][[token]] + h @ params["Wh"] + params["b"])
            return h, (h @ params["Wy"] + params["by"])[0]

        written, token, h = [], first, h0
        while len(written) < n:
            h, scores = step(token, h)
            token = draw(softmax(scores / temperature), rng) if temperature else scores.argmax()
            written.append(int(token))
        return written

    sample.__name__ = draw.__name__
    return sample


@style("sample")
@sampler
def by_choice(p, rng):
    return rng.choice(len(p), p=p)


@style("sample")
@sampler
def by_the_inverse_of_the_cumulative_sum(p, rng):
    return min(np.searchsorted(np.cumsum(p), rng.random(), side="right"), len(p) - 1)


@style("sample")
@sampler
def by_gumbel_noise(p, rng):
    return np.argmax(np.log(p + 1e-300) + rng.gumbel(size=len(p)))


@style("sample")
@sampler
def by_multinomial(p, rng):
    return rng.multinomial(1, p).argmax()


@style("sample")
def all_random_numbers_beforehand(h0, first, n, params, temperature, rng):
    tokens, h = np.zeros(n, int), h0
    for i, u in enumerate(rng.random(n)):
        x = np.eye(len(params["Wx"]))[[tokens[i - 1] if i else first]]
        h = rnn_step(x, h, params["Wx"], params["Wh"], params["b"])
        scores = readout(h, params["Wy"], params["by"])[0]
        if temperature == 0:
            tokens[i] = np.argmax(scores)
        else:
            tokens[i] = np.sum(np.cumsum(softmax(scores / temperature))[:-1] <= u)
    return tokens


@style("sample")
def by_a_generator(h0, first, n, params, temperature, rng):
    def write(token, h):
        while True:
            h = np.tanh(params["Wx"][token] + h @ params["Wh"] + params["b"])
            scores = (h @ params["Wy"] + params["by"])[0]
            if temperature > 0:
                token = rng.choice(scores.size, p=softmax(scores / temperature))
            else:
                token = np.argmax(scores)
            yield token

    return tuple(token for token, _ in zip(write(first, h0), range(n), strict=False))
