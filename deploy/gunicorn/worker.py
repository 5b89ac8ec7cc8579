"""A gunicorn worker with threads and with admission: a request takes a thread only when it is complete and its turn.

gunicorn's own worker gives each connection a thread as soon as there is one, and queues the others without limit, first
come, first served. Here the event loop waits until a request has arrived completely, without reading it, and
`AdmissionQueue` decides what starts next. So slow clients hold no thread, a queued request is known by its path, and a
refusal costs microseconds.
"""

import contextlib
import math
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import msgspec
from gunicorn import util
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from contracts.chassis.admission import UNKNOWN_TENANT, AdmissionQueue, Priority, RequestClass, Ticket
from contracts.chassis.arrival import set_arrival
from contracts.chassis.served_application import served_application
from deploy.gunicorn.client_socket import MOST_UNSENT, ClientSocket, UnsentBytes, has_closed
from deploy.gunicorn.refusal import malformed, refusal
from deploy.gunicorn.request_head import LONGEST_HEAD, Disconnected, RequestHead, peek, pipelined
from deploy.gunicorn.thread_usage import usage_since_last_call

ARRIVAL_SECONDS = 10.0
"""The time that a client has to send a complete request, once its connection is open or its first byte has arrived."""
RECEIVING_SECONDS = 60.0
"""The time that a client has to read the rest of a response, after its thread is free."""
LIMIT_SECONDS = 0.01
"""While requests wait, the event loop looks this often whether one is too late, or the limit of a tenant has ended."""
UNKNOWN_REQUEST = RequestClass(Priority.SEARCH, UNKNOWN_TENANT, shared=True, streamed=True)
"""A request that cannot be read in advance, or not completely."""


class Waiting:
    """A connection that the event loop watches until a time: for the rest of a request, for its reader, or for its end.

    `seen` is the number of bytes of an incomplete request at the last look.
    """

    def __init__(self, conn: Any, seconds: float) -> None:
        self.conn = conn
        self.until = time.monotonic() + seconds
        self.seen = 0


