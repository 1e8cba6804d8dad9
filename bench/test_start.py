"""What the first seconds cost: the import, and the first call of an operation."""

from statistics import median

import pytest

from .subprocesses import run

IMPORT = """
import sys, time
start = time.perf_counter()
import {}
print(time.perf_counter() - start, int("numba" in sys.modules))
"""


def test_import(figure, tmp_path):
    names = ("numpy", "xtensor")
    # Bytecode is written and the disk's cache filled before it counts.
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    for name in names:
        run(IMPORT.format(name), **bytecode)
    rounds = [[run(IMPORT.format(name), **bytecode) for name in names] for _ in range(7)]
    ratio = median(ours / numpy for (numpy, _), (ours, _) in rounds)
    numpy, ours = (median(times[i][0] for times in rounds) * 1e3 for i in range(2))
    numba = "loaded" if any(loaded for _, (_, loaded) in rounds) else "not loaded"
    note = f"{ours:.0f} ms / {numpy:.0f} ms, numba {numba}"
    figure("import xtensor / import numpy", ratio, "x", at_most=2.0, note=note)


FIRST_CALL = """
import time
import numpy as np
import xtensor as xt
from xtensor.demo import DigitsNet

def tensor(*shape):
    return xt.XTensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)

x, image, weight = tensor(64, 100), tensor(8, 4, 16, 16), tensor(8, 4, 3, 3)
images = tensor(32, 64, 32, 32)
labels = xt.XTensor(np.arange(64), dtype=xt.kint64)
start = time.perf_counter()
with xt.autograd.tape():
    out = {}
called = time.perf_counter()
out.backward()
print(called - start, time.perf_counter() - start)
"""

# Whoever calls first also waits for numba's own start.
OPERATIONS = {
    "relu": "xt.relu(x)",
    "sums": "xt.sums(x)",
    "conv2d": "xt.conv2d(image, weight)",
    "conv2d of 64 channels, 5x5": "xt.conv2d(images, tensor(64, 64, 5, 5))",
    "conv2d of 64 channels, 3x3": "xt.conv2d(images, tensor(64, 64, 3, 3))",
    "conv2d, depthwise": "xt.conv2d(images, tensor(64, 1, 3, 3), groups=64)",
    "conv_transpose2d": "xt.conv_transpose2d(images, tensor(64, 64, 4, 4), stride=2)",
    "matmul of 600": "xt.matmul(tensor(600, 600), tensor(600, 600))",
    "LSTM": "xt.LSTM(32, 64)(tensor(16, 20, 32))[0]",
    "GRU": "xt.GRU(32, 64)(tensor(16, 20, 32))[0]",
    "max_pool2d": "xt.max_pool2d(image, 2, 2)",
    "BatchNorm2d": "xt.BatchNorm2d(4)(image)",
    "Linear": "xt.Linear(100, 10)(x)",
    "Dropout": "xt.Dropout(0.5)(x)",
    "softmax": "xt.softmax(x)",
    "CrossEntropyLoss": "xt.CrossEntropyLoss()(labels, x)",
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_first_call(figure, tmp_path, operation):
    code = FIRST_CALL.format(OPERATIONS[operation])
    cold, filled = (run(code, XTENSOR_CACHE=str(tmp_path)) for _ in range(2))
    note = f"{cold[1]:.2f} s with its gradients, {filled[1]:.2f} s with a filled cache"
    figure(f"first call of {operation}, cold", cold[0], "s", at_most=1.5, note=note)


def test_first_step(figure, tmp_path):
    code = FIRST_CALL.format("DigitsNet()(tensor(8, 1, 8, 8))")
    (_, cold), (_, filled) = (run(code, XTENSOR_CACHE=str(tmp_path)) for _ in range(2))
    note = f"{filled:.2f} s with a filled cache"
    figure("first forward and backward of the demo's network, cold", cold, "s", note=note)


START_NUMBA = """
import sys, time
start = time.perf_counter()
from numba.core.registry import cpu_target
cpu_target.typing_context.refresh()
cpu_target.target_context.refresh()
print(time.perf_counter() - start, int("scipy" in sys.modules))
"""


def test_start_of_numba(figure):
    """Where SciPy is installed, numba imports it to link BLAS, which xtensor does not ask for."""
    seconds, scipy = run(START_NUMBA)
    note = "SciPy included, which it imports where it is installed" if scipy else "without SciPy"
    figure("numba's own start, part of any first call", seconds, "s", note=note)
