from django.apps import AppConfig


class AuthConfig(AppConfig):
    name = "shared.auth"
    label = "shared_auth"

    def ready(self) -> None:
        from shared.auth import open_mode, schema  # noqa: F401
