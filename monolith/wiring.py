"""The composition root of the monolith: `wire` for the web process, `build_worker` for the worker.

A call of the web process to scheduling passes these, outermost first. This module adds limits and cache, and builds
the HTTP adapter. `monolith.cutover.wiring` adds the others, which are deleted when the extraction is final:

    RateLimitedScheduling  here, if configured        limits the bookings of customers
    AvailabilityCache      here, if configured        answers searches from memory
    CallStats              cutover.wiring             counts the calls that a rollback policy judges
    SwitchedScheduling     cutover.wiring             routes by ownership
    ShadowReads            cutover.wiring             repeats a share of the reads on the other adapter
    InProcessScheduling    cutover.wiring             or HttpScheduling, built here

The worker's calls pass only SwitchedScheduling and an adapter. With `SCHEDULING_ADAPTER=http`, the adapter is
HttpScheduling, and only the cache surrounds it.
"""

from collections.abc import Callable
from dataclasses import replace

from openfeature.provider import FeatureProvider
from prometheus_client import CollectorRegistry

from contracts.chassis.credentials import role_url, signing_secrets
from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.loops import Loop, Worker
from contracts.chassis.readiness import Check
from contracts.scheduling.port import SchedulingPort
from monolith.application import Application
from monolith.config import MonolithConfig, WorkerConfig, direct_url, engine_direct_url
from monolith.modules.auth import module as auth
from monolith.modules.auth.pending_sign_ups import PendingSignUps
from monolith.modules.billing import module as billing
from monolith.modules.calendars import module as calendars
from monolith.modules.notifications import module as notifications
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.metrics import ServiceCallMetrics
from monolith.modules.scheduling.adapters.tokens import TokenSigner
from monolith.modules.scheduling.availability_cache import AvailabilityCache
from monolith.modules.scheduling.guest_mail_limits import GuestMailLimits
from monolith.modules.scheduling.onboarding import business_opener, business_updater
from monolith.modules.scheduling.parts import PortDecorator, SchedulingParts, decorate
from monolith.modules.scheduling.problems import scheduling_problem
from monolith.modules.scheduling.public_api import scheduling_endpoints
from monolith.modules.scheduling.waitlist_confirmations import WaitlistConfirmations
from monolith.shared.database import ModuleDatabase
from monolith.shared.database.module_databases import ModuleDatabases
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.endpoints.authorizer import Authorizer
from monolith.shared.endpoints.business_cache import BusinessCache
from monolith.shared.endpoints.cookies import CookieNames
from monolith.shared.endpoints.stale_credentials import FallbackAuthenticator
from monolith.shared.events.metrics import ConsumerMetrics
from monolith.shared.flags.change_listener import ChangeListener
from monolith.shared.flags.store import FlagStore
from monolith.shared.middleware.denials import audited_denials
from monolith.shared.migrations import MIGRATIONS as PLATFORM_MIGRATIONS
from monolith.shared.rate_limits.shared_buckets import buckets_in
from monolith.shared.telemetry.metrics import Metrics
from monolith.shared.telemetry.readiness import schema_check
from monolith.web.blueprints import PageServices, create_blueprints
from monolith.web.booking_limits import booking_limits
from monolith.web.pages import error_page
from monolith.web.request_classes import classify
from monolith.worker_loops import backlogs, mail_loops, named_follower, outbound_loops, retention_loop, wake_all

PLATFORM_ROLE = "platform_app"
WORKER_CALLS_AT_ONCE = 2


