"""Ids that must not be given out again."""

from django.db import connection, models


def skip_ids(model: type[models.Model], *, count: int) -> int:
    """Leave out the next `count` ids, counted from the highest one that this database knows to be
    given out. Returns the id that the next row gets."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT setval(
                     sequence,
                     greatest(coalesce(pg_sequence_last_value(sequence), 0),
                              (SELECT coalesce(max(id), 0) FROM {table})) + %s
                   ) + 1
              FROM CAST(pg_get_serial_sequence(%s, 'id') AS regclass) AS sequence
            """,  # noqa: S608 (the name of a model's table)
            [count, table],
        )
        (following,) = cursor.fetchone()
    return int(following)
