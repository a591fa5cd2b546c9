"""A broker may deliver messages twice and in any order."""

import random

from tests.support.faults.system import FaultySystem
from tests.support.faults.trial import Trial
from tests.support.waiting import until

SECONDS = 60


def test_messages_shuffled_and_delivered_twice(system: FaultySystem, trial: Trial) -> None:
    with system.without(system.consumer):
        events = [trial.ledger.create() for _ in range(10)]
        for _ in range(50):
            event = random.choice(events)
            assert event is not None
            assert trial.ledger.edit(event.id) is not None
        until(lambda: system.databases.pending() == 0, "marks", seconds=SECONDS)
        messages = system.databases.history(above=trial.above) * 2
        random.shuffle(messages)
        with system.broker() as broker:
            broker.channel.queue_purge(broker.queue)
            for message_id, routing_key, body in messages:
                broker.publish(body, message_id=message_id, routing_key=routing_key)
        trial.mended()

    trial.settle()
    until(lambda: trial.duplicated == 60, "each message twice", seconds=SECONDS)
