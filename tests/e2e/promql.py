"""Metric and label names in PromQL queries, and those that an exposition contains."""

import re
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

_ADDED = {"job", "instance"}
_SELECTOR = re.compile(r"([a-z_][\w:]*)\{([^}]*)\}")
_LABEL = re.compile(r"(\w+)\s*(?:=|!=)")
_KEYWORDS = {"by", "without", "and", "or", "unless", "on", "ignoring", "offset", "bool"}


def metric_names(query: str) -> set[str]:
    """Return the metrics that a query names."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)", " ", query)
    functions = set(re.findall(r"([a-z_][\w:]*)\s*\(", bare))
    return set(_words(bare)) - functions - _KEYWORDS


def unknown_names(query: str, exposed: Mapping[str, set[str]]) -> set[str]:
    """Return the metrics and labels of the query that the exposition lacks.

    Prometheus adds the labels `job` and `instance` to each series that it scrapes, and makes the series `up`.
    """
    metrics = metric_names(query)
    selected = {(metric, label) for metric, group in _SELECTOR.findall(query) for label in _LABEL.findall(group)}
    named = selected | set(_grouped(query))
    known = {**exposed, "up": set()}
    assert metrics, f"{query} names no metric"
    missing = {f"{metric}{{{label}}}" for metric, label in named if label not in known.get(metric, {label}) | _ADDED}
    return missing | (metrics - known.keys())


def _grouped(query: str) -> Iterator[tuple[str, str]]:
    """Yield each metric inside an aggregation with each label that it is grouped by."""
    for group in re.finditer(r"\bby\s*\(([^)]*)\)\s*\(", query):
        inside = _balanced(query[group.end() :])
        for metric in metric_names(inside):
            yield from ((metric, label) for label in _words(group[1]))


def _balanced(text: str) -> str:
    """Return the text up to the parenthesis that closes one opened before it."""
    depth = 1
    for position, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return text[:position]
    return text


def exposed_names(pages: Iterable[str]) -> Mapping[str, set[str]]:
    """Return the labels of each series in the pages, by its name."""
    found: dict[str, set[str]] = {}
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"\b[a-z_][\w:]*", text)
