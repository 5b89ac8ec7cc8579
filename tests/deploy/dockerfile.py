"""Reads the two Dockerfiles."""

import json
import re
from pathlib import Path

from tests.servers import ROOT

IMAGES = ("monolith", "scheduling")


def dockerfile(image: str) -> Path:
    return ROOT / f"deploy/images/{image}.Dockerfile"


def instructions(image: str, name: str) -> list[str]:
    """Return the arguments of each instruction of this name, in order, with continued lines joined."""
    text = dockerfile(image).read_text().replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line).strip() for line in re.findall(rf"^{name} (.*)$", text, re.MULTILINE)]


def default_command(image: str) -> list[str]:
    """Return the command of a container that is started without one."""
    command: list[str] = json.loads(instructions(image, "CMD")[-1])
    return command
