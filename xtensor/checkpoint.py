"""Checkpoints: a run put into one file, such that another process goes on with the same bytes.

The file is a parameter file (``storage``) with more in it: the tensors ``model.<name>`` and
``optimizer.<position>.<slot>``, and as JSON the optimizer's options and step counts, the state of
the random numbers, and the user's own values. No pickle: reading a file runs no code.
"""

from __future__ import annotations

from typing import Any

from .errors import message, shown
from .module import Module
from .ops.random import get_rng_state, set_rng_state
from .optimizer import Optimizer
from .storage import FilePath, as_path, read_tensors, refusal, write_tensors
from .tensor import XTensor


def save_checkpoint(
    f: FilePath, model: Module, optimizer: Optimizer | None = None, **values: Any
) -> None:
    """Write all that a training run needs to go on into the file ``f``, all of it or nothing.

    That is the parameters and buffers of the model, the options and the state of the optimizer, the
    state of xtensor's random numbers, and the values. Gradients are not kept: save after ``step``.
    Nor are the structure of the model and the random state of other libraries; pass NumPy's as a
    value, ``numpy_state=rng.bit_generator.state``.

    Args:
        f: path of the file; as with ``save_parameters`` it is the old file or the whole new one.
        model: whose state is kept; several models go into one ModuleList.
        optimizer: whose state is kept, with its learning rate of now.
        values: what else shall come back, as None, True and False, numbers, strings, and lists and
            dicts of those: ``epoch=3, losses=[0.7, 0.4]``.

    Raises:
        TypeError: ``f`` is no path, ``model`` no Module, ``optimizer`` no Optimizer; a value is
            something else than listed.
        OSError: the file cannot be written there.

    Example:
        >>> import tempfile, xtensor as xt
        >>> net = xt.Linear(3, 2)
        >>> optimizer = xt.Adam(net.parameters())
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     xt.save_checkpoint(f"{directory}/run", net, optimizer, epoch=3, losses=[0.7, 0.4])
        ...     xt.load_checkpoint(f"{directory}/run", net, optimizer)
        {'epoch': 3, 'losses': [0.7, 0.4]}
    """
    where = "save_checkpoint"
    path = as_path(f, where)
    _check_kinds(where, model, optimizer)
    for name, value in values.items():
        _check_plain(where, name, value)
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    more: dict[str, Any] = {"rng": get_rng_state(), "values": values, "optimizer": None}
    if optimizer is not None:
        state = optimizer.state_dict()
        for name, value in state["options"].items():
            _check_plain(where, f"the optimizer's {name}", value)
        more["optimizer"] = {**state, "state": [entry["step"] for entry in state["state"]]}
        for position, entry in enumerate(state["state"]):
            for slot, tensor in entry.items():
                if isinstance(tensor, XTensor):
                    tensors[f"optimizer.{position}.{slot}"] = tensor
    write_tensors(where, path, tensors, {"checkpoint": more})


def load_checkpoint(
    f: FilePath, model: Module, optimizer: Optimizer | None = None
) -> dict[str, Any]:
    """Put a run back to where ``save_checkpoint`` found it: all of it, or nothing is changed.

    Make the model and the optimizer as in the run that was saved, then call this. Values take the
    dtype and device they have here.

    Args:
        f: path of a file that ``save_checkpoint`` wrote.
        model: takes the parameters and buffers.
        optimizer: takes options and state. None leaves those in the file, as for a model that is
            only used.

    Returns:
        The values that were saved. xtensor's random numbers go on as they would have after
        saving.

    Raises:
        TypeError: ``f`` is no path, ``model`` no Module, ``optimizer`` no Optimizer.
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, no checkpoint, or of another model or optimizer.

    Example:
        >>> import xtensor as xt
        >>> xt.load_checkpoint("nowhere", xt.Linear(3, 2))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        FileNotFoundError: load_checkpoint: there is no file nowhere. ...
    """
    where = "load_checkpoint"
    path = as_path(f, where)
    _check_kinds(where, model, optimizer)
    tensors, more = read_tensors(where, path)
    if not isinstance(more, dict) or "checkpoint" not in more:
        raise refusal(
            where, path, "it is a file of tensors but no checkpoint",
            "take one that save_checkpoint wrote, or read it with load_parameters",
        )  # fmt: skip
    kept = more["checkpoint"]
    parameters = {
        name.removeprefix("model."): tensor
        for name, tensor in tensors.items()
        if name.startswith("model.")
    }
    state = None if optimizer is None else _optimizer_state(where, path, kept, tensors)
    before = [(tensor, tensor.array) for tensor in model.state_dict().values()]
    model.load_state_dict(parameters)
    if optimizer is not None and state is not None:
        try:
            optimizer.load_state_dict(state)
        except BaseException:
            for tensor, array in before:
                tensor.array = array
            raise
    set_rng_state(kept["rng"])
    values: dict[str, Any] = kept["values"]
    return values


def _optimizer_state(
    where: str, path: Any, kept: dict[str, Any], tensors: dict[str, XTensor]
) -> dict[str, Any]:
    """What ``Optimizer.load_state_dict`` takes, from its JSON and tensors."""
    state = kept["optimizer"]
    if state is None:
        raise refusal(
            where, path, "it was saved without an optimizer", "call load_checkpoint(f, model)"
        )
    entries: list[dict[str, Any]] = [{"step": step} for step in state["state"]]
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, position, slot = name.split(".", 2)
            entries[int(position)][slot] = tensor
    return {**state, "state": entries}


def _check_kinds(where: str, model: Any, optimizer: Any) -> None:
    if not isinstance(model, Module):
        raise TypeError(message(where, "model", f"of type {type(model).__name__}", "a Module"))
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(
            message(where, "optimizer", f"of type {type(optimizer).__name__}",
                    "an Optimizer or None", "name other values, as in epoch=3")
        )  # fmt: skip


def _check_plain(where: str, name: str, value: Any) -> None:
    """Refuse what would not come back from JSON as it was."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return
    if isinstance(value, list):
        for position, item in enumerate(value):
            _check_plain(where, f"{name}[{position}]", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(message(where, f"a key of {name}", shown(key), "a str"))
            _check_plain(where, f"{name}[{key!r}]", item)
    else:
        remedy = ""
        if isinstance(value, tuple):
            remedy = "pass list(...)"
        elif hasattr(value, "item") and getattr(value, "size", 0) == 1:
            remedy = "call its item()"
        elif hasattr(value, "tolist"):
            remedy = "call its tolist()"
        elif isinstance(value, XTensor):
            remedy = "register it as a buffer of the model"
        raise TypeError(
            message(where, name, f"of type {type(value).__name__}",
                    "None, a bool, number or string, or a list or dict of those", remedy)
        )  # fmt: skip
