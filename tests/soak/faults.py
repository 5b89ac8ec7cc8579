"""Do the planned faults to a running deployment."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import psutil

from tests.cutover.deployment import Deployment
from tests.faults.proxy import Cut, Delay, TcpProxy
from tests.faults.skewed_clock import AdjustableClock
from tests.soak.packet_loss import PacketLoss
from tests.soak.schedule import FAULTS, FaultName, PlannedFault
from tests.soak.small_disk import SmallDisk

SKEWS = (-300, -30, -3, 3, 30, 300)
"""Seconds: clocks that are slightly wrong, up to five minutes apart."""
LOSSES = (0.02, 0.1, 0.3)
T = TypeVar("T")
Action = Callable[[float, float], None]
"""Injects a fault of a length in seconds, and of a size from 0 up to 1."""


@dataclass(frozen=True)
class FaultTools:
    """Tools of some faults, None where they are not allowed. `clocks` are those of the web processes, by deployment."""

    loss: PacketLoss | None
    clocks: Mapping[str, AdjustableClock]
    disk: SmallDisk | None


@dataclass
class FaultInjector:
    """Injects one fault at a time. `say` receives a line about each."""

    deployment: Deployment
    tools: FaultTools
    chance: random.Random
    say: Callable[[str], None]
    counts: dict[FaultName, int] = field(init=False)

    def __post_init__(self) -> None:
        self._actions = dict(self._possible())
        self.counts = dict.fromkeys(self._actions, 0)

    @property
    def names(self) -> tuple[FaultName, ...]:
        """The faults that this machine allows, in a fixed order."""
        return tuple(name for name in FAULTS if name in self._actions)

    def inject(self, fault: PlannedFault) -> None:
        """Inject the fault and return when it is over. A killed process may still be restarting."""
        self.say(f"{fault.at:7.1f} s  {fault.name}, {fault.seconds:g} s")
        self._actions[fault.name](fault.seconds, fault.choice)
        self.counts[fault.name] += 1

    def _possible(self) -> Iterator[tuple[FaultName, Action]]:
        deployment, tools = self.deployment, self.tools
        yield "kill monolith worker", lambda *_: deployment.kill("monolith web")
        yield "kill scheduling worker", lambda *_: deployment.kill("scheduling web")
        yield "kill monolith Postgres", lambda *_: deployment.kill("monolith Postgres")
        yield "kill scheduling Postgres", lambda *_: deployment.kill("scheduling Postgres")
        yield "pause monolith worker", lambda seconds, _: pause(workers(deployment, "monolith"), seconds)
        yield "pause scheduling worker", lambda seconds, _: pause(workers(deployment, "scheduling"), seconds)
        yield "pause monolith Postgres", lambda seconds, _: pause(server(deployment, "monolith"), seconds)
        yield "pause scheduling Postgres", lambda seconds, _: pause(server(deployment, "scheduling"), seconds)
        yield "partition service", lambda seconds, _: partition(deployment.service, seconds)
        replication = deployment.replication
        yield "partition replication to scheduling", lambda seconds, _: partition(replication["monolith"], seconds)
        yield "partition replication to monolith", lambda seconds, _: partition(replication["scheduling"], seconds)
        yield "lose replies of the service", self._lose_replies
        yield "delay replies of the service", self._delay_replies
        if tools.loss is not None:
            yield from self._packet_losses(tools.loss)
        if tools.clocks:
            yield "skew the monolith's clock", lambda *fault: skew(tools.clocks["monolith"], *fault)
            yield "skew the service's clock", lambda *fault: skew(tools.clocks["scheduling"], *fault)
        if tools.disk is not None:
            disk = tools.disk
            yield "full disk", lambda seconds, _: disk.fill(seconds)

    def _packet_losses(self, loss: PacketLoss) -> Iterator[tuple[FaultName, Action]]:
        deployment = self.deployment
        service = [deployment.service.port, deployment.webs["scheduling"].port]
        databases = [deployment.servers.settings.ports[f"{name}_POSTGRES_PORT"] for name in ("MONOLITH", "SCHEDULING")]
        databases += [proxy.port for proxy in deployment.replication.values()]
        yield "packet loss to the service", lambda seconds, size: loss.lose(service, chosen(LOSSES, size), seconds)
        yield "packet loss to the databases", lambda seconds, size: loss.lose(databases, chosen(LOSSES, size), seconds)

    def _lose_replies(self, seconds: float, _: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.deployment.service.inject(*(Cut(self.chance.choice([0, 40]), reset=True) for _ in range(2)))
            time.sleep(self.chance.uniform(0.02, 0.1))
        self.deployment.service.clear()

    def _delay_replies(self, seconds: float, _: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.deployment.service.inject(Delay(self.chance.uniform(0.05, 0.8)))
            time.sleep(self.chance.uniform(0.02, 0.1))
        self.deployment.service.clear()


def chosen(sizes: Sequence[T], size: float) -> T:
    return sizes[int(size * len(sizes))]


def workers(deployment: Deployment, name: str) -> list[int]:
    master = psutil.Process(deployment.webs[name].pid)  # type: ignore[no-untyped-call]
    return [child.pid for child in master.children()]  # type: ignore[no-untyped-call]


def server(deployment: Deployment, name: str) -> list[int]:
    """Return the processes of a database server; none while it is being restarted."""
    pid = deployment.servers.postgres[name].pid
    if pid is None:
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        postmaster = psutil.Process(pid)  # type: ignore[no-untyped-call]
        return [pid, *(child.pid for child in postmaster.children(recursive=True))]  # type: ignore[no-untyped-call]
    return []


def pause(pids: list[int], seconds: float) -> None:
    """Stop the processes and continue them."""
    try:
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        time.sleep(seconds)
    finally:
        for pid in pids:
            _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def partition(proxy: TcpProxy, seconds: float) -> None:
    with proxy.unreachable():
        time.sleep(seconds)


def skew(clock: AdjustableClock, seconds: float, size: float) -> None:
    """Shift the clock of the web processes, and set it right again."""
    clock.set(chosen(SKEWS, size))
    try:
        time.sleep(seconds)
    finally:
        clock.set(0)
