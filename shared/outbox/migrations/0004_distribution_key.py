from django.db import migrations, models


class Migration(migrations.Migration):
    """A constant default: no row is rewritten."""

    dependencies = [
        ('outbox', '0003_entries'),
    ]

    operations = [
        migrations.AddField(
            model_name='outboxentry',
            name='distribution_key',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