def wire(config: MonolithConfig, flags: FeatureProvider | None = None) -> Application:
    """Build everything that the web process serves. Starts threads: call it after a fork.

    `flags` replaces this product's own flags, for a team that already has a flag system.
    """
    metrics = Metrics(config.metrics_folder, _sessions(config))
    metrics.serving(config.threads)
    databases = ModuleDatabases(config.database_url, config.role_secret, metrics.add_pool)
    small_pool = max(2, config.threads // 2)
    platform = databases.of("platform", PLATFORM_ROLE, 2)
    auth_db = databases.of("auth", auth.ROLE, config.threads)
    billing_db = databases.of("billing", billing.APP_ROLE, small_pool)
    notifications_db = databases.of("notifications", notifications.APP_ROLE, small_pool)
    calendars_db = databases.of("calendars", calendars.APP_ROLE, 2)
    listener = ChangeListener(direct_url(config), role=PLATFORM_ROLE, secret=config.role_secret)
    scheduling = _web_scheduling(config, databases, platform, listener, metrics, flags)
    port = decorate(scheduling.port, [*_outermost(config, metrics), *scheduling.decorators])
    auth_parts = _auth(config, auth_db, port)
    port = GuestMailLimits(WaitlistConfirmations(port, auth_parts.api), auth_parts.api)
    billing_parts = billing.build_billing(billing_db)
    buckets = buckets_in(config.rate_limit_redis_url)
    notification_parts = notifications.build_notifications(notifications_db, buckets)
    calendar_parts = calendars.build_calendars(calendars_db, port, auth_parts.api, config.public_url, buckets)
    authorizer = _authorizer(auth_parts, listener, config)
    services = PageServices(auth_parts, billing_parts, notification_parts, calendar_parts)
    listener.start()
    return Application(
        public_url=config.public_url,
        metrics_token=config.metrics_token,
        metrics=metrics,
        authorizer=authorizer,
        endpoints=_endpoints(port, services),
        checks=[*_checks(platform, auth_db, billing_db, notifications_db, calendars_db), *scheduling.checks],
        pages=create_blueprints(authorizer, port, services),
        error_page=error_page,
        classify=classify,
        error_converters=[scheduling_problem],
        on_problem=audited_denials(FlagStore(platform)).record,
    )


def build_worker(config: WorkerConfig, registry: CollectorRegistry, flags: FeatureProvider | None = None) -> Worker:
    """Build everything that the worker does: consumers, mail, unfinished sign-ups, and what scheduling adds.

    Its metrics are added to `registry`. `flags` as in `wire`.
    """
    databases = ModuleDatabases(config.database_url, config.role_secret)
    scheduling = _worker_scheduling(config, databases, databases.of("platform", PLATFORM_ROLE, 2), registry, flags)
    auth_db = databases.of("auth", auth.ROLE, 3)
    auth_parts = _auth(config, auth_db, scheduling.port)
    billing_parts = billing.build_billing(databases.of("billing", billing.APP_ROLE, 2))
    notification_parts = notifications.build_notifications(databases.of("notifications", notifications.APP_ROLE, 2))
    sending = databases.of("notifications", notifications.SENDER_ROLE, 3)
    calendars_db = databases.of("calendars", calendars.WORKER_ROLE, 2)
    mail = mail_loops(config, auth_parts, scheduling.port, auth_db, sending, registry)
    imports, webhooks = outbound_loops(config, calendars_db, sending, scheduling.port, registry)
    consumer_metrics = ConsumerMetrics(registry)
    wake_senders = wake_all(mail[0], *webhooks)
    followers = [
        *(named_follower(each, config, consumer_metrics) for each in billing_parts.consumers),
        *(named_follower(each, config, consumer_metrics, wake_senders) for each in notification_parts.consumers),
    ]
    consumers = [*billing_parts.consumers, *notification_parts.consumers]
    registry.register(backlogs(config, consumers, sending))
    sign_ups = PendingSignUps(auth_parts.api, business_opener(scheduling.port))
    return Worker(
        loops=[
            *scheduling.loops,
            *scheduling.loops_with_auth(auth_parts.api),
            *(Loop(f"follower {name}", follower.step, idle_seconds=0.0) for name, follower in followers),
            *mail,
            *imports,
            *webhooks,
            Loop("unfinished sign-ups", sign_ups.step, idle_seconds=5.0),
            retention_loop(config, consumers, sending, auth_db),
        ],
        closing=[*(follower.close for _, follower in followers), *scheduling.closing],
    )


def _auth(config: MonolithConfig | WorkerConfig, database: ModuleDatabase, port: SchedulingPort) -> auth.Auth:
    return auth.build_auth(
        database,
        open_scheduling=business_opener(port),
        update_scheduling=business_updater(port),
        public_url=config.public_url,
        cookie_secrets=signing_secrets(config.role_secret, auth.ROLE),
    )


def _endpoints(port: SchedulingPort, services: PageServices) -> list[AnyEndpoint]:
    auth_parts, billing_parts, notification_parts = services.auth, services.billing, services.notifications
    return [
        *auth_parts.endpoints,
        *billing_parts.endpoints,
        *notification_parts.endpoints,
        *services.calendars.endpoints,
        *scheduling_endpoints(port, auth_parts.api, billing_parts.api, notification_parts.api),
    ]


def _authorizer(auth_parts: auth.Auth, listener: ChangeListener, config: MonolithConfig) -> Authorizer:
    authenticator = FallbackAuthenticator(auth_parts.sessions)
    auth_parts.sessions.on_ended(authenticator.forget)
    businesses = BusinessCache(auth_parts.api.business_by_slug, is_notified=listener.is_current)
    listener.subscribe(businesses.invalidate)
    cookies = CookieNames.of(config.public_url)
    return Authorizer(authenticator, businesses, config.trusted_proxies, cookies=cookies)


def _web_scheduling(
    config: MonolithConfig,
    databases: ModuleDatabases,
    platform: ModuleDatabase,
    listener: ChangeListener,
    metrics: Metrics,
    flags: FeatureProvider | None,
) -> SchedulingParts:
    http, service_calls = _http_adapters(config), ServiceCallMetrics(metrics.registry)
    if config.scheduling_adapter == "http":
        return SchedulingParts(port=http(config.scheduling_calls_at_once, service_calls))
    # Imported here, because the package is deleted when the extraction is final.
    from monolith.cutover.wiring import MonolithInputs, switched_web

    inputs = MonolithInputs(
        databases=databases,
        platform=platform,
        http=http,
        service_calls=service_calls,
        listener=listener,
        engine_url=config.in_process_database_url,
        engine_direct_url=engine_direct_url(config),
        replica_url=config.search_replica_url,
        flags=flags,
    )
    return switched_web(inputs, threads=config.threads, calls_at_once=config.scheduling_calls_at_once, metrics=metrics)


def _worker_scheduling(
    config: WorkerConfig,
    databases: ModuleDatabases,
    platform: ModuleDatabase,
    registry: CollectorRegistry,
    flags: FeatureProvider | None,
) -> SchedulingParts:
    http, service_calls = _http_adapters(config), ServiceCallMetrics(registry)
    if config.scheduling_adapter == "http":
        return SchedulingParts(port=http(WORKER_CALLS_AT_ONCE, service_calls))
    from monolith.cutover.wiring import MonolithInputs, switched_worker

    listener = ChangeListener(direct_url(config), role=PLATFORM_ROLE, secret=config.role_secret)
    inputs = MonolithInputs(
        databases=databases,
        platform=platform,
        http=http,
        service_calls=service_calls,
        listener=listener,
        engine_url=config.in_process_database_url,
        engine_direct_url=engine_direct_url(config),
        flags=flags,
    )
    parts = switched_worker(
        inputs,
        calls_at_once=WORKER_CALLS_AT_ONCE,
        redis_url=config.redis_url,
        event_secrets=config.event_secrets,
        retention=config.retention,
        registry=registry,
    )
    listener.start()
    return replace(parts, closing=[*parts.closing, listener.close])


def _http_adapters(config: MonolithConfig | WorkerConfig) -> Callable[..., HttpScheduling]:
    """Return a function that builds an adapter for a number of calls at once; without metrics, for shadow reads.

    It calls the service of the settings, unless another one is named.
    """
    signer = TokenSigner(config.signing_key.key_id, config.signing_key.private_key)

    def build(calls_at_once: int, metrics: ServiceCallMetrics | None, service_url: str | None = None) -> HttpScheduling:
        url = service_url or config.scheduling_service_url
        return HttpScheduling(url, signer, max_concurrent=calls_at_once, metrics=metrics, shadow=metrics is None)

    return build


def _outermost(config: MonolithConfig, metrics: Metrics) -> list[PortDecorator]:
    """Return the outermost decorators. A reply from the cache is no call: it is neither counted nor repeated."""
    limits = booking_limits(
        config.rate_limit_redis_url,
        config.trusted_proxies,
        config.public_url,
        signing_secrets(config.role_secret, auth.ROLE),
    )
    seconds = config.availability_cache_seconds
    if not seconds:
        return limits
    return [*limits, lambda port: AvailabilityCache(port, seconds=seconds, on_search=metrics.search_answered)]


def _sessions(config: MonolithConfig) -> DatabaseSessions:
    roles = {"auth": auth.ROLE, "billing": billing.APP_ROLE, "notifications": notifications.APP_ROLE}
    roles |= {"calendars": calendars.APP_ROLE, "platform": PLATFORM_ROLE}
    if config.scheduling_adapter != "http":
        from monolith.cutover.wiring import CUTOVER_ROLE, SCHEDULING_ROLE

        roles |= {"scheduling": SCHEDULING_ROLE, "cutover": CUTOVER_ROLE}
    urls = dict.fromkeys(roles, direct_url(config)) | {"scheduling": engine_direct_url(config)}
    logins = {module: role_url(urls[module], role, config.role_secret) for module, role in roles.items()}
    return DatabaseSessions("monolith", logins)


def _checks(
    platform: ModuleDatabase,
    auth_db: ModuleDatabase,
    billing_db: ModuleDatabase,
    notifications_db: ModuleDatabase,
    calendars_db: ModuleDatabase,
) -> list[Check]:
    return [
        schema_check(platform, "platform", PLATFORM_MIGRATIONS),
        schema_check(auth_db, auth.SCHEMA, auth.MIGRATIONS),
        schema_check(billing_db, billing.SCHEMA, billing.MIGRATIONS),
        schema_check(notifications_db, notifications.SCHEMA, notifications.MIGRATIONS),
        schema_check(calendars_db, calendars.SCHEMA, calendars.MIGRATIONS),
    ]
