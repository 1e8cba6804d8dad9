"""The seven element types, their codes, and the rule by which two of them meet.

The codes are those of the XTensor system (kfloat32 is 6, the default everywhere). They are an
``IntEnum``: ``kfloat32 == 6`` holds and ``print(kfloat32)`` says ``kfloat32``.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from .errors import message, shown


class DType(IntEnum):
    """Code of an element type; 3 is left free, as in the documented list."""

    kbool = 0
    kuint8 = 1
    kint8 = 2
    kint32 = 4
    kint64 = 5
    kfloat32 = 6
    kfloat64 = 7

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


kbool = DType.kbool
kuint8 = DType.kuint8
kint8 = DType.kint8
kint32 = DType.kint32
kint64 = DType.kint64
kfloat32 = DType.kfloat32
kfloat64 = DType.kfloat64

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
INT64 = np.dtype(np.int64)
BOOL = np.dtype(np.bool_)

_NUMPY: dict[int, np.dtype[Any]] = {
    kbool: BOOL,
    kuint8: np.dtype(np.uint8),
    kint8: np.dtype(np.int8),
    kint32: np.dtype(np.int32),
    kint64: INT64,
    kfloat32: FLOAT32,
    kfloat64: FLOAT64,
}
_CODE: dict[np.dtype[Any], DType] = {dtype: DType(code) for code, dtype in _NUMPY.items()}


def to_numpy_dtype(dtype: int, where: str = "dtype") -> np.dtype[Any]:
    """NumPy's dtype for a code.

    Raises:
        TypeError: the code is none of the seven.

    Example:
        >>> to_numpy_dtype(kint64)
        dtype('int64')
    """
    try:
        return _NUMPY[dtype]
    except (KeyError, TypeError):
        names = ", ".join(f"{code.name}={int(code)}" for code in DType)
        raise TypeError(message(where, "dtype", shown(dtype), f"one of {names}")) from None


def code_of(dtype: np.dtype[Any]) -> DType:
    """The code of a NumPy dtype that a tensor can hold.

    Raises:
        TypeError: it is none of the seven.
    """
    try:
        return _CODE[dtype]
    except KeyError:
        raise TypeError(
            message("xtensor", "the raw array of a tensor", f"of dtype {dtype}",
                    "one of the seven dtypes",
                    "let forward of an op return one, as out.astype(x.dtype)")
        ) from None  # fmt: skip


def is_supported(dtype: np.dtype[Any]) -> bool:
    return dtype in _CODE


def is_floating(dtype: np.dtype[Any]) -> bool:
    return dtype is FLOAT32 or dtype is FLOAT64 or dtype.kind == "f"


def promote(first: np.dtype[Any], second: np.dtype[Any]) -> np.dtype[Any]:
    """The larger of two types in the order bool, uint8, int8, int32, int64, float32, float64.

    Raises:
        TypeError: one is none of the seven.

    Example:
        >>> promote(np.dtype('int64'), np.dtype('float32'))
        dtype('float32')
    """
    try:
        return first if _CODE[first] >= _CODE[second] else second
    except KeyError:
        return first if code_of(first) >= code_of(second) else second
