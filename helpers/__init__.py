"""What the notebooks import: reference implementations, data, plots and explorers.

The reference implementations need nothing but NumPy.
"""

from helpers.data.menu import delivery_weights
from helpers.embedding import embedding_backward, embedding_forward, one_hot
from helpers.language_model import (
    build_vocab,
    char_rnn_loss,
    sample,
    tbptt_gradients,
    truncated_chunks,
)
from helpers.losses import softmax, softmax_loss
from helpers.numerical import numerical_gradient
from helpers.optim import adagrad_update
from helpers.rnn import (
    readout,
    rnn_backward,
    rnn_forward,
    rnn_step,
    rnn_step_backward,
    rnn_step_forward,
    rnn_unroll,
)

__all__ = [
    "adagrad_update",
    "build_vocab",
    "char_rnn_loss",
    "delivery_weights",
    "embedding_backward",
    "embedding_forward",
    "numerical_gradient",
    "one_hot",
    "readout",
    "rnn_backward",
    "rnn_forward",
    "rnn_step",
    "rnn_step_backward",
    "rnn_step_forward",
    "rnn_unroll",
    "sample",
    "softmax",
    "softmax_loss",
    "tbptt_gradients",
    "truncated_chunks",
]
