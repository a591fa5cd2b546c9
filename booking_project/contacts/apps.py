from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "booking_project.contacts"
    default_auto_field = "django.db.models.BigAutoField"
