"""The metrics page of a process that serves no other requests."""

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from contracts.chassis.settings import ConfigError, Environment, number


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """The address on which a process serves its metrics. `setting` is the name of the setting with the port."""

    setting: str
    port: int
    host: str = "127.0.0.1"

    @classmethod
    def from_environment(cls, environment: Environment, *, port: str, host: str) -> Self | None:
        """Read the two settings; None without a port, for a process that serves no metrics. Raises ConfigError."""
        number_of_port = number(environment, port, 0, at_least=0, at_most=65535)
        address = environment.get(host, "").strip() or "127.0.0.1"
        return cls(port, number_of_port, address) if number_of_port else None


def process_registry() -> CollectorRegistry:
    """Return a registry with the processor time, memory and open files of this process (`process_*`; Linux only)."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def serve_metrics(registry: CollectorRegistry, address: MetricsAddress | None) -> None:
    """Serve the registry's metrics from a background thread until the process ends.

    Does nothing without an address. Raises ConfigError if the address cannot be used.
    """
    if address is None:
        return
    try:
        start_http_server(address.port, addr=address.host, registry=registry)
    except OSError as error:
        raise ConfigError(
            f"{address.setting} {address.port} on {address.host} cannot be used ({error.strerror}): "
            "choose another port or address, or unset it"
        ) from error
