"""XTensor and Parameter: construction, printing, reading, writing, operators."""

from __future__ import annotations

import copy
import pickle
import tracemalloc

import numpy as np
import pytest

import xtensor as xt


@pytest.mark.parametrize(
    ("data", "shape", "dtype"),
    [
        ([1, 2, 3], [3], xt.kfloat32),
        (((1.5, 2), (3, 4)), [2, 2], xt.kfloat32),
        (7, [1], xt.kfloat32),
        (True, [1], xt.kfloat32),
        ([], [0], xt.kfloat32),
        (np.arange(3), [3], xt.kfloat32),
        (np.arange(3.0), [3], xt.kfloat32),
        (np.float64(2), [1], xt.kfloat32),
        (np.array(2.0), [], xt.kfloat32),
        (np.array([True, False]), [2], xt.kbool),
        (np.arange(6, dtype=np.uint16).reshape(2, 3)[:, ::-2], [2, 2], xt.kfloat32),
    ],
)
def test_construction(data, shape, dtype):
    x = xt.XTensor(data)
    assert (x.shape, x.dtype, x.device, x.requires_grad) == (shape, dtype, xt.DEV_CPU, False)
    assert x.array.flags.c_contiguous
    np.testing.assert_array_equal(x.to_numpy(), np.asarray(data).reshape(shape))


@pytest.mark.parametrize("dtype", list(xt.dtype.DType))
def test_each_dtype(dtype):
    x = xt.XTensor([0, 1, 1], dtype=dtype)
    assert x.dtype == dtype
    assert isinstance(x.dtype, int)
    assert str(x.dtype) == dtype.name
    assert x.to_numpy().tolist() == [0, 1, 1]


def test_data_are_copied():
    source = np.zeros(2, np.float32)
    x = xt.XTensor(source)
    y = xt.XTensor(x)
    source[0] = 5
    assert x.to_numpy().tolist() == y.to_numpy().tolist() == [0, 0]
    out = x.to_numpy()
    out[0] = 7
    assert x.to_numpy()[0] == 0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: xt.XTensor([[1], [1, 2]]), TypeError, "data"),
        (lambda: xt.XTensor("text"), TypeError, "str"),
        (lambda: xt.XTensor(1j), TypeError, "complex"),
        (lambda: xt.XTensor(None), TypeError, "NoneType"),
        (lambda: xt.XTensor([object()]), TypeError, "data"),
        (lambda: xt.XTensor([1], dtype=3), TypeError, "dtype is 3"),
        (lambda: xt.XTensor([1], dtype="float32"), TypeError, "'float32'"),
        (lambda: xt.XTensor([1], device=7), ValueError, "device is 7"),
        (lambda: xt.XTensor([1], device=xt.DEV_GPU_9), RuntimeError, "GPU 9"),
        (lambda: xt.XTensor([1], requires_grad=True, dtype=xt.kint32), TypeError, "requires_grad"),
        (lambda: xt.ones([2]).item(), RuntimeError, "exactly one element"),
        (lambda: len(xt.XTensor(np.array(1.0))), TypeError, "no axes"),
        (lambda: bool(xt.ones([2])), RuntimeError, "exactly one element"),
        (lambda: xt.ones([2]).backward(), RuntimeError, "nothing was recorded"),
        (lambda: np.exp(xt.ones([2])), TypeError, "__array_ufunc__"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (xt.XTensor([[1, 2], [3, 4]]), "\n[[1. 2.]\n [3. 4.]]\n<XTensor 2x2 cpu(0) kfloat32>"),
        (xt.Parameter([0.1, 2]), "\n[0.1 2. ]\n<Parameter 2 cpu(0) kfloat32>"),
        (xt.XTensor(np.array([True])), "\n[ True]\n<XTensor 1 cpu(0) kbool>"),
        (xt.XTensor(np.array(True)), "\nTrue\n<XTensor  cpu(0) kbool>"),
        (xt.XTensor([1], dtype=xt.kint64), "\n[1]\n<XTensor 1 cpu(0) kint64>"),
        (xt.XTensor([1 / 3], dtype=xt.kfloat64), "\n[0.3333333]\n<XTensor 1 cpu(0) kfloat64>"),
        (xt.XTensor([1.0], device=xt.DEV_GPU_0), "\n[1.]\n<XTensor 1 gpu(0) kfloat32>"),
    ],
)
def test_printed_form(tensor, text):
    assert repr(tensor) == str(tensor) == text


