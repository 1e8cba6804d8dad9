"""Tiles: blocks of vectors that stay in registers while products are added to them.

A tile has some rows and columns, fixed when a kernel is compiled; each of its cells is a vector of
``lanes`` numbers side by side. What a convolution or a matrix product does most is

    tile = zero_tile(out, 6, 2)
    for k in range(depth):
        tile = add_outer(tile, a, k, depth, b, place[k])

where every number that is loaded meets a whole row or column of the tile, so that the processor
multiplies without pause instead of waiting for memory: 6 x 2 vectors of 16 float32 ran at 250 of
the 260 GF/s that a core of a Zen 5 has. numba has no vectors of its own and its compiler finds
them in plain loops only, one row at a time; here they are spelled out as LLVM's vector type, which
any processor runs, in pieces if it must.

Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import lru_cache

from .._jit import CpuIntrinsic


@lru_cache(maxsize=1)
def _vector_bytes():
    """What a register of this processor holds."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


@lru_cache(maxsize=None)
def _tile_type(dtype, rows, columns):
    """numba's type of a tile; one object for each, as numba compares types by their keys."""
    from llvmlite import ir
    from numba.core import types
    from numba.core.datamodel import models, register_default

    class TileType(types.Type):
        pass

    tile = TileType(f"Tile({dtype}, {rows}, {columns})")
    tile.dtype, tile.rows, tile.columns = dtype, rows, columns
    tile.lanes = _vector_bytes() * 8 // dtype.bitwidth

    @register_default(TileType)
    class TileModel(models.PrimitiveModel):
        def __init__(self, manager, fe_type):
            vector = ir.VectorType(manager.lookup(fe_type.dtype).get_value_type(), fe_type.lanes)
            super().__init__(manager, fe_type, ir.ArrayType(vector, fe_type.rows * fe_type.columns))

    return tile


