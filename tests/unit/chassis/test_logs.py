"""Logs are buffered JSON lines; warnings are flushed at once."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, os, sys, time
from contracts.chassis.logs import log_to
log_to(sys.stdout)
log = logging.getLogger("test")
"""


def run(body: str, out: Path) -> subprocess.CompletedProcess[str]:
    with out.open("w") as stream:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM + body], stdout=stream, stderr=subprocess.PIPE, text=True, check=False
        )


def events(out: Path) -> list[str]:
    return [json.loads(line)["event"] for line in out.read_text().splitlines()]


def test_exiting_process_writes_all_lines_in_order(tmp_path: Path) -> None:
    out = tmp_path / "log"
    ended = run("for n in range(1000): log.info('%d', n)", out)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert events(out) == [str(n) for n in range(1000)]


def test_lines_of_concurrent_threads_are_not_interleaved(tmp_path: Path) -> None:
    out = tmp_path / "log"
    body = """
import threading
def talk(name):
    for n in range(300): log.info("%s", name * 200)
threads = [threading.Thread(target=talk, args=(name,)) for name in "abcdefgh"]
[t.start() for t in threads]; [t.join() for t in threads]
"""
    run(body, out)
    assert sorted(events(out)) == sorted(name * 200 for name in "abcdefgh" for _ in range(300))


def test_buffer_is_flushed_within_a_second(tmp_path: Path) -> None:
    out = tmp_path / "log"
    run("log.info('said'); time.sleep(1); os._exit(0)", out)
    assert events(out) == ["said"]


def test_warning_is_flushed_at_once(tmp_path: Path) -> None:
    out = tmp_path / "log"
    run("log.info('before'); log.warning('now'); os.kill(os.getpid(), 9)", out)
    assert events(out) == ["before", "now"]


def test_line_break_in_a_value_is_escaped(tmp_path: Path) -> None:
    out = tmp_path / "log"
    run("log.info('a\\nb', extra={'fields': {'path': 'c\\r\\nd'}})", out)
    (line,) = out.read_text().splitlines()
    assert (json.loads(line)["event"], json.loads(line)["path"]) == ("a\nb", "c\r\nd")


def test_error_has_its_traceback(tmp_path: Path) -> None:
    out = tmp_path / "log"
    run("try: 1/0\nexcept ZeroDivisionError: log.exception('it broke')", out)
    assert "ZeroDivisionError: division by zero" in json.loads(out.read_text())["error"]
