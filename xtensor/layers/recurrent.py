"""Recurrent layers: RNN, GRU, LSTM on padded batches, Dynamic_* on packed sequences.

Sequences of one length go through as [B, T, *], others as packed rows.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from ..errors import check_flag, check_int, message, shown
from ..initializer import initialize
from ..module import Module
from ..ops.recurrent import gru, lstm, rnn
from ..ops.shape import concatenate, reshape, stack
from ..sequence import PackedSequence
from ..tensor import XTensor, check_tensor

Sizes: TypeAlias = list[int] | None
Weights: TypeAlias = tuple[Any, Any, XTensor | None, XTensor | None]
States: TypeAlias = list[XTensor | None]


class _Recurrent(Module):
    """Parameters, layers and directions; a subclass calls its cell and says how many gates it has.

    Parameters are named and stacked as PyTorch's, so its arrays can be loaded as they are.
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        batch_first: bool,
        use_bias: bool,
        bidirectional: bool,
        dtype: int | None,
        name: str,
    ) -> None:
        super().__init__(name)
        where = type(self).__name__
        self.input_size = check_int(where, "input_size", input_size, 1)
        self.hidden_size = check_int(where, "hidden_size", hidden_size, 1)
        self.num_layers = check_int(where, "num_layers", num_layers, 1)
        self.batch_first = check_flag(where, "batch_first", batch_first)
        self.use_bias = check_flag(where, "use_bias", use_bias)
        self.bidirectional = check_flag(where, "bidirectional", bidirectional)
        self.directions = 2 if bidirectional else 1
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            features = input_size if layer == 0 else self.directions * hidden_size
            shapes = {"weight_ih": [rows, features], "weight_hh": [rows, hidden_size]}
            if use_bias:
                shapes |= {"bias_ih": [rows], "bias_hh": [rows]}
            for direction in range(self.directions):
                for kind, shape in shapes.items():
                    parameter = initialize(None, shape, dtype, hidden_size, where)
                    setattr(self, _parameter_name(kind, layer, direction), parameter)

    def _cell(
        self, x: XTensor, weights: Weights, states: States, batch_sizes: Sizes, reverse: bool
    ) -> tuple[XTensor, ...]:
        """One layer in one direction: the outputs, then each last state."""
        raise NotImplementedError

    def _weights(self, layer: int, direction: int) -> Weights:
        """W_ih, W_hh, b_ih, b_hh of one direction of a layer."""
        w_ih, w_hh, b_ih, b_hh = (
            getattr(self, _parameter_name(kind, layer, direction), None)
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        return w_ih, w_hh, b_ih, b_hh

    def _run(self, x: XTensor, batch_sizes: Sizes, states: States) -> tuple[XTensor, list[XTensor]]:
        """All layers: [B, T, I] or packed [S, I] to as many rows of D * H, and the last states,
        [layers * D, B, H]."""
        last: list[tuple[XTensor, ...]] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self.directions):
                index = layer * self.directions + direction
                first = [None if s is None else s[index] for s in states]
                output, *after = self._cell(
                    x, self._weights(layer, direction), first, batch_sizes, direction == 1
                )
                outputs.append(output)
                last.append(tuple(after))
            x = outputs[0] if len(outputs) == 1 else concatenate(outputs, axis=-1)
        return x, [stack(group) for group in zip(*last, strict=True)]

    def _check_state(self, argument: str, state: Any, batch: int) -> None:
        if state is None:
            return
        where = type(self).__name__
        check_tensor(where, argument, state)
        due = [self.num_layers * self.directions, batch, self.hidden_size]
        if state.shape != due:
            raise ValueError(
                message(where, argument, f"of shape {state.shape}",
                        f"{due}: num_layers * directions, batch, hidden_size")
            )  # fmt: skip

    def _check_features(self, argument: str, shape: list[int], layout: str) -> None:
        if len(shape) != layout.count(",") + 1 or shape[-1] != self.input_size:
            raise ValueError(
                message(type(self).__name__, argument, f"of shape {shape}",
                        f"{layout} with I = input_size = {self.input_size}")
            )  # fmt: skip

    def _sequences(self, x: Any, states: dict[str, Any]) -> tuple[Any, list[XTensor]]:
        """Sequences of one length, [B, T, I] with batch_first, else [T, B, I]."""
        packed = isinstance(x, PackedSequence)
        check_tensor(
            type(self).__name__, "x", x,
            f"use Dynamic_{type(self).__name__} for packed sequences" if packed else "",
        )  # fmt: skip
        self._check_features("x", x.shape, "[B, T, I]" if self.batch_first else "[T, B, I]")
        batch, steps = x.shape[:2] if self.batch_first else x.shape[1::-1]
        if steps == 0:
            raise ValueError(
                message(type(self).__name__, "x", f"of shape {x.shape}", "at least one step")
            )
        for argument, state in states.items():
            self._check_state(argument, state, batch)
        first = list(states.values())
        if self.batch_first:
            return self._run(x, None, first)
        # With steps first, rows are packed as they are.
        rows, last = self._run(reshape(x, [steps * batch, x.shape[2]]), [batch] * steps, first)
        return reshape(rows, [steps, batch, rows.shape[1]]), last


