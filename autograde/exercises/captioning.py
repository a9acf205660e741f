"""08 · captioning_attention: pictures in words."""

EXERCISES = ()
