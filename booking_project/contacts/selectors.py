from collections.abc import Iterable

from booking_project.contacts import sql
from booking_project.contacts.models import Contact


def contacts_of(user_ids: Iterable[str]) -> dict[str, Contact]:
    """By user. Users who never booked on a page are left out."""
    found = Contact.objects.raw(sql.BY_USERS, [list(user_ids)])
    return {contact.user_id: contact for contact in found}
