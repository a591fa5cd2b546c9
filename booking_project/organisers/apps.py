from django.apps import AppConfig


class OrganisersConfig(AppConfig):
    name = "booking_project.organisers"
    default_auto_field = "django.db.models.BigAutoField"
