"""Random numbers: one seedable generator for the process, the same stream on every device.

The generator is a seed and a position. A draw of n numbers of 32 bits takes ceil(n / 4) positions,
one of 64 bits ceil(n / 2), and position p stands for the Philox words of counter p with the seed
as key; so a stream depends neither on the device nor on the number of threads.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from ..device import (
    Array,
    cast,
    check_device,
    check_shape,
    device_of,
    empty,
    flat,
    full_like,
    to_device,
)
from ..dtype import BOOL, FLOAT32, code_of, is_floating, kfloat32, to_numpy_dtype
from ..elementwise import apply
from ..errors import check_int, check_number, message, shown
from ..kernels import launch
from ..kernels.cpu.shuffle import shuffled
from ..tensor import XTensor, wrap

SEEDS = 2**64


class _Generator:
    """Seed and position of the stream; the seed is drawn from the system unless it is set."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seed = int.from_bytes(os.urandom(8), "little")
        self.position = 0

    def take(self, blocks: int) -> tuple[np.uint64, np.uint64]:
        """Set ``blocks`` positions aside: the first of them, and the key."""
        with self.lock:
            first = self.position
            self.position = (first + blocks) % SEEDS
            return np.uint64(first), np.uint64(self.seed)

    def after_fork(self) -> None:
        """Another thread may have held the lock when the process was copied."""
        self.lock = threading.Lock()


_generator = _Generator()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_generator.after_fork)


def take_blocks(blocks: int) -> tuple[np.uint64, np.uint64]:
    """(counter, key) for a kernel that uses ``blocks`` Philox blocks of the stream."""
    return _generator.take(blocks)


def draw_uniform(
    shape: tuple[int, ...], low: float, high: float, dtype: np.dtype[Any], device: int
) -> Array:
    """A raw float32 or float64 array of U(low, high), without high, which rounding might give."""
    out = empty(shape, dtype, device)
    per_block, name = (4, "uniform32_forward") if dtype == FLOAT32 else (2, "uniform64_forward")
    begin, end = dtype.type(low), dtype.type(high)
    _launch(name, out, per_block, begin, dtype.type(high - low), np.nextafter(end, begin))
    return out


def draw_normal(
    shape: tuple[int, ...], mean: float, std: float, dtype: np.dtype[Any], device: int
) -> Array:
    """A raw float32 or float64 array of N(mean, std**2)."""
    out = empty(shape, dtype, device)
    per_block, name = (4, "normal32_forward") if dtype == FLOAT32 else (2, "normal64_forward")
    _launch(name, out, per_block, dtype.type(mean), dtype.type(std))
    return out


