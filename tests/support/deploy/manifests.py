"""The manifests of deploy/kubernetes, rendered by the real kustomize."""

import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from tests.support.variables import ROOT

OVERLAYS = ("small", "production")
PARTS = ("servers", "migrate", "services")
TOOLS = ROOT / "build" / "kubernetes-tools" / "bin"


@cache
def rendered(overlay: str, part: str) -> str:
    kubectl = TOOLS / "kubectl"
    assert kubectl.exists(), "there is no kubectl: make build/kubernetes-tools/.installed"
    folder = ROOT / "deploy" / "kubernetes" / "overlays" / overlay / part
    run = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert not run.stderr, "kustomize warns"
    return run.stdout


@cache
def resources(overlay: str, *parts: str) -> list[dict[str, Any]]:
    return [each for part in parts for each in yaml.safe_load_all(rendered(overlay, part))]


def of_kind(overlay: str, kind: str, *parts: str) -> dict[str, dict[str, Any]]:
    found = [each for each in resources(overlay, *(parts or PARTS)) if each["kind"] == kind]
    return {each["metadata"]["name"]: each for each in found}


def workloads(overlay: str) -> dict[str, dict[str, Any]]:
    """The pod templates of our own image, by the names of compose.yaml's services."""
    found = {**of_kind(overlay, "Deployment"), **of_kind(overlay, "Job")}
    return {name: each["spec"]["template"] for name, each in found.items()}


def container_of(template: dict[str, Any]) -> dict[str, Any]:
    (container,) = template["spec"]["containers"]
    result: dict[str, Any] = container
    return result


def environment(overlay: str, template: dict[str, Any]) -> dict[str, str]:
    """What the container gets. Secrets and the like have placeholders."""
    config = {name: each["data"] for name, each in of_kind(overlay, "ConfigMap").items()}
    container = container_of(template)
    result: dict[str, str] = {}
    for each in container.get("envFrom", ()):
        result |= config[each["configMapRef"]["name"]]
    for name, value in _own(container, config):
        for earlier, known in list(result.items()):
            value = value.replace(f"$({earlier})", known)
        result[name] = value
    return result


def _own(container: dict[str, Any], config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for each in container.get("env", ()):
        source = each.get("valueFrom", {})
        if "configMapKeyRef" in source:
            reference = source["configMapKeyRef"]
            yield each["name"], config[reference["name"]][reference["key"]]
        elif "secretKeyRef" in source:
            yield each["name"], _SECRETS[source["secretKeyRef"]["key"]]
        elif "fieldRef" in source:
            yield each["name"], "10.0.0.7"
        else:
            yield each["name"], each["value"]


# What the operators and docs/deploy.md put there.
_SECRETS = {
    "secret-key": "0" * 64,
    "uri": "postgresql://user:password@db-rw.namespace:5432/name",
    "connection_string": "amqp://user:password@broker.namespace.svc:5672/",
    "url": "submission://user:password@mail.example:587",
}
