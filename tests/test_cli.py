"""python -m xtensor: what it prints, what it leaves behind, and its exit status."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

import xtensor as xt
from xtensor.cli import demo, doctor, main

ENVIRONMENT = {
    **os.environ,
    "NUMBA_ENABLE_CUDASIM": "0",
    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
}


def command(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "xtensor", *arguments],
        cwd=cwd, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=300,
        encoding="utf-8",
    )  # fmt: skip


def status_of(arguments):
    """The exit status of a command run in this process."""
    try:
        return main(arguments)
    except SystemExit as left:
        return left.code


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("demo")
    return directory, command("demo", cwd=directory)


def result_of(done):
    """The line that tells the accuracy."""
    (line,) = [x for x in done.stdout.splitlines() if x.startswith("held-out accuracy")]
    return line


def test_the_demo_reaches_98_percent_and_says_what_it_wrote(trained):
    directory, done = trained
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    came = [float(word.rstrip("%.,")) for word in result_of(done).split() if "%" in word]
    assert len(came) == 2
    assert came[0] == came[1] >= 98
    assert lines[-1].startswith(f"written: {os.path.join('digits-run', 'digits.safetensors')}")
    assert "accuracy=" in done.stderr
    assert len(xt.load_parameters(directory / "digits-run" / "digits.safetensors")) == 14


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(trained, tmp_path):
    directory, first = trained
    again = command("demo", "--out", "again", cwd=tmp_path, XTENSOR_NUM_THREADS="3")
    assert result_of(again).split()[2] == result_of(first).split()[2]
    name = "digits.safetensors"
    assert (tmp_path / "again" / name).read_bytes() == (
        directory / "digits-run" / name
    ).read_bytes()


def test_the_curve_is_a_picture_or_one_line(trained, tmp_path, monkeypatch):
    directory, _ = trained
    pytest.importorskip("matplotlib")
    assert (directory / "digits-run" / "curve.png").read_bytes()[:4] == b"\x89PNG"
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not demo.save_curve(tmp_path / "curve.png", [1.0], [0.5])
    assert os.listdir(tmp_path) == []


def test_the_sparkline_follows_the_values(monkeypatch):
    assert len(demo.sparkline(list(range(1000)))) == 60
    line = demo.sparkline([4.0, 2.0, float("nan"), 1.0, float("inf")])
    assert (len(line), line[2], line[4]) == (5, "?", "?")
    assert demo.sparkline([1.0, 1.0])[0] == demo.sparkline([1.0, 1.0])[1]
    monkeypatch.setattr(sys, "stdout", type("Ascii", (), {"encoding": "ascii"})())
    assert demo.sparkline([2.0, 1.0]) == "@_"


def test_without_matplotlib_the_demo_shows_the_curve(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('none here')")
    done = command("demo", "--epochs", "1", "--batch-size", "300", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pip install 'xtensor[plot]'" in done.stdout.splitlines()[-2]
    assert os.listdir(tmp_path / "digits-run") == ["digits.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "0"], "argument --epochs: '0' is no whole number of at least 1"),
        (["--epochs", "many"], "'many'"),
        (["--batch-size", "-3"], "--batch-size"),
        (["--lr", "nan"], "argument --lr: 'nan' is no finite number above 0"),
        (["--lr", "-1"], "--lr"),
        (["--lr", "inf"], "--lr"),
        (["--seed", "x"], "--seed"),
        (["--seed", str(2**64)], "not below 2**64"),
        (["--device", "tpu"], "argument --device: 'tpu' is neither cpu nor gpu"),
        (["--device", "gpu:x"], "'gpu:x'"),
        (["--device", "gpu:9"], "GPU 9"),
        (["--device", "gpu:10"], "1010"),
        (["--out", "file"], "argument --out: cannot write into 'file'"),
        (["--out", "file/below"], "cannot write into 'file/below'"),
        (["--out", "bad\0name"], "cannot write into"),
        (["--speed", "9"], "unrecognized arguments: --speed"),
    ],
)
def test_a_bad_value_is_one_line_and_status_2(arguments, words, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    assert status_of(["demo", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert words in captured.err
    assert os.listdir(tmp_path) == ["file"]


def test_no_command_or_an_unknown_one(capsys):
    for arguments in ([], ["dance"]):
        assert status_of(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_file_that_cannot_be_written_in_the_middle_is_one_line(tmp_path):
    (tmp_path / "digits-run" / "digits.safetensors").mkdir(parents=True)
    done = command("demo", "--epochs", "1", "--batch-size", "500", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "digits.safetensors cannot be written" in done.stderr.splitlines()[-1]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent otherwise on Windows")
def test_ctrl_c_leaves_the_last_whole_file(tmp_path):
    file = tmp_path / "digits-run" / "digits.safetensors"
    process = subprocess.Popen(
        [sys.executable, "-m", "xtensor", "demo", "--epochs", "1000"],
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not file.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        presses = 0
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)
            presses += 1
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    # Python drops what a signal raises inside a destructor, and says so; one presses again then.
    dropped = "Exception ignored" in errors and "KeyboardInterrupt" in errors
    assert dropped or (presses == 1 and "Traceback" not in errors)
    assert "stopped" in errors.splitlines()[-1]
    assert len(xt.load_parameters(file)) == 14
    assert os.listdir(file.parent) == [file.name]


def test_doctor_reports_and_is_content(tmp_path):
    done = command("doctor", cwd=tmp_path, XTENSOR_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stdout + done.stderr
    labels = [line.split()[0] for line in done.stdout.splitlines()]
    assert list(dict.fromkeys(labels)) == [*doctor.SUBJECTS, "so"]
    assert "usable" in done.stdout
    assert "FAILS" not in done.stdout


@pytest.mark.parametrize(
    ("environment", "words", "status"),
    [
        ({"XTENSOR_CACHE": "0"}, "switched off by XTENSOR_CACHE=0", 0),
        ({"XTENSOR_NUM_THREADS": "few"}, "XTENSOR_NUM_THREADS is 'few'", 1),
        ({"NUMBA_ENABLE_CUDASIM": "1"}, "unset it to use a card", 0),
    ],
)
def test_doctor_says_what_is_wrong(tmp_path, environment, words, status):
    done = command("doctor", cwd=tmp_path, **environment)
    assert words in done.stdout
    assert done.returncode == status, done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_names_a_numba_that_does_not_load(tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs NumPy 1.0 or less')")
    done = command(
        "doctor", cwd=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}" + ENVIRONMENT["PYTHONPATH"]
    )
    assert done.returncode == 1
    assert "Numba needs NumPy 1.0 or less" in done.stdout
    assert "pip install --upgrade numba numpy" in done.stdout
    assert "runs on the CPU do not work" in done.stdout


# LeNet's layers, those of larger images and of a decoder, and an LSTM.
NETWORKS = """
import xtensor as xt

