"""Warns that the API does not ask callers who they are."""

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from shared.auth.settings import OPEN

logger = logging.getLogger(__name__)

SENTENCE = "The API is open: anybody may do anything (AUTH_MODE=open)."


def say_if_open() -> None:
    """Once, when a process begins to serve. Commands don't call it: they would log it all day."""
    if settings.AUTH_MODE == OPEN:
        logger.warning(SENTENCE)


@register(Tags.security, deploy=True)
def check_not_open(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """For `check --deploy`."""
    if settings.AUTH_MODE != OPEN:
        return []
    return [Warning(SENTENCE, hint="Set AUTH_MODE=jwt.", id="shared_auth.W001")]
