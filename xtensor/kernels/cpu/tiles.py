"""How a convolution is cut into tiles."""

from __future__ import annotations

# What the source lines of a tile may take: half of a common second-level cache.
TILE_BYTES = 512 * 1024
# Positions that make a vector loop worth its start.
LONG = 96
# Positions that make a sum over them worth its end, where the lanes of vectors are added up.
LONG_SUM = 512
# Enough tiles to keep the threads of a small machine busy to the end, where tiles may not follow
# their number because sums are cut up with them.
MIN_TILES = 16
# What the parts of a weight gradient may take together.
PART_BYTES = 16 << 20


def channel_tile(
    samples: int, sample_bytes: int, positions: int, channels: int, per_group: int, enough: int
) -> tuple[tuple[int, int], int]:
    """Samples and written channels of a tile, and how many tiles there are.

    Channels are only cut where samples do not make enough tiles, as every tile reads all source
    channels of its groups. A block of channels is a number of whole groups, or part of the only
    group in fours.

    Args:
        samples: N.
        sample_bytes: what one group of one sample takes that is read.
        positions: how many of them a sample has.
        channels: how many are written.
        per_group: how many of those belong to a group.
        enough: how many tiles there shall be, if possible.

    Example:
        >>> channel_tile(64, 4 * 28 * 28, 28 * 28, 6, 6, 16)
        ((4, 6), 16)
        >>> channel_tile(2, 4 * 64 * 56 * 56, 56 * 56, 64, 64, 16)
        ((1, 8), 16)
        >>> channel_tile(16, 4 * 512 * 49, 49, 512, 512, 8)
        ((2, 512), 8)
    """
    long = max(-(-samples // enough), -(-LONG // max(1, positions)))
    block = max(1, min(long, samples, TILE_BYTES // max(1, sample_bytes)))
    rows = -(-samples // block)
    width = cut_channels(channels, per_group, rows, enough)
    return (block, width), rows * -(-channels // width)


def cut_channels(channels: int, per_group: int, rows: int, enough: int) -> int:
    """How many channels a block has, so that ``rows`` times the blocks are about ``enough``."""
    unit = per_group if per_group < channels else 4
    units = -(-channels // unit)
    blocks = min(units, -(-enough // max(1, rows)))
    return min(channels, -(-units // blocks) * unit)


def weight_tile(
    samples: int, positions: int, outputs: int, channels: int, per_group: int, weight_bytes: int,
    itemsize: int,
) -> tuple[tuple[int, int], int, int]:  # fmt: skip
    """Samples and input channels of a tile of a weight gradient, samples of a part, and parts.

    A tile has enough positions for a long sum, as far as lines of all its outputs fit. Every part
    has a partial sum of the size of the weight, so large weights have few parts and are cut along
    their channels instead.

    Args:
        positions: of one output of one sample.
        outputs: of one group.

    Example:
        >>> weight_tile(64, 28 * 28, 6, 1, 1, 600, 4)
        ((1, 1), 4, 16)
        >>> weight_tile(16, 49, 512, 512, 512, 4 * 512 * 512 * 9, 4)
        ((5, 32), 16, 1)
    """
    positions = max(1, positions)
    fitting = TILE_BYTES // (positions * outputs * itemsize)
    block = max(1, min(samples, -(-LONG_SUM // positions), fitting))
    parts = max(1, min(MIN_TILES, -(-samples // block), PART_BYTES // weight_bytes))
    per_part = max(1, -(-samples // parts))
    parts = max(1, -(-samples // per_part))
    width = cut_channels(channels, per_group, parts, MIN_TILES)
    return (min(block, per_part), width), per_part, parts
