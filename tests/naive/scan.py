"""Running sums, one element after another."""

import numpy as np


def cumsum(axis):
    def along(x):
        lines = np.moveaxis(np.array(x), axis, -1)
        out = np.zeros_like(lines) if lines.dtype.kind == "f" else np.zeros(lines.shape, np.int64)
        for place in np.ndindex(*lines.shape[:-1]):
            total = 0
            for i, value in enumerate(lines[place]):
                total += value.item()
                out[(*place, i)] = total
        return np.moveaxis(out, -1, axis)

    return along
