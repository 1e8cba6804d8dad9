"""Loss layers: ``loss(target, prediction)``, the target first."""

from __future__ import annotations

from ..module import Module
from ..ops.loss import (
    binary_cross_entropy,
    categorical_cross_entropy,
    cross_entropy,
    mean_squared_error,
    nll_loss,
    softmax_cross_entropy,
)
from ..tensor import XTensor


class MeanSquaredError(Module):
    """The mean squared difference of prediction and target.

    Called as ``loss(target, prediction)``; the result has shape [1].

    Args:
        name: a label.

    Returns:
        mean of (prediction - target)**2 over all elements.

    Raises:
        ValueError: shapes that differ, no elements.

    Example:
        >>> MeanSquaredError()(XTensor([1.0, 2.0]), XTensor([1.0, 4.0])).item()
        2.0
    """

    def forward(self, target: XTensor, prediction: XTensor) -> XTensor:
        """The mean, of shape [1].

        Args:
            target: the same shape.
            prediction: any shape.
        """
        return mean_squared_error(target, prediction)


class BinaryCrossEntropy(Module):
    """Cross-entropy of probabilities with targets between 0 and 1.

    Called as ``loss(target, prediction)``; the result has shape [1].

    Args:
        name: a label.

    Returns:
        -mean of y * log(x) + (1 - y) * log(1 - x) over all elements, the logarithms not below -100.

    Raises:
        ValueError: shapes that differ, no elements, a prediction outside 0 .. 1.

    Example:
        >>> round(BinaryCrossEntropy()(XTensor([1.0]), XTensor([0.5])).item(), 4)
        0.6931
    """

    def forward(self, target: XTensor, prediction: XTensor) -> XTensor:
        """The mean, of shape [1].

        Args:
            target: the same shape.
            prediction: probabilities of any shape.
        """
        return binary_cross_entropy(target, prediction)


class CategoricalCrossEntropy(Module):
    """Cross-entropy of scores with one-hot targets, 1e-7 added to the probabilities.

    Called as ``loss(target, prediction)``; the result has shape [1].

    Args:
        name: a label.

    Returns:
        -mean over N of sum_c target * log(softmax(prediction) + 1e-7).

    Raises:
        ValueError: shapes that do not match, an empty batch.
        IndexError: a class index that is not in 0 .. C-1.

    Example:
        >>> round(CategoricalCrossEntropy()(XTensor([[0, 1]]), XTensor([[0.0, 0.0]])).item(), 4)
        0.6931
    """

    def forward(self, target: XTensor, prediction: XTensor) -> XTensor:
        """The mean, of shape [1].

        Args:
            target: one-hot [N, C] of any dtype, or class indices [N].
            prediction: scores [N, C].
        """
        return categorical_cross_entropy(target, prediction)


class SoftmaxCrossEntropy(Module):
    """Cross-entropy of scores with one-hot targets.

    Called as ``loss(target, prediction)``; the result has shape [1].

    Args:
        name: a label.

    Returns:
        -mean over N of sum_c target * log_softmax(prediction).

    Raises:
        ValueError: shapes that do not match, an empty batch.
        IndexError: a class index that is not in 0 .. C-1.

    Example:
        >>> round(SoftmaxCrossEntropy()(XTensor([[0, 1]]), XTensor([[0.0, 0.0]])).item(), 4)
        0.6931
    """

    def forward(self, target: XTensor, prediction: XTensor) -> XTensor:
        """The mean, of shape [1].

        Args:
            target: one-hot [N, C] of any dtype, or class indices [N].
            prediction: scores [N, C].
        """
        return softmax_cross_entropy(target, prediction)


class NLL_Loss(Module):
    """Negative log-likelihood of the right classes, from log-probabilities.

    Called as ``loss(target, prediction)``; the result has shape [1].

    Args:
        name: a label.

    Returns:
        -mean over all positions of prediction[class].

    Raises:
        IndexError: an index that is not in 0 .. C-1.
        ValueError: shapes that do not match, an empty batch, NaN as an index.

    Example:
        >>> NLL_Loss()(XTensor([1]), XTensor([[-5.0, -0.25]])).item()
        0.25
    """

    def forward(self, target: XTensor, prediction: XTensor) -> XTensor:
        """The mean, of shape [1].

        Args:
            target: class indices [N] or [N, d1..dK] of any dtype.
            prediction: log-probabilities [N, C], [N, C, d1..dK] or [C].
        """
        return nll_loss(target, prediction)


class CrossEntropyLoss(Module):
    """Cross-entropy of scores with class indices: log-softmax and NLL_Loss in one.

    Called as ``loss(target, prediction)``; the result has shape [1].

    Args:
        name: a label.

    Returns:
        -mean over all positions of log_softmax(prediction, axis=1)[class].

    Raises:
        IndexError: an index that is not in 0 .. C-1.
        ValueError: shapes that do not match, an empty batch, NaN as an index.

    Example:
        >>> round(CrossEntropyLoss()(XTensor([1]), XTensor([[0.0, 0.0]])).item(), 4)
        0.6931
    """

    def forward(self, target: XTensor, prediction: XTensor) -> XTensor:
        """The mean, of shape [1].

        Args:
            target: class indices [N] or [N, d1..dK] of any dtype.
            prediction: scores [N, C], [N, C, d1..dK] or [C].
        """
        return cross_entropy(target, prediction)
