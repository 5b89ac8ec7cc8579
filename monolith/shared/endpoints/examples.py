"""Examples of request bodies and parameters for the OpenAPI document, made from the schemas by field name and type.

A test decodes each example with its model, so that none is refused.
"""

from typing import Any

from contracts.chassis.openapi import Json

_LINK_TOKEN = "3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  # noqa: S105
_ID = "019a0000-0000-7000-8000-{:012d}"
_BY_NAME: dict[str, Any] = {
    "offering_id": _ID.format(1),
    "provider_id": _ID.format(2),
    "customer_id": _ID.format(3),
    "appointment_id": _ID.format(4),
    "from_appointment_id": _ID.format(4),
    "resource_id": _ID.format(5),
    "offering_ids": [_ID.format(1)],
    "starts_at": "2030-05-06T09:00:00Z",
    "start": "2030-05-06T08:00:00Z",
    "end": "2030-05-06T18:00:00Z",
    "date": "2030-12-24",
    "name": "Ada Lovelace",
    "business_name": "Corner Salon",
    "slug": "corner-salon",
    "embedding_sites": "https://www.example.com",
    "zone": "Europe/Paris",
    "currency": "EUR",
    "email": "ada@example.org",
    "phone": "+33 1 23 45 67 89",
    "password": "correct horse battery",
    "current_password": "correct horse battery",
    "new_password": "battery staple correct",
    "duration_minutes": 30,
    "weekday": 1,
    "opens": "09:00",
    "closes": "17:00",
    "kind": "room",
    "mode": "replace",
    "count": 4,
    "amount_minor": 2500,
    "expected_version": 1,
    "reason": "",
    "ranges": [{"weekday": day, "opens": "09:00", "closes": "17:00"} for day in range(1, 6)],
}
_BY_MODEL: dict[str, Json] = {
    "CreateOffering": {"name": "Haircut", "duration_minutes": 30},
    "UpdateOffering": {"name": "Haircut", "duration_minutes": 45},
    "ChangeOffering": {"duration_minutes": 45},
    "ChangeProvider": {"active": False},
    "ChangeResource": {"name": "Room 2"},
    "CreateResource": {"name": "Room 1", "kind": "room"},
    "UpdateResource": {"name": "Room 1", "kind": "room"},
    "SetDateOverride": {"mode": "replace", "ranges": [{"opens": "10:00", "closes": "14:00"}]},
    "SetHolidays": {"holidays": [{"date": "2030-12-25", "name": "Christmas Day"}]},
    "BlockTime": {
        "start": "2030-05-06T08:00:00Z",
        "end": "2030-05-06T18:00:00Z",
        "provider_id": _ID.format(2),
        "reason": "Training",
    },
    "BookVisit": {
        "customer_id": _ID.format(3),
        "starts_at": "2030-05-06T09:00:00Z",
        "items": [{"offering_id": _ID.format(1)}, {"offering_id": _ID.format(6)}],
    },
    "Join": {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"},
    "AddGuest": {"name": "Ada Lovelace", "phone": "+33 1 23 45 67 89"},
    "ChangeCustomer": {"phone": "+33 1 23 45 67 89", "note": "Prefers mornings"},
    "ChangeBusiness": {"email": "hello@corner-salon.example", "opening_hours": "Monday to Friday, 9 to 17"},
    "ChangeProfile": {"name": "Ada King", "language": "en"},
    "BusinessNotices": {"bookings": True, "requests": True, "changes": False, "cancellations": True},
    "Preferences": {"confirmation": True, "change": True, "cancellation": True, "reminder": False},
    "Confirm": {"note": "First visit"},
    "Cancel": {"reason": "Fell ill"},
    "Decline": {"reason": "Closed for a private event that day"},
    "CreateFeed": {"name": "My phone", "detail": "busy"},
    "CreateImport": {"provider_id": _ID.format(2), "name": "Private", "url": "https://calendar.example.org/ada.ics"},
    "CreateToken": {"name": "Kiosk", "role": "staff"},
    "CreateWebhook": {"name": "Cash desk", "url": "https://desk.example.org/events", "events": ["appointment.booked"]},
    "ConfirmEmail": {"token": _LINK_TOKEN},
    "ResetPassword": {"token": _LINK_TOKEN, "new_password": "battery staple correct"},
    "InvitationLink": {"token": _LINK_TOKEN},
    "AcceptInvitation": {"token": _LINK_TOKEN, "name": "Ada Lovelace", "password": "correct horse battery"},
}
_PARAMETERS = frozenset({"slug", "start", "end", "date"})
_FOR_A_CUSTOMER = frozenset({"Book", "Hold", "BookSeries", "JoinWaitlist"})


def example_of(name: str, schemas: Json) -> Json:
    """Return an example of the model with this name: its required fields, and what its readers need to see."""
    if name in _BY_MODEL:
        return _BY_MODEL[name]
    schema = schemas[name]
    wanted = list(schema.get("required", ()))
    if name in _FOR_A_CUSTOMER:
        wanted.append("customer_id")
    return {each: _value(each, schema["properties"][each], schemas) for each in wanted}


def add_parameter_examples(parameters: list[Json]) -> None:
    """Add examples to the parameters of paths and queries whose format a reader must know."""
    for each in parameters:
        name = each["name"]
        if name in _BY_NAME and (name.endswith("_id") or name in _PARAMETERS):
            each["example"] = _BY_NAME[name]


def _value(name: str, schema: Json, schemas: Json) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if "$ref" in schema:
        return example_of(schema["$ref"].rpartition("/")[2], schemas)
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("type") == "array":
        return [_value("", schema["items"], schemas)]
    return {"integer": schema.get("minimum", 1), "boolean": True, "string": "text"}.get(schema.get("type", ""))
