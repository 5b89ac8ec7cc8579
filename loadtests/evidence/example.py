"""A Flask application that exports the series for `extraction evidence` in thirty lines, with two slow modules."""

import time
from threading import Lock

from flask import Flask, Response, g, request
from prometheus_client import Counter, Gauge, Histogram, generate_latest

SECONDS = Histogram("shop_http_request_seconds", "Request duration.", ["module", "endpoint", "status"])
CPU = Counter("shop_http_cpu_seconds", "CPU time of the thread that served the request.", ["module", "endpoint"])
IN_FLIGHT = Gauge("shop_http_in_flight", "In-flight requests.", ["module"])
POOL_WAIT = Histogram("shop_pool_wait_seconds", "Wait for a database connection.", ["module"])
SESSIONS = Gauge("shop_database_sessions", "Active statements: running, or waiting for a lock.", ["module", "state"])
PROCESSES = Gauge("shop_http_processes", "Web processes.")
THREADS = Gauge("shop_http_threads", "Request threads.")
PROCESSES.set(1)
THREADS.set(8)
app, connection = Flask(__name__), Lock()


@app.before_request
def begin() -> None:
    g.module, g.began, g.cpu = request.path.split("/")[1] or "home", time.perf_counter(), time.thread_time()
    IN_FLIGHT.labels(g.module).inc()


@app.after_request
def end(answer: Response) -> Response:
    labels = g.module, request.endpoint or "none"
    SECONDS.labels(*labels, str(answer.status_code)).observe(time.perf_counter() - g.began)
    CPU.labels(*labels).inc(time.thread_time() - g.cpu)
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
    requested = time.perf_counter()
    with connection:
        POOL_WAIT.labels("orders").observe(time.perf_counter() - requested)
        time.sleep(0.002)
    return "none"
