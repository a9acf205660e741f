"""An encoder and a decoder in boxes and arrows, and where a decoder looked, in colours."""

import matplotlib.pyplot as plt

from helpers.diagrams import arrow, box, canvas
from helpers.plots import BLACK, BLUE, GREEN, ORANGE

_READ = ("thirty", "four", "thousand")
_SAID = ("sam", "man", "sa", "cheon", "END")


def draw_translator(look_back=False):
    """Encoder and decoder, unrolled: three English words in, four Korean syllables and END out.

    Args:
        look_back: whether the looks of one step are drawn too.

    Returns:
        figure, alt text.
    """
    fig, ax = canvas(10, 4.2 if not look_back else 4.9, -1.0, 15.4, -1.2, 5.0 + look_back)
    title = "The decoder looks back" if look_back else "One network reads, the other one writes"
    ax.text(-0.8, 4.5 + look_back, title, fontsize=12)
    for k, word in enumerate(_READ):
        _column(ax, 0.2 + 1.9 * k, word, f"$h_{k + 1}$", ORANGE, first=k == 0)
    for k, (read, said) in enumerate(zip(("START", *_SAID), _SAID, strict=False)):
        x = 6.6 + 1.9 * k
        _column(ax, x, read, f"$d_{k + 1}$", GREEN, first=False)
        box(ax, x, 3.3, said, GREEN, width=1.25)
        arrow(ax, (x, 1.95), (x, 2.95))
    ax.text(5.2, 0.85, "last $h, c$", fontsize=10, ha="center", color=BLUE)
    ax.text(2.1, -0.95, "encoder", fontsize=11, ha="center")
    ax.text(10.4, -0.95, "decoder", fontsize=11, ha="center")
    if not look_back:
        return fig, (
            "An encoder reads thirty, four, thousand, one word a step. Its last h and c are the "
            "first states of a decoder, which reads START, sam, man, sa, cheon and says sam, man, "
            "sa, cheon, END: each syllable said is the next one read."
        )
    box(ax, 5.0, 4.4, "$z_1$", BLUE, width=0.9)
    for k, weight in enumerate((3.2, 1.2, 0.6)):
        x = 0.2 + 1.9 * k
        arrow(ax, (x, 1.95), (4.5, 4.35), BLUE, lw=weight, bend=-0.05)
    arrow(ax, (6.25, 1.95), (5.2, 4.0), BLUE, linestyle=(0, (3, 2)))
    arrow(ax, (5.5, 4.3), (6.1, 3.7), BLUE)
    ax.text(5.45, 2.7, "asks", fontsize=9.5, color=BLUE, ha="right")
    return fig, (
        "Encoder and decoder as before. The decoder's first state asks all three states of the "
        "encoder; their sum, weighted by how well each fits, is the context z_1, which helps to "
        "name the first syllable. The arrow from thirty is the thickest."
    )


def _column(ax, x, read, state, colour, first):
    """A word, the state that has read it, and the arrow from the state before."""
    box(ax, x, 0, read, colour, width=1.5)
    box(ax, x, 1.6, state, BLUE, width=1.0)
    arrow(ax, (x, 0.35), (x, 1.25))
    if not first:
        start = x - 1.9 + 0.5 if x < 6 or x > 7 else 0.2 + 3.8 + 0.5
        arrow(ax, (start, 1.6), (x - 0.5, 1.6), BLUE if 6 < x < 7 else BLACK)


def draw_alignment(words, said, weights, title, ax=None, chosen=None):
    """Where a decoder looked: a row a syllable, a column a source word.

    Args:
        words: S source words.
        said: T syllables in Latin letters, then perhaps END.
        weights: (T, S) or larger.
        title: of the figure.
        ax: to draw on, or None for a figure of its own.
        chosen: number of a row to be framed, or None.

    Returns:
        figure, alt text.
    """
    shape = len(said), len(words)
    if ax is None:
        _, ax = plt.subplots(figsize=(1.6 + 0.46 * shape[1], 1.5 + 0.3 * shape[0]))
    weights = weights[: shape[0], : shape[1]]
    shown = ax.imshow(weights, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    ax.set_xticks(range(shape[1]), words, rotation=55, ha="right", fontsize=9)
    ax.set_yticks(range(shape[0]), said, fontsize=9)
    ax.set(title=title, xlabel="English, as it is read", ylabel="Korean, as it is said")
    ax.grid(False)
    if chosen is not None:
        frame = (-0.5, chosen - 0.5), shape[1], 1
        ax.add_patch(plt.Rectangle(*frame, fill=False, ec=ORANGE, lw=2.5, zorder=3))
    ax.figure.colorbar(shown, ax=ax, fraction=0.04, label="attention weight")
    looked = (
        f"{one}: {words[row.argmax()]} ({row.max():.2f})"
        for one, row in zip(said, weights, strict=True)
    )
    return ax.figure, (
        f"{title}. A table of attention weights, a row a Korean syllable and a column an English "
        f"word. The largest weight of each row: {'; '.join(looked)}."
    )
