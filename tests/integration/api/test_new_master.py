"""A web server that is upgraded by SIGUSR2: the new master's workers count in the metrics of the old ones."""

import os
import signal
import sys
from pathlib import Path

import pytest
import requests

from tests.databases import Databases
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.polling import eventually
from tests.site import METRICS_TOKEN


def home_pages(site: GunicornSite) -> float:
    """Return how often the site counted a request of the home page; every worker of either master may answer."""
    token = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    page = requests.get(f"{site.url}/metrics", headers=token, timeout=10).text
    counts = (line for line in page.splitlines() if line.startswith("monolith_http_request_seconds_count"))
    return sum(float(line.rpartition(" ")[2]) for line in counts if 'endpoint="home"' in line)


def request_home(site: GunicornSite, times: int) -> None:
    for _ in range(times):
        assert requests.get(site.url, timeout=10).status_code == 200


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def new_master_of(site: GunicornSite) -> int:
    """Return the process id of the master that the site's master has started, once it has both workers; else 0."""
    return next((child for child in children_of(site.pid) if len(children_of(child)) == 2), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_counters_continue_under_a_new_master(databases: Databases, tmp_path: Path) -> None:
    with gunicorn_site(databases, tmp_path) as site:
        request_home(site, 8)
        assert home_pages(site) == 8
        os.kill(site.pid, signal.SIGHUP)
        eventually(lambda: "SIGHUP restarts the workers" in site.log.read_text(), "a warning about SIGHUP")
        os.kill(site.pid, signal.SIGUSR2)
        master = eventually(lambda: new_master_of(site), "a second master with workers")
        try:
            assert home_pages(site) == 8, "the new master has not emptied the folder"
            request_home(site, 8)
            assert home_pages(site) == 16
            os.kill(site.pid, signal.SIGTERM)
            eventually(lambda: children_of(site.pid) == [], "the end of the old master")
            assert home_pages(site) == 16, "the counts of the workers that ended are kept"
        finally:
            os.kill(master, signal.SIGTERM)
            eventually(lambda: not Path(f"/proc/{master}").exists(), "the end of the new master")
