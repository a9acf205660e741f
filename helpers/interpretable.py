"""What single units of a character model follow: states, features, AUC, connectivity.

After Karpathy, Johnson and Fei-Fei 2015: run a trained model over a text, note the state after
every character, and ask of each unit how well it alone tells where, say, a bracket is open.

Shapes: T characters of a text, V of the vocabulary, H hidden units. The parameters are those of the
character model, a dict `Wx (V, kH), Wh (H, kH), b (kH,), Wy (H, V), by (V,)`; the shapes say which
cell they belong to: k is 1 for the tanh RNN, 3 for the GRU, 4 for the LSTM. The dict may hold
`char_to_ix`, the vocabulary that the model was trained with; without it the vocabulary is the
text's own, in sorted order. All states start at zero.
"""

import numpy as np

from helpers.embedding import one_hot
from helpers.gru import gru_backward, gru_forward, init_gru
from helpers.language_model import PARAMETERS, build_vocab, encode_text
from helpers.losses import softmax_loss
from helpers.lstm import lstm_backward, lstm_forward
from helpers.rnn import readout, readout_backward, rnn_backward, rnn_forward
from helpers.validate import expect_array, expect_finite

FEATURES = ("quotes", "brackets", "indentation", "position", "after_if")
_CELLS = {
    1: (rnn_forward, rnn_backward),
    3: (gru_forward, gru_backward),
    4: (lstm_forward, lstm_backward),
}
_CHUNK = 1000  # characters whose one-hot rows are held at a time

# --- the states -----------------------------------------------------------------------------------


def record_states(text, params):
    """The state of a character model after each character of a text.

    Args:
        text: a non-empty string.
        params: dict, see above; Wy and by are not used.

    Returns:
        (T, H): row t is the state that has read text[0] ... text[t]; of an LSTM it is h.

    Raises:
        TypeError, ValueError: weights that fit no cell, or not the vocabulary; a character outside
            the vocabulary.
    """
    x, state, (forward, _) = _begin(text, params)
    weights = [params[name] for name in ("Wx", "Wh", "b")]
    rows = []
    for start in range(0, len(x), _CHUNK):
        hot = one_hot(x[None, start : start + _CHUNK], len(weights[0]))  # (1, chunk, V)
        h, *more, _ = forward(hot.astype(weights[0].dtype), *state, *weights)
        rows.append(h[0])
        state = (h[:, -1], *more)
    return np.concatenate(rows)


def _begin(text, params):
    """The tokens of a text, the first state (of an LSTM two), and the cell's two passes."""
    missing = [name for name in PARAMETERS[:3] if name not in params]
    if missing:
        raise ValueError(
            f"params: expected a dict with Wx, Wh and b, got no {', '.join(missing)}; "
            "init_char_gru makes a whole set"
        )
    char_to_ix = params.get("char_to_ix") or build_vocab(text)[0]
    tokens = encode_text(text, char_to_ix)
    if not len(tokens):
        raise ValueError("text: expected at least one character, got none; load it first")
    Wx, Wh, b = (params[name] for name in PARAMETERS[:3])
    expect_array("Wh", Wh, ("H", "kH"))
    H, kH = Wh.shape
    k, over = divmod(kH, H)
    if over or k not in _CELLS:
        raise ValueError(
            f"Wh: expected shape (H, H), (H, 3H) or (H, 4H), got {Wh.shape}; "
            "those are an RNN's, a GRU's and an LSTM's"
        )
    V = len(char_to_ix)
    expect_array("Wx", Wx, (V, kH), f"the vocabulary has {V} characters and Wh {kH} columns")
    expect_array("b", b, (kH,), f"Wh has {kH} columns")
    zero = np.zeros((1, H), np.result_type(Wx, Wh, b))
    return tokens, (zero, zero) if k == 4 else (zero,), _CELLS[k]


# --- what may be followed -------------------------------------------------------------------------


