from django.db import migrations, models


class Migration(migrations.Migration):
    """A constant default: no row is rewritten."""

    dependencies = [
        ('idempotency', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='idempotencyrecord',
            name='distribution_key',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
