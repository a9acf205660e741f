"""How figures look, set once: a palette that colour-blind readers can read, and alt text always."""

import base64
import html
import io

import matplotlib.pyplot as plt

# Okabe and Ito (2008): distinguishable with every common kind of colour blindness.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PINK, YELLOW, BLACK = "#56B4E9", "#CC79A7", "#F0E442", "#000000"
PALETTE = (BLUE, ORANGE, GREEN, RED, SKY, PINK, YELLOW, BLACK)

STYLE = {
    "figure.figsize": (7.0, 3.6),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": plt.cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "image.cmap": "cividis",
}


def use_style():
    """Set the look of every figure that is drawn from here on."""
    plt.rcParams.update(STYLE)


def png(fig):
    """The figure as PNG bytes; the figure is closed, so that it is not shown a second time."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    plt.close(fig)
    return buffer.getvalue()


def bundle(picture, alt):
    """A PNG as what a notebook displays: in HTML with its alt text, else the picture, else words.

    Raises:
        ValueError: alt is empty.
    """
    if not alt.strip():
        raise ValueError("alt: expected a sentence that says what the figure shows, got nothing")
    data = base64.b64encode(picture).decode("ascii")
    source = f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt, quote=True)}">'
    return {"text/html": source, "image/png": data, "text/plain": alt}


def show(fig, alt):
    """Show a figure in a notebook, with words for those who cannot see it.

    Args:
        fig: a Matplotlib figure; it is closed.
        alt: what the figure shows, in a sentence or two.
    """
    from IPython.display import display

    display(bundle(png(fig), alt), raw=True)
