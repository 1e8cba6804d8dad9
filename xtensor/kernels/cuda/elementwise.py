"""Elementwise kernels: each formula of scalar.py in a broadcasting grid-stride loop."""

from __future__ import annotations

from .. import scalar
from .._cuda import cuda_elementwise

for _name, _formula in scalar.formulas().items():
    cuda_elementwise(_name, _formula)
