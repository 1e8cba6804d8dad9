"""``XTENSOR_DEBUG=kernels`` says which of its algorithms a convolution takes."""

from __future__ import annotations

import os
import sys

from ..errors import message

_wanted = os.environ.get("XTENSOR_DEBUG", "")
if _wanted not in ("", "kernels"):
    raise ValueError(message("xtensor", "XTENSOR_DEBUG", repr(_wanted), "'kernels' or nothing"))


def report_choice(call: str, algorithm: str) -> None:
    """Print a choice to stderr where that is asked for. Callers remember their choices."""
    if _wanted:
        print(f"xtensor: {call}: {algorithm}", file=sys.stderr)