def _parameter_name(kind: str, layer: int, direction: int) -> str:
    return f"{kind}_l{layer}{'_reverse' if direction else ''}"


class _OneState(_Recurrent):
    """A layer whose cells pass on one state, h."""

    def forward(self, x: Any, h0: XTensor | None = None) -> tuple[Any, XTensor]:
        """x [B, T, I] or [T, B, I], or packed if dynamic, h0 [num_layers * D, B, H]
        -> (output, hn)."""
        output, (hn,) = self._sequences(x, {"h0": h0})
        return output, hn


class RNN(_OneState):
    """Elman network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, same).

    Args:
        input_size: I, features of each step.
        hidden_size: H, features of the state.
        num_layers: layers; each one after the first takes the outputs of the one before it.
        nonlinearity: 'tanh' or 'relu'.
        batch_first: whether x and the output are [B, T, *] instead of [T, B, *].
        use_bias: whether there are b_ih and b_hh.
        bidirectional: whether each layer also goes through the steps in reverse (D = 2, else 1).
        dtype: of the parameters, kfloat32 by default.
        name: a label.

    Attributes:
        weight_ih_l0, weight_hh_l0: Parameters [H, I] and [H, H]; weight_ih of further layers
            (_l1, ...) is [H, D * H]. The reverse direction has the suffix _reverse.
        bias_ih_l0, bias_hh_l0, ...: Parameters [H], if use_bias.
        All start as U(-1/sqrt(H), 1/sqrt(H)).

    Returns:
        ``rnn(x, h0)`` gives (output, hn): output [B, T, D * H] (or [T, B, D * H]), forward and
        reverse side by side; hn [num_layers * D, B, H], the states after the last step each
        direction takes. h0 has hn's shape; None is zeros.

    Raises:
        TypeError: a number is no int, a flag no bool; x is no XTensor.
        ValueError: a number below 1, another nonlinearity; x or h0 of another shape.

    Source: Elman, "Finding structure in time" (1990).

    Example:
        >>> from xtensor import RNN, ones
        >>> output, hn = RNN(4, 6, 2, bidirectional=True)(ones([3, 5, 4]))
        >>> output.shape, hn.shape
        ([3, 5, 12], [4, 3, 6])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        batch_first: bool = True,
        use_bias: bool = True,
        bidirectional: bool = False,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, batch_first, use_bias, bidirectional, dtype, name
        )
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                message(type(self).__name__, "nonlinearity", shown(nonlinearity),
                        "'tanh' or 'relu'")
            )  # fmt: skip
        self.nonlinearity = nonlinearity

    def _cell(
        self, x: XTensor, weights: Weights, states: States, batch_sizes: Sizes, reverse: bool
    ) -> tuple[XTensor, ...]:
        return rnn(x, *weights, states[0], batch_sizes, reverse, self.nonlinearity)


class GRU(_OneState):
    """Gated recurrent units: h' = (1 - z) n + z h.

    With s(a) = 1 / (1 + exp(-a)): r, z = s(W_ih x + b_ih + W_hh h + b_hh) and
    n = tanh(W_in x + b_in + r (W_hn h + b_hn)).

    Args:
        input_size, hidden_size, num_layers, batch_first, use_bias, bidirectional, dtype, name: as
            for RNN.
        nonlinearity: accepted and without effect; it is in the documented signature only.

    Attributes:
        weight_ih_l0, weight_hh_l0: Parameters [3 H, I] and [3 H, H], the rows of r, z, n; further
            layers and the reverse direction as for RNN.
        bias_ih_l0, bias_hh_l0, ...: Parameters [3 H], if use_bias.

    Returns:
        ``gru(x, h0)`` gives (output, hn), as RNN.

    Raises:
        TypeError, ValueError: as RNN.

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation" (2014).

    Example:
        >>> from xtensor import GRU, ones
        >>> output, hn = GRU(4, 6, batch_first=False)(ones([5, 3, 4]))
        >>> output.shape, hn.shape
        ([5, 3, 6], [1, 3, 6])
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        batch_first: bool = True,
        use_bias: bool = True,
        bidirectional: bool = False,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, batch_first, use_bias, bidirectional, dtype, name
        )

    def _cell(
        self, x: XTensor, weights: Weights, states: States, batch_sizes: Sizes, reverse: bool
    ) -> tuple[XTensor, ...]:
        return gru(x, *weights, states[0], batch_sizes, reverse)


