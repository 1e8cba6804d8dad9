"""Scripts written for ``pyvqnet.xtensor``, run on xtensor as they are.

``install()`` enters modules under the old names, for this process; no file is touched:

    pyvqnet                      the constants (kfloat32, DEV_GPU_0, ...) and ``xtensor``
    pyvqnet.xtensor              every public name of xtensor
    pyvqnet.xtensor.autograd     and module, optimizer, storage, ...: what ours of that name has

They come first whether pyvqnet is installed or not, so a script that needs nothing else runs the
same on both machines, and a broken installation does no harm. Any other part of pyvqnet
(``pyvqnet.qnn``, say) comes from the installed package, which is loaded when it is first asked for.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

from .dtype import DType
from .errors import nearest

__all__ = ["install", "uninstall"]

ROOT = "pyvqnet"
FACE = "pyvqnet.xtensor"
# Names of pyvqnet itself must be this much alike, and have one first letter: its parts that have no
# stand-in (tensor, data, optim) are not misspelt names of ours (xtensor, atan, optimizer).
LIKENESS = 0.85


class _Face(types.ModuleType):
    """A module of an old name with our names in it; a wrong one is told the nearest."""

    def __init__(self, name: str, names: Mapping[str, Any], exported: Iterable[str]) -> None:
        super().__init__(name, f"xtensor under the name {name}: see xtensor.compat.")
        self.__spec__ = ModuleSpec(name, None, is_package=True)
        # A package, so that `from it import name` asks our finder about a name that is not there.
        self.__path__: list[str] = []
        self.__all__ = list(exported)
        vars(self).update(names)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(_missing(self, name))


class _Root(_Face):
    """``pyvqnet`` itself: our names first, then those of the installed package."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__(ROOT, names, names)
        self._ours = names
        self._loaded = False

    def __getattr__(self, name: str) -> Any:
        # Python and its tools look for many names with underscores; one of them is worth loading.
        if name.startswith("_") and name != "__version__":
            raise AttributeError(f"{ROOT} has no {name}")
        if self._load() and name in vars(self):
            return vars(self)[name]
        return super().__getattr__(name)

    def _load(self) -> bool:
        """Run the installed package in this module, once; whether there is one."""
        if self._loaded:
            return True
        spec = _elsewhere(ROOT, None)
        if spec is None or spec.loader is None:
            return False
        before = dict(vars(self))
        self._loaded = True  # before it runs, because it asks itself for names
        self.__spec__, self.__loader__, self.__file__ = spec, spec.loader, spec.origin
        self.__path__ = list(spec.submodule_search_locations or ())
        try:
            spec.loader.exec_module(self)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
        vars(self).update(self._ours)
        return True


class _Loaded(Loader):
    """Gives a module that is there already, as it is."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return self.module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__spec__ = self.spec


class _Finder(MetaPathFinder):
    """Asked for what is not there: says so, with the nearest name, or finds it elsewhere."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        parent, _, name = fullname.rpartition(".")
        face = sys.modules.get(parent)
        if not isinstance(face, _Face):
            return None
        spec = None
        if isinstance(face, _Root) and face._load():
            module = sys.modules.get(fullname)
            if module is not None:  # the package itself has imported it just now
                # Python takes the spec of the module then, not the one returned here.
                module.__spec__ = ModuleSpec(fullname, _Loaded(module))
                return module.__spec__
            spec = _elsewhere(fullname, face.__path__)
        if spec is None:
            # Without the name attribute, which would make `from ... import` drop the message.
            raise ModuleNotFoundError(_missing(face, name))
        return spec


_finder = _Finder()
# What install() took away, for uninstall() to put back.
_modules_before: dict[str, types.ModuleType] = {}
_attribute_before: list[Any] = []


