from django.urls import path

from event_project.events.api.views import EventCancellation, EventDetail, EventList

urlpatterns = [
    path("api/v1/events", EventList.as_view(), name="event-list"),
    path("api/v1/events/<str:event_id>", EventDetail.as_view(), name="event-detail"),
    path("api/v1/events/<str:event_id>/cancel", EventCancellation.as_view(), name="event-cancel"),
]
