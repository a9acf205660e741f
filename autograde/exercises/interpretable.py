"""11 · interpretable_units: what single units of a character model follow."""

import re
from functools import partial

import numpy as np

from autograde.exercises import problems
from autograde.exercises.declaration import Exercise, Mistake, Quantity, gradients, values
from autograde.gradcheck import exact_gradients
from helpers import interpretable
from helpers.embedding import one_hot
from helpers.gru import gru_backward, gru_forward
from helpers.interpretable import FEATURES
from helpers.language_model import build_vocab, encode_text
from helpers.losses import softmax
from helpers.rnn import readout, rnn_backward, rnn_forward

exercise = partial(Exercise, notebook="11")

ALPHABET = "qwertyuiopasdfghjklzxcvbnm \n.,'QWERTY"


# record_states ----------------------------------------------------------------------------------


def model_problem(rng, s, *, gates=1, length=None, vocabulary=False):
    """A text and a character model for it.

    Args:
        gates: 1 for a tanh RNN, 3 for a GRU.
        length: of the text; None for one in which every character of the vocabulary occurs.
        vocabulary: whether params holds one, of more characters than the text has, in no order.
    """
    letters = rng.choice(list(ALPHABET), s["V"], replace=False)
    drawn = rng.choice(letters, s["V"] + s["T"] if length is None else length)
    while length is None and (len(set(drawn)) < s["V"] or _numbered(drawn) == sorted(set(drawn))):
        drawn = rng.choice(letters, s["V"] + s["T"])
    text = "".join(drawn)
    params = {}
    if vocabulary:
        others = [c for c in ALPHABET if c not in text][:2]
        order = rng.permutation(sorted(set(text)) + others)
        while list(order[: len(set(text))]) == sorted(set(text)):  # the text's own, and more
            order = rng.permutation(order)
        params = {"char_to_ix": {str(c): i for i, c in enumerate(order)}}
    V = len(params["char_to_ix"]) if vocabulary else len(set(text))
    cell = problems.cell(rng, {**s, "D": V}, gates=gates)
    read = {"Wy": 0.5 * problems.normal(rng, s["H"], V), "by": 0.5 * problems.normal(rng, V)}
    return {"text": text, "params": {**cell, **read, **params}}


def _numbered(characters):
    """The characters as they first appear."""
    return list(dict.fromkeys(characters))


def model_edges(rng, s, draw=model_problem):
    return {
        "with params['char_to_ix'] of another text": draw(rng, s, vocabulary=True),
        "for a GRU": draw(rng, s, gates=3),
        "for a GRU with params['char_to_ix']": draw(rng, s, gates=3, vocabulary=True),
        "for a text of one character": draw(rng, s, length=1),
        "for a text of 60 characters": draw(rng, s, length=60),
    }


def weights_of(params):
    return [params[name] for name in ("Wx", "Wh", "b")]


def tokens_of(text, params):
    return encode_text(text, params.get("char_to_ix") or build_vocab(text)[0])


def forward_of(params):
    return rnn_forward if params["Wh"].shape[0] == params["Wh"].shape[1] else gru_forward


def recording(
    read=tokens_of,
    weights=weights_of,
    order=1,
    whole=True,
    cell=lambda x, h0, params, weights: forward_of(params)(x, h0, *weights)[0],
    finish=lambda h, params: h[0],
):
    """A wrong `record_states`, by what is wrong with it.

    Args:
        read: text, params -> tokens.
        weights: params -> Wx, Wh, b.
        order: of the characters.
        whole: whether the state is carried from one character to the next.
        cell: x (1, T, V), h0, params, weights -> h (1, T, H).
        finish: states (1, T, H), params -> what is returned.
    """

    def wrong(text, params):
        x = one_hot(read(text, params)[None, ::order], len(params["Wx"]))
        h0 = np.zeros((1, len(params["Wh"])))
        if whole:
            h = cell(x, h0, params, weights(params))
        else:
            steps = [cell(x[:, t : t + 1], h0, params, weights(params)) for t in range(x.shape[1])]
            h = np.concatenate(steps, axis=1)
        return finish(h, params)

    return wrong


def by_first_appearance(text, params):
    numbers = {c: i for i, c in enumerate(_numbered(text))}
    return encode_text(text, params.get("char_to_ix") or numbers)


def _gru_wrong(order=(0, 1, 2), turned=False, after=False):
    """A GRU with a slip; an RNN as it should be."""

    def cell(x, h0, params, weights):
        if forward_of(params) is rnn_forward:
            return rnn_forward(x, h0, *weights)[0]
        weights = [np.concatenate(_thirds(w, order), axis=-1) for w in weights]
        if turned:
            sign = np.repeat([-1.0, 1.0, 1.0], len(params["Wh"]))
            weights = [w * sign for w in weights]
        return gru_forward(x, h0, *weights, reset_after=after)[0]

    return cell


def _thirds(w, order):
    parts = np.split(w, 3, axis=-1)
    return [parts[k] for k in order]


def _linear(x, h0, params, weights):
    h, states = h0, []
    for t in range(x.shape[1]):
        h = x[:, t] @ weights[0] + h @ weights[1] + weights[2]
        states.append(h)
    return np.stack(states, axis=1)


