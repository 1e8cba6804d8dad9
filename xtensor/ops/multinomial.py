"""Multinomial: drawing by weight without putting back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import DEV_CPU, to_device, to_host
from ..dtype import FLOAT64, INT64, is_floating
from ..errors import check_int, message
from ..tensor import XTensor, check_tensor, wrap
from .random import draw_uniform


def _check(t: Any, num_samples: Any) -> np.ndarray:
    """The weights on the host, known to be usable for so many draws."""
    where = "multinomial"
    check_tensor(where, "t", t)
    if not is_floating(t.array.dtype):
        raise TypeError(message(where, "t", str(t.dtype), "kfloat32 or kfloat64"))
    if t.ndim not in (1, 2):
        raise ValueError(message(where, "t", f"of shape {t.shape}", "[C], or [N, C]"))
    check_int(where, "num_samples", num_samples, 1)
    weights = to_host(t.array)
    unusable = ~(np.isfinite(weights) & (weights >= 0))
    if unusable.any():
        position = np.argwhere(unusable)[0].tolist()
        raise ValueError(
            message(where, "t", f"{weights[tuple(position)]} at position {position}",
                    "finite weights of 0 or more")
        )  # fmt: skip
    positive = np.count_nonzero(weights, axis=-1, keepdims=True)
    if num_samples > t.shape[-1] or (positive < num_samples).any():
        few = np.flatnonzero(positive < num_samples)
        row = f" of row {few[0]}" if few.size and t.ndim == 2 else ""
        count = positive.reshape(-1)[few[0]] if few.size else t.shape[-1]
        raise ValueError(
            message(where, "num_samples", num_samples,
                    f"at most {count}, the positive weights{row}, as none is drawn twice")
        )  # fmt: skip
    return weights


def multinomial(t: XTensor, num_samples: int) -> XTensor:
    """Numbers of categories drawn with the given weights, none twice in a row of the result.

    Each draw takes one of the categories left with a probability proportional to its weight. The
    work goes through the host on CUDA; so both devices give the same numbers.

    Args:
        t: weights, [C] or [N, C], floating, at least 0; they need not sum to 1.
        num_samples: how many are drawn for each row.

    Returns:
        kint64 [num_samples] or [N, num_samples] on the device of ``t``, in the order drawn. What
        has weight 0 is never drawn.

    Raises:
        TypeError: t is no floating XTensor, num_samples no int.
        ValueError: another number of axes; a weight that is negative, NaN or infinite; num_samples
            below 1 or above the number of positive weights of a row.

    Formula: the num_samples smallest of e / t with e exponentially distributed, smallest first.

    Source: Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006); the stream
    is that of ``randu``.

    Example:
        >>> from xtensor import XTensor
        >>> multinomial(XTensor([0, 3, 0, 1]), 2).to_numpy().tolist() in ([1, 3], [3, 1])
        True
    """
    weights = _check(t, num_samples)
    uniform = draw_uniform(weights.shape, 0.0, 1.0, FLOAT64, DEV_CPU)
    with np.errstate(divide="ignore"):
        # Logarithms, so that e / t overflows for no weight; log(0) sends weight 0 to the end.
        times = np.log(-np.log1p(-uniform)) - np.log(weights.astype(FLOAT64))
    drawn = np.argpartition(times, num_samples - 1, axis=-1)[..., :num_samples]
    order = np.argsort(np.take_along_axis(times, drawn, -1), axis=-1, kind="stable")
    drawn = np.take_along_axis(drawn, order, -1).astype(INT64, copy=False)
    return wrap(to_device(np.ascontiguousarray(drawn), t.device))
