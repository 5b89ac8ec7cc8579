"""Sign-ups that scheduling could not finish at the time."""

import logging
from datetime import timedelta

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling.errors import SchedulingError
from monolith.modules.auth.api import AuthApi
from monolith.modules.auth.sign_up import OpenScheduling
from monolith.shared.database import DatabaseUnavailable

_PATIENCE = timedelta(seconds=10)
_SECONDS_EACH = 5.0
_log = logging.getLogger(__name__)


class PendingSignUps:
    """For the worker. Opens what has been 'opening' for longer than any request lasts."""

    def __init__(self, auth: AuthApi, open_scheduling: OpenScheduling) -> None:
        self._auth = auth
        self._open_scheduling = open_scheduling

    def step(self) -> bool:
        """One business's trouble does not keep the others waiting. Raises DatabaseUnavailable."""
        for business in self._auth.businesses_opening(_PATIENCE):
            try:
                self._open_scheduling(business, new_trace(), Deadline.after(_SECONDS_EACH))
            except (SchedulingError, DatabaseUnavailable) as error:
                _log.warning("business %s is still not open: %s", business.slug, error)
                continue
            self._auth.mark_open(business.business_id)
            _log.info("business %s is open", business.slug)
        return False
