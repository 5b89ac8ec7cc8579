"""Under which user the embedded Postgres runs: it refuses to run as root."""

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
    """``prefix`` is put before a command to run it so; ``uid`` is who owns the files, seen from outside."""

    prefix: tuple[str, ...]
    uid: int

    def own(self, folder: Path) -> None:
        """Hand the folder and all in it to this identity. Nothing changes when it is its owner already."""
        if folder.stat().st_uid == self.uid:
            return
        for path in (*folder.rglob("*"), folder):
            os.chown(path, self.uid, -1, follow_symlinks=False)


# Keeps the right to pass folders that only root may enter, such as the one the virtual environment stands in.
AS_NOBODY = Identity(
    prefix=(
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--",
    ),
    uid=NOBODY,
)  # fmt: skip
# Postgres wants its user to have a name, and everywhere this one has.
USER_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", "--")
# For containers whose only user is root; others often forbid user namespaces, so this comes second.
IN_A_USER_NAMESPACE = Identity(prefix=USER_NAMESPACE, uid=0)


@functools.cache
def postgres_identity(program: Path) -> Identity:
    """Who can run ``program``: this user, or for root the first of the ways above that works here."""
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
    """Plainly; but a container may run as a number that has no name."""
    plain, named = Identity((), os.geteuid()), Identity(USER_NAMESPACE, os.geteuid())
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return named if _works(named, program) else plain
    return plain


# Postgres asks `access(2)` whether it may run its own programs, which ignores capabilities: below a folder that only
# root may enter, the answer is no although running them works.
_MAY_RUN = "import os, sys; sys.exit(not os.access(sys.argv[1], os.R_OK | os.X_OK))"


def _works(identity: Identity, program: Path) -> bool:
    if shutil.which(identity.prefix[0]) is None:
        return False
    trials = ([str(program), "--version"], [sys.executable, "-c", _MAY_RUN, str(program)])
    return all(
        subprocess.run([*identity.prefix, *trial], capture_output=True, check=False).returncode == 0 for trial in trials
    )
