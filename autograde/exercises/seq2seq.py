"""10 · seq2seq: sentences of unequal length in, sentences of unequal length out."""

from functools import cache, partial

import numpy as np

from autograde.diagnosis import describe, fitting_slip
from autograde.exercises import problems
from autograde.exercises.declaration import (
    CACHE,
    Backward,
    Exercise,
    Mistake,
    Quantity,
    gradients,
    values,
)
from autograde.exercises.many import gradients_of_many, lstm_step_of_many
from autograde.gradcheck import exact_gradients
from autograde.report import Finding
from helpers import seq2seq
from helpers.embedding import embedding_backward
from helpers.losses import log_softmax, softmax, temporal_softmax_loss
from helpers.lstm import (
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
)
from helpers.rnn import readout, readout_backward
from helpers.seq2seq import DECODER, ENCODER, PARAMETERS, masked_softmax

exercise = partial(Exercise, notebook="10")


def lengths_of(rng, N, T):
    """Lengths from 1 to T of N sentences: one of them T, one two shorter, where there is room."""
    if N == 1:
        return np.array([max(T - 1, 1)])
    while True:
        lengths = rng.integers(1, T + 1, N)
        if lengths.max() == T and lengths.min() <= max(T - 2, 1):
            return lengths


def padded(rng, N, T, V):
    """Random tokens (N, T), those of the padding too, and a mask."""
    tokens = problems.tokens(rng, {"V": V}, N, T)
    return tokens, np.arange(T) < lengths_of(rng, N, T)[:, None]


# pad_batch --------------------------------------------------------------------------------------


def sequences_problem(rng, s, *, lengths=None, pad=0):
    """Lists of tokens that are not the pad; the first is neither longest nor shortest."""
    N, T = s["N"], s["T"]
    if lengths is None and N > 1 and T > 2:
        others = rng.permutation([1, T, *rng.integers(1, T + 1, N - 2)])
        lengths = [int(rng.integers(2, T)), *others.tolist()]
    lengths = lengths or [T] * N
    return {"sequences": [rng.integers(1, 10, n).tolist() for n in lengths], "pad": pad}


def sequences_edges(rng, s):
    T = s["T"]
    return {
        "when pad is not 0": sequences_problem(rng, s, pad=int(rng.integers(10, 30))),
        "when pad is -1": sequences_problem(rng, s, pad=-1),
        "when all sequences are equally long": sequences_problem(rng, s, lengths=[T, T, T]),
        "with an empty sequence": sequences_problem(rng, s, lengths=[T, 0, 1]),
        "when the longest comes first": sequences_problem(rng, s, lengths=[T, 1, 2]),
        "when the longest comes last": sequences_problem(rng, s, lengths=[2, 1, T]),
    }


def padding(
    arrange=lambda sequences: sequences,
    length=max,
    right=True,
    fill=lambda row, pad: pad,
    mask=lambda mask, tokens, pad: mask,
    finish=lambda tokens, mask: (tokens, mask),
):
    """A wrong `pad_batch`, by what is wrong with it.

    Args:
        arrange: sequences -> those that are used.
        length: lengths -> how long the rows become.
        right: whether padding comes at the end.
        fill: row, pad -> what fills it.
        mask, finish: what is changed at the end.
    """

    def wrong(sequences, pad):
        rows = arrange(sequences)
        T = length([len(row) for row in rows])
        tokens, there = np.zeros((len(rows), T), int), np.zeros((len(rows), T), bool)
        for n, row in enumerate(rows):
            row = row[:T]
            tokens[n] = fill(row, pad)
            place = slice(0, len(row)) if right else slice(T - len(row), T)
            tokens[n, place], there[n, place] = row, True
        return finish(tokens, mask(there, tokens, pad))

    return wrong


def _one_off(mask, *_):
    """The mask of sequences that are one shorter."""
    return mask & np.concatenate([mask[:, 1:], np.zeros_like(mask[:, :1])], axis=1)


def _one_on(mask, *_):
    """The mask of sequences that are one longer."""
    return mask | np.concatenate([np.ones_like(mask[:, :1]), mask[:, :-1]], axis=1)


PAD_BATCH = exercise(
    name="pad_batch",
    points=2,
    reference=seq2seq.pad_batch,
    problem=sequences_problem,
    returns=values(tokens="NT", mask="NT"),
    sizes="NT",
    edges=sequences_edges,
    floats=False,
    strided=False,
    mistakes=(
        Mistake(
            "padded at the beginning",
            padding(right=False),
            "The tokens come first, and the padding after them.",
        ),
        Mistake(
            "filled with 0",
            padding(fill=lambda row, pad: 0),
            "What fills a row up is the token that was handed over as pad.",
        ),
        Mistake(
            "filled with the last token",
            padding(fill=lambda row, pad: row[-1]),
            "What fills a row up is the token pad, not a token of the sequence.",
        ),
        Mistake(
            "cut to the shortest",
            padding(length=min),
            "No token is lost: the rows are as long as the longest sequence.",
        ),
        Mistake(
            "cut to the first one's length",
            padding(length=lambda lengths: lengths[0]),
            "The rows are as long as the longest sequence, wherever that stands.",
        ),
        Mistake(
            "one column too many",
            padding(length=lambda lengths: max(lengths) + 1),
            "The longest sequence needs no padding.",
        ),
        Mistake(
            "sequences sorted by length",
            padding(lambda sequences: sorted(sequences, key=len)),
            "Row n belongs to sequence n; whoever calls this keeps track by that.",
        ),
        Mistake(
            "sequences sorted by length, longest first",
            padding(lambda sequences: sorted(sequences, key=len, reverse=True)),
            "Row n belongs to sequence n; whoever calls this keeps track by that.",
        ),
        Mistake(
            "sequences turned around",
            padding(lambda sequences: [row[::-1] for row in sequences]),
            "The tokens stand in the order in which they came.",
        ),
        Mistake(
            "mask upside down",
            padding(mask=lambda mask, tokens, pad: ~mask),
            "The mask is True where a sequence's own token stands.",
        ),
        Mistake(
            "mask True everywhere",
            padding(mask=lambda mask, tokens, pad: np.ones_like(mask)),
            "Where a row was filled up, the mask is False.",
        ),
        Mistake(
            "mask one too short",
            padding(mask=_one_off),
            "The last token of a sequence counts too.",
        ),
        Mistake(
            "mask one too long",
            padding(mask=_one_on),
            "The first place after a sequence is padding already.",
        ),
        Mistake(
            "mask compared with 0",
            padding(mask=lambda mask, tokens, pad: tokens != 0),
            "The padding is known by the token pad, which need not be 0.",
        ),
        Mistake(
            "time as the first axis",
            padding(finish=lambda tokens, mask: (tokens.T, mask.T)),
            "A sequence is a row: the batch is axis 0 and time is axis 1.",
        ),
    ),
)


