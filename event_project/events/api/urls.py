from django.urls import path

from event_project.events.api.views import EventDetail, EventList

urlpatterns = [
    path("events", EventList.as_view(), name="event-list"),
    path("events/<str:event_id>", EventDetail.as_view(), name="event-detail"),
]
