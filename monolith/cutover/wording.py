"""Words for what the cutover counts."""


def count_of(number: int, noun: str = "business", plural: str = "businesses") -> str:
    """Return a number with its noun, such as `1 business` or `2,500 businesses`."""
    return f"{number:,} {noun if number == 1 else plural}"
