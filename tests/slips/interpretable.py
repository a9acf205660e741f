"""Wrong answers to notebook 11."""

import re

import numpy as np
from answers import Slips

from helpers.embedding import one_hot
from helpers.gru import gru_backward, gru_forward, gru_step_forward
from helpers.language_model import build_vocab, encode_text
from helpers.losses import softmax, softmax_loss
from helpers.lstm import sigmoid
from helpers.rnn import readout, readout_backward, rnn_backward, rnn_forward, rnn_step

slip = Slips()


# record_states ------------------------------------------------------------------------------------


def one_hot_text(text, params):
    char_to_ix = params.get("char_to_ix") or build_vocab(text)[0]
    return one_hot(encode_text(text, char_to_ix)[None], len(params["Wx"]))


def begin(params):
    H = len(params["Wh"])
    return np.zeros((1, H), params["Wh"].dtype), params["Wh"].shape[1] // H


def run(x, params):
    h0, k = begin(params)
    forward = rnn_forward if k == 1 else gru_forward
    return forward(x, h0, params["Wx"], params["Wh"], params["b"])


def step(x, h, params):
    weights = params["Wx"], params["Wh"], params["b"]
    return (
        rnn_step(x, h, *weights) if begin(params)[1] == 1 else gru_step_forward(x, h, *weights)[0]
    )


@slip("record_states", "states", "the state before the character")
def appended_before_the_step(text, params):
    x = one_hot_text(text, params)
    h, _ = begin(params)
    states = []
    for t in range(len(text)):
        states.append(h[0])
        h = step(x[:, t], h, params)
    return np.array(states)


@slip("record_states", "states", "the zero state recorded as well")
def zero_state_recorded_as_well(text, params):
    x = one_hot_text(text, params)
    h, _ = begin(params)
    states = [h[0]]
    for t in range(len(text)):
        h = step(x[:, t], h, params)
        states.append(h[0])
    return np.array(states)


@slip("record_states", "states", "characters numbered as they first appear")
def numbered_by_a_dict(text, params):
    char_to_ix = params.get("char_to_ix") or {c: i for i, c in enumerate(dict.fromkeys(text))}
    x = one_hot(encode_text(text, char_to_ix)[None], len(params["Wx"]))
    return run(x, params)[0][0]


@slip("record_states", "states", "params['char_to_ix'] ignored")
def always_the_text_s_own_vocabulary(text, params):
    tokens = encode_text(text, build_vocab(text)[0])
    return run(one_hot(tokens[None], len(params["Wx"])), params)[0][0]


@slip("record_states", None, what="code points as numbers")
def code_points(text, params):
    tokens = np.array([ord(c) for c in text])
    return run(one_hot(tokens[None], len(params["Wx"])), params)[0][0]


@slip("record_states", "states", "state not carried on")
def every_character_from_zero(text, params):
    x = one_hot_text(text, params)
    h0, _ = begin(params)
    return np.concatenate([step(x[:, t], h0, params) for t in range(len(text))])


@slip("record_states", "states", "state not carried on")
def characters_as_a_batch(text, params):
    x = one_hot_text(text, params)[0]  # (T, V): T texts of one character
    h0 = np.zeros((len(text), len(params["Wh"])), params["Wh"].dtype)
    return step(x, h0, params)


@slip("record_states", "states", "batch axis kept")
def as_the_forward_pass_returns_it(text, params):
    return run(one_hot_text(text, params), params)[0]


@slip("record_states", "states", "only the last state")
def last_one_only(text, params):
    return run(one_hot_text(text, params), params)[0][0, -1]


@slip("record_states", "states", "units as the first axis")
def a_row_a_unit(text, params):
    return np.ascontiguousarray(run(one_hot_text(text, params), params)[0][0].T)


@slip("record_states", "states", "scores in place of states")
def read_out(text, params):
    h, _ = run(one_hot_text(text, params), params)
    return readout(h, params["Wy"], params["by"])[0]


