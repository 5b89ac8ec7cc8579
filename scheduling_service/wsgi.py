"""The web process, `scheduling_service.wsgi:app`: the only module of it that reads the environment."""

import os
import sys

from flask import Flask

from contracts.chassis.credentials import role_url
from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.logs import log_to
from contracts.chassis.settings import Environment, load_or_exit
from contracts.chassis.tracing import start_tracing
from scheduling_service.config import WebConfig
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from scheduling_service.web.app import create_app
from scheduling_service.web.metrics import OperationMetrics
from scheduling_service.web.readiness import schema_check

RUNNING_ROLE = "scheduling_app"


def build(config: WebConfig) -> Flask:
    """Build the app over the service's database, with one connection per thread and one for the metrics."""
    url = role_url(config.database_url, RUNNING_ROLE, config.role_secret)
    direct_url = role_url(config.direct_database_url or config.database_url, RUNNING_ROLE, config.role_secret)
    metrics = OperationMetrics(config.metrics_folder, DatabaseSessions("scheduling", {"scheduling": direct_url}))
    database = EngineDatabase(url, pool_size=config.threads, on_pool_wait=metrics.pool_waited)
    metrics.pool_size.inc(config.threads)
    return create_app(SchedulingEngine(database), config, metrics, [schema_check(database)])


def start(environment: Environment) -> Flask:
    """Read the settings and build the app. Raises ConfigError."""
    config = WebConfig.from_environment(environment)
    start_tracing(config.tracing, "scheduling-web")
    return build(config)


log_to(sys.stdout)
app = load_or_exit("scheduling", start, os.environ)
