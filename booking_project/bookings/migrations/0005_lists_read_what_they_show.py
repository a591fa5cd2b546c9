from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Doesn't hold up a sale. If it is interrupted, drop by hand those of these indexes that exist
    before running it again."""

    atomic = False

    dependencies = [
        ('bookings', '0004_promotions_in_batches'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='booking',
            index=models.Index(condition=models.Q(('status', 'confirmed')), fields=['event', 'id'], name='booking_confirmed_by_event'),
        ),
        AddIndexConcurrently(
            model_name='booking',
            index=models.Index(condition=models.Q(('status', 'waitlisted')), fields=['event', 'id'], name='booking_waitlisted_by_event'),
        ),
        AddIndexConcurrently(
            model_name='booking',
            index=models.Index(condition=models.Q(('status', 'cancelled')), fields=['event', 'id'], name='booking_cancelled_by_event'),
        ),
        AddIndexConcurrently(
            model_name='booking',
            index=models.Index(condition=models.Q(('status', 'confirmed')), fields=['user_id', 'id'], name='booking_confirmed_by_user'),
        ),
        AddIndexConcurrently(
            model_name='booking',
            index=models.Index(condition=models.Q(('status', 'waitlisted')), fields=['user_id', 'id'], name='booking_waitlisted_by_user'),
        ),
        AddIndexConcurrently(
            model_name='booking',
            index=models.Index(condition=models.Q(('status', 'cancelled')), fields=['user_id', 'id'], name='booking_cancelled_by_user'),
        ),
    ]