@slip("record_states", "states", what="the cache comes along")
def forward_pass_s_pair(text, params):
    return run(one_hot_text(text, params), params)


@slip("record_states", None, what="only an RNN")
def a_gru_is_not_thought_of(text, params):
    x, h0 = one_hot_text(text, params), begin(params)[0]
    return rnn_forward(x, h0, params["Wx"], params["Wh"], params["b"])[0][0]


@slip("record_states", "states", "b left out")
def bias_forgotten(text, params):
    return run(one_hot_text(text, params), {**params, "b": np.zeros_like(params["b"])})[0][0]


@slip("record_states", "states", "gates z and r exchanged")
def columns_in_the_order_of_another_book(text, params):
    _, k = begin(params)
    if k == 3:
        H, params = len(params["Wh"]), dict(params)
        for name in ("Wx", "Wh", "b"):
            w = params[name]
            r, z, n = w[..., :H], w[..., H : 2 * H], w[..., 2 * H :]
            params[name] = np.concatenate([z, r, n], axis=-1)
    return run(one_hot_text(text, params), params)[0][0]


@slip("record_states", "states", "z turned around")
def keeps_where_it_should_take(text, params):
    x = one_hot_text(text, params)
    h, k = begin(params)
    H, states = len(params["Wh"]), []
    for t in range(len(text)):
        if k == 1:
            h = step(x[:, t], h, params)
        else:
            a = x[:, t] @ params["Wx"] + params["b"]
            zr = sigmoid(a[:, : 2 * H] + h @ params["Wh"][:, : 2 * H])
            z, r = zr[:, :H], zr[:, H:]
            h = z * np.tanh(a[:, 2 * H :] + (r * h) @ params["Wh"][:, 2 * H :]) + (1 - z) * h
        states.append(h[0])
    return np.array(states)


@slip("record_states", "states", "reset after the product")
def as_libraries_do_it(text, params):
    x, (h0, k) = one_hot_text(text, params), begin(params)
    if k == 1:
        return run(x, params)[0][0]
    return gru_forward(x, h0, params["Wx"], params["Wh"], params["b"], reset_after=True)[0][0]


@slip("record_states", "states", "tanh left out")
def sums_only(text, params):
    x, (h, k) = one_hot_text(text, params), begin(params)
    if k == 3:
        return run(x, params)[0][0]
    states = []
    for t in range(len(text)):
        h = x[:, t] @ params["Wx"] + h @ params["Wh"] + params["b"]
        states.append(h[0])
    return np.array(states)


@slip("record_states", "states", "text read backwards")
def last_character_first(text, params):
    return run(one_hot_text(text, params)[:, ::-1], params)[0][0]


@slip("record_states", None, "state kept between calls")
def state_kept_for_next_time(text, params, memory={}):  # noqa: B006
    x, (h, _) = one_hot_text(text, params), begin(params)
    h, states = memory.get(params["Wh"].shape, h), []
    for t in range(len(text)):
        h = step(x[:, t], h, params)
        states.append(h[0])
    memory[params["Wh"].shape] = h
    return np.array(states)


# features -----------------------------------------------------------------------------------------


def scanned(text, quote_rule, bracket_rule):
    """Features by two rules: quote, c -> quote; depth, c, quote, line -> depth."""
    names = "quotes", "brackets", "indentation", "position", "after_if"
    rows, line, quote, depth = [], "", "", 0
    for c in text:
        depth = bracket_rule(depth, c, quote, line)
        quote = quote_rule(quote, c)
        line = "" if c == "\n" else line + c
        code = line.lstrip(" ")
        indentation = len(line) - len(code)
        rows.append((quote != "", depth > 0, indentation, len(line), code.startswith("if ")))
    columns = zip(*rows, strict=True) if rows else [()] * 5
    kinds = bool, bool, int, int, bool
    return {n: np.array(c, k) for n, c, k in zip(names, columns, kinds, strict=True)}


