"""IEEE binary32, as the order book reckons and prints it."""

import decimal
import struct


def rounded(value):
    """The nearest binary32. The sum of two of them is exact enough in Python's binary64 that one more
    rounding gives what binary32 hardware gives."""
    return struct.unpack("f", struct.pack("f", value))[0]


def shortest(value):
    """The shortest decimal that reads back to the same binary32, without exponent or a final `.0`."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if rounded(float(text)) == value:
            break
    return f"{decimal.Decimal(text).normalize():f}"


def running_totals(amount, count):
    """Prints of the sum after 1, 2, ... count buys of `amount`."""
    amount, total, prints = rounded(amount), 0.0, []
    for _ in range(count):
        total = rounded(total + amount)
        prints.append(shortest(total))
    return prints
