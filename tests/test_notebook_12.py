"""Notebook 12: it runs, its pictures are there, and its prose says what its cells show."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from notebook_runner import expect_training_to_go_on, numbers

import helpers
from helpers import draw
from helpers.data import load_digits
from helpers.diagrams.drawing import draw_pictures, draw_step
from helpers.explorers import drawing as explorer
from helpers.losses import softmax
from helpers.lstm import sigmoid
from helpers.optim import adam_update
from helpers.plots import png

NAME = "12_draw"
TARGETS = ["bound-curves", "canvas-steps", "drawn-digits"]
PICTURES = [*TARGETS, "digits-shown", "binarised", "step-drawn", "explore-drawing"]
# One fixture for many tests: keep them on one worker.
pytestmark = pytest.mark.xdist_group(NAME)


@pytest.mark.parametrize("cell", PICTURES)
def test_pictures_are_shown(ran, cell):
    assert ran.pictures(cell) == 1
    assert len(ran.text(cell)) > 60  # in words too


# --- what the prose says ------------------------------------------------------------------------

QUOTED = [
    ("a-picture-read", "digits-shown", ["397", "64"]),
    ("about-bernoulli-loss", "binarised", ["27.08"]),
    ("about-bernoulli-loss", "blank-shown", ["0.693", "44.361"]),
    ("about-latent-forward", "latent-shown", ["0.5", "0.318"]),
    ("about-draw-loss", "noise-shown", ["44.361"]),
    ("before-training", "binarised", ["27.08"]),
]


@pytest.mark.parametrize("prose, cell, quoted", QUOTED)
def test_numbers_in_the_prose_are_those_that_a_cell_prints(ran, sources, prose, cell, quoted):
    printed = numbers(ran.text(cell).replace("(", " ").replace(",", " "))
    for number in quoted:
        whole = rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)"
        assert re.search(whole, sources[prose]), f"{prose} does not say {number}"
        assert any(abs(float(number) - x) < 1e-9 for x in printed), f"{cell}: no {number}"


def test_what_the_prose_says_of_the_data_and_the_networks(sources):
    assert "1,400 to learn from and 397 others" in sources["a-picture-read"]
    assert "eight steps, four latent numbers a step, 64 units" in sources["before-training"]
    assert 'begin("eight steps", 8, 4), begin("one step", 1, 32)' in sources["set-up-training"]
    assert "H=64" in sources["set-up-training"]
    assert f"{np.log(10):.2f}" in sources["rough-to-fine"]
    assert explorer.STEPS == 8


def test_pixel_13(sources):
    assert "pixel 13 of an image" in sources["about-read-rows"]
    assert draw.read_rows(np.arange(64.0)[None])[0, 1, 5] == 13


def test_the_reader_reads_and_knows_late(ran):
    assert numbers(ran.text("train-reader"))[-2] > 0.95
    after = [numbers(line)[1] for line in ran.text("after-each-row").strip().splitlines()]
    assert after[-1] > 0.95 and max(after[:3]) < 0.3  # "in the last rows"
    assert after[6] - after[3] > 0.4


def test_kl_agrees_with_what_is_measured_on_draws(ran):
    lines = ran.text("latent-shown").strip().splitlines()
    rows = [
        re.search(r"σ = (.*): kl (.*); measured on draws (.*?); .*width (.*)", x) for x in lines
    ]
    for sigma, kl, measured, width in (map(float, row.groups()) for row in rows):
        assert abs(kl - measured) < 0.011 and abs(width - sigma) < 0.011


def test_noise_has_to_be_handed_in(ran):
    _, own, fixed, anew = numbers(ran.text("noise-shown"))
    assert own == fixed and abs(anew - own) > 10


def ends(ran):
    """Mean bound of each network, and the lowest and highest of the draws."""
    rows = re.findall(
        r"^(eight steps|one step): ([\d.]+) nats, mean of 16 .*noise, ([\d.]+) to ([\d.]+)$",
        ran.text("bound-curves"),
        re.MULTILINE,
    )
    return {name: [float(x) for x in values] for name, *values in rows}


def test_the_bound_keeps_its_promise(ran):
    mean, low, high = ends(ran)["eight steps"]
    assert low <= mean <= 23.0  # 22.7 where this was written
    assert max(mean - low, high - mean) < 0.4  # "up to two tenths"
    seconds = numbers(ran.text("train-both").split("eight steps")[1])[1]
    assert seconds <= 90  # of CPU: 25 where this was written, and other machines are slower


def test_eight_steps_end_below_one(ran):
    found = ends(ran)
    assert 0.4 < found["one step"][0] - found["eight steps"][0] < 1.4  # "nearly a nat"
    assert max(mean for mean, *_ in found.values()) < 27.08 - 2


def table(ran):
    """A row a step: its number, what it says, what the pixels cost, how many are named right."""
    lines = ran.text("canvas-steps").splitlines()
    return np.array([numbers(line) for line in lines if re.match(r" +\d ", line)])


def test_the_canvas_goes_from_rough_to_fine(ran):
    rows = table(ran)
    assert rows.shape == (8, 4)
    assert (np.diff(rows[:, 1]) < 0).all()  # each step says less than the one before
    assert (np.diff(rows[:, 2]) < 0).all()
    said, named = numbers(ran.text("canvas-steps").splitlines()[-1])[:2]
    assert abs(said - rows[:, 1].sum()) < 0.05 and 2.3 < said < 4.5  # "less than four nats"
    assert named > rows[-1, 3] > rows[0, 3] + 0.3  # fewer than of the images themselves


def judged(ran):
    """By kind of picture: share surer than 0.9, mean chance, and the shares of ten classes."""
    rows = re.findall(r"^(real|drawn|mixed) +(.*)$", ran.text("drawn-digits"), re.MULTILINE)
    return {name: np.array(numbers(row)) for name, row in rows}


def test_drawn_digits_are_recognised(ran):
    rows = judged(ran)
    assert rows["real"][0] > rows["drawn"][0] > rows["mixed"][0] + 0.2
    assert rows["drawn"][0] > 0.6 and rows["real"][0] > 0.85
    assert rows["drawn"][2:].min() > 0.04 and rows["drawn"][2:].max() < 0.2  # "about equally often"
    assert rows["mixed"][0] > 0.1  # "quite sure of too many blots"
    assert re.search(r"names 0\.9[5-9]\d right", ran.text("drawn-digits"))


def test_they_are_not_learned_by_heart(ran):
    found = re.findall(r"^(real|drawn): ([\d.]+) from", ran.text("drawn-digits"), re.MULTILINE)
    far = {name: float(x) for name, x in found}
    assert far["drawn"] > 0.8 * far["real"]


# --- training -----------------------------------------------------------------------------------

EXERCISES = ["read_rows", "classify", "bernoulli_loss", "latent_forward", "latent_backward",
             "draw_step_forward", "draw_step_backward", "draw_loss"]  # fmt: skip
SET_UP = ["imports", "digits-shown", *EXERCISES, "binarised", "set-up-training"]


@pytest.fixture
def names(sources, monkeypatch):
    monkeypatch.setattr(helpers.plots, "show", lambda fig, alt: plt.close(fig))
    names = {}
    for cell in SET_UP:
        exec(sources[cell], names)
    training = sources["train-both"]
    exec(training[: training.index("for run in (eight")], names)
    return names


def test_training_goes_on_where_it_was_interrupted(names, capsys):
    expect_training_to_go_on(names, names["single"], "Wz", capsys)


def test_float32_stays_float32_in_training(names):
    for run in (names["eight"], names["single"]):
        names["update"](run, 2400)
        assert {a.dtype for a in run["params"].values()} == {np.dtype(np.float32)}


@pytest.mark.slow
def test_another_seed_tells_the_same(names):
    run = names["begin"]("another", 8, 4, seed=1)
    names["train"](run)
    assert np.mean(names["bounds"](run, 16, seed=1)) <= 23.0


# --- answers to the questions -------------------------------------------------------------------


def drawer(rng):
    params = draw.init_draw(rng, P=4, H=3, Z=2, dtype=np.float64)
    return params, rng.random((3, 4)), rng.standard_normal((5, 3, 2))


def test_with_all_parameters_zero_only_bc_learns():
    params, images, noise = drawer(np.random.default_rng(0))
    _, grads = draw.draw_loss(images, noise, {k: 0 * a for k, a in params.items()})
    assert [name for name, grad in grads.items() if grad.any()] == ["bc"]


def test_kl_depends_on_noise_from_the_second_step_on():
    params, images, noise = drawer(np.random.default_rng(0))
    _, kl, _ = draw.canvases(images, noise, params)
    _, other, _ = draw.canvases(images, noise + 1, params)
    assert np.array_equal(kl[0], other[0]) and not np.isclose(kl[1:], other[1:]).any()


def test_a_wrong_gradient_at_the_canvas_makes_the_weights_of_the_step_before_wrong():
    params, images, noise = drawer(np.random.default_rng(0))
    state, caches = draw.blank(3, params), []
    for step in noise[:3]:
        state, _, cache = draw.draw_step_forward(images, state, step, params)
        caches.append(cache)
    dstate = {k: np.ones_like(a) for k, a in state.items()}
    before, _ = draw.draw_step_backward(dstate, np.ones(3), caches[2])
    _, right = draw.draw_step_backward(before, np.ones(3), caches[1])
    one_way = {**before, "canvas": dstate["canvas"]}
    _, wrong = draw.draw_step_backward(one_way, np.ones(3), caches[1])
    assert not any(np.allclose(right[name], wrong[name]) for name in right)


@pytest.mark.slow
def test_rows_from_below_are_learned_as_well():
    (images, labels), (exam, wanted) = (load_digits(split) for split in ("train", "test"))
    images, exam = (a[:, ::-1].reshape(-1, 64).astype(np.float32) for a in (images, exam))
    rng = np.random.default_rng(0)
    params = draw.init_classifier(rng)
    moments = {name: (np.zeros_like(a), np.zeros_like(a)) for name, a in params.items()}
    for step in range(1, 601):
        batch = rng.integers(0, len(images), 64)
        x, one_hot = images[batch], np.eye(10, dtype=np.float32)[labels[batch]]
        dscores = (softmax(draw.classify(x, params)) - one_hot) / 64
        for name, grad in draw.classify_backward(dscores, x, params).items():
            adam_update(params[name], grad, *moments[name], step, 0.01 * 0.05 ** (step / 600))
    assert (draw.classify(exam, params).argmax(axis=1) == wanted).mean() > 0.95


@pytest.mark.slow
def test_without_kl_the_widths_shrink_and_draws_get_worse(names, monkeypatch):
    """The answer to a question at the end."""
    plain = names["begin"]("with kl", 8, 4)
    names["train"](plain, 500)
    free = names["begin"]("without kl", 8, 4)
    forward, backward = names["latent_forward"], names["latent_backward"]
    names["latent_backward"] = lambda dz, dkl, cache: backward(dz, 0 * dkl, cache)
    names["train"](free, 500)
    names["latent_backward"] = backward
    exam, widths, pixels, spread = names["exam"], {}, {}, {}
    for name, run in (("plain", plain), ("free", free)):
        seen = []

        def watched(mu, log_sigma, noise, seen=seen):
            seen.append((mu, log_sigma))
            return forward(mu, log_sigma, noise)

        monkeypatch.setattr(draw, "latent_forward", watched)
        noise = names["normal"](np.random.default_rng(0), run, len(exam))
        drawn, _, _ = draw.canvases(exam, noise, run["params"])
        pixels[name] = draw.bernoulli_loss(drawn[-1], exam)[0]
        widths[name] = np.median([np.exp(log_sigma) for _, log_sigma in seen])
        spread[name] = np.std([mu for mu, _ in seen])
    assert widths["free"] < 0.5 * widths["plain"] and spread["free"] > 1.5 * spread["plain"]
    assert pixels["free"] < pixels["plain"] - 1


# --- pictures and the explorer ------------------------------------------------------------------


def test_the_step_is_there_in_words():
    fig, alt = draw_step()
    said = {text.get_text() for text in fig.axes[0].texts}
    png(fig)
    assert {"encoder\nLSTM", "decoder\nLSTM", "noise", "$z$"} <= said and len(alt) > 200


def test_a_picture_is_where_its_row_and_column_say():
    rows = np.zeros((2, 3, 64))
    rows[1, 2] = np.arange(64) / 63
    fig = draw_pictures(rows, ["a", "b"], "title", ["1", "2", "3"])
    (shown,) = fig.axes[0].images
    sheet = np.asarray(shown.get_array())
    np.testing.assert_array_equal(sheet[9:17, 18:26], rows[1, 2].reshape(8, 8))
    assert not sheet[:8, :8].any() and not sheet[9:17, 9:17].any()
    png(fig)


@pytest.fixture(scope="module")
def untrained():
    return draw.init_draw(np.random.default_rng(0), H=8)


def test_every_control_of_the_explorer_moves_the_picture(untrained):
    images = np.random.default_rng(1).random((5, 64))
    panel = explorer.drawing_explorer(untrained, images)
    seen, said = {panel.picture}, {panel.alt}
    for control, value in (("digit", 3), ("step", 4), ("latent", 2), ("value", 1.0)):
        panel.controls[control].value = value
        assert panel.picture not in seen and panel.alt not in said, (control, value)
        seen.add(panel.picture)
        said.add(panel.alt)


def test_what_was_drawn_before_the_changed_step_stays(untrained):
    image = np.random.default_rng(1).random(64)
    drawn, changed, kl, was = explorer.drawings_of(untrained, image, 4, 2, 3.0)
    np.testing.assert_allclose(drawn[:3], changed[:3], atol=1e-6)
    assert not np.allclose(drawn[3:], changed[3:], atol=1e-4) and kl.shape == (8,)
    same, again, _, _ = explorer.drawings_of(untrained, image, 4, 2, was)
    np.testing.assert_allclose(same, again, atol=1e-5)
    assert sigmoid(drawn[-1]).shape == (64,)