def features(text):
    """What is so in a Python text after each of its characters has been read.

    The rules are simple enough to be followed by hand, and a text's own later part never counts:

    - `quotes`: a quotation mark, ' or ", is open. The same mark closes it, the other one does not,
      and the end of a line closes whatever is open. The mark that opens is inside, the one that
      closes is not.
    - `brackets`: at least one of ( [ { is open, and likewise. Each opens one more and each of
      ) ] } closes one, whatever its kind; where none is open, nothing is closed. Brackets inside
      quotes do not count, and an empty line closes all.
    - `indentation`: how many spaces the line begins with, as far as it has been read.
    - `position`: how many characters of the line have been read; 0 after the end of a line.
    - `after_if`: the line so far, without its indentation, begins with "if ".

    Args:
        text: a string.

    Returns:
        dict from `FEATURES` to (T,) arrays: bool for quotes, brackets and after_if, integers for
        indentation and position.

    Raises:
        TypeError: not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"text: expected a string, got {type(text).__name__}; decode it first")
    rows, line, quote, depth = [], "", "", 0
    for c in text:
        if c == "\n":
            depth = depth if line else 0
            line, quote = "", ""
        else:
            line += c
            if quote:
                quote = "" if c == quote else quote
            elif c in "'\"":
                quote = c
            elif c in "([{":
                depth += 1
            elif c in ")]}":
                depth = max(depth - 1, 0)
        code = line.lstrip(" ")
        row = quote != "", depth > 0, len(line) - len(code), len(line), code.startswith("if ")
        rows.append(row)
    columns = zip(*rows, strict=True) if rows else [()] * len(FEATURES)
    kinds = bool, bool, int, int, bool
    return {
        name: np.array(column, dtype=kind)
        for name, column, kind in zip(FEATURES, columns, kinds, strict=True)
    }


def comments(text):
    """Whether each character of a Python text stands in a comment: after a # outside quotes.

    Args:
        text: a string.

    Returns:
        (T,) bool.
    """
    found, quotes, inside = [], features(text)["quotes"], False
    for c, quoted in zip(text, quotes, strict=True):
        inside = c != "\n" and (inside or (c == "#" and not quoted))
        found.append(inside)
    return np.array(found, dtype=bool)


# --- how well a unit follows it -------------------------------------------------------------------


def auc(values, feature):
    """How well one number tells two kinds of places apart: the area under the ROC curve.

    It is the chance that a place where the feature is true has the larger value than a place where
    it is not, ties counted half (Hanley and McNeil 1982): 1/2 says nothing, 1 is perfect, and 0 is
    perfect as well, upside down.

    Args:
        values: (T,) numbers.
        feature: (T,) bool, or numbers, of which those above 0 count as true.

    Returns:
        float from 0 to 1.

    Raises:
        TypeError, ValueError: arguments that do not fit, or a feature that is the same everywhere.
    """
    expect_array("values", values, ("T",))
    expect_array("feature", feature, values.shape, f"there are {len(values)} values")
    expect_finite("values", values)
    inside = feature > 0
    if inside.all() or not inside.any():
        raise ValueError(
            f"feature: expected places of both kinds, got {inside.sum()} of {len(inside)} true; "
            "take a longer text or another threshold"
        )
    there, elsewhere = np.sort(values[inside]), np.sort(values[~inside])
    below = np.searchsorted(elsewhere, there, "left")  # how many it exceeds
    up_to = np.searchsorted(elsewhere, there, "right")  # and how many it ties with besides
    return float((below + up_to).mean() / (2 * len(elsewhere)))


def best_unit(states, feature):
    """The unit that follows a feature best, upwards or downwards.

    Args:
        states: (T, H), as from `record_states`.
        feature: (T,), as for `auc`.

    Returns:
        unit, an int, and its auc, a float of at least 1/2: the larger one of AUC and 1 - AUC, since
        a unit that falls where the feature is true says as much as one that rises. Of units that
        are equally good the first.

    Raises:
        TypeError, ValueError: as `auc`.
    """
    expect_array("states", states, ("T", "H"))
    areas = [auc(column, feature) for column in states.T]
    both_ways = [max(area, 1 - area) for area in areas]
    unit = int(np.argmax(both_ways))
    return unit, both_ways[unit]


# --- what a prediction hangs on -------------------------------------------------------------------


def connectivity(text, params):
    """How the likeliest next character's score hangs on each character that was read.

    Args:
        text: a non-empty string, kept whole in memory: a few hundred characters.
        params: dict, see above.

    Returns:
        (T, V): row t is the gradient of the largest score after the text's last character with
        respect to the one-hot input of step t.

    Raises:
        TypeError, ValueError: as `record_states`.
    """
    tokens, state, (forward, backward) = _begin(text, params)
    Wx, Wh, b, Wy, by = (params[name] for name in PARAMETERS)
    x = one_hot(tokens[None], len(Wx)).astype(Wx.dtype)  # (1, T, V)
    h, *more, cache = forward(x, *state, Wx, Wh, b)
    scores = readout(h[0, -1], Wy, by)  # (V,)
    dh = np.zeros_like(h)
    dh[0, -1] = Wy[:, scores.argmax()]
    return backward(dh, *map(np.zeros_like, more), cache)[0][0]


# --- a model to look into -------------------------------------------------------------------------


def init_char_gru(V, H, rng, dtype=np.float32):
    """Random parameters of a character model with a GRU.

    A one-hot input picks one row of Wx, so its rows start five times as large as those of
    `init_gru`, as in notebook 07.

    Args:
        V, H: vocabulary size and hidden units.
        rng: np.random.Generator.

    Returns:
        dict of Wx (V, 3H), Wh (H, 3H), b (3H,), Wy (H, V), by (V,).
    """
    Wx, Wh, b = init_gru(V, H, rng, dtype)
    Wy = (rng.standard_normal((H, V)) / np.sqrt(H)).astype(dtype)
    return {"Wx": 5 * Wx, "Wh": Wh, "b": b, "Wy": Wy, "by": np.zeros(V, dtype)}


def char_gru_gradients(tokens, h0, params):
    """Loss of a character model with a GRU, and its gradients.

    Args:
        tokens: (N, T+1) integers; each is asked for after those before it.
        h0: (N, H).
        params: dict, as from `init_char_gru`.

    Returns:
        loss, mean over the batch of the sum over time; grads, a dict of the arrays' gradients;
        h_last (N, H).
    """
    Wx, Wh, b, Wy, by = (params[name] for name in PARAMETERS)
    x = one_hot(tokens[:, :-1], len(Wx)).astype(Wx.dtype)  # (N, T, V)
    h, cache = gru_forward(x, h0, Wx, Wh, b)
    loss, dscores = softmax_loss(readout(h, Wy, by), tokens[:, 1:])
    dh, dWy, dby = readout_backward(dscores, h, Wy)
    _, _, dWx, dWh, db = gru_backward(dh, cache)
    return loss, dict(zip(PARAMETERS, (dWx, dWh, db, dWy, dby), strict=True)), h[:, -1]
