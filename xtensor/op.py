"""Op: one differentiable operation, from the check of its arguments to its gradient.

    class Cube(Op):
        def forward(self, x):
            out = empty_like(x)
            launch("cube_forward", out.size, out, x)
            self.save(x)
            return out

        def backward(self, grad_out):
            ...

An instance that was recorded is the node of the graph, so a further call of it goes to a copy.
``check``, ``forward`` and ``backward`` see raw contiguous arrays of one device. Everything an op
has in common with every other is done here: unwrapping, promoting dtypes, wrapping, recording, and
summing gradients back over broadcast axes.
"""

from __future__ import annotations

import copy
import itertools
import re
from typing import Any

import numpy as np
from numpy import ndarray

from .autograd import LEAF, state, tape
from .device import Array, cast, device_name, device_of, full_like, host_constant
from .dtype import BOOL, FLOAT32, FLOAT64, INT64, is_floating, is_supported, promote
from .errors import message
from .kernels import check_raw
from .reduction import sum_to_shape
from .tensor import XTensor, as_numbers, host_data, wrap

_numbers = itertools.count(1)
# Stands for an optional input that was not given; its array is None.
ABSENT = wrap(None)
registered: dict[str, type[Op]] = {}


class Op:
    """Base class of every operation; a subclass writes ``forward`` and ``backward``.

    It may also write ``check``, which gets what ``forward`` does.

    Class attributes:
        name: what messages and the printed tape call it; the class name in snake case by default.
        promotion: "none" leaves dtypes alone; "common" casts all inputs to the largest of them;
            "float" does that and makes integers kfloat32.
        broadcasts: gradients may come in the broadcast shape; they are summed to the input's.
        differentiable: False for ops whose result never requires grad.
        accepts_bool: False for ops that mean nothing for truth values.
        optional: positions of inputs that may be None, as a convolution's bias.

    ``self.needs(i)`` says whether the gradient of input i will be asked for; ``self.save(...)`` in
    ``forward`` keeps what ``backward`` reads from ``self.saved``. ``backward`` gets one gradient
    per output and returns one per input, of its dtype, None where there is none or none is needed.
    Either may return a view, such as ``x.T``, which is copied.

    An instance may be called any number of times, as where a module keeps it as ``self.op``. Once
    recorded it belongs to its graph: a further call runs on a shallow copy of it, so whatever else
    ``forward`` assigns to ``self`` is found in the same application's ``backward`` only.

    Example:
        >>> from xtensor.elementwise import apply
        >>> class Triple(Op):
        ...     def forward(self, x):
        ...         return apply("mul_forward", (x, np.full((), 3, x.dtype)))
        ...     def backward(self, grad_out):
        ...         return self.forward(grad_out)
        >>> Triple()(XTensor([1.0, 2.0])).to_numpy()
        array([3., 6.], dtype=float32)
    """

    name = ""
    promotion = "none"
    broadcasts = False
    differentiable = True
    accepts_bool = True
    optional: tuple[int, ...] = ()

    edges: list[tuple[Any, int] | None] | None = None
    saved: tuple[Any, ...] = ()
    number = 0
    input_shapes: list[tuple[int, ...]]
    output_shapes: list[tuple[int, ...]]
    cast_from: list[np.dtype[Any] | None] | None = None
    input_dtypes: list[np.dtype[Any] | None]

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        cls.checks = cls.check is not Op.check
        cls.foreign = cls.__module__.partition(".")[0] != __package__.partition(".")[0]
        if not abstract:
            registered[cls.name] = cls

    # -- what a subclass writes -------------------------------------------------------------------

    checks = False  # whether there is a ``check`` to call
    foreign = False  # whether it is not the package's, and what it returns has to be looked at

    def check(self, *inputs: Array) -> None:
        """Refuse wrong shapes, dtypes and indices before any kernel runs.

        What it works out for that, an axis say, it may leave on ``self`` for ``forward``, which
        runs after it, never without.
        """

    def forward(self, *inputs: Array) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, *gradients: Array) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def save(self, *things: Any) -> None:
        """Keep what backward needs; read it back as ``self.saved``."""
        self.saved = things

    def needs(self, position: int) -> bool:
        """Whether the gradient of this input will be asked for."""
        edges = self.edges
        return edges is not None and edges[position] is not None

    # -- running ----------------------------------------------------------------------------------

    def __call__(self, *inputs: Any) -> Any:
        # Every operation pays for each line here, a small one for nothing else.
        if self.number:
            return self._fresh()(*inputs)
        arrays: list[Array] = []
        edges: list[tuple[Any, int] | None] = []
        plain, required = True, False
        try:
            for x in inputs:
                array = x.array
                arrays.append(array)
                if type(array) is not ndarray or array.dtype is not FLOAT32:
                    plain = False
                if x._requires_grad:
                    required = True
                    node = x.node
                    edges.append((x, LEAF) if node is None else (node, x.slot))
                else:
                    edges.append(None)
        except AttributeError:  # a number, a NumPy array, None
            return self(*self._as_tensors(inputs))
        if not plain:
            self._check_devices(arrays)
            if self.promotion != "none":
                arrays = self._promote(arrays)
            if not self.accepts_bool and arrays[0].dtype == BOOL:
                raise TypeError(
                    message(self.name, "its argument", "kbool", "numbers",
                            "cast it with dtype=kint32")
                )  # fmt: skip
        if self.checks:
            self.check(*arrays)
        tape = state.tape if required and self.differentiable else None
        if tape is not None:
            self.edges = edges
        if len(arrays) == 2:  # without a star Python calls sooner
            result = self.forward(arrays[0], arrays[1])
        elif len(arrays) == 1:
            result = self.forward(arrays[0])
        else:
            result = self.forward(*arrays)
        if type(result) is not ndarray or self.foreign:
            result = self._checked(result, arrays)
        if tape is None:
            return wrap(result) if type(result) is not tuple else tuple(map(wrap, result))
        self.number = next(_numbers)
        self.input_shapes = input_shapes = []
        for array in arrays:
            input_shapes.append(() if array is None else array.shape)
        tape.count += 1
        if type(result) is tuple:
            return self._record_several(tape, result)
        self.output_shapes = output_shapes = [result.shape]
        tape.latest.append((self.name, input_shapes, output_shapes))
        dtype = result.dtype
        return wrap(result, self if dtype is FLOAT32 or is_floating(dtype) else None)

    def _fresh(self) -> Op:
        """A copy for another application: the node of the first must stay as its backward needs."""
        other = copy.copy(self)
        other.number, other.edges, other.saved, other.cast_from = 0, None, (), None
        return other

    def _checked(self, result: Any, inputs: list[Array]) -> Any:
        """What ``forward`` returned for these inputs: raw arrays, contiguous as kernels expect."""
        found = result if type(result) is tuple else (result,)
        for array in found:
            check_raw(self.name, "what forward returned", array)
        if self.foreign:
            self.input_dtypes = [None if array is None else array.dtype for array in inputs]
            found = tuple(map(_contiguous, found))
        return found if type(result) is tuple else found[0]

    def _checked_gradient(self, position: int, gradient: Any) -> Any:
        """What ``backward`` returned for an input, in its dtype and contiguous."""
        if gradient is None or not self.needs(position):
            return None
        where, argument = f"backward of {self.name}", f"gradient of input {position}"
        check_raw(where, argument, gradient)
        if gradient.dtype != (dtype := self.input_dtypes[position]):
            raise RuntimeError(
                message(where, argument, gradient.dtype, f"{dtype}, as the input",
                        "cast it, g.astype(x.dtype) in NumPy")
            )  # fmt: skip
        return _contiguous(gradient)

    def _as_tensors(self, inputs: tuple[Any, ...]) -> list[XTensor]:
        """Numbers and NumPy arrays as constants beside the tensors they meet, None as ABSENT."""
        like = None
        for x in inputs:
            if isinstance(x, XTensor) and (like is None or is_floating(x.array.dtype)):
                like = x.array
        found = []
        for position, x in enumerate(inputs):
            if isinstance(x, XTensor):
                found.append(x)
            elif x is None and position in self.optional:
                found.append(ABSENT)
            else:
                found.append(constant(x, np.empty(0, FLOAT32) if like is None else like, self.name))
        return found

    def _check_devices(self, arrays: list[Array]) -> None:
        for array in arrays:
            if type(array) is not ndarray and array is not None:
                break
        else:
            return
        devices = {device_of(array) for array in arrays if array is not None}
        if len(devices) > 1:
            came = " and ".join(device_name(device) for device in sorted(devices))
            raise ValueError(
                message(self.name, "its arguments", f"on devices {came}", "on one device",
                        "move them with toGPU() or toCPU()")
            )  # fmt: skip

    def _promote(self, arrays: list[Array]) -> list[Array]:
        dtype = arrays[0].dtype
        for array in arrays:
            if array is not None and array.dtype is not dtype:
                break
        else:
            if dtype is FLOAT32 or dtype is FLOAT64 or self.promotion == "common":
                return arrays
        for array in arrays:
            if array is not None:
                dtype = promote(dtype, array.dtype)
        if self.promotion == "float" and not is_floating(dtype):
            dtype = FLOAT32
        self.cast_from = [None if a is None else a.dtype for a in arrays]
        self.number = next(_numbers)  # recorded or not, the dtypes are of this application alone
        return [None if a is None else cast(a, dtype) for a in arrays]

    # -- recording --------------------------------------------------------------------------------

    def _record_several(self, tape: tape, results: tuple[Array, ...]) -> tuple[XTensor, ...]:
        """The rest of recording for an op that has several results."""
        self.output_shapes = [array.shape for array in results]
        tape.latest.append((self.name, self.input_shapes, self.output_shapes))
        return tuple(
            wrap(array, self if is_floating(array.dtype) else None, slot)
            for slot, array in enumerate(results)
        )

    def with_zeros(self, slots: list[Array | None]) -> list[Array | None]:
        """The gradients that reached the outputs, zeros where none did."""
        like = next(s for s in slots if s is not None)
        return [
            full_like(like, 0, shape) if s is None else s
            for s, shape in zip(slots, self.output_shapes)
        ]

    def checked_gradients(self, results: tuple[Any, ...]) -> tuple[Any, ...]:
        """What ``backward`` returned, each in the dtype of its input and contiguous."""
        if len(results) != len(self.input_shapes):
            raise RuntimeError(
                message(f"backward of {self.name}", "the number of gradients", len(results),
                        f"{len(self.input_shapes)}, one per input, None where there is none")
            )  # fmt: skip
        return tuple(itertools.starmap(self._checked_gradient, enumerate(results)))

    def fit_gradient(self, position: int, gradient: Array) -> Array:
        """The gradient in the shape and dtype the input had."""
        shape = self.input_shapes[position]
        if gradient.shape != shape:
            if not self.broadcasts:
                raise RuntimeError(
                    message(f"backward of {self.name}", f"gradient of input {position}",
                            f"shape {list(gradient.shape)}", f"shape {list(shape)}, as the input")
                )  # fmt: skip
            gradient = sum_to_shape(gradient, shape)
        dtype = None if self.cast_from is None else self.cast_from[position]
        return gradient if dtype is None else cast(gradient, dtype)


