"""With `CITUS_DATABASE_URL`, the booking service's database is distributed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from devstack import citus

# Few, because emptying the tables after a test takes as long as there are shards.
SHARDS = 6

on_a_cluster = pytest.mark.skipif(
    not os.environ.get(citus.URL), reason=f"needs a Citus cluster: {citus.URL} is not set"
)
on_one_server = pytest.mark.skipif(
    bool(os.environ.get(citus.URL)), reason="is about a database on one server"
)

# A database that is distributed by event allows only one of them.
GROUPINGS = [pytest.param("all", marks=on_one_server), "event"]


@contextmanager
def distributed_if_asked_for(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Distributes pytest-django's database, once it is there."""
    url = os.environ.get(citus.URL)
    if not url:
        yield
        return
    with citus.joined(url, connection.settings_dict["NAME"]):
        with blocker.unblock():
            call_command("distribute", yes=True, shards=SHARDS, verbosity=0)
            connection.close()
        yield
