"""Old scripts: every code example of the XTensor NN page runs as it is, and prints what it says.

``tests/data/nn_page_examples`` has one script for each name the page documents. What it shall print
stands at its end: numbers as the page prints them, ``...`` for numbers that depend on random
weights.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import xtensor as xt
from xtensor import compat
from xtensor.cli import main
from xtensor.cli.run import run

DATA = Path(__file__).parent / "data"
EXAMPLES = sorted((DATA / "nn_page_examples").glob("*.py"))
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
}


@pytest.fixture
def untouched(monkeypatch, tmp_path):
    """A process as Python starts it, in an empty directory, put back afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pytest"])
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    yield tmp_path
    compat.uninstall()
    for name in [name for name in sys.modules if f"{name}.".startswith("pyvqnet.")]:
        del sys.modules[name]


def command(*arguments, cwd, python=(), **environment):
    return subprocess.run(
        [sys.executable, *python, "-m", "xtensor", "run", *arguments], cwd=cwd,
        env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=300,
        encoding="utf-8",
    )  # fmt: skip


def script(directory, text, name="script.py"):
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


# -- the page's examples --------------------------------------------------------------------------


TOKEN = re.compile(r"\.\.\.|<[^>]*>|'[^']*'|[-+]?\d+\.?\d*(?:e[-+]?\d+)?|[A-Za-z_]\w*")


def tokens(text, footers):
    found = TOKEN.findall(text)
    return found if footers else [token for token in found if not token.startswith("<")]


def is_number(token):
    return bool(re.match(r"[-+]?\d", token))


def assert_printed(came, due):
    """Numbers to the printed digits, all else literally; ``...`` is any run of numbers."""
    left = tokens(came, footers="<" in due)
    for token in tokens(due, footers=True):
        if token == "...":
            assert left
            assert is_number(left[0])
            while left and is_number(left[0]):
                assert math.isfinite(float(left.pop(0)))
            continue
        assert left, f"{token} was not printed"
        if is_number(token):
            assert float(left.pop(0)) == pytest.approx(float(token), rel=2e-6, abs=2e-7)
        else:
            assert left.pop(0) == token
    assert not left


def test_the_comparison_of_prints_notices_a_difference():
    shown = "\n[0.25 1. ]\n<XTensor 2 cpu(0) kfloat32>\n"
    assert_printed(shown, "[0.2500000, 1.]")
    assert_printed(shown, "... <XTensor 2 cpu(0) kfloat32>")
    for wrong in ("[0.2500010, 1.]", "[0.25]", "[0.25, 1, 1]", "... <XTensor 3 cpu(0) kfloat32>",
                  "... ...", "[0.25, x]"):  # fmt: skip
        with pytest.raises(AssertionError):
            assert_printed(shown, wrong)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_of_the_page_runs_as_it_is(file, untouched, capsys):
    source = file.read_text(encoding="utf-8")
    status = run(str(file))
    captured = capsys.readouterr()
    assert status == 0, captured.err
    _, _, due = source.partition("\n# prints\n")
    assert_printed(captured.out, due.replace("\n# ", "\n").removeprefix("# "))


def test_every_documented_class_has_an_example():
    inventory = json.loads((DATA / "inventory.json").read_text("utf-8"))
    documented = {e["name"].split(".")[-1] for e in inventory if e["kind"] == "class"}
    have = {file.stem for file in EXAMPLES}
    assert documented - have - {"XTensor", "Parameter", "Optimizer", "PackedSequence"} == set()


# -- names ----------------------------------------------------------------------------------------


def test_the_old_names_are_ours(untouched):
    compat.install()
    compat.install()
    import pyvqnet as vq
    import pyvqnet.xtensor as tensor
    from pyvqnet import DEV_GPU_0, kfloat32
    from pyvqnet.xtensor import XTensor, autograd
    from pyvqnet.xtensor.autograd import tape
    from pyvqnet.xtensor.module import Module, ModuleList
    from pyvqnet.xtensor.optimizer import SGD, Optimizer
    from pyvqnet.xtensor.storage import load_parameters, save_parameters

    assert (kfloat32, DEV_GPU_0) == (6, 1000)
    assert vq.xtensor is tensor
    assert vq.kint64 is xt.kint64
    assert tensor.Conv2D is xt.Conv2D
    assert tensor.max is xt.max
    assert autograd.tape is tape is xt.autograd.tape
    assert (XTensor, Module, ModuleList) == (xt.XTensor, xt.Module, xt.ModuleList)
    assert (SGD, Optimizer) == (xt.SGD, xt.Optimizer)
    assert (load_parameters, save_parameters) == (xt.load_parameters, xt.save_parameters)
    assert set(tensor.__all__) == set(xt.__all__)
    assert not hasattr(tensor, "nothing")
    names = {}
    exec("from pyvqnet.xtensor import *", names)
    assert names["abs"] is xt.abs
    names = {}
    exec("from pyvqnet.xtensor.optimizer import *", names)
    assert "Adam" in names
    assert "np" not in names


