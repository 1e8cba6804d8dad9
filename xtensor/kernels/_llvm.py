"""LLVM code for intrinsics: numbers, vectors, and tiles of them; loaded to compile one.

Nothing here knows what a kernel is about; ``Emitter`` has one method for each thing that numba
cannot say in Python: load a vector, repeat a number in all its lanes, shuffle lanes, and so on.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import functools
import inspect
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, errors, types
from numba.core.datamodel import models, register_default
from numba.core.extending import intrinsic
from numba.core.types.misc import CPointer

LANE, WORD = ir.IntType(32), ir.IntType(64)
# A product and a sum may be rounded once.
FUSE = ("contract",)


@functools.cache
def vector_bytes():
    """What a register of this processor holds."""
    features = binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


@functools.cache
def reads_ahead():
    """Whether this processor takes long arrays from memory faster for being asked in advance.

    A Zen 5 does, up to a fourth; on a Zen 4, whose caches fetch ahead by themselves, sums and
    maxima of 4 to 25 MB took 10 to 25 % longer for it.
    """
    return binding.get_host_cpu_name() == "znver5"


def lanes_of(dtype):
    """Numbers in a vector."""
    return vector_bytes() * 8 // dtype.bitwidth


class TileType(types.Type):
    """numba's type of a tile of rows x columns vectors, which fill a register if not said else."""

    def __init__(self, dtype, rows, columns, lanes=None):
        self.dtype, self.rows, self.columns = dtype, rows, columns
        self.lanes = lanes or lanes_of(dtype)
        super().__init__(f"Tile({dtype}, {rows}, {columns}, {self.lanes})")


@register_default(TileType)
class TileModel(models.PrimitiveModel):
    """A tile is an LLVM array of vectors, row by row, which the optimiser keeps in registers."""

    def __init__(self, manager, tile):
        vector = ir.VectorType(manager.lookup(tile.dtype).get_value_type(), tile.lanes)
        super().__init__(manager, tile, ir.ArrayType(vector, tile.rows * tile.columns))


def pointer_to(array):
    """The type of a pointer to the elements of an array; truth values are the numbers 0 and 1."""
    if isinstance(array, types.Array) and array.layout != "C":
        raise errors.TypingError(
            "a kernel that reads by pointers got a view, such as x[::2]; "
            "pass it numpy.ascontiguousarray(x)"
        )
    return CPointer(types.uint8 if array.dtype == types.boolean else array.dtype)


def tile_like(array, rows, columns):
    """The type of a tile for an array or pointer and two literals."""
    return TileType(array.dtype, rows.literal_value, columns.literal_value)


def make_intrinsic(function):
    """numba's intrinsic of a function (types of arguments) -> (signature, generate).

    ``generate`` gets an ``Emitter`` and the values of the arguments.
    """

    def typed(context: Any, *arguments: Any) -> Any:
        signature, generate = function(*arguments)

        def emit(context, builder, signature, values):
            result = generate(Emitter(context, builder, signature.args), *values)
            return context.get_dummy_value() if result is None else result

        return signature, emit

    # numba reads the names of the parameters, and leaves out the first.
    parameters = inspect.signature(function).parameters.values()
    first = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    setattr(typed, "__signature__", inspect.Signature([first, *parameters]))  # noqa: B010 - mypy
    typed.__name__ = function.__name__
    return intrinsic(prefer_literal=True)(typed)


