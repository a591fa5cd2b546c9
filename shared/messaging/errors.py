"""What can go wrong between us and the broker, without naming the client library."""


class NotPublished(Exception):
    """Why a message is not at the broker, as far as we know. Whoever publishes keeps it."""


class BrokerUnavailable(NotPublished):
    """The broker can't be reached, is blocked, or did not confirm in time."""


class Unroutable(NotPublished):
    """The broker has no queue for this message: an operator's problem, not a passing one."""


class TopologyMismatch(NotPublished):
    """A queue or exchange exists with other arguments than ours."""


class ChannelRefused(BrokerUnavailable):
    """The broker closed the channel, or the connection, because of something that we sent."""


class Unpublishable(NotPublished):
    """The message itself is the reason: it can't be encoded, or the broker refuses it."""


class BadMessage(Exception):
    """A message that no retry will make understandable. Its text is the reason."""
