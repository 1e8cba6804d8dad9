"""Module and ModuleList: parameters found by the attributes they are assigned to.

There is no registry beside the attributes: what a module owns is what lies in its ``__dict__``, in
the order it was put there. Assigning again or deleting can therefore never leave something behind.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
)
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .device import DEV_CPU, DEV_GPU_0, Array, cast, check_device, to_device
from .device import copy as copy_array
from .errors import message, shown
from .tensor import Parameter, XTensor


class Module:
    """Base class of layers and models.

    A subclass calls ``super().__init__()`` first, assigns its parameters and submodules to
    attributes, and writes ``forward``; calling the module calls that.

    Args:
        name: a label for people, shown when the module is printed.

    Raises:
        TypeError: a plain list, tuple, set or dict that contains modules is assigned to an
            attribute (use ModuleList), or one that contains Parameters (give each an attribute), or
            a tensor that is no Parameter replaces one that is.
        AttributeError: an attribute is assigned before ``super().__init__()`` was called.
        ValueError: a module would become its own descendant.

    Example:
        >>> class Scale(Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.factor = Parameter([2.0, 3.0])
        ...     def forward(self, x):
        ...         return self.factor * x
        >>> scale = Scale()
        >>> scale
        Scale: 2 parameters  (factor [2])
        >>> scale(XTensor([1.0, 1.0])).to_numpy().tolist()
        [2.0, 3.0]
    """

    name: str

    def __init__(self, name: str = "") -> None:
        if not isinstance(name, str):
            raise TypeError(message(type(self).__name__, "name", shown(name), "a str"))
        self.__dict__.update(name=name, _buffer_names=set(), _moved_to=DEV_CPU)

    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass writes its own.

        Raises:
            NotImplementedError: the subclass has none.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no forward; define `def forward(self, x):` in the class"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    # -- attributes -------------------------------------------------------------------------------

    if not TYPE_CHECKING:  # which else would take any attribute to be there

        def __getattr__(self, name: str) -> Any:
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in ("train", "eval"):
                text += "; layers are in training mode while a tape is open, and at no other time"
            raise AttributeError(text, name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        where = type(self).__name__
        if "_buffer_names" not in self.__dict__:
            raise AttributeError(
                f"{where}: self.{name} was assigned before super().__init__() was called; "
                "call it first in __init__"
            )
        if isinstance(value, (list, tuple, set, frozenset, Mapping)):
            for kind, remedy in (
                (Module, f"self.{name} = ModuleList([...])"),
                (Parameter, "give each an attribute of its own, "
                 f"setattr(self, '{name}_0', ...), or a Module that goes into a ModuleList"),
            ):  # fmt: skip
                if _contains(value, kind):
                    raise TypeError(
                        message(where, f"self.{name}",
                                f"a {type(value).__name__} of {kind.__name__.lower()}s",
                                f"a {kind.__name__}, so that its parameters are found", remedy)
                    )  # fmt: skip
        elif isinstance(value, (Module, Parameter)):
            if callable(getattr(type(self), name, None)):
                raise AttributeError(
                    message(where, f"self.{name}", "the name of a method", "a name of its own")
                )
            if isinstance(value, Module) and any(m is self for m in value.modules()):
                raise ValueError(
                    message(where, f"self.{name}", "the module itself, or contains it",
                            "a module below this one")
                )  # fmt: skip
        else:
            self._check_replaced(name, value)
        object.__setattr__(self, name, value)

    def _check_replaced(self, name: str, value: Any) -> None:
        """A parameter or buffer gives way to None, never by mistake to something untracked."""
        known = self.__dict__.get(name)
        if value is None or known is None:
            return
        if isinstance(known, Parameter):
            raise TypeError(
                message(type(self).__name__, f"self.{name}",
                        f"replaced with something of type {type(value).__name__}",
                        "a Parameter, as it has been",
                        f"wrap the new value in Parameter(...), or `del` {name} first")
            )  # fmt: skip
        if name in self._buffer_names and not isinstance(value, XTensor):
            raise TypeError(
                message(type(self).__name__, f"the buffer {name}",
                        f"replaced with something of type {type(value).__name__}", "an XTensor")
            )  # fmt: skip

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._buffer_names.discard(name)

    _buffer_names: set[str]
    _moved_to: int

    def register_buffer(self, name: str, tensor: XTensor) -> None:
        """Own a tensor that is saved and moved with the module, but not trained.

        It is read and assigned as the attribute ``name``.

        Raises:
            TypeError: ``tensor`` is no XTensor, or is a Parameter.
            ValueError: the name is taken, is no str, or contains a dot.

        Example:
            >>> module = Module()
            >>> module.register_buffer("mean", XTensor([0.0]))
            >>> list(module.state_dict()), module.parameters()
            (['mean'], [])
        """
        where = f"{type(self).__name__}.register_buffer"
        if not isinstance(tensor, XTensor) or isinstance(tensor, Parameter):
            raise TypeError(
                message(where, "tensor", f"of type {type(tensor).__name__}",
                        "an XTensor that is no Parameter")
            )  # fmt: skip
        if not isinstance(name, str) or not name or "." in name or hasattr(self, name):
            raise ValueError(message(where, "name", shown(name), "a new name without dots"))
        setattr(self, name, tensor)
        self._buffer_names.add(name)

    # -- what lies below --------------------------------------------------------------------------

    def _tensors(self) -> Iterator[tuple[str, XTensor]]:
        """Parameters and buffers of this module itself."""
        for name, value in self.__dict__.items():
            if isinstance(value, Parameter) or (
                name in self._buffer_names and isinstance(value, XTensor)
            ):
                yield name, value

    def named_children(self) -> list[tuple[str, Module]]:
        """The modules assigned to attributes of this one, with those names."""
        return [(n, value) for n, value in self.__dict__.items() if isinstance(value, Module)]

    def children(self) -> list[Module]:
        """The modules assigned to attributes of this one."""
        return [child for _, child in self.named_children()]

    def modules(self) -> list[Module]:
        """This module and all below it, each once, parents first."""
        found = {id(self): self}
        for child in self.children():
            for module in child.modules():
                found.setdefault(id(module), module)
        return list(found.values())

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call ``fn`` with every module of the tree, each once, those below before those above.

        Args:
            fn: takes a module; what it returns is ignored.

        Returns:
            This module.

        Raises:
            TypeError: ``fn`` is not callable.

        Example:
            >>> net = ModuleList([Module("a"), Module("b")])
            >>> _ = net.apply(lambda module: print(module.name or "the list"))
            a
            b
            the list
        """
        if not callable(fn):
            raise TypeError(
                message(f"{type(self).__name__}.apply", "fn", f"of type {type(fn).__name__}",
                        "a function that takes a module")
            )  # fmt: skip
        for module in self._modules_upward({}).values():
            fn(module)
        return self

    def _modules_upward(self, found: dict[int, Module]) -> dict[int, Module]:
        """Add this module and all below it that are not in ``found`` yet, by id, children first."""
        for child in self.children():
            if id(child) not in found:
                child._modules_upward(found)
        found[id(self)] = self
        return found

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """All parameters of the tree with dotted names; a shared one under its first name only.

        Example:
            >>> layers = ModuleList([Module(), Module()])
            >>> layers[0].weights = layers[1].weights = Parameter([1.0])
            >>> [name for name, _ in layers.named_parameters()]
            ['0.weights']
        """
        found: dict[int, tuple[str, Parameter]] = {}
        for name, value in self.state_dict().items():
            if isinstance(value, Parameter):
                found.setdefault(id(value), (name, value))
        return list(found.values())

    def parameters(self) -> list[Parameter]:
        """All parameters of the tree, in the order they were assigned, a shared one once."""
        return [parameter for _, parameter in self.named_parameters()]

    # -- state ------------------------------------------------------------------------------------

    def state_dict(
        self, destination: MutableMapping[str, XTensor] | None = None, prefix: str = ""
    ) -> MutableMapping[str, XTensor]:
        """Parameters and buffers of the tree by dotted name: the tensors themselves, no copies.

        Args:
            destination: a mapping to fill; a new OrderedDict by default.
            prefix: put before every name.

        Returns:
            ``destination``.

        Example:
            >>> module = Module()
            >>> module.weights = Parameter([1.0])
            >>> list(module.state_dict(prefix="first."))
            ['first.weights']
        """
        if destination is None:
            destination = OrderedDict()
        elif not isinstance(destination, MutableMapping):
            raise TypeError(
                message(f"{type(self).__name__}.state_dict", "destination",
                        f"of type {type(destination).__name__}", "a dict or None")
            )  # fmt: skip
        tensors = dict(self._tensors())
        for name, value in self.__dict__.items():
            if name in tensors:
                destination[prefix + name] = value
            elif isinstance(value, Module):
                value.state_dict(destination, f"{prefix}{name}.")
        return destination

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Copy values by name into the parameters and buffers; all of them, or none.

        Args:
            state_dict: name -> XTensor or NumPy array, as ``state_dict()`` or
                ``load_parameters()`` give it. Values take the dtype and device they have here.

        Raises:
            TypeError: it is no mapping.
            ValueError: names are missing or unexpected, or shapes or kinds of dtype differ; all of
                them are listed, and nothing has been changed.

        Example:
            >>> module = Module()
            >>> module.weights = Parameter([1.0, 2.0])
            >>> module.load_state_dict({"weights": np.array([3.0, 4.0])})
            >>> module.weights.to_numpy().tolist()
            [3.0, 4.0]
            >>> module.load_state_dict({"weight": np.array([3.0, 4.0])})
            Traceback (most recent call last):
                ...
            ValueError: Module.load_state_dict: nothing was loaded.
              missing: weights
              unexpected: weight
        """
        where = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                message(where, "state_dict", f"of type {type(state_dict).__name__}",
                        "a dict of names and tensors", "pass what load_parameters(file) returns")
            )  # fmt: skip
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [str(name) for name in state_dict if name not in own]
        unfit = []
        for name, tensor in own.items():
            if name in state_dict:
                problem = _misfit(tensor.array, state_dict[name])
                if problem:
                    unfit.append(f"{name} {problem}")
        lines = [
            f"  {label}: {', '.join(names)}"
            for label, names in (
                ("missing", missing), ("unexpected", unexpected), ("does not fit", unfit)
            )
            if names
        ]  # fmt: skip
        if lines:
            raise ValueError("\n".join([f"{where}: nothing was loaded.", *lines]))
        arrays = [_fitted(tensor, state_dict[name]) for name, tensor in own.items()]
        for tensor, array in zip(own.values(), arrays, strict=True):
            tensor.array = array

    # -- devices ----------------------------------------------------------------------------------

    def toGPU(self, device: int = DEV_GPU_0) -> Module:
        """Move all parameters and buffers of the tree to that GPU; the module is returned.

        Raises:
            ValueError: ``device`` is no device code.
            RuntimeError: the GPU is not there.
        """
        return self._move(check_device(device, f"{type(self).__name__}.toGPU"))

    def toCPU(self) -> Module:
        """Move all parameters and buffers of the tree to the host; the module is returned."""
        return self._move(DEV_CPU)

    def _move(self, device: int) -> Module:
        for module in self.modules():
            for _, tensor in module._tensors():
                if device == DEV_CPU:
                    tensor.toCPU()
                else:
                    tensor.toGPU(device)
            module.__dict__["_moved_to"] = device
        return self

    @property
    def backend(self) -> int:
        """Code of the device the module lies on: 0 for the CPU, 1000 + k for GPU k."""
        for tensor in self.state_dict().values():
            return tensor.device
        return self._moved_to

    # -- printing ---------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return "\n".join(self._lines(""))

    def _lines(self, label: str) -> list[str]:
        count = sum(parameter.size for parameter in self.parameters())
        name = f' "{self.name}"' if self.name else ""
        tensors = ", ".join(f"{n} {tensor.shape}" for n, tensor in self._tensors())
        own = f"  ({tensors})" if tensors else ""
        lines = [
            f"{label}{type(self).__name__}{name}: "
            f"{count:,} parameter{'' if count == 1 else 's'}{own}"
        ]
        for child_name, child in self.named_children():
            lines += [f"  {line}" for line in child._lines(f"{child_name}: ")]
        return lines


class ModuleList(Module, MutableSequence[Module]):
    """A list of modules that a module may own; its children are named 0, 1, ...

    Args:
        modules: the modules, in order.

    Raises:
        TypeError: something in it is no Module.

    Example:
        >>> layers = ModuleList([Module("first")])
        >>> layers.append(Module("second"))
        >>> len(layers), layers[-1].name, [layer.name for layer in layers[:1]]
        (2, 'second', ['first'])
    """

    def __init__(self, modules: Iterable[Module] = (), name: str = "") -> None:
        super().__init__(name)
        if not isinstance(modules, Iterable):
            raise TypeError(
                message("ModuleList", "modules", f"of type {type(modules).__name__}",
                        "a list of modules")
            )  # fmt: skip
        self._replace(list(modules))

    def _replace(self, modules: list[Module]) -> None:
        for position, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(
                    message("ModuleList", f"item {position}", f"of type {type(module).__name__}",
                            "a Module")
                )  # fmt: skip
        for name, _ in self.named_children():
            delattr(self, name)
        for position, module in enumerate(modules):
            setattr(self, str(position), module)

    def __len__(self) -> int:
        return len(self.children())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Module | ModuleList:
        found = self.children()[index]
        return ModuleList(found) if isinstance(found, list) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        modules = self.children()
        modules[index] = value
        self._replace(modules)

    def __delitem__(self, index: int | slice) -> None:
        modules = self.children()
        del modules[index]
        self._replace(modules)

    def insert(self, index: int, value: Module) -> None:
        """Put a module before position ``index``; those behind it are renumbered."""
        modules = self.children()
        modules.insert(index, value)
        self._replace(modules)


def _contains(value: Any, kind: type) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    return isinstance(value, (list, tuple, set, frozenset)) and any(
        isinstance(item, kind) or _contains(item, kind) for item in value
    )


def _misfit(array: Array, value: Any) -> str:
    """Why ``value`` cannot be copied into ``array``; empty if it can."""
    source = value.array if isinstance(value, XTensor) else value
    if not isinstance(value, (XTensor, np.ndarray)):
        return f"(of type {type(value).__name__}, expected an XTensor or a NumPy array)"
    if tuple(source.shape) != tuple(array.shape):
        return f"(shape {list(source.shape)}, expected {list(array.shape)})"
    if not np.can_cast(source.dtype, array.dtype, "same_kind"):
        return f"({source.dtype}, expected {array.dtype})"
    return ""


def _fitted(tensor: XTensor, value: Any) -> Array:
    """A private copy of ``value`` in the dtype and on the device of ``tensor``."""
    source = value.array if isinstance(value, XTensor) else np.asarray(value, order="C")
    array = to_device(cast(source, tensor.array.dtype), tensor.device)
    return copy_array(array) if array is source else array
