"""Rounding of fees."""


def fee_of(total_minor: int, percent: int) -> int:
    """Return the fee, rounded to the nearest minor unit; halves round down."""
    return total_minor - (total_minor * (100 - percent) + 50) // 100
