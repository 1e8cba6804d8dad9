"""Layers: parameters, and one call into the ops that do the work."""
