from collections.abc import Iterable

from booking_project.contacts.models import Contact


def contacts_of(user_ids: Iterable[str]) -> dict[str, Contact]:
    """By user. Users who never booked on a page are left out."""
    return Contact.objects.in_bulk(list(user_ids))
