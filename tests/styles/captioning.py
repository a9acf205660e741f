"""Right answers to notebook 08."""

import heapq
from collections import namedtuple
from dataclasses import dataclass
from functools import partial, reduce, wraps
from itertools import count
from types import SimpleNamespace

import numpy as np
from answers import Styles

from helpers.attention import attention_backward, attention_forward
from helpers.embedding import one_hot
from helpers.losses import softmax, softmax_loss
from helpers.lstm import lstm_step_backward, lstm_step_forward
from helpers.rnn import rnn_step_backward, rnn_step_forward

style = Styles()


def log_sum_exp(scores, axis=-1):
    largest = scores.max(axis=axis, keepdims=True)
    return largest + np.log(np.exp(scores - largest).sum(axis=axis, keepdims=True))


def sigma(x):
    return 0.5 * np.tanh(0.5 * x) + 0.5


# temporal_softmax_loss ----------------------------------------------------------------------------


@style("temporal_softmax_loss")
def word_by_word(scores, targets, mask):
    N, T, V = scores.shape
    loss, dscores = 0.0, np.zeros_like(scores)
    for n in range(N):
        for t in range(T):
            if not mask[n, t]:
                continue
            shifted = scores[n, t] - scores[n, t].max()
            loss += np.log(np.exp(shifted).sum()) - shifted[targets[n, t]]
            dscores[n, t] = np.exp(shifted) / np.exp(shifted).sum()
            dscores[n, t, targets[n, t]] -= 1
    return loss / N, dscores / N


@style("temporal_softmax_loss")
def only_the_words_that_count(scores, targets, mask):
    flat, wanted = scores[mask], targets[mask]  # (M, V), (M,)
    log_p = flat - log_sum_exp(flat) if len(flat) else flat
    dscores = np.zeros_like(scores)
    dscores[mask] = (np.exp(log_p) - np.eye(scores.shape[2])[wanted]) / len(scores)
    return -log_p[np.arange(len(wanted)), wanted].sum() / len(scores), dscores


@style("temporal_softmax_loss")
def weights_by_einsum(scores, targets, mask):
    N, T, V = scores.shape
    weight = mask.astype(scores.dtype) / N
    hot = one_hot(targets, V)
    log_p = scores - log_sum_exp(scores)
    loss = -np.einsum("ntv,ntv,nt->", hot, log_p, weight)
    return float(loss), np.einsum("ntv,nt->ntv", np.exp(log_p) - hot, weight)


@style("temporal_softmax_loss")
def padding_without_scores(scores, targets, mask):
    """Equal scores where there is padding, and what they cost taken off again."""
    N, T, V = scores.shape
    loss, dscores = softmax_loss(np.where(mask[:, :, None], scores, 0), targets)
    return loss - np.log(V) * (~mask).sum() / N, np.where(mask[:, :, None], dscores, 0)


# image_rnn_step_forward ---------------------------------------------------------------------------


@style("image_rnn_step_forward")
def one_product_of_all_three(x, h_prev, v, Wx, Wh, Wih, b):
    inputs, W = np.hstack([x, h_prev, v]), np.vstack([Wx, Wh, Wih])
    h = np.tanh(inputs @ W + b)
    return [h, (inputs, W, h)]


