"""The monolith with its auth module, for gunicorn: `tests.security.served:app`, over the databases of one test."""

import os
import sys

from monolith.app import create_app
from monolith.modules.auth.module import ROLE, build_auth
from monolith.shared.database import Database
from monolith.shared.telemetry.logs import log_to
from tests.site import QUICK, application, opening_in

_url, _secret = os.environ["MONOLITH_DATABASE_URL"], os.environ["DATABASE_ROLE_SECRET"]
_database = Database(_url, role=ROLE, secret=_secret)
_auth = build_auth(
    _database, open_scheduling=opening_in(_url, _secret), public_url=os.environ["PUBLIC_URL"], hashing=QUICK
)
log_to(sys.stdout)
app = create_app(application(os.environ["PUBLIC_URL"], _auth, _database))
