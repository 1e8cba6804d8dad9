from ._version import __version__
from . import autograd
from .tensor import XTensor, Parameter, xtensor, to_xtensor
from . import methods
from .ops.elementwise import add, mul, exp, relu
from .dtype import *
