"""What is in deploy/monitoring, in the tools of a real Prometheus."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack import prometheus
from devstack.environment import ROOT
from devstack.monitoring import JOBS
from devstack.reference import GUNICORN
from tests.support.deploy.monitoring import DASHBOARDS, FOLDER, panels, rules
from tests.support.variables import variables_of

RULES = {rule["alert"]: rule for rule in rules()}
HEADING = re.compile(r"^### (\w+)\n\n`(\w+)`\. ", re.MULTILINE)
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def promtool(*words: str | Path) -> None:
    executable = prometheus.executable("promtool")
    assert executable, "python -m devstack.prometheus unpacks it"
    done = subprocess.run(
        [executable, *words], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    promtool("check", "config", "--lint-fatal", "prometheus.yml")


def test_prometheus_takes_that_for_kubernetes_too(tmp_path: Path) -> None:
    """But for the discovery, which Debian leaves out of its Prometheus."""
    config = yaml.safe_load((FOLDER / "prometheus-kubernetes.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [
        {"role": "pod", "namespaces": {"names": ["event-reservation"]}}
    ]
    config["rule_files"] = [str(FOLDER / "rules.yml")]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))

    promtool("check", "config", "--lint-fatal", tmp_path / "prometheus.yml")


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    promtool("test", "rules", Path(__file__).with_name("alerts.yml"))


def test_each_alert_is_tried() -> None:
    groups = yaml.safe_load(Path(__file__).with_name("alerts.yml").read_text())["tests"]
    cases = [case for group in groups for case in group["alert_rule_test"]]

    for name in RULES:
        mine = [case for case in cases if case["alertname"] == name]
        assert any(case["exp_alerts"] for case in mine), f"{name} is never seen firing"
        assert any(not case["exp_alerts"] for case in mine), f"{name} is never seen quiet"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_each_alert_has_a_severity_a_summary_and_a_runbook(rule: dict[str, Any]) -> None:
    assert rule["labels"].keys() == {"severity"}
    assert rule["annotations"].keys() == {"summary", "runbook"}
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_the_runbook_has_a_heading_for_each_alert_with_its_severity_and_no_other() -> None:
    chapter = OPERATIONS.partition("\n## Alerts\n")[2].partition("\n## ")[0]

    assert dict(HEADING.findall(chapter)) == {
        name: rule["labels"]["severity"] for name, rule in RULES.items()
    }


def test_prometheus_finds_the_parts_of_the_systemd_units() -> None:
    groups = yaml.safe_load((FOLDER / "targets.yml").read_text())
    targets = {group["labels"]["job"]: group["targets"] for group in groups}
    units = {
        file.stem.removeprefix("event-reservation-"): file.read_text()
        for file in (ROOT / "deploy" / "systemd").glob("*.service")
    }

    assert targets.keys() == set(JOBS.values())
    for job, (target,) in targets.items():
        if job.endswith("-api"):
            service = job.removesuffix("-api")
            assert (
                target
                == f"127.0.0.1:{variables_of(GUNICORN[service])[f'{service.upper()}_PORT'].default}"
            )
        else:
            unit = units.get(job) or units[f"booking-{job}"]
            assert f" --metrics {target}\n" in unit


def test_the_jobs_are_named_after_the_containers_and_the_pods() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    services = ROOT / "deploy" / "kubernetes" / "base" / "services"
    pods = {
        each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
        for file in services.glob("*.yaml")
        for each in yaml.safe_load_all(file.read_text())
        if each and each["kind"] == "Deployment"
    }

    assert set(JOBS.values()) <= compose.keys()
    assert pods == set(JOBS.values())


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_ready_to_be_imported(dashboard: Path) -> None:
    content = json.loads(dashboard.read_text())
    everything = content["panels"]

    assert content["uid"].startswith("event-reservation-")
    assert "id" not in content  # Grafana gives it
    assert len({panel["id"] for panel in everything}) == len(everything)
    for panel in panels(dashboard):
        assert panel["description"], panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    places = [panel["gridPos"] for panel in everything]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells), "panels overlap"
    assert max(x for x, _ in cells) == 23
