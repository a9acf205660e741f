"""Where the attention captioner looks: word by word, and on scenes that you draw yourself."""

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.captioning import attention_stepper, greedy_captions
from helpers.data.scenes import CELL, END, GRID, PLACE_NAMES, PLACES, START, WORDS, patches_of
from helpers.explorers import Explorer, slider

LONGEST = 11  # words and END
INK = {"#": 1.0, "+": 0.5, ".": 0.0, " ": 0.0}
_LIT = np.array([0.90, 0.62, 0.0])  # the palette's orange

# Three digits to begin with; '#' is ink, '+' half of it.
DRAWINGS = {
    "seven": """
.######.
.+++###.
....##+.
...+##..
..#####.
..+##+..
..##+...
..##....""",
    "zero": """
..+##+..
.+####+.
.##++##.
.##..##.
.##..##.
.##++##.
.+####+.
..+##+..""",
    "one": """
....##..
..+###..
.+####..
..+###..
...###..
...###..
...###..
...###..""",
}


def caption_with_looks(params, images):
    """Captions and where the network looked.

    Args:
        params: of the attention captioner.
        images: (N, 24, 24).

    Returns:
        list of N lists of words, and the weights (N, steps, places): a row a word, then END's.
    """
    step = attention_stepper(params, patches_of(images))
    captions, looks = greedy_captions(step, len(images), START, END, LONGEST)
    return [[WORDS[token] for token in caption] for caption in captions], looks


def lit(image, weights):
    """The scene (24, 24, 3) with the places lit by their weights: ink black, attention orange."""
    light = np.kron(weights.reshape(GRID, GRID), np.ones((CELL, CELL)))[..., None]
    paper = 1 - light * (1 - _LIT)
    return paper * (1 - np.clip(image, 0, 1))[..., None]


def _where(weights):
    best = int(weights.argmax())
    return f"{PLACE_NAMES[best]} ({weights[best]:.2f})"


def _grid_lines(ax, left=0.0, top=0.0):
    for k in range(1, GRID):
        ax.plot([left + k * CELL - 0.5] * 2, [top - 0.5, top + 23.5], color="grey", lw=0.4)
        ax.plot([left - 0.5, left + 23.5], [top + k * CELL - 0.5] * 2, color="grey", lw=0.4)


