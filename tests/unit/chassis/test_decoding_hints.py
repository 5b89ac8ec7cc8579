"""Refused input is described by what would be valid."""

from typing import Any

import pytest

from contracts.chassis.decoding import InvalidInput, convert
from contracts.scheduling import models as m

ID = "019a0000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("model", "value", "message", "field"),
    [
        (m.GetSeries, {"id": ID}, "unknown field `id`; the fields are series_id.", "id"),
        (m.ListAppointments, {"status": "open"}, "Invalid enum value 'open'; allowed are booked, cancelled,", "status"),
        (m.ListAppointments, {"cursor": "?"}, "Expected the `next_cursor` of the previous page.", "cursor"),
        (m.ListAppointments, {"start": "2030-05-06T09:00"}, "UTC offset, for example 2030-05-06T09:00:00Z.", "start"),
        (m.OpenBusiness, {"name": "a\nb", "zone": "UTC"}, "Expected one line of text.", "name"),
        (
            m.SetWeeklyHours,
            {"provider_id": ID, "ranges": [{"weekday": 1, "opens": "9:00", "closes": "17:00"}]},
            "Expected a local time from 00:00 to 23:59.",
            "ranges[0].opens",
        ),
        (
            m.SetWeeklyHours,
            {"provider_id": ID, "ranges": [{"day": 1}]},
            "Object contains unknown field `day`; the fields are opens, closes, weekday.",
            "ranges[0].day",
        ),
    ],
)
def test_message_names_what_is_valid(model: Any, value: dict[str, Any], message: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        convert(value, model)
    assert message in refused.value.message
    assert refused.value.field == field
