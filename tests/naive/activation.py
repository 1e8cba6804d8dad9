"""Activations, one number at a time."""

import math

from .elementwise import each

sigmoid = each(lambda x: 1 / (1 + math.exp(-x)))
softplus = each(lambda x: math.log1p(math.exp(x)))
softsign = each(lambda x: x / (1 + abs(x)))
hard_sigmoid = each(lambda x: 0.0 if x <= -3 else 1.0 if x >= 3 else x / 6 + 0.5)
gelu = each(lambda x: x * math.erfc(-x / math.sqrt(2)) / 2)
gelu_tanh = each(
    lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
)
relu = each(lambda x: x if x > 0 else 0.0)


def leaky_relu(alpha):
    return each(lambda x: x if x >= 0 else alpha * x)


def elu(alpha):
    return each(lambda x: x if x > 0 else alpha * (math.exp(x) - 1))
