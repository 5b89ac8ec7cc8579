"""Thirty lines that make a Flask application speak to `extraction evidence`, and two modules that need it."""

import time
from threading import Lock

from flask import Flask, Response, g, request
from prometheus_client import Counter, Gauge, Histogram, generate_latest

SECONDS = Histogram("shop_http_request_seconds", "Until the answer.", ["module", "endpoint", "status"])
CPU = Counter("shop_http_cpu_seconds", "Of the thread that served it.", ["module", "endpoint"])
IN_FLIGHT = Gauge("shop_http_in_flight", "Requests being served.", ["module"])
POOL_WAIT = Histogram("shop_pool_wait_seconds", "Until a connection was free.", ["module"])
SESSIONS = Gauge("shop_database_sessions", "Statements under way: running, or waiting for a lock.", ["module", "state"])
PROCESSES, THREADS = Gauge("shop_http_processes", "That serve."), Gauge("shop_http_threads", "That serve.")
PROCESSES.set(1)
THREADS.set(8)
app, connection = Flask(__name__), Lock()


@app.before_request
def begin() -> None:
    g.module, g.began, g.cpu = request.path.split("/")[1] or "home", time.perf_counter(), time.thread_time()
    IN_FLIGHT.labels(g.module).inc()


@app.after_request
def end(answer: Response) -> Response:
    where = g.module, request.endpoint or "none"
    SECONDS.labels(*where, str(answer.status_code)).observe(time.perf_counter() - g.began)
    CPU.labels(*where).inc(time.thread_time() - g.cpu)
    IN_FLIGHT.labels(g.module).dec()
    return answer


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), content_type="text/plain; version=0.0.4")


@app.get("/reports/yearly")
def yearly() -> str:
    return str(sum(number * number for number in range(200_000)))


@app.get("/orders/latest")
def latest() -> str:
    asked = time.perf_counter()
    with connection:
        POOL_WAIT.labels("orders").observe(time.perf_counter() - asked)
        time.sleep(0.002)
    return "none"
