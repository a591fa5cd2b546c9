from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0007_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='waiting_room_rate',
            field=models.IntegerField(blank=True, null=True),
        ),
        AddConstraintNotValid(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('waiting_room_rate__range', (1, 10000))), name='event_waiting_room_rate_in_range', violation_error_message='waiting_room_rate must be from 1 to 10000'),
        ),
    ]
