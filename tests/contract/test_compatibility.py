"""The current OpenAPI document is compatible with old clients, and every kind of break is detected."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.scheduling.openapi import document
from tests.contract.compatibility.breaking_changes import breaking_changes
from tests.contract.compatibility.schema_fit import Json

RELEASED = Path(__file__).with_name("compatibility") / "released"
OLD = document()
NOTE_PATTERN = OLD["components"]["schemas"]["Book"]["properties"]["note"]["pattern"]
STATES_BUT_LEFT = "`booked`, `lapsed`, `offered`, `waiting`"
STATES = "`booked`, `lapsed`, `left`, `offered`, `waiting`"
Plant = Callable[["Planted"], None]


class Planted:
    """A copy of the document in which a test plants a change."""

    def __init__(self) -> None:
        self.document: Json = copy.deepcopy(OLD)

    def operation(self, method: str, path: str) -> Any:
        return self.document["paths"][path][method]

    @property
    def book(self) -> Any:
        return self.operation("post", "/v1/appointments")

    def schema(self, name: str) -> Any:
        return self.document["components"]["schemas"][name]

    def field(self, schema: str, name: str) -> Any:
        return self.schema(schema)["properties"][name]

    def parameter(self, method: str, path: str, name: str) -> Any:
        every = self.operation(method, path)["parameters"]
        return next(each for each in every if each.get("name") == name)


def drop(mapping: Any, name: str) -> None:
    del mapping[name]


def move_book(planted: Planted) -> None:
    planted.document["paths"]["/v1/bookings"] = {"post": planted.book}
    del planted.document["paths"]["/v1/appointments"]["post"]


def lose_reply_field(planted: Planted, schema: str, name: str) -> None:
    del planted.schema(schema)["properties"][name]
    required = planted.schema(schema)["required"]
    if name in required:
        required.remove(name)


def add_query_parameter(planted: Planted, *, required: bool) -> None:
    parameter = {"name": "near", "in": "query", "required": required, "schema": {"type": "string"}}
    planted.operation("get", "/v1/slots")["parameters"].append(parameter)


def remove_query_parameter(planted: Planted) -> None:
    every = planted.operation("get", "/v1/slots")["parameters"]
    every.remove(planted.parameter("get", "/v1/slots", "provider_id"))


def add_error(planted: Planted) -> None:
    schema = copy.deepcopy(planted.schema("SlotUnavailable"))
    schema["properties"]["code"] = {"const": "too_busy"}
    planted.book["responses"]["429"] = {"content": {"application/problem+json": {"schema": schema}}}


def remove_error(planted: Planted) -> None:
    alternatives = planted.book["responses"]["409"]["content"]["application/problem+json"]["schema"]["oneOf"]
    alternatives.remove({"$ref": "#/components/schemas/SlotUnavailable"})


def move_error(planted: Planted) -> None:
    planted.book["responses"]["410"] = planted.book["responses"].pop("409")


BREAKING: list[tuple[str, Plant, str]] = [
    (
        "operation removed",
        lambda p: drop(p.document["paths"], "/v1/slots"),
        "search_slots: GET /v1/slots is gone.",
    ),
    ("path moved", move_book, "book: moved from POST /v1/appointments to POST /v1/bookings."),
    ("actor removed", lambda p: p.book["x-actors"].remove("customer"), "book: may no longer be called for customer."),
    (
        "request field became required",
        lambda p: p.schema("Book")["required"].append("note"),
        "book: the request's `note` is now required, and old clients do not always send it.",
    ),
    (
        "request field added and required",
        lambda p: (
            p.schema("Book")["properties"].update(color={"type": "string"}),
            p.schema("Book")["required"].append("color"),
        )[1],
        "book: the request's `color` is now required, and old clients do not always send it.",
    ),
    (
        "request field removed",
        lambda p: drop(p.schema("Book")["properties"], "note"),
        "book: the request's `note` is no longer taken, and old clients may send it.",
    ),
    (
        "request bound narrowed",
        lambda p: p.field("Book", "note").update(maxLength=100),
        "book: the request's `note` now has the maxLength 100, and old clients keep to 500.",
    ),
    (
        "bound added deep in a request",
        lambda p: p.field("WeeklyRange", "weekday").update(maximum=5),
        "set_weekly_hours: the request's `ranges[].weekday` now has the maximum 5, and old clients keep to 7.",
    ),
    (
        "request pattern changed",
        lambda p: p.field("Book", "note").update(pattern="^[a-z]*$"),
        f"book: the request's `note` now has the pattern ^[a-z]*$, and old clients keep to {NOTE_PATTERN}.",
    ),
    (
        "request field no longer null",
        lambda p: p.schema("Cancel")["properties"].update(expected_version={"type": "integer", "minimum": 1}),
        "cancel: the request's `expected_version` must now be integer, and old clients may send null.",
    ),
    (
        "request type changed",
        lambda p: p.field("Book", "note").update(type="integer"),
        "book: the request's `note` must now be integer, and old clients may send string.",
    ),
    (
        "query parameter became required",
        lambda p: p.parameter("get", "/v1/slots", "provider_id").update(required=True),
        "search_slots: the query parameter `provider_id` is now required, and old clients do not always send it.",
    ),
    (
        "required query parameter added",
        lambda p: add_query_parameter(p, required=True),
        "search_slots: the query parameter `near` is now required, and old clients do not always send it.",
    ),
    (
        "query parameter removed",
        remove_query_parameter,
        "search_slots: the query parameter `provider_id` is no longer taken, and old clients may send it.",
    ),
    (
        "query parameter's enum narrowed",
        lambda p: p.parameter("get", "/v1/waitlist", "status")["schema"]["enum"].remove("left"),
        f"list_waitlist: the query parameter `status` no longer takes `left`, only {STATES_BUT_LEFT}.",
    ),
    (
        "query parameter's bound narrowed",
        lambda p: p.parameter("get", "/v1/appointments", "limit")["schema"].update(maximum=100),
        "list_appointments: the query parameter `limit` now has the maximum 100, and old clients keep to 200.",
    ),
    (
        "reply field removed",
        lambda p: lose_reply_field(p, "Appointment", "provider_name"),
        "book: the reply's `provider_name` is now gone, and old clients count on it.",
    ),
    (
        "optional reply field removed",
        lambda p: lose_reply_field(p, "Appointment", "cancel_reason"),
        "cancel: the reply's `cancel_reason` is now gone, and old clients count on it.",
    ),
    (
        "reply field became optional",
        lambda p: p.schema("Slot")["required"].remove("ends_at"),
        "search_slots: the reply's `slots[].ends_at` is now optional, and old clients count on it.",
    ),
    (
        "reply field may be null",
        lambda p: p.schema("Slot")["properties"].update(
            ends_at={"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
        ),
        "search_slots: the reply's `slots[].ends_at` may now be null, where old clients expect string.",
    ),
    (
        "reply field changed its type",
        lambda p: p.field("Slot", "ends_at").update(type="integer"),
        "search_slots: the reply's `slots[].ends_at` may now be integer, where old clients expect string.",
    ),
    (
        "reply enum widened",
        lambda p: p.field("WaitlistEntry", "status")["enum"].append("forgotten"),
        f"join_waitlist: the reply's `status` may now be `forgotten`, where old clients know {STATES}.",
    ),
    (
        "reply bound widened",
        lambda p: p.field("Offering", "name").update(maxLength=120),
        "create_offering: the reply's `name` now has the maxLength 120, where old clients accept 80.",
    ),
    (
        "success status changed",
        lambda p: p.book["responses"].update({"202": p.book["responses"].pop("201")}),
        "book: now answers 202, where old clients expect 201.",
    ),
    ("error removed", remove_error, "book: no longer answers 409 `slot_unavailable`, on which old clients branch."),
    ("error moved", move_error, "book: answers `slot_unavailable` with 410, formerly with 409."),
    ("error added", add_error, "book: may now answer 429 `too_busy`, a code that old clients do not know."),
    (
        "error lost a member",
        lambda p: lose_reply_field(p, "SlotUnavailable", "reason"),
        "book: `reason` of the error `slot_unavailable` is now gone, and old clients count on it.",
    ),
    (
        "event type added",
        lambda p: p.document["x-events"]["schema"]["anyOf"].append(
            p.schema("AppointmentBooked")
            | {"properties": p.schema("AppointmentBooked")["properties"] | {"type": {"enum": ["appointment.lost"]}}}
        ),
        "events: `type` may now be `appointment.lost`, where old clients know `appointment.expired`.",
    ),
    (
        "event lost a field",
        lambda p: lose_reply_field(p, "AppointmentBooked", "epoch"),
        "events: `epoch` is now gone, and old clients count on it.",
    ),
    (
        "stream renamed",
        lambda p: p.document["x-events"].update(stream="elsewhere"),
        "events: moved from the stream scheduling.events to elsewhere.",
    ),
    (
        "security changed",
        lambda p: p.document["components"]["securitySchemes"]["serviceToken"].update(scheme="basic"),
        "the security scheme serviceToken has changed or is gone.",
    ),
]

COMPATIBLE: list[tuple[str, Plant]] = [
    ("optional request field added", lambda p: p.schema("Book")["properties"].update(color={"type": "string"})),
    ("request field no longer required", lambda p: p.schema("Book")["required"].remove("customer_id")),
    ("request bound widened", lambda p: p.field("Book", "note").update(maxLength=5_000)),
    ("request bound dropped", lambda p: drop(p.field("Book", "note"), "maxLength")),
    ("optional query parameter added", lambda p: add_query_parameter(p, required=False)),
    (
        "query enum widened",
        lambda p: p.parameter("get", "/v1/appointments", "status")["schema"]["enum"].append("mislaid"),
    ),
    ("reply field added", lambda p: p.schema("Appointment")["properties"].update(color={"type": "string"})),
    (
        "nullable reply field no longer null",
        lambda p: p.schema("Appointment")["properties"].update(cancelled_in_time={"type": "boolean"}),
    ),
    ("reply bound narrowed", lambda p: p.field("Offering", "name").update(maxLength=40)),
    ("reply enum narrowed", lambda p: p.field("Appointment", "status").update(enum=["booked"])),
    ("event field added", lambda p: p.schema("AppointmentBooked")["properties"].update(color={"type": "string"})),
    ("words changed", lambda p: p.book.update(summary="Make an appointment", description="Other words.")),
    ("actor added", lambda p: p.book["x-actors"].append("anonymous")),
    (
        "operation added",
        lambda p: p.document["paths"].update({"/v1/new": {"get": p.book | {"operationId": "new_one"}}}),
    ),
]


@pytest.mark.parametrize("released", sorted(RELEASED.glob("*.json")), ids=lambda path: path.stem)
def test_clients_of_a_released_version_still_work(released: Path) -> None:
    broken = breaking_changes(json.loads(released.read_text()), document())
    assert not broken, f"clients built against {released.stem} break:\n" + "\n".join(broken)


def test_nothing_breaks_when_nothing_changes() -> None:
    assert breaking_changes(OLD, copy.deepcopy(OLD)) == []


@pytest.mark.parametrize("plant, sentence", [case[1:] for case in BREAKING], ids=[case[0] for case in BREAKING])
def test_breaking_change_is_explained(plant: Plant, sentence: str) -> None:
    planted = Planted()
    plant(planted)
    assert sentence in breaking_changes(OLD, planted.document)


@pytest.mark.parametrize("plant", [case[1] for case in COMPATIBLE], ids=[case[0] for case in COMPATIBLE])
def test_a_compatible_change_passes(plant: Plant) -> None:
    planted = Planted()
    plant(planted)
    assert breaking_changes(OLD, planted.document) == []
    assert planted.document != OLD
