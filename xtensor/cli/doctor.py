"""``python -m xtensor doctor``: what this machine has, what is wrong with it, and what helps."""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from .._version import __version__

CORE = ("numpy", "numba", "llvmlite", "safetensors", "threadpoolctl", "tqdm")
OPTIONAL = ("numba-cuda", "matplotlib")


class Problem(Exception):
    """Something a CPU run cannot do without; the text says what and what helps."""


def add_to(commands: Any) -> None:
    """Enter the command."""
    parser = commands.add_parser("doctor", help="say what works on this machine, and what helps")
    parser.set_defaults(run=run)


def run() -> int:
    """Print one line per subject; 0 when a run on the CPU works, else 1."""
    healthy = True
    for label, inspect in SUBJECTS.items():
        try:
            lines = list(inspect())
        except Exception as error:  # a sick machine may raise anything; the report goes on
            kind = "" if isinstance(error, Problem) else f"{type(error).__name__}: "
            lines = [f"FAILS: {kind}{' '.join(str(error).split())}"]
            healthy = healthy and label not in NEEDED
        for line in lines:
            print(f"{label:<9}{line}")
    print(f"{'so':<9}" + ("runs on the CPU work" if healthy else "runs on the CPU do not work"))
    return 0 if healthy else 1


def _python() -> Iterator[str]:
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    yield f"{platform.python_version()} ({sys.executable}) on {system}"


def _packages() -> Iterator[str]:
    found = []
    for name in CORE + OPTIONAL:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name in CORE:
                raise Problem(f"{name} is not installed; pip install --upgrade xtensor") from None
    yield ", ".join([f"xtensor {__version__}", *found])


def _numba() -> Iterator[str]:
    try:
        importlib.import_module("numba")
    except Exception as error:
        text = " ".join(str(error).split())
        raise Problem(f"numba does not load ({text}); pip install --upgrade numba numpy") from None
    yield "loads"


def _cpu() -> Iterator[str]:
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            name = next(
                (line.split(":", 1)[1].strip() for line in file if "model name" in line), name
            )
    except OSError:
        pass
    if hasattr(os, "sched_getaffinity"):
        yield f"{name}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores usable"
    else:
        yield f"{name}, {os.cpu_count()} cores"


def _threads() -> Iterator[str]:
    from ..kernels.threads import get_num_threads

    chosen = os.environ.get("XTENSOR_NUM_THREADS")
    try:
        count = get_num_threads()
    except ValueError as error:
        raise Problem(str(error)) from None
    source = "from XTENSOR_NUM_THREADS" if chosen else "one per usable core; XTENSOR_NUM_THREADS"
    yield f"{count} ({source}{'' if chosen else ' sets another number'})"


def _blas() -> Iterator[str]:
    from threadpoolctl import threadpool_info

    found = [lib for lib in threadpool_info() if lib.get("user_api") == "blas"]
    for lib in found:
        core = f", for {lib['architecture']}" if lib.get("architecture") else ""
        core += " (OPENBLAS_CORETYPE)" if os.environ.get("OPENBLAS_CORETYPE") else ""
        yield f"{lib['internal_api']} {lib['version']}, {lib['num_threads']} threads{core}"
    if not found:
        yield "not known to threadpoolctl; matrix products use its own number of threads"


def _cache() -> Iterator[str]:
    from ..kernels import cache

    path, reason = cache.state()
    if path is None:
        yield (
            f"none: {reason}. Kernels are compiled anew in every process; to keep them, set "
            "XTENSOR_CACHE to a directory of your own"
        )
        return
    files = [file.stat().st_size for file in path.rglob("*.nbc")]
    yield f"{path}, {reason}, {len(files)} compiled kernels, {sum(files) / 1e6:.1f} MB"


def _kernel() -> Iterator[str]:
    from ..kernels import launch

    values, gradient = np.array([1.0, 2.0], np.float32), np.array([4.0, -2.0], np.float32)
    start = time.perf_counter()
    launch("sgd_step", values.size, values, gradient, np.float32(0.5))
    seconds = time.perf_counter() - start
    if values.tolist() != [-1.0, 3.0]:
        raise Problem(f"a compiled kernel gave {values.tolist()} in place of [-1.0, 3.0]")
    yield f"compiled and run in {seconds:.2f} s"


def _training() -> Iterator[str]:
    import xtensor as xt

    x = xt.XTensor(np.eye(3))
    net = xt.Linear(3, 3)
    optimizer = xt.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(2):
        with xt.autograd.tape():
            loss = xt.mean((net(x) - x) * (net(x) - x))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if not losses[1] < losses[0]:
        raise Problem(f"a training step took the loss from {losses[0]} to {losses[1]}")
    yield f"one step took a loss from {losses[0]:.3f} to {losses[1]:.3f}"


def _gpu() -> Iterator[str]:
    driver = _driver_version()
    extra = "cu13" if driver >= 13_000 else "cu12"
    known = f"the driver knows CUDA {driver // 1000}.{driver % 1000 // 10}"
    try:
        from ..kernels import _cuda
    except ImportError as error:
        remedy = f"; {known}: pip install 'xtensor[{extra}]'" if driver else ""
        yield f"none: numba.cuda does not load ({error}){remedy}"
        return
    if _cuda.SIMULATOR:
        yield "simulated in Python, because NUMBA_ENABLE_CUDASIM=1; unset it to use a card"
    elif not driver:
        yield (
            "none: no NVIDIA driver is loaded. For an NVIDIA card: install its driver, then "
            "pip install 'xtensor[cu12]'"
        )
    elif _cuda.device_count() == 0:
        yield f"none usable: {known}, but numba finds no device; pip install 'xtensor[{extra}]'"
    else:
        yield from _cards(_cuda, known, extra)


def _cards(_cuda: Any, known: str, extra: str) -> Iterator[str]:
    from ..device import DEV_GPU_0, full, to_host

    for number in range(_cuda.device_count()):
        card = _cuda.cuda.gpus[number]
        name = card.name.decode() if isinstance(card.name, bytes) else card.name
        capability = ".".join(map(str, card.compute_capability))
        try:
            values = to_host(full((4,), 2.0, np.dtype(np.float32), DEV_GPU_0 + number))
            state = "a kernel ran" if values.tolist() == [2.0] * 4 else f"a kernel gave {values}"
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            state = f"kernels fail ({reason}); pip install 'xtensor[{extra}]'"
        yield f"gpu:{number} {name}, compute capability {capability}, {known}; {state}"


def _driver_version() -> int:
    """The CUDA version the installed driver can run, as 12040 for 12.4; 0 without a driver."""
    try:
        library = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        number = ctypes.c_int()
        return number.value if library.cuDriverGetVersion(ctypes.byref(number)) == 0 else 0
    except (OSError, AttributeError):
        return 0


SUBJECTS: dict[str, Callable[[], Iterator[str]]] = {
    "python": _python,
    "packages": _packages,
    "numba": _numba,
    "cpu": _cpu,
    "threads": _threads,
    "blas": _blas,
    "cache": _cache,
    "kernel": _kernel,
    "training": _training,
    "gpu": _gpu,
}
# Without these nothing runs; trouble with the others costs speed, or the GPU.
NEEDED = {"packages", "numba", "threads", "kernel", "training"}
