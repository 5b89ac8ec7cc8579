"""The texts of the mails about accounts, and the links in them."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from monolith.modules.auth import confirmation, credentials, password_reset
from monolith.modules.auth.api import FindLink, MailingBusiness, UserRef
from monolith.modules.auth.repository import accounts, businesses, customers, invitations, mail_tokens
from monolith.modules.auth.repository.account_mails import MailKind, QueuedMail
from monolith.modules.auth.waitlist_letter import WaitingCustomer, waitlist_text
from monolith.modules.notifications.api import Letter
from monolith.shared.customer_links import CustomerLinks, waiting_url
from monolith.shared.database import ModuleDatabase
from monolith.shared.localization import N_, SOURCE, Language, formats, texts

_IGNORE = N_("If this was not you, ignore this mail: without the link, your address cannot be used.")
_NOT_YOU = N_("If this was not you, reset your password now:")
_UNPROVED_NAME = ""
"""In mails to addresses that are not confirmed: a stranger could let the product send any text as a name."""

_AS = {
    "owner": N_("an owner"),
    "staff": N_("a member of the staff"),
    "reader": N_("a reader, who sees everything and changes nothing"),
}


class _Text(NamedTuple):
    name: str
    subject: str
    paragraphs: tuple[str, ...]
    language: Language


Admit = Callable[[Connection, QueuedMail], None]


class Letters:
    """Writes mails. Each link gets a new secret, of which only the hash is stored."""

    def __init__(self, database: ModuleDatabase, public_url: str, find_link: FindLink, links: CustomerLinks) -> None:
        self._database = database
        self._links = links
        self._find_link = find_link
        self._public_url = public_url.rstrip("/")
        self._writers: dict[MailKind, Callable[[Connection, QueuedMail], _Text | None]] = {
            "sign_up": self._sign_up,
            "email_change": self._email_change,
            "email_change_notice": self._email_change_notice,
            "reset": self._reset,
            "password_changed": self._password_changed,
            "invitation": self._invitation,
            "notice": self._notice,
            "waitlist": self._waitlist,
        }

    def write(self, mail: QueuedMail, admit: Admit) -> Letter | None:
        """Return the mail as it is to be sent now; None if there is no longer a reason for it. Raises as `admit`.

        `admit` is called if there is a mail, in the transaction that stores its link, which an error rolls back.
        """
        text = self._lost_link(mail, admit) if mail.kind == "lost_link" else self._written(mail, admit)
        if text is None:
            return None
        return Letter(
            mail.mail_id, mail.created_at, text.name, mail.email, text.subject, text.paragraphs, text.language
        )

    def _written(self, mail: QueuedMail, admit: Admit) -> _Text | None:
        writer = self._writers.get(mail.kind)
        if writer is None:
            return None
        with self._database.transaction() as connection:
            text = writer(connection, mail)
            if text is not None:
                admit(connection, mail)
            return text

    def _lost_link(self, mail: QueuedMail, admit: Admit) -> _Text | None:
        """Return the link of an appointment. No transaction is open, because scheduling is called."""
        if mail.subject_id is None or mail.reference is None:
            return None
        found = self._find_link(mail.subject_id, mail.email, mail.reference)
        if found is None:
            return None
        with self._database.transaction() as connection:
            admit(connection, mail)
            key = (mail.subject_id, found.customer_id)
            customer = customers.contacts(connection, {key}).get(key)
            business = businesses.for_mails(connection, [mail.subject_id]).get(mail.subject_id, MailingBusiness())
        language = (customer.language if customer else None) or business.language
        _ = texts(language).gettext
        local = found.starts_at.astimezone(ZoneInfo(found.zone))
        when = f"{formats.long_moment(local, language)} ({found.zone})"
        asked = _("Someone, hopefully you, has asked for the link of your appointment: {what}.")
        return _Text(
            customer.name if customer else "",
            _("Your appointment {reference}").format(reference=mail.reference),
            (
                asked.format(what=f"{found.what}, {when}"),
                _("View, move or cancel it:"),
                found.url,
                _("If this was not you, ignore this mail: the link was sent to you only."),
            ),
            language,
        )

    def _sign_up(self, connection: Connection, mail: QueuedMail) -> _Text | None:
        owner = accounts.by_email(connection, mail.email)
        if owner is not None:
            return self._existing_account(owner.user) if owner.user.user_id != mail.subject_id else None
        user = self._waiting(connection, mail)
        if user is None:
            return None
        _, language = _of(user)
        return _Text(
            _UNPROVED_NAME,
            _("Confirm your e-mail address"),
            (
                _("Someone, hopefully you, has signed up with this e-mail address."),
                _("Confirm it within 24 hours. Confirmations of appointments are sent here from then on:"),
                self._confirmation_link(connection, user.user_id, mail.email),
                _(_IGNORE),
            ),
            language,
        )

    def _existing_account(self, owner: UserRef) -> _Text:
        _, language = _of(owner)
        return _Text(
            owner.name,
            _("You already have an account"),
            (
                _("Someone, hopefully you, has signed up with this e-mail address, which already has an account."),
                _("Sign in to use your account:"),
                f"{self._public_url}/sign-in",
                _("If you have forgotten your password, set a new one:"),
                f"{self._public_url}/forgot-password",
                _("If this was not you, ignore this mail: your account has not changed."),
            ),
            language,
        )

    def _email_change(self, connection: Connection, mail: QueuedMail) -> _Text | None:
        known = accounts.by_email(connection, mail.email)
        if known is not None:
            return _existing_address(known.user)
        user = self._waiting(connection, mail)
        if user is None:
            return None
        _, language = _of(user)
        return _Text(
            _UNPROVED_NAME,
            _("Confirm your new e-mail address"),
            (
                _("You have changed the e-mail address of your account. Confirm the new one within 24 hours:"),
                self._confirmation_link(connection, user.user_id, mail.email),
                _(_IGNORE),
            ),
            language,
        )

    def _email_change_notice(self, connection: Connection, mail: QueuedMail) -> _Text | None:
        user = self._account(connection, mail)
        if user is None:
            return None
        _, language = _of(user)
        return _Text(
            user.name,
            _("Your e-mail address is being changed"),
            (
                _("Another e-mail address was entered for your account. It replaces this one when it is confirmed."),
                _(_NOT_YOU),
                f"{self._public_url}/forgot-password",
            ),
            language,
        )

    def _reset(self, connection: Connection, mail: QueuedMail) -> _Text | None:
        account = accounts.by_email(connection, mail.email)
        if account is None:
            return None
        secret = credentials.new_session_secret()
        mail_tokens.add(
            connection,
            "reset",
            account.user.user_id,
            mail.email,
            credentials.hash_secret(secret),
            password_reset.LINK_VALID_FOR,
        )
        _, language = _of(account.user)
        return _Text(
            account.user.name,
            _("Set a new password"),
            (
                _("Set a new password within one hour. All devices are signed out then:"),
                self._link("reset-password", secret),
                _("If this was not you, ignore this mail: your password has not changed."),
            ),
            language,
        )

    def _password_changed(self, connection: Connection, mail: QueuedMail) -> _Text | None:
        user = self._account(connection, mail)
        if user is None:
            return None
        _, language = _of(user)
        return _Text(
            user.name,
            _("Your password was changed"),
            (_("The password of your account was changed."), _(_NOT_YOU), f"{self._public_url}/forgot-password"),
            language,
        )

    def _invitation(self, connection: Connection, mail: QueuedMail) -> _Text | None:
        found = invitations.by_id(connection, mail.subject_id) if mail.subject_id else None
        if found is None:
            return None
        secret = credentials.new_session_secret()
        invitations.set_secret(connection, found.invitation_id, credentials.hash_secret(secret))
        invited = accounts.by_email(connection, mail.email)
        business = businesses.for_mails(connection, [found.business_id])[found.business_id]
        language = (invited.user.language if invited else None) or business.language
        _ = texts(language).gettext
        values = {"person": found.invited_by, "business": found.business_name, "role": _(_AS[found.role])}
        return _Text(
            "",
            _("Invitation to %(business)s") % values,
            (
                _("%(person)s invites you to join %(business)s as %(role)s.") % values,
                _("Accept the invitation within seven days:"),
                self._link("invitation", secret),
                _("If you do not know them, ignore this mail."),
            ),
            language,
        )

    def _notice(self, connection: Connection, mail: QueuedMail) -> _Text | None:
        account = accounts.by_email(connection, mail.email)
        if account is None or mail.content is None:
            return None
        return _Text(account.user.name, mail.content["subject"], tuple(mail.content["paragraphs"]), SOURCE)

    def _waitlist(self, connection: Connection, mail: QueuedMail) -> _Text | None:
        if mail.content is None or mail.subject_id is None:
            return None
        waiting = WaitingCustomer.read(mail.content)
        business = businesses.by_id(connection, mail.subject_id)
        key = (mail.subject_id, waiting.customer_id)
        customer = customers.contacts(connection, {key}).get(key)
        if business is None or customer is None:
            return None
        token = self._links.waiting_token(business.business_id, waiting.customer_id, waiting.entry_id)
        language = customer.language or business.details.language
        text = waitlist_text(waiting, business.name, waiting_url(self._public_url, token), language)
        return _Text(customer.name, text.subject, text.paragraphs, language)

    def _waiting(self, connection: Connection, mail: QueuedMail) -> UserRef | None:
        """Return the account of the mail if it still waits for the confirmation of the address."""
        user = self._account(connection, mail)
        waits = user is not None and mail_tokens.awaited_address(connection, user.user_id) == mail.email
        return user if waits else None

    def _account(self, connection: Connection, mail: QueuedMail) -> UserRef | None:
        account = accounts.by_id(connection, mail.subject_id) if mail.subject_id else None
        return account.user if account else None

    def _confirmation_link(self, connection: Connection, user_id: UUID, email: str) -> str:
        secret = credentials.new_session_secret()
        hashed = credentials.hash_secret(secret)
        mail_tokens.add(connection, "confirm", user_id, email, hashed, confirmation.LINK_VALID_FOR)
        return self._link("confirm-email", secret)

    def _link(self, page: str, secret: str) -> str:
        return f"{self._public_url}/{page}?{urlencode({'token': secret})}"


def _existing_address(owner: UserRef) -> _Text:
    _, language = _of(owner)
    return _Text(
        "",
        _("This address already has an account"),
        (
            _("Someone, hopefully you, wants to use this e-mail address for another account."),
            _("That is not possible, because it has an account of its own."),
        ),
        language,
    )


def _of(user: UserRef) -> tuple[Callable[[str], str], Language]:
    """Return the texts and the language of the mails to a user."""
    language = user.language or SOURCE
    return texts(language).gettext, language
