from django.urls import path

from booking_project.bookings.api.views import (
    BookingDetail,
    EventBookings,
    EventList,
    EventStatus,
    UserBookings,
    WaitingRoom,
)

urlpatterns = [
    path("api/v1/events/<str:event_id>/status", EventStatus.as_view(), name="event-status"),
    path("api/v1/events/<str:event_id>/bookings", EventBookings.as_view(), name="event-bookings"),
    path("api/v1/events/<str:event_id>/waiting-room", WaitingRoom.as_view(), name="waiting-room"),
    path("api/v1/bookings/<str:booking_id>", BookingDetail.as_view(), name="booking-detail"),
    path("api/v1/bookings", UserBookings.as_view(), name="user-bookings"),
    path("api/v1/events", EventList.as_view(), name="event-list"),
]
