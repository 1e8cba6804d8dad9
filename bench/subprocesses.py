"""Fresh interpreters for what a process does only once: importing, compiling, growing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import xtensor as xt

# Where ``bench`` is imported from.
BENCH = os.pathsep.join(
    [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
)


def run(code: str, **environment: str) -> list[float]:
    """The numbers that ``code`` prints, from an interpreter that has seen nothing yet."""
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(xt.__file__).parents[1],  # the same xtensor as here, installed or not
        env={**os.environ, "PYTHONPATH": BENCH, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [float(number) for number in process.stdout.split()]
