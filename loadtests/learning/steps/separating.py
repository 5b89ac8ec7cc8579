"""Steps 4 and 5, two adapters of one port: the port, the service."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from contracts.scheduling.operations import declared_operations
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from deploy.console import sources
from deploy.console.changes.flag_changes import SetDefault
from deploy.control_plane import scheduling_databases
from loadtests.learning.commands import SendLoad
from loadtests.learning.source_code import SymbolNotFound, cut_excerpt
from loadtests.learning.steps.model import (
    LearningStep,
    LiveValue,
    ObservedSystem,
    Question,
    StepAction,
    StepCondition,
)
from monolith.cutover.inventory import count_stored_replies
from monolith.cutover.service import ControlPlane

OPERATIONS: Final = "operations of the port"
OWNED: Final = "businesses owned by scheduling"
ADAPTERS: Final = {
    "in process": "monolith.modules.scheduling.adapters.in_process:InProcessScheduling.call",
    "http": "monolith.modules.scheduling.adapters.http:HttpScheduling.call",
}
_OPERATOR: Final = "scheduling_operator"


def _port_values(_: ObservedSystem) -> Sequence[LiveValue]:
    declared = declared_operations(SchedulingPort)
    unknown = [each.name for each in declared if any(error.__name__ == "OutcomeUnknown" for error in each.errors)]
    return [
        LiveValue(OPERATIONS, str(len(declared))),
        LiveValue("of these, operations that write and need a key", str(sum(each.writes for each in declared))),
        LiveValue("of these, operations whose outcome may be unknown", str(len(unknown))),
        LiveValue("adapters with an implementation of their own", ", ".join(implemented())),
    ]


def _port_conditions(_: ObservedSystem, plane: ControlPlane) -> Sequence[StepCondition]:
    found = implemented()
    stored = stored_replies("monolith")
    return [
        StepCondition(
            "Both adapters implement the port.",
            len(found) == len(ADAPTERS),
            f"the installed source has {', '.join(found) or 'none'}",
        ),
        StepCondition(
            "A write left its reply under its key in the monolith's database.",
            stored > 0,
            f"{stored} replies are stored: book a time on the pages of the product",
        ),
    ]


def implemented() -> list[str]:
    """Return the adapters whose implementation of the port's one method is in the installed source."""
    found = []
    for name, symbol in ADAPTERS.items():
        with suppress(SymbolNotFound):
            cut_excerpt(symbol)
            found.append(name)
    return found


def stored_replies(database: DatabaseName) -> int:
    """Return how many replies are stored under their keys. Raises psycopg.Error."""
    with scheduling_databases().at(database).connect(_OPERATOR, statement_seconds=5.0) as db:
        return count_stored_replies(db)


def _service_values(observed: ObservedSystem) -> Sequence[LiveValue]:
    process = observed.snapshot.reading(sources.PROCESSES["scheduling"])
    state = observed.extraction
    answered = "" if process.value is None else f", answered in {process.value.milliseconds:.0f} ms"
    owned = observed.owned_by("scheduling")
    return [
        LiveValue(
            "scheduling service",
            "unreachable"
            if process.problem
            else f"{process.value.state if process.value else 'not read yet'}{answered}",
        ),
        LiveValue("adapter of new businesses", "not read yet" if state is None else state.default),
        LiveValue(OWNED, f"{len(owned)} of {len(observed.standings)}: {', '.join(owned[:6]) or 'none'}"),
    ]


def _service_conditions(observed: ObservedSystem, _: ControlPlane) -> Sequence[StepCondition]:
    process = observed.snapshot.reading(sources.PROCESSES["scheduling"])
    served = [each for each in observed.standings if each.owner == "scheduling"]
    active = [each for each in served if (lease := each.leases["scheduling"]) is not None and lease.active]
    return [
        StepCondition(
            "The scheduling service is ready.",
            process.problem is None and process.value is not None and process.value.state == "ready",
            process.problem or ("not read yet" if process.value is None else process.value.state),
        ),
        StepCondition(
            "A business is owned by scheduling.",
            bool(served),
            f"{len(served)} are: set the default to http, then create a business",
        ),
        StepCondition(
            "Its lease in the service's database is active.",
            bool(active),
            ", ".join(each.slug for each in active[:6]) or "no active lease",
        ),
    ]


PORT: Final = LearningStep(
    slug="port",
    title="The port",
    minutes=10,
    question=Question("How many operations does the port of scheduling declare?", OPERATIONS),
    do=(
        "Read the signature of `book` and the fields of its context, both below.",
        "Find the caller of `book` in `monolith/web/site/booking.py`.",
        "Book a time on the page `/b/harbour-barbers` of the product. Go back in the browser and send the form again.",
    ),
    see="Every call has a context with a business, an actor, a deadline and, for a write, a key. `OutcomeUnknown` is "
    "an ordinary error, although everything may still run in one process. The second form is answered with the reply "
    "of the first.",
    values=_port_values,
    conditions=_port_conditions,
    why="What a network adds is easier to design before there is one. A key that is stored in the transaction of the "
    "change costs one insert; adding it when replies are already being lost means repairing double bookings.",
    symbols=(
        "contracts.scheduling.port:SchedulingPort.book",
        "contracts.scheduling.context:CallContext",
        "monolith.modules.scheduling.adapters.in_process:InProcessScheduling.call",
        "scheduling_service.engine.write_transaction:_replay",
    ),
    costs="A key and its stored reply for each write.",
    hint="The demo's own bookings were made with keys, so this step may already be done.",
    commands=("extraction load --seconds 5 --rate 20",),
    actions=(StepAction("Book with keys", lambda _: SendLoad(seconds=5, rate=20)),),
)

SERVICE: Final = LearningStep(
    slug="service",
    title="The service",
    minutes=10,
    question=Question("How many businesses will the scheduling service own after this step?", OWNED),
    do=(
        'Run `extraction flag set http --reason "a new business on the service"`.',
        "Create a business on the first page of the product: if you are signed in there, sign out first.",
        "Run `extraction status`, then set the flag back if you like: `extraction flag set in_process`.",
    ),
    see="The new business is owned by `scheduling`; existing ones have not moved.",
    values=_service_values,
    conditions=_service_conditions,
    why="The same engine, in another process and another database. Only new businesses use it, so a mistake leaves all "
    "existing data alone.",
    symbols=(
        "monolith.modules.scheduling.adapters.http:HttpScheduling.call",
        "monolith.modules.scheduling.adapters.switched:SwitchedScheduling.call",
        "contracts.scheduling.errors:OutcomeUnknown",
    ),
    costs="A network hop for each call, two deployments that must stay compatible, further processes and a database.",
    hint="`extraction status` names the owner of each business; the load opens a business for each adapter.",
    commands=('extraction flag set http --reason "a new business on the service"', "extraction status"),
    actions=(
        StepAction("Set the default to http", lambda _: SetDefault(adapter="http")),
        StepAction("Open a business by load", lambda _: SendLoad(seconds=2, rate=5)),
    ),
)
