"""The report as a page: a plot of all ratios (SVG), the table (Markdown), both of them (HTML)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from html import escape
from statistics import geometric_mean

from .libraries import OURS
from .report import Report, Row, duration

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1.5rem 0; }
td, th { padding: .15rem .8rem; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child { text-align: left; }
.slow { color: #b3261e; } .fast { color: #1b6e3c; }
pre { white-space: pre-wrap; } svg { max-width: 100%; height: auto; }
"""


def ratios(report: Report, peer: str) -> list[tuple[Row, float]]:
    """The cases that can be compared with a peer."""
    found = [(row, row.ratio(peer)) for row in report.rows]
    return [(row, ratio) for row, ratio in found if ratio is not None]


def families(report: Report, peer: str) -> dict[str, list[tuple[str, float]]]:
    """Name and ratio of each case that was not disturbed, family by family."""
    grouped: dict[str, list[tuple[str, float]]] = {}
    for row, ratio in ratios(report, peer):
        if not row.timings.disturbed:
            grouped.setdefault(row.family, []).append((row.case or row.family, ratio))
    return grouped


def _colour(row: Row, ratio: float) -> str:
    if row.timings.disturbed:
        return "#9a9a9a"
    return "#2a7f4f" if ratio >= 1 else "#b3541e"


def svg(report: Report) -> str:
    """A bar per case on a logarithmic axis around 1, for the first peer that was there."""
    import matplotlib
    from matplotlib.figure import Figure

    peer = next((p for p in report.peers if ratios(report, p)), None)
    if peer is None:
        raise SystemExit("no peer was measured: there is nothing to plot")
    bars = ratios(report, peer)[::-1]
    figure = Figure(figsize=(9, 1 + 0.19 * len(bars)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xscale("log", base=2)
    colours = [_colour(row, ratio) for row, ratio in bars]
    axes.barh(range(len(bars)), [ratio - 1 for _, ratio in bars], left=1, color=colours, height=0.7)
    axes.set_yticks(range(len(bars)), [row.name for row, _ in bars], fontsize=7)
    axes.set_ylim(-0.7, len(bars) - 0.3)
    axes.axvline(1, color="black", linewidth=0.8)
    ticks = [2.0**k for k in range(-4, 7)]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_xlim(
        min(0.5, *(ratio for _, ratio in bars)) * 0.9, max(2, *(ratio for _, ratio in bars)) * 1.1
    )
    axes.set_xlabel(f"{peer}'s time / {OURS}'s: to the right of 1, {OURS} is faster")
    axes.grid(axis="x", alpha=0.3)
    text = io.StringIO()
    # Letters stay letters, and the same report gives the same bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": OURS}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def markdown(report: Report) -> str:
    """Machine and versions, a line per family, and a line per case."""
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: Report) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield "By `python -m bench`: the libraries take turns in one process, on the same number of"
    yield "threads; medians. A ratio is the peer's time over xtensor's: above 1 xtensor is faster."
    yield "Cases marked ! were disturbed, or unsteady, and count in no mean (grey in the plot)."
    for line in report.heading():
        yield ""
        yield line
    for peer in report.peers:
        grouped = families(report, peer)
        if not grouped:
            continue
        every = [ratio for cases in grouped.values() for _, ratio in cases]
        yield ""
        yield f"| against {peer} | cases | geomean | worst | best |"
        yield "|---|---:|---:|---:|---:|"
        for family, cases in grouped.items():
            yield _summary(family, [ratio for _, ratio in cases])
        yield _summary("**all**", every)
    shown = [peer for peer in report.peers if ratios(report, peer)]
    yield ""
    yield f"| case | {OURS} | " + " | ".join(f"{peer} | ratio" for peer in shown) + " |"
    yield "|---|---:|" + "---:|---:|" * len(shown)
    for row in report.rows:
        cells = []
        for peer in shown:
            ratio = row.ratio(peer)
            cells += ["", ""] if ratio is None else [duration(row.timings.median(peer)),
                                                     f"{ratio:.2f}"]  # fmt: skip
        mark = " !" if row.timings.disturbed else ""
        yield f"| {row.name}{mark} | {duration(row.timings.median(OURS))} | {' | '.join(cells)} |"
    if report.figures:
        yield ""
        yield "| figure | value | aim | note |"
        yield "|---|---:|---:|---|"
    for figure in report.figures:
        aim = "" if figure.at_most is None else f"≤ {figure.at_most:.4g}"
        yield f"| {figure.name} | {figure.value:.2f} {figure.unit} | {aim} | {figure.note} |"


def _summary(name: str, values: list[float]) -> str:
    return (
        f"| {name} | {len(values)} | {geometric_mean(values):.2f} | {min(values):.2f} | "
        f"{max(values):.2f} |"
    )


def html(report: Report) -> str:
    """The plot, a table per peer and the figures, in one file without anything from elsewhere."""
    parts = ["<!doctype html><meta charset=utf-8><title>xtensor: benchmarks</title>",
             f"<style>{STYLE}</style><h1>xtensor and its peers</h1>"]  # fmt: skip
    parts += [f"<p>{escape(line)}</p>" for line in report.heading()]
    if any(ratios(report, peer) for peer in report.peers):
        parts.append(svg(report))
    for peer in report.peers:
        rows = ratios(report, peer)
        if not rows:
            continue
        parts.append(f"<h2>Against {escape(peer)}</h2><table><tr><th>case<th>{OURS}"
                     f"<th>{escape(peer)}<th>ratio</tr>")  # fmt: skip
        for row, ratio in rows:
            kind = "fast" if ratio >= 1 else "slow"
            parts.append(
                f"<tr><td>{escape(row.name)}<td>{duration(row.timings.median(OURS))}"
                f"<td>{duration(row.timings.median(peer))}<td class={kind}>{ratio:.2f}</tr>"
            )
        parts.append("</table>")
    parts.append(f"<h2>The report as printed</h2><pre>{escape(chr(10).join(report.lines()))}</pre>")
    return "\n".join(parts)
