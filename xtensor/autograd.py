"""The tape: what is recorded, when, and the walk back through it.

An op that ran while recording *is* the node of the graph: it keeps what its backward needs and the
nodes its inputs came from. Outputs hold their node, nodes hold earlier nodes, nothing else holds
either, so a graph nobody refers to is gone. Whether operations are recorded, and whether layers
such as batch normalisation and dropout train, are flags of the running thread.
"""

from __future__ import annotations

import threading
import warnings
from collections import deque
from collections.abc import Sequence
from contextlib import ContextDecorator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from .device import Array, to_host
from .elementwise import add_to, apply
from .errors import message

if TYPE_CHECKING:
    from types import TracebackType

    from .op import Op

__all__ = ["detect_anomaly", "eval_mode", "is_recording", "is_training", "no_grad", "tape"]

# A tape lists its latest operations, as text, so that a long loop inside one scope does not grow.
LISTED = 1000
# The slot of an edge that ends at a leaf tensor instead of an output of a node.
LEAF = -1


class _State(threading.local):
    tape: tape | None = None  # where operations are recorded; None while they are not
    training = False
    evaluating = False
    anomaly = False


state = _State()


class _Scope(ContextDecorator):
    """Sets some of the flags on entry and puts the previous ones back on exit, whatever happens."""

    flags: dict[str, Any]

    def __init__(self) -> None:
        self._previous: list[dict[str, Any]] = []

    def _recreate_cm(self) -> _Scope:
        """A scope for each call of a decorated function, as threads may be in several at once."""
        return type(self)()

    def __enter__(self) -> Any:
        self._previous.append({name: getattr(state, name) for name in self.flags})
        for name, value in self.flags.items():
            setattr(state, name, value)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, value in self._previous.pop().items():
            setattr(state, name, value)


class tape(_Scope):
    """``with autograd.tape():`` records operations and puts layers into training mode.

    Recorded is every operation that touches a tensor with ``requires_grad``, or a recorded result.
    ``y.backward()`` works inside the scope or after it. ``with autograd.tape() as t`` names the
    tape, and ``print(t)`` lists the latest 1,000 recorded operations with their shapes.

    Example:
        >>> import xtensor as xt
        >>> x = xt.ones([2, 3], dtype=xt.kfloat32)
        >>> x.requires_grad = True
        >>> with xt.autograd.tape() as t:
        ...     y = xt.sums(x * 2)
        >>> print(t)
        tape: 2 operations
          1  mul   [2, 3], [] -> [2, 3]
          2  sums  [2, 3] -> [1]
    """

    flags = {"training": True, "tape": None}  # noqa: RUF012 - read only

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.latest: deque[tuple[str, list[tuple[int, ...]], list[tuple[int, ...]]]] = deque(
            maxlen=LISTED
        )

    def __enter__(self) -> tape:
        super().__enter__()
        state.tape = self  # not among the flags, where it would refer to itself for ever
        return self

    def __str__(self) -> str:
        lines = [f"tape: {self.count} operation{'' if self.count == 1 else 's'}"]
        if len(self.latest) < self.count:
            lines.append(f"  (the latest {len(self.latest)})")
        width = max((len(entry[0]) for entry in self.latest), default=0)
        first = self.count - len(self.latest) + 1
        for number, (name, inputs, outputs) in enumerate(self.latest, first):
            came, went = (", ".join(str(list(s)) for s in shapes) for shapes in (inputs, outputs))
            lines.append(f"{number:3d}  {name:<{width}}  {came} -> {went}")
        return "\n".join(lines)

    __repr__ = __str__


class no_grad(_Scope):
    """``with autograd.no_grad():`` pauses recording, inside a tape too; the mode of layers stays.

    Example:
        >>> import xtensor as xt
        >>> x = xt.XTensor([1.0], requires_grad=True)
        >>> with xt.autograd.tape(), xt.autograd.no_grad():
        ...     print((x * 2).requires_grad)
        False

        It decorates functions too:

        >>> @xt.autograd.no_grad()
        ... def predict(x):
        ...     return x * 2
        >>> with xt.autograd.tape():
        ...     print(predict(x).requires_grad)
        False
    """

    flags = {"tape": None}  # noqa: RUF012 - read only


class eval_mode(_Scope):
    """``with autograd.eval_mode():`` lets layers evaluate, in a tape or around it; recording stays.

    Example:
        >>> import xtensor as xt
        >>> with xt.autograd.tape(), xt.autograd.eval_mode():
        ...     print(xt.Dropout(0.5)(xt.ones([3])).to_numpy())
        [1. 1. 1.]
    """

    flags = {"evaluating": True}  # noqa: RUF012 - read only


