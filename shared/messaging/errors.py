"""What can go wrong between us and the broker, without naming the client library."""


class BrokerUnavailable(Exception):
    """The broker can't be reached, is blocked, or did not confirm in time. Nothing is lost:
    whoever publishes keeps the message."""


class Unroutable(Exception):
    """The broker has no queue for this message: an operator's problem, not a passing one."""


class BadMessage(Exception):
    """A message that no retry will make understandable. Its text is the reason."""


class TopologyMismatch(Exception):
    """A queue or exchange exists with other arguments than ours."""
