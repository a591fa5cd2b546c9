"""`manage_booking.py` runs this service in any environment, or says what is wrong."""

import pytest

from tests.support.booking.manage import manage

PRINT_URLCONF = "from django.conf import settings; print(settings.ROOT_URLCONF)"
REQUIRED = ["BOOKING_SECRET_KEY", "BOOKING_DATABASE_URL", "RABBITMQ_URL", "AUTH_MODE"]


@pytest.mark.parametrize(
    "stray", [None, "", "event_project.settings", "nothing.at.all"], ids=lambda stray: str(stray)
)
def test_a_stray_settings_module_is_overruled(stray: str | None) -> None:
    run = manage("shell", "--no-imports", "-c", PRINT_URLCONF, DJANGO_SETTINGS_MODULE=stray)

    assert run.stdout.strip() == "booking_project.urls", run.stderr


@pytest.mark.parametrize(
    "option", [["--settings=event_project.settings"], ["--settings", "event_project.settings"]]
)
def test_the_other_services_settings_are_refused(option: list[str]) -> None:
    run = manage("check", *option)

    assert run.returncode != 0
    assert "event_project.settings" in run.stderr
    assert "booking_project.settings" in run.stderr
    assert "Traceback" not in run.stderr


def test_its_own_settings_may_be_named() -> None:
    assert manage("check", "--settings=booking_project.settings").returncode == 0


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named_in_one_sentence(name: str) -> None:
    run = manage("check", **{name: None})

    assert run.returncode != 0
    [sentence] = run.stderr.strip().splitlines()
    assert name in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOOKING_SECRET_KEY", "short"),
        ("BOOKING_SECRET_KEY", ""),
        ("BOOKING_DATABASE_URL", ""),
        ("BOOKING_DATABASE_URL", "not a url"),
        ("BOOKING_DATABASE_URL", "postgres://host:port/name"),
        ("RABBITMQ_URL", ""),
        ("RABBITMQ_URL", "not a url"),
        ("BOOKING_DB_POOL_SIZE", "many"),
        ("BOOKING_DB_POOL_SIZE", "1"),
        ("BOOKING_LOCK_TIMEOUT_MS", "0"),
        ("BOOKING_STATEMENT_TIMEOUT_MS", "0"),
        ("DATABASE_WAITS", "never"),
        ("ADMISSION_MAX_GROUP", "0"),
        ("ADMISSION_GROUPING", "some"),
        ("BOOKING_DISTRIBUTION", "sharded"),
        ("EMAIL_URL", "carrier-pigeon://loft"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "smtp://host:port"),
        ("EMAIL_TIMEOUT", "0"),
        ("DEFAULT_FROM_EMAIL", "nobody"),
        ("NOTIFICATION_ADDRESS", "ann@example.com"),
        ("NOTIFICATION_ADDRESS", "{user_id} at example.com"),
        ("DEBUG", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_variable_is_named_in_one_sentence(name: str, value: str) -> None:
    run = manage("check", **{name: value})

    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    [sentence] = run.stderr.strip().splitlines()
    assert name in sentence


def test_all_problems_of_the_service_are_reported_at_once() -> None:
    run = manage(
        "check", BOOKING_SECRET_KEY=None, BOOKING_DATABASE_URL=None, BOOKING_DB_POOL_SIZE="x"
    )

    assert run.returncode != 0
    sentences = run.stderr.strip().splitlines()
    assert len(sentences) == 3
    for name in ("BOOKING_SECRET_KEY", "BOOKING_DATABASE_URL", "BOOKING_DB_POOL_SIZE"):
        assert sum(name in sentence for sentence in sentences) == 1


def test_a_distributed_database_needs_each_event_by_itself() -> None:
    run = manage("check", BOOKING_DISTRIBUTION="citus", ADMISSION_GROUPING="all")

    assert run.returncode != 0
    [sentence] = run.stderr.strip().splitlines()
    assert "BOOKING_DISTRIBUTION" in sentence
    assert "ADMISSION_GROUPING=event" in sentence
