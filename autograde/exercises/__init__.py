"""What is asked: a declaration for every exercise of the course."""

from autograde.exercises import (
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

# By name, in the order of the course.
EXERCISES = {exercise.name: exercise for notebook in NOTEBOOKS for exercise in notebook.EXERCISES}
