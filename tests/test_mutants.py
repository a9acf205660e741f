"""Every solution of the course, mutated mechanically: its check refuses the mutants.

A mutant that passes either computes the same, or is right as well: those are listed here, with the
reason. Any other survivor is a hole in a check.
"""

import os
import signal
from collections import Counter

import nbformat
import pytest
from mutants import mutants

from autograde import CheckFailed, check
from autograde.exercises import EXERCISES
from autograde.release import ROOT, sources
from autograde.sample_class import exercises_of, solution_cells

SECONDS = 20  # of CPU time for one mutant; it may well run for ever

SHAPE = "only its shape or dtype is asked"
AXIS = "the same axis, counted from the other end"
NUMBER = "a NumPy number does for a Python one"
LIST = "a list does for an array"
WIDER = "one-hot vectors are float64 by contract, and results may be"
WEIGHTS = "these weights follow the menu rule too"
SAME = "computes the same"
ANOTHER = "another right answer: the exercise leaves the choice"

WIDE_TEXT = "one_hot(tokens[None], len(Wx)).astype(Wx.dtype) → one_hot(tokens[None], len(Wx))"

# By exercise, each survivor and why it is right.
RIGHT = {
    "rnn_unroll": [("x → x * 0", SHAPE)],
    "delivery_weights": [
        *((f"{n} * one_on → one_on", WEIGHTS) for n in (4, 2)),
        *((f"4 → {n}", WEIGHTS) for n in (8, 3, 5)),
        *((f"2 → {n}", WEIGHTS) for n in (1, 3, 4)),
        (
            "(Wx, Wh, np.zeros(3), Wy, np.zeros(3)) → (Wh, Wx, np.zeros(3), Wy, np.zeros(3))",
            WEIGHTS,
        ),
        *[("1.0 → 2.0", WEIGHTS), ("0.0 → -1.0", WEIGHTS)] * 3,
    ],
    "softmax_loss": [("scores → scores * 0", SHAPE)],
    "char_rnn_loss": [
        (
            "one_hot(inputs, len(params['Wx'])).astype(params['Wx'].dtype) → "
            "one_hot(inputs, len(params['Wx']))",
            WIDER,
        )
    ],
    "sample": [
        ("np.array([token]) → [token]", SAME),
        ("0 → -1", "there is one row"),
        ("int(scores.argmax()) → scores.argmax()", NUMBER),
        (
            "int(rng.choice(V, p=softmax(scores / temperature))) → "
            "rng.choice(V, p=softmax(scores / temperature))",
            NUMBER,
        ),
    ],
    "numerical_gradient": [
        ("1e-05 → 2e-05", "a default as good as the other"),
        ("1e-05 → -1e-05", SAME),
        *[("x → x * 0", SHAPE)] * 3,
    ],
    "rnn_forward": [("x → x * 0", SHAPE)],
    "rnn_backward": [("dh → dh * 0", SHAPE)],
    "embedding_backward": [
        ("np.zeros((V, dout.shape[-1]), dtype=dout.dtype) → np.zeros((V, dout.shape[-1]))", WIDER),
        *[("dout → dout * 0", SHAPE)] * 2,
    ],
    "truncated_chunks": [
        ("min(start + length, T) → min(T, start + length)", SAME),
        ("1 → -1", AXIS),
        ("tokens → tokens * 0", SHAPE),
    ],
    "tbptt_gradients": [
        ("one_hot(inputs, V).astype(Wx.dtype) → one_hot(inputs, V)", WIDER),
        ("(0, 1) → (1, 0)", SAME),
        *[("1 → 2", "the last of three axes, whichever is flattened before it")] * 2,
    ],
    "gradient_norms": [("np.array(norms) → norms", LIST), ("dh → dh * 0", SHAPE)],
    "scalar_gradient": [("float(np.prod(factors)) → np.prod(factors)", NUMBER)],
    "spectral_radius": [
        ("float(np.max(np.abs(eigenvalues))) → np.max(np.abs(eigenvalues))", NUMBER)
    ],
    "largest_singular_value": [("float(values.max()) → values.max()", NUMBER)],
    "growth_bounds": [
        ("float(values.min()) → values.min()", NUMBER),
        ("float(values.max()) → values.max()", NUMBER),
    ],
    "orthogonal": [
        ("Q * np.sign(np.diag(R)) → Q / np.sign(np.diag(R))", SAME),
        ("Q * np.sign(np.diag(R)) → Q", ANOTHER),
    ],
    "tanh_gradient_norms": [("np.array(norms) → norms", LIST), ("x → x * 0", SHAPE)],
    "global_norm": [
        (
            "if not np.isfinite(squares):\n    raise ValueError(f'the gradient of {name} is not "
            "finite: the run has diverged') → if False:\n    raise ValueError(f'the gradient of "
            "{name} is not finite: the run has diverged')",
            "the error may be left to clip_by_norm",
        ),
        ("float(np.sum(grad ** 2)) → np.sum(grad ** 2)", NUMBER),
    ],
    "clip_by_norm": [("norm > max_norm → norm >= max_norm", "the factor is 1 there")],
    "clip_by_value": [
        ("np.clip(grad, -limit, limit, out=grad) → np.clip(-limit, grad, limit, out=grad)", SAME)
    ],
    "lstm_step_forward": [("1 → -1", AXIS)],
    "lstm_step_backward": [("1 → -1", AXIS)],
    "lstm_forward": [("x → x * 0", SHAPE)],
    "lstm_backward": [("dh → dh * 0", SHAPE)],
    "cell_gradient": [("f → f * 0", SHAPE)] * 2,
    "init_lstm": [
        ("np.sqrt(D) → D", ANOTHER),
        ("np.sqrt(H) → H", ANOTHER),
        ("D → H", ANOTHER),
        ("2 → -2", "the second quarter of four ends two quarters before the end"),
    ],
    "gru_step_forward": [("1 → -1", AXIS), ("h_prev → h_prev * 0", SHAPE)],
    "gru_step_backward": [("1 → -1", AXIS)] * 4,
    "gru_forward": [("x → x * 0", SHAPE)],
    "gru_backward": [("dh → dh * 0", SHAPE)],
    "temporal_softmax_loss": [
        ("scores → scores * 0", SHAPE),
        (
            "np.take_along_axis(log_p, targets[:, :, None], axis=2) → "
            "np.take_along_axis(log_p, targets[:, :, None])",
            SAME,
        ),
        ("0 → -1", "there is one column"),
    ],
    "attention_forward": [("1 → -1", AXIS), ("h → h * 0", SHAPE)],
    "attention_backward": [("1 → -1", AXIS)] * 2,
    "attention_lstm_step_forward": [("1 → -1", AXIS), ("x → x * 0", SHAPE)],
    "greedy_caption": [("int(np.argmax(scores)) → np.argmax(scores)", NUMBER)],
    "beam_caption": [("0.0 → 1.0", "all candidates alike"), ("0.0 → -1.0", "all candidates alike")],
    "perplexity": [("float(np.exp(loss_per_token)) → np.exp(loss_per_token)", NUMBER)],
    "stacked_lstm_forward": [("x → x * 0", SHAPE)] * 2,
    "stacked_lstm_backward": [
        ("dh → dh * 0", SHAPE),
        ("0 → -1", "any step has the shape that is asked"),
    ],
    "dropout_mask": [
        ("rng.random(shape) >= rate → rng.random(shape) > rate", "no number drawn is the rate"),
    ],
    "tied_softmax_loss": [
        *[("E → E * 0", SHAPE)] * 2,
        ("E → by", "both have V rows"),
        ("1 → -1", AXIS),
        *[("1 → 2", "reshape takes any negative number for the size that it has to find")] * 2,
    ],
    "pad_batch": [
        ("zip(tokens, sequences, strict=True) → zip(tokens, sequences)", "there is a row for each"),
        ("True → False", "there is a row for each"),
    ],
    "encode": [
        ("1 → -1", AXIS),
        ("(:, t, None) → (:, None, t)", SAME),
        *[("tokens → mask", SHAPE), ("tokens → tokens * 0", SHAPE)] * 2,
        *[("Wh → Wh * 0", SHAPE)] * 2,
        *((f"Wh → {other}", SHAPE) for other in ("Wx", "b")),
        ("E → E * 0", SHAPE),
    ],
    "encode_backward": [
        ("(:, t, None) → (:, None, t)", SAME),
        ("zip(*dweights, strict=True) → zip(*dweights)", "every step has three"),
        ("True → False", "every step has three"),
    ],
    "seq2seq_loss": [
        ("(0, 1) → (1, 0)", SAME),
        *[("1 → 2", "any negative size stands for the rest")] * 2,
    ],
    "translate": [("1 → -1", AXIS), ("int(token[n]) → token[n]", NUMBER)],
    "record_states": [
        ("1 → -1", AXIS),
        ("0 → -1", "there is one sequence"),
        (WIDE_TEXT, WIDER),
    ],
    "features": [
        ("bool(quote) → quote", "np.array(..., bool) makes the same of it"),
        (
            "max(depth + (c in '([{') - (c in ')]}'), 0) → "
            "max(0, depth + (c in '([{') - (c in ')]}'))",
            SAME,
        ),
    ],
    "auc": [
        (
            "np.searchsorted(elsewhere, there, side='left') → np.searchsorted(elsewhere, there)",
            "left is what it does if not told",
        ),
        ("np.sort(values[inside]) → values[inside]", "sorting them saves time only"),
    ],
    "best_unit": [
        ("np.maximum(areas, 1 - areas) → np.maximum(1 - areas, areas)", SAME),
        ("int(both_ways.argmax()) → both_ways.argmax()", NUMBER),
        ("float(both_ways[unit]) → both_ways[unit]", NUMBER),
    ],
    "connectivity": [
        ("1 → -1", AXIS),
        *[("0 → -1", "there is one sequence")] * 3,
        (WIDE_TEXT, WIDER),
    ],
    "read_rows": [("1 → 2", "any negative size stands for the rest")],
    "bernoulli_loss": [
        *[("canvas → canvas * 0", SHAPE), ("canvas → images", SHAPE)] * 2,
        ("np.logaddexp(0, canvas) → np.logaddexp(canvas, 0)", SAME),
    ],
    "latent_forward": [("1 → -1", AXIS)],
    "draw_step_forward": [("1 → -1", AXIS)] * 2,
    "draw_step_backward": [("1 → -1", AXIS)] * 2,
    "draw_loss": [
        *[("images → images * 0", SHAPE)] * 2,
        *(
            (f"('h_enc', 'c_enc', 'h_dec', 'c_dec') → {other}", "a dict's names in another order")
            for other in (
                ("c_enc", "h_enc", "h_dec", "c_dec"),
                ("h_enc", "c_enc", "c_dec", "h_dec"),
                ("h_enc", "h_dec", "c_enc", "c_dec"),
            )
        ),
    ],
}


