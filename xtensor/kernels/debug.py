"""``XTENSOR_DEBUG=kernels`` says, once each, which of its algorithms a kernel takes."""

from __future__ import annotations

import os
import sys

_wanted = os.environ.get("XTENSOR_DEBUG", "") == "kernels"
_said: set[str] = set()


def report_choice(call: str, algorithm: str) -> None:
    """Print a choice to stderr where that is asked for and it was not printed yet."""
    if _wanted:
        line = f"xtensor: {call}: {algorithm}"
        if line not in _said:
            _said.add(line)
            print(line, file=sys.stderr)
