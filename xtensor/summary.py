"""A table of what a model does with an input: layers, output shapes, parameters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .autograd import eval_mode, no_grad
from .device import check_shape
from .dtype import kfloat32, to_numpy_dtype
from .errors import message, shown
from .module import Module
from .ops.creation import zeros
from .ops.random import get_rng_state, set_rng_state
from .sequence import PackedSequence
from .tensor import Parameter, XTensor


@dataclass
class Row:
    """One run of one module, or a module that did not run.

    path: dotted name of the module, empty for the model itself.
    kind: name of its class.
    depth: how many modules it ran inside of.
    output: shape or shapes it gave, as text.
    parameters: how many it owns itself, those of its submodules and those counted above aside.
    """

    path: str
    kind: str
    depth: int
    output: str = ""
    parameters: int = 0


@dataclass
class Summary:
    """What ``summary`` found: ``rows`` in the order the modules began to run, and sums.

    Example:
        >>> import xtensor as xt
        >>> xt.summary(xt.Linear(3, 2), [5, 3]).parameters
        8
    """

    input: str
    rows: list[Row] = field(default_factory=list)
    parameters: int = 0
    trainable: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        table = [("layer", "class", "output shape", "parameters")]
        above: list[str] = []
        for row in self.rows:
            # A name starts where that of the module it ran inside of ends: "blocks.0", as the list
            # in between never runs.
            above[row.depth :] = [f"{row.path}."]
            parent = above[row.depth - 1] if row.depth else "."
            label = "  " * row.depth + (row.path.removeprefix(parent) or "model")
            count = f"{row.parameters:,}" if row.parameters else ""
            table.append((label, row.kind, row.output, count))
        widths = [max(len(line[column]) for line in table) for column in range(4)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}".rstrip()
            for a, b, c, d in table
        ]
        frozen = self.parameters - self.trainable
        kept = f", {frozen:,} of them frozen" if frozen else ""
        total = f"{self.parameters:,} parameter{'' if self.parameters == 1 else 's'}{kept}"
        rule = "-" * max(map(len, lines))
        return "\n".join(
            [f"input {self.input}", lines[0], rule, *lines[1:], rule,
             f"{total}, {_readable(self.bytes)}"]
        )  # fmt: skip

    __repr__ = __str__


def summary(model: Module, input_shape: Sequence[Any], dtype: Any = None) -> Summary:
    """Run a model once on zeros and tabulate what each of its modules gave.

    The run is not recorded, layers evaluate, and the stream of random numbers stays where it is.

    Args:
        model: a Module on any device.
        input_shape: shape of its input, batch axis included; or a list of shapes for a model of
            several inputs.
        dtype: of the zeros, kfloat32 by default (kint64, say, for the numbers an Embedding looks
            up); for several inputs also a list of as many.

    Returns:
        An object that prints as the table. A module that ran twice has two rows, its parameters
        stand in the first; one that did not run but owns parameters says so.

    Raises:
        TypeError: ``model`` is no Module, ``input_shape`` no shape and no list of shapes.
        ValueError: a length is negative, or there are not as many dtypes as shapes.
        And whatever the model raises for an input of this shape.

    Example:
        >>> import xtensor as xt
        >>> class Net(xt.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden, self.scores = xt.Linear(64, 32), xt.Linear(32, 10)
        ...     def forward(self, x):
        ...         return self.scores(xt.relu(self.hidden(x)))
        >>> xt.summary(Net(), [5, 64])
        input [5, 64]
        layer     class   output shape  parameters
        ------------------------------------------
        model     Net     [5, 10]
          hidden  Linear  [5, 32]            2,080
          scores  Linear  [5, 10]              330
        ------------------------------------------
        2,410 parameters, 9.6 kB
    """
    if not isinstance(model, Module):
        raise TypeError(message("summary", "model", f"of type {type(model).__name__}", "a Module"))
    inputs = _zeros(model, input_shape, dtype)
    found = Summary(", ".join(str(x.shape) for x in inputs))
    counted: set[int] = set()
    state = get_rng_state()
    try:
        with _watched(model, found, counted), no_grad(), eval_mode():
            model(*inputs)
    finally:
        set_rng_state(state)
    for path, module in _paths(model).values():
        count = _count_own(module, counted)  # 0 for those that ran
        if count:
            depth = 1 if path else 0
            found.rows.append(Row(path, type(module).__name__, depth, "(did not run)", count))
    for parameter in model.parameters():
        found.parameters += parameter.size
        found.trainable += parameter.size if parameter.requires_grad else 0
        found.bytes += parameter.array.nbytes
    return found


def _zeros(model: Module, input_shape: Any, dtype: Any) -> list[XTensor]:
    if not isinstance(input_shape, (list, tuple)):
        raise TypeError(
            message("summary", "input_shape", shown(input_shape),
                    "a shape such as [1, 3, 32, 32], or a list of shapes")
        )  # fmt: skip
    several = bool(input_shape) and all(isinstance(s, (list, tuple)) for s in input_shape)
    shapes = list(input_shape) if several else [input_shape]
    dtypes = list(dtype) if isinstance(dtype, (list, tuple)) else [dtype] * len(shapes)
    if len(dtypes) != len(shapes):
        raise ValueError(
            message("summary", "dtype", f"{len(dtypes)} dtypes", f"one, or {len(shapes)} as shapes")
        )
    checked = []
    for shape, code in zip(shapes, dtypes):
        kind = to_numpy_dtype(kfloat32 if code is None else code, "summary")
        checked.append(list(check_shape(shape, "summary", kind)))
    return [zeros(s, device=model.backend, dtype=d) for s, d in zip(checked, dtypes)]


def _paths(model: Module) -> dict[int, tuple[str, Module]]:
    """Every module of the tree by id, with the first of its dotted names, parents first."""
    found: dict[int, tuple[str, Module]] = {}
    todo = [("", model)]
    while todo:
        path, module = todo.pop()
        if id(module) not in found:
            found[id(module)] = (path, module)
            prefix = f"{path}." if path else ""
            todo += [(prefix + name, child) for name, child in reversed(module.named_children())]
    return found


@contextlib.contextmanager
def _watched(model: Module, found: Summary, counted: set[int]) -> Iterator[None]:
    """While it lasts, every module of this model enters a row when its forward runs."""
    paths = _paths(model)
    hidden = {number: vars(module).get("forward") for number, (_, module) in paths.items()}
    running: list[str] = []

    def watch(path: str, module: Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            row = Row(path, type(module).__name__, len(running))
            row.parameters = _count_own(module, counted)
            found.rows.append(row)
            running.append(path)
            try:
                result = forward(*args, **kwargs)
            finally:
                running.pop()
            row.output = _shapes(result)
            return result

        return watched

    # In front of the class's own forward, for these instances alone; other models, and other
    # threads that run them, notice nothing.
    for path, module in paths.values():
        vars(module)["forward"] = watch(path, module, module.forward)
    try:
        yield
    finally:
        for number, (_, module) in paths.items():
            if hidden[number] is None:
                del vars(module)["forward"]
            else:
                vars(module)["forward"] = hidden[number]


def _count_own(module: Module, counted: set[int]) -> int:
    """Elements of the parameters a module owns itself and that were not counted before."""
    total = 0
    for value in vars(module).values():
        if isinstance(value, Parameter) and id(value) not in counted:
            counted.add(id(value))
            total += value.size
    return total


def _shapes(result: Any) -> str:
    if isinstance(result, XTensor):
        return str(result.shape)
    if isinstance(result, PackedSequence):
        return f"packed {result.data.shape}"
    if isinstance(result, (list, tuple)):
        return ", ".join(_shapes(item) for item in result)
    if isinstance(result, dict):
        return ", ".join(f"{name}: {_shapes(item)}" for name, item in result.items())
    return type(result).__name__


def _readable(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
