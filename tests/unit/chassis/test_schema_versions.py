"""A newer schema serves older code down to the version that it declares, and no other code."""

import pytest

from contracts.chassis.schema_versions import compatibility_comment, serves

FROM_2 = compatibility_comment("0002")


@pytest.mark.parametrize(
    "comment, reached, required, served",
    [
        (None, ["0003"], ["0003"], True),
        (None, ["0003"], ["0002"], False),
        (FROM_2, ["0003"], ["0002"], True),
        (FROM_2, ["0004"], ["0003"], True),
        (FROM_2, ["0003"], ["0001"], False),
        # The schema is older than the code: the declaration does not apply.
        (FROM_2, ["0003"], ["0004"], False),
        (FROM_2, [], ["0002"], False),
        ("a comment of an administrator", ["0003"], ["0002"], False),
    ],
)
def test_schema_serves(comment: str | None, reached: list[str], required: list[str], served: bool) -> None:
    assert serves(comment, reached, required) is served
