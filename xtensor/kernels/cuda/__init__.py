"""CUDA twins of the CPU kernels: same file names, function names and parameters."""
