"""The capacity model: costs become cores and limits, and a crowd is simulated."""

import json
from pathlib import Path

import pytest

from bench.capacity.__main__ import main
from bench.capacity.costs import Cost, Costs, RowLock, read_costs
from bench.capacity.model import Demand, cores, limits
from bench.capacity.room import simulate_room
from bench.capacity.simulation import Sale, Service, simulate
from bench.errors import BenchError


def cost(**cpu_us: float) -> Cost:
    return Cost(cpu_us=cpu_us, wal_bytes=1000, sent_bytes=500)


COSTS = Costs(
    booking=cost(api=500, relay=50),
    refusal=cost(api=300),
    status=cost(api=200),
    row=RowLock(fixed=0.004, each=0.0001),
    about="made up",
)


def test_cores_are_what_all_requests_cost() -> None:
    demand = Demand(bookings=1000, refusals=5000, reads=10_000)

    # 0.5 + 1.5 + 2 cores of the API, 0.05 of the relay.
    assert cores(demand, COSTS, busy=1.0) == {"api": 4, "relay": 1}
    assert cores(demand, COSTS, busy=0.5)["api"] == 8


def test_the_lowest_limit_comes_first_and_more_events_raise_that_of_the_row() -> None:
    def first(events: int) -> tuple[float, str]:
        demand = Demand(bookings=1000, events=events)
        lowest = limits(demand, COSTS, wal_mb_per_second=100, network_gbit=10)[0]
        return lowest.most, lowest.what

    most, what = first(1)
    assert most == pytest.approx(64 / (0.004 + 64 * 0.0001))
    assert "row of one event" in what
    most, what = first(100)
    assert most == pytest.approx(1e6 / 50)
    assert "relay" in what


def test_the_limits_of_disk_and_network_count_the_whole_mix() -> None:
    demand = Demand(bookings=100, refusals=900, events=1000)
    found = limits(demand, COSTS, wal_mb_per_second=1, network_gbit=0.001)
    by_what = {limit.what.split(" of ")[0]: limit.most for limit in found}

    assert by_what["1 MB/s"] == pytest.approx(1e6 / 10_000)
    assert by_what["a network"] == pytest.approx(1e6 / (8 * 500 * 10))


def test_nobody_waits_while_the_api_keeps_up() -> None:
    sale = Sale(people=1000, seats=100, half_life=10)
    outcome = simulate(sale, Service(cores=1, booking_us=1000, refusal_us=500))

    assert outcome.answered == pytest.approx(1000, abs=1)
    assert outcome.longest_wait(0.99) <= 0.1
    assert outcome.asked_again == 0
    # A tenth of them has come after 10 s * log2(1 / 0.9).
    assert outcome.sold_out_at == pytest.approx(1.52, abs=0.2)


def test_a_crowd_that_comes_at_once_waits_for_the_work_it_makes() -> None:
    sale = Sale(people=10_000, seats=10, half_life=0.01)
    outcome = simulate(sale, Service(cores=2, booking_us=1000, refusal_us=1000))

    # 10,000 requests of a millisecond on two cores. Each gets the same share, so all end late.
    assert outcome.longest_wait(1.0) == pytest.approx(5.0, abs=0.3)
    assert outcome.longest_wait(0.5) > 4.0


def test_the_row_limits_how_fast_an_event_sells_whatever_the_cores() -> None:
    sale = Sale(people=1000, seats=500, half_life=0.01)
    service = Service(cores=1000, booking_us=100, refusal_us=100, row_per_second=100)

    assert simulate(sale, service).sold_out_at == pytest.approx(5.0, abs=0.3)


def test_who_gives_up_and_asks_again_adds_work_and_is_counted_once() -> None:
    sale = Sale(people=1000, seats=1000, half_life=0.01, patience=1.2)
    outcome = simulate(sale, Service(cores=1, booking_us=1500, refusal_us=300))

    # All get their seats after 1.5 s. They have asked again by then, and learn it 0.3 s later.
    assert outcome.asked_again == pytest.approx(1000, abs=1)
    assert outcome.answered == pytest.approx(1000, abs=1)
    assert outcome.longest_wait(0.9) == pytest.approx(1.8, abs=0.2)


def test_a_crowd_without_patience_may_never_get_its_answers() -> None:
    sale = Sale(people=1000, seats=10, half_life=0.01, patience=1.0)
    outcome = simulate(sale, Service(cores=1, booking_us=1500, refusal_us=1500))

    assert outcome.answered == 0
    assert outcome.asked_again > 10_000


def test_the_committed_costs_can_be_read() -> None:
    costs = read_costs()

    assert costs.booking.cpu_us["api"] > costs.refusal.cpu_us["postgres"] > 0
    assert costs.row.commands_per_second(batch=64) > 0


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"medians": []})])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)

    with pytest.raises(BenchError, match=r"other\.json"):
        read_costs(file)
    with pytest.raises(BenchError, match=r"missing\.json"):
        read_costs(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bookings-per-second", "0"],
        ["--bookings-per-second", "nan"],
        ["--refusals-per-second", "-1"],
        ["--busy", "1.5"],
        ["--half-life", "0"],
        ["--people", "0"],
    ],
    ids=" ".join,
)
def test_numbers_without_sense_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench.capacity", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert f"argument {arguments[0]}: " in capsys.readouterr().err


def test_a_waiting_room_sells_at_its_rate_while_the_line_grows() -> None:
    sale = Sale(people=100_000, seats=10_000, half_life=30)
    service = Service(cores=1, booking_us=400, refusal_us=200)

    room = simulate_room(sale, service, rate=1000, join_us=400)

    assert room.sold_out_at == pytest.approx(10, abs=0.5)
    assert room.longest_join > 1, "the API was asked for more places than it could give"
    assert room.in_line_at_the_end == pytest.approx(room.longest_line)


def test_a_waiting_room_with_room_for_all_makes_nobody_wait_for_a_place() -> None:
    sale = Sale(people=1000, seats=2000, half_life=30)
    service = Service(cores=2, booking_us=400, refusal_us=200)

    room = simulate_room(sale, service, rate=1000, join_us=200)

    assert room.sold_out_at is None
    assert room.longest_join == 0
    assert room.longest_line < 1000
