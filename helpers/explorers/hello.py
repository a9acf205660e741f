"""Notebook 02: pictures of the character model that learns 'hello', and panels to explore it.

Inputs are orange, states blue, outputs green, as in notebook 01.
"""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers.embedding import one_hot
from helpers.explorers import Explorer, slider
from helpers.losses import softmax
from helpers.plots import BLACK, BLUE, GREEN, ORANGE, RED, SKY
from helpers.rnn import readout, rnn_unroll

GREY = "#999999"
LECTURE_SCORES = {"h": 1.0, "e": 2.2, "l": -3.0, "o": 4.1}  # CS231n, after the first character


# --- the net and its word -----------------------------------------------------------------------


def draw_hello_graph(scores=LECTURE_SCORES, inputs="hell", targets="ello", hidden=3):
    """The unrolled character model with one-hot inputs below and the scores of its first step.

    Args:
        scores: dict from each character to its score at the first step.
        inputs, targets: what goes in and what should come out.
        hidden: units of the state.

    Returns:
        figure, alt text.
    """
    characters = sorted(scores)
    V = len(characters)
    fig, ax = plt.subplots(figsize=(8, 5.4), layout="none")
    fig.subplots_adjust(0, 0, 1, 1)
    ax.set(xlim=(-3.6, 8.3), ylim=(-1.3, 14.2))
    ax.axis("off")
    for level, name in ((2, "one-hot input"), (6.2, "state"), (10.4, "scores")):
        ax.text(-3.4, level, name, va="center", fontsize=9.5)
    for row, c in enumerate(characters):
        for floor in (0, 8.4):
            ax.text(-0.85, floor + V - 0.5 - row, c, ha="center", va="center", fontsize=9.5)
    arrow = {"arrowstyle": "-|>", "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
    for t, (given, wanted) in enumerate(zip(inputs, targets, strict=True)):
        x = 2.3 * t
        _cells(ax, x, 0, [f"{int(c == given)}" for c in characters], ORANGE)
        _cells(ax, x, 5, [""] * hidden, BLUE, height=0.8)
        first = [f"{scores[c]:.1f}" for c in characters] if t == 0 else [""] * V
        _cells(ax, x, 8.4, first, GREEN)
        corner = x - 0.62, 8.4 + V - 1 - characters.index(wanted)
        ax.add_patch(Rectangle(corner, 1.24, 1, fc="none", ec=BLACK, lw=2.6, zorder=5))
        ax.annotate("", (x, 5), (x, 4), arrowprops=arrow)
        ax.annotate("", (x, 8.4), (x, 5 + 0.8 * hidden), arrowprops=arrow)
        if t:
            before = {**arrow, "color": BLUE}
            ax.annotate("", (x - 0.64, 6.2), (x - 1.66, 6.2), arrowprops=before)
        ax.text(x, -0.7, f"'{given}' goes in", ha="center", fontsize=9.5)
        ax.text(x, 12.7, f"wanted: '{wanted}'", ha="center", fontsize=9.5)
    ax.annotate("", (-0.64, 6.2), (-1.4, 6.2), arrowprops={**arrow, "color": BLUE})
    ax.text(-1.5, 6.2, "$h_0$", ha="right", va="center", fontsize=11)
    said = max(scores, key=scores.get)
    title = f"The lecture's scores: after '{inputs[0]}' the net says '{said}', not '{targets[0]}'"
    ax.text(-3.4, 13.6, title, fontsize=11)
    numbers = ", ".join(f"{c} {scores[c]:.1f}" for c in characters)
    alt = (
        f"A recurrent network unrolled over {len(inputs)} steps. The one-hot vectors of "
        f"{', '.join(inputs)} go in at the bottom, states of {hidden} units are passed from left "
        f"to right beginning with h_0, scores for {', '.join(characters)} come out on top; the "
        f"wanted {', '.join(targets)} are framed. The first step's scores are {numbers}, so it "
        f"says {said}."
    )
    return fig, alt


def _cells(ax, x, floor, labels, colour, height=1.0):
    """A column of squares, the first label on top."""
    for k, label in enumerate(reversed(labels)):
        corner = x - 0.62, floor + k * height
        filled = label not in ("", "0")
        box = Rectangle(corner, 1.24, height, fc=colour, ec=colour, alpha=0.3 if filled else 0.08)
        ax.add_patch(box)
        edge = Rectangle(corner, 1.24, height, fc="none", ec=colour, lw=1.3, zorder=3)
        ax.add_patch(edge)
        ax.text(x, corner[1] + height / 2, label, ha="center", va="center", fontsize=9.5, zorder=4)


def draw_verdict(scores, probabilities, target, characters):
    """One step's scores, the probabilities they become, and the loss of the right answer.

    Args:
        scores, probabilities: (V,).
        target: index of the right character.
        characters: the V characters.

    Returns:
        figure, alt text.
    """
    fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.2))
    colours = [GREEN if k == target else GREY for k in range(len(scores))]
    for ax, values, what in zip(
        axes[:2], (scores, probabilities), ("score", "probability"), strict=True
    ):
        ax.bar(list(characters), values, color=colours)
        ax.axhline(0, color=BLACK, lw=0.8)
        ax.set(xlabel="next character", ylabel=what)
    right, said = characters[target], characters[int(np.argmax(scores))]
    axes[0].set_title(f"'{said}' has the highest score")
    axes[1].set(title=f"softmax gives '{right}' {probabilities[target]:.1%}", ylim=(0, 1))
    p = np.linspace(0.01, 1, 200)
    loss = -np.log(probabilities[target])
    axes[2].plot(p, -np.log(p), color=BLUE)
    axes[2].plot(probabilities[target], loss, "o", color=RED, ms=8)
    axes[2].annotate(
        f"{loss:.2f}", (probabilities[target], loss), xytext=(9, 3), textcoords="offset points"
    )
    axes[2].plot(1 / len(scores), np.log(len(scores)), "s", color=ORANGE, ms=7)
    axes[2].annotate("blind guess", (1 / len(scores), np.log(len(scores))), xytext=(9, 3),
                     textcoords="offset points")  # fmt: skip
    axes[2].set(xlabel="probability of the right answer", ylabel="loss (nats)")
    verdict = "worse" if loss > np.log(len(scores)) else "no worse"
    axes[2].set_title(f"{verdict} than a blind guess")
    shares = ", ".join(f"{c} {v:.3f}" for c, v in zip(characters, probabilities, strict=True))
    alt = (
        f"Bars of the scores, highest at '{said}'; bars of the probabilities, {shares}; the curve "
        f"loss = -ln p, on which the right answer '{right}' stands at {loss:.2f} nats, {verdict} "
        f"than a blind guess at {np.log(len(scores)):.2f}."
    )
    return fig, alt


