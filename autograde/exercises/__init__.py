"""What is asked: a declaration for every exercise of the course."""

from autograde.exercises import (
    bptt,
    captioning,
    clipping,
    gru,
    hello,
    lstm,
    rnn_intro,
    seq2seq,
    vanishing,
)

# By name, in the order of the course.
EXERCISES = {
    exercise.name: exercise
    for notebook in (rnn_intro, hello, bptt, vanishing, clipping, lstm, gru, captioning, seq2seq)
    for exercise in notebook.EXERCISES
}
