"""A private RabbitMQ node, run with the programs of the distribution's `rabbitmq-server`."""

import base64
import hashlib
import json
import secrets
import shlex
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack import packages, processes
from devstack.errors import DevstackError
from devstack.ports import LOOPBACK
from devstack.runner import Program

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
INSTALL_SCRIPT = Path(__file__).with_name("install_rabbitmq.sh")
BY_HAND = "type `sudo apt-get install rabbitmq-server`"

USER = "reservation"

CONNECTION_START = b"\x00\x0a\x00\x0a"  # class 10, method 10: the first thing an AMQP broker says


@dataclass(frozen=True, kw_only=True)
class RabbitMQ:
    folder: Path
    instance: Path
    ports: Mapping[str, int]
    cookie: str
    password: str
    address: str = LOOPBACK
    # Of rabbitmq.conf, in place of the listener.
    settings: str = ""

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self.password}@{self.address}:{self._port}/%2F"

    @property
    def tools(self) -> Path:
        """A folder with `rabbitmqctl`, `rabbitmq-diagnostics`, … that talk to this node."""
        return self.folder / "bin"

    @property
    def programs(self) -> list[Program]:
        epmd = ["epmd", "-port", str(self.ports["RABBITMQ_EPMD_PORT"]), "-address", LOOPBACK]
        return [
            # Our own, in the foreground. Otherwise RabbitMQ leaves a daemon behind when it stops.
            Program(name="epmd", group="epmd", command=epmd),
            Program(name="rabbitmq", group="broker", command=[str(self.tools / "rabbitmq-server")]),
        ]

    def create(self) -> None:
        """Writes the node's configuration and commands. Its data isn't touched."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        cookie = home / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        cookie.touch(mode=0o600)
        cookie.write_text(self.cookie)
        cookie.chmod(0o400)  # Erlang requires this
        definitions = self.folder / "definitions.json"
        definitions.write_text(json.dumps(self._definitions, indent=2))
        listener = self.settings or f"listeners.tcp.1 = {self.address}:{self._port}\n"
        (self.folder / "rabbitmq.conf").write_text(f"{listener}load_definitions = {definitions}\n")
        for name, text in {
            "enabled_plugins": "[].\n",
            "advanced.config": "[].\n",
            "env.conf": "",
        }.items():
            (self.folder / name).write_text(text)
        self.tools.mkdir(exist_ok=True)
        for original in PROGRAMS.iterdir():
            if original.name.startswith("rabbitmq"):
                self._write_command(original)

    def accepts(self) -> bool:
        """Whether the node speaks AMQP; Erlang's own check would take a second."""
        try:
            with socket.create_connection((self.address, self._port), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                answer = connection.recv(11)
        except OSError:
            return False
        return answer[7:11] == CONNECTION_START

    @property
    def _port(self) -> int:
        return self.ports["RABBITMQ_PORT"]

    @property
    def _definitions(self) -> dict[str, object]:
        """Loaded at each start. With them, RabbitMQ creates no user guest with password guest."""
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        return {
            "vhosts": [{"name": "/"}],
            "users": [
                _user(USER, _hash(self.password)),
                # A data folder of an earlier version has this user. Without a password, nobody
                # can log in as it.
                _user("guest", ""),
            ],
            "permissions": [{"user": USER, "vhost": "/", **rights}],
        }

    def _write_command(self, original: Path) -> None:
        """A command that runs `original` for this node, whatever its caller's environment says.

        Debian's own /usr/sbin/rabbitmqctl would talk to the system-wide node as another user.
        """
        command = self.tools / original.name
        assignments = [shlex.quote(f"{name}={value}") for name, value in self._environment.items()]
        words = ["exec env -i", *assignments, shlex.quote(str(original)), '"$@"']
        command.write_text("#!/bin/sh\n" + " \\\n    ".join(words) + "\n")
        command.chmod(0o755)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            processes.MARK: str(self.instance),
            "ERL_EPMD_PORT": str(self.ports["RABBITMQ_EPMD_PORT"]),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": "devstack@localhost",
            "RABBITMQ_DIST_PORT": str(self.ports["RABBITMQ_DIST_PORT"]),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_LOGS": "-",  # standard output, which the process runner keeps and rotates
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "generated"),
            # All three are set, so that nothing is read from /etc/rabbitmq.
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "env.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"
            ),
            # Makes the start script become the broker instead of its parent. A signal to the
            # program's pid, including SIGKILL, then reaches the broker itself.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


def _user(name: str, password_hash: str) -> dict[str, object]:
    return {
        "name": name,
        "password_hash": password_hash,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }


def _hash(password: str) -> str:
    """As RabbitMQ stores it: four bytes of salt, then the SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def install(log: Path) -> None:
    """Installs RabbitMQ if it is missing and this user may; otherwise says what to type."""
    if (PROGRAMS / "rabbitmq-server").exists() and shutil.which("epmd"):
        return
    if shutil.which("apt-get") is None:
        raise DevstackError(
            "RabbitMQ is not installed, and there is no apt-get here: install rabbitmq-server "
            "with your package manager, or set RABBITMQ_URL to a broker that runs already"
        )
    packages.install_by_script(INSTALL_SCRIPT, packages="rabbitmq-server", log=log, by_hand=BY_HAND)
