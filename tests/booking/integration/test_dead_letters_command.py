"""`manage_booking.py dead_letters` on a real broker."""

from collections.abc import Iterator
from io import StringIO

import pika
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.support.broker import Broker, connected
from tests.support.waiting import until


@pytest.fixture
def broker(settings: Settings) -> Iterator[Broker]:
    with connected() as broker:
        settings.RABBITMQ_URL = broker.url
        yield broker


@pytest.fixture
def letters(broker: Broker) -> Broker:
    for number in (1, 2):
        properties = pika.BasicProperties(
            message_id=f"id-{number}", type="event.updated", headers={"x-reason": "not JSON: why"}
        )
        body = b'{"number": %d, "\xff": 1}' % number
        broker.channel.basic_publish("", broker.dead_letter_queue, body, properties, mandatory=True)
    return broker


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("dead_letters", *arguments, stdout=output)
    return output.getvalue()


def test_a_list_has_a_line_for_each_and_a_total(letters: Broker) -> None:
    first, second, summary = run("list").splitlines()

    assert first.split()[:2] == ["id-1", "event.updated"]
    assert "not JSON: why" in second
    assert summary == "2 dead letters in booking-service.events.dead"


def test_an_empty_list_says_so(broker: Broker) -> None:
    assert run("list") == "0 dead letters in booking-service.events.dead\n"
    assert "booking-service.notifications.dead" in run("--queue", "notifications", "list")


def test_one_is_shown_with_headers_and_body_whatever_its_bytes(letters: Broker) -> None:
    shown = run("show", "id-2")

    assert "header x-reason: not JSON: why" in shown
    assert '{"number": 2, "\\xff": 1}' in shown
    assert "id-1" not in shown


def test_control_characters_do_not_reach_the_terminal(broker: Broker) -> None:
    forged = "\x1b[2J\nid: forged"
    properties = pika.BasicProperties(
        message_id=forged,
        type=forged,
        timestamp=2**62,
        headers={"x-reason": forged, forged: forged, "list": [forged]},
    )
    body = f"{forged}\r\x9b1A".encode()
    broker.channel.basic_publish("", broker.dead_letter_queue, body, properties)
    until(lambda: broker.size(broker.dead_letter_queue) == 1, "the letter")

    listed = run("list")
    letter, _ = listed.splitlines()
    name = letter.split("  ")[0]
    until(lambda: broker.size(broker.dead_letter_queue) == 1, "the letter in its place")
    shown = run("show", name)

    for text in (listed, shown):
        assert not {character for character in text if not character.isprintable()} - {"\n"}
        assert not [line for line in text.splitlines() if line.startswith("id: forged")]
    until(lambda: broker.size(broker.dead_letter_queue) == 1, "the letter in its place")
    assert run("drop", name) == "dropped 1 of booking-service.events.dead\n"


def test_only_the_beginning_of_a_huge_body_is_shown(broker: Broker) -> None:
    broker.channel.basic_publish(
        "", broker.dead_letter_queue, b"x" * 100_000, pika.BasicProperties(message_id="huge")
    )
    until(lambda: broker.size(broker.dead_letter_queue) == 1, "the letter")

    assert "(34464 bytes more)" in run("show", "huge")


def test_one_is_replayed_and_the_other_dropped(letters: Broker) -> None:
    assert run("replay", "id-2") == "sent 1 back to booking-service.events\n"
    assert letters.wait_for_message().properties.message_id == "id-2"
    until(lambda: letters.size(letters.dead_letter_queue) == 1, "the other in its place")

    assert run("drop", "--all") == "dropped 1 of booking-service.events.dead\n"
    assert letters.size(letters.dead_letter_queue) == 0
    assert letters.take() is None


@pytest.mark.parametrize("action", ["show", "replay", "drop"])
def test_an_unknown_id_is_named_and_nothing_moves(letters: Broker, action: str) -> None:
    with pytest.raises(CommandError, match="id-9"):
        run(action, "id-1", "id-9")

    until(lambda: letters.size(letters.dead_letter_queue) == 2, "both in their place")


@pytest.mark.parametrize("arguments", [[], ["replay"], ["drop"], ["drop", "id-1", "--all"]])
def test_an_action_and_its_dead_letters_must_be_named(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)


def test_an_unavailable_broker_is_reported_in_a_sentence(settings: Settings) -> None:
    settings.RABBITMQ_URL = "amqp://guest:guest@127.0.0.1:1/"

    with pytest.raises(CommandError, match="no connection"):
        run("list")
