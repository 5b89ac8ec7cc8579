"""Background completion of sign-ups that could not be finished in their request."""

import logging
from datetime import timedelta

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from monolith.modules.auth.api import AuthApi, OpeningFailed
from monolith.modules.auth.sign_up import OpenScheduling
from monolith.shared.database import DatabaseUnavailable

_MINIMUM_AGE = timedelta(seconds=10)
"""Longer than any request takes."""

_SECONDS_PER_BUSINESS = 5.0
_log = logging.getLogger(__name__)


class PendingSignUps:
    """Opens businesses that have been in the state 'opening' for longer than a request takes."""

    def __init__(self, auth: AuthApi, open_scheduling: OpenScheduling) -> None:
        self._auth = auth
        self._open_scheduling = open_scheduling

    def step(self) -> bool:
        """Try every pending business; one failure does not hold up the others. Raises DatabaseUnavailable."""
        for business in self._auth.businesses_opening(_MINIMUM_AGE):
            try:
                self._open_scheduling(business, new_trace(), Deadline.after(_SECONDS_PER_BUSINESS))
            except (OpeningFailed, DatabaseUnavailable) as error:
                _log.warning("business %s is still not open: %s", business.slug, error)
                continue
            self._auth.mark_open(business.business_id)
            _log.info("business %s is open", business.slug)
        return False
