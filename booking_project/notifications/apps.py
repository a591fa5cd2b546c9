from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "booking_project.notifications"
    verbose_name = _("Mails")
    default_auto_field = "django.db.models.BigAutoField"