# --- learning -----------------------------------------------------------------------------------


def draw_learning(losses, bound, start):
    """Loss while training, with and without memory, and the bound of every memoryless model.

    Args:
        losses: dict from a net's name to its losses, one a training step.
        bound: nats that no model without memory can go below.
        start: nats of a net that knows nothing.

    Returns:
        figure, alt text.
    """
    fig, ax = plt.subplots(figsize=(7.6, 3.8))
    for (name, curve), colour, dash in zip(losses.items(), (BLUE, RED), ("-", "--"), strict=True):
        ax.plot(curve, color=colour, ls=dash, lw=2, label=name)
    ax.axhline(bound, color=BLACK, lw=1, ls=":", label=f"bound without memory: {bound:.3f}")
    ax.plot(0, start, "s", color=ORANGE, label=f"knows nothing: {start:.3f}")
    ax.set(xlabel="training step", ylabel="loss of 'hell' → 'ello' (nats, sum)", ylim=(0, None))
    ax.set_title("Without memory the loss stays above the bound; with memory it goes through")
    ax.legend()
    ends = "; ".join(f"{name} from {c[0]:.2f} to {c[-1]:.2f}" for name, c in losses.items())
    alt = (
        f"Loss against training step. {ends}. A dotted line marks the bound without memory, "
        f"{bound:.2f} nats; only the net with memory goes below it."
    )
    return fig, alt


