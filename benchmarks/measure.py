"""How things are timed: CPU seconds of this process, several ways in turn, medians and quartiles.

What else a machine does comes and goes. So two ways are never timed one after the other and then
compared: in each round every way has its turn, and it is the ratios within the rounds that count.
"""

import gc
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles on either side of it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers):
        low, median, high = np.percentile(numbers, [25, 50, 75])
        return cls(float(median), float(low), float(high))

    def __str__(self):
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def cpu_seconds(call, least):
    """CPU seconds a call takes, called as often as is needed to fill `least` seconds."""
    calls, spent = 1, 0.0
    while True:
        start = time.process_time()
        for _ in range(calls):
            call()
        spent = time.process_time() - start
        if spent >= least:
            return spent / calls
        calls = max(2 * calls, int(1.2 * calls * least / max(spent, 1e-6)))


def in_turn(ways, rounds, least=0.05):
    """Time several calls in turn: A B C, C B A, A B C, ...

    Args:
        ways: dict from a name to what is called.
        rounds: how often each has its turn.
        least: CPU seconds that one measurement lasts at least.

    Returns:
        dict from the name to its seconds a call, one for each round.
    """
    seconds = {name: [] for name in ways}
    for call in ways.values():
        call()  # caches, buffers and compilers have their first time before the clock runs
    gc.collect()
    for turn in range(rounds):
        order = list(ways) if turn % 2 == 0 else list(ways)[::-1]
        for name in order:
            seconds[name].append(cpu_seconds(ways[name], least))
    return seconds


def ratio(ours, theirs):
    """The spread of ours ÷ theirs, round by round; below 1, ours is faster."""
    return Spread.of(np.divide(ours, theirs))


def exponent(sizes, costs):
    """The p of cost ~ size^p that fits best: the slope of a line through the logarithms.

    Raises:
        ValueError: fewer than two sizes, or something that has no logarithm.
    """
    sizes, costs = np.asarray(sizes, float), np.asarray(costs, float)
    if len(set(sizes)) < 2 or min(sizes.min(), costs.min()) <= 0:
        raise ValueError(
            f"sizes, costs: expected two positive sizes or more, and positive costs, got {sizes} "
            f"and {costs}; a line needs two points, and a logarithm something above zero"
        )
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
