"""The Postman collection, run by its command line program against the services."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.end_to_end.api_tools import BIN, node_package, run
from tests.support.end_to_end.processes import ROOT
from tests.support.end_to_end.system import System

COLLECTION = ROOT / "docs" / "postman" / "event-reservation.postman_collection.json"


def newman(
    collection: Path, system: System, report: Path
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    answer = run(
        *(BIN / "node", node_package("newman/bin/newman.js"), "run", collection, "--bail"),
        *("--env-var", f"event_url={system.event_url}"),
        *("--env-var", f"booking_url={system.booking_url}"),
        *("--reporters", "cli,json", "--reporter-json-export", report),
    )
    found: dict[str, Any] = json.loads(report.read_text())["run"]
    return answer, found


def test_the_collection_passes(system: System, tmp_path: Path) -> None:
    answer, found = newman(COLLECTION, system, tmp_path / "report.json")

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert found["failures"] == []
    steps = json.loads(COLLECTION.read_text())["item"]
    executed = [execution["item"]["name"] for execution in found["executions"]]
    assert list(dict.fromkeys(executed)) == [step["name"] for step in steps]
    assert executed.count("5. Fill All 50 Seats") == 49
    assert executed.count("8a. Fill the Waitlist") == 4
    assert all(execution["assertions"] for execution in found["executions"][-5:])


def test_the_collection_fails_where_the_services_do_not_do_what_it_says(
    system: System, tmp_path: Path
) -> None:
    collection = json.loads(COLLECTION.read_text())
    creation = collection["item"][0]["request"]["body"]
    assert '"waitlist_limit": 5' in creation["raw"]
    creation["raw"] = creation["raw"].replace('"waitlist_limit": 5', '"waitlist_limit": 6')
    collection["item"][0]["event"] = [
        event for event in collection["item"][0]["event"] if event["listen"] == "prerequest"
    ] + [
        {
            "listen": "test",
            "script": {
                "type": "text/javascript",
                "exec": ['pm.collectionVariables.set("event_id", pm.response.json().id);'],
            },
        }
    ]
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(collection))

    answer, found = newman(changed, system, tmp_path / "report.json")

    assert answer.returncode != 0
    assert found["failures"][0]["source"]["name"] == "8b. Fully Booked Rejection"