def test_print_options_of_numpy_do_not_change_the_printed_form():
    x = xt.XTensor([1 / 3])
    before = repr(x)
    with np.printoptions(precision=2, suppress=True, sign="+"):
        assert repr(x) == before


def test_python_protocols():
    x = xt.XTensor([[1, 2], [3, 4]])
    assert len(x) == 2
    assert [row.to_numpy().tolist() for row in x] == [[1, 2], [3, 4]]
    assert float(xt.XTensor([2.5])) == 2.5
    assert int(xt.XTensor([2.5])) == 2
    assert bool(xt.XTensor([0.0])) is False
    assert xt.ones([1]).item() == 1.0
    assert x in {x}
    assert x.numel() == x.size == 4
    assert x.ndim == 2


def test_numpy_reads_a_tensor():
    x = xt.XTensor([1, 2])
    view = np.asarray(x)
    assert view.base is x.array
    assert not view.flags.writeable
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.array(x).flags.writeable
    with pytest.raises(ValueError, match="copy"):
        x.__array__(np.float64, copy=False)


def test_numpy_on_the_left_gives_a_tensor():
    x = xt.XTensor([1.0, 2.0], requires_grad=True)
    array = np.array([3.0, 4.0])
    with xt.autograd.tape():
        y = array * x + array - array / x
    assert isinstance(y, xt.XTensor)
    assert y.dtype == xt.kfloat32
    y.backward()
    np.testing.assert_allclose(x.grad.to_numpy(), [6, 5])
    for compare in (array < x, array == x, array >= x):
        assert isinstance(compare, xt.XTensor)
        assert compare.dtype == xt.kbool


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        (lambda x: 1 - x, [0, -1]),
        (lambda x: 2 * x + 3, [5, 7]),
        (lambda x: 1 / x, [1, 0.5]),
        (lambda x: 2**x, [2, 4]),
        (lambda x: x**2, [1, 4]),
        (lambda x: -x, [-1, -2]),
        (lambda x: abs(-x), [1, 2]),
        (lambda x: x @ x, [5]),
        (lambda x: x < 2, [True, False]),
        (lambda x: x >= 2, [False, True]),
        (lambda x: x == 2, [False, True]),
        (lambda x: x != 2, [True, False]),
        (lambda x: x < 1.5, [True, False]),
    ],
)
def test_operators(expression, due):
    y = expression(xt.XTensor([1.0, 2.0]))
    np.testing.assert_array_equal(np.atleast_1d(y.to_numpy()), due)


ORDER = [xt.kbool, xt.kuint8, xt.kint8, xt.kint32, xt.kint64, xt.kfloat32, xt.kfloat64]


@pytest.mark.parametrize("left", ORDER)
@pytest.mark.parametrize("right", ORDER)
def test_promotion_takes_the_larger(left, right):
    x, y = xt.XTensor([1, 0], dtype=left), xt.XTensor([1, 1], dtype=right)
    assert (x * y).dtype == max(left, right)
    assert (x / y).dtype == max(left, right, xt.kfloat32)
    assert (x < y).dtype == xt.kbool


@pytest.mark.parametrize(
    ("dtype", "number", "result"),
    [
        (xt.kfloat32, 2, xt.kfloat32),
        (xt.kfloat32, np.float64(2), xt.kfloat32),
        (xt.kfloat64, 2.5, xt.kfloat64),
        (xt.kint32, 2, xt.kint32),
        (xt.kint32, 2.5, xt.kfloat32),
        (xt.kbool, 2, xt.kint64),
        (xt.kbool, True, xt.kbool),
    ],
)
def test_numbers_do_not_widen(dtype, number, result):
    assert (xt.XTensor([1], dtype=dtype) * number).dtype == result


@pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0], ids=["cpu", "cuda"])
def test_operators_of_truth_values(device):
    a = xt.XTensor([0.0, 0.0, 1.0, 1.0], device=device) > 0
    host = np.array([False, True, False, True])
    b = xt.XTensor(host, device=device)
    for found, due in (
        (a & b, [0, 0, 0, 1]), (a | b, [0, 1, 1, 1]), (a ^ b, [0, 1, 1, 0]), (~a, [1, 1, 0, 0]),
        (True & a, [0, 0, 1, 1]), (host | a, [0, 1, 1, 1]), (a ^ True, [1, 1, 0, 0]),
    ):  # fmt: skip
        assert found.dtype == xt.kbool
        assert found.to_numpy().tolist() == due


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: t & (t > 0), r"operator &: an operand is of dtype float32.*logical_and"),
        (lambda t: (t > 0) | 1, r"operator \|: an operand is of dtype int64.*logical_or"),
        (lambda t: 1.5 ^ (t > 0), r"operator \^: an operand is of dtype float64.*logical_xor"),
        (lambda t: ~t, r"operator ~: an operand is of dtype float32.*t > 0.*logical_not"),
        (lambda t: (t > 0) & None, r"operator &: data is of type NoneType"),
    ],
)
def test_operators_of_truth_values_refuse_numbers(call, words):
    with pytest.raises(TypeError, match=words):
        call(xt.ones([2]))


def test_in_place_operators_keep_the_object_and_the_dtype():
    x = same = xt.XTensor([1.0, 2.0])
    x += 1
    x *= 3
    x -= np.array([1.0, 1.0])
    x /= 2
    assert x is same
    assert x.to_numpy().tolist() == [2.5, 4]
    whole = xt.XTensor([1, 2], dtype=xt.kint32)
    whole += 1
    assert whole.dtype == xt.kint32
    with pytest.raises(TypeError, match="in place"):
        whole /= 2
    with pytest.raises(ValueError, match=r"\[3, 2\]"):
        x += xt.ones([3, 2])


def test_in_place_operators_are_not_recorded_and_do_not_disturb_the_graph():
    x = xt.XTensor([2.0], requires_grad=True)
    with xt.autograd.tape():
        y = x * x
        x += 5
        with pytest.warns(RuntimeWarning, match=r"in place mul.*a = a \* b"):
            y *= 100
    y.backward()
    assert x.grad.item() == 4
    assert x.item() == 7


@pytest.mark.filterwarnings("error")
def test_only_a_gradient_that_is_lost_is_worth_a_warning():
    x, plain = xt.XTensor([2.0], requires_grad=True), xt.zeros([2])
    with xt.autograd.tape():
        x += 1
        x -= plain[0]
        plain[0] = 3
        with xt.autograd.no_grad():
            plain[1] = x * x
            plain += x
        for change in (lambda: plain.__iadd__(x), lambda: plain.__setitem__(0, x)):
            with pytest.raises(RuntimeWarning, match="not recorded"):
                change()
    plain += x
    assert plain.to_numpy().tolist() == [9, 15]


@pytest.mark.parametrize(
    ("data", "dtype"),
    [([300], xt.kuint8), ([-1], xt.kuint8), ([2**40], xt.kint32), ([np.nan], xt.kint32),
     ([np.inf], xt.kint64), ([2.0**63], xt.kint64), (np.array([128]), xt.kint8)],
)  # fmt: skip
def test_numbers_that_the_dtype_cannot_hold_are_refused(data, dtype):
    with pytest.raises(OverflowError, match="can hold"):
        xt.XTensor(data, dtype=dtype)
    assert xt.XTensor([127, -128.0], dtype=xt.kint8).to_numpy().tolist() == [127, -128]


