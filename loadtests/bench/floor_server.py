"""Start a floor under the product's gunicorn settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtests.bench import floor_gunicorn
from loadtests.harness.bench_servers import BenchServers, RunningWeb


def start_floor(servers: BenchServers, name: str, settings: Mapping[str, Any], ready_path: str) -> RunningWeb:
    """Start the application `name` of `loadtests.bench.floors`; `ready_path` is a path that it serves."""
    return servers.start_floor(
        f"loadtests.bench.floors:{name}()", Path(floor_gunicorn.__file__), ready_path, {"FLOOR": json.dumps(settings)}
    )
