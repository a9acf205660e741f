"""07 · gru: one state, three gates."""

EXERCISES = ()