for layer, shape in (
    (xt.Conv2D(1, 6, (5, 5), padding="same"), [16, 1, 28, 28]),
    (xt.Conv2D(6, 16, (5, 5)), [16, 6, 14, 14]),
    (xt.Conv2D(64, 64, (3, 3), padding="same"), [8, 64, 28, 28]),
    (xt.Conv2D(32, 32, (3, 3), group=32), [8, 32, 28, 28]),
    (xt.ConvT2D(64, 3, (4, 4), stride=(2, 2)), [8, 64, 16, 16]),
    (xt.LSTM(32, 64), [16, 20, 32]),
):
    x = xt.randu(shape)
    x.requires_grad = True
    with xt.autograd.tape():
        y = layer(x)
        y = xt.sums(y[0] if isinstance(y, tuple) else y)
    y.backward()
"""


@pytest.mark.slow
def test_after_warmup_nothing_is_left_to_compile(tmp_path):
    place = {"XTENSOR_CACHE": str(tmp_path / "cache")}
    done = command("warmup", cwd=tmp_path, **place)
    assert done.returncode == 0, done.stderr
    assert "100%" in done.stderr
    (line,) = done.stdout.splitlines()
    count = int(line.split()[0])
    assert count > 100
    assert str(tmp_path / "cache") in line
    again = command("warmup", cwd=tmp_path, **place)
    assert again.stdout.startswith("0 kernels compiled")
    assert f" {count} in all" in again.stdout
    command("demo", "--epochs", "1", cwd=tmp_path, **place)
    (tmp_path / "networks.py").write_text(NETWORKS)
    done = command("run", "networks.py", cwd=tmp_path, **place)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == count


def test_warmup_says_so_where_nothing_can_be_kept(tmp_path):
    done = command("warmup", cwd=tmp_path, XTENSOR_CACHE="0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be kept: switched off by XTENSOR_CACHE=0" in done.stderr
