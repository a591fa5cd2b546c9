"""All or nothing: tables are distributed in one transaction, while nobody uses them."""

from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from booking_project.bookings.reconciliation import find_discrepancies
from booking_project.distribution import sql
from booking_project.distribution.errors import CannotDistribute
from booking_project.distribution.tables import TABLES, UNIQUE_BY_ID, Table
from shared.outbox.sql import adopt_old_rows

OLDEST_CITUS = (12, 0)


def require_cluster() -> list[str]:
    """The nodes that take shards. Raises `CannotDistribute`."""
    version = sql.citus_version()
    if version is None:
        raise CannotDistribute(
            "this database has no Citus: install it on each node, "
            "type CREATE EXTENSION citus in the database of each, and add the nodes"
        )
    if version < OLDEST_CITUS:
        found, needed = (".".join(map(str, each)) for each in (version, OLDEST_CITUS))
        raise CannotDistribute(f"this is Citus {found}, and identity columns need {needed}")
    if not sql.is_coordinator():
        raise CannotDistribute("this is not the cluster's coordinator: run it there")
    nodes = sql.nodes()
    if not nodes:
        raise CannotDistribute("no node of the cluster takes shards: add one with citus_add_node")
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotDistribute("migrations are missing: run `migrate` first")
    return nodes


def waiting_tables() -> list[Table]:
    """Those that are still plain. Raises `CannotDistribute` if one is distributed by anything but
    its event."""
    waiting, groups = [], set()
    for table in TABLES:
        found = sql.distribution_of(table)
        if found is None:
            waiting.append(table)
            continue
        column, group = found
        groups.add(group)
        if column != table.column:
            raise CannotDistribute(f"{table.name} is distributed by {column}, not {table.column}")
    if len(groups) > 1:
        raise CannotDistribute("the tables are distributed, but not beside each other")
    return waiting


def planned(tables: Sequence[Table], *, shards: int, nodes: Sequence[str]) -> Iterator[str]:
    """What `distribute` will do, a line each."""
    yield f"the cluster has {len(nodes)} nodes for shards: {', '.join(nodes)}"
    yield f"{shards} shards of each table; nobody can use the tables meanwhile"
    for table in tables:
        yield f"distribute {table.name} by {table.column}: {sql.count_rows(table):,} rows"
        for name, definition in table.keys:
            yield f"  {name} becomes {definition}"
    index, of_table = UNIQUE_BY_ID
    if of_table in [table.name for table in tables]:
        yield f"  the index {index} is no longer unique; the sequence keeps the ids unique"
    for reference in sql.references(tables):
        if not _is_among(reference, TABLES):
            yield f"  drop the reference {reference.name} of {reference.table}"
    yield "then compare all rows, and events with their bookings"


def distribute(tables: Sequence[Table], *, shards: int) -> None:
    """Raises `CannotDistribute`; then nothing has changed."""
    with transaction.atomic():
        sql.use_sequential_mode(shards=shards)
        sql.lock(tables)
        adopt_old_rows()
        sql.give_stored_answers_their_event()
        before = {table: sql.count_rows(table) for table in tables}
        references = sql.references(tables)
        for reference in references:
            sql.drop_reference(reference)
        for table in tables:
            sql.replace_keys(table)
            sql.collect_no_statistics(table)
            if table.name == UNIQUE_BY_ID[1]:
                sql.replace_unique_index_by_id()
        first = TABLES[0]
        for table in tables:
            sql.create_distributed_table(table, beside=None if table == first else first)
        for reference in references:
            if _is_among(reference, TABLES):
                sql.add_reference(reference)
        for table, rows in before.items():
            if sql.count_rows(table) != rows:
                raise CannotDistribute(f"{table.name} would lose rows; nothing was changed")


def finish() -> None:
    """What may be repeated: free the coordinator's old copies, and set what nodes need. Raises
    `CannotDistribute`."""
    for table in TABLES:
        sql.drop_local_copy(table)
    for name, value in settings.SETTINGS_OF_NODES.items():
        refusals = sql.set_on_all_nodes(name, value)
        if refusals:
            raise CannotDistribute(f"a node refused {name} = {value}: {refusals[0]}")


def complaints() -> Iterator[str]:
    """What is wrong with a distributed database."""
    for table in waiting_tables():
        yield f"{table.name} is not distributed"
    if not sql.next_id_is_free():
        yield "the sequence of booking ids is behind the bookings"
    yield from map(str, find_discrepancies())


def _is_among(reference: sql.Reference, tables: Sequence[Table]) -> bool:
    """Whether both of its ends are."""
    names = {table.name for table in tables}
    return {reference.table, reference.target} <= names
