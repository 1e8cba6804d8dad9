"""The Embedding layer."""

from __future__ import annotations

from ..errors import check_int
from ..initializer import Initializer, initialize, xavier_normal
from ..module import Module
from ..ops.embedding import embedding
from ..tensor import XTensor


class Embedding(Module):
    """A learned vector for each of a number of things, looked up by number.

    Args:
        num_embeddings: how many vectors there are.
        embedding_dim: how long each is.
        weight_initializer: called with [num_embeddings, embedding_dim]; by default
            N(0, 2 / (num_embeddings + embedding_dim)).
        dtype: of the table, kfloat32 by default.
        name: a label.

    Attributes:
        weights: Parameter [num_embeddings, embedding_dim].

    Raises:
        TypeError: a number is no int, the initializer not callable, dtype not floating; x is no
            XTensor, or kbool.
        ValueError: a number below 1.
        IndexError: x holds a number that is not in 0 .. num_embeddings - 1.

    Example:
        >>> from xtensor import Embedding, XTensor, kint64
        >>> layer = Embedding(30, 3)
        >>> layer(XTensor([[4, 7], [0, 29]], dtype=kint64)).shape
        [2, 2, 3]
        >>> layer
        Embedding: 90 parameters  (weights [30, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        weight_initializer: Initializer = xavier_normal,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        for argument, value in (
            ("num_embeddings", num_embeddings),
            ("embedding_dim", embedding_dim),
        ):
            check_int("Embedding", argument, value, 1)
        self.weights = initialize(
            weight_initializer, [num_embeddings, embedding_dim], dtype, embedding_dim, "Embedding"
        )

    def forward(self, x: XTensor) -> XTensor:
        """x [*], row numbers of any dtype but kbool -> [*, embedding_dim]."""
        return embedding(self.weights, x)
