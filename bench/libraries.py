"""How each library is called: tensors made, operations recorded, gradients read, threads limited.

``torch``, ``jax`` and ``pyvqnet`` (its ``pyvqnet.xtensor``) are None where they are not installed;
nothing that uses them is called then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import xtensor as xt

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]
try:
    import jax

    jax.config.update("jax_platforms", "cpu")
except ImportError:
    jax = None
try:
    import pyvqnet.xtensor as pyvqnet  # until its version 2.13
except ImportError:
    pyvqnet = None

OURS = "xtensor"
# float32 by different algorithms; a wrong stride or a forgotten scale is far beyond it.
AGREEMENT = 1e-4

VERSIONS = {OURS: xt.__version__, "numpy": np.__version__}
if torch is not None:
    VERSIONS["torch"] = torch.__version__
if jax is not None:
    VERSIONS["jax"] = jax.__version__
if pyvqnet is not None:
    VERSIONS["pyvqnet"] = version("pyvqnet")

# The last part of a case's name.
BACKWARD = pytest.mark.parametrize("backward", [False, True], ids=["forward", "with backward"])

Builder = Callable[[], Callable[[], Any]]


@contextmanager
def same_threads() -> Iterator[int]:
    """Hold the libraries to xtensor's number of threads (``XTENSOR_NUM_THREADS``).

    pyvqnet has no documented way to say it: it takes what ``OMP_NUM_THREADS`` says, if that.
    """
    threads = xt.get_num_threads()
    # XLA makes its pool for the first computation, of as many threads as processors unless told so.
    os.environ["NPROC"] = str(threads)
    if torch is not None:
        torch.set_num_threads(threads)
    with threadpool_limits(threads, user_api="blas"):
        yield threads


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """float32 numbers around 0; the same ones for the same shape and seed."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape, np.float32)


def on_arrays(
    arrays: list[np.ndarray], backward: bool = False, **functions: Callable[..., Any]
) -> dict[str, Builder]:
    """The same operation in several libraries, each as a function of its own tensors.

    Args:
        arrays: the inputs; floating ones get a gradient if ``backward``.
        backward: time the recorded operation and its walk back from a fixed random gradient.
        functions: by library. NumPy has no gradients and is left out where they are timed.
    """
    if backward:
        functions = {name: f for name, f in functions.items() if name != "numpy"}
    makers = {OURS: _xtensor_call, "torch": _torch_call, "numpy": _numpy_call}

    def builder(name: str, function: Callable[..., Any]) -> Builder:
        return lambda: makers[name](function, arrays, backward)

    return {name: builder(name, function) for name, function in functions.items()}


# A call returns what to_arrays reads: the result, or it and the inputs that got gradients.


def _xtensor_call(
    function: Callable[..., Any], arrays: list[np.ndarray], backward: bool
) -> Callable[[], Any]:
    tensors = [
        xt.XTensor(a, requires_grad=backward)
        if a.dtype.kind == "f"
        else xt.XTensor(a, dtype=xt.kint64)
        for a in arrays
    ]
    if not backward:
        return lambda: function(*tensors)
    seed = xt.XTensor(normal(*function(*tensors).shape, seed=1))

    def call() -> Any:
        with xt.autograd.tape():
            out = function(*tensors)
        out.backward(seed)
        return out, tensors

    return call


def _torch_call(
    function: Callable[..., Any], arrays: list[np.ndarray], backward: bool
) -> Callable[[], Any]:
    tensors = [torch.from_numpy(a.copy()) for a in arrays]
    if not backward:
        return lambda: function(*tensors)
    for tensor in tensors:
        tensor.requires_grad_(tensor.is_floating_point())
    shape = function(*tensors).shape
    seed = torch.from_numpy(normal(*(shape or (1,)), seed=1)).reshape(shape)

    def call() -> Any:
        for tensor in tensors:
            tensor.grad = None
        out = function(*tensors)
        out.backward(seed)
        return out, tensors

    return call


def _numpy_call(
    function: Callable[..., Any], arrays: list[np.ndarray], backward: bool
) -> Callable[[], Any]:
    return lambda: function(*arrays)


def to_arrays(returned: Any) -> list[np.ndarray]:
    """What a call computed, as NumPy arrays to compare; nothing where it returns nothing."""
    if returned is None:
        return []
    out, inputs = returned if isinstance(returned, tuple) else (returned, ())
    return [_array(out)] + [_array(x.grad) for x in inputs if x.grad is not None]


def _array(tensor: Any) -> np.ndarray:
    if isinstance(tensor, xt.XTensor):
        return tensor.to_numpy()
    if torch is not None and isinstance(tensor, torch.Tensor):
        return tensor.detach().numpy()
    return np.asarray(tensor)


def check_agreement(ours: list[np.ndarray], theirs: list[np.ndarray], peer: str) -> None:
    """Both libraries computed the same: timing anything else would be no comparison."""
    assert len(ours) == len(theirs), f"{len(ours)} results, {peer} has {len(theirs)}"
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a.size == b.size, f"result {number}: shape {a.shape}, {peer} has {b.shape}"
        distance = np.linalg.norm(a.ravel() - b.ravel()) / max(np.linalg.norm(b.ravel()), 1e-30)
        assert distance <= AGREEMENT, f"result {number} differs from {peer}'s by {distance:.1e}"
