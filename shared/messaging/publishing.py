"""The publisher of this process."""

from shared.messaging.publisher import Publisher
from shared.observability import tracing


def make_publisher(url: str, *, timeout: float) -> Publisher:
    """One that records spans, where traces are recorded."""
    if not tracing.is_recording():
        return Publisher(url, timeout=timeout)
    from shared.messaging.traced import TracedPublisher

    return TracedPublisher(url, timeout=timeout)
