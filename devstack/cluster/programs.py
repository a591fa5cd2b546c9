"""What the cluster needs beside RabbitMQ: where Debian has it, and how to get it."""

import shutil
from pathlib import Path

from devstack import packages
from devstack.errors import DevstackError

INSTALL_SCRIPT = Path(__file__).with_name("install.sh")
PACKAGES = "patroni etcd-server haproxy pgbouncer postgresql"
# Users who aren't root often have no sbin in their path.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NEEDED = ("patroni", "etcd", "haproxy", "pgbouncer")


def path_of(program: str) -> str:
    found = shutil.which(program, path=_PATH)
    if found is None:
        raise DevstackError(f"{program} is not installed: type `sudo apt-get install {PACKAGES}`")
    return found


def postgres_bin() -> Path:
    """Of the newest PostgreSQL."""
    found = sorted(
        (each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/postgres")),
        key=lambda each: int(each.parent.name),
    )
    if not found:
        raise DevstackError("PostgreSQL is not installed: type `sudo apt-get install postgresql`")
    return found[-1]


def install(log: Path) -> None:
    """Installs what is missing, if this user may; otherwise says what to type."""
    there = all(shutil.which(program, path=_PATH) for program in _NEEDED)
    if there and any(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        return
    by_hand = f"type `sudo apt-get install {PACKAGES}`"
    if shutil.which("apt-get") is None:
        raise DevstackError(f"install {PACKAGES} with your package manager")
    packages.install_by_script(INSTALL_SCRIPT, packages=PACKAGES, log=log, by_hand=by_hand)
