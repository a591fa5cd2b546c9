from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("caller", models.CharField(max_length=300, primary_key=True, serialize=False)),
                ("spent_until", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE limits_budget SET UNLOGGED", "ALTER TABLE limits_budget SET LOGGED"
        ),
    ]
