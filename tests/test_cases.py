"""One table, the same questions for every op and layer: see tests/cases."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import xtensor as xt
from xtensor.dtype import code_of

from .cases import Case, Wrong, differentiated, table

CASES, WRONG = table()
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def tensors(case: Case, dtype: type = np.float64, device: int = xt.DEV_CPU) -> list[xt.XTensor]:
    """The inputs of a row, floating ones in ``dtype`` and requiring grad if the row says so."""
    inputs = []
    for position, array in enumerate(case.inputs):
        floating = array.dtype.kind == "f"
        wanted = array.astype(dtype) if floating else array
        tensor = xt.XTensor(wanted, device=device, dtype=code_of(wanted.dtype))
        if floating and position in differentiated(case):
            tensor.requires_grad = True
        inputs.append(tensor)
    return inputs


def run(case: Case, inputs: list[xt.XTensor]) -> list[xt.XTensor]:
    xt.manual_seed(11)
    if case.training:
        with xt.autograd.tape():
            result = case.call(*inputs)
    else:
        result = case.call(*inputs)
    return list(result) if isinstance(result, tuple) else [result]


def expected(case: Case) -> list[np.ndarray]:
    result = case.naive(*[a.copy() for a in case.inputs])
    return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]


def distance(came: np.ndarray, due: np.ndarray) -> float:
    """Relative distance in the Euclidean norm; infinities and NaN must stand in the same places."""
    assert came.shape == due.shape
    if due.dtype == bool:
        return float((came != due).any())
    finite = np.isfinite(due)
    np.testing.assert_array_equal(came[~finite], due[~finite].astype(came.dtype))
    gap = np.linalg.norm((came[finite].astype(np.float64) - due[finite]).ravel())
    return float(gap / max(np.linalg.norm(due[finite].astype(np.float64).ravel()), 1e-30))


@every_case
def test_forward_agrees_with_the_naive_oracle_in_float64(case):
    for came, due in zip(run(case, tensors(case)), expected(case), strict=True):
        assert distance(came.to_numpy(), due) < 1e-12, case


@every_case
def test_forward_in_float32_stays_float32(case):
    floating = any(a.dtype.kind == "f" for a in case.inputs)
    for came, due in zip(run(case, tensors(case, np.float32)), expected(case), strict=True):
        if floating and due.dtype.kind == "f":
            assert came.dtype == xt.kfloat32
        assert distance(came.to_numpy(), due) < case.rtol, case


STRIDES = {
    "reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1] if a.ndim else a,
    "transposed": lambda a: np.asfortranarray(a),
    "sliced": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
}


@pytest.mark.parametrize("stride", STRIDES)
@every_case
def test_inputs_of_any_stride_give_the_same_bytes(case, stride):
    """NumPy arrays that are views, and tensors that share their memory with others."""
    due = run(case, tensors(case))
    views = []
    for tensor, array in zip(tensors(case), case.inputs, strict=True):
        view = xt.XTensor(STRIDES[stride](array.copy()), dtype=tensor.dtype)
        view = view.reshape(view.shape)
        view.requires_grad = tensor.requires_grad
        views.append(view)
    for came, wanted in zip(run(case, views), due, strict=True):
        assert came.to_numpy().tobytes() == wanted.to_numpy().tobytes()


@every_case
def test_inputs_are_left_untouched(case):
    inputs = tensors(case)
    before = [x.to_numpy().tobytes() for x in inputs]
    backward(case, inputs)
    assert [x.to_numpy().tobytes() for x in inputs] == before


@pytest.mark.parametrize("case", [c for c in CASES if differentiated(c)], ids=str)
def test_gradient_agrees_with_finite_differences(case):
    positions = differentiated(case)
    fixed = tensors(case)

    def call(*varied):
        inputs = list(fixed)
        for position, x in zip(positions, varied, strict=True):
            inputs[position] = x
        xt.manual_seed(11)
        return case.call(*inputs)

    for x in fixed:
        x.requires_grad = False
    assert xt.gradcheck(call, *[fixed[i] for i in positions])


def backward(case: Case, inputs: list[xt.XTensor]) -> list[xt.XTensor]:
    """Forward and backward; the outputs. Seeds vary, as a softmax turns uniform ones into 0."""
    xt.manual_seed(11)
    with xt.autograd.tape():
        result = case.call(*inputs)
    outputs = list(result) if isinstance(result, tuple) else [result]
    seeds = [np.random.default_rng(13).uniform(0.5, 1.5, y.shape) for y in outputs]
    walk = [
        (y.node, y.slot, xt.XTensor(seed, device=y.device, dtype=y.dtype).array)
        for y, seed in zip(outputs, seeds, strict=True)
        if y.node is not None
    ]
    if walk:
        xt.autograd.walk_back(walk)
    return outputs


@pytest.mark.gpu
@every_case
# The simulator computes with NumPy scalars, which warn where a device is silent.
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
def test_cuda_gives_what_the_cpu_gives(case):
    """Forward and gradients, in numba's simulator or on a card, float64."""
    here, there = tensors(case), tensors(case, device=xt.DEV_GPU_0)
    for on_cpu, on_gpu in zip(backward(case, here), backward(case, there), strict=True):
        assert on_gpu.isGPU(), "the result left the device"
        assert on_gpu.dtype == on_cpu.dtype
        close = 2e-7 if on_cpu.dtype == xt.kfloat32 else 1e-12
        assert distance(on_gpu.to_numpy(), on_cpu.to_numpy()) < close, case
    for x, y in zip(here, there, strict=True):
        assert (x.grad is None) == (y.grad is None)
        if x.grad is not None:
            assert y.grad.isGPU()
            assert distance(y.grad.to_numpy(), x.grad.to_numpy()) < 1e-12, case


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_call_is_refused_with_the_right_words(wrong: Wrong):
    with pytest.raises(wrong.error) as caught:
        wrong.call()
    text = str(caught.value)
    for word in wrong.words:
        assert word in text, f"{word!r} is missing in: {text}"
    assert "numba" not in type(caught.value).__module__


def test_every_op_has_rows():
    """A registered op, built-in ones only, without a row in the table has not been tested."""
    missing = set(public_ops()) - {case.name for case in CASES}
    assert not missing, f"no case rows for {sorted(missing)}"


def public_ops() -> list[str]:
    from xtensor.op import registered

    # An example in a docstring also defines an op, but not as a name of the module it stands in.
    return [
        name
        for name, op in registered.items()
        if op.__module__.startswith("xtensor.")
        and getattr(sys.modules[op.__module__], op.__name__, None) is op
    ]


def layers() -> list[str]:
    """Every public layer and loss."""
    kinds = [name for name in xt.__all__ if isinstance(getattr(xt, name), type)]
    return [
        name
        for name in kinds
        if issubclass(getattr(xt, name), xt.Module) and name not in ("Module", "ModuleList")
    ]


@pytest.mark.parametrize("name", layers())
def test_every_layer_has_enough_rows(name):
    checked = [case for case in CASES if case.name == name and differentiated(case)]
    assert len({str(case) for case in checked}) >= 6
    assert len([row for row in WRONG if row.name == name]) >= 8