@pytest.mark.parametrize(
    ("statement", "error", "words"),
    [
        ("from pyvqnet.xtensor import Conv2d", ImportError, "the nearest name is Conv2D"),
        ("from pyvqnet.xtensor import NLLLoss", ImportError, "the nearest name is NLL_Loss"),
        ("from pyvqnet.xtensor import QTensor", ImportError, "the nearest name is XTensor"),
        ("from pyvqnet.xtensor import abs, batchnorm2d", ImportError, "BatchNorm2d"),
        ("from pyvqnet.xtensor import zzzzzzzz", ImportError, "no name that is close"),
        ("from pyvqnet.xtensor.module import Modul", ImportError, "the nearest name is Module"),
        ("from pyvqnet.xtensor.optimizer import Adma", ImportError, "the nearest name is Adam"),
        ("from pyvqnet import kfloat23", ImportError, "the nearest name is kfloat32"),
        ("from pyvqnet import Linear", ImportError, "the nearest name is xtensor.Linear"),
        ("import pyvqnet.xtensor.optimiser", ImportError, "the nearest name is optimizer"),
        ("import pyvqnet.xtensors", ImportError, "the nearest name is xtensor"),
        ("import pyvqnet.qnn", ImportError, "xtensor stands in for pyvqnet.xtensor only"),
        ("from pyvqnet import XTensor", ImportError, "the nearest name is xtensor.XTensor"),
        ("import pyvqnet; pyvqnet.DEV_GPU", AttributeError, "the nearest name is DEV_"),
        ("import pyvqnet.xtensor as x; x.conv2D", AttributeError, "the nearest name is"),
        ("import pyvqnet.xtensor as x; x.autograd.Tape", AttributeError, "name is tape"),
    ],
)
def test_a_name_that_is_not_there_tells_the_nearest(untouched, statement, error, words):
    compat.install()
    with pytest.raises(error) as caught:
        exec(statement, {})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("from pyvqnet.tensor import QTensor", "tensor"),
        ("from pyvqnet.data import data_generator", "data"),
        ("from pyvqnet.optim import Adam", "optim"),
        ("from pyvqnet.nn import Linear", "nn"),
        ("from pyvqnet import QTensor", "QTensor"),
        ("import pyvqnet; pyvqnet.__version__", "__version__"),
    ],
)
def test_a_part_without_a_stand_in_is_said_to_have_none(untouched, statement, name):
    compat.install()
    with pytest.raises((ImportError, AttributeError)) as caught:
        exec(statement, {})
    assert str(caught.value) == (
        f"pyvqnet has no {name} here: xtensor stands in for pyvqnet.xtensor only, "
        "and no installed pyvqnet was found"
    )


def test_uninstall_leaves_nothing(untouched):
    modules, finders = dict(sys.modules), list(sys.meta_path)
    compat.uninstall()
    compat.install()
    exec("from pyvqnet.xtensor.module import Module", {})
    compat.uninstall()
    assert sys.modules == modules
    assert sys.meta_path == finders
    with pytest.raises(ModuleNotFoundError, match="No module named 'pyvqnet'"):
        exec("import pyvqnet.xtensor", {})


# -- beside an installed pyvqnet ------------------------------------------------------------------


@pytest.fixture
def installed(untouched):
    """A pyvqnet of the older kind, with an xtensor of its own and other parts."""
    script(untouched, "loads = []\n__version__ = '2.0'\nkfloat32 = 'theirs'\n"
           "from . import xtensor\nfrom .qnn import circuit\n", "pyvqnet/__init__.py")  # fmt: skip
    script(untouched, "Conv2D = 'theirs'\nonly = 1\n", "pyvqnet/xtensor.py")
    script(untouched, "import pyvqnet\npyvqnet.loads.append(1)\ncircuit = 'a circuit'\n",
           "pyvqnet/qnn/__init__.py")  # fmt: skip
    script(untouched, "depth = 3\n", "pyvqnet/qnn/deep.py")
    return untouched


