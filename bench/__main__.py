"""``python -m bench [--html FILE] [--svg FILE] [--markdown FILE]``: the suite and its report.

Everything else on the command line goes to pytest: ``--budget 5``, ``--peers torch``, ``-k conv``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from . import page
from .report import REPORT, Report

WRITERS = {"html": page.html, "svg": page.svg, "markdown": page.markdown}


class Collector:
    """A pytest plugin that keeps the report of a run."""

    report: Report | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        self.report = config.stash.get(REPORT, None)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    for kind in WRITERS:
        parser.add_argument(
            f"--{kind}", type=Path, metavar="FILE", help=f"write a report as {kind}"
        )
    options, others = parser.parse_known_args(arguments)
    collector = Collector()
    status = pytest.main([str(Path(__file__).parent), "-q", *others], plugins=[collector])
    if collector.report is None or not collector.report.rows:
        print("nothing was measured, no report is written", file=sys.stderr)
        return int(status) or 1
    for kind, write in WRITERS.items():
        path = getattr(options, kind)
        if path is not None:
            path.write_text(write(collector.report), encoding="utf-8")
            print(f"written: {path}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
