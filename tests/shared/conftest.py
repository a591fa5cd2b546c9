"""These tests belong to neither service, so they need the settings of neither."""

import django
import pytest
from django.conf import settings


def pytest_configure(config: pytest.Config) -> None:
    if not settings.configured and not config.getoption("ds", default=None):
        settings.configure(
            USE_TZ=True,
            DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "nothing"}},
            ROOT_URLCONF=__name__,
            REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
            INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        )
        django.setup()


urlpatterns: list[object] = []
