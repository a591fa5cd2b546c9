"""Warns that the API does not check who calls it."""

import logging
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from rest_framework.settings import api_settings

from shared.auth.authentication import Open

logger = logging.getLogger(__name__)

SENTENCE = "The API is open: anyone may do anything (AUTH_MODE=open)."


def say_if_open() -> None:
    """Once, when a process begins to serve. Commands don't call it: they would log it all day."""
    if _is_open():
        logger.warning(SENTENCE)


@register(Tags.security, deploy=True)
def check_not_open(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """For `check --deploy`."""
    if not _is_open():
        return []
    return [Warning(SENTENCE, hint="Set AUTH_MODE=jwt.", id="shared_auth.W001")]


def _is_open() -> bool:
    # The stubs say what the setting is before DRF imports the classes that it names.
    classes: Sequence[Any] = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    return Open in classes
