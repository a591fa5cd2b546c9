"""`python -m devstack.release TAG`: prints the notes of a release, or says why it can't be made."""

import re
import sys
import tomllib

from devstack.environment import ROOT
from devstack.errors import DevstackError

_HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.M)


def notes(tag: str, *, changelog: str, version: str) -> str:
    """The changelog's section of the version of `tag`. `version` is that of pyproject.toml."""
    if tag != f"v{version}":
        raise DevstackError(f"the tag is {tag}, and the version in pyproject.toml {version}")
    headings = list(_HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in headings[1:]), len(changelog)]
    sections = {
        heading["version"]: (heading["date"], changelog[heading.end() : end].strip())
        for heading, end in zip(headings, ends, strict=True)
    }
    _, unreleased = sections.pop("Unreleased", (None, ""))
    if unreleased:
        raise DevstackError(f"in CHANGELOG.md, move what is under Unreleased to [{version}]")
    if version not in sections:
        raise DevstackError(f"CHANGELOG.md lacks `## [{version}] - YYYY-MM-DD`")
    if version != next(iter(sections)):
        raise DevstackError(f"[{version}] isn't the newest version in CHANGELOG.md")
    date, text = sections[version]
    if not date:
        raise DevstackError(f"[{version}] has no date in CHANGELOG.md")
    if not text:
        raise DevstackError(f"CHANGELOG.md says nothing about [{version}]")
    return text


def main(tag: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    print(notes(tag, changelog=changelog, version=project["version"]))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except DevstackError as error:
        sys.exit(f"release: {error}")
