"""Kernels by name: what ``launch`` finds, and runs, for each device."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

_registry: dict[str, dict[str, Any]] = {"cpu": {}, "cuda": {}}
_loaded: set[str] = set()


class Kernel:
    """What ``launch`` calls: a name, the function people read, and ``run`` for one device."""

    device = "cpu"

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        self.function = function
        self.name = name or function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    @property
    def parameters(self) -> list[str]:
        return list(inspect.signature(self.function).parameters)

    def run(self, work: int, args: Sequence[Any]) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{self.device} kernel {self.name}({', '.join(self.parameters)})>"


class WholeKernel(Kernel):
    """A kernel in plain Python that gets the whole range at once and shares it out itself."""

    def run(self, work: int, args: Sequence[Any]) -> None:
        if work:
            self.function(0, work, *args)


def is_ours(function: Callable[..., Any] | Kernel) -> bool:
    """Whether it is the package's own, not one of a script or another package."""
    return function.__module__.partition(".")[0] == __package__.partition(".")[0]


AnyKernel = TypeVar("AnyKernel", bound=Kernel)


def register(kernel: AnyKernel) -> AnyKernel:
    """Enter a kernel under its name. A notebook cell may run again; two modules may not clash."""
    if not is_ours(kernel):
        load_own(kernel.device)  # or one of ours not loaded yet would clash unnoticed
    known = _registry[kernel.device].get(kernel.name)
    if known is not None and known.__module__ != kernel.__module__:
        raise ValueError(
            f"kernel {kernel.name!r} for {kernel.device} is already defined in {known.__module__}; "
            f"give the one in {kernel.__module__} another name"
        )
    _registry[kernel.device][kernel.name] = kernel
    return kernel


def load_own(device: str) -> None:
    """Import every kernel file of the package for ``"cpu"`` or ``"cuda"``."""
    if device not in _loaded:
        package = importlib.import_module(f".{device}", __package__)
        for family in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f".{device}.{family.name}", __package__)
        _loaded.add(device)


def kernels(device: str) -> dict[str, Kernel]:
    """The registered kernels of ``"cpu"`` or ``"cuda"`` by name."""
    return _registry[device]
