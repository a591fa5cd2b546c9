"""Spans of admission: the wait of each command, and the work that a group shares. Import it only
where traces are recorded."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

from booking_project.bookings.admission import Admission, Decision
from booking_project.bookings.domain.commands import Command
from booking_project.bookings.models import Booking
from shared.idempotency.requests import Result
from shared.observability.recording import span, together


class TracedAdmission(Admission):
    """A command's span has a link to that of the transaction that decided on it, or is its parent.
    A command that changes queues has been looked at twice."""

    def __init__(
        self,
        *,
        decide_without_lock: Callable[..., Sequence[Decision]],
        decide_free: Callable[..., Sequence[Decision]],
        decide_event: Callable[..., Sequence[Decision]],
        **options: Any,
    ) -> None:
        super().__init__(
            decide_without_lock=_traced("refuse without a lock", decide_without_lock),
            decide_free=_traced("transaction", decide_free),
            decide_event=_traced("transaction", decide_event),
            **options,
        )

    def submit(self, command: Command) -> Result[Booking]:
        with span("admission") as waiting:
            return super().submit(replace(command, step=waiting))


def _traced(
    name: str, decide: Callable[..., Sequence[Decision]]
) -> Callable[..., Sequence[Decision]]:
    """`decide` gets the commands last."""

    @wraps(decide)
    def traced(*arguments: Any) -> Sequence[Decision]:
        steps = [command.step for command in arguments[-1]]
        with together(name, steps, size_name="reservation.group.size"):
            return decide(*arguments)

    return traced