@style("image_rnn_step_forward")
def unit_by_unit(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.empty_like(h_prev)
    for n, row in enumerate(h):
        for j in range(len(b)):
            row[j] = np.tanh(x[n] @ Wx[:, j] + h_prev[n] @ Wh[:, j] + v[n] @ Wih[:, j] + b[j])
    return h, dict(x=x, h_prev=h_prev, v=v, Wx=Wx, Wh=Wh, Wih=Wih, h=h)


@style("image_rnn_step_forward")
def columns(x, h_prev, v, Wx, Wh, Wih, b, squash=np.tanh):
    parts = Wx.T @ x.T, Wh.T @ h_prev.T, Wih.T @ v.T, b[:, None]
    h = squash(reduce(np.add, parts)).T
    return h, SimpleNamespace(x=x, h_prev=h_prev, v=v, Wx=Wx, Wh=Wh, Wih=Wih, h=h)


@style("image_rnn_step_forward")
def image_as_a_bias(x, h_prev, v, Wx, Wh, Wih, b):
    """The image's share is a second input of a plain step."""
    both, W = np.concatenate((x, v), 1), np.concatenate((Wx, Wih))
    return rnn_step_forward(both, h_prev, W, Wh, b)


# image_rnn_step_backward --------------------------------------------------------------------------


def stacked_forward(x, h_prev, v, Wx, Wh, Wih, b):
    inputs, W = np.hstack([x, h_prev, v]), np.vstack([Wx, Wh, Wih])
    h = np.tanh(inputs @ W + b)
    return h, (inputs, W, 1 - h * h, [x.shape[1], x.shape[1] + h.shape[1]])


@style("image_rnn_step_backward", forward=stacked_forward)
def one_product_there_and_back(dh, cache):
    inputs, W, slope, cuts = cache
    da = dh * slope
    return *np.split(da @ W.T, cuts, axis=1), *np.split(inputs.T @ da, cuts), da.sum(0)


Step = namedtuple("Step", "x h_prev v Wx Wh Wih h")


def named_forward(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + v @ Wih + b)
    return h, Step(x, h_prev, v, Wx, Wh, Wih, h)


@style("image_rnn_step_backward", forward=named_forward)
def row_by_row(dh, cache):
    arrays, weights = (cache.x, cache.h_prev, cache.v), (cache.Wx, cache.Wh, cache.Wih)
    into = [np.empty_like(a) for a in arrays]
    onto = [np.zeros_like(W) for W in weights]
    da = [dh_n * (1 + h_n) * (1 - h_n) for dh_n, h_n in zip(dh, cache.h, strict=True)]
    for k, (a, W) in enumerate(zip(arrays, weights, strict=True)):
        for n, da_n in enumerate(da):
            into[k][n] = W @ da_n
            onto[k] += np.outer(a[n], da_n)
    return [*into, *onto, sum(da)]


def closing_forward(x, h_prev, v, Wx, Wh, Wih, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + v @ Wih + b)

    def back(dh):
        da = np.multiply(dh, 1 - np.square(h))
        through = [np.tensordot(da, W, axes=(1, 1)) for W in (Wx, Wh, Wih)]
        onto = [np.tensordot(a, da, axes=(0, 0)) for a in (x, h_prev, v)]
        return *through, *onto, np.einsum("nh->h", da)

    return h, back


@style("image_rnn_step_backward", forward=closing_forward)
def closure_for_a_cache(dh, cache):
    return cache(dh)


def forward_with_two_inputs(x, h_prev, v, Wx, Wh, Wih, b):
    h, cache = image_as_a_bias(x, h_prev, v, Wx, Wh, Wih, b)
    return h, {"step": cache, "D": x.shape[1]}


@style("image_rnn_step_backward", forward=forward_with_two_inputs)
def image_as_a_second_input(dh, cache):
    D = cache["D"]
    dboth, dh_prev, dW, dWh, db = rnn_step_backward(dh, cache["step"])
    return dboth[:, :D], dh_prev, dboth[:, D:], dW[:D], dWh, dW[D:], db


# attention_forward --------------------------------------------------------------------------------


@style("attention_forward")
def scaled_before_the_product(h, keys, values):
    asks = h * h.shape[1] ** -0.5
    scores = np.einsum("nh,nlh->nl", asks, keys)
    weights = np.exp(scores - log_sum_exp(scores))
    return np.einsum("nl,nld->nd", weights, values), weights, (h, keys, values, weights)


@style("attention_forward")
def place_by_place(h, keys, values):
    N, L, H = keys.shape
    weights, context = np.empty((N, L), h.dtype), np.zeros((N, values.shape[2]), h.dtype)
    for n in range(N):
        scores = [float(keys[n, place] @ h[n]) / H**0.5 for place in range(L)]
        e = [np.exp(score - max(scores)) for score in scores]
        for place in range(L):
            weights[n, place] = e[place] / sum(e)
            context[n] += weights[n, place] * values[n, place]
    return context, weights, None


@style("attention_forward")
def places_first(h, keys, values):
    """The softmax runs along the first axis of (L, N), and its transpose is returned."""
    K, V = keys.transpose(1, 0, 2), values.transpose(1, 0, 2)
    scores = np.sum(K * h, axis=2) / np.sqrt(keys.shape[2], dtype=h.dtype)
    e = np.exp(scores - scores.max(axis=0))
    weights = e / e.sum(axis=0)
    return np.sum(weights[:, :, None] * V, axis=0), weights.T, {"weights": weights}


@style("attention_forward")
def batched_products(h, keys, values):
    scores = np.matmul(keys, h[..., None]).squeeze(-1) / np.sqrt(h.shape[-1])
    weights = softmax(scores).astype(h.dtype)
    context = np.matmul(weights[:, None, :], values).squeeze(1)
    return context, weights, lambda: (h, keys, values, weights)


# attention_backward -------------------------------------------------------------------------------


@style("attention_backward")
def whole_jacobians(dcontext, cache):
    h, keys, values, w = cache
    J = w[:, :, None] * np.eye(w.shape[1]) - w[:, :, None] * w[:, None, :]  # (N, L, L)
    dscores = np.einsum("nlm,nmd,nd->nl", J, values, dcontext) / np.sqrt(h.shape[1])
    dh = np.einsum("nl,nlh->nh", dscores, keys)
    return dh, np.einsum("nl,nh->nlh", dscores, h), np.einsum("nl,nd->nld", w, dcontext)


def look_with_context(h, keys, values):
    weights = softmax(np.matmul(keys, h[:, :, None])[:, :, 0] / np.sqrt(h.shape[1]))
    context = np.matmul(weights[:, None], values)[:, 0]
    return context, weights, SimpleNamespace(**locals())


@style("attention_backward", forward=look_with_context)
def mean_of_the_values_is_the_context(dcontext, cache):
    """Σ w dw is dcontext · context, so that the mean need not be summed up again."""
    s = cache
    above = s.values - s.context[:, None]  # (N, L, D)
    dscores = s.weights * np.einsum("nld,nd->nl", above, dcontext) * s.h.shape[1] ** -0.5
    dvalues = s.weights[..., None] * dcontext[:, None]
    return np.sum(dscores[..., None] * s.keys, 1), dscores[..., None] * s.h[:, None], dvalues


@style("attention_backward")
def picture_by_picture(dcontext, cache):
    h, keys, values, weights = cache
    dh, dkeys, dvalues = np.empty_like(h), np.empty_like(keys), np.empty_like(values)
    for n, w in enumerate(weights):
        dw = values[n] @ dcontext[n]
        dscores = (np.diag(w) - np.outer(w, w)) @ dw / h.shape[1] ** 0.5
        dh[n], dkeys[n] = dscores @ keys[n], np.outer(dscores, h[n])
        dvalues[n] = np.outer(w, dcontext[n])
    return [dh, dkeys, dvalues]


class Look:
    """An attention layer with two methods; its forward pass gives itself as the cache."""

    def forward(self, h, keys, values):
        self.h, self.keys, self.values = h, keys, values
        self.scale = 1 / np.sqrt(h.shape[1])
        self.w = softmax(np.einsum("nh,nlh->nl", h, keys) * self.scale)
        return np.einsum("nl,nld->nd", self.w, values), self.w, self

    def backward(self, dcontext):
        dw = np.einsum("nld,nd->nl", self.values, dcontext)
        ds = self.scale * (self.w * dw - self.w * (self.w * dw).sum(1)[:, None])
        dh = (ds[:, None] @ self.keys).reshape(self.h.shape)
        return dh, ds[..., None] * self.h[:, None], self.w[..., None] * dcontext[:, None]


@style("attention_backward", forward=lambda h, keys, values: Look().forward(h, keys, values))
def layer_as_a_class(dcontext, cache):
    return cache.backward(dcontext)


# attention_lstm_step_forward ----------------------------------------------------------------------


@style("attention_lstm_step_forward")
def three_products(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, _ = attention_forward(h_prev, keys, values)
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + context @ Wz + b, 4, axis=1)
    c = sigma(f) * c_prev + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(c), c, weights, None


@style("attention_lstm_step_forward")
def one_product_of_word_state_and_context(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    weights = softmax(np.einsum("nh,nlh->nl", h_prev, keys) / np.sqrt(h_prev.shape[1]))
    inputs = np.hstack([x, h_prev, np.einsum("nl,nld->nd", weights, values)])
    a = (inputs @ np.vstack([Wx, Wh, Wz]) + b).reshape(len(x), 4, -1)  # (N, 4, H)
    i, f, o = sigma(a[:, :3]).swapaxes(0, 1)
    c = f * c_prev
    c += i * np.tanh(a[:, 3])
    return o * np.tanh(c), c, weights, locals()


@style("attention_lstm_step_forward")
def image_as_a_further_bias(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    """The context's share of the sum is handed to a plain step beside the word's."""
    context, weights, look = attention_forward(h_prev, keys, values)
    share = x @ Wx + context @ Wz  # (N, 4H)
    eye = np.eye(share.shape[1], dtype=share.dtype)
    h, c, step = lstm_step_forward(share, h_prev, c_prev, eye, Wh, b)
    return h, c, weights, (look, step)


@style("attention_lstm_step_forward")
def a_row_at_a_time(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    H, rows = h_prev.shape[1], []
    for x_n, h_n, c_n, keys_n, values_n in zip(x, h_prev, c_prev, keys, values, strict=True):
        w = softmax(keys_n @ h_n / np.sqrt(H))
        a = Wx.T @ x_n + Wh.T @ h_n + Wz.T @ (w @ values_n) + b
        c = sigma(a[H : 2 * H]) * c_n + sigma(a[:H]) * np.tanh(a[3 * H :])
        rows.append((sigma(a[2 * H : 3 * H]) * np.tanh(c), c, w))
    h, c, weights = (np.array(column) for column in zip(*rows, strict=True))
    return h, c, weights, None


# attention_lstm_step_backward ---------------------------------------------------------------------


@style("attention_lstm_step_backward")
def in_two_stages(dh, dc, cache):
    look, step, E = cache
    dboth, dh_prev, dc_prev, dW, dWh, db = lstm_step_backward(dh, dc, step)
    (dx, dcontext), (dWx, dWz) = np.hsplit(dboth, [E]), np.vsplit(dW, [E])
    dh_look, dkeys, dvalues = attention_backward(dcontext, look)
    dh_prev += dh_look
    return dx, dh_prev, dc_prev, dkeys, dvalues, dWx, dWh, dWz, db


def step_with_a_dict(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    context, weights, look = attention_forward(h_prev, keys, values)
    i, f, o, g = np.split(x @ Wx + h_prev @ Wh + context @ Wz + b, 4, axis=1)
    i, f, o, g = sigma(i), sigma(f), sigma(o), np.tanh(g)
    c = f * c_prev + i * g
    return o * np.tanh(c), c, weights, {**locals(), "tanh_c": np.tanh(c)}


@style("attention_lstm_step_backward", forward=step_with_a_dict)
def gates_by_hand(dh, dc, cache):
    s = SimpleNamespace(**cache)
    dc = dc + dh * s.o * (1 - s.tanh_c**2)
    d = np.stack([dc * s.g, dc * s.c_prev, dh * s.tanh_c, dc * s.i])
    slope = np.stack([*(gate - gate**2 for gate in (s.i, s.f, s.o)), 1 - s.g**2])
    da = np.concatenate(d * slope, axis=1)
    dh_look, dkeys, dvalues = attention_backward(da @ s.Wz.T, s.look)
    dx, dh_prev = da @ s.Wx.T, da @ s.Wh.T + dh_look
    dWx, dWh, dWz = (a.T @ da for a in (s.x, s.h_prev, s.context))
    return dx, dh_prev, dc * s.f, dkeys, dvalues, dWx, dWh, dWz, da.sum(axis=0)


def step_on_a_tape(x, h_prev, c_prev, keys, values, Wx, Wh, Wz, b):
    """The cache is a list of functions to be called backwards."""
    context, weights, look = attention_forward(h_prev, keys, values)
    W = np.vstack([Wx, Wh, Wz])
    inputs = np.hstack([x, h_prev, context])
    a = inputs @ W + b
    *sums, last = np.split(a, 4, axis=1)
    i, f, o, g = *map(sigma, sums), np.tanh(last)
    c = f * c_prev + i * g
    t = np.tanh(c)

    def of_the_gates(dh, dc):
        dc = dc + dh * o * (1 - t) * (1 + t)
        sums = dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dh * t * o * (1 - o)
        return np.hstack([*sums, dc * i * (1 - g * g)]), dc * f

    def of_the_sum(da):
        cuts = [x.shape[1], x.shape[1] + h_prev.shape[1]]
        return np.split(da @ W.T, cuts, axis=1), np.split(inputs.T @ da, cuts), da.sum(axis=0)

    return o * t, c, weights, (of_the_gates, of_the_sum, partial(attention_backward, cache=look))


@style("attention_lstm_step_backward", forward=step_on_a_tape)
def functions_for_a_cache(dh, dc, cache):
    of_the_gates, of_the_sum, of_the_look = cache
    da, dc_prev = of_the_gates(dh, dc)
    (dx, dh_gates, dcontext), (dWx, dWh, dWz), db = of_the_sum(da)
    dh_look, dkeys, dvalues = of_the_look(dcontext)
    return [dx, dh_gates + dh_look, dc_prev, dkeys, dvalues, dWx, dWh, dWz, db]


# greedy_caption -----------------------------------------------------------------------------------


@style("greedy_caption")
def in_a_while_loop(step, start, end, max_length):
    caption, state, token = [], None, start
    while len(caption) != max_length:
        scores, state = step(token, state)
        token = scores.argmax()
        if token == end:
            return caption
        caption.append(token)
    return caption


@style("greedy_caption")
def by_recursion(step, start, end, max_length, state=None):
    if max_length == 0:
        return []
    scores, state = step(start, state)
    word = int(np.argmax(scores))
    return [] if word == end else [word, *by_recursion(step, word, end, max_length - 1, state)]


@style("greedy_caption")
def cut_off_afterwards(step, start, end, max_length):
    """All steps are taken, END or not, and what follows the first END is cut off."""
    said, state = [start], None
    for _ in range(max_length):
        scores, state = step(said[-1], state)
        said.append(int(np.argsort(scores)[-1]))
    said = said[1:]
    return said[: said.index(end)] if end in said else said


@style("greedy_caption")
def from_a_generator(step, start, end, max_length):
    def words(token, state=None):
        while True:
            scores, state = step(token, state)
            token = max(range(len(scores)), key=lambda k: scores[k])
            if token == end:
                return
            yield token

    return tuple(word for _, word in zip(range(max_length), words(start), strict=False))


# beam_caption -------------------------------------------------------------------------------------


@dataclass
class Beam:
    total: float
    words: tuple
    last: int
    state: object
    over: bool = False


@style("beam_caption")
def with_a_dataclass(step, start, end, max_length, width):
    beams = [Beam(0.0, (), start, None)]
    for _ in range(max_length):
        grown = [beam for beam in beams if beam.over]
        for beam in (beam for beam in beams if not beam.over):
            scores, after = step(beam.last, beam.state)
            gains = scores - log_sum_exp(scores)
            for k in np.argsort(-gains)[:width]:
                words = beam.words if k == end else (*beam.words, k)
                grown.append(Beam(beam.total + gains[k], words, k, after, k == end))
        beams = sorted(grown, key=lambda beam: beam.total)[-width:]
    return list(max(beams, key=lambda beam: beam.total).words)


@style("beam_caption")
def with_a_heap(step, start, end, max_length, width):
    tie = count()  # so that no two states are ever compared
    beams, done = [(0.0, next(tie), [], start, None)], []
    for _ in range(max_length):
        grown = []
        for total, _, words, token, state in beams:
            scores, after = step(token, state)
            for k, p in enumerate(softmax(scores)):
                with np.errstate(divide="ignore"):
                    entry = total + np.log(p), next(tie), [*words, k], k, after
                grown.append(entry)
        best = heapq.nlargest(width, grown)
        done += [(total, words[:-1]) for total, _, words, token, _ in best if token == end]
        beams = [entry for entry in best if entry[3] != end]
    done += [(total, words) for total, _, words, *_ in beams]
    return max(done, key=lambda entry: entry[0])[1]


@style("beam_caption")
def matrix_of_totals(step, start, end, max_length, width):
    """All continuations as one matrix (beams, V), of which the largest entries are taken."""
    totals, captions, states = np.zeros(1), [[start]], [None]
    done = []
    for _ in range(max_length):
        if not captions:
            break
        scores, states = zip(
            *(step(words[-1], state) for words, state in zip(captions, states, strict=True)),
            strict=True,
        )
        scores = np.stack(scores)
        table = totals[:, None] + scores - log_sum_exp(scores)
        done += [(table[k, end], words) for k, words in enumerate(captions)]
        table[:, end] = -np.inf
        best = np.argsort(-table, axis=None)[:width]
        rows, words = np.unravel_index(best, table.shape)
        totals = table[rows, words]
        captions = [[*captions[r], int(w)] for r, w in zip(rows, words, strict=True)]
        states = [states[r] for r in rows]
    done += zip(totals, captions, strict=True)
    return max(done, key=lambda entry: entry[0])[1][1:]


def with_defaults(f):
    @wraps(f)
    def called(step, start, end, max_length, width=3):
        return f(step, start, end, max_length, width)

    return called


@style("beam_caption")
@with_defaults
def log_base_two(step, start, end, max_length, width):
    beams = [([], 0.0, start, None)]
    for _ in range(max_length):
        grown = []
        for beam in beams:
            words, bits, token, state = beam
            if token == end:
                grown += [beam]
                continue
            scores, after = step(token, state)
            cost = (log_sum_exp(scores) - scores) / np.log(2)
            grown += [
                (words + [k] * (k != end), bits + c, k, after) for k, c in enumerate(cost.tolist())
            ]
        grown.sort(key=lambda beam: beam[1])
        beams = grown[:width]
    return beams[0][0]


@style("beam_caption")
def probabilities_multiplied(step, start, end, max_length, width):
    beams = [(1.0, [], start, None)]
    for _ in range(max_length):
        grown = []
        for p, words, token, state in beams:
            if words and words[-1] == end:
                grown.append((p, words, token, state))
                continue
            scores, after = step(token, state)
            grown += [(p * q, [*words, k], k, after) for k, q in enumerate(softmax(scores))]
        beams = sorted(grown, key=lambda beam: beam[0], reverse=True)[:width]
    return [word for word in beams[0][1] if word != end]
