"""The Kubernetes overlays as Kustomize builds them, with secrets as an operator creates them."""

import base64
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.programs import program
from tests.servers import ROOT

FOLDER = ROOT / "deploy/kubernetes"
OVERLAYS = ("monolith", "extraction")
Resource = dict[str, Any]


@dataclass(frozen=True)
class Manifests:
    """All resources of one overlay."""

    resources: list[Resource]

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        return (resource for resource in self.resources if resource["kind"] in kinds)

    def named(self, kind: str, name: str) -> Resource:
        (found,) = (resource for resource in self.of_kind(kind) if resource["metadata"]["name"] == name)
        return found

    def containers(self) -> dict[str, Resource]:
        """Return the only container of each workload, by the workload's name."""
        return {name_of(workload): pod_of(workload)["containers"][0] for workload in self.of_kind("Deployment", "Job")}

    def environment_of(self, container: Resource) -> dict[str, str]:
        """Return the container's environment from its config maps, secrets and values."""
        environment: dict[str, str] = {}
        for source in container["envFrom"]:
            if "configMapRef" in source:
                environment |= self.named("ConfigMap", source["configMapRef"]["name"])["data"]
            else:
                data = self.named("Secret", source["secretRef"]["name"])["data"]
                environment |= {name: base64.b64decode(value).decode() for name, value in data.items()}
        return environment | {each["name"]: each["value"] for each in container.get("env", [])}

    def labelled(self, selector: dict[str, str]) -> list[str]:
        """Return the names of the workloads whose pods have these labels."""
        return [
            name_of(workload)
            for workload in self.of_kind("Deployment", "Job")
            if selector.items() <= workload["spec"]["template"]["metadata"]["labels"].items()
        ]


def build(overlay: str, folder: Path) -> Manifests:
    """Build an overlay in a copy of the manifests."""
    copy = folder / "kubernetes"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("secrets"))
    secrets = copy / "overlays" / overlay / "secrets"
    subprocess.run(["sh", ROOT / "deploy/settings/new-secrets.sh", secrets], check=True, capture_output=True)
    command: list[str | Path] = [program("kubectl"), "kustomize", copy / "overlays" / overlay]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return Manifests(list(yaml.safe_load_all(built.stdout)))


def name_of(resource: Resource) -> str:
    name: str = resource["metadata"]["name"]
    return name


def pod_of(workload: Resource) -> Resource:
    pod: Resource = workload["spec"]["template"]["spec"]
    return pod
