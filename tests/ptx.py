"""The second gate of the CUDA kernels: each compiles to PTX for sm_90, without a card.

    python -m tests.ptx record FILE     in numba's simulator: with which types each kernel is called
    python -m tests.ptx compile FILE    with numba-cuda and its toolkit wheels (extra cu12 or cu13)

The simulator shows that a kernel's logic is right, this that its types are; only a card shows both.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

ARCHITECTURE = (9, 0)


def described(argument: Any) -> list[Any]:
    """An argument's type, as JSON has it."""
    if isinstance(argument, tuple):
        return ["tuple", [described(a) for a in argument]]
    if isinstance(argument, (bool, np.bool_)):
        return ["number", "bool"]
    if isinstance(argument, (int, float)):
        return ["number", "int64" if isinstance(argument, int) else "float64"]
    if isinstance(argument, np.generic):
        return ["number", argument.dtype.name]
    return ["array", len(argument.shape), argument.dtype.name]


def record(file: Path) -> None:
    """Run every case row forward and backward in float32, noting the launches."""
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"
    import xtensor as xt
    from xtensor.kernels import _cuda

    from . import test_cases

    seen: dict[str, set[str]] = {}
    run = _cuda.CudaKernel.run

    def noting(kernel: Any, work: int, args: Any) -> None:
        seen.setdefault(kernel.name, set()).add(json.dumps([described(a) for a in args]))
        run(kernel, work, args)

    _cuda.CudaKernel.run = noting  # type: ignore[method-assign]
    for case in test_cases.CASES:
        test_cases.backward(case, test_cases.tensors(case, np.float32, xt.DEV_GPU_0))
    for dtype in (xt.kfloat32, xt.kfloat64):
        for options in OPTIMIZERS:
            step(*options, dtype=dtype)
        for draw in (xt.randu, xt.randn):
            draw([5], device=xt.DEV_GPU_0, dtype=dtype)
    xt.randperm(5, device=xt.DEV_GPU_0)
    for start in (2, 0.5):
        xt.arange(start, 5, device=xt.DEV_GPU_0)
    file.write_text(json.dumps({name: sorted(types) for name, types in sorted(seen.items())}))
    print(f"{len(seen)} kernels, {sum(map(len, seen.values()))} signatures")


OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
    ("Adamax", {}),
    ("Adadelta", {}),
    ("Adagrad", {}),
    ("RMSProp", {}),
]


def step(name: str, options: dict[str, Any], dtype: int) -> None:
    """One optimizer step on a GPU parameter."""
    import xtensor as xt

    parameter = xt.Parameter([1.0, 2.0], device=xt.DEV_GPU_0, dtype=dtype)
    optimizer = getattr(xt, name)([parameter], **options)
    with xt.autograd.tape():
        y = parameter * 2
    y.backward()
    optimizer.step()


def compile_all(file: Path) -> int:
    """Compile each recorded signature; the number of those that fail."""
    os.environ["NUMBA_ENABLE_CUDASIM"] = "0"
    import numba.cuda.dispatcher as dispatcher
    from numba import cuda, types

    from xtensor.kernels import load
    from xtensor.kernels._cuda import CudaKernel

    class NoCard:
        compute_capability = ARCHITECTURE

    # Compiling a device function asks which card is there; the answer is all that it needs one for.
    dispatcher.get_current_device = lambda: NoCard

    def type_of(description: list[Any]) -> Any:
        if description[0] == "tuple":
            return types.Tuple([type_of(d) for d in description[1]])
        name = description[-1]
        scalar = types.boolean if name == "bool" else getattr(types, name)
        return types.Array(scalar, description[1], "C") if description[0] == "array" else scalar

    kernels = load("cuda")
    done, failed = 0, []
    for name, signatures in json.loads(file.read_text()).items():
        for text in signatures:
            arguments = [type_of(d) for d in json.loads(text)]
            signature = types.void(types.int64, types.int64, *arguments)
            try:
                cuda.compile_ptx(kernels[name].function, signature, cc=ARCHITECTURE)
                done += 1
            except Exception as error:  # whatever the compiler says is the finding
                failed.append(name)
                print(f"{name}{signature}: {type(error).__name__}: {str(error)[:500]}")
    ours = {
        name
        for name, kernel in kernels.items()
        if isinstance(kernel, CudaKernel) and kernel.__module__.startswith("xtensor.")
    }
    never = sorted(ours - set(json.loads(file.read_text())))
    if never:
        print(f"never launched by the case table: {', '.join(never)}")
    print(
        f"sm_{ARCHITECTURE[0]}{ARCHITECTURE[1]}: {done} signatures compiled, {len(failed)} failed"
    )
    return len(failed)


if __name__ == "__main__":
    action, path = sys.argv[1], Path(sys.argv[2])
    sys.exit(record(path) if action == "record" else compile_all(path))
