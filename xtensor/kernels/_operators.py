"""What Python's operators do with tiles in compiled code, and ``min`` and ``max`` with two numbers.

So a formula is written once for numbers and tiles: ``a * b + 1`` is for each number of a tile what
it is for one, where all are of one dtype; a number beside a tile is taken in the tile's. There are
+ - * < <= > >= and, of floating numbers, / and the unary - and ``abs``. Loaded to compile
something, as numba is.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import operator
from functools import partial

from numba.core import types
from numba.core.extending import intrinsic, lower_builtin, type_callable

from ._llvm import Emitter, TileType, holding, tile_among

ARITHMETIC = {
    operator.add: "add",
    operator.sub: "sub",
    operator.mul: "mul",
    operator.truediv: "div",
}
COMPARISONS = {operator.lt: "<", operator.gt: ">", operator.le: "<=", operator.ge: ">="}


def _on_tiles(result_of, write, context, builder, signature, values):
    """The tile of type result_of(tile) that ``write`` makes, cell by cell."""
    tile, emit = tile_among(signature.args), Emitter(context, builder, signature.args)
    cells = [emit.repeated(tile, *operand) for operand in zip(signature.args, values)]
    return emit.lanewise(result_of(tile), partial(write, emit, tile), *cells)


def _same(tile):
    return tile


def _floating(tile):
    return tile if isinstance(tile.dtype, types.Float) else None


def _truths(tile):
    return holding(tile, types.boolean)


def _define_binary(operation, result_of, write):
    def typer(a, b):
        tile = tile_among((a, b))
        return tile and result_of(tile)

    type_callable(operation)(lambda context: typer)
    emit = partial(_on_tiles, result_of, write)
    for operands in ((TileType, TileType), (TileType, types.Number), (types.Number, TileType)):
        lower_builtin(operation, *operands)(emit)


def _define_unary(operation, write):
    def typer(a):
        tile = tile_among((a,))
        return tile and _floating(tile)

    type_callable(operation)(lambda context: typer)
    lower_builtin(operation, TileType)(partial(_on_tiles, _floating, write))


for _operation, _how in ARITHMETIC.items():
    _define_binary(
        _operation, _floating if _how == "div" else _same,
        lambda emit, tile, a, b, how=_how: emit.combined(how, tile.dtype, a, b),
    )  # fmt: skip
for _operation, _sign in COMPARISONS.items():
    _define_binary(
        _operation, _truths,
        lambda emit, tile, a, b, sign=_sign: emit.compared(sign, tile.dtype, a, b),
    )  # fmt: skip
_define_unary(operator.neg, lambda emit, tile, a: emit.builder.fneg(a))
_define_unary(abs, lambda emit, tile, a: emit.absolute(tile, a))


def _of_two(compare):
    """``min`` or ``max`` of two numbers, as Python has it.

    numba compiles a function for its own, for each pair of types: 30 ms before a first result.
    """

    @intrinsic
    def pick(context, a, b):
        kind = context.unify_types(a, b)

        def emit(context, builder, signature, values):
            first, second = (
                context.cast(builder, value, given, kind)
                for value, given in zip(values, signature.args)
            )
            test = context.get_function(compare, types.boolean(kind, kind))
            return builder.select(test(builder, (second, first)), second, first)

        return kind(a, b), emit

    return pick


# What compiled code gets for them, of which a call names two numbers.
BUILTINS = {"min": _of_two(operator.lt), "max": _of_two(operator.gt)}