RECORD_STATES = exercise(
    name="record_states",
    points=3,
    reference=interpretable.record_states,
    problem=model_problem,
    returns=values(states="TH"),
    sizes="H",
    edges=model_edges,
    may_widen=True,
    builds_on=("build_vocab", "one_hot", "rnn_step", "rnn_unroll", "rnn_forward", "gru_forward"),
    mistakes=(
        Mistake(
            "the state before the character",
            recording(finish=lambda h, p: np.concatenate([0 * h[0, :1], h[0, :-1]])),
            "Row t is the state that has read the character text[t]; this one is about to read it.",
        ),
        Mistake(
            "the zero state recorded as well",
            recording(finish=lambda h, p: np.concatenate([0 * h[0, :1], h[0]])),
            "There is a row for each character and no other: the first one is the state that has "
            "read text[0].",
        ),
        Mistake(
            "characters numbered as they first appear",
            recording(read=by_first_appearance),
            "The vocabulary is in sorted order, as build_vocab makes it: another order picks "
            "other rows of Wx.",
        ),
        Mistake(
            "params['char_to_ix'] ignored",
            recording(read=lambda text, params: encode_text(text, build_vocab(text)[0])),
            "The model was trained with a vocabulary of its own: if params holds one, it says "
            "which row of Wx belongs to a character.",
        ),
        Mistake(
            "state not carried on",
            recording(whole=False),
            "Only the first character starts from zeros. Every other one starts from the state "
            "that has read all characters before it.",
        ),
        Mistake(
            "text read backwards",
            recording(order=-1),
            "The first row belongs to the first character of the text.",
        ),
        Mistake(
            "text read backwards, then turned around",
            recording(order=-1, finish=lambda h, p: h[0, ::-1]),
            "A state may know what stands before a character, and not what comes after it.",
        ),
        Mistake(
            "b left out",
            recording(weights=lambda p: [p["Wx"], p["Wh"], 0 * p["b"]]),
            "The bias belongs to every step.",
        ),
        Mistake(
            "Wh transposed",
            recording(weights=lambda p: [p["Wx"], p["Wh"].T, p["b"]]),
            "States are rows: the state before a step is multiplied by Wh from the right.",
        ),
        Mistake("tanh left out", recording(cell=_linear), "The state of an RNN is a tanh."),
        Mistake(
            "gates z and r exchanged",
            recording(cell=_gru_wrong(order=(1, 0, 2))),
            "A GRU's columns come in the order z, r, n.",
        ),
        Mistake(
            "z turned around",
            recording(cell=_gru_wrong(turned=True)),
            "z says how much of the old state is kept, and 1 - z how much of the candidate enters.",
        ),
        Mistake(
            "reset after the product",
            recording(cell=_gru_wrong(after=True)),
            "In this course r scales the state before it is multiplied.",
        ),
        Mistake(
            "only the last state",
            recording(finish=lambda h, p: h[0, -1]),
            "Every character has a state: a row for each.",
        ),
        Mistake(
            "batch axis kept",
            recording(finish=lambda h, p: h),
            "There is one text only: return a row for each character, (T, H).",
        ),
        Mistake(
            "units as the first axis",
            recording(finish=lambda h, p: h[0].T),
            "A row is a character, a column is a unit.",
        ),
        Mistake(
            "scores in place of states",
            recording(finish=lambda h, p: readout(h[0], p["Wy"], p["by"])),
            "What is asked for is the state itself, before the readout.",
        ),
    ),
)


# features ---------------------------------------------------------------------------------------

# Pieces of text in which every slip shows, with letters for words; the last ones lead the brackets
# astray, until an empty line.
PIECES = (
    "a = \"b'c\" + 'd'\n",
    'e = \'f"g\' + "h"\n',
    "# don't a (b)\n",
    "    if a(b, c[d]) > e:\n        f = g\n",
    "if a: b()\n",
    "a = (b,\n        c, d)\n",
    'print("(" + a)  # :-(\n\n',
    "1) a\n[b, (c)]\n",
    "iffy = a; b = [c if d else e]\nif(f): g\n",
    "elif a: pass\n    else: if b\n",
    "f = {a: [b, (c), d]}\n",
    "  a\n \n    b = c\n",
    "a(\n\nb = 1\n",
    "[a, b) + (c\n   + d]\n",
)


def python_problem(rng, s):
    """Lines that look like Python, with every kind of trouble in them."""
    words = ["".join(rng.choice(list("xyzuvw_"), rng.integers(1, 4))) for _ in range(8)]
    found = []
    for k in rng.permutation(len(PIECES)):
        piece = PIECES[k]
        if rng.random() < 0.5:
            piece = piece.replace("a", words[k % 8]).replace("b", words[(k + 3) % 8])
        found.append(piece)
    return {"text": "".join(found) + "z"}


def python_edges(rng, s):
    return {
        "for a text without the end of a line": {"text": "a = b"},
        "for a text that begins with ends of lines": {"text": "\n\n  if a:\n"},
        "for a text of one character": {"text": "("},
        "for an empty text": {"text": ""},
        "for quotes of both kinds": {"text": "x = \"it's\" + 'so'\n'it\ns' \"a\"\"b\" '''\n"},
        "for brackets that do not fit": {"text": ")(]a}((\n)\n\n[x\n \n]\n"},
        "for lines of spaces": {"text": "   \n a b \n    \n"},
    }


