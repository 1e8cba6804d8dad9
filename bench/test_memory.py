"""Memory that stays: the resident size of a process that trains for 5,000 steps."""

import numpy as np

from .subprocesses import run

STEPS, EVERY, WARM_UP = 5000, 100, 500

# A collection of garbage may be due or not when the size is read, so it is read after one.
TRAINING = f"""
import gc
import numpy as np
import xtensor as xt
from xtensor.datasets import load_digits
from xtensor.demo import DigitsNet

def resident():
    try:
        import resource
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:  # elsewhere only the largest size so far, in bytes on macOS
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

images, labels, *_ = load_digits()
net, loss_of = DigitsNet(), xt.CrossEntropyLoss()
optimizer = xt.Adam(net.parameters(), lr=1e-3)
for step in range({STEPS}):
    batch = np.arange(8 * step, 8 * step + 8) % len(labels)
    x, target = xt.XTensor(images[batch]), xt.XTensor(labels[batch], dtype=xt.kint64)
    with xt.autograd.tape():
        loss = loss_of(target, net(x))
    loss.backward()
    optimizer.step()
    if step % {EVERY} == {EVERY} - 1:
        gc.collect()
        print(resident())
"""


def test_resident_memory_of_5000_steps(figure):
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
