from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations

# References to a booking depend on the index of the primary key. They are made again, unchecked at
# first: all of their rows were valid a moment ago.
SWAP = """
DO $$
DECLARE
    reference record;
    all_references CONSTANT text := '
        SELECT conrelid::regclass AS owner, conname AS name, pg_get_constraintdef(oid) AS rule
          FROM pg_constraint
         WHERE contype = ''f'' AND confrelid = ''bookings_booking''::regclass';
    dropped text[] := '{{}}';
    statement text;
BEGIN
    LOCK TABLE bookings_booking IN ACCESS EXCLUSIVE MODE;
    FOR reference IN EXECUTE all_references LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference.owner, reference.name);
        dropped := dropped || format(
            'ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID',
            reference.owner, reference.name, reference.rule);
    END LOOP;
    ALTER TABLE bookings_booking
          DROP CONSTRAINT bookings_booking_pkey,
          ADD CONSTRAINT bookings_booking_pkey PRIMARY KEY USING INDEX {index};
    FOREACH statement IN ARRAY dropped LOOP
        EXECUTE statement;
    END LOOP;
END
$$
"""
VALIDATE = """
DO $$
DECLARE
    reference record;
BEGIN
    FOR reference IN
        SELECT conrelid::regclass AS owner, conname AS name
          FROM pg_constraint
         WHERE contype = 'f' AND confrelid = 'bookings_booking'::regclass AND NOT convalidated
    LOOP
        EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', reference.owner, reference.name);
    END LOOP;
END
$$
"""
SWAP_OF_HISTORY = """
ALTER TABLE bookings_historyentry
      DROP CONSTRAINT bookings_historyentry_pkey,
      ADD CONSTRAINT bookings_historyentry_pkey PRIMARY KEY USING INDEX {index}
"""


def built(name: str, columns: str) -> str:
    return f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}"


class Migration(migrations.Migration):
    """The primary keys become (event, id). To Django, `id` stays the key of the model: a booking is
    found by it, and it stays unique.

    Doesn't hold up a sale. The indexes are built concurrently. Each exchange of a primary key reads
    no rows and locks its table, for bookings also that of the notes, exclusively for some
    milliseconds; it waits for the locks at most the lock timeout. If that or anything else
    interrupts it, run it again. Drop an index that was half built by hand before (`\\d` shows it as
    INVALID)."""

    atomic = False

    dependencies = [
        ('bookings', '0009_names'),
    ]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, VALIDATE),
        migrations.RunSQL(
            built("booking_key", "bookings_booking (event_id, id)"), migrations.RunSQL.noop
        ),
        migrations.RunSQL(built("booking_id", "bookings_booking (id)"), migrations.RunSQL.noop),
        migrations.RunSQL(SWAP.format(index="booking_key"), SWAP.format(index="booking_id")),
        migrations.RunSQL(VALIDATE, migrations.RunSQL.noop),
        RemoveIndexConcurrently(
            model_name='booking',
            name='booking_by_event',
        ),
        migrations.RunSQL(
            built("history_key", "bookings_historyentry (event_id, id)"),
            SWAP_OF_HISTORY.format(index="history_id"),
        ),
        migrations.RunSQL(
            SWAP_OF_HISTORY.format(index="history_key"),
            built("history_id", "bookings_historyentry (id)"),
        ),
    ]
