"""The billing service, a process with a database of its own: `tests.second_extraction.billing_service:app`.

Its settings are those of the scheduling service, whose web layer serves it.
"""

import os
import sys

from flask import Flask

from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.logs import log_to
from contracts.chassis.settings import Environment, load_or_exit
from monolith.modules.billing.module import APP_ROLE
from monolith.shared.database import ModuleDatabase
from scheduling_service.config import WebConfig
from scheduling_service.web.app import create_app
from scheduling_service.web.metrics import OperationMetrics
from tests.second_extraction.billing_port import OPERATIONS
from tests.second_extraction.in_process_billing import InProcessBilling


def start(environment: Environment) -> Flask:
    """Read the settings and build the app. Raises ConfigError."""
    config = WebConfig.from_environment(environment)
    metrics = OperationMetrics(config.metrics_folder, DatabaseSessions("billing", {}))
    database = ModuleDatabase(config.database_url, role=APP_ROLE, secret=config.role_secret, pool_size=config.threads)
    return create_app(InProcessBilling(database), config, metrics, operations=OPERATIONS)


log_to(sys.stdout)
app = load_or_exit("billing", start, os.environ)
