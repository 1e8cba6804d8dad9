"""Sorting a million numbers, and finding the largest of them."""

import numpy as np
import pytest

import xtensor as xt

from .libraries import normal, on_arrays, torch


def test_sort(compare):
    compare(
        **on_arrays(
            [normal(1_000_000)],
            False,
            xtensor=xt.sort,
            torch=lambda x: torch.sort(x)[0],
            numpy=np.sort,
        )
    )


@pytest.mark.parametrize("k", [10, 1000])
def test_topk(compare, k):
    compare(
        **on_arrays(
            [normal(1_000_000)],
            False,
            xtensor=lambda x: xt.topK(x, k),
            torch=lambda x: torch.topk(x, k)[0],
        )
    )
