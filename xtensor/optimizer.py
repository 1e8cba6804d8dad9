"""Optimizers: they change parameters in place by the gradients the last backward pass left.

One fused kernel per update (``kernels/cpu/optimizer.py``, ``kernels/cuda/optimizer.py``) reads
parameter, gradient and state once. An optimizer of one's own is a subclass with ``update``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .device import Array, device_of, flat, full_like, to_device
from .errors import check_flag, message, shown
from .kernels import launch
from .module import Module
from .tensor import Parameter, XTensor, wrap


class Optimizer:
    """Base class: holds the parameters, their state, and the learning rate.

    A subclass names its state arrays in ``slots``, its constructor arguments in ``options``, and
    writes ``update``, which changes one flat parameter array in place.

    Args:
        params: what ``module.parameters()`` returns, or any tensors that require grad.
        lr: learning rate, 0 or more; ``optimizer.lr`` may be changed between steps.

    Raises:
        TypeError: ``params`` is no list of tensors; an option has the wrong type.
        ValueError: ``params`` is empty, names a tensor twice or one that backward leaves no
            gradient in; an option is NaN, infinite or out of range.

    Example:
        >>> class SignDescent(Optimizer):
        ...     def update(self, parameter, gradient, state, step):
        ...         parameter -= self.lr * np.sign(gradient)
        >>> weights = Parameter([1.0, 2.0])
        >>> weights.grad = XTensor([0.3, -7.0])
        >>> SignDescent([weights], lr=0.5).step()
        >>> weights.to_numpy()
        array([0.5, 2.5], dtype=float32)
    """

    options: tuple[str, ...] = ("lr",)
    slots: tuple[str, ...] = ()

    def __init__(self, params: Iterable[XTensor], lr: float = 0.01) -> None:
        self.params = self._checked_params(params)
        self.lr = lr
        # Per parameter: how often it was updated, and its state arrays once it was.
        self._steps = [0] * len(self.params)
        self._state: list[list[Array]] = [[] for _ in self.params]

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = self._number("lr", value)

    def update(self, parameter: Array, gradient: Array, state: list[Array], step: int) -> None:
        """Change ``parameter`` in place.

        Args:
            parameter, gradient: raw flat arrays of one dtype and device.
            state: one array like ``parameter`` for each name in ``slots``, zeros at the first step.
            step: 1 for the first update of this parameter.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no update; use one of its subclasses, such as SGD or Adam"
        )

    def step(self) -> None:
        """Update every parameter that has a gradient; the others stay as they are.

        Raises:
            TypeError, ValueError: a gradient is no tensor or has another shape, dtype or device
                than its parameter; no parameter has been changed then.
        """
        for position, parameter in enumerate(self.params):
            if parameter.grad is not None:
                self._check_gradient(position, parameter)
        for position, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            array = parameter.writable()
            state = self._state_of(position, array)
            self._steps[position] += 1
            self.update(
                flat(array),
                flat(parameter.grad.array),
                [flat(s) for s in state],
                self._steps[position],
            )

    def zero_grad(self) -> None:
        """Forget all gradients, where the next backward pass may not reach all parameters.

        A pass replaces the gradients it reaches. One it does not reach (heads trained in turn,
        branches left out) stays, and ``step`` would apply it again.

        Example:
            >>> first, second = Parameter([1.0]), Parameter([1.0])
            >>> first.grad = XTensor([0.5])  # of an earlier pass
            >>> optimizer = SGD([first, second], lr=1.0)
            >>> optimizer.zero_grad()
            >>> first.grad is None
            True
        """
        for parameter in self.params:
            parameter.grad = None

    # -- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Options and state, for ``load_state_dict`` of an optimizer of the same class.

        Returns:
            ``{"optimizer": class name, "options": {name: value}, "state": [per parameter
            {"step": count, slot: XTensor}]}``. The tensors keep their values in later steps.
        """
        return {
            "optimizer": type(self).__name__,
            "options": {name: getattr(self, name) for name in self.options},
            "state": [
                {
                    "step": steps,
                    **{n: XTensor(wrap(s)) for n, s in zip(self.slots, state, strict=False)},
                }
                for steps, state in zip(self._steps, self._state, strict=True)
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue where the optimizer that gave ``state_dict`` was.

        Raises:
            TypeError: it is no mapping, or a part of its state is no XTensor.
            ValueError: it is of another class, of other parameters or incomplete; nothing has been
                changed then.
        """
        where = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                message(where, "state_dict", f"of type {type(state_dict).__name__}",
                        "what state_dict() returned")
            )  # fmt: skip
        if state_dict.get("optimizer") != type(self).__name__:
            raise ValueError(
                message(where, "state_dict", f"of {state_dict.get('optimizer')!r}",
                        f"of {type(self).__name__!r}", "make an optimizer of that class")
            )  # fmt: skip
        options, entries = state_dict.get("options", {}), state_dict.get("state", [])
        if set(options) != set(self.options):
            raise ValueError(message(where, "options", sorted(options), sorted(self.options)))
        if len(entries) != len(self.params):
            raise ValueError(
                message(where, "state", f"of {len(entries)} parameters",
                        f"of {len(self.params)}, as this optimizer has")
            )  # fmt: skip
        # Made as any optimizer is, so that options are checked as any are and say which slots go.
        loaded = type(self)(self.params, **options)
        loaded._state = [loaded._checked_state(where, n, e) for n, e in enumerate(entries)]
        loaded._steps = [entry["step"] for entry in entries]
        vars(self).update(vars(loaded))

    def _checked_state(self, where: str, position: int, entry: Mapping[str, Any]) -> list[Array]:
        parameter = self.params[position]
        names = {"step", *self.slots}
        if set(entry) not in ({"step"}, names) or (entry["step"] and set(entry) != names):
            raise ValueError(
                message(where, f"the state of parameter {position}", sorted(entry), sorted(names))
            )
        if not isinstance(entry["step"], int) or entry["step"] < 0:
            raise ValueError(
                message(where, f"step of parameter {position}", shown(entry["step"]), "0 or more")
            )
        arrays = []
        for name in self.slots if len(entry) > 1 else ():
            value = entry[name]
            if not isinstance(value, XTensor):
                raise TypeError(
                    message(where, f"{name} of parameter {position}",
                            f"of type {type(value).__name__}", "an XTensor")
                )  # fmt: skip
            if (value.shape, value.dtype) != (parameter.shape, parameter.dtype):
                raise ValueError(
                    message(where, f"{name} of parameter {position}",
                            f"{value.dtype} of shape {value.shape}",
                            f"{parameter.dtype} of shape {parameter.shape}")
                )  # fmt: skip
            arrays.append(XTensor(value, device=parameter.device).array)
        return arrays

    def _state_of(self, position: int, array: Array) -> list[Array]:
        """The state arrays of one parameter, on its device; zeros at first."""
        state = self._state[position]
        if not state:
            state = [full_like(array, 0) for _ in self.slots]
        elif type(state[0]) is not np.ndarray or type(array) is not np.ndarray:
            state = [to_device(s, device_of(array)) for s in state]
        self._state[position] = state
        return state

    # -- checks -----------------------------------------------------------------------------------

    def _number(
        self, argument: str, value: Any, low: float = 0.0, below: float = math.inf
    ) -> float:
        """``value`` if it is a number with low <= value < below; NaN is in no range."""
        limits = f"a finite number of at least {low:g}" if below == math.inf else (
            f"a number from {low:g} to below {below:g}"
        )  # fmt: skip
        if isinstance(value, (bool, np.bool_)) or not isinstance(
            value, (int, float, np.integer, np.floating)
        ):
            raise TypeError(message(type(self).__name__, argument, shown(value), limits))
        if not low <= value < below:
            raise ValueError(message(type(self).__name__, argument, shown(value), limits))
        return float(value)

    def _checked_params(self, params: Any) -> list[XTensor]:
        where = type(self).__name__
        if isinstance(params, (Module, XTensor, Mapping)) or not isinstance(params, Iterable):
            remedy = {Module: "pass module.parameters()", XTensor: "put it into a list"}
            raise TypeError(
                message(where, "params", f"of type {type(params).__name__}", "a list of tensors",
                        next((r for kind, r in remedy.items() if isinstance(params, kind)), ""))
            )  # fmt: skip
        tensors: list[XTensor] = list(params)
        if not tensors:
            raise ValueError(
                message(where, "params", "empty", "at least one tensor",
                        "assign the layers to attributes of the module before asking for "
                        "module.parameters()")
            )  # fmt: skip
        seen: set[int] = set()
        for position, tensor in enumerate(tensors):
            argument = f"params[{position}]"
            if not isinstance(tensor, XTensor):
                raise TypeError(
                    message(where, argument, f"of type {type(tensor).__name__}", "a tensor")
                )
            # A Parameter that requires no grad is frozen for a while; others never get a gradient.
            if tensor.node is not None or not (
                tensor.requires_grad or isinstance(tensor, Parameter)
            ):
                kind = "a recorded result" if tensor.node is not None else "without requires_grad"
                raise ValueError(
                    message(where, argument, kind, "a Parameter or a leaf that requires grad")
                )
            if id(tensor) in seen:
                raise ValueError(message(where, argument, "the same tensor again", "each once"))
            seen.add(id(tensor))
        return tensors

    def _check_gradient(self, position: int, parameter: XTensor) -> None:
        gradient = parameter.grad
        where, argument = f"{type(self).__name__}.step", f"gradient of params[{position}]"
        if not isinstance(gradient, XTensor):
            raise TypeError(
                message(where, argument, f"of type {type(gradient).__name__}", "an XTensor")
            )
        came, due = (
            (t.array.shape, t.array.dtype, type(t.array), t.device) for t in (gradient, parameter)
        )
        if came != due:
            raise ValueError(
                message(where, argument,
                        f"{gradient.dtype} of shape {gradient.shape} on device {gradient.device}",
                        f"{parameter.dtype} of shape {parameter.shape} on device "
                        f"{parameter.device}, as the parameter is",
                        "move a model before its forward pass, not between backward and step")
            )  # fmt: skip

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.options)
        return f"{type(self).__name__}({len(self.params)} parameters, {options})"


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    v = momentum * v + g;  p -= lr * v, or with nesterov p -= lr * (g + momentum * v).

    Args:
        params: what ``module.parameters()`` returns.
        lr: learning rate.
        momentum: share of the last step that is taken again, 0 or more.
        nesterov: look ahead along the momentum; needs momentum > 0.

    Raises:
        TypeError, ValueError: as for Optimizer; nesterov without momentum.

    Source: I. Sutskever et al., "On the importance of initialization and momentum in deep
    learning", ICML 2013.

    Example:
        >>> weights = Parameter([1.0, 2.0])
        >>> weights.grad = XTensor([10.0, -1.0])
        >>> SGD([weights], lr=0.5).step()
        >>> weights.to_numpy()
        array([-4. ,  2.5], dtype=float32)
    """

    options = ("lr", "momentum", "nesterov")

    def __init__(
        self,
        params: Iterable[XTensor],
        lr: float = 0.01,
        momentum: float = 0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.momentum = self._number("momentum", momentum)
        self.nesterov = check_flag("SGD", "nesterov", nesterov)
        if self.nesterov and not self.momentum:
            raise ValueError(message("SGD", "nesterov", "True with momentum 0", "momentum > 0"))
        self.slots = ("v",) if self.momentum else ()

    def update(self, parameter: Array, gradient: Array, state: list[Array], step: int) -> None:
        number = parameter.dtype.type
        if not state:
            launch("sgd_step", parameter.size, parameter, gradient, number(self.lr))
            return
        launch(
            "sgd_momentum_step", parameter.size, parameter, *state, gradient,
            number(self.lr), number(self.momentum), self.nesterov,
        )  # fmt: skip


class Adam(Optimizer):
    """Steps of a size set by running means of the gradient and of its square.

    m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g**2;
    p -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + epsilon),
    t counting the steps from 1. amsgrad puts the largest v so far under the root.

    Args:
        params: what ``module.parameters()`` returns.
        lr: learning rate.
        beta1, beta2: how much of the running means is kept at each step, 0 to below 1.
        epsilon: added to the root, 0 or more.
        amsgrad: never let the step grow back.

    Raises:
        TypeError, ValueError: as for Optimizer.

    Source: D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, in the form
    at the end of its section 2; S. Reddi et al., "On the Convergence of Adam and Beyond", ICLR
    2018.

    Example:
        >>> weights = Parameter([1.0, 2.0])
        >>> weights.grad = XTensor([10.0, -0.1])
        >>> Adam([weights], lr=0.5).step()
        >>> weights.to_numpy().round(5)
        array([0.5, 2.5], dtype=float32)
    """

    options = ("lr", "beta1", "beta2", "epsilon", "amsgrad")

    def __init__(
        self,
        params: Iterable[XTensor],
        lr: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.beta1 = self._number("beta1", beta1, below=1)
        self.beta2 = self._number("beta2", beta2, below=1)
        self.epsilon = self._number("epsilon", epsilon)
        self.amsgrad = check_flag("Adam", "amsgrad", amsgrad)
        self.slots = ("m", "v", "top") if self.amsgrad else ("m", "v")

    def update(self, parameter: Array, gradient: Array, state: list[Array], step: int) -> None:
        number = parameter.dtype.type
        rate = self.lr * math.sqrt(1 - self.beta2**step) / (1 - self.beta1**step)
        launch(
            "amsgrad_step" if self.amsgrad else "adam_step",
            parameter.size, parameter, *state, gradient, number(rate),
            number(self.beta1), number(1 - self.beta1),
            number(self.beta2), number(1 - self.beta2), number(self.epsilon),
        )  # fmt: skip


class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of the root mean square.

    m = beta1 * m + (1 - beta1) * g;  u = max(beta2 * u + epsilon, abs(g));
    p -= lr / (1 - beta1**t) * m / u, t counting the steps from 1.

    Args:
        params: what ``module.parameters()`` returns.
        lr: learning rate.
        beta1, beta2: how much of m and of u is kept at each step, 0 to below 1.
        epsilon: keeps u above 0.

    Raises:
        TypeError, ValueError: as for Optimizer.

    Source: D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, section 7.1.

    Example:
        >>> weights = Parameter([1.0, 2.0])
        >>> weights.grad = XTensor([10.0, -0.1])
        >>> Adamax([weights], lr=0.5).step()
        >>> weights.to_numpy().round(5)
        array([0.5, 2.5], dtype=float32)
    """

    options = ("lr", "beta1", "beta2", "epsilon")
    slots = ("m", "u")

    def __init__(
        self,
        params: Iterable[XTensor],
        lr: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        self.beta1 = self._number("beta1", beta1, below=1)
        self.beta2 = self._number("beta2", beta2, below=1)
        self.epsilon = self._number("epsilon", epsilon)

    def update(self, parameter: Array, gradient: Array, state: list[Array], step: int) -> None:
        number = parameter.dtype.type
        launch(
            "adamax_step", parameter.size, parameter, *state, gradient,
            number(self.lr / (1 - self.beta1**step)), number(self.beta1), number(1 - self.beta1),
            number(self.beta2), number(self.epsilon),
        )  # fmt: skip


class Adadelta(Optimizer):
    """Steps in the units of the parameter, from running means of squared gradients and changes.

    s = beta * s + (1 - beta) * g**2;  change = g * sqrt((d + epsilon) / (s + epsilon));
    d = beta * d + (1 - beta) * change**2;  p -= lr * change.

    Args:
        params: what ``module.parameters()`` returns.
        lr: learning rate.
        beta: how much of s and d is kept at each step, 0 to below 1.
        epsilon: sets the size of the first steps; above 0 for any step at all.

    Raises:
        TypeError, ValueError: as for Optimizer.

    Source: M. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, 2012.

    Example:
        >>> weights = Parameter([1.0, 2.0])
        >>> weights.grad = XTensor([10.0, -0.1])
        >>> Adadelta([weights], lr=100).step()
        >>> weights.to_numpy().round(4)
        array([0.9, 2.1], dtype=float32)
    """

    options = ("lr", "beta", "epsilon")
    slots = ("s", "d")

    def __init__(
        self,
        params: Iterable[XTensor],
        lr: float = 0.01,
        beta: float = 0.99,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        self.beta = self._number("beta", beta, below=1)
        self.epsilon = self._number("epsilon", epsilon)

    def update(self, parameter: Array, gradient: Array, state: list[Array], step: int) -> None:
        number = parameter.dtype.type
        launch(
            "adadelta_step", parameter.size, parameter, *state, gradient, number(self.lr),
            number(self.beta), number(1 - self.beta), number(self.epsilon),
        )  # fmt: skip


class Adagrad(Optimizer):
    """Steps that shrink by the gradients seen so far.

    s += g**2;  p -= lr * g / (sqrt(s) + epsilon).

    Args:
        params: what ``module.parameters()`` returns.
        lr: learning rate.
        epsilon: added to the root, 0 or more.

    Raises:
        TypeError, ValueError: as for Optimizer.

    Source: J. Duchi et al., "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization", JMLR 12, 2011.

    Example:
        >>> weights = Parameter([1.0, 2.0])
        >>> weights.grad = XTensor([10.0, -0.1])
        >>> Adagrad([weights], lr=0.5).step()
        >>> weights.to_numpy().round(5)
        array([0.5, 2.5], dtype=float32)
    """

    options = ("lr", "epsilon")
    slots = ("s",)

    def __init__(self, params: Iterable[XTensor], lr: float = 0.01, epsilon: float = 1e-8) -> None:
        super().__init__(params, lr)
        self.epsilon = self._number("epsilon", epsilon)

    def update(self, parameter: Array, gradient: Array, state: list[Array], step: int) -> None:
        number = parameter.dtype.type
        launch(
            "adagrad_step", parameter.size, parameter, *state, gradient,
            number(self.lr), number(self.epsilon),
        )  # fmt: skip


class RMSProp(Optimizer):
    """Steps divided by the root of a running mean of squared gradients.

    s = beta * s + (1 - beta) * g**2;  p -= lr * g / (sqrt(s) + epsilon).

    Args:
        params: what ``module.parameters()`` returns.
        lr: learning rate.
        beta: how much of s is kept at each step, 0 to below 1.
        epsilon: added to the root, 0 or more.

    Raises:
        TypeError, ValueError: as for Optimizer.

    Source: T. Tieleman, G. Hinton, lecture 6.5 of "Neural Networks for Machine Learning", 2012.

    Example:
        >>> weights = Parameter([1.0, 2.0])
        >>> weights.grad = XTensor([10.0, -0.1])
        >>> RMSProp([weights], lr=0.5, beta=0.75).step()
        >>> weights.to_numpy().round(5)
        array([0., 3.], dtype=float32)
    """

    options = ("lr", "beta", "epsilon")
    slots = ("s",)

    def __init__(
        self,
        params: Iterable[XTensor],
        lr: float = 0.01,
        beta: float = 0.99,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        self.beta = self._number("beta", beta, below=1)
        self.epsilon = self._number("epsilon", epsilon)

    def update(self, parameter: Array, gradient: Array, state: list[Array], step: int) -> None:
        number = parameter.dtype.type
        launch(
            "rmsprop_step", parameter.size, parameter, *state, gradient, number(self.lr),
            number(self.beta), number(1 - self.beta), number(self.epsilon),
        )  # fmt: skip
