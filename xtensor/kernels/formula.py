"""What a formula on single numbers takes, as both devices lift it into an elementwise kernel."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import message


def split_parameters(formula: Callable[..., Any]) -> tuple[int, int]:
    """How many parameters of a formula are array elements and how many plain numbers."""
    parameters = inspect.signature(formula).parameters.values()
    numbers = sum(p.annotation is not inspect.Parameter.empty for p in parameters)
    return len(parameters) - numbers, numbers


def check_count(name: str, arrays: int, numbers: int, args: Sequence[Any]) -> None:
    """Refuse other than the result, so many arrays and so many plain numbers.

    Raises:
        TypeError: names the kernel.
    """
    if len(args) != arrays + numbers + 1:
        expected = f"{arrays + 1} arrays, the result first, and {numbers} plain numbers"
        raise TypeError(message(name, "the number of arguments", len(args), expected))