@pytest.mark.parametrize(
    ("numbers", "other", "result", "dtype"),
    [
        ([16777217], np.array([1]), [16777218], xt.kint64),
        ([16777217], [1], [16777218], xt.kint64),
        ([1], np.array([1], np.int16), [2], xt.kint64),
        ([1], np.array([1.5]), [2.5], xt.kfloat32),
        ([1], np.array([True]), [2], xt.kint64),
        ([1], [False], [1], xt.kint64),
        ([1], True, [2], xt.kint64),
        ([1.5], np.array([1]), [2.5], xt.kfloat32),
        ([1.5], [True], [2.5], xt.kfloat32),
        ([1.5], True, [2.5], xt.kfloat32),
    ],
)
def test_what_meets_a_tensor_keeps_integers_whole(numbers, other, result, dtype):
    x = xt.XTensor(numbers, dtype=xt.kfloat32 if type(numbers[0]) is float else xt.kint64)
    for came in (x + other, xt.add(other, x)):
        assert (came.dtype, came.to_numpy().tolist()) == (dtype, result)


@pytest.mark.parametrize("number", [300, np.int64(300), np.uint64(2**63), -1, np.int8(-1)])
def test_an_integer_that_does_not_fit_beside_a_tensor_is_refused(number):
    with pytest.raises(OverflowError, match="uint8 can hold"):
        xt.XTensor([44], dtype=xt.kuint8) + number


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="the nearest name is Conv2D"):
        _ = xt.Conv2d
    with pytest.raises(AttributeError, match="'sum'; most operations are functions"):
        xt.ones([2]).sum()
    with pytest.raises(OverflowError, match="64 bits"):
        xt.XTensor([10**30])


def test_one_number_is_formatted_as_a_number():
    loss = xt.XTensor([1.23456])
    assert f"{loss:.3f} {loss}" == f"1.235 {loss!r}"
    with pytest.raises(ValueError, match="format"):
        format(xt.ones([2]), ".3f")


def test_results_that_share_memory_do_not_change_each_other():
    x = xt.XTensor([[1.0, 2.0]])
    y = x.reshape([2])
    y += 1
    x[0, 0] = 9
    assert x.to_numpy().tolist() == [[9, 2]]
    assert y.to_numpy().tolist() == [2, 3]


def test_writing_one_element_after_another_copies_once():
    x = xt.zeros([1000])
    x[0] = 1
    memory = x.array
    del memory
    address = x.array.ctypes.data
    for i in range(100):
        x[i] = i
    assert x.array.ctypes.data == address


def test_getdata_shares_memory():
    x = xt.XTensor([1.0, 2.0])
    x.getdata()[0] = 5
    assert x.to_numpy().tolist() == [5, 2]


def test_devices():
    x = xt.XTensor([1.0], requires_grad=True)
    with xt.autograd.tape():
        y = (x * 2).GPU()
        z = x * 2
        z.toGPU()
    assert y.isGPU()
    assert y.node is None
    assert z.isGPU()
    assert z.node is None
    assert y.CPU().isCPU()
    assert y.toCPU() is y
    assert x.CPU() is x
    with pytest.raises(ValueError, match="devices"):
        x + z


def test_a_gradient_given_to_backward():
    x = xt.XTensor([1.0, 2.0], requires_grad=True)
    with xt.autograd.tape():
        y = x * 3
    with pytest.raises(ValueError, match="grad is shape"):
        y.backward(xt.ones([3]))
    y.backward(xt.XTensor([1.0, 10.0]))
    assert x.grad.to_numpy().tolist() == [3, 30]


# -- other libraries, copies, pickles -------------------------------------------------------------


