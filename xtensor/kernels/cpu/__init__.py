"""CPU kernels: compiled by numba, or NumPy's own loops and BLAS where those are faster."""
