"""Wrong answers to notebook 01."""

import numpy as np
from answers import Slips

from helpers import rnn_step
from helpers.data.tasks import SHAPES, STEPS, TASKS

slip = Slips()


# one_hot ------------------------------------------------------------------------------------------


@slip("one_hot", "one_hot", "rows as wide as the largest index needs")
def depth_from_the_data(indices, depth):
    out = np.zeros((*indices.shape, indices.max(initial=0) + 1))
    np.put_along_axis(out, indices[..., None], 1.0, axis=-1)
    return out


@slip("one_hot", "one_hot", "int64 in place of float64")
def of_integers(indices, depth):
    return (indices[..., None] == np.arange(depth)).astype(int)


@slip("one_hot", "one_hot", "bool in place of float64")
def of_truth_values(indices, depth):
    return indices[..., None] == np.arange(depth)


@slip("one_hot", "one_hot", "float32 in place of float64")
def in_single_precision(indices, depth):
    return np.eye(depth, dtype=np.float32)[indices]


@slip("one_hot", None)
def for_two_axes_only(indices, depth):
    N, T = indices.shape
    out = np.zeros((N, T, depth))
    for n in range(N):
        for t in range(T):
            out[n, t, indices[n, t]] = 1
    return out


@slip("one_hot", None)
def index_minus_one_shape_tuple_added_wrongly(indices, depth):
    return np.zeros(indices.shape + depth)


@slip("one_hot", "one_hot", "the 1 is one place too far")
def counted_from_one(indices, depth):
    return np.eye(depth)[(indices + 1) % depth]


@slip("one_hot", "one_hot", "the 1 is one place too early")
def indices_taken_to_count_from_one(indices, depth):
    return np.eye(depth)[indices - 1]


@slip("one_hot", "one_hot", "the new axis comes first")
def classes_first(indices, depth):
    return np.stack([(indices == k).astype(float) for k in range(depth)])


@slip("one_hot", "one_hot", "rows one entry too long")
def a_place_for_unknown(indices, depth):
    return np.eye(depth + 1)[indices]


@slip("one_hot", "one_hot", "the index in place of 1")
def index_written_into_the_row(indices, depth):
    out = np.zeros((*indices.shape, depth))
    np.put_along_axis(out, indices[..., None], indices[..., None], axis=-1)
    return out


@slip("one_hot", "one_hot", "every row has the ones of all rows")
def one_assignment_for_all_rows(indices, depth):
    out = np.zeros(indices.shape + (depth,))
    out[..., indices] = 1
    return out


@slip("one_hot", "one_hot", "indices used along the first axis")
def one_assignment_along_the_batch(indices, depth):
    out = np.zeros(indices.shape + (depth,))
    out[indices] = 1
    return out


@slip("one_hot", "one_hot", "indices flattened")
def rows_in_one_matrix(indices, depth):
    flat = indices.flatten()
    out = np.zeros((flat.size, depth))
    out[np.arange(flat.size), flat] = 1
    return out


@slip("one_hot", "one_hot", "axes of the indices exchanged")
def time_first(indices, depth):
    return np.eye(depth)[indices.T]


@slip("one_hot", "one_hot", "zeros and ones exchanged")
def cold_in_place_of_hot(indices, depth):
    return (indices[..., None] != np.arange(depth)).astype(float)


@slip("one_hot", "one_hot")
def list_of_lists(indices, depth):
    return np.eye(depth)[indices].tolist()


@slip("one_hot", "indices", "argument changed in place")
def out_of_range_indices_repaired_in_place(indices, depth):
    indices %= depth
    out = np.eye(depth)[indices]
    indices += 1
    return out


MADE, SEEN = {}, []


@slip("one_hot", None, "one buffer for all calls")
def into_one_array(indices, depth):
    key = indices.shape, depth
    out = MADE.setdefault(key, np.zeros((*indices.shape, depth)))
    out[...] = np.eye(depth)[indices]
    return out


