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

from .._jit import CpuFunction
from .cells import clear_cells, inlined
from .direct_plan import BLOCK
from .product import PANEL, lay_panel
from .simd import (
    add_places,
    add_tile,
    copy_vector,
    lanes_of,
    load_tile,
    pointer,
    put_seconds,
    store_tile,
    transpose_whole,
    zero_tile,
)

# mypy: disable-error-code="no-untyped-def"

# Terms that are summed up by themselves, before the sum of those before is added: their rows of a
# panel, 32 KB in float32, stay in a near cache while they meet a block of results, and float32 does
# not lose what is added last. In one go, sums over 400,000 numbers had a relative error of 8e-6.
DEEP = 256


@inlined
def sum_tile(sums, c, begin, i, step, source, base, places, at, shifts, lines, first, end, panel, j,
             count, rows, columns):  # fmt: skip
    """The terms from ``first`` on of ``sum_terms``, for as many columns as a tile has."""
    for p in range(0, count, rows):
        tile = zero_tile(sums, rows, columns)
        for t in range(first, end):
            tile = add_places(tile, source, base + shifts[t], places, at + p, panel,
                              j + lines[t] + c)  # fmt: skip
        store_tile(sums, p * PANEL + c, PANEL, add_tile(tile, begin, i + p * step + c, step))


@inlined
def sum_terms(sums, begin, i, step, source, base, places, at, shifts, lines, terms, panel, j,
              count, columns):  # fmt: skip
    """sums[p * PANEL + c] = begin[i + p * step + c] + sum over t < terms of
        source[base + places[at + p] + shifts[t]] * panel[j + lines[t] + c]

    for p < count and c < columns, both rounded up to whole tiles.
    """
    lanes = lanes_of(sums)
    for t in range(0, max(terms, 1), DEEP):
        end = min(t + DEEP, terms)
        for c in range(0, columns, 2 * lanes):
            if columns - c > lanes:
                sum_tile(sums, c, begin, i, step, source, base, places, at, shifts, lines, t, end,
                         panel, j, count, 6, 2)  # fmt: skip
            else:
                sum_tile(sums, c, begin, i, step, source, base, places, at, shifts, lines, t, end,
                         panel, j, count, 8, 1)  # fmt: skip
        begin, i, step = sums, 0, PANEL


