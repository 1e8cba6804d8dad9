"""Statistics of each line of an array, by Python's own statistics module and math.fsum."""

import math
import statistics

from .reduce import reduction


def var(values, unbiased=True):
    values = list(values)
    if len(values) <= unbiased:
        return math.nan
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - unbiased)


def std(values, unbiased=True):
    return math.sqrt(var(values, unbiased))


def norm(values):
    return math.sqrt(math.fsum(v * v for v in values))


def median(values):
    values = [float(v) for v in values]
    return math.nan if any(map(math.isnan, values)) else statistics.median(values)


__all__ = ["median", "norm", "reduction", "std", "var"]
