from booking_project.contacts.models import Contact


def contact_remember(*, user_id: str, name: str, language: str) -> None:
    """Store what the user says now, in one statement."""
    Contact.objects.bulk_create(
        [Contact(user_id=user_id, name=name, language=language)],
        update_conflicts=True,
        unique_fields=["user_id"],
        update_fields=["name", "language", "updated_at"],
    )
