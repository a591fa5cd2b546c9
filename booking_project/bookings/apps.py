from django.apps import AppConfig


class BookingsConfig(AppConfig):
    name = "booking_project.bookings"
    default_auto_field = "django.db.models.BigAutoField"
