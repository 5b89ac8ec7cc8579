"""JUnit XML of checked conditions, which most CI systems display."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from loadtests.generator.api_client import LoadError


class CheckedCondition(NamedTuple):
    """`group` becomes the class name of the test case; `failure` is empty for a satisfied condition."""

    group: str
    name: str
    failure: str = ""
    figure: str = ""


def write_junit(path: Path, suite: str, conditions: Sequence[CheckedCondition]) -> None:
    """Write one test suite with a test case per condition. Raises LoadError."""
    failures = sum(bool(condition.failure) for condition in conditions)
    counts = {"tests": str(len(conditions)), "failures": str(failures), "errors": "0", "skipped": "0"}
    root = ElementTree.Element("testsuites", {"name": suite, **counts})
    element = ElementTree.SubElement(root, "testsuite", {"name": suite, **counts})
    for condition in conditions:
        case = ElementTree.SubElement(element, "testcase", {"classname": condition.group, "name": condition.name})
        if condition.failure:
            ElementTree.SubElement(case, "failure", {"message": condition.failure}).text = condition.failure
        elif condition.figure:
            ElementTree.SubElement(case, "system-out").text = condition.figure
    ElementTree.indent(root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    except OSError as error:
        raise LoadError(f"{path} cannot be written: {error.strerror}") from error
