"""Gunicorn settings of the floors: those of the monolith, without its start-up hooks and without admission."""

from deploy.gunicorn.monolith import bind, keepalive  # noqa: F401
from deploy.gunicorn.web import *  # noqa: F403 (gunicorn reads its settings from the names in this file)

worker_class = "gthread"
