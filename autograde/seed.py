"""The course's seed: what the hidden tests draw their random numbers from.

nbgrader_config.py puts it into the environment, where the grading kernels find it. It is the
instructor's own, so that no student can try a solution on the very numbers it is graded on.
A notebook of solutions/ that is run by hand finds it in this checkout.
"""

import os
import secrets
from pathlib import Path

VARIABLE = "RNN_BY_HAND_SEED"
FILE = Path(__file__).with_name("course_seed")
_REMEDY = (
    "Run nbgrader from the folder of nbgrader_config.py, which sets it, "
    f"or set it yourself, for example: export {VARIABLE}=20260901"
)


def course_seed():
    """The seed of the hidden tests, a whole number of at least 0."""
    set_course_seed(FILE)
    text = os.environ.get(VARIABLE)
    if text is None:
        raise RuntimeError(f"{VARIABLE}: expected a whole number, got nothing. {_REMEDY}")
    # isdecimal, as int() would also take "1_0", " 7" and a sign.
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{VARIABLE}: expected a whole number, got {text!r}. {_REMEDY}")
    return int(text)


def set_course_seed(path):
    """Put the seed into the environment, unless it is there: from the file, made if there is none.

    Where the file can be neither read nor made, the environment stays as it is, and `course_seed`
    says so when a hidden test asks.
    """
    if VARIABLE in os.environ:
        return
    try:
        os.environ[VARIABLE] = _read_or_make(Path(path))
    except OSError:
        pass


def _read_or_make(path):
    try:
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with open(made, "w") as file:
        seed = str(secrets.randbits(32))
        file.write(f"{seed}\n")
    return seed
