"""xtensor: tensors, a gradient tape, layers and optimizers over kernels that can be read.

import xtensor as xt

x = xt.XTensor([1.0, 2.0], requires_grad=True)
with xt.autograd.tape():
    y = xt.sums(x * x)
y.backward()
print(x.grad)
"""

import typing as _typing

from . import autograd, compat, datasets, initializer, module, optimizer, sequence, storage
from ._version import __version__
from .checkpoint import load_checkpoint, save_checkpoint
from .device import (
    DEV_CPU, DEV_GPU_0, DEV_GPU_1, DEV_GPU_2, DEV_GPU_3, DEV_GPU_4, DEV_GPU_5, DEV_GPU_6, DEV_GPU_7,
    DEV_GPU_8, DEV_GPU_9,
)  # fmt: skip
from .dtype import kbool, kfloat32, kfloat64, kint8, kint32, kint64, kuint8
from .errors import nearest as _nearest
from .layers.dropout import Dropout
from .layers.embedding import Embedding
from .layers.linear import Linear
from .layers.loss import (
    BinaryCrossEntropy, CategoricalCrossEntropy, CrossEntropyLoss, MeanSquaredError, NLL_Loss,
    SoftmaxCrossEntropy,
)  # fmt: skip
from .layers.norm import BatchNorm1d, BatchNorm2d, LayerNorm1d, LayerNorm2d, LayerNormNd
from .initializer import he_uniform, kaiming_uniform, xavier_normal, xavier_uniform
from .layers.conv import Conv1D, Conv2D, ConvT2D
from .layers.pixel import Pixel_Shuffle, Pixel_Unshuffle
from .layers.pool import AvgPool1D, AvgPool2D, MaxPool1D, MaxPool2D
from .layers.recurrent import (
    GRU, LSTM, RNN, Dynamic_GRU, Dynamic_LSTM, Dynamic_RNN,
)  # fmt: skip
from .module import Module, ModuleList
from .ops.activation import (
    elu, gelu, hard_sigmoid, leaky_relu, relu, sigmoid, softplus, softsign,
)  # fmt: skip
from .ops.conv import conv1d, conv2d, conv3d
from .ops.conv_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from .ops.creation import (
    arange, eye, full, full_like, linspace, logspace, ones, ones_like, zeros, zeros_like,
)  # fmt: skip
from .ops.dropout import dropout
from .ops.elementwise import (
    abs, acos, add, asin, atan, ceil, cos, cosh, divide, exp, floor, log, mul, neg, power,
    reciprocal, round, sign, sin, sinh, sqrt, square, sub, tan, tanh,
)  # fmt: skip
from .ops.embedding import embedding
from .ops.logic import (
    clip, equal, greater, greater_equal, isfinite, isinf, isnan, isneginf, isposinf, less,
    less_equal, logical_and, logical_not, logical_or, logical_xor, maximum, minimum, not_equal,
    where,
)  # fmt: skip
from .ops.loss import (
    binary_cross_entropy, categorical_cross_entropy, cross_entropy, mean_squared_error, nll_loss,
    softmax_cross_entropy,
)  # fmt: skip
from .ops.matrix import diag, kron, trace, tril, triu
from .ops.matmul import linear, matmul
from .ops.multinomial import multinomial
from .ops.pixel import pixel_shuffle, pixel_unshuffle
from .ops.pool import (
    avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d,
)  # fmt: skip
from .ops.norm import batch_norm, layer_norm
from .ops.random import get_rng_state, manual_seed, randn, randperm, randu, set_rng_state
from .ops.recurrent import gru, lstm, rnn
from .ops.reduce import all, any, argmax, argmin, max, mean, min, sums
from .ops.shape import (
    broadcast, broadcast_to, concatenate, flatten, flip, masked_fill, permute, reshape, squeeze,
    stack, swapaxis, tile, transpose, unsqueeze,
)  # fmt: skip
from .ops.scan import cumsum
from .ops.sort import argsort, argtopK, nonzero, sort, topK
from .ops.statistics import frobenius_norm, median, std, var
from .ops.softmax import log_softmax, softmax
from .optimizer import SGD, Adadelta, Adagrad, Adam, Adamax, Optimizer, RMSProp
from .sequence import (
    PackedSequence, pack_pad_sequence, pad_pack_sequence, pad_packed_sequence, pad_sequence,
)  # fmt: skip
from .storage import load_parameters, save_parameters
from .summary import summary
from .tensor import Parameter, XTensor, from_dlpack, to_xtensor, xtensor