@slip("one_hot", None, "state kept between calls")
def divided_by_the_number_of_calls(indices, depth):
    SEEN.append(1)
    return np.eye(depth)[indices] / len(SEEN)


# task_shapes --------------------------------------------------------------------------------------

RIGHT = dict(
    zip(
        TASKS,
        zip(
            [SHAPES[k] for k in (0, 2, 1, 2, 2, 3, 4, 4)],
            [STEPS[k] for k in (0, 3, 1, 1, 2, 1, 1, 2)],
            strict=True,
        ),
        strict=True,
    )
)


def with_pair(task, shape=None, step=None):
    """The right dict but for one task."""
    right_shape, right_step = RIGHT[TASKS[task]]
    return {**RIGHT, TASKS[task]: (shape or right_shape, step or right_step)}


@slip("task_shapes", TASKS[2], "another shape")
def an_image_to_a_sentence_as_many_to_one():
    return with_pair(2, shape="many-to-one")


@slip("task_shapes", TASKS[3], "another shape")
def a_review_in_step():
    return with_pair(3, shape="many-to-many in step")


@slip("task_shapes", TASKS[5], "another shape")
def translation_in_step():
    return with_pair(5, shape="many-to-many in step")


@slip("task_shapes", TASKS[7], "another shape")
def a_video_labelled_after_its_end():
    return with_pair(7, shape="many-to-many after the input")


@slip("task_shapes", TASKS[1], "another shape")
def a_digit_as_if_seen_at_once():
    return with_pair(1, shape="one-to-one")


@slip("task_shapes", TASKS[2], "another step")
def frames_in_a_single_image():
    return with_pair(2, step="frame")


@slip("task_shapes", TASKS[0], "another step")
def rows_where_there_is_no_sequence():
    return with_pair(0, step="row of pixels")


@slip("task_shapes", TASKS[0], "shape and step exchanged")
def step_before_shape():
    return {task: (step, shape) for task, (shape, step) in RIGHT.items()}


@slip("task_shapes", TASKS[4], "task left out")
def one_task_forgotten():
    return {task: pair for task, pair in RIGHT.items() if task != TASKS[4]}


@slip("task_shapes", TASKS[0], "no such shape")
def underscores_in_the_names():
    return {task: (shape.replace("-", "_"), step) for task, (shape, step) in RIGHT.items()}


@slip("task_shapes", TASKS[3], "no such step")
def letters_as_steps():
    return with_pair(3, step="letter")


@slip("task_shapes", TASKS[0])
def the_shape_alone():
    return {task: shape for task, (shape, _) in RIGHT.items()}


@slip("task_shapes", None)
def pairs_in_a_list():
    return list(RIGHT.values())


@slip("task_shapes", None)
def nothing_returned():
    dict(RIGHT)


# rnn_step -----------------------------------------------------------------------------------------


@slip("rnn_step", "h", "tanh left out")
def without_tanh(x, h_prev, Wx, Wh, b):
    return x @ Wx + h_prev @ Wh + b


@slip("rnn_step", "h", "bias left out")
def without_bias(x, h_prev, Wx, Wh, b):
    return np.tanh(np.dot(x, Wx) + np.dot(h_prev, Wh))


@slip("rnn_step", "h", "bias added after the tanh")
def parenthesis_closed_early(x, h_prev, Wx, Wh, b):
    return np.tanh(x @ Wx + h_prev @ Wh) + b


@slip("rnn_step", "h", "previous state ignored")
def a_layer_without_memory(x, h_prev, Wx, Wh, b):
    return np.tanh(x @ Wx + b)


@slip("rnn_step", "h", "input ignored")
def deaf(x, h_prev, Wx, Wh, b):
    h = h_prev @ Wh
    return np.tanh(h + b)


@slip("rnn_step", "h", "Wh transposed")
def columns_in_mind(x, h_prev, Wx, Wh, b):
    return np.tanh(x @ Wx + (Wh @ h_prev.T).T + b)


