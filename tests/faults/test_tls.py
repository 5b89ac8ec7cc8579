"""Deadline and certificate checks over TLS."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import OutcomeUnknown, Unavailable
from deploy.devstack.keys import Keys
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.certificates import HOST, write_certificate
from tests.contract.port.shop import refused
from tests.faults.sample_calls import OFFERINGS, book, read
from tests.faults.scripted_server import answer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for this host, with its key."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "service.pem")


def test_only_a_trusted_certificate_is_accepted(certificate: Path, keys: Keys) -> None:
    with tls_service(certificate, [OFFERINGS]) as url:
        trusted = trust(certificate)
        trusting = HttpScheduling(url, signer_from(keys.signing_key), tls=trusted)
        assert read(trusting) == m.Offerings(offerings=())
        assert trusted.cert_store_stats()["x509"] == 1, "public certificate authorities are not trusted"
        with refused(Unavailable):
            book(HttpScheduling(url, signer_from(keys.signing_key)))


def test_dripping_reply_does_not_outlast_the_deadline(certificate: Path, keys: Keys) -> None:
    drip = [bytes([byte]) for byte in answer("201 Created", b" " * 100)]
    with tls_service(certificate, drip) as url:
        port = HttpScheduling(url, signer_from(keys.signing_key), tls=trust(certificate))
        began = time.monotonic()
        with refused(OutcomeUnknown):
            book(port, seconds=0.4)
        assert time.monotonic() - began < 1.0


def trust(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@contextmanager
def tls_service(certificate: Path, reply: list[bytes]) -> Iterator[str]:
    """Answer every request with these pieces, 20 ms apart."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            while secured.recv(65_536):
                for piece in reply:
                    secured.sendall(piece)
                    time.sleep(0.02)

    threading.Thread(target=serve, daemon=True).start()
    yield f"https://{HOST}:{listener.getsockname()[1]}"
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
