"""Wrong answers as students write them, a file a notebook, with what each should be told.

They are written by hand, beside the known mistakes that `autograde/exercises/` declares: those are
what a message can name, these are what people type.
"""

from slips import (
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
SLIPS = [slip for notebook in NOTEBOOKS for slip in notebook.slip]
