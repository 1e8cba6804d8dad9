"""Optimizer steps: one pass over parameter, gradient and state, all flat.

Without fast-math: memory is the limit, and so every machine makes the same parameters. Slices,
because numba vectorises only an index that counts from 0.
"""

from __future__ import annotations

from math import sqrt

from .._jit import cpu_kernel

# mypy: disable-error-code="no-untyped-def"


@cpu_kernel
def sgd_step(start, stop, p, g, lr):
    """p -= lr * g"""
    p, g = p[start:stop], g[start:stop]
    for i in range(p.size):
        p[i] -= lr * g[i]


@cpu_kernel
def sgd_momentum_step(start, stop, p, v, g, lr, momentum, nesterov):
    """v = momentum * v + g;  p -= lr * v, or lr * (g + momentum * v) with nesterov"""
    p, v, g = p[start:stop], v[start:stop], g[start:stop]
    for i in range(p.size):
        v[i] = momentum * v[i] + g[i]
        if nesterov:
            p[i] -= lr * (g[i] + momentum * v[i])
        else:
            p[i] -= lr * v[i]


@cpu_kernel
def adam_step(start, stop, p, m, v, g, rate, beta1, rest1, beta2, rest2, epsilon):
    """m = beta1 * m + rest1 * g;  v = beta2 * v + rest2 * g**2;

    p -= rate * m / (sqrt(v) + epsilon)
    """
    p, m, v, g = p[start:stop], m[start:stop], v[start:stop], g[start:stop]
    for i in range(p.size):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i]
        p[i] -= rate * m[i] / (sqrt(v[i]) + epsilon)


@cpu_kernel
def amsgrad_step(start, stop, p, m, v, top, g, rate, beta1, rest1, beta2, rest2, epsilon):
    """adam_step with top = max(top, v) in place of v under the root"""
    p, m, v, top, g = p[start:stop], m[start:stop], v[start:stop], top[start:stop], g[start:stop]
    for i in range(p.size):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i]
        top[i] = max(top[i], v[i])
        p[i] -= rate * m[i] / (sqrt(top[i]) + epsilon)


@cpu_kernel
def adamax_step(start, stop, p, m, u, g, rate, beta1, rest1, beta2, epsilon):
    """m = beta1 * m + rest1 * g;  u = max(beta2 * u + epsilon, abs(g));  p -= rate * m / u"""
    p, m, u, g = p[start:stop], m[start:stop], u[start:stop], g[start:stop]
    for i in range(p.size):
        m[i] = beta1 * m[i] + rest1 * g[i]
        u[i] = max(beta2 * u[i] + epsilon, abs(g[i]))
        p[i] -= rate * m[i] / u[i]


@cpu_kernel
def adadelta_step(start, stop, p, s, d, g, lr, beta, rest, epsilon):
    """s = beta * s + rest * g**2;  change = g * sqrt((d + epsilon) / (s + epsilon));

    d = beta * d + rest * change**2;  p -= lr * change
    """
    p, s, d, g = p[start:stop], s[start:stop], d[start:stop], g[start:stop]
    for i in range(p.size):
        s[i] = beta * s[i] + rest * g[i] * g[i]
        change = g[i] * sqrt((d[i] + epsilon) / (s[i] + epsilon))
        d[i] = beta * d[i] + rest * change * change
        p[i] -= lr * change


@cpu_kernel
def adagrad_step(start, stop, p, s, g, lr, epsilon):
    """s += g**2;  p -= lr * g / (sqrt(s) + epsilon)"""
    p, s, g = p[start:stop], s[start:stop], g[start:stop]
    for i in range(p.size):
        s[i] += g[i] * g[i]
        p[i] -= lr * g[i] / (sqrt(s[i]) + epsilon)


@cpu_kernel
def rmsprop_step(start, stop, p, s, g, lr, beta, rest, epsilon):
    """s = beta * s + rest * g**2;  p -= lr * g / (sqrt(s) + epsilon)"""
    p, s, g = p[start:stop], s[start:stop], g[start:stop]
    for i in range(p.size):
        s[i] = beta * s[i] + rest * g[i] * g[i]
        p[i] -= lr * g[i] / (sqrt(s[i]) + epsilon)
