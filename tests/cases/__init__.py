"""The case table: every public op and layer has its rows here, one family per file.

A family file defines ``cases``, a list of ``Case``, and ``wrong``, a list of ``Wrong``;
``tests/test_cases.py`` asks the same questions of all of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One call of a public op or layer.

    name: the public name this row stands for, as in ``xtensor.<name>``.
    call: takes one XTensor per input, gives an XTensor or a tuple of them.
    naive: takes the inputs as NumPy arrays (float64, int64 or bool), gives arrays.
    inputs: NumPy arrays; floating ones are tried as float64 and float32.
    label: what is special about this row.
    grad: positions of the inputs to be gradient-checked; None for every floating one, () for none.
    rtol: allowed relative distance (norm) of the float32 result from the naive one.
    training: run the call inside a tape, so that layers train.
    """

    name: str
    call: Callable[..., Any]
    naive: Callable[..., Any]
    inputs: Sequence[np.ndarray]
    label: str = ""
    grad: tuple[int, ...] | None = None
    rtol: float = 2e-6
    training: bool = False

    def __str__(self) -> str:
        return f"{self.name}-{self.label}" if self.label else self.name


@dataclass(frozen=True)
class Wrong:
    """One wrong call: which exception it raises, and words its text must contain."""

    name: str
    call: Callable[[], Any]
    error: type[Exception]
    words: Sequence[str]

    def __str__(self) -> str:
        return f"{self.name}-{self.error.__name__}-{'_'.join(self.words)[:40]}"


def rng(*seed: int) -> np.random.Generator:
    """A generator for case inputs; every row names its own seed."""
    return np.random.default_rng(seed)


def normal(seed: int, *shape: int) -> np.ndarray:
    """Standard normal numbers, the usual input of a row."""
    return rng(seed).standard_normal(shape)


def away_from(values: np.ndarray, kinks: Sequence[float], distance: float = 0.05) -> np.ndarray:
    """The values, with those closer than ``distance`` to a kink moved off it, for gradcheck."""
    values = values.copy()
    for kink in kinks:
        near = np.abs(values - kink) < distance
        values[near] = kink + np.where(values[near] < kink, -distance, distance)
    return values


def differentiated(case: Case) -> tuple[int, ...]:
    """Positions of the inputs whose gradient is checked."""
    if case.grad is not None:
        return case.grad
    return tuple(i for i, array in enumerate(case.inputs) if array.dtype.kind == "f")


def table() -> tuple[list[Case], list[Wrong]]:
    """All rows of all families."""
    cases: list[Case] = []
    wrong: list[Wrong] = []
    for family in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{family.name}")
        cases += module.cases
        wrong += module.wrong
    return cases, wrong
