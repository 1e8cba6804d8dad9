"""The measuring itself, on a clock that only the measured calls move."""

import gc
from dataclasses import replace
from itertools import count, cycle

import numpy as np
import pytest

from . import page
from .libraries import check_agreement
from .paired import FEWEST_ROUNDS, SHORTEST_TURN, Timings, collector_off, measure
from .report import Figure, Report, Row


class Clock:
    """Stands still unless somebody spends time."""

    def __init__(self):
        self.now = 0.0
        self.waited = 0.0
        self.calls = []  # the names, in order

    def __call__(self):
        return self.now

    def spend(self, name, *seconds):
        """A call that takes these times in turn, over and over."""
        turns = cycle(seconds)

        def call():
            self.now += next(turns)
            self.calls.append(name)

        return call

    def measure(self, budget=0.1, **seconds):
        calls = {
            name: self.spend(name, *(times if isinstance(times, tuple) else (times,)))
            for name, times in seconds.items()
        }
        return measure(calls, budget, clock=self, waited=lambda: self.waited, rest=lambda: None)


def test_ratio_tells_a_planted_slowdown():
    same = Clock().measure(ours=2e-3, peer=2e-3)
    slowed = Clock().measure(ours=4e-3, peer=2e-3)
    assert same.ratio("ours", "peer") == pytest.approx(1.0)
    assert slowed.ratio("ours", "peer") == pytest.approx(0.5)
    assert slowed.ratio("peer", "ours") == pytest.approx(2.0)


@pytest.mark.parametrize("seconds", [2e-6, 1e-4, 3e-2])
def test_time_per_call_does_not_depend_on_the_inner_loop(seconds):
    timings = Clock().measure(ours=seconds)
    assert timings.median("ours") == pytest.approx(seconds)
    assert timings.repeats["ours"] * seconds >= SHORTEST_TURN
    assert timings.repeats["ours"] <= max(1, 2 * SHORTEST_TURN / seconds)


def test_a_stray_slow_round_does_not_move_the_median():
    timings = Clock().measure(ours=(2e-3, 2e-3, 2e-3, 2e-3, 2e-3, 9.0), peer=2e-3)
    assert timings.ratio("ours", "peer") == pytest.approx(1.0)


def test_turns_alternate_and_the_budget_ends_them():
    clock = Clock()
    timings = clock.measure(budget=0.1, ours=2e-3, peer=3e-3)
    assert len(timings.seconds["ours"]) == len(timings.seconds["peer"]) == 6
    assert clock.calls[-14:] == [*["ours"] * 4, *["peer"] * 3] * 2  # all but one are untimed


@pytest.mark.parametrize(("every", "disturbed"), [(10, False), (1, True)])
def test_rounds_in_which_another_program_got_in_between_do_not_count(every, disturbed):
    clock = Clock()
    call, number = clock.spend("peer", 2e-3), count(1)

    def peer():
        call()
        if next(number) % every == 0:
            clock.now += 8e-3
            clock.waited += 8e-3

    timings = measure(
        {"ours": clock.spend("ours", 2e-3), "peer": peer},
        0.5,
        clock,
        lambda: clock.waited,
        lambda: None,
    )
    assert timings.disturbed is disturbed
    assert max(timings.seconds["peer"]) == pytest.approx(10e-3 if disturbed else 2e-3)


@pytest.mark.parametrize(("slow", "disturbed"), [(11e-3, False), (1e-1, True)])
def test_a_library_whose_rounds_lie_far_apart_is_disturbed(slow, disturbed):
    timings = Clock().measure(budget=1.0, ours=1e-2, peer=(1e-2, 1e-2, slow, slow))
    assert max(timings.seconds["peer"]) == pytest.approx(slow)
    assert timings.disturbed is disturbed


def test_long_calls_get_the_fewest_rounds():
    assert len(Clock().measure(budget=0.1, ours=5.0).seconds["ours"]) == FEWEST_ROUNDS


