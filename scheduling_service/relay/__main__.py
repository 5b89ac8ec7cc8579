"""The relay process: `python -m scheduling_service.relay`. Ends within five seconds of SIGTERM or SIGINT.

The caretaker of the same database runs beside the relay, in a thread of its own.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, start_http_server

from contracts.chassis.backoff import repeat, repeat_whatever_comes
from contracts.chassis.logs import log_to
from contracts.chassis.settings import ConfigError, load_or_exit
from scheduling_service.config import RelayConfig
from scheduling_service.maintenance import maintenance as caring
from scheduling_service.maintenance.compose import caretaker_of
from scheduling_service.maintenance.maintenance import Caretaker
from scheduling_service.relay.compose import relay_of
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.relay import IDLE_SECONDS, Relay

log = logging.getLogger("scheduling_service.relay")

_PATIENCE = 4.0


def main() -> None:
    log_to(sys.stderr)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    relay, caretaker = load_or_exit("scheduling", _both, os.environ)
    care = threading.Thread(
        target=repeat_whatever_comes, args=("caretaker", caretaker.step, caring.IDLE_SECONDS, stop, log), daemon=True
    )
    care.start()
    try:
        repeat("relay", relay.step, IDLE_SECONDS, stop, log)
    finally:
        stop.set()
        care.join(_PATIENCE)
        relay.close()
        caretaker.close()


def _both(environment: Mapping[str, str]) -> tuple[Relay, Caretaker]:
    config = RelayConfig.from_environment(environment)
    return _relay(config), caretaker_of(config.database_url, config.role_secret)


def _relay(config: RelayConfig) -> Relay:
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