def draw_states(states, inputs="hell"):
    """The states after each character, for several nets, as numbers on colours.

    Args:
        states: dict from a net's name to its states (T, H).
        inputs: the T characters.

    Returns:
        figure, alt text.
    """
    fig, axes = plt.subplots(1, len(states), figsize=(7.6, 2.9), squeeze=False)
    for ax, (name, h) in zip(axes[0], states.items(), strict=True):
        image = ax.imshow(h, vmin=-1, vmax=1, aspect="auto")
        for (t, k), value in np.ndenumerate(h):
            colour = "white" if value < 0.1 else "black"
            ax.text(k, t, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=9)
        ax.set(title=name, xlabel="unit of the state", xticks=range(h.shape[1]))
        ax.set_yticks(
            range(len(inputs)), [f"after '{inputs[: t + 1]}'" for t in range(len(inputs))]
        )
        ax.grid(False)
    fig.colorbar(image, ax=axes, label="state")
    alt = "States after each character. " + " ".join(
        f"{name}: " + "; ".join(
            f"after {inputs[: t + 1]} {', '.join(f'{v:.2f}' for v in row)}"
            for t, row in enumerate(h)
        ) + "."
        for name, h in states.items()
    )  # fmt: skip
    return fig, alt


def draw_scores(history, losses, step, characters, inputs="hell", targets="ello"):
    """The scores at every time step, after so many steps of training.

    Args:
        history: (K, T, V) scores after 0, 1, ... training steps.
        losses: (K,) losses in nats.
        step: which of them to draw.
        characters: the V characters.
        inputs, targets: the T characters that go in and that should come out.

    Returns:
        figure, alt text.
    """
    scores = history[step]  # (T, V)
    chances, said = softmax(scores), scores.argmax(axis=-1)
    low, high = min(history.min(), -1), max(history.max(), 1)
    fig, axes = plt.subplots(1, len(inputs), figsize=(9.5, 3.4), sharey=True, layout="none")
    fig.subplots_adjust(0.07, 0.14, 0.99, 0.74, wspace=0.08)
    for t, ax in enumerate(axes):
        right = characters.index(targets[t])
        colours = [GREEN if k == right else GREY for k in range(len(characters))]
        bars = ax.bar(range(len(characters)), scores[t], color=colours)
        bars[said[t]].set(edgecolor=BLACK, linewidth=2.5)
        ax.axhline(0, color=BLACK, lw=0.8)
        ax.set_xticks(range(len(characters)), characters)
        ax.set(ylim=(1.1 * low, 1.1 * high), xlabel="next character")
        ax.set_title(
            f"reads '{inputs[t]}', says '{characters[said[t]]}'\n"
            f"p('{targets[t]}') = {chances[t, right]:.2f}",
            fontsize=10,
        )
    axes[0].set_ylabel("score")
    answer = "".join(characters[k] for k in said)
    fig.text(
        0.07, 0.93, f"After {step} training steps: '{inputs}' is answered by '{answer}', "
        f"loss {losses[step]:.3f} nats (green: right answer, framed: highest score)", fontsize=10.5,
    )  # fmt: skip
    alt = f"After {step} training steps, loss {losses[step]:.3f}. " + " ".join(
        f"Reading '{inputs[t]}' the scores are "
        + ", ".join(
            f"{c} {v:.2f}" for c, v in zip(characters, scores[t].round(2) + 0.0, strict=True)
        )
        + f"; '{targets[t]}' is right."
        for t in range(len(inputs))
    )
    return fig, alt


