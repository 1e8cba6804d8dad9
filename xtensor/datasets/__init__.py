"""Small data sets that come with the package, for the demo, the tests and the tutorials."""

from .digits import load_digits

__all__ = ["load_digits"]