def test_the_other_parts_of_an_installed_pyvqnet_stay_within_reach(installed):
    compat.install()
    import pyvqnet
    from pyvqnet.xtensor import Conv2D

    assert "loads" not in vars(pyvqnet)  # not run so far
    import pyvqnet.qnn.deep

    assert Conv2D is xt.Conv2D
    assert pyvqnet.qnn.deep.depth == 3
    assert pyvqnet.circuit == "a circuit"
    assert pyvqnet.__version__ == "2.0"
    assert pyvqnet.loads == [1]
    assert pyvqnet.qnn.__spec__.origin == pyvqnet.qnn.__file__
    assert pyvqnet.kfloat32 is xt.kfloat32
    assert pyvqnet.xtensor.Conv2D is xt.Conv2D
    with pytest.raises(AttributeError, match="the nearest name is qnn"):
        pyvqnet.qnnn  # noqa: B018
    with pytest.raises(ImportError, match="the nearest name is circuit"):
        from pyvqnet import circuits  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'pyvqnet.qnn.far'"):
        import pyvqnet.qnn.far
    compat.uninstall()
    assert pyvqnet.circuit == "a circuit"


def test_one_that_is_in_use_already_keeps_all_but_xtensor(installed):
    import pyvqnet
    import pyvqnet.xtensor as theirs

    compat.install()
    from pyvqnet.xtensor import Conv2D

    assert Conv2D is xt.Conv2D is pyvqnet.xtensor.Conv2D
    assert pyvqnet.kfloat32 == "theirs"
    compat.uninstall()
    assert pyvqnet.xtensor is sys.modules["pyvqnet.xtensor"] is theirs


def test_a_broken_one_does_harm_only_to_who_needs_it(installed):
    script(installed, "raise OSError('no such library')", "pyvqnet/__init__.py")
    compat.install()
    import pyvqnet
    from pyvqnet.xtensor import Conv2D

    assert Conv2D is xt.Conv2D
    for _ in range(2):
        with pytest.raises(OSError, match="no such library"):
            import pyvqnet.qnn
    assert pyvqnet.kfloat32 is xt.kfloat32


# -- the command ----------------------------------------------------------------------------------


def test_a_script_sees_what_it_would_see_under_python(tmp_path):
    text = "import sys, json\nprint(json.dumps([sys.argv, __name__, __file__, sys.path[0]]))\n"
    text += "import helper, __main__\nassert __main__.text is text is helper.text\n"
    text = f"text = {'x'!r}\n" + text
    script(tmp_path / "below", "import pyvqnet.xtensor\nfrom __main__ import text\n", "helper.py")
    script(tmp_path / "below", text)
    arguments = [os.path.join("below", "script.py"), "a", "--b=1", "--", "-h", "--help"]
    ours = command(*arguments, cwd=tmp_path)
    assert ours.returncode == 0, ours.stderr
    script(tmp_path / "below", "from __main__ import text\n", "helper.py")
    due = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=ENVIRONMENT, capture_output=True,
        text=True, timeout=60, encoding="utf-8", check=True,
    )  # fmt: skip
    assert json.loads(ours.stdout) == json.loads(due.stdout)
    assert sorted(p.name for p in tmp_path.rglob("*.py")) == ["helper.py", "script.py"]


@pytest.mark.parametrize(
    ("text", "status", "err"),
    [
        ("import sys; sys.exit(7)", 7, ""),
        ("exit('bye')", 1, "bye\n"),
        ("raise SystemExit", 0, ""),
        ("raise KeyboardInterrupt", 130, "Traceback"),
        ("a b", 1, "SyntaxError"),
        ("x = '\0'", 1, "null byte"),
        ("import atexit; atexit.register(lambda: print('late', file=__import__('sys').stderr))",
         0, "late\n"),
    ],
)  # fmt: skip
def test_the_way_a_script_ends_is_passed_on(tmp_path, text, status, err):
    script(tmp_path, text)
    done = command("script.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")
    assert err in done.stderr
    assert bool(err) == bool(done.stderr)
    assert "cli" not in done.stderr


def test_a_traceback_begins_in_the_script(tmp_path):
    file = script(tmp_path, "def f():\n    return 1 / 0\n\nf()\n")
    done = command("script.py", cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[:3] == [
        "Traceback (most recent call last):", f'  File "{file}", line 4, in <module>', "    f()"
    ]  # fmt: skip
    assert lines[-1] == "ZeroDivisionError: division by zero"
    script(tmp_path, "from pyvqnet.xtensor import Conv2d\n")
    done = command("script.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "pyvqnet.xtensor has no Conv2d; the nearest name is Conv2D"
    )


@pytest.mark.parametrize("arguments", [["none.py"], ["."], ["a\0b"], [], ["--fast", "none.py"]])
def test_no_script_is_one_line_and_status_2(untouched, capsys, arguments):
    try:
        status = main(["run", *arguments])
    except SystemExit as left:
        status = left.code
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("python -m xtensor")


# -- docs/migrating.md ----------------------------------------------------------------------------


def test_what_migrating_shows_runs(untouched):
    page = Path(__file__).parent.parent / "docs" / "migrating.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)
    names = {}
    exec(block, names)
    assert names["loss"].shape == [1]
    assert names["layer"].weights.grad is not None
