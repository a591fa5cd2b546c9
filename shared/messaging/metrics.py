"""What a consuming process reports about itself."""

from prometheus_client import Counter, Gauge

HANDLED = Counter(
    "consumer_messages",
    "Messages that are off the queue, by what became of them",
    ["queue", "outcome"],
)
QUEUED = Gauge("consumer_queue_messages", "Messages that wait in the queue", ["queue"])
DEAD_LETTERS = Gauge("consumer_dead_letters", "Messages in the dead-letter queue", ["queue"])
