"""Rows for pixel_shuffle and pixel_unshuffle, the ops and the layers."""

from __future__ import annotations

from typing import Any

import numpy as np

import xtensor as xt

from ..naive import pixel as naive
from . import Case, Wrong, normal


def pair(label: str, r: int, *shape: int) -> list[Case]:
    """The shape shuffled, by op and layer, and the shuffled one taken back."""
    x = normal(1, *shape)
    y = naive.pixel_shuffle(x, r)

    def up(a: np.ndarray) -> np.ndarray:
        return naive.pixel_shuffle(a, r)

    def down(a: np.ndarray) -> np.ndarray:
        return naive.pixel_unshuffle(a, r)

    return [
        Case("pixel_shuffle", lambda a: xt.pixel_shuffle(a, r), up, [x], label),
        Case("Pixel_Shuffle", lambda a: xt.Pixel_Shuffle(r)(a), up, [x], label),
        Case("pixel_unshuffle", lambda a: xt.pixel_unshuffle(a, r), down, [y], label),
        Case("Pixel_Unshuffle", lambda a: xt.Pixel_Unshuffle(r)(a), down, [y], label),
    ]


cases = [
    *pair("no leading axis", 2, 4, 2, 3),
    *pair("a batch", 2, 2, 8, 2, 3),
    *pair("three leading axes", 2, 2, 1, 2, 4, 1, 2),
    *pair("by three", 3, 2, 18, 2, 1),
    *pair("by one", 1, 2, 3, 2, 2),
    *pair("one pixel", 2, 1, 4, 1, 1),
    *pair("no batch", 2, 0, 4, 2, 2),
    *pair("no channels", 2, 2, 0, 2, 2),
    *pair("no rows", 2, 1, 4, 0, 2),
    Case("pixel_shuffle", lambda a: xt.pixel_shuffle(a, np.int64(2)),
         lambda a: naive.pixel_shuffle(a, 2), [np.arange(8).reshape(4, 1, 2)], "integers"),
    Case("pixel_unshuffle", lambda a: xt.pixel_unshuffle(a, 2),
         lambda a: naive.pixel_unshuffle(a, 2), [np.arange(8).reshape(1, 2, 4) > 2], "booleans"),
]  # fmt: skip

up, down = xt.ones([2, 8, 3, 3]), xt.ones([2, 2, 6, 6])


def bad(name: str, words: list[str], error: type[Exception], *args: Any) -> Wrong:
    return Wrong(name, lambda: getattr(xt, name)(*args), error, [name, *words])


def layer(name: str, words: list[str], x: Any, factor: int, error: type[Exception]) -> Wrong:
    return Wrong(name, lambda: getattr(xt, name)(factor)(x), error, words)


wrong = [
    bad("pixel_shuffle", ["upscale_factors", "2.0", "int"], TypeError, up, 2.0),
    bad("pixel_shuffle", ["upscale_factors", "(2, 2)", "int"], TypeError, up, (2, 2)),
    bad("pixel_shuffle", ["upscale_factors", "0", "at least 1"], ValueError, up, 0),
    bad("pixel_shuffle", ["8 channels", "squared, 9"], ValueError, up, 3),
    bad("pixel_shuffle", ["[8, 3]", "[*, channels, height, width]"], ValueError, xt.ones([8, 3]),
        2),
    bad("pixel_shuffle", ["ndarray", "XTensor"], TypeError, np.ones((4, 2, 2)), 2),
    bad("pixel_unshuffle", ["downscale_factors", "True", "int"], TypeError, down, True),
    bad("pixel_unshuffle", ["downscale_factors", "-2", "at least 1"], ValueError, down, -2),
    bad("pixel_unshuffle", ["height 3", "[2, 8, 3, 3]", "a multiple"], ValueError, up, 2),
    bad("pixel_unshuffle", ["width 5"], ValueError, xt.ones([1, 4, 5]), 2),
    bad("pixel_unshuffle", ["[6]"], ValueError, xt.ones([6]), 2),
    bad("pixel_unshuffle", ["list", "XTensor"], TypeError, [1, 2], 2),
    bad("Pixel_Shuffle", ["upscale_factors", "'2'", "int"], TypeError, "2"),
    bad("Pixel_Shuffle", ["upscale_factors", "0", "at least 1"], ValueError, 0),
    bad("Pixel_Shuffle", ["name is 3"], TypeError, 2, 3),
    layer("Pixel_Shuffle", ["pixel_shuffle", "8 channels"], up, 4, ValueError),
    layer("Pixel_Shuffle", ["pixel_shuffle", "of type int"], 3, 2, TypeError),
    bad("Pixel_Unshuffle", ["downscale_factors", "None", "int"], TypeError, None),
    bad("Pixel_Unshuffle", ["downscale_factors", "-1", "at least 1"], ValueError, -1),
    layer("Pixel_Unshuffle", ["pixel_unshuffle", "height 3"], up, 2, ValueError),
    *(
        wrong
        for name, argument in (("Pixel_Shuffle", "upscale"), ("Pixel_Unshuffle", "downscale"))
        for wrong in (
            bad(name, [f"{argument}_factors", "2.5", "int"], TypeError, 2.5),
            bad(name, [f"{argument}_factors", "True", "int"], TypeError, True),
            bad(name, ["name is ['a']"], TypeError, 2, ["a"]),
            layer(name, ["[6]", "[*, channels, height, width]"], xt.ones([6]), 2, ValueError),
            layer(name, ["ndarray", "XTensor"], np.ones((4, 4, 4)), 2, TypeError),
        )
    ),
]  # fmt: skip
