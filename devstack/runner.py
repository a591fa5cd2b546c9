"""The process runner, supervisord: which programs it keeps alive, and how to talk to it."""

import contextlib
import hashlib
import os
import shlex
import shutil
import stat
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from devstack import processes
from devstack.environment import ROOT, is_root
from devstack.errors import DevstackError

# In starting order. They are stopped in reverse order, one group at a time.
GROUPS = ("consensus", "databases", "epmd", "broker", "proxies", "apps", "monitoring")
# Those that supervisord doesn't start itself.
_LATER_GROUPS = ("apps", "monitoring")

LOG_LINES_SHOWN = 15
START_SECONDS = 60
STOP_SECONDS = 60


@dataclass(frozen=True)
class Program:
    name: str
    group: str
    command: Sequence[str]
    as_user: Sequence[str] = ()
    stop_signal: str = "TERM"
    # Apps have workers that must not outlive them. A database stops its own processes in order.
    stop_whole_group: bool = True
    # On top of supervisord's own.
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """What supervisord says about a program."""

    name: str
    group: str
    state: str
    pid: int  # 0 while it isn't running


class NotRunningError(Exception):
    """No supervisord is running, or it is shutting down."""


class Runner:
    """The supervisord of one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "supervisord.conf"
        self.logs = folder / "log"
        # A socket's path must be short (108 characters), but a checkout's path may be longer.
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        self._socket_folder = Path(f"/tmp/devstack-{os.geteuid()}-{digest}")  # noqa: S108 (0700)
        self._socket = self._socket_folder / "supervisor.sock"
        self._first_pids: dict[str, int] = {}
        self._log_sizes: dict[Path, int] = {}  # at the beginning of this start
        self._daemon: subprocess.Popen[bytes] | None = None

    def log_of(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def launch(
        self, programs: Iterable[Program], environ: Mapping[str, str], *, dies_with_caller: bool
    ) -> subprocess.Popen[bytes]:
        """Starts supervisord with all groups but the last two. Its programs inherit `environ`."""
        self._make_socket_folder()
        self._log_sizes = {log: log.stat().st_size for log in self.logs.glob("*.log")}
        self.config.write_text(self._configuration(list(programs)))
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(self.config)]
        if dies_with_caller:
            command = dying_with_parent(command)
        with self.log_of("supervisord").open("ab") as log:
            self._daemon = daemon = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**environ, processes.MARK: str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C goes to the caller, which stops the parts in order
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_up():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise DevstackError(self.failure_report("supervisord", "did not start"))
            time.sleep(0.05)
        return daemon

    def is_up(self) -> bool:
        try:
            self._call("getState")
        except NotRunningError:
            return False
        return True

    def pid(self) -> int:
        return int(self._call("getPID"))

    def programs(self) -> list[Running]:
        return [
            Running(
                name=info["name"], group=info["group"], state=info["statename"], pid=info["pid"]
            )
            for info in self._call("getAllProcessInfo")
        ]

    def environ(self) -> dict[str, str]:
        """The environment of supervisord, and so of its programs. Raises `NotRunningError`."""
        try:
            return psutil.Process(self.pid()).environ()
        except psutil.NoSuchProcess as error:
            raise NotRunningError from error

    def start_app(self, name: str) -> None:
        self._call("startProcess", f"apps:{name}", False)

    def start_part(self, name: str) -> bool:
        """Starts one program and waits until it has been up for a second; False if it's running."""
        part = self._part(name)
        if part.state in ("RUNNING", "STARTING"):
            return False
        try:
            self._call("startProcess", f"{part.group}:{name}")
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in (Faults.SPAWN_ERROR, Faults.ABNORMAL_TERMINATION):
                raise
            raise DevstackError(self.failure_report(name, "died while starting")) from None
        return True

    def stop_part(self, name: str) -> bool:
        """Stops one program and waits up to 30 s for its end; False if it isn't running."""
        part = self._part(name)
        if part.state not in ("RUNNING", "STARTING", "BACKOFF"):
            return False
        self._call("stopProcess", f"{part.group}:{name}")
        return True

    def _part(self, name: str) -> Running:
        parts = {part.name: part for part in self.programs()}
        if name not in parts:
            known = ", ".join(sorted(parts))
            raise DevstackError(f"there is no part {name!r} here: the parts are {known}")
        return parts[name]

    def wait(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Waits until `ready()`. If a program dies, reports that with the end of its log."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.require_no_death()
            if time.monotonic() > deadline:
                raise DevstackError(f"{what} within {seconds:.0f} s: see {self.logs}")
            time.sleep(0.1)

    def require_no_death(self) -> None:
        try:
            programs = self.programs()
        except NotRunningError:
            raise DevstackError(self.failure_report("supervisord", "died")) from None
        for program in programs:
            # supervisord restarts what dies: a new pid shows that it died between two checks.
            first = self._first_pids.setdefault(program.name, program.pid) if program.pid else 0
            if program.state in ("BACKOFF", "EXITED", "FATAL") or program.pid != first:
                raise DevstackError(self.failure_report(program.name, "died while starting"))

    def stop(self) -> bool:
        """Ends every process of the folder and returns whether there were any."""
        found = bool(processes.of(self.folder))
        with contextlib.suppress(NotRunningError):
            daemon = self.pid()
            self._call("shutdown")
            processes.wait_gone(self.folder, seconds=STOP_SECONDS, pid=daemon)
        self.stop_at_once()
        return found

    def stop_at_once(self) -> None:
        """Ends all processes of the folder at the same time: quicker, if order doesn't matter."""
        processes.end(self.folder)
        if self._daemon:
            self._daemon.wait()  # otherwise it would stay a zombie
        shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(serverurl=f"unix://{self._socket}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            try:
                return getattr(server.supervisor, method)(*arguments)
            except (OSError, HTTPException) as error:
                raise NotRunningError from error
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != Faults.SHUTDOWN_STATE:
                    raise
                # It is stopping its programs in order; the caller has to wait for that.
                processes.wait_gone(self.folder, seconds=STOP_SECONDS)
                raise NotRunningError from fault

    def failure_report(self, program: str, what: str) -> str:
        log = self.log_of(program)
        lines: list[str] = []
        if log.exists():
            with log.open(errors="replace") as file:
                file.seek(self._log_sizes.get(log, 0))
                lines = file.read().splitlines()
        shown = "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:])
        return f"{program} {what}; from {log}:\n{shown or '    (empty)'}"

    def _make_socket_folder(self) -> None:
        self._socket_folder.mkdir(mode=0o700, exist_ok=True)
        found = self._socket_folder.lstat()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if not private or found.st_uid != os.geteuid():
            raise DevstackError(f"{self._socket_folder} is not private to you: remove it")

    def _configuration(self, programs: list[Program]) -> str:
        sections = [
            section(
                "supervisord",
                nodaemon="true",
                umask="077",
                silent="true",
                user="root" if is_root() else None,
                directory=ROOT,
                logfile=self.log_of("supervisord"),
                logfile_maxbytes="5MB",
                logfile_backups=1,
                pidfile=self.folder / "supervisord.pid",
                childlogdir=self.logs,
            ),
            section("unix_http_server", file=self._socket, chmod="0700"),
            section("supervisorctl", serverurl=f"unix://{self._socket}"),
            section(
                "rpcinterface:supervisor",
                **{
                    "supervisor.rpcinterface_factory": (
                        "supervisor.rpcinterface:make_main_rpcinterface"
                    )
                },
            ),
        ]
        for rank, group in enumerate(GROUPS):
            members = [program for program in programs if program.group == group]
            if members:
                names = ",".join(member.name for member in members)
                sections.append(section(f"group:{group}", programs=names, priority=rank))
            sections += [self._program_section(member) for member in members]
        return "\n".join(sections)

    def _program_section(self, program: Program) -> str:
        return section(
            f"program:{program.name}",
            command=shlex.join(
                # In this order: changing the user would clear the death signal.
                [*program.as_user, *dying_with_parent(program.command, program.stop_signal)]
            ),
            environment=_assignments(program.environment),
            directory="/" if program.as_user else None,  # that user may not be allowed into ours
            autostart=str(program.group not in _LATER_GROUPS).lower(),
            autorestart="true",
            startsecs=1,
            startretries=1000,  # an hour without a database must not end the consumer for good
            stopsignal=program.stop_signal,
            stopwaitsecs=30,
            stopasgroup=str(program.stop_whole_group).lower(),
            killasgroup="true",
            redirect_stderr="true",
            stdout_logfile=self.log_of(program.name),
            stdout_logfile_maxbytes="10MB",
            stdout_logfile_backups=2,
        )


def dying_with_parent(command: Sequence[str], signal_name: str = "TERM") -> list[str]:
    """`command`, which the kernel signals as soon as its parent dies, even by SIGKILL."""
    return ["setpriv", "--pdeathsig", signal_name, *command]


def _assignments(environment: Mapping[str, str]) -> str | None:
    """Values without a double quote or a backslash, as supervisord's parser demands."""
    return ",".join(f'{name}="{value}"' for name, value in environment.items()) or None


def section(name: str, /, **options: object) -> str:
    """A section of supervisord's configuration. % is doubled, as it must be; None is left out."""
    lines = [
        f"{option} = {str(value).replace('%', '%%')}"
        for option, value in options.items()
        if value is not None
    ]
    return "\n".join([f"[{name}]", *lines, ""])
