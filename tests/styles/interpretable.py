"""Right answers to notebook 11."""

import re
from itertools import accumulate, product

import numpy as np
from answers import Styles

from helpers.gru import gru_backward, gru_forward
from helpers.lstm import sigmoid
from helpers.rnn import rnn_backward, rnn_forward

style = Styles()


# record_states ------------------------------------------------------------------------------------


def numbers_of(text, params):
    if "char_to_ix" in params:
        return [params["char_to_ix"][c] for c in text]
    return [sorted(set(text)).index(c) for c in text]


@style("record_states")
def rows_of_Wx_step_by_step(text, params):
    Wx, Wh, b = params["Wx"], params["Wh"], params["b"]
    H = Wh.shape[0]
    h, states = np.zeros(H, Wh.dtype), []
    for ix in numbers_of(text, params):
        if Wh.shape[1] == H:
            h = np.tanh(Wx[ix] + h @ Wh + b)
        else:
            a = Wx[ix] + b
            z, r = np.split(sigmoid(a[: 2 * H] + h @ Wh[:, : 2 * H]), 2)
            n = np.tanh(a[2 * H :] + (r * h) @ Wh[:, 2 * H :])
            h = (1 - z) * n + z * h
        states.append(h)
    return np.stack(states)


@style("record_states")
def one_sequence_through_the_forward_pass(text, params):
    Wx, Wh, b = (params[name] for name in ("Wx", "Wh", "b"))
    x = np.eye(len(Wx), dtype=Wx.dtype)[numbers_of(text, params)][None]
    h0 = np.zeros((1, len(Wh)), dtype=Wx.dtype)
    forward = {1: rnn_forward, 3: gru_forward}[Wh.shape[1] // Wh.shape[0]]
    return forward(x, h0, Wx, Wh, b)[0][0]


@style("record_states")
def into_an_array_in_pieces(text, params):
    Wx, Wh, b = (params[name] for name in ("Wx", "Wh", "b"))
    x = np.zeros((1, len(text), len(Wx)))
    x[0, range(len(text)), numbers_of(text, params)] = 1
    forward = rnn_forward if b.shape == (len(Wh),) else gru_forward
    states, h = np.empty((len(text), len(Wh))), np.zeros((1, len(Wh)))
    for k in range(0, len(text), 4):
        part, _ = forward(x[:, k : k + 4], h, Wx, Wh, b)
        states[k : k + 4], h = part[0], part[:, -1]
    return states


# features -----------------------------------------------------------------------------------------


@style("features")
def one_pass_with_five_counters(text):
    T = len(text)
    quotes, brackets, after_if = (np.zeros(T, dtype=bool) for _ in range(3))
    indentation, position = np.zeros(T, dtype=int), np.zeros(T, dtype=int)
    quote, depth, spaces, column, word = None, 0, 0, 0, ""
    for t in range(T):
        c = text[t]
        if c == "\n":
            if column == 0:
                depth = 0
            quote, spaces, column, word = None, 0, 0, ""
        else:
            column += 1
            if c == " " and spaces == column - 1:
                spaces += 1
            elif len(word) < 3:
                word += c
            if quote is None and c in ('"', "'"):
                quote = c
            elif quote == c:
                quote = None
            elif quote is None:
                if c in "([{":
                    depth += 1
                if c in ")]}" and depth:
                    depth -= 1
        quotes[t], brackets[t], after_if[t] = quote is not None, depth > 0, word == "if "
        indentation[t], position[t] = spaces, column
    return {
        "quotes": quotes,
        "brackets": brackets,
        "indentation": indentation,
        "position": position,
        "after_if": after_if,
    }


@style("features")
def each_by_itself(text):
    def until(t):
        return text[: t + 1].rpartition("\n")[2]

    def quote_of(line):
        open_mark = ""
        for c in line:
            if not open_mark and c in "'\"":
                open_mark = c
            elif c == open_mark:
                open_mark = ""
        return open_mark

    def depth_after(depth, t):
        c = text[t]
        if c == "\n":
            return 0 if t == 0 or text[t - 1] == "\n" else depth
        if quote_of(until(t)[:-1]):
            return depth
        return max(0, depth + "([{".count(c) - ")]}".count(c))

    T = range(len(text))
    depths = list(accumulate(T, depth_after, initial=0))[1:]
    return {
        "after_if": np.array([bool(re.match(r" *if ", until(t))) for t in T], dtype=bool),
        "position": np.array([len(until(t)) for t in T], dtype=np.int32),
        "indentation": np.array([len(re.match(" *", until(t))[0]) for t in T], dtype=np.int32),
        "brackets": np.array(depths, dtype=int) > 0,
        "quotes": np.array([quote_of(until(t)) != "" for t in T], dtype=bool),
    }


@style("features")
def line_by_line(text):
    found = {name: [] for name in ("quotes", "brackets", "indentation", "position", "after_if")}
    depth = 0
    for line in re.findall(r"[^\n]*\n|[^\n]+$", text):
        mark = ""
        if line == "\n":
            depth = 0
        for k, c in enumerate(line):
            over = c == "\n"
            if mark:
                mark = "" if c in (mark, "\n") else mark
            elif c in "'\"":
                mark = c
            else:
                depth = max(depth + (c in "([{") - (c in ")]}"), 0)
            so_far = "" if over else line[: k + 1]
            found["quotes"].append(bool(mark))
            found["brackets"].append(bool(depth))
            found["indentation"].append(len(so_far) - len(so_far.lstrip(" ")))
            found["position"].append(len(so_far))
            found["after_if"].append(so_far.lstrip(" ")[:3] == "if ")
    kinds = {"indentation": int, "position": int}
    return {name: np.array(row, dtype=kinds.get(name, bool)) for name, row in found.items()}


# auc ----------------------------------------------------------------------------------------------


@style("auc")
def table_of_pairs(values, feature):
    there, elsewhere = values[feature > 0], values[feature <= 0]
    gap = there[:, None] - elsewhere[None, :]
    return ((gap > 0).sum() + 0.5 * (gap == 0).sum()) / gap.size


@style("auc")
def pair_by_pair(values, feature):
    there = [v for v, f in zip(values, feature, strict=True) if f]
    elsewhere = [v for v, f in zip(values, feature, strict=True) if not f]
    points = sum(2 * (a > b) + (a == b) for a, b in product(there, elsewhere))
    return points / (2 * len(there) * len(elsewhere))


@style("auc")
def shared_ranks(values, feature):
    inside = feature.astype(bool)
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[which]
    P = np.count_nonzero(inside)
    return float((ranks[inside].sum() - P * (P + 1) / 2) / (P * (len(values) - P)))


@style("auc")
def area_under_the_curve(values, feature):
    inside = feature > 0
    cuts = np.unique(values)[::-1]
    hits = np.array([0, *((values[inside] >= cut).mean() for cut in cuts)])
    alarms = np.array([0, *((values[~inside] >= cut).mean() for cut in cuts)])
    return np.sum(np.diff(alarms) * (hits[1:] + hits[:-1]) / 2)


# best_unit ----------------------------------------------------------------------------------------


@style("best_unit")
def unit_after_unit(states, feature):
    unit, best = None, 0.0
    for k in range(states.shape[1]):
        area = shared_ranks(states[:, k], feature)
        if max(area, 1 - area) > best + 1e-12:
            unit, best = k, max(area, 1 - area)
    return unit, best


@style("best_unit")
def all_units_at_once(states, feature):
    inside = feature > 0
    gap = np.sign(states[inside][:, None, :] - states[~inside][None, :, :])
    areas = (1 + np.abs(gap.mean(axis=(0, 1)))) / 2
    return np.argmax(np.round(areas, 12)), areas.max()


@style("best_unit")
def two_rows_of_areas(states, feature):
    areas = np.array([table_of_pairs(column, feature) for column in states.T])
    both = np.stack([areas, 1 - areas])
    unit = int(np.round(both.max(axis=0), 12).argmax())
    return [unit, float(both[:, unit].max())]


# connectivity -------------------------------------------------------------------------------------


@style("connectivity")
def back_through_the_whole_pass(text, params):
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    x = np.eye(len(Wx), dtype=Wx.dtype)[numbers_of(text, params)][None]
    forward, backward = {1: (rnn_forward, rnn_backward), 3: (gru_forward, gru_backward)}[
        len(b) // len(Wh)
    ]
    h, cache = forward(x, np.zeros((1, len(Wh)), Wx.dtype), Wx, Wh, b)
    best = np.argmax(h[:, -1] @ Wy + by)
    dh = np.zeros_like(h)
    dh[0, -1, :] = Wy[:, best]
    dx, *_ = backward(dh, cache)
    return dx.squeeze(axis=0)


@style("connectivity")
def jacobian_by_jacobian(text, params):
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    H, ids = len(Wh), numbers_of(text, params)
    if Wh.shape[1] != H:
        return back_through_the_whole_pass(text, params)
    h, states = np.zeros(H, Wh.dtype), []
    for ix in ids:
        h = np.tanh(Wx[ix] + h @ Wh + b)
        states.append(h)
    d, dx = Wy[:, (h @ Wy + by).argmax()], []
    for h in states[::-1]:
        da = d * (1 - h * h)
        dx.insert(0, Wx @ da)
        d = Wh @ da
    return np.array(dx)


@style("connectivity")
def one_hot_at_the_scores(text, params):
    Wx, Wh, b, Wy, by = (params[name] for name in ("Wx", "Wh", "b", "Wy", "by"))
    x = np.zeros((1, len(text), len(Wx)))
    for t, ix in enumerate(numbers_of(text, params)):
        x[0, t, ix] = 1
    gru = Wh.shape[1] == 3 * len(Wh)
    h, cache = (gru_forward if gru else rnn_forward)(x, np.zeros((1, len(Wh))), Wx, Wh, b)
    scores = h @ Wy + by
    dscores = np.zeros_like(scores)
    dscores[0, -1, scores[0, -1].argmax()] = 1
    return (gru_backward if gru else rnn_backward)(dscores @ Wy.T, cache)[0][0]
