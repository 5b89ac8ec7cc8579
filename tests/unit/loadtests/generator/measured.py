"""Rows with planted latencies and outcomes, for the tests of figures, thresholds and validity."""

from collections.abc import Iterable

from loadtests.generator.rows import RequestOutcome, RequestRow


def row(
    milliseconds: float = 10.0,
    outcome: RequestOutcome = "ok",
    *,
    journey: str = "search",
    module: str = "scheduling",
    side: str = "http",
    due: float = 1.0,
    delay: float = 0.0,
    arrival: int = 0,
    session: str = "",
    step: int = 0,
) -> RequestRow:
    return RequestRow(
        side, module, journey, due, due + delay, due + milliseconds / 1000, outcome, 200, arrival, session, step
    )


def rows(latencies: Iterable[float], outcome: RequestOutcome = "ok", **fields: object) -> list[RequestRow]:
    return [
        row(milliseconds, outcome, **{"arrival": number, **fields})  # type: ignore[arg-type]
        for number, milliseconds in enumerate(latencies)
    ]


def session(*outcomes: RequestOutcome, arrival: int, milliseconds: float = 10.0) -> list[RequestRow]:
    """Return the rows of one session `reserve` whose steps had these outcomes."""
    steps = zip(("search", "hold", "confirm"), outcomes, strict=False)
    return [
        row(milliseconds, outcome, journey=journey, arrival=arrival, session="reserve", step=step)
        for step, (journey, outcome) in enumerate(steps)
    ]
