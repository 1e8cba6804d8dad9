"""Rows of a large table by number; backward, most rows get no gradient."""

import numpy as np
import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch


@BACKWARD
@pytest.mark.parametrize("rows", [50_000, 1_000], ids=lambda rows: f"{rows}x256, 8192 indices")
def test_embedding(compare, rows, backward):
    index = np.random.default_rng(0).integers(0, rows, 8192)
    compare(
        **on_arrays(
            [normal(rows, 256), index],
            backward,
            xtensor=lambda table, index: xt.embedding(table, index),
            torch=lambda table, index: torch.nn.functional.embedding(index, table),
        )
    )
