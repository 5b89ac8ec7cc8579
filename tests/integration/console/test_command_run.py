"""Commands that the console runs as child processes."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.console.changes.change import Withdrawn
from deploy.console.changes.command_run import run_command
from deploy.errors import CommandError


class _MetricsPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"app_http_in_flight 0\n")

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def metrics_page() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _MetricsPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/metrics"
        server.shutdown()


def test_output_is_reported_line_by_line_and_the_last_line_returned() -> None:
    lines: list[str] = []
    last = run_command(["exercise", "--help"], lines.append)
    assert "Usage: extraction exercise" in "".join(lines)
    assert last == lines[-1].strip()


def test_a_failed_command_fails_with_its_own_message() -> None:
    with pytest.raises(CommandError, match="No such command 'sprint'"):
        run_command(["lab", "sprint"], lambda line: None)


def test_a_withdrawn_request_interrupts_a_command_that_runs(metrics_page: str) -> None:
    def withdraw(line: str) -> None:
        if line.startswith("scraping"):
            raise Withdrawn

    with pytest.raises(Withdrawn):
        run_command(["evidence", "--metrics", metrics_page, "--seconds", "600"], withdraw)
