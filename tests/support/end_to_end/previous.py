"""The version that runs while this one is rolled out, from the history of this checkout."""

import re
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tests.support.end_to_end.processes import ROOT

_MIGRATIONS = [":(glob)*_project/*/migrations/0*.py", ":(glob)shared/*/migrations/0*.py"]


@dataclass(frozen=True)
class Previous:
    """`migrations` are the files that came since."""

    commit: str
    migrations: list[str]

    def unpack(self, folder: Path) -> Path:
        archive = _git("archive", "--format=tar", self.commit)
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        return folder


def previous_version() -> Previous | None:
    """The last release if a migration has come since, and else the commit before the newest
    migration. None if there is no history, as in a shallow clone and in an archive."""
    try:
        if _git("rev-parse", "--is-shallow-repository").strip() != b"false":
            return None
        releases = _lines("tag", "--list", "v*", "--sort=-version:refname", "--merged", "HEAD")
        for commit in [*releases[:1], *_before_the_newest_migration()]:
            if migrations := _added_since(commit):
                return Previous(commit, migrations)
    except (OSError, subprocess.CalledProcessError):
        pass
    return None


def _before_the_newest_migration() -> list[str]:
    newest = _lines("log", "--max-count=1", "--diff-filter=A", "--format=%H^", "--", *_MIGRATIONS)
    return [line for line in newest if re.fullmatch(r"[0-9a-f]+\^", line)]


def _added_since(commit: str) -> list[str]:
    return _lines("diff", "--name-only", "--diff-filter=A", commit, "HEAD", "--", *_MIGRATIONS)


def _lines(*words: str) -> list[str]:
    return _git(*words).decode().split()


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout
