"""Both overlays build, are valid for the API, confine every pod, and agree with the code and with themselves."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.settings.processes import PROCESSES
from tests.deploy.declared import declared_process, port_of
from tests.deploy.manifests import OVERLAYS, Manifests, Resource, build, name_of, pod_of
from tests.deploy.programs import program
from tests.servers import ROOT

pytestmark = pytest.mark.tools

WITHOUT_SERVICE = {"monolith web", "monolith worker", "monolith set-up"}
PATHS = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def manifests(overlay: str, tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    return build(overlay, tmp_path_factory.mktemp("manifests"))


def test_every_resource_is_valid_for_the_api(manifests: Manifests, tmp_path: Path) -> None:
    assert len(manifests.resources) > 15
    assert problems(manifests.resources, tmp_path) == ""
    misspelt = {**manifests.named("Service", "monolith-web")}
    misspelt["spec"] = {**misspelt["spec"], "selectors": {}}
    assert "selectors" in problems([misspelt], tmp_path)


def problems(resources: list[Resource], folder: Path) -> str:
    """Return what the validator reports; empty if all are valid."""
    file = folder / "resources.yaml"
    file.write_text(yaml.safe_dump_all(resources))
    command: list[str | Path] = [program("kubernetes-validate"), "--strict", "--quiet", file]
    validated = subprocess.run(command, capture_output=True, text=True)
    return "" if validated.returncode == 0 else validated.stdout + validated.stderr


def test_each_overlay_runs_the_processes_of_its_topology(manifests: Manifests, overlay: str) -> None:
    found = set()
    for name, container in manifests.containers().items():
        process = declared_process(container["command"], manifests.environment_of(container))
        assert process.name.replace(" ", "-") == name
        image = "scheduling" if name.startswith("scheduling") else "monolith"
        assert container["image"] == f"registry.example.com/extraction-{image}:0.2.0"
        found.add(process.name)
    assert found == (WITHOUT_SERVICE if overlay == "monolith" else {process.name for process in PROCESSES})
    for workload in manifests.of_kind("Deployment", "Job"):
        assert (workload["kind"] == "Job") == name_of(workload).endswith("-set-up")


def test_ports_probes_services_and_urls_agree(manifests: Manifests) -> None:
    for name, container in manifests.containers().items():
        environment = manifests.environment_of(container)
        port = port_of(declared_process(container["command"], environment), environment)
        health = [int(environment["WEB_HEALTH_PORT"])] if name.endswith("-web") else []
        assert [each["containerPort"] for each in container.get("ports", [])] == ([port] if port else []) + health
        if name.endswith("-web"):
            assert environment.get("WEB_HOST", "0.0.0.0") == "0.0.0.0", "the image listens on every address"
            assert {probe: container[probe]["httpGet"]["path"] for probe in PATHS} == PATHS
            assert {container[probe]["httpGet"]["port"] for probe in PATHS} == {"health"}
            (served,) = manifests.named("Service", name)["spec"]["ports"]
            assert (served["port"], served["targetPort"]) == (port, "http")
            assert manifests.labelled(manifests.named("Service", name)["spec"]["selector"]) == [name]
        url = environment.get("SCHEDULING_SERVICE_URL")
        assert url in (None, "http://scheduling-web:8001")


def test_settings_name_services_and_the_servers_that_the_page_names(manifests: Manifests, overlay: str) -> None:
    services = {name_of(each) for each in manifests.of_kind("Service")}
    named = set()
    for container in manifests.containers().values():
        environment = manifests.environment_of(container)
        urls = [value for value in environment.values() if "://" in value and not value.startswith("https://")]
        hosts = {urlsplit(url).hostname for url in urls}
        plaintext = set(environment["PLAINTEXT_HOSTS"].split(","))
        assert hosts - {"mail"} <= plaintext, "a host without TLS that is not listed is refused at the start"
        named |= hosts | plaintext
    page = (ROOT / "deploy/kubernetes/README.md").read_text()
    outside = set(re.findall(r"^\| `([a-z-]+)` \| \d+ \|", page, re.MULTILINE))
    assert len(outside) == 4
    # The settings of the monolith alone name the service too, for the day on which it is added.
    assert named <= services | outside | ({"scheduling-web"} if overlay == "monolith" else set())


def test_pods_are_restricted(manifests: Manifests) -> None:
    for workload in manifests.of_kind("Deployment", "Job"):
        pod = pod_of(workload)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
    (namespace,) = manifests.of_kind("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"].get("namespace", "") for each in manifests.resources} == {"extraction", ""}


def test_a_replica_may_be_missing_at_any_time(manifests: Manifests) -> None:
    scaled = {name_of(each): each["spec"] for each in manifests.of_kind("HorizontalPodAutoscaler")}
    for deployment in manifests.of_kind("Deployment"):
        name, replicas = name_of(deployment), deployment["spec"].get("replicas")
        assert (replicas is None) == (name in scaled), name
        assert (replicas or scaled[name]["minReplicas"]) >= 2
    for budget in manifests.of_kind("PodDisruptionBudget"):
        assert manifests.labelled(budget["spec"]["selector"]["matchLabels"]) == [name_of(budget)]
    assert set(scaled) <= {name_of(each) for each in manifests.of_kind("PodDisruptionBudget")}


def test_every_pod_has_a_network_policy_and_policies_name_existing_pods(manifests: Manifests) -> None:
    policies = {name_of(each): each["spec"] for each in manifests.of_kind("NetworkPolicy")}
    assert policies.pop("refuse-by-default") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert set(policies) == set(manifests.containers())
    for name, policy in policies.items():
        assert manifests.labelled(policy["podSelector"]["matchLabels"]) == [name]
        ports = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
        served = manifests.containers()[name].get("ports", [])
        # The kubelet needs no permission for its probes, and nothing else asks the health checks' listener.
        assert ports == {port["containerPort"] for port in served if port["name"] != "health"}


def test_the_network_policies_let_each_process_reach_what_its_settings_name(manifests: Manifests) -> None:
    policies = {name_of(each): each["spec"] for each in manifests.of_kind("NetworkPolicy")}
    for name, container in manifests.containers().items():
        allowed = {port["port"] for rule in policies[name]["egress"] for port in rule["ports"]}
        urls = [value for key, value in manifests.environment_of(container).items() if key.endswith("_URL")]
        used = {int(url.rpartition(":")[2].split("/")[0]) for url in urls if not url.startswith("https://")}
        assert used <= allowed, name