# encode -----------------------------------------------------------------------------------------


def encode_problem(rng, s, *, lengths=None):
    N, T, V = s["N"], s["T"], s["F"]
    tokens, mask = padded(rng, N, T, V)
    if lengths is not None:
        mask = np.arange(T) < np.broadcast_to(lengths, N)[:, None]
    return {
        "tokens": tokens,
        "mask": mask,
        "E": problems.normal(rng, V, s["D"]),
        **problems.cell(rng, s, gates=4),
    }


def encode_edges(rng, s, draw=encode_problem):
    return {
        "when nothing is padding": draw(rng, s, lengths=s["T"]),
        "when every sentence has one word": draw(rng, s, lengths=1),
        "when all but one sentence end early": draw(rng, s, lengths=[s["T"]] + [1] * (s["N"] - 1)),
    }


def encoding(
    words=lambda tokens, mask: (tokens, mask),
    embed=lambda x, mask: x,
    order=1,
    carry=lambda h, c: (h, c),
    ends=lambda lengths, T: (lengths - 1, lengths - 1),
    shown=lambda h, kept, mask: h * mask[:, :, None],
    finish=lambda h, h_last, c_last, mask: (h, h_last, c_last),
):
    """A wrong `encode`, by what is wrong with it.

    Args:
        words: tokens, mask -> those that are read.
        embed: (N, T, D), mask -> what the LSTM reads.
        order: of the steps.
        carry: h, c -> what the next step starts from.
        ends: lengths, T -> the steps whose h and c are the last ones.
        shown: states, those with the last one kept at padding, mask -> h.
        finish: what is changed at the end.
    """

    def wrong(tokens, mask, E, Wx, Wh, b):
        tokens, mask = words(tokens, mask)
        N, T = mask.shape
        x = embed(E[tokens], mask)
        h = c = np.zeros((N, len(Wh)), Wh.dtype)
        states = []
        for t in range(T)[::order]:
            h, c, _ = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
            states.append((h, c))
            h, c = carry(h, c)
        h, c = (np.stack(each, axis=1)[:, ::order] for each in zip(*states, strict=True))
        lengths, rows = mask.sum(axis=1), np.arange(N)
        h_end, c_end = (np.broadcast_to(end, N) for end in ends(lengths, T))
        kept = h[rows[:, None], np.minimum(np.arange(T), lengths[:, None] - 1)]
        return *finish(shown(h, kept, mask), h[rows, h_end], c[rows, c_end], mask), None

    return wrong


def _at_the_end_of_the_batch(lengths, T):
    return T - 1, T - 1


ENCODE = exercise(
    name="encode",
    points=4,
    reference=seq2seq.encode,
    problem=encode_problem,
    returns=(*values(h="NTH", h_last="NH", c_last="NH"), CACHE),
    sizes="NTDH",
    edges=encode_edges,
    builds_on=("lstm_step_forward", "lstm_forward", "embedding_forward"),
    mistakes=(
        Mistake(
            "mask ignored",
            encoding(ends=_at_the_end_of_the_batch, shown=lambda h, kept, mask: h),
            "A sentence that is over must not go on: the LSTM has read the padding as if it were "
            "words.",
        ),
        Mistake(
            "states at the end of the batch",
            encoding(ends=_at_the_end_of_the_batch),
            "After its last word a sentence's states stay as they are; here padding went on "
            "changing them, and h alone was masked.",
        ),
        Mistake(
            "h_last at the end of the batch",
            encoding(ends=lambda lengths, T: (T - 1, lengths - 1)),
            "The cells stopped at their sentences' ends, and h went on.",
        ),
        Mistake(
            "c_last at the end of the batch",
            encoding(ends=lambda lengths, T: (lengths - 1, T - 1)),
            "h stopped at the sentences' ends, and the cells went on. Both are kept.",
        ),
        Mistake(
            "states set to zero at padding",
            encoding(finish=lambda h, hl, cl, mask: (h, hl * mask[:, -1:], cl * mask[:, -1:])),
            "A sentence that is over keeps its states; zeros would forget all of it. Only what is "
            "reported as h is zero there.",
        ),
        Mistake(
            "h_last set to zero at padding",
            encoding(finish=lambda h, hl, cl, mask: (h, hl * mask[:, -1:], cl)),
            "That is h at the batch's last step. h_last is the state at the sentence's own end.",
        ),
        Mistake(
            "h not zero at padding",
            encoding(shown=lambda h, kept, mask: h),
            "Where there is no word there is no state to look at: h is zero there.",
        ),
        Mistake(
            "last state repeated in h",
            encoding(shown=lambda h, kept, mask: kept),
            "h_last and c_last are right. In h itself the places after a sentence's end are zero.",
        ),
        Mistake(
            "one word too early",
            encoding(ends=lambda lengths, T: (np.maximum(lengths - 2, 0),) * 2),
            "The last state is the one that has read the last word too; a sentence of n words has "
            "its last word in the place n - 1.",
        ),
        Mistake(
            "one word too late",
            encoding(ends=lambda lengths, T: (np.minimum(lengths, T - 1),) * 2),
            "A sentence of n words has its last word in the place n - 1; the place n is padding.",
        ),
        Mistake(
            "the shortest sentence's end for all",
            encoding(ends=lambda lengths, T: (lengths.min() - 1,) * 2),
            "Every sentence has an end of its own.",
        ),
        Mistake(
            "padding read as zeros",
            encoding(
                embed=lambda x, mask: x * mask[:, :, None],
                ends=_at_the_end_of_the_batch,
                shown=lambda h, kept, mask: h,
            ),
            "A step that reads zeros is still a step: the bias and the state before it go on "
            "working. It is the state that has to stay.",
        ),
        Mistake(
            "time reversed",
            encoding(order=-1),
            "The first step reads tokens[:, 0].",
        ),
        Mistake(
            "h not carried on",
            encoding(carry=lambda h, c: (np.zeros_like(h), c)),
            "Every step after the first starts from the h before it.",
        ),
        Mistake(
            "c not carried on",
            encoding(carry=lambda h, c: (h, np.zeros_like(c))),
            "Every step after the first starts from the cell before it.",
        ),
        Mistake(
            "h_last and c_last exchanged",
            encoding(finish=lambda h, h_last, c_last, mask: (h, c_last, h_last)),
            "h comes first, then h_last, then c_last.",
        ),
        Mistake(
            "h_last in place of c_last",
            encoding(finish=lambda h, h_last, c_last, mask: (h, h_last, h_last)),
            "The cell is not what it shows: c_last is another array than h_last.",
        ),
        Mistake(
            "time as the first axis",
            encoding(finish=lambda h, *last: (np.swapaxes(h, 0, 1), *last[:2])),
            "The batch is axis 0 and time is axis 1.",
        ),
        Mistake(
            "only the last h",
            encoding(finish=lambda h, h_last, c_last, mask: (h_last, h_last, c_last)),
            "Return h after every step as well: attention will look at all of them.",
        ),
    ),
)


