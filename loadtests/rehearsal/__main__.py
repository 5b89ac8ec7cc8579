"""Rehearse failovers: `python -m loadtests.rehearsal [--members 2] [--only WORD] [--both-sides] [--smoke]`.

Exits with 1 if a case loses or doubles a booking, or shows two owners. Results are in .artifacts/rehearse-ha.
"""

import argparse
import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg

from deploy.devstack.program import ROOT
from deploy.errors import CommandError
from deploy.ha.programs import require_programs
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import open_seeded_tenant, seed_businesses
from loadtests.harness.traffic.ledger import check_ledger
from loadtests.harness.traffic.processes import running_traffic, traffic_plans
from loadtests.rehearsal.cases import Case, cases
from loadtests.rehearsal.measuring import longest_outage, unsettled
from loadtests.rehearsal.report import HEAD, CaseResult, write_results
from loadtests.rehearsal.servers import RehearsalServers
from loadtests.rehearsal.site import OwnerWatch, RehearsedSite

RATE = 30.0
APPOINTMENTS = 100_000
BUSINESSES = 10
SETTLE_SECONDS = 90.0
WARM_UP_SECONDS = 4.0
"""The processes of the traffic have started by then, also on a machine that is busy."""
ARTIFACTS = ROOT / ".artifacts"
SITE = "site"
"""The folder of the servers' data and logs, deleted after a rehearsal without findings."""


def rehearse(chosen: Sequence[Case], size: int, artifacts: Path, *, appointments: int) -> list[CaseResult]:
    """Start the site, run the cases one after the other, and stop it. The results are written after each.

    Raises CommandError if the site does not start.
    """
    results: list[CaseResult] = []
    folder = artifacts / SITE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    logging.basicConfig(filename=folder / "rehearsal.log", format="%(asctime)s %(message)s")
    with ExitStack() as running:
        servers = RehearsalServers(folder, Cores(None, None), running, size)
        say(f"starting two clusters of {size}, etcd, Valkey with Sentinels, HAProxy and two of each process")
        servers.start_backends()
        [business, *_] = seed_businesses(servers, BUSINESSES, appointments)
        servers.start_mail_sink()
        servers.start_product()
        site = RehearsedSite(servers, open_seeded_tenant(servers.public_port, business))
        site.replicate()
        say(" | ".join(HEAD))
        for number, case in enumerate(chosen):
            results.append(_run(site, case, number))
            write_results(results, artifacts, note_of(size))
            say(" | ".join(results[-1].row))
            for finding in results[-1].findings:
                say(f"  ! {finding}")
    return results


def _run(site: RehearsedSite, case: Case, number: int) -> CaseResult:
    site.copied_again = False
    if case.owner is not None:
        site.move_to(case.owner)
    slots = site.tenant.slots[number::40]
    plans = traffic_plans(site.servers.public_port, site.tenant, RATE, slots, settle_seconds=SETTLE_SECONDS)
    findings: list[str] = []
    folder = site.servers.folder / f"traffic-{number}"
    with OwnerWatch(site).running() as watch, running_traffic(plans, folder, warm_up=WARM_UP_SECONDS) as sent:
        began = time.time()
        try:
            remark = case.act(site)
            site.settle()
            site.wait_until_protected()
        except (CommandError, psycopg.Error) as error:
            remark, findings = "", [" ".join(str(error).split())]
    with site.databases.at(site.owner).connect() as db:
        ledger = check_ledger(sent.records, db, site.business_id, [plan.name for plan in plans])
    findings += [*ledger.lost, *ledger.duplicated, *(f"{each} was booked without a request" for each in ledger.unasked)]
    findings += [f"{ledger.failed} requests failed"] * bool(case.planned and ledger.failed)
    findings += [f"{watch.doubled} times two owners"] * bool(watch.doubled)
    findings += [f"{unsettled(sent.records)} writes were never settled"] * bool(unsettled(sent.records))
    return CaseResult(
        case=case.name,
        clean=not findings,
        writes_back_seconds=longest_outage(sent.records, "writes", began),
        reads_back_seconds=longest_outage(sent.records, "reads", began),
        requests=ledger.requests,
        failed=ledger.failed,
        owner_samples=watch.samples,
        remark=remark,
        findings=tuple(findings),
    )


def note_of(size: int) -> str:
    machine = f"{size} members in each cluster, {os.cpu_count()} cores, {RATE:g} requests a second"
    return f"{time.strftime('%Y-%m-%d')}: {machine}"


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="make rehearse-ha", description="Rehearse failovers under traffic.")
    parser.add_argument("--members", type=int, choices=(2, 3), default=3, help="members of each Postgres cluster")
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    parser.add_argument("--both-sides", action="store_true", help="fail over both databases in each state of a cutover")
    parser.add_argument("--smoke", action="store_true", help="run the first case only, with little data")
    given = parser.parse_args(arguments)
    chosen = [each for each in cases(every_side=given.both_sides) if given.only in each.name]
    if given.smoke:
        chosen = [each for each in chosen if each.in_smoke]
    # A smoke test leaves the results of a rehearsal alone, and may run at the same time.
    artifacts = ARTIFACTS / ("rehearse-ha-smoke" if given.smoke else "rehearse-ha")
    site = artifacts / SITE
    try:
        require_programs()
        results = rehearse(chosen, given.members, artifacts, appointments=1_000 if given.smoke else APPOINTMENTS)
    except CommandError as error:
        print(f"rehearse-ha: {error}", file=sys.stderr)  # noqa: T201
        return 2
    dirty = [each.case for each in results if not each.clean]
    say(f"{len(results) - len(dirty)} of {len(results)} cases are clean; {artifacts.relative_to(ROOT)}/results.md")
    if dirty:
        say(f"the logs of all servers are in {site.relative_to(ROOT)}")
        return 1
    shutil.rmtree(site, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