@CpuFunction
def lay_weights(start, stop, panels, weight, rows, blocks, depth, group_step, block_step, row_step):
    """Panels start..stop-1 [group, panel, block, depth, PANEL] of a weight.

    Row r of a group is column r of its panels: what begins at weight[group * group_step +
    block * block_step + r * row_step] and is ``depth`` long.
    """
    per_group = -(-rows // PANEL)
    for index in range(start, stop):
        group, first = index // per_group, index % per_group * PANEL
        for block in range(blocks):
            lay_panel(panels, (index * blocks + block) * depth * PANEL, weight,
                      group * group_step + block * block_step + first * row_step, 1, row_step,
                      depth, min(PANEL, rows - first))  # fmt: skip


@inlined
def lay_boxes(box, wide, source, n0, n1, channels, c0, c1, frame, band):
    """The boxes [sample, wide] of a band: samples n0..n1-1 and channels c0..c1-1.

    frame: extents, origin and lengths of the source, the axis of bands, and from one to the next.
    What lies before and behind all rows of the source is left as it was, unless bands are parts of
    rows.
    """
    extents, origin, lengths, axis, advance = frame
    z0 = origin[0] + (band * advance if axis == 0 else 0)
    y0 = origin[1] + (band * advance if axis == 1 else 0)
    x0 = origin[2] + (band * advance if axis == 2 else 0)
    low = min(max(0, -x0), extents[2])
    count = max(0, min(extents[2], lengths[2] - x0) - low)
    for n in range(n0, n1):
        for c in range(c0, c1):
            row = ((n - n0) * wide + c - c0) * extents[0] * extents[1] * extents[2]
            for z in range(z0, z0 + extents[0]):
                for y in range(y0, y0 + extents[1]):
                    inside = 0 <= z < lengths[0] and 0 <= y < lengths[1]
                    if axis == 2 or not inside:
                        clear_cells(box, row, extents[2])
                    if inside:
                        cell = ((n * channels + c) * lengths[0] + z) * lengths[1] + y
                        begin = cell * lengths[2] + x0 + low
                        for i in range(0, count, lanes_of(box)):
                            copy_vector(box, row + low + i, source, begin + i, count - i)
                    row += extents[2]


@inlined
def turn_block(line, sums, begin, count, columns):
    """line[c * BLOCK + p] = sums[begin + p * PANEL + c] for p < count and c < columns, and more"""
    lanes = lanes_of(line)
    for p in range(0, count, lanes):
        for c in range(0, columns, lanes):
            transpose_whole(line, c * BLOCK + p, BLOCK, sums, begin + p * PANEL + c, PANEL)


@inlined
def spread_cells(target, to, step, source, begin, count):
    """target[to + i * step] = source[begin + i] for i < count"""
    if step == 1:
        lanes, i = lanes_of(target), 0
        while i + lanes <= count:
            store_tile(target, to + i, 0, load_tile(source, begin + i, 0, 1, 1))
            i += lanes
        if i < count:
            copy_vector(target, to + i, source, begin + i, count - i)
    elif step == 2:
        for i in range(0, count, lanes_of(target)):
            put_seconds(target, to + 2 * i, source, begin + i, count - i)
    else:
        for i in range(count):
            target[to + i * step] = source[begin + i]


@CpuFunction
def correlate(start, stop, out, source, panels, bias, sizes, frame, places, shifts, lines, runs,
              run_bounds, box, sums, line):  # fmt: skip
    """Tasks start..stop-1: a band of some samples each, and some of the panels.

    out [samples, rows, out_volume] and source [samples, channels, volume], flat.
    """
    (samples, rows, channels, groups, together, bands, splits, whole, short, short_at, volume,
     out_volume, out_step, in_place, band_in, band_out, panel_size) = sizes  # fmt: skip
    per_row, per_channel = rows // groups, channels // groups
    per_group = -(-per_row // PANEL)
    per_split = -(-groups * per_group // splits)
    clear_cells(pointer(box), 0, box.size)
    for index in range(start, stop):
        split, band, block = index % splits, index // splits % bands, index // splits // bands
        n0, n1 = block * together, min((block + 1) * together, samples)
        is_short = band == bands - 1 if bands > 1 else n1 == samples
        due, table = (short, short_at) if is_short else (whole, 0)
        first, end = split * per_split, min((split + 1) * per_split, groups * per_group)
        for group in range(first // per_group, (end - 1) // per_group + 1):
            cells, base = pointer(box), 0
            if in_place:
                cells = pointer(source)
                base = (n0 * channels + group * per_channel) * volume + band * band_in
            else:
                lay_boxes(cells, per_channel, pointer(source), n0, n1, channels,
                          group * per_channel, (group + 1) * per_channel, frame,
                          band)  # fmt: skip
            panel0, panel1 = max(first, group * per_group), min(end, (group + 1) * per_group)
            for at in range(0, due, BLOCK):
                count, k = min(BLOCK, due - at), at // BLOCK
                for panel in range(panel0, panel1):
                    row = group * per_row + panel % per_group * PANEL
                    columns = min(PANEL, (group + 1) * per_row - row)
                    sum_terms(pointer(sums), pointer(bias), row, 0, cells, base, pointer(places),
                              table + at, pointer(shifts), pointer(lines), shifts.size,
                              pointer(panels), panel * panel_size, count, columns)  # fmt: skip
                    turn_block(pointer(line), pointer(sums), 0, count, columns)
                    begin = (n0 * rows + row) * out_volume + band * band_out
                    for c in range(columns):
                        for s in range(3 * run_bounds[k], 3 * run_bounds[k + 1], 3):
                            spread_cells(pointer(out), begin + c * out_volume + runs[s + 1],
                                         out_step, pointer(line), c * BLOCK + runs[s],
                                         min(runs[s + 2], count - runs[s]))  # fmt: skip


@CpuFunction
def sum_weights(start, stop, partial, grad, x, sizes, frame, places, shifts, lines, box, grads,
                totals, line):  # fmt: skip
    """Tasks start..stop-1: some units, some channels of a group and a panel of its outputs.

    A unit is a band of a sample or, where there is one band, some samples. partial [part, O,
    C / groups, element], grad [N, O, out_volume] and x [N, C, volume], flat.
    """
    (samples, outputs, channels, groups, units, per_part, together, bands, wide, elements,
     positions, last, last_at, out_volume, volume, in_place, band_in) = sizes  # fmt: skip
    per_output, per_input = outputs // groups, channels // groups
    panels, cuts = -(-per_output // PANEL), -(-per_input // wide)
    clear_cells(pointer(box), 0, box.size)
    for index in range(start, stop):
        panel, cut = index % panels, index // panels % cuts
        group, part = index // panels // cuts % groups, index // panels // cuts // groups
        row = group * per_output + panel * PANEL
        columns = min(PANEL, (group + 1) * per_output - row)
        c0, c1 = cut * wide, min((cut + 1) * wide, per_input)
        taps = (c1 - c0) * elements
        clear_cells(pointer(totals), 0, totals.size)
        for unit in range(part * per_part, min((part + 1) * per_part, units)):
            n0, band = unit // bands * together, unit % bands
            n1 = min(n0 + together, samples)
            count = positions if band < bands - 1 else last
            for n in range(n0, n1):
                lay_panel(pointer(grads), (n - n0) * count * PANEL, pointer(grad),
                          (n * outputs + row) * out_volume + band * positions, 1, out_volume,
                          count, columns)  # fmt: skip
            cells, base = pointer(box), 0
            if in_place:
                cells = pointer(x)
                base = (n0 * channels + group * per_input + c0) * volume + band * band_in
            else:
                lay_boxes(cells, wide, pointer(x), n0, n1, channels, group * per_input + c0,
                          group * per_input + c1, frame, band)  # fmt: skip
            sum_terms(pointer(totals), pointer(totals), 0, PANEL, cells, base, pointer(shifts),
                      last_at if c1 == per_input else 0, pointer(places), pointer(lines),
                      (n1 - n0) * count, pointer(grads), 0, taps, columns)  # fmt: skip
        begin = ((part * outputs + row) * per_input + c0) * elements
        for at in range(0, taps, BLOCK):
            turn_block(pointer(line), pointer(totals), at * PANEL, min(BLOCK, taps - at), columns)
            for c in range(columns):
                spread_cells(pointer(partial), begin + c * per_input * elements + at, 1,
                             pointer(line), c * BLOCK, min(BLOCK, taps - at))  # fmt: skip