# encode_backward --------------------------------------------------------------------------------


def encode_backward_problem(rng, s, **kind):
    N, T, H = s["N"], s["T"], s["H"]
    return {
        **encode_problem(rng, s, **kind),
        "dh": problems.normal(rng, N, T, H),
        "dh_last": problems.normal(rng, N, H),
        "dc_last": problems.normal(rng, N, H),
    }


def encoding_backward(
    begin=lambda dh_last, dc_last: (dh_last, dc_last),
    outside=lambda dh, t, here: dh[:, t] * here,
    into=lambda d, here: d * here,
    out=lambda dh, dc: (dh, dc),
    back=lambda came, arrived, here: np.where(here, came, arrived),
    more=0,
    add=True,
    rows=embedding_backward,
    finish=lambda dE, dWx, dWh, db, N: (dE, dWx, dWh, db),
):
    """A wrong `encode_backward`, by what is wrong with it.

    Args:
        begin: dh_last, dc_last -> what arrives after the last step.
        outside: dh, t, mask of the step -> what arrives at h from outside.
        into: gradient, mask -> what goes into the step.
        out: dh_prev, dc_prev of the step -> what is made of them.
        back: what came out of the step, what arrived at it, mask -> what goes on.
        more: how much of dh_last every step gets.
        add: whether the weights' gradients add up over time.
        rows: the embedding's backward pass.
        finish: what is changed at the end.
    """

    def wrong(dh, dh_last, dc_last, cache):
        tokens, mask, V, caches = cache
        N, T = tokens.shape
        dx, weights = [None] * T, None
        dh_next, dc_next = begin(dh_last, dc_last)
        for t in reversed(range(T)):
            here = mask[:, t, None]
            arrived = outside(dh, t, here) + dh_next + more * dh_last
            dx[t], dh_prev, dc_prev, *new = lstm_step_backward(
                into(arrived, here), into(dc_next, here), caches[t]
            )
            dh_prev, dc_prev = out(dh_prev, dc_prev)
            dh_next, dc_next = back(dh_prev, arrived, here), back(dc_prev, dc_next, here)
            weights = [w + n for w, n in zip(weights, new, strict=True)] if weights and add else new
        return finish(rows(np.stack(dx, axis=1), (tokens, V)), *weights, N)

    return wrong


def overwritten(dx, cache):
    """The embedding's gradient where a token's last occurrence overwrites the others."""
    tokens, V = cache
    dE = np.zeros((V, dx.shape[-1]), dx.dtype)
    dE[tokens] = dx
    return dE


def _everything(d, here):
    return d


class EncodeBackward(Backward):
    """Its numerical gradients take all perturbed weights at once, since there are hundreds."""

    def gradients_of(self, forward, arguments, by=exact_gradients):
        if forward is not self.forward or by is not exact_gradients:
            return super().gradients_of(forward, arguments, by)

        def loss(a):
            h, h_last, c_last = states_of_many(*self.forward_arguments(a))
            last = (a["dh_last"] * h_last + a["dc_last"] * c_last).sum(axis=(-2, -1))
            return (a["dh"] * h).sum(axis=(-3, -2, -1)) + last

        of = [q.name[1:] for q in self.returns]
        return {f"d{n}": g for n, g in gradients_of_many(loss, arguments, of).items()}


def states_of_many(tokens, mask, E, Wx, Wh, b):
    """(h, h_last, c_last) of `encode`; any of the weights may have further axes in front."""
    x = E[..., tokens, :]  # (..., N, T, D)
    h = c = np.zeros((len(tokens), Wh.shape[-2]))
    states = []
    for t in range(tokens.shape[1]):
        here = mask[:, t, None]
        h_new, c_new = lstm_step_of_many(x[..., t, :], h, c, Wx, Wh, b)
        states.append(h_new * here)
        h, c = np.where(here, h_new, h), np.where(here, c_new, c)
    return np.stack(states, axis=-2), h, c


