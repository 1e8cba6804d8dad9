"""Batch and layer normalisation. Statistics are float64: of a channel's planes or a row in two
passes, mean first, then variance; of the columns of [B, C] in one, around their first row.

``scale`` is 1 / sqrt(variance + epsilon); h = (x - mean) * scale is what gamma and beta act on.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .._jit import CpuFunction, cpu_function, cpu_kernel, cpu_whole_kernel
from ..parallel import parallel_for
from .cells import clear_cells, inlined
from .exponential import D
from .simd import pointer

# About so many numbers are a part of the rows of [B, C], and there are no more parts than this.
PART, MOST_PARTS = 65_536, 8
# The gradients of a layer's gamma and beta are summed in the dtype of x over so many rows, then in
# float64; a part of the rows is a multiple of that.
FEW = 8


@cpu_function("reassociate")
def channel_statistics(start, stop, out, mean, scale, variance, x, gamma, beta, epsilon):
    batch, inner = x.shape[0], x.shape[2]
    for c in range(start, stop):
        t = 0.0
        for b in range(batch):
            for i in range(inner):
                t += x[b, c, i]
        m = t / (batch * inner)
        t = 0.0
        for b in range(batch):
            for i in range(inner):
                t += (x[b, c, i] - m) * (x[b, c, i] - m)
        variance[c] = t / (batch * inner)
        mean[c] = m
        scale[c] = 1 / math.sqrt(variance[c] + epsilon)
        shift = x.dtype.type(m)
        factor = x.dtype.type(gamma[c] * scale[c])
        for b in range(batch):
            for i in range(inner):
                out[b, c, i] = (x[b, c, i] - shift) * factor + beta[c]


@cpu_function("reassociate")
def channel_gradients(
    start, stop, grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training
):
    batch, inner = x.shape[0], x.shape[2]
    for c in range(start, stop):
        shift = x.dtype.type(mean[c])
        t = 0.0
        u = 0.0
        for b in range(batch):
            for i in range(inner):
                t += grad_out[b, c, i]
                u += grad_out[b, c, i] * (x[b, c, i] - shift)
        grad_beta[c] = t
        grad_gamma[c] = u * scale[c]
        share = training / (batch * inner)
        factor = x.dtype.type(gamma[c] * scale[c])
        level = x.dtype.type(share * t)
        slope = x.dtype.type(share * u * scale[c] * scale[c])
        for b in range(batch):
            for i in range(inner):
                grad_x[b, c, i] = factor * (
                    grad_out[b, c, i] - level - slope * (x[b, c, i] - shift)
                )


# -- channels of a single number ------------------------------------------------------------------

# x [B, C] is read row by row, as it lies in memory, a part of the rows from its four quarters at a
# time, which memory answers sooner. What is summed up over the rows of each part is added up after
# that. All arrays are flat.


def parts_of(batch, channels):
    """Into how many parts, by the shape alone, the rows are cut."""
    return max(1, min(MOST_PARTS, batch * channels // PART))


@CpuFunction
def sum_columns(start, stop, sums, squares, x, batch, channels, parts):
    """Of each part sums[p, c] = sum over its rows of d = x[b, c] - x[0, c], and squares of d * d.

    However far the mean is from 0, the variance from these sums loses no more digits than batch
    has: (x[0, c] - mean)**2 is one of the squares of which it is the mean.
    """
    sums, squares, x = pointer(sums), pointer(squares), pointer(x)
    for p in range(start, stop):
        to, first, end = p * channels, p * batch // parts, (p + 1) * batch // parts
        clear_cells(sums, to, channels)
        clear_cells(squares, to, channels)
        quarter = (end - first) // 4
        for b in range(first, first + quarter):
            i, j = b * channels, (b + quarter) * channels
            k, n = (b + 2 * quarter) * channels, (b + 3 * quarter) * channels
            for c in range(channels):
                shift = D(x[c])
                d, e, f, g = x[i + c] - shift, x[j + c] - shift, x[k + c] - shift, x[n + c] - shift
                sums[to + c] += (d + e) + (f + g)
                squares[to + c] += (d * d + e * e) + (f * f + g * g)
        for b in range(first + 4 * quarter, end):
            for c in range(channels):
                d = x[b * channels + c] - D(x[c])
                sums[to + c] += d
                squares[to + c] += d * d


@inlined
def add_parts(sums, channels, parts):
    """sums[c] = sum over p < parts of sums[p * channels + c]"""
    for p in range(1, parts):
        for c in range(channels):
            sums[c] += sums[p * channels + c]


@CpuFunction
def channel_factors(start, stop, scale, shift, factor, mean, variance, gamma, epsilon):
    """scale[c] = 1 / sqrt(variance[c] + epsilon); shift, factor = mean, scale * gamma, rounded"""
    scale, shift, factor = pointer(scale), pointer(shift), pointer(factor)
    mean, variance, gamma = pointer(mean), pointer(variance), pointer(gamma)
    for c in range(start, stop):
        scale[c] = 1 / math.sqrt(variance[c] + epsilon)
        factor[c] = gamma[c] * scale[c]
    for c in range(start, stop):
        shift[c] = mean[c]


@CpuFunction
def column_statistics(start, stop, mean, scale, variance, shift, factor, sums, squares, x, gamma,
                      epsilon, batch, channels, parts):  # fmt: skip
    """mean and variance from the sums of all parts, and what follows from them; a single task."""
    t, u, first = pointer(sums), pointer(squares), pointer(x)
    m, v = pointer(mean), pointer(variance)
    add_parts(t, channels, parts)
    add_parts(u, channels, parts)
    for c in range(channels):
        d = t[c] / batch
        v[c] = (u[c] - d * t[c]) / batch
        m[c] = first[c] + d
    for c in range(channels):
        v[c] = 0.0 if v[c] < 0 else v[c]  # by rounding; NaN stays
    channel_factors(0, channels, scale, shift, factor, mean, variance, gamma, epsilon)


@CpuFunction
def normalize_rows(start, stop, out, x, shift, factor, beta):
    """out[b, c] = (x[b, c] - shift[c]) * factor[c] + beta[c]"""
    channels = beta.size
    out, x, shift = pointer(out), pointer(x), pointer(shift)
    factor, beta = pointer(factor), pointer(beta)
    for b in range(start, stop):
        row = b * channels
        for c in range(channels):
            out[row + c] = (x[row + c] - shift[c]) * factor[c] + beta[c]


@CpuFunction
def sum_gradients(start, stop, levels, slopes, grad_out, x, shift, batch, channels, parts):
    """Of each part levels[p, c] = sum over its rows of grad_out, slopes of grad_out * (x - shift).

    Four rows together are summed up in the dtype of x, then in float64.
    """
    levels, slopes, shift = pointer(levels), pointer(slopes), pointer(shift)
    grad, x = pointer(grad_out), pointer(x)
    for p in range(start, stop):
        to, first, end = p * channels, p * batch // parts, (p + 1) * batch // parts
        clear_cells(levels, to, channels)
        clear_cells(slopes, to, channels)
        quarter = (end - first) // 4
        for b in range(first, first + quarter):
            i, j = b * channels, (b + quarter) * channels
            k, n = (b + 2 * quarter) * channels, (b + 3 * quarter) * channels
            for c in range(channels):
                m, d, e, f, g = shift[c], grad[i + c], grad[j + c], grad[k + c], grad[n + c]
                levels[to + c] += (d + e) + (f + g)
                left = d * (x[i + c] - m) + e * (x[j + c] - m)
                slopes[to + c] += left + (f * (x[k + c] - m) + g * (x[n + c] - m))
        for b in range(first + 4 * quarter, end):
            row = b * channels
            for c in range(channels):
                levels[to + c] += grad[row + c]
                slopes[to + c] += grad[row + c] * (x[row + c] - shift[c])


@CpuFunction
def column_gradients(start, stop, grad_gamma, grad_beta, level, slope, factor, levels, slopes,
                     gamma, scale, share, channels, parts):  # fmt: skip
    """The gradients of gamma and beta from the sums, and what that of x takes; a single task."""
    t, u, s, g = pointer(levels), pointer(slopes), pointer(scale), pointer(gamma)
    level, slope, factor = pointer(level), pointer(slope), pointer(factor)
    add_parts(t, channels, parts)
    add_parts(u, channels, parts)
    for c in range(channels):
        grad_beta[c] = t[c]
        grad_gamma[c] = u[c] * s[c]
    for c in range(channels):
        level[c] = share * t[c]
        slope[c] = share * u[c] * s[c] * s[c]
        factor[c] = g[c] * s[c]


@CpuFunction
def row_gradients(start, stop, grad_x, grad_out, x, shift, level, slope, factor):
    """grad_x[b, c] = factor[c] * (grad_out[b, c] - level[c] - slope[c] * (x[b, c] - shift[c]))"""
    channels = shift.size
    to, grad, x, shift = pointer(grad_x), pointer(grad_out), pointer(x), pointer(shift)
    level, slope, factor = pointer(level), pointer(slope), pointer(factor)
    for b in range(start, stop):
        row = b * channels
        for c in range(channels):
            g = grad[row + c] - level[c]
            to[row + c] = factor[c] * (g - slope[c] * (x[row + c] - shift[c]))


def _forward_columns(out, mean, scale, variance, x, gamma, beta, epsilon):
    """``batch_norm_forward`` for x [B, C, 1]."""
    batch, channels, _ = x.shape
    parts, out, x = parts_of(batch, channels), out.reshape(-1), x.reshape(-1)
    sums, squares = np.empty((2, parts * channels))
    shift, factor = np.empty((2, channels), x.dtype)
    parallel_for(sum_columns, parts, (sums, squares, x, batch, channels, parts))
    parallel_for(column_statistics, 1,
                 (mean, scale, variance, shift, factor, sums, squares, x, gamma, epsilon, batch,
                  channels, parts))  # fmt: skip
    parallel_for(normalize_rows, batch, (out, x, shift, factor, beta))


@cpu_whole_kernel
def batch_norm_forward(start, stop, out, mean, scale, variance, x, gamma, beta, epsilon):
    """out[b, c, i] = (x[b, c, i] - mean[c]) * scale[c] * gamma[c] + beta[c]; x [B, C, inner]

    mean[c], variance[c] = mean and biased variance of x[:, c, :],
    scale[c] = 1 / sqrt(variance[c] + epsilon)
    """
    args = out, mean, scale, variance, x, gamma, beta, epsilon
    if x.shape[2] == 1:
        _forward_columns(*args)
    else:
        parallel_for(channel_statistics, stop, args)


def _backward_columns(grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training):
    """``batch_norm_backward`` for x [B, C, 1]."""
    batch, channels, _ = x.shape
    parts, x, grad_out = parts_of(batch, channels), x.reshape(-1), grad_out.reshape(-1)
    levels, slopes = np.empty((2, parts * channels))
    level, slope, factor = np.empty((3, channels), x.dtype)
    shift = mean.astype(x.dtype)
    parallel_for(sum_gradients, parts, (levels, slopes, grad_out, x, shift, batch, channels, parts))
    parallel_for(column_gradients, 1,
                 (grad_gamma, grad_beta, level, slope, factor, levels, slopes, gamma, scale,
                  training / max(batch, 1), channels, parts))  # fmt: skip
    parallel_for(row_gradients, batch,
                 (grad_x.reshape(-1), grad_out, x, shift, level, slope, factor))  # fmt: skip


@cpu_whole_kernel
def batch_norm_backward(
    start, stop, grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training
):
    """grad_x[b, c, i] = gamma[c] * scale[c] * (g - training * (mean g + h * mean (g * h)))

    g = grad_out[b, c, i], h = (x[b, c, i] - mean[c]) * scale[c], means over b and i;
    grad_beta[c] = sum g, grad_gamma[c] = sum g * h, both float64; training 1 or 0;
    x [B, C, inner]
    """
    args = grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training
    if x.shape[2] == 1:
        _backward_columns(*args)
    else:
        parallel_for(channel_gradients, stop, args)


@cpu_kernel
def batch_norm_update(start, stop, new_mean, new_variance, mean, variance, old_mean, old_variance,
                      momentum, correction):  # fmt: skip
    """new_mean[c] = (1 - momentum) * old_mean[c] + momentum * mean[c]

    new_variance[c] = (1 - momentum) * old_variance[c] + momentum * correction * variance[c]
    """
    for c in range(start, stop):
        new_mean[c] = (1 - momentum) * old_mean[c] + momentum * mean[c]
        new_variance[c] = (1 - momentum) * old_variance[c] + momentum * correction * variance[c]


@CpuFunction
def normalize_planes(start, stop, out, x, shift, factor, beta):
    """``normalize_rows`` for planes of x [B * C, inner], each with one number of each vector."""
    for plane in range(start, stop):
        c = plane % beta.size
        for i in range(x.shape[1]):
            out[plane, i] = (x[plane, i] - shift[c]) * factor[c] + beta[c]


@cpu_whole_kernel
def batch_norm_evaluate(start, stop, out, scale, x, gamma, beta, mean, variance, epsilon):
    """out[b, c, i] = (x[b, c, i] - mean[c]) * scale[c] * gamma[c] + beta[c]; x [B, C, inner]

    scale[c] = 1 / sqrt(variance[c] + epsilon)
    """
    batch, channels, inner = x.shape
    shift, factor = np.empty((2, channels), x.dtype)
    parallel_for(channel_factors, stop, (scale, shift, factor, mean, variance, gamma, epsilon))
    if inner == 1:
        parallel_for(normalize_rows, batch, (out.reshape(-1), x.reshape(-1), shift, factor, beta))
    else:
        planes = batch * channels
        parallel_for(normalize_planes, planes, (out.reshape(planes, inner),
                     x.reshape(planes, inner), shift, factor, beta))  # fmt: skip


@cpu_kernel(fastmath="reassociate")
def layer_norm_forward(start, stop, out, mean, scale, x, gamma, beta, epsilon):
    """out[r, j] = (x[r, j] - mean[r]) * scale[r] * gamma[j] + beta[j]; x [rows, length]

    mean[r] = mean_j x[r, j], scale[r] = 1 / sqrt(mean_j (x[r, j] - mean[r])**2 + epsilon)
    """
    length = x.shape[1]
    for r in range(start, stop):
        t = 0.0
        for j in range(length):
            t += x[r, j]
        m = t / length
        t = 0.0
        for j in range(length):
            t += (x[r, j] - m) * (x[r, j] - m)
        mean[r] = m
        scale[r] = 1 / math.sqrt(t / length + epsilon)
        shift, factor = x.dtype.type(m), x.dtype.type(scale[r])
        for j in range(length):
            out[r, j] = (x[r, j] - shift) * factor * gamma[j] + beta[j]


@cpu_kernel(fastmath="reassociate")
def layer_norm_backward(start, stop, grad_x, slopes, levels, grad_out, x, gamma, mean, scale, part):
    """grad_x[r, j] = scale[r] * (g - mean_j g - h * mean_j (g * h)); x [rows, length]

    g = grad_out[r, j] * gamma[j], h = (x[r, j] - mean[r]) * scale[r]; and over the ``part`` rows of
    part p, unless these are empty, slopes[p, j] = sum_r grad_out[r, j] * h and
    levels[p, j] = sum_r grad_out[r, j], both float64; the range is over parts.
    """
    rows, length = x.shape
    affine = slopes.shape[1] > 0
    gamma_slope, beta_slope = np.zeros(length, x.dtype), np.zeros(length, x.dtype)
    for p in range(start, stop):
        if affine:
            slopes[p] = 0
            levels[p] = 0
        end = min(p * part + part, rows)
        for r in range(p * part, end):
            shift, factor = x.dtype.type(mean[r]), x.dtype.type(scale[r])
            row, grad, to = x[r], grad_out[r], grad_x[r]
            t = 0.0
            u = 0.0
            for j in range(length):
                g = grad[j] * gamma[j]
                t += g
                u += g * (row[j] - shift)
            level = x.dtype.type(t / length)
            slope = x.dtype.type(u / length * scale[r] * scale[r])
            for j in range(length):
                to[j] = factor * (grad[j] * gamma[j] - level - slope * (row[j] - shift))
            if not affine:
                continue
            for j in range(length):
                gamma_slope[j] += grad[j] * ((row[j] - shift) * factor)
                beta_slope[j] += grad[j]
            if r % FEW == FEW - 1 or r == end - 1:
                for j in range(length):
                    slopes[p, j] += gamma_slope[j]
                    levels[p, j] += beta_slope[j]
                    gamma_slope[j] = 0
                    beta_slope[j] = 0
