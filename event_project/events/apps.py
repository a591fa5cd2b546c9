from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "event_project.events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from event_project.events import signals  # noqa: F401
