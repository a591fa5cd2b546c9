"""Entries that hold all messages of a transaction. Pending rows of the earlier form are not moved
here: the next publisher makes entries of them, also of those that old processes still write."""

import django.db.models.functions.datetime
from django.db import migrations, models

# Ids of both forms from one sequence: the order of the changes holds across them.
SHARE_SEQUENCE = """
    ALTER TABLE outbox_outboxentry ALTER COLUMN id DROP IDENTITY;
    ALTER TABLE outbox_outboxentry
        ALTER COLUMN id SET DEFAULT nextval('outbox_outboxmessage_id_seq');
"""

# What is not published yet becomes a row for each message again, in the same order.
RETURN_TO_ROWS = """
    INSERT INTO outbox_outboxmessage
           (message_id, exchange, routing_key, ordering_key, headers, body,
            created_at, unroutable_since, set_aside_at, failure)
    SELECT split_part(line, E'\\t', 1)::uuid, exchange,
           split_part(line, E'\\t', 2), split_part(line, E'\\t', 3),
           split_part(line, E'\\t', 4)::jsonb, split_part(line, E'\\t', 5)::jsonb,
           created_at, unroutable_since, set_aside_at, failure
      FROM outbox_outboxentry,
           string_to_table(messages, E'\\n') WITH ORDINALITY AS lines (line, position)
     WHERE published_at IS NULL
     ORDER BY id, position
"""


class Migration(migrations.Migration):

    dependencies = [
        ('outbox', '0002_set_aside'),
    ]

    operations = [
        migrations.CreateModel(
            name='OutboxEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('exchange', models.CharField(max_length=255)),
                ('size', models.PositiveIntegerField()),
                ('messages', models.TextField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('unroutable_since', models.DateTimeField(blank=True, null=True)),
                ('set_aside_at', models.DateTimeField(blank=True, null=True)),
                ('failure', models.TextField(blank=True, db_default='', default='')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('published_at__isnull', True), ('set_aside_at__isnull', True)), fields=['id'], name='outbox_entry_pending'), models.Index(condition=models.Q(('published_at__isnull', False)), fields=['published_at'], name='outbox_entry_published'), models.Index(condition=models.Q(('set_aside_at__isnull', False)), fields=['id'], name='outbox_entry_set_aside')],
            },
        ),
        migrations.RunSQL(SHARE_SEQUENCE, RETURN_TO_ROWS),
    ]