class AdmissionWorker(ThreadWorker):  # type: ignore[misc]
    """One worker process. All methods but `_handle` run in its event loop."""

    def init_process(self) -> None:
        self.queue: AdmissionQueue[tuple[Any, RequestHead]] = AdmissionQueue(self.cfg.threads)
        self.arriving: dict[int, Waiting] = {}
        self.sending: dict[int, Waiting] = {}
        self.closing: dict[int, Waiting] = {}
        self.unsent = UnsentBytes()
        # There is no setting for the page, in HTML, with which gunicorn answers a request that it cannot read.
        util.write_error = _write_malformed
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
        connection = ClientSocket(client.family, client.type, client.proto, client.detach())
        connection.prepare(self.unsent)
        self.enqueue_req(TConn(self.cfg, connection, address, listener.getsockname()))

    def enqueue_req(self, conn: Any) -> None:
        """Wait until the next request of a connection is complete, then queue it."""
        conn.sock.setblocking(False)
        ahead = b"" if conn.parser is None else conn.parser.unreader.buf.getvalue()
        if ahead:
            # The parser has read ahead: nothing more may arrive in the socket.
            self._queue(conn, pipelined(ahead))
            return
        try:
            head = peek(conn.sock)
        except (Disconnected, OSError):
            self._close(conn)
            return
        if not head.missing:
            self._queue(conn, head)
            return
        waiting = Waiting(conn, ARRIVAL_SECONDS if self.alive else STOP_KEEPALIVE_LINGER)
        self._watch(self.arriving, waiting, lambda _: self._look(waiting))
        self._await_rest(waiting, head)

    def is_parent_alive(self) -> bool:
        """Called once in each turn of the event loop. Without its master the worker stops, as after SIGTERM.

        gunicorn's own worker would listen, without accepting, until its last kept-alive connection ends: clients wait,
        and a new master cannot have the port.
        """
        if super().is_parent_alive():
            return True
        self.alive = False
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        return False

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(min(timeout, LIMIT_SECONDS) if len(self.queue) else timeout)
        if len(self.queue):
            for ticket in self.queue.refuse_late():
                self._refuse(ticket)
            self._start_waiting()

    def murder_pending(self) -> None:
        """Close connections whose request, or whose end, does not arrive in time, or whose response is not read.

        While there are too many connections, also the one that has been watched for the longest time.
        """
        super().murder_pending()
        now = time.monotonic()
        for watched in (self.closing, self.sending, self.arriving):
            while watched:
                waiting = next(iter(watched.values()))
                if waiting.until > now and self.nr_conns < self.worker_connections:
                    break
                self._close_watched(watched, waiting)

    def _cap_keepalive(self, deadline: float) -> None:
        """Called once by gunicorn when the worker stops: close idle and incomplete connections by `deadline`."""
        super()._cap_keepalive(deadline)
        for waiting in self.arriving.values():
            waiting.until = min(waiting.until, deadline)

    def _look(self, waiting: Waiting) -> None:
        """Queue the request if it has arrived completely; otherwise wait for more of it."""
        conn = waiting.conn
        try:
            head = peek(conn.sock)
            if head.missing and 0 < head.size <= waiting.seen:
                # Readable, but with nothing new. If the client has closed its end, no thread has to wait. Otherwise the
                # system cannot keep more of the request: a client that sends single bytes fills its buffer early.
                head = msgspec.structs.replace(head, size=0, missing=0, streamed=not has_closed(conn.sock))
        except (Disconnected, OSError):
            self._close_watched(self.arriving, waiting)
            return
        if head.missing:
            self._await_rest(waiting, head)
            return
        self._stop_watching(self.arriving, waiting)
        self._queue(conn, head)

    def _await_rest(self, waiting: Waiting, head: RequestHead) -> None:
        waiting.seen = head.size
        if head.size:
            # The socket becomes readable again when the missing bytes have arrived, and not for each of them.
            waiting.conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, head.size)

    def _watch(
        self,
        watched: dict[int, Waiting],
        waiting: Waiting,
        on_ready: Callable[[object], None],
        event: int = selectors.EVENT_READ,
    ) -> None:
        watched[waiting.conn.sock.fileno()] = waiting
        self.poller.register(waiting.conn.sock, event, on_ready)

    def _stop_watching(self, watched: dict[int, Waiting], waiting: Waiting) -> None:
        sock = waiting.conn.sock
        if watched.pop(sock.fileno(), None) is not None:
            self.poller.unregister(sock)
        if waiting.seen:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def _close_watched(self, watched: dict[int, Waiting], waiting: Waiting) -> None:
        self._stop_watching(watched, waiting)
        self._close(waiting.conn)

    def _queue(self, conn: Any, head: RequestHead) -> None:
        conn.data_ready = True
        self.queue.add((conn, head), self._class_of(head))
        self._start_waiting()

    def _class_of(self, head: RequestHead) -> RequestClass:
        if self.served is None:
            return RequestClass()
        if head.streamed or not head.path:
            # Not of the business that it names: anyone could keep the places of that business as long as this takes.
            return UNKNOWN_REQUEST
        return self.served.classify(head.method, head.path, head.head)

    def _start_waiting(self) -> None:
        while (ticket := self.queue.start_next()) is not None:
            running = self.tpool.submit(self._handle, ticket)
            running.add_done_callback(partial(self.method_queue.defer, self._finish, ticket))

    def _handle(self, ticket: Ticket[tuple[Any, RequestHead]]) -> object:
        arrival = set_arrival(ticket.arrived)
        client = ticket.item[0].sock
        client.read_within(ARRIVAL_SECONDS if ticket.kind.streamed else math.inf)
        try:
            return self.handle(ticket.item[0])
        finally:
            client.read_within(math.inf)
            # A thread of the pool does nothing else between two requests.
            ticket.processor_seconds, ticket.waited_seconds = usage_since_last_call()
            ticket.tenant_exists = arrival.tenant_exists

    def _finish(self, ticket: Ticket[tuple[Any, RequestHead]], running: "Future[object]") -> None:
        self.queue.finished(ticket)
        conn = ticket.item[0]
        if conn.sock.unsent:
            conn.sock.setblocking(False)
            waiting = Waiting(conn, RECEIVING_SECONDS)
            self._watch(self.sending, waiting, lambda _: self._send_more(waiting, running), selectors.EVENT_WRITE)
            while self.unsent.number > MOST_UNSENT and self.sending:
                self._close_watched(self.sending, next(iter(self.sending.values())))
        else:
            self._after_response(conn, running)
        self._start_waiting()

    def _send_more(self, waiting: Waiting, running: "Future[object]") -> None:
        try:
            waiting.conn.sock.send_more()
        except OSError:
            self._close_watched(self.sending, waiting)
            return
        if not waiting.conn.sock.unsent:
            self._stop_watching(self.sending, waiting)
            self._after_response(waiting.conn, running)

    def _after_response(self, conn: Any, running: "Future[object]") -> None:
        """Keep the connection if its thread has returned true, otherwise close it."""
        if not running.cancelled() and running.exception() is None and not running.result():
            self._close_gracefully(conn)
        else:
            self.finish_request(conn, running)

    def _close_gracefully(self, conn: Any) -> None:
        """Send the end of the response, and wait for the client to close: gunicorn's own method would wait here."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self._close(conn)
            return
        waiting = Waiting(conn, STOP_KEEPALIVE_LINGER)
        self._watch(self.closing, waiting, lambda _: self._discard(waiting))

    def _discard(self, waiting: Waiting) -> None:
        """Read what a client still sends: closing the connection with unread data would discard the response."""
        try:
            has_ended = not waiting.conn.sock.recv(LONGEST_HEAD)
        except BlockingIOError:
            return
        except OSError:
            has_ended = True
        if has_ended:
            self._close_watched(self.closing, waiting)

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
        self._close_gracefully(conn)

    def _keep(self, conn: Any) -> None:
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def _write_malformed(client: socket.socket, status: int, reason: str, message: str) -> None:
    util.write_nonblock(client, malformed(status, reason, message))
