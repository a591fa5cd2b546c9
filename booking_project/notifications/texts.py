"""What mails say, in English. `locale/` has the translations."""

from dataclasses import dataclass

from django.utils.translation import gettext_noop

from booking_project.notifications.models import NotificationKind


@dataclass(frozen=True)
class Text:
    """`subject` contains `%(event)s`."""

    subject: str
    body: str


GREETING = gettext_noop("Hello,")
GREETING_BY_NAME = gettext_noop("Hello %(name)s,")
DETAILS = gettext_noop("  Event:    %(event)s\n  Booking:  %(booking)d")
TEXTS = {
    NotificationKind.PROMOTED: Text(
        subject=gettext_noop("You have a seat: %(event)s"),
        body=gettext_noop(
            "A seat became free, and you were the first in line. Your booking is confirmed.\n\n"
            "If you can't come, please cancel your booking, so that the next in line gets the seat."
        ),
    ),
    NotificationKind.CANCELLED_BY_USER: Text(
        subject=gettext_noop("Your booking is cancelled: %(event)s"),
        body=gettext_noop(
            "Your booking is cancelled, as you asked. You can book again while there are seats."
        ),
    ),
    NotificationKind.EVENT_CANCELLED: Text(
        subject=gettext_noop("The event is cancelled: %(event)s"),
        body=gettext_noop(
            "The event that you booked does not take place. Your booking is cancelled with it.\n"
            "There is nothing that you need to do."
        ),
    ),
}
