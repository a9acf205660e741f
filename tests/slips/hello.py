"""Wrong answers to notebook 02."""

from collections import Counter

import numpy as np
from answers import Slips

from helpers import one_hot, readout, rnn_unroll, softmax, softmax_loss

slip = Slips()


# build_vocab --------------------------------------------------------------------------------------


def numbered(characters):
    """Two mappings that number characters in the order in which they come."""
    characters = list(characters)
    return {c: i for i, c in enumerate(characters)}, dict(enumerate(characters))


@slip("build_vocab", "char_to_ix", "not in sorted order")
def in_reverse(text):
    return numbered(sorted(set(text), reverse=True))


@slip("build_vocab", "char_to_ix", "numbered by first appearance")
def as_they_come(text):
    char_to_ix, ix_to_char = {}, {}
    for c in text:
        if c not in char_to_ix:
            i = len(char_to_ix)
            char_to_ix[c], ix_to_char[i] = i, c
    return char_to_ix, ix_to_char


@slip("build_vocab", "char_to_ix", "not in sorted order")
def small_letters_before_capitals(text):
    return numbered(sorted(set(text), key=lambda c: (c.swapcase(), c)))


@slip("build_vocab", "char_to_ix", "numbered from 1")
def zero_kept_for_padding(text):
    characters = sorted(set(text))
    return (
        {c: i for i, c in enumerate(characters, start=1)},
        dict(enumerate(characters, start=1)),
    )


@slip("build_vocab", "ix_to_char", "numbered from 1")
def zero_kept_on_the_way_back_only(text):
    characters = sorted(set(text))
    return numbered(characters)[0], dict(enumerate(characters, 1))


@slip("build_vocab", "char_to_ix", "code points in place of numbers")
def by_ord(text):
    return {c: ord(c) for c in set(text)}, {ord(c): c for c in set(text)}


@slip("build_vocab", "char_to_ix", "repeated characters counted")
def set_forgotten(text):
    return numbered(sorted(text))


@slip("build_vocab", "char_to_ix", "positions in the text in place of numbers")
def by_position(text):
    return {c: text.index(c) for c in text}, {text.index(c): c for c in text}


@slip("build_vocab", "char_to_ix", "positions in the text in place of numbers")
def enumerated_text(text):
    return numbered(text)


@slip("build_vocab", "char_to_ix", "counts in place of numbers")
def counted(text):
    counts = Counter(text)
    return dict(counts), {n: c for c, n in counts.items()}


@slip("build_vocab", "char_to_ix", "the two mappings exchanged")
def way_back_first(text):
    return numbered(sorted(set(text)))[::-1]


@slip("build_vocab", "ix_to_char", "the same mapping twice")
def same_dict_twice(text):
    to_ix, _ = numbered(sorted(set(text)))
    return to_ix, to_ix


@slip("build_vocab", "ix_to_char", "another order than char_to_ix")
def two_orders(text):
    to_ix, _ = numbered(sorted(set(text)))
    return to_ix, dict(enumerate(dict.fromkeys(text)))


@slip("build_vocab", "ix_to_char", "keys are no integers")
def numbers_as_strings(text):
    to_ix, back = numbered(sorted(set(text)))
    return to_ix, {str(i): c for i, c in back.items()}


@slip("build_vocab", "char_to_ix", "white space left out")
def stripped(text):
    return numbered(sorted(set("".join(text.split()))))


@slip("build_vocab", "char_to_ix", "small and capital letters not told apart")
def lowered(text):
    return numbered(sorted(set(text.lower())))


@slip("build_vocab", "char_to_ix", "words in place of characters")
def by_words(text):
    return numbered(sorted(set(text.split())))


@slip("build_vocab", "char_to_ix", "letters only")
def without_marks(text):
    return numbered(sorted(c for c in set(text) if c.isalnum()))


@slip("build_vocab", "char_to_ix")
def numbers_as_floats(text):
    characters = sorted(set(text))
    return (
        dict(zip(characters, np.linspace(0, len(characters) - 1, len(characters)), strict=True)),
        dict(enumerate(characters)),
    )


@slip("build_vocab", None)
def one_mapping_only(text):
    return {c: i for i, c in enumerate(sorted(set(text)))}


@slip("build_vocab", "char_to_ix")
def characters_in_a_list(text):
    return sorted(set(text)), dict(enumerate(sorted(set(text))))


VOCABULARY = {}