class LSTM(_Recurrent):
    """Long short-term memory: c' = f c + i g, h' = o tanh(c').

    With s(a) = 1 / (1 + exp(-a)): i, f, o = s(W_ih x + b_ih + W_hh h + b_hh) and g = tanh of the
    same form.

    Args:
        input_size, hidden_size, num_layers, batch_first, use_bias, bidirectional, dtype, name: as
            for RNN.

    Attributes:
        weight_ih_l0, weight_hh_l0: Parameters [4 H, I] and [4 H, H], the rows of i, f, g, o;
            further layers and the reverse direction as for RNN.
        bias_ih_l0, bias_hh_l0, ...: Parameters [4 H], if use_bias.

    Returns:
        ``lstm(x, (h0, c0))`` gives (output, (hn, cn)); cn, as c0, has hn's shape.

    Raises:
        TypeError, ValueError: as RNN; TypeError if the states are no pair.

    Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997).

    Example:
        >>> from xtensor import LSTM, ones
        >>> output, (hn, cn) = LSTM(4, 6)(ones([3, 5, 4]))
        >>> output.shape, hn.shape, cn.shape
        ([3, 5, 6], [1, 3, 6], [1, 3, 6])
    """

    gates = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        batch_first: bool = True,
        use_bias: bool = True,
        bidirectional: bool = False,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, batch_first, use_bias, bidirectional, dtype, name
        )

    def _cell(
        self, x: XTensor, weights: Weights, states: States, batch_sizes: Sizes, reverse: bool
    ) -> tuple[XTensor, ...]:
        return lstm(x, *weights, states[0], states[1], batch_sizes, reverse)

    def _states(self, states: Any) -> dict[str, Any]:
        if states is None:
            return {"h0": None, "c0": None}
        if not isinstance(states, (tuple, list)) or len(states) != 2:
            raise TypeError(
                message(type(self).__name__, "states", f"of type {type(states).__name__}",
                        "a pair (h0, c0), or None")
            )  # fmt: skip
        return dict(zip(("h0", "c0"), states, strict=True))

    def forward(
        self, x: Any, states: tuple[XTensor, XTensor] | None = None
    ) -> tuple[Any, tuple[XTensor, XTensor]]:
        """x [B, T, I] or [T, B, I], or packed if dynamic, states (h0, c0) -> (output, (hn, cn))."""
        output, (hn, cn) = self._sequences(x, self._states(states))
        return output, (hn, cn)


