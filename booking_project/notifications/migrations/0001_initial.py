from typing import Any

import django.db.models.functions.datetime
from django.db import migrations, models


def keep_permissions(apps: Any, schema_editor: Any) -> None:
    """What staff may do with notifications hangs on the content type, which changes its app."""
    _move_content_type(apps, schema_editor, old='bookings', new='notifications')


def give_permissions_back(apps: Any, schema_editor: Any) -> None:
    _move_content_type(apps, schema_editor, old='notifications', new='bookings')


def _move_content_type(apps: Any, schema_editor: Any, *, old: str, new: str) -> None:
    manager = apps.get_model('contenttypes', 'ContentType').objects
    content_types = manager.using(schema_editor.connection.alias).filter(model='notification')
    if not content_types.filter(app_label=new).exists():
        content_types.filter(app_label=old).update(app_label=new)


class Migration(migrations.Migration):
    """Takes over the table that bookings 0002 made, with its rows. Nothing is copied or renamed."""

    initial = True

    dependencies = [
        ('bookings', '0006_notifications_have_their_own_app'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
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
                        'db_table': 'bookings_notification',
                        'ordering': ['id'],
                        'indexes': [models.Index(fields=['booking_id'], name='notification_by_booking')],
                        'constraints': [models.UniqueConstraint(fields=('message_id',), name='notification_once_per_message')],
                    },
                ),
            ],
        ),
        migrations.RunPython(keep_permissions, give_permissions_back, elidable=True),
    ]
