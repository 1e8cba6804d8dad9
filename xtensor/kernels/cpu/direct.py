"""Direct convolution: vectors of channels, meeting numbers of the source one by one.

    sums[p, c] = sum over t of source[places[p] + shifts[t]] * panel[t, c]

is all there is to it. A tile of six results p and two vectors of channels c stays in registers; for
each t, two vectors are loaded and six numbers repeated. Where one vector or less is left, a tile
has eight results. Since results are listed, a step, dilation or phase changes nothing in the loop,
and nothing is computed between rows of results.

    forward           p a result, t a channel and kernel element, c an output channel
    input gradient    p a cell of x, t an output channel and kernel element, c a channel
    weight gradient   p a channel and kernel element, t a result, c an output channel

The sums of a block lie result by result, and are transposed where they are written.

Source of the tile: Georganas et al., "Anatomy of high-performance deep learning convolutions on
SIMD architectures" (2018).
"""

from __future__ import annotations

from .cells import clear_cells, inlined, move_rows, tiled
from .direct_plan import BLOCK, NARROW_TILE, TILE, Bands, Units
from .exponential import I64
from .product import PANEL, transpose
from .simd import (
    add_places,
    add_tile,
    lanes_of,
    numbers_at,
    pointer,
    store_tile,
    transpose_whole,
    zero_tile,
)

# mypy: disable-error-code="no-untyped-def"

# Terms that are summed up by themselves, before the sum of those before is added: their rows of a
# panel, 32 KB in float32, stay in a near cache while they meet a block of results, and float32 does
# not lose what is added last. In one go, sums over 400,000 numbers had a relative error of 8e-6.
DEEP = 256
# Numbers of a walk in its table.
FIELDS = len(Bands._fields)


@inlined
def sum_tile(sums, c, begin, i, step, source, base, places, at, shifts, depths, first, end, panel,
             j, count, rows, columns):  # fmt: skip
    """The terms from ``first`` on of ``sum_terms``, for as many columns as a tile has."""
    for p in range(0, count, rows):
        tile = zero_tile(sums, rows, columns)
        for t in range(first, end):
            tile = add_places(tile, source, base + shifts[t], places, at + p, panel,
                              j + depths[t] + c)  # fmt: skip
        store_tile(sums, p * PANEL + c, PANEL, add_tile(tile, begin, i + p * step + c, step))


@inlined
def sum_terms(sums, begin, i, step, source, base, places, at, shifts, depths, first, terms, panel,
              j, count, columns):  # fmt: skip
    """sums[p * PANEL + c] = begin[i + p * step + c] + sum over t from ``first`` on, ``terms``, of
        source[base + places[at + p] + shifts[t]] * panel[j + depths[t] + c]

    for p < count and c < columns, both rounded up to whole tiles.
    """
    lanes = lanes_of(sums)
    for t in range(first, first + max(terms, 1), DEEP):
        end = min(t + DEEP, first + terms)
        for c in range(0, columns, 2 * lanes):
            if columns - c > lanes:
                sum_tile(sums, c, begin, i, step, source, base, places, at, shifts, depths, t, end,
                         panel, j, count, TILE, 2)  # fmt: skip
            else:
                sum_tile(sums, c, begin, i, step, source, base, places, at, shifts, depths, t, end,
                         panel, j, count, NARROW_TILE, 1)  # fmt: skip
        begin, i, step = sums, 0, PANEL


@inlined
def lay_boxes(box, wide, size, source, n0, n1, channels, c0, c1, volume, laid, first, end, steps):
    """The boxes [sample, wide, size] of a band: samples n0..n1-1 and channels c0..c1-1.

    Of each, place, cell, rows and count of laid[first:end] say from which cell to which place so
    many rows of so many cells move, see ``move_rows``; with no rows, so many cells become 0.
    """
    for n in range(n0, n1):
        for c in range(c0, c1):
            to, begin = ((n - n0) * wide + c - c0) * size, (n * channels + c) * volume
            for r in range(first, end, 4):
                if laid[r + 2]:
                    move_rows(box, to + laid[r], source, begin + laid[r + 1], laid[r + 2],
                              laid[r + 3], steps)  # fmt: skip
                else:
                    clear_cells(box, to + laid[r], laid[r + 3])


@inlined
def turn_block(turned, sums, begin, count, columns):
    """turned[c * BLOCK + p] = sums[begin + p * PANEL + c], p < count, c < columns, and more"""
    lanes = lanes_of(turned)
    for p in range(0, count, lanes):
        for c in range(0, columns, lanes):
            transpose_whole(turned, c * BLOCK + p, BLOCK, sums, begin + p * PANEL + c, PANEL)


