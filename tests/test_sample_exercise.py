"""`sample` has many right answers: it is judged by the probability of what it writes."""

import numpy as np
import pytest

from autograde import CheckFailed, check
from helpers import one_hot, readout, rnn_step, softmax

SEEDS = range(5)


def sampler(
    *,
    carry=True,
    feed=True,
    keep_h0=True,
    scale=lambda scores, temperature: scores / temperature,
    draw=lambda rng, p: rng.choice(len(p), p=p),
    written_first=False,
    generator=lambda rng: rng,
):
    def sample(h0, first, n, params, temperature, rng):
        rng = generator(rng)
        h, token = h0 if keep_h0 else np.zeros_like(h0), first
        written = [first] if written_first else []
        for _ in range(n):
            x = one_hot(np.array([token]), len(params["Wx"]))
            new = rnn_step(x, h, params["Wx"], params["Wh"], params["b"])
            scores = readout(new, params["Wy"], params["by"])[0]
            if temperature == 0:
                following = int(scores.argmax())
            else:
                following = int(draw(rng, softmax(scale(scores, temperature))))
            written.append(following)
            h, token = new if carry else h, following if feed else token
        return written

    return sample


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, p: rng.choice(len(p), p=p),
        lambda rng, p: np.searchsorted(p.cumsum(), rng.random()),
        lambda rng, p: rng.multinomial(1, p).argmax(),
        lambda rng, p: (np.log(p) + rng.gumbel(size=len(p))).argmax(),
    ],
    ids=["choice", "inverse", "multinomial", "gumbel"],
)
def test_every_way_of_drawing_is_right(draw):
    for seed in SEEDS:
        assert check(sampler(draw=draw), seed=seed).passed


@pytest.mark.parametrize(
    ("slip", "mistake"),
    [
        (dict(carry=False), "state not carried on"),
        (dict(feed=False), "output not fed back"),
        (dict(keep_h0=False), "h0 ignored"),
        (dict(scale=lambda s, t: s), "temperature ignored"),
        (dict(scale=lambda s, t: s * t), "scores multiplied by the temperature"),
        (dict(draw=lambda rng, p: p.argmax()), "always the largest score"),
        (dict(draw=lambda rng, p: rng.integers(len(p))), "all tokens equally likely"),
        (dict(written_first=True), "first among the result"),
        (dict(generator=lambda rng: np.random.default_rng(0)), "rng ignored"),
        (dict(generator=lambda rng: np.random.default_rng()), "state kept between calls"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_slips_are_refused_by_name(slip, mistake):
    for seed in SEEDS:
        with pytest.raises(CheckFailed) as failure:
            check(sampler(**slip), seed=seed)
        assert failure.value.mistake == mistake, str(failure.value)
