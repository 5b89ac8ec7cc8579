"""The composition of the console: the layers of the product's web process, with pages and endpoints of its own."""

from flask import Flask

from deploy.console.access import COOKIE_LABEL, ConsoleAuthorizer
from deploy.console.api import ConsoleApi
from deploy.console.changes import CHANGES
from deploy.console.config import ConsoleConfig
from deploy.console.extension import ConsoleContext, load_extensions
from deploy.console.live import LivePages
from deploy.console.pages import add_pages, error_page
from deploy.console.pages.layout import Layout
from deploy.console.polling import Snapshots
from deploy.console.requests import OperatorRequests
from deploy.console.sources import sources
from monolith.app import create_app
from monolith.application import Application
from monolith.modules.auth import module as auth
from monolith.modules.auth.cookie import Cookies
from monolith.operators import console_auth
from monolith.shared.database.module_databases import ModuleDatabases
from monolith.shared.endpoints.cookies import CookieNames
from monolith.shared.endpoints.openapi import ApiDescription
from monolith.shared.flags.change_listener import ChangeListener
from monolith.shared.flags.store import FlagStore
from monolith.shared.telemetry.metrics import Metrics

PLATFORM_ROLE = "platform_app"
REQUEST_SECONDS = 30.0
API = ApiDescription(
    "Extraction console",
    "Sign in with the e-mail address and password of an operator or viewer, and send the token as a bearer. Preview a "
    "change first; the preview's `expected` names the state that it was made from, and a change with another one is "
    "refused with 409. It is answered with 202 and a request, which runs in the background.",
    {
        "session": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token that `sign_in` returns. A change needs one of the last 15 minutes.",
        }
    },
)


def build_console(config: ConsoleConfig) -> Flask:
    """Build the application and start reading the system. Call it after a fork."""
    metrics = Metrics(application="console")
    databases = ModuleDatabases(config.monolith_database_url, config.monolith_role_secret, metrics.add_pool)
    accounts = console_auth(databases.of("auth", auth.ROLE, 4), config.public_url, config.monolith_role_secret)
    names = CookieNames.of(config.public_url, COOKIE_LABEL)
    audit = FlagStore(databases.of("platform", PLATFORM_ROLE, 4))
    authorizer = ConsoleAuthorizer(accounts.sessions, accounts.api, audit, config.trusted_proxies, cookies=names)
    snapshots = Snapshots(sources(config))
    live, layout = LivePages(snapshots), Layout(config, authorizer)
    context = ConsoleContext(
        config, authorizer, snapshots, live, OperatorRequests(audit), layout.require_viewer, layout.require_operator,
        layout.render,
    )  # fmt: skip
    extensions = load_extensions(context)
    layout.extend(extensions)
    changes = {**CHANGES, **{kind.kind: kind for each in extensions for kind in each.changes}}
    pages = add_pages(context, layout, changes, accounts.sessions, Cookies(names))
    app = create_app(
        Application(
            public_url=config.public_url,
            metrics_token=config.metrics_token,
            metrics=metrics,
            authorizer=authorizer,
            endpoints=ConsoleApi(context, accounts.sessions, changes).endpoints(),
            api=API,
            pages=[pages, *(each.blueprint for each in extensions)],
            error_page=error_page,
            request_seconds=REQUEST_SECONDS,
        )
    )
    snapshots.start()
    _announce_changes(config, snapshots)
    return app


def _announce_changes(config: ConsoleConfig, snapshots: Snapshots) -> None:
    """Show changes of flags, owners and cutovers within moments; polling finds everything else."""
    listener = ChangeListener(config.monolith_direct_url, role=PLATFORM_ROLE, secret=config.monolith_role_secret)
    listener.subscribe(lambda _: snapshots.announce())
    listener.start()