@pytest.fixture(scope="module")
def notebook(request):
    """A notebook's solutions by exercise, and a name space in which all of them have run."""
    path = request.param
    cells = solution_cells(path)
    imports = next(c for c in nbformat.read(path, as_version=4).cells if c.id == "imports")
    scope = {}
    for text in (imports.source, *cells.values()):
        exec(text, scope)
    return cells, scope


class TooLong(BaseException):
    """No Exception, so that a mutant cannot catch it."""


@pytest.fixture
def clock():
    """A function that starts the time of one mutant."""

    def ring(*_):
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, ring)
    yield lambda: signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


# Of the mutants that are to be refused, those that are tried: all of them take eight minutes.
EVERY = int(os.environ.get("RNN_EVERY_MUTANT", 2))
CASES = [
    pytest.param(path, name, id=name)
    for path in sources(ROOT)
    for name in exercises_of(path.stem)
    if name != "task_shapes"  # a table of answers: nothing is computed
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("notebook", "name"), CASES, indirect=["notebook"])
def test_every_mutant_is_refused_but_those_that_are_right(notebook, name, clock):
    cells, scope = notebook
    survivors, right = [], {said for said, _ in RIGHT.get(name, [])}
    for k, (said, code) in enumerate(mutants(cells[name])):
        if k % EVERY and said not in right:
            continue
        clock()
        if passes(name, code, scope):
            survivors.append(said)
    exec(cells[name], scope)
    assert Counter(survivors) == Counter(said for said, _ in RIGHT.get(name, []))


def passes(name, code, scope):
    """Whether a mutant passes its check and, where it makes a cache, that of its backward pass."""
    exercise = EXERCISES[name]
    forward = exercise.takes_forward and scope[exercise.forward.__name__]
    users = [b for b in EXERCISES.values() if b.takes_forward and b.forward is exercise.reference]
    try:
        exec(code, scope)
        check(scope[name], forward=forward or None)
        for backward in users:
            check(scope[backward.name], forward=scope[name])
    except (CheckFailed, TooLong):
        return False
    return True


def test_the_list_of_right_mutants_names_exercises_only():
    assert RIGHT.keys() <= EXERCISES.keys()
