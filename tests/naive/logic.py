"""Comparisons, truth and selection, one number at a time."""

import math

from .elementwise import each

less = each(lambda x, y: bool(x < y))
less_equal = each(lambda x, y: bool(x <= y))
greater = each(lambda x, y: bool(x > y))
greater_equal = each(lambda x, y: bool(x >= y))
equal = each(lambda x, y: bool(x == y))
not_equal = each(lambda x, y: bool(x != y))
logical_and = each(lambda x, y: bool(x) and bool(y))
logical_or = each(lambda x, y: bool(x) or bool(y))
logical_xor = each(lambda x, y: bool(x) != bool(y))
logical_not = each(lambda x: not bool(x))
isfinite = each(math.isfinite)
isinf = each(math.isinf)
isnan = each(math.isnan)
isneginf = each(lambda x: x == -math.inf)
isposinf = each(lambda x: x == math.inf)
maximum = each(lambda x, y: math.nan if x != x or y != y else max(x, y))
minimum = each(lambda x, y: math.nan if x != x or y != y else min(x, y))
where = each(lambda c, x, y: x if c else y)


def clip(low, high):
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    return each(lambda x: min(max(x, low), high))
