"""Each part killed, frozen or cut off, one after the other, while hundreds of clients book."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest

from devstack.cluster import layout
from devstack.cluster.services import api_name
from tests.support.cluster.parts import Parts
from tests.support.cluster.trial import Fault, Figures, Trials

KILLED_SECONDS = 10
FROZEN_SECONDS = 15
AWAY_SECONDS = 20

Name = Callable[[Parts], str]


@contextmanager
def killed(parts: Parts, *, name: Name) -> Iterator[None]:
    """The runner starts it again at once."""
    parts.kill(parts.family(name(parts)))
    yield


@contextmanager
def server_killed(parts: Parts, *, name: Name) -> Iterator[None]:
    parts.kill(parts.postgres(name(parts)))
    yield


def machine_dead(parts: Parts, *, name: Name) -> AbstractContextManager[None]:
    return parts.dead(name(parts))


def frozen(parts: Parts, *, name: Name) -> AbstractContextManager[None]:
    return parts.frozen(parts.family(name(parts)))


def server_frozen(parts: Parts, *, name: Name) -> AbstractContextManager[None]:
    return parts.frozen(parts.postgres(name(parts)))


def cut_from_standby(parts: Parts) -> AbstractContextManager[None]:
    return parts.cut_off(parts.primary("booking"), [parts.standby("booking")])


def cut_from_all_but_clients(parts: Parts) -> AbstractContextManager[None]:
    """The clients of the former primary still reach it, while another one is elected."""
    return parts.cut_off(parts.primary("booking"), [parts.standby("booking"), *layout.ETCD])


def primary(service: str) -> Name:
    return lambda parts: parts.primary(service)


def standby(service: str) -> Name:
    return lambda parts: parts.standby(service)


def part(name: str) -> Name:
    return lambda parts: name


DATABASE: dict[str, tuple[Fault, float]] = {
    "PostgreSQL of the booking primary killed": (
        partial(server_killed, name=primary("booking")),
        AWAY_SECONDS,
    ),
    "machine of the booking primary dead": (
        partial(machine_dead, name=primary("booking")),
        AWAY_SECONDS,
    ),
    "machine of the booking primary frozen": (
        partial(frozen, name=primary("booking")),
        AWAY_SECONDS,
    ),
    "PostgreSQL of the booking primary frozen": (
        partial(server_frozen, name=primary("booking")),
        AWAY_SECONDS,
    ),
    "machine of the booking standby frozen": (
        partial(frozen, name=standby("booking")),
        FROZEN_SECONDS,
    ),
    "machine of the event primary dead": (
        partial(machine_dead, name=primary("event")),
        AWAY_SECONDS,
    ),
    "booking primary cut off from its standby": (cut_from_standby, FROZEN_SECONDS),
    "booking primary cut off from all but its clients": (cut_from_all_but_clients, AWAY_SECONDS),
}
ETCD: dict[str, tuple[Fault, float]] = {
    "leader of etcd killed": (partial(killed, name=Parts.etcd_leader), KILLED_SECONDS),
    "leader of etcd frozen": (partial(frozen, name=Parts.etcd_leader), FROZEN_SECONDS),
}
BROKERS: dict[str, tuple[Fault, float]] = {
    f"{name} {what}": (partial(fault, name=part(name)), FROZEN_SECONDS)
    for name in layout.BROKERS
    for what, fault in {"killed": killed, "frozen": frozen}.items()
}
APIS = [api_name("booking", node) for node in layout.APPS]
APIS += [api_name("event", node) for node in layout.EVENT_APPS]
PROXIES = ["edge1", "app1_haproxy", "app1_pgbouncer"]
OTHERS: dict[str, tuple[Fault, float]] = {
    f"{name} {what}": (partial(fault, name=part(name)), KILLED_SECONDS)
    for name in (*PROXIES, *APIS)
    for what, fault in {"killed": killed, "frozen": frozen}.items()
}
FAULTS = {**DATABASE, **ETCD, **BROKERS, **OTHERS}
SHORT = ("machine of the booking primary dead", "broker1 killed")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.short_form) if name in SHORT else name
        for name in FAULTS
    ],
)
def test_nothing_acknowledged_is_lost(trials: Trials, record: list[Figures], name: str) -> None:
    fault, seconds = FAULTS[name]
    record.append(trials.run(name, fault, seconds=seconds))
