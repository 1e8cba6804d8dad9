"""The kernel machinery: twins, threads, the compile cache."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time

import numba
import numpy as np
import pytest
from numba.core import ir
from numba.core.codegen import CPUCodeLibrary

import xtensor as xt
from xtensor.device import to_device, to_host
from xtensor.elementwise import apply
from xtensor.kernels import launch, load
from xtensor.kernels._jit import CpuChoice, CpuFunction, with_globals
from xtensor.kernels.cpu.cells import clear_cells
from xtensor.kernels.cpu.elementwise import WAYS
from xtensor.kernels.parallel import parallel_for
from xtensor.kernels.threads import get_pool

CPU, CUDA = load("cpu"), load("cuda")


def ours(kernels):
    return {name: k for name, k in kernels.items() if k.__module__.startswith("xtensor.kernels")}


def test_every_cpu_kernel_has_its_cuda_twin():
    assert sorted(ours(CPU)) == sorted(ours(CUDA))
    assert len(ours(CPU)) > 80


@pytest.mark.parametrize("name", sorted(ours(CPU)))
def test_twins_have_the_same_parameters_and_a_home_of_the_same_name(name):
    cpu, cuda = CPU[name], CUDA[name]
    assert cpu.parameters == cuda.parameters
    assert cpu.parameters[:2] == ["start", "stop"]
    assert cpu.__module__.split(".")[-1] == cuda.__module__.split(".")[-1]


def test_an_unknown_kernel_is_named():
    with pytest.raises(LookupError, match="no cpu kernel 'nonsense'"):
        launch("nonsense", 1, np.zeros(1))
    with pytest.raises(LookupError, match="the nearest name is 'relu_forward'"):
        launch("rellu_forward", 1, np.zeros(1), np.zeros(1))


@pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0])
@pytest.mark.parametrize(
    ("name", "count"), [("neg_forward", 2), ("exp_forward", 2), ("add_forward", 1)]
)
def test_an_elementwise_kernel_refuses_arrays_that_it_has_no_use_for(name, count, device):
    arrays = [to_device(np.ones(3), device) for _ in range(count)]
    with pytest.raises(TypeError, match=f"{name}: the number of arguments is {count + 1}; "):
        apply(name, tuple(arrays))
    for array in arrays:  # NumPy would write into the second
        assert to_host(array).tolist() == [1, 1, 1]


def test_two_modules_may_not_share_a_kernel_name():
    def relu_forward(start, stop, out, x):
        out[start:stop] = x[start:stop]

    with pytest.raises(ValueError, match=r"relu_forward.*already defined in xtensor\.kernels"):
        xt.cpu_kernel(relu_forward)


@pytest.mark.parametrize("length", [3, 200_000])
def test_a_wrong_number_of_arguments_is_named(length):
    @xt.cpu_kernel
    def scaled_by(start, stop, out, x, factor):
        for i in range(start, stop):
            out[i] = factor * x[i]

    x = np.ones(length)
    for args in ((x, x), (x, x, 1.0, 2.0)):
        words = f"scaled_by: the number of arguments is {len(args)}; expected 3: out, x, factor"
        with pytest.raises(TypeError, match=words):
            launch("scaled_by", length, *args)
    with pytest.raises(TypeError, match="launch: what kernel 'scaled_by' shall work on is missing"):
        launch("scaled_by", length)


@pytest.mark.parametrize("register", ["elementwise_kernel", "cpu_kernel", "cuda_kernel"])
def test_a_kernel_of_the_package_is_not_replaced_before_it_is_loaded(register):
    code = (
        "import xtensor as xt\n"
        "def relu_forward(x): return x * 100\n"
        f"try: xt.{register}(relu_forward)\n"
        "except ValueError as error: print(error)\n"
        "print(xt.relu(xt.XTensor([2.0])).item())\n"
    )
    words, value = python(code, NUMBA_ENABLE_CUDASIM="1")[0].splitlines()
    assert "'relu_forward'" in words
    assert "give the one in __main__ another name" in words
    assert value == "2.0"


def test_a_kernel_may_be_defined_again_in_its_module():
    for factor in (2, 3):
        exec(
            "def again_forward(start, stop, out, x):\n"
            "    for i in range(start, stop):\n"
            f"        out[i] = {factor} * x[i]\n",
            scope := {"__name__": __name__},
        )
        xt.cpu_kernel(scope["again_forward"])
        out = np.zeros(2)
        launch("again_forward", 2, out, np.ones(2))
        assert out.tolist() == [factor, factor]


# -- threads --------------------------------------------------------------------------------------


def chunks_of(work, args, threads, size=None):
    """The sub-ranges a body was called with, sorted, and how many threads called it."""
    xt.set_num_threads(threads)
    seen, lock, names = [], threading.Lock(), set()

    def body(start, stop, *_):
        with lock:
            seen.append((start, stop))
            names.add(threading.get_ident())

    parallel_for(body, work, args, size)
    return sorted(seen), names


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_chunks_follow_the_shape_not_the_threads(threads):
    big = np.zeros(1_000_000)
    chunks, names = chunks_of(1000, [big], threads)
    assert chunks == chunks_of(1000, [big], 3)[0]
    assert len(chunks) > 1
    assert len(names) <= threads
    assert [start for start, _ in chunks[1:]] == [stop for _, stop in chunks[:-1]]
    assert (chunks[0][0], chunks[-1][1]) == (0, 1000)


@pytest.mark.parametrize(
    ("size", "work", "threads", "expected"),
    [(10_000, 50, 2, 1), (10**6, 50, 2, 8), (10**6, 50, 3, 12), (10**6, 5, 2, 5)],
)  # fmt: skip
def test_tiles_follow_the_cost_and_the_threads(size, work, threads, expected):
    chunks, _ = chunks_of(work, [np.zeros(1_000_000)], threads, size)
    assert len(chunks) == expected
    assert [start for start, _ in chunks[1:]] == [stop for _, stop in chunks[:-1]]
    assert (chunks[0][0], chunks[-1][1]) == (0, work)


def test_small_work_stays_in_the_calling_thread():
    chunks, names = chunks_of(1000, [np.zeros(1000)], 4)
    assert chunks == [(0, 1000)]
    assert names == {threading.get_ident()}


def test_no_work_calls_nothing():
    assert chunks_of(0, [np.zeros(1_000_000)], 2)[0] == []


def test_a_nested_call_runs_serially():
    big = np.zeros(1_000_000)
    inner = []

    def body(start, stop, *_):
        me = threading.get_ident()

        def nested(a, b, *_):
            inner.append(threading.get_ident() == me)

        parallel_for(nested, 100, [big])

    xt.set_num_threads(3)
    parallel_for(body, 10, [big])
    assert inner
    assert all(inner)


def test_an_error_in_a_thread_reaches_the_caller_and_the_pool_lives_on():
    def body(start, stop, *_):
        raise ZeroDivisionError(f"chunk at {start}")

    xt.set_num_threads(2)
    big = np.zeros(1_000_000)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="chunk at"):
            parallel_for(body, 1000, [big])
    assert chunks_of(10, [big], 2)[0][-1][1] == 10


def test_a_busy_thread_is_not_waited_for():
    """The only other thread is held up by one caller; another caller does everything itself."""
    xt.set_num_threads(2)
    big, release, held = np.zeros(1_000_000), threading.Event(), threading.Semaphore(0)

    def hold(start, stop, *_):
        held.release()
        assert release.wait(60)

    holder = threading.Thread(target=parallel_for, args=(hold, 2, [big]))
    holder.start()
    try:
        for _ in range(2):
            assert held.acquire(timeout=60)
        seen = []
        parallel_for(lambda start, stop, *_: seen.append(threading.get_ident()), 8, [big])
        assert seen == [threading.get_ident()] * 8
    finally:
        release.set()
        holder.join()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be placed here")
def test_other_threads_run_anywhere_but_on_the_callers_processor():
    xt.set_num_threads(3)
    for _ in range(50):  # until the threads have begun
        parallel_for(lambda *_: time.sleep(0.001), 16, [np.zeros(1_000_000)])
    pool, mine = get_pool(), os.sched_getaffinity(0)
    assert len(pool.helpers) == 2
    assert pool.callers_processor in mine
    for helper in pool.helpers:
        assert os.sched_getaffinity(helper) == (mine - {pool.callers_processor} or mine)


def test_concurrent_callers_do_not_disturb_each_other():
    xt.set_num_threads(2)
    x = xt.XTensor(np.arange(300_000.0))
    due = (x * 2 + 1).to_numpy()
    results = []

    def caller():
        for _ in range(5):
            results.append(np.array_equal((x * 2 + 1).to_numpy(), due))

    callers = [threading.Thread(target=caller) for _ in range(4)]
    for caller_thread in callers:
        caller_thread.start()
    for caller_thread in callers:
        caller_thread.join()
    assert results == [True] * 20


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True])
def test_a_bad_thread_count_is_refused(count):
    with pytest.raises(ValueError, match="set_num_threads: count"):
        xt.set_num_threads(count)


# -- in processes of their own --------------------------------------------------------------------

SMALL = "import numpy as np, xtensor as xt; x = xt.sigmoid(xt.ones([70000])); print(x.shape)\n"
KERNEL = (
    "import numpy as np, warnings, xtensor as xt\n"
    "from xtensor.kernels import launch\n"
    "x = np.ones(8)\n"
    "launch('relu_backward', 8, x, np.ones(8), np.ones(8))\n"
    "print(int(x.sum()))\n"
)


def python(code, **environment):
    """Run code in a new interpreter; its output, failing on a non-zero exit."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "0", **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_threads_are_there_again_after_a_fork():
    out, _ = python(
        "import os, sys, numpy as np, xtensor as xt\n"
        "xt.set_num_threads(2)\n"
        "x = xt.XTensor(np.ones(500000)); y = (x * 2).to_numpy().sum()\n"
        "sys.stdout.flush()\n"
        "child = os.fork()\n"
        "z = (x * 3).to_numpy().sum()\n"
        "if child == 0: os._exit(0 if z == 1500000 else 3)\n"
        "print(int(y), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert out == "1000000 0"


FORKS_DURING_COMPILATIONS = """
import gc, os, signal, sys, threading, time
import xtensor as xt

@xt.cpu_kernel
def new_in_the_child(start, stop, out, x):
    for i in range(start, stop):
        out[i] = x[i] + 1

def compile_several():
    for function in xt.softmax, xt.cumsum, xt.sort:
        function(xt.XTensor([[1.0, 2.0]]), *[1] * (function is not xt.sort))

def is_compiling():
    from numba.core.compiler_lock import global_compiler_lock
    free = global_compiler_lock._lock.acquire(blocking=False)
    if free:
        global_compiler_lock.release()
    return not free

thread = threading.Thread(target=compile_several)
thread.start()
for begun in lambda: "numba" in sys.modules, is_compiling, is_compiling:
    while thread.is_alive() and not begun():
        time.sleep(0.001)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        out = xt.zeros([3])
        xt.launch("new_in_the_child", 3, out.array, xt.ones([3]).array)
        os._exit(0 if out.to_numpy().tolist() == [2, 2, 2] and gc.isenabled() else 3)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_child_forked_during_a_compilation_can_compile(tmp_path):
    out, _ = python(FORKS_DURING_COMPILATIONS, XTENSOR_CACHE=str(tmp_path))
    assert out.split() == ["0", "0", "0"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_fork_from_within_a_compilation_comes_through():
    out, _ = python(
        "import os, numba, xtensor as xt\n"
        "from numba.core.compiler_lock import global_compiler_lock as lock\n"
        "from xtensor.kernels import _jit\n"
        "with _jit._compile_lock, lock:\n"
        "    child = os.fork()\n"
        "if child == 0: os._exit(0 if xt.softmax(xt.ones([2]), 0).size == 2 else 3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert out == "0"


@pytest.mark.parametrize(
    "function", [clear_cells.function, lambda cells, begin, count: cells[begin]]
)
def test_a_compilation_leaves_numba_and_the_collector_as_they_were(function):
    passes = CPUCodeLibrary._optimize_functions
    compiled = CpuFunction(function, tiled=True)
    for enabled, dtype in ((True, np.float32), (False, np.float64)):
        (gc.enable if enabled else gc.disable)()
        try:
            compiled.compiled()(np.ones(20, dtype), 0, 20)
            with pytest.raises(numba.TypingError):
                compiled.compiled()(None, None, None)
            assert gc.isenabled() == enabled
        finally:
            gc.enable()
        assert "__deepcopy__" not in vars(ir.Block)
        assert CPUCodeLibrary._optimize_functions is passes


helper = None


def _calls_helper(x):
    return helper(x)


@pytest.mark.parametrize(("dtype", "factor"), [(np.float32, 2), (np.float64, 3), (np.int64, 4)])
def test_a_choice_takes_the_text_for_the_type_of_its_number(dtype, factor):
    two, three, four = map(CpuFunction, (_doubled, _tripled, _quadrupled))
    chosen = CpuChoice(two, three, four)
    caller = CpuFunction(with_globals(_calls_helper, "calls_choice", {"helper": chosen}))
    assert caller.compiled()(dtype(5)) == chosen(dtype(5)) == 5 * factor


def _doubled(x):
    return x + x


def _tripled(x):
    return x + x + x


def _quadrupled(x):
    return x + x + x + x


def test_the_number_of_threads_comes_from_the_environment():
    out, _ = python("import xtensor as xt; print(xt.get_num_threads())", XTENSOR_NUM_THREADS="3")
    assert out == "3"


def test_a_bad_number_of_threads_in_the_environment_is_named():
    with pytest.raises(AssertionError, match="XTENSOR_NUM_THREADS is 'many'"):
        python("import xtensor as xt; xt.get_num_threads()", XTENSOR_NUM_THREADS="many")


def test_an_unknown_report_in_the_environment_is_named():
    code = "import xtensor as xt; xt.conv2d(xt.ones([1, 1, 2, 2]), xt.ones([1, 1, 2, 2]))"
    with pytest.raises(AssertionError, match="XTENSOR_DEBUG is 'kernel'; expected 'kernels'"):
        python(code, XTENSOR_DEBUG="kernel")


def test_import_loads_no_numba_and_writes_no_file(tmp_path):
    out, _ = python(
        "import sys, xtensor\nprint([m for m in sys.modules if m.split('.')[0] == 'numba'])",
        XTENSOR_CACHE=str(tmp_path / "cache"), HOME=str(tmp_path),
    )  # fmt: skip
    assert out == "[]"
    assert list(tmp_path.iterdir()) == []


def test_the_cache_is_filled_privately_and_used(tmp_path):
    assert python(KERNEL, XTENSOR_CACHE=str(tmp_path))[0] == "8"
    (version,) = tmp_path.iterdir()
    assert version.stat().st_mode & 0o077 == 0
    assert list(version.rglob("*.nbc"))
    out, _ = python(
        KERNEL + "from xtensor.kernels import kernels\n"
        "print(kernels('cpu')['relu_backward'].loop.compiled().stats.cache_hits.total())\n",
        XTENSOR_CACHE=str(tmp_path),
    )
    assert out.split() == ["8", "1"]


def test_kernels_from_elsewhere_are_not_kept(tmp_path):
    """Nothing would tell that what they are made of has changed."""
    script = tmp_path / "own.py"
    for factor in (2, 3):
        script.write_text(
            "import numpy as np, xtensor as xt\n"
            "def defined(by):\n"
            "    @xt.elementwise_kernel\n"
            "    def scaled_forward(x): return by * x\n"
            "    out = np.empty(1)\n"
            "    xt.launch('scaled_forward', 1, out, np.ones(1))\n"
            "    return out[0]\n"
            f"FACTOR = {factor}.0\n"
            "@xt.cpu_kernel\n"
            "def constant_forward(start, stop, out):\n"
            "    for i in range(start, stop): out[i] = FACTOR\n"
            "out = np.empty(1)\n"
            "xt.launch('constant_forward', 1, out)\n"
            "print(out[0], defined(FACTOR), defined(7.0))\n"
        )
        out, _ = python(
            f"import runpy; runpy.run_path({str(script)!r})", XTENSOR_CACHE=str(tmp_path)
        )
        assert out.split() == [f"{factor}.0", f"{factor}.0", "7.0"]


def test_kernels_from_elsewhere_may_call_min_as_they_like():
    @xt.cpu_kernel
    def own_minimum_forward(start, stop, out, x):
        for i in range(start, stop):
            out[i] = min(x[i], 2.5, 9) + max((1, 3))

    out = np.empty(3)
    launch("own_minimum_forward", 3, out, np.array([1.0, 2.0, 3.0]))
    assert out.tolist() == [4, 5, 5.5]


@pytest.mark.parametrize(
    ("result", "came"), [("xt.ones([1])", "XTensor"), ("(x, 5)", "int"), ("None", "NoneType")]
)
def test_forward_must_give_raw_arrays(result, came):
    class Wrong(xt.Op, abstract=True):
        def forward(self, x):
            return eval(result, {"xt": xt}, {"x": x})

    x = xt.XTensor([1.0], requires_grad=True)
    for context in (xt.autograd.tape(), xt.autograd.no_grad()):
        with context, pytest.raises(TypeError, match=f"wrong.*type {came}.*raw array"):
            Wrong()(x)


class Transposed(xt.Op):
    """Whose results are views."""

    def forward(self, x):
        return x.T

    def backward(self, grad_out):
        return grad_out.T


@pytest.mark.parametrize("shape", [(3, 4), (400, 401)])
def test_an_op_of_ones_own_may_return_views(shape):
    x, w = (np.random.default_rng(1).standard_normal(shape) for _ in range(2))
    mine, due = (xt.XTensor(x, requires_grad=True) for _ in range(2))
    results = []
    with xt.autograd.tape():
        for t, op in ((mine, Transposed()), (due, xt.transpose)):
            y = op(xt.softmax(t, 1))
            y = xt.softmax(y, 1) + xt.sums(y, axis=0)
            y.backward(xt.XTensor(w.T))
            results.append(y.to_numpy().tobytes())
    assert results[0] == results[1]
    assert mine.grad.to_numpy().tobytes() == due.grad.to_numpy().tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernels_take_views(dtype):
    """By strides, or they say that they do not."""
    x = np.random.default_rng(1).standard_normal((300, 301)).astype(dtype)
    for _ in range(6):
        np.testing.assert_array_equal(xt.apply("neg_forward", (x.T,)), -x.T)
        np.testing.assert_array_equal(xt.apply("add_forward", (x.T, x.T)), x.T + x.T)
        np.testing.assert_array_equal(xt.apply("add_forward", (x[::-1], x[0])), x[::-1] + x[0])
        row = x.ravel()[: 2 * 301 : 2]
        np.testing.assert_array_equal(xt.apply("add_forward", (x, row)), x + row)
    out = np.empty((1, 300), dtype)
    launch("sum_forward", 300, out, x.T[None])
    np.testing.assert_allclose(out[0], x.sum(1), rtol=1e-3)
    with pytest.raises(Exception, match=r"numpy\.ascontiguousarray"):
        launch("sum_forward", 1, out[:, :1], x.reshape(1, -1, 1)[:, ::2])


@pytest.mark.parametrize("given", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(name for name, way in WAYS.items() if way.tiles))
def test_a_result_may_have_another_dtype(name, dtype, given):
    """Also where x or y is repeated, and numbers are many."""
    x, y = (np.random.default_rng(1).standard_normal(n).astype(given) for n in ((300, 300), 300))
    for pair in ((x, x), (x, y), (y, x)):
        few = xt.apply(name, tuple(a[..., :20] for a in pair), dtype=np.dtype(dtype))
        many = xt.apply(name, pair, dtype=np.dtype(dtype))
        np.testing.assert_allclose(many[..., :20], few, rtol=1e-6)
        assert many.dtype == few.dtype == (bool if few.dtype == bool else dtype)


def test_tensors_are_not_raw_arrays():
    for call in (
        lambda x: launch("relu_forward", 1, x, x),
        lambda x: xt.apply("relu_forward", (x,)),
        lambda x: xt.apply("sigmoid_forward", x),
        xt.empty_like,
    ):
        with pytest.raises(TypeError, match=r"a raw array.*pass x\.array"):
            call(xt.ones([1]))


def test_no_cache_at_all(tmp_path):
    out, errors = python(KERNEL, XTENSOR_CACHE="0", HOME=str(tmp_path))
    assert (out, "Warning" in errors) == ("8", False)
    assert not list(tmp_path.rglob("*.nbc"))


@pytest.mark.parametrize("damage", [b"", b"\x80\x04garbage", os.urandom(0) + b"x" * 5000])
def test_a_damaged_cache_costs_a_warning_not_the_run(tmp_path, damage):
    python(KERNEL, XTENSOR_CACHE=str(tmp_path))
    for file in [*tmp_path.rglob("*.nbc"), *tmp_path.rglob("*.nbi")]:
        file.write_bytes(damage)
    out, errors = python(KERNEL, XTENSOR_CACHE=str(tmp_path))
    assert out == "8"
    assert "compile cache" in errors
    assert python(KERNEL, XTENSOR_CACHE=str(tmp_path))[0] == "8"


def test_a_cache_that_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    out, errors = python(KERNEL, XTENSOR_CACHE=str(blocked))
    assert out == "8"
    assert errors.count("RuntimeWarning: xtensor keeps no compiled kernels") == 1
    assert "XTENSOR_CACHE" in errors


def test_uncompiled_kernels_are_refused_in_words():
    code = "import xtensor as xt; xt.softmax(xt.ones([3, 3]), 1)"
    with pytest.raises(AssertionError, match="NUMBA_DISABLE_JIT is 1; expected 0"):
        python(code, NUMBA_DISABLE_JIT="1")


def test_an_unknown_liberty_is_refused():
    with pytest.raises(ValueError, match="fastmath is 'fast'; expected one of 'strict'"):
        xt.cpu_kernel(fastmath="fast")


def test_a_cache_directory_open_to_others_is_not_used(tmp_path):
    python(KERNEL, XTENSOR_CACHE=str(tmp_path))
    (version,) = tmp_path.iterdir()
    for file in list(version.rglob("*.nb*")):
        file.unlink()
    version.chmod(0o777)
    assert python(KERNEL, XTENSOR_CACHE=str(tmp_path))[0] == "8"
    assert not list(version.rglob("*.nbc"))


def test_many_processes_may_share_an_empty_cache(tmp_path):
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "0", "XTENSOR_CACHE": str(tmp_path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", KERNEL],
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(16)
    ]
    for process in processes:
        out, errors = process.communicate(timeout=240)
        assert (process.returncode, out.strip()) == (0, "8"), errors
