"""Indexing by places written out: which element of the source each element of the result is."""

import itertools

import numpy as np


def getitem(item):
    """Elements picked one by one at the places that ``expected_places`` lists for this item."""

    def oracle(x):
        shape, places = expected_places(x.shape, item)
        return np.array([x[place] for place in places], x.dtype).reshape(shape)

    return oracle


def setitem(item, value):
    def oracle(x):
        shape, places = expected_places(x.shape, item)
        values = np.broadcast_to(value, shape).ravel()
        x = x.copy()
        for place, element in zip(places, values, strict=True):
            x[place] = element
        return x

    return oracle


def expected_places(shape, item):
    """Shape of the result, and for each of its elements, row-major, the index into the source.

    Index arrays broadcast; their axes stand where the first array was, or first of all if a slice,
    an Ellipsis or a new axis stands between two of them. An int beside an array counts as one.
    """
    parts = list(item) if isinstance(item, tuple) else [item]
    arrays = [i for i, p in enumerate(parts) if isinstance(p, (np.ndarray, int))]
    gap = any(i not in arrays for i in range(arrays[0], arrays[-1])) if arrays else False
    taken = sum(0 if p is None or p is Ellipsis else getattr(p, "ndim", 1) if is_mask(p) else 1
                for p in parts)  # fmt: skip
    rest = [slice(None)] * (len(shape) - taken)
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), None)
    parts = parts + rest if at is None else parts[:at] + rest + parts[at + 1 :]
    flat = []
    for part in parts:
        if is_mask(part):
            hits = [i for i in itertools.product(*[range(n) for n in part.shape]) if part[i]]
            flat += [np.array([i[a] for i in hits], int) for a in range(part.ndim)]
        else:
            flat.append(part)
    advanced = any(isinstance(p, np.ndarray) for p in flat)
    if advanced:
        flat = [np.array(p) if isinstance(p, int) else p for p in flat]
    where = [i for i, p in enumerate(flat) if isinstance(p, np.ndarray)]
    together = np.broadcast_shapes(*[flat[i].shape for i in where])
    dims, axis, front = [], 0, []  # dims: (kind, choices) in the order of the result
    sources = []  # per axis of the source: ("dim", number of the dim) or ("array", array) or an int
    for number, part in enumerate(flat):
        if part is None:
            dims.append([None])
        elif isinstance(part, slice):
            sources.append(("dim", len(dims)))
            dims.append(list(range(*part.indices(shape[axis]))))
        elif isinstance(part, np.ndarray):
            if number == where[0]:
                front = len(dims)
            sources.append(("array", np.broadcast_to(part, together)))
        else:
            sources.append(("int", part))
        axis += part is not None
    put = 0 if gap or not advanced else front
    lengths = [len(d) for d in dims]
    result = (*lengths[:put], *together, *lengths[put:]) if advanced else tuple(lengths)
    places = []
    for index in itertools.product(*[range(n) for n in result]):
        inside = index[put : put + len(together)]
        outside = index[:put] + index[put + len(together) :] if advanced else index
        place = []
        for a, (kind, what) in enumerate(sources):
            value = (
                dims[what][outside[what]]
                if kind == "dim"
                else (int(what[inside]) if kind == "array" else what)
            )
            place.append(value % shape[a])
        places.append(tuple(place))
    return result or (1,), places


def is_mask(part):
    return isinstance(part, np.ndarray) and part.dtype == bool
