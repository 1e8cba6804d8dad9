"""Parameter files: what goes in comes out, and nothing half written or damaged gets by."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import xtensor as xt
from xtensor import storage
from xtensor.device import DEV_GPU_0
from xtensor.dtype import DType


def state():
    rng = np.random.default_rng(0)
    tensors = {f"z.{code}": xt.XTensor(rng.integers(0, 2, (2, 3)), dtype=code) for code in DType}
    tensors["empty"] = xt.XTensor(np.zeros((0, 3)))
    tensors["scalar"] = xt.XTensor(np.array(2.5), dtype=xt.kfloat64)
    tensors["weights ü"] = xt.Parameter(rng.standard_normal(5), dtype=xt.kfloat64)
    tensors["odd"] = xt.XTensor([np.nan, np.inf, -0.0, 1e-45])
    return tensors


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.safetensors"
    xt.save_parameters(state(), path)
    return path


def test_what_goes_in_comes_out_in_order(file):
    loaded = xt.load_parameters(str(file))
    assert list(loaded) == list(state())
    for name, tensor in state().items():
        assert (loaded[name].dtype, loaded[name].shape) == (tensor.dtype, tensor.shape)
        assert loaded[name].to_numpy().tobytes() == tensor.to_numpy().tobytes()
        assert type(loaded[name]) is xt.XTensor
        loaded[name].writable()
    assert os.listdir(file.parent) == ["net.safetensors"]


def test_a_module_is_saved_by_its_state(tmp_path):
    net, other = xt.Linear(3, 2), xt.Linear(3, 2)
    xt.save_parameters(net, tmp_path / "a")
    xt.save_parameters(net.state_dict(), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    other.load_state_dict(xt.load_parameters(tmp_path / "a"))
    assert (other.weights.to_numpy() == net.weights.to_numpy()).all()


def test_gpu_tensors_are_saved_from_the_host(tmp_path):
    xt.save_parameters({"w": xt.XTensor([1.0, 2.0]).toGPU(DEV_GPU_0)}, tmp_path / "f")
    loaded = xt.load_parameters(tmp_path / "f")["w"]
    assert (loaded.device, loaded.to_numpy().tolist()) == (0, [1.0, 2.0])


def test_equal_parameters_give_equal_bytes_in_another_process(file):
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]; import xtensor as xt\n"
        "xt.save_parameters(xt.load_parameters(sys.argv[1]), sys.argv[1] + '2')"
    )
    subprocess.run([sys.executable, "-c", code, str(file), *sys.path], check=True)
    assert (file.parent / "net.safetensors2").read_bytes() == file.read_bytes()


def test_other_readers_and_other_writers(file, tmp_path):
    arrays = safetensors.numpy.load_file(file)
    assert arrays["z.kbool"].dtype == np.bool_
    foreign = tmp_path / "foreign.safetensors"
    safetensors.numpy.save_file({"a": np.ones((2, 2), np.float32)}, foreign, {"format": "pt"})
    assert xt.load_parameters(foreign)["a"].to_numpy().tolist() == [[1, 1], [1, 1]]


def test_an_empty_state_is_a_file(tmp_path):
    xt.save_parameters({}, tmp_path / "f")
    assert xt.load_parameters(tmp_path / "f") == {}


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"there is no file nowhere.*working directory"):
        xt.load_parameters("nowhere")


def cut(data):
    return data[: len(data) // 2]


def flip_a_number(data):
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def newer(data):
    arrays = safetensors.numpy.load(data)
    return safetensors.numpy.save(
        arrays, {"xtensor": json.dumps({"format": 99, "order": [], "crc32": 0})}
    )


def half(data):
    return safetensors.numpy.save({"h": np.ones(2, np.float16)})


def brain(data):
    header = json.dumps({"b": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    return len(header).to_bytes(8, "little") + header + b"\0\0"


def nonsense_metadata(data):
    return safetensors.numpy.save({"h": np.ones(2)}, {"xtensor": "{}"})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: b"", "not a whole safetensors file"),
        (cut, "not a whole safetensors file"),
        (lambda data: data + b"x", "not a whole safetensors file"),
        (lambda data: b"\x80\x04\x95 a pickle, say", "not a whole safetensors file"),
        (lambda data: b"\xff" * 100, "not a whole safetensors file"),
        (lambda data: data[:8] + b"?" + data[9:], "not a whole safetensors file"),
        (flip_a_number, "damaged"),
        (nonsense_metadata, "damaged"),
        (newer, "format version is 99"),
        (half, "h is float16"),
        (brain, "of type BF16"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(file, damage, words):
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match="To mend it") as caught:
        xt.load_parameters(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="it is a directory"):
        xt.load_parameters(tmp_path)
    with pytest.raises(OSError, match="no regular file"):
        xt.save_parameters(state(), tmp_path)
    with pytest.raises(FileNotFoundError, match=r"save_parameters: .*nodir.*cannot be written"):
        xt.save_parameters(state(), tmp_path / "nodir" / "f")


@pytest.mark.parametrize("broken", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(file, monkeypatch, broken, error):
    before = file.read_bytes()

    def fail(*args, **kwargs):
        raise error

    if broken == "write":
        monkeypatch.setattr(storage.os, "fsync", fail)
    else:
        monkeypatch.setattr(storage.os, broken, fail)
    with pytest.raises(type(error)) as caught:
        xt.save_parameters({"new": xt.XTensor([1.0])}, file)
    if isinstance(error, OSError):
        assert "No space left" in str(caught.value)
        assert str(file) in str(caught.value)
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_a_killed_process_leaves_the_old_file(file):
    before = file.read_bytes()
    code = (
        "import os, sys; sys.path[:0] = sys.argv[2:]; import xtensor as xt\n"
        "os.replace = lambda *names: os._exit(9)\n"
        "xt.save_parameters({'new': xt.XTensor([1.0])}, sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file), *sys.path])
    assert done.returncode == 9
    assert file.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither umask nor plain symbolic links")
def test_links_are_followed_and_permissions_are_the_usual_ones(file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(file)
    xt.save_parameters({"new": xt.XTensor([1.0])}, link)
    assert link.is_symlink()
    assert list(xt.load_parameters(file)) == ["new"]
    plain = tmp_path / "plain"
    plain.touch()
    assert file.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda f: xt.save_parameters([1], f), TypeError, "pass module.state_dict()"),
        (lambda f: xt.save_parameters({"a": 1.0}, f), TypeError, "obj['a'] is of type float"),
        (lambda f: xt.save_parameters({1: xt.XTensor(1.0)}, f), TypeError, "a name in obj is 1"),
        (lambda f: xt.save_parameters({"__metadata__": xt.XTensor(1.0)}, f), TypeError, "reserved"),
        (lambda f: xt.save_parameters({"\ud800": xt.XTensor(1.0)}, f), ValueError, "not written"),
        (lambda f: xt.save_parameters({}, 3), TypeError, "f is of type int"),
        (lambda f: xt.load_parameters(None), TypeError, "f is of type NoneType"),
    ],
)
def test_wrong_use_is_named(tmp_path, call, error, words):
    with pytest.raises(error) as caught:
        call(tmp_path / "f")
    assert words in str(caught.value)
    assert os.listdir(tmp_path) == []
