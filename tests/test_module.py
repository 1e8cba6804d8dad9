"""Module and ModuleList: what is found, loaded, moved, printed and refused."""

from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
import pytest

import xtensor as xt
from xtensor.device import DEV_GPU_0


class Scale(xt.Module):
    def __init__(self, factor=2.0, name=""):
        super().__init__(name)
        self.factor = xt.Parameter([factor])
        self.register_buffer("calls", xt.XTensor([0], dtype=xt.kint64))

    def forward(self, x):
        return self.factor * x


class Net(xt.Module):
    def __init__(self):
        super().__init__("net")
        self.first = Scale(2.0)
        self.offset = xt.Parameter([[1.0, 1.0]])
        self.rest = xt.ModuleList([Scale(3.0), Scale(4.0)])

    def forward(self, x):
        x = self.first(x) + self.offset
        for layer in self.rest:
            x = layer(x)
        return x


NAMES = [
    "first.factor", "first.calls", "offset", "rest.0.factor", "rest.0.calls", "rest.1.factor",
    "rest.1.calls",
]  # fmt: skip
PARAMETERS = [name for name in NAMES if "calls" not in name]


def values(module):
    return {name: tensor.to_numpy().tolist() for name, tensor in module.state_dict().items()}


def test_everything_is_found_in_the_order_of_assignment():
    net = Net()
    assert list(net.state_dict()) == NAMES
    assert isinstance(net.state_dict(), OrderedDict)
    assert [name for name, _ in net.named_parameters()] == PARAMETERS
    assert isinstance(net.parameters(), list)
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    assert net.children() == [net.first, net.rest]
    assert net.modules() == [net, net.first, net.rest, net.rest[0], net.rest[1]]
    assert net.state_dict()["offset"] is net.offset


def test_state_dict_fills_what_it_is_given():
    destination = {"before": 1}
    assert Net().state_dict(destination, "a.") is destination
    assert list(destination) == ["before", *(f"a.{name}" for name in NAMES)]
    with pytest.raises(TypeError, match="destination"):
        Net().state_dict([])


def test_a_shared_parameter_counts_once_and_is_saved_under_each_name():
    net = Net()
    net.rest[1].factor = net.first.factor
    assert len(net.parameters()) == len(PARAMETERS) - 1
    assert list(net.state_dict()) == NAMES
    shared = xt.ModuleList([net.first, net.first])
    assert len(shared.modules()) == 2
    assert len(shared.parameters()) == 1


def test_assigning_again_and_deleting_leave_nothing_behind():
    net = Net()
    net.first = Scale(9.0)
    assert next(iter(net.state_dict())) == "first.factor"
    net.offset = None
    assert "offset" not in net.state_dict()
    net.offset = xt.Parameter([5.0])
    assert "offset" in net.state_dict()
    del net.first
    assert next(iter(net.state_dict())) == "offset"
    scale = Scale()
    scale.calls = xt.XTensor([3], dtype=xt.kint64)
    assert values(scale)["calls"] == [3]
    del scale.calls
    scale.calls = 5
    assert list(scale.state_dict()) == ["factor"]


def test_forward_is_what_a_call_runs():
    assert Net()(xt.XTensor([1.0, 2.0])).to_numpy().tolist() == [[36.0, 60.0]]
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        xt.Module()(1)


def test_gradients_reach_parameters():
    net = Net()
    with xt.autograd.tape():
        y = net(xt.XTensor([1.0]))
    y.backward()
    assert net.first.factor.grad.to_numpy().tolist() == [24.0]
    assert net.first.calls.grad is None


def test_load_takes_values_not_tensors():
    net, other = Net(), Net()
    saved = net.state_dict()
    saved["offset"] = xt.XTensor([[7.0, 8.0]], dtype=xt.kfloat64)
    saved["first.calls"] = np.array([4], np.int32)
    parameters = other.parameters()
    other.load_state_dict(saved)
    assert other.offset.to_numpy().tolist() == [[7.0, 8.0]]
    assert (other.offset.dtype, other.first.calls.dtype) == (xt.kfloat32, xt.kint64)
    assert all(a is b for a, b in zip(parameters, other.parameters(), strict=True))
    net.first.factor.writable()[:] = 100
    assert other.first.factor.item() == 2.0
    net.load_state_dict(net.state_dict())
    net.offset = xt.Parameter(np.array(1.0))
    shape = net.offset.shape
    net.load_state_dict({**net.state_dict(), "offset": np.full(shape, 2.0)})
    assert (net.offset.shape, net.offset.item()) == (shape, 2)


def test_load_lists_all_that_is_wrong_and_changes_nothing():
    net = Net()
    before = values(net)
    state = dict(net.state_dict())
    del state["first.factor"], state["rest.1.calls"]
    state["offset"] = xt.XTensor([1.0, 2.0])
    state["rest.0.calls"] = xt.XTensor([1.5])
    state["rest.0.factor"] = 3.0
    state["bias"] = xt.XTensor([1.0])
    with pytest.raises(ValueError, match=r"Net.load_state_dict: nothing was loaded") as caught:
        net.load_state_dict(state)
    for words in (
        "missing: first.factor, rest.1.calls",
        "unexpected: bias",
        "offset (shape [2], expected [1, 2])",
        "rest.0.calls (float32, expected int64)",
        "rest.0.factor (of type float",
    ):
        assert words in str(caught.value)
    assert values(net) == before
    with pytest.raises(TypeError, match="state_dict is of type list"):
        net.load_state_dict([1])


