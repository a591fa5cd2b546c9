from typing import Any

import django.db.models.functions.datetime
from django.db import migrations, models


def cancel_what_was_left(apps: Any, schema_editor: Any) -> None:
    """For events cancelled before a cancellation also cancelled their bookings."""
    events = apps.get_model('bookings', 'Event').objects.using(schema_editor.connection.alias)
    events.filter(cancelled_at__isnull=False).update(cancellation_pending=True)


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message_id', models.UUIDField()),
                ('booking_id', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('promoted', 'Promoted'), ('cancelled_by_user', 'Cancelled By User'), ('event_cancelled', 'Event Cancelled')], max_length=20)),
                ('address', models.CharField(max_length=254)),
                ('sent_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['booking_id'], name='notification_by_booking')],
                'constraints': [models.UniqueConstraint(fields=('message_id',), name='notification_once_per_message')],
            },
        ),
        migrations.AddField(
            model_name='event',
            name='cancellation_pending',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunPython(cancel_what_was_left, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('cancellation_pending', True)), fields=['id'], name='event_cancellation_pending'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('cancellation_pending', False), ('cancelled_at__isnull', False), _connector='OR'), name='event_pending_only_while_cancelled'),
        ),
    ]
