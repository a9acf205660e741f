"""Panels of sliders and buttons to explore with; nothing that is graded depends on them."""

import ipywidgets as widgets
from IPython.display import display

from helpers import plots


class Explorer:
    """Controls above a figure that is drawn anew whenever one of them changes.

    The figure is an output of its own, so that a page without a kernel still shows it.

    Args:
        draw: takes the controls' values by name, returns (figure, alt text).
        controls: ipywidgets by name, each with a `value`.

    Attributes:
        controls: the controls by name.
        picture: the figure as PNG bytes.
        alt: what it shows, in words.
    """

    def __init__(self, draw, **controls):
        self.draw = draw
        self.controls = controls
        self.shown = None
        for control in controls.values():
            control.observe(self._redraw, names="value")
        self._redraw()

    def _redraw(self, _change=None):
        fig, self.alt = self.draw(**{name: c.value for name, c in self.controls.items()})
        self.picture = plots.png(fig)
        if self.shown:
            self.shown.update(plots.bundle(self.picture, self.alt), raw=True)

    def _ipython_display_(self):
        display(widgets.VBox(list(self.controls.values())))
        self.shown = display(plots.bundle(self.picture, self.alt), raw=True, display_id=True)


def slider(description, value, low, high, step=1, **more):
    """A slider with its label in full, for integers or floats as `step` is."""
    kind = widgets.IntSlider if isinstance(step, int) else widgets.FloatSlider
    return kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=description,
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": "460px"},
        **more,
    )
