"""Prometheus: this machine's, or Debian's, unpacked but not installed."""

import fcntl
import shutil
import subprocess
import sys

from devstack import packages
from devstack.environment import ROOT
from devstack.errors import DevstackError

UNPACKED = ROOT / "build" / "prometheus"
_WEB = "usr/share/prometheus/web"


def executable(name: str = "prometheus") -> str | None:
    """`name` may be `promtool`, too."""
    return shutil.which(name) or shutil.which(name, path=str(UNPACKED / "usr" / "bin"))


def options() -> list[str]:
    """What an unpacked Prometheus must be told: where its pages are."""
    web = UNPACKED / _WEB
    return [] if shutil.which("prometheus") or not web.exists() else [f"--web.local-assets={web}"]


def install() -> None:
    """The installed package would start a server on port 9090, now and at each boot."""
    UNPACKED.parent.mkdir(exist_ok=True)
    with UNPACKED.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if executable() is None or executable("promtool") is None:
            packages.unpack("prometheus", into=UNPACKED, with_dependencies=("libjs-", "fonts-"))
    found = executable()
    if found is None or subprocess.run([found, "--version"], check=False).returncode != 0:
        raise DevstackError("prometheus doesn't run: type `sudo apt-get install prometheus`")


if __name__ == "__main__":
    try:
        install()
    except DevstackError as error:
        sys.exit(f"devstack: {error}")
