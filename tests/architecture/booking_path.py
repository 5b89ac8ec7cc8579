"""Count the files and functions of the product that one booking passes: `python -m tests.architecture.booking_path`.

Prints a line per adapter; with `--list`, every function too. Starts servers of its own and stops them.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.devstack.keys import load_keys
from deploy.devstack.ports import free_port
from deploy.devstack.program import Program, http_check
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore
from tests.conftest import FOLDER
from tests.databases import Databases, fresh_databases
from tests.e2e.shop import FLAG_SECONDS, Customer, answered, furnished_shop
from tests.run_scope import end_run, hold_run
from tests.servers import obtain

ADAPTERS = ("in_process", "http")


def main() -> None:
    listed = "--list" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ[FOLDER] = name
        run = hold_run(folder)
        try:
            with fresh_databases(obtain(folder)) as databases:
                for adapter in ADAPTERS:
                    calls = booking_calls(databases, adapter, folder)
                    files = {call.partition(":")[0] for call in calls}
                    print(f"{adapter}: {len(files)} files, {len(calls)} functions")
                    print(*sorted(calls) if listed else (), sep="\n", end="\n" if listed else "")
        finally:
            end_run(run, folder)


def booking_calls(databases: Databases, adapter: str, folder: Path) -> set[str]:
    """Return the functions that a booking calls, as `path:function`, after a first booking warmed the caches."""
    with webs(databases, folder / adapter) as (url, traces):
        platform = ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret)
        FlagStore(platform).set(SCHEDULING_ADAPTER, adapter, business_id=None, actor="tests", reason="booking path")
        time.sleep(FLAG_SECONDS)
        customer = Customer(Site(url), furnished_shop(url, f"traced-{adapter.replace('_', '-')}", "in_process"))
        slots = answered(customer.slots())["slots"]
        for slot in slots[:2]:
            for trace in traces:
                trace.unlink(missing_ok=True)
            answered(customer.book(slot["starts_at"]))
        platform.close()
        return {line for trace in traces if trace.exists() for line in trace.read_text().splitlines()}


@dataclass(frozen=True)
class Site:
    url: str


@contextmanager
def webs(databases: Databases, folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Both webs, traced; yields the monolith's URL and the files that the calls are written to."""
    folder.mkdir()
    keys = load_keys(folder / "keys.json")
    shared = {"DATABASE_ROLE_SECRET": databases.role_secret, "METRICS_TOKEN": keys.metrics_token}
    service_url, monolith_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    service = {
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
        "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
    }
    monolith = {
        "MONOLITH_DATABASE_URL": databases.monolith_url,
        "SCHEDULING_SERVICE_URL": service_url,
        "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
        "PUBLIC_URL": monolith_url,
    }
    traces = [folder / "scheduling.calls", folder / "monolith.calls"]
    with ExitStack() as stack:
        stack.enter_context(traced_web("scheduling", service_url, shared | service, traces[0]))
        stack.enter_context(traced_web("monolith", monolith_url, shared | monolith, traces[1]))
        yield monolith_url, traces


def traced_web(name: str, url: str, settings: dict[str, str], calls: Path) -> Program:
    address = url.removeprefix("http://")
    options = ["--worker-class", "gthread", "--threads", "2", "--no-control-socket", "--bind", address]
    return Program(
        f"{name} web",
        ["-m", "gunicorn", *options, f"tests.architecture.traced_apps:{name}"],
        settings | {"TRACED_CALLS": str(calls)},
        log=calls.with_suffix(".log"),
        is_ready=http_check(int(address.rpartition(":")[2]), "/readyz"),
    )


if __name__ == "__main__":
    main()