def quote_right(quote, c):
    if c == "\n":
        return ""
    if quote:
        return "" if c == quote else quote
    return c if c in "'\"" else ""


def bracket_right(depth, c, quote, line):
    if c == "\n" and not line:
        return 0
    if quote:
        return depth
    return depth + 1 if c in "([{" else max(depth - 1, 0) if c in ")]}" else depth


def right(text):
    return scanned(text, quote_right, bracket_right)


@slip("features", "features['quotes']", "either mark closes")
def a_toggle(text):
    def rule(quote, c):
        if c == "\n":
            return ""
        return quote if c not in "'\"" else ("" if quote else c)

    return scanned(text, rule, bracket_right)


@slip("features", "features['quotes']", "quotes go on over the end of a line")
def a_quote_needs_its_mark(text):
    def rule(quote, c):
        if quote:
            return "" if c == quote else quote
        return c if c in "'\"" else ""

    return scanned(text, rule, bracket_right)


@slip("features", "features['quotes']", "double quotes only")
def one_kind_of_marks(text):
    def rule(quote, c):
        if c == "\n":
            return ""
        return ("" if quote else c) if c == '"' else quote

    return scanned(text, rule, bracket_right)


@slip("features", "features['quotes']", "closing mark inside")
def marks_belong_to_the_quote(text):
    found, quotes, quote = right(text), [], ""
    for c in text:
        new = quote_right(quote, c)
        quotes.append(bool(new) or (bool(quote) and c == quote))
        quote = new
    return {**found, "quotes": np.array(quotes, dtype=bool)}


@slip("features", "features['quotes']", "opening mark outside")
def marks_stand_outside(text):
    found, quotes, quote = right(text), [], ""
    for c in text:
        new = quote_right(quote, c)
        quotes.append(bool(new) and bool(quote))
        quote = new
    return {**found, "quotes": np.array(quotes, dtype=bool)}


@slip("features", "features['brackets']", "brackets in quotes counted")
def a_bracket_is_a_bracket(text):
    def rule(depth, c, quote, line):
        return bracket_right(depth, c, "", line)

    return scanned(text, quote_right, rule)


@slip("features", "features['brackets']", "round brackets only")
def parentheses(text):
    def rule(depth, c, quote, line):
        return depth if c in "[]{}" else bracket_right(depth, c, quote, line)

    return scanned(text, quote_right, rule)


@slip("features", "features['brackets']", "count of open brackets below zero")
def a_running_sum(text):
    def rule(depth, c, quote, line):
        if c == "\n" and not line:
            return 0
        return depth if quote else depth + (c in "([{") - (c in ")]}")

    return scanned(text, quote_right, rule)


@slip("features", "features['brackets']", "one closing bracket closes all")
def a_flag_for_a_count(text):
    def rule(depth, c, quote, line):
        if c == "\n" and not line:
            return 0
        return depth if quote else 1 if c in "([{" else 0 if c in ")]}" else depth

    return scanned(text, quote_right, rule)


@slip("features", "features['brackets']", "empty line closes no brackets")
def never_forgotten(text):
    def rule(depth, c, quote, line):
        return depth if c == "\n" else bracket_right(depth, c, quote, line)

    return scanned(text, quote_right, rule)


@slip("features", "features['brackets']", "brackets closed at the end of every line")
def reset_with_the_quotes(text):
    def rule(depth, c, quote, line):
        return 0 if c == "\n" else bracket_right(depth, c, quote, line)

    return scanned(text, quote_right, rule)


@slip("features", "features['brackets']", "int64 in place of bool")
def how_many_are_open(text):
    found, depth, quote, line, depths = right(text), 0, "", "", []
    for c in text:
        depth = bracket_right(depth, c, quote, line)
        quote, line = quote_right(quote, c), "" if c == "\n" else line + c
        depths.append(depth)
    return {**found, "brackets": np.array(depths, dtype=int)}


