"""How a convolution is cut into tiles, from its shapes alone, the same on every machine."""

from __future__ import annotations

import math

# What an unfolded tile may take: half of a common second-level cache.
TILE_BYTES = 512 * 1024
# Enough tiles to keep the threads of a small machine busy to the end.
MIN_TILES = 16
# What the parts of a weight gradient may take together.
PART_BYTES = 16 << 20


def forward_tile(
    out_shape: tuple[int, ...], rows: int, itemsize: int
) -> tuple[tuple[int, int], int]:
    """Samples and output positions of a tile, and how many tiles there are.

    Args:
        out_shape: [N, O, ...].
        rows: length of an unfolded column.
        itemsize: bytes of an element.

    Example:
        >>> forward_tile((16, 64, 56, 56), 576, 4)
        ((1, 196), 256)
    """
    samples, positions = out_shape[0], math.prod(out_shape[2:])
    fitting = max(1, TILE_BYTES // ((rows + out_shape[1]) * itemsize))
    if positions > fitting:
        pieces = -(-positions // fitting)
        return (1, -(-positions // pieces)), samples * pieces
    block = max(1, min(fitting // positions, -(-samples // MIN_TILES)))
    return (block, positions), -(-samples // block)


def backward_tile(
    out_shape: tuple[int, ...], weight_shape: tuple[int, ...], groups: int, itemsize: int
) -> tuple[tuple[int, int], int]:
    """Samples and input channels of a tile, and how many blocks of channels there are.

    A block of channels is a number of whole groups, or part of the only group.

    Example:
        >>> backward_tile((16, 64, 56, 56), (64, 64, 1, 3, 3), 1, 4)
        ((1, 4), 16)
    """
    samples, per_group = out_shape[0], weight_shape[1]
    column = math.prod(weight_shape[2:]) * math.prod(out_shape[2:]) * itemsize
    unit = per_group if groups > 1 else 1
    units = per_group * groups // unit
    fitting = max(1, TILE_BYTES // (column * unit))
    if units > fitting:
        blocks = -(-units // fitting)
        width = -(-units // blocks)
        return (1, width * unit), -(-units // width)
    block = max(1, min(fitting // units, -(-samples // MIN_TILES)))
    return (block, units * unit), 1


def part_length(samples: int, block: int, blocks: int, weight_bytes: int) -> int:
    """How many samples one part of a weight gradient sums over: a multiple of ``block``."""
    wanted = max(1, min(MIN_TILES // blocks, PART_BYTES // weight_bytes))
    return max(1, -(-samples // (wanted * block))) * block
