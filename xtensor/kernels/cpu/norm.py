"""Batch and layer normalisation. Statistics are float64: two passes, mean first, then variance.

``scale`` is 1 / sqrt(variance + epsilon); h = (x - mean) * scale is what gamma and beta act on.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .._jit import CpuFunction, cpu_kernel, cpu_whole_kernel
from ..parallel import parallel_for

# The gradients of gamma and beta are summed in the dtype of x over so many rows, then in float64;
# a part of the rows is a multiple of that.
FEW = 8


def _channel_statistics(start, stop, out, mean, scale, variance, x, gamma, beta, epsilon):
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


def _channel_gradients(
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


def _column_statistics(start, stop, out, mean, scale, variance, x, gamma, beta, epsilon):
    batch, count = x.shape[0], stop - start
    # Slices count from 0, which spares the loops numba's check for negative indices.
    m, v, s = mean[start:stop], variance[start:stop], scale[start:stop]
    g, shift = gamma[start:stop], beta[start:stop]
    m[:] = 0
    v[:] = 0
    for b in range(batch):
        row = x[b, start:stop]
        for c in range(count):
            m[c] += row[c]
    for c in range(count):
        m[c] /= batch
    for b in range(batch):
        row = x[b, start:stop]
        for c in range(count):
            v[c] += (row[c] - m[c]) * (row[c] - m[c])
    for c in range(count):
        v[c] /= batch
        s[c] = 1 / math.sqrt(v[c] + epsilon)
    for b in range(batch):
        row, target = x[b, start:stop], out[b, start:stop]
        for c in range(count):
            target[c] = (row[c] - m[c]) * (s[c] * g[c]) + shift[c]


def _column_gradients(
    start, stop, grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training
):
    batch, count = x.shape[0], stop - start
    m, s, g = mean[start:stop], scale[start:stop], gamma[start:stop]
    slope, level = grad_gamma[start:stop], grad_beta[start:stop]
    slope[:] = 0
    level[:] = 0
    for b in range(batch):
        row, grad = x[b, start:stop], grad_out[b, start:stop]
        for c in range(count):
            level[c] += grad[c]
            slope[c] += grad[c] * ((row[c] - m[c]) * s[c])
    share = training / batch
    for b in range(batch):
        row, grad, target = x[b, start:stop], grad_out[b, start:stop], grad_x[b, start:stop]
        for c in range(count):
            h = (row[c] - m[c]) * s[c]
            target[c] = (grad[c] - share * (level[c] + slope[c] * h)) * (s[c] * g[c])


# Loops of the kernels below: for channels of several numbers, and for single ones, where all
# channels advance side by side because neighbours in memory belong to different channels.
channel_statistics = CpuFunction(_channel_statistics, "reassociate")
channel_gradients = CpuFunction(_channel_gradients, "reassociate")
column_statistics = CpuFunction(_column_statistics, "contract")
column_gradients = CpuFunction(_column_gradients, "contract")


def flat(x: np.ndarray) -> np.ndarray:
    """[B, C, 1] as [B, C], known to numba as contiguous"""
    return x.reshape(x.shape[:2])


@cpu_whole_kernel
def batch_norm_forward(start, stop, out, mean, scale, variance, x, gamma, beta, epsilon):
    """out[b, c, i] = (x[b, c, i] - mean[c]) * scale[c] * gamma[c] + beta[c]; x [B, C, inner]

    mean[c], variance[c] = mean and biased variance of x[:, c, :],
    scale[c] = 1 / sqrt(variance[c] + epsilon)
    """
    loop = channel_statistics
    if x.shape[2] == 1:
        loop, out, x = column_statistics, flat(out), flat(x)
    parallel_for(loop, stop, (out, mean, scale, variance, x, gamma, beta, epsilon))


@cpu_whole_kernel
def batch_norm_backward(
    start, stop, grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training
):
    """grad_x[b, c, i] = gamma[c] * scale[c] * (g - training * (mean g + h * mean (g * h)))

    g = grad_out[b, c, i], h = (x[b, c, i] - mean[c]) * scale[c], means over b and i;
    grad_beta[c] = sum g, grad_gamma[c] = sum g * h, both float64; training 1 or 0;
    x [B, C, inner]
    """
    loop = channel_gradients
    if x.shape[2] == 1:
        loop = column_gradients
        grad_x, grad_out, x = flat(grad_x), flat(grad_out), flat(x)
    arrays = grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale
    parallel_for(loop, stop, (*arrays, training))


@cpu_kernel
def batch_norm_update(start, stop, new_mean, new_variance, mean, variance, old_mean, old_variance,
                      momentum, correction):  # fmt: skip
    """new_mean[c] = (1 - momentum) * old_mean[c] + momentum * mean[c]

    new_variance[c] = (1 - momentum) * old_variance[c] + momentum * correction * variance[c]
    """
    for c in range(start, stop):
        new_mean[c] = (1 - momentum) * old_mean[c] + momentum * mean[c]
        new_variance[c] = (1 - momentum) * old_variance[c] + momentum * correction * variance[c]


@cpu_kernel
def batch_norm_evaluate(start, stop, out, scale, x, gamma, beta, mean, variance, epsilon):
    """out[b, c, i] = (x[b, c, i] - mean[c]) * scale[c] * gamma[c] + beta[c]; x [B, C, inner]

    scale[c] = 1 / sqrt(variance[c] + epsilon)
    """
    for c in range(start, stop):
        scale[c] = 1 / math.sqrt(variance[c] + epsilon)
    for b in range(x.shape[0]):
        for c in range(start, stop):
            shift = x.dtype.type(mean[c])
            factor = x.dtype.type(gamma[c] * scale[c])
            for i in range(x.shape[2]):
                out[b, c, i] = (x[b, c, i] - shift) * factor + beta[c]


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
        for r in range(p * part, min(p * part + part, rows)):
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
            if r % FEW == FEW - 1 or r == rows - 1:
                for j in range(length):
                    slopes[p, j] += gamma_slope[j]
                    levels[p, j] += beta_slope[j]
                    gamma_slope[j] = 0
                    beta_slope[j] = 0