@slip("features", "features['indentation']", "indentation of the whole line")
def lines_measured_first(text):
    found = []
    for line in text.splitlines(keepends=True):
        found += [len(line) - len(line.lstrip(" "))] * len(line)
    return {**right(text), "indentation": np.array(found, dtype=int)}


@slip("features", "features['indentation']", "levels of four spaces")
def tabs_of_four(text):
    found = right(text)
    return {**found, "indentation": found["indentation"] // 4}


@slip("features", "features['indentation']", "all spaces of the line")
def spaces_counted(text):
    found, n = [], 0
    for c in text:
        n = 0 if c == "\n" else n + (c == " ")
        found.append(n)
    return {**right(text), "indentation": np.array(found, dtype=int)}


@slip("features", "features['position']", "position in the text")
def where_it_stands(text):
    return {**right(text), "position": np.arange(len(text))}


@slip("features", "features['position']", "position counted from 0")
def columns_as_in_an_editor(text):
    found, column = [], 0
    for c in text:
        found.append(column if c != "\n" else 0)
        column = 0 if c == "\n" else column + 1
    return {**right(text), "position": np.array(found, dtype=int)}


@slip("features", "features['position']", "end of a line counted in its line")
def reset_one_later(text):
    found, n = [], 0
    for c in text:
        n += 1
        found.append(n)
        n = 0 if c == "\n" else n
    return {**right(text), "position": np.array(found, dtype=int)}


@slip("features", "features['after_if']", "if anywhere in the line")
def the_word_in_the_line(text):
    found, line = [], ""
    for c in text:
        line = "" if c == "\n" else line + c
        found.append("if " in line)
    return {**right(text), "after_if": np.array(found, dtype=bool)}


@slip("features", "features['after_if']", "words that begin with if")
def two_letters(text):
    found, line = [], ""
    for c in text:
        line = "" if c == "\n" else line + c
        found.append(line.lstrip(" ").startswith("if"))
    return {**right(text), "after_if": np.array(found, dtype=bool)}


@slip("features", "features['after_if']", "indented if missed")
def at_the_margin(text):
    found, line = [], ""
    for c in text:
        line = "" if c == "\n" else line + c
        found.append(line.startswith("if "))
    return {**right(text), "after_if": np.array(found, dtype=bool)}


@slip("features", "features['after_if']", "the whole line of an if")
def lines_that_are_ifs(text):
    found = []
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\n")
        is_if = body.lstrip(" ").startswith("if ")
        found += [is_if] * len(body) + [False] * (len(line) - len(body))
    return {**right(text), "after_if": np.array(found, dtype=bool)}


@slip("features", "features['after_if']", "the word if anywhere, from its first letter")
def matched_to_the_end_of_the_line(text):
    found = np.zeros(len(text), dtype=bool)
    for match in re.finditer(r"\bif\b.*", text):
        found[match.start() : match.end()] = True
    return {**right(text), "after_if": found}


@slip("features", "features['quotes']", "everything a character too late")
def noted_before_reading(text):
    return {
        name: np.concatenate([np.zeros(1, a.dtype), a[:-1]])[: len(a)]
        for name, a in right(text).items()
    }


@slip("features", "features", what="other keys")
def keys_of_its_own(text):
    found = right(text)
    return {"quote": found["quotes"], "bracket": found["brackets"], "indent": found["indentation"]}


@slip("features", "features['quotes']", what="lists in place of arrays")
def lists(text):
    return {name: array.tolist() for name, array in right(text).items()}


@slip("features", "features", what="a list of five arrays")
def five_arrays(text):
    return list(right(text).values())


# auc ----------------------------------------------------------------------------------------------


def both_kinds(values, feature):
    inside = feature > 0
    return values[inside], values[~inside]


@slip("auc", "auc", "ties count nothing")
def strictly_larger(values, feature):
    there, elsewhere = both_kinds(values, feature)
    return float(np.mean(there[:, None] > elsewhere[None, :]))


@slip("auc", "auc", "ties count in full")
def larger_or_equal(values, feature):
    there, elsewhere = both_kinds(values, feature)
    return float(np.mean(there[:, None] >= elsewhere[None, :]))


@slip("auc", "auc", "ties count nothing")
def searched_on_the_left(values, feature):
    there, elsewhere = both_kinds(values, feature)
    return float(np.searchsorted(np.sort(elsewhere), there, "left").mean() / len(elsewhere))


@slip("auc", "auc", "ties ranked as they stand")
def ranks_by_sorting(values, feature):
    inside = feature > 0
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable") + 1
    P, M = inside.sum(), (~inside).sum()
    return float((ranks[inside].sum() - P * (P + 1) / 2) / (P * M))


@slip("auc", "auc", "argsort in place of the ranks")
def argsort_is_not_the_ranks(values, feature):
    inside = feature > 0
    ranks = np.argsort(values, kind="stable") + 1
    P, M = inside.sum(), (~inside).sum()
    return float((ranks[inside].sum() - P * (P + 1) / 2) / (P * M))


@slip("auc", "auc", "upside down")
def the_other_way_round(values, feature):
    there, elsewhere = both_kinds(values, feature)
    wins = (there[:, None] < elsewhere) + 0.5 * (there[:, None] == elsewhere)
    return float(wins.mean())


@slip("auc", "auc", "both ways")
def the_better_one(values, feature):
    there, elsewhere = both_kinds(values, feature)
    area = ((there[:, None] > elsewhere) + 0.5 * (there[:, None] == elsewhere)).mean()
    return float(max(area, 1 - area))


@slip("auc", "auc", "sum over the pairs")
def not_divided(values, feature):
    there, elsewhere = both_kinds(values, feature)
    return float(sum((a > b) + 0.5 * (a == b) for a in there for b in elsewhere))


@slip("auc", "auc", "divided by the square of the places")
def by_all_places(values, feature):
    return not_divided(values, feature) / len(values) ** 2


@slip("auc", "auc", "scaled from -1 to 1")
def a_sign_for_each_pair(values, feature):
    there, elsewhere = both_kinds(values, feature)
    return float(np.sign(there[:, None].astype(float) - elsewhere).mean())


@slip("auc", "auc", "accuracy at zero")
def right_guesses(values, feature):
    return float(np.mean((values > 0) == (feature > 0)))


@slip("auc", "auc", "difference of the means")
def means_apart(values, feature):
    there, elsewhere = both_kinds(values.astype(float), feature)
    return float(there.mean() - elsewhere.mean())


@slip("auc", "auc", "correlation")
def pearson(values, feature):
    return float(np.corrcoef(values, feature > 0)[0, 1])


@slip("auc", None, what="counts as an index")
def feature_as_it_comes(values, feature):
    there, elsewhere = values[feature], values[~feature]
    return float(((there[:, None] > elsewhere) + 0.5 * (there[:, None] == elsewhere)).mean())


@slip("auc", "auc", "only a count of 1 is true")
def equal_to_one(values, feature):
    inside = feature == 1
    there, elsewhere = values[inside], values[~inside]
    return float(((there[:, None] > elsewhere) + 0.5 * (there[:, None] == elsewhere)).mean())


@slip("auc", "auc", what="trapezoids over four thresholds")
def few_thresholds(values, feature):
    inside = feature > 0
    cuts = np.linspace(values.max(), values.min(), 4)
    hits = [0.0, *((values[inside] >= cut).mean() for cut in cuts)]
    alarms = [0.0, *((values[~inside] >= cut).mean() for cut in cuts)]
    steps = zip(np.diff(alarms), hits[1:], hits[:-1], strict=True)
    return float(sum(width * (a + b) / 2 for width, a, b in steps))


# best_unit ----------------------------------------------------------------------------------------


def areas_of(states, feature):
    found = []
    for values in states.T:
        there, elsewhere = both_kinds(values, feature)
        wins = (there[:, None] > elsewhere) + 0.5 * (there[:, None] == elsewhere)
        found.append(wins.mean())
    return np.array(found)


@slip("best_unit", ("unit", "auc"), "one way only")
def largest_auc(states, feature):
    areas = areas_of(states, feature)
    return int(areas.argmax()), float(areas.max())


@slip("best_unit", "auc", "auc of the right unit, one way only")
def as_it_points(states, feature):
    areas = areas_of(states, feature)
    unit = int(np.abs(areas - 0.5).argmax())
    return unit, float(areas[unit])


@slip("best_unit", "unit", "right auc of another unit")
def turned_after_the_choice(states, feature):
    areas = areas_of(states, feature)
    return int(areas.argmax()), float(np.maximum(areas, 1 - areas).max())


@slip("best_unit", ("unit", "auc"), "worst unit")
def smallest_of_the_larger(states, feature):
    both = np.maximum(areas_of(states, feature), 1 - areas_of(states, feature))
    return int(both.argmin()), float(both.min())


@slip("best_unit", ("unit", "auc"), "unit with the smallest AUC, turned around")
def all_turned_around(states, feature):
    areas = 1 - areas_of(states, feature)
    return int(areas.argmax()), float(areas.max())


@slip("best_unit", ("unit", "auc"), "distance of the means")
def loudest_difference(states, feature):
    there, elsewhere = both_kinds(states, feature)
    unit = int(np.abs(there.mean(axis=0) - elsewhere.mean(axis=0)).argmax())
    area = areas_of(states, feature)[unit]
    return unit, float(max(area, 1 - area))


@slip("best_unit", "auc", "distance from 1/2")
def how_far_from_a_half(states, feature):
    away = np.abs(areas_of(states, feature) - 0.5)
    return int(away.argmax()), float(away.max())


@slip("best_unit", "unit", "units counted from 1")
def first_is_one(states, feature):
    both = [max(area, 1 - area) for area in areas_of(states, feature)]
    best = max(both)
    return both.index(best) + 1, float(best)


@slip("best_unit", "unit", "auc first")
def exchanged(states, feature):
    both = [(float(max(area, 1 - area)), -k) for k, area in enumerate(areas_of(states, feature))]
    area, k = max(both)
    return area, -k


@slip("best_unit", "unit", "last of the units that tie")
def largest_pair(states, feature):
    both = [(float(max(area, 1 - area)), k) for k, area in enumerate(areas_of(states, feature))]
    area, k = max(both)
    return k, area


@slip("best_unit", "unit", what="the unit alone")
def unit_alone(states, feature):
    return int(np.abs(areas_of(states, feature) - 0.5).argmax())


@slip("best_unit", None, what="rows for units")
def a_row_for_a_unit(states, feature):
    both = [max(area, 1 - area) for area in areas_of(states.T, feature)]
    return int(np.argmax(both)), float(max(both))


@slip("best_unit", "unit", "all units in order")
def all_of_them(states, feature):
    areas = areas_of(states, feature)
    both = np.round(np.maximum(areas, 1 - areas), 12)
    return np.argsort(-both, kind="stable"), np.sort(both)[::-1].copy()


@slip("best_unit", "states", "argument changed in place")
def turned_in_place(states, feature):
    areas = areas_of(states, feature)
    states *= np.where(areas < 0.5, -1, 1).astype(states.dtype)
    areas = np.maximum(areas, 1 - areas)
    return int(areas.argmax()), float(areas.max())


# connectivity -------------------------------------------------------------------------------------


def sent_back(text, params, at_scores, whole=False):
    """dx (1, T, V) of what arrives at the scores of the last step."""
    x = one_hot_text(text, params)
    h, cache = run(x, params)
    backward = rnn_backward if begin(params)[1] == 1 else gru_backward
    scores = readout(h[0, -1], params["Wy"], params["by"])
    dh = np.zeros_like(h)
    dh[:, slice(None) if whole else -1] = params["Wy"] @ at_scores(scores)
    return backward(dh, cache)[0]


def likeliest(scores):
    return np.eye(len(scores), dtype=scores.dtype)[scores.argmax()]


@slip("connectivity", "dx", "gradient of the probability")
def through_the_softmax(text, params):
    def at(scores):
        p = softmax(scores)
        return p.max() * (likeliest(p) - p)

    return sent_back(text, params, at)[0]


@slip("connectivity", "dx", "gradient of the loss")
def through_the_loss(text, params):
    def at(scores):
        _, d = softmax_loss(scores[None, None], scores.argmax()[None, None])
        return d[0, 0]

    return sent_back(text, params, at)[0]


@slip("connectivity", "dx", "gradient of the log probability")
def log_probability(text, params):
    return sent_back(text, params, lambda scores: likeliest(scores) - softmax(scores))[0]


@slip("connectivity", "dx", "all scores together")
def ones_at_the_scores(text, params):
    return sent_back(text, params, np.ones_like)[0]


@slip("connectivity", "dx", "the scores themselves sent back")
def scores_as_gradient(text, params):
    return sent_back(text, params, lambda scores: scores)[0]


@slip("connectivity", "dx", "largest score times its gradient")
def only_the_largest_score(text, params):
    return sent_back(text, params, lambda scores: scores * likeliest(scores))[0]


@slip("connectivity", "dx", "the prediction at every step")
def at_every_step(text, params):
    return sent_back(text, params, likeliest, whole=True)[0]


@slip("connectivity", "dx", "every step's own prediction")
def every_step_s_own(text, params):
    x = one_hot_text(text, params)
    h, cache = run(x, params)
    backward = rnn_backward if begin(params)[1] == 1 else gru_backward
    scores = readout(h, params["Wy"], params["by"])
    hot = one_hot(scores.argmax(axis=-1), scores.shape[-1])
    dh, _, _ = readout_backward(hot, h, params["Wy"])
    return backward(dh, cache)[0][0]


@slip("connectivity", "dx", "score of the character that was read last")
def the_last_input(text, params):
    last = one_hot_text(text, params)[0, -1]
    return sent_back(text, params, lambda scores: last)[0]


@slip("connectivity", "dx", "norm of each row")
def strengths(text, params):
    return np.sqrt((sent_back(text, params, likeliest)[0] ** 2).sum(axis=1))


@slip("connectivity", "dx", "batch axis kept")
def with_its_batch(text, params):
    return sent_back(text, params, likeliest)


@slip("connectivity", "dx", "times the input")
def times_the_input(text, params):
    return (sent_back(text, params, likeliest) * one_hot_text(text, params))[0]


@slip("connectivity", "dx", "without signs")
def absolute(text, params):
    return np.abs(sent_back(text, params, likeliest)[0])


@slip("connectivity", "dx", "gradient of the last step first")
def collected_on_the_way_back(text, params):
    return sent_back(text, params, likeliest)[0, ::-1]


@slip("connectivity", "dx", "params['char_to_ix'] ignored")
def vocabulary_of_the_text(text, params):
    own = {name: array for name, array in params.items() if name != "char_to_ix"}
    tokens = encode_text(text, build_vocab(text)[0])
    x = one_hot(tokens[None], len(params["Wx"]))
    h, cache = run(x, own)
    dh = np.zeros_like(h)
    dh[:, -1] = params["Wy"][:, readout(h[0, -1], params["Wy"], params["by"]).argmax()]
    backward = rnn_backward if begin(params)[1] == 1 else gru_backward
    return backward(dh, cache)[0][0]


@slip("connectivity", None, what="a row of Wy")
def row_for_column(text, params):
    x = one_hot_text(text, params)
    h, cache = run(x, params)
    dh = np.zeros_like(h)
    dh[:, -1] = params["Wy"][readout(h[0, -1], params["Wy"], params["by"]).argmax()]
    backward = rnn_backward if begin(params)[1] == 1 else gru_backward
    return backward(dh, cache)[0][0]