ENCODE_BACKWARD = EncodeBackward(
    name="encode_backward",
    notebook="10",
    points=6,
    reference=seq2seq.encode_backward,
    forward=seq2seq.encode,
    problem=encode_backward_problem,
    upstream=("dh", "dh_last", "dc_last"),
    returns=gradients(dE="VD", dWx="D4H", dWh="H4H", db="4H"),
    sizes="NTDH",
    edges=lambda rng, s: {
        **encode_edges(rng, s, encode_backward_problem),
        "when nothing arrives at h from outside": {
            **(problem := encode_backward_problem(rng, s)),
            "dh": np.zeros_like(problem["dh"]),
        },
        "for large dh and dc_last": problems.large(encode_backward_problem(rng, s)),
    },
    builds_on=("lstm_step_backward", "lstm_backward", "embedding_backward", "encode"),
    mistakes=(
        Mistake(
            "mask ignored",
            encoding_backward(
                outside=lambda dh, t, here: dh[:, t],
                into=_everything,
                back=lambda came, arrived, here: came,
            ),
            "The forward pass stood still where there was no word, so nothing goes through those "
            "steps on the way back.",
        ),
        Mistake(
            "dh_last left out",
            encoding_backward(begin=lambda dh, dc: (np.zeros_like(dh), dc)),
            "The decoder starts from h_last, and sends a gradient back to it.",
        ),
        Mistake(
            "dc_last left out",
            encoding_backward(begin=lambda dh, dc: (dh, np.zeros_like(dc))),
            "The decoder starts from c_last, and sends a gradient back to it.",
        ),
        Mistake(
            "dh_last and dc_last left out",
            encoding_backward(begin=lambda dh, dc: (np.zeros_like(dh), np.zeros_like(dc))),
            "The gradients that arrive at the sentences' ends have to go in too.",
        ),
        Mistake(
            "dh_last and dc_last exchanged",
            encoding_backward(begin=lambda dh, dc: (dc, dh)),
            "dh_last belongs to h, dc_last to the cell.",
        ),
        Mistake(
            "dh left out",
            encoding_backward(outside=lambda dh, t, here: 0),
            "Every h may have been looked at, so a gradient may arrive at each, not only at the "
            "last.",
        ),
        Mistake(
            "dh at padding let in",
            encoding_backward(outside=lambda dh, t, here: dh[:, t]),
            "At padding h is zero whatever the weights are, so the dh that arrives there goes "
            "nowhere.",
        ),
        Mistake(
            "gradient lost in the padding",
            encoding_backward(back=lambda came, arrived, here: came * here),
            "A sentence that was over kept its states through the padding. On the way back their "
            "gradients are kept in the same way, until the sentence's own last word is reached.",
        ),
        Mistake(
            "weights learn from padding",
            encoding_backward(into=_everything),
            "The gradient that waits at a sentence's end must not go into the steps that it waits "
            "through: there the weights did nothing.",
        ),
        Mistake(
            "dh_last at every step",
            encoding_backward(begin=lambda dh, dc: (np.zeros_like(dh), dc), more=1),
            "dh_last arrives once, at the sentence's end.",
        ),
        Mistake(
            "= for += over time",
            encoding_backward(add=False),
            "This is the share of the step that was visited last. The same weights serve every "
            "step, so the shares add up.",
        ),
        Mistake(
            "gradient from the next step's h not added",
            encoding_backward(out=lambda dh, dc: (np.zeros_like(dh), dc)),
            "The h of a step goes into the next one, which sends a gradient back.",
        ),
        Mistake(
            "gradient from the next step's cell not carried",
            encoding_backward(out=lambda dh, dc: (dh, np.zeros_like(dc))),
            "What a step sends back along the cell arrives at the step before it.",
        ),
        Mistake(
            "repeated words overwrite each other",
            encoding_backward(rows=overwritten),
            "A word that occurs twice gets both gradients: assigning to rows, and += on them too, "
            "keep one of them.",
        ),
        Mistake(
            "mean over the batch",
            encoding_backward(finish=lambda *grads: tuple(g / grads[-1] for g in grads[:-1])),
            "The mean belongs to the loss, and has been taken there.",
        ),
        Mistake(
            "dE counted as often as there are sentences",
            encoding_backward(finish=lambda dE, *grads: (dE * grads[-1], *grads[:-1])),
            "Each word's gradient is added to its row once.",
        ),
    ),
)


# seq2seq_loss -----------------------------------------------------------------------------------


def translation_problem(rng, s, *, source=None, target=None, scale=0.5):
    """A batch of pairs and parameters; target tokens have START first, END last."""
    N, T, D, H, V = s["N"], s["T"], s["D"], s["H"], s["F"]
    words, there = padded(rng, N, T, V)
    if source is not None:
        there = np.arange(T) < np.broadcast_to(source, N)[:, None]
    W, longest = V + 2, T + 1
    tokens = problems.tokens(rng, {"V": W - 2}, N, longest) + 2
    ends = lengths_of(rng, N, T) if target is None else np.broadcast_to(target, N)
    tokens[:, 0] = 0
    tokens[np.arange(N), ends] = 1
    width = D + 1  # of a target word's embedding
    params = {
        "E_src": problems.normal(rng, V, D),
        "E_tgt": problems.normal(rng, W, width),
        **dict(zip(ENCODER, problems.cell(rng, s, gates=4).values(), strict=True)),
        **dict(zip(DECODER, problems.cell(rng, {**s, "D": width}, gates=4).values(), strict=True)),
        "Wy": scale * problems.normal(rng, H, W),
        "by": scale * problems.normal(rng, W),
    }
    return {
        "source": (words, there),
        "target": (tokens, np.arange(longest) <= ends[:, None]),
        "params": params,
    }


