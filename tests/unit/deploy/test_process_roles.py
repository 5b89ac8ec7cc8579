"""A process needs exactly the passwords of the roles that the settings reference lists for it."""

from collections.abc import Callable, Mapping

import pytest
from prometheus_client import CollectorRegistry

from contracts.chassis.credentials import MissingPassword
from deploy.settings.inspection import VALID
from deploy.settings.processes import PROCESSES
from monolith import wiring
from monolith.config import MonolithConfig, WorkerConfig
from monolith.shared.flags.change_listener import ChangeListener
from scheduling_service.config import RelayConfig
from scheduling_service.maintenance.wiring import build_maintenance_worker
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.wiring import build_relay

NOWHERE = "postgresql://127.0.0.1:1/none"


def monolith_web(environment: Mapping[str, str]) -> None:
    wiring.wire(MonolithConfig.from_environment(environment))


def monolith_worker(environment: Mapping[str, str]) -> None:
    worker = wiring.build_worker(WorkerConfig.from_environment(environment), CollectorRegistry())
    for close in worker.closing:
        close()


def scheduling_relay(environment: Mapping[str, str]) -> None:
    config = RelayConfig.from_environment(environment)
    metrics = RelayMetrics(CollectorRegistry(), "scheduling")
    build_relay("scheduling", config.database_url, config.role_secret, config.redis_url, metrics)
    keys = config.retention.idempotency_keys
    build_maintenance_worker(config.database_url, config.database_url, config.role_secret, keys)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("monolith web", monolith_web),
        ("monolith worker", monolith_worker),
        ("scheduling relay", scheduling_relay),
    ],
)
def test_a_process_needs_the_passwords_of_its_roles(
    name: str, start: Callable[[Mapping[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChangeListener, "start", lambda self: None)
    (process,) = (each for each in PROCESSES if each.name == name)
    (roles,) = process.roles.values()
    settings = {**VALID, "MONOLITH_DATABASE_URL": NOWHERE, "SCHEDULING_DATABASE_URL": NOWHERE}
    del settings["IN_PROCESS_DATABASE_URL"]

    def with_passwords_of(known: tuple[str, ...]) -> dict[str, str]:
        return settings | {"DATABASE_ROLE_SECRET": " ".join(f"{role}=password-0123456789" for role in known)}

    start(with_passwords_of(roles))
    for role in roles:
        with pytest.raises(MissingPassword, match=f"the role {role}$"):
            start(with_passwords_of(tuple(each for each in roles if each != role)))
