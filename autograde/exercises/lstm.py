"""06 · lstm_gates: a cell with a path of its own."""

EXERCISES = ()
