"""The operations, one family per file: check, forward, backward, and last the public functions."""
