from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Doesn't hold up a sale. If it is interrupted, drop the half-built index by hand before
    running it again: DROP INDEX booking_by_user."""

    atomic = False

    dependencies = [
        ('bookings', '0002_cancellations_and_notifications'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='booking',
            index=models.Index(fields=['user_id', 'id'], name='booking_by_user'),
        ),
    ]
