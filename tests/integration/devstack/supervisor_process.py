"""A supervisor that a test kills: `python -m tests.integration.devstack.supervisor_process FOLDER`.

Runs a Postgres server and a small web server, and prints their ports and process ids.
"""

import json
import sys
from pathlib import Path

from deploy.devstack.ports import free_port
from deploy.devstack.postgres import PostgresServer
from deploy.devstack.process_record import ProcessRecord
from deploy.devstack.program import Program, http_check
from deploy.devstack.supervisor import Supervisor


def main() -> None:
    folder = Path(sys.argv[1])
    port = free_port()
    postgres = PostgresServer(folder / "postgres", durable=False)
    web = Program(
        "web",
        ["-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), str(port)],
        {},
        log=folder / "web.log",
        is_ready=http_check(port, "/"),
    )
    supervisor = Supervisor(ProcessRecord(folder / "processes.json"), say)
    try:
        supervisor.start([postgres, web])
        say(json.dumps({"ports": [postgres.port, port], "pids": [postgres.pid, web.pid]}))
        supervisor.watch()
    except KeyboardInterrupt:
        supervisor.stop()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