def test_dlpack_shares_memory_with_numpy():
    x = xt.XTensor([1.0, 2.0])
    array = np.from_dlpack(x)
    assert np.shares_memory(array, x.array)
    y = xt.from_dlpack(np.arange(4.0))
    assert (y.dtype, y.shape) == (xt.kfloat64, [4])
    source = np.arange(4.0)
    z = xt.from_dlpack(source)
    assert np.shares_memory(z.array, source)
    z += 1
    assert source.tolist() == [0, 1, 2, 3]
    assert (xt.from_dlpack(source) * 2).to_numpy().tolist() == [0, 2, 4, 6]
    assert xt.relu(xt.from_dlpack(source[::-2])).to_numpy().tolist() == [3, 1]


def test_dlpack_shares_memory_with_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch, an optional peer, is not installed")
    x = xt.XTensor([[1.0, 2.0]])
    shared = torch.from_dlpack(x)
    shared[0, 1] = 7
    assert x.to_numpy().tolist() == [[1, 7]]
    back = xt.from_dlpack(shared)
    assert back.array.ctypes.data == shared.data_ptr()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: xt.from_dlpack([1, 2]), TypeError, "list"),
        (lambda: xt.from_dlpack(np.ones(2, np.complex64)), TypeError, "complex64"),
        (lambda: xt.from_dlpack(np.ones(2, np.uint16)), TypeError, "uint16"),
        (lambda: np.from_dlpack(xt.ones([2]).GPU()), BufferError, "on the CPU"),
        (lambda: pickle.dumps(xt.ones([2])), TypeError, "save_parameters"),
        (lambda: pickle.dumps({"weights": xt.Parameter([1.0])}), TypeError, "save_parameters"),
    ],
)
def test_refusals_to_share(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_copies():
    x = xt.Parameter([1.0, 2.0])
    with xt.autograd.tape():
        y = x * x
    y.backward()
    shallow, deep = copy.copy(x), copy.deepcopy(x)
    assert type(shallow) is type(deep) is xt.Parameter
    assert shallow.requires_grad
    assert deep.requires_grad
    assert shallow.array is x.array
    shallow += 1
    deep += 2
    deep.grad += 1
    assert x.to_numpy().tolist() == [1, 2]
    assert x.grad.to_numpy().tolist() == [2, 4]
    cut = copy.copy(y)
    assert not cut.requires_grad


def test_a_module_is_copied_deeply_with_shared_parameters_kept_shared():
    net = xt.ModuleList([xt.Linear(2, 2), xt.Linear(2, 2)])
    net[1].weights = net[0].weights
    twin = copy.deepcopy(net)
    assert twin[0].weights is twin[1].weights
    assert twin[0].weights is not net[0].weights


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
@pytest.mark.parametrize(
    ("left", "right"),
    [((300, 257), (257,)), ((1, 257), (300, 257)), ((3, 5, 70, 64), (70, 64)),
     ((3, 5, 70, 64), (1, 1, 1, 64)), ((20_000, 4), (4,)), ((300, 257), (300, 1)),
     ((300, 257), ()), ((257,), (300, 1)), ((1, 70_000), (70_000,)), ((3, 70_000), (70_000,)),
     ((40, 1, 60), (1, 40, 60))],
    ids=str,
)  # fmt: skip
def test_large_operands_broadcast_as_numpys(left, right, dtype):
    rng = np.random.default_rng(5)
    x, y = (np.asarray(rng.integers(0, 99, shape)).astype(dtype) for shape in (left, right))
    a, b = (xt.XTensor(z, dtype=getattr(xt, f"k{dtype}")) for z in (x, y))
    for ours, numpys in ((xt.add, np.add), (xt.maximum, np.maximum), (xt.less, np.less)):
        np.testing.assert_array_equal(ours(a, b).to_numpy(), numpys(x, y))
    if dtype != "bool":
        np.testing.assert_array_equal((a - b).to_numpy(), x - y)


def test_a_broadcast_add_does_not_repeat_its_operand():
    wide, row = xt.ones([2000, 500]), xt.ones([500])
    wide + row
    tracemalloc.start()
    out = wide + row
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.1 * out.array.nbytes


WHOLE = {
    "eye": lambda n: xt.eye(n, n),
    "linspace": lambda n: xt.linspace(0, 1, n),
    "topK": lambda n: xt.topK(xt.ones([2, 2]), n, n),
    "softmax": lambda n: xt.softmax(xt.ones([2, 2]), n),
    "layer_norm": lambda n: xt.layer_norm(xt.ones([2, 2]), axes=n),
    "diag": lambda n: xt.diag(xt.ones([2, 2]), n),
    "multinomial": lambda n: xt.multinomial(xt.ones([1]), n),
    "pixel_shuffle": lambda n: xt.pixel_shuffle(xt.ones([1, 2, 2]), n),
    "randperm": lambda n: xt.randperm(n),
    "set_rng_state": lambda n: (xt.set_rng_state({"seed": n, "position": n}), xt.randu([2]))[1],
    "Linear": lambda n: xt.Linear(n, n)(xt.ones([1, 1])) * 0,
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_number_may_be_one_of_numpy_but_no_truth_value(name):
    call = WHOLE[name]
    np.testing.assert_array_equal(call(np.int64(1)).to_numpy(), call(1).to_numpy())
    for truth in (True, np.bool_(True)):
        with pytest.raises(TypeError, match=name):
            call(truth)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: xt.clip(t, t, 1),
        lambda t: xt.masked_fill(t, t > 0, t),
        lambda t: xt.zeros(t),
        lambda t: xt.zeros([2, t]),
        lambda t: xt.reshape(t, t),
        lambda t: xt.sums(t, t),
        lambda t: xt.optimizer.SGD([xt.Parameter([1.0])], lr=t),
        lambda t: setattr(xt.optimizer.SGD([xt.Parameter([1.0])]), "lr", t),
        lambda t: xt.Linear(t, 2),
        lambda t: xt.Dropout(t),
    ],
)
def test_messages_do_not_print_whole_tensors(call):
    with pytest.raises(TypeError, match=r"is of type (XTensor|list); expected") as caught:
        call(xt.ones([3]))
    assert "\n" not in str(caught.value)


