"""A text in the colours of a number for each of its characters, and states as a table."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from helpers.plots import BLACK, BLUE, ORANGE

_TWO_WAYS = LinearSegmentedColormap.from_list("orange to blue", [ORANGE, "white", BLUE])
_SHOWN = {"\n": "↵", " ": "·"}  # what is not seen otherwise
MOST = 80  # characters a row


def rows_of(text):
    """A text in rows as they are shown: (row, column) of each character.

    A row ends with its line, or after `MOST` characters.
    """
    row = column = 0
    places = []
    for c in text:
        if column == MOST:
            row, column = row + 1, 0
        places.append((row, column))
        row, column = (row + 1, 0) if c == "\n" else (row, column + 1)
    return places


def draw_coloured(text, values, title, label, limit=1):
    """A text, every character on the colour of its own number.

    Args:
        text: some lines.
        values: (len(text),) numbers, orange below 0, white at 0, blue above it.
        title: of the figure.
        label: what the colours stand for.
        limit: where the colours end, on either side; activations lie between -1 and 1.

    Returns:
        figure, alt text.
    """
    places = rows_of(text)
    rows, columns = (max(k) + 1 for k in zip(*places, strict=True))
    paper = np.zeros((rows, columns))
    for place, value in zip(places, values, strict=True):
        paper[place] = value
    width = max(0.118 * columns, 4.5)
    fig, ax = plt.subplots(figsize=(width + 0.9, 0.27 * rows + 0.75))
    shown = ax.imshow(paper, vmin=-limit, vmax=limit, cmap=_TWO_WAYS, aspect="auto")
    strong = {"ha": "center", "va": "center", "family": "monospace", "fontsize": 8.5}
    for (row, column), c in zip(places, text, strict=True):
        ax.text(column, row, _SHOWN.get(c, c), color="0.6" if c in _SHOWN else BLACK, **strong)
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    fig.colorbar(shown, ax=ax, fraction=0.04, pad=0.01, label=label)
    most, least = int(np.argmax(values)), int(np.argmin(values))
    return fig, (
        f"{title}. {len(text)} characters of text, each coloured by the {label}. It is largest, "
        f"{values[most]:.2f}, {_at(text, most)}, and smallest, {values[least]:.2f}, "
        f"{_at(text, least)}."
    )


def _at(text, place):
    line = text[: place + 1].rpartition("\n")[2].strip() or text[place]
    return f"after {line[-20:]!r}"


def draw_states(text, states, feature, title):
    """States as a table: a column a character, a row a unit, and below them a feature.

    Args:
        text: a short one.
        states: (T, H), a few units.
        feature: (T,) bool.
        title: of the figure.

    Returns:
        figure, alt text.
    """
    T, H = states.shape
    fig, (table, strip) = plt.subplots(
        2, 1, figsize=(1.6 + 0.27 * T, 1.3 + 0.3 * H), height_ratios=(H, 1), sharex=True
    )
    shown = table.imshow(states.T, vmin=-1, vmax=1, cmap=_TWO_WAYS, aspect="auto")
    table.set(title=title, ylabel="unit", yticks=range(H))
    strip.imshow(feature[None], vmin=0, vmax=1, cmap="Greys", aspect="auto")
    strip.set_yticks([0], ["bracket open"])
    strip.set_xticks(range(T), [_SHOWN.get(c, c) for c in text], family="monospace")
    for ax in (table, strip):
        ax.grid(False)
    fig.colorbar(shown, ax=[table, strip], fraction=0.03, label="activation")
    inside = "".join(c for c, one in zip(text, feature, strict=True) if one)
    return fig, (
        f"{title}. A table of activations, a row for each of {H} units and a column for each of "
        f"the {T} characters of {text!r}. Below it a strip is dark where a bracket is open: at "
        f"{inside!r}."
    )
