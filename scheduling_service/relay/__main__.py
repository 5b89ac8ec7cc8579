"""The relay process: `python -m scheduling_service.relay`. Ends within five seconds of SIGTERM or SIGINT."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, start_http_server

from scheduling_service.config import RelayConfig
from scheduling_service.environment import ConfigError, load_or_exit
from scheduling_service.logs import log_to
from scheduling_service.relay.compose import relay_of
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.relay import IDLE_SECONDS, Relay

log = logging.getLogger("scheduling_service.relay")


def main() -> None:
    log_to(sys.stderr)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    run(load_or_exit("scheduling", _relay, os.environ), stop)


def run(relay: Relay, stop: threading.Event) -> None:
    """Relay until `stop` is set."""
    log.info("relay started")
    try:
        while not stop.is_set():
            if not relay.step():
                stop.wait(IDLE_SECONDS)
    finally:
        relay.close()
    log.info("relay stopped")


def _relay(environment: Mapping[str, str]) -> Relay:
    config = RelayConfig.from_environment(environment)
    registry = CollectorRegistry()
    if config.metrics_port is not None:
        try:
            start_http_server(config.metrics_port, addr="127.0.0.1", registry=registry)
        except OSError as error:
            port = f"RELAY_METRICS_PORT {config.metrics_port}"
            raise ConfigError(f"{port} cannot be used ({error.strerror}): choose another, or unset it") from error
    return relay_of("http", config.database_url, config.role_secret, config.redis_url, RelayMetrics(registry))


if __name__ == "__main__":
    main()
