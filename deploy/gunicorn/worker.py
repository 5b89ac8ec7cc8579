"""A gunicorn worker with threads and with admission: a request takes a thread only when it is complete and its turn.

gunicorn's own worker gives each connection a thread as soon as there is one, and queues the others without limit, first
come, first served. Here the event loop waits until a request has arrived completely, without reading it, and
`AdmissionQueue` decides what starts next. So slow clients hold no thread, a queued request is known by its path, and a
refusal costs microseconds.
"""

import contextlib
import selectors
import socket
import struct
import sys
import time
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from contracts.chassis.admission import AdmissionQueue, Priority, RequestClass, Ticket
from contracts.chassis.arrival import set_arrival
from contracts.chassis.served_application import served_application
from deploy.gunicorn.refusal import refusal
from deploy.gunicorn.request_head import LONGEST_HEAD, Disconnected, RequestHead, peek

ARRIVAL_SECONDS = 10.0
"""The time that a client has to send a complete request, once its connection is open or its first byte has arrived."""
SOCKET_SECONDS = 10
"""The longest wait of a thread for a client: to read more of a streamed body, or to accept more of a response."""
SWITCH_SECONDS = 0.001
"""The time for which a thread may keep the interpreter while others wait for it. Python's default of 5 ms delays each
return from a database call by as much while a search computes in another thread."""

_STREAMED = "(streamed)"
_TIMEOUT = struct.pack("ll", SOCKET_SECONDS, 0)


class Waiting:
    """A connection whose request is not complete. `seen` is the number of bytes at the last look."""

    def __init__(self, conn: Any) -> None:
        self.conn = conn
        self.until = time.monotonic() + ARRIVAL_SECONDS
        self.seen = 0


class AdmissionWorker(ThreadWorker):  # type: ignore[misc]
    """One worker process. All methods but `_handle` run in its event loop."""

    def init_process(self) -> None:
        self.queue: AdmissionQueue[tuple[Any, RequestHead]] = AdmissionQueue(self.cfg.threads)
        self.arriving: dict[int, Waiting] = {}
        sys.setswitchinterval(SWITCH_SECONDS)
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.served = served_application(self.wsgi)

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; a thread gets it when its first request is complete."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        # For the reads and writes of threads, which block; the event loop never does.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEOUT)
        self.enqueue_req(TConn(self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: Any) -> None:
        """Wait until the next request of a connection is complete, then queue it."""
        if conn.parser is not None and conn.parser.unreader.buf.getvalue():
            # The parser has read ahead: nothing more may arrive in the socket.
            self._queue(conn, RequestHead("", "", b"", 0, streamed=True))
            return
        conn.sock.setblocking(False)
        self._look(Waiting(conn), registered=False)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        until_refusal = self.queue.seconds_to_next_refusal()
        super().wait_for_and_dispatch_events(timeout if until_refusal is None else min(timeout, until_refusal))
        for ticket in self.queue.refuse_late():
            self._refuse(ticket)

    def murder_pending(self) -> None:
        """Close connections whose request does not arrive in time.

        While there are too many connections, also the one that has been incomplete for the longest time.
        """
        super().murder_pending()
        now = time.monotonic()
        stopping_at = now + (STOP_KEEPALIVE_LINGER if not self.alive else ARRIVAL_SECONDS)
        for waiting in list(self.arriving.values()):
            waiting.until = min(waiting.until, stopping_at)
            if waiting.until > now and self.nr_conns < self.worker_connections:
                break
            self._stop_waiting(waiting)
            self._close(waiting.conn)

    def _look(self, waiting: Waiting, *, registered: bool) -> None:
        """Queue the request if it has arrived completely; otherwise wait for more of it."""
        conn = waiting.conn
        try:
            head = peek(conn.sock)
            if head.missing and registered and head.size <= waiting.seen:
                # Readable, but with nothing new: the client has closed its end, so a thread does not have to wait.
                head = replace(head, size=0, missing=0)
        except (Disconnected, OSError):
            self._stop_waiting(waiting)
            self._close(conn)
            return
        if not head.missing:
            self._stop_waiting(waiting)
            self._queue(conn, head)
            return
        waiting.seen = head.size
        if head.size:
            # The socket becomes readable again when the missing bytes have arrived, and not for each of them.
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, head.size)
        if not registered:
            self.arriving[conn.sock.fileno()] = waiting
            self.poller.register(conn.sock, selectors.EVENT_READ, lambda _: self._look(waiting, registered=True))

    def _stop_waiting(self, waiting: Waiting) -> None:
        sock = waiting.conn.sock
        if self.arriving.pop(sock.fileno(), None) is not None:
            self.poller.unregister(sock)
        if waiting.seen:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def _queue(self, conn: Any, head: RequestHead) -> None:
        conn.data_ready = True
        self.queue.add((conn, head), self._class_of(head))
        self._start_waiting()

    def _class_of(self, head: RequestHead) -> RequestClass:
        if self.served is None:
            return RequestClass()
        kind = self.served.classify(head.method, head.path, head.head)
        # Their bodies hold a thread for as long as the client likes, so all of them together get the places of one.
        return replace(kind, tenant=_STREAMED, priority=Priority.SEARCH) if head.streamed else kind

    def _start_waiting(self) -> None:
        while (ticket := self.queue.start_next()) is not None:
            running = self.tpool.submit(self._handle, ticket)
            running.add_done_callback(partial(self.method_queue.defer, self._finish, ticket))

    def _handle(self, ticket: Ticket[tuple[Any, RequestHead]]) -> object:
        set_arrival(ticket.arrived)
        return self.handle(ticket.item[0])

    def _finish(self, ticket: Ticket[tuple[Any, RequestHead]], running: "Future[object]") -> None:
        self.queue.finished(ticket)
        self.finish_request(ticket.item[0], running)
        self._start_waiting()

    def _refuse(self, ticket: Ticket[tuple[Any, RequestHead]]) -> None:
        conn, head = ticket.item
        if self.served is not None:
            self.served.on_refused(ticket.kind.priority)
        with contextlib.suppress(OSError):
            response = refusal(ticket.kind, head.method)
            # Read it first: closing a socket with unread data would reset the connection, and discard the response.
            conn.sock.recv(head.size or LONGEST_HEAD, socket.MSG_DONTWAIT)
            if conn.sock.send(response, socket.MSG_DONTWAIT) == len(response) and head.size and self.alive:
                self._keep(conn)
                return
        self._close(conn)

    def _keep(self, conn: Any) -> None:
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()
