"""Samples that a Prometheus server has already scraped."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import requests

from deploy.errors import CommandError
from loadtests.evidence.metrics_pages import http_get
from loadtests.evidence.window import Sample, Samples, SeriesKey

_SERIES: Final = (
    r"(.+_)?(http_request_seconds_(bucket|sum|count)|http_cpu_seconds_total|http_in_flight|http_threads|http_processes"
    r"|pool_wait_seconds_(sum|count)|database_sessions)"
)
_QUERY_REFUSED: Final = 400


class _Data(msgspec.Struct):
    result: list[dict[str, Any]] = []


class _QueryResponse(msgspec.Struct):
    """The response of /api/v1/query: `data` on success, `error` on failure."""

    status: str
    data: _Data = msgspec.field(default_factory=_Data)
    error: str = ""


def query_prometheus(address: str, window: str, match: str = "", token: str | None = None) -> Samples:
    """Return the samples of the last `window` (such as 5m), restricted by label matchers (such as job="shop").

    Raises CommandError.
    """
    selector = ",".join(filter(None, [f'__name__=~"{_SERIES}"', match]))
    address = address.rstrip("/")
    query = {"query": f"{{{selector}}}[{window}]"}
    results = _results(address, http_get(f"{address}/api/v1/query", token, query), bool(token))
    try:
        found = {_key(each["metric"]): _samples(each["values"]) for each in results}
    except (KeyError, TypeError, ValueError) as error:
        raise _not_prometheus(address) from error
    if not found:
        restricted = f" with {match}" if match else ""
        raise CommandError(
            f"{address} has none of the series{restricted} in the last {window}: if it scrapes less often, use a "
            f"longer --window; otherwise check at {address}/targets that it reaches the metrics pages "
            "(loadtests/evidence/README.md has a scrape configuration)"
        )
    return found


def _results(address: str, answer: requests.Response, with_token: bool) -> Sequence[Mapping[str, Any]]:
    if answer.status_code in (401, 403):
        remedy = "it does not accept the token of --token" if with_token else "give the token with --token"
        raise CommandError(f"{address} requires authentication ({answer.status_code}): {remedy}")
    try:
        body = msgspec.json.decode(answer.content, type=_QueryResponse)
    except msgspec.DecodeError as error:
        if answer.status_code >= 500:
            raise CommandError(f"{address} is not ready ({answer.status_code}): try again later") from error
        raise _not_prometheus(address) from error
    if body.status == "success":
        return body.data.result
    message = " ".join(body.error.split())[:200]
    if answer.status_code == _QUERY_REFUSED:
        raise CommandError(
            f'{address} rejected the query: the format of --window is 5m, that of --match is job="shop" '
            f"(message: {message})"
        )
    raise CommandError(f"{address} could not execute the query: use a shorter --window (message: {message})")


def _not_prometheus(address: str) -> CommandError:
    return CommandError(
        f"{address} does not respond like a Prometheus server: give the base address of its web pages, such as "
        "http://127.0.0.1:9090"
    )


def _key(labels: Mapping[str, str]) -> SeriesKey:
    rest = tuple(sorted((name, value) for name, value in labels.items() if name != "__name__"))
    return SeriesKey(labels["__name__"], rest)


def _samples(values: Sequence[tuple[float, str]]) -> list[Sample]:
    return [(float(at), float(value)) for at, value in values]
