"""Metric and label names in PromQL queries, and those that an exposition contains."""

import re
from collections.abc import Iterable, Mapping

from prometheus_client.parser import text_string_to_metric_families

_KEYWORDS = {"by", "without", "and", "or", "unless", "on", "ignoring", "offset", "bool"}


def query_names(query: str) -> tuple[set[str], set[str]]:
    """Return the metrics and the labels that a query names."""
    labels = {
        name for group in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", query) for name in _words(group)
    }
    labels |= {
        name for selector in re.findall(r"\{([^}]*)\}", query) for name in re.findall(r"(\w+)\s*(?:=|!=)", selector)
    }
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)", " ", query)
    functions = set(re.findall(r"([a-z_][\w:]*)\s*\(", bare))
    return set(_words(bare)) - functions - _KEYWORDS, labels


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
