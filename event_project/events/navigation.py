"""The menu of the event desk."""

from django.utils.translation import gettext_lazy as _

from shared.admin.desks import Group, link


def programme() -> Group:
    return Group(
        _("Programme"),
        [
            link(
                _("Events"),
                icon="event",
                to="events_event_changelist",
                permission="events.view_event",
            )
        ],
    )
