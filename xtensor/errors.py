"""The one sentence every refusal is made of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np


def message(where: str, argument: str, came: object, expected: object, remedy: str = "") -> str:
    """Word a refusal so that it names the op or layer, the argument, what came and what was due.

    Example:
        >>> message("conv2d", "x", "of shape [1, 8, 8]", "4 axes [N, C, H, W]", "unsqueeze it")
        'conv2d: x is of shape [1, 8, 8]; expected 4 axes [N, C, H, W]. To mend it: unsqueeze it.'
    """
    verb = "are" if argument == "its arguments" or " and " in argument else "is"
    text = f"{where}: {argument} {verb} {came}; expected {expected}."
    return f"{text} To mend it: {remedy}." if remedy else text


def shown(value: object) -> str:
    """``value`` as a message quotes it: of what takes several lines, as a tensor does, the type.

    Example:
        >>> shown("a"), shown(np.ones([2, 2]))
        ("'a'", 'of type ndarray')
    """
    text = repr(value)
    return f"of type {type(value).__name__}" if "\n" in text else text


def check_int(where: str, argument: str, value: Any, low: int | None = None) -> int:
    """``value`` as an int of Python; one of NumPy is taken too, a truth value is not.

    Raises:
        TypeError: no int.
        ValueError: below ``low``.

    Example:
        >>> check_int("Linear", "input_channels", np.int32(3), 1)
        3
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(message(where, argument, shown(value), "an int"))
    if low is not None and value < low:
        raise ValueError(message(where, argument, value, f"at least {low}"))
    return int(value)


def check_flag(where: str, argument: str, flag: Any) -> bool:
    """True or False.

    Raises:
        TypeError: anything else.

    Example:
        >>> check_flag("Linear", "use_bias", False)
        False
    """
    if not isinstance(flag, (bool, np.bool_)):
        raise TypeError(message(where, argument, shown(flag), "True or False"))
    return bool(flag)


def check_number(where: str, argument: str, value: Any, low: float = -math.inf) -> float:
    """``value`` as a float that is finite and not below ``low``.

    Raises:
        TypeError: no real number.
        ValueError: NaN, infinite or below ``low``.

    Example:
        >>> check_number("randn", "std", 2, 0)
        2.0
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(message(where, argument, shown(value), "a number"))
    number = float(value)
    if not math.isfinite(number) or number < low:
        bound = "" if low == -math.inf else f" of at least {low:g}"
        raise ValueError(message(where, argument, value, f"a finite number{bound}"))
    return number


def nearest(name: str, names: Iterable[str], likeness: float = 0.7) -> str:
    """The name most like ``name``, letter case and underscores mattering least; "" for none.

    Example:
        >>> nearest("NLLLoss", ["NLL_Loss", "Conv2D"]), nearest("qnn", ["NLL_Loss", "Conv2D"])
        ('NLL_Loss', '')
    """
    from difflib import get_close_matches  # it takes as long as the rest of this file

    plain: dict[str, str] = {}
    for known in names:
        plain.setdefault(known.lower().replace("_", ""), known)
    wanted = name.lower().replace("_", "")
    if wanted in plain:
        return plain[wanted]
    found = get_close_matches(wanted, plain, 1, likeness)
    return plain[found[0]] if found else ""
