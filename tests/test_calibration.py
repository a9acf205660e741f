"""The checks, calibrated: every slip and every style on 200 seeds."""

from collections import Counter

import calibration
import pytest
from slips import SLIPS
from styles import STYLES

from autograde.exercises import EXERCISES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("calibration")]


@pytest.fixture(scope="module")
def measured():
    return calibration.calibration()


@pytest.fixture(scope="module")
def wrong(measured):
    """(slip, its outcome) of every slip on every seed."""
    slips = {str(slip): slip for slip in SLIPS}
    return [(slips[o.answer], o) for outcomes, _ in measured.values() for o in outcomes]


def worst_first(outcomes):
    return Counter(o.answer for o in outcomes).most_common(20)


def test_no_wrong_answer_passes_on_any_seed(wrong):
    assert len(wrong) == len(SLIPS) * len(calibration.SEEDS)
    assert worst_first(o for _, o in wrong if o.passed) == []


def test_no_right_answer_is_refused_on_any_seed(measured):
    right = [o for _, outcomes in measured.values() for o in outcomes]
    assert len(right) == len(STYLES) * len(calibration.SEEDS)
    assert worst_first(o for o in right if not o.passed) == []


def test_the_wrong_quantity_is_named(wrong):
    about = [(slip, o) for slip, o in wrong if slip.quantities]
    missed = [o for slip, o in about if o.quantity not in slip.quantities]
    assert len(missed) <= 0.02 * len(about), worst_first(missed)


def test_the_very_mistake_is_named_and_never_a_wrong_one(wrong):
    misnamed = [o for slip, o in wrong if o.mistake not in (slip.mistake, None)]
    assert worst_first(misnamed) == []
    named = sum(slip.mistake is not None and o.mistake == slip.mistake for slip, o in wrong)
    assert named >= 0.85 * len(wrong)


@pytest.mark.parametrize("name", EXERCISES)
def test_right_and_wrong_lie_far_apart(measured, name):
    right, wrong = calibration.margins(*measured[name])
    assert (right or 0) < 0.1
    assert wrong is None or wrong > 10


def test_the_page_for_instructors_tells_what_was_measured(measured, tmp_path):
    """Its numbers are those of another machine, whose roundings differ; its words are the same."""

    def words(text):
        return [cell for cell in text.split("|") if not is_measured(cell.strip())]

    def is_measured(cell):
        return "e-" in cell or "e+" in cell

    fresh = tmp_path / "grading.md"
    fresh.write_text(calibration.PAGE.read_text())
    calibration.write(measured, fresh)
    assert words(fresh.read_text()) == words(calibration.PAGE.read_text())
