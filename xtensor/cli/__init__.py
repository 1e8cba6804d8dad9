"""The commands of ``python -m xtensor``; a wrong word on the command line costs one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import demo, doctor, run, warmup
from .run import INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = _Parser(prog="python -m xtensor", description="Deep learning in pure Python.")
    commands = parser.add_subparsers(metavar="command", required=True)
    for command in (demo, run, doctor, warmup):
        command.add_to(commands)
    try:
        options = vars(parser.parse_args(arguments))
        return int(options.pop("run")(**options))
    except KeyboardInterrupt:
        print("python -m xtensor: stopped", file=sys.stderr)
        return INTERRUPTED
