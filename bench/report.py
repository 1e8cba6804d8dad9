"""What the suite prints at the end: a ratio per case and peer, and figures that have no peer."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean

import pytest

from .libraries import OURS
from .paired import Timings


@dataclass(frozen=True)
class Row:
    """One case, timed in one or several libraries."""

    family: str
    case: str
    timings: Timings

    @property
    def name(self) -> str:
        return f"{self.family}: {self.case}" if self.case else self.family

    def ratio(self, peer: str) -> float | None:
        """Above 1 xtensor is faster; None where the peer has no such case."""
        return self.timings.ratio(OURS, peer) if peer in self.timings.seconds else None


@dataclass(frozen=True)
class Figure:
    """One number with what it should be, if anything says so."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    note: str = ""
    disturbed: bool = False

    def line(self, width: int) -> str:
        mark = "!" if self.disturbed else " "
        text = f"{self.name:<{width}} {self.value:10.2f} {self.unit:<3}{mark}"
        if self.note:
            text += f"  ({self.note})"
        if self.at_most is not None:
            verdict = "reached" if self.value <= self.at_most else "NOT reached"
            text += f"  aim: at most {self.at_most:g}, {verdict}"
        return text


@dataclass
class Report:
    """Rows and figures as they come in, and their text."""

    peers: Sequence[str]
    versions: Mapping[str, str]
    threads: int
    budget: float
    rows: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def heading(self) -> Iterator[str]:
        """The machine, and the versions of everything."""
        yield machine()
        yield f"{self.threads} threads; Python {platform.python_version()}, " + ", ".join(
            f"{name} {number}" for name, number in self.versions.items()
        )

    def lines(self) -> Iterator[str]:
        shown = [p for p in self.peers if any(row.ratio(p) is not None for row in self.rows)]
        yield from self.heading()
        if self.rows:
            yield from self._table(shown)
        for peer in self.peers:
            if peer not in self.versions:
                yield f"{peer}: not installed, not compared"
        if self.figures:
            yield ""
            width = max(len(figure.name) for figure in self.figures)
            for figure in self.figures:
                yield figure.line(width).rstrip()
        marks = [row.timings.disturbed for row in self.rows] + [f.disturbed for f in self.figures]
        if any(marks):
            yield ""
            yield (
                f"! {sum(marks)} of {len(marks)} were disturbed by other programs on the same "
                "processors, or too unsteady, and count in no mean. Repeat them on a quiet machine."
            )

    def _table(self, peers: Sequence[str]) -> Iterator[str]:
        yield (
            "ratio = the peer's time / xtensor's, above 1 xtensor is faster; "
            f"medians of alternating runs, {self.budget:g} s per case;"
        )
        yield "± is the width of the middle half of the rounds' own ratios"
        yield ""
        width = max(len(row.name) for row in self.rows)
        heads = "".join(f" {peer:>12} {'ratio':>7} {'±':>5}" for peer in peers)
        yield f"{'case':<{width}} {OURS:>10}  {heads}"
        for row in self.rows:
            cells = "".join(self._cells(row, peer) for peer in peers)
            mark = "!" if row.timings.disturbed else " "
            ours = duration(row.timings.median(OURS))
            yield f"{row.name:<{width}} {ours:>10} {mark}{cells}".rstrip()
        yield ""
        for peer in peers:
            ratios = {
                row.name: ratio
                for row in self.rows
                if (ratio := row.ratio(peer)) is not None and not row.timings.disturbed
            }
            if not ratios:
                continue
            worst = min(ratios, key=ratios.__getitem__)
            yield (
                f"{peer}: geomean {geometric_mean(ratios.values()):.2f} over {len(ratios)} cases, "
                f"worst {ratios[worst]:.2f} ({worst}), best {max(ratios.values()):.2f}"
            )

    def _cells(self, row: Row, peer: str) -> str:
        ratio = row.ratio(peer)
        if ratio is None:
            return " " * 27
        spread = f"{row.timings.spread(OURS, peer):.0%}"
        return f" {duration(row.timings.median(peer)):>12} {ratio:7.2f} {spread:>5}"


# Where pytest keeps the report of a run.
REPORT = pytest.StashKey[Report]()


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"


def machine() -> str:
    """The processor's name and the system."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {platform.system()} {platform.machine()}"
