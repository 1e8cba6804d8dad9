"""``python -m xtensor demo``: the options of the tutorial ``xtensor/demo.py``, and its curve."""

from __future__ import annotations

import argparse
import io
import itertools
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..storage import write_whole


def _whole(low: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if number < low:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {low}")
    return number


def _at_least_one(text: str) -> int:
    return _whole(1, text)


def _seed(text: str) -> int:
    number = _whole(0, text)
    if number >= 2**64:
        raise argparse.ArgumentTypeError(f"{text!r} is not below 2**64")
    return number


def _learning_rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number above 0")
    return number


def _device(text: str) -> int:
    from ..device import DEV_CPU, DEV_GPU_0, check_device

    if text == "cpu":
        return DEV_CPU
    number = text.removeprefix("gpu").removeprefix(":") or "0"
    if not text.startswith("gpu") or not (number.isascii() and number.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is neither cpu nor gpu, gpu:1, gpu:2, ...")
    try:
        return check_device(DEV_GPU_0 + int(number), "demo")
    except (ValueError, RuntimeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _check_directory(path: Path) -> None:
    """Make the directory if need be, and try whether files can be made in it.

    Raises:
        OSError: they cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(f"argument --out: cannot write into {str(path)!r}: {reason}") from None


def add_to(commands: Any) -> None:
    """Enter the command and its options."""
    parser = commands.add_parser(
        "demo",
        help="train a small network on handwritten digits",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--epochs", type=_at_least_one, default=12, help="walks over all images")
    parser.add_argument("--batch-size", type=_at_least_one, default=32, help="images per step")
    parser.add_argument(
        "--lr", type=_learning_rate, default=0.01, help="learning rate at the start"
    )
    parser.add_argument("--seed", type=_seed, default=1, help="fixes all random numbers")
    parser.add_argument("--device", type=_device, default="cpu", help="cpu, gpu, gpu:1, ...")
    parser.add_argument("--out", type=Path, default="digits-run", help="where files go")
    parser.set_defaults(run=run)


def run(**options: Any) -> int:
    """Train as the options say and leave parameters and curve in the directory ``out``."""
    file, picture = options["out"] / "digits.safetensors", options["out"] / "curve.png"
    try:
        _check_directory(options["out"])
        from .. import demo

        losses, accuracies = demo.train(**options)
        if save_curve(picture, losses, accuracies):
            print(f"written: {file}, {picture}")
        else:
            print(f"loss {sparkline(losses)}  (pip install 'xtensor[plot]' for a picture)")
            print(f"written: {file}")
    except KeyboardInterrupt:
        kept = f"{file} is the last that was written whole" if file.exists() else "nothing written"
        print(f"python -m xtensor demo: stopped; {kept}", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"python -m xtensor demo: {error}", file=sys.stderr)
        return 2
    return 0


def save_curve(path: Path, losses: list[float], accuracies: list[float]) -> bool:
    """Draw loss and accuracy into a PNG; whether matplotlib is there to do it."""
    try:
        # The figure alone: pyplot would look for a screen.
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.add_subplot(xlabel="step", ylabel="training loss", yscale="log")
    left.plot(losses, color="tab:blue", linewidth=0.8)
    right = left.twinx()
    right.set_ylabel("held-out accuracy")
    per_epoch = len(losses) // len(accuracies)
    steps = [per_epoch * epoch for epoch in range(1, len(accuracies) + 1)]
    right.plot(steps, accuracies, "o-", color="tab:orange")
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=120)
    write_whole(path, data.getvalue())
    return True


def sparkline(values: list[float], width: int = 60) -> str:
    """The values as one line of bars, the mean of neighbours in each; "?" where it is not finite.

    Example:
        >>> sparkline([8.0, 1.0, math.nan]).isprintable()
        True
    """
    bars = "▁▂▃▄▅▆▇█"
    try:
        bars.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        bars = "_.-=+*#@"
    count = min(width, len(values))
    edges = [i * len(values) // count for i in range(count + 1)]
    means = [math.fsum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = min(finite, default=0), max(finite, default=0)
    scale = (len(bars) - 1) / ((high - low) or 1)
    return "".join(
        bars[round((mean - low) * scale)] if math.isfinite(mean) else "?" for mean in means
    )
