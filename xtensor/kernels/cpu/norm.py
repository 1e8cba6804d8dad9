"""Batch and layer normalisation. Statistics are float64: two passes, mean first, then variance.

``scale`` is 1 / sqrt(variance + epsilon); h = (x - mean) * scale is what gamma and beta act on.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .._jit import CpuKernel, cpu_host_kernel, cpu_kernel


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


# Loops of the host kernels below, for channels that are not single numbers.
channel_statistics = CpuKernel(_channel_statistics, "reassociate")
channel_gradients = CpuKernel(_channel_gradients, "reassociate")


@cpu_host_kernel
def batch_norm_forward(start, stop, out, mean, scale, variance, x, gamma, beta, epsilon):
    """out[b, c, i] = (x[b, c, i] - mean[c]) * scale[c] * gamma[c] + beta[c]; x [B, C, inner]

    mean[c], variance[c] = mean and biased variance of x[:, c, :],
    scale[c] = 1 / sqrt(variance[c] + epsilon)
    """
    if x.shape[2] > 1:
        channel_statistics.compiled()(
            start, stop, out, mean, scale, variance, x, gamma, beta, epsilon
        )
        return
    columns = x[:, start:stop, 0]
    m, v, s = mean[start:stop], variance[start:stop], scale[start:stop]
    np.divide(np.add.reduce(columns, axis=0, dtype=np.float64), x.shape[0], out=m)
    centred = columns - m
    np.divide(np.einsum("bc,bc->c", centred, centred), x.shape[0], out=v)
    np.divide(1, np.sqrt(v + epsilon), out=s)
    np.multiply(centred, s * gamma[start:stop], out=centred)
    np.add(centred, beta[start:stop], out=out[:, start:stop, 0], casting="same_kind")


@cpu_host_kernel
def batch_norm_backward(
    start, stop, grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training
):
    """grad_x[b, c, i] = gamma[c] * scale[c] * (g - training * (mean g + h * mean (g * h)))

    g = grad_out[b, c, i], h = (x[b, c, i] - mean[c]) * scale[c], means over b and i;
    grad_beta[c] = sum g, grad_gamma[c] = sum g * h; training 1 or 0; x [B, C, inner]
    """
    if x.shape[2] > 1:
        channel_gradients.compiled()(
            start, stop, grad_x, grad_gamma, grad_beta, grad_out, x, gamma, mean, scale, training
        )
        return
    g, s = grad_out[:, start:stop, 0], scale[start:stop]
    normal = (x[:, start:stop, 0] - mean[start:stop]) * s
    grad_beta[start:stop] = level = np.add.reduce(g, axis=0, dtype=np.float64)
    grad_gamma[start:stop] = slope = np.einsum("bc,bc->c", g, normal)
    share = training / x.shape[0]
    np.multiply(normal, share * slope, out=normal)
    np.subtract(g - share * level, normal, out=normal)
    np.multiply(
        normal, gamma[start:stop] * s, out=grad_x[:, start:stop, 0], casting="same_kind"
    )


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
def layer_norm_backward(start, stop, grad_x, grad_out, x, gamma, mean, scale):
    """grad_x[r, j] = scale[r] * (g - mean_j g - h * mean_j (g * h)); x [rows, length]

    g = grad_out[r, j] * gamma[j], h = (x[r, j] - mean[r]) * scale[r]
    """
    length = x.shape[1]
    for r in range(start, stop):
        shift, factor = x.dtype.type(mean[r]), x.dtype.type(scale[r])
        t = 0.0
        u = 0.0
        for j in range(length):
            g = grad_out[r, j] * gamma[j]
            t += g
            u += g * (x[r, j] - shift)
        level = x.dtype.type(t / length)
        slope = x.dtype.type(u / length * scale[r] * scale[r])
        for j in range(length):
            grad_x[r, j] = factor * (
                grad_out[r, j] * gamma[j] - level - slope * (x[r, j] - shift)
            )


@cpu_kernel
def layer_norm_backward_affine(start, stop, grad_gamma, grad_beta, grad_out, x, mean, scale):
    """grad_gamma[j] = sum_r grad_out[r, j] * (x[r, j] - mean[r]) * scale[r]

    grad_beta[j] = sum_r grad_out[r, j]; both float64 [length]
    """
    for j in range(start, stop):
        grad_gamma[j] = 0
        grad_beta[j] = 0
    for r in range(x.shape[0]):
        for j in range(start, stop):
            grad_gamma[j] += grad_out[r, j] * ((x[r, j] - mean[r]) * scale[r])
            grad_beta[j] += grad_out[r, j]
