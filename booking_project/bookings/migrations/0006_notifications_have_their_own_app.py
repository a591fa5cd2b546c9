from django.db import migrations


class Migration(migrations.Migration):
    """The table stays: notifications 0001 takes it over."""

    dependencies = [
        ('bookings', '0005_lists_read_what_they_show'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.DeleteModel(name='Notification')],
        ),
    ]