def translation_edges(rng, s):
    T = s["T"]
    return {
        "when no source is padded": translation_problem(rng, s, source=T),
        "when no target is padded": translation_problem(rng, s, target=T),
        "when every sentence has one word": translation_problem(rng, s, source=1, target=1),
        "when the scores lie far apart": translation_problem(rng, s, scale=5.0),
    }


def _gradients_of_translation(a):
    (words, there), (tokens, mask) = a["source"], a["target"]

    def loss(p):
        _, h, c = states_of_many(words, there, p["E_src"], *(p[name] for name in ENCODER))
        x, total = p["E_tgt"][..., tokens, :], 0
        for t in range(tokens.shape[1] - 1):
            h, c = lstm_step_of_many(x[..., t, :], h, c, *(p[name] for name in DECODER))
            log_p = log_softmax(h @ p["Wy"] + p["by"][..., None, :])  # (..., N, V)
            said = log_p[..., np.arange(len(words)), tokens[:, t + 1]]
            total = total - (said * mask[:, t + 1]).sum(axis=-1)
        return total / len(words)

    found = gradients_of_many(loss, a["params"], PARAMETERS)
    return {f"grads[{name!r}]": gradient for name, gradient in found.items()}


def translation(
    words=lambda words, there: (words, there),
    hand=lambda h, c: (h, c),
    back=lambda dh, dc: (dh, dc),
    teach=lambda tokens, mask: (tokens[:, :-1], tokens[:, 1:], mask[:, 1:]),
    over=lambda mask: 1,
    grads_over=None,
    rows=embedding_backward,
):
    """A wrong `seq2seq_loss`, by what is wrong with it.

    Args:
        words: the source's tokens and mask -> those that are read.
        hand: the encoder's last h and c -> the decoder's first.
        back: gradients of those -> what the encoder gets of them.
        teach: target's tokens and mask -> read, asked for, counted.
        over: counted mask -> what loss and gradients are divided by besides.
        grads_over: the same for the gradients, if it differs.
        rows: the embeddings' backward pass.
    """

    def wrong(source, target, params):
        weights = [[params[name] for name in names] for names in (ENCODER, DECODER)]
        read_words, there = words(*source)
        states, h, c, encoder = seq2seq.encode(read_words, there, params["E_src"], *weights[0])
        read, asked, counted = teach(*target)
        h, _, decoder = lstm_forward(params["E_tgt"][read], *hand(h, c), *weights[1])
        scores = readout(h, params["Wy"], params["by"])
        loss, dscores = temporal_softmax_loss(scores, asked, counted)
        dh, dWy, dby = readout_backward(dscores, h, params["Wy"])
        dx, dh0, dc0, *decoder = lstm_backward(dh, np.zeros_like(c), decoder)
        dx_src, *encoder = _words_and_weights(states, *back(dh0, dc0), encoder, rows)
        grads = [dx_src, rows(dx, (read, len(params["E_tgt"]))), *encoder, *decoder, dWy, dby]
        by = (grads_over or over)(counted)
        return loss / over(counted), {
            name: grad / by for name, grad in zip(PARAMETERS, grads, strict=True)
        }

    return wrong


def _words_and_weights(states, dh, dc, cache, rows):
    return encoding_backward(rows=rows)(np.zeros_like(states), dh, dc, cache)


def _zeros(*arrays):
    return tuple(np.zeros_like(a) for a in arrays)


