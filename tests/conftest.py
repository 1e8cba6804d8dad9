"""CUDA kernels are tested in numba's simulator unless the tests are told to use a card.

``NUMBA_ENABLE_CUDASIM=0 pytest -m gpu`` runs the same rows on a real card.
"""

import os

os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")

import pytest

import xtensor as xt
from xtensor.kernels import parallel

# Tests call most loops once or twice for each number of threads: all calls are to be shared out.
parallel.FIRST_CALLS = 0
# Old scripts, which test_compat.py runs; pytest would import them to look for doctests.
collect_ignore = ["data"]


def pytest_collection_modifyitems(items):
    """Rows of tests for both devices that run on a GPU bear its mark."""
    for item in items:
        if "callspec" in vars(item) and item.callspec.params.get("device") == xt.DEV_GPU_0:
            item.add_marker("gpu")


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same random state and leaves no thread count or mode behind."""
    xt.manual_seed(20260)
    threads = xt.get_num_threads()
    yield
    if xt.get_num_threads() != threads:
        xt.set_num_threads(threads)
    assert not xt.autograd.is_recording()
