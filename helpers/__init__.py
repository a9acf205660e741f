"""What the notebooks import: reference implementations, data, plots and explorers.

The reference implementations need nothing but NumPy.
"""

from helpers.attention import (
    attention_backward,
    attention_forward,
    attention_lstm_step_backward,
    attention_lstm_step_forward,
)
from helpers.captioning import (
    beam_caption,
    greedy_caption,
    image_rnn_step_backward,
    image_rnn_step_forward,
)
from helpers.clipping import (
    clip_by_norm,
    clip_by_value,
    global_norm,
)
from helpers.data.menu import delivery_weights
from helpers.deep_language_model import (
    dropout_mask,
    perplexity,
    stacked_lstm_backward,
    stacked_lstm_forward,
    tied_softmax_loss,
    variational_mask,
)
from helpers.draw import (
    bernoulli_loss,
    classify,
    draw_loss,
    draw_step_backward,
    draw_step_forward,
    latent_backward,
    latent_forward,
    read_rows,
)
from helpers.embedding import (
    embedding_backward,
    embedding_forward,
    one_hot,
)
from helpers.gradient_flow import (
    gradient_norms,
    growth_bounds,
    largest_singular_value,
    orthogonal,
    rescale,
    scalar_gradient,
    spectral_radius,
    tanh_gradient_norms,
)
from helpers.gru import (
    count_parameters,
    gru_backward,
    gru_forward,
    gru_step_backward,
    gru_step_forward,
)
from helpers.interpretable import (
    auc,
    best_unit,
    connectivity,
    features,
    record_states,
)
from helpers.language_model import (
    build_vocab,
    char_rnn_loss,
    sample,
    tbptt_gradients,
    truncated_chunks,
)
from helpers.losses import (
    softmax,
    softmax_loss,
    temporal_softmax_loss,
)
from helpers.lstm import (
    cell_gradient,
    init_lstm,
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    sigmoid,
)
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
from helpers.seq2seq import (
    encode,
    encode_backward,
    masked_softmax,
    pad_batch,
    seq2seq_loss,
    translate,
)

__all__ = [
    "adagrad_update",
    "attention_backward",
    "attention_forward",
    "attention_lstm_step_backward",
    "attention_lstm_step_forward",
    "auc",
    "beam_caption",
    "bernoulli_loss",
    "best_unit",
    "build_vocab",
    "cell_gradient",
    "char_rnn_loss",
    "classify",
    "clip_by_norm",
    "clip_by_value",
    "connectivity",
    "count_parameters",
    "delivery_weights",
    "draw_loss",
    "draw_step_backward",
    "draw_step_forward",
    "dropout_mask",
    "embedding_backward",
    "embedding_forward",
    "encode",
    "encode_backward",
    "features",
    "global_norm",
    "gradient_norms",
    "greedy_caption",
    "growth_bounds",
    "gru_backward",
    "gru_forward",
    "gru_step_backward",
    "gru_step_forward",
    "image_rnn_step_backward",
    "image_rnn_step_forward",
    "init_lstm",
    "largest_singular_value",
    "latent_backward",
    "latent_forward",
    "lstm_backward",
    "lstm_forward",
    "lstm_step_backward",
    "lstm_step_forward",
    "masked_softmax",
    "numerical_gradient",
    "one_hot",
    "orthogonal",
    "pad_batch",
    "perplexity",
    "read_rows",
    "readout",
    "record_states",
    "rescale",
    "rnn_backward",
    "rnn_forward",
    "rnn_step",
    "rnn_step_backward",
    "rnn_step_forward",
    "rnn_unroll",
    "sample",
    "scalar_gradient",
    "seq2seq_loss",
    "sigmoid",
    "softmax",
    "softmax_loss",
    "spectral_radius",
    "stacked_lstm_backward",
    "stacked_lstm_forward",
    "tanh_gradient_norms",
    "tbptt_gradients",
    "temporal_softmax_loss",
    "tied_softmax_loss",
    "translate",
    "truncated_chunks",
    "variational_mask",
]
