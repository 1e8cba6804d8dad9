"""Parameters in files: safetensors bytes, no pickle, never half written.

Any safetensors reader opens the files. What the format leaves out, the order of the names and a
checksum of the numbers, lies in its metadata.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .device import to_host
from .dtype import code_of, is_supported
from .errors import message, shown
from .module import Module
from .tensor import XTensor

FilePath: TypeAlias = "str | os.PathLike[str]"

FORMAT_VERSION = 1
# All metadata are one JSON text under this key: safetensors writes several keys in random order,
# and equal parameters shall give equal bytes.
_KEY = "xtensor"


def save_parameters(obj: Mapping[str, XTensor] | Module, f: FilePath) -> None:
    """Write a state dict to the file ``f``, all of it or nothing.

    The bytes go to a temporary file beside ``f``, are forced to the disk, and take the place of
    ``f`` in one step: whatever happens, ``f`` is the old file or the whole new one. The structure
    of a model is not stored.

    Args:
        obj: name -> XTensor, as ``module.state_dict()`` gives it; or the module itself. Tensors of
            a GPU are saved from a host copy.
        f: path of the file.

    Raises:
        TypeError: ``obj`` is no mapping of names to tensors, or ``f`` is no path.
        OSError: the file cannot be written there.

    Source: the format, https://github.com/huggingface/safetensors

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     save_parameters({"weights": XTensor([1.0, 2.0])}, f"{directory}/net.safetensors")
        ...     load_parameters(f"{directory}/net.safetensors")["weights"].to_numpy()
        array([1., 2.], dtype=float32)
    """
    path = as_path(f, "save_parameters")
    tensors = obj.state_dict() if isinstance(obj, Module) else obj
    if not isinstance(tensors, Mapping):
        raise TypeError(
            message("save_parameters", "obj", f"of type {type(obj).__name__}",
                    "a dict of names and XTensors, or a Module", "pass module.state_dict()")
        )  # fmt: skip
    for name, tensor in tensors.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise TypeError(
                message(
                    "save_parameters", "a name in obj", shown(name), "a str that is not reserved"
                )
            )
        if not isinstance(tensor, XTensor):
            raise TypeError(
                message("save_parameters", f"obj[{name!r}]", f"of type {type(tensor).__name__}",
                        "an XTensor")
            )  # fmt: skip
    write_tensors("save_parameters", path, tensors)


def load_parameters(f: FilePath) -> OrderedDict[str, XTensor]:
    """Read a file of ``save_parameters``, or any safetensors file of the seven dtypes.

    Args:
        f: path of the file.

    Returns:
        Name -> XTensor on the CPU, in the order they were saved, for ``load_state_dict``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, damaged, of another format or of a later version, or
            holds a dtype no tensor can have.
        TypeError: ``f`` is no path.

    Example:
        >>> load_parameters("nowhere.safetensors")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        FileNotFoundError: load_parameters: there is no file nowhere.safetensors. ...
    """
    return read_tensors("load_parameters", as_path(f, "load_parameters"))[0]


# -- files of tensors -----------------------------------------------------------------------------


def write_tensors(where: str, path: Path, tensors: Mapping[str, XTensor], more: Any = None) -> None:
    """Write tensors, their order, a checksum, and what else JSON can hold.

    Raises:
        ValueError: safetensors refuses a name.
        OSError: the file cannot be written there.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save

    arrays = {name: to_host(tensor.array) for name, tensor in tensors.items()}
    about: dict[str, Any] = {"format": FORMAT_VERSION, "order": list(arrays)}
    if more is not None:
        about["more"] = more
    about["crc32"] = _checksum(arrays.values(), more)
    try:
        data = save(arrays, {_KEY: json.dumps(about)})
    except (SafetensorError, UnicodeEncodeError) as error:
        raise ValueError(f"{where}: {path} was not written: {error}") from None
    try:
        write_whole(path, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(
            f"{where}: {path} cannot be written ({reason}). To mend it: choose a directory "
            "that exists, that you may write to and that has room."
        ) from error


def read_tensors(where: str, path: Path) -> tuple[OrderedDict[str, XTensor], Any]:
    """The tensors in the order they were saved, and what else was written with them.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no sound file of tensors.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{where}: there is no file {path}. "
            f"To mend it: check the path (the working directory is {Path.cwd()})."
        ) from None
    except IsADirectoryError:
        raise refusal(where, path, "it is a directory", "name a file in it") from None
    try:
        # Sizes, offsets and the header are checked here; what is read below is sound.
        arrays = load(data)
    except SafetensorError as error:
        raise refusal(
            where, path, f"not a whole safetensors file: {error}",
            "save it again, or take an undamaged copy",
        ) from None  # fmt: skip
    except KeyError as error:
        raise refusal(
            where, path, f"it holds numbers of type {error.args[0]}",
            "convert them to float32 where the file was made",
        ) from None  # fmt: skip
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header.pop("__metadata__", None) or {}
    order, more = _checked(where, path, metadata, arrays, list(header))
    for name, array in arrays.items():
        if not is_supported(array.dtype):
            raise refusal(
                where, path, f"{name} is {array.dtype}, which no tensor can be",
                "convert it to float32 where the file was made",
            )  # fmt: skip
    tensors = [(name, XTensor(arrays[name], dtype=code_of(arrays[name].dtype))) for name in order]
    return OrderedDict(tensors), more


def _checked(
    where: str,
    path: Path,
    metadata: dict[str, str],
    arrays: dict[str, np.ndarray],
    stored: list[str],
) -> tuple[list[str], Any]:
    """The names in the order they were saved, and the rest, if version and checksum are right."""
    if _KEY not in metadata:
        return stored, None
    try:
        about = json.loads(metadata[_KEY])
        version, order, checksum = about["format"], about["order"], about["crc32"]
        more = about.get("more")
        newer = version > FORMAT_VERSION
        sound = sorted(order) == sorted(arrays)
    except (ValueError, KeyError, TypeError):
        newer = sound = False
    if newer:
        raise refusal(
            where, path, f"its format version is {version}, this xtensor knows {FORMAT_VERSION}",
            "pip install --upgrade xtensor",
        )  # fmt: skip
    if not sound or _checksum((arrays[name] for name in order), more) != checksum:
        raise refusal(
            where, path, "damaged: its numbers are not those that were saved",
            "take an undamaged copy, or train and save again",
        )  # fmt: skip
    return list(order), more


def _checksum(arrays: Iterable[np.ndarray], more: Any) -> int:
    value = 0 if more is None else zlib.crc32(json.dumps(more).encode())
    for array in arrays:
        value = zlib.crc32(array.reshape(-1).view(np.uint8).data, value)
    return value


def refusal(where: str, path: Path, reason: str, remedy: str) -> ValueError:
    """What to raise for a file that is not to be used."""
    return ValueError(f"{where}: {path} cannot be read: {reason}. To mend it: {remedy}.")


def as_path(f: Any, where: str) -> Path:
    """``f`` as a path.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(f, (str, os.PathLike)):
        raise TypeError(message(where, "f", f"of type {type(f).__name__}", "the path of a file"))
    return Path(f)


def write_whole(path: Path, data: bytes) -> None:
    """Make ``path`` a file of these bytes such that no moment shows a part of them.

    Raises:
        OSError: it cannot be written there; what was at ``path`` is untouched.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(f"{target} is no regular file")
    temporary = target.with_name(f".xtensor-{secrets.token_hex(8)}.tmp")
    try:
        # Not tempfile: its files are closed to others, and the result shall follow the umask.
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    # The rename itself lasts once the directory is on the disk; not every system can do that.
    with contextlib.suppress(OSError, AttributeError):
        directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
