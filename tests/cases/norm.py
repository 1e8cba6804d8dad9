"""Rows for batch and layer normalisation; parameters are inputs, so they are checked too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import xtensor as xt

from ..naive import norm as naive
from . import Case, Wrong, normal, rng
from .softmax import weighed, weighed_naive


def vectors(channels: int) -> list[np.ndarray]:
    """gamma, beta, running mean and variance."""
    return [*(normal(seed, channels) for seed in (2, 3, 4)), rng(5).uniform(0.5, 2, channels)]


def copy(running: xt.XTensor) -> xt.XTensor:
    """Training writes running values, and the inputs of a row must stay as they are."""
    return xt.XTensor(running, device=running.device)


def batch_row(training: bool, *shape: int, epsilon: float = 1e-5, label: str = "") -> Case:
    def call(x, gamma, beta, mean, variance):
        return xt.batch_norm(x, gamma, beta, copy(mean), copy(variance), training, epsilon=epsilon)

    label = label or f"{'training' if training else 'evaluation'}-{'x'.join(map(str, shape))}"
    return Case("batch_norm", weighed(call), weighed_naive(naive.batch_norm(training, epsilon)),
                [normal(1, *shape) + 1, *vectors(shape[1])], label, grad=(0, 1, 2))  # fmt: skip


def batch_layer(name: str, training: bool, *shape: int) -> Case:
    def call(x, gamma, beta, mean, variance):
        layer = getattr(xt, name)(shape[1])
        vars(layer).update(
            gamma=gamma, beta=beta, global_mean=copy(mean), global_variance=copy(variance),
        )  # fmt: skip
        if training:
            return layer(x)
        with xt.autograd.eval_mode():
            return layer(x)

    return Case(name, weighed(call), weighed_naive(naive.batch_norm(training)),
                [normal(1, *shape), *vectors(shape[1])],
                f"{'training' if training else 'evaluation'}-{'x'.join(map(str, shape))}",
                grad=(0, 1, 2),
                training=training)  # fmt: skip


def layer_row(axes: int, *shape: int, flat: bool = False, affine: bool = True) -> Case:
    last = shape[len(shape) - axes :]
    inputs = [normal(1, *shape)]
    if affine:
        inputs += [normal(2, *last), normal(3, *last)]
    if flat:
        inputs[1:] = [v.reshape(-1) for v in inputs[1:]]
    label = f"{list(shape)}-{axes}-{'flat' if flat else 'shaped'}-{'affine' if affine else 'plain'}"
    return Case("layer_norm", weighed(lambda x, *ab: xt.layer_norm(x, *ab, axes=axes)),
                weighed_naive(naive.layer_norm(axes)), inputs, label)  # fmt: skip


def layer_layer(name: str, size, axes: int, *shape: int, affine: bool = True) -> Case:
    def call(x, *ab):
        layer = getattr(xt, name)(size, affine=affine)
        if affine:
            vars(layer).update(gamma=ab[0], beta=ab[1])
        return layer(x)

    length = [size] if isinstance(size, int) else size
    inputs = [normal(1, *shape)]
    inputs += [normal(2, *length), normal(3, *length)] if affine else []
    return Case(name, weighed(call), weighed_naive(naive.layer_norm(axes)), inputs,
                f"{'x'.join(map(str, shape))}-{'affine' if affine else 'plain'}")  # fmt: skip


cases = [
    batch_row(True, 4, 3),
    batch_row(True, 3, 2, 5),
    batch_row(True, 2, 3, 2, 4),
    batch_row(True, 2, 2, 2, 1, 3),
    batch_row(True, 1, 2, 7),
    batch_row(True, 3, 1),
    batch_row(True, 3, 2, 5, epsilon=0.5, label="epsilon"),
    batch_row(False, 4, 3),
    batch_row(False, 2, 3, 2, 4),
    batch_row(False, 1, 2),
    batch_row(False, 0, 2, 3),
    batch_row(False, 3, 2, 5, epsilon=0.5, label="evaluation-epsilon"),
    batch_layer("BatchNorm1d", True, 4, 3),
    batch_layer("BatchNorm1d", True, 4, 3, 2),
    batch_layer("BatchNorm1d", False, 4, 3),
    batch_layer("BatchNorm1d", True, 5, 1),
    batch_layer("BatchNorm1d", True, 1, 2, 4),
    batch_layer("BatchNorm1d", False, 2, 3, 2),
    batch_layer("BatchNorm2d", True, 2, 3, 2, 2),
    batch_layer("BatchNorm2d", False, 2, 3, 2, 2),
    batch_layer("BatchNorm2d", True, 1, 2, 3, 2),
    batch_layer("BatchNorm2d", True, 4, 1, 1, 1),
    batch_layer("BatchNorm2d", False, 1, 1, 1, 1),
    batch_layer("BatchNorm2d", False, 3, 2, 1, 4),
    layer_row(1, 4, 5),
    layer_row(2, 3, 2, 4),
    layer_row(3, 2, 2, 3, 2, flat=True),
    layer_row(1, 2, 3, 4, affine=False),
    layer_row(1, 6),
    layer_row(1, 0, 3),
    replace(layer_row(1, 2, 1), grad=()),
    layer_layer("LayerNorm1d", 5, 1, 3, 5),
    layer_layer("LayerNorm1d", 5, 1, 3, 5, affine=False),
    layer_layer("LayerNorm2d", 12, 3, 2, 3, 2, 2),
    layer_layer("LayerNorm2d", 12, 3, 2, 3, 2, 2, affine=False),
    layer_layer("LayerNormNd", [2, 3], 2, 4, 2, 3),
    layer_layer("LayerNormNd", [2, 3], 2, 4, 2, 3, affine=False),
    layer_layer("LayerNormNd", [3], 1, 3),
    layer_layer("LayerNormNd", [2, 1, 3], 3, 2, 2, 1, 3),
    layer_layer("LayerNormNd", [4], 1, 2, 3, 4),
    layer_layer("LayerNormNd", [4], 1, 2, 3, 4, affine=False),
    layer_layer("LayerNorm1d", 2, 1, 6, 2),
    layer_layer("LayerNorm1d", 2, 1, 6, 2, affine=False),
    layer_layer("LayerNorm1d", 17, 1, 1, 17),
    layer_layer("LayerNorm1d", 17, 1, 1, 17, affine=False),
    layer_layer("LayerNorm2d", 4, 3, 3, 1, 2, 2),
    layer_layer("LayerNorm2d", 4, 3, 3, 1, 2, 2, affine=False),
    layer_layer("LayerNorm2d", 6, 3, 1, 6, 1, 1),
    layer_layer("LayerNorm2d", 6, 3, 1, 6, 1, 1, affine=False),
]


def batch(x=None, gamma=None, beta=None, mean=None, variance=None, **options):
    def default(given, value):
        return value if given is None else given

    return xt.batch_norm(
        default(x, xt.ones([4, 3])), default(gamma, xt.ones([3])), default(beta, xt.zeros([3])),
        default(mean, xt.zeros([3])), default(variance, xt.ones([3])), **options,
    )  # fmt: skip


def trained(layer: xt.Module, x: xt.XTensor) -> xt.XTensor:
    with xt.autograd.tape():
        return layer(x)


wrong = [
    Wrong("batch_norm", lambda: batch(xt.ones([3])), ValueError, ["batch_norm", "x", "[3]"]),
    Wrong("batch_norm", lambda: batch(gamma=xt.ones([4])), ValueError, ["gamma", "[4]", "[3]"]),
    Wrong("batch_norm", lambda: batch(beta=xt.ones([1])), ValueError, ["beta", "[1]", "[3]"]),
    Wrong("batch_norm", lambda: batch(mean=xt.ones([2])), ValueError, ["mean", "[2]", "[3]"]),
    Wrong("batch_norm", lambda: batch(variance=xt.ones([3, 1])), ValueError, ["variance", "[3]"]),
    Wrong("batch_norm", lambda: batch(mean=0.5), TypeError, ["batch_norm", "mean", "float"]),
    Wrong("batch_norm", lambda: batch(epsilon=-1), ValueError, ["batch_norm", "epsilon", "-1"]),
    Wrong("batch_norm", lambda: batch(momentum="x"), TypeError, ["batch_norm", "momentum"]),
    Wrong("batch_norm", lambda: batch(xt.ones([1, 3]), training=True), ValueError,
          ["batch_norm", "[1, 3]", "at least two values per channel", "variance"]),
    Wrong("batch_norm", lambda: batch(xt.ones([0, 3]), training=True), ValueError, ["[0, 3]"]),
    Wrong("layer_norm", lambda: xt.layer_norm(xt.ones([2]), axes=2), ValueError, ["axes", "2"]),
    Wrong("layer_norm", lambda: xt.layer_norm(xt.ones([2]), axes=0), ValueError, ["axes", "0"]),
    Wrong("layer_norm", lambda: xt.layer_norm(xt.ones([2]), axes=1.0), TypeError, ["axes", "1.0"]),
    Wrong("layer_norm", lambda: xt.layer_norm(xt.ones([2, 0])), ValueError, ["x", "[2, 0]"]),
    Wrong("layer_norm", lambda: xt.layer_norm(xt.ones([2, 3]), xt.ones([2])), ValueError,
          ["layer_norm", "gamma", "[2]", "[3]"]),
    Wrong("layer_norm", lambda: xt.layer_norm(xt.ones([2]), epsilon=np.nan), ValueError,
          ["layer_norm", "epsilon", "nan"]),
    Wrong("BatchNorm2d", lambda: xt.BatchNorm2d(3)(xt.ones([2, 3])), ValueError,
          ["BatchNorm2d", "[2, 3]", "[B, C, H, W]", "C = 3"]),
    Wrong("BatchNorm2d", lambda: xt.BatchNorm2d(3)(xt.ones([2, 4, 1, 1])), ValueError,
          ["BatchNorm2d", "[2, 4, 1, 1]"]),
    Wrong("BatchNorm2d", lambda: xt.BatchNorm2d(0), ValueError, ["BatchNorm2d", "channel_num"]),
    Wrong("BatchNorm2d", lambda: xt.BatchNorm2d("3"), TypeError, ["BatchNorm2d", "channel_num"]),
    Wrong("BatchNorm2d", lambda: xt.BatchNorm2d(3, dtype=xt.kint32), TypeError, ["kint32"]),
    Wrong("BatchNorm2d", lambda: xt.BatchNorm2d(3, momentum=-0.1), ValueError, ["momentum"]),
    Wrong("BatchNorm2d", lambda: xt.BatchNorm2d(3, gamma_initializer=lambda s: xt.ones([2])),
          ValueError, ["BatchNorm2d", "initializer", "[2]", "[3]"]),
    Wrong("BatchNorm1d", lambda: xt.BatchNorm1d(3)(xt.ones([2, 3, 1, 1])), ValueError,
          ["BatchNorm1d", "[2, 3, 1, 1]", "[B, C, L]"]),
    Wrong("BatchNorm1d", lambda: xt.BatchNorm1d(3)(xt.ones([3])), ValueError, ["BatchNorm1d"]),
    Wrong("BatchNorm1d", lambda: xt.BatchNorm1d(-3), ValueError, ["channel_num", "-3"]),
    Wrong("BatchNorm1d", lambda: trained(xt.BatchNorm1d(3), xt.ones([1, 3])), ValueError,
          ["at least two values per channel"]),
    Wrong("BatchNorm1d", lambda: xt.BatchNorm1d(3, beta_initializer=0), TypeError, ["callable"]),
    Wrong("LayerNormNd", lambda: xt.LayerNormNd([2, 3])(xt.ones([3, 2])), ValueError,
          ["LayerNormNd", "[3, 2]", "2, 3"]),
    Wrong("LayerNormNd", lambda: xt.LayerNormNd([2, 3])(xt.ones([3])), ValueError, ["[3]"]),
    Wrong("LayerNormNd", lambda: xt.LayerNormNd([]), ValueError, ["normalized_shape"]),
    Wrong("LayerNormNd", lambda: xt.LayerNormNd([2.5]), TypeError, ["normalized_shape", "2.5"]),
    Wrong("LayerNormNd", lambda: xt.LayerNormNd([2], epsilon="x"), TypeError, ["epsilon"]),
    Wrong("LayerNorm2d", lambda: xt.LayerNorm2d(5)(xt.ones([2, 3, 2, 2])), ValueError,
          ["LayerNorm2d", "[2, 3, 2, 2]", "5"]),
    Wrong("LayerNorm2d", lambda: xt.LayerNorm2d(6)(xt.ones([2, 6])), ValueError, ["[2, 6]"]),
    Wrong("LayerNorm2d", lambda: xt.LayerNorm2d(0), ValueError, ["LayerNorm2d", "norm_size"]),
    Wrong("LayerNorm2d", lambda: xt.LayerNorm2d(6.0), TypeError, ["LayerNorm2d", "norm_size"]),
    Wrong("LayerNorm2d", lambda: xt.LayerNorm2d(6, epsilon=-1), ValueError, ["epsilon", "-1"]),
    Wrong("LayerNorm1d", lambda: xt.LayerNorm1d(5)(xt.ones([2, 3])), ValueError,
          ["LayerNorm1d", "[2, 3]", "[B, 5]"]),
    Wrong("LayerNorm1d", lambda: xt.LayerNorm1d(5)(xt.ones([5])), ValueError, ["[5]"]),
    Wrong("LayerNorm1d", lambda: xt.LayerNorm1d(-1), ValueError, ["LayerNorm1d", "-1"]),
    Wrong("LayerNorm1d", lambda: xt.LayerNorm1d("5"), TypeError, ["LayerNorm1d", "norm_size"]),
    Wrong("LayerNorm1d", lambda: xt.LayerNorm1d(5, dtype=99), TypeError, ["LayerNorm1d", "99"]),
    *(
        row
        for name, size in (("LayerNorm1d", 5), ("LayerNorm2d", 6), ("LayerNormNd", [2, 3]))
        for row in (
            Wrong(name, lambda n=name, s=size: getattr(xt, n)(s, epsilon=-1e-3), ValueError,
                  [name, "epsilon", "-0.001"]),
            Wrong(name, lambda n=name, s=size: getattr(xt, n)(s, dtype=xt.kint8), TypeError,
                  [name, "dtype", "kint8"]),
            Wrong(name, lambda n=name, s=size: getattr(xt, n)(s, name=5), TypeError,
                  [name, "name", "5"]),
            Wrong(name, lambda n=name, s=size: getattr(xt, n)(s)("image"), TypeError, ["str"]),
        )
    ),
    *(
        row
        for name in ("BatchNorm1d", "BatchNorm2d")
        for row in (
            Wrong(name, lambda n=name: getattr(xt, n)(3, epsilon="x"), TypeError,
                  [name, "epsilon"]),
            Wrong(name, lambda n=name: getattr(xt, n)(3, momentum=float("nan")), ValueError,
                  [name, "momentum", "nan"]),
            Wrong(name, lambda n=name: getattr(xt, n)(True), TypeError, [name, "channel_num"]),
        )
    ),
]  # fmt: skip
