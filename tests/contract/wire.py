"""Decode a request from the wire as a server does: path template, query and body."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from contracts.scheduling import codec
from contracts.scheduling.operations import AnyOperation


def read_request(operation: AnyOperation, wire: codec.WireRequest) -> Any:
    target = urlsplit(wire.target)
    template = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", operation.path)
    matched = re.fullmatch(template, target.path)
    assert matched, target.path
    fields = {name: unquote(value) for name, value in matched.groupdict().items()}
    return codec.decode_request(operation, fields, target.query, wire.body or b"")
