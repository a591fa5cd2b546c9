"""A server that is backed up by the scripts of deploy/backup, loses its data and is restored."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from tests.support.end_to_end.processes import ROOT
from tests.support.faults.servers import RECOVERY_SECONDS, Servers
from tests.support.waiting import until

SCRIPTS = ROOT / "deploy" / "backup"


@dataclass(frozen=True)
class Backup:
    """All as the user who runs the server, like an operator."""

    servers: Servers
    name: str
    url: str
    data: Path
    folder: Path
    as_user: Sequence[str]

    def now(self) -> datetime:
        """By the server's clock, after all that is committed and before all that isn't."""
        with psycopg.connect(self.url) as connection:
            (moment,) = connection.execute("SELECT clock_timestamp()").fetchone() or ()
        return moment.astimezone(UTC)

    def lose_the_server(self) -> None:
        """It dies with all its processes, and its data is gone."""
        self.data.rename(self.data.with_suffix(".lost"))
        self.servers.kill(self.name)
        self.servers.stop(self.name)
        shutil.rmtree(self.data, ignore_errors=True)

    def restore(self, *, moment: datetime) -> None:
        time = moment.isoformat().replace("+00:00", "Z")
        self._run("restore.sh", self.folder, self.data, time)
        self.servers.start(self.name)
        until(self._is_open, f"end of the recovery of {self.name}", seconds=RECOVERY_SECONDS)

    @contextlib.contextmanager
    def archived(self) -> Iterator[None]:
        """Streams the log until the block ends. A base backup is there when it begins."""
        log = self.folder / "archive.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._command("archive.sh", self.folder),
                cwd="/",
                env=self._environ,
                stdout=output,
                stderr=output,
            )
        try:
            until(lambda: self._is_streaming(process, log), "stream", seconds=RECOVERY_SECONDS)
            self._run("base_backup.sh", self.folder)
            (base,) = (self.folder / "base").iterdir()
            until(lambda: f"{self.now():%Y-%m-%dT%H:%M:%SZ}" >= base.name, "end of its second")
            yield
        finally:
            process.terminate()
            process.wait(RECOVERY_SECONDS)

    def remove(self) -> None:
        shutil.rmtree(self.folder)
        shutil.rmtree(self.data.with_suffix(".lost"), ignore_errors=True)

    @property
    def _environ(self) -> Mapping[str, str]:
        parts = urlsplit(self.url)
        return {
            **os.environ,
            "PATH": f"{os.environ['DEVSTACK_PG_BIN']}:{os.environ['PATH']}",
            "PGHOST": parts.hostname or "",
            "PGPORT": str(parts.port),
            "PGUSER": parts.username or "",
            "PGPASSWORD": unquote(parts.password or ""),
        }

    def _command(self, script: str, *arguments: object) -> list[str]:
        # dash reads the script itself, so that user needs no right to enter this checkout.
        text = (SCRIPTS / script).read_text()
        return [*self.as_user, "sh", "-c", text, script, *map(str, arguments)]

    def _run(self, script: str, *arguments: object) -> None:
        done = subprocess.run(
            self._command(script, *arguments),
            cwd="/",
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=RECOVERY_SECONDS,
        )
        assert done.returncode == 0, done.stderr

    def _is_streaming(self, process: subprocess.Popen[bytes], log: Path) -> bool:
        assert process.poll() is None, log.read_text()
        with psycopg.connect(self.url) as connection:
            (streaming,) = (
                connection.execute(
                    "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
                ).fetchone()
                or ()
            )
        return bool(streaming)

    def _is_open(self) -> bool:
        try:
            with psycopg.connect(self.url) as connection:
                (recovering,) = connection.execute("SELECT pg_is_in_recovery()").fetchone() or ()
        except psycopg.OperationalError:
            return False
        return not recovering


@contextlib.contextmanager
def backed_up(servers: Servers, name: str, url: str) -> Iterator[Backup]:
    """Its log is archived until the block ends, and its backups are gone afterwards."""
    with psycopg.connect(url) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ()
    data = Path(folder)
    uids = servers.process(name).uids()
    as_user: list[str] = []
    if uids.real != os.getuid():
        gid = servers.process(name).gids().real
        as_user = ["setpriv", f"--reuid={uids.real}", f"--regid={gid}", "--clear-groups"]
    backup = Backup(servers, name, url, data, data.with_suffix(".backup"), as_user)
    backup.folder.mkdir()
    shutil.chown(backup.folder, *_owner(data))
    shutil.chown(data.parent, *_owner(data))
    try:
        with backup.archived():
            yield backup
    finally:
        backup.remove()


def _owner(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid
