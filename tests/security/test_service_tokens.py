"""Forged, expired, stolen and replayed service tokens, sent to the real service."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils.compat import uuid7

from contracts.scheduling.errors import Unauthenticated
from deploy.devstack.keys import load_keys
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import TokenSigner
from scheduling_service.web.tokens import TokenVerifier
from tests.contract.port.shop import Shop, open_shop
from tests.databases import fresh_databases
from tests.faults.service import SchedulingWeb
from tests.servers import Servers

OLD, NEW, FOREIGN = (Ed25519PrivateKey.generate() for _ in range(3))
CUT = {"name": "Cut", "duration_minutes": 30}


@pytest.fixture(scope="module")
def web(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchedulingWeb]:
    """The service during a key rotation: it accepts `old` and `new`."""
    folder = tmp_path_factory.mktemp("scheduling-web")
    both = f"old:{_encoded(_public(OLD))},new:{_encoded(_public(NEW))}"
    with (
        fresh_databases(servers) as databases,
        SchedulingWeb(databases, load_keys(folder / "keys.json"), folder, SERVICE_TOKEN_VERIFY_KEYS=both) as web,
    ):
        yield web
        web.kill_all()


@pytest.fixture(scope="module")
def shop(web: SchedulingWeb) -> Iterator[Shop]:
    port = HttpScheduling(web.url, TokenSigner("new", NEW.private_bytes_raw()))
    yield open_shop(port, uuid7())
    port.close()


@pytest.fixture
def claims(shop: Shop) -> dict[str, Any]:
    """The claims of a valid token for reads."""
    now = int(time.time())
    return {
        "iss": "monolith",
        "aud": "scheduling",
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
        "biz": str(shop.business_id),
        "act": {"kind": "staff", "id": str(shop.staff.id)},
        "scope": "read",
    }


def token(claims: dict[str, Any], key: Ed25519PrivateKey = NEW, **header: Any) -> str:
    """Return a token signed manually, since libraries refuse to produce most of the invalid ones."""
    signed = f"{_json({'alg': 'EdDSA', 'typ': 'JWT', 'kid': 'new', **header})}.{_json(claims)}"
    return f"{signed}.{_encoded(key.sign(signed.encode()))}"


def read(web: SchedulingWeb, token: str, **headers: str) -> int:
    sent = {"Authorization": f"Bearer {token}", **headers}
    return requests.get(f"{web.url}/v1/offerings", headers=sent, timeout=5).status_code


def create(web: SchedulingWeb, token: str, key: str, body: dict[str, Any] = CUT) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return requests.post(f"{web.url}/v1/offerings", json=body, headers=headers, timeout=5)


def for_write(claims: dict[str, Any], key: str, operation: str = "create_offering") -> dict[str, Any]:
    return {**claims, "scope": "write", "jti": key, "op": operation}


def test_valid_token_is_accepted(web: SchedulingWeb, claims: dict[str, Any]) -> None:
    assert read(web, token(claims)) == 200


@pytest.mark.row("H20")
def test_old_key_is_accepted_during_rotation(web: SchedulingWeb, claims: dict[str, Any]) -> None:
    assert read(web, token(claims, OLD, kid="old")) == 200
    assert read(web, token(claims, OLD, kid="new")) == 401


@pytest.mark.row("H20")
def test_old_key_is_rejected_after_rotation(claims: dict[str, Any]) -> None:
    verifier = TokenVerifier({"new": _public(NEW)})
    assert verifier.claims(f"Bearer {token(claims)}").biz
    with pytest.raises(Unauthenticated):
        verifier.claims(f"Bearer {token(claims, OLD, kid='old')}")


@pytest.mark.row("H14")
def test_unsigned_token_is_rejected(web: SchedulingWeb, claims: dict[str, Any]) -> None:
    for algorithm in ("none", "None", "NONE"):
        head = {"alg": algorithm, "typ": "JWT", "kid": "new"}
        assert read(web, f"{_json(head)}.{_json(claims)}.") == 401


@pytest.mark.row("H15")
@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_public_key_does_not_work_as_a_shared_secret(
    web: SchedulingWeb, claims: dict[str, Any], algorithm: str
) -> None:
    signed = f"{_json({'alg': algorithm, 'typ': 'JWT', 'kid': 'new'})}.{_json(claims)}"
    for secret in (_public(NEW), _encoded(_public(NEW)).encode()):
        signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        assert read(web, f"{signed}.{_encoded(signature)}") == 401


@pytest.mark.row("H16", "H17")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "billing"},
        {"aud": ["scheduling"]},
        {"aud": ["scheduling", "billing"]},
        {"aud": "scheduling "},
        {"iss": "mono"},
        {"iss": "monolith.example"},
        {"iss": ["monolith"]},
        {"scope": "admin"},
        {"biz": "all"},
        {"act": {"kind": "root", "id": str(UUID(int=1))}},
        {"act": None},
        {"jti": ""},
    ],
    ids=str,
)
def test_wrong_claims_are_rejected(web: SchedulingWeb, claims: dict[str, Any], changes: dict[str, Any]) -> None:
    assert read(web, token({**claims, **changes})) == 401


@pytest.mark.row("H18")
@pytest.mark.parametrize("name", ["iss", "aud", "iat", "exp", "jti", "biz", "act", "scope"])
def test_missing_claims_are_rejected(web: SchedulingWeb, claims: dict[str, Any], name: str) -> None:
    assert read(web, token({each: claims[each] for each in claims if each != name})) == 401


@pytest.mark.row("H18", "F38")
@pytest.mark.parametrize(
    "issued, expires, status",
    [
        (0, 60, 200),
        (0, 61, 401),
        (0, 3_600, 401),
        (-30, 30, 200),
        (-300, -240, 401),
        (300, 360, 401),
        (10, 5, 401),
        (-63, -3, 200),
        (-68, -8, 401),
        (3, 60, 200),
    ],
)
def test_lifetime_and_clock_tolerance(
    web: SchedulingWeb, claims: dict[str, Any], issued: int, expires: int, status: int
) -> None:
    """Times in seconds from now. A token lives at most 60 s; clocks may differ by 5 s."""
    now = int(time.time())
    assert read(web, token({**claims, "iat": now + issued, "exp": now + expires})) == status


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), "soon", None, True, 1e300], ids=str)
def test_malformed_times_are_rejected(web: SchedulingWeb, claims: dict[str, Any], moment: Any) -> None:
    for name in ("iat", "exp"):
        assert read(web, token({**claims, name: moment})) == 401


@pytest.mark.row("H19")
@pytest.mark.parametrize("key_id", ["other", "../new", "/etc/passwd", "new\0", "", "http://127.0.0.1/key", None, 7, []])
def test_unknown_key_ids_are_rejected(web: SchedulingWeb, claims: dict[str, Any], key_id: Any) -> None:
    assert read(web, token(claims, kid=key_id)) == 401


@pytest.mark.row("H19")
@pytest.mark.parametrize(
    "header",
    [
        {"jku": "http://127.0.0.1/keys"},
        {"x5u": "http://127.0.0.1/certificate"},
        {"jwk": {"kty": "OKP", "crv": "Ed25519"}},
        {"x5c": ["MII"]},
        {"crit": ["exp"]},
        {"b64": False},
        {"typ": "at+jwt"},
        {"typ": None},
    ],
    ids=str,
)
def test_headers_that_select_keys_or_rules_are_rejected(
    web: SchedulingWeb, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    own = Ed25519PrivateKey.generate()
    if "jwk" in header:
        header = {"jwk": {**header["jwk"], "x": _encoded(_public(own))}}
    for key in (NEW, own):
        assert read(web, token(claims, key, **header)) == 401


def test_foreign_or_transplanted_signature_is_rejected(web: SchedulingWeb, claims: dict[str, Any]) -> None:
    assert read(web, token(claims, FOREIGN)) == 401
    sound = token(claims)
    other = {**claims, "biz": str(uuid4())}
    head, _, signature = sound.split(".")
    assert read(web, f"{head}.{_json(other)}.{signature}") == 401


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer a.b.c", "Basic bWU6bWU=", "Bearer ey\xe9"])
def test_missing_token_is_rejected(web: SchedulingWeb, authorization: str) -> None:
    response = requests.get(f"{web.url}/v1/offerings", headers={"Authorization": authorization}, timeout=5)
    assert response.status_code == 401
    assert response.json()["code"] == "unauthenticated"
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.row("H22")
def test_session_cookie_of_a_user_is_rejected(web: SchedulingWeb) -> None:
    response = requests.get(f"{web.url}/v1/offerings", cookies={"session": "anything"}, timeout=5)
    assert response.status_code == 401


def test_business_is_taken_from_the_token_only(web: SchedulingWeb, claims: dict[str, Any], shop: Shop) -> None:
    elsewhere = token({**claims, "biz": str(uuid4())})
    assert read(web, elsewhere, **{"X-Business": str(shop.business_id), "X-User-Id": str(shop.staff.id)}) == 404


@pytest.mark.row("H21")
def test_replayed_write_returns_the_same_reply(web: SchedulingWeb, claims: dict[str, Any]) -> None:
    stolen = token(for_write(claims, "replayed"))
    first, second = create(web, stolen, "replayed"), create(web, stolen, "replayed")
    assert (first.status_code, first.content) == (201, second.content)


def test_stolen_write_token_allows_no_other_write(web: SchedulingWeb, claims: dict[str, Any], shop: Shop) -> None:
    stolen = token(for_write(claims, "stolen"))
    assert create(web, stolen, "stolen").status_code == 201
    assert create(web, stolen, "another-key").status_code == 401
    assert create(web, stolen, "stolen", {**CUT, "name": "Other"}).status_code == 422
    assert read(web, stolen) == 403
    other_operation = requests.post(
        f"{web.url}/v1/providers",
        json={"name": "Eve", "zone": "UTC"},
        headers={"Authorization": f"Bearer {stolen}", "Idempotency-Key": "stolen"},
        timeout=5,
    )
    assert other_operation.status_code == 401


def test_read_token_cannot_write(web: SchedulingWeb, claims: dict[str, Any]) -> None:
    assert create(web, token(claims), claims["jti"]).status_code == 403


def test_actor_is_limited_to_its_operations(web: SchedulingWeb, claims: dict[str, Any]) -> None:
    customer = {**for_write(claims, "as-customer"), "act": {"kind": "customer", "id": str(uuid4())}}
    assert create(web, token(customer), "as-customer").status_code == 403


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _json(value: Any) -> str:
    return _encoded(json.dumps(value).encode())
