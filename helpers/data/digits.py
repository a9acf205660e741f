"""Handwritten digits of 8 x 8 pixels that scikit-learn brings along (Alpaydin, Kaynak 1998)."""

import numpy as np

TRAIN_DIGITS = 1400


def load_digits(split):
    """Images and labels of one split; the two never share a digit.

    Args:
        split: "train" (1,400 digits) or "test" (the other 397).

    Returns:
        images (n, 8, 8) float64 in [0, 1], labels (n,) integers 0 to 9.

    Raises:
        ValueError: another split.
    """
    from sklearn.datasets import load_digits as bundled  # a second to import: only when asked

    if split not in ("train", "test"):
        raise ValueError(f"split: expected 'train' or 'test', got {split!r}; choose one of them")
    data = bundled()
    order = np.random.default_rng(0).permutation(len(data.target))
    chosen = order[:TRAIN_DIGITS] if split == "train" else order[TRAIN_DIGITS:]
    return data.images[chosen] / 16.0, data.target[chosen]
