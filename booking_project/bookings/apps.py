from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingsConfig(AppConfig):
    name = "booking_project.bookings"
    verbose_name = _("Sales")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking_project.bookings.metrics import count_decisions
        from booking_project.bookings.services.waiting_room import line_of
        from booking_project.bookings.signals import decided
        from shared.serving import turns

        decided.connect(count_decisions)
        turns.line_of = line_of
