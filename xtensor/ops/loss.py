"""Losses: the target comes first, the result is a mean of shape [1].

The gradient flows to the prediction, and from the mean squared error to the target as well; the
others warn of a target that wants one. Whatever dtype the target has, the loss is computed in
that of the prediction.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..autograd import is_recording
from ..device import Array, cast, empty_like, flat, full_like, host_constant, reshape, to_host
from ..dtype import FLOAT64, INT64, code_of, is_floating, kint64
from ..elementwise import apply
from ..errors import message
from ..kernels import launch
from ..op import Op
from ..reduction import PART, sum_axes
from ..tensor import XTensor, check_tensor
from .index import check_range, check_whole
from .softmax import rows_along

# Keeps the gradient of binary_cross_entropy finite where a prediction is exactly 0 or 1.
SMALLEST_SPREAD = 1e-12
# Inside the logarithm of categorical_cross_entropy; the documented value depends on it.
EPSILON = 1e-7


class _Loss(Op, abstract=True):
    """Inputs (target, prediction); the share of every row or part is summed in float64."""

    symmetric = False  # whether the target has a gradient too

    def check(self, target: Array, prediction: Array) -> None:
        if not is_floating(prediction.dtype):
            swapped = is_floating(target.dtype)
            raise TypeError(
                message(self.name, "prediction", code_of(prediction.dtype), "kfloat32 or kfloat64",
                        "pass the target first, then the prediction" if swapped else "")
            )  # fmt: skip
        if prediction.size == 0:
            raise ValueError(
                message(self.name, "prediction", f"empty, of shape {list(prediction.shape)}",
                        "at least one element: the mean over an empty batch has no value")
            )  # fmt: skip
        self.check_target(target, prediction)

    def check_target(self, target: Array, prediction: Array) -> None:
        if target.shape != prediction.shape:
            self.refuse_shape(target, prediction, prediction.shape)

    def refuse_shape(
        self, target: Array, prediction: Array, expected: tuple[int, ...], remedy: str = ""
    ) -> None:
        raise ValueError(
            message(self.name, "target", f"of shape {list(target.shape)}",
                    f"shape {list(expected)} beside a prediction of shape "
                    f"{list(prediction.shape)}", remedy)
        )  # fmt: skip


def _total(shares: Array, dtype: np.dtype[Any]) -> Array:
    """The sum of a flat array, of shape [1]."""
    return cast(sum_axes(shares, (0,)), dtype)


# -- class indices --------------------------------------------------------------------------------


def check_classes(where: str, target: Array, count: int) -> None:
    """Refuse what are no indices of so many classes.

    Raises:
        ValueError: NaN or infinity.
        IndexError: a number that is not whole, or not one of 0 .. count - 1.
    """
    host = to_host(target)
    if is_floating(host.dtype) and not np.isfinite(host).all():
        raise ValueError(
            message(where, "target", "NaN or infinite", "class indices, whole numbers")
        )
    check_whole(where, "target", host, f"a whole number, 0 .. {count - 1}")
    check_range(where, "target", host, count)


class _ByClass(_Loss, abstract=True):
    """target: class indices; prediction: [C], [N, C] or [N, C, d1..dK], one score per class."""

    def check_target(self, target: Array, prediction: Array) -> None:
        shape = prediction.shape
        if not shape:
            raise ValueError(
                message(self.name, "prediction", "of shape []", "[C], [N, C] or [N, C, d1..dK]")
            )
        expected = (1,) if len(shape) == 1 else (shape[0], *shape[2:])
        if target.shape != expected and not (len(shape) == 1 and target.shape == ()):
            remedy = ""
            if target.shape == shape:
                remedy = "pass class indices; softmax_cross_entropy takes one-hot targets"
            elif len(target.shape) > 1 and shape == (target.shape[0], *target.shape[2:]):
                remedy = "pass the target first, then the prediction"
            self.refuse_shape(target, prediction, expected, remedy)
        check_classes(self.name, target, shape[min(1, len(shape) - 1)])

    def rows(self, target: Array, prediction: Array) -> tuple[Array, Array]:
        """The prediction as [outer, C, inner], and a class for each (outer, inner)."""
        axis = min(1, len(prediction.shape) - 1)
        return rows_along(prediction, axis), flat(cast(target, INT64))


class CrossEntropy(_ByClass):
    """-mean of log softmax(prediction)[class]"""

    def forward(self, target: Array, prediction: Array) -> Array:
        x, classes = self.rows(target, prediction)
        count = (classes.size,)
        loss = empty_like(x, count, FLOAT64)
        peak, total = empty_like(x, count), empty_like(x, count)
        launch(
            "cross_entropy_forward", classes.size, loss, peak, total, x, classes, 1 / classes.size
        )
        self.save(x, classes, peak, total, prediction.shape)
        return _total(loss, x.dtype)

    def backward(self, grad_out: Array) -> tuple[None, Array]:
        x, classes, peak, total, shape = self.saved
        grad_x = empty_like(x)
        launch(
            "cross_entropy_backward", classes.size, grad_x, grad_out, x, classes, peak, total,
            1 / classes.size,
        )  # fmt: skip
        return None, reshape(grad_x, shape)


class NllLoss(_ByClass):
    """-mean of prediction[class]"""

    def forward(self, target: Array, prediction: Array) -> Array:
        x, classes = self.rows(target, prediction)
        loss = empty_like(x, (classes.size,), FLOAT64)
        launch("nll_loss_forward", classes.size, loss, x, classes, 1 / classes.size)
        self.save(x.shape, classes, prediction.shape)
        return _total(loss, x.dtype)

    def backward(self, grad_out: Array) -> tuple[None, Array]:
        rows, classes, shape = self.saved
        grad_x = full_like(grad_out, 0, rows)
        launch("nll_loss_backward", classes.size, grad_x, grad_out, classes, 1 / classes.size)
        return None, reshape(grad_x, shape)


# -- distributions over classes -------------------------------------------------------------------


class _ByDistribution(_Loss, abstract=True):
    """target: one-hot or any weights [N, C], or class indices [N]; prediction: scores [N, C]."""

    epsilon: tuple[float, ...] = ()

    def check_target(self, target: Array, prediction: Array) -> None:
        if len(prediction.shape) != 2:
            raise ValueError(
                message(self.name, "prediction", f"of shape {list(prediction.shape)}", "[N, C]")
            )
        if target.shape == prediction.shape[:1]:
            check_classes(self.name, target, prediction.shape[1])
        elif target.shape != prediction.shape:
            self.refuse_shape(target, prediction, prediction.shape)

    def forward(self, target: Array, prediction: Array) -> Array:
        if len(target.shape) == 1:
            one_hot = np.zeros(prediction.shape, prediction.dtype)
            one_hot[np.arange(len(one_hot)), to_host(target).astype(INT64)] = 1
            target = host_constant(prediction, one_hot)
        x = rows_along(prediction, 1)
        y = rows_along(cast(target, x.dtype), 1)
        count = (x.shape[0],)
        loss = empty_like(x, count, FLOAT64)
        peak, total = empty_like(x, count), empty_like(x, count)
        factor = 1 / x.shape[0]
        launch(f"{self.name}_forward", x.shape[0], loss, peak, total, x, y, factor, *self.epsilon)
        self.save(x, y, peak, total)
        return _total(loss, x.dtype)

    def backward(self, grad_out: Array) -> tuple[None, Array]:
        x, y, peak, total = self.saved
        grad_x = empty_like(x)
        factor = 1 / x.shape[0]
        launch(
            f"{self.name}_backward", x.shape[0], grad_x, grad_out, x, y, peak, total, factor,
            *self.epsilon,
        )  # fmt: skip
        return None, reshape(grad_x, x.shape[:2])


class SoftmaxCrossEntropy(_ByDistribution):
    """-mean over N of sum_c target * log softmax(prediction)"""


class CategoricalCrossEntropy(_ByDistribution):
    """-mean over N of sum_c target * log(softmax(prediction) + 1e-7)"""

    epsilon = (EPSILON,)


# -- element by element ---------------------------------------------------------------------------


class _ByElement(_Loss, abstract=True):
    """target and prediction of one shape; the mean over all elements, summed in parts."""

    factor = 1.0
    limits: tuple[float, ...] = ()

    def forward(self, target: Array, prediction: Array) -> Array:
        x, y = flat(prediction), flat(cast(target, prediction.dtype))
        shares = empty_like(x, (-(-x.size // PART),), FLOAT64)
        launch(f"{self.name}_forward", shares.size, shares, x, y, PART, 1 / x.size)
        self.save(x, y, prediction.shape, target.dtype)
        return _total(shares, x.dtype)

    def backward(self, grad_out: Array) -> tuple[Array | None, Array]:
        x, y, shape, _ = self.saved
        grad_x = empty_like(x)
        numbers = [x.dtype.type(number) for number in (self.factor / x.size, *self.limits)]
        launch(f"{self.name}_backward", x.size, grad_x, grad_out, x, y, *numbers)
        return None, reshape(grad_x, shape)


class MeanSquaredError(_ByElement):
    """mean of (prediction - target)**2"""

    factor = 2.0
    symmetric = True

    def backward(self, grad_out: Array) -> tuple[Array | None, Array]:
        _, grad_x = super().backward(grad_out)
        if not self.needs(0):
            return None, grad_x
        return cast(apply("neg_forward", (grad_x,)), self.saved[-1]), grad_x


class BinaryCrossEntropy(_ByElement):
    """-mean of target * log(prediction) + (1 - target) * log(1 - prediction)"""

    limits = (SMALLEST_SPREAD,)

    def check_target(self, target: Array, prediction: Array) -> None:
        super().check_target(target, prediction)
        # On a GPU looking would stall the queue; the loss is NaN there.
        if type(prediction) is np.ndarray and ((prediction < 0) | (prediction > 1)).any():
            bad = float(prediction[(prediction < 0) | (prediction > 1)][0])
            raise ValueError(
                message(self.name, "prediction", bad, "probabilities, 0 <= p <= 1",
                        "apply sigmoid to scores first")
            )  # fmt: skip


# -- public functions -----------------------------------------------------------------------------


def cross_entropy(target: Any, prediction: Any) -> XTensor:
    """How surprised a classifier is by the right classes; softmax included.

    Args:
        target: class indices of any dtype: [N] or [N, d1..dK], one index for a prediction [C].
        prediction: scores [N, C], [N, C, d1..dK] or [C]; not softmaxed.

    Returns:
        -mean over all positions of log_softmax(prediction, axis=1)[class], of shape [1].

    Raises:
        IndexError: an index that is not in 0 .. C-1.
        TypeError: an integer prediction.
        ValueError: shapes that do not match, an empty batch, NaN as an index.

    Example:
        >>> cross_entropy([1, 0], XTensor([[0.0, 0.0], [2.0, 2.0]]))
        <BLANKLINE>
        [0.6931472]
        <XTensor 1 cpu(0) kfloat32>
    """
    return _run(CrossEntropy(), target, prediction)


def nll_loss(target: Any, prediction: Any) -> XTensor:
    """``cross_entropy`` for predictions that are log-probabilities already.

    Args:
        target: class indices of any dtype: [N] or [N, d1..dK], one index for a prediction [C].
        prediction: logarithms of probabilities [N, C], [N, C, d1..dK] or [C].

    Returns:
        -mean over all positions of prediction[class], of shape [1].

    Raises:
        IndexError: an index that is not in 0 .. C-1.
        TypeError: an integer prediction.
        ValueError: shapes that do not match, an empty batch, NaN as an index.

    Example:
        >>> nll_loss([1], XTensor([[-5.0, -0.25]])).item()
        0.25
    """
    return _run(NllLoss(), target, prediction)


def softmax_cross_entropy(target: Any, prediction: Any) -> XTensor:
    """Cross-entropy of scores with one-hot targets, or with any weights per class.

    Args:
        target: [N, C] one-hot or other weights, or class indices [N]; any dtype.
        prediction: scores [N, C]; not softmaxed.

    Returns:
        -mean over N of sum_c target * log_softmax(prediction), of shape [1].

    Raises:
        IndexError: a class index that is not in 0 .. C-1.
        TypeError: an integer prediction.
        ValueError: shapes that do not match, an empty batch.

    Example:
        >>> round(softmax_cross_entropy([[0, 1]], XTensor([[0.0, 0.0]])).item(), 4)
        0.6931
    """
    return _run(SoftmaxCrossEntropy(), target, prediction)


def categorical_cross_entropy(target: Any, prediction: Any) -> XTensor:
    """``softmax_cross_entropy`` with 1e-7 added to the probabilities, which bounds it by 16.12.

    Args:
        target: [N, C] one-hot or other weights, or class indices [N]; any dtype.
        prediction: scores [N, C]; not softmaxed.

    Returns:
        -mean over N of sum_c target * log(softmax(prediction) + 1e-7), of shape [1].

    Raises:
        IndexError: a class index that is not in 0 .. C-1.
        TypeError: an integer prediction.
        ValueError: shapes that do not match, an empty batch.

    Example:
        >>> round(categorical_cross_entropy([[0, 1]], XTensor([[1000.0, 0.0]])).item(), 2)
        16.12
    """
    return _run(CategoricalCrossEntropy(), target, prediction)


def mean_squared_error(target: Any, prediction: Any) -> XTensor:
    """The mean squared difference.

    The target, too, gets a gradient where it requires one.

    Args:
        target: any shape and dtype.
        prediction: the same shape.

    Returns:
        mean of (prediction - target)**2 over all elements, of shape [1].

    Raises:
        TypeError: an integer prediction.
        ValueError: shapes that differ (nothing is broadcast), no elements.

    Example:
        >>> mean_squared_error([1, 2], XTensor([1.0, 4.0])).item()
        2.0
    """
    return _run(MeanSquaredError(), target, prediction)


def binary_cross_entropy(target: Any, prediction: Any) -> XTensor:
    """Cross-entropy of probabilities with targets between 0 and 1.

    Args:
        target: 0 or 1, or a probability, in the shape of the prediction; any dtype.
        prediction: probabilities, 0 to 1. Others are an error on the CPU and give NaN on a GPU.

    Returns:
        -mean of y * log(x) + (1 - y) * log(1 - x) over all elements, of shape [1]; the logarithms
        are not below -100, and the gradient divides by at least 1e-12, so both stay finite.

    Raises:
        TypeError: an integer prediction.
        ValueError: shapes that differ, no elements, a prediction outside 0 .. 1.

    Example:
        >>> binary_cross_entropy([1.0], XTensor([0.0])).item()
        100.0
    """
    return _run(BinaryCrossEntropy(), target, prediction)


def _run(op: _Loss, target: Any, prediction: Any) -> XTensor:
    """Give a bare target its own tensor: beside the prediction it would lose integer digits."""
    check_tensor(op.name, "prediction", prediction)
    if isinstance(target, XTensor):
        if target.requires_grad and not op.symmetric and is_recording():
            warnings.warn(
                message(op.name, "target, the first argument,", "a tensor with requires_grad",
                        "one without, as no gradient goes to a target",
                        "swap the arguments if this is the prediction, or detach it with "
                        "xtensor.XTensor(t)"),
                RuntimeWarning,
                stacklevel=3,
            )  # fmt: skip
    else:
        kind = np.asarray(target).dtype.kind
        dtype = kint64 if kind in "iu" else prediction.dtype if kind == "f" else None
        target = XTensor(target, device=prediction.device, dtype=dtype)
    result: XTensor = op(target, prediction)
    return result
