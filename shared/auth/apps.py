from axes.apps import AppConfig as AxesConfig
from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AuthConfig(AppConfig):
    default = True
    name = "shared.auth"
    label = "shared_auth"

    def ready(self) -> None:
        from shared.auth import open_mode, schema  # noqa: F401
        from shared.auth.groups import keep_groups

        # After Django's own receiver, which makes the permissions: its app is listed before.
        post_migrate.connect(keep_groups, dispatch_uid="shared_auth.keep_groups")


class FailedLogInsConfig(AxesConfig):  # type: ignore[misc]  # axes has no types
    """Axes, by a name that says what it shows."""

    default = False
    verbose_name = _("Failed log-ins")
