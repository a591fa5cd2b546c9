from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Doesn't hold up a sale. If it is interrupted, drop by hand what exists of the table and the
    index before running it again."""

    atomic = False

    dependencies = [
        ('bookings', '0007_what_describes_an_event'),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoryEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.BigIntegerField()),
                ('booking_id', models.BigIntegerField()),
                ('change', models.CharField(max_length=10)),
                ('reason', models.CharField(max_length=20)),
                ('actor', models.CharField(max_length=255)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
                'verbose_name_plural': 'history entries',
                'indexes': [models.Index(fields=['booking_id', 'id'], name='history_by_booking')],
            },
        ),
        AddIndexConcurrently(
            model_name='booking',
            index=models.Index(fields=['user_id'], name='booking_by_start_of_user', opclasses=['varchar_pattern_ops']),
        ),
    ]
