from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Doesn't hold up a sale: the columns need no rewrite, and the index is built concurrently. If
    it is interrupted, drop by hand what exists of the columns and the index before running it
    again."""

    atomic = False

    dependencies = [
        ('bookings', '0006_notifications_have_their_own_app'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='currency',
            field=models.CharField(db_default='THB', default='THB', max_length=3),
        ),
        migrations.AddField(
            model_name='event',
            name='description',
            field=models.TextField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='event',
            name='ends_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='event',
            name='starts_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='event',
            name='time_zone',
            field=models.CharField(db_default='Asia/Bangkok', default='Asia/Bangkok', max_length=64),
        ),
        migrations.AddField(
            model_name='event',
            name='venue',
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        AddIndexConcurrently(
            model_name='event',
            index=models.Index(condition=models.Q(('cancelled_at__isnull', True)), fields=['booking_end_at'], name='event_not_cancelled_by_end'),
        ),
    ]
