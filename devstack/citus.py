"""A database that `CITUS_DATABASE_URL` names takes the place of the booking service's: the
coordinator of a Citus cluster, by a superuser who may log in to each of its nodes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg

URL = "CITUS_DATABASE_URL"

_NODES = """
    SELECT nodename, nodeport, shouldhaveshards FROM pg_dist_node
     WHERE isactive AND noderole = 'primary' ORDER BY groupid
"""


def booking_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the booking service needs to use the cluster. Empty if there is none."""
    url = environ.get(URL)
    if not url:
        return {}
    return {
        "BOOKING_DATABASE_URL": url,
        "BOOKING_DISTRIBUTION": "citus",
        "ADMISSION_GROUPING": "event",
    }


@contextmanager
def fresh_database(url: str, name: str) -> Iterator[str]:
    """The URL of a new database of this name on all nodes, gone afterwards. It has no tables."""
    nodes = _nodes(url)
    for address, _ in nodes:
        _execute(address, f'CREATE DATABASE "{name}"')
    try:
        join(url, name)
        yield _database(url, name)
    finally:
        for address, _ in nodes:
            _execute(address, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def joined(url: str, name: str) -> Iterator[None]:
    """The coordinator's database of this name is distributed over all nodes. Afterwards it is gone
    from all others."""
    others = _nodes(url)[1:]
    for address, _ in others:
        _execute(address, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        _execute(address, f'CREATE DATABASE "{name}"')
    try:
        join(url, name)
        yield
    finally:
        for address, _ in others:
            _execute(address, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def join(url: str, name: str) -> None:
    """Make a cluster of the databases of this name."""
    nodes = _nodes(url)
    for address, _ in nodes:
        _execute(_database(address, name), "CREATE EXTENSION citus")
    with psycopg.connect(_database(nodes[0][0], name), autocommit=True) as coordinator:
        add = "citus_set_coordinator_host"
        for address, takes_shards in nodes:
            at = urlsplit(address)
            coordinator.execute(f"SELECT {add}(%s, %s)".encode(), [at.hostname, at.port])
            coordinator.execute(
                "SELECT citus_set_node_property(%s, %s, 'shouldhaveshards', %s)",
                [at.hostname, at.port, takes_shards],
            )
            add = "citus_add_node"


def _nodes(url: str) -> list[tuple[str, bool]]:
    """Each node's URL, and whether it takes shards. The coordinator comes first."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    with psycopg.connect(url) as connection:
        rows = connection.execute(_NODES).fetchall()
    found = []
    for host, port, takes_shards in rows:
        netloc = f"{user}@{host}:{port}" if user else f"{host}:{port}"
        found.append((parts._replace(netloc=netloc).geturl(), takes_shards))
    return found


def _database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement.encode())
