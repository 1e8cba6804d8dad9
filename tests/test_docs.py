"""What the documents show is run, on the CPU and in the CUDA simulator."""

from __future__ import annotations

import operator
import re
import runpy
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import xtensor as xt

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: Path) -> list[str]:
    """The fenced Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture
def own_op(tmp_path, monkeypatch, capsys):
    """The module a reader gets who puts the blocks of docs/own-op.md into one file."""
    source = tmp_path / "own_op.py"
    source.write_text("\n".join(blocks(DOCS / "own-op.md")), encoding="utf-8")
    module = types.ModuleType("own_op")
    module.__file__ = str(source)
    monkeypatch.setitem(sys.modules, "own_op", module)
    exec(compile(source.read_text(encoding="utf-8"), source, "exec"), module.__dict__)
    module.printed = capsys.readouterr().out
    return module


def test_own_op_fits_into_25_lines_each():
    for block in blocks(DOCS / "own-op.md"):
        assert len(block.strip().splitlines()) <= 25


def test_own_op_runs_and_is_recorded(own_op):
    assert "1  cube  [3] -> [3]" in own_op.printed
    assert "2  blur  [3] -> [3]" in own_op.printed
    np.testing.assert_allclose(own_op.y.to_numpy(), [10 / 3, 73 / 3, 136 / 3], rtol=1e-6)


@pytest.mark.gpu
def test_own_op_runs_on_both_devices(own_op):
    grads = []
    for device in (xt.DEV_CPU, xt.DEV_GPU_0):
        x = xt.XTensor([1.0, 2.0, 4.0], requires_grad=True, device=device)
        with xt.autograd.tape():
            y = own_op.Blur()(own_op.Cube()(x))
        y.backward()
        assert y.device == device
        grads.append(x.grad.to_numpy())
        assert xt.gradcheck(lambda x: own_op.Blur()(own_op.Cube()(x)), x)
    np.testing.assert_array_equal(grads[0], grads[1])


@pytest.mark.filterwarnings("error")
def test_what_pytorch_users_are_shown_does_what_it_says():
    scope = {}
    for block in blocks(DOCS / "pytorch.md"):
        exec(block, scope)
    losses, model, x, y = (scope[name] for name in ("losses", "model", "x", "y"))
    assert losses[-1] < 0.6 * losses[0]
    parameters = model.parameters()

    def gradients():
        return np.concatenate([p.grad.to_numpy().ravel() for p in parameters])

    with xt.autograd.tape():
        loss = scope["criterion"](y, model(x))
    loss.backward()
    whole = gradients()
    scope["accumulate_gradients"]([(x[i : i + 32], y[i : i + 32]) for i in range(0, 96, 32)])
    np.testing.assert_allclose(gradients(), whole, atol=1e-6)
    norm = np.linalg.norm(whole)
    assert scope["clip_gradients"](parameters, norm / 2) == pytest.approx(norm, rel=1e-5)
    np.testing.assert_allclose(gradients(), whole / 2, atol=1e-6)
    assert scope["clip_gradients"](parameters, norm) == pytest.approx(norm / 2, rel=1e-5)
    before = parameters[0].to_numpy().copy()
    scope["decay_weights"](parameters, 0.25)
    np.testing.assert_allclose(parameters[0].to_numpy(), 0.75 * before, rtol=1e-6)
    assert not scope["state"].requires_grad
    assert_gradients_of_a_part_are_accumulated(scope)


def assert_gradients_of_a_part_are_accumulated(scope):
    """With one frozen parameter, and one that no pass reaches and that has an old gradient."""
    model, x, y = (scope[name] for name in ("model", "x", "y"))
    whole = model.layers[1].weights.grad
    model.spare = xt.Linear(2, 2)
    model.spare.weights.grad = xt.ones([2, 2])
    model.layers[0].weights.requires_grad = False
    before = model.layers[0].weights.to_numpy()
    scope["accumulate_gradients"]([(x, y), (x, y)])
    scope["clip_gradients"](model.parameters(), 1.0)
    scope["decay_weights"](model.parameters(), 0.25)
    assert model.layers[1].weights.grad.shape == whole.shape
    assert model.layers[0].weights.grad is model.spare.weights.grad is None
    np.testing.assert_array_equal(model.layers[0].weights.to_numpy(), before)


def test_what_pytorch_users_are_told_of_copies_holds():
    a = xt.zeros([2, 3])
    a[0][1] = 5.0
    row = a[1]
    row += 1
    a.reshape([6])[2] = 7.0
    for row in a:
        row += 1
    assert not a.to_numpy().any()
    a[0, 1] = 5.0
    a[1] += 1
    np.testing.assert_array_equal(a.to_numpy(), [[0, 5, 0], [1, 1, 1]])


@pytest.mark.gpu
def test_what_pytorch_users_are_told_of_names_holds():
    x = xt.XTensor([[3.0, 1.0], [2.0, 4.0]], requires_grad=True, device=xt.DEV_GPU_0)
    assert [xt.XTensor(x).device, xt.XTensor(x, device=x.device).device] == [0, 1000]
    with xt.autograd.tape():
        y = xt.XTensor(x * 2, device=x.device, dtype=xt.kfloat64)
        assert (y.device, y.dtype, y.requires_grad) == (1000, xt.kfloat64, False)
    assert xt.max(x, 1).shape == [2]
    assert xt.topK(x, 1).shape == [2, 1]
    assert xt.sort(x).shape == [4]
    assert xt.squeeze(xt.ones([1, 3, 1]), -1).shape == [3]
    assert xt.squeeze(xt.ones([1, 3, 1]), 2).shape == [1, 3]
    assert xt.LayerNormNd([4])(xt.ones([2, 3, 4])).shape == [2, 3, 4]
    with pytest.raises(ValueError, match="LayerNorm1d"):
        xt.LayerNorm1d(4)(xt.ones([2, 3, 4]))
    assert xt.LSTM(3, 4)(xt.ones([2, 5, 3]))[0].shape == [2, 5, 4]
    with pytest.raises(AttributeError, match="the nearest name is Conv2D"):
        xt.Conv2d  # noqa: B018
    with pytest.raises(AttributeError, match=r"'cat'$"):
        xt.cat  # noqa: B018
    with pytest.raises(AttributeError, match="most operations are functions"):
        x.detach()


def test_names_that_pytorch_users_are_shown_are_there():
    table = (DOCS / "pytorch.md").read_text(encoding="utf-8").partition("\n\n[")[0]
    names = set(re.findall(r"`[^`]*?\bxt\.([\w.]+)", table))
    assert len(names) > 15
    for name in names:
        assert operator.attrgetter(name)(xt) is not None


def test_the_table_of_functions_is_up_to_date():
    maker = runpy.run_path(str(DOCS / "make_functions.py"))
    assert (DOCS / "functions.md").read_text(encoding="utf-8") == maker["page"](), (
        "run python docs/make_functions.py"
    )


def members(of):
    """Public methods and properties of a class."""
    return [
        name
        for name, value in vars(of).items()
        if not name.startswith("_") and isinstance(value, types.FunctionType | property)
    ]


def test_the_page_of_public_names_has_them_all():
    page = (DOCS / "functions.md").read_text(encoding="utf-8")
    names = [*xt.__all__, "x.grad", "x.array", "datasets.load_digits", "compat.install"]
    names += [f"autograd.{name}" for name in xt.autograd.__all__]
    names += [name for name in xt.initializer.__all__ if name in xt.__all__]
    names += [f"x.{name}" for name in members(xt.XTensor)]
    names += [f"module.{name}" for name in members(xt.Module)]
    names += [f"optimizer.{name}" for name in members(xt.Optimizer)]
    assert len(names) > 250
    found = set(re.findall(r"^\| `([\w.]+)", page, flags=re.M))
    assert set(names) - found == set()
    anchors = re.findall(r"\]\(#([\w-]+)\)", page)
    headings = re.findall(r"^## (.*)$", page, flags=re.M)
    assert set(anchors) == {heading.lower().replace(" ", "-") for heading in headings}


def test_the_example_of_the_readme_learns_what_it_says():
    readme = DOCS.parent / "README.md"
    (example,) = blocks(readme)
    scope = {}
    exec(example, scope)
    np.testing.assert_allclose(scope["model"].weights.to_numpy(), [[3, -2]], atol=0.05)
    np.testing.assert_allclose(scope["model"].bias.to_numpy(), [0.5], atol=0.05)
