"""Tasks on sequences, and the five shapes that a recurrent network can take for them."""

SHAPES = (
    "one-to-one",
    "one-to-many",
    "many-to-one",
    "many-to-many after the input",
    "many-to-many in step",
)
STEPS = ("no steps", "word", "frame", "row of pixels")

# task -> (shape, what one step of the sequence is)
_ANSWERS = {
    "name the digit in an image, seen at once": ("one-to-one", "no steps"),
    "name the digit in an image, read from top to bottom": ("many-to-one", "row of pixels"),
    "describe an image in a sentence": ("one-to-many", "word"),
    "tell whether a review is positive": ("many-to-one", "word"),
    "name the action in a video clip": ("many-to-one", "frame"),
    "translate a sentence": ("many-to-many after the input", "word"),
    "tag every word with its part of speech": ("many-to-many in step", "word"),
    "label a video as it is being recorded": ("many-to-many in step", "frame"),
}
TASKS = tuple(_ANSWERS)


def task_shapes():
    """Which shape fits which task, and what a step of its sequence would be.

    Returns:
        dict from each of `TASKS` to a pair (one of `SHAPES`, one of `STEPS`).
    """
    return dict(_ANSWERS)
