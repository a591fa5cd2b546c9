from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Without holding up a sale. If it is interrupted, the half index has to be dropped by hand
    before it is run again: DROP INDEX booking_by_user."""

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
