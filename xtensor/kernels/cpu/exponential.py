"""exp, expm1 and log1p as arithmetic, so that a loop around them vectorises and they fuse into it.

numba's own call the scalar ones of the C library (50 times slower); NumPy's are vectorised, but
pass over memory once for each step. The method is that of Cody and Waite ("Software Manual for the
Elementary Functions", 1980): x = k ln 2 + r with abs(r) <= ln(2) / 2, exp(x) = 2**k exp(r), with
the coefficients of Moshier's Cephes library for exp(r). The error stays within about one unit of
the last place. ``isinstance`` is decided while compiling.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .._jit import CpuFunction

F, D, I32, I64 = np.float32, np.float64, np.int32, np.int64
# Adding 1.5 * 2**23 (or 2**52) rounds to a whole number, which the sum's lowest bits then hold.
ROUND_32, ROUND_64 = F(1.5 * 2**23), D(1.5 * 2**52)
BITS_32, BITS_64 = ROUND_32.view(I32), ROUND_64.view(I64)


def _reduced(x):
    """q, a, b with exp(x) = (1 + q) * a * b; a and b are powers of two, whose product may overflow.

    x beyond what gives 0 or infinity is cut off first; NaN stays NaN.
    """
    if isinstance(x, F):
        x = F(89) if x > F(89) else (F(-104) if x < F(-104) else x)
        rounded = F(x * F(1.44269504) + ROUND_32)
        f = rounded - ROUND_32
        k = I32(rounded.view(I32) - BITS_32)
        r = x - f * F(0.693359375)
        r = r - f * F(-2.12194440e-4)
        p = F(1.9875691500e-4)
        p = p * r + F(1.3981999507e-3)
        p = p * r + F(8.3334519073e-3)
        p = p * r + F(4.1665795894e-2)
        p = p * r + F(1.6666665459e-1)
        p = p * r + F(5.0000001201e-1)
        half = I32(k >> I32(1))
        a = I32((half + I32(127)) << I32(23)).view(F)
        b = I32((k - half + I32(127)) << I32(23)).view(F)
        return p * r * r + r, a, b
    x = D(710) if x > D(710) else (D(-746) if x < D(-746) else x)
    rounded = D(x * D(1.4426950408889634) + ROUND_64)
    f = rounded - ROUND_64
    k = rounded.view(I64) - BITS_64
    r = x - f * D(6.93145751953125e-1)
    r = r - f * D(1.42860682030941723212e-6)
    s = r * r
    p = D(1.26177193074810590878e-4) * s + D(3.02994407707441961300e-2)
    p = r * (p * s + D(9.99999999999999999910e-1))
    d = D(3.00198505138664455042e-6) * s + D(2.52448340349684104192e-3)
    d = (d * s + D(2.27265548208155028766e-1)) * s + D(2.0)
    half = k >> 1
    a = I64((half + 1023) << 52).view(D)
    b = I64((k - half + 1023) << 52).view(D)
    return D(2.0) * p / (d - p), a, b


# No reordering in here, whatever the caller allows itself: the rounding trick would be cancelled.
reduced = CpuFunction(_reduced, "contract")


def _exp(x):
    """exp(x); infinity above its range, 0 below"""
    q, a, b = reduced(x)
    return (q * a + a) * b


def _expm1(x):
    """exp(x) - 1 for x <= 0, where neither subtraction loses digits"""
    q, a, b = reduced(x)
    power = a * b
    return q * power + (power - F(1))


def _log1p(x):
    """log(1 + x) for 0 <= x <= 1: 2 artanh(s) = 2 (s + s**3 / 3 + ...), s = x / (2 + x) <= 1/3"""
    s = x / (F(2) + x)
    t = s * s
    p = s - s
    if isinstance(x, F):
        for k in range(7, 0, -1):
            p = (p + F(1 / (2 * k + 1))) * t
    else:
        for k in range(16, 0, -1):
            p = (p + 1 / (2 * k + 1)) * t
    return (p * s + s) * F(2)


exp = CpuFunction(_exp, "contract")
expm1 = CpuFunction(_expm1, "contract")
log1p = CpuFunction(_log1p, "contract")
