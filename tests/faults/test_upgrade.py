"""The booking database is migrated from the first version's tables while clients book."""

import pytest

from bench.upgrade import measure


@pytest.mark.long_form
def test_bookings_go_on_while_the_database_is_migrated() -> None:
    """`make bench-upgrade` says how long they wait. Any booking that fails raises here."""
    for step in measure(20_000):
        assert step.waits.bookings, step.name
