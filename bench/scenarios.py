"""What the API is loaded with: each scenario's data, script and permitted answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import LARGEST_PAGE, Client
from bench.database import Database
from bench.errors import BenchError
from bench.generator import Load
from bench.seed import Events, Seeder
from bench.server import Server
from bench.sizes import Sizes

ONE, SOME, FEW, MANY = 1, 16, 64, 512
FIXED_WORK_SECONDS = 180


@dataclass(frozen=True)
class Stage:
    """What a scenario is prepared with. `folder` is for files and is removed at the end."""

    database: Database
    seeder: Seeder
    server: Server
    sizes: Sizes
    folder: Path


def _nothing(_: Load) -> dict[str, float]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One load, ready to start. It runs for `seconds` or, with `fixed_work`, until its work is
    done, which must be earlier. `more` gives further figures by name once it is over."""

    events: Events
    script: str
    arguments: tuple[object, ...]
    seconds: int
    fixed_work: bool = False
    more: Callable[[Load], dict[str, float]] = field(default=_nothing)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`empty_view` is the method of the empty view it is compared with. `postgres` is the pgbench
    yardstick, if there is one that does similar work."""

    name: str
    prepare: Callable[[Stage], Plan]
    expected: frozenset[str]
    empty_view: str
    postgres: str | None = None
    connections: tuple[int, ...] = (FEW,)


def _hot_sale(stage: Stage) -> Plan:
    events = stage.seeder.events(seats=50, waitlist_limit=5)
    return _booking(events, seconds=stage.sizes.scenario_seconds)


def _many_events(stage: Stage) -> Plan:
    events = stage.seeder.events(number=200, seats=100_000)
    return _booking(events, seconds=stage.sizes.scenario_seconds)


def _booking(events: Events, *, seconds: int) -> Plan:
    return Plan(
        events=events,
        script="book",
        arguments=(events.first, events.number, 10**12),
        seconds=seconds,
    )


def _hot_fill(stage: Stage) -> Plan:
    events = stage.seeder.events(seats=100_000)
    sizes = stage.sizes

    def pace(load: Load) -> dict[str, float]:
        held = int(
            stage.database.value(
                "SELECT count(*) FROM bookings_booking WHERE event_id = %s", events.first
            )
        )
        late = min(held, sizes.fill - load.connections) - sizes.fill_window
        at_start = _seconds_per_1000(stage.database, events, 0, sizes.fill_window)
        at_end = _seconds_per_1000(stage.database, events, late, sizes.fill_window)
        return {
            "s per 1,000 at 0 held": at_start,
            f"s per 1,000 at {round(late, -3):,} held": at_end,
            "later / first": at_end / at_start,
        }

    return Plan(
        events=events,
        script="book",
        arguments=(events.first, 1, sizes.fill),
        seconds=FIXED_WORK_SECONDS,
        fixed_work=True,
        more=pace,
    )


def _seconds_per_1000(database: Database, events: Events, held: int, window: int) -> float:
    """From the times at which the bookings were decided, starting after the first `held`."""
    seconds = database.value(
        "SELECT extract(epoch FROM max(created_at) - min(created_at)) FROM"
        " (SELECT created_at FROM bookings_booking WHERE event_id = %s"
        " ORDER BY created_at OFFSET %s LIMIT %s) AS part",
        events.first,
        held,
        window,
    )
    return float(seconds) / window * 1000


def _status_read(stage: Stage) -> Plan:
    events = stage.seeder.events(seats=30_000, confirmed=20_000)
    return _fetching(stage, events, [f"/api/v1/events/{events.first}/status"])


def _list_bookings(stage: Stage) -> Plan:
    events = stage.seeder.events(seats=30_000, confirmed=20_000)
    start = f"/api/v1/events/{events.first}/bookings?limit={LARGEST_PAGE}"
    with Client(stage.server.url) as client:
        pages = list(client.pages(start))
    listed = [booking["id"] for _, page in pages for booking in page]
    if listed != list(range(events.first_booking, events.first_booking + events.confirmed)):
        raise BenchError("the pages do not list every booking once, in the order of their ids")
    plan = _fetching(stage, events, [path for path, _ in pages])
    per_page = len(listed) / len(pages)
    return Plan(
        events=events,
        script=plan.script,
        arguments=plan.arguments,
        seconds=plan.seconds,
        more=lambda load: {"bookings/s": load.rate * per_page},
    )


def _fetching(stage: Stage, events: Events, paths: list[str]) -> Plan:
    file = stage.folder / "paths"
    file.write_text("".join(f"{path}\n" for path in paths))
    return Plan(
        events=events, script="get", arguments=(file,), seconds=stage.sizes.scenario_seconds
    )


def _cancel_promote(stage: Stage) -> Plan:
    events = stage.seeder.events(seats=500, waitlist_limit=5_000, confirmed=500, waitlisted=5_000)
    # In the order in which they are promoted, so each one is confirmed when it is cancelled.
    return Plan(
        events=events,
        script="cancel",
        arguments=(events.first_booking, stage.sizes.cancels),
        seconds=FIXED_WORK_SECONDS,
        fixed_work=True,
    )


def _mixed(stage: Stage) -> Plan:
    events = stage.seeder.events(seats=200_000, confirmed=20_000)
    return Plan(
        events=events,
        script="mixed",
        arguments=(events.first, events.first_booking, events.confirmed),
        seconds=stage.sizes.scenario_seconds,
    )


SCENARIOS = (
    Scenario(
        name="hot_sale",
        prepare=_hot_sale,
        expected=frozenset({"201 confirmed", "201 waitlisted", "409 fully_booked"}),
        empty_view="POST",
        postgres="sold_out",
        connections=(FEW, MANY),
    ),
    Scenario(
        name="hot_fill",
        prepare=_hot_fill,
        expected=frozenset({"201 confirmed"}),
        empty_view="POST",
        postgres="booking",
        connections=(FEW, MANY),
    ),
    Scenario(
        name="many_events",
        prepare=_many_events,
        expected=frozenset({"201 confirmed"}),
        empty_view="POST",
        postgres="booking_of_many",
    ),
    Scenario(
        name="status_read",
        prepare=_status_read,
        expected=frozenset({"200"}),
        empty_view="GET",
        postgres="sold_out",
        connections=(FEW, MANY),
    ),
    Scenario(
        name="list_bookings",
        prepare=_list_bookings,
        expected=frozenset({"200 confirmed"}),
        empty_view="GET",
        connections=(ONE, FEW),
    ),
    Scenario(
        name="cancel_promote",
        prepare=_cancel_promote,
        expected=frozenset({"200 cancelled"}),
        empty_view="GET",
        postgres="booking",
        connections=(SOME, FEW, MANY),
    ),
    Scenario(
        name="mixed",
        prepare=_mixed,
        expected=frozenset({"200", "201 confirmed", "200 cancelled"}),
        empty_view="GET",
        connections=(FEW, MANY),
    ),
)
