import django.core.validators
import django.db.models.functions.text
import django.db.models.lookups
import shared.formats.codes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0005_constraints_in_words'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='currency',
            field=models.CharField(db_default='THB', default='THB', max_length=3, validators=[shared.formats.codes.validate_currency]),
        ),
        migrations.AddField(
            model_name='event',
            name='description',
            field=models.TextField(blank=True, null=True, validators=[django.core.validators.MaxLengthValidator(10000)]),
        ),
        migrations.AddField(
            model_name='event',
            name='ends_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='event',
            name='starts_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='event',
            name='time_zone',
            field=models.CharField(db_default='Asia/Bangkok', default='Asia/Bangkok', max_length=64, validators=[shared.formats.codes.validate_time_zone]),
        ),
        migrations.AddField(
            model_name='event',
            name='venue',
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('description', ''), _negated=True), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('description'), 10000)), name='event_description_has_a_length', violation_error_message='description must have 1 to 10000 characters'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('venue', ''), _negated=True), name='event_venue_not_empty', violation_error_message='venue must not be empty'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gte', models.F('starts_at'))), name='event_ends_not_before_it_starts', violation_error_message='ends_at must not be before starts_at'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('time_zone', ''), _negated=True), name='event_has_a_time_zone', violation_error_message='time_zone must not be empty'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='event_currency_is_a_code', violation_error_message='currency must have three capital letters'),
        ),
    ]
