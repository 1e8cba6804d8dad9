"""Gradients held against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import autograd
from .dtype import is_floating, kfloat64
from .errors import message
from .tensor import XTensor, check_tensor


class GradcheckError(AssertionError):
    """A gradient differs from the finite difference."""


def gradcheck(
    fn: Callable[..., Any],
    *inputs: XTensor,
    eps: float = 1e-5,
    rtol: float = 1e-5,
    atol: float = 1e-7,
) -> bool:
    """Compare the recorded gradient of ``fn`` with central differences, in float64.

    Every output is weighted by fixed, seeded numbers v, so that one walk back gives v^T J; this is
    held against (v . fn(x + eps e_i) - v . fn(x - eps e_i)) / (2 eps) for every element i of every
    floating input.

    Args:
        fn: takes the inputs, gives an XTensor or a tuple of them.
        inputs: tensors; floating ones are checked (as copies in float64), others passed along.
        eps: half the step of the difference.
        rtol, atol: an element may differ by atol + rtol * |numeric|.

    Returns:
        True.

    Raises:
        GradcheckError: naming the input, the element and both numbers.
        TypeError: an input or a result of ``fn`` is no tensor, or no input is a floating one.

    Example:
        >>> import xtensor as xt
        >>> gradcheck(lambda x: x * x, xt.XTensor([1.0, 2.0]))
        True
    """
    for i, x in enumerate(inputs):
        check_tensor("gradcheck", f"input {i}", x, "wrap it, xtensor.XTensor(...)")
    copies = [_double(x) for x in inputs]
    checked = [i for i, x in enumerate(copies) if is_floating(x.array.dtype)]
    if not checked:
        raise TypeError(message("gradcheck", "inputs", "without a floating tensor", "at least one"))
    for i in checked:
        copies[i].requires_grad = True
    with autograd.tape():
        outputs = _tuple(fn(*copies))
    for y in outputs:
        check_tensor("gradcheck", "the result of fn", y)
    weights = [np.random.default_rng(7).uniform(0.5, 1.5, y.shape) for y in outputs]
    seeds = [
        (y.node, y.slot, XTensor(v, device=y.device, dtype=kfloat64).array)
        for y, v in zip(outputs, weights)
        if y.node is not None
    ]
    if not seeds:
        raise GradcheckError(
            message("gradcheck", "fn", "a function whose result was not recorded",
                    "one that uses its inputs through differentiable ops")
        )  # fmt: skip
    autograd.walk_back(seeds)

    def value(i: int, position: tuple[int, ...], shift: float) -> float:
        host = copies[i].to_numpy()
        host[position] += shift
        moved = list(copies)
        moved[i] = XTensor(host, device=copies[i].device, dtype=kfloat64)
        with autograd.tape(), autograd.no_grad():  # layers train, as they did when recorded
            results = _tuple(fn(*moved))
        return sum(
            float(np.vdot(y.to_numpy(), v))
            for y, v in zip(results, weights)
            if is_floating(y.array.dtype)
        )

    for i in checked:
        gradient = copies[i].grad
        recorded = np.zeros(copies[i].shape) if gradient is None else gradient.to_numpy()
        numeric = np.zeros_like(recorded)
        for position in np.ndindex(*numeric.shape):
            numeric[position] = (value(i, position, eps) - value(i, position, -eps)) / (2 * eps)
        _compare(i, recorded, numeric, rtol, atol)
    return True


def _compare(i: int, recorded: np.ndarray, numeric: np.ndarray, rtol: float, atol: float) -> None:
    wrong = ~(np.abs(recorded - numeric) <= atol + rtol * np.abs(numeric))
    if wrong.any():
        position = tuple(int(p[0]) for p in np.nonzero(wrong))
        raise GradcheckError(
            f"gradcheck: input {i} at {list(position)}: recorded gradient "
            f"{recorded[position]}, finite difference {numeric[position]}; "
            f"{int(wrong.sum())} of {wrong.size} elements differ by more than "
            f"{atol} + {rtol} * |numeric|"
        )


def _double(x: XTensor) -> XTensor:
    dtype = kfloat64 if is_floating(x.array.dtype) else None
    return XTensor(x, device=x.device, dtype=dtype)


def _tuple(result: Any) -> tuple[XTensor, ...]:
    return result if isinstance(result, tuple) else (result,)