def test_garbage_collector_rests_while_timing_and_then_is_as_before():
    seen = []
    clock = Clock()

    def call():
        clock.now += 1.0
        seen.append(gc.isenabled())

    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        measure({"ours": call, "peer": lambda: 1 / 0}, 0.1, clock, lambda: 0.0, lambda: None)
    assert gc.isenabled()
    assert seen
    assert not any(seen)
    gc.disable()
    try:
        with collector_off():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_report_names_the_worst_case_and_the_absent_peer():
    report = Report(["torch", "numpy"], {"numpy": "2.0"}, threads=2, budget=0.5)
    for name, seconds in (("fast", 1e-3), ("slow", 4e-3)):
        timings = Clock().measure(xtensor=seconds, numpy=2e-3)
        report.rows.append(Row("family", name, timings))
    timings = replace(timings, disturbed=True)
    report.rows.append(Row("family", "on a busy machine", timings))
    report.figures.append(Figure("overhead", 3.5, "us", at_most=4.0))
    report.figures.append(Figure("growth", 7.0, "MB", at_most=1.0))
    text = "\n".join(report.lines())
    assert "numpy: geomean 1.00 over 2 cases, worst 0.50 (family: slow), best 2.00" in text
    assert "! 1 of 5 were disturbed" in text
    assert "torch: not installed, not compared" in text
    overhead, growth = (
        next(x for x in report.lines() if key in x) for key in ("overhead", "growth")
    )
    assert overhead.endswith(", reached")
    assert growth.endswith("NOT reached")


def test_libraries_that_computed_different_things_are_not_compared():
    ours = np.ones((3, 4), np.float32)
    check_agreement([ours], [ours + np.float32(1e-6)], "torch")
    for theirs in ([ours * 1.001], [ours[:2]], [ours, ours], [ours * np.nan]):
        with pytest.raises(AssertionError, match="torch"):
            check_agreement([ours], theirs, "torch")


def example_report():
    rows = [
        Row("conv", "3x3", Timings({"xtensor": [1.0] * 4, "torch": [2.0] * 4}, {})),
        Row("conv", "5x5", Timings({"xtensor": [1.0] * 4, "torch": [0.5] * 4}, {})),
        Row("conv", "busy", Timings({"xtensor": [1.0] * 4, "torch": [9.0] * 4}, {}, True)),
        Row("sum", "", Timings({"xtensor": [1.0] * 4}, {})),
    ]
    figures = [Figure("import", 1.5, "x", at_most=2.0, note="a < b")]
    return Report(["torch", "numpy"], {"xtensor": "1", "torch": "2"}, 2, 0.3, rows, figures)


def test_the_page_in_markdown():
    lines = page.markdown(example_report()).splitlines()
    assert "| conv | 2 | 1.00 | 0.50 | 2.00 |" in lines
    assert "| **all** | 2 | 1.00 | 0.50 | 2.00 |" in lines
    assert "| conv: 3x3 | 1 s | 2 s | 2.00 |" in lines
    assert "| conv: busy ! | 1 s | 9 s | 9.00 |" in lines
    assert "| sum | 1 s |  |  |" in lines
    assert "| import | 1.50 x | ≤ 2 | a < b |" in lines
    assert not any("numpy" in line for line in lines)


def test_the_page_and_its_plot():
    pytest.importorskip("matplotlib", reason="pip install '.[bench]' brings it")
    drawn = page.svg(example_report())
    assert drawn.startswith("<svg")
    text = page.html(example_report())
    assert drawn[:200] in text
    assert "<td class=fast>2.00" in text
    assert "<td class=slow>0.50" in text
    assert "a &lt; b" in text


def test_nothing_is_plotted_without_a_peer():
    pytest.importorskip("matplotlib", reason="pip install '.[bench]' brings it")
    report = example_report()
    report.rows = report.rows[-1:]
    with pytest.raises(SystemExit, match="no peer"):
        page.svg(report)
    assert "<svg" not in page.html(report)