class detect_anomaly(_Scope):
    """``with autograd.detect_anomaly():`` makes ``backward`` stop at the op whose gradient is NaN.

    Example:
        >>> import xtensor as xt
        >>> x = xt.XTensor([-1.0], requires_grad=True)
        >>> with xt.autograd.tape(), xt.autograd.detect_anomaly():
        ...     xt.sqrt(x).backward()
        Traceback (most recent call last):
            ...
        FloatingPointError: backward of sqrt: gradient of input 0 is NaN; expected numbers.
    """

    flags = {"anomaly": True}  # noqa: RUF012 - read only


def is_recording() -> bool:
    """Whether operations of this thread are being recorded."""
    return state.tape is not None


def warn_unrecorded(where: str, changed: Any, other: Any, remedy: str) -> None:
    """Say that a change in place is not recorded, where a gradient would have gone through it."""
    if state.tape is not None and (
        changed.node is not None or getattr(other, "requires_grad", False) is True
    ):
        warnings.warn(
            f"{where}: changes in place are not recorded, and no gradient goes through this one. "
            f"To mend it: {remedy}, or do it inside `with autograd.no_grad():`.",
            RuntimeWarning,
            stacklevel=3,
        )


def is_training() -> bool:
    """Whether layers of this thread are in training mode."""
    return state.training and not state.evaluating


def walk_back(seeds: Sequence[tuple[Op, int, Array]]) -> None:
    """Propagate gradients from outputs, given as (node, slot, gradient), to every leaf below them.

    Nodes are taken by descending creation number, so each is reached after all its users. A leaf's
    gradient is the sum over its uses in this walk and replaces what an earlier walk left there; its
    first two uses make a new array, to which later ones are added.
    """
    gradients: dict[Op, list[Array | None]] = {}
    leaves: dict[Any, Array] = {}
    own: set[Any] = set()
    heap: list[tuple[int, Op]] = []
    for node, slot, seed in seeds:
        if node not in gradients:
            gradients[node] = [None] * len(node.output_shapes)
            heappush(heap, (-node.number, node))
        total = gradients[node][slot]
        gradients[node][slot] = seed if total is None else apply("add_forward", (total, seed))
    anomaly = state.anomaly
    # Every operation of a program passes here once more: small ones pay for each line. The latest
    # node waits beside the heap, which so stays empty all along a chain.
    latest: Op | None = heappop(heap)[1]
    while latest is not None:
        node, latest = latest, heappop(heap)[1] if heap else None
        edges = node.edges
        if edges is None:
            raise RuntimeError(
                f"backward reached {node.name}, whose part of the graph an earlier backward has "
                "freed. Run the forward computation again under the tape, or add the results up "
                "and call backward once."
            )
        slots = gradients.pop(node)
        if len(slots) == 1:
            results = node.backward(slots[0])
        else:
            results = node.backward(*node.with_zeros(slots))
        if type(results) is not tuple:
            results = (results,)
        if node.foreign:
            results = node.checked_gradients(results)
        shapes, plain = node.input_shapes, node.cast_from is None
        for position, edge in enumerate(edges):
            if edge is None:
                continue
            gradient = results[position]
            if gradient is None:
                continue
            if gradient.shape != shapes[position] or not plain:
                gradient = node.fit_gradient(position, gradient)
            if anomaly:
                _refuse_nan(node, position, gradient)
            parent, slot = edge
            if slot == LEAF:
                total = leaves.get(parent)
                if total is None:
                    leaves[parent] = gradient
                elif parent in own:
                    add_to(total, gradient)
                else:
                    leaves[parent] = apply("add_forward", (total, gradient))
                    own.add(parent)
                continue
            if parent not in gradients:
                gradients[parent] = [None] * len(parent.output_shapes)
                if latest is None:
                    latest = parent
                elif parent.number < latest.number:
                    heappush(heap, (-parent.number, parent))
                else:
                    heappush(heap, (-latest.number, latest))
                    latest = parent
            slots = gradients[parent]
            total = slots[slot]
            slots[slot] = gradient if total is None else apply("add_forward", (total, gradient))
        node.edges, node.saved = None, ()  # a finished walk needs no more of it
    for leaf, gradient in leaves.items():
        leaf.receive_gradient(gradient)


def _refuse_nan(node: Op, position: int, gradient: Array) -> None:
    if np.isnan(to_host(gradient)).any():
        raise FloatingPointError(
            message(f"backward of {node.name}", f"gradient of input {position}", "NaN", "numbers")
        )