class _Dynamic(_Recurrent):
    """What makes a layer take packed sequences."""

    def _sequences(self, x: Any, states: dict[str, Any]) -> tuple[Any, list[XTensor]]:
        """Sequences of different lengths; states are in the order of the original batch."""
        if not isinstance(x, PackedSequence):
            raise TypeError(
                message(type(self).__name__, "x", f"of type {type(x).__name__}",
                        "a PackedSequence", "pack it with pack_pad_sequence")
            )  # fmt: skip
        # Checked anew: its lists can have been edited.
        x = PackedSequence(x.data, x.batch_sizes, x.sorted_indices, x.unsorted_indices)
        self._check_features("x.data", x.data.shape, "[S, I]")
        for argument, state in states.items():
            self._check_state(argument, state, x.batch_sizes[0])
        first = list(states.values())
        if x.sorted_indices is not None:
            first = [None if s is None else s[:, x.sorted_indices] for s in first]
        rows, last = self._run(x.data, x.batch_sizes, first)
        if x.unsorted_indices is not None:
            last = [s[:, x.unsorted_indices] for s in last]
        output = PackedSequence(rows, x.batch_sizes, x.sorted_indices, x.unsorted_indices)
        return output, last


class Dynamic_RNN(_Dynamic, RNN):
    """RNN over sequences of different lengths, packed.

    Args:
        input_size, hidden_size, num_layers, nonlinearity, use_bias, bidirectional, dtype, name: as
            for RNN.
        batch_first: without effect, as packed sequences have one layout.

    Attributes:
        weight_ih_l0, ...: as RNN.

    Returns:
        ``rnn(packed, h0)`` gives (output, hn): a PackedSequence of [S, D * H], and
        hn [num_layers * D, B, H] in the order of the original batch, as h0. Each sequence ends with
        its own last step, and starts there in reverse.

    Raises:
        TypeError: the input is no PackedSequence; else as RNN.
        ValueError: as RNN.

    Example:
        >>> from xtensor import Dynamic_RNN, ones, pack_pad_sequence, pad_packed_sequence
        >>> packed = pack_pad_sequence(ones([2, 3, 4]), [1, 3], batch_first=True,
        ...                            enforce_sorted=False)
        >>> output, hn = Dynamic_RNN(4, 6)(packed)
        >>> padded, lengths = pad_packed_sequence(output, batch_first=True)
        >>> padded.shape, lengths, hn.shape
        ([2, 3, 6], [1, 3], [1, 2, 6])
    """


class Dynamic_GRU(_Dynamic, GRU):
    """GRU over sequences of different lengths, packed.

    Args:
        input_size, hidden_size, num_layers, use_bias, bidirectional, dtype, name: as for RNN.
        batch_first: without effect, as packed sequences have one layout.

    Attributes:
        weight_ih_l0, ...: as GRU.

    Returns:
        ``gru(packed, h0)`` gives (PackedSequence, hn), as Dynamic_RNN.

    Raises:
        TypeError, ValueError: as Dynamic_RNN.

    Example:
        >>> from xtensor import Dynamic_GRU, PackedSequence, ones
        >>> output, hn = Dynamic_GRU(4, 6)(PackedSequence(ones([4, 4]), [2, 1, 1]))
        >>> output, hn.shape
        (PackedSequence: 2 sequences of lengths [3, 1], data [4, 6], [1, 2, 6])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        batch_first: bool = True,
        use_bias: bool = True,
        bidirectional: bool = False,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, "tanh", batch_first, use_bias, bidirectional,
            dtype, name,
        )  # fmt: skip


class Dynamic_LSTM(_Dynamic, LSTM):
    """LSTM over sequences of different lengths, packed.

    Args:
        input_size, hidden_size, num_layers, use_bias, bidirectional, dtype, name: as for RNN.
        batch_first: without effect, as packed sequences have one layout.

    Attributes:
        weight_ih_l0, ...: as LSTM.

    Returns:
        ``lstm(packed, (h0, c0))`` gives (PackedSequence, (hn, cn)), states in the order of the
        original batch.

    Raises:
        TypeError, ValueError: as Dynamic_RNN and LSTM.

    Example:
        >>> from xtensor import Dynamic_LSTM, PackedSequence, ones
        >>> output, (hn, cn) = Dynamic_LSTM(4, 6)(PackedSequence(ones([4, 4]), [2, 1, 1]))
        >>> output.data.shape, cn.shape
        ([4, 6], [1, 2, 6])
    """
