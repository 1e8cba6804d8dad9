"""Rows for convolutions, transposed ones, and their layers with their parameters as inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xtensor as xt

from ..naive import conv as naive
from . import Case, Wrong, normal

CONV = {1: xt.conv1d, 2: xt.conv2d, 3: xt.conv3d}
TRANSPOSED = {1: xt.conv_transpose1d, 2: xt.conv_transpose2d, 3: xt.conv_transpose3d}


def row(
    label: str, x: tuple[int, ...], weight: tuple[int, ...], *options: Any, bias: int = 0
) -> Case:
    """A convolution; ``options`` are stride, padding, dilation, groups."""
    return _row("conv", CONV[len(x) - 2], naive.conv, label, x, weight, options, bias)


def transposed(
    label: str, x: tuple[int, ...], weight: tuple[int, ...], *options: Any, bias: int = 0
) -> Case:
    function = TRANSPOSED[len(x) - 2]
    return _row("conv_transpose", function, naive.conv_transpose, label, x, weight, options, bias)


def _row(
    kind: str, function: Callable[..., Any], oracle: Callable[..., Any], label: str,
    x: tuple[int, ...], weight: tuple[int, ...], options: tuple[Any, ...], bias: int,
) -> Case:  # fmt: skip
    inputs = [normal(1, *x), normal(2, *weight), *([normal(3, bias)] if bias else [])]

    def call(x: Any, weight: Any, bias: Any = None) -> Any:
        return function(x, weight, bias, *options)

    def due(x: Any, weight: Any, bias: Any = None) -> Any:
        return oracle(x, weight, bias, *options)

    return Case(f"{kind}{len(x) - 2}d", call, due, inputs, label)


def layer_row(
    kind: type, label: str, x: tuple[int, ...], outputs: int, kernel: Any, bias: bool = True,
    **options: Any,
) -> Case:  # fmt: skip
    """A layer, with inputs in the place of its parameters."""
    group = options.get("group", 1)
    is_flat, is_transposed = kind is xt.Conv1D, kind is xt.ConvT2D
    first, second = (x[1], outputs) if is_transposed else (outputs, x[1])
    sizes = (kernel, 1) if is_flat else kernel
    inputs = [normal(1, *x), normal(2, first, second // group, *sizes)]
    inputs += [normal(3, outputs)] if bias else []

    def call(x: xt.XTensor, weights: xt.XTensor, bias: xt.XTensor | None = None) -> Any:
        layer = kind(x.shape[1], outputs, kernel, use_bias=bias is not None, **options)
        vars(layer).update(weights=weights, bias=bias)
        return layer(x)

    def due(x: Any, weights: Any, bias: Any = None) -> Any:
        oracle = naive.conv_transpose if is_transposed else naive.conv
        return oracle(
            x, weights[..., 0] if is_flat else weights, bias, options.get("stride", 1),
            options.get("padding", "valid"), options.get("dilation_rate", 1), group,
        )  # fmt: skip

    return Case(kind.__name__, call, due, inputs, label)


cases = [
    row("bare", (1, 1, 4, 4), (1, 1, 2, 2)),
    row("bias", (2, 3, 5, 4), (4, 3, 3, 2), bias=4),
    row("stride 2", (2, 2, 5, 6), (3, 2, 3, 3), 2, bias=3),
    row("stride beyond kernel", (1, 2, 7, 7), (2, 2, 2, 2), (3, 4)),
    row("padding 1", (2, 2, 4, 3), (2, 2, 3, 3), 1, 1, bias=2),
    row("padding beyond kernel", (1, 1, 3, 3), (1, 1, 2, 2), 1, 3),
    row("uneven padding", (1, 2, 4, 5), (2, 2, 3, 2), (2, 1), (1, 0), bias=2),
    row("same, even split", (1, 2, 5, 5), (2, 2, 3, 3), 2, "same", bias=2),
    row("same, odd total", (1, 2, 4, 5), (2, 2, 2, 4), (1, 2), "same"),
    row("dilation", (1, 2, 6, 7), (2, 2, 2, 3), 1, "valid", (3, 2), bias=2),
    row("everything uneven", (2, 4, 6, 5), (6, 2, 3, 2), (2, 3), (1, 2), (2, 1), 2, bias=6),
    row("groups", (2, 6, 4, 4), (3, 2, 3, 3), 1, 1, 1, 3, bias=3),
    row("depthwise", (2, 3, 5, 5), (3, 1, 3, 3), 1, "same", 1, 3, bias=3),
    row("depthwise, two kernels each", (1, 3, 5, 4), (6, 1, 2, 3), 2, 1, 1, 3),
    row("pointwise", (2, 3, 3, 4), (4, 3, 1, 1), bias=4),
    row("pointwise in groups", (2, 4, 3, 2), (4, 2, 1, 1), 1, 0, 1, 2, bias=4),
    row("pointwise with stride", (1, 3, 5, 4), (2, 3, 1, 1), 2),
    row("kernel as large as the image", (3, 2, 3, 4), (2, 2, 3, 4), bias=2),
    row("one row out of many samples", (20, 1, 3, 3), (2, 1, 2, 2), bias=2),
    row("nothing in the batch", (0, 2, 4, 4), (3, 2, 2, 2), bias=3),
    row("bias", (2, 3, 7), (4, 3, 3), 2, 1, bias=4),
    row("same, dilated", (1, 2, 8), (2, 2, 3), 1, "same", 2),
    row("groups", (2, 4, 5), (2, 2, 2), 1, 0, 1, 2, bias=2),
    row("bias", (1, 2, 3, 4, 3), (2, 2, 2, 3, 2), bias=2),
    row("everything uneven", (1, 2, 4, 3, 5), (2, 1, 3, 2, 2), (2, 1, 2), (1, 0, 1), (1, 2, 2), 2),
    row("same", (2, 1, 3, 2, 4), (1, 1, 2, 2, 3), (1, 2, 2), "same", bias=1),
    transposed("bare", (1, 1, 3, 3), (1, 1, 2, 2)),
    transposed("bias", (2, 3, 3, 4), (3, 2, 3, 2), bias=2),
    transposed("stride 2", (2, 2, 3, 2), (2, 3, 3, 3), 2, bias=3),
    transposed("stride beyond kernel", (1, 2, 2, 3), (2, 2, 2, 1), 3),
    transposed("cropped", (1, 2, 4, 3), (2, 2, 3, 3), 1, 1, bias=2),
    transposed("same", (2, 2, 3, 3), (2, 2, 4, 3), 2, "same", bias=2),
    transposed("same, kernel below stride", (1, 2, 2, 3), (2, 1, 2, 1), 3, "same", bias=1),
    transposed("everything uneven", (2, 4, 3, 4), (4, 3, 2, 3), (2, 1), (1, 2), (3, 2), 2, bias=6),
    transposed("depthwise", (1, 3, 3, 3), (3, 1, 2, 2), 2, 0, 1, 3),
    transposed("pointwise", (2, 3, 2, 3), (3, 2, 1, 1), bias=2),
    transposed("nothing in the batch", (0, 2, 3, 3), (2, 1, 2, 2), bias=1),
    transposed("bias", (2, 2, 4), (2, 3, 3), 2, 1, bias=3),
    transposed("dilation", (1, 2, 3), (2, 2, 2), 1, "valid", 3),
    transposed("uneven", (1, 2, 2, 3, 2), (2, 1, 2, 2, 3), (2, 1, 2), (0, 1, 1), bias=1),
    transposed("same in groups", (1, 2, 2, 2, 2), (2, 1, 3, 2, 1), 2, "same", 1, 2, bias=2),
    layer_row(xt.Conv2D, "plain", (2, 3, 5, 4), 4, (3, 2)),
    layer_row(xt.Conv2D, "no bias", (1, 2, 4, 4), 3, (2, 2), bias=False, stride=(2, 1)),
    layer_row(xt.Conv2D, "same", (1, 2, 5, 5), 2, (3, 3), stride=[2, 2], padding="same"),
    layer_row(xt.Conv2D, "all options", (1, 4, 5, 6), 2, (2, 3), stride=(1, 2), padding=(1, 2),
              dilation_rate=2, group=2),
    layer_row(xt.Conv2D, "depthwise", (2, 3, 4, 4), 3, (3, 3), padding=1, group=3),
    layer_row(xt.Conv2D, "pointwise", (2, 3, 3, 2), 2, (1, 1)),
    layer_row(xt.Conv1D, "depthwise", (2, 3, 6), 6, 2, group=3),
    layer_row(xt.Conv1D, "pointwise", (2, 3, 4), 2, 1),
    layer_row(xt.ConvT2D, "depthwise", (1, 3, 2, 3), 3, (2, 2), stride=(2, 2), group=3),
    layer_row(xt.ConvT2D, "cropped", (2, 2, 4, 3), 2, (3, 3), padding=1),
    layer_row(xt.Conv1D, "plain", (2, 3, 6), 4, 3),
    layer_row(xt.Conv1D, "no bias", (1, 2, 5), 3, 2, bias=False, stride=2),
    layer_row(xt.Conv1D, "all options", (1, 4, 7), 2, 3, stride=2, padding=2, dilation_rate=2,
              group=2),
    layer_row(xt.Conv1D, "same", (2, 1, 5), 1, 4, padding="same"),
    layer_row(xt.ConvT2D, "plain", (2, 3, 3, 4), 2, (3, 2)),
    layer_row(xt.ConvT2D, "no bias", (1, 2, 3, 3), 2, (2, 2), bias=False, stride=[2, 2]),
    layer_row(xt.ConvT2D, "same", (1, 2, 3, 2), 2, (4, 3), stride=(2, 2), padding="same"),
    layer_row(xt.ConvT2D, "all options", (1, 4, 3, 3), 2, (2, 3), stride=(1, 2), padding=(1, 1),
              dilation_rate=2, group=2),
]  # fmt: skip


wrong = []
for _axes, _function in [*CONV.items(), *TRANSPOSED.items()]:
    _name = _function.__name__
    _x, _w = xt.ones([1, 2, *[4] * _axes]), xt.ones([2, 2, *[3] * _axes])

    def bad(
        words: list[str], *args: Any, error: type[Exception] = ValueError,
        name: str = _name, function: Callable[..., Any] = _function, **options: Any,
    ) -> None:  # fmt: skip
        wrong.append(Wrong(name, lambda: function(*args, **options), error, [name, *words]))

    bad(["x", "[1, 2]", f"{_axes + 2} axes"], xt.ones([1, 2]), _w)
    bad(["weight", "[2, 2]", "axes"], _x, xt.ones([2, 2]))
    bad(["weight", "at least 1"], _x, xt.ones([2, 2, *[0] * _axes]))
    bad(["x", "3 channels", "2 channels"], xt.ones([1, 3, *[4] * _axes]), _w)
    bad(["groups", "3", "divisor"], _x, _w, groups=3)
    bad(["groups", "0", "at least 1"], _x, _w, groups=0)
    bad(["groups", "(1, 1)"], _x, _w, groups=(1, 1))
    bad(["bias", "[3]", "[2]"], _x, _w, xt.ones([3]))
    bad(["stride", "0", "at least 1"], _x, _w, stride=0)
    bad(["stride", "1.5", "int"], _x, _w, stride=1.5, error=TypeError)
    bad(["stride", "True"], _x, _w, stride=True, error=TypeError)
    bad(["dilation", "-1", "at least 1"], _x, _w, dilation=-1)
    bad(["dilation", "(1, 1, 1, 1)"], _x, _w, dilation=(1, 1, 1, 1))
    bad(["padding", "'full'", "'same'"], _x, _w, padding="full")
    bad(["padding", "-1", "at least 0"], _x, _w, padding=-1)
    bad(["padding", "None"], _x, _w, padding=None, error=TypeError)
    bad(["str"], "image", _w, error=TypeError)
for _axes, _function in CONV.items():
    bad(["kernel", "[3", "[2", "padded"], xt.ones([1, 2, *[2] * _axes]),
        xt.ones([2, 2, *[3] * _axes]), name=_function.__name__, function=_function)  # fmt: skip
for _axes, _function in TRANSPOSED.items():
    bad(["padding", "2", "at least 1 cell"], xt.ones([1, 2, *[1] * _axes]),
        xt.ones([2, 2, *[3] * _axes]), padding=2, name=_function.__name__,
        function=_function)  # fmt: skip

for _layer in (xt.Conv1D, xt.Conv2D, xt.ConvT2D):
    _rank = 3 if _layer is xt.Conv1D else 4

    def bad_layer(
        words: list[str], *args: Any, error: type[Exception] = ValueError, layer: type = _layer,
        **options: Any,
    ) -> None:  # fmt: skip
        name = layer.__name__
        wrong.append(Wrong(name, lambda: layer(*args, **options), error, [name, *words]))

    def bad_input(words: list[str], shape: list[int], layer: type = _layer, **options: Any) -> None:
        def call() -> None:
            layer(2, 3, 3, **options)(xt.ones(shape))

        wrong.append(Wrong(layer.__name__, call, ValueError, words))

    bad_layer(["input_channels", "0", "at least 1"], 0, 3, 3)
    bad_layer(["output_channels", "2.5", "int"], 2, 2.5, 3, error=TypeError)
    bad_layer(["kernel_size", "0", "at least 1"], 2, 3, 0)
    bad_layer(["kernel_size", "'3'", "int"], 2, 3, "3", error=TypeError)
    bad_layer(["stride", "(1, 1, 1)"], 2, 3, 3, (1, 1, 1))
    bad_layer(["padding", "'Same'", "'same'"], 2, 3, 3, padding="Same")
    bad_layer(["padding", "-2", "at least 0"], 2, 3, 3, padding=-2)
    bad_layer(["use_bias", "'True'"], 2, 3, 3, use_bias="True", error=TypeError)
    bad_layer(["dilation_rate", "0", "at least 1"], 2, 3, 3, dilation_rate=0)
    bad_layer(["input_channels", "3", "group=2"], 3, 4, 3, group=2)
    bad_layer(["output_channels", "3", "group=2"], 4, 3, 3, group=2)
    bad_layer(["dtype", "kint64"], 2, 3, 3, dtype=xt.kint64, error=TypeError)
    bad_layer(["initializer", "callable"], 2, 3, 3, kernel_initializer=1.0, error=TypeError)
    bad_input(["[2, 5]", "axes"], [2, 5])
    bad_input(["4 channels", "2 channels"], [1, 4, *[5] * (_rank - 2)])
