"""Every wrong answer is refused, and told what is wrong with it.

Here on two seeds; on many, and with the shares that we hold ourselves to, in test_calibration.py.
"""

from collections import Counter

import pytest
from slips import SLIPS

from autograde.exercises import EXERCISES


@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_a_slip_is_refused_and_named(slip):
    for seed in (0, 1):
        report = slip.report(seed)
        assert not report.passed
        found = report.finding
        assert found.mistake == slip.mistake, report
        assert slip.quantities is None or found.quantity in slip.quantities, report
        assert slip.quantities is None or found.quantity in found.message, report


def test_there_are_slips_of_every_exercise():
    count = Counter(slip.exercise for slip in SLIPS)
    assert {name: count[name] for name in EXERCISES if count[name] < 4} == {}
    assert len(SLIPS) >= 300


def test_no_slip_stands_here_twice():
    said = Counter(map(str, SLIPS))
    assert [name for name, times in said.items() if times > 1] == []
