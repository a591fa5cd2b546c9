from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Doesn't hold up a sale: the column needs no rewrite, and the indexes are built concurrently.
    If it is interrupted, drop the half-built index by hand (`\\d` shows it as INVALID) before
    running it again, and also the column, if it was added."""

    atomic = False

    dependencies = [
        ('bookings', '0003_booking_by_user'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='promotion_cause',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        AddIndexConcurrently(
            model_name='event',
            index=models.Index(condition=models.Q(('cancellation_pending', True), models.Q(('promotion_cause', ''), _negated=True), _connector='OR'), fields=['id'], name='event_pending_batches'),
        ),
        RemoveIndexConcurrently(
            model_name='event',
            name='event_cancellation_pending',
        ),
    ]