SEQ2SEQ_LOSS = exercise(
    name="seq2seq_loss",
    points=6,
    reference=seq2seq.seq2seq_loss,
    keys=(seq2seq.attention_seq2seq_loss,),
    problem=translation_problem,
    returns=(
        *values(loss=""),
        Quantity("grads", "VD VD D4H H4H 4H D4H H4H 4H HV V", "gradient", PARAMETERS),
    ),
    measured=_gradients_of_translation,
    sizes="NTDH",
    may_widen=True,
    edges=translation_edges,
    builds_on=(
        *("encode", "encode_backward", "temporal_softmax_loss", "lstm_forward", "lstm_backward"),
        *("lstm_step_forward", "lstm_step_backward", "embedding_backward", "softmax_loss"),
    ),
    mistakes=(
        Mistake(
            "target mask ignored",
            translation(teach=lambda t, mask: (t[:, :-1], t[:, 1:], np.ones_like(mask[:, 1:]))),
            "Where a target is padding there is nothing to be asked for.",
        ),
        Mistake(
            "target mask not shifted",
            translation(teach=lambda t, mask: (t[:, :-1], t[:, 1:], mask[:, :-1])),
            "A step counts if the word that is asked for is there, not the one that is read: this "
            "counts a step too many, the one after END.",
        ),
        Mistake(
            "END not asked for",
            translation(
                teach=lambda t, mask: (t[:, :-1], t[:, 1:], mask[:, 1:] & (_one_off(mask[:, 1:])))
            ),
            "END is a word like any other: a network that never learns to say it never stops.",
        ),
        Mistake(
            "source mask ignored",
            translation(words=lambda words, there: (words, np.ones_like(there))),
            "The source has a mask too: the encoder must stop at each sentence's own end.",
        ),
        Mistake(
            "source read backwards",
            translation(
                words=lambda words, there: (
                    np.array(
                        [
                            [*row[:n][::-1], *row[n:]]
                            for row, n in zip(words, there.sum(axis=1), strict=True)
                        ]
                    ),
                    there,
                )
            ),
            "Whether to turn the source around is for whoever prepares the pairs.",
        ),
        Mistake(
            "asked for the word that it reads",
            translation(teach=lambda t, mask: (t[:, :-1], t[:, :-1], mask[:, :-1])),
            "The decoder reads a word and is asked for the next one.",
        ),
        Mistake(
            "reads the word that it is asked for",
            translation(teach=lambda t, mask: (t[:, 1:], t[:, 1:], mask[:, 1:])),
            "The answer was there to be read: the decoder reads the word before it, START first.",
        ),
        Mistake(
            "START asked for too",
            translation(teach=lambda t, mask: (t, t, mask)),
            "START is what the first step reads, and nobody asks for it. Read all but the last, "
            "ask for all but the first.",
        ),
        Mistake(
            "decoder starts from zeros",
            translation(hand=_zeros, back=_zeros),
            "All that the decoder knows of the source are the two states it starts in.",
        ),
        Mistake(
            "cell not handed over",
            translation(
                hand=lambda h, c: (h, np.zeros_like(c)), back=lambda h, c: (h, np.zeros_like(c))
            ),
            "The decoder starts in both of the encoder's last states, h and c.",
        ),
        Mistake(
            "h not handed over",
            translation(
                hand=lambda h, c: (np.zeros_like(h), c), back=lambda h, c: (np.zeros_like(h), c)
            ),
            "The decoder starts in both of the encoder's last states, h and c.",
        ),
        Mistake(
            "h and c exchanged on the way",
            translation(hand=lambda h, c: (c, h), back=lambda dh, dc: (dc, dh)),
            "The decoder's first h is the encoder's last h, and its first cell the last cell.",
        ),
        Mistake(
            "encoder learns nothing",
            translation(back=_zeros),
            "The decoder's backward pass ends with the gradients of the states it started in; they "
            "are where the encoder's begins.",
        ),
        Mistake(
            "gradient of the cell not handed back",
            translation(back=lambda dh, dc: (dh, np.zeros_like(dc))),
            "Two states were handed over, and a gradient comes back for each.",
        ),
        Mistake(
            "gradient of h not handed back",
            translation(back=lambda dh, dc: (np.zeros_like(dh), dc)),
            "Two states were handed over, and a gradient comes back for each.",
        ),
        Mistake(
            "repeated words overwrite each other",
            translation(rows=overwritten),
            "A word that occurs twice gets both gradients.",
        ),
        Mistake(
            "divided by the number of words",
            translation(over=lambda mask: mask.sum() / len(mask)),
            "The batch is averaged and the words of a sentence are summed.",
        ),
        Mistake(
            "mean over time as well as over the batch",
            translation(over=lambda mask: mask.shape[1]),
            "The batch is averaged and the words of a sentence are summed.",
        ),
        Mistake(
            "sum over the batch",
            translation(over=lambda mask: 1 / len(mask)),
            "The batch is averaged: divide by N.",
        ),
        Mistake(
            "gradients not divided by N",
            translation(grads_over=lambda mask: 1 / len(mask)),
            "The loss is a mean over the batch, and its gradients carry the same factor.",
        ),
        Mistake(
            "gradients divided by N twice",
            translation(grads_over=len),
            "The 1/N of the loss comes in once, with the gradient of the scores.",
        ),
    ),
)


# masked_softmax ---------------------------------------------------------------------------------


def places_problem(rng, s, *, scale=2.0, lengths=None):
    N, L = s["N"], s["L"]
    lengths = lengths_of(rng, N, L) if lengths is None else np.broadcast_to(lengths, N)
    if N > 1 and L > 2 and (lengths == 1).all():
        lengths = np.full(N, 2)
    return {
        "scores": scale * problems.normal(rng, N, L),
        "mask": np.arange(L) < np.maximum(lengths, min(2, L))[:, None],
    }


def places_edges(rng, s):
    problem = places_problem(rng, s)
    far_up = np.where(problem["mask"], problem["scores"], problem["scores"] + 1000)
    gaps = {**problem, "mask": problem["mask"][:, ::-1].copy()}
    return {
        "for scores around 1000": {**problem, "scores": problem["scores"] + 1000},
        "for scores around -1000": {**problem, "scores": problem["scores"] - 1000},
        "when the padding has by far the largest scores": {**problem, "scores": far_up},
        "when nothing is padding": places_problem(rng, s, lengths=s["L"]),
        "when the padding comes first": gaps,
        "when only one place is there": {
            **problem,
            "mask": np.arange(s["L"]) == np.zeros((s["N"], 1)),
        },
    }


def _afterwards(scores, mask):
    return softmax(scores) * mask


def _renormalised(shift=lambda scores, mask: scores.max(axis=1, keepdims=True)):
    def wrong(scores, mask):
        e = np.exp(scores - shift(scores, mask)) * mask
        return e / e.sum(axis=1, keepdims=True)

    return wrong


def _at(limit):
    return lambda scores, mask: softmax(np.where(mask, scores, scores.dtype.type(limit)))


MASKED_SOFTMAX = exercise(
    name="masked_softmax",
    points=2,
    reference=masked_softmax,
    problem=places_problem,
    returns=values(weights="NL"),
    sizes="NL",
    edges=places_edges,
    mistakes=(
        Mistake(
            "mask ignored",
            lambda scores, mask: softmax(scores),
            "A place that is padding has a weight of 0.",
        ),
        Mistake(
            "mask applied afterwards",
            _afterwards,
            "The padding had taken its share of the softmax already: what is left no longer sums "
            "to 1.",
        ),
        Mistake(
            "padding with a score of 0",
            lambda scores, mask: softmax(scores * mask),
            "A score of 0 is a score like any other: e to the power of 0 is 1, not 0.",
        ),
        Mistake(
            "mask upside down",
            lambda scores, mask: softmax(np.where(mask, -np.inf, scores)),
            "The mask is True where a word is.",
        ),
        Mistake(
            "mask added to the scores",
            lambda scores, mask: softmax(scores + mask),
            "Adding 1 to some scores favours them; it does not shut the others out.",
        ),
        Mistake(
            "shifted by a score of the padding",
            _renormalised(),
            "The largest score was taken among all places. If it belongs to the padding and lies "
            "far above the others, every exp that counts is 0. Mask first, then shift.",
        ),
        Mistake(
            "exp overflows",
            _renormalised(lambda scores, mask: 0),
            "Take the largest score off before exp.",
        ),
        *(
            Mistake(
                f"padding at {limit}",
                _at(limit),
                "That is low enough for small scores only. What lies below every score?",
            )
            for limit in (-10, -100, -1000)
        ),
        Mistake(
            "softmax over the batch",
            lambda scores, mask: (
                masked_softmax(scores.T.copy(), mask.T | ~mask.T.any(1)[:, None]).T * mask
            ),
            "Every row is a distribution over its places.",
        ),
        Mistake(
            "equal weights",
            lambda scores, mask: mask / mask.sum(axis=1, keepdims=True) + 0 * scores,
            "The places that are there share the weight by their scores.",
        ),
    ),
)