# Writing ops and kernels: docs/own-op.md.
from .device import empty_like
from .elementwise import apply
from .gradcheck import gradcheck
from .kernels import cpu_kernel, cuda_kernel, elementwise_kernel, launch
from .kernels.threads import get_num_threads, set_num_threads
from .op import Op

from . import methods  # last: it hangs the ops on XTensor  # isort: skip

__all__ = [
    "autograd", "compat", "datasets", "initializer", "module", "optimizer", "sequence", "storage",
    "__version__",
    "load_checkpoint", "save_checkpoint",
    "DEV_CPU", "DEV_GPU_0", "DEV_GPU_1", "DEV_GPU_2", "DEV_GPU_3", "DEV_GPU_4", "DEV_GPU_5",
    "DEV_GPU_6", "DEV_GPU_7", "DEV_GPU_8", "DEV_GPU_9",
    "kbool", "kfloat32", "kfloat64", "kint8", "kint32", "kint64", "kuint8",
    "Dropout",
    "Embedding",
    "Linear",
    "BinaryCrossEntropy", "CategoricalCrossEntropy", "CrossEntropyLoss", "MeanSquaredError",
    "NLL_Loss", "SoftmaxCrossEntropy",
    "BatchNorm1d", "BatchNorm2d", "LayerNorm1d", "LayerNorm2d", "LayerNormNd",
    "he_uniform", "kaiming_uniform", "xavier_normal", "xavier_uniform",
    "Conv1D", "Conv2D", "ConvT2D",
    "Pixel_Shuffle", "Pixel_Unshuffle",
    "AvgPool1D", "AvgPool2D", "MaxPool1D", "MaxPool2D",
    "GRU", "LSTM", "RNN", "Dynamic_GRU", "Dynamic_LSTM", "Dynamic_RNN",
    "Module", "ModuleList",
    "elu", "gelu", "hard_sigmoid", "leaky_relu", "relu", "sigmoid", "softplus", "softsign",
    "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "arange", "eye", "full", "full_like", "linspace", "logspace", "ones", "ones_like", "zeros",
    "zeros_like",
    "dropout",
    "abs", "acos", "add", "asin", "atan", "ceil", "cos", "cosh", "divide", "exp", "floor",
    "log", "mul", "neg", "power", "reciprocal", "round", "sign", "sin", "sinh", "sqrt",
    "square", "sub", "tan", "tanh",
    "embedding",
    "clip", "equal", "greater", "greater_equal", "isfinite", "isinf", "isnan", "isneginf",
    "isposinf", "less", "less_equal", "logical_and", "logical_not", "logical_or",
    "logical_xor", "maximum", "minimum", "not_equal", "where",
    "binary_cross_entropy", "categorical_cross_entropy", "cross_entropy", "mean_squared_error",
    "nll_loss", "softmax_cross_entropy",
    "diag", "kron", "trace", "tril", "triu",
    "linear", "matmul",
    "multinomial",
    "pixel_shuffle", "pixel_unshuffle",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d",
    "batch_norm", "layer_norm",
    "get_rng_state", "manual_seed", "randn", "randperm", "randu", "set_rng_state",
    "gru", "lstm", "rnn",
    "all", "any", "argmax", "argmin", "max", "mean", "min", "sums",
    "broadcast", "broadcast_to", "concatenate", "flatten", "flip", "masked_fill", "permute",
    "reshape", "squeeze", "stack", "swapaxis", "tile", "transpose", "unsqueeze",
    "cumsum",
    "argsort", "argtopK", "nonzero", "sort", "topK",
    "frobenius_norm", "median", "std", "var",
    "log_softmax", "softmax",
    "SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Optimizer", "RMSProp",
    "PackedSequence", "pack_pad_sequence", "pad_pack_sequence", "pad_packed_sequence",
    "pad_sequence",
    "load_parameters", "save_parameters",
    "summary",
    "Parameter", "XTensor", "from_dlpack", "to_xtensor", "xtensor",
    "empty_like",
    "gradcheck",
    "cpu_kernel", "cuda_kernel", "elementwise_kernel", "launch",
    "get_num_threads", "set_num_threads",
    "Op",
    "apply",
]  # fmt: skip


if not _typing.TYPE_CHECKING:  # which else would take any name to be there

    def __getattr__(name: str) -> _typing.Any:
        near = "" if name.startswith("_") else _nearest(name, __all__)
        hint = f"; the nearest name is {near}" if near else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
