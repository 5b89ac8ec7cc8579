"""The one place where the monolith is put together: `wire` for the web process, `build_worker` for the worker."""

from dataclasses import dataclass

from openfeature import api as openfeature
from openfeature.provider import FeatureProvider

from contracts.chassis.credentials import role_url
from contracts.chassis.database_sessions import Sessions
from contracts.chassis.loops import Loop, Worker
from contracts.scheduling.port import OneCallPort
from contracts.scheduling.values import Side
from monolith.application import Application
from monolith.config import MonolithConfig, SigningKey, WorkerConfig
from monolith.cutover.call_stats import GuardedCalls
from monolith.cutover.routing import OwnershipRoutes
from monolith.cutover.shadow.comparing import Comparing
from monolith.cutover.shadow.reads import THREADS as SHADOW_THREADS
from monolith.cutover.shadow.reads import ShadowReads
from monolith.cutover.shadow.share import Share
from monolith.cutover.shadow.store import ShadowStore
from monolith.modules.auth import module as auth
from monolith.modules.auth.unfinished import UnfinishedSignUps
from monolith.modules.billing import module as billing
from monolith.modules.notifications import module as notifications
from monolith.modules.scheduling import routes
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.in_process import (
    IN_PROCESS_ROLE,
    in_process_caretaker,
    in_process_relay,
    in_process_scheduling,
)
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.modules.scheduling.adapters.tokens import TokenSigner
from monolith.modules.scheduling.opening import opener
from monolith.modules.scheduling.remembering import RememberedAvailability
from monolith.shared.database import Database, new_id
from monolith.shared.endpoints.gate import Gate, KnownBusinesses
from monolith.shared.endpoints.last_known import LastKnown
from monolith.shared.events import Consumer
from monolith.shared.events.follower import Follower
from monolith.shared.events.group import EventGroup
from monolith.shared.flags.provider import DatabaseFlags
from monolith.shared.flags.scheduling_flag import SchedulingFlag
from monolith.shared.flags.shadow_flag import ShadowFlag
from monolith.shared.flags.store import FlagStore
from monolith.shared.flags.watch import Watch
from monolith.shared.migrations import MIGRATIONS as PLATFORM_MIGRATIONS
from monolith.shared.telemetry.metrics import Metrics
from monolith.shared.telemetry.readiness import Check, schema_check
from monolith.web.pages import create_pages, error_page
from monolith.web.visiting import Visits

PLATFORM_ROLE = "platform_app"


@dataclass(frozen=True)
class _Databases:
    """One pool for each module, under the module's own role."""

    url: str
    secret: str
    metrics: Metrics | None = None

    def of(self, module: str, role: str, pool_size: int) -> Database:
        waited = self.metrics.pool_wait(module) if self.metrics else None
        return Database(self.url, role=role, secret=self.secret, pool_size=pool_size, waited=waited)


@dataclass(frozen=True)
class _Scheduling:
    port: OneCallPort
    watch: Watch


