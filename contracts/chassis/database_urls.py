"""Postgres URLs that name several servers, such as the members of a cluster that can fail over.

    postgresql://host1:5432,host2:5432/database?target_session_attrs=read-write

libpq tries the servers in order, and takes the first that is in the required state.
"""

from urllib.parse import SplitResult, parse_qs, quote, urlencode, urlsplit

_WITH_TLS = ("require", "verify-ca", "verify-full")


def is_database_url(value: str) -> bool:
    """Return whether the URL has the scheme of Postgres, one or more servers, and a database."""
    try:
        parts = urlsplit(value)
        servers = [urlsplit(f"//{server}") for server in _servers(parts)]
        return (
            parts.scheme in ("postgresql", "postgres")
            and all(server.hostname and server.port != 0 for server in servers)
            and bool(parts.path.strip("/"))
        )
    except ValueError:
        return False


def server_hosts(url: str) -> list[str]:
    """Return the host of each server."""
    return [urlsplit(f"//{server}").hostname or "" for server in _servers(urlsplit(url))]


def demands_tls(url: str) -> bool:
    """Return whether libpq refuses to connect to a server of this URL without TLS."""
    return parse_qs(urlsplit(url).query).get("sslmode", [""])[-1] in _WITH_TLS


def sqlalchemy_url(url: str) -> str:
    """Return the URL for SQLAlchemy and psycopg. SQLAlchemy accepts several servers as parameters only."""
    parts = urlsplit(url)._replace(scheme="postgresql+psycopg")
    servers = _servers(parts)
    if len(servers) == 1:
        return parts.geturl()
    user, at, _ = parts.netloc.rpartition("@")
    hosts = urlencode([("host", server) for server in servers], quote_via=quote, safe=":")
    query = "&".join(filter(None, (hosts, parts.query)))
    return parts._replace(netloc=f"{user}{at}", query=query).geturl()


def _servers(parts: SplitResult) -> list[str]:
    return parts.netloc.rpartition("@")[2].split(",")
