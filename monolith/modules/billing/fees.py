"""How fees are rounded."""


def fee_of(total_minor: int, percent: int) -> int:
    """To the nearest minor unit; half of one is the customer's."""
    return total_minor - (total_minor * (100 - percent) + 50) // 100
