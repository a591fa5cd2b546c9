import django.contrib.postgres.indexes
import django.contrib.postgres.operations
from django.db import migrations, models

# Used by an index: if what it returns changes, the index must be rebuilt.
CREATE_FUNCTION = """
    CREATE OR REPLACE FUNCTION event_ngrams(text text, shortest integer) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000
    AS $$
    DECLARE
        characters text[] := string_to_array(upper(text), NULL);
        total integer := cardinality(characters);
        least_size integer := least(shortest, total);
        piece text;
        pieces text[] := '{}';
    BEGIN
        FOR start IN 1 .. total LOOP
            piece := '';
            FOR stop IN start .. least(start + 2, total) LOOP
                piece := piece || characters[stop];
                IF stop - start + 1 >= least_size THEN
                    pieces := pieces || piece;
                END IF;
            END LOOP;
        END LOOP;
        RETURN pieces;
    END
    $$
"""


class Migration(migrations.Migration):
    """Locks nobody out: the index is built concurrently.

    If that is interrupted, an invalid index stays behind. Before the next attempt, run:
    DROP INDEX CONCURRENTLY event_name_ngrams
    """

    atomic = False

    dependencies = [
        ('events', '0003_event_not_cancelled_by_end'),
    ]

    operations = [
        migrations.RunSQL(
            sql=CREATE_FUNCTION, reverse_sql='DROP FUNCTION event_ngrams(text, integer)'
        ),
        django.contrib.postgres.operations.AddIndexConcurrently(
            model_name='event',
            index=django.contrib.postgres.indexes.GinIndex(
                models.Func(
                    models.F('name'),
                    models.Value(1, output_field=models.IntegerField()),
                    function='event_ngrams',
                    output_field=models.TextField(),
                ),
                name='event_name_ngrams',
            ),
        ),
        # Tells the planner how many names match a pattern, and so when the index is worth it. If
        # most events match, reading them in order finds a page faster.
        migrations.RunSQL(
            sql='CREATE STATISTICS IF NOT EXISTS event_name_upper ON (UPPER(name)) FROM events_event',
            reverse_sql='DROP STATISTICS event_name_upper',
        ),
        migrations.RunSQL(sql='ANALYZE events_event', reverse_sql=migrations.RunSQL.noop),
    ]
