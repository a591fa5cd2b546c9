"""The Markdown of the repository: its shell blocks, and what its text tells the reader to type."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from devstack.environment import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

_BLOCK = re.compile(
    r"(?P<marker>^<!-- not run: (?P<reason>[^>]+) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_HEADING = re.compile(r"^##+ .+$", re.MULTILINE)
_COMMAND = re.compile(r"`((?:make |docker compose |deploy/[\w./]+\.sh)[^`]*)`")


@dataclass(frozen=True)
class Block:
    """What stands between two fences. `reason` says why no test runs it."""

    document: str
    line: int
    section: str
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: Path) -> list[Block]:
    content = document.read_text()
    return [
        Block(
            document=str(document.relative_to(ROOT)),
            line=content.count("\n", 0, match.start("text")),
            section="".join(_HEADING.findall(content, 0, match.start("text"))[-1:]),
            language=match["language"],
            text=match["text"],
            reason=match["reason"],
        )
        for match in _BLOCK.finditer(content)
    ]


def shell_blocks(document: Path) -> list[Block]:
    return [block for block in blocks(document) if block.language == "sh"]


def commands(document: Path) -> list[str]:
    """What its shell blocks and its text tell the reader to type, each once."""
    found = [
        line
        for block in shell_blocks(document)
        for line in re.sub(r"\\\n\s*", "", block.text).splitlines()
        if line.startswith(("make ", "docker compose ", "deploy/"))
    ]
    inline = [" ".join(each.split()) for each in _COMMAND.findall(document.read_text())]
    texts = [shlex.join(shlex.split(line, comments=True)) for line in [*found, *inline]]
    return list(dict.fromkeys(texts))
