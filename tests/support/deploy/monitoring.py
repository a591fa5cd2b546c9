"""What deploy/monitoring asks of the metrics: rules, dashboards and their expressions."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from devstack.environment import ROOT

FOLDER = ROOT / "deploy" / "monitoring"
DASHBOARDS = sorted((FOLDER / "grafana").glob("*.json"))

# What Prometheus itself makes of each scrape and of the rules.
OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "severity"}}
# Of each series, set by the scrape configuration.
OF_TARGETS = {"job", "instance"}

_STRING = re.compile(r'"[^"]*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\(|\{[^}]*\})?")
_LABEL = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_RANGE = re.compile(r"\[[^\]]*\]")
_OPERATORS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "by", "without"}


@dataclass(frozen=True)
class Selector:
    metric: str
    labels: frozenset[str]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels(dashboard: Path) -> list[dict[str, Any]]:
    """Those that show something."""
    found = json.loads(dashboard.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Of all rules and dashboards, each with its place."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    yield from shown()
    for dashboard in DASHBOARDS:
        for annotation in json.loads(dashboard.read_text())["annotations"]["list"]:
            yield f"{dashboard.name}: {annotation['name']}", annotation["expr"]


def shown() -> Iterator[tuple[str, str]]:
    """The expressions of the panels, each with its place."""
    for dashboard in DASHBOARDS:
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield f"{dashboard.name}: {panel['title']}", target["expr"]


def selectors(expression: str) -> Iterator[Selector]:
    """The metrics that the expression reads, with the labels that it asks for."""
    bare = _GROUPING.sub("", _RANGE.sub("", _STRING.sub('""', expression)))
    for match in _SELECTOR.finditer(bare):
        name, after = match.groups()
        if name.lower() in _OPERATORS or after == "(":
            continue
        if name[0].isalpha() or name[0] in "_:":
            yield Selector(name, frozenset(_LABEL.findall(after or "")))


def groupings(expression: str) -> set[str]:
    """The labels that the expression groups by."""
    found = _GROUPING.findall(_STRING.sub('""', expression))
    return {label.strip() for each in found for label in each.split(",")}
