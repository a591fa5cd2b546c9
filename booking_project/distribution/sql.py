"""What Citus and PostgreSQL's catalog are asked and told."""

from collections.abc import Sequence
from typing import NamedTuple

from booking_project.distribution.tables import UNIQUE_BY_ID, Table
from shared.db.round_trips import execute


class Reference(NamedTuple):
    """A foreign key."""

    table: str
    name: str
    target: str
    definition: str


def citus_version() -> tuple[int, int] | None:
    """None if the extension isn't there."""
    found = execute("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
    if not found:
        return None
    major, _, minor = found[0][0].partition("-")[0].partition(".")
    return int(major), int(minor or 0)


def is_coordinator() -> bool:
    [(answer,)] = execute("SELECT citus_is_coordinator()")
    return bool(answer)


def nodes() -> list[str]:
    """Those that take shards."""
    rows = execute(
        "SELECT nodename, nodeport FROM pg_dist_node"
        " WHERE shouldhaveshards AND isactive AND noderole = 'primary' ORDER BY 1, 2"
    )
    return [f"{name}:{port}" for name, port in rows]


def distribution_of(table: Table) -> tuple[str, int] | None:
    """The column by which it is distributed, and the number of the group of tables that it is
    placed with; None for a plain table."""
    found = execute(
        "SELECT column_to_column_name(logicalrelid, partkey), colocationid FROM pg_dist_partition"
        " WHERE logicalrelid = %s::regclass AND partmethod = 'h'",
        [table.name],
    )
    return found[0] if found else None


def shards_by_node(table: Table) -> list[tuple[str, int]]:
    return [
        (f"{name}:{port}", count)
        for name, port, count in execute(
            "SELECT nodename, nodeport, count(*) FROM citus_shards"
            " WHERE table_name = %s::regclass GROUP BY 1, 2 ORDER BY 1, 2",
            [table.name],
        )
    ]


def count_rows(table: Table) -> int:
    [(count,)] = execute(f"SELECT count(*) FROM {table.name}")  # noqa: S608 (a constant)
    return int(count)


def lock(tables: Sequence[Table]) -> None:
    names = ", ".join(table.name for table in tables)
    execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")


def references(tables: Sequence[Table]) -> list[Reference]:
    """From and to these tables."""
    rows = execute(
        "SELECT conrelid::regclass::text, conname, confrelid::regclass::text,"
        " pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f'"
        " AND (conrelid = ANY(%s::regclass[]) OR confrelid = ANY(%s::regclass[])) ORDER BY 1, 2",
        [[table.name for table in tables]] * 2,
    )
    return [Reference(*row) for row in rows]


def drop_reference(reference: Reference) -> None:
    execute(f'ALTER TABLE {reference.table} DROP CONSTRAINT "{reference.name}"')


def add_reference(reference: Reference) -> None:
    """Checked at once, because a node that finds a violation only at its commit gives no reason."""
    definition = reference.definition.removesuffix(" DEFERRABLE INITIALLY DEFERRED")
    execute(f'ALTER TABLE {reference.table} ADD CONSTRAINT "{reference.name}" {definition}')


def replace_keys(table: Table) -> None:
    for name, definition in table.keys:
        execute(
            f"ALTER TABLE {table.name} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}"
        )


def replace_unique_index_by_id() -> None:
    index, table = UNIQUE_BY_ID
    execute(f"DROP INDEX {index}")
    execute(f"CREATE INDEX {index} ON {table} (id)")


def give_stored_answers_their_event() -> None:
    """Of those that an earlier version stored. Their path names it."""
    execute(
        "UPDATE idempotency_idempotencyrecord"
        r" SET distribution_key = substring(path FROM '/events/(\d+)/')::bigint"
        r" WHERE distribution_key = 0 AND path ~ '/events/\d+/'"
    )


def collect_no_statistics(table: Table) -> None:
    """About the column of the event. The shards are new, so they have no older ones either. Without
    statistics, the planner expects a two-hundredth of the rows for each event, never none."""
    execute(f"ALTER TABLE {table.name} ALTER COLUMN {table.column} SET STATISTICS 0")


def use_sequential_mode(*, shards: int) -> None:
    execute("SET LOCAL citus.multi_shard_modify_mode TO 'sequential'")
    execute(f"SET LOCAL citus.shard_count TO {shards}")


def create_distributed_table(table: Table, *, beside: Table | None) -> None:
    execute(
        "SELECT create_distributed_table(%s, %s, colocate_with => %s)",
        [table.name, table.column, beside.name if beside else "none"],
    )


def drop_local_copy(table: Table) -> None:
    """Delete the rows that are left on the coordinator. Harmless if there are none."""
    execute("SELECT truncate_local_data_after_distributing_table(%s::regclass)", [table.name])


def set_on_all_nodes(name: str, value: str) -> list[str]:
    """For this database. Returns what nodes answered that refused."""
    rows = execute(
        "SELECT success, result FROM run_command_on_all_nodes("
        "format('ALTER DATABASE %%I SET %%I = %%L', current_database(), %s::text, %s::text))",
        [name, value],
    )
    return [result for success, result in rows if not success]


def next_id_is_free() -> bool:
    [(free,)] = execute(
        "SELECT coalesce(pg_sequence_last_value("
        "pg_get_serial_sequence('bookings_booking', 'id')::regclass), 0)"
        " >= coalesce(highest, 0) FROM (SELECT max(id) AS highest FROM bookings_booking) AS booking"
    )
    return bool(free)
