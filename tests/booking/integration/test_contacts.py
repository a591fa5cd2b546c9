import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking_project.contacts.selectors import contacts_of
from booking_project.contacts.services import contact_remember

pytestmark = pytest.mark.django_db


def test_the_last_name_and_language_that_a_user_gave_are_kept() -> None:
    contact_remember(user_id="a@example.com", name="Ann", language="en")
    before = contacts_of(["a@example.com"])["a@example.com"].updated_at
    contact_remember(user_id="a@example.com", name="แอน", language="th")
    contact_remember(user_id="b@example.com", name="Bob", language="en")

    found = contacts_of(["a@example.com", "b@example.com", "never@example.com"])

    assert {key: (each.name, each.language) for key, each in found.items()} == {
        "a@example.com": ("แอน", "th"),
        "b@example.com": ("Bob", "en"),
    }
    assert found["a@example.com"].updated_at > before


def test_one_statement_stores_it() -> None:
    with CaptureQueriesContext(connection) as queries:
        contact_remember(user_id="a@example.com", name="Ann", language="en")

    assert len([each for each in queries if each["sql"].startswith("INSERT")]) == 1
    assert not any(each["sql"].startswith(("SELECT", "UPDATE")) for each in queries)
