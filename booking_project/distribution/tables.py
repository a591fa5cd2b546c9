"""Which table is distributed, and what has to change for it. docs/distribution.md gives the
reasons."""

from typing import NamedTuple


class Table(NamedTuple):
    """`column` has the event's id. `keys` are constraints, by name, whose columns don't contain it
    yet."""

    name: str
    column: str
    keys: tuple[tuple[str, str], ...] = ()


# The first one decides where events are; the others follow it.
TABLES = (
    Table("bookings_event", "id"),
    Table("bookings_booking", "event_id"),
    Table("bookings_historyentry", "event_id"),
    Table("sales_sale", "event_id"),
    Table("sales_salesecond", "event_id"),
    Table(
        "outbox_outboxentry",
        "distribution_key",
        (("outbox_outboxentry_pkey", "PRIMARY KEY (distribution_key, id)"),),
    ),
    Table(
        "idempotency_idempotencyrecord",
        "distribution_key",
        (
            ("idempotency_idempotencyrecord_pkey", "PRIMARY KEY (distribution_key, id)"),
            ("idempotency_one_answer_per_key", "UNIQUE (distribution_key, caller, path, key)"),
        ),
    ),
)

# A unique index must contain the event. The ids stay unique because one sequence gives them out.
UNIQUE_BY_ID = ("booking_id", "bookings_booking")
