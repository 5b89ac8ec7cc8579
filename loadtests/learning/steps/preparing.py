"""Steps 1 to 3, before anything is extracted: boundaries, metrics, evidence."""

from collections.abc import Sequence
from typing import Final

from loadtests.evidence.text import describe_bottleneck
from loadtests.learning import boundaries
from loadtests.learning.commands import CheckImports, GatherEvidence, SendLoad
from loadtests.learning.steps.model import (
    LearningStep,
    LiveValue,
    ObservedSystem,
    Question,
    StepAction,
    StepCondition,
)
from monolith.cutover.service import ControlPlane

FEWEST_REQUESTS: Final = 20
PAST_AN_API: Final = "imports past an api"
P99: Final = "99th percentile of scheduling"
BOTTLENECK: Final = "bottleneck"


def _boundary_values(_: ObservedSystem) -> Sequence[LiveValue]:
    imports = boundaries.read_imports()
    past = [each for each in imports if not each.is_by_api]
    return [
        LiveValue("modules", ", ".join(boundaries.modules())),
        LiveValue("imports between modules", str(len(imports))),
        LiveValue(PAST_AN_API, ", ".join([str(len(past)), *(f"{each.file} imports {each.imported}" for each in past)])),
    ]


def _boundary_conditions(_: ObservedSystem, plane: ControlPlane) -> Sequence[StepCondition]:
    past = [each for each in boundaries.read_imports() if not each.is_by_api]
    foreign = boundaries.foreign_schemas(plane.cutovers.controller.control_db)
    return [
        StepCondition(
            "No module imports another past its api.",
            not past,
            "; ".join(f"{each.file} imports {each.imported}" for each in past),
        ),
        StepCondition("No module's database role may use another module's schema.", not foreign, "; ".join(foreign)),
    ]


def _metric_values(observed: ObservedSystem) -> Sequence[LiveValue]:
    window = observed.usage.window
    modules = {} if window is None else window.modules
    scheduling = [each for name, each in modules.items() if name.startswith("scheduling") and each.p99 is not None]
    busiest = max(scheduling, key=lambda each: each.requests, default=None)
    rates = ", ".join(f"{name} {each.requests:.1f}/s" for name, each in sorted(modules.items()) if each.requests)
    return [
        LiveValue("requests in the last half minute", rates or "none"),
        LiveValue(P99, "no request" if busiest is None else f"{(busiest.p99 or 0.0) * 1000:.0f} ms"),
        LiveValue("errors", f"{sum(each.errors for each in modules.values()):.1f}/s"),
    ]


def _metric_conditions(observed: ObservedSystem, _: ControlPlane) -> Sequence[StepCondition]:
    usage, window = observed.usage, observed.usage.window
    count = 0.0 if window is None else window.seconds * sum(each.requests for each in window.modules.values())
    seen = [] if window is None else sorted(name for name, each in window.modules.items() if each.requests)
    return [
        StepCondition("The metrics page of each web process answers.", not usage.problems, "; ".join(usage.problems)),
        StepCondition(
            f"At least {FEWEST_REQUESTS} requests were served in the last half minute.",
            count >= FEWEST_REQUESTS,
            f"{count:.0f} were: check while the load runs",
        ),
        StepCondition(
            "The metrics tell at least two modules apart.", len(seen) > 1, f"active now: {', '.join(seen) or 'none'}"
        ),
    ]


def _evidence_values(observed: ObservedSystem) -> Sequence[LiveValue]:
    window, diagnosis = observed.usage.window, observed.usage.diagnosis
    if window is None or diagnosis is None:
        return [LiveValue(BOTTLENECK, "no request in the last half minute")]
    busiest = max(window.modules.values(), key=lambda each: each.cpu)
    return [
        LiveValue(BOTTLENECK, " ".join(describe_bottleneck(diagnosis))),
        LiveValue("most processor time", f"{busiest.name}, {busiest.cpu:.2f} cores"),
        LiveValue("first remedy", diagnosis.remedies[0] if diagnosis.remedies else "none"),
    ]


