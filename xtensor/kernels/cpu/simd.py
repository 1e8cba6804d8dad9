"""Tiles: blocks of vectors that stay in registers while products are added to them.

A tile has some rows and columns, fixed when a kernel is compiled; each of its cells is a vector of
``lanes`` numbers side by side. What a convolution or a matrix product does most is

    tile = zero_tile(out, 6, 2)
    for k in range(depth):
        tile = add_outer(tile, a, k, depth, b, place[k])

where every number that is loaded meets a whole row or column of the tile, so that the processor
multiplies without pause instead of waiting for memory: 6 x 2 vectors of 16 float32 ran at 250 of
the 260 GF/s that a core of a Zen 5 has. numba has no vectors of its own, and its compiler finds
them in plain loops only, one row at a time; here they are spelled out as LLVM's vector type, which
any processor runs, in pieces if it must.

Each helper below is a function from the numba types of its arguments to its signature and to what
writes its code; its docstring says what it does when called from a kernel. Arrays are flat, and may
come as pointers.

Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import functools

from .._jit import CpuIntrinsic
from .numbers import llvm

# -- addresses ------------------------------------------------------------------------------------


@CpuIntrinsic
def pointer(array):
    """The address of array[0], which is indexed as a flat array is.

    Unlike an array it is a single number: passing it on costs nothing, while numba counts the
    references to an array, with locks, at every call. No index counts from the end, so that plain
    loops vectorise. Truth values are read as 0 and 1. The array must outlive it: one that a
    function makes itself is freed after its last use as an array, before a loop over the pointer.
    """

    def generate(emit, value):
        return emit.begin_of(array, value)

    return llvm().pointer_to(array)(array), generate


@CpuIntrinsic
def room(like, count):
    """The address of memory for so many numbers, until the function returns; a literal, and few.

    Of the dtype of an array or pointer, or of that dtype. An array takes 0.1 s longer to compile.
    """

    def generate(emit, *values):
        return emit.room(like.dtype, count.literal_value)

    return llvm().pointer_to(like)(like, count), generate


@CpuIntrinsic
def wide_room(like, count):
    """``room`` for sums of what an array or pointer holds, see ``summand``; floats in float64."""
    types = llvm().types
    kind = types.float64 if isinstance(like.dtype, types.Float) else types.int64

    def generate(emit, *values):
        return emit.room(kind, count.literal_value)

    return types.CPointer(kind)(like, count), generate


@CpuIntrinsic
def lanes_of(like):
    """Numbers in a vector, for the dtype of the array ``like``."""
    index = llvm().types.intp

    def generate(emit, value):
        return emit.context.get_constant(index, llvm().lanes_of(like.dtype))

    return index(like), generate


@CpuIntrinsic
def by_registers(like, many, few):
    """The literal ``many`` where 32 vectors fit in registers, as with AVX-512, else ``few``.

    A tile that does not fit beside what it meets is stored and loaded again at every step.
    """
    number = many if llvm().vector_bytes() == 64 else few

    def generate(emit, *values):
        return emit.context.get_constant(number, number.literal_value)

    return number(like, many, few), generate


@CpuIntrinsic
def numbers_at(source, index, count):
    """source[index:][:count] as a tuple, from a pointer; ``count`` is a literal."""
    kind = llvm().types.UniTuple(source.dtype, count.literal_value)

    def generate(emit, begin, index, _):
        return emit.numbers_at(kind, begin, index)

    return kind(source, index, count), generate


# -- tiles ----------------------------------------------------------------------------------------


@CpuIntrinsic
def zero_tile(like, rows, columns):
    """A tile of zeros, of the dtype of the array ``like``; rows and columns are literals."""
    tile = llvm().tile_like(like, rows, columns)

    def generate(emit, *values):
        return emit.zeros(tile)

    return tile(like, rows, columns), generate


@CpuIntrinsic
def repeat_tile(array, i, step, rows, columns):
    """The tile with array[i + r * step] all over row r; rows and columns are literals."""
    tile = llvm().tile_like(array, rows, columns)

    def generate(emit, values, i, step, *literals):
        begin, cells = emit.begin_of(array, values), emit.zeros(tile)
        for r in range(tile.rows):
            number = emit.builder.load(emit.address(begin, i, (r, step)))
            for c in range(tile.columns):
                cells = emit.replace(cells, r * tile.columns + c, emit.repeat(tile, number))
        return cells

    return tile(array, i, step, rows, columns), generate


@CpuIntrinsic
def first_halves(tile):
    """The tile of the first half of each vector."""
    halved = llvm().TileType(tile.dtype, tile.rows, tile.columns, tile.lanes // 2)

    def generate(emit, cells):
        halves = emit.zeros(halved)
        for k in range(tile.rows * tile.columns):
            cell = emit.cell(cells, k)
            halves = emit.replace(halves, k, emit.shuffle(cell, cell, list(range(halved.lanes))))
        return halves

    return halved(tile), generate


@CpuIntrinsic
def load_tile(array, i, step, rows, columns):
    """The tile with tile[r, c] = array[i + r * step + c * lanes :][:lanes]"""
    tile = llvm().tile_like(array, rows, columns)

    def generate(emit, values, i, step, *literals):
        begin, cells = emit.begin_of(array, values), emit.zeros(tile)
        for k, address in emit.cells_at(tile, begin, i, step):
            cells = emit.replace(cells, k, emit.load(tile, address))
        return cells

    return tile(array, i, step, rows, columns), generate


@CpuIntrinsic
def load_vector(array, i, count):
    """The tile of one vector with array[i:][:count] and zeros after it; nothing beyond is read."""
    index = llvm().types.intp
    tile = llvm().TileType(array.dtype, 1, 1)

    def generate(emit, values, i, count):
        address = emit.address(emit.begin_of(array, values), i)
        vector = emit.load_lanes(tile, address, emit.first_lanes(tile, count))
        return emit.replace(emit.zeros(tile), 0, vector)

    return tile(array, index, index), generate


@CpuIntrinsic
def store_vector(out, i, count, tile):
    """out[i + k] = number k of the tile of one vector, for k < count; nothing beyond is touched."""
    index = llvm().types.intp

    def generate(emit, values, i, count, cells):
        address = emit.address(emit.begin_of(out, values), i)
        emit.store_lanes(tile, emit.cell(cells, 0), address, emit.first_lanes(tile, count))

    return llvm().types.void(out, index, index, tile), generate


@CpuIntrinsic
def prefetch_tile(array, i, step, rows, columns):
    """Have what ``load_tile`` would read come nearer, without waiting; nothing need be there."""
    tile = llvm().tile_like(array, rows, columns)

    def generate(emit, values, i, step, *literals):
        for _, address in emit.cells_at(tile, emit.begin_of(array, values), i, step):
            emit.prefetch(address)

    return llvm().types.void(array, i, step, rows, columns), generate


@CpuIntrinsic
def prefetch_stream(array, i, step, rows, columns):
    """``prefetch_tile``, but nothing where the processor itself sees what will be read next."""
    signature, generate = prefetch_tile.function(array, i, step, rows, columns)
    return signature, generate if llvm().reads_ahead() else lambda emit, *values: None


@CpuIntrinsic
def add_tile(tile, array, i, step):
    """tile[r, c] += array[i + r * step + c * lanes :][:lanes]"""

    def generate(emit, cells, values, i, step):
        for k, address in emit.cells_at(tile, emit.begin_of(array, values), i, step):
            total = emit.builder.fadd(emit.cell(cells, k), emit.load(tile, address))
            cells = emit.replace(cells, k, total)
        return cells

    return tile(tile, array, i, step), generate


@CpuIntrinsic
def add_part(tile, array, i, step, rows, count):
    """tile[r, c] += array[i + r * step + c * lanes :][:lanes]

    for r < rows and the first ``count`` numbers of a row; nothing beyond is read.
    """

    def generate(emit, cells, values, i, step, rows, count):
        begin, lanes = emit.begin_of(array, values), count.type(tile.lanes)
        for r, c, mask in emit.part(tile, rows, count, lanes):
            address, k = emit.address(begin, i, (r, step), (c, lanes)), r * tile.columns + c
            total = emit.builder.fadd(emit.cell(cells, k), emit.load_lanes(tile, address, mask))
            cells = emit.replace(cells, k, total)
        return cells

    return tile(tile, array, i, step, rows, count), generate


@CpuIntrinsic
def store_tile(out, i, step, tile):
    """out[i + r * step + c * lanes :][:lanes] = tile[r, c]"""

    def generate(emit, values, i, step, cells):
        for k, address in emit.cells_at(tile, emit.begin_of(out, values), i, step):
            emit.store(tile, emit.cell(cells, k), address)

    return llvm().types.void(out, i, step, tile), generate


@CpuIntrinsic
def store_part(out, i, step, apart, tile, rows, count, taken):
    """out[i + r * step + c * apart + k] = number k of tile[r, c]

    for r < rows and k < count - c * taken, of those that the tile has; nothing beyond is touched.
    """

    def generate(emit, values, i, step, apart, cells, rows, count, taken):
        begin = emit.begin_of(out, values)
        for r, c, mask in emit.part(tile, rows, count, taken):
            address = emit.address(begin, i, (r, step), (c, apart))
            emit.store_lanes(tile, emit.cell(cells, r * tile.columns + c), address, mask)

    return llvm().types.void(out, i, step, apart, tile, rows, count, taken), generate


@CpuIntrinsic
def extreme_tile(tile, other, smallest):
    """Number by number the larger of both, or with the literal 1 the smaller; NaN only if other is.

    For floats that is a single instruction; ``nan_bits`` says of a tile whether it has a NaN.
    """

    def generate(emit, cells, others, _):
        def extreme(a, b):
            return emit.extremes(tile.dtype, a, b, smallest.literal_value)

        return emit.lanewise(tile, extreme, cells, others)

    return tile(tile, other, smallest), generate


@CpuIntrinsic
def nan_bits(tile):
    """Not 0 if one of its numbers is NaN."""
    bits = llvm().types.int64

    def generate(emit, cells):
        if isinstance(tile.dtype, llvm().types.Float):
            return emit.any_nan(tile, cells)
        return emit.context.get_constant(bits, 0)

    return bits(tile), generate


@CpuIntrinsic
def extreme_number(tile, nan, smallest):
    """The largest number of all its lanes, or with the literal 1 the smallest; NaN if ``nan``."""

    def generate(emit, cells, nan, _):
        best = emit.cell(cells, 0)
        for k in range(1, tile.rows * tile.columns):
            best = emit.extremes(tile.dtype, emit.cell(cells, k), best, smallest.literal_value)
        half = tile.lanes // 2
        while half:
            other = emit.shuffle(best, best, [lane ^ half for lane in range(tile.lanes)])
            best = emit.extremes(tile.dtype, other, best, smallest.literal_value)
            half //= 2
        number = emit.builder.extract_element(best, llvm().LANE(0))
        if isinstance(tile.dtype, llvm().types.Float):
            found = emit.builder.icmp_signed("!=", nan, nan.type(0))
            number = emit.builder.select(found, number.type(float("nan")), number)
        return number

    return tile.dtype(tile, nan, smallest), generate


@CpuIntrinsic
def wide_zeros(like):
    """A row of float64 zeros, as many as a vector of the dtype of the array ``like`` has lanes."""
    lanes, wide = llvm().lanes_of(like.dtype), llvm().types.float64
    tile = llvm().TileType(wide, 1, lanes // llvm().lanes_of(wide))

    def generate(emit, value):
        return emit.zeros(tile)

    return tile(like), generate


@CpuIntrinsic
def add_wide(totals, tile):
    """totals += (tile[0] + tile[1]) + (tile[2] + tile[3]), the last sum of them in float64"""

    def generate(emit, cells, four):
        add = emit.builder.fadd
        rows = [emit.cell(four, r) for r in range(4)]
        row = add(add(rows[0], rows[1]), add(rows[2], rows[3]))
        for c in range(totals.columns):
            lanes = range(c * totals.lanes, (c + 1) * totals.lanes)
            part = emit.widened(totals, emit.shuffle(row, row, list(lanes)))
            cells = emit.replace(cells, c, add(emit.cell(cells, c), part))
        return cells

    return totals(totals, tile), generate


@CpuIntrinsic
def sum_lanes(totals):
    """The sum of all numbers of a row."""

    def generate(emit, cells):
        vectors = [emit.cell(cells, c) for c in range(totals.columns)]
        total = functools.reduce(emit.builder.fadd, vectors)
        half = totals.lanes // 2
        while half:
            other = emit.shuffle(total, total, [lane ^ half for lane in range(totals.lanes)])
            total = emit.builder.fadd(total, other)
            half //= 2
        return emit.builder.extract_element(total, llvm().LANE(0))

    return totals.dtype(totals), generate


def _outer(tile, a, b):
    def generate(emit, cells, a_values, i, step, b_values, j, apart=None):
        begin_a, begin_b = emit.begin_of(a, a_values), emit.begin_of(b, b_values)
        columns = emit.load_columns(tile, begin_b, j, apart or j.type(tile.lanes))
        for r in range(tile.rows):
            number = emit.builder.load(emit.address(begin_a, i, (r, step)))
            cells = emit.add_row(tile, cells, r, number, columns)
        return cells

    return generate


@CpuIntrinsic
def add_outer(tile, a, i, step, b, j):
    """tile[r, c] += a[i + r * step] * b[j + c * lanes :][:lanes]"""

    return tile(tile, a, i, step, b, j), _outer(tile, a, b)


@CpuIntrinsic
def add_outer_apart(tile, a, i, step, b, j, apart):
    """tile[r, c] += a[i + r * step] * b[j + c * apart :][:lanes]"""

    return tile(tile, a, i, step, b, j, apart), _outer(tile, a, b)


@CpuIntrinsic
def add_places(tile, a, i, places, p, b, j):
    """tile[r, c] += a[places[p + r] + i] * b[j + c * lanes :][:lanes]"""

    def generate(emit, cells, a_values, i, place_values, p, b_values, j):
        begin_a, begin_b = emit.begin_of(a, a_values), emit.begin_of(b, b_values)
        begin = emit.begin_of(places, place_values)
        columns = emit.load_columns(tile, begin_b, j, j.type(tile.lanes))
        for r in range(tile.rows):
            place = emit.builder.load(emit.address(begin, p, (r, p.type(1))))
            # The place first: it is the same for many i, and then its address is as well.
            number = emit.builder.load(emit.address(emit.address(begin_a, place), i))
            cells = emit.add_row(tile, cells, r, number, columns)
        return cells

    return tile(tile, a, i, places, p, b, j), generate


@CpuIntrinsic
def add_column(tile, a, i, a_step, b, j, step, height):
    """tile[r, c] += sum over k < height of a[i + k * a_step] * b[j + (r + k) * step + c * lanes :]

    A row of b is loaded once for all that it meets. The height is a literal.
    """

    def generate(emit, cells, a_values, i, a_step, b_values, j, step, literal):
        begin_a, begin_b = emit.begin_of(a, a_values), emit.begin_of(b, b_values)
        count = height.literal_value
        factors = [
            emit.repeat(tile, emit.builder.load(emit.address(begin_a, i, (k, a_step))))
            for k in range(count)
        ]
        for row in range(tile.rows + count - 1):
            for c in range(tile.columns):
                address = emit.address(begin_b, j, (row, step), (c, j.type(tile.lanes)))
                vector = emit.load(tile, address)
                for k in range(max(0, row - tile.rows + 1), min(count, row + 1)):
                    cell = (row - k) * tile.columns + c
                    cells = emit.multiply_add(cells, cell, factors[k], vector)
        return cells

    return tile(tile, a, i, a_step, b, j, step, height), generate


@CpuIntrinsic
def add_inner(tile, a, i, rows, r, b, j, columns, c, count):
    """tile[k, l] += a[i + rows[r + k] :][:lanes] * b[j + columns[c + l] :][:lanes]

    with 0 for what both have from ``count`` on. A sum over lanes is what is wanted in the end.
    """

    def generate(emit, cells, a_values, i, row_values, r, b_values, j, column_values, c, count):
        mask = emit.first_lanes(tile, count)

        def load(array, values, index, places, place_values, first, number):
            begin = emit.begin_of(places, place_values)
            place = emit.builder.load(emit.address(begin, first, (number, first.type(1))))
            address = emit.address(emit.begin_of(array, values), emit.builder.add(index, place))
            return emit.load_lanes(tile, address, mask)

        loaded = [load(b, b_values, j, columns, column_values, c, k) for k in range(tile.columns)]
        for number in range(tile.rows):
            row = load(a, a_values, i, rows, row_values, r, number)
            for k, column in enumerate(loaded):
                cells = emit.multiply_add(cells, number * tile.columns + k, row, column)
        return cells

    return tile(tile, a, i, rows, r, b, j, columns, c, count), generate


def row_transform(matrix):
    """A helper that takes a tile to the tile whose row i is sum over k of matrix[i][k] * row k."""

    def combine(tile):
        result = llvm().TileType(tile.dtype, len(matrix), tile.columns)

        def term(emit, factor, vector):
            if factor == 1:
                return vector
            number = emit.context.get_value_type(tile.dtype)(float(factor))
            return emit.builder.fmul(emit.repeat(tile, number), vector, flags=llvm().FUSE)

        def generate(emit, cells):
            results = emit.zeros(result)
            for i, factors in enumerate(matrix):
                for c in range(tile.columns):
                    terms = [
                        term(emit, factor, emit.cell(cells, k * tile.columns + c))
                        for k, factor in enumerate(factors)
                        if factor
                    ]
                    add = functools.partial(emit.builder.fadd, flags=llvm().FUSE)
                    total = functools.reduce(add, terms)
                    results = emit.replace(results, i * tile.columns + c, total)
            return results

        return result(tile), generate

    return CpuIntrinsic(combine)


# -- moving numbers -------------------------------------------------------------------------------


@CpuIntrinsic
def copy_vector(to, i, source, j, count):
    """to[i + k] = source[j + k] for k < min(count, lanes_of(to))"""
    tile = llvm().TileType(to.dtype, 1, 1)

    def generate(emit, to_values, i, source_values, j, count):
        mask = emit.first_lanes(tile, count)
        vector = emit.load_lanes(tile, emit.address(emit.begin_of(source, source_values), j), mask)
        emit.store_lanes(tile, vector, emit.address(emit.begin_of(to, to_values), i), mask)

    return llvm().types.void(to, i, source, j, count), generate


@CpuIntrinsic
def reverse_vector(to, i, source, j, count):
    """to[i + k] = source[j - k] for k < min(count, lanes_of(to))"""
    tile = llvm().TileType(to.dtype, 1, 1)

    def generate(emit, to_values, i, source_values, j, count):
        begin, end = emit.begin_of(source, source_values), emit.begin_of(to, to_values)
        first = emit.address(begin, emit.builder.sub(j, j.type(tile.lanes - 1)))
        vector = emit.load_lanes(tile, first, emit.last_lanes(tile, count))
        vector = emit.shuffle(vector, vector, list(range(tile.lanes))[::-1])
        emit.store_lanes(tile, vector, emit.address(end, i), emit.first_lanes(tile, count))

    return llvm().types.void(to, i, source, j, count), generate


@CpuIntrinsic
def deal_vectors(to, i, other, source, j, count):
    """to[i + k] = source[j + 2 * k] and to[other + k] = source[j + 2 * k + 1]

    of the first ``count`` numbers of source and of two vectors at most; nothing beyond is touched.
    """
    tile = llvm().TileType(to.dtype, 1, 1)

    def generate(emit, to_values, i, other, source_values, j, count):
        begin, end = emit.begin_of(source, source_values), emit.begin_of(to, to_values)
        pair = emit.load_pair(tile, begin, j, count)
        for first, place in enumerate((i, other)):
            vector = emit.shuffle(*pair, [2 * k + first for k in range(tile.lanes)])
            due = emit.builder.add(count, count.type(1 - first))
            mask = emit.first_lanes(tile, emit.builder.ashr(due, count.type(1)))
            emit.store_lanes(tile, vector, emit.address(end, place), mask)

    return llvm().types.void(to, i, other, source, j, count), generate


@CpuIntrinsic
def take_seconds(to, i, source, j, count):
    """to[i + k] = source[j + 2 * k] for k < min(count, lanes_of(to)); nothing beyond is read"""
    tile = llvm().TileType(to.dtype, 1, 1)

    def generate(emit, to_values, i, source_values, j, count):
        begin, end = emit.begin_of(source, source_values), emit.begin_of(to, to_values)
        due = emit.builder.sub(emit.builder.add(count, count), count.type(1))
        pair = emit.load_pair(tile, begin, j, due)
        vector = emit.shuffle(*pair, [2 * k for k in range(tile.lanes)])
        emit.store_lanes(tile, vector, emit.address(end, i), emit.first_lanes(tile, count))

    return llvm().types.void(to, i, source, j, count), generate


@CpuIntrinsic
def put_seconds(to, i, source, j, count):
    """to[i + 2 * k] = source[j + k] for k < min(count, lanes_of(to)); nothing else is touched"""
    tile = llvm().TileType(to.dtype, 1, 1)

    def generate(emit, to_values, i, source_values, j, count):
        mask = emit.first_lanes(tile, count)
        vector = emit.load_lanes(tile, emit.address(emit.begin_of(source, source_values), j), mask)
        begin, none = emit.begin_of(to, to_values), mask.type([0] * tile.lanes)
        for first in (0, tile.lanes):
            numbers = [(first + k) // 2 for k in range(tile.lanes)]
            even = [n if k % 2 == 0 else tile.lanes for k, n in enumerate(numbers)]
            emit.store_lanes(
                tile, emit.shuffle(vector, vector, numbers),
                emit.address(begin, i, (first, i.type(1))), emit.shuffle(mask, none, even),
            )  # fmt: skip

    return llvm().types.void(to, i, source, j, count), generate


@CpuIntrinsic
def transpose_whole(to, i, to_step, source, j, step):
    """to[i + c * to_step + r] = source[j + r * step + c] for r, c < lanes_of(to)"""
    tile = llvm().TileType(to.dtype, 1, 1)

    def generate(emit, to_values, i, to_step, source_values, j, step):
        begin, end = emit.begin_of(source, source_values), emit.begin_of(to, to_values)
        square = [emit.load(tile, emit.address(begin, j, (k, step))) for k in range(tile.lanes)]
        for k, vector in enumerate(emit.transposed(tile, square)):
            emit.store(tile, vector, emit.address(end, i, (k, to_step)))

    return llvm().types.void(to, i, to_step, source, j, step), generate


@CpuIntrinsic
def transpose_square(to, i, to_step, source, j, step, rows, columns):
    """to[i + c * to_step + r] = source[j + r * step + c] for r < rows, c < columns

    A square of lanes_of(to) rows and columns at most; nothing beyond is touched.
    """
    tile = llvm().TileType(to.dtype, 1, 1)

    def generate(emit, to_values, i, to_step, source_values, j, step, rows, columns):
        begin, end = emit.begin_of(source, source_values), emit.begin_of(to, to_values)
        across, down = emit.first_lanes(tile, columns), emit.first_lanes(tile, rows)
        square = [
            emit.load_lanes(tile, emit.address(begin, j, (k, step)), emit.if_below(k, rows, across))
            for k in range(tile.lanes)
        ]
        for k, vector in enumerate(emit.transposed(tile, square)):
            address = emit.address(end, i, (k, to_step))
            emit.store_lanes(tile, vector, address, emit.if_below(k, columns, down))

    return llvm().types.void(to, i, to_step, source, j, step, rows, columns), generate