def install() -> None:
    """Make ``import pyvqnet.xtensor`` and its like give xtensor, in this process.

    A name that does not exist is an ImportError or AttributeError that tells the nearest one.
    Calling it again changes nothing. ``python -m xtensor run script.py`` does this for a script.

    Example:
        >>> import xtensor
        >>> xtensor.compat.install()
        >>> from pyvqnet.xtensor import Conv2D, autograd
        >>> Conv2D is xtensor.Conv2D
        True
        >>> from pyvqnet.xtensor import Conv2d
        Traceback (most recent call last):
            ...
        ModuleNotFoundError: pyvqnet.xtensor has no Conv2d; the nearest name is Conv2D
        >>> xtensor.compat.uninstall()
    """
    if _finder in sys.meta_path:
        return
    face = _package_face()
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{FACE}.")]:
        _modules_before[name] = sys.modules.pop(name)
    for module in (face, *vars(face).values()):
        if isinstance(module, _Face):
            sys.modules[module.__name__] = module
    root = sys.modules.get(ROOT)
    if root is None:
        constants = {
            name: value
            for name, value in vars(face).items()
            if isinstance(value, DType) or name.startswith("DEV_")
        }
        sys.modules[ROOT] = _Root({"xtensor": face, **constants})
    else:  # it is in use already, and stays
        _attribute_before.append(vars(root).get("xtensor"))
        vars(root)["xtensor"] = face
    sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Take the old names out again; what a script has imported stays what it is.

    Example:
        >>> import xtensor
        >>> xtensor.compat.install()
        >>> xtensor.compat.uninstall()
        >>> "pyvqnet.xtensor" in sys.modules
        False
    """
    if _finder not in sys.meta_path:
        return
    sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{FACE}.")]:
        del sys.modules[name]
    sys.modules.update(_modules_before)
    _modules_before.clear()
    root = sys.modules.get(ROOT, types.ModuleType(ROOT))
    before = _attribute_before.pop() if _attribute_before else None
    if isinstance(root, _Root) and not root._loaded:
        del sys.modules[ROOT]
    elif before is None:
        vars(root).pop("xtensor", None)
    else:
        vars(root)["xtensor"] = before


def _package_face() -> _Face:
    """``pyvqnet.xtensor`` with all public names, modules among them as faces of their own."""
    package = sys.modules[__package__ or "xtensor"]
    names: dict[str, Any] = {name: getattr(package, name) for name in package.__all__}
    for name, value in names.items():
        if isinstance(value, types.ModuleType):
            public = {n: v for n, v in vars(value).items() if not n.startswith("_")}
            own = [n for n, v in public.items() if getattr(v, "__module__", "") == value.__name__]
            names[name] = _Face(f"{FACE}.{name}", public, getattr(value, "__all__", own))
    return _Face(FACE, names, names)


def _elsewhere(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """What the other finders find."""
    for finder in sys.meta_path:
        if not isinstance(finder, _Finder) and hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, path)
            if spec is not None:
                return spec
    return None


def _missing(face: _Face, name: str) -> str:
    """What to say of a name that ``face`` does not have."""
    if isinstance(face, _Root):
        if face._loaded:
            text = f"neither xtensor nor the installed {ROOT} has {ROOT}.{name}"
        else:
            text = (
                f"{ROOT} has no {name} here: xtensor stands in for {FACE} only, and no installed "
                f"{ROOT} was found"
            )
        near = _near_in_root(face, name)
        return f"{text}; the nearest name is {near}" if near else text
    near = nearest(name, [known for known in vars(face) if not known.startswith("_")])
    if near:
        return f"{face.__name__} has no {name}; the nearest name is {near}"
    return f"{face.__name__} has no {name}, and no name that is close to it"


def _near_in_root(root: _Root, name: str) -> str:
    """The name that was meant, if it is near beyond doubt; "" otherwise."""
    if name.startswith("_"):
        return ""
    ours = vars(sys.modules[FACE])
    if name in ours:
        return f"xtensor.{name}"
    for names, prefix in ((vars(root), ""), (ours, "xtensor.")):
        public = [known for known in names if known[0].lower() == name[0].lower()]
        near = nearest(name, public, LIKENESS)
        if near:
            return prefix + near
    return ""
