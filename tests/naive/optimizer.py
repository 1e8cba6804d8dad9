"""Optimizer updates, one number-by-number formula each, as the documents print them.

A rule takes parameter p, gradient g, the step number t from 1 and a dict of earlier state, and
returns the new p.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def sgd(
    p: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any],
    lr: float = 0.01, momentum: float = 0, nesterov: bool = False,
) -> np.ndarray:  # fmt: skip
    s["v"] = momentum * s.get("v", 0) + g
    return p - lr * (g + momentum * s["v"]) if nesterov else p - lr * s["v"]


def adam(
    p: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any],
    lr: float = 0.01, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
    amsgrad: bool = False,
) -> np.ndarray:  # fmt: skip
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g
    s["top"] = np.maximum(s.get("top", 0), s["v"])
    root = np.sqrt(s["top"] if amsgrad else s["v"])
    return p - lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * s["m"] / (root + epsilon)


def adamax(
    p: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any],
    lr: float = 0.01, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
) -> np.ndarray:  # fmt: skip
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["u"] = np.maximum(beta2 * s.get("u", 0) + epsilon, np.abs(g))
    return p - lr / (1 - beta1**t) * s["m"] / s["u"]


def adadelta(
    p: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any],
    lr: float = 0.01, beta: float = 0.99, epsilon: float = 1e-8,
) -> np.ndarray:  # fmt: skip
    s["s"] = beta * s.get("s", 0) + (1 - beta) * g * g
    change = g * np.sqrt((s.get("d", 0) + epsilon) / (s["s"] + epsilon))
    s["d"] = beta * s.get("d", 0) + (1 - beta) * change * change
    return p - lr * change


def adagrad(
    p: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any],
    lr: float = 0.01, epsilon: float = 1e-8,
) -> np.ndarray:  # fmt: skip
    s["s"] = s.get("s", 0) + g * g
    return p - lr * g / (np.sqrt(s["s"]) + epsilon)


def rmsprop(
    p: np.ndarray, g: np.ndarray, t: int, s: dict[str, Any],
    lr: float = 0.01, beta: float = 0.99, epsilon: float = 1e-8,
) -> np.ndarray:  # fmt: skip
    s["s"] = beta * s.get("s", 0) + (1 - beta) * g * g
    return p - lr * g / (np.sqrt(s["s"]) + epsilon)
