"""04 · vanishing_gradients: how a gradient shrinks and grows on its way back."""

EXERCISES = ()
