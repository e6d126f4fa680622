"""Samples that every language can make again, without a random generator; sorted."""

import numpy as np

C = ({"a": 500, "b": 300, "c": 150, "d": 50}, {"a": 220, "b": 160, "c": 60, "e": 60})
C2 = ({"a": 500, "b": 300, "c": 150, "d": 50}, {"a": 220, "b": 160, "c": 90, "d": 30})


def spread(factor, modulus, rows):
    return (np.arange(rows) * factor % modulus) / modulus


def a():
    return np.sort(spread(7919, 1009, 800)), np.sort(spread(6007, 997, 500) ** 2)


def b():
    return np.sort(spread(7919, 100003, 20000)), np.sort(spread(6007, 100003, 5000) + 0.05)


def m():
    return spread(7919, 1009, 60)[:, None], spread(6007, 997, 40)[:, None] + 0.3
