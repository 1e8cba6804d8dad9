"""Rows for the activations."""

import numpy as np

import xtensor as xt

from ..naive import activation as naive
from . import Case, Wrong, away_from, normal
from .elementwise import unary_rows

ACTIVATIONS = {
    "sigmoid": (xt.sigmoid, naive.sigmoid, (), -4, 4),
    "softplus": (xt.softplus, naive.softplus, (), -4, 4),
    "softsign": (xt.softsign, naive.softsign, (0,), -4, 4),
    "hard_sigmoid": (xt.hard_sigmoid, naive.hard_sigmoid, (-3, 3), -5, 5),
    "relu": (xt.relu, naive.relu, (0,), -4, 4),
    "leaky_relu": (xt.leaky_relu, naive.leaky_relu(0.01), (0,), -4, 4),
    "elu": (xt.elu, naive.elu(1), (0,), -4, 4),
    "gelu": (xt.gelu, naive.gelu, (), -4, 4),
}


def gelu_tanh(x):
    return xt.gelu(x, "tanh")


far = np.array([-1000.0, 1000.0])
cases = unary_rows(ACTIVATIONS)
cases += [
    Case("leaky_relu", lambda x: xt.leaky_relu(x, 0.3), naive.leaky_relu(0.3),
         [away_from(normal(1, 4), [0])], "alpha"),
    Case("elu", lambda x: xt.elu(x, 0.3), naive.elu(0.3), [away_from(normal(2, 4), [0])], "alpha"),
    Case("sigmoid", xt.sigmoid, lambda x: np.array([0.0, 1.0]), [far], "no-overflow", grad=()),
    Case("softplus", xt.softplus, lambda x: np.array([0.0, 1000.0]), [far], "no-overflow", grad=()),
    Case("elu", xt.elu, lambda x: np.array([-1.0, 1000.0]), [far], "no-overflow", grad=()),
    Case("gelu", xt.gelu, naive.gelu, [np.linspace(-8, -4, 5)], "tail"),
    Case("gelu", xt.gelu, naive.gelu, [np.array([[0.0], [1e-3], [7.0]])], "0-and-far"),
    Case("gelu", gelu_tanh, naive.gelu_tanh, [normal(3, 3, 4)], "tanh"),
    Case("gelu", gelu_tanh, naive.gelu_tanh, [np.zeros((2, 0))], "tanh-empty"),
    Case("gelu", gelu_tanh, naive.gelu_tanh, [np.array(-0.7)], "tanh-zero-dim"),
    Case("gelu", gelu_tanh, naive.gelu_tanh, [np.linspace(-4, 4, 6)], "tanh-wide"),
    Case("gelu", xt.gelu, lambda x: np.array([0.0, 1000.0]), [far], "no-overflow", grad=()),
    Case("gelu", gelu_tanh, lambda x: np.array([0.0, 1000.0]), [far], "tanh-far", grad=()),
    Case("gelu", xt.gelu, lambda x: naive.gelu(x).astype(np.float32), [np.array([-1, 0, 2])],
         "integers"),
    Case("relu", xt.relu, lambda x: x, [np.array([np.nan, 0.0])], "nan-stays", grad=()),
]  # fmt: skip

wrong = []
for _name, (_function, *_) in ACTIVATIONS.items():
    wrong += [
        Wrong(_name, lambda f=_function: f("three"), TypeError, [_name, "str"]),
        Wrong(_name, lambda f=_function: f({}), TypeError, [_name, "dict"]),
        Wrong(_name, lambda f=_function: f(1j), TypeError, [_name, "complex"]),
        Wrong(_name, lambda f=_function: f(object()), TypeError, [_name, "object"]),
        Wrong(_name, lambda f=_function: f([[1], [1, 2]]), TypeError, [_name]),
    ]
for _name in ("leaky_relu", "elu"):
    _function = getattr(xt, _name)
    wrong += [
        Wrong(_name, lambda f=_function: f([1.0], "x"), TypeError, [_name, "alpha", "'x'"]),
        Wrong(_name, lambda f=_function: f([1.0], np.nan), ValueError, [_name, "alpha", "NaN"]),
    ]
for _approximate in ("erf", "", None, True, 1):
    wrong.append(
        Wrong("gelu", lambda a=_approximate: xt.gelu([1.0], a), ValueError,
              ["gelu", "approximate", repr(_approximate), "'tanh'"])
    )  # fmt: skip
