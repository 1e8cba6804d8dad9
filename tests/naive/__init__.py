"""Slow, plain NumPy oracles, one family per file. They never call the code under test."""
