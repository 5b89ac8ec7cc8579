"""Arms simulated as queues: every arm has the same service times, and they differ in which queues share a server.

Processor time is shared out as in the scenarios' budgets: `total` units for every arm, so many for each database, the
rest for the web servers. Since the cause of every result is known, tests can check that the laboratory finds it.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from loadtests.generator.arrivals import Shape, constant_rate
from loadtests.generator.journeys import JOURNEYS, plan_arrivals
from loadtests.generator.rows import RawRow, RequestOutcome
from loadtests.generator.scenarios import stampede
from loadtests.generator.self_report import GeneratorReport
from loadtests.lab.measuring.subject import FreshnessReading, Load, Reading, RoleReading
from tests.unit.loadtests.lab.queues import Acquire, Process, Release, Server, Simulation, Work, use

THREADS = 48
WEB_MS = dict.fromkeys(JOURNEYS, 2.0)
DATABASE_MS = {
    "search": 2.0, "book": 4.0, "cancel": 3.0, "reschedule": 4.0, "agenda": 2.0,
    "login": 1.0, "me": 0.5, "prices": 0.5, "invoices": 1.0, "preferences": 0.5,
}  # fmt: skip
FOLLOW_UP_MS = 4.0
"""Work of billing and notifications in their database for each booking or change."""
HOP_MS = 0.5
"""Work of the monolith's web server for each call of the extracted service."""
UNITS_PER_SECOND = 12
"""Units of budget that do a second of work in a second: few requests reach the capacity, so simulations are short."""
DOWN = (4.0, 9.0)
"""From when until when a web server that is killed does not answer."""
WRITES = ("book", "cancel", "reschedule")


@dataclass(frozen=True)
class SimulatedArm:
    """`own_web` and `own_database` give scheduling servers of its own; with `hop` its web server is behind the
    monolith's, where at most `bulkhead` calls wait at the same time.

    `database_size` multiplies the database's share of the total. With `cached`, repeated searches skip the database:
    most of them where days differ in popularity. `slow` multiplies scheduling's work, `locked_ms` is how long each
    write holds a lock, `stall` for how many seconds the generator stalls.
    """

    own_web: bool = False
    own_database: bool = False
    hop: bool = False
    bulkhead: int = 20
    database_size: float = 1.0
    cached: bool = False
    slow: float = 1.0
    hop_ms: float = HOP_MS
    locked_ms: float = 0.0
    stall: float = 0.0


ARMS: Mapping[str, SimulatedArm] = {
    "M1": SimulatedArm(),
    "M1'": SimulatedArm(),
    "MC": SimulatedArm(cached=True),
    "MB": SimulatedArm(own_web=True),
    "M2": SimulatedArm(),
    "MV": SimulatedArm(database_size=2.0),
    "MBV": SimulatedArm(own_web=True, database_size=2.0),
    "MD": SimulatedArm(own_database=True),
    "XI": SimulatedArm(own_web=True, own_database=True),
    "X": SimulatedArm(own_web=True, own_database=True, hop=True),
}


@dataclass
class SimulatedRig:
    """`noise` is the standard deviation of the logarithm of the machine's speed, which arms side by side share."""

    simulated: Mapping[str, SimulatedArm] = field(default_factory=lambda: ARMS)
    noise: float = 0.02
    paired: bool = True
    played: list[tuple[str, float]] = field(default_factory=list)

    def changed(self, **changes: object) -> "SimulatedRig":
        """Return a rig in which every arm has these changes."""
        return replace(
            self,
            simulated={name: replace(arm, **changes) for name, arm in self.simulated.items()},  # type: ignore[arg-type]
        )

    def arms(self) -> Sequence[str]:
        return list(self.simulated)

    def reason_not_paired(self, one: str, other: str) -> str | None:
        return None if self.paired else "the machine is too small"

    @contextlib.contextmanager
    def running(self, *arms: str) -> Iterator["SimulatedRig"]:
        yield self

    def play(self, loads: Mapping[str, Load], folders: Mapping[str, Path]) -> dict[str, Reading]:
        found = {}
        for arm, load in loads.items():
            self.played.append((arm, load.rate))
            # Arms side by side share the seed, and so the speed of the machine.
            speed = 2 ** Random(f"{load.seed}:speed").gauss(0, self.noise)
            found[arm] = _Play(self.simulated[arm], load, speed).reading()
        return found


