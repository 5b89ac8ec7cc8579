"""The cases of the rehearsal: what fails, while customers book and the ledger runs."""

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError
from deploy.ha.patroni import wait_until
from loadtests.rehearsal.servers import REPLICAS
from loadtests.rehearsal.site import RehearsedSite
from monolith.cutover import replication
from monolith.cutover.failpoints import FAILPOINT_STEPS
from monolith.cutover.replication import CopyProgress

FROZEN_SECONDS = 35.0
QUORUM_SECONDS = 15.0
BALANCED_SECONDS = 2.0
"""Until the balancer has noticed that a web is ready."""
ABORTING = ("abort", "release", "settle")


class Case(NamedTuple):
    """`act` causes the fault and returns a remark; it may restore what does not recover by itself.

    `owner` is the database to which the business is moved before, so that the fault concerns its customers. With
    `planned`, a request that fails is a finding.
    """

    name: str
    act: Callable[[RehearsedSite], str]
    owner: DatabaseName | None = None
    in_smoke: bool = False
    planned: bool = False


def postgres_dies(site: RehearsedSite, deployment: str) -> str:
    dead = site.kill_postgres(deployment)
    wait_until(lambda: site.servers.leader_or_none(deployment) not in (None, dead), "another member leads", 60.0)
    return f"{site.servers.leader(deployment).name} follows {dead.name}"


def machine_dies(site: RehearsedSite, deployment: str) -> str:
    dead = site.servers.leader(deployment)
    dead.kill_machine()
    wait_until(lambda: site.servers.leader_or_none(deployment) not in (None, dead), "another member leads", 60.0)
    follower = site.servers.leader(deployment).name
    time.sleep(2)
    dead.start()
    return f"{follower} follows {dead.name} after ttl"


def machine_freezes(site: RehearsedSite, deployment: str) -> str:
    """The former leader does not know that it was replaced until it continues."""
    frozen = site.servers.leader(deployment)
    frozen.freeze()
    try:
        wait_until(lambda: site.servers.leader_or_none(deployment) not in (None, frozen), "another one leads", 60.0)
        time.sleep(max(0.0, FROZEN_SECONDS - 30))
    finally:
        frozen.thaw()
    return f"{site.servers.leader(deployment).name} follows {frozen.name}, which then continued"


def quorum_is_lost(site: RehearsedSite) -> str:
    frozen = site.servers.etcd[:2]
    for member in frozen:
        member.freeze()
    try:
        if site.servers.etcd[2].has_quorum:
            raise CommandError("etcd still has a quorum")
        time.sleep(QUORUM_SECONDS)
    finally:
        for member in frozen:
            member.thaw()
    wait_until(lambda: site.servers.etcd[2].has_quorum, "etcd has a quorum", 60.0)
    return f"two of three etcd members frozen for {QUORUM_SECONDS:.0f} s"


def valkey_dies(site: RehearsedSite) -> str:
    dead = site.servers.valkey_primary()
    dead.kill()
    wait_until(lambda: site.servers.valkey_primary_port() not in (None, dead.port), "a replica is promoted", 60.0)
    dead.start()
    return "a replica was promoted"


def web_dies(site: RehearsedSite, deployment: str) -> str:
    program = site.servers.programs[f"{deployment}-web-1"]
    program.kill()
    time.sleep(5)
    program.start()
    return "one of two replicas"


def webs_are_replaced(site: RehearsedSite, deployment: str) -> str:
    """Replace one after the other, each drained before it stops, like a rolling deployment."""
    for number in range(1, REPLICAS + 1):
        program = site.servers.programs[f"{deployment}-web-{number}"]
        program.stop()
        program.start()
        time.sleep(BALANCED_SECONDS)
    return "each stopped and started, one after the other"


def fails_over_during_cutover(site: RehearsedSite, step: str, side: str) -> str:
    source = site.owner
    victim = source if side == "source" else site.databases.extraction.partner_of(source)
    state = site.cut_over(f"after {step}", lambda: void(site.kill_postgres(victim)))
    return f"{victim} failed over; the cutover is {state}"


def fails_over_during_first_copy(site: RehearsedSite, deployment: str) -> str:
    """Begins without replication, and ends with it."""
    replication.stop(site.databases.extraction)
    killed = False

    def kill_once(progress: CopyProgress) -> None:
        nonlocal killed
        if not killed and not progress.ready:
            killed = True
            site.kill_postgres(deployment)

    site.replicate(kill_once, discard_copies=True)
    if not killed:
        raise CommandError("the first copy was complete before the failover")
    return "copied again from the beginning" if site.copied_again else "the copy continued"


def void(_: object) -> None:
    """Discard a value."""


def cases(*, every_side: bool) -> list[Case]:
    """Return all cases; with `every_side`, both databases fail over in each state of a cutover."""
    found = [
        Case("monolith: the leader's Postgres dies", partial(postgres_dies, deployment="monolith"), in_smoke=True),
        Case("monolith: the leader's machine dies", partial(machine_dies, deployment="monolith"), "monolith"),
        Case("scheduling: the leader's Postgres dies", partial(postgres_dies, deployment="scheduling"), "scheduling"),
        Case("scheduling: the leader's machine dies", partial(machine_dies, deployment="scheduling"), "scheduling"),
        Case(
            "scheduling: the leader freezes, is replaced",
            partial(machine_freezes, deployment="scheduling"),
            "scheduling",
        ),
        Case("etcd has no quorum", quorum_is_lost),
        Case("the primary Valkey dies", valkey_dies),
        Case("a web of the monolith dies", partial(web_dies, deployment="monolith")),
        Case("a web of the service dies", partial(web_dies, deployment="scheduling"), "scheduling"),
        Case("the monolith's webs are replaced", partial(webs_are_replaced, deployment="monolith"), planned=True),
        Case(
            "the service's webs are replaced",
            partial(webs_are_replaced, deployment="scheduling"),
            "scheduling",
            planned=True,
        ),
    ]
    for number, step in enumerate(each for each in FAILPOINT_STEPS if each not in ABORTING):
        sides = ("source", "target") if every_side else (("source", "target")[number % 2],)
        found += [
            Case(
                f"cutover, after {step}: its {side} fails over",
                partial(fails_over_during_cutover, step=step, side=side),
            )
            for side in sides
        ]
    found += [
        Case(f"first copy: {name} fails over", partial(fails_over_during_first_copy, deployment=name))
        for name in ("monolith", "scheduling")
    ]
    return found
