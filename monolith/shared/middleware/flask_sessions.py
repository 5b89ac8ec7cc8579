"""Flask's own sessions, turned off: who calls is told by a session in the database (`modules/auth`), not by a cookie
that carries what it says."""

from typing import Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin

_NOTHING = NullSession()


class NoSessions(SessionInterface):
    """Reading `flask.session` finds nothing; writing to it raises."""

    def open_session(self, app: Flask, request: Request) -> Any:
        return _NOTHING

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Never called: a null session is not saved."""
