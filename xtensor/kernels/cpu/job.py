"""Compiled loops over tasks that are worked out once for each shape, and kept."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Sequence
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


def run_jobs(loop: CpuFunction, jobs: Sequence[Job], *arrays: np.ndarray) -> None:
    """All tasks of all jobs, shared out over the threads; arrays are passed on flat."""
    flat, cost = [a.reshape(-1) for a in arrays], sum(job.cost for job in jobs)
    for job in jobs:
        parallel_for(loop, job.tasks, (*flat, *job.numbers), cost, job.sizes)


def run_in_parts(loop: CpuFunction, job: Job, parts: int, out: np.ndarray, *arrays) -> None:
    """A loop that writes so many parts of the sum ``out``, and their sum."""
    partial = np.empty((parts, *out.shape), out.dtype) if parts > 1 else out
    run_jobs(loop, [job], partial, *arrays)
    if parts > 1:
        np.sum(partial, axis=0, out=out)
