"""The menu of the booking desk."""

from django.utils.translation import gettext_lazy as _

from shared.admin.desks import Group, link


def sales() -> Group:
    return Group(
        _("Sales"),
        [
            link(
                _("Events"),
                icon="event",
                to="bookings_event_changelist",
                permission="bookings.view_event",
            ),
            link(
                _("Bookings"),
                icon="confirmation_number",
                to="bookings_booking_changelist",
                permission="bookings.view_booking",
            ),
            link(
                _("Mails sent"),
                icon="mail",
                to="notifications_notification_changelist",
                permission="notifications.view_notification",
            ),
        ],
    )
