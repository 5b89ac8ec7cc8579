"""The operating-system user of the embedded Postgres, which refuses to run as root."""

import functools
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import CommandError

NOBODY = 65_534


@dataclass(frozen=True, slots=True)
class Identity:
    """``prefix`` precedes a command to run it as this user; ``uid`` owns its files, as seen outside a namespace."""

    prefix: tuple[str, ...]
    uid: int

    def take_ownership(self, folder: Path) -> None:
        """Change the owner of the folder and its contents to this user, unless the folder has it already."""
        if folder.stat().st_uid == self.uid:
            return
        for path in (*folder.rglob("*"), folder):
            os.chown(path, self.uid, -1, follow_symlinks=False)


# Keeps the capability to traverse folders that only root may enter, such as that of the virtual environment.
AS_NOBODY = Identity(
    prefix=(
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--",
    ),
    uid=NOBODY,
)  # fmt: skip
# Postgres requires a user with a name; this one has a name on every system.
USER_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", "--")
# For containers whose only user is root. It comes second because other containers often forbid user namespaces.
IN_A_USER_NAMESPACE = Identity(prefix=USER_NAMESPACE, uid=0)


@functools.cache
def postgres_identity(program: Path) -> Identity:
    """Return an identity that can run ``program``: this user, or for root the first one above that works here."""
    if os.geteuid() != 0:
        return _this_user(program)
    for identity in (AS_NOBODY, IN_A_USER_NAMESPACE):
        if _works(identity, program):
            return identity
    raise CommandError(
        "Postgres refuses to run as root, and neither setpriv nor unshare (util-linux) works here: "
        "run as another user, or set MONOLITH_DATABASE_URL and SCHEDULING_DATABASE_URL to servers of your own"
    )


def _this_user(program: Path) -> Identity:
    """Return this user, in a user namespace if it has no name, as in some containers."""
    plain, named = Identity((), os.geteuid()), Identity(USER_NAMESPACE, os.geteuid())
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return named if _works(named, program) else plain
    return plain


# Postgres checks with `access(2)` that it may run its own programs. That call ignores capabilities, so below a folder
# that only root may enter the check fails although the programs would run.
_MAY_RUN = "import os, sys; sys.exit(not os.access(sys.argv[1], os.R_OK | os.X_OK))"


def _works(identity: Identity, program: Path) -> bool:
    if shutil.which(identity.prefix[0]) is None:
        return False
    trials = ([str(program), "--version"], [sys.executable, "-c", _MAY_RUN, str(program)])
    return all(
        subprocess.run([*identity.prefix, *trial], capture_output=True, check=False).returncode == 0 for trial in trials
    )
