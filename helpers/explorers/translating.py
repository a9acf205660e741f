"""Numbers translated by the network of notebook 10: type one, and step through what it says."""

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.data.numerals import (
    END,
    KOREAN,
    LARGEST,
    ROMAN,
    START,
    english_tokens,
    english_words,
    korean_tokens,
)
from helpers.diagrams.seq2seq import draw_alignment
from helpers.explorers import Explorer, slider
from helpers.plots import BLUE, ORANGE
from helpers.seq2seq import pad_batch, translate_with_looks

LONGEST = 17  # syllables, and END


def translation_of(params, number):
    """A number's translation, and where the decoder looked.

    Args:
        params: of a translator with attention.
        number: from 0 to 99,999,999.

    Returns:
        the English words; what was said, in Latin letters, with END if it came; the weights
        (steps, words); whether it is right.
    """
    tokens = english_tokens(number)
    (said,), looks = translate_with_looks(pad_batch([tokens], 0), params, START, END, LONGEST)
    syllables = [ROMAN.get(KOREAN[token], KOREAN[token]) for token in said]
    ended = ["END"] if len(said) < LONGEST else []
    right = said == korean_tokens(number)[1:-1]
    return english_words(tokens), syllables + ended, looks[0], right


def draw_step(params, number, step):
    """One step of a translation: the look as bars, and the looks of all steps as a table.

    Args:
        params, number: as for `translation_of`.
        step: which syllable, from 1.

    Returns:
        figure, alt text.
    """
    words, said, weights, right = translation_of(params, number)
    k = min(step, len(said)) - 1
    fig, (bars, table) = plt.subplots(1, 2, figsize=(10, 4.6), width_ratios=(1, 2))
    colours = [ORANGE if w == weights[k].max() else BLUE for w in weights[k]]
    places = np.arange(len(words))
    bars.barh(places, weights[k], color=colours)
    bars.set_yticks(places, words, fontsize=9)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1), xlabel="attention weight", title=f"“{said[k]}”, step {k + 1}")
    verdict = "right" if right else "wrong"
    title = f"{number:,}: {' '.join(one for one in said if one != 'END')} ({verdict})"
    _, alt = draw_alignment(words, said, weights, title, ax=table, chosen=k)
    best = int(weights[k].argmax())
    return fig, (
        f"Step {k + 1} says '{said[k]}' and looks at '{words[best]}' with a weight of "
        f"{weights[k, best]:.2f}. {alt}"
    )


def translation_explorer(params, number=12_345_678):
    """Type a number, and slide over the syllables of its translation.

    Args:
        params: of a translator with attention.
        number: the first one.

    Returns:
        An Explorer with the controls `step` and `number`.
    """
    field = widgets.BoundedIntText(
        value=number,
        min=0,
        max=LARGEST,
        description="number",
        layout={"width": "260px"},
    )

    def draw(step, number):
        return draw_step(params, number, step)

    return Explorer(draw, step=slider("syllable", 1, 1, LONGEST), number=field)
