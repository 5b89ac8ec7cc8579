"""Flask's cookie sessions, turned off: sessions are stored in the database (`modules/auth`)."""

from typing import Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin

_NOTHING = NullSession()


class NoSessions(SessionInterface):
    """An empty session; writing to it raises."""

    def open_session(self, app: Flask, request: Request) -> Any:
        return _NOTHING

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Never called: a null session is not saved."""
