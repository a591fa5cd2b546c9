from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import path
from django.views.decorators.cache import cache_control
from django.views.decorators.vary import vary_on_headers

from booking_project.bookings.api.views import (
    BookingDetail,
    EventBookings,
    EventStatus,
    UserBookings,
)

View = Callable[..., HttpResponseBase]


def _about_users(view: View) -> View:
    """A response to one caller must not be cached for another. That includes refusals."""
    private: View = cache_control(no_store=True)(vary_on_headers("Authorization", "Cookie")(view))
    return private


urlpatterns = [
    path("api/v1/events/<str:event_id>/status", EventStatus.as_view(), name="event-status"),
    path(
        "api/v1/events/<str:event_id>/bookings",
        _about_users(EventBookings.as_view()),
        name="event-bookings",
    ),
    path(
        "api/v1/bookings/<str:booking_id>",
        _about_users(BookingDetail.as_view()),
        name="booking-detail",
    ),
    path("api/v1/bookings", _about_users(UserBookings.as_view()), name="user-bookings"),
]
