"""One booking is one trace: browser, monolith, service, SQL, outbox, consumers and mail, exported by five processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.devstack.keys import load_keys
from deploy.devstack.program import Program
from tests.databases import Databases
from tests.e2e.otlp_receiver import OtlpReceiver, ReceivedSpan, otlp_receiver
from tests.e2e.shop import Customer, Shop, answered, furnished_shop
from tests.faults.service import SchedulingWeb
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.integration.notifications.conftest import Mailbox, mailbox
from tests.polling import eventually
from tests.servers import ROOT

__all__ = ["mailbox"]

TRACE, BROWSER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@contextmanager
def traced_product(databases: Databases, mailbox: Mailbox, folder: Path, url: str) -> Iterator[GunicornSite]:
    """Both deployables with their background processes; every business is the service's."""
    keys = load_keys(folder / "keys.json")
    tracing = {"TRACES_URL": url, "TRACES_PERCENT": "100", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    events = {"REDIS_URL": databases.redis_url, "DATABASE_ROLE_SECRET": databases.role_secret, **tracing}
    with ExitStack() as stack:
        service = stack.enter_context(SchedulingWeb(databases, keys, folder, **tracing))
        stack.callback(service.kill_all)
        monolith = {
            "SCHEDULING_SERVICE_URL": service.url,
            "SCHEDULING_ADAPTER": "http",
            "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
        }
        site = stack.enter_context(gunicorn_site(databases, folder, WEB_WORKERS="1", **monolith, **tracing))
        relay = {"SCHEDULING_DATABASE_URL": databases.scheduling_url}
        worker = {"MONOLITH_DATABASE_URL": databases.monolith_url, "SMTP_URL": mailbox.url, "PUBLIC_URL": site.url}
        for module, settings in (("scheduling_service.relay", relay), ("monolith.worker", monolith | worker)):
            program = Program(
                module, ["-m", module], {**os.environ, **events, **settings}, log=folder / f"{module}.log"
            )
            stack.enter_context(program)
        yield site


def test_a_booking_is_one_trace_across_both_deployables(databases: Databases, mailbox: Mailbox, tmp_path: Path) -> None:
    with otlp_receiver() as receiver, traced_product(databases, mailbox, tmp_path, receiver.url) as site:
        shop = furnished_shop(site.url, "traced-salon", "http")
        customer = Customer(site, shop)
        confirm_email(customer, mailbox)
        starts_at = answered(customer.slots())["slots"][0]["starts_at"]
        customer.client.session.headers["traceparent"] = f"00-{TRACE}-{BROWSER}-00"
        answered(customer.book(starts_at))
        spans = eventually(lambda: complete(receiver), "the spans of all processes", 20)
    by_id = {span.span: span for span in spans}

    def one(process: str, name: str) -> ReceivedSpan:
        (found,) = [span for span in spans if (span.process, span.name) == (process, name)]
        return found

    request = one("monolith-web", "POST")
    assert request.parent == BROWSER
    call = one("monolith-web", "call book")
    assert call.parent == request.span
    served = one("scheduling-web", "book")
    assert served.parent == call.span
    insert = next(span for span in spans if "INSERT INTO scheduling.outbox" in span.attributes.get("db.query.text", ""))
    assert (insert.process, insert.parent) == ("scheduling-web", served.span)
    assert by_id[one("scheduling-relay", "publish event").parent] == served
    for consumer in ("billing", "notifications"):
        assert by_id[one("monolith-worker", f"apply to {consumer}").parent] == served
    assert by_id[one("monolith-worker", "send mail").parent] == served
    assert any(span.process == "monolith-web" and "db.query.text" in span.attributes for span in spans)
    require_no_parameters(spans, customer, shop)


def confirm_email(customer: Customer, mailbox: Mailbox) -> None:
    """Open the link of the mail that asks for it; without it, no mail about an appointment is sent."""
    (mail,) = eventually(
        lambda: [mail for mail in mailbox.mails if customer.email in str(mail["To"])], "the mail with the link"
    )
    body = mail.get_body(("plain",))
    assert body is not None
    token = body.get_content().partition("confirm-email?token=")[2].split()[0]
    answered(customer.client.post("/confirm-email", {"token": token}))


def complete(receiver: OtlpReceiver) -> list[ReceivedSpan]:
    """Return the trace once it contains the last of its spans."""
    spans = receiver.of_trace(TRACE)
    needed = {"POST", "book", "publish event", "apply to billing", "apply to notifications", "send mail"}
    return spans if needed <= {span.name for span in spans} else []


def require_no_parameters(spans: list[ReceivedSpan], customer: Customer, shop: Shop) -> None:
    exported = repr(spans)
    assert [secret for secret in (customer.email, shop.business_id, shop.offering_id) if secret in exported] == []


def test_tracing_that_is_off_imports_no_recorder() -> None:
    """The Redis client imports parts of OpenTelemetry itself if they are installed."""
    code = "import sys, monolith.wiring, scheduling_service.web.app; print(*sys.modules, sep='\\n')"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = printed.stdout.split()
    assert "contracts.chassis.tracing" in loaded
    recorders = ("contracts.chassis.opentelemetry", "opentelemetry.exporter", "opentelemetry.sdk.trace")
    assert [name for name in loaded if name.startswith(recorders)] == []
