"""What can go wrong between us and the broker, without naming the client library."""


class NotPublished(Exception):
    """Why a message is not at the broker, as far as we know. The publishing code keeps it."""


class BrokerUnavailable(NotPublished):
    """The broker can't be reached, is blocked, or did not confirm in time."""


class Unroutable(NotPublished):
    """The broker has no queue for this message. An operator must fix that; it won't pass."""


class TopologyMismatch(NotPublished):
    """A queue or exchange exists with arguments other than ours."""


class ChannelRefused(BrokerUnavailable):
    """The broker closed the channel, or the connection, because of something we sent."""


class Unpublishable(NotPublished):
    """The message itself is at fault: it can't be encoded, or the broker refuses it."""


class BadMessage(Exception):
    """A message that no retry will make valid. The error's text is the reason."""


class HandlerUnavailable(Exception):
    """The handler can't work now (its database is away): not the message's fault, try again."""


class TryLater(Exception):
    """The handler can't process this message now, perhaps never. Others may well succeed."""


class HandleAlone(Exception):
    """The handler wants this message in a batch of its own."""
