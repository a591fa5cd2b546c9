"""Types the shell blocks of a document into a shell, and compares what comes with what it shows."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from devstack.environment import ROOT
from tests.support.devstack.documents import Block, blocks
from tests.support.waiting import PATIENCE_SECONDS

_OUTPUTS = {"json", "text"}
# Each status goes to the errors, and nobody sees a progress bar.
_CURL = """curl() {
    command curl --silent --show-error --write-out '%{stderr}status %{http_code}\\n' "$@"
}
"""


def type_all(document: Path, environ: Mapping[str, str]) -> int:
    """Runs the blocks without a marker in their order, and says how many there were."""
    found = blocks(document)
    count = 0
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.language == "sh" and block.reason is None:
            _type(block, _output_of(block, following), environ)
            count += 1
    return count


def _output_of(block: Block, following: Block | None) -> Block | None:
    """What the document shows after it, below the same heading."""
    if following and following.language in _OUTPUTS and following.section == block.section:
        return following
    return None


def _type(block: Block, shown: Block | None, environ: Mapping[str, str]) -> None:
    script = block.text
    for default, variable in (("8081", "EVENT_PORT"), ("8082", "BOOKING_PORT")):
        script = script.replace(f"localhost:{default}", f"127.0.0.1:{environ[variable]}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", _CURL + script],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE_SECONDS,
        check=False,
    )
    report = f"{block}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, report
    announced = {int(code) for code in re.findall(r"# (\d{3}):", block.text)}
    if shown and shown.language == "json":
        expected = json.loads(re.sub(r": …", ': "…"', shown.text))
        *_, answer = _documents(done.stdout)
        assert _is_part(expected, answer), report
        announced.add(expected["status"] if isinstance(expected.get("status"), int) else 200)
    elif shown:
        assert shown.text.strip() in done.stdout, report
    statuses = {int(code) for code in re.findall(r"^status (\d+)$", done.stderr, re.MULTILINE)}
    assert {code for code in statuses if code >= 400} <= announced, report


def _documents(text: str) -> Iterator[Any]:
    """What several calls of curl print, one after the other."""
    decoder, rest = json.JSONDecoder(), text.lstrip()
    while rest:
        found, end = decoder.raw_decode(rest)
        yield found
        rest = rest[end:].lstrip()


def _is_part(expected: dict[str, Any], answer: dict[str, Any]) -> bool:
    return all(name in answer and value in ("…", answer[name]) for name, value in expected.items())
