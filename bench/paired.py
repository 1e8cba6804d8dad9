"""Paired timing: the libraries take turns in one process, so what slows the machine slows both.

A turn is a rest, untimed calls and then the timed ones. In the rest the other library's threads
stop looking for work: PyTorch's do so in a busy loop for 10 ms after a call, OpenBLAS's for more
than 50 ms, and would slow whoever comes next. The untimed calls wake this library's threads, bring
its data back into the caches and the processors back to their pace, as in a program that uses one
library only: after 10 ms of sleep a sum of 25 MB took 1.1 ms, then 0.9, 0.7 and 0.6, and 0.3 from
the eighth call on.

A round in which anything on the machine waited for a processor does not count, as long as enough
others do: a library whose threads wait for each other in a busy loop (PyTorch's again) loses 8 ms
each time another program gets in between, and its ratio would say nothing. For the same reason a
case does not count if half of a library's rounds lie further apart than their median.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from statistics import median, quantiles

Call = Callable[[], object]

# A call shorter than this is repeated within its turn, so that the clock's own cost vanishes.
SHORTEST_TURN = 1e-3
# So long calls go untimed, one at least.
WARM_UP = 5e-3
FEWEST_ROUNDS = 4
# Where too few rounds were undisturbed, go on for this many budgets.
PATIENCE = 2
# The part of a turn in which something may have waited for a processor.
DISTURBANCE = 0.05
# A library whose times lie so far apart, half of them, waits for its own threads: PyTorch's large
# functions took 3 ms in some rounds and 40 in others where nothing waited for a processor.
UNSTEADY = 1.0
# Longer than between two ticks of the system's clock: only then it counts what a thread on another
# processor used, and after 2 ms one that had been busy all the time seemed to rest.
REST = 12e-3
LONGEST_REST = 0.2


@dataclass(frozen=True)
class Timings:
    """Seconds per call of each library, one number per round."""

    seconds: Mapping[str, list[float]]
    repeats: Mapping[str, int]
    disturbed: bool = False

    def median(self, name: str) -> float:
        return median(self.seconds[name])

    def ratio(self, ours: str, peer: str) -> float:
        """The peer's median time over ours: above 1 we are faster."""
        return self.median(peer) / self.median(ours)

    def spread(self, ours: str, peer: str) -> float:
        """The width of the middle half of the rounds' own ratios, relative to their median."""
        return _spread([b / a for a, b in zip(self.seconds[ours], self.seconds[peer], strict=True)])


def _spread(values: list[float]) -> float:
    """The width of their middle half, relative to their median."""
    low, middle, high = quantiles(values, n=4)
    return (high - low) / middle


def until_threads_rest() -> None:
    """Sleep until no thread of this process is busy any more."""
    longest = time.perf_counter() + LONGEST_REST
    while time.perf_counter() < longest:
        used = time.process_time()
        time.sleep(REST)
        if time.process_time() - used < REST / 4:
            return


def waiting_time() -> float:
    """Seconds since boot in which something waited for a processor; 0 where Linux does not say."""
    try:
        with open("/proc/pressure/cpu") as file:
            return int(file.readline().rpartition("total=")[2]) * 1e-6
    except (OSError, ValueError):
        return 0.0


def measure(
    calls: Mapping[str, Call],
    budget: float,
    clock: Callable[[], float] = time.perf_counter,
    waited: Callable[[], float] = waiting_time,
    rest: Callable[[], None] = until_threads_rest,
) -> Timings:
    """Time calls in turns (a, b, a, b, ...) for about ``budget`` seconds, at least four rounds.

    What the calls do at their first run, such as compiling, is neither timed nor in the budget.
    """
    with collector_off():
        for call in calls.values():
            call()
        repeats = dict.fromkeys(calls, 1)
        rounds: list[dict[str, float]] = []
        quiet: list[dict[str, float]] = []
        start = clock()
        while len(rounds) < FEWEST_ROUNDS or clock() < start + budget * (
            1 if len(quiet) >= FEWEST_ROUNDS else PATIENCE
        ):
            turns, waits = {}, {}
            for name, call in calls.items():
                rest()
                _warm_up(call, clock)
                before = waited()
                turns[name] = _timed(call, repeats[name], clock)
                waits[name] = waited() - before
            longer = {name: _more(repeats[name], turns[name]) for name in calls}
            if longer == repeats:
                rounds.append({name: turns[name] / repeats[name] for name in calls})
                if all(waits[name] <= DISTURBANCE * turns[name] for name in calls):
                    quiet.append(rounds[-1])
            repeats = longer
    disturbed = len(quiet) < FEWEST_ROUNDS
    counted = rounds if disturbed else quiet
    seconds = {name: [r[name] for r in counted] for name in calls}
    disturbed |= any(_spread(times) > UNSTEADY for times in seconds.values())
    return Timings(seconds, repeats, disturbed)


def _warm_up(call: Call, clock: Callable[[], float]) -> None:
    end = clock() + WARM_UP
    call()
    while clock() < end:
        call()


def _timed(call: Call, times: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in repeat(None, times):
        call()
    return clock() - start


def _more(times: int, turn: float) -> int:
    """How often the next turn calls: more often where this one was too short to count."""
    if turn >= SHORTEST_TURN:
        return times
    # An estimate from a few calls is coarse: at most ten times more at once.
    return min(10 * times, math.ceil(1.5 * times * SHORTEST_TURN / max(turn, 1e-9)))


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
