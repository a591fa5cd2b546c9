"""The nginx of the tests: this machine's, or Debian's, unpacked but not installed."""

import shutil
import subprocess
import sys

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
    packages.unpack("nginx", into=UNPACKED)
    found = executable()
    if found is None or subprocess.run([found, "-v"], check=False).returncode != 0:
        raise DevstackError("nginx doesn't run: type `sudo apt-get install nginx`")


if __name__ == "__main__":
    try:
        install()
    except DevstackError as error:
        sys.exit(f"devstack: {error}")
