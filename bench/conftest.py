"""``compare`` and ``figure`` for the cases; the table at the end.

``pytest bench --budget 5`` measures each case for 5 seconds, ``--peers torch`` against PyTorch
only, ``--benchmark-disable`` runs everything once, to see that the results agree.

Peers, each where it is installed: PyTorch and NumPy for operations, PyTorch and ``jax.jit`` for
whole steps, pyvqnet for layers. All run on xtensor's number of threads, JAX's XLA too, in a pool of
its own; for pyvqnet, say it with ``OMP_NUM_THREADS``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import pytest

from .libraries import OURS, VERSIONS, Builder, check_agreement, same_threads, to_arrays
from .paired import DISTURBANCE, Timings, measure, waiting_time
from .report import REPORT, Figure, Report, Row


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("xtensor's benchmarks")
    group.addoption("--budget", type=float, default=0.3, help="seconds per case (0.3)")
    group.addoption(
        "--peers",
        default="torch,numpy,jax,pyvqnet",
        help="libraries to compare with, where installed",
    )


@pytest.fixture(scope="session", autouse=True)
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    config = request.config
    peers = [name for name in config.getoption("peers").split(",") if name]
    shown = {name: v for name, v in VERSIONS.items() if name in {OURS, "numpy", *peers}}
    with same_threads() as threads:
        config.stash[REPORT] = Report(
            peers,
            {**shown, "numba": version("numba")},
            threads,
            budget=config.getoption("budget"),
        )
        yield config.stash[REPORT]


@pytest.fixture
def compare(
    request: pytest.FixtureRequest, report: Report, benchmark: Any
) -> Callable[..., Timings | None]:
    """``compare(xtensor=builder, torch=builder, ...)``: paired timing of what the builders build.

    A builder makes its inputs and returns the call to time. What the calls return must agree, as
    far as ``to_arrays`` reads anything from it. None is returned where benchmarks are disabled.
    """
    family = request.node.originalname.removeprefix("test_").replace("_", " ")
    case = request.node.callspec.id.replace("-", ", ") if hasattr(request.node, "callspec") else ""

    def run(**builders: Builder) -> Timings | None:
        wanted = [OURS, *(p for p in report.peers if p in report.versions)]
        calls = {name: builders[name]() for name in wanted if name in builders}
        results = {name: to_arrays(call()) for name, call in calls.items()}
        for peer in results:
            check_agreement(results[OURS], results[peer], peer)
        del results
        benchmark.group = family
        if not benchmark.enabled:
            benchmark.pedantic(calls[OURS])
            return None
        timings = measure(calls, report.budget)
        benchmark.extra_info.update(
            {f"ratio_{p}": timings.ratio(OURS, p) for p in calls if p != OURS}
        )
        benchmark.pedantic(calls[OURS], rounds=3, iterations=timings.repeats[OURS])
        report.rows.append(Row(family, case, timings))
        return timings

    return run


@pytest.fixture
def figure(request: pytest.FixtureRequest, report: Report) -> Callable[..., None]:
    """``figure(name, value, unit, at_most=..., note=...)``: a number of its own at the end."""
    if request.config.getoption("benchmark_disable"):
        pytest.skip("benchmarks are disabled")
    start, waits = time.perf_counter(), waiting_time()

    def add(*what: Any, **more: Any) -> None:
        waited = waiting_time() - waits
        disturbed = waited > DISTURBANCE * (time.perf_counter() - start)
        report.figures.append(Figure(*what, **more, disturbed=disturbed))

    return add


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    report = config.stash.get(REPORT, None)
    if report is not None and (report.rows or report.figures):
        terminalreporter.section("xtensor and its peers")
        for line in report.lines():
            terminalreporter.write_line(line)
