"""The details that a person without an account enters, and what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from monolith.modules.auth.customer_models import AddGuest
from monolith.modules.auth.module import Auth
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.decoding import convert
from monolith.shared.localization import N_
from monolith.web.language import gettext, language

_MESSAGES = {
    "name": N_("Enter your name, at most 80 characters."),
    "email": N_("Enter an e-mail address, like name@example.com."),
    "phone": N_("Enter a telephone number with digits, spaces and ( ) / . - + only, or none."),
    "note": N_("The note may be at most 500 characters."),
}


@dataclass(frozen=True)
class FieldProblem:
    """A problem of one field, for the summary at the top of the form and for the field itself."""

    field: str
    message: str


def note_in(form: Mapping[str, str]) -> str:
    return " ".join(form.get("note", "").split())


def problems_in(form: Mapping[str, str], *, guest: bool) -> list[FieldProblem]:
    """Return what is wrong with a form, in the order of its fields. A `guest` also enters contact details."""
    wrong = [name for name in ("name", "email", "phone") if guest and not _is_valid(name, form)]
    if len(note_in(form)) > 500:
        wrong.append("note")
    return [FieldProblem(name, gettext(_MESSAGES[name])) for name in wrong]


@dataclass(frozen=True)
class GuestForm:
    """The form in which a guest enters contact details. Only the browser that has loaded the form knows its `key`."""

    business_id: UUID
    customer_id: UUID
    key: str

    @property
    def proof(self) -> str:
        """Return what is stored of the key, with the details."""
        return "form-" + blake2b(self.key.encode(), key=self.customer_id.bytes, digest_size=24).hexdigest()


class Guests:
    """Registers guests, so that staff know their names and mails reach them."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def register(self, form: GuestForm, fields: Mapping[str, str], mails: int = 1) -> None:
        """Store the contact details of a guest, or replace those that the same form entered before.

        `mails` is how many the booking sends to the address. Raises ApiError 409 if the guest has the details of
        another form or of staff, and 429 after too many mails to one mailbox.
        """
        guest = convert(_fields(fields) | {"language": language()}, AddGuest)
        self._auth.customers.register_guest(form.business_id, form.customer_id, guest, form.proof, mails)

    def have_entered(self, form: GuestForm) -> bool:
        """Return whether the details of the guest are those of this form."""
        return self._auth.customers.is_registered_by(form.business_id, form.customer_id, form.proof)


def _fields(form: Mapping[str, str]) -> dict[str, str]:
    return {
        "name": " ".join(form.get("name", "").split()),
        "email": form.get("email", "").strip().lower(),
        "phone": " ".join(form.get("phone", "").split()),
    }


def _is_valid(name: str, form: Mapping[str, str]) -> bool:
    fields = {"name": "Name", "email": "name@example.com", "phone": ""} | {name: _fields(form)[name]}
    try:
        convert(fields, AddGuest)
    except ApiError:
        return False
    return True
