"""The one sentence every refusal is made of."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np


def message(where: str, argument: str, came: object, expected: object, remedy: str = "") -> str:
    """Word a refusal so that it names the op or layer, the argument, what came and what was due.

    Example:
        >>> message("conv2d", "x", "of shape [1, 8, 8]", "4 axes [N, C, H, W]", "unsqueeze it")
        'conv2d: x is of shape [1, 8, 8]; expected 4 axes [N, C, H, W]. To mend it: unsqueeze it.'
    """
    text = f"{where}: {argument} is {came}; expected {expected}."
    return f"{text} To mend it: {remedy}." if remedy else text


def check_size(where: str, argument: str, size: Any) -> int:
    """One length or count of at least 1.

    Raises:
        TypeError: no int.
        ValueError: below 1.

    Example:
        >>> check_size("Linear", "input_channels", 3)
        3
    """
    if isinstance(size, bool) or not isinstance(size, Integral):
        raise TypeError(message(where, argument, repr(size), "an int"))
    if size < 1:
        raise ValueError(message(where, argument, size, "at least 1"))
    return int(size)


def check_flag(where: str, argument: str, flag: Any) -> bool:
    """True or False.

    Raises:
        TypeError: anything else.

    Example:
        >>> check_flag("Linear", "use_bias", False)
        False
    """
    if not isinstance(flag, (bool, np.bool_)):
        raise TypeError(message(where, argument, repr(flag), "True or False"))
    return bool(flag)


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
