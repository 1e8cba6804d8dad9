"""Memory that is freed stays with the process, unless its limits were set from outside."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

STEPS = """
import resource
import xtensor as xt

x = xt.ones([1 << 17])

def step():
    return [x * k for k in range(40)]

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def new_pages(**limits: str) -> int:
    """Pages met anew in 20 steps of 40 arrays, 20 MB together.

    By itself glibc keeps twice as much as the largest array freed so far.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))
    }
    done = subprocess.run(
        [sys.executable, "-c", STEPS], env={**environment, **limits}, stdout=subprocess.PIPE,
        text=True, check=True,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's limits are set")
def test_what_a_step_frees_stays_for_the_next():
    assert new_pages() < 200
    assert new_pages(MALLOC_ARENA_MAX="2") < 200  # no such limit
    assert new_pages(MALLOC_MMAP_THRESHOLD_="131072") > 20 * 1024