def test_the_truth_of_several_elements_points_to_all_and_any():
    x = xt.XTensor([1.0, -1.0])
    with pytest.raises(RuntimeError, match=r"^bool: the tensor is of shape \[2\].*all.*any"):
        assert x > 0
    assert not (x > 0).all()


def test_several_elements_have_no_format_of_numbers():
    x = xt.XTensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"^format: the tensor is of shape \[2\].*'\.2f'"):
        f"{x:.2f}"
    assert f"{x:>60}".endswith(str(x))


@pytest.mark.parametrize("values", [[1, 2], [2**70], [1.5], []])
def test_arrays_of_objects_are_not_taken(values):
    with pytest.raises(TypeError, match=r"XTensor: data is an array of objects; .*astype"):
        xt.XTensor(np.array(values, dtype=object))


def test_messages_about_several_arguments_are_sentences():
    with pytest.raises(ValueError, match="add: its arguments are of shapes"):
        xt.ones([2]) + xt.ones([3])
    with pytest.raises(ValueError, match=r"matmul: t1 and t2 are of shapes \[2, 1, 1\]"):
        xt.ones([2, 1, 1]) @ xt.ones([3, 1, 1])
    with pytest.raises(ValueError, match="add: its arguments are on devices"):
        xt.ones([2]) + xt.ones([2]).GPU()


def test_what_cannot_be_shared_is_said_once():
    with pytest.raises(BufferError, match=r"^from_dlpack: x is in memory") as caught:
        xt.from_dlpack(xt.ones([2]).GPU())
    assert str(caught.value).count("expected") == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda big: xt.tile(big, big),
        lambda big: xt.leaky_relu(big, big),
        lambda big: xt.max_pool2d(big, big),
        lambda big: xt.set_num_threads(big),
    ],
)
def test_a_refusal_quotes_no_whole_tensor(call):
    with pytest.raises((TypeError, ValueError), match=r"is of type XTensor; expected") as caught:
        call(xt.ones([40, 40]))
    assert "\n" not in str(caught.value)
