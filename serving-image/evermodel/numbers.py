"""Numbers as people read them."""

import math


def four_digits(value: float) -> str:
    """A score for people: four digits after the point, or four that count where that would say nothing.

    >>> four_digits(0.91236), four_digits(0.0000123), four_digits(float("nan"))
    ('0.9124', '1.23e-05', 'undefined')
    """
    if math.isnan(value):
        return "undefined"
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.4g}"
