"""Run by `test_exec`: uses its servers, starts a process that would outlive it, and fails."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pika
import psutil
import psycopg
from pika.exceptions import ProbableAuthenticationError

from devstack import processes

for service in ("EVENT", "BOOKING"):
    with psycopg.connect(os.environ[f"{service}_DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE t ()")

rabbitmqctl = Path(os.environ["DEVSTACK_RABBITMQ_BIN"], "rabbitmqctl")
subprocess.run([rabbitmqctl, "-q", "list_vhosts"], check=True)
psql = Path(os.environ["DEVSTACK_PG_BIN"], "psql")
subprocess.run([psql, "--version"], check=True)

subprocess.Popen(["sleep", "1000"], start_new_session=True)

folder = os.environ[processes.MARK]
hosts = {
    connection.laddr.ip
    for process in processes.of(Path(folder))
    for connection in process.net_connections("tcp")
    if connection.status == psutil.CONN_LISTEN and connection.laddr
}


def exposed(below: Path) -> list[str]:
    """Files that other users may read. They can't reach files in a closed folder."""
    found = []
    for path in below.iterdir():
        # Root's PostgreSQL may need a copy of its binaries there, which are no secret.
        if path.is_symlink() or path.name == "postgresql":
            continue
        if path.stat().st_mode & 0o077:
            found.append(str(path))
        if path.is_dir() and (path.stat().st_mode & 0o077 or path.name == "log"):
            found += exposed(path)
    return found


parts = urlsplit(os.environ["RABBITMQ_URL"])
parameters = pika.ConnectionParameters(
    parts.hostname, parts.port, credentials=pika.PlainCredentials("guest", "guest")
)
try:
    pika.BlockingConnection(parameters).close()
    guest = "logged in"
except ProbableAuthenticationError:
    guest = "refused"
Path(sys.argv[1]).write_text(
    json.dumps(
        {
            "folder": folder,
            "hosts": sorted(hosts),
            "exposed": exposed(Path(folder)),
            "guest": guest,
            "umask": os.umask(0),
        }
    )
)
sys.exit(7)