@slip("build_vocab", None, "state kept between calls")
def one_vocabulary_for_all_texts(text):
    for c in sorted(set(text)):
        VOCABULARY.setdefault(c, len(VOCABULARY))
    back = {i: c for c, i in VOCABULARY.items()}
    VOCABULARY[str(len(VOCABULARY))] = len(VOCABULARY)
    return {c: i for c, i in VOCABULARY.items() if c in text or len(c) > 1}, back


# softmax ------------------------------------------------------------------------------------------


@slip("softmax", "probabilities", "exp overflows")
def as_in_the_book(scores):
    e = np.exp(scores)
    return e / np.sum(e, axis=-1, keepdims=True)


@slip("softmax", "probabilities", "largest taken off after exp")
def shift_after_exp(scores):
    e = np.exp(scores)
    e = e / e.max(axis=-1, keepdims=True)
    return e / e.sum(axis=-1, keepdims=True)


@slip("softmax", "probabilities", "normalised over the whole array")
def sum_without_axis(scores):
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return np.exp(scores) / np.sum(np.exp(scores)) if scores.ndim > 1 else e / e.sum()


@slip("softmax", "probabilities", "normalised over the whole array")
def max_and_sum_without_axis(scores):
    e = np.exp(scores - np.max(scores))
    return e / np.sum(e)