class Emitter:
    """Writes LLVM code at one place, for arguments of the given numba types."""

    def __init__(self, context, builder, argument_types):
        self.context, self.builder, self.types = context, builder, argument_types

    @property
    def module(self):
        return self.builder.module

    # -- memory -----------------------------------------------------------------------------------

    def begin_of(self, array, value):
        """The address of an array's first element; of a pointer, itself."""
        if isinstance(array, CPointer):
            return value
        return self.context.make_array(array)(self.context, self.builder, value).data

    def room(self, kind, count):
        """The address of memory of the function for so many numbers; it begins a cache line."""
        size = ir.Constant(WORD, count)
        memory = cgutils.alloca_once(self.builder, self.context.get_data_type(kind), size)
        memory.align = 64
        return memory

    def address(self, pointer, index, *steps):
        """pointer + index + sum of number * distance over (number, distance) in ``steps``"""
        for number, distance in steps:
            index = self.builder.add(index, self.builder.mul(distance, index.type(number)))
        return self.builder.gep(pointer, [index])

    def numbers_at(self, kind, pointer, index):
        """A tuple of the numbers that begin there."""
        places = [self.builder.add(index, index.type(number)) for number in range(kind.count)]
        numbers = [self.builder.load(self.address(pointer, place)) for place in places]
        return self.context.make_tuple(self.builder, kind, numbers)

    def load(self, tile, address):
        """The vector that begins there; it need not be aligned."""
        return self.builder.load(self.as_vector(tile, address), align=size_of(tile))

    def store(self, tile, vector, address):
        self.builder.store(vector, self.as_vector(tile, address), align=size_of(tile))

    def load_lanes(self, tile, address, mask):
        """Lanes that are not in the mask are 0 and not even touched in memory."""
        pointer, vector = self.as_vector(tile, address), self.vector_type(tile)
        size = LANE(size_of(tile))
        load = self.masked("load", tile, vector, [pointer.type, LANE, mask.type, vector])
        return self.builder.call(load, [pointer, size, mask, vector(None)])

    def load_pair(self, tile, begin, index, count):
        """The vectors of the first ``count`` numbers there, two at most; beyond them is 0."""
        return [
            self.load_lanes(
                tile, self.address(begin, index, (first, index.type(1))),
                self.first_lanes(tile, self.builder.sub(count, count.type(first))),
            )
            for first in (0, tile.lanes)
        ]  # fmt: skip

    def store_lanes(self, tile, vector, address, mask):
        """Lanes that are not in the mask are left alone.

        Without AVX-512, AMD's processors take about twenty cycles, even if that is all of them.
        """
        pointer, size = self.as_vector(tile, address), LANE(size_of(tile))
        kinds = [vector.type, pointer.type, LANE, mask.type]
        store = self.masked("store", tile, ir.VoidType(), kinds)
        if vector_bytes() == 64:
            self.builder.call(store, [vector, pointer, size, mask])
            return
        bits = ir.IntType(tile.lanes)
        whole = self.builder.icmp_signed("==", self.builder.bitcast(mask, bits), bits(-1))
        with self.builder.if_else(whole) as (then, otherwise):
            with then:
                self.store(tile, vector, address)
            with otherwise:
                self.builder.call(store, [vector, pointer, size, mask])

    def as_vector(self, tile, address):
        return self.builder.bitcast(address, self.vector_type(tile).as_pointer())

    def vector_type(self, tile):
        return self.context.get_value_type(tile).element

    def masked(self, action, tile, result, parameters):
        """LLVM's function for it."""
        letter = "f" if isinstance(tile.dtype, types.Float) else "i"
        kind = f"v{tile.lanes}{letter}{tile.dtype.bitwidth}"
        return cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(result, parameters),
            f"llvm.masked.{action}.{kind}.p0{kind}",
        )  # fmt: skip

    # -- lanes ------------------------------------------------------------------------------------

    def shuffle(self, a, b, lanes):
        """The vector of these lanes of a, followed by b."""
        return self.builder.shuffle_vector(a, b, ir.VectorType(LANE, len(lanes))(lanes))

    def repeat(self, tile, number):
        """A vector of the same number in every lane."""
        undefined = ir.VectorType(number.type, tile.lanes)(ir.Undefined)
        first = self.builder.insert_element(undefined, number, LANE(0))
        return self.shuffle(first, undefined, [0] * tile.lanes)

    def first_lanes(self, tile, count):
        """A mask of the lanes below ``count``."""
        return self._numbered_below(tile, range(tile.lanes), count)

    def last_lanes(self, tile, count):
        """A mask of as many lanes at the end."""
        return self._numbered_below(tile, range(tile.lanes)[::-1], count)

    def _numbered_below(self, tile, numbers, count):
        """Lanes have 32 bits each, so that a comparison of 16 of them is a single instruction."""
        fewer = self.builder.icmp_signed("<", count, count.type(tile.lanes))
        count = self.builder.select(fewer, count, count.type(tile.lanes))
        limit = self.repeat(tile, self.builder.trunc(count, LANE))
        return self.builder.icmp_signed("<", ir.VectorType(LANE, tile.lanes)(list(numbers)), limit)

    def part(self, tile, rows, count, taken):
        """Row, column and mask of each cell: which numbers are in the first rows and columns.

        Of ``count`` numbers of a row, each column of cells has ``taken``.
        """
        masks = [
            self.first_lanes(tile, self.builder.sub(count, self.builder.mul(taken, count.type(c))))
            for c in range(tile.columns)
        ]
        for r in range(tile.rows):
            for c, mask in enumerate(masks):
                yield r, c, self.if_below(r, rows, mask)

    def if_below(self, number, limit, mask):
        """The mask if the number is below the limit, else no lane.

        With AVX-512, where masks are bits in registers of their own, they are chosen as a number.
        """
        below = self.builder.icmp_signed("<", limit.type(number), limit)
        if vector_bytes() < 64:
            return self.builder.select(below, mask, mask.type(None))
        bits = self.builder.bitcast(mask, ir.IntType(mask.type.count))
        return self.builder.bitcast(self.builder.select(below, bits, bits.type(0)), mask.type)

    def exchange(self, a, b, half):
        """Blocks of ``half`` lanes: the even ones of a and b in turn, and the odd ones."""
        lanes = range(a.type.count)
        low = [n if not n & half else len(lanes) + n - half for n in lanes]
        high = [n + half if not n & half else len(lanes) + n for n in lanes]
        return self.shuffle(a, b, low), self.shuffle(a, b, high)

    def transposed(self, tile, square):
        """As many vectors as each has lanes: blocks are exchanged, from halves to single lanes."""
        half = tile.lanes // 2
        while half:
            for k in range(tile.lanes):
                if not k & half:
                    pair = square[k], square[k + half]
                    square[k], square[k + half] = self.exchange(*pair, half)
            half //= 2
        return square

    def absolute(self, tile, vector):
        """Of a vector of floating numbers."""
        name = f"llvm.fabs.v{tile.lanes}f{tile.dtype.bitwidth}"
        kind = ir.FunctionType(vector.type, [vector.type])
        return self.builder.call(cgutils.get_or_insert_function(self.module, kind, name), [vector])

    def any_nan(self, tile, cells):
        """Bits, of which some are 1 if there is a NaN; a comparison looks at two cells."""
        last = tile.rows * tile.columns - 1
        found = [
            self.builder.fcmp_unordered(
                "uno", self.cell(cells, k), self.cell(cells, min(k + 1, last))
            )
            for k in range(0, last + 1, 2)
        ]
        lanes = functools.reduce(self.builder.or_, found)
        return self.builder.zext(self.builder.bitcast(lanes, ir.IntType(tile.lanes)), WORD)

    def widened(self, tile, vector):
        """The numbers of a vector, as many as one of the tile has lanes, in the tile's dtype."""
        wide = self.vector_type(tile)
        return vector if vector.type == wide else self.builder.fpext(vector, wide)

    def same_bits(self, kind, value):
        """The number of another type, as wide, that has the bits of this one."""
        return self.builder.bitcast(value, self.context.get_value_type(kind))

    def prefetch(self, address):
        """Have the cache line there brought into the first-level cache; any address will do."""
        text = self.builder.bitcast(address, ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [text.type, LANE, LANE, LANE])
        function = self.module.declare_intrinsic("llvm.prefetch", [text.type], kind)
        to_read, to_stay, data = LANE(0), LANE(3), LANE(1)
        self.builder.call(function, [text, to_read, to_stay, data])

    # -- numbers, or vectors of them --------------------------------------------------------------

    def combined(self, how, dtype, a, b):
        """a + b, or what else LLVM calls ``how``; quotients of floating numbers."""
        name = f"f{how}" if isinstance(dtype, types.Float) else how
        return getattr(self.builder, name)(a, b)

    def compared(self, sign, dtype, a, b):
        """a < b, or another comparison; false with a NaN."""
        if isinstance(dtype, types.Float):
            return self.builder.fcmp_ordered(sign, a, b)
        signed = self.builder.icmp_signed if dtype.signed else self.builder.icmp_unsigned
        return signed(sign, a, b)

    def extremes(self, dtype, a, b, smallest):
        """a where it is larger (smaller) than b, else b; a NaN in b stays."""
        return self.builder.select(self.compared("<" if smallest else ">", dtype, a, b), a, b)

    def power_of_two(self, dtype, rest, rounded, zero):
        """2**(k // 2) or, with ``rest``, 2**(k - k // 2).

        k is by how many units of the last place ``rounded`` is above ``zero``.
        """
        digits, bias = (23, 127) if dtype.bitwidth == 32 else (52, 1023)
        vector = isinstance(rounded.type, ir.VectorType)
        bits = ir.IntType(dtype.bitwidth)
        bits = ir.VectorType(bits, rounded.type.count) if vector else bits
        one, bias, digits = (bits([n] * bits.count if vector else n) for n in (1, bias, digits))
        builder = self.builder
        k = builder.sub(builder.bitcast(rounded, bits), builder.bitcast(zero, bits))
        half = builder.ashr(k, one)
        power = builder.sub(k, half) if rest else half
        return builder.bitcast(builder.shl(builder.add(power, bias), digits), rounded.type)

    # -- tiles ------------------------------------------------------------------------------------

    def lanewise(self, kind, act, *values):
        """The number of that type that ``act`` makes of numbers; or the tile, cell by cell."""
        if not isinstance(kind, TileType):
            return act(*values)
        results = self.zeros(kind)
        for k in range(kind.rows * kind.columns):
            results = self.replace(results, k, act(*[self.cell(cells, k) for cells in values]))
        return results

    def repeated(self, kind, given, value):
        """A number for one of that type, in every lane if it is a tile's; a tile as it is."""
        if isinstance(given, TileType):
            return value
        number = self.context.cast(self.builder, value, given, dtype_of(kind))
        if not isinstance(kind, TileType):
            return number
        vector = self.repeat(kind, number)
        return self.lanewise(kind, lambda cell: vector, self.zeros(kind))

    def zeros(self, tile):
        return self.context.get_value_type(tile)(None)

    def cell(self, cells, k):
        return self.builder.extract_value(cells, k)

    def replace(self, cells, k, vector):
        return self.builder.insert_value(cells, vector, k)

    def multiply_add(self, cells, k, a, b):
        """Cell k += a * b"""
        product = self.builder.fmul(a, b, flags=FUSE)
        return self.replace(cells, k, self.builder.fadd(self.cell(cells, k), product, flags=FUSE))

    def cells_at(self, tile, begin, index, step):
        """Number and address of each cell, rows being ``step`` apart and columns a vector."""
        for r in range(tile.rows):
            for c in range(tile.columns):
                steps = (r, step), (c, index.type(tile.lanes))
                yield r * tile.columns + c, self.address(begin, index, *steps)

    def load_columns(self, tile, begin, index, apart):
        """As many vectors as a row of a tile has, so far apart."""
        return [
            self.load(tile, self.address(begin, index, (c, apart))) for c in range(tile.columns)
        ]

    def add_row(self, tile, cells, row, number, columns):
        """A row of cells += number * columns"""
        factor = self.repeat(tile, number)
        for c, column in enumerate(columns):
            cells = self.multiply_add(cells, row * tile.columns + c, factor, column)
        return cells


def dtype_of(kind):
    """The type of the numbers in a tile; of a number, its own."""
    return kind.dtype if isinstance(kind, TileType) else kind


def tile_among(kinds):
    """The type of the tiles among these types; None if there is none, or others do not go with it.

    A number goes with a tile that holds such: it is taken in the tile's dtype.
    """
    tiles = [kind for kind in kinds if isinstance(kind, TileType)]
    if not tiles:
        return None
    numbers = types.Number if isinstance(tiles[0].dtype, types.Float) else types.Integer
    fit = all(kind == tiles[0] or isinstance(kind, numbers) for kind in kinds)
    return tiles[0] if fit else None


def holding(kind, dtype):
    """A tile of the same shape for numbers of another type; for a number, that type."""
    if isinstance(kind, TileType):
        return TileType(dtype, kind.rows, kind.columns, kind.lanes)
    return dtype


def size_of(tile):
    """Bytes of a number."""
    return tile.dtype.bitwidth // 8
