"""Layers against those of pyvqnet that bear the same names."""

import pytest

import xtensor as xt

from .libraries import normal, pyvqnet

# name, arguments, shape of the input
LAYERS = {
    "Linear 256x512 to 512": ("Linear", (512, 512), (256, 512)),
    "Conv2D 32x32x32x32 to 64, k3": ("Conv2D", (32, 64, (3, 3)), (32, 32, 32, 32)),
}


def call(library, layer, shape):
    """To the host, because pyvqnet may compute only when something reads."""
    x = library.XTensor(normal(*shape), dtype=library.kfloat32)
    return lambda: layer(x).to_numpy()


@pytest.mark.skipif(pyvqnet is None, reason="pyvqnet is not installed")
@pytest.mark.parametrize("case", LAYERS)
def test_layer(compare, case):
    name, arguments, shape = LAYERS[case]
    ours, theirs = getattr(xt, name)(*arguments), getattr(pyvqnet, name)(*arguments)
    weights = {key: xt.XTensor(t.to_numpy()) for key, t in theirs.state_dict().items()}
    ours.load_state_dict(weights)
    compare(xtensor=lambda: call(xt, ours, shape), pyvqnet=lambda: call(pyvqnet, theirs, shape))
