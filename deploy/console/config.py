"""Settings of the console, read from the environment and checked once at the start."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from contracts.chassis.settings import (
    Environment,
    Network,
    database_url,
    direct_database_url,
    networks,
    redis_url,
    role_secret,
    secret,
    url,
)
from contracts.scheduling.event_signatures import EventSecrets

DEFAULT_LABEL = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleConfig:
    """Settings of the console's process. It is the only web process that connects to both databases."""

    public_url: str
    """The address of the console for browsers, and the only Host that it accepts."""
    label: str
    """The name of the deployment. Every page shows it, so that production is not mistaken for a demo."""
    monolith_database_url: str
    monolith_role_secret: str = field(repr=False)
    monolith_direct_url: str
    """The monolith's database past a connection pooler."""
    scheduling_direct_url: str
    """The service's database past a connection pooler; the console uses no other connections to it."""
    scheduling_role_secret: str = field(repr=False)
    product_url: str
    """The product's address for browsers."""
    monolith_url: str
    """The monolith's web process as the console reaches it, for its readiness and metrics."""
    service_url: str
    metrics_token: str = field(repr=False)
    """The bearer token of the console's own metrics and of the monolith's."""
    scheduling_metrics_token: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    event_secrets: EventSecrets | None
    """Sign the dead letters that operators replay; None if events are not signed."""
    mail_folder: Path | None
    """The folder of the mail sink; None outside a demo."""
    trusted_proxies: tuple[Network, ...] = ()

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises ConfigError."""
        mails = environment.get("CONSOLE_MAIL_DIR", "").strip()
        product = url(environment, "PUBLIC_URL", "http://host:port")
        token = secret(environment, "METRICS_TOKEN")
        return cls(
            public_url=url(environment, "CONSOLE_URL", "http://host:port"),
            label=environment.get("CONSOLE_LABEL", "").strip() or DEFAULT_LABEL,
            monolith_database_url=database_url(environment, "MONOLITH_DATABASE_URL"),
            monolith_role_secret=role_secret(environment, "MONOLITH_DATABASE_ROLE_SECRET"),
            monolith_direct_url=direct_database_url(environment, "MONOLITH_DATABASE_URL"),
            scheduling_direct_url=direct_database_url(environment, "SCHEDULING_DATABASE_URL"),
            scheduling_role_secret=role_secret(environment, "SCHEDULING_DATABASE_ROLE_SECRET"),
            product_url=product,
            monolith_url=url(environment, "MONOLITH_WEB_URL", "http://host:port")
            if environment.get("MONOLITH_WEB_URL")
            else product,
            service_url=url(environment, "SCHEDULING_SERVICE_URL", "http://host:port"),
            metrics_token=token,
            scheduling_metrics_token=environment.get("SCHEDULING_METRICS_TOKEN", "").strip() or token,
            redis_url=redis_url(environment, "REDIS_URL") if environment.get("REDIS_URL") else None,
            event_secrets=EventSecrets.from_environment(environment),
            mail_folder=Path(mails) if mails else None,
            trusted_proxies=networks(environment, "TRUSTED_PROXIES"),
        )