def wire(config: MonolithConfig, flags: FeatureProvider | None = None) -> Application:
    """Everything the web process serves. Starts the watch's thread: call it after a fork.

    `flags` takes the place of this product's own flags, for a team that has a flag system already.
    """
    metrics = Metrics(config.metrics_folder, _sessions(config))
    metrics.serves(config.threads)
    databases = _Databases(config.database_url, config.role_secret, metrics)
    few = max(2, config.threads // 2)
    platform = databases.of("platform", PLATFORM_ROLE, 2)
    accounts = databases.of("auth", auth.ROLE, config.threads)
    money = databases.of("billing", billing.APP_ROLE, few)
    mails = databases.of("notifications", notifications.APP_ROLE, few)

    scheduling = _scheduling(
        databases, platform, config.scheduling_service_url, config.signing_key, config.threads, flags
    )
    port = _remembering(scheduling.port, config.availability_cache_seconds, metrics)
    auth_parts = auth.build_auth(accounts, open_scheduling=opener(port), public_url=config.public_url)
    billing_parts = billing.build_billing(money)
    last_known = LastKnown(auth_parts.sessions)
    auth_parts.sessions.when_ended(last_known.forget)
    gate = Gate(last_known, KnownBusinesses(auth_parts.api.business_by_slug), config.trusted_proxies)
    return Application(
        public_url=config.public_url,
        metrics_token=config.metrics_token,
        metrics=metrics,
        gate=gate,
        endpoints=[
            *auth_parts.endpoints,
            *billing_parts.endpoints,
            *notifications.build_notifications(mails).endpoints,
            *routes.endpoints(port),
        ],
        checks=_checks(platform, accounts, money, mails),
        pages=[create_pages(Visits(gate, port), auth_parts, billing_parts.api)],
        error_page=error_page,
    )


def build_worker(config: WorkerConfig, flags: FeatureProvider | None = None) -> Worker:
    """Everything the worker does: relay, caretaker, consumers, mail, unfinished sign-ups. `flags` as in `wire`."""
    databases = _Databases(config.database_url, config.role_secret)
    platform = databases.of("platform", PLATFORM_ROLE, 2)
    scheduling = _scheduling(databases, platform, config.scheduling_service_url, config.signing_key, 2, flags)
    open_scheduling = opener(scheduling.port)
    auth_parts = auth.build_auth(
        databases.of("auth", auth.ROLE, 2), open_scheduling=open_scheduling, public_url=config.public_url
    )
    billing_parts = billing.build_billing(databases.of("billing", billing.APP_ROLE, 2))
    notification_parts = notifications.build_notifications(databases.of("notifications", notifications.APP_ROLE, 2))
    relay = in_process_relay(config.database_url, config.role_secret, config.redis_url)
    caretaker = in_process_caretaker(config.database_url, config.role_secret)
    followers = [
        _follower(consumer, config.redis_url) for consumer in (*billing_parts.consumers, *notification_parts.consumers)
    ]
    sending = databases.of("notifications", notifications.SENDER_ROLE, 2)
    mail = notifications.mail_loops(sending, auth_parts.api, smtp_url=config.smtp_url, public_url=config.public_url)
    sign_ups = UnfinishedSignUps(auth_parts.api, open_scheduling)
    return Worker(
        loops=[
            Loop("relay", relay.step, idle_seconds=0.05),
            Loop("caretaker", caretaker.step, idle_seconds=0.5),
            *(Loop(f"follower {name}", follower.step, idle_seconds=0.05) for name, follower in followers),
            *mail,
            Loop("unfinished sign-ups", sign_ups.step, idle_seconds=5.0),
        ],
        closing=[relay.close, caretaker.close, *(follower.close for _, follower in followers), scheduling.watch.close],
    )


def _remembering(port: OneCallPort, seconds: int, metrics: Metrics) -> OneCallPort:
    """What is answered from memory is no call: neither guard nor shadow sees it."""
    if not seconds:
        return port
    return RememberedAvailability(port, seconds=seconds, answered=metrics.search_answered)


def _sessions(config: MonolithConfig) -> Sessions:
    roles = {"auth": auth.ROLE, "billing": billing.APP_ROLE, "notifications": notifications.APP_ROLE}
    roles |= {"platform": PLATFORM_ROLE, "scheduling": IN_PROCESS_ROLE}
    urls = {module: role_url(config.database_url, role, config.role_secret) for module, role in roles.items()}
    return Sessions("monolith", urls)


def _checks(platform: Database, accounts: Database, money: Database, mails: Database) -> list[Check]:
    return [
        schema_check(platform, "platform", PLATFORM_MIGRATIONS),
        schema_check(accounts, auth.SCHEMA, auth.MIGRATIONS),
        schema_check(money, billing.SCHEMA, billing.MIGRATIONS),
        schema_check(mails, notifications.SCHEMA, notifications.MIGRATIONS),
    ]


def _scheduling(
    databases: _Databases,
    platform: Database,
    service_url: str,
    signing_key: SigningKey,
    threads: int,
    flags: FeatureProvider | None,
) -> _Scheduling:
    domain = f"monolith-{new_id()}"
    own_flags = DatabaseFlags(FlagStore(platform))
    openfeature.set_provider(flags or own_flags, domain)
    ownership = OwnershipRoutes(platform, SchedulingFlag(openfeature.get_client(domain)))
    watch = Watch(databases.url, role=PLATFORM_ROLE, secret=databases.secret)
    watch.subscribe(own_flags.refresh)
    watch.subscribe(ownership.forget)
    signer = TokenSigner(signing_key.key_id, signing_key.private_key)

    def sides(calls_at_once: int) -> dict[Side, OneCallPort]:
        return {
            "in_process": in_process_scheduling(databases.url, databases.secret, pool_size=calls_at_once),
            "http": HttpScheduling(service_url, signer, max_concurrent=calls_at_once),
        }

    ports = sides(threads)
    if databases.metrics is not None:
        flag = ShadowFlag(openfeature.get_client(domain))
        # Over ports of its own: what hangs there takes no place from users, and opens no breaker for them.
        shadow = _shadow_reads(databases, databases.metrics, flag, sides(SHADOW_THREADS))
        ports = {side: shadow.around(side, port) for side, port in ports.items()}
    port: OneCallPort = SwitchedScheduling(ports, ownership)
    if databases.metrics is not None:
        guarded = GuardedCalls(platform)
        watch.subscribe(guarded.refresh)
        port = guarded.around(port)
    watch.start()
    return _Scheduling(port, watch)


def _shadow_reads(
    databases: _Databases, metrics: Metrics, flag: ShadowFlag, ports: dict[Side, OneCallPort]
) -> ShadowReads:
    store = ShadowStore(databases.of("platform", PLATFORM_ROLE, 1))
    return ShadowReads(Share(flag.percent_for).chooses, Comparing(ports), store, metrics)


def _follower(consumer: Consumer, redis_url: str) -> tuple[str, Follower]:
    return consumer.name, Follower(consumer, EventGroup(redis_url, consumer.name))
