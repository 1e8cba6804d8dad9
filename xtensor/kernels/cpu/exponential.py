"""exp and its kin as arithmetic, so that a loop around them vectorises and they fuse into it.

numba's own call the scalar ones of the C library (50 times slower); NumPy's are vectorised, but
pass over memory once for each step. The method is that of Cody and Waite ("Software Manual for the
Elementary Functions", 1980): x = k ln 2 + r with abs(r) <= ln(2) / 2, exp(x) = 2**k exp(r), with
the coefficients of Moshier's Cephes library for exp(r). The error stays within about one unit of
the last place.

``mills`` is a polynomial in (x - k) / (x + k), as in Shepherd and Laframboise ("Chebyshev
approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", Math. Comp. 36, 1981). The
coefficients are of our own making: in the Chebyshev points of 0 <= x <= 14.5 the polynomial for
float32 meets (x + k) mills(x), computed with 50 digits (relative error 2e-8; the last coefficient
is a unit less, for mills(0) to be 1/2), and that for float64
(y + k) exp(y * y) erfc(y), y = x / sqrt(2), in those of 0 <= y <= 27.5 (1e-16). Beyond, ``gauss``
is 0. That in float32 is 2**(k + r), abs(r) <= 1/2, its polynomial found in the same way (3e-9).
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .._jit import CpuChoice, cpu_function
from .numbers import bits_of, bounded, number_of, powers_of_two

F, D, I32, I64 = np.float32, np.float64, np.int32, np.int64
# Adding 1.5 * 2**23 (or 2**52) rounds to a whole number, which the sum's lowest bits then hold.
ROUND_32, ROUND_64 = F(1.5 * 2**23), D(1.5 * 2**52)


# No reordering in here, whatever the caller allows itself: the rounding trick would be cancelled.
exact = cpu_function("contract")


@exact
def reduced32(x):
    x = bounded(x, F(-104), F(89))
    rounded = x * F(1.44269504) + ROUND_32
    f = rounded - ROUND_32
    r = x - f * F(0.693359375)
    r = r - f * F(-2.12194440e-4)
    p = F(1.9875691500e-4)
    p = p * r + F(1.3981999507e-3)
    p = p * r + F(8.3334519073e-3)
    p = p * r + F(4.1665795894e-2)
    p = p * r + F(1.6666665459e-1)
    p = p * r + F(5.0000001201e-1)
    a, b = powers_of_two(rounded, ROUND_32)
    return p * r * r + r, a, b


@exact
def reduced64(x):
    x = bounded(x, D(-746), D(710))
    rounded = x * D(1.4426950408889634) + ROUND_64
    f = rounded - ROUND_64
    r = x - f * D(6.93145751953125e-1)
    r = r - f * D(1.42860682030941723212e-6)
    s = r * r
    p = D(1.26177193074810590878e-4) * s + D(3.02994407707441961300e-2)
    p = r * (p * s + D(9.99999999999999999910e-1))
    d = D(3.00198505138664455042e-6) * s + D(2.52448340349684104192e-3)
    d = (d * s + D(2.27265548208155028766e-1)) * s + D(2.0)
    a, b = powers_of_two(rounded, ROUND_64)
    return D(2.0) * p / (d - p), a, b


# q, a, b with exp(x) = (1 + q) * a * b; a and b are powers of two, whose product may overflow.
# x beyond what gives 0 or infinity is cut off first; NaN stays NaN.
reduced = CpuChoice(reduced32, reduced64)


@exact
def exp(x):
    """exp(x); infinity above its range, 0 below"""
    q, a, b = reduced(x)
    return (q * a + a) * b


@exact
def expm1(x):
    """exp(x) - 1 for x <= 0, where neither subtraction loses digits"""
    q, a, b = reduced(x)
    power = a * b
    return q * power + (power - F(1))


@exact
def log1p32(x):
    s = x / (F(2) + x)
    t, p = s * s, F(0)
    for k in range(7, 0, -1):
        p = (p + F(1 / (2 * k + 1))) * t
    return (p * s + s) * F(2)


@exact
def log1p64(x):
    s = x / (D(2) + x)
    t, p = s * s, D(0)
    for k in range(16, 0, -1):
        p = (p + 1 / (2 * k + 1)) * t
    return (p * s + s) * D(2)


# log(1 + x) for 0 <= x <= 1: 2 artanh(s) = 2 (s + s**3 / 3 + ...), s = x / (2 + x) <= 1/3
log1p = CpuChoice(log1p32, log1p64)


@exact
def within32(x):
    return F(14.5) if abs(x) > F(14.5) else abs(x)


@exact
def within64(x):
    return D(40) if abs(x) > D(40) else abs(x)


# abs(x), but nothing beyond the place from which exp(-x * x / 2) is 0
within = CpuChoice(within32, within64)


@exact
def gauss32(x):
    square = x * x
    rounded = F(square * F(-0.721347520) + ROUND_32)
    r = square * F(-0.721347520) - (rounded - ROUND_32)
    p = F(0.000154614447) * r + F(0.00134004282)
    p = p * r + F(0.00961805668)
    p = p * r + F(0.0555032723)
    p = p * r + F(0.240226509)
    p = p * r + F(0.693147207)
    p = p * r + F(1)
    # 2**64 too much until the last, as no power of two is as small as the smallest result.
    power = number_of(I32((bits_of(rounded) << I32(23)) + I32((127 + 64) << 23)))
    return p * power * F(2**-64)


@exact
def gauss64(x):
    return exp(D(-0.5) * x * x)


# exp(-x * x / 2) for x >= 0, in float32 for x <= 15
gauss = CpuChoice(gauss32, gauss64)


@exact
def mills32(x):
    t = F(1) / (x + F(3.75))
    s = (x - F(3.75)) * t
    p = F(0.000450086499) * s + F(0.000521626436)
    p = p * s + F(-0.00416790266)
    p = p * s + F(0.00119289046)
    p = p * s + F(0.0374904822)
    p = p * s + F(-0.151519543)
    p = p * s + F(0.35293993)
    p = p * s + F(-0.588188342)
    p = p * s + F(0.750294008)
    return p * t


@exact
def mills64(x):
    y = x * D(0.70710678118654752)
    t = D(1) / (y + D(3))
    s = (y - D(3)) * t
    p = D(-2.9391522307354263e-9) * s + D(-1.2381049793803847e-9)
    p = p * s + D(3.7050239275927188e-8)
    p = p * s + D(4.2208982479564326e-8)
    p = p * s + D(-2.1590408605413272e-7)
    p = p * s + D(-4.0066181894206158e-7)
    p = p * s + D(9.8520850207027901e-7)
    p = p * s + D(2.7590369870948087e-6)
    p = p * s + D(-4.7424814758509237e-6)
    p = p * s + D(-1.7467400982812981e-5)
    p = p * s + D(3.0396012123801006e-5)
    p = p * s + D(0.00010756053261749611)
    p = p * s + D(-0.00027677740640442289)
    p = p * s + D(-0.00054830951876591743)
    p = p * s + D(0.0030340619458641901)
    p = p * s + D(-0.0012124166450899108)
    p = p * s + D(-0.026827234620560302)
    p = p * s + D(0.11952776128822296)
    p = p * s + D(-0.3104672619006979)
    p = p * s + D(0.5902283571040831)
    p = p * s + D(-0.88339445316988232)
    p = p * s + D(1.0740069070883398)
    return D(0.5) * p * t


# exp(x * x / 2) * Phi(-x) for x >= 0, in float32 for x <= 14.5
mills = CpuChoice(mills32, mills64)
