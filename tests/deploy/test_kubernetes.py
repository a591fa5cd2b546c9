"""The manifests in deploy/kubernetes: valid, and the same system as compose.yaml."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.conf.variables import REQUIRED
from shared.workers.check import STALE_SECONDS
from tests.support.deploy.manifests import (
    OVERLAYS,
    PARTS,
    TOOLS,
    container_of,
    environment,
    of_kind,
    rendered,
    resources,
    workloads,
)
from tests.support.variables import ROOT, read_variables, service_of, variables_of

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
APPS = {
    name: each for name, each in COMPOSE["services"].items() if "event-reservation" in each["image"]
}
APIS = [name for name in APPS if name.endswith("-api")]
# These only pass on what others are made of.
NOT_READ = {"POD_IP", "PUBLIC_HOSTS"}
# Their schemas are those of the operators.
CUSTOM = {"Cluster", "RabbitmqCluster"}


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_resources_are_valid(tmp_path: Path, overlay: str, part: str, version: str) -> None:
    file = tmp_path / "rendered.yaml"
    file.write_text(rendered(overlay, part))

    run = subprocess.run(
        [TOOLS / "kubernetes-validate", "-k", version, "--strict", file],
        capture_output=True,
        text=True,
        check=False,
    )

    lines = (run.stdout + run.stderr).splitlines()
    without_schema = {
        found[1] for line in lines if (found := re.search(r"find schema for kind (\w+)", line))
    }
    passed = [line for line in lines if line.startswith("INFO") and " passed " in line]
    known = [each for each in resources(overlay, part) if each["kind"] not in CUSTOM]
    assert run.returncode == 0, "\n".join(lines)
    assert without_schema <= CUSTOM
    assert len(passed) == len(known)


def test_the_same_commands_run_as_in_compose(overlay: str) -> None:
    ours = {name: container_of(each)["command"] for name, each in workloads(overlay).items()}

    assert ours == {name: each["command"] for name, each in APPS.items()}


@pytest.mark.parametrize("name", APPS)
def test_a_container_gets_what_its_process_reads_and_needs(overlay: str, name: str) -> None:
    template = workloads(overlay)[name]
    command = container_of(template)["command"]
    given = environment(overlay, template)
    required = {
        variable
        for variable, each in variables_of(f"{service_of(command)}_project.settings").items()
        if each.default == REQUIRED
    }

    assert set(given) - NOT_READ <= read_variables(command)
    assert required <= set(given)


@pytest.mark.parametrize("name", APIS)
def test_an_api_starts_with_these_values(overlay: str, name: str) -> None:
    template = workloads(overlay)[name]
    command = container_of(template)["command"]
    given = environment(overlay, template)

    run = subprocess.run(
        [sys.executable, *command[1:3], "--check-config", *command[3:]],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert given["ALLOWED_HOSTS"].endswith(",10.0.0.7"), "probes ask by address"


@pytest.mark.parametrize("name", APPS)
def test_who_can_reach_which_server_is_as_in_compose(overlay: str, name: str) -> None:
    labels = workloads(overlay)[name]["metadata"]["labels"]
    networks = set(APPS[name]["networks"])
    allowed = {labels["event-reservation/database"]}
    if labels.get("event-reservation/broker") == "true":
        allowed.add("broker")
    if labels.get("event-reservation/desk") == "true":
        allowed.add("desk")

    assert allowed == networks


@pytest.mark.parametrize("name", APPS)
def test_a_container_has_no_rights_and_is_bounded(overlay: str, name: str) -> None:
    pod = workloads(overlay)[name]["spec"]
    container = container_of(workloads(overlay)[name])

    assert container["image"].startswith("registry.example/event-reservation:")
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert container["resources"]["limits"]["memory"]
    assert pod["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]


@pytest.mark.parametrize("name", APIS)
def test_an_api_is_asked_where_it_answers_and_ends_without_losing_a_request(
    overlay: str, name: str
) -> None:
    pod = workloads(overlay)[name]["spec"]
    container = container_of(workloads(overlay)[name])
    (published,) = APPS[name]["ports"]
    (port,) = container["ports"]
    service = of_kind(overlay, "Service")[name]["spec"]["ports"][0]

    assert published.endswith(f":{port['containerPort']}")
    assert service["targetPort"] == port["name"]
    for probe, path in (
        ("startupProbe", "/health"),
        ("livenessProbe", "/health"),
        ("readinessProbe", "/health/ready"),
    ):
        assert container[probe]["httpGet"] == {"path": path, "port": port["name"]}
    grace = int(APPS[name]["stop_grace_period"].removesuffix("s"))
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= before + grace


@pytest.mark.parametrize(
    "name", [name for name, each in APPS.items() if "shared.workers.probe" in str(each)]
)
def test_a_worker_is_asked_where_it_answers_and_restarted_only_if_it_hangs(
    overlay: str, name: str
) -> None:
    container = container_of(workloads(overlay)[name])
    (port,) = container["ports"]
    live = container["livenessProbe"]

    assert container["command"][-2:] == ["--metrics", f"0.0.0.0:{port['containerPort']}"]
    for probe, path in (("readinessProbe", "/health/ready"), ("livenessProbe", "/health/live")):
        assert container[probe]["httpGet"] == {"path": path, "port": port["name"]}
    assert live["periodSeconds"] * live["failureThreshold"] >= STALE_SECONDS
    assert environment(overlay, workloads(overlay)[name])["WORKER_STATE_DIR"].startswith("/tmp/")


def test_selectors_find_what_they_are_for(overlay: str) -> None:
    """A label that is spelled differently would leave a part without a network, or unprotected."""
    pods = [
        *(each["metadata"]["labels"] for each in workloads(overlay).values()),
        # The operators label theirs.
        *({"cnpg.io/cluster": name} for name in of_kind(overlay, "Cluster")),
        *(
            {"app.kubernetes.io/component": "rabbitmq", "app.kubernetes.io/name": name}
            for name in of_kind(overlay, "RabbitmqCluster")
        ),
    ]
    found = [
        json.loads(each)
        for each in re.findall(
            r'"matchLabels": (\{[^}]*\})', json.dumps(resources(overlay, *PARTS))
        )
    ]
    selectors = [each for each in found if "kubernetes.io/metadata.name" not in each]

    assert len(selectors) > 20
    for selector in selectors:
        assert any(selector.items() <= labels.items() for labels in pods), selector


def test_autoscalers_and_budgets_belong_to_the_apis(overlay: str) -> None:
    scaled = of_kind(overlay, "HorizontalPodAutoscaler")
    deployments = of_kind(overlay, "Deployment")

    assert set(scaled) == set(of_kind(overlay, "PodDisruptionBudget")) == set(APIS)
    for name, scaler in scaled.items():
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
        assert scaler["spec"]["minReplicas"] >= 2
        assert "replicas" not in deployments[name]["spec"], "an apply would undo the scaling"


def test_the_pools_of_all_pods_fit_into_a_database(overlay: str) -> None:
    """With one more of each while a new version is rolled out."""
    for service in ("event", "booking"):
        pods = of_kind(overlay, "HorizontalPodAutoscaler")[f"{service}-api"]["spec"]["maxReplicas"]
        given = environment(overlay, workloads(overlay)[f"{service}-api"])
        processes = int(given[f"{service.upper()}_WORKERS"])
        most = (pods + 1) * processes * int(given[f"{service.upper()}_DB_POOL_SIZE"])
        cluster = of_kind(overlay, "Cluster")[f"{service}-db"]

        assert most < int(cluster["spec"]["postgresql"]["parameters"]["max_connections"]) * 0.8


def test_the_services_have_the_same_rights_at_the_broker_as_in_compose(overlay: str) -> None:
    definitions = json.loads(
        re.sub(r"\$\{[^}]*\}", "", COMPOSE["configs"]["rabbitmq-definitions"]["content"])
    )
    (permissions,) = definitions["permissions"]
    config = of_kind(overlay, "RabbitmqCluster")["broker"]["spec"]["rabbitmq"]["additionalConfig"]
    given = dict(line.split(" = ", 1) for line in config.splitlines())

    assert given["default_user_tags.administrator"] == "false"
    for right in ("configure", "write", "read"):
        assert given[f"default_permissions.{right}"] == permissions[right].replace("$$", "$")


def test_metrics_and_readiness_are_not_public(overlay: str) -> None:
    rules = of_kind(overlay, "Ingress")["event-reservation"]["spec"]["rules"]

    assert "selector" not in of_kind(overlay, "Service")["nowhere"]["spec"]
    for rule in rules:
        backends = {
            each["path"]: each["backend"]["service"]["name"] for each in rule["http"]["paths"]
        }
        assert backends["/metrics"] == backends["/health/ready"] == "nowhere"
        assert backends["/"] == rule["host"].replace("s.example", "-api")
