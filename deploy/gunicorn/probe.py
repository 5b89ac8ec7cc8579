"""Health check of a web process on this machine: `python -m deploy.gunicorn.probe scheduling [PATH]`.

Exits with code 0 if the path (default /healthz) answers 200 within three seconds, otherwise with 1. It asks the health
checks' own listener if WEB_HEALTH_PORT is set, as the server does. For container health checks, because the images
contain no HTTP client.
"""

import http.client
import os
import sys

from deploy.gunicorn.settings import console_port, health_port, monolith_port, scheduling_port

PORTS = {"console": console_port, "monolith": monolith_port, "scheduling": scheduling_port}
SECONDS = 3.0


def answers(port: int, path: str, seconds: float = SECONDS) -> bool:
    """Return whether a GET of the path on this machine receives status 200 in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    port = health_port(os.environ) or PORTS[sys.argv[1]](os.environ)
    sys.exit(not answers(port, sys.argv[2] if len(sys.argv) > 2 else "/healthz"))
