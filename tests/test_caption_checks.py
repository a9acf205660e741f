"""Reading captions off: every right way to search passes its check, and every slip is named."""

import numpy as np
import pytest
from own_work import own

from autograde import CheckFailed, check
from autograde.exercises.captioning import (
    BEAM_SLIPS,
    GREEDY_SLIPS,
    VARIANTS,
    almost_equal_problems,
    beam_problem,
    likeliest,
    log_probability,
    say,
    search,
    width_problems,
)
from helpers.captioning import beam_caption, greedy_caption

SEEDS = range(5)


def refused(f, name, seed=0):
    with pytest.raises(CheckFailed) as failure:
        check(f, name=name, seed=seed)
    return failure.value


def with_signature(f, beam):
    """A slip as a student would write it: with the exercise's arguments and no others."""
    if beam:
        return lambda step, start, end, max_length, width: f(step, start, end, max_length, width)
    return lambda step, start, end, max_length: f(step, start, end, max_length)


@pytest.mark.parametrize(
    ("name", "slip", "says"), GREEDY_SLIPS, ids=[name for name, *_ in GREEDY_SLIPS]
)
def test_greedy_slips_are_named(name, slip, says):
    for seed in SEEDS:
        found = refused(with_signature(slip, beam=False), "greedy_caption", seed)
        assert found.mistake == name and says in str(found)


@pytest.mark.parametrize(
    ("name", "slip", "says"), BEAM_SLIPS, ids=[name for name, *_ in BEAM_SLIPS]
)
def test_beam_slips_are_named(name, slip, says):
    for seed in SEEDS:
        found = refused(with_signature(slip, beam=True), "beam_caption", seed)
        assert found.mistake == name and says in str(found)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_right_way_to_search_passes(variant):
    for seed in range(20):
        assert check(with_signature(variant, beam=True), name="beam_caption", seed=seed).passed


@pytest.mark.parametrize("given", [tuple, np.array, lambda words: [np.int64(w) for w in words]])
def test_captions_may_be_given_in_other_forms(given):
    def greedy(*arguments):
        caption = own(greedy_caption)(*arguments)
        return given(caption) if caption else []

    def beam(*arguments):
        caption = own(beam_caption)(*arguments)
        return given(caption) if caption else []

    assert check(with_signature(greedy, beam=False), name="greedy_caption").passed
    assert check(with_signature(beam, beam=True), name="beam_caption").passed


@pytest.mark.parametrize("wrong", [lambda caption: str(caption), lambda caption: [caption]])
def test_captions_of_a_wrong_form(wrong):
    def greedy(step, start, end, max_length):
        return wrong(greedy_caption(step, start, end, max_length))

    assert refused(greedy, "greedy_caption").kind == "type"


def test_a_state_that_is_changed_is_noticed():
    def meddling(step, start, end, max_length):
        def changing(token, state):
            scores, after = step(token, state)
            (after[0] if isinstance(after, tuple) else after)[...] *= 1 + 1e-6
            return scores, after

        return greedy_caption(changing, start, end, max_length)

    found = refused(meddling, "greedy_caption")
    assert (found.kind, found.quantity, found.mistake) == ("unchanged", "state", "state changed")


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_problems_tell_greedy_from_the_likeliest(width):
    rng = np.random.default_rng(width)
    for _ in range(5):
        problem = beam_problem(rng, width=width)
        single = {name: value for name, value in problem.items() if name != "width"}
        best, greedy = likeliest(**single), say(**single)
        assert best != greedy
        assert search(**problem) == (greedy if width == 1 else best)


def test_the_likeliest_is_that_of_all_captions():
    rng = np.random.default_rng(3)
    for _ in range(5):
        problem = beam_problem(rng, max_length=3)
        single = {name: value for name, value in problem.items() if name != "width"}
        assert likeliest(**single) == beam_caption(**single, width=5**3)


def test_every_width_finds_another_caption():
    rng = np.random.default_rng(1)
    for _ in range(10):
        problem = width_problems(rng, (2,))[2]
        found = [search(**{**problem, "width": width}) for width in range(1, 5)]
        assert all(caption not in found[:k] for k, caption in enumerate(found))
        totals = [log_probability(caption, **problem) for caption in found]
        assert totals == sorted(totals)
        for variant in VARIANTS:
            assert variant(**problem) == found[1]


def test_almost_equal_captions_are_almost_equal_and_both_are_once_right():
    rng = np.random.default_rng(1)
    for _ in range(10):
        pair = almost_equal_problems(rng)
        cut, finished = (search(**problem) for problem in pair)
        assert len(finished) < len(cut) == pair[0]["max_length"]
        for problem in pair:
            first, second = (log_probability(words, **problem) for words in (cut, finished))
            assert 1e-5 < abs(first - second) < 0.02


def test_a_caption_that_is_likelier_than_the_beam_finds_is_called_so():
    def three(step, start, end, max_length, width):
        return search(step, start, end, max_length, 3)

    found = refused(three, "beam_caption")
    assert (found.quantity, found.mistake) == ("caption", None)
    assert "Yours is the likelier" in str(found)