@slip("rnn_step", "h", "sigmoid in place of tanh")
def squashed_by_a_sigmoid(x, h_prev, Wx, Wh, b):
    z = x @ Wx + h_prev @ Wh + b
    return 1 / (1 + np.exp(-z))


@slip("rnn_step", "h", "relu in place of tanh")
def squashed_by_a_relu(x, h_prev, Wx, Wh, b):
    z = x @ Wx + h_prev @ Wh + b
    return z * (z > 0)


@slip("rnn_step", "h", "bias added twice")
def a_bias_for_each_product(x, h_prev, Wx, Wh, b):
    from_input = x @ Wx + b
    from_state = h_prev @ Wh + b
    return np.tanh(from_input + from_state)


@slip("rnn_step", "h", "state not multiplied by Wh")
def state_added_as_it_is(x, h_prev, Wx, Wh, b):
    return np.tanh(x @ Wx + h_prev + b)


@slip("rnn_step", "h", "tanh of each part, not of their sum")
def each_part_squashed(x, h_prev, Wx, Wh, b):
    return np.tanh(x @ Wx) + np.tanh(h_prev @ Wh + b)


@slip("rnn_step", "h", "previous state added to the new one")
def residual(x, h_prev, Wx, Wh, b):
    return h_prev + np.tanh(x @ Wx + h_prev @ Wh + b)


@slip("rnn_step", "h_prev", "argument changed in place")
def written_into_the_old_state(x, h_prev, Wx, Wh, b):
    h_prev[:] = np.tanh(x @ Wx + h_prev @ Wh + b)
    return h_prev


@slip("rnn_step", "b", "argument changed in place")
def summed_up_in_the_bias(x, h_prev, Wx, Wh, b):
    z = b
    if len(x) > 1:
        z = z + x @ Wx
    else:
        z += (x @ Wx)[0]
    return np.tanh(z + h_prev @ Wh)


@slip("rnn_step", "h", "float32 in place of float64")
def in_float32(x, h_prev, Wx, Wh, b):
    h = np.zeros(h_prev.shape, dtype=np.float32)
    h[:] = np.tanh(x @ Wx + h_prev @ Wh + b)
    return h


@slip("rnn_step", "h", "float64 in place of float32")
def always_in_float64(x, h_prev, Wx, Wh, b):
    h = np.zeros(h_prev.shape)
    for n in range(len(x)):
        h[n] = np.tanh(x[n] @ Wx + h_prev[n] @ Wh + b)
    return h


@slip("rnn_step", "h")
def rounded_on_the_way(x, h_prev, Wx, Wh, b):
    z = (x @ Wx + h_prev @ Wh + b).astype(np.float32)
    return np.tanh(z).astype(x.dtype)


