"""Links of an account that ended when its password was reset, or when the owner of its address took it over."""

from monolith.modules.auth.api import AuthApi
from monolith.shared.customer_links import LinkSubject
from monolith.shared.endpoints import ApiError
from monolith.shared.localization import N_

_ENDED = N_("This link ended when the password of your account was replaced. Sign in to see your appointments.")


def require_valid(auth: AuthApi, subject: LinkSubject) -> None:
    """Raise ApiError 401 if the link has ended; its customer has an account, and can sign in."""
    if auth.is_link_ended(subject.customer_id, subject.subject_id):
        raise ApiError(401, "link_ended", _ENDED)
