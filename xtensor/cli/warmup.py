"""``python -m xtensor warmup``: compiles the usual kernels now, so that no later run waits."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
    ("Adamax", {}),
    ("Adadelta", {}),
    ("Adagrad", {}),
    ("RMSProp", {}),
]


def add_to(commands: Any) -> None:
    """Enter the command."""
    parser = commands.add_parser(
        "warmup", help="compile the usual kernels in float32 and keep them for later runs"
    )
    parser.set_defaults(run=run)


def run() -> int:
    """Train every layer, loss and optimizer for one small step; the compiled kernels stay.

    Returns:
        0, or 1 where there is no directory to keep them in.
    """
    from tqdm import tqdm

    from ..kernels import cache, parallel
    from ..kernels.cpu import random

    path, reason = cache.state()
    if path is None:
        print(
            f"python -m xtensor warmup: compiled kernels cannot be kept: {reason}; set "
            "XTENSOR_CACHE to a directory of your own",
            file=sys.stderr,
        )
        return 1
    # Small arrays are shared out too, and at once: loops are compiled for one thread and several.
    parallel.CHUNK_ELEMENTS, parallel.FIRST_CALLS, random.BY_NUMPY = 1, 0, 0
    before, start = _kept(path), time.perf_counter()
    with tqdm(steps(), unit="step") as bar:
        for name, step in bar:
            bar.set_description(f"{name:<24}")
            step()
    now, seconds = _kept(path), time.perf_counter() - start
    print(
        f"{len(now) - len(before)} kernels compiled in {seconds:.0f} s, {len(now)} in all, "
        f"{sum(now) / 1e6:.1f} MB: {path}"
    )
    return 0


def _kept(path: Path) -> list[int]:
    """Sizes of the compiled kernels in the cache."""
    return [file.stat().st_size for file in path.rglob("*.nbc")]


def steps() -> list[tuple[str, Callable[[], object]]]:
    """What to run, by the names to show."""
    import xtensor as xt

    # Shapes are the smallest that take every way where a kernel has several: few channels and many,
    # short rows and long, small arrays and those of 65,536 elements, from which on work is split.
    found: list[tuple[str, Callable[[], object]]] = []

    def layer(name: str, shape: list[int], *arguments: Any, **options: Any) -> None:
        found.append((name, lambda: _step(getattr(xt, name)(*arguments, **options), shape)))

    layer("Linear", [4, 3], 3, 2)
    layer("Linear", [600, 128], 128, 128)
    layer("Conv1D", [2, 3, 9], 3, 4, 3, padding="same")
    layer("Conv2D", [2, 1, 8, 8], 1, 2, (3, 3), padding="same")
    layer("Conv2D", [2, 64, 8, 8], 64, 64, (3, 3), stride=(2, 2))
    # Of convolutions those that each of the other algorithms suits, in all directions.
    layer("Conv2D", [16, 8, 32, 32], 8, 8, (3, 3), padding="same")
    layer("Conv2D", [16, 16, 32, 32], 16, 16, (3, 3), group=16)
    layer("Conv2D", [4, 3, 32, 32], 3, 64, (7, 7), stride=(2, 2), padding="same")
    layer("Conv2D", [64, 32, 16, 16], 32, 32, (3, 3), padding="same")
    layer("Conv2D", [16, 256, 8, 8], 256, 256, (3, 3), padding="same")
    layer("ConvT2D", [2, 3, 4, 4], 3, 2, (3, 3), stride=(2, 2))
    layer("ConvT2D", [2, 64, 4, 4], 64, 64, (3, 3))
    for name in ("MaxPool", "AvgPool"):
        layer(f"{name}1D", [2, 2, 9], 3, 2, "same")
        layer(f"{name}2D", [2, 2, 8, 8], (2, 2), (2, 2))
        layer(f"{name}2D", [2, 2, 8, 64], (2, 2), (2, 2))
        layer(f"{name}2D", [2, 2, 8, 64], (3, 3), (1, 1), "same")
    layer("BatchNorm1d", [4, 3], 3)
    layer("BatchNorm2d", [2, 3, 4, 4], 3)
    layer("BatchNorm2d", [16, 64, 16, 16], 64)
    layer("LayerNorm1d", [4, 8], 8)
    layer("LayerNorm2d", [4, 2, 2, 2], 8)
    layer("LayerNormNd", [300, 8, 32], [8, 32])
    layer("Embedding", [4], 5, 3)
    layer("Dropout", [64], 0.5)
    layer("Pixel_Shuffle", [2, 4, 96, 96], 2)
    layer("Pixel_Unshuffle", [2, 1, 192, 192], 2)
    for name in ("RNN", "GRU", "LSTM"):
        layer(name, [64, 3, 4], 4, 5, 2, bidirectional=True)
        found.append((f"Dynamic_{name}", partial(_dynamic, f"Dynamic_{name}")))
    for name in ("relu", "leaky_relu", "elu", "gelu", "sigmoid", "tanh", "softplus", "softsign",
                 "hard_sigmoid", "softmax", "log_softmax"):  # fmt: skip
        found.append((name, partial(_step, getattr(xt, name), [300, 300])))
    for name in ("softmax", "log_softmax"):
        found.append((f"{name} of few", partial(_step, getattr(xt, name), [300, 10])))
    found.append(("arithmetic", _arithmetic))
    for name in ("MeanSquaredError", "BinaryCrossEntropy", "CategoricalCrossEntropy",
                 "SoftmaxCrossEntropy", "NLL_Loss", "CrossEntropyLoss"):  # fmt: skip
        for classes in (3, 100):
            found.append((f"{name} of {classes}", partial(_loss, name, classes)))
    for name, options in OPTIMIZERS:
        found.append((name, partial(_optimizer, name, options)))
    return found


def _step(module: Any, shape: list[int]) -> None:
    """Forward under the tape, backward, and forward as in evaluation."""
    import xtensor as xt

    x = xt.randu(shape) if not isinstance(module, xt.Embedding) else xt.arange(0, shape[0])
    x.requires_grad = True
    with xt.autograd.tape():
        y = module(x)
        y = y[0] if isinstance(y, tuple) else y
        loss = xt.mean(y * y)
    loss.backward()
    module(x)


def _dynamic(name: str) -> None:
    import xtensor as xt

    layer = getattr(xt, name)(4, 5, bidirectional=True)
    sequences = [xt.randu([length, 4], requires_grad=True) for length in (3, 1)]
    with xt.autograd.tape():
        packed = xt.pack_pad_sequence(xt.pad_sequence(sequences), [3, 1])
        y, _ = xt.pad_packed_sequence(layer(packed)[0])
        loss = xt.sums(y)
    loss.backward()


def _arithmetic() -> None:
    import xtensor as xt

    for rows in (3, 2000):
        x, row = xt.randu([rows, 64], 1.0, 2.0), xt.randu([64], 1.0, 2.0)
        x.requires_grad = row.requires_grad = True
        with xt.autograd.tape():
            y = (x + row) * (x - row) / row - xt.exp(-x) + xt.log(x) + xt.sqrt(x) + xt.abs(x)
            y = xt.square(y) + xt.power(x, row) + xt.maximum(x, row) + xt.clip(x, 1.2, 1.8)
            y = xt.where(x > row, y, x) + xt.max(y, 1, True) + xt.std(x, 1, True) + y[:, :1]
            y = xt.sums(xt.transpose(xt.concatenate([y, x], 1))) + xt.mean(xt.cumsum(y, 0))
        y.backward()
        xt.argmax(x, 1), xt.argsort(x), xt.randn([rows])
        xt.flip(x, 1), xt.reshape(x, [-1, 16])[:, 1:]


def _loss(name: str, classes: int) -> None:
    import xtensor as xt

    prediction = xt.randu([4, classes], 0.1, 0.9, requires_grad=True)
    target = xt.XTensor([0, 2, 1, 1], dtype=xt.kint64)
    if name not in ("NLL_Loss", "CrossEntropyLoss"):
        target = xt.XTensor([[float(k == c) for c in range(classes)] for k in (0, 2, 1, 1)])
    with xt.autograd.tape():
        loss = getattr(xt, name)()(target, prediction)
    loss.backward()


def _optimizer(name: str, options: dict[str, Any]) -> None:
    import xtensor as xt

    weights = xt.Parameter([1.0, 2.0])
    weights.grad = xt.XTensor([0.1, 0.2])
    getattr(xt, name)([weights], **options).step()
