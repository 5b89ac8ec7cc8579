"""The businesses as a running console describes them, read with an account and without a secret of the deployment."""

import os
from typing import Any
from urllib.parse import urlsplit

import click
import requests

from contracts.chassis.plaintext import SETTING, first_refused
from deploy.errors import CommandError

Row = dict[str, str | int | None]
COLUMNS = ("business", "owner", "epoch", "state", "sentence")
SECONDS = 15.0


def read_businesses(url: str, email: str) -> list[Row]:
    """Ask for the password, sign in for one question, and return a row for each business. Raises CommandError."""
    host = urlsplit(url).hostname or ""
    if not url.startswith("https://") and first_refused(os.environ, [host]):
        raise CommandError(f"{url} is not encrypted: use https, or list {host} in {SETTING}")
    password = click.prompt("Password", hide_input=True, err=True)
    session = requests.Session()
    session.trust_env = False
    try:
        signed_in = _json(session.post(f"{_api(url)}/sign-in", json={"email": email, "password": password}, **_OPTIONS))
        session.headers["Authorization"] = f"Bearer {signed_in['token']}"
        try:
            state = _json(session.get(f"{_api(url)}/state", **_OPTIONS))
        finally:
            session.post(f"{url.rstrip('/')}/ops/sign-out", **_OPTIONS)
    except requests.RequestException as error:
        raise CommandError(f"the console at {url} cannot be reached ({type(error).__name__})") from error
    if state["default"] is None:
        problems = "; ".join(state["problems"].values()) or "it has just started"
        raise CommandError(f"the console knows no state at the moment: {problems}")
    return [_row(each) for each in state["businesses"]]


# A redirect could lead to another host.
_OPTIONS: dict[str, Any] = {"timeout": SECONDS, "allow_redirects": False}


def _api(url: str) -> str:
    return f"{url.rstrip('/')}/api/v1"


def _json(response: requests.Response) -> dict[str, Any]:
    """Return the reply. Raises CommandError with the console's own reason for a refusal."""
    try:
        reply = response.json()
    except ValueError:
        reply = None
    if not isinstance(reply, dict):
        raise CommandError(f"there is no console at {response.url}")
    if response.status_code != 200:
        raise CommandError(f"the console refused: {reply.get('detail', response.status_code)}")
    return reply


def _row(each: dict[str, Any]) -> Row:
    return {
        "business": each["slug"],
        "owner": each["owner"],
        "epoch": each["epoch"],
        "state": each["level"],
        "sentence": each["sentence"],
    }
