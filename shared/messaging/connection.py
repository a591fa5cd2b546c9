"""Opens connections to RabbitMQ that can't hang for ever."""

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker

from shared.messaging.errors import BrokerUnavailable, TopologyMismatch
from shared.messaging.topology import declare

_PRECONDITION_FAILED = 406


def open_channel(
    url: str, *, connect_timeout: float, heartbeat: int, blocked_timeout: float
) -> BlockingChannel:
    """A channel of a new connection, with the topology declared. Times are in seconds.

    `blocked_timeout` bounds a broker alarm (pika's default waits for ever).
    Raises `BrokerUnavailable`, and `TopologyMismatch` where a queue exists with other arguments.
    """
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = connect_timeout
    parameters.stack_timeout = connect_timeout
    parameters.connection_attempts = 1
    parameters.heartbeat = heartbeat
    parameters.blocked_connection_timeout = blocked_timeout
    try:
        connection = pika.BlockingConnection(parameters)
    except (AMQPError, AMQPConnectorException, OSError) as error:
        # The second is no AMQPError; a handshake that stalls raises it.
        raise BrokerUnavailable(f"no connection: {error!r}") from error
    try:
        channel = connection.channel()
        declare(channel)
    except ChannelClosedByBroker as error:
        connection.close()
        if error.reply_code == _PRECONDITION_FAILED:
            raise TopologyMismatch(
                f"RabbitMQ has a queue or exchange that differs from ours: {error.reply_text}. "
                "Let its messages drain, delete it, and start again."
            ) from error
        raise BrokerUnavailable(f"refused: {error!r}") from error
    except (AMQPError, OSError) as error:
        raise BrokerUnavailable(f"lost while opening: {error!r}") from error
    return channel
