"""What a formula on single numbers takes, as both devices lift it into an elementwise kernel."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import message

# Array elements and plain numbers that there are loops for, on both devices.
LIFTED = frozenset({(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2), (2, 2)})


def split_parameters(formula: Callable[..., Any]) -> tuple[int, int]:
    """How many parameters of a formula are array elements and how many plain numbers.

    Raises:
        ValueError: there is no loop for so many, or a number comes before an array element.
    """
    parameters = inspect.signature(formula).parameters.values()
    plain = [p.annotation is not inspect.Parameter.empty for p in parameters]
    numbers, arrays = sum(plain), len(plain) - sum(plain)
    if (arrays, numbers) not in LIFTED or any(plain[:arrays]):
        raise ValueError(
            message(formula.__name__, "the signature", str(inspect.signature(formula)),
                    "one or two array elements, then up to two plain numbers, or three elements",
                    "annotate numbers, and nothing else: alpha: float")
        )  # fmt: skip
    return arrays, numbers


def check_count(name: str, arrays: int, numbers: int, args: Sequence[Any]) -> None:
    """Refuse other than the result, so many arrays and so many plain numbers.

    Raises:
        TypeError: names the kernel.
    """
    if len(args) != arrays + numbers + 1:
        expected = f"{arrays + 1} arrays, the result first, and {numbers} plain numbers"
        raise TypeError(message(name, "the number of arguments", len(args), expected))
