"""Matrix products, one element and one product at a time."""

import itertools
import math

import numpy as np


def matmul(x, y):
    left = x if x.ndim > 1 else x.reshape(1, -1)
    right = y if y.ndim > 1 else y.reshape(-1, 1)
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    m, n, length = left.shape[-2], right.shape[-1], left.shape[-1]
    out = np.zeros((*batch, m, n), np.result_type(x, y))

    def matrix(array, place):
        own = array.shape[:-2]
        place = place[len(batch) - len(own) :]
        return array[tuple(0 if n == 1 else i for i, n in zip(place, own, strict=True))]

    for place in itertools.product(*[range(n) for n in batch]):
        a, b = matrix(left, place), matrix(right, place)
        for i, j in itertools.product(range(m), range(n)):
            out[(*place, i, j)] = math.fsum(a[i, k].item() * b[k, j].item() for k in range(length))
    shape = (*batch, *[m] * (x.ndim > 1), *[n] * (y.ndim > 1))
    return out.reshape(shape or (1,))


def linear(x, weight, bias=None):
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    out = np.zeros((len(rows), len(weight)))
    for i, j in itertools.product(range(len(rows)), range(len(weight))):
        out[i, j] = math.fsum(rows[i, k] * weight[j, k] for k in range(rows.shape[1]))
        out[i, j] += 0.0 if bias is None else bias[j]
    return out.reshape(*x.shape[:-1], len(weight))
