"""The data folder: made, claimed by one command at a time, and removed."""

import contextlib
import fcntl
import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

from devstack.errors import DevstackError
from devstack.postgres import folder_outside


def make(folder: Path) -> None:
    """Makes `folder`, or checks that it belongs to the caller."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid():
            raise DevstackError(
                f"the data folder {folder} belongs to {_name_of(found.st_uid)}: "
                "remove it, or set DEVSTACK_DATA to a folder of yours"
            )
        # Others may pass through but not list it: PostgreSQL may run as another user.
        folder.chmod(0o711)
        log = folder / "log"
        log.mkdir(exist_ok=True)
        log.chmod(0o700)
        (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise DevstackError(
            f"cannot write to the data folder {folder} ({error.strerror}): "
            "set DEVSTACK_DATA to a folder of yours"
        ) from None


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Holds `folder` for one command that starts or stops its parts; other commands wait."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("devstack: another start or stop is under way, waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove(folder: Path) -> None:
    """Deletes `folder`, and the databases if they had to be kept elsewhere."""
    for each in (folder, folder_outside(folder)):
        try:
            if each.exists():
                shutil.rmtree(each)
        except OSError as error:
            raise DevstackError(f"cannot delete {error.filename}: {error.strerror}") from None


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
