"""Memory: what stays after 5,000 steps, and what a few steps take at most."""

from pathlib import Path

import numpy as np
import pytest

from .libraries import torch
from .networks import NETWORKS
from .subprocesses import run

STEPS, EVERY, WARM_UP = 5000, 100, 500

# A collection of garbage may be due or not when the size is read, so it is read after one.
TRAINING = f"""
import gc
import resource
import numpy as np
import xtensor as xt

class Net(xt.Module):
    def __init__(self):
        super().__init__()
        self.conv = xt.Conv2D(1, 4, (3, 3), padding="same")
        self.norm = xt.BatchNorm2d(4)
        self.pool = xt.MaxPool2D((2, 2), (2, 2))
        self.dropout = xt.Dropout(0.25)
        self.scores = xt.Linear(4 * 4 * 4, 10)

    def forward(self, x):
        x = self.dropout(self.pool(xt.relu(self.norm(self.conv(x)))))
        return self.scores(xt.flatten(x, 1))

def resident():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:  # elsewhere only the largest size so far, in bytes on macOS
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

net, loss_of = Net(), xt.CrossEntropyLoss()
optimizer = xt.Adam(net.parameters(), lr=1e-3)
rng = np.random.default_rng(0)
for step in range({STEPS}):
    x = xt.XTensor(rng.random((4, 1, 8, 8)))
    target = xt.XTensor(rng.integers(0, 10, 4), dtype=xt.kint64)
    with xt.autograd.tape():
        loss = loss_of(target, net(x))
    loss.backward()
    optimizer.step()
    if step % {EVERY} == {EVERY} - 1:
        gc.collect()
        print(resident())
"""


def test_resident_memory_of_5000_steps(figure):
    pytest.importorskip("resource", reason="Windows has no such module")
    sizes = np.array(run(TRAINING))[WARM_UP // EVERY :]
    slope = np.polyfit(np.arange(sizes.size) * EVERY / 1000, sizes, 1)[0]
    note = f"first {sizes[0]:.1f}, last {sizes[-1]:.1f}, largest {sizes.max():.1f} MB"
    figure(
        f"growth over {STEPS - WARM_UP} steps",
        sizes.max() - sizes[0],
        "MB",
        at_most=1.0,
        note=f"{note}; {slope:+.2f} MB per 1,000 steps",
    )


# getrusage's maximum would count the process that started this one.
PEAK = """
import sys
for other in {}:
    sys.modules[other] = None  # as if it were not installed
from bench import networks
from bench.libraries import same_threads

def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

before = peak()
with same_threads():
    step = networks.{}({!r})
    for _ in range(20):
        step()
print(peak(), before)
"""


@pytest.mark.parametrize("name", NETWORKS)
def test_peak_memory_of_a_step(figure, name):
    """Of a process that has imported one library; for PyTorch's, xtensor is there too (4 MB)."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux says what a process took at most")
    ours, before = run(PEAK.format(["torch", "jax", "pyvqnet"], "our_step", name))
    theirs = run(PEAK.format(["jax", "pyvqnet"], "their_step", name))[0] if torch else None
    note = f"{before:.0f} MB before the first step"
    if theirs:
        note += f"; PyTorch {theirs:.0f} MB"
    figure(f"peak memory, {name}", ours, "MB", at_most=theirs, note=note)
