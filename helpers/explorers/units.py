"""A text in the colours of one unit: slide over the units, and over the text."""

from helpers.diagrams.interpretable import draw_coloured
from helpers.explorers import Explorer, slider
from helpers.interpretable import auc

LINES = 8  # of a passage


def passage(text, line):
    """Where the passage that begins with a line starts and ends.

    Args:
        text: some lines.
        line: number of the first one, from 0.

    Returns:
        slice of `LINES` lines, or of as many as are left.
    """
    lines = text.splitlines(keepends=True)
    start = len("".join(lines[:line]))
    return slice(start, start + len("".join(lines[line : line + LINES])))


def followed(values, kinds):
    """What a unit follows best: a name of the dict `kinds`, and the AUC, both ways."""
    areas = {name: auc(values, feature) for name, feature in kinds.items()}
    name = max(areas, key=lambda name: abs(areas[name] - 0.5))
    return name, max(areas[name], 1 - areas[name])


def draw_unit(text, states, kinds, unit, line):
    """A passage in the colours of a unit.

    Args:
        text: T characters.
        states: (T, H) their states.
        kinds: dict from a name to a feature (T,), which says where it is true.
        unit: which one.
        line: the passage's first line, from 0.

    Returns:
        figure, alt text.
    """
    name, area = followed(states[:, unit], kinds)
    here = passage(text, line)
    title = f"Unit {unit}, from line {line}: of the features it follows {name} best, AUC {area:.2f}"
    return draw_coloured(text[here], states[here, unit], title, "activation")


def unit_explorer(text, states, kinds, unit=0, line=0):
    """Slide over the units of a model, and over the lines of a text.

    Args:
        text, states, kinds: as for `draw_unit`.
        unit, line: the first ones to be seen.

    Returns:
        An Explorer with the controls `unit` and `line`.
    """
    last = max(text.count("\n") - LINES, 0)

    def draw(unit, line):
        return draw_unit(text, states, kinds, unit, line)

    return Explorer(
        draw,
        unit=slider("unit", unit, 0, states.shape[1] - 1),
        line=slider("first line", line, 0, last),
    )
