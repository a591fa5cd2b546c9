"""Dead letters on a real broker: list, replay and drop."""

from collections.abc import Callable

import pika
import pytest

from shared.messaging.dead_letters import UnknownDeadLetters, dead_letters, drop, replay
from shared.messaging.topology import EVENTS_QUEUE
from tests.support.broker import Broker
from tests.support.waiting import until


def add_dead_letter(broker: Broker, body: bytes, *, message_id: str | None) -> None:
    properties = pika.BasicProperties(
        message_id=message_id,
        type="event.updated",
        timestamp=1771581600,
        headers={"x-reason": "not JSON", "traceparent": "kept", "x-first-death-queue": "q"},
    )
    broker.channel.basic_publish("", broker.dead_letter_queue, body, properties, mandatory=True)


@pytest.fixture
def three(broker: Broker) -> Broker:
    for number in (1, 2, 3):
        add_dead_letter(broker, b"%d" % number, message_id=f"id-{number}")
    return broker


def ids(broker: Broker) -> list[str]:
    return [letter.id for letter in dead_letters(url=broker.url, queue=EVENTS_QUEUE)]


def test_they_are_listed_in_their_order_and_stay(three: Broker) -> None:
    letters = dead_letters(url=three.url, queue=EVENTS_QUEUE)

    assert [letter.id for letter in letters] == ["id-1", "id-2", "id-3"]
    assert letters[0].reason == "not JSON"
    assert letters[0].type == "event.updated"
    assert letters[0].body == b"1"
    assert letters[0].sent_at is not None
    assert letters[0].sent_at.isoformat() == "2026-02-20T10:00:00+00:00"
    until(lambda: ids(three) == ["id-1", "id-2", "id-3"], "all of them back in their order")


def test_one_without_an_id_is_named_after_its_body(broker: Broker) -> None:
    add_dead_letter(broker, b"1", message_id=None)

    (name,) = ids(broker)

    assert name.startswith("body-")
    until(lambda: ids(broker) == [name], "the same name again")


def test_a_replayed_one_is_in_its_queue_without_dead_letter_headers(three: Broker) -> None:
    assert replay(url=three.url, queue=EVENTS_QUEUE, ids=["id-2"]) == 1

    message = three.wait_for_message()
    assert message.body == b"2"
    assert message.properties.message_id == "id-2"
    assert message.properties.headers["traceparent"] == "kept"
    assert not {"x-reason", "x-first-death-queue"} & set(message.properties.headers)
    until(lambda: ids(three) == ["id-1", "id-3"], "the others in their place")


def test_all_can_be_replayed_in_their_order(three: Broker) -> None:
    assert replay(url=three.url, queue=EVENTS_QUEUE, ids=None) == 3

    found = [three.wait_for_message().body for _ in range(3)]
    assert found == [b"1", b"2", b"3"]
    assert ids(three) == []


def test_dropped_ones_are_gone(three: Broker) -> None:
    assert drop(url=three.url, queue=EVENTS_QUEUE, ids=["id-1", "id-3"]) == 2

    until(lambda: ids(three) == ["id-2"], "the one that was not dropped")
    assert three.take() is None


@pytest.mark.parametrize("action", [replay, drop])
def test_an_unknown_id_moves_nothing(three: Broker, action: Callable[..., int]) -> None:
    with pytest.raises(UnknownDeadLetters, match="id-9"):
        action(url=three.url, queue=EVENTS_QUEUE, ids=["id-1", "id-9"])

    until(lambda: ids(three) == ["id-1", "id-2", "id-3"], "all of them")
    assert three.take() is None


def test_no_dead_letters_give_an_empty_list(broker: Broker) -> None:
    assert ids(broker) == []
    assert replay(url=broker.url, queue=EVENTS_QUEUE, ids=None) == 0