class _Emitter:
    """Loads and stores of LLVM code for one call of an intrinsic."""

    def __init__(self, context, builder, signature, arguments):
        self.context, self.builder = context, builder
        from numba.core.types import CPointer

        self.types, self.arguments = signature.args, arguments
        self.pointer_type = CPointer

    def address(self, array, index, *steps):
        """Of array[index + sum of number * distance over (number, distance) in steps]."""
        pointer = self.arguments[array]
        if not isinstance(self.types[array], self.pointer_type):
            pointer = self.context.make_array(self.types[array])(
                self.context, self.builder, pointer
            ).data  # fmt: skip
        for number, distance in steps:
            index = self.builder.add(index, self.builder.mul(distance, index.type(number)))
        return self.builder.gep(pointer, [index])

    def vector_pointer(self, tile, address):
        return self.builder.bitcast(address, self.vector_type(tile).as_pointer())

    def vector_type(self, tile):
        return self.context.get_value_type(tile).element

    def load(self, tile, address):
        size = tile.dtype.bitwidth // 8
        return self.builder.load(self.vector_pointer(tile, address), align=size)

    def store(self, tile, vector, address):
        size = tile.dtype.bitwidth // 8
        self.builder.store(vector, self.vector_pointer(tile, address), align=size)

    def first_lanes(self, tile, count):
        """A mask of the lanes below ``count``."""
        from llvmlite import ir

        numbers = ir.VectorType(count.type, tile.lanes)(list(range(tile.lanes)))
        return self.builder.icmp_signed("<", numbers, self.repeat(tile, count))

    def load_lanes(self, tile, address, mask):
        """Lanes that are not in the mask are 0 and not even touched in memory."""
        from llvmlite import ir

        pointer, vector = self.vector_pointer(tile, address), self.vector_type(tile)
        size = ir.IntType(32)(tile.dtype.bitwidth // 8)
        load = self.masked("load", tile, vector, [pointer.type, size.type, mask.type, vector])
        return self.builder.call(load, [pointer, size, mask, vector(None)])

    def store_lanes(self, tile, vector, address, mask):
        from llvmlite import ir

        pointer, size = self.vector_pointer(tile, address), ir.IntType(32)(tile.dtype.bitwidth // 8)
        store = self.masked("store", tile, ir.VoidType(),
                            [vector.type, pointer.type, size.type, mask.type])  # fmt: skip
        self.builder.call(store, [vector, pointer, size, mask])

    def masked(self, action, tile, result, parameters):
        """LLVM's function for it."""
        from llvmlite import ir
        from numba.core import cgutils

        kind = f"v{tile.lanes}f{tile.dtype.bitwidth}"
        return cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(result, parameters),
            f"llvm.masked.{action}.{kind}.p0{kind}",
        )  # fmt: skip

    def shuffle(self, a, b, lanes):
        """The vector of these lanes of a, followed by b."""
        from llvmlite import ir

        return self.builder.shuffle_vector(a, b, ir.VectorType(ir.IntType(32), len(lanes))(lanes))

    def repeat(self, tile, number):
        """A vector of the same number in every lane."""
        from llvmlite import ir

        undefined = ir.VectorType(number.type, tile.lanes)(ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.IntType(32)(0))
        return self.shuffle(first, undefined, [0] * tile.lanes)

    def multiply_add(self, cells, k, a, b):
        """Cell k += a * b, rounded once where the processor can."""
        fuse = ("contract",)
        product = self.builder.fmul(a, b, flags=fuse)
        total = self.builder.fadd(self.builder.extract_value(cells, k), product, flags=fuse)
        return self.builder.insert_value(cells, total, k)

    def transposed(self, tile, square):
        """Halves of blocks are exchanged, from the largest blocks to single numbers."""
        size = tile.lanes
        half = size // 2
        while half:
            for k in range(size):
                if not k & half:
                    a, b = square[k], square[k + half]
                    low = [n if not n & half else size + n - half for n in range(size)]
                    high = [n + half if not n & half else size + n for n in range(size)]
                    square[k], square[k + half] = self.shuffle(a, b, low), self.shuffle(a, b, high)
            half //= 2
        return square

    def sum_of_lanes(self, tile, vector):
        """Halves are added to each other until one number is left."""
        from llvmlite import ir

        lanes = tile.lanes
        while lanes > 1:
            lanes //= 2
            low, high = (list(range(begin, begin + lanes)) for begin in (0, lanes))
            vector = self.builder.fadd(*(self.shuffle(vector, vector, k) for k in (low, high)))
        return self.builder.extract_element(vector, ir.IntType(32)(0))


@CpuIntrinsic
def pointer(context, array):
    """The address of array[0], which is indexed as a flat array is.

    Unlike an array it is a single number: passing it on costs nothing, while numba counts the
    references to an array, with locks, at every call. No index counts from the end, so that plain
    loops vectorise. The array must outlive it.
    """
    from numba.core import types

    def generate(context, builder, signature, arguments):
        return context.make_array(array)(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), generate


@CpuIntrinsic
def zero_tile(context, like, rows, columns):
    """A tile of zeros, of the dtype of the array ``like``; rows and columns are literals."""
    tile = _tile_type(like.dtype, rows.literal_value, columns.literal_value)

    def generate(context, builder, signature, arguments):
        return context.get_value_type(tile)(None)

    return tile(like, rows, columns), generate


@CpuIntrinsic
def load_tile(context, out, i, step, rows, columns):
    """The tile that ``store_tile`` with the same arguments would have stored."""
    tile = _tile_type(out.dtype, rows.literal_value, columns.literal_value)

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        i, step = arguments[1:3]
        cells = context.get_value_type(tile)(None)
        for r in range(tile.rows):
            for c in range(tile.columns):
                vector = emit.load(tile, emit.address(0, i, (r, step), (c, i.type(tile.lanes))))
                cells = builder.insert_value(cells, vector, r * tile.columns + c)
        return cells

    return tile(out, i, step, rows, columns), generate


@CpuIntrinsic
def lanes_of(context, like):
    """Numbers in a vector, for the dtype of the array ``like``."""
    from numba.core import types

    lanes = _vector_bytes() * 8 // like.dtype.bitwidth

    def generate(context, builder, signature, arguments):
        return context.get_constant(types.intp, lanes)

    return types.intp(like), generate


@CpuIntrinsic
def add_outer(context, tile, a, i, step, b, j):
    """tile[r, c] += a[i + r * step] * b[j + c * lanes :][:lanes]"""

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        tile = signature.args[0]
        cells, _, i, step, _, j = arguments
        columns = [
            emit.load(tile, emit.address(4, j, (c, j.type(tile.lanes))))
            for c in range(tile.columns)
        ]  # fmt: skip
        for r in range(tile.rows):
            factor = emit.repeat(tile, builder.load(emit.address(1, i, (r, step))))
            for c, column in enumerate(columns):
                cells = emit.multiply_add(cells, r * tile.columns + c, factor, column)
        return cells

    return tile(tile, a, i, step, b, j), generate


@CpuIntrinsic
def add_inner(context, tile, a, i, step, b, j, places, p):
    """tile[r, c] += a[i + r * step :][:lanes] * b[j + places[p + c] :][:lanes]

    A sum over lanes is what is wanted in the end, see ``store_sums``.
    """

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        tile = signature.args[0]
        cells, _, i, step, _, j, _, p = arguments
        columns = []
        for c in range(tile.columns):
            place = builder.load(emit.address(6, p, (c, p.type(1))))
            columns.append(emit.load(tile, emit.address(4, builder.add(j, place))))
        for r in range(tile.rows):
            row = emit.load(tile, emit.address(1, i, (r, step)))
            for c, column in enumerate(columns):
                cells = emit.multiply_add(cells, r * tile.columns + c, row, column)
        return cells

    return tile(tile, a, i, step, b, j, places, p), generate


@CpuIntrinsic
def store_tile(context, out, i, step, tile):
    """out[i + r * step + c * lanes :][:lanes] = tile[r, c]"""
    from numba.core import types

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        tile = signature.args[3]
        _, i, step, cells = arguments
        for r in range(tile.rows):
            for c in range(tile.columns):
                vector = builder.extract_value(cells, r * tile.columns + c)
                address = emit.address(0, i, (r, step), (c, i.type(tile.lanes)))
                emit.store(tile, vector, address)
        return context.get_dummy_value()

    return types.void(out, i, step, tile), generate


@CpuIntrinsic
def store_sums(context, out, i, tile):
    """out[i + r * columns + c] = sum over the lanes of tile[r, c]"""
    from numba.core import types

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        tile = signature.args[2]
        _, i, cells = arguments
        for k in range(tile.rows * tile.columns):
            total = emit.sum_of_lanes(tile, builder.extract_value(cells, k))
            builder.store(total, emit.address(0, i, (k, i.type(1))))
        return context.get_dummy_value()

    return types.void(out, i, tile), generate


@CpuIntrinsic
def copy_vector(context, to, i, source, j, count):
    """to[i + k] = source[j + k] for k < min(count, lanes_of(to))"""
    from numba.core import types

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        _, i, _, j, count = arguments
        tile = _tile_type(signature.args[0].dtype, 1, 1)
        mask = emit.first_lanes(tile, count)
        vector = emit.load_lanes(tile, emit.address(2, j), mask)
        emit.store_lanes(tile, vector, emit.address(0, i), mask)
        return context.get_dummy_value()

    return types.void(to, i, source, j, count), generate


@CpuIntrinsic
def take_seconds(context, to, i, source, j, count):
    """to[i + k] = source[j + 2 * k] for k < min(count, lanes_of(to))"""
    from numba.core import types

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        _, i, _, j, count = arguments
        tile = _tile_type(signature.args[0].dtype, 1, 1)
        last = builder.add(builder.add(count, count), count.type(-1))
        halves = []
        for begin in (0, tile.lanes):
            mask = emit.first_lanes(tile, builder.sub(last, last.type(begin)))
            halves.append(emit.load_lanes(tile, emit.address(2, j, (begin, j.type(1))), mask))
        vector = emit.shuffle(*halves, [2 * k for k in range(tile.lanes)])
        emit.store_lanes(tile, vector, emit.address(0, i), emit.first_lanes(tile, count))
        return context.get_dummy_value()

    return types.void(to, i, source, j, count), generate


@CpuIntrinsic
def put_seconds(context, to, i, source, j, count):
    """to[i + 2 * k] = source[j + k] for k < min(count, lanes_of(to)); nothing else is touched"""
    from numba.core import types

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        _, i, _, j, count = arguments
        tile = _tile_type(signature.args[0].dtype, 1, 1)
        mask = emit.first_lanes(tile, count)
        vector = emit.load_lanes(tile, emit.address(2, j), mask)
        none = mask.type([0] * tile.lanes)
        for begin in (0, tile.lanes):
            numbers = [begin // 2 + k // 2 for k in range(tile.lanes)]
            spread = emit.shuffle(vector, vector, numbers)
            lanes = [n if k % 2 == 0 else tile.lanes for k, n in enumerate(numbers)]
            part = emit.shuffle(mask, none, lanes)
            emit.store_lanes(tile, spread, emit.address(0, i, (begin, i.type(1))), part)
        return context.get_dummy_value()

    return types.void(to, i, source, j, count), generate


@CpuIntrinsic
def transpose_square(context, to, i, to_step, source, j, step, rows, columns):
    """to[i + c * to_step + r] = source[j + r * step + c] for r < rows, c < columns

    A square of lanes_of(to) rows and columns at most; nothing beyond is touched.
    """
    from numba.core import types

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        tile = _tile_type(signature.args[0].dtype, 1, 1)
        _, i, to_step, _, j, step, rows, columns = arguments
        none = rows.type(0)

        def part(k, limit, count):
            """The first ``count`` lanes of row k, none of them from row ``limit`` on."""
            inside = builder.icmp_signed("<", k, limit)
            return emit.first_lanes(tile, builder.select(inside, count, none))

        numbers = [rows.type(k) for k in range(tile.lanes)]
        square = [
            emit.load_lanes(tile, emit.address(3, j, (k, step)), part(number, rows, columns))
            for k, number in enumerate(numbers)
        ]
        for k, vector in enumerate(emit.transposed(tile, square)):
            mask = part(numbers[k], columns, rows)
            emit.store_lanes(tile, vector, emit.address(0, i, (k, to_step)), mask)
        return context.get_dummy_value()

    return types.void(to, i, to_step, source, j, step, rows, columns), generate


def row_transform(matrix):
    """A helper that takes a tile to the tile whose row i is sum over k of matrix[i][k] * row k."""

    def combine(context, tile):
        result = _tile_type(tile.dtype, len(matrix), tile.columns)

        def generate(context, builder, signature, arguments):
            emit = _Emitter(context, builder, signature, arguments)
            cells = context.get_value_type(result)(None)
            number = context.get_value_type(tile.dtype)
            for i, factors in enumerate(matrix):
                for k, factor in enumerate(factors):
                    for c in range(tile.columns if factor else 0):
                        vector = builder.extract_value(arguments[0], k * tile.columns + c)
                        repeated = emit.repeat(tile, number(float(factor)))
                        cells = emit.multiply_add(cells, i * tile.columns + c, repeated, vector)
            return cells

        return result(tile), generate

    return CpuIntrinsic(combine)
