from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0011_waiting_room'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='batches_cause',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
    ]
