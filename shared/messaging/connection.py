"""How connections to RabbitMQ are opened, so that none can hang forever."""

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker, ConnectionClosedByBroker

from shared.messaging.errors import BrokerUnavailable, TopologyMismatch
from shared.messaging.header_tables import read_leniently
from shared.messaging.topology import declare

read_leniently()

HEARTBEAT_SECONDS = 30
_PRECONDITION_FAILED = 406

# Content too large, not found, precondition failed (a message above the broker's limit); and frame
# error, syntax error, command invalid, unexpected frame.
_SENDERS_FAULT = frozenset({311, 404, 406, 501, 502, 503, 505})


def connection_parameters(url: str, *, connect_timeout: float) -> pika.URLParameters:
    """`connect_timeout` is in seconds. It bounds the connect and, separately, the handshake."""
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = connect_timeout
    parameters.stack_timeout = connect_timeout
    parameters.connection_attempts = 1
    parameters.heartbeat = HEARTBEAT_SECONDS
    return parameters


def open_channel(url: str, *, timeout: float) -> BlockingChannel:
    """A channel on a new connection, with the topology declared. `timeout` is in seconds.

    It bounds each step, and also the wait during a broker alarm (forever by pika's default).
    Raises `BrokerUnavailable`, and `TopologyMismatch` if a queue exists with other arguments.
    """
    parameters = connection_parameters(url, connect_timeout=timeout)
    parameters.blocked_connection_timeout = timeout
    try:
        connection = pika.BlockingConnection(parameters)
    except (AMQPError, AMQPConnectorException, OSError) as error:
        # The second isn't an AMQPError; a stalled handshake raises it.
        raise BrokerUnavailable(f"no connection: {error!r}") from error
    try:
        channel = connection.channel()
        declare(channel)
    except ChannelClosedByBroker as error:
        connection.close()
        raise refusal(error) from error
    except (AMQPError, OSError) as error:
        raise BrokerUnavailable(f"lost while opening: {error!r}") from error
    return channel


def refusal(error: ChannelClosedByBroker) -> BrokerUnavailable | TopologyMismatch:
    """Why the broker closed a channel on which we declared our topology."""
    if error.reply_code == _PRECONDITION_FAILED:
        return TopologyMismatch(
            f"RabbitMQ has a queue or exchange that differs from ours: {error.reply_text}. "
            "Let its messages drain, delete it, and start again."
        )
    return BrokerUnavailable(f"refused: {error!r}")


def is_senders_fault(error: BaseException) -> bool:
    """Whether the broker closed a channel, or the connection, because of what we sent there."""
    if not isinstance(error, ChannelClosedByBroker | ConnectionClosedByBroker):
        return False
    return error.reply_code in _SENDERS_FAULT