# translate --------------------------------------------------------------------------------------


def write(
    source,
    params,
    start,
    end,
    max_length,
    *,
    there=lambda there: there,
    hand=lambda h, c: (h, c),
    feed=True,
    carry=lambda new, old: new,
    pick=np.argmax,
    extra=0,
    first=None,
    stop="own",
    give=lambda words, start, ended, end: words,
):
    """`translate`, right or with a slip.

    Args:
        there: the source's mask -> the one that the encoder gets.
        hand: the encoder's last states -> the decoder's first.
        feed: whether a step reads the word that was said before it.
        carry: (h, c) after a step and before it -> those that the next one starts from.
        pick: which of the scores is said.
        extra: how many steps more than max_length.
        first: read in place of START.
        stop: whether each sentence stops at its "own" END, all at the "first" or at the "last" one,
            "never", or END is left out and the sentence goes "on".
        give: words, START, whether END came, END -> what is returned.
    """
    words, mask = source
    weights = [[params[name] for name in names] for names in (ENCODER, DECODER)]
    _, h, c, _ = seq2seq.encode(words, there(mask), params["E_src"], *weights[0])
    h, c = hand(h, c)
    token, said = np.full(len(words), start if first is None else first), []
    for _ in range(max(0, max_length + extra)):
        *new, _ = lstm_step_forward(params["E_tgt"][token], h, c, *weights[1])
        scores = new[0] @ params["Wy"] + params["by"]
        h, c = carry(new, (h, c))
        said.append([int(pick(row)) for row in scores])
        token = np.array(said[-1]) if feed else token
    rows = np.reshape(said, (-1, len(words))).T.astype(int).tolist()
    ends = [row.index(end) if end in row else len(row) for row in rows]
    if stop == "first":
        ends = [min(ends)] * len(rows)
    if stop == "last":
        ends = [max(ends)] * len(rows)
    if stop == "never":
        ends = [len(row) for row in rows]
    if stop == "on":
        return [[t for t in row if t != end] for row in rows]
    return [give(row[:n], start, n < len(row), end) for row, n in zip(rows, ends, strict=True)]


def _second_best(row):
    return np.argsort(row)[-2]


TRANSLATE_SLIPS = (
    (
        "END among the words",
        partial(write, give=lambda words, start, ended, end: words + [end] * ended),
        "END says that a sentence is over; it is not a word of it.",
    ),
    (
        "START among the words",
        partial(write, give=lambda words, start, ended, end: [start, *words]),
        "START is what the first step reads; it is not a word of the translation.",
    ),
    (
        "never stops",
        partial(write, stop="never"),
        "A sentence stops at its END, and END is not a word of it.",
    ),
    (
        "goes on after END",
        partial(write, stop="on"),
        "What comes after END does not belong to the sentence; leaving END itself out is not "
        "enough.",
    ),
    (
        "all stop when the first one stops",
        partial(write, stop="first"),
        "Every sentence of the batch stops at an END of its own.",
    ),
    (
        "all stop when the last one stops",
        partial(write, stop="last"),
        "Every sentence of the batch stops at an END of its own; what it says while others still "
        "go on does not belong to it.",
    ),
    (
        "START read at every step",
        partial(write, feed=False),
        "Each step reads the word that the step before it has said.",
    ),
    (
        "decoder starts from zeros",
        partial(write, hand=_zeros),
        "The decoder starts in the states in which the encoder ends.",
    ),
    (
        "cell not handed over",
        partial(write, hand=lambda h, c: (h, np.zeros_like(c))),
        "The decoder starts in both of the encoder's last states, h and c.",
    ),
    (
        "h not handed over",
        partial(write, hand=lambda h, c: (np.zeros_like(h), c)),
        "The decoder starts in both of the encoder's last states, h and c.",
    ),
    (
        "h and c exchanged on the way",
        partial(write, hand=lambda h, c: (c, h)),
        "The decoder's first h is the encoder's last h, and its first cell the last cell.",
    ),
    (
        "source mask ignored",
        partial(write, there=np.ones_like),
        "The encoder must stop at each source sentence's own end.",
    ),
    (
        "first sentence's states for all",
        partial(write, hand=lambda h, c: (h[:1] + 0 * h, c[:1] + 0 * c)),
        "Each sentence has states of its own.",
    ),
    (
        "decoder's state not carried on",
        partial(write, carry=lambda new, old: old),
        "A step starts in the states in which the step before it ended.",
    ),
    (
        "decoder's cell not carried on",
        partial(write, carry=lambda new, old: (new[0], old[1])),
        "Of a step both states go on, h and c.",
    ),
    (
        "decoder's h not carried on",
        partial(write, carry=lambda new, old: (old[0], new[1])),
        "Of a step both states go on, h and c.",
    ),
    (
        "END read first",
        lambda source, params, start, end, max_length: write(
            source, params, start, end, max_length, first=end
        ),
        "The first step reads START.",
    ),
    (
        "second best word",
        partial(write, pick=_second_best),
        "At every step the word with the largest score is said.",
    ),
    (
        "least likely word",
        partial(write, pick=np.argmin),
        "At every step the word with the largest score is said.",
    ),
    (
        "one step too few",
        partial(write, extra=-1),
        "A sentence may have as many as max_length words.",
    ),
    (
        "one step too many",
        partial(write, extra=1),
        "A sentence that has max_length words is not continued.",
    ),
)
_AT_A_CUT = ("one step too few", "one step too many")


