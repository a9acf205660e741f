"""Wrong answers to notebook 01."""

import numpy as np
from answers import Slips

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


@slip("one_hot", None)
def for_two_axes_only(indices, depth):
    N, T = indices.shape
    out = np.zeros((N, T, depth))
    for n in range(N):
        for t in range(T):
            out[n, t, indices[n, t]] = 1
    return out


@slip("one_hot", "one_hot", "the 1 is one place too far")
def counted_from_one(indices, depth):
    return np.eye(depth)[(indices + 1) % depth]


@slip("one_hot", "one_hot", "the new axis comes first")
def classes_first(indices, depth):
    return np.stack([(indices == k).astype(float) for k in range(depth)])


# rnn_step -----------------------------------------------------------------------------------------


@slip("rnn_step", "h", "tanh left out")
def without_tanh(x, h_prev, Wx, Wh, b):
    return x @ Wx + h_prev @ Wh + b
