from collections.abc import Iterator

from django.contrib import admin

from booking_project.bookings.models import Booking, Event
from shared.admin.read_only import ReadOnlyAdmin


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Read-only: the event service owns events."""

    list_display = [
        "id",
        "name",
        "confirmed_count",
        "max_seats",
        "waitlisted_count",
        "waitlist_limit",
        "booking_start_at",
        "booking_end_at",
        "version",
    ]
    list_filter = ["booking_start_at", "booking_end_at", "cancelled_at", "cancellation_pending"]
    search_fields = ["=id", "name"]
    readonly_fields = ["standing"]

    @admin.display(description="What goes on")
    def standing(self, event: Event) -> str:
        return " ".join(_sentences(event)) or "Nothing out of the ordinary."


def _sentences(event: Event) -> Iterator[str]:
    taken, seats = event.confirmed_count, event.max_seats
    waiting, places = event.waitlisted_count, event.waitlist_limit
    if event.cancellation_pending:
        yield "The event is cancelled, and its bookings are being cancelled."
    elif event.promotion_cause:
        yield "Those who wait are being given seats, in order. Newcomers wait behind them."
    if taken > seats:
        yield (
            f"{taken} seats are taken and there are {seats}. Nobody loses a seat, and nobody is "
            f"booked or promoted until fewer than {seats} are taken."
        )
    if waiting > places:
        yield (
            f"{waiting} people wait and there are {places} places in line. They keep their place, "
            f"and nobody is added until fewer than {places} wait."
        )


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    """Read-only: bookings change only under a lock."""

    list_display = ["id", "event", "user_id", "status", "waitlist_order", "created_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["event"]
    search_fields = ["=id", "=event__id", "user_id"]
