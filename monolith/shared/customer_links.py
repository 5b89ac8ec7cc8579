"""Links with which a customer manages one appointment, or one waitlist entry, without signing in.

A link carries a signed token that names the business, the customer and the appointment; nothing is stored. A person
with the link can do with this appointment what its customer can do, and nothing else. The token of a checkout has a
purpose of its own: it brings back the form that books a held time, and does not open the appointment.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from itsdangerous import BadData, Signer

_REFERENCE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that can be read as a digit."""


class LinkSubject(NamedTuple):
    """What a token names. `subject_id` is the appointment or the waitlist entry."""

    business_id: UUID
    customer_id: UUID
    subject_id: UUID


class CustomerLinks:
    """Signs and reads tokens. Every process needs the same secret; another secret invalidates all links.

    Of several secrets, the last one signs, and the links of all are valid.
    """

    def __init__(self, secrets: str | Sequence[str]) -> None:
        self._appointments = _signer(secrets, "customer's appointment")
        self._holds = _signer(secrets, "held time of a checkout")
        self._waiting = _signer(secrets, "customer's waitlist entry")

    def appointment_token(self, business_id: UUID, customer_id: UUID, appointment_id: UUID) -> str:
        return _signed(self._appointments, LinkSubject(business_id, customer_id, appointment_id))

    def hold_token(self, business_id: UUID, customer_id: UUID, appointment_id: UUID) -> str:
        return _signed(self._holds, LinkSubject(business_id, customer_id, appointment_id))

    def waiting_token(self, business_id: UUID, customer_id: UUID, entry_id: UUID) -> str:
        return _signed(self._waiting, LinkSubject(business_id, customer_id, entry_id))

    def appointment(self, token: str) -> LinkSubject | None:
        """Return what a token of `appointment_token` names; None for any other text."""
        return _read(self._appointments, token)

    def hold(self, token: str) -> LinkSubject | None:
        """Return what a token of `hold_token` names; None for any other text."""
        return _read(self._holds, token)

    def waiting(self, token: str) -> LinkSubject | None:
        """Return what a token of `waiting_token` names; None for any other text."""
        return _read(self._waiting, token)


def manage_url(public_url: str, token: str) -> str:
    """Return the address of the page of an appointment. The token is in the query, which logs leave out."""
    return f"{public_url.rstrip('/')}/manage?{urlencode({'token': token})}"


def waiting_url(public_url: str, token: str) -> str:
    """Return the address of the page of a waitlist entry."""
    return f"{public_url.rstrip('/')}/waiting?{urlencode({'token': token})}"


def reference_of(appointment_id: UUID) -> str:
    """Return the reference of an appointment, like `7K2M-9QXA`. It finds nothing without the customer's address."""
    number = appointment_id.int & ((1 << 40) - 1)
    letters = "".join(_REFERENCE_LETTERS[number >> shift & 31] for shift in range(35, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


def normal_reference(typed: str) -> str:
    """Return a reference as `reference_of` writes it, however it was typed."""
    letters = "".join(typed.upper().replace("O", "0").replace("I", "1").replace("L", "1").split()).replace("-", "")
    return f"{letters[:4]}-{letters[4:]}"


def _signer(secrets: str | Sequence[str], purpose: str) -> Signer:
    return Signer(secrets, salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256)


def _signed(signer: Signer, subject: LinkSubject) -> str:
    text = base64.urlsafe_b64encode(b"".join(each.bytes for each in subject)).decode()
    return signer.sign(text).decode()


def _read(signer: Signer, token: str) -> LinkSubject | None:
    try:
        raw = base64.urlsafe_b64decode(signer.unsign(token.encode()))
        return LinkSubject(*(UUID(bytes=raw[at : at + 16]) for at in (0, 16, 32)))
    except (BadData, ValueError):
        return None
