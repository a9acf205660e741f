"""Every right answer is accepted, in whatever style it is written.

Here on three seeds; on many in test_calibration.py.
"""

from collections import Counter

import pytest
from styles import STYLES

from autograde.exercises import EXERCISES


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_a_right_answer_is_accepted(style):
    for seed in (0, 1, 2):
        report = style.report(seed)
        assert report.passed and not report.notes, report


def test_there_are_styles_of_every_exercise():
    count = Counter(style.exercise for style in STYLES)
    assert {name: count[name] for name in EXERCISES if not count[name]} == {}
    assert len(STYLES) >= 60


def test_no_style_stands_here_twice():
    said = Counter(map(str, STYLES))
    assert [name for name, times in said.items() if times > 1] == []
