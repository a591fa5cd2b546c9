from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "booking_project.notifications"
    default_auto_field = "django.db.models.BigAutoField"
