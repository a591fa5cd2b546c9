"""The notifications' table changes its app, on a database that already has rows."""

from collections.abc import Iterator

import pytest

from tests.support.booking.own_database import OwnDatabase

BEFORE = ["bookings", "0005"]


class DatabaseWithNotifications(OwnDatabase):
    def notifications(self) -> list[tuple[object, ...]]:
        return self.ask("SELECT * FROM bookings_notification ORDER BY id")

    def who_may_see_them(self) -> list[tuple[object, ...]]:
        return self.ask(
            "SELECT g.name, t.app_label FROM auth_group g"
            " JOIN auth_group_permissions gp ON gp.group_id = g.id"
            " JOIN auth_permission p ON p.id = gp.permission_id"
            " JOIN django_content_type t ON t.id = p.content_type_id"
            " WHERE p.codename = 'view_notification'"
            # The service's own groups may, too.
            " AND g.name = 'readers'"
        )


@pytest.fixture
def database() -> Iterator[DatabaseWithNotifications]:
    with DatabaseWithNotifications.created() as created:
        yield created


def test_rows_and_permissions_stay_on_the_way_forward_and_back(
    database: DatabaseWithNotifications,
) -> None:
    database.migrate("auth")
    database.migrate(*BEFORE)
    database.do(
        "INSERT INTO bookings_notification (message_id, booking_id, kind, address)"
        " SELECT gen_random_uuid(), n, 'promoted', n || '@example.com'"
        " FROM generate_series(1, 1000) AS n"
    )
    database.do(
        "WITH readers AS (INSERT INTO auth_group (name) VALUES ('readers') RETURNING id)"
        " INSERT INTO auth_group_permissions (group_id, permission_id)"
        " SELECT readers.id, p.id FROM readers, auth_permission p"
        " WHERE p.codename = 'view_notification'"
    )
    rows = database.notifications()
    assert len(rows) == 1000
    assert database.who_may_see_them() == [("readers", "bookings")]

    database.migrate()
    assert database.notifications() == rows
    assert database.who_may_see_them() == [("readers", "notifications")]

    database.migrate(*BEFORE)
    assert database.notifications() == rows
    assert database.who_may_see_them() == [("readers", "bookings")]

    database.migrate()
    assert database.notifications() == rows
    assert database.who_may_see_them() == [("readers", "notifications")]


def test_it_is_made_and_removed_with_the_others(database: DatabaseWithNotifications) -> None:
    exists = "SELECT to_regclass('bookings_notification') IS NOT NULL"
    database.migrate()
    assert database.notifications() == []

    database.migrate("bookings", "zero")
    assert database.ask(exists) == [(False,)]

    database.migrate()
    assert database.ask(exists) == [(True,)]
