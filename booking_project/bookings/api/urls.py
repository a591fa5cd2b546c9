from django.urls import path

from booking_project.bookings.api.views import BookingDetail, EventBookings, EventStatus

urlpatterns = [
    path("events/<str:event_id>/status", EventStatus.as_view(), name="event-status"),
    path("events/<str:event_id>/bookings", EventBookings.as_view(), name="event-bookings"),
    path("bookings/<str:booking_id>", BookingDetail.as_view(), name="booking-detail"),
]
