"""What of the outbox needs somebody, for the first page of a desk."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shared.admin.attention import Attention
from shared.outbox.status import outbox_status

# The relay publishes within a second.
OLD_SECONDS = 30


def outbox_attention() -> Iterator[Attention]:
    status, manage = outbox_status(), f"manage_{settings.SERVICE}.py"
    if status.oldest_pending_seconds > OLD_SECONDS:
        yield Attention(
            text=_("Messages have been waiting for the broker for %(seconds)s seconds.")
            % {"seconds": round(status.oldest_pending_seconds)},
            command=f"{manage} outbox_status",
        )
    if status.set_aside:
        yield Attention(
            text=ngettext(
                "%(count)s message can't be published.",
                "%(count)s messages can't be published.",
                status.set_aside,
            )
            % {"count": status.set_aside},
            command=f"{manage} outbox_set_aside list",
        )
