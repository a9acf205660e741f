"""05 · clipping: steps that do not leap off the cliff."""

EXERCISES = ()
