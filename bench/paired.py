"""Paired timing: the libraries take turns in one process, so what slows the machine slows both.

A turn is a short rest, one untimed call and then the timed ones. In the rest the other library's
worker threads stop spinning; the untimed call wakes this library's threads and brings its data back
into the caches, as in a program that uses one library only.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from statistics import median, quantiles

Call = Callable[[], object]

# A call shorter than this is repeated within its turn, so that the clock's own cost vanishes.
SHORTEST_TURN = 1e-3
FEWEST_ROUNDS = 5
REST = 2e-3


class Timings:
    """Seconds per call of each library, one number per round."""

    def __init__(self, seconds: Mapping[str, list[float]], repeats: Mapping[str, int]) -> None:
        self.seconds = dict(seconds)
        self.repeats = dict(repeats)

    def median(self, name: str) -> float:
        return median(self.seconds[name])

    def ratio(self, ours: str, peer: str) -> float:
        """The peer's median time over ours: above 1 we are faster."""
        return self.median(peer) / self.median(ours)

    def spread(self, ours: str, peer: str) -> float:
        """The width of the middle half of the rounds' own ratios, relative to their median."""
        ratios = [b / a for a, b in zip(self.seconds[ours], self.seconds[peer], strict=True)]
        low, middle, high = quantiles(ratios, n=4)
        return (high - low) / middle


def measure(
    calls: Mapping[str, Call],
    budget: float,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Timings:
    """Time calls in turns (a, b, a, b, ...) for about ``budget`` seconds, at least five rounds.

    What the calls do at their first run, such as compiling, is neither timed nor in the budget.
    """
    with collector_off():
        repeats = {name: _repeats(call, clock) for name, call in calls.items()}
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        end, rounds = clock() + budget, 0
        while rounds < FEWEST_ROUNDS or clock() < end:
            for name, call in calls.items():
                sleep(REST)
                call()
                seconds[name].append(_timed(call, repeats[name], clock) / repeats[name])
            rounds += 1
    return Timings(seconds, repeats)


def _timed(call: Call, times: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in repeat(None, times):
        call()
    return clock() - start


def _repeats(call: Call, clock: Callable[[], float]) -> int:
    """How often a turn calls: once, or as often as fills the shortest turn."""
    call()
    times = 1
    while (elapsed := _timed(call, times, clock)) < SHORTEST_TURN:
        # An early estimate is coarse: at most ten times more at once.
        wanted = math.ceil(times * SHORTEST_TURN / max(elapsed, 1e-9))
        times = min(10 * times, max(wanted, times + 1))
    return times


@contextmanager
def collector_off() -> Iterator[None]:
    """No garbage collection inside; afterwards as it was."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