def scanning(
    marks="'\"",
    any_closes=False,
    line_closes_quote=True,
    in_quotes=False,
    opening="([{",
    closing=")]}",
    lowest=0,
    nested=True,
    empty_line=True,
    line_closes=False,
    finish=lambda found, text: found,
):
    """A wrong `features`, by what is wrong with it.

    Args:
        marks: those that quote.
        any_closes: whether either mark closes a quote.
        line_closes_quote: whether the end of a line closes a quote.
        in_quotes: whether brackets in quotes count.
        opening, closing: the brackets that count.
        lowest: what the count of open brackets does not fall below.
        nested: whether open brackets are counted at all, or one closes all.
        empty_line, line_closes: whether an empty line, or any, closes the brackets.
        finish: features, text -> what is returned.
    """

    def wrong(text):
        rows, line, quote, depth = [], "", "", 0
        for c in text:
            if c == "\n":
                depth = 0 if line_closes or (empty_line and not line) else depth
                line, quote = "", "" if line_closes_quote else quote
            else:
                line += c
                if (not quote or in_quotes) and c in opening:
                    depth += 1 if nested else 1 - depth
                if (not quote or in_quotes) and c in closing:
                    depth = max(depth - 1, lowest)
                if quote:
                    quote = "" if c == quote or (any_closes and c in marks) else quote
                else:
                    quote = c if c in marks else ""
            code = line.lstrip(" ")
            indentation = len(line) - len(code)
            rows.append((quote != "", depth > 0, indentation, len(line), code.startswith("if ")))
        columns = zip(*rows, strict=True) if rows else [()] * 5
        kinds = bool, bool, int, int, bool
        found = (np.array(c, kind) for c, kind in zip(columns, kinds, strict=True))
        return finish(dict(zip(FEATURES, found, strict=True)), text)

    return wrong


def changed(name, change):
    """A wrong `features` in which one of them is something else: change(found, text)."""
    return scanning(finish=lambda found, text: {**found, name: change(found, text)})


def _before(array):
    """The feature as it was before each character."""
    return np.concatenate([np.zeros_like(array[:1]), array[:-1]])


def _is(text, characters):
    return np.array([c in characters for c in text], bool)


def closing_one_inside(name, characters):
    return changed(
        name, lambda f, text: f[name] | (_before(f[name]) & _is(text, characters))
    )  # the end of a line closes too, and stays outside


def opening_one_outside(name):
    return changed(name, lambda f, text: f[name] & _before(f[name]))


def line_by_line(of):
    """A feature that is made from whole lines, ends included: of(line) -> a value for each."""

    def change(found, text):
        lines = text.splitlines(keepends=True)
        return np.array([value for line in lines for value in of(line)], type(of("a")[0]))

    return change


def _indent(line):
    return len(line) - len(line.lstrip(" "))


def _of_whole_line(line):
    return [_indent(line)] * len(line)


def _end_like_its_line(line):
    body = line.rstrip("\n")
    return [_indent(body[: k + 1]) for k in range(len(line))]


def _spaces_so_far(line):
    return [0 if line[k] == "\n" else line[: k + 1].count(" ") for k in range(len(line))]


def _all_of_an_if(line):
    return [line.lstrip(" ").startswith("if ") and c != "\n" for c in line]


def _if_in_line(line):
    return ["if " in line[: k + 1] and line[k] != "\n" for k in range(len(line))]


def _from_every_if(text):
    found = np.zeros(len(text), bool)
    for match in re.finditer(r"\bif\b.*", text):
        found[match.start() : match.end()] = True
    return found


def _if_without_space(line):
    return [
        line[: k + 1].lstrip(" ").startswith("if") and line[k] != "\n" for k in range(len(line))
    ]


def _if_at_the_margin(line):
    return [line[: k + 1].startswith("if ") and line[k] != "\n" for k in range(len(line))]


def _elif_too(line):
    begun = [line[: k + 1].lstrip(" ") for k in range(len(line))]
    return [c != "\n" and b.startswith(("if ", "elif ")) for b, c in zip(begun, line, strict=True)]


def _until_the_colon(line):
    begun = [line[: k + 1].lstrip(" ") for k in range(len(line))]
    return [line[k] != "\n" and b.startswith("if ") and ":" not in b for k, b in enumerate(begun)]


def _end_after_if(line):
    body = line.rstrip("\n")
    return [body[: k + 1].lstrip(" ").startswith("if ") for k in range(len(line))]


