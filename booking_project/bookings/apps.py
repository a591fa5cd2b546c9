from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingsConfig(AppConfig):
    name = "booking_project.bookings"
    verbose_name = _("Sales")
    default_auto_field = "django.db.models.BigAutoField"