@slip("rnn_step", "h")
def state_and_cache(x, h_prev, Wx, Wh, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    return h, (x, h_prev)


@slip("rnn_step", "h", "returns nothing")
def without_return(x, h_prev, Wx, Wh, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b)  # noqa: F841


@slip("rnn_step", None)
def elementwise_product(x, h_prev, Wx, Wh, b):
    return np.tanh(x * Wx + h_prev * Wh + b)


@slip("rnn_step", None)
def Wx_on_the_left(x, h_prev, Wx, Wh, b):
    return np.tanh(Wx @ x + Wh @ h_prev + b)


@slip("rnn_step", None, "arguments in another order")
def state_first(h_prev, x, Wx, Wh, b):
    return np.tanh(x @ Wx + h_prev @ Wh + b)


class _Cell:
    state = None


@slip("rnn_step", None, "state kept between calls")
def its_own_state_remembered(x, h_prev, Wx, Wh, b):
    if _Cell.state is None or _Cell.state.shape != h_prev.shape:
        _Cell.state = h_prev
    _Cell.state = np.tanh(x @ Wx + _Cell.state @ Wh + b)
    return _Cell.state


# rnn_unroll ---------------------------------------------------------------------------------------


@slip("rnn_unroll", "h", "state not carried on")
def h0_at_every_step(x, h0, Wx, Wh, b):
    states = [rnn_step(x[:, t], h0, Wx, Wh, b) for t in range(x.shape[1])]
    return np.stack(states, axis=1)


@slip("rnn_unroll", "h", "h0 ignored")
def started_from_zeros(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h = np.zeros((N, T, Wh.shape[0]), x.dtype)
    prev = np.zeros_like(h0)
    for t in range(T):
        prev = np.tanh(x[:, t] @ Wx + prev @ Wh + b)
        h[:, t] = prev
    return h


def unrolled(collect, step=rnn_step, when=range):
    """An answer that takes right steps and makes something wrong of the list of its states."""

    def answer(x, h0, Wx, Wh, b):
        h, states = h0, []
        for t in when(x.shape[1]):
            h = step(x[:, t], h, Wx, Wh, b)
            states.append(h)
        return collect(states)

    return answer


def stacked(states):
    return np.stack(states, axis=1)


def backwards(T):
    return range(T - 1, -1, -1)


for name, answer, mistake in (
    ("the last state", unrolled(lambda states: states[-1]), "only the last state"),
    ("np.array of the states", unrolled(np.array), "time as the first axis"),
    (
        "reshaped into place",
        unrolled(lambda states: np.array(states).reshape(len(states[0]), len(states), -1)),
        "reshaped where axes must be exchanged",
    ),
    ("np.hstack", unrolled(np.hstack), "states side by side"),
    ("np.vstack", unrolled(np.vstack), "states end to end"),
    ("from the end", unrolled(stacked, when=backwards), "inputs in reversed order"),
    (
        "from the end, states put in order",
        unrolled(lambda states: stacked(states[::-1]), when=backwards),
        "time reversed",
    ),
    (
        "each state put in front",
        unrolled(lambda states: stacked(states[::-1])),
        "states in reversed order",
    ),
    (
        "range(T - 1)",
        unrolled(stacked, when=lambda T: range(max(T - 1, 1))),
        "last step left out",
    ),
    ("summed", unrolled(lambda states: np.cumsum(stacked(states), axis=1)), "states added up"),
    ("without bias", unrolled(stacked, step=without_bias), "bias left out"),
    ("without tanh", unrolled(stacked, step=without_tanh), "tanh left out"),
    ("Wh transposed", unrolled(stacked, step=columns_in_mind), "Wh transposed"),
    ("no memory", unrolled(stacked, step=a_layer_without_memory), "previous state ignored"),
    ("a list", unrolled(list), None),
):
    slip("rnn_unroll", "h", mistake, what=name)(answer)


@slip("rnn_unroll", "h", "h0 among the states")
def all_states_from_h0_on(x, h0, Wx, Wh, b):
    states = [h0]
    for t in range(x.shape[1]):
        states.append(rnn_step(x[:, t], states[t], Wx, Wh, b))
    return np.stack(states, axis=1)


@slip("rnn_unroll", "h", "h0 among the states, the last one missing")
def stored_before_the_step(x, h0, Wx, Wh, b):
    h, states = h0, []
    for t in range(x.shape[1]):
        states.append(h)
        h = rnn_step(x[:, t], h, Wx, Wh, b)
    return np.stack(states, axis=1)


@slip("rnn_unroll", "h", "the last state in all places")
def one_array_overwritten(x, h0, Wx, Wh, b):
    h, states = h0.copy(), []
    for t in range(x.shape[1]):
        h[:] = rnn_step(x[:, t], h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1)


@slip("rnn_unroll", "h0", "argument changed in place")
def h0_overwritten(x, h0, Wx, Wh, b):
    h = h0
    out = np.zeros((*x.shape[:2], h0.shape[1]), x.dtype)
    for t in range(x.shape[1]):
        h[...] = rnn_step(x[:, t], h, Wx, Wh, b)
        out[:, t] = h
    return out


@slip("rnn_unroll", "h", "the first input at every step")
def index_forgotten(x, h0, Wx, Wh, b):
    h, states = h0, []
    for _ in range(x.shape[1]):
        h = rnn_step(x[:, 0], h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1)


@slip("rnn_unroll", "h", "the input of the step before")
def inputs_one_step_late(x, h0, Wx, Wh, b):
    h, states = h0, []
    for t in range(x.shape[1]):
        h = rnn_step(x[:, t - 1], h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1)


@slip("rnn_unroll", "h", "state carried on without its tanh")
def tanh_after_the_loop(x, h0, Wx, Wh, b):
    h, sums = h0, []
    for t in range(x.shape[1]):
        h = x[:, t] @ Wx + h @ Wh + b
        sums.append(h)
    return np.tanh(np.stack(sums, axis=1))


@slip("rnn_unroll", "h", "first state left at zero")
def loop_from_one(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    out = np.zeros((N, T, h0.shape[1]), x.dtype)
    h = rnn_step(x[:, 0], h0, Wx, Wh, b)
    for t in range(1, T):
        h = rnn_step(x[:, t], h, Wx, Wh, b)
        out[:, t] = h
    return out


@slip("rnn_unroll", "h", "last state left at zero")
def loop_to_the_last_but_one(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    out, h = np.zeros((N, T, h0.shape[1]), x.dtype), h0
    for t in range(T - 1):
        h = out[:, t] = rnn_step(x[:, t], h, Wx, Wh, b)
    return out


@slip("rnn_unroll", "h", "float64 in place of float32")
def float64_buffer(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    out = np.zeros((N, T, h0.shape[1]))
    for t in range(T):
        out[:, t] = rnn_step(x[:, t], out[:, t - 1] if t else h0, Wx, Wh, b)
    return out


@slip("rnn_unroll", None)
def batch_taken_for_time(x, h0, Wx, Wh, b):
    h, states = h0, []
    for x_t in x:
        h = np.tanh(x_t @ Wx + h @ Wh + b)
        states.append(h)
    return np.stack(states)


@slip("rnn_unroll", "h")
def gives_up_after_ten_steps(x, h0, Wx, Wh, b):
    out, h = np.zeros((*x.shape[:2], h0.shape[1]), x.dtype), h0
    for t in range(min(x.shape[1], 10)):
        h = out[:, t] = rnn_step(x[:, t], h, Wx, Wh, b)
    return out


# readout ------------------------------------------------------------------------------------------


@slip("readout", "scores", "bias left out")
def scores_without_bias(h, Wy, by):
    return np.matmul(h, Wy)


@slip("readout", "scores", "probabilities in place of scores")
def softmax_at_once(h, Wy, by):
    e = np.exp(h @ Wy + by)
    return e / e.sum(axis=-1, keepdims=True)


@slip("readout", "scores", "tanh on the scores")
def squashed_scores(h, Wy, by):
    return np.tanh(h @ Wy + by)


@slip("readout", "scores", "sigmoid on the scores")
def scores_between_0_and_1(h, Wy, by):
    return 1 / (1 + np.exp(-(h @ Wy) - by))


@slip("readout", "scores", "tanh on the states")
def states_squashed_again(h, Wy, by):
    return np.tanh(h) @ Wy + by


@slip("readout", "scores", "only the last step")
def last_step_only(h, Wy, by):
    return h[:, -1, :] @ Wy + by


@slip("readout", "scores", "average over time")
def pooled_over_time(h, Wy, by):
    return np.mean(h, axis=1) @ Wy + by


@slip("readout", "scores", "steps flattened")
def flat(h, Wy, by):
    return h.reshape(-1, h.shape[-1]) @ Wy + by


@slip("readout", "scores", "time as the first axis")
def list_over_time(h, Wy, by):
    return np.array([h[:, t] @ Wy + by for t in range(h.shape[1])])


@slip("readout", "scores", "the best answer in place of the scores")
def best_answer(h, Wy, by):
    return np.argmax(h @ Wy + by, axis=-1)


@slip("readout", "scores", "log probabilities in place of scores")
def log_probabilities(h, Wy, by):
    s = h @ Wy + by
    s = s - s.max(axis=-1, keepdims=True)
    return s - np.log(np.exp(s).sum(axis=-1, keepdims=True))


@slip("readout", None)
def three_axes_only(h, Wy, by):
    N, T, H = h.shape
    return (h.reshape(N * T, H) @ Wy + by).reshape(N, T, -1)


@slip("readout", None)
def Wy_transposed(h, Wy, by):
    return h @ Wy.T + by


@slip("readout", "scores", "float64 in place of float32")
def scores_in_float64(h, Wy, by):
    out = np.empty((*h.shape[:-1], Wy.shape[1]))
    np.matmul(h, Wy, out=out)
    return out + by


@slip("readout", "by", "argument changed in place")
def scores_added_to_the_bias(h, Wy, by):
    scores = h @ Wy + by
    by -= by
    return scores


# delivery_weights ---------------------------------------------------------------------------------

ON = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # from each dish to the next
ZEROS, EYE = np.zeros(3), np.eye(3)

for name, quantity, mistake, weights in (
    ("no memory", "Wh", "no memory", (4 * ON, 0 * ON, ZEROS, EYE, ZEROS)),
    ("the state stays", "Wh", "memory stands still", (4 * ON, 2 * EYE, ZEROS, EYE, ZEROS)),
    ("the state goes back", "Wh", "memory turned backwards", (4 * ON, 2 * ON.T, ZEROS, EYE, ZEROS)),
    ("columns for rows", "Wx", "menu rule turned backwards", (4 * ON.T, 2 * ON, ZEROS, EYE, ZEROS)),
    ("all transposed", "Wx", "menu rule turned backwards", (4 * ON.T, ON.T, ZEROS, EYE, ZEROS)),
    ("today is yesterday", "Wx", "yesterday's dish repeated", (4 * EYE, 2 * ON, ZEROS, EYE, ZEROS)),
    ("moved on twice", "Wy", "the menu rule applied twice", (4 * ON, 2 * ON, ZEROS, ON, ZEROS)),
    ("no input", "Wx", "Wx all zeros", (0 * ON, 2 * ON, ZEROS, EYE, ZEROS)),
    ("no readout", "Wy", "Wy all zeros", (4 * ON, 2 * ON, ZEROS, 0 * EYE, ZEROS)),
    (
        "a favourite dish",
        "by",
        "the same dish after any order",
        (4 * ON, 2 * ON, ZEROS, EYE, np.array([0, 9.0, 0])),
    ),
    (
        "a unit always on",
        "b",
        "the same dish after any order",
        (ON, 2 * ON, np.array([50.0, -50, -50]), EYE, ZEROS),
    ),
    (
        "wishes in place of weights",
        "Wx",
        "yesterday's dish repeated",
        (EYE,) * 2 + (ZEROS, EYE, ZEROS),
    ),
    ("memory of no dish in particular", "Wh", None, (4 * ON, 0 * ON + 1, ZEROS, EYE, ZEROS)),
    ("negative readout", "Wx", None, (4 * ON, 2 * ON, ZEROS, -EYE, ZEROS)),
    ("a column as bias", "b", None, (4 * ON, 2 * ON, np.zeros((3, 1)), EYE, ZEROS)),
    ("lists", "b", None, tuple(w.tolist() for w in (4 * ON, 2 * ON, ZEROS, EYE, ZEROS))),
    ("only the cell's", None, None, (4 * ON, 2 * ON, ZEROS)),
    ("not a number", "Wh", None, (4 * ON, ON * np.nan, ZEROS, EYE, ZEROS)),
):
    slip("delivery_weights", quantity, mistake, what=name)(lambda weights=weights: weights)