def training_explorer(history, losses, characters, inputs="hell", targets="ello", step=10):
    """Slide through the training of the net and watch its scores at each time step.

    Args: as in `draw_scores`; `step` is where the slider stands at first.

    Returns:
        An Explorer with the control `step`.
    """
    history, losses = np.asarray(history), np.asarray(losses)
    if len(history) != len(losses) or not len(losses):
        raise ValueError(
            f"losses: expected one for each of the {len(history)} recorded scores, at least one, "
            f"got {len(losses)}; record both at every training step"
        )

    def draw(step):
        return draw_scores(history, losses, step, characters, inputs, targets)

    return Explorer(
        draw, step=slider("Training step", min(step, len(losses) - 1), 0, len(losses) - 1)
    )


# --- writing ------------------------------------------------------------------------------------


def draw_writing(chances, text, prompt, temperature, characters, most=9):
    """The distribution of the next character, and a text written with it.

    Args:
        chances: (V,) probabilities of the character after the prompt.
        text: what was written.
        prompt: what the model was given to read first.
        temperature: at which it wrote.
        characters: the V characters.
        most: how many of the likeliest characters to show.

    Returns:
        figure, alt text.
    """
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(9.5, 3.5), width_ratios=(1, 2.1), layout="none"
    )
    fig.subplots_adjust(0.11, 0.15, 0.99, 0.88, wspace=0.08)
    order = np.argsort(-chances, kind="stable")[:most][::-1]
    names = ["space" if characters[k] == " " else characters[k] for k in order]
    left.barh(range(len(order)), chances[order], color=SKY)
    left.set_yticks(range(len(order)), [name.replace("$", r"\$") for name in names])
    left.set(xlim=(0, 1), xlabel="probability", title=f"next after '{prompt}'")
    right.axis("off")
    right.set_title(f"written at temperature {temperature:.1f}")
    lines = textwrap.wrap(prompt + text, 62, break_on_hyphens=False)
    right.text(
        0, 0.97, "\n".join(lines), va="top", family="monospace", fontsize=10, parse_math=False,
        linespacing=1.5, transform=right.transAxes,
    )  # fmt: skip
    alt = (
        f"At temperature {temperature:.1f} the likeliest character after '{prompt}' is "
        f"'{names[-1]}' with probability {chances.max():.2f}. The model writes: {prompt}{text}"
    )
    return fig, alt


def temperature_explorer(params, sample, char_to_ix, prompt="the argument ", n=480):
    """Slide the temperature and read what the model writes.

    Args:
        params: of a character model.
        sample: a function as in notebook 02; it does the writing.
        char_to_ix: the model's vocabulary.
        prompt: what it reads first, in characters of the vocabulary; at least two.
        n: characters to write.

    Returns:
        An Explorer with the controls `temperature` and `draw_number`.
    """
    characters = sorted(char_to_ix, key=char_to_ix.get)
    V, H = params["Wx"].shape
    read = np.array([[char_to_ix[c] for c in prompt]])  # (1, T)
    states = rnn_unroll(
        one_hot(read, V), np.zeros((1, H)), params["Wx"], params["Wh"], params["b"]
    )  # (1, T, H)
    scores = readout(states, params["Wy"], params["by"])[0, -1]  # (V,)

    def draw(temperature, draw_number):
        rng = np.random.default_rng(draw_number)
        # sample reads the prompt's last character itself, so it starts from the state before it.
        written = sample(states[:, -2], int(read[0, -1]), n, params, temperature, rng)
        chances = softmax(scores / temperature) if temperature else one_hot(scores.argmax(), V)
        text = "".join(characters[k] for k in written)
        return draw_writing(chances, text, prompt, temperature, characters)

    return Explorer(
        draw,
        temperature=slider("Temperature", 0.5, 0.0, 2.0, 0.1),
        draw_number=slider("Draw number (seed)", 0, 0, 20),
    )
