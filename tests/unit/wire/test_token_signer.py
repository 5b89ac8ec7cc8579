"""Reads share a service token; each write has its own, which expires with its deadline."""

import base64
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest

from contracts.scheduling.context import Actor
from contracts.scheduling.service_tokens import LONGEST_LIFETIME
from monolith.modules.scheduling.adapters.tokens import TokenSigner, signer_from

BUSINESS, ADA, BOB = uuid4(), Actor("staff", uuid4()), Actor("staff", uuid4())


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner("first", bytes(range(32)))


def said(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_reads_of_one_actor_and_business_share_a_token(signer: TokenSigner, monkeypatch: pytest.MonkeyPatch) -> None:
    first = signer.for_reads(BUSINESS, ADA)
    assert signer.for_reads(BUSINESS, ADA) == first
    assert len({first, signer.for_reads(BUSINESS, BOB), signer.for_reads(uuid4(), ADA)}) == 3
    now = time.time()
    for moved in (now + LONGEST_LIFETIME / 2 + 1, now - 3_600):
        monkeypatch.setattr(time, "time", lambda moved=moved: moved)
        assert said(signer.for_reads(BUSINESS, ADA))["iat"] == int(moved), "a clock that was set, either way"


def test_number_of_cached_tokens_is_limited(signer: TokenSigner) -> None:
    signer._for_reads = {(uuid4(), ADA): ("", 0.0) for _ in range(4_096)}
    signer.for_reads(BUSINESS, ADA)
    assert len(signer._for_reads) == 1


@pytest.mark.parametrize("seconds, lifetime", [(0.2, 1), (4.5, 5), (3_600, LONGEST_LIFETIME)])
def test_each_write_has_its_own_token(signer: TokenSigner, seconds: float, lifetime: int) -> None:
    claims = said(signer.for_write(BUSINESS, ADA, "book", "key-1", seconds))
    assert (claims["scope"], claims["op"], claims["jti"]) == ("write", "book", "key-1")
    assert claims["exp"] - claims["iat"] == lifetime


@pytest.mark.parametrize("setting", ["", "first", "first:", "first:AAAA", "../f:" + "A" * 43, "first:" + "!" * 43])
def test_malformed_key_is_refused_and_not_repeated_in_the_error(setting: str) -> None:
    with pytest.raises(ValueError, match="kid:base64url") as caught:
        signer_from(setting)
    assert "!" not in str(caught.value)


def test_key_is_accepted_with_or_without_padding() -> None:
    encoded = base64.urlsafe_b64encode(bytes(range(32))).decode()
    for each in (encoded, encoded.rstrip("=")):
        assert jwt.get_unverified_header(signer_from(f"first:{each}").for_reads(BUSINESS, ADA))["kid"] == "first"
