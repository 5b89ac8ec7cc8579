"""Requests to addresses that users entered reach public addresses only, and end within their limits."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monolith.shared.outbound import AddressRefused, AddressRule, OutboundClient, OutboundFailed, checked_url
from tests.http_receiver import Received, Reply, http_receiver

PUBLIC_ONLY = OutboundClient(AddressRule())
LOOPBACK = OutboundClient(AddressRule([ip_network("127.0.0.1/32")]))
"""Allows the receiver of the tests, and nothing else on this machine."""

NOT_PUBLIC = (
    *("10.0.0.1", "172.16.5.4", "192.168.1.1", "127.0.0.1", "0.0.0.0", "100.64.0.1", "169.254.169.254", "192.0.0.8"),
    *("224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1"),
    *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1:2::3"),
)


def get(client: OutboundClient, url: str, seconds: float = 5.0, most_bytes: int = 1000) -> bytes:
    reply = client.get(url, seconds=seconds, most_bytes=most_bytes)
    assert reply.status == 200
    return reply.body


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_inside_networks_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        AddressRule().require_allowed(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    AddressRule().require_allowed(address)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://example.org/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "//example.org/",
            "example.org",
            "https:",
        ),
        *("https://user:secret@example.org/", "https://example.org:0/", "https://example.org:x/", "https://a b/"),
        *("https://exämple.org/", "https://example.org/\r\nX: y", "http://[::1/", "https://example.org/" + "a" * 2000),
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        checked_url(url)


def test_calendar_links_are_requested_over_https() -> None:
    assert checked_url(" webcal://example.org/a.ics?b=c ") == "https://example.org/a.ics?b=c"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"])
def test_no_spelling_of_an_own_address_is_connected_to(host: str) -> None:
    with http_receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", host)
        with pytest.raises(AddressRefused):
            get(PUBLIC_ONLY, url)
        with pytest.raises(AddressRefused):
            PUBLIC_ONLY.post(url, b"{}", {}, seconds=5)
        assert receiver.connections == 0


def test_each_redirect_is_checked() -> None:
    def redirect(received: Received) -> Reply:
        number = int(received.path.strip("/") or 0)
        return Reply(302, {"Location": f"/{number + 1}"}) if number < 3 else Reply(body=b"here")

    with http_receiver(redirect) as receiver, http_receiver(host="127.0.0.2") as inside:
        assert get(LOOPBACK, receiver.url) == b"here"
        receiver.reply = lambda _: Reply(302, {"Location": receiver.url})
        with pytest.raises(OutboundFailed, match="redirects more than 3 times"):
            get(LOOPBACK, receiver.url)
        for target in (inside.url, "file:///etc/passwd", "http://user:secret@127.0.0.1/", "http://[x"):
            receiver.reply = lambda _, target=target: Reply(307, {"Location": target})  # type: ignore[misc]
            with pytest.raises(AddressRefused):
                get(LOOPBACK, receiver.url)
        assert inside.connections == 0
        assert LOOPBACK.post(receiver.url, b"{}", {}, seconds=5).status == 307, "a POST is not repeated elsewhere"


def test_body_is_read_up_to_the_limit_only() -> None:
    endless = threading.Event()

    def parts() -> Iterator[bytes]:
        while not endless.is_set():
            yield b"x" * 1000

    with http_receiver(lambda _: Reply(body=b"x" * 1000)) as receiver:
        assert len(get(LOOPBACK, receiver.url, most_bytes=1000)) == 1000
        with pytest.raises(OutboundFailed, match="more than"):
            get(LOOPBACK, receiver.url, most_bytes=999)
        receiver.reply = lambda _: Reply(body=parts())
        with pytest.raises(OutboundFailed, match="more than"):
            get(LOOPBACK, receiver.url)
        receiver.reply = lambda _: Reply(headers={"Content-Encoding": "gzip"}, body=b"x")
        with pytest.raises(OutboundFailed, match="compressed"):
            get(LOOPBACK, receiver.url)
        endless.set()


def test_slow_hosts_are_given_up_in_time() -> None:
    release = threading.Event()

    def drip() -> Iterator[bytes]:
        while not release.wait(0.05):
            yield b"x"

    def silent(_: Received) -> Reply:
        release.wait(10)
        return Reply()

    with http_receiver(lambda _: Reply(body=drip())) as receiver:
        with pytest.raises(OutboundFailed, match="in time"):
            get(LOOPBACK, receiver.url, seconds=0.3)
        receiver.reply = silent
        with pytest.raises(OutboundFailed, match="in time"):
            get(LOOPBACK, receiver.url, seconds=0.3)
        release.set()


def test_unknown_hosts_and_closed_ports_fail_with_a_reason() -> None:
    with http_receiver() as receiver:
        closed = receiver.url
    with pytest.raises(OutboundFailed, match="cannot be reached: it refused the connection"):
        get(LOOPBACK, closed)
    with pytest.raises(OutboundFailed, match=r"unknown|in time"):
        get(PUBLIC_ONLY, "https://does-not-exist.invalid/", seconds=2)


def test_certificates_are_verified(tmp_path: Path) -> None:
    def served(_: Received) -> Reply:
        return Reply(body=b"secret")

    with http_receiver(served, tls=_self_signed(tmp_path)) as receiver:
        with pytest.raises(OutboundFailed, match="not secure"):
            get(LOOPBACK, receiver.url)
        assert receiver.requests == []


def _self_signed(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate that no authority has signed."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
