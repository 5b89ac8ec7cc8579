"""The error tree is complete, documented as it is, and the same on both sides of the wire."""

import json
import re
from collections.abc import Iterator

import pytest

from contracts.scheduling import codec, errors
from contracts.scheduling.errors import BY_CODE, CONCRETE, SchedulingError

DRAWN = re.compile(r"^(?P<bars>[│├└─ ]*)(?P<name>\w+)(?: +(?P<status>\d{3}))?(?: +(?P<code>[a-z_]+))?(?:  .*)?$")

EXAMPLES: list[SchedulingError] = [
    errors.InvalidRequest("Say when.", field="starts_at"),
    errors.InvalidRequest("The body is not valid JSON."),
    errors.Unauthenticated("The token has expired."),
    errors.Forbidden("Only staff may."),
    errors.BusinessNotFound("No such business."),
    errors.OfferingNotFound("No such offering."),
    errors.ProviderNotFound("No such provider."),
    errors.AppointmentNotFound("No such appointment."),
    errors.ResourceNotFound("No such resource."),
    errors.BlockNotFound("No such block."),
    errors.SeriesNotFound("No such series."),
    errors.WaitlistEntryNotFound("No such entry."),
    errors.SlotUnavailable("Somebody was faster.", reason="taken"),
    errors.VersionConflict("It has changed.", current_version=3),
    errors.InvalidTransition("It is cancelled."),
    errors.PolicyRefused("Too late to change it.", reason="cutoff"),
    errors.HoldExpired("It was not confirmed in time."),
    errors.KeyInProgress("Ask again."),
    errors.NotOwner("Ask the other database.", owner="scheduling", epoch=2),
    errors.NotOwner("Call the owning database."),
    errors.KeyReused("The key stands for another request."),
    errors.Unavailable("Try later.", retry_after=2.5),
    errors.DeadlineExceeded("Too late."),
    errors.OutcomeUnknown("Repeat with the same key."),
]


def subclasses(kind: type[SchedulingError]) -> Iterator[type[SchedulingError]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def drawn() -> dict[str, tuple[str | None, str | None, str | None]]:
    """Return name -> (parent, status, code) from the docstring; children inherit the status of their parent."""
    tree: dict[str, tuple[str | None, str | None, str | None]] = {}
    line_of: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = DRAWN.match(line)
        if match is None or not (match["bars"] or match["name"] == "SchedulingError"):
            continue
        depth = len(match["bars"]) // 4
        line_of[depth:] = [match["name"]]
        parent = line_of[depth - 1] if depth else None
        status = match["status"] or (tree[parent][1] if parent else None)
        tree[match["name"]] = (parent, status, match["code"])
    return tree


def test_documented_error_tree_matches_the_classes() -> None:
    actual = {
        kind.__name__: (kind.__base__.__name__ if kind.__base__ else None, str(kind.status))
        for kind in subclasses(SchedulingError)
    }
    assert {name: row[:2] for name, row in drawn().items() if row[0]} == actual


def test_documented_codes_match_the_classes() -> None:
    assert {name: code for name, (_, _, code) in drawn().items() if code} == {
        kind.__name__: kind.code for kind in CONCRETE
    }


def test_every_leaf_is_concrete_and_has_a_code_of_its_own() -> None:
    leaves = {kind for kind in subclasses(SchedulingError) if not kind.__subclasses__()}
    assert set(CONCRETE) == leaves
    assert len(CONCRETE) == len(BY_CODE)


def test_only_outcome_unknown_leaves_the_outcome_open() -> None:
    assert [kind for kind in CONCRETE if not kind.outcome_known] == [errors.OutcomeUnknown]


def test_every_concrete_error_has_an_example_here() -> None:
    assert {type(example) for example in EXAMPLES} == set(CONCRETE)


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
def test_an_error_arrives_as_it_was_raised(error: SchedulingError) -> None:
    received = codec.decode_error(error.status, codec.encode_error(error))
    assert type(received) is type(error)
    assert received.message == error.message == str(received)
    assert received.details() == error.details()


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
def test_an_error_is_problem_details(error: SchedulingError) -> None:
    members = json.loads(codec.encode_error(error))
    assert members["status"] == error.status
    assert members["code"] == error.code
    assert members["detail"] == error.message
    assert None not in members.values()


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
def test_an_error_may_gain_members(error: SchedulingError) -> None:
    grown = json.loads(codec.encode_error(error)) | {"added_later": {"x": [1]}}
    assert type(codec.decode_error(error.status, json.dumps(grown).encode())) is type(error)


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
def test_an_error_under_another_status_is_malformed(error: SchedulingError) -> None:
    with pytest.raises(codec.MalformedReply):
        codec.decode_error(418, codec.encode_error(error))


@pytest.mark.parametrize("owner", ["in_process", "http", "monolith", "scheduling", "a later database", None])
def test_owner_of_any_release_is_accepted(owner: str | None) -> None:
    body = json.dumps({"code": "not_owner", "detail": "moved", "owner": owner, "epoch": 2}).encode()
    error = codec.decode_error(421, body)
    assert isinstance(error, errors.NotOwner)
    assert (error.owner, error.epoch) == (owner, 2)


def test_service_sends_no_owner_so_that_any_monolith_accepts_its_refusal() -> None:
    """Earlier releases refuse a reply whose `owner` is a name that they do not know."""
    refusal = errors.NotOwner("This database does not own the business.")
    assert "owner" not in json.loads(codec.encode_error(refusal))


@pytest.mark.parametrize(
    "status, body",
    [
        pytest.param(502, b"<html>Bad Gateway</html>", id="a proxy's page"),
        pytest.param(503, b"", id="nothing"),
        pytest.param(404, b'{"code": "appointment_not_f', id="cut short"),
        pytest.param(409, b'{"code": "conflict", "detail": "x"}', id="not a concrete code"),
        pytest.param(400, b'{"code": "added_later", "detail": "x"}', id="an unknown code"),
        pytest.param(400, b'{"code": 400, "detail": "x"}', id="a code that is a number"),
        pytest.param(400, b'{"code": "invalid_request"}', id="no detail"),
        pytest.param(400, b'{"code": "invalid_request", "detail": 1}', id="detail of a wrong type"),
        pytest.param(409, b'{"code": "slot_unavailable", "detail": "x"}', id="a member is missing"),
        pytest.param(
            409, b'{"code": "version_conflict", "detail": "x", "current_version": "3"}', id="a member of a wrong type"
        ),
        pytest.param(421, b'{"code": "not_owner", "detail": "x", "owner": 7}', id="an owner that is no name"),
        pytest.param(400, b"[]", id="a list"),
        pytest.param(400, b"[" * 5_000, id="5,000 deep"),
        pytest.param(400, b'{"code": "invalid_request", "detail": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", id="deep"),
    ],
)
def test_foreign_error_is_malformed(status: int, body: bytes) -> None:
    with pytest.raises(codec.MalformedReply):
        codec.decode_error(status, body)
