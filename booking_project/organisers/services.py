"""What organisers do. Bookings change only through the core's own services."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from booking_project.bookings.domain.transitions import BookingStatus
from booking_project.bookings.models import Booking, Event
from booking_project.bookings.services.bookings import booking_cancel
from booking_project.organisers.models import Note
from booking_project.organisers.selectors import CancellationPlan, named
from shared.errors import DomainError


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What became of the bookings that were to be cancelled, and who got seats for them."""

    done: list[Booking] = field(default_factory=list)
    refused: list[tuple[Booking, DomainError]] = field(default_factory=list)
    promoted: list[Booking] = field(default_factory=list)


def bookings_cancel(plans: Iterable[CancellationPlan], *, actor: str) -> Cancelled:
    """Each in a transaction of its own: one that can't be cancelled stops none of the others."""
    result = Cancelled()
    expected: list[int] = []
    for plan in plans:
        expected += [each.pk for each in plan.next_in_line]
        for booking in plan.bookings:
            try:
                booking_cancel(booking_id=booking.pk, actor=actor)
            except DomainError as refusal:
                result.refused.append((booking, refusal))
            else:
                result.done.append(booking)
    seated = Booking.objects.filter(pk__in=expected, status=BookingStatus.CONFIRMED)
    result.promoted.extend(named(seated.order_by("pk")))
    return result


def note_add(*, about: Event | Booking, text: str, author: User) -> Note:
    subject = {"event": about} if isinstance(about, Event) else {"booking": about}
    return Note.objects.create(text=text, author=author, **subject)
