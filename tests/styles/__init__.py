"""Right answers in other styles than the course's own, a file a notebook."""

from styles import (
    bptt,
    captioning,
    clipping,
    deep,
    draw,
    gru,
    hello,
    interpretable,
    lstm,
    rnn_intro,
    seq2seq,
    vanishing,
)

NOTEBOOKS = (
    rnn_intro,
    hello,
    bptt,
    vanishing,
    clipping,
    lstm,
    gru,
    captioning,
    deep,
    seq2seq,
    interpretable,
    draw,
)
STYLES = [style for notebook in NOTEBOOKS for style in notebook.style]