@pytest.mark.gpu
def test_moving_takes_the_whole_tree():
    net = Net()
    first = net.first.factor
    assert net.backend == xt.Module().backend == 0
    assert net.toGPU(DEV_GPU_0) is net
    assert {t.device for t in net.state_dict().values()} == {DEV_GPU_0}
    assert net.first.factor is first
    assert net.backend == net.rest[1].backend == DEV_GPU_0
    assert net(xt.XTensor([1.0]).toGPU()).device == DEV_GPU_0
    net.load_state_dict(Net().state_dict())
    assert net.backend == DEV_GPU_0
    assert net.toCPU().backend == 0
    assert xt.Module().toGPU().backend == DEV_GPU_0
    with pytest.raises(ValueError, match=r"Net.toGPU: device is 3"):
        net.toGPU(3)
    with pytest.raises(RuntimeError, match=r"Net.toGPU"):
        net.toGPU(1009)


def test_printed_as_a_tree():
    assert repr(Net()).splitlines() == [
        'Net "net": 5 parameters  (offset [1, 2])',
        "  first: Scale: 1 parameter  (factor [1], calls [1])",
        "  rest: ModuleList: 2 parameters",
        "    0: Scale: 1 parameter  (factor [1], calls [1])",
        "    1: Scale: 1 parameter  (factor [1], calls [1])",
    ]


@pytest.mark.parametrize(
    "wrong",
    [lambda: [Scale()], lambda: (1, Scale()), lambda: {"a": Scale()}, lambda: [[Scale()]]],
)
def test_a_plain_container_of_modules_points_to_module_list(wrong):
    with pytest.raises(TypeError, match=r"Net: self.layers is a \w+ of modules.*ModuleList"):
        Net().layers = wrong()


@pytest.mark.parametrize("contain", [lambda p: [1, p], lambda p: (p,), lambda p: {"a": [p]}])
def test_a_plain_container_of_parameters_is_refused(contain):
    words = r"Net: self.ws is a \w+ of parameters; expected a Parameter.*To mend it: give each"
    with pytest.raises(TypeError, match=words):
        Net().ws = contain(xt.Parameter([1.0]))


def test_plain_values_are_plain_attributes():
    net = Net()
    net.sizes, net.table, net.mask = [1, 2], {"a": [1]}, xt.XTensor([1.0])
    assert list(net.state_dict()) == NAMES


def test_before_init_an_assignment_says_so():
    class Early(xt.Module):
        def __init__(self):
            self.scale = Scale()

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
        Early()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda net: setattr(net, "offset", xt.XTensor([1.0])), TypeError, "Parameter(...)"),
        (lambda net: setattr(net.first, "calls", 3), TypeError, "the buffer calls"),
        (lambda net: setattr(net, "forward", Scale()), AttributeError, "name of a method"),
        (lambda net: setattr(net, "me", net), ValueError, "contains it"),
        (lambda net: setattr(net.first, "up", net), ValueError, "contains it"),
        (lambda net: net.register_buffer("b", xt.Parameter([1.0])), TypeError, "Parameter"),
        (lambda net: net.register_buffer("b", [1.0]), TypeError, "of type list"),
        (lambda net: net.register_buffer("offset", xt.XTensor(1.0)), ValueError, "'offset'"),
        (lambda net: net.register_buffer("a.b", xt.XTensor(1.0)), ValueError, "without dots"),
        (lambda net: net.eval(), AttributeError, "'eval'; layers are in training mode while a"),
        (lambda net: xt.Module(3), TypeError, "name is 3"),
        (lambda net: xt.ModuleList([net, 3]), TypeError, "item 1 is of type int"),
        (lambda net: xt.ModuleList(net), TypeError, "a list of modules"),
        (lambda net: net.rest.append("x"), TypeError, "item 2 is of type str"),
    ],
)
def test_wrong_use_is_named_and_changes_nothing(change, error, words):
    net = Net()
    with pytest.raises(error) as caught:
        change(net)
    assert words in str(caught.value)
    assert values(net) == values(Net())


def test_module_list_is_a_list():
    a, b, c = Scale(1.0), Scale(2.0), Scale(3.0)
    layers = xt.ModuleList([a])
    layers.append(c)
    layers.insert(1, b)
    assert (list(layers), len(layers), layers[-1], b in layers) == ([a, b, c], 3, c, True)
    assert list(layers.state_dict()) == [f"{i}.{n}" for i in range(3) for n in ("factor", "calls")]
    assert isinstance(layers[1:], xt.ModuleList)
    assert list(layers[1:]) == [b, c]
    layers[0] = c
    del layers[1]
    layers += [a]
    assert list(layers) == [c, c, a]
    assert layers.pop() is a
    assert [name for name, _ in layers.named_children()] == ["0", "1"]
    with pytest.raises(IndexError):
        layers[2]
    assert len(xt.ModuleList()) == 0


def test_a_copy_shares_nothing():
    net = Net()
    twin = copy.deepcopy(net)
    twin.offset.writable()[:] = 9
    assert values(net) == values(Net())
    assert list(twin.state_dict()) == NAMES


def test_apply_calls_with_every_module_once_children_first():
    net = Net()
    net.rest.append(net.first)
    seen = []
    assert net.apply(seen.append) is net
    assert seen == [net.first, net.rest[0], net.rest[1], net.rest, net]
    with pytest.raises(TypeError, match=r"Net.apply: fn is of type int"):
        net.apply(3)


def test_apply_can_set_start_values():
    def start(module):
        if isinstance(module, xt.Linear):
            module.bias.fill_rand_uniform_(0)

    net = xt.ModuleList([xt.Linear(2, 2), xt.Linear(2, 2)]).apply(start)
    assert [layer.bias.to_numpy().tolist() for layer in net] == [[0, 0], [0, 0]]
