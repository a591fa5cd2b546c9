from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0008_waiting_room_rate'),
    ]

    operations = [
        ValidateConstraint(model_name='event', name='event_waiting_room_rate_in_range'),
    ]
