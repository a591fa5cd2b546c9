"""What `test_exec` runs: uses what it is given, starts something that would outlive it, fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg

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
Path(sys.argv[1]).write_text(json.dumps({"folder": folder, "hosts": sorted(hosts)}))
sys.exit(7)
