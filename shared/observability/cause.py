"""What caused work that is done later, as a text that can be stored beside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.observability.request_id import bound, request_id
from shared.observability.tracing import Step, span

# An id, a space and a `traceparent`.
MOST_CHARACTERS = 200


def cause_of(*, request_id: str, step: Step | None) -> str:
    """The request's id and the step of its trace, if there is one."""
    return f"{request_id} {step.traceparent}" if step else request_id


@contextmanager
def resumed(cause: str, name: str) -> Iterator[None]:
    """The block, a span of that name, belongs to the cause. An empty one changes nothing."""
    number, _, traceparent = cause.partition(" ")
    with bound(number or request_id.get()), span(name, parent=traceparent or None):
        yield
