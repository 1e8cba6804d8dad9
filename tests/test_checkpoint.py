"""Checkpoints: a run resumed in a new process gives the same bytes; a bad file changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import xtensor as xt
from xtensor.device import DEV_GPU_0

SCRIPT = """\
import sys
sys.path[:0] = sys.argv[4:]
import numpy as np
import xtensor as xt

file, start, stop = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if start == 0:
    xt.manual_seed(3)
net = xt.ModuleList([xt.Linear(6, 8), xt.BatchNorm1d(8), xt.Dropout(0.4), xt.Linear(8, 2)])
optimizer = xt.Adam(net.parameters(), lr=0.05, amsgrad=True)
rng = np.random.default_rng(7)
if start:
    values = xt.load_checkpoint(file, net, optimizer)
    assert values["step"] == start, values
    rng.bit_generator.state = values["numpy"]
for step in range(start, stop):
    optimizer.lr = 0.05 / (1 + step)
    with xt.autograd.tape():
        y = xt.XTensor(rng.standard_normal((5, 6)))
        for layer in net:
            y = layer(y)
        loss = xt.mean(y * y)
    loss.backward()
    optimizer.step()
xt.save_checkpoint(file, net, optimizer, step=stop, numpy=rng.bit_generator.state)
print(xt.randn([2]).to_numpy().tobytes().hex())
"""


def test_a_run_resumed_in_a_new_process_continues_with_the_same_bytes(tmp_path):
    def run(name, start, stop):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / name), str(start), str(stop), *sys.path],
            capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": ""},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    at_once = run("at once", 0, 6)
    run("in two", 0, 3)
    half = (tmp_path / "in two").read_bytes()
    in_two = run("in two", 3, 6)
    assert in_two == at_once
    assert (tmp_path / "in two").read_bytes() == (tmp_path / "at once").read_bytes() != half


def made(kind=xt.Adam, steps=2, size=3, **options):
    net = xt.ModuleList([xt.Linear(4, size), xt.BatchNorm1d(size)])
    optimizer = kind(net.parameters(), **options)
    for _ in range(steps):
        with xt.autograd.tape():
            loss = xt.sums(net[1](net[0](xt.randn([5, 4]))) * xt.randn([size]))
        loss.backward()
        optimizer.step()
    return net, optimizer


def contents(net, optimizer):
    state = optimizer.state_dict()
    return (
        {name: t.to_numpy().tobytes() for name, t in net.state_dict().items()},
        state["optimizer"],
        state["options"],
        [
            {n: v.to_numpy().tobytes() if isinstance(v, xt.XTensor) else v for n, v in e.items()}
            for e in state["state"]
        ],
    )


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (xt.SGD, {}),
        (xt.SGD, {"momentum": 0.9, "nesterov": True}),
        (xt.Adam, {"amsgrad": True, "lr": 1 / 3}),
        (xt.Adamax, {}),
        (xt.Adadelta, {}),
        (xt.Adagrad, {}),
        (xt.RMSProp, {"beta": 0.3}),
    ],
)
def test_every_optimizer_comes_back(tmp_path, kind, options):
    saved = made(kind, **options)
    xt.save_checkpoint(tmp_path / "f", *saved)
    state = xt.get_rng_state()
    loaded = made(kind, steps=1)
    assert xt.load_checkpoint(tmp_path / "f", *loaded) == {}
    assert contents(*loaded) == contents(*saved)
    assert xt.get_rng_state() == state
    assert os.listdir(tmp_path) == ["f"]


def test_before_the_first_step_and_without_an_optimizer(tmp_path):
    net, optimizer = made(steps=0)
    xt.save_checkpoint(tmp_path / "a", net, optimizer)
    xt.save_checkpoint(tmp_path / "b", net)
    other, trained = made(steps=3)
    xt.load_checkpoint(tmp_path / "a", other, trained)
    assert contents(other, trained) == contents(net, optimizer)
    other, _ = made(steps=3)
    xt.load_checkpoint(tmp_path / "a", other)
    assert contents(other, trained)[0] == contents(net, optimizer)[0]
    xt.load_checkpoint(tmp_path / "b", made()[0])


def test_values_come_back_as_they_were(tmp_path):
    net, _ = made()
    values = {
        "none": None, "yes": True, "big": 2**130, "third": 1 / 3, "tiny": 5e-324, "best": np.inf,
        "text": "ü\n\ud800", "losses": [0.5, [1, "x"], {}], "table": {"a b": {"c": [None]}},
        "numpy": np.random.default_rng(1).bit_generator.state, "order": 1, "model_name": "m",
    }  # fmt: skip
    xt.save_checkpoint(tmp_path / "f", net, **values)
    came = xt.load_checkpoint(tmp_path / "f", net)
    assert came == values
    assert list(came) == list(values)
    assert [type(v) for v in came.values()] == [type(v) for v in values.values()]
    xt.save_checkpoint(tmp_path / "nan", net, loss=float("nan"))
    assert np.isnan(xt.load_checkpoint(tmp_path / "nan", net)["loss"])


@pytest.mark.gpu
def test_from_a_gpu_to_the_cpu_and_back(tmp_path):
    net, optimizer = made(size=2, steps=0)
    net.toGPU(DEV_GPU_0)
    for parameter in net.parameters():
        parameter.grad = xt.ones_like(parameter)
    optimizer.step()
    xt.save_checkpoint(tmp_path / "f", net, optimizer)
    other, slow = made(size=2)
    xt.load_checkpoint(tmp_path / "f", other, slow)
    assert contents(other, slow) == contents(net, optimizer)
    assert other.backend == 0
    xt.load_checkpoint(tmp_path / "f", net, optimizer)
    assert net.backend == DEV_GPU_0


def test_other_programs_can_read_the_tensors(tmp_path):
    net, optimizer = made()
    xt.save_checkpoint(tmp_path / "f", net, optimizer, epoch=1)
    names = list(xt.load_parameters(tmp_path / "f"))
    assert names[0] == "model.0.weights"
    assert {name.split(".")[-1] for name in names if name.startswith("optimizer.0")} == {"m", "v"}


class Twice(xt.Adam):
    """Another class of the same options and slots."""


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: made(size=2), "does not fit: 0.weights (shape [3, 4], expected [2, 4])"),
        (lambda: made(xt.SGD), "of 'Adam'"),
        (lambda: made(Twice), "of 'Adam'"),
        (lambda: (made()[0], xt.Adam(made()[0][0].parameters())), "of 4 parameters"),
        (lambda: (xt.ModuleList([xt.Linear(4, 3)]), made()[1]), "unexpected: 1.gamma"),
        (lambda: (made(size=2)[0], made()[1]), "does not fit: 0.weights"),
        (lambda: (made()[0], made(size=2)[1]), "of parameter 0"),
    ],
)
def test_another_model_or_optimizer_is_refused_and_left_alone(tmp_path, other, words):
    xt.save_checkpoint(tmp_path / "f", *made())
    net, optimizer = other()
    before, state = contents(net, optimizer), xt.get_rng_state()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are asked for below
        xt.load_checkpoint(tmp_path / "f", net, optimizer)
    assert words in str(caught.value)
    assert contents(net, optimizer) == before
    assert xt.get_rng_state() == state


def bump_a_step(data):
    assert data.count(b'\\"state\\": [2, 2, 2, 2]') == 1
    return data.replace(b'\\"state\\": [2, 2, 2, 2]', b'\\"state\\": [2, 3, 2, 2]')


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: b"", "not a whole safetensors file"),
        (lambda data: data[:-5], "not a whole safetensors file"),
        (lambda data: data[:-3] + bytes([data[-3] ^ 4]) + data[-2:], "damaged"),
        (bump_a_step, "damaged"),
        (lambda data: data.replace(b"model.0.bias", b"model.0.bees", 1), "damaged"),
    ],
)
def test_a_damaged_file_is_refused_and_changes_nothing(tmp_path, damage, words):
    net, optimizer = made()
    xt.save_checkpoint(tmp_path / "f", net, optimizer)
    (tmp_path / "f").write_bytes(damage((tmp_path / "f").read_bytes()))
    net, optimizer = made()
    before, state = contents(net, optimizer), xt.get_rng_state()
    with pytest.raises(ValueError, match=r"load_checkpoint: .* cannot be read") as caught:
        xt.load_checkpoint(tmp_path / "f", net, optimizer)
    assert words in str(caught.value)
    assert contents(net, optimizer) == before
    assert xt.get_rng_state() == state


def test_files_that_are_no_checkpoints(tmp_path):
    net, optimizer = made()
    with pytest.raises(FileNotFoundError, match="load_checkpoint: there is no file"):
        xt.load_checkpoint(tmp_path / "none", net)
    xt.save_parameters(net, tmp_path / "f")
    with pytest.raises(ValueError, match=r"no checkpoint.*load_parameters"):
        xt.load_checkpoint(tmp_path / "f", net)
    xt.save_checkpoint(tmp_path / "f", net)
    with pytest.raises(ValueError, match=r"saved without an optimizer.*load_checkpoint\(f, model"):
        xt.load_checkpoint(tmp_path / "f", net, optimizer)
    with pytest.raises(FileNotFoundError, match=r"save_checkpoint: .*cannot be written"):
        xt.save_checkpoint(tmp_path / "nodir" / "f", net)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, net, o: xt.save_checkpoint(3, net), "f is of type int"),
        (lambda f, net, o: xt.save_checkpoint(f, net.state_dict()), "model is of type"),
        (lambda f, net, o: xt.save_checkpoint(f, net, 3), "optimizer is of type int"),
        (lambda f, net, o: xt.save_checkpoint(f, net, o.state_dict()), "optimizer is of type dict"),
        (lambda f, net, o: xt.save_checkpoint(f, net, a=(1, 2)), "a is of type tuple"),
        (lambda f, net, o: xt.save_checkpoint(f, net, a=[1, {"b": {2}}]), "a[1]['b'] is of type"),
        (lambda f, net, o: xt.save_checkpoint(f, net, a={1: 2}), "a key of a is 1"),
        (lambda f, net, o: xt.save_checkpoint(f, net, a=np.float32(1)), "call its item()"),
        (lambda f, net, o: xt.save_checkpoint(f, net, a=np.ones(3)), "call its tolist()"),
        (lambda f, net, o: xt.save_checkpoint(f, net, a=xt.ones([3])), "buffer"),
        (lambda f, net, o: xt.load_checkpoint(None, net), "f is of type NoneType"),
        (lambda f, net, o: xt.load_checkpoint(f, o), "model is of type Adam"),
        (lambda f, net, o: xt.load_checkpoint(f, net, net), "optimizer is of type ModuleList"),
    ],
)
def test_wrong_use_is_named(tmp_path, call, words):
    with pytest.raises(TypeError) as caught:
        call(tmp_path / "f", *made(steps=0))
    assert words in str(caught.value)
    assert "_checkpoint" in str(caught.value)
    assert os.listdir(tmp_path) == []
