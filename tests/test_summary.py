"""xtensor.summary: what stands in the table, and that nothing else notices."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt
from xtensor.demo import DigitsNet
from xtensor.device import DEV_GPU_0


class Block(xt.Module):
    def __init__(self, size):
        super().__init__()
        self.linear = xt.Linear(size, size)
        self.dropout = xt.Dropout(0.5)

    def forward(self, x):
        return self.dropout(self.linear(x)), x


class Net(xt.Module):
    """A list of layers, a layer used twice, one never used, two inputs, several outputs."""

    def __init__(self):
        super().__init__()
        self.table = xt.Embedding(10, 4)
        self.blocks = xt.ModuleList([Block(4), Block(4)])
        self.spare = xt.Linear(4, 100)
        self.scale = xt.Parameter([1.0])
        self.ready = xt.Dropout(0.1)

    def forward(self, numbers, weights):
        x = self.table(numbers)
        for block in [*self.blocks, self.blocks[0]]:
            x, _ = block(x)
        return {"x": x * weights * self.scale, "sum": 3}


TABLE = """\
input [2, 3], [4]
layer       class      output shape           parameters
--------------------------------------------------------
model       Net        x: [2, 3, 4], sum: int          1
  table     Embedding  [2, 3, 4]                      40
  blocks.0  Block      [2, 3, 4], [2, 3, 4]
    linear  Linear     [2, 3, 4]                      20
    dropout Dropout    [2, 3, 4]
  blocks.1  Block      [2, 3, 4], [2, 3, 4]
    linear  Linear     [2, 3, 4]                      20
    dropout Dropout    [2, 3, 4]
  blocks.0  Block      [2, 3, 4], [2, 3, 4]
    linear  Linear     [2, 3, 4]
    dropout Dropout    [2, 3, 4]
  spare     Linear     (did not run)                 500
--------------------------------------------------------
581 parameters, 2.3 kB"""


def test_the_table_of_an_odd_model():
    found = xt.summary(Net(), [[2, 3], [4]], dtype=[xt.kint64, None])
    came, due = (
        [line.split() for line in text.splitlines() if set(line) != {"-"}]
        for text in (str(found), TABLE)
    )
    assert came == due
    assert repr(found) == str(found)
    assert (found.parameters, found.trainable, found.bytes) == (581, 581, 4 * 581)
    assert sum(row.parameters for row in found.rows) == found.parameters


def test_the_demo():
    found = xt.summary(DigitsNet(), (1, 1, 8, 8))
    assert [row.path for row in found.rows] == [
        "", "conv1", "norm1", "conv2", "norm2", "pool", "dropout", "scores"
    ]  # fmt: skip
    assert found.rows[3].output == "[1, 32, 8, 8]"
    assert found.parameters == sum(p.size for p in DigitsNet().parameters())
    assert len({len(line) for line in str(found).splitlines() if set(line) == {"-"}}) == 1


def test_frozen_and_shared_parameters_and_other_dtypes():
    net = xt.ModuleList([xt.Linear(2, 2, dtype=xt.kfloat64), xt.Linear(2, 2, dtype=xt.kfloat64)])
    net[1].weights = net[0].weights
    net[0].bias.requires_grad = False

    class Both(xt.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net[1](self.net[0].forward(x))

    found = xt.summary(Both(), [1, 2], dtype=xt.kfloat64)
    assert [row.parameters for row in found.rows] == [0, 6, 2]
    assert str(found).endswith("8 parameters, 2 of them frozen, 64 B")


def test_packed_sequences_have_a_shape():
    class Pack(xt.Module):
        def forward(self, x):
            return xt.pack_pad_sequence(x, [3, 1])

    assert xt.summary(Pack(), [3, 2, 5]).rows[0].output == "packed [4, 5]"


def test_a_model_on_a_gpu_gets_its_input_there():
    assert xt.summary(xt.Linear(2, 3).toGPU(DEV_GPU_0), [1, 2]).rows[0].output == "[1, 3]"


def test_nothing_is_left_behind():
    net = DigitsNet()
    before = {name: t.to_numpy().tobytes() for name, t in net.state_dict().items()}
    attributes = {id(m): dict(vars(m)) for m in net.modules()}
    state = xt.get_rng_state()
    with xt.autograd.tape() as tape:
        xt.summary(net, [2, 1, 8, 8])
    assert tape.count == 0
    assert xt.get_rng_state() == state
    assert {name: t.to_numpy().tobytes() for name, t in net.state_dict().items()} == before
    assert {id(m): dict(vars(m)) for m in net.modules()} == attributes


def test_a_forward_of_the_instance_is_put_back():
    net = xt.Linear(2, 2)
    own = vars(net)["forward"] = lambda x: xt.ones([7])
    assert xt.summary(net, [1, 2]).rows[0].output == "[7]"
    assert net.forward is own


def test_what_the_model_raises_comes_through_and_leaves_nothing():
    net = DigitsNet()
    with pytest.raises(ValueError, match="channels"):
        xt.summary(net, [1, 3, 8, 8])
    assert all("forward" not in vars(module) for module in net.modules())
    assert np.isfinite(net(xt.zeros([1, 1, 8, 8])).to_numpy()).all()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((3, [1]), TypeError, "model is of type int"),
        ((xt.Linear, [1]), TypeError, "model is of type type"),
        ((xt.Linear(2, 2), 5), TypeError, "input_shape is 5"),
        ((xt.Linear(2, 2), "12"), TypeError, "input_shape is '12'"),
        ((xt.Linear(2, 2), [1, "2"]), TypeError, "[1, '2']"),
        ((xt.Linear(2, 2), [1, [2]]), TypeError, "[1, [2]]"),
        ((xt.Linear(2, 2), [-1, 2]), ValueError, "lengths of 0 or more"),
        ((xt.Linear(2, 2), [1, 2], 3), TypeError, "dtype"),
        ((xt.Linear(2, 2), [[1, 2]], [6, 6]), ValueError, "2 dtypes"),
    ],
)
def test_wrong_use_is_named(arguments, error, words):
    with pytest.raises(error) as caught:
        xt.summary(*arguments)
    assert words in str(caught.value)
    assert "summary" in str(caught.value)
