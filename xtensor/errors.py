"""The one sentence every refusal is made of."""

from __future__ import annotations


def message(where: str, argument: str, came: object, expected: object, remedy: str = "") -> str:
    """Word a refusal so that it names the op or layer, the argument, what came and what was due.

    Example:
        >>> message("conv2d", "x", "of shape [1, 8, 8]", "4 axes [N, C, H, W]", "unsqueeze it")
        'conv2d: x is of shape [1, 8, 8]; expected 4 axes [N, C, H, W]. To mend it: unsqueeze it.'
    """
    text = f"{where}: {argument} is {came}; expected {expected}."
    return f"{text} To mend it: {remedy}." if remedy else text
