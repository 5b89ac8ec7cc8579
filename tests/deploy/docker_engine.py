"""A Docker daemon of the test's own, and a base image made by debootstrap: no image is pulled."""

import contextlib
import functools
import http.server
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.dockerfile import dockerfile
from tests.deploy.programs import program
from tests.polling import eventually
from tests.servers import ROOT

BASE = "extraction-test-base"
DEBIAN = "bookworm"
_PACKAGES = "apt install docker.io debootstrap, and run as root"


class DockerEngine:
    """Runs the `docker` client against one daemon."""

    def __init__(self, client: str, socket: Path) -> None:
        self._client = client
        self._environment = os.environ | {"DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "1"}

    def run(self, *arguments: str | Path, check: bool = True, stdin: Any = None) -> str:
        """Run `docker ARGUMENTS`; return its output without surrounding space. Fails with its errors."""
        command = [self._client, *map(str, arguments)]
        ended = subprocess.run(command, env=self._environment, stdin=stdin, capture_output=True, text=True)
        assert not check or ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.strip()

    def build(self, image: str, pip_configuration: Path) -> None:
        """Build `extraction-IMAGE:test` on the base."""
        options = ["--network", "host", "--build-arg", f"BASE={BASE}", "--build-arg", "VERSION=test"]
        secret = ["--secret", f"id=pip,src={pip_configuration}"]
        self.run("build", *options, *secret, "-f", dockerfile(image), "-t", f"extraction-{image}:test", ROOT)


@contextlib.contextmanager
def docker_engine(folder: Path) -> Iterator[DockerEngine]:
    """Start a daemon that changes no network setting of this machine, with a base image."""
    if os.geteuid() != 0:
        pytest.skip(f"a daemon needs root: {_PACKAGES}")
    daemon, debootstrap = (program(name, _PACKAGES) for name in ("dockerd", "debootstrap"))
    client = program("docker", _PACKAGES, first="/usr/bin")
    options = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs", "--live-restore=false"]
    paths = [f"--data-root={folder / 'data'}", f"--exec-root={folder / 'exec'}", f"--pidfile={folder / 'pid'}"]
    socket = folder / "socket"
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen([daemon, *options, *paths, f"--host=unix://{socket}"], stdout=log, stderr=log)
    engine = DockerEngine(client, socket)
    try:
        eventually(lambda: engine.run("info", "--format", "{{.ServerVersion}}", check=False), "the Docker daemon")
        _import_base(engine, debootstrap, folder)
        yield engine
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        # The daemon leaves a mount of the network namespace. The data are some gigabytes: every layer is a whole copy.
        subprocess.run(["umount", folder / "exec/netns/default"], check=False)
        shutil.rmtree(folder)


def _import_base(engine: DockerEngine, debootstrap: str, folder: Path) -> None:
    root = folder / "base"
    command: list[str | Path] = [
        debootstrap,
        "--variant=minbase",
        "--include=python3,python3-venv",
        DEBIAN,
        root,
        _mirror(),
    ]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout[-2000:]
    archive = folder / "base.tar"
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
    engine.run("import", archive, f"{BASE}:latest")


def _mirror() -> str:
    """Return the Debian mirror that this machine uses."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)"], capture_output=True, text=True
    )
    mirrors = [line.split()[0] for line in listed.stdout.splitlines() if line.endswith(f" {DEBIAN}")]
    return mirrors[0] if mirrors else pytest.skip("apt-get knows no mirror: run apt-get update")


@contextlib.contextmanager
def wheel_server(folder: Path) -> Iterator[Path]:
    """Serve every locked wheel over HTTP, and provide a pip configuration that uses nothing else."""
    wheels = folder / "wheels"
    for name in ("build", "cli", "tracing"):
        # Markers are dropped, because the image's Python may be another than this one.
        pins = re.sub(r" ; .*\\$", r" \\", (ROOT / f"deploy/requirements/{name}.txt").read_text(), flags=re.MULTILINE)
        (folder / f"{name}.txt").write_text(pins)
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        pins_and_target: list[str | Path] = ["-r", folder / f"{name}.txt", "-d", wheels]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, *pins_and_target], check=True)
    handler = functools.partial(_QuietHandler, directory=str(wheels))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        configuration = folder / "pip.conf"
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        configuration.write_text(f"[global]\nno-index = true\nfind-links = {address}\n")
        try:
            yield configuration
        finally:
            server.shutdown()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
