"""The nginx of the tests: this machine's, or Debian's, unpacked but not installed."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from devstack import packages
from devstack.environment import ROOT
from devstack.errors import DevstackError

UNPACKED = ROOT / "build" / "nginx"
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def executable() -> str | None:
    """Users who aren't root often have no sbin in their path."""
    unpacked = UNPACKED / "usr" / "sbin"
    return shutil.which("nginx") or shutil.which("nginx", path=f"{_SBIN}:{unpacked}")


def install() -> None:
    """The installed package would start a server on port 80, now and at each boot."""
    if executable() is not None:
        return
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise DevstackError("install nginx with your package manager")
    with tempfile.TemporaryDirectory() as folder:
        packages.download("nginx", folder=Path(folder))
        for package in Path(folder).glob("*.deb"):
            UNPACKED.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg-deb", "--extract", package, UNPACKED], check=True)
    found = executable()
    if found is None or subprocess.run([found, "-v"], check=False).returncode != 0:
        raise DevstackError("nginx doesn't run: type `sudo apt-get install nginx`")


if __name__ == "__main__":
    try:
        install()
    except DevstackError as error:
        sys.exit(f"devstack: {error}")
