"""What a Prometheus server has looked at already."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import requests

from deploy.errors import CommandError
from loadtests.evidence.metrics_pages import http_get
from loadtests.evidence.window import Sample, Samples, SeriesKey

_WANTED: Final = (
    r"(.+_)?(http_request_seconds_(bucket|sum|count)|http_cpu_seconds_total|http_in_flight|http_threads|http_processes"
    r"|pool_wait_seconds_(sum|count)|database_sessions)"
)
_QUERY_REFUSED: Final = 400


class _Data(msgspec.Struct):
    result: list[dict[str, Any]] = []


class _Answer(msgspec.Struct):
    """Of /api/v1/query, as far as it concerns us: `data` of a success, `error` of a failure."""

    status: str
    data: _Data = msgspec.field(default_factory=_Data)
    error: str = ""


def query_prometheus(address: str, window: str, match: str = "", token: str | None = None) -> Samples:
    """What it has of the last `window` (such as 5m), narrowed by `match` (such as job="shop"). Raises
    CommandError."""
    selector = ",".join(filter(None, [f'__name__=~"{_WANTED}"', match]))
    address = address.rstrip("/")
    query = {"query": f"{{{selector}}}[{window}]"}
    results = _results(address, http_get(f"{address}/api/v1/query", token, query), bool(token))
    try:
        found = {_key(each["metric"]): _samples(each["values"]) for each in results}
    except (KeyError, TypeError, ValueError) as error:
        raise _no_prometheus(address) from error
    if not found:
        narrowed = f" with {match}" if match else ""
        raise CommandError(
            f"{address} has none of the series{narrowed} in the last {window}: if it scrapes less often than that, ask "
            f"for a longer --window; else look at {address}/targets whether it "
            "reaches the metrics pages, which loadtests/evidence/README.md shows how to scrape"
        )
    return found


def _results(address: str, answer: requests.Response, with_token: bool) -> Sequence[Mapping[str, Any]]:
    if answer.status_code in (401, 403):
        remedy = "the token by --token is not the one that it takes" if with_token else "give the token by --token"
        raise CommandError(f"{address} lets in only whom it knows ({answer.status_code}): {remedy}")
    try:
        body = msgspec.json.decode(answer.content, type=_Answer)
    except msgspec.DecodeError as error:
        if answer.status_code >= 500:
            raise CommandError(
                f"{address} is not able to answer now ({answer.status_code}): ask again when it is ready"
            ) from error
        raise _no_prometheus(address) from error
    if body.status == "success":
        return body.data.result
    said = " ".join(body.error.split())[:200]
    if answer.status_code == _QUERY_REFUSED:
        raise CommandError(
            f'{address} does not understand the question: give --window as in 5m, and --match as in job="shop" '
            f"(it says: {said})"
        )
    raise CommandError(f"{address} could not look it up: ask for less, by a shorter --window (it says: {said})")


def _no_prometheus(address: str) -> CommandError:
    return CommandError(
        f"{address} does not answer like a Prometheus server: give the address at which its own pages begin, such as "
        "http://127.0.0.1:9090"
    )


def _key(labels: Mapping[str, str]) -> SeriesKey:
    rest = tuple(sorted((name, value) for name, value in labels.items() if name != "__name__"))
    return SeriesKey(labels["__name__"], rest)


def _samples(values: Sequence[tuple[float, str]]) -> list[Sample]:
    return [(float(at), float(value)) for at, value in values]
