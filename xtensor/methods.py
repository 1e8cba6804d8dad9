"""Hangs the ops on XTensor as operators and methods, so that tensor.py need not import them."""

from __future__ import annotations

from .ops import elementwise
from .tensor import XTensor

XTensor.__add__ = elementwise.add  # type: ignore[method-assign]
XTensor.__mul__ = elementwise.mul
XTensor.__sub__ = elementwise.sub
