"""Optimisers that change one parameter array in place."""

import numpy as np

from helpers.validate import expect_array


def adagrad_update(param, grad, memory, learning_rate, eps=1e-8):
    """One step of Adagrad (Duchi et al. 2011), in place on `param` and `memory`.

        memory += grad²,   param -= learning_rate * grad / sqrt(memory + eps)

    `eps` stands inside the root, as in min-char-rnn.

    Args:
        param, grad, memory: arrays of one shape; memory starts at zero.
        learning_rate: step size.
        eps: keeps the root from zero.
    """
    _expect_same_shape(param, grad=grad, memory=memory)
    memory += grad * grad
    param -= learning_rate * grad / np.sqrt(memory + eps)


def adam_update(param, grad, m, v, step, learning_rate, beta1=0.9, beta2=0.999, eps=1e-8):
    """One step of Adam (Kingma and Ba 2015), in place on `param`, `m` and `v`.

    Args:
        param, grad, m, v: arrays of one shape; m and v start at zero.
        step: 1 for the first update; the averages m and v are biased to zero while it is small.
        learning_rate: step size.
        beta1, beta2: how much of the averages of grad and grad² is kept.
        eps: keeps the quotient finite; it stands outside the root, as published.
    """
    _expect_same_shape(param, grad=grad, m=m, v=v)
    if step < 1:
        raise ValueError(f"step: expected 1 for the first update, got {step}; count from 1")
    m += (1 - beta1) * (grad - m)
    v += (1 - beta2) * (grad * grad - v)
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    param -= learning_rate * m_hat / (np.sqrt(v_hat) + eps)


def _expect_same_shape(param, **others):
    expect_array("param", param, np.shape(param))
    for name, value in others.items():
        expect_array(name, value, param.shape, "that is the shape of param")
