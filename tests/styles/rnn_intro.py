"""Right answers to notebook 01."""

import numpy as np
from answers import Styles

style = Styles()


@style("one_hot")
def rows_of_the_identity(indices, depth):
    return np.eye(depth)[indices]


@style("rnn_step")
def with_stacked_weights(x, h_prev, Wx, Wh, b):
    return np.tanh(np.hstack([x, h_prev]) @ np.vstack([Wx, Wh]) + b)