@slip("softmax", "probabilities", "normalised over the second axis")
def axis_1(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@slip("softmax", "probabilities", "normalised over the first axis")
def axis_0(scores):
    e = np.exp(scores - scores.max(axis=0))
    return e / e.sum(axis=0)


@slip("softmax", None)
def keepdims_forgotten(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1)


@slip("softmax", "probabilities", "one largest score for the whole array")
def shifted_by_one_number(scores):
    e = np.exp(scores - np.max(scores))
    return e / np.sum(e, axis=-1, keepdims=True)


@slip("softmax", "probabilities", "not normalised")
def without_the_sum(scores):
    return np.exp(scores - scores.max(axis=-1, keepdims=True))


@slip("softmax", "probabilities", "exp left out")
def shares_of_scores(scores):
    return scores / scores.sum(axis=-1, keepdims=True)


@slip("softmax", "probabilities", "scores clipped")
def clipped(scores):
    e = np.exp(np.clip(scores, -500, 500))
    return e / e.sum(axis=-1, keepdims=True)


@slip("softmax", "probabilities", "sigmoid of each score")
def sigmoids(scores):
    return np.where(scores > 0, 1 / (1 + np.exp(-scores)), np.exp(scores) / (1 + np.exp(scores)))


@slip("softmax", "probabilities", "the largest score alone")
def hardmax(scores):
    return (scores == scores.max(axis=-1, keepdims=True)).astype(scores.dtype)


@slip("softmax", "probabilities", "mean subtracted in place of the largest score")
def centred(scores):
    e = np.exp(scores - scores.mean(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@slip("softmax", "probabilities", "sign of the scores")
def largest_minus_scores(scores):
    e = np.exp(-(scores - scores.min(axis=-1, keepdims=True)))
    return e / e.sum(axis=-1, keepdims=True)


@slip("softmax", "probabilities", "logarithm of the probabilities")
def log_softmax(scores):
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@slip("softmax", "scores", "argument changed in place")
def shifted_in_place(scores):
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    return scores / scores.sum(axis=-1, keepdims=True)


@slip("softmax", "probabilities", "float64 in place of float32")
def probabilities_in_float64(scores):
    out = np.zeros(scores.shape)
    for place in np.ndindex(scores.shape[:-1]):
        e = np.exp(scores[place] - scores[place].max())
        out[place] = e / e.sum()
    return out


@slip("softmax", "probabilities")
def list_of_rows(scores):
    return [softmax(row) for row in scores]


@slip("softmax", None)
def three_axes_only(scores):
    N, T, V = scores.shape
    e = np.exp(scores - scores.max(axis=2).reshape(N, T, 1))
    return e / e.sum(axis=2).reshape(N, T, 1)


# softmax_loss -------------------------------------------------------------------------------------


def losses(scores, targets):
    """Right parts of an answer: probabilities, their logarithms at the targets, and p - one_hot."""
    N, T, V = scores.shape
    p = softmax(scores)
    shifted = scores - scores.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    picked = log_p[np.arange(N)[:, None], np.arange(T), targets]
    return p, picked, p - one_hot(targets, V)


@slip("softmax_loss", "loss", "mean over time as well as over the batch")
def mean_of_everything(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.mean(), d / picked.size


@slip("softmax_loss", "loss", "sum over the batch")
def sum_of_everything(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum(), d


@slip("softmax_loss", "loss", "mean over time in place of the batch")
def mean_over_time_only(scores, targets):
    p, picked, d = losses(scores, targets)
    T = scores.shape[1]
    return -picked.sum() / T, d / T


@slip("softmax_loss", "loss", "mean over time as well as over the batch")
def loss_per_character_gradient_per_sequence(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.mean(), d / len(scores)


@slip("softmax_loss", "dscores", "gradient not divided by N")
def gradient_of_the_sum(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum() / len(scores), d


@slip("softmax_loss", "dscores", "gradient divided by T as well")
def gradient_of_the_mean(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum() / len(scores), d / targets.size


@slip("softmax_loss", "dscores", "the 1 at the target not subtracted")
def probabilities_as_gradient(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum() / len(p), p / len(p)


@slip("softmax_loss", "dscores", "sign of the gradient")
def truth_minus_probability(scores, targets):
    p, picked, d = losses(scores, targets)
    N, _, V = p.shape
    return -picked.sum() / N, (one_hot(targets, V) - p) / N


@slip("softmax_loss", "loss", "sign of the loss")
def log_likelihood(scores, targets):
    p, picked, d = losses(scores, targets)
    return picked.sum() / len(p), d / len(p)


@slip("softmax_loss", "loss", "logarithm of a probability that is 0")
def log_of_softmax(scores, targets):
    N, T, V = scores.shape
    p = softmax(scores)
    loss = -np.log(p[np.arange(N)[:, None], np.arange(T), targets]).sum() / N
    p[np.arange(N)[:, None], np.arange(T), targets] -= 1
    return loss, p / N


def with_constant(constant):
    def answer(scores, targets):
        p = softmax(scores)
        truth = one_hot(targets, scores.shape[-1])
        loss = -np.sum(truth * np.log(p + constant)) / len(scores)
        return loss, (p - truth) / len(scores)

    return answer


def with_floor(constant):
    def answer(scores, targets):
        p = softmax(scores)
        truth = one_hot(targets, scores.shape[-1])
        loss = -np.sum(truth * np.log(np.maximum(p, constant))) / len(scores)
        return loss, (p - truth) / len(scores)

    return answer


for constant in (1e-7, 1e-8, 1e-10, 1e-12):
    said = f"{constant:g} inside the logarithm"
    slip("softmax_loss", "loss", said, what=f"log(p + {constant:g})")(with_constant(constant))
slip("softmax_loss", "loss", "1e-12 inside the logarithm", what="log(np.maximum(p, 1e-12))")(
    with_floor(1e-12)
)


@slip("softmax_loss", "loss", "targets used as indices in every row")
def targets_behind_two_colons(scores, targets):
    N = len(scores)
    p = softmax(scores)
    loss = -np.log(p[:, :, targets]).sum() / N
    d = p.copy()
    d[:, :, targets] -= 1
    return loss, d / N


@slip("softmax_loss", "loss", "targets used as indices in every row")
def targets_behind_two_colons_in_the_loss_only(scores, targets):
    p, picked, d = losses(scores, targets)
    return -np.log(p[:, :, targets]).sum() / len(p), d / len(p)


@slip("softmax_loss", "dscores", "targets used as indices in every row")
def targets_behind_two_colons_in_the_gradient_only(scores, targets):
    p, picked, d = losses(scores, targets)
    p[:, :, targets] -= 1
    return -picked.sum() / len(p), p / len(p)


@slip("softmax_loss", "loss", "targets used as indices of the batch")
def targets_alone_in_the_brackets(scores, targets):
    N = len(scores)
    p = softmax(scores)
    loss = -np.log(p[targets]).sum() / N
    p[targets] -= 1
    return loss, p / N


@slip("softmax_loss", None)
def indices_that_do_not_broadcast(scores, targets):
    N, T, V = scores.shape
    p = softmax(scores)
    return -np.log(p[np.arange(N), np.arange(T), targets]).sum() / N, p


@slip("softmax_loss", "loss", "only the last time step")
def last_step_only(scores, targets):
    p, picked, d = losses(scores, targets)
    dscores = np.zeros_like(scores)
    dscores[:, -1] = d[:, -1]
    return -picked[:, -1].mean(), dscores / len(scores)


@slip("softmax_loss", "loss", "targets shifted once more")
def shifted_targets(scores, targets):
    p, picked, d = losses(scores[:, :-1], targets[:, 1:])
    N = len(scores)
    return -picked.sum() / N, np.pad(d, ((0, 0), (0, 1), (0, 0))) / N


@slip("softmax_loss", "loss", "losses of all classes added")
def sum_over_classes(scores, targets):
    p, picked, d = losses(scores, targets)
    return -np.log(p).sum() / len(p), d / len(p)


@slip("softmax_loss", "loss", "in bits")
def with_log2(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum() / np.log(2) / len(p), d / len(p)


@slip("softmax_loss", "loss", "logarithm left out")
def probability_of_failure(scores, targets):
    p, picked, d = losses(scores, targets)
    return -np.exp(picked).sum() / len(p), d / len(p)


@slip("softmax_loss", "dscores", "gradient with respect to the probabilities")
def stopped_at_the_softmax(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum() / len(p), -one_hot(targets, p.shape[-1]) / p / len(p)


@slip("softmax_loss", "dscores", "gradient of the target's score only")
def gradient_at_the_targets(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum() / len(p), d * one_hot(targets, p.shape[-1]) / len(p)


@slip("softmax_loss", "loss")
def one_subtracted_too_early(scores, targets):
    p, picked, d = losses(scores, targets)
    at = np.arange(len(p))[:, None], np.arange(p.shape[1]), targets
    p[at] -= 1
    return -np.log(p[at]).sum() / len(p), p / len(p)


@slip("softmax_loss", "loss")
def a_loss_for_each_sequence(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum(axis=1), d / len(p)


@slip("softmax_loss", None)
def the_loss_alone(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum() / len(p)


@slip("softmax_loss", "scores", "argument changed in place")
def gradient_written_into_the_scores(scores, targets):
    p, picked, d = losses(scores, targets)
    scores[...] = d / len(p)
    return -picked.sum() / len(p), scores


@slip("softmax_loss", "dscores", "float64 in place of float32")
def divided_by_an_array_of_float64(scores, targets):
    p, picked, d = losses(scores, targets)
    return -picked.sum() / len(p), d.astype(np.float64) / len(p)


# embedding_forward --------------------------------------------------------------------------------


@slip("embedding_forward", "out", "columns in place of rows, V first")
def columns(tokens, E):
    return E[:, tokens]


@slip("embedding_forward", "out", "columns in place of rows")
def rows_of_the_transpose(tokens, E):
    return E.T[tokens]


@slip("embedding_forward", "out", "the one-hot vectors themselves")
def vectors_of_the_vocabulary(tokens, E):
    return np.eye(len(E), dtype=E.dtype)[tokens]


@slip("embedding_forward", "out", "the row before")
def row_minus_one(tokens, E):
    return E[tokens - 1]


@slip("embedding_forward", "out", "time as the first axis")
def steps_first(tokens, E):
    return np.stack([E[tokens[:, t]] for t in range(tokens.shape[1])])


@slip("embedding_forward", "out", "tokens flattened")
def flat(tokens, E):
    return one_hot(tokens.ravel(), len(E)) @ E


@slip("embedding_forward", "out", "vectors side by side")
def side_by_side(tokens, E):
    return E[tokens].reshape(tokens.shape[0], -1)


@slip("embedding_forward", "out", "average over time")
def bag_of_characters(tokens, E):
    return E[tokens].mean(axis=1)


@slip("embedding_forward", "out", "only the last token")
def last_token(tokens, E):
    return E[tokens[:, -1]]


@slip("embedding_forward", "out", "scaled by the root of D")
def scaled(tokens, E):
    return np.sqrt(E.shape[1]) * E[tokens]


@slip("embedding_forward", "out", "vectors multiplied by their tokens")
def scaled_by_token(tokens, E):
    out = np.zeros((*tokens.shape, E.shape[1]), E.dtype)
    for n, row in enumerate(tokens):
        for t, token in enumerate(row):
            out[n, t] = token * E[token]
    return out


@slip("embedding_forward", None)
def transposed_product(tokens, E):
    return E @ one_hot(tokens, len(E))


@slip("embedding_forward", None)
def tokens_times_E(tokens, E):
    return tokens @ E


@slip("embedding_forward", "out")
def lists_of_vectors(tokens, E):
    return [[E[token] for token in row] for row in tokens]


@slip("embedding_forward", "E", "argument changed in place")
def rows_normalised_in_place(tokens, E):
    out = E[tokens].copy()
    E /= np.linalg.norm(E, axis=1, keepdims=True)
    return out


# char_rnn_loss ------------------------------------------------------------------------------------


def states(inputs, h0, p, unroll=rnn_unroll):
    x = one_hot(inputs, len(p["Wx"])).astype(p["Wx"].dtype)
    return unroll(x, h0, p["Wx"], p["Wh"], p["b"])


@slip("char_rnn_loss", "loss", "mean over time as well as over the batch")
def loss_per_character(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    loss, _ = softmax_loss(readout(h, params["Wy"], params["by"]), targets)
    return loss / inputs.shape[1], h[:, -1]


@slip("char_rnn_loss", "loss", "sum over the batch")
def loss_of_all_characters(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    p = softmax(h @ params["Wy"] + params["by"])
    loss = 0.0
    for n in range(len(inputs)):
        for t in range(inputs.shape[1]):
            loss -= np.log(p[n, t, targets[n, t]])
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "h0 ignored")
def started_from_zeros(inputs, targets, h0, params):
    h = states(inputs, np.zeros_like(h0), params)
    loss, _ = softmax_loss(readout(h, params["Wy"], params["by"]), targets)
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "state not carried on")
def h0_at_every_step(inputs, targets, h0, params):
    x = one_hot(inputs, len(params["Wx"]))
    h = np.tanh(x @ params["Wx"] + (h0 @ params["Wh"])[:, None] + params["b"])
    loss, _ = softmax_loss(readout(h, params["Wy"], params["by"]), targets)
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "inputs as targets")
def to_say_what_was_read(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    loss, _ = softmax_loss(readout(h, params["Wy"], params["by"]), inputs)
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "readout's bias left out")
def without_by(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    loss, _ = softmax_loss(h @ params["Wy"], targets)
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "bias left out")
def without_b(inputs, targets, h0, params):
    h = states(inputs, h0, {**params, "b": np.zeros_like(params["b"])})
    loss, _ = softmax_loss(readout(h, params["Wy"], params["by"]), targets)
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "tanh left out")
def linear(inputs, targets, h0, params):
    h, losses_ = h0, []
    x = one_hot(inputs, len(params["Wx"]))
    for t in range(inputs.shape[1]):
        h = x[:, t] @ params["Wx"] + h @ params["Wh"] + params["b"]
        scores = h @ params["Wy"] + params["by"]
        losses_.append(softmax_loss(scores[:, None], targets[:, t : t + 1])[0])
    return sum(losses_), h


@slip("char_rnn_loss", "loss", "softmax applied twice")
def softmax_before_the_loss(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    loss, _ = softmax_loss(softmax(readout(h, params["Wy"], params["by"])), targets)
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "only the last time step")
def loss_after_the_loop(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    loss, _ = softmax_loss(readout(h[:, -1:], params["Wy"], params["by"]), targets[:, -1:])
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "targets shifted once more")
def targets_one_ahead_again(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    loss, _ = softmax_loss(readout(h[:, :-1], params["Wy"], params["by"]), targets[:, 1:])
    return loss, h[:, -1]


@slip("char_rnn_loss", "loss", "scores of the state before the character was read")
def scores_before_the_step(inputs, targets, h0, params):
    h, every = h0, []
    x = one_hot(inputs, len(params["Wx"]))
    for t in range(inputs.shape[1]):
        every.append(readout(h, params["Wy"], params["by"]))
        h = np.tanh(x[:, t] @ params["Wx"] + h @ params["Wh"] + params["b"])
    return softmax_loss(np.stack(every, axis=1), targets)[0], h


@slip("char_rnn_loss", "h_last", "first state in place of the last")
def index_0(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    return softmax_loss(readout(h, params["Wy"], params["by"]), targets)[0], h[:, 0]


@slip("char_rnn_loss", "h_last", "all states in place of the last")
def every_state(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    return softmax_loss(readout(h, params["Wy"], params["by"]), targets)[0], h


@slip("char_rnn_loss", "h_last", "h0 in place of the last state")
def h0_handed_back(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    return softmax_loss(readout(h, params["Wy"], params["by"]), targets)[0], h0


@slip("char_rnn_loss", "h_last", "the last state but one")
def index_minus_two(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    before = h[:, -2] if h.shape[1] > 1 else h0
    return softmax_loss(readout(h, params["Wy"], params["by"]), targets)[0], before


@slip("char_rnn_loss", "loss", "only the first sequence")
def first_sequence_of_the_batch(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    loss, _ = softmax_loss(readout(h[:1], params["Wy"], params["by"]), targets[:1])
    return loss, h[:, -1]


@slip("char_rnn_loss", None)
def loss_and_gradient(inputs, targets, h0, params):
    h = states(inputs, h0, params)
    return *softmax_loss(readout(h, params["Wy"], params["by"]), targets), h[:, -1]


@slip("char_rnn_loss", "params", "argument changed in place")
def params_used_up(inputs, targets, h0, params):
    Wy, by = params.pop("Wy"), params.pop("by")
    h = states(inputs, h0, params)
    return softmax_loss(readout(h, Wy, by), targets)[0], h[:, -1]


@slip("char_rnn_loss", None)
def tokens_not_encoded(inputs, targets, h0, params):
    h = rnn_unroll(inputs, h0, params["Wx"], params["Wh"], params["b"])
    return softmax_loss(readout(h, params["Wy"], params["by"]), targets)[0], h[:, -1]


MEMORY = {}


@slip("char_rnn_loss", None, "state kept between calls")
def goes_on_from_the_last_call(inputs, targets, h0, params):
    h = states(inputs, MEMORY.get(h0.shape, h0), params)
    MEMORY[h0.shape] = h[:, -1]
    return softmax_loss(readout(h, params["Wy"], params["by"]), targets)[0], h[:, -1]


# sample -------------------------------------------------------------------------------------------


def step(token, h, p):
    return np.tanh(p["Wx"][token] + h @ p["Wh"] + p["b"])


def scores_of(h, p):
    return (h @ p["Wy"] + p["by"])[0]


@slip("sample", "tokens", "state not carried on")
def always_from_h0(h0, first, n, params, temperature, rng):
    token, written = first, []
    for _ in range(n):
        scores = scores_of(step(token, h0, params), params)
        if temperature == 0:
            token = int(np.argmax(scores))
        else:
            token = int(rng.choice(len(scores), p=softmax(scores / temperature)))
        written.append(token)
    return written


def sampler(
    choose=lambda scores, temperature, rng: int(
        rng.choice(len(scores), p=softmax(scores / temperature))
    ),
    greedy=lambda scores: int(np.argmax(scores)),
    step=step,
    scores_of=scores_of,
    start=lambda h0: h0,
    begin=lambda first: first,
    following=lambda token, before: token,
    written=lambda first, tokens: tokens,
    steps=lambda n: n,
):
    """An answer with one part exchanged."""

    def sample(h0, first, n, params, temperature, rng):
        h, token, tokens = start(h0), begin(first), []
        for _ in range(steps(n)):
            h = step(token, h, params)
            scores = scores_of(h, params)
            drawn = greedy(scores) if temperature == 0 else choose(scores, temperature, rng)
            tokens.append(drawn)
            token = following(drawn, token)
        return written(first, tokens)

    return sample


def drawn(p, rng):
    return int(rng.choice(len(p), p=p))


for name, mistake, answer in (
    ("the first token at every step", "output not fed back", sampler(following=lambda t, b: b)),
    ("started from zeros", "h0 ignored", sampler(start=np.zeros_like)),
    ("started from token 0", "first token ignored", sampler(begin=lambda first: 0)),
    (
        "temperature forgotten",
        "temperature ignored",
        sampler(lambda s, t, rng: drawn(softmax(s), rng)),
    ),
    (
        "probabilities divided by the temperature",
        "temperature ignored",
        sampler(lambda s, t, rng: drawn(softmax(s) / t / (softmax(s) / t).sum(), rng)),
    ),
    (
        "multiplied by the temperature",
        "scores multiplied by the temperature",
        sampler(lambda s, t, rng: drawn(softmax(s * t), rng)),
    ),
    ("always argmax", "always the largest score", sampler(lambda s, t, rng: int(s.argmax()))),
    (
        "integers in place of choice",
        "all tokens equally likely",
        sampler(lambda s, t, rng: int(rng.integers(len(s)))),
    ),
    (
        "p= forgotten",
        "all tokens equally likely",
        sampler(lambda s, t, rng: int(rng.choice(len(s)))),
    ),
    (
        "first kept in the result",
        "first among the result",
        sampler(written=lambda first, tokens: [first, *tokens]),
    ),
    (
        "first kept, the last left out",
        "first among the result",
        sampler(written=lambda first, tokens: [first, *tokens][: len(tokens)]),
    ),
    (
        "a generator of its own",
        "rng ignored",
        lambda h0, first, n, params, temperature, rng: sampler()(
            h0, first, n, params, temperature, np.random.default_rng(42)
        ),
    ),
    (
        "np.random.choice",
        "state kept between calls",
        sampler(lambda s, t, rng: int(np.random.choice(len(s), p=softmax(s / t)))),  # noqa: NPY002
    ),
    ("without by", "readout's bias left out", sampler(scores_of=lambda h, p: (h @ p["Wy"])[0])),
    (
        "without b",
        "bias left out",
        sampler(step=lambda token, h, p: np.tanh(p["Wx"][token] + h @ p["Wh"])),
    ),
    (
        "without tanh",
        "tanh left out",
        sampler(step=lambda token, h, p: p["Wx"][token] + h @ p["Wh"] + p["b"]),
    ),
    (
        "Wh transposed",
        "Wh transposed",
        sampler(step=lambda token, h, p: np.tanh(p["Wx"][token] + h @ p["Wh"].T + p["b"])),
    ),
    (
        "without memory",
        "previous state ignored",
        sampler(step=lambda token, h, p: np.tanh(p["Wx"][[token]] + p["b"])),
    ),
    ("NumPy floats", "no integers", sampler(written=lambda first, tokens: np.array(tokens, float))),
    (
        "arrays of one token",
        "no integers",
        sampler(written=lambda first, tokens: [np.array([t]) for t in tokens]),
    ),
    ("argmin at temperature 0", None, sampler(greedy=lambda s: int(s.argmin()))),
    ("one step short", None, sampler(steps=lambda n: n - 1)),
    ("one step more", None, sampler(steps=lambda n: n + 1)),
    ("a string", None, sampler(written=lambda first, tokens: "".join(map(str, tokens)))),
    (
        "two slips, start and first token",
        None,
        sampler(start=np.zeros_like, begin=lambda first: 0),
    ),
):
    slip("sample", "tokens" if mistake != "state kept between calls" else None, mistake, what=name)(
        answer
    )


@slip("sample", None)
def division_by_temperature_zero(h0, first, n, params, temperature, rng):
    h, token, written = h0, first, []
    for _ in range(n):
        h = step(token, h, params)
        p = np.exp(scores_of(h, params) / temperature)
        token = int(rng.choice(len(p), p=p / p.sum()))
        written.append(token)
    return written


@slip("sample", "tokens", "only the bias divided by the temperature")
def precedence(h0, first, n, params, temperature, rng):
    h, token, written = h0, first, []
    for _ in range(n):
        h = step(token, h, params)
        if temperature == 0:
            token = int((h @ params["Wy"] + params["by"]).argmax())
        else:
            scores = h[0] @ params["Wy"] + params["by"] / temperature
            token = int(rng.choice(len(scores), p=softmax(scores)))
        written.append(token)
    return written


@slip("sample", "tokens", "the most likely token fed back")
def writes_one_and_reads_another(h0, first, n, params, temperature, rng):
    h, token, written = h0, first, []
    for _ in range(n):
        h = step(token, h, params)
        scores = scores_of(h, params)
        token = int(scores.argmax())
        drawn_now = (
            rng.choice(len(scores), p=softmax(scores / temperature)) if temperature else token
        )
        written.append(int(drawn_now))
    return written


@slip("sample", "tokens", "scores of the state before the token was read")
def scores_one_step_late(h0, first, n, params, temperature, rng):
    h, token, written = h0, first, []
    for _ in range(n):
        scores = scores_of(h, params)
        h = step(token, h, params)
        if temperature == 0:
            token = int(scores.argmax())
        else:
            token = int(rng.choice(len(scores), p=softmax(scores / temperature)))
        written.append(token)
    return written


@slip("sample", "h0", "argument changed in place")
def state_updated_in_place(h0, first, n, params, temperature, rng):
    token, written = first, []
    for _ in range(n):
        h0[:] = step(token, h0, params)
        scores = scores_of(h0, params)
        if temperature == 0:
            token = int(scores.argmax())
        else:
            token = int(rng.choice(len(scores), p=softmax(scores / temperature)))
        written.append(token)
    return written