def _launch(name: str, out: Array, per_block: int, *numbers: Any) -> None:
    blocks = -(-out.size // per_block)
    launch(name, blocks, flat(out), *take_blocks(blocks), *numbers)


def _check_word(where: str, argument: str, value: Any) -> int:
    number = check_int(where, argument, value)
    if not 0 <= number < SEEDS:
        raise ValueError(message(where, argument, number, f"0 <= {argument} < 2**64"))
    return number


def _floating(where: str, dtype: int | None) -> np.dtype[Any]:
    numpy_dtype = to_numpy_dtype(kfloat32 if dtype is None else dtype, where)
    if not is_floating(numpy_dtype):
        raise TypeError(
            message(where, "dtype", str(code_of(numpy_dtype)), "kfloat32 or kfloat64",
                    "draw floats and cast the result")
        )  # fmt: skip
    return numpy_dtype


def _check_interval(where: str, low: Any, high: Any, dtype: np.dtype[Any]) -> tuple[float, float]:
    low, high = check_number(where, "min", low), check_number(where, "max", high)
    if low > high:
        raise ValueError(message(where, "min", f"{low:g}, above max = {high:g}", "min <= max"))
    if high - low > float(np.finfo(dtype).max):
        raise ValueError(
            message(where, "max - min", f"{high - low:g}", f"a difference that {dtype} can hold")
        )
    return low, high


# -- public functions -----------------------------------------------------------------------------


def manual_seed(seed: int) -> None:
    """Start the stream of random numbers anew from a seed; without a call the system chooses one.

    Args:
        seed: 0 <= seed < 2**64.

    Raises:
        TypeError: it is no int.
        ValueError: it is out of range.

    Example:
        >>> manual_seed(7)
        >>> first = randu([3]).to_numpy()
        >>> manual_seed(7)
        >>> bool((randu([3]).to_numpy() == first).all())
        True
    """
    set_rng_state({"seed": _check_word("manual_seed", "seed", seed), "position": 0})


def get_rng_state() -> dict[str, int]:
    """Seed and position of the stream, for ``set_rng_state``.

    Example:
        >>> manual_seed(7)
        >>> get_rng_state()
        {'seed': 7, 'position': 0}
    """
    with _generator.lock:
        return {"seed": _generator.seed, "position": _generator.position}


def set_rng_state(state: dict[str, int]) -> None:
    """Put the stream back to where ``get_rng_state`` found it.

    Args:
        state: what ``get_rng_state`` returned.

    Raises:
        TypeError: not a dict with the ints ``seed`` and ``position``.
        ValueError: one of them is not in 0 <= value < 2**64.

    Example:
        >>> state = get_rng_state()
        >>> first = randn([3]).to_numpy()
        >>> set_rng_state(state)
        >>> bool((randn([3]).to_numpy() == first).all())
        True
    """
    if not isinstance(state, dict) or set(state) != {"seed", "position"}:
        raise TypeError(
            message("set_rng_state", "state", shown(state), "a dict with keys seed and position")
        )
    seed, position = [_check_word("set_rng_state", k, state[k]) for k in ("seed", "position")]
    with _generator.lock:
        _generator.seed, _generator.position = seed, position


def randu(
    shape: Any,
    min: float = 0.0,
    max: float = 1.0,
    device: int | None = None,
    dtype: int | None = None,
    requires_grad: bool = False,
) -> XTensor:
    """Random numbers, uniform on [min, max).

    Args:
        shape: lengths of the axes.
        min: lower end, which can come out.
        max: upper end, which comes out at most by rounding.
        device: where the result lies, by default the CPU.
        dtype: kfloat32 (default; 24 random bits) or kfloat64 (53 random bits).
        requires_grad: whether the result is a leaf that wants a gradient.

    Returns:
        A tensor of that shape: min + (max - min) * u.

    Raises:
        TypeError: another dtype; a shape that is no list of ints.
        ValueError: min > max, NaN or infinite ends, negative lengths.

    Source: Philox 4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).

    Example:
        >>> x = randu([2, 3], min=-1.0)
        >>> x.shape, bool((abs(x.to_numpy()) <= 1).all())
        ([2, 3], True)
    """
    numpy_dtype = _floating("randu", dtype)
    lengths = check_shape(shape, "randu", numpy_dtype)
    low, high = _check_interval("randu", min, max, numpy_dtype)
    out = wrap(draw_uniform(lengths, low, high, numpy_dtype, check_device(device, "randu")))
    out.requires_grad = requires_grad
    return out


def randn(
    shape: Any,
    mean: float = 0.0,
    std: float = 1.0,
    device: int | None = None,
    dtype: int | None = None,
    requires_grad: bool = False,
) -> XTensor:
    """Normally distributed random numbers.

    Args:
        shape: lengths of the axes.
        mean: centre of the distribution.
        std: standard deviation, at least 0.
        device: where the result lies, by default the CPU.
        dtype: kfloat32 (default; 32 random bits) or kfloat64 (53 random bits).
        requires_grad: whether the result is a leaf that wants a gradient.

    Returns:
        A tensor of that shape: mean + std * sqrt(-2 log u1) * (cos 2 pi u2 or sin 2 pi u2).

    Raises:
        TypeError: another dtype; a shape that is no list of ints.
        ValueError: std below 0, NaN or infinite numbers, negative lengths.

    Source: Box and Muller, "A note on the generation of random normal deviates" (1958), on
    Philox 4x32-10.

    Example:
        >>> x = randn([1000], mean=5.0, std=0.1)
        >>> bool(abs(x.to_numpy().mean() - 5) < 0.05)
        True
    """
    numpy_dtype = _floating("randn", dtype)
    lengths = check_shape(shape, "randn", numpy_dtype)
    centre, spread = check_number("randn", "mean", mean), check_number("randn", "std", std, 0)
    out = wrap(draw_normal(lengths, centre, spread, numpy_dtype, check_device(device, "randn")))
    out.requires_grad = requires_grad
    return out


def randperm(n: int, device: int | None = None) -> XTensor:
    """The numbers 0 .. n-1 in random order, every order equally likely, as kint64 of shape [n].

    Args:
        n: how many numbers, 0 to 2**32.
        device: where the result lies, by default the CPU; it comes from there in any case.

    Raises:
        TypeError: n is no int.
        ValueError: n is negative or larger than 2**32.

    Example:
        >>> sorted(randperm(5).to_numpy().tolist())
        [0, 1, 2, 3, 4]
    """
    count = check_int("randperm", "n", n)
    if not 0 <= count <= 2**32:
        raise ValueError(message("randperm", "n", n, "0 .. 2**32"))
    where = check_device(device, "randperm")
    words = np.empty(2 * count, np.uint32)
    _launch("random_words_forward", words, 4)
    return wrap(to_device(shuffled(words.view(np.uint64)), where))


def fill_rand_uniform_(t: XTensor, v: float = 1) -> None:
    """Overwrite a floating tensor with U(0, v); never recorded.

    Raises:
        TypeError: t is not a floating tensor, v no number.
        ValueError: v is negative, NaN or infinite.

    Example:
        >>> t = XTensor([5.0, 5.0])
        >>> fill_rand_uniform_(t)
        >>> bool((t.to_numpy() < 1).all())
        True
    """
    _fill_uniform("fill_rand_uniform_", t, v, 0.0)


def fill_rand_signed_uniform_(t: XTensor, v: float = 1) -> None:
    """Overwrite a floating tensor with U(-v, v); never recorded.

    Raises:
        TypeError: t is not a floating tensor, v no number.
        ValueError: v is negative, NaN or infinite.

    Example:
        >>> t = XTensor([5.0, 5.0])
        >>> fill_rand_signed_uniform_(t, 0.5)
        >>> bool((abs(t.to_numpy()) <= 0.5).all())
        True
    """
    _fill_uniform("fill_rand_signed_uniform_", t, v, -1.0)


def fill_rand_binary_(t: XTensor, v: float = 0.5) -> None:
    """Overwrite a tensor with 1 where a U(0, 1) draw is below v, else 0; never recorded.

    Raises:
        TypeError: v is no number.
        ValueError: v is NaN or infinite.

    Example:
        >>> t = XTensor([5.0, 5.0])
        >>> fill_rand_binary_(t, 2)
        >>> t.to_numpy()
        array([1., 1.], dtype=float32)
    """
    threshold = check_number("fill_rand_binary_", "v", v)
    draw = draw_uniform(t.array.shape, 0.0, 1.0, FLOAT32, t.device)
    below = apply("less_forward", (draw, full_like(draw, threshold, ())), dtype=BOOL)
    t.array = cast(below, t.array.dtype)


def fill_rand_normal_(t: XTensor, m: float = 0, s: float = 1) -> None:
    """Overwrite a floating tensor with normal numbers, mean m, deviation s; never recorded.

    Raises:
        TypeError: t is not a floating tensor, m or s no number.
        ValueError: s is negative, or either is NaN or infinite.

    Example:
        >>> t = XTensor([5.0, 5.0])
        >>> fill_rand_normal_(t, 3, 0)
        >>> t.to_numpy()
        array([3., 3.], dtype=float32)
    """
    where = "fill_rand_normal_"
    mean, std = check_number(where, "m", m), check_number(where, "s", s, 0)
    _check_fillable(where, t)
    t.array = draw_normal(t.array.shape, mean, std, t.array.dtype, device_of(t.array))


def _fill_uniform(where: str, t: XTensor, v: float, sign: float) -> None:
    width = check_number(where, "v", v, 0)
    _check_fillable(where, t)
    low, high = _check_interval(where, sign * width, width, t.array.dtype)
    t.array = draw_uniform(t.array.shape, low, high, t.array.dtype, device_of(t.array))


def _check_fillable(where: str, t: XTensor) -> None:
    if not is_floating(t.array.dtype):
        raise TypeError(
            message(where, "the tensor", str(t.dtype), "kfloat32 or kfloat64",
                    "make it with dtype=kfloat32")
        )  # fmt: skip
