"""Every number and name the XTensor pages document (tests/data, recomputed and kept as JSON)."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest

import xtensor as xt

DATA = Path(__file__).parent / "data"
EXAMPLES = json.loads((DATA / "xtensor_examples.json").read_text(encoding="utf-8"))
INVENTORY = json.loads((DATA / "inventory.json").read_text(encoding="utf-8"))


# -- numbers --------------------------------------------------------------------------------------


def numbers(value):
    """Nested lists of the JSON files, with their words for infinities and NaN."""
    if isinstance(value, list):
        return [numbers(v) for v in value]
    return float(value) if value in ("inf", "-inf", "nan") else value


def tensor(name, value, dtype=None):
    array = np.array(numbers(value))
    if name == "mask":
        return xt.XTensor(array.astype(bool))
    return xt.XTensor(array, dtype=dtype)


def ones(*shape):
    return xt.ones(list(shape[0]) if isinstance(shape[0], list) else list(shape))


def padded():
    return xt.pad_sequence([ones(4, 2, 3), ones(2, 2, 3), ones(1, 2, 3)], True)


def packed():
    return xt.pack_pad_sequence(padded(), [4, 2, 1], batch_first=True)


def in_training(layer, x):
    with xt.autograd.tape():
        return layer(x)


def gradient(of, call):
    of.requires_grad = True
    with xt.autograd.tape():
        call().backward()
    return of.grad


def set_item(a, item, value):
    a[item] = value
    return a


def shape_after(layer, *shape):
    return layer(xt.ones(list(shape))).shape


def two_steps(name, x, weights, **options):
    """Weights after each of two steps on the same input, as in the six optimizer examples."""
    net = xt.Linear(4, 3)
    net.load_state_dict({"weights": weights, "bias": net.bias})
    optimizer = getattr(xt, name)(net.parameters(), **options)
    after = []
    for _ in range(2):
        with xt.autograd.tape():
            y = net(x)
        y.backward()
        optimizer.step()
        after.append(net.weights.to_numpy())
    return np.stack(after)


def recurrent(name):
    layer = getattr(xt, name)(4, 6, 2, batch_first=False, bidirectional=True)
    state = ones(4, 3, 6)
    output, last = layer(ones(5, 3, 4), (state, state) if name == "LSTM" else state)
    return output, last if isinstance(last, tuple) else (last,)


def layout_holds(name):
    output, last = recurrent(name)
    out, hn = output.to_numpy(), last[0].to_numpy()
    np.testing.assert_allclose(hn[2], out[-1, :, :6], atol=1e-6)
    np.testing.assert_allclose(hn[3], out[0, :, 6:], atol=1e-6)
    return True


def dynamic(name, lengths):
    layer = getattr(xt, name)(5, 2, batch_first=False, bidirectional=True)
    sequences = [ones(length, 5) for length in lengths]
    packed = xt.pack_pad_sequence(xt.pad_sequence(sequences), lengths, enforce_sorted=False)
    output, back = xt.pad_packed_sequence(layer(packed)[0])
    for i, length in enumerate(lengths):
        assert not output.to_numpy()[length:, i].any()
        assert output.to_numpy()[:length, i].all()
    return [output.shape, back]


def periodic_gradient():
    conv = xt.Conv2D(2, 2, (2, 2), (2, 2), "same")
    x = xt.arange(1, 65).reshape([2, 2, 4, 4])
    grad = gradient(x, lambda: conv(x)).to_numpy()
    per_cell = conv.weights.to_numpy().sum(axis=0)
    np.testing.assert_allclose(grad, np.tile(per_cell, (2, 1, 2, 2)), atol=2e-6)
    return True


class HoldsDense(xt.Module):
    def __init__(self):
        super().__init__()
        self.dense = xt.ModuleList([xt.Linear(4, 2), xt.Linear(4, 2)])


def broadcast_shapes(s1, s2):
    return [t.shape for t in xt.broadcast(ones(s1), ones(s2))]


# Entries whose "call" is a sentence, not an expression; inputs arrive by name.
SPOKEN = {
    "XTensor.requires_grad": lambda a: a.grad,
    "XTensor.backward": lambda a: gradient(a, lambda: 2 * a + 3),
    "matmul.grad1": lambda t1, t2: gradient(t1, lambda: xt.matmul(t1, t2)),
    "matmul.grad2": lambda t1, t2: gradient(t2, lambda: xt.matmul(t1, t2)),
    "XTensor.fill_rand_binary_": lambda t: (t.fill_rand_binary_(2), t)[1],
    "XTensor.__getitem__.advanced": lambda tt, i1, i2: tt[:, i1, 3:, i2, 2:],
    "XTensor.__setitem__.1": lambda a, x: set_item(a, (3, 4, 1), x),
    "XTensor.__setitem__.2": lambda a, x: set_item(a, (slice(None), 2, slice(None)), x),
    "XTensor.__setitem__.3": lambda a, x: set_item(a, (2, slice(None)), x),
    "XTensor.__setitem__.4": lambda a, x: set_item(
        a, (slice(0, 2), slice(None, None, 2), slice(1, 2)), x
    ),
    "XTensor.__setitem__.bool": lambda a, b, x: set_item(a, b > 0, x),
    "pad_packed_sequence.data": lambda: xt.pad_packed_sequence(packed(), batch_first=True)[0],
    "pad_packed_sequence.lengths": lambda: xt.pad_packed_sequence(packed(), batch_first=True)[1],
    "pack_pad_sequence.data": lambda: xt.pack_pad_sequence(
        padded(), [4, 2, 1], batch_first=True, enforce_sorted=False
    ).data,
    "pack_pad_sequence.batch_sizes": lambda: packed().batch_sizes,
    "Module.state_dict.keys": lambda: list(xt.Conv2D(2, 3, (3, 3), (2, 2), "same").state_dict()),
    "ModuleList.state_dict.keys": lambda: list(HoldsDense().state_dict()),
    "ModuleList.weights.shape": lambda: [
        HoldsDense().dense[0].weights.shape, HoldsDense().dense[0].bias.shape,
    ],
    "Conv1D.shape": lambda: shape_after(xt.Conv1D(3, 2, 3, 2, "same"), 2, 3, 25),
    "Conv2D.shape": lambda: shape_after(xt.Conv2D(3, 2, (3, 3), (2, 2), "same"), 2, 3, 5, 5),
    "ConvT2D.shape": lambda: shape_after(xt.ConvT2D(3, 2, (3, 3), (1, 1), "valid"), 1, 3, 5, 5),
    "Embedding.shape": lambda: xt.Embedding(30, 3)(xt.ones([2, 3, 2, 2], dtype=xt.kint64)).shape,
    "Linear.shape": lambda: shape_after(xt.Linear(7, 5), 2, 3, 7),
    "Pixel_Shuffle.shape": lambda: shape_after(xt.Pixel_Shuffle(3), 5, 2, 3, 18, 4, 4),
    "Pixel_Unshuffle.shape": lambda: shape_after(xt.Pixel_Unshuffle(3), 5, 2, 3, 2, 12, 12),
    "Conv2D.grad.periodic": periodic_gradient,
    "BatchNorm2d.train": lambda x: in_training(xt.BatchNorm2d(2), x),
    "BatchNorm1d.train": lambda x: in_training(xt.BatchNorm1d(4), x),
    "Dropout.eval": lambda x: xt.Dropout(0.5)(x),
    "SoftmaxCrossEntropy": lambda y, x: xt.SoftmaxCrossEntropy()(y, x),
    "CategoricalCrossEntropy": lambda y, x: xt.CategoricalCrossEntropy()(y, x),
    "Module.toGPU": lambda: xt.ConvT2D(3, 2, (4, 4), (2, 2), "same").toGPU().backend,
    "Dynamic_GRU.unpacked": lambda: dynamic("Dynamic_GRU", [4, 1, 2]),
    "Dynamic_RNN.unpacked": lambda: dynamic("Dynamic_RNN", [4, 1, 2]),
    "Dynamic_LSTM.unpacked": lambda: dynamic("Dynamic_LSTM", [3, 4, 1]),
}  # fmt: skip
for _n in (1, 2, 3):
    SPOKEN[f"broadcast.{_n}"] = broadcast_shapes
for _name in ("GRU", "RNN", "LSTM"):
    SPOKEN[f"{_name}.shapes"] = lambda n=_name: (
        [recurrent(n)[0].shape] + [t.shape for t in recurrent(n)[1]]
    )
    SPOKEN[f"{_name}.layout"] = lambda n=_name: layout_holds(n)


def documented_result(entry):
    name, inputs = entry["name"], entry["inputs"]
    if name.startswith("optimizer."):
        return two_steps(
            name.split(".")[1], tensor("x", inputs["x"]), tensor("W0", inputs["W0"]),
            **entry["kwargs"],
        )  # fmt: skip
    if name.startswith("broadcast."):
        return SPOKEN[name](inputs["s1"], inputs["s2"])
    dtype = xt.kfloat64 if entry["kwargs"].get("dtype") == "kfloat64" else None
    tensors = {key: tensor(key, value, dtype) for key, value in inputs.items()}
    if name in SPOKEN:
        return SPOKEN[name](**tensors)
    scope = {key: getattr(xt, key) for key in xt.__all__}
    return eval(entry["call"], {**scope, "ones": ones, **tensors})


@pytest.mark.parametrize("entry", EXAMPLES, ids=lambda e: e["name"])
def test_documented_example(entry):
    result = documented_result(entry)
    due = numbers(entry["expected"])
    if entry["kind"] == "property":
        assert result is True or result is None
    elif isinstance(result, xt.XTensor | np.ndarray):
        came = np.asarray(result)
        assert list(came.shape) == list(np.shape(due))
        np.testing.assert_allclose(came, np.array(due), rtol=entry["tol"], atol=entry["tol"])
    else:
        assert result == due


# -- names ----------------------------------------------------------------------------------------


def found(name):
    value = xt
    for part in name.split("."):
        value = getattr(value, part)
    return value


NAMED = {"zeros": xt.zeros, "ones": xt.ones, "xavier_normal": xt.initializer.xavier_normal}


def default_of(text):
    """A documented default: a string may stand for the object of that name."""
    if isinstance(text, list):
        return tuple(text)
    return NAMED.get(text, getattr(xt, text, text)) if isinstance(text, str) and text else text


@pytest.mark.parametrize("row", INVENTORY, ids=lambda r: r["name"])
def test_documented_name(row):
    name = row["name"]
    if row["kind"] == "const":
        assert found(name) == row["value"]
        return
    if row["kind"] == "attr":
        assert name.split(".")[1] in ("grad", "weights", "bias", "data", "batch_sizes") or found(
            name
        )
        return
    function = found(name)
    assert callable(function)
    if re.search(r"\.__\w+__$", name):  # operators are called by position
        assert len(inspect.signature(function).parameters) >= len(row["params"])
        return
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("self", None)
    if row["kind"] == "method" and next(iter(parameters), "") in {"t", "x"} - set(row["params"]):
        parameters.pop(next(iter(parameters)))
    names = [("*" * (p.kind == p.VAR_POSITIONAL) + "**" * (p.kind == p.VAR_KEYWORD)) + p.name
             for p in parameters.values()]  # fmt: skip
    assert names[: len(row["params"])] == row["params"]
    for extra in names[len(row["params"]) :]:
        parameter = parameters[extra.lstrip("*")]
        assert parameter.default is not inspect.Parameter.empty or extra.startswith("*"), extra
    for key, value in row["defaults"].items():
        came = parameters[key].default
        due = value if f"{key}='" in row["signature"] else default_of(value)
        assert came == due or (isinstance(came, list) and tuple(came) == due), (key, came, due)
