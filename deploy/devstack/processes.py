"""The product's processes in the development stack."""

from deploy.devstack.environment import (
    Backends,
    console_environment,
    cutover_daemon_environment,
    mailsink_environment,
    monolith_environment,
    scheduling_environment,
)
from deploy.devstack.keys import Keys
from deploy.devstack.program import ROOT, Program, http_check
from deploy.devstack.settings import Settings

GUNICORN = ROOT / "deploy" / "gunicorn"


def mailsink_process(settings: Settings) -> Program:
    """Return the process that receives every mail."""
    return Program(
        "mailsink",
        ["-m", "deploy.mailsink"],
        mailsink_environment(settings),
        log=settings.logs / "mailsink.log",
        is_ready=http_check(settings.ports["MAIL_PORT"], "/"),
    )


def product_processes(settings: Settings, keys: Keys, backends: Backends) -> list[Program]:
    """Return both web processes, the monolith's worker, the service's relay, the cutover daemon and the console."""
    monolith = monolith_environment(settings, keys, backends)
    scheduling = scheduling_environment(settings, keys, backends)
    cutover_daemon = cutover_daemon_environment(settings, keys, backends)
    return [
        _web(settings, "scheduling", "scheduling_service.wsgi:app", scheduling),
        _web(settings, "monolith", "monolith.wsgi:app", {**monolith, "RATE_LIMIT_REDIS_URL": backends.redis_url}),
        _background(settings, "scheduling-relay", "scheduling_service.relay", scheduling),
        _background(settings, "monolith-worker", "monolith.worker", monolith),
        _background(settings, "cutover-daemon", "monolith.cutover.daemon", cutover_daemon),
        _console(settings, console_environment(settings, keys, backends)),
    ]


def _web(settings: Settings, deployment: str, application: str, environment: dict[str, str]) -> Program:
    metrics = {"PROMETHEUS_MULTIPROC_DIR": str(settings.running / f"metrics-{deployment}")}
    health_port = settings.ports[f"{deployment.upper()}_HEALTH_PORT"]
    return Program(
        f"{deployment}-web",
        ["-m", "gunicorn", "-c", str(GUNICORN / f"{deployment}.py"), application],
        {**environment, **metrics, "WEB_HEALTH_PORT": str(health_port)},
        log=settings.logs / f"{deployment}-web.log",
        is_ready=http_check(health_port, "/healthz"),
    )


def _console(settings: Settings, environment: dict[str, str]) -> Program:
    return Program(
        "console",
        ["-m", "gunicorn", "-c", str(GUNICORN / "console.py"), "deploy.console.wsgi:app"],
        environment,
        log=settings.logs / "console.log",
        is_ready=http_check(settings.ports["CONSOLE_PORT"], "/healthz"),
    )


def _background(settings: Settings, name: str, module: str, environment: dict[str, str]) -> Program:
    return Program(name, ["-m", module], environment, log=settings.logs / f"{name}.log")
