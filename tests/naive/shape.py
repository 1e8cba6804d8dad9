"""Shapes, one element at a time: each oracle says where an element of the result comes from."""

import itertools

import numpy as np


def from_places(shape, source):
    """An array whose element at index i is ``source(i)``."""
    out = np.empty(shape)
    for index in itertools.product(*[range(n) for n in shape]):
        out[index] = source(index)
    return out


def reshape(*shape):
    def oracle(x):
        elements = [x[i] for i in itertools.product(*[range(n) for n in x.shape])]
        out = np.empty(shape)
        for index, value in zip(
            itertools.product(*[range(n) for n in shape]), elements, strict=True
        ):
            out[index] = value
        return out

    return oracle


def permute(*axes):
    def oracle(x):
        def source(index):
            back = [0] * x.ndim
            for place, axis in enumerate(axes):
                back[axis] = index[place]
            return x[tuple(back)]

        return from_places([x.shape[a] for a in axes], source)

    return oracle


def broadcast_to(*shape):
    def oracle(x):
        extra = len(shape) - x.ndim
        return from_places(
            shape,
            lambda index: x[
                tuple(0 if n == 1 else index[extra + a] for a, n in enumerate(x.shape))
            ],
        )

    return oracle


def tile(*reps):
    def oracle(x):
        ndim = max(x.ndim, len(reps))
        inner = [1] * (ndim - x.ndim) + list(x.shape)
        copies = [1] * (ndim - len(reps)) + list(reps)
        x = x.reshape(inner)
        return from_places(
            [n * r for n, r in zip(inner, copies, strict=True)],
            lambda index: x[tuple(i % n for i, n in zip(index, inner, strict=True))],
        )

    return oracle


def flip(*axes):
    def oracle(x):
        return from_places(
            x.shape,
            lambda index: x[
                tuple(x.shape[a] - 1 - i if a in axes else i for a, i in enumerate(index))
            ],
        )

    return oracle


def concatenate(axis):
    def oracle(*parts):
        shape = list(parts[0].shape)
        shape[axis] = sum(p.shape[axis] for p in parts)

        def source(index):
            at = index[axis]
            for part in parts:
                if at < part.shape[axis]:
                    return part[(*index[:axis], at, *index[axis + 1 :])]
                at -= part.shape[axis]
            raise IndexError

        return from_places(shape, source)

    return oracle


def stack(axis):
    def oracle(*parts):
        shape = list(parts[0].shape)
        shape.insert(axis, len(parts))
        return from_places(shape, lambda i: parts[i[axis]][(*i[:axis], *i[axis + 1 :])])

    return oracle


def masked_fill(value):
    def oracle(x, mask):
        extra = x.ndim - mask.ndim

        def source(index):
            place = tuple(0 if n == 1 else index[extra + axis] for axis, n in enumerate(mask.shape))
            return value if mask[place] else x[index]

        return from_places(x.shape, source)

    return oracle
