"""The house rules: imports run downward, numba has its owners, public names are documented."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import xtensor as xt

PACKAGE = Path(xt.__file__).parent
# A room imports from its own floor or from floors above it in this list.
FLOORS = [
    ["_version", "errors"],
    ["dtype", "kernels"],
    ["device"],
    ["elementwise", "reduction", "strided", "autograd"],
    ["tensor"],
    ["op", "gradcheck"],
    ["ops"],
    ["methods", "module", "sequence"],
    ["initializer", "optimizer", "storage"],
    ["layers", "datasets", "summary", "checkpoint", "compat"],
    ["__init__"],
    ["demo"],
    ["cli", "__main__"],
]


def floor_of(module: str) -> int:
    """The floor of ``xtensor.<module>``, by its first name."""
    room = module.split(".")[0]
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise AssertionError(f"xtensor/{room} has no floor; decide where it belongs")


def imports_of(path: Path) -> list[str]:
    """Every module of the package that a file imports, wherever in the file, type hints aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = [
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    ]
    here = list(path.relative_to(PACKAGE).with_suffix("").parts)
    found = []
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level]
            target = base + (node.module.split(".") if node.module else [])
            if target:
                found.append(".".join(target))
            else:
                found += [alias.name for alias in node.names if (PACKAGE / alias.name).exists()
                          or (PACKAGE / f"{alias.name}.py").exists()]  # fmt: skip
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "xtensor":
            found.append(".".join(node.module.split(".")[1:]) or "__init__")
        elif isinstance(node, ast.Import):
            found += ["__init__" for alias in node.names if alias.name == "xtensor"]
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downward(path):
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for target in imports_of(path):
        assert floor_of(target) <= floor_of(name), f"xtensor.{name} imports xtensor.{target}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_numba_has_few_owners(path):
    """njit is imported in _jit.py, types and LLVM code in _llvm.py, _operators.py and _calls.py,
    numba.cuda in _cuda.py; the doctor asks for versions."""
    code = ("_llvm.py", "_operators.py", "_calls.py")
    if path.name in ("_jit.py", *code, "_cuda.py", "cache.py", "doctor.py"):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert "numba" not in {name.split(".")[0] for name in names}


def pointed_to(function: ast.FunctionDef) -> set[str]:
    """Names of arrays that a function makes itself and takes a pointer to."""
    made = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and "np." in ast.unparse(node.value)
        for place in node.targets
        for target in ast.walk(place)
        if isinstance(target, ast.Name)
    }
    calls = [
        node.args[0]
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pointer"
    ]
    return {
        name.id for call in calls for name in ast.walk(call) if isinstance(name, ast.Name)
    } & made


@pytest.mark.parametrize("path", sorted((PACKAGE / "kernels").rglob("*.py")), ids=lambda p: p.stem)
def test_pointers_do_not_outlive_their_array(path):
    """numba frees an array after its last use as an array: before the loops over its pointer."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert not pointed_to(node), f"{node.name}: use a buffer of parallel_for, or room"


def test_arrays_that_pointers_would_outlive_are_found():
    text = "def f(x):\n    a, b = np.empty(3), x\n    p, q = pointer(a[1:]), pointer(x)"
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert pointed_to(function) == {"a"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_is_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 700


def public() -> list[str]:
    return [name for name in xt.__all__ if callable(getattr(xt, name))]


@pytest.mark.parametrize("name", public())
def test_public_names_are_documented_with_an_example(name):
    doc = inspect.getdoc(getattr(xt, name)) or ""
    assert len(doc) > 40, f"{name} has no docstring"
    assert ">>> " in doc, f"the docstring of {name} has no example"
    called = getattr(xt, name)
    if not isinstance(called, type) and inspect.signature(called).parameters:
        assert "Args:" in doc, f"the docstring of {name} does not say what its arguments are"


def test_all_lists_every_public_name():
    listed = set(xt.__all__)
    assert len(listed) == len(xt.__all__)
    reachable = {
        name for name, value in vars(xt).items() if not name.startswith("_")
    } - {path.stem for path in PACKAGE.iterdir()}  # fmt: skip
    assert reachable - listed == set()
