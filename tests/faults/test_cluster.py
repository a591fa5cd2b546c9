"""A cluster of three brokers: the queue's leader dies, and the others continue."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.ports import LOOPBACK
from tests.support.broker import Broker
from tests.support.faults.cluster import Cluster, three_nodes
from tests.support.faults.load import load
from tests.support.faults.system import FaultySystem, faulty_system
from tests.support.faults.trial import Trial
from tests.support.waiting import until

pytestmark = pytest.mark.long_form

SECONDS = 120
PER_SECOND = 50


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    with three_nodes(folder) as cluster:
        yield cluster


@pytest.fixture
def system(cluster: Cluster, tmp_path: Path) -> Iterator[FaultySystem]:
    with faulty_system(tmp_path, broker_url=cluster.nodes[0].url) as system:
        yield system


def test_leader_of_the_queue_killed_under_load(
    cluster: Cluster, system: FaultySystem, trial: Trial
) -> None:
    """A load balancer would send new connections to a live node."""
    with load(trial.ledger.create_or_edit, per_second=PER_SECOND):
        until(lambda: trial.copies > 10, "copies", seconds=SECONDS)
        leader = cluster.leader_of(Broker.queue)
        survivor, _ = cluster.others(leader)
        system.broker_url = survivor.url
        cluster.kill(leader)
        trial.mended()
        for way in system.ways.to_broker:
            way.lead_to(LOOPBACK, survivor.port)
            way.cut_connections()
        before = trial.copies
        until(lambda: trial.copies > before + 10, "copies by the others", seconds=SECONDS)

    assert trial.ledger.unknown == 0
    trial.settle()