def polyglot(rng, s, N=None, *, lengths=None, ends=0.0):
    """A translator whose sentences depend on all that it is made of."""
    N, T, D, H, V, W = N or s["N"], s["T"], 3, 5, 6, 7
    words, there = padded(rng, N, T, V)
    if lengths is not None:
        there = np.arange(T) < np.broadcast_to(lengths, N)[:, None]
    start, end = (int(t) for t in rng.permutation(W)[:2])
    params = {
        "E_src": 1.5 * problems.normal(rng, V, D),
        "E_tgt": 1.5 * problems.normal(rng, W, D + 1),
        **dict(zip(ENCODER, _cell(rng, D, H), strict=True)),
        **dict(zip(DECODER, _cell(rng, D + 1, H), strict=True)),
        "Wy": 2 * problems.normal(rng, H, W),
        "by": 0.5 * problems.normal(rng, W),
    }
    params["by"][start] -= 4
    params["by"][end] += ends
    return {"source": (words, there), "params": params, "start": start, "end": end}


def _cell(rng, D, H):
    return [2 * w for w in problems.cell(rng, {"D": D, "H": H}, gates=4).values()]


def translate_problem(rng, s, *, N=None, length=None, told=(), **kind):
    """Sentences of different lengths that END concludes, told apart from what slips would say.

    Args:
        N: how many, 3 if left out.
        length: the sentences' lengths -> max_length; one more than the longest if left out.
        told: names of slips that must say something else; those that need no cut if left out.
    """
    told = told or [name for name, *_ in TRANSLATE_SLIPS if name not in _AT_A_CUT]
    slips = [slip for name, slip, _ in TRANSLATE_SLIPS if name in told]
    while True:
        problem = polyglot(rng, {**s, "T": 4}, N or 3, **kind)
        right = write(**problem, max_length=9)
        sizes = sorted(len(row) for row in right)
        if sizes[-1] > 7 or sizes[0] < 1 or (len(right) > 1 and len(set(sizes)) < 2):
            continue
        problem["max_length"] = length(sizes) if length else sizes[-1] + 2
        right = write(**problem)
        if all(slip(**problem) != right for slip in slips):
            return problem


def translate_edges(rng, s):
    some = ("END among the words", "never stops", "goes on after END")
    alone = ("END among the words", "decoder's state not carried on", "START read at every step")
    return {
        "on another problem": translate_problem(rng, s),
        "when max_length cuts a sentence": translate_problem(
            rng, s, length=lambda sizes: sizes[-1] - 1, told=("one step too many",)
        ),
        "when max_length is the longest one's length": translate_problem(
            rng, s, length=lambda sizes: sizes[-1], told=("one step too few",)
        ),
        "when max_length is 1": translate_problem(
            rng, s, length=lambda sizes: 1, told=("one step too few",)
        ),
        "when max_length is 0": {**translate_problem(rng, s, told=some), "max_length": 0},
        "for a single sentence": translate_problem(rng, s, N=1, told=alone),
        "when no source is padded": translate_problem(rng, s, told=some, lengths=4),
    }


@cache
def _telling():
    rng = np.random.default_rng(10)
    return [translate_problem(rng, {"N": 3, "T": 4}) for _ in range(2)] + [
        problem
        for problem in translate_edges(rng, {"N": 3, "T": 4}).values()
        if problem["max_length"] > 0
    ]


def judge_translation(answer, a, call):
    """Whether every sentence is the right one, and which slip explains it if not."""
    wanted = write(**a)
    form = _form(answer, len(wanted))
    if form:
        return Finding("type", form, "translations")
    got = _as_lists(answer)
    if got == wanted:
        return None
    n = next(n for n, (g, w) in enumerate(zip(got, wanted, strict=True)) if g != w)
    settings = ", ".join(f"{name} {a[name]}" for name in ("start", "end", "max_length"))
    text = (
        f"The translations are not right. With {settings}: expected {wanted[n]} for sentence {n}, "
        f"got {got[n]}."
    )
    name, says = fitting_slip(TRANSLATE_SLIPS, got, a, _telling, lambda p: _as_lists(call(p)))
    return Finding("values", f"{text} {says}".strip(), "translations", name)


def _form(answer, N):
    """What is wrong with the form of an answer, or None."""
    if not isinstance(answer, list | tuple):
        return f"translations: expected a list of lists, got {describe(answer)}."
    if len(answer) != N:
        return f"translations: expected {N} lists, one a source sentence, got {len(answer)}."
    for row in answer:
        if not isinstance(row, list | tuple) and getattr(row, "ndim", None) != 1:
            return f"translations: expected a list of token ids a sentence, got {describe(row)}."
        odd = [t for t in row if not isinstance(t, int | np.integer) or isinstance(t, bool)]
        if odd:
            return (
                f"translations: expected integers, got {describe(odd[0])} in a sentence; "
                "int(...) makes one."
            )
    return None


def _as_lists(answer):
    return [[int(t) for t in row] for row in answer]


TRANSLATE = exercise(
    name="translate",
    points=4,
    reference=seq2seq.translate,
    keys=(seq2seq.translate_with_looks,),
    problem=translate_problem,
    judge=judge_translation,
    floats=False,
    strided=False,
    edges=translate_edges,
    builds_on=("encode", "lstm_step_forward"),
)

EXERCISES = (PAD_BATCH, ENCODE, ENCODE_BACKWARD, SEQ2SEQ_LOSS, MASKED_SOFTMAX, TRANSLATE)
