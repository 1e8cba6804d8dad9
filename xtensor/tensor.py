"""XTensor and Parameter: an array, its gradient, and the node it came from. No maths.

A tensor has the semantics of a value: results may share memory (``reshape`` does), but whoever
writes in place takes a private copy first if anyone else still holds that memory, so a recorded
graph and a neighbouring tensor never change under anyone's hands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import autograd
from .device import (
    DEV_CPU,
    DEV_GPU_0,
    Array,
    cast,
    check_device,
    device_name,
    device_of,
    full_like,
    to_device,
    to_host,
)
from .device import copy as copy_array
from .dtype import BOOL, FLOAT32, DType, code_of, is_floating, is_supported, to_numpy_dtype
from .errors import message

if TYPE_CHECKING:
    from .op import Op


class XTensor:
    """A multi-dimensional array that operations on a tape can be differentiated through.

    Args:
        data: nested lists or tuples of numbers, a number (shape [1]), a NumPy array (copied) or an
            XTensor (copied).
        requires_grad: whether ``backward`` shall leave a gradient here; floating dtypes only.
        device: DEV_CPU (default) or DEV_GPU_0 .. DEV_GPU_9.
        dtype: one of the seven codes; by default kfloat32, for integers and float64 too, except
            that NumPy booleans stay kbool and an XTensor keeps its dtype.

    Attributes:
        array: the raw C-contiguous array, NumPy's on the CPU, numba's on a GPU.
        grad: the gradient the last backward pass left, or None.

    Raises:
        TypeError: complex numbers, ragged lists, strings; requires_grad with an integer dtype.
        OverflowError: a number that an integer dtype cannot hold.
        ValueError, RuntimeError: no such device.

    Example:
        >>> XTensor([[1, 2], [3, 4]])
        <BLANKLINE>
        [[1. 2.]
         [3. 4.]]
        <XTensor 2x2 cpu(0) kfloat32>
    """

    __slots__ = ("__weakref__", "_requires_grad", "array", "grad", "node", "slot")
    # NumPy on the left (``array * x``) hands over to the reflected operator here.
    __array_ufunc__ = None
    __array_priority__ = 1000

    array: Array
    grad: XTensor | None
    node: Op | None
    slot: int

    def __init__(
        self,
        data: Any,
        requires_grad: bool = False,
        device: int | None = None,
        dtype: int | None = None,
    ) -> None:
        where = type(self).__name__
        device = check_device(device, where)
        target = None if dtype is None else to_numpy_dtype(dtype, where)
        self.array = to_device(host_data(data, target, where), device)
        self.grad = None
        self.node = None
        self.slot = 0
        self.requires_grad = requires_grad

    # -- attributes -------------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.array.shape)

    @property
    def shape(self) -> list[int]:
        """Length of each axis, as a list."""
        return list(self.array.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(self.array.size)

    @property
    def dtype(self) -> DType:
        """Code of the element type."""
        return code_of(self.array.dtype)

    @property
    def device(self) -> int:
        """0 for the CPU, 1000 + k for GPU k."""
        return device_of(self.array)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded under a tape. False cuts a result off."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and not is_floating(self.array.dtype):
            raise TypeError(
                message("XTensor", "requires_grad", f"True for {self.dtype}",
                        "a floating dtype to differentiate", "pass dtype=kfloat32")
            )  # fmt: skip
        self._requires_grad = bool(value)
        if not value:
            self.node = None

    def numel(self) -> int:
        """Number of elements."""
        return self.size

    # -- reading ----------------------------------------------------------------------------------

    def to_numpy(self) -> np.ndarray:
        """An independent copy on the host.

        Example:
            >>> XTensor([2, 3]).to_numpy()
            array([2., 3.], dtype=float32)
        """
        host = to_host(self.array)
        return host.copy() if host is self.array else host

    def getdata(self) -> np.ndarray:
        """The host array itself, sharing memory until the tensor is next written; a copy for a GPU.

        Example:
            >>> x = XTensor([2, 3])
            >>> x.getdata()[0] = 7
            >>> x.item() if x.size == 1 else x.to_numpy().tolist()
            [7.0, 3.0]
        """
        return self.writable() if type(self.array) is np.ndarray else to_host(self.array)

    def item(self) -> float | int | bool:
        """The only element, as a Python number.

        Raises:
            RuntimeError: the tensor has not exactly one element.

        Example:
            >>> XTensor([2.5]).item()
            2.5
        """
        if self.size != 1:
            raise RuntimeError(
                message("item", "the tensor", f"shape {self.shape}", "exactly one element",
                        "index it or call to_numpy()")
            )  # fmt: skip
        value: float | int | bool = to_host(self.array).reshape(-1)[0].item()
        return value

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise RuntimeError(
                message("bool", "the tensor", f"of shape {self.shape}",
                        "exactly one element, where `if`, `and`, `or` and `not` ask for its truth",
                        "write t.all() or t.any()")
            )  # fmt: skip
        return bool(self.item())

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a tensor with no axes")
        return int(self.array.shape[0])

    def __iter__(self) -> Iterator[XTensor]:
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """For ``np.asarray``: a read-only view on the CPU; a copy if dtype or device ask for it."""
        host = to_host(self.array)
        if copy or (dtype is not None and np.dtype(dtype) != host.dtype):
            if copy is False:
                raise ValueError(
                    message("numpy.asarray", "copy", "False",
                            f"True or None, as {self.dtype} must be converted to {dtype}")
                )  # fmt: skip
            return np.array(host, dtype=dtype)
        view = host.view()
        view.flags.writeable = False
        return view

    def __repr__(self) -> str:
        data = np.array2string(
            to_host(self.array), precision=7, max_line_width=75, threshold=1000, edgeitems=3,
            suppress_small=False, separator=" ", floatmode="maxprec", sign="-",
        )  # fmt: skip
        shape = "x".join(str(n) for n in self.array.shape)
        return f"\n{data}\n<{type(self).__name__} {shape} {device_name(self.device)} {self.dtype}>"

    __str__ = __repr__

    def __format__(self, how: str) -> str:
        """As a number where there is one element, ``f"{loss:.3f}"``.

        Raises:
            ValueError: a format of numbers for several elements.
        """
        if how and self.size == 1:
            return format(self.item(), how)
        try:
            return format(str(self), how)
        except ValueError:
            raise ValueError(
                message("format", "the tensor", f"of shape {self.shape}",
                        f"exactly one element, as {how!r} is a format of single numbers",
                        "index it or leave the format out")
            ) from None  # fmt: skip

    # == compares element by element, so identity is all a hash can follow.
    __hash__ = object.__hash__

    # -- sharing and copying ----------------------------------------------------------------------

    def __dlpack__(self, **options: Any) -> Any:
        """For ``from_dlpack`` of NumPy, PyTorch and others: the CPU memory itself, not a copy.

        What the consumer writes is seen here until this tensor is next written in place.

        Raises:
            BufferError: the tensor lies on a GPU.
        """
        if self.device != DEV_CPU:
            raise BufferError(
                message("__dlpack__", "the tensor", f"on device {self.device}", "on the CPU",
                        "share x.CPU()")
            )  # fmt: skip
        return self.writable().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0) if self.device == DEV_CPU else (2, self.device - DEV_GPU_0)

    def __copy__(self) -> XTensor:
        """A tensor of its own that shares memory until either is written; cut from the graph."""
        other = type(self).__new__(type(self))
        other.array, other.grad, other.node, other.slot = self.array, self.grad, None, 0
        other._requires_grad = self._requires_grad and self.node is None
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> XTensor:
        other = self.__copy__()
        memo[id(self)] = other
        other.array = copy_array(self.array)
        other.grad = None if self.grad is None else self.grad.__deepcopy__(memo)
        return other

    if not TYPE_CHECKING:  # which else would take any attribute to be there

        def __getattr__(self, name: str) -> Any:
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_"):
                text += "; most operations are functions, as xtensor.sums(t)"
            raise AttributeError(text, name=name, obj=self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Unpickling runs whatever the file says, so files of tensors should not be pickles.
        raise TypeError(
            message("pickle", "an argument", f"of type {type(self).__name__}", "plain values",
                    "write a model with save_parameters(model.state_dict(), file), a tensor as "
                    "x.to_numpy()")
        )  # fmt: skip

    # -- writing ----------------------------------------------------------------------------------

    def writable(self) -> Array:
        """The array, for writing in place: a private copy first if somebody else holds its memory.

        A reference count that is too high costs a copy, never a wrong number. GPU arrays may share
        memory without showing it, so they are always copied.
        """
        if (
            type(self.array) is not np.ndarray
            or sys.getrefcount(self.array) > _ALONE
            or self.array.base is not None
            or not self.array.flags.writeable
        ):
            self.array = copy_array(self.array)
        return self.array

    # -- devices ----------------------------------------------------------------------------------

    def GPU(self, device: int = DEV_GPU_0) -> XTensor:
        """A tensor on that GPU, cut from the graph; the tensor itself if it is there already."""
        return self._on(check_device(device, "GPU"))

    def CPU(self) -> XTensor:
        """A tensor on the host, cut from the graph; the tensor itself if it is there already."""
        return self._on(DEV_CPU)

    def toGPU(self, device: int = DEV_GPU_0) -> XTensor:
        """Move this tensor to that GPU, cut it from the graph, return it."""
        return self._move(check_device(device, "toGPU"))

    def toCPU(self) -> XTensor:
        """Move this tensor to the host, cut it from the graph, return it."""
        return self._move(DEV_CPU)

    def isGPU(self) -> bool:
        """Whether the data lie on a GPU."""
        return self.device != DEV_CPU

    def isCPU(self) -> bool:
        """Whether the data lie on the host."""
        return self.device == DEV_CPU

    def _on(self, device: int) -> XTensor:
        return self if self.device == device else wrap(to_device(self.array, device))

    def _move(self, device: int) -> XTensor:
        if self.device != device:
            self.array = to_device(self.array, device)
            self.node = None
            if self.grad is not None:
                self.grad.array = to_device(self.grad.array, device)
        return self

    # -- gradients --------------------------------------------------------------------------------

    def backward(self, grad: XTensor | None = None) -> None:
        """Propagate back from this tensor and leave gradients in the leaves that require them.

        Args:
            grad: gradient of this tensor, of its shape; ones by default, for any shape.

        A pass replaces ``.grad`` of the leaves it reaches, sums several uses of one leaf, and frees
        the graph it has walked.

        Raises:
            RuntimeError: nothing was recorded for this tensor, or its graph was walked before.
            ValueError: ``grad`` has another shape or device.

        Example:
            >>> t = XTensor([1.0, 2.0], requires_grad=True)
            >>> with autograd.tape():
            ...     y = t * t
            >>> y.backward()
            >>> t.grad.to_numpy()
            array([2., 4.], dtype=float32)
        """
        if self.node is None and not self._requires_grad:
            raise RuntimeError(
                "backward: nothing was recorded for this tensor. Compute it inside "
                "`with autograd.tape():` from a tensor with requires_grad=True."
            )
        if grad is None:
            seed = full_like(self.array, 1)
        else:
            if not isinstance(grad, XTensor):
                grad = XTensor(grad, device=self.device, dtype=self.dtype)
            if grad.shape != self.shape or grad.device != self.device:
                raise ValueError(
                    message("backward", "grad", f"shape {grad.shape} on device {grad.device}",
                            f"shape {self.shape} on device {self.device}, as the tensor has")
                )  # fmt: skip
            seed = cast(grad.array, self.array.dtype)
        if self.node is None:
            self.receive_gradient(seed)
        else:
            autograd.walk_back([(self.node, self.slot, seed)])

    def receive_gradient(self, gradient: Array) -> None:
        """Store what a walk back has summed up for this leaf."""
        self.grad = wrap(gradient)

    if TYPE_CHECKING:
        # Hung on by methods.py, which knows the ops.
        def __getitem__(self, item: Any) -> XTensor: ...
        def __setitem__(self, item: Any, value: Any) -> None: ...
        def __add__(self, other: Any) -> XTensor: ...
        def __radd__(self, other: Any) -> XTensor: ...
        def __sub__(self, other: Any) -> XTensor: ...
        def __rsub__(self, other: Any) -> XTensor: ...
        def __mul__(self, other: Any) -> XTensor: ...
        def __rmul__(self, other: Any) -> XTensor: ...
        def __truediv__(self, other: Any) -> XTensor: ...
        def __rtruediv__(self, other: Any) -> XTensor: ...
        def __pow__(self, other: Any) -> XTensor: ...
        def __rpow__(self, other: Any) -> XTensor: ...
        def __matmul__(self, other: Any) -> XTensor: ...
        def __rmatmul__(self, other: Any) -> XTensor: ...
        def __iadd__(self, other: Any) -> XTensor: ...
        def __isub__(self, other: Any) -> XTensor: ...
        def __imul__(self, other: Any) -> XTensor: ...
        def __itruediv__(self, other: Any) -> XTensor: ...
        def __neg__(self) -> XTensor: ...
        def __abs__(self) -> XTensor: ...
        def __and__(self, other: Any) -> XTensor: ...
        def __rand__(self, other: Any) -> XTensor: ...
        def __or__(self, other: Any) -> XTensor: ...
        def __ror__(self, other: Any) -> XTensor: ...
        def __xor__(self, other: Any) -> XTensor: ...
        def __rxor__(self, other: Any) -> XTensor: ...
        def __invert__(self) -> XTensor: ...
        def __lt__(self, other: Any) -> XTensor: ...
        def __le__(self, other: Any) -> XTensor: ...
        def __gt__(self, other: Any) -> XTensor: ...
        def __ge__(self, other: Any) -> XTensor: ...
        def __eq__(self, other: Any) -> XTensor: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> XTensor: ...  # type: ignore[override]
        def reshape(self, new_shape: Any) -> XTensor: ...
        def transpose(self, *axes: Any) -> XTensor: ...
        def argmax(self, dim: int | None = None, keepdims: bool = False) -> XTensor: ...
        def argmin(self, dim: int | None = None, keepdims: bool = False) -> XTensor: ...
        def all(self) -> XTensor: ...
        def any(self) -> XTensor: ...
        def fill_rand_binary_(self, v: float = 0.5) -> None: ...
        def fill_rand_uniform_(self, v: float = 1) -> None: ...
        def fill_rand_signed_uniform_(self, v: float = 1) -> None: ...
        def fill_rand_normal_(self, m: float = 0, s: float = 1) -> None: ...


class Parameter(XTensor):
    """A tensor that a module owns and an optimizer updates; it requires grad from the start.

    Example:
        >>> Parameter([1.0, 2.0])
        <BLANKLINE>
        [1. 2.]
        <Parameter 2 cpu(0) kfloat32>
    """

    __slots__ = ()

    def __init__(self, data: Any, device: int | None = None, dtype: int | None = None) -> None:
        super().__init__(data, True, device, dtype)


_new = XTensor.__new__


def wrap(array: Array, node: Op | None = None, slot: int = 0) -> XTensor:
    """A tensor around a raw array, the result of ``node`` if it was recorded."""
    tensor = _new(XTensor)
    tensor.array = array
    tensor.grad = None
    tensor.node = node
    tensor.slot = slot
    tensor._requires_grad = node is not None
    return tensor


def check_tensor(where: str, argument: str, value: Any, remedy: str = "") -> XTensor:
    """The value itself, if it is a tensor.

    Raises:
        TypeError: it is none.

    Example:
        >>> check_tensor("reshape", "t", XTensor([1.0])).shape
        [1]
    """
    if not isinstance(value, XTensor):
        came = f"of type {type(value).__name__}"
        raise TypeError(message(where, argument, came, "an XTensor", remedy))
    return value


def xtensor(
    data: Any, requires_grad: bool = False, device: int | None = None, dtype: int | None = None
) -> XTensor:
    """The same as ``XTensor(data, requires_grad, device, dtype)``.

    Args:
        data, requires_grad, device, dtype: as for XTensor.

    Example:
        >>> xtensor(10.0).shape
        [1]
    """
    return XTensor(data, requires_grad, device, dtype)


def to_xtensor(x: Any, device: int | None = None, dtype: int | None = None) -> XTensor:
    """A number, list or NumPy array as an XTensor; an XTensor that fits passes through.

    Args:
        x: number, list, NumPy array or XTensor.
        device, dtype: of the result; None keeps what ``x`` has, or what XTensor makes of it.

    Raises:
        TypeError, ValueError: as for XTensor.

    Example:
        >>> to_xtensor(10.0)
        <BLANKLINE>
        [10.]
        <XTensor 1 cpu(0) kfloat32>
    """
    if isinstance(x, XTensor) and device in (None, x.device) and dtype in (None, x.dtype):
        return x
    return XTensor(x, device=device, dtype=dtype)


def from_dlpack(x: Any) -> XTensor:
    """A tensor over the memory of another library's CPU tensor, copied at the first write here.

    Args:
        x: an object with ``__dlpack__``: a NumPy array, a PyTorch CPU tensor, ... If its elements
            are not contiguous it is copied at once.

    Raises:
        TypeError: ``x`` has no ``__dlpack__``, or its dtype is none of the seven.
        BufferError: its memory is not the CPU's.

    Example:
        >>> from_dlpack(np.arange(3, dtype=np.int32)).dtype
        kint32
    """
    if not hasattr(x, "__dlpack__"):
        raise TypeError(
            message("from_dlpack", "x", f"of type {type(x).__name__}", "an object with __dlpack__",
                    "build a tensor with xtensor(x)")
        )  # fmt: skip
    try:
        host = np.from_dlpack(x)
    except (RuntimeError, BufferError) as error:  # the second one of a dtype that NumPy lacks
        if "dtype" in str(error):
            raise TypeError(
                message(
                    "from_dlpack", "x", "of a dtype that NumPy lacks", "one of the seven dtypes"
                )
            ) from error
        raise BufferError(
            message("from_dlpack", "x", "in memory that NumPy cannot share", "memory of the CPU",
                    "copy it there first, an XTensor by x.CPU()")
        ) from error  # fmt: skip
    if not is_supported(host.dtype):
        raise TypeError(message("from_dlpack", "x", str(host.dtype), "one of the seven dtypes"))
    return wrap(np.asarray(host, order="C"))


def as_numbers(data: Any, where: str) -> np.ndarray:
    """A number, an array or nested lists of numbers as an array of the dtype that NumPy finds.

    Raises:
        TypeError: something else, or rows of several lengths.
        OverflowError: integers of more than 64 bits.
    """
    try:
        host = np.asarray(data)
    except (ValueError, OverflowError) as error:
        raise TypeError(
            message(where, "data", str(error), "rows of one length, holding numbers")
        ) from None
    if host.dtype.kind in "biuf":
        return host
    if host.dtype.kind == "O" and isinstance(data, np.ndarray):
        raise TypeError(
            message(where, "data", "an array of objects", "one of numbers",
                    "convert it, data.astype(float)")
        )  # fmt: skip
    if host.dtype.kind == "O" and all(isinstance(number, int) for number in host.flat):
        raise OverflowError(message(where, "data", "of integers too large", "64 bits at most"))
    raise TypeError(
        message(where, "data", f"of type {type(data).__name__}, {host.dtype}",
                "real numbers (the seven dtypes, no complex ones)")
    )  # fmt: skip


def host_data(data: Any, target: np.dtype[Any] | None, where: str) -> np.ndarray:
    """Whatever a user may give as data, as a fresh contiguous array of a supported dtype."""
    if isinstance(data, XTensor):
        host = to_host(data.array)
        target = target or host.dtype
    else:
        host = as_numbers(data, where)
        if target is None:
            target = BOOL if host.dtype == BOOL and isinstance(data, np.ndarray) else FLOAT32
        if host.ndim == 0 and not isinstance(data, np.ndarray):
            host = host.reshape(1)
    if not is_supported(host.dtype) and host.dtype.kind == "f":
        host = host.astype(np.float64)
    if target.kind in "iu" and host.dtype != target and host.size:
        low, high = host.min().item(), host.max().item()
        limits = np.iinfo(target)
        if not (limits.min <= low and high <= limits.max):  # NaN is not in order either
            raise OverflowError(
                message(where, "data", f"from {low} to {high}",
                        f"numbers that {target} can hold, {limits.min} .. {limits.max}")
            )  # fmt: skip
    return np.array(host, dtype=target, order="C", copy=True)


class _Holder:
    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array = np.empty(0)

    def count(self) -> int:
        return sys.getrefcount(self.array)


# What getrefcount says of an array that only one attribute holds; interpreters differ.
_ALONE = _Holder().count()