@tiled
def correlate(start, stop, out, source, panels, bias, tasks, walks, laid, places, shifts, depths,
              runs, out_steps, box, sums, turned):  # fmt: skip
    """Tasks start..stop-1: a band of some samples each, and some of the panels.

    tasks [task, 2]: the walk it belongs to and its number there; walks: ``Bands`` of each.
    out [samples, rows, out_volume] and source [samples, channels, volume], flat.
    """
    before = -1
    for task in range(start, stop):
        walk, index = tasks[2 * task], tasks[2 * task + 1]
        sizes = Bands(*numbers_at(pointer(walks), walk * FIELDS, FIELDS))
        samples, rows, channels, groups = sizes.samples, sizes.rows, sizes.channels, sizes.groups
        per_row, per_channel = rows // groups, channels // groups
        per_group = -(-per_row // PANEL)
        per_split = -(-groups * per_group // sizes.splits)
        if walk != before and not sizes.in_place:
            clear_cells(pointer(box), 0, sizes.together * per_channel * sizes.box)
        before = walk
        split, stretch = index % sizes.splits, index // sizes.splits
        band, block = stretch % sizes.bands, stretch // sizes.bands
        n0, n1 = block * sizes.together, min((block + 1) * sizes.together, samples)
        is_short = band == sizes.bands - 1 if sizes.bands > 1 else n1 == samples
        due, table = (sizes.short, sizes.short_at) if is_short else (sizes.whole, sizes.whole_at)
        first, end = split * per_split, min((split + 1) * per_split, groups * per_group)
        for group in range(first // per_group, (end - 1) // per_group + 1):
            cells, base = pointer(box), 0
            if sizes.in_place:
                cells = pointer(source)
                base = (n0 * channels + group * per_channel) * sizes.volume + band * sizes.band_in
            else:
                begin = sizes.laid_at + band * sizes.laid_each
                lay_boxes(cells, per_channel, sizes.box, pointer(source), n0, n1, channels,
                          group * per_channel, (group + 1) * per_channel, sizes.volume,
                          pointer(laid), begin, begin + sizes.laid_each,
                          (sizes.box_row, I64(1), sizes.source_row))  # fmt: skip
            panel0, panel1 = max(first, group * per_group), min(end, (group + 1) * per_group)
            for at in range(0, due, BLOCK):
                count, k = min(BLOCK, due - at), sizes.runs_at + at // BLOCK * sizes.runs_each
                for panel in range(panel0, panel1):
                    row = group * per_row + panel % per_group * PANEL
                    columns = min(PANEL, (group + 1) * per_row - row)
                    sum_terms(pointer(sums), pointer(bias), row, 0, cells, base, pointer(places),
                              table + at, pointer(shifts), pointer(depths), sizes.terms_at,
                              sizes.terms, pointer(panels), panel * sizes.panel, count,
                              columns)  # fmt: skip
                    turn_block(pointer(turned), pointer(sums), 0, count, columns)
                    begin = (n0 * rows + row) * sizes.out_volume + band * sizes.band_out
                    for r in range(k, k + sizes.runs_each, 3):
                        given = min(runs[r + 2], count - runs[r])
                        if given > 0:
                            move_rows(pointer(out), begin + runs[r + 1], pointer(turned), runs[r],
                                      columns, given, out_steps)  # fmt: skip


@tiled
def sum_weights(start, stop, partial, grad, x, sizes, steps, laid, places, shifts, depths,
                out_steps, box, grads, totals, turned):  # fmt: skip
    """Tasks start..stop-1: some units, some channels of a group and a panel of its outputs.

    A unit is a band of a sample or, where there is one band, some samples. partial [part, O,
    C / groups, element], grad [N, O, out_volume] and x [N, C, volume], flat; sizes: ``Units``.
    """
    sizes = Units(*sizes)
    samples, outputs, channels, groups = sizes.samples, sizes.outputs, sizes.channels, sizes.groups
    per_output, per_input = outputs // groups, channels // groups
    panels, cuts = -(-per_output // PANEL), -(-per_input // sizes.wide)
    clear_cells(pointer(box), 0, box.size)
    for index in range(start, stop):
        panel, cut = index % panels, index // panels % cuts
        group, part = index // panels // cuts % groups, index // panels // cuts // groups
        row = group * per_output + panel * PANEL
        columns = min(PANEL, (group + 1) * per_output - row)
        c0, c1 = cut * sizes.wide, min((cut + 1) * sizes.wide, per_input)
        taps = (c1 - c0) * sizes.elements
        clear_cells(pointer(totals), 0, totals.size)
        for unit in range(part * sizes.per_part, min((part + 1) * sizes.per_part, sizes.units)):
            n0, band = unit // sizes.bands * sizes.together, unit % sizes.bands
            n1 = min(n0 + sizes.together, samples)
            count = sizes.whole if band < sizes.bands - 1 else sizes.last
            for n in range(n0, n1):
                transpose(pointer(grads), (n - n0) * count * PANEL, PANEL, pointer(grad),
                          (n * outputs + row) * sizes.out_volume + band * sizes.whole,
                          sizes.out_volume, columns, count)  # fmt: skip
            cells, base, channel = pointer(box), 0, group * per_input
            if sizes.in_place:
                cells = pointer(x)
                base = (n0 * channels + channel + c0) * sizes.volume + band * sizes.band_in
            else:
                lay_boxes(cells, sizes.wide, sizes.box, pointer(x), n0, n1, channels, channel + c0,
                          channel + c1, sizes.volume, pointer(laid), band * sizes.laid_each,
                          (band + 1) * sizes.laid_each, steps)  # fmt: skip
            sum_terms(pointer(totals), pointer(totals), 0, PANEL, cells, base, pointer(shifts),
                      sizes.last_at if c1 == per_input else 0, pointer(places), pointer(depths),
                      0, (n1 - n0) * count, pointer(grads), 0, taps, columns)  # fmt: skip
        begin = ((part * outputs + row) * per_input + c0) * sizes.elements
        for at in range(0, taps, BLOCK):
            turn_block(pointer(turned), pointer(totals), at * PANEL, min(BLOCK, taps - at),
                       columns)  # fmt: skip
            move_rows(pointer(partial), begin + at, pointer(turned), 0, columns,
                      min(BLOCK, taps - at), out_steps)  # fmt: skip
