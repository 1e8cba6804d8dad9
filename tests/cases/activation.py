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
}
far = np.array([-1000.0, 1000.0])
cases = unary_rows(ACTIVATIONS)
cases += [
    Case("leaky_relu", lambda x: xt.leaky_relu(x, 0.3), naive.leaky_relu(0.3),
         [away_from(normal(1, 4), [0])], "alpha"),
    Case("elu", lambda x: xt.elu(x, 0.3), naive.elu(0.3), [away_from(normal(2, 4), [0])], "alpha"),
    Case("sigmoid", xt.sigmoid, lambda x: np.array([0.0, 1.0]), [far], "no-overflow", grad=()),
    Case("softplus", xt.softplus, lambda x: np.array([0.0, 1000.0]), [far], "no-overflow", grad=()),
    Case("elu", xt.elu, lambda x: np.array([-1.0, 1000.0]), [far], "no-overflow", grad=()),
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
        Wrong(_name, lambda f=_function: f([1.0], "x"), ValueError, [_name, "alpha", "'x'"]),
        Wrong(_name, lambda f=_function: f([1.0], float("nan")), ValueError, [_name, "alpha"]),
    ]
