"""What is asked: a declaration for every exercise of the course."""

from autograde.exercises import bptt, hello, rnn_intro

# By name, in the order of the course.
EXERCISES = {
    exercise.name: exercise
    for notebook in (rnn_intro, hello, bptt)
    for exercise in notebook.EXERCISES
}