def draw_word(image, words, weights, word):
    """The scene as it is looked at for one word, and the weights of all words.

    Args:
        image: (24, 24).
        words: of the caption.
        weights: (steps, places), a row a word, then END's.
        word: which one, from 1.

    Returns:
        figure, alt text.
    """
    said = [*words, "END"][:LONGEST]
    k = min(word, len(said)) - 1
    fig, (scene, table) = plt.subplots(1, 2, figsize=(9, 3.7), width_ratios=(1, 1.5))
    scene.imshow(lit(image, weights[k]))
    _grid_lines(scene)
    scene.set(xticks=[], yticks=[], title=f"“{said[k]}”: looks at the {_where(weights[k])}")
    shown = table.imshow(weights[: len(said)].T, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    table.add_patch(
        plt.Rectangle((k - 0.5, -0.5), 1, PLACES, fill=False, ec=tuple(_LIT), lw=2.5, zorder=3)
    )
    table.set_xticks(range(len(said)), said, rotation=45, ha="right", fontsize=9)
    table.set_yticks(range(PLACES), PLACE_NAMES, fontsize=8)
    table.set_title(" ".join(words), fontsize=9)
    fig.colorbar(shown, ax=table, fraction=0.05, label="attention weight")
    for ax in (scene, table):
        ax.grid(False)
    return fig, (
        f"Word {k + 1} of the caption '{' '.join(words)}' is '{said[k]}': the largest weight lies "
        f"at the {_where(weights[k])}. Beside the scene a table of all weights, a column a word "
        "and a row a place."
    )


def draw_words(image, words, weights, title=None):
    """The scene once for every word, lit where the network looks while it says the word.

    Args:
        image, words, weights: as for `draw_word`.
        title: in place of the caption.

    Returns:
        figure, alt text.
    """
    columns, pitch_x, pitch_y = 5, 29, 33
    said = [*words, "END"][:LONGEST]
    rows = -(-len(said) // columns)
    sheet = np.ones((rows * pitch_y, columns * pitch_x, 3))
    fig, ax = plt.subplots(figsize=(8.4, 0.4 + 1.9 * rows))
    for k, word in enumerate(said):
        top, left = pitch_y * (k // columns) + 7, pitch_x * (k % columns) + 2
        sheet[top : top + 24, left : left + 24] = lit(image, weights[k])
        _grid_lines(ax, left, top)
        ax.plot(left + np.array([0, 24, 24, 0, 0]) - 0.5, top + np.array([0, 0, 24, 24, 0]) - 0.5,
                color="black", lw=0.8)  # fmt: skip
        best = weights[k].max()
        ax.text(left + 11.5, top - 1.5, f"{word}  {best:.2f}", ha="center", fontsize=9.5)
    ax.imshow(sheet)
    ax.axis("off")
    ax.set_title(title or f"“{' '.join(words)}”")
    looked = "; ".join(f"{w}: {_where(row)}" for w, row in zip(said, weights, strict=False))
    return fig, (
        f"The scene once for each word of '{' '.join(words)}', its nine cells lit by the attention "
        f"weights; the largest ones are {looked}."
    )


def looking_explorer(params, images):
    """Slide over the words of a caption and watch where the network looks.

    Args:
        params: of the attention captioner.
        images: (N, 24, 24) scenes to choose from.

    Returns:
        An Explorer with the controls `word` and `scene`.
    """
    captions, looks = caption_with_looks(params, images)
    choice = widgets.Dropdown(
        options=[(f"{k + 1}: {' '.join(words)}", k) for k, words in enumerate(captions)],
        value=0,
        description="scene",
        layout={"width": "460px"},
    )

    def draw(word, scene):
        return draw_word(images[scene], captions[scene], looks[scene], word)

    return Explorer(draw, word=slider("word of the caption", 1, 1, LONGEST), scene=choice)


# --- your own scene -----------------------------------------------------------------------------


def drawn_digit(text):
    """A drawing of text lines as a cell of a scene: '#' is ink, '+' half of it, '.' none.

    Args:
        text: up to 8 lines of up to 8 characters; shorter ones are filled up, blank lines around
            the drawing are left out.

    Returns:
        (8, 8) between 0 and 1.

    Raises:
        ValueError: too many lines or characters, or others than these.
    """
    lines = [line.rstrip() for line in text.strip("\n").split("\n")]
    if len(lines) > CELL or max(map(len, lines)) > CELL:
        raise ValueError(
            f"drawing: expected at most {CELL} lines of {CELL} characters, got {len(lines)} lines, "
            f"the longest of {max(map(len, lines))}; cut it"
        )
    odd = sorted(set("".join(lines)) - set(INK))
    if odd:
        raise ValueError(f"drawing: expected '#', '+' and '.', got {odd[0]!r}; replace it")
    cell = np.zeros((CELL, CELL))
    for row, line in enumerate(lines):
        cell[row, : len(line)] = [INK[character] for character in line]
    return cell


def drawn_scene(drawings):
    """A scene of drawings.

    Args:
        drawings: dict from the number of a place, 1 to 9 in reading order, to a drawing in text
            lines or to an array (8, 8).

    Returns:
        (24, 24) float32.
    """
    scene = np.zeros((GRID * CELL, GRID * CELL), np.float32)
    for place, drawing in drawings.items():
        if not 1 <= place <= PLACES:
            raise ValueError(f"place: expected 1 to {PLACES}, got {place}; count along the rows")
        row, column = CELL * ((place - 1) // GRID), CELL * ((place - 1) % GRID)
        cell = drawn_digit(drawing) if isinstance(drawing, str) else drawing
        scene[row : row + CELL, column : column + CELL] = cell
    return scene


def draw_captioned(params, scene):
    """A scene captioned by the network, with a look a word.

    Args:
        params: of the attention captioner.
        scene: (24, 24).

    Returns:
        figure, alt text.
    """
    captions, looks = caption_with_looks(params, scene[None])
    return draw_words(scene, captions[0], looks[0])


def drawing_explorer(params, drawing=DRAWINGS["seven"]):
    """Draw a digit in characters, put it somewhere, give it company, and read the caption.

    Args:
        params: of the attention captioner.
        drawing: what stands in the text field at first.

    Returns:
        An Explorer with the controls `place`, `company` and `drawing`.
    """
    field = widgets.Textarea(
        value=drawing.strip("\n"),
        description="# ink, + half",
        continuous_update=False,
        rows=CELL + 1,
        style={"description_width": "initial"},
        layout={"width": "300px"},
    )
    company = widgets.Dropdown(
        options=[
            ("nobody", {}),
            ("a zero in the centre", {5: "zero"}),
            ("a zero in the centre, a one at the bottom right", {5: "zero", 9: "one"}),
        ],
        description="company",
        layout={"width": "460px"},
    )

    def draw(place, company, drawing):
        others = {k: DRAWINGS[name] for k, name in company.items()}
        try:
            return draw_captioned(params, drawn_scene(others | {place: drawing}))
        except ValueError as error:
            return _cannot_read(error)

    place = slider("place of your digit", 1, 1, PLACES)
    return Explorer(draw, place=place, company=company, drawing=field)


def _cannot_read(error):
    fig, ax = plt.subplots(figsize=(8.4, 1.2))
    ax.axis("off")
    ax.text(0, 0.5, str(error), fontsize=10, va="center")
    return fig, f"The drawing cannot be read. {error}"
