"""A digit drawn step by step, and what becomes of it when one latent number is another."""

import matplotlib.pyplot as plt
import numpy as np

from helpers.diagrams.drawing import draw_pictures
from helpers.draw import bernoulli_loss, canvases, imagine
from helpers.explorers import Explorer, slider
from helpers.lstm import sigmoid
from helpers.plots import BLUE, ORANGE

STEPS = 8


def drawings_of(params, image, step, latent, value):
    """An image drawn as the network would, and once more with one number changed.

    The encoder's means are taken, without noise; the decoder alone draws the second one, from the
    same numbers but for the one.

    Args:
        params: of the drawing network.
        image: (64,).
        step, latent: which number, both from 1.
        value: what it is set to.

    Returns:
        two canvases after every step (T, 64), kl of every step (T,), and what the number was.
    """
    Z = len(params["dec_Wx"])
    x = image[None].astype(params["bc"].dtype)
    drawn, kl, z = canvases(x, np.zeros((STEPS, 1, Z), x.dtype), params)
    other = z.copy()
    other[step - 1, 0, latent - 1] = value
    changed = imagine(other, params)
    return drawn[:, 0], changed[:, 0], kl[:, 0], float(z[step - 1, 0, latent - 1])


def draw_change(params, images, digit, step, latent, value):
    """The explorer's figure.

    Args:
        params: of the drawing network.
        images: (n, 64) to choose from.
        digit: which of them, from 1.
        step, latent, value: as in `drawings_of`.

    Returns:
        figure, alt text.
    """
    image = images[digit - 1]
    drawn, changed, kl, was = drawings_of(params, image, step, latent, value)
    fig, (sheet, bars) = plt.subplots(1, 2, figsize=(10, 2.9), width_ratios=(3.4, 1))
    rows = np.stack([sigmoid(drawn), sigmoid(changed)])
    rows = np.concatenate([np.broadcast_to(image, (2, 1, 64)), rows], axis=1)
    steps = [f"step {t}" for t in range(1, STEPS + 1)]
    title = f"Step {step}, number {latent}: {was:.1f} as the encoder has it, {value:.1f} below"
    names, columns = ("as it is", "changed"), ("image", *steps)
    draw_pictures(rows, names, title, columns, ax=sheet, frame=(1, step))
    colours = [ORANGE if t == step else BLUE for t in range(1, STEPS + 1)]
    bars.bar(range(1, STEPS + 1), kl, color=colours)
    bars.set(xlabel="step", ylabel="kl, nats", title="What each step says", ylim=(0, None))
    bars.set_xticks(range(1, STEPS + 1))
    costs = [bernoulli_loss(one[-1:], image[None].astype(one.dtype))[0] for one in (drawn, changed)]
    return fig, (
        f"Digit {digit} drawn in {STEPS} steps, and below the same with number {latent} of step "
        f"{step} set from {was:.1f} to {value:.1f}. The pixels cost {costs[0]:.1f} nats as it is, "
        f"{costs[1]:.1f} changed. Step {step} says {kl[step - 1]:.2f} nats of {kl.sum():.2f}."
    )


def drawing_explorer(params, images):
    """Slide over digits, steps, and the numbers that the encoder hands to the decoder.

    Args:
        params: of the drawing network.
        images: (n, 64) to choose from.

    Returns:
        An Explorer with the controls `digit`, `step`, `latent` and `value`.
    """

    def draw(digit, step, latent, value):
        return draw_change(params, images, digit, step, latent, value)

    return Explorer(
        draw,
        digit=slider("digit", 1, 1, len(images)),
        step=slider("step", 1, 1, STEPS),
        latent=slider("latent number", 1, 1, len(params["dec_Wx"])),
        value=slider("its value", -2.0, -3.0, 3.0, 0.5),
    )
