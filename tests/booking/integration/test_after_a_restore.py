"""Commands for the hour after one of the databases was restored from a backup."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from booking_project.bookings.management.commands.skip_booking_ids import SKIPPED_IDS
from tests.support.booking.factories import EventFactory, booked

pytestmark = pytest.mark.django_db


def test_export_events_writes_all_that_is_known_of_each_event(tmp_path: Path) -> None:
    first, second = EventFactory(price="2500.50", version=7), EventFactory(venue="BITEC")

    call_command("export_events", str(tmp_path / "events.jsonl"))

    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]

    assert [line["id"] for line in lines] == [first.pk, second.pk]
    assert lines[0]["price"] == 2500.5
    assert lines[0]["version"] == 7
    assert lines[0]["cancelled_at"] is None
    assert lines[1]["venue"] == "BITEC"
    assert not any("count" in member for member in lines[0])


def test_skip_booking_ids_leaves_a_gap_behind_all_that_is_known() -> None:
    event = EventFactory()
    (before,) = booked(event, ["ann"])

    out = StringIO()
    call_command("skip_booking_ids", stdout=out)

    (after,) = booked(event, ["ben"])
    assert after.pk == before.pk + SKIPPED_IDS + 1
    assert out.getvalue() == f"the next booking gets the id {after.pk}\n"
