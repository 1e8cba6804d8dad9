"""Formulas written out with NumPy and math, one number at a time."""

import math

import numpy as np


def each(function):
    """The function applied to one number after another, broadcasting its arguments."""

    def loop(*arrays):
        shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
        flat = [np.broadcast_to(a, shape).ravel() for a in arrays]
        values = [function(*numbers) for numbers in zip(*flat, strict=True)]
        return np.array(values).reshape(shape) if values else np.empty(shape)

    return loop


add = each(lambda x, y: x + y)
sub = each(lambda x, y: x - y)
mul = each(lambda x, y: x * y)
divide = each(lambda x, y: x / y)
power = each(lambda x, y: float(x) ** float(y))
neg = each(lambda x: -x)
absolute = each(lambda x: x if x > 0 else -x)
square = each(lambda x: x * x)
sign = each(lambda x: float(x > 0) - float(x < 0))
floor = each(math.floor)
ceil = each(math.ceil)
nearest = each(lambda x: float(round(x)))
reciprocal = each(lambda x: 1 / x)
exp = each(math.exp)
log = each(math.log)
sqrt = each(math.sqrt)
sin, cos, tan = each(math.sin), each(math.cos), each(math.tan)
asin, acos, atan = each(math.asin), each(math.acos), each(math.atan)
sinh, cosh, tanh = each(math.sinh), each(math.cosh), each(math.tanh)
