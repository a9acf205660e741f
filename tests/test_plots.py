"""Figures carry words, and explorers leave a picture where no kernel runs."""

import base64

import ipywidgets as widgets
import matplotlib.pyplot as plt
import pytest

from helpers import plots
from helpers.explorers import Explorer, slider


def line(slope):
    fig, ax = plt.subplots()
    ax.plot([0, 1], [0, slope])
    return fig, f"A line of slope {slope}."


def test_a_bundle_holds_the_picture_and_its_words():
    shown = plots.bundle(b"picture", 'rises, "steeply" & fast')
    assert base64.b64decode(shown["image/png"]) == b"picture"
    assert 'alt="rises, &quot;steeply&quot; &amp; fast"' in shown["text/html"]
    assert shown["text/plain"] == 'rises, "steeply" & fast'


def test_a_figure_without_words_is_refused():
    with pytest.raises(ValueError, match="alt: expected a sentence"):
        plots.show(line(1)[0], "  ")


def test_figures_are_closed_when_they_are_drawn():
    plots.png(line(1)[0])
    assert not plt.get_fignums()


def test_an_explorer_draws_anew_when_a_control_changes():
    explorer = Explorer(line, slope=slider("slope", 1, 0, 5))
    before = explorer.picture
    explorer.controls["slope"].value = 4
    assert explorer.picture != before and explorer.alt == "A line of slope 4."


def test_an_explorer_shows_controls_and_an_ordinary_picture(monkeypatch):
    seen = []
    monkeypatch.setattr("helpers.explorers.display", lambda *a, **k: seen.append((a, k)))
    Explorer(line, slope=slider("slope", 1, 0, 5))._ipython_display_()
    (panel,), _ = seen[0]
    (bundle,), how = seen[1]
    assert isinstance(panel, widgets.VBox)
    assert "image/png" in bundle and how["display_id"] is True


def test_sliders_take_whole_numbers_or_fractions():
    assert isinstance(slider("n", 1, 0, 5), widgets.IntSlider)
    assert isinstance(slider("x", 1.0, 0.0, 5.0, 0.5), widgets.FloatSlider)


def test_the_palette_is_used_for_every_line():
    with plt.rc_context():
        plots.use_style()
        colors = [c["color"] for c in plt.rcParams["axes.prop_cycle"]]
    assert tuple(colors) == plots.PALETTE