FEATURE_MISTAKES = (
    Mistake(
        "everything a character too late",
        scanning(finish=lambda found, text: {n: _before(a) for n, a in found.items()}),
        "The state at place t has read the character there, so the feature at t takes it into "
        "account: a bracket that opens is inside.",
    ),
    Mistake(
        "either mark closes",
        scanning(any_closes=True),
        "Inside double quotes an apostrophe is a letter like any other; remember which mark is "
        "open.",
    ),
    Mistake(
        "quotes go on over the end of a line",
        scanning(line_closes_quote=False),
        "The end of a line closes what is open; otherwise one apostrophe in a comment turns all "
        "that follows inside out.",
    ),
    Mistake(
        "double quotes only", scanning(marks='"'), "Both marks open quotes, the single one too."
    ),
    Mistake(
        "single quotes only", scanning(marks="'"), "Both marks open quotes, the double one too."
    ),
    Mistake(
        "closing mark inside",
        closing_one_inside("quotes", "'\""),
        "Once the closing mark has been read, the quote is over.",
    ),
    Mistake(
        "opening mark outside",
        opening_one_outside("quotes"),
        "Once the opening mark has been read, the quote is open.",
    ),
    Mistake(
        "brackets in quotes counted",
        scanning(in_quotes=True),
        "A bracket inside quotes is a letter like any other.",
    ),
    Mistake(
        "round brackets only",
        scanning(opening="(", closing=")"),
        "Square and curly brackets count as well.",
    ),
    Mistake(
        "closing bracket inside",
        closing_one_inside("brackets", ")]}"),
        "Once the last closing bracket has been read, none is open.",
    ),
    Mistake(
        "opening bracket outside",
        opening_one_outside("brackets"),
        "Once the opening bracket has been read, one is open.",
    ),
    Mistake(
        "count of open brackets below zero",
        scanning(lowest=-(10**6)),
        "Where none is open, a closing bracket closes nothing: the count stays at zero.",
    ),
    Mistake(
        "one closing bracket closes all",
        scanning(nested=False),
        "Brackets nest: two that were opened need two that close, so count them.",
    ),
    Mistake(
        "empty line closes no brackets",
        scanning(empty_line=False),
        "An empty line closes all brackets, since an opening one in a comment may have no partner.",
    ),
    Mistake(
        "brackets closed at the end of every line",
        scanning(line_closes=True),
        "A bracket stays open over the end of a line; only an empty line closes it.",
    ),
    Mistake(
        "indentation of the whole line",
        changed("indentation", line_by_line(_of_whole_line)),
        "Within the indentation nobody can know yet how far it will go: count the spaces that have "
        "been read.",
    ),
    Mistake(
        "end of a line has the indentation of its line",
        changed("indentation", line_by_line(_end_like_its_line)),
        "When the end of a line has been read, a new line has begun, and none of it has been read.",
    ),
    Mistake(
        "all spaces of the line",
        changed("indentation", line_by_line(_spaces_so_far)),
        "Only the spaces with which a line begins are its indentation.",
    ),
    Mistake(
        "levels of four spaces",
        changed("indentation", lambda f, text: f["indentation"] // 4),
        "The spaces themselves are counted.",
    ),
    Mistake(
        "position counted from 0",
        changed("position", lambda f, text: np.maximum(f["position"] - 1, 0)),
        "How many characters of the line have been read: after the first of them it is 1.",
    ),
    Mistake(
        "end of a line counted in its line",
        changed(
            "position",
            lambda f, text: np.where(_is(text, "\n"), _before(f["position"]) + 1, f["position"]),
        ),
        "When the end of a line has been read, none of the new line has been, so it is 0.",
    ),
    Mistake(
        "position in the text",
        changed("position", lambda f, text: np.arange(len(text))),
        "The count begins anew in every line.",
    ),
    Mistake(
        "if anywhere in the line",
        changed("after_if", line_by_line(_if_in_line)),
        "The line has to begin with it, behind its indentation.",
    ),
    Mistake(
        "the word if anywhere, from its first letter",
        changed("after_if", lambda f, text: _from_every_if(text)),
        "The line has to begin with it, behind its indentation, and it counts once the space "
        "behind it has been read.",
    ),
    Mistake(
        "words that begin with if",
        changed("after_if", line_by_line(_if_without_space)),
        "Only the space after it says that the word is over; iffy begins like that as well.",
    ),
    Mistake(
        "indented if missed",
        changed("after_if", line_by_line(_if_at_the_margin)),
        "Leave the indentation out before you look how the line begins.",
    ),
    Mistake(
        "elif as well",
        changed("after_if", line_by_line(_elif_too)),
        "Only lines that begin with the word if are asked for.",
    ),
    Mistake(
        "the whole line of an if",
        changed("after_if", line_by_line(_all_of_an_if)),
        "Before the word and the space after it have been read, nobody can know that the line will "
        "begin with them.",
    ),
    Mistake(
        "end of the line still after if",
        changed("after_if", line_by_line(_end_after_if)),
        "When the end of a line has been read, a new line has begun.",
    ),
    Mistake(
        "over at the colon",
        changed("after_if", line_by_line(_until_the_colon)),
        "It holds to the end of the line.",
    ),
)


def text_read(got, expected, arguments):
    """What has been read at the first place where a feature is wrong."""
    t = int(np.flatnonzero(got != expected)[0])
    return f" What has been read there ends in {arguments['text'][: t + 1][-40:]!r}."


FEATURES_OF_TEXT = exercise(
    name="features",
    points=4,
    reference=interpretable.features,
    shows=text_read,
    problem=python_problem,
    returns=(Quantity("features", "T T T T T", keys=FEATURES),),
    edges=python_edges,
    floats=False,
    strided=False,
    mistakes=FEATURE_MISTAKES,
)


# auc --------------------------------------------------------------------------------------------


def auc_problem(rng, s, *, length=None, ties=True, counts=False):
    """Values of two kinds of places; some places of one kind tie with some of the other.

    The values are not those of a unit that says nothing, and more than one half lies below zero.
    """
    T = length or 150 + s["T"]
    while True:
        feature = rng.random(T) < 0.4
        x = rng.normal(0.8 * feature - 0.3, 1, T)
        x = np.round(x, 1) + 0.0 if ties else x  # no -0
        more, less = x[feature], x[~feature]
        tied = len(np.intersect1d(more, less)) > 0
        if not 2 < feature.sum() < T - 2 or tied != ties:
            continue
        if 0.55 < interpretable.auc(x, feature) < 0.95 and _all_differ(x, feature, ties):
            break
    if counts:  # some of 1, and so many larger ones that the mean lies above 1
        feature = feature.astype(int)
        feature[feature > 0] = rng.permutation(np.resize([1, 6, 40], feature.sum()))
    return {"values": x, "feature": feature}


def _all_differ(x, feature, ties):
    """Whether every known mistake answers otherwise than the others; ties only where there are."""
    slips = [m.function for m in AUC.mistakes if ties or not m.name.startswith("ties")]
    answers = np.sort([slip(x, feature) for slip in slips[:-2]])  # the last two need counts
    return np.diff(answers).min() > 1e-4


def auc_edges(rng, s):
    T = s["T"] + 5
    some = np.arange(T) % 3 == 1
    return {
        "where nothing ties": auc_problem(rng, s, ties=False),
        "where all values are equal": {"values": np.full(T, 0.5), "feature": some},
        "where it is perfect": {"values": some + 0.1 * rng.random(T), "feature": some},
        "where it is perfect upside down": {"values": 0.1 * rng.random(T) - some, "feature": some},
        "where the feature is true at one place only": {
            "values": np.round(rng.normal(size=T), 1),
            "feature": np.arange(T) == 2,
        },
        "for a feature of counts": auc_problem(rng, s, counts=True),
        "for 500 places": auc_problem(rng, s, length=500),
    }


def all_pairs(score, finish=lambda area, values, inside: area, inside=lambda f: f > 0):
    """A wrong `auc`, by what every pair of places counts, and what is made of the mean."""

    def wrong(values, feature):
        kind = inside(feature)
        there, elsewhere = values[kind], values[~kind]
        area = np.mean(score(there[:, None].astype(np.float64), elsewhere))
        return float(finish(area, values, kind))

    return wrong


def _right_pairs(a, b):
    return (a > b) + 0.5 * (a == b)


def _pairs_times(factor):
    return all_pairs(_right_pairs, lambda area, values, inside: area * factor(inside))


def _by_plain_ranks(values, feature):
    """The rank-sum formula, with ties ranked in the order in which they stand."""
    inside = feature > 0
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(1, len(values) + 1)
    return _by_ranks(ranks, inside)


def _by_argsort(values, feature):
    return _by_ranks(np.argsort(values, kind="stable") + 1, feature > 0)


def _by_ranks(ranks, inside):
    P, M = inside.sum(), (~inside).sum()
    return float((ranks[inside].sum() - P * (P + 1) / 2) / (P * M))


def _accuracy(values, inside):
    return np.mean((values > 0) == inside)


def _correlation(values, inside):
    return np.corrcoef(values, inside)[0, 1]


AUC = exercise(
    name="auc",
    points=3,
    reference=interpretable.auc,
    problem=auc_problem,
    returns=values(auc=""),
    edges=auc_edges,
    mistakes=(
        Mistake(
            "ties count nothing",
            all_pairs(lambda a, b: a > b),
            "Two equal values are told apart by the toss of a coin: a tie counts half.",
        ),
        Mistake(
            "ties count in full",
            all_pairs(lambda a, b: a >= b),
            "Two equal values are told apart by the toss of a coin: a tie counts half.",
        ),
        Mistake(
            "ties ranked as they stand",
            _by_plain_ranks,
            "Equal values have to share their ranks; which of them comes first in the text must "
            "not matter.",
        ),
        Mistake(
            "argsort in place of the ranks",
            _by_argsort,
            "argsort says which place comes k-th. The rank of a place is the inverse of that.",
        ),
        Mistake(
            "upside down",
            all_pairs(lambda a, b: _right_pairs(b, a)),
            "A pair counts if the place where the feature is true has the larger value.",
        ),
        Mistake(
            "both ways",
            all_pairs(_right_pairs, lambda area, v, f: max(area, 1 - area)),
            "Which way a unit points is asked for here: below 1/2 it falls where the feature is "
            "true. Taking the better of the two is the job of best_unit.",
        ),
        Mistake(
            "sum over the pairs",
            _pairs_times(lambda f: f.sum() * (~f).sum()),
            "It is a share of all pairs, so it lies between 0 and 1.",
        ),
        Mistake(
            "divided by the square of the places",
            _pairs_times(lambda f: f.sum() * (~f).sum() / len(f) ** 2),
            "A pair is made of one place of each kind; pairs of two places of one kind are none.",
        ),
        Mistake(
            "scaled from -1 to 1",
            all_pairs(_right_pairs, lambda area, v, f: 2 * area - 1),
            "That is Gini's coefficient; a unit that says nothing has an AUC of 1/2.",
        ),
        Mistake(
            "accuracy at zero",
            all_pairs(_right_pairs, lambda area, v, f: _accuracy(v, f)),
            "That is the share of right answers for one threshold. An AUC takes none: it compares "
            "places with one another.",
        ),
        Mistake(
            "accuracy at the mean",
            all_pairs(_right_pairs, lambda area, v, f: _accuracy(v - v.mean(), f)),
            "That is the share of right answers for one threshold. An AUC takes none: it compares "
            "places with one another.",
        ),
        Mistake(
            "difference of the means",
            all_pairs(_right_pairs, lambda area, v, f: v[f].mean() - v[~f].mean()),
            "How much larger is not asked, only how often.",
        ),
        Mistake(
            "correlation",
            all_pairs(_right_pairs, lambda area, v, f: _correlation(v, f)),
            "A correlation asks how close to a line the values lie. Only their order counts here.",
        ),
        Mistake(
            "only a count of 1 is true",
            all_pairs(_right_pairs, inside=lambda f: f == 1),
            "Numbers above 0 count as true, 2 and 3 as well.",
        ),
        Mistake(
            "true above the feature's mean",
            all_pairs(_right_pairs, inside=lambda f: f > f.mean()),
            "Numbers above 0 count as true.",
        ),
    ),
)


# best_unit --------------------------------------------------------------------------------------


def unit_problem(rng, s, *, upwards=False, counts=False):
    """States with one best unit, which falls where the feature is true, or rises.

    Each known mistake that takes another unit takes one of its own.
    """
    T, H = s["T"] + s["L"] + 8, s["H"] + 3 if s["H"] > 1 else 1
    while True:
        feature = rng.random(T) < 0.4
        states = np.round(rng.normal(size=(T, H)), 1)
        best, loud = rng.permutation(H)[:2] if H > 1 else (0, None)
        states[:, best] = np.round(states[:, best] + (1.2 if upwards else -1.2) * feature, 1)
        if loud is not None:
            states[:, loud] *= 8.0  # and no better for it
        if not 2 < feature.sum() < T - 2:
            continue
        areas = np.array([interpretable.auc(column, feature) for column in states.T])
        away = np.abs(areas - 0.5)
        if (areas[best] > 0.5) != upwards or not 0.26 < away[best] < 0.48:
            continue
        other_way = areas.argmin() if upwards else areas.argmax()
        taken = {best, loud, other_way, away.argmin(), best + 1}
        if H == 1 or (
            len(taken) == 5
            and away.argmax() == best
            and np.sort(away)[-2] < away[best] - 0.02
            and _means_apart(areas, states, feature) == loud
        ):
            break
    return {"states": states, "feature": feature * rng.integers(1, 4, T) if counts else feature}


def unit_edges(rng, s):
    problem = unit_problem(rng, s)
    T = len(problem["states"])
    perfect = np.where(problem["feature"], -0.5, 0.5)[:, None]
    return {
        "where the best unit rises": unit_problem(rng, s, upwards=True),
        "where the best unit is perfect": {
            **problem,
            "states": np.concatenate([rng.normal(size=(T, 2)), perfect], axis=1),
        },
        "for a feature of counts": unit_problem(rng, s, counts=True),
        "where a unit is the same everywhere": {
            **problem,
            "states": np.concatenate([np.full((T, 1), 9.0), problem["states"]], axis=1),
        },
        "where all units tie": {**problem, "states": np.zeros((T, 3))},
    }


def choosing(
    by=lambda areas, states, inside: np.argmax(np.abs(areas - 0.5)),
    area=lambda areas, unit: max(areas[unit], 1 - areas[unit]),
    finish=lambda unit, area, states: (unit, area),
):
    """A wrong `best_unit`, by what is wrong with it.

    Args:
        by: AUC of every unit one way, states, feature -> the unit.
        area: the AUCs, the unit -> its auc.
        finish: unit, auc, states -> what is returned.
    """

    def wrong(states, feature):
        inside = feature > 0
        areas = np.array([interpretable.auc(column, inside) for column in states.T])
        unit = int(by(areas, states, inside))
        return finish(unit, float(area(areas, unit)), states)

    return wrong


def _means_apart(areas, states, inside):
    return np.abs(states[inside].mean(axis=0) - states[~inside].mean(axis=0)).argmax()


def _all_units(states, feature):
    areas = np.array([interpretable.auc(column, feature) for column in states.T])
    both = np.round(np.maximum(areas, 1 - areas), 12)
    return np.argsort(-both, kind="stable"), np.sort(both)[::-1].copy()


BEST_UNIT = exercise(
    name="best_unit",
    points=2,
    reference=interpretable.best_unit,
    problem=unit_problem,
    returns=values(unit="", auc=""),
    sizes="H",
    edges=unit_edges,
    builds_on=("auc",),
    mistakes=(
        Mistake(
            "one way only",
            choosing(
                by=lambda areas, states, inside: areas.argmax(),
                area=lambda areas, unit: areas[unit],
            ),
            "A unit that falls where the feature is true follows it as well: 1 - AUC counts too.",
        ),
        Mistake(
            "auc of the right unit, one way only",
            choosing(area=lambda areas, unit: areas[unit]),
            "The unit is right. Its auc is the larger one of AUC and 1 - AUC.",
        ),
        Mistake(
            "right auc of another unit",
            choosing(
                by=lambda areas, states, inside: areas.argmax(),
                area=lambda areas, unit: max(areas.max(), 1 - areas.min()),
            ),
            "The unit has to be the one that this auc belongs to.",
        ),
        Mistake(
            "worst unit",
            choosing(by=lambda areas, states, inside: np.abs(areas - 0.5).argmin()),
            "An AUC near 1/2 says nothing. The one farthest from it is the best.",
        ),
        Mistake(
            "unit with the smallest AUC, turned around",
            choosing(
                by=lambda areas, states, inside: areas.argmin(),
                area=lambda areas, unit: 1 - areas[unit],
            ),
            "A unit that rises where the feature is true follows it as well.",
        ),
        Mistake(
            "distance of the means",
            choosing(by=_means_apart),
            "A loud unit has means that lie far apart and need not follow anything. Compare AUCs.",
        ),
        Mistake(
            "distance from 1/2",
            choosing(area=lambda areas, unit: abs(areas[unit] - 0.5)),
            "The unit is right. Its auc is the larger one of AUC and 1 - AUC.",
        ),
        Mistake(
            "units counted from 1",
            choosing(finish=lambda unit, area, states: (unit + 1, area)),
            "The first column is unit 0.",
        ),
        Mistake(
            "auc first",
            choosing(finish=lambda unit, area, states: (area, unit)),
            "The unit comes first, then its auc.",
        ),
        Mistake(
            "states of the unit in place of its number",
            choosing(finish=lambda unit, area, states: (states[:, unit], area)),
            "Return which column it is.",
        ),
        Mistake(
            "all units in order",
            _all_units,
            "Only the best one is asked for: one number for the unit and one for its auc.",
        ),
        Mistake(
            "last of the units that tie",
            choosing(
                by=lambda areas, states, inside: len(areas) - 1 - np.abs(areas - 0.5)[::-1].argmax()
            ),
            "Of units that are equally good the first is asked for.",
        ),
    ),
)


# connectivity -----------------------------------------------------------------------------------


def connectivity_problem(rng, s, **kind):
    """A model whose largest score is clearly so, and not that of the character read last.

    At some earlier step another one is the largest.
    """
    while True:
        problem = model_problem(rng, s, **kind)
        scores, tokens = _scores(problem)
        *before, best = scores.argmax(axis=1)
        second, largest = np.sort(scores[-1])[-2:] if len(scores[0]) > 1 else (0, 1)
        if len(scores[0]) < 3 or (
            largest - second > 0.1
            and tokens[-1] not in (best, scores[-1].argmin())
            and set(before) - {best}
        ):
            return problem


def _scores(problem):
    """Scores (T, V) after every character, and the tokens (T,)."""
    text, params = problem["text"], problem["params"]
    tokens = tokens_of(text, params)
    h0 = np.zeros((1, len(params["Wh"])))
    x = one_hot(tokens[None], len(params["Wx"]))
    h = forward_of(params)(x, h0, *weights_of(params))[0]
    return readout(h[0], params["Wy"], params["by"]), tokens


def _gradient_of_score(a):
    params = a["params"]
    scores, tokens = _scores(a)
    best, forward = scores[-1].argmax(), forward_of(params)
    h0 = np.zeros((1, len(params["Wh"])))

    def score(arguments):
        h = forward(arguments["x"], h0, *weights_of(params))[0]
        return readout(h[0, -1], params["Wy"], params["by"])[best]

    x = one_hot(tokens[None], len(params["Wx"]))
    return {"dx": exact_gradients(score, {"x": x}, ["x"])["x"][0]}


def connecting(
    at_scores=lambda scores, tokens: np.eye(len(scores))[scores.argmax()],
    read=tokens_of,
    every_step=False,
    finish=lambda dx, x, params: dx[0],
):
    """A wrong `connectivity`, by what is wrong with it.

    Args:
        at_scores: scores, tokens -> the gradient that arrives at the scores.
        read: text, params -> tokens.
        every_step: whether it arrives at all states, not only at the last.
        finish: dx (1, T, V), x, params -> what is returned.
    """

    def wrong(text, params):
        tokens = read(text, params)
        forward = forward_of(params)
        backward = rnn_backward if forward is rnn_forward else gru_backward
        x = one_hot(tokens[None], len(params["Wx"]))
        h, cache = forward(x, np.zeros((1, len(params["Wh"]))), *weights_of(params))
        dh = np.zeros_like(h)
        scores = readout(h[0, -1], params["Wy"], params["by"])
        dh[0, slice(None) if every_step else -1] = params["Wy"] @ at_scores(scores, tokens)
        return finish(backward(dh, cache)[0], x, params)

    return wrong


def _every_prediction(text, params):
    forward = forward_of(params)
    backward = rnn_backward if forward is rnn_forward else gru_backward
    x = one_hot(tokens_of(text, params)[None], len(params["Wx"]))
    h, cache = forward(x, np.zeros((1, len(params["Wh"]))), *weights_of(params))
    best = readout(h, params["Wy"], params["by"]).argmax(axis=-1)  # (1, T)
    return backward(params["Wy"].T[best], cache)[0][0]


def _of_the_probability(scores, tokens):
    p = softmax(scores)
    best = np.eye(len(p))[p.argmax()]
    return p.max() * (best - p)


def _of_the_log_probability(scores, tokens):
    p = softmax(scores)
    return np.eye(len(p))[p.argmax()] - p


def _only_last(dx, x, params):
    kept = np.zeros_like(dx[0])
    kept[-1] = dx[0, -1]
    return kept


CONNECTIVITY = exercise(
    name="connectivity",
    points=4,
    reference=interpretable.connectivity,
    problem=connectivity_problem,
    returns=gradients(dx="TV"),
    measured=_gradient_of_score,
    sizes="H",
    edges=partial(model_edges, draw=connectivity_problem),
    may_widen=True,
    builds_on=("record_states", "rnn_forward", "rnn_backward", "gru_forward", "gru_backward"),
    mistakes=(
        Mistake(
            "gradient of the probability",
            connecting(_of_the_probability),
            "The score itself is asked for, before the softmax: a probability hangs on all other "
            "scores too.",
        ),
        Mistake(
            "gradient of the log probability",
            connecting(_of_the_log_probability),
            "The score itself is asked for, before the softmax: a probability hangs on all other "
            "scores too.",
        ),
        Mistake(
            "gradient of the loss",
            connecting(lambda s, tokens: -_of_the_log_probability(s, tokens)),
            "A loss is small where a score is large. The score itself is asked for.",
        ),
        Mistake(
            "all scores together",
            connecting(lambda scores, tokens: np.ones_like(scores)),
            "Only the largest score is asked for: one column of Wy.",
        ),
        Mistake(
            "score of the character that was read last",
            connecting(lambda scores, tokens: np.eye(len(scores))[tokens[-1]]),
            "What is predicted is the next character, and the likeliest one is asked for.",
        ),
        Mistake(
            "smallest score",
            connecting(lambda scores, tokens: np.eye(len(scores))[scores.argmin()]),
            "The likeliest character has the largest score.",
        ),
        Mistake(
            "largest score times its gradient",
            connecting(lambda scores, tokens: np.eye(len(scores))[scores.argmax()] * scores.max()),
            "The gradient of a score with respect to itself is 1.",
        ),
        Mistake(
            "the prediction at every step",
            connecting(every_step=True),
            "One prediction is asked for, the one after the last character: the gradient arrives "
            "at the last state only, and goes back from there.",
        ),
        Mistake(
            "every step's own prediction",
            _every_prediction,
            "One prediction is asked for, the one after the last character: the gradient arrives "
            "at the last state only, and goes back from there.",
        ),
        Mistake(
            "the scores themselves sent back",
            connecting(lambda scores, tokens: scores),
            "The gradient of the largest score with respect to the scores is 1 in its place and 0 "
            "elsewhere.",
        ),
        Mistake(
            "the last character alone",
            connecting(finish=_only_last),
            "Earlier characters reach the prediction through the states. Go back through all "
            "steps.",
        ),
        Mistake(
            "times the input",
            connecting(finish=lambda dx, x, p: (dx * x)[0]),
            "A gradient is asked for in the place of every character of the vocabulary, those "
            "too that were not read.",
        ),
        Mistake(
            "gradient of the last step first",
            connecting(finish=lambda dx, x, p: dx[0, ::-1]),
            "Row t belongs to the character text[t].",
        ),
        Mistake(
            "without signs",
            connecting(finish=lambda dx, x, p: np.abs(dx[0])),
            "A gradient has signs: a character can also lower the score.",
        ),
        Mistake(
            "norm of each row",
            connecting(finish=lambda dx, x, p: np.linalg.norm(dx[0], axis=1)),
            "The norms are taken later; return the gradient itself.",
        ),
        Mistake(
            "batch axis kept",
            connecting(finish=lambda dx, x, p: dx),
            "There is one text only: return a row for each character, (T, V).",
        ),
        Mistake(
            "gradient before Wx",
            connecting(finish=lambda dx, x, p: dx[0] @ np.linalg.pinv(p["Wx"].T)),
            "That has a column for each unit. Through the transpose of Wx it becomes the gradient "
            "of the input.",
        ),
        Mistake(
            "params['char_to_ix'] ignored",
            connecting(read=lambda text, params: encode_text(text, build_vocab(text)[0])),
            "The model was trained with a vocabulary of its own: if params holds one, it says "
            "which row of Wx belongs to a character.",
        ),
    ),
)

EXERCISES = (RECORD_STATES, FEATURES_OF_TEXT, AUC, BEST_UNIT, CONNECTIVITY)