def _evidence_conditions(observed: ObservedSystem, _: ControlPlane) -> Sequence[StepCondition]:
    window, diagnosis = observed.usage.window, observed.usage.diagnosis
    rate = 0.0 if window is None else sum(each.requests for each in window.modules.values())
    return [
        StepCondition(
            "The system is under load: at least one request a second.",
            rate >= 1,
            f"{rate:.1f}/s: send load, then check",
        ),
        StepCondition(
            "The evidence was evaluated.",
            diagnosis is not None,
            "no request to diagnose" if diagnosis is None else describe_bottleneck(diagnosis)[0],
        ),
    ]


BOUNDARIES: Final = LearningStep(
    slug="boundaries",
    title="Boundaries",
    minutes=8,
    question=Question("How many imports between the modules bypass the api of the other module?", PAST_AN_API),
    do=(
        "Run `.venv/bin/lint-imports`. If it is missing, run `make check` once, which installs it.",
        "Break a rule: add `from monolith.modules.billing import repository` to `monolith/modules/auth/accounts.py`.",
        "Watch the value below, run the command again, and undo the change.",
    ),
    see="Every rule is kept. With the change, the rule `The modules know each other by their api only` is broken, and "
    "both the command and the values below name the import. The imports that this rule ignores are those of an api.",
    values=_boundary_values,
    conditions=_boundary_conditions,
    why="A module that others reach into cannot be extracted at any price, and a boundary that nothing enforces does "
    "not last. Imports are checked by a tool, tables by the rights of a database role for each module.",
    symbols=("monolith.modules.auth.api:AuthApi", "deploy.databases.schemas:MONOLITH_SCHEMAS"),
    costs="An invoice appears a moment after its booking, and no foreign key protects it.",
    hint="The value reads the source of the running installation: it changes when the file is saved.",
    commands=(".venv/bin/lint-imports",),
    actions=(StepAction("Check the imports", lambda _: CheckImports()),),
)

METRICS: Final = LearningStep(
    slug="metrics",
    title="Metrics",
    minutes=8,
    question=Question("At 20 requests a second, what is the 99th percentile of scheduling, in milliseconds?", P99),
    do=(
        "Run `extraction load --seconds 20 --rate 20`: 20 seconds through each adapter, about a minute in all.",
        "Watch the values, and check while the load runs.",
    ),
    see="Latencies and kept promises for each module, counted from the intended start of each request. The module "
    "`operating` is this console, which reads the metrics. `INVALID` at the end means that the generator shared its "
    "processor with too much else: its figures then contain its own delay, so read them and quote none.",
    values=_metric_values,
    conditions=_metric_conditions,
    why="Users wait from the moment they ask. A generator that waits for slow replies before it sends the next request "
    "hides what they feel.",
    symbols=("loadtests.generator.arrivals:poisson_schedule", "contracts.chassis.http_metrics:HttpMetrics.__init__"),
    costs="An open generator can overload a system: run it against the demo only.",
    hint="If Locust is not installed, run `make load` once, or reload the booking page of the product a few times: "
    "every request counts.",
    commands=("extraction load --seconds 20 --rate 20",),
    actions=(StepAction("Send the load", lambda _: SendLoad(seconds=20, rate=20)),),
)

EVIDENCE: Final = LearningStep(
    slug="evidence",
    title="Evidence",
    minutes=10,
    question=Question(
        "What is scarce under this load: the processor, the database, connections, threads, or nothing?", BOTTLENECK
    ),
    do=(
        "Run `extraction load --seconds 60`, which takes over two minutes.",
        "After some ten seconds, run `extraction evidence` in a third terminal.",
        "Read the remedies in their order, from cheap to expensive. An extraction is the last of them.",
    ),
    see="The module that is the bottleneck and what it lacks, or the sentence that there is none.",
    values=_evidence_values,
    conditions=_evidence_conditions,
    why="This is the question that the founder did not ask. Without a bottleneck, an extraction has nothing to "
    "improve: continue in order to learn, not in order to decide.",
    symbols=("loadtests.evidence.diagnosis:diagnose", "loadtests.evidence.window:ModuleUsage"),
    costs="A few series for each module.",
    hint="The diagnosis is that of the last half minute: send more load, and check while it runs.",
    commands=("extraction load --seconds 60", "extraction evidence"),
    actions=(
        StepAction("Send the load", lambda _: SendLoad(seconds=30, rate=60)),
        StepAction("Gather the evidence", lambda _: GatherEvidence()),
    ),
)
