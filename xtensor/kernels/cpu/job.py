"""Compiled loops over tasks that are worked out once for each shape, and kept."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._jit import CpuFunction
from ..parallel import parallel_for


class Job(NamedTuple):
    """What a loop ``(start, stop, *arrays, *numbers, *buffers)`` is called with.

    tasks: how many there are; each is computed alike, whoever gets it.
    cost: of all of them, in elements of an array.
    sizes: of the buffers, of which every thread has its own.
    """

    tasks: int
    cost: int
    numbers: tuple[Any, ...]
    sizes: tuple[int, ...]


def run_job(loop: CpuFunction, job: Job, *arrays: np.ndarray) -> None:
    """All its tasks, shared out over the threads; arrays are passed on flat."""
    flat = [a.reshape(-1) for a in arrays]
    parallel_for(loop, job.tasks, (*flat, *job.numbers), job.cost, job.sizes)


def run_in_parts(loop: CpuFunction, job: Job, parts: int, out: np.ndarray, *arrays) -> None:
    """A loop that writes so many parts of the sum ``out``, and their sum."""
    partial = np.empty((parts, *out.shape), out.dtype) if parts > 1 else out
    run_job(loop, job, partial, *arrays)
    if parts > 1:
        np.sum(partial, axis=0, out=out)