def _contiguous(array: Array) -> Array:
    """The array, or a copy in order if it is a view of the host's memory such as ``x.T``."""
    if type(array) is ndarray and not array.flags.c_contiguous:
        return array.copy()
    return array


def constant(value: Any, like: Array, where: str) -> XTensor:
    """A number or NumPy array that meets a tensor, as a tensor on its device.

    Neither widens a floating tensor. A float that meets integers becomes kfloat32.

    Raises:
        TypeError: it is neither.
        OverflowError: an integer that the tensor's dtype cannot hold.
    """
    if isinstance(value, (bool, int, float, np.generic)):
        dtype = like.dtype
        if isinstance(value, np.integer):
            value = int(value)  # of which NumPy says where it does not fit
        if isinstance(value, (bool, np.bool_)):
            dtype = BOOL
        elif not is_floating(dtype):
            if isinstance(value, (float, np.floating)):
                dtype = FLOAT32
            elif dtype == BOOL:
                dtype = INT64
        try:
            host = np.array(value, dtype)
        except OverflowError:
            raise OverflowError(
                message(where, "a number", value, f"one that {dtype} can hold")
            ) from None
        return wrap(host if type(like) is ndarray else host_constant(like, host))
    if isinstance(value, (np.ndarray, list, tuple)):
        host = as_numbers(value, where)
        dtype = FLOAT32 if host.dtype.kind == "f" else host.dtype
        if is_floating(like.dtype) and dtype != BOOL:
            dtype = like.dtype
        elif not is_supported(dtype):
            dtype = INT64
        return wrap(host_constant(like, host_data(host, dtype, where)))
    raise TypeError(
        message(where, "an argument", f"of type {type(value).__name__}",
                "an XTensor, a number or a NumPy array")
    )  # fmt: skip
