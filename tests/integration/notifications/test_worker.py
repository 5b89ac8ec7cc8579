"""The worker process: from the outbox to the mail server, and shutdown."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from deploy.devstack.keys import load_keys
from deploy.devstack.ports import free_port
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.integration.events.relays_and_followers import relay_once, until
from tests.integration.events.sample_events import Story, http_outbox, in_process_outbox
from tests.integration.notifications.conftest import Mailbox
from tests.servers import ROOT
from tests.site import auth_site


@contextlib.contextmanager
def worker(databases: Databases, folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run the worker, with its log in `folder`."""
    environment = {
        **os.environ,
        "MONOLITH_DATABASE_URL": databases.monolith_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "REDIS_URL": databases.redis_url,
        "SCHEDULING_SERVICE_URL": "http://127.0.0.1:1",
        "SERVICE_TOKEN_SIGNING_KEY": load_keys(folder / "keys.json").signing_key,
        "SMTP_URL": "smtp://127.0.0.1:1",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        **settings,
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "monolith.worker"], cwd=ROOT, env=environment, stderr=log, text=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def customer_of(databases: Databases, *, confirmed: bool = True) -> Story:
    """Return a story of a new user; if confirmed, no mail about the account is due."""
    with auth_site(databases) as site:
        owner = site.client()
        assert owner.sign_up("salon").status_code == 201
        assert site.client().join("salon", "cleo@example.org").status_code == 201
        ((user_id,),) = site.sql("SELECT user_id FROM auth.account WHERE unconfirmed_email = 'cleo@example.org'")
        site.confirm("owner@salon.example")
        if confirmed:
            site.confirm("cleo@example.org")
            site.sql("DELETE FROM auth.mail")
    return Story(customer_id=user_id)


SERVED_AFTER_TWO_EVENTS = {
    'outbox_relay_active{database="monolith"}': 1,
    'outbox_published_total{database="monolith"}': 1,
    'event_consumer_delay_seconds_count{consumer="notifications"}': 2,
    'event_consumer_delay_seconds_count{consumer="billing"}': 2,
    'event_consumer_pending{consumer="notifications"}': 0,
    'event_consumer_lag_seconds{consumer="notifications"}': 0,
    'event_consumer_dead_letters{consumer="notifications"}': 0,
    "mail_pending": 0,
    "mail_overdue_seconds": 0,
    "mail_failed_total": 0,
    "webhook_pending": 0,
    "webhook_overdue_seconds": 0,
    "webhook_enabled": 0,
    "webhook_failing": 0,
    "webhook_dead_total": 0,
    'metrics_source_up{source="events"}': 1,
    "scheduling_client_slots": 2,
}


def scraped(port: int) -> dict[str, float]:
    """Return the samples of the worker's metrics page; none before it listens."""
    try:
        page = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except requests.ConnectionError:
        return defaultdict(float)
    samples = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return defaultdict(float, {name: float(value) for name, _, value in samples})


def wait() -> None:
    time.sleep(0.02)


def test_events_of_both_outboxes_reach_the_customer(databases: Databases, mailbox: Mailbox, tmp_path: Path) -> None:
    story = customer_of(databases)
    ours, theirs = in_process_outbox(databases), http_outbox(databases)
    port = free_port()
    with worker(databases, tmp_path, SMTP_URL=mailbox.url, WORKER_METRICS_PORT=str(port)) as process:
        ours.write(story.booked())
        until(lambda: len(mailbox.mails) == 1, wait)
        theirs.write(story.rescheduled())
        relay_once(databases, "scheduling")
        until(lambda: len(mailbox.mails) == 2, wait)
        until(lambda: scraped(port)["mail_sent_total"] == 2, wait)
        metrics = scraped(port)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
    assert metrics | SERVED_AFTER_TWO_EVENTS == metrics
    assert [subject[:6] for subject in mailbox.subjects()] == ["Booked", "Moved:"]
    assert {address.addr_spec for mail in mailbox.mails for address in mail["To"].addresses} == {"cleo@example.org"}
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert lines[-1]["event"] == "worker stopped"
    assert not [line for line in lines if line["level"] not in ("info", "warning")]


def test_mails_about_appointments_wait_until_the_address_is_confirmed(
    databases: Databases, mailbox: Mailbox, tmp_path: Path
) -> None:
    story = customer_of(databases, confirmed=False)
    with worker(databases, tmp_path, SMTP_URL=mailbox.url), auth_site(databases) as site:
        in_process_outbox(databases).write(story.booked())
        until(lambda: site.sql("SELECT state, attempts FROM notifications.message") == [("held", 0)], wait)
        until(lambda: mailbox.subjects() == ["Confirm your e-mail address"], wait)
        site.confirm("cleo@example.org")
        until(lambda: len(mailbox.mails) == 2, wait)
    assert mailbox.subjects()[1].startswith("Booked")


def test_worker_starts_without_redis_and_consumes_once_it_is_available(
    databases: Databases, mailbox: Mailbox, tmp_path: Path
) -> None:
    story = customer_of(databases)
    url = urlsplit(databases.redis_url)
    assert url.hostname is not None
    assert url.port is not None
    with TcpProxy(url.hostname, url.port) as proxy:
        proxied = url._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
        port = free_port()
        settings = {"SMTP_URL": mailbox.url, "REDIS_URL": proxied, "WORKER_METRICS_PORT": str(port)}
        with proxy.half_open(), worker(databases, tmp_path, **settings) as process:
            in_process_outbox(databases).write(story.booked())
            until(lambda: "relay paused" in (tmp_path / "log").read_text(), wait)
            metrics = scraped(port)
            assert metrics['metrics_source_up{source="events"}'] == 0
            assert metrics['metrics_source_up{source="mail"}'] == 1
            assert metrics['outbox_waiting{database="monolith"}'] == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) is not None, "it ends in time even so"
        with worker(databases, tmp_path, SMTP_URL=mailbox.url, REDIS_URL=proxied):
            until(lambda: len(mailbox.mails) == 1, wait)


@pytest.mark.parametrize("name", ["MONOLITH_DATABASE_URL", "REDIS_URL", "SMTP_URL"])
def test_missing_variable_is_named_in_one_line(databases: Databases, tmp_path: Path, name: str) -> None:
    with worker(databases, tmp_path, **{name: ""}) as process:
        assert process.wait(10) == 2
    said = (tmp_path / "log").read_text()
    assert said.count("\n") == 1
    assert name in said
