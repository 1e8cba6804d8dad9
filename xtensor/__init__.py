from ._version import __version__
from . import autograd
from .tensor import XTensor, Parameter, xtensor, to_xtensor
from . import methods
from .ops.elementwise import add, mul, exp
from .ops.activation import relu
from .module import Module, ModuleList
from .dtype import *
from .ops.random import get_rng_state, manual_seed, randn, randperm, randu, set_rng_state
from . import initializer
from .ops.creation import (
    arange, eye, full, full_like, linspace, logspace, ones, ones_like, zeros, zeros_like,
)
