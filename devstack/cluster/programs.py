"""What the cluster needs beside RabbitMQ: where Debian has it, and how to get it."""

import shutil
import subprocess
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
    become_root = packages.become_root(by_hand=by_hand)
    print(f"cluster: installing {PACKAGES} with apt-get, once", flush=True)
    with log.open("w") as output:
        apt = subprocess.run(
            [*become_root, "sh", str(INSTALL_SCRIPT)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if apt.returncode != 0:
        end = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-10:])
        raise DevstackError(f"the packages could not be installed:\n{end}\n{by_hand}")
