from django.apps import AppConfig


class SalesConfig(AppConfig):
    name = "booking_project.sales"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking_project.bookings.signals import decided, stopping
        from booking_project.sales import recorder

        decided.connect(recorder.record)
        stopping.connect(recorder.stop)
