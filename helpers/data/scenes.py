"""Scenes of handwritten digits on a grid, and what there is to say of them.

A scene is a 24 x 24 picture: one to three of scikit-learn's digits in the cells of a 3 x 3 grid,
with some noise. Its caption names the digits in reading order and says how each stands to the next.
"""

import numpy as np

from helpers.data.digits import load_digits

GRID, CELL = 3, 8
PLACES = GRID * GRID
PAD, START, END = 0, 1, 2
NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = (
    *("<pad>", "<start>", "<end>"),
    *NUMERALS,
    *("a", "an", "alone", "at", "the", "top", "bottom", "left", "right", "center"),
    *("above", "of"),
)
_NUMBER = {word: token for token, word in enumerate(WORDS)}
PLACE_NAMES = ("top left", "top", "top right", "left", "center", "right",
         "bottom left", "bottom", "bottom right")  # fmt: skip
MAX_WORDS = 10  # 'a five left of a two left of a six'
NOISE = 0.1


def describe_scene(digits, places):
    """The caption of a scene, in words.

    Args:
        digits: one to three numbers from 0 to 9.
        places: their cells, different numbers from 0 to 8 along the rows, in rising order.

    Returns:
        A string, such as 'an eight above a two left of a six'.

    Raises:
        ValueError: another number of digits, or places that are not in reading order.
    """
    if not 1 <= len(digits) <= 3 or len(places) != len(digits):
        raise ValueError(
            f"digits: expected one to three, each with a place, got {len(digits)} digits and "
            f"{len(places)} places; leave some out"
        )
    if sorted(set(places)) != list(places) or not 0 <= places[0] <= places[-1] < PLACES:
        raise ValueError(
            f"places: expected different cells from 0 to {PLACES - 1} in reading order, got "
            f"{list(places)}; sort digits and places together"
        )
    said = [_with_article(digits[0])]
    if len(digits) == 1:
        said.append(f"alone at the {PLACE_NAMES[places[0]]}")
    for k in range(1, len(digits)):
        same_row = places[k - 1] // GRID == places[k] // GRID
        said += ["left of" if same_row else "above", _with_article(digits[k])]
    return " ".join(said)


def _with_article(digit):
    word = NUMERALS[digit]
    return f"an {word}" if word == "eight" else f"a {word}"


def encode_captions(captions):
    """Captions as tokens, with <start> before and <end> after, padded to one length.

    Args:
        captions: list of strings.

    Returns:
        (N, MAX_WORDS + 2) integers.

    Raises:
        ValueError: a word that is not in `WORDS`.
    """
    tokens = np.full((len(captions), MAX_WORDS + 2), PAD)
    for row, caption in zip(tokens, captions, strict=True):
        words = caption.split()
        unknown = [word for word in words if word not in _NUMBER]
        if unknown:
            raise ValueError(
                f"captions: expected words of the vocabulary, got {unknown[0]!r} in {caption!r}; "
                "WORDS has all of them"
            )
        row[: len(words) + 2] = START, *(_NUMBER[word] for word in words), END
    return tokens


def decode_caption(tokens):
    """The words of a list of tokens, as a string; <start>, <end> and <pad> are left out."""
    return " ".join(WORDS[token] for token in tokens if token not in (PAD, START, END))


def patches_of(images):
    """The cells of a picture's grid, each as one row of pixels.

    Args:
        images: (N, 24, 24).

    Returns:
        (N, 9, 64), the cells in reading order.
    """
    N = len(images)
    cells = images.reshape(N, GRID, CELL, GRID, CELL).swapaxes(2, 3)
    return cells.reshape(N, PLACES, CELL * CELL)


class Scenes:
    """An endless supply of scenes made of one split's digits.

    Args:
        split: "train" or "test"; the two share no digit.
        noise: standard deviation of what is added to every pixel.
        dtype: of the pictures.
    """

    def __init__(self, split, noise=NOISE, dtype=np.float32):
        images, self.labels = load_digits(split)
        self.images, self.noise, self.dtype = images.astype(dtype), noise, dtype

    def draw(self, n, rng, shift=0):
        """Draw n scenes.

        Args:
            n: how many.
            rng: np.random.Generator.
            shift: by how many pixels at most a digit is moved inside its cell, either way.

        Returns:
            images (n, 24, 24), tokens (n, MAX_WORDS + 2), and places (n, 3): the cells of the
            digits in reading order, -1 where a scene has fewer.
        """
        counts = rng.integers(1, 4, n)
        cells = rng.permuted(np.tile(np.arange(PLACES), (n, 1)), axis=1)[:, :3]
        chosen = rng.integers(0, len(self.labels), (n, 3))
        absent = np.arange(3) >= counts[:, None]  # (n, 3)
        cells = np.sort(np.where(absent, PLACES, cells), axis=1)  # those that are there come first
        images = rng.normal(0, self.noise, (n, PLACES + 1, CELL, CELL)).astype(self.dtype)
        digits = self.images[chosen]  # (n, 3, 8, 8)
        if shift:
            digits = _shifted(digits, rng.integers(-shift, shift + 1, (2, n, 3)))
        images[np.arange(n)[:, None], cells] += digits  # the absent ones go to a cell beyond
        places = np.where(absent, -1, cells)
        pictures = images[:, :PLACES].reshape(n, GRID, GRID, CELL, CELL).swapaxes(2, 3)
        side = GRID * CELL
        return pictures.reshape(n, side, side), self._captions(chosen, places, counts), places

    def _captions(self, chosen, places, counts):
        labels = self.labels[chosen]
        return encode_captions(
            [
                describe_scene(labels[k, :count], places[k, :count].tolist())
                for k, count in enumerate(counts)
            ]
        )


def _shifted(digits, by):
    """Every digit moved by some rows and columns; what leaves its cell is lost."""
    n, k = digits.shape[:2]
    wide = np.pad(digits, ((0, 0), (0, 0), (CELL, CELL), (CELL, CELL)))
    rows, columns = (CELL + np.arange(CELL) - by[..., None]).astype(int)  # (n, k, 8) each
    here = np.arange(n)[:, None, None, None], np.arange(k)[:, None, None]
    return wide[(*here, rows[..., :, None], columns[..., None, :])]
