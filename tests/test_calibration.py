"""The checks, calibrated: every slip and every style on many seeds; `make calibrate` runs more."""

import re

import calibration
import pytest
from slips import SLIPS
from styles import STYLES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("calibration")]


@pytest.fixture(scope="module")
def measured():
    return calibration.calibration(calibration.SOME)


def test_nothing_wrong_passes_nothing_right_is_refused_and_mistakes_have_their_names(measured):
    of_slips, of_styles = (sum(len(o[k]) for o in measured.values()) for k in (0, 1))
    assert of_slips == len(SLIPS) * len(calibration.SOME)
    assert of_styles == len(STYLES) * len(calibration.SOME)
    assert list(calibration.faults(measured)) == []


def test_the_page_for_instructors_tells_what_was_measured(measured, tmp_path):
    """Its numbers may be those of other seeds on another machine; its words are the same."""

    def words(text):
        text = re.sub(r"Measured on \d+ seeds", "", text)
        return [cell for cell in text.split("|") if "e-" not in cell and "e+" not in cell]

    fresh = tmp_path / "grading.md"
    fresh.write_text(calibration.PAGE.read_text())
    calibration.write(measured, fresh)
    assert words(fresh.read_text()) == words(calibration.PAGE.read_text())


# That the suite can fail: a check that passes everything, and one that names the wrong thing.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"passed": True}, "a wrong answer passes"),
        ({"mistake": "another"}, "a wrong mistake is named"),
        ({"quantity": "another"}, "the quantity is named in"),
        ({"mistake": None}, "the mistake is named in"),
    ],
)
def test_a_fault_is_found(measured, change, said):
    spoilt = {
        name: ([type(o)(**vars(o) | change) for o in slips], styles)
        for name, (slips, styles) in measured.items()
    }
    assert any(sentence.startswith(said) for sentence in calibration.faults(spoilt))


def test_a_refused_style_is_a_fault(measured):
    spoilt = {
        name: (slips, [type(o)(**vars(o) | {"passed": False}) for o in styles])
        for name, (slips, styles) in measured.items()
    }
    assert any("a right answer is refused" in sentence for sentence in calibration.faults(spoilt))