class _Play:
    """One load on one arm."""

    def __init__(self, arm: SimulatedArm, load: Load, speed: float) -> None:
        self._arm = arm
        self._load = load
        self._simulation = Simulation()
        self._rows: list[RawRow] = []
        self._follow_ups: list[float] = []
        units = load.scenario.budgets
        database = units.database * arm.database_size
        web = units.total - units.worker - units.valkey - database * (2 if arm.own_database else 1)
        scale = speed / UNITS_PER_SECOND
        shares = (0.4, 0.6) if arm.own_web else (1.0, 0.0)
        self._front, self._own = (Server(speed=max(0.01, web * share) * scale) for share in shares)
        self._threads, self._own_threads = (Server(places=THREADS // 2 if arm.own_web else THREADS) for _ in range(2))
        self._bulkhead = Server(places=arm.bulkhead)
        self._database, self._own_database = (Server(speed=database * scale) for _ in range(2))
        self._worker, self._lock = Server(places=THREADS, speed=units.worker * scale), Server()
        self._cores = {"front-web": web * shares[0], "scheduling-web": web * shares[1], "postgres-main": database}

    def reading(self) -> Reading:
        load = self._load
        shape: Shape = stampede(load.seconds) if load.scenario.load.shape == "stampede" else constant_rate
        arrivals = plan_arrivals(
            load.rate,
            load.seconds,
            load.seed,
            shape,
            mix=load.scenario.load.mix,
            background=load.scenario.load.background,
        )
        middle = load.seconds / 2
        for at, journey, number in arrivals:
            sent = middle + self._arm.stall if middle <= at < middle + self._arm.stall else at
            chance = Random(f"{load.seed}:{number}")
            self._simulation.start(sent, self._request(journey, at, sent, chance))
        self._simulation.run()
        under_way = sum(row.answered - row.sent for row in self._rows) / load.seconds
        in_flight = sum(max(0.0, min(row.answered, load.seconds) - row.sent) for row in self._rows) / load.seconds
        assert under_way >= in_flight
        bookings = len(self._follow_ups)
        in_time = sum(delay <= load.scenario.promises.fresh_seconds for delay in self._follow_ups)
        return Reading(
            rows=sorted(self._rows, key=lambda row: row.answered),
            generator=GeneratorReport(
                planned=len(arrivals), began=0.0, seconds=load.seconds, cpu=0.2, in_flight=in_flight, complete=True
            ),
            roles=self._roles(),
            freshness={"invoices": FreshnessReading(expected=bookings, in_time=in_time)},
        )

    def _roles(self) -> dict[str, RoleReading]:
        servers = {"front-web": self._front, "scheduling-web": self._own, "postgres-main": self._database}
        servers |= {"postgres-scheduling": self._own_database, "worker": self._worker}
        return {
            name: RoleReading(
                cpu_ms=server.busy * 1000,
                budget_cores=server.speed,
                used=min(1.0, server.busy / (server.speed * self._simulation.now)),
            )
            for name, server in servers.items()
            if server.busy
        }

    def _request(self, journey: str, due: float, sent: float, chance: Random) -> Process:
        arm, module = self._arm, JOURNEYS[journey].module
        own = module == "scheduling"
        web_ms, database_ms = WEB_MS[journey] * chance.expovariate(1), DATABASE_MS[journey] * chance.expovariate(1)
        if own:
            web_ms, database_ms = web_ms * arm.slow, database_ms * arm.slow
        repeated = 0.8 if self._load.scenario.load.day_zipf else 0.1
        if journey == "search" and arm.cached and chance.random() < repeated:
            database_ms, web_ms = 0.0, web_ms / 4
        outcome: RequestOutcome = "ok"
        if self._is_down(due, own):
            outcome = "error"
        elif own and arm.hop:
            yield Acquire(self._threads)
            yield from use(self._front, arm.hop_ms / 1000)
            if len(self._bulkhead.waiting) or self._bulkhead.taken == self._bulkhead.places:
                # The adapter refuses calls beyond its bulkhead, so that threads remain for the other modules.
                outcome = "error"
            else:
                yield Acquire(self._bulkhead)
                yield from self._serve(journey, web_ms, database_ms, apart=True)
                yield Release(self._bulkhead)
            yield Release(self._threads)
        else:
            yield from self._serve(journey, web_ms, database_ms, apart=own and arm.own_web)
        now = self._simulation.now
        status = 200 if outcome == "ok" else 503
        self._rows.append(RawRow(journey, due, sent, now, outcome, status))
        if journey in WRITES and outcome == "ok":
            self._simulation.start(now, self._follow_up(now))

    def _is_down(self, due: float, own: bool) -> bool:
        """Return whether the web server is gone: scheduling's own, or the one of all modules."""
        killed = self._load.fault == "scheduling's web process is killed" and DOWN[0] <= due < DOWN[1]
        return killed and (own or not self._arm.own_web)

    def _serve(self, journey: str, web_ms: float, database_ms: float, *, apart: bool) -> Process:
        threads, web = (self._own_threads, self._own) if apart else (self._threads, self._front)
        database = self._own_database if self._arm.own_database and journey in _SCHEDULING else self._database
        yield Acquire(threads)
        yield from use(web, web_ms / 1000)
        if database_ms:
            yield from use(database, database_ms / 1000)
        if journey in WRITES and self._arm.locked_ms:
            yield from use(self._lock, self._arm.locked_ms / 1000)
        yield Release(threads)

    def _follow_up(self, since: float) -> Process:
        """The worker's work for one booking, in the database of the other modules."""
        yield Acquire(self._worker)
        yield Work(self._worker, 0.5 / 1000)
        yield from use(self._database, FOLLOW_UP_MS / 1000)
        yield Release(self._worker)
        self._follow_ups.append(self._simulation.now - since)


_SCHEDULING = {name for name, journey in JOURNEYS.items() if journey.module == "scheduling"}
