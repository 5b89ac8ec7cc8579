"""Rotation of the running roles' passwords: `set_passwords(target)`, whose secret holds the new and the old one."""

from dataclasses import replace

from contracts.chassis.credentials import role_passwords, role_url
from contracts.chassis.logins import alternatives
from deploy.databases import roles
from deploy.databases.schemas import Target
from deploy.databases.set_up import LOCK, connect
from deploy.errors import CommandError


def set_passwords(target: Target) -> None:
    """Set the new passwords of all running roles in one transaction. Idempotent.

    Raises CommandError for a secret without the old passwords: processes that know only those would be locked out.
    """
    first = target.running_roles[0]
    if len(role_passwords(target.role_secret, first)) < 2:
        raise CommandError(
            "the secret holds no second one: set it to NEW,OLD here and in every process, and restart them, "
            "before the passwords are changed"
        )
    if not any(_is_accepted(target, url) for url in alternatives(role_url(target.url, first, target.role_secret))):
        raise CommandError(
            f"neither secret is that of the {target.name} database: the second one must be the secret in use"
        )
    with connect(target) as administrator:
        administrator.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        with administrator.transaction():
            for schema in target.schemas:
                roles.set_passwords(administrator, schema, target.role_secret)


def _is_accepted(target: Target, url: str) -> bool:
    try:
        connect(replace(target, url=url)).close()
    except CommandError:
        return False
    return True
